#include "cli/cluster/enclave.h"

#include "compiler/transform/object.h"

/* Of a namespace that tentc made; its value is the installation. One that was there before has none, and stays. */
#define PROVISIONED "tentacular.io/provisioned-by"

static const char *text_of(const json_t *object, const char *map, const char *key)
{
	return json_string_value(json_object_get(json_object_get(json_object_get(object, "metadata"), map), key));
}

static int fail(struct tc_error *err, const struct tc_kube_error *why, const char *what)
{
	*err = why->error;
	return tc_wrap(err, "%s", what);
}

int tc_enclave_look(struct tc_session *s, const char *name, struct tc_enclave_namespace *out, struct tc_error *err)
{
	_cleanup_json_ json_t *object = NULL;
	struct tc_kube_error failed = {0};
	const char *label, *by;

	*out = (struct tc_enclave_namespace){.label = "true"};
	if (tc_kube_get(s->kube, &object, tc_kube_path(s->mem, "/api/v1/namespaces/%s", name), &failed) < 0)
		return failed.status == 404 ? 0 : fail(err, &failed, "namespace");
	label = text_of(object, "labels", TC_LABEL_ENCLAVE);
	by = text_of(object, "annotations", PROVISIONED);
	out->exists = true;
	out->labelled = label;
	if (label)
		out->label = tc_strdup(s->mem, label);
	out->installation = by ? tc_strdup(s->mem, by) : NULL;
	out->ours = by && strcmp(by, s->run.config->installation) == 0;
	by = json_string_value(json_object_get(json_object_get(object, "metadata"), "uid"));
	out->uid = by ? tc_strdup(s->mem, by) : NULL;
	return 0;
}

static int apply(struct tc_session *s, const char *path, json_t *object, const char *what, struct tc_error *err)
{
	struct tc_kube_error failed = {0};
	int rc = tc_kube_apply(s->kube, NULL, path, object, &(struct tc_kube_apply){.force = true}, &failed);

	json_decref(object);
	if (rc < 0)
		return fail(err, &failed, what);
	tc_session_row(s, "cluster", "%s", what);
	return 0;
}

static int make_namespace(struct tc_enclave_run *e, json_t *created, struct tc_error *err)
{
	struct tc_session *s = e->s;
	struct tc_enclave_namespace there;
	json_t *object;
	bool ours;

	if (tc_enclave_look(s, e->name, &there, err) < 0)
		return -1;
	if (there.installation && !there.ours)
		return tc_fail(
			err, TC_E_REJECTED,
			"namespace \"%s\" belongs to the installation %s, this one is \"%s\"; it was left as it is",
			e->name, tc_quote(s->mem, tc_str(there.installation)), s->run.config->installation);
	if (e->dry_run) {
		tc_session_row(s, "cluster", "namespace %s %s", e->name,
			       !there.exists    ? "would be created"
			       : there.labelled ? "is there"
						: "would get the label " TC_LABEL_ENCLAVE);
		return 0;
	}
	ours = there.ours || !there.exists;
	object = json_pack("{s:s,s:s,s:{s:s,s:{s:s}}}", "apiVersion", "v1", "kind", "Namespace", "metadata", "name",
			   e->name, "labels", TC_LABEL_ENCLAVE, there.label);
	if (ours)
		json_object_set_new(json_object_get(object, "metadata"), "annotations",
				    json_pack("{s:s}", PROVISIONED, s->run.config->installation));
	if (!there.exists)
		tc_json_push(created, tc_printf(s->mem, "namespace %s", e->name));
	return apply(s, tc_kube_path(s->mem, "/api/v1/namespaces/%s", e->name), object,
		     tc_printf(s->mem, "namespace %s %s", e->name, there.exists ? "has the label" : "created"), err);
}

