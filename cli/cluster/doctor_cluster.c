#include "cli/cluster/doctor.h"

#include <time.h>

#include "cli/cluster/certs.h"

/* More than this and tokens and certificates are refused as not yet valid. */
#define SKEW_MAX 60
/* The oldest minor version of Kubernetes that has what admission needs. */
#define KUBERNETES_MINOR 30

#define GROUP "cluster"

static void failed_call(struct tc_doctor *d, const struct tc_kube_error *why)
{
	tc_doctor_error(d, GROUP, &why->error);
}

static unsigned long number_at(const char *text)
{
	return text && tc_is_digit(*text) ? strtoul(text, NULL, 10) : 0;
}

/* False: it cannot be reached. */
static bool check_version(struct tc_doctor *d)
{
	struct tc_session *s = d->s;
	_cleanup_json_ json_t *version = NULL;
	struct tc_kube_error failed = {0};
	const char *git;

	if (tc_kube_get(s->kube, &version, "/version", &failed) < 0) {
		failed_call(d, &failed);
		return false;
	}
	git = json_string_value(json_object_get(version, "gitVersion"));
	if (number_at(json_string_value(json_object_get(version, "major"))) == 1 &&
	    number_at(json_string_value(json_object_get(version, "minor"))) < KUBERNETES_MINOR)
		tc_doctor_say(d, GROUP, TC_CHECK_WARNING,
			      tc_printf(s->mem, "Kubernetes %s is older than 1.%d", git ? git : "", KUBERNETES_MINOR),
			      "upgrade it: admission needs ValidatingAdmissionPolicy and matchConditions");
	else
		tc_doctor_say(d, GROUP, TC_CHECK_OK,
			      tc_printf(s->mem, "Kubernetes %s at %s", git ? git : "of an unknown version",
					tc_kube_config_server(s->cluster)),
			      NULL);
	return true;
}

/* "2026-11-24T12:00:00Z" in seconds since 1970; -1: it is none. */
static int64_t seconds_of(const char *text)
{
	struct tm t = {0};
	const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%SZ", &t) : NULL;

	return end && !*end ? (int64_t)timegm(&t) : -1;
}

/* A dry run that makes nothing is stamped with the server's time. */
static void check_clock(struct tc_doctor *d)
{
	struct tc_session *s = d->s;
	_cleanup_json_ json_t *object = json_pack("{s:s,s:s,s:{s:s}}", "apiVersion", "v1", "kind", "ConfigMap",
						  "metadata", "generateName", "tentc-doctor-");
	_cleanup_json_ json_t *answer = NULL;
	struct tc_kube_error failed = {0};
	int64_t then, off;
	long long away;

	if (tc_kube_create(s->kube, &answer,
			   tc_kube_path(s->mem, "/api/v1/namespaces/%s/configmaps?dryRun=All",
					tc_kube_config_namespace(s->cluster)),
			   object, &failed) < 0) {
		tc_doctor_say(d, "clock", TC_CHECK_SKIPPED,
			      tc_printf(s->mem, "the cluster's time is not known: %s", failed.error.msg), NULL);
		return;
	}
	then = seconds_of(json_string_value(json_object_get(json_object_get(answer, "metadata"), "creationTimestamp")));
	off = then - (int64_t)time(NULL);
	away = off < 0 ? -off : off;
	if (then < 0)
		tc_doctor_say(d, "clock", TC_CHECK_SKIPPED, "the cluster does not say what time it is", NULL);
	else if (away > SKEW_MAX)
		tc_doctor_say(d, "clock", TC_CHECK_FAILED,
			      tc_printf(s->mem, "the cluster's clock is %lld seconds %s ours", away,
					off > 0 ? "ahead of" : "behind"),
			      "set the one that is wrong: signatures and certificates are refused otherwise");
	else
		tc_doctor_say(d, "clock", TC_CHECK_OK,
			      away > 1 ? tc_printf(s->mem, "%lld seconds from the cluster's", away)
				       : "the same as the cluster's",
			      NULL);
}

