/* lease.h - leadership by a Lease (coordination.k8s.io/v1): who holds it may act, the others wait.
 *
 * 15 s long, renewed every 2 s, given up after 10 s without a renewal; taken over only when the record has not changed
 * for its duration on our own monotonic clock. It is no fence: what a leader does must be safe when two do it. */
#ifndef TC_KUBE_LEASE_H
#define TC_KUBE_LEASE_H

#include "kube/client.h"

struct tc_lease_conf {
	const char *ns, *name;
	const char *identity;               /* who we are: pod name and something random */
	unsigned duration, renew, deadline; /* seconds; 0: 15, 2, 10 */
};

struct tc_lease;

struct tc_lease *tc_lease_new(const struct tc_lease_conf *conf); /* strings are copied */
void tc_lease_free(struct tc_lease *l);

/* One step, to be called every `renew` seconds: tries to take or to renew it. -1: the server could not be asked. */
int tc_lease_step(struct tc_lease *l, struct tc_kube *k, struct tc_kube_error *err);
/* Is it ours now, by our own clock and the last renewal that succeeded? */
bool tc_lease_held(const struct tc_lease *l);
/* Who held it at the last step; "" for nobody. */
const char *tc_lease_holder(const struct tc_lease *l);
/* Lets it go, so that another takes it at once. Nothing when it is not ours. */
int tc_lease_release(struct tc_lease *l, struct tc_kube *k, struct tc_kube_error *err);

TC_DEFINE_CLEANUP(struct tc_lease, tc_lease_free)

#endif
