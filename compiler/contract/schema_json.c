#include "compiler/contract/schema_json.h"

#include "compiler/tree/emit.h"

static void line_start(struct tc_json *j)
{
	tc_buf_putc(j->out, '\n');
	tc_buf_fill(j->out, ' ', (size_t)2 * j->depth);
}

/* Everything that stands before a value: comma, line start, key. */
static void begin(struct tc_json *j, const char *key)
{
	if (j->filled)
		tc_buf_putc(j->out, ',');
	if (j->depth > 0)
		line_start(j);
	if (key) {
		tc_emit_json_string(j->out, tc_str(key));
		tc_buf_puts(j->out, ": ");
	}
	j->filled = true;
}

static void open_collection(struct tc_json *j, const char *key, const char brackets[2])
{
	if (j->depth == TC_JSON_DEPTH_MAX)
		abort(); /* unreachable: the tables are not that deep */
	begin(j, key);
	tc_buf_putc(j->out, brackets[0]);
	j->closers[j->depth++] = brackets[1];
	j->filled = false;
}

void tc_json_open_map(struct tc_json *j, const char *key)
{
	open_collection(j, key, (const char[2]){'{', '}'});
}

void tc_json_open_list(struct tc_json *j, const char *key)
{
	open_collection(j, key, (const char[2]){'[', ']'});
}

void tc_json_close(struct tc_json *j)
{
	if (j->depth == 0)
		abort(); /* unreachable: every close has its open */
	j->depth--;
	if (j->filled)
		line_start(j);
	tc_buf_putc(j->out, j->closers[j->depth]);
	if (j->depth == 0)
		tc_buf_putc(j->out, '\n');
	j->filled = true;
}

void tc_json_string(struct tc_json *j, const char *key, const char *value)
{
	begin(j, key);
	tc_emit_json_string(j->out, tc_str(value));
}

void tc_json_int(struct tc_json *j, const char *key, uint64_t value)
{
	begin(j, key);
	tc_buf_printf(j->out, "%llu", (unsigned long long)value);
}

void tc_json_bool(struct tc_json *j, const char *key, bool value)
{
	begin(j, key);
	tc_buf_puts(j->out, value ? "true" : "false");
}

void tc_json_null(struct tc_json *j, const char *key)
{
	begin(j, key);
	tc_buf_puts(j->out, "null");
}

void tc_json_strings(struct tc_json *j, const char *key, const char *const *list)
{
	begin(j, key);
	tc_buf_putc(j->out, '[');
	for (size_t i = 0; list[i]; i++) {
		if (i > 0)
			tc_buf_puts(j->out, ", ");
		tc_emit_json_string(j->out, tc_str(list[i]));
	}
	tc_buf_putc(j->out, ']');
}

void tc_json_type(struct tc_json *j, const char *type, bool or_null)
{
	if (or_null)
		tc_json_strings(j, "type", (const char *const[]){type, "null", NULL});
	else
		tc_json_string(j, "type", type);
}
