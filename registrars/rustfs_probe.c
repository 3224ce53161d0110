/* The server, and whether the administrator may do what it has to. */
#include <time.h>

#include "registrars/rustfs.h"

/* Of a user and a policy that cannot be there: names of tentacles begin otherwise. */
#define NOBODY "tentc-probe-nobody"
#define SKEW_MAX 60 /* seconds; servers refuse at 15 minutes */

/* Calls that change nothing: who lacks the right is told so, who has it that there is nothing of that name, or that the
 * body cannot be read. */
static const struct {
	const char *method, *op, *right;
	struct tc_param query[3];
} rights[] = {
	{"GET", "user-info", "admin:GetUser", {{"accessKey", TC_STR(NOBODY)}}},
	{"GET", "info-canned-policy", "admin:GetPolicy", {{"name", TC_STR(NOBODY)}}},
	{"PUT", "add-user", "admin:CreateUser", {{"accessKey", TC_STR(NOBODY)}}},
	{"PUT",
	 "set-user-status",
	 "admin:DisableUser",
	 {{"accessKey", TC_STR(NOBODY)}, {"status", TC_STR("disabled")}}},
	{"DELETE", "remove-user", "admin:DeleteUser", {{"accessKey", TC_STR(NOBODY)}}},
	{"PUT", "add-canned-policy", "admin:CreatePolicy", {{"name", TC_STR(NOBODY)}}},
	{"DELETE", "remove-canned-policy", "admin:DeletePolicy", {{"name", TC_STR(NOBODY)}}},
	{"PUT",
	 "set-user-or-group-policy",
	 "admin:AttachUserOrGroupPolicy",
	 {{"policyName", TC_STR(NOBODY)}, {"userOrGroup", TC_STR(NOBODY)}, {"isGroup", TC_STR("false")}}},
};

/* A secret key that is too short is refused after the right was looked at, and no user is made. */
static struct tc_str short_key(struct tc_rustfs *r, struct tc_buf *out)
{
	static const unsigned char zeros[TC_SEAL_SALT];
	const struct tc_str body = TC_STR("{\"secretKey\":\"short\",\"status\":\"enabled\"}");

	if (!r->dialect->sealed)
		return body;
	/* It holds no secret, so that the salt need not be random. */
	tc_rustfs_seal(out, r->s3_conf.login.secret_key, body, zeros, zeros);
	return tc_buf_str(out);
}

static int probe_right(struct tc_rustfs *r, struct tc_probed *out, size_t i, struct tc_error *err)
{
	_cleanup_s3_answer_ struct tc_s3_answer answer = {0};
	_cleanup_buf_ struct tc_buf sealed = {0};
	struct tc_s3_request req = tc_rustfs_admin(r, rights[i].method, rights[i].op);

	req.step = tc_printf(r->mem, "try %s", rights[i].op);
	if (strcmp(rights[i].op, "add-user") == 0)
		req.body = short_key(r, &sealed);
	memcpy(req.query, rights[i].query, sizeof(rights[i].query));
	if (tc_s3_call(r->s3, &req, &answer, err) < 0)
		return -1;
	if (answer.status == 503 || (answer.status == 403 && strcmp(answer.code, "AccessDenied") != 0))
		return tc_s3_refused(&req, &answer, err);
	if (answer.status == 403)
		tc_probed_add(out, "the administrator lacks the right %s; docs/rustfs.md lists those it needs",
			      rights[i].right);
	return 0;
}

/* Servers call it 500 when what is to be changed is not there, so only what they say of themselves counts. */
static int probe_server(struct tc_rustfs *r, struct tc_probed *out, struct tc_error *err)
{
	_cleanup_json_ json_t *policies = NULL, *info = NULL;
	struct tc_s3_request req = tc_rustfs_admin(r, "GET", "list-canned-policies");
	struct tc_error ignored = {0};
	const char *version;

	/* The first call tells a wrong dialect, login or clock from a missing right. */
	req.step = "list the policies";
	if (tc_rustfs_admin_read(r, &req, &policies, err) < 0)
		return -1;
	req = tc_rustfs_admin(r, "GET", "info");
	req.step = "read the server's version";
	(void)tc_rustfs_admin_read(r, &req, &info, &ignored);
	version = json_string_value(
		json_object_get(json_array_get(json_object_get(json_object_get(info, "info"), "servers"), 0),
				"version"));
	if (!version)
		version = json_string_value(
			json_object_get(json_array_get(json_object_get(info, "servers"), 0), "version"));
	if (version && *version == '@')
		version++;
	out->version = version ? tc_printf(out->mem, "%.64s, dialect \"%s\"", version, r->dialect->name)
			       : tc_printf(out->mem, "unknown version, dialect \"%s\"", r->dialect->name);
	return 0;
}

static int probe_clock(struct tc_rustfs *r, struct tc_probed *out, struct tc_error *err)
{
	_cleanup_s3_answer_ struct tc_s3_answer answer = {0};
	struct tc_s3_request req = {.step = "ask for the server's clock", .method = "GET", .path = "/"};
	int64_t off;

	if (tc_s3_call(r->s3, &req, &answer, err) < 0)
		return -1;
	off = answer.date < 0 ? 0 : answer.date - (int64_t)time(NULL);
	if (off > SKEW_MAX || off < -SKEW_MAX)
		tc_probed_add(out,
			      "the server's clock is %lld seconds %s ours, and at 900 it refuses; set the one that is "
			      "wrong",
			      (long long)(off > 0 ? off : -off), off > 0 ? "ahead of" : "behind");
	return 0;
}

/* One for all tentacles; one of each enclave is looked at with the enclave. */
static int probe_bucket(struct tc_rustfs *r, struct tc_probed *out, struct tc_error *err)
{
	_cleanup_s3_answer_ struct tc_s3_answer answer = {0};
	const char *bucket;
	bool own, there;
	struct tc_s3_request req = {.method = "GET", .query = {{"policy", TC_STR("")}}};

	tc_rustfs_bucket_of(r, "x", &bucket, &own);
	if (own)
		return 0;
	if (tc_rustfs_bucket_there(r, bucket, &there, err) < 0)
		return -1;
	if (!there)
		return 0; /* it is made with the first enclave */
	req.step = tc_printf(r->mem, "read the policy of the bucket %s", bucket);
	req.path = tc_s3_path(r->mem, bucket, NULL);
	if (tc_s3_call(r->s3, &req, &answer, err) < 0)
		return -1;
	if (tc_s3_good(&answer))
		tc_probed_add(out,
			      "the bucket %s has a policy of its own, which may open the prefixes of all tentacles; "
			      "look at it",
			      bucket);
	return 0;
}

int tc_rustfs_probe(struct tc_probed *out, void *self, struct tc_error *err)
{
	struct tc_rustfs *r = self;
	const char *mode = r->s3_conf.tls_mode ? r->s3_conf.tls_mode : "";

	tc_rustfs_begin(r);
	if (probe_server(r, out, err) < 0 || probe_clock(r, out, err) < 0)
		return -1;
	for (size_t i = 0; i < TC_COUNT(rights); i++)
		if (probe_right(r, out, i, err) < 0)
			return -1;
	if (!r->dialect->sealed && (!*mode || strcmp(mode, "disable") == 0))
		tc_probed_add(out, "secret keys of tentacles go over the network as they are; set "
				   "services.rustfs.admin.tls.mode, or admin.dialect to minio, which encrypts them "
				   "(RustFS speaks it too)");
	return probe_bucket(r, out, err);
}
