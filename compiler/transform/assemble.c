#include "compiler/transform/assemble.h"

#include "compiler/tree/edit.h"
#include "compiler/tree/emit.h"

struct assembly {
	struct tc_work *w;
	struct tc_result_source *out;
	size_t cap;
	struct tc_arena *scratch; /* patched trees, until their text is made */
	bool crlf;                /* the source's line ends */
	bool pending;             /* the last piece does not end with a line end */
};

static struct tc_piece *add_piece(struct assembly *a, const char *text, size_t len)
{
	tc_grow(a->w->mem, a->out->pieces, a->out->npieces, a->cap);
	a->out->pieces[a->out->npieces] = (struct tc_piece){.text = {.s = text, .len = len}};
	if (len)
		a->pending = text[len - 1] != '\n' && text[len - 1] != '\r';
	return &a->out->pieces[a->out->npieces++];
}

static const char *line_end(bool crlf)
{
	return crlf ? "\r\n" : "\n";
}

static bool has_crlf(const struct tc_source *src)
{
	const char *newline = memchr(src->text.s, '\n', src->text.len);

	return newline && newline > src->text.s && newline[-1] == '\r';
}

/* JSON keeps the shape of its source: one line, or steps of two blanks. */
static struct tc_emit how(const struct tc_doc *doc, bool crlf)
{
	struct tc_str text = {.s = doc->src->text.s + doc->begin, .len = doc->end - doc->begin};
	size_t end = text.len;

	if (doc->format == TC_YAML)
		return (struct tc_emit){.format = TC_YAML, .crlf = crlf};
	while (end && (text.s[end - 1] == '\n' || text.s[end - 1] == '\r' || text.s[end - 1] == ' '))
		end--;
	return (struct tc_emit){.format = TC_JSON, .crlf = crlf, .indent = end && memchr(text.s, '\n', end) ? 2 : 0};
}

int tc_assemble_text(struct tc_work *w, struct tc_buf *out, const struct tc_node *object, const struct tc_doc *doc)
{
	bool crlf = has_crlf(doc->src);

	if (tc_emit_verified(out, object, how(doc, crlf), w->err) < 0)
		return -1; /* unreachable: only a bug of the emitter fails */
	if (doc->format == TC_JSON)
		tc_buf_puts(out, line_end(crlf));
	return 0;
}

/* A piece whose text was built in a buffer. */
static struct tc_piece *add_text(struct assembly *a, const struct tc_buf *text)
{
	struct tc_piece *piece = add_piece(a, tc_strndup(a->w->mem, text->p, text->len), text->len);

	piece->document = true;
	a->out->changed = true;
	return piece;
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

static void add_new(struct assembly *a, const struct tc_stage_doc *d, const struct tc_made *made)
{
	if (a->pending)
		add_piece(a, line_end(a->crlf), strlen(line_end(a->crlf)));
	if (d->cut->format == TC_YAML)
		add_piece(a, a->crlf ? "---\r\n" : "---\n", a->crlf ? 5 : 4)->cluster_scoped = made->cluster_scoped;
	*add_piece(a, made->text.s, made->text.len) =
		(struct tc_piece){.text = made->text, .document = true, .cluster_scoped = made->cluster_scoped};
	a->out->changed = true;
}

static struct tc_piece *add_unchanged(struct assembly *a, const struct tc_doc *doc)
{
	struct tc_piece *piece = add_piece(a, doc->src->text.s + doc->sep, doc->end - doc->sep);

	piece->document = true;
	return piece;
}

/* An object of ours is replaced whole, by a text that a second run gives again. */
static void add_replaced(struct assembly *a, const struct tc_stage_doc *d)
{
	const struct tc_doc *doc = d->cut;
	struct tc_str old = {.s = doc->src->text.s + doc->begin, .len = doc->end - doc->begin};
	struct tc_piece *piece;

	if (tc_str_equal(d->whole.text, old)) {
		piece = add_unchanged(a, doc);
	} else {
		if (doc->format == TC_YAML && doc->begin > doc->sep)
			add_piece(a, doc->src->text.s + doc->sep, doc->begin - doc->sep)->cluster_scoped =
				d->whole.cluster_scoped;
		piece = add_piece(a, d->whole.text.s, d->whole.text.len);
		piece->document = true;
		a->out->changed = true;
	}
	piece->cluster_scoped = d->whole.cluster_scoped;
}

/* The author's document with its changes: made in its text, or else written anew from the tree. */
static int add_patched(struct assembly *a, struct tc_stage_doc *d)
{
	const struct tc_doc *doc = d->cut;
	struct tc_arena_mark mark = tc_arena_mark(a->scratch);
	const struct tc_node *patched = tc_patch_apply(a->scratch, d->patch);
	_cleanup_buf_ struct tc_buf text = {.secret = a->w->stage->keys != NULL};
	const char *why = NULL;
	struct tc_piece *piece;

	tc_buf_add(&text, doc->src->text.s + doc->sep, doc->begin - doc->sep);
	if (!tc_edit_verified(&text, doc, d->patch, patched, &why)) {
		struct tc_str head = doc->format == TC_JSON ? (struct tc_str){0} : head_of(d);

		tc_buf_clear(&text);
		tc_buf_add(&text, head.s, head.len);
		if (tc_assemble_text(a->w, &text, patched, doc) < 0)
			return -1; /* unreachable: only a bug of the emitter fails */
	}
	tc_arena_rewind(a->scratch, mark);
	piece = add_text(a, &text);
	piece->edit = why ? TC_EDIT_ANEW : TC_EDIT_MADE;
	piece->why = why;
	piece->inner_why = d->inner_why;
	piece->at = tc_node_pos(d->root);
	return 0;
}

static int add_doc(struct assembly *a, struct tc_stage_doc *d)
{
	const struct tc_doc *doc = d->cut;

	if (d->drop) {
		a->out->changed = true;
	} else if (d->whole.text.s) {
		add_replaced(a, d);
	} else if (!d->patch || d->patch->count == 0) {
		struct tc_piece *piece = add_unchanged(a, doc);

		/* One of ours that is as it should be. */
		piece->cluster_scoped = d->nobjects == 1 && d->objects[0]->ours &&
					d->objects[0]->kind->role == TC_ROLE_SPIFFEID && !tc_doc_is_list(d);
	} else {
		return add_patched(a, d);
	}
	return 0;
}

static int add_with_new(struct assembly *a, struct tc_stage_doc *d)
{
	if (add_doc(a, d) < 0)
		return -1; /* unreachable: only a bug of the emitter fails */
	for (size_t i = 0; i < d->nadded; i++)
		add_new(a, d, &d->added[i]);
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
	_cleanup_(tc_arena_free) struct tc_arena *scratch =
		w->stage->keys ? tc_arena_new_secret(64 * 1024) : tc_arena_new(64 * 1024);
	struct assembly a = {.w = w, .out = out, .scratch = scratch, .crlf = has_crlf(out->src)};

	add_front(&a, docs, ndocs);
	for (size_t i = 0; i < ndocs; i++) {
		if (add_with_new(&a, &docs[i]) < 0)
			return -1; /* unreachable: only a bug of the emitter fails */
	}
	return 0;
}
