/* schema_json.h - JSON text written key by key, two spaces a step: for the schemas, whose order is that of the tables.
 *
 * key is NULL for the outermost value and for items of a list. Nesting is at most TC_JSON_DEPTH_MAX; the caller closes
 * what it opens. */
#ifndef TC_SCHEMA_JSON_H
#define TC_SCHEMA_JSON_H

#include "compiler/base/buf.h"

#define TC_JSON_DEPTH_MAX 31

/* {.out = buf} is a valid writer. */
struct tc_json {
	struct tc_buf *out;
	unsigned depth;
	char closers[TC_JSON_DEPTH_MAX + 1];
	bool filled; /* something stands in the innermost open collection: a comma comes before the next */
};

void tc_json_open_map(struct tc_json *j, const char *key);
void tc_json_open_list(struct tc_json *j, const char *key);
/* Closes the innermost; an empty collection is written {} or []. A line end follows the outermost. */
void tc_json_close(struct tc_json *j);

void tc_json_string(struct tc_json *j, const char *key, const char *value);
void tc_json_int(struct tc_json *j, const char *key, uint64_t value);
void tc_json_bool(struct tc_json *j, const char *key, bool value);
void tc_json_null(struct tc_json *j, const char *key);

/* A list of strings on one line, as `"type": ["string", "null"]`. list ends with NULL. */
void tc_json_strings(struct tc_json *j, const char *key, const char *const *list);
/* "type": "string", or ["string", "null"] where null may stand for the default. */
void tc_json_type(struct tc_json *j, const char *type, bool or_null);

#endif
