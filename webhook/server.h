/* server.h - the HTTPS door of admission: POST /mutate, GET /healthz, /readyz, /version; and plain HTTP for /metrics.
 *
 * No call leaves the process on the request path. Limits hold before memory is used: body, headers, connections, and
 * the time of a whole request, however slowly its bytes come. */
#ifndef TC_SERVER_H
#define TC_SERVER_H

#include "webhook/cache.h"
#include "webhook/metrics.h"
#include "webhook/serving.h"

struct tc_server_conf {
	const char *address;         /* "0.0.0.0", "127.0.0.1", "::" */
	const char *metrics_address; /* of /metrics; NULL: the same */
	unsigned port, metrics_port; /* port 0: a free one; metrics_port 0: no /metrics, UINT_MAX: a free one */
	unsigned threads;            /* 0: what tc_server_threads says */
	unsigned connections;        /* 0: 4096 */
	unsigned request_seconds;    /* from the first byte of a request to its last; 0: 10 */
	unsigned idle_seconds; /* between requests; 0: 120 (the API server ends them after 90, and must be first) */
	size_t max_body;       /* 0: 7 MiB, as TC_LIMITS_REQUEST */
	struct tc_serving *serving;
	struct tc_cache *cache; /* NULL: no cluster: nothing is known besides the review */
	struct tc_admit admit;  /* .knowledge is set by the server */
	const char *version, *config_hash;
	struct tc_metrics *metrics;
	struct tc_log *log;
};

struct tc_server;

/* Workers where nobody says how many: one per core that may be used, rounded up, 2 at least and 4 at most, since each
 * may hold a large review. cpu_max: what the control group's cpu.max says ("150000 100000", "max 100000"); "": nothing.
 */
unsigned tc_server_threads(unsigned cores, const char *cpu_max);

int tc_server_start(struct tc_server **out, const struct tc_server_conf *conf, struct tc_error *err);
unsigned tc_server_port(const struct tc_server *s);
unsigned tc_server_metrics_port(const struct tc_server *s);
/* Not ready from now on, but still serving: what balances the load has to see it. */
void tc_server_unready(struct tc_server *s);
/* Takes no new connection, lets requests in progress end (up to `seconds`), closes the rest. */
void tc_server_stop(struct tc_server *s, unsigned seconds);
void tc_server_free(struct tc_server *s);

TC_DEFINE_CLEANUP(struct tc_server, tc_server_free)

#endif
