/* json_oracle.h - jansson's opinion of a JSON text beside ours. Jansson is used here only: it has no positions and no
 * exact numbers.
 *
 * Where the two may differ:
 * - integers beyond 64 bits with a sign: jansson refuses them, ours keeps the text;
 * - \u0000 in a key: jansson refuses it;
 * - a text that no source may be (tc_text_check: bad UTF-8, control characters) never comes to the reader. */
#ifndef UNIT_JSON_ORACLE_H
#define UNIT_JSON_ORACLE_H

#include <jansson.h>
#include <stdlib.h>

#include "compiler/tree/emit.h"
#include "compiler/tree/node.h"
#include "compiler/tree/stream.h"

static inline bool oracle_same(const struct tc_node *n, const json_t *j);

static inline bool oracle_same_map(const struct tc_node *n, const json_t *j)
{
	for (struct tc_entry e = tc_first(n); e.key; e = tc_next(e)) {
		if (!oracle_same(e.value, json_object_getn(j, e.key->text.s, e.key->text.len)))
			return false;
	}
	return json_object_size(j) == n->count;
}

static inline bool oracle_same_seq(const struct tc_node *n, const json_t *j)
{
	size_t i = 0;

	for (const struct tc_node *item = tc_item(n); item; item = tc_item_next(item)) {
		if (!oracle_same(item, json_array_get(j, i++)))
			return false;
	}
	return json_array_size(j) == i && i == n->count;
}

static inline bool oracle_same(const struct tc_node *n, const json_t *j)
{
	char text[64];

	if (!j)
		return false;
	switch (json_typeof(j)) {
	case JSON_OBJECT:
		return n->kind == TC_MAP && oracle_same_map(n, j);
	case JSON_ARRAY:
		return n->kind == TC_SEQ && oracle_same_seq(n, j);
	case JSON_STRING:
		return n->kind == TC_STRING && n->text.len == json_string_length(j) &&
		       memcmp(n->text.s, json_string_value(j), n->text.len) == 0;
	case JSON_INTEGER:
		snprintf(text, sizeof(text), "%lld", json_integer_value(j));
		return n->kind == TC_INT && (tc_str_is(n->text, text) || tc_str_is(n->text, "-0"));
	case JSON_REAL: {
		_cleanup_buf_ struct tc_buf number = {0};

		tc_buf_add(&number, n->text.s, n->text.len);
		return n->kind == TC_FLOAT && strtod(number.p, NULL) == json_real_value(j);
	}
	case JSON_TRUE:
	case JSON_FALSE:
		return n->kind == TC_BOOL && n->text.s[0] == (json_is_true(j) ? 't' : 'f');
	default:
		return n->kind == TC_NULL;
	}
}

/* NULL: both refuse the text, or both read the same from it, and what we write of it they read the same again. */
static inline const char *oracle_disagrees(const char *text, size_t len)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	_cleanup_buf_ struct tc_buf again = {0};
	struct tc_source src = {.name = "oracle", .text = {.s = text, .len = len}};
	struct tc_limits limits = {.max_nodes = 1000000, .max_depth = 1000};
	struct tc_diags diags = {.mem = mem};
	json_error_t why = {0};
	const char *verdict = NULL;
	uint32_t end = 0;

	if (tc_text_check(src.text) != len)
		return NULL;
	const struct tc_node *n = tc_json_read(mem, &src, &end, (uint32_t)len, &limits, &diags);
	bool whole = n && end == len;
	json_t *j = json_loadb(text, len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);

	if (!n && diags.count == 0)
		verdict = "refused without a diagnostic";
	else if (!whole && j && (n || diags.list[0]->id != TC_MSG_TOO_DEEP))
		verdict = "jansson reads it, we do not";
	else if (whole && !j && json_error_code(&why) != json_error_numeric_overflow &&
		 json_error_code(&why) != json_error_null_byte_in_key)
		verdict = "we read it, jansson does not";
	else if (whole && j && !oracle_same(n, j))
		verdict = "we read another value than jansson";
	json_decref(j);
	if (verdict || !whole || !j)
		return verdict;

	tc_emit(&again, n, (struct tc_emit){.format = TC_JSON, .indent = (unsigned)(len % 3)});
	j = json_loadb(again.p, again.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
	if (!j || !oracle_same(n, j))
		verdict = "what we write of it is read as another value";
	json_decref(j);
	return verdict;
}

#endif
