/* apply.c - what a patch makes of its tree: the patched copy, and the same as RFC 6902 (patch.h).
 *
 * Both walk the tree once in the order of the document and ask at every node what is to happen there. So an operation
 * inside of something that goes away is never reached, and the work is linear in the tree. */
#include "compiler/tree/emit.h"
#include "compiler/tree/patch.h"

static const struct tc_op *ops_at(const struct tc_patch *p, const struct tc_node *place)
{
	const struct tc_ptrslot *slot = tc_ptrmap_find(&p->places, place);

	return slot ? slot->first : NULL;
}

static const struct tc_op *change_of(const struct tc_patch *p, const struct tc_node *at)
{
	const struct tc_op *op = ops_at(p, at);

	while (op && !op->at)
		op = op->next_here;
	return op;
}

/* The patched copy */

struct applying {
	struct tc_arena *mem;
	const struct tc_patch *p;
	const struct tc_source *src;
	struct tc_ptrmap copies; /* of nodes that aliases point at */
};

static struct tc_node *apply(struct applying *a, const struct tc_node *n);

/* What points into the source may stay there; all else is the patch's arena's. */
static struct tc_str apply_text(const struct applying *a, struct tc_str text)
{
	uintptr_t from = a->src ? (uintptr_t)a->src->text.s : 0, at = (uintptr_t)text.s;

	if (a->src && at >= from && at < from + a->src->text.len)
		return text;
	return (struct tc_str){.s = tc_strndup(a->mem, text.len ? text.s : "", text.len), .len = text.len};
}

static const struct tc_props *apply_props(const struct applying *a, const struct tc_props *from)
{
	struct tc_props *props;

	if (!from || (!from->anchor && !from->tag))
		return NULL;
	props = tc_alloc(a->mem, sizeof(*props));
	props->anchor = from->anchor ? tc_strdup(a->mem, from->anchor) : NULL;
	props->tag = from->tag ? tc_strdup(a->mem, from->tag) : NULL;
	return props;
}

static struct tc_node *apply_alias(const struct applying *a, const struct tc_node *n)
{
	const struct tc_ptrslot *slot = tc_ptrmap_find(&a->copies, n->target);
	struct tc_node *to;

	if (!slot)
		return tc_copy_expanded(a->mem, n);
	to = tc_alloc(a->mem, sizeof(*to));
	to->kind = TC_ALIAS;
	to->target = slot->first;
	to->off = n->off;
	to->end = n->end;
	return to;
}

static void apply_seq(struct applying *a, struct tc_node *to, const struct tc_node *from)
{
	for (const struct tc_node *i = from->first; i; i = i->next) {
		const struct tc_op *op = change_of(a->p, i);

		if (!op)
			tc_push(to, apply(a, i));
		else if (op->value)
			tc_push(to, apply(a, op->value));
	}
}

static void apply_map(struct applying *a, struct tc_node *to, const struct tc_node *from)
{
	for (const struct tc_node *key = from->first; key; key = key->next->next) {
		const struct tc_op *op = change_of(a->p, key->next);

		/* The key is copied first: an anchor on it may be named in the value. */
		if (!op || op->value) {
			struct tc_node *copy = apply(a, key);

			tc_put_node(to, copy, apply(a, op ? op->value : key->next));
		}
	}
}

static void apply_additions(struct applying *a, struct tc_node *to, const struct tc_node *from)
{
	for (const struct tc_op *op = ops_at(a->p, from); op; op = op->next_here) {
		if (op->kind == TC_OP_ADD_KEY)
			tc_put_node(to, tc_copy_expanded(a->mem, op->key), apply(a, op->value));
		else if (op->kind == TC_OP_ADD_ITEM)
			tc_push(to, apply(a, op->value));
	}
}

static struct tc_node *apply(struct applying *a, const struct tc_node *n)
{
	struct tc_node *to;

	if (n->flags & TC_NODE_NEW)
		return tc_copy_expanded(a->mem, n);
	if (n->kind == TC_ALIAS)
		return apply_alias(a, n);

	to = tc_alloc(a->mem, sizeof(*to));
	to->kind = n->kind;
	to->style = n->style;
	to->flags = n->flags;
	to->off = n->off;
	to->end = n->end;
	to->props = apply_props(a, n->props);
	if (n->flags & TC_NODE_SHARED)
		tc_ptrmap_add(&a->copies, n)->first = to;
	if (n->kind == TC_SEQ)
		apply_seq(a, to, n);
	else if (n->kind == TC_MAP)
		apply_map(a, to, n);
	else
		to->text = apply_text(a, n->text);
	if (n->kind == TC_SEQ || n->kind == TC_MAP)
		apply_additions(a, to, n);
	if (to->flags & TC_NODE_MERGES)
		tc_merges_resolve(a->mem, to);
	return to;
}

