/* edit_block.c - entries and items of block collections come and go, by whole lines where they have lines of their own.
 */
#include "compiler/tree/edit_text.h"

struct block {
	struct tc_edit *e;
	const struct tc_node *n;
	int col;
};

/* Keys of a mapping, items of a sequence. */
static const struct tc_node *next_of(const struct tc_node *parent, const struct tc_node *child)
{
	return parent->kind == TC_MAP ? child->next->next : child->next;
}

static const struct tc_node *value_of(const struct tc_node *parent, const struct tc_node *child)
{
	return parent->kind == TC_MAP ? child->next : child;
}

static bool is_removed(const struct block *b, const struct tc_node *child)
{
	const struct tc_op *op = tc_edit_change(b->e, value_of(b->n, child));

	return op && op->kind == TC_OP_REMOVE;
}

/* An entry's last leaf is its value's, unless that was left out. */
static uint32_t end_of(const struct block *b, const struct tc_node *child)
{
	return tc_edit_content_end(b->e, value_of(b->n, child));
}

static uint32_t begin_of(const struct block *b, const struct tc_node *child)
{
	uint32_t at = tc_edit_entry(b->e, b->n, child, b->col);

	if (at == UINT32_MAX)
		tc_edit_decline(b->e, "the beginning of an entry cannot be told");
	return at;
}

static void gone(const struct block *b, const struct tc_node *child)
{
	tc_edit_gone(b->e, child);
	tc_edit_gone(b->e, value_of(b->n, child));
}

static void remove_lines(const struct block *b, const struct tc_node *child, uint32_t begin)
{
	tc_edit_splice(b->e, tc_edit_line(b->e, begin), tc_edit_skip_deeper(b->e, end_of(b, child), b->col),
		       (struct tc_str){0});
}

/* The first entries stand on the line of a dash: what stays first moves up to it. Where comments stand between, the
 * dash stays alone on its line. Answers the first child that stays. */
static const struct tc_node *remove_first(const struct block *b, const struct tc_node *child, uint32_t begin)
{
	const struct tc_node *stays = child;
	uint32_t at = begin, end;
	bool comments = false;

	for (; stays && is_removed(b, stays); stays = next_of(b->n, stays)) {
		gone(b, stays);
		end = tc_edit_skip_deeper(b->e, end_of(b, stays), b->col);
		if (next_of(b->n, stays))
			at = begin_of(b, next_of(b->n, stays));
		if (at == UINT32_MAX)
			return NULL;
		for (uint32_t line = end; line < at; line = tc_edit_next_line(b->e, line))
			comments = comments || tc_edit_has_comment(b->e, line);
	}
	if (!stays)
		return NULL; /* unreachable: what loses all it has is replaced, by tc_edit_composed */
	if (!comments) {
		tc_edit_splice(b->e, begin, at, (struct tc_str){0});
		return stays;
	}
	uint32_t from = begin, to = tc_edit_skip_deeper(b->e, end_of(b, child), b->col);
	while (from > b->e->begin && tc_edit_is_blank(b->e->s[from - 1]))
		from--;
	tc_edit_splice(b->e, from, to, tc_str(b->e->newline));
	for (child = next_of(b->n, child); child != stays; child = next_of(b->n, child)) {
		begin = begin_of(b, child);
		if (begin != UINT32_MAX)
			remove_lines(b, child, begin);
	}
	return stays;
}

static void change(const struct block *b, const struct tc_node *child)
{
	const struct tc_node *v = value_of(b->n, child);
	struct tc_spot at = {.parent = b->n, .key = b->n->kind == TC_MAP ? child : NULL, .col = b->col};

	if (!tc_edit_change(b->e, v) && !tc_ptrmap_find(&b->e->touched, v))
		return;
	at.head = tc_edit_head(b->e, b->n, child, b->col);
	if (at.head == UINT32_MAX && v->off != v->end)
		tc_edit_decline(b->e, "the beginning of a value cannot be told");
	else
		tc_edit_value(b->e, &at, v);
}

static void add(const struct block *b)
{
	uint32_t at = tc_edit_skip_deeper(b->e, tc_edit_content_end(b->e, b->n), b->col);

	for (const struct tc_op *op = tc_edit_ops(b->e, b->n); op; op = op->next_here) {
		if (!op->at)
			tc_edit_splice(b->e, at, at, tc_edit_write_entry(b->e, op, b->col, at));
	}
}

void tc_edit_block(struct tc_edit *e, const struct tc_node *n)
{
	struct block b = {.e = e, .n = n, .col = tc_edit_col(e, tc_edit_body(e, n))};
	const struct tc_node *child = n->first;

	if (b.col > TC_EDIT_COL_MAX)
		tc_edit_decline(e, "a collection is indented too far");
	while (child && !e->out->why) {
		uint32_t begin;

		if (!is_removed(&b, child)) {
			change(&b, child);
			child = next_of(n, child);
			continue;
		}
		gone(&b, child);
		begin = begin_of(&b, child);
		if (begin == UINT32_MAX)
			return;
		if (child == n->first && !tc_edit_begins_line(e, begin)) {
			child = remove_first(&b, child, begin);
			continue;
		}
		remove_lines(&b, child, begin);
		child = next_of(n, child);
	}
	if (!e->out->why)
		add(&b);
}
