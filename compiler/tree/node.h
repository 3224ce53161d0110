/* node.h - the one tree that YAML and JSON are read into: arena nodes that know their bytes.
 *
 * A parsed tree is never changed; what changes it is a patch (patch.h). Nodes made by tentc carry an origin instead of
 * a byte range. Aliases and merge keys stay nodes; every accessor here looks through them. Numbers are their text. */
#ifndef TC_NODE_H
#define TC_NODE_H

#include "compiler/base/arena.h"
#include "compiler/base/buf.h"
#include "compiler/base/source.h"

enum tc_kind {
	TC_NULL,
	TC_BOOL,
	TC_INT,
	TC_FLOAT,
	TC_STRING,
	TC_SEQ,
	TC_MAP,
	TC_ALIAS, /* target: the anchored node */
	TC_DOC,   /* never seen by callers: the parent of a root, which knows the source */
};

/* How a node was written. New nodes: TC_STYLE_ANY, the emitter chooses. */
enum tc_style {
	TC_STYLE_ANY,
	TC_STYLE_PLAIN,
	TC_STYLE_SINGLE,
	TC_STYLE_DOUBLE,
	TC_STYLE_LITERAL,
	TC_STYLE_FOLDED,
	TC_STYLE_BLOCK,
	TC_STYLE_FLOW,
};

enum {
	TC_NODE_NEW = 1,       /* made by tentc: `origin` holds, off and end don't */
	TC_NODE_MERGE = 2,     /* a key `<<` that merges (plain, or tagged !!merge) */
	TC_NODE_SHARED = 4,    /* anchored, and an alias points here */
	TC_NODE_MERGES = 8,    /* a mapping that holds a merge key */
	TC_NODE_SECRET = 16,   /* a credential: never shown in a message */
	TC_NODE_FOLLOWED = 32, /* a document: its tree is tc_copy_followed's */
};

/* What few parsed nodes have. Borrowed from the arena. */
struct tc_props {
	const char *anchor; /* NULL: none */
	const char *tag;    /* as resolved by libyaml ("tag:yaml.org,2002:str"); NULL: none */

	/* Of a mapping with TC_NODE_MERGES: the keys that are seen in it (tc_merges_resolve). */
	const struct tc_node *const *merged;
	size_t nmerged;

	/* In a tree that tc_copy_followed made. */
	bool anchored;                    /* the text has an anchor here, which the tree does without */
	const struct tc_node *stands_for; /* the text has an alias here; this is the node that it names */
};

/* Why a node is there: the contract line and the rule that made it. Shared by many nodes. */
struct tc_origin {
	struct tc_pos at;
	const char *rule; /* "postgres egress", "secret field tentacular-postgres.host" */
};

struct tc_node {
	struct tc_node *parent; /* NULL only for a new node that stands nowhere yet */
	struct tc_node *next;   /* in a mapping: key, value, key, value, ... */
	union {
		struct tc_str text; /* scalar: its value, unescaped; points into the source where that is the same */
		struct {
			struct tc_node *first, *last; /* collection */
		};
		struct tc_node *target;      /* alias */
		const struct tc_source *src; /* document */
	};
	union {
		const struct tc_props *props;   /* parsed; NULL: neither anchor nor tag */
		const struct tc_origin *origin; /* new; NULL: none */
	};
	const char *comment; /* new scalar nodes only: printed behind the value as "# ..."; NULL: none */
	uint32_t off, end; /* bytes in the source, by the rules of the marks (docs: end of a block collection is the end
			      of its last leaf) */
	uint32_t count;    /* items, or entries of a mapping (a merge key is one) */
	uint8_t kind, style, flags;
};

/* The value behind an alias; n itself otherwise. NULL stays NULL. */
static inline const struct tc_node *tc_deref(const struct tc_node *n)
{
	/* An anchored alias cannot be written, so one step is all there is; a loop costs nothing and cannot be wrong.
	 */
	while (n && n->kind == TC_ALIAS)
		n = n->target;
	return n;
}

