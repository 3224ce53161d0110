/* emit_scalar.c - how a scalar is spelled in YAML: plain, quoted or literal, with its anchor and tag. */
#include "compiler/tree/emit_yaml.h"
#include "compiler/tree/scalar.h"

static const char core[] = "tag:yaml.org,2002:";
static const char binary[] = "tag:yaml.org,2002:binary";

/* Can all of it stand between quotes, or in a block, as it is? lines: line feeds may be in it. */
static bool all_visible(struct tc_str text, bool lines)
{
	const char *p = text.s, *end = p + text.len;

	while (p < end) {
		unsigned char c = (unsigned char)*p;
		size_t len = (c >= 0x20 && c < 0x7f) || c == '\t' || (lines && c == '\n') ? 1 : 0;

		if (!len && c >= 0x80)
			len = tc_out_char(p, end);
		if (!len)
			return false;
		p += len;
	}
	return true;
}

/* A block can hold what has a visible character in its last line: spaces at the very end are too easily lost. */
static bool literal_ok(struct tc_str text)
{
	size_t end = text.len, last;

	while (end > 0 && text.s[end - 1] == '\n')
		end--;
	last = end;
	while (last > 0 && (text.s[last - 1] == ' ' || text.s[last - 1] == '\t'))
		last--;
	return last > 0 && text.s[last - 1] != '\n' && all_visible(text, true);
}

/* A plain string was read as this very string, and a block is no stricter than where it stood, but for what would be an
 * item there, or as a key at the beginning of a line the end of the document: `[-]`, `{--- a: 1}`, `{... a: 1}`; and a
 * byte order mark may not begin a line. */
static bool means_more_in_block(struct tc_str text, struct tc_yaml_place place)
{
	return tc_str_is(text, "-") || (place.key && (tc_str_starts(text, "---") || tc_str_starts(text, "...") ||
						      tc_str_starts(text, "\xef\xbb\xbf")));
}

/* Of the breaks that YAML 1.1 adds, U+2028 and U+2029 stay in a plain string of several lines, as they are; they begin
 * with the byte looked for. */
static bool breaks_inside(struct tc_str text)
{
	return memchr(text.s, 0xe2, text.len) && !all_visible(text, false);
}

static enum tc_style string_style(const struct tc_node *n, struct tc_yaml_place place)
{
	struct tc_str text = n->text.s ? n->text : TC_STR("");
	bool lines = memchr(text.s, '\n', text.len);
	bool block = !place.key && !(place.root && place.col > 0);

	switch (n->style) {
	case TC_STYLE_DOUBLE:
		return TC_STYLE_DOUBLE;
	case TC_STYLE_SINGLE:
		return !lines && all_visible(text, false) ? TC_STYLE_SINGLE : TC_STYLE_DOUBLE;
	case TC_STYLE_LITERAL:
	case TC_STYLE_FOLDED:
		if (block && literal_ok(text))
			return TC_STYLE_LITERAL;
		break;
	case TC_STYLE_PLAIN:
		if (!lines && text.len > 0 && !means_more_in_block(text, place) && !n->props && !place.root &&
		    !(n->flags & TC_NODE_NEW) && !breaks_inside(text))
			return TC_STYLE_PLAIN;
		break;
	default:
		break;
	}
	if (!lines && tc_scalar_plain_ok(text, false, place.key))
		return TC_STYLE_PLAIN;
	if (lines && block && literal_ok(text))
		return TC_STYLE_LITERAL;
	/* JSON in an annotation: a backslash before every quote would hide what it says. */
	return !lines && memchr(text.s, '"', text.len) && all_visible(text, false) ? TC_STYLE_SINGLE : TC_STYLE_DOUBLE;
}

static void write_single(struct tc_buf *out, struct tc_str text)
{
	const char *p = text.s, *end = p + text.len, *quote;

	tc_out_lit(out, "'");
	while (p < end && (quote = memchr(p, '\'', (size_t)(end - p)))) {
		tc_out(out, p, (size_t)(quote - p));
		tc_out_lit(out, "''");
		p = quote + 1;
	}
	tc_out(out, p, (size_t)(end - p));
	tc_out_lit(out, "'");
}

/* A comment ends where its line ends, so nothing that breaks a line gets into it. */
static void write_comment(struct tc_buf *out, const char *comment)
{
	const char *end;

	if (!comment)
		return;
	tc_out_lit(out, " # ");
	for (end = comment + strlen(comment); comment < end;) {
		size_t len = tc_out_char(comment, end);

		if (len || ((unsigned char)*comment & 0xc0) != 0x80)
			tc_out(out, len ? comment : "?", len ? len : 1);
		comment += len ? len : 1;
	}
}

/* Everything behind the colon or dash: header, comment, lines, the last line end too. */
static void write_literal(const struct tc_yaml_out *y, const struct tc_node *n, unsigned col)
{
	const char *p = n->text.s, *end = p + n->text.len, *first = p;
	size_t breaks = 0;

	while (*first == '\n')
		first++;
	while (end[-1] == '\n') {
		end--;
		breaks++;
	}
	tc_out_lit(y->out, "|");
	if (*first == ' ' || *first == '\t')
		tc_buf_printf(y->out, "%u", y->step); /* else these would count as indentation */
	if (breaks != 1)
		tc_out(y->out, breaks ? "+" : "-", 1);
	write_comment(y->out, n->comment);
	tc_yaml_line(y);

	while (p < end) {
		const char *stop = memchr(p, '\n', (size_t)(end - p));

		stop = stop ? stop : end;
		if (stop > p)
			tc_out_spaces(y->out, col + y->step);
		tc_out(y->out, p, (size_t)(stop - p));
		tc_yaml_line(y);
		p = stop + 1;
	}
	for (; breaks > 1; breaks--)
		tc_yaml_line(y);
}

