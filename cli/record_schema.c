#include "cli/record_schema.h"

#include "compiler/contract/catalogue.h"
#include "compiler/contract/schema_json.h"
#include "controller/record.h"

/* tentc does not link the controller, which reaches the cluster: the words stand here once more, and a unit test
 * compares them with what is written. */
static const char *const phases[] = {"Pending", "Registered", "Degraded", "Gone", "Retained", "Destroyed", NULL};
static const char *const service_phases[] = {"Pending", "Registered", "Degraded", "Retained", "Destroyed", NULL};

static const struct {
	const char *name, *help;
} conditions[TC_CONDITION_COUNT] = {
	[TC_CONDITION_OWNER_CHANGED] = {"OwnerChanged", "the namespace was made anew: tentc enclave adopt"},
	[TC_CONDITION_NAME_TAKEN] = {"NameTaken", "another workload of that name lives already"},
	[TC_CONDITION_EPOCH_LOWERED] = {"EpochLowered", "the workload names an epoch below leastEpoch"},
	[TC_CONDITION_NOT_ENCLAVE] = {"NotEnclave", "the namespace lost its label"},
	[TC_CONDITION_INVALID] = {"Invalid", "the contract does not compile"},
	[TC_CONDITION_REMOVALS_HELD] = {"RemovalsHeld", "too many went away at once: tentc resume"},
	[TC_CONDITION_UNAVAILABLE] = {"Unavailable", "a service is away"},
	[TC_CONDITION_REFUSED] = {"Refused", "a service holds what is not ours"},
};

enum form { VERSION, LABEL, STRING, WORD, COUNT, FLAG, TIME, PHASE, SERVICES, CONDITIONS };

static const struct field {
	const char *name;
	enum form form;
	bool optional;
	const char *help;
} fields[] = {
	{"version", VERSION, false, "of this form"},
	{"enclave", LABEL, false, "the enclave, as in the ConfigMap's name"},
	{"name", LABEL, false, "the tentacle, as in the ConfigMap's name"},
	{"apiVersion", WORD, false, "of the workload"},
	{"kind", WORD, false, "of the workload"},
	{"uid", STRING, false, "of the workload; empty when it is not known"},
	{"namespaceUid", STRING, false, "of its namespace; empty when it is not known"},
	{"hash", STRING, false, "tentacular.io/compiled of what was registered; empty before"},
	{"epoch", COUNT, false, "of the credentials that are registered"},
	{"leastEpoch", COUNT, false, "the lowest epoch that may be registered"},
	{"phase", PHASE, false, "how far it is"},
	{"goneSince", TIME, true, "phase Gone: when the workload was missed first"},
	{"retainedSince", TIME, true, "phase Retained: when access was revoked"},
	{"destroy", FLAG, false, "the workload asked for it when it was seen last"},
	{"verified", TIME, true, "the last login as the tentacle in every service; absent: never"},
	{"services", SERVICES, false, "in the order of the catalogue; retained ones too"},
	{"conditions", CONDITIONS, false, "what holds it up, by type"},
};

static void write_ref(struct tc_json *j, const char *key, const char *to)
{
	tc_json_open_map(j, key);
	tc_json_string(j, "$ref", to);
	tc_json_close(j);
}

static void write_time(struct tc_json *j)
{
	tc_json_string(j, "type", "string");
	tc_json_string(j, "pattern",
		       "^(19[7-9]|[2-9][0-9]{2})[0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z$");
}

static void write_form(struct tc_json *j, enum form form)
{
	switch (form) {
	case VERSION:
		tc_json_int(j, "const", TC_RECORD_VERSION);
		break;
	case LABEL:
		tc_json_string(j, "$ref", "#/$defs/label");
		break;
	case WORD:
		tc_json_int(j, "minLength", 1);
		tc_json_string(j, "type", "string");
		break;
	case STRING:
		tc_json_string(j, "type", "string");
		break;
	case COUNT:
		tc_json_string(j, "type", "integer");
		tc_json_int(j, "minimum", 0);
		tc_json_int(j, "maximum", UINT_MAX);
		break;
	case FLAG:
		tc_json_string(j, "type", "boolean");
		break;
	case TIME:
		write_time(j);
		break;
	case PHASE:
		tc_json_strings(j, "enum", phases);
		break;
	case SERVICES:
		tc_json_string(j, "type", "array");
		write_ref(j, "items", "#/$defs/service");
		break;
	case CONDITIONS:
		tc_json_string(j, "type", "object");
		tc_json_bool(j, "additionalProperties", false);
		tc_json_open_map(j, "properties");
		for (size_t i = 0; i < TC_CONDITION_COUNT; i++) {
			tc_json_open_map(j, conditions[i].name);
			tc_json_string(j, "description", conditions[i].help);
			tc_json_string(j, "$ref", "#/$defs/condition");
			tc_json_close(j);
		}
		tc_json_close(j);
		break;
	}
}

