#include "tests/unit/unit.h"

#include "compiler/base/diag.h"

struct fixture {
	struct tc_arena *mem;
	struct tc_diags d;
};

static int setup(void **state)
{
	struct tc_arena *mem = tc_arena_new(1024);
	struct fixture *f = tc_alloc(mem, sizeof(*f));

	*f = (struct fixture){.mem = mem, .d = {.mem = mem}};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	tc_arena_free(f->mem);
	return 0;
}

static void assert_rendered_as(struct fixture *f, struct tc_diag_style style, const char *want)
{
	_cleanup_buf_ struct tc_buf out = {0};

	tc_diags_render(&out, &f->d, style);
	assert_string_equal(out.p ? out.p : "", want);
}

#define assert_rendered(f, want) assert_rendered_as((f), (struct tc_diag_style){0}, (want))

/* Where `what` stands in the source. */
static struct tc_pos find(const struct tc_source *src, const char *what)
{
	return (struct tc_pos){.src = src, .off = (uint32_t)(strstr(src->text.s, what) - src->text.s)};
}

static const struct tc_source shop = {
	.name = "shop.yaml",
	.text = TC_STR("kind: ConfigMap\n"
		       "contract:\n"
		       "  dependencies:\n"
		       "    tentacular-postgress:\n"
		       "    github: {host: api.github.com}\n"),
};

static void test_nothing(void **state)
{
	struct fixture *f = *state;

	assert_rendered(f, "");
}

static void test_line_caret_note_and_help(void **state)
{
	struct fixture *f = *state;
	struct tc_diag *diag = tc_diag(&f->d, TC_MSG_UNKNOWN_DEPENDENCY, find(&shop, "tentacular-postgress"),
				       "unknown dependency %s", "\"tentacular-postgress\"");

	tc_diag_note(diag, find(&shop, "contract"), "the contract begins here");
	tc_diag_help(diag, "did you mean \"%s\"?", "tentacular-postgres");
	assert_int_equal(f->d.errors, 1);
	assert_int_equal(f->d.warnings, 0);
	assert_rendered(f, "shop.yaml:4:5: error: unknown dependency \"tentacular-postgress\" [TC110]\n"
			   "   4 |     tentacular-postgress:\n"
			   "     |     ^\n"
			   "shop.yaml:2:1: note: the contract begins here\n"
			   "   2 | contract:\n"
			   "     | ^\n"
			   "  help: did you mean \"tentacular-postgres\"?\n");
}

static void test_without_a_place(void **state)
{
	struct fixture *f = *state;

	tc_diag(&f->d, TC_MSG_NO_INPUT, (struct tc_pos){0}, "nothing to read");
	tc_diag(&f->d, TC_MSG_NO_CONTRACT, (struct tc_pos){0}, "no document has a contract");
	assert_rendered(f, "tentc: warning: no document has a contract [TC212]\n"
			   "tentc: error: nothing to read [TC501]\n");
}

static void test_strict_prints_warnings_as_errors(void **state)
{
	struct fixture *f = *state;

	tc_diag(&f->d, TC_MSG_NO_CONTRACT, (struct tc_pos){0}, "no document has a contract");
	assert_int_equal(f->d.warnings, 1);
	assert_rendered_as(f, (struct tc_diag_style){.strict = true},
			   "tentc: error: no document has a contract [TC212]\n");
}

static void test_sorted_by_source_offset_number_text(void **state)
{
	struct fixture *f = *state;
	struct tc_source one = {.name = "b.yaml", .text = TC_STR("x y\n"), .order = 0};
	struct tc_source two = {.name = "a.yaml", .text = TC_STR("z\n"), .order = 1};

	tc_diag(&f->d, TC_MSG_BAD_HOST, (struct tc_pos){&two, 0}, "fifth");
	tc_diag(&f->d, TC_MSG_BAD_HOST, (struct tc_pos){&one, 2}, "fourth");
	tc_diag(&f->d, TC_MSG_BAD_HOST, (struct tc_pos){&one, 0}, "second");
	tc_diag(&f->d, TC_MSG_BAD_HOST, (struct tc_pos){&one, 0}, "then third");
	tc_diag(&f->d, TC_MSG_BAD_FIELD_TYPE, (struct tc_pos){&one, 0}, "the smaller number");
	tc_diag(&f->d, TC_MSG_NO_INPUT, (struct tc_pos){0}, "first of all");
	assert_rendered(f, "tentc: error: first of all [TC501]\n"
			   "b.yaml:1:1: error: the smaller number [TC102]\n   1 | x y\n     | ^\n"
			   "b.yaml:1:1: error: second [TC150]\n   1 | x y\n     | ^\n"
			   "b.yaml:1:1: error: then third [TC150]\n   1 | x y\n     | ^\n"
			   "b.yaml:1:3: error: fourth [TC150]\n   1 | x y\n     |   ^\n"
			   "a.yaml:1:1: error: fifth [TC150]\n   1 | z\n     | ^\n");
}

