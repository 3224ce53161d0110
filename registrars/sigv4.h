/* sigv4.h - AWS Signature Version 4, as S3 servers read it
 * (docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html). Internal to registrars/.
 *
 * By hand and not by libcurl: what CURLOPT_AWS_SIGV4 signs differs from release to release. Pure. */
#ifndef TC_SIGV4_H
#define TC_SIGV4_H

#include "compiler/base/buf.h"
#include "compiler/contract/credentials.h"

struct tc_param {
	const char *name;
	struct tc_str value;
};

struct tc_sigv4 {
	const char *access_key;
	struct tc_str secret_key;
	const char *region, *service; /* "us-east-1", "s3" */
	const char *stamp;            /* "20130524T000000Z" */
	const char *method;
	const char *path, *query;       /* as tc_sigv4_escape and tc_sigv4_query wrote them; query "": none */
	const struct tc_param *headers; /* all that are signed, in lower case and in order: host, x-amz-* */
	size_t nheaders;
	const char *payload; /* the hash of the body, in hex */
};

#define TC_SHA256_HEX 65

/* What is not unreserved (RFC 3986) becomes %XX, once; keep_slash for a path. */
void tc_sigv4_escape(struct tc_buf *out, struct tc_str text, bool keep_slash);
/* a=1&b=%2F&c=, sorted as the signature wants it, and as it has to be sent. At most TC_QUERY_MAX pairs. */
#define TC_QUERY_MAX 16
void tc_sigv4_query(struct tc_buf *out, const struct tc_param *pairs, size_t n);
void tc_sigv4_hash(struct tc_str body, char out[TC_SHA256_HEX]);
/* The value of the header Authorization. */
void tc_sigv4_sign(struct tc_buf *out, const struct tc_sigv4 *r);

#endif
