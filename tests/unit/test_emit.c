#include "tests/unit/tree.h"

#include "compiler/tree/scalar.h"
#include "tests/property/rng.h"

static const struct tc_emit as_yaml = {.format = TC_YAML};

/* Text in, text out: what was read is written in this form, and reads the same. */
static void assert_rewritten(const char *text, const char *want, struct tc_emit how)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	_cleanup_buf_ struct tc_buf out = {0};
	struct tc_error err = {0};

	if (tc_emit_verified(&out, read_yaml(mem, text), how, &err) < 0)
		fail_msg("%s: %s\n%s", text, err.msg, out.p);
	assert_string_equal(out.p, want);
}

static void test_collections(void **state)
{
	(void)state;
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"{}", "{}\n"},
		{"[]", "[]\n"},
		{"text", "text\n"},
		{"'yes'", "'yes'\n"},
		{"{a: {b: {c: 1}}, d: [], e: {}}", "a:\n  b:\n    c: 1\nd: []\ne: {}\n"},
		{"a: [1, [2, [3, 4]], {b: c, d: [e]}]", "a:\n- 1\n- - 2\n  - - 3\n    - 4\n- b: c\n  d:\n  - e\n"},
		{"- - - a\n    - b\n- {}\n- [[]]\n", "- - - a\n    - b\n- {}\n- - []\n"},
		{"a:\nb: ~\nc: null\nd: NULL\n", "a:\nb: ~\nc: null\nd: NULL\n"},
		{"[~, null, '']", "- ~\n- null\n- ''\n"},
		{"- \n- a\n", "-\n- a\n"},
		{"{0x1F: 1_000, y: .5, 1e3: on}", "0x1F: 1_000\ny: .5\n1e3: on\n"},
	};

	for (size_t i = 0; i < TC_COUNT(rows); i++)
		assert_rewritten(rows[i].text, rows[i].want, as_yaml);
	assert_rewritten("a: [1, {b: [2]}]", "a:\n  - 1\n  - b:\n      - 2\n",
			 (struct tc_emit){.format = TC_YAML, .indent_items = true});
	assert_rewritten("a: [1]\nb: |\n  x\n\n  y\n", "a:\r\n- 1\r\nb: |\r\n  x\r\n\r\n  y\r\n",
			 (struct tc_emit){.format = TC_YAML, .crlf = true});
}

static void test_anchors(void **state)
{
	(void)state;
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"a: &x 1\nb: *x\n", "a: &x 1\nb: *x\n"},
		{"a: &x {k: v}\nb: {<<: *x, c: *x}\n", "a: &x\n  k: v\nb:\n  <<: *x\n  c: *x\n"},
		{"a: &x [1]\nb: [*x, &y [2], *y]\n", "a: &x\n- 1\nb:\n- *x\n- &y\n  - 2\n- *y\n"},
		{"- &x {a: 1}\n- *x\n", "- &x\n  a: 1\n- *x\n"},
		{"&r a: &e\nb: *r\n", "&r a: &e null\nb: *r\n"},
		{"a: &x k\n*x : 1\n", "a: &x k\n*x : 1\n"},
		{"&root {a: 1}\n", "&root\na: 1\n"},
		{"&root text\n", "&root text\n"},
		{"a: &x {}\nb: *x\nc: &y []\n", "a: &x {}\nb: *x\nc: &y []\n"},
		{"a: &x |\n  text\nb: *x\n", "a: &x |\n  text\nb: *x\n"},
		{"a: &x {k: 1}\nb: &y {m: 1}\nc: {<<: [*x, *y]}\n",
		 "a: &x\n  k: 1\nb: &y\n  m: 1\nc:\n  <<:\n  - *x\n  - *y\n"},
	};

	for (size_t i = 0; i < TC_COUNT(rows); i++)
		assert_rewritten(rows[i].text, rows[i].want, as_yaml);
}

