#include "compiler/transform/policies.h"

#include "compiler/transform/tentacle.h"

#define CHECKS_MAX 1000000

/* A policy stands under the first label that it asks for: pods without it need not be compared. label.len 0: it asks
 * for none. */
struct tc_policy_entry {
	const char *enclave;
	struct tc_str key, value;
	const struct tc_node *selector;
	size_t order;
};

bool tc_policy_governs_egress(const struct tc_object *policy)
{
	const struct tc_node *spec = tc_get(policy->root, "spec"), *types = tc_get(spec, "policyTypes");

	if (!types)
		return tc_get_key(spec, "egress") != NULL;
	for (const struct tc_node *i = tc_item(types); i; i = tc_item_next(i)) {
		if (tc_is_string(i, "Egress"))
			return true;
	}
	return false;
}

static int compare_text(struct tc_str a, struct tc_str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.s, b.s, n) : 0;

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

static int compare_place(const struct tc_policy_entry *a, const struct tc_policy_entry *b)
{
	int c = strcmp(a->enclave, b->enclave);

	if (!c)
		c = compare_text(a->key, b->key);
	return c ? c : compare_text(a->value, b->value);
}

static int compare_entries(const void *a, const void *b)
{
	const struct tc_policy_entry *x = a, *y = b;
	int c = compare_place(x, y);

	return c ? c : (x->order > y->order) - (x->order < y->order);
}

void tc_policies_index(struct tc_work *w, struct tc_arena *mem)
{
	struct tc_policies *p = &w->policies;

	p->entries = tc_alloc(mem, w->nobjects * sizeof(*p->entries));
	for (size_t i = 0; i < w->nobjects; i++) {
		const struct tc_object *o = w->objects[i];
		const struct tc_node *selector;
		const char *enclave = tc_enclave_of(w, o);
		struct tc_entry first;

		if (o->kind->role != TC_ROLE_NETWORKPOLICY || o->ours || !enclave || !tc_policy_governs_egress(o))
			continue;
		selector = tc_get_path(o->root, "spec", "podSelector", NULL);
		first = tc_first(tc_get(selector, "matchLabels"));
		p->entries[p->count++] = (struct tc_policy_entry){
			.enclave = enclave,
			.key = first.key ? tc_text(first.key) : (struct tc_str){0},
			.value = first.key ? tc_text(first.value) : (struct tc_str){0},
			.selector = selector,
			.order = i,
		};
	}
	qsort(p->entries, p->count, sizeof(*p->entries), compare_entries);
}

/* A label of the pods as they are, or, with name set, as tentc labels those of the tentacle. */
static struct tc_str label_of(const struct tc_node *labels, const char *name, struct tc_str key)
{
	if (name && tc_str_is(key, TC_LABEL_RELEASE))
		return tc_str(name);
	if (name && tc_str_is(key, TC_LABEL_EXOSKELETON))
		return TC_STR("true");
	return tc_is(tc_get_str(labels, key), TC_STRING) ? tc_text(tc_get_str(labels, key)) : (struct tc_str){0};
}

/* s NULL: the pods have no such label. An empty one has a pointer. */
static bool expression_matches(const struct tc_node *e, const struct tc_node *labels, const char *name)
{
	struct tc_str value = label_of(labels, name, tc_text(tc_get(e, "key"))), op = tc_text(tc_get(e, "operator"));
	bool listed = false;

	for (const struct tc_node *i = tc_item(tc_get(e, "values")); i; i = tc_item_next(i))
		listed = listed || (value.s && tc_str_equal(tc_text(i), value));
	if (tc_str_is(op, "In"))
		return listed;
	if (tc_str_is(op, "NotIn"))
		return !listed;
	return tc_str_is(op, "Exists") == (value.s != NULL);
}

static bool selects(const struct tc_node *selector, const struct tc_node *labels, const char *name)
{
	for (struct tc_entry e = tc_first(tc_get(selector, "matchLabels")); e.key; e = tc_next(e)) {
		struct tc_str value = label_of(labels, name, tc_text(e.key));

		if (!value.s || !tc_str_equal(value, tc_text(e.value)))
			return false;
	}
	for (const struct tc_node *i = tc_item(tc_get(selector, "matchExpressions")); i; i = tc_item_next(i)) {
		if (!expression_matches(i, labels, name))
			return false;
	}
	return true;
}

bool tc_policy_is_exclusive(const struct tc_object *policy, const char *name, const struct tc_node *labels)
{
	const struct tc_node *selector = tc_get_path(policy->root, "spec", "podSelector", NULL);

	return tc_is_string(tc_get(tc_get(selector, "matchLabels"), TC_LABEL_RELEASE), name) &&
	       selects(selector, labels, name);
}

static bool any_selects(struct tc_policies *p, const struct tc_policy_entry *place, const struct tc_node *labels)
{
	size_t low = 0, high = p->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare_place(&p->entries[mid], place) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < p->count && compare_place(&p->entries[low], place) == 0; low++) {
		if (p->checks++ >= CHECKS_MAX || selects(p->entries[low].selector, labels, NULL))
			return true;
	}
	return false;
}

bool tc_policies_restrict(struct tc_work *w, const char *enclave, const struct tc_node *labels)
{
	struct tc_policy_entry place = {.enclave = enclave};

	if (any_selects(&w->policies, &place, labels))
		return true;
	for (struct tc_entry e = tc_first(labels); e.key; e = tc_next(e)) {
		place.key = tc_text(e.key);
		place.value = tc_text(e.value);
		if (any_selects(&w->policies, &place, labels))
			return true;
	}
	return false;
}
