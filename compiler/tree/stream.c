#include "compiler/tree/stream.h"
#include "compiler/base/utf8.h"
#include "compiler/tree/yaml_read.h"

struct cutter {
	struct tc_arena *mem;
	const struct tc_source *src;
	const struct tc_limits *limits;
	struct tc_diags *diags;
	struct tc_doc *docs;
	size_t count, cap;
};

static struct tc_pos pos(const struct tc_source *src, size_t off)
{
	return (struct tc_pos){.src = src, .off = (uint32_t)off};
}

static bool check_size(const struct tc_source *src, const struct tc_limits *limits, struct tc_diags *diags)
{
	size_t most = limits->max_bytes < UINT32_MAX ? limits->max_bytes : UINT32_MAX - 1;

	if (src->text.len <= most)
		return true;
	tc_diag_help(tc_diag(diags, TC_MSG_TOO_LARGE, pos(src, 0), "the input has %zu bytes, the limit is %zu",
			     src->text.len, most),
		     "split it into several files");
	return false;
}

/* Longest first: the mark of UTF-16 begins the one of UTF-32. */
static const struct {
	const char *bytes;
	size_t len;
	const char *name;
} foreign_marks[] = {
	{"\xff\xfe\0\0", 4, "UTF-32, little-endian"},
	{"\0\0\xfe\xff", 4, "UTF-32, big-endian"},
	{"\xff\xfe", 2, "UTF-16, little-endian"},
	{"\xfe\xff", 2, "UTF-16, big-endian"},
};

static const char *marked_encoding(struct tc_str text)
{
	for (size_t i = 0; i < TC_COUNT(foreign_marks); i++)
		if (text.len >= foreign_marks[i].len &&
		    memcmp(text.s, foreign_marks[i].bytes, foreign_marks[i].len) == 0)
			return foreign_marks[i].name;
	return NULL;
}

/* Of a text that is no UTF-8, by its zero bytes: in UTF-16 every blank, colon and line end has one, always on the same
 * side, whatever the language; in UTF-32 every character has. NULL: neither. */
static const char *foreign_encoding(struct tc_str text)
{
	enum { LOOKED_AT = 4096, RARE = 32 };
	size_t n = text.len < LOOKED_AT ? text.len : LOOKED_AT, zeros[4] = {0};

	for (size_t i = 0; i < n; i++)
		zeros[i % 4] += !text.s[i];
	size_t even = zeros[0] + zeros[2], odd = zeros[1] + zeros[3], whole = n / 4;
	if (whole > 1 && zeros[0] >= whole && zeros[1] >= whole && zeros[3] == 0)
		return "UTF-32, big-endian";
	if (whole > 1 && zeros[3] == whole && zeros[2] == whole && zeros[0] == 0)
		return "UTF-32, little-endian";
	if (even + odd < 2 || (even + odd) * RARE < n || (even && odd))
		return NULL;
	return even ? "UTF-16, big-endian" : "UTF-16, little-endian";
}

static bool refuse_encoding(const struct tc_source *src, struct tc_diags *diags, const char *name)
{
	tc_diag_help(tc_diag(diags, TC_MSG_UTF16, pos(src, 0), "the text is %s; Kubernetes reads UTF-8 only", name),
		     "save it as UTF-8");
	return false;
}

static bool check_bytes(const struct tc_source *src, struct tc_diags *diags)
{
	struct tc_str text = src->text;
	const char *foreign = marked_encoding(text);
	uint32_t cp;

	if (foreign)
		return refuse_encoding(src, diags, foreign);
	size_t bad = tc_text_check(text);
	if (bad == text.len)
		return true;
	foreign = foreign_encoding(text);
	if (foreign)
		return refuse_encoding(src, diags, foreign);
	struct tc_diag *d;
	if (tc_utf8_decode(text.s + bad, text.len - bad, &cp))
		d = tc_diag(diags, TC_MSG_BAD_BYTE, pos(src, bad),
			    "found the character U+%04X, which no YAML text may hold", (unsigned)cp);
	else
		d = tc_diag(diags, TC_MSG_BAD_BYTE, pos(src, bad), "found the byte 0x%02X, which is not UTF-8 here",
			    (unsigned)(unsigned char)text.s[bad]);
	tc_diag_help(d, "check that this is a text file, and saved as UTF-8");
	return false;
}

