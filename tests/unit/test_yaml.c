#include "read.h"

#include <dirent.h>

/* The tree with the bytes of every node, one node a line. */
static void dump(struct tc_buf *out, const struct tc_node *n, unsigned depth)
{
	static const char *const names[] = {"null", "bool", "int", "float", "string", "list", "map", "alias"};
	const char *s = tc_node_source(n)->text.s;

	tc_buf_fill(out, ' ', depth);
	tc_buf_printf(out, "%s %u-%u ", names[n->kind], n->off, n->end);
	tc_emit_json_string(out, (struct tc_str){s + n->off, n->end - n->off});
	if (n->flags)
		tc_buf_printf(out, " flags %u", n->flags);
	tc_buf_putc(out, '\n');
	if (n->kind == TC_SEQ || n->kind == TC_MAP)
		for (const struct tc_node *c = n->first; c; c = c->next)
			dump(out, c, depth + 1);
}

static void check_tree(const char *text, const char *want)
{
	_cleanup_buf_ struct tc_buf got = {0};
	struct read r;

	read_text(&r, "in.yaml", tc_str(text), NULL);
	assert_string_equal(r.err.p ? r.err.p : "", "");
	dump(&got, r.docs[0].root, 0);
	assert_string_equal(got.p, want);
	read_done(&r);
}

static void ranges(void **state)
{
	(void)state;
	check_tree("a: 1 # c\nb:\n  - x\n  - 'y z'\n\n# end\n", "map 0-27 \"a: 1 # c\\nb:\\n  - x\\n  - 'y z'\"\n"
								" string 0-1 \"a\"\n"
								" int 3-4 \"1\"\n"
								" string 9-10 \"b\"\n"
								" list 14-27 \"- x\\n  - 'y z'\"\n"
								"  string 16-17 \"x\"\n"
								"  string 22-27 \"'y z'\"\n");
	/* Properties belong to a node; left-out values stand behind their colon or dash. */
	check_tree("k: &a !!str v\nq:\nm: &x\nl:\n-\n", "map 0-27 \"k: &a !!str v\\nq:\\nm: &x\\nl:\\n-\"\n"
							" string 0-1 \"k\"\n"
							" string 3-13 \"&a !!str v\"\n"
							" string 14-15 \"q\"\n"
							" null 16-16 \"\"\n"
							" string 17-18 \"m\"\n"
							" null 20-22 \"&x\"\n"
							" string 23-24 \"l\"\n"
							" list 26-27 \"-\"\n"
							"  null 27-27 \"\"\n");
	check_tree("{a, ? b , c: [x: z, {}], }", "map 0-26 \"{a, ? b , c: [x: z, {}], }\"\n"
						 " string 1-2 \"a\"\n"
						 " null 2-2 \"\"\n"
						 " string 6-7 \"b\"\n"
						 " null 7-7 \"\"\n"
						 " string 10-11 \"c\"\n"
						 " list 13-23 \"[x: z, {}]\"\n"
						 "  map 14-18 \"x: z\"\n"
						 "   string 14-15 \"x\"\n"
						 "   string 17-18 \"z\"\n"
						 "  map 20-22 \"{}\"\n");
	check_tree("? f\n? g\nh: |\n  x\n\ni: >-\n y", "map 0-26 \"? f\\n? g\\nh: |\\n  x\\n\\ni: >-\\n y\"\n"
						       " string 2-3 \"f\"\n"
						       " null 3-3 \"\"\n"
						       " string 6-7 \"g\"\n"
						       " null 7-7 \"\"\n"
						       " string 8-9 \"h\"\n"
						       " string 11-18 \"|\\n  x\\n\\n\"\n"
						       " string 18-19 \"i\"\n"
						       " string 21-26 \">-\\n y\"\n");
}

/* Marks count code points; a byte order mark at the start none. */
static void code_points(void **state)
{
	(void)state;
	check_tree("\xef\xbb\xbf\xc3\xa9: \xe2\x82\xac\r\nb: \xf0\x9f\x98\x80 # \xc3\xa9\r\nabcdefghijkl: x\r\n",
		   "map 3-41 \"\xc3\xa9: \xe2\x82\xac\\r\\nb: \xf0\x9f\x98\x80 # \xc3\xa9\\r\\nabcdefghijkl: x\"\n"
		   " string 3-5 \"\xc3\xa9\"\n"
		   " string 7-10 \"\xe2\x82\xac\"\n"
		   " string 12-13 \"b\"\n"
		   " string 15-19 \"\xf0\x9f\x98\x80\"\n"
		   " string 26-38 \"abcdefghijkl\"\n"
		   " string 40-41 \"x\"\n");
}

