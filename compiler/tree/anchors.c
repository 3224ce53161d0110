#include "compiler/tree/yaml_read.h"

/* Inner nodes are marked in the lowest bit of the pointer to them. */
struct branch {
	void *child[2];
	size_t byte;
	uint8_t mask; /* the one bit in which the two sides differ first */
};

static struct branch *as_branch(void *p)
{
	uintptr_t bits = (uintptr_t)p;

	return bits & 1 ? (struct branch *)(bits - 1) : NULL;
}

static int side(const struct branch *b, const char *name, size_t len)
{
	return b->byte < len && ((uint8_t)name[b->byte] & b->mask) != 0;
}

static struct tc_anchor *nearest(const struct tc_anchors *t, const char *name, size_t len)
{
	void *p = t->root;

	for (struct branch *b = as_branch(p); b; b = as_branch(p))
		p = b->child[side(b, name, len)];
	return p;
}

struct tc_anchor *tc_anchors_find(const struct tc_anchors *t, const char *name)
{
	struct tc_anchor *a = nearest(t, name, strlen(name));

	return a && strcmp(a->name, name) == 0 ? a : NULL;
}

struct tc_anchor *tc_anchors_put(struct tc_anchors *t, struct tc_arena *mem, const char *name)
{
	size_t len = strlen(name), byte = 0;
	struct tc_anchor *near = nearest(t, name, len);

	if (near && strcmp(near->name, name) == 0)
		return near;
	struct tc_anchor *a = tc_alloc(mem, sizeof(*a));
	a->name = tc_strndup(mem, name, len);
	if (!near) {
		t->root = a;
		return a;
	}
	while (near->name[byte] == name[byte])
		byte++;
	uint8_t differs = (uint8_t)(near->name[byte] ^ name[byte]);
	struct branch *new = tc_alloc(mem, sizeof(*new));
	new->byte = byte;
	new->mask = (uint8_t)(0x80u >> (__builtin_clz(differs) - 24));
	int own = side(new, name, len);
	void **at = &t->root;
	for (struct branch *b = as_branch(*at); b; b = as_branch(*at)) {
		if (b->byte > byte || (b->byte == byte && b->mask < new->mask))
			break;
		at = &b->child[side(b, name, len)];
	}
	new->child[own] = a;
	new->child[!own] = *at;
	*at = (void *)((uintptr_t) new | 1);
	return a;
}