static bool is_json_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static uint32_t skip_json_space(const struct tc_source *src, uint32_t off, uint32_t end)
{
	while (off < end && is_json_space(src->text.s[off]))
		off++;
	return off;
}

static bool has_json_name(const struct tc_source *src)
{
	size_t n = src->name ? strlen(src->name) : 0;

	return n > 5 && strcmp(src->name + n - 5, ".json") == 0;
}

/* The next document; NULL, with a diagnostic, when there are too many. */
static struct tc_doc *add_doc(struct cutter *c, enum tc_format format, uint32_t sep, uint32_t begin)
{
	if (c->count >= c->limits->max_documents) {
		tc_diag_help(tc_diag(c->diags, TC_MSG_TOO_MANY_DOCUMENTS, pos(c->src, sep),
				     "the stream holds more than %zu documents", c->limits->max_documents),
			     "split it into several files");
		return NULL;
	}
	tc_grow(c->mem, c->docs, c->count, c->cap);
	struct tc_doc *d = &c->docs[c->count++];
	*d = (struct tc_doc){.src = c->src, .format = format, .sep = sep, .begin = begin, .end = begin};
	return d;
}

/* The end of the value that begins at off, by its brackets and quotes alone: for a value that is JSON but is refused.
 */
static uint32_t skip_json_value(const struct tc_source *src, uint32_t off, uint32_t end)
{
	const char *s = src->text.s;
	size_t depth = 0;
	bool quoted = false;

	for (; off < end; off++) {
		if (quoted) {
			if (s[off] == '\\' && off + 1 < end)
				off++;
			else
				quoted = s[off] != '"';
		} else if (s[off] == '"') {
			quoted = true;
		} else if (s[off] == '{' || s[off] == '[') {
			depth++;
		} else if ((s[off] == '}' || s[off] == ']') && --depth == 0) {
			return skip_json_space(src, off + 1, end);
		}
		if (depth == 0 && !quoted)
			break;
	}
	return end;
}

static bool is_syntax_only(const struct tc_diags *d)
{
	for (size_t i = 0; i < d->count; i++)
		if (d->list[i]->id == TC_MSG_SYNTAX_JSON)
			return false;
	return true;
}

enum cut { CUT, NOT_JSON, REFUSED };

/* Reads every value once, to see whether the text is JSON and where its values end; what is wrong with one is reported
 * when it is read for good. certain: the name says JSON, so that a mistake is one in JSON. */
static enum cut cut_json(struct cutter *c, uint32_t begin, bool certain)
{
	uint32_t end = (uint32_t)c->src->text.len, at = skip_json_space(c->src, begin, end), from = begin;
	_cleanup_(tc_arena_free) struct tc_arena *scratch = tc_arena_new(64 * 1024);

	while (at < end) {
		struct tc_arena_mark mark = tc_arena_mark(scratch);
		struct tc_diags unseen = {.mem = scratch};
		uint32_t next = at;
		if (!tc_json_read(scratch, c->src, &next, end, c->limits, &unseen)) {
			bool json = is_syntax_only(&unseen);
			if (!json && !certain)
				return NOT_JSON;
			next = json ? skip_json_value(c->src, at, end) : end;
		}
		tc_arena_rewind(scratch, mark);
		struct tc_doc *d = add_doc(c, TC_JSON, from, from);
		if (!d)
			return REFUSED;
		d->end = from = at = next;
	}
	return c->count || add_doc(c, TC_JSON, begin, end) ? CUT : REFUSED;
}

/* One line, its line feed included. */
static uint32_t line_end(const struct tc_source *src, uint32_t off)
{
	const char *nl = memchr(src->text.s + off, '\n', src->text.len - off);

	return nl ? (uint32_t)(nl - src->text.s) + 1 : (uint32_t)src->text.len;
}

