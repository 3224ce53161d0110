/* decimal.h - a JSON number as its digits, and the two spellings that need them. */
#ifndef TC_DECIMAL_H
#define TC_DECIMAL_H

#include "compiler/base/arena.h"

/* As a mapping key: the text that strconv.FormatFloat(f, 'g', -1, 32) gives, with which Kubernetes makes float keys
 * into strings. A number that has no place in 32 bits keeps all its digits here. */
struct tc_str tc_decimal_key(struct tc_arena *mem, struct tc_str json);

/* True for a number that survives 32 bits: up to six significant digits, not too large, not too small. Of any other key
 * Kubernetes makes another number, or none; and it takes -0.0 and 0.0 for one key, but writes them as two. */
bool tc_decimal_is_short(struct tc_arena *mem, struct tc_str json);

/* One spelling for every number: 1, 1.0 and 10e-1 are "1", 1.50 is "15e-1". Valid JSON, in mem or json itself. */
struct tc_str tc_decimal_canonical(struct tc_arena *mem, struct tc_str json);

#endif
