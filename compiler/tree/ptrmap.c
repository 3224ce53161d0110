#include "compiler/tree/ptrmap.h"

static struct tc_ptrslot *slot_of(struct tc_ptrslot *slots, size_t size, const void *key)
{
	/* Fibonacci hashing: nodes stand at regular distances, which a mask alone would pile up. */
	size_t i = (size_t)(((uint64_t)(uintptr_t)key * 0x9e3779b97f4a7c15u) >> 32);

	for (i &= size - 1; slots[i].key && slots[i].key != key; i = (i + 1) & (size - 1))
		;
	return &slots[i];
}

struct tc_ptrslot *tc_ptrmap_find(const struct tc_ptrmap *m, const void *key)
{
	struct tc_ptrslot *slot = m->count ? slot_of(m->slots, m->size, key) : NULL;

	return slot && slot->key ? slot : NULL;
}

static void grow(struct tc_ptrmap *m)
{
	size_t size = m->size ? 2 * m->size : 16;
	struct tc_ptrslot *slots = tc_alloc(m->mem, size * sizeof(*slots));

	for (size_t i = 0; i < m->size; i++) {
		if (m->slots[i].key)
			*slot_of(slots, size, m->slots[i].key) = m->slots[i];
	}
	m->slots = slots;
	m->size = size;
}

struct tc_ptrslot *tc_ptrmap_add(struct tc_ptrmap *m, const void *key)
{
	struct tc_ptrslot *slot;

	if (2 * m->count >= m->size)
		grow(m);
	slot = slot_of(m->slots, m->size, key);
	if (!slot->key) {
		slot->key = key;
		m->count++;
	}
	return slot;
}
