/* Accounts files of NATS that several writers change, and that are spread anew over another number of files: over a
 * store in memory, where a second writer comes in between any two writes of the first. */
#include "unit.h"

#include "registrars/nats.h"

static const char key_file[] = "k1: AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";

#define ENCLAVES 7
#define SHARDS_MAX 8

/* What all writers see. */
struct world {
	struct tc_arena *mem;
	struct tc_keyring *keys;
	struct tc_config *config;
	char *texts[TC_NATS_SHARDS_MAX];
	unsigned long versions[TC_NATS_SHARDS_MAX]; /* a text may come back, its version never */
	char *filled[SHARDS_MAX + 1][SHARDS_MAX];
	unsigned long writes, stop_at;
	bool ends; /* there: the writer is killed, else `then` comes in between */
	void (*then)(struct world *w);
};

static struct world *the_world; /* a store has no room for it */

/* --- the store -------------------------------------------------------------------------------------------------------
 */

static const char *place(struct tc_nats_registrar *r, unsigned shard)
{
	return tc_printf(r->mem, "file %u", shard);
}

static int read_text(struct tc_nats_registrar *r, struct tc_nats_accounts *a, struct tc_error *err)
{
	const char *text = the_world->texts[a->shard];

	(void)err;
	a->text = tc_str(text ? tc_strdup(r->mem, text) : "");
	a->version = tc_printf(r->mem, "%lu", the_world->versions[a->shard]);
	return 0;
}

static int write_text(struct tc_nats_registrar *r, struct tc_nats_accounts *a, struct tc_str text, bool *lost,
		      struct tc_error *err)
{
	struct world *w = the_world;

	if (++w->writes == w->stop_at && w->ends)
		return tc_fail(err, TC_E_BUG, "killed");
	if (w->writes == w->stop_at && w->then)
		w->then(w);
	*lost = strcmp(a->version, tc_printf(r->mem, "%lu", w->versions[a->shard])) != 0;
	if (*lost)
		return 0;
	free(w->texts[a->shard]);
	w->texts[a->shard] = strndup(text.s, text.len);
	a->text = text;
	a->version = tc_printf(r->mem, "%lu", ++w->versions[a->shard]);
	return 0;
}

static const struct tc_nats_store memory = {.mode = "memory", .place = place, .read = read_text, .write = write_text};

/* --- writers ---------------------------------------------------------------------------------------------------------
 */

static struct tc_nats_registrar writer(struct world *w, unsigned shards)
{
	return (struct tc_nats_registrar){
		.conf = {.config = w->config, .service = tc_config_service(w->config, "nats"), .keys = w->keys},
		.seconds = 1,
		.shards = shards,
		.store = &memory,
		.mem = tc_arena_new_secret(64 * 1024),
	};
}

static struct tc_want want_of(struct tc_arena *mem, unsigned number)
{
	return (struct tc_want){.enclave = tc_printf(mem, "e%u", number), .name = "web"};
}

struct edit {
	struct tc_nats_registrar *r;
	struct tc_want want;
	int how; /* 0: put, 1: retain, 2: remove */
};

static int on_edit(void *self, struct tc_nats_accounts *a, struct tc_error *err)
{
	struct edit *e = self;
	struct tc_nats_entry made, *old = tc_nats_find(a, e->want.enclave, e->want.name);

	(void)err;
	if (e->how == 0) {
		tc_nats_entry_make(e->r, &made, &e->want);
		tc_nats_put(e->r, a, &made);
	} else if (old && e->how == 1) {
		old->retained = true;
	} else if (old) {
		tc_nats_remove(a, old);
	}
	return 0;
}

static int change(struct world *w, unsigned shards, unsigned number, int how)
{
	struct tc_nats_registrar r = writer(w, shards);
	struct edit e = {.r = &r, .want = want_of(r.mem, number), .how = how};
	struct tc_nats_accounts a;
	struct tc_error err = {0};
	int rc = tc_nats_change(&r, &a, tc_nats_shard_of(&r, e.want.enclave), on_edit, &e, &err);

	tc_arena_free(r.mem);
	return rc;
}

static void forget(struct world *w)
{
	for (size_t i = 0; i < TC_COUNT(w->texts); i++) {
		free(w->texts[i]);
		w->texts[i] = NULL;
	}
	w->writes = w->stop_at = 0;
	w->ends = false;
	w->then = NULL;
}

/* With a user in each enclave. Passwords take their time, so each number of shards is filled once. */
static void fill(struct world *w, unsigned shards)
{
	char **filled = w->filled[shards];

	forget(w);
	for (unsigned i = 0; i < ENCLAVES && !filled[0]; i++)
		assert_int_equal(change(w, shards, i, 0), 0);
	for (size_t i = 0; i < SHARDS_MAX; i++) {
		if (filled[0] && !w->texts[i] && filled[i])
			w->texts[i] = strdup(filled[i]);
	}
	for (size_t i = SHARDS_MAX; i-- > 0;)
		if (!filled[i] && w->texts[i])
			filled[i] = strdup(w->texts[i]);
	w->writes = 0;
}

/* How often the user stands in the files, retained or not. */
static unsigned count(const struct world *w, bool retained, unsigned number)
{
	char line[64];
	unsigned n = 0;

	snprintf(line, sizeof(line), retained ? "    # retained e%u.web " : "    {user: \"e%u.web\"", number);
	for (size_t i = 0; i < TC_COUNT(w->texts); i++)
		for (const char *p = w->texts[i]; p && (p = strstr(p, line)); p++)
			n++;
	return n;
}

