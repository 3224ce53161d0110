#include "registrars/rustfs.h"

#include "compiler/contract/identity.h"

/* --- the registrar ---------------------------------------------------------------------------------------------------
 */

static const char *set(const char *text, const char *fallback)
{
	return text && *text ? text : fallback;
}

static int open_registrar(void **self, const struct tc_registrar_conf *conf, struct tc_error *err)
{
	const struct tc_admin *admin = conf->admin;
	const struct tc_service_config *service = conf->service;
	struct tc_rustfs *r;

	if (!admin || !admin->user || !admin->password.len)
		return tc_fail(err, TC_E_USAGE,
			       "rustfs: there is no administrator; give services.rustfs.admin.accessKeyFile and "
			       "secretKeyFile, or TENTACULAR_RUSTFS_ACCESS_KEY and TENTACULAR_RUSTFS_SECRET_KEY");
	r = tc_xalloc(sizeof(*r));
	r->conf = *conf;
	r->mem = tc_arena_new_secret(32 * 1024);
	r->seconds = conf->seconds ? conf->seconds : 10;
	r->dialect = tc_rustfs_dialect(admin->settings ? set(admin->settings[0], "rustfs") : "rustfs");
	r->s3_conf = (struct tc_s3_conf){
		.host = set(admin->host, service->host),
		.port = admin->port ? admin->port : service->port,
		.tls_mode = set(admin->tls_mode, service->tls_mode),
		.tls_ca = set(admin->tls_ca, service->tls_ca),
		.region = set(admin->settings ? admin->settings[1] : NULL, service->settings[1]),
		.login = {.access_key = admin->user,
			  .secret_key = {.s = (const char *)admin->password.bytes, .len = admin->password.len}},
		.seconds = r->seconds,
	};
	tc_s3_open(&r->s3, &r->s3_conf);
	*self = r;
	return 0;
}

static void close_registrar(void *self)
{
	struct tc_rustfs *r = self;

	if (!r)
		return;
	tc_s3_free(r->s3);
	tc_arena_free(r->mem);
	free(r);
}

void tc_rustfs_begin(struct tc_rustfs *r)
{
	tc_arena_free(r->mem);
	r->mem = tc_arena_new_secret(32 * 1024);
}

void tc_rustfs_bucket_of(struct tc_rustfs *r, const char *enclave, const char **bucket, bool *own)
{
	const char *template = r->conf.service->settings[0];

	*bucket = tc_template_expand(r->mem, template, enclave);
	*own = strcmp(template, tc_template_expand(r->mem, template, "")) != 0;
}

static const char *derive(struct tc_rustfs *r, const struct tc_rustfs_names *n, const char *field)
{
	char *text = tc_alloc_text(r->mem, TC_CREDENTIAL_LEN + 1);

	tc_credential_derive(r->conf.keys, n->key_id,
			     &(struct tc_credential){
				     .service = "rustfs",
				     .field = field,
				     .installation = n->installation,
				     .enclave = n->enclave,
				     .name = n->name,
				     .epoch = n->epoch,
			     },
			     text);
	return text;
}

void tc_rustfs_names(struct tc_rustfs *r, struct tc_rustfs_names *out, const struct tc_want *want)
{
	*out = (struct tc_rustfs_names){
		.installation = r->conf.config->installation,
		.enclave = tc_strdup(r->mem, want->enclave),
		.name = tc_strdup(r->mem, want->name),
		.key_id = r->conf.config->key_id,
		.user = tc_name_tentacle(r->mem, want->enclave, want->name),
		.prefix = tc_printf(r->mem, "%s/%s/", want->enclave, want->name),
		.epoch = want->epoch,
	};
	tc_rustfs_bucket_of(r, want->enclave, &out->bucket, &out->own_bucket);
	if (r->conf.keys)
		out->check = derive(r, out, "secret_key.check");
}

int tc_rustfs_credential(struct tc_rustfs *r, struct tc_rustfs_names *n, struct tc_error *err)
{
	if (!r->conf.keys)
		return tc_fail(err, TC_E_USAGE, "rustfs: a credential is needed and there is no root key");
	n->login = (struct tc_s3_login){.access_key = n->user, .secret_key = tc_str(derive(r, n, "secret_key"))};
	return 0;
}

int tc_rustfs_change(struct tc_rustfs *r, const struct tc_s3_request *req, struct tc_s3_answer *answer,
		     struct tc_error *err)
{
	tc_step(&r->conf, "%s", req->step);
	return tc_s3_do(r->s3, req, answer, err);
}

/* --- as the tenant ---------------------------------------------------------------------------------------------------
 */

#define PROBE ".tentc-probe"

