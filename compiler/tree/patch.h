/* patch.h - changes to one tree, as a list of operations on its nodes.
 *
 * The transforms see the tree as it will be: every look-up below takes pending operations into account, and a new
 * collection that was added is extended in place. Nothing touches the parsed tree. */
#ifndef TC_PATCH_H
#define TC_PATCH_H

#include "compiler/tree/node.h"
#include "compiler/tree/ptrmap.h"

enum tc_op_kind {
	TC_OP_ADD_KEY,  /* parent: mapping; key, value */
	TC_OP_ADD_ITEM, /* parent: sequence; value, at the end */
	TC_OP_REPLACE,  /* at: the value or item replaced; value */
	TC_OP_REMOVE,   /* at: the value (its key goes too) or item removed */
};

struct tc_op {
	struct tc_op *next;      /* in the order they were made */
	struct tc_op *next_here; /* of the same place: parent for additions, at for the others */
	enum tc_op_kind kind;
	const struct tc_node *parent, *at;
	struct tc_node *key, *value;
	/* REPLACE of a scalar that holds a document: the change in there that value comes from; NULL: none. */
	const struct tc_patch *inner;
};

struct tc_patch {
	struct tc_arena *mem;
	const struct tc_node *root;
	struct tc_op *first, *last;
	size_t count;
	/* An operation reached its place through an alias or a merge key, or inside an anchored node that an alias
	 * points at: changing it would change other places too. The caller then starts again with
	 * tc_copy_followed(root), or with tc_copy_expanded(root). */
	bool crossed;
	struct tc_ptrmap places; /* place -> its first and last operation; only for look-ups, never for order */
};

void tc_patch_init(struct tc_patch *p, struct tc_arena *mem, const struct tc_node *root);

/* The value of key in map with the patch applied; NULL when absent or removed. map: parsed or new. */
const struct tc_node *tc_patch_get(struct tc_patch *p, const struct tc_node *map, const char *key);
/* With the patch applied, in order: the items of a sequence as they stand (maybe aliases), or of a mapping key, value,
 * key, value, ... with merges expanded and values dereferenced. *count is the length of the array, which is in the
 * patch's arena. */
const struct tc_node **tc_patch_items(struct tc_patch *p, const struct tc_node *seq, size_t *count);
/* Is nothing in a collection, with the patch applied? */
bool tc_patch_is_empty(const struct tc_patch *p, const struct tc_node *collection);

/* value is a new node and is consumed; a tree that was read goes in as tc_copy_new. set: replaces the value of an
 * existing key, else adds it at the end. An operation on something inside of what was replaced or removed has no
 * effect.
 */
void tc_patch_set(struct tc_patch *p, const struct tc_node *map, const char *key, struct tc_node *value);
void tc_patch_push(struct tc_patch *p, const struct tc_node *seq, struct tc_node *value);
void tc_patch_replace(struct tc_patch *p, const struct tc_node *at, struct tc_node *value);
/* As tc_patch_replace; value is what the scalar at `at` holds once inner is applied to the document in it. */
void tc_patch_replace_embedded(struct tc_patch *p, const struct tc_node *at, struct tc_node *value,
			       const struct tc_patch *inner);
/* Removes an entry (by its value node) or an item; no operation when `at` is new and pending: it is unlinked. The root
 * stays. */
void tc_patch_remove(struct tc_patch *p, const struct tc_node *at);

/* The mapping or sequence at key of map, made when it is absent or null; NULL when something else stands there. */
const struct tc_node *tc_patch_map_at(struct tc_patch *p, const struct tc_node *map, const char *key,
				      const struct tc_origin *origin);
const struct tc_node *tc_patch_seq_at(struct tc_patch *p, const struct tc_node *map, const char *key,
				      const struct tc_origin *origin);

/* The tree with the patch applied: a copy in mem, aliases and anchors kept; an alias whose anchor is gone becomes what
 * it stood for. With no operations still a copy. */
struct tc_node *tc_patch_apply(struct tc_arena *mem, const struct tc_patch *p);

/* What n, which stays, then is, as a new node. */
struct tc_node *tc_patch_apply_at(struct tc_arena *mem, const struct tc_patch *p, const struct tc_node *n);

/* The patch as RFC 6902, one JSON array; applied to the expanded JSON reading of the root it gives the patched tree. */
void tc_patch_json(struct tc_buf *out, const struct tc_patch *p);

#endif
