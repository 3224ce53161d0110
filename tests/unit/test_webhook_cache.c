#include "webhook/cache.h"

#include <pthread.h>
#include <unistd.h>

#include "compiler/transform/object.h"
#include "tests/unit/unit.h"
#include "webhook/map.h"

/* --- the watches, called as the watching threads would --- */

static struct tc_cache *cache;
static struct tc_knowledge knows;

static int set_up(void **state)
{
	(void)state;
	cache = tc_cache_new("workflow.yaml");
	knows = tc_cache_knowledge(cache);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tc_cache_free(cache);
	return 0;
}

static const struct tc_watch *watch(const char *path)
{
	size_t n;
	const struct tc_watch *w = tc_cache_watches(cache, &n);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(w[i].path, path) == 0)
			return &w[i];
	}
	fail_msg("%s is not watched", path);
	return NULL;
}

#define NAMESPACES "/api/v1/namespaces"
#define CONFIGMAPS "/api/v1/configmaps"
#define DEPLOYMENTS "/apis/apps/v1/deployments"
#define CRONJOBS "/apis/batch/v1/cronjobs"
#define PODS "/api/v1/pods"

static json_t *parse(const char *text)
{
	json_error_t err;
	json_t *j = json_loads(text, JSON_ALLOW_NUL, &err);

	if (!j)
		fail_msg("%s: %s", text, err.text);
	return j;
}

static void tell(const char *path, bool gone, const char *text)
{
	const struct tc_watch *w = watch(path);
	_cleanup_json_ json_t *object = parse(text);

	(gone ? w->ops->gone : w->ops->seen)(w->self, object);
}

static void seen(const char *path, const char *text)
{
	tell(path, false, text);
}

static void gone(const char *path, const char *text)
{
	tell(path, true, text);
}

static void begin(const char *path)
{
	watch(path)->ops->begin(watch(path)->self);
}

static void synced(const char *path)
{
	watch(path)->ops->synced(watch(path)->self);
}

#define ENCLAVE(name) "{\"metadata\":{\"name\":\"" name "\",\"labels\":{\"tentacular.io/enclave\":\"true\"}}}"
#define CONTRACT(ns, name, text)                                                          \
	"{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"" ns "\",\"uid\":\"u-" name \
	"\"},\"data\":{\"workflow.yaml\":\"" text "\"}}"
#define WORKLOAD(ns, name, uid, created)                                               \
	"{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"" ns "\",\"uid\":\"" uid \
	"\",\"creationTimestamp\":\"" created "\",\"annotations\":{\"tentacular.io/compiled\":\"0123\"}}}"

static void assert_contract(const char *ns, const char *name, const char *want)
{
	struct tc_str json = {0};
	bool known;

	tc_cache_lock(cache);
	known = knows.configmap(knows.self, ns, name, &json);
	assert_int_equal(known, want != NULL);
	if (known && want) {
		assert_int_equal(json.len, strlen(want));
		assert_memory_equal(json.s, want, json.len);
	}
	tc_cache_unlock(cache);
}

#define BRIEF(ns, name, text)                                                                                   \
	"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" name "\",\"namespace\":\"" ns \
	"\",\"uid\":\"u-" name "\",\"annotations\":{}},\"data\":{\"workflow.yaml\":\"" text "\"}}"

static void assert_holder(const char *ns, const char *name, const char *kind, const char *uid)
{
	const char *found_uid = NULL, *found;

	tc_cache_lock(cache);
	found = knows.holder(knows.self, ns, name, &found_uid);
	if (!kind)
		assert_null(found);
	else {
		assert_string_equal(found, kind);
		assert_string_equal(found_uid, uid);
	}
	tc_cache_unlock(cache);
}

static void assert_audit(const char *ns, bool want)
{
	tc_cache_lock(cache);
	assert_int_equal(knows.audit(knows.self, ns), want);
	tc_cache_unlock(cache);
}

/* --- contracts --- */

