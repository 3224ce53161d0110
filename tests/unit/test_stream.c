#include "read.h"

static void check_cut(const char *text, const char *want)
{
	struct read r;
	_cleanup_buf_ struct tc_buf got = {0};

	read_text(&r, "in.yaml", tc_str(text), NULL);
	for (size_t i = 0; i < r.count; i++)
		tc_buf_printf(&got, "%u %u %u\n", r.docs[i].sep, r.docs[i].begin, r.docs[i].end);
	assert_string_equal(got.p ? got.p : "", want);
	/* Every byte belongs to one document. */
	uint32_t at = r.docs[0].sep;
	for (size_t i = 0; i < r.count; at = r.docs[i++].end)
		assert_int_equal(r.docs[i].sep, at);
	assert_int_equal(at, r.src.text.len);
	read_done(&r);
}

static void cuts(void **state)
{
	(void)state;
	check_cut("", "0 0 0\n");
	check_cut("a: 1\n", "0 0 5\n");
	check_cut("---\na: 1\n", "0 4 9\n");
	check_cut("a: 1\n---\nb: 2\n", "0 0 5\n5 9 14\n");
	check_cut("# c\n---\n---   # x\nb: 2", "0 0 4\n4 8 8\n8 18 22\n");
	check_cut("a: 1\r\n---\r\nb: 2\r\n---", "0 0 6\n6 11 17\n17 20 20\n");
	check_cut("\xef\xbb\xbf---\na: 1\n", "3 7 12\n");
	check_cut("a: |\n  x\n  ---\n", "0 0 15\n"); /* only in the first column */
	check_cut("{\"a\":1}\n {\"b\":2}", "0 0 9\n9 9 16\n");
}

static void documents(void **state)
{
	(void)state;
	READS("a: 1\n---\n# nothing\n---\nb: 2\n", "{\"a\":1}\n-\n{\"b\":2}\n");
	READS("\xef\xbb\xbf"
	      "a: 1\n---\n\xef\xbb\xbf"
	      "b: 2\n",
	      "{\"a\":1}\n{\"b\":2}\n");
	READS("a: 1\n...\n# more\n...\n---\nb: 2\n", "{\"a\":1}\n{\"b\":2}\n");
	READS("---\n~\n---\n\n", "null\n-\n");
	READS("", "-\n");
	/* Kubernetes gives every document a last line end. */
	READS("a: |\n  x", "{\"a\":\"x\\n\"}\n");
	READS("a: |\n  x\n---\nb: |+\n  x\n\n", "{\"a\":\"x\\n\"}\n{\"b\":\"x\\n\\n\"}\n");
	READS("a: |\r\n  x\r", "{\"a\":\"x\\n\"}\n");
}

static void json(void **state)
{
	struct read r;

	(void)state;
	READS(" {\"a\":\"\\ud83d\\ude00\"}\n{\"b\":[1.10]}\n", "{\"a\":\"\xf0\x9f\x98\x80\"}\n{\"b\":[1.10]}\n");
	READS("{a: yes}\n---\n{\"b\": 1,}\n", "{\"a\":true}\n{\"b\":1}\n");
	/* One bad value does not hide the others. */
	read_text(&r, "in.yaml", TC_STR("{\"a\":1,\"a\":2} {\"b\":\"}\\\"\"}\n"), NULL);
	assert_string_equal(r.out.p, "!\n{\"b\":\"}\\\"\"}\n");
	assert_int_equal(r.diags.list[0]->id, TC_MSG_DUPLICATE_KEY);
	read_done(&r);
	/* A name that ends in .json: a mistake is one in JSON. */
	read_text(&r, "in.json", TC_STR("[1]\n{a: 1}\n"), NULL);
	assert_string_equal(r.out.p, "[1]\n!\n");
	assert_int_equal(r.diags.list[0]->id, TC_MSG_SYNTAX_JSON);
	read_done(&r);
	read_text(&r, "in.json", TC_STR("\n"), NULL);
	assert_string_equal(r.out.p, "-\n");
	read_done(&r);
}

