#include "webhook/map.h"

#include <sys/random.h>

#include "compiler/base/arena.h"

enum { FIRST_SLOTS = 16 };

static uint64_t rotate(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein): short keys, and no way to find collisions without the seed. */
static uint64_t hash_of(const uint64_t seed[2], struct tc_str key)
{
	uint64_t v[4] = {seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d, seed[0] ^ 0x6c7967656e657261,
			 seed[1] ^ 0x7465646279746573};
	uint64_t word = 0, last = (uint64_t)key.len << 56;
	size_t at = 0;

	for (; key.len - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, key.s + at, sizeof(word));
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
	}
	for (unsigned shift = 0; at < key.len; at++, shift += 8)
		last |= (uint64_t)(unsigned char)key.s[at] << shift;
	v[3] ^= last;
	sip_round(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The place that points to the element, or to the end of its chain. */
static struct tc_map_item **place(const struct tc_map *m, struct tc_str key, uint64_t hash)
{
	struct tc_map_item **at = &m->slots[hash & (m->nslots - 1)];

	while (*at && !((*at)->hash == hash && tc_str_equal((*at)->key, key)))
		at = &(*at)->next;
	return at;
}

struct tc_map_item *tc_map_get(const struct tc_map *m, struct tc_str key)
{
	return m->count ? *place(m, key, hash_of(m->seed, key)) : NULL;
}

static void resize(struct tc_map *m, size_t nslots)
{
	struct tc_map_item **old = m->slots, *next;
	size_t nold = m->nslots;

	m->slots = tc_xalloc(nslots * sizeof(*m->slots));
	m->nslots = nslots;
	for (size_t i = 0; i < nold; i++) {
		for (struct tc_map_item *item = old[i]; item; item = next) {
			struct tc_map_item **to = &m->slots[item->hash & (nslots - 1)];

			next = item->next;
			item->next = *to;
			*to = item;
		}
	}
	free(old);
}

void tc_map_put(struct tc_map *m, struct tc_map_item *item)
{
	struct tc_map_item **at;

	/* Without randomness it is still a map; nothing secret hangs on it. */
	if (!m->slots && getrandom(m->seed, sizeof(m->seed), 0) != (ssize_t)sizeof(m->seed))
		m->seed[0] ^= (uint64_t)(uintptr_t)m;
	if (m->count >= m->nslots)
		resize(m, m->nslots ? m->nslots * 2 : FIRST_SLOTS);
	item->hash = hash_of(m->seed, item->key);
	at = &m->slots[item->hash & (m->nslots - 1)];
	item->next = *at;
	*at = item;
	m->count++;
}

struct tc_map_item *tc_map_take(struct tc_map *m, struct tc_str key)
{
	struct tc_map_item **at, *item;

	if (!m->count)
		return NULL;
	at = place(m, key, hash_of(m->seed, key));
	item = *at;
	if (!item)
		return NULL;
	*at = item->next;
	item->next = NULL;
	m->count--;
	return item;
}

void tc_map_sweep(struct tc_map *m, bool (*is)(const struct tc_map_item *item, void *self),
		  void (*drop)(struct tc_map_item *item, void *self), void *self)
{
	for (size_t i = 0; i < m->nslots; i++) {
		struct tc_map_item **at = &m->slots[i];

		while (*at) {
			struct tc_map_item *item = *at;

			if (!is(item, self)) {
				at = &item->next;
				continue;
			}
			*at = item->next;
			m->count--;
			drop(item, self);
		}
	}
}

static bool any(const struct tc_map_item *item, void *self)
{
	(void)item;
	(void)self;
	return true;
}

void tc_map_clear(struct tc_map *m, void (*drop)(struct tc_map_item *item, void *self), void *self)
{
	tc_map_sweep(m, any, drop, self);
	free(m->slots);
	*m = (struct tc_map){0};
}