static void test_tags(void **state)
{
	(void)state;
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"!!str 5", "!!str \"5\"\n"},
		{"a: !!str x", "a: !!str x\n"},
		{"a: !!int \"5\"", "a: !!int 5\n"},
		{"a: !!float 1", "a: !!float 1\n"},
		{"a: !mine {b: !other c}", "a: !mine\n  b: !other c\n"},
		{"a: !<tag:example.com,2000:x> yy", "a: !<tag:example.com,2000:x> yy\n"},
		{"a: !<x%20y> z", "a: !<x%20y> z\n"},
		{"a: ! 12", "a: \"12\"\n"},
		{"a: &n !!str 5\nb: *n\n", "a: &n !!str \"5\"\nb: *n\n"},
		{"a: !!binary aGVsbG8=", "a: !!binary \"aGVsbG8=\"\n"},
		{"a: !!binary aGVsbA==", "a: !!binary \"aGVsbA==\"\n"},
		{"a: !!binary aGVs", "a: !!binary \"aGVs\"\n"},
	};

	for (size_t i = 0; i < TC_COUNT(rows); i++)
		assert_rewritten(rows[i].text, rows[i].want, as_yaml);
}

static void test_styles_kept(void **state)
{
	(void)state;
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"a: 'x'\n'b': \"y\"\n\"c\": z\n", "a: 'x'\n'b': \"y\"\n\"c\": z\n"},
		{"a: 'it''s'\n", "a: 'it''s'\n"},
		{"a: \"tab\\there\"\n", "a: \"tab\\there\"\n"},
		{"a: |\n  one\n  two\n", "a: |\n  one\n  two\n"},
		{"a: |-\n  one\n   two\n\n  three\n", "a: |-\n  one\n   two\n\n  three\n"},
		{"a: |+\n  one\n\n\nb: 1\n", "a: |+\n  one\n\n\nb: 1\n"},
		{"a: >\n  one\n  two\n\n  three\n", "a: |\n  one two\n  three\n"},
		{"a: |2\n   one\n  two\n", "a: |2\n   one\n  two\n"},
		{"a: |\n\n\n  one\n", "a: |\n\n\n  one\n"},
		{"a: |2\n  \tone\n", "a: |2\n  \tone\n"},
		{"a: |\n  one\n  \ttwo\n", "a: |\n  one\n  \ttwo\n"},
		{"- |\n one\n- a: |\n   two\n", "- |\n  one\n- a: |\n    two\n"},
		{"a: plain text\n  that goes on\n", "a: plain text that goes on\n"},
		{"a: [one two, x#y, 'b']\n", "a:\n- one two\n- x#y\n- 'b'\n"},
		{"[-, -x, --, --flag, ---]\n", "- \"-\"\n- -x\n- --\n- --flag\n- ---\n"},
		{"{--- a: 1, ... b: ..., --c: 2}\n", "\"--- a\": 1\n\"... b\": ...\n--c: 2\n"},
		{"{ \xef\xbb\xbfkey: \xef\xbb\xbfvalue}\n", "\"\\ufeffkey\": \xef\xbb\xbfvalue\n"},
		{"|\n  text\n", "|\n  text\n"},
		{"|1\n  text\n", "|2\n   text\n"},
	};

	for (size_t i = 0; i < TC_COUNT(rows); i++)
		assert_rewritten(rows[i].text, rows[i].want, as_yaml);
}

