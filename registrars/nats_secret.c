/* Accounts files in Secrets, one each, which the servers' pods mount. A Secret is changed only as it was read: the API
 * server refuses what names another resourceVersion, so that no writer undoes what another one did.
 *
 * A kubelet brings what was changed into the files of a pod at its next round, which may be minutes later. */
#include "registrars/nats.h"

#include "compiler/contract/identity.h"

/* What the API server takes is 1 MiB for all of a Secret. */
#define SECRET_MAX_BYTES (1u << 20)

static struct tc_str namespace_of(const struct tc_nats_registrar *r)
{
	return (struct tc_str){.s = r->secrets, .len = strcspn(r->secrets, "/")};
}

static const char *name_of(struct tc_nats_registrar *r, unsigned shard)
{
	return tc_printf(r->mem, "%s-%u", r->secrets + namespace_of(r).len + 1, shard);
}

static const char *key_of(struct tc_nats_registrar *r, unsigned shard)
{
	return tc_printf(r->mem, "accounts-%u.conf", shard);
}

static const char *secrets_path(struct tc_nats_registrar *r)
{
	return tc_printf(r->mem, "/api/v1/namespaces/%.*s/secrets", TC_STR_ARG(namespace_of(r)));
}

static const char *path_of(struct tc_nats_registrar *r, unsigned shard)
{
	return tc_printf(r->mem, "%s/%s", secrets_path(r), name_of(r, shard));
}

static const char *place_of(struct tc_nats_registrar *r, unsigned shard)
{
	return tc_printf(r->mem, "Secret %.*s/%s", TC_STR_ARG(namespace_of(r)), name_of(r, shard));
}

static int failed(struct tc_error *err, const char *what, const char *place, const struct tc_kube_error *why)
{
	*err = why->error;
	return tc_wrap(err, "nats: %s %s", what, place);
}

static int open_cluster(struct tc_nats_registrar *r, struct tc_error *err)
{
	struct tc_kube_error why = {0};

	if (!r->conf.kube)
		return tc_fail(
			err, TC_E_USAGE,
			"nats: accounts are kept in Secrets (services.nats.admin.mode: secret), and no cluster is "
			"given; give --kubeconfig FILE");
	if (tc_kube_open(&r->kube, r->conf.kube, &why) < 0)
		return failed(err, "open", "the cluster", &why);
	return 0;
}

static void close_cluster(struct tc_nats_registrar *r)
{
	tc_kube_free(r->kube);
}

/* --- reading ---------------------------------------------------------------------------------------------------------
 */

/* A Secret that holds anything beside the file serves somebody else as well. */
static const char *other_key(json_t *data, const char *key)
{
	for (void *at = json_object_iter(data); at; at = json_object_iter_next(data, at))
		if (strcmp(json_object_iter_key(at), key) != 0)
			return json_object_iter_key(at);
	return NULL;
}

static void read_data(struct tc_nats_registrar *r, struct tc_nats_accounts *a, const json_t *secret)
{
	const char *key = key_of(r, a->shard), *type = json_string_value(json_object_get(secret, "type"));
	json_t *data = json_object_get(secret, "data"), *value = json_object_get(data, key);
	const char *other = other_key(data, key);

	if (type && strcmp(type, "Opaque") != 0)
		a->foreign = tc_printf(r->mem,
				       "%s is of the type \"%.100s\", and tentc's are Opaque: give "
				       "services.nats.admin.secrets another name",
				       a->place, type);
	else if (other)
		a->foreign = tc_printf(r->mem,
				       "%s holds \"%.100s\", which is not tentc's: give "
				       "services.nats.admin.secrets another name, or take that out",
				       a->place, other);
	else if (json_is_true(json_object_get(secret, "immutable")))
		a->foreign = tc_printf(r->mem, "%s is immutable: delete it, and make an empty one", a->place);
	else if (value && !tc_base64_decode(r->mem, tc_str(json_string_value(value)), &a->text))
		a->foreign = tc_printf(r->mem,
				       "%s holds what is no base64: give services.nats.admin.secrets another "
				       "name",
				       a->place); /* unreachable: the API server lets nobody write it */
}

static int read_secret(struct tc_nats_registrar *r, struct tc_nats_accounts *a, struct tc_error *err)
{
	_cleanup_json_ json_t *secret = NULL;
	struct tc_kube_error why = {0};
	const char *version;

	a->text = (struct tc_str){.s = "", .len = 0};
	a->version = NULL;
	if (tc_kube_get(r->kube, &secret, path_of(r, a->shard), &why) < 0) {
		if (why.status == 404 && strcmp(why.reason, "NotFound") == 0)
			return 0;
		return failed(err, "read", a->place, &why);
	}
	version = json_string_value(json_object_get(json_object_get(secret, "metadata"), "resourceVersion"));
	a->version = tc_strdup(r->mem, version ? version : "");
	read_data(r, a, secret);
	return 0;
}

