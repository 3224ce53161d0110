/* Users and policies, in two dialects that differ in little: RustFS' and MinIO's. */
#include <sys/random.h>

#include "registrars/rustfs.h"

static const struct tc_rustfs_dialect dialects[] = {
	{.name = "rustfs", .base = "/rustfs/admin/v3/", .lists_users = true},
	/* RustFS speaks it too. */
	{.name = "minio", .base = "/minio/admin/v3/", .sealed = true},
};

const struct tc_rustfs_dialect *tc_rustfs_dialect(const char *name)
{
	for (size_t i = 0; i < TC_COUNT(dialects); i++)
		if (strcmp(dialects[i].name, name) == 0)
			return &dialects[i];
	return &dialects[0];
}

struct tc_s3_request tc_rustfs_admin(struct tc_rustfs *r, const char *method, const char *op)
{
	return (struct tc_s3_request){.step = op,
				      .method = method,
				      .path = tc_printf(r->mem, "%s%s", r->dialect->base, op)};
}

/* --- reading */

/* What the S3 side says to a path that the administration does not know: it takes it for a bucket. */
static bool no_such_dialect(const struct tc_s3_answer *a)
{
	return a->status == 405 || (a->status == 404 && (!*a->code || strcmp(a->code, "NoSuchBucket") == 0 ||
							 strcmp(a->code, "NoSuchKey") == 0));
}

static int wrong_dialect(struct tc_rustfs *r, const struct tc_s3_request *req, struct tc_error *err)
{
	return tc_fail(err, TC_E_USAGE,
		       "rustfs: %s: the server does not know %s, so it does not speak the dialect \"%s\"; set "
		       "services.rustfs.admin.dialect",
		       req->step, req->path, r->dialect->name);
}

int tc_rustfs_admin_read(struct tc_rustfs *r, const struct tc_s3_request *req, json_t **out, struct tc_error *err)
{
	_cleanup_s3_answer_ struct tc_s3_answer answer = {0};

	*out = NULL;
	if (tc_s3_call(r->s3, req, &answer, err) < 0)
		return -1;
	if (no_such_dialect(&answer))
		return wrong_dialect(r, req, err);
	if (answer.status == 404)
		return 0;
	if (!tc_s3_good(&answer))
		return tc_s3_refused(req, &answer, err);
	*out = json_loadb(answer.body.p ? answer.body.p : "", answer.body.len, 0, NULL);
	if (json_is_object(*out))
		return 0;
	json_decref(*out);
	*out = NULL;
	return tc_s3_garbage(req, "is no JSON object", err);
}

static const char *string_or_empty(struct tc_arena *mem, const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? tc_strdup(mem, s) : "";
}

static const char *join(struct tc_arena *mem, const json_t *list)
{
	_cleanup_buf_ struct tc_buf out = {0};
	const char *s;

	tc_buf_reserve(&out, 1);
	for (size_t i = 0; i < json_array_size(list); i++) {
		s = json_string_value(json_array_get(list, i));
		if (s && *s)
			tc_buf_printf(&out, "%s%s", out.len ? "," : "", s);
	}
	return tc_strndup(mem, out.p, out.len);
}

void tc_rustfs_user_parse(struct tc_arena *mem, const json_t *info, struct tc_rustfs_user *out)
{
	*out = (struct tc_rustfs_user){
		.there = info != NULL,
		.enabled = strcmp(string_or_empty(mem, info, "status"), "enabled") == 0,
		.policies = string_or_empty(mem, info, "policyName"),
		.groups = join(mem, json_object_get(info, "memberOf")),
	};
}

int tc_rustfs_user_read(struct tc_rustfs *r, const char *user, struct tc_rustfs_user *out, struct tc_error *err)
{
	_cleanup_json_ json_t *info = NULL;
	struct tc_s3_request req = tc_rustfs_admin(r, "GET", "user-info");

	req.step = tc_printf(r->mem, "read the user %s", user);
	req.query[0] = (struct tc_param){"accessKey", tc_str(user)};
	if (tc_rustfs_admin_read(r, &req, &info, err) < 0)
		return -1;
	tc_rustfs_user_parse(r->mem, info, out);
	return 0;
}

int tc_rustfs_policy_read(struct tc_rustfs *r, const char *name, json_t **out, struct tc_error *err)
{
	_cleanup_json_ json_t *info = NULL;
	json_t *inner;
	struct tc_s3_request req = tc_rustfs_admin(r, "GET", "info-canned-policy");

	*out = NULL;
	req.step = tc_printf(r->mem, "read the policy %s", name);
	req.query[0] = (struct tc_param){"name", tc_str(name)};
	if (tc_rustfs_admin_read(r, &req, &info, err) < 0)
		return -1;
	/* RustFS wraps it, MinIO does not. */
	inner = json_object_get(info, "policy");
	*out = json_incref(json_is_object(inner) ? inner : info);
	return 0;
}

/* --- writing */

