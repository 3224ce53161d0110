#include "unit.h"

#include "compiler/tree/scalar.h"

static struct tc_arena *mem;

static int setup(void **state)
{
	(void)state;
	mem = tc_arena_new(4096);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tc_arena_free(mem);
	return 0;
}

static const char *kind_name(enum tc_kind k)
{
	static const char *const names[] = {"null", "bool", "int", "float", "string"};

	return names[k];
}

static void check_kinds(enum tc_kind want, const char *const *texts)
{
	for (; *texts; texts++) {
		enum tc_scalar_fault fault;
		enum tc_kind got = tc_scalar_kind(tc_str(*texts), &fault);
		if (got != want || fault != TC_SCALAR_FINE)
			fail_msg("%s is read as %s, fault %d", *texts, kind_name(got), fault);
	}
}

#define KINDS(want, ...) check_kinds(want, (const char *const[]){__VA_ARGS__, NULL})

/* Every row was read by sigs.k8s.io/yaml 1.6.0 too. */
static void kinds(void **state)
{
	(void)state;
	KINDS(TC_NULL, "", "~", "null", "Null", "NULL");
	KINDS(TC_BOOL, "y", "Y", "yes", "Yes", "YES", "n", "N", "no", "on", "On", "off", "OFF", "true", "False");
	KINDS(TC_STRING, "yES", "nULL", "tRue", "nul", "yess", "o", "<<", "=", "true ", "None", "inf", "nan", "NaN");
	KINDS(TC_INT, "0", "-0", "+1", "12", "017", "0o17", "0O17", "0x1F", "0X1f", "-0x1f", "0b11", "0B1", "1_000",
	      "1_", "0x_1", "18446744073709551615", "-9223372036854775808", "0b-11", "0b+1");
	KINDS(TC_FLOAT, "08", "1e3", ".5", "5.", "-.5", "+1.5", "1.5_0", ".5_0", "18446744073709551616",
	      "+9223372036854775808", "-9223372036854775809", "1.7976931348623158e308", "0e99999", "1e-400");
	KINDS(TC_STRING, "1:30", "2001-01-01", "1e400", ".5e400", "1.8e308", "0x", "0b2", "0o8", "-", "+", ".", "1e",
	      "e1", "1.2.3", "._5", ".5__0", ".5_", "+0xFFFFFFFFFFFFFFFF", "0x10000000000000000", "-0b-1", "1 2",
	      "0x1p2", "1,0", "0B-11", "0B+1", "-0B+1");
}

/* 2^1024 - 2^970 is the first number that rounds to infinity. */
static void the_largest_number(void **state)
{
	static const char limit[] =
		"1797693134862315807937289714053034150799341327100378269361737789804449682927647509466"
		"4901797758720709633028641669288791094655554785194040263065748867150582068190890200070"
		"8383676273854845817711531764475730270069855571366959622842914819860834936475292719074"
		"168444365510704342711559699508093042880177904174497792";
	enum tc_scalar_fault fault;
	char below[sizeof(limit)];

	(void)state;
	assert_int_equal(sizeof(limit) - 1, 309);
	memcpy(below, limit, sizeof(limit));
	below[308] = '1';
	assert_int_equal(tc_scalar_kind(tc_str(limit), &fault), TC_STRING);
	assert_int_equal(tc_scalar_kind(tc_str(below), &fault), TC_FLOAT);
}

static void not_finite(void **state)
{
	static const char *const yes[] = {".inf", ".Inf", ".INF", "+.inf", "-.INF", ".nan", ".NaN", ".NAN"};
	static const char *const no[] = {".iNF", ".Nan", "-.nan", "+.NaN", ".infinity"};
	enum tc_scalar_fault fault;

	(void)state;
	for (size_t i = 0; i < TC_COUNT(yes); i++) {
		assert_int_equal(tc_scalar_kind(tc_str(yes[i]), &fault), TC_FLOAT);
		assert_int_equal(fault, TC_SCALAR_NOT_FINITE);
	}
	for (size_t i = 0; i < TC_COUNT(no); i++) {
		assert_int_equal(tc_scalar_kind(tc_str(no[i]), &fault), TC_STRING);
		assert_int_equal(fault, TC_SCALAR_FINE);
	}
}

static void truth(void **state)
{
	(void)state;
	assert_true(tc_scalar_true(TC_STR("Yes")));
	assert_true(tc_scalar_true(TC_STR("ON")));
	assert_true(tc_scalar_true(TC_STR("y")));
	assert_true(tc_scalar_true(TC_STR("true")));
	assert_false(tc_scalar_true(TC_STR("n")));
	assert_false(tc_scalar_true(TC_STR("Off")));
	assert_false(tc_scalar_true(TC_STR("FALSE")));
}

