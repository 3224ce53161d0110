/* Users, where no call tells all of them: asked for side by side, on connections of their own. */
#include <pthread.h>

#include "registrars/rustfs.h"

/* More than that gain little, and the server has others to serve. */
#define READERS 8
/* Fewer users than that for each reader are not worth a connection. */
#define EACH 4

struct crowd {
	const struct tc_rustfs *r;
	const char *const *names;
	struct tc_rustfs_user *users;
	size_t count;
	pthread_mutex_t lock;
	size_t next;         /* under the lock, as what follows */
	struct tc_error why; /* of the first that failed: nobody begins another one */
};

struct reader {
	struct crowd *crowd;
	struct tc_rustfs r; /* with memory and a connection of its own */
	pthread_t thread;
	bool started;
};

static bool take(struct crowd *c, size_t *nth)
{
	bool some;

	pthread_mutex_lock(&c->lock);
	some = c->next < c->count && c->why.code == TC_E_NONE;
	if (some)
		*nth = c->next++;
	pthread_mutex_unlock(&c->lock);
	return some;
}

static void *read_some(void *self)
{
	struct reader *reader = self;
	struct crowd *c = reader->crowd;
	struct tc_error err = {0};
	size_t nth;

	while (take(c, &nth)) {
		if (tc_rustfs_user_read(&reader->r, c->names[nth], &c->users[nth], &err) == 0)
			continue;
		pthread_mutex_lock(&c->lock);
		if (c->why.code == TC_E_NONE)
			c->why = err;
		pthread_mutex_unlock(&c->lock);
	}
	return NULL;
}

static void open_reader(struct reader *reader, struct crowd *c)
{
	reader->crowd = c;
	reader->r = *c->r;
	reader->r.mem = tc_arena_new(16 * 1024);
	tc_s3_open(&reader->r.s3, &c->r->s3_conf);
}

/* What was read is copied to where it stays. */
static const char *keep(struct tc_arena *mem, const char *text)
{
	return text ? tc_strdup(mem, text) : NULL;
}

int tc_rustfs_users_read(struct tc_rustfs *r, const char *const *names, size_t count, struct tc_rustfs_user *users,
			 struct tc_arena *mem, struct tc_error *err)
{
	struct crowd c = {.r = r, .names = names, .users = users, .count = count};
	struct reader readers[READERS] = {0};
	size_t n = count / EACH < READERS ? count / EACH + 1 : READERS;

	pthread_mutex_init(&c.lock, NULL);
	for (size_t i = 0; i < n; i++)
		open_reader(&readers[i], &c);
	for (size_t i = 1; i < n; i++)
		readers[i].started = pthread_create(&readers[i].thread, NULL, read_some, &readers[i]) == 0;
	(void)read_some(&readers[0]);
	for (size_t i = 1; i < n; i++)
		if (readers[i].started)
			pthread_join(readers[i].thread, NULL);
	for (size_t i = 0; i < count && c.why.code == TC_E_NONE; i++) {
		users[i].policies = keep(mem, users[i].policies);
		users[i].groups = keep(mem, users[i].groups);
	}
	for (size_t i = 0; i < n; i++) {
		tc_s3_free(readers[i].r.s3);
		tc_arena_free(readers[i].r.mem);
	}
	pthread_mutex_destroy(&c.lock);
	if (c.why.code == TC_E_NONE)
		return 0;
	*err = c.why;
	return -1;
}
