/* Making tentacles users: of one or of many at once, with one write of each file and one reload of each server. */
#include "registrars/nats.h"

/* --- the proof -------------------------------------------------------------------------------------------------------
 */

static int wrong(const struct tc_nats_server *server, const struct tc_want *want, const char *what,
		 struct tc_error *err)
{
	return tc_fail(err, TC_E_DIFFERS, "nats: log in as \"%s.%s\" at the server \"%s\": %s; register it again",
		       want->enclave, want->name, server->name, what);
}

/* Asked of the server, and only asked: a message would reach the tentacle's own subscribers. */
static int try_subjects(struct tc_nats_registrar *r, struct tc_nats *n, const struct tc_nats_server *server,
			const struct tc_want *want, struct tc_error *err)
{
	const char *subject = tc_printf(r->mem, "%s.%s.tentc", want->enclave, want->name);
	bool may;

	for (size_t i = 0; i <= want->nconsumes; i++) {
		if (tc_nats_may_subscribe(n, &may, subject, err) < 0)
			return tc_wrap(err, "nats: subscribe to \"%s\" at the server \"%s\"", subject, server->name);
		if (!may)
			return wrong(server, want, tc_printf(r->mem, "it may not subscribe to \"%s\"", subject), err);
		if (i < want->nconsumes)
			subject = tc_printf(r->mem, "%s.%s.public.tentc", want->enclave, want->consumes[i]);
	}
	if (tc_nats_may_subscribe(n, &may, ">", err) < 0)
		return tc_wrap(err, "nats: subscribe to \">\" at the server \"%s\"", server->name);
	return may ? wrong(server, want, "it may subscribe to everything of the enclave", err) : 0;
}

static int prove_at(struct tc_nats_registrar *r, const struct tc_nats_server *server, const struct tc_want *want,
		    const char *password, struct tc_error *err)
{
	_cleanup_(tc_nats_close) struct tc_nats *n = NULL;
	const char *user = tc_printf(r->mem, "%s.%s", want->enclave, want->name), *account;
	enum tc_nats_answer answer = tc_nats_login_at(r, &n, server, user, password, TC_NATS_PATIENCE, err);

	/* The password was right, and its enclave uses all connections that it may have. */
	if (answer == TC_NATS_FULL)
		return 0;
	if (answer == TC_NATS_REFUSED)
		return wrong(server, want, "the server refuses the derived password", err);
	if (answer == TC_NATS_FAILED)
		return -1;
	account = tc_nats_info(n)->account;
	if (account && strcmp(account, want->enclave) != 0)
		return wrong(server, want, "it is in another account", err);
	return try_subjects(r, n, server, want, err);
}

int tc_nats_prove(struct tc_nats_registrar *r, const struct tc_want *want, struct tc_error *err)
{
	const char *password = tc_nats_derive(r, "token", want->enclave, want->name, want->epoch);

	for (size_t i = 0; i < r->nservers; i++)
		if (prove_at(r, &r->servers[i], want, password, err) < 0)
			return -1;
	return 0;
}

int tc_nats_verify(void *self, const struct tc_want *want, struct tc_error *err)
{
	struct tc_nats_registrar *r = self;

	tc_nats_begin(r);
	if (tc_nats_need_keys(r, err) < 0 || tc_nats_servers(r, err) < 0)
		return -1;
	return tc_nats_prove(r, want, err);
}

/* --- many at once ----------------------------------------------------------------------------------------------------
 */

struct batch {
	struct tc_nats_registrar *r;
	const struct tc_want *wants;
	size_t count;
	unsigned *shards;           /* of each want */
	struct tc_error *failures;  /* of each want; code 0: none */
	struct tc_nats_entry *made; /* of each want; a change that is tried again computes no password again */
	unsigned shard;             /* that is changed now */
};

/* Whether somebody has written it since; then all is done again, and what was seen of the servers says nothing. */
static int changed_since(struct tc_nats_registrar *r, const struct tc_nats_accounts *a, bool *changed,
			 struct tc_error *err)
{
	struct tc_nats_accounts now;

	if (tc_nats_read_one(r, &now, a->shard, err) < 0)
		return -1;
	*changed = !tc_str_equal(now.text, a->text) ||
		   strcmp(now.version ? now.version : "", a->version ? a->version : "");
	return 0;
}

/* An account of that name which is not in our file is somebody else's; or it is one of ours that was taken out, by a
 * run that was ended before it could say so to the servers; or another run has put it there just now. */
static int refuse_other_account(struct tc_nats_registrar *r, struct tc_nats_accounts *a, const char *enclave,
				struct tc_error *err)
{
	struct tc_nats_accounts now;
	bool there, changed;