/* --- writing ---------------------------------------------------------------------------------------------------------
 */

static json_t *data_of(struct tc_nats_registrar *r, unsigned shard, struct tc_str text)
{
	return json_pack("{s:s}", key_of(r, shard), tc_base64(r->mem, text));
}

static int create(struct tc_nats_registrar *r, struct tc_nats_accounts *a, struct tc_str text, json_t **now,
		  struct tc_kube_error *why)
{
	_cleanup_json_ json_t *secret =
		json_pack("{s:s, s:s, s:{s:s, s:{s:s}}, s:s, s:o}", "apiVersion", "v1", "kind", "Secret", "metadata",
			  "name", name_of(r, a->shard), "labels", "tentacular.io/nats-accounts", "true", "type",
			  "Opaque", "data", data_of(r, a->shard, text));

	tc_step(&r->conf, "create %s", a->place);
	return tc_kube_create(r->kube, now, secrets_path(r), secret, why);
}

/* What others have put on it, labels of their own, stays. */
static int change(struct tc_nats_registrar *r, struct tc_nats_accounts *a, struct tc_str text, json_t **now,
		  struct tc_kube_error *why)
{
	_cleanup_json_ json_t *patch = json_pack("{s:{s:s}, s:o}", "metadata", "resourceVersion", a->version, "data",
						 data_of(r, a->shard, text));

	tc_step(&r->conf, "change %s", a->place);
	return tc_kube_merge_patch(r->kube, now, path_of(r, a->shard), patch, why);
}

/* Another writer was there first: it has changed, made or deleted it. A namespace that is not there is none of these.
 */
static bool is_lost(const struct tc_nats_accounts *a, const struct tc_kube_error *why)
{
	return why->status == 409 || (a->version && why->status == 404 && strcmp(why->reason, "NotFound") == 0);
}

static int write_secret(struct tc_nats_registrar *r, struct tc_nats_accounts *a, struct tc_str text, bool *lost,
			struct tc_error *err)
{
	_cleanup_json_ json_t *now = NULL;
	struct tc_kube_error why = {0};
	int rc;

	*lost = false;
	if (text.len > SECRET_MAX_BYTES)
		return tc_fail(err, TC_E_USAGE,
			       "nats: write %s: it would hold %zu bytes, and a Secret has room for %u; raise "
			       "services.nats.admin.shards, now \"%u\"",
			       a->place, text.len, SECRET_MAX_BYTES, r->shards);
	rc = a->version ? change(r, a, text, &now, &why) : create(r, a, text, &now, &why);
	if (rc < 0) {
		*lost = is_lost(a, &why);
		return *lost ? 0 : failed(err, "write", a->place, &why);
	}
	a->text = text;
	a->version = json_string_value(json_object_get(json_object_get(now, "metadata"), "resourceVersion"));
	a->version = tc_strdup(r->mem, a->version ? a->version : "");
	return 0;
}

/* --- rights ----------------------------------------------------------------------------------------------------------
 */

static int probe_right(struct tc_nats_registrar *r, struct tc_probed *out, const char *verb, const char *name,
		       struct tc_error *err)
{
	_cleanup_json_ json_t *review =
		json_pack("{s:s, s:s, s:{s:{s:s, s:s, s:s%, s:s}}}", "apiVersion", "authorization.k8s.io/v1", "kind",
			  "SelfSubjectAccessReview", "spec", "resourceAttributes", "verb", verb, "resource", "secrets",
			  "namespace", namespace_of(r).s, namespace_of(r).len, "name", name);
	_cleanup_json_ json_t *answer = NULL;
	struct tc_kube_error why = {0};

	if (tc_kube_create(r->kube, &answer, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review, &why) <
	    0)
		return failed(err, "ask what we may do with", name, &why);
	if (!json_is_true(json_object_get(json_object_get(answer, "status"), "allowed")))
		tc_probed_add(out,
			      "we may not %s the Secret %s; grant \"%s\" on secrets in a Role of the namespace %.*s",
			      verb, name, verb, TC_STR_ARG(namespace_of(r)));
	return 0;
}

static int probe_secrets(struct tc_nats_registrar *r, struct tc_probed *out, struct tc_error *err)
{
	static const char *const verbs[] = {"get", "create", "patch"};

	for (size_t i = 0; i < TC_COUNT(verbs); i++)
		if (probe_right(r, out, verbs[i], name_of(r, 0), err) < 0)
			return -1;
	return 0;
}

const struct tc_nats_store tc_nats_store_secret = {
	.mode = "secret",
	.slow = true,
	.behind =
		"has not taken yet what %s says: a kubelet brings a changed Secret into a pod's files within some two "
		"minutes; if it stays so, look whether the pod mounts it and its configuration includes the file in "
		"accounts { }",
	.open = open_cluster,
	.close = close_cluster,
	.place = place_of,
	.read = read_secret,
	.write = write_secret,
	.probe = probe_secrets,
};
