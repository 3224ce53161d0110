/* Which servers there are, what they have loaded, and what they are told. One connection as the administrator reaches
 * all servers of a cluster; a login is tried at each of them, since each reads files of its own. */
#include "registrars/nats.h"

#include <arpa/inet.h>

#include "registrars/postgres.h" /* names to addresses, and waiting */

/* Answers of a cluster's servers to one question come together. */
#define GAP 400

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

enum tc_nats_answer tc_nats_login_at(struct tc_nats_registrar *r, struct tc_nats **out,
				     const struct tc_nats_server *server, const char *user, const char *password,
				     struct tc_error *err)
{
	struct tc_nats_login login = tc_nats_login(r, server, user, password);
	int64_t start = tc_nats_clock();

	for (unsigned round = 0;; round++) {
		enum tc_nats_answer answer = tc_nats_connect(out, &login, r->seconds, err);

		if (answer != TC_NATS_FAILED)
			return answer;
		if (err->code != TC_E_RETRY || round == 3 || tc_nats_clock() - start > 1000) {
			tc_wrap(err, "nats: log in as \"%s\" at the server \"%s\"", user, server->name);
			return answer;
		}
		tc_postgres_wait(30 << round);
		*err = (struct tc_error){0};
	}
}

/* --- finding them ----------------------------------------------------------------------------------------------------
 */

static bool known(const struct tc_nats_registrar *r, const char *id)
{
	for (size_t i = 0; i < r->nservers; i++)
		if (strcmp(r->servers[i].id, id) == 0)
			return true;
	return false;
}

static void add_server(struct tc_nats_registrar *r, const struct tc_nats_info *info, const struct tc_nats_server *at)
{
	struct tc_nats_server *all = tc_alloc(r->servers_mem, (r->nservers + 1) * sizeof(*all));

	for (size_t i = 0; i < r->nservers; i++)
		all[i] = r->servers[i];
	all[r->nservers++] = (struct tc_nats_server){
		.id = tc_strdup(r->servers_mem, info->id),
		.name = tc_strdup(r->servers_mem, info->name),
		.version = tc_strdup(r->servers_mem, info->version),
		.host = tc_strdup(r->servers_mem, at->host),
		.address = at->address ? tc_strdup(r->servers_mem, at->address) : NULL,
		.port = at->port,
	};
	r->servers = all;
}

static int refused(const struct tc_admin *admin, const struct tc_nats_server *at, struct tc_error *err)
{
	return tc_fail(err, TC_E_USAGE,
		       "nats: log in as the administrator \"%s\" at %s:%u: the server refused user or password; look "
		       "at services.nats.admin.user and passwordFile, and at the users of the server's system account",
		       admin->user, at->host, at->port);
}

/* Logs in there as the administrator; a server that is not known yet is added. */
static int visit(struct tc_nats_registrar *r, const struct tc_nats_server *at, unsigned seconds, struct tc_error *err)
{
	const struct tc_admin *admin = r->conf.admin;
	_cleanup_(tc_nats_close) struct tc_nats *n = NULL;
	struct tc_nats_login login =
		tc_nats_login(r, at, admin->user,
			      tc_strndup(r->mem, (const char *)admin->password.bytes, admin->password.len));
	enum tc_nats_answer answer = tc_nats_connect(&n, &login, seconds, err);

	if (answer == TC_NATS_REFUSED)
		return refused(admin, at, err);
	if (answer == TC_NATS_FULL)
		return tc_fail(err, TC_E_RETRY, "nats: the system account has no connection left at %s:%u", at->host,
			       at->port);
	if (answer != TC_NATS_OK)
		return tc_wrap(err, "nats: log in as the administrator \"%s\" at %s%s%s:%u", admin->user, at->host,
			       at->address ? " " : "", at->address ? at->address : "", at->port);
	if (!known(r, tc_nats_info(n)->id))
		add_server(r, tc_nats_info(n), at);
	if (!r->admin)
		r->admin = tc_take(&n);
	return 0;
}

/* All addresses of a name: behind one there may be several servers. */
static int visit_name(struct tc_nats_registrar *r, const char *host, unsigned port, struct tc_error *err)
{
	struct tc_error unresolved = {0};
	struct tc_addresses found;
	int rc = 0;

	if (tc_pg_resolve(&found, host, tc_nats_clock() + (int64_t)r->seconds * 1000, &unresolved) < 0)
		return tc_fail(err, TC_E_RETRY,
			       "nats: the name \"%s\" has no address, or was not resolved in time; look at "
			       "services.nats.admin.url",
			       host);
	for (size_t i = 0; i < found.count; i++)
		if (visit(r, &(struct tc_nats_server){.host = host, .address = found.list[i], .port = port}, r->seconds,
			  err) < 0)
			rc = -1;
	return rc;
}

