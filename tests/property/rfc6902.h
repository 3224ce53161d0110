/* rfc6902.h - a JSON Patch applied by somebody else than the compiler: on jansson's values. */
#ifndef TC_PROPERTY_RFC6902_H
#define TC_PROPERTY_RFC6902_H

#include <jansson.h>

/* Changes doc; NULL when all of it was applied, else what is wrong. */
const char *rfc6902_apply(json_t **doc, const json_t *patch);

#endif
