#include "read.h"

/* Reads the value of `w` in a document and compares the inner tree, or what is printed. */
static void check_inner(const char *text, const char *want_json, const char *want_err, const char *want_source)
{
	_cleanup_buf_ struct tc_buf got = {0}, err = {0};
	struct read r;
	bool empty;

	read_text(&r, "outer.yaml", tc_str(text), NULL);
	assert_string_equal(r.err.p ? r.err.p : "", "");
	const struct tc_node *inner = tc_embedded_read(r.mem, tc_get(r.docs[0].root, "w"), "workflow.yaml",
						       &TC_LIMITS_ANNOTATION, &r.diags, &empty);
	if (inner)
		tc_emit(&got, inner, (struct tc_emit){.format = TC_JSON});
	else
		tc_buf_puts(&got, empty ? "-" : "!");
	assert_string_equal(got.p, want_json);
	tc_diags_render(&err, &r.diags, (struct tc_diag_style){0});
	assert_string_equal(err.p ? err.p : "", want_err);
	if (inner && want_source)
		assert_string_equal(tc_node_source(inner)->name, want_source);
	read_done(&r);
}

static void in_place(void **state)
{
	struct read r;
	bool empty;

	(void)state;
	check_inner("w: |\n  a: 1\n  b:\n  - x\n", "{\"a\":1,\"b\":[\"x\"]}", "", "outer.yaml");
	check_inner("w: |-\r\n  a: 1\r\n\r\n  b: |\r\n    x\r\nz: 1\r\n", "{\"a\":1,\"b\":\"x\\n\"}", "", "outer.yaml");
	check_inner("w: |2\n    a: 1\n    b: 2\n", "{\"a\":1,\"b\":2}", "", "outer.yaml");
	/* A place in it is one in the outer file. */
	read_text(&r, "outer.yaml", TC_STR("k: \xc3\xa9\nw: |\n  a: 1\n  b: \xc3\xa9x\n"), NULL);
	const struct tc_node *inner = tc_embedded_read(r.mem, tc_get(r.docs[0].root, "w"), "workflow.yaml",
						       &TC_LIMITS_ANNOTATION, &r.diags, &empty);
	struct tc_place place = tc_place(tc_node_pos(tc_get(inner, "b")));
	assert_int_equal(place.line, 4);
	assert_int_equal(place.column, 6);
	assert_false(empty);
	read_done(&r);
}

/* Other styles have no lines of their own to point at. */
static void decoded(void **state)
{
	(void)state;
	check_inner("w: \"a: 1\\nb: 2\\n\"\n", "{\"a\":1,\"b\":2}", "", "workflow.yaml");
	check_inner("w: >\n  a: 1\n\n  b: 2\n", "{\"a\":1,\"b\":2}", "", "workflow.yaml");
	check_inner("w: 'a: 1'\n", "{\"a\":1}", "", "workflow.yaml");
	check_inner("{\"w\": \"a: [1]\\n\"}\n", "{\"a\":[1]}", "", "workflow.yaml");
	check_inner("a: &a |\n  x: 1\nw: *a\n", "{\"x\":1}", "", "outer.yaml");
}

/* Lines that mean something in the first column only: the value counts, not its indented lines. */
static void differing(void **state)
{
	(void)state;
	check_inner("w: |\n  ---\n  a: 1\n", "{\"a\":1}", "", "workflow.yaml");
	check_inner("w: |\n  a: 1\n  ...\n", "{\"a\":1}", "", "workflow.yaml");
}

/* A text that tentc made stands in no file. */
static void made(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	_cleanup_buf_ struct tc_buf got = {0};
	struct tc_diags diags = {.mem = mem};
	const struct tc_node *inner;
	bool empty;

	inner = tc_embedded_read(mem, tc_new_string(mem, NULL, TC_STR("a: [1, b]\n")), "workflow.yaml",
				 &TC_LIMITS_ANNOTATION, &diags, &empty);
	assert_false(empty);
	assert_int_equal(diags.count, 0);
	tc_emit(&got, inner, (struct tc_emit){.format = TC_JSON});
	assert_string_equal(got.p, "{\"a\":[1,\"b\"]}");
	assert_string_equal(tc_node_source(inner)->name, "workflow.yaml");
	assert_null(tc_node_source(inner)->outer);
}

