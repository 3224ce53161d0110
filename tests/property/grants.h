/* grants.h - what an output grants, as a set of lines: `class|enclave/name|...`.
 *
 * Read from the output's trees alone; `grants_lost` says, from the model alone, which of them go when a dependency
 * does. The two know nothing of each other, and nothing of the transforms. */
#ifndef TC_PROPERTY_GRANTS_H
#define TC_PROPERTY_GRANTS_H

#include "tests/property/run.h"

struct grants {
	const char **list; /* sorted, each once */
	size_t count, cap;
};

void grants_read(struct grants *g, struct tc_arena *mem, const struct trees *t, const struct model *m);
bool grants_has(const struct grants *g, const char *line);

/* Is the line one of this tentacle? */
bool grants_of(const struct model_tentacle *t, const char *line);
/* Does the line go when dep of tentacle t is taken away? */
bool grants_lost(const struct tc_config *config, const struct model_tentacle *t, const struct model_dep *dep,
		 const char *line);

#endif
