#include "controller/feeds.h"

#include <pthread.h>

#include "compiler/transform/admit.h"
#include "compiler/transform/object.h"
#include "controller/look.h"
#include "kube/watch.h"

/* What can be watched besides the kinds of workloads. */
enum {
	FEED_NAMESPACES = TC_WORKLOAD_KINDS,
	FEED_RECORDS,
	FEED_CONTRACTS,
	FEED_POLICIES,
	FEEDS,
};

struct feed {
	struct tc_feeds *all;
	unsigned row;
	struct tc_watch watch;
	pthread_t thread;
	bool running;
	bool troubled; /* said in the log; of its own thread */
	atomic_bool synced;
};

struct tc_feeds {
	struct tc_known *known;
	struct tc_arena *mem;
	const char *ns, *contract_key;
	const struct tc_log *log;
	const struct tc_kube_config *config;
	struct feed feeds[FEEDS];
	atomic_bool stop;
};

static const char *metadata(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(json_object_get(object, "metadata"), key));

	return text ? text : "";
}

static const char *label(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(json_object_get(json_object_get(object, "metadata"), "labels"), key));
}

/* --- one object --------------------------------------------------------------------------------------------------- */

static void on_workload(struct feed *f, const json_t *object, bool there)
{
	if (!tc_is_owned(object))
		tc_known_workload(f->all->known, f->row, metadata(object, "namespace"), metadata(object, "name"),
				  there);
}

static void on_namespace(struct feed *f, const json_t *object, bool there)
{
	tc_known_enclave(f->all->known, metadata(object, "name"), there && label(object, TC_LABEL_ENCLAVE));
}

static void on_record(struct feed *f, const json_t *object, bool there)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	struct tc_record r;
	struct tc_error err = {0};

	if (tc_record_read(&r, mem, object, &err) == 0) {
		tc_known_record(f->all->known, r.enclave, r.name, there ? &r : NULL);
		return;
	}
	tc_log(f->all->log, TC_LOG_ERROR, "record cannot be read",
	       (struct tc_field[]){TC_LOG_TEXT("name", tc_str(metadata(object, "name"))),
				   TC_LOG_TEXT("error", tc_str(err.msg))},
	       2);
}

static void on_contract(struct feed *f, const json_t *object, bool there)
{
	const char *workflow =
		json_string_value(json_object_get(json_object_get(object, "data"), f->all->contract_key));
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);

	(void)there;
	if (workflow)
		tc_known_contract(f->all->known, metadata(object, "namespace"), metadata(object, "name"),
				  tc_admit_tentacle(mem, tc_str(workflow)));
}

static void on_policy(struct feed *f, const json_t *object, bool there)
{
	const char *release = label(object, TC_LABEL_RELEASE);
	json_int_t generation = json_integer_value(json_object_get(json_object_get(object, "metadata"), "generation"));

	if (release)
		tc_known_policy(f->all->known, metadata(object, "namespace"), release, there ? generation : 0);
}

static void (*const on_object[])(struct feed *f, const json_t *object, bool there) = {
	[FEED_NAMESPACES] = on_namespace,
	[FEED_RECORDS] = on_record,
	[FEED_CONTRACTS] = on_contract,
	[FEED_POLICIES] = on_policy,
};

static void tell(struct feed *f, const json_t *object, bool there)
{
	if (f->row < TC_WORKLOAD_KINDS)
		on_workload(f, object, there);
	else
		on_object[f->row](f, object, there);
}

/* --- the watch's operations --------------------------------------------------------------------------------------- */

static void on_begin(void *self)
{
	struct feed *f = self;

	if (f->row < TC_WORKLOAD_KINDS)
		tc_known_list_begins(f->all->known, f->row);
}

static void on_seen(void *self, const json_t *object)
{
	tell(self, object, true);
}

static void on_gone(void *self, const json_t *object)
{
	tell(self, object, false);
}

static void on_synced(void *self)
{
	struct feed *f = self;

	if (f->row < TC_WORKLOAD_KINDS)
		tc_known_list_ended(f->all->known, f->row);
	f->troubled = false;
	atomic_store(&f->synced, true);
}

