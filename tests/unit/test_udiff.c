/* The programs of the unit tests link the compiler alone: what is tested here is included whole. */
#include "cli/udiff.c"

#include "tests/unit/unit.h"

static bool diff_of(struct tc_buf *out, const char *old_text, const char *new_text)
{
	return tc_udiff(out, &(struct tc_udiff){.old_name = "a/x",
						.new_name = "b/x",
						.old_text = tc_str(old_text),
						.new_text = tc_str(new_text)});
}

static void test_whole_text(void **state)
{
	static const struct {
		const char *old_text, *new_text, *want;
	} rows[] = {
		{"", "", ""},
		{"a\nb\n", "a\nb\n", ""},
		{"", "a\nb\n", "--- a/x\n+++ b/x\n@@ -0,0 +1,2 @@\n+a\n+b\n"},
		{"a\n", "", "--- a/x\n+++ b/x\n@@ -1 +0,0 @@\n-a\n"},
		{"a\n", "b\n", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"},
		{"a", "a\n", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"},
		{"x\na", "y\na", "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-x\n+y\n a\n\\ No newline at end of file\n"},
		{"1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n",
		 "--- a/x\n+++ b/x\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n"},
		/* six equal lines join two changes, seven part them */
		{"a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
		 "--- a/x\n+++ b/x\n@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n"},
		{"a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
		 "--- a/x\n+++ b/x\n@@ -1,4 +1,4 @@\n-a\n+A\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+B\n"},
		{"a\nb\nc\nd\ne\n", "a\nb\nX\nY\nc\nd\ne\n",
		 "--- a/x\n+++ b/x\n@@ -1,5 +1,7 @@\n a\n b\n+X\n+Y\n c\n d\n e\n"},
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		_cleanup_buf_ struct tc_buf out = {0};

		assert_int_equal(diff_of(&out, rows[i].old_text, rows[i].new_text), rows[i].want[0] != '\0');
		assert_string_equal(tc_buf_str(&out).s, rows[i].want);
	}
}

/* They are compared, and the lines stay what they were, but for the value. */
static void test_values_of_secret_keys_are_not_shown(void **state)
{
	static const char *const keys[] = {"pg.password", NULL};
	static const struct {
		const char *old_text, *new_text, *want;
	} rows[] = {
		{"a: 1\npg.password: x\nb: 1\n", "a: 1\npg.password: y\nb: 1\n",
		 "@@ -1,3 +1,3 @@\n a: 1\n-pg.password: <redacted>\n+pg.password: <redacted>\n b: 1\n"},
		{"pg.password: x\nb: 1\n", "pg.password: x\nb: 2\n",
		 "@@ -1,2 +1,2 @@\n pg.password: <redacted>\n-b: 1\n+b: 2\n"},
		{"", "pg.password: |\n  x\n  y",
		 "@@ -0,0 +1,3 @@\n+pg.password: <redacted>\n+  <redacted>\n+  <redacted>\n"
		 "\\ No newline at end of file\n"},
		{"{\"pg.password\":\"x\",\"b\":1}\n", "{}\n",
		 "@@ -1 +1 @@\n-{\"pg.password\":<redacted>,\"b\":1}\n+{}\n"},
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		_cleanup_buf_ struct tc_buf out = {0};
		const char *head = "--- a\n+++ b\n";

		assert_true(tc_udiff(&out, &(struct tc_udiff){.old_name = "a",
							      .new_name = "b",
							      .old_text = tc_str(rows[i].old_text),
							      .new_text = tc_str(rows[i].new_text),
							      .secret_keys = keys}));
		assert_memory_equal(tc_buf_str(&out).s, head, strlen(head));
		assert_string_equal(out.p + strlen(head), rows[i].want);
	}
}

/* What `patch` does, strictly: every line of old that the diff names must be there. Answers the number of + and -
 * lines. */
static size_t apply(struct tc_buf *out, struct tc_str old_text, const char *diff)
{
	const char *old_at = old_text.s, *old_end = old_text.s + old_text.len;
	size_t edits = 0, line_number = 1;

	if (!*diff) {
		tc_buf_add(out, old_text.s, old_text.len);
		return 0;
	}
	for (int i = 0; i < 2; i++)
		diff = strchr(diff, '\n') + 1;
	while (*diff) {
		const char *nl = strchr(diff, '\n');
		size_t n = (size_t)(nl - diff); /* without the mark, with the line end */
		bool bare = nl[1] == '\\';

		if (*diff == '@') {
			char *end;
			size_t first = strtoul(diff + 4, &end, 10);

			assert_string_not_equal(diff, "");
			if (strncmp(end, ",0 ", 3) == 0)
				first++;
			for (; line_number < first; line_number++) {
				const char *next = memchr(old_at, '\n', (size_t)(old_end - old_at));

				assert_non_null(next);
				tc_buf_add(out, old_at, (size_t)(next + 1 - old_at));
				old_at = next + 1;
			}
			diff = nl + 1;
			continue;
		}
		n -= bare;
		edits += *diff != ' ';
		if (*diff != '+') {
			assert_true(n <= (size_t)(old_end - old_at));
			assert_memory_equal(old_at, diff + 1, n);
			old_at += n;
			line_number++;
		}
		if (*diff != '-')
			tc_buf_add(out, diff + 1, n);
		diff = nl + 1;
		if (bare)
			diff = strchr(diff, '\n') + 1;
	}
	tc_buf_add(out, old_at, (size_t)(old_end - old_at));
	return edits;
}

static uint32_t random_state = 20240229;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (random_state >> 8) % n;
}

static void random_lines(struct tc_buf *b, uint32_t max, uint32_t letters)
{
	for (uint32_t n = random_below(max + 1); n > 0; n--)
		tc_buf_printf(b, "%c\n", (int)('a' + random_below(letters)));
	if (b->len && random_below(4) == 0)
		b->p[--b->len] = '\0'; /* no line end at the end */
	tc_buf_puts(b, "");
}

/* The number of lines that the shortest script removes and adds, by the quadratic table of textbooks. */
static size_t shortest(struct tc_str a, struct tc_str b)
{
	size_t table[40][40] = {0};
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	struct side x = {0}, y = {0};

	split(mem, &x, a, count_lines(a));
	split(mem, &y, b, count_lines(b));
	for (uint32_t i = 1; i <= x.n; i++)
		for (uint32_t j = 1; j <= y.n; j++) {
			size_t up = table[i - 1][j], left = table[i][j - 1];

			table[i][j] = tc_str_equal(line(&x, i - 1), line(&y, j - 1)) ? table[i - 1][j - 1] + 1
				      : up > left                                    ? up
										     : left;
		}
	return x.n + y.n - 2 * table[x.n][y.n];
}

static void test_gives_the_new_text_with_the_fewest_lines(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		_cleanup_buf_ struct tc_buf a = {0}, b = {0}, out = {0}, got = {0};
		uint32_t letters = 2 + random_below(8);
		size_t edits;

		random_lines(&a, 30, letters);
		random_lines(&b, 30, letters);
		tc_buf_puts(&out, "");
		tc_udiff(&out, &(struct tc_udiff){"a/x", "b/x", tc_buf_str(&a), tc_buf_str(&b), NULL});
		edits = apply(&got, tc_buf_str(&a), out.p);
		assert_string_equal(tc_buf_str(&got).s, tc_buf_str(&b).s);
		assert_int_equal(edits, shortest(tc_buf_str(&a), tc_buf_str(&b)));
	}
}

