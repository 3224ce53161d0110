/* What is there: the files, and whether every server has loaded them. */
#include "registrars/nats.h"

/* What the servers know of one file; differs: into o, for each that has not loaded it. */
static bool all_loaded(struct tc_nats_registrar *r, const struct tc_nats_accounts *a, struct tc_observed *o,
		       struct tc_error *err)
{
	bool loaded;

	for (size_t i = 0; r->conf.keys && i < r->nservers; i++) {
		if (tc_nats_loaded(r, &loaded, &r->servers[i], a, 300, err) < 0)
			return false;
		if (!loaded)
			tc_observed_add(o, "the server \"%s\" has not loaded what %s says", r->servers[i].name,
					a->place);
	}
	return true;
}

/* want NULL: nobody wants it, so that there is nothing to compare it with. */
static void judge(struct tc_observed *o, struct tc_nats_registrar *r, const struct tc_nats_accounts *a, bool intact,
		  const struct tc_nats_entry *entry, const struct tc_want *want)
{
	if (a->foreign) {
		tc_observed_add(o, "%s", a->foreign);
		o->state = TC_STATE_FOREIGN;
		return;
	}
	if (!entry) {
		o->state = o->ndiffers ? TC_STATE_DIFFERS : TC_STATE_ABSENT;
		return;
	}
	if (entry->retained) {
		o->state = o->ndiffers ? TC_STATE_DIFFERS : TC_STATE_RETAINED;
		return;
	}
	if (want)
		(void)tc_nats_entry_is(r, entry, want, o);
	if (!intact)
		tc_observed_add(o, "%s was changed by hand, or the limits or the number of shards were", a->place);
	o->state = o->ndiffers ? TC_STATE_DIFFERS : TC_STATE_APPLIED;
}

/* Once the servers have what the file says. */
static int look_at_stream(struct tc_observed *out, struct tc_nats_registrar *r, const struct tc_nats_entry *entry,
			  const struct tc_want *want, struct tc_error *err)
{
	bool there;

	if (!r->conf.keys)
		return 0;
	if (tc_nats_stream_look(r, want, &there, &out->items, &out->bytes, err) < 0)
		return -1;
	if (!there && !entry->retained)
		tc_observed_add(out, "stream \"%s\" is missing", tc_nats_stream_name(r, want));
	return 0;
}

int tc_nats_observe(struct tc_observed *out, void *self, const struct tc_want *want, struct tc_error *err)
{
	struct tc_nats_registrar *r = self;
	const struct tc_nats_entry *entry;
	struct tc_nats_accounts a;
	bool intact;

	tc_nats_begin(r);
	if (tc_nats_servers(r, err) < 0 || tc_nats_accounts_read(r, &a, tc_nats_shard_of(r, want->enclave), err) < 0)
		return -1;
	if (!a.foreign && !all_loaded(r, &a, out, err))
		return -1;
	intact = tc_nats_text_intact(r, &a);
	entry = tc_nats_find(&a, want->enclave, want->name);
	if (entry && !a.foreign && tc_nats_streams(r) && !out->ndiffers && look_at_stream(out, r, entry, want, err) < 0)
		return -1;
	judge(out, r, &a, intact, entry, want);
	return tc_nats_sessions(r, &out->sessions, tc_printf(r->mem, "%s.%s", want->enclave, want->name), err);
}

/* --- all of them -----------------------------------------------------------------------------------------------------
 */

struct sweep {
	struct tc_nats_registrar *r;
	struct tc_arena *mem;
	const struct tc_want **wants; /* sorted by enclave and name */
	unsigned *shards;
	bool *seen;
	size_t count;
	void (*each)(void *, const char *, const char *, const struct tc_observed *);
	void *each_self;
};

static int by_name(const void *first, const void *second)
{
	const struct tc_want *a = *(const struct tc_want *const *)first, *b = *(const struct tc_want *const *)second;
	int order = strcmp(a->enclave, b->enclave);

	return order ? order : strcmp(a->name, b->name);
}

static const struct tc_want *find_want(struct sweep *s, const struct tc_nats_entry *e)
{
	struct tc_want key = {.enclave = e->enclave, .name = e->name};
	const struct tc_want *want = &key, **found;

	found = s->count ? bsearch(&want, s->wants, s->count, sizeof(want), by_name) : NULL;
	if (!found)
		return NULL;
	s->seen[found - s->wants] = true;
	return *found;
}

static void tell(struct sweep *s, const struct tc_nats_accounts *a, bool intact, const struct tc_observed *servers,
		 const struct tc_nats_entry *entry, const struct tc_want *want)
{
	struct tc_arena_mark mark = tc_arena_mark(s->mem);
	struct tc_observed o = {.mem = s->mem, .items = UINT64_MAX, .bytes = UINT64_MAX, .sessions = UINT64_MAX};

	for (size_t i = 0; i < servers->ndiffers; i++)
		tc_observed_add(&o, "%s", servers->differs[i]);
	judge(&o, s->r, a, intact, entry, want);
	s->each(s->each_self, entry ? entry->enclave : want->enclave, entry ? entry->name : want->name, &o);
	tc_arena_rewind(s->mem, mark);
}

static int sweep_shard(struct sweep *s, unsigned shard, struct tc_error *err)
{
	struct tc_nats_registrar *r = s->r;
	struct tc_observed servers = {.mem = s->mem};
	struct tc_nats_accounts a;
	bool intact;

	if (tc_nats_accounts_read(r, &a, shard, err) < 0 || (!a.foreign && !all_loaded(r, &a, &servers, err)))
		return -1;
	intact = tc_nats_text_intact(r, &a);
	for (size_t i = 0; i < a.nentries && !a.foreign; i++)
		tell(s, &a, intact, &servers, &a.entries[i], find_want(s, &a.entries[i]));
	for (size_t i = 0; i < s->count; i++)
		if (!s->seen[i] && s->shards[i] == shard)
			tell(s, &a, intact, &servers, NULL, s->wants[i]);
	return 0;
}

int tc_nats_observe_all(void *self, const struct tc_want *wants, size_t nwants,
			void (*each)(void *, const char *, const char *, const struct tc_observed *), void *each_self,
			struct tc_error *err)
{
	struct tc_nats_registrar *r = self;
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	struct sweep s = {.r = r, .mem = mem, .count = nwants, .each = each, .each_self = each_self};
	int rc = 0;

	tc_nats_begin(r);
	s.wants = tc_alloc(mem, nwants * sizeof(*s.wants) + 1);
	s.seen = tc_alloc(mem, nwants + 1);
	for (size_t i = 0; i < nwants; i++)
		s.wants[i] = &wants[i];
	if (nwants)
		qsort(s.wants, nwants, sizeof(*s.wants), by_name);
	s.shards = tc_alloc(mem, nwants * sizeof(*s.shards) + 1);
	for (size_t i = 0; i < nwants; i++)
		s.shards[i] = tc_nats_shard_of(r, s.wants[i]->enclave);
	if (tc_nats_servers(r, err) < 0)
		return -1;
	for (unsigned shard = 0; rc == 0 && shard < r->shards; shard++)
		rc = sweep_shard(&s, shard, err);
	return rc;
}
