/* egress.h - the egress rules that a contract grants. */
#ifndef TC_EGRESS_H
#define TC_EGRESS_H

#include "compiler/transform/tentacle.h"

/* A new list: DNS, the platform's services, and with own set the author's dependencies; no rule twice. */
struct tc_node *tc_egress_rules(struct tc_work *w, const struct tc_tentacle *t, bool own);

/* The rule of a list that means the same: order of peers and ports, and a protocol left out, do not count. NULL: none.
 */
const struct tc_node *tc_egress_find(struct tc_arena *mem, const struct tc_node *rules, const struct tc_node *rule);

#endif
