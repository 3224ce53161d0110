#include "compiler/tree/stream.h"
#include "compiler/tree/yaml_read.h"

struct tc_diag *tc_yaml_fault(struct tc_yaml *y, enum tc_msg id, uint32_t off, const char *fmt, ...)
{
	va_list ap;

	y->failed = true;
	va_start(ap, fmt);
	const char *message = tc_vprintf(y->mem, fmt, ap);
	va_end(ap);
	return tc_diag(y->diags, id, (struct tc_pos){.src = y->src, .off = off}, "%s", message);
}

enum { NODES_AT_ONCE = 16 };

static size_t add_saturating(size_t a, size_t b)
{
	return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

static struct tc_yaml_frame *top(struct tc_yaml *y)
{
	return y->depth ? &y->frames[y->depth - 1] : NULL;
}

/* A new node below the open collection. NULL: too many. */
static struct tc_node *add_node(struct tc_yaml *y, enum tc_kind kind, enum tc_style style, uint32_t off, uint32_t end)
{
	struct tc_yaml_frame *f = top(y);

	if (++y->nodes > y->limits->max_nodes) {
		tc_diag_help(tc_yaml_fault(y, TC_MSG_TOO_MANY_NODES, off, "the document has more than %zu values",
					   y->limits->max_nodes),
			     "split it");
		return NULL;
	}
	if (y->fresh_count == 0) {
		y->fresh_count = NODES_AT_ONCE;
		y->fresh = tc_alloc(y->mem, NODES_AT_ONCE * sizeof(*y->fresh));
	}
	struct tc_node *n = y->fresh++;
	y->fresh_count--;
	n->kind = (uint8_t)kind;
	n->style = (uint8_t)style;
	n->off = off;
	n->end = end;
	n->parent = f ? f->node : y->doc;
	if (!f) {
		y->root = n;
	} else {
		if (f->node->last)
			f->node->last->next = n;
		else
			f->node->first = n;
		f->node->last = n;
	}
	return n;
}

/* n is complete, or has begun as a key: it takes its place as key, value or item. This and the next two run for every
 * value; inline they save a tenth of what this reader adds to libyaml. */
static inline void place(struct tc_yaml *y, struct tc_node *n)
{
	struct tc_yaml_frame *f = top(y);

	if (!f)
		return;
	if (f->node->kind == TC_SEQ) {
		f->node->count++;
	} else if (f->has_key) {
		f->has_key = false;
	} else {
		f->node->count++;
		f->has_key = true;
		f->merging = n->flags & TC_NODE_MERGE;
		if (f->merging)
			f->node->flags |= TC_NODE_MERGES;
		else
			tc_yaml_check_key(y, n);
	}
}

/* What a complete child amounts to. False: more than the limit. */
static inline bool account(struct tc_yaml *y, const struct tc_node *n, size_t expanded, size_t keys)
{
	struct tc_yaml_frame *f = top(y);

	if (f) {
		expanded = f->expanded = add_saturating(f->expanded, expanded);
		if (f->node->kind == TC_SEQ || (f->merging && !f->has_key))
			f->keys = add_saturating(f->keys, keys);
	}
	if (expanded <= y->limits->max_expanded)
		return true;
	tc_diag_help(tc_yaml_fault(y, TC_MSG_EXPANDS_TOO_FAR, n->off,
				   "the document has more than %zu values when its aliases are followed",
				   y->limits->max_expanded),
		     "use fewer aliases");
	return false;
}

static inline struct tc_anchor *add_props(struct tc_yaml *y, struct tc_node *n, const unsigned char *anchor,
					  const unsigned char *tag)
{
	if (!anchor && !tag)
		return NULL;
	struct tc_props *props = tc_alloc(y->mem, sizeof(*props));
	struct tc_anchor *a = anchor ? tc_anchors_put(&y->anchors, y->mem, (const char *)anchor) : NULL;
	if (a) {
		*a = (struct tc_anchor){.name = a->name, .node = n, .expanded = 1, .open = true};
		props->anchor = a->name;
	}
	props->tag = tag ? tc_strdup(y->mem, (const char *)tag) : NULL;
	n->props = props;
	return a;
}

/* A value that was left out has a place of its own right behind its `:` or `-`; libyaml puts the value of a key without
 * a colon at the next token, so that it gets the end of its key. */
static uint32_t left_out_at(struct tc_yaml *y, uint32_t off)
{
	const struct tc_yaml_frame *f = top(y);
	const char *s = y->src->text.s;

	if (!f || !f->node->last || (off > y->begin && (s[off - 1] == ':' || s[off - 1] == '-')))
		return off;
	return f->has_key ? f->node->last->end : off;
}

static bool on_scalar(struct tc_yaml *y, const yaml_event_t *e)
{
	static const uint8_t styles[] = {
		[YAML_PLAIN_SCALAR_STYLE] = TC_STYLE_PLAIN,
		[YAML_SINGLE_QUOTED_SCALAR_STYLE] = TC_STYLE_SINGLE,
		[YAML_DOUBLE_QUOTED_SCALAR_STYLE] = TC_STYLE_DOUBLE,
		[YAML_LITERAL_SCALAR_STYLE] = TC_STYLE_LITERAL,
		[YAML_FOLDED_SCALAR_STYLE] = TC_STYLE_FOLDED,
	};
	static const char merge[] = "tag:yaml.org,2002:merge";
	const char *tag = (const char *)e->data.scalar.tag;
	uint32_t off = tc_yaml_off(y, e->start_mark.index), end = tc_yaml_off(y, e->end_mark.index);
	struct tc_str text;
	enum tc_kind kind = tc_yaml_read_scalar(y, e, off, end, &text);

	if (off == end)
		off = end = left_out_at(y, off);
	struct tc_node *n = add_node(y, kind, styles[e->data.scalar.style], off, end);
	if (!n)
		return false;
	n->text = text;
	struct tc_anchor *a = add_props(y, n, e->data.scalar.anchor, e->data.scalar.tag);
	if (a)
		a->open = false;
	if (text.len == 2 && text.s[0] == '<' && text.s[1] == '<' &&
	    (tag && strcmp(tag, "!") != 0 ? strcmp(tag, merge) == 0 : e->data.scalar.plain_implicit)) {
		const struct tc_yaml_frame *f = top(y);
		if (f && f->node->kind == TC_MAP && !f->has_key)
			n->flags |= TC_NODE_MERGE;
	}
	place(y, n);
	return account(y, n, 1, 0);
}

static bool on_alias(struct tc_yaml *y, const yaml_event_t *e)
{
	const char *name = (const char *)e->data.alias.anchor;
	const struct tc_anchor *a = tc_anchors_find(&y->anchors, name);
	struct tc_node *n = add_node(y, a && !a->open ? TC_ALIAS : TC_NULL, TC_STYLE_ANY,
				     tc_yaml_off(y, e->start_mark.index), tc_yaml_off(y, e->end_mark.index));

	if (!n)
		return false;
	if (a && !a->open) {
		n->target = a->node;
		a->node->flags |= TC_NODE_SHARED;
		place(y, n);
		return account(y, n, a->expanded, a->keys);
	}
	struct tc_diag *d =
		tc_yaml_fault(y, TC_MSG_UNKNOWN_ALIAS, n->off,
			      a ? "alias *%s stands inside its own anchor" : "alias *%s has no anchor before it", name);
	if (a)
		tc_diag_note(d, tc_node_pos(a->node), "the anchor is here");
	else
		tc_diag_help(d, "write &%s in front of the value that is meant, or quote the text", name);
	if (top(y) && top(y)->node->kind == TC_MAP && !top(y)->has_key)
		n->kind = TC_STRING; /* one report is enough: no second one about a null key */
	place(y, n);
	return true;
}

static bool on_start(struct tc_yaml *y, const yaml_event_t *e)
{
	bool map = e->type == YAML_MAPPING_START_EVENT;
	bool flow = map ? e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE
			: e->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
	uint32_t off = tc_yaml_off(y, e->start_mark.index);

	if (y->depth >= y->limits->max_depth) {
		tc_diag_help(tc_yaml_fault(y, TC_MSG_TOO_DEEP, off, "collections are nested more than %u deep",
					   y->limits->max_depth),
			     "nest less; Kubernetes has no use for it");
		return false;
	}
	/* end is for the moment the end of what opens the collection: on_end tells brackets from their absence. */
	struct tc_node *n = add_node(y, map ? TC_MAP : TC_SEQ, flow ? TC_STYLE_FLOW : TC_STYLE_BLOCK, off,
				     tc_yaml_off(y, e->end_mark.index));
	if (!n)
		return false;
	struct tc_anchor *a = map ? add_props(y, n, e->data.mapping_start.anchor, e->data.mapping_start.tag)
				  : add_props(y, n, e->data.sequence_start.anchor, e->data.sequence_start.tag);
	place(y, n);
	tc_grow(y->mem, y->frames, y->depth, y->frames_cap);
	y->frames[y->depth++] = (struct tc_yaml_frame){.node = n, .anchor = a, .expanded = 1};
	return true;
}

static bool on_end(struct tc_yaml *y, const yaml_event_t *e)
{
	struct tc_yaml_frame f = *top(y);
	struct tc_node *n = f.node;
	char opens = n->end > n->off ? y->src->text.s[n->end - 1] : '\0';

	if (n->style == TC_STYLE_FLOW && (opens == '{' || opens == '['))
		n->end = tc_yaml_off(y, e->end_mark.index);
	else if (n->last)
		n->end = n->last->end;
	if (n->kind == TC_MAP && !tc_yaml_check_map(y, &f))
		return false;
	y->depth--;
	if (f.anchor && f.anchor->node == n) {
		f.anchor->open = false;
		f.anchor->expanded = f.expanded;
		f.anchor->keys = n->kind == TC_MAP ? f.keys : 0;
	}
	return account(y, n, f.expanded, f.keys);
}

static void check_behind_marker(struct tc_yaml *y, uint32_t marker)
{
	const char *s = y->src->text.s;
	uint32_t at = marker;

	while (y->end - at >= 3 && memcmp(s + at, "...", 3) == 0) /* more of them mean nothing */
		at = tc_yaml_skip_comments(y->src, at + 3, y->end);
	if (at == y->end)
		return;
	struct tc_diag *d = tc_yaml_fault(y, TC_MSG_AFTER_END, at,
					  "content after a document end marker, which kubectl drops silently");
	tc_diag_note(d, (struct tc_pos){.src = y->src, .off = marker}, "the document ends here");
	tc_diag_help(d, "remove the `...`, or begin the next document with ---");
}

static void second_document(struct tc_yaml *y, uint32_t at)
{
	if (y->src->text.s[at - 1] == '\n') {
		tc_diag_help(tc_yaml_fault(y, TC_MSG_SYNTAX_YAML, at,
					   "a second document where exactly one is expected"),
			     "remove the --- and what follows it");
		return;
	}
	tc_diag_help(tc_yaml_fault(y, TC_MSG_LONE_CR, at,
				   "a document separator behind a line break that is no line feed; kubectl would drop "
				   "this document silently"),
		     "end lines with LF or CRLF");
}

static void refuse_directive(struct tc_yaml *y, uint32_t at)
{
	tc_diag_help(tc_yaml_fault(y, TC_MSG_DIRECTIVE, at, "a YAML directive, which Kubernetes does not take"),
		     "remove the line");
}

/* What follows the one document. */
static void check_behind(struct tc_yaml *y, const yaml_event_t *e)
{
	const char *s = y->src->text.s;
	uint32_t at = tc_yaml_off(y, e->start_mark.index);
	yaml_event_t next;

	if (!e->data.document_end.implicit) {
		check_behind_marker(y, at);
		return;
	}
	at = tc_yaml_skip_comments(y->src, at, y->end);
	if (at == y->end)
		return;
	if (s[at] == '%') {
		refuse_directive(y, at);
	} else if (at > y->begin && y->end - at >= 3 && memcmp(s + at, "---", 3) == 0) {
		second_document(y, at);
	} else if (yaml_parser_parse(&y->parser, &next)) {
		yaml_event_delete(&next); /* unreachable: libyaml takes nothing else behind a document */
		tc_yaml_fault(y, TC_MSG_SYNTAX_YAML, at, "text behind the document"); /* unreachable: as above */
	} else {
		tc_yaml_syntax(y);
	}
}

static bool on_event(struct tc_yaml *y, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		return on_scalar(y, e);
	case YAML_ALIAS_EVENT:
		return on_alias(y, e);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return on_start(y, e);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return on_end(y, e);
	case YAML_DOCUMENT_END_EVENT:
		check_behind(y, e);
		return false;
	case YAML_STREAM_END_EVENT:
		return false;
	default:
		return true;
	}
}

