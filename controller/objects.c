#include "controller/objects.h"

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

static const struct {
	const char *kind;
	enum tc_objects_which which;
	const char *root, *resource;
} kinds[] = {
	{"NetworkPolicy", TC_OBJECTS_OPEN, "/apis/networking.k8s.io/v1", "networkpolicies"},
	{"Secret", TC_OBJECTS_SECRET, "/api/v1", "secrets"},
};

static const char *path_of(const struct tc_wanted_object *o, enum tc_objects_which which, struct tc_arena *mem)
{
	for (size_t i = 0; i < TC_COUNT(kinds); i++) {
		if (kinds[i].which == which && strcmp(kinds[i].kind, o->kind) == 0)
			return tc_printf(mem, "%s%s", kinds[i].root,
					 tc_kube_path(mem, "/namespaces/%s/%s/%s", o->ns, kinds[i].resource, o->name));
	}
	return NULL;
}

static int apply(struct tc_kube *k, const struct tc_wanted_object *o, const char *path, struct tc_error *err)
{
	_cleanup_wipe_ json_t *object = json_loadb(o->json.s, o->json.len, 0, NULL);
	_cleanup_wipe_ json_t *answer = NULL;
	struct tc_kube_error failed = {0};

	if (!object)
		return tc_fail(err, TC_E_BUG, "%s %s is no JSON", o->kind, o->name);
	if (tc_kube_apply(k, &answer, path, object, &(struct tc_kube_apply){.force = true}, &failed) == 0)
		return 0;
	*err = failed.error;
	return tc_wrap(err, "%s %s", o->kind, o->name);
}

int tc_objects_apply(struct tc_kube *k, const struct tc_wanted *t, enum tc_objects_which which, struct tc_arena *mem,
		     void (*step)(void *self, const char *what), void *self, struct tc_error *err)
{
	for (size_t i = 0; i < t->nobjects; i++) {
		const struct tc_wanted_object *o = &t->objects[i];
		const char *path = path_of(o, which, mem);

		if (!path)
			continue;
		if (step)
			step(self, tc_printf(mem, "apply %s %s", o->kind, o->name));
		if (apply(k, o, path, err) < 0)
			return -1;
	}
	return 0;
}

int tc_objects_delete_secrets(struct tc_kube *k, const char *enclave, const char *name, struct tc_arena *mem,
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