	if (tc_nats_account_there(r, &there, enclave, err) < 0)
		return -1;
	if (!there)
		return 0;
	if (tc_nats_look_for_lost(r, a, err) < 0)
		return -1;
	if (a->gone)
		return 0; /* as far as can be told, it is one that the file had */
	tc_nats_forget_accounts(r);
	if (tc_nats_accounts_read(r, &now, a->shard, err) < 0 || tc_nats_converge(r, &now, 1, err) < 0 ||
	    tc_nats_account_there(r, &there, enclave, err) < 0 || changed_since(r, a, &changed, err) < 0)
		return -1;
	if (!there || changed)
		return 0;
	return tc_fail(err, TC_E_REJECTED,
		       "nats: the account \"%s\" is one that the server's own configuration has, and not tentc's; it "
		       "was left as it is: give it another name, or the enclave",
		       enclave);
}

static int put_one(struct tc_nats_registrar *r, struct tc_nats_accounts *a, const struct tc_want *want,
		   struct tc_nats_entry *made, struct tc_error *err)
{
	const struct tc_nats_entry *old = tc_nats_find(a, want->enclave, want->name);

	if (old && old->epoch > want->epoch)
		return tc_fail(err, TC_E_REJECTED,
			       "nats: user \"%s.%s\" has the credential of epoch %u, and %u is wanted: an old password "
			       "must not come back: raise tentacular.io/credential-epoch instead",
			       want->enclave, want->name, old->epoch, want->epoch);
	if (old && tc_nats_entry_is(r, old, want, NULL))
		return 0;
	if (!tc_nats_has_enclave(a, want->enclave) && refuse_other_account(r, a, want->enclave, err) < 0)
		return -1;
	if (!made->enclave)
		tc_nats_entry_make(r, made, want);
	tc_nats_put(r, a, made);
	return 0;
}

static int put_all(void *self, struct tc_nats_accounts *a, struct tc_error *err)
{
	struct batch *b = self;

	(void)err;
	for (size_t i = 0; i < b->count; i++)
		if (b->shards[i] == b->shard && !b->failures[i].code)
			(void)put_one(b->r, a, &b->wants[i], &b->made[i], &b->failures[i]);
	return 0;
}

static void fail_shard(struct batch *b, unsigned shard, const struct tc_error *why)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->shards[i] == shard && !b->failures[i].code)
			b->failures[i] = *why;
}

static bool wanted_in(const struct batch *b, unsigned shard)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->shards[i] == shard)
			return true;
	return false;
}

static void write_files(struct batch *b)
{
	struct tc_nats_accounts *files = tc_alloc(b->r->mem, b->r->shards * sizeof(*files));
	size_t nfiles = 0;

	for (unsigned shard = 0; shard < b->r->shards; shard++) {
		struct tc_error why = {0};

		b->shard = shard;
		if (!wanted_in(b, shard))
			continue;
		if (tc_nats_change(b->r, &files[nfiles], shard, put_all, b, &why) < 0)
			fail_shard(b, shard, &why);
		else
			nfiles++;
	}
	for (size_t i = 0; i < nfiles; i++) {
		struct tc_error why = {0};

		/* the reload for the first of them is one for all */
		if (tc_nats_converge(b->r, &files[i], 1, &why) < 0)
			fail_shard(b, files[i].shard, &why);
	}
}

int tc_nats_apply_all(void *self, const struct tc_want *wants, size_t nwants,
		      void (*done)(void *, const struct tc_want *, const struct tc_error *), void *done_self,
		      struct tc_error *err)
{
	struct tc_nats_registrar *r = self;
	struct batch b = {.r = r, .wants = wants, .count = nwants};

	tc_nats_begin(r);
	if (tc_nats_need_keys(r, err) < 0 || tc_nats_servers(r, err) < 0)
		return -1;
	for (size_t i = 0; tc_nats_streams(r) && i < r->nservers; i++)
		if (tc_nats_stream_safe(&r->servers[i], err) < 0)
			return -1;
	b.shards = tc_alloc(r->mem, nwants * sizeof(*b.shards));
	b.made = tc_alloc(r->mem, nwants * sizeof(*b.made));
	b.failures = tc_xalloc(nwants * sizeof(*b.failures) + 1);
	for (size_t i = 0; i < nwants; i++)
		b.shards[i] = tc_nats_shard_of(r, wants[i].enclave);
	write_files(&b);
	for (size_t i = 0; i < nwants; i++) {
		struct tc_arena_mark mark = tc_arena_mark(r->mem);

		if (!b.failures[i].code && tc_nats_stream_ensure(r, &wants[i], &b.failures[i]) == 0)
			(void)tc_nats_prove(r, &wants[i], &b.failures[i]);
		tc_arena_rewind(r->mem, mark);
		done(done_self, &wants[i], b.failures[i].code ? &b.failures[i] : NULL);
	}
	free(b.failures);
	return 0;
}

static void keep_failure(void *self, const struct tc_want *want, const struct tc_error *failure)
{
	(void)want;
	if (failure)
		*(struct tc_error *)self = *failure;
}

int tc_nats_apply(void *self, const struct tc_want *want, struct tc_error *err)
{
	struct tc_error failure = {0};

	if (tc_nats_apply_all(self, want, 1, keep_failure, &failure, err) < 0)
		return -1;
	if (!failure.code)
		return 0;
	*err = failure;
	return -1;
}
