/* What a dependency grants, told from the model: the oracle that outputs are held against. */
#include "compiler/contract/netaddr.h"
#include "tests/property/grants.h"

struct question {
	const struct tc_config *config;
	const struct model_tentacle *t;
	struct tc_arena *mem;
};

/* Is the pair (a peer and a port, as grants.c writes it) what this destination needs? */
static bool peer_is(struct question *q, const char *pair, const char *peer, const char *protocol, unsigned port)
{
	return strcmp(pair, tc_printf(q->mem, "%s|%s/%u", peer, protocol, port)) == 0;
}

static bool service_needs(struct question *q, const struct model_dep *d, const char *pair)
{
	const struct tc_service_config *s = tc_config_service(q->config, d->service->key);
	unsigned port = s->peer.pod_port ? s->peer.pod_port : s->port;
	const char *ns = s->host ? tc_host_namespace(q->mem, s->host) : NULL;

	if (!s->host)
		return false;
	if (s->peer.cidrs.count)
		return peer_is(q, pair, s->peer.cidrs.list[0], "TCP", port);
	if (ns)
		return peer_is(q, pair, tc_printf(q->mem, "ns:%s", ns), "TCP", port);
	return peer_is(q, pair, tc_printf(q->mem, "%s/32", s->host), "TCP", port);
}

static bool block_needs(struct question *q, const char *cidr, unsigned port, const char *pair)
{
	bool all = strcmp(cidr, "0.0.0.0/0") == 0 || strcmp(cidr, "::/0") == 0;

	return peer_is(q, pair, tc_printf(q->mem, "%s%s", cidr, all ? "!" : ""), "TCP", port);
}

static bool dep_needs(struct question *q, const struct model_dep *d, const char *pair)
{
	bool own = q->config->netpol_mode == TC_NETPOL_CONTRACT && q->t->policy != POLICY_EXCLUSIVE;

	if (d->gone || (d->kind != DEP_PLATFORM && !own))
		return false;
	switch (d->kind) {
	case DEP_PLATFORM:
		return service_needs(q, d, pair);
	case DEP_OUTSIDE:
		return peer_is(q, pair, "0.0.0.0/0!", "TCP", d->port) || peer_is(q, pair, "::/0!", "TCP", d->port);
	case DEP_ADDRESS:
		return block_needs(q, tc_printf(q->mem, "%s%s", d->host, strchr(d->host, ':') ? "/128" : "/32"),
				   d->port, pair);
	case DEP_INSIDE:
		return peer_is(q, pair, "ns:" MODEL_SHARED_NAMESPACE, "TCP", d->port);
	case DEP_BLOCK:
		return block_needs(q, d->cidr, d->port, pair);
	case DEP_MODULES:
		return *q->config->module_proxy && peer_is(q, pair, "ns:tentacular-system", "TCP", 8443);
	case DEP_OPAQUE:
		return false;
	}
	return false;
}

/* Everything but the dependency: DNS, additionalEgress, and what the author's own policy has. */
static bool others_need(struct question *q, const char *pair)
{
	const struct model_tentacle *t = q->t;
	bool own = q->config->netpol_mode == TC_NETPOL_CONTRACT && t->policy != POLICY_EXCLUSIVE;

	if (peer_is(q, pair, "ns:kube-system", "UDP", 53) || peer_is(q, pair, "ns:kube-system", "TCP", 53))
		return true;
	if (own && t->extra && tc_str_starts(tc_str(pair), "10.20.99.0/24|"))
		return true;
	if (t->policy == POLICY_NONE || t->policy == POLICY_INGRESS)
		return false;
	return (t->policy_has_postgres && peer_is(q, pair, "ns:tentacular-system", "TCP", 5432)) ||
	       ((t->seed & 4096) && peer_is(q, pair, "ns:monitoring", "TCP", 9090));
}

static const char *lower_host(struct question *q, const char *host)
{
	char *copy = tc_strdup(q->mem, host);
	size_t n = strlen(copy);

	for (char *c = copy; *c; c++)
		*c = (char)(tc_is_upper(*c) ? *c - 'A' + 'a' : *c);
	if (n && copy[n - 1] == '.')
		copy[n - 1] = '\0';
	return copy;
}

static bool dep_calls(struct question *q, const struct model_dep *d, const char *host_port)
{
	const struct tc_service_config *s;

	if (d->gone)
		return false;
	switch (d->kind) {
	case DEP_PLATFORM:
		s = tc_config_service(q->config, d->service->key);
		return s->host && strcmp(host_port, tc_printf(q->mem, "%s:%u", s->host, s->port)) == 0;
	case DEP_OUTSIDE:
	case DEP_INSIDE:
		return strcmp(host_port, tc_printf(q->mem, "%s:%u", lower_host(q, d->host), d->port)) == 0;
	case DEP_ADDRESS:
		return strcmp(host_port,
			      tc_printf(q->mem, strchr(d->host, ':') ? "[%s]:%u" : "%s:%u", d->host, d->port)) == 0;
	case DEP_BLOCK:
		return strcmp(d->cidr, "8.8.8.8/32") == 0 &&
		       strcmp(host_port, tc_printf(q->mem, "8.8.8.8:%u", d->port)) == 0;
	case DEP_MODULES:
		return *q->config->module_proxy && strcmp(host_port, "modules.tentacular-system.svc:8443") == 0;
	case DEP_OPAQUE:
		return false;
	}
	return false;
}

