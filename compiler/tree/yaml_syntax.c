#include "compiler/tree/yaml_read.h"

/* Where a report points: at the place where libyaml gave up, or where the thing it was reading begins. */
enum place { PROBLEM, CONTEXT, LINE };

/* What is at the place where libyaml gave up; the row must say so, ANYWHERE fits all. */
enum at { ANYWHERE, AT_TAB, LINE_START, TEXT_END, LONG_KEY, LONG_LINE, AFTER_COLON, AT_MARKER, AT_DASH };

struct row {
	const char *problem, *context; /* libyaml's; context NULL: any */
	enum at at;
	enum place place;
	const char *text, *note, *help; /* note: at the context, NULL: none */
};

#define CANNOT_START "found character that cannot start any token"
#define ENDS "found unexpected end of stream"
#define NO_KEY "did not find expected key"
#define NO_COLON "could not find expected ':'"
#define NO_NAME "did not find expected alphabetic or numeric character"
#define TABS "indent with spaces: YAML allows no tabs there"

/* The first row that fits. */
static const struct row rows[] = {
	{CANNOT_START, NULL, AT_TAB, PROBLEM, "found a tab where indentation or a value is expected", NULL, TABS},
	{CANNOT_START, NULL, ANYWHERE, PROBLEM, "found a character that no plain value begins with", NULL,
	 "put the value in quotes"},
	{"found a tab character that violates indentation", NULL, ANYWHERE, PROBLEM,
	 "found a tab where indentation is expected", NULL, TABS},
	{"found a tab character where an indentation space is expected", NULL, ANYWHERE, PROBLEM,
	 "found a tab where indentation is expected", NULL, TABS},
	{"mapping values are not allowed in this context", NULL, AFTER_COLON, PROBLEM,
	 "found a second `: ` in what is already a value", NULL,
	 "put a value that holds `: ` in quotes; a nested key goes on a line of its own"},
	{"mapping values are not allowed in this context", NULL, LONG_LINE, LINE,
	 "found a key longer than 1024 characters, or one that cannot stand here", NULL,
	 "write `? `, the key, and `: ` with the value on the next line"},
	{"mapping values are not allowed in this context", NULL, ANYWHERE, PROBLEM, "a key cannot stand here", NULL,
	 "check the indentation, and that the line above has a blank behind its colon"},
	{"block sequence entries are not allowed in this context", NULL, ANYWHERE, PROBLEM,
	 "a list item cannot begin here", NULL,
	 "put `- ` on a line of its own below the key, or quote a value that begins with a hyphen"},
	{"mapping keys are not allowed in this context", NULL, ANYWHERE, PROBLEM, "`? ` cannot begin a key here", NULL,
	 "quote a value that begins with a question mark"},
	{NO_COLON, NULL, LONG_KEY, CONTEXT, "found a key longer than 1024 characters", NULL,
	 "write `? `, the key, and `: ` with the value on the next line"},
	{NO_COLON, NULL, ANYWHERE, CONTEXT, "found text where `key: value` or a list item is expected", NULL,
	 "a colon needs a blank behind it; a text of several lines needs deeper indentation, or `|` behind its key"},
	{ENDS, "while scanning a quoted scalar", ANYWHERE, CONTEXT, "a quote is opened here and never closed", NULL,
	 "close it; inside '...' a single quote is written twice"},
	{"found unexpected document indicator", NULL, ANYWHERE, PROBLEM,
	 "found `---` or `...` at the start of a line inside quotes, which ends the document",
	 "the quote is opened here", "indent the line"},
	{"did not find expected ',' or ']'", NULL, TEXT_END, CONTEXT, "a bracket [ is opened here and never closed",
	 NULL, "close it with ], or quote the text if it is none"},
	{"did not find expected ',' or ']'", NULL, ANYWHERE, PROBLEM, "expected a comma or ] here",
	 "the list begins here", "put a comma between items; quote items that hold brackets, commas or `: `"},
	{"did not find expected ',' or '}'", NULL, TEXT_END, CONTEXT, "a brace { is opened here and never closed", NULL,
	 "close it with }, or quote the text if it is none"},
	{"did not find expected ',' or '}'", NULL, ANYWHERE, PROBLEM, "expected a comma or } here",
	 "the mapping begins here", "put a comma between entries; quote values that hold braces, commas or `: `"},
	{NO_KEY, "while parsing a block mapping", AT_DASH, PROBLEM,
	 "found a list item where a key of the mapping is expected", "the mapping begins here",
	 "put the list below a key of its own"},
	{NO_KEY, "while parsing a block mapping", LINE_START, PROBLEM,
	 "found a line whose indentation fits nothing above it, expected a key of the mapping",
	 "the mapping begins here", "indent it as the keys of the mapping it belongs to"},
	{NO_KEY, "while parsing a block mapping", ANYWHERE, PROBLEM, "found text behind the end of a value", NULL,
	 "put the whole value in quotes, or remove the text"},
	{"did not find expected '-' indicator", NULL, LINE_START, PROBLEM,
	 "found a line whose indentation fits nothing above it, expected another list item", "the list begins here",
	 "begin the item with `- ` in the list's column, or indent the line as what it belongs to"},
	{"did not find expected '-' indicator", NULL, ANYWHERE, PROBLEM, "found text behind the end of a list item",
	 NULL, "put the whole item in quotes, or remove the text"},
	{"did not find expected node content", NULL, AT_MARKER, PROBLEM,
	 "found a document end marker where a document is expected", NULL, "remove the line"},
	{"did not find expected node content", NULL, ANYWHERE, PROBLEM, "expected a value here", NULL,
	 "write a value, or quote the one that begins with this character"},
	{"did not find expected <document start>", NULL, ANYWHERE, PROBLEM, "found text behind the end of the document",
	 NULL, "check the indentation: what belongs together begins in one column"},
	{"found undefined tag handle", NULL, ANYWHERE, PROBLEM, "found a tag that nothing defines", NULL,
	 "quote a value that begins with an exclamation mark"},
	{"found unknown escape character", NULL, ANYWHERE, PROBLEM, "found an escape that YAML does not know", NULL,
	 "use single quotes, or write the backslash twice"},
	{"did not find expected hexdecimal number", NULL, ANYWHERE, PROBLEM,
	 "expected hexadecimal digits in this escape", NULL, "\\x takes 2 digits, \\u takes 4, \\U takes 8"},
	{"found invalid Unicode character escape code", NULL, ANYWHERE, PROBLEM,
	 "found an escape that names no character", NULL, "write the character itself, or \\U with 8 digits"},
	{NO_NAME, "while scanning an anchor", ANYWHERE, CONTEXT, "found `&` without the name of an anchor", NULL,
	 "quote a value that begins with &"},
	{NO_NAME, "while scanning an alias", ANYWHERE, CONTEXT, "found `*` without the name of an anchor", NULL,
	 "quote a value that begins with *"},
	{"did not find expected comment or line break", "while scanning a block scalar", ANYWHERE, PROBLEM,
	 "found text on the line of | or >", NULL, "begin the text on the next line"},
	{"found an indentation indicator equal to 0", NULL, ANYWHERE, PROBLEM, "found indentation 0 behind | or >",
	 NULL, "indentation indicators are 1 to 9; usually none is needed"},
	{"found unexpected ':'", NULL, ANYWHERE, PROBLEM, "found a colon inside a plain value between brackets", NULL,
	 "put the value in quotes"},
	{NULL, "while scanning a tag", ANYWHERE, CONTEXT, "found a tag that cannot be read", NULL,
	 "quote a value that begins with an exclamation mark"},
	{NULL, "while parsing a tag", ANYWHERE, CONTEXT, "found a tag that cannot be read", NULL,
	 "quote a value that begins with an exclamation mark"},
};