static void read_events(struct tc_yaml *y)
{
	bool more = true;

	while (more) {
		yaml_event_t e;
		if (!yaml_parser_parse(&y->parser, &e)) {
			tc_yaml_syntax(y);
			return;
		}
		more = on_event(y, &e);
		yaml_event_delete(&e);
	}
}

/* Nothing, or only a marker: `...` or `---` alone is no null of the author's. */
static bool is_empty(const struct tc_yaml *y)
{
	const struct tc_node *n = y->root;

	return !y->failed &&
	       (!n || (n->kind == TC_NULL && n->style == TC_STYLE_PLAIN && n->text.len == 0 && !n->props));
}

static bool begins_line(const struct tc_yaml *y, const char *p)
{
	const char *begin = y->src->text.s + y->begin;
	size_t before = (size_t)(p - begin);

	return before == 0 || tc_yaml_break(p - 1, p) || (before >= 2 && tc_yaml_break(p - 2, p) == 2) ||
	       (before >= 3 && tc_yaml_break(p - 3, p) == 3);
}

/* libyaml skips a byte order mark at the start of any line, the reader of Kubernetes only at the start of the text. It
 * comes from files that were put together, and nobody sees it. */
static bool refuse_inner_mark(struct tc_yaml *y)
{
	const char *s = y->src->text.s, *end = s + y->end;

	for (const char *p = s + y->begin; (p = memmem(p, (size_t)(end - p), "\xef\xbb\xbf", 3)); p += 3) {
		if (!begins_line(y, p))
			continue;
		tc_diag_help(tc_yaml_fault(y, TC_MSG_SYNTAX_YAML, (uint32_t)(p - s),
					   "found a byte order mark inside a document"),
			     "remove it (3 bytes, EF BB BF): it belongs at the start of a file only");
		return true;
	}
	return false;
}

