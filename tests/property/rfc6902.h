/* rfc6902.h - a JSON Patch applied by somebody else than the compiler: on jansson's values. */
#ifndef TC_PROPERTY_RFC6902_H
#define TC_PROPERTY_RFC6902_H

#include <jansson.h>

#include "compiler/base/base.h"

/* The next step of a pointer, unescaped, into step; false past its end. */
static inline bool next_step(const char **path, char *step, size_t size)
{
	size_t n = 0;

	if (**path != '/')
		return false;
	for (++*path; **path && **path != '/'; ++*path) {
		char c = **path;

		if (c == '~') {
			++*path;
			c = **path == '1' ? '/' : '~';
		}
		if (n + 1 < size)
			step[n++] = c;
	}
	step[n] = '\0';
	return true;
}

static inline bool index_of(const char *step, size_t *nth)
{
	*nth = 0;
	for (const char *c = step; *c; c++) {
		if (!tc_is_digit(*c))
			return false;
		*nth = *nth * 10 + (size_t)(*c - '0');
	}
	return step[0] != '\0';
}

static inline json_t *child_of(json_t *at, const char *step)
{
	size_t nth;

	if (json_is_object(at))
		return json_object_get(at, step);
	return index_of(step, &nth) ? json_array_get(at, nth) : NULL;
}

static inline const char *in_object(json_t *parent, const char *key, const char *op, json_t *value)
{
	bool there = json_object_get(parent, key);

	if (strcmp(op, "add") != 0 && !there)
		return "a key that is not there";
	if (strcmp(op, "remove") == 0)
		return json_object_del(parent, key) == 0 ? NULL : "a key cannot be removed";
	return json_object_set(parent, key, value) == 0 ? NULL : "a key cannot be set";
}

static inline const char *in_array(json_t *parent, const char *step, const char *op, json_t *value)
{
	size_t nth;

	if (strcmp(op, "add") == 0 && strcmp(step, "-") == 0)
		return json_array_append(parent, value) == 0 ? NULL : "an item cannot be added";
	if (!index_of(step, &nth) || nth > json_array_size(parent))
		return "an index that is none";
	if (strcmp(op, "add") == 0)
		return json_array_insert(parent, nth, value) == 0 ? NULL : "an item cannot be inserted";
	if (strcmp(op, "remove") == 0)
		return json_array_remove(parent, nth) == 0 ? NULL : "an item that is not there";
	return json_array_set(parent, nth, value) == 0 ? NULL : "an item that is not there";
}

static inline const char *apply_one(json_t **doc, const json_t *operation)
{
	const char *op = json_string_value(json_object_get(operation, "op"));
	const char *path = json_string_value(json_object_get(operation, "path"));
	json_t *value = json_object_get(operation, "value"), *parent = NULL, *at = *doc;
	char step[4096];

	if (!op || !path || (strcmp(op, "add") != 0 && strcmp(op, "remove") != 0 && strcmp(op, "replace") != 0))
		return "an operation that is none";
	if ((strcmp(op, "remove") == 0) != (value == NULL))
		return "an operation with a value too many or too few";
	if (!path[0])
		return "the root as a place";
	while (next_step(&path, step, sizeof(step))) {
		if (!at)
			return "a parent that is not there";
		parent = at;
		at = child_of(parent, step);
	}
	if (json_is_object(parent))
		return in_object(parent, step, op, value);
	return json_is_array(parent) ? in_array(parent, step, op, value) : "a parent that is no collection";
}

/* Changes doc; NULL when all of it was applied, else what is wrong. */
static inline const char *rfc6902_apply(json_t **doc, const json_t *patch)
{
	if (!json_is_array(patch))
		return "the patch is no list";
	for (size_t i = 0; i < json_array_size(patch); i++) {
		const char *fault = apply_one(doc, json_array_get(patch, i));

		if (fault)
			return fault;
	}
	return NULL;
}

#endif
