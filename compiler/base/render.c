/* Diagnostics as text for people. */
#include "compiler/base/diag.h"
#include "compiler/base/redact.h"
#include "compiler/base/utf8.h"

#define LINE_MAX_POINTS 160

/* One index per source that has a diagnostic: they are printed by source, but notes jump. */
struct indexed {
	struct indexed *next;
	const struct tc_source *src;
	struct tc_lines *lines;
	struct tc_spans hidden;
};

struct renderer {
	struct tc_buf *out;
	struct tc_arena *mem;
	struct tc_diag_style style;
	const char *const *more_keys; /* of struct tc_diags */
	struct indexed *indexes;
};

enum look {
	LOOK_PLAIN,
	LOOK_BOLD,
	LOOK_ERROR,
	LOOK_WARNING,
	LOOK_NOTE,
	LOOK_CARET,
};

static const char *const looks[] = {
	[LOOK_PLAIN] = "\33[0m",      [LOOK_BOLD] = "\33[1m",    [LOOK_ERROR] = "\33[1;31m",
	[LOOK_WARNING] = "\33[1;35m", [LOOK_NOTE] = "\33[1;36m", [LOOK_CARET] = "\33[1;32m",
};

static void look(struct renderer *r, enum look l)
{
	if (r->style.colour)
		tc_buf_puts(r->out, looks[l]);
}

static struct tc_spans hidden_in(const struct renderer *r, struct tc_str text)
{
	const char *const *lists[] = {r->style.secret_keys, r->more_keys};
	const char **keys = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < TC_COUNT(lists); i++)
		for (size_t k = 0; lists[i] && lists[i][k]; k++) {
			tc_grow(r->mem, keys, n, cap);
			keys[n++] = lists[i][k];
		}
	if (!n)
		return (struct tc_spans){0};
	tc_grow(r->mem, keys, n, cap);
	keys[n] = NULL;
	return tc_redact(r->mem, text, keys);
}

static const struct indexed *index_of(struct renderer *r, const struct tc_source *src)
{
	struct indexed *x = r->indexes;

	while (x && x->src != src)
		x = x->next;
	if (!x) {
		x = tc_alloc(r->mem, sizeof(*x));
		*x = (struct indexed){.next = r->indexes, .src = src, .lines = tc_lines_new(r->mem, src)};
		x->hidden = hidden_in(r, src->text);
		r->indexes = x;
	}
	return x;
}

/* Bytes of what is drawn as one place: a code point, or a byte that is none (*cp is then a control character). */
static size_t step(struct tc_str text, size_t i, uint32_t *cp)
{
	size_t n = tc_utf8_decode(text.s + i, text.len - i, cp);

	if (n == 0)
		*cp = 0;
	return n ? n : 1;
}

static void add_drawn(struct tc_buf *out, struct tc_str text, bool tabs)
{
	uint32_t cp;

	for (size_t i = 0, n; i < text.len; i += n) {
		n = step(text, i, &cp);
		if (tc_utf8_invisible(cp) && !(tabs && cp == '\t'))
			tc_buf_putc(out, '?');
		else
			tc_buf_add(out, text.s + i, n);
	}
}

/* Up to max code points to the left of byte i; their number goes to *points. */
static size_t walk_back(struct tc_str text, size_t i, size_t max, size_t *points)
{
	for (*points = 0; i > 0 && *points < max; ++*points) {
		size_t n = 1;
		uint32_t cp;

		while (n < 4 && n < i && ((unsigned char)text.s[i - n] & 0xc0) == 0x80)
			n++;
		i -= tc_utf8_decode(text.s + i - n, n, &cp) == n ? n : 1;
	}
	return i;
}

static size_t walk_on(struct tc_str text, size_t i, size_t max, size_t *points)
{
	uint32_t cp;

	for (*points = 0; i < text.len && *points < max; ++*points)
		i += step(text, i, &cp);
	return i;
}

/* The part of a line that is shown. */
struct window {
	struct tc_str text;
	size_t caret; /* bytes from the start of text */
	bool cut_left, cut_right;
};

static struct window window_around(struct tc_str line, size_t caret)
{
	size_t before, after, left, right;

