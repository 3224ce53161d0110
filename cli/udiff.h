/* udiff.h - the unified diff of two texts, as `diff -u` and `git apply` know it.
 *
 * Pure. Linear space (Myers' divide and conquer); where texts differ too much for the shortest script to be worth its
 * time, a longer one is given, and beyond TC_UDIFF_LINES a text is replaced as a whole. */
#ifndef TC_UDIFF_H
#define TC_UDIFF_H

#include "compiler/base/buf.h"

#define TC_UDIFF_CONTEXT 3
#define TC_UDIFF_LINES 1000000

struct tc_udiff {
	const char *old_name, *new_name; /* behind --- and +++ */
	struct tc_str old_text, new_text;
	/* NULL, or the keys whose values are not shown (redact.h). They are compared: lines that look alike may differ.
	 */
	const char *const *secret_keys;
};

/* Appends nothing and answers false when the texts are equal. */
bool tc_udiff(struct tc_buf *out, const struct tc_udiff *d);

#endif
