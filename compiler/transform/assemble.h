/* assemble.h - the documents of a compilation put together again as text. */
#ifndef TC_ASSEMBLE_H
#define TC_ASSEMBLE_H

#include "compiler/transform/tentacle.h"

/* What becomes of one source: docs are its documents, in order. -1 for a text that does not read back. */
int tc_assemble(struct tc_work *w, struct tc_result_source *out, struct tc_stage_doc *docs, size_t ndocs);

#endif
