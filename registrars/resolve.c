/* getaddrinfo has no time limit of its own that we could set, and cannot be ended. So a thread of its own waits for it;
 * who asked goes away at the deadline, and the last of the two frees what they share. */
#include "registrars/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <time.h>

#include "compiler/base/arena.h"

struct question {
	pthread_mutex_t mutex;
	pthread_cond_t answered;
	unsigned owners;
	bool done;
	int failure;
	struct tc_addresses found;
	char host[256];
};

int64_t tc_monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void tc_pause(unsigned milliseconds)
{
	struct timespec t = {.tv_sec = milliseconds / 1000, .tv_nsec = (long)(milliseconds % 1000) * 1000000};

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

/* Called with the mutex held, which it releases. */
static void let_go(struct question *q)
{
	bool last = --q->owners == 0;

	pthread_mutex_unlock(&q->mutex);
	if (!last)
		return;
	pthread_mutex_destroy(&q->mutex);
	pthread_cond_destroy(&q->answered);
	free(q);
}

static void *answer(void *self)
{
	struct question *q = self;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *found = NULL;
	int failure = getaddrinfo(q->host, NULL, &hints, &found);

	pthread_mutex_lock(&q->mutex);
	q->failure = failure;
	for (struct addrinfo *a = found; !failure && a && q->found.count < TC_ADDRESSES_MAX; a = a->ai_next)
		if (getnameinfo(a->ai_addr, a->ai_addrlen, q->found.list[q->found.count], sizeof(q->found.list[0]),
				NULL, 0, NI_NUMERICHOST) == 0)
			q->found.count++;
	q->done = true;
	pthread_cond_signal(&q->answered);
	let_go(q);
	if (found)
		freeaddrinfo(found);
	return NULL;
}

static struct question *ask(const char *host)
{
	struct question *q = tc_xalloc(sizeof(*q));
	pthread_condattr_t monotonic;
	pthread_attr_t detached;
	pthread_t thread;
	int failed;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&q->mutex, NULL);
	pthread_cond_init(&q->answered, &monotonic);
	pthread_condattr_destroy(&monotonic);
	snprintf(q->host, sizeof(q->host), "%s", host);
	q->owners = 2;
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	failed = pthread_create(&thread, &detached, answer, q);
	pthread_attr_destroy(&detached);
	if (failed) {
		q->owners = 1;
		q->done = true;
		q->failure = EAI_AGAIN;
	}
	return q;
}

static bool is_address(const char *host)
{
	unsigned char room[16];

	return inet_pton(AF_INET, host, room) == 1 || inet_pton(AF_INET6, host, room) == 1;
}

int tc_resolve(struct tc_addresses *out, const char *host, int64_t deadline, struct tc_error *err)
{
	struct timespec until = {.tv_sec = deadline / 1000, .tv_nsec = deadline % 1000 * 1000000};
	struct question *q;
	bool done;
	int failure;

	*out = (struct tc_addresses){0};
	if (is_address(host)) {
		out->count = 1;
		snprintf(out->list[0], sizeof(out->list[0]), "%s", host);
		return 0;
	}
	q = ask(host);
	pthread_mutex_lock(&q->mutex);
	while (!q->done && pthread_cond_timedwait(&q->answered, &q->mutex, &until) == 0)
		;
	done = q->done;
	failure = q->failure;
	*out = q->found;
	let_go(q);
	if (!done)
		return tc_fail(err, TC_E_RETRY, "the name \"%s\" was not resolved in time; look at the cluster's DNS",
			       host);
	if (failure || !out->count)
		return tc_fail(err, TC_E_RETRY,
			       "the name \"%s\" has no address (%s); is the host in the configuration right?", host,
			       failure ? gai_strerror(failure) : "none of its answers can be used");
	return 0;
}
