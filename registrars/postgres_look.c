/* What is there, read in one statement that cannot write: the same for one role and for all of them. */
#include "registrars/postgres.h"

#include "compiler/contract/identity.h"

/* --- the statement ---------------------------------------------------------------------------------------------------
 */

/* Where the roles come from: one, which may be absent, or all that could be tentacles. The group of the latter is the
 * role whose mark is the beginning of theirs. The planner takes catalogues for small, and would join a thousand roles
 * with a thousand marks by trying them all. */
static const char all_roles[] =
	"SELECT x.rolname, g.rolname AS grp FROM pg_roles x\n"
	"LEFT JOIN marks xm ON xm.objoid = x.oid\n"
	"LEFT JOIN (SELECT y.rolname, ym.description FROM pg_roles y JOIN marks ym ON ym.objoid = y.oid\n"
	"WHERE y.rolname LIKE 'tentenc\\_%') g ON g.description = split_part(xm.description, ' name=', 1)\n"
	"WHERE x.rolname LIKE 'tent\\_%'";

/* What a role has too much, and the statement that takes it away: for all roles at once. */
static const char surplus[] =
	"SELECT me.oid, 'has the attribute ' || a.name AS words, format('ALTER ROLE %I NO%s', me.rolname, a.name) AS "
	"sql\n"
	"FROM me, LATERAL (VALUES ('SUPERUSER', me.rolsuper), ('CREATEROLE', me.rolcreaterole),\n"
	"('CREATEDB', me.rolcreatedb), ('REPLICATION', me.rolreplication), ('BYPASSRLS', me.rolbypassrls)) a(name, "
	"has)\n"
	"WHERE a.has\n"
	"UNION SELECT me.oid, format('is a member of %I', o.rolname), format('REVOKE %I FROM %I', o.rolname, "
	"me.rolname)\n"
	"FROM me JOIN pg_auth_members m ON m.member = me.oid JOIN pg_roles o ON o.oid = m.roleid\n"
	"WHERE o.rolname IS DISTINCT FROM me.grp\n"
	"UNION SELECT me.oid, format('%I is a member of it', o.rolname), format('REVOKE %I FROM %I', me.rolname, "
	"o.rolname)\n"
	"FROM me JOIN pg_auth_members m ON m.roleid = me.oid JOIN pg_roles o ON o.oid = m.member\n"
	"WHERE NOT o.rolcreaterole AND NOT o.rolsuper AND o.rolname <> current_user\n"
	"UNION SELECT me.oid, 'opens its schema to ' || x.who, format('REVOKE ALL ON SCHEMA %I FROM %s CASCADE', "
	"me.rolname,\n"
	"x.who) FROM me JOIN (SELECT n.nspname, CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE\n"
	"quote_ident(pg_get_userbyid(e.grantee)) END AS who FROM pg_namespace n, aclexplode(n.nspacl) e\n"
	"WHERE e.grantee <> n.nspowner) x ON x.nspname = me.rolname WHERE x.who <> quote_ident(current_user)\n"
	"UNION SELECT me.oid, format('has %s on the database %I', b.privilege_type, b.datname),\n"
	"format('REVOKE ALL ON DATABASE %I FROM %I CASCADE', b.datname, me.rolname)\n"
	"FROM me JOIN (SELECT p.datname, e.grantee, e.privilege_type FROM pg_database p, aclexplode(p.datacl) e) b\n"
	"ON b.grantee = me.oid";

/* Not pg_has_role for the administrator, who is a member of all of them: the server would gather that anew for every
 * row. inherit_option is of 16 and later. */
