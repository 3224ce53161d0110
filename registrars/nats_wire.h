/* nats_wire.h - a small client of NATS: enough to administer servers, and to prove that somebody may log in.
 *
 * One connection, one call at a time. Every call ends at a deadline, and no line or message is read that is longer than
 * a limit. Once a call has failed, the connection is of no use but to be closed. The server's words in an error are one
 * line, without what a terminal would obey, and never hold what we sent. */
#ifndef TC_NATS_WIRE_H
#define TC_NATS_WIRE_H

#include <jansson.h>

#include "compiler/base/arena.h"
#include "compiler/base/buf.h"
#include "compiler/base/error.h"
#include "kube/client.h"
#include "registrars/resolve.h"

/* Where and as whom; borrowed. */
struct tc_nats_login {
	const char *host;
	const char *address; /* of host, as a number; NULL: its name is resolved */
	unsigned port;
	const char *user, *password; /* NULL: nobody */
	/* "": TLS when the server asks for it; "disable"; "require"; "verify-full": as in struct tc_service_config */
	const char *tls_mode, *tls_ca;
};

/* Of the server's INFO; texts belong to the connection. */
struct tc_nats_info {
	const char *id, *name, *version;
	const char *account; /* after the login, where the server says so (2.10 and later); else NULL */
	const char **urls;   /* "host:port" of the cluster's servers, as clients may use them */
	size_t nurls;
};

enum tc_nats_answer {
	TC_NATS_OK,
	TC_NATS_REFUSED, /* -ERR: user or password is wrong, or nobody may log in so */
	TC_NATS_FULL,    /* they are right, and the account has no connection left */
	TC_NATS_FAILED,  /* anything else: err says what */
};

struct tc_nats;

enum tc_nats_answer tc_nats_connect(struct tc_nats **out, const struct tc_nats_login *login, unsigned seconds,
				    struct tc_error *err);
void tc_nats_close(struct tc_nats *n); /* accepts NULL */
const struct tc_nats_info *tc_nats_info(const struct tc_nats *n);
/* Whether it can still be used: asks the server. */
bool tc_nats_alive(struct tc_nats *n);

/* Sends body to subject and waits for an answer. *nobody: there is nobody who would answer (then *out is NULL). */
int tc_nats_request(struct tc_nats *n, json_t **out, const char *subject, const char *body, bool *nobody,
		    struct tc_error *err);
/* As above, for as many as there are: each is told of an answer and says how many milliseconds the next one may take, 0
 * when that was the last. */
int tc_nats_request_all(struct tc_nats *n, const char *subject, const char *body,
			unsigned (*each)(void *self, const json_t *answer), void *self, struct tc_error *err);
/* Whether the user may subscribe to it; the subscription ends at once. */
int tc_nats_may_subscribe(struct tc_nats *n, bool *may, const char *subject, struct tc_error *err);

TC_DEFINE_CLEANUP(struct tc_nats, tc_nats_close)

/* --- TLS, below it ---------------------------------------------------------------------------------------------------
 */

struct tc_nats_tls;

/* Handshake over a connected, non-blocking socket. */
int tc_nats_tls_start(struct tc_nats_tls **out, int fd, const char *host, const char *mode, const char *ca,
		      int64_t deadline, struct tc_error *err);
/* As read and write of a non-blocking socket; *events: what to wait for after -1. 0: closed. -2: broken. */
ssize_t tc_nats_tls_read(struct tc_nats_tls *t, void *room, size_t n, short *events);
ssize_t tc_nats_tls_write(struct tc_nats_tls *t, const void *bytes, size_t n, short *events);
void tc_nats_tls_free(struct tc_nats_tls *t); /* accepts NULL */
TC_DEFINE_CLEANUP(struct tc_nats_tls, tc_nats_tls_free)

/* Waits for a socket; false at the deadline (of tc_monotonic). */
bool tc_nats_await(int fd, short events, int64_t deadline);

#endif