/* A value is borrowed where its bytes stand in the text. */
static void borrowed(void **state)
{
	struct read r;
	static const struct {
		const char *key;
		bool borrowed;
	} rows[] = {{"plain", true},   {"single", true},  {"double", true}, {"anchored", true},
		    {"folded", false}, {"escape", false}, {"twice", false}, {"literal", false}};

	(void)state;
	read_text(&r, "in.yaml",
		  TC_STR("plain: a b\nsingle: 'a b'\ndouble: \"a b\"\nanchored: &x a b\nfolded: a\n  b\n"
			 "escape: \"a\\x20b\"\ntwice: 'a''b'\nliteral: |\n  a b\n"),
		  NULL);
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		struct tc_str text = tc_text(tc_get(r.docs[0].root, rows[i].key));
		bool inside = text.s >= r.src.text.s && text.s < r.src.text.s + r.src.text.len;
		assert_true(tc_str_starts(text, "a"));
		if (inside != rows[i].borrowed)
			fail_msg("%s: the value is %s", rows[i].key, inside ? "borrowed" : "copied");
	}
	read_done(&r);
}

static void aliases(void **state)
{
	(void)state;
	check_tree("a: &x [1]\nb: *x\nc: &x 2\n*x : *x\n", "map 0-31 \"a: &x [1]\\nb: *x\\nc: &x 2\\n*x : *x\"\n"
							   " string 0-1 \"a\"\n"
							   " list 3-9 \"&x [1]\" flags 4\n"
							   "  int 7-8 \"1\"\n"
							   " string 10-11 \"b\"\n"
							   " alias 13-15 \"*x\"\n"
							   " string 16-17 \"c\"\n"
							   " int 19-23 \"&x 2\" flags 4\n"
							   " alias 24-26 \"*x\"\n"
							   " alias 29-31 \"*x\"\n");
	READS("a: &x [1]\nb: *x\nc: &x 2\n*x : *x\n", "{\"a\":[1],\"b\":[1],\"c\":2,\"2\":2}\n");
	REFUSES("a: &a\n  - *a\nb: *c\n", "in.yaml:2:5: error: alias *a stands inside its own anchor [TC015]\n"
					  "   2 |   - *a\n"
					  "     |     ^\n"
					  "in.yaml:1:4: note: the anchor is here\n"
					  "   1 | a: &a\n"
					  "     |    ^\n"
					  "in.yaml:3:4: error: alias *c has no anchor before it [TC015]\n"
					  "   3 | b: *c\n"
					  "     |    ^\n"
					  "  help: write &c in front of the value that is meant, or quote the text\n");
	/* Anchors do not reach over documents. */
	struct read r;
	read_text(&r, "in.yaml", TC_STR("a: &a 1\n---\nb: *a\n"), NULL);
	assert_string_equal(r.out.p, "{\"a\":1}\n!\n");
	read_done(&r);
}