/* Kubernetes makes LF of every CRLF before YAML sees the text. Of CR CR LF a CRLF is left then, one line break where
 * there are two in the text. */
static bool refuse_extra_cr(struct tc_yaml *y)
{
	const char *s = y->src->text.s, *end = s + y->end;

	for (const char *p = s + y->begin; (p = memchr(p, '\r', (size_t)(end - p))); p++) {
		if (end - p < 3 || p[1] != '\r' || p[2] != '\n')
			continue;
		tc_diag_help(tc_yaml_fault(y, TC_MSG_LONE_CR, (uint32_t)(p - s),
					   "found a carriage return in front of CRLF, of which Kubernetes makes one "
					   "line break"),
			     "end lines with LF or CRLF");
		return true;
	}
	return false;
}

static void read_text(struct tc_yaml *y)
{
	const char *s = y->src->text.s;
	uint32_t first = tc_yaml_skip_comments(y->src, y->begin, y->end);

	/* libyaml's time for directives grows with their square: it never sees them. */
	if (first < y->end && s[first] == '%' && (first == y->begin || (s[first - 1] != ' ' && s[first - 1] != '\t'))) {
		refuse_directive(y, first);
		return;
	}
	y->doc = tc_new_doc(y->mem, y->src);
	if (!yaml_parser_initialize(&y->parser))
		tc_no_memory(); /* unreachable: it fails without memory only */
	tc_yaml_text_begin(y);
	if (!refuse_extra_cr(y) && (y->ascii || !refuse_inner_mark(y)))
		read_events(y);
	yaml_parser_delete(&y->parser);
	tc_buf_free(&y->keys);
}

struct tc_node *tc_yaml_read(struct tc_arena *mem, const struct tc_source *src, uint32_t begin, uint32_t end,
			     const struct tc_limits *limits, struct tc_diags *diags, bool *empty)
{
	struct tc_diags unwanted = {.mem = mem};
	struct tc_yaml y = {.mem = mem,
			    .src = src,
			    .limits = limits,
			    .diags = diags ? diags : &unwanted,
			    .begin = begin,
			    .end = end};

	if (end - begin >= 3 && memcmp(src->text.s + begin, "\xef\xbb\xbf", 3) == 0)
		y.begin += 3;
	read_text(&y);
	*empty = is_empty(&y);
	return y.failed || *empty ? NULL : y.root;
}
