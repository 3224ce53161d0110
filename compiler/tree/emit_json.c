/* emit_json.c - a tree as JSON (emit.h). */
#include "compiler/base/scan.h"
#include "compiler/base/utf8.h"
#include "compiler/tree/decimal.h"
#include "compiler/tree/emit_out.h"
#include "compiler/tree/number.h"
#include "compiler/tree/scalar.h"

/* 0: stands as it is; else it ends a run: a letter: the short escape; 'u': \u00xx; '?': the first byte of a longer
 * character, which has to be looked at. */
static const char escapes[256] = {
	[0x00 ... 0x07] = 'u', ['\b'] = 'b',          ['\t'] = 't', ['\n'] = 'n',  [0x0b] = 'u', ['\f'] = 'f',
	['\r'] = 'r',          [0x0e ... 0x1f] = 'u', ['"'] = '"',  ['\\'] = '\\', [0x7f] = 'u', [0x80 ... 0xff] = '?',
};

static void escape_unit(struct tc_buf *out, unsigned code)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = {'\\', 'u', hex[code >> 12 & 15], hex[code >> 8 & 15], hex[code >> 4 & 15], hex[code & 15]};

	tc_out(out, text, sizeof(text));
}

/* A character of more than one byte that must not stand as it is: all of these have four hexadecimal digits. A byte
 * that is no UTF-8 becomes U+FFFD. *p moves past it. */
static void escape_long(struct tc_buf *out, const char **p, const char *end)
{
	uint32_t code = 0xfffd;
	size_t len = tc_utf8_decode(*p, (size_t)(end - *p), &code);

	escape_unit(out, code);
	*p += len ? len : 1;
}

static void put_quoted(struct tc_buf *out, struct tc_str text)
{
	char *to;

	if (out->cap - out->len < text.len + 3)
		tc_buf_reserve(out, text.len + 2);
	to = out->p + out->len;
	*to++ = '"';
	if (text.len)
		memcpy(to, text.s, text.len);
	to += text.len;
	*to++ = '"';
	*to = '\0';
	out->len += text.len + 2;
}

void tc_emit_json_string(struct tc_buf *out, struct tc_str text)
{
	const char *p = text.s, *end = p + text.len, *run = p;

	/* Nearly all stand as they are. */
	p = tc_plain_ascii_end(p, end);
	if (p == end) {
		put_quoted(out, text);
		return;
	}
	tc_out_lit(out, "\"");
	while ((p = tc_plain_ascii_end(p, end)) < end) {
		char how = escapes[(unsigned char)*p];
		size_t len = how == '?' ? tc_out_char(p, end) : !how;

		if (len) {
			p += len;
			continue;
		}
		tc_out(out, run, (size_t)(p - run));
		if (how == '?') {
			escape_long(out, &p, end);
		} else if (how == 'u') {
			escape_unit(out, (unsigned char)*p++);
		} else {
			tc_out(out, (char[]){'\\', how}, 2);
			p++;
		}
		run = p;
	}
	tc_out(out, run, (size_t)(p - run));
	tc_out_lit(out, "\"");
}

struct json {
	struct tc_buf *out;
	unsigned step;
	bool canonical, crlf;
	struct tc_arena *mem; /* for what has to be respelled; made when the first such thing is met */
};

static struct tc_arena *scratch(struct json *j)
{
	if (!j->mem)
		j->mem = j->out->secret ? tc_arena_new_secret(1024) : tc_arena_new(1024);
	return j->mem;
}

static void write_number(struct json *j, const struct tc_node *n)
{
	struct tc_str text = n->text;

	if (!tc_number_is_json(text))
		text = tc_scalar_json_number(scratch(j), text, n->kind);
	if (j->canonical)
		text = tc_decimal_canonical(scratch(j), text);
	tc_out(j->out, text.s, text.len);
}

static void line(const struct json *j, unsigned level)
{
	if (j->step == 0)
		return;
	if (j->crlf)
		tc_out_lit(j->out, "\r");
	tc_out_lit(j->out, "\n");
	tc_out_spaces(j->out, (size_t)j->step * level);
}

static void write(struct json *j, const struct tc_node *n, unsigned level);

static void write_key(struct json *j, struct tc_str key, bool first, unsigned level)
{
	if (!first)
		tc_out_lit(j->out, ",");
	line(j, level + 1);
	tc_emit_json_string(j->out, key);
	tc_out(j->out, ": ", j->step ? 2 : 1);
}

/* Most mappings of tentc's own are: there is nothing to sort. */
static bool is_sorted(const struct tc_node *map)
{
	const struct tc_node *before = NULL;

	if (map->flags & TC_NODE_MERGES)
		return false;
	for (const struct tc_node *key = map->first; key; key = key->next->next) {
		if (key->kind != TC_STRING || (before && tc_str_compare(before->text, key->text) >= 0))
			return false;
		before = key;
	}
	return true;
}

static void write_map(struct json *j, const struct tc_node *map, unsigned level)
{
	struct tc_entry e = tc_first(map);
	bool empty = !e.key;
	size_t n = 0;

	tc_out_lit(j->out, "{");
	if (j->canonical && !is_sorted(map)) {
		struct tc_pair *pairs = tc_pairs_sorted(scratch(j), map, &n);

		for (size_t i = 0; i < n; i++) {
			write_key(j, pairs[i].key, i == 0, level);
			write(j, pairs[i].value, level + 1);
		}
	} else {
		for (; e.key; e = tc_next(e), n++) {
			bool quick = e.key->kind == TC_STRING;

			write_key(j, quick ? e.key->text : tc_key_text(scratch(j), e.key), n == 0, level);
			write(j, e.value, level + 1);
		}
	}
	if (!empty)
		line(j, level);
	tc_out_lit(j->out, "}");
}

static void write_seq(struct json *j, const struct tc_node *seq, unsigned level)
{
	tc_out_lit(j->out, "[");
	for (const struct tc_node *i = seq->first; i; i = i->next) {
		if (i != seq->first)
			tc_out_lit(j->out, ",");
		line(j, level + 1);
		write(j, i, level + 1);
	}
	if (seq->first)
		line(j, level);
	tc_out_lit(j->out, "]");
}

static void write(struct json *j, const struct tc_node *n, unsigned level)
{
	n = tc_deref(n);
	switch (n ? (enum tc_kind)n->kind : TC_NULL) {
	case TC_BOOL:
		tc_buf_puts(j->out, tc_scalar_true(n->text) ? "true" : "false");
		break;
	case TC_INT:
	case TC_FLOAT:
		write_number(j, n);
		break;
	case TC_STRING:
		tc_emit_json_string(j->out, n->text);
		break;
	case TC_SEQ:
		write_seq(j, n, level);
		break;
	case TC_MAP:
		write_map(j, n, level);
		break;
	default:
		tc_out_lit(j->out, "null");
	}
}

void tc_emit_json(struct tc_buf *out, const struct tc_node *n, struct tc_emit how)
{
	struct json j = {.out = out, .step = how.indent, .crlf = how.crlf};

	write(&j, n, 0);
	tc_arena_free(j.mem);
}

void tc_emit_canonical(struct tc_buf *out, const struct tc_node *n)
{
	struct json j = {.out = out, .canonical = true};

	write(&j, n, 0);
	tc_arena_free(j.mem);
}
