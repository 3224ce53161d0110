#include "compiler/contract/credentials.h"

#include "tests/unit/unit.h"

/* 00 01 .. 1f, and 32 times ff */
#define COUNTING "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define ALL_ONES "//////////////////////////////////////////8="

static struct tc_str from_hex(struct tc_arena *mem, const char *hex)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = strlen(hex) / 2;
	char *bytes = tc_alloc_text(mem, n + 1);

	for (size_t i = 0; i < n; i++) {
		const char *high = strchr(digits, hex[2 * i]), *low = strchr(digits, hex[2 * i + 1]);

		assert_true(high && low);
		bytes[i] = (char)((high - digits) << 4 | (low - digits));
	}
	return (struct tc_str){.s = bytes, .len = n};
}

/* RFC 5869, appendix A.1 to A.3 */
static void test_hkdf_vectors(void **state)
{
	static const struct {
		const char *ikm, *salt, *info, *okm;
	} vectors[] = {
		{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
		 "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"},
		{"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
		 "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
		 "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
		 "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
		 "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
		 "d0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
		 "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c"
		 "59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d8"
		 "7"},
		{"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
		 "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
	};
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);

	(void)state;
	for (size_t i = 0; i < TC_COUNT(vectors); i++) {
		struct tc_str want = from_hex(mem, vectors[i].okm);
		unsigned char okm[128];

		tc_hkdf_sha256(from_hex(mem, vectors[i].salt), from_hex(mem, vectors[i].ikm),
			       from_hex(mem, vectors[i].info), okm, want.len);
		assert_memory_equal(okm, want.s, want.len);
	}
}

static struct tc_keyring *ring_of(struct tc_arena *mem, const char *text, struct tc_diags *diags)
{
	struct tc_source *src = tc_alloc(mem, sizeof(*src));

	*src = (struct tc_source){.name = "root.key", .text = tc_str(text)};
	return tc_keyring_parse(src, diags);
}

/* The values were computed apart, with Python's hmac. They must never change: every installed password would. */
static void test_derived_values(void **state)
{
	static const struct {
		const char *key_id;
		struct tc_credential which;
		const char *value;
	} cases[] = {
		{"k1",
		 {"postgres", "password", "default", "my-enclave", "myworkflow", 0},
		 "QysRaKd1QgEFANMa1537nZ68o4qBuXuE4L6GDCtv"},
		{"k1",
		 {"nats", "token", "default", "my-enclave", "myworkflow", 0},
		 "YgKGpVX27i71410JwNUIcKLhJPa4IdbVy9kXrBVm"},
		{"k1",
		 {"rustfs", "secret_key", "default", "my-enclave", "myworkflow", 0},
		 "4BArQ22InYvQEIu0aJ0O0t6ZWSdAya4AoTp6fDK4"},
		{"k1",
		 {"postgres", "password", "default", "my-enclave", "myworkflow", 1},
		 "z383BIXmAM0mVgOaWNCq0SJOHrWNzWtL5n8SgzYK"},
		{"k2",
		 {"postgres", "password", "default", "my-enclave", "myworkflow", 0},
		 "y2B5Jp7GWMeFRnmnnd5LexujeADRWVUgLcON8jGf"},
	};
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	struct tc_diags diags = {.mem = mem};
	_cleanup_(tc_keyring_free) struct tc_keyring *ring =
		ring_of(mem, "k1: " COUNTING "\nk2: " ALL_ONES "\n", &diags);

	(void)state;
	assert_non_null(ring);
	for (size_t i = 0; i < TC_COUNT(cases); i++) {
		char out[TC_CREDENTIAL_LEN + 1];

		tc_credential_derive(ring, cases[i].key_id, &cases[i].which, out);
		assert_string_equal(out, cases[i].value);
	}
}

/* Each part of the info makes another credential, and NUL keeps the parts apart. */
static void test_no_two_alike(void **state)
{
	static const struct tc_credential which[] = {
		{"postgres", "password", "default", "ab", "c", 0},  {"nats", "password", "default", "ab", "c", 0},
		{"postgres", "token", "default", "ab", "c", 0},     {"postgres", "password", "other", "ab", "c", 0},
		{"postgres", "password", "default", "a", "bc", 0},  {"postgres", "password", "defaulta", "b", "c", 0},
		{"postgres", "password", "default", "ab", "c", 1},  {"postgres", "password", "default", "ab", "c1", 0},
		{"postgres", "password", "default", "ab", "c", 10}, {"postgresp", "assword", "default", "ab", "c", 0},
	};
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	struct tc_diags diags = {.mem = mem};
	_cleanup_(tc_keyring_free) struct tc_keyring *ring = ring_of(mem, "k1: " COUNTING, &diags);
	char out[TC_COUNT(which)][TC_CREDENTIAL_LEN + 1];

	(void)state;
	for (size_t i = 0; i < TC_COUNT(which); i++) {
		tc_credential_derive(ring, "k1", &which[i], out[i]);
		assert_int_equal(strlen(out[i]), TC_CREDENTIAL_LEN);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(out[i], out[k]);
	}
}

