#include "tests/unit/unit.h"

#include <signal.h>

#include "compiler/base/arena.h"
#include "compiler/base/buf.h"

/* AddressSanitizer would report a size that no machine has instead of answering NULL. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static bool all_zero(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static void test_alloc_is_zeroed_aligned_and_apart(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *a = tc_arena_new(1024);
	char *blocks[200];

	for (size_t i = 0; i < TC_COUNT(blocks); i++) {
		(void)tc_alloc_text(a, i % 7);
		blocks[i] = tc_alloc(a, i);
		assert_int_equal((uintptr_t)blocks[i] % 8, 0);
		assert_true(all_zero(blocks[i], i));
		memset(blocks[i], (int)i, i);
	}
	/* Nobody wrote into a neighbour. */
	for (size_t i = 0; i < TC_COUNT(blocks); i++)
		for (size_t j = 0; j < i; j++)
			assert_int_equal((unsigned char)blocks[i][j], i);
}

static void test_nothing_is_a_place_of_its_own(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *a = tc_arena_new(0);
	char *first = tc_alloc(a, 0), *second = tc_alloc(a, 0), *text = tc_alloc_text(a, 0);

	assert_non_null(first);
	assert_ptr_not_equal(first, second);
	assert_ptr_not_equal(second, text);
}

static void test_rewind_gives_the_same_memory_again_zeroed(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *a = tc_arena_new(1024);
	char *kept = tc_strdup(a, "kept");
	struct tc_arena_mark mark = tc_arena_mark(a);
	char *first = tc_alloc(a, 100);

	memset(first, 'x', 100);
	/* Through several chunks, and one that is larger than a chunk. */
	for (int i = 0; i < 100; i++)
		memset(tc_alloc(a, 300), 'x', 300);
	memset(tc_alloc(a, 100000), 'x', 100000);
	tc_arena_rewind(a, mark);
	assert_ptr_equal(tc_alloc(a, 100), first);
	assert_true(all_zero(first, 100));
	assert_true(all_zero(tc_alloc(a, 5000), 5000));
	assert_string_equal(kept, "kept");
}

static void test_rewind_to_the_start(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *a = tc_arena_new(1024);
	struct tc_arena_mark mark = tc_arena_mark(a);

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 50; i++)
			assert_true(all_zero(tc_alloc(a, 700), 700));
		tc_arena_rewind(a, mark);
	}
	assert_string_equal(tc_printf(a, "%d", 7), "7");
}

static void test_secret_arena_wipes_on_rewind(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *a = tc_arena_new_secret(1024);
	struct tc_arena_mark mark = tc_arena_mark(a);
	char *secret, *again;

	(void)tc_alloc(a, 8);
	mark = tc_arena_mark(a);
	secret = tc_strdup(a, "hunter2-hunter2");
	tc_arena_rewind(a, mark);
	/* Text is not zeroed when it is handed out: what stood there would still be seen. */
	again = tc_alloc_text(a, 16);
	assert_ptr_equal(again, secret);
	assert_true(all_zero(again, 16));
}

static void test_copies_are_terminated(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *a = tc_arena_new(1024);

	assert_string_equal(tc_strndup(a, "abcdef", 3), "abc");
	assert_string_equal(tc_strndup(a, NULL, 0), "");
	assert_memory_equal(tc_strndup(a, "a\0b", 3), "a\0b", 4);
	assert_string_equal(tc_strdup(a, ""), "");
	assert_string_equal(tc_join(a, TC_STR("a b"), '.', "c"), "a b.c");
	assert_string_equal(tc_join(a, (struct tc_str){0}, '/', ""), "/");
}

static void test_printf_of_every_length(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *a = tc_arena_new(1024);
	char *texts[1500];

	for (size_t i = 0; i < TC_COUNT(texts); i++)
		texts[i] = tc_printf(a, "%*s%zu", (int)i, "", i);
	for (size_t i = 0; i < TC_COUNT(texts); i++) {
		char want[1600];

		snprintf(want, sizeof(want), "%*s%zu", (int)i, "", i);
		assert_string_equal(texts[i], want);
	}
}

/* What a text that did not fit has left in the rest of a chunk is not seen by what gets that rest after a rewind. */
static void test_zeroed_where_a_text_did_not_fit(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *a = tc_arena_new(1024);
	struct tc_arena_mark mark;

	(void)tc_alloc(a, 500);
	mark = tc_arena_mark(a);
	assert_int_equal(strlen(tc_printf(a, "%01000d", 7)), 1000);
	tc_arena_rewind(a, mark);
	assert_true(all_zero(tc_alloc(a, 400), 400));
	(void)tc_alloc(a, 900);
	tc_arena_rewind(a, mark);
	assert_true(all_zero(tc_alloc(a, 500), 500));
	assert_true(all_zero(tc_alloc(a, 1000), 1000));
}

