/* look.h - what there is of one tentacle in the cluster, by live GETs. Internal to controller/. */
#ifndef TC_LOOK_H
#define TC_LOOK_H

#include "controller/decide.h"
#include "controller/reconcile.h"
#include "kube/client.h"

/* A workload, in the API. */
struct tc_workload_kind {
	const char *kind, *api_version, *root, *resource;
};
/* NULL: no kind that can have a contract. */
const struct tc_workload_kind *tc_workload_kind(const char *kind);
/* By row, 0 to TC_WORKLOAD_KINDS - 1; and back. */
#define TC_WORKLOAD_KINDS 6
const struct tc_workload_kind *tc_workload_kind_at(unsigned row);
unsigned tc_workload_row(const struct tc_workload_kind *kind);

/* What another object controls is no workload: its owner is. */
bool tc_is_owned(const json_t *object);

/* Where the record of a tentacle is. */
const char *tc_record_path(struct tc_arena *mem, const char *ns, const char *enclave, const char *name);

struct tc_looked {
	struct tc_record record; /* where view.record is set */
	struct tc_view view;
	const struct tc_wanted *want; /* what its contract asks for; NULL: there is none, or it is invalid */
};

/* All that out holds lives in mem, which is to be wiped: the want's Secret holds credentials. -1: what could not be
 * known, which changes nothing. */
int tc_look(struct tc_looked *out, struct tc_kube *k, const struct tc_reconcile_conf *conf,
	    const struct tc_reconcile_ask *ask, struct tc_arena *mem, struct tc_error *err);

#endif
