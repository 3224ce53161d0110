#include "webhook/cache.h"

#include <pthread.h>
#include <time.h>

#include "compiler/base/arena.h"
#include "webhook/cache_parts.h"

#define ANNOTATION_COMPILED "tentacular.io/compiled"
#define LABEL_RELEASE "tentacular.io/release"

/* While a resource cannot be watched, one attempt of so many is said again. */
enum { TROUBLE_EVERY = 20 };

enum role { ROLE_NAMESPACE, ROLE_CONFIGMAP, ROLE_WORKLOAD, ROLE_POD };

static const struct resource {
	const char *kind, *path, *selector;
	enum role role;
	bool whole;
} resources[] = {
	{"Namespace", "/api/v1/namespaces", TC_LABEL_ENCLAVE, ROLE_NAMESPACE, false},
	{"ConfigMap", "/api/v1/configmaps", NULL, ROLE_CONFIGMAP, true},
	{"Deployment", "/apis/apps/v1/deployments", NULL, ROLE_WORKLOAD, false},
	{"StatefulSet", "/apis/apps/v1/statefulsets", NULL, ROLE_WORKLOAD, false},
	{"DaemonSet", "/apis/apps/v1/daemonsets", NULL, ROLE_WORKLOAD, false},
	{"Job", "/apis/batch/v1/jobs", NULL, ROLE_WORKLOAD, false},
	{"CronJob", "/apis/batch/v1/cronjobs", NULL, ROLE_WORKLOAD, false},
	{"Pod", "/api/v1/pods", LABEL_RELEASE, ROLE_POD, false},
};

enum { RESOURCES = TC_COUNT(resources) };

/* One watched resource. */
struct feed {
	struct tc_cache *cache;
	const struct resource *resource;
	unsigned list;     /* the number of the list that is being read, or was read last: its thread's own */
	unsigned troubles; /* in a row: its thread's own */
	atomic_bool synced;
	atomic_int_fast64_t alive_ms;
	pthread_t thread;
	bool running;
};

struct tc_cache {
	pthread_rwlock_t lock;
	struct tc_contracts contracts;
	struct tc_holders holders;
	char *contract_key;

	const struct tc_kube_config *config;
	struct tc_log *log;
	atomic_bool stop;
	struct feed feeds[RESOURCES];
	struct tc_watch watches[RESOURCES];
};

static int64_t now_ms(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- what the watches say --- */

static void write_lock(struct tc_cache *c)
{
	pthread_rwlock_wrlock(&c->lock);
}

static void see_configmap(struct feed *f, const json_t *object, bool gone)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	struct tc_contract_want want = {.ns = tc_meta(object, "namespace"), .name = tc_meta(object, "name")};
	struct tc_cache *c = f->cache;
	char *text = gone ? NULL : tc_contract_text(object, c->contract_key);
	bool fits = true;

	if (text)
		want.tentacle = tc_contract_tentacle(mem, object, c->contract_key);
	write_lock(c);
	if (text)
		fits = tc_contracts_put(&c->contracts, &want, text, f->list);
	else
		tc_contracts_remove(&c->contracts, want.ns, want.name);
	tc_cache_unlock(c);
	if (!fits)
		tc_log(c->log, TC_LOG_WARN, "a contract is not known: its namespace has too many of them",
		       (struct tc_field[]){TC_LOG_TEXT("ns", tc_str(want.ns)), TC_LOG_TEXT("name", tc_str(want.name)),
					   TC_LOG_NUMBER("limit", TC_CACHE_SPACE_BYTES)},
		       3);
}

static void see_namespace(struct feed *f, const json_t *object, bool gone)
{
	const char *mode = tc_meta_in(object, "labels", TC_LABEL_MODE);
	bool enclave = !gone && tc_meta_in(object, "labels", TC_LABEL_ENCLAVE);

	write_lock(f->cache);
	tc_contracts_space(&f->cache->contracts, tc_meta(object, "name"), enclave, mode && strcmp(mode, "audit") == 0,
			   f->list);
	tc_cache_unlock(f->cache);
}

static bool is_owned(const json_t *object)
{
	json_t *owners = json_object_get(json_object_get(object, "metadata"), "ownerReferences"), *owner;
	size_t i;

	json_array_foreach(owners, i, owner)
	{
		if (json_is_true(json_object_get(owner, "controller")))
			return true;
	}
	return false;
}

