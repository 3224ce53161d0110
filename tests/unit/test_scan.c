#include "tests/unit/unit.h"

#include "compiler/base/arena.h"
#include "compiler/base/scan.h"

struct rule {
	bool (*is)(char c);
	const char *(*end)(const char *p, const char *end);
};

/* Every byte at every place of texts that are shorter than a block, as long, and longer: the answer is that of a look
 * at each byte. The text stands alone, so that a sanitizer sees a read beyond it. */
static void test_every_byte_at_every_place(void **state)
{
	static const struct rule rules[] = {
		{tc_is_plain, tc_plain_end},
		{tc_is_plain_ascii, tc_plain_ascii_end},
		{tc_is_ascii, tc_ascii_end},
	};

	(void)state;
	for (size_t len = 0; len <= 36; len++) {
		char *text = tc_xalloc(len);

		for (size_t at = 0; at < len; at++) {
			memset(text, 'a', len);
			text[len - 1] = '"';
			for (int byte = 0; byte < 256; byte++) {
				text[at] = (char)byte;
				for (size_t i = 0; i < TC_COUNT(rules); i++) {
					size_t want = 0;

					while (want < len && rules[i].is(text[want]))
						want++;
					assert_int_equal(rules[i].end(text, text + len) - text, want);
				}
			}
		}
		free(text);
	}
}

static void test_nothing(void **state)
{
	const char *text = "\"";

	(void)state;
	assert_ptr_equal(tc_plain_end(text, text), text);
	assert_ptr_equal(tc_plain_ascii_end(text, text), text);
	assert_ptr_equal(tc_ascii_end(text, text), text);
}

static void test_rules(void **state)
{
	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		bool plain = byte >= 0x20 && byte != 0x22 && byte != 0x5c;

		assert_int_equal(tc_is_plain((char)byte), plain);
		assert_int_equal(tc_is_plain_ascii((char)byte), plain && byte <= 0x7e);
		assert_int_equal(tc_is_ascii((char)byte), byte <= 0x7f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte_at_every_place),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
