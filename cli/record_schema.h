/* record_schema.h - the content of a registration record (controller/record.h), as a JSON Schema. */
#ifndef TC_RECORD_SCHEMA_H
#define TC_RECORD_SCHEMA_H

#include "compiler/base/buf.h"

/* JSON Schema (2020-12), pretty-printed. It accepts whatever the reader accepts; that enclave and name are those of the
 * ConfigMap's name, and that services stand in their order, is the reader's alone to see. */
void tc_record_schema(struct tc_buf *out);

#endif
