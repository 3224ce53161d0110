/* fuzz_admit.c - any bytes as an AdmissionReview: the answer is JSON or one line, its patch applies to the object, and
 * the object that it makes needs no other. */
#include <jansson.h>

#include "compiler/contract/identity.h"
#include "compiler/transform/admit.h"
#include "tests/fuzz/compile.h"
#include "tests/property/rfc6902.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What is known of "web-code", whoever asks. */
static bool find_configmap(void *self, const char *ns, const char *name, struct tc_str *json)
{
	(void)self;
	(void)ns;
	*json = TC_STR("{\"data\":{\"workflow.yaml\":\"name: web\\ncontract:\\n  dependencies:\\n    "
		       "tentacular-spire:\\n\"}}");
	return strcmp(name, "web-code") == 0;
}

static const char *find_holder(void *self, const char *ns, const char *name, const char **uid)
{
	(void)self;
	(void)ns;
	*uid = "1";
	return strcmp(name, "held") == 0 ? "Deployment" : NULL;
}

static enum tc_verdict admit(struct tc_arena *mem, struct tc_str text, struct tc_buf *answer)
{
	const struct tc_knowledge knowledge = {.configmap = find_configmap, .holder = find_holder};
	const struct tc_admit how = {.config = tc_config_default(mem), .limits = &door_limits, .knowledge = &knowledge};
	const struct tc_source src = {.name = "fuzz.json", .text = text};
	struct tc_admitted admitted;
	struct tc_error err = {0};

	door_check(tc_admit(answer, mem, &src, &how, &admitted, &err) == 0, err.msg);
	door_check(answer->len > 0 && memchr(answer->p, '\n', answer->len) == answer->p + answer->len - 1,
		   "the answer is not one line");
	return admitted.verdict;
}

/* Warnings and messages go to terminals. */
static void check_text(const json_t *text, bool lines)
{
	const char *s = json_string_value(text);

	door_check(s && json_string_length(text) == strlen(s), "a text of the answer is none");
	for (; *s; s++)
		door_check((unsigned char)*s >= 0x20 || (lines && (*s == '\n' || *s == '\t')),
			   "a text of the answer has a control character");
}

static void check_response(const json_t *response, enum tc_verdict verdict)
{
	const json_t *warnings = json_object_get(response, "warnings"), *status = json_object_get(response, "status");

	door_check(json_is_string(json_object_get(response, "uid")), "an answer without a uid");
	door_check(json_is_boolean(json_object_get(response, "allowed")), "neither allowed nor denied");
	door_check(json_is_true(json_object_get(response, "allowed")) == (verdict != TC_VERDICT_DENIED),
		   "the answer is another one than the verdict");
	door_check(!status == (verdict != TC_VERDICT_DENIED), "a status too many or too few");
	door_check(!json_object_get(response, "patch") == (verdict != TC_VERDICT_PATCHED),
		   "a patch too many or too few");
	if (status)
		check_text(json_object_get(status, "message"), true);
	for (size_t i = 0; i < json_array_size(warnings); i++) {
		check_text(json_array_get(warnings, i), false);
		door_check(json_string_length(json_array_get(warnings, i)) <= 256, "a warning is too long");
	}
}

/* jansson's numbers are not exact: what it writes again may be another object. */
static bool has_real(const json_t *n)
{
	const char *key;
	json_t *value;
	size_t i;

	json_object_foreach((json_t *)(uintptr_t)n, key, value)
	{
		if (has_real(value))
			return true;
	}
	json_array_foreach(n, i, value)
	{
		if (has_real(value))
			return true;
	}
	return json_is_real(n);
}

static void check_second_pass(struct tc_arena *mem, json_t *review)
{
	_cleanup_buf_ struct tc_buf answer = {0};
	char *text = json_dumps(review, JSON_COMPACT);
	enum tc_verdict verdict = admit(mem, tc_str(text), &answer);

	if (verdict != TC_VERDICT_UNTOUCHED && strlen(text) <= door_limits.max_bytes) {
		(void)fprintf(stderr, "the second pass: %s\n%s\n", answer.p, text);
		abort();
	}
	free(text);
}

static void check_patch(struct tc_arena *mem, struct tc_str review_text, const json_t *response)
{
	json_t *review = json_loadb(review_text.s, review_text.len, JSON_ALLOW_NUL, NULL), *patch;
	json_t *request = json_object_get(review, "request"), *object = json_object_get(request, "object");
	struct tc_str bytes;
	const char *fault;

	door_check(tc_base64_decode(mem, tc_str(json_string_value(json_object_get(response, "patch"))), &bytes),
		   "the patch is no base64");
	patch = json_loadb(bytes.s, bytes.len, JSON_ALLOW_NUL, NULL);
	/* An integer of more than 64 bits is none to jansson. */
	if (review && patch && !has_real(review)) {
		fault = rfc6902_apply(&object, patch);
		door_check(!fault, fault);
		check_second_pass(mem, review);
	}
	json_decref(review);
	json_decref(patch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	struct tc_str text = {.s = (const char *)data, .len = len};
	_cleanup_buf_ struct tc_buf answer = {0};
	enum tc_verdict verdict = admit(mem, text, &answer);
	json_t *root, *response;

	if (verdict == TC_VERDICT_INVALID)
		return 0;
	root = json_loadb(answer.p, answer.len, JSON_ALLOW_NUL, NULL);
	response = json_object_get(root, "response");
	door_check(response, "the answer is no JSON");
	check_response(response, verdict);
	if (verdict == TC_VERDICT_PATCHED)
		check_patch(mem, text, response);
	json_decref(root);
	return 0;
}
