#include "controller/controller.h"

#include <pthread.h>
#include <time.h>

#include "compiler/contract/catalogue.h"
#include "controller/feeds.h"
#include "controller/known.h"
#include "controller/queue.h"
#include "kube/lease.h"

#define WORKERS 4
#define RESYNC 600
#define LEASE "tentc-controller"
#define RENEW_SECONDS 2
#define DEADLINE_SECONDS 10
#define BACKOFF_MAX 300
/* Removals between two looks over all: that many, or a tenth of all records where that is more. */
#define REMOVALS_MIN 10
#define REMOVALS_NAMES_MAX 4096

struct worker {
	struct tc_controller *c;
	pthread_t thread;
	bool running;
};

struct tc_controller {
	struct tc_controller_conf conf;
	struct tc_queue *queue;
	struct tc_known *known;
	struct tc_feeds *feeds;
	struct worker *workers;
	pthread_t lead, resync;
	bool lead_running, resync_running;
	atomic_bool stop;
	atomic_bool workers_done; /* the leader lets go when nobody writes any more */
	atomic_bool leads;
	_Atomic double lead_until; /* of tc_queue_now() */

	pthread_mutex_t lock;   /* of what follows */
	pthread_cond_t changed; /* leads or stop */
	bool held;              /* removals are */
	bool said;              /* and the ConfigMap says so */
	bool resumed;           /* by a person: not counted until the next resync */
	char **removed;         /* names, since the last resync */
	size_t nremoved;
};

static void log_error(struct tc_controller *c, const char *what, const struct tc_error *err)
{
	tc_log(c->conf.log, TC_LOG_WARN, what, (struct tc_field[]){TC_LOG_TEXT("error", tc_str(err->msg))}, 1);
}

/* --- who may write ------------------------------------------------------------------------------------------------ */

static bool may_write(void *self)
{
	struct tc_controller *c = self;

	return atomic_load(&c->leads) && tc_queue_now() < atomic_load(&c->lead_until);
}

/* --- removals ----------------------------------------------------------------------------------------------------- */

static size_t removals_max(struct tc_controller *c)
{
	size_t by_phase[TC_PHASE_DESTROYED + 1], all = tc_known_records(c->known, by_phase);

	all -= by_phase[TC_PHASE_RETAINED] + by_phase[TC_PHASE_DESTROYED];
	return all / 10 > REMOVALS_MIN ? all / 10 : REMOVALS_MIN;
}

static bool was_removed(const struct tc_controller *c, const char *key)
{
	for (size_t i = 0; i < c->nremoved; i++)
		if (strcmp(c->removed[i], key) == 0)
			return true;
	return false;
}

static void forget_removed(struct tc_controller *c)
{
	for (size_t i = 0; i < c->nremoved; i++)
		free(c->removed[i]);
	c->nremoved = 0;
}

static bool may_remove(void *self, const char *enclave, const char *name)
{
	struct tc_controller *c = self;
	size_t max = removals_max(c);
	char *key;
	bool may;

	if (asprintf(&key, "%s/%s", enclave, name) < 0)
		tc_no_memory();
	pthread_mutex_lock(&c->lock);
	may = !c->held;
	if (may && !c->resumed && !was_removed(c, key)) {
		if (c->nremoved >= max || c->nremoved == REMOVALS_NAMES_MAX) {
			c->held = true;
			may = false;
		} else {
			c->removed[c->nremoved++] = key;
			key = NULL;
		}
	}
	pthread_mutex_unlock(&c->lock);
	free(key);
	return may;
}

static const char *held_path(struct tc_controller *c, struct tc_arena *mem)
{
	return tc_kube_path(mem, "/api/v1/namespaces/%s/configmaps/%s", c->conf.reconcile.ns, TC_REMOVALS_HELD);
}

/* The ConfigMap outlives the process that held them. False: not known. */
static bool look_held(struct tc_controller *c, struct tc_kube *k, bool *held)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(512);
	struct tc_kube_error failed = {0};

	*held = tc_kube_get(k, NULL, held_path(c, mem), &failed) == 0;
	return *held || failed.status == 404;
}

