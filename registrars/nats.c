#include "registrars/nats.h"

#include "compiler/contract/identity.h"

/* --- the registrar ---------------------------------------------------------------------------------------------------
 */

static const char *setting(const struct tc_admin *admin, size_t row, const char *fallback)
{
	const char *value = admin->settings ? admin->settings[row] : NULL;

	return value && *value ? value : fallback;
}

static int check(const struct tc_registrar_conf *conf, struct tc_error *err)
{
	const struct tc_admin *admin = conf->admin;

	if (!admin || !admin->settings || !admin->user || !admin->password.len)
		return tc_fail(err, TC_E_USAGE,
			       "nats: there is no administrator; give services.nats.admin.user and passwordFile (or "
			       "TENTACULAR_NATS_TOKEN): a user of the server's system account");
	return 0;
}

static const struct tc_nats_store *const stores[] = {&tc_nats_store_file, &tc_nats_store_secret};

static const struct tc_nats_store *store_of(const struct tc_admin *admin)
{
	const char *mode = setting(admin, TC_NATS_MODE, stores[0]->mode);

	for (size_t i = 0; i < TC_COUNT(stores); i++)
		if (strcmp(stores[i]->mode, mode) == 0)
			return stores[i];
	return NULL; /* unreachable: the configuration has no other mode */
}

static int open_registrar(void **self, const struct tc_registrar_conf *conf, struct tc_error *err)
{
	struct tc_nats_registrar *r;

	if (check(conf, err) < 0)
		return -1;
	r = tc_xalloc(sizeof(*r));
	r->conf = *conf;
	r->seconds = conf->seconds ? conf->seconds : 10;
	r->shards = (unsigned)strtoul(setting(conf->admin, TC_NATS_SHARDS, "1"), NULL, 10);
	r->store = store_of(conf->admin);
	r->dir = setting(conf->admin, TC_NATS_DIR, "");
	r->secrets = setting(conf->admin, TC_NATS_SECRETS, "");
	if (r->store->open(r, err) < 0) {
		free(r);
		return -1;
	}
	r->mem = tc_arena_new_secret(32 * 1024);
	r->servers_mem = tc_arena_new(4096);
	*self = r;
	return 0;
}

static void close_registrar(void *self)
{
	struct tc_nats_registrar *r = self;

	if (!r)
		return;
	tc_nats_close(r->admin);
	tc_nats_forget_accounts(r);
	r->store->close(r);
	tc_arena_free(r->servers_mem);
	tc_arena_free(r->mem);
	free(r);
}

void tc_nats_begin(struct tc_nats_registrar *r)
{
	tc_arena_free(r->mem);
	r->mem = tc_arena_new_secret(32 * 1024);
	tc_nats_forget_accounts(r);
}

int tc_nats_need_keys(const struct tc_nats_registrar *r, struct tc_error *err)
{
	if (r->conf.keys && tc_keyring_has(r->conf.keys, r->conf.config->key_id))
		return 0;
	return tc_fail(err, TC_E_USAGE, "nats: a credential is needed and there is no root key \"%s\"",
		       r->conf.config->key_id);
}

const char *tc_nats_derive(struct tc_nats_registrar *r, const char *field, const char *enclave, const char *name,
			   unsigned epoch)
{
	char *text = tc_alloc_text(r->mem, TC_CREDENTIAL_LEN + 1);

	tc_credential_derive(r->conf.keys, r->conf.config->key_id,
			     &(struct tc_credential){
				     .service = "nats",
				     .field = field,
				     .installation = r->conf.config->installation,
				     .enclave = enclave,
				     .name = name,
				     .epoch = epoch,
			     },
			     text);
	return text;
}

/* --- taking away -----------------------------------------------------------------------------------------------------
 */

struct removal {
	struct tc_nats_registrar *r;
	const struct tc_want *want;
	bool keep; /* its name, and the epoch of its last credential */
};

static int take_out(void *self, struct tc_nats_accounts *a, struct tc_error *err)
{
	const struct removal *x = self;
	struct tc_nats_entry *entry = tc_nats_find(a, x->want->enclave, x->want->name);

	if (!entry)
		return tc_nats_look_for_lost(x->r, a, err);
	if (!x->keep) {
		tc_nats_remove(a, entry);
		return 0;
	}
	entry->retained = true;
	entry->user = (struct tc_str){.s = "", .len = 0};
	return 0;
}

