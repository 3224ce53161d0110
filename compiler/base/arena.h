/* arena.h - memory that is freed all at once.
 *
 * One arena per compilation or request. Nothing in it is freed alone; a mark and a rewind give back what came after
 * the mark. Not thread-safe: an arena belongs to one thread at a time.
 *
 * No allocator of this project returns NULL: when the system has no memory left they call abort(), silently and in one
 * place (tc_no_memory). Input meets a limit, with a diagnostic, long before memory does. */
#ifndef TC_ARENA_H
#define TC_ARENA_H

#include "compiler/base/base.h"

struct tc_arena;

struct tc_arena_mark {
	void *chunk;
	size_t used;
};

/* chunk: bytes asked from the system at a time, at least 1 KiB; larger single allocations get a chunk of their own. */
struct tc_arena *tc_arena_new(size_t chunk);
/* As tc_arena_new; every byte is wiped (explicit_bzero) before it is given back, by free or by rewind. */
struct tc_arena *tc_arena_new_secret(size_t chunk);
void tc_arena_free(struct tc_arena *a);

struct tc_arena_mark tc_arena_mark(const struct tc_arena *a);
/* Gives back all that was allocated since the mark; a few chunks are kept for reuse. */
void tc_arena_rewind(struct tc_arena *a, struct tc_arena_mark mark);

/* Zeroed, aligned to 8. n may be 0. */
void *tc_alloc(struct tc_arena *a, size_t n) __attribute__((malloc, returns_nonnull, alloc_size(2)));
/* Not zeroed, not aligned: for text. */
char *tc_alloc_text(struct tc_arena *a, size_t n) __attribute__((malloc, returns_nonnull, alloc_size(2)));
/* Terminated copies. */
char *tc_strndup(struct tc_arena *a, const char *s, size_t n) __attribute__((returns_nonnull));
char *tc_strdup(struct tc_arena *a, const char *s) __attribute__((returns_nonnull));
/* Both, with a character between them: a.b */
char *tc_join(struct tc_arena *a, struct tc_str first, char between, const char *second)
	__attribute__((returns_nonnull));
char *tc_printf(struct tc_arena *a, const char *fmt, ...) TC_PRINTF(2, 3) __attribute__((returns_nonnull));
char *tc_vprintf(struct tc_arena *a, const char *fmt, va_list ap) TC_PRINTF(2, 0) __attribute__((returns_nonnull));

/* The heap, for what outlives or outgrows an arena. */
void *tc_xalloc(size_t n) __attribute__((malloc, returns_nonnull, alloc_size(1)));    /* zeroed */
void *tc_xrealloc(void *p, size_t n) __attribute__((returns_nonnull, alloc_size(2))); /* new bytes are not zeroed */
/* The one place where memory ends: for libraries that report it (libyaml, mbedTLS) too. */
void tc_no_memory(void) __attribute__((noreturn, cold));

/* A growing array: tc_grow(arena, array, count, capacity) makes room for one more element. The old block stays in the
 * arena until it is rewound, so the waste is at most the final size. */
#define tc_grow(arena, array, count, capacity)    \
	((array) = (count) < (capacity) ? (array) \
					: tc_grow_((arena), (array), sizeof((array)[0]), (count), &(capacity)))
void *tc_grow_(struct tc_arena *a, void *old, size_t size, size_t count, size_t *capacity)
	__attribute__((returns_nonnull));

TC_DEFINE_CLEANUP(struct tc_arena, tc_arena_free)

#endif