static void test_new_strings(void **state)
{
	(void)state;
	static const struct {
		struct tc_str text;
		const char *want; /* of {k: text} */
	} rows[] = {
		{TC_STR("plain"), "k: plain\n"},
		{TC_STR(""), "k: \"\"\n"},
		{TC_STR("yes"), "k: \"yes\"\n"},
		{TC_STR("null"), "k: \"null\"\n"},
		{TC_STR("5"), "k: \"5\"\n"},
		{TC_STR("0o7"), "k: \"0o7\"\n"},
		{TC_STR("1e3"), "k: \"1e3\"\n"},
		{TC_STR("2001-01-01"), "k: \"2001-01-01\"\n"},
		{TC_STR("<<"), "k: \"<<\"\n"},
		{TC_STR("a: b"), "k: \"a: b\"\n"},
		{TC_STR("a:b"), "k: a:b\n"},
		{TC_STR("a #b"), "k: \"a #b\"\n"},
		{TC_STR("- a"), "k: \"- a\"\n"},
		{TC_STR("*a"), "k: \"*a\"\n"},
		{TC_STR(" a"), "k: \" a\"\n"},
		{TC_STR("a "), "k: \"a \"\n"},
		{TC_STR("it's \"quoted\""), "k: it's \"quoted\"\n"},
		{TC_STR("\"quoted\""), "k: '\"quoted\"'\n"},
		{TC_STR("a\\b"), "k: a\\b\n"},
		{TC_STR("tab\there"), "k: \"tab\\there\"\n"},
		{TC_STR("nul\0x"), "k: \"nul\\u0000x\"\n"},
		{TC_STR("\xc3\xa9\xf0\x9f\x98\x80"), "k: \xc3\xa9\xf0\x9f\x98\x80\n"},
		{TC_STR("nel\xc2\x85ls\xe2\x80\xa8"), "k: \"nel\\u0085ls\\u2028\"\n"},
		{TC_STR("one\ntwo"), "k: |-\n  one\n  two\n"},
		{TC_STR("one\n"), "k: |\n  one\n"},
		{TC_STR("one\n\n"), "k: |+\n  one\n\n"},
		{TC_STR("\n\none"), "k: |-\n\n\n  one\n"},
		{TC_STR(" one\ntwo\n"), "k: |2\n   one\n  two\n"},
		{TC_STR("\n one\n"), "k: |2\n\n   one\n"},
		{TC_STR("\tone\n"), "k: |2\n  \tone\n"},
		{TC_STR("# no comment\n"), "k: |\n  # no comment\n"},
		{TC_STR("---\nx: 1\n"), "k: |\n  ---\n  x: 1\n"},
		{TC_STR("one \ntwo\n"), "k: |\n  one \n  two\n"},
		{TC_STR("one\n  \ntwo\n"), "k: |\n  one\n    \n  two\n"},
		{TC_STR("\n"), "k: \"\\n\"\n"},
		{TC_STR("\n\n"), "k: \"\\n\\n\"\n"},
		{TC_STR("one\n  "), "k: \"one\\n  \"\n"},
		{TC_STR("one\n\t\n"), "k: \"one\\n\\t\\n\"\n"},
		{TC_STR("one\r\ntwo\n"), "k: \"one\\r\\ntwo\\n\"\n"},
		{TC_STR("one\n\x01two\n"), "k: \"one\\n\\u0001two\\n\"\n"},
		{TC_STR("one\n\xe2\x80\xa9two\n"), "k: \"one\\n\\u2029two\\n\"\n"},
		{TC_STR("\xef\xbb\xbfone"), "k: \"\\ufeffone\"\n"},
		{TC_STR("bad \xff\xc3"), "k: \"bad \\ufffd\\ufffd\"\n"},
	};

	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
		_cleanup_buf_ struct tc_buf out = {0};
		struct tc_node *map = tc_new_map(mem, NULL);
		struct tc_error err = {0};

		tc_put(mem, map, "k", tc_new_string(mem, NULL, rows[i].text));
		tc_emit(&out, map, as_yaml);
		assert_string_equal(out.p, rows[i].want);
		if (i + 1 < TC_COUNT(rows) && tc_emit_verified(&out, map, as_yaml, &err) < 0)
			fail_msg("%s: %s", rows[i].want, err.msg);
	}
}

static void test_new_trees(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	_cleanup_buf_ struct tc_buf out = {0};
	struct tc_node *map = tc_new_map(mem, NULL), *inner = tc_new_map(mem, NULL), *seq = tc_new_seq(mem, NULL);
	struct tc_node *host = tc_new_string(mem, NULL, TC_STR("aG9zdA=="));
	struct tc_node *text = tc_new_string(mem, NULL, TC_STR("one\ntwo\n"));
	struct tc_error err = {0};

	host->comment = "host \"x\"\n\xc2\x85 end";
	text->comment = "two lines";
	tc_put(mem, map, "yes", inner);
	tc_put(mem, inner, "host", host);
	tc_put(mem, inner, "text", text);
	tc_put(mem, inner, "none", tc_new_null(mem, NULL));
	tc_put(mem, inner, "a\nb", seq);
	tc_push(seq, tc_new_int(mem, NULL, 5432));
	tc_push(seq, tc_new_bool(mem, NULL, true));
	assert_int_equal(tc_emit_verified(&out, map, as_yaml, &err), 0);
	assert_string_equal(out.p, "\"yes\":\n"
				   "  host: aG9zdA== # host \"x\"?? end\n"
				   "  text: | # two lines\n"
				   "    one\n"
				   "    two\n"
				   "  none: null\n"
				   "  \"a\\nb\":\n"
				   "  - 5432\n"
				   "  - true\n");
}