/* Beyond the limit of the search the script need not be the shortest, but it is one, and soon. */
static void test_texts_without_much_in_common(void **state)
{
	(void)state;
	for (uint32_t letters = 2; letters <= 2000; letters *= 10) {
		_cleanup_buf_ struct tc_buf a = {0}, b = {0}, out = {0}, got = {0};

		for (int i = 0; i < 20000; i++) {
			tc_buf_printf(&a, "%u\n", random_below(letters));
			tc_buf_printf(&b, "%u\n", random_below(letters));
		}
		assert_true(tc_udiff(&out, &(struct tc_udiff){"a/x", "b/x", tc_buf_str(&a), tc_buf_str(&b), NULL}));
		apply(&got, tc_buf_str(&a), out.p);
		assert_string_equal(got.p, b.p);
	}
}

static void test_more_lines_than_are_compared(void **state)
{
	static const char head[] = "--- a/x\n+++ b/x\n@@ -1,1000001 +1 @@\n-\n-\n", tail[] = "\n-\n+x\n";
	_cleanup_buf_ struct tc_buf a = {0}, out = {0};

	(void)state;
	tc_buf_fill(&a, '\n', TC_UDIFF_LINES + 1);
	assert_true(diff_of(&out, a.p, "x\n"));
	assert_memory_equal(out.p, head, sizeof(head) - 1);
	assert_string_equal(out.p + out.len - (sizeof(tail) - 1), tail);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_text),
		cmocka_unit_test(test_values_of_secret_keys_are_not_shown),
		cmocka_unit_test(test_gives_the_new_text_with_the_fewest_lines),
		cmocka_unit_test(test_texts_without_much_in_common),
		cmocka_unit_test(test_more_lines_than_are_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
