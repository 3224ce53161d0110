#include "compiler/contract/config.h"

#include "compiler/contract/catalogue.h"
#include "compiler/contract/config_table.h"
#include "compiler/tree/emit.h"

void tc_row_choose(const struct tc_row *row, struct tc_config *config, size_t nth)
{
	void *slot = tc_row_slot(row, config);

	switch (row->store) {
	case TC_STORE_TEXT:
		*(const char **)slot = row->choices[nth];
		break;
	case TC_STORE_INDEX:
		*(unsigned *)slot = (unsigned)nth;
		break;
	case TC_STORE_FLAG:
		*(bool *)slot = nth != 0;
		break;
	}
}

/* "" as the default of a choice means that nothing is chosen. */
static void set_default_choice(const struct tc_row *row, struct tc_config *config)
{
	if (row->store == TC_STORE_TEXT)
		*(const char **)tc_row_slot(row, config) = row->fallback;
	for (size_t i = 0; row->choices[i]; i++)
		if (strcmp(row->choices[i], row->fallback) == 0)
			tc_row_choose(row, config, i);
}

static void set_default(const struct tc_row *row, struct tc_config *config)
{
	void *slot = tc_row_slot(row, config);

	switch (row->type) {
	case TC_ROW_BOOL:
		*(bool *)slot = row->number != 0;
		break;
	case TC_ROW_INT:
		*(unsigned *)slot = row->number;
		break;
	case TC_ROW_STRING:
		*(const char **)slot = row->fallback;
		break;
	case TC_ROW_CHOICE:
		set_default_choice(row, config);
		break;
	case TC_ROW_GROUP:
	case TC_ROW_FIXED:
	case TC_ROW_IGNORED:
	case TC_ROW_STRINGS:
	case TC_ROW_LABELS:
		break;
	}
}

static void set_default_labels(struct tc_arena *mem, const struct tc_row *row, struct tc_config *config)
{
	struct tc_labels *labels = tc_row_slot(row, config);
	size_t n = 0;

	while (row->labels[n])
		n++;
	labels->list = tc_alloc(mem, n * sizeof(*labels->list));
	labels->count = n / 2;
	memcpy(labels->list, row->labels, n * sizeof(*labels->list));
}

struct tc_config *tc_config_of_rows(struct tc_arena *mem, const struct tc_rows *rows)
{
	struct tc_config *config = tc_alloc(mem, sizeof(*config));

	for (size_t i = 0; i < rows->count; i++) {
		set_default(&rows->list[i], config);
		if (rows->list[i].labels)
			set_default_labels(mem, &rows->list[i], config);
	}
	while (tc_services[config->nservices]) {
		config->services[config->nservices].service = tc_services[config->nservices];
		config->nservices++;
	}
	return config;
}

struct tc_config *tc_config_default(struct tc_arena *mem)
{
	struct tc_rows rows = tc_config_rows(mem);

	return tc_config_of_rows(mem, &rows);
}

const struct tc_service_config *tc_config_service(const struct tc_config *config, const char *key)
{
	for (size_t i = 0; i < config->nservices; i++)
		if (strcmp(config->services[i].service->key, key) == 0)
			return &config->services[i];
	return NULL;
}

/* Whether the key can change what the stage makes under this configuration. */
static bool in_effect(const struct tc_row *row, const struct tc_config *config)
{
	if (!(row->flags & TC_ROW_OUTPUT))
		return false;
	if ((row->flags & TC_ROW_RULES) && config->netpol_mode == TC_NETPOL_OFF)
		return false;
	if ((row->flags & TC_ROW_PROXY) && !*config->module_proxy)
		return false;
	return row->service < 0 || (row->flags & TC_ROW_ENABLES) || config->services[row->service].enabled;
}

/* Strings are JSON-escaped: no value can end its line and pretend to be another key. */
static void add_list(struct tc_buf *out, const char *const *list, size_t count)
{
	tc_buf_putc(out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			tc_buf_putc(out, ',');
		tc_emit_json_string(out, tc_str(list[i]));
	}
	tc_buf_putc(out, ']');
}

static void add_choice(struct tc_buf *out, const struct tc_row *row, const void *field)
{
	switch (row->store) {
	case TC_STORE_TEXT:
		tc_emit_json_string(out, tc_str(*(const char *const *)field));
		break;
	case TC_STORE_INDEX:
		tc_emit_json_string(out, tc_str(row->choices[*(const unsigned *)field]));
		break;
	case TC_STORE_FLAG:
		tc_emit_json_string(out, tc_str(row->choices[*(const bool *)field]));
		break;
	}
}

static void add_value(struct tc_buf *out, const struct tc_row *row, const struct tc_config *config)
{
	const void *field = tc_row_field(row, config);
	const struct tc_strings *strings = field;
	const struct tc_labels *labels = field;

	switch (row->type) {
	case TC_ROW_BOOL:
		tc_buf_puts(out, *(const bool *)field ? "true" : "false");
		break;
	case TC_ROW_INT:
		tc_buf_printf(out, "%u", *(const unsigned *)field);
		break;
	case TC_ROW_STRING:
		tc_emit_json_string(out, tc_str(*(const char *const *)field));
		break;
	case TC_ROW_STRINGS:
		add_list(out, strings->list, strings->count);
		break;
	case TC_ROW_LABELS:
		add_list(out, labels->list, 2 * labels->count);
		break;
	case TC_ROW_CHOICE:
		add_choice(out, row, field);
		break;
	case TC_ROW_GROUP: /* unreachable: these stand in no output */
	case TC_ROW_FIXED:
	case TC_ROW_IGNORED:
		break; /* unreachable: these stand in no output */
	}
}

void tc_config_canonical(struct tc_buf *out, const struct tc_config *config)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(16 * 1024);
	struct tc_rows rows = tc_config_rows(mem);

	for (size_t i = 0; i < rows.count; i++) {
		if (!in_effect(&rows.list[i], config))
			continue;
		tc_buf_puts(out, rows.list[i].path);
		tc_buf_putc(out, '=');
		add_value(out, &rows.list[i], config);
		tc_buf_putc(out, '\n');
	}
}
