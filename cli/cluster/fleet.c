#include "cli/cluster/fleet.h"

#include <pthread.h>

/* Threads of one service, each with a session of its own. */
#define WORKERS 4
/* From so many on, reading all that a service has costs less than looking at each. */
#define SURVEY_FROM 16
/* So many failures in a row that a retry or an administrator may cure, and the service is asked whether it is there. */
#define PATIENCE 3

/* One tentacle in one service. */
struct item {
	const struct tc_observed *known; /* NULL: nobody has looked yet */
	bool gathered;                   /* it was applied with others; failure says how */
	struct tc_error *failure;
	/* Under the lock: */
	const char **steps;
	size_t nsteps, cap, told;
	struct tc_settled *settled; /* NULL: it has not ended */
};

struct worker {
	struct lane *lane;
	struct tc_crew *crew;
	struct tc_arena *mem; /* lives as long as the fleet: others read what is in it */
	struct item *item;    /* whom steps are told of */
	pthread_t thread;
	bool started;
};

/* One service. */
struct lane {
	struct tc_fleet *f;
	const struct tc_service_config *service;
	struct tc_want *wants;
	struct item *items;
	size_t count;
	struct worker workers[WORKERS];
	/* Under the lock: */
	size_t next;
	unsigned failures;    /* in a row */
	struct tc_error down; /* code 0: it is not */
};

struct tc_fleet {
	struct tc_fleet_conf conf;
	struct tc_arena *mem;
	struct lane lanes[TC_SERVICES_MAX]; /* by the row number of the configuration's services */
	struct item ***items;               /* of each tentacle, of each of its services */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stopping;
};

/* --- one worker ------------------------------------------------------------------------------------------------------
 */

