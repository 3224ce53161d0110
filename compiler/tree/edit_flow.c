/* edit_flow.c - entries and items between brackets come and go, in YAML and in JSON. */
#include "compiler/tree/edit_text.h"

static const struct tc_node *next_of(const struct tc_node *n, const struct tc_node *child)
{
	return n->kind == TC_MAP ? child->next->next : child->next;
}

static const struct tc_node *value_of(const struct tc_node *n, const struct tc_node *child)
{
	return n->kind == TC_MAP ? child->next : child;
}

static bool is_removed(const struct tc_edit *e, const struct tc_node *n, const struct tc_node *child)
{
	const struct tc_op *op = tc_edit_change(e, value_of(n, child));

	return op && op->kind == TC_OP_REMOVE;
}

/* A key that says that it is one begins at its `?`. */
static uint32_t begin_of(const struct tc_edit *e, const struct tc_node *child)
{
	uint32_t off = child->off;

	while (off > e->begin && (tc_edit_is_blank(e->s[off - 1]) || e->s[off - 1] == '\n' || e->s[off - 1] == '\r'))
		off--;
	return off < child->off && off > e->begin && e->s[off - 1] == '?' ? off - 1 : child->off;
}

static uint32_t end_of(const struct tc_edit *e, const struct tc_node *n, const struct tc_node *child)
{
	const struct tc_node *v = value_of(n, child);

	return n->kind == TC_MAP && v->off == v->end ? tc_edit_value_off(e, child, v) : v->end;
}

/* The comma behind a place; UINT32_MAX: something else comes first. */
static uint32_t comma_behind(const struct tc_edit *e, uint32_t off)
{
	off = tc_edit_skip(e, off);
	return off < e->end && e->s[off] == ',' ? off : UINT32_MAX;
}

static bool has_brackets(const struct tc_edit *e, const struct tc_node *n)
{
	uint32_t off = tc_edit_body(e, n);

	return off < n->end && (e->s[off] == '{' || e->s[off] == '[');
}

/* Adding */

struct layout {
	struct tc_str base; /* the indentation of the last child's line */
	bool lines;         /* children have lines of their own */
};

static struct layout layout_of(struct tc_edit *e, const struct tc_node *n, const struct tc_node *last)
{
	uint32_t begin = begin_of(e, last), line = tc_edit_line(e, begin);
	struct layout l = {.lines = line > n->off && tc_edit_begins_line(e, begin)};

	l.base = tc_edit_base(e, begin);
	return l;
}

static void new_child(struct tc_buf *out, const struct tc_edit *e, const struct tc_node *n, const struct tc_op *op,
		      struct tc_str base)
{
	if (op->kind == TC_OP_ADD_KEY)
		tc_edit_write_flow_key(out, e, op->key, n->first);
	tc_edit_write_flow(out, e, op->value, n->first, base);
}

/* All additions, with commas between. follow: something stands before the first one. */
static struct tc_str new_children(struct tc_edit *e, const struct tc_node *n, struct layout l, bool follow)
{
	struct tc_buf out = {0};
	bool first = true;

	for (const struct tc_op *op = tc_edit_ops(e, n); op; op = op->next_here) {
		if (!first)
			tc_buf_putc(&out, ',');
		if ((!first || follow) && l.lines) {
			tc_buf_puts(&out, e->newline);
			tc_buf_add(&out, l.base.s, l.base.len);
		} else if ((!first || follow) && e->comma_space) {
			tc_buf_putc(&out, ' ');
		}
		new_child(&out, e, n, op, l.base);
		first = false;
	}
	return tc_edit_keep(e, &out);
}

static void add_behind(struct tc_edit *e, const struct tc_node *n, const struct tc_node *last)
{
	struct layout l = layout_of(e, n, last);
	uint32_t end = end_of(e, n, last), comma = comma_behind(e, end);
	uint32_t at = comma == UINT32_MAX ? end : comma + 1;
	bool bare = end > e->begin && e->s[end - 1] == ':' && value_of(n, last)->off == value_of(n, last)->end;

	/* A comma right behind a colon would be part of the key. */
	if (comma == UINT32_MAX && bare && end < e->end && tc_edit_is_blank(e->s[end]))
		at = ++end;
	else if (comma == UINT32_MAX && bare)
		tc_edit_splice(e, end, end, TC_STR(" "));
	if (comma == UINT32_MAX)
		tc_edit_splice(e, end, end, TC_STR(","));
	/* A comment behind the last child stays behind it. */
	if (l.lines) {
		uint32_t rest = tc_edit_skip_blanks(e, at);

		if (rest >= e->end || e->s[rest] == '#' || e->s[rest] == '\n' || e->s[rest] == '\r')
			at = tc_edit_line_stop(e, at);
	}
	tc_edit_splice(e, at, at, new_children(e, n, l, true));
	if (comma != UINT32_MAX && l.lines)
		tc_edit_splice(e, at, at, TC_STR(","));
	/* Behind a comma a comment needs no blank. */
	if (at < e->end && e->s[at] == '#')
		tc_edit_splice(e, at, at, TC_STR(" "));
}