static uint32_t line_start(const struct tc_yaml *y, uint32_t off)
{
	const char *s = y->src->text.s;

	while (off > 0 && s[off - 1] != '\n' && s[off - 1] != '\r')
		off--;
	return off;
}

/* The first character of the line that is no blank. */
static uint32_t line_text(const struct tc_yaml *y, uint32_t off)
{
	uint32_t at = line_start(y, off);

	while (at < off && (y->src->text.s[at] == ' ' || y->src->text.s[at] == '\t'))
		at++;
	return at;
}

/* Only the first part of a very long line is looked at: it is for a better word. */
static struct tc_str line_up_to(const struct tc_yaml *y, uint32_t off)
{
	uint32_t from = line_start(y, off);

	return (struct tc_str){.s = y->src->text.s + from, .len = off - from < 1000 ? off - from : 1000};
}

static bool is_blank(struct tc_str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.s[i] != ' ' && s.s[i] != '\t')
			return false;
	return true;
}

static bool stands_at(const struct tc_yaml *y, enum at at, uint32_t off)
{
	const yaml_parser_t *p = &y->parser;
	struct tc_str before = line_up_to(y, off);

	switch (at) {
	case AT_TAB:
		return off < y->end && y->src->text.s[off] == '\t';
	case LINE_START:
		return is_blank(before);
	case TEXT_END:
		return tc_yaml_skip_comments(y->src, off, y->end) == y->end;
	case AT_MARKER:
		return before.len == 0 && y->end - off >= 3 && memcmp(y->src->text.s + off, "...", 3) == 0;
	case AT_DASH:
		return is_blank(before) && off < y->end && y->src->text.s[off] == '-';
	case LONG_LINE:
		return off - line_start(y, off) > 1024;
	case LONG_KEY:
		return p->problem_mark.index - p->context_mark.index > 1024;
	case AFTER_COLON:
		return memmem(before.s, before.len, ": ", 2) != NULL;
	default:
		return true;
	}
}

