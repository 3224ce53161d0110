/* certs.h - a look at the webhook's certificates: for `tentc certs show` and `tentc doctor`. */
#ifndef TC_CLI_CERTS_H
#define TC_CLI_CERTS_H

#include "compiler/base/buf.h"
#include "kube/client.h"

struct tc_certs_view {
	struct tc_arena *mem;
	int64_t now;       /* seconds since 1970 */
	struct tc_buf out; /* all of it as text; the caller's */
	const char **problems;
	size_t nproblems, cap;
};

/* cert_secret "NAMESPACE/NAME" and webhook may be NULL: tentc's own. -1: it could not be asked. */
int tc_certs_look(struct tc_certs_view *v, struct tc_kube *k, const char *cert_secret, const char *webhook,
		  struct tc_error *err);

#endif
