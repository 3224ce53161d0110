/* edit_value.c - one value takes the place of another one.
 *
 * What goes on the line of the key or dash, and what goes below it, are two texts; where the old value stood decides
 * where they go. The comment behind the old value stays on its line. */
#include "compiler/tree/edit_text.h"

/* The new value, quoted as the old one was where nothing else is asked for. */
static struct tc_node styled(const struct tc_node *v, const struct tc_node *old)
{
	struct tc_node like = *v;

	if (v->kind == TC_STRING && v->style == TC_STYLE_ANY && (old->kind == TC_STRING || v->text.len == 0) &&
	    old->kind < TC_SEQ)
		like.style = old->style;
	return like;
}

static struct tc_str join(struct tc_edit *e, struct tc_str a, struct tc_str b)
{
	struct tc_buf out = {0};

	tc_buf_add(&out, a.s, a.len);
	tc_buf_add(&out, b.s, b.len);
	return tc_edit_keep(e, &out);
}

/* An anchor stays with its place. */
static struct tc_str behind_anchor(struct tc_edit *e, struct tc_str anchor, struct tc_str text)
{
	if (!anchor.len || !text.len)
		return anchor.len ? anchor : text;
	return join(e, join(e, anchor, TC_STR(" ")), text);
}

/* Text right behind a colon, a dash or a word needs a blank. */
static struct tc_str blank_before(const struct tc_edit *e, uint32_t off)
{
	char before = off > e->begin ? e->s[off - 1] : '\n';

	return tc_edit_is_blank(before) || before == '\n' || before == '\r' ? TC_STR("") : TC_STR(" ");
}

/* gap: something stands between the line of the key or dash and the lines below it that are written; below: what
 * follows these. A block scalar has its lines right below its header, and takes whatever is indented as they are. */
static struct tc_edit_new write_value(struct tc_edit *e, const struct tc_spot *at, const struct tc_node *v, bool split,
				      bool gap, uint32_t below)
{
	struct tc_edit_new new = tc_edit_write_value(e, at, v, split);

	if (new.rest.len && ((gap && v->kind == TC_STRING) || tc_edit_runs_on(e, new.rest, below) ||
			     tc_edit_skip_deeper(e, below, at->col) != below))
		return tc_edit_write_value(e, at, tc_edit_close(e, v), split);
	return new;
}

/* [n->off, to) goes, with the blanks that are left alone by it, and the line too when nothing else is on it. */
static void clear_inline(struct tc_edit *e, const struct tc_spot *at, const struct tc_node *n, uint32_t to)
{
	uint32_t from = n->off, least = at->head == UINT32_MAX ? e->begin : at->head;
	bool comment = tc_edit_has_comment(e, to), own_line = tc_edit_begins_line(e, from);

	if (from == to)
		return;
	if (!comment || own_line)
		to = tc_edit_skip_blanks(e, to);
	/* A comment needs a blank before it. */
	while (!(comment && (own_line || e->s[to] == '#')) && from > least && tc_edit_is_blank(e->s[from - 1]))
		from--;
	if (!comment && own_line)
		to = tc_edit_next_line(e, to);
	/* Behind a dash, or the colon of a `? key`, YAML takes no tab. */
	if (comment && !own_line && at->head != UINT32_MAX && tc_edit_begins_line(e, at->head - 1) &&
	    memchr(e->s + to, '\t', tc_edit_skip_blanks(e, to) - to))
		tc_edit_splice(e, from, tc_edit_skip_blanks(e, to), blank_before(e, from));
	else
		tc_edit_splice(e, from, to, (struct tc_str){0});
}

/* The blanks on blank lines would become content of the text that ends above them. */
static void trim_below(struct tc_edit *e, uint32_t line)
{
	for (; tc_edit_line_is_blank(e, line); line = tc_edit_next_line(e, line))
		tc_edit_splice(e, line, tc_edit_skip_blanks(e, line), (struct tc_str){0});
}

/* The comments between the brackets of an empty collection, as lines above the first line of what takes its place. */
static struct tc_str with_inner_comments(struct tc_edit *e, const struct tc_node *n, struct tc_str lines)
{
	struct tc_buf out = {0};
	size_t indent = 0;

	if (n->style != TC_STYLE_FLOW || n->first || !lines.len || tc_stands_for(n))
		return lines;
	while (indent < lines.len && lines.s[indent] == ' ')
		indent++;
	for (uint32_t at = tc_edit_body(e, n); at < n->end; at++) {
		uint32_t stop = tc_edit_line_stop(e, at);

		if (e->s[at] != '#')
			continue;
		tc_buf_fill(&out, ' ', indent);
		tc_buf_add(&out, e->s + at, stop - at);
		tc_buf_puts(&out, e->newline);
		at = stop;
	}
	tc_buf_add(&out, lines.s, lines.len);
	return tc_edit_keep(e, &out);
}