/* Quoted, so that the tag decides and nothing else. */
static void write_binary(struct tc_buf *out, struct tc_str text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)text.s;

	tc_out_lit(out, "\"");
	for (size_t i = 0; i < text.len; i += 3) {
		size_t left = text.len - i;
		unsigned b =
			(unsigned)p[i] << 16 | (left > 1 ? (unsigned)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);
		char four[4] = {digits[b >> 18], digits[b >> 12 & 63], left > 1 ? digits[b >> 6 & 63] : '=',
				left > 2 ? digits[b & 63] : '='};

		tc_out(out, four, sizeof(four));
	}
	tc_out_lit(out, "\"");
}

/* Anchor and tag */

static bool tag_char(char c)
{
	return tc_is_digit(c) || tc_is_lower(c) || tc_is_upper(c) || c == '-' || c == '_' || c == '.' || c == '/' ||
	       c == ':';
}

static bool is_short(const char *s)
{
	const char *p = s;

	while (tag_char(*p))
		p++;
	return !*p && p > s;
}

/* As short as it can be written: !!str, !mine, or in full with everything odd in percent signs. */
static void write_tag(struct tc_buf *out, const char *tag)
{
	bool is_core = strncmp(tag, core, sizeof(core) - 1) == 0;

	if (is_core && is_short(tag + sizeof(core) - 1)) {
		tc_out_lit(out, "!!");
		tc_buf_puts(out, tag + sizeof(core) - 1);
	} else if (tag[0] == '!' && is_short(tag + 1)) {
		tc_buf_puts(out, tag);
	} else {
		tc_out_lit(out, "!<");
		for (; *tag; tag++) {
			if (tag_char(*tag) || *tag == '!' || *tag == ',')
				tc_buf_putc(out, *tag);
			else
				tc_buf_printf(out, "%%%02X", (unsigned char)*tag);
		}
		tc_out_lit(out, ">");
	}
}

/* The tag "!" says only that a plain scalar is a string; that is said by quotes. */
static const char *tag_of(const struct tc_node *n)
{
	const char *tag = n->flags & TC_NODE_NEW || !n->props ? NULL : n->props->tag;

	return tag && strcmp(tag, "!") != 0 ? tag : NULL;
}

static const char *anchor_of(const struct tc_node *n)
{
	return n->flags & TC_NODE_NEW || !n->props ? NULL : n->props->anchor;
}

bool tc_yaml_has_props(const struct tc_node *n)
{
	return anchor_of(n) || tag_of(n);
}

void tc_yaml_props(const struct tc_yaml_out *y, const struct tc_node *n)
{
	const char *anchor = anchor_of(n), *tag = tag_of(n);

	if (anchor) {
		tc_out_lit(y->out, "&");
		tc_buf_puts(y->out, anchor);
	}
	if (anchor && tag)
		tc_out_lit(y->out, " ");
	if (tag)
		write_tag(y->out, tag);
}

/* Scalars */

static bool is_binary(const struct tc_node *n)
{
	const char *tag = tag_of(n);

	return tag && strcmp(tag, binary) == 0;
}

static bool write_string(const struct tc_yaml_out *y, const struct tc_node *n, struct tc_yaml_place place)
{
	if (is_binary(n)) {
		write_binary(y->out, n->text);
		return false;
	}
	switch (string_style(n, place)) {
	case TC_STYLE_PLAIN:
		tc_out(y->out, n->text.s, n->text.len);
		return false;
	case TC_STYLE_SINGLE:
		write_single(y->out, n->text);
		return false;
	case TC_STYLE_LITERAL:
		write_literal(y, n, place.col);
		return true;
	default:
		tc_emit_json_string(y->out, n->text);
		return false;
	}
}

/* A null that was left out stays so where nothing but a line end follows. */
static struct tc_str null_text(const struct tc_node *n, struct tc_yaml_place place)
{
	static const char *const spellings[] = {"null", "~", "Null", "NULL"};

	if (n->text.len == 0 && !place.key && !place.root && !(n->flags & TC_NODE_NEW) && !n->props)
		return n->text;
	for (size_t i = 0; i < TC_COUNT(spellings); i++) {
		if (tc_str_is(n->text, spellings[i]))
			return n->text;
	}
	return TC_STR("null");
}

bool tc_yaml_scalar(const struct tc_yaml_out *y, const struct tc_node *n, struct tc_yaml_place place)
{
	struct tc_str text = n->text;
	bool ended = false;

	if (n->kind == TC_STRING)
		ended = write_string(y, n, place);
	else if (n->kind == TC_NULL)
		text = null_text(n, place);
	if (n->kind != TC_STRING)
		tc_out(y->out, text.s, text.len);
	if (!ended && !place.key)
		write_comment(y->out, n->comment);
	return ended;
}
