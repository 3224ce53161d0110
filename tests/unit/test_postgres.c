/* What the registrar of PostgreSQL makes without a server: verifiers, marks, statements, errors. The statements are
 * tried in tests/integration; here their texts are looked at for what must never stand in them. */
#include "registrars/postgres.h"

#include "tests/unit/unit.h"

static struct tc_arena *mem;

static int setup(void **state)
{
	(void)state;
	mem = tc_arena_new(16 * 1024);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tc_arena_free(mem);
	return 0;
}

/* The example of RFC 7677, section 3: with this ServerKey its server signature comes out. */
static void test_verifier(void **state)
{
	static const unsigned char salt[TC_SCRAM_SALT] = {0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e,
							  0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81};

	(void)state;
	assert_string_equal(tc_scram_verifier(mem, "pencil", salt, 4096),
			    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
			    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=");
}

static void test_salt(void **state)
{
	unsigned char a[TC_SCRAM_SALT], b[TC_SCRAM_SALT];

	(void)state;
	tc_scram_salt("abc", a);
	assert_memory_equal(a, "\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23", 16); /* FIPS 180 */
	tc_scram_salt("abd", b);
	assert_memory_not_equal(a, b, sizeof(a));
}

static void test_quoting(void **state)
{
	(void)state;
	assert_string_equal(tc_sql_name_in(mem, "tent_my-enclave_x"), "\"tent_my-enclave_x\"");
	assert_string_equal(tc_sql_name_in(mem, "a\"; DROP ROLE b; --"), "\"a\"\"; DROP ROLE b; --\"");
	assert_string_equal(tc_sql_text_in(mem, "it's"), "'it''s'");
	assert_string_equal(tc_sql_text_in(mem, "a\\'b"), " E'a\\\\''b'");
	assert_string_equal(tc_sql_text_in(mem, ""), "''");
}

static const struct tc_pg_names names = {
	.installation = "default",
	.enclave = "shop",
	.name = "web",
	.key_id = "k1",
	.role = "tent_shop_web",
	.group = "tentenc_shop",
	.database = "da\"ta",
	.epoch = 3,
	.connections = 20,
	.check = "CHECK",
	.password = "PASSWORD",
	.verifier = "SCRAM-SHA-256$4096:a$b:c",
};

static void test_marks(void **state)
{
	static const char *const none[] = {
		NULL,
		"",
		"a comment",
		"tentc",
		"tentc installation=default",
		"tentc installation=default enclave=",
		"tentc installation=default enclave=Shop",
		"tentc installation=default enclave=shop ",
		"tentc installation=default enclave=shop name=web",
		"tentc installation=default enclave=shop name=web epoch= key=k1 check=x",
		"tentc installation=default enclave=shop name=web epoch=-1 key=k1 check=x",
		"tentc installation=default enclave=shop name=web epoch=4294967296 key=k1 check=x",
		"tentc installation=default enclave=shop name=web epoch=1 key=k1 check=x more",
	};
	struct tc_pg_mark mark;

	(void)state;
	assert_string_equal(tc_pg_mark(mem, &names),
			    "tentc installation=default enclave=shop name=web epoch=3 key=k1 check=CHECK");
	assert_true(tc_pg_mark_read(mem, tc_pg_mark(mem, &names), &mark));
	assert_string_equal(mark.installation, "default");
	assert_string_equal(mark.enclave, "shop");
	assert_string_equal(mark.name, "web");
	assert_string_equal(mark.key_id, "k1");
	assert_string_equal(mark.check, "CHECK");
	assert_int_equal(mark.epoch, 3);
	assert_true(tc_pg_mark_read(mem, tc_pg_group_mark(mem, "other", "bank"), &mark));
	assert_string_equal(mark.installation, "other");
	assert_string_equal(mark.name, "");
	for (size_t i = 0; i < TC_COUNT(none); i++)
		assert_false(tc_pg_mark_read(mem, none[i], &mark));
}

/* An adversary's mark cannot pass for another tentacle's by its beginning. */
static void test_a_name_is_no_beginning_of_another(void **state)
{
	const char *sql = tc_sql_apply(mem, &names);

	(void)state;
	assert_non_null(
		strstr(sql, "starts_with(mark || ' ', 'tentc installation=default enclave=shop name=web' || ' ')"));
}

static void test_no_password_in_a_statement(void **state)
{
	const char *const all[] = {
		tc_sql_apply(mem, &names), tc_sql_retain(mem, &names), tc_sql_group(mem, &names),
		tc_sql_look(mem, &names),  tc_sql_look(mem, NULL),
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(all); i++)
		assert_null(strstr(all[i], "PASSWORD'"));
	assert_non_null(strstr(all[0], "PASSWORD 'SCRAM-SHA-256$4096:a$b:c'"));
	assert_null(strstr(all[1], "SCRAM"));
}

/* Everything that a tenant could have named stands quoted, and no advisory lock is taken. */
static void test_statements(void **state)
{
	const char *sql = tc_sql_transaction(mem, 10, "tent_shop_web", tc_sql_apply(mem, &names));

	(void)state;
	assert_int_equal(strncmp(sql,
				 "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;\n"
				 "SET LOCAL search_path = pg_catalog, pg_temp;\n"
				 "SET LOCAL lock_timeout = '5000ms';\n"
				 "SET LOCAL statement_timeout = '9000ms';\n"
				 "SET LOCAL idle_in_transaction_session_timeout = '15s';\n"
				 "DO $tentc$ BEGIN LOOP\n"
				 "INSERT INTO tentc.lock (name) VALUES ('tent_shop_web') ON CONFLICT DO NOTHING;\n"
				 "PERFORM 1 FROM tentc.lock WHERE name = 'tent_shop_web' FOR UPDATE;\n",
				 380),
			 0);
	assert_string_equal(sql + strlen(sql) - 7, "\nCOMMIT");
	assert_non_null(
		strstr(sql,
		       "ALTER ROLE \"tent_shop_web\" IN DATABASE \"da\"\"ta\" SET search_path = \"tent_shop_web\";"));
	assert_null(strstr(sql, "advisory"));
	assert_null(strstr(sql, "GRANT CONNECT"));
	assert_int_equal(strncmp(tc_sql_read(mem, 1, "SELECT 1;"), "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;",
				 47),
			 0);
}

static void assert_failure(const char *state, const char *text, bool timed_out, enum tc_code code, const char *want)
{
	struct tc_pg_failure why = {.timed_out = timed_out};
	struct tc_error err = {0};

	snprintf(why.state, sizeof(why.state), "%s", state);
	snprintf(why.text, sizeof(why.text), "%s", text);
	assert_int_equal(tc_pg_fail(&err, "create role x", &why), -1);
	assert_string_equal(err.msg, want);
	assert_int_equal(err.code, code);
}

static void test_failures(void **state)
{
	(void)state;
	assert_failure("", "", true, TC_E_RETRY, "postgres: create role x: no answer in time; try again");
	assert_failure("", "", false, TC_E_RETRY, "postgres: create role x: the connection was lost; try again");
	assert_failure("", "certificate verify failed", false, TC_E_RETRY,
		       "postgres: create role x: certificate verify failed");
	assert_failure("28P01", "", false, TC_E_USAGE,
		       "postgres: create role x: the server refused the administrator's password (28P01); look at "
		       "services.postgres.admin.user and passwordFile");
	assert_failure("53300", "sorry", false, TC_E_RETRY,
		       "postgres: create role x: the server has no connection left (53300); try again");
	assert_failure(
		"TC001", "the role x is not of this installation", false, TC_E_REJECTED,
		"postgres: create role x: the role x is not of this installation (TC001); it was left as it is; give "
		"this installation names of its own, or drop what is there by hand");
	assert_failure("57P05", "idle session timeout", false, TC_E_RETRY,
		       "postgres: create role x: idle session timeout (57P05); try again");
	assert_failure("42601", "syntax error", false, TC_E_BUG, "postgres: create role x: syntax error (42601)");
}

static void test_literal_addresses(void **state)
{
	struct tc_addresses found;
	struct tc_error err = {0};

	(void)state;
	assert_int_equal(tc_resolve(&found, "192.0.2.7", 0, &err), 0);
	assert_int_equal(found.count, 1);
	assert_string_equal(found.list[0], "192.0.2.7");
	assert_int_equal(tc_resolve(&found, "2001:db8::1", 0, &err), 0);
	assert_string_equal(found.list[0], "2001:db8::1");
	/* a deadline that has passed: no answer is waited for, and the thread that asks frees what is left */
	assert_int_equal(tc_resolve(&found, "nowhere.invalid", 1, &err), -1);
	assert_int_equal(err.code, TC_E_RETRY);
	assert_int_equal(strncmp(err.msg, "the name \"nowhere.invalid\" ", 27), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_verifier, setup, teardown),
		cmocka_unit_test_setup_teardown(test_salt, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quoting, setup, teardown),
		cmocka_unit_test_setup_teardown(test_marks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_name_is_no_beginning_of_another, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_password_in_a_statement, setup, teardown),
		cmocka_unit_test_setup_teardown(test_statements, setup, teardown),
		cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
		cmocka_unit_test_setup_teardown(test_literal_addresses, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
