#include "controller/queue.h"

#include <pthread.h>
#include <sys/random.h>
#include <time.h>

#include "compiler/base/arena.h"
#include "compiler/contract/identity.h"

enum {
	FIRST_SLOTS = 64,
	WAIT_MAX = 3600,   /* seconds in one go: a time too far away for a timespec is only looked at again */
	DOUBLINGS_MAX = 62 /* 2^62 seconds are more than any wait */
};

/* A name. It waits (asked, in the heap), is worked on, or is worked on and was asked for meanwhile (both, and not in
 * the heap until it is laid down). */
struct item {
	struct item *next; /* in its slot */
	uint64_t hash;
	size_t place; /* in the heap */
	double due;
	uint64_t number; /* of what is due at the same time, the first that was asked for comes first */
	unsigned failures;
	bool asked, working;
	char name[];
};

struct tc_queue {
	pthread_mutex_t *lock; /* apart, so that who only asks may do so of a const queue */
	pthread_cond_t changed;
	struct item **slots; /* a power of two of them */
	size_t nslots, count;
	uint64_t seed;
	struct item **heap; /* a binary heap: the first is due first */
	size_t waiting, heap_cap;
	size_t working;
	uint64_t asked; /* so many times: the next item's number */
	bool stopped;
};

double tc_queue_now(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- names -------------------------------------------------------------------------------------------------------- */

/* Of a name and a number. Whoever makes workloads chooses names, but none that meet in one slot: for that he would have
 * to know the seed. */
static uint64_t mix(const char *name, uint64_t salt)
{
	unsigned char text[TC_SHA256_LEN + sizeof(salt)], sum[TC_SHA256_LEN];
	uint64_t out;

	tc_sha256(tc_str(name), text);
	memcpy(text + TC_SHA256_LEN, &salt, sizeof(salt));
	tc_sha256((struct tc_str){.s = (const char *)text, .len = sizeof(text)}, sum);
	memcpy(&out, sum, sizeof(out));
	return out;
}

/* What points to the name's item, or to the end of its chain. */
static struct item **slot(const struct tc_queue *q, const char *name, uint64_t hash)
{
	struct item **at = &q->slots[hash & (q->nslots - 1)];

	while (*at && !((*at)->hash == hash && strcmp((*at)->name, name) == 0))
		at = &(*at)->next;
	return at;
}

static void resize(struct tc_queue *q, size_t nslots)
{
	struct item **slots = tc_xalloc(nslots * sizeof(struct item *)), *next;

	for (size_t i = 0; i < q->nslots; i++) {
		for (struct item *item = q->slots[i]; item; item = next) {
			struct item **to = &slots[item->hash & (nslots - 1)];

			next = item->next;
			item->next = *to;
			*to = item;
		}
	}
	free(q->slots);
	q->slots = slots;
	q->nslots = nslots;
}

static struct item *need(struct tc_queue *q, const char *name, uint64_t hash)
{
	struct item *item = *slot(q, name, hash), **at;
	size_t n = strlen(name) + 1;

	if (item)
		return item;
	if (q->count >= q->nslots)
		resize(q, q->nslots * 2);
	item = tc_xalloc(sizeof(*item) + n);
	item->hash = hash;
	memcpy(item->name, name, n);
	at = &q->slots[hash & (q->nslots - 1)];
	item->next = *at;
	*at = item;
	q->count++;
	return item;
}

static void forget(struct tc_queue *q, struct item *item)
{
	*slot(q, item->name, item->hash) = item->next;
	q->count--;
	free(item);
}

/* --- the heap ----------------------------------------------------------------------------------------------------- */

static bool is_before(const struct item *a, const struct item *b)
{
	return a->due < b->due || (a->due == b->due && a->number < b->number);
}

static void put(struct tc_queue *q, size_t place, struct item *item)
{
	q->heap[place] = item;
	item->place = place;
}

static void sift_up(struct tc_queue *q, struct item *item)
{
	size_t place = item->place;

	for (; place > 0 && is_before(item, q->heap[(place - 1) / 2]); place = (place - 1) / 2)
		put(q, place, q->heap[(place - 1) / 2]);
	put(q, place, item);
	/* Whoever waits, waits for another one, or for none. */
	if (place == 0)
		pthread_cond_signal(&q->changed);
}

static void push(struct tc_queue *q, struct item *item)
{
	if (q->waiting == q->heap_cap) {
		q->heap_cap = q->heap_cap ? q->heap_cap * 2 : FIRST_SLOTS;
		q->heap = tc_xrealloc(q->heap, q->heap_cap * sizeof(struct item *));
	}
	item->place = q->waiting++;
	sift_up(q, item);
}

static struct item *pop(struct tc_queue *q)
{
	struct item *first = q->heap[0], *last = q->heap[--q->waiting];
	size_t place = 0;

	for (size_t child; (child = 2 * place + 1) < q->waiting; place = child) {
		if (child + 1 < q->waiting && is_before(q->heap[child + 1], q->heap[child]))
			child++;
		if (is_before(last, q->heap[child]))
			break;
		put(q, place, q->heap[child]);
	}
	if (q->waiting > 0)
		put(q, place, last);
	return first;
}

/* --- the queue ---------------------------------------------------------------------------------------------------- */

struct tc_queue *tc_queue_new(void)
{
	struct tc_queue *q = tc_xalloc(sizeof(*q));
	pthread_condattr_t attr;

	/* Without randomness it is still a queue; nothing secret hangs on it. */
	if (getrandom(&q->seed, sizeof(q->seed), 0) != (ssize_t)sizeof(q->seed))
		q->seed = (uint64_t)(uintptr_t)q;
	q->lock = tc_xalloc(sizeof(*q->lock));
	pthread_mutex_init(q->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->changed, &attr);
	pthread_condattr_destroy(&attr);
	resize(q, FIRST_SLOTS);
	return q;
}

void tc_queue_free(struct tc_queue *q)
{
	struct item *next;

	if (!q)
		return;
	for (size_t i = 0; i < q->nslots; i++) {
		for (struct item *item = q->slots[i]; item; item = next) {
			next = item->next;
			free(item);
		}
	}
	free(q->slots);
	free(q->heap);
	pthread_cond_destroy(&q->changed);
	pthread_mutex_destroy(q->lock);
	free(q->lock);
	free(q);
}

static void ask(struct tc_queue *q, struct item *item, double due)
{
	bool waits = item->asked && !item->working;

	if (due != due)
		due = 0; /* what is not a number has no place in an order */
	if (item->asked && item->due <= due)
		return;
	item->due = due;
	if (!item->asked)
		item->number = q->asked++;
	item->asked = true;
	if (waits)
		sift_up(q, item);
	else if (!item->working)
		push(q, item);
}

static void add(struct tc_queue *q, const char *name, double due, bool renew)
{
	uint64_t hash = mix(name, q->seed);
	struct item *item;

	pthread_mutex_lock(q->lock);
	item = need(q, name, hash);
	if (renew)
		item->failures = 0;
	ask(q, item, due);
	pthread_mutex_unlock(q->lock);
}

void tc_queue_add(struct tc_queue *q, const char *name, double due)
{
	add(q, name, due, false);
}

void tc_queue_renew(struct tc_queue *q, const char *name, double due)
{
	add(q, name, due, true);
}

static void wait_for_more(struct tc_queue *q, double now)
{
	struct timespec until;
	double due;

	if (q->waiting == 0) {
		pthread_cond_wait(&q->changed, q->lock);
		return;
	}
	due = q->heap[0]->due < now + WAIT_MAX ? q->heap[0]->due : now + WAIT_MAX;
	until.tv_sec = (time_t)due;
	until.tv_nsec = (long)((due - (double)until.tv_sec) * 1e9);
	pthread_cond_timedwait(&q->changed, q->lock, &until);
}

const char *tc_queue_take(struct tc_queue *q)
{
	struct item *item = NULL;

	pthread_mutex_lock(q->lock);
	while (!q->stopped && !item) {
		double now = tc_queue_now();

		if (q->waiting > 0 && q->heap[0]->due <= now)
			item = pop(q);
		else
			wait_for_more(q, now);
	}
	if (item) {
		item->asked = false;
		item->working = true;
		q->working++;
		/* Who was woken for this one is busy now; the next one needs somebody who knows its time. */
		if (q->waiting > 0)
			pthread_cond_signal(&q->changed);
	}
	pthread_mutex_unlock(q->lock);
	return item ? item->name : NULL;
}

static struct item *in_work(struct tc_queue *q, const char *name, uint64_t hash)
{
	struct item *item = *slot(q, name, hash);

	if (!item || !item->working)
		abort(); /* unreachable: only what was handed out is given back, and once */
	return item;
}

static void lay_down(struct tc_queue *q, struct item *item)
{
	item->working = false;
	q->working--;
	if (item->asked)
		push(q, item);
	else
		forget(q, item);
}

void tc_queue_done(struct tc_queue *q, const char *name, double again)
{
	uint64_t hash = mix(name, q->seed);
	struct item *item;

	pthread_mutex_lock(q->lock);
	item = in_work(q, name, hash);
	item->failures = 0;
	if (again > 0)
		ask(q, item, tc_queue_now() + again);
	lay_down(q, item);
	pthread_mutex_unlock(q->lock);
}

/* Apart by the name, so that what failed together does not come back together. */
static double backoff(const char *name, unsigned failures, double longest)
{
	double seconds = (double)(1ull << (failures <= DOUBLINGS_MAX ? failures - 1 : DOUBLINGS_MAX));
	double part = (double)(mix(name, failures) >> 11) / (double)(1ull << 53); /* 0 to 1 */

	if (!(seconds <= longest))
		seconds = longest > 0 ? longest : 0;
	return seconds * (0.8 + 0.4 * part);
}

double tc_queue_retry(struct tc_queue *q, const char *name, double longest)
{
	uint64_t hash = mix(name, q->seed);
	struct item *item;
	double seconds;

	pthread_mutex_lock(q->lock);
	item = in_work(q, name, hash);
	if (item->failures < UINT_MAX)
		item->failures++;
	seconds = backoff(name, item->failures, longest);
	ask(q, item, tc_queue_now() + seconds);
	lay_down(q, item);
	pthread_mutex_unlock(q->lock);
	return seconds;
}

void tc_queue_stop(struct tc_queue *q)
{
	pthread_mutex_lock(q->lock);
	q->stopped = true;
	pthread_cond_broadcast(&q->changed);
	pthread_mutex_unlock(q->lock);
}

size_t tc_queue_length(const struct tc_queue *q, size_t *working)
{
	size_t waiting;

	pthread_mutex_lock(q->lock);
	waiting = q->waiting;
	*working = q->working;
	pthread_mutex_unlock(q->lock);
	return waiting;
}
