#include "compiler/contract/contract_read.h"
#include "compiler/contract/schema_json.h"

#define NAMES_MAX 32

/* Every field may be null, which is the same as leaving it out: hence the many "null" below. The schema accepts
 * whatever the reader accepts; it cannot know the configuration, so services that are off, private blocks and
 * namespaces are the reader's alone to refuse. */

static void describe(struct tc_json *j, const char *text)
{
	tc_json_string(j, "description", text);
}

static void add_reference(struct tc_json *j, const char *key, const char *to)
{
	tc_json_open_map(j, key);
	tc_json_string(j, "$ref", to);
	tc_json_close(j);
}

/* {"key": {"type": "object", "null"}, ... left open */
static void open_object(struct tc_json *j, const char *key, bool or_null, const char *description)
{
	tc_json_open_map(j, key);
	if (description)
		describe(j, description);
	tc_json_type(j, "object", or_null);
}

static void add_text(struct tc_json *j, const char *key, bool or_null, const char *description)
{
	tc_json_open_map(j, key);
	describe(j, description);
	tc_json_type(j, "string", or_null);
	tc_json_close(j);
}

/* A field that is there and is not null. */
static void add_present(struct tc_json *j, const char *key, const char *field)
{
	tc_json_open_map(j, key);
	tc_json_strings(j, "required", (const char *const[]){field, NULL});
	tc_json_open_map(j, "properties");
	tc_json_open_map(j, field);
	tc_json_open_map(j, "not");
	tc_json_type(j, "null", false);
	tc_json_close(j);
	tc_json_close(j);
	tc_json_close(j);
	tc_json_close(j);
}

/* A field that is one of the words. */
static void add_choice(struct tc_json *j, const char *key, const char *field, const char *const *words)
{
	tc_json_open_map(j, key);
	tc_json_strings(j, "required", (const char *const[]){field, NULL});
	tc_json_open_map(j, "properties");
	tc_json_open_map(j, field);
	tc_json_strings(j, "enum", words);
	tc_json_close(j);
	tc_json_close(j);
	tc_json_close(j);
}

/* The protocols with a usual port, or those without. */
static void protocols(const char **names, bool with_port)
{
	for (const struct tc_protocol *p = tc_protocols; p->name; p++)
		if ((p->port != 0) == with_port)
			*names++ = p->name;
	*names = NULL;
}

static void add_enum_or_null(struct tc_json *j, const char *key, const char *const *words, const char *description)
{
	tc_json_open_map(j, key);
	describe(j, description);
	tc_json_open_list(j, "enum");
	for (; *words; words++)
		tc_json_string(j, NULL, *words);
	tc_json_null(j, NULL);
	tc_json_close(j);
	tc_json_close(j);
}

static void add_consumes(struct tc_json *j)
{
	tc_json_open_map(j, "consumes");
	describe(j, "other tentacles of the enclave whose public subjects this one may read");
	tc_json_type(j, "array", true);
	add_reference(j, "items", "#/$defs/label");
	tc_json_close(j);
}

static void add_service(struct tc_json *j, const char *name, const struct tc_service *service)
{
	static const char *const scalar[] = {"string", "number", "boolean", "null", NULL};

	open_object(j, name, true, service->title);
	tc_json_open_map(j, "properties");
	for (const struct tc_value *v = service->values; v->name; v++) {
		if (strcmp(v->name, "protocol") == 0) {
			add_enum_or_null(j, v->name, service->protocols, v->help);
			continue;
		}
		if (!(v->flags & (TC_V_CONTRACT | TC_V_FULL)))
			continue;
		tc_json_open_map(j, v->name);
		describe(j, v->help);
		tc_json_strings(j, "type", scalar);
		tc_json_close(j);
	}
	if (service->auth_type) {
		tc_json_open_map(j, "auth");
		describe(j, "how the runtime finds the credential in the Secret");
		tc_json_close(j);
	}
	if (service->consumes)
		add_consumes(j);
	tc_json_close(j);
	tc_json_close(j);
}

