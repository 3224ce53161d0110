/* queue.h - which tentacles are to be looked at, and when: a work queue of names.
 *
 * A name stands in it once, due at the earliest time that was asked for; while it is being worked on it is not handed
 * out again, and what was asked for meanwhile comes after. So two workers never meet in one tentacle, and a hundred
 * events are one look. Times are seconds of tc_queue_now's clock; what is given as a wait (tc_queue_done,
 * tc_queue_retry) counts from the call. Any thread may call; only tc_queue_take waits. */
#ifndef TC_QUEUE_H
#define TC_QUEUE_H

#include "compiler/base/base.h"

struct tc_queue;

struct tc_queue *tc_queue_new(void);
void tc_queue_free(struct tc_queue *q); /* nobody waits in it any more */

/* CLOCK_MONOTONIC, in seconds. */
double tc_queue_now(void);

/* To be handed out at `due` (at once, when that is past). A name that waits already keeps the earlier time. */
void tc_queue_add(struct tc_queue *q, const char *name, double due);
/* As tc_queue_add, and the name's wait grows no longer: something changed, so a failure of before says nothing. */
void tc_queue_renew(struct tc_queue *q, const char *name, double due);

/* Waits until a name is due; of those due at one time, the one first added. NULL: tc_queue_stop was called. The name is
 * the queue's until it is given back, once, by tc_queue_done or tc_queue_retry. */
const char *tc_queue_take(struct tc_queue *q);
/* Worked on, and well: forgotten, unless it was added meanwhile. `again` > 0: to be looked at again in so many seconds.
 */
void tc_queue_done(struct tc_queue *q, const char *name, double again);
/* Worked on, and it failed: again after 1, 2, 4, ... up to `longest` seconds, each made up to a fifth shorter or longer
 * by the name and the count alone (no clock, no chance: tests can tell). Answers the seconds. */
double tc_queue_retry(struct tc_queue *q, const char *name, double longest);

/* All who wait, now and later, get NULL. */
void tc_queue_stop(struct tc_queue *q);
/* Names that wait; *working: being worked on. A name that was added while it is worked on counts as that. */
size_t tc_queue_length(const struct tc_queue *q, size_t *working);

TC_DEFINE_CLEANUP(struct tc_queue, tc_queue_free)

#endif