	left = walk_back(line, caret, LINE_MAX_POINTS + 1, &before);
	right = walk_on(line, caret, LINE_MAX_POINTS + 1, &after);
	if (before + after > LINE_MAX_POINTS) {
		/* Half of the room on each side, and what one side does not need goes to the other. */
		size_t half = LINE_MAX_POINTS / 2;
		size_t room = after < half ? LINE_MAX_POINTS - after : half;

		left = walk_back(line, caret, room, &before);
		right = walk_on(line, caret, LINE_MAX_POINTS - before, &after);
	}
	return (struct window){
		.text = {.s = line.s + left, .len = right - left},
		.caret = caret - left,
		.cut_left = left > 0,
		.cut_right = right < line.len,
	};
}

static int digits(unsigned n)
{
	int d = 1;

	while (n >= 10) {
		n /= 10;
		d++;
	}
	return d;
}

/* The hidden part that stands at byte i of a text of the source, or NULL. */
static const struct tc_span *hidden_at(const struct indexed *x, size_t i)
{
	const struct tc_span *span = tc_spans_from(&x->hidden, i);

	return span && span->from <= i ? span : NULL;
}

static void add_shown(struct tc_buf *out, const struct tc_spans *hidden, struct tc_str all, struct tc_str part,
		      bool tabs)
{
	size_t i = (size_t)(part.s - all.s), end = i + part.len;

	while (i < end) {
		const struct tc_span *span = tc_spans_from(hidden, i);

		if (!span || span->from >= end)
			break;
		if (span->from > i)
			add_drawn(out, (struct tc_str){.s = all.s + i, .len = span->from - i}, tabs);
		tc_buf_puts(out, TC_REDACTED);
		i = span->to;
	}
	if (i < end)
		add_drawn(out, (struct tc_str){.s = all.s + i, .len = end - i}, tabs);
}

/* Up to the caret. */
static void add_blanks(struct renderer *r, const struct indexed *x, const struct window *w)
{
	size_t start = (size_t)(w->text.s - x->src->text.s);
	uint32_t cp;

	for (size_t i = 0, n; i < w->caret; i += n) {
		const struct tc_span *span = hidden_at(x, start + i);

		n = span ? span->to - start - i : step(w->text, i, &cp);
		/* In a code point the caret stands under it, in what is hidden under its start. */
		if (i + n > w->caret)
			break;
		if (span)
			tc_buf_fill(r->out, ' ', strlen(TC_REDACTED));
		else
			tc_buf_putc(r->out, cp == '\t' ? '\t' : ' ');
	}
}

static void add_excerpt(struct renderer *r, const struct indexed *x, const struct tc_place *place, uint32_t off)
{
	/* The byte order mark is before the line. */
	size_t at = off > place->line_off ? off - place->line_off : 0;
	struct window w = window_around(place->text, at < place->text.len ? at : place->text.len);
	int gutter = digits(place->line) > 4 ? digits(place->line) : 4;

	tc_buf_printf(r->out, "%*u |%s%s", gutter, place->line, w.text.len ? " " : "", w.cut_left ? "..." : "");
	add_shown(r->out, &x->hidden, x->src->text, w.text, true);
	tc_buf_printf(r->out, "%s\n%*s | %s", w.cut_right ? "..." : "", gutter, "", w.cut_left ? "   " : "");
	add_blanks(r, x, &w);
	look(r, LOOK_CARET);
	tc_buf_putc(r->out, '^');
	look(r, LOOK_PLAIN);
	tc_buf_putc(r->out, '\n');
}

/* Where people find it: the place in the file. */
static struct tc_pos place_for(const struct renderer *r, struct tc_pos at)
{
	while (at.src && at.src->outer && !r->style.locate)
		at = (struct tc_pos){.src = at.src->outer, .off = at.src->outer_off};
	return at;
}

/* Without what is quoted. */
static void add_unquoted(struct tc_buf *out, const char *text)
{
	bool quoted = false;

	for (const char *start = text;; text++) {
		if (quoted && *text == '\\' && text[1]) {
			text++;
		} else if (!*text || *text == '"') {
			if (quoted)
				tc_buf_puts(out, TC_REDACTED);
			else
				add_drawn(out, (struct tc_str){.s = start, .len = (size_t)(text - start)}, false);
			if (!*text)
				return;
			tc_buf_putc(out, '"');
			quoted = !quoted;
			start = text + 1;
		}
	}
}

/* What is said of a place, which may quote what stands there. */
static void add_text(struct renderer *r, struct tc_pos at, const char *text)
{
	struct tc_str all = tc_str(text);

	at = place_for(r, at);
	if (at.src && hidden_at(index_of(r, at.src), at.off)) {
		add_unquoted(r->out, text);
	} else {
		struct tc_spans hidden = tc_redact_prose(r->mem, all, r->style.secret_keys);

		add_shown(r->out, &hidden, all, all, false);
	}
}

