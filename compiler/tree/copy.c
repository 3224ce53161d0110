/* copy.c - deep copies with aliases followed and merges expanded (node.h). */
#include "compiler/tree/node.h"

struct copying {
	struct tc_arena *mem;
	bool as_new;
	const struct tc_origin *origin; /* as_new */
};

static struct tc_node *copy(const struct copying *c, const struct tc_node *n);

static void copy_children(const struct copying *c, struct tc_node *to, const struct tc_node *from)
{
	for (const struct tc_node *i = tc_item(from); i; i = tc_item_next(i))
		tc_push(to, copy(c, i));
	for (struct tc_entry e = tc_first(from); e.key; e = tc_next(e))
		tc_put_node(to, copy(c, e.key), copy(c, e.value));
}

/* A tag stays, since it is part of how a scalar is read; an anchor goes. */
static const struct tc_props *copy_props(const struct copying *c, const struct tc_props *from)
{
	struct tc_props *props;

	if (!from || !from->tag)
		return NULL;
	props = tc_alloc(c->mem, sizeof(*props));
	props->tag = tc_strdup(c->mem, from->tag);
	return props;
}

static struct tc_node *copy(const struct copying *c, const struct tc_node *n)
{
	struct tc_node *to = tc_alloc(c->mem, sizeof(*to));

	n = tc_deref(n);
	to->kind = n->kind;
	to->comment = n->comment;
	to->flags = n->flags & (TC_NODE_NEW | TC_NODE_SECRET);
	if (c->as_new) {
		to->flags |= TC_NODE_NEW;
		to->origin = c->origin;
	} else if (n->flags & TC_NODE_NEW) {
		to->origin = n->origin;
	} else {
		to->props = copy_props(c, n->props);
		to->style = n->style;
		to->off = n->off;
		to->end = n->end;
	}
	if (n->kind == TC_MAP || n->kind == TC_SEQ)
		copy_children(c, to, n);
	else
		to->text = (struct tc_str){.s = tc_strndup(c->mem, n->text.len ? n->text.s : "", n->text.len),
					   .len = n->text.len};
	return to;
}

struct tc_node *tc_copy_expanded(struct tc_arena *mem, const struct tc_node *n)
{
	struct copying c = {.mem = mem};
	struct tc_node *to;

	if (!n)
		return NULL;
	to = copy(&c, n);
	if (!(to->flags & TC_NODE_NEW))
		to->parent = tc_new_doc(mem, tc_node_source(tc_deref(n)));
	return to;
}

struct tc_node *tc_copy_new(struct tc_arena *mem, const struct tc_node *n, const struct tc_origin *origin)
{
	struct copying c = {.mem = mem, .as_new = true, .origin = origin};

	return n ? copy(&c, n) : NULL;
}
