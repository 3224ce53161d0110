#include "controller/queue.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "tests/unit/unit.h"

#define FAR 1e9 /* not in the time of a test */

static void expect_length(const struct tc_queue *q, size_t waiting, size_t working)
{
	size_t found;

	assert_int_equal(tc_queue_length(q, &found), waiting);
	assert_int_equal(found, working);
}

/* Takes one and lays it down, well. */
static void expect_next(struct tc_queue *q, const char *name)
{
	const char *found = tc_queue_take(q);

	assert_string_equal(found, name);
	tc_queue_done(q, found, 0);
}

static void test_order(void **state)
{
	_cleanup_(tc_queue_free) struct tc_queue *q = tc_queue_new();

	(void)state;
	tc_queue_add(q, "c", 3);
	tc_queue_add(q, "a", 1);
	tc_queue_add(q, "later", FAR);
	tc_queue_add(q, "never", INFINITY);
	tc_queue_add(q, "first of some", 2);
	tc_queue_add(q, "second", 2);
	tc_queue_add(q, "third", 2);
	tc_queue_add(q, "fourth", 2);
	tc_queue_add(q, "fifth", 2);
	tc_queue_add(q, "before all", -1);
	tc_queue_add(q, "no number", NAN);
	expect_length(q, 11, 0);
	expect_next(q, "before all");
	expect_next(q, "no number");
	expect_next(q, "a");
	expect_next(q, "first of some");
	expect_next(q, "second");
	expect_next(q, "third");
	expect_next(q, "fourth");
	expect_next(q, "fifth");
	expect_next(q, "c");
	expect_length(q, 2, 0);
}

/* In another order than that of their times, and enough of them for each case of the heap. */
static void test_order_of_many(void **state)
{
	enum { MANY = 1009 };
	_cleanup_(tc_queue_free) struct tc_queue *q = tc_queue_new();
	char name[16];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "n%d", i * 631 % MANY);
		tc_queue_add(q, name, FAR);
	}
	for (int i = 0; i < MANY; i++) {
		int n = i * 389 % MANY;

		snprintf(name, sizeof(name), "n%d", n);
		tc_queue_add(q, name, n);
	}
	expect_length(q, MANY, 0);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		expect_next(q, name);
	}
	expect_length(q, 0, 0);
}

static void test_once(void **state)
{
	_cleanup_(tc_queue_free) struct tc_queue *q = tc_queue_new();

	(void)state;
	for (int i = 0; i < 100; i++)
		tc_queue_add(q, "a", 5 + i % 3);
	tc_queue_add(q, "b", 6);
	expect_length(q, 2, 0);
	expect_next(q, "a");
	expect_next(q, "b");
	expect_length(q, 0, 0);
}

static void test_earlier_wins(void **state)
{
	_cleanup_(tc_queue_free) struct tc_queue *q = tc_queue_new();

	(void)state;
	tc_queue_add(q, "a", FAR);
	tc_queue_add(q, "b", 2);
	tc_queue_add(q, "a", 1);
	tc_queue_add(q, "a", 3); /* a later one changes nothing */
	tc_queue_renew(q, "a", FAR);
	expect_next(q, "a");
	expect_next(q, "b");
	expect_length(q, 0, 0);
}

static void test_in_work(void **state)
{
	_cleanup_(tc_queue_free) struct tc_queue *q = tc_queue_new();
	const char *name;

	(void)state;
	tc_queue_add(q, "a", 1);
	name = tc_queue_take(q);
	expect_length(q, 0, 1);
	tc_queue_add(q, "a", FAR);
	tc_queue_add(q, "a", 0);
	tc_queue_add(q, "b", 9);
	expect_length(q, 1, 1);
	expect_next(q, "b"); /* a would come first, but is in somebody's hands */
	tc_queue_done(q, name, 0);
	expect_length(q, 1, 0);
	expect_next(q, "a");
	expect_length(q, 0, 0);
}

static void test_done(void **state)
{
	_cleanup_(tc_queue_free) struct tc_queue *q = tc_queue_new();

	(void)state;
	tc_queue_add(q, "a", 1);
	tc_queue_done(q, tc_queue_take(q), 0);
	expect_length(q, 0, 0);
	tc_queue_add(q, "a", 1);
	tc_queue_done(q, tc_queue_take(q), FAR);
	expect_length(q, 1, 0);
	tc_queue_add(q, "b", tc_queue_now());
	expect_next(q, "b");
	/* what was asked for meanwhile, and earlier, is not put off by it */
	tc_queue_add(q, "a", 1);
	tc_queue_add(q, "b", 2);
	for (int i = 0; i < 2; i++) {
		const char *name = tc_queue_take(q);

		tc_queue_add(q, name, 3);
		tc_queue_done(q, name, FAR);
	}
	expect_next(q, "a");
	expect_next(q, "b");
	/* nor does a long wait put off a shorter one */
	tc_queue_add(q, "a", 1);
	{
		const char *name = tc_queue_take(q);

		tc_queue_add(q, name, FAR);
		tc_queue_done(q, name, 0.001);
	}
	expect_next(q, "a");
}

