/* fuzz_edit.c - random patches on a text: an edited text is read again and compared inside of tc_edit_verified; here an
 * oracle of its own looks at what that promises. Nothing is appended when it declines; what it accepts reads back; and
 * after a patch without operations not a byte differs.
 *
 * The text comes first; its own bytes decide what is done to it. */
#include "compiler/tree/edit.h"
#include "compiler/tree/emit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *const texts[] = {"1",        "x", "true", "a: b # c", "two\nlines\n", "  two\nlines",
				    "kept\n\n", "",  "- \t"};

struct door {
	struct tc_arena *mem;
	const struct tc_node **nodes;
	size_t count, cap;
	uint64_t state;
};

static size_t pick(struct door *d, size_t n)
{
	d->state = d->state * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(d->state >> 33) % n;
}

static void collect(struct door *d, const struct tc_node *n)
{
	tc_grow(d->mem, d->nodes, d->count, d->cap);
	d->nodes[d->count++] = n;
	if (n->kind != TC_MAP && n->kind != TC_SEQ)
		return;
	for (const struct tc_node *i = n->first; i; i = i->next) {
		if (n->kind == TC_MAP)
			i = i->next;
		collect(d, i);
	}
}

static struct tc_node *value(struct door *d, unsigned depth)
{
	size_t kind = pick(d, depth ? 4 : 2);
	struct tc_node *n;

	if (kind == 0)
		return tc_new_int(d->mem, NULL, pick(d, 100));
	if (kind == 1)
		return tc_new_string(d->mem, NULL, tc_str(texts[pick(d, TC_COUNT(texts))]));
	n = kind == 2 ? tc_new_map(d->mem, NULL) : tc_new_seq(d->mem, NULL);
	for (size_t i = pick(d, 3); i > 0; i--) {
		if (kind == 2)
			tc_put(d->mem, n, tc_printf(d->mem, "k%zu", i), value(d, depth - 1));
		else
			tc_push(n, value(d, depth - 1));
	}
	return n;
}

static void change(struct door *d, struct tc_patch *p)
{
	const struct tc_node *n = d->nodes[pick(d, d->count)];
	size_t how = pick(d, 4);

	if (how < 2 && n->kind == TC_MAP)
		tc_patch_set(p, n, how ? "new" : "other", value(d, 3));
	else if (how < 2 && n->kind == TC_SEQ)
		tc_patch_push(p, n, value(d, 3));
	else if (how == 2)
		tc_patch_replace(p, n, value(d, 3));
	else
		tc_patch_remove(p, n);
}

static void check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void try_patch(struct door *d, const struct tc_doc *doc, size_t changes)
{
	_cleanup_buf_ struct tc_buf out = {0};
	struct tc_str old = {doc->src->text.s + doc->begin, doc->end - doc->begin};
	struct tc_patch p;
	struct tc_node *want;
	const char *why = NULL;

	tc_patch_init(&p, d->mem, doc->root);
	for (size_t i = 0; i < changes; i++)
		change(d, &p);
	want = tc_patch_apply(d->mem, &p);
	if (!tc_edit_verified(&out, doc, &p, want, &why)) {
		check(out.len == 0 && why, "declined, and something was appended, or nothing was said");
		return;
	}
	check(p.count > 0 || tc_str_equal(tc_buf_str(&out), old), "no change, and the text differs");

	struct tc_source src = {.name = "edited", .text = tc_buf_str(&out)};
	struct tc_doc again = {.src = &src, .format = doc->format, .end = (uint32_t)out.len};
	struct tc_limits limits = TC_LIMITS_FILE;
	_cleanup_buf_ struct tc_buf a = {0}, b = {0};

	check(tc_doc_read(d->mem, &again, &limits, NULL) && again.root, "the edited text cannot be read");
	tc_emit(&a, want, (struct tc_emit){.format = TC_JSON});
	tc_emit(&b, again.root, (struct tc_emit){.format = TC_JSON});
	check(tc_str_equal(tc_buf_str(&a), tc_buf_str(&b)), "the edited text says something else");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(16 * 1024);
	struct tc_source src = {.name = "in.yaml", .text = {(const char *)data, len}};
	struct tc_limits limits = TC_LIMITS_FILE;
	struct tc_diags diags = {.mem = mem};
	struct tc_doc *docs;
	size_t n = tc_stream_cut(mem, &src, &limits, &diags, &docs);

	for (size_t i = 0; i < n && i < 8; i++) {
		struct door d = {.mem = mem, .state = len};

		if (!tc_doc_read(mem, &docs[i], &limits, NULL) || !docs[i].root)
			continue;
		for (size_t k = 0; k < len && k < 64; k++)
			d.state = d.state * 31 + data[k];
		collect(&d, docs[i].root);
		for (size_t changes = 0; changes < 4; changes++)
			try_patch(&d, &docs[i], changes);
	}
	return 0;
}