static void check_right(struct tc_doctor *d, const char *verb, const char *group, const char *resource, bool *all)
{
	struct tc_session *s = d->s;
	_cleanup_json_ json_t *review =
		json_pack("{s:s,s:s,s:{s:{s:s,s:s,s:s}}}", "apiVersion", "authorization.k8s.io/v1", "kind",
			  "SelfSubjectAccessReview", "spec", "resourceAttributes", "verb", verb, "group", group,
			  "resource", resource);
	_cleanup_json_ json_t *answer = NULL;
	struct tc_kube_error failed = {0};

	if (tc_kube_create(s->kube, &answer, "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review,
			   &failed) < 0) {
		failed_call(d, &failed);
		*all = false;
		return;
	}
	if (json_is_true(json_object_get(json_object_get(answer, "status"), "allowed")))
		return;
	*all = false;
	tc_doctor_say(d, "permissions", TC_CHECK_WARNING, tc_printf(s->mem, "we may not %s %s", verb, resource),
		      tc_printf(s->mem, "grant \"%s\" on %s%s%s in a ClusterRole", verb, resource, *group ? "." : "",
				group));
}

static void check_rights(struct tc_doctor *d)
{
	static const struct {
		const char *verb, *group, *resource;
	} rows[] = {
		{"patch", "", "secrets"},
		{"deletecollection", "", "secrets"},
		{"get", "", "namespaces"},
		{"patch", "", "namespaces"},
		{"patch", "networking.k8s.io", "networkpolicies"},
	};
	bool all = true;

	for (size_t i = 0; i < TC_COUNT(rows); i++)
		check_right(d, rows[i].verb, rows[i].group, rows[i].resource, &all);
	if (all)
		tc_doctor_say(d, "permissions", TC_CHECK_OK, "we may apply Secrets, namespaces and policies", NULL);
}

static void check_webhook(struct tc_doctor *d)
{
	struct tc_session *s = d->s;
	struct tc_certs_view v = {.mem = s->mem, .now = (int64_t)time(NULL)};
	const char *webhook = d->webhook ? d->webhook : "tentc";
	struct tc_kube_error missing = {0};
	struct tc_error err = {0};

	if (tc_kube_get(s->kube, NULL,
			tc_kube_path(s->mem, "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/%s",
				     webhook),
			&missing) < 0 &&
	    missing.status == 404) {
		tc_doctor_say(d, "webhook", TC_CHECK_WARNING,
			      tc_printf(s->mem, "there is no MutatingWebhookConfiguration %s", webhook),
			      "kubectl apply -k deploy/; without it only compiled manifests are tentacles");
		return;
	}
	if (tc_certs_look(&v, s->kube, d->cert_secret, d->webhook, &err) < 0)
		tc_doctor_error(d, "webhook", &err);
	for (size_t i = 0; i < v.nproblems; i++)
		tc_doctor_say(d, "webhook", TC_CHECK_FAILED, v.problems[i], "tentc certs show says more");
	if (err.code == TC_E_NONE && !v.nproblems)
		tc_doctor_say(d, "webhook", TC_CHECK_OK, "its certificate fits, and is renewed in time", NULL);
	tc_buf_free(&v.out);
}

static void check_policies(struct tc_doctor *d)
{
	_cleanup_json_ json_t *items = NULL;
	struct tc_kube_error failed = {0};
	const char *version;

	if (tc_kube_list(d->s->kube, &items, &version, d->s->mem,
			 "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies?labelSelector="
			 "app.kubernetes.io%2Fpart-of%3Dtentacular",
			 &failed) < 0) {
		failed_call(d, &failed);
		return;
	}
	if (json_array_size(items) == 0)
		tc_doctor_say(
			d, "policies", TC_CHECK_WARNING,
			"no ValidatingAdmissionPolicy of tentc's is there, so pods may take another tentacle's name",
			"kubectl apply -k deploy/");
	else
		tc_doctor_say(d, "policies", TC_CHECK_OK,
			      tc_printf(d->s->mem, "%zu policies guard labels and Secrets", json_array_size(items)),
			      NULL);
}

void tc_doctor_cluster(struct tc_doctor *d)
{
	if (!check_version(d))
		return;
	check_clock(d);
	check_rights(d);
	check_webhook(d);
	check_policies(d);
}