/* Where n stands. A new node stands at its origin. */
struct tc_pos tc_node_pos(const struct tc_node *n);
struct tc_pos tc_node_end_pos(const struct tc_node *n);
/* The source that a parsed node points into. */
const struct tc_source *tc_node_source(const struct tc_node *n);

/* All of these accept NULL and any kind, and look through aliases and merges; a value they answer is dereferenced. */

/* The value of a key in a mapping, NULL if n is no mapping or has no such key. Keys compare as Kubernetes reads them: a
 * key `1` and a key `"1"` are one. Merges too: kubectl goes through a mapping from top to bottom and the last one wins,
 * so a local key below a `<<` hides the merged one, a local key above it is hidden; of two `<<` the lower one wins, in
 * `<<: [*a, *b]` the earlier one. */
const struct tc_node *tc_get_str(const struct tc_node *n, struct tc_str key);
static inline const struct tc_node *tc_get(const struct tc_node *n, const char *key)
{
	return tc_get_str(n, tc_str(key)); /* here, where the length of a literal is known */
}
/* tc_get(tc_get(n, a), b) ...; the list ends with NULL. */
const struct tc_node *tc_get_path(const struct tc_node *n, ...) __attribute__((sentinel));
/* The key node itself as it is written in n or in a merged mapping; for positions. */
const struct tc_node *tc_get_key(const struct tc_node *n, const char *key);

/* Every entry as Kubernetes sees it, merges expanded: local keys in their order, then merged ones. key may be an alias.
 *     for (struct tc_entry e = tc_first(map); e.key; e = tc_next(e)) ... e.key, e.value */
struct tc_entry {
	const struct tc_node *key;   /* NULL: past the end */
	const struct tc_node *value; /* dereferenced */
	const struct tc_node *map_;  /* the rest is the iterator's own */
	size_t nth_;
};
struct tc_entry tc_first(const struct tc_node *map);
struct tc_entry tc_next_merged(struct tc_entry e); /* tc_next's own */
static inline struct tc_entry tc_next(struct tc_entry e)
{
	if (!e.key || (e.map_->flags & TC_NODE_MERGES))
		return tc_next_merged(e);
	if (!e.key->next)
		__builtin_unreachable(); /* unreachable: a key has a value; clang-tidy wants it said */
	e.key = e.key->next->next;
	e.value = NULL;
	if (e.key)
		for (e.value = e.key->next; e.value->kind == TC_ALIAS;)
			e.value = e.value->target;
	return e;
}

/* Every item of a sequence, dereferenced; NULL past the end.
 *     for (const struct tc_node *i = tc_item(seq); i; i = tc_item_next(i))
 * i is the item as it stands (maybe an alias): pass it to the accessors, which look through. */
const struct tc_node *tc_item(const struct tc_node *seq);
const struct tc_node *tc_item_next(const struct tc_node *item);

/* The item of a sequence of mappings whose string field `field` equals value; NULL if there is none. */
const struct tc_node *tc_find(const struct tc_node *seq, const char *field, const char *value);

bool tc_is(const struct tc_node *n, enum tc_kind kind); /* looks through an alias; NULL is of no kind */
bool tc_is_string(const struct tc_node *n, const char *value);
/* The text of a string; the empty string for anything else. */
struct tc_str tc_text(const struct tc_node *n);
/* "a mapping", "a list", "a string", "an integer", "null", ...: for messages. "nothing" for NULL. */
const char *tc_kind_name(const struct tc_node *n);
/* The value of an integer between 0 and max; false for anything else. */
bool tc_as_int(const struct tc_node *n, uint64_t max, uint64_t *value);
bool tc_as_bool(const struct tc_node *n, bool *value);

/* A key of any kind as Kubernetes reads it: `n:` is "false", `0x1:` is "1". Points into the node or the arena. */
struct tc_str tc_key_text(struct tc_arena *mem, const struct tc_node *key);

