/* SPIRE: a ClusterSPIFFEID for each tentacle, which spire-controller-manager turns into entries of the SPIRE server.
 *
 * Nothing of it is data, so retain and destroy are one: the object goes. The tenant cannot be logged in as from here;
 * what proves the registration is the status that the controller writes. */
#include "registrars/spire.h"

#include "compiler/contract/identity.h"
#include "kube/clock.h"

static int open_registrar(void **self, const struct tc_registrar_conf *conf, struct tc_error *err)
{
	struct tc_kube_error failed = {0};
	struct tc_spire *s;

	if (!conf->kube)
		return tc_fail(err, TC_E_USAGE,
			       "spire: identities are registered in the cluster, and no cluster is given; give "
			       "--kubeconfig FILE");
	s = tc_xalloc(sizeof(*s));
	s->conf = *conf;
	if (tc_kube_open(&s->kube, conf->kube, &failed) < 0) {
		free(s);
		*err = failed.error;
		return tc_wrap(err, "spire");
	}
	s->mem = tc_arena_new(16 * 1024);
	*self = s;
	return 0;
}

static void close_registrar(void *self)
{
	struct tc_spire *s = self;

	if (!s)
		return;
	tc_kube_free(s->kube);
	tc_arena_free(s->mem);
	free(s);
}

void tc_spire_begin(struct tc_spire *s)
{
	tc_arena_free(s->mem);
	s->mem = tc_arena_new(16 * 1024);
}

/* A 404 with no reason is of an API that is not served: the same call succeeds once somebody has installed it. */
int tc_spire_fail(struct tc_error *err, const char *step, const struct tc_kube_error *why)
{
	if (why->status == 404 && !*why->reason)
		return tc_fail(
			err, TC_E_RETRY,
			"spire: %s: the cluster serves no spire.spiffe.io/v1alpha1, so SPIRE is not there; "
			"install the CustomResourceDefinition ClusterSPIFFEID and spire-controller-manager, or set "
			"services.spire.enabled: false",
			step);
	*err = why->error;
	return tc_wrap(err, "spire: %s", step);
}

/* --- operations ------------------------------------------------------------------------------------------------------
 */

static int judge(struct tc_spire *s, struct tc_observed *out, const struct tc_spire_seen *seen,
		 const struct tc_want *want, struct tc_error *err)
{
	_cleanup_json_ json_t *wanted = NULL;
	const char *failed;
	long long pods, set;

	out->state = TC_STATE_ABSENT;
	if (!seen->object)
		return 0;
	if (seen->foreign) {
		out->state = TC_STATE_FOREIGN;
		tc_observed_add(out, "%s", seen->foreign);
		return 0;
	}
	if (tc_spire_make(s, &wanted, want, err) < 0)
		return -1;
	tc_spire_compare(s, out, seen->object, wanted);
	failed = tc_spire_failure(s, seen->object);
	if (failed)
		tc_observed_add(out, "%s", failed);
	pods = tc_spire_stat(seen->object, "podsSelected");
	set = tc_spire_stat(seen->object, "entriesToSet");
	if (!failed && set < pods)
		tc_observed_add(out, "%lld of %lld pods have no entry yet", pods - set, pods);
	out->sessions = set > 0 ? (uint64_t)set : 0;
	out->state = out->ndiffers ? TC_STATE_DIFFERS : TC_STATE_APPLIED;
	return 0;
}

static int observe(struct tc_observed *out, void *self, const struct tc_want *want, struct tc_error *err)
{
	struct tc_spire *s = self;
	struct tc_spire_seen seen;
	int rc;

	tc_spire_begin(s);
	if (tc_spire_look(s, &seen, want, err) < 0)
		return -1;
	rc = judge(s, out, &seen, want, err);
	json_decref(seen.object);
	return rc;
}

/* Ours are called tentacular.<enclave>.<name>, and labels hold no dot. */
static bool identity_of(struct tc_arena *mem, const char *object, struct tc_want *out)
{
	static const char start[] = "tentacular.";
	const char *enclave = object + sizeof(start) - 1, *dot;

	if (strncmp(object, start, sizeof(start) - 1) != 0)
		return false;
	dot = strchr(enclave, '.');
	if (!dot || strchr(dot + 1, '.'))
		return false;
	*out = (struct tc_want){.enclave = tc_strndup(mem, enclave, (size_t)(dot - enclave)),
				.name = tc_strdup(mem, dot + 1)};
	return !tc_label_fault(mem, tc_str(out->enclave)) && !tc_label_fault(mem, tc_str(out->name));
}

struct wanted {
	const struct tc_want *want;
	bool told;
};

static int compare_wants(const struct tc_want *a, const struct tc_want *b)
{
	int c = strcmp(a->enclave, b->enclave);

	return c ? c : strcmp(a->name, b->name);
}

