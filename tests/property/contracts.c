/* Contracts as authors write them. */
#include "tests/property/objects.h"
#include "tests/property/writer.h"

struct tc_node *map_new(struct builder *b)
{
	return tc_new_map(b->mem, NULL);
}

struct tc_node *seq_new(struct builder *b)
{
	return tc_new_seq(b->mem, NULL);
}

struct tc_node *text_new(struct builder *b, const char *text)
{
	return tc_new_string(b->mem, NULL, tc_str(text));
}

void put(struct builder *b, struct tc_node *map, const char *key, struct tc_node *value)
{
	tc_put(b->mem, map, key, value);
}

void put_text(struct builder *b, struct tc_node *map, const char *key, const char *text)
{
	tc_put(b->mem, map, key, text_new(b, text));
}

static struct tc_node *nothing(struct builder *b)
{
	struct tc_node *n = tc_new_null(b->mem, NULL);

	n->style = TC_STYLE_PLAIN;
	return n;
}

static void put_derived(struct builder *b, struct tc_node *map, const struct model_dep *d)
{
	struct tc_subject s = {.mem = b->mem,
			       .config = b->config,
			       .service = tc_config_service(b->config, d->service->key),
			       .enclave = b->t->enclave,
			       .name = b->t->name};
	unsigned bit = 0;

	for (const struct tc_value *row = d->service->values; row->name; row++) {
		const char *value;

		if (!(row->flags & TC_V_CONTRACT) || strcmp(row->name, "protocol") == 0 || !(d->fields >> bit++ & 1))
			continue;
		value = tc_value_of(&s, row);
		if (value && (row->flags & TC_V_INT))
			put(b, map, row->name, tc_new_int(b->mem, NULL, strtoul(value, NULL, 10)));
		else if (value)
			put_text(b, map, row->name, value);
	}
}

static struct tc_node *platform(struct builder *b, const struct model_dep *d)
{
	struct tc_node *map = map_new(b), *list;

	if (d->form == FORM_ABSENT)
		return nothing(b);
	if (d->form == FORM_NULL)
		return tc_new_null(b->mem, NULL);
	if (d->form == FORM_EMPTY)
		return map;
	if (d->protocol)
		put_text(b, map, "protocol", d->protocol);
	put_derived(b, map, d);
	if (d->consumes) {
		list = seq_new(b);
		tc_push(list, text_new(b, "other-tentacle"));
		tc_push(list, text_new(b, "0x10"));
		put(b, map, "consumes", list);
	}
	if (d->extension)
		put_text(b, map, "comment", "kept, and warned of");
	return map;
}

static struct tc_node *own(struct builder *b, const struct model_dep *d)
{
	struct tc_node *map = map_new(b), *list;

	if (d->kind == DEP_OPAQUE && d->form != FORM_FIELDS)
		return d->form == FORM_ABSENT ? nothing(b) : d->form == FORM_NULL ? tc_new_null(b->mem, NULL) : map;
	if (d->protocol)
		put_text(b, map, "protocol", d->protocol);
	if (d->host)
		put_text(b, map, "host", d->host);
	if (d->kind == DEP_BLOCK) {
		put_text(b, map, "type", "dynamic-target");
		put_text(b, map, "cidr", d->cidr);
		list = seq_new(b);
		tc_push(list, text_new(b, tc_printf(b->mem, "%u/TCP", d->port)));
		put(b, map, "dynPorts", list);
	} else if (d->write_port) {
		put(b, map, "port", tc_new_int(b->mem, NULL, d->port));
	}
	if (d->extension) {
		struct tc_node *auth = map_new(b);

		put_text(b, auth, "type", "bearer-token");
		put_text(b, auth, "secret", tc_printf(b->mem, "%s.token", d->name));
		put(b, map, "auth", auth);
	}
	return map;
}

static struct tc_node *extra_egress(struct builder *b)
{
	struct tc_node *policy = map_new(b), *list = seq_new(b), *item = map_new(b), *ports = seq_new(b);

	tc_push(ports, text_new(b, "9443/TCP"));
	tc_push(ports, text_new(b, "53/UDP"));
	put_text(b, item, "toCIDR", "10.20.99.0/24");
	put(b, item, "ports", ports);
	put_text(b, item, "reason", "mirror: #1");
	tc_push(list, item);
	put(b, policy, "additionalEgress", list);
	return policy;
}

struct tc_node *contract_tree(struct builder *b)
{
	const struct model_tentacle *t = b->t;
	struct tc_node *map = map_new(b), *deps = map_new(b);

	if (t->seed & 1)
		put_text(b, map, "version", "1");
	for (size_t i = 0; i < t->ndeps; i++) {
		const struct model_dep *d = &t->deps[i];

		if (!d->gone)
			put(b, deps, d->name, d->kind == DEP_PLATFORM ? platform(b, d) : own(b, d));
	}
	put(b, map, "dependencies", deps);
	if (t->extra)
		put(b, map, "networkPolicy", extra_egress(b));
	if (t->seed & 2)
		put_text(b, map, "x-note", "kept silently");
	return map;
}

struct tc_node *contract_text(struct builder *b, const struct tc_node *tree)
{
	static const enum tc_style styles[] = {
		[TEXT_LITERAL] = TC_STYLE_LITERAL,
		[TEXT_FOLDED] = TC_STYLE_FOLDED,
		[TEXT_SINGLE] = TC_STYLE_SINGLE,
		[TEXT_DOUBLE] = TC_STYLE_DOUBLE,
	};
	struct writing how = {.seed = b->t->seed ^ 77, .plain = (b->t->seed & 12) == 0};
	_cleanup_buf_ struct tc_buf text = {0};
	struct tc_node *n;

	if (b->t->style == TEXT_FOLDED || b->t->style == TEXT_SINGLE)
		writer_flow(&text, b->mem, tree, &how);
	else
		writer_yaml(&text, b->mem, tree, &how);
	n = tc_new_string(b->mem, NULL, tc_buf_str(&text));
	n->style = (uint8_t)styles[b->t->style];
	return n;
}

struct tc_node *object_workflow(struct builder *b)
{
	const struct model_tentacle *t = b->t;
	struct tc_node *map = map_new(b), *trigger = map_new(b), *triggers = seq_new(b), *nodes = map_new(b),
		       *node = map_new(b);

	if (!t->code_name)
		put_text(b, map, "name", t->name);
	put_text(b, map, "version", "1.0");
	put_text(b, map, "description", "Fetch: then \"store\" # not a comment");
	put_text(b, trigger, "type", "cron");
	put_text(b, trigger, "schedule", "*/5 * * * *");
	tc_push(triggers, trigger);
	put(b, map, "triggers", triggers);
	put_text(b, node, "path", "./nodes/fetch.ts");
	put(b, nodes, "fetch", node);
	put(b, map, "nodes", nodes);
	if (!t->no_contract)
		put(b, map, "contract", contract_tree(b));
	if (t->seed & 16)
		put_text(b, map, "config", "contract");
	return map;
}
