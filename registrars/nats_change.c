/* A change of accounts files. Whoever writes one writes it only if it is still what was read, and else begins again: so
 * no writer undoes what another did, and nobody waits for one that hangs. */
#include "registrars/nats.h"

#include "compiler/contract/identity.h"
#include "kube/clock.h"

/* How often one is tried that others write all the time. */
#define ROUNDS 40

unsigned long tc_nats_spread(struct tc_nats_registrar *r, const char *enclave)
{
	return strtoul(tc_sha256_hex(r->mem, tc_str(enclave), 8), NULL, 16);
}

unsigned tc_nats_shard_of(struct tc_nats_registrar *r, const char *enclave)
{
	return (unsigned)(tc_nats_spread(r, enclave) % r->shards);
}

int tc_nats_refuse(const struct tc_nats_accounts *a, struct tc_error *err)
{
	return tc_fail(err, TC_E_REJECTED, "nats: %s; it was left as it is", a->foreign);
}

int tc_nats_read_one(struct tc_nats_registrar *r, struct tc_nats_accounts *out, unsigned shard, struct tc_error *err)
{
	*out = (struct tc_nats_accounts){.shard = shard, .place = r->store->place(r, shard)};
	if (r->store->read(r, out, err) < 0)
		return -1;
	if (!out->foreign)
		tc_nats_text_read(r, out);
	return 0;
}

/* The first file says over how many enclaves are spread, also when none of them is in it. */
static int look_at_first(struct tc_nats_registrar *r, unsigned shard, bool *lost, struct tc_error *err)
{
	struct tc_nats_accounts first;

	*lost = false;
	if (tc_nats_read_one(r, &first, 0, err) < 0)
		return -1;
	if (tc_nats_moving(r, &first)) {
		if (tc_nats_move(r, &first, lost, err) < 0)
			return -1;
		*lost = true; /* to another number than is wanted here, perhaps */
	} else if (shard && !first.text.len && !first.foreign) {
		return r->store->write(r, &first, tc_nats_text_write(r, &first), lost, err);
	}
	return 0;
}

static int change_once(struct tc_nats_registrar *r, struct tc_nats_accounts *out, unsigned shard,
		       int (*edit)(void *self, struct tc_nats_accounts *a, struct tc_error *err), void *self,
		       bool *lost, struct tc_error *err)
{
	struct tc_str text;

	if (look_at_first(r, shard, lost, err) < 0)
		return -1;
	if (*lost)
		return 0;
	if (tc_nats_read_one(r, out, shard, err) < 0)
		return -1;
	if (out->foreign)
		return tc_nats_refuse(out, err);
	/* since the first was looked at */
	*lost = out->of && (out->of != r->shards || out->to);
	if (*lost)
		return 0;
	if (edit(self, out, err) < 0)
		return -1;
	if (!out->text.len && !out->nentries && !out->gone)
		return 0;
	text = tc_nats_text_write(r, out);
	return tc_str_equal(text, out->text) ? 0 : r->store->write(r, out, text, lost, err);
}

int tc_nats_change(struct tc_nats_registrar *r, struct tc_nats_accounts *out, unsigned shard,
		   int (*edit)(void *self, struct tc_nats_accounts *a, struct tc_error *err), void *self,
		   struct tc_error *err)
{
	bool lost;

	for (unsigned round = 0; round < ROUNDS; round++) {
		if (change_once(r, out, shard, edit, self, &lost, err) < 0)
			return -1;
		if (!lost)
			return 0;
		tc_pause((unsigned)tc_jitter(round < 8 ? 4 << (round / 2) : 100));
	}
	return tc_fail(err, TC_E_RETRY, "nats: write %s: others write it all the time; try again",
		       r->store->place(r, shard));
}

int tc_nats_accounts_read(struct tc_nats_registrar *r, struct tc_nats_accounts *out, unsigned shard,
			  struct tc_error *err)
{
	struct tc_nats_accounts first;

	if (tc_nats_read_one(r, out, shard, err) < 0)
		return -1;
	first = *out;
	if (shard && tc_nats_read_one(r, &first, 0, err) < 0)
		return -1;
	/* Not moved yet: what is there counts, so that nobody takes a tentacle for absent. */
	return tc_nats_moving(r, &first) ? tc_nats_gather(r, out, &first, err) : 0;
}