static void test_key_file(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	struct tc_diags diags = {.mem = mem};
	_cleanup_(tc_keyring_free) struct tc_keyring *ring =
		ring_of(mem,
			"# rotated in May\r\n\r\nk1: " COUNTING "\r\n  \n\tnew-key :" ALL_ONES " \n"
			"  # the end",
			&diags);

	(void)state;
	assert_non_null(ring);
	assert_int_equal(diags.count, 0);
	assert_true(tc_keyring_has(ring, "k1"));
	assert_true(tc_keyring_has(ring, "new-key"));
	assert_false(tc_keyring_has(ring, "k"));
	assert_false(tc_keyring_has(ring, ""));
	assert_string_equal(tc_keyring_ids(mem, ring), "k1, new-key");
}

/* What is refused, with the whole output: it must never show a part of a key. */
static void test_refused_key_files(void **state)
{
	static const struct {
		const char *text, *printed;
	} cases[] = {
		{"", "tentc: error: root.key: the file holds no key [TC400]\n  help: tentc keygen prints one\n"},
		{"# nothing\n",
		 "tentc: error: root.key: the file holds no key [TC400]\n  help: tentc keygen prints one\n"},
		{COUNTING "\n",
		 "tentc: error: root.key, line 1: expected <key id>: <base64 of 32 bytes>, found no colon [TC400]\n"
		 "  help: tentc keygen prints such a line\n"},
		{"k1: " COUNTING "\n" COUNTING ": k2\n",
		 "tentc: error: root.key, line 2: what stands before the colon is not a key id [TC400]\n"
		 "  help: a key id has 1 to 63 characters of a-z, 0-9 and -, such as k1\n"},
		{"k1: c2VjcmV0\n",
		 "tentc: error: root.key, line 1: what stands behind the colon is not the base64 of 32 bytes [TC400]\n"
		 "  help: tentc keygen prints such a line\n"},
		{"k1: " COUNTING " x\n",
		 "tentc: error: root.key, line 1: what stands behind the colon is not the base64 of 32 bytes [TC400]\n"
		 "  help: tentc keygen prints such a line\n"},
		{"k1:\n",
		 "tentc: error: root.key, line 1: what stands behind the colon is not the base64 of 32 bytes [TC400]\n"
		 "  help: tentc keygen prints such a line\n"},
		{"k1: " COUNTING "\n\nk1: " ALL_ONES "\nk2\n",
		 "tentc: error: root.key, line 3: the key k1 stands there twice [TC400]\n"
		 "  help: give one of the two another id; an id never changes its key\n"
		 "tentc: error: root.key, line 4: expected <key id>: <base64 of 32 bytes>, found no colon [TC400]\n"
		 "  help: tentc keygen prints such a line\n"},
	};
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);

	(void)state;
	for (size_t i = 0; i < TC_COUNT(cases); i++) {
		struct tc_diags diags = {.mem = mem};
		_cleanup_buf_ struct tc_buf printed = {0};

		assert_null(ring_of(mem, cases[i].text, &diags));
		tc_diags_render(&printed, &diags, (struct tc_diag_style){0});
		assert_string_equal(tc_buf_str(&printed).s, cases[i].printed);
	}
}

static void test_too_many_keys(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	struct tc_diags diags = {.mem = mem};
	_cleanup_buf_ struct tc_buf text = {0};
	_cleanup_(tc_keyring_free) struct tc_keyring *ring = NULL;

	(void)state;
	for (int i = 0; i < 256; i++)
		tc_buf_printf(&text, "k%d: " COUNTING "\n", i);
	ring = ring_of(mem, text.p, &diags);
	assert_non_null(ring);
	assert_true(tc_keyring_has(ring, "k255"));
	tc_buf_puts(&text, "one-more: " COUNTING "\n");
	assert_null(ring_of(mem, text.p, &diags));
	assert_int_equal(diags.count, 1);
	assert_string_equal(diags.list[0]->text, "root.key, line 257: more than 256 keys");
}

static void test_key_line(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	struct tc_diags diags = {.mem = mem};
	_cleanup_buf_ struct tc_buf line = {0};
	unsigned char key[TC_ROOT_KEY_LEN];
	_cleanup_(tc_keyring_free) struct tc_keyring *ring = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (unsigned char)i;
	tc_keyring_line(&line, "k1", key);
	assert_string_equal(line.p, "k1: " COUNTING "\n");
	ring = ring_of(mem, line.p, &diags);
	assert_non_null(ring);
}

static void test_secret_shows_nothing(void **state)
{
	struct tc_secret empty = {0}, secret = {.bytes = tc_xalloc(8), .len = 8};

	(void)state;
	memcpy(secret.bytes, "hunter22", 8);
	assert_string_equal(tc_secret_show(&secret), "<redacted>");
	assert_string_equal(tc_secret_show(&empty), "<empty>");
	tc_secret_free(&secret);
	tc_secret_free(&empty);
	assert_null(secret.bytes);
	assert_string_equal(tc_secret_show(&secret), "<empty>");
	tc_keyring_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hkdf_vectors),      cmocka_unit_test(test_derived_values),
		cmocka_unit_test(test_no_two_alike),      cmocka_unit_test(test_key_file),
		cmocka_unit_test(test_refused_key_files), cmocka_unit_test(test_too_many_keys),
		cmocka_unit_test(test_key_line),          cmocka_unit_test(test_secret_shows_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