static void test_equal_ones_print_and_count_once(void **state)
{
	struct fixture *f = *state;
	struct tc_pos at = find(&shop, "github");

	for (int i = 0; i < 3; i++) {
		tc_diag(&f->d, TC_MSG_BAD_HOST, at, "same");
		tc_diag(&f->d, TC_MSG_BAD_HOST, at, "other text");
		tc_diag(&f->d, TC_MSG_UNKNOWN_SERVICE_FIELD, at, "same");
	}
	assert_rendered(f, "shop.yaml:5:5: warning: same [TC115]\n"
			   "   5 |     github: {host: api.github.com}\n"
			   "     |     ^\n"
			   "shop.yaml:5:5: error: other text [TC150]\n"
			   "   5 |     github: {host: api.github.com}\n"
			   "     |     ^\n"
			   "shop.yaml:5:5: error: same [TC150]\n"
			   "   5 |     github: {host: api.github.com}\n"
			   "     |     ^\n");
	assert_int_equal(f->d.errors, 2);
	assert_int_equal(f->d.warnings, 1);
}

static void test_caret_under_tabs_and_other_scripts(void **state)
{
	struct fixture *f = *state;
	struct tc_source src = {.name = "x", .text = TC_STR("\t\xc3\xa9\t\xf0\x9f\x98\x80z\r\n")};

	tc_diag(&f->d, TC_MSG_BAD_HOST, find(&src, "z"), "a");
	tc_diag(&f->d, TC_MSG_BAD_PORT, (struct tc_pos){&src, 6}, "inside a code point");
	tc_diag(&f->d, TC_MSG_BAD_CIDR, (struct tc_pos){&src, 9}, "at the end of the line");
	assert_rendered(f, "x:1:4: error: inside a code point [TC151]\n"
			   "   1 | \t\xc3\xa9\t\xf0\x9f\x98\x80z\n"
			   "     | \t \t^\n"
			   "x:1:5: error: a [TC150]\n"
			   "   1 | \t\xc3\xa9\t\xf0\x9f\x98\x80z\n"
			   "     | \t \t ^\n"
			   "x:1:6: error: at the end of the line [TC153]\n"
			   "   1 | \t\xc3\xa9\t\xf0\x9f\x98\x80z\n"
			   "     | \t \t  ^\n");
}

static void test_what_a_terminal_would_obey_is_not_printed(void **state)
{
	struct fixture *f = *state;
	struct tc_source src = {.name = "a\33[2J\nb", .text = TC_STR("a\33[1m\0\xff\xc2\x9b\xe2\x80\xaez")};

	tc_diag(&f->d, TC_MSG_BAD_BYTE, (struct tc_pos){&src, 12}, "bad\nbyte \33[0m");
	assert_rendered(f, "a?[2J?b:1:10: error: bad?byte ?[0m [TC003]\n"
			   "   1 | a?[1m????z\n"
			   "     |          ^\n");
}

static void test_empty_line_and_end_of_text(void **state)
{
	struct fixture *f = *state;
	struct tc_source src = {.name = "x", .text = TC_STR("a\n\nb\n")};

	tc_diag(&f->d, TC_MSG_SYNTAX_YAML, (struct tc_pos){&src, 2}, "empty");
	tc_diag(&f->d, TC_MSG_SYNTAX_YAML, (struct tc_pos){&src, 5}, "end");
	tc_diag(&f->d, TC_MSG_SYNTAX_YAML, (struct tc_pos){&src, 99}, "far behind the end");
	assert_rendered(f, "x:2:1: error: empty [TC012]\n   2 |\n     | ^\n"
			   "x:4:1: error: end [TC012]\n   4 |\n     | ^\n"
			   "x:4:1: error: far behind the end [TC012]\n   4 |\n     | ^\n");
}