/* What one block - a diagnostic or a note - says. */
struct block {
	struct tc_pos at;
	const char *label;
	enum look look;
	const char *text;
	enum tc_msg id; /* 0: a note */
};

/* "shop.yaml:12:5: ". False: it has no line to be shown. */
static bool add_place(struct renderer *r, struct tc_pos at, struct tc_place *place)
{
	if (!at.src) {
		tc_buf_puts(r->out, "tentc: ");
		return false;
	}
	if (r->style.locate && !at.src->outer) {
		add_drawn(r->out, tc_str(r->style.locate(r->style.self, at)), false);
		tc_buf_puts(r->out, ": ");
		return false;
	}
	if (at.src->outer) {
		add_drawn(r->out, tc_str(at.src->outer->name), false);
		tc_buf_puts(r->out, ": ");
	}
	*place = tc_lines_place(index_of(r, at.src)->lines, at.off);
	add_drawn(r->out, tc_str(at.src->name), false);
	tc_buf_printf(r->out, ":%u:%u: ", place->line, place->column);
	return true;
}

static void add_message(struct renderer *r, const struct block *b)
{
	add_text(r, b->at, b->text);
	if (place_for(r, b->at).src != b->at.src)
		tc_buf_printf(r->out, ", in line %u of this value",
			      tc_lines_place(index_of(r, b->at.src)->lines, b->at.off).line);
	if (b->id)
		tc_buf_printf(r->out, " [TC%03u]", (unsigned)b->id);
}

static void add_block(struct renderer *r, const struct block *b)
{
	struct tc_pos at = place_for(r, b->at);
	struct tc_place place;
	bool excerpt;

	look(r, LOOK_BOLD);
	excerpt = add_place(r, at, &place);
	look(r, b->look);
	tc_buf_printf(r->out, "%s: ", b->label);
	look(r, LOOK_PLAIN);
	add_message(r, b);
	tc_buf_putc(r->out, '\n');
	if (excerpt)
		add_excerpt(r, index_of(r, at.src), &place, at.off);
}

static void add_diag(struct renderer *r, const struct tc_diag *diag)
{
	bool error = diag->severity == TC_ERROR || r->style.strict;

	add_block(r, &(struct block){
			     .at = diag->at,
			     .label = error ? "error" : "warning",
			     .look = error ? LOOK_ERROR : LOOK_WARNING,
			     .text = diag->text,
			     .id = diag->id,
		     });
	for (const struct tc_note *note = diag->notes; note; note = note->next) {
		if (note->at.src) {
			add_block(r, &(struct block){
					     .at = note->at, .label = "note", .look = LOOK_NOTE, .text = note->text});
			continue;
		}
		tc_buf_puts(r->out, "  ");
		look(r, LOOK_BOLD);
		tc_buf_puts(r->out, "help: ");
		look(r, LOOK_PLAIN);
		add_text(r, diag->at, note->text);
		tc_buf_putc(r->out, '\n');
	}
}

void tc_diags_lines(struct tc_diags *d, struct tc_diag_style style,
		    bool (*take)(void *to, const struct tc_diag *diag, struct tc_str line), void *to)
{
	_cleanup_buf_ struct tc_buf line = {0};
	struct renderer r = {.out = &line, .mem = d->mem, .style = style, .more_keys = d->secret_keys};
	bool more = true;

	tc_diags_sort(d);
	for (size_t i = 0; i < d->count && more; i++) {
		const struct tc_diag *diag = d->list[i];
		struct tc_place place;

		tc_buf_clear(&line);
		(void)add_place(&r, place_for(&r, diag->at), &place);
		add_message(&r, &(struct block){.at = diag->at, .text = diag->text, .id = diag->id});
		more = take(to, diag, tc_buf_str(&line));
	}
}

void tc_diags_render(struct tc_buf *out, struct tc_diags *d, struct tc_diag_style style)
{
	struct renderer r = {.out = out, .mem = d->mem, .style = style, .more_keys = d->secret_keys};

	tc_diags_sort(d);
	for (size_t i = 0; i < d->count; i++)
		add_diag(&r, d->list[i]);
	if (d->dropped)
		tc_buf_printf(out, "tentc: note: %zu more problem%s not shown\n", d->dropped,
			      d->dropped == 1 ? " is" : "s are");
}