/* Fails the first that is due. */
static double fail_one(struct tc_queue *q, const char *name, double longest)
{
	const char *found;

	tc_queue_add(q, name, 0);
	found = tc_queue_take(q);
	assert_string_equal(found, name);
	return tc_queue_retry(q, found, longest);
}

static void expect_near(double seconds, double base)
{
	if (seconds < base * 0.8 || seconds > base * 1.2)
		fail_msg("%g s are not %g s, a fifth more or less", seconds, base);
}

static void test_retry(void **state)
{
	static const double bases[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
	_cleanup_(tc_queue_free) struct tc_queue *q = tc_queue_new(), *other = tc_queue_new();
	bool shorter = false, longer = false, differ = false;

	(void)state;
	for (size_t i = 0; i < TC_COUNT(bases); i++) {
		double a = fail_one(q, "a", 60), b = fail_one(q, "b", 60);

		expect_near(a, bases[i]);
		expect_near(b, bases[i]);
		/* by name and count alone: another queue says the same */
		assert_true(fail_one(other, "a", 60) == a);
		shorter = shorter || a < bases[i] || b < bases[i];
		longer = longer || a > bases[i] || b > bases[i];
		differ = differ || a != b;
	}
	assert_true(shorter && longer && differ);
	/* by the count: the same base, and another answer */
	assert_true(fail_one(q, "a", 60) != fail_one(q, "a", 60));
	/* however often, and whatever the longest is */
	for (int i = 0; i < 100; i++)
		fail_one(q, "a", 60);
	expect_near(fail_one(q, "a", 60), 60);
	expect_near(fail_one(q, "a", 0.5), 0.5);
	assert_true(fail_one(q, "a", 0) == 0);
	assert_true(fail_one(q, "a", -1) == 0);
	assert_true(fail_one(q, "a", NAN) == 0);
	assert_true(isfinite(fail_one(q, "a", INFINITY)));
}

/* It is the queue that waits, as long as it said. */
static void test_retry_comes_again(void **state)
{
	_cleanup_(tc_queue_free) struct tc_queue *q = tc_queue_new();
	double before, wait;
	const char *name;

	(void)state;
	before = tc_queue_now();
	wait = fail_one(q, "a", 0.004);
	expect_near(wait, 0.004);
	expect_length(q, 1, 0);
	name = tc_queue_take(q);
	assert_string_equal(name, "a");
	assert_true(tc_queue_now() >= before + wait);
	/* what was asked for meanwhile, and earlier, is not put off */
	tc_queue_add(q, name, 0);
	tc_queue_retry(q, name, 1000);
	expect_next(q, "a");
	expect_length(q, 0, 0);
}

static void test_count_of_failures(void **state)
{
	_cleanup_(tc_queue_free) struct tc_queue *q = tc_queue_new();
	double first = fail_one(q, "a", 60), second = fail_one(q, "a", 60);
	const char *name;

	(void)state;
	expect_near(first, 1);
	expect_near(second, 2);
	/* renewed while it waits */
	tc_queue_renew(q, "a", FAR);
	assert_true(fail_one(q, "a", 60) == first);
	assert_true(fail_one(q, "a", 60) == second);
	/* while it is worked on */
	tc_queue_add(q, "a", 0);
	name = tc_queue_take(q);
	tc_queue_renew(q, "a", FAR);
	assert_true(tc_queue_retry(q, name, 60) == first);
	/* a success ends the row; to be added does not */
	assert_true(fail_one(q, "a", 60) == second);
	tc_queue_add(q, "a", 0);
	tc_queue_done(q, tc_queue_take(q), FAR);
	assert_true(fail_one(q, "a", 60) == first);
	tc_queue_add(q, "a", 0);
	expect_next(q, "a");
	expect_length(q, 0, 0);
	assert_true(fail_one(q, "a", 60) == first);
}

/* --- threads ------------------------------------------------------------------------------------------------------ */

enum { THREADS = 8 };

static void *take_one(void *self)
{
	struct tc_queue *q = self;

	return tc_queue_take(q) ? self : NULL;
}

static void test_stop(void **state)
{
	_cleanup_(tc_queue_free) struct tc_queue *empty = tc_queue_new(), *far = tc_queue_new();
	struct tc_queue *queues[] = {empty, far};
	pthread_t threads[THREADS];

	(void)state;
	tc_queue_add(far, "a", tc_queue_now() + FAR);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_one, queues[i % 2]), 0);
	for (size_t i = 0; i < TC_COUNT(queues); i++)
		tc_queue_stop(queues[i]);
	for (size_t i = 0; i < THREADS; i++) {
		void *found;

		assert_int_equal(pthread_join(threads[i], &found), 0);
		assert_null(found);
	}
	/* and later, also where something is due */
	tc_queue_add(far, "b", 0);
	assert_null(tc_queue_take(far));
	assert_null(tc_queue_take(empty));
	expect_length(far, 2, 0);
}

