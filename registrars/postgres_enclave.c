/* What an enclave has: a group role, the only holder of CONNECT; where the platform says so a database; and in each
 * database the table of locks. */
#include "registrars/postgres.h"

#include "compiler/contract/postgres.h"

/* The row under which what belongs to the database is changed: its row of pg_database has many writers. */
#define DATABASE_LOCK "database"

/* --- a database for one enclave --------------------------------------------------------------------------------------
 */

struct database {
	bool there, open, ours;
	const char *owner, *comment;
};

static int look_at_database(struct tc_postgres *p, const struct tc_pg_names *n, struct database *out,
			    struct tc_error *err)
{
	_cleanup_(tc_pg_result_free) PGresult *rows = NULL;
	const char *sql =
		tc_printf(p->mem,
			  "SELECT datallowconn, pg_get_userbyid(datdba), shobj_description(oid, 'pg_database'),\n"
			  "pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = %s;",
			  tc_sql_text_in(p->mem, n->database));

	*out = (struct database){0};
	if (tc_postgres_do(p, &rows, NULL, tc_sql_read(p->mem, p->pg.seconds, sql), err) < 0)
		return -1;
	if (PQntuples(rows) != 1)
		return 0;
	out->there = true;
	out->open = strcmp(PQgetvalue(rows, 0, 0), "t") == 0;
	out->owner = tc_strdup(p->mem, PQgetvalue(rows, 0, 1));
	out->comment = tc_strdup(p->mem, PQgetvalue(rows, 0, 2));
	out->ours = strcmp(PQgetvalue(rows, 0, 3), "t") == 0;
	return 0;
}

/* One that is closed and has no comment is ours too: its making was interrupted. */
static int refuse_foreign_database(struct tc_postgres *p, const struct tc_pg_names *n, const struct database *d,
				   struct tc_error *err)
{
	const char *mark = tc_pg_group_mark(p->mem, n->installation, n->enclave);

	if (!d->there || (d->ours && (strcmp(d->comment, mark) == 0 || (!d->open && !*d->comment))))
		return 0;
	return tc_fail(
		err, TC_E_REJECTED,
		"postgres: the database \"%s\" is not of this installation: it belongs to %s and its comment says %s; "
		"it was left as it is",
		n->database, tc_quote(p->mem, tc_str(d->owner)), tc_quote(p->mem, tc_str(d->comment)));
}

/* Not in a transaction: CREATE DATABASE cannot be. From a closed template, for no session may be in it. */
static int create_database(struct tc_postgres *p, const char *database, const char *step, struct tc_error *err)
{
	struct tc_pg_failure why;

	tc_step(&p->conf, "%s", step);
	if (tc_pg_run(&p->pg, NULL,
		      tc_printf(p->mem, "CREATE DATABASE %s TEMPLATE template0 ALLOW_CONNECTIONS false", database),
		      &why) == 0)
		return 0;
	/* another run was faster: 42P04 when it had finished, 23505 when it was just finishing */
	if (strcmp(why.state, "42P04") == 0 || strcmp(why.state, "23505") == 0)
		return 0;
	return tc_pg_fail(err, step, &why);
}

/* Closed until nobody but the owner may enter it: whatever is interrupted, no tenant of another enclave gets in. */
static int make_database(struct tc_postgres *p, const struct tc_pg_names *n, struct tc_error *err)
{
	const char *database = tc_sql_name_in(p->mem, n->database);
	const char *step = tc_printf(p->mem, "create database %s", n->database);
	struct database d;

	if (tc_postgres_use(p, p->admin_database, NULL, err) < 0 || look_at_database(p, n, &d, err) < 0 ||
	    refuse_foreign_database(p, n, &d, err) < 0)
		return -1;
	if (!d.there && (create_database(p, database, step, err) < 0 || look_at_database(p, n, &d, err) < 0 ||
			 refuse_foreign_database(p, n, &d, err) < 0))
		return -1;
	if (d.open)
		return 0;
	return tc_postgres_do(p, NULL, tc_printf(p->mem, "open database %s to its enclave", n->database),
			      tc_sql_transaction(p->mem, p->pg.seconds, NULL,
						 tc_printf(p->mem,
							   "REVOKE ALL ON DATABASE %s FROM PUBLIC;\n"
							   "COMMENT ON DATABASE %s IS %s;\n"
							   "ALTER DATABASE %s ALLOW_CONNECTIONS true;",
							   database, database,
							   tc_sql_text_in(p->mem,
									  tc_pg_group_mark(p->mem, n->installation,
											   n->enclave)),
							   database)),
			      err);
}

