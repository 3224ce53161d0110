/* s3.h - one request to an S3 server, signed, with the limits that every call has. Internal to registrars/.
 *
 * TLS as configured, no redirects, no proxy of the environment, no signals; one connection, kept. Sent is exactly the
 * path and the query that were signed. */
#ifndef TC_S3_H
#define TC_S3_H

#include "compiler/base/error.h"
#include "registrars/sigv4.h"

struct tc_s3;

struct tc_s3_login {
	const char *access_key;
	struct tc_str secret_key;
};

/* Borrowed, and outlives the connection. */
struct tc_s3_conf {
	const char *host;
	unsigned port;
	const char *tls_mode, *tls_ca; /* as in struct tc_service_config */
	const char *region;
	struct tc_s3_login login; /* the administrator's */
	unsigned seconds;         /* for one call */
};

struct tc_s3_request {
	const char *step;                    /* "read the user \"tent_shop_web\"", for messages */
	const char *method, *path;           /* path: escaped (tc_s3_path) */
	struct tc_param query[TC_QUERY_MAX]; /* up to the first without a name */
	struct tc_str body;
	const struct tc_s3_login *as; /* NULL: the connection's */
	bool checksum;                /* says the body's hash in a header, as DeleteObjects wants it */
	bool secret;                  /* the body holds a secret: nothing of what the server says to it is shown */
};

struct tc_s3_answer {
	int status;
	char code[64];     /* of an error: "NoSuchBucket"; "" */
	char message[160]; /* of an error, what the server says to people; "" */
	bool versioned;    /* it made a version, which a removal leaves there */
	int64_t date;      /* by the server's clock, seconds since 1970; -1: it did not say */
	struct tc_buf body;
};

#define TC_S3_ANSWER_MAX (64u << 20)

void tc_s3_open(struct tc_s3 **out, const struct tc_s3_conf *conf);
void tc_s3_free(struct tc_s3 *s);
/* 0: an answer came, of whatever status. -1: none, or not all of it. */
int tc_s3_call(struct tc_s3 *s, const struct tc_s3_request *req, struct tc_s3_answer *answer, struct tc_error *err);
/* The same, and any status but 2xx is an error. answer may be NULL. */
int tc_s3_do(struct tc_s3 *s, const struct tc_s3_request *req, struct tc_s3_answer *answer, struct tc_error *err);
/* What an answer that is not 2xx means, and what to do. Always -1. */
int tc_s3_refused(const struct tc_s3_request *req, const struct tc_s3_answer *answer, struct tc_error *err);
/* For what is no answer of an S3 server. Always -1. */
int tc_s3_garbage(const struct tc_s3_request *req, const char *what, struct tc_error *err);
void tc_s3_answer_free(struct tc_s3_answer *a);
/* Fills code and message from the body. */
void tc_s3_read_error(struct tc_s3_answer *a);

/* "/bucket/key", each escaped; key NULL: "/bucket". */
const char *tc_s3_path(struct tc_arena *mem, const char *bucket, const struct tc_str *key);

static inline bool tc_s3_good(const struct tc_s3_answer *a)
{
	return a->status >= 200 && a->status < 300;
}

#define _cleanup_s3_answer_ __attribute__((cleanup(tc_s3_answer_free)))

TC_DEFINE_CLEANUP(struct tc_s3, tc_s3_free)

#endif