static bool say_held(struct tc_controller *c, struct tc_kube *k)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(512);
	_cleanup_json_ json_t *object =
		json_pack("{s:s,s:s,s:{s:s,s:s},s:{s:s}}", "apiVersion", "v1", "kind", "ConfigMap", "metadata", "name",
			  TC_REMOVALS_HELD, "namespace", c->conf.reconcile.ns, "data", "why",
			  "too many tentacles went away at once: no access is taken away until this ConfigMap is "
			  "deleted (tentc resume)");
	struct tc_kube_error failed = {0};

	if (tc_kube_apply(k, NULL, held_path(c, mem), object, &(struct tc_kube_apply){.force = true}, &failed) == 0) {
		tc_log(c->conf.log, TC_LOG_ERROR, "removals held",
		       (struct tc_field[]){TC_LOG_NUMBER("removed", c->nremoved)}, 1);
		return true;
	}
	log_error(c, "removals held", &failed.error);
	return false;
}

static void follow_removals(struct tc_controller *c, struct tc_kube *k)
{
	bool held, said, there;

	pthread_mutex_lock(&c->lock);
	held = c->held;
	said = c->said;
	pthread_mutex_unlock(&c->lock);
	if (!held)
		return;
	if (!said) {
		said = say_held(c, k);
		pthread_mutex_lock(&c->lock);
		c->said = said;
		pthread_mutex_unlock(&c->lock);
	} else if (look_held(c, k, &there) && !there) {
		pthread_mutex_lock(&c->lock);
		c->held = c->said = false;
		c->resumed = true;
		forget_removed(c);
		pthread_mutex_unlock(&c->lock);
		tc_log(c->conf.log, TC_LOG_INFO, "removals resumed", NULL, 0);
		tc_known_look_at_all(c->known);
	}
}

/* --- the leader --------------------------------------------------------------------------------------------------- */

static void set_leads(struct tc_controller *c, bool leads)
{
	if (atomic_load(&c->leads) == leads)
		return;
	tc_log(c->conf.log, TC_LOG_INFO, leads ? "leads" : "leads no more",
	       (struct tc_field[]){TC_LOG_TEXT("instance", tc_str(c->conf.reconcile.instance))}, 1);
	pthread_mutex_lock(&c->lock);
	atomic_store(&c->leads, leads);
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	if (leads)
		tc_known_look_at_all(c->known);
}

/* True when it is time to stop. */
static bool pause_for(struct tc_controller *c, const atomic_bool *stop, double seconds)
{
	struct timespec until;
	double end = tc_queue_now() + seconds;
	bool stopped;

	until.tv_sec = (time_t)end;
	until.tv_nsec = (long)((end - (double)until.tv_sec) * 1e9);
	pthread_mutex_lock(&c->lock);
	while (!atomic_load(stop) && pthread_cond_timedwait(&c->changed, &c->lock, &until) == 0)
		;
	stopped = atomic_load(stop);
	pthread_mutex_unlock(&c->lock);
	return stopped;
}

/* Before the first write of a new leader it is known whether removals were held. */
static bool begin_to_lead(struct tc_controller *c, struct tc_kube *k)
{
	bool held;

	if (!look_held(c, k, &held))
		return false;
	pthread_mutex_lock(&c->lock);
	c->held = c->said = held;
	pthread_mutex_unlock(&c->lock);
	return true;
}

static void lease_step(struct tc_controller *c, struct tc_lease *lease, struct tc_kube *k)
{
	double before = tc_queue_now();
	struct tc_kube_error failed = {0};

	if (tc_lease_step(lease, k, &failed) < 0)
		log_error(c, "lease", &failed.error);
	else if (tc_lease_held(lease))
		atomic_store(&c->lead_until, before + DEADLINE_SECONDS);
	if (!tc_lease_held(lease))
		set_leads(c, false);
	else if (tc_feeds_synced(c->feeds) && (atomic_load(&c->leads) || begin_to_lead(c, k)))
		set_leads(c, true);
	if (atomic_load(&c->leads))
		follow_removals(c, k);
}

