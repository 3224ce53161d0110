/* texts.h - what people wrote: the inputs of the golden cases, and the shop of testdata/corpus. */
#ifndef TC_PROPERTY_TEXTS_H
#define TC_PROPERTY_TEXTS_H

#include "compiler/base/source.h"

/* By number, in the order of their names, so that a seed means the same everywhere. NULL: the files are not here. */
const struct tc_source *texts_pick(uint64_t nth);

#endif
