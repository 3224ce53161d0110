/* output_schema.h - what commands print with --format json, as a JSON Schema. */
#ifndef TC_OUTPUT_SCHEMA_H
#define TC_OUTPUT_SCHEMA_H

#include "compiler/base/buf.h"

/* JSON Schema (2020-12), pretty-printed; each command's answer is one of its $defs. */
void tc_output_schema(struct tc_buf *out);

#endif
