#include "compiler/tree/edit_text.h"
#include "compiler/tree/narrow.h"

/* Splices */

void tc_edit_splice(struct tc_edit *e, uint32_t from, uint32_t to, struct tc_str text)
{
	struct tc_splices *o = e->out;

	if (from == to && text.len == 0)
		return;
	tc_grow(e->mem, o->list, o->count, o->cap);
	if (o->count > 0 && o->list[o->count - 1].off > from)
		o->sorted = false;
	o->list[o->count] = (struct tc_splice){.off = from, .len = to - from, .nth = o->count, .text = text};
	o->count++;
}

void tc_edit_decline(struct tc_edit *e, const char *why)
{
	if (!e->out->why)
		e->out->why = why;
}

/* An alias elsewhere may name an anchor in here. */
static bool holds_anchor(const struct tc_node *n)
{
	if (n->flags & TC_NODE_SHARED)
		return true;
	if (n->kind != TC_MAP && n->kind != TC_SEQ)
		return false;
	for (const struct tc_node *i = n->first; i; i = i->next) {
		if (holds_anchor(i))
			return true;
	}
	return false;
}

void tc_edit_gone(struct tc_edit *e, const struct tc_node *n)
{
	if (n && holds_anchor(n))
		e->out->doubt = "an anchor goes that an alias names";
}

static int compare_splices(const void *a, const void *b)
{
	const struct tc_splice *x = a, *y = b;

	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	return x->nth < y->nth ? -1 : x->nth > y->nth;
}

/* [from, to) as it stands; the line end that is missing behind the last line is made. */
static void copy(struct tc_buf *out, const struct tc_edit *e, uint32_t from, uint32_t to)
{
	uint32_t stop = to < e->end ? to : e->end;

	if (from < stop)
		tc_buf_add(out, e->s + from, stop - from);
	if (to > e->end && from <= e->end)
		tc_buf_puts(out, e->newline);
}

/* The document does not end with a line end, and so it stays; but blank lines at the end are the value of a block. */
static void drop_line_end(struct tc_buf *out, size_t start)
{
	size_t n = out->len;

	if (n == start || out->p[n - 1] != '\n')
		return; /* unreachable: the line end is copied last, or whole lines of a collection that stays are */
	n -= n - start > 1 && out->p[n - 2] == '\r' ? 2 : 1;
	if (n > start && out->p[n - 1] == '\n')
		return;
	out->len = n;
	out->p[n] = '\0';
}

bool tc_edit_apply(struct tc_buf *out, const struct tc_edit *e)
{
	struct tc_splices *o = e->out;
	size_t start = out->len, added = 0;
	uint32_t at = e->begin;

	if (o->why)
		return false;
	if (!o->sorted)
		qsort(o->list, o->count, sizeof(*o->list), compare_splices);
	for (size_t i = 0; i < o->count; i++)
		added += o->list[i].text.len;
	tc_buf_reserve(out, e->end - e->begin + added + 2);
	for (size_t i = 0; i < o->count; i++) {
		const struct tc_splice *s = &o->list[i];

		if (s->off < at) {
			o->why = "two changes meet in one place";
			out->len = start;
			return false;
		}
		copy(out, e, at, s->off);
		tc_buf_add(out, s->text.s, s->text.len);
		at = s->off + s->len;
	}
	copy(out, e, at, e->limit);
	if (e->limit > e->end)
		drop_line_end(out, start);
	return true;
}

/* The walk */

const struct tc_op *tc_edit_ops(const struct tc_edit *e, const struct tc_node *place)
{
	const struct tc_ptrslot *slot = tc_ptrmap_find(&e->patch->places, place);

	return slot ? slot->first : NULL;
}

const struct tc_op *tc_edit_change(const struct tc_edit *e, const struct tc_node *at)
{
	const struct tc_op *op = tc_edit_ops(e, at);

	while (op && !op->at)
		op = op->next_here;
	return op;
}

/* Marks all that stands above an operation, so that the walk passes by what has none. */
static void touch(struct tc_edit *e, const struct tc_op *op)
{
	const struct tc_node *parent = op->at ? op->at->parent : op->parent;
	struct tc_ptrslot *slot = tc_ptrmap_find(&e->touched, parent);
	bool removes = op->kind == TC_OP_REMOVE;

	if (slot && removes)
		slot->last = (void *)((uintptr_t)slot->last + 1);
	for (const struct tc_node *n = parent; n && n->kind != TC_DOC && !tc_ptrmap_find(&e->touched, n); n = n->parent)
		tc_ptrmap_add(&e->touched, n)->last = (void *)(uintptr_t)(removes && n == parent);
}

/* Will an alias of this node stand for something else, or for nothing? */
static bool is_changed(const struct tc_edit *e, const struct tc_node *n)
{
	if (tc_ptrmap_find(&e->touched, n))
		return true;
	for (; n->kind != TC_DOC; n = n->parent) {
		if (tc_edit_change(e, n))
			return true;
	}
	return false;
}

struct stale {
	const struct tc_node **list;
	size_t count, cap;
};