static const struct row *find_row(const struct tc_yaml *y, const char *problem, const char *context, uint32_t off)
{
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		const struct row *r = &rows[i];
		if ((!r->problem || strcmp(r->problem, problem) == 0) &&
		    (!r->context || strcmp(r->context, context) == 0) && stands_at(y, r->at, off))
			return r;
	}
	return NULL;
}

/* The cut is older than quotes and brackets. */
static void note_cut(struct tc_yaml *y, struct tc_diag *d, uint32_t off)
{
	struct tc_str text = y->src->text;

	if (tc_yaml_skip_comments(y->src, off, y->end) == y->end && text.len - y->end >= 3 &&
	    memcmp(text.s + y->end, "---", 3) == 0)
		tc_diag_note(d, (struct tc_pos){.src = y->src, .off = y->end},
			     "a line that begins with --- ends the document, wherever it stands");
}

/* A template that was not rendered shows itself in many ways. */
static void help_template(struct tc_yaml *y, struct tc_diag *d, uint32_t off)
{
	struct tc_str text = y->src->text, before = line_up_to(y, off);
	size_t ahead = text.len - off < 200 ? text.len - off : 200;
	const char *end = memchr(text.s + off, '\n', ahead);
	size_t line = before.len + (end ? (size_t)(end - text.s) - off : ahead);

	if (before.len < 1000 && memmem(before.s, line, "{{", 2))
		tc_diag_help(d, "if {{ }} is of a template, render the template first");
}

void tc_yaml_syntax(struct tc_yaml *y)
{
	const yaml_parser_t *p = &y->parser;
	const char *problem = p->problem ? p->problem : "", *context = p->context ? p->context : "";

	if (p->error == YAML_MEMORY_ERROR)
		tc_no_memory(); /* unreachable: only without memory */
	uint32_t opened = tc_yaml_off(y, p->context_mark.index), off = tc_yaml_off(y, p->problem_mark.index);
	if (off < y->end && y->src->text.s[off] == '%' && line_start(y, off) == off) {
		tc_diag_help(tc_yaml_fault(y, TC_MSG_DIRECTIVE, off,
					   "a YAML directive, which Kubernetes does not take"),
			     "remove the line, or indent it if it is text");
		return;
	}
	const struct row *r = find_row(y, problem, context, off);
	const char *text =
		r ? r->text : tc_printf(y->mem, "this is not YAML: %s%s%s", context, *context ? " " : "", problem);
	uint32_t at = r && r->place == CONTEXT ? opened : r && r->place == LINE ? line_text(y, off) : off;
	struct tc_diag *d = tc_yaml_fault(y, TC_MSG_SYNTAX_YAML, at, "%s", text);
	if (r && r->note)
		tc_diag_note(d, (struct tc_pos){.src = y->src, .off = opened}, "%s", r->note);
	note_cut(y, d, off);
	if (r)
		tc_diag_help(d, "%s", r->help);
	help_template(y, d, d->at.off);
}
