#include "registrars/postgres.h"

#include "compiler/contract/identity.h"

/* --- the registrar ---------------------------------------------------------------------------------------------------
 */

static int open_registrar(void **self, const struct tc_registrar_conf *conf, struct tc_error *err)
{
	struct tc_postgres *p;

	if (!conf->admin || !conf->admin->user)
		return tc_fail(err, TC_E_USAGE,
			       "postgres: there is no administrator; give services.postgres.admin.user, or "
			       "TENTACULAR_POSTGRES_ADMIN_USER");
	p = tc_xalloc(sizeof(*p));
	p->conf = *conf;
	p->mem = tc_arena_new_secret(32 * 1024);
	p->pg.seconds = conf->seconds ? conf->seconds : 10;
	p->admin_database = conf->admin->settings && conf->admin->settings[0] ? conf->admin->settings[0] : "postgres";
	*self = p;
	return 0;
}

static void close_registrar(void *self)
{
	struct tc_postgres *p = self;

	if (!p)
		return;
	tc_pg_close(&p->pg);
	tc_arena_free(p->mem);
	free(p->database);
	free(p);
}

void tc_postgres_begin(struct tc_postgres *p)
{
	tc_arena_free(p->mem);
	p->mem = tc_arena_new_secret(32 * 1024);
}

static void add_database(struct tc_postgres *p, struct tc_pg_names *out)
{
	const char *template = p->conf.service->settings[0];

	out->database = tc_template_expand(p->mem, template, out->enclave);
	out->own_database = strcmp(template, tc_template_expand(p->mem, template, "")) != 0;
}

void tc_postgres_enclave_names(struct tc_postgres *p, struct tc_pg_names *out, const char *enclave)
{
	*out = (struct tc_pg_names){
		.installation = p->conf.config->installation,
		.enclave = tc_strdup(p->mem, enclave),
		.name = "",
		.key_id = p->conf.config->key_id,
		.role = "",
		.group = tc_name_enclave(p->mem, enclave),
		.connections = p->conf.service->limits[0],
	};
	add_database(p, out);
}

static const char *derive(struct tc_postgres *p, const struct tc_pg_names *n, const char *field)
{
	char *text = tc_alloc_text(p->mem, TC_CREDENTIAL_LEN + 1);

	tc_credential_derive(p->conf.keys, n->key_id,
			     &(struct tc_credential){
				     .service = "postgres",
				     .field = field,
				     .installation = n->installation,
				     .enclave = n->enclave,
				     .name = n->name,
				     .epoch = n->epoch,
			     },
			     text);
	return text;
}

void tc_postgres_names(struct tc_postgres *p, struct tc_pg_names *out, const struct tc_want *want)
{
	tc_postgres_enclave_names(p, out, want->enclave);
	out->name = tc_strdup(p->mem, want->name);
	out->role = tc_name_tentacle(p->mem, want->enclave, want->name);
	out->epoch = want->epoch;
	if (p->conf.keys)
		out->check = derive(p, out, "password.check");
}

void tc_postgres_credential(struct tc_postgres *p, struct tc_pg_names *n)
{
	unsigned char salt[TC_SCRAM_SALT];

	n->password = derive(p, n, "password");
	tc_scram_salt(tc_printf(p->mem, "postgres/%s/%s/%s/%u", n->installation, n->enclave, n->name, n->epoch), salt);
	n->verifier = tc_scram_verifier(p->mem, n->password, salt, TC_SCRAM_ITERATIONS);
}

/* --- the administrator's session -------------------------------------------------------------------------------------
 */

struct tc_pg_login tc_postgres_login(struct tc_postgres *p, const char *database)
{
	const struct tc_admin *admin = p->conf.admin;
	const struct tc_service_config *service = p->conf.service;

	return (struct tc_pg_login){
		.host = admin->host ? admin->host : service->host,
		.port = admin->port ? admin->port : service->port,
		.database = database,
		.user = admin->user,
		.password = admin->password.len
				    ? tc_strndup(p->mem, (const char *)admin->password.bytes, admin->password.len)
				    : NULL,
		.tls_mode = admin->tls_mode ? admin->tls_mode : service->tls_mode,
		.tls_ca = admin->tls_ca ? admin->tls_ca : service->tls_ca,
	};
}

int tc_postgres_use(struct tc_postgres *p, const char *database, bool *missing, struct tc_error *err)
{
	struct tc_pg_login login;
	struct tc_pg_failure why;
	unsigned seconds = p->pg.seconds;
	const char *step;

	if (p->database && strcmp(p->database, database) == 0 && tc_pg_alive(&p->pg))
		return 0;
	tc_pg_close(&p->pg);
	free(p->database);
	p->database = NULL;
	login = tc_postgres_login(p, database);
	step = tc_printf(p->mem, "log in as the administrator \"%s\" at %s:%u, database \"%s\"", login.user, login.host,
			 login.port, database);
	if (tc_pg_connect(&p->pg, &login, seconds, &why) == 0 &&
	    tc_pg_run(&p->pg, NULL, "SET search_path = pg_catalog, pg_temp", &why) == 0) {
		p->database = strdup(database);
		if (!p->database)
			tc_no_memory();
		return 0;
	}
	tc_pg_close(&p->pg);
	if (missing)
		*missing = strcmp(why.state, "3D000") == 0 || strcmp(why.state, "55000") == 0;
	return tc_pg_fail(err, step, &why);
}

