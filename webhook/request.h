/* request.h - one HTTP request: what is refused, what is collected, what is answered.
 *
 * Refusals are one line of text that says what was found and what to do. */
#ifndef TC_REQUEST_H
#define TC_REQUEST_H

#include <pthread.h>

#include "webhook/door.h"
#include "webhook/refusal.h"
#include "webhook/server.h"

/* What requests need of the server. */
struct tc_service {
	struct tc_server_conf conf;
	struct tc_door *door;     /* of admission */
	atomic_size_t body_bytes; /* held by requests that are on their way */
	atomic_bool unready;
	bool stage_works;    /* the self-test */
	pthread_key_t arena; /* each worker's own */
	struct tc_refusals refusals;
};

struct tc_answer {
	unsigned status;
	const char *type;  /* of the content; NULL: text/plain */
	const char *allow; /* for 405 */
	struct tc_buf body;
	bool close; /* what follows on this connection cannot be trusted */
};

void tc_answer_line(struct tc_answer *a, unsigned status, const char *fmt, ...) TC_PRINTF(3, 4);

struct tc_route {
	const char *path;
	bool post; /* POST, with a body of JSON; else GET and HEAD */
	void (*handle)(struct tc_service *s, struct tc_str body, uint64_t start_ns, struct tc_answer *a);
};

/* The callbacks of a door (door.h); self is a struct tc_entry_point. */
struct tc_entry_point {
	struct tc_service *service;
	const struct tc_route *routes;
	size_t nroutes;
};
enum MHD_Result tc_request_answer(void *self, struct MHD_Connection *c, struct tc_visit *visit, const char *url,
				  const char *method, const char *body, size_t *size);
void tc_request_done(void *self, struct tc_visit *visit);

/* What stands behind the paths. */
void tc_serve_mutate(struct tc_service *s, struct tc_str body, uint64_t start_ns, struct tc_answer *a);
void tc_serve_healthz(struct tc_service *s, struct tc_str body, uint64_t start_ns, struct tc_answer *a);
void tc_serve_readyz(struct tc_service *s, struct tc_str body, uint64_t start_ns, struct tc_answer *a);
void tc_serve_version(struct tc_service *s, struct tc_str body, uint64_t start_ns, struct tc_answer *a);
void tc_serve_metrics(struct tc_service *s, struct tc_str body, uint64_t start_ns, struct tc_answer *a);

/* Does the stage still do what it is for? Run once, at the start. */
bool tc_mutate_works(const struct tc_server_conf *conf, struct tc_error *err);

uint64_t tc_now_ns(void); /* of a clock that never goes back */

#endif