static void merges(void **state)
{
	(void)state;
	READS("a: &a {k: 1, l: 2}\nc: {<<: *a, k: 9}\ne: {\"<<\": 1}\n",
	      "{\"a\":{\"k\":1,\"l\":2},\"c\":{\"k\":9,\"l\":2},\"e\":{\"<<\":1}}\n");
	struct read r;
	uint64_t k;
	read_text(&r, "in.yaml", TC_STR("a: &a {k: 1}\nd: {<<: [*a, {k: 2}], m: 5}\n"), NULL);
	assert_true(tc_as_int(tc_get_path(r.docs[0].root, "d", "k", NULL), 9, &k));
	assert_int_equal(k, 1);
	read_done(&r);
	check_tree("<<: {a: 1}\n", "map 0-10 \"<<: {a: 1}\" flags 8\n"
				   " string 0-2 \"<<\" flags 2\n"
				   " map 4-10 \"{a: 1}\"\n"
				   "  string 5-6 \"a\"\n"
				   "  int 8-9 \"1\"\n");
	/* Kubernetes knows two keys where one is a number and the other a string, until it makes strings of both. */
	REFUSES("a: &a {1: x}\nb:\n  <<: *a\n  \"1\": y\n",
		"in.yaml:4:3: error: two keys become \"1\" here, one of them merged; Kubernetes keeps either [TC014]\n"
		"   4 |   \"1\": y\n"
		"     |   ^\n"
		"in.yaml:1:8: note: it is brought from here\n"
		"   1 | a: &a {1: x}\n"
		"     |        ^\n"
		"  help: spell the key in one way\n");
	REFUSES("a: &a {y: 1}\nb: &b {'true': 2}\nc:\n  <<: [*a, *b]\n",
		"in.yaml:4:3: error: two keys become \"true\" here, one of them merged; Kubernetes keeps either "
		"[TC014]\n"
		"   4 |   <<: [*a, *b]\n"
		"     |   ^\n"
		"in.yaml:1:8: note: it is brought from here\n"
		"   1 | a: &a {y: 1}\n"
		"     |        ^\n"
		"in.yaml:2:8: note: it is brought from here\n"
		"   2 | b: &b {'true': 2}\n"
		"     |        ^\n"
		"  help: spell the key in one way\n");
	READS("a: &a {k: 1}\nb: {! \"<<\": *a, k: 2}\n", "{\"a\":{\"k\":1},\"b\":{\"k\":2}}\n");
	REFUSES("a:\n  <<: [{}, 1]\n",
		"in.yaml:2:12: error: a merge key (<<) with an integer, expected a mapping or a list of "
		"mappings [TC016]\n"
		"   2 |   <<: [{}, 1]\n"
		"     |            ^\n"
		"  help: write an alias of a mapping, such as <<: *defaults, or quote \"<<\" if it is a name\n");
	/* what an earlier one that is wrong would bring is not known */
	REFUSES("a: &a {k: 1}\nb:\n  <<: 1\n  <<: *a\n",
		"in.yaml:3:7: error: a merge key (<<) with an integer, expected a mapping or a list of "
		"mappings [TC016]\n"
		"   3 |   <<: 1\n"
		"     |       ^\n"
		"  help: write an alias of a mapping, such as <<: *defaults, or quote \"<<\" if it is a name\n");
	REFUSES("a: &a {k: 1}\nb:\n  k: 2\n  <<: *a\n",
		"in.yaml:3:3: error: key \"k\" stands before a merge key that brings it too; to Kubernetes the merged "
		"one wins "
		"[TC014]\n"
		"   3 |   k: 2\n"
		"     |   ^\n"
		"in.yaml:1:8: note: it is brought from here\n"
		"   1 | a: &a {k: 1}\n"
		"     |        ^\n"
		"in.yaml:4:3: note: the merge key is here\n"
		"   4 |   <<: *a\n"
		"     |   ^\n"
		"  help: put << in front of the mapping's own keys: they win then\n");
	REFUSES("a: &a {k: 1}\nb: {<<: *a, <<: {k: 2}}\n",
		"in.yaml:2:13: error: two merge keys bring key \"k\"; to Kubernetes the later one wins [TC014]\n"
		"   2 | b: {<<: *a, <<: {k: 2}}\n"
		"     |             ^\n"
		"in.yaml:2:18: note: it is brought from here\n"
		"   2 | b: {<<: *a, <<: {k: 2}}\n"
		"     |                  ^\n"
		"in.yaml:2:5: note: the first merge key is here\n"
		"   2 | b: {<<: *a, <<: {k: 2}}\n"
		"     |     ^\n"
		"  help: write one merge key with a list, <<: [*a, *b]: the first of it wins then\n");
}

static void duplicate_keys(void **state)
{
	_cleanup_buf_ struct tc_buf many = {0};
	struct read r;

	(void)state;
	REFUSES("a: 1\nb: 2\n\"a\": 3\n", "in.yaml:3:1: error: key \"a\" is there twice [TC014]\n"
					  "   3 | \"a\": 3\n"
					  "     | ^\n"
					  "in.yaml:1:1: note: the first one is here\n"
					  "   1 | a: 1\n"
					  "     | ^\n"
					  "  help: remove one of them\n");
	REFUSES("{1: a, \"1\": b}\n", "in.yaml:1:8: error: keys 1 and \"1\" are one to Kubernetes: \"1\" [TC014]\n"
				      "   1 | {1: a, \"1\": b}\n"
				      "     |        ^\n"
				      "in.yaml:1:2: note: the first one is here\n"
				      "   1 | {1: a, \"1\": b}\n"
				      "     |  ^\n"
				      "  help: remove one of them\n");
	READS("{y: 1, \"y\": 2, 0x10: 3, 17: 4}\n", "{\"true\":1,\"y\":2,\"16\":3,\"17\":4}\n");
	/* A large mapping: each repetition points at the first. */
	for (int i = 0; i < 300; i++)
		tc_buf_printf(&many, "k%d: %d\n", i % 150, i);
	read_text(&r, "in.yaml", tc_buf_str(&many), NULL);
	assert_int_equal(r.diags.count, 150);
	for (size_t i = 0; i < r.diags.count; i++) {
		assert_int_equal(r.diags.list[i]->id, TC_MSG_DUPLICATE_KEY);
		assert_int_equal(tc_place(r.diags.list[i]->at).line, i + 151);
		assert_int_equal(tc_place(r.diags.list[i]->notes->at).line, i + 1);
	}
	read_done(&r);
}

