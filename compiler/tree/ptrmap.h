/* ptrmap.h - what is known about a node, found by its address.
 *
 * For look-ups only: addresses differ from run to run, so nothing may ever walk one of these in its own order. */
#ifndef TC_PTRMAP_H
#define TC_PTRMAP_H

#include "compiler/base/arena.h"

struct tc_ptrslot {
	const void *key;
	void *first, *last; /* the user's own */
};

/* {.mem = arena} is a valid empty map. */
struct tc_ptrmap {
	struct tc_arena *mem;
	struct tc_ptrslot *slots;
	size_t count, size; /* size: a power of two, or 0 */
};

/* NULL: nothing is known. Slots move when another is added. */
struct tc_ptrslot *tc_ptrmap_find(const struct tc_ptrmap *m, const void *key);
/* Found or added. */
struct tc_ptrslot *tc_ptrmap_add(struct tc_ptrmap *m, const void *key);

#endif
