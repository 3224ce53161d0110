/* controller.h - what should be, against what is, for ever: watches, a queue, workers, and one leader.
 *
 * Every replica watches, so that a new leader knows where to look; only the one that holds the Lease `tentc-controller`
 * in the system namespace writes. A leader that could not renew for 10 s, or slept that long, writes nothing more. */
#ifndef TC_CONTROLLER_H
#define TC_CONTROLLER_H

#include "controller/reconcile.h"
#include "kube/log.h"

/* The ConfigMap that says that removals are held; tentc resume deletes it. */
#define TC_REMOVALS_HELD "tentc-removals-held"

struct tc_controller_conf {
	/* may_write and may_remove are the controller's own. */
	struct tc_reconcile_conf reconcile;
	unsigned workers; /* threads; 0: 4 */
	unsigned resync;  /* seconds between two looks over all services; 0: 600 */
	const struct tc_log *log;
};

struct tc_controller;

/* What conf points to outlives it. */
struct tc_controller *tc_controller_new(const struct tc_controller_conf *conf);
int tc_controller_start(struct tc_controller *c, struct tc_error *err);
/* Ends what is being done, within the time limits of the services, and lets the Lease go. */
void tc_controller_stop(struct tc_controller *c);
void tc_controller_free(struct tc_controller *c);

TC_DEFINE_CLEANUP(struct tc_controller, tc_controller_free)

#endif