static void bad_keys(void **state)
{
	(void)state;
	REFUSES("? \n: 1\n", "in.yaml:1:2: error: found null as a key, expected a string [TC019]\n"
			     "   1 | ? \n"
			     "     |  ^\n"
			     "  help: write a key in front of the colon\n");
	/* one report, not a second one about the key */
	REFUSES("*x : 1\n", "in.yaml:1:1: error: alias *x has no anchor before it [TC015]\n"
			    "   1 | *x : 1\n"
			    "     | ^\n"
			    "  help: write &x in front of the value that is meant, or quote the text\n");
	REFUSES("[a]: 1\n~: 2\n", "in.yaml:1:1: error: found a list as a key, expected a string [TC019]\n"
				  "   1 | [a]: 1\n"
				  "     | ^\n"
				  "  help: quote it if it is text\n"
				  "in.yaml:2:1: error: found null as a key, expected a string [TC019]\n"
				  "   2 | ~: 2\n"
				  "     | ^\n"
				  "  help: quote it if it is text\n");
	REFUSES("name: {{ .Values.name }}\n",
		"in.yaml:1:8: error: found a mapping as a key, expected a string [TC019]\n"
		"   1 | name: {{ .Values.name }}\n"
		"     |        ^\n"
		"  help: if {{ }} is of a template, render the template first; if it is text, quote it\n");
	REFUSES("18446744073709551615: 1\n",
		"in.yaml:1:1: error: found a key beyond 2^63-1, which Kubernetes refuses as a number [TC019]\n"
		"   1 | 18446744073709551615: 1\n"
		"     | ^\n"
		"  help: quote it\n");
	REFUSES("1.2345678: 1\n",
		"in.yaml:1:1: error: found a number as a key that Kubernetes would not keep as it is [TC019]\n"
		"   1 | 1.2345678: 1\n"
		"     | ^\n"
		"  help: quote it\n");
	/* One that is a value by mistake: behind a question mark, and at the start of its line. */
	static const char *const marks[][2] = {{"? ", "\n: 1\n"}, {"  ", ": 1\n"}};
	for (size_t i = 0; i < TC_COUNT(marks); i++) {
		_cleanup_buf_ struct tc_buf text = {0};
		struct read r;
		tc_buf_puts(&text, marks[i][0]);
		tc_buf_fill(&text, 'k', 70000);
		tc_buf_puts(&text, marks[i][1]);
		read_text(&r, "in.yaml", tc_buf_str(&text), NULL);
		assert_int_equal(r.diags.errors, 1);
		assert_int_equal(r.diags.list[0]->at.off, 2);
		read_done(&r);
	}
	static const char *const changed[] = {"-0.0: 1\n", "1e39: 1\n", "{1e-38: 1}\n", "- [16777217.0: 1]\n"};
	for (size_t i = 0; i < TC_COUNT(changed); i++) {
		struct read r;
		read_text(&r, "in.yaml", tc_str(changed[i]), NULL);
		assert_int_equal(r.diags.count, 1);
		assert_int_equal(r.diags.list[0]->id, TC_MSG_BAD_KEY);
		read_done(&r);
	}
	READS("9223372036854775807: 1\ntrue: 2\n1.5: 3\n1.23456e37: 4\n1e-37: 5\n0.0: 6\n",
	      "{\"9223372036854775807\":1,\"true\":2,\"1.5\":3,\"1.23456e+37\":4,\"1e-37\":5,\"0\":6}\n");
}

static void scalars(void **state)
{
	(void)state;
	READS("a: yes\nb: 'yes'\nc: 0o17\nd: 1e3\ne: !!str 12\nf: !!int \"12\"\ng: !mine 12\nh: ! '12'\ni: 2001-01-01\n"
	      "j: !!binary aGk=\n",
	      "{\"a\":true,\"b\":\"yes\",\"c\":15,\"d\":1e3,\"e\":\"12\",\"f\":12,\"g\":\"12\",\"h\":\"12\",\"i\":"
	      "\"2001-"
	      "01-01\","
	      "\"j\":\"hi\"}\n");
	REFUSES("a: -.inf\n", "in.yaml:1:4: error: found -.inf, which is a number that JSON does not have [TC017]\n"
			      "   1 | a: -.inf\n"
			      "     |    ^\n"
			      "  help: quote it if it is text\n");
	REFUSES("a: !!int x\n", "in.yaml:1:4: error: \"x\" does not fit its tag !!int [TC018]\n"
				"   1 | a: !!int x\n"
				"     |    ^\n"
				"  help: remove the tag, or write a value that fits it\n");
}

