#include "compiler/tree/node.h"
#include "compiler/tree/decimal.h"
#include "compiler/tree/scalar.h"

const struct tc_source *tc_node_source(const struct tc_node *n)
{
	if (!n || (n->flags & TC_NODE_NEW))
		return NULL;
	while (n->parent)
		n = n->parent;
	return n->kind == TC_DOC ? n->src : NULL;
}

static struct tc_pos pos_at(const struct tc_node *n, bool end)
{
	if (!n)
		return (struct tc_pos){0};
	if (n->flags & TC_NODE_NEW)
		return n->origin ? n->origin->at : (struct tc_pos){0};
	return (struct tc_pos){.src = tc_node_source(n), .off = end ? n->end : n->off};
}

struct tc_pos tc_node_pos(const struct tc_node *n)
{
	return pos_at(n, false);
}

struct tc_pos tc_node_end_pos(const struct tc_node *n)
{
	return pos_at(n, true);
}

/* Keys */

/* An integer that is spelled as Go would spell it. */
static bool canonical_int(struct tc_str t)
{
	size_t i = t.len > 0 && t.s[0] == '-';

	if (i == t.len || (t.s[i] == '0' && t.len > 1))
		return false;
	for (; i < t.len; i++) {
		if (!tc_is_digit(t.s[i]))
			return false;
	}
	return true;
}

/* Nearly all keys need no memory to be read. */
static bool key_text_quick(const struct tc_node *key, struct tc_str *text)
{
	switch (key->kind) {
	case TC_STRING:
		*text = key->text;
		return true;
	case TC_BOOL:
		*text = tc_str(tc_scalar_true(key->text) ? "true" : "false");
		return true;
	case TC_INT:
		*text = key->text;
		return canonical_int(key->text);
	case TC_FLOAT:
		return false;
	case TC_NULL:
		*text = tc_str("null");
		return true;
	default:
		*text = (struct tc_str){0};
		return true;
	}
}

struct tc_str tc_key_text(struct tc_arena *mem, const struct tc_node *key)
{
	struct tc_str text = {0};

	key = tc_deref(key);
	if (!key || key_text_quick(key, &text))
		return text;
	text = tc_scalar_json_number(mem, key->text, key->kind);
	if (key->kind == TC_FLOAT)
		return tc_decimal_key(mem, text);
	return tc_str_is(text, "-0") ? tc_str("0") : text;
}

static bool odd_key_is(const struct tc_node *key, struct tc_str want)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);

	return tc_str_equal(tc_key_text(mem, key), want);
}

static bool key_is(const struct tc_node *key, struct tc_str want)
{
	struct tc_str text;

	if (key->kind == TC_STRING)
		return tc_str_equal(key->text, want);
	key = tc_deref(key);
	return key_text_quick(key, &text) ? tc_str_equal(text, want) : odd_key_is(key, want);
}

/* Looking things up */

static const struct tc_node *find_key(const struct tc_node *map, struct tc_str want);

static const struct tc_node *find_merged(const struct tc_node *from, struct tc_str want)
{
	const struct tc_node *found = NULL;

	from = tc_deref(from);
	if (!from || from->kind != TC_SEQ)
		return find_key(from, want);
	for (const struct tc_node *i = from->first; i && !found; i = i->next)
		found = find_key(tc_deref(i), want);
	return found;
}

/* Nesting is bounded: what an alias reaches counts towards the limit of the expanded size. */
static const struct tc_node *find_key(const struct tc_node *map, struct tc_str want)
{
	const struct tc_node *found = NULL;

	if (!map || map->kind != TC_MAP)
		return NULL;
	for (const struct tc_node *key = map->first; key; key = key->next->next) {
		if (key->flags & TC_NODE_MERGE) {
			const struct tc_node *merged = find_merged(key->next, want);

			found = merged ? merged : found;
		} else if (key_is(key, want)) {
			found = key;
			if (!(map->flags & TC_NODE_MERGES))
				break;
		}
	}
	return found;
}

const struct tc_node *tc_get_key(const struct tc_node *n, const char *key)
{
	return find_key(tc_deref(n), tc_str(key));
}

const struct tc_node *tc_get_str(const struct tc_node *n, struct tc_str key)
{
	const struct tc_node *found = find_key(tc_deref(n), key);

	return found ? tc_deref(found->next) : NULL;
}

const struct tc_node *tc_get_path(const struct tc_node *n, ...)
{
	va_list ap;
	const char *key;

	va_start(ap, n);
	n = tc_deref(n);
	while (n && (key = va_arg(ap, const char *)))
		n = tc_get(n, key);
	va_end(ap);
	return n;
}

