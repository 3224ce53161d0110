#include "compiler/base/buf.h"
#include "compiler/base/arena.h"
#include "compiler/base/format.h"

#define FIRST_CAPACITY 64

static void move_to(struct tc_buf *b, size_t cap)
{
	char *p;

	if (!b->secret) {
		b->p = tc_xrealloc(b->p, cap);
	} else {
		/* realloc would leave the old bytes behind. */
		p = tc_xalloc(cap);
		if (b->p) {
			memcpy(p, b->p, b->len + 1);
			explicit_bzero(b->p, b->cap);
			free(b->p);
		}
		b->p = p;
	}
	b->cap = cap;
	b->p[b->len] = '\0';
}

/* Doubles, so that n appends cost O(n) in all. */
void tc_buf_reserve(struct tc_buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : FIRST_CAPACITY, need;

	if (b->p && n < b->cap - b->len)
		return;
	if (__builtin_add_overflow(b->len, n, &need) || need > PTRDIFF_MAX / 2)
		tc_no_memory();
	while (cap <= need)
		cap *= 2;
	move_to(b, cap);
}

void tc_buf_add(struct tc_buf *b, const char *s, size_t n)
{
	if (b->cap - b->len <= n)
		tc_buf_reserve(b, n);
	if (n)
		memcpy(b->p + b->len, s, n);
	b->len += n;
	b->p[b->len] = '\0';
}

void tc_buf_putc(struct tc_buf *b, char c)
{
	if (b->cap - b->len < 2)
		tc_buf_reserve(b, 1);
	b->p[b->len++] = c;
	b->p[b->len] = '\0';
}

void tc_buf_fill(struct tc_buf *b, char c, size_t n)
{
	tc_buf_reserve(b, n);
	memset(b->p + b->len, c, n);
	b->len += n;
	b->p[b->len] = '\0';
}

/* Formats into the room that is left; a second time only when that was too small. */
void tc_buf_printf(struct tc_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	tc_buf_reserve(b, FIRST_CAPACITY);
	va_start(ap, fmt);
	va_copy(again, ap);
	n = tc_format(b->p + b->len, b->cap - b->len, fmt, ap);
	va_end(ap);
	if (n < 0)
		tc_no_memory();
	if ((size_t)n >= b->cap - b->len) {
		b->p[b->len] = '\0';
		tc_buf_reserve(b, (size_t)n);
		tc_format(b->p + b->len, (size_t)n + 1, fmt, again);
	}
	va_end(again);
	b->len += (size_t)n;
}

void tc_buf_clear(struct tc_buf *b)
{
	if (!b->p)
		return;
	if (b->secret)
		explicit_bzero(b->p, b->cap);
	b->len = 0;
	b->p[0] = '\0';
}

void tc_buf_free(struct tc_buf *b)
{
	if (b->p && b->secret)
		explicit_bzero(b->p, b->cap);
	free(b->p);
	*b = (struct tc_buf){0};
}
