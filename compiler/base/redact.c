#include "compiler/base/redact.h"

struct scan {
	struct tc_arena *mem;
	struct tc_str text;
	struct tc_spans found;
	bool prose;
	size_t line, line_end; /* the current line: looked for once, lines can be long */
};

/* A key, and where it stands next. */
struct hit {
	struct tc_str key;
	size_t at; /* text.len: nowhere any more */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

static char byte(const struct scan *s, size_t i)
{
	return i < s->text.len ? s->text.s[i] : '\n';
}

static size_t skip(const struct scan *s, size_t i, const char *set)
{
	while (i < s->text.len && is_one_of(s->text.s[i], set))
		i++;
	return i;
}

/* Makes the line that holds i the current one. i never goes back. */
static void go_to(struct scan *s, size_t i)
{
	const char *end;

	if (i < s->line_end)
		return;
	for (const char *nl; (nl = memchr(s->text.s + s->line, '\n', i - s->line));)
		s->line = (size_t)(nl - s->text.s) + 1;
	end = memchr(s->text.s + i, '\n', s->text.len - i);
	s->line_end = end ? (size_t)(end - s->text.s) : s->text.len;
}

static void hide(struct scan *s, size_t from, size_t to)
{
	struct tc_spans *f = &s->found;

	if (to > from && s->text.s[to - 1] == '\r')
		to--;
	if (to <= from)
		return;
	tc_grow(s->mem, f->list, f->count, f->cap);
	f->list[f->count++] = (struct tc_span){.from = from, .to = to};
}

/* The dash of a sequence and the mark of an explicit key are indentation too: what stands behind them is the parent. */
static size_t indent_end(const struct scan *s, size_t i)
{
	while (is_blank(byte(s, i)) || (is_one_of(byte(s, i), "-?") && is_blank(byte(s, i + 1))))
		i++;
	return i;
}

/* Where the value of a key that ends at i begins, 0 when none does. A line that lacks its colon holds a value all the
 * same. */
static size_t value_start(const struct scan *s, size_t i, bool *colon)
{
	size_t behind = skip(s, i, "\\"), next;

	behind = is_one_of(byte(s, behind), "\"'") ? behind + 1 : i;
	i = skip(s, behind, " \t");
	*colon = true;
	if (is_one_of(byte(s, i), ":="))
		return skip(s, i + 1, " \t");
	if (is_one_of(byte(s, i), "\r\n")) {
		next = skip(s, i, " \t\r\n"); /* an explicit key, or JSON of an unusual hand */
		return byte(s, next) == ':' ? skip(s, next + 1, " \t") : 0;
	}
	*colon = false;
	if (is_one_of(byte(s, i), ",}]#") || (i == behind && !is_one_of(byte(s, i - 1), "\"'")))
		return 0;
	return i;
}

/* Behind the quote that closes the one at i, 0 when the line does not close it. */
static size_t quoted_end(const struct scan *s, size_t i)
{
	char quote = s->text.s[i++];

	for (; i < s->line_end; i++) {
		if (quote == '"' && s->text.s[i] == '\\')
			i++;
		else if (s->text.s[i] == quote && !(quote == '\'' && byte(s, i + 1) == quote))
			return i + 1;
		else if (s->text.s[i] == quote)
			i++;
	}
	return 0;
}

/* The lines that belong to a value of the current line. first: the next one does, whatever its indentation. */
static size_t hide_more_lines(struct scan *s, size_t indent, bool first, bool empty)
{
	size_t end = s->line_end;

	for (size_t at = end + 1; at < s->text.len; at = s->line_end + 1) {
		size_t text;

		go_to(s, at);
		text = skip(s, at, " \t");
		if (is_one_of(byte(s, text), "\r\n"))
			continue;
		if (text - at <= indent && !first && !(empty && is_one_of(byte(s, text), "\"'")))
			break;
		hide(s, text, s->line_end);
		end = s->line_end;
		first = empty = false;
	}
	return end;
}

/* Answers where the search goes on. */
static size_t hide_value(struct scan *s, size_t key_end)
{
	bool colon, empty, open = false;
	size_t i = value_start(s, key_end, &colon), indent;

	if (!i || (s->prose && !colon))
		return key_end;
	go_to(s, i < s->text.len ? i : s->text.len);
	indent = indent_end(s, s->line) - s->line;
	empty = is_one_of(byte(s, i), "\r\n#");
	if (is_one_of(byte(s, i), "\"'")) {
		size_t end = quoted_end(s, i), next = skip(s, end, " \t");

		if (end && is_one_of(byte(s, next), ",}]#\r\n")) {
			hide(s, i, end);
			return end;
		}
		open = !end;
	}
	hide(s, i, s->line_end);
	return colon ? hide_more_lines(s, indent, open, empty) : s->line_end;
}

static void look(const struct scan *s, struct hit *hit, size_t from)
{
	const char *at =
		from < s->text.len ? memmem(s->text.s + from, s->text.len - from, hit->key.s, hit->key.len) : NULL;

	hit->at = at ? (size_t)(at - s->text.s) : s->text.len;
}

static struct tc_spans redact(struct scan s, const char *const *keys)
{
	struct hit *hits;
	size_t n = 0;

	while (keys && keys[n])
		n++;
	hits = tc_alloc(s.mem, (n + 1) * sizeof(*hits));
	for (size_t i = 0; i < n; i++)
		hits[i] = (struct hit){.key = tc_str(keys[i])};
	for (size_t i = 0; i < n; i++)
		look(&s, &hits[i], 0);
	for (;;) {
		struct hit *next = NULL;
		size_t end;

		for (size_t i = 0; i < n; i++)
			if (hits[i].at < s.text.len && (!next || hits[i].at < next->at))
				next = &hits[i];
		if (!next)
			return s.found;
		end = hide_value(&s, next->at + next->key.len);
		for (size_t i = 0; i < n; i++)
			if (hits[i].at < end)
				look(&s, &hits[i], end);
	}
}

struct tc_spans tc_redact(struct tc_arena *mem, struct tc_str text, const char *const *keys)
{
	return redact((struct scan){.mem = mem, .text = text}, keys);
}

struct tc_spans tc_redact_prose(struct tc_arena *mem, struct tc_str text, const char *const *keys)
{
	return redact((struct scan){.mem = mem, .text = text, .prose = true}, keys);
}

const struct tc_span *tc_spans_from(const struct tc_spans *spans, size_t from)
{
	size_t low = 0, high = spans->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (spans->list[mid].to > from)
			high = mid;
		else
			low = mid + 1;
	}
	return low < spans->count ? &spans->list[low] : NULL;
}
