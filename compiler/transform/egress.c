#include "compiler/transform/egress.h"

#include "compiler/tree/emit.h"

/* The meaning of a rule: its peers and ports, each as canonical JSON, sorted. */
static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *canonical(struct tc_arena *mem, const struct tc_node *n)
{
	_cleanup_buf_ struct tc_buf json = {0};

	tc_emit_canonical(&json, n);
	return tc_strndup(mem, json.p, json.len);
}

/* A port without a protocol is a TCP port. */
static const struct tc_node *with_protocol(struct tc_arena *mem, const struct tc_node *port)
{
	struct tc_node *copy;

	if (!tc_is(port, TC_MAP) || tc_get(port, "protocol"))
		return port;
	copy = tc_copy_new(mem, port, NULL);
	tc_put(mem, copy, "protocol", tc_new_string(mem, NULL, TC_STR("TCP")));
	return copy;
}

static void add_sorted(struct tc_arena *mem, struct tc_buf *out, const struct tc_node *list, bool ports)
{
	const char **texts = tc_alloc(mem, sizeof(char *) * (tc_is(list, TC_SEQ) ? tc_deref(list)->count : 0));
	size_t n = 0;

	for (const struct tc_node *i = tc_item(list); i; i = tc_item_next(i))
		texts[n++] = canonical(mem, ports ? with_protocol(mem, i) : i);
	qsort(texts, n, sizeof(char *), compare_texts);
	for (size_t i = 0; i < n; i++) {
		tc_buf_puts(out, texts[i]);
		tc_buf_putc(out, '\n');
	}
}

static const char *meaning(struct tc_arena *mem, const struct tc_node *rule)
{
	_cleanup_buf_ struct tc_buf out = {0};

	add_sorted(mem, &out, tc_get(rule, "to"), false);
	tc_buf_puts(&out, "--\n");
	add_sorted(mem, &out, tc_get(rule, "ports"), true);
	return tc_strndup(mem, out.p, out.len);
}

const struct tc_node *tc_egress_find(struct tc_arena *mem, const struct tc_node *rules, const struct tc_node *rule)
{
	const char *wanted = meaning(mem, rule);

	for (const struct tc_node *i = tc_item(rules); i; i = tc_item_next(i)) {
		if (strcmp(meaning(mem, i), wanted) == 0)
			return tc_deref(i);
	}
	return NULL;
}

/* The rules so far, and what each means. */
struct rules {
	struct tc_work *w;
	struct tc_node *list;
	const char **meanings; /* sorted */
	size_t count, cap;
};

static void add_rule(struct rules *r, struct tc_node *to, struct tc_node *ports, const struct tc_origin *origin)
{
	struct tc_arena *mem = r->w->mem;
	struct tc_node *rule = tc_new_map(mem, origin);
	const char *text;
	size_t low = 0, high = r->count;

	tc_put(mem, rule, "to", to);
	tc_put(mem, rule, "ports", ports);
	text = meaning(mem, rule);
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(r->meanings[mid], text) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < r->count && strcmp(r->meanings[low], text) == 0)
		return;
	tc_grow(mem, r->meanings, r->count, r->cap);
	memmove(&r->meanings[low + 1], &r->meanings[low], (r->count - low) * sizeof(char *));
	r->meanings[low] = text;
	r->count++;
	tc_push(r->list, rule);
}

static void add_port(struct tc_work *w, struct tc_node *ports, const char *protocol, unsigned number)
{
	struct tc_node *port = tc_new_map(w->mem, ports->origin);

	tc_put(w->mem, port, "protocol", tc_new_string(w->mem, ports->origin, tc_str(protocol)));
	tc_put(w->mem, port, "port", tc_new_int(w->mem, ports->origin, number));
	tc_push(ports, port);
}

static void add_namespace(struct tc_work *w, struct tc_node *to, const char *ns, const struct tc_labels *pods)
{
	struct tc_node *peer = tc_new_map(w->mem, to->origin), *selector, *labels;

	tc_put(w->mem, peer, "namespaceSelector", tc_new_selector(w->mem, to->origin, TC_LABEL_NAMESPACE, ns));
	if (pods && pods->count) {
		selector = tc_new_map(w->mem, to->origin);
		labels = tc_new_map(w->mem, to->origin);
		for (size_t i = 0; i < pods->count; i++)
			tc_put(w->mem, labels, pods->list[2 * i],
			       tc_new_string(w->mem, to->origin, tc_str(pods->list[2 * i + 1])));
		tc_put(w->mem, selector, "matchLabels", labels);
		tc_put(w->mem, peer, "podSelector", selector);
	}
	tc_push(to, peer);
}