static void add_names(struct tc_json *j)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	size_t count;
	const char *const *names = tc_dependency_names(mem, &count);

	tc_json_open_map(j, "propertyNames");
	tc_json_open_list(j, "anyOf");
	tc_json_open_map(j, NULL);
	tc_json_open_list(j, "enum");
	for (size_t i = 0; i < count; i++)
		tc_json_string(j, NULL, names[i]);
	tc_json_close(j);
	tc_json_close(j);
	tc_json_open_map(j, NULL);
	tc_json_open_map(j, "not");
	tc_json_string(j, "pattern", "^" TC_PLATFORM_PREFIX);
	tc_json_close(j);
	tc_json_close(j);
	tc_json_close(j);
	tc_json_close(j);
}

static void add_dependencies(struct tc_json *j)
{
	open_object(j, "dependencies", true,
		    "what the tentacle needs: names that begin with " TC_PLATFORM_PREFIX
		    " are the platform's, all others the author's own");
	add_names(j);
	tc_json_open_map(j, "properties");
	for (size_t i = 0; tc_services[i]; i++) {
		add_service(j, tc_services[i]->dependency, tc_services[i]);
		if (tc_services[i]->alias)
			add_service(j, tc_services[i]->alias, tc_services[i]);
	}
	tc_json_close(j);
	add_reference(j, "additionalProperties", "#/$defs/own");
	tc_json_close(j);
}

static void add_network_policy(struct tc_json *j)
{
	open_object(j, "networkPolicy", true, "what the tentacle may reach besides its dependencies");
	tc_json_open_map(j, "properties");
	tc_json_open_map(j, "additionalEgress");
	tc_json_type(j, "array", true);
	add_reference(j, "items", "#/$defs/egress");
	tc_json_close(j);
	tc_json_close(j);
	tc_json_close(j);
}

static void add_version(struct tc_json *j)
{
	tc_json_open_map(j, "version");
	describe(j, "the version of this format");
	tc_json_open_list(j, "enum");
	tc_json_string(j, NULL, "1");
	tc_json_int(j, NULL, 1);
	tc_json_null(j, NULL);
	tc_json_close(j);
	tc_json_close(j);
}

static void define_port(struct tc_json *j, const char *key, const char *pattern, bool mapping)
{
	tc_json_open_map(j, key);
	tc_json_open_list(j, "anyOf");
	tc_json_open_map(j, NULL);
	tc_json_type(j, "integer", false);
	tc_json_int(j, "minimum", 1);
	tc_json_int(j, "maximum", TC_PORT_MAX);
	tc_json_close(j);
	tc_json_open_map(j, NULL);
	tc_json_type(j, "string", false);
	tc_json_string(j, "pattern", pattern);
	tc_json_close(j);
	if (mapping) {
		open_object(j, NULL, false, NULL);
		tc_json_strings(j, "required", (const char *const[]){"port", NULL});
		tc_json_open_map(j, "properties");
		add_reference(j, "port", "#/$defs/number");
		add_enum_or_null(j, "protocol", tc_transports, "TCP where it is left out");
		tc_json_close(j);
		tc_json_close(j);
	}
	tc_json_close(j);
	tc_json_close(j);
}

static void add_ports(struct tc_json *j, const char *key)
{
	tc_json_open_map(j, key);
	describe(j, "ports, such as 443, \"443/TCP\" or {port: 443, protocol: TCP}");
	tc_json_type(j, "array", false);
	tc_json_int(j, "minItems", 1);
	add_reference(j, "items", "#/$defs/port");
	tc_json_close(j);
}

static void define_label(struct tc_json *j)
{
	tc_json_open_map(j, "label");
	tc_json_type(j, "string", false);
	tc_json_int(j, "maxLength", 63);
	tc_json_string(j, "pattern", "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$");
	tc_json_close(j);
}

static void define_egress(struct tc_json *j)
{
	open_object(j, "egress", false, NULL);
	tc_json_strings(j, "required", (const char *const[]){"toCIDR", "ports", NULL});
	tc_json_open_map(j, "properties");
	add_text(j, "toCIDR", false, "a block of addresses, such as 203.0.113.0/24");
	add_ports(j, "ports");
	add_text(j, "reason", true, "for people");
	tc_json_close(j);
	tc_json_close(j);
}

