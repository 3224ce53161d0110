/* writer.h - a tree written the way people write it: block and flow style mixed, every quoting, comments, anchors,
 * aliases, merge keys; or as JSON.
 *
 * It is not the emitter of the compiler: what it writes is meant to be as different as it may be. */
#ifndef TC_PROPERTY_WRITER_H
#define TC_PROPERTY_WRITER_H

#include "compiler/base/buf.h"
#include "compiler/tree/node.h"
#include "tests/property/rng.h"

struct writing {
	uint64_t seed;
	bool plain; /* neither comments nor anchors */
};

/* Appends whole lines. A string node's style is a wish: TC_STYLE_LITERAL, FOLDED, SINGLE or DOUBLE. Mappings whose
 * style is TC_STYLE_FLOW are written so. */
void writer_yaml(struct tc_buf *out, struct tc_arena *mem, const struct tc_node *n, const struct writing *how);
/* One line, in flow style, without a line end. */
void writer_flow(struct tc_buf *out, struct tc_arena *mem, const struct tc_node *n, const struct writing *how);
void writer_json(struct tc_buf *out, const struct tc_node *n, bool spread);

#endif