static void test_contract(void **state)
{
	(void)state;
	seen(NAMESPACES, ENCLAVE("shop"));
	assert_contract("shop", "web-code", NULL);
	seen(CONFIGMAPS, CONTRACT("shop", "web-code", "a: 1\\n"));
	assert_contract("shop", "web-code", BRIEF("shop", "web-code", "a: 1\\n"));
	assert_contract("shop", "web", NULL);
	assert_contract("sho", "p/web-code", NULL);
	assert_int_equal(tc_cache_contracts(cache), 1);
	seen(CONFIGMAPS, CONTRACT("shop", "web-code", "a: 2"));
	assert_contract("shop", "web-code", BRIEF("shop", "web-code", "a: 2"));
	assert_int_equal(tc_cache_contracts(cache), 1);
	gone(CONFIGMAPS, CONTRACT("shop", "web-code", "a: 2"));
	assert_contract("shop", "web-code", NULL);
	assert_int_equal(tc_cache_contracts(cache), 0);
	gone(CONFIGMAPS, CONTRACT("shop", "web-code", "a: 2"));
}

/* Only what the stage reads is kept. */
static void test_brief(void **state)
{
	(void)state;
	seen(NAMESPACES, ENCLAVE("shop"));
	seen(CONFIGMAPS, "{\"metadata\":{\"name\":\"c\",\"namespace\":\"shop\",\"uid\":\"u\",\"labels\":{\"a\":\"b\"},"
			 "\"annotations\":{\"other\":\"x\",\"tentacular.io/filled\":\"{}\"},\"managedFields\":[]},"
			 "\"immutable\":true,\"data\":{\"other\":\"y\",\"workflow.yaml\":\"\\\"\\u0000\\u2028\"}}");
	assert_contract(
		"shop", "c",
		"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c\",\"namespace\":\"shop\","
		"\"uid\":\"u\",\"annotations\":{\"tentacular.io/filled\":\"{}\"}},\"data\":{\"workflow.yaml\":"
		"\"\\\"\\u0000\xe2\x80\xa8\"},\"immutable\":true}");
}

static void test_without_contract(void **state)
{
	(void)state;
	seen(NAMESPACES, ENCLAVE("shop"));
	seen(CONFIGMAPS, CONTRACT("shop", "c", "a"));
	seen(CONFIGMAPS, "{\"metadata\":{\"name\":\"c\",\"namespace\":\"shop\"},\"data\":{\"other\":\"x\"}}");
	assert_contract("shop", "c", NULL);
	seen(CONFIGMAPS, CONTRACT("shop", "c", "a"));
	seen(CONFIGMAPS, "{\"metadata\":{\"name\":\"c\",\"namespace\":\"shop\"}}");
	assert_contract("shop", "c", NULL);
	seen(CONFIGMAPS, "{\"metadata\":{\"name\":\"c\",\"namespace\":\"shop\"},\"data\":{\"workflow.yaml\":3}}");
	assert_contract("shop", "c", NULL);
	seen(CONFIGMAPS, "{}");
	assert_int_equal(tc_cache_contracts(cache), 0);
}

/* Contracts and labels come from two threads, in any order. */
static void test_order(void **state)
{
	(void)state;
	seen(CONFIGMAPS, CONTRACT("shop", "c", "a"));
	assert_contract("shop", "c", NULL);
	assert_int_equal(tc_cache_contracts(cache), 0);
	seen(NAMESPACES, ENCLAVE("shop"));
	assert_contract("shop", "c", BRIEF("shop", "c", "a"));
	assert_int_equal(tc_cache_contracts(cache), 1);
	/* The label goes: the API server says so as a deletion to who selects by it. */
	gone(NAMESPACES, ENCLAVE("shop"));
	assert_contract("shop", "c", NULL);
	assert_int_equal(tc_cache_contracts(cache), 0);
	seen(NAMESPACES, ENCLAVE("shop"));
	assert_contract("shop", "c", BRIEF("shop", "c", "a"));
	seen(NAMESPACES, "{\"metadata\":{\"name\":\"shop\",\"labels\":{}}}");
	assert_contract("shop", "c", NULL);
}

