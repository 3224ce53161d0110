/* read.c - what tentc reads, in the framing of the oracle (main.go): "LENGTH\n" and that many bytes, in and out.
 *
 * An answer has a line for each document: its JSON, `-` when it holds nothing, or `refused TC016 2:5 the message`. So
 * that the other side can tell an integer from a float, a float without dot and exponent gets `.0`. Each tree is also
 * written as JSON by tentc's own emitters and read again: the answer `broken ...` means that one of them lost
 * something. A line `flush` instead of a length sends off what was answered. */
#include <stdio.h>

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

/* A copy of its own size, so that a sanitizer sees a read past it. */
static bool read_frame(size_t len, char **text)
{
	*text = tc_xalloc(len + !len);
	return fread(*text, 1, len, stdin) == len;
}

int main(void)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	_cleanup_buf_ struct tc_buf out = {0};
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
		answer(mem, &out, (struct tc_str){.s = text, .len = len});
		printf("%zu\n", out.len);
		fwrite(out.p, 1, out.len, stdout);
		tc_arena_rewind(mem, mark);
		free(text);
	}
	return fflush(stdout) == 0 ? 0 : 2;
}
