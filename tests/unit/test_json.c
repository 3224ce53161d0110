#include "tests/unit/tree.h"

#include "tests/property/rng.h"
#include "tests/unit/json_oracle.h"

#define READ(literal, want)                            \
	{                                              \
		(literal), sizeof(literal) - 1, (want) \
	}

static void test_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t len;
		const char *want; /* compact JSON */
	} rows[] = {
		READ("{}", "{}"),
		READ(" [ ] ", "[]"),
		READ("\r\n\t {\"a\" : [1,\n2.50 , -0, 1e3,\t1E-2], \"b\":null,\"c\":true,\"d\":false}",
		     "{\"a\":[1,2.50,-0,1e3,1E-2],\"b\":null,\"c\":true,\"d\":false}"),
		READ("\"\"", "\"\""),
		READ("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\b\\f\\n\\r\\t\""),
		READ("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\\u0000\"",
		     "\"A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\\u0000\""),
		READ("\"\xc3\xa9\x7f\"", "\"\xc3\xa9\\u007f\""),
		READ("{\"\":{\"<<\":1}}", "{\"\":{\"<<\":1}}"),
		READ("18446744073709551616", "18446744073709551616"),
		READ("1.10", "1.10"),
		READ("1e-400", "1e-400"),
		READ("0", "0"),
		READ("[[[[]]],{\"a\":{}}]", "[[[[]]],{\"a\":{}}]"),
	};

	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);

		assert_json(read_as(mem, TC_JSON, (struct tc_str){.s = rows[i].text, .len = rows[i].len}),
			    rows[i].want);
	}
}

/* The first diagnostic of a text, as "offset message; help". */
static const char *refusal(struct tc_arena *mem, const char *text, size_t len)
{
	struct tc_source *src = tc_alloc(mem, sizeof(*src));
	struct tc_limits limits = {.max_nodes = 20, .max_depth = 4};
	struct tc_diags diags = {.mem = mem};
	uint32_t begin = 0;

	*src = (struct tc_source){.name = "test", .text = {.s = text, .len = len}};
	assert_null(tc_json_read(mem, src, &begin, (uint32_t)len, &limits, &diags));
	assert_int_equal(diags.count, 1);
	/* Nobody has to listen. */
	begin = 0;
	assert_null(tc_json_read(mem, src, &begin, (uint32_t)len, &limits, NULL));

	const struct tc_note *help = diags.list[0]->last_note;
	return tc_printf(mem, "%u TC%03u %s; %s", diags.list[0]->at.off, (unsigned)diags.list[0]->id,
			 diags.list[0]->text, help ? help->text : "");
}