/* A list says what is there: the rest is gone, but not before the list is whole. */
static void test_lists(void **state)
{
	(void)state;
	seen(NAMESPACES, ENCLAVE("shop"));
	seen(NAMESPACES, ENCLAVE("bank"));
	seen(CONFIGMAPS, CONTRACT("shop", "a", "1"));
	seen(CONFIGMAPS, CONTRACT("shop", "b", "1"));
	seen(CONFIGMAPS, CONTRACT("bank", "a", "1"));
	begin(CONFIGMAPS);
	seen(CONFIGMAPS, CONTRACT("shop", "b", "2"));
	assert_contract("shop", "a", BRIEF("shop", "a", "1"));
	begin(CONFIGMAPS); /* the first list broke off */
	seen(CONFIGMAPS, CONTRACT("bank", "a", "2"));
	synced(CONFIGMAPS);
	assert_contract("shop", "a", NULL);
	assert_contract("shop", "b", NULL);
	assert_contract("bank", "a", BRIEF("bank", "a", "2"));
	begin(NAMESPACES);
	seen(NAMESPACES, ENCLAVE("shop"));
	assert_contract("bank", "a", BRIEF("bank", "a", "2"));
	synced(NAMESPACES);
	assert_contract("bank", "a", NULL);
	begin(NAMESPACES);
	seen(NAMESPACES, ENCLAVE("bank"));
	synced(NAMESPACES);
	assert_contract("bank", "a", BRIEF("bank", "a", "2"));
	assert_int_equal(tc_cache_contracts(cache), 1);
}

static void assert_named(const char *ns, const char *tentacle, const char *want)
{
	char names[200] = "";
	const char *name;
	struct tc_str json;

	tc_cache_lock(cache);
	for (size_t nth = 0; knows.contract(knows.self, ns, tentacle, nth, &name, &json); nth++) {
		size_t len = strlen(names);

		snprintf(names + len, sizeof(names) - len, "%s ", name);
		assert_non_null(memmem(json.s, json.len, name, strlen(name)));
	}
	tc_cache_unlock(cache);
	assert_string_equal(names, want);
}

static void assert_tentacle(const char *ns, const char *configmap, const char *want)
{
	const char *found;

	tc_cache_lock(cache);
	found = knows.tentacle(knows.self, ns, configmap);
	tc_cache_unlock(cache);
	if (want)
		assert_string_equal(found ? found : "(null)", want);
	else
		assert_null(found);
}

/* By the name that the workflow gives, in the order of the ConfigMaps' own. */
static void test_named(void **state)
{
	(void)state;
	seen(NAMESPACES, ENCLAVE("shop"));
	seen(CONFIGMAPS, CONTRACT("shop", "b", "name: web\\ncontract:"));
	seen(CONFIGMAPS, CONTRACT("shop", "c", "name: web\\ncontract:"));
	seen(CONFIGMAPS, CONTRACT("shop", "a", "{name: web, contract: }"));
	seen(CONFIGMAPS, CONTRACT("shop", "d", "name: [web]\\ncontract:"));
	seen(CONFIGMAPS, CONTRACT("shop", "e", "contract: \\\"web"));
	seen(CONFIGMAPS, CONTRACT("bank", "f", "name: web\\ncontract:"));
	assert_named("shop", "web", "a b c ");
	assert_named("shop", "we", "");
	assert_tentacle("shop", "b", "web");
	assert_tentacle("shop", "a", "web");
	assert_tentacle("shop", "d", NULL);
	assert_tentacle("shop", "e", NULL);
	assert_tentacle("shop", "x", NULL);
	assert_tentacle("bank", "f", NULL);
	assert_named("bank", "web", "");
	seen(NAMESPACES, ENCLAVE("bank"));
	assert_named("bank", "web", "f ");
	assert_tentacle("bank", "f", "web");
	/* Another thing may be called workflow.yaml too. */
	seen(CONFIGMAPS, CONTRACT("shop", "g", "name: web"));
	assert_tentacle("shop", "g", "");
	seen(CONFIGMAPS, CONTRACT("shop", "b", "name: api\\ncontract:"));
	assert_named("shop", "web", "a c ");
	assert_named("shop", "api", "b ");
	gone(CONFIGMAPS, CONTRACT("shop", "a", ""));
	begin(CONFIGMAPS);
	seen(CONFIGMAPS, CONTRACT("shop", "b", "name: web\\ncontract:"));
	synced(CONFIGMAPS);
	assert_named("shop", "web", "b ");
	assert_named("shop", "api", "");
}

