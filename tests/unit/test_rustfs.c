/* The policy of a tentacle in S3, its mark, how policies compare, and sealed bodies. */
#include "unit.h"

#include <mbedtls/gcm.h>
#include <mbedtls/pkcs5.h>

#include "registrars/rustfs.h"

static const struct tc_rustfs_names web = {.installation = "default",
					   .enclave = "shop",
					   .name = "web",
					   .key_id = "k1",
					   .user = "tent_shop_web",
					   .bucket = "tentacular",
					   .prefix = "shop/web/",
					   .epoch = 7,
					   .check = "c0ffee"};

static void test_policy(void **state)
{
	_cleanup_json_ json_t *policy = tc_rustfs_policy(&web);
	char *text = json_dumps(policy, JSON_COMPACT);

	(void)state;
	assert_string_equal(
		text,
		"{\"Version\":\"2012-10-17\",\"Statement\":["
		"{\"Sid\":\"tentc:default:shop:web:k1:7:c0ffee\",\"Effect\":\"Allow\",\"Action\":[\"s3:ListBucket\"],"
		"\"Resource\":[\"arn:aws:s3:::tentacular\"],"
		"\"Condition\":{\"StringLike\":{\"s3:prefix\":[\"shop/web/*\"]}}},"
		"{\"Effect\":\"Allow\",\"Action\":[\"s3:GetObject\",\"s3:PutObject\",\"s3:DeleteObject\","
		"\"s3:AbortMultipartUpload\",\"s3:ListMultipartUploadParts\"],"
		"\"Resource\":[\"arn:aws:s3:::tentacular/shop/web/*\"]},"
		"{\"Effect\":\"Deny\",\"Action\":[\"admin:*\"]},"
		"{\"Effect\":\"Deny\",\"Action\":[\"s3:*\"],\"Resource\":[\"arn:aws:s3:::*\"],"
		"\"Condition\":{\"StringEquals\":{\"aws:principaltype\":[\"AssumedRole\"]}}}]}");
	free(text);
}

static void test_mark(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	_cleanup_json_ json_t *policy = tc_rustfs_policy(&web);
	struct tc_rustfs_names other = web;
	struct tc_rustfs_mark mark;

	(void)state;
	assert_true(tc_rustfs_mark_read(mem, policy, &mark));
	assert_string_equal(mark.installation, "default");
	assert_string_equal(mark.enclave, "shop");
	assert_string_equal(mark.name, "web");
	assert_string_equal(mark.key_id, "k1");
	assert_string_equal(mark.check, "c0ffee");
	assert_int_equal(mark.epoch, 7);
	assert_true(tc_rustfs_mark_is(&mark, &web));
	other.epoch = 8;
	assert_false(tc_rustfs_mark_is(&mark, &other));
	other = web;
	other.key_id = "k2";
	assert_false(tc_rustfs_mark_is(&mark, &other));
	other = web;
	other.check = "another root key";
	assert_false(tc_rustfs_mark_is(&mark, &other));
	other.check = NULL;
	assert_true(tc_rustfs_mark_is(&mark, &other));
}

static void test_no_mark(void **state)
{
	static const char *const sids[] = {
		"",
		"tentc:",
		"tentc:a:b:c:d:1",
		"tentc:a:b:c:d:1:x:y",
		"tentc:a:b:c:d:one:x",
		"tentc:a:b:c:d:-1:x",
		"tentc:a:b:c:d:1x:x",
		"TENTC:a:b:c:d:1:x",
	};
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	struct tc_rustfs_mark mark;

	(void)state;
	for (size_t i = 0; i < TC_COUNT(sids); i++) {
		_cleanup_json_ json_t *policy = json_pack("{s:[{s:s}]}", "Statement", "Sid", sids[i]);

		assert_false(tc_rustfs_mark_read(mem, policy, &mark));
	}
	assert_false(tc_rustfs_mark_read(mem, NULL, &mark));
}

static void check_equal(const char *a, const char *b, bool want)
{
	_cleanup_json_ json_t *x = json_loads(a, 0, NULL), *y = json_loads(b, 0, NULL);

	assert_non_null(x);
	assert_non_null(y);
	if (tc_rustfs_policy_equal(x, y) != want)
		fail_msg("%s and %s: want %s", a, b, want ? "equal" : "different");
}

