#include "compiler/tree/stream.h"

/* One of the two ways to read the text. */
struct reading {
	struct tc_diags diags;
	struct tc_node *root;
	bool empty;
};

static void pass_on(struct tc_diags *to, const struct tc_diags *from)
{
	for (size_t i = 0; to && i < from->count; i++) {
		const struct tc_diag *d = from->list[i];
		struct tc_diag *copy = tc_diag(to, d->id, d->at, "%s", d->text);
		for (const struct tc_note *n = d->notes; n; n = n->next) {
			if (n->at.src)
				tc_diag_note(copy, n->at, "%s", n->text);
			else
				tc_diag_help(copy, "%s", n->text);
		}
	}
}

static bool check_text(const struct tc_source *src, const struct tc_limits *limits, struct tc_diags *diags)
{
	struct tc_pos start = {.src = src};
	size_t bad;

	if (src->text.len > limits->max_bytes || src->text.len >= UINT32_MAX) {
		tc_diag_help(tc_diag(diags, TC_MSG_TOO_LARGE, start, "the text has %zu bytes, the limit is %zu",
				     src->text.len, limits->max_bytes),
			     "make it smaller");
		return false;
	}
	bad = tc_text_check(src->text);
	if (bad == src->text.len)
		return true;
	start.off = (uint32_t)bad;
	tc_diag_help(tc_diag(diags, TC_MSG_BAD_BYTE, start, "found a control character, which no YAML text may hold"),
		     "remove the escape that writes it");
	return false;
}

/* Where the lines of a block scalar begin; its first line holds the indicator. */
static uint32_t content_begin(const struct tc_source *src, const struct tc_node *n)
{
	const char *nl = memchr(src->text.s + n->off, '\n', n->end - n->off);

	return nl ? (uint32_t)(nl - src->text.s) + 1 : n->end;
}

static bool same_problems(const struct tc_diags *a, const struct tc_diags *b)
{
	if (a->count != b->count || a->count == 0)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->list[i]->id != b->list[i]->id || strcmp(a->list[i]->text, b->list[i]->text) != 0)
			return false;
	return true;
}

/* Indented YAML is still YAML, so that the raw lines can stand for the value; except where a line means something in
 * the first column only (---, ..., %), or the value holds what its lines do not show. */
static bool agree(const struct reading *raw, const struct reading *value)
{
	if (raw->root && value->root)
		return tc_equal(raw->root, value->root, true);
	return raw->root == value->root && ((raw->empty && value->empty) || same_problems(&raw->diags, &value->diags));
}

static struct tc_source *inner_source(struct tc_arena *mem, const struct tc_node *n, const char *label)
{
	struct tc_source *inner = tc_alloc(mem, sizeof(*inner));

	*inner = (struct tc_source){.name = label, .text = n->text};
	if (n->flags & TC_NODE_NEW)
		return inner;
	inner->outer = tc_node_source(n);
	inner->outer_off = n->off;
	inner->order = inner->outer->order;
	return inner;
}

struct tc_node *tc_embedded_read(struct tc_arena *mem, const struct tc_node *scalar, const char *label,
				 const struct tc_limits *limits, struct tc_diags *diags, bool *empty)
{
	const struct tc_node *n = tc_deref(scalar);
	struct reading raw = {.diags = {.mem = mem}}, value = {.diags = {.mem = mem}}, *chosen = &value;

	*empty = !n || n->kind == TC_NULL;
	if (*empty)
		return NULL;
	if (n->kind == TC_SEQ || n->kind == TC_MAP) {
		if (diags)
			tc_diag_help(tc_diag(diags, TC_MSG_SYNTAX_YAML, tc_node_pos(scalar),
					     "found %s, expected a text with YAML in it", tc_kind_name(n)),
				     "put | behind the key, and the YAML below it");
		return NULL;
	}
	const struct tc_source *inner = inner_source(mem, n, label), *outer = inner->outer;
	if (check_text(inner, limits, &value.diags))
		value.root = tc_yaml_read(mem, inner, 0, (uint32_t)inner->text.len, limits, &value.diags, &value.empty);
	if (outer && n->style == TC_STYLE_LITERAL) {
		raw.root = tc_yaml_read(mem, outer, content_begin(outer, n), n->end, limits, &raw.diags, &raw.empty);
		if (agree(&raw, &value))
			chosen = &raw;
	}
	pass_on(diags, &chosen->diags);
	*empty = chosen->empty;
	return chosen->root;
}
