#include "tests/unit/unit.h"

#include "compiler/base/buf.h"
#include "compiler/base/error.h"

static void test_empty(void **state)
{
	(void)state;
	_cleanup_buf_ struct tc_buf b = {0};

	assert_true(tc_str_is(tc_buf_str(&b), ""));
	tc_buf_clear(&b);
	tc_buf_add(&b, NULL, 0);
	assert_string_equal(b.p, "");
	assert_int_equal(b.len, 0);
}

static void test_every_way_to_append(void **state)
{
	(void)state;
	_cleanup_buf_ struct tc_buf b = {0};

	tc_buf_add(&b, "abcdef", 3);
	tc_buf_puts(&b, "-puts-");
	tc_buf_putc(&b, 'c');
	tc_buf_fill(&b, '.', 3);
	tc_buf_fill(&b, '!', 0);
	tc_buf_printf(&b, "%s=%d", "n", 42);
	assert_string_equal(b.p, "abc-puts-c...n=42");
	assert_int_equal(b.len, 17);
}

static void test_holds_nul(void **state)
{
	(void)state;
	_cleanup_buf_ struct tc_buf b = {0};

	tc_buf_add(&b, "a\0b", 3);
	tc_buf_putc(&b, 'c');
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.p, "a\0bc", 5);
}

static void test_grows_and_stays_terminated(void **state)
{
	(void)state;
	_cleanup_buf_ struct tc_buf b = {0};

	for (size_t i = 0; i < 5000; i++) {
		tc_buf_putc(&b, (char)('a' + i % 26));
		assert_int_equal(b.p[b.len], 0);
		assert_true(b.len < b.cap);
	}
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(b.p[i], 'a' + i % 26);
}

static void test_printf_of_every_length(void **state)
{
	(void)state;

	for (int i = 0; i < 300; i++) {
		_cleanup_buf_ struct tc_buf b = {0};

		tc_buf_puts(&b, "<");
		tc_buf_printf(&b, "%0*d", i + 1, 7);
		tc_buf_puts(&b, ">");
		assert_int_equal(b.len, i + 3);
		assert_int_equal(b.p[i + 1], '7');
		assert_string_equal(b.p + i + 2, ">");
	}
}

static void test_reserve_then_no_move(void **state)
{
	(void)state;
	_cleanup_buf_ struct tc_buf b = {0};
	const char *p;

	tc_buf_reserve(&b, 10000);
	p = b.p;
	tc_buf_fill(&b, 'x', 10000);
	assert_ptr_equal(b.p, p);
	tc_buf_clear(&b);
	assert_ptr_equal(b.p, p);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.p, "");
}

static void test_secret_is_wiped_by_clear(void **state)
{
	(void)state;
	_cleanup_buf_ struct tc_buf b = {.secret = true};

	for (int i = 0; i < 100; i++)
		tc_buf_puts(&b, "hunter2");
	assert_int_equal(b.len, 700);
	assert_string_equal(b.p + 693, "hunter2");
	tc_buf_clear(&b);
	for (size_t i = 0; i < b.cap; i++)
		assert_int_equal(b.p[i], 0);
}

static void test_free_leaves_a_usable_buffer(void **state)
{
	(void)state;
	struct tc_buf b = {0};

	tc_buf_puts(&b, "x");
	tc_buf_free(&b);
	assert_null(b.p);
	tc_buf_puts(&b, "y");
	assert_string_equal(b.p, "y");
	tc_buf_free(&b);
	tc_buf_free(&b);
}

static void test_error_message_and_code(void **state)
{
	(void)state;
	struct tc_error err = {0};

	assert_int_equal(tc_fail(&err, TC_E_USAGE, "cannot read %s", "shop.yaml"), -1);
	assert_int_equal(err.code, 2);
	assert_string_equal(err.msg, "cannot read shop.yaml");
	assert_int_equal(tc_wrap(&err, "folder %s", "apps"), -1);
	assert_int_equal(tc_wrap(&err, "compile"), -1);
	assert_int_equal(err.code, 2);
	assert_string_equal(err.msg, "compile: folder apps: cannot read shop.yaml");
}

static void test_error_stays_one_line(void **state)
{
	(void)state;
	struct tc_error err = {0};

	tc_fail(&err, TC_E_USAGE, "cannot read %s", "a\nb\33[1m\x7f");
	assert_string_equal(err.msg, "cannot read a?b?[1m?");
}

static void test_long_error_is_cut_at_a_code_point(void **state)
{
	(void)state;
	struct tc_error err = {0};

	/* 1,023 bytes fit; a code point of two or three bytes stands on the border. */
	tc_fail(&err, TC_E_BUG, "%01022d\xc3\xa9 end", 0);
	assert_int_equal(strlen(err.msg), 1022);
	tc_fail(&err, TC_E_BUG, "%01021d\xe2\x82\xac end", 0);
	assert_int_equal(strlen(err.msg), 1021);
	tc_wrap(&err, "context");
	assert_int_equal(strlen(err.msg), 1023);
	assert_memory_equal(err.msg, "context: 000", 12);
	assert_string_equal(err.msg + 1000, "00000000000000000000000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_every_way_to_append),
		cmocka_unit_test(test_holds_nul),
		cmocka_unit_test(test_grows_and_stays_terminated),
		cmocka_unit_test(test_printf_of_every_length),
		cmocka_unit_test(test_reserve_then_no_move),
		cmocka_unit_test(test_secret_is_wiped_by_clear),
		cmocka_unit_test(test_free_leaves_a_usable_buffer),
		cmocka_unit_test(test_error_message_and_code),
		cmocka_unit_test(test_error_stays_one_line),
		cmocka_unit_test(test_long_error_is_cut_at_a_code_point),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
