/* The texts of the statements, from names alone: nothing here talks to a server. Utility statements take no
 * parameters, so every name and every text is quoted into them. */
#include "registrars/postgres.h"

#include "compiler/contract/identity.h"
#include "compiler/contract/postgres.h"

void tc_sql_name(struct tc_buf *out, const char *name)
{
	tc_buf_putc(out, '"');
	for (; *name; name++) {
		if (*name == '"')
			tc_buf_putc(out, '"');
		tc_buf_putc(out, *name);
	}
	tc_buf_putc(out, '"');
}

/* With a backslash in it only the form E'' means the same under both settings. */
void tc_sql_text(struct tc_buf *out, const char *text)
{
	if (strchr(text, '\\'))
		tc_buf_puts(out, " E");
	tc_buf_putc(out, '\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			tc_buf_putc(out, *text);
		tc_buf_putc(out, *text);
	}
	tc_buf_putc(out, '\'');
}

static const char *kept(struct tc_arena *mem, const struct tc_buf *text)
{
	return tc_strndup(mem, tc_buf_str(text).s, text->len);
}

const char *tc_sql_name_in(struct tc_arena *mem, const char *name)
{
	_cleanup_buf_ struct tc_buf out = {0};

	tc_sql_name(&out, name);
	return kept(mem, &out);
}

const char *tc_sql_text_in(struct tc_arena *mem, const char *text)
{
	_cleanup_buf_ struct tc_buf out = {0};

	tc_sql_text(&out, text);
	return kept(mem, &out);
}

/* --- marks -----------------------------------------------------------------------------------------------------------
 */

const char *tc_pg_group_mark(struct tc_arena *mem, const char *installation, const char *enclave)
{
	return tc_printf(mem, "tentc installation=%s enclave=%s", installation, enclave);
}

const char *tc_pg_mark(struct tc_arena *mem, const struct tc_pg_names *n)
{
	return tc_printf(mem, "%s name=%s epoch=%u key=%s check=%s", tc_pg_group_mark(mem, n->installation, n->enclave),
			 n->name, n->epoch, n->key_id, n->check);
}

/* The word behind `key` at *at, which moves behind it; NULL when something else is there. */
static const char *word(struct tc_arena *mem, const char **at, const char *key)
{
	size_t len = strlen(key), n;
	const char *value;

	if (strncmp(*at, key, len) != 0)
		return NULL;
	n = strcspn(*at + len, " ");
	value = tc_strndup(mem, *at + len, n);
	*at += len + n;
	return value;
}

bool tc_pg_mark_read(struct tc_arena *mem, const char *text, struct tc_pg_mark *out)
{
	const char *epoch;

	*out = (struct tc_pg_mark){.name = "", .key_id = "", .check = ""};
	if (!text)
		return false;
	out->installation = word(mem, &text, "tentc installation=");
	out->enclave = out->installation ? word(mem, &text, " enclave=") : NULL;
	if (!out->enclave || tc_label_fault(mem, tc_str(out->enclave)) ||
	    tc_label_fault(mem, tc_str(out->installation)))
		return false;
	if (!*text)
		return true;
	out->name = word(mem, &text, " name=");
	epoch = out->name ? word(mem, &text, " epoch=") : NULL;
	out->key_id = epoch ? word(mem, &text, " key=") : NULL;
	out->check = out->key_id ? word(mem, &text, " check=") : NULL;
	if (!out->check || *text || tc_label_fault(mem, tc_str(out->name)))
		return false;
	for (const char *c = epoch; *c; c++) {
		if (!tc_is_digit(*c) || c - epoch >= 9)
			return false;
		out->epoch = out->epoch * 10 + (unsigned)(*c - '0');
	}
	return *epoch;
}

/* --- transactions ----------------------------------------------------------------------------------------------------
 */

/* Not an advisory lock: those have no rights, and any tenant of the database could hold ours for ever. The row may go
 * while we wait for it, with a tentacle that is being destroyed: then it is made again. */
