/* build.c - making nodes (node.h). */
#include "compiler/tree/node.h"

static struct tc_node *new_node(struct tc_arena *mem, enum tc_kind kind, const struct tc_origin *origin)
{
	struct tc_node *n = tc_alloc(mem, sizeof(*n));

	n->kind = kind;
	n->flags = TC_NODE_NEW;
	n->origin = origin;
	return n;
}

static struct tc_node *new_scalar(struct tc_arena *mem, enum tc_kind kind, const struct tc_origin *origin,
				  struct tc_str text)
{
	struct tc_node *n = new_node(mem, kind, origin);

	n->text = text;
	return n;
}

struct tc_node *tc_new_map(struct tc_arena *mem, const struct tc_origin *origin)
{
	return new_node(mem, TC_MAP, origin);
}

struct tc_node *tc_new_seq(struct tc_arena *mem, const struct tc_origin *origin)
{
	return new_node(mem, TC_SEQ, origin);
}

struct tc_node *tc_new_string(struct tc_arena *mem, const struct tc_origin *origin, struct tc_str text)
{
	text.s = tc_strndup(mem, text.len ? text.s : "", text.len);
	return new_scalar(mem, TC_STRING, origin, text);
}

struct tc_node *tc_new_int(struct tc_arena *mem, const struct tc_origin *origin, uint64_t value)
{
	return new_scalar(mem, TC_INT, origin, tc_str(tc_printf(mem, "%llu", (unsigned long long)value)));
}

struct tc_node *tc_new_bool(struct tc_arena *mem, const struct tc_origin *origin, bool value)
{
	return new_scalar(mem, TC_BOOL, origin, tc_str(value ? "true" : "false"));
}

struct tc_node *tc_new_null(struct tc_arena *mem, const struct tc_origin *origin)
{
	return new_scalar(mem, TC_NULL, origin, TC_STR("null"));
}

struct tc_node *tc_new_doc(struct tc_arena *mem, const struct tc_source *src)
{
	struct tc_node *n = tc_alloc(mem, sizeof(*n));

	n->kind = TC_DOC;
	n->src = src;
	return n;
}

static void append(struct tc_node *to, struct tc_node *n)
{
	n->parent = to;
	n->next = NULL;
	if (to->last)
		to->last->next = n;
	else
		to->first = n;
	to->last = n;
}

void tc_put_node(struct tc_node *map, struct tc_node *key, struct tc_node *value)
{
	append(map, key);
	append(map, value);
	map->count++;
}

void tc_put_str(struct tc_arena *mem, struct tc_node *map, struct tc_str key, struct tc_node *value)
{
	tc_put_node(map, tc_new_string(mem, map->origin, key), value);
}

void tc_push(struct tc_node *seq, struct tc_node *value)
{
	append(seq, value);
	seq->count++;
}
