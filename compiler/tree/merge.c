/* merge.c - which keys a mapping shows when merge keys bring in others, and entries in a sorted order (node.h).
 *
 * By sorting, not by hashing: a mapping made to collide costs nothing extra. */
#include "compiler/tree/node.h"

/* As many pairs as are sorted by insertion. */
#define FEW 8

struct seen {
	struct tc_str text;
	const struct tc_node *key;
	size_t nth; /* in the order in which kubectl writes them into its map */
	bool local, wins;
};

struct collect {
	struct tc_arena *tmp;
	const struct tc_node *map; /* whose entries are local */
	struct seen *list;
	size_t count, cap;
};

static void collect_map(struct collect *c, const struct tc_node *map);

/* The last of a list is written first, so that the earlier ones win. An alias that stands alone is the common case. */
static void collect_merged(struct collect *c, const struct tc_node *from)
{
	from = tc_deref(from);
	if (from->kind == TC_MAP)
		collect_map(c, from);
	if (from->kind != TC_SEQ)
		return;

	const struct tc_node **items = tc_alloc(c->tmp, from->count * sizeof(*items));
	size_t n = 0;

	for (const struct tc_node *i = from->first; i; i = i->next)
		items[n++] = tc_deref(i);
	while (n > 0)
		collect_map(c, items[--n]);
}

static void collect_map(struct collect *c, const struct tc_node *map)
{
	if (map->kind != TC_MAP)
		return;
	for (const struct tc_node *key = map->first; key; key = key->next->next) {
		if (key->flags & TC_NODE_MERGE) {
			collect_merged(c, key->next);
			continue;
		}
		tc_grow(c->tmp, c->list, c->count, c->cap);
		c->list[c->count] = (struct seen){.text = tc_key_text(c->tmp, key),
						  .key = key,
						  .nth = c->count,
						  .local = map == c->map};
		c->count++;
	}
}

static int by_text(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int c = tc_str_compare(x->text, y->text);

	return c ? c : (x->nth > y->nth) - (x->nth < y->nth);
}

static int by_place(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return x->local != y->local ? y->local - x->local : (x->nth > y->nth) - (x->nth < y->nth);
}

bool tc_merges_clash(const struct tc_node *map, const struct tc_node *keys[2])
{
	_cleanup_(tc_arena_free) struct tc_arena *tmp = tc_arena_new(4096);
	struct collect c = {.tmp = tmp, .map = map};

	collect_map(&c, map);
	if (c.count > 0)
		qsort(c.list, c.count, sizeof(*c.list), by_text);
	for (size_t i = 1; i < c.count; i++) {
		keys[0] = c.list[i - 1].key;
		keys[1] = c.list[i].key;
		if (tc_deref(keys[0])->kind != tc_deref(keys[1])->kind &&
		    tc_str_equal(c.list[i - 1].text, c.list[i].text))
			return true;
	}
	return false;
}

/* The keys that are seen, in mem. */
static const struct tc_node **seen_keys(struct tc_arena *mem, const struct tc_node *map, size_t *count)
{
	_cleanup_(tc_arena_free) struct tc_arena *tmp = tc_arena_new(4096);
	struct collect c = {.tmp = tmp, .map = map};
	const struct tc_node **keys;
	size_t n = 0;

	collect_map(&c, map);
	if (c.count > 0)
		qsort(c.list, c.count, sizeof(*c.list), by_text);
	for (size_t i = 0; i < c.count; i++) {
		c.list[i].wins = i + 1 == c.count || !tc_str_equal(c.list[i].text, c.list[i + 1].text);
		n += c.list[i].wins;
	}
	if (c.count > 0)
		qsort(c.list, c.count, sizeof(*c.list), by_place);

	keys = tc_alloc(mem, (n + 1) * sizeof(*keys));
	*count = n;
	n = 0;
	for (size_t i = 0; i < c.count; i++) {
		if (c.list[i].wins)
			keys[n++] = c.list[i].key;
	}
	return keys;
}

void tc_merges_resolve(struct tc_arena *mem, struct tc_node *map)
{
	struct tc_props *props = tc_alloc(mem, sizeof(*props));

	if (map->props)
		*props = *map->props;
	props->merged = seen_keys(mem, map, &props->nmerged);
	map->props = props;
}

const struct tc_node *tc_merges_nth(const struct tc_node *map, size_t nth)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = NULL;
	const struct tc_node *const *keys;
	size_t n;

	if (map->props && map->props->merged)
		return nth < map->props->nmerged ? map->props->merged[nth] : NULL;
	mem = tc_arena_new(4096);
	keys = seen_keys(mem, map, &n);
	return nth < n ? keys[nth] : NULL;
}

static int by_key(const void *a, const void *b)
{
	const struct tc_pair *x = a, *y = b;

	int c = tc_str_compare(x->key, y->key);

	/* Only a reader that looks for duplicates meets equal ones. */
	return c ? c : (x->key_node->off > y->key_node->off) - (x->key_node->off < y->key_node->off);
}

/* By insertion: no calls, and next to nothing to do where they are nearly in order. */
static void sort_few(struct tc_pair *pairs, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct tc_pair one = pairs[i];
		size_t at = i;

		for (; at > 0 && by_key(&pairs[at - 1], &one) > 0; at--)
			pairs[at] = pairs[at - 1];
		pairs[at] = one;
	}
}

struct tc_pair *tc_pairs_sorted(struct tc_arena *mem, const struct tc_node *map, size_t *count)
{
	struct tc_pair *pairs;
	size_t n = 0;
	bool sorted = true;

	for (struct tc_entry e = tc_first(map); e.key; e = tc_next(e))
		n++;
	pairs = tc_alloc(mem, n * sizeof(*pairs));
	*count = n;
	n = 0;
	for (struct tc_entry e = tc_first(map); e.key; e = tc_next(e), n++) {
		pairs[n] = (struct tc_pair){.key = tc_key_text(mem, e.key), .key_node = e.key, .value = e.value};
		sorted = sorted && (n == 0 || by_key(&pairs[n - 1], &pairs[n]) < 0);
	}
	if (!sorted && n <= FEW)
		sort_few(pairs, n);
	else if (!sorted)
		qsort(pairs, n, sizeof(*pairs), by_key);
	return pairs;
}