static void json_numbers(void **state)
{
	static const struct {
		const char *text, *want;
		enum tc_kind kind;
	} rows[] = {
		{"0x1F", "31", TC_INT},
		{"017", "15", TC_INT},
		{"0o17", "15", TC_INT},
		{"0b-11", "-3", TC_INT},
		{"1_000", "1000", TC_INT},
		{"+7", "7", TC_INT},
		{"-0x0", "0", TC_INT},
		{"12", "12", TC_INT},
		{"0xFFFFFFFFFFFFFFFF", "18446744073709551615", TC_INT},
		{"1.10", "1.10", TC_FLOAT},
		{"1e3", "1e3", TC_FLOAT},
		{"1E+3", "1E+3", TC_FLOAT},
		{".5", "0.5", TC_FLOAT},
		{"5.", "5", TC_FLOAT},
		{"-.5", "-0.5", TC_FLOAT},
		{"08", "8", TC_FLOAT},
		{"0622", "402", TC_FLOAT}, /* !!float 0622 */
		{"0o17", "15", TC_FLOAT},
		{"00.5", "0.5", TC_FLOAT},
		{"+1_0.5_0e1_0", "10.50e10", TC_FLOAT},
		{"5.e3", "5e3", TC_FLOAT},
		{"-0", "-0", TC_INT},
		{"-08.", "-8", TC_FLOAT},
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		struct tc_str got = tc_scalar_json_number(mem, tc_str(rows[i].text), rows[i].kind);
		if (!tc_str_is(got, rows[i].want))
			fail_msg("%s is written %.*s, not %s", rows[i].text, TC_STR_ARG(got), rows[i].want);
	}
}

static void same_numbers(void **state)
{
	static const char *const same[][2] = {
		{"1", "1.0"},        {"0x1F", "31"},    {"1e3", "1000"},  {"100e-2", "1"}, {"0", "-0.0"},
		{"0e5", "0"},        {"017", "15"},     {".5", "0.50"},   {"1_0", "10"},   {"-1", "-1e0"},
		{"1e400", "10e399"}, {"0.001", "1E-3"}, {"-0x10", "-16"}, {"0x0", "-0"},
	};
	static const char *const other[][2] = {
		{"1", "-1"},
		{"1", "10"},
		{"0.1", "0.01"},
		{"0", "1"},
		{"1.10000000000000001", "1.1"},
		{"1", "x"},
		{"9007199254740993", "9007199254740992"},
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(same); i++)
		if (!tc_scalar_same_number(tc_str(same[i][0]), tc_str(same[i][1])))
			fail_msg("%s and %s are one number", same[i][0], same[i][1]);
	for (size_t i = 0; i < TC_COUNT(other); i++)
		if (tc_scalar_same_number(tc_str(other[i][0]), tc_str(other[i][1])))
			fail_msg("%s and %s are two numbers", other[i][0], other[i][1]);
}

