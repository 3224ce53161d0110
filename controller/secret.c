#include "controller/secret.h"

#include "compiler/transform/object.h"

/* jansson frees and does not wipe. */
static void wipe(json_t **object)
{
	json_t *data = json_object_get(*object, "data"), *value;
	const char *key;

	json_object_foreach(data, key, value)
	{
		if (json_is_string(value))
			explicit_bzero((char *)(uintptr_t)json_string_value(value), json_string_length(value));
	}
	json_decref(*object);
	*object = NULL;
}
#define _cleanup_wipe_ __attribute__((cleanup(wipe)))

static const struct tc_wanted_object *secret_of(const struct tc_wanted *t)
{
	for (size_t i = 0; i < t->nobjects; i++)
		if (strcmp(t->objects[i].kind, "Secret") == 0)
			return &t->objects[i];
	return NULL;
}

static int fail(struct tc_error *err, const struct tc_wanted *t, const char *name, const struct tc_kube_error *why)
{
	*err = why->error;
	if (why->status == 404)
		return tc_fail(err, TC_E_REJECTED,
			       "secret %s: there is no namespace \"%s\"; tentc enclave provision %s makes it", name,
			       t->enclave, t->enclave);
	return tc_wrap(err, "secret %s", name);
}

int tc_secret_apply(struct tc_kube *k, struct tc_arena *mem, const struct tc_wanted *t, const char **name,
		    struct tc_error *err)
{
	const struct tc_wanted_object *o = secret_of(t);
	_cleanup_wipe_ json_t *object = NULL;
	_cleanup_wipe_ json_t *answer = NULL;
	struct tc_kube_error failed = {0};

	*name = o ? o->name : NULL;
	if (!o)
		return 0;
	object = json_loadb(o->json.s, o->json.len, 0, NULL);
	if (!object)
		return tc_fail(err, TC_E_BUG, "secret %s is no JSON", o->name);
	if (tc_kube_apply(k, &answer, tc_kube_path(mem, "/api/v1/namespaces/%s/secrets/%s", o->ns, o->name), object,
			  &(struct tc_kube_apply){.force = true}, &failed) < 0)
		return fail(err, t, o->name, &failed);
	return 0;
}

int tc_secret_compare(struct tc_kube *k, struct tc_arena *mem, const struct tc_wanted *t, const char **name,
		      const char **detail, struct tc_error *err)
{
	const struct tc_wanted_object *o = secret_of(t);
	_cleanup_wipe_ json_t *object = NULL;
	_cleanup_wipe_ json_t *there = NULL;
	_cleanup_buf_ struct tc_buf keys = {0};
	struct tc_kube_error failed = {0};
	const json_t *data;
	const char *key;
	json_t *value;

	*name = o ? o->name : NULL;
	*detail = "would be created";
	if (!o)
		return 0;
	object = json_loadb(o->json.s, o->json.len, 0, NULL);
	if (!object)
		return tc_fail(err, TC_E_BUG, "secret %s is no JSON", o->name);
	if (tc_kube_get(k, &there, tc_kube_path(mem, "/api/v1/namespaces/%s/secrets/%s", o->ns, o->name), &failed) < 0)
		return failed.status == 404 ? 0 : fail(err, t, o->name, &failed);
	data = json_object_get(there, "data");
	json_object_foreach(json_object_get(object, "data"), key, value)
	{
		if (!json_equal(value, json_object_get(data, key)))
			tc_buf_printf(&keys, "%s%s", keys.len ? ", " : "", key);
	}
	*detail = keys.len ? tc_printf(mem, "would change: %s", keys.p) : "as it should be";
	return 0;
}

int tc_secrets_delete(struct tc_kube *k, struct tc_arena *mem, const char *enclave, const char *name,
		      struct tc_error *err)
{
	struct tc_kube_error failed = {0};
	const char *path = tc_kube_path(mem, "/api/v1/namespaces/%s/secrets?labelSelector=%s", enclave,
					tc_printf(mem, "%s=true,%s=%s", TC_LABEL_EXOSKELETON, TC_LABEL_RELEASE, name));

	if (tc_kube_delete(k, path, NULL, &failed) == 0 || failed.status == 404)
		return 0;
	*err = failed.error;
	return tc_wrap(err, "secrets of %s/%s", enclave, name);
}
