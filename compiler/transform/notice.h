/* notice.h - annotations of tentc's that stand where nothing reads them. */
#ifndef TC_NOTICE_H
#define TC_NOTICE_H

#include "compiler/base/diag.h"
#include "compiler/transform/object.h"

/* Warns of a contract on an object that is no workload, of one in a pod template, and of misspelt annotations. */
void tc_notice(struct tc_arena *mem, const struct tc_stage_doc *doc, struct tc_diags *diags);

#endif