/* In a text a byte order mark is a character as any other. */
static void inner_marks(void **state)
{
	(void)state;
	READS("a: x\xef\xbb\xbfy\n", "{\"a\":\"x\\ufeffy\"}\n");
}

/* libyaml takes these, the reader of Kubernetes does not. */
static void dialect(void **state)
{
	(void)state;
	REFUSES("a: \"x\\/y\"\n",
		"in.yaml:1:6: error: found the escape \\/, which Kubernetes does not know outside JSON "
		"[TC012]\n"
		"   1 | a: \"x\\/y\"\n"
		"     |      ^\n"
		"  help: write the slash alone\n");
	REFUSES("\"\\/y\"\n",
		"in.yaml:1:2: error: found the escape \\/, which Kubernetes does not know outside JSON [TC012]\n"
		"   1 | \"\\/y\"\n"
		"     |  ^\n"
		"  help: write the slash alone\n");
	/* As long as its value: other escapes are shorter than theirs. */
	REFUSES("a: \"\\L\\/\"\n",
		"in.yaml:1:7: error: found the escape \\/, which Kubernetes does not know outside JSON [TC012]\n"
		"   1 | a: \"\\L\\/\"\n"
		"     |       ^\n"
		"  help: write the slash alone\n");
	REFUSES("a: \"\\/\\P\"\n",
		"in.yaml:1:5: error: found the escape \\/, which Kubernetes does not know outside JSON [TC012]\n"
		"   1 | a: \"\\/\\P\"\n"
		"     |     ^\n"
		"  help: write the slash alone\n");
	READS("a: \"x\\\\/y\"\n", "{\"a\":\"x\\\\/y\"}\n");
	REFUSES("a: [b?]\n", "in.yaml:1:5: error: found a question mark in a plain value between brackets [TC012]\n"
			     "   1 | a: [b?]\n"
			     "     |     ^\n"
			     "  help: put the value in quotes\n");
	READS("a: b?\nc: ['d?']\n", "{\"a\":\"b?\",\"c\":[\"d?\"]}\n");
	REFUSES("[!!str, a]\n", "in.yaml:1:7: error: found a comma right behind a tag, expected a blank [TC012]\n"
				"   1 | [!!str, a]\n"
				"     |       ^\n"
				"  help: put a blank between them\n");
	READS("[!!str , &a , b]\n", "[\"\",null,\"b\"]\n");
}

static void check_limit(const char *text, struct tc_limits limits, const char *want)
{
	struct read r;

	read_text(&r, "in.yaml", tc_str(text), &limits);
	assert_int_equal(r.diags.count, 1);
	r.err.p[strcspn(r.err.p, "\n") + 1] = '\0'; /* the first line */
	assert_string_equal(r.err.p, want);
	assert_string_equal(r.out.p, "!\n");
	read_done(&r);
}

