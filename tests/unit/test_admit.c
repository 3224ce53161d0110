/* What a review may look like, and whole answers. */
#include "tests/unit/admit.h"

#define WEB(annotations)                                                                           \
	"{\"apiVersion\":\"apps/"                                                                  \
	"v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\",\"annotations\":" annotations \
	"},\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"web\"}]}}}}"
#define CONTRACT(text) "{\"tentacular.io/contract\":\"" text "\"}"

/* What a contract without dependencies adds. */
#define PATCH_TINY                                                                                         \
	"[{\"op\":\"add\",\"path\":\"/metadata/annotations/tentacular.io~1compiled\",\"value\":\"HASH\"}," \
	"{\"op\":\"add\",\"path\":\"/metadata/annotations/tentacular.io~1level\",\"value\":\"1\"},"        \
	"{\"op\":\"add\",\"path\":\"/metadata/annotations/tentacular.io~1filled\",\"value\":\"{"           \
	"\\\"/spec/template/metadata/labels/tentacular.io~1exoskeleton\\\":\\\"true\\\","                  \
	"\\\"/spec/template/metadata/labels/tentacular.io~1release\\\":\\\"web\\\"}\"},"                   \
	"{\"op\":\"add\",\"path\":\"/spec/template/metadata\",\"value\":{\"labels\":{"                     \
	"\"tentacular.io/exoskeleton\":\"true\",\"tentacular.io/release\":\"web\"}}}]"

static void test_patched(void **state)
{
	_cleanup_world_ struct world w;
	const char *base64;

	(void)state;
	world_make(&w);
	ask(&w, "CREATE", WEB(CONTRACT("dependencies: {}")), NULL);
	assert_string_equal(w.patch, PATCH_TINY);
	base64 = strstr(w.answer, "\"patch\":\"") + strlen("\"patch\":\"");
	assert_string_equal(tc_printf(w.mem, "%.*s<base64>%s", (int)(base64 - w.answer), w.answer, strchr(base64, '"')),
			    ANSWER_HEAD
			    "\"allowed\":true,\"patchType\":\"JSONPatch\",\"patch\":\"<base64>\",\"auditAnnotations\":{"
			    "\"services\":\"\",\"level\":\"1\",\"hash\":\"HASH\"}}}\n");
	assert_int_equal(w.admitted.verdict, TC_VERDICT_PATCHED);
	assert_int_equal(w.admitted.operations, 4);
	assert_int_equal(w.admitted.warnings, 0);
	assert_string_equal(w.admitted.why, "");
	assert_true(tc_str_is(w.admitted.uid, "u-1") && tc_str_is(w.admitted.ns, "shop") &&
		    tc_str_is(w.admitted.kind, "Deployment") && tc_str_is(w.admitted.name, "web") &&
		    tc_str_is(w.admitted.operation, "CREATE") && tc_str_is(w.admitted.user, "dev"));
}

static void test_services_in_the_audit(void **state)
{
	_cleanup_world_ struct world w;

	(void)state;
	world_make(&w);
	ask(&w, "CREATE",
	    WEB(CONTRACT("dependencies: {tentacular-nats: , gh: {protocol: https, host: a.example}, "
			 "tentacular-postgres: }")),
	    NULL);
	assert_non_null(strstr(w.answer, ",\"auditAnnotations\":{\"services\":\"nats,postgres\",\"level\":\"1\","
					 "\"hash\":\"HASH\"}}}\n"));
}

static void test_dry_run_is_the_same(void **state)
{
	_cleanup_world_ struct world w;
	const char *wet;

	(void)state;
	world_make(&w);
	wet = ask(&w, "CREATE", WEB(CONTRACT("dependencies: {tentacular-postgres: }")), NULL);
	assert_false(w.admitted.dry_run);
	w.dry_run = true;
	assert_string_equal(ask(&w, "CREATE", WEB(CONTRACT("dependencies: {tentacular-postgres: }")), NULL), wet);
	assert_true(w.admitted.dry_run);
}

