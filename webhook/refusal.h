/* refusal.h - what was refused and why, in the log: whoever refuses has to be able to say so later, and whoever sends
 * nonsense must not fill the log with it. */
#ifndef TC_REFUSAL_H
#define TC_REFUSAL_H

#include <pthread.h>

#include "kube/log.h"

/* Lines in one second; the next line after them says how many were left out. */
#define TC_REFUSALS_LOGGED 10

struct tc_refusals {
	pthread_mutex_t lock;
	uint64_t second;
	uint64_t logged, left_out; /* in that second; since the last line */
};

void tc_refusals_init(struct tc_refusals *r);
void tc_refusals_destroy(struct tc_refusals *r);
/* why: what the client was told, of which the first line is logged. */
void tc_refusals_log(struct tc_refusals *r, const struct tc_log *log, uint64_t now_ns, unsigned status,
		     struct tc_str why);

#endif
