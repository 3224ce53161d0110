/* DROP SCHEMA CASCADE takes a lock for each thing in it, all at once, and the server's table of locks is small: so it
 * goes in parts, each a transaction of its own. Whatever is interrupted, the next run finds less to do. */
#include "registrars/postgres.h"

/* How many at a time to begin with; halved where the server has no memory or no time for so many. */
#define PART 500

/* In its schema, or its own in the schemas of others; where it may not look, DROP OWNED finds it. */
#define ITS(owner) "(n.nspname = r.rolname OR (" owner " = r.oid AND has_schema_privilege(n.oid, 'USAGE')))"
#define RELATIONS(kinds)                                                                                              \
	"SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace " \
	"WHERE c.relkind IN (" kinds ") AND " ITS("c.relowner")

/* Kinds in an order in which few of them pull others along. */
static const struct kind {
	const char *what, *drop, *list; /* list: their names; r is the row of the role in pg_roles */
} kinds[] = {
	{"views", "DROP VIEW", RELATIONS("'v'")},
	{"materialized views", "DROP MATERIALIZED VIEW", RELATIONS("'m'")},
	{"foreign tables", "DROP FOREIGN TABLE", RELATIONS("'f'")},
	/* parts before what they are parts of */
	{"tables", "DROP TABLE", RELATIONS("'r', 'p'") " ORDER BY c.relispartition DESC, c.relkind = 'p', c.oid"},
	{"sequences", "DROP SEQUENCE", RELATIONS("'S'")},
	{"functions", "DROP ROUTINE",
	 "SELECT f.oid::regprocedure::text FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace "
	 "WHERE " ITS("f.proowner")},
	{"types", "DROP TYPE",
	 "SELECT format('%I.%I', n.nspname, t.typname) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace "
	 "WHERE t.typrelid = 0 AND t.typelem = 0 AND t.typtype IN ('b', 'd', 'e', 'r') AND " ITS("t.typowner")},
};

/* Fewer at a time may be what helps. */
static bool too_many(const struct tc_pg_failure *why)
{
	return strcmp(why->state, "53200") == 0 || strcmp(why->state, "57014") == 0;
}

static int run_part(struct tc_postgres *p, const struct tc_pg_names *n, const char *step, const char *sql,
		    unsigned *part, struct tc_error *err)
{
	struct tc_pg_failure why;

	tc_step(&p->conf, "%s", step);
	if (tc_pg_run(&p->pg, NULL, tc_sql_transaction(p->mem, p->pg.seconds, n->role, sql), &why) == 0)
		return 0;
	if (!too_many(&why) || *part == 1 || !p->pg.conn)
		return tc_pg_fail(err, step, &why);
	*part /= 2;
	return 0;
}

/* The names of at most `part` of one kind; "" when there are none. */
static int list_of_kind(struct tc_postgres *p, const struct tc_pg_names *n, const struct kind *kind, unsigned part,
			const char **names, const char **count, struct tc_error *err)
{
	_cleanup_(tc_pg_result_free) PGresult *rows = NULL;
	const char *sql =
		tc_printf(p->mem,
			  "SELECT string_agg(x.name, ', '), count(*) FROM pg_roles r, LATERAL (%s LIMIT %u) x(name)\n"
			  "WHERE r.rolname = %s;",
			  kind->list, part, tc_sql_text_in(p->mem, n->role));

	if (tc_postgres_do(p, &rows, NULL, tc_sql_read(p->mem, p->pg.seconds, sql), err) < 0)
		return -1;
	*names = PQntuples(rows) == 1 ? tc_strdup(p->mem, PQgetvalue(rows, 0, 0)) : "";
	*count = PQntuples(rows) == 1 ? tc_strdup(p->mem, PQgetvalue(rows, 0, 1)) : "0";
	return 0;
}

static int drop_kind(struct tc_postgres *p, const struct tc_pg_names *n, const struct kind *kind, unsigned *part,
		     struct tc_error *err)
{
	struct tc_arena_mark here = tc_arena_mark(p->mem);