/* `[a: b]` holds a mapping without brackets. */
static void add_to_pair(struct tc_edit *e, const struct tc_node *n, const struct tc_node *key)
{
	const struct tc_node *value = key->next;

	if (!value || n->props || value->off == value->end || begin_of(e, key) != key->off) {
		tc_edit_decline(e, "a mapping without brackets in a list");
		return;
	}
	tc_edit_splice(e, n->off, n->off, TC_STR("{"));
	tc_edit_splice(e, n->end, n->end, TC_STR(","));
	tc_edit_splice(e, n->end, n->end, new_children(e, n, (struct layout){0}, true));
	tc_edit_splice(e, n->end, n->end, TC_STR("}"));
}

/* Removing */

/* Something that stays follows. Whole lines go where both have lines of their own, so that comments above the next one
 * stay. */
static void remove_before(struct tc_edit *e, const struct tc_node *n, const struct tc_node *child, uint32_t *done)
{
	uint32_t from = begin_of(e, child), to = begin_of(e, next_of(n, child)),
		 comma = comma_behind(e, end_of(e, n, child));

	if (comma != UINT32_MAX && tc_edit_line(e, from) >= *done && tc_edit_begins_line(e, from) &&
	    tc_edit_begins_line(e, to) && tc_edit_next_line(e, comma) <= to) {
		from = tc_edit_line(e, from);
		to = tc_edit_next_line(e, comma);
	}
	tc_edit_splice(e, from, to, (struct tc_str){0});
	*done = to;
}

static const struct tc_node *last_of(const struct tc_node *n, const struct tc_node *child)
{
	while (next_of(n, child))
		child = next_of(n, child);
	return child;
}

/* Does the line that stops there end with a comment? Behind the comma there are only blanks and comments. */
static bool ends_in_comment(const struct tc_edit *e, uint32_t comma, uint32_t stop)
{
	uint32_t line = tc_edit_line(e, stop);

	return tc_edit_has_comment(e, comma >= line ? comma + 1 : line);
}

/* All from first on goes; stays is what then comes last. */
static void remove_tail(struct tc_edit *e, const struct tc_node *n, const struct tc_node *stays,
			const struct tc_node *first)
{
	uint32_t from = begin_of(e, first), to = end_of(e, n, last_of(n, first)), before = end_of(e, n, stays);
	uint32_t comma = comma_behind(e, before), trailing = comma_behind(e, to), line = tc_edit_line(e, from);

	if (!tc_edit_begins_line(e, from) || comma == UINT32_MAX || comma >= line) {
		tc_edit_splice(e, before, to, (struct tc_str){0});
		return;
	}
	if (trailing == UINT32_MAX)
		tc_edit_splice(e, comma, comma + 1, (struct tc_str){0});
	else
		to = trailing + 1;
	/* The line break before goes, the one behind stays; a comment behind the last one goes with it. What follows on
	 * the line may not move into a comment. */
	line -= 1 + (e->s[line - 1] == '\n' && line - 1 > e->begin && e->s[line - 2] == '\r');
	if (tc_edit_has_comment(e, to) || tc_edit_line_is_blank(e, to) || !ends_in_comment(e, comma, line))
		from = line;
	if (tc_edit_has_comment(e, to))
		to = tc_edit_line_stop(e, to);
	else if (tc_edit_line_is_blank(e, to))
		to = tc_edit_skip_blanks(e, to);
	tc_edit_splice(e, from, to, (struct tc_str){0});
}

static void change(struct tc_edit *e, const struct tc_node *n, const struct tc_node *child)
{
	struct tc_spot at = {.parent = n, .key = n->kind == TC_MAP ? child : NULL, .head = UINT32_MAX};

	tc_edit_value(e, &at, value_of(n, child));
}

/* The first of the children at the end that go; NULL: the last one stays. */
static const struct tc_node *tail_of(struct tc_edit *e, const struct tc_node *n, const struct tc_node **stays)
{
	const struct tc_node *tail = NULL;

	for (const struct tc_node *child = n->first; child; child = next_of(n, child)) {
		if (is_removed(e, n, child)) {
			tc_edit_gone(e, child);
			tc_edit_gone(e, value_of(n, child));
		}
		if (!is_removed(e, n, child)) {
			*stays = child;
			tail = NULL;
		} else if (!tail) {
			tail = child;
		}
	}
	return tail;
}

void tc_edit_flow(struct tc_edit *e, const struct tc_node *n)
{
	const struct tc_node *stays = NULL, *tail = tail_of(e, n, &stays);
	bool adds = tc_edit_ops(e, n); /* n stays: there is nothing else at it */
	uint32_t done = 0;             /* all before it is gone already */

	if (!stays)
		return; /* unreachable: it has been replaced as a whole, by tc_edit_composed */
	for (const struct tc_node *child = n->first; child && child != tail; child = next_of(n, child)) {
		if (is_removed(e, n, child))
			remove_before(e, n, child, &done);
		else
			change(e, n, child);
	}
	if (tail && adds)
		tc_edit_splice(e, begin_of(e, tail), end_of(e, n, last_of(n, tail)),
			       new_children(e, n, layout_of(e, n, tail), false));
	else if (tail)
		remove_tail(e, n, stays, tail);
	else if (adds && !has_brackets(e, n))
		add_to_pair(e, n, stays);
	else if (adds)
		add_behind(e, n, stays);
}
