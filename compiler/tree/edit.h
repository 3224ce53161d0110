/* edit.h - a patch made in the text of its document, so that only the lines change that have to.
 *
 * Every operation becomes splices of the original bytes: comments, order, quoting, indentation, line ends and anchors
 * stay. What cannot be edited so (an alias that had to be followed, exotic spellings) is declined, and the caller
 * writes the document anew. */
#ifndef TC_EDIT_H
#define TC_EDIT_H

#include "compiler/tree/patch.h"
#include "compiler/tree/stream.h"

/* Appends the new bytes of [doc->begin, doc->end). False, with *why (a constant text), when some operation cannot be
 * made in the text; then nothing was appended. Proves nothing: see tc_edit_verified. */
bool tc_edit(struct tc_buf *out, const struct tc_doc *doc, const struct tc_patch *patch, const char **why);

/* As tc_edit; then reads the result again and compares it (ordered) with want, which is tc_patch_apply's. False, with
 * *why, also when it differs. */
bool tc_edit_verified(struct tc_buf *out, const struct tc_doc *doc, const struct tc_patch *patch,
		      const struct tc_node *want, const char **why);

/* A document inside of a scalar (tc_embedded_read) with its patch applied: *text, in mem, is what the scalar holds
 * afterwards. Where the document was read in place, it is what the edited lines of the outer text decode to, so that
 * the outer operation (tc_patch_replace_embedded) and the text cannot disagree. Verified against want. False, with
 * *why, when the document has to be written anew. */
bool tc_edit_embedded(struct tc_str *text, struct tc_arena *mem, const struct tc_node *scalar,
		      const struct tc_patch *inner, const struct tc_node *want, const char **why);

#endif