static void test_refuse(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t len;
		const char *want;
	} rows[] = {
		READ("", "0 TC013 found the end of the text, expected a value; write text in double quotes; words are "
			 "true, "
			 "false, null"),
		READ("[1,]", "2 TC013 found \",\", which stands behind the last value; remove the comma"),
		READ("{\"a\":1,}", "6 TC013 found \",\", which stands behind the last value; remove the comma"),
		READ("[1 2]", "3 TC013 found \"2\", expected a comma or ]; write a comma between two values"),
		READ("{\"a\":1 \"b\"}",
		     "7 TC013 found \"\\\"\", expected a comma or }; write a comma between two values"),
		READ("[1}", "2 TC013 found \"}\", expected a comma or ]; write a comma between two values"),
		READ("[,1]",
		     "1 TC013 found \",\", expected a value; write text in double quotes; words are true, false, null"),
		READ("[1,,2]",
		     "3 TC013 found \",\", expected a value; write text in double quotes; words are true, false, null"),
		READ("{a: 1}", "1 TC013 found \"a\", expected a key; write keys in double quotes"),
		READ("{\"a\" 1}", "5 TC013 found \"1\", expected a colon; write a colon between a key and its value"),
		READ("{\"a\"",
		     "4 TC013 found the end of the text, expected a colon; write a colon between a key and its value"),
		READ("{\"a\":", "5 TC013 found the end of the text, expected a value; write text in double quotes; "
				"words are true, "
				"false, null"),
		READ(" [[1]", "1 TC013 found \"[\", which is never closed; close it with ]"),
		READ(" {", "1 TC013 found \"{\", which is never closed; close it with }"),
		READ("[1,", "0 TC013 found \"[\", which is never closed; close it with ]"),
		READ("\"abc", "0 TC013 found \"\\\"\", which opens a string that is never closed; close it with \""),
		READ("\"a\\n", "0 TC013 found \"\\\"\", which opens a string that is never closed; close it with \""),
		READ("\"a\\", "2 TC013 found \"\\\\\", which is no escape in JSON; write a backslash as \\\\"),
		READ("\"a\nb\"",
		     "2 TC013 found \"\\n\", which has to be escaped in a string; write it as \\n, \\t or \\u0000"),
		READ("\"\\n\tb\"",
		     "3 TC013 found \"\\t\", which has to be escaped in a string; write it as \\n, \\t or \\u0000"),
		READ("\"\\x41\"", "1 TC013 found \"\\\\x\", which is no escape in JSON; write a backslash as \\\\"),
		READ("\"\\u00g0\"",
		     "1 TC013 found \"\\\\u\", expected four hexadecimal digits after it; write it like \\u00e9"),
		READ("\"\\u00",
		     "1 TC013 found \"\\\\u\", expected four hexadecimal digits after it; write it like \\u00e9"),
		READ("\"\\ud83d\"", "1 TC013 found \"\\\\ud83d\", which is one half of a character; write both, or the "
				    "character itself"),
		READ("\"\\ude00\"", "1 TC013 found \"\\\\ude00\", which is one half of a character; write both, or the "
				    "character itself"),
		READ("\"\\ud83d\\u0041\"",
		     "1 TC013 found \"\\\\ud83d\", which is one half of a character; write both, or the "
		     "character itself"),
		READ("'a'",
		     "0 TC013 found \"'\", expected a value; write text in double quotes; words are true, false, null"),
		READ("yes",
		     "0 TC013 found \"yes\", expected a value; write text in double quotes; words are true, false, "
		     "null"),
		READ("nulll", "0 TC013 found \"nulll\", expected a value; write text in double quotes; words are true, "
			      "false, null"),
		READ("\xc3\xa9",
		     "0 TC013 found \"\xc3\xa9\", expected a value; write text in double quotes; words are true, "
		     "false, null"),
		READ("01",
		     "0 TC013 found \"01\", which is no number in JSON; write decimal digits, without a zero in front: "
		     "-1, 0.5, 1e3"),
		READ("-",
		     "0 TC013 found \"-\", which is no number in JSON; write decimal digits, without a zero in front: "
		     "-1, 0.5, 1e3"),
		READ("[1.]",
		     "1 TC013 found \"1.\", which is no number in JSON; write decimal digits, without a zero in front: "
		     "-1, 0.5, 1e3"),
		READ("0x1F",
		     "0 TC013 found \"0x1F\", which is no number in JSON; write decimal digits, without a zero in "
		     "front: -1, 0.5, 1e3"),
		READ("1e400",
		     "0 TC013 found \"1e400\", which is larger than any number may be; quote it if it is text"),
		READ("// no",
		     "0 TC013 found \"/\", expected a value; write text in double quotes; words are true, false, null"),
		READ("[[[[[1]]]]]",
		     "4 TC008 collections are nested more than 4 deep; nest less; Kubernetes has no use for it"),
		READ("[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0]",
		     "39 TC009 the document has more than 20 values; split it"),
		READ("{\"a\":1,\"b\":2,\"\\u0061\":3}", "13 TC014 key \"a\" is there twice; remove one of them"),
	};

	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);

		assert_string_equal(refusal(mem, rows[i].text, rows[i].len), rows[i].want);
	}
}

