#include "tests/unit/unit.h"

#include "compiler/base/diag.h"

static const char *const services[] = {
	"tentacular-postgres", "tentacular-nats", "tentacular-rustfs", "tentacular-spire", "host", "port", "ports",
};

static void assert_nearest(const char *word, const char *want)
{
	const char *got = tc_nearest(tc_str(word), services, TC_COUNT(services));

	if (want)
		assert_string_equal(got ? got : "(none)", want);
	else
		assert_null(got);
}

static void test_one_mistake_of_each_kind(void **state)
{
	(void)state;
	assert_nearest("tentacular-postgress", "tentacular-postgres"); /* a letter too much */
	assert_nearest("tentacular-postres", "tentacular-postgres");   /* one missing */
	assert_nearest("tentacular-rustgs", "tentacular-rustfs");      /* another one */
	assert_nearest("tentacular-ntas", "tentacular-nats");          /* two swapped */
	assert_nearest("tentaculra-spire", "tentacular-spire");
	assert_nearest("hots", "host");
	assert_nearest("host", "host");
}

static void test_a_third_of_the_word_and_no_more(void **state)
{
	(void)state;
	/* Five letters: one mistake; six: two. */
	assert_nearest("hostt", "host");
	assert_nearest("hoxtt", NULL);
	assert_nearest("pxrtsx", "ports");
	assert_nearest("pxrysx", NULL);
	/* One mistake is always allowed. */
	assert_nearest("ost", "host");
	assert_nearest("", NULL);
	assert_nearest("kafka", NULL);
}

static void test_a_swap_is_one_mistake(void **state)
{
	(void)state;
	static const char *const words[] = {"abcd"};

	/* Four letters allow one. */
	assert_string_equal(tc_nearest(TC_STR("bacd"), words, 1), "abcd");
	assert_null(tc_nearest(TC_STR("badc"), words, 1));
}

static void test_ties_go_to_the_earlier(void **state)
{
	(void)state;
	static const char *const words[] = {"cat", "bat", "rat"};

	assert_string_equal(tc_nearest(TC_STR("hat"), words, 3), "cat");
	assert_string_equal(tc_nearest(TC_STR("rat"), words, 3), "rat");
	assert_null(tc_nearest(TC_STR("hat"), words, 0));
}

static void test_long_words_have_no_neighbours(void **state)
{
	(void)state;
	char word[66], candidate[66];
	const char *const words[] = {candidate};

	memset(word, 'a', sizeof(word));
	memset(candidate, 'a', sizeof(candidate));
	candidate[64] = '\0';
	assert_ptr_equal(tc_nearest((struct tc_str){word, 64}, words, 1), candidate);
	assert_null(tc_nearest((struct tc_str){word, 65}, words, 1));
	candidate[64] = 'a';
	candidate[65] = '\0';
	assert_null(tc_nearest((struct tc_str){word, 64}, words, 1));
}

static void assert_quote(struct tc_str text, const char *want)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);

	assert_string_equal(tc_quote(mem, text), want);
}

static void test_quote(void **state)
{
	(void)state;
	assert_quote(TC_STR(""), "\"\"");
	assert_quote((struct tc_str){0}, "\"\"");
	assert_quote(TC_STR("my-db"), "\"my-db\"");
	assert_quote(TC_STR("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
	assert_quote(TC_STR("\b\t\n\f\r"), "\"\\b\\t\\n\\f\\r\"");
	assert_quote(TC_STR("a\0b\33[1m\x7f"), "\"a\\u0000b\\u001b[1m\\u007f\"");
	assert_quote(TC_STR("caf\xc3\xa9 \xf0\x9f\x98\x80"), "\"caf\xc3\xa9 \xf0\x9f\x98\x80\"");
	/* What hides or turns text on a terminal, and what is no text at all. */
	assert_quote(TC_STR("a\xe2\x80\xae"
			    "b\xc2\x9b\xe2\x80\x8b\xef\xbb\xbf"),
		     "\"a\\u202eb\\u009b\\u200b\\ufeff\"");
	assert_quote(TC_STR("\xff\xc3"), "\"\\ufffd\\ufffd\"");
}

static void test_quote_cuts_after_sixty_code_points(void **state)
{
	(void)state;
#define TEN "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9xxxxx"
#define SIXTY TEN TEN TEN TEN TEN TEN
	assert_quote(TC_STR(SIXTY), "\"" SIXTY "\"");
	assert_quote(TC_STR(SIXTY "y"), "\"" SIXTY "\"...");
	assert_quote(TC_STR(SIXTY TEN), "\"" SIXTY "\"...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_mistake_of_each_kind),
		cmocka_unit_test(test_a_third_of_the_word_and_no_more),
		cmocka_unit_test(test_a_swap_is_one_mistake),
		cmocka_unit_test(test_ties_go_to_the_earlier),
		cmocka_unit_test(test_long_words_have_no_neighbours),
		cmocka_unit_test(test_quote),
		cmocka_unit_test(test_quote_cuts_after_sixty_code_points),
	};

	return cmocka_run_group_tests_name("nearest", tests, NULL, NULL);
}