static int by_identity(const void *a, const void *b)
{
	return compare_wants(((const struct wanted *)a)->want, ((const struct wanted *)b)->want);
}

static int observe_all(void *self, const struct tc_want *wants, size_t nwants,
		       void (*each)(void *, const char *, const char *, const struct tc_observed *), void *each_self,
		       struct tc_error *err)
{
	struct tc_spire *s = self;
	_cleanup_json_ json_t *items = NULL;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	struct wanted *sorted = tc_alloc(mem, nwants * sizeof(*sorted));
	struct tc_kube_error failed = {0};
	const char *version;
	json_t *object;
	size_t i;

	tc_spire_begin(s);
	for (size_t k = 0; k < nwants; k++)
		sorted[k].want = &wants[k];
	if (nwants)
		qsort(sorted, nwants, sizeof(*sorted), by_identity);
	if (tc_kube_list(s->kube, &items, &version, mem,
			 TC_SPIRE_OBJECTS "?labelSelector="
					  "tentacular.io%2Fexoskeleton%3Dtrue",
			 &failed) < 0)
		return tc_spire_fail(err, "list ClusterSPIFFEIDs", &failed);
	json_array_foreach(items, i, object)
	{
		const char *name = json_string_value(json_object_get(json_object_get(object, "metadata"), "name"));
		struct tc_observed out = {.mem = s->mem};
		struct tc_spire_seen seen = {.object = object};
		struct tc_want want;
		struct wanted key = {.want = &want}, *found;

		tc_spire_begin(s);
		out.mem = s->mem;
		if (!name || !identity_of(s->mem, name, &want))
			continue;
		found = nwants ? bsearch(&key, sorted, nwants, sizeof(key), by_identity) : NULL;
		seen.foreign = tc_spire_foreign(s, object, name, want.name);
		if (seen.foreign && !found)
			continue;
		if (judge(s, &out, &seen, &want, err) < 0)
			return -1;
		each(each_self, want.enclave, want.name, &out);
		if (found)
			found->told = true;
	}
	for (size_t k = 0; k < nwants; k++)
		if (!sorted[k].told)
			each(each_self, sorted[k].want->enclave, sorted[k].want->name,
			     &(struct tc_observed){.mem = mem, .state = TC_STATE_ABSENT});
	return 0;
}

static void mark(const struct tc_spire *s, json_t *object)
{
	json_object_set_new(json_object_get(object, "metadata"), "annotations",
			    json_pack("{s:s}", TC_SPIRE_INSTALLATION, s->conf.config->installation));
}

static int apply_object(struct tc_spire *s, json_t *wanted, const struct tc_want *want, struct tc_error *err)
{
	_cleanup_json_ json_t *now = NULL;
	const char *step = tc_printf(s->mem, "apply ClusterSPIFFEID %s", tc_spire_name(s, want));
	struct tc_observed left = {.mem = s->mem};
	struct tc_kube_error failed = {0};

	mark(s, wanted);
	tc_step(&s->conf, "%s", step);
	if (tc_kube_apply(s->kube, &now, tc_spire_path(s, want), wanted, &(struct tc_kube_apply){.force = true},
			  &failed) < 0)
		return tc_spire_fail(err, step, &failed);
	tc_spire_compare(s, &left, now, wanted);
	if (left.ndiffers)
		return tc_fail(err, TC_E_REJECTED,
			       "spire: %s: after it, %s; somebody else set that field: take it out with kubectl edit",
			       step, left.differs[0]);
	return 0;
}

static int apply(void *self, const struct tc_want *want, struct tc_error *err)
{
	struct tc_spire *s = self;
	_cleanup_json_ json_t *wanted = NULL;
	struct tc_observed differs;
	struct tc_spire_seen seen;
	int rc = 0;

	tc_spire_begin(s);
	if (tc_spire_make(s, &wanted, want, err) < 0 || tc_spire_look(s, &seen, want, err) < 0)
		return -1;
	differs = (struct tc_observed){.mem = s->mem};
	if (seen.object)
		tc_spire_compare(s, &differs, seen.object, wanted);
	if (seen.foreign)
		rc = tc_spire_refuse(seen.foreign, err);
	else if (!seen.object || differs.ndiffers)
		rc = apply_object(s, wanted, want, err);
	json_decref(seen.object);
	return rc;
}