/* --- the table of locks ----------------------------------------------------------------------------------------------
 */

static int look_at_locks(struct tc_postgres *p, bool *there, const char **owner, struct tc_error *err)
{
	_cleanup_(tc_pg_result_free) PGresult *rows = NULL;
	const char *sql = "SELECT pg_get_userbyid(n.nspowner), pg_has_role(n.nspowner, 'USAGE')\n"
			  "AND coalesce(pg_has_role(c.relowner, 'USAGE'), true), c.oid IS NOT NULL\n"
			  "FROM pg_namespace n LEFT JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'lock'\n"
			  "WHERE n.nspname = 'tentc';";

	*owner = NULL;
	*there = false;
	if (tc_postgres_do(p, &rows, NULL, tc_sql_read(p->mem, p->pg.seconds, sql), err) < 0)
		return -1;
	if (PQntuples(rows) != 1)
		return 0;
	if (strcmp(PQgetvalue(rows, 0, 1), "t") != 0)
		*owner = tc_strdup(p->mem, PQgetvalue(rows, 0, 0));
	*there = strcmp(PQgetvalue(rows, 0, 2), "t") == 0;
	return 0;
}

/* Two that make it at once: one gets 23505 or 42P07, and finds it there. */
int tc_postgres_make_locks(struct tc_postgres *p, struct tc_error *err)
{
	const char *step = "create the table of locks, tentc.lock", *owner;
	struct tc_pg_failure why;
	bool there;

	if (look_at_locks(p, &there, &owner, err) < 0)
		return -1;
	if (owner)
		return tc_fail(
			err, TC_E_REJECTED,
			"postgres: the schema tentc of database \"%s\" belongs to \"%s\", who could hold our locks; "
			"have a DBA drop it",
			p->database, owner);
	if (there)
		return 0;
	tc_step(&p->conf, "%s", step);
	if (tc_pg_run(&p->pg, NULL, tc_sql_transaction(p->mem, p->pg.seconds, NULL, TC_POSTGRES_LOCKS), &why) == 0)
		return 0;
	if (strcmp(why.state, "23505") == 0 || strcmp(why.state, "42P07") == 0 || strcmp(why.state, "42P06") == 0) {
		if (look_at_locks(p, &there, &owner, err) < 0)
			return -1;
		if (there && !owner)
			return 0;
	}
	return tc_pg_fail(err, step, &why);
}

/* --- the enclave -----------------------------------------------------------------------------------------------------
 */

int tc_postgres_ensure_enclave(struct tc_postgres *p, const struct tc_pg_names *n, struct tc_error *err)
{
	if (n->own_database && make_database(p, n, err) < 0)
		return -1;
	if (tc_postgres_use(p, n->database, NULL, err) < 0 || tc_postgres_make_locks(p, err) < 0)
		return -1;
	return tc_postgres_do(p, NULL, tc_printf(p->mem, "create group %s", n->group),
			      tc_sql_transaction(p->mem, p->pg.seconds, DATABASE_LOCK, tc_sql_group(p->mem, n)), err);
}

/* Whether all is there already: then nothing is written. */
static int look_at_enclave(struct tc_postgres *p, const struct tc_pg_names *n, bool *fine, struct tc_error *err)
{
	struct tc_pg_names some = *n;
	struct tc_pg_seen seen;

	some.role = n->group; /* no tentacle is looked for */
	*fine = false;
	if (tc_postgres_look(p, &seen, &some, p->mem, err) < 0)
		return -1;
	*fine = seen.database && seen.locks && seen.group && seen.group_connects && !seen.open_to_public;
	return 0;
}

int tc_postgres_enclave_apply(void *self, const char *enclave, struct tc_error *err)
{
	struct tc_postgres *p = self;
	struct tc_pg_names n;
	bool fine;

	tc_postgres_begin(p);
	tc_postgres_enclave_names(p, &n, enclave);
	if (look_at_enclave(p, &n, &fine, err) < 0)
		return -1;
	return fine ? 0 : tc_postgres_ensure_enclave(p, &n, err);
}

