#include "compiler/transform/assemble.h"

#include "compiler/tree/edit.h"
#include "compiler/tree/emit.h"

struct assembly {
	struct tc_work *w;
	struct tc_result_source *out;
	size_t cap;
	bool crlf;    /* the source's line ends */
	bool pending; /* the last piece does not end with a line end */
};

static struct tc_piece *add_piece(struct assembly *a, const char *text, size_t len)
{
	tc_grow(a->w->mem, a->out->pieces, a->out->npieces, a->cap);
	a->out->pieces[a->out->npieces] = (struct tc_piece){.text = {.s = text, .len = len}};
	if (len)
		a->pending = text[len - 1] != '\n' && text[len - 1] != '\r';
	return &a->out->pieces[a->out->npieces++];
}

static const char *line_end(const struct assembly *a)
{
	return a->crlf ? "\r\n" : "\n";
}

/* JSON keeps the shape of its source: one line, or steps of two blanks. */
static struct tc_emit how(const struct assembly *a, const struct tc_doc *doc)
{
	struct tc_str text = {.s = doc->src->text.s + doc->begin, .len = doc->end - doc->begin};
	size_t end = text.len;

	if (doc->format == TC_YAML)
		return (struct tc_emit){.format = TC_YAML, .crlf = a->crlf};
	while (end && (text.s[end - 1] == '\n' || text.s[end - 1] == '\r' || text.s[end - 1] == ' '))
		end--;
	return (struct tc_emit){.format = TC_JSON, .crlf = a->crlf, .indent = end && memchr(text.s, '\n', end) ? 2 : 0};
}

/* The text of a tree, behind head; *text is freed by the caller. */
static int emit(struct assembly *a, struct tc_buf *text, const struct tc_node *root, const struct tc_doc *doc,
		struct tc_str head)
{
	text->secret = a->w->stage->keys != NULL;
	tc_buf_add(text, head.s, head.len);
	if (tc_emit_verified(text, root, how(a, doc), a->w->err) < 0)
		return -1;
	if (doc->format == TC_JSON)
		tc_buf_puts(text, line_end(a));
	return 0;
}

static int emit_piece(struct assembly *a, const struct tc_node *root, const struct tc_doc *doc, struct tc_str head)
{
	_cleanup_buf_ struct tc_buf text = {0};
	struct tc_piece *piece;

	if (emit(a, &text, root, doc, head) < 0)
		return -1;
	piece = add_piece(a, tc_strndup(a->w->mem, text.p, text.len), text.len);
	piece->root = root;
	a->out->changed = true;
	return 0;
}

static bool is_cluster_scoped(const struct tc_node *object)
{
	return !tc_get_path(object, "metadata", "namespace", NULL);
}

/* The blank lines and comments before the first line of the root: they stay when a document is written anew. */
static struct tc_str head_of(const struct tc_stage_doc *d)
{
	const struct tc_doc *doc = d->cut;
	const char *text = doc->src->text.s;
	uint32_t end = d->root->off;

	while (end > doc->begin && text[end - 1] != '\n')
		end--;
	for (uint32_t i = doc->begin; i < end; i++) {
		uint32_t line = i;

		while (i < end && text[i] == ' ')
			i++;
		if (i < end && text[i] != '#' && text[i] != '\n' && text[i] != '\r') {
			end = line;
			break;
		}
		while (i < end && text[i] != '\n')
			i++;
	}
	return (struct tc_str){.s = text + doc->sep, .len = end - doc->sep};
}

static int add_new(struct assembly *a, struct tc_stage_doc *d, const struct tc_node *object)
{
	const char *separator = d->cut->format == TC_JSON ? "" : tc_printf(a->w->mem, "---%s", line_end(a));

	if (a->pending)
		add_piece(a, line_end(a), strlen(line_end(a)));
	if (emit_piece(a, object, d->cut, tc_str(separator)) < 0)
		return -1;
	a->out->pieces[a->out->npieces - 1].cluster_scoped = is_cluster_scoped(object);
	return 0;
}

