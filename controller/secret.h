/* secret.h - the Secret of a tentacle in the cluster. */
#ifndef TC_SECRET_H
#define TC_SECRET_H

#include "compiler/transform/stage.h"
#include "kube/client.h"

/* Applies it. No Secret among the objects: *name is NULL. */
int tc_secret_apply(struct tc_kube *k, struct tc_arena *mem, const struct tc_wanted *t, const char **name,
		    struct tc_error *err);
/* What apply would do, in *detail: "would be created", "as it should be", "would change: KEY, KEY". */
int tc_secret_compare(struct tc_kube *k, struct tc_arena *mem, const struct tc_wanted *t, const char **name,
		      const char **detail, struct tc_error *err);
/* Deletes all Secrets that tentc made for a tentacle, of every epoch, without reading one. */
int tc_secrets_delete(struct tc_kube *k, struct tc_arena *mem, const char *enclave, const char *name,
		      struct tc_error *err);

#endif
