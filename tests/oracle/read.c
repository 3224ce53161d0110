/* read.c - what tentc reads, in the framing of the oracle (main.go): "LENGTH\n" and that many bytes, in and out.
 *
 * An answer has a line for each document: its JSON, `-` when it holds nothing, or `refused TC016 2:5 the message`. So
 * that the other side can tell an integer from a float, a float without dot and exponent gets `.0`. Each tree is also
 * written as JSON by tentc's own emitters and read again: the answer `broken ...` means that one of them lost
 * something. A line `flush` instead of a length sends off what was answered.
 *
 * `read edit` answers with two frames instead: the JSON of the first document with a random patch, and the text with
 * that patch edited in; both are empty when it cannot be edited. */
#include <stdio.h>

#include "compiler/tree/edit.h"
#include "compiler/tree/emit.h"
#include "compiler/tree/scalar.h"
#include "compiler/tree/stream.h"

static void write_value(struct tc_arena *mem, struct tc_buf *out, const struct tc_node *n);

static void write_map(struct tc_arena *mem, struct tc_buf *out, const struct tc_node *map)
{
	const char *before = "{";

	for (struct tc_entry e = tc_first(map); e.key; e = tc_next(e), before = ",") {
		tc_buf_puts(out, before);
		tc_emit_json_string(out, tc_key_text(mem, e.key));
		tc_buf_putc(out, ':');
		write_value(mem, out, e.value);
	}
	tc_buf_puts(out, *before == '{' ? "{}" : "}");
}

static void write_seq(struct tc_arena *mem, struct tc_buf *out, const struct tc_node *seq)
{
	const char *before = "[";

	for (const struct tc_node *i = tc_item(seq); i; i = tc_item_next(i), before = ",") {
		tc_buf_puts(out, before);
		write_value(mem, out, i);
	}
	tc_buf_puts(out, *before == '[' ? "[]" : "]");
}

static void write_number(struct tc_arena *mem, struct tc_buf *out, const struct tc_node *n)
{
	struct tc_str text = tc_scalar_json_number(mem, n->text, (enum tc_kind)n->kind);

	tc_buf_add(out, text.s, text.len);
	if (n->kind == TC_FLOAT && !memchr(text.s, '.', text.len) && !memchr(text.s, 'e', text.len) &&
	    !memchr(text.s, 'E', text.len))
		tc_buf_puts(out, ".0");
}

static void write_value(struct tc_arena *mem, struct tc_buf *out, const struct tc_node *n)
{
	bool value;

	n = tc_deref(n);
	switch ((enum tc_kind)n->kind) {
	case TC_MAP:
		write_map(mem, out, n);
		break;
	case TC_SEQ:
		write_seq(mem, out, n);
		break;
	case TC_STRING:
		tc_emit_json_string(out, n->text);
		break;
	case TC_INT:
	case TC_FLOAT:
		write_number(mem, out, n);
		break;
	case TC_BOOL:
		tc_buf_puts(out, tc_as_bool(n, &value) && value ? "true" : "false");
		break;
	default:
		tc_buf_puts(out, "null");
	}
}

/* True when JSON that an emitter wrote reads back as n. */
static bool reads_back(struct tc_arena *mem, const struct tc_buf *json, const struct tc_node *n, bool ordered)
{
	struct tc_source src = {.name = "emitted", .text = tc_buf_str(json)};
	struct tc_diags diags = {.mem = mem};
	struct tc_limits limits = TC_LIMITS_FILE;
	uint32_t at = 0;
	const struct tc_node *again = tc_json_read(mem, &src, &at, (uint32_t)json->len, &limits, &diags);

	return again && at == json->len && tc_equal(n, again, ordered);
}