static void separators(void **state)
{
	(void)state;
	REFUSES("a: 1\n--- {b: 2}\n---\nc\n",
		"in.yaml:2:5: error: found \"{b: 2}\" behind a document separator, expected the "
		"end of the line [TC004]\n"
		"   2 | --- {b: 2}\n"
		"     |     ^\n"
		"  help: put it on the next line\n");
	REFUSES("---#x\n", "in.yaml:1:4: error: found \"#x\" behind a document separator, expected the end of the line "
			   "[TC004]\n"
			   "   1 | ---#x\n"
			   "     |    ^\n"
			   "  help: put a blank in front of the comment\n");
}

/* Behind a first separator Kubernetes takes the mark for a letter. */
static void inner_mark(void **state)
{
	(void)state;
	REFUSES("---\n\xef\xbb\xbf"
		"a: 1\n",
		"in.yaml:2:1: error: found a byte order mark inside a document [TC012]\n"
		"   2 | ?a: 1\n"
		"     | ^\n"
		"in.yaml:1:1: note: the document begins with this line\n"
		"   1 | ---\n"
		"     | ^\n"
		"  help: remove it (3 bytes, EF BB BF): it belongs at the start of a file only\n");
	READS("a: 1\n---\n\xef\xbb\xbf"
	      "b: 2\n",
	      "{\"a\":1}\n{\"b\":2}\n");
	/* Of two at the start of a file the second one is text. */
	REFUSES("\xef\xbb\xbf\xef\xbb\xbf"
		"a: 1\n",
		"in.yaml:1:1: error: found a byte order mark inside a document [TC012]\n"
		"   1 | ?a: 1\n"
		"     | ^\n"
		"  help: remove it (3 bytes, EF BB BF): it belongs at the start of a file only\n");
}

/* Dashes behind a break that only YAML knows: behind a first separator Kubernetes takes the empty document in front of
 * them, and loses the rest. */
static void second_document(void **state)
{
	static const char *const lost[] = {
		"---\n\r---\na: 1\n",
		"---\n# c\r---\na: 1\n",
		"---\n\xc2\x85---\na: 1\n",
		"\xef\xbb\xbf---\n\xe2\x80\xa8---\na: 1\n",
		("---\n# c\xe2\x80\xa9---\xc2\x85"
		 "a: 1\n"),
		"---\n---\n\r---\n",
	};
	static const char *const kept[] = {
		"a: 1\n---\n\r---\na: 1\n", "---\n\r---x\n", "---\n\r --- x\n", "\r---\na: 1\n", "---\n# ---\na: 1\n",
	};
	struct read r;

	(void)state;
	REFUSES("---\n\r---\na: 1\n",
		"in.yaml:3:1: error: a document separator behind a line break that is no line feed; kubectl would drop "
		"this document silently [TC007]\n"
		"   3 | ---\n"
		"     | ^\n"
		"in.yaml:1:1: note: to kubectl the document begins with this line, and is empty\n"
		"   1 | ---\n"
		"     | ^\n"
		"  help: end lines with LF or CRLF\n");
	for (size_t i = 0; i < TC_COUNT(lost); i++) {
		read_text(&r, "in.yaml", tc_str(lost[i]), NULL);
		assert_int_equal(r.diags.errors, 1);
		assert_int_equal(r.diags.list[0]->id, TC_MSG_LONE_CR);
		read_done(&r);
	}
	for (size_t i = 0; i < TC_COUNT(kept); i++) {
		read_text(&r, "in.yaml", tc_str(kept[i]), NULL);
		assert_string_equal(r.err.p ? r.err.p : "", "");
		read_done(&r);
	}
}