static void *lead(void *arg)
{
	struct tc_controller *c = arg;
	_cleanup_(tc_kube_free) struct tc_kube *k = NULL;
	_cleanup_(tc_lease_free) struct tc_lease *lease =
		tc_lease_new(&(struct tc_lease_conf){.ns = c->conf.reconcile.ns,
						     .name = LEASE,
						     .identity = c->conf.reconcile.instance});
	struct tc_kube_error failed = {0};

	do {
		failed = (struct tc_kube_error){0};
		if (k || tc_kube_open(&k, c->conf.reconcile.kube, &failed) == 0)
			lease_step(c, lease, k);
		else
			log_error(c, "lease", &failed.error);
	} while (!pause_for(c, &c->workers_done, tc_feeds_synced(c->feeds) ? RENEW_SECONDS : 0.2));
	set_leads(c, false);
	if (k)
		(void)tc_lease_release(lease, k, &failed);
	return NULL;
}

/* --- workers ------------------------------------------------------------------------------------------------------ */

/* False: it is time to stop. */
static bool wait_to_lead(struct tc_controller *c)
{
	bool stop;

	pthread_mutex_lock(&c->lock);
	while (!atomic_load(&c->leads) && !atomic_load(&c->stop))
		pthread_cond_wait(&c->changed, &c->lock);
	stop = atomic_load(&c->stop);
	pthread_mutex_unlock(&c->lock);
	return !stop;
}

static void work_on(struct tc_controller *c, struct tc_reconciler *r, const char *key)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(512);
	struct tc_reconcile_ask ask;
	struct tc_reconciled out;

	tc_known_ask(c->known, key, mem, &ask);
	if (tc_reconcile(r, &out, &ask) == 0) {
		if (out.next != TC_NEXT_NOTHING)
			tc_log(c->conf.log, TC_LOG_INFO, "reconciled",
			       (struct tc_field[]){TC_LOG_TEXT("tentacle", tc_str(key)),
						   TC_LOG_TEXT("phase", tc_str(out.phase ? out.phase : "none")),
						   TC_LOG_NUMBER("steps", out.steps)},
			       3);
		tc_queue_done(c->queue, key, out.again); /* which may free the key */
		return;
	}
	if (ask.drift)
		tc_known_drift(c->known, ask.enclave, ask.name, ask.drift);
	tc_log(c->conf.log, TC_LOG_WARN, "not reconciled",
	       (struct tc_field[]){TC_LOG_TEXT("tentacle", tc_str(key)), TC_LOG_TEXT("error", tc_str(out.err.msg))}, 2);
	tc_queue_retry(c->queue, key, BACKOFF_MAX);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct tc_controller *c = w->c;
	_cleanup_(tc_reconciler_free) struct tc_reconciler *r = tc_reconciler_new(&c->conf.reconcile);
	const char *key;

	while (wait_to_lead(c) && (key = tc_queue_take(c->queue)) != NULL) {
		if (may_write(c))
			work_on(c, r, key);
		else
			tc_queue_done(c->queue, key, RENEW_SECONDS);
	}
	return NULL;
}

/* --- the look over all -------------------------------------------------------------------------------------------- */

static void on_roster(void *self, const char *enclave, const char *name, const struct tc_observed *seen)
{
	struct tc_controller *c = self;

	if (seen->state != TC_STATE_APPLIED)
		tc_known_drift(c->known, enclave, name,
			       seen->ndiffers ? seen->differs[0] : "it was not there any more");
}

static void look_over(struct tc_controller *c, struct tc_crew *crew)
{
	const struct tc_config *config = c->conf.reconcile.config;

	for (size_t i = 0; i < config->nservices && may_write(c); i++) {
		const struct tc_service_config *service = &config->services[i];
		_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(16 * 1024);
		struct tc_error err = {0};
		struct tc_want *wants;
		size_t n;

		wants = tc_known_wants(c->known, service->service->key, mem, &n);
		if (n && tc_crew_roster(crew, service, wants, n, on_roster, c, &err) < 0)
			log_error(c, "resync", &err);
	}
}

