/* A change of accounts files: read, altered and written under the lock, so that no writer undoes what another did.
 *
 * The number of files may be changed in the configuration: enclaves then move, all of them in one go. */
#include "registrars/nats.h"

#include "compiler/contract/identity.h"

unsigned tc_nats_shard_of(struct tc_nats_registrar *r, const char *enclave)
{
	const char *hex = tc_sha256_hex(r->mem, tc_str(enclave), 8);

	return (unsigned)(strtoul(hex, NULL, 16) % r->shards);
}

int tc_nats_refuse(const struct tc_nats_accounts *a, struct tc_error *err)
{
	return tc_fail(err, TC_E_REJECTED, "nats: %s; it was left as it is", a->foreign);
}

static int read_one(struct tc_nats_registrar *r, struct tc_nats_accounts *out, unsigned shard, struct tc_error *err)
{
	*out = (struct tc_nats_accounts){.shard = shard};
	if (tc_nats_store_read(r, out, err) < 0)
		return -1;
	tc_nats_text_read(r, out);
	return 0;
}

/* The number of files that enclaves are spread over, where it is another one than configured, else 0: the first file
 * says so, or, when a move to fewer was not ended, the first that should be empty. */
static int written_with(struct tc_nats_registrar *r, unsigned *of, struct tc_error *err)
{
	const unsigned witnesses[] = {0, r->shards};

	*of = 0;
	for (size_t i = 0; i < TC_COUNT(witnesses) && !*of; i++) {
		struct tc_nats_accounts a;

		if (read_one(r, &a, witnesses[i], err) < 0)
			return -1;
		if (a.of != r->shards && a.of <= TC_NATS_SHARDS_MAX)
			*of = a.of;
	}
	return 0;
}

/* Those of an enclave, wherever they stand. */
static void take_over(struct tc_nats_registrar *r, struct tc_nats_accounts *out, const struct tc_nats_accounts *from)
{
	for (size_t i = 0; i < from->nentries; i++)
		if (tc_nats_shard_of(r, from->entries[i].enclave) == out->shard)
			tc_nats_put(r, out, &from->entries[i]);
}

static int write_moved(struct tc_nats_registrar *r, const struct tc_nats_accounts *old, unsigned count, unsigned shard,
		       struct tc_error *err)
{
	struct tc_nats_accounts now = {.shard = shard, .place = old[shard].place, .version = old[shard].version};

	for (unsigned k = 0; k < count; k++)
		take_over(r, &now, &old[k]);
	if (shard >= r->shards && !old[shard].text.len)
		return 0;
	return tc_nats_store_write(r, &now, tc_nats_text_write(r, &now), err);
}

/* All files as they were written for another number, and as they are to be. Those that gain enclaves are written before
 * those that lose them, and the one that says that there is something to move is written last: a run that was killed
 * has lost nothing, and the next one goes on. */
static int move(struct tc_nats_registrar *r, unsigned before, struct tc_error *err)
{
	unsigned count = before > r->shards ? before : r->shards, few = before > r->shards ? r->shards : 0;
	struct tc_nats_accounts *old = tc_alloc(r->mem, count * sizeof(*old));

	for (unsigned i = 0; i < count; i++) {
		if (read_one(r, &old[i], i, err) < 0)
			return -1;
		if (old[i].foreign)
			return tc_nats_refuse(&old[i], err);
	}
	for (unsigned i = 0; i < few; i++)
		if (write_moved(r, old, count, i, err) < 0)
			return -1;
	for (unsigned i = count; i-- > few;)
		if (write_moved(r, old, count, i, err) < 0)
			return -1;
	return 0;
}

static int change_locked(struct tc_nats_registrar *r, struct tc_nats_accounts *out, unsigned shard,
			 int (*edit)(void *self, struct tc_nats_accounts *a, struct tc_error *err), void *self,
			 struct tc_error *err)
{
	unsigned before;
	struct tc_str text;

	if (written_with(r, &before, err) < 0)
		return -1;
	if (before && move(r, before, err) < 0)
		return -1;
	if (read_one(r, out, shard, err) < 0)
		return -1;
	if (out->foreign)
		return tc_nats_refuse(out, err);
	if (edit(self, out, err) < 0)
		return -1;
	if (!out->text.len && !out->nentries)
		return 0;
	text = tc_nats_text_write(r, out);
	if (tc_str_equal(text, out->text))
		return 0;
	if (tc_nats_store_write(r, out, text, err) < 0)
		return -1;
	out->text = text;
	return 0;
}

int tc_nats_change(struct tc_nats_registrar *r, struct tc_nats_accounts *out, unsigned shard,
		   int (*edit)(void *self, struct tc_nats_accounts *a, struct tc_error *err), void *self,
		   struct tc_error *err)
{
	struct tc_nats_lock lock;
	int rc;

	if (tc_nats_store_lock(r, &lock, err) < 0)
		return -1;
	rc = change_locked(r, out, shard, edit, self, err);
	tc_nats_store_unlock(&lock);
	return rc;
}

int tc_nats_accounts_read(struct tc_nats_registrar *r, struct tc_nats_accounts *out, unsigned shard,
			  struct tc_error *err)
{
	unsigned before;

	if (read_one(r, out, shard, err) < 0)
		return -1;
	if (written_with(r, &before, err) < 0)
		return -1;
	/* Not moved yet: what is there counts, so that nobody takes a tentacle for absent. */
	for (unsigned i = 0; i < before; i++) {
		struct tc_nats_accounts other;

		if (i == shard)
			continue;
		if (read_one(r, &other, i, err) < 0)
			return -1;
		take_over(r, out, &other);
	}
	if (out->nentries != out->nsorted)
		(void)tc_nats_text_intact(r, out); /* sorts */
	return 0;
}
