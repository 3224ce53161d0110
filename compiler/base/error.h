/* error.h - what went wrong around the input: arguments, files, bugs.
 *
 * The caller zero-initialises it; the failing call returns -1; context is added on the way up, the cause never
 * replaced. */
#ifndef TC_ERROR_H
#define TC_ERROR_H

#include "compiler/base/base.h"

/* code, exit status, meaning. Never reuse a status. */
#define TC_ERRORS(X)                                                             \
	X(DIFFERS, 1, "differences or findings")                                 \
	X(USAGE, 2, "wrong arguments, or a file that cannot be read or written") \
	X(REJECTED, 3, "contract or manifest rejected")                          \
	X(RETRY, 5, "a service is unavailable, may be retried")                  \
	X(BUG, 70, "internal error")

#define TC_ERROR_ENUM(name, status, meaning) TC_E_##name = (status),
enum tc_code { TC_E_NONE = 0, TC_ERRORS(TC_ERROR_ENUM) };
#undef TC_ERROR_ENUM

struct tc_error {
	enum tc_code code; /* also the exit status */
	char msg[1024];    /* one line, lower case, no full stop; longer texts are cut */
};

/* Always -1, so that callers can write: return tc_fail(err, TC_E_USAGE, "..."); */
int tc_fail(struct tc_error *e, enum tc_code code, const char *fmt, ...) TC_PRINTF(3, 4) __attribute__((cold));
/* Puts "context: " in front of the message. Always -1. */
int tc_wrap(struct tc_error *e, const char *fmt, ...) TC_PRINTF(2, 3) __attribute__((cold));

#endif
