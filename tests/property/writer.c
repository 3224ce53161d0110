#include "tests/property/writer.h"

#include "compiler/tree/emit.h"

#define ANCHORS_MAX 64

struct shared {
	const char *json; /* canonical */
	const struct tc_node *node;
	unsigned seen;
	unsigned id; /* of the anchor; 0: not written yet */
};

struct writer {
	struct tc_buf *out;
	struct tc_arena *mem;
	struct rng rng;
	bool plain;
	unsigned step;
	struct shared shared[ANCHORS_MAX];
	size_t nshared;
	unsigned anchors;
};

static bool is_collection(const struct tc_node *n)
{
	return n->kind == TC_MAP || n->kind == TC_SEQ;
}

static const char *canonical(struct tc_arena *mem, const struct tc_node *n)
{
	_cleanup_buf_ struct tc_buf b = {0};

	tc_emit_canonical(&b, n);
	return tc_strndup(mem, b.p, b.len);
}

/* Collections that occur more than once may become an anchor and aliases. */
static void count_shared(struct writer *w, const struct tc_node *n)
{
	const char *json;
	size_t i;

	for (const struct tc_node *c = n->first; c; c = c->next)
		if (is_collection(c) && c->count)
			count_shared(w, c);
	if (!n->count || !n->parent)
		return;
	json = canonical(w->mem, n);
	for (i = 0; i < w->nshared && strcmp(w->shared[i].json, json) != 0;)
		i++;
	if (i == ANCHORS_MAX)
		return;
	if (i == w->nshared)
		w->shared[w->nshared++] = (struct shared){.json = json, .node = n};
	w->shared[i].seen++;
}

static struct shared *shared_of(struct writer *w, const struct tc_node *n)
{
	const char *json;

	if (w->plain || !is_collection(n) || !n->count)
		return NULL;
	json = canonical(w->mem, n);
	for (size_t i = 0; i < w->nshared; i++)
		if (w->shared[i].seen > 1 && strcmp(w->shared[i].json, json) == 0)
			return &w->shared[i];
	return NULL;
}

/* "&a1 " or "*a1"; false when n is written out without an anchor. */
static bool anchor_or_alias(struct writer *w, const struct tc_node *n, bool *alias)
{
	struct shared *s = shared_of(w, n);

	*alias = false;
	if (!s || !rng_chance(&w->rng, 60))
		return false;
	*alias = s->id != 0;
	if (!s->id) {
		s->id = ++w->anchors;
		s->node = n;
	}
	tc_buf_printf(w->out, "%sa%u", *alias ? "*" : "&", s->id);
	return true;
}

static bool plain_ok(struct tc_str t)
{
	static const char *const words[] = {"true", "false", "yes", "no", "on", "off", "y", "n", "null"};

	if (!t.len || !(tc_is_lower(t.s[0]) || tc_is_upper(t.s[0]) || t.s[0] == '/'))
		return false;
	for (size_t i = 0; i < TC_COUNT(words); i++)
		if (t.len == strlen(words[i]) && strncasecmp(t.s, words[i], t.len) == 0)
			return false;
	for (size_t i = 0; i < t.len; i++)
		if (!tc_is_lower(t.s[i]) && !tc_is_upper(t.s[i]) && !tc_is_digit(t.s[i]) && !strchr("._/-", t.s[i]))
			return false;
	return true;
}

static void write_single(struct writer *w, struct tc_str t)
{
	tc_buf_putc(w->out, '\'');
	for (size_t i = 0; i < t.len; i++) {
		if (t.s[i] == '\'')
			tc_buf_putc(w->out, '\'');
		tc_buf_putc(w->out, t.s[i]);
	}
	tc_buf_putc(w->out, '\'');
}

static void write_string(struct writer *w, const struct tc_node *n)
{
	struct tc_str t = n->text;
	bool lines = memchr(t.s, '\n', t.len) != NULL;

	if (plain_ok(t) && rng_chance(&w->rng, 70))
		tc_buf_add(w->out, t.s, t.len);
	else if (!lines && n->style != TC_STYLE_DOUBLE && (n->style == TC_STYLE_SINGLE || rng_chance(&w->rng, 50)))
		write_single(w, t);
	else
		tc_emit_json_string(w->out, t);
}

static void write_scalar(struct writer *w, const struct tc_node *n)
{
	static const char *const nulls[] = {"null", "~", "Null"};

	if (n->kind == TC_STRING)
		write_string(w, n);
	else if (n->kind == TC_NULL)
		tc_buf_puts(w->out, nulls[rng_below(&w->rng, 3)]);
	else
		tc_buf_add(w->out, n->text.s, n->text.len);
}