/* "nats://host:port", "tls://[::1]", "10.0.0.1:4222" */
static const char *split(struct tc_nats_registrar *r, const char *url, unsigned *port)
{
	const char *scheme = strstr(url, "://"), *start = scheme ? scheme + 3 : url, *end, *colon;

	*port = 4222;
	if (*start == '[' && (end = strchr(start, ']'))) {
		colon = end[1] == ':' ? end + 1 : NULL;
		start++;
	} else {
		colon = strrchr(start, ':');
		end = colon ? colon : start + strcspn(start, "/");
	}
	if (colon)
		*port = (unsigned)strtoul(colon + 1, NULL, 10);
	return tc_strndup(r->mem, start, (size_t)(end - start));
}

static int visit_configured(struct tc_nats_registrar *r, struct tc_error *err)
{
	const struct tc_admin *admin = r->conf.admin;
	const char *urls = admin->settings[TC_NATS_URL];
	struct tc_error first = {0};
	char *list, *url;

	if (!urls || !*urls) {
		(void)visit_name(r, admin->host ? admin->host : r->conf.service->host,
				 admin->port ? admin->port : r->conf.service->port, &first);
	} else {
		list = tc_strdup(r->mem, urls);
		while ((url = strsep(&list, ", "))) {
			unsigned port;
			const char *host = *url ? split(r, url, &port) : NULL;

			/* one that is down is missed below, if the others know it */
			if (host)
				(void)visit_name(r, host, port, first.code ? &(struct tc_error){0} : &first);
		}
	}
	if (r->admin)
		return 0;
	*err = first;
	return -1;
}

/* Answers to PING. */
struct roll {
	struct tc_nats_registrar *r;
	const char **ids, **names;
	size_t count, cap_ids, cap_names;
	json_int_t expected;
};

static bool on_ping(void *self, const json_t *answer)
{
	struct roll *roll = self;
	const json_t *server = json_object_get(answer, "server");
	const char *id = json_string_value(json_object_get(server, "id"));
	const char *name = json_string_value(json_object_get(server, "name"));
	json_int_t active = json_integer_value(json_object_get(json_object_get(answer, "statsz"), "active_servers"));
	size_t count = roll->count;

	if (!id)
		return false;
	tc_grow(roll->r->mem, roll->ids, roll->count, roll->cap_ids);
	tc_grow(roll->r->mem, roll->names, count, roll->cap_names);
	roll->ids[roll->count] = tc_strdup(roll->r->mem, id);
	roll->names[roll->count++] = tc_strdup(roll->r->mem, name ? name : id);
	if (active > roll->expected)
		roll->expected = active;
	return (json_int_t)roll->count >= roll->expected && roll->expected > 0;
}

static int call_roll(struct tc_nats_registrar *r, struct roll *roll, struct tc_error *err)
{
	*roll = (struct roll){.r = r};
	if (tc_nats_request_all(r->admin, "$SYS.REQ.SERVER.PING", "", GAP, on_ping, roll, err) < 0)
		return tc_wrap(err, "nats: list the servers");
	if (!roll->count)
		return tc_fail(err, TC_E_USAGE,
			       "nats: list the servers: nobody answers; the user \"%s\" has to be one of the system "
			       "account (system_account of the server's configuration)",
			       r->conf.admin->user);
	if ((json_int_t)roll->count < roll->expected)
		return tc_fail(err, TC_E_RETRY,
			       "nats: list the servers: %zu of %lld answer; end or mend those that hang", roll->count,
			       (long long)roll->expected);
	return 0;
}

static const char *missed(const struct tc_nats_registrar *r, const struct roll *roll)
{
	for (size_t i = 0; i < roll->count; i++)
		if (!known(r, roll->ids[i]))
			return roll->names[i];
	return NULL;
}

/* Where the servers themselves say that clients may come. */
static void visit_told(struct tc_nats_registrar *r, const struct roll *roll)
{
	const struct tc_nats_info *info = tc_nats_info(r->admin);
	struct tc_nats_server first = r->servers[0];
	struct tc_error ignored = {0};
	unsigned char room[16];

	for (size_t i = 0; i < info->nurls && missed(r, roll); i++) {
		unsigned port;
		const char *host = split(r, info->urls[i], &port);
		bool number = inet_pton(AF_INET, host, room) == 1 || inet_pton(AF_INET6, host, room) == 1;

		/* a number is in no certificate: the name that led to the first server is the cluster's */
		(void)visit(r,
			    &(struct tc_nats_server){.host = number ? first.host : host,
						     .address = number ? host : NULL,
						     .port = port},
			    r->seconds < 2 ? r->seconds : 2, &ignored);
	}
}