static void nothing(void **state)
{
	(void)state;
	check_inner("w: |\n  # only a comment\n", "-", "", NULL);
	check_inner("w: ''\n", "-", "", NULL);
	check_inner("w:\n", "-", "", NULL);
}

static void refusals(void **state)
{
	(void)state;
	/* Its indented lines hold no end marker, and so other mistakes: those of the value are reported. */
	check_inner(
		"w: |\n  a: 1\n  a: 2\n  ...\n  x: 1\n", "!",
		"outer.yaml:1:4: error: key \"a\" is there twice, in line 2 of this value [TC014]\n"
		"   1 | w: |\n"
		"     |    ^\n"
		"outer.yaml:1:4: note: the first one is here, in line 1 of this value\n"
		"   1 | w: |\n"
		"     |    ^\n"
		"  help: remove one of them\n"
		"outer.yaml:1:4: error: content after a document end marker, which kubectl drops silently, in line 4 "
		"of this value [TC006]\n"
		"   1 | w: |\n"
		"     |    ^\n"
		"outer.yaml:1:4: note: the document ends here, in line 3 of this value\n"
		"   1 | w: |\n"
		"     |    ^\n"
		"  help: remove the `...`, or begin the next document with ---\n",
		NULL);
	check_inner("w: |\n  a: 1\n  a: 2\n", "!",
		    "outer.yaml:3:3: error: key \"a\" is there twice [TC014]\n"
		    "   3 |   a: 2\n"
		    "     |   ^\n"
		    "outer.yaml:2:3: note: the first one is here\n"
		    "   2 |   a: 1\n"
		    "     |   ^\n"
		    "  help: remove one of them\n",
		    NULL);
	check_inner("w: |\n  a: \"b\n  c: 1\n", "!",
		    "outer.yaml:2:6: error: a quote is opened here and never closed [TC012]\n"
		    "   2 |   a: \"b\n"
		    "     |      ^\n"
		    "  help: close it; inside '...' a single quote is written twice\n",
		    NULL);
	check_inner("w: [1]\n", "!",
		    "outer.yaml:1:4: error: found a list, expected a text with YAML in it [TC012]\n"
		    "   1 | w: [1]\n"
		    "     |    ^\n"
		    "  help: put | behind the key, and the YAML below it\n",
		    NULL);
}

static void check_id(struct tc_str text, struct tc_limits limits, enum tc_msg want)
{
	struct read r;
	bool empty;

	read_text(&r, "outer.yaml", text, NULL);
	assert_int_equal(r.diags.count, 0);
	assert_null(tc_embedded_read(r.mem, tc_get(r.docs[0].root, "w"), "workflow.yaml", &limits, &r.diags, &empty));
	assert_false(empty);
	assert_int_equal(r.diags.count, 1);
	assert_int_equal(r.diags.list[0]->id, want);
	read_done(&r);
}

static void limits_and_bytes(void **state)
{
	struct tc_limits limits = TC_LIMITS_ANNOTATION;

	(void)state;
	check_id(TC_STR("w: \"a: \\a\"\n"), limits, TC_MSG_BAD_BYTE);
	check_id(TC_STR("w: \"a: \\0\"\n"), limits, TC_MSG_BAD_BYTE);
	check_id(TC_STR("w: |\n  a: 1\n  ---\n  b: 2\n"), limits, TC_MSG_SYNTAX_YAML);
	check_id(TC_STR("w: |\n  %YAML 1.1\n  ---\n  b: 2\n"), limits, TC_MSG_DIRECTIVE);
	limits.max_bytes = 3;
	check_id(TC_STR("w: 'a: 1'\n"), limits, TC_MSG_TOO_LARGE);
	limits = TC_LIMITS_ANNOTATION;
	limits.max_depth = 1;
	check_id(TC_STR("w: |\n  - - a\n"), limits, TC_MSG_TOO_DEEP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_place),         cmocka_unit_test(decoded), cmocka_unit_test(made),
		cmocka_unit_test(differing),        cmocka_unit_test(nothing), cmocka_unit_test(refusals),
		cmocka_unit_test(limits_and_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
