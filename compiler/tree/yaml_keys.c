#include "compiler/tree/yaml_read.h"

#include "compiler/tree/decimal.h"
#include "compiler/tree/number.h"
#include "compiler/tree/scalar.h"

enum {
	KEY_MAX = 65536, /* bytes: no key of a manifest is that long, and messages, pointers and marks repeat keys */
	COMPARED = 16,   /* keys of a mapping that are compared each with each */
	MERGE_WORK_RATE = 16 /* comparisons of merged keys, per node that aliases may expand to */
};

static bool beyond_float32(struct tc_yaml *y, const struct tc_node *key)
{
	return key->kind == TC_FLOAT &&
	       !tc_decimal_is_short(y->mem, tc_scalar_json_number(y->mem, key->text, TC_FLOAT));
}

static bool beyond_int64(const struct tc_node *key)
{
	bool negative;
	uint64_t magnitude;

	return key->kind == TC_INT && tc_number_int(key->text, &negative, &magnitude) && !negative &&
	       magnitude > INT64_MAX;
}

void tc_yaml_check_key(struct tc_yaml *y, const struct tc_node *key)
{
	const struct tc_node *n = key->kind == TC_ALIAS ? key->target : key;
	const char *s = y->src->text.s;

	if (n->kind == TC_STRING && n->text.len > KEY_MAX)
		tc_diag_help(tc_yaml_fault(y, TC_MSG_BAD_KEY, key->off, "found a key of %zu bytes, the limit is %d",
					   n->text.len, KEY_MAX),
			     "check that this is a key, and not a value");
	if (n->kind == TC_STRING || n->kind == TC_BOOL)
		return;
	if (beyond_float32(y, n)) {
		tc_diag_help(tc_yaml_fault(y, TC_MSG_BAD_KEY, key->off,
					   "found a number as a key that Kubernetes would not keep as it is"),
			     "quote it");
		return;
	}
	if (beyond_int64(n)) {
		tc_diag_help(tc_yaml_fault(y, TC_MSG_BAD_KEY, key->off,
					   "found a key beyond 2^63-1, which Kubernetes refuses as a number"),
			     "quote it");
		return;
	}
	if (n->kind == TC_INT || n->kind == TC_FLOAT)
		return;
	struct tc_diag *d =
		tc_yaml_fault(y, TC_MSG_BAD_KEY, key->off, "found %s as a key, expected a string", tc_kind_name(n));
	if (key->kind == TC_MAP && key->style == TC_STYLE_FLOW && key->off > y->begin && s[key->off - 1] == '{')
		tc_diag_help(d, "if {{ }} is of a template, render the template first; if it is text, quote it");
	else if (n->kind == TC_NULL && key->kind != TC_ALIAS && key->end == key->off)
		tc_diag_help(d, "write a key in front of the colon");
	else
		tc_diag_help(d, "quote it if it is text");
}

static struct tc_str key_text(struct tc_yaml *y, const struct tc_node *key)
{
	const struct tc_node *n = key->kind == TC_ALIAS ? key->target : key;

	return n->kind == TC_STRING ? n->text : tc_key_text(y->mem, n);
}

static bool is_bad_key(const struct tc_node *key)
{
	const struct tc_node *n = key->kind == TC_ALIAS ? key->target : key;

	return n->kind == TC_NULL || n->kind == TC_SEQ || n->kind == TC_MAP;
}

static const char *raw_text(struct tc_yaml *y, const struct tc_node *n)
{
	return tc_strndup(y->mem, y->src->text.s + n->off, n->end - n->off);
}

static void report_twice(struct tc_yaml *y, const struct tc_yaml_key *first, const struct tc_yaml_key *again)
{
	const struct tc_node *a = first->node, *b = again->node;
	bool alike = tc_deref(a)->kind == tc_deref(b)->kind && tc_str_equal(tc_deref(a)->text, tc_deref(b)->text);
	struct tc_diag *d;

	if (alike)
		d = tc_yaml_fault(y, TC_MSG_DUPLICATE_KEY, b->off, "key %s is there twice",
				  tc_quote(y->mem, again->text));
	else
		d = tc_yaml_fault(y, TC_MSG_DUPLICATE_KEY, b->off, "keys %s and %s are one to Kubernetes: %s",
				  raw_text(y, a), raw_text(y, b), tc_quote(y->mem, again->text));
	tc_diag_note(d, tc_node_pos(a), "the first one is here");
	tc_diag_help(d, "remove one of them");
}

