/* The number of files may be changed in the configuration: enclaves then move, all of them in one go.
 *
 * The first file says how many there are, and, while enclaves move, to how many: whoever finds it so ends that very
 * move before anything else, whatever number it would want itself. So all who move at once move in the same direction;
 * each writes only what is still as it has read it, and files that gain enclaves before those that lose them, the first
 * file last. A run that was killed has lost nothing, and the next one goes on.
 *
 * Numbers are powers of two, so that a file either gains or loses. */
#include "registrars/nats.h"

struct files {
	unsigned from, to, count;
	struct tc_nats_accounts *list; /* as they were read; the first is the caller's */
};

bool tc_nats_moving(const struct tc_nats_registrar *r, const struct tc_nats_accounts *first)
{
	return first->of && (first->of != r->shards || first->to);
}

static int read_files(struct tc_nats_registrar *r, struct files *f, const struct tc_nats_accounts *first,
		      struct tc_error *err)
{
	*f = (struct files){.from = first->of, .to = first->to ? first->to : r->shards};
	if (!f->from || !f->to) {
		/* unreachable: both are checked where they are read */
		tc_fail(err, TC_E_BUG, "nats: enclaves are to move to no file");
		return -1;
	}
	f->count = f->from > f->to ? f->from : f->to;
	f->list = tc_alloc(r->mem, f->count * sizeof(*f->list));
	f->list[0] = *first;
	for (unsigned i = 1; i < f->count; i++)
		if (tc_nats_read_one(r, &f->list[i], i, err) < 0)
			return -1;
	return 0;
}

/* Whether what stands in the file k is what counts: where it was, until that file was written anew; where it goes to,
 * from then on. spread: of its enclave. */
static bool counts(const struct files *f, unsigned long spread, unsigned k)
{
	unsigned long before = spread % f->from, after = spread % f->to;

	if (before == after)
		return true;
	if (k == before)
		return f->list[k].of == f->from;
	return k != after || f->list[before].of != f->from;
}

/* Those that belong there, of `of` files; each enclave's entries stand one after the other. */
static void gather(struct tc_nats_registrar *r, const struct files *f, unsigned of, struct tc_nats_accounts *out)
{
	for (unsigned k = 0; k < f->count; k++) {
		const struct tc_nats_entry *last = NULL;
		unsigned long spread = 0;

		for (size_t i = 0; i < f->list[k].nentries; i++) {
			const struct tc_nats_entry *e = &f->list[k].entries[i];

			if (!last || strcmp(last->enclave, e->enclave) != 0)
				spread = tc_nats_spread(r, e->enclave);
			last = e;
			if (spread % of == out->shard && counts(f, spread, k))
				tc_nats_put(r, out, e);
		}
	}
}

int tc_nats_gather(struct tc_nats_registrar *r, struct tc_nats_accounts *out, const struct tc_nats_accounts *first,
		   struct tc_error *err)
{
	struct files f;

	if (read_files(r, &f, first, err) < 0)
		return -1;
	out->entries = NULL;
	out->nentries = out->cap = out->nsorted = 0;
	gather(r, &f, r->shards, out);
	tc_nats_sort(out);
	return 0;
}

/* As it is to be; to: what it says of a move that goes on. */
static int write_one(struct tc_nats_registrar *r, struct files *f, unsigned shard, unsigned to, bool *lost,
		     struct tc_error *err)
{
	struct tc_nats_accounts now = {.shard = shard}, *old = &f->list[shard];
	struct tc_str text;

	if (*lost || (shard >= f->to && !old->text.len))
		return 0;
	if (to && f->to > f->from)
		now = *old; /* it only loses, and not yet */
	else
		gather(r, f, f->to, &now);
	text = tc_nats_text_write_for(r, &now, to ? f->from : f->to, to);
	return tc_str_equal(text, old->text) ? 0 : r->store->write(r, old, text, lost, err);
}

int tc_nats_move(struct tc_nats_registrar *r, struct tc_nats_accounts *first, bool *lost, struct tc_error *err)
{
	struct files f;

	*lost = false;
	if (read_files(r, &f, first, err) < 0)
		return -1;
	for (unsigned i = 0; i < f.count; i++)
		if (f.list[i].foreign)
			return tc_nats_refuse(&f.list[i], err);
	if (write_one(r, &f, 0, f.to, lost, err) < 0)
		return -1;
	for (unsigned i = f.to > f.from ? f.from : 1; i < f.to; i++)
		if (write_one(r, &f, i, 0, lost, err) < 0)
			return -1;
	for (unsigned i = f.to > f.from ? 1 : f.to; i < f.from; i++)
		if (write_one(r, &f, i, 0, lost, err) < 0)
			return -1;
	return write_one(r, &f, 0, 0, lost, err);
}