/* A scalar, an alias, something in brackets: it begins and ends where its marks say. A block scalar: its header does,
 * and its lines go too. */
static void replace_inline(struct tc_edit *e, const struct tc_spot *at, const struct tc_node *n,
			   const struct tc_node *v)
{
	bool block = tc_edit_is_block_scalar(n);
	uint32_t to = block ? tc_edit_header_end(e, n) : n->end, below = tc_edit_next_line(e, to);
	uint32_t end = block ? tc_edit_content_end(e, n) : below;
	struct tc_str anchor = tc_edit_anchor(e, n);
	struct tc_node like = styled(v, n);
	struct tc_edit_new new = write_value(e, at, &like, anchor.len || tc_edit_has_comment(e, to), false, end);
	struct tc_str first = behind_anchor(e, anchor, new.first);

	/* Behind a bracket a comment needs no blank. */
	if (first.len && to < e->end && e->s[to] == '#')
		first = join(e, first, TC_STR(" "));
	if (first.len)
		tc_edit_splice(e, n->off, to, join(e, blank_before(e, n->off), first));
	else
		clear_inline(e, at, n, to);
	tc_edit_splice(e, below, end, with_inner_comments(e, n, new.rest));
	if (new.rest.len && v->kind == TC_STRING &&end < e->end)
		trim_below(e, end);
}

/* The value of `? key` without a colon. */
static void replace_missing(struct tc_edit *e, const struct tc_spot *at, const struct tc_node *n,
			    const struct tc_node *v)
{
	uint32_t below = tc_edit_next_line(e, n->end);
	struct tc_edit_new new = tc_edit_write_value(e, at, v, false);
	struct tc_buf out = {0};

	tc_buf_fill(&out, ' ', (size_t)at->col);
	tc_buf_puts(&out, new.first.len ? ": " : ":");
	tc_buf_add(&out, new.first.s, new.first.len);
	tc_buf_puts(&out, e->newline);
	tc_buf_add(&out, new.rest.s, new.rest.len);
	tc_edit_splice(e, below, below, tc_edit_keep(e, &out));
}

/* A block collection that begins below its key or dash. */
static void replace_below(struct tc_edit *e, const struct tc_spot *at, const struct tc_node *n, const struct tc_node *v,
			  uint32_t from, uint32_t to)
{
	struct tc_str anchor = tc_edit_anchor(e, n);
	uint32_t props = tc_edit_props_end(e, n), off = props > n->off ? n->off : at->head;
	uint32_t end = props > n->off ? props : off;
	uint32_t line = tc_edit_next_line(e, end);
	struct tc_edit_new new;
	struct tc_str first;

	new = write_value(e, at, v, anchor.len || tc_edit_has_comment(e, end), line != from, to);
	first = behind_anchor(e, anchor, new.first);
	if (first.len)
		tc_edit_splice(e, off, end, join(e, blank_before(e, off), first));
	else if (props > n->off)
		clear_inline(e, at, n, end);
	tc_edit_splice(e, from, to, new.rest);
}

static void replace_collection(struct tc_edit *e, const struct tc_spot *at, const struct tc_node *n,
			       const struct tc_node *v)
{
	uint32_t begin = tc_edit_body(e, n), to = tc_edit_content_end(e, n), from = n->off;
	struct tc_edit_new new;

	if (at->parent)
		to = tc_edit_skip_deeper(e, to, at->col);
	if (at->parent && tc_edit_begins_line(e, begin)) {
		replace_below(e, at, n, v, tc_edit_line(e, begin), to);
		return;
	}
	if (begin > n->off && at->parent) {
		tc_edit_decline(e, "a collection with an anchor or a tag begins on the line of something else");
		return;
	}
	new = write_value(e, at, v, false, false, to);
	if (!at->parent || new.first.len == 0) {
		while (from > e->begin && tc_edit_is_blank(e->s[from - 1]))
			from--;
	}
	/* A root that goes on whole lines has no line above it. */
	if (!at->parent && new.first.len == 0)
		tc_edit_splice(e, from, to, new.rest);
	else
		tc_edit_splice(e, from, to, join(e, join(e, new.first, tc_str(e->newline)), new.rest));
}

