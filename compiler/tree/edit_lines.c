/* edit_lines.c - where lines, entries and contents begin and end (edit_text.h).
 *
 * Marks of the tree are exact for scalars and brackets; what a block collection needs is worked out from its leaves. */
#include "compiler/tree/edit_text.h"

bool tc_edit_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_break(char c)
{
	return c == '\n' || c == '\r';
}

/* Questions come nearly in the order of the text, often about one long line: what was found last is remembered. */
uint32_t tc_edit_line(const struct tc_edit *e, uint32_t off)
{
	struct tc_edit_seen *seen = e->seen;
	uint32_t at, least = e->begin;

	off = off < e->end ? off : e->end;
	if (off >= seen->line && off <= seen->off && seen->line >= e->begin)
		return seen->line;
	if (off > seen->off && seen->line >= e->begin)
		least = seen->off;
	for (at = off; at > least && !is_break(e->s[at - 1]); at--)
		;
	if (at == least && least > e->begin && !is_break(e->s[at - 1]))
		at = seen->line;
	*seen = (struct tc_edit_seen){.line = at, .off = off};
	return at;
}

uint32_t tc_edit_line_stop(const struct tc_edit *e, uint32_t off)
{
	while (off < e->end && !is_break(e->s[off]))
		off++;
	return off;
}

uint32_t tc_edit_next_line(const struct tc_edit *e, uint32_t off)
{
	off = tc_edit_line_stop(e, off);
	if (off >= e->end)
		return e->limit;
	return off + (e->s[off] == '\r' && off + 1 < e->end && e->s[off + 1] == '\n' ? 2 : 1);
}

int tc_edit_col(const struct tc_edit *e, uint32_t off)
{
	return (int)(off - tc_edit_line(e, off));
}

bool tc_edit_begins_line(const struct tc_edit *e, uint32_t off)
{
	while (off > e->begin && tc_edit_is_blank(e->s[off - 1]))
		off--;
	return off == e->begin || is_break(e->s[off - 1]);
}

uint32_t tc_edit_skip_blanks(const struct tc_edit *e, uint32_t off)
{
	while (off < e->end && tc_edit_is_blank(e->s[off]))
		off++;
	return off;
}

struct tc_str tc_edit_base(struct tc_edit *e, uint32_t off)
{
	uint32_t line = tc_edit_line(e, off), text = line;

	while (text < off && text - line <= TC_EDIT_COL_MAX && tc_edit_is_blank(e->s[text]))
		text++;
	if (text - line > TC_EDIT_COL_MAX)
		tc_edit_decline(e, "a line is indented too far");
	return (struct tc_str){.s = e->s + line, .len = text - line};
}

uint32_t tc_edit_skip(const struct tc_edit *e, uint32_t off)
{
	while (off < e->end) {
		if (tc_edit_is_blank(e->s[off]) || is_break(e->s[off]))
			off++;
		else if (e->s[off] == '#')
			off = tc_edit_line_stop(e, off);
		else
			break;
	}
	return off;
}

bool tc_edit_has_comment(const struct tc_edit *e, uint32_t off)
{
	off = tc_edit_skip_blanks(e, off);
	return off < e->end && e->s[off] == '#';
}

bool tc_edit_line_is_blank(const struct tc_edit *e, uint32_t off)
{
	off = tc_edit_skip_blanks(e, off);
	return off < e->end && is_break(e->s[off]);
}

uint32_t tc_edit_skip_deeper(const struct tc_edit *e, uint32_t line, int col)
{
	for (uint32_t at = line; at < e->end; at = tc_edit_next_line(e, at)) {
		uint32_t text = tc_edit_skip_blanks(e, at);

		if (text < e->end && e->s[text] == '#' && (int)(text - at) > col)
			line = tc_edit_next_line(e, text);
		else if (text < e->end && !is_break(e->s[text]))
			break;
	}
	return line;
}

bool tc_edit_is_block(const struct tc_node *n)
{
	return (n->kind == TC_MAP || n->kind == TC_SEQ) && n->style == TC_STYLE_BLOCK && n->first;
}

bool tc_edit_is_block_scalar(const struct tc_node *n)
{
	return n->style == TC_STYLE_LITERAL || n->style == TC_STYLE_FOLDED;
}

/* Properties */

static uint32_t skip_word(const struct tc_edit *e, uint32_t off)
{
	while (off < e->end && !tc_edit_is_blank(e->s[off]) && !is_break(e->s[off]) &&
	       (e->s[off] != ',' && e->s[off] != ']' && e->s[off] != '}'))
		off++;
	return off;
}

static bool is_property(const struct tc_edit *e, uint32_t off)
{
	return off < e->end && (e->s[off] == '&' || e->s[off] == '!');
}

static bool has_anchor(const struct tc_node *n)
{
	return n->props->anchor || n->props->anchored;
}

uint32_t tc_edit_props_end(const struct tc_edit *e, const struct tc_node *n)
{
	uint32_t off = n->off, end = off;
	int left = 2; /* an anchor and a tag */

	/* In front of a block mapping without any they are its first key's. */
	if (tc_edit_is_block(n))
		left = n->props ? has_anchor(n) + (n->props->tag != NULL) : 0;
	if (e->format == TC_JSON)
		left = 0;
	for (; left > 0 && is_property(e, off); left--) {
		end = skip_word(e, off);
		off = tc_edit_skip(e, end);
	}
	return end;
}