static void *resync(void *arg)
{
	struct tc_controller *c = arg;
	const struct tc_reconcile_conf *conf = &c->conf.reconcile;
	_cleanup_(tc_crew_free) struct tc_crew *crew = tc_crew_new(&(struct tc_crew_conf){
		.config = conf->config,
		.keys = conf->keys,
		.kube = conf->kube,
		.admin = conf->admin,
		.admin_self = conf->admin_self,
	});
	double next = tc_queue_now() + c->conf.resync;

	while (!pause_for(c, &c->stop, next > tc_queue_now() ? next - tc_queue_now() : 0)) {
		next = tc_queue_now() + c->conf.resync;
		if (!may_write(c))
			continue;
		look_over(c, crew);
		pthread_mutex_lock(&c->lock);
		c->resumed = false;
		if (!c->held)
			forget_removed(c);
		pthread_mutex_unlock(&c->lock);
	}
	return NULL;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

struct tc_controller *tc_controller_new(const struct tc_controller_conf *conf)
{
	struct tc_controller *c = calloc(1, sizeof(*c));
	pthread_condattr_t monotonic;

	if (!c)
		tc_no_memory();
	c->conf = *conf;
	c->conf.workers = conf->workers ? conf->workers : WORKERS;
	c->conf.resync = conf->resync ? conf->resync : RESYNC;
	c->conf.reconcile.may_write = may_write;
	c->conf.reconcile.may_write_self = c;
	c->conf.reconcile.may_remove = may_remove;
	c->conf.reconcile.may_remove_self = c;
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&c->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	c->queue = tc_queue_new();
	c->known = tc_known_new(c->queue);
	c->feeds = tc_feeds_new(c->known, conf->reconcile.ns, conf->reconcile.config->contract_key, conf->log);
	c->workers = calloc(c->conf.workers, sizeof(*c->workers));
	c->removed = calloc(REMOVALS_NAMES_MAX, sizeof(*c->removed));
	if (!c->workers || !c->removed)
		tc_no_memory();
	return c;
}

static int start_thread(pthread_t *thread, bool *running, void *(*body)(void *), void *arg, struct tc_error *err)
{
	int rc = pthread_create(thread, NULL, body, arg);

	*running = rc == 0;
	return rc == 0 ? 0 : tc_fail(err, TC_E_RETRY, "cannot start a thread: %s", strerror(rc));
}

int tc_controller_start(struct tc_controller *c, struct tc_error *err)
{
	if (tc_feeds_start(c->feeds, c->conf.reconcile.kube, err) < 0)
		return -1;
	for (unsigned i = 0; i < c->conf.workers; i++) {
		c->workers[i].c = c;
		if (start_thread(&c->workers[i].thread, &c->workers[i].running, work, &c->workers[i], err) < 0)
			return -1;
	}
	return start_thread(&c->resync, &c->resync_running, resync, c, err) < 0 ||
			       start_thread(&c->lead, &c->lead_running, lead, c, err) < 0
		       ? -1
		       : 0;
}

static void raise_flag(struct tc_controller *c, atomic_bool *flag)
{
	pthread_mutex_lock(&c->lock);
	atomic_store(flag, true);
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

static void join(pthread_t thread, bool *running)
{
	if (*running)
		pthread_join(thread, NULL);
	*running = false;
}

void tc_controller_stop(struct tc_controller *c)
{
	raise_flag(c, &c->stop);
	tc_queue_stop(c->queue);
	for (unsigned i = 0; i < c->conf.workers; i++)
		join(c->workers[i].thread, &c->workers[i].running);
	join(c->resync, &c->resync_running);
	raise_flag(c, &c->workers_done);
	join(c->lead, &c->lead_running);
	tc_feeds_stop(c->feeds);
}

void tc_controller_free(struct tc_controller *c)
{
	if (!c)
		return;
	tc_controller_stop(c);
	tc_feeds_free(c->feeds);
	tc_known_free(c->known);
	tc_queue_free(c->queue);
	forget_removed(c);
	free(c->removed);
	free(c->workers);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