static const char columns[] =
	"SELECT me.rolname, me.oid IS NOT NULL, rm.description, me.rolcanlogin, me.rolconnlimit,\n"
	"NOT me.rolinherit OR coalesce(me.rolvaliduntil < 'infinity', false),\n"
	"n.oid IS NOT NULL, pg_get_userbyid(n.nspowner), n.nspowner = me.oid,\n"
	"has_database_privilege(me.oid, d.oid, 'CONNECT'),\n"
	"concat_ws(', ', CASE WHEN has_database_privilege(me.oid, d.oid, 'CREATE') THEN 'create schemas' END,\n"
	"CASE WHEN has_database_privilege(me.oid, d.oid, 'TEMPORARY') THEN 'create temporary tables' END,\n"
	"CASE WHEN has_schema_privilege(me.oid, to_regnamespace('public')::oid, 'CREATE')\n"
	"THEN 'create in the schema public' END),\n"
	"EXISTS (SELECT FROM pg_db_role_setting s WHERE s.setrole = me.oid AND s.setdatabase = d.oid\n"
	"AND 'search_path=' || quote_ident(me.rolname) = ANY (s.setconfig)),\n"
	"EXISTS (SELECT FROM pg_auth_members m WHERE m.member = me.oid AND m.roleid = g.oid),\n"
	"coalesce(me.oid IN (SELECT m.roleid FROM pg_auth_members m JOIN pg_roles u ON u.oid = m.member\n"
	"WHERE u.rolname = current_user AND coalesce((to_jsonb(m)->>'inherit_option')::boolean, true)), false), "
	"s.words, s.sql, coalesce(a.sessions, 0),\n"
	"g.oid IS NOT NULL, gm.description, has_database_privilege(g.oid, d.oid, 'CONNECT'),\n"
	"EXISTS (SELECT FROM pg_class c JOIN pg_namespace cn ON cn.oid = c.relnamespace WHERE c.relname = 'lock'\n"
	"AND cn.nspname = 'tentc' AND pg_has_role(cn.nspowner, 'USAGE') AND pg_has_role(c.relowner, 'USAGE')),\n"
	"EXISTS (SELECT FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) e WHERE e.grantee = 0)\n"
	"FROM (SELECT oid, datacl, datdba FROM pg_database WHERE datname = current_database()) d CROSS JOIN me\n"
	"LEFT JOIN marks rm ON rm.objoid = me.oid LEFT JOIN pg_namespace n ON n.nspname = me.rolname\n"
	"LEFT JOIN pg_roles g ON g.rolname = me.grp LEFT JOIN marks gm ON gm.objoid = g.oid\n"
	"LEFT JOIN (SELECT usesysid, count(*) AS sessions FROM pg_stat_activity GROUP BY usesysid) a\n"
	"ON a.usesysid = me.oid\n"
	"LEFT JOIN (SELECT oid, string_agg(words, chr(31)) AS words, string_agg(sql, chr(31)) AS sql FROM surplus\n"
	"GROUP BY oid) s ON s.oid = me.oid;";

const char *tc_sql_look(struct tc_arena *mem, const struct tc_pg_names *n)
{
	const char *roles = n ? tc_printf(mem, "SELECT %s::name AS rolname, %s::name AS grp",
					  tc_sql_text_in(mem, n->role), tc_sql_text_in(mem, n->group))
			      : all_roles;

	return tc_printf(
		mem,
		"%sWITH marks AS (SELECT objoid, description FROM pg_shdescription\n"
		"WHERE classoid = 'pg_authid'::regclass),\n"
		"w AS (%s),\n"
		"me AS MATERIALIZED (SELECT w.rolname, w.grp, r.oid, r.rolcanlogin, r.rolconnlimit, r.rolinherit,\n"
		"r.rolvaliduntil, r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolbypassrls\n"
		"FROM w LEFT JOIN pg_roles r ON r.rolname = w.rolname),\n"
		"surplus AS (%s)\n%s",
		n ? "" : "SET LOCAL enable_nestloop = off;\nSET LOCAL jit = off;\n", roles, surplus, columns);
}

/* --- what the answer means -------------------------------------------------------------------------------------------
 */

static bool is_true(const PGresult *rows, int row, enum tc_look column)
{
	return strcmp(PQgetvalue(rows, row, (int)column), "t") == 0;
}

static const char *text_of(const PGresult *rows, int row, enum tc_look column)
{
	return PQgetisnull(rows, row, (int)column) ? NULL : PQgetvalue(rows, row, (int)column);
}