static void test_byte_order_mark_is_not_shown(void **state)
{
	struct fixture *f = *state;
	struct tc_source src = {.name = "x",
				.text = TC_STR("\xef\xbb\xbf"
					       "ab")};

	tc_diag(&f->d, TC_MSG_BAD_HOST, (struct tc_pos){&src, 0}, "start");
	tc_diag(&f->d, TC_MSG_BAD_HOST, (struct tc_pos){&src, 4}, "b");
	assert_rendered(f, "x:1:1: error: start [TC150]\n   1 | ab\n     | ^\n"
			   "x:1:2: error: b [TC150]\n   1 | ab\n     |  ^\n");
}

#define TEN "0123456789"
#define FORTY TEN TEN TEN TEN
#define BLANKS10 "          "
#define BLANKS40 BLANKS10 BLANKS10 BLANKS10 BLANKS10

static void test_line_of_160_is_whole(void **state)
{
	struct fixture *f = *state;
	struct tc_source src = {.name = "x", .text = TC_STR(FORTY FORTY FORTY FORTY "\n")};

	tc_diag(&f->d, TC_MSG_BAD_HOST, (struct tc_pos){&src, 0}, "a");
	assert_rendered(f, "x:1:1: error: a [TC150]\n   1 | " FORTY FORTY FORTY FORTY "\n     | ^\n");
}

static void test_longer_lines_are_cut_around_the_caret(void **state)
{
	struct fixture *f = *state;
	struct tc_source src = {.name = "x", .text = TC_STR(FORTY FORTY FORTY FORTY FORTY FORTY "\n")};

	tc_diag(&f->d, TC_MSG_BAD_HOST, (struct tc_pos){&src, 0}, "start");
	tc_diag(&f->d, TC_MSG_BAD_HOST, (struct tc_pos){&src, 120}, "middle");
	tc_diag(&f->d, TC_MSG_BAD_HOST, (struct tc_pos){&src, 240}, "end");
	assert_rendered(f, "x:1:1: error: start [TC150]\n"
			   "   1 | " FORTY FORTY FORTY FORTY "...\n"
			   "     | ^\n"
			   "x:1:121: error: middle [TC150]\n"
			   "   1 | ..." FORTY FORTY FORTY FORTY "...\n"
			   "     |    " BLANKS40 BLANKS40 "^\n"
			   "x:1:241: error: end [TC150]\n"
			   "   1 | ..." FORTY FORTY FORTY FORTY "\n"
			   "     |    " BLANKS40 BLANKS40 BLANKS40 BLANKS40 "^\n");
}

static void test_cut_counts_code_points(void **state)
{
	struct fixture *f = *state;
#define E10 "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
#define E40 E10 E10 E10 E10
	struct tc_source src = {.name = "x", .text = TC_STR(E40 E40 E40 E40 E40)};

	tc_diag(&f->d, TC_MSG_BAD_HOST, (struct tc_pos){&src, 200}, "a");
	assert_rendered(f, "x:1:101: error: a [TC150]\n"
			   "   1 | ..." E40 E40 E40 E40 "...\n"
			   "     |    " BLANKS40 BLANKS40 "^\n");
}

static void test_inner_source_is_shown_at_its_outer_place(void **state)
{
	struct fixture *f = *state;
	struct tc_source outer = {.name = "cm.yaml", .text = TC_STR("data:\n  workflow.yaml: \"a: 1\\nb: 2\\n\"\n")};
	struct tc_source inner = {
		.name = "workflow.yaml",
		.text = TC_STR("a: 1\nb: 2\n"),
		.outer = &outer,
		.outer_off = find(&outer, "\"a").off,
	};
	struct tc_diag *diag = tc_diag(&f->d, TC_MSG_BAD_HOST, find(&inner, "b"), "bad host");

	tc_diag_note(diag, find(&inner, "a"), "declared first here");
	/* Before the inner one: outer places sort together. */
	tc_diag(&f->d, TC_MSG_BAD_HOST, (struct tc_pos){&outer, 0}, "outer");
	assert_rendered(f, "cm.yaml:1:1: error: outer [TC150]\n"
			   "   1 | data:\n"
			   "     | ^\n"
			   "cm.yaml:2:18: error: bad host, in line 2 of this value [TC150]\n"
			   "   2 |   workflow.yaml: \"a: 1\\nb: 2\\n\"\n"
			   "     |                  ^\n"
			   "cm.yaml:2:18: note: declared first here, in line 1 of this value\n"
			   "   2 |   workflow.yaml: \"a: 1\\nb: 2\\n\"\n"
			   "     |                  ^\n");
}