static void check_emitters(struct tc_arena *mem, struct tc_buf *out, const struct tc_node *root)
{
	_cleanup_buf_ struct tc_buf plain = {0}, canonical = {0};

	tc_emit(&plain, root, (struct tc_emit){.format = TC_JSON});
	if (!reads_back(mem, &plain, root, true))
		tc_buf_printf(out, "broken emission: %.*s ", (int)plain.len, plain.p);
	tc_emit_canonical(&canonical, root);
	if (!reads_back(mem, &canonical, root, false))
		tc_buf_printf(out, "broken canonical form: %.*s ", (int)canonical.len, canonical.p);
}

/* The first error between two places. */
static void write_refusal(struct tc_buf *out, struct tc_diags *diags, uint32_t from, uint32_t to)
{
	tc_diags_sort(diags);
	for (size_t i = 0; i < diags->count; i++) {
		const struct tc_diag *d = diags->list[i];
		struct tc_place at = {0};
		if (d->severity != TC_ERROR || (d->at.src && (d->at.off < from || d->at.off > to)))
			continue;
		if (d->at.src)
			at = tc_place(d->at);
		tc_buf_printf(out, "refused TC%03d %u:%u %s\n", (int)d->id, at.line, at.column, d->text);
		return;
	}
	tc_buf_puts(out, "broken: refused without a word\n");
}

static void answer(struct tc_arena *mem, struct tc_buf *out, struct tc_str text)
{
	struct tc_source src = {.name = "case", .text = text};
	struct tc_limits limits = TC_LIMITS_FILE;
	struct tc_diags cut = {.mem = mem};
	struct tc_doc *docs;
	size_t count = tc_stream_cut(mem, &src, &limits, &cut, &docs);

	if (count == 0)
		write_refusal(out, &cut, 0, (uint32_t)text.len);
	for (size_t i = 0; i < count; i++) {
		struct tc_diags diags = {.mem = mem};
		if (docs[i].bad) {
			write_refusal(out, &cut, docs[i].sep, docs[i].end);
			continue;
		}
		if (!tc_doc_read(mem, &docs[i], &limits, &diags)) {
			write_refusal(out, &diags, docs[i].begin, docs[i].end);
			continue;
		}
		if (diags.errors)
			tc_buf_puts(out, "broken: an error, and a tree ");
		if (docs[i].empty) {
			tc_buf_puts(out, "-\n");
			continue;
		}
		check_emitters(mem, out, docs[i].root);
		write_value(mem, out, docs[i].root);
		tc_buf_putc(out, '\n');
	}
}

/* Random patches */

static size_t pick(uint64_t *state, size_t n)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return n ? (size_t)((z ^ z >> 31) % n) : 0;
}

struct nodes {
	struct tc_arena *mem;
	const struct tc_node **list;
	size_t count, cap;
};

/* What a patch may name: no keys. */
static void collect(struct nodes *all, const struct tc_node *n)
{
	tc_grow(all->mem, all->list, all->count, all->cap);
	all->list[all->count++] = n;
	for (const struct tc_node *i = tc_item(n); i; i = tc_item_next(i))
		if (i->kind != TC_ALIAS)
			collect(all, i);
	if (n->kind == TC_MAP)
		for (const struct tc_node *key = n->first; key; key = key->next->next)
			if (!(key->flags & TC_NODE_MERGE) && key->next->kind != TC_ALIAS)
				collect(all, key->next);
}

static struct tc_node *new_value(struct tc_arena *mem, uint64_t *state)
{
	static const char *const texts[] = {"x",     "",   "true",     "1.0", "a: b", "- #", "two\nlines\n",
					    " \n\n", "\t", "\xc2\x85", "no"};
	struct tc_node *n;

	switch (pick(state, 4)) {
	case 0:
		n = tc_new_map(mem, NULL);
		tc_put(mem, n, "in", tc_new_string(mem, NULL, tc_str(texts[pick(state, TC_COUNT(texts))])));
		return n;
	case 1:
		n = tc_new_seq(mem, NULL);
		tc_push(n, tc_new_string(mem, NULL, tc_str(texts[pick(state, TC_COUNT(texts))])));
		tc_push(n, tc_new_bool(mem, NULL, true));
		return n;
	case 2:
		return tc_new_int(mem, NULL, pick(state, 100000));
	default:
		return tc_new_string(mem, NULL, tc_str(texts[pick(state, TC_COUNT(texts))]));
	}
}

