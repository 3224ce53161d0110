/* Items of a list by what a path of the ledger calls them. A ledger that was made to be slow names thousands of items
 * in a list of thousands: each list is looked through once. */
#include "compiler/transform/ledger.h"

struct named_item {
	struct tc_str name;
	const struct tc_node *item;
	size_t order;
};

struct names {
	struct named_item *list; /* sorted by name, then order */
	size_t count;
};

struct index {
	struct names names, mounts, digests;
	bool digested; /* only when the others did not help */
};

static int compare(const void *a, const void *b)
{
	const struct named_item *x = a, *y = b;
	int c = tc_str_compare(x->name, y->name);

	return c ? c : (x->order > y->order) - (x->order < y->order);
}

static void add(struct names *n, struct tc_str name, const struct tc_node *item, size_t order)
{
	if (name.s)
		n->list[n->count++] = (struct named_item){.name = name, .item = tc_deref(item), .order = order};
}

static void sort(struct names *n)
{
	qsort(n->list, n->count, sizeof(*n->list), compare);
}

/* The first of the name. */
static const struct named_item *find(const struct names *n, struct tc_str name)
{
	size_t low = 0, high = n->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (tc_str_compare(n->list[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < n->count && tc_str_equal(n->list[low].name, name) ? &n->list[low] : NULL;
}

static struct tc_str text_at(const struct tc_node *item, const char *field)
{
	const struct tc_node *n = tc_get(item, field);

	return tc_is(n, TC_STRING) ? tc_text(n) : (struct tc_str){0};
}

static struct index *index_of(struct tc_ledger *l, const struct tc_node *seq)
{
	struct tc_ptrslot *slot;
	struct index *x;
	size_t order = 0;

	l->indexes.mem = l->mem;
	slot = tc_ptrmap_add(&l->indexes, seq);
	if (slot->first)
		return slot->first;
	x = slot->first = tc_alloc(l->mem, sizeof(*x));
	x->names.list = tc_alloc(l->mem, seq->count * sizeof(struct named_item));
	x->mounts.list = tc_alloc(l->mem, seq->count * sizeof(struct named_item));
	for (const struct tc_node *i = tc_item(seq); i; i = tc_item_next(i), order++) {
		add(&x->names, text_at(i, "name"), i, order);
		add(&x->mounts, text_at(i, "mountPath"), i, order);
	}
	sort(&x->names);
	sort(&x->mounts);
	return x;
}

static void digest(struct tc_ledger *l, struct index *x, const struct tc_node *seq)
{
	size_t order = 0;

	x->digested = true;
	x->digests.list = tc_alloc(l->mem, seq->count * sizeof(struct named_item));
	for (const struct tc_node *i = tc_item(seq); i; i = tc_item_next(i), order++) {
		if (tc_is(i, TC_MAP) || tc_is(i, TC_SEQ))
			add(&x->digests, tc_str(tc_node_digest(l->mem, i)), i, order);
	}
	sort(&x->digests);
}

/* A string that begins with "what=". */
static const struct tc_node *find_string(const struct tc_node *seq, struct tc_str what)
{
	for (const struct tc_node *i = tc_item(seq); i; i = tc_item_next(i)) {
		struct tc_str text = tc_text(i);

		if (text.len > what.len && text.s[what.len] == '=' && memcmp(text.s, what.s, what.len) == 0)
			return tc_deref(i);
	}
	return NULL;
}

const struct tc_node *tc_ledger_item(struct tc_ledger *l, const struct tc_node *seq, struct tc_str what)
{
	struct index *x = index_of(l, seq);
	const struct named_item *found = find(&x->names, what);
	const struct tc_node *string;

	if (!found)
		found = find(&x->mounts, what);
	if (found)
		return found->item;
	string = find_string(seq, what);
	if (string || what.len != 16)
		return string;
	if (!x->digested)
		digest(l, x, seq);
	found = find(&x->digests, what);
	return found ? found->item : NULL;
}
