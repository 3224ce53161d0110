#include "tests/unit/unit.h"

#include "compiler/base/arena.h"
#include "compiler/base/source.h"
#include "compiler/base/utf8.h"

#define BOM "\xef\xbb\xbf"

static void assert_place(struct tc_place got, unsigned line, unsigned column, const char *text)
{
	assert_int_equal(got.line, line);
	assert_int_equal(got.column, column);
	assert_int_equal(got.text.len, strlen(text));
	assert_memory_equal(got.text.s, text, got.text.len);
}

static void test_places(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint32_t off;
		unsigned line, column;
		const char *whole;
	} rows[] = {
		{"", 0, 1, 1, ""},
		{"abc", 0, 1, 1, "abc"},
		{"abc", 2, 1, 3, "abc"},
		{"abc", 3, 1, 4, "abc"},
		{"abc", 9, 1, 4, "abc"},
		{"a\nb\n", 1, 1, 2, "a"},
		{"a\nb\n", 2, 2, 1, "b"},
		{"a\nb\n", 4, 3, 1, ""},
		{"a\r\nb", 1, 1, 2, "a"},
		{"a\r\nb", 2, 1, 2, "a"},
		{"a\r\nb", 3, 2, 1, "b"},
		{"a\rb\rc", 2, 2, 1, "b"},
		{"a\rb\rc", 4, 3, 1, "c"},
		{"a\r\r\nb", 2, 2, 1, ""},
		{"a\r\r\nb", 4, 3, 1, "b"},
		{"\n\n\n", 2, 3, 1, ""},
		/* Code points, not bytes; a byte inside of one belongs to it. */
		{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80x", 2, 1, 2, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80x"},
		{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80x", 9, 1, 4, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80x"},
		{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80x", 8, 1, 3, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80x"},
		{"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80x", 1, 1, 1, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80x"},
		{"\xc3\xa9\x80", 2, 1, 2, "\xc3\xa9\x80"},
		/* NEL, LS and PS end lines in YAML 1.1, but not in an editor. */
		{"a\xc2\x85\xe2\x80\xa8z", 6, 1, 4, "a\xc2\x85\xe2\x80\xa8z"},
		/* The byte order mark is no column of the first line; in a later one it is. */
		{BOM "abc", 0, 1, 1, "abc"},
		{BOM "abc", 1, 1, 1, "abc"},
		{BOM "abc", 3, 1, 1, "abc"},
		{BOM "abc", 5, 1, 3, "abc"},
		{BOM "a\n" BOM "b", 8, 2, 2, BOM "b"},
		{BOM, 3, 1, 1, ""},
		/* Longer than the step of eight bytes. */
		{"0123456789\n0123456789 0123456789 \xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9 x", 44, 2, 29,
		 "0123456789 0123456789 \xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9 x"},
	};

	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
		struct tc_source src = {.name = "x", .text = tc_str(rows[i].text)};

		assert_place(tc_place((struct tc_pos){&src, rows[i].off}), rows[i].line, rows[i].column, rows[i].whole);
		assert_place(tc_lines_place(tc_lines_new(mem, &src), rows[i].off), rows[i].line, rows[i].column,
			     rows[i].whole);
	}
}

static void test_line_offset(void **state)
{
	(void)state;
	struct tc_source src = {.name = "x", .text = TC_STR(BOM "ab\r\ncd")};

	assert_int_equal(tc_place((struct tc_pos){&src, 4}).line_off, 3);
	assert_int_equal(tc_place((struct tc_pos){&src, 8}).line_off, 7);
}

/* A text of several strides, against a plain walk: some with the usual line ends and letters only, some with odd ones
 * of either kind, some with all. */