/* The hash of a configuration is computed once by who asks often. */
static void test_hash_at_hand(void **state)
{
	static const char text[] = REVIEW_HEAD "{\"uid\":\"u-1\",\"operation\":\"CREATE\",\"namespace\":\"shop\","
					       "\"object\":" WEB(CONTRACT("dependencies: {}")) "}}";
	const struct tc_source src = {.name = "r", .text = TC_STR(text)};
	_cleanup_world_ struct world w;
	_cleanup_buf_ struct tc_buf with = {0};
	_cleanup_buf_ struct tc_buf without = {0};
	struct tc_error err = {0};

	(void)state;
	world_make(&w);
	struct tc_admit how = {.config = w.config, .limits = &w.limits};
	assert_int_equal(tc_admit(&without, w.mem, &src, &how, &w.admitted, &err), 0);
	how.config_hash = tc_config_hash(w.mem, w.config);
	assert_int_equal(strlen(how.config_hash), 64);
	assert_int_equal(tc_admit(&with, w.mem, &src, &how, &w.admitted, &err), 0);
	assert_string_equal(with.p, without.p);
	how.config_hash = "another";
	tc_buf_clear(&with);
	assert_int_equal(tc_admit(&with, w.mem, &src, &how, &w.admitted, &err), 0);
	assert_string_not_equal(with.p, without.p);
}

static void test_denied(void **state)
{
	_cleanup_world_ struct world w;

	(void)state;
	world_make(&w);
	ask(&w, "CREATE", WEB(CONTRACT("dependencies:\\n  tentacular-nat:\\n  gh: {protocol: https, port: x}\\n")),
	    NULL);
	assert_string_equal(
		w.answer, ANSWER_HEAD
		"\"allowed\":false,\"status\":{\"status\":\"Failure\",\"message\":\""
		"Deployment/web: tentacular.io/contract:2:3: error: unknown dependency \\\"tentacular-nat\\\" "
		"[TC110]\\n"
		"   2 |   tentacular-nat:\\n"
		"     |   ^\\n"
		"  help: did you mean \\\"tentacular-nats\\\"?\\n"
		"Deployment/web: tentacular.io/contract:3:18: error: a dependency with protocol \\\"https\\\" needs a "
		"host [TC157]\\n"
		"   3 |   gh: {protocol: https, port: x}\\n"
		"     |                  ^\\n"
		"  help: add host:, or type: dynamic-target with cidr: and "
		"dynPorts:\",\"reason\":\"Invalid\",\"code\":422}}}\n");
	assert_int_equal(w.admitted.verdict, TC_VERDICT_DENIED);
	assert_int_equal(w.admitted.errors, 2);
	assert_string_equal(w.patch, "");
}

/* What stands in the object has a JSON Pointer, and no line: nobody has seen the review's text. */
static void test_pointers(void **state)
{
	_cleanup_world_ struct world w;

	(void)state;
	world_make(&w);
	ask(&w, "CREATE",
	    "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\",\"annotations\":"
	    "{\"tentacular.io/contract\":\"dependencies: {tentacular-postgres: }\"}},"
	    "\"spec\":{\"template\":{\"metadata\":{\"labels\":{\"tentacular.io/release\":\"shop\"}},\"spec\":{"
	    "\"volumes\":[{\"name\":\"a/"
	    "b\"},{\"name\":\"tentacular-exoskeleton\"}],\"containers\":[{\"name\":\"web\"}]}}}}",
	    NULL);
	assert_string_equal(
		denial(&w),
		"Deployment/web: /spec/template/metadata/labels/tentacular.io~1release: error: the pod label "
		"tentacular.io/release is \"shop\", \"web\" was expected [TC255]\n"
		"  help: remove the label: it is tentc's, and tells whose pods these are\n"
		"Deployment/web: /spec/template/spec/volumes/1: error: the volume \"tentacular-exoskeleton\" of the "
		"pod is "
		"not tentc's, but has a name that tentc uses [TC250]\n"
		"  help: rename it, or remove it: tentc adds its own");
	ask(&w, "CREATE", WEB("{\"tentacular.io/contract\":\"{}\",\"tentacular.io/credential-epoch\":\"x\"}"), NULL);
	assert_string_equal(denial(&w),
			    "Deployment/web: /metadata/annotations/tentacular.io~1credential-epoch: error: "
			    "tentacular.io/credential-epoch is \"x\", a whole number in quotes was expected [TC211]\n"
			    "  help: write it as `tentacular.io/credential-epoch: \"1\"`");
}

