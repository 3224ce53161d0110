/* render.h - a model as texts. */
#ifndef TC_PROPERTY_RENDER_H
#define TC_PROPERTY_RENDER_H

#include "compiler/base/source.h"
#include "compiler/contract/config.h"
#include "tests/property/model.h"

struct batch {
	struct tc_source src[MODEL_FILES_MAX];
	const struct tc_source *list[MODEL_FILES_MAX];
	size_t n;
};

/* config: of m->config, for fields that the author writes as tentc derives them. */
void render(struct batch *b, struct tc_arena *mem, const struct model *m, const struct tc_config *config);
void batch_set(struct batch *b, size_t i, const char *name, struct tc_str text);

/* Are nodes of this name in the author's source at /app/secrets? The name of the author's volume there. */
#define RENDER_AUTHOR_VOLUME "author-secrets"

#endif