static void limits_hold(void **state)
{
	struct tc_limits limits = TC_LIMITS_FILE;
	_cleanup_buf_ struct tc_buf text = {0};

	(void)state;
	limits.max_depth = 3;
	READS("a: [[1]]\n", "{\"a\":[[1]]}\n");
	check_limit("a: [[[1]]]\n", limits, "in.yaml:1:6: error: collections are nested more than 3 deep [TC008]\n");
	limits = TC_LIMITS_FILE;
	limits.max_nodes = 3;
	check_limit("-\n-\n-\n", limits, "in.yaml:3:2: error: the document has more than 3 values [TC009]\n");
	check_limit("- &a\n-\n- *a\n", limits, "in.yaml:3:3: error: the document has more than 3 values [TC009]\n");
	check_limit("-\n-\n- []\n", limits, "in.yaml:3:3: error: the document has more than 3 values [TC009]\n");
	limits = TC_LIMITS_FILE;
	limits.max_expanded = 15;
	check_limit("- &a [1, 2, 3]\n- [*a, *a, *a]\n", limits,
		    "in.yaml:2:3: error: the document has more than 15 values when its aliases are followed [TC011]\n");
	/* Ten to the 30th: sums saturate. */
	tc_buf_puts(&text, "- &a0 x\n");
	for (int i = 1; i <= 30; i++)
		tc_buf_printf(&text, "- &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i - 1,
			      i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	limits.max_expanded = SIZE_MAX - 1;
	check_limit(text.p, limits,
		    "in.yaml:21:15: error: the document has more than 18446744073709551614 values when its aliases are "
		    "followed [TC011]\n");
	struct read r;
	limits.max_expanded = SIZE_MAX;
	read_text(&r, "in.yaml", TC_STR("- &a {k: 1}\n- {<<: *a}\n"), &limits);
	assert_string_equal(r.out.p, "[{\"k\":1},{\"k\":1}]\n");
	read_done(&r);
	limits.max_expanded = 1000;
	tc_buf_clear(&text);
	tc_buf_puts(&text, "- &a {<<: {}, ");
	for (int i = 0; i < 100; i++)
		tc_buf_printf(&text, "k%d: 1, ", i);
	tc_buf_puts(&text, "}\n- {<<: *a}\n- {<<: *a}\n");
	check_limit(text.p, limits, "in.yaml:3:3: error: merge keys bring too many keys together [TC011]\n");
}

/* Who reads a text that no cut has looked at is told of its bytes all the same. */
static void unchecked(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	struct tc_source src = {.name = "test", .text = TC_STR("a: \x07\n")};
	struct tc_limits limits = TC_LIMITS_FILE;
	struct tc_diags diags = {.mem = mem};
	bool empty;

	assert_null(tc_yaml_read(mem, &src, 0, (uint32_t)src.text.len, &limits, &diags, &empty));
	assert_false(empty);
	assert_int_equal(diags.count, 1);
	assert_int_equal(diags.list[0]->id, TC_MSG_SYNTAX_YAML);
	assert_string_equal(diags.list[0]->text, "this is not YAML: control characters are not allowed");
}

/* Each mistake that people make: the place, what was found, what to do. */
static void mistakes(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"a:\n\tb: 1\n", "2:1: found a tab where indentation or a value is expected"},
		{"a: @b\n", "1:4: found a character that no plain value begins with"},
		{"a: b: c\n", "1:5: found a second `: ` in what is already a value"},
		{"a:1\nb: 2\n", "2:2: a key cannot stand here"},
		{"a: - b\n", "1:4: a list item cannot begin here"},
		{"a: 1\nb\nc: 2\n", "2:1: found text where `key: value` or a list item is expected"},
		{"a: \"b\nc: 1\n", "1:4: a quote is opened here and never closed"},
		{"a: 'b\n...\n",
		 "2:1: found `---` or `...` at the start of a line inside quotes, which ends the document"},
		{"a: [b, c\nd: 1\n", "2:2: expected a comma or ] here"},
		{"a: [b, c\n", "1:4: a bracket [ is opened here and never closed"},
		{"a: {b: c\n", "1:4: a brace { is opened here and never closed"},
		{"a: {b: c d: e}\n", "1:11: expected a comma or } here"},
		{"a:\n    b: 1\n  c: 2\n",
		 "3:3: found a line whose indentation fits nothing above it, expected a key of the mapping"},
		{"a: 1\n- b\n", "2:1: found a list item where a key of the mapping is expected"},
		{"a: \"b\" c\n", "1:8: found text behind the end of a value"},
		{"a:\n  - b\n  c: 1\n",
		 "3:3: found a line whose indentation fits nothing above it, expected another list item"},
		{"- \"a\" b\n", "1:7: found text behind the end of a list item"},
		{"[a]\nb: 1\n", "2:1: found text behind the end of the document"},
		{"a: !x!y z\n", "1:4: found a tag that nothing defines"},
		{"a: \"\\d\"\n", "1:5: found an escape that YAML does not know"},
		{"a: \"\\xg\"\n", "1:7: expected hexadecimal digits in this escape"},
		{"a: \"\\ud83d\"\n", "1:7: found an escape that names no character"},
		{"a: &\n", "1:4: found `&` without the name of an anchor"},
		{"a: *.txt\n", "1:4: found `*` without the name of an anchor"},
		{"a: | b\n", "1:6: found text on the line of | or >"},
		{"a: |0\n", "1:5: found indentation 0 behind | or >"},
		{"a: [b:,]\n", "1:6: found a colon inside a plain value between brackets"},
		{"a: !<b c\n", "1:4: found a tag that cannot be read"},
		{"...\n", "1:1: found a document end marker where a document is expected"},
		{"a: 1\n\xef\xbb\xbf"
		 "b: 2\n",
		 "2:1: found a byte order mark inside a document"},
		{"a: 1\xc2\x85\xef\xbb\xbf"
		 "b: 2\n",
		 "1:6: found a byte order mark inside a document"},
		{"a: [,]\n", "1:5: expected a value here"},
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		_cleanup_buf_ struct tc_buf got = {0};
		struct read r;
		read_text(&r, "in.yaml", tc_str(rows[i].text), NULL);
		assert_int_equal(r.diags.count, 1);
		const struct tc_diag *d = r.diags.list[0];
		struct tc_place place = tc_place(d->at);
		tc_buf_printf(&got, "%u:%u: %s", place.line, place.column, d->text);
		assert_string_equal(got.p, rows[i].want);
		assert_int_equal(d->id, TC_MSG_SYNTAX_YAML);
		assert_non_null(d->notes); /* never without a word of help */
		read_done(&r);
	}
}