static void test_untouched(void **state)
{
	_cleanup_world_ struct world w;

	(void)state;
	world_make(&w);
	assert_string_equal(ask(&w, "CREATE", WEB("null"), NULL), ALLOWED);
	assert_int_equal(w.admitted.verdict, TC_VERDICT_UNTOUCHED);
	assert_string_equal(w.admitted.why, "no contract");
	/* Nothing is known at all. */
	struct tc_admit how = {.config = w.config, .limits = &w.limits};
	const struct tc_source src = {.name = "r",
				      .text = tc_str(REVIEW_HEAD "{\"uid\":\"u-1\",\"operation\":\"CREATE\","
								 "\"namespace\":\"shop\",\"object\":" WEB("{}") "}}")};
	_cleanup_buf_ struct tc_buf answer = {0};
	struct tc_error err = {0};

	assert_int_equal(tc_admit(&answer, w.mem, &src, &how, &w.admitted, &err), 0);
	assert_string_equal(answer.p, ALLOWED);
}

static void test_invalid(void **state)
{
	static const char *const rows[][2] = {
		{"", "1:1: found the end of the text, expected a value; an AdmissionReview as JSON was expected\n"},
		{"[]", "1:1: found a list, expected an AdmissionReview\n"},
		{"{\n  \"kind\": \"AdmissionReview\"\n}",
		 "1:1: found nothing as apiVersion, expected \"admission.k8s.io/v1\"\n"},
		{"{\"kind\": \"Pod\"}", "1:10: found \"Pod\" as kind, expected \"AdmissionReview\"\n"},
		{"{\"kind\": \"AdmissionReview\", \"apiVersion\": \"admission.k8s.io/v1beta1\"}",
		 "1:43: found \"admission.k8s.io/v1beta1\" as apiVersion, expected \"admission.k8s.io/v1\"\n"},
		{"{\"kind\": \"AdmissionReview\", \"apiVersion\": \"admission.k8s.io/v1\"}",
		 "1:1: found nothing as request, expected a mapping\n"},
		{REVIEW_HEAD "[]}", "1:72: found a list as request, expected a mapping\n"},
		{REVIEW_HEAD "{}}", "1:72: found nothing as request.uid, expected a text\n"},
		{REVIEW_HEAD "{\"uid\": \"\"}}", "1:80: found \"\" as request.uid, expected a text\n"},
		{REVIEW_HEAD "{\"uid\": 7}}", "1:80: found an integer as request.uid, expected a text\n"},
		{REVIEW_HEAD "{\"uid\": \"u\"}}", "1:72: found nothing as request.operation, expected a text\n"},
		{REVIEW_HEAD "{\"uid\": \"u\", \"operation\": \"CREATE\"}}",
		 "1:72: found nothing as request.object, expected a mapping\n"},
		{REVIEW_HEAD "{\"uid\": \"u\", \"operation\": \"UPDATE\", \"object\": null}}",
		 "1:118: found null as request.object, expected a mapping\n"},
		{REVIEW_HEAD "{\"uid\": \"u\", \"operation\": \"CREATE\", \"object\": {\"kind\": \"Pod\", "
			     "\"apiVersion\": \"v1\"}}}",
		 "1:118: found nothing as metadata of the object, expected a mapping\n"},
		{REVIEW_HEAD "{\"uid\": \"u\", \"operation\": \"CREATE\", \"object\": {\"kind\": \"Pod\", "
			     "\"apiVersion\": \"v1\", \"metadata\": null}}}",
		 "1:166: found null as metadata of the object, expected a mapping\n"},
		{REVIEW_HEAD "{\"uid\": \"u\", \"operation\": \"CREATE\", \"object\": {\"kind\": \"Pod\", "
			     "\"apiVersion\": \"v1\", \"metadata\": {}}}}",
		 "1:72: found no request.namespace, expected the namespace of the Pod\n"},
		{REVIEW_HEAD
		 "{\"uid\": \"u\", \"operation\": \"CREATE\", \"namespace\": \"a\", \"object\": {\"kind\": \"Pod\", "
		 "\"apiVersion\": \"v1\", \"metadata\": {\"namespace\": \"b\"}}}}",
		 "1:198: found \"b\" as metadata.namespace, expected request.namespace, \"a\"\n"},
		{REVIEW_HEAD "{\"uid\": \"u\"\n, \"uid\": \"v\"}}",
		 "2:3: key \"uid\" is there twice; an AdmissionReview as JSON was expected\n"},
		{REVIEW_HEAD "{\"uid\": \"u\" \"v\"}}",
		 "1:84: found \"\\\"\", expected a comma or }; an AdmissionReview as JSON was expected\n"},
		{REVIEW_HEAD "{\"uid\": \"u\", \"operation\": \"CONNECT\"}}}",
		 "1:109: found more text behind the AdmissionReview, expected its end\n"},
		{REVIEW_HEAD "{\"uid\": \"\xff\"}}",
		 "1:81: found a byte that is not UTF-8, expected an AdmissionReview as JSON\n"},
		{REVIEW_HEAD "{\"uid\": \"0123456789\xc3\"}}",
		 "1:91: found a byte that is not UTF-8, expected an AdmissionReview as JSON\n"},
		{"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
		 "1:65: collections are nested more than 64 deep; an AdmissionReview as JSON was expected\n"},
	};
	_cleanup_world_ struct world w;

	(void)state;
	world_make(&w);
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		ask_text(&w, rows[i][0]);
		assert_string_equal(w.answer, rows[i][1]);
		assert_int_equal(w.admitted.verdict, TC_VERDICT_INVALID);
	}
	w.limits.max_bytes = 10;
	assert_string_equal(ask_text(&w, "           "),
			    "1:1: found 11 bytes, expected an AdmissionReview of at most 10\n");
}

