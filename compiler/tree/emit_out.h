/* emit_out.h - what the two writers share. Internal to emission. */
#ifndef TC_EMIT_OUT_H
#define TC_EMIT_OUT_H

#include "compiler/tree/emit.h"

/* tc_buf_add without the call, most of the time. */
static inline void tc_out(struct tc_buf *b, const char *s, size_t n)
{
	if (n == 0)
		return;
	if (b->cap - b->len <= n) {
		tc_buf_add(b, s, n);
		return;
	}
	memcpy(b->p + b->len, s, n);
	b->len += n;
	b->p[b->len] = '\0';
}

#define tc_out_lit(b, literal) tc_out((b), (literal), sizeof(literal) - 1)

static inline void tc_out_spaces(struct tc_buf *b, size_t n)
{
	static const char spaces[] = "                                                                ";

	for (; n > sizeof(spaces) - 1; n -= sizeof(spaces) - 1)
		tc_out(b, spaces, sizeof(spaces) - 1);
	tc_out(b, spaces, n);
}

/* The length of the character at p when it may stand in a text as it is, quoted or not, and breaks no line (a line feed
 * does); 0 when it has to be escaped: control characters, U+0085, U+2028, U+2029, a byte order mark, bad UTF-8. */
size_t tc_out_char(const char *p, const char *end);

void tc_emit_yaml(struct tc_buf *out, const struct tc_node *n, struct tc_emit how);
void tc_emit_json(struct tc_buf *out, const struct tc_node *n, struct tc_emit how);

#endif
