/* Words for messages: did-you-mean, and quoting. */
#include "compiler/base/diag.h"
#include "compiler/base/utf8.h"

#define WORD_MAX 64
#define QUOTE_MAX_POINTS 60

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Insertions, deletions, substitutions and swaps of neighbours, each letter touched once (the "optimal string
 * alignment" form of Damerau-Levenshtein); both words at most WORD_MAX. */
static size_t distance(struct tc_str a, struct tc_str b)
{
	unsigned char rows[3][WORD_MAX + 1];
	unsigned char *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b.len; j++)
		row[j] = (unsigned char)j;
	for (size_t i = 1; i <= a.len; i++) {
		unsigned char *recycled = before;

		before = above;
		above = row;
		row = recycled;
		row[0] = (unsigned char)i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t d = min3(above[j] + 1u, row[j - 1] + 1u, above[j - 1] + (a.s[i - 1] != b.s[j - 1]));

			if (i > 1 && j > 1 && a.s[i - 1] == b.s[j - 2] && a.s[i - 2] == b.s[j - 1])
				d = min3(d, before[j - 2] + 1u, d);
			row[j] = (unsigned char)d;
		}
	}
	return row[b.len];
}

const char *tc_nearest(struct tc_str word, const char *const *candidates, size_t n)
{
	size_t limit = word.len / 3 ? word.len / 3 : 1;
	const char *best = NULL;

	if (word.len > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		struct tc_str c = tc_str(candidates[i]);
		size_t d, gap = c.len > word.len ? c.len - word.len : word.len - c.len;

		if (c.len > WORD_MAX || gap > limit)
			continue;
		d = distance(word, c);
		if (d <= limit && (!best || d < limit)) {
			best = candidates[i];
			limit = d;
		}
	}
	return best;
}

static void add_escape(struct tc_buf *b, uint32_t cp)
{
	static const char letters[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};

	if (cp < sizeof(letters) && letters[cp])
		tc_buf_printf(b, "\\%c", letters[cp]);
	else
		tc_buf_printf(b, "\\u%04x", (unsigned)cp);
}

const char *tc_quote(struct tc_arena *mem, struct tc_str text)
{
	_cleanup_buf_ struct tc_buf b = {0};
	size_t i = 0, points = 0;

	tc_buf_putc(&b, '"');
	for (; i < text.len && points < QUOTE_MAX_POINTS; points++) {
		uint32_t cp = 0xfffd;
		size_t n = tc_utf8_decode(text.s + i, text.len - i, &cp);

		if (n == 0 || tc_utf8_invisible(cp)) {
			add_escape(&b, cp);
		} else {
			if (cp == '"' || cp == '\\')
				tc_buf_putc(&b, '\\');
			tc_buf_add(&b, text.s + i, n);
		}
		i += n ? n : 1;
	}
	tc_buf_puts(&b, i < text.len ? "\"..." : "\"");
	return tc_strndup(mem, b.p, b.len);
}
