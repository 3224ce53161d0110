#include "controller/record.h"

#include "compiler/base/buf.h"
#include "compiler/base/diag.h"
#include "compiler/contract/identity.h"
#include "compiler/transform/object.h"
#include "controller/record_parts.h"
#include "kube/client.h"

#define TEXT_MAX (1u << 20) /* what an API server takes, and what is read */

const char *tc_record_name(struct tc_arena *mem, const char *enclave, const char *name)
{
	return tc_printf(mem, "exo.%s.%s", enclave, name);
}

bool tc_record_condition(struct tc_record *r, enum tc_condition_type type, const char *why, long long now)
{
	struct tc_record_condition *c = &r->conditions[type];
	bool set = why != NULL;

	if (set == c->set && (!set || strcmp(c->why ? c->why : "", why) == 0))
		return false;
	if (set != c->set)
		c->since = now;
	c->set = set;
	c->why = why;
	return true;
}

/* --- the ConfigMap ------------------------------------------------------------------------------------------------ */

static int fail_outside(const struct tc_record_reader *r, const char *path, const char *what)
{
	return tc_fail(r->err, TC_E_REJECTED, "configmap %s: %s: %s", r->configmap, path, what);
}

/* exo.<enclave>.<name> */
static int read_object_name(struct tc_record_reader *r, const json_t *name)
{
	static const char path[] = "metadata.name", parts[][8] = {"enclave", "name"};
	struct tc_str rest = tc_record_string(name), labels[2];
	const char *dot;

	r->configmap = json_is_string(name) ? tc_quote(r->mem, rest) : "without a name";
	if (!json_is_string(name))
		return fail_outside(r, path,
				    tc_printf(r->mem, "expected a string, found %s", tc_record_found(r->mem, name)));
	if (tc_str_starts(rest, "exo."))
		rest = (struct tc_str){.s = rest.s + 4, .len = rest.len - 4};
	dot = memchr(rest.s, '.', rest.len);
	if (rest.s == json_string_value(name) || !dot)
		return fail_outside(r, path, "is none of a record: exo.<enclave>.<name>");
	labels[0] = (struct tc_str){.s = rest.s, .len = (size_t)(dot - rest.s)};
	labels[1] = (struct tc_str){.s = dot + 1, .len = rest.len - labels[0].len - 1};
	for (size_t i = 0; i < 2; i++) {
		const char *fault = tc_label_fault(r->mem, labels[i]);

		if (fault)
			return fail_outside(r, path, tc_printf(r->mem, "the %s in it %s", parts[i], fault));
	}
	r->enclave = tc_strndup(r->mem, labels[0].s, labels[0].len);
	r->name = tc_strndup(r->mem, labels[1].s, labels[1].len);
	r->configmap = json_string_value(name); /* labels and dots: it needs no quotes */
	return 0;
}

static int check_data(const struct tc_record_reader *r, json_t *data, const json_t *binary)
{
	const char *key;
	json_t *j;

	if (!json_is_object(data))
		return fail_outside(r, "data",
				    tc_printf(r->mem, "expected an object, found %s", tc_record_found(r->mem, data)));
	json_object_foreach(data, key, j)
	{
		if (strcmp(key, TC_RECORD_KEY) != 0)
			return fail_outside(r, "data",
					    tc_printf(r->mem, "expected " TC_RECORD_KEY " alone, found %s",
						      tc_quote(r->mem, tc_str(key))));
	}
	if (json_object_size(binary) > 0)
		return fail_outside(r, "binaryData", "a record has none");
	return 0;
}

int tc_record_read(struct tc_record *out, struct tc_arena *mem, const json_t *configmap, struct tc_error *err)
{
	const json_t *metadata = json_object_get(configmap, "metadata"), *content;
	const json_t *version = json_object_get(metadata, "resourceVersion");
	json_t *data = json_object_get(configmap, "data");
	struct tc_record_reader r = {.mem = mem, .err = err};
	_cleanup_json_ json_t *document = NULL;
	struct tc_record record = {.version = ""};
	json_error_t at;

	if (read_object_name(&r, json_object_get(metadata, "name")) < 0 ||
	    check_data(&r, data, json_object_get(configmap, "binaryData")) < 0)
		return -1;
	if (version && !json_is_string(version))
		return fail_outside(&r, "metadata.resourceVersion",
				    tc_printf(mem, "expected a string, found %s", tc_record_found(mem, version)));
	content = json_object_get(data, TC_RECORD_KEY);
	if (!json_is_string(content))
		return tc_record_wrong(&r, NULL, "a string", content);
	if (json_string_length(content) > TEXT_MAX)
		return tc_record_fail(&r, NULL, "is %zu bytes long, at most %u are read", json_string_length(content),
				      TEXT_MAX);
	document = json_loadb(json_string_value(content), json_string_length(content),
			      JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &at);
	if (!document)
		return tc_record_fail(&r, NULL, "is not JSON, or has a key twice or a NUL: see line %d, column %d",
				      at.line, at.column);
	if (tc_record_read_fields(&r, NULL, document, tc_record_fields, &record) < 0)
		return -1;
	if (version)
		record.version = tc_strdup(mem, json_string_value(version));
	*out = record;
	return 0;
}

static json_t *write_content(const struct tc_record *r)
{
	_cleanup_json_ json_t *document = tc_record_write_fields(tc_record_fields, r);
	_cleanup_buf_ struct tc_buf out = {0};
	char *s = document ? json_dumps(document, JSON_SORT_KEYS | JSON_INDENT(2)) : NULL;

	if (!s)
		return NULL;
	tc_buf_puts(&out, s);
	free(s);
	tc_buf_putc(&out, '\n'); /* kubectl shows a text of whole lines as it is */
	return json_string(out.p);
}

json_t *tc_record_write(const struct tc_record *r, const char *ns)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	json_t *configmap = json_pack("{s:s,s:s,s:{s:s,s:s,s:{s:s,s:s}},s:{s:o}}", "apiVersion", "v1", "kind",
				      "ConfigMap", "metadata", "name", tc_record_name(mem, r->enclave, r->name),
				      "namespace", ns, "labels", TC_LABEL_MANAGED_BY, "tentc", TC_LABEL_RECORD,
				      tc_record_phase_label(r->phase), "data", TC_RECORD_KEY, write_content(r));

	if (!r->version || !*r->version)
		return configmap;
	if (json_object_set_new(json_object_get(configmap, "metadata"), "resourceVersion", json_string(r->version)) <
	    0) {
		json_decref(configmap);
		return NULL;
	}
	return configmap;
}
