/* objects.h - the objects of a tentacle in the cluster: its NetworkPolicy, its ClusterSPIFFEID, its Secret.
 *
 * What they hold is the stage's; here they are only applied (server-side, as the field manager tentc) and deleted.
 * Secrets are written and never read. */
#ifndef TC_OBJECTS_H
#define TC_OBJECTS_H

#include "compiler/transform/stage.h"
#include "kube/client.h"

enum tc_objects_which {
	TC_OBJECTS_OPEN,   /* all but the Secret */
	TC_OBJECTS_SECRET, /* it alone, which comes last: a pod that waits for it starts with what works */
};

/* Applies those of a tentacle. `step` is told before each, "apply NetworkPolicy web-netpol"; NULL: nobody is. A
 * ClusterSPIFFEID is left to the registrar of SPIRE, which proves it as well. mem: for paths. */
int tc_objects_apply(struct tc_kube *k, const struct tc_wanted *t, enum tc_objects_which which, struct tc_arena *mem,
		     void (*step)(void *self, const char *what), void *self, struct tc_error *err);

/* Deletes all Secrets that tentc made for a tentacle, of every epoch. No namespace, or nothing there: fine. */
int tc_objects_delete_secrets(struct tc_kube *k, const char *enclave, const char *name, struct tc_arena *mem,
			      struct tc_error *err);

#endif