static void write_flow(struct writer *w, const struct tc_node *n)
{
	bool map = n->kind == TC_MAP, first = true, alias;

	if (!is_collection(n)) {
		write_scalar(w, n);
		return;
	}
	if (anchor_or_alias(w, n, &alias)) {
		tc_buf_putc(w->out, ' ');
		if (alias)
			return;
	}
	tc_buf_putc(w->out, map ? '{' : '[');
	for (const struct tc_node *c = n->first; c; c = c->next) {
		if (!first)
			tc_buf_puts(w->out, ", ");
		first = false;
		write_flow(w, c);
		if (map) {
			tc_buf_puts(w->out, ": ");
			c = c->next;
			write_flow(w, c);
		}
	}
	tc_buf_putc(w->out, map ? '}' : ']');
}

static void comment_line(struct writer *w, unsigned column)
{
	if (w->plain || !rng_chance(&w->rng, 6))
		return;
	tc_buf_fill(w->out, ' ', rng_chance(&w->rng, 70) ? column : rng_below(&w->rng, 5));
	tc_buf_puts(w->out, rng_chance(&w->rng, 50) ? "# contract: note\n" : "#\n");
}

static void end_line(struct writer *w)
{
	if (!w->plain && rng_chance(&w->rng, 6))
		tc_buf_puts(w->out, "  # why: 1, 2");
	tc_buf_putc(w->out, '\n');
}

/* Lines of a block scalar; blank ones stay blank. */
static void write_literal(struct writer *w, struct tc_str t, unsigned column)
{
	bool end = t.s[t.len - 1] == '\n';

	tc_buf_puts(w->out, end ? " |\n" : " |-\n");
	for (size_t i = 0; i < t.len;) {
		const char *newline = memchr(t.s + i, '\n', t.len - i);
		size_t n = newline ? (size_t)(newline - t.s) - i : t.len - i;

		if (n)
			tc_buf_fill(w->out, ' ', column);
		tc_buf_add(w->out, t.s + i, n);
		tc_buf_putc(w->out, '\n');
		i += n + 1;
	}
}

/* One line, broken at single blanks. */
static void write_folded(struct writer *w, struct tc_str t, unsigned column)
{
	size_t width = 0;

	tc_buf_puts(w->out, " >-\n");
	tc_buf_fill(w->out, ' ', column);
	for (size_t i = 0; i < t.len; i++, width++) {
		if (width > 30 && t.s[i] == ' ' && t.s[i - 1] != ' ' && i + 1 < t.len && t.s[i + 1] != ' ') {
			tc_buf_putc(w->out, '\n');
			tc_buf_fill(w->out, ' ', column);
			width = 0;
		} else {
			tc_buf_putc(w->out, t.s[i]);
		}
	}
	tc_buf_putc(w->out, '\n');
}

static bool is_block_text(const struct tc_node *n)
{
	if (n->kind != TC_STRING || !n->text.len || n->text.s[0] == ' ' || n->text.s[0] == '\n')
		return false;
	if (n->style == TC_STYLE_LITERAL)
		return n->text.len < 2 || memcmp(n->text.s + n->text.len - 2, "\n\n", 2) != 0;
	return n->style == TC_STYLE_FOLDED && !memchr(n->text.s, '\n', n->text.len);
}

static void write_block(struct writer *w, const struct tc_node *n, unsigned column, bool inline_first);

/* What stands behind "key:" or "-", to the end of its lines. parent: the column of the key or the dash. */
static void write_value(struct writer *w, const struct tc_node *n, unsigned parent, bool item)
{
	bool alias, anchored;

	if (is_block_text(n)) {
		(n->style == TC_STYLE_LITERAL ? write_literal : write_folded)(w, n->text, parent + w->step);
		return;
	}
	if (n->kind == TC_NULL && n->style == TC_STYLE_PLAIN) { /* nothing at all */
		end_line(w);
		return;
	}
	tc_buf_putc(w->out, ' ');
	if (!is_collection(n)) {
		write_scalar(w, n);
		end_line(w);
		return;
	}
	if (!n->count || n->style == TC_STYLE_FLOW || (rng_chance(&w->rng, 8) && n->count < 4)) {
		write_flow(w, n);
		end_line(w);
		return;
	}
	anchored = anchor_or_alias(w, n, &alias);
	if (alias) {
		end_line(w);
		return;
	}
	if (item && !anchored && n->kind == TC_MAP && rng_chance(&w->rng, 90)) {
		write_block(w, n, parent + 2, true);
		return;
	}
	tc_buf_putc(w->out, '\n');
	if (n->kind == TC_SEQ && !item && rng_chance(&w->rng, 50))
		write_block(w, n, parent, false);
	else
		write_block(w, n, parent + w->step, false);
}

