/* netpol.h - the NetworkPolicy of a tentacle in the cluster. */
#ifndef TC_NETPOL_H
#define TC_NETPOL_H

#include "compiler/transform/stage.h"
#include "kube/client.h"

struct tc_netpol {
	const char *name;   /* NULL: the tentacle has none */
	const char *detail; /* "created", "put right", "unchanged"; of a plan "would be created", ... */
	const char *step;   /* what was changed; NULL: nothing */
};

/* Its name alone. */
void tc_netpol_of(struct tc_netpol *out, const struct tc_wanted *t);
/* mem: for texts. Applies it; with `plan` says only what that would do. One of that name which is not tentc's stays as
 * it is: policies add up, so ours then stands beside it, as tentacular-exoskeleton-<name>. */
int tc_netpol_apply(struct tc_kube *k, struct tc_arena *mem, const struct tc_wanted *t, bool plan,
		    struct tc_netpol *out, struct tc_error *err);

#endif
