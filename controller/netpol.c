#include "controller/netpol.h"

#include "compiler/transform/object.h"

static const struct tc_wanted_object *policy_of(const struct tc_wanted *t)
{
	for (size_t i = 0; i < t->nobjects; i++)
		if (strcmp(t->objects[i].kind, "NetworkPolicy") == 0)
			return &t->objects[i];
	return NULL;
}

void tc_netpol_of(struct tc_netpol *out, const struct tc_wanted *t)
{
	const struct tc_wanted_object *o = policy_of(t);

	*out = (struct tc_netpol){.name = o ? o->name : NULL};
}

static const char *path_of(struct tc_arena *mem, const struct tc_wanted *t, const char *name)
{
	return tc_kube_path(mem, "/apis/networking.k8s.io/v1/namespaces/%s/networkpolicies/%s", t->enclave, name);
}

static int fail(struct tc_error *err, const struct tc_wanted *t, const char *name, const struct tc_kube_error *why)
{
	*err = why->error;
	if (why->status == 404)
		return tc_fail(err, TC_E_REJECTED,
			       "NetworkPolicy %s: there is no namespace \"%s\"; tentc enclave provision %s makes it",
			       name, t->enclave, t->enclave);
	return tc_wrap(err, "NetworkPolicy %s", name);
}

static const char *label(const json_t *object, const char *name)
{
	const char *value = json_string_value(
		json_object_get(json_object_get(json_object_get(object, "metadata"), "labels"), name));

	return value ? value : "";
}

static bool is_ours(const json_t *object, const struct tc_wanted *t)
{
	return strcmp(label(object, TC_LABEL_EXOSKELETON), "true") == 0 &&
	       strcmp(label(object, TC_LABEL_RELEASE), t->name) == 0;
}

/* *there: NULL when there is none. */
static int look(struct tc_kube *k, struct tc_arena *mem, const struct tc_wanted *t, const char *name, json_t **there,
		struct tc_error *err)
{
	struct tc_kube_error failed = {0};

	if (tc_kube_get(k, there, path_of(mem, t, name), &failed) == 0 || failed.status == 404)
		return 0;
	return fail(err, t, name, &failed);
}

/* Finds the name that is ours to write to. */
static int choose(struct tc_kube *k, struct tc_arena *mem, const struct tc_wanted *t, const char **name, json_t **there,
		  struct tc_error *err)
{
	const char *beside = tc_printf(mem, "tentacular-exoskeleton-%s", t->name);

	if (look(k, mem, t, *name, there, err) < 0)
		return -1;
	if (!*there || is_ours(*there, t))
		return 0;
	if (strcmp(*name, beside) != 0) {
		json_decref(*there);
		*there = NULL;
		*name = beside;
		if (look(k, mem, t, beside, there, err) < 0)
			return -1;
		if (!*there || is_ours(*there, t))
			return 0;
	}
	return tc_fail(err, TC_E_REJECTED,
		       "NetworkPolicy %s: it is not tentc's; it was left as it is: give it another name", *name);
}

static bool same(const json_t *a, const json_t *b)
{
	return json_equal(json_object_get(a, "spec"), json_object_get(b, "spec")) &&
	       json_equal(json_object_get(json_object_get(a, "metadata"), "labels"),
			  json_object_get(json_object_get(b, "metadata"), "labels"));
}

static void conclude(struct tc_arena *mem, bool plan, bool there, bool changed, struct tc_netpol *out)
{
	static const char *const done[] = {"created", "put right", "unchanged"};
	static const char *const would[] = {"would be created", "would be put right", "as it should be"};
	size_t row = !there ? 0 : changed ? 1 : 2;

	out->detail = plan ? would[row] : done[row];
	if (!plan && row < 2)
		out->step = tc_printf(mem, "%s NetworkPolicy %s", there ? "put right" : "create", out->name);
}

int tc_netpol_apply(struct tc_kube *k, struct tc_arena *mem, const struct tc_wanted *t, bool plan,
		    struct tc_netpol *out, struct tc_error *err)
{
	const struct tc_wanted_object *o = policy_of(t);
	_cleanup_json_ json_t *object = NULL;
	_cleanup_json_ json_t *there = NULL;
	_cleanup_json_ json_t *answer = NULL;
	struct tc_kube_error failed = {0};

	tc_netpol_of(out, t);
	if (!o)
		return 0;
	if (choose(k, mem, t, &out->name, &there, err) < 0)
		return -1;
	if (plan && !there) {
		conclude(mem, true, false, true, out);
		return 0;
	}
	object = json_loadb(o->json.s, o->json.len, 0, NULL);
	if (!object || json_object_set_new(json_object_get(object, "metadata"), "name", json_string(out->name)) < 0)
		return tc_fail(err, TC_E_BUG, "NetworkPolicy %s is no JSON", o->name);
	if (tc_kube_apply(k, &answer, path_of(mem, t, out->name), object,
			  &(struct tc_kube_apply){.force = true, .dry_run = plan}, &failed) < 0)
		return fail(err, t, out->name, &failed);
	conclude(mem, plan, there, !there || !same(there, answer), out);
	return 0;
}
