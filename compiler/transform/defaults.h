/* defaults.h - values without what the API server would put there by itself.
 *
 * An object that was stored has fields that its author left out. Where a value is compared with one of another origin,
 * an absent field is its API default. */
#ifndef TC_DEFAULTS_H
#define TC_DEFAULTS_H

#include "compiler/tree/node.h"

/* n itself where there is nothing to take away, else a copy without it. n: a pod template, or a part of one. */
const struct tc_node *tc_without_defaults(struct tc_arena *mem, const struct tc_node *n);

/* Equal but for API defaults. */
bool tc_equal_stored(struct tc_arena *mem, const struct tc_node *a, const struct tc_node *b);

#endif