static void add_block(struct tc_work *w, struct tc_node *to, const struct tc_cidr *cidr, const struct tc_cidr *except,
		      size_t nexcept)
{
	struct tc_node *peer = tc_new_map(w->mem, to->origin), *block = tc_new_map(w->mem, to->origin), *list;

	tc_put(w->mem, block, "cidr", tc_new_string(w->mem, to->origin, tc_str(tc_cidr_text(w->mem, cidr))));
	if (nexcept) {
		list = tc_new_seq(w->mem, to->origin);
		for (size_t i = 0; i < nexcept; i++)
			tc_push(list, tc_new_string(w->mem, to->origin, tc_str(tc_cidr_text(w->mem, &except[i]))));
		tc_put(w->mem, block, "except", list);
	}
	tc_put(w->mem, peer, "ipBlock", block);
	tc_push(to, peer);
}

/* All the world but the private ranges: what a name outside the cluster may resolve to. */
static void add_outside(struct tc_work *w, struct tc_node *to)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct tc_cidr all = {.v6 = v6};
		size_t n;
		const struct tc_cidr *private = tc_private_ranges(v6, &n);

		add_block(w, to, &all, private, n);
	}
}

/* Something of the platform's: blocks where it is outside the cluster, a namespace where it is inside. */
static void add_peer(struct rules *r, const char *host, unsigned port, const struct tc_peer *peer,
		     const struct tc_origin *origin)
{
	struct tc_work *w = r->w;
	struct tc_node *to = tc_new_seq(w->mem, origin), *ports = tc_new_seq(w->mem, origin);
	const char *ns = tc_host_namespace(w->mem, host);
	struct tc_cidr cidr;

	for (size_t i = 0; i < peer->cidrs.count; i++) {
		if (!tc_cidr_parse(w->mem, tc_str(peer->cidrs.list[i]), &cidr))
			add_block(w, to, &cidr, NULL, 0);
	}
	if (!peer->cidrs.count && ns)
		add_namespace(w, to, ns, &peer->pod_labels);
	else if (!peer->cidrs.count && !tc_cidr_parse(w->mem, tc_str(host), &cidr))
		add_block(w, to, &cidr, NULL, 0);
	add_port(w, ports, "TCP", peer->pod_port ? peer->pod_port : port);
	/* A rule without peers would mean everywhere; the configuration was checked, so this never is one. */
	if (to->count)
		add_rule(r, to, ports, origin);
}

static void add_dns(struct rules *r, const struct tc_origin *origin)
{
	const struct tc_config *c = r->w->stage->config;
	struct tc_node *to = tc_new_seq(r->w->mem, origin), *ports = tc_new_seq(r->w->mem, origin);

	add_namespace(r->w, to, c->dns_namespace, &c->dns_labels);
	add_port(r->w, ports, "UDP", c->dns_port);
	add_port(r->w, ports, "TCP", c->dns_port);
	add_rule(r, to, ports, origin);
}

static void add_destination(struct rules *r, const struct tc_egress_to *d, const struct tc_origin *origin)
{
	struct tc_work *w = r->w;
	struct tc_node *to = tc_new_seq(w->mem, origin), *ports = tc_new_seq(w->mem, origin);

	if (!d->host)
		add_block(w, to, &d->cidr, d->except, d->nexcept);
	else if (d->service_namespace)
		add_namespace(w, to, d->service_namespace, NULL);
	else
		add_outside(w, to);
	for (size_t i = 0; i < d->nports; i++)
		add_port(w, ports, d->ports[i].protocol, d->ports[i].number);
	if (d->nports)
		add_rule(r, to, ports, origin);
}

static void add_dependency(struct rules *r, const struct tc_dep *dep)
{
	const struct tc_config *c = r->w->stage->config;
	const struct tc_origin *origin = tc_dep_origin(r->w->mem, dep, "egress");

	switch (dep->kind) {
	case TC_DEP_HOST:
	case TC_DEP_CIDR:
		add_destination(r, &dep->to, origin);
		break;
	case TC_DEP_MODULES:
		if (*c->module_proxy)
			add_peer(r, c->module_proxy, c->module_proxy_port, &c->module_proxy_peer, origin);
		break;
	case TC_DEP_PLATFORM:
	case TC_DEP_OPAQUE:
		break;
	}
}

struct tc_node *tc_egress_rules(struct tc_work *w, const struct tc_tentacle *t, bool own)
{
	struct rules r = {.w = w, .list = tc_new_seq(w->mem, t->origin)};

	add_dns(&r, t->origin);
	for (size_t i = 0; i < t->contract->ndeps; i++) {
		const struct tc_dep *dep = &t->contract->deps[i];

		if (dep->kind == TC_DEP_PLATFORM && dep->config->host)
			add_peer(&r, dep->config->host, dep->config->port, &dep->config->peer,
				 tc_dep_origin(w->mem, dep, "egress"));
	}
	for (size_t i = 0; own && i < t->contract->ndeps; i++)
		add_dependency(&r, &t->contract->deps[i]);
	for (size_t i = 0; own && i < t->contract->nextra; i++)
		add_destination(&r, &t->contract->extra[i],
				tc_origin_new(w->mem, t->contract->extra[i].at, "additionalEgress"));
	return r.list;
}
