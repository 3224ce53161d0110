/* edit_write.c - new content as text, in block context and between brackets.
 *
 * Block content is written by tc_emit, as the one entry of a mapping or the one item of a sequence, of which the line
 * of the key or dash is then cut off. */
#include "compiler/base/utf8.h"
#include "compiler/tree/edit_text.h"
#include "compiler/tree/emit_out.h"
#include "compiler/tree/scalar.h"

struct tc_str tc_edit_keep(struct tc_edit *e, struct tc_buf *text)
{
	struct tc_str kept = {.s = tc_strndup(e->mem, text->len ? text->p : "", text->len), .len = text->len};

	tc_buf_free(text);
	return kept;
}

static struct tc_emit how(const struct tc_edit *e, int col)
{
	return (struct tc_emit){.format = TC_YAML,
				.indent = (unsigned)(col < 0 ? 0 : col),
				.step = e->step,
				.crlf = e->newline[0] == '\r',
				.indent_items = e->indent_items};
}

/* The new value stands in an operation: a shallow copy can stand in a collection of its own. */
static void write_alone(struct tc_buf *out, const struct tc_edit *e, const struct tc_node *key,
			const struct tc_node *value, int col)
{
	struct tc_node k = {0}, v = *value;
	struct tc_node around = {.kind = key ? TC_MAP : TC_SEQ, .flags = TC_NODE_NEW, .last = &v, .count = 1};

	if (key) {
		k = *key;
		k.next = &v;
	}
	v.next = NULL;
	around.first = key ? &k : &v;
	tc_emit(out, &around, how(e, col));
}

struct tc_node *tc_edit_close(struct tc_edit *e, const struct tc_node *v)
{
	struct tc_node *copy = tc_copy_new(e->mem, v, NULL), *leaf = copy;

	while ((leaf->kind == TC_MAP || leaf->kind == TC_SEQ) && leaf->last)
		leaf = leaf->last;
	if (v->kind < TC_SEQ)
		leaf->style = v->style;
	if (leaf->kind == TC_STRING && (tc_edit_is_block_scalar(leaf) || memchr(leaf->text.s, '\n', leaf->text.len)))
		leaf->style = TC_STYLE_DOUBLE;
	return copy;
}

bool tc_edit_runs_on(const struct tc_edit *e, struct tc_str text, uint32_t below)
{
	const char *end = text.s + text.len;

	return tc_edit_line_is_blank(e, below) && text.len > 1 && end[-1] == '\n' &&
	       (end[-2] == '\n' || (text.len > 2 && end[-2] == '\r' && end[-3] == '\n'));
}

struct tc_str tc_edit_write_entry(struct tc_edit *e, const struct tc_op *op, int col, uint32_t below)
{
	const struct tc_node *key = op->kind == TC_OP_ADD_KEY ? op->key : NULL;
	struct tc_buf out = {0};

	tc_buf_fill(&out, ' ', (size_t)col);
	write_alone(&out, e, key, op->value, col);
	if (tc_edit_runs_on(e, tc_buf_str(&out), below)) {
		tc_buf_clear(&out);
		tc_buf_fill(&out, ' ', (size_t)col);
		write_alone(&out, e, key, tc_edit_close(e, op->value), col);
	}
	return tc_edit_keep(e, &out);
}

static struct tc_edit_new cut(struct tc_str text, size_t prefix)
{
	const char *from = text.s + prefix, *stop = memchr(from, '\n', text.len - prefix);
	struct tc_edit_new new = {.rest = {.s = stop + 1, .len = text.len - (size_t)(stop + 1 - text.s)}};

	if (stop > from && stop[-1] == '\r')
		stop--;
	while (from < stop && *from == ' ')
		from++;
	new.first = (struct tc_str){.s = from, .len = (size_t)(stop - from)};
	return new;
}

static bool is_filled(const struct tc_node *v)
{
	return (v->kind == TC_MAP || v->kind == TC_SEQ) && v->first;
}

struct tc_edit_new tc_edit_write_value(struct tc_edit *e, const struct tc_spot *at, const struct tc_node *v, bool split)
{
	static const struct tc_node key = {.kind = TC_STRING, .flags = TC_NODE_NEW, .text = {.s = "k", .len = 1}};
	struct tc_buf out = {0};