/* What is longer than is read at all names nobody. */
static void test_named_too_long(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	struct tc_limits limits = TC_LIMITS_REQUEST;

	(void)state;
	assert_string_equal(tc_workflow_tentacle(mem, TC_STR("name: web"), &limits), "web");
	limits.max_bytes = 8;
	assert_null(tc_workflow_tentacle(mem, TC_STR("name: web"), &limits));
}

static void test_audit(void **state)
{
	(void)state;
	assert_audit("shop", false);
	seen(NAMESPACES, "{\"metadata\":{\"name\":\"shop\",\"labels\":{\"tentacular.io/enclave\":\"\","
			 "\"tentacular.io/mode\":\"audit\"}}}");
	assert_audit("shop", true);
	assert_audit("bank", false);
	seen(NAMESPACES, "{\"metadata\":{\"name\":\"shop\",\"labels\":{\"tentacular.io/enclave\":\"\","
			 "\"tentacular.io/mode\":\"enforce\"}}}");
	assert_audit("shop", false);
	seen(NAMESPACES, "{\"metadata\":{\"name\":\"shop\",\"labels\":{\"tentacular.io/mode\":\"audit\"}}}");
	assert_audit("shop", false);
}

/* One enclave's contracts do not use up the memory of all, and one that grew too large is not known as it was. */
static void test_room(void **state)
{
	size_t size = TC_CACHE_SPACE_BYTES / 8;
	char *large = calloc(1, size + 1), *object = calloc(1, size + 300), name[24];

	(void)state;
	assert_true(large && object);
	memset(large, 'x', size);
	seen(NAMESPACES, ENCLAVE("shop"));
	seen(NAMESPACES, ENCLAVE("bank"));
	for (int i = 0; i < 12; i++) {
		snprintf(object, size + 300,
			 "{\"metadata\":{\"name\":\"c%d\",\"namespace\":\"shop\"},\"data\":{"
			 "\"workflow.yaml\":\"%s\"}}",
			 i, large);
		seen(CONFIGMAPS, object);
	}
	assert_int_equal(tc_cache_contracts(cache), 7);
	assert_contract("shop", "c7", NULL);
	seen(CONFIGMAPS, CONTRACT("bank", "c", "a"));
	assert_contract("bank", "c", BRIEF("bank", "c", "a"));
	/* Room again. */
	gone(CONFIGMAPS, "{\"metadata\":{\"name\":\"c0\",\"namespace\":\"shop\"}}");
	seen(CONFIGMAPS, object);
	assert_int_equal(tc_cache_contracts(cache), 8);
	seen(CONFIGMAPS, CONTRACT("shop", "small", "a"));
	snprintf(object, size + 300,
		 "{\"metadata\":{\"name\":\"small\",\"namespace\":\"shop\"},\"data\":{"
		 "\"workflow.yaml\":\"%s\"}}",
		 large);
	seen(CONFIGMAPS, object);
	assert_contract("shop", "small", NULL);
	/* Outside of enclaves all share one room; inside, these are not counted to it. */
	for (int i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "loose-%d", i);
		snprintf(object, size + 300,
			 "{\"metadata\":{\"name\":\"c\",\"namespace\":\"%s\"},\"data\":{"
			 "\"workflow.yaml\":\"%s\"}}",
			 name, large);
		seen(CONFIGMAPS, object);
	}
	for (int i = 0; i < 12; i++) {
		snprintf(object, size + 300,
			 "{\"metadata\":{\"name\":\"loose-%d\",\"labels\":{\"tentacular.io/enclave\":"
			 "\"\"}}}",
			 i);
		seen(NAMESPACES, object);
	}
	assert_int_equal(tc_cache_contracts(cache), 8 + 7);
	free(large);
	free(object);
}

