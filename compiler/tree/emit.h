/* emit.h - a tree written as text.
 *
 * Emission alone proves nothing: whoever writes text to a user calls tc_emit_verified, which reads it again and
 * compares. */
#ifndef TC_EMIT_H
#define TC_EMIT_H

#include "compiler/base/buf.h"
#include "compiler/base/error.h"
#include "compiler/base/limits.h"
#include "compiler/tree/stream.h"

struct tc_emit {
	enum tc_format format;
	/* YAML: the column of every line but the first, which goes where `out` ends. JSON: spaces a step; 0: compact,
	 * on one line. */
	unsigned indent;
	unsigned step;     /* YAML: columns from one mapping to the one in it; 0: 2 */
	bool crlf;         /* line ends are \r\n */
	bool indent_items; /* YAML: `- ` two columns right of the parent key; false: in the parent's column */
};

/* YAML: block style; strings plain where they read back as themselves, else double-quoted, literal for texts of several
 * lines; new nodes' comments behind their values; numbers as they are spelled; anchors, aliases, merge keys and tags
 * kept. Ends with a line end. JSON: aliases followed, merges expanded, numbers by tc_scalar_json_number, no line end at
 * the end. */
void tc_emit(struct tc_buf *out, const struct tc_node *n, struct tc_emit how);

/* Emits, reads the text again and compares (ordered); TC_E_BUG when it differs. */
int tc_emit_verified(struct tc_buf *out, const struct tc_node *n, struct tc_emit how, struct tc_error *err);

/* JSON for hashing and comparing: compact, keys of every mapping sorted by bytes, numbers normalised. */
void tc_emit_canonical(struct tc_buf *out, const struct tc_node *n);

/* A text as a JSON string, quotes included; U+2028, U+2029 and U+0085 escaped too, so that it stays on one line
 * anywhere. */
void tc_emit_json_string(struct tc_buf *out, struct tc_str text);

#endif