static struct tc_s3_request tenants_list(struct tc_rustfs *r, const struct tc_rustfs_names *n)
{
	return (struct tc_s3_request){
		.step = tc_printf(r->mem, "list %s as the user %s", n->prefix, n->user),
		.method = "GET",
		.path = tc_s3_path(r->mem, n->bucket, NULL),
		/* Escaped, else a key of the tenant's could make an answer that is no XML. */
		.query = {{"list-type", TC_STR("2")},
			  {"encoding-type", TC_STR("url")},
			  {"max-keys", TC_STR("1")},
			  {"prefix", tc_str(n->prefix)}},
		.as = &n->login,
	};
}

int tc_rustfs_login(struct tc_rustfs *r, const struct tc_rustfs_names *n, bool *in, struct tc_s3_answer *answer,
		    struct tc_error *err)
{
	struct tc_s3_request req = tenants_list(r, n);

	if (tc_s3_call(r->s3, &req, answer, err) < 0)
		return -1;
	*in = tc_s3_good(answer);
	if (!*in && (answer->status >= 500 || strcmp(answer->code, "RequestTimeTooSkewed") == 0))
		return tc_s3_refused(&req, answer, err);
	return 0;
}

static int tenant_refused(const struct tc_s3_request *req, const struct tc_s3_answer *a, struct tc_error *err)
{
	static const struct {
		const char *code, *meaning;
	} rows[] = {
		{"InvalidAccessKeyId", "the server does not know the user, or it is disabled"},
		{"SignatureDoesNotMatch", "the server has another secret key for it"},
		{"AccessDenied", "its policy does not allow it"},
		{"NoSuchBucket", "the bucket is not there"},
	};

	if (a->status < 400 || a->status >= 500 || strcmp(a->code, "RequestTimeTooSkewed") == 0)
		return tc_s3_refused(req, a, err);
	for (size_t i = 0; i < TC_COUNT(rows); i++)
		if (strcmp(a->code, rows[i].code) == 0)
			return tc_fail(err, TC_E_DIFFERS, "rustfs: %s: %s (%s); register it again", req->step,
				       rows[i].meaning, a->code);
	return tc_fail(err, TC_E_DIFFERS, "rustfs: %s: the server refused (HTTP %d%s%s); register it again", req->step,
		       a->status, *a->code ? " " : "", a->code);
}

static int try_as_tenant(struct tc_rustfs *r, const struct tc_s3_request *req, bool writes, bool *versioned,
			 struct tc_error *err)
{
	_cleanup_s3_answer_ struct tc_s3_answer answer = {0};

	if (writes)
		tc_step(&r->conf, "%s", req->step);
	if (tc_s3_call(r->s3, req, &answer, err) < 0)
		return -1;
	*versioned |= answer.versioned;
	return tc_s3_good(&answer) ? 0 : tenant_refused(req, &answer, err);
}

/* Writes, lists and removes an object of its own. */
static int use(struct tc_rustfs *r, const struct tc_rustfs_names *n, struct tc_error *err)
{
	const char *key = tc_printf(r->mem, "%s" PROBE, n->prefix);
	struct tc_str name = tc_str(key);
	struct tc_s3_request put = {.step = tc_printf(r->mem, "write %s as the user %s", key, n->user),
				    .method = "PUT",
				    .path = tc_s3_path(r->mem, n->bucket, &name),
				    .as = &n->login};
	struct tc_s3_request list = tenants_list(r, n), gone = put;
	bool versioned = false;

	gone.step = tc_printf(r->mem, "remove %s as the user %s", key, n->user);
	gone.method = "DELETE";
	if (try_as_tenant(r, &put, true, &versioned, err) < 0 || try_as_tenant(r, &list, false, &versioned, err) < 0 ||
	    try_as_tenant(r, &gone, true, &versioned, err) < 0)
		return -1;
	/* Where the bucket keeps versions, they would pile up. */
	return versioned ? tc_rustfs_empty(r, n->bucket, key, err) : 0;
}

static int verify(void *self, const struct tc_want *want, struct tc_error *err)
{
	struct tc_rustfs *r = self;
	struct tc_rustfs_names n;

	tc_rustfs_begin(r);
	tc_rustfs_names(r, &n, want);
	if (tc_rustfs_credential(r, &n, err) < 0)
		return -1;
	return use(r, &n, err);
}

/* --- apply -----------------------------------------------------------------------------------------------------------
 */

static int old_epoch(const struct tc_rustfs_names *n, const struct tc_rustfs_seen *seen, struct tc_error *err)
{
	return tc_fail(
		err, TC_E_REJECTED,
		"rustfs: the user \"%s\" has a secret key of epoch %u, and epoch %u is wanted: an old key must not "
		"come back; raise tentacular.io/credential-epoch instead",
		n->user, seen->mark.epoch, n->epoch);
}

