#include "tests/unit/unit.h"

#include "compiler/base/buf.h"
#include "compiler/base/redact.h"

static const char *const keys[] = {"pg.password", "pg.uri", NULL};

static void assert_shown(bool prose, const char *text, const char *want)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	_cleanup_buf_ struct tc_buf out = {0};
	struct tc_spans spans = (prose ? tc_redact_prose : tc_redact)(mem, tc_str(text), keys);
	size_t at = 0;

	for (size_t i = 0; i < spans.count; at = spans.list[i++].to) {
		assert_true(spans.list[i].from >= at && spans.list[i].from < spans.list[i].to);
		tc_buf_add(&out, text + at, spans.list[i].from - at);
		tc_buf_puts(&out, "#");
	}
	tc_buf_puts(&out, text + at);
	assert_string_equal(tc_buf_str(&out).s, want);
}

static void test_hides_values(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"", ""},
		{"pg.user: a\npg.password_hint: b\npg.password\n", "pg.user: a\npg.password_hint: b\npg.password\n"},
		{"  pg.password: abc\n  pg.user: a\n", "  pg.password: #\n  pg.user: a\n"},
		{"pg.password: abc", "pg.password: #"},
		{"pg.password: abc\r\nb: 1\r\n", "pg.password: #\r\nb: 1\r\n"},
		{"'pg.password' :  abc # def\n", "'pg.password' :  #\n"},
		{"- pg.password: abc\n  pg.uri: def\n  b: 1\n", "- pg.password: #\n  pg.uri: #\n  b: 1\n"},
		{"- pg.password: abc\n- pg.user: a\n", "- pg.password: #\n- pg.user: a\n"},
		/* nothing to hide */
		{"pg.password:\nb: 1\n", "pg.password:\nb: 1\n"},
		{"- key: pg.password\n  path: pg.password\n", "- key: pg.password\n  path: pg.password\n"},
		{"{key: pg.password, path: pg.uri}\n", "{key: pg.password, path: pg.uri}\n"},
		{"{\"key\":\"pg.password\",\"path\":\"pg.uri\"}", "{\"key\":\"pg.password\",\"path\":\"pg.uri\"}"},
		/* quoted: what is behind stays */
		{"{\"pg.password\":\"a\\\"b\",\"pg.uri\": \"c\" , \"b\":1}",
		 "{\"pg.password\":#,\"pg.uri\": # , \"b\":1}"},
		{"{pg.password: 'a''b', b: 1}", "{pg.password: #, b: 1}"},
		{"  \"pg.password\": \"a\",\n    \"b\": 1\n", "  \"pg.password\": #,\n    \"b\": 1\n"},
		{"pg.password: 'a' b\n", "pg.password: #\n"},
		/* JSON in a text, at any depth */
		{"x: \"{\\\"pg.password\\\":\\\"a\\\",\\\"b\\\":1}\"\n", "x: \"{\\\"pg.password\\\":#\n"},
		{"x: \"{\\\\\\\"pg.password\\\\\\\": \\\\\\\"a\"\n", "x: \"{\\\\\\\"pg.password\\\\\\\": #\n"},
		/* values of several lines */
		{"a:\n  pg.password: |\n\n    abc\n   def\n  b: 1\n", "a:\n  pg.password: #\n\n    #\n   #\n  b: 1\n"},
		{"a:\n  pg.password:\n    abc\n  b: 1\n", "a:\n  pg.password:\n    #\n  b: 1\n"},
		{"pg.password: a\n pg.uri: b\nc: 1\n", "pg.password: #\n #\nc: 1\n"},
		{"pg.password: \"a\nb\"\nc: 1\n", "pg.password: #\n#\nc: 1\n"},
		{"{\n\"pg.password\":\n\"a\"\n}\n", "{\n\"pg.password\":\n#\n}\n"},
		{"  pg.password: a\n---\nb: 1\n", "  pg.password: #\n---\nb: 1\n"},
		{"? pg.password\n: abc\n? b\n: 1\n", "? pg.password\n: #\n? b\n: 1\n"},
		{"\"pg.password\"\n  :\n    abc\nb: 1\n", "\"pg.password\"\n  :\n    #\nb: 1\n"},
		/* broken lines */
		{"pg.password abc\nb: 1\n", "pg.password #\nb: 1\n"},
		{"pg.password:abc\n", "pg.password:#\n"},
		{"{\"pg.password\" \"abc\"}", "{\"pg.password\" #}"},
		{"{\"pg.password\"\"abc}\n", "{\"pg.password\"#\n"},
		{"pg.password=abc\n", "pg.password=#\n"},
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(rows); i++)
		assert_shown(false, rows[i].text, rows[i].want);
}

static void test_prose_may_name_a_key(void **state)
{
	(void)state;
	assert_shown(true, "key \"pg.password\" is there twice", "key \"pg.password\" is there twice");
	assert_shown(true, "found \"pg.password: abc\" behind", "found \"pg.password: #");
}

static void test_without_keys_nothing_is_hidden(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);

	(void)state;
	assert_int_equal(tc_redact(mem, TC_STR("pg.password: abc"), NULL).count, 0);
	assert_null(tc_spans_from(&(struct tc_spans){0}, 0));
}

static void test_span_that_ends_behind_a_place(void **state)
{
	static struct tc_span list[] = {{2, 4}, {4, 6}, {8, 9}};
	const struct tc_spans spans = {.list = list, .count = TC_COUNT(list)};
	static const int want[] = {0, 0, 0, 0, 1, 1, 2, 2, 2};

	(void)state;
	for (size_t at = 0; at < TC_COUNT(want); at++)
		assert_ptr_equal(tc_spans_from(&spans, at), &list[want[at]]);
	assert_null(tc_spans_from(&spans, 9));
}

/* Were the line looked through again for each of its keys, this would take minutes. */
static void test_many_keys_in_one_line(void **state)
{
	static const char one[] = "\"pg.password\":\"\",";
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	_cleanup_buf_ struct tc_buf text = {0};
	size_t n = 200000;

	(void)state;
	for (size_t i = 0; i < n; i++)
		tc_buf_puts(&text, one);
	assert_int_equal(tc_redact(mem, tc_buf_str(&text), keys).count, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hides_values),
		cmocka_unit_test(test_prose_may_name_a_key),
		cmocka_unit_test(test_without_keys_nothing_is_hidden),
		cmocka_unit_test(test_span_that_ends_behind_a_place),
		cmocka_unit_test(test_many_keys_in_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
