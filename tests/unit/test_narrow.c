/* The reader that proves must never say yes where the whole reader would say no, or something else. */
#include "tests/unit/tree.h"

#include "compiler/tree/narrow.h"
#include "tests/property/rng.h"

/* What the whole reader says. */
static bool reads_as(struct tc_str text, const struct tc_node *want)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	struct tc_source src = {.name = "test", .text = text};
	struct tc_limits limits = TC_LIMITS_FILE;
	bool empty;

	return tc_equal(want, tc_yaml_read(mem, &src, 0, (uint32_t)text.len, &limits, NULL, &empty), true);
}

static bool narrow_knows(const char *text)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);

	return tc_narrow_reads_as(tc_str(text), false, read_yaml(mem, text));
}

/* One that holds all that this reader knows. */
static const char every_form[] = "# head\n"
				 "apiVersion: v1\n"
				 "\n"
				 "meta:   # behind\n"
				 "    app.io/name: \"a \\\"b\\\" \\\\ c\\n\"\n"
				 "    json: '{\"it''s\": 1}'  # quoted\n"
				 "none:\n"
				 "empty: {}\n"
				 "list:\n"
				 "- name: x:y#z\n"
				 "  args:\n"
				 "    - -v\n"
				 "    - '0'\n"
				 "    # between\n"
				 "    -  - 1.5\n"
				 "       - true # yes\n"
				 "  data: |\n"
				 "\n"
				 "     k: 1\n"
				 "       # text\n"
				 "\n"
				 "     - z\n"
				 "\n"
				 "- |-\n"
				 "  last\n"
				 "- []\n";

static void test_reads(void **state)
{
	(void)state;
	static const char *const rows[] = {
		every_form,
		"a: 1\n",
		"a:\n\n\n",
		"- a\n",
		"- - - a: b\n      c:\n      - d\n",
		"a:\n  - b:\n    - c\n  - d\ne:\n- f\n",
		"  a: 1\n  b:\n    c: d\n",
		"a: null\nb: True\nc: 0x1F\nd: -1\ne: +.5\nf: ...\ng: /\n_: spiffe://x/y?z=[1]&{2}\n",
		"a: ''\nb: \"\"\nc: ''''\nd: \"\\\\\"\ne: '\\'\n",
		"a: |\n b\n   # no comment\n# comment\nc: |-\n\n\n   d\n",
	};

	for (size_t i = 0; i < TC_COUNT(rows); i++)
		if (!narrow_knows(rows[i]))
			fail_msg("%s", rows[i]);
}

/* Right or wrong, the other reader has to look at these. */
static void test_leaves(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"text\n",
		"{}\n",
		"a: 1",
		"a: 1\r\n",
		"a:\t1\n",
		"a: \xc3\xa9\n",
		"a: [b]\n",
		"a: {b: c}\n",
		"a: &x b\n",
		"a: !!str b\n",
		"a: &x b\nc: *x\n",
		"a: &x {b: c}\nd:\n  <<: *x\n",
		"\"a\": b\n",
		"a b: c\n",
		"a : b\n",
		"? a\n: b\n",
		"1: a\n",
		"on: a\n",
		"a: b\n c\n",
		"a:\n  b\n",
		"a: \"b\n  c\"\n",
		"a: 'b\n  c'\n",
		"a: \"\\t\"\n",
		"a: >\n  b\n",
		"a: |+\n  b\n",
		"a: |1\n  b\n",
		"a: | # c\n  b\n",
		"a: |\n  b\n \n",
		"a: |\n\nb: |\n  c\n",
		"a: ~\n",
		"a: =\n",
		"-\n",
		"- # c\n  a\n",
		"-\n  a: b\n",
	};
	_cleanup_buf_ struct tc_buf deep = {0}, wide = {0}, key = {0};
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	struct tc_node *nested = tc_new_string(mem, NULL, TC_STR("a"));

	for (size_t i = 0; i < TC_COUNT(rows); i++)
		if (narrow_knows(rows[i]))
			fail_msg("row %zu", i);
	for (int i = 0; i < 65; i++) {
		struct tc_node *around = tc_new_seq(mem, NULL);

		tc_push(around, nested);
		nested = around;
		tc_buf_puts(&deep, "- ");
	}
	tc_buf_puts(&deep, "a\n");
	assert_false(tc_narrow_reads_as(tc_buf_str(&deep), false, nested));
	assert_true(narrow_knows(deep.p + 2));
	for (int i = 0; i < 33; i++) {
		assert_true(i == 0 || narrow_knows(wide.p));
		tc_buf_printf(&wide, "k%d: v\n", i);
	}
	assert_false(narrow_knows(wide.p));
	tc_buf_fill(&key, 'k', 256);
	tc_buf_puts(&key, ": v\n");
	assert_true(narrow_knows(key.p));
	key.len = 0;
	tc_buf_fill(&key, 'k', 257);
	tc_buf_puts(&key, ": v\n");
	assert_false(narrow_knows(key.p));
}