/* What kubectl would drop. */
static void dropped(void **state)
{
	(void)state;
	REFUSES("a: 1\n...\n\nb: 2\n---\nc: 3\n",
		"in.yaml:4:1: error: content after a document end marker, which kubectl drops silently [TC006]\n"
		"   4 | b: 2\n"
		"     | ^\n"
		"in.yaml:2:1: note: the document ends here\n"
		"   2 | ...\n"
		"     | ^\n"
		"  help: remove the `...`, or begin the next document with ---\n");
	REFUSES("a: 1\r---\rb: 2\n", "in.yaml:2:1: error: a document separator behind a line break that is no line "
				     "feed; kubectl would drop this "
				     "document silently [TC007]\n"
				     "   2 | ---\n"
				     "     | ^\n"
				     "  help: end lines with LF or CRLF\n");
	REFUSES("--- # c\rb: 2\n",
		"in.yaml:1:8: error: a document separator ends with a line break that is no line feed; "
		"kubectl would drop what follows silently [TC007]\n"
		"   1 | --- # c\n"
		"     |        ^\n"
		"  help: end lines with LF or CRLF\n");
	REFUSES("--- # c\xe2\x80\xa8 b: 2\n",
		"in.yaml:1:8: error: a document separator ends with a line break that is no line feed; "
		"kubectl would drop what follows silently [TC007]\n"
		"   1 | --- # c? b: 2\n"
		"     |        ^\n"
		"  help: end lines with LF or CRLF\n");
	REFUSES("---\r\t\n",
		"in.yaml:1:4: error: a document separator ends with a line break that is no line feed; kubectl "
		"would drop what follows silently [TC007]\n"
		"   1 | ---\n"
		"     |    ^\n"
		"  help: end lines with LF or CRLF\n");
	READS("--- # c\r\nb: 2\n--- \r\nc: 3\n---\r", "{\"b\":2}\n{\"c\":3}\n-\n");
	REFUSES("a: |\r\n  b\r\r\n  c\r\n", "in.yaml:2:4: error: found a carriage return in front of CRLF, of which "
					    "Kubernetes makes one line break "
					    "[TC007]\n"
					    "   2 |   b\n"
					    "     |    ^\n"
					    "  help: end lines with LF or CRLF\n");
	READS("a: b\r\r c\r\n", "{\"a\":\"b\\nc\"}\n");
	/* kubectl looks for JSON at the first byte only. */
	READS("{\"a\":\"\\/\"}", "{\"a\":\"/\"}\n");
	REFUSES("\xef\xbb\xbf{\"a\":\"\\/\"}",
		"in.yaml:1:7: error: found the escape \\/, which Kubernetes does not know outside JSON "
		"[TC012]\n"
		"   1 | {\"a\":\"\\/\"}\n"
		"     |       ^\n"
		"  help: write the slash alone\n");
}

static void directives(void **state)
{
	(void)state;
	REFUSES("# c\n%YAML 1.1\n---\na: 1\n",
		"in.yaml:2:1: error: a YAML directive, which Kubernetes does not take [TC005]\n"
		"   2 | %YAML 1.1\n"
		"     | ^\n"
		"  help: remove the line\n");
	REFUSES("[\n%TAG ! x\n]\n", "in.yaml:2:1: error: a YAML directive, which Kubernetes does not take [TC005]\n"
				    "   2 | %TAG ! x\n"
				    "     | ^\n"
				    "  help: remove the line, or indent it if it is text\n");
	READS("a: '\n  %b'\n", "{\"a\":\" %b\"}\n");
}

/* Refused as a whole: one diagnostic, no documents. */
static void check_whole(struct tc_str text, const struct tc_limits *limits, const char *want)
{
	struct read r;

	read_text(&r, "in.yaml", text, limits);
	assert_int_equal(r.count, 0);
	assert_int_equal(r.diags.count, 1);
	assert_int_equal(strncmp(r.err.p, want, strlen(want)), 0);
	read_done(&r);
}

