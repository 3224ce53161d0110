#include "webhook/request.h"

#include "compiler/base/arena.h"

/* One review after another uses the same chunks; a few stay with the thread (arena.h says how many). */
enum { ARENA_CHUNK = 64 * 1024 };

/* What the stage asks of the cache. What is answered is copied, so that the lock is held for a moment only: what is
 * done with it, in which contract whatever, holds up neither the watches nor other reviews. */
struct asking {
	struct tc_cache *cache;
	struct tc_knowledge knows;
	struct tc_arena *mem;
};

static const char *copy(const struct asking *a, const char *text)
{
	return text ? tc_strdup(a->mem, text) : NULL;
}

static bool ask_configmap(void *self, const char *ns, const char *name, struct tc_str *json)
{
	const struct asking *a = self;
	bool known;

	tc_cache_lock(a->cache);
	known = a->knows.configmap(a->knows.self, ns, name, json);
	if (known)
		json->s = tc_strndup(a->mem, json->s, json->len);
	tc_cache_unlock(a->cache);
	return known;
}

static const char *ask_tentacle(void *self, const char *ns, const char *configmap)
{
	const struct asking *a = self;
	const char *tentacle;

	tc_cache_lock(a->cache);
	tentacle = copy(a, a->knows.tentacle(a->knows.self, ns, configmap));
	tc_cache_unlock(a->cache);
	return tentacle;
}

static bool ask_contract(void *self, const char *ns, const char *tentacle, size_t nth, const char **configmap,
			 struct tc_str *json)
{
	const struct asking *a = self;
	bool known;

	tc_cache_lock(a->cache);
	known = a->knows.contract(a->knows.self, ns, tentacle, nth, configmap, json);
	if (known)
		*configmap = copy(a, *configmap);
	if (known && json)
		json->s = tc_strndup(a->mem, json->s, json->len);
	tc_cache_unlock(a->cache);
	return known;
}

static const char *ask_holder(void *self, const char *ns, const char *name, const char **uid)
{
	const struct asking *a = self;
	const char *kind;

	tc_cache_lock(a->cache);
	kind = a->knows.holder(a->knows.self, ns, name, uid); /* a constant */
	if (kind)
		*uid = copy(a, *uid);
	tc_cache_unlock(a->cache);
	return kind;
}

static bool ask_audit(void *self, const char *ns)
{
	const struct asking *a = self;
	bool audit;

	tc_cache_lock(a->cache);
	audit = a->knows.audit(a->knows.self, ns);
	tc_cache_unlock(a->cache);
	return audit;
}

static int run_stage(const struct tc_server_conf *conf, struct tc_buf *answer, struct tc_arena *mem, struct tc_str body,
		     struct tc_admitted *admitted, struct tc_error *err)
{
	struct tc_source source = {.name = "review", .text = body};
	struct asking a = {.cache = conf->cache, .mem = mem};
	const struct tc_knowledge asks = {
		.self = &a,
		.configmap = ask_configmap,
		.tentacle = ask_tentacle,
		.contract = ask_contract,
		.holder = ask_holder,
		.audit = ask_audit,
	};
	struct tc_admit how = conf->admit;

	how.knowledge = NULL;
	if (a.cache) {
		a.knows = tc_cache_knowledge(a.cache);
		how.knowledge = &asks;
	}
	return tc_admit(answer, mem, &source, &how, admitted, err);
}

static const struct {
	enum tc_metrics_result result;
	const char *name;
} verdicts[] = {
	[TC_VERDICT_UNTOUCHED] = {TC_RESULT_UNTOUCHED, "untouched"},
	[TC_VERDICT_PATCHED] = {TC_RESULT_PATCHED, "patched"},
	[TC_VERDICT_DENIED] = {TC_RESULT_DENIED, "denied"},
	[TC_VERDICT_INVALID] = {TC_RESULT_INVALID, "invalid"},
};

static void log_decision(const struct tc_server_conf *conf, const struct tc_admitted *a, uint64_t ns)
{
	struct tc_field fields[16];
	size_t n = 0;

	fields[n++] = TC_LOG_TEXT("ns", a->ns);
	fields[n++] = TC_LOG_TEXT("kind", a->kind);
	fields[n++] = TC_LOG_TEXT("name", a->name);
	fields[n++] = TC_LOG_TEXT("operation", a->operation);
	fields[n++] = TC_LOG_TEXT("uid", a->uid);
	fields[n++] = TC_LOG_TEXT("user", a->user);
	fields[n++] = TC_LOG_TEXT("verdict", tc_str(verdicts[a->verdict].name));
	if (a->why && a->why[0])
		fields[n++] = TC_LOG_TEXT("why", tc_str(a->why));
	fields[n++] = TC_LOG_NUMBER("ops", a->operations);
	fields[n++] = TC_LOG_NUMBER("warnings", a->warnings);
	fields[n++] = TC_LOG_NUMBER("errors", a->errors);
	if (a->dry_run)
		fields[n++] = TC_LOG_BOOL("dry_run", true);
	if (a->audit)
		fields[n++] = TC_LOG_BOOL("audit", true);
	fields[n++] = TC_LOG_NUMBER("us", ns / 1000);
	tc_log(conf->log, TC_LOG_INFO, "reviewed", fields, n);
}

