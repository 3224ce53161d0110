/* Documents inside of scalars: the whole outer text that comes out, and that the patch says what the text says. */
#include "tests/unit/tree.h"

#include "compiler/tree/edit.h"

struct embedded_case {
	const char *in;
	const char *want; /* with v: 1 added to the document's mapping m, and the rest as it was */
};

static const struct tc_node *scalar_of(const struct tc_node *root)
{
	const struct tc_node *n = tc_get_path(root, "data", "w", NULL);

	return n ? n : tc_deref(tc_item(root));
}

static void check(const char *in, size_t len, const char *want)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	_cleanup_buf_ struct tc_buf out = {0};
	struct tc_source src = {.name = "test", .text = {in, len}};
	struct tc_limits limits = TC_LIMITS_FILE;
	struct tc_doc doc = {.src = &src, .end = (uint32_t)len};
	struct tc_patch outer, inner;
	const struct tc_node *scalar, *root, *want_inner;
	const char *why = NULL;
	struct tc_str text = {0};
	struct tc_node *value;
	bool empty;

	assert_true(tc_doc_read(mem, &doc, &limits, NULL));
	scalar = scalar_of(doc.root);
	root = tc_embedded_read(mem, scalar, "w", &limits, NULL, &empty);
	assert_non_null(root);
	tc_patch_init(&inner, mem, root);
	tc_patch_init(&outer, mem, doc.root);
	tc_patch_set(&inner, tc_patch_map_at(&inner, root, "m", NULL), "v", tc_new_int(mem, NULL, 1));
	want_inner = tc_patch_apply(mem, &inner);
	if (!tc_edit_embedded(&text, mem, scalar, &inner, want_inner, &why))
		fail_msg("declined (%s):\n%s", why, in);
	value = tc_new_string(mem, NULL, text);
	value->style = TC_STYLE_LITERAL;
	tc_patch_replace_embedded(&outer, scalar, value, &inner);
	if (!tc_edit_verified(&out, &doc, &outer, tc_patch_apply(mem, &outer), &why))
		fail_msg("outer text declined (%s):\n%s", why, in);
	if (strcmp(out.p, want) != 0)
		fail_msg("in:\n%s\nwant:\n%s\ngot:\n%s", in, want, out.p);
	/* What a patch of the API server would store is what the file says. */
	doc.src = &(struct tc_source){.name = "out", .text = tc_buf_str(&out)};
	doc.end = (uint32_t)out.len;
	assert_true(tc_doc_read(mem, &doc, &limits, NULL));
	assert_true(tc_str_equal(tc_text(scalar_of(doc.root)), text));
}

static void check_cases(const struct embedded_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check(cases[i].in, strlen(cases[i].in), cases[i].want);
}

#define CASES(...)                                                         \
	do {                                                               \
		static const struct embedded_case cases[] = {__VA_ARGS__}; \
		check_cases(cases, TC_COUNT(cases));                       \
	} while (0)

static void test_in_place(void **state)
{
	(void)state;
	/* clang-format off */
	CASES(
	{"data:\n  w: |\n    # head\n    m: # null\n    z: 'x'  # end\n  other: y\n",
	 "data:\n  w: |\n    # head\n    m: # null\n      v: 1\n    z: 'x'  # end\n  other: y\n"},
	{"data:\n  w: |- # c\n      m:\n          a: \"b\"\n\n  other: y\n",
	 "data:\n  w: |- # c\n      m:\n          a: \"b\"\n          v: 1\n\n  other: y\n"},
	{"data:\n  w: |+\n    m:\n      a: b\n\n\nother: y\n",
	 "data:\n  w: |+\n    m:\n      a: b\n      v: 1\n\n\nother: y\n"},
	{"data:\n  w: |2\n      m:\n        a: 1\n      # later\n\n",
	 "data:\n  w: |2\n      m:\n        a: 1\n        v: 1\n      # later\n\n"},
	{"data:\n    w: |2-\n      m: {a: 1}\n      z: |\n        x\n",
	 "data:\n    w: |2-\n      m: {a: 1, v: 1}\n      z: |\n        x\n"},
	/* no last line end, inside and outside */
	{"data:\n  w: |\n    m:\n      a: 1", "data:\n  w: |\n    m:\n      a: 1\n      v: 1"},
	{"data:\n  w: |-\n    z: 1", "data:\n  w: |-\n    z: 1\n    m:\n      v: 1"},
	{"data:\r\n  w: |\r\n    m: ~ # c\r\n    z: 1\r\n", "data:\r\n  w: |\r\n    m: # c\r\n      v: 1\r\n    z: 1\r\n"},
	{"- |\n m:\n  a: 1\n- x\n", "- |\n m:\n  a: 1\n  v: 1\n- x\n"},
	{"-\n  |\n  m: {}\n- x\n", "-\n  |\n  m:\n    v: 1\n- x\n"}
	);
	/* clang-format on */
}

