/* What the servers have loaded, and what they are told. One connection as the administrator reaches all servers of a
 * cluster; a login is tried at each of them, since each reads files of its own. */
#include "registrars/nats.h"

struct tc_nats_login tc_nats_login(struct tc_nats_registrar *r, const struct tc_nats_server *server, const char *user,
				   const char *password)
{
	const struct tc_admin *admin = r->conf.admin;
	const struct tc_service_config *service = r->conf.service;

	return (struct tc_nats_login){
		.host = server->host,
		.address = server->address,
		.port = server->port,
		.user = user,
		.password = password,
		.tls_mode = admin->tls_mode ? admin->tls_mode : service->tls_mode,
		.tls_ca = admin->tls_ca ? admin->tls_ca : service->tls_ca,
	};
}

bool tc_nats_older(const char *version, unsigned long major, unsigned long minor)
{
	char *end;
	unsigned long first = strtoul(version, &end, 10), second = *end == '.' ? strtoul(end + 1, NULL, 10) : 0;

	return first < major || (first == major && second < minor);
}

/* While a server reloads, it may drop who is just logging in, or refuse whom it had let in before and lets in after. */
enum tc_nats_answer tc_nats_login_at(struct tc_nats_registrar *r, struct tc_nats **out,
				     const struct tc_nats_server *server, const char *user, const char *password,
				     unsigned patience, struct tc_error *err)
{
	struct tc_nats_login login = tc_nats_login(r, server, user, password);
	int64_t start = tc_monotonic();

	for (unsigned round = 0;; round++) {
		enum tc_nats_answer answer = tc_nats_connect(out, &login, r->seconds, err);
		int64_t spent = tc_monotonic() - start;
		bool again = answer == TC_NATS_REFUSED
				     ? spent < patience
				     : answer == TC_NATS_FAILED && err->code == TC_E_RETRY && round < 4 && spent < 1000;

		if (answer == TC_NATS_FAILED && !again)
			tc_wrap(err, "nats: log in as \"%s\" at the server \"%s\"", user, server->name);
		if (!again)
			return answer;
		*err = (struct tc_error){0};
		tc_pause(20 << (round < 4 ? round : 4));
	}
}

/* --- asking and telling ----------------------------------------------------------------------------------------------
 */

int tc_nats_ask(struct tc_nats_registrar *r, json_t **out, const struct tc_nats_server *server, const char *what,
		const char *body, bool *nobody, struct tc_error *err)
{
	const char *subject = tc_printf(r->mem, "$SYS.REQ.SERVER.%s.%s", server->id, what);
	bool none = false;

	if (tc_nats_request(r->admin, out, subject, body, &none, err) < 0)
		return tc_wrap(err, "nats: ask the server \"%s\" for %s", server->name, what);
	if (nobody)
		*nobody = none;
	else if (none)
		return tc_fail(err, TC_E_RETRY, "nats: ask the server \"%s\" for %s: it does not answer", server->name,
			       what);
	return 0;
}

/* What the server says of its configuration may quote it: a line of it, at most. */
static const char *description(struct tc_nats_registrar *r, const json_t *failure)
{
	const char *text = json_string_value(json_object_get(failure, "description"));
	char *line = tc_strdup(r->mem, text && *text ? text : "no reason given");

	if (strlen(line) > 300)
		line[300] = '\0';
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	for (size_t n = strlen(line); n && line[n - 1] == ' ';)
		line[--n] = '\0';
	return line;
}

static int reload(struct tc_nats_registrar *r, const struct tc_nats_server *server, bool *can, struct tc_error *err)
{
	_cleanup_json_ json_t *answer = NULL;
	const json_t *failure;
	bool nobody = false;

	tc_step(&r->conf, "reload server %s", server->name);
	if (tc_nats_ask(r, &answer, server, "RELOAD", "{}", &nobody, err) < 0)
		return -1;
	*can = !nobody; /* 2.10 and later */
	failure = json_object_get(answer, "error");
	if (!failure)
		return 0;
	/* what comes to it later may mend it: of files that are changed together one may come first */
	return tc_fail(err, r->store->slow ? TC_E_RETRY : TC_E_USAGE,
		       "nats: reload the server \"%s\": it goes on as before, since it says: %s; mend what that names, "
		       "then try again",
		       server->name, description(r, failure));
}