static int compare_keys(const void *left, const void *right)
{
	const struct tc_yaml_key *a = left, *b = right;
	size_t least = a->text.len < b->text.len ? a->text.len : b->text.len;
	int order = least ? memcmp(a->text.s, b->text.s, least) : 0;

	if (order)
		return order;
	if (a->text.len != b->text.len)
		return a->text.len < b->text.len ? -1 : 1;
	return a->nth < b->nth ? -1 : a->nth > b->nth;
}

static void sort_and_compare(struct tc_yaml *y, struct tc_yaml_key *keys, size_t n)
{
	qsort(keys, n, sizeof(*keys), compare_keys);
	for (size_t first = 0, i = 1; i < n; i++) {
		if (tc_str_equal(keys[first].text, keys[i].text))
			report_twice(y, &keys[first], &keys[i]);
		else
			first = i;
	}
}

static void compare_each(struct tc_yaml *y, const struct tc_yaml_key *keys, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (tc_str_equal(keys[i].text, keys[k].text)) {
				report_twice(y, &keys[k], &keys[i]);
				break;
			}
}

/* Merge keys may repeat; keys that were refused already are none. */
static void check_duplicates(struct tc_yaml *y, const struct tc_node *map)
{
	struct tc_yaml_key few[COMPARED], *keys = few;
	size_t n = 0;

	if (map->count < 2)
		return;
	if (map->count > COMPARED) {
		tc_buf_clear(&y->keys);
		tc_buf_reserve(&y->keys, map->count * sizeof(*keys));
		keys = (void *)y->keys.p;
	}
	for (const struct tc_node *k = map->first; k; k = k->next->next) {
		if (!(k->flags & TC_NODE_MERGE) && !is_bad_key(k)) {
			keys[n] = (struct tc_yaml_key){.text = key_text(y, k), .node = k, .nth = n};
			n++;
		}
	}
	if (map->count > COMPARED)
		sort_and_compare(y, keys, n);
	else
		compare_each(y, keys, n);
}

/* A mapping or an alias of one; `inner` names the first node that is none. */
static bool is_source(const struct tc_node *value, const struct tc_node **inner)
{
	*inner = value;
	if (value->kind != TC_SEQ)
		return tc_is(value, TC_MAP);
	for (const struct tc_node *i = value->first; i; i = i->next) {
		*inner = i;
		if (!tc_is(i, TC_MAP))
			return false;
	}
	return true;
}

static void report_covered(struct tc_yaml *y, const struct tc_node *merge, const struct tc_node *source,
			   const struct tc_node *key, struct tc_str text)
{
	bool twice = key->flags & TC_NODE_MERGE;
	struct tc_diag *d = tc_yaml_fault(y, TC_MSG_DUPLICATE_KEY, twice ? merge->off : key->off,
					  twice ? "two merge keys bring key %s; to Kubernetes the later one wins"
						: "key %s stands before a merge key that brings it too; to Kubernetes "
						  "the merged one wins",
					  tc_quote(y->mem, text));

	for (struct tc_entry e = tc_first(source); e.key; e = tc_next(e))
		if (tc_str_equal(key_text(y, e.key), text)) {
			tc_diag_note(d, tc_node_pos(e.key), "it is brought from here");
			break;
		}
	tc_diag_note(d, tc_node_pos(twice ? key : merge),
		     twice ? "the first merge key is here" : "the merge key is here");
	tc_diag_help(d, twice ? "write one merge key with a list, <<: [*a, *b]: the first of it wins then"
			      : "put << in front of the mapping's own keys: they win then");
}

/* The keys in front of a merge that it brings again. Kubernetes reads a mapping from top to bottom and the last value
 * stays, while the merge specification lets the first one stay: where the two differ, one value would be lost. */
