/* redact.h - the parts of a text that people are not shown: the values of keys that hold secrets.
 *
 * It works on the text, not on a tree: it is for what is printed of a text that may be broken, may be YAML or JSON, or
 * may hold one in the other. Where it cannot tell how far a value goes, it hides more. */
#ifndef TC_REDACT_H
#define TC_REDACT_H

#include "compiler/base/arena.h"

#define TC_REDACTED "<redacted>"

struct tc_span {
	size_t from, to; /* bytes; never over a line feed, never empty */
};

struct tc_spans {
	struct tc_span *list; /* in their order, apart */
	size_t count, cap;
};

/* What stands behind each of the keys (NULL-terminated; NULL: none), with its colon or where that is missing: up to the
 * end of a quoted value, else to the end of the line, and the lines that continue it. Linear in the text for each key.
 */
struct tc_spans tc_redact(struct tc_arena *mem, struct tc_str text, const char *const *keys);
/* Of a sentence that may name such a key, and may quote a text: only behind a colon. */
struct tc_spans tc_redact_prose(struct tc_arena *mem, struct tc_str text, const char *const *keys);

/* The first span that ends behind this place, or NULL. The following ones stand behind it in the list. */
const struct tc_span *tc_spans_from(const struct tc_spans *spans, size_t from);

#endif