/* The entries of a mapping, merges expanded, sorted by the bytes of their keys. */
struct tc_pair {
	struct tc_str key;
	const struct tc_node *key_node, *value; /* value is dereferenced */
};
struct tc_pair *tc_pairs_sorted(struct tc_arena *mem, const struct tc_node *map, size_t *count);

/* Equal as JSON values: aliases followed, merges expanded, numbers by value, style ignored. ordered: mappings must also
 * list their keys in the same order. */
bool tc_equal(const struct tc_node *a, const struct tc_node *b, bool ordered);

/* A JSON Pointer (RFC 6901) from the root to n, in the document as it was read. */
void tc_pointer(struct tc_buf *out, const struct tc_node *n);
/* "/" and one step of such a pointer, escaped. */
void tc_pointer_token(struct tc_buf *out, struct tc_str token);

/* Making nodes. origin may be NULL; text is copied. */
struct tc_node *tc_new_map(struct tc_arena *mem, const struct tc_origin *origin);
struct tc_node *tc_new_seq(struct tc_arena *mem, const struct tc_origin *origin);
struct tc_node *tc_new_string(struct tc_arena *mem, const struct tc_origin *origin, struct tc_str text);
struct tc_node *tc_new_int(struct tc_arena *mem, const struct tc_origin *origin, uint64_t value);
struct tc_node *tc_new_bool(struct tc_arena *mem, const struct tc_origin *origin, bool value);
struct tc_node *tc_new_null(struct tc_arena *mem, const struct tc_origin *origin);

/* Only for new collections. value is consumed (it must stand nowhere yet). tc_put appends: the key must not be there.
 */
void tc_put_str(struct tc_arena *mem, struct tc_node *map, struct tc_str key, struct tc_node *value);
static inline void tc_put(struct tc_arena *mem, struct tc_node *map, const char *key, struct tc_node *value)
{
	tc_put_str(mem, map, tc_str(key), value);
}
void tc_put_node(struct tc_node *map, struct tc_node *key, struct tc_node *value); /* readers too */
void tc_push(struct tc_node *seq, struct tc_node *value);                          /* readers too */

/* A deep copy. Aliases followed and merges expanded; parsed scalars keep byte range and style, so that messages about
 * the copy point at the original; anchors go. The copy's parent is a document node of the same source. */
struct tc_node *tc_copy_expanded(struct tc_arena *mem, const struct tc_node *n);
/* A deep copy whose nodes stand where they stood, and in which every alias is a copy of what it names, with the range
 * of the alias: what happens in one place happens in no other, and the editor knows which aliases to write out. NULL
 * when n holds a merge key: an entry that it brings stands nowhere. */
struct tc_node *tc_copy_followed(struct tc_arena *mem, const struct tc_node *n);
/* The node that an alias names, of the copy that stands at it; NULL when n is none. */
const struct tc_node *tc_stands_for(const struct tc_node *n);
/* A deep copy as new nodes with an origin, for placing an author's value in an object of ours. */
struct tc_node *tc_copy_new(struct tc_arena *mem, const struct tc_node *n, const struct tc_origin *origin);

/* For readers: the document node that a root hangs below. */
struct tc_node *tc_new_doc(struct tc_arena *mem, const struct tc_source *src);
/* For readers: to be called once when a mapping with TC_NODE_MERGES is complete. It notes in map->props which keys are
 * seen, so that walking the entries is linear whatever merges what; without it each step looks at all of them. */
void tc_merges_resolve(struct tc_arena *mem, struct tc_node *map);
/* Two keys of different kinds that are one text (1 and "1"), at least one of them merged: kubectl keeps either. */
bool tc_merges_clash(const struct tc_node *map, const struct tc_node *keys[2]);
/* The nth key that is seen in a mapping with TC_NODE_MERGES; NULL past the end. */
const struct tc_node *tc_merges_nth(const struct tc_node *map, size_t nth);

#endif