static void test_compares(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"a: 1\n",         "a: '1'\n",     "a: 2\n",      "b: 1\n",        "a: 1\nb: 1\n",  "b: 1\na: 1\n",
		"a:\n",           "a: ''\n",      "a: {}\n",     "a: []\n",       "a:\n- 1\n",     "a:\n- 1\n- 2\n",
		"a:\n- 2\n- 1\n", "a:\n  b: 1\n", "a:\n  b:\n",  "- 1\n",         "- a: 1\n",      "- - 1\n",
		"a: |\n  1\n",    "a: |-\n  x\n", "a: |\n  x\n", "a: |\n\n  x\n", "a: \"x\\n\"\n", "a: '\"'\n",
		"a: true\n",      "a: null\n",    "a: 1.0\n",    "a: 0x1\n",      "a: x # 1\n",    "a: x# 1\n",
	};
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);

	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		const struct tc_node *want = read_yaml(mem, rows[i]);

		for (size_t k = 0; k < TC_COUNT(rows); k++)
			if (tc_narrow_reads_as(tc_str(rows[k]), k % 2, want) != reads_as(tc_str(rows[k]), want))
				fail_msg("%s read as %s", rows[k], rows[i]);
	}
}

/* No tree makes a text readable that is none, or that says a key twice. */
static void test_refuses(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	static const struct {
		const char *text, *tree;
	} rows[] = {
		{"a:\n  b: |\n  c: 1\n", "a:\n  b: \"\\n\"\n  c: 1\n"},
		{"a: \"\\t\"\n", "a: t\n"},
		{"a: b\t# c\n", "a: \"b\\t# c\"\n"},
		{"a: b:\n", "a: 'b:'\n"},
		{"a: b: c\n", "a: 'b: c'\n"},
		{"0x1: a\n", "'0x1': a\n"},
		{"on: a\n", "'on': a\n"},
		{"a: .inf\n", "a: '.inf'\n"},
		{"a: b\n  c\n", "a: b\n"},
		{"- a\n  b\n", "- a\n"},
		{"a: &b\n", "a: '&b'\n"},
		{"a: - b\n", "a: '- b'\n"},
		{"a: ---\n---\n", "a: '---'\n"},
	};
	struct tc_node *twice = tc_new_map(mem, NULL), *merging = tc_new_map(mem, NULL),
		       *endless = tc_new_map(mem, NULL), *number = tc_new_int(mem, NULL, 1);

	tc_put(mem, twice, "k", tc_new_null(mem, NULL));
	tc_put(mem, twice, "k", tc_new_null(mem, NULL));
	assert_false(tc_narrow_reads_as(TC_STR("k: null\nk: null\n"), false, twice));
	tc_put(mem, merging, "k", tc_new_null(mem, NULL));
	assert_true(tc_narrow_reads_as(TC_STR("k: null\n"), false, merging));
	merging->flags |= TC_NODE_MERGES;
	assert_false(tc_narrow_reads_as(TC_STR("k: null\n"), false, merging));
	assert_false(tc_narrow_reads_as(TC_STR("k: null\n"), false, NULL));
	assert_false(tc_narrow_reads_as((struct tc_str){0}, false, merging));
	tc_put(mem, endless, "k", number);
	number->kind = TC_FLOAT;
	number->text = TC_STR(".inf");
	assert_false(tc_narrow_reads_as(TC_STR("k: .inf\n"), false, endless));
	for (size_t i = 0; i < TC_COUNT(rows); i++)
		if (tc_narrow_reads_as(tc_str(rows[i].text), false, read_yaml(mem, rows[i].tree)))
			fail_msg("%s", rows[i].text);
}

struct changing {
	const struct tc_node *want;
	size_t yes;
};

static void check(struct changing *c, const char *text, size_t len)
{
	struct tc_str changed = {.s = text, .len = len};

	if (!tc_narrow_reads_as(changed, false, c->want))
		return;
	if (!reads_as(changed, c->want))
		fail_msg("wrongly proved: %.*s", TC_STR_ARG(changed));
	c->yes++;
}

/* Every byte replaced, left out, or with another before it: where the change means nothing, and only there, both say
 * yes; and a text of its own is read as its own tree or not at all. */
static void test_every_change(void **state)
{
	(void)state;
	static const char odd[] = " \n\t\r#:-'\"|>{[]},&*!?.\\%@0ax~\xc2";
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	struct changing c = {.want = read_yaml(mem, every_form)};
	char text[sizeof(every_form) + 1];
	size_t len = sizeof(every_form) - 1;

	for (size_t at = 0; at < len; at++) {
		memcpy(text, every_form, at);
		memcpy(text + at, every_form + at + 1, len - at - 1);
		check(&c, text, len - 1);
		for (size_t i = 0; i < sizeof(odd) - 1; i++) {
			memcpy(text + at, every_form + at, len - at);
			text[at] = odd[i];
			check(&c, text, len);
			memcpy(text + at + 1, every_form + at, len - at);
			check(&c, text, len + 1);
		}
	}
	/* Blanks, comments and empty lines: many, so that the test has seen something. */
	assert_in_range(c.yes, 500, 5000);
}