static uint64_t number_of(const char *text)
{
	return text && tc_is_digit(*text) ? strtoull(text, NULL, 10) : UINT64_MAX;
}

/* Why the role or the schema is not ours, NULL when it is. */
static const char *foreign_of(struct tc_arena *mem, const struct tc_pg_names *n, const PGresult *rows, int row,
			      struct tc_pg_mark *mark)
{
	const char *text = text_of(rows, row, LOOK_MARK), *owner = text_of(rows, row, LOOK_SCHEMA_OWNER);
	bool ours = tc_pg_mark_read(mem, text, mark);

	if (is_true(rows, row, LOOK_IS_THERE)) {
		if (!text)
			return tc_printf(mem, "the role \"%s\" was not made by tentc", n->role);
		if (!ours || strcmp(mark->enclave, n->enclave) != 0 || strcmp(mark->name, n->name) != 0)
			return tc_printf(mem, "the role \"%s\" was made for something else, its comment says %s",
					 n->role, tc_quote(mem, tc_str(text)));
		if (strcmp(mark->installation, n->installation) != 0)
			return tc_printf(mem, "the role \"%s\" was made by the installation \"%s\", this one is \"%s\"",
					 n->role, mark->installation, n->installation);
	}
	if (owner && !is_true(rows, row, LOOK_OWNS_SCHEMA))
		return tc_printf(mem, "the schema \"%s\" belongs to %s", n->role, tc_quote(mem, tc_str(owner)));
	return NULL;
}

static void add_credential(struct tc_observed *o, const struct tc_pg_names *n, const struct tc_pg_mark *mark)
{
	if (!n->check || strcmp(mark->check, n->check) == 0)
		return;
	if (mark->epoch == n->epoch && strcmp(mark->key_id, n->key_id) == 0)
		tc_observed_add(o, "has a credential of another root key under the same name \"%s\"", n->key_id);
	else
		tc_observed_add(o, "has the credential of epoch %u, key \"%s\"; wanted is epoch %u, key \"%s\"",
				mark->epoch, mark->key_id, n->epoch, n->key_id);
}

static void add_surplus(struct tc_observed *o, const char *words)
{
	while (words && *words) {
		size_t len = strcspn(words, TC_SURPLUS_END);

		tc_observed_add(o, "%.*s", (int)len, words);
		words += len + (words[len] != '\0');
	}
}

/* What is not as it should be but the login itself. */
static void add_differences(struct tc_pg_seen *out, const struct tc_pg_names *n, const PGresult *rows, int row)
{
	static const struct {
		enum tc_look column;
		bool want;
		const char *words;
	} flags[] = {
		{LOOK_SCHEMA, true, "has no schema"},
		{LOOK_MEMBER, true, "is not in the group of its enclave"},
		{LOOK_CONNECTS, true, "may not connect to the database"},
		{LOOK_SEARCH_PATH, true, "has another search_path in the database"},
		{LOOK_RESTRICTED, false, "is NOINHERIT, or its password expires"},
		{LOOK_ADMINISTERED, true, "is not administered: the administrator is no member of it"},
	};
	struct tc_observed *o = &out->observed;
	const char *allowed = text_of(rows, row, LOOK_ALLOWED), *limit = text_of(rows, row, LOOK_CONNECTIONS);

	for (size_t i = 0; i < TC_COUNT(flags); i++)
		if (is_true(rows, row, flags[i].column) != flags[i].want)
			tc_observed_add(o, "the role \"%s\" %s", n->role, flags[i].words);
	if (number_of(limit) != n->connections)
		tc_observed_add(o, "the role \"%s\" may have %s connections, wanted are %u", n->role,
				limit && *limit != '-' ? limit : "any number of", n->connections);
	if (allowed && *allowed)
		tc_observed_add(o, "the role \"%s\" may %s in the database", n->role, allowed);
	add_credential(o, n, &out->mark);
	add_surplus(o, text_of(rows, row, LOOK_SURPLUS));
}