static void test_wide_line_numbers_widen_the_gutter(void **state)
{
	struct fixture *f = *state;
	size_t lines = 99999;
	struct tc_source src = {.name = "x"};
	char *text = tc_alloc_text(f->mem, lines + 1);

	memset(text, '\n', lines);
	text[lines] = 'z';
	src.text = (struct tc_str){text, lines + 1};
	tc_diag(&f->d, TC_MSG_BAD_HOST, (struct tc_pos){&src, (uint32_t)lines}, "a");
	assert_rendered(f, "x:100000:1: error: a [TC150]\n"
			   "100000 | z\n"
			   "       | ^\n");
}

static void test_colour(void **state)
{
	struct fixture *f = *state;
	struct tc_source src = {.name = "x", .text = TC_STR("ab\n")};
	struct tc_diag *diag = tc_diag(&f->d, TC_MSG_BAD_HOST, (struct tc_pos){&src, 1}, "a");

	tc_diag_help(diag, "b");
	assert_rendered_as(f, (struct tc_diag_style){.colour = true},
			   "\33[1mx:1:2: \33[1;31merror: \33[0ma [TC150]\n"
			   "   1 | ab\n"
			   "     |  \33[1;32m^\33[0m\n"
			   "  \33[1mhelp: \33[0mb\n");
}

static void test_values_of_secret_keys_are_not_shown(void **state)
{
	static const char *const keys[] = {"pg.password", NULL};
	static const struct tc_source src = {
		.name = "x",
		.text = TC_STR("a: {pg.password: \"s3cr\\\"et-long\", b: 1}\n"
			       "pg.password: s3cret\n"),
	};
	struct fixture *f = *state;
	struct tc_diag *diag = tc_diag(&f->d, TC_MSG_BAD_HOST, find(&src, "b:"), "key \"pg.password\" is there");

	tc_diag_note(diag, find(&src, "et"), "found \"s3cr\\\"et\" here, not \"s3cret");
	diag = tc_diag(&f->d, TC_MSG_BAD_HOST, find(&src, "s3cret"), "found \"s3cret\"");
	tc_diag_help(diag, "replace \"s3cret\"");
	tc_diag(&f->d, TC_MSG_BAD_HOST, (struct tc_pos){&src, (uint32_t)src.text.len - 1}, "found the end");
	tc_diag(&f->d, TC_MSG_BAD_HOST, (struct tc_pos){0}, "found pg.password: s3cret");
	assert_rendered_as(f, (struct tc_diag_style){.secret_keys = keys},
			   "tentc: error: found pg.password: <redacted> [TC150]\n"
			   "x:1:35: error: key \"pg.password\" is there [TC150]\n"
			   "   1 | a: {pg.password: <redacted>, b: 1}\n"
			   "     |                              ^\n"
			   "x:1:25: note: found \"<redacted>\" here, not \"<redacted>\n"
			   "   1 | a: {pg.password: <redacted>, b: 1}\n"
			   "     |                  ^\n"
			   "x:2:14: error: found \"<redacted>\" [TC150]\n"
			   "   2 | pg.password: <redacted>\n"
			   "     |              ^\n"
			   "  help: replace \"<redacted>\"\n"
			   "x:2:20: error: found the end [TC150]\n"
			   "   2 | pg.password: <redacted>\n"
			   "     |                        ^\n");
}

static void test_a_long_secret_is_not_shown_where_its_line_is_cut(void **state)
{
	static const char *const keys[] = {"pg.password", NULL};
	struct fixture *f = *state;
	struct tc_source src = {.name = "x"};
	char *text = tc_printf(f->mem, "pg.password: %0500d\n", 7);

	src.text = tc_str(text);
	tc_diag(&f->d, TC_MSG_BAD_HOST, (struct tc_pos){&src, 300}, "a");
	assert_rendered_as(f, (struct tc_diag_style){.secret_keys = keys},
			   "x:1:301: error: a [TC150]\n"
			   "   1 | ...<redacted>...\n"
			   "     |    ^\n");
}