	for (;;) {
		const char *names, *count;
		int rc;

		if (list_of_kind(p, n, kind, *part, &names, &count, err) < 0)
			return -1;
		if (!*names)
			return 0;
		rc = run_part(p, n, tc_printf(p->mem, "drop %s %s of %s", count, kind->what, n->role),
			      tc_printf(p->mem, "%s IF EXISTS %s CASCADE;", kind->drop, names), part, err);
		tc_arena_rewind(p->mem, here);
		if (rc < 0)
			return -1;
	}
}

static int drop_large_objects(struct tc_postgres *p, const struct tc_pg_names *n, struct tc_error *err)
{
	const char *owned =
		tc_printf(p->mem,
			  "FROM pg_largeobject_metadata WHERE lomowner = (SELECT oid FROM pg_roles WHERE rolname = "
			  "%s)",
			  tc_sql_text_in(p->mem, n->role));
	unsigned part = PART;

	for (;;) {
		_cleanup_(tc_pg_result_free) PGresult *rows = NULL;

		if (tc_postgres_do(p, &rows, NULL,
				   tc_sql_read(p->mem, p->pg.seconds, tc_printf(p->mem, "SELECT count(*) %s;", owned)),
				   err) < 0)
			return -1;
		if (PQntuples(rows) != 1 || strcmp(PQgetvalue(rows, 0, 0), "0") == 0)
			return 0;
		if (run_part(p, n,
			     tc_printf(p->mem, "unlink large objects of %s, there are %s", n->role,
				       PQgetvalue(rows, 0, 0)),
			     tc_printf(p->mem, "SELECT count(lo_unlink(oid)) FROM (SELECT oid %s LIMIT %u) x;", owned,
				       part),
			     &part, err) < 0)
			return -1;
	}
}

/* DROP OWNED also takes away what it was granted by others, and its default privileges; without it the role cannot be
 * dropped. Nothing is given to somebody else: nobody should inherit. */
static int drop_rest(struct tc_postgres *p, const struct tc_pg_names *n, struct tc_error *err)
{
	const char *role = tc_sql_name_in(p->mem, n->role), *text = tc_sql_text_in(p->mem, n->role);
	const char *owned = tc_printf(
		p->mem,
		"DROP SCHEMA IF EXISTS %s CASCADE;\n"
		"DO $tentc$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = %s) THEN DROP OWNED BY %s CASCADE; "
		"END IF; END $tentc$;",
		role, text, role);

	return tc_postgres_do(p, NULL, tc_printf(p->mem, "drop schema %s", n->role),
			      tc_sql_transaction(p->mem, p->pg.seconds, n->role, owned), err);
}

static int drop_role(struct tc_postgres *p, const struct tc_pg_names *n, bool database, struct tc_error *err)
{
	const char *sql = tc_printf(p->mem, "DROP ROLE IF EXISTS %s;", tc_sql_name_in(p->mem, n->role));

	/* With the lock's row: who waits for it makes it again. */
	if (database)
		sql = tc_printf(p->mem, "%s\nDELETE FROM tentc.lock WHERE name = %s;", sql,
				tc_sql_text_in(p->mem, n->role));
	return tc_postgres_do(p, NULL, tc_printf(p->mem, "drop role %s", n->role),
			      tc_sql_transaction(p->mem, p->pg.seconds, database ? n->role : NULL, sql), err);
}

int tc_postgres_destroy(void *self, const struct tc_want *want, struct tc_error *err)
{
	struct tc_postgres *p = self;
	struct tc_pg_names n;
	struct tc_pg_seen seen;
	unsigned part = PART;

	tc_postgres_begin(p);
	tc_postgres_names(p, &n, want);
	if (tc_postgres_look(p, &seen, &n, p->mem, err) < 0)
		return -1;
	if (seen.foreign)
		return tc_postgres_refuse(&seen, err);
	if (!seen.there)
		return 0;
	if (tc_postgres_shut(p, &n, &seen, err) < 0)
		return -1;
	for (size_t i = 0; seen.database && i < TC_COUNT(kinds); i++)
		if (drop_kind(p, &n, &kinds[i], &part, err) < 0)
			return -1;
	if (seen.database && (drop_large_objects(p, &n, err) < 0 || drop_rest(p, &n, err) < 0))
		return -1;
	return drop_role(p, &n, seen.database, err);
}