/* A block of addresses: both fields are needed. */
static void add_dynamic_target(struct tc_json *j)
{
	add_choice(j, "if", "type", (const char *const[]){TC_DYNAMIC_TARGET, NULL});
	tc_json_open_map(j, "then");
	tc_json_strings(j, "required", (const char *const[]){"cidr", "dynPorts", NULL});
	tc_json_open_map(j, "properties");
	add_text(j, "cidr", false, "a block of addresses, such as 203.0.113.0/24");
	add_ports(j, "dynPorts");
	tc_json_close(j);
	tc_json_close(j);
}

/* With a host: a port, or a protocol that has one. Without: no protocol that needs one. */
static void add_host(struct tc_json *j, const char *const *usual)
{
	add_present(j, "if", "host");
	tc_json_open_map(j, "then");
	tc_json_open_map(j, "properties");
	tc_json_open_map(j, "host");
	describe(j, "a DNS name or an IP address; in the cluster <service>.<namespace>.svc");
	tc_json_type(j, "string", false);
	tc_json_int(j, "minLength", 1);
	tc_json_close(j);
	tc_json_open_map(j, "port");
	tc_json_open_list(j, "anyOf");
	add_reference(j, NULL, "#/$defs/number");
	tc_json_open_map(j, NULL);
	tc_json_type(j, "null", false);
	tc_json_close(j);
	tc_json_close(j);
	tc_json_close(j);
	tc_json_close(j);
	tc_json_open_list(j, "anyOf");
	add_present(j, NULL, "port");
	add_choice(j, NULL, "protocol", usual);
	tc_json_close(j);
	tc_json_close(j);
	tc_json_open_map(j, "else");
	add_choice(j, "not", "protocol", usual);
	tc_json_close(j);
}

/* What the reader looks at depends on type, then on protocol, then on host; what it doesn't look at may be anything. */
static void define_own(struct tc_json *j)
{
	const char *usual[NAMES_MAX], *modules[NAMES_MAX];

	protocols(usual, true);
	protocols(modules, false);
	open_object(j, "own", true, "a dependency of the author's own; fields that are not known are kept and ignored");
	tc_json_open_map(j, "properties");
	add_text(j, "type", true, TC_DYNAMIC_TARGET ": a block of addresses instead of a host");
	add_text(j, "protocol", true, "tells the port where none is given; jsr and npm come through a module registry");
	tc_json_close(j);
	tc_json_open_map(j, "if");
	tc_json_type(j, "object", false);
	tc_json_close(j);
	tc_json_open_map(j, "then");
	add_dynamic_target(j);
	tc_json_open_map(j, "else");
	add_choice(j, "if", "protocol", modules);
	tc_json_open_map(j, "else");
	add_host(j, usual);
	tc_json_close(j);
	tc_json_close(j);
	tc_json_close(j);
	tc_json_close(j);
}

void tc_contract_schema(struct tc_buf *out)
{
	struct tc_json j = {.out = out};

	tc_json_open_map(&j, NULL);
	tc_json_string(&j, "$schema", "https://json-schema.org/draft/2020-12/schema");
	tc_json_string(&j, "title", "contract");
	describe(&j, "the contract of a tentacle: in workflow.yaml under contract, or in the annotation "
		     "tentacular.io/contract");
	tc_json_type(&j, "object", false);
	tc_json_open_map(&j, "properties");
	add_version(&j);
	add_text(&j, "name", true, "the tentacle's name, where the workload has none of its own");
	add_dependencies(&j);
	add_network_policy(&j);
	tc_json_close(&j);
	tc_json_open_map(&j, "$defs");
	define_own(&j);
	define_egress(&j);
	define_port(&j, "port", "^[1-9][0-9]{0,4}(/(TCP|UDP|SCTP))?$", true);
	define_port(&j, "number", "^[1-9][0-9]{0,4}$", false);
	define_label(&j);
	tc_json_close(&j);
	tc_json_close(&j);
}
