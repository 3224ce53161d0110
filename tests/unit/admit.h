/* admit.h - one review asked in a small world: a configuration, ConfigMaps, who holds a name. */
#ifndef UNIT_ADMIT_H
#define UNIT_ADMIT_H

#include "compiler/contract/identity.h"
#include "compiler/transform/admit.h"
#include "compiler/transform/object.h"
#include "tests/unit/unit.h"

#include <jansson.h>

struct world {
	struct tc_arena *mem;
	struct tc_config *config;
	struct tc_limits limits;
	const char *configmaps[4][2]; /* name, JSON; to the first without a name */
	const char *tentacles[4];     /* what is known of them without their texts; NULL: nothing */
	size_t texts;                 /* how often a text was asked for */
	const char *holder, *holder_uid;
	bool audit, dry_run;
	const char *ns, *name, *subresource; /* of the request; NULL: "shop", "web", "" */
	struct tc_admitted admitted;
	const char *answer, *patch; /* patch: "" for none; a compiled hash in either is HASH */
};

#define REVIEW_HEAD "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":"
#define ANSWER_HEAD \
	"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"response\":{\"uid\":\"u-1\","
#define ALLOWED ANSWER_HEAD "\"allowed\":true}}\n"

static inline bool world_configmap(void *self, const char *ns, const char *name, struct tc_str *json)
{
	struct world *w = self;

	assert_string_equal(ns, "shop");
	w->texts++;
	for (size_t i = 0; i < TC_COUNT(w->configmaps) && w->configmaps[i][0]; i++) {
		if (strcmp(w->configmaps[i][0], name) == 0) {
			*json = tc_str(w->configmaps[i][1]);
			return true;
		}
	}
	return false;
}

static inline const char *world_tentacle(void *self, const char *ns, const char *configmap)
{
	const struct world *w = self;

	assert_string_equal(ns, "shop");
	for (size_t i = 0; i < TC_COUNT(w->configmaps) && w->configmaps[i][0]; i++) {
		if (strcmp(w->configmaps[i][0], configmap) == 0)
			return w->tentacles[i];
	}
	return NULL;
}

static inline const char *world_holder(void *self, const char *ns, const char *name, const char **uid)
{
	const struct world *w = self;

	assert_string_equal(ns, "shop");
	assert_string_equal(name, "web");
	*uid = w->holder_uid;
	return w->holder;
}

static inline bool world_audit(void *self, const char *ns)
{
	const struct world *w = self;

	assert_string_equal(ns, "shop");
	return w->audit;
}

static inline void world_make(struct world *w)
{
	*w = (struct world){.mem = tc_arena_new(64 * 1024), .limits = TC_LIMITS_REQUEST};
	w->config = tc_config_default(w->mem);
}

static inline void world_free(struct world *w)
{
	tc_arena_free(w->mem);
}

#define _cleanup_world_ __attribute__((cleanup(world_free)))

/* The compiled hash depends on the configuration as a whole: behind these it is shown as HASH. */
static inline const char *without_hash(struct tc_arena *mem, const char *text)
{
	static const char *const before[] = {"~1compiled\",\"value\":\"", "\"hash\":\"", "not "};
	char *copy = tc_strdup(mem, text);

	for (size_t i = 0; i < TC_COUNT(before); i++) {
		for (char *at = copy; (at = strstr(at, before[i])) != NULL;) {
			size_t n = 0;

			at += strlen(before[i]);
			while (tc_is_hex(at[n]))
				n++;
			if (n != 16)
				continue;
			memcpy(at, "HASH", 4);
			memmove(at + 4, at + 16, strlen(at + 16) + 1);
		}
	}
	return copy;
}

/* The text of a whole review. */
static inline const char *ask_text(struct world *w, const char *text)
{
	const struct tc_knowledge knowledge = {.self = w,
					       .configmap = world_configmap,
					       .tentacle = world_tentacle,
					       .holder = world_holder,
					       .audit = world_audit};
	const struct tc_admit how = {.config = w->config, .limits = &w->limits, .knowledge = &knowledge};
	const struct tc_source src = {.name = "review", .text = tc_str(text)};
	_cleanup_buf_ struct tc_buf answer = {0};
	struct tc_error err = {0};
	struct tc_str patch = {0};
	const char *base64;

	assert_int_equal(tc_admit(&answer, w->mem, &src, &how, &w->admitted, &err), 0);
	w->answer = without_hash(w->mem, answer.p);
	base64 = strstr(w->answer, "\"patch\":\"");
	if (base64) {
		base64 += strlen("\"patch\":\"");
		assert_true(tc_base64_decode(
			w->mem, (struct tc_str){.s = base64, .len = (size_t)(strchr(base64, '"') - base64)}, &patch));
	}
	w->patch = patch.len ? without_hash(w->mem, tc_strndup(w->mem, patch.s, patch.len)) : "";
	return w->answer;
}

/* old: NULL for none. */
static inline const char *ask(struct world *w, const char *operation, const char *object, const char *old)
{
	return ask_text(
		w, tc_printf(w->mem,
			     REVIEW_HEAD
			     "{\"uid\":\"u-1\",\"kind\":{\"kind\":\"Any\"},\"namespace\":\"%s\",\"name\":\"%s\","
			     "\"subResource\":\"%s\",\"operation\":\"%s\",\"dryRun\":%s,\"userInfo\":{\"username\":"
			     "\"dev\"},\"object\":%s,\"oldObject\":%s}}",
			     w->ns ? w->ns : "shop", w->name ? w->name : "web", w->subresource ? w->subresource : "",
			     operation, w->dry_run ? "true" : "false", object, old ? old : "null"));
}

/* What stands in the answer: the message of a denial, or a warning; "" when there is none. */
static inline const char *world_said(struct world *w, size_t warning)
{
	json_t *root = json_loads(w->answer, 0, NULL), *response = json_object_get(root, "response"), *text;
	const char *said;

	assert_non_null(root);
	text = warning == SIZE_MAX ? json_object_get(json_object_get(response, "status"), "message")
				   : json_array_get(json_object_get(response, "warnings"), warning);
	said = tc_strdup(w->mem, json_is_string(text) ? json_string_value(text) : "");
	json_decref(root);
	return said;
}

static inline const char *denial(struct world *w)
{
	return world_said(w, SIZE_MAX);
}

#endif