/* Kubernetes lets DEL and other control characters stand in strings as they are, and JSON too. */
static void test_control_characters(void **state)
{
	_cleanup_world_ struct world w;

	(void)state;
	world_make(&w);
	assert_string_equal(ask(&w, "CREATE", WEB("{\"a\":\"\x7f\xc2\x80\\u0000\"}"), NULL), ALLOWED);
	/* An answer has none. */
	ask(&w, "CREATE", WEB("{\"tentacular.io/contrac\x7f\":\"\"}"), NULL);
	assert_string_equal(world_said(&w, 0),
			    "Deployment/web: /metadata/annotations/tentacular.io~1contrac?: the annotation "
			    "\"tentacular.io/contrac\\u007f\" is not one that tentc knows [TC215]");
}

static void test_warnings_are_short(void **state)
{
	_cleanup_world_ struct world w;
	_cleanup_buf_ struct tc_buf contract = {0};
	size_t all = 0;

	(void)state;
	world_make(&w);
	tc_buf_puts(&contract, "dependencies:\\n  tentacular-postgres:\\n");
	for (int i = 0; i < 100; i++) {
		tc_buf_printf(&contract, "    f%d", i);
		tc_buf_fill(&contract, 'x', i < 10 ? (size_t)i : 0);
		for (int k = 0; k < 100 && i < 10; k++)
			tc_buf_puts(&contract, "\xc3\xa9"); /* two bytes: it must not be cut in half */
		tc_buf_puts(&contract, ": 1\\n");
	}
	ask(&w, "CREATE", tc_printf(w.mem, WEB(CONTRACT("%s")), contract.p), NULL);
	assert_int_equal(w.admitted.verdict, TC_VERDICT_PATCHED);
	for (size_t i = 0; i < w.admitted.warnings; i++) {
		assert_in_range(strlen(world_said(&w, i)), 1, 256);
		all += strlen(world_said(&w, i));
	}
	assert_in_range(all, 3700, 4096);
	assert_string_equal(
		world_said(&w, 10),
		"Deployment/web: tentacular.io/contract:13:5: unknown field \"f10\" of tentacular-postgres, it is "
		"ignored [TC115]");
	assert_string_equal(world_said(&w, w.admitted.warnings - 1), "tentc: 74 more problems are not shown");
}