/* --- holders --- */

static void test_holder(void **state)
{
	(void)state;
	assert_holder("shop", "web", NULL, NULL);
	seen(DEPLOYMENTS, WORKLOAD("shop", "web", "u1", "2026-01-02T00:00:00Z"));
	assert_holder("shop", "web", "Deployment", "u1");
	assert_holder("bank", "web", NULL, NULL);
	/* The oldest holds it. */
	seen(CRONJOBS, WORKLOAD("shop", "web", "u2", "2026-01-01T00:00:00Z"));
	assert_holder("shop", "web", "CronJob", "u2");
	gone(CRONJOBS, WORKLOAD("shop", "web", "u2", "2026-01-01T00:00:00Z"));
	assert_holder("shop", "web", "Deployment", "u1");
	/* Of two from one second every replica says the same. */
	seen(CRONJOBS, WORKLOAD("shop", "web", "u0", "2026-01-02T00:00:00Z"));
	assert_holder("shop", "web", "CronJob", "u0");
	seen(CRONJOBS, "{\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"u0\"}}");
	assert_holder("shop", "web", "Deployment", "u1");
	/* Deleted and made again. */
	seen(DEPLOYMENTS, WORKLOAD("shop", "web", "u3", "2026-02-01T00:00:00Z"));
	assert_holder("shop", "web", "Deployment", "u3");
	gone(DEPLOYMENTS, WORKLOAD("shop", "web", "u3", "2026-02-01T00:00:00Z"));
	assert_holder("shop", "web", NULL, NULL);
}

/* An empty hash, by which the controller asks for another pass, is ours too. */
static void test_marks(void **state)
{
	(void)state;
	seen(DEPLOYMENTS, "{\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"u\",\"annotations\":"
			  "{\"tentacular.io/compiled\":\"\"}}}");
	assert_holder("shop", "web", "Deployment", "u");
	seen(DEPLOYMENTS, "{\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"u\",\"annotations\":"
			  "{\"other\":\"\"}}}");
	assert_holder("shop", "web", NULL, NULL);
	seen(DEPLOYMENTS,
	     "{\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"u\",\"annotations\":null}}");
	assert_holder("shop", "web", NULL, NULL);
}

#define POD(name, release, owner)                                                       \
	"{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"shop\",\"uid\":\"u-" name \
	"\",\"labels\":{\"tentacular.io/release\":\"" release "\"}" owner "}}"
#define OWNER(controller) ",\"ownerReferences\":[{\"kind\":\"X\",\"controller\":" controller "}]"

static void test_pods(void **state)
{
	(void)state;
	seen(PODS, POD("web-1", "web", OWNER("true")));
	assert_holder("shop", "web", NULL, NULL);
	seen(PODS, POD("web-1", "web", OWNER("false")));
	assert_holder("shop", "web", "Pod", "u-web-1");
	assert_holder("shop", "web-1", NULL, NULL);
	seen(PODS, POD("web-1", "api", ""));
	assert_holder("shop", "web", NULL, NULL);
	assert_holder("shop", "api", "Pod", "u-web-1");
	seen(PODS, POD("web-1", "api", OWNER("true"))); /* adopted */
	assert_holder("shop", "api", NULL, NULL);
}

#define META(uid, more) "{\"metadata\":{\"name\":\"web\",\"namespace\":\"shop\",\"uid\":\"" uid "\"" more "}}"
#define COMPILED ",\"annotations\":{\"tentacular.io/compiled\":\"0123\"}"
#define LABELLED(release) ",\"labels\":{\"tentacular.io/release\":\"" release "\"}"

/* Whoever may change a workload may give it an owner: that takes no identity away, and neither does what admission does
 * not look at any more then. */
