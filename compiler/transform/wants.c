/* What each tentacle asks of the services, for who makes it so: the stage's own reading, handed out. Names are copied:
 * some of them live no longer than the stage. */
#include "compiler/transform/tentacle.h"

static const char *const kinds[] = {
	[TC_ROLE_SECRET] = "Secret",
	[TC_ROLE_NETWORKPOLICY] = "NetworkPolicy",
	[TC_ROLE_SPIFFEID] = "ClusterSPIFFEID",
};

void tc_wants_keep(struct tc_work *w, struct tc_tentacle *t, const struct tc_buf *json, enum tc_role role,
		   const char *name)
{
	tc_grow(w->mem, t->made, t->nmade, t->made_cap);
	t->made[t->nmade++] = (struct tc_wanted_object){
		.kind = kinds[role],
		.ns = role == TC_ROLE_SPIFFEID ? NULL : tc_strdup(w->mem, t->enclave),
		.name = tc_strdup(w->mem, name),
		.json = {.s = tc_strndup(w->mem, json->p, json->len), .len = json->len},
	};
}

static const char *const *copy_names(struct tc_arena *mem, const char **names, size_t n)
{
	const char **copy = tc_alloc(mem, n * sizeof(*copy));

	for (size_t i = 0; i < n; i++)
		copy[i] = tc_strdup(mem, names[i]);
	return copy;
}

static void fill(struct tc_work *w, struct tc_wanted *out, const struct tc_tentacle *t)
{
	*out = (struct tc_wanted){
		.enclave = tc_strdup(w->mem, t->enclave),
		.name = tc_strdup(w->mem, t->name),
		.epoch = t->epoch,
		.compiled = t->compiled ? tc_strdup(w->mem, t->compiled) : NULL,
		.services = tc_alloc(w->mem, TC_SERVICES_MAX * sizeof(*out->services)),
		.objects = t->made,
		.nobjects = t->nmade,
	};
	for (size_t s = 0; s < w->stage->config->nservices; s++) {
		const struct tc_service_config *config = &w->stage->config->services[s];

		for (size_t i = 0; i < t->contract->ndeps; i++) {
			const struct tc_dep *dep = &t->contract->deps[i];

			if (dep->kind == TC_DEP_PLATFORM && dep->config == config)
				out->services[out->nservices++] =
					(struct tc_wanted_service){.config = config,
								   .consumes = copy_names(w->mem, dep->consumes,
											  dep->nconsumes),
								   .nconsumes = dep->nconsumes};
		}
	}
}

void tc_wants_fill(struct tc_work *w, struct tc_result *result)
{
	result->wants = tc_alloc(w->mem, w->ntentacles * sizeof(*result->wants));
	for (size_t i = 0; i < w->ntentacles; i++) {
		const struct tc_tentacle *t = &w->tentacles[i];

		if (t->contract && t->level <= TC_LEVEL_MAX)
			fill(w, &result->wants[result->nwants++], t);
	}
}
