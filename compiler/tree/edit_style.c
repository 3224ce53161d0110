/* edit_style.c - how a document is written, so that what is added to it looks the same. */
#include "compiler/tree/edit_text.h"

enum { STEP_DEFAULT = 2, STEP_MAX = 9 };

struct habits {
	size_t steps[STEP_MAX + 1]; /* how often a collection stands so far right of the one around it */
	size_t indented, flush;     /* sequences */
};

/* Only collections that begin a line of their own say something. */
static int own_col(const struct tc_edit *e, const struct tc_node *n)
{
	uint32_t off = tc_edit_body(e, n);

	return tc_edit_begins_line(e, off) ? tc_edit_col(e, off) : -1;
}

static void count(const struct tc_edit *e, struct habits *h, const struct tc_node *n, int col)
{
	for (const struct tc_node *i = n->first; i; i = i->next) {
		const struct tc_node *v = i;
		int at, step;

		if (n->kind == TC_MAP)
			v = i = i->next;
		if (!tc_edit_is_block(v))
			continue;
		at = own_col(e, v);
		step = at - col;
		if (n->kind == TC_MAP && at >= 0 && col >= 0) {
			h->indented += v->kind == TC_SEQ && step > 0;
			h->flush += v->kind == TC_SEQ && step == 0;
			if (step > 0 && step <= STEP_MAX)
				h->steps[step]++;
		}
		count(e, h, v, at >= 0 ? at : tc_edit_col(e, tc_edit_body(e, v)));
	}
}

static void yaml_style(struct tc_edit *e, const struct tc_node *root)
{
	struct habits h = {0};
	unsigned best = STEP_DEFAULT;

	if (tc_edit_is_block(root))
		count(e, &h, root, tc_edit_col(e, tc_edit_body(e, root)));
	for (unsigned i = 1; i <= STEP_MAX; i++)
		best = h.steps[i] > h.steps[best] ? i : best;
	e->step = best;
	e->indent_items = h.indented > h.flush;
	e->colon_space = e->comma_space = true;
}

/* The first mapping with an entry, from the top. */
static const struct tc_node *first_map(const struct tc_node *n)
{
	while (n->kind == TC_SEQ && n->first)
		n = n->first;
	return n->kind == TC_MAP && n->first ? n : NULL;
}

static void json_style(struct tc_edit *e, const struct tc_node *root)
{
	const struct tc_node *map = first_map(root), *first = map ? map->first : NULL;
	const struct tc_node *child = root->kind == TC_MAP || root->kind == TC_SEQ ? root->first : NULL;

	if (child && child->off > tc_edit_line_stop(e, root->off)) {
		uint32_t line = tc_edit_line(e, child->off), outer = tc_edit_line(e, root->off), from = line;

		/* What the child's line has more than the root's. */
		while (outer < root->off && from < child->off && e->s[outer] == e->s[from]) {
			outer++;
			from++;
		}
		e->unit = (struct tc_str){.s = e->s + from, .len = child->off - from};
		if (e->unit.len > STEP_MAX)
			e->unit = TC_STR("  ");
	}
	e->colon_space = first ? tc_edit_is_blank(e->s[first->next->off - 1]) : e->unit.len > 0;
	e->comma_space = e->colon_space;
}

void tc_edit_style(struct tc_edit *e, const struct tc_node *root)
{
	uint32_t stop = tc_edit_line_stop(e, e->begin);

	e->newline = stop + 1 < e->end && e->s[stop] == '\r' && e->s[stop + 1] == '\n' ? "\r\n" : "\n";
	if (e->format == TC_JSON)
		json_style(e, root);
	else
		yaml_style(e, root);
}