static void whole_messages(void **state)
{
	(void)state;
	REFUSES("a:\n    b: 1\n  c: 2\n", "in.yaml:3:3: error: found a line whose indentation fits nothing above it, "
					  "expected a key of the mapping "
					  "[TC012]\n"
					  "   3 |   c: 2\n"
					  "     |   ^\n"
					  "in.yaml:1:1: note: the mapping begins here\n"
					  "   1 | a:\n"
					  "     | ^\n"
					  "  help: indent it as the keys of the mapping it belongs to\n");
	REFUSES("a: \"x\n---\nb: 1\n",
		"in.yaml:1:4: error: a quote is opened here and never closed [TC012]\n"
		"   1 | a: \"x\n"
		"     |    ^\n"
		"in.yaml:2:1: note: a line that begins with --- ends the document, wherever it stands\n"
		"   2 | ---\n"
		"     | ^\n"
		"  help: close it; inside '...' a single quote is written twice\n");
	REFUSES("a: 1\n{{ if .x }}\n",
		"in.yaml:2:1: error: found text where `key: value` or a list item is expected [TC012]\n"
		"   2 | {{ if .x }}\n"
		"     | ^\n"
		"  help: a colon needs a blank behind it; a text of several lines needs deeper indentation, or `|` "
		"behind its "
		"key\n"
		"  help: if {{ }} is of a template, render the template first\n");
}

/* Inside its parent, behind its elder; a collection ends with its last leaf or a bracket. */
static void check_ranges(const struct tc_node *n, const char *name)
{
	uint32_t at = n->off;

	if (n->kind != TC_SEQ && n->kind != TC_MAP)
		return;
	for (const struct tc_node *c = n->first; c; c = c->next) {
		if (c->off < at || c->end < c->off || c->end > n->end || c->parent != n)
			fail_msg("%s: a node at %u-%u, behind %u, in one at %u-%u", name, c->off, c->end, at, n->off,
				 n->end);
		check_ranges(c, name);
		at = c->end;
	}
	char last = tc_node_source(n)->text.s[n->end - 1];
	if (n->style == TC_STYLE_BLOCK ? n->end != n->last->end : last != ']' && last != '}' && n->end != n->last->end)
		fail_msg("%s: a collection at %u-%u ends with neither leaf nor bracket", name, n->off, n->end);
}

/* NULL: no such file. */
static char *load(const char *folder, const char *name, size_t *len)
{
	_cleanup_buf_ struct tc_buf path = {0};

	tc_buf_printf(&path, "%s/%s", folder, name);
	FILE *f = fopen(path.p, "rb");
	if (!f)
		return NULL;
	struct tc_buf text = {0};
	char part[4096];
	for (size_t n; (n = fread(part, 1, sizeof(part), f)) > 0;)
		tc_buf_add(&text, part, n);
	fclose(f);
	*len = text.len;
	return text.p ? text.p : tc_xalloc(1);
}

static const char *corpus(void)
{
	const char *at = getenv("TENTC_CORPUS");

	return at ? at : "../shared/corpus";
}

/* Cases the suite wants refused and Kubernetes takes: stricter only where something would be lost. */
static const char *const taken[] = {
	"9C9N", "QB6E",                 /* a flow collection, a quoted text: its lines need no indentation */
	"9JBA", "CVW2", "SU5Z", "X4QW", /* a comment without a blank before it */
	"G5U8", "YJV2",                 /* a plain `-` in a flow sequence */
	"S98Z",                         /* blank lines deeper than the block scalar */
};

static bool is_taken(const char *name)
{
	for (size_t i = 0; i < TC_COUNT(taken); i++)
		if (strcmp(taken[i], name) == 0)
			return true;
	return false;
}

