/* What is there of a tentacle, and of all of them. */
#include "compiler/contract/identity.h"
#include "registrars/rustfs.h"

/* --- one, from what was read of it */

/* Whose it is: only the policy says so. */
static void judge(struct tc_rustfs_seen *seen, const struct tc_rustfs_names *n, struct tc_arena *mem)
{
	const struct tc_rustfs_mark *m = &seen->mark;

	if (seen->policy && !m->installation)
		seen->foreign = tc_printf(mem, "the policy \"%s\" was not made by tentc", n->user);
	else if (seen->policy && strcmp(m->installation, n->installation) != 0)
		seen->foreign =
			tc_printf(mem, "the policy \"%s\" belongs to the installation \"%s\", this one is \"%s\"",
				  n->user, m->installation, n->installation);
	else if (seen->policy && (strcmp(m->enclave, n->enclave) != 0 || strcmp(m->name, n->name) != 0))
		seen->foreign = tc_printf(mem, "the policy \"%s\" belongs to %s/%s", n->user, m->enclave, m->name);
	else if (!seen->policy && seen->user.there)
		seen->foreign = tc_printf(mem, "the user \"%s\" is there without a policy of tentc", n->user);
}

static void compare(struct tc_rustfs_seen *seen, const struct tc_rustfs_names *n)
{
	const struct tc_rustfs_user *u = &seen->user;
	struct tc_observed *o = &seen->observed;

	if (!seen->bucket)
		tc_observed_add(o, "bucket \"%s\" is missing", n->bucket);
	if (!seen->policy)
		tc_observed_add(o, "policy \"%s\" is missing", n->user);
	else if (!seen->policy_fits)
		tc_observed_add(o, "policy \"%s\" is not as it should be", n->user);
	if (!u->there) {
		tc_observed_add(o, "user \"%s\" is missing", n->user);
		return;
	}
	if (!u->enabled)
		tc_observed_add(o, "user \"%s\" is disabled", n->user);
	if (strcmp(u->policies, n->user) != 0)
		tc_observed_add(o, "user \"%s\" has %s%s%s for a policy", n->user, *u->policies ? "\"" : "",
				*u->policies ? u->policies : "nothing", *u->policies ? "\"" : "");
	if (*u->groups)
		tc_observed_add(o, "user \"%s\" is in the group \"%s\"", n->user, u->groups);
	if (seen->policy && !tc_rustfs_mark_is(&seen->mark, n))
		tc_observed_add(o, "secret key of \"%s\" is of key \"%s\", epoch %u, and not of key \"%s\", epoch %u",
				n->user, seen->mark.key_id, seen->mark.epoch, n->key_id, n->epoch);
}

static void conclude(struct tc_rustfs_seen *seen, const struct tc_rustfs_names *n, struct tc_arena *mem)
{
	struct tc_observed *o = &seen->observed;

	o->items = o->bytes = UINT64_MAX;
	if (!seen->user.there && !seen->policy) {
		o->state = TC_STATE_ABSENT;
		return;
	}
	if (!seen->foreign)
		judge(seen, n, mem);
	if (seen->foreign) {
		o->state = TC_STATE_FOREIGN;
		tc_observed_add(o, "%s", seen->foreign);
		return;
	}
	compare(seen, n);
	o->state = seen->user.there && !seen->user.enabled ? TC_STATE_RETAINED
		   : o->ndiffers                           ? TC_STATE_DIFFERS
							   : TC_STATE_APPLIED;
}

static void read_policy(struct tc_rustfs_seen *seen, const struct tc_rustfs_names *n, const json_t *policy,
			struct tc_arena *mem)
{
	_cleanup_json_ json_t *wanted = tc_rustfs_policy(n);

	seen->policy = policy != NULL;
	if (!policy)
		return;
	seen->policy_fits = tc_rustfs_policy_equal(policy, wanted);
	(void)tc_rustfs_mark_read(mem, policy, &seen->mark);
}

/* Somebody may have removed our policy. Who knows the derived secret key is ours all the same. */
static int known_by_login(struct tc_rustfs *r, const struct tc_rustfs_names *n, bool *ours, struct tc_error *err)
{
	_cleanup_s3_answer_ struct tc_s3_answer answer = {0};
	struct tc_rustfs_names copy = *n;
	bool in;

	*ours = false;
	if (!r->conf.keys)
		return 0;
	if (tc_rustfs_credential(r, &copy, err) < 0 || tc_rustfs_login(r, &copy, &in, &answer, err) < 0)
		return -1;
	*ours = in || strcmp(answer.code, "AccessDenied") == 0;
	return 0;
}