static struct tc_entry entry_of(const struct tc_node *map, const struct tc_node *key, size_t nth)
{
	if (!key)
		return (struct tc_entry){0};
	return (struct tc_entry){.key = key, .value = tc_deref(key->next), .map_ = map, .nth_ = nth};
}

struct tc_entry tc_first(const struct tc_node *map)
{
	map = tc_deref(map);
	if (!map || map->kind != TC_MAP)
		return (struct tc_entry){0};
	if (!(map->flags & TC_NODE_MERGES))
		return entry_of(map, map->first, 0);
	return entry_of(map, tc_merges_nth(map, 0), 0);
}

struct tc_entry tc_next_merged(struct tc_entry e)
{
	return e.key ? entry_of(e.map_, tc_merges_nth(e.map_, e.nth_ + 1), e.nth_ + 1) : e;
}

const struct tc_node *tc_item(const struct tc_node *seq)
{
	seq = tc_deref(seq);
	return seq && seq->kind == TC_SEQ ? seq->first : NULL;
}

const struct tc_node *tc_item_next(const struct tc_node *item)
{
	return item ? item->next : NULL;
}

const struct tc_node *tc_find(const struct tc_node *seq, const char *field, const char *value)
{
	for (const struct tc_node *i = tc_item(seq); i; i = tc_item_next(i)) {
		if (tc_is_string(tc_get(i, field), value))
			return tc_deref(i);
	}
	return NULL;
}

/* Values */

bool tc_is(const struct tc_node *n, enum tc_kind kind)
{
	n = tc_deref(n);
	return n && n->kind == kind;
}

bool tc_is_string(const struct tc_node *n, const char *value)
{
	return tc_is(n, TC_STRING) && tc_str_is(tc_deref(n)->text, value);
}

struct tc_str tc_text(const struct tc_node *n)
{
	return tc_is(n, TC_STRING) ? tc_deref(n)->text : TC_STR("");
}

const char *tc_kind_name(const struct tc_node *n)
{
	static const char *const names[] = {
		[TC_NULL] = "null",      [TC_BOOL] = "a boolean",  [TC_INT] = "an integer",
		[TC_FLOAT] = "a number", [TC_STRING] = "a string", [TC_SEQ] = "a list",
		[TC_MAP] = "a mapping",  [TC_ALIAS] = "an alias",  [TC_DOC] = "a document",
	};

	n = tc_deref(n);
	return n ? names[n->kind] : "nothing";
}

static bool digits_value(struct tc_str text, uint64_t max, uint64_t *value)
{
	uint64_t v = 0;

	if (tc_str_is(text, "-0"))
		text = TC_STR("0");
	if (!canonical_int(text) || text.s[0] == '-')
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint64_t digit = (uint64_t)(text.s[i] - '0');

		if (v > (UINT64_MAX - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*value = v <= max ? v : *value;
	return v <= max;
}

bool tc_as_int(const struct tc_node *n, uint64_t max, uint64_t *value)
{
	n = tc_deref(n);
	if (!n || n->kind != TC_INT)
		return false;
	if (canonical_int(n->text))
		return digits_value(n->text, max, value);

	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);

	return digits_value(tc_scalar_json_number(mem, n->text, TC_INT), max, value);
}

bool tc_as_bool(const struct tc_node *n, bool *value)
{
	if (!tc_is(n, TC_BOOL))
		return false;
	*value = tc_scalar_true(tc_deref(n)->text);
	return true;
}

/* Pointers */

void tc_pointer_token(struct tc_buf *out, struct tc_str token)
{
	size_t from = 0;

	tc_buf_putc(out, '/');
	for (size_t i = 0; i < token.len; i++) {
		if (token.s[i] != '~' && token.s[i] != '/')
			continue;
		tc_buf_add(out, token.s + from, i - from);
		tc_buf_add(out, token.s[i] == '~' ? "~0" : "~1", 2);
		from = i + 1;
	}
	tc_buf_add(out, token.s + from, token.len - from);
}

static void add_pointer(struct tc_buf *out, const struct tc_node *n, struct tc_arena *mem)
{
	const struct tc_node *parent = n->parent;
	const struct tc_node *i;
	size_t nth = 0;

	if (!parent || parent->kind == TC_DOC)
		return;
	add_pointer(out, parent, mem);
	if (parent->kind == TC_SEQ) {
		for (i = parent->first; i && i != n; i = i->next)
			nth++;
		tc_buf_printf(out, "/%zu", nth);
		return;
	}
	for (i = parent->first; i && i != n && i->next != n; i = i->next->next)
		;
	tc_pointer_token(out, tc_key_text(mem, i));
}

void tc_pointer(struct tc_buf *out, const struct tc_node *n)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);

	if (n)
		add_pointer(out, n, mem);
}
