#include "compiler/tree/patch.h"

void tc_patch_init(struct tc_patch *p, struct tc_arena *mem, const struct tc_node *root)
{
	*p = (struct tc_patch){.mem = mem, .root = root, .places = {.mem = mem}};
}

/* New nodes are tentc's own to change, whoever shows them to the caller as const. */
static struct tc_node *own(const struct tc_node *n)
{
	return (struct tc_node *)(uintptr_t)n;
}

static bool is_new(const struct tc_node *n)
{
	return n && (n->flags & TC_NODE_NEW);
}

/* Operations */

static struct tc_op *ops_at(const struct tc_patch *p, const struct tc_node *place)
{
	struct tc_ptrslot *slot = tc_ptrmap_find(&p->places, place);

	return slot ? slot->first : NULL;
}

/* The one REPLACE or REMOVE of a value or item. */
static struct tc_op *change_of(const struct tc_patch *p, const struct tc_node *at)
{
	for (struct tc_op *op = ops_at(p, at); op; op = op->next_here) {
		if (op->at)
			return op;
	}
	return NULL;
}

static struct tc_op *addition_of(const struct tc_patch *p, const struct tc_node *map, struct tc_str key)
{
	for (struct tc_op *op = ops_at(p, map); op; op = op->next_here) {
		if (op->kind == TC_OP_ADD_KEY && tc_str_equal(op->key->text, key))
			return op;
	}
	return NULL;
}

static bool is_merge_value(const struct tc_node *n)
{
	const struct tc_node *key;

	if (n->parent->kind != TC_MAP || !(n->parent->flags & TC_NODE_MERGES))
		return false;
	for (key = n->parent->first; key && key->next != n; key = key->next->next)
		;
	return key && (key->flags & TC_NODE_MERGE);
}

/* Would a change here be seen in other places too? */
static bool is_shared(const struct tc_node *n)
{
	for (; n && n->kind != TC_DOC; n = n->parent) {
		if ((n->flags & TC_NODE_SHARED) || (n->parent && is_merge_value(n)))
			return true;
	}
	return false;
}

static void add_op(struct tc_patch *p, struct tc_op what)
{
	const struct tc_node *place = what.at ? what.at : what.parent;
	struct tc_ptrslot *slot = tc_ptrmap_add(&p->places, place);
	struct tc_op *op = tc_alloc(p->mem, sizeof(*op)), *before = slot->last;

	*op = what;
	if (before)
		before->next_here = op;
	else
		slot->first = op;
	slot->last = op;
	if (p->last)
		p->last->next = op;
	else
		p->first = op;
	p->last = op;
	p->count++;
	if (op->value)
		op->value->parent = own(op->parent);
	p->crossed = p->crossed || is_shared(place);
}

/* A walk over all operations, which only the removal of something just added needs. */
static void drop_op(struct tc_patch *p, struct tc_op *gone)
{
	struct tc_ptrslot *slot = tc_ptrmap_find(&p->places, gone->at ? gone->at : gone->parent);
	struct tc_op *before = NULL;

	for (struct tc_op *op = p->first; op && op != gone; op = op->next)
		before = op;
	if (before)
		before->next = gone->next;
	else
		p->first = gone->next;
	if (p->last == gone)
		p->last = before;

	before = NULL;
	for (struct tc_op *op = slot->first; op && op != gone; op = op->next_here)
		before = op;
	if (before)
		before->next_here = gone->next_here;
	else
		slot->first = gone->next_here;
	if (slot->last == gone)
		slot->last = before;
	p->count--;
}

/* The operation that brought a new node in which stands in no new collection. */
static struct tc_op *op_of_value(const struct tc_patch *p, const struct tc_node *value)
{
	struct tc_op *op = value->parent ? ops_at(p, value->parent) : NULL;

	for (; op; op = op->next_here) {
		if (op->value == value)
			return op;
	}
	for (op = p->first; op && op->value != value; op = op->next)
		;
	return op;
}

