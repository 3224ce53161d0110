/* buf.h - a text that grows at its end, on the heap.
 *
 * {0} is a valid empty buffer. p is terminated whenever it is not NULL. Appending never fails (see arena.h). */
#ifndef TC_BUF_H
#define TC_BUF_H

#include "compiler/base/base.h"

struct tc_buf {
	char *p;
	size_t len, cap;
	bool secret; /* set it before the first byte: old blocks are wiped when it grows, all of it when it is freed */
};

void tc_buf_add(struct tc_buf *b, const char *s, size_t n);
static inline void tc_buf_puts(struct tc_buf *b, const char *s)
{
	tc_buf_add(b, s, strlen(s)); /* here, where the length of a literal is known */
}
void tc_buf_putc(struct tc_buf *b, char c);
void tc_buf_fill(struct tc_buf *b, char c, size_t n);
void tc_buf_printf(struct tc_buf *b, const char *fmt, ...) TC_PRINTF(2, 3);
/* Makes room for n more bytes at once. */
void tc_buf_reserve(struct tc_buf *b, size_t n);
void tc_buf_clear(struct tc_buf *b); /* keeps the block */
void tc_buf_free(struct tc_buf *b);  /* b itself stays usable, as {0} */

static inline struct tc_str tc_buf_str(const struct tc_buf *b)
{
	return (struct tc_str){.s = b->p ? b->p : "", .len = b->len};
}

/* _cleanup_buf_ struct tc_buf b = {0}; */
#define _cleanup_buf_ __attribute__((cleanup(tc_buf_free)))

#endif
