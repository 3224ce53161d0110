/* base.h - what every source file includes first.
 *
 * System headers come before the poison at the end, so that their own inline code still compiles. */
#ifndef TC_BASE_H
#define TC_BASE_H

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TC_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* _cleanup_(tc_x_free) struct tc_x *x = NULL;  frees x when it leaves scope. Ownership leaves only through tc_take. */
#define _cleanup_(fn) __attribute__((cleanup(fn##_p)))
#define TC_DEFINE_CLEANUP(type, fn)         \
	static inline void fn##_p(type **p) \
	{                                   \
		fn(*p);                     \
		*p = NULL;                  \
	}
#define tc_take(p)                              \
	({                                      \
		__typeof__(*(p)) taken_ = *(p); \
		*(p) = NULL;                    \
		taken_;                         \
	})

#define TC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args), nonnull(fmt)))

/* A borrowed run of bytes; not terminated, may hold NUL. {0} is the empty string. */
struct tc_str {
	const char *s;
	size_t len;
};

#define TC_STR(literal) ((struct tc_str){.s = (literal), .len = sizeof(literal) - 1})
/* For printf: "%.*s", TC_STR_ARG(str) */
#define TC_STR_ARG(str) (int)(str).len, (str).s

static inline struct tc_str tc_str(const char *s)
{
	return (struct tc_str){.s = s, .len = s ? strlen(s) : 0};
}

static inline bool tc_str_equal(struct tc_str a, struct tc_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0);
}

/* By their bytes, a beginning before what it begins. */
static inline int tc_str_compare(struct tc_str a, struct tc_str b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.s, b.s, n) : 0;

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

static inline bool tc_str_is(struct tc_str a, const char *s)
{
	return tc_str_equal(a, tc_str(s));
}

static inline bool tc_str_starts(struct tc_str a, const char *prefix)
{
	size_t n = strlen(prefix);

	return a.len >= n && memcmp(a.s, prefix, n) == 0;
}

/* Unlike <ctype.h> these know no locale. */
static inline bool tc_is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static inline bool tc_is_lower(int c)
{
	return c >= 'a' && c <= 'z';
}

static inline bool tc_is_upper(int c)
{
	return c >= 'A' && c <= 'Z';
}

static inline bool tc_is_hex(int c)
{
	return tc_is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* What a digit of base64 (RFC 4648, section 4) stands for; -1 for anything that is none. */
static inline int tc_base64_digit(char c)
{
	if (tc_is_upper(c))
		return c - 'A';
	if (tc_is_lower(c))
		return c - 'a' + 26;
	if (tc_is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

#pragma GCC poison sprintf vsprintf strcpy strcat strncpy strtok atoi

#endif