static void yaml_test_suite(void **state)
{
	_cleanup_buf_ struct tc_buf root = {0};
	size_t cases = 0, refused = 0, taken_seen = 0;

	(void)state;
	tc_buf_printf(&root, "%s/yaml-test-suite", corpus());
	DIR *dir = opendir(root.p);
	if (!dir) {
		print_message("skipped: no yaml-test-suite (set TENTC_CORPUS)\n");
		skip();
	}
	for (struct dirent *e; (e = readdir(dir));) {
		_cleanup_buf_ struct tc_buf folder = {0};
		size_t len, ignored;
		struct read r;
		tc_buf_printf(&folder, "%s/%s", root.p, e->d_name);
		char *text = load(folder.p, "in.yaml", &len), *error = load(folder.p, "error", &ignored);
		if (text) {
			cases++;
			read_text(&r, e->d_name, (struct tc_str){text, len}, NULL);
			for (size_t i = 0; i < r.count; i++)
				if (r.docs[i].root)
					check_ranges(r.docs[i].root, e->d_name);
			refused += r.diags.errors > 0;
			taken_seen += error && r.diags.errors == 0 && is_taken(e->d_name);
			if (error && r.diags.errors == 0 && !is_taken(e->d_name))
				fail_msg("%s must be refused", e->d_name);
			read_done(&r);
		}
		free(text);
		free(error);
	}
	closedir(dir);
	print_message("%zu cases, %zu refused\n", cases, refused);
	assert_int_equal(taken_seen, TC_COUNT(taken));
	assert_true(cases > 300);
}

static void online_boutique(void **state)
{
	_cleanup_buf_ struct tc_buf folder = {0};
	size_t len;
	struct read r;

	(void)state;
	tc_buf_printf(&folder, "%s/online-boutique", corpus());
	char *text = load(folder.p, "kubernetes-manifests.yaml", &len);
	if (!text) {
		print_message("skipped: no online-boutique (set TENTC_CORPUS)\n");
		skip();
	}
	read_text(&r, "shop.yaml", (struct tc_str){text, len}, NULL);
	assert_string_equal(r.err.p ? r.err.p : "", "");
	assert_true(r.count > 30);
	for (size_t i = 0; i < r.count; i++) {
		if (r.docs[i].root)
			check_ranges(r.docs[i].root, "shop.yaml");
		else
			assert_int_equal(i, 0); /* the licence, a comment */
	}
	read_done(&r);
	free(text);
}

/* Texts that take quadratic time where a check is missing: they end, and with one word. */
static void hostile(void **state)
{
	static const struct {
		const char *first, *unit, *last;
		size_t times;
		enum tc_msg want;
	} rows[] = {
		{"", "%TAG !a! tag:a\n", "---\na\n", 40000, TC_MSG_DIRECTIVE},
		{"a: 1\n", "%TAG !a! tag:a\n", "---\na\n", 40000, TC_MSG_DIRECTIVE},
		{"#\xc2\x85", "%TAG !a! tag:a\n", "---\na\n", 40000, TC_MSG_DIRECTIVE},
		{"", "{a: ", "", 40000, TC_MSG_TOO_DEEP},
		{"", "[", "", 100000, TC_MSG_TOO_DEEP},
		{"", "- ", "", 100000, TC_MSG_TOO_DEEP},
		{"", "-\n", "", 2000001, TC_MSG_TOO_MANY_NODES},
		{"", "---\n", "", 100001, TC_MSG_TOO_MANY_DOCUMENTS},
		{"", "-", "", 1000000, TC_MSG_BAD_SEPARATOR},
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		_cleanup_buf_ struct tc_buf text = {0};
		struct read r;
		tc_buf_puts(&text, rows[i].first);
		for (size_t n = 0; n < rows[i].times; n++)
			tc_buf_puts(&text, rows[i].unit);
		tc_buf_puts(&text, rows[i].last);
		read_text(&r, "in.yaml", tc_buf_str(&text), NULL);
		if (r.diags.count != 1 || r.diags.list[0]->id != rows[i].want)
			fail_msg("row %zu: %zu problems, the first %d", i, r.diags.count,
				 r.diags.count ? (int)r.diags.list[0]->id : 0);
		read_done(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),         cmocka_unit_test(code_points),     cmocka_unit_test(borrowed),
		cmocka_unit_test(aliases),        cmocka_unit_test(merges),          cmocka_unit_test(duplicate_keys),
		cmocka_unit_test(bad_keys),       cmocka_unit_test(scalars),         cmocka_unit_test(dialect),
		cmocka_unit_test(inner_marks),    cmocka_unit_test(limits_hold),     cmocka_unit_test(mistakes),
		cmocka_unit_test(whole_messages), cmocka_unit_test(yaml_test_suite), cmocka_unit_test(online_boutique),
		cmocka_unit_test(hostile),        cmocka_unit_test(unchecked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