static void test_index_agrees_with_a_plain_walk(void **state)
{
	(void)state;
	static const char *const parts[] = {"\xc3\xa9", "\xf0\x9f\x98\x80", "\n", "x", "plain words ", "\t", "\r",
					    "\r\n"};
	static const struct {
		unsigned first, n;
	} phases[] = {{2, 4}, {0, 6}, {2, 6}, {0, 8}};
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	char *text = tc_alloc_text(mem, 300000);
	size_t len = 0;
	uint32_t seed = 1;
	unsigned line = 1, column = 1;

	while (len < 299000) {
		const char *part;
		size_t phase;

		seed = seed * 1103515245 + 12345;
		phase = len / 10000 % TC_COUNT(phases);
		part = parts[phases[phase].first + (seed >> 16) % phases[phase].n];
		memcpy(text + len, part, strlen(part));
		len += strlen(part);
	}
	struct tc_source src = {.name = "x", .text = {text, len}};
	struct tc_lines *lines = tc_lines_new(mem, &src);

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		bool crlf = c == '\n' && i > 0 && text[i - 1] == '\r';
		struct tc_place got;

		if ((c & 0xc0) == 0x80)
			continue;
		got = tc_lines_place(lines, (uint32_t)i);
		assert_int_equal(got.line, line);
		assert_int_equal(got.column, crlf ? column - 1 : column);
		column++;
		if (c == '\n' || (c == '\r' && text[i + 1] != '\n')) {
			line++;
			column = 1;
		}
	}
	assert_true(line > 1000);
}

static void test_index_cuts_long_lines_behind_the_place(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	struct tc_source src = {.name = "x", .text = {memset(tc_alloc_text(mem, 200000), 'x', 200000), 200000}};
	struct tc_place got = tc_lines_place(tc_lines_new(mem, &src), 100000);

	assert_int_equal(got.column, 100001);
	assert_int_equal(got.text.len, 101024);
}

static void test_text_check_finds_the_first_bad_byte(void **state)
{
	(void)state;
	static const struct {
		const char *what, *bad;
	} rows[] = {
		{"NUL", "\0"},
		{"escape", "\33"},
		{"backspace", "\b"},
		{"unit separator", "\x1f"},
		{"DEL", "\x7f"},
		{"C1 control", "\xc2\x84"},
		{"C1 control behind NEL", "\xc2\x86"},
		{"lone continuation", "\x80"},
		{"overlong slash", "\xc0\xaf"},
		{"overlong, three bytes", "\xe0\x9f\xbf"},
		{"overlong, four bytes", "\xf0\x8f\xbf\xbf"},
		{"surrogate", "\xed\xa0\x80"},
		{"above U+10FFFF", "\xf4\x90\x80\x80"},
		{"byte that never occurs", "\xff"},
		{"U+FFFE", "\xef\xbf\xbe"},
		{"cut sequence", "\xe2\x82"},
	};

	/* At every distance from the eight-byte steps, in front of and behind other text. */
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		for (size_t at = 0; at < 40; at++) {
			char text[64];
			size_t n = rows[i].bad[0] ? strlen(rows[i].bad) : 1;

			memset(text, 'a', sizeof(text));
			memcpy(text + at, rows[i].bad, n);
			if (tc_text_check((struct tc_str){text, sizeof(text)}) != at ||
			    tc_text_check((struct tc_str){text, at + n}) != at)
				fail_msg("%s at %zu: found at %zu", rows[i].what, at,
					 tc_text_check((struct tc_str){text, sizeof(text)}));
		}
	}
}

static void test_text_check_accepts_what_yaml_prints(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"",
		"\t\n\r\n\r",
		" !~",
		"\xc2\x85\xc2\xa0",
		"\xed\x9f\xbf\xee\x80\x80",
		"\xef\xbf\xbd",
		"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
		BOM "a: \xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\r\nb: 1\n",
	};

	for (size_t i = 0; i < TC_COUNT(rows); i++)
		for (size_t lead = 0; lead < 16; lead++) {
			char text[128];
			size_t n = lead + strlen(rows[i]);

			memset(text, '\n', lead);
			memcpy(text + lead, rows[i], n - lead);
			assert_int_equal(tc_text_check((struct tc_str){text, n}), n);
		}
}

/* Every byte value, alone among ASCII, against the definition. */
static void test_text_check_of_every_byte(void **state)
{
	(void)state;

	for (unsigned b = 0; b < 256; b++) {
		char text[16];
		bool good = b == '\t' || b == '\n' || b == '\r' || (b >= ' ' && b <= '~');

		memset(text, 'a', sizeof(text));
		text[5] = (char)b;
		assert_int_equal(tc_text_check((struct tc_str){text, sizeof(text)}), good ? sizeof(text) : 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_line_offset),
		cmocka_unit_test(test_index_agrees_with_a_plain_walk),
		cmocka_unit_test(test_index_cuts_long_lines_behind_the_place),
		cmocka_unit_test(test_text_check_finds_the_first_bad_byte),
		cmocka_unit_test(test_text_check_accepts_what_yaml_prints),
		cmocka_unit_test(test_text_check_of_every_byte),
	};

	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
