/* publish.h - self-made certificates: made once, kept in one Secret, served by every replica, announced in the
 * caBundle.
 *
 * The Secret holds ca.crt, ca.key, tls.crt, tls.key, and, during a change, next.crt and next.key and the new CA: a new
 * leaf is served only after the caBundle has held its CA. Each step reads what is there and writes with the
 * resourceVersion that it read, so replicas do not need a leader. */
#ifndef TC_PUBLISH_H
#define TC_PUBLISH_H

#include "kube/client.h"
#include "webhook/log.h"
#include "webhook/serving.h"

struct tc_publish_conf {
	const char *ns, *secret;  /* "tentacular-system", "tentc-webhook-certs" */
	const char *webhook;      /* MutatingWebhookConfiguration whose caBundles are ours; NULL: none */
	const char *const *names; /* of the leaf: "tentc.tentacular-system.svc", ... */
	size_t nnames;
	int64_t lifetime; /* of a leaf, seconds; 0: 90 days. A CA lives ten times as long; both renew at two thirds */
};

struct tc_publish;

struct tc_publish *tc_publish_new(const struct tc_publish_conf *conf); /* strings are copied */
void tc_publish_free(struct tc_publish *p);

/* One step: reads the Secret and the caBundle, makes or renews what is due, announces it, and serves what may be
 * served. *again: seconds until the next step is due (at most 60). To be called again at once after it failed with a
 * conflict. */
int tc_publish_step(struct tc_publish *p, struct tc_kube *k, struct tc_serving *serving, int64_t now, unsigned *again,
		    struct tc_log *log, struct tc_kube_error *err);

TC_DEFINE_CLEANUP(struct tc_publish, tc_publish_free)

#endif