static void judge(struct tc_pg_seen *out, const struct tc_pg_names *n, const PGresult *rows, int row)
{
	struct tc_observed *o = &out->observed;
	struct tc_arena *mem = o->mem;
	const char *sql = text_of(rows, row, LOOK_SURPLUS_SQL);

	out->there = is_true(rows, row, LOOK_IS_THERE);
	out->schema = is_true(rows, row, LOOK_SCHEMA);
	out->surplus_sql = sql ? tc_strdup(mem, sql) : NULL;
	out->foreign = foreign_of(mem, n, rows, row, &out->mark);
	o->items = o->bytes = UINT64_MAX;
	o->sessions = number_of(text_of(rows, row, LOOK_SESSIONS));
	if (out->foreign) {
		o->state = TC_STATE_FOREIGN;
		tc_observed_add(o, "%s", out->foreign);
	} else if (!out->there && !out->schema) {
		o->state = TC_STATE_ABSENT;
		o->items = o->bytes = 0;
	} else {
		add_differences(out, n, rows, row);
		if (is_true(rows, row, LOOK_MAY_LOGIN))
			o->state = o->ndiffers ? TC_STATE_DIFFERS : TC_STATE_APPLIED;
		else
			o->state = out->schema && !o->sessions ? TC_STATE_RETAINED : TC_STATE_DIFFERS;
		if (o->state == TC_STATE_DIFFERS && !is_true(rows, row, LOOK_MAY_LOGIN))
			tc_observed_add(o, "the role \"%s\" cannot log in", n->role);
	}
}

/* Roles belong to the whole server, so one may be there without its database. */
static int look_elsewhere(struct tc_postgres *p, struct tc_pg_seen *out, const struct tc_pg_names *n,
			  struct tc_error *err)
{
	_cleanup_(tc_pg_result_free) PGresult *rows = NULL;

	if (tc_postgres_use(p, p->admin_database, NULL, err) < 0 ||
	    tc_postgres_do(p, &rows, NULL, tc_sql_read(p->mem, p->pg.seconds, tc_sql_look(p->mem, n)), err) < 0)
		return -1;
	judge(out, n, rows, 0);
	if (out->there && !out->foreign) {
		out->observed.state = TC_STATE_DIFFERS;
		tc_observed_add(&out->observed, "the database \"%s\" does not exist, or is closed", n->database);
	}
	return 0;
}

int tc_postgres_look(struct tc_postgres *p, struct tc_pg_seen *out, const struct tc_pg_names *n, struct tc_arena *mem,
		     struct tc_error *err)
{
	_cleanup_(tc_pg_result_free) PGresult *rows = NULL;
	bool missing = false;

	*out = (struct tc_pg_seen){.observed.mem = mem};
	if (tc_postgres_use(p, n->database, n->own_database ? &missing : NULL, err) < 0)
		return missing ? look_elsewhere(p, out, n, err) : -1;
	if (tc_postgres_do(p, &rows, NULL, tc_sql_read(p->mem, p->pg.seconds, tc_sql_look(p->mem, n)), err) < 0)
		return -1;
	if (PQntuples(rows) != 1 || PQnfields(rows) != LOOK_COLUMNS)
		return tc_fail(err, TC_E_RETRY,
			       "postgres: look at the role: the answer has not the form of the question");
	out->database = true;
	out->locks = is_true(rows, 0, LOOK_LOCKS);
	out->group = is_true(rows, 0, LOOK_GROUP);
	out->group_connects = is_true(rows, 0, LOOK_GROUP_CONNECTS);
	out->open_to_public = is_true(rows, 0, LOOK_PUBLIC);
	judge(out, n, rows, 0);
	return 0;
}

/* --- observe ---------------------------------------------------------------------------------------------------------
 */

