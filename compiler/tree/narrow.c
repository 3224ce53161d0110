#include "compiler/tree/narrow.h"

#include "compiler/tree/scalar.h"

/* Whatever is odd is left to the other reader: a wrong `no` costs time only, a wrong `yes` would be a wrong proof. */

enum {
	DEPTH_MAX = 64,
	KEYS_MAX = 32,    /* of a mapping: each is compared with those before it */
	KEY_LONGEST = 256 /* libyaml looks back 1,024 characters */
};

/* The text ends with a line feed, which ends every loop over a line. */
struct narrow {
	const char *at, *end;
	const char *line; /* begins the line of `at` */
	size_t col;       /* of what stands at `at`; SIZE_MAX: nothing is left */
	unsigned depth;
	struct tc_buf text; /* of a scalar that does not stand there as it is */
};

/* To what stands on the next line that holds more than a comment; `at` begins a line. */
static void next_line(struct narrow *r)
{
	for (;; r->at = (const char *)memchr(r->at, '\n', (size_t)(r->end - r->at)) + 1) {
		r->line = r->at;
		while (r->at < r->end && *r->at == ' ')
			r->at++;
		r->col = r->at < r->end ? (size_t)(r->at - r->line) : SIZE_MAX;
		if (r->at == r->end || (*r->at != '\n' && *r->at != '#'))
			return;
	}
}

/* Behind a value or a colon: blanks, maybe a comment. */
static bool ends_line(struct narrow *r)
{
	const char *p = r->at;

	while (*p == ' ')
		p++;
	if (*p != '\n' && (*p != '#' || p[-1] != ' '))
		return false;
	r->at = (const char *)memchr(p, '\n', (size_t)(r->end - p)) + 1;
	next_line(r);
	return true;
}

static bool is_item(const struct narrow *r)
{
	return r->col != SIZE_MAX && r->at[0] == '-' && r->at[1] == ' ';
}

static bool is_word(char c)
{
	return tc_is_lower(c) || tc_is_upper(c) || tc_is_digit(c) || c == '_' || c == '/';
}

/* Moves past the key and its colon. */
static bool take_key(struct narrow *r, struct tc_str *key)
{
	enum tc_scalar_fault fault;
	const char *p = r->at;

	if (!is_word(*p))
		return false;
	while (is_word(*p) || *p == '.' || *p == '-')
		p++;
	*key = (struct tc_str){.s = r->at, .len = (size_t)(p - r->at)};
	if (*p != ':' || (p[1] != ' ' && p[1] != '\n') || key->len > KEY_LONGEST ||
	    tc_scalar_kind(*key, &fault) != TC_STRING)
		return false;
	r->at = p + 1;
	return true;
}

static bool plain(struct narrow *r, struct tc_node *n)
{
	const char *from = r->at, *p = from;
	enum tc_scalar_fault fault;

	if (!is_word(*from) && *from != '.' && *from != '+' && (*from != '-' || !is_word(from[1])))
		return false;
	for (; *p != '\n' && (*p != '#' || p[-1] != ' '); p++)
		if (*p == ':' && (p[1] == ' ' || p[1] == '\n'))
			return false;
	r->at = p;
	while (p[-1] == ' ')
		p--;
	n->text = (struct tc_str){.s = from, .len = (size_t)(p - from)};
	n->kind = (uint8_t)tc_scalar_kind(n->text, &fault);
	return fault == TC_SCALAR_FINE;
}

/* On one line. Behind a backslash: what stands for itself there, and n. */
static bool quoted(struct narrow *r, char quote, struct tc_node *n)
{
	char escape = quote == '"' ? '\\' : quote;
	const char *p = r->at + 1, *from = p;

	tc_buf_clear(&r->text);
	for (; *p != quote || (quote == escape && p[1] == quote); p++) {
		if (*p == '\n' || (*p == escape && p[1] != escape && p[1] != quote && p[1] != 'n'))
			return false;
		if (*p != escape)
			continue;
		tc_buf_add(&r->text, from, (size_t)(p - from));
		tc_buf_putc(&r->text, *++p == 'n' ? '\n' : *p);
		from = p + 1;
	}
	r->at = p + 1;
	n->text = (struct tc_str){.s = from, .len = (size_t)(p - from)};
	if (r->text.len > 0) {
		tc_buf_add(&r->text, from, n->text.len);
		n->text = tc_buf_str(&r->text);
	}
	return true;
}

/* `|` or `|-`; col is that of the collection it stands in. */
static bool literal(struct narrow *r, size_t col, const struct tc_node *want)
{
	bool strip = r->at[1] == '-';
	const char *line = r->at + 1 + strip, *stop;
	size_t indent = 0, breaks = 0;

	if (*line++ != '\n')
		return false;
	tc_buf_clear(&r->text);
	for (; line < r->end; line = stop + 1) {
		const char *p = line;

		while (*p == ' ')
			p++;
		stop = memchr(p, '\n', (size_t)(r->end - p));
		if (p == stop && p > line)
			return false;
		if (p == stop) {
			breaks++;
			continue;
		}
		if (indent == 0)
			indent = (size_t)(p - line);
		if ((size_t)(p - line) < indent || indent <= col)
			break;
		tc_buf_fill(&r->text, '\n', breaks);
		tc_buf_add(&r->text, line + indent, (size_t)(stop - line) - indent);
		breaks = 1;
	}
	if (indent <= col)
		return false;
	if (!strip)
		tc_buf_putc(&r->text, '\n');
	r->at = line;
	next_line(r);
	return tc_equal(want, &(struct tc_node){.kind = TC_STRING, .text = tc_buf_str(&r->text)}, true);
}