/* At 253 bytes, wherever a character of four begins. */
static void test_warnings_are_cut_between_characters(void **state)
{
	_cleanup_world_ struct world w;

	(void)state;
	world_make(&w);
	for (size_t i = 0; i < 4; i++) {
		_cleanup_buf_ struct tc_buf name = {0};
		const char *said;

		tc_buf_fill(&name, 'x', i);
		for (int k = 0; k < 56; k++)
			tc_buf_puts(&name, "\xf0\x9f\x98\x80");
		ask(&w, "CREATE",
		    tc_printf(w.mem, WEB(CONTRACT("dependencies:\\n  tentacular-postgres:\\n    %s: 1\\n")), name.p),
		    NULL);
		said = world_said(&w, 0);
		assert_in_range(strlen(said), 253, 256);
		assert_memory_equal(said + strlen(said) - 7, "\xf0\x9f\x98\x80...", 7);
	}
}

static void test_message_is_bounded(void **state)
{
	_cleanup_world_ struct world w;
	_cleanup_buf_ struct tc_buf contract = {0};

	(void)state;
	world_make(&w);
	tc_buf_puts(&contract, "dependencies:\\n");
	for (int i = 0; i < 900; i++)
		tc_buf_printf(&contract, "  tentacular-x%d:\\n", i);
	ask(&w, "CREATE", tc_printf(w.mem, WEB(CONTRACT("%s")), contract.p), NULL);
	assert_int_equal(w.admitted.verdict, TC_VERDICT_DENIED);
	assert_true(strlen(w.answer) < 80000);
	assert_non_null(strstr(w.answer, "\\ntentc: note: the rest is not shown\",\"reason\""));
}

static void test_patch_is_bounded(void **state)
{
	_cleanup_world_ struct world w;

	(void)state;
	world_make(&w);
	w.limits.max_bytes = 600;
	ask(&w, "CREATE", WEB(CONTRACT("dependencies: {}")), NULL);
	assert_int_equal(w.admitted.verdict, TC_VERDICT_PATCHED);
	ask(&w, "CREATE", WEB(CONTRACT("dependencies: {tentacular-nats: }")), NULL);
	assert_string_equal(denial(&w), "Deployment/web: /metadata/name: error: what the contract adds to Deployment "
					"\"web\" has 1522 bytes, at most 600 are allowed [TC001]\n"
					"  help: split the workload, or its contract");
}

static void test_no_credential_is_shown(void **state)
{
	_cleanup_world_ struct world w;

	(void)state;
	world_make(&w);
	ask(&w, "CREATE", WEB(CONTRACT("{dependencies: {tentacular-x: }, tentacular-postgres.password: hunter2}")),
	    NULL);
	assert_null(strstr(w.answer, "hunter2"));
	assert_non_null(strstr(denial(&w), "tentacular-postgres.password: <redacted>"));
	w.audit = true;
	ask(&w, "CREATE", WEB(CONTRACT("dependencies: {tentacular-x: , tentacular-postgres.password: hunter2}")), NULL);
	assert_null(strstr(w.answer, "hunter2"));
	assert_string_equal(world_said(&w, 0), "would be denied: Deployment/web: tentacular.io/contract:1:16: unknown "
					       "dependency \"tentacular-x\" [TC110]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patched),
		cmocka_unit_test(test_services_in_the_audit),
		cmocka_unit_test(test_dry_run_is_the_same),
		cmocka_unit_test(test_hash_at_hand),
		cmocka_unit_test(test_denied),
		cmocka_unit_test(test_pointers),
		cmocka_unit_test(test_untouched),
		cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_control_characters),
		cmocka_unit_test(test_warnings_are_short),
		cmocka_unit_test(test_warnings_are_cut_between_characters),
		cmocka_unit_test(test_message_is_bounded),
		cmocka_unit_test(test_patch_is_bounded),
		cmocka_unit_test(test_no_credential_is_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
