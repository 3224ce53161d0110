/* number.h - numbers as text: which texts are numbers, and the exact value behind each spelling.
 *
 * No floating point: an integer is a sign and 64 bits, anything else its decimal digits. Underscores mean nothing. */
#ifndef TC_NUMBER_H
#define TC_NUMBER_H

#include "compiler/tree/node.h"

/* The kind of a text that begins with a digit, a sign or a dot: TC_INT, TC_FLOAT, or TC_STRING when it is no number or
 * lies beyond what a double holds. */
enum tc_kind tc_number_kind(struct tc_str text);

/* The value of an integer in any spelling: 0x1F, 0o17, 017, 0b11, 1_000. False when it is none or does not fit int64
 * (with a sign) or uint64 (without one). */
bool tc_number_int(struct tc_str text, bool *negative, uint64_t *magnitude);

/* True for a number in the grammar of RFC 8259. */
bool tc_number_is_json(struct tc_str text);

#endif