/* All duplicates, of few keys and of many, each with the place of the first one. */
static void test_duplicates(void **state)
{
	(void)state;
	for (int others = 0; others < 40; others += 8) {
		_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
		_cleanup_buf_ struct tc_buf text = {0};
		struct tc_diags diags = {.mem = mem};
		struct tc_limits limits = TC_LIMITS_FILE;
		uint32_t begin = 0;

		tc_buf_puts(&text, "{\"x\":1,");
		for (int i = 0; i < others; i++)
			tc_buf_printf(&text, "\"k%d\":0,", i);
		uint32_t second = (uint32_t)text.len;
		tc_buf_puts(&text, "\"x\":2,\"x\":{\"y\":1,\"y\":2}}  ");
		struct tc_source src = {.name = "test", .text = tc_buf_str(&text)};

		assert_null(tc_json_read(mem, &src, &begin, (uint32_t)text.len, &limits, &diags));
		assert_int_equal(diags.count, 3);
		assert_int_equal(begin, text.len);
		static const uint32_t distance[] = {17, 0, 6}; /* the inner object is complete first */
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(diags.list[i]->at.off, second + distance[i]);
			assert_int_equal(diags.list[i]->notes->at.off, i == 0 ? second + 11 : 1);
			assert_string_equal(diags.list[i]->notes->text, "the first one is here");
		}
	}
}

/* Keys of one length that begin and end alike: each is told from the others, and the one that is there twice is found.
 */
static void test_similar_keys(void **state)
{
	(void)state;
	for (int keys = 8; keys <= 520; keys += keys < 24 ? 1 : 62) {
		for (int twice = 0; twice < 2; twice++) {
			_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
			_cleanup_buf_ struct tc_buf text = {0};
			struct tc_diags diags = {.mem = mem};
			struct tc_limits limits = TC_LIMITS_FILE;
			uint32_t begin = 0, last = 0;

			for (int i = 0; i < keys; i++) {
				tc_buf_puts(&text, i ? "," : "{");
				last = (uint32_t)text.len;
				tc_buf_printf(&text, "\"beginning-%03d-the-end\":0",
					      twice && i == keys - 1 ? keys / 2 : i);
			}
			tc_buf_putc(&text, '}');
			struct tc_source src = {.name = "test", .text = tc_buf_str(&text)};
			const struct tc_node *n = tc_json_read(mem, &src, &begin, (uint32_t)text.len, &limits, &diags);

			assert_int_equal(n != NULL, !twice);
			assert_int_equal(diags.count, twice);
			if (twice)
				assert_int_equal(diags.list[0]->at.off, last);
		}
	}
}

static void test_places(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	const char *text = "xx {\"key\" : [ 12,\"a\\n\"] } \n{}";
	struct tc_source src = {.name = "test", .text = tc_str(text)};
	struct tc_limits limits = TC_LIMITS_FILE;
	struct tc_diags diags = {.mem = mem};
	uint32_t begin = 2;
	const struct tc_node *n = tc_json_read(mem, &src, &begin, (uint32_t)strlen(text), &limits, &diags);
	const struct tc_node *list = tc_get(n, "key");
	const struct {
		const struct tc_node *n;
		uint32_t off, end;
	} rows[] = {{n, 3, 25}, {n->first, 4, 9}, {list, 12, 23}, {list->first, 14, 16}, {list->last, 17, 22}};

	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		assert_int_equal(rows[i].n->off, rows[i].off);
		assert_int_equal(rows[i].n->end, rows[i].end);
	}
	assert_int_equal(begin, 27);
	assert_ptr_equal(tc_node_source(list->last), &src);
	/* Texts without escapes are not copied. */
	assert_ptr_equal(n->first->text.s, text + 5);
}