static int look_once(struct tc_rustfs *r, struct tc_rustfs_seen *out, const struct tc_rustfs_names *n,
		     struct tc_arena *mem, struct tc_error *err)
{
	_cleanup_json_ json_t *policy = NULL;
	bool ours;

	*out = (struct tc_rustfs_seen){.observed = {.mem = mem}};
	if (tc_rustfs_policy_read(r, n->user, &policy, err) < 0 ||
	    tc_rustfs_user_read(r, n->user, &out->user, err) < 0 ||
	    tc_rustfs_bucket_there(r, n->bucket, &out->bucket, err) < 0)
		return -1;
	read_policy(out, n, policy, mem);
	if (!out->policy && out->user.there) {
		if (known_by_login(r, n, &ours, err) < 0)
			return -1;
		if (ours) {
			compare(out, n);
			out->observed.state = TC_STATE_DIFFERS;
			out->observed.items = out->observed.bytes = UINT64_MAX;
			return 0;
		}
	}
	conclude(out, n, mem);
	return 0;
}

int tc_rustfs_look(struct tc_rustfs *r, struct tc_rustfs_seen *out, const struct tc_rustfs_names *n,
		   struct tc_arena *mem, struct tc_error *err)
{
	if (look_once(r, out, n, mem, err) < 0)
		return -1;
	/* Policy and user are read one after the other: another run may have made or removed both in between. */
	if (out->foreign && !out->policy)
		return look_once(r, out, n, mem, err);
	return 0;
}

int tc_rustfs_refuse_foreign(const struct tc_rustfs_seen *seen, struct tc_error *err)
{
	return tc_fail(err, TC_E_REJECTED,
		       "rustfs: %s; it was left as it is: give this installation names of its own, or remove what is "
		       "there by hand",
		       seen->foreign);
}

int tc_rustfs_observe(struct tc_observed *out, void *self, const struct tc_want *want, struct tc_error *err)
{
	struct tc_rustfs *r = self;
	struct tc_rustfs_names n;
	struct tc_rustfs_seen seen;

	tc_rustfs_begin(r);
	tc_rustfs_names(r, &n, want);
	if (tc_rustfs_look(r, &seen, &n, out->mem, err) < 0)
		return -1;
	*out = seen.observed;
	out->items = out->bytes = 0;
	return seen.bucket ? tc_rustfs_count(r, &n, &out->items, &out->bytes, err) : 0;
}

/* --- all */

struct all {
	struct tc_rustfs *r;
	struct tc_arena *mem;
	json_t *policies, *users; /* by name; users NULL: no call tells them, and each was asked for */
	const char **names;       /* of those, sorted */
	struct tc_rustfs_user *asked;
	size_t nasked, cap;
	json_t *buckets; /* what is known of buckets: name -> true or false */
	json_t *told;    /* users that were told already */
	void (*each)(void *, const char *, const char *, const struct tc_observed *);
	void *each_self;
};