/* Is it among what the author wrote behind --allow-net=? */
static bool author_calls(const struct model_tentacle *t, const char *container, const char *host_port)
{
	size_t n = strlen(host_port);

	for (size_t i = 0; i < t->ncontainers; i++) {
		const char *at = t->containers[i].net;

		if (strncmp(container, t->containers[i].name, strlen(t->containers[i].name)) != 0)
			continue;
		for (; at && (at = strstr(at, host_port)) != NULL; at++)
			if ((at == t->containers[i].net || at[-1] == ',') && (at[n] == ',' || !at[n]))
				return true;
	}
	return false;
}

typedef bool needs_fn(struct question *q, const struct model_dep *d, const char *what);

static bool only_dep(struct question *q, const struct model_dep *dep, needs_fn *needs, const char *what)
{
	bool by_it = false;

	for (size_t i = 0; i < q->t->ndeps; i++) {
		const struct model_dep *d = &q->t->deps[i];

		if (!needs(q, d, what))
			continue;
		if (d != dep)
			return false;
		by_it = true;
	}
	return by_it;
}

static bool is_last_platform(const struct model_tentacle *t, const struct model_dep *dep)
{
	bool any = false;

	for (size_t i = 0; i < t->ndeps; i++) {
		const struct model_dep *d = &t->deps[i];

		if (d->gone || d->kind != DEP_PLATFORM)
			continue;
		if (d != dep)
			return false;
		any = true;
	}
	return any;
}

static bool is_spire(const struct model_dep *d)
{
	return d->kind == DEP_PLATFORM && d->service->csi_driver;
}

static bool loses_spire(const struct model_tentacle *t, const struct model_dep *dep)
{
	for (size_t i = 0; i < t->ndeps; i++)
		if (!t->deps[i].gone && is_spire(&t->deps[i]) && dep == &t->deps[i])
			return true;
	return false;
}

static bool names_dep(const struct model_tentacle *t, const struct model_dep *dep, const char *key)
{
	for (size_t i = 0; i < t->ndeps; i++) {
		const struct model_dep *d = &t->deps[i];

		if (d->kind == DEP_PLATFORM && d == dep && strncmp(key, d->name, strlen(d->name)) == 0 &&
		    key[strlen(d->name)] == '.')
			return true;
	}
	return strcmp(key, "contract.yaml") == 0 && is_last_platform(t, dep);
}

/* The part behind the next bar. */
static const char *rest(const char *line)
{
	const char *bar = strchr(line, '|');

	return bar ? bar + 1 : "";
}

static bool lost_mount(const struct model_tentacle *t, const struct model_dep *dep, const char *path)
{
	if (strncmp(path, "/app/secrets", 12) == 0)
		return t->mount == MOUNT_NONE && is_last_platform(t, dep);
	return strncmp(path, "/spiffe-work", 12) == 0 && loses_spire(t, dep);
}

bool grants_of(const struct model_tentacle *t, const char *line)
{
	char slash[2 * 64 + 2], dot[2 * 64 + 2];
	const char *who = rest(line);
	size_t n = (size_t)snprintf(slash, sizeof(slash), "%s/%s", t->enclave, t->name);

	(void)snprintf(dot, sizeof(dot), "%s.%s", t->enclave, t->name);
	if (tc_str_starts(tc_str(line), "spiffe|"))
		return strcmp(who, dot) == 0;
	return strncmp(who, slash, n) == 0 && (!who[n] || who[n] == '|');
}

bool grants_lost(const struct tc_config *config, const struct model_tentacle *t, const struct model_dep *dep,
		 const char *line)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	struct question q = {.config = config, .t = t, .mem = mem};
	const char *what = rest(rest(line));

	if (!grants_of(t, line))
		return false;
	if (tc_str_starts(tc_str(line), "spiffe|"))
		return loses_spire(t, dep);
	if (tc_str_starts(tc_str(line), "secret|"))
		return is_last_platform(t, dep);
	if (tc_str_starts(tc_str(line), "key|") || tc_str_starts(tc_str(line), "item|"))
		return names_dep(t, dep, what);
	if (tc_str_starts(tc_str(line), "egress|"))
		return !others_need(&q, what) && only_dep(&q, dep, dep_needs, what);
	if (tc_str_starts(tc_str(line), "net|"))
		return !author_calls(t, what, rest(what)) && only_dep(&q, dep, dep_calls, rest(what));
	if (tc_str_starts(tc_str(line), "mount|"))
		return lost_mount(t, dep, rest(what));
	if (tc_str_starts(tc_str(line), "env|"))
		return strcmp(rest(what), "SPIFFE_ENDPOINT_SOCKET") == 0 && loses_spire(t, dep);
	if (tc_str_starts(tc_str(line), "volume|tentacular") || strcmp(what, "tentacular-exoskeleton") == 0)
		return is_last_platform(t, dep);
	if (tc_str_starts(tc_str(line), "volume|"))
		return strcmp(what, "spiffe-workload-api") == 0 && loses_spire(t, dep);
	return false; /* pod labels come with the contract, and stay as long as it does */
}