/* What destroy would lose. A tenant may hold a lock on its own table, and then the sizes cannot be read. */
static void count(struct tc_postgres *p, struct tc_observed *out, const struct tc_pg_names *n)
{
	_cleanup_(tc_pg_result_free) PGresult *rows = NULL;
	struct tc_pg_failure why;
	const char *role = tc_sql_text_in(p->mem, n->role);
	const char *sql = tc_printf(p->mem,
				    "SET LOCAL lock_timeout = '500ms';\n"
				    "SELECT (SELECT count(*) FROM pg_class c WHERE c.relnamespace = s.oid AND "
				    "c.relkind IN ('r', 'p', 'm')) +\n"
				    "(SELECT count(*) FROM pg_largeobject_metadata WHERE lomowner = r.oid),\n"
				    "(SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c\n"
				    "WHERE c.relnamespace = s.oid AND c.relkind IN ('r', 'm'))\n"
				    "FROM (SELECT 1) one LEFT JOIN pg_namespace s ON s.nspname = %s LEFT JOIN pg_roles "
				    "r ON r.rolname = %s;",
				    role, role);

	if (tc_pg_run(&p->pg, &rows, tc_sql_read(p->mem, p->pg.seconds, sql), &why) < 0 || PQntuples(rows) != 1)
		return;
	out->items = number_of(PQgetvalue(rows, 0, 0));
	out->bytes = number_of(PQgetvalue(rows, 0, 1));
}

int tc_postgres_observe(struct tc_observed *out, void *self, const struct tc_want *want, struct tc_error *err)
{
	struct tc_postgres *p = self;
	struct tc_pg_names n;
	struct tc_pg_seen seen;

	tc_postgres_begin(p);
	tc_postgres_names(p, &n, want);
	if (tc_postgres_look(p, &seen, &n, out->mem, err) < 0)
		return -1;
	*out = seen.observed;
	if (seen.database && (seen.there || seen.schema) && !seen.foreign)
		count(p, out, &n);
	return 0;
}

/* --- observe_all -----------------------------------------------------------------------------------------------------
 */

struct sweep {
	struct tc_postgres *p;
	struct tc_arena *mem; /* of what is told, one after the other */
	struct wanted {
		const char *role;
		const struct tc_want *want;
		bool seen;
	} * wanted; /* sorted by role */
	size_t count;
	void (*each)(void *, const char *, const char *, const struct tc_observed *);
	void *each_self;
	const char **enclaves; /* NULL: all roles count; else only names are collected */
	size_t nenclaves, cap;
};

static int by_role(const void *a, const void *b)
{
	return strcmp(((const struct wanted *)a)->role, ((const struct wanted *)b)->role);
}

static struct wanted *wanted_of(const struct sweep *s, const char *role)
{
	struct wanted key = {.role = role};

	return s->count ? bsearch(&key, s->wanted, s->count, sizeof(key), by_role) : NULL;
}

static void tell(struct sweep *s, const PGresult *rows, int row, const char *enclave)
{
	struct tc_arena_mark here = tc_arena_mark(s->mem);
	const char *role = PQgetvalue(rows, row, LOOK_ROLE);
	struct wanted *wanted = wanted_of(s, role);
	struct tc_pg_mark mark;
	struct tc_pg_seen seen = {.observed.mem = s->mem, .database = true};
	struct tc_pg_names n;
	bool ours = tc_pg_mark_read(s->mem, text_of(rows, row, LOOK_MARK), &mark) &&
		    strcmp(mark.installation, s->p->conf.config->installation) == 0 && *mark.name;
	struct tc_want of_mark = {.enclave = mark.enclave, .name = mark.name, .epoch = mark.epoch};
	const struct tc_want *want = wanted ? wanted->want : ours ? &of_mark : NULL;

	if (want && (!enclave || strcmp(want->enclave, enclave) == 0) && !(wanted && wanted->seen)) {
		tc_postgres_names(s->p, &n, want);
		if (!wanted)
			n.check = NULL; /* nobody says which it should have */
		if (strcmp(n.role, role) == 0) {
			judge(&seen, &n, rows, row);
			if (wanted)
				wanted->seen = true;
			s->each(s->each_self, want->enclave, want->name, &seen.observed);
		}
	}
	tc_arena_rewind(s->mem, here);
}