static void test_owned(void **state)
{
	(void)state;
	seen(DEPLOYMENTS, META("u1", OWNER("true")));
	assert_holder("shop", "web", NULL, NULL);
	seen(DEPLOYMENTS, META("u1", COMPILED));
	seen(DEPLOYMENTS, META("u1", COMPILED OWNER("true")));
	assert_holder("shop", "web", "Deployment", "u1");
	seen(DEPLOYMENTS, META("u1", OWNER("true")));
	assert_holder("shop", "web", "Deployment", "u1");
	begin(DEPLOYMENTS);
	seen(DEPLOYMENTS, META("u1", OWNER("true")));
	synced(DEPLOYMENTS);
	assert_holder("shop", "web", "Deployment", "u1");
	/* The contract goes: tentc takes the annotation off what nobody owns. */
	seen(DEPLOYMENTS, META("u1", ""));
	assert_holder("shop", "web", NULL, NULL);
	/* Another one of that name. */
	seen(DEPLOYMENTS, META("u1", COMPILED OWNER("true")));
	assert_holder("shop", "web", "Deployment", "u1");
	seen(DEPLOYMENTS, META("u2", OWNER("true")));
	assert_holder("shop", "web", NULL, NULL);
	seen(DEPLOYMENTS, META("u2", COMPILED OWNER("true")));
	gone(DEPLOYMENTS, META("u2", COMPILED OWNER("true")));
	assert_holder("shop", "web", NULL, NULL);
}

static void test_owned_pods(void **state)
{
	(void)state;
	seen(PODS, META("u1", COMPILED LABELLED("web")));
	seen(PODS, META("u1", COMPILED LABELLED("web") OWNER("true")));
	assert_holder("shop", "web", "Pod", "u1");
	seen(PODS, META("u1", LABELLED("web") OWNER("true")));
	assert_holder("shop", "web", "Pod", "u1");
	seen(PODS, META("u1", COMPILED OWNER("true")));
	assert_holder("shop", "web", "Pod", "u1");
	gone(PODS, META("u1", COMPILED));
	assert_holder("shop", "web", NULL, NULL);
	/* It was none of ours: then its controller's workload is who holds the name. */
	seen(PODS, META("u2", LABELLED("api")));
	assert_holder("shop", "api", "Pod", "u2");
	seen(PODS, META("u2", LABELLED("api") OWNER("true")));
	assert_holder("shop", "api", NULL, NULL);
}

/* What says nothing of what is there now makes nothing younger. */
static void test_age(void **state)
{
	struct tc_kube_error err = {0};
	size_t n;
	const struct tc_watch *w = tc_cache_watches(cache, &n);

	(void)state;
	usleep(300000);
	for (size_t i = 0; i < n; i++) {
		assert_true(tc_cache_age(cache) >= 0.3);
		if (i > 0)
			w[i].ops->alive(w[i].self);
	}
	begin(NAMESPACES);
	seen(NAMESPACES, ENCLAVE("shop"));
	w[0].ops->trouble(w[0].self, &err);
	synced(NAMESPACES);
	assert_true(tc_cache_age(cache) >= 0.3);
	w[0].ops->alive(w[0].self);
	assert_true(tc_cache_age(cache) < 0.3);
}

/* A list of one kind says nothing about the others. */
static void test_holder_lists(void **state)
{
	(void)state;
	seen(DEPLOYMENTS, WORKLOAD("shop", "web", "u1", "1"));
	seen(DEPLOYMENTS, WORKLOAD("shop", "api", "u2", "1"));
	seen(CRONJOBS, WORKLOAD("shop", "job", "u3", "1"));
	begin(DEPLOYMENTS);
	seen(DEPLOYMENTS, WORKLOAD("shop", "api", "u2", "1"));
	synced(DEPLOYMENTS);
	assert_holder("shop", "web", NULL, NULL);
	assert_holder("shop", "api", "Deployment", "u2");
	assert_holder("shop", "job", "CronJob", "u3");
}

