#include "kube/status.h"

#include <time.h>

#include "compiler/base/arena.h"
#include "kube/client.h"
#include "kube/clock.h"
#include "unit.h"

struct refusal {
	int status;
	const char *body; /* beginning with '{': said to be JSON */
	const char *method, *path;
	enum tc_code code;
	const char *reason, *message;
};

static void check_refusal(const struct refusal *c)
{
	struct tc_answer a = {.status = c->status, .json = c->body[0] == '{'};
	struct tc_kube_error err = {0};

	tc_buf_puts(&a.body, c->body);
	assert_int_equal(tc_kube_check(&a, c->method, c->path, &err), -1);
	assert_string_equal(err.error.msg, c->message);
	assert_string_equal(err.reason, c->reason);
	assert_int_equal(err.error.code, c->code);
	assert_int_equal(err.status, c->status);
	tc_answer_free(&a);
}

#define CANNOT "User \\\"bob\\\" cannot do that"
#define RBAC "{\"reason\":\"Forbidden\",\"message\":\"" CANNOT "\"}"
#define SAID ": 403 Forbidden: User \"bob\" cannot do that; grant it "

static void test_refusals(void **state)
{
	static const struct refusal cases[] = {
		{404, "{\"reason\":\"NotFound\",\"message\":\"pods \\\"x\\\" not found\"}", "GET",
		 "/api/v1/namespaces/a/pods/x?watch=0", TC_E_REJECTED, "NotFound",
		 "GET /api/v1/namespaces/a/pods/x: 404 Not Found: pods \"x\" not found"},
		{404, "404 page not found\n", "GET", "/apis/x.y/v1/zs", TC_E_REJECTED, "",
		 "GET /apis/x.y/v1/zs: 404 Not Found: 404 page not found; this API is not served there: is its "
		 "CustomResourceDefinition installed?"},
		{401, "{\"reason\":\"Unauthorized\",\"message\":\"Unauthorized\"}", "GET", "/api", TC_E_USAGE,
		 "Unauthorized",
		 "GET /api: 401 Unauthorized: Unauthorized; the token or certificate is unknown there or has expired"},
		{409, "{\"reason\":\"Conflict\"}", "PUT", "/x", TC_E_REJECTED, "Conflict", "PUT /x: 409 Conflict"},
		{410, "{\"reason\":\"Expired\"}", "GET", "/x", TC_E_REJECTED, "Expired", "GET /x: 410 Gone"},
		{422, "{\"reason\":\"Invalid\"}", "POST", "/x", TC_E_REJECTED, "Invalid",
		 "POST /x: 422 Unprocessable Entity"},
		{429, "{}", "GET", "/x", TC_E_RETRY, "", "GET /x: 429 Too Many Requests"},
		{500, "{\"message\":\"failed calling webhook\"}", "POST", "/x", TC_E_RETRY, "",
		 "POST /x: 500 Internal Server Error: failed calling webhook"},
		{500, "{\"message\":\"failed to create typed patch object (a/b): .x: field not declared in schema\"}",
		 "PATCH", "/x", TC_E_REJECTED, "",
		 "PATCH /x: 500 Internal Server Error: failed to create typed patch object (a/b): .x: field not "
		 "declared "
		 "in schema"},
		{503, "", "GET", "/x", TC_E_RETRY, "", "GET /x: 503 Service Unavailable"},
		{599, "", "GET", "/x", TC_E_RETRY, "", "GET /x: 599"},
		{302, "<html>\n<a>", "GET", "/x", TC_E_USAGE, "",
		 "GET /x: 302: <html>; \"server\" is not an API server's address"},
		/* Nothing of a Status has to be what it should be. */
		{400, "{\"reason\":1,\"message\":[],\"details\":7,\"code\":\"x\"}", "GET", "/x", TC_E_BUG, "",
		 "GET /x: 400 Bad Request"},
		{400, "{\"message\":\"a\\u0001b\\nc\\u001b[31m\"}", "GET", "/x", TC_E_BUG, "",
		 "GET /x: 400 Bad Request: a?b c?[31m"},
		{403, "{\"reason\":\"Forbidden\",\"message\":\"pods \\\"x\\\" is forbidden: violates PodSecurity\"}",
		 "POST", "/api/v1/namespaces/a/pods", TC_E_USAGE, "Forbidden",
		 "POST /api/v1/namespaces/a/pods: 403 Forbidden: pods \"x\" is forbidden: violates PodSecurity"},
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(cases); i++)
		check_refusal(&cases[i]);
}

/* What has to be granted is named as a rule of a Role would. */
static void test_permissions(void **state)
{
	static const struct refusal cases[] = {
		{403, RBAC, "GET", "/api/v1/configmaps?limit=500", TC_E_USAGE, "Forbidden",
		 "GET /api/v1/configmaps" SAID "\"list\" on configmaps in a ClusterRole"},
		{403, RBAC, "GET", "/api/v1/configmaps?watch=1&x=y", TC_E_USAGE, "Forbidden",
		 "GET /api/v1/configmaps" SAID "\"watch\" on configmaps in a ClusterRole"},
		{403, RBAC, "GET", "/api/v1/namespaces/shop", TC_E_USAGE, "Forbidden",
		 "GET /api/v1/namespaces/shop" SAID "\"get\" on namespaces in a ClusterRole"},
		{403, RBAC, "DELETE", "/api/v1/namespaces/shop/secrets/x", TC_E_USAGE, "Forbidden",
		 "DELETE /api/v1/namespaces/shop/secrets/x" SAID "\"delete\" on secrets in a Role of namespace shop"},
		{403, RBAC, "PATCH", "/apis/apps/v1/namespaces/shop/deployments/x/scale", TC_E_USAGE, "Forbidden",
		 "PATCH /apis/apps/v1/namespaces/shop/deployments/x/scale" SAID
		 "\"patch\" on deployments/scale.apps in a Role of namespace shop"},
		{403, RBAC, "POST", "/apis/coordination.k8s.io/v1/namespaces/s/leases", TC_E_USAGE, "Forbidden",
		 "POST /apis/coordination.k8s.io/v1/namespaces/s/leases" SAID
		 "\"create\" on leases.coordination.k8s.io in a Role of namespace s"},
		{403, RBAC, "GET", "/metrics", TC_E_USAGE, "Forbidden",
		 "GET /metrics: 403 Forbidden: User \"bob\" cannot do that"},
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(cases); i++)
		check_refusal(&cases[i]);
}

