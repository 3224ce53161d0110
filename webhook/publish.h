/* publish.h - self-made certificates: made once, kept in one Secret, served by every replica, announced in the
 * caBundle.
 *
 * The Secret (Opaque; labels, type and other keys of one that is there already are kept) holds
 *
 *   ca.crt ca.key            the CA that signs
 *   tls.crt tls.key          the leaf that every replica serves
 *   next-ca.crt next-ca.key  a CA that is announced, and signs nothing yet
 *   old-ca.crt old-ca.until  CAs that sign no more, and when their last leaf has expired (seconds since 1970)
 *
 * and the caBundle all of these CAs. A new CA becomes the one that signs when the caBundle has held it for a while, so
 * there is no leaf yet whose CA an API server might not know; an old one stays for as long as a replica may serve its
 * leaf. Each write carries the resourceVersion of what was read, so replicas need no leader: one of them wins, the
 * others read what it wrote. */
#ifndef TC_PUBLISH_H
#define TC_PUBLISH_H

#include "kube/client.h"
#include "kube/log.h"
#include "webhook/serving.h"

struct tc_publish_conf {
	const char *ns, *secret; /* "tentacular-system", "tentc-webhook-certs" */
	/* MutatingWebhookConfiguration whose caBundles are ours; NULL: none. Of its entries those with a url, and those
	 * with a service of which NAME.NAMESPACE.svc is one of the names below */
	const char *webhook;
	const char *const *names; /* of the leaf: "tentc.tentacular-system.svc", ... */
	size_t nnames;
	int64_t lifetime; /* of a leaf, seconds; 0: 90 days. A CA lives ten times as long; both renew at two thirds */
	int64_t (*clock_ms)(void); /* milliseconds of a clock that never goes back; NULL: the system's */
};

struct tc_publish;

struct tc_publish *tc_publish_new(const struct tc_publish_conf *conf); /* strings are copied */
void tc_publish_free(struct tc_publish *p);

/* One step: reads the Secret and the caBundle, serves what may be served, makes or renews what is due, announces it.
 * *again: seconds until the next step is due (1 to 60), also after a failure. Conflicts with other replicas are tried
 * again here, a few times. `now` is the own clock; where the API server's differs, that one counts, since it is what
 * verifies. */
int tc_publish_step(struct tc_publish *p, struct tc_kube *k, struct tc_serving *serving, int64_t now, unsigned *again,
		    struct tc_log *log, struct tc_kube_error *err);

/* Between steps, every TC_PUBLISH_LOOK seconds: one GET. False: the caBundle is not what the last step left, or cannot
 * be read, so the next step is due now: an API server that has lost the CA refuses every write to an enclave. */
#define TC_PUBLISH_LOOK 5
bool tc_publish_look(struct tc_publish *p, struct tc_kube *k);
/* When it was read or written last, did every entry hold the CA of what is served? False where there is no entry. */
bool tc_publish_bundle_ok(const struct tc_publish *p);

TC_DEFINE_CLEANUP(struct tc_publish, tc_publish_free)

#endif