/* Names that no object can have find nothing, whatever they do to the keys. */
static void test_strange_names(void **state)
{
	char name[1000] = {0};

	(void)state;
	memset(name, 'a', sizeof(name) - 1);
	seen(NAMESPACES, ENCLAVE("shop"));
	assert_contract("shop", name, NULL);
	assert_contract(name, "c", NULL);
	assert_contract("", "", NULL);
	assert_holder("shop", name, NULL, NULL);
	name[253] = '\0';
	assert_contract("shop", name, NULL);
}

/* --- the whole --- */

static void test_synced(void **state)
{
	size_t n;
	const struct tc_watch *w = tc_cache_watches(cache, &n);

	(void)state;
	assert_int_equal(n, 8);
	for (size_t i = 0; i < n; i++) {
		assert_false(tc_cache_synced(cache));
		begin(w[i].path);
		w[i].ops->alive(w[i].self);
		synced(w[i].path);
	}
	assert_true(tc_cache_synced(cache));
	begin(CONFIGMAPS); /* a later list takes nothing back */
	assert_true(tc_cache_synced(cache));
	assert_true(tc_cache_age(cache) >= 0 && tc_cache_age(cache) < 60);
}

static void test_watches(void **state)
{
	(void)state;
	assert_string_equal(watch(NAMESPACES)->selector, "tentacular.io/enclave");
	assert_string_equal(watch(PODS)->selector, "tentacular.io/release");
	assert_null(watch(CONFIGMAPS)->selector);
	assert_false(watch(CONFIGMAPS)->metadata_only);
	assert_true(watch(DEPLOYMENTS)->metadata_only && watch(PODS)->metadata_only &&
		    watch(NAMESPACES)->metadata_only);
}

/* --- threads: what is read between lock and unlock is whole, and stays --- */

enum { ROUNDS = 2000, READERS = 3 };
static atomic_bool ended;

static void *write_contracts(void *self)
{
	_cleanup_json_ json_t *one = parse(CONTRACT("shop", "c", "1111111111111111111111"));
	_cleanup_json_ json_t *two = parse(CONTRACT("shop", "c", "2"));
	const struct tc_watch *w = watch(CONFIGMAPS);

	(void)self;
	for (int i = 0; i < ROUNDS; i++) {
		w->ops->seen(w->self, i % 2 ? one : two);
		if (i % 10 == 0)
			w->ops->gone(w->self, one);
		if (i % 50 == 0) {
			w->ops->begin(w->self);
			w->ops->synced(w->self);
		}
		w->ops->alive(w->self);
	}
	ended = true;
	return NULL;
}

static void *write_labels(void *self)
{
	_cleanup_json_ json_t *enclave = parse(ENCLAVE("shop"));
	_cleanup_json_ json_t *workload = parse(WORKLOAD("shop", "web", "u1", "1"));
	const struct tc_watch *n = watch(NAMESPACES), *d = watch(DEPLOYMENTS);

	(void)self;
	for (int i = 0; !ended; i++) {
		(i % 3 ? n->ops->seen : n->ops->gone)(n->self, enclave);
		(i % 2 ? d->ops->seen : d->ops->gone)(d->self, workload);
	}
	return NULL;
}

static void *read_all(void *self)
{
	static const char *const wants[] = {BRIEF("shop", "c", "1111111111111111111111"), BRIEF("shop", "c", "2")};
	size_t *wrong = self;

	while (!ended) {
		struct tc_str json = {0}, again = {0};
		const char *uid = NULL;

		tc_cache_lock(cache);
		if (knows.configmap(knows.self, "shop", "c", &json)) {
			bool known = tc_str_is(json, wants[0]) || tc_str_is(json, wants[1]);

			*wrong += !known || !knows.configmap(knows.self, "shop", "c", &again) || again.s != json.s;
		}
		if (knows.holder(knows.self, "shop", "web", &uid))
			*wrong += strcmp(uid, "u1") != 0;
		(void)knows.audit(knows.self, "shop");
		tc_cache_unlock(cache);
		(void)tc_cache_contracts(cache);
		(void)tc_cache_age(cache);
		(void)tc_cache_synced(cache);
	}
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t writers[2], readers[READERS];
	size_t wrong[READERS] = {0};

	(void)state;
	ended = false;
	assert_int_equal(pthread_create(&writers[0], NULL, write_contracts, NULL), 0);
	assert_int_equal(pthread_create(&writers[1], NULL, write_labels, NULL), 0);
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_all, &wrong[i]), 0);
	for (int i = 0; i < 2; i++)
		pthread_join(writers[i], NULL);
	for (int i = 0; i < READERS; i++) {
		pthread_join(readers[i], NULL);
		assert_int_equal(wrong[i], 0);
	}
}

