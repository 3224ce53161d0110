/* Signatures: the examples of AWS' documents and of its test suite (aws4_testsuite), and how paths and queries are
 * written. */
#include "unit.h"

#include "registrars/sigv4.h"

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct tc_param header(const char *name, const char *value)
{
	return (struct tc_param){name, tc_str(value)};
}

static void check_signature(const struct tc_sigv4 *r, const char *want)
{
	_cleanup_buf_ struct tc_buf got = {0};

	tc_sigv4_sign(&got, r);
	assert_string_equal(got.p, want);
}

/* docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
static struct tc_sigv4 s3_example(const struct tc_param *headers, size_t n)
{
	return (struct tc_sigv4){.access_key = "AKIAIOSFODNN7EXAMPLE",
				 .secret_key = TC_STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
				 .region = "us-east-1",
				 .service = "s3",
				 .stamp = "20130524T000000Z",
				 .method = "GET",
				 .path = "/",
				 .query = "",
				 .headers = headers,
				 .nheaders = n,
				 .payload = EMPTY};
}

#define S3_SCOPE "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "

static void test_get_object(void **state)
{
	const struct tc_param headers[] = {
		header("host", "examplebucket.s3.amazonaws.com"),
		header("range", "bytes=0-9"),
		header("x-amz-content-sha256", EMPTY),
		header("x-amz-date", "20130524T000000Z"),
	};
	struct tc_sigv4 r = s3_example(headers, TC_COUNT(headers));

	(void)state;
	r.path = "/test.txt";
	check_signature(&r, S3_SCOPE "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
				     "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static void test_put_object(void **state)
{
	char hash[TC_SHA256_HEX];
	struct tc_param headers[] = {
		header("date", "Fri, 24 May 2013 00:00:00 GMT"),
		header("host", "examplebucket.s3.amazonaws.com"),
		header("x-amz-content-sha256", ""),
		header("x-amz-date", "20130524T000000Z"),
		header("x-amz-storage-class", "REDUCED_REDUNDANCY"),
	};
	_cleanup_buf_ struct tc_buf path = {0};
	struct tc_sigv4 r = s3_example(headers, TC_COUNT(headers));

	(void)state;
	tc_sigv4_hash(TC_STR("Welcome to Amazon S3."), hash);
	assert_string_equal(hash, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072");
	headers[2].value = tc_str(hash);
	tc_sigv4_escape(&path, TC_STR("/test$file.text"), true);
	r.method = "PUT";
	r.path = path.p;
	r.payload = hash;
	check_signature(&r, S3_SCOPE "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, "
				     "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

static void check_bucket(const struct tc_param *query, size_t n, const char *want)
{
	const struct tc_param headers[] = {
		header("host", "examplebucket.s3.amazonaws.com"),
		header("x-amz-content-sha256", EMPTY),
		header("x-amz-date", "20130524T000000Z"),
	};
	_cleanup_buf_ struct tc_buf text = {0};
	struct tc_sigv4 r = s3_example(headers, TC_COUNT(headers));

	tc_sigv4_query(&text, query, n);
	r.query = text.p;
	check_signature(&r, want);
}

static void test_bucket_lifecycle(void **state)
{
	(void)state;
	check_bucket((const struct tc_param[]){{"lifecycle", TC_STR("")}}, 1,
		     S3_SCOPE "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
			      "Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

static void test_list_objects(void **state)
{
	(void)state;
	check_bucket((const struct tc_param[]){{"prefix", TC_STR("J")}, {"max-keys", TC_STR("2")}}, 2,
		     S3_SCOPE "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
			      "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

/* aws4_testsuite: get-vanilla, post-vanilla, get-vanilla-query-order-key-case */
static void test_suite(void **state)
{
	const struct tc_param headers[] = {header("host", "example.amazonaws.com"),
					   header("x-amz-date", "20150830T123600Z")};
	struct tc_sigv4 r = {.access_key = "AKIDEXAMPLE",
			     .secret_key = TC_STR("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
			     .region = "us-east-1",
			     .service = "service",
			     .stamp = "20150830T123600Z",
			     .method = "GET",
			     .path = "/",
			     .query = "",
			     .headers = headers,
			     .nheaders = TC_COUNT(headers),
			     .payload = EMPTY};
	_cleanup_buf_ struct tc_buf query = {0};

#define SUITE_SCOPE                                                                         \
	"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, " \
	"SignedHeaders=host;x-amz-date, Signature="
	(void)state;
	check_signature(&r, SUITE_SCOPE "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
	r.method = "POST";
	check_signature(&r, SUITE_SCOPE "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
	tc_sigv4_query(&query, (const struct tc_param[]){{"Param2", TC_STR("value2")}, {"Param1", TC_STR("value1")}},
		       2);
	r.method = "GET";
	r.query = query.p;
	check_signature(&r, SUITE_SCOPE "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

static void test_escape(void **state)
{
	_cleanup_buf_ struct tc_buf path = {0}, value = {0};

	(void)state;
	tc_sigv4_escape(&path, TC_STR("/b/shop/web/a b+c%/\xc3\xa4!*'()~=&@..\x01"), true);
	assert_string_equal(path.p, "/b/shop/web/a%20b%2Bc%25/%C3%A4%21%2A%27%28%29~%3D%26%40..%01");
	tc_sigv4_escape(&value, TC_STR("shop/web/"), false);
	assert_string_equal(value.p, "shop%2Fweb%2F");
}

static void test_query(void **state)
{
	_cleanup_buf_ struct tc_buf query = {0};
	const struct tc_param pairs[] = {
		{"b", TC_STR("2")}, {"a-b", TC_STR("x")},     {"a", TC_STR("/")},
		{"b", TC_STR("1")}, {"versions", TC_STR("")}, {"B", TC_STR("z")},
	};

	(void)state;
	/* By name and then by value: '-' sorts before '=', and still "a" comes before "a-b". */
	tc_sigv4_query(&query, pairs, TC_COUNT(pairs));
	assert_string_equal(query.p, "B=z&a=%2F&a-b=x&b=1&b=2&versions=");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get_object),
		cmocka_unit_test(test_put_object),
		cmocka_unit_test(test_bucket_lifecycle),
		cmocka_unit_test(test_list_objects),
		cmocka_unit_test(test_suite),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
