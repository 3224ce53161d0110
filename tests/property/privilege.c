/* Only a declared dependency grants anything; taking it away takes exactly that. */
#include "tests/property/edit.h"
#include "tests/property/grants.h"
#include "tests/property/properties.h"

static struct rng rng_of(const struct kase *k, uint64_t salt)
{
	return (struct rng){.s = k->seed ^ salt};
}

struct reduced {
	struct model model;
	struct batch source, edited, output;
	struct outcome fresh, recompiled; /* the reduced source; the output of the whole, reduced by hand */
	struct trees fresh_trees, recompiled_trees;
	struct grants before, after;
};

static void reduced_free(struct reduced *r)
{
	outcome_free(&r->fresh);
	outcome_free(&r->recompiled);
}

static const char *complain(struct kase *k, struct outcome *o, const char *what)
{
	_cleanup_buf_ struct tc_buf text = {0};

	tc_diags_render(&text, &o->diags, (struct tc_diag_style){0});
	return tc_printf(k->mem, "%s is refused: %s\n%s", what, o->err.msg, text.p ? text.p : "");
}

/* Compiles the case without dep of tentacle t (NULL: without its contract), both ways. */
static const char *reduce(struct kase *k, struct reduced *r, size_t t, size_t dep)
{
	struct model_tentacle *reduced;
	const struct model_dep *d = dep == SIZE_MAX ? NULL : &k->model.tentacles[t].deps[dep];

	r->model = k->model;
	reduced = &r->model.tentacles[t];
	if (d)
		reduced->deps[dep].gone = true;
	else
		reduced->no_contract = true;
	render(&r->source, k->mem, &r->model, k->platform.config);
	outcome_make(&r->fresh, &r->source, &k->platform, k->model.enclave_flag);
	if (!r->fresh.ok)
		return complain(k, &r->fresh, "the reduced source");
	edit_remove(&r->edited, k->mem, &k->output, &k->model.tentacles[t], d);
	outcome_make(&r->recompiled, &r->edited, &k->platform, k->model.enclave_flag);
	if (!r->recompiled.ok)
		return complain(k, &r->recompiled, "the reduced output");
	outcome_batch(&r->fresh, &k->batch, &r->output);
	trees_read(&r->fresh_trees, k->mem, &r->output);
	outcome_batch(&r->recompiled, &k->batch, &r->output);
	trees_read(&r->recompiled_trees, k->mem, &r->output);
	grants_read(&r->before, k->mem, &k->trees, &k->model);
	grants_read(&r->after, k->mem, &r->fresh_trees, &k->model);
	return NULL;
}

static const char *first_new(struct kase *k, const struct reduced *r)
{
	for (size_t i = 0; i < r->after.count; i++)
		if (!grants_has(&r->before, r->after.list[i]))
			return tc_printf(k->mem, "taking something away grants: %s", r->after.list[i]);
	return NULL;
}

static const char *check_dependency(struct kase *k, struct reduced *r, size_t t, size_t dep)
{
	const struct model_tentacle *tentacle = &k->model.tentacles[t];
	const struct model_dep *d = &tentacle->deps[dep];
	const char *fault = reduce(k, r, t, dep);

	if (!fault)
		fault = first_new(k, r);
	for (size_t i = 0; i < r->before.count && !fault; i++) {
		const char *line = r->before.list[i];
		bool lost = !grants_has(&r->after, line), should = grants_lost(k->platform.config, tentacle, d, line);

		if (lost != should)
			fault = tc_printf(k->mem, lost ? "goes although something else grants it: %s" : "stays: %s",
					  line);
	}
	if (!fault)
		fault = trees_differ(k->mem, &r->recompiled_trees, &r->fresh_trees, false);
	return fault ? tc_printf(k->mem, "without %s of %s/%s: %s", d->name, tentacle->enclave, tentacle->name, fault)
		     : NULL;
}

const char *property_dependency(struct kase *k)
{
	struct rng r = rng_of(k, 11);
	size_t t = rng_below(&r, (unsigned)k->model.ntentacles);
	__attribute__((cleanup(reduced_free))) struct reduced reduced = {0};

	if (!k->model.tentacles[t].ndeps) {
		k->skip = true;
		return NULL;
	}
	return check_dependency(k, &reduced, t, rng_below(&r, (unsigned)k->model.tentacles[t].ndeps));
}

/* What is in the reduced source already, with nothing compiled, is the author's. */
static const char *check_contract(struct kase *k, struct reduced *r, size_t t)
{
	const struct model_tentacle *tentacle = &k->model.tentacles[t];
	const char *fault = reduce(k, r, t, SIZE_MAX);
	struct trees source;
	struct grants author;

	if (fault)
		return fault;
	trees_read(&source, k->mem, &r->source);
	grants_read(&author, k->mem, &source, &k->model);
	fault = first_new(k, r);
	for (size_t i = 0; i < r->before.count && !fault; i++) {
		const char *line = r->before.list[i];

		if (!grants_of(tentacle, line) && !grants_has(&r->after, line))
			fault = tc_printf(k->mem, "another tentacle loses: %s", line);
	}
	for (size_t i = 0; i < r->after.count && !fault; i++) {
		const char *line = r->after.list[i];

		if (grants_of(tentacle, line) && !grants_has(&author, line))
			fault = tc_printf(k->mem, "stays: %s", line);
	}
	if (!fault)
		fault = trees_differ(k->mem, &r->recompiled_trees, &r->fresh_trees, false);
	/* with no contract left at all, the source passes through, and the output becomes the source again */
	if (!fault && k->model.ntentacles == 1)
		fault = trees_differ(k->mem, &r->recompiled_trees, &source, false);
	return fault;
}

const char *property_contract(struct kase *k)
{
	struct rng r = rng_of(k, 13);
	size_t t = rng_below(&r, (unsigned)k->model.ntentacles);
	__attribute__((cleanup(reduced_free))) struct reduced reduced = {0};
	const char *fault = check_contract(k, &reduced, t);

	return fault ? tc_printf(k->mem, "without the contract of %s/%s: %s", k->model.tentacles[t].enclave,
				 k->model.tentacles[t].name, fault)
		     : NULL;
}