/* Two sessions wrote one row of a catalogue at once, or waited for each other: the other one has done its part. */
static bool passes_by_itself(const struct tc_pg_failure *why)
{
	return (strcmp(why->state, "XX000") == 0 &&
		(strstr(why->text, "concurrently") || strstr(why->text, "could not find tuple"))) ||
	       strcmp(why->state, "40P01") == 0 || strcmp(why->state, "40001") == 0;
}

int tc_postgres_do(struct tc_postgres *p, PGresult **rows, const char *step, const char *sql, struct tc_error *err)
{
	struct tc_pg_failure why = {0};

	for (unsigned round = 0; round < 5; round++) {
		if (step)
			tc_step(&p->conf, "%s", step);
		if (tc_pg_run(&p->pg, rows, sql, &why) == 0)
			return 0;
		if (!passes_by_itself(&why) || !p->pg.conn)
			break;
		tc_pause(20 << round);
	}
	return tc_pg_fail(err, step ? step : tc_printf(p->mem, "look at database \"%s\"", p->database), &why);
}

/* --- the tenant's session --------------------------------------------------------------------------------------------
 */

/* Not a failure of ours: how the tenant's login ended, in words that say what is to be done. */
static int refused(const struct tc_pg_names *n, const struct tc_pg *pg, const struct tc_pg_failure *why,
		   struct tc_error *err)
{
	static const struct {
		const char *state, *meaning;
	} rows[] = {
		{"28P01", "the server refused the derived password; register it again"},
		{"28000", "it may not log in, it is retained, or pg_hba.conf has no line for it"},
		{"42501", "it may not connect to the database; register it again"},
		{"3D000", "its database does not exist; register it again"},
	};
	const char *step = "log in as the tentacle's role";

	/* The password was right, and all of its connections are in use: asked says that this was not said before the
	 * password was looked at. */
	if (strcmp(why->state, "53300") == 0 && pg->asked)
		return 0;
	for (size_t i = 0; i < TC_COUNT(rows); i++)
		if (strcmp(why->state, rows[i].state) == 0)
			return tc_fail(err, TC_E_DIFFERS, "postgres: %s \"%s\": %s (%s)", step, n->role,
				       rows[i].meaning, why->state);
	return tc_pg_fail(err, step, why);
}

static int try_schema(struct tc_pg *pg, const struct tc_pg_names *n, struct tc_arena *mem, struct tc_error *err)
{
	_cleanup_(tc_pg_result_free) PGresult *rows = NULL;
	struct tc_pg_failure why;
	const char *step = tc_printf(mem, "use the schema as the role \"%s\"", n->role);

	if (tc_pg_run(pg, &rows,
		      "SELECT current_schema() IS NOT NULL AND current_schema() = current_user\n"
		      "AND has_schema_privilege(current_schema(), 'CREATE, USAGE'), current_database()",
		      &why) < 0)
		return tc_pg_fail(err, step, &why);
	if (PQntuples(rows) != 1 || strcmp(PQgetvalue(rows, 0, 0), "t") != 0 ||
	    strcmp(PQgetvalue(rows, 0, 1), n->database) != 0)
		return tc_fail(err, TC_E_DIFFERS,
			       "postgres: %s: it is not the first of its search_path; register it again", step);
	return 0;
}

/* At the administrator's address: the tenants' own may not be reachable from here, and it is the same server. */
static int log_in(struct tc_postgres *p, const struct tc_pg_names *n, struct tc_error *err)
{
	struct tc_pg_login login = tc_postgres_login(p, n->database);
	struct tc_pg_failure why;
	struct tc_pg pg;
	int rc;

	login.user = n->role;
	login.password = n->password;
	if (tc_pg_connect(&pg, &login, p->pg.seconds, &why) < 0)
		return refused(n, &pg, &why, err);
	if (!pg.asked)
		rc = tc_fail(err, TC_E_USAGE,
			     "postgres: the server let the role \"%s\" in without a password, so everybody is every "
			     "tentacle; pg_hba.conf has to say scram-sha-256 where it says trust",
			     n->role);
	else
		rc = try_schema(&pg, n, p->mem, err);
	tc_pg_close(&pg);
	return rc;
}

static int need_keys(const struct tc_postgres *p, struct tc_error *err)
{
	if (p->conf.keys)
		return 0;
	return tc_fail(err, TC_E_USAGE, "postgres: a credential is needed and there is no root key");
}

