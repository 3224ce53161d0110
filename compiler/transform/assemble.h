/* assemble.h - the documents of a compilation put together again as text. */
#ifndef TC_ASSEMBLE_H
#define TC_ASSEMBLE_H

#include "compiler/transform/tentacle.h"

/* Appends an object of tentc's as a document of doc's source would be written: its format, its line ends. Read again
 * and compared; -1 when it differs. */
int tc_assemble_text(struct tc_work *w, struct tc_buf *out, const struct tc_node *object, const struct tc_doc *doc);

/* What becomes of one source: docs are its documents, in order. -1 for a text that does not read back. */
int tc_assemble(struct tc_work *w, struct tc_result_source *out, struct tc_stage_doc *docs, size_t ndocs);

#endif