/* The identity that an object holds; NULL: none.
 *
 * What was compiled holds its name, whoever owns it: an owner is written by anybody who may change the object, so it
 * must not take an identity away. What a controller makes of a template is not compiled: tentc annotates the object
 * that has the contract, and neither a pod template nor the jobTemplate of a CronJob, so no Pod or Job made of one is
 * annotated. A ReplicaSet is, with its Deployment's annotations, and is not watched.
 *
 * The label of a pod that has no annotation is its identity only where no controller made it: those are their
 * workload's. */
static const char *identity_of(const struct resource *r, const json_t *object, bool compiled)
{
	const char *release = r->role == ROLE_POD ? tc_meta_in(object, "labels", LABEL_RELEASE) : NULL;

	if (compiled)
		return release ? release : tc_meta(object, "name");
	return is_owned(object) ? NULL : release;
}

static void see_holder(struct feed *f, const json_t *object, bool gone)
{
	bool compiled = tc_meta_in(object, "annotations", ANNOTATION_COMPILED) != NULL;
	struct tc_holder_want want = {.kind = f->resource->kind,
				      .ns = tc_meta(object, "namespace"),
				      .name = tc_meta(object, "name"),
				      .identity = gone ? NULL : identity_of(f->resource, object, compiled),
				      .compiled = compiled,
				      .uid = tc_meta(object, "uid"),
				      .created = tc_meta(object, "creationTimestamp")};
	bool owned = !gone && is_owned(object);

	write_lock(f->cache);
	if (want.identity)
		tc_holders_put(&f->cache->holders, &want, f->list);
	/* Admission does not look at what is owned, so there the annotation can be taken off as well: that is no end of
	 * the identity either, which pods have still. */
	else if (!owned || !tc_holders_keep(&f->cache->holders, &want, f->list))
		tc_holders_remove(&f->cache->holders, want.kind, want.ns, want.name);
	tc_cache_unlock(f->cache);
}

static void (*const see[])(struct feed *f, const json_t *object, bool gone) = {
	[ROLE_NAMESPACE] = see_namespace,
	[ROLE_CONFIGMAP] = see_configmap,
	[ROLE_WORKLOAD] = see_holder,
	[ROLE_POD] = see_holder,
};

static void on_begin(void *self)
{
	struct feed *f = self;

	f->list++;
}

static void on_seen(void *self, const json_t *object)
{
	struct feed *f = self;

	see[f->resource->role](f, object, false);
}

static void on_gone(void *self, const json_t *object)
{
	struct feed *f = self;

	see[f->resource->role](f, object, true);
}

static void on_synced(void *self)
{
	struct feed *f = self;
	struct tc_cache *c = f->cache;

	write_lock(c);
	if (f->resource->role == ROLE_NAMESPACE)
		tc_contracts_spaces_listed(&c->contracts, f->list);
	else if (f->resource->role == ROLE_CONFIGMAP)
		tc_contracts_listed(&c->contracts, f->list);
	else
		tc_holders_listed(&c->holders, f->resource->kind, f->list);
	tc_cache_unlock(c);
	if (!atomic_exchange(&f->synced, true))
		tc_log(c->log, TC_LOG_INFO, "listed",
		       (struct tc_field[]){TC_LOG_TEXT("kind", tc_str(f->resource->kind))}, 1);
}

static void on_alive(void *self)
{
	struct feed *f = self;

	atomic_store(&f->alive_ms, now_ms());
	if (f->troubles)
		tc_log(f->cache->log, TC_LOG_INFO, "watched again",
		       (struct tc_field[]){TC_LOG_TEXT("kind", tc_str(f->resource->kind)),
					   TC_LOG_NUMBER("attempts", f->troubles)},
		       2);
	f->troubles = 0;
}

static void on_trouble(void *self, const struct tc_kube_error *err)
{
	struct feed *f = self;

	if (f->troubles++ % TROUBLE_EVERY != 0)
		return;
	tc_log(f->cache->log, TC_LOG_WARN, "cannot be watched now",
	       (struct tc_field[]){TC_LOG_TEXT("kind", tc_str(f->resource->kind)), TC_LOG_NUMBER("status", err->status),
				   TC_LOG_TEXT("error", tc_str(err->error.msg))},
	       3);
}

static const struct tc_watch_ops ops = {
	.begin = on_begin,
	.seen = on_seen,
	.gone = on_gone,
	.synced = on_synced,
	.alive = on_alive,
	.trouble = on_trouble,
};

/* --- its life --- */

struct tc_cache *tc_cache_new(const char *contract_key)
{
	struct tc_cache *c = tc_xalloc(sizeof(*c));
	pthread_rwlockattr_t attr;

