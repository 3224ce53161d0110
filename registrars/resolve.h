/* resolve.h - names to addresses with a time limit, and the clock by which registrars wait; internal to registrars/. */
#ifndef TC_RESOLVE_H
#define TC_RESOLVE_H

#include "compiler/base/error.h"

/* Milliseconds of a clock that nobody sets, and waiting by it. */
int64_t tc_monotonic(void);
void tc_pause(unsigned milliseconds);

#define TC_ADDRESSES_MAX 4

struct tc_addresses {
	char list[TC_ADDRESSES_MAX][64]; /* as numbers */
	size_t count;
};

/* getaddrinfo, given up at the deadline (of tc_monotonic). It runs in a thread of its own, which ends when the system's
 * resolver does; a literal address needs none. */
int tc_resolve(struct tc_addresses *out, const char *host, int64_t deadline, struct tc_error *err);

#endif
