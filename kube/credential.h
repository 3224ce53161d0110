/* credential.h - who a client is just now: a token or certificate that may change. Internal to kube/.
 *
 * A token's file is read again after 60 s, a plugin asked again when what it gave has expired; both at once after a
 * 401. What was there before is wiped. */
#ifndef TC_KUBE_CREDENTIAL_H
#define TC_KUBE_CREDENTIAL_H

#include <stdatomic.h>

#include "kube/access.h"

struct tc_kube_credential {
	struct tc_arena *mem; /* NULL: nothing was read yet, or nothing changes */
	const char *token;    /* NULL: none */
	struct tc_str cert, key;
	int64_t read_at; /* tc_clock */
	int64_t expires; /* seconds since 1970; 0: never */
};

/* Makes it good for the next call. refused: the server did not take it. Returns 1 when it is another one now, 0 when it
 * is as before, -1 when there is none. */
int tc_kube_credential_refresh(struct tc_kube_credential *cred, const struct tc_kube_config *config, bool refused,
			       const atomic_bool *stop, struct tc_kube_error *err);
void tc_kube_credential_clear(struct tc_kube_credential *cred);

/* exec.c: runs the plugin, for 60 s at most. cred is filled from its answer, in cred->mem. */
int tc_kube_exec_run(struct tc_kube_credential *cred, const struct tc_kube_config *config, const atomic_bool *stop,
		     struct tc_kube_error *err);

#endif