static void test_retry_after(void **state)
{
	struct tc_answer a = {.status = 429, .json = true};
	struct tc_kube_error err = {0};

	(void)state;
	tc_buf_puts(&a.body, "{\"details\":{\"retryAfterSeconds\":7}}");
	tc_kube_check(&a, "GET", "/x", &err);
	assert_int_equal(err.retry_after, 7);
	assert_true(tc_kube_may_retry(&err));
	/* The header is the nearer word. */
	a.retry_after = 3;
	tc_kube_check(&a, "GET", "/x", &err);
	assert_int_equal(err.retry_after, 3);
	tc_answer_free(&a);
}

/* A very long message leaves room for what to do. */
static void test_long_message(void **state)
{
	struct tc_answer a = {.status = 404, .json = false};
	struct tc_kube_error err = {0};
	const char help[] = "is its CustomResourceDefinition installed?";

	(void)state;
	tc_buf_fill(&a.body, 'x', 100000);
	tc_kube_check(&a, "GET", "/x", &err);
	assert_string_equal(err.error.msg + strlen(err.error.msg) - strlen(help), help);
	tc_answer_free(&a);
}

static void test_parse(void **state)
{
	static const struct {
		const char *text, *message; /* NULL: good */
	} cases[] = {
		{"{\"a\":\"x\\u0000y\"}", NULL},
		{"{\"a\":", "GET /x: the answer is no JSON object: it ends too early"},
		{"", "GET /x: the answer is no JSON object: it ends too early"},
		{"secret", "GET /x: the answer is no JSON object"},
		{"[1]", "GET /x: the answer is no JSON object"},
		{"{\"a\":1e999999}", "GET /x: the answer is no JSON object"},
	};
	struct tc_buf deep = {0};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(cases); i++) {
		struct tc_kube_error err = {0};
		json_t *j = tc_kube_parse(cases[i].text, strlen(cases[i].text), "GET", "/x?y", &err);

		assert_string_equal(err.error.msg, cases[i].message ? cases[i].message : "");
		assert_int_equal(j != NULL, cases[i].message == NULL);
		json_decref(j);
	}
	for (size_t i = 0; i < 1000000; i++)
		tc_buf_puts(&deep, "{\"a\":");
	assert_null(tc_kube_parse(deep.p, deep.len, "GET", "/x", &(struct tc_kube_error){0}));
	tc_buf_free(&deep);
}

static void test_path(void **state)
{
	struct tc_arena *mem = tc_arena_new(1024);

	(void)state;
	assert_string_equal(tc_kube_path(mem, "/api/v1/namespaces/%s/pods/%s", "a", "b.c-d_e~"),
			    "/api/v1/namespaces/a/pods/b.c-d_e~");
	assert_string_equal(tc_kube_path(mem, "/x/%s", "../a?b&c=%41 \xc3\xa4\n"),
			    "/x/..%2Fa%3Fb%26c%3D%2541%20%C3%A4%0A");
	assert_string_equal(tc_kube_path(mem, "%s", ""), "");
	tc_arena_free(mem);
}

static void test_time(void **state)
{
	static const struct {
		const char *text;
		int64_t want;
	} cases[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"2026-11-24T11:00:00Z", 1795518000},
		{"2026-11-24T11:00:00.123456Z", 1795518000},
		{"2026-11-24T12:30:00+01:30", 1795518000},
		{"2026-11-24T09:00:00-02:00", 1795518000},
		{"2026-11-24 11:00:00Z", -1},
		{"2026-11-24T11:00:00", -1},
		{"2026-11-24T11:00:00Zx", -1},
		{"2026-11-24T11:00:00+1", -1},
		{"", -1},
		{"0000000000000000000000000000000000000000000000", -1},
	};
	char now[TC_MICRO_TIME];
	int64_t read;

	(void)state;
	for (size_t i = 0; i < TC_COUNT(cases); i++)
		assert_int_equal(tc_time_parse(tc_str(cases[i].text)), cases[i].want);
	tc_micro_time(now);
	assert_int_equal(strlen(now), strlen("2026-11-24T11:00:00.123456Z"));
	read = tc_time_parse(tc_str(now));
	assert_in_range(time(NULL) - read, 0, 5);
}

static void test_jitter(void **state)
{
	bool differs = false;
	int64_t first = tc_jitter(1000000);

	(void)state;
	for (int i = 0; i < 100; i++) {
		int64_t n = tc_jitter(1000000);

		assert_in_range(n, 500000, 1000000);
		differs |= n != first;
	}
	assert_true(differs);
	assert_in_range(tc_jitter(1), 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),    cmocka_unit_test(test_permissions),
		cmocka_unit_test(test_retry_after), cmocka_unit_test(test_long_message),
		cmocka_unit_test(test_parse),       cmocka_unit_test(test_path),
		cmocka_unit_test(test_time),        cmocka_unit_test(test_jitter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