/* libyaml gives up on a key of more than 1,024 characters, unless it says that it is one. */
static void test_long_keys(void **state)
{
	(void)state;
	for (size_t len = 990; len < 1040; len++) {
		_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
		_cleanup_buf_ struct tc_buf out = {0}, key = {0};
		struct tc_node *map = tc_new_map(mem, NULL), *in = tc_new_map(mem, NULL), *seq = tc_new_seq(mem, NULL);
		struct tc_error err = {0};

		tc_buf_fill(&key, 'k', len);
		tc_push(seq, tc_new_string(mem, NULL, TC_STR("one\n two\n")));
		tc_put(mem, in, key.p, seq);
		tc_put(mem, map, key.p, in);
		tc_put(mem, map, "after", tc_new_null(mem, NULL));
		if (tc_emit_verified(&out, map, as_yaml, &err) < 0)
			fail_msg("%zu: %s\n%s", len, err.msg, out.p);
	}
}

static void test_indent(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	_cleanup_buf_ struct tc_buf out = {0};
	struct tc_error err = {0};

	tc_buf_puts(&out, "top:\n    ");
	assert_int_equal(tc_emit_verified(&out, read_yaml(mem, "a: {b: 1}\nc: [2, {d: e}]\n"),
					  (struct tc_emit){.format = TC_YAML, .indent = 4}, &err),
			 0);
	assert_string_equal(out.p, "top:\n    a:\n      b: 1\n    c:\n    - 2\n    - d: e\n");

	_cleanup_buf_ struct tc_buf want = {0};
	for (unsigned col = 60; col < 140; col++) {
		tc_buf_clear(&out);
		tc_buf_clear(&want);
		tc_emit(&out, read_yaml(mem, "{a: 1, b: 2}"), (struct tc_emit){.format = TC_YAML, .indent = col});
		tc_buf_puts(&want, "a: 1\n");
		tc_buf_fill(&want, ' ', col);
		tc_buf_puts(&want, "b: 2\n");
		assert_string_equal(out.p, want.p);
	}
}

/* What is not there is null in both formats. */
static void test_nothing(void **state)
{
	(void)state;
	_cleanup_buf_ struct tc_buf yaml = {0}, json = {0};

	tc_emit(&yaml, NULL, as_yaml);
	assert_string_equal(yaml.p, "null\n");
	tc_emit(&json, NULL, (struct tc_emit){.format = TC_JSON});
	assert_string_equal(json.p, "null");
}

static void test_json(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	const struct tc_node *n = read_yaml(mem, "a: &x {k: [0x1F, .5, 1_000, -0]}\n"
						 "b: {<<: *x, y: \"\\u2028\\x85\\r\"}\n"
						 "1e3: ~\n"
						 "c: [{}, [], yes]\n");
	_cleanup_buf_ struct tc_buf out = {0};
	struct tc_error err = {0};

	assert_int_equal(tc_emit_verified(&out, n, (struct tc_emit){.format = TC_JSON}, &err), 0);
	assert_string_equal(out.p, "{\"a\":{\"k\":[31,0.5,1000,-0]},"
				   "\"b\":{\"true\":\"\\u2028\\u0085\\r\",\"k\":[31,0.5,1000,-0]},"
				   "\"1000\":null,\"c\":[{},[],true]}");
	tc_buf_clear(&out);
	assert_int_equal(tc_emit_verified(&out, tc_get(n, "c"), (struct tc_emit){.format = TC_JSON, .indent = 2}, &err),
			 0);
	assert_string_equal(out.p, "[\n  {},\n  [],\n  true\n]");
	tc_buf_clear(&out);
	tc_emit(&out, tc_get(n, "a"), (struct tc_emit){.format = TC_JSON, .indent = 1});
	assert_string_equal(out.p, "{\n \"k\": [\n  31,\n  0.5,\n  1000,\n  -0\n ]\n}");
}

static void test_canonical(void **state)
{
	(void)state;
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"{b: 1, a: {d: x, c: ~}}", "{\"a\":{\"c\":null,\"d\":\"x\"},\"b\":1}"},
		{"[1, 1.0, 10e-1, 0x1, +1]", "[1,1,1,1,1]"},
		{"[1.50, 15e-1, .15e1]", "[15e-1,15e-1,15e-1]"},
		{"[0, -0, 0.0, -0e5]", "[0,0,0,0]"},
		{"[100, 1e2, -1200.0]", "[100,100,-1200]"},
		{"[18446744073709551615, 100000000000000000000, 1e20, 1e19]",
		 "[18446744073709551615,1e20,1e20,10000000000000000000]"},
		{"a: &a {z: 1, b: 2}\nc: {<<: *a}", "{\"a\":{\"b\":2,\"z\":1},\"c\":{\"b\":2,\"z\":1}}"},
		{"{1: a, b: c, \"\\u00e9\": d, B: e}", "{\"1\":\"a\",\"B\":\"e\",\"b\":\"c\",\"\xc3\xa9\":\"d\"}"},
	};

	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
		_cleanup_buf_ struct tc_buf out = {0};

		tc_emit_canonical(&out, read_yaml(mem, rows[i].text));
		assert_string_equal(out.p, rows[i].want);
	}
}