/* Blocks whose lines cannot stand for the value, and other styles: a literal block takes their place, where one can
 * hold the text. Comments in the text stay. */
static void test_replaced(void **state)
{
	(void)state;
	/* clang-format off */
	CASES(
	{"data:\n  w: \"m:  # c\\nz: 'x'\\n\" # quoted\n  other: y\n",
	 "data:\n  w: | # quoted\n    m:  # c\n      v: 1\n    z: 'x'\n  other: y\n"},
	{"data:\n  w: 'm: {a: 1}'\n", "data:\n  w: |-\n    m: {a: 1, v: 1}\n"},
	{"data:\n  w: >\n    # c\n\n    m:\n      a: 1\n      b: 2\n\n  other: y\n",
	 "data:\n  w: |\n    # c\n    m:\n      a: 1\n      b: 2\n      v: 1\n\n  other: y\n"},
	{"data: {w: \"z: 1\\n\", k: 2}\n", "data: {w: \"z: 1\\nm:\\n  v: 1\\n\", k: 2}\n"},
	{"data:\n  w: \"m:\\n  a: \\\"\\\\e\\\" \\n \"\n", "data:\n  w: \"m:\\n  a: \\\"\\\\e\\\" \\n  v: 1\\n \"\n"}
	);
	/* clang-format on */
}

/* A document in the value of w: v is set in m. Answers why that was declined. */
static const char *declined(struct tc_arena *mem, const char *in, bool other)
{
	struct tc_source *src = tc_alloc(mem, sizeof(*src));
	struct tc_limits limits = TC_LIMITS_FILE;
	struct tc_doc doc = {.src = src, .end = (uint32_t)strlen(in)};
	const struct tc_node *scalar, *root, *want;
	const char *why = NULL;
	struct tc_str text = {0};
	struct tc_patch inner;
	bool empty;

	*src = (struct tc_source){.name = "test", .text = tc_str(in)};
	assert_true(tc_doc_read(mem, &doc, &limits, NULL));
	scalar = doc.root->kind == TC_MAP ? tc_get(doc.root, "w") : doc.root;
	root = tc_embedded_read(mem, scalar, "w", &limits, NULL, &empty);
	tc_patch_init(&inner, mem, root);
	tc_patch_set(&inner, tc_get(root, "m"), "v", tc_new_int(mem, NULL, 1));
	want = other ? root : tc_patch_apply(mem, &inner);
	assert_false(tc_edit_embedded(&text, mem, scalar, &inner, want, &why));
	return why;
}

/* The caller writes the document anew then, and says why. */
static void test_declined(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	_cleanup_buf_ struct tc_buf far = {0};

	/* in place, and in a text of its own */
	tc_buf_puts(&far, "w: |\n  m:\n");
	tc_buf_fill(&far, ' ', 1010);
	tc_buf_puts(&far, "a: 1\n");
	assert_string_equal(declined(mem, far.p, false), "a collection is indented too far");
	tc_buf_clear(&far);
	tc_buf_puts(&far, "w: \"m:\\n");
	tc_buf_fill(&far, ' ', 1010);
	tc_buf_puts(&far, "a: 1\\n\"\n");
	assert_string_equal(declined(mem, far.p, false), "a collection is indented too far");

	assert_string_equal(declined(mem, "|1\n m:\n  a: 1\n", false), "the edited block cannot be read again");
	assert_string_equal(declined(mem, "w: |\n  m:\n    a: 1\n", true),
			    "the edited text does not read back as what it should say");
	assert_string_equal(declined(mem, "w: \"m: {a: 1}\"\n", true),
			    "the edited text does not read back as what it should say");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_place),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_declined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