/* In an order that leaves, wherever it is ended, a state that is seen to differ: a new user without its policy
 * attached, an old one with the old mark. */
static int make(struct tc_rustfs *r, const struct tc_rustfs_names *n, const struct tc_rustfs_seen *seen, bool rekey,
		struct tc_error *err)
{
	const struct tc_rustfs_user *u = &seen->user;
	bool marked = tc_rustfs_mark_is(&seen->mark, n);
	bool policy_first = !seen->policy || (marked && !seen->policy_fits);

	if ((!seen->bucket || n->own_bucket) && tc_rustfs_bucket_ensure(r, n->bucket, n->own_bucket, err) < 0)
		return -1;
	if (policy_first && tc_rustfs_policy_write(r, n, err) < 0)
		return -1;
	if (*u->groups && tc_rustfs_user_leave(r, n, u->groups, err) < 0)
		return -1;
	if ((!u->there || !u->enabled || !marked || rekey) && tc_rustfs_user_write(r, n, err) < 0)
		return -1;
	if (strcmp(u->policies, n->user) != 0 && tc_rustfs_policy_attach(r, n, err) < 0)
		return -1;
	return seen->policy && !marked ? tc_rustfs_policy_write(r, n, err) : 0;
}

/* What is there, and whether the tenant gets in: the mark only says what we last set, the login proves it. */
static int settled(struct tc_rustfs *r, struct tc_rustfs_seen *seen, const struct tc_rustfs_names *n, bool *in,
		   struct tc_error *err)
{
	_cleanup_s3_answer_ struct tc_s3_answer answer = {0};

	*in = false;
	if (tc_rustfs_look(r, seen, n, r->mem, err) < 0)
		return -1;
	if (seen->foreign)
		return 0;
	if (seen->mark.installation && seen->mark.epoch > n->epoch)
		return old_epoch(n, seen, err);
	return seen->observed.state == TC_STATE_APPLIED ? tc_rustfs_login(r, n, in, &answer, err) : 0;
}

static int apply(void *self, const struct tc_want *want, struct tc_error *err)
{
	struct tc_rustfs *r = self;
	struct tc_rustfs_names n;
	struct tc_rustfs_seen seen;
	struct tc_error why = {0};
	bool in;

	tc_rustfs_begin(r);
	tc_rustfs_names(r, &n, want);
	if (tc_rustfs_credential(r, &n, err) < 0 || settled(r, &seen, &n, &in, err) < 0)
		return -1;
	if (seen.foreign)
		return tc_rustfs_refuse_foreign(&seen, err);
	/* What another run did meanwhile, servers call by many names, some of them 500: what is there decides, and what
	 * is missing then is done once more. So is the secret key, where all looks well and the tenant does not get in.
	 */
	for (unsigned round = 0; !in && !seen.foreign && round < 2; round++) {
		why = (struct tc_error){0};
		(void)make(r, &n, &seen, seen.observed.state == TC_STATE_APPLIED, &why);
		if (settled(r, &seen, &n, &in, err) < 0)
			return -1;
	}
	if (in)
		return 0;
	if (why.code) {
		*err = why;
		return -1;
	}
	return tc_fail(err, TC_E_RETRY,
		       "rustfs: the user \"%s\" is not as it should be though all was done for it: %s; try again",
		       n.user, seen.observed.ndiffers ? seen.observed.differs[0] : "the server does not let it in");
}

/* --- retain ----------------------------------------------------------------------------------------------------------
 */

static int retain(void *self, const struct tc_want *want, struct tc_error *err)
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
	if (!seen.user.there || !seen.user.enabled)
		return 0;
	/* Without it, a user that is disabled could not be told from somebody else's. */
	if (seen.policy || tc_rustfs_policy_write(r, &n, &why) == 0)
		(void)tc_rustfs_user_disable(r, &n, &why);
	if (tc_rustfs_user_read(r, n.user, &seen.user, err) < 0)
		return -1;
	if (!seen.user.there || !seen.user.enabled)
		return 0;
	*err = why;
	return why.code ? -1 : tc_fail(err, TC_E_RETRY, "rustfs: the user \"%s\" is still enabled; try again", n.user);
}

const struct tc_registrar_ops tc_registrar_rustfs = {
	.service = "rustfs",
	.open = open_registrar,
	.close = close_registrar,
	.probe = tc_rustfs_probe,
	.observe = tc_rustfs_observe,
	.observe_all = tc_rustfs_observe_all,
	.apply = apply,
	.verify = verify,
	.retain = retain,
	.destroy = tc_rustfs_destroy,
	.enclave_apply = tc_rustfs_enclave_apply,
	.enclave_destroy = tc_rustfs_enclave_destroy,
};
