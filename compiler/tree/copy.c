/* copy.c - deep copies with aliases followed and merges expanded (node.h). */
#include "compiler/tree/node.h"
#include "compiler/tree/ptrmap.h"

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

struct following {
	struct tc_arena *mem;
	struct tc_ptrmap anchors; /* anchored node -> its copy in its place */
	bool merges;
};

static void follow_children(struct following *f, struct tc_node *to, const struct tc_node *from);

/* What an alias stands for, as wide as the alias. Nothing in it has a place of its own. */
static struct tc_node *follow_alias(struct following *f, const struct tc_node *alias)
{
	const struct copying c = {.mem = f->mem};
	const struct tc_ptrslot *anchor = tc_ptrmap_find(&f->anchors, alias->target);
	struct tc_node *to = copy(&c, alias);
	struct tc_props *props = tc_alloc(f->mem, sizeof(*props));

	if (to->props)
		*props = *to->props;
	props->stands_for = anchor->first;
	to->props = props;
	to->style = to->kind == TC_MAP || to->kind == TC_SEQ ? TC_STYLE_FLOW : TC_STYLE_ANY;
	to->off = alias->off;
	to->end = alias->end;
	return to;
}

static struct tc_node *follow(struct following *f, const struct tc_node *n)
{
	struct tc_node *to;

	if (n->kind == TC_ALIAS)
		return follow_alias(f, n);
	to = tc_alloc(f->mem, sizeof(*to));
	*to = *n;
	to->parent = to->next = NULL;
	to->flags &= TC_NODE_SECRET;
	if (n->props) {
		struct tc_props *props = tc_alloc(f->mem, sizeof(*props));

		*props = (struct tc_props){.tag = n->props->tag, .anchored = n->props->anchor != NULL};
		to->props = props;
	}
	if (n->flags & TC_NODE_SHARED)
		tc_ptrmap_add(&f->anchors, n)->first = to;
	f->merges = f->merges || (n->flags & TC_NODE_MERGES);
	if ((n->kind == TC_MAP || n->kind == TC_SEQ) && !f->merges) {
		to->first = to->last = NULL;
		to->count = 0;
		follow_children(f, to, n);
	}
	return to;
}

static void follow_children(struct following *f, struct tc_node *to, const struct tc_node *from)
{
	for (const struct tc_node *i = from->first; i && !f->merges; i = i->next) {
		struct tc_node *child = follow(f, i);

		if (from->kind == TC_SEQ) {
			tc_push(to, child);
		} else {
			i = i->next;
			tc_put_node(to, child, follow(f, i));
		}
	}
}

struct tc_node *tc_copy_followed(struct tc_arena *mem, const struct tc_node *n)
{
	_cleanup_(tc_arena_free) struct tc_arena *tmp = tc_arena_new(4096);
	struct following f = {.mem = mem, .anchors = {.mem = tmp}};
	struct tc_node *to = follow(&f, n);

	if (f.merges)
		return NULL;
	to->parent = tc_new_doc(mem, tc_node_source(n));
	to->parent->flags |= TC_NODE_FOLLOWED;
	return to;
}

const struct tc_node *tc_stands_for(const struct tc_node *n)
{
	return n->flags & TC_NODE_NEW || !n->props ? NULL : n->props->stands_for;
}

struct tc_node *tc_copy_new(struct tc_arena *mem, const struct tc_node *n, const struct tc_origin *origin)
{
	struct copying c = {.mem = mem, .as_new = true, .origin = origin};

	return n ? copy(&c, n) : NULL;
}