/* --- the map below --- */

struct entry {
	struct tc_map_item item;
	char name[16];
	bool kept;
};

static bool is_odd(const struct tc_map_item *item, void *self)
{
	(void)self;
	return (item->key.s[item->key.len - 1] - '0') % 2;
}

static void unkeep(struct tc_map_item *item, void *self)
{
	((struct entry *)item)->kept = false;
	*(size_t *)self += 1;
}

static void test_map(void **state)
{
	enum { N = 5000 };
	struct entry *entries = calloc(N, sizeof(*entries));
	struct tc_map m = {0};
	size_t dropped = 0;

	(void)state;
	assert_non_null(entries);
	assert_null(tc_map_get(&m, TC_STR("0")));
	assert_null(tc_map_take(&m, TC_STR("0")));
	for (int i = 0; i < N; i++) {
		snprintf(entries[i].name, sizeof(entries[i].name), "%d", i);
		entries[i].item.key = tc_str(entries[i].name);
		entries[i].kept = true;
		tc_map_put(&m, &entries[i].item);
	}
	for (int i = 0; i < N; i++)
		assert_ptr_equal(tc_map_get(&m, entries[i].item.key), &entries[i].item);
	assert_null(tc_map_get(&m, TC_STR("5000")));
	assert_null(tc_map_get(&m, (struct tc_str){"1\0", 2}));
	tc_map_sweep(&m, is_odd, unkeep, &dropped);
	assert_int_equal(dropped, N / 2);
	for (int i = 0; i < N; i++) {
		assert_int_equal(entries[i].kept, i % 2 == 0);
		assert_int_equal(tc_map_get(&m, entries[i].item.key) != NULL, i % 2 == 0);
	}
	assert_ptr_equal(tc_map_take(&m, TC_STR("42")), &entries[42].item);
	assert_null(tc_map_get(&m, TC_STR("42")));
	assert_int_equal(m.count, N / 2 - 1);
	tc_map_clear(&m, unkeep, &dropped);
	assert_int_equal(dropped, N - 1);
	assert_int_equal(m.count, 0);
	free(entries);
}

/* Two maps put the same names in different places: who chooses names cannot choose collisions. */
static void test_map_seed(void **state)
{
	struct entry a = {.item.key = TC_STR("web")}, b = {.item.key = TC_STR("web")};
	struct tc_map m = {0}, n = {0};
	size_t dropped = 0;

	(void)state;
	tc_map_put(&m, &a.item);
	tc_map_put(&n, &b.item);
	assert_true(a.item.hash != b.item.hash);
	tc_map_clear(&m, unkeep, &dropped);
	tc_map_clear(&n, unkeep, &dropped);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_contract),
		CASE(test_brief),
		CASE(test_without_contract),
		CASE(test_order),
		CASE(test_lists),
		CASE(test_named),
		cmocka_unit_test(test_named_too_long),
		CASE(test_audit),
		CASE(test_room),
		CASE(test_holder),
		CASE(test_marks),
		CASE(test_pods),
		CASE(test_owned),
		CASE(test_owned_pods),
		CASE(test_age),
		CASE(test_holder_lists),
		CASE(test_strange_names),
		CASE(test_synced),
		CASE(test_watches),
		CASE(test_threads),
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_map_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
