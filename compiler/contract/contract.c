#include "compiler/contract/contract.h"

#include "compiler/contract/contract_read.h"
#include "compiler/tree/scalar.h"

struct tc_field tc_reader_field(const struct tc_node *map, const char *name)
{
	const struct tc_node *value = tc_get(map, name);

	return (struct tc_field){
		.name = name,
		.key = tc_get_key(map, name),
		.value = tc_is(value, TC_NULL) ? NULL : value,
	};
}

bool tc_reader_is(struct tc_reader *r, const struct tc_field *f, enum tc_kind kind)
{
	static const char *const expected[] = {[TC_STRING] = "a string", [TC_SEQ] = "a list", [TC_MAP] = "a mapping"};

	if (!f->value)
		return false;
	if (tc_is(f->value, kind))
		return true;
	tc_diag(r->diags, TC_MSG_BAD_FIELD_TYPE, tc_node_pos(f->value), "%s is %s, expected %s", f->name,
		tc_kind_name(f->value), expected[kind]);
	return false;
}

const char *tc_reader_show(struct tc_reader *r, const struct tc_node *value)
{
	const struct tc_node *n = tc_deref(value);

	if (!n || n->kind == TC_NULL || n->kind == TC_SEQ || n->kind == TC_MAP)
		return tc_kind_name(n);
	return n->kind == TC_STRING ? tc_quote(r->mem, n->text) : tc_strndup(r->mem, n->text.s, n->text.len);
}

static size_t length(const char *const *words)
{
	size_t n = 0;

	while (words[n])
		n++;
	return n;
}

static char upper(char c)
{
	return tc_is_lower(c) ? (char)(c - 'a' + 'A') : c;
}

/* HTTPS is five edits away from https. */
static bool same_letters(struct tc_str word, const char *known)
{
	if (word.len != strlen(known))
		return false;
	for (size_t i = 0; i < word.len; i++)
		if (upper(word.s[i]) != upper(known[i]))
			return false;
	return true;
}

bool tc_reader_suggest(struct tc_reader *r, struct tc_diag *diag, struct tc_str word, const char *const *known)
{
	const char *near = NULL;

	for (size_t i = 0; known[i] && !near; i++)
		if (same_letters(word, known[i]))
			near = known[i];
	if (!near && !r->diags->dropped)
		near = tc_nearest(word, known, length(known));
	if (near)
		tc_diag_help(diag, "did you mean \"%s\"?", near);
	return near;
}

static bool is_one_of(struct tc_str word, const char *const *words)
{
	for (; *words; words++)
		if (tc_str_is(word, *words))
			return true;
	return false;
}

void tc_reader_unknown(struct tc_reader *r, enum tc_msg id, const struct tc_node *map, const char *const *known,
		       const char *where)
{
	bool extensible = id == TC_MSG_UNKNOWN_CONTRACT_FIELD;

	for (struct tc_entry e = tc_first(map); e.key; e = tc_next(e)) {
		struct tc_str name = tc_key_text(r->mem, e.key);
		struct tc_diag *diag;

		if (is_one_of(name, known) || (extensible && tc_str_starts(name, "x-")))
			continue;
		diag = tc_diag(r->diags, id, tc_node_pos(e.key), "unknown field %s of %s, it is ignored",
			       tc_quote(r->mem, name), where);
		if (!tc_reader_suggest(r, diag, name, known))
			tc_diag_help(diag, "known fields: %s", tc_reader_list(r, known, " and "));
	}
}

const char *tc_reader_list(struct tc_reader *r, const char *const *words, const char *last_joint)
{
	_cleanup_buf_ struct tc_buf b = {0};

	for (size_t i = 0; words[i]; i++) {
		if (i > 0)
			tc_buf_puts(&b, words[i + 1] ? ", " : last_joint);
		tc_buf_puts(&b, words[i]);
	}
	return tc_strndup(r->mem, tc_buf_str(&b).s, b.len);
}

/* The key that a value hangs on, so that the caret has something to point at where the value is nothing. */
static const struct tc_node *key_of(const struct tc_node *value)
{
	const struct tc_node *map = value->parent;

	if (!map || map->kind != TC_MAP)
		return value;
	for (const struct tc_node *key = map->first; key && key->next; key = key->next->next)
		if (key->next == value)
			return key;
	return value; /* unreachable: no null is a key */
}

static void refuse_root(struct tc_reader *r, const struct tc_node *root)
{
	bool nothing = !root || tc_is(root, TC_NULL);
	struct tc_pos at = root ? tc_node_pos(nothing ? key_of(root) : root) : (struct tc_pos){0};
	struct tc_diag *diag = tc_diag(r->diags, TC_MSG_NOT_A_CONTRACT, at, "the contract is %s, expected a mapping",
				       nothing ? "empty" : tc_kind_name(root));

	tc_diag_help(diag, "write dependencies: in it, and below that one name a line, such as tentacular-postgres:");
}

static void check_version(struct tc_reader *r, const struct tc_node *root)
{
	struct tc_field f = tc_reader_field(root, "version");
	bool number = tc_is(f.value, TC_INT) || tc_is(f.value, TC_FLOAT);
	struct tc_diag *diag;

	if (!f.value || tc_is_string(f.value, "1") || (number && tc_scalar_same_number(f.value->text, TC_STR("1"))))
		return;
	diag = tc_diag(r->diags, TC_MSG_CONTRACT_VERSION, tc_node_pos(f.value), "version is %s, expected \"1\"",
		       tc_reader_show(r, f.value));
	tc_diag_help(diag, "write version: \"1\"");
}