int tc_rustfs_policy_write(struct tc_rustfs *r, const struct tc_rustfs_names *n, struct tc_error *err)
{
	_cleanup_json_ json_t *policy = tc_rustfs_policy(n);
	struct tc_s3_request req = tc_rustfs_admin(r, "PUT", "add-canned-policy");
	char *body = json_dumps(policy, JSON_COMPACT);
	int rc;

	if (!body)
		tc_no_memory();
	req.step = tc_printf(r->mem, "write the policy %s", n->user);
	req.query[0] = (struct tc_param){"name", tc_str(n->user)};
	req.body = tc_str(body);
	rc = tc_rustfs_change(r, &req, NULL, err);
	free(body);
	return rc;
}

int tc_rustfs_policy_attach(struct tc_rustfs *r, const struct tc_rustfs_names *n, struct tc_error *err)
{
	struct tc_s3_request req = tc_rustfs_admin(r, "PUT", "set-user-or-group-policy");

	req.step = tc_printf(r->mem, "give the policy to the user %s", n->user);
	/* It sets the whole list, so that nothing else remains. */
	req.query[0] = (struct tc_param){"policyName", tc_str(n->user)};
	req.query[1] = (struct tc_param){"userOrGroup", tc_str(n->user)};
	req.query[2] = (struct tc_param){"isGroup", TC_STR("false")};
	return tc_rustfs_change(r, &req, NULL, err);
}

int tc_rustfs_policy_remove(struct tc_rustfs *r, const struct tc_rustfs_names *n, struct tc_error *err)
{
	struct tc_s3_request req = tc_rustfs_admin(r, "DELETE", "remove-canned-policy");

	req.step = tc_printf(r->mem, "remove the policy %s", n->user);
	req.query[0] = (struct tc_param){"name", tc_str(n->user)};
	return tc_rustfs_change(r, &req, NULL, err);
}

static int seal(struct tc_rustfs *r, struct tc_buf *out, struct tc_str body, const char *step, struct tc_error *err)
{
	unsigned char random[TC_SEAL_SALT + TC_SEAL_NONCE];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return tc_fail(err, TC_E_BUG, "rustfs: %s: the system gave no random bytes", step);
	tc_rustfs_seal(out, r->s3_conf.login.secret_key, body, random, random + TC_SEAL_SALT);
	return 0;
}

int tc_rustfs_user_write(struct tc_rustfs *r, const struct tc_rustfs_names *n, struct tc_error *err)
{
	_cleanup_buf_ struct tc_buf plain = {.secret = true}, sealed = {.secret = true};
	struct tc_s3_request req = tc_rustfs_admin(r, "PUT", "add-user");

	req.step = tc_printf(r->mem, "write the user %s", n->user);
	req.query[0] = (struct tc_param){"accessKey", tc_str(n->user)};
	req.secret = true;
	/* Letters and digits: nothing to escape. */
	tc_buf_puts(&plain, "{\"secretKey\":\"");
	tc_buf_add(&plain, n->login.secret_key.s, n->login.secret_key.len);
	tc_buf_puts(&plain, "\",\"status\":\"enabled\"}");
	if (r->dialect->sealed && seal(r, &sealed, tc_buf_str(&plain), req.step, err) < 0)
		return -1;
	req.body = tc_buf_str(r->dialect->sealed ? &sealed : &plain);
	return tc_rustfs_change(r, &req, NULL, err);
}

int tc_rustfs_user_disable(struct tc_rustfs *r, const struct tc_rustfs_names *n, struct tc_error *err)
{
	struct tc_s3_request req = tc_rustfs_admin(r, "PUT", "set-user-status");

	req.step = tc_printf(r->mem, "disable the user %s", n->user);
	req.query[0] = (struct tc_param){"accessKey", tc_str(n->user)};
	req.query[1] = (struct tc_param){"status", TC_STR("disabled")};
	return tc_rustfs_change(r, &req, NULL, err);
}

int tc_rustfs_user_remove(struct tc_rustfs *r, const struct tc_rustfs_names *n, struct tc_error *err)
{
	struct tc_s3_request req = tc_rustfs_admin(r, "DELETE", "remove-user");

	req.step = tc_printf(r->mem, "remove the user %s", n->user);
	req.query[0] = (struct tc_param){"accessKey", tc_str(n->user)};
	return tc_rustfs_change(r, &req, NULL, err);
}

static int leave_group(struct tc_rustfs *r, const char *user, const char *group, struct tc_error *err)
{
	_cleanup_json_ json_t *body = json_pack("{s:s,s:[s],s:b,s:s}", "group", group, "members", user, "isRemove", 1,
						"groupStatus", "enabled");
	struct tc_s3_request req = tc_rustfs_admin(r, "PUT", "update-group-members");
	char *dumped = json_dumps(body, JSON_COMPACT);
	int rc;

	if (!dumped)
		return tc_fail(err, TC_E_BUG, "rustfs: the name of a group of %s is no UTF-8", user);
	req.step = tc_printf(r->mem, "take the user %s out of the group \"%s\"", user, group);
	req.body = tc_str(dumped);
	rc = tc_rustfs_change(r, &req, NULL, err);
	free(dumped);
	return rc;
}

int tc_rustfs_user_leave(struct tc_rustfs *r, const struct tc_rustfs_names *n, const char *groups, struct tc_error *err)
{
	char *rest = tc_strdup(r->mem, groups);

	for (char *group; (group = strsep(&rest, ","));)
		if (leave_group(r, n->user, group, err) < 0)
			return -1;
	return 0;
}
