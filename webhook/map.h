/* map.h - texts to what they name: a hash map whose hash nobody outside can foresee.
 *
 * Tenants choose the names that stand in it; with a known hash they could choose ones that all fall on one place. Not
 * thread-safe. */
#ifndef TC_MAP_H
#define TC_MAP_H

#include "compiler/base/base.h"

/* Stands at the start of what is kept. The key belongs to the element, and stays as it is while it is in a map. */
struct tc_map_item {
	struct tc_map_item *next;
	uint64_t hash;
	struct tc_str key;
};

struct tc_map {
	struct tc_map_item **slots;
	size_t nslots, count; /* nslots: 0 or a power of two */
	uint64_t seed[2];     /* from the system, when the first element comes */
};

struct tc_map_item *tc_map_get(const struct tc_map *m, struct tc_str key);
/* The key must not be there. */
void tc_map_put(struct tc_map *m, struct tc_map_item *item);
/* The element, which is the caller's now; NULL when there is none. */
struct tc_map_item *tc_map_take(struct tc_map *m, struct tc_str key);
/* Takes out each element that `is` says true of, and hands it to `drop`. */
void tc_map_sweep(struct tc_map *m, bool (*is)(const struct tc_map_item *item, void *self),
		  void (*drop)(struct tc_map_item *item, void *self), void *self);
/* Takes out all. */
void tc_map_clear(struct tc_map *m, void (*drop)(struct tc_map_item *item, void *self), void *self);

#endif
