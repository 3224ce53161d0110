/* conn.h - the connections of a door: how long each may last, and which goes when there are too many.
 *
 * Times are milliseconds of a clock that never goes back. A connection belongs to the worker thread that libmicrohttpd
 * gave it; the lists and what ends it belong to the lock. */
#ifndef TC_CONN_H
#define TC_CONN_H

#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "webhook/door.h"

struct tc_conn {
	TAILQ_ENTRY(tc_conn) link;
	struct tc_conns *all;
	struct MHD_Connection *mhd;
	int fd;
	int wake_fd; /* the doorman's epoll, which resumes it */
	struct tc_visit visit;
	atomic_uint_fast64_t since; /* of this request, or of the end of the one before */
	atomic_bool busy; /* in a request, from its first byte to the end of its answer; or in the handshake */
	bool asked;       /* the head of a request has been read once: handshake and waiting are over */
	bool watched;     /* is in the doorman's epoll */
	atomic_bool suspended;
	bool welcome, ending; /* under the lock */
	const atomic_bool *stopping;
};

TAILQ_HEAD(tc_conn_list, tc_conn);

struct tc_conns {
	pthread_mutex_t lock;
	/* Oldest first. Those that came for something, and those that have not shown it yet. */
	struct tc_conn_list welcome, strangers, ending;
	unsigned request_ms, idle_ms;
	struct tc_metrics *metrics;
	struct tc_serving *serving;
};

uint64_t tc_now_ms(void);

void tc_conns_init(struct tc_conns *c);
void tc_conns_destroy(struct tc_conns *c);
void tc_conns_add(struct tc_conns *c, struct tc_conn *conn); /* busy with its handshake */
void tc_conns_remove(struct tc_conns *c, struct tc_conn *conn);
/* Ends one that another may have the place of: the oldest stranger, else the one that is idle longest. */
bool tc_conns_make_room(struct tc_conns *c);
/* Ends what has lasted too long. */
void tc_conns_sweep(struct tc_conns *c);
/* Ends those between two requests (all: those within one too). How many are left, with those that are ending. */
size_t tc_conns_end(struct tc_conns *c, bool all);
void tc_conns_resume(struct tc_conns *c); /* all that are suspended */

/* A request begins, unless it has; and ends. */
void tc_conn_begin(struct tc_conn *conn);
void tc_conn_rest(struct tc_conn *conn);
/* Makes gnutls read through the connection: that tells when a request begins, and when a handshake has to wait. */
void tc_conn_attach(struct tc_conn *conn, gnutls_session_t session);

#endif