static void check_covered(struct tc_yaml *y, const struct tc_node *merge, const struct tc_node *source,
			  const struct tc_node *map)
{
	for (const struct tc_node *k = map->first; k != merge; k = k->next->next) {
		if (k->flags & TC_NODE_MERGE) {
			const struct tc_node *inner, *earlier = k->next;
			if (!is_source(earlier, &inner))
				continue;
			for (const struct tc_node *i = earlier->kind == TC_SEQ ? earlier->first : earlier; i;
			     i = earlier->kind == TC_SEQ ? i->next : NULL)
				for (struct tc_entry e = tc_first(i); e.key; e = tc_next(e))
					if (tc_get_str(source, key_text(y, e.key)))
						report_covered(y, merge, source, k, key_text(y, e.key));
		} else if (!is_bad_key(k) && tc_get_str(source, key_text(y, k))) {
			report_covered(y, merge, source, k, key_text(y, k));
		}
	}
}

static void check_merge(struct tc_yaml *y, const struct tc_node *map, const struct tc_node *merge)
{
	const struct tc_node *value = merge->next, *inner;

	if (!is_source(value, &inner)) {
		tc_diag_help(tc_yaml_fault(y, TC_MSG_BAD_MERGE, inner->off,
					   "a merge key (<<) with %s, expected a mapping or a list of mappings",
					   tc_kind_name(inner)),
			     "write an alias of a mapping, such as <<: *defaults, or quote \"<<\" if it is a name");
		return;
	}
	if (merge == map->first)
		return;
	for (const struct tc_node *i = value->kind == TC_SEQ ? value->first : value; i;
	     i = value->kind == TC_SEQ ? i->next : NULL)
		check_covered(y, merge, i, map);
}

/* Whoever looks through merges compares each merged key with the ones before it; that product may be large in a small
 * text. */
static bool bound_merge_work(struct tc_yaml *y, const struct tc_node *map, size_t merged)
{
	size_t all = merged + map->count, most, work;

	if (__builtin_mul_overflow(y->limits->max_expanded, MERGE_WORK_RATE, &most))
		most = SIZE_MAX;
	if (merged <= SIZE_MAX - map->count && !__builtin_mul_overflow(merged, all, &work) &&
	    !__builtin_add_overflow(y->merge_work, work, &y->merge_work) && y->merge_work <= most)
		return true;
	tc_diag_help(tc_yaml_fault(y, TC_MSG_EXPANDS_TOO_FAR, map->off, "merge keys bring too many keys together"),
		     "merge smaller mappings, or write the keys out");
	return false;
}

/* A key beside a merge that brings it in another spelling, such as 1 and "1". */
static void check_clash(struct tc_yaml *y, const struct tc_node *map)
{
	const struct tc_node *keys[2];

	if (y->failed || !tc_merges_clash(map, keys))
		return;
	bool second = keys[1]->parent == map;
	const struct tc_node *at = keys[0]->parent == map || second ? keys[second] : map;
	struct tc_diag *d = tc_yaml_fault(y, TC_MSG_DUPLICATE_KEY, at->off,
					  "two keys become %s here, one of them merged; Kubernetes keeps either",
					  tc_quote(y->mem, key_text(y, keys[0])));
	for (int i = keys[0]->off > keys[1]->off, n = 0; n < 2; n++, i = !i)
		if (keys[i] != at)
			tc_diag_note(d, tc_node_pos(keys[i]), "it is brought from here");
	tc_diag_help(d, "spell the key in one way");
}

bool tc_yaml_check_map(struct tc_yaml *y, struct tc_yaml_frame *f)
{
	struct tc_node *map = f->node;

	check_duplicates(y, map);
	if (map->flags & TC_NODE_MERGES) {
		if (!bound_merge_work(y, map, f->keys))
			return false;
		for (const struct tc_node *k = map->first; k; k = k->next->next)
			if (k->flags & TC_NODE_MERGE)
				check_merge(y, map, k);
		check_clash(y, map);
		tc_merges_resolve(y->mem, map);
	}
	f->keys += map->count;
	return true;
}
