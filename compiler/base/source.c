#include "compiler/base/source.h"
#include "compiler/base/arena.h"
#include "compiler/base/utf8.h"

/* Bytes between two places that an index remembers: a diagnostic then walks over half of it, and 64 MiB need half a
 * MiB. */
#define STRIDE (2u * 1024)
/* A line longer than this behind a place is not needed by anyone: diagnostics show 160 code points. */
#define LINE_REACH 1024

#define EVERY(byte) (UINT64_C(0x0101010101010101) * (byte))
#define HIGH EVERY(0x80)

static inline uint64_t load(const char *s)
{
	uint64_t v;

	memcpy(&v, s, sizeof(v));
	return v;
}

/* For bytes without the high bit: the high bit of each that is not `byte`. No sum carries into its neighbour. */
static inline uint64_t other_than(uint64_t v, unsigned char byte)
{
	return (v ^ EVERY(byte)) + EVERY(0x7f);
}

/* Not zero when one of eight bytes needs a closer look: not ASCII, DEL, or a control character that is no line end.
 * (A false alarm above a non-ASCII byte does no harm.) */
static inline uint64_t suspicious(uint64_t v)
{
	uint64_t control = ~(v + EVERY(0x60)) & other_than(v, '\n') & other_than(v, '\r');

	return (v | (v + EVERY(0x01)) | control) & HIGH;
}

/* YAML 1.1, 5.1: c-printable */
static bool printable(uint32_t cp)
{
	if (cp < 0x80)
		return (cp >= 0x20 && cp < 0x7f) || cp == '\t' || cp == '\n' || cp == '\r';
	return cp == 0x85 || (cp >= 0xa0 && cp != 0xfffe && cp != 0xffff);
}

size_t tc_text_check(struct tc_str text)
{
	const char *s = text.s;
	size_t i = 0, n;
	uint32_t cp;

	while (i < text.len) {
		while (text.len - i >= 8 && !suspicious(load(s + i)))
			i += 8;
		/* Eight at least, so that a text in another script does not try the fast way for each letter. */
		for (size_t stop = i + 8; i < text.len && i < stop; i += n) {
			n = tc_utf8_decode(s + i, text.len - i, &cp);
			if (n == 0 || !printable(cp))
				return i;
		}
	}
	return text.len;
}

/* A place while the text is read from its start. */
struct cursor {
	uint32_t off;
	uint32_t line_off;
	unsigned line;
	unsigned points; /* code points between line_off and off */
};

static struct cursor cursor_start(struct tc_str text)
{
	bool bom = text.len >= 3 && memcmp(text.s, "\xef\xbb\xbf", 3) == 0;

	return (struct cursor){.off = bom ? 3 : 0, .line_off = bom ? 3 : 0, .line = 1};
}

/* Eight bytes of one line at once, counted: those that are not 10xxxxxx begin a code point. */
static inline bool skip_eight(struct cursor *c, const char *s)
{
	uint64_t v = load(s);
	/* Exact where the high bit is not set, and a line end has none; elsewhere an alarm too much at worst. */
	uint64_t ends = ~(other_than(v & ~HIGH, '\n') & other_than(v & ~HIGH, '\r')) & HIGH;

	if (ends)
		return false;
	c->points += 8 - (unsigned)(((v & ~(v << 1) & HIGH) >> 7) * EVERY(1) >> 56);
	c->off += 8;
	return true;
}

static void cursor_advance(struct cursor *c, struct tc_str text, uint32_t to)
{
	const char *s = text.s;

	while (c->off < to) {
		unsigned char b;

		if (to - c->off >= 8 && skip_eight(c, s + c->off))
			continue;
		b = (unsigned char)s[c->off++];
		if (b == '\n' || (b == '\r' && (c->off >= text.len || s[c->off] != '\n'))) {
			c->line++;
			c->line_off = c->off;
			c->points = 0;
		} else if ((b & 0xc0) != 0x80) {
			c->points++;
		}
	}
}

