#include "webhook/refusal.h"

void tc_refusals_init(struct tc_refusals *r)
{
	*r = (struct tc_refusals){0};
	pthread_mutex_init(&r->lock, NULL);
}

void tc_refusals_destroy(struct tc_refusals *r)
{
	pthread_mutex_destroy(&r->lock);
}

/* May one more be logged? *left_out: how many were not, since the last one. */
static bool take_turn(struct tc_refusals *r, uint64_t now_ns, uint64_t *left_out)
{
	uint64_t second = now_ns / 1000000000;
	bool turn;

	pthread_mutex_lock(&r->lock);
	if (second != r->second) {
		r->second = second;
		r->logged = 0;
	}
	turn = r->logged < TC_REFUSALS_LOGGED;
	*left_out = r->left_out;
	if (turn) {
		r->logged++;
		r->left_out = 0;
	} else {
		r->left_out++;
	}
	pthread_mutex_unlock(&r->lock);
	return turn;
}

void tc_refusals_log(struct tc_refusals *r, const struct tc_log *log, uint64_t now_ns, unsigned status,
		     struct tc_str why)
{
	const char *end = why.len ? memchr(why.s, '\n', why.len) : NULL;
	struct tc_field fields[3];
	uint64_t left_out;
	size_t n = 0;

	if (!take_turn(r, now_ns, &left_out))
		return;
	if (end)
		why.len = (size_t)(end - why.s);
	fields[n++] = TC_LOG_NUMBER("status", status);
	fields[n++] = TC_LOG_TEXT("why", why);
	if (left_out)
		fields[n++] = TC_LOG_NUMBER("left_out", left_out);
	tc_log(log, TC_LOG_WARN, "refused", fields, n);
}
