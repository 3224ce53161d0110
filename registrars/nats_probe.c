/* The servers and what the administrator may do there: each complaint says what to do. */
#include "registrars/nats.h"

static bool is_local(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strcmp(host, "localhost") == 0;
}

static void judge_server(struct tc_probed *out, struct tc_nats_registrar *r, const struct tc_nats_server *server)
{
	_cleanup_(tc_nats_close) struct tc_nats *nobody = NULL;
	struct tc_nats_login login = tc_nats_login(r, server, NULL, NULL);
	struct tc_error ignored = {0}, unsafe = {0};

	if (tc_nats_older(server->version, 2, 9))
		tc_probed_add(out,
			      "the server \"%s\" is nats-server %s, 2.9 is the oldest that is supported; upgrade it",
			      server->name, server->version);
	else if (tc_nats_older(server->version, 2, 10))
		tc_probed_add(
			out,
			"the server \"%s\" is nats-server %s, which cannot be told to reload; send it SIGHUP when "
			"the accounts files change, or upgrade to 2.10 or later",
			server->name, server->version);
	if (tc_nats_streams(r))
		(void)tc_nats_stream_safe(server, &unsafe);
	if (unsafe.code)
		tc_probed_add(out, "%s", unsafe.msg);
	if (tc_nats_connect(&nobody, &login, r->seconds, &ignored) == TC_NATS_OK)
		tc_probed_add(out,
			      "the server \"%s\" lets everybody in without a password; take no_auth_user out of its "
			      "configuration",
			      server->name);
	if (!is_local(server->host) && (!*login.tls_mode || strcmp(login.tls_mode, "disable") == 0))
		tc_probed_add(out,
			      "the connection to \"%s\" need not be encrypted; set services.nats.tls.mode: verify-full "
			      "where the server has a certificate",
			      server->host);
}

static int judge_files(struct tc_probed *out, struct tc_nats_registrar *r, struct tc_error *err)
{
	bool loaded;

	if (r->store->probe(r, out, err) < 0)
		return -1;
	for (unsigned shard = 0; shard < r->shards; shard++) {
		struct tc_nats_accounts a;

		if (tc_nats_accounts_read(r, &a, shard, err) < 0)
			return -1;
		if (a.foreign)
			tc_probed_add(out, "%s", a.foreign);
		for (size_t i = 0; r->conf.keys && !a.foreign && i < r->nservers; i++) {
			if (tc_nats_loaded(r, &loaded, &r->servers[i], &a, 300, err) < 0)
				return -1;
			if (!loaded)
				tc_probed_add(out,
					      "the server \"%s\" has not loaded what %s says; does its configuration "
					      "include it in accounts { }?",
					      r->servers[i].name, a.place);
		}
	}
	return 0;
}

int tc_nats_probe(struct tc_probed *out, void *self, struct tc_error *err)
{
	struct tc_nats_registrar *r = self;

	tc_nats_begin(r);
	if (tc_nats_servers(r, err) < 0)
		return -1;
	out->version = tc_printf(out->mem, "nats-server %s", r->servers[0].version);
	for (size_t i = 0; i < r->nservers; i++)
		judge_server(out, r, &r->servers[i]);
	return judge_files(out, r, err);
}