/* An entry that nobody reads has to be JSON, and is not there afterwards. */
static void test_unread(void **state)
{
	(void)state;
	static const struct {
		const char *text, *want; /* want: NULL: refused */
	} rows[] = {
		{"{\"m\": {\"skip\": [1, {\"a\": [[], {}, \"\\n\\u00e9\", null, -1e3]}], \"b\": 2}}", "b"},
		{"{\"m\": {\"a\": 1, \"skip\": {}}}", "a"},
		{"{\"m\": {\"skip\": \"\\ud83d\\ude00\", \"skip\": [], \"a\": 1}}", "a"},
		{"{\"m\": {\"skip\": {\"skip\": {\"x\": [1,2]}}}}", ""},
		{"{\"skip\": 1, \"m\": {\"n\": 2}}", "n"},
		{"{\"m\": {\"skip\": [1,]}}", NULL},
		{"{\"m\": {\"skip\": [1}}", NULL},
		{"{\"m\": {\"skip\": {\"a\" 1}}}", NULL},
		{"{\"m\": {\"skip\": \"\\x\"}}", NULL},
		{"{\"m\": {\"skip\": \"\\n\\ud83d\"}}", NULL},
		{"{\"m\": {\"skip\": \"\\n", NULL},
		{"{\"m\": {\"skip\": tru}}", NULL},
		{"{\"m\": {\"skip\": }}", NULL},
		{"{\"m\": {\"skip\"}}", NULL},
		{"{\"m\": {\"skip\": [[[[[[[1]]]]]]]}}", NULL},
		{"{\"m\": {\"skip\": [", NULL},
	};

	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
		struct tc_source src = {.name = "test", .text = tc_str(rows[i].text)};
		/* The root, m and its entry with their keys: what is unread does not count, but for its key. */
		struct tc_limits limits = {.max_nodes = 9, .max_depth = 8, .unread = "skip", .unread_depth = 2};
		struct tc_diags diags = {.mem = mem};
		uint32_t begin = 0;
		const struct tc_node *n = tc_json_read(mem, &src, &begin, (uint32_t)src.text.len, &limits, &diags);
		const struct tc_node *m = tc_get(n, "m");

		if (!rows[i].want) {
			assert_null(n);
			assert_int_equal(diags.count, 1);
			continue;
		}
		assert_int_equal(begin, src.text.len);
		assert_int_equal(m->count, rows[i].want[0] ? 1 : 0);
		assert_null(tc_get(m, "skip"));
		if (m->count)
			assert_non_null(tc_get(m, rows[i].want));
		assert_int_equal(tc_get(n, "skip") != NULL, strstr(rows[i].text, "{\"skip\": 1,") != NULL);
	}
}

/* Whatever kind of value is one too many. */
static void test_limits(void **state)
{
	(void)state;
	static const char *const rows[] = {"[\"a\"]", "[[]]", "[{}]", "[1]", "[null]", "{\"a\": 1}"};

	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
		struct tc_source src = {.name = "test", .text = tc_str(rows[i])};
		struct tc_limits limits = TC_LIMITS_FILE;
		struct tc_diags diags = {.mem = mem};
		uint32_t begin = 0;

		limits.max_nodes = 1;
		assert_null(tc_json_read(mem, &src, &begin, (uint32_t)src.text.len, &limits, &diags));
		assert_int_equal(diags.count, 1);
		assert_int_equal(diags.list[0]->id, TC_MSG_TOO_MANY_NODES);
		assert_int_equal(diags.list[0]->at.off, 1);
		assert_string_equal(diags.list[0]->text, "the document has more than 1 values");
	}
}

static void test_oracle_cases(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t len;
		const char *unused;
	} rows[] = {
		READ("", NULL),
		READ(" ", NULL),
		READ("{}", NULL),
		READ("[]", NULL),
		READ("[1]x", NULL),
		READ("{}{}", NULL),
		READ("9223372036854775807", NULL),
		READ("9223372036854775808", NULL),
		READ("-9223372036854775808", NULL),
		READ("-9223372036854775809", NULL),
		READ("123456789012345678901234567890", NULL),
		READ("1e308", NULL),
		READ("1.7976931348623157e308", NULL),
		READ("1.7976931348623159e308", NULL),
		READ("1e309", NULL),
		READ("-1e309", NULL),
		READ("1e-309", NULL),
		READ("1e-999", NULL),
		READ("0e999999999999", NULL),
		READ("-0", NULL),
		READ("-0.0", NULL),
		READ("00", NULL),
		READ("-01", NULL),
		READ("1.e1", NULL),
		READ(".5", NULL),
		READ("+1", NULL),
		READ("1e", NULL),
		READ("1e+", NULL),
		READ("0.1e+01", NULL),
		READ("1E1", NULL),
		READ("\"\\u0000\"", NULL),
		READ("{\"\\u0000\":1}", NULL),
		READ("\"\\ud800\"", NULL),
		READ("\"\\udbff\\udfff\"", NULL),
		READ("\"\\ud800\\ud800\"", NULL),
		READ("\"\\uDC00\"", NULL),
		READ("\"\\uFFFE\\uFEFF\\u2028\\u0085\"", NULL),
		READ("\"\xe2\x80\xa8\xc2\x85\xef\xbb\xbf\"", NULL),
		READ("\xef\xbb\xbf{}", NULL),
		READ("\"\t\"", NULL),
		READ("\"\\'\"", NULL),
		READ("{\"a\":1,\"a\":1}", NULL),
		READ("{\"a\":1,\"b\":{\"a\":1}}", NULL),
		READ("tru", NULL),
		READ("true1", NULL),
		READ("TRUE", NULL),
		READ("NaN", NULL),
		READ("-Infinity", NULL),
		READ("[1,]", NULL),
		READ("{,}", NULL),
		READ("{\"a\"}", NULL),
		READ("[\"a\",\n4 ,\"b\"\r]\t", NULL),
		READ("\f[]", NULL),
		READ("\xc2\xa0[]", NULL),
		READ("[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]", NULL),
		READ("1 2", NULL),
		READ("\"\\", NULL),
	};

	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		const char *verdict = oracle_disagrees(rows[i].text, rows[i].len);

		if (verdict)
			fail_msg("%s: %s", rows[i].text, verdict);
	}
}