/* {"properties": {field: {"enum": [...]}}} */
static void write_case(struct tc_json *j, const char *key, const char *field, const char *const *words)
{
	tc_json_open_map(j, key);
	tc_json_open_map(j, "properties");
	tc_json_open_map(j, field);
	tc_json_strings(j, "enum", words);
	tc_json_close(j);
	tc_json_close(j);
	tc_json_close(j);
}

/* A member that must not be there, else. */
static void write_otherwise(struct tc_json *j, const char *field)
{
	tc_json_open_map(j, "else");
	tc_json_open_map(j, "properties");
	tc_json_bool(j, field, false);
	tc_json_close(j);
	tc_json_close(j);
}

/* One phase has it, and no other. */
static void write_only_in(struct tc_json *j, const char *phase, const char *field)
{
	tc_json_open_map(j, NULL);
	write_case(j, "if", "phase", (const char *const[]){phase, NULL});
	tc_json_open_map(j, "then");
	tc_json_strings(j, "required", (const char *const[]){field, NULL});
	tc_json_close(j);
	write_otherwise(j, field);
	tc_json_close(j);
}

static void open_definition(struct tc_json *j, const char *name, const char *const *required)
{
	tc_json_open_map(j, name);
	tc_json_string(j, "type", "object");
	tc_json_strings(j, "required", required);
	tc_json_bool(j, "additionalProperties", false);
}

static void write_service(struct tc_json *j)
{
	const char *keys[TC_SERVICES_MAX + 1], *consuming[TC_SERVICES_MAX + 1];
	size_t n = 0, k = 0;

	for (; tc_services[n]; n++) {
		keys[n] = tc_services[n]->key;
		if (tc_services[n]->consumes)
			consuming[k++] = keys[n];
	}
	keys[n] = consuming[k] = NULL;
	open_definition(j, "service", (const char *const[]){"service", "phase", NULL});
	tc_json_open_map(j, "properties");
	tc_json_open_map(j, "service");
	tc_json_strings(j, "enum", keys);
	tc_json_close(j);
	tc_json_open_map(j, "phase");
	tc_json_strings(j, "enum", service_phases);
	tc_json_close(j);
	tc_json_open_map(j, "consumes");
	tc_json_string(j, "description", "other tentacles of the enclave whose public subjects it may read");
	tc_json_string(j, "type", "array");
	write_ref(j, "items", "#/$defs/label");
	tc_json_close(j);
	tc_json_close(j);
	write_case(j, "if", "service", consuming);
	write_otherwise(j, "consumes");
	tc_json_close(j);
}

static void write_condition(struct tc_json *j)
{
	open_definition(j, "condition", (const char *const[]){"since", "why", NULL});
	tc_json_open_map(j, "properties");
	tc_json_open_map(j, "since");
	write_time(j);
	tc_json_close(j);
	tc_json_open_map(j, "why");
	tc_json_string(j, "type", "string");
	tc_json_close(j);
	tc_json_close(j);
	tc_json_close(j);
}

static void write_label(struct tc_json *j)
{
	tc_json_open_map(j, "label");
	tc_json_string(j, "description", "an RFC 1123 label");
	tc_json_string(j, "type", "string");
	tc_json_int(j, "maxLength", 63);
	tc_json_string(j, "pattern", "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$");
	tc_json_close(j);
}

void tc_record_schema(struct tc_buf *out)
{
	const char *required[TC_COUNT(fields) + 1];
	struct tc_json j = {.out = out};
	size_t n = 0;

	for (size_t i = 0; i < TC_COUNT(fields); i++)
		if (!fields[i].optional)
			required[n++] = fields[i].name;
	required[n] = NULL;
	tc_json_open_map(&j, NULL);
	tc_json_string(&j, "$schema", "https://json-schema.org/draft/2020-12/schema");
	tc_json_string(&j, "title", "Registration record");
	tc_json_string(&j, "description",
		       "record.json of a ConfigMap exo.<enclave>.<name>: what tentc knows of one tentacle.");
	tc_json_string(&j, "type", "object");
	tc_json_strings(&j, "required", required);
	tc_json_bool(&j, "additionalProperties", false);
	tc_json_open_map(&j, "properties");
	for (size_t i = 0; i < TC_COUNT(fields); i++) {
		tc_json_open_map(&j, fields[i].name);
		tc_json_string(&j, "description", fields[i].help);
		write_form(&j, fields[i].form);
		tc_json_close(&j);
	}
	tc_json_close(&j);
	tc_json_open_list(&j, "allOf");
	write_only_in(&j, "Gone", "goneSince");
	write_only_in(&j, "Retained", "retainedSince");
	tc_json_close(&j);
	tc_json_open_map(&j, "$defs");
	write_service(&j);
	write_condition(&j);
	write_label(&j);
	tc_json_close(&j);
	tc_json_close(&j);
}