static void random_patch(struct tc_arena *mem, struct tc_patch *p, uint64_t *state)
{
	struct nodes all = {.mem = mem};

	collect(&all, p->root);
	for (size_t left = 1 + pick(state, 3); left; left--) {
		const struct tc_node *n = all.list[pick(state, all.count)];
		size_t what = pick(state, 4);

		if (what < 2 && n->kind == TC_MAP)
			tc_patch_set(p, n, "tentc", new_value(mem, state));
		else if (what < 2 && n->kind == TC_SEQ)
			tc_patch_push(p, n, new_value(mem, state));
		else if (n == p->root)
			continue; /* JSON is told from YAML by its root */
		else if (what == 2)
			tc_patch_remove(p, n);
		else
			tc_patch_replace(p, n, new_value(mem, state));
	}
}

static void edit(struct tc_arena *mem, struct tc_buf *want, struct tc_buf *out, struct tc_str text, uint64_t state)
{
	struct tc_source src = {.name = "case", .text = text};
	struct tc_limits limits = TC_LIMITS_FILE;
	struct tc_diags diags = {.mem = mem};
	struct tc_doc *docs;
	struct tc_patch p;
	const char *why;

	if (tc_stream_cut(mem, &src, &limits, &diags, &docs) == 0 || docs[0].bad ||
	    !tc_doc_read(mem, &docs[0], &limits, &diags) || docs[0].empty)
		return;
	const struct tc_node *followed = tc_copy_followed(mem, docs[0].root);
	tc_patch_init(&p, mem, followed ? followed : docs[0].root);
	random_patch(mem, &p, &state);
	const struct tc_node *patched = tc_patch_apply(mem, &p);
	tc_buf_add(out, text.s + docs[0].sep, docs[0].begin - docs[0].sep);
	if (p.crossed || !tc_edit_verified(out, &docs[0], &p, patched, &why)) {
		tc_buf_clear(out);
		return;
	}
	write_value(mem, want, patched);
}

/* Frames */

/* A copy of its own size, so that a sanitizer sees a read past it. */
static bool read_frame(size_t len, char **text)
{
	*text = tc_xalloc(len + !len);
	return fread(*text, 1, len, stdin) == len;
}

static void write_frame(const struct tc_buf *frame)
{
	printf("%zu\n", frame->len);
	if (frame->len)
		fwrite(frame->p, 1, frame->len, stdout);
}

int main(int argc, char **argv)
{
	bool edits = argc > 1 && strcmp(argv[1], "edit") == 0;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	_cleanup_buf_ struct tc_buf out = {0}, edited = {0};
	uint64_t nth = 0;
	char head[32];

	while (fgets(head, sizeof(head), stdin)) {
		struct tc_arena_mark mark = tc_arena_mark(mem);
		char *end, *text;
		size_t len = strtoul(head, &end, 10);

		if (strcmp(head, "flush\n") == 0) {
			fflush(stdout);
			continue;
		}
		if (end == head || *end != '\n' || !read_frame(len, &text)) {
			fputs("read: a broken frame\n", stderr);
			return 2;
		}
		tc_buf_clear(&out);
		tc_buf_clear(&edited);
		if (edits)
			edit(mem, &out, &edited, (struct tc_str){.s = text, .len = len}, nth++);
		else
			answer(mem, &out, (struct tc_str){.s = text, .len = len});
		write_frame(&out);
		if (edits)
			write_frame(&edited);
		tc_arena_rewind(mem, mark);
		free(text);
	}
	return fflush(stdout) == 0 ? 0 : 2;
}
