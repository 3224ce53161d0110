/* admit.h - law 3: what is admitted equals what is compiled. */
#ifndef TC_PROPERTY_ADMIT_H
#define TC_PROPERTY_ADMIT_H

#include "tests/property/rng.h"
#include "tests/property/run.h"

#include <jansson.h>

/* The objects of a cluster to be, and the platform they meet. */
struct admission_case {
	struct tc_arena *mem;
	const struct platform *platform;
	const char *enclave; /* of objects without a namespace; NULL: they are left out */
	struct rng rng;
	unsigned long admitted; /* objects that were patched and compared */
};

/* The law for all objects of a batch, as they are, with the API server's defaults, and with a container more. NULL when
 * it holds. */
const char *admission_law(struct admission_case *c, const struct batch *batch);

/* What the API server adds to an object by itself. */
void admission_defaults(json_t *object);

#endif