static bool is_separator(const struct tc_source *src, uint32_t off)
{
	return src->text.len - off >= 3 && memcmp(src->text.s + off, "---", 3) == 0;
}

/* What stands behind a line break that only YAML knows is no comment to it, and nothing at all to Kubernetes. */
static bool check_breaks(struct cutter *c, uint32_t off, uint32_t end)
{
	const char *s = c->src->text.s;

	end -= end > off && s[end - 1] == '\n';
	end -= end > off && s[end - 1] == '\r';

	while (off < end && tc_yaml_break(s + off, s + end) == 0)
		off++;
	if (off == end)
		return true;
	tc_diag_help(tc_diag(c->diags, TC_MSG_LONE_CR, pos(c->src, off),
			     "a document separator ends with a line break that is no line feed; kubectl would drop "
			     "what follows silently"),
		     "end lines with LF or CRLF");
	return false;
}

/* Behind the dashes: blanks, or a comment with a blank before it. Kubernetes takes `---#` too, though only where
 * another document stands before it; anywhere else YAML reads text there. */
static bool check_separator(struct cutter *c, uint32_t off, uint32_t end)
{
	const char *s = c->src->text.s;
	uint32_t at = off + 3;

	while (at < end && is_json_space(s[at]))
		at++;
	if (at == end || (s[at] == '#' && at > off + 3))
		return check_breaks(c, off + 3, end);
	while (end > at && is_json_space(s[end - 1]))
		end--;
	tc_diag_help(tc_diag(c->diags, TC_MSG_BAD_SEPARATOR, pos(c->src, at),
			     "found %s behind a document separator, expected the end of the line",
			     tc_quote(c->mem, (struct tc_str){.s = s + at, .len = end - at})),
		     s[at] == '#' ? "put a blank in front of the comment" : "put it on the next line");
	return false;
}

/* The next separator line at or behind off; the end of the text when there is none. Dashes are rarer than lines. */
static uint32_t find_separator(const struct tc_source *src, uint32_t begin, uint32_t off)
{
	const char *s = src->text.s;
	uint32_t end = (uint32_t)src->text.len;

	for (const char *dash; off < end; off = (uint32_t)(dash - s) + 1) {
		dash = memchr(s + off, '-', end - off);
		if (!dash)
			break;
		uint32_t at = (uint32_t)(dash - s);
		if ((at == begin || s[at - 1] == '\n') && is_separator(src, at))
			return at;
	}
	return end;
}

static bool is_mark(const struct tc_source *src, uint32_t off)
{
	return src->text.len - off >= 3 && memcmp(src->text.s + off, "\xef\xbb\xbf", 3) == 0;
}

/* start: where its document begins. */
static bool refuse_mark(struct cutter *c, uint32_t off, uint32_t start)
{
	struct tc_diag *d =
		tc_diag(c->diags, TC_MSG_SYNTAX_YAML, pos(c->src, off), "found a byte order mark inside a document");

	if (start < off)
		tc_diag_note(d, pos(c->src, start), "the document begins with this line");
	tc_diag_help(d, "remove it (3 bytes, EF BB BF): it belongs at the start of a file only");
	return false;
}

/* A separator line that nothing stands in front of is a part of its document to Kubernetes. */
static bool joins_document(const struct cutter *c)
{
	const struct tc_doc *before = c->count > 1 ? &c->docs[c->count - 2] : NULL;

	return !before || before->begin == before->end;
}

/* Then a byte order mark behind it is no longer at the start of a text, but a letter of the first key. */
static bool check_mark(struct cutter *c, uint32_t sep, uint32_t begin)
{
	return !joins_document(c) || !is_mark(c->src, begin) || refuse_mark(c, begin, sep);
}