static void test_beyond_the_maximum_only_counted(void **state)
{
	struct fixture *f = *state;
	_cleanup_buf_ struct tc_buf out = {0};
	const char *tail = "tentc: note: 3 more problems are not shown\n";

	for (int i = 0; i < TC_DIAGS_MAX + 3; i++) {
		struct tc_diag *diag = tc_diag(&f->d, TC_MSG_NO_INPUT, (struct tc_pos){0}, "number %d", i);

		tc_diag_help(diag, "help");
		tc_diag_note(diag, (struct tc_pos){&shop, 0}, "note");
	}
	assert_int_equal(f->d.errors, TC_DIAGS_MAX + 3);
	assert_int_equal(f->d.dropped, 3);
	tc_diags_render(&out, &f->d, (struct tc_diag_style){0});
	assert_non_null(strstr(out.p, "number 999 "));
	assert_null(strstr(out.p, "number 1000 "));
	assert_string_equal(out.p + out.len - strlen(tail), tail);
}

/* A thousand places in one line of 8 MiB: were each looked for from the start, it would take minutes. */
static void test_many_places_in_a_long_line(void **state)
{
	struct fixture *f = *state;
	size_t len = 8u << 20;
	struct tc_source src = {.name = "x", .text = {memset(tc_alloc_text(f->mem, len), 'x', len), len}};
	_cleanup_buf_ struct tc_buf out = {0};

	for (uint32_t i = 0; i < 1000; i++)
		tc_diag(&f->d, TC_MSG_BAD_HOST, (struct tc_pos){&src, (uint32_t)len - i}, "a");
	tc_diags_render(&out, &f->d, (struct tc_diag_style){0});
	assert_memory_equal(out.p, "x:1:8387610: error: a [TC150]\n   1 | ...xxx", 40);
}

static void test_table_of_messages(void **state)
{
	(void)state;
	size_t count;
	const struct tc_message *m = tc_messages(&count);

	assert_true(count > 50);
	for (size_t i = 0; i < count; i++) {
		size_t n = strlen(m[i].meaning);

		assert_in_range(m[i].id, 1, 999);
		if (i > 0)
			assert_true(m[i].id > m[i - 1].id);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(m[i].name, m[j].name);
		assert_ptr_equal(tc_message(m[i].id), &m[i]);
		assert_true(n > 10 && (m[i].meaning[n - 1] == '.'));
	}
	assert_string_equal(tc_message(TC_MSG_UNKNOWN_DEPENDENCY)->name, "UNKNOWN_DEPENDENCY");
	assert_int_equal(tc_message(TC_MSG_NO_CONTRACT)->severity, TC_WARNING);
}

#define with_fixture(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_fixture(test_nothing),
		with_fixture(test_line_caret_note_and_help),
		with_fixture(test_without_a_place),
		with_fixture(test_strict_prints_warnings_as_errors),
		with_fixture(test_sorted_by_source_offset_number_text),
		with_fixture(test_equal_ones_print_and_count_once),
		with_fixture(test_caret_under_tabs_and_other_scripts),
		with_fixture(test_what_a_terminal_would_obey_is_not_printed),
		with_fixture(test_empty_line_and_end_of_text),
		with_fixture(test_byte_order_mark_is_not_shown),
		with_fixture(test_line_of_160_is_whole),
		with_fixture(test_longer_lines_are_cut_around_the_caret),
		with_fixture(test_cut_counts_code_points),
		with_fixture(test_inner_source_is_shown_at_its_outer_place),
		with_fixture(test_wide_line_numbers_widen_the_gutter),
		with_fixture(test_colour),
		with_fixture(test_values_of_secret_keys_are_not_shown),
		with_fixture(test_a_long_secret_is_not_shown_where_its_line_is_cut),
		with_fixture(test_beyond_the_maximum_only_counted),
		with_fixture(test_many_places_in_a_long_line),
		cmocka_unit_test(test_table_of_messages),
	};

	return cmocka_run_group_tests_name("diag", tests, NULL, NULL);
}
