#include "tests/property/run.h"

#include "compiler/contract/identity.h"
#include "compiler/tree/emit.h"

static const char key_file[] = "k1: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
			       "k2: ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=\n";

static _Noreturn void bug(const char *what, struct tc_diags *diags)
{
	_cleanup_buf_ struct tc_buf text = {0};

	if (diags)
		tc_diags_render(&text, diags, (struct tc_diag_style){0});
	(void)fprintf(stderr, "property: the generator is wrong: %s\n%s", what, text.p ? text.p : "");
	abort();
}

void platform_make(struct platform *p, struct tc_arena *mem, const struct model_config *c, bool keys)
{
	struct tc_source *src = tc_alloc(mem, sizeof(*src));
	struct tc_diags diags = {.mem = mem};
	struct tc_config *config = NULL;
	struct tc_doc *docs;

	*p = (struct platform){.mem = mem};
	*src = (struct tc_source){.name = "config.yaml", .text = tc_str(model_config_text(mem, c))};
	if (tc_stream_cut(mem, src, &TC_LIMITS_FILE, &diags, &docs) != 1 ||
	    !tc_doc_read(mem, &docs[0], &TC_LIMITS_FILE, &diags) || !tc_config_read(mem, docs[0].root, &diags, &config))
		bug("configuration", &diags);
	p->config = config;
	if (!keys)
		return;
	*src = (struct tc_source){.name = "keys", .text = TC_STR(key_file)};
	p->keys = tc_keyring_parse(src, &diags);
	if (!p->keys)
		bug("keys", &diags);
}

void platform_free(struct platform *p)
{
	tc_keyring_free(p->keys);
	p->keys = NULL;
}

void outcome_make(struct outcome *o, const struct batch *b, const struct platform *p, const char *enclave)
{
	struct tc_stage stage = {.config = p->config, .enclave = enclave, .keys = p->keys, .limits = &TC_LIMITS_FILE};

	*o = (struct outcome){.mem = p->keys ? tc_arena_new_secret(16 * 1024) : tc_arena_new(64 * 1024), .n = b->n};
	o->diags.mem = o->mem;
	o->rc = tc_compile(&o->result, o->mem, b->list, b->n, &stage, &o->diags, &o->err);
	o->ok = o->rc == 0 && o->err.code == TC_E_NONE && o->diags.errors == 0;
	for (size_t i = 0; i < b->n && o->ok; i++)
		tc_result_write(&o->out[i], &o->result->sources[i], TC_CLUSTER_SCOPED_INCLUDE);
}

void outcome_free(struct outcome *o)
{
	for (size_t i = 0; i < o->n; i++)
		tc_buf_free(&o->out[i]);
	tc_arena_free(o->mem);
	*o = (struct outcome){0};
}

void outcome_batch(const struct outcome *o, const struct batch *from, struct batch *to)
{
	*to = (struct batch){0};
	for (size_t i = 0; i < o->n; i++)
		batch_set(to, i, from->src[i].name, tc_buf_str(&o->out[i]));
}

bool outcome_equal(const struct outcome *a, const struct outcome *b)
{
	if (a->n != b->n || a->ok != b->ok)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!tc_str_equal(tc_buf_str(&a->out[i]), tc_buf_str(&b->out[i])))
			return false;
	return true;
}

void trees_read(struct trees *t, struct tc_arena *mem, const struct batch *b)
{
	struct tc_diags diags = {.mem = mem};

	*t = (struct trees){0};
	for (size_t i = 0; i < b->n; i++) {
		struct tc_doc *docs;
		size_t n = tc_stream_cut(mem, &b->src[i], &TC_LIMITS_FILE, &diags, &docs);

		for (size_t k = 0; k < n; k++) {
			(void)tc_doc_read(mem, &docs[k], &TC_LIMITS_FILE, &diags);
			if (docs[k].empty)
				continue;
			tc_grow(mem, t->list, t->count, t->cap);
			t->list[t->count++] = (struct tree){.source = i, .doc = &docs[k], .root = docs[k].root};
		}
	}
	t->problems = diags.errors + diags.warnings;
}

/* Texts that hold a document: compared as what they mean. */
static bool embeds(struct tc_str key)
{
	static const char *const keys[] = {"workflow.yaml", "tentacular.io/contract", "tentacular.io/filled"};

	for (size_t i = 0; i < TC_COUNT(keys); i++)
		if (tc_str_is(key, keys[i]))
			return true;
	return false;
}

const struct tc_node *tree_parse(struct tc_arena *mem, struct tc_str text)
{
	struct tc_source *src = tc_alloc(mem, sizeof(*src));
	struct tc_diags diags = {.mem = mem};
	bool empty;

	*src = (struct tc_source){.name = "embedded", .text = text};
	return tc_yaml_read(mem, src, 0, (uint32_t)text.len, &TC_LIMITS_FILE, &diags, &empty);
}

