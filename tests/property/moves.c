/* What tentc filled in follows the platform when it moves. */
#include "tests/property/grants.h"
#include "tests/property/properties.h"

static bool has_postgres(const struct model_tentacle *t)
{
	for (size_t i = 0; i < t->ndeps; i++)
		if (t->deps[i].kind == DEP_PLATFORM && t->deps[i].service == tc_services[0])
			return true;
	return false;
}

/* A field that the author wrote stays, and then contradicts; a bare workflow keeps no record. */
static bool follows(const struct model *m, bool *bare)
{
	*bare = false;
	for (size_t i = 0; i < m->ntentacles; i++) {
		const struct model_tentacle *t = &m->tentacles[i];

		if (t->place == PLACE_BARE)
			*bare = true;
		for (size_t k = 0; k < t->ndeps; k++)
			if (t->deps[k].own_fields)
				return false;
	}
	return true;
}

static bool refused_as(const struct outcome *o, enum tc_msg id)
{
	for (size_t i = 0; i < o->diags.count; i++)
		if (o->diags.list[i]->id == id)
			return true;
	return false;
}

struct move {
	struct platform there;
	struct outcome fresh, followed;
	struct trees fresh_trees, followed_trees;
};

static void move_free(struct move *m)
{
	outcome_free(&m->fresh);
	outcome_free(&m->followed);
	platform_free(&m->there);
}

static void move(struct kase *k, struct move *m, const struct model_config *there)
{
	struct batch texts;

	platform_make(&m->there, k->mem, there, k->model.keys);
	outcome_make(&m->fresh, &k->batch, &m->there, k->model.enclave_flag);
	outcome_make(&m->followed, &k->output, &m->there, k->model.enclave_flag);
	outcome_batch(&m->fresh, &k->batch, &texts);
	trees_read(&m->fresh_trees, k->mem, &texts);
	outcome_batch(&m->followed, &k->batch, &texts);
	trees_read(&m->followed_trees, k->mem, &texts);
}

/* The lines that differ speak of Postgres: its rule, or its host behind --allow-net. */
static const char *only_postgres(struct kase *k, const struct move *m)
{
	struct grants here, there;

	grants_read(&here, k->mem, &k->trees, &k->model);
	grants_read(&there, k->mem, &m->fresh_trees, &k->model);
	for (size_t i = 0; i < here.count + there.count; i++) {
		bool ours = i < here.count;
		const char *line = ours ? here.list[i] : there.list[i - here.count];
		bool about = false;

		if (grants_has(ours ? &there : &here, line))
			continue;
		for (size_t t = 0; t < k->model.ntentacles; t++)
			about = about ||
				(grants_of(&k->model.tentacles[t], line) && has_postgres(&k->model.tentacles[t]));
		if (!about || !(tc_str_starts(tc_str(line), "egress|") || tc_str_starts(tc_str(line), "net|")))
			return tc_printf(k->mem, "follows although it is not Postgres's: %s", line);
	}
	return NULL;
}

const char *property_moved(struct kase *k)
{
	struct rng r = {.s = k->seed ^ 17};
	struct model_config there = model_config_moved(k->model.config, &r);
	__attribute__((cleanup(move_free))) struct move m = {0};
	bool bare, recorded = true;
	const char *fault;

	if (!follows(&k->model, &bare)) {
		k->skip = true;
		return NULL;
	}
	move(k, &m, &there);
	if (!m.fresh.ok)
		return "the source is refused where Postgres has moved";
	for (size_t i = 0; i < k->model.ntentacles; i++)
		if (k->model.tentacles[i].place == PLACE_BARE && has_postgres(&k->model.tentacles[i]))
			recorded = false;
	if (!recorded)
		return m.followed.ok ? "a compiled workflow.yaml is compiled for another platform"
		       : refused_as(&m.followed, TC_MSG_RECOMPILED)
			       ? NULL
			       : "a compiled workflow.yaml is refused, but not as one";
	if (!m.followed.ok) {
		_cleanup_buf_ struct tc_buf text = {0};

		tc_diags_render(&text, &m.followed.diags, (struct tc_diag_style){0});
		return tc_printf(k->mem, "the output is refused where Postgres has moved:\n%s", text.p);
	}
	fault = trees_differ(k->mem, &m.followed_trees, &m.fresh_trees, false);
	return fault ? fault : only_postgres(k, &m);
}

/* Any other configuration: the same, but objects may come and go, so that their order is free. */
const char *property_reconfigured(struct kase *k)
{
	struct rng r = {.s = k->seed ^ 19};
	struct model_config there = model_config_draw(&r);
	__attribute__((cleanup(move_free))) struct move m = {0};
	bool bare;

	if (!follows(&k->model, &bare) || bare) {
		k->skip = true;
		return NULL;
	}
	move(k, &m, &there);
	if (m.fresh.ok != m.followed.ok) {
		_cleanup_buf_ struct tc_buf text = {0};

		tc_diags_render(&text, m.fresh.ok ? &m.followed.diags : &m.fresh.diags, (struct tc_diag_style){0});
		return tc_printf(k->mem, "under another configuration only the %s is refused:\n%s",
				 m.fresh.ok ? "output" : "source", text.p);
	}
	return m.fresh.ok ? trees_differ(k->mem, &m.followed_trees, &m.fresh_trees, true) : NULL;
}
