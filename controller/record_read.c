#include "controller/record_parts.h"

#include "compiler/base/buf.h"
#include "compiler/base/diag.h"

/* --- what is wrong, and where ------------------------------------------------------------------------------------- */

static void write_path(struct tc_buf *b, const struct tc_record_at *at)
{
	if (!at)
		return;
	write_path(b, at->up);
	if (at->key)
		tc_buf_printf(b, ".%s", at->key);
	else
		tc_buf_printf(b, "[%zu]", at->index);
}

int tc_record_fail(const struct tc_record_reader *r, const struct tc_record_at *at, const char *fmt, ...)
{
	_cleanup_buf_ struct tc_buf path = {0};
	const char *what;
	va_list ap;

	write_path(&path, at);
	va_start(ap, fmt);
	what = tc_vprintf(r->mem, fmt, ap);
	va_end(ap);
	return tc_fail(r->err, TC_E_REJECTED, "configmap %s: data[\"" TC_RECORD_KEY "\"]%s: %s", r->configmap,
		       tc_buf_str(&path).s, what);
}

const char *tc_record_found(struct tc_arena *mem, const json_t *j)
{
	static const char *const kinds[] = {
		[JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list", [JSON_TRUE] = "true",
		[JSON_FALSE] = "false",      [JSON_NULL] = "null",
	};

	if (!j)
		return "nothing";
	if (json_is_string(j))
		return tc_printf(mem, "a string %s", tc_quote(mem, tc_record_string(j)));
	if (json_is_integer(j))
		return tc_printf(mem, "an integer %lld", (long long)json_integer_value(j));
	return json_is_real(j) ? "a number with a fraction or an exponent" : kinds[json_typeof(j)];
}

int tc_record_wrong(const struct tc_record_reader *r, const struct tc_record_at *at, const char *expected,
		    const json_t *j)
{
	return tc_record_fail(r, at, "expected %s, found %s", expected, tc_record_found(r->mem, j));
}

int tc_record_unknown(const struct tc_record_reader *r, const struct tc_record_at *at, const char *what,
		      const char *name, const char *const *known, size_t n)
{
	const char *near = tc_nearest(tc_str(name), known, n);
	const char *quoted = tc_quote(r->mem, tc_str(name));

	if (near)
		return tc_record_fail(r, at, "unknown %s %s, did you mean \"%s\"?", what, quoted, near);
	return tc_record_fail(r, at, "unknown %s %s", what, quoted);
}

/* --- objects ------------------------------------------------------------------------------------------------------ */

static bool is_its_phase(const struct tc_record_field *f, const void *record)
{
	return f->presence != TC_RECORD_IN_PHASE || ((const struct tc_record *)record)->phase == f->phase;
}

static int read_field(const struct tc_record_reader *r, const struct tc_record_at *at, const struct tc_record_field *f,
		      json_t *j, void *to)
{
	if (!is_its_phase(f, to))
		return j ? tc_record_fail(r, at, "only phase %s has it", tc_phase_name(f->phase)) : 0;
	if (!j && f->presence == TC_RECORD_WHERE_SET)
		return 0;
	return f->form->read(r, at, j, (char *)to + f->offset);
}

int tc_record_read_fields(const struct tc_record_reader *r, const struct tc_record_at *at, json_t *object,
			  const struct tc_record_field *fields, void *to)
{
	const char *names[TC_RECORD_FIELDS_MAX], *key;
	size_t n = 0, i;
	json_t *j;

	if (!json_is_object(object))
		return tc_record_wrong(r, at, "an object", object);
	for (; fields[n].name; n++) {
		struct tc_record_at here = {.up = at, .key = fields[n].name};

		names[n] = fields[n].name;
		if (read_field(r, &here, &fields[n], json_object_get(object, names[n]), to) < 0)
			return -1;
	}
	json_object_foreach(object, key, j)
	{
		for (i = 0; i < n && strcmp(key, names[i]) != 0; i++)
			;
		if (i == n)
			return tc_record_unknown(r, at, "field", key, names, n);
	}
	return 0;
}

json_t *tc_record_write_fields(const struct tc_record_field *fields, const void *from)
{
	json_t *object = json_object();

	for (const struct tc_record_field *f = fields; f->name; f++) {
		const void *place = (const char *)from + f->offset;

		if (!is_its_phase(f, from) || (f->presence == TC_RECORD_WHERE_SET && !f->form->is_set(place)))
			continue;
		if (json_object_set_new(object, f->name, f->form->write(place)) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}
