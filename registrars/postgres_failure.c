/* What the states of SQL mean here, what to do, and whether trying again may help. */
#include "registrars/postgres.h"

static const struct {
	const char *state; /* or the first two characters of it: its class */
	enum tc_code code;
	const char *meaning; /* NULL: what the server said */
	const char *help;    /* what to do; NULL: try again */
} rows[] = {
	{"28P01", TC_E_USAGE, "the server refused the administrator's password",
	 "look at services.postgres.admin.user and passwordFile"},
	{"28000", TC_E_USAGE, "the server lets the administrator not in",
	 "look at services.postgres.admin.user, the role's LOGIN, and pg_hba.conf"},
	{TC_STATE_NO_PASSWORD, TC_E_USAGE, "the server asks for a password, and there is none",
	 "give services.postgres.admin.passwordFile, or TENTACULAR_POSTGRES_ADMIN_PASSWORD"},
	{"3D000", TC_E_USAGE, "the database does not exist", "have a DBA run what tentc bootstrap postgres prints"},
	{"55000", TC_E_USAGE, "the database is closed to all connections", "see datallowconn of pg_database"},
	{"53300", TC_E_RETRY, "the server has no connection left", NULL},
	{"57P03", TC_E_RETRY, "the server is starting or stopping", NULL},
	{"57P01", TC_E_RETRY, "the server ended the session", NULL},
	{"57P02", TC_E_RETRY, "the server ended the session after a crash", NULL},
	{"57014", TC_E_RETRY, "the statement took too long and was ended", NULL},
	{"55P03", TC_E_RETRY, "a lock was not free in time, another run may hold it", NULL},
	{"40P01", TC_E_RETRY, "two sessions waited for each other, and this one was ended", NULL},
	{"25P03", TC_E_RETRY, "the server ended a transaction that was idle for too long", NULL},
	{"25006", TC_E_RETRY, "the server is read-only", "point services.postgres.admin.host to the primary, or wait"},
	{"53100", TC_E_RETRY, "the server's disk is full", "make room, then try again"},
	{"53200", TC_E_RETRY, "the server has no memory for so many locks",
	 "raise max_locks_per_transaction, or try again when there is less to do"},
	{"XX000", TC_E_RETRY, NULL, NULL},
	{"42501", TC_E_USAGE, NULL,
	 "the administrator lacks a right: have a DBA run what tentc bootstrap postgres prints; on PostgreSQL 16 and "
	 "later, roles that another administrator made have to be granted to this one WITH ADMIN OPTION"},
	{"2BP01", TC_E_REJECTED, NULL,
	 "what it names is not ours to take away: have its owner drop it or REVOKE it, then try again"},
	{TC_STATE_FOREIGN_MARK, TC_E_REJECTED, NULL,
	 "it was left as it is; give this installation names of its own, or drop what is there by hand"},
	{TC_STATE_FOREIGN_SCHEMA, TC_E_REJECTED, NULL, "it was left as it is; rename or drop that schema by hand"},
	{TC_STATE_OLD_EPOCH, TC_E_REJECTED, NULL,
	 "an old password must not come back: raise tentacular.io/credential-epoch instead"},
	{"08", TC_E_RETRY, NULL, NULL},
	{"40", TC_E_RETRY, NULL, NULL},
	{"53", TC_E_RETRY, NULL, NULL},
	{"57", TC_E_RETRY, NULL, NULL},
	{"58", TC_E_RETRY, NULL, NULL},
};

static bool is_state(const char *state, const char *row)
{
	return *state && strncmp(state, row, strlen(row)) == 0;
}

int tc_pg_fail(struct tc_error *err, const char *step, const struct tc_pg_failure *why)
{
	if (why->timed_out)
		return tc_fail(err, TC_E_RETRY, "postgres: %s: no answer in time; try again", step);
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		const char *meaning = rows[i].meaning;

		if (is_state(why->state, rows[i].state))
			return tc_fail(err, rows[i].code, "postgres: %s: %s (%s); %s", step,
				       meaning ? meaning : why->text, why->state,
				       rows[i].help ? rows[i].help : "try again");
	}
	if (why->state[0])
		return tc_fail(err, TC_E_BUG, "postgres: %s: %s (%s)", step, why->text, why->state);
	/* the certificate, the name, a broken connection: libpq's own words */
	return tc_fail(err, TC_E_RETRY, "postgres: %s: %s", step,
		       why->text[0] ? why->text : "the connection was lost; try again");
}