static void on_step(void *self, const char *service, const char *what)
{
	struct worker *w = self;
	struct tc_fleet *f = w->lane->f;
	struct item *item = w->item;
	const char *copy;

	(void)service;
	if (!item)
		return;
	copy = tc_strdup(w->mem, what);
	pthread_mutex_lock(&f->lock);
	tc_grow(w->mem, item->steps, item->nsteps, item->cap);
	item->steps[item->nsteps++] = copy;
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

static int read_admin(void *self, struct tc_admin *out, const struct tc_service_config *service, struct tc_error *err)
{
	struct worker *w = self;
	struct tc_fleet *f = w->lane->f;
	int rc;

	pthread_mutex_lock(&f->lock);
	rc = f->conf.crew.admin(f->conf.crew.admin_self, out, service, err);
	pthread_mutex_unlock(&f->lock);
	return rc;
}

static void open_worker(struct worker *w, struct lane *lane)
{
	struct tc_crew_conf conf = lane->f->conf.crew;

	conf.admin = read_admin;
	conf.step = on_step;
	conf.admin_self = conf.step_self = w;
	w->lane = lane;
	w->mem = tc_arena_new(16 * 1024);
	w->crew = tc_crew_new(&conf);
}

static void close_worker(struct worker *w)
{
	tc_crew_free(w->crew);
	w->crew = NULL;
}

/* --- one tentacle in one service -------------------------------------------------------------------------------------
 */

static enum tc_code code_of(const struct tc_settled *s)
{
	const struct tc_outcome *last = s->tried ? &s->made : &s->seen;

	return last->done ? TC_E_NONE : last->err.code;
}

/* What a retry or an administrator may cure. Once it is known that it is the service's, those who come next get the
 * answer that it gave, and not the time limit. */
static void note_failures(struct worker *w, const struct tc_settled *s)
{
	struct lane *lane = w->lane;
	enum tc_code code = code_of(s);
	struct tc_outcome there = {.done = true};
	bool ask;

	pthread_mutex_lock(&lane->f->lock);
	lane->failures = code == TC_E_RETRY || code == TC_E_USAGE ? lane->failures + 1 : 0;
	ask = lane->failures >= PATIENCE && lane->down.code == TC_E_NONE;
	if (ask)
		lane->failures = 0;
	pthread_mutex_unlock(&lane->f->lock);
	if (!ask || tc_crew_do(w->crew, TC_ACT_PROBE, lane->service, NULL, &there, w->mem))
		return;
	pthread_mutex_lock(&lane->f->lock);
	lane->down = there.err;
	pthread_mutex_unlock(&lane->f->lock);
}

static bool is_down(struct lane *lane, struct tc_error *err)
{
	pthread_mutex_lock(&lane->f->lock);
	*err = lane->down;
	pthread_mutex_unlock(&lane->f->lock);
	return err->code != TC_E_NONE;
}

/* Applied already: what is left is to log in as it. */
static void finish_gathered(struct worker *w, const struct item *item, const struct tc_want *want,
			    struct tc_settled *out)
{
	struct tc_outcome *made = &out->made;

	out->seen.done = out->tried = true;
	out->seen.seen = *item->known;
	*made = (struct tc_outcome){.service = w->lane->service, .err = *item->failure};
	if (made->err.code == TC_E_NONE && !is_down(w->lane, &made->err))
		tc_crew_do(w->crew, TC_ACT_VERIFY, w->lane->service, want, made, w->mem);
	made->steps = 1;
}

static void attend(struct worker *w, size_t nth)
{
	struct lane *lane = w->lane;
	struct item *item = &lane->items[nth];
	struct tc_settled *s = tc_alloc(w->mem, sizeof(*s));

	w->item = item;
	s->seen.service = lane->service;
	if (item->gathered)
		finish_gathered(w, item, &lane->wants[nth], s);
	else if (!is_down(lane, &s->seen.err))
		tc_crew_settle(w->crew, lane->service, &lane->wants[nth], item->known, lane->f->conf.plan, s, w->mem);
	w->item = NULL;
	note_failures(w, s);
	pthread_mutex_lock(&lane->f->lock);
	item->settled = s;
	pthread_cond_broadcast(&lane->f->changed);
	pthread_mutex_unlock(&lane->f->lock);
}

static bool take(struct lane *lane, size_t *nth)
{
	bool some;

	pthread_mutex_lock(&lane->f->lock);
	some = lane->next < lane->count && !lane->f->stopping;
	if (some)
		*nth = lane->next++;
	pthread_mutex_unlock(&lane->f->lock);
	return some;
}

static void *work(void *self)
{
	struct worker *w = self;
	size_t nth;

	while (take(w->lane, &nth))
		attend(w, nth);
	close_worker(w);
	return NULL;
}

/* --- one service, before its tentacles -------------------------------------------------------------------------------
 */

struct first {
	const char *enclave;
	size_t nth;
};

static int by_enclave(const void *first, const void *second)
{
	const struct first *a = first, *b = second;
	int order = strcmp(a->enclave, b->enclave);

	return order ? order : (a->nth > b->nth) - (a->nth < b->nth);
}

/* What an enclave has as a whole, such as its database, no survey tells: the first tentacle of each is looked at and
 * applied as if it were alone. */
static void forget_first_of_each(struct lane *lane, struct tc_arena *mem)
{
	struct first *order = tc_alloc(mem, lane->count * sizeof(*order));

	for (size_t i = 0; i < lane->count; i++)
		order[i] = (struct first){.enclave = lane->wants[i].enclave, .nth = i};
	qsort(order, lane->count, sizeof(*order), by_enclave);
	for (size_t i = 0; i < lane->count; i++)
		if (i == 0 || strcmp(order[i].enclave, order[i - 1].enclave) != 0)
			lane->items[order[i].nth].known = NULL;
}

static void survey(struct worker *w)
{
	struct lane *lane = w->lane;
	struct tc_observed *seen = tc_alloc(w->mem, lane->count * sizeof(*seen));
	struct tc_error err = {0};

	if (lane->count < SURVEY_FROM)
		return;
	/* Each by itself, then; and the first that fails shows that it is not for the size of the answer. */
	if (tc_crew_survey(w->crew, lane->service, lane->wants, lane->count, seen, w->mem, &err) < 0) {
		lane->failures = PATIENCE - 1;
		return;
	}
	for (size_t i = 0; i < lane->count; i++)
		lane->items[i].known = &seen[i];
	forget_first_of_each(lane, w->mem);
}

/* -1: it failed, or is not to be applied with others. */
static int look(struct worker *w, size_t nth)
{
	struct lane *lane = w->lane;
	struct item *item = &lane->items[nth];
	struct tc_outcome *o;

	if (!item->known || item->known->state == TC_STATE_DIFFERS || item->known->state == TC_STATE_FOREIGN) {
		o = tc_alloc(w->mem, sizeof(*o));
		if (!tc_crew_do(w->crew, TC_ACT_OBSERVE, lane->service, &lane->wants[nth], o, w->mem))
			return -1;
		item->known = &o->seen;
	}
	return 0;
}

static bool is_to_be_applied(const struct item *item)
{
	return item->known && item->known->state != TC_STATE_APPLIED && item->known->state != TC_STATE_FOREIGN;
}

/* What is not as it should be, in one go, where the service gains by that. */
static void gather(struct worker *w)
{
	struct lane *lane = w->lane;
	struct tc_want *wants = tc_alloc(w->mem, lane->count * sizeof(*wants));
	struct item **items = tc_alloc(w->mem, lane->count * sizeof(*items));
	struct tc_error *failures, why = {0};
	size_t n = 0;

	if (lane->f->conf.plan || lane->count < 2 || !tc_crew_gathers(w->crew, lane->service))
		return;
	for (size_t i = 0; i < lane->count; i++) {
		/* It is away: they are told so one by one. */
		if (look(w, i) < 0)
			return;
		if (is_to_be_applied(&lane->items[i])) {
			items[n] = &lane->items[i];
			wants[n++] = lane->wants[i];
		}
	}
	if (n < 2)
		return;
	failures = tc_alloc(w->mem, n * sizeof(*failures));
	w->item = items[0];
	if (tc_crew_apply_all(w->crew, lane->service, wants, n, failures, &why) < 0)
		for (size_t i = 0; i < n; i++)
			failures[i] = why;
	w->item = NULL;
	for (size_t i = 0; i < n; i++) {
		items[i]->gathered = true;
		items[i]->failure = &failures[i];
	}
}

static void *begin(void *self)
{
	struct worker *first = self;
	struct lane *lane = first->lane;
	size_t helpers = lane->count / 4 < WORKERS - 1 ? lane->count / 4 : WORKERS - 1;

	survey(first);
	gather(first);
	for (size_t i = 1; i <= helpers; i++) {
		struct worker *w = &lane->workers[i];

		open_worker(w, lane);
		w->started = pthread_create(&w->thread, NULL, work, w) == 0;
		if (!w->started)
			close_worker(w);
	}
	(void)work(first);
	for (size_t i = 1; i <= helpers; i++)
		if (lane->workers[i].started)
			pthread_join(lane->workers[i].thread, NULL);
	return NULL;
}

/* --- all of them -----------------------------------------------------------------------------------------------------
 */

static void fill_lanes(struct tc_fleet *f)
{
	const struct tc_service_config *services = f->conf.crew.config->services;

	for (size_t t = 0; t < f->conf.nwants; t++)
		for (size_t k = 0; k < f->conf.wants[t].nservices; k++)
			f->lanes[f->conf.wants[t].services[k].config - services].count++;
	for (size_t i = 0; i < f->conf.crew.config->nservices; i++) {
		struct lane *lane = &f->lanes[i];

		lane->f = f;
		lane->service = &services[i];
		lane->wants = tc_alloc(f->mem, lane->count * sizeof(*lane->wants));
		lane->items = tc_alloc(f->mem, lane->count * sizeof(*lane->items));
		lane->count = 0;
	}
	f->items = tc_alloc(f->mem, f->conf.nwants * sizeof(struct item **));
	for (size_t t = 0; t < f->conf.nwants; t++) {
		const struct tc_wanted *wanted = &f->conf.wants[t];

		f->items[t] = tc_alloc(f->mem, wanted->nservices * sizeof(struct item *));
		for (size_t k = 0; k < wanted->nservices; k++) {
			struct lane *lane = &f->lanes[wanted->services[k].config - services];

			lane->wants[lane->count] = tc_want_of(wanted, k);
			f->items[t][k] = &lane->items[lane->count++];
		}
	}
}

struct tc_fleet *tc_fleet_start(const struct tc_fleet_conf *conf)
{
	struct tc_fleet *f = tc_xalloc(sizeof(*f));

	f->conf = *conf;
	f->mem = tc_arena_new(64 * 1024);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	fill_lanes(f);
	for (size_t i = 0; i < TC_SERVICES_MAX; i++) {
		struct worker *w = &f->lanes[i].workers[0];

		if (!f->lanes[i].count)
			continue;
		open_worker(w, &f->lanes[i]);
		w->started = pthread_create(&w->thread, NULL, begin, w) == 0;
		if (!w->started) /* then it is done before anybody waits */
			(void)begin(w);
	}
	return f;
}

bool tc_fleet_step(struct tc_fleet *f, size_t tentacle, size_t nth, const char **what)
{
	struct item *item = f->items[tentacle][nth];
	bool some;

	pthread_mutex_lock(&f->lock);
	while (item->told == item->nsteps && !item->settled)
		pthread_cond_wait(&f->changed, &f->lock);
	some = item->told < item->nsteps;
	if (some)
		*what = item->steps[item->told++];
	pthread_mutex_unlock(&f->lock);
	return some;
}

const struct tc_settled *tc_fleet_settled(const struct tc_fleet *f, size_t tentacle, size_t nth)
{
	return f->items[tentacle][nth]->settled;
}

void tc_fleet_free(struct tc_fleet *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	f->stopping = true;
	pthread_mutex_unlock(&f->lock);
	for (size_t i = 0; i < TC_SERVICES_MAX; i++)
		if (f->lanes[i].workers[0].started)
			pthread_join(f->lanes[i].workers[0].thread, NULL);
	for (size_t i = 0; i < TC_SERVICES_MAX; i++)
		for (size_t k = 0; k < WORKERS; k++)
			tc_arena_free(f->lanes[i].workers[k].mem);
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->lock);
	tc_arena_free(f->mem);
	free(f);
}
