/* reconcile.h - one tentacle, from what is there to what should be: looks, decides (decide.h), acts, writes it down.
 *
 * Looks are live GETs, never a cache. The record is written before the first side effect, so a process that is killed
 * at any point leaves behind what the next one needs. Every step may be done twice, by two replicas at once. */
#ifndef TC_RECONCILE_H
#define TC_RECONCILE_H

#include <stdatomic.h>

#include "controller/decide.h"
#include "kube/event.h"
#include "registrars/tentacle.h"

struct tc_reconcile_conf {
	const struct tc_config *config;
	const char *config_hash; /* tc_config_hash of it */
	const struct tc_keyring *keys;
	const struct tc_kube_config *kube;
	const char *ns;       /* where the records are: "tentacular-system" */
	const char *instance; /* which of us: in Events */
	/* As in struct tc_crew_conf. */
	int (*admin)(void *self, struct tc_admin *out, const struct tc_service_config *service, struct tc_error *err);
	void *admin_self;
	/* Asked before every write: a leader that lost its lease stops at once. */
	bool (*may_write)(void *self);
	void *may_write_self;
	/* Whether this tentacle's access may be taken away now (the cap of removals); counted when it answers true.
	 * NULL: it may. */
	bool (*may_remove)(void *self, const char *enclave, const char *name);
	void *may_remove_self;
	/* Told before each write, "write record shop/web: Pending", "create role tent_shop_web": for a log, and for
	 * tests that end the process there. NULL: nobody is. */
	void (*step)(void *self, const char *what);
	void *step_self;
};

struct tc_reconciled {
	struct tc_arena *mem; /* texts live there until the next call */
	enum tc_next next;    /* what was decided */
	const char *phase;    /* of the record now; NULL: there is none */
	double again;         /* seconds; 0: when something changes */
	size_t steps;         /* writes to services */
	struct tc_error err;  /* code TC_E_NONE: all is done */
};

struct tc_reconciler;

/* Belongs to one thread. What conf points to outlives it. */
struct tc_reconciler *tc_reconciler_new(const struct tc_reconcile_conf *conf);
void tc_reconciler_free(struct tc_reconciler *r);

struct tc_reconcile_ask {
	const char *enclave, *name;
	const char *kind;  /* of the workload that was seen under this name ("Deployment"); NULL: none was */
	const char *drift; /* what a look over all found different: it is applied though the record has it registered */
};

/* 0, or -1 and out->err. */
int tc_reconcile(struct tc_reconciler *r, struct tc_reconciled *out, const struct tc_reconcile_ask *ask);

TC_DEFINE_CLEANUP(struct tc_reconciler, tc_reconciler_free)

#endif