	if (!at->parent || (split && at->parent->kind == TC_SEQ && is_filled(v))) {
		int col = at->parent ? at->col + 2 : 0;

		tc_buf_fill(&out, ' ', is_filled(v) ? (size_t)col : 0);
		tc_emit(&out, v, how(e, col));
		return is_filled(v) ? (struct tc_edit_new){.rest = tc_edit_keep(e, &out)}
				    : cut(tc_edit_keep(e, &out), 0);
	}
	if (at->parent->kind == TC_MAP) {
		write_alone(&out, e, &key, v, at->col);
		return cut(tc_edit_keep(e, &out), sizeof("k:") - 1);
	}
	write_alone(&out, e, NULL, v, at->col);
	return cut(tc_edit_keep(e, &out), sizeof("-") - 1);
}

/* Between brackets */

/* In single quotes all stands for itself, so nothing may have to be escaped. */
static bool single_ok(struct tc_str text)
{
	for (const char *p = text.s, *end = p + text.len; p < end;) {
		size_t len = *p == '\n' || *p == '\t' ? 0 : tc_out_char(p, end);

		if (!len)
			return false;
		p += len;
	}
	return true;
}

static void flow_string(struct tc_buf *out, const struct tc_edit *e, struct tc_str text, bool key, uint8_t style)
{
	if (e->format == TC_JSON || style == TC_STYLE_DOUBLE) {
		tc_emit_json_string(out, text);
	} else if (style == TC_STYLE_SINGLE && single_ok(text)) {
		tc_out_lit(out, "'");
		for (size_t i = 0; i < text.len; i++)
			tc_out(out, text.s[i] == '\'' ? "''" : &text.s[i], text.s[i] == '\'' ? 2 : 1);
		tc_out_lit(out, "'");
	} else if (tc_scalar_plain_ok(text, true, key)) {
		tc_out(out, text.s, text.len);
	} else {
		tc_emit_json_string(out, text);
	}
}

static uint8_t quoted_like(const struct tc_node *like)
{
	return like && (like->style == TC_STYLE_DOUBLE || like->style == TC_STYLE_SINGLE) ? like->style : TC_STYLE_ANY;
}

void tc_edit_write_flow_key(struct tc_buf *out, const struct tc_edit *e, const struct tc_node *key,
			    const struct tc_node *like)
{
	flow_string(out, e, key->text, true, quoted_like(like));
	tc_out(out, ": ", e->colon_space ? 2 : 1);
}

static void flow_line(struct tc_buf *out, const struct tc_edit *e, struct tc_str base, size_t depth)
{
	tc_buf_puts(out, e->newline);
	tc_out(out, base.s, base.len);
	for (; depth > 0; depth--)
		tc_out(out, e->unit.s, e->unit.len);
}

/* A deep collection of tentc's own making: its depth is that of a pod template. */
static void flow_value(struct tc_buf *out, const struct tc_edit *e, const struct tc_node *v, const struct tc_node *like,
		       struct tc_str base, size_t depth)
{
	bool map = v->kind == TC_MAP, lines = e->unit.len > 0 && v->kind >= TC_SEQ && v->first;

	if (v->kind == TC_STRING) {
		flow_string(out, e, v->text, false, quoted_like(like));
		return;
	}
	if (v->kind != TC_MAP && v->kind != TC_SEQ) {
		tc_emit(out, v, (struct tc_emit){.format = TC_JSON});
		return;
	}
	tc_out(out, map ? "{" : "[", 1);
	for (const struct tc_node *i = v->first; i; i = i->next) {
		if (i != v->first)
			tc_out(out, ", ", !lines && e->comma_space ? 2 : 1);
		if (lines)
			flow_line(out, e, base, depth + 1);
		if (map) {
			tc_edit_write_flow_key(out, e, i, like);
			i = i->next;
		}
		flow_value(out, e, i, like, base, depth + 1);
	}
	if (lines)
		flow_line(out, e, base, depth);
	tc_out(out, map ? "}" : "]", 1);
}

void tc_edit_write_flow(struct tc_buf *out, const struct tc_edit *e, const struct tc_node *v,
			const struct tc_node *like, struct tc_str base)
{
	flow_value(out, e, v, like, base, 0);
}