static void forget_servers(struct tc_nats_registrar *r)
{
	tc_nats_close(r->admin);
	r->admin = NULL;
	tc_arena_free(r->servers_mem);
	r->servers_mem = tc_arena_new(4096);
	r->servers = NULL;
	r->nservers = 0;
}

int tc_nats_servers(struct tc_nats_registrar *r, struct tc_error *err)
{
	struct roll roll;

	if (r->admin && tc_nats_alive(r->admin) && call_roll(r, &roll, err) == 0 && !missed(r, &roll) &&
	    roll.count == r->nservers)
		return 0;
	forget_servers(r);
	if (visit_configured(r, err) < 0)
		return -1;
	if (call_roll(r, &roll, err) < 0)
		return -1;
	if (missed(r, &roll))
		visit_told(r, &roll);
	if (missed(r, &roll))
		return tc_fail(err, TC_E_RETRY,
			       "nats: the server \"%s\" of the cluster cannot be reached; name each server in "
			       "services.nats.admin.url",
			       missed(r, &roll));
	return 0;
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
	return tc_fail(err, TC_E_USAGE,
		       "nats: reload the server \"%s\": it goes on as before, since it says: %s; mend what that names, "
		       "then try again",
		       server->name, description(r, failure));
}

int tc_nats_loaded(struct tc_nats_registrar *r, bool *loaded, const struct tc_nats_server *server,
		   const struct tc_nats_accounts *a, struct tc_error *err)
{
	_cleanup_(tc_nats_close) struct tc_nats *n = NULL;
	const char *password = tc_nats_witness_password(r, a), *user = tc_nats_witness(r, a->shard);
	enum tc_nats_answer answer;

	*loaded = true;
	if (!password)
		return 0; /* there is nothing to load */
	answer = tc_nats_login_at(r, &n, server, user, password, err);
	if (answer == TC_NATS_FAILED)
		return -1;
	*loaded = answer != TC_NATS_REFUSED;
	return 0;
}

static int not_loaded(struct tc_nats_registrar *r, const struct tc_nats_server *server, const char *place, bool can,
		      struct tc_error *err)
{
	if (!can)
		return tc_fail(err, TC_E_RETRY,
			       "nats: the server \"%s\" (%s) has not loaded %s, and servers before 2.10 cannot be told "
			       "to: send it SIGHUP when that file changes",
			       server->name, server->version, place);
	(void)r;
	return tc_fail(err, TC_E_RETRY,
		       "nats: the server \"%s\" has reloaded and still does not have what %s says; its configuration "
		       "has to include that file in accounts { }",
		       server->name, place);
}

static int converge_one(struct tc_nats_registrar *r, const struct tc_nats_server *server, struct tc_nats_accounts *a,
			struct tc_error *err)
{
	int64_t start = tc_nats_clock(), limit = (int64_t)r->seconds * 1000;
	bool loaded, can = true;

	for (unsigned round = 0;; round++) {
		int64_t spent;

		if (tc_nats_loaded(r, &loaded, server, a, err) < 0)
			return -1;
		if (loaded)
			return 0;
		spent = tc_nats_clock() - start;
		/* one who can be told and reads the same file is behind for no longer than that */
		if (spent >= limit || (can && round > 4 && spent > 1000))
			return not_loaded(r, server, a->place, can, err);
		if (round)
			tc_postgres_wait(20 << (round < 5 ? round : 5));
		/* somebody else may have changed it since */
		if (round && tc_nats_accounts_read(r, a, a->shard, err) < 0)
			return -1;
		if (can && reload(r, server, &can, err) < 0)
			return -1;
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
	int64_t deadline = tc_nats_clock() + (int64_t)r->seconds * 1000;

	for (size_t i = 0, round = 0; i < r->nservers; round++) {
		_cleanup_json_ json_t *list = NULL;

		if (sessions_at(r, &list, &r->servers[i], user, err) < 0)
			return -1;
		if (!json_array_size(list)) {
			i++;
			round = 0;
			continue;
		}
		if (tc_nats_clock() >= deadline)
			return tc_fail(err, TC_E_RETRY,
				       "nats: end sessions of \"%s\": some did not end in time at the server \"%s\"",
				       user, r->servers[i].name);
		if (round == 3)
			tc_step(&r->conf, "end sessions of %s", user);
		if (round >= 3 && kick(r, &r->servers[i], list, err) < 0)
			return -1;
		tc_postgres_wait(20);
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
