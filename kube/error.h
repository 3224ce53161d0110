/* error.h - what went wrong in a call to the API server: one type, from transport to admission.
 *
 * Status classes: https://kubernetes.io/docs/reference/using-api/api-concepts/ and metav1.Status. */
#ifndef TC_KUBE_ERROR_H
#define TC_KUBE_ERROR_H

#include "compiler/base/error.h"

struct tc_kube_error {
	struct tc_error error; /* code TC_E_RETRY: the very same call may succeed later; a Conflict is none of these:
				  read again. The message says what was called and what came back */
	int status;            /* of HTTP; 0: no answer came */
	char reason[64];       /* Status.reason: "NotFound", "Conflict", "AlreadyExists", "Expired", "Forbidden"; "" */
	unsigned retry_after;  /* seconds that the server asked for; 0: it did not */
};

static inline bool tc_kube_may_retry(const struct tc_kube_error *e)
{
	return e->error.code == TC_E_RETRY;
}

#endif
