#include "compiler/contract/identity.h"

#include "tests/unit/unit.h"

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B63 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define E28 "eeeeeeeeeeeeeeeeeeeeeeeeeeee"
#define N29 "nnnnnnnnnnnnnnnnnnnnnnnnnnnnn"

static void test_labels(void **state)
{
	static const struct {
		struct tc_str text;
		const char *fault;
	} cases[] = {
		{TC_STR("a"), NULL},
		{TC_STR("7"), NULL},
		{TC_STR("a-b--c9"), NULL},
		{TC_STR(A63), NULL},
		{TC_STR(""), "is empty"},
		{TC_STR(A63 "a"), "is 64 characters long, at most 63 are allowed"},
		{TC_STR("my_app"), "has \"_\" as character 3, allowed are a-z, 0-9 and -"},
		{TC_STR("App"), "has \"A\" as character 1, allowed are a-z, 0-9 and -"},
		{TC_STR("a.b"), "has \".\" as character 2, allowed are a-z, 0-9 and -"},
		{TC_STR("caf\xc3\xa9"), "has \"\xc3\xa9\" as character 4, allowed are a-z, 0-9 and -"},
		{TC_STR("a\xff"), "has the byte 0xff as character 2, allowed are a-z, 0-9 and -"},
		{TC_STR("a\xe2\x82"), "has the byte 0xe2 as character 2, allowed are a-z, 0-9 and -"},
		{TC_STR("a\0b"), "has \"\\u0000\" as character 2, allowed are a-z, 0-9 and -"},
		{TC_STR("a\n"), "has \"\\n\" as character 2, allowed are a-z, 0-9 and -"},
		{TC_STR("-a"), "begins with \"-\", a letter or a digit must stand there"},
		{TC_STR("-"), "begins with \"-\", a letter or a digit must stand there"},
		{TC_STR("a-"), "ends with \"-\", a letter or a digit must stand there"},
	};
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);

	(void)state;
	for (size_t i = 0; i < TC_COUNT(cases); i++) {
		const char *fault = tc_label_fault(mem, cases[i].text);

		if (!cases[i].fault)
			assert_null(fault);
		else
			assert_string_equal(fault, cases[i].fault);
	}
}

static void test_names(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);

	(void)state;
	assert_string_equal(tc_name_tentacle(mem, "my-enclave", "myworkflow"), "tent_my-enclave_myworkflow");
	assert_string_equal(tc_name_enclave(mem, "my-enclave"), "tentenc_my-enclave");
	/* 63 bytes stay as they are, 64 become the long form. */
	assert_string_equal(tc_name_tentacle(mem, E28, N29), "tent_" E28 "_" N29);
	assert_string_equal(tc_name_tentacle(mem, E28, N29 "n"),
			    "tent_eeeeeeeeeeeeeeeeeeeeeeee__9a048f54c91f9334aebc48556c7b9408");
	assert_string_equal(tc_name_tentacle(mem, A63, A63),
			    "tent_aaaaaaaaaaaaaaaaaaaaaaaa__73314bacb93053c818e3cf29f9864a92");
	assert_string_equal(tc_name_enclave(mem, B63),
			    "tentenc_bbbbbbbbbbbbbbbbbbbbb__94e419fabac7f930810f9636354042f8");
	assert_int_equal(strlen(tc_name_enclave(mem, B63)), 63);
}

static void test_templates(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);

	(void)state;
	assert_string_equal(tc_template_expand(mem, "tentacular", "demo"), "tentacular");
	assert_string_equal(tc_template_expand(mem, "{enclave}", "demo"), "demo");
	assert_string_equal(tc_template_expand(mem, "a-{enclave}.{enclave}-z", "demo"), "a-demo.demo-z");
	assert_string_equal(tc_template_expand(mem, "", "demo"), "");
}

static void test_sha256(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);

	(void)state; /* FIPS 180-4 examples */
	assert_string_equal(tc_sha256_hex(mem, TC_STR("abc"), 64),
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_string_equal(tc_sha256_hex(mem, (struct tc_str){0}, 64),
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_string_equal(tc_sha256_hex(mem, TC_STR("abc"), 7), "ba7816b");
	assert_string_equal(tc_sha256_hex(mem, TC_STR("abc"), 0), "");
}

static void test_base64(void **state)
{
	static const struct {
		struct tc_str bytes;
		const char *text;
	} cases[] = {
		/* RFC 4648, section 10 */
		{TC_STR(""), ""},
		{TC_STR("f"), "Zg=="},
		{TC_STR("fo"), "Zm8="},
		{TC_STR("foo"), "Zm9v"},
		{TC_STR("foob"), "Zm9vYg=="},
		{TC_STR("fooba"), "Zm9vYmE="},
		{TC_STR("foobar"), "Zm9vYmFy"},
		{TC_STR("\xfb\xff\xbf\0"), "+/+/AA=="},
		/* as coreutils' base64 has it: what is read eight bytes at a time, and its ends */
		{TC_STR("foobarb"), "Zm9vYmFyYg=="},
		{TC_STR("foobarba"), "Zm9vYmFyYmE="},
		{TC_STR("foobarbaz"), "Zm9vYmFyYmF6"},
		{TC_STR("\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6\xf5\xf4\xf3"), "//79/Pv6+fj39vX08w=="},
		{TC_STR("\0\x10\x83\x10\x51\x87\x20\x92\x8b\x30\xd3\x8f\x41\x14"), "ABCDEFGHIJKLMNOPQRQ="},
	};
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);

	(void)state;
	for (size_t i = 0; i < TC_COUNT(cases); i++) {
		struct tc_str back;

		assert_string_equal(tc_base64(mem, cases[i].bytes), cases[i].text);
		assert_true(tc_base64_decode(mem, tc_str(cases[i].text), &back));
		assert_true(tc_str_equal(back, cases[i].bytes));
	}
}

static void test_base64_is_strict(void **state)
{
	static const char *const refused[] = {
		"Z",    "Zg",     "Zg=",      "Zh==", "Zm9=", "Zm9v=", "Z===",  "====",
		"Zm 9", "Zm9v\n", "Zg==Zg==", "Zm-_", "=Zm9", "Z=g=",  "Zm9vZ", "Zm9v====",
	};
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);

	(void)state;
	for (size_t i = 0; i < TC_COUNT(refused); i++) {
		struct tc_str out;

		if (tc_base64_decode(mem, tc_str(refused[i]), &out))
			fail_msg("\"%s\" was decoded", refused[i]);
		assert_int_equal(out.len, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels), cmocka_unit_test(test_names),  cmocka_unit_test(test_templates),
		cmocka_unit_test(test_sha256), cmocka_unit_test(test_base64), cmocka_unit_test(test_base64_is_strict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
