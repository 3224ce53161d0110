/* All of a tentacle gone; and the bucket of an enclave, made and removed. */
#include "registrars/rustfs.h"

/* Closes the door, then removes what is behind it, then the user, and its mark last: a run that was ended is continued,
 * and nobody takes what is left for somebody else's. What another run removed first is refused to this one: only
 * looking again tells, so refusals are kept for then. */
static int remove_all(struct tc_rustfs *r, const struct tc_rustfs_names *n, const struct tc_rustfs_seen *seen,
		      struct tc_error *why, struct tc_error *err)
{
	/* Without it, a user that is disabled could not be told from somebody else's. */
	if (seen->user.there && !seen->policy && tc_rustfs_policy_write(r, n, why) < 0)
		return 0;
	if (seen->user.there && seen->user.enabled && tc_rustfs_user_disable(r, n, why) < 0)
		return 0;
	if (seen->bucket && tc_rustfs_empty(r, n->bucket, n->prefix, err) < 0)
		return -1;
	if (seen->user.there && tc_rustfs_user_remove(r, n, why) < 0)
		return 0;
	/* A request that was under way when the door closed may have ended since. */
	if (seen->bucket && tc_rustfs_empty(r, n->bucket, n->prefix, err) < 0)
		return -1;
	if (seen->policy || seen->user.there)
		(void)tc_rustfs_policy_remove(r, n, why);
	return 0;
}

int tc_rustfs_destroy(void *self, const struct tc_want *want, struct tc_error *err)
{
	struct tc_rustfs *r = self;
	struct tc_rustfs_names n;
	struct tc_rustfs_seen seen;
	struct tc_error why = {0};

	tc_rustfs_begin(r);
	tc_rustfs_names(r, &n, want);
	if (tc_rustfs_look(r, &seen, &n, r->mem, err) < 0)
		return -1;
	if (seen.foreign)
		return tc_rustfs_refuse_foreign(&seen, err);
	/* The second time for what another run did between our looking and our doing. */
	for (unsigned round = 0; round < 2 && !seen.foreign; round++) {
		why = (struct tc_error){0};
		if (remove_all(r, &n, &seen, &why, err) < 0 || tc_rustfs_look(r, &seen, &n, r->mem, err) < 0)
			return -1;
		if (seen.observed.state == TC_STATE_ABSENT)
			return 0;
	}
	*err = why;
	return why.code ? -1
			: tc_fail(err, TC_E_RETRY,
				  "rustfs: the user \"%s\" or its policy is still there; another run may have made it "
				  "again, try again",
				  n.user);
}

/* --- enclaves */

int tc_rustfs_enclave_apply(void *self, const char *enclave, struct tc_error *err)
{
	struct tc_rustfs *r = self;
	const char *bucket;
	bool own;

	tc_rustfs_begin(r);
	tc_rustfs_bucket_of(r, enclave, &bucket, &own);
	return tc_rustfs_bucket_ensure(r, bucket, own, err);
}

static int remove_bucket(struct tc_rustfs *r, const char *bucket, struct tc_error *err)
{
	_cleanup_s3_answer_ struct tc_s3_answer answer = {0};
	struct tc_s3_request req = {.step = tc_printf(r->mem, "remove the bucket %s", bucket),
				    .method = "DELETE",
				    .path = tc_s3_path(r->mem, bucket, NULL)};
	bool there;

	tc_step(&r->conf, "%s", req.step);
	if (tc_s3_call(r->s3, &req, &answer, err) < 0)
		return -1;
	if (answer.status == 409)
		return tc_fail(
			err, TC_E_REJECTED,
			"rustfs: the bucket %s holds objects that are no tentacle's; look at them, and remove it by "
			"hand",
			bucket);
	if (tc_rustfs_bucket_there(r, bucket, &there, err) < 0)
		return -1;
	if (!there)
		return 0;
	return tc_s3_good(&answer) ? tc_fail(err, TC_E_RETRY, "rustfs: the bucket %s is still there; try again", bucket)
				   : tc_s3_refused(&req, &answer, err);
}

int tc_rustfs_enclave_destroy(void *self, const char *enclave, struct tc_error *err)
{
	struct tc_rustfs *r = self;
	const char *bucket, *name, *installation;
	bool own, there;

	tc_rustfs_begin(r);
	tc_rustfs_bucket_of(r, enclave, &bucket, &own);
	if (tc_rustfs_inhabitant(r, enclave, &name, err) < 0)
		return -1;
	if (name)
		return tc_fail(err, TC_E_REJECTED,
			       "rustfs: the tentacle %s/%s still has its data there; destroy it first: tentc undeploy "
			       "%s/%s --force",
			       enclave, name, enclave, name);
	/* A bucket for all stays. */
	if (!own || tc_rustfs_bucket_there(r, bucket, &there, err) < 0)
		return own ? -1 : 0;
	if (!there)
		return 0;
	if (tc_rustfs_bucket_mark(r, bucket, &installation, err) < 0)
		return -1;
	if (!installation || strcmp(installation, r->conf.config->installation) != 0)
		return tc_fail(err, TC_E_REJECTED,
			       "rustfs: the bucket %s was not made by this installation; it was left as it is", bucket);
	return remove_bucket(r, bucket, err);
}