static struct tc_arena *arena_of_thread(struct tc_service *s)
{
	struct tc_arena *mem = pthread_getspecific(s->arena);

	if (!mem) {
		mem = tc_arena_new(ARENA_CHUNK);
		pthread_setspecific(s->arena, mem);
	}
	return mem;
}

static void fail(const struct tc_server_conf *conf, struct tc_answer *a, const struct tc_error *err)
{
	struct tc_field why = TC_LOG_TEXT("error", tc_str(err->msg));

	tc_buf_free(&a->body);
	atomic_fetch_add_explicit(&conf->metrics->requests[TC_RESULT_ERROR], 1, memory_order_relaxed);
	tc_log(conf->log, TC_LOG_ERROR, "the stage failed", &why, 1);
	tc_answer_line(a, 500, "the stage failed, which is a mistake in tentc; its log says more");
}

void tc_serve_mutate(struct tc_service *s, struct tc_str body, uint64_t start_ns, struct tc_answer *a)
{
	const struct tc_server_conf *conf = &s->conf;
	struct tc_arena *mem = arena_of_thread(s);
	struct tc_arena_mark mark = tc_arena_mark(mem);
	struct tc_admitted admitted = {0};
	struct tc_error err = {0};
	uint64_t from = tc_now_ns(), to;
	int rc = run_stage(conf, &a->body, mem, body, &admitted, &err);

	to = tc_now_ns();
	if (rc < 0) {
		fail(conf, a, &err);
		tc_arena_rewind(mem, mark);
		return;
	}
	tc_histogram_add(&conf->metrics->stage, to - from);
	tc_histogram_add(&conf->metrics->request, to - start_ns);
	atomic_fetch_add_explicit(&conf->metrics->requests[verdicts[admitted.verdict].result], 1, memory_order_relaxed);
	a->status = admitted.verdict == TC_VERDICT_INVALID ? 400 : 200;
	if (a->status == 200)
		a->type = "application/json";
	else if (a->body.len && a->body.p[a->body.len - 1] != '\n')
		tc_buf_putc(&a->body, '\n');
	if (admitted.verdict == TC_VERDICT_INVALID)
		tc_refusals_log(&s->refusals, conf->log, to, a->status, tc_buf_str(&a->body));
	else
		log_decision(conf, &admitted, to - start_ns);
	tc_arena_rewind(mem, mark);
}

/* A contract without dependencies: valid under any configuration, and enough to be marked. */
static const char self_test[] =
	"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"self-test\","
	"\"kind\":{\"group\":\"apps\",\"version\":\"v1\",\"kind\":\"Deployment\"},"
	"\"resource\":{\"group\":\"apps\",\"version\":\"v1\",\"resource\":\"deployments\"},"
	"\"name\":\"self-test\",\"namespace\":\"self-test\",\"operation\":\"CREATE\",\"dryRun\":true,"
	"\"userInfo\":{\"username\":\"tentc\"},\"object\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\","
	"\"metadata\":{\"name\":\"self-test\",\"namespace\":\"self-test\",\"annotations\":"
	"{\"tentacular.io/contract\":\"version: \\\"1\\\"\\ndependencies: {}\\n\"}},"
	"\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"t\"}},\"template\":{\"metadata\":{\"labels\":{\"app\":"
	"\"t\"}},"
	"\"spec\":{\"containers\":[{\"name\":\"t\",\"image\":\"t\"}]}}}}}}";

bool tc_mutate_works(const struct tc_server_conf *conf, struct tc_error *err)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(ARENA_CHUNK);
	struct tc_server_conf bare = *conf;
	_cleanup_buf_ struct tc_buf answer = {0};
	struct tc_admitted admitted = {0};

	bare.cache = NULL;
	if (run_stage(&bare, &answer, mem, TC_STR(self_test), &admitted, err) < 0)
		return false;
	if (admitted.verdict == TC_VERDICT_PATCHED || admitted.audit)
		return true;
	tc_fail(err, TC_E_BUG, "a review that must be patched was %s: %.*s", verdicts[admitted.verdict].name,
		(int)(answer.len < 300 ? answer.len : 300), answer.p ? answer.p : "");
	return false;
}
