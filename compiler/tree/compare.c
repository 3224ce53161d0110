/* compare.c - equality of trees as JSON values (node.h). */
#include "compiler/tree/node.h"
#include "compiler/tree/scalar.h"

static bool same_scalar(const struct tc_node *a, const struct tc_node *b)
{
	bool numbers = (a->kind == TC_INT || a->kind == TC_FLOAT) && (b->kind == TC_INT || b->kind == TC_FLOAT);

	if (numbers)
		return (a->kind == b->kind && tc_str_equal(a->text, b->text)) ||
		       tc_scalar_same_number(a->text, b->text);
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case TC_NULL:
		return true;
	case TC_BOOL:
		return tc_scalar_true(a->text) == tc_scalar_true(b->text);
	default:
		return tc_str_equal(a->text, b->text);
	}
}

static bool same_seq(const struct tc_node *a, const struct tc_node *b, bool ordered)
{
	if (a->count != b->count)
		return false;
	a = a->first;
	b = b->first;
	for (; a && b; a = a->next, b = b->next) {
		if (!tc_equal(a, b, ordered))
			return false;
	}
	return !a && !b;
}

static bool same_key(const struct tc_node *a, const struct tc_node *b)
{
	a = tc_deref(a);
	b = tc_deref(b);
	if (a->kind == TC_STRING && b->kind == TC_STRING)
		return tc_str_equal(a->text, b->text);

	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);

	return tc_str_equal(tc_key_text(mem, a), tc_key_text(mem, b));
}

static bool same_sorted(const struct tc_node *a, const struct tc_node *b)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	size_t na, nb;
	struct tc_pair *pa = tc_pairs_sorted(mem, a, &na), *pb = tc_pairs_sorted(mem, b, &nb);

	if (na != nb)
		return false;
	for (size_t i = 0; i < na; i++) {
		if (!tc_str_equal(pa[i].key, pb[i].key) || !tc_equal(pa[i].value, pb[i].value, false))
			return false;
	}
	return true;
}

/* Without merges the children are the entries. Every text that is written is compared with its tree this way. */
static bool same_plain(const struct tc_node *a, const struct tc_node *b)
{
	a = a->first;
	b = b->first;
	for (; a && b; a = a->next->next, b = b->next->next) {
		if (!same_key(a, b) || !tc_equal(a->next, b->next, true))
			return false;
	}
	return !a && !b;
}

static bool same_map(const struct tc_node *a, const struct tc_node *b, bool ordered)
{
	if (ordered && !((a->flags | b->flags) & TC_NODE_MERGES))
		return same_plain(a, b);

	struct tc_entry ea = tc_first(a), eb = tc_first(b);

	/* Two mappings are most often in the same order even where that is not asked for. Keys first: values that were
	 * compared once must not be compared again, or the work would double at every level. */
	for (; ea.key && eb.key && same_key(ea.key, eb.key); ea = tc_next(ea), eb = tc_next(eb))
		;
	if (ea.key || eb.key)
		return !ordered && ea.key && eb.key && same_sorted(a, b);

	for (ea = tc_first(a), eb = tc_first(b); ea.key; ea = tc_next(ea), eb = tc_next(eb)) {
		if (!tc_equal(ea.value, eb.value, ordered))
			return false;
	}
	return true;
}

bool tc_equal(const struct tc_node *a, const struct tc_node *b, bool ordered)
{
	a = tc_deref(a);
	b = tc_deref(b);
	if (a == b || !a || !b)
		return a == b;
	if (a->kind == TC_MAP && b->kind == TC_MAP)
		return same_map(a, b, ordered);
	if (a->kind == TC_SEQ && b->kind == TC_SEQ)
		return same_seq(a, b, ordered);
	if (a->kind >= TC_SEQ || b->kind >= TC_SEQ)
		return false;
	return same_scalar(a, b);
}