/* Lines of this and that form, in this and that column. */
static void random_text(struct tc_buf *text, struct rng *rng)
{
	static const char *const lines[] = {
		/* what goes together */
		"a: 1\n",
		"b:\n",
		"c: |\n",
		"d: 'x'\n",
		"- 2\n",
		"- e: f\n",
		"- |-\n",
		"- - g\n",
		"# c\n",
		"\n",
		"h: {}\n",
		"i: j # k\n",
		"l: m#n\n",
		"o: \"p\\nq\"\n",
		/* what hardly does */
		"x y\n",
		"r: - s\n",
		"t: u: v\n",
		"---\n",
		"...\n",
		"- \n",
		"-\n",
		"w: [z]\n",
		"a: 2\n",
		"c: |+\n",
		"%\n",
		"k: *a\n",
		"-  b: 1\n",
		"'q': 1\n",
	};
	unsigned col = 0;

	for (unsigned i = 1 + rng_below(rng, 7); i > 0; i--) {
		unsigned step = rng_below(rng, 6);

		col = step == 0 ? 0 : step == 1 ? col + 2 : step == 2 && col >= 2 ? col - 2 : col;
		tc_buf_fill(text, ' ', col + rng_chance(rng, 5));
		tc_buf_puts(text, lines[rng_below(rng, rng_chance(rng, 80) ? 14 : TC_COUNT(lines))]);
	}
}

/* A text against its own tree, and with one byte changed against the tree of before. */
static void test_random(void **state)
{
	(void)state;
	size_t readable = 0, proved = 0;

	for (uint64_t seed = 0; seed < 60000; seed++) {
		_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
		_cleanup_buf_ struct tc_buf text = {0}, changed = {0};
		struct tc_limits limits = TC_LIMITS_FILE;
		struct tc_source src = {.name = "test"};
		struct rng rng = {.s = seed};
		struct changing c = {0};
		bool empty;

		random_text(&text, &rng);
		src.text = tc_buf_str(&text);
		c.want = tc_yaml_read(mem, &src, 0, (uint32_t)text.len, &limits, NULL, &empty);
		if (!c.want)
			continue;
		readable++;
		proved += tc_narrow_reads_as(src.text, false, c.want);
		tc_buf_add(&changed, text.p, text.len);
		for (unsigned i = 0; i < 20; i++) {
			size_t at = rng_below(&rng, (unsigned)text.len);

			changed.p[at] = " \n#:-'"[rng_below(&rng, 6)];
			check(&c, changed.p, changed.len);
			changed.p[at] = text.p[at];
		}
	}
	/* Both must have had their say. */
	assert_in_range(readable, 10000, 60000);
	assert_in_range(proved, readable / 4, readable);
}

/* What people write is what this reader is for: it proves all of a real shop, and no wrong text of it. */
static void test_shop(void **state)
{
	(void)state;
	static char text[64 * 1024];
	FILE *f = fopen("testdata/corpus/online-boutique/kubernetes-manifests.yaml", "r");
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	struct tc_source src = {.name = "shop", .text = {.s = text}};
	struct tc_diags diags = {.mem = mem};
	struct tc_limits limits = TC_LIMITS_FILE;
	struct rng rng = {.s = 1};
	struct tc_doc *docs;
	size_t ndocs, proved = 0;

	assert_non_null(f);
	src.text.len = fread(text, 1, sizeof(text), f);
	fclose(f);
	assert_in_range(src.text.len, 1000, sizeof(text) - 1);
	ndocs = tc_stream_cut(mem, &src, &limits, &diags, &docs);
	for (size_t i = 0; i < ndocs; i++) {
		_cleanup_buf_ struct tc_buf changed = {0};
		struct changing c = {0};

		if (!tc_doc_read(mem, &docs[i], &limits, &diags) || docs[i].empty)
			continue;
		c.want = docs[i].root;
		tc_buf_add(&changed, text + docs[i].begin, docs[i].end - docs[i].begin);
		proved += tc_narrow_reads_as(tc_buf_str(&changed), false, c.want);
		for (unsigned n = 0; n < 1000; n++) {
			size_t at = rng_below(&rng, (unsigned)changed.len);
			char was = changed.p[at];

			changed.p[at] = " \n#:-'\"{[x1"[rng_below(&rng, 11)];
			check(&c, changed.p, changed.len);
			changed.p[at] = was;
		}
	}
	assert_in_range(proved, 30, ndocs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),   cmocka_unit_test(test_leaves),       cmocka_unit_test(test_compares),
		cmocka_unit_test(test_refuses), cmocka_unit_test(test_every_change), cmocka_unit_test(test_random),
		cmocka_unit_test(test_shop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