static void test_grow_keeps_what_was_there(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *a = tc_arena_new(1024);
	uint32_t *array = NULL;
	size_t count = 0, cap = 0;

	for (uint32_t i = 0; i < 10000; i++) {
		tc_grow(a, array, count, cap);
		array[count++] = i;
		assert_true(count <= cap);
	}
	for (uint32_t i = 0; i < 10000; i++)
		assert_int_equal(array[i], i);
}

static void test_heap(void **state)
{
	(void)state;
	char *p = tc_xalloc(100);

	assert_true(all_zero(p, 100));
	memset(p, 'x', 100);
	p = tc_xrealloc(p, 100000);
	assert_int_equal(p[99], 'x');
	free(p);
	p = tc_xalloc(0);
	assert_non_null(p);
	free(p);
}

static void test_take_leaves_null_behind(void **state)
{
	(void)state;
	_cleanup_(tc_arena_free) struct tc_arena *a = tc_arena_new(1024);
	struct tc_arena *b = a;

	assert_ptr_equal(tc_take(&a), b);
	assert_null(a);
	tc_arena_free(b);
	tc_arena_free(NULL);
}

static sigjmp_buf aborted;

static void on_abort(int signal)
{
	siglongjmp(aborted, signal);
}

/* What is asked for here no machine has, or no locale of ours can write; the arena and the buffer survive the jump out
 * of abort(). */
static struct tc_arena *small, *vast, *absurd;
static struct tc_buf text;
static volatile size_t all = SIZE_MAX / 2 - 64;

static void ask_heap(void)
{
	free(tc_xalloc(all));
}

static void ask_heap_again(void)
{
	free(tc_xrealloc(NULL, all));
}

static void ask_arena(void)
{
	tc_alloc(small, all);
}

static void ask_arena_of_vast_chunks(void)
{
	tc_alloc(vast, 1);
}

static void ask_arena_of_absurd_chunks(void)
{
	tc_alloc(absurd, 1);
}

static void ask_array(void)
{
	struct tc_str *array = NULL;
	size_t cap = all;

	tc_grow(small, array, cap, cap);
}

static void ask_text(void)
{
	tc_printf(small, "%ls", L"\u20ac");
}

static void ask_buffer(void)
{
	tc_buf_reserve(&text, all);
}

static void ask_buffer_text(void)
{
	tc_buf_printf(&text, "%ls", L"\u20ac");
}

static void test_no_memory_ends_the_program(void **state)
{
	(void)state;
	static void (*const asks[])(void) = {
		ask_heap,  ask_heap_again, ask_arena,  ask_arena_of_vast_chunks, ask_arena_of_absurd_chunks,
		ask_array, ask_text,       ask_buffer, ask_buffer_text,
	};
	struct sigaction catch = {.sa_handler = on_abort}, before;
	volatile size_t ended = 0;

	small = tc_arena_new(1024);
	vast = tc_arena_new(SIZE_MAX / 2 - 1024);
	absurd = tc_arena_new(SIZE_MAX / 2);
	sigaction(SIGABRT, &catch, &before);
	for (volatile size_t i = 0; i < TC_COUNT(asks); i++)
		if (sigsetjmp(aborted, 1) == 0)
			asks[i]();
		else
			ended++;
	sigaction(SIGABRT, &before, NULL);
	assert_int_equal(ended, TC_COUNT(asks));
	tc_arena_free(small);
	tc_arena_free(vast);
	tc_arena_free(absurd);
	tc_buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc_is_zeroed_aligned_and_apart),
		cmocka_unit_test(test_nothing_is_a_place_of_its_own),
		cmocka_unit_test(test_rewind_gives_the_same_memory_again_zeroed),
		cmocka_unit_test(test_rewind_to_the_start),
		cmocka_unit_test(test_secret_arena_wipes_on_rewind),
		cmocka_unit_test(test_copies_are_terminated),
		cmocka_unit_test(test_printf_of_every_length),
		cmocka_unit_test(test_zeroed_where_a_text_did_not_fit),
		cmocka_unit_test(test_grow_keeps_what_was_there),
		cmocka_unit_test(test_heap),
		cmocka_unit_test(test_take_leaves_null_behind),
		cmocka_unit_test(test_no_memory_ends_the_program),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