/* A key on more than one line, as YAML counts lines. */
static bool has_breaks(const struct tc_edit *e, const struct tc_node *key)
{
	for (uint32_t i = key->off; i < key->end; i++) {
		const char *p = e->s + i;

		if (*p == '\n' || *p == '\r' || (key->end - i > 1 && memcmp(p, "\xc2\x85", 2) == 0) ||
		    (key->end - i > 2 && memcmp(p, "\xe2\x80", 2) == 0 && (p[2] == '\xa8' || p[2] == '\xa9')))
			return true;
	}
	return false;
}

static void replace_between_brackets(struct tc_edit *e, const struct tc_spot *at, const struct tc_node *n,
				     const struct tc_node *v)
{
	struct tc_buf out = {0};
	struct tc_str anchor = tc_edit_anchor(e, n), base = tc_edit_base(e, n->off);
	struct tc_node like = *n;
	uint32_t off = tc_edit_value_off(e, at->key, n), end = n->off == n->end ? off : n->end;

	if (off == end) {
		bool colon = off > e->begin && e->s[off - 1] == ':';

		tc_buf_puts(&out, colon ? " " : ": ");
		if (!colon && at->key && has_breaks(e, at->key))
			tc_edit_splice(e, at->key->off, at->key->off, TC_STR("? "));
	}
	if (anchor.len) {
		tc_buf_add(&out, anchor.s, anchor.len);
		tc_buf_putc(&out, ' ');
	}
	if (n->kind != TC_STRING || v->kind >= TC_SEQ)
		like.style = at->key ? at->key->style : TC_STYLE_ANY;
	size_t bracket = out.len + 1;
	tc_edit_write_flow(&out, e, v, &like, base);
	struct tc_str text = tc_edit_keep(e, &out);
	uint32_t inner = tc_edit_body(e, n) + 1;

	/* Comments between the brackets of an empty collection stay, and so do the brackets. */
	if (n->kind == v->kind && n->kind >= TC_SEQ && !n->first && v->first && !tc_stands_for(n) &&
	    memchr(e->s + inner, '#', end - 1 - inner)) {
		tc_edit_splice(e, off, inner, (struct tc_str){.s = text.s, .len = bracket});
		tc_edit_splice(e, end - 1, end, (struct tc_str){.s = text.s + bracket, .len = text.len - bracket});
		return;
	}
	tc_edit_splice(e, off, end, text);
}

static void replace(struct tc_edit *e, const struct tc_spot *at, const struct tc_node *n, const struct tc_node *v)
{
	tc_edit_gone(e, n);
	if (e->format == TC_JSON || (at->parent && at->parent->style == TC_STYLE_FLOW))
		replace_between_brackets(e, at, n, v);
	else if (tc_edit_is_block(n))
		replace_collection(e, at, n, v);
	else if (at->head == UINT32_MAX && at->parent && n->off == n->end)
		replace_missing(e, at, n, v);
	else
		replace_inline(e, at, n, v);
}

/* A new collection as long as the additions; they stand in it as copies. n itself has no change. */
struct tc_node *tc_edit_composed(struct tc_edit *e, const struct tc_node *n)
{
	const struct tc_ptrslot *slot = tc_ptrmap_find(&e->touched, n);
	const struct tc_op *op = tc_edit_ops(e, n);
	struct tc_node *to, *copy;

	if (!slot || (uintptr_t)slot->last < n->count)
		return NULL;
	to = n->kind == TC_MAP ? tc_new_map(e->mem, NULL) : tc_new_seq(e->mem, NULL);
	for (; op; op = op->next_here) {
		copy = tc_alloc(e->mem, sizeof(*copy));
		*copy = *op->value;
		copy->next = NULL;
		if (op->kind == TC_OP_ADD_KEY) {
			struct tc_node *key = tc_alloc(e->mem, sizeof(*key));

			*key = *op->key;
			key->next = NULL;
			tc_put_node(to, key, copy);
		} else {
			tc_push(to, copy);
		}
	}
	return to;
}

void tc_edit_value(struct tc_edit *e, const struct tc_spot *at, const struct tc_node *n)
{
	const struct tc_op *op = tc_edit_change(e, n);
	const struct tc_node *composed;

	if (op) {
		if (!tc_edit_inner(e, n, op))
			replace(e, at, n, op->value);
		return;
	}
	if (tc_ptrmap_find(&e->touched, n) && tc_stands_for(n)) {
		replace(e, at, n, tc_patch_apply_at(e->mem, e->patch, n));
		return;
	}
	if ((n->kind != TC_MAP && n->kind != TC_SEQ) || !tc_ptrmap_find(&e->touched, n))
		return;
	composed = tc_edit_composed(e, n);
	if (composed)
		replace(e, at, n, composed);
	else if (n->style == TC_STYLE_FLOW)
		tc_edit_flow(e, n);
	else
		tc_edit_block(e, n);
}