/* What stands on one line, or begins there as a block. */
static bool scalar(struct narrow *r, size_t col, const struct tc_node *want)
{
	struct tc_node n = {.kind = TC_STRING};
	bool fine = true;
	char c = *r->at;

	if (c == '|')
		return literal(r, col, want);
	if (c == '"' || c == '\'') {
		fine = quoted(r, c, &n);
	} else if ((c == '{' && r->at[1] == '}') || (c == '[' && r->at[1] == ']')) {
		n = (struct tc_node){.kind = c == '{' ? TC_MAP : TC_SEQ};
		r->at += 2;
	} else {
		fine = plain(r, &n);
	}
	return fine && ends_line(r) && tc_equal(want, &n, true);
}

static bool block(struct narrow *r, const struct tc_node *want);

/* Behind a colon: on the line, or in the lines below, or nothing. */
static bool value(struct narrow *r, size_t col, const struct tc_node *want)
{
	if (!ends_line(r)) {
		while (*r->at == ' ')
			r->at++;
		return scalar(r, col, want);
	}
	if (r->col != SIZE_MAX && (r->col > col || (r->col == col && is_item(r))))
		return block(r, want);
	return tc_equal(want, &(struct tc_node){.kind = TC_NULL}, true);
}

/* Is `key` the text, and none of those before it? */
static bool is_next_key(const struct tc_node *map, const struct tc_node *key, struct tc_str text)
{
	size_t n = 0;

	if (!tc_is(key, TC_STRING) || !tc_str_equal(tc_text(key), text))
		return false;
	for (const struct tc_node *k = map->first; k != key; k = k->next->next)
		if (++n == KEYS_MAX || tc_str_equal(tc_text(k), text))
			return false;
	return true;
}

static bool mapping(struct narrow *r, const struct tc_node *want)
{
	const struct tc_node *key = want->first;
	size_t col = r->col;
	struct tc_str text;

	for (; r->col == col && !is_item(r); key = key->next->next)
		if (!key || !take_key(r, &text) || !is_next_key(want, key, text) || !value(r, col, key->next))
			return false;
	return !key;
}

static bool item(struct narrow *r, size_t col, const struct tc_node *want)
{
	struct tc_str key;
	const char *at;

	r->at++;
	while (*r->at == ' ')
		r->at++;
	r->col = (size_t)(r->at - r->line);
	at = r->at;
	if (!is_item(r) && !take_key(r, &key))
		return scalar(r, col, want);
	r->at = at;
	return block(r, want);
}

static bool sequence(struct narrow *r, const struct tc_node *want)
{
	const struct tc_node *i = want->first;
	size_t col = r->col;

	for (; r->col == col && is_item(r); i = i->next)
		if (!i || !item(r, col, i))
			return false;
	return !i;
}

/* A collection whose first line has begun. */
static bool block(struct narrow *r, const struct tc_node *want)
{
	enum tc_kind kind = is_item(r) ? TC_SEQ : TC_MAP;
	bool fine;

	want = tc_deref(want);
	if (!tc_is(want, kind) || want->flags & TC_NODE_MERGES || r->depth == DEPTH_MAX)
		return false;
	r->depth++;
	fine = kind == TC_SEQ ? sequence(r, want) : mapping(r, want);
	r->depth--;
	return fine;
}

/* Printable ASCII and line feeds alone? Eight at once; below 0x80 no sum carries into the next byte. */
static bool is_visible(struct tc_str text)
{
	const uint64_t ones = 0x0101010101010101u, newlines = ones * '\n';
	uint64_t odd = 0, v;
	size_t i = 0;

	for (; text.len - i >= 8; i += 8) {
		memcpy(&v, text.s + i, 8);
		odd |= v | (v + ones) | (~(v + ones * 0x60) & ((v ^ newlines) + ones * 0x7f));
	}
	for (; i < text.len; i++)
		odd |= text.s[i] != '\n' && (text.s[i] < ' ' || text.s[i] > '~') ? 0x80 : 0;
	return !(odd & ones * 0x80);
}

bool tc_narrow_reads_as(struct tc_str text, bool secret, const struct tc_node *want)
{
	struct narrow r = {.at = text.s, .end = text.s + text.len, .text = {.secret = secret}};
	bool fine;

	if (text.len == 0 || r.end[-1] != '\n' || !is_visible(text))
		return false;
	next_line(&r);
	fine = r.at < r.end && block(&r, want) && r.at == r.end;
	tc_buf_free(&r.text);
	return fine;
}