/* Waits for the controller to say that it has taken the object. */
static int verify(void *self, const struct tc_want *want, struct tc_error *err)
{
	struct tc_spire *s = self;
	int64_t until = tc_clock() + (int64_t)(s->conf.seconds ? s->conf.seconds : 10) * 1000;
	const char *failed = NULL, *class;
	struct tc_subject subject = {.config = s->conf.config,
				     .service = s->conf.service,
				     .enclave = want->enclave,
				     .name = want->name};

	for (;;) {
		struct tc_spire_seen seen;
		bool there, taken;

		tc_spire_begin(s);
		if (tc_spire_look(s, &seen, want, err) < 0)
			return -1;
		there = seen.object;
		taken = tc_spire_stat(seen.object, "namespacesSelected") > 0;
		failed = tc_spire_failure(s, seen.object);
		json_decref(seen.object);
		if (seen.foreign)
			return tc_spire_refuse(seen.foreign, err);
		if (!there)
			return tc_fail(err, TC_E_DIFFERS, "spire: there is no ClusterSPIFFEID %s; register it again",
				       tc_spire_name(s, want));
		if (failed)
			return tc_fail(err, TC_E_DIFFERS, "spire: %s", failed);
		if (taken)
			return 0;
		if (tc_clock() > until)
			break;
		tc_clock_wait(500, NULL);
	}
	subject.mem = s->mem;
	class = tc_value_named(&subject, "class_name");
	return tc_fail(err, TC_E_RETRY,
		       "spire: no spire-controller-manager has taken up ClusterSPIFFEID %s, or the namespace %s is not "
		       "there; look whether one runs and watches %s%s (services.spire.className)",
		       tc_spire_name(s, want), want->enclave, class ? "the class " : "objects without a class",
		       class ? class : "");
}

static int remove_object(void *self, const struct tc_want *want, struct tc_error *err)
{
	struct tc_spire *s = self;
	struct tc_kube_error failed = {0};
	struct tc_spire_seen seen;
	const char *step, *uid;
	int rc = 0;

	tc_spire_begin(s);
	if (tc_spire_look(s, &seen, want, err) < 0)
		return -1;
	if (seen.object && seen.foreign)
		rc = tc_spire_refuse(seen.foreign, err);
	if (seen.object && !seen.foreign) {
		uid = json_string_value(json_object_get(json_object_get(seen.object, "metadata"), "uid"));
		step = tc_printf(s->mem, "delete ClusterSPIFFEID %s", tc_spire_name(s, want));
		tc_step(&s->conf, "%s", step);
		if (tc_kube_delete(s->kube, tc_spire_path(s, want), uid, &failed) < 0)
			rc = tc_spire_fail(err, step, &failed);
	}
	json_decref(seen.object);
	return rc;
}

/* --- probe -----------------------------------------------------------------------------------------------------------
 */

static int probe_right(struct tc_spire *s, struct tc_probed *out, const char *verb, struct tc_error *err)
{
	_cleanup_json_ json_t *review =
		json_pack("{s:s,s:s,s:{s:{s:s,s:s,s:s}}}", "apiVersion", "authorization.k8s.io/v1", "kind",
			  "SelfSubjectAccessReview", "spec", "resourceAttributes", "verb", verb, "group",
			  "spire.spiffe.io", "resource", "clusterspiffeids");
	_cleanup_json_ json_t *answer = NULL;
	struct tc_kube_error failed = {0};

	if (tc_kube_create(s->kube, &answer, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review,
			   &failed) < 0)
		return tc_spire_fail(err, "ask what we may do", &failed);
	if (!json_is_true(json_object_get(json_object_get(answer, "status"), "allowed")))
		tc_probed_add(out,
			      "we may not %s ClusterSPIFFEIDs; grant \"%s\" on clusterspiffeids.spire.spiffe.io in a "
			      "ClusterRole",
			      verb, verb);
	return 0;
}

static int probe(struct tc_probed *out, void *self, struct tc_error *err)
{
	static const char *const verbs[] = {"get", "list", "create", "patch", "delete"};
	struct tc_spire *s = self;
	_cleanup_json_ json_t *resources = NULL;
	struct tc_kube_error failed = {0};
	const json_t *one;
	bool found = false;
	size_t i;

	tc_spire_begin(s);
	if (tc_kube_get(s->kube, &resources, TC_SPIRE_API, &failed) < 0)
		return tc_spire_fail(err, "look for the CustomResourceDefinition", &failed);
	json_array_foreach(json_object_get(resources, "resources"), i, one)
	{
		const char *name = json_string_value(json_object_get(one, "name"));

		found = found || (name && strcmp(name, "clusterspiffeids") == 0);
	}
	if (!found)
		return tc_fail(
			err, TC_E_RETRY,
			"spire: the cluster serves spire.spiffe.io/v1alpha1 without clusterspiffeids; install the "
			"CustomResourceDefinition ClusterSPIFFEID");
	out->version = "ClusterSPIFFEID of spire.spiffe.io/v1alpha1";
	for (size_t v = 0; v < TC_COUNT(verbs); v++)
		if (probe_right(s, out, verbs[v], err) < 0)
			return -1;
	return 0;
}

const struct tc_registrar_ops tc_registrar_spire = {
	.service = "spire",
	.open = open_registrar,
	.close = close_registrar,
	.probe = probe,
	.observe = observe,
	.observe_all = observe_all,
	.apply = apply,
	.verify = verify,
	.retain = remove_object,
	.destroy = remove_object,
};
