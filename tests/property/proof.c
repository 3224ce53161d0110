/* The reader that proves what tentc writes (narrow.h) against the whole reader, over whatever the stage writes: a byte
 * here and there is changed, and where the first still says yes, so must the second. */
#include "compiler/tree/narrow.h"
#include "tests/property/properties.h"

static bool reads_as(struct tc_str text, const struct tc_node *want)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(16 * 1024);
	struct tc_source src = {.name = "changed", .text = text};
	struct tc_limits limits = TC_LIMITS_FILE;
	bool empty;

	return tc_equal(want, tc_yaml_read(mem, &src, 0, (uint32_t)text.len, &limits, NULL, &empty), true);
}

static const char *prove_document(struct kase *k, const struct tree *tree, struct rng *rng)
{
	static const char odd[] = " \n:#-'\"|x1~{}[]&*!%\t\r";
	struct tc_str was = {.s = tree->doc->src->text.s + tree->doc->begin, .len = tree->doc->end - tree->doc->begin};
	_cleanup_buf_ struct tc_buf text = {0};

	tc_buf_add(&text, was.s, was.len);
	for (unsigned i = 0; i < 12 && was.len; i++) {
		size_t at = rng_below(rng, (unsigned)was.len);

		text.p[at] = i ? odd[rng_below(rng, sizeof(odd) - 1)] : was.s[at];
		if (tc_narrow_reads_as(tc_buf_str(&text), false, tree->root) &&
		    !reads_as(tc_buf_str(&text), tree->root))
			return tc_printf(k->mem, "wrongly proved:\n%s", text.p);
		text.p[at] = was.s[at];
	}
	return NULL;
}

const char *property_proved(struct kase *k)
{
	struct rng rng = {.s = k->seed};
	const char *fault = NULL;

	for (size_t i = 0; i < k->trees.count && !fault; i++) {
		const struct tree *tree = &k->trees.list[i];

		if (tree->doc->format == TC_YAML && tree->root)
			fault = prove_document(k, tree, &rng);
	}
	return fault;
}
