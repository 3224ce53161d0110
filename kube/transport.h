/* transport.h - one request over HTTP, with the limits that every call has. Internal to kube/.
 *
 * TLS 1.2 or later, the configuration's CA alone where it has one, no redirects, no proxy but the configuration's, no
 * signals. One connection, kept. */
#ifndef TC_KUBE_TRANSPORT_H
#define TC_KUBE_TRANSPORT_H

#include <stdatomic.h>

#include "compiler/base/buf.h"
#include "kube/config.h"

struct tc_transport;

struct tc_request {
	const char *method, *path; /* path with its query */
	const char *content_type;  /* of body; NULL: application/json */
	const char *accept;        /* NULL: application/json */
	struct tc_str body;
	size_t max;              /* bytes of an answer; 0: TC_ANSWER_MAX */
	unsigned seconds;        /* for all of it; 0: 30 */
	const atomic_bool *stop; /* NULL: nobody stops it */
	/* Called for each line of a 200 instead of keeping it. -1 with err set ends the call. */
	int (*line)(void *self, const char *s, size_t n, struct tc_kube_error *err);
	void *self;
};

struct tc_answer {
	int status;
	unsigned retry_after;
	bool json;          /* says its Content-Type */
	bool too_large;     /* more than max: kept also where the call failed */
	struct tc_buf body; /* wiped when it is freed; empty where `line` got it */
};

#define TC_ANSWER_MAX (64u << 20)
/* An object is 1.5 MiB at most in etcd, and somewhat more as JSON. */
#define TC_LINE_MAX (16u << 20)

/* config outlives it. */
int tc_transport_open(struct tc_transport **out, const struct tc_kube_config *config, struct tc_kube_error *err);
void tc_transport_free(struct tc_transport *t);
/* 0: an answer came, of whatever status. -1: none, or not all of it; err has no status then. */
int tc_transport_call(struct tc_transport *t, const struct tc_request *req, struct tc_answer *answer,
		      struct tc_kube_error *err);
void tc_answer_free(struct tc_answer *a);

#define _cleanup_answer_ __attribute__((cleanup(tc_answer_free)))

TC_DEFINE_CLEANUP(struct tc_transport, tc_transport_free)

#endif