/* What cannot be right is not let through. */
static void test_verification(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	_cleanup_buf_ struct tc_buf out = {0};
	struct tc_error err = {0};
	struct tc_node *n = tc_new_string(mem, NULL, TC_STR("bad \xff"));
	struct tc_node *twice = tc_new_map(mem, NULL), *odd = tc_new_int(mem, NULL, 1);

	assert_int_equal(tc_emit_verified(&out, n, as_yaml, &err), -1);
	assert_int_equal(err.code, TC_E_BUG);
	assert_string_equal(err.msg, "the text written does not read back as the tree it was written from");
	tc_put(mem, twice, "k", tc_new_null(mem, NULL));
	tc_put(mem, twice, "k", tc_new_null(mem, NULL));
	assert_int_equal(tc_emit_verified(&out, twice, as_yaml, &err), -1);
	assert_string_equal(err.msg, "the text written cannot be read again: key \"k\" is there twice");
	odd->text = TC_STR("1 2");
	assert_int_equal(tc_emit_verified(&out, odd, (struct tc_emit){.format = TC_JSON}, &err), -1);
	odd->text = TC_STR("one");
	assert_int_equal(tc_emit_verified(&out, odd, as_yaml, &err), -1);
}

/* Random trees */

static const struct tc_str nasty[] = {
	TC_STR(""),
	TC_STR(" "),
	TC_STR("  "),
	TC_STR("\n"),
	TC_STR("\n\n"),
	TC_STR("\t"),
	TC_STR("a"),
	TC_STR("word"),
	TC_STR(":"),
	TC_STR(": "),
	TC_STR("#"),
	TC_STR(" #"),
	TC_STR("-"),
	TC_STR("- "),
	TC_STR("---"),
	TC_STR("--- "),
	TC_STR("..."),
	TC_STR("?"),
	TC_STR("? "),
	TC_STR("!"),
	TC_STR("!!str"),
	TC_STR("&a"),
	TC_STR("*a"),
	TC_STR("%"),
	TC_STR("@"),
	TC_STR("`"),
	TC_STR("|"),
	TC_STR(">"),
	TC_STR("'"),
	TC_STR("\""),
	TC_STR("\\"),
	TC_STR(","),
	TC_STR("["),
	TC_STR("]"),
	TC_STR("{"),
	TC_STR("}"),
	TC_STR("null"),
	TC_STR("~"),
	TC_STR("yes"),
	TC_STR("N"),
	TC_STR("true"),
	TC_STR("1"),
	TC_STR("0x1F"),
	TC_STR("1e3"),
	TC_STR(".5"),
	TC_STR("1_0"),
	TC_STR("+"),
	TC_STR(".inf"),
	TC_STR("<<"),
	TC_STR("="),
	TC_STR("\r"),
	TC_STR("\r\n"),
	TC_STR("\0"),
	TC_STR("\x01"),
	TC_STR("\x7f"),
	TC_STR("\xc2\x85"),
	TC_STR("\xc2\x80"),
	TC_STR("\xe2\x80\xa8"),
	TC_STR("\xe2\x80\xa9"),
	TC_STR("\xef\xbb\xbf"),
	TC_STR("\xef\xbf\xbe"),
	TC_STR("\xc3\xa9"),
	TC_STR("\xf0\x9f\x98\x80"),
	TC_STR("\xf0\x9f\xbf\xbf"),
	TC_STR("2001-01-01"),
	TC_STR("12:30"),
	TC_STR("0o7"),
	TC_STR("08"),
	TC_STR("-1"),
	TC_STR("key: value"),
	TC_STR("line one\nline two\n"),
	TC_STR("  indented\n"),
	TC_STR("\ttabbed\n"),
	TC_STR("x:\n  y\n"),
};

