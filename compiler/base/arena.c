#include "compiler/base/arena.h"

#include "compiler/base/format.h"

/* Under AddressSanitizer what is not handed out is poisoned, and a gap stays between neighbours: an overrun inside a
 * chunk is then found as it would be with malloc. */
#if defined(__SANITIZE_ADDRESS__)
#define POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISONS 1
#endif
#endif
#ifdef POISONS
#include <sanitizer/asan_interface.h>
#define GAP 8
#define poison(p, n) __asan_poison_memory_region((p), (n))
#define unpoison(p, n) __asan_unpoison_memory_region((p), (n))
#else
#define GAP 0
#define poison(p, n) ((void)(p), (void)(n))
#define unpoison(p, n) ((void)(p), (void)(n))
#endif

#define CHUNK_MIN 1024
/* Enough for a document of some hundred KiB after another; more would keep the peak of one large document for ever. */
#define SPARES_MAX 8

/* What is not handed out is zero: cleared in one sweep when it comes back, not piece by piece when it goes out. */
struct chunk {
	struct chunk *below;
	size_t size;
	size_t used; /* while it is not the top one */
	char data[];
};

/* at and end stand in the top chunk: the usual allocation touches nothing else. */
struct tc_arena {
	char *at, *end;
	struct chunk *top;
	struct chunk *spares; /* all of the usual size */
	unsigned spare_count;
	bool secret;
	size_t chunk;
};

void tc_no_memory(void)
{
	abort();
}

void *tc_xalloc(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (!p)
		tc_no_memory();
	return p;
}

void *tc_xrealloc(void *p, size_t n)
{
	p = realloc(p, n ? n : 1);
	if (!p)
		tc_no_memory();
	return p;
}

static struct tc_arena *arena_new(size_t chunk, bool secret)
{
	struct tc_arena *a = tc_xalloc(sizeof(*a));

	a->chunk = chunk < CHUNK_MIN ? CHUNK_MIN : chunk;
	a->secret = secret;
	return a;
}

struct tc_arena *tc_arena_new(size_t chunk)
{
	return arena_new(chunk, false);
}

struct tc_arena *tc_arena_new_secret(size_t chunk)
{
	return arena_new(chunk, true);
}

/* Bytes that were handed out become as new. */
static void clear(const struct tc_arena *a, char *from, size_t n)
{
	if (n == 0)
		return; /* an arena without a chunk: from is NULL */
	unpoison(from, n);
	if (a->secret)
		explicit_bzero(from, n);
	else
		memset(from, 0, n);
	poison(from, n);
}

static void chunks_free(const struct tc_arena *a, struct chunk *c)
{
	while (c) {
		struct chunk *below = c->below;

		unpoison(c->data, c->size);
		if (a->secret)
			explicit_bzero(c->data, c->size);
		free(c);
		c = below;
	}
}

void tc_arena_free(struct tc_arena *a)
{
	if (!a)
		return;
	chunks_free(a, a->top);
	chunks_free(a, a->spares);
	free(a);
}

struct tc_arena_mark tc_arena_mark(const struct tc_arena *a)
{
	return (struct tc_arena_mark){.chunk = a->top, .used = a->top ? (size_t)(a->at - a->top->data) : 0};
}

static void make_top(struct tc_arena *a, struct chunk *c, size_t used)
{
	a->top = c;
	a->at = c ? c->data + used : NULL;
	a->end = c ? c->data + c->size : NULL;
}

static void pop(struct tc_arena *a)
{
	struct chunk *c = a->top;

	if (c->size != a->chunk || a->spare_count == SPARES_MAX) {
		make_top(a, c->below, c->below ? c->below->used : 0);
		c->below = NULL;
		chunks_free(a, c);
		return;
	}
	clear(a, c->data, (size_t)(a->at - c->data));
	make_top(a, c->below, c->below ? c->below->used : 0);
	c->below = a->spares;
	a->spares = c;
	a->spare_count++;
}