static const struct tc_node *value_at(const struct tc_node *map, const struct tc_node *key)
{
	return tc_get_str(map, key->text);
}

/* An anchored mapping all of whose entries are n's too. */
static const struct shared *mergeable(struct writer *w, const struct tc_node *n)
{
	if (w->plain || n->kind != TC_MAP || !rng_chance(&w->rng, 15))
		return NULL;
	for (size_t i = 0; i < w->nshared; i++) {
		const struct shared *s = &w->shared[i];
		bool all = s->id != 0 && s->node->kind == TC_MAP && s->node->count <= n->count && s->node != n;

		for (const struct tc_node *k = all ? s->node->first : NULL; k && all; k = k->next->next) {
			const struct tc_node *v = value_at(n, k);

			all = v && tc_equal(v, k->next, true);
		}
		if (all)
			return s;
	}
	return NULL;
}

static void write_entries(struct writer *w, const struct tc_node *n, unsigned column, bool inline_first)
{
	const struct shared *merged = mergeable(w, n);

	if (merged) {
		tc_buf_fill(w->out, ' ', inline_first ? 0 : column);
		tc_buf_printf(w->out, "<<: *a%u", merged->id);
		end_line(w);
		inline_first = false;
	}
	for (const struct tc_node *k = n->first; k; k = k->next->next) {
		if (merged && value_at(merged->node, k))
			continue;
		if (!inline_first) {
			comment_line(w, column);
			tc_buf_fill(w->out, ' ', column);
		}
		inline_first = false;
		write_string(w, k);
		tc_buf_putc(w->out, ':');
		write_value(w, k->next, column, false);
	}
}

static void write_block(struct writer *w, const struct tc_node *n, unsigned column, bool inline_first)
{
	if (n->kind == TC_MAP) {
		write_entries(w, n, column, inline_first);
		return;
	}
	for (const struct tc_node *i = n->first; i; i = i->next) {
		comment_line(w, column);
		tc_buf_fill(w->out, ' ', column);
		tc_buf_putc(w->out, '-');
		write_value(w, i, column, true);
	}
}

static void begin(struct writer *w, struct tc_buf *out, struct tc_arena *mem, const struct writing *how)
{
	*w = (struct writer){.out = out, .mem = mem, .rng = {.s = how->seed}, .plain = how->plain};
	w->step = rng_chance(&w->rng, 80) ? 2 : 4;
}

void writer_yaml(struct tc_buf *out, struct tc_arena *mem, const struct tc_node *n, const struct writing *how)
{
	struct writer w;

	begin(&w, out, mem, how);
	if (!w.plain)
		count_shared(&w, n);
	if (is_collection(n) && n->count) {
		write_block(&w, n, 0, false);
	} else {
		write_flow(&w, n);
		tc_buf_putc(out, '\n');
	}
}

void writer_flow(struct tc_buf *out, struct tc_arena *mem, const struct tc_node *n, const struct writing *how)
{
	struct writer w;

	begin(&w, out, mem, how);
	write_flow(&w, n);
}

static void json(struct tc_buf *out, const struct tc_node *n, bool spread, unsigned column)
{
	bool map = n->kind == TC_MAP;

	if (n->kind == TC_STRING) {
		tc_emit_json_string(out, n->text);
	} else if (!is_collection(n)) {
		n->kind == TC_NULL ? tc_buf_puts(out, "null") : tc_buf_add(out, n->text.s, n->text.len);
	} else {
		tc_buf_putc(out, map ? '{' : '[');
		for (const struct tc_node *c = n->first; c; c = c->next) {
			if (spread) {
				tc_buf_putc(out, '\n');
				tc_buf_fill(out, ' ', column + 2);
			}
			json(out, c, spread, column + 2);
			if (map) {
				tc_buf_puts(out, ": ");
				c = c->next;
				json(out, c, spread, column + 2);
			}
			if (c->next)
				tc_buf_putc(out, ',');
		}
		if (spread && n->count) {
			tc_buf_putc(out, '\n');
			tc_buf_fill(out, ' ', column);
		}
		tc_buf_putc(out, map ? '}' : ']');
	}
}

void writer_json(struct tc_buf *out, const struct tc_node *n, bool spread)
{
	json(out, n, spread, 0);
	tc_buf_putc(out, '\n');
}