static void test_equal(void **state)
{
	(void)state;
	check_equal("{\"Action\":[\"a\",\"b\"]}", "{\"Action\":[\"b\",\"a\",\"b\"]}", true);
	check_equal("{\"Action\":[\"a\"]}", "{\"Action\":\"a\"}", true);
	check_equal("{\"Statement\":[{\"Effect\":\"Deny\"},{\"Effect\":\"Allow\"}]}",
		    "{\"ID\":\"\",\"Statement\":[{\"Effect\":\"Allow\"},{\"Effect\":\"Deny\",\"Condition\":{}}]}",
		    true);
	check_equal("{\"Condition\":{\"StringLike\":{\"p\":[\"a\"]}}}",
		    "{\"Condition\":{\"StringLike\":{\"p\":\"a\"}}}", true);
	check_equal("{\"Sid\":\"x\",\"Action\":\"a\"}", "{\"Sid\":\"y\",\"Action\":\"a\"}", true);
	check_equal("{\"Action\":[\"a\",\"b\"]}", "{\"Action\":[\"a\"]}", false);
	check_equal("{\"Action\":\"a\"}", "{\"NotAction\":\"a\"}", false);
	check_equal("{\"Action\":\"a\"}", "{\"Action\":\"a\",\"Principal\":\"*\"}", false);
	check_equal("{\"Action\":\"a\"}", "{\"Action\":\"A\"}", false);
	check_equal("{\"Statement\":[{\"Effect\":\"Deny\"}]}", "{\"Statement\":[]}", false);
	check_equal("{\"Action\":\"1\"}", "{\"Action\":1}", false);
}

/* What a server could send to make the comparison stop early. */
static void test_deep(void **state)
{
	_cleanup_json_ json_t *wanted = tc_rustfs_policy(&web), *deep = json_object();

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		json_t *outer = json_object();

		json_object_set_new(outer, "a", deep);
		deep = outer;
	}
	assert_false(tc_rustfs_policy_equal(wanted, deep));
	assert_false(tc_rustfs_policy_equal(wanted, NULL));
}

/* Opened as madmin.DecryptData does. */
static void test_seal(void **state)
{
	static const unsigned char salt[TC_SEAL_SALT] = "0123456789abcdef0123456789abcde",
				   nonce[TC_SEAL_NONCE] = "1234567";
	const struct tc_str key = TC_STR("administrator's secret"), text = TC_STR("{\"secretKey\":\"x\"}");
	_cleanup_buf_ struct tc_buf out = {0};
	unsigned char secret[32], iv[12] = {0}, aad[17] = {0x80}, plain[64] = {0};
	const unsigned char *body;
	mbedtls_md_context_t md;
	mbedtls_gcm_context gcm;

	(void)state;
	tc_rustfs_seal(&out, key, text, salt, nonce);
	assert_int_equal(out.len, 32 + 1 + 8 + text.len + 16);
	body = (const unsigned char *)out.p;
	assert_memory_equal(body, salt, sizeof(salt));
	assert_int_equal(body[32], 2);
	assert_memory_equal(body + 33, nonce, sizeof(nonce));
	mbedtls_md_init(&md);
	assert_int_equal(mbedtls_md_setup(&md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 1), 0);
	assert_int_equal(mbedtls_pkcs5_pbkdf2_hmac(&md, (const unsigned char *)key.s, key.len, body, 32, 8192, 32,
						   secret),
			 0);
	mbedtls_md_free(&md);
	mbedtls_gcm_init(&gcm);
	assert_int_equal(mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, secret, 256), 0);
	memcpy(iv, body + 33, 8);
	assert_int_equal(mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, 0, iv, 12, NULL, 0, NULL, NULL, 16,
						   aad + 1),
			 0);
	iv[8] = 1;
	assert_int_equal(mbedtls_gcm_auth_decrypt(&gcm, text.len, iv, 12, aad, sizeof(aad), body + 41 + text.len, 16,
						  body + 41, plain),
			 0);
	mbedtls_gcm_free(&gcm);
	assert_memory_equal(plain, text.s, text.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy), cmocka_unit_test(test_mark), cmocka_unit_test(test_no_mark),
		cmocka_unit_test(test_equal),  cmocka_unit_test(test_deep), cmocka_unit_test(test_seal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
