/* What the API server adds by itself makes no difference; anything else does. */
#include "tests/unit/unit.h"

#include "compiler/transform/defaults.h"
#include "compiler/tree/stream.h"

static const struct tc_node *read_json(struct tc_arena *mem, const char *text)
{
	struct tc_source *src = tc_alloc(mem, sizeof(*src));
	struct tc_diags diags = {.mem = mem};
	uint32_t begin = 0;
	const struct tc_node *n;

	*src = (struct tc_source){.name = "json", .text = tc_str(text)};
	n = tc_json_read(mem, src, &begin, (uint32_t)src->text.len, &TC_LIMITS_FILE, &diags);
	assert_non_null(n);
	return n;
}

struct row {
	const char *lean, *stored;
};

static const struct row equal[] = {
	{"{}", "{}"},
	{"{\"a\":1}", "{\"a\":1,\"b\":null}"},
	{"{\"name\":\"v\",\"secret\":{}}", "{\"name\":\"v\",\"secret\":{\"defaultMode\":420}}"},
	{"{\"projected\":{\"sources\":[{\"serviceAccountToken\":{}}]}}",
	 "{\"projected\":{\"sources\":[{\"serviceAccountToken\":{\"expirationSeconds\":3600}}],\"defaultMode\":420}}"},
	{"{\"downwardAPI\":{\"items\":[{\"fieldRef\":{\"fieldPath\":\"x\"}}]}}",
	 "{\"downwardAPI\":{\"items\":[{\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":\"x\"}}]}}"},
	{"{\"spec\":{\"volumes\":[{\"name\":\"v\"}]}}", "{\"spec\":{\"volumes\":[{\"name\":\"v\",\"emptyDir\":{}}]}}"},
	{"{\"spec\":{\"containers\":[{\"image\":\"a\"}]}}",
	 "{\"spec\":{\"containers\":[{\"image\":\"a\",\"imagePullPolicy\":\"Always\",\"resources\":{}}]}}"},
	{"{\"spec\":{\"containers\":[{\"image\":\"r:5000/a:latest\"}]}}",
	 "{\"spec\":{\"containers\":[{\"image\":\"r:5000/a:latest\",\"imagePullPolicy\":\"Always\"}]}}"},
	{"{\"spec\":{\"initContainers\":[{\"image\":\"a:1\"}]}}",
	 "{\"spec\":{\"initContainers\":[{\"image\":\"a:1\",\"imagePullPolicy\":\"IfNotPresent\"}]}}"},
	{"{\"spec\":{\"containers\":[{\"image\":\"a@sha256:0\"}]}}",
	 "{\"spec\":{\"containers\":[{\"image\":\"a@sha256:0\",\"imagePullPolicy\":\"IfNotPresent\"}]}}"},
	{"{\"spec\":{\"serviceAccountName\":\"s\"}}",
	 "{\"spec\":{\"serviceAccountName\":\"s\",\"serviceAccount\":\"s\"}}"},
	{"{\"containers\":[{\"livenessProbe\":{\"httpGet\":{\"port\":1}}}]}",
	 "{\"containers\":[{\"livenessProbe\":{\"httpGet\":{\"port\":1,\"scheme\":\"HTTP\",\"path\":\"/"
	 "\"},\"periodSeconds\":10,"
	 "\"timeoutSeconds\":1,\"successThreshold\":1,\"failureThreshold\":3}}]}"},
	{"{\"ports\":[{\"containerPort\":1}]}", "{\"ports\":[{\"containerPort\":1,\"protocol\":\"TCP\"}]}"},
	{"{\"spec\":{}}", "{\"metadata\":{\"creationTimestamp\":null,\"labels\":{}},\"spec\":{}}"},
};

static const struct row different[] = {
	{"{\"secret\":{}}", "{\"secret\":{\"defaultMode\":256}}"},
	{"{\"defaultMode\":420}", "{}"},
	{"{\"secret\":{\"defaultMode\":288}}", "{\"secret\":{\"defaultMode\":256}}"},
	{"{\"spec\":{\"containers\":[{\"image\":\"a:1\"}]}}",
	 "{\"spec\":{\"containers\":[{\"image\":\"a:1\",\"imagePullPolicy\":\"Always\"}]}}"},
	{"{\"spec\":{\"serviceAccountName\":\"s\"}}",
	 "{\"spec\":{\"serviceAccountName\":\"s\",\"serviceAccount\":\"t\"}}"},
	{"{\"spec\":{}}", "{\"spec\":{\"hostNetwork\":true}}"},
	{"{\"spec\":{}}", "{\"spec\":{\"enableServiceLinks\":false}}"},
	{"{\"spec\":{}}", "{\"metadata\":{\"labels\":{\"a\":\"\"}},\"spec\":{}}"},
	/* An egress rule's protocol is not one of a container's port: its digest stands in ledgers. */
	{"{\"ports\":[{\"port\":1}]}", "{\"ports\":[{\"port\":1,\"protocol\":\"TCP\"}]}"},
	{"{\"podSelector\":{}}", "{}"},
};

static void test_equal(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);

	(void)state;
	for (size_t i = 0; i < TC_COUNT(equal); i++) {
		const struct tc_node *lean = read_json(mem, equal[i].lean), *stored = read_json(mem, equal[i].stored);

		assert_true(tc_equal_stored(mem, lean, stored));
		assert_true(tc_equal_stored(mem, stored, lean));
		/* What has none of them is not copied. */
		assert_ptr_equal(tc_without_defaults(mem, lean), lean);
		assert_true(tc_equal(tc_without_defaults(mem, stored), lean, false));
	}
	assert_true(tc_equal_stored(mem, NULL, NULL));
	assert_false(tc_equal_stored(mem, NULL, read_json(mem, "{}")));
}

static void test_different(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);

	(void)state;
	for (size_t i = 0; i < TC_COUNT(different); i++)
		assert_false(
			tc_equal_stored(mem, read_json(mem, different[i].lean), read_json(mem, different[i].stored)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_different),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
