/* lines.h - only the lines that have to change, change: an oracle that sees two texts, and nothing of how one was made
 * from the other. */
#ifndef TC_PROPERTY_LINES_H
#define TC_PROPERTY_LINES_H

#include "compiler/tree/stream.h"

/* Both documents are read. What differs between the two trees is found first: values that are others now, entries and
 * items that are gone, collections in brackets that got something. Every line of `from` that has no part in these is in
 * `to`, byte for byte and in order; comments and blank lines too. inside: a document in a block scalar is compared as
 * one, where both have one. NULL, or what is lost. */
const char *lines_lost(struct tc_arena *mem, const struct tc_doc *from, const struct tc_doc *to, bool inside);

#endif
