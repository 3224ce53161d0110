/* clock.h - two clocks and how Kubernetes writes time. Internal to kube/.
 *
 * What has to wait or to expire goes by tc_clock, which nobody sets; wall time only goes into objects that are written,
 * and is compared with what a credential says about itself. */
#ifndef TC_KUBE_CLOCK_H
#define TC_KUBE_CLOCK_H

#include <stdatomic.h>

#include "compiler/base/base.h"

/* Milliseconds since the machine started, its sleep included. */
int64_t tc_clock(void);
/* RFC 3339 with six decimals: metav1.MicroTime, now. */
#define TC_MICRO_TIME 32
void tc_micro_time(char out[TC_MICRO_TIME]);
/* Seconds since 1970; -1: no RFC 3339. */
int64_t tc_time_parse(struct tc_str text);
/* Sleeps, in parts of 0.2 s: until *stop is true, too. stop may be NULL. */
void tc_clock_wait(int64_t milliseconds, const atomic_bool *stop);
/* Between half of n and n, so that many who wait do not come at once. */
int64_t tc_jitter(int64_t n);

#endif
