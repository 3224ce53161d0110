/* The server and what the administrator may do there: each complaint says what to do. */
#include "registrars/postgres.h"

#define OLDEST 140000 /* what is used here and older servers lack: pg_terminate_backend, DROP DATABASE (FORCE) */

static const char *const bootstrap = "have a DBA run what tentc bootstrap postgres prints";

static const char about_administrator[] =
	"SELECT r.rolsuper, r.rolcreaterole, r.rolcreatedb, current_setting('server_version'),\n"
	"current_setting('server_version_num'), coalesce(current_setting('lo_compat_privileges', true), 'off'),\n"
	"(SELECT string_agg(quote_ident(d.datname), ', ' ORDER BY d.datname) FROM pg_database d\n"
	"WHERE d.datallowconn AND EXISTS (SELECT FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) e\n"
	"WHERE e.grantee = 0 AND e.privilege_type = 'CONNECT'))\n"
	"FROM pg_roles r WHERE r.rolname = current_user;";

static const char about_database[] =
	"SELECT has_database_privilege(d.oid, 'CREATE'), pg_has_role(d.datdba, 'USAGE'),\n"
	"EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = 'tentc'),\n"
	"coalesce((SELECT pg_get_userbyid(n.nspowner)::text FROM pg_namespace n WHERE n.nspname = 'tentc'\n"
	"AND NOT pg_has_role(n.nspowner, 'USAGE')), ''),\n"
	"EXISTS (SELECT FROM pg_namespace n, aclexplode(n.nspacl) e WHERE n.nspname = 'tentc' AND e.grantee <> "
	"n.nspowner),\n"
	"EXISTS (SELECT FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) e\n"
	"WHERE n.nspname = 'public' AND e.grantee = 0 AND e.privilege_type = 'CREATE')\n"
	"FROM pg_database d WHERE d.datname = current_database();";

static bool is_true(const PGresult *rows, int column)
{
	return strcmp(PQgetvalue(rows, 0, column), "t") == 0;
}

static bool is_local(const char *host)
{
	return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strcmp(host, "localhost") == 0;
}

static void judge_administrator(struct tc_probed *out, struct tc_postgres *p, bool own_database, const PGresult *rows)
{
	const char *user = p->conf.admin->user, *open = PQgetvalue(rows, 0, 6);
	bool super = is_true(rows, 0);

	out->version = tc_printf(out->mem, "PostgreSQL %s", PQgetvalue(rows, 0, 3));
	if (strtol(PQgetvalue(rows, 0, 4), NULL, 10) < OLDEST)
		tc_probed_add(out, "%s is too old, 14 is the oldest that is supported; upgrade it", out->version);
	if (super)
		tc_probed_add(out, "the administrator \"%s\" is a superuser, which is more than tentc needs; %s", user,
			      bootstrap);
	if (!super && !is_true(rows, 1))
		tc_probed_add(out, "the administrator \"%s\" may not create roles; %s", user, bootstrap);
	if (own_database && !super && !is_true(rows, 2))
		tc_probed_add(out, "the administrator \"%s\" may not create databases, and each enclave has one; %s",
			      user, bootstrap);
	if (*open)
		tc_probed_add(out,
			      "every role may connect to %s, tentacles too; as its owner: REVOKE CONNECT, TEMPORARY ON "
			      "DATABASE %s FROM PUBLIC",
			      open, open);
	if (strcmp(PQgetvalue(rows, 0, 5), "off") != 0)
		tc_probed_add(out,
			      "lo_compat_privileges is on, so every tentacle reads the large objects of all; turn it "
			      "off in postgresql.conf");
	if (!PQsslInUse(p->pg.conn) && !is_local(tc_postgres_login(p, "").host))
		tc_probed_add(out,
			      "the connection is not encrypted; set services.postgres.tls.mode: verify-full where the "
			      "server has a certificate");
}

static void judge_database(struct tc_probed *out, const char *database, const PGresult *rows)
{
	const char *owner = PQgetvalue(rows, 0, 3);

	if (!is_true(rows, 0))
		tc_probed_add(out, "the administrator may not create schemas in the database \"%s\"; %s", database,
			      bootstrap);
	else if (!is_true(rows, 1))
		tc_probed_add(out,
			      "the administrator does not own the database \"%s\", so it cannot open it to an enclave; "
			      "%s",
			      database, bootstrap);
	if (*owner)
		tc_probed_add(out,
			      "the schema tentc of the database \"%s\" belongs to \"%s\", who could hold our locks; "
			      "have a DBA drop it",
			      database, owner);
	else if (!is_true(rows, 2))
		tc_probed_add(out,
			      "the database \"%s\" has no schema tentc yet; the first registration makes it, or %s",
			      database, bootstrap);
	if (is_true(rows, 4))
		tc_probed_add(out,
			      "others may use the schema tentc of the database \"%s\": REVOKE ALL ON SCHEMA tentc FROM "
			      "each of them",
			      database);
	if (is_true(rows, 5))
		tc_probed_add(out,
			      "every role may create in the schema public of the database \"%s\": REVOKE CREATE ON "
			      "SCHEMA public FROM PUBLIC",
			      database);
}

int tc_postgres_probe(struct tc_probed *out, void *self, struct tc_error *err)
{
	_cleanup_(tc_pg_result_free) PGresult *who = NULL, *rows = NULL;
	struct tc_postgres *p = self;
	struct tc_pg_names n;

	tc_postgres_begin(p);
	tc_postgres_enclave_names(p, &n, "x");
	if (tc_postgres_use(p, n.own_database ? p->admin_database : n.database, NULL, err) < 0 ||
	    tc_postgres_do(p, &who, NULL, tc_sql_read(p->mem, p->pg.seconds, about_administrator), err) < 0)
		return -1;
	if (PQntuples(who) != 1)
		return tc_fail(err, TC_E_RETRY, "postgres: look at the administrator: the answer has no row");
	judge_administrator(out, p, n.own_database, who);
	if (n.own_database)
		return 0;
	if (tc_postgres_do(p, &rows, NULL, tc_sql_read(p->mem, p->pg.seconds, about_database), err) < 0)
		return -1;
	if (PQntuples(rows) == 1)
		judge_database(out, n.database, rows);
	return 0;
}