static struct tc_str random_text(struct tc_arena *mem, struct rng *r)
{
	char *text = tc_alloc_text(mem, 200);
	size_t len = 0;

	for (unsigned n = rng_below(r, 4) + rng_chance(r, 95); n > 0; n--) {
		struct tc_str piece = nasty[rng_below(r, TC_COUNT(nasty))];

		memcpy(text + len, piece.s, piece.len);
		len += piece.len;
	}
	return (struct tc_str){.s = text, .len = len};
}

static struct tc_node *random_tree(struct tc_arena *mem, struct rng *r, unsigned depth)
{
	static const char *const numbers[] = {"0", "-0", "0x1F", "1_000", "017", "0o17", "0b11", "+5"};
	static const char *const floats[] = {"1.50", ".5", "5.", "1e3", "-1E-5", "100000000000000000000"};
	static const char *const bools[] = {"y", "N", "on", "False", "true", "YES"};
	static const char *const nulls[] = {"", "~", "null", "Null"};
	unsigned what = rng_below(r, depth > 4 ? 8 : 12);
	struct tc_node *n;

	if (what >= 8 && what < 10) {
		n = tc_new_seq(mem, NULL);
		for (unsigned i = rng_below(r, 4); i > 0; i--)
			tc_push(n, random_tree(mem, r, depth + 1));
	} else if (what >= 10) {
		n = tc_new_map(mem, NULL);
		for (unsigned i = rng_below(r, 4); i > 0; i--) {
			struct tc_str key = random_text(mem, r);

			if (!tc_get_str(n, key))
				tc_put_str(mem, n, key, random_tree(mem, r, depth + 1));
		}
	} else if (what == 0) {
		n = tc_new_int(mem, NULL, 0);
		n->text = tc_str(numbers[rng_below(r, TC_COUNT(numbers))]);
	} else if (what == 1) {
		n = tc_new_null(mem, NULL);
		n->text = tc_str(nulls[rng_below(r, TC_COUNT(nulls))]);
	} else if (what == 2) {
		n = tc_new_bool(mem, NULL, true);
		n->text = tc_str(bools[rng_below(r, TC_COUNT(bools))]);
	} else if (what == 3) {
		n = tc_new_int(mem, NULL, 0);
		n->kind = TC_FLOAT;
		n->text = tc_str(floats[rng_below(r, TC_COUNT(floats))]);
	} else {
		n = tc_new_string(mem, NULL, random_text(mem, r));
		n->style = (uint8_t)rng_below(r, TC_STYLE_FOLDED + 1);
		if (rng_chance(r, 20))
			n->comment = "a comment: \"x\" # y";
	}
	return n;
}

/* Any tree, written in any way, reads back as itself; what is read and written again is the same text. */
static void test_round_trip(void **state)
{
	(void)state;
	struct rng r = {.s = 1};

	for (int i = 0; i < 20000; i++) {
		_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(16 * 1024);
		_cleanup_buf_ struct tc_buf out = {0}, again = {0};
		struct tc_emit how = {.format = rng_chance(&r, 15) ? TC_JSON : TC_YAML,
				      .crlf = rng_chance(&r, 30),
				      .indent_items = rng_chance(&r, 30)};
		struct tc_error err = {0};
		const struct tc_node *n = random_tree(mem, &r, 0);

		if (how.format == TC_JSON || rng_chance(&r, 20))
			how.indent = rng_below(&r, 4) * 2;
		if (tc_emit_verified(&out, n, how, &err) < 0)
			fail_msg("case %d: %s\n%s", i, err.msg, out.p);
		if (how.format == TC_JSON || how.indent > 0 || how.crlf)
			continue;
		n = read_as(mem, TC_YAML, tc_buf_str(&out));
		if (tc_emit_verified(&again, n, how, &err) < 0)
			fail_msg("case %d, again: %s\n%s", i, err.msg, again.p);
		if (!strstr(out.p, " # "))
			assert_string_equal(out.p, again.p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_collections), cmocka_unit_test(test_anchors),
		cmocka_unit_test(test_tags),        cmocka_unit_test(test_styles_kept),
		cmocka_unit_test(test_new_strings), cmocka_unit_test(test_new_trees),
		cmocka_unit_test(test_long_keys),   cmocka_unit_test(test_indent),
		cmocka_unit_test(test_nothing),     cmocka_unit_test(test_json),
		cmocka_unit_test(test_canonical),   cmocka_unit_test(test_verification),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
