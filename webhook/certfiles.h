/* certfiles.h - a serving certificate from a mounted Secret (tls.crt, tls.key), as cert-manager writes it.
 *
 * kubelet swaps the symbolic link ..data; a pair that is half-written or does not fit is not taken, and what was served
 * is served on. So is a pair that is not valid now, unless what is served is not valid either: then the client is told
 * what is wrong with it, instead of nothing. */
#ifndef TC_CERTFILES_H
#define TC_CERTFILES_H

#include "kube/log.h"
#include "webhook/serving.h"

struct tc_certfiles {
	const char *dir; /* holds tls.crt and tls.key */
	struct tc_log *log;
	/* what was read last, and what was said last: to be zero at first */
	uint64_t seen;
	bool failed;
	uint64_t said;
};

/* To be called every second or so: reads the files, and takes them when they have changed. -1: they cannot be used now;
 * each cause is said in the log once. */
int tc_certfiles_poll(struct tc_certfiles *f, struct tc_serving *serving, struct tc_error *err);

#endif
