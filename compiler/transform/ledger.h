/* ledger.h - what tentc wrote into an object of the author's, so that it can be undone and can follow the platform.
 *
 * The annotation tentacular.io/filled holds JSON: path -> the value tentc wrote; a collection is recorded by its
 * digest, taken without what the API server adds by itself. Where tentc replaced a value of the author's, the entry is
 * {"is": ours, "was": theirs}. A value equal to its entry is tentc's; any other is the author's.
 *
 * A path is a JSON Pointer whose list segments are written [x]: the item with name x, else with mountPath x, else the
 * string that begins with "x=", else the item with digest x. So paths survive what the author inserts elsewhere. */
#ifndef TC_LEDGER_H
#define TC_LEDGER_H

#include "compiler/base/diag.h"
#include "compiler/tree/patch.h"

struct tc_kind_row;

struct tc_ledger_entry {
	const char *path;
	const struct tc_node *is, *was; /* was: NULL unless something was replaced */
};

struct tc_ledger {
	struct tc_arena *mem;
	struct tc_patch *holder;           /* of the document that carries the annotation */
	const struct tc_node *metadata;    /* of the object that carries it */
	struct tc_patch *target;           /* what is edited: the same document, or one embedded in it */
	const struct tc_node *target_root; /* paths begin here */
	const char *prefix;                /* before every path in the annotation: "/data/workflow.yaml", or "" */
	const struct tc_node *old;         /* the annotation as it was read; NULL: none */
	struct tc_str digested;            /* the last collection that was recorded, as canonical JSON */
	const struct tc_node *digest;      /* its entry: what several containers get is digested once; NULL: none */
	struct tc_ptrmap indexes;          /* list -> its items by their names (ledger_items.c) */
	struct tc_ledger_entry *entries;   /* the new ledger */
	size_t count, cap;
};

/* holder may be NULL for an object that cannot carry a ledger (a bare workflow.yaml): then nothing is ever ours.
 * False, with a diagnostic, when the annotation is there but cannot be read, or holds what tentc never wrote. */
bool tc_ledger_open(struct tc_ledger *l, const struct tc_node *object, struct tc_diags *diags);

/* A path from parts, each escaped as a segment; the list ends with NULL. A part that begins with '[' is a list segment.
 */
const char *tc_ledger_path(struct tc_arena *mem, const char *base, ...) __attribute__((sentinel));

/* Is the value that stands at path tentc's? */
bool tc_ledger_ours(const struct tc_ledger *l, const char *path, const struct tc_node *value);
/* What the author had where tentc replaced a value; NULL: nothing, or not ours any more. */
const struct tc_node *tc_ledger_was(const struct tc_ledger *l, const char *path, const struct tc_node *value);

/* Remembers that tentc wrote (or keeps) value at path. */
void tc_ledger_record(struct tc_ledger *l, const char *path, const struct tc_node *value, const struct tc_node *was);

/* Removes what the old ledger holds and the new one does not, and writes the annotation (or removes it). */
void tc_ledger_close(struct tc_ledger *l, const struct tc_origin *origin);

/* Removes an entry or an item, and then the mappings and lists that it leaves empty, up to root (which stays). */
void tc_ledger_remove(struct tc_patch *p, const struct tc_node *root, const struct tc_node *n);

/* ledger_items.c: the item of a list that a path names [what]; NULL: none. */
const struct tc_node *tc_ledger_item(struct tc_ledger *l, const struct tc_node *seq, struct tc_str what);

/* ledger_paths.c: is it one that tentc writes into an object of that kind (NULL: none that concerns it)? path: as the
 * annotation has it. */
bool tc_ledger_writes(struct tc_arena *mem, const struct tc_kind_row *kind, struct tc_str path,
		      const struct tc_node *entry);

/* The first 16 hex digits of SHA-256 over the canonical JSON. */
const char *tc_node_digest(struct tc_arena *mem, const struct tc_node *n);

/* Sets a string in a mapping unless it has that value already. */
void tc_put_string(struct tc_patch *p, const struct tc_node *map, const char *key, const char *value,
		   const struct tc_origin *origin);

#endif