/* Each once, and where it belongs; the one that was retained or removed is so. */
static void assert_whole(struct world *w, unsigned shards, unsigned retained, unsigned removed)
{
	for (unsigned i = 0; i < ENCLAVES; i++) {
		struct tc_nats_registrar r = writer(w, shards);
		struct tc_want want = want_of(r.mem, i);
		struct tc_nats_accounts a;
		struct tc_error err = {0};

		assert_int_equal(tc_nats_read_one(&r, &a, tc_nats_shard_of(&r, want.enclave), &err), 0);
		assert_int_equal(tc_nats_find(&a, want.enclave, want.name) != NULL, i != removed);
		assert_int_equal(count(w, false, i), i != retained && i != removed);
		assert_int_equal(count(w, true, i), i == retained);
		tc_arena_free(r.mem);
	}
}

/* --- tests -----------------------------------------------------------------------------------------------------------
 */

static int setup(void **state)
{
	struct world *w = tc_xalloc(sizeof(*w));
	struct tc_source src = {.name = "keys", .text = tc_str(key_file)};
	struct tc_diags diags;

	w->mem = tc_arena_new(4096);
	diags = (struct tc_diags){.mem = w->mem};
	w->keys = tc_keyring_parse(&src, &diags);
	w->config = tc_config_default(w->mem);
	the_world = w;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	forget(w);
	for (size_t i = 0; i < (SHARDS_MAX + 1) * SHARDS_MAX; i++)
		free(w->filled[i / SHARDS_MAX][i % SHARDS_MAX]);
	tc_keyring_free(w->keys);
	tc_arena_free(w->mem);
	free(w);
	return 0;
}

static const unsigned moves[][3] = {{4, 8, 2}, {8, 2, 4}, {1, 4, 1}, {4, 1, 8}};

/* Killed before any write, and then run with that number or with another one. */
static void test_killed(void **state)
{
	struct world *w = *state;

	for (size_t m = 0; m < TC_COUNT(moves); m++) {
		for (unsigned last = 1; last < 3; last++) {
			for (unsigned long n = 1;; n++) {
				int rc;

				fill(w, moves[m][0]);
				w->stop_at = n;
				w->ends = true;
				rc = change(w, moves[m][1], 0, 0);
				w->stop_at = 0;
				assert_int_equal(change(w, moves[m][last], 3, 1), 0);
				assert_whole(w, moves[m][last], 3, ENCLAVES);
				if (rc == 0)
					break;
			}
		}
	}
}

static unsigned other_shards;

static void retain_and_remove(struct world *w)
{
	w->stop_at = 0;
	assert_int_equal(change(w, other_shards, 3, 1), 0);
	assert_int_equal(change(w, other_shards, 5, 2), 0);
}

/* Before any write of a move somebody else changes two users, and wants the number before, this or a third one. */
static void test_in_between(void **state)
{
	struct world *w = *state;

	for (size_t m = 0; m < TC_COUNT(moves); m++) {
		for (unsigned other = 0; other < 3; other++) {
			bool came = true;

			other_shards = moves[m][other];
			for (unsigned long n = 1; came; n++) {
				fill(w, moves[m][0]);
				w->stop_at = n;
				w->then = retain_and_remove;
				assert_int_equal(change(w, moves[m][1], 0, 0), 0);
				came = w->stop_at == 0;
				w->stop_at = 0;
				if (!came)
					continue;
				assert_int_equal(change(w, moves[m][1], 0, 0), 0);
				assert_whole(w, moves[m][1], 3, 5);
			}
		}
	}
}

static void change_forever(struct world *w)
{
	static int how;

	/* there are so many rounds, and each of them is disturbed */
	w->stop_at = 0;
	assert_int_equal(change(w, 1, 1, ++how % 2), 0);
	w->stop_at = w->writes + 1;
}

static void test_never_ending(void **state)
{
	struct world *w = *state;
	struct tc_nats_registrar r = writer(w, 1);
	struct edit e = {.r = &r, .want = want_of(r.mem, 0)};
	struct tc_nats_accounts a;
	struct tc_error err = {0};

	fill(w, 1);
	assert_int_equal(change(w, 1, 0, 2), 0);
	w->stop_at = w->writes + 1;
	w->then = change_forever;
	assert_int_equal(tc_nats_change(&r, &a, 0, on_edit, &e, &err), -1);
	assert_int_equal(err.code, TC_E_RETRY);
	assert_string_equal(err.msg, "nats: write file 0: others write it all the time; try again");
	tc_arena_free(r.mem);
}

/* The first file says how many there are, though no enclave is in it. */
static void test_first_file(void **state)
{
	struct world *w = *state;
	unsigned number = 0;

	for (;; number++) {
		struct tc_nats_registrar r = writer(w, 4);
		struct tc_want want = want_of(r.mem, number);
		unsigned shard = tc_nats_shard_of(&r, want.enclave);

		tc_arena_free(r.mem);
		if (shard)
			break;
	}
	forget(w);
	assert_int_equal(change(w, 4, number, 0), 0);
	assert_non_null(strstr(w->texts[0], " shard=0/4\n"));
	assert_int_equal(change(w, 8, number, 1), 0);
	assert_int_equal(count(w, false, number), 0);
	assert_int_equal(count(w, true, number), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_in_between, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_ending, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
