/* The JSON Schema of ExoskeletonConfig, from the same rows as its reader. It accepts all that the reader accepts; what
 * only the reader refuses: templates, hosts, blocks of addresses, label names, and hosts outside without cidrs. */
#include "compiler/contract/config_table.h"
#include "compiler/contract/schema_json.h"

/* null may stand for every default, so it is a choice too; so is false, which is how `off` reads without quotes. */
static void choice_schema(struct tc_json *j, const struct tc_row *row)
{
	tc_json_open_list(j, "enum");
	for (size_t i = 0; row->choices[i]; i++) {
		tc_json_string(j, NULL, row->choices[i]);
		if (strcmp(row->choices[i], "off") == 0)
			tc_json_bool(j, NULL, false);
	}
	if (!*row->fallback)
		tc_json_string(j, NULL, "");
	tc_json_null(j, NULL);
	tc_json_close(j);
	tc_json_string(j, "default", row->fallback);
}

static void string_schema(struct tc_json *j, const struct tc_row *row)
{
	tc_json_type(j, "string", true);
	if (row->pattern)
		tc_json_string(j, "pattern", row->pattern);
	tc_json_string(j, "default", row->fallback);
}

static void int_schema(struct tc_json *j, const struct tc_row *row)
{
	tc_json_type(j, "integer", true);
	tc_json_int(j, "minimum", row->min);
	tc_json_int(j, "maximum", row->max);
	if (row->number >= row->min)
		tc_json_int(j, "default", row->number);
}

static void strings_schema(struct tc_json *j, const struct tc_row *row)
{
	tc_json_type(j, "array", true);
	tc_json_open_map(j, "items");
	tc_json_type(j, "string", false);
	if (row->pattern)
		tc_json_string(j, "pattern", row->pattern);
	tc_json_close(j);
	tc_json_open_list(j, "default");
	tc_json_close(j);
}

static void labels_schema(struct tc_json *j, const struct tc_row *row)
{
	tc_json_type(j, "object", true);
	tc_json_open_map(j, "additionalProperties");
	tc_json_type(j, "string", false);
	tc_json_close(j);
	tc_json_open_map(j, "default");
	for (size_t i = 0; row->labels && row->labels[i]; i += 2)
		tc_json_string(j, row->labels[i], row->labels[i + 1]);
	tc_json_close(j);
}

static void bool_schema(struct tc_json *j, const struct tc_row *row)
{
	tc_json_type(j, "boolean", true);
	tc_json_bool(j, "default", row->number != 0);
}

static void fixed_schema(struct tc_json *j, const struct tc_row *row)
{
	tc_json_string(j, "const", row->fallback);
}

static void ignored_schema(struct tc_json *j, const struct tc_row *row)
{
	(void)row;
	tc_json_type(j, "object", true);
}

static void properties(struct tc_json *j, const struct tc_rows *rows, const char *prefix);

static void row_schema(struct tc_json *j, const struct tc_rows *rows, const struct tc_row *row)
{
	static void (*const writers[])(struct tc_json *, const struct tc_row *) = {
		[TC_ROW_FIXED] = fixed_schema,   [TC_ROW_IGNORED] = ignored_schema, [TC_ROW_BOOL] = bool_schema,
		[TC_ROW_INT] = int_schema,       [TC_ROW_STRING] = string_schema,   [TC_ROW_STRINGS] = strings_schema,
		[TC_ROW_LABELS] = labels_schema, [TC_ROW_CHOICE] = choice_schema,
	};

	tc_json_string(j, "description", row->help);
	if (row->type == TC_ROW_GROUP) {
		tc_json_type(j, "object", true);
		properties(j, rows, row->path);
	} else {
		writers[row->type](j, row);
	}
}

/* Recursion is as deep as the table. */
static void properties(struct tc_json *j, const struct tc_rows *rows, const char *prefix)
{
	tc_json_open_map(j, "properties");
	for (size_t i = 0; i < rows->count; i++) {
		const char *key = tc_row_key(&rows->list[i], prefix);

		if (!key)
			continue;
		tc_json_open_map(j, key);
		row_schema(j, rows, &rows->list[i]);
		tc_json_close(j);
	}
	tc_json_close(j);
	tc_json_bool(j, "additionalProperties", false);
}

void tc_config_schema(struct tc_buf *out)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(16 * 1024);
	struct tc_rows rows = tc_config_rows(mem);
	struct tc_json j = {.out = out};

	tc_json_open_map(&j, NULL);
	tc_json_string(&j, "$schema", "https://json-schema.org/draft/2020-12/schema");
	tc_json_string(&j, "title", TC_CONFIG_KIND);
	tc_json_string(&j, "description",
		       "The configuration of tentc: what the platform offers and where it is. Null means the default.");
	tc_json_type(&j, "object", false);
	tc_json_strings(&j, "required", (const char *const[]){"apiVersion", "kind", NULL});
	properties(&j, &rows, "");
	tc_json_close(&j);
}
