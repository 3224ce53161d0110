#include "webhook/server.h"

#include "tests/unit/unit.h"

/* Each worker may hold a large review, so a machine's cores alone say nothing. */
static void test_workers(void **state)
{
	static const struct {
		unsigned cores;
		const char *cpu_max;
		unsigned want;
	} rows[] = {
		{1, "", 2},
		{2, "", 2},
		{3, "", 3},
		{96, "", 4},
		{96, "max 100000\n", 4},
		{96, "300000 100000\n", 3},
		{96, "250001 100000\n", 3},
		{96, "200000 100000\n", 2},
		{96, "50000 100000\n", 2},
		{3, "9900000 100000\n", 3},
		{3, "18446744073709551615 1\n", 3},
		/* What is no cpu.max. */
		{3, "100000", 3},
		{3, "100000 0", 3},
		{3, "0 100000", 3},
		{3, "x", 3},
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		if (tc_server_threads(rows[i].cores, rows[i].cpu_max) != rows[i].want)
			print_error("%u cores, \"%s\"\n", rows[i].cores, rows[i].cpu_max);
		assert_int_equal(tc_server_threads(rows[i].cores, rows[i].cpu_max), rows[i].want);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_workers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
