/* door.h - a port: accepts connections, hands them to libmicrohttpd, and ends those that last too long or are too many.
 *
 * libmicrohttpd's own timeout counts only silence, its own limit keeps newcomers out for as long as the crowd stays,
 * and while it waits in a handshake it burns a core. So connections are accepted here, a handshake that waits is
 * suspended until its bytes are there, and every connection has an end however slowly its bytes come. */
#ifndef TC_DOOR_H
#define TC_DOOR_H

#include <microhttpd.h>

#include "compiler/base/error.h"
#include "webhook/metrics.h"
#include "webhook/serving.h"

/* One request of a connection, as the handlers see it. */
struct tc_visit {
	struct tc_conn *conn;
	void *request; /* the handler's own, NULL at first; it is to be gone when `done` returns */
};

struct tc_door_conf {
	const char *name; /* "webhook": for messages */
	const char *address;
	unsigned port; /* 0: a free one */
	unsigned threads;
	unsigned connections;
	unsigned request_ms; /* from the first byte of a request (at first: from the connection) to the last of its
				answer */
	unsigned idle_ms;    /* between requests */
	struct tc_serving *serving; /* what a TLS handshake is answered with; NULL: no TLS */

	void *self;
	enum MHD_Result (*answer)(void *self, struct MHD_Connection *c, struct tc_visit *visit, const char *url,
				  const char *method, const char *body, size_t *size);
	void (*done)(void *self, struct tc_visit *visit);

	struct tc_metrics *metrics; /* connections are counted when it is not NULL */
};

struct tc_door;

int tc_door_open(struct tc_door **out, const struct tc_door_conf *conf, struct tc_error *err);
unsigned tc_door_port(const struct tc_door *d);
/* The client was answered with what it came for: from now on others go first when there are too many. */
void tc_visit_welcome(struct tc_visit *v);
/* Much memory was freed: it goes back to the system soon, at most once a second. */
void tc_door_tidy(struct tc_door *d);
/* Takes no new connection; those between two requests end, the others after their answer. */
void tc_door_close(struct tc_door *d);
/* Is the door about to close? Answers say "Connection: close" then. */
bool tc_door_closing(const struct tc_door *d);
/* Waits until the last connection has ended. false: some are left. */
bool tc_door_drained(struct tc_door *d, unsigned ms);
void tc_door_free(struct tc_door *d); /* ends what is left */

TC_DEFINE_CLEANUP(struct tc_door, tc_door_free)

#endif
