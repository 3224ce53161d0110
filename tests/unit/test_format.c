#include "tests/unit/unit.h"

#include "compiler/base/format.h"

/* In every room, from none to more than enough: the bytes and the answer of vsnprintf, and no byte behind them. */
static void same(const char *fmt, ...) TC_PRINTF(1, 2);
static void same(const char *fmt, ...)
{
	for (size_t room = 0; room < 80; room++) {
		char want[100], got[100];
		va_list ap;
		int n;

		memset(want, '#', sizeof(want));
		memset(got, '#', sizeof(got));
		va_start(ap, fmt);
		n = vsnprintf(want, room, fmt, ap);
		va_end(ap);
		va_start(ap, fmt);
		assert_int_equal(tc_format(got, room, fmt, ap), n);
		va_end(ap);
		assert_memory_equal(got, want, sizeof(want));
	}
}

static void test_texts(void **state)
{
	static const char open[] = {'a', 'b', 'c'}; /* not terminated */

	(void)state;
	same("nothing to fill in");
	same("%s", "");
	same("%s/%s.", "shop", "web");
	same("[%.*s]", 3, open);
	same("[%.*s]", 9, "short");
	same("[%.*s]", 0, "none");
	same("[%.*s]", -1, "all of it");
	same("%.*s%c%s", 2, "xyz", '-', "a longer text, which goes beyond the end of some rooms");
	same("%c%c", '\0', '\xff');
}

static void test_numbers(void **state)
{
	(void)state;
	same("%u %u %u", 0u, 10u, 4294967295u);
	same("%zu,%zu", (size_t)0, SIZE_MAX);
	same("level=%u\nepoch=%u\n", 1u, 0u);
}

/* What vsnprintf does, from the first conversion on or from a later one. */
static void test_other_formats(void **state)
{
	(void)state;
	same("%d%%", -5);
	same("%s is %d of %zu", "this", 3, (size_t)4);
	same("%5s|%-5s|%05u", "a", "b", 7u);
	same("%.2s %x %ld %llu", "abc", 255u, -1L, 5ULL);
	same("%u %s %.*s %c %03d", 1u, "two", 3, "three", '4', 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_other_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
