#include "registrars/tentacle.h"

struct member {
	struct tc_crew *crew;
	const struct tc_service_config *service;
	const struct tc_registrar_ops *ops;
	struct tc_admin admin;
	struct tc_registrar_conf conf;
	void *self; /* NULL: not open */
	size_t steps;
};

struct tc_crew {
	struct tc_crew_conf conf;
	struct member members[TC_SERVICES_MAX]; /* by the row number of the configuration's services */
};

static const struct tc_registrar_ops *registrar_of(const struct tc_service_config *service)
{
	for (size_t i = 0; tc_registrars[i]; i++)
		if (strcmp(tc_registrars[i]->service, service->service->key) == 0)
			return tc_registrars[i];
	return NULL;
}

struct tc_crew *tc_crew_new(const struct tc_crew_conf *conf)
{
	struct tc_crew *c = tc_xalloc(sizeof(*c));

	c->conf = *conf;
	for (size_t i = 0; i < conf->config->nservices; i++) {
		struct member *m = &c->members[i];

		m->crew = c;
		m->service = &conf->config->services[i];
		m->ops = registrar_of(m->service);
	}
	return c;
}

void tc_crew_free(struct tc_crew *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < TC_COUNT(c->members); i++)
		if (c->members[i].self)
			c->members[i].ops->close(c->members[i].self);
	free(c);
}

static void on_step(void *self, const char *what)
{
	struct member *m = self;

	m->steps++;
	if (m->crew->conf.step)
		m->crew->conf.step(m->crew->conf.step_self, m->service->service->key, what);
}

/* NULL, with an error, when there is none or it cannot be opened. */
static struct member *open_member(struct tc_crew *c, const struct tc_service_config *service, struct tc_error *err)
{
	struct member *m = &c->members[service - c->conf.config->services];
	const char *key = service->service->key;

	if (m->self)
		return m;
	if (!service->enabled) {
		tc_fail(err, TC_E_USAGE, "%s: it is switched off in the configuration (services.%s.enabled)", key, key);
		return NULL;
	}
	if (!m->ops) {
		tc_fail(err, TC_E_USAGE, "%s: this tentc has no registrar for it", key);
		return NULL;
	}
	if (c->conf.admin(c->conf.admin_self, &m->admin, service, err) < 0)
		return NULL;
	m->conf = (struct tc_registrar_conf){
		.config = c->conf.config,
		.service = service,
		.admin = &m->admin,
		.keys = c->conf.keys,
		.kube = c->conf.kube,
		.seconds = c->conf.seconds,
		.step = on_step,
		.step_self = m,
	};
	if (m->ops->open(&m->self, &m->conf, err) < 0) {
		m->self = NULL;
		return NULL;
	}
	return m;
}

/* --- operations ------------------------------------------------------------------------------------------------------
 */

static int do_probe(struct member *m, const struct tc_want *want, struct tc_outcome *out)
{
	(void)want;
	return m->ops->probe(&out->probed, m->self, &out->err);
}

static int do_observe(struct member *m, const struct tc_want *want, struct tc_outcome *out)
{
	return m->ops->observe(&out->seen, m->self, want, &out->err);
}

static int do_apply(struct member *m, const struct tc_want *want, struct tc_outcome *out)
{
	int rc = m->ops->apply(m->self, want, &out->err);

	out->steps = m->steps;
	return rc < 0 ? -1 : m->ops->verify(m->self, want, &out->err);
}

static int do_verify(struct member *m, const struct tc_want *want, struct tc_outcome *out)
{
	return m->ops->verify(m->self, want, &out->err);
}

static int do_retain(struct member *m, const struct tc_want *want, struct tc_outcome *out)
{
	int rc = m->ops->retain(m->self, want, &out->err);

	out->steps = m->steps;
	return rc;
}

static int do_destroy(struct member *m, const struct tc_want *want, struct tc_outcome *out)
{
	int rc = m->ops->destroy(m->self, want, &out->err);

	out->steps = m->steps;
	return rc;
}

