/* The allocator of the C library, with a hole in it. Defined in the program itself, these names are what every library
 * of it is bound to as well; the linker's --wrap would only reach our own objects. */
#include "tests/property/process.h"

#if defined(__SANITIZE_ADDRESS__)
#define OWN_ALLOCATOR 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OWN_ALLOCATOR 0
#endif
#endif
#if !defined(OWN_ALLOCATOR) && defined(__GLIBC__)
#define OWN_ALLOCATOR 1
#endif

static unsigned long left; /* until one fails; 0: none will */
static bool for_good, *told;

void alloc_fail(unsigned long nth, bool and_all_later, bool *failed)
{
	left = nth;
	for_good = and_all_later;
	told = failed;
}

#if OWN_ALLOCATOR

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);

static bool fails(void)
{
	if (!left || --left)
		return false;
	left = for_good;
	*told = true;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}

bool alloc_reachable(void)
{
	return true;
}

#else

bool alloc_reachable(void)
{
	return false;
}

#endif