struct tc_node *tc_patch_apply(struct tc_arena *mem, const struct tc_patch *p)
{
	_cleanup_(tc_arena_free) struct tc_arena *tmp = tc_arena_new(4096);
	struct applying a = {.mem = mem, .p = p, .src = tc_node_source(p->root), .copies = {.mem = tmp}};
	const struct tc_op *op = change_of(p, p->root);
	struct tc_node *to = apply(&a, op && op->value ? op->value : p->root);

	if (!(to->flags & TC_NODE_NEW))
		to->parent = tc_new_doc(mem, a.src);
	return to;
}

struct tc_node *tc_patch_apply_at(struct tc_arena *mem, const struct tc_patch *p, const struct tc_node *n)
{
	_cleanup_(tc_arena_free) struct tc_arena *tmp = tc_arena_new(4096);
	struct applying a = {.mem = mem, .p = p, .src = tc_node_source(p->root), .copies = {.mem = tmp}};

	return tc_copy_new(mem, apply(&a, n), NULL);
}

/* RFC 6902 */

struct writing {
	struct tc_buf *out, *path;
	struct tc_arena *tmp;
	const struct tc_patch *p;
	struct tc_ptrmap touched; /* the places of operations, and what stands above them */
	bool any;
};

/* Most of a document is none of a patch's business: it is not walked through. */
static void touch(struct writing *w)
{
	for (const struct tc_op *op = w->p->first; op; op = op->next) {
		const struct tc_node *n = op->at ? op->at : op->parent;

		for (; n && !tc_ptrmap_find(&w->touched, n); n = n->parent)
			tc_ptrmap_add(&w->touched, n);
	}
}

static bool is_touched(const struct writing *w, const struct tc_node *n)
{
	return tc_ptrmap_find(&w->touched, n) != NULL;
}

static void write_op(struct writing *w, const char *name, const struct tc_node *value)
{
	tc_buf_puts(w->out, w->any ? ",{\"op\":\"" : "{\"op\":\"");
	tc_buf_puts(w->out, name);
	tc_buf_puts(w->out, "\",\"path\":");
	tc_emit_json_string(w->out, tc_buf_str(w->path));
	if (value) {
		tc_buf_puts(w->out, ",\"value\":");
		tc_emit(w->out, value, (struct tc_emit){.format = TC_JSON});
	}
	tc_buf_putc(w->out, '}');
	w->any = true;
}

static void path_cut(struct writing *w, size_t len)
{
	w->path->len = len;
	if (w->path->p)
		w->path->p[len] = '\0';
}

static void write_below(struct writing *w, const struct tc_node *n);

/* The path stands at n. True if n is still there afterwards. */
static bool write_change(struct writing *w, const struct tc_node *n)
{
	const struct tc_op *op = change_of(w->p, n);

	if (!op)
		write_below(w, n);
	else
		write_op(w, op->value ? "replace" : "remove", op->value);
	return !op || op->value;
}

static void write_seq(struct writing *w, const struct tc_node *seq)
{
	size_t len = w->path->len, nth = 0;

	for (const struct tc_node *i = seq->first; i; i = i->next) {
		if (!is_touched(w, i)) {
			nth++;
			continue;
		}
		tc_buf_printf(w->path, "/%zu", nth);
		nth += write_change(w, i);
		path_cut(w, len);
	}
}

static void write_map(struct writing *w, const struct tc_node *map)
{
	size_t len = w->path->len;

	for (const struct tc_node *key = map->first; key; key = key->next->next) {
		/* Of a merge, the place is another one; the patch is marked as crossed. */
		if ((key->flags & TC_NODE_MERGE) || !is_touched(w, key->next))
			continue;
		tc_pointer_token(w->path, tc_key_text(w->tmp, key));
		write_change(w, key->next);
		path_cut(w, len);
	}
}

/* n stays: all operations at it are additions. */
static void write_below(struct writing *w, const struct tc_node *n)
{
	size_t len = w->path->len;

	if (n->kind == TC_SEQ)
		write_seq(w, n);
	else if (n->kind == TC_MAP)
		write_map(w, n);
	for (const struct tc_op *op = ops_at(w->p, n); op; op = op->next_here) {
		tc_pointer_token(w->path, op->kind == TC_OP_ADD_ITEM ? TC_STR("-") : op->key->text);
		write_op(w, "add", op->value);
		path_cut(w, len);
	}
}

void tc_patch_json(struct tc_buf *out, const struct tc_patch *p)
{
	_cleanup_(tc_arena_free) struct tc_arena *tmp = tc_arena_new(1024);
	_cleanup_buf_ struct tc_buf path = {0};
	struct writing w = {.out = out, .path = &path, .tmp = tmp, .p = p, .touched = {.mem = tmp}};

	tc_buf_putc(out, '[');
	touch(&w);
	if (p->count > 0)
		write_change(&w, p->root);
	tc_buf_putc(out, ']');
}