static void put_into(struct tc_op *op, struct tc_node *value)
{
	value->parent = own(op->parent);
	op->value = value;
	op->inner = NULL;
}

/* New collections: changed in place */

static void splice(const struct tc_node *at, struct tc_node *value)
{
	struct tc_node *parent = at->parent, *before = NULL;

	for (struct tc_node *i = parent->first; i && i != at; i = i->next)
		before = i;
	value->parent = parent;
	value->next = at->next;
	if (before)
		before->next = value;
	else
		parent->first = value;
	if (parent->last == at)
		parent->last = value;
}

static void unlink_new(const struct tc_node *at)
{
	struct tc_node *parent = at->parent, *before = NULL, *first = parent->first;

	/* `first` is what goes first: the item, or the entry's key, one step behind. */
	if (parent->kind == TC_MAP) {
		for (; first && first->next != at; first = first->next->next)
			before = first->next;
	} else {
		for (; first && first != at; first = first->next)
			before = first;
	}
	if (before)
		before->next = at->next;
	else
		parent->first = at->next;
	if (parent->last == at)
		parent->last = before;
	parent->count--;
	own(at)->parent = own(at)->next = NULL;
}

/* Looking through the patch */

/* The value of a key as it stands, aliases not followed. */
static const struct tc_node *value_of(const struct tc_patch *p, const struct tc_node *map, const char *key)
{
	const struct tc_node *found;
	const struct tc_op *op = addition_of(p, map, tc_str(key));

	if (op)
		return op->value;
	found = tc_get_key(map, key);
	if (!found)
		return NULL;
	op = change_of(p, found->next);
	return op ? op->value : found->next; /* a removal has no value */
}

const struct tc_node *tc_patch_get(struct tc_patch *p, const struct tc_node *map, const char *key)
{
	map = tc_deref(map);
	return tc_is(map, TC_MAP) ? tc_deref(value_of(p, map, key)) : NULL;
}

static const struct tc_node *as_patched(const struct tc_patch *p, const struct tc_node *n)
{
	const struct tc_op *op = change_of(p, n);

	return op ? op->value : n;
}

const struct tc_node **tc_patch_items(struct tc_patch *p, const struct tc_node *seq, size_t *count)
{
	const struct tc_node **items, *now;
	size_t n = 0;

	seq = tc_deref(seq);
	for (const struct tc_node *i = tc_item(seq); i; i = tc_item_next(i))
		n++;
	for (struct tc_entry e = tc_first(seq); e.key; e = tc_next(e))
		n += 2;
	for (struct tc_op *op = ops_at(p, seq); op; op = op->next_here)
		n += 2;
	items = tc_alloc(p->mem, n * sizeof(struct tc_node *));

	n = 0;
	for (const struct tc_node *i = tc_item(seq); i; i = tc_item_next(i)) {
		now = as_patched(p, i);
		if (now)
			items[n++] = now;
	}
	for (struct tc_entry e = tc_first(seq); e.key; e = tc_next(e)) {
		now = as_patched(p, e.key->next);
		if (now) {
			items[n++] = e.key;
			items[n++] = tc_deref(now);
		}
	}
	for (struct tc_op *op = ops_at(p, seq); op; op = op->next_here) {
		if (op->kind == TC_OP_ADD_KEY)
			items[n++] = op->key;
		if (op->kind == TC_OP_ADD_KEY || op->kind == TC_OP_ADD_ITEM)
			items[n++] = op->value;
	}
	*count = n;
	return items;
}