static int do_enclave_apply(struct member *m, const struct tc_want *want, struct tc_outcome *out)
{
	int rc = m->ops->enclave_apply ? m->ops->enclave_apply(m->self, want->enclave, &out->err) : 0;

	out->steps = m->steps;
	return rc;
}

static int do_enclave_destroy(struct member *m, const struct tc_want *want, struct tc_outcome *out)
{
	int rc = m->ops->enclave_destroy ? m->ops->enclave_destroy(m->self, want->enclave, &out->err) : 0;

	out->steps = m->steps;
	return rc;
}

static int (*const acts[])(struct member *m, const struct tc_want *want, struct tc_outcome *out) = {
	[TC_ACT_PROBE] = do_probe,
	[TC_ACT_OBSERVE] = do_observe,
	[TC_ACT_APPLY] = do_apply,
	[TC_ACT_VERIFY] = do_verify,
	[TC_ACT_RETAIN] = do_retain,
	[TC_ACT_DESTROY] = do_destroy,
	[TC_ACT_ENCLAVE_APPLY] = do_enclave_apply,
	[TC_ACT_ENCLAVE_DESTROY] = do_enclave_destroy,
};

bool tc_crew_do(struct tc_crew *c, enum tc_act act, const struct tc_service_config *service, const struct tc_want *want,
		struct tc_outcome *out, struct tc_arena *mem)
{
	struct member *m;

	*out = (struct tc_outcome){.service = service, .seen = {.mem = mem}, .probed = {.mem = mem}};
	m = open_member(c, service, &out->err);
	if (!m)
		return false;
	m->steps = 0;
	out->done = acts[act](m, want, out) == 0;
	return out->done;
}

struct tc_want tc_want_of(const struct tc_wanted *tentacle, size_t nth)
{
	return (struct tc_want){
		.enclave = tentacle->enclave,
		.name = tentacle->name,
		.epoch = tentacle->epoch,
		.consumes = tentacle->services[nth].consumes,
		.nconsumes = tentacle->services[nth].nconsumes,
	};
}

bool tc_crew_all(struct tc_crew *c, enum tc_act act, const struct tc_wanted *tentacle, struct tc_outcome *out,
		 struct tc_arena *mem)
{
	bool all = true;

	for (size_t i = 0; i < tentacle->nservices; i++) {
		struct tc_want want = tc_want_of(tentacle, i);

		all = tc_crew_do(c, act, tentacle->services[i].config, &want, &out[i], mem) && all;
	}
	return all;
}

int tc_crew_roster(struct tc_crew *c, const struct tc_service_config *service, const struct tc_want *wants,
		   size_t nwants,
		   void (*each)(void *self, const char *enclave, const char *name, const struct tc_observed *seen),
		   void *self, struct tc_error *err)
{
	struct member *m = open_member(c, service, err);

	return m ? m->ops->observe_all(m->self, wants, nwants, each, self, err) : -1;
}

/* --- many tentacles in one service -----------------------------------------------------------------------------------
 */

struct place {
	const struct tc_want *want;
	size_t nth;
};

struct survey {
	struct place *places; /* sorted */
	size_t count;
	struct tc_observed *seen;
	struct tc_arena *mem;
};

static int by_name(const void *first, const void *second)
{
	const struct tc_want *a = ((const struct place *)first)->want, *b = ((const struct place *)second)->want;
	int order = strcmp(a->enclave, b->enclave);

	return order ? order : strcmp(a->name, b->name);
}

/* What is told lives no longer than the call. */
static void keep(void *self, const char *enclave, const char *name, const struct tc_observed *seen)
{
	struct survey *s = self;
	struct place key = {.want = &(struct tc_want){.enclave = enclave, .name = name}};
	const struct place *found = bsearch(&key, s->places, s->count, sizeof(key), by_name);
	struct tc_observed *copy;

	if (!found)
		return;
	copy = &s->seen[found->nth];
	*copy = *seen;
	copy->mem = s->mem;
	copy->differs = NULL;
	copy->ndiffers = copy->cap = 0;
	for (size_t i = 0; i < seen->ndiffers; i++)
		tc_observed_add(copy, "%s", seen->differs[i]);
}