/* Nothing in, nothing out but names: each tentacle's own policy adds what its contract declares. */
static json_t *policy(const struct tc_session *s, const char *name, const char *ns, bool dns)
{
	const struct tc_config *config = s->run.config;
	json_t *object = json_pack("{s:s,s:s,s:{s:s,s:s,s:{s:s,s:s}},s:{s:{},s:[s]}}", "apiVersion",
				   "networking.k8s.io/v1", "kind", "NetworkPolicy", "metadata", "name", name,
				   "namespace", ns, "labels", TC_LABEL_MANAGED_BY, "tentc", TC_LABEL_EXOSKELETON,
				   "true", "spec", "podSelector", "policyTypes", "Egress");
	json_t *spec = json_object_get(object, "spec"), *labels = json_object(), *peer;

	if (!dns) {
		json_array_append_new(json_object_get(spec, "policyTypes"), json_string("Ingress"));
		json_decref(labels);
		return object;
	}
	for (size_t i = 0; i < config->dns_labels.count; i++)
		json_object_set_new(labels, config->dns_labels.list[2 * i],
				    json_string(config->dns_labels.list[2 * i + 1]));
	peer = json_pack("{s:{s:{s:s}}}", "namespaceSelector", "matchLabels", TC_LABEL_NAMESPACE,
			 config->dns_namespace);
	if (json_object_size(labels))
		json_object_set_new(peer, "podSelector", json_pack("{s:o}", "matchLabels", labels));
	else
		json_decref(labels);
	json_object_set_new(spec, "egress",
			    json_pack("[{s:[o],s:[{s:s,s:i},{s:s,s:i}]}]", "to", peer, "ports", "protocol", "UDP",
				      "port", (int)config->dns_port, "protocol", "TCP", "port", (int)config->dns_port));
	return object;
}

static int make_policy(struct tc_enclave_run *e, const char *name, bool dns, json_t *created, struct tc_error *err)
{
	struct tc_session *s = e->s;
	const char *path =
		tc_kube_path(s->mem, "/apis/networking.k8s.io/v1/namespaces/%s/networkpolicies/%s", e->name, name);
	struct tc_kube_error failed = {0};
	bool there = tc_kube_get(s->kube, NULL, path, &failed) == 0;

	if (!there && failed.status != 404)
		return fail(err, &failed, "network policies");
	if (e->dry_run) {
		tc_session_row(s, "cluster", "NetworkPolicy %s %s", name, there ? "is there" : "would be created");
		return 0;
	}
	if (!there)
		tc_json_push(created, tc_printf(s->mem, "networkpolicy %s/%s", e->name, name));
	return apply(s, path, policy(s, name, e->name, dns),
		     tc_printf(s->mem, "NetworkPolicy %s %s", name, there ? "is as it should be" : "created"), err);
}

int tc_enclave_make(struct tc_enclave_run *e, json_t *created, struct tc_error *err)
{
	if (make_namespace(e, created, err) < 0)
		return -1;
	if (e->s->run.config->netpol_mode == TC_NETPOL_OFF)
		return 0;
	if (make_policy(e, "tentacular-default-deny", false, created, err) < 0)
		return -1;
	return make_policy(e, "tentacular-allow-dns", true, created, err);
}

int tc_enclave_delete(struct tc_enclave_run *e, bool *deleted, struct tc_error *err)
{
	struct tc_session *s = e->s;
	struct tc_enclave_namespace there;
	struct tc_kube_error failed = {0};

	*deleted = false;
	if (tc_enclave_look(s, e->name, &there, err) < 0)
		return -1;
	if (!there.exists || !there.ours) {
		tc_session_row(s, "cluster", "namespace %s %s", e->name,
			       there.exists ? "stays: tentc did not make it" : "is not there");
		return 0;
	}
	if (e->dry_run) {
		tc_session_row(s, "cluster", "namespace %s would be deleted", e->name);
		return 0;
	}
	if (tc_kube_delete(s->kube, tc_kube_path(s->mem, "/api/v1/namespaces/%s", e->name), there.uid, &failed) < 0)
		return fail(err, &failed, "namespace");
	tc_session_row(s, "cluster", "namespace %s deleted", e->name);
	*deleted = true;
	return 0;
}

int tc_enclave_namespaces(struct tc_session *s, const char ***names, size_t *count, struct tc_error *err)
{
	_cleanup_json_ json_t *items = NULL;
	struct tc_kube_error failed = {0};
	const char *version;
	size_t i, cap = 0;
	json_t *one;

	*names = NULL;
	*count = 0;
	if (tc_kube_list(s->kube, &items, &version, s->mem,
			 tc_kube_path(s->mem, "/api/v1/namespaces?labelSelector=%s", TC_LABEL_ENCLAVE), &failed) < 0)
		return fail(err, &failed, "namespaces");
	json_array_foreach(items, i, one)
	{
		const char *name = json_string_value(json_object_get(json_object_get(one, "metadata"), "name"));

		if (!name)
			continue;
		tc_grow(s->mem, *names, *count, cap);
		(*names)[(*count)++] = tc_strdup(s->mem, name);
	}
	return 0;
}