bool tc_patch_is_empty(const struct tc_patch *p, const struct tc_node *collection)
{
	for (const struct tc_node *i = tc_item(collection); i; i = tc_item_next(i)) {
		if (as_patched(p, i))
			return false;
	}
	for (struct tc_entry e = tc_first(collection); e.key; e = tc_next(e)) {
		if (as_patched(p, e.key->next))
			return false;
	}
	for (const struct tc_op *op = ops_at(p, collection); op; op = op->next_here) {
		if (op->kind == TC_OP_ADD_KEY || op->kind == TC_OP_ADD_ITEM)
			return false;
	}
	return true;
}

/* Changing */

void tc_patch_set(struct tc_patch *p, const struct tc_node *map, const char *key, struct tc_node *value)
{
	const struct tc_node *there;

	map = tc_deref(map);
	there = value_of(p, map, key);
	if (there)
		tc_patch_replace(p, there, value);
	else if (is_new(map))
		tc_put(p->mem, own(map), key, value);
	else
		add_op(p, (struct tc_op){.kind = TC_OP_ADD_KEY,
					 .parent = map,
					 .key = tc_new_string(p->mem, value->origin, tc_str(key)),
					 .value = value});
}

void tc_patch_push(struct tc_patch *p, const struct tc_node *seq, struct tc_node *value)
{
	seq = tc_deref(seq);
	if (is_new(seq))
		tc_push(own(seq), value);
	else
		add_op(p, (struct tc_op){.kind = TC_OP_ADD_ITEM, .parent = seq, .value = value});
}

void tc_patch_replace(struct tc_patch *p, const struct tc_node *at, struct tc_node *value)
{
	struct tc_op *op;

	if (is_new(at) && is_new(at->parent)) {
		splice(at, value);
		return;
	}
	op = is_new(at) ? op_of_value(p, at) : change_of(p, at);
	if (op) {
		put_into(op, value);
		op->kind = op->kind == TC_OP_REMOVE ? TC_OP_REPLACE : op->kind;
	} else if (is_new(at)) {
		p->root = value; /* of a new tree */
	} else {
		add_op(p, (struct tc_op){.kind = TC_OP_REPLACE, .parent = at->parent, .at = at, .value = value});
	}
}

void tc_patch_replace_embedded(struct tc_patch *p, const struct tc_node *at, struct tc_node *value,
			       const struct tc_patch *inner)
{
	struct tc_op *op;

	tc_patch_replace(p, at, value);
	op = change_of(p, at);
	if (op)
		op->inner = inner;
}

void tc_patch_remove(struct tc_patch *p, const struct tc_node *at)
{
	struct tc_op *op;

	if (is_new(at) && is_new(at->parent)) {
		unlink_new(at);
		return;
	}
	op = is_new(at) ? op_of_value(p, at) : change_of(p, at);
	if (op && op->at == p->root)
		return;
	if (op && op->at) {
		op->kind = TC_OP_REMOVE;
		op->value = NULL;
	} else if (op) {
		drop_op(p, op);
	} else if (!is_new(at) && at != p->root) {
		add_op(p, (struct tc_op){.kind = TC_OP_REMOVE, .parent = at->parent, .at = at});
		/* With the key gone, one that it hid might show. */
		p->crossed = p->crossed || (at->parent->flags & TC_NODE_MERGES);
	}
}

static const struct tc_node *collection_at(struct tc_patch *p, const struct tc_node *map, const char *key,
					   struct tc_node *fresh)
{
	const struct tc_node *there = tc_patch_get(p, map, key);

	if (there && there->kind != TC_NULL)
		return there->kind == fresh->kind ? there : NULL;
	tc_patch_set(p, map, key, fresh);
	return fresh;
}

const struct tc_node *tc_patch_map_at(struct tc_patch *p, const struct tc_node *map, const char *key,
				      const struct tc_origin *origin)
{
	return collection_at(p, map, key, tc_new_map(p->mem, origin));
}

const struct tc_node *tc_patch_seq_at(struct tc_patch *p, const struct tc_node *map, const char *key,
				      const struct tc_origin *origin)
{
	return collection_at(p, map, key, tc_new_seq(p->mem, origin));
}