static const char *canonical(struct tc_arena *mem, const struct tc_node *n)
{
	_cleanup_buf_ struct tc_buf b = {0};

	if (n)
		tc_emit_canonical(&b, n);
	return b.p ? tc_strndup(mem, b.p, b.len) : "nothing";
}

struct ordered {
	const char *text;
	size_t source;
	struct tc_node *node;
};

static int compare(const void *a, const void *b)
{
	const struct ordered *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return strcmp(x->text, y->text);
}

struct normalising {
	struct tc_arena *mem;
	bool any_order;
};

static struct tc_node *normal(struct normalising *c, const struct tc_node *n);

static struct tc_node *sorted(struct normalising *c, struct tc_node *seq)
{
	struct ordered *list = tc_alloc(c->mem, sizeof(*list) * seq->count);
	struct tc_node *copy = tc_new_seq(c->mem, NULL);
	size_t n = 0;

	for (struct tc_node *i = seq->first; i; i = i->next)
		list[n++] = (struct ordered){.text = canonical(c->mem, i), .node = i};
	qsort(list, n, sizeof(*list), compare);
	for (size_t i = 0; i < n; i++)
		tc_push(copy, tc_copy_new(c->mem, list[i].node, NULL));
	return copy;
}

static struct tc_node *normal_entry(struct normalising *c, struct tc_str key, const struct tc_node *value)
{
	const struct tc_node *inner = NULL;
	struct tc_str text = tc_text(value);
	struct tc_node *copy;

	if (embeds(key) && tc_is(value, TC_STRING))
		inner = tree_parse(c->mem, text);
	else if (tc_str_is(key, "contract.yaml") && tc_base64_decode(c->mem, text, &text))
		inner = tree_parse(c->mem, text);
	copy = normal(c, inner ? inner : value);
	if (copy && copy->kind == TC_SEQ && (tc_str_is(key, "egress") || (c->any_order && tc_str_is(key, "items"))))
		return sorted(c, copy);
	return copy;
}

static struct tc_node *normal_map(struct normalising *c, const struct tc_node *n)
{
	struct tc_node *copy = tc_new_map(c->mem, NULL);

	for (struct tc_entry e = tc_first(n); e.key; e = tc_next(e)) {
		struct tc_str key = tc_key_text(c->mem, e.key);
		struct tc_node *value = normal_entry(c, key, e.value);

		if (value)
			tc_put_str(c->mem, copy, key, value);
	}
	return copy;
}

/* NULL: nothing is in it. */
static struct tc_node *normal(struct normalising *c, const struct tc_node *n)
{
	struct tc_node *copy;

	n = tc_deref(n);
	if (n->kind == TC_NULL)
		return NULL;
	if (n->kind == TC_MAP) {
		copy = normal_map(c, n);
		return copy->count ? copy : NULL;
	}
	if (n->kind != TC_SEQ)
		return tc_copy_new(c->mem, n, NULL);
	copy = tc_new_seq(c->mem, NULL);
	for (const struct tc_node *i = tc_item(n); i; i = tc_item_next(i)) {
		struct tc_node *value = normal(c, i);

		tc_push(copy, value ? value : tc_new_null(c->mem, NULL));
	}
	return copy->count ? copy : NULL;
}

const char *tree_text(struct tc_arena *mem, const struct tc_node *root, bool any_order)
{
	struct normalising c = {.mem = mem, .any_order = any_order};

	return canonical(mem, root ? normal(&c, root) : NULL);
}

static const char *excerpt(struct tc_arena *mem, const char *a, const char *b)
{
	size_t i = 0, from;

	while (a[i] && a[i] == b[i])
		i++;
	from = i > 120 ? i - 120 : 0;
	return tc_printf(mem, "\n    got    ...%.300s...\n    wanted ...%.300s...", a + from, b + from);
}

static struct ordered *texts_of(struct tc_arena *mem, const struct trees *t, bool any_order)
{
	struct ordered *list = tc_alloc(mem, sizeof(*list) * (t->count + 1));

	for (size_t i = 0; i < t->count; i++)
		list[i] = (struct ordered){.text = tree_text(mem, t->list[i].root, any_order),
					   .source = t->list[i].source};
	if (any_order && t->count)
		qsort(list, t->count, sizeof(*list), compare);
	return list;
}

const char *trees_differ(struct tc_arena *mem, const struct trees *a, const struct trees *b, bool any_order)
{
	struct ordered *x = texts_of(mem, a, any_order), *y = texts_of(mem, b, any_order);

	for (size_t i = 0; i < a->count && i < b->count; i++) {
		if (strcmp(x[i].text, y[i].text) != 0)
			return tc_printf(mem, "document %zu differs:%s", i + 1, excerpt(mem, x[i].text, y[i].text));
		if (x[i].source != y[i].source)
			return tc_printf(mem, "document %zu stands in another file", i + 1);
	}
	if (a->count != b->count)
		return tc_printf(mem, "%zu documents, %zu were expected", a->count, b->count);
	return NULL;
}
