/* What a container is told beyond its files: where the SPIFFE socket is, and whom a Deno program may call. */
#include "compiler/transform/workload.h"

void tc_pod_add_variable(struct tc_pod_edit *e, const struct tc_container *c, const struct tc_origin *origin,
			 const char *name, const char *value)
{
	struct tc_node *variable = tc_new_map(e->w->mem, origin);
	const char *path = tc_ledger_path(e->w->mem, c->path, "env", tc_printf(e->w->mem, "[%s]", name), NULL);
	struct tc_diag *d;

	tc_put(e->w->mem, variable, "name", tc_new_string(e->w->mem, origin, tc_str(name)));
	tc_put(e->w->mem, variable, "value", tc_new_string(e->w->mem, origin, tc_str(value)));
	if (tc_pod_item(e, c->node, "env", "name", path, variable))
		return;
	d = tc_diag(e->w->diags, TC_MSG_RESERVED_NAME, tc_node_pos(tc_find(tc_get(c->node, "env"), "name", name)),
		    "container \"%s\" sets %s itself, and not to %s", c->name, name,
		    tc_quote(e->w->mem, tc_str(value)));
	tc_diag_help(d, "remove the variable: tentc sets it");
}

static void tell_socket(struct tc_pod_edit *e, const struct tc_container *c, const struct tc_dep *dep)
{
	struct tc_subject subject = tc_subject_of(e->w, e->t, dep->config);

	tc_pod_add_variable(e, c, tc_dep_origin(e->w->mem, dep, "socket"), dep->service->socket_env,
			    dep->service->socket(&subject));
}

/* Hosts as Deno's flag lists them, none twice. */
struct hosts {
	struct tc_arena *mem;
	const char **list;
	size_t count, cap;
};

static void add_host(struct hosts *h, const char *host, unsigned port)
{
	const char *text = tc_printf(h->mem, "%s:%u", host, port);

	for (size_t i = 0; i < h->count; i++) {
		if (strcmp(h->list[i], text) == 0)
			return;
	}
	tc_grow(h->mem, h->list, h->count, h->cap);
	h->list[h->count++] = text;
}

static void add_destination(struct hosts *h, const struct tc_egress_to *to)
{
	struct tc_str host = tc_str(to->host ? to->host : tc_cidr_text(h->mem, &to->cidr));
	const char *name;

	/* The flag knows no blocks: of those only single addresses, IPv6 in brackets. */
	if (!to->host && to->cidr.bits != (to->cidr.v6 ? 128 : 32))
		return;
	if (!to->host)
		host.len = (size_t)((const char *)memchr(host.s, '/', host.len) - host.s);
	name = tc_printf(h->mem, !to->host && to->cidr.v6 ? "[%.*s]" : "%.*s", TC_STR_ARG(host));
	for (size_t i = 0; i < to->nports; i++)
		add_host(h, name, to->ports[i].number);
}

static struct hosts declared_hosts(struct tc_pod_edit *e)
{
	const struct tc_contract *c = e->t->contract;
	const struct tc_config *config = e->w->stage->config;
	struct hosts h = {.mem = e->w->mem};

	for (size_t i = 0; i < c->ndeps; i++) {
		const struct tc_dep *dep = &c->deps[i];

		if (dep->kind == TC_DEP_PLATFORM && dep->config->host)
			add_host(&h, dep->config->host, dep->config->port);
		else if (dep->kind == TC_DEP_HOST || dep->kind == TC_DEP_CIDR)
			add_destination(&h, &dep->to);
		else if (dep->kind == TC_DEP_MODULES && *config->module_proxy)
			add_host(&h, config->module_proxy, config->module_proxy_port);
	}
	for (size_t i = 0; i < c->nextra; i++)
		add_destination(&h, &c->extra[i]);
	return h;
}

/* Is host:port in a flag's list, by itself or because the host is there for every port? */
static bool is_listed(struct tc_str list, const char *host_port)
{
	size_t n = strlen(host_port), host = (size_t)(strrchr(host_port, ':') - host_port);

	for (size_t i = 0, from = 0; i <= list.len; i++) {
		if (i < list.len && list.s[i] != ',')
			continue;
		if ((i - from == n || i - from == host) && memcmp(list.s + from, host_port, i - from) == 0)
			return true;
		from = i + 1;
	}
	return false;
}

static void extend_flag(struct tc_pod_edit *e, const char *path, const struct tc_node *flag, const struct hosts *h)
{
	const struct tc_node *was = tc_ledger_was(&e->ledger, path, flag), *base;
	size_t skip = strlen(TC_ALLOW_NET "=");
	_cleanup_buf_ struct tc_buf text = {0};
	struct tc_node *wanted;

	/* the ledger stands in an annotation, where anybody may write anything */
	if (!tc_str_starts(tc_text(was), TC_ALLOW_NET "="))
		was = NULL;
	base = was ? was : flag;
	tc_buf_add(&text, tc_text(base).s, tc_text(base).len);
	for (size_t i = 0; i < h->count; i++) {
		/* In the author's own: what is added there is none of them. */
		if (is_listed((struct tc_str){.s = tc_text(base).s + skip, .len = tc_text(base).len - skip},
			      h->list[i]))
			continue;
		if (text.len > skip)
			tc_buf_putc(&text, ',');
		tc_buf_puts(&text, h->list[i]);
	}
	if (tc_str_equal(tc_buf_str(&text), tc_text(base)))
		return; /* nothing to add; what an earlier compile added goes with the old ledger */
	wanted = tc_new_string(e->w->mem, e->t->origin, tc_buf_str(&text));
	if (!tc_equal(flag, wanted, false))
		tc_patch_replace(e->patch, flag, wanted);
	tc_ledger_record(&e->ledger, path, wanted, was ? was : tc_copy_new(e->w->mem, flag, NULL));
}

/* The first --allow-net= of each list. Without a list of hosts the flag allows everything already. */
static void extend_flags(struct tc_pod_edit *e, const struct tc_container *c, const struct hosts *h)
{
	static const char *const lists[] = {"command", "args"};

	for (size_t k = 0; k < TC_COUNT(lists); k++) {
		for (const struct tc_node *i = tc_item(tc_get(c->node, lists[k])); i; i = tc_item_next(i)) {
			if (!tc_str_starts(tc_text(i), TC_ALLOW_NET "="))
				continue;
			extend_flag(e, tc_ledger_path(e->w->mem, c->path, lists[k], "[" TC_ALLOW_NET "]", NULL),
				    tc_deref(i), h);
			break;
		}
	}
}

void tc_pod_variables(struct tc_pod_edit *e)
{
	struct hosts h = declared_hosts(e);

	for (size_t i = 0; i < e->ncontainers; i++) {
		for (size_t k = 0; k < e->t->contract->ndeps; k++) {
			const struct tc_dep *dep = &e->t->contract->deps[k];

			if (dep->kind == TC_DEP_PLATFORM && dep->service->socket_env)
				tell_socket(e, &e->containers[i], dep);
		}
		extend_flags(e, &e->containers[i], &h);
	}
}