/* The first byte of the code point that holds off. */
static uint32_t code_point_start(struct tc_str text, uint32_t off)
{
	uint32_t cp;

	for (uint32_t back = 1; back <= 3 && back <= off && off < text.len; back++)
		if (((unsigned char)text.s[off - back + 1] & 0xc0) != 0x80)
			break;
		else if (tc_utf8_decode(text.s + off - back, text.len - off + back, &cp) > back)
			return off - back;
	return off;
}

static uint32_t line_end(struct tc_str text, uint32_t from, size_t reach)
{
	size_t stop = text.len - from > reach ? from + reach : text.len;

	while (from < stop && text.s[from] != '\n' && text.s[from] != '\r')
		from++;
	return from;
}

static uint32_t clamp(struct tc_str text, uint32_t off)
{
	return off < text.len ? code_point_start(text, off) : (uint32_t)text.len;
}

static struct tc_place place_at(struct tc_str text, struct cursor c, uint32_t off, size_t reach)
{
	struct tc_place place;
	uint32_t end;

	cursor_advance(&c, text, off);
	end = line_end(text, c.off, reach);
	/* Between \r and \n the \r has been counted, but it is not part of the line. */
	if (end > c.line_off && text.s[end - 1] == '\r') {
		end--;
		c.points--;
	}
	place = (struct tc_place){.line = c.line, .column = c.points + 1, .line_off = c.line_off};
	place.text = (struct tc_str){.s = text.s ? text.s + c.line_off : "", .len = end - c.line_off};
	return place;
}

struct tc_place tc_place(struct tc_pos at)
{
	struct tc_str text = at.src->text;

	return place_at(text, cursor_start(text), clamp(text, at.off), SIZE_MAX);
}

/* As cursor_advance, where the bytes are ASCII without a \r: line ends are counted, not met one by one. False, with
 * nothing done, where they are not. */
static bool cursor_leap(struct cursor *c, struct tc_str text, uint32_t to)
{
	uint32_t n = to > c->off ? to - c->off : 0;
	const char *s = text.s + c->off, *last;
	unsigned ends = 0;
	uint64_t high = 0;

	if (n == 0 || n % 8 != 0 || memchr(s, '\r', n))
		return false;
	for (uint32_t i = 0; i < n; i += 8) {
		uint64_t v = load(s + i), end = ~other_than(v & ~HIGH, '\n') & HIGH;

		high |= v;
		ends += (unsigned)((end >> 7) * EVERY(1) >> 56);
	}
	if (high & HIGH)
		return false;
	last = memrchr(s, '\n', n);
	c->points += n;
	c->off = to;
	if (last) {
		c->line += ends;
		c->line_off = (uint32_t)(last + 1 - text.s);
		c->points = to - c->line_off;
	}
	return true;
}

struct tc_lines {
	const struct tc_source *src;
	size_t count;
	struct cursor marks[]; /* one a stride */
};

struct tc_lines *tc_lines_new(struct tc_arena *mem, const struct tc_source *src)
{
	size_t count = src->text.len / STRIDE + 1;
	struct tc_lines *l = tc_alloc(mem, sizeof(*l) + count * sizeof(l->marks[0]));
	struct cursor c = cursor_start(src->text);

	l->src = src;
	l->count = count;
	for (size_t i = 0; i < count; i++) {
		if (!cursor_leap(&c, src->text, (uint32_t)(i * STRIDE)))
			cursor_advance(&c, src->text, (uint32_t)(i * STRIDE));
		l->marks[i] = c;
	}
	return l;
}

struct tc_place tc_lines_place(const struct tc_lines *l, uint32_t off)
{
	struct tc_str text = l->src->text;

	off = clamp(text, off);
	return place_at(text, l->marks[off / STRIDE], off, LINE_REACH);
}