/* A name that is added wakes one who waits for nothing, or for a later one; each of two wakes its own. */
static void test_woken(void **state)
{
	_cleanup_(tc_queue_free) struct tc_queue *q = tc_queue_new();
	pthread_t threads[3];

	(void)state;
	for (size_t i = 0; i < TC_COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_one, q), 0);
	nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL); /* most likely they all wait by now */
	tc_queue_add(q, "late", tc_queue_now() + 0.004);
	tc_queue_add(q, "later", tc_queue_now() + 0.006);
	tc_queue_add(q, "at once", 0);
	for (size_t i = 0; i < TC_COUNT(threads); i++) {
		void *found;

		assert_int_equal(pthread_join(threads[i], &found), 0);
		assert_ptr_equal(found, q);
	}
	expect_length(q, 0, 3);
}

enum { NAMES = 10000, ASKED = 4 * NAMES };

/* Whoever asks counts first; who takes reads the count. Where nothing is lost, the last reading saw the last asking. */
struct name {
	atomic_uint asked, seen, hands;
};

static struct crowd {
	struct tc_queue *q;
	struct name names[NAMES];
	atomic_uint left; /* to ask for */
	atomic_bool filled;
	atomic_uint faults;
} crowd;

static void ask_for(unsigned number)
{
	char name[16];

	snprintf(name, sizeof(name), "n%u", number);
	atomic_fetch_add(&crowd.names[number].asked, 1);
	if (number % 2)
		tc_queue_add(crowd.q, name, 0);
	else
		tc_queue_renew(crowd.q, name, tc_queue_now() + 0.001);
}

/* Others, and the one that is being worked on, while there is something left to ask for. */
static void ask_for_more(unsigned number)
{
	unsigned left = atomic_load(&crowd.left);

	while (left > 0 && !atomic_compare_exchange_weak(&crowd.left, &left, left - 1))
		;
	if (left == 0)
		return;
	ask_for(left % 3 == 0 ? number : left * 7919u % NAMES);
}

static void *work(void *unused)
{
	const char *name;

	(void)unused;
	while ((name = tc_queue_take(crowd.q))) {
		unsigned number = (unsigned)strtoul(name + 1, NULL, 10);
		struct name *n = &crowd.names[number];
		size_t waiting, working;

		if (atomic_fetch_add(&n->hands, 1) != 0)
			atomic_fetch_add(&crowd.faults, 1);
		atomic_store(&n->seen, atomic_load(&n->asked));
		ask_for_more(number);
		ask_for_more((number + 1) % NAMES);
		atomic_fetch_sub(&n->hands, 1);
		if (number % 16 == 0 && atomic_load(&crowd.left) > 0)
			(void)tc_queue_retry(crowd.q, name, 0.001);
		else
			tc_queue_done(crowd.q, name, number % 16 == 1 && atomic_load(&crowd.left) > 0 ? 0.0001 : 0);
		/* whoever is still at work may ask for more: only when nobody is, nothing comes any more */
		waiting = tc_queue_length(crowd.q, &working);
		if (waiting == 0 && working == 0 && atomic_load(&crowd.left) == 0 && atomic_load(&crowd.filled))
			tc_queue_stop(crowd.q);
	}
	return NULL;
}

static void test_crowd(void **state)
{
	_cleanup_(tc_queue_free) struct tc_queue *q = tc_queue_new();
	pthread_t threads[THREADS];

	(void)state;
	crowd.q = q;
	atomic_store(&crowd.left, ASKED);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
	for (unsigned i = 1; i < NAMES; i++)
		ask_for(i);
	atomic_store(&crowd.filled, true);
	ask_for(0); /* the last look of all comes after this */
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(atomic_load(&crowd.faults), 0);
	assert_int_equal(atomic_load(&crowd.left), 0);
	for (unsigned i = 0; i < NAMES; i++)
		assert_int_equal(atomic_load(&crowd.names[i].seen), atomic_load(&crowd.names[i].asked));
	expect_length(q, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_order_of_many),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_earlier_wins),
		cmocka_unit_test(test_in_work),
		cmocka_unit_test(test_done),
		cmocka_unit_test(test_retry),
		cmocka_unit_test(test_retry_comes_again),
		cmocka_unit_test(test_count_of_failures),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_woken),
		cmocka_unit_test(test_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