static int sweep_database(struct sweep *s, const char *database, const char *enclave, struct tc_error *err)
{
	_cleanup_(tc_pg_result_free) PGresult *rows = NULL;
	struct tc_postgres *p = s->p;
	bool missing = false;

	if (tc_postgres_use(p, database, enclave ? &missing : NULL, err) < 0)
		return missing ? 0 : -1;
	if (tc_postgres_do(p, &rows, NULL, tc_sql_read(p->mem, p->pg.seconds, tc_sql_look(p->mem, NULL)), err) < 0)
		return -1;
	if (PQntuples(rows) && PQnfields(rows) != LOOK_COLUMNS)
		return tc_fail(err, TC_E_RETRY,
			       "postgres: look at all roles: the answer has not the form of the question");
	for (int row = 0; row < PQntuples(rows); row++)
		tell(s, rows, row, enclave);
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Where each enclave has a database, schemas can only be seen in there: one question for each. */
static int sweep_enclaves(struct sweep *s, const struct tc_want *wants, size_t nwants, struct tc_error *err)
{
	_cleanup_(tc_pg_result_free) PGresult *rows = NULL;
	struct tc_postgres *p = s->p;
	const char *sql = "SELECT DISTINCT description FROM pg_shdescription WHERE classoid = 'pg_authid'::regclass\n"
			  "AND description LIKE 'tentc installation=%';";

	if (tc_postgres_use(p, p->admin_database, NULL, err) < 0 ||
	    tc_postgres_do(p, &rows, NULL, tc_sql_read(p->mem, p->pg.seconds, sql), err) < 0)
		return -1;
	for (size_t i = 0; i < nwants; i++) {
		tc_grow(p->mem, s->enclaves, s->nenclaves, s->cap);
		s->enclaves[s->nenclaves++] = wants[i].enclave;
	}
	for (int row = 0; row < PQntuples(rows); row++) {
		struct tc_pg_mark mark;

		if (!tc_pg_mark_read(p->mem, PQgetvalue(rows, row, 0), &mark) ||
		    strcmp(mark.installation, p->conf.config->installation) != 0)
			continue;
		tc_grow(p->mem, s->enclaves, s->nenclaves, s->cap);
		s->enclaves[s->nenclaves++] = mark.enclave;
	}
	if (s->nenclaves)
		qsort(s->enclaves, s->nenclaves, sizeof(*s->enclaves), by_text);
	for (size_t i = 0; i < s->nenclaves; i++) {
		struct tc_pg_names n;

		if (i && strcmp(s->enclaves[i], s->enclaves[i - 1]) == 0)
			continue;
		tc_postgres_enclave_names(p, &n, s->enclaves[i]);
		if (sweep_database(s, n.database, n.enclave, err) < 0)
			return -1;
	}
	return 0;
}

int tc_postgres_observe_all(void *self, const struct tc_want *wants, size_t nwants,
			    void (*each)(void *, const char *, const char *, const struct tc_observed *),
			    void *each_self, struct tc_error *err)
{
	struct tc_postgres *p = self;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	struct sweep s = {.p = p, .mem = mem, .count = nwants, .each = each, .each_self = each_self};
	struct tc_pg_names n;
	int rc;

	tc_postgres_begin(p);
	tc_postgres_enclave_names(p, &n, "x");
	s.wanted = tc_alloc(p->mem, nwants * sizeof(*s.wanted));
	for (size_t i = 0; i < nwants; i++)
		s.wanted[i] = (struct wanted){.role = tc_name_tentacle(p->mem, wants[i].enclave, wants[i].name),
					      .want = &wants[i]};
	if (nwants)
		qsort(s.wanted, nwants, sizeof(*s.wanted), by_role);
	rc = n.own_database ? sweep_enclaves(&s, wants, nwants, err) : sweep_database(&s, n.database, NULL, err);
	for (size_t i = 0; rc == 0 && i < nwants; i++) {
		struct tc_observed absent = {.mem = mem, .state = TC_STATE_ABSENT};

		if (!s.wanted[i].seen)
			each(each_self, s.wanted[i].want->enclave, s.wanted[i].want->name, &absent);
	}
	return rc;
}