static void add_lock(struct tc_buf *out, struct tc_arena *mem, const char *lock)
{
	const char *text = tc_sql_text_in(mem, lock);

	tc_buf_printf(out,
		      "DO $tentc$ BEGIN LOOP\n"
		      "INSERT INTO tentc.lock (name) VALUES (%s) ON CONFLICT DO NOTHING;\n"
		      "PERFORM 1 FROM tentc.lock WHERE name = %s FOR UPDATE;\n"
		      "EXIT WHEN FOUND; END LOOP; END $tentc$;\n",
		      text, text);
}

/* The server ends by itself what our deadline gives up, and does not wait for a client whose machine died. */
static const char *transaction(struct tc_arena *mem, unsigned seconds, const char *mode, const char *lock,
			       const char *sql)
{
	_cleanup_buf_ struct tc_buf out = {0};

	tc_buf_printf(&out,
		      "BEGIN ISOLATION LEVEL READ COMMITTED %s;\n"
		      "SET LOCAL search_path = pg_catalog, pg_temp;\n"
		      "SET LOCAL lock_timeout = '%ums';\n"
		      "SET LOCAL statement_timeout = '%ums';\n"
		      "SET LOCAL idle_in_transaction_session_timeout = '%us';\n",
		      mode, seconds * 500, seconds * 900, seconds + 5);
	if (lock)
		add_lock(&out, mem, lock);
	tc_buf_puts(&out, sql);
	tc_buf_puts(&out, "\nCOMMIT");
	return kept(mem, &out);
}

const char *tc_sql_transaction(struct tc_arena *mem, unsigned seconds, const char *lock, const char *sql)
{
	return transaction(mem, seconds, "READ WRITE", lock, sql);
}

const char *tc_sql_read(struct tc_arena *mem, unsigned seconds, const char *sql)
{
	return transaction(mem, seconds, "READ ONLY", NULL, sql);
}

/* --- what is done ----------------------------------------------------------------------------------------------------
 */

/* A role of that name that is not marked as ours is refused under the lock, whatever was seen before it. */
static void add_role_check(struct tc_buf *out, struct tc_arena *mem, const char *role, const char *mark_start)
{
	const char *text = tc_sql_text_in(mem, role), *start = tc_sql_text_in(mem, mark_start);

	tc_buf_printf(out,
		      "DECLARE role_oid oid; mark text; BEGIN\n"
		      "SELECT oid INTO role_oid FROM pg_roles WHERE rolname = %s;\n"
		      "mark := shobj_description(role_oid, 'pg_authid');\n"
		      "IF role_oid IS NOT NULL AND NOT coalesce(starts_with(mark || ' ', %s || ' '), false) THEN\n"
		      "  RAISE EXCEPTION USING ERRCODE = '" TC_STATE_FOREIGN_MARK
		      "', MESSAGE = format('the role %%I is not "
		      "of this installation%%s', %s, ', its comment says: ' || mark);\n"
		      "END IF;\n",
		      text, start, text);
}

static void add_schema_check(struct tc_buf *out, const struct tc_pg_names *n, struct tc_arena *mem)
{
	const char *text = tc_sql_text_in(mem, n->role);

	tc_buf_printf(
		out,
		"IF EXISTS (SELECT FROM pg_namespace WHERE nspname = %s AND nspowner IS DISTINCT FROM role_oid) THEN\n"
		"  RAISE EXCEPTION USING ERRCODE = '" TC_STATE_FOREIGN_SCHEMA "', MESSAGE = (SELECT format('the "
		"schema %%I belongs to %%I', nspname, pg_get_userbyid(nspowner)) FROM pg_namespace\n"
		"  WHERE nspname = %s);\n"
		"END IF;\n",
		text, text);
}

static void add_epoch_check(struct tc_buf *out, const struct tc_pg_names *n)
{
	tc_buf_printf(
		out,
		"IF substring(mark from ' epoch=([0-9]{1,9}) ')::bigint > %u THEN\n"
		"  RAISE EXCEPTION USING ERRCODE = '" TC_STATE_OLD_EPOCH "', MESSAGE = format('the role has the "
		"credential of epoch %%s, that of epoch %u was asked for', substring(mark from ' epoch=([0-9]+) '));\n"
		"END IF;\n",
		n->epoch, n->epoch);
}