/* And dashes that only YAML sees at the start of a line end it: it is empty, and what follows them is never read. */
static bool check_second(struct cutter *c, uint32_t sep, uint32_t begin, uint32_t end)
{
	uint32_t at = tc_yaml_skip_comments(c->src, begin, end), behind = at + 3;
	const char *s = c->src->text.s;

	if (!joins_document(c) || at == end || !is_separator(c->src, at) || s[at - 1] == ' ' || s[at - 1] == '\t')
		return true;
	if (behind < end && !is_json_space(s[behind]) && tc_yaml_break(s + behind, s + end) == 0)
		return true;
	struct tc_diag *d = tc_diag(c->diags, TC_MSG_LONE_CR, pos(c->src, at),
				    "a document separator behind a line break that is no line feed; kubectl would drop "
				    "this document silently");
	tc_diag_note(d, pos(c->src, sep), "to kubectl the document begins with this line, and is empty");
	tc_diag_help(d, "end lines with LF or CRLF");
	return false;
}

static bool cut_yaml(struct cutter *c, uint32_t begin)
{
	uint32_t end = (uint32_t)c->src->text.len, next = find_separator(c->src, begin, begin);
	struct tc_doc *d;

	if (next > begin || begin == end) {
		d = add_doc(c, TC_YAML, begin, begin);
		if (!d)
			return false;
		d->end = next;
		/* Of two marks at the start of a file the second one is text. */
		d->bad = begin > 0 && is_mark(c->src, begin) && !refuse_mark(c, begin, begin);
	}
	while (next < end) {
		uint32_t sep = next, line = line_end(c->src, sep);
		d = add_doc(c, TC_YAML, sep, line);
		if (!d)
			return false;
		d->end = next = find_separator(c->src, begin, line);
		d->bad = !check_separator(c, sep, line) || !check_mark(c, sep, line) ||
			 !check_second(c, sep, line, next);
	}
	return true;
}

size_t tc_stream_cut(struct tc_arena *mem, const struct tc_source *src, const struct tc_limits *limits,
		     struct tc_diags *diags, struct tc_doc **docs)
{
	struct cutter c = {.mem = mem, .src = src, .limits = limits, .diags = diags};
	bool json = has_json_name(src);
	enum cut result = NOT_JSON;

	*docs = NULL;
	if (!check_size(src, limits, diags) || !check_bytes(src, diags))
		return 0;
	uint32_t end = (uint32_t)src->text.len, begin = is_mark(src, 0) ? 3 : 0;
	uint32_t first = skip_json_space(src, begin, end);
	/* kubectl takes a text with a byte order mark for YAML. */
	if (json || (begin == 0 && first < end && src->text.s[first] == '{'))
		result = cut_json(&c, begin, json);
	if (result == NOT_JSON) {
		c.count = 0;
		result = cut_yaml(&c, begin) ? CUT : REFUSED;
	}
	if (result == REFUSED)
		return 0;
	*docs = c.docs;
	return c.count;
}

static struct tc_node *read_json(struct tc_arena *mem, struct tc_doc *doc, const struct tc_limits *limits,
				 struct tc_diags *diags)
{
	uint32_t at = skip_json_space(doc->src, doc->begin, doc->end);

	doc->empty = at == doc->end;
	if (doc->empty)
		return NULL;
	struct tc_node *root = tc_json_read(mem, doc->src, &at, doc->end, limits, diags);
	if (!root || at == doc->end)
		return root;
	tc_diag_help(tc_diag(diags, TC_MSG_SYNTAX_JSON, pos(doc->src, at), "found text behind the end of the value"),
		     "remove it");
	return NULL;
}

bool tc_doc_read(struct tc_arena *mem, struct tc_doc *doc, const struct tc_limits *limits, struct tc_diags *diags)
{
	struct tc_diags unwanted = {.mem = mem};

	doc->root = NULL;
	if (doc->bad)
		return false;
	if (doc->format == TC_JSON)
		doc->root = read_json(mem, doc, limits, diags ? diags : &unwanted);
	else
		doc->root = tc_yaml_read(mem, doc->src, doc->begin, doc->end, limits, diags, &doc->empty);
	doc->bad = !doc->root && !doc->empty;
	return !doc->bad;
}