/* A user of that name whom nothing of ours made: then taking ours out has not shut the door. */
static int refused_now(struct tc_nats_registrar *r, const struct tc_want *want, struct tc_error *err)
{
	const char *user = tc_printf(r->mem, "%s.%s", want->enclave, want->name);
	const char *password = tc_nats_derive(r, "token", want->enclave, want->name, want->epoch);

	for (size_t i = 0; i < r->nservers; i++) {
		_cleanup_(tc_nats_close) struct tc_nats *n = NULL;
		enum tc_nats_answer answer = tc_nats_login_at(r, &n, &r->servers[i], user, password, 0, err);

		if (answer == TC_NATS_FAILED)
			return -1;
		if (answer != TC_NATS_REFUSED)
			return tc_fail(err, TC_E_REJECTED,
				       "nats: \"%s\" may still log in at the server \"%s\", though it is in none of "
				       "tentc's files: take it out of the server's own configuration",
				       user, r->servers[i].name);
	}
	return 0;
}

static int shut(struct tc_nats_registrar *r, const struct tc_want *want, bool keep, struct tc_error *err)
{
	struct removal x = {.r = r, .want = want, .keep = keep};
	struct tc_nats_accounts a;

	if (tc_nats_need_keys(r, err) < 0 || tc_nats_servers(r, err) < 0 ||
	    tc_nats_change(r, &a, tc_nats_shard_of(r, want->enclave), take_out, &x, err) < 0 ||
	    tc_nats_converge(r, &a, 1, err) < 0 ||
	    tc_nats_end_sessions(r, tc_printf(r->mem, "%s.%s", want->enclave, want->name), err) < 0)
		return -1;
	return refused_now(r, want, err);
}

static int retain(void *self, const struct tc_want *want, struct tc_error *err)
{
	struct tc_nats_registrar *r = self;

	tc_nats_begin(r);
	return shut(r, want, true, err);
}

static int destroy_stream(struct tc_nats_registrar *r, const struct tc_want *want, struct tc_error *err)
{
	struct tc_nats_accounts a;
	uint64_t messages, bytes;
	bool there;

	if (tc_nats_accounts_read(r, &a, tc_nats_shard_of(r, want->enclave), err) < 0)
		return -1;
	/* without a line of it there is no account either */
	if (!tc_nats_find(&a, want->enclave, want->name))
		return 0;
	if (tc_nats_stream_look(r, want, &there, &messages, &bytes, err) < 0)
		return -1;
	return there ? tc_nats_stream_destroy(r, want, err) : 0;
}

static int destroy(void *self, const struct tc_want *want, struct tc_error *err)
{
	struct tc_nats_registrar *r = self;

	tc_nats_begin(r);
	/* The door, the data, and last the line that says that there may be some. */
	if (tc_nats_streams(r) && (shut(r, want, true, err) < 0 || destroy_stream(r, want, err) < 0))
		return -1;
	return shut(r, want, false, err);
}

/* The account goes with its last tentacle. */
static int enclave_destroy(void *self, const char *enclave, struct tc_error *err)
{
	struct tc_nats_registrar *r = self;
	struct tc_nats_accounts a;
	const struct tc_nats_entry *first = NULL;
	size_t count = 0;

	tc_nats_begin(r);
	if (tc_nats_accounts_read(r, &a, tc_nats_shard_of(r, enclave), err) < 0)
		return -1;
	if (a.foreign)
		return tc_nats_refuse(&a, err);
	for (size_t i = 0; i < a.nentries; i++)
		if (strcmp(a.entries[i].enclave, enclave) == 0 && count++ == 0)
			first = &a.entries[i];
	if (!first)
		return 0;
	return tc_fail(err, TC_E_REJECTED,
		       "nats: the enclave \"%s\" still has %zu user%s, such as \"%s.%s\"; undeploy its tentacles with "
		       "--force first",
		       enclave, count, count == 1 ? "" : "s", enclave, first->name);
}

const struct tc_registrar_ops tc_registrar_nats = {
	.service = "nats",
	.open = open_registrar,
	.close = close_registrar,
	.probe = tc_nats_probe,
	.observe = tc_nats_observe,
	.observe_all = tc_nats_observe_all,
	.apply = tc_nats_apply,
	.apply_all = tc_nats_apply_all,
	.verify = tc_nats_verify,
	.retain = retain,
	.destroy = destroy,
	.enclave_destroy = enclave_destroy,
};