static void on_alive(void *self)
{
	struct feed *f = self;

	f->troubled = false;
}

static void on_trouble(void *self, const struct tc_kube_error *err)
{
	struct feed *f = self;

	if (!f->troubled)
		tc_log(f->all->log, TC_LOG_WARN, "watch",
		       (struct tc_field[]){TC_LOG_TEXT("path", tc_str(f->watch.path)),
					   TC_LOG_TEXT("error", tc_str(err->error.msg))},
		       2);
	f->troubled = true;
}

static const struct tc_watch_ops ops = {
	.begin = on_begin,
	.seen = on_seen,
	.gone = on_gone,
	.synced = on_synced,
	.alive = on_alive,
	.trouble = on_trouble,
};

/* --- all of them -------------------------------------------------------------------------------------------------- */

struct tc_feeds *tc_feeds_new(struct tc_known *known, const char *ns, const char *contract_key,
			      const struct tc_log *log)
{
	struct tc_feeds *f = calloc(1, sizeof(*f));

	if (!f)
		tc_no_memory();
	f->known = known;
	f->mem = tc_arena_new(2048);
	f->ns = ns;
	f->contract_key = contract_key;
	f->log = log;
	for (unsigned i = 0; i < FEEDS; i++) {
		const struct tc_workload_kind *kind = i < TC_WORKLOAD_KINDS ? tc_workload_kind_at(i) : NULL;

		f->feeds[i] = (struct feed){.all = f, .row = i};
		f->feeds[i].watch =
			(struct tc_watch){.metadata_only = true, .ops = &ops, .self = &f->feeds[i], .stop = &f->stop};
		if (kind)
			f->feeds[i].watch.path = tc_printf(f->mem, "%s/%s", kind->root, kind->resource);
	}
	f->feeds[FEED_NAMESPACES].watch.path = "/api/v1/namespaces";
	f->feeds[FEED_RECORDS].watch.path = tc_kube_path(f->mem, "/api/v1/namespaces/%s/configmaps", ns);
	f->feeds[FEED_RECORDS].watch.selector = TC_LABEL_RECORD;
	f->feeds[FEED_RECORDS].watch.metadata_only = false;
	f->feeds[FEED_CONTRACTS].watch.path = "/api/v1/configmaps";
	f->feeds[FEED_CONTRACTS].watch.metadata_only = false;
	f->feeds[FEED_POLICIES].watch.path = "/apis/networking.k8s.io/v1/networkpolicies";
	f->feeds[FEED_POLICIES].watch.selector = TC_LABEL_EXOSKELETON "=true";
	return f;
}

static void *run(void *arg)
{
	struct feed *f = arg;

	tc_watch_run(f->all->config, &f->watch);
	return NULL;
}

int tc_feeds_start(struct tc_feeds *f, const struct tc_kube_config *config, struct tc_error *err)
{
	f->config = config;
	for (size_t i = 0; i < FEEDS; i++) {
		int rc = pthread_create(&f->feeds[i].thread, NULL, run, &f->feeds[i]);

		if (rc != 0)
			return tc_fail(err, TC_E_RETRY, "cannot start a thread that watches %s: %s",
				       f->feeds[i].watch.path, strerror(rc));
		f->feeds[i].running = true;
	}
	return 0;
}

void tc_feeds_stop(struct tc_feeds *f)
{
	atomic_store(&f->stop, true);
	for (size_t i = 0; i < FEEDS; i++) {
		if (f->feeds[i].running)
			pthread_join(f->feeds[i].thread, NULL);
		f->feeds[i].running = false;
	}
}

void tc_feeds_free(struct tc_feeds *f)
{
	if (!f)
		return;
	tc_feeds_stop(f);
	tc_arena_free(f->mem);
	free(f);
}

bool tc_feeds_synced(const struct tc_feeds *f)
{
	for (size_t i = 0; i < FEEDS; i++)
		if (!atomic_load(&f->feeds[i].synced))
			return false;
	return true;
}
