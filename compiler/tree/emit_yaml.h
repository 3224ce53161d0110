/* emit_yaml.h - between the two halves of the YAML writer. Internal to emission. */
#ifndef TC_EMIT_YAML_H
#define TC_EMIT_YAML_H

#include "compiler/tree/emit_out.h"

#define TC_YAML_STEP 2 /* behind a dash, and where nothing else is asked for */

struct tc_yaml_out {
	struct tc_buf *out;
	unsigned step;
	bool crlf, indent_items;
};

/* Where a scalar stands. */
struct tc_yaml_place {
	unsigned col; /* of the collection around it */
	bool key, root;
};

static inline void tc_yaml_line(const struct tc_yaml_out *y)
{
	tc_out(y->out, y->crlf ? "\r\n" : "\n", y->crlf ? 2 : 1);
}

/* "&anchor !tag" of a node that was read; nothing when it has neither. */
bool tc_yaml_has_props(const struct tc_node *n);
void tc_yaml_props(const struct tc_yaml_out *y, const struct tc_node *n);
/* The scalar and its comment. True: its last line has its line end already. */
bool tc_yaml_scalar(const struct tc_yaml_out *y, const struct tc_node *n, struct tc_yaml_place place);

#endif