static void whole_texts(void **state)
{
	struct tc_limits limits = TC_LIMITS_FILE;

	(void)state;
	check_whole(TC_STR("\xff\xfe"
			   "a\0:\0"),
		    NULL,
		    "in.yaml:1:1: error: the text is UTF-16, little-endian; Kubernetes reads UTF-8 only [TC002]\n");
	check_whole(TC_STR("\0a\0:\0 \0b"), NULL,
		    "in.yaml:1:1: error: the text is UTF-16, big-endian; Kubernetes reads UTF-8 only [TC002]\n");
	check_whole(TC_STR("a\0:\0 \0b\0"), NULL,
		    "in.yaml:1:1: error: the text is UTF-16, little-endian; Kubernetes reads UTF-8 only [TC002]\n");
	check_whole(TC_STR("\xff\xfe\0\0a\0\0\0"), NULL,
		    "in.yaml:1:1: error: the text is UTF-32, little-endian; Kubernetes reads UTF-8 only [TC002]\n");
	check_whole(TC_STR("a\0\0\0:\0\0\0 \0\0\0b\0\0\0"), NULL,
		    "in.yaml:1:1: error: the text is UTF-32, little-endian; Kubernetes reads UTF-8 only [TC002]\n");
	check_whole(TC_STR("\0\0\0a\0\0\0:\0\0\0 \0\0\0b"), NULL,
		    "in.yaml:1:1: error: the text is UTF-32, big-endian; Kubernetes reads UTF-8 only [TC002]\n");
	check_whole(TC_STR("a: 1\nb: \xe9\n"), NULL,
		    "in.yaml:2:4: error: found the byte 0xE9, which is not UTF-8 here [TC003]\n");
	check_whole(TC_STR("a: \x07\n"), NULL,
		    "in.yaml:1:4: error: found the character U+0007, which no YAML text may hold [TC003]\n");
	limits.max_bytes = 4;
	check_whole(TC_STR("a: 1\n"), &limits, "in.yaml:1:1: error: the input has 5 bytes, the limit is 4 [TC001]\n");
	limits = TC_LIMITS_FILE;
	limits.max_documents = 2;
	check_whole(TC_STR("a\n---\nb\n---\nc\n"), &limits,
		    "in.yaml:4:1: error: the stream holds more than 2 documents [TC010]\n");
	check_whole(TC_STR("{}{}{}"), &limits, "in.yaml:1:5: error: the stream holds more than 2 documents [TC010]\n");
	limits.max_documents = 0;
	check_whole(TC_STR("a\n"), &limits, "in.yaml:1:1: error: the stream holds more than 0 documents [TC010]\n");
}

/* Documents that no cut makes: whoever reads a text of its own as one is told what it holds. */
static void whole_documents(void **state)
{
	struct tc_limits limits = TC_LIMITS_FILE;
	struct read r;

	(void)state;
	read_text(&r, "in.json", TC_STR("[1] [2]\n"), NULL);
	assert_string_equal(r.out.p, "[1]\n[2]\n");
	struct tc_doc both = {.src = &r.src, .format = TC_JSON, .end = 8};
	assert_false(tc_doc_read(r.mem, &both, &r.limits, &r.diags));
	assert_true(both.bad);
	tc_diags_render(&r.err, &r.diags, (struct tc_diag_style){0});
	assert_string_equal(r.err.p, "in.json:1:5: error: found text behind the end of the value [TC013]\n"
				     "   1 | [1] [2]\n"
				     "     |     ^\n"
				     "  help: remove it\n");
	read_done(&r);

	limits.max_nodes = 0;
	read_text(&r, "in.json", TC_STR("5 {}\n"), &limits);
	assert_string_equal(r.out.p, "!\n");
	assert_string_equal(r.err.p, "in.json:1:1: error: the document has more than 0 values [TC009]\n"
				     "   1 | 5 {}\n"
				     "     | ^\n"
				     "  help: split it\n");
	read_done(&r);
}

/* A rewind in between, and no diagnostics the second time. */
static void read_again(void **state)
{
	struct read r;

	(void)state;
	read_text(&r, "in.yaml", TC_STR("a: [1, \"x\\n\"]\n---\nb: &b {c: 1}\nd: *b\n"), NULL);
	_cleanup_buf_ struct tc_buf again = {0};
	struct tc_arena_mark mark = tc_arena_mark(r.mem);
	for (size_t i = 0; i < r.count; i++) {
		assert_true(tc_doc_read(r.mem, &r.docs[i], &r.limits, NULL));
		tc_emit(&again, r.docs[i].root, (struct tc_emit){.format = TC_JSON});
		tc_buf_putc(&again, '\n');
		tc_arena_rewind(r.mem, mark);
	}
	assert_string_equal(again.p, r.out.p);
	read_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cuts),
		cmocka_unit_test(documents),
		cmocka_unit_test(json),
		cmocka_unit_test(separators),
		cmocka_unit_test(dropped),
		cmocka_unit_test(inner_mark),
		cmocka_unit_test(second_document),
		cmocka_unit_test(directives),
		cmocka_unit_test(whole_texts),
		cmocka_unit_test(read_again),
		cmocka_unit_test(whole_documents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