static void find_stale(struct tc_edit *e, struct stale *s, const struct tc_node *n)
{
	const struct tc_node *named = tc_stands_for(n);

	if (named && is_changed(e, named)) {
		tc_grow(e->mem, s->list, s->count, s->cap);
		s->list[s->count++] = n;
	}
	if (named || (n->kind != TC_MAP && n->kind != TC_SEQ))
		return;
	for (const struct tc_node *i = n->first; i; i = i->next)
		find_stale(e, s, i);
}

/* An alias whose node changes is written out, as what it stood for. All of them are found before one is marked: a node
 * in which an alias is written out does not change by that. */
static void touch_stale(struct tc_edit *e, const struct tc_node *root)
{
	struct stale s = {0};

	find_stale(e, &s, root);
	for (size_t i = 0; i < s.count; i++) {
		for (const struct tc_node *n = s.list[i]; n->kind != TC_DOC && !tc_ptrmap_find(&e->touched, n);
		     n = n->parent)
			tc_ptrmap_add(&e->touched, n);
	}
}

static bool is_followed(const struct tc_node *root)
{
	return root->parent && (root->parent->flags & TC_NODE_FOLLOWED);
}

void tc_edit_run(struct tc_edit *e, const struct tc_node *root)
{
	struct tc_spot at = {.head = UINT32_MAX, .col = -1};

	tc_edit_style(e, root);
	for (const struct tc_op *op = e->patch->first; op; op = op->next)
		touch(e, op);
	if (is_followed(root))
		touch_stale(e, root);
	tc_edit_value(e, &at, root);
}

void tc_edit_begin(struct tc_edit *e, struct tc_splices *out, struct tc_arena *mem, const struct tc_doc *doc,
		   const struct tc_patch *patch)
{
	*out = (struct tc_splices){.sorted = true};
	*e = (struct tc_edit){.mem = mem,
			      .src = doc->src,
			      .s = doc->src->text.s,
			      .begin = doc->begin,
			      .end = doc->end,
			      .patch = patch,
			      .touched = {.mem = mem},
			      .out = out,
			      .seen = tc_alloc(mem, sizeof(*e->seen)),
			      .format = doc->format};
	if (e->end - e->begin >= 3 && memcmp(e->s + e->begin, "\xef\xbb\xbf", 3) == 0)
		e->begin += 3;
	*e->seen = (struct tc_edit_seen){.line = e->begin, .off = e->begin};
	e->limit = e->end;
	if (doc->format == TC_YAML && e->end > e->begin && e->s[e->end - 1] != '\n' && e->s[e->end - 1] != '\r')
		e->limit++;
}

static bool edit_text(struct tc_buf *out, const struct tc_doc *doc, const struct tc_patch *patch, const char **why,
		      const char **doubt)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem =
		out->secret ? tc_arena_new_secret(16 * 1024) : tc_arena_new(16 * 1024);
	size_t start = out->len;
	struct tc_splices splices;
	struct tc_edit e;

	*why = NULL;
	if (patch->root != doc->root && !is_followed(patch->root)) {
		*why = "a change would have reached other places through an alias, in a document with merge keys";
		return false;
	}
	tc_edit_begin(&e, &splices, mem, doc, patch);
	tc_edit_run(&e, patch->root);
	tc_buf_add(out, doc->src->text.s + doc->begin, e.begin - doc->begin);
	*doubt = splices.doubt ? splices.doubt : "the edited text does not read back as what it should say";
	if (tc_edit_apply(out, &e))
		return true;
	out->len = start;
	*why = splices.why;
	return false;
}

bool tc_edit(struct tc_buf *out, const struct tc_doc *doc, const struct tc_patch *patch, const char **why)
{
	const char *doubt;

	return edit_text(out, doc, patch, why, &doubt);
}

/* Proof */

/* The tree was within its limits when it was read; what tentc adds does not matter to safety. */
static const struct tc_limits verify_limits = {.max_bytes = UINT32_MAX,
					       .max_documents = 1,
					       .max_nodes = UINT32_MAX,
					       .max_expanded = UINT32_MAX,
					       .max_depth = 4096};

bool tc_edit_reads_as(struct tc_str text, enum tc_format format, bool secret, const struct tc_node *want)
{
	if (format == TC_YAML && tc_narrow_reads_as(text, secret, want))
		return true;

	_cleanup_(tc_arena_free) struct tc_arena *mem =
		secret ? tc_arena_new_secret(16 * 1024) : tc_arena_new(16 * 1024);
	struct tc_source src = {.name = "what tentc wrote", .text = text};
	struct tc_doc doc = {.src = &src, .format = format, .end = (uint32_t)text.len};

	return text.len < UINT32_MAX && tc_doc_read(mem, &doc, &verify_limits, NULL) && tc_equal(want, doc.root, true);
}

bool tc_edit_verified(struct tc_buf *out, const struct tc_doc *doc, const struct tc_patch *patch,
		      const struct tc_node *want, const char **why)
{
	size_t start = out->len;
	const char *doubt;

	if (!edit_text(out, doc, patch, why, &doubt))
		return false;
	if (tc_edit_reads_as((struct tc_str){.s = out->p + start, .len = out->len - start}, doc->format, out->secret,
			     want))
		return true;
	*why = doubt;
	out->len = start;
	return false;
}
