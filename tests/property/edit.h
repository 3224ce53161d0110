/* edit.h - a dependency, or a whole contract, taken out of texts: as a person would edit what is there. */
#ifndef TC_PROPERTY_EDIT_H
#define TC_PROPERTY_EDIT_H

#include "tests/property/run.h"

/* dep NULL: the contract. */
void edit_remove(struct batch *to, struct tc_arena *mem, const struct batch *from, const struct model_tentacle *t,
		 const struct model_dep *dep);

#endif