int tc_crew_survey(struct tc_crew *c, const struct tc_service_config *service, const struct tc_want *wants,
		   size_t nwants, struct tc_observed *seen, struct tc_arena *mem, struct tc_error *err)
{
	struct survey s = {.places = tc_alloc(mem, nwants * sizeof(*s.places)), .seen = seen, .mem = mem};

	if (!nwants)
		return 0;
	for (s.count = 0; s.count < nwants; s.count++) {
		s.places[s.count] = (struct place){.want = &wants[s.count], .nth = s.count};
		/* Not told: then it is not known to be there, and is looked at alone. */
		seen[s.count] = (struct tc_observed){.mem = mem, .state = TC_STATE_DIFFERS};
	}
	qsort(s.places, s.count, sizeof(*s.places), by_name);
	return tc_crew_roster(c, service, wants, nwants, keep, &s, err);
}

/* What differs is to be said in the words of observe; and a plan says what apply would find. */
static bool says_enough(const struct tc_observed *known, bool plan)
{
	static const bool exact[] = {
		[TC_STATE_ABSENT] = false,  [TC_STATE_APPLIED] = true,  [TC_STATE_DIFFERS] = false,
		[TC_STATE_RETAINED] = true, [TC_STATE_FOREIGN] = false,
	};

	return known && (exact[known->state] || (known->state == TC_STATE_ABSENT && !plan));
}

void tc_crew_settle(struct tc_crew *c, const struct tc_service_config *service, const struct tc_want *want,
		    const struct tc_observed *known, bool plan, struct tc_settled *out, struct tc_arena *mem)
{
	bool enough = says_enough(known, plan);

	*out = (struct tc_settled){.seen = {.service = service, .done = true}};
	if (enough)
		out->seen.seen = *known;
	else if (!tc_crew_do(c, TC_ACT_OBSERVE, service, want, &out->seen, mem))
		return;
	if (plan)
		return;
	out->tried = true;
	/* What is away cannot be applied either. */
	if (enough && known->state == TC_STATE_APPLIED &&
	    (tc_crew_do(c, TC_ACT_VERIFY, service, want, &out->made, mem) || out->made.err.code == TC_E_RETRY))
		return;
	tc_crew_do(c, TC_ACT_APPLY, service, want, &out->made, mem);
}

bool tc_crew_gathers(const struct tc_crew *c, const struct tc_service_config *service)
{
	const struct member *m = &c->members[service - c->conf.config->services];

	return m->ops && m->ops->apply_all;
}

struct gathered {
	const struct tc_want *wants;
	struct tc_error *failures;
};

static void note_failure(void *self, const struct tc_want *want, const struct tc_error *failure)
{
	struct gathered *g = self;

	g->failures[want - g->wants] = failure ? *failure : (struct tc_error){0};
}

int tc_crew_apply_all(struct tc_crew *c, const struct tc_service_config *service, const struct tc_want *wants,
		      size_t nwants, struct tc_error *failures, struct tc_error *err)
{
	struct gathered g = {.wants = wants, .failures = failures};
	struct member *m = open_member(c, service, err);

	if (!m)
		return -1;
	return m->ops->apply_all(m->self, wants, nwants, note_failure, &g, err);
}

bool tc_is_baseline(const struct tc_service_config *service)
{
	static const char *const keys[] = {"postgres", "rustfs"};

	for (size_t i = 0; i < TC_COUNT(keys); i++)
		if (strcmp(service->service->key, keys[i]) == 0)
			return true;
	return false;
}

/* --- several outcomes ------------------------------------------------------------------------------------------------
 */

enum tc_code tc_code_worse(enum tc_code a, enum tc_code b)
{
	static const enum tc_code order[] = {TC_E_BUG, TC_E_REJECTED, TC_E_USAGE, TC_E_DIFFERS, TC_E_RETRY};

	for (size_t i = 0; i < TC_COUNT(order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return TC_E_NONE;
}

enum tc_code tc_outcomes_code(const struct tc_outcome *outcomes, size_t n)
{
	enum tc_code code = TC_E_NONE;

	for (size_t i = 0; i < n; i++)
		if (!outcomes[i].done)
			code = tc_code_worse(code, outcomes[i].err.code);
	return code;
}