/* `dependencies: [tentacular-postgres]` is what people try first. */
static void refuse_dependencies(struct tc_reader *r, const struct tc_field *f)
{
	const struct tc_node *item = tc_item(f->value);
	struct tc_str name = tc_text(item);
	struct tc_diag *diag;

	if (tc_is(item, TC_MAP))
		name = tc_text(tc_first(item).key);
	if (name.len == 0)
		name = TC_STR("tentacular-postgres");
	diag = tc_diag(r->diags, TC_MSG_BAD_FIELD_TYPE, tc_node_pos(f->value), "dependencies is %s, expected a mapping",
		       tc_kind_name(f->value));
	tc_diag_help(diag, "write %s: on a line of its own, without a dash", tc_quote(r->mem, name));
}

bool tc_reader_too_many(struct tc_reader *r, const struct tc_node *at, const char *what, size_t count)
{
	struct tc_diag *diag;

	if (count <= TC_DEPENDENCIES_MAX)
		return false;
	diag = tc_diag(r->diags, TC_MSG_TOO_MANY_DEPENDENCIES, tc_node_pos(at),
		       "%s has %zu entries, at most %d are allowed", what, count, TC_DEPENDENCIES_MAX);
	tc_diag_help(diag, "split the tentacle");
	return true;
}

static void read_dependencies(struct tc_reader *r, const struct tc_node *root, struct tc_contract *c)
{
	struct tc_field f = tc_reader_field(root, "dependencies");
	size_t count = 0;

	if (!f.value)
		return;
	if (!tc_is(f.value, TC_MAP)) {
		refuse_dependencies(r, &f);
		return;
	}
	for (struct tc_entry e = tc_first(f.value); e.key; e = tc_next(e))
		count++; /* the node's own count knows nothing of merged entries */
	if (tc_reader_too_many(r, f.value, "dependencies", count))
		return;
	c->deps = tc_alloc(r->mem, count * sizeof(c->deps[0]));
	for (struct tc_entry e = tc_first(f.value); e.key; e = tc_next(e)) {
		struct tc_dep *dep = &c->deps[c->ndeps++];

		*dep = (struct tc_dep){
			.name = tc_key_text(r->mem, e.key),
			.key = e.key,
			.value = e.value,
			.kind = TC_DEP_OPAQUE,
		};
		tc_dependency_read(r, dep);
	}
}

static void read_network_policy(struct tc_reader *r, const struct tc_node *root, struct tc_contract *c)
{
	static const char *const known[] = {"additionalEgress", NULL};
	struct tc_field f = tc_reader_field(root, "networkPolicy");

	if (!tc_reader_is(r, &f, TC_MAP))
		return;
	tc_reader_unknown(r, TC_MSG_UNKNOWN_CONTRACT_FIELD, f.value, known, "networkPolicy");
	tc_target_extra(r, f.value, c);
}

static struct tc_platform_host platform_host(struct tc_reader *r, const struct tc_service_config *s)
{
	struct tc_cidr *blocks = tc_alloc(r->mem, (s->peer.cidrs.count + 1) * sizeof(blocks[0]));
	struct tc_platform_host p = {
		.service = s->service,
		.host = tc_target_host_key(r->mem, tc_str(s->host)),
		.space = tc_host_namespace(r->mem, s->host),
		.blocks = blocks,
		.port = s->peer.pod_port ? s->peer.pod_port : s->port,
	};

	for (size_t i = 0; i < s->peer.cidrs.count; i++)
		if (!tc_cidr_parse(r->mem, tc_str(s->peer.cidrs.list[i]), &blocks[p.nblocks]))
			p.nblocks++;
	if (!tc_cidr_parse(r->mem, tc_str(s->host), &blocks[p.nblocks]))
		p.nblocks++;
	return p;
}

/* What the configuration says, in the form that the checks compare with; its own reader has refused what is wrong. */
static void prepare(struct tc_reader *r)
{
	const struct tc_config *config = r->ctx->config;

	r->allowed = tc_alloc(r->mem, config->allowed_cidrs.count * sizeof(r->allowed[0]));
	for (size_t i = 0; i < config->allowed_cidrs.count; i++)
		if (!tc_cidr_parse(r->mem, tc_str(config->allowed_cidrs.list[i]), &r->allowed[r->nallowed]))
			r->nallowed++;
	for (size_t i = 0; i < config->nservices; i++) {
		const struct tc_service_config *s = &config->services[i];

		if (s->enabled && s->host)
			r->platform[r->nplatform++] = platform_host(r, s);
	}
}

struct tc_contract *tc_contract_read(struct tc_arena *mem, const struct tc_node *root,
				     const struct tc_contract_context *ctx, struct tc_diags *diags)
{
	static const char *const known[] = {"version", "name", "dependencies", "networkPolicy", NULL};
	struct tc_reader r = {.mem = mem, .diags = diags, .ctx = ctx};
	struct tc_contract *c;
	struct tc_field name;

	if (!tc_is(root, TC_MAP)) {
		refuse_root(&r, root);
		return NULL;
	}
	prepare(&r);
	c = tc_alloc(mem, sizeof(*c));
	c->root = tc_deref(root);
	tc_reader_unknown(&r, TC_MSG_UNKNOWN_CONTRACT_FIELD, c->root, known, "the contract");
	check_version(&r, c->root);
	name = tc_reader_field(c->root, "name");
	if (tc_reader_is(&r, &name, TC_STRING))
		c->name = tc_text(name.value);
	read_dependencies(&r, c->root, c);
	read_network_policy(&r, c->root, c);
	return c;
}