uint32_t tc_edit_body(const struct tc_edit *e, const struct tc_node *n)
{
	uint32_t end = tc_edit_props_end(e, n), off = tc_edit_skip(e, end);

	return end == n->off || (off >= n->end && !tc_edit_is_block(n)) ? end : off;
}

struct tc_str tc_edit_anchor(const struct tc_edit *e, const struct tc_node *n)
{
	uint32_t off = n->off;

	if (!n->props || !has_anchor(n))
		return (struct tc_str){0};
	if (is_property(e, off) && e->s[off] == '!')
		off = tc_edit_skip(e, skip_word(e, off));
	return (struct tc_str){.s = e->s + off, .len = skip_word(e, off) - off};
}

/* Ends */

uint32_t tc_edit_header_end(const struct tc_edit *e, const struct tc_node *n)
{
	uint32_t off = tc_edit_body(e, n);

	while (off < e->end &&
	       (e->s[off] == '|' || e->s[off] == '>' || e->s[off] == '+' || e->s[off] == '-' || tc_is_digit(e->s[off])))
		off++;
	return off;
}

uint32_t tc_edit_content_indent(const struct tc_edit *e, const struct tc_node *n)
{
	uint32_t header_end = tc_edit_header_end(e, n);

	for (uint32_t i = tc_edit_body(e, n); i < header_end; i++) {
		if (tc_is_digit(e->s[i]))
			return tc_edit_is_block(n->parent) ? (uint32_t)tc_edit_col(e, tc_edit_body(e, n->parent)) +
								     (uint32_t)(e->s[i] - '0')
							   : 0;
	}
	for (uint32_t at = tc_edit_next_line(e, header_end); at < n->end; at = tc_edit_next_line(e, at)) {
		uint32_t text = at;

		while (text < n->end && e->s[text] == ' ')
			text++;
		if (text < n->end && !is_break(e->s[text]))
			return text - at;
	}
	return UINT32_MAX;
}

/* Blank lines behind the content mean nothing unless the header says that they are kept. */
static uint32_t block_scalar_end(const struct tc_edit *e, const struct tc_node *n)
{
	uint32_t header = tc_edit_body(e, n), header_end = tc_edit_header_end(e, n), end = n->end, indent;
	uint32_t first = tc_edit_next_line(e, header_end);

	if (end >= e->end && e->limit > e->end)
		return e->limit;
	if (end <= first || memchr(e->s + header, '+', header_end - header))
		return end > first ? end : first;
	indent = tc_edit_content_indent(e, n);
	while (end > first) {
		uint32_t stop = end - 1, line;

		if (stop > first && e->s[stop] == '\n' && e->s[stop - 1] == '\r')
			stop--;
		line = tc_edit_line(e, stop);
		for (uint32_t i = line; i < stop; i++) {
			if (e->s[i] != ' ')
				return end;
		}
		if (stop - line > indent)
			return end;
		end = line;
	}
	return end;
}

static const struct tc_node *last_leaf(const struct tc_node *n)
{
	while (tc_edit_is_block(n))
		n = n->last;
	return n;
}

uint32_t tc_edit_content_end(const struct tc_edit *e, const struct tc_node *n)
{
	n = last_leaf(n);
	return tc_edit_is_block_scalar(n) ? block_scalar_end(e, n) : tc_edit_next_line(e, n->end);
}

/* Beginnings */

/* A key that says that it is one has a `?` in the column of the mapping. */
static uint32_t key_begin(const struct tc_edit *e, const struct tc_node *map, const struct tc_node *key, int col)
{
	uint32_t line = tc_edit_line(e, key->off), at = line + (uint32_t)col;

	if (key == map->first)
		return tc_edit_body(e, map);
	if (at == key->off || (at < key->off && e->s[at] == '?'))
		return at;
	return UINT32_MAX;
}

/* The dash of an item may stand on a line above it. */
static uint32_t dash_of(const struct tc_edit *e, const struct tc_node *seq, const struct tc_node *item, int col)
{
	uint32_t least = tc_edit_line(e, seq->off), line = tc_edit_line(e, item->off);

	for (;;) {
		uint32_t at = line + (uint32_t)col;

		if (at < item->off && at < tc_edit_line_stop(e, line) && e->s[at] == '-')
			return at;
		if (line <= least || line <= e->begin)
			return UINT32_MAX; /* unreachable: the first item's dash is in the column */
		line = tc_edit_line(e,
				    line - 1 -
					    (e->s[line - 1] == '\n' && line - 1 > e->begin && e->s[line - 2] == '\r'));
	}
}

uint32_t tc_edit_entry(const struct tc_edit *e, const struct tc_node *parent, const struct tc_node *child, int col)
{
	return parent->kind == TC_MAP ? key_begin(e, parent, child, col) : dash_of(e, parent, child, col);
}

uint32_t tc_edit_head(const struct tc_edit *e, const struct tc_node *parent, const struct tc_node *child, int col)
{
	uint32_t off;

	if (parent->kind == TC_SEQ) {
		off = dash_of(e, parent, child, col);
		return off == UINT32_MAX ? off : off + 1;
	}
	off = tc_edit_skip(e, child->end);
	return off < child->next->off && e->s[off] == ':' ? off + 1 : UINT32_MAX;
}

uint32_t tc_edit_value_off(const struct tc_edit *e, const struct tc_node *key, const struct tc_node *value)
{
	uint32_t colon;

	if (!key || value->off != value->end)
		return value->off;
	colon = tc_edit_skip(e, key->end);
	return colon < e->end && e->s[colon] == ':' && (value->off == key->end || value->off == colon + 1) ? colon + 1
													   : value->off;
}