static int verify(void *self, const struct tc_want *want, struct tc_error *err)
{
	struct tc_postgres *p = self;
	struct tc_pg_names n;

	tc_postgres_begin(p);
	if (need_keys(p, err) < 0)
		return -1;
	tc_postgres_names(p, &n, want);
	tc_postgres_credential(p, &n);
	return log_in(p, &n, err);
}

/* --- apply -----------------------------------------------------------------------------------------------------------
 */

int tc_postgres_refuse(const struct tc_pg_seen *seen, struct tc_error *err)
{
	return tc_fail(
		err, TC_E_REJECTED,
		"postgres: %s; it was left as it is: give this installation names of its own, or drop what is there "
		"by hand",
		seen->foreign);
}

/* Takes away what the role has too much, one statement after the other: each may need a right that we lack. */
static int revoke_surplus(struct tc_postgres *p, const struct tc_pg_names *n, const char *sql, struct tc_error *err)
{
	while (sql && *sql) {
		size_t len = strcspn(sql, TC_SURPLUS_END);
		const char *one = tc_strndup(p->mem, sql, len);

		/* "REVOKE a FROM b" is what is done and how it is called */
		if (tc_postgres_do(p, NULL, one,
				   tc_sql_transaction(p->mem, p->pg.seconds, n->role, tc_printf(p->mem, "%s;", one)),
				   err) < 0)
			return -1;
		sql += len + (sql[len] != '\0');
	}
	return 0;
}

static int still_differs(const struct tc_pg_names *n, const struct tc_pg_seen *seen, struct tc_error *err)
{
	/* what lacks nothing and is not there is the work of a run that wants the opposite */
	if (!seen->observed.ndiffers)
		return tc_fail(err, TC_E_RETRY,
			       "postgres: role \"%s\" was %s by another run in the meantime; try again", n->role,
			       seen->there ? "locked out" : "dropped");
	return tc_fail(err, TC_E_USAGE,
		       "postgres: role \"%s\" is not as it should be though all was done for it: %s; look at what the "
		       "administrator may do: tentc doctor",
		       n->role, seen->observed.differs[0]);
}

/* Reads back what is there now, and takes away what is too much. */
static int settle(struct tc_postgres *p, const struct tc_pg_names *n, struct tc_error *err)
{
	struct tc_pg_seen seen;

	for (unsigned round = 0; round < 2; round++) {
		if (tc_postgres_look(p, &seen, n, p->mem, err) < 0)
			return -1;
		if (seen.foreign)
			return tc_postgres_refuse(&seen, err);
		if (seen.observed.state == TC_STATE_APPLIED)
			return 0;
		if (!seen.surplus_sql)
			break;
		if (revoke_surplus(p, n, seen.surplus_sql, err) < 0)
			return -1;
	}
	if (tc_postgres_look(p, &seen, n, p->mem, err) < 0)
		return -1;
	return seen.observed.state == TC_STATE_APPLIED ? 0 : still_differs(n, &seen, err);
}

static int apply(void *self, const struct tc_want *want, struct tc_error *err)
{
	struct tc_postgres *p = self;
	struct tc_pg_names n;
	struct tc_pg_seen seen;
	struct tc_error other = {0};

	tc_postgres_begin(p);
	if (need_keys(p, err) < 0)
		return -1;
	tc_postgres_names(p, &n, want);
	if (tc_postgres_look(p, &seen, &n, p->mem, err) < 0)
		return -1;
	if (seen.foreign)
		return tc_postgres_refuse(&seen, err);
	tc_postgres_credential(p, &n);
	/* The mark only says what we last set; a tenant may change its own password. A login is what proves it. */
	if (seen.observed.state == TC_STATE_APPLIED && !seen.open_to_public && log_in(p, &n, &other) == 0)
		return 0;
	if ((!seen.database || !seen.locks || !seen.group || !seen.group_connects || seen.open_to_public) &&
	    tc_postgres_ensure_enclave(p, &n, err) < 0)
		return -1;
	if (tc_postgres_do(p, NULL, tc_printf(p->mem, "%s role %s", seen.there ? "alter" : "create", n.role),
			   tc_sql_transaction(p->mem, p->pg.seconds, n.role, tc_sql_apply(p->mem, &n)), err) < 0)
		return -1;
	return settle(p, &n, err);
}

const struct tc_registrar_ops tc_registrar_postgres = {
	.service = "postgres",
	.open = open_registrar,
	.close = close_registrar,
	.probe = tc_postgres_probe,
	.observe = tc_postgres_observe,
	.observe_all = tc_postgres_observe_all,
	.apply = apply,
	.verify = verify,
	.retain = tc_postgres_retain,
	.destroy = tc_postgres_destroy,
	.enclave_apply = tc_postgres_enclave_apply,
	.enclave_destroy = tc_postgres_enclave_destroy,
};