/* The roles of the enclave's tentacles, retained ones too: what is theirs would be lost. */
static int refuse_inhabited(struct tc_postgres *p, const struct tc_pg_names *n, struct tc_error *err)
{
	_cleanup_(tc_pg_result_free) PGresult *rows = NULL;
	const char *start =
		tc_sql_text_in(p->mem, tc_printf(p->mem, "%s ", tc_pg_group_mark(p->mem, n->installation, n->enclave)));
	const char *sql =
		tc_printf(p->mem,
			  "SELECT r.rolname, count(*) OVER () FROM pg_shdescription d JOIN pg_roles r ON r.oid = "
			  "d.objoid\nWHERE d.classoid = 'pg_authid'::regclass AND starts_with(d.description, %s)\n"
			  "ORDER BY 1 LIMIT 1;",
			  start);

	if (tc_postgres_do(p, &rows, NULL, tc_sql_read(p->mem, p->pg.seconds, sql), err) < 0)
		return -1;
	if (PQntuples(rows) == 0)
		return 0;
	return tc_fail(
		err, TC_E_REJECTED,
		"postgres: the enclave \"%s\" still has %s role%s, such as \"%s\"; undeploy its tentacles with --force "
		"first",
		n->enclave, PQgetvalue(rows, 0, 1), strcmp(PQgetvalue(rows, 0, 1), "1") == 0 ? "" : "s",
		PQgetvalue(rows, 0, 0));
}

static int drop_database(struct tc_postgres *p, const struct tc_pg_names *n, struct tc_error *err)
{
	const char *step = tc_printf(p->mem, "drop database %s", n->database);
	struct database d;

	if (look_at_database(p, n, &d, err) < 0 || refuse_foreign_database(p, n, &d, err) < 0)
		return -1;
	if (!d.there)
		return 0;
	return tc_postgres_do(p, NULL, step,
			      tc_printf(p->mem, "DROP DATABASE IF EXISTS %s WITH (FORCE)",
					tc_sql_name_in(p->mem, n->database)),
			      err);
}

/* Where the database is shared the group's CONNECT is taken from it first: a role with rights cannot be dropped. */
static int drop_group(struct tc_postgres *p, const struct tc_pg_names *n, struct tc_error *err)
{
	const char *group = tc_sql_name_in(p->mem, n->group), *text = tc_sql_text_in(p->mem, n->group);
	const char *mark = tc_sql_text_in(p->mem, tc_pg_group_mark(p->mem, n->installation, n->enclave));
	const char *revoke = n->own_database ? ""
					     : tc_printf(p->mem, "REVOKE ALL ON DATABASE %s FROM %s; ",
							 tc_sql_name_in(p->mem, n->database), group);
	const char *sql = tc_printf(
		p->mem,
		"DO $tentc$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = %s\n"
		"AND shobj_description(oid, 'pg_authid') = %s) THEN %sDROP ROLE IF EXISTS %s; END IF; END $tentc$;",
		text, mark, revoke, group);

	return tc_postgres_do(p, NULL, tc_printf(p->mem, "drop group %s", n->group),
			      tc_sql_transaction(p->mem, p->pg.seconds, n->own_database ? NULL : DATABASE_LOCK, sql),
			      err);
}

int tc_postgres_enclave_destroy(void *self, const char *enclave, struct tc_error *err)
{
	struct tc_postgres *p = self;
	struct tc_pg_names n;
	const char *place;
	bool there;
	const char *owner;

	tc_postgres_begin(p);
	tc_postgres_enclave_names(p, &n, enclave);
	place = n.own_database ? p->admin_database : n.database;
	if (tc_postgres_use(p, place, NULL, err) < 0 || refuse_inhabited(p, &n, err) < 0)
		return -1;
	if (n.own_database && drop_database(p, &n, err) < 0)
		return -1;
	/* without the table there never was an enclave in there */
	if (!n.own_database && (look_at_locks(p, &there, &owner, err) < 0 || !there || owner))
		return err->code ? -1 : 0;
	return drop_group(p, &n, err);
}