static void add_unchanged(struct assembly *a, const struct tc_doc *doc)
{
	add_piece(a, doc->src->text.s + doc->sep, doc->end - doc->sep)->doc = doc;
}

/* An object of ours is replaced whole, by a text that a second run gives again. */
static int add_replaced(struct assembly *a, struct tc_stage_doc *d)
{
	const struct tc_doc *doc = d->cut;
	struct tc_str old = {.s = doc->src->text.s + doc->sep, .len = doc->end - doc->sep};
	struct tc_str separator = {.s = old.s, .len = doc->format == TC_JSON ? 0 : doc->begin - doc->sep};
	_cleanup_buf_ struct tc_buf text = {0};

	if (emit(a, &text, d->whole, doc, separator) < 0)
		return -1;
	/* JSON has no comments that could be stale: there the tree decides, and the author's spacing stays. */
	if (doc->format == TC_JSON ? tc_equal(d->root, d->whole, true) : tc_str_equal(tc_buf_str(&text), old)) {
		add_unchanged(a, doc);
	} else {
		add_piece(a, tc_strndup(a->w->mem, text.p, text.len), text.len)->root = d->whole;
		a->out->changed = true;
	}
	a->out->pieces[a->out->npieces - 1].cluster_scoped = is_cluster_scoped(d->whole);
	return 0;
}

/* The author's document with its changes: made in its text, or else written anew from the tree. */
static int add_patched(struct assembly *a, struct tc_stage_doc *d)
{
	const struct tc_doc *doc = d->cut;
	const struct tc_node *patched = tc_patch_apply(a->w->mem, d->patch);
	_cleanup_buf_ struct tc_buf text = {.secret = a->w->stage->keys != NULL};
	const char *why = NULL;
	struct tc_piece *piece;

	tc_buf_add(&text, doc->src->text.s + doc->sep, doc->begin - doc->sep);
	if (tc_edit_verified(&text, doc, d->patch, patched, &why)) {
		piece = add_piece(a, tc_strndup(a->w->mem, text.p, text.len), text.len);
		piece->root = patched;
		a->out->changed = true;
	} else {
		if (emit_piece(a, patched, doc, doc->format == TC_JSON ? (struct tc_str){0} : head_of(d)) < 0)
			return -1;
		piece = &a->out->pieces[a->out->npieces - 1];
	}
	piece->edit = why ? TC_EDIT_ANEW : TC_EDIT_MADE;
	piece->why = why;
	piece->at = tc_node_pos(d->root);
	return 0;
}

static int add_doc(struct assembly *a, struct tc_stage_doc *d)
{
	const struct tc_doc *doc = d->cut;

	if (d->drop) {
		a->out->changed = true;
		return 0;
	}
	if (d->whole)
		return add_replaced(a, d);
	if (!d->patch || d->patch->count == 0) {
		add_unchanged(a, doc);
		return 0;
	}
	return add_patched(a, d);
}

static int add_with_new(struct assembly *a, struct tc_stage_doc *d)
{
	if (add_doc(a, d) < 0)
		return -1;
	for (size_t i = 0; i < d->nadded; i++) {
		if (add_new(a, d, d->added[i]) < 0)
			return -1;
	}
	return 0;
}

/* The bytes before the first document: a byte order mark. */
static void add_front(struct assembly *a, const struct tc_stage_doc *docs, size_t ndocs)
{
	const struct tc_source *src = a->out->src;
	uint32_t first = ndocs ? docs[0].cut->sep : (uint32_t)src->text.len;

	if (first)
		add_piece(a, src->text.s, first);
}

int tc_assemble(struct tc_work *w, struct tc_result_source *out, struct tc_stage_doc *docs, size_t ndocs)
{
	struct assembly a = {.w = w, .out = out};
	const char *newline = memchr(out->src->text.s, '\n', out->src->text.len);

	a.crlf = newline && newline > out->src->text.s && newline[-1] == '\r';
	add_front(&a, docs, ndocs);
	for (size_t i = 0; i < ndocs; i++) {
		if (add_with_new(&a, &docs[i]) < 0)
			return -1;
	}
	return 0;
}