int tc_nats_loaded(struct tc_nats_registrar *r, bool *loaded, const struct tc_nats_server *server,
		   const struct tc_nats_accounts *a, unsigned patience, struct tc_error *err)
{
	_cleanup_(tc_nats_close) struct tc_nats *n = NULL;
	const char *password = tc_nats_witness_password(r, a), *user = tc_nats_witness(r, a->shard);
	enum tc_nats_answer answer;

	*loaded = true;
	if (!password)
		return 0; /* there is nothing to load */
	answer = tc_nats_login_at(r, &n, server, user, password, patience, err);
	if (answer == TC_NATS_FAILED)
		return -1;
	*loaded = answer != TC_NATS_REFUSED;
	return 0;
}

/* A server that reloads looks at every password of its live sessions: in vain, where the file has not come yet. */
#define TELL_AGAIN 5000

static int not_loaded(struct tc_nats_registrar *r, const struct tc_nats_server *server, const char *place, bool can,
		      struct tc_error *err)
{
	const char *behind = can || r->store->slow ? r->store->behind : NULL;
	const char *hole = behind ? strstr(behind, "%s") : NULL;

	if (!hole)
		return tc_fail(err, TC_E_RETRY,
			       "nats: the server \"%s\" (%s) has not loaded %s, and servers before 2.10 cannot be told "
			       "to: send it SIGHUP when that file changes",
			       server->name, server->version, place);
	return tc_fail(err, TC_E_RETRY, "nats: the server \"%s\" %.*s%s%s", server->name, (int)(hole - behind), behind,
		       place, hole + 2);
}

/* Whether it is worth no more waiting. Who can be told and reads the very file that was written is behind for no longer
 * than a moment; who gets it from somebody else, for longer than anybody should wait here. */
static bool waited(const struct tc_nats_registrar *r, bool can, unsigned round, int64_t spent)
{
	return spent >= (int64_t)r->seconds * 1000 || ((r->store->slow || can) && round > 4 && spent > 1000);
}

static int converge_one(struct tc_nats_registrar *r, struct tc_nats_server *server, struct tc_nats_accounts *a,
			struct tc_error *err)
{
	int64_t start = tc_monotonic();
	bool loaded, can = true;

	for (unsigned round = 0;; round++) {
		if (tc_nats_loaded(r, &loaded, server, a, 0, err) < 0)
			return -1;
		if (loaded)
			return 0;
		if (waited(r, can, round, tc_monotonic() - start))
			return not_loaded(r, server, a->place, can, err);
		if (round)
			tc_pause(20 << (round < 5 ? round : 5));
		/* somebody else may have changed it since */
		if (round && tc_nats_accounts_read(r, a, a->shard, err) < 0)
			return -1;
		if (r->store->slow && server->told && tc_monotonic() - server->told < TELL_AGAIN)
			continue;
		if (can && reload(r, server, &can, err) < 0)
			return -1;
		server->told = tc_monotonic();
	}
}

int tc_nats_converge(struct tc_nats_registrar *r, struct tc_nats_accounts *files, size_t nfiles, struct tc_error *err)
{
	for (size_t i = 0; i < r->nservers; i++)
		for (size_t k = 0; k < nfiles; k++)
			if (converge_one(r, &r->servers[i], &files[k], err) < 0)
				return -1;
	return 0;
}

/* --- sessions and accounts -------------------------------------------------------------------------------------------
 */