	/* Writers first: a steady stream of reviews must not keep the news out. */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&c->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	c->contract_key = tc_xalloc(strlen(contract_key) + 1);
	memcpy(c->contract_key, contract_key, strlen(contract_key));
	for (size_t i = 0; i < RESOURCES; i++) {
		c->feeds[i].cache = c;
		c->feeds[i].resource = &resources[i];
		c->feeds[i].alive_ms = now_ms();
		c->watches[i] = (struct tc_watch){.path = resources[i].path,
						  .selector = resources[i].selector,
						  .metadata_only = !resources[i].whole,
						  .ops = &ops,
						  .self = &c->feeds[i],
						  .stop = &c->stop};
	}
	return c;
}

const struct tc_watch *tc_cache_watches(struct tc_cache *c, size_t *n)
{
	*n = RESOURCES;
	return c->watches;
}

static void *run(void *self)
{
	struct feed *f = self;

	tc_watch_run(f->cache->config, &f->cache->watches[f->resource - resources]);
	return NULL;
}

int tc_cache_start(struct tc_cache *c, const struct tc_kube_config *config, struct tc_log *log, struct tc_error *err)
{
	c->config = config;
	c->log = log;
	for (size_t i = 0; i < RESOURCES; i++) {
		int rc = pthread_create(&c->feeds[i].thread, NULL, run, &c->feeds[i]);

		if (rc != 0) {
			tc_cache_stop(c);
			return tc_fail(err, TC_E_RETRY, "cannot start a thread that watches %s: %s", resources[i].path,
				       strerror(rc));
		}
		c->feeds[i].running = true;
	}
	return 0;
}

void tc_cache_stop(struct tc_cache *c)
{
	atomic_store(&c->stop, true);
	for (size_t i = 0; i < RESOURCES; i++) {
		if (c->feeds[i].running)
			pthread_join(c->feeds[i].thread, NULL);
		c->feeds[i].running = false;
	}
}

void tc_cache_free(struct tc_cache *c)
{
	if (!c)
		return;
	tc_cache_stop(c);
	tc_contracts_clear(&c->contracts);
	tc_holders_clear(&c->holders);
	pthread_rwlock_destroy(&c->lock);
	free(c->contract_key);
	free(c);
}

/* --- what admission asks --- */

bool tc_cache_synced(const struct tc_cache *c)
{
	for (size_t i = 0; i < RESOURCES; i++) {
		if (!atomic_load(&c->feeds[i].synced))
			return false;
	}
	return true;
}

double tc_cache_age(const struct tc_cache *c)
{
	int64_t now = now_ms(), oldest = now;

	for (size_t i = 0; i < RESOURCES; i++) {
		int64_t alive = atomic_load(&c->feeds[i].alive_ms);

		if (alive < oldest)
			oldest = alive;
	}
	return (double)(now - oldest) / 1000;
}

void tc_cache_lock(struct tc_cache *c)
{
	pthread_rwlock_rdlock(&c->lock);
}

void tc_cache_unlock(struct tc_cache *c)
{
	pthread_rwlock_unlock(&c->lock);
}

size_t tc_cache_contracts(const struct tc_cache *c)
{
	struct tc_cache *locked = (struct tc_cache *)(uintptr_t)c; /* a lock is taken, nothing else changes */
	size_t n;

	tc_cache_lock(locked);
	n = c->contracts.known;
	tc_cache_unlock(locked);
	return n;
}

static bool know_configmap(void *self, const char *ns, const char *name, struct tc_str *json)
{
	const struct tc_cache *c = self;

	return tc_contracts_get(&c->contracts, ns, name, json);
}

static const char *know_tentacle(void *self, const char *ns, const char *configmap)
{
	const struct tc_cache *c = self;

	return tc_contracts_tentacle(&c->contracts, ns, configmap);
}

static bool know_contract(void *self, const char *ns, const char *tentacle, size_t nth, const char **configmap,
			  struct tc_str *json)
{
	const struct tc_cache *c = self;

	return tc_contracts_of(&c->contracts, ns, tentacle, nth, configmap, json);
}

static const char *know_holder(void *self, const char *ns, const char *name, const char **uid)
{
	const struct tc_cache *c = self;

	return tc_holders_get(&c->holders, ns, name, uid);
}

static bool know_audit(void *self, const char *ns)
{
	const struct tc_cache *c = self;

	return tc_contracts_audit(&c->contracts, ns);
}

struct tc_knowledge tc_cache_knowledge(struct tc_cache *c)
{
	return (struct tc_knowledge){
		.self = c,
		.configmap = know_configmap,
		.tentacle = know_tentacle,
		.contract = know_contract,
		.holder = know_holder,
		.audit = know_audit,
	};
}
