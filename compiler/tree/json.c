/* json.c - the positioned reader of JSON texts (stream.h), RFC 8259.
 *
 * Numbers keep their text, strings stay in the source where they hold no escape. UTF-8 has been checked before. */
#include "compiler/base/scan.h"
#include "compiler/tree/number.h"
#include "compiler/tree/stream.h"

/* Taken from the arena together: a text is mostly nodes. */
#define FRESH 16
/* Objects with fewer keys are looked through pair by pair, up to SORTED. */
#define PAIRS 8
#define SORTED 16
/* More keys than this, or more that look alike, are sorted. */
#define FILTERED 256
#define ALIKE 16

struct reader {
	struct tc_arena *mem;
	const struct tc_source *src;
	const char *base, *p, *end;
	const struct tc_limits *limits;
	struct tc_diags *diags;
	struct tc_node *fresh;
	unsigned fresh_count;
	unsigned depth;
	size_t nodes;
	struct tc_node *spare; /* one for each depth, of what is not kept; NULL: everything is */
	bool faulty;           /* something was reported that reading could go on after */
};

static struct tc_pos pos(const struct reader *r, const char *at)
{
	return (struct tc_pos){.src = r->src, .off = (uint32_t)(at - r->base)};
}

static inline void skip_space(struct reader *r)
{
	const char *p = r->p;

	while (p < r->end && (unsigned char)*p <= ' ' && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
		p++;
	r->p = p;
}

static bool is_word(char c)
{
	return tc_is_digit(c) || tc_is_lower(c) || tc_is_upper(c) || c == '_' || c == '-' || c == '+' || c == '.';
}

/* What stands at a place, for a message: len bytes; 0: a whole word, or one character. */
static const char *found(const struct reader *r, const char *at, size_t len)
{
	const char *stop = at + len;

	if (at == r->end)
		return "the end of the text";
	while (!len && stop < r->end && is_word(*stop))
		stop++;
	if (stop == at)
		stop++;
	while (!len && stop < r->end && ((unsigned char)*stop & 0xc0) == 0x80)
		stop++;
	return tc_quote(r->mem, (struct tc_str){.s = at, .len = (size_t)(stop - at)});
}

/* Always NULL: return fault(...); what: goes on after "found x, ". */
static void *fault(struct reader *r, const char *at, size_t len, const char *what, const char *help)
{
	tc_diag_help(tc_diag(r->diags, TC_MSG_SYNTAX_JSON, pos(r, at), "found %s, %s", found(r, at, len), what), "%s",
		     help);
	return NULL;
}

static void *too_many(struct reader *r)
{
	tc_diag_help(tc_diag(r->diags, TC_MSG_TOO_MANY_NODES, pos(r, r->p), "the document has more than %zu values",
			     r->limits->max_nodes),
		     "split it");
	return NULL;
}

static inline struct tc_node *new_node(struct reader *r, enum tc_kind kind, struct tc_node *parent)
{
	struct tc_node *n;

	if (r->spare) {
		n = &r->spare[r->depth];
		*n = (struct tc_node){.kind = (uint8_t)kind, .off = (uint32_t)(r->p - r->base)};
		return n;
	}
	if (++r->nodes > r->limits->max_nodes)
		return too_many(r);
	if (!r->fresh_count) {
		r->fresh = tc_alloc(r->mem, FRESH * sizeof(*r->fresh));
		r->fresh_count = FRESH;
	}
	r->fresh_count--;
	n = r->fresh++;
	n->kind = (uint8_t)kind;
	n->parent = parent;
	n->off = (uint32_t)(r->p - r->base);
	return n;
}

static inline struct tc_node *ended(struct reader *r, struct tc_node *n, const char *at)
{
	r->p = at;
	n->end = (uint32_t)(at - r->base);
	return n;
}

/* Strings */

/* -1: not four hexadecimal digits. */
static int32_t hex4(const char *p, const char *end)
{
	int32_t code = 0;

	for (int i = 0; i < 4; i++, p++) {
		if (p >= end || !tc_is_hex(*p))
			return -1;
		code = code << 4 | (tc_is_digit(*p) ? *p - '0' : (*p | 0x20) - 'a' + 10);
	}
	return code;
}

static char *put_utf8(char *to, unsigned code)
{
	static const unsigned char lead[] = {0, 0xc0, 0xe0, 0xf0};
	unsigned more = (code >= 0x80) + (code >= 0x800) + (code >= 0x10000);

	*to++ = (char)(lead[more] | code >> 6 * more);
	while (more-- > 0)
		*to++ = (char)(0x80 | (code >> 6 * more & 0x3f));
	return to;
}

/* \uXXXX, of which two may make one character. *p stands at the backslash and moves past; NULL: refused. */
static char *put_unicode(struct reader *r, const char **p, char *to)
{
	int32_t code = hex4(*p + 2, r->end), low = -1;

	if (code < 0)
		return fault(r, *p, 2, "expected four hexadecimal digits after it", "write it like \\u00e9");
	*p += 6;
	if (code < 0xd800 || code > 0xdfff)
		return put_utf8(to, (unsigned)code);
	if (code < 0xdc00 && r->end - *p >= 2 && (*p)[0] == '\\' && (*p)[1] == 'u')
		low = hex4(*p + 2, r->end);
	if (low < 0xdc00 || low > 0xdfff)
		return fault(r, *p - 6, 6, "which is one half of a character", "write both, or the character itself");
	*p += 6;
	return put_utf8(to, 0x10000u + (unsigned)((code - 0xd800) << 10 | (low - 0xdc00)));
}

static char *put_escape(struct reader *r, const char **p, char *to)
{
	static const char values[256] = {
		['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
		['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t',
	};
	char c = r->end - *p < 2 ? '\0' : (*p)[1];

	if (c == 'u')
		return put_unicode(r, p, to);
	if (!values[(unsigned char)c])
		return fault(r, *p, c ? 2 : 1, "which is no escape in JSON", "write a backslash as \\\\");
	*to = values[(unsigned char)c];
	*p += 2;
	return to + 1;
}

/* The same for a string that is not kept. */
static bool pass_escaped(struct reader *r)
{
	char unread[4];

	while (r->p < r->end && *r->p == '\\') {
		if (!put_escape(r, &r->p, unread))
			return false;
		r->p = tc_plain_end(r->p, r->end);
	}
	return true;
}

/* r->p stands at the first escape of a string that began at from; it moves to where the string ends or goes wrong. */
static bool read_escaped(struct reader *r, struct tc_node *n, const char *from)
{
	const char *stop = r->p;
	char *to, *text;

	if (r->spare)
		return pass_escaped(r);
	while (stop < r->end && *stop == '\\')
		stop = tc_plain_end(r->end - stop > 2 ? stop + 2 : r->end, r->end);
	/* No escape is shorter than what it stands for. */
	text = tc_alloc_text(r->mem, (size_t)(stop - from));
	to = text;
	while (to) {
		memcpy(to, from, (size_t)(r->p - from));
		to += r->p - from;
		if (r->p == r->end || *r->p != '\\')
			break;
		to = put_escape(r, &r->p, to);
		from = r->p;
		r->p = to ? tc_plain_end(from, r->end) : from;
	}
	n->text = (struct tc_str){.s = text, .len = to ? (size_t)(to - text) : 0};
	return to;
}

static struct tc_node *read_string(struct reader *r, struct tc_node *parent)
{
	struct tc_node *n = new_node(r, TC_STRING, parent);
	const char *from = r->p + 1, *p;

	if (!n)
		return NULL;
	p = tc_plain_end(from, r->end);
	n->text = (struct tc_str){.s = from, .len = (size_t)(p - from)};
	if (p < r->end && *p == '"')
		return ended(r, n, p + 1);
	r->p = p;
	if (p < r->end && *p == '\\' && !read_escaped(r, n, from))
		return NULL;
	if (r->p == r->end)
		return fault(r, from - 1, 0, "which opens a string that is never closed", "close it with \"");
	if (*r->p != '"')
		return fault(r, r->p, 0, "which has to be escaped in a string", "write it as \\n, \\t or \\u0000");
	return ended(r, n, r->p + 1);
}

static struct tc_node *read_word(struct reader *r, struct tc_node *parent)
{
	static const char *const words[] = {"null", "true", "false"};
	struct tc_node *n = new_node(r, TC_STRING, parent);
	const char *p = r->p;

	while (p < r->end && is_word(*p))
		p++;
	if (!n)
		return NULL;
	n->text = (struct tc_str){.s = r->p, .len = (size_t)(p - r->p)};
	for (size_t i = 0; i < TC_COUNT(words); i++) {
		if (tc_str_is(n->text, words[i]))
			n->kind = i == 0 ? TC_NULL : TC_BOOL;
	}
	if (n->kind != TC_STRING)
		return ended(r, n, p);
	if (r->p == r->end || (*r->p != '-' && !tc_is_digit(*r->p)))
		return fault(r, r->p, 0, "expected a value",
			     "write text in double quotes; words are true, false, null");
	if (!tc_number_is_json(n->text))
		return fault(r, r->p, 0, "which is no number in JSON",
			     "write decimal digits, without a zero in front: -1, 0.5, 1e3");
	n->kind = (uint8_t)tc_number_kind(n->text);
	if (n->kind == TC_STRING)
		return fault(r, r->p, 0, "which is larger than any number may be", "quote it if it is text");
	return ended(r, n, p);
}

/* Objects and arrays */

static void report_duplicate(struct reader *r, const struct tc_node *first, const struct tc_node *again)
{
	struct tc_diag *d = tc_diag(r->diags, TC_MSG_DUPLICATE_KEY, pos(r, r->base + again->off),
				    "key %s is there twice", tc_quote(r->mem, again->text));

	tc_diag_note(d, pos(r, r->base + first->off), "the first one is here");
	tc_diag_help(d, "remove one of them");
	r->faulty = true;
}

/* The key that is equal to b and stands before it; b when there is none. */
static const struct tc_node *first_of(const struct tc_node *map, const struct tc_node *b)
{
	const struct tc_node *a = map->first;

	while (a != b && !tc_str_equal(a->text, b->text))
		a = a->next->next;
	return a;
}

/* A number below 1024 that equal keys share: of their length, their first and their last bytes. */
static unsigned likeness(struct tc_str key)
{
	uint64_t head = 0, tail = 0, mixed;

	if (key.len >= sizeof(head)) {
		memcpy(&head, key.s, sizeof(head));
		memcpy(&tail, key.s + key.len - sizeof(tail), sizeof(tail));
	} else {
		for (size_t i = 0; i < key.len; i++)
			head = head << 8 | (unsigned char)key.s[i];
	}
	mixed = (head ^ key.len) * UINT64_C(0x9e3779b97f4a7c15) + tail;
	return (unsigned)(mixed * UINT64_C(0xc2b2ae3d27d4eb4f) >> 54);
}

/* True: no key is there twice. False: a closer look is needed; keys that were made to look alike cost little here. */
static bool all_differ(const struct tc_node *map)
{
	uint64_t seen[1024 / 64] = {0};
	unsigned alike = 0;

	for (const struct tc_node *key = map->first; key; key = key->next->next) {
		unsigned bit = likeness(key->text);
		uint64_t mask = UINT64_C(1) << bit % 64, *word = &seen[bit / 64];

		if ((*word & mask) && (alike++ == ALIKE || first_of(map, key) != key))
			return false;
		*word |= mask;
	}
	return true;
}

/* By sorting once there are many, so that an object made to be slow is not. */
static void check_duplicates(struct reader *r, const struct tc_node *map)
{
	if (map->count > PAIRS && map->count <= FILTERED && all_differ(map))
		return;
	for (const struct tc_node *b = map->first; b && map->count <= SORTED; b = b->next->next) {
		const struct tc_node *a = first_of(map, b);

		if (a != b)
			report_duplicate(r, a, b);
	}
	if (map->count <= SORTED)
		return;

	_cleanup_(tc_arena_free) struct tc_arena *tmp = tc_arena_new(4096);
	size_t n, first = 0;
	struct tc_pair *pairs = tc_pairs_sorted(tmp, map, &n);

	for (size_t i = 1; i < n; i++) {
		if (tc_str_equal(pairs[i].key, pairs[first].key))
			report_duplicate(r, pairs[first].key_node, pairs[i].key_node);
		else
			first = i;
	}
}

static struct tc_node *read_value(struct reader *r, struct tc_node *parent);

/* Is it an entry that is checked and not kept? */
static bool is_unread(const struct reader *r, const struct tc_node *key)
{
	return !r->spare && r->limits->unread && r->depth == r->limits->unread_depth &&
	       tc_str_is(key->text, r->limits->unread);
}

/* Its text has to be JSON, and nothing stays of it. */
static bool pass_value(struct reader *r)
{
	bool sound;

	r->spare = tc_alloc(r->mem, sizeof(*r->spare) * (r->limits->max_depth + 1));
	sound = read_value(r, NULL);
	r->spare = NULL;
	return sound;
}

static bool read_entry(struct reader *r, struct tc_node *n)
{
	struct tc_node *key = NULL, *value;

	if (n->kind == TC_MAP) {
		if (*r->p != '"')
			return fault(r, r->p, 0, "expected a key", "write keys in double quotes");
		key = read_string(r, n);
		if (!key)
			return false;
		skip_space(r);
		if (r->p == r->end || *r->p != ':')
			return fault(r, r->p, 0, "expected a colon", "write a colon between a key and its value");
		r->p++;
		skip_space(r);
	}
	if (key && is_unread(r, key))
		return pass_value(r);
	value = read_value(r, n);
	if (r->spare)
		return value;
	if (value && key)
		tc_put_node(n, key, value);
	else if (value)
		tc_push(n, value);
	return value;
}

/* r->p stands behind the opening bracket. False: refused. */
static bool read_entries(struct reader *r, struct tc_node *n)
{
	char close = n->kind == TC_MAP ? '}' : ']';

	skip_space(r);
	while (r->p < r->end && *r->p != close) {
		if (!read_entry(r, n))
			return false;
		skip_space(r);
		const char *comma = r->p;
		if (comma < r->end && *comma == ',') {
			r->p++;
			skip_space(r);
			if (r->p < r->end && *r->p == close)
				return fault(r, comma, 0, "which stands behind the last value", "remove the comma");
		} else if (comma < r->end && *comma != close) {
			return fault(r, comma, 0, close == '}' ? "expected a comma or }" : "expected a comma or ]",
				     "write a comma between two values");
		}
	}
	return r->p < r->end || fault(r, r->base + n->off, 0, "which is never closed",
				      close == '}' ? "close it with }" : "close it with ]");
}

static struct tc_node *read_collection(struct reader *r, struct tc_node *parent)
{
	struct tc_node *n = new_node(r, *r->p == '{' ? TC_MAP : TC_SEQ, parent);

	if (!n)
		return NULL;
	if (r->depth >= r->limits->max_depth) {
		tc_diag_help(tc_diag(r->diags, TC_MSG_TOO_DEEP, pos(r, r->p),
				     "collections are nested more than %u deep", r->limits->max_depth),
			     "nest less; Kubernetes has no use for it");
		return NULL;
	}
	n->style = TC_STYLE_FLOW;
	r->depth++;
	r->p++;
	if (!read_entries(r, n))
		return NULL;
	r->depth--;
	if (n->kind == TC_MAP)
		check_duplicates(r, n);
	return ended(r, n, r->p + 1);
}

/* r->p stands at the first byte of the value. */
static struct tc_node *read_value(struct reader *r, struct tc_node *parent)
{
	if (r->p < r->end && (*r->p == '{' || *r->p == '['))
		return read_collection(r, parent);
	return r->p < r->end && *r->p == '"' ? read_string(r, parent) : read_word(r, parent);
}

struct tc_node *tc_json_read(struct tc_arena *mem, const struct tc_source *src, uint32_t *begin, uint32_t end,
			     const struct tc_limits *limits, struct tc_diags *diags)
{
	const char *base = src->text.s ? src->text.s : "";
	struct tc_diags unseen = {.mem = mem};
	struct reader r = {.mem = mem, .src = src, .base = base, .limits = limits, .diags = diags ? diags : &unseen};

	r.p = base + *begin;
	r.end = base + end;
	skip_space(&r);
	struct tc_node *n = read_value(&r, tc_new_doc(mem, src));
	if (!n)
		return NULL;
	skip_space(&r);
	*begin = (uint32_t)(r.p - base);
	return r.faulty ? NULL : n;
}
