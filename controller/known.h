/* known.h - what the watches have seen: which workloads, records and enclaves there are. Only names and numbers, to
 * know where to look; what is done is decided from live looks. Internal to controller/; every function locks. */
#ifndef TC_KNOWN_H
#define TC_KNOWN_H

#include "controller/queue.h"
#include "controller/reconcile.h"
#include "controller/record.h"
#include "registrars/tentacle.h"

/* `kind` of the functions below is the row of a kind of workload (look.h). */
struct tc_known;

/* Names that have to be looked at go to the queue, "shop/web". */
struct tc_known *tc_known_new(struct tc_queue *queue);
void tc_known_free(struct tc_known *k);

/* A list of a kind begins, and what it did not hold until it ended is gone. */
void tc_known_list_begins(struct tc_known *k, unsigned kind);
void tc_known_list_ended(struct tc_known *k, unsigned kind);
void tc_known_workload(struct tc_known *k, unsigned kind, const char *ns, const char *name, bool there);

/* Namespaces: those that are enclaves. Workloads elsewhere are not looked at, but for those with a record. */
void tc_known_enclave(struct tc_known *k, const char *ns, bool is);

/* The record's summary is copied. NULL: it is gone, and looked at again, which makes it anew. */
void tc_known_record(struct tc_known *k, const char *enclave, const char *name, const struct tc_record *r);

/* A ConfigMap with a contract came, changed or went: the workload that it names, or all of its namespace. */
void tc_known_contract(struct tc_known *k, const char *ns, const char *name, const char *tentacle);

/* A NetworkPolicy of ours. A generation that grew, or one that is gone, is somebody else's doing. */
void tc_known_policy(struct tc_known *k, const char *ns, const char *release, long long generation);

/* What a worker asks for: the kind of workload to look for, and what drift was found, which is forgotten then. */
void tc_known_ask(struct tc_known *k, const char *key, struct tc_arena *mem, struct tc_reconcile_ask *ask);
/* A look over all found that something differs. */
void tc_known_drift(struct tc_known *k, const char *enclave, const char *name, const char *what);

/* Puts all into the queue: a new leader knows nothing of what the last one did. */
void tc_known_look_at_all(struct tc_known *k);

/* What all registered tentacles want of one service, in mem; how many records there are. */
struct tc_want *tc_known_wants(struct tc_known *k, const char *service, struct tc_arena *mem, size_t *n);
size_t tc_known_records(struct tc_known *k, size_t by_phase[TC_PHASE_DESTROYED + 1]);

TC_DEFINE_CLEANUP(struct tc_known, tc_known_free)

#endif
