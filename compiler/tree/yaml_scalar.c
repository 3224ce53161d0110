#include "compiler/tree/yaml_read.h"

#include "compiler/tree/scalar.h"

/* The decoded value: in the source where the bytes are the same, else a copy. */
static struct tc_str scalar_text(struct tc_yaml *y, const yaml_event_t *e, uint32_t off, uint32_t end)
{
	const char *value = (const char *)e->data.scalar.value, *raw = y->src->text.s + end;
	size_t len = e->data.scalar.length;

	switch (e->data.scalar.style) {
	case YAML_PLAIN_SCALAR_STYLE:
		/* On one line nothing is folded, and there are no escapes: no need to compare. */
		if (e->start_mark.line == e->end_mark.line)
			return (struct tc_str){.s = raw - len, .len = len};
		break;
	case YAML_SINGLE_QUOTED_SCALAR_STYLE:
	case YAML_DOUBLE_QUOTED_SCALAR_STYLE:
		if (end - off > len && memcmp(raw - 1 - len, value, len) == 0)
			return (struct tc_str){.s = raw - 1 - len, .len = len};
		break;
	default:
		break;
	}
	return (struct tc_str){.s = tc_strndup(y->mem, value, len), .len = len};
}

static const char *short_tag(struct tc_arena *mem, const char *tag)
{
	static const char prefix[] = "tag:yaml.org,2002:";

	return strncmp(tag, prefix, sizeof(prefix) - 1) == 0 ? tc_printf(mem, "!!%s", tag + sizeof(prefix) - 1) : tag;
}

static enum tc_kind scalar_kind(struct tc_yaml *y, const yaml_event_t *e, struct tc_str *text, uint32_t off)
{
	const char *tag = (const char *)e->data.scalar.tag;
	struct tc_str raw = *text;
	enum tc_scalar_fault fault = TC_SCALAR_FINE;
	enum tc_kind kind = TC_STRING;

	if (tag)
		kind = tc_scalar_tagged(y->mem, tag, text, &fault);
	else if (e->data.scalar.plain_implicit)
		kind = tc_scalar_kind(*text, &fault);
	if (fault == TC_SCALAR_NOT_FINITE)
		tc_diag_help(tc_yaml_fault(y, TC_MSG_NOT_FINITE, off,
					   "found %.*s, which is a number that JSON does not have", TC_STR_ARG(raw)),
			     "quote it if it is text");
	if (tag && fault == TC_SCALAR_BAD_TAG)
		tc_diag_help(tc_yaml_fault(y, TC_MSG_BAD_TAG, off, "%s does not fit its tag %s", tc_quote(y->mem, raw),
					   short_tag(y->mem, tag)),
			     "remove the tag, or write a value that fits it");
	return kind;
}

static bool refuse(struct tc_yaml *y, uint32_t off, const char *text, const char *help)
{
	tc_diag_help(tc_yaml_fault(y, TC_MSG_SYNTAX_YAML, off, "%s", text), "%s", help);
	return false;
}

static uint32_t find_escaped_slash(const char *s, uint32_t off, uint32_t end)
{
	for (; off + 1 < end; off++)
		if (s[off] == '\\' && s[++off] == '/')
			return off - 1;
	return end;
}

/* What libyaml takes and the reader of Kubernetes does not. */
static bool check_dialect(struct tc_yaml *y, const yaml_event_t *e, uint32_t off, uint32_t end, struct tc_str text)
{
	const char *s = y->src->text.s;
	bool flow = y->depth && y->frames[y->depth - 1].node->style == TC_STYLE_FLOW;
	/* Not of one length alone: `\L` is shorter than what it stands for, and `\/` longer. */
	bool may_escape = end - off != text.len + 2 || text.s != s + off + 1;
	uint32_t at;

	if (e->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE && may_escape &&
	    (at = find_escaped_slash(s, off, end)) < end)
		return refuse(y, at, "found the escape \\/, which Kubernetes does not know outside JSON",
			      "write the slash alone");
	if (!flow || e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return true;
	if (text.len && memchr(text.s, '?', text.len))
		return refuse(y, off, "found a question mark in a plain value between brackets",
			      "put the value in quotes");
	at = end;
	while (at > off && s[at - 1] != ' ' && s[at - 1] != '\t')
		at--;
	if (text.len == 0 && e->data.scalar.tag && s[at] == '!' && end < y->end && s[end] == ',')
		return refuse(y, end, "found a comma right behind a tag, expected a blank", "put a blank between them");
	return true;
}

enum tc_kind tc_yaml_read_scalar(struct tc_yaml *y, const yaml_event_t *e, uint32_t off, uint32_t end,
				 struct tc_str *text)
{
	*text = scalar_text(y, e, off, end);
	return check_dialect(y, e, off, end, *text) ? scalar_kind(y, e, text, off) : TC_STRING;
}