static int bucket_there(struct all *a, const char *bucket, bool *there, struct tc_error *err)
{
	const json_t *known = json_object_get(a->buckets, bucket);

	*there = json_is_true(known);
	if (known)
		return 0;
	if (tc_rustfs_bucket_there(a->r, bucket, there, err) < 0)
		return -1;
	json_object_set_new(a->buckets, bucket, json_boolean(*there));
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void name_user(struct all *a, const char *name)
{
	tc_grow(a->mem, a->names, a->nasked, a->cap);
	a->names[a->nasked++] = tc_strdup(a->mem, name);
}

/* Where the users are not listed in the clear: those that are wanted, and those that could belong to a policy of ours.
 */
static int ask_for_users(struct all *a, const struct tc_want *wants, size_t nwants, struct tc_error *err)
{
	struct tc_rustfs_mark mark;
	const char *name;
	json_t *policy;
	size_t kept = 0;

	for (size_t i = 0; i < nwants; i++)
		name_user(a, tc_name_tentacle(a->mem, wants[i].enclave, wants[i].name));
	json_object_foreach(a->policies, name, policy)
	{
		if (tc_rustfs_mark_read(a->mem, policy, &mark) &&
		    strcmp(mark.installation, a->r->conf.config->installation) == 0)
			name_user(a, name);
	}
	if (a->nasked)
		qsort(a->names, a->nasked, sizeof(*a->names), by_text);
	for (size_t i = 0; i < a->nasked; i++)
		if (i == 0 || strcmp(a->names[i], a->names[kept - 1]) != 0)
			a->names[kept++] = a->names[i];
	a->nasked = kept;
	a->asked = tc_alloc(a->mem, kept * sizeof(*a->asked));
	return tc_rustfs_users_read(a->r, a->names, kept, a->asked, a->mem, err);
}

static int read_user(struct all *a, const char *user, struct tc_rustfs_user *out, struct tc_error *err)
{
	const char **found;

	if (a->users) {
		tc_rustfs_user_parse(a->mem, json_object_get(a->users, user), out);
		return 0;
	}
	found = a->nasked ? bsearch(&user, a->names, a->nasked, sizeof(*a->names), by_text) : NULL;
	if (!found)
		return tc_rustfs_user_read(a->r, user, out, err);
	*out = a->asked[found - a->names];
	return 0;
}

static int tell(struct all *a, const struct tc_rustfs_names *n, struct tc_error *err)
{
	struct tc_rustfs_seen seen = {.observed = {.mem = a->mem}};

	read_policy(&seen, n, json_object_get(a->policies, n->user), a->mem);
	if (read_user(a, n->user, &seen.user, err) < 0)
		return -1;
	if (bucket_there(a, n->bucket, &seen.bucket, err) < 0)
		return -1;
	conclude(&seen, n, a->mem);
	/* Whether it is ours is found out when it is looked at alone. */
	if (!seen.policy && seen.user.there)
		seen.observed.state = TC_STATE_DIFFERS;
	json_object_set_new(a->told, n->user, json_true());
	a->each(a->each_self, n->enclave, n->name, &seen.observed);
	return 0;
}

/* r->mem and a->mem grow with every tentacle else. */
static int tell_want(struct all *a, const struct tc_want *want, struct tc_error *err)
{
	struct tc_arena_mark here = tc_arena_mark(a->mem), there = tc_arena_mark(a->r->mem);
	struct tc_rustfs_names n;
	int rc;

	tc_rustfs_names(a->r, &n, want);
	rc = json_object_get(a->told, n.user) ? 0 : tell(a, &n, err);
	tc_arena_rewind(a->mem, here);
	tc_arena_rewind(a->r->mem, there);
	return rc;
}

/* Those that nobody wants, by the marks of their policies: at the epoch that they have. */
static int tell_others(struct all *a, struct tc_error *err)
{
	struct tc_rustfs_mark mark;
	const char *name;
	json_t *policy;

	json_object_foreach(a->policies, name, policy)
	{
		if (json_object_get(a->told, name) || !tc_rustfs_mark_read(a->mem, policy, &mark) ||
		    strcmp(mark.installation, a->r->conf.config->installation) != 0 ||
		    strcmp(name, tc_name_tentacle(a->mem, mark.enclave, mark.name)) != 0)
			continue;
		if (tell_want(a,
			      &(struct tc_want){.enclave = tc_strdup(a->r->mem, mark.enclave),
						.name = tc_strdup(a->r->mem, mark.name),
						.epoch = mark.epoch},
			      err) < 0)
			return -1;
	}
	return 0;
}

static int read_all(struct tc_rustfs *r, const char *op, const char *step, json_t **out, struct tc_error *err)
{
	struct tc_s3_request req = tc_rustfs_admin(r, "GET", op);

	req.step = step;
	if (tc_rustfs_admin_read(r, &req, out, err) < 0)
		return -1;
	if (!*out)
		*out = json_object();
	return 0;
}

int tc_rustfs_observe_all(void *self, const struct tc_want *wants, size_t nwants,
			  void (*each)(void *, const char *, const char *, const struct tc_observed *), void *each_self,
			  struct tc_error *err)
{
	struct tc_rustfs *r = self;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	_cleanup_json_ json_t *policies = NULL, *users = NULL, *told = json_object(), *buckets = json_object();
	struct all a = {.r = r, .mem = mem, .told = told, .buckets = buckets, .each = each, .each_self = each_self};

	tc_rustfs_begin(r);
	if (read_all(r, "list-canned-policies", "list the policies", &policies, err) < 0 ||
	    (r->dialect->lists_users && read_all(r, "list-users", "list the users", &users, err) < 0))
		return -1;
	a.policies = policies;
	a.users = users;
	if (!users && ask_for_users(&a, wants, nwants, err) < 0)
		return -1;
	for (size_t i = 0; i < nwants; i++)
		if (tell_want(&a, &wants[i], err) < 0)
			return -1;
	return tell_others(&a, err);
}

int tc_rustfs_inhabitant(struct tc_rustfs *r, const char *enclave, const char **name, struct tc_error *err)
{
	_cleanup_json_ json_t *policies = NULL;
	struct tc_rustfs_mark mark;
	const char *key;
	json_t *policy;

	*name = NULL;
	if (read_all(r, "list-canned-policies", "list the policies", &policies, err) < 0)
		return -1;
	json_object_foreach(policies, key, policy) if (tc_rustfs_mark_read(r->mem, policy, &mark) &&
						       strcmp(mark.installation, r->conf.config->installation) == 0 &&
						       strcmp(mark.enclave, enclave) == 0) *name = mark.name;
	return 0;
}
