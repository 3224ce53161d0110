#include "webhook/request.h"

#include <time.h>

#include "compiler/tree/emit.h"

static int64_t now_seconds(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec;
}

void tc_serve_healthz(struct tc_service *s, struct tc_str body, uint64_t start_ns, struct tc_answer *a)
{
	(void)s;
	(void)body;
	(void)start_ns;
	tc_answer_line(a, 200, "ok");
}

/* Each check says NULL, or what is missing. */

static const char *check_certificate(const struct tc_service *s)
{
	int64_t from, to, now = now_seconds();

	if (!tc_serving_validity(s->conf.serving, &from, &to))
		return "there is none yet";
	return now < from ? "it is not valid yet; look at the clocks" : now >= to ? "it has expired; renew it" : NULL;
}

static const char *check_cache(const struct tc_service *s)
{
	/* A watch that is lost later is a metric: what is known stays good enough to admit. */
	return s->conf.cache && !tc_cache_synced(s->conf.cache) ? "not everything has been listed yet" : NULL;
}

static const char *check_stage(const struct tc_service *s)
{
	return s->stage_works ? NULL : "its self-test failed; the log says why";
}

static const char *check_shutdown(const struct tc_service *s)
{
	return atomic_load(&s->unready) ? "the process is about to end" : NULL;
}

static const struct {
	const char *name;
	const char *(*check)(const struct tc_service *s);
} checks[] = {
	{"certificate", check_certificate},
	{"cache", check_cache},
	{"stage", check_stage},
	{"shutdown", check_shutdown},
};

void tc_serve_readyz(struct tc_service *s, struct tc_str body, uint64_t start_ns, struct tc_answer *a)
{
	bool ready = true;

	(void)body;
	(void)start_ns;
	for (size_t i = 0; i < TC_COUNT(checks); i++) {
		const char *missing = checks[i].check(s);

		tc_buf_printf(&a->body, "[%c]%s %s%s\n", missing ? '-' : '+', checks[i].name,
			      missing ? "failed: " : "ok", missing ? missing : "");
		ready = ready && !missing;
	}
	tc_buf_printf(&a->body, "readyz check %s\n", ready ? "passed" : "failed");
	a->status = ready ? 200 : 503;
}

void tc_serve_version(struct tc_service *s, struct tc_str body, uint64_t start_ns, struct tc_answer *a)
{
	(void)body;
	(void)start_ns;
	tc_buf_puts(&a->body, "{\"version\":");
	tc_emit_json_string(&a->body, tc_str(s->conf.version ? s->conf.version : ""));
	tc_buf_puts(&a->body, ",\"config\":");
	tc_emit_json_string(&a->body, tc_str(s->conf.config_hash ? s->conf.config_hash : ""));
	tc_buf_puts(&a->body, "}\n");
	a->status = 200;
	a->type = "application/json";
}

void tc_serve_metrics(struct tc_service *s, struct tc_str body, uint64_t start_ns, struct tc_answer *a)
{
	struct tc_metrics_now now = {
		.cache_age = s->conf.cache ? tc_cache_age(s->conf.cache) : -1,
		.contracts = s->conf.cache ? tc_cache_contracts(s->conf.cache) : 0,
		.cache_synced = s->conf.cache && tc_cache_synced(s->conf.cache),
		.version = s->conf.version,
		.config_hash = s->conf.config_hash,
	};
	int64_t from;

	(void)body;
	(void)start_ns;
	(void)tc_serving_validity(s->conf.serving, &from, &now.certificate_not_after);
	tc_metrics_write(&a->body, s->conf.metrics, &now);
	a->status = 200;
	a->type = "text/plain; version=0.0.4; charset=utf-8";
}
