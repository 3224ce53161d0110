/* narrow.h - a second reader, for proof alone: does a text say what a tree says?
 *
 * What tentc writes, and most of what people write, uses little of YAML: block mappings and sequences, keys without
 * quotes, scalars on one line, literal blocks, comments, ASCII. This reader knows that and nothing else. It shares no
 * line with the emitter and the editor, whose work it proves, and builds no tree: it compares while it reads, in a
 * tenth of the time. */
#ifndef TC_NARROW_H
#define TC_NARROW_H

#include "compiler/base/buf.h"
#include "compiler/tree/node.h"

/* True: tc_yaml_read would take the text, and its tree would be equal to `want`, in order. False: it would not, or the
 * text holds what this reader does not know; only tc_yaml_read can tell. secret: what is decoded is wiped. */
bool tc_narrow_reads_as(struct tc_str text, bool secret, const struct tc_node *want);

#endif
