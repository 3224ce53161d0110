#include "compiler/tree/yaml_read.h"

size_t tc_yaml_break(const char *p, const char *end)
{
	size_t left = (size_t)(end - p);

	if (*p == '\n')
		return 1;
	if (*p == '\r')
		return left > 1 && p[1] == '\n' ? 2 : 1;
	if (left > 1 && memcmp(p, "\xc2\x85", 2) == 0)
		return 2;
	if (left > 2 && (memcmp(p, "\xe2\x80\xa8", 3) == 0 || memcmp(p, "\xe2\x80\xa9", 3) == 0))
		return 3;
	return 0;
}

uint32_t tc_yaml_skip_comments(const struct tc_source *src, uint32_t off, uint32_t end)
{
	const char *p = src->text.s + off, *stop = src->text.s + end;
	size_t n;

	while (p < stop) {
		if (*p == ' ' || *p == '\t')
			p++;
		else if ((n = tc_yaml_break(p, stop)) > 0)
			p += n;
		else if (*p == '#')
			while (p < stop && tc_yaml_break(p, stop) == 0)
				p++;
		else
			break;
	}
	return (uint32_t)(p - src->text.s);
}

/* Words at a time. */
static bool is_ascii(const char *p, size_t n)
{
	uint64_t words[4], word, high = 0;

	for (; n >= sizeof(words); p += sizeof(words), n -= sizeof(words)) {
		memcpy(words, p, sizeof(words));
		high |= words[0] | words[1] | words[2] | words[3];
	}
	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&word, p, 8);
		high |= word;
	}
	for (; n; p++, n--)
		high |= (unsigned char)*p;
	return (high & 0x8080808080808080u) == 0;
}

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

uint32_t tc_yaml_off_slowly(struct tc_yaml *y, size_t index)
{
	const char *s = y->src->text.s;

	while (y->cursor_index < index && y->cursor_off < y->end) {
		if (index - y->cursor_index >= 8 && y->end - y->cursor_off >= 8 && is_ascii(s + y->cursor_off, 8)) {
			y->cursor_off += 8;
			y->cursor_index += 8;
			continue;
		}
		do
			y->cursor_off++;
		while (y->cursor_off < y->end && is_continuation(s[y->cursor_off]));
		y->cursor_index++;
	}
	while (y->cursor_index > index) {
		do
			y->cursor_off--;
		while (is_continuation(s[y->cursor_off]));
		y->cursor_index--;
	}
	return y->cursor_off;
}

static int feed(void *data, unsigned char *buffer, size_t size, size_t *given)
{
	struct tc_yaml *y = data;
	size_t left = y->end - y->fed;

	*given = left < size ? left : size;
	memcpy(buffer, y->src->text.s + y->fed, *given);
	y->fed += (uint32_t)*given;
	if (*given < size && y->line_end_due) {
		buffer[(*given)++] = '\n';
		y->line_end_due = false;
	}
	return 1;
}

void tc_yaml_text_begin(struct tc_yaml *y)
{
	const char *s = y->src->text.s;

	y->fed = y->cursor_off = y->begin;
	y->ascii = is_ascii(s + y->begin, y->end - y->begin);
	y->line_end_due = y->end > y->begin && s[y->end - 1] != '\n';
	yaml_parser_set_encoding(&y->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input(&y->parser, feed, y);
}
