/* Retain: the door is closed first, then those who are inside are sent out; what they own stays. */
#include "registrars/postgres.h"

/* A backend that has just been let in shows up late: it is over when nobody was seen twice in a row. */
static int end_sessions(struct tc_postgres *p, const struct tc_pg_names *n, struct tc_error *err)
{
	const char *sql =
		tc_sql_read(p->mem, p->pg.seconds,
			    tc_printf(p->mem,
				      "SELECT count(*), count(pg_terminate_backend(pid)) FROM pg_stat_activity\n"
				      "WHERE usesysid = (SELECT oid FROM pg_roles WHERE rolname = %s);",
				      tc_sql_text_in(p->mem, n->role)));
	int64_t deadline = tc_monotonic() + (int64_t)p->pg.seconds * 1000;
	const char *step = tc_printf(p->mem, "end sessions of role %s", n->role);
	bool told = false;

	for (unsigned nobody = 0; nobody < 2;) {
		_cleanup_(tc_pg_result_free) PGresult *rows = NULL;

		/* told once: all that comes after it does the same */
		if (tc_postgres_do(p, &rows, told ? NULL : step, sql, err) < 0)
			return -1;
		told = true;
		nobody = PQntuples(rows) == 1 && strcmp(PQgetvalue(rows, 0, 0), "0") == 0 ? nobody + 1 : 0;
		if (tc_monotonic() >= deadline)
			return tc_fail(err, TC_E_RETRY, "postgres: %s: they did not end in time; try again", step);
		if (nobody < 2)
			tc_pause(30);
	}
	return 0;
}

int tc_postgres_shut(struct tc_postgres *p, const struct tc_pg_names *n, const struct tc_pg_seen *seen,
		     struct tc_error *err)
{
	/* without its database there is no table of locks either */
	if (seen->database && !seen->locks && tc_postgres_make_locks(p, err) < 0)
		return -1;
	if (tc_postgres_do(p, NULL, tc_printf(p->mem, "lock out role %s", n->role),
			   tc_sql_transaction(p->mem, p->pg.seconds, seen->database ? n->role : NULL,
					      tc_sql_retain(p->mem, n)),
			   err) < 0)
		return -1;
	return end_sessions(p, n, err);
}

int tc_postgres_retain(void *self, const struct tc_want *want, struct tc_error *err)
{
	struct tc_postgres *p = self;
	struct tc_pg_names n;
	struct tc_pg_seen seen;

	tc_postgres_begin(p);
	tc_postgres_names(p, &n, want);
	if (tc_postgres_look(p, &seen, &n, p->mem, err) < 0)
		return -1;
	if (seen.foreign)
		return tc_postgres_refuse(&seen, err);
	if (!seen.there || seen.observed.state == TC_STATE_RETAINED)
		return 0;
	return tc_postgres_shut(p, &n, &seen, err);
}
