/* Which servers there are, and where: those that the configuration names, and those that these know of. All that answer
 * as part of the cluster have to be reached, since a user counts as registered only when every server lets it in. */
#include "registrars/nats.h"

#include <arpa/inet.h>

/* Milliseconds. Answers of a cluster's servers to one question come together, where it is not known how many they are.
 */
#define GAP 400

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
static int visit(struct tc_nats_registrar *r, const struct tc_nats_server *at, struct tc_error *err)
{
	const struct tc_admin *admin = r->conf.admin;
	const char *password = tc_strndup(r->mem, (const char *)admin->password.bytes, admin->password.len);
	struct tc_nats_server named = *at;
	_cleanup_(tc_nats_close) struct tc_nats *n = NULL;
	enum tc_nats_answer answer;

	named.name = tc_printf(r->mem, "%s%s%s:%u", at->host, at->address ? " " : "", at->address ? at->address : "",
			       at->port);
	answer = tc_nats_login_at(r, &n, &named, admin->user, password, TC_NATS_PATIENCE, err);
	if (answer == TC_NATS_REFUSED)
		return refused(admin, at, err);
	if (answer == TC_NATS_FULL)
		return tc_fail(err, TC_E_RETRY, "nats: the system account has no connection left at %s:%u", at->host,
			       at->port);
	if (answer != TC_NATS_OK)
		return -1;
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

	if (tc_resolve(&found, host, tc_monotonic() + (int64_t)r->seconds * 1000, &unresolved) < 0)
		return tc_fail(err, TC_E_RETRY,
			       "nats: the name \"%s\" has no address, or was not resolved in time; look at "
			       "services.nats.admin.url",
			       host);
	for (size_t i = 0; i < found.count; i++)
		if (visit(r, &(struct tc_nats_server){.host = host, .address = found.list[i], .port = port}, err) < 0)
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

static unsigned on_ping(void *self, const json_t *answer)
{
	struct roll *roll = self;
	const json_t *server = json_object_get(answer, "server");
	const char *id = json_string_value(json_object_get(server, "id"));
	const char *name = json_string_value(json_object_get(server, "name"));
	json_int_t active = json_integer_value(json_object_get(json_object_get(answer, "statsz"), "active_servers"));
	size_t count = roll->count;

	if (!id)
		return GAP;
	tc_grow(roll->r->mem, roll->ids, roll->count, roll->cap_ids);
	tc_grow(roll->r->mem, roll->names, count, roll->cap_names);
	roll->ids[roll->count] = tc_strdup(roll->r->mem, id);
	roll->names[roll->count++] = tc_strdup(roll->r->mem, name ? name : id);
	if (active > roll->expected)
		roll->expected = active;
	if (!roll->expected)
		return GAP;
	/* one that is known to be there may be busy, or has not heard it: see call_roll */
	return (json_int_t)roll->count >= roll->expected ? 0 : roll->r->seconds * 1000 / 4;
}

static int call_roll(struct tc_nats_registrar *r, struct roll *roll, struct tc_error *err)
{
	int64_t deadline = tc_monotonic() + (int64_t)r->seconds * 1000;

	do {
		*roll = (struct roll){.r = r};
		if (tc_nats_request_all(r->admin, "$SYS.REQ.SERVER.PING", "", on_ping, roll, err) < 0)
			return tc_wrap(err, "nats: list the servers");
	} while (roll->count && (json_int_t)roll->count < roll->expected && tc_monotonic() < deadline);
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
	unsigned seconds = r->seconds;

	/* they name every address that they have: some lead nowhere from here */
	r->seconds = seconds < 2 ? seconds : 2;
	for (size_t i = 0; i < info->nurls && missed(r, roll); i++) {
		unsigned port;
		const char *host = split(r, info->urls[i], &port);
		bool number = inet_pton(AF_INET, host, room) == 1 || inet_pton(AF_INET6, host, room) == 1;

		/* a number is in no certificate: the name that led to the first server is the cluster's */
		(void)visit(r,
			    &(struct tc_nats_server){.host = number ? first.host : host,
						     .address = number ? host : NULL,
						     .port = port},
			    &ignored);
	}
	r->seconds = seconds;
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

/* A server that reloads may drop who has just logged in: one that did is asked again, a few times. */
static int call_anew(struct tc_nats_registrar *r, struct roll *roll, struct tc_error *err)
{
	for (unsigned round = 0;; round++) {
		*err = (struct tc_error){0};
		forget_servers(r);
		if (visit_configured(r, err) < 0)
			return -1;
		if (call_roll(r, roll, err) == 0)
			return 0;
		if (tc_nats_alive(r->admin) || round == 3)
			return -1;
		tc_pause(20 << round);
	}
}

int tc_nats_servers(struct tc_nats_registrar *r, struct tc_error *err)
{
	struct roll roll;

	if (r->admin && tc_nats_alive(r->admin) && call_roll(r, &roll, err) == 0 && !missed(r, &roll) &&
	    roll.count == r->nservers)
		return 0;
	if (call_anew(r, &roll, err) < 0)
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