static int sessions_at(struct tc_nats_registrar *r, json_t **list, const struct tc_nats_server *server,
		       const char *user, struct tc_error *err)
{
	_cleanup_json_ json_t *answer = NULL;
	const char *body = tc_printf(r->mem, "{\"auth\":true,\"user\":\"%s\",\"limit\":1024}", user);

	if (tc_nats_ask(r, &answer, server, "CONNZ", body, NULL, err) < 0)
		return -1;
	*list = json_incref(json_object_get(json_object_get(answer, "data"), "connections"));
	if (!json_is_array(*list) && json_object_get(json_object_get(answer, "data"), "num_connections") == NULL)
		return tc_fail(err, TC_E_RETRY,
			       "nats: ask the server \"%s\" for CONNZ: the answer lists no connections", server->name);
	return 0;
}

int tc_nats_sessions(struct tc_nats_registrar *r, uint64_t *count, const char *user, struct tc_error *err)
{
	*count = 0;
	for (size_t i = 0; i < r->nservers; i++) {
		_cleanup_json_ json_t *list = NULL;

		if (sessions_at(r, &list, &r->servers[i], user, err) < 0)
			return -1;
		*count += json_array_size(list);
	}
	return 0;
}

static int kick(struct tc_nats_registrar *r, const struct tc_nats_server *server, const json_t *list,
		struct tc_error *err)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		_cleanup_json_ json_t *answer = NULL;
		json_int_t cid = json_integer_value(json_object_get(json_array_get(list, i), "cid"));
		bool nobody;

		if (tc_nats_ask(r, &answer, server, "KICK", tc_printf(r->mem, "{\"cid\":%lld}", (long long)cid),
				&nobody, err) < 0)
			return -1;
	}
	return 0;
}

int tc_nats_end_sessions(struct tc_nats_registrar *r, const char *user, struct tc_error *err)
{
	int64_t deadline = tc_monotonic() + (int64_t)r->seconds * 1000;

	for (size_t i = 0, round = 0; i < r->nservers; round++) {
		_cleanup_json_ json_t *list = NULL;

		if (sessions_at(r, &list, &r->servers[i], user, err) < 0)
			return -1;
		if (!json_array_size(list)) {
			i++;
			round = 0;
			continue;
		}
		if (tc_monotonic() >= deadline)
			return tc_fail(err, TC_E_RETRY,
				       "nats: end sessions of \"%s\": some did not end in time at the server \"%s\"",
				       user, r->servers[i].name);
		if (round == 3)
			tc_step(&r->conf, "end sessions of %s", user);
		if (round >= 3 && kick(r, &r->servers[i], list, err) < 0)
			return -1;
		tc_pause(20);
	}
	return 0;
}

static int list_accounts(struct tc_nats_registrar *r, struct tc_error *err)
{
	r->accounts = json_object();
	for (size_t i = 0; i < r->nservers; i++) {
		_cleanup_json_ json_t *answer = NULL;
		const json_t *accounts;

		if (tc_nats_ask(r, &answer, &r->servers[i], "ACCOUNTZ", "{}", NULL, err) < 0)
			return -1;
		accounts = json_object_get(json_object_get(answer, "data"), "accounts");
		for (size_t k = 0; k < json_array_size(accounts); k++) {
			const char *name = json_string_value(json_array_get(accounts, k));

			if (name && json_object_set_new(r->accounts, name, json_true()) < 0)
				tc_no_memory();
		}
	}
	return 0;
}

void tc_nats_forget_accounts(struct tc_nats_registrar *r)
{
	json_decref(r->accounts);
	r->accounts = NULL;
}

int tc_nats_account_there(struct tc_nats_registrar *r, bool *there, const char *enclave, struct tc_error *err)
{
	if (!r->accounts && list_accounts(r, err) < 0) {
		tc_nats_forget_accounts(r);
		return -1;
	}
	*there = json_object_get(r->accounts, enclave) != NULL;
	return 0;
}

int tc_nats_look_for_lost(struct tc_nats_registrar *r, struct tc_nats_accounts *a, struct tc_error *err)
{
	return a->text.len ? 0 : tc_nats_account_there(r, &a->gone, tc_nats_witness(r, a->shard), err);
}