/* Random texts made of the pieces that JSON is made of: one in a few is valid. */
static void test_oracle_random(void **state)
{
	(void)state;
	static const char *const pieces[] = {
		"{",
		"}",
		"[",
		"]",
		",",
		":",
		"\"a\"",
		"\"b\"",
		"\"\\n\"",
		"\"\\ud83d\\ude00\"",
		"1",
		"-2",
		"0.50",
		"1e5",
		"01",
		"true",
		"false",
		"null",
		" ",
		"\n",
		"\"\\u0061\"",
		"{}",
		"[]",
		"\"",
		"\\u1",
		"[1,",
		"{\"k\":",
		"]}",
		"\"x\":",
		"1.",
		"/",
		"\xc3\xa9",
		"\"\xc3\xa9\"",
	};
	struct rng r = {.s = 20};
	unsigned accepted = 0;

	for (int i = 0; i < 60000; i++) {
		char text[256] = "";
		size_t len = 0;

		for (unsigned n = rng_below(&r, 9) + 1; n > 0; n--) {
			const char *piece = pieces[rng_below(&r, TC_COUNT(pieces))];

			memcpy(text + len, piece, strlen(piece) + 1);
			len += strlen(piece);
		}
		const char *verdict = oracle_disagrees(text, len);
		if (verdict)
			fail_msg("%s: %s", text, verdict);
		json_t *j = json_loadb(text, len, JSON_DECODE_ANY, NULL);
		accepted += j != NULL;
		json_decref(j);
	}
	assert_true(accepted > 2000);
}

/* Ten times the text takes about ten times as long; a test that hangs is noticed. */
static void test_hostile(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1 << 20);
	_cleanup_buf_ struct tc_buf keys = {0}, deep = {0}, same = {0};
	struct tc_limits limits = TC_LIMITS_FILE;
	struct tc_diags diags = {.mem = mem};
	uint32_t begin = 0;

	tc_buf_putc(&keys, '{');
	for (int i = 0; i < 200000; i++)
		tc_buf_printf(&keys, "%s\"%d\":0", i ? "," : "", i);
	tc_buf_putc(&keys, '}');
	struct tc_source src = {.name = "test", .text = tc_buf_str(&keys)};
	assert_non_null(tc_json_read(mem, &src, &begin, (uint32_t)keys.len, &limits, &diags));

	tc_buf_fill(&deep, '[', 1000000);
	src.text = tc_buf_str(&deep);
	begin = 0;
	assert_null(tc_json_read(mem, &src, &begin, (uint32_t)deep.len, &limits, &diags));
	assert_int_equal(diags.list[0]->id, TC_MSG_TOO_DEEP);
	assert_int_equal(diags.list[0]->at.off, 64);

	tc_buf_puts(&same, "{\"a\":0");
	for (int i = 0; i < 200000; i++)
		tc_buf_puts(&same, ",\"a\":0");
	tc_buf_putc(&same, '}');
	src.text = tc_buf_str(&same);
	begin = 0;
	assert_null(tc_json_read(mem, &src, &begin, (uint32_t)same.len, &limits, &diags));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),          cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_duplicates),    cmocka_unit_test(test_similar_keys),
		cmocka_unit_test(test_places),        cmocka_unit_test(test_unread),
		cmocka_unit_test(test_limits),        cmocka_unit_test(test_oracle_cases),
		cmocka_unit_test(test_oracle_random), cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