void tc_arena_rewind(struct tc_arena *a, struct tc_arena_mark mark)
{
	char *at;

	while (a->top != mark.chunk)
		pop(a);
	if (!a->top)
		return;
	at = a->top->data + mark.used;
	clear(a, at, (size_t)(a->at - at));
	a->at = at;
}

/* The rest of the old top stays unused: marks need the chunks in the order of their allocations. */
static void push(struct tc_arena *a, size_t need)
{
	size_t size = need > a->chunk ? need : a->chunk;
	struct chunk *c = a->spares;

	if (c && size == a->chunk) {
		a->spares = c->below;
		a->spare_count--;
	} else {
		if (size > PTRDIFF_MAX - sizeof(*c))
			tc_no_memory();
		c = tc_xalloc(sizeof(*c) + size);
		c->size = size;
		poison(c->data, size);
	}
	if (a->top)
		a->top->used = (size_t)(a->at - a->top->data);
	c->below = a->top;
	make_top(a, c, 0);
}

static __attribute__((noinline, cold)) char *take_from_new_chunk(struct tc_arena *a, size_t n)
{
	char *p;

	if (n > PTRDIFF_MAX / 2)
		tc_no_memory();
	push(a, n + GAP);
	p = a->at;
	a->at += n + GAP;
	unpoison(p, n);
	return p;
}

/* n is not 0, so that no answer is NULL and no two are equal. */
static inline char *take(struct tc_arena *a, size_t n, size_t align)
{
	size_t left = (size_t)(a->end - a->at);
	size_t pad = -(uintptr_t)a->at & (align - 1);
	char *p;

	if (__builtin_expect(n > left || left - n < pad + GAP, 0))
		return take_from_new_chunk(a, n);
	p = a->at + pad;
	a->at = p + n + GAP;
	unpoison(p, n);
	return p;
}

void *tc_alloc(struct tc_arena *a, size_t n)
{
	return take(a, n + !n, 8);
}

char *tc_alloc_text(struct tc_arena *a, size_t n)
{
	return take(a, n + !n, GAP ? 8 : 1);
}

char *tc_strndup(struct tc_arena *a, const char *s, size_t n)
{
	char *p = tc_alloc_text(a, n + 1);

	if (n)
		memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *tc_strdup(struct tc_arena *a, const char *s)
{
	return tc_strndup(a, s, strlen(s));
}

/* What tc_printf would be asked for most often, without reading a format. */
char *tc_join(struct tc_arena *a, struct tc_str first, char between, const char *second)
{
	size_t n = strlen(second);
	char *p = tc_alloc_text(a, first.len + n + 2);

	if (first.len)
		memcpy(p, first.s, first.len);
	p[first.len] = between;
	memcpy(p + first.len + 1, second, n + 1);
	return p;
}

/* Measures into the room that is left, so that the usual text is formatted once only. */
char *tc_vprintf(struct tc_arena *a, const char *fmt, va_list ap)
{
	size_t left = (size_t)(a->end - a->at), need;
	va_list again;
	bool elsewhere;
	char *p;
	int n;

	va_copy(again, ap);
	unpoison(a->at, left);
	n = tc_format(a->at, left, fmt, ap);
	if (n < 0)
		tc_no_memory();
	need = (size_t)n + 1;
	/* A new chunk or, under the sanitizer, another alignment: the text will stand elsewhere. */
	elsewhere = need > left || GAP > 0;
	if (elsewhere)
		clear(a, a->at, left);
	p = tc_alloc_text(a, need);
	if (elsewhere)
		tc_format(p, need, fmt, again);
	va_end(again);
	return p;
}

char *tc_printf(struct tc_arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	p = tc_vprintf(a, fmt, ap);
	va_end(ap);
	return p;
}

void *tc_grow_(struct tc_arena *a, void *old, size_t size, size_t count, size_t *capacity)
{
	size_t bytes, wanted = *capacity ? *capacity : 4;
	void *p;

	if (__builtin_mul_overflow(wanted, (size_t)2, &wanted) || __builtin_mul_overflow(wanted, size, &bytes))
		tc_no_memory();
	p = tc_alloc(a, bytes);
	if (count)
		memcpy(p, old, count * size);
	*capacity = wanted;
	return p;
}