/* One text for 15, 16, 17 and 18. GRANT role TO CURRENT_USER: up to 15 it is what makes CREATE SCHEMA AUTHORIZATION and
 * ending sessions possible; from 16 on it adds INHERIT and SET to the ADMIN that comes with CREATE ROLE. */
const char *tc_sql_apply(struct tc_arena *mem, const struct tc_pg_names *n)
{
	_cleanup_buf_ struct tc_buf out = {0};
	const char *role = tc_sql_name_in(mem, n->role), *group = tc_sql_name_in(mem, n->group);
	const char *start = tc_printf(mem, "%s name=%s", tc_pg_group_mark(mem, n->installation, n->enclave), n->name);

	tc_buf_puts(&out, "DO $tentc$ ");
	add_role_check(&out, mem, n->role, start);
	add_schema_check(&out, n, mem);
	add_epoch_check(&out, n);
	tc_buf_printf(&out, "IF role_oid IS NULL THEN CREATE ROLE %s; END IF;\nEND $tentc$;\n", role);
	tc_buf_printf(&out,
		      "ALTER ROLE %s WITH LOGIN INHERIT CONNECTION LIMIT %u VALID UNTIL "
		      "'infinity' PASSWORD %s;\n"
		      "COMMENT ON ROLE %s IS %s;\n"
		      "GRANT %s TO CURRENT_USER;\n"
		      "CREATE SCHEMA IF NOT EXISTS %s AUTHORIZATION %s;\n"
		      "GRANT %s TO %s;\n"
		      "ALTER ROLE %s IN DATABASE %s SET search_path = %s;",
		      role, n->connections, tc_sql_text_in(mem, n->verifier), role,
		      tc_sql_text_in(mem, tc_pg_mark(mem, n)), role, role, role, group, role, role,
		      tc_sql_name_in(mem, n->database), role);
	return kept(mem, &out);
}

/* The membership is granted again: to end the sessions one has to be a member. */
const char *tc_sql_retain(struct tc_arena *mem, const struct tc_pg_names *n)
{
	_cleanup_buf_ struct tc_buf out = {0};
	const char *role = tc_sql_name_in(mem, n->role);

	tc_buf_puts(&out, "DO $tentc$ ");
	add_role_check(&out, mem, n->role,
		       tc_printf(mem, "%s name=%s", tc_pg_group_mark(mem, n->installation, n->enclave), n->name));
	tc_buf_printf(&out,
		      "IF role_oid IS NOT NULL THEN ALTER ROLE %s WITH NOLOGIN; GRANT %s TO CURRENT_USER; END IF;\n"
		      "END $tentc$;",
		      role, role);
	return kept(mem, &out);
}

/* Only the group holds CONNECT: a grant for each tentacle would have them all write one row of pg_database. */
const char *tc_sql_group(struct tc_arena *mem, const struct tc_pg_names *n)
{
	_cleanup_buf_ struct tc_buf out = {0};
	const char *group = tc_sql_name_in(mem, n->group), *database = tc_sql_name_in(mem, n->database);
	const char *mark = tc_pg_group_mark(mem, n->installation, n->enclave);

	tc_buf_puts(&out, "DO $tentc$ ");
	add_role_check(&out, mem, n->group, mark);
	tc_buf_printf(&out,
		      "IF role_oid IS NULL THEN CREATE ROLE %s; END IF;\n"
		      "IF to_regnamespace('public') IS NOT NULL THEN REVOKE ALL ON SCHEMA public FROM PUBLIC; END IF;\n"
		      "END $tentc$;\n"
		      "ALTER ROLE %s WITH NOLOGIN;\n"
		      "COMMENT ON ROLE %s IS %s;\n"
		      "REVOKE ALL ON DATABASE %s FROM PUBLIC;\n"
		      "GRANT CONNECT ON DATABASE %s TO %s;",
		      group, group, group, tc_sql_text_in(mem, mark), database, database, group);
	return kept(mem, &out);
}