static void tags(void **state)
{
#define Y "tag:yaml.org,2002:"
	static const struct {
		const char *tag, *text, *want;
		enum tc_kind kind;
		enum tc_scalar_fault fault;
	} rows[] = {
		{Y "str", "12", "12", TC_STRING, TC_SCALAR_FINE},
		{Y "int", "12", "12", TC_INT, TC_SCALAR_FINE},
		{Y "int", "x", "x", TC_INT, TC_SCALAR_BAD_TAG},
		{Y "int", "1.5", "1.5", TC_INT, TC_SCALAR_BAD_TAG},
		{Y "float", "1", "1", TC_FLOAT, TC_SCALAR_FINE},
		{Y "float", "18446744073709551615", "18446744073709551615", TC_FLOAT, TC_SCALAR_BAD_TAG},
		{Y "float", ".inf", ".inf", TC_FLOAT, TC_SCALAR_NOT_FINITE},
		{Y "bool", "yes", "yes", TC_BOOL, TC_SCALAR_FINE},
		{Y "bool", "1", "1", TC_BOOL, TC_SCALAR_BAD_TAG},
		{Y "null", "", "", TC_NULL, TC_SCALAR_FINE},
		{Y "null", "x", "x", TC_NULL, TC_SCALAR_BAD_TAG},
		{Y "timestamp", "2001-1-2", "2001-1-2", TC_STRING, TC_SCALAR_FINE},
		{Y "timestamp", "2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00", TC_STRING,
		 TC_SCALAR_FINE},
		{Y "timestamp", "2001-02-29", "2001-02-29", TC_STRING, TC_SCALAR_BAD_TAG},
		{Y "timestamp", "today", "today", TC_STRING, TC_SCALAR_BAD_TAG},
		{Y "timestamp", "403-8-22", "403-8-22", TC_STRING, TC_SCALAR_BAD_TAG},
		{Y "timestamp", "99-6-2", "99-6-2", TC_STRING, TC_SCALAR_BAD_TAG},
		{Y "timestamp", "2001-12-14   21:59:43", "2001-12-14   21:59:43", TC_STRING, TC_SCALAR_FINE},
		{Y "timestamp", "2001-12-14T21:59:43Z", "2001-12-14T21:59:43Z", TC_STRING, TC_SCALAR_FINE},
		{Y "timestamp", "2001-12-14T21:59:43Zx", "2001-12-14T21:59:43Zx", TC_STRING, TC_SCALAR_BAD_TAG},
		{Y "timestamp", "2001-12-14x", "2001-12-14x", TC_STRING, TC_SCALAR_BAD_TAG},
		{Y "timestamp", "2001-12-14 24:00:00", "2001-12-14 24:00:00", TC_STRING, TC_SCALAR_BAD_TAG},
		{Y "timestamp", "2001-12-14 21:59:43.", "2001-12-14 21:59:43.", TC_STRING, TC_SCALAR_BAD_TAG},
		{Y "binary", "aGVsbG8=", "hello", TC_STRING, TC_SCALAR_FINE},
		{Y "binary", "aGVs\nbG8h", "hello!", TC_STRING, TC_SCALAR_FINE},
		{Y "binary", "", "", TC_STRING, TC_SCALAR_FINE},
		{Y "binary", "aGVsbG8", "aGVsbG8", TC_STRING, TC_SCALAR_BAD_TAG},
		{Y "binary", "aA==aA==", "aA==aA==", TC_STRING, TC_SCALAR_BAD_TAG},
		{Y "binary", "/w==", "\xff", TC_STRING, TC_SCALAR_BAD_TAG},
		{Y "binary", "Gwc=", "\x1b\a", TC_STRING, TC_SCALAR_FINE},
		{"!mine", "12", "12", TC_STRING, TC_SCALAR_FINE},
	};
#undef Y

	(void)state;
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		struct tc_str text = tc_str(rows[i].text);
		enum tc_scalar_fault fault;
		enum tc_kind kind = tc_scalar_tagged(mem, rows[i].tag, &text, &fault);
		if (kind != rows[i].kind || fault != rows[i].fault || !tc_str_is(text, rows[i].want))
			fail_msg("%s %s: kind %s, fault %d, text %.*s", rows[i].tag, rows[i].text, kind_name(kind),
				 fault, TC_STR_ARG(text));
	}
}

static void plain(void **state)
{
	static const char *const yes[] = {"a",        "postgres.tentacular-system.svc",
					  "10.0.0.1", "203.0.113.0/24",
					  "v1.2.3",   "a b",
					  "a:b",      "a#b",
					  "-x",       "443/TCP",
					  "tent_a_b", "caf\xc3\xa9",
					  "1.2.3",    "/app/secrets",
					  "3.14.15"};
	static const char *const no[] = {"",
					 "yes",
					 "12",
					 "1e3",
					 "~",
					 "null",
					 " a",
					 "a ",
					 "a: b",
					 "a:",
					 "a #b",
					 "-",
					 "- a",
					 "---",
					 "...",
					 "#a",
					 "&a",
					 "*a",
					 "!a",
					 "|",
					 ">",
					 "'a",
					 "\"a",
					 "%a",
					 "@a",
					 "`a",
					 "?a",
					 "{a",
					 "[a",
					 "<<",
					 "=",
					 "a\nb",
					 "a\tb",
					 "1:30",
					 "2001-01-01",
					 "1e400",
					 ".inf",
					 "a\xc2\x85"
					 "b",
					 "\xef\xbb\xbf"
					 "a",
					 ":a",
					 ",a",
					 "\x7f",
					 "\xe2\x80\xa8"};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(yes); i++)
		if (!tc_scalar_plain_ok(tc_str(yes[i]), false, false))
			fail_msg("%s may be plain", yes[i]);
	for (size_t i = 0; i < TC_COUNT(no); i++)
		if (tc_scalar_plain_ok(tc_str(no[i]), false, false))
			fail_msg("%s may not be plain", no[i]);
	assert_false(tc_scalar_plain_ok(TC_STR("a,b"), true, false));
	assert_true(tc_scalar_plain_ok(TC_STR("a,b"), false, false));
	assert_false(tc_scalar_plain_ok(TC_STR("a?"), true, false));
	assert_true(tc_scalar_plain_ok(TC_STR("a-b"), true, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),        cmocka_unit_test(the_largest_number),
		cmocka_unit_test(not_finite),   cmocka_unit_test(truth),
		cmocka_unit_test(json_numbers), cmocka_unit_test(same_numbers),
		cmocka_unit_test(tags),         cmocka_unit_test(plain),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
