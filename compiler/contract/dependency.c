#include "compiler/contract/contract_read.h"
#include "compiler/contract/identity.h"

#define VALUES_MAX 32 /* rows of one service's table, and what dependencies have besides */

const struct tc_protocol tc_protocols[] = {
	{"https", 443},  {"http", 80},    {"postgresql", 5432}, {"postgres", 5432}, {"nats", 4222},
	{"mysql", 3306}, {"redis", 6379}, {"amqp", 5672},       {"kafka", 9092},    {"grpc", 443},
	{"s3", 443},     {"blob", 443},   {"jsr", 0},           {"npm", 0},         {0},
};

static const struct tc_protocol *protocol_of(struct tc_str name)
{
	for (const struct tc_protocol *p = tc_protocols; p->name; p++)
		if (tc_str_is(name, p->name))
			return p;
	return NULL;
}

/* The dependencies that the configuration offers. */
static void help_available(struct tc_reader *r, struct tc_diag *diag)
{
	const char *names[TC_SERVICES_MAX + 1];
	const struct tc_config *config = r->ctx->config;
	size_t n = 0;

	for (size_t i = 0; i < config->nservices; i++)
		if (config->services[i].enabled)
			names[n++] = config->services[i].service->dependency;
	names[n] = NULL;
	if (n)
		tc_diag_help(diag, "available: %s", tc_reader_list(r, names, " and "));
	else
		tc_diag_help(diag, "the configuration has switched off every service");
}

static void refuse_name(struct tc_reader *r, const struct tc_dep *dep)
{
	size_t count, prefix = strlen(TC_PLATFORM_PREFIX);
	const char *const *names = tc_dependency_names(r->mem, &count);
	const char *rests[2 * TC_SERVICES_MAX], *nearest = NULL;
	struct tc_str rest = {.s = dep->name.s + prefix, .len = dep->name.len - prefix};
	struct tc_diag *diag = tc_diag(r->diags, TC_MSG_UNKNOWN_DEPENDENCY, tc_node_pos(dep->key),
				       "unknown dependency %s", tc_quote(r->mem, dep->name));

	/* The prefix that all share would make any two short names look alike: "s3" is not "nats". */
	for (size_t i = 0; i < count; i++)
		rests[i] = names[i] + prefix;
	if (!r->diags->dropped)
		nearest = tc_nearest(rest, rests, count);
	if (nearest)
		tc_diag_help(diag, "did you mean \"%s%s\"?", TC_PLATFORM_PREFIX, nearest);
	else
		help_available(r, diag);
}

/* False when the service was asked for before, under this name or its other one. */
static bool is_first(struct tc_reader *r, const struct tc_dep *dep)
{
	const struct tc_node **first = r->first;
	struct tc_diag *diag;

	for (size_t i = 0; tc_services[i] != dep->service; i++)
		first++;
	if (!*first) {
		*first = dep->key;
		return true;
	}
	diag = tc_diag(r->diags, TC_MSG_DECLARED_TWICE, tc_node_pos(dep->key), "%s is the same service as %s",
		       tc_quote(r->mem, dep->name), tc_quote(r->mem, tc_key_text(r->mem, *first)));
	tc_diag_note(diag, tc_node_pos(*first), "declared here first");
	tc_diag_help(diag, "remove one of them");
	return false;
}

static bool is_on(struct tc_reader *r, const struct tc_dep *dep)
{
	struct tc_diag *diag;

	if (dep->config && dep->config->enabled)
		return true;
	diag = tc_diag(r->diags, TC_MSG_SERVICE_OFF, tc_node_pos(dep->key), "%s is switched off in the configuration",
		       tc_quote(r->mem, dep->name));
	help_available(r, diag);
	return false;
}

static bool check_protocol(struct tc_reader *r, const struct tc_dep *dep)
{
	struct tc_field f = tc_reader_field(dep->value, "protocol");
	const char *const *accepted = dep->service->protocols;
	struct tc_diag *diag;

	if (!f.value)
		return true;
	if (!tc_reader_is(r, &f, TC_STRING))
		return false;
	for (size_t i = 0; accepted[i]; i++)
		if (tc_is_string(f.value, accepted[i]))
			return true;
	diag = tc_diag(r->diags, TC_MSG_BAD_PROTOCOL, tc_node_pos(f.value), "protocol %s is not one of %s, expected %s",
		       tc_reader_show(r, f.value), dep->service->dependency, tc_reader_list(r, accepted, " or "));
	if (!tc_reader_suggest(r, diag, tc_text(f.value), accepted))
		tc_diag_help(diag, "remove the line, tentc fills in \"%s\"", accepted[0]);
	return false;
}

/* What stands in a field that tentc derives is compared with the derived value later; here only that it can be. */
static bool check_scalar(struct tc_reader *r, const struct tc_dep *dep, const char *name)
{
	struct tc_field f = tc_reader_field(dep->value, name);

	if (!f.value || (!tc_is(f.value, TC_SEQ) && !tc_is(f.value, TC_MAP)))
		return true;
	tc_diag(r->diags, TC_MSG_BAD_FIELD_TYPE, tc_node_pos(f.value), "%s is %s, expected a single value", name,
		tc_kind_name(f.value));
	return false;
}

static bool read_consumes(struct tc_reader *r, struct tc_dep *dep)
{
	struct tc_field f = tc_reader_field(dep->value, "consumes");
	bool fine = true;

	if (!f.value)
		return true;
	if (!tc_reader_is(r, &f, TC_SEQ))
		return false;
	dep->consumes = tc_alloc(r->mem, f.value->count * sizeof(dep->consumes[0]));
	for (const struct tc_node *i = tc_item(f.value); i; i = tc_item_next(i)) {
		struct tc_str name = tc_text(i);
		const char *fault = tc_is(i, TC_STRING)
					    ? tc_label_fault(r->mem, name)
					    : tc_printf(r->mem, "is %s, expected a string", tc_kind_name(i));

		if (!fault) {
			dep->consumes[dep->nconsumes++] = tc_strndup(r->mem, name.s, name.len);
			continue;
		}
		fine = false;
		tc_diag_help(tc_diag(r->diags, TC_MSG_BAD_CONSUMES, tc_node_pos(i), "tentacle %s under consumes %s",
				     tc_reader_show(r, i), fault),
			     "write the name of another tentacle of the enclave");
	}
	return fine;
}

static bool read_service_fields(struct tc_reader *r, struct tc_dep *dep)
{
	const struct tc_service *service = dep->service;
	const char *known[VALUES_MAX];
	size_t n = 0;
	bool fine = check_protocol(r, dep);

	known[n++] = "protocol";
	for (const struct tc_value *v = service->values; v->name && n < VALUES_MAX - 3; v++) {
		if (!(v->flags & (TC_V_CONTRACT | TC_V_FULL)) || strcmp(v->name, "protocol") == 0)
			continue;
		known[n++] = v->name;
		fine &= check_scalar(r, dep, v->name);
	}
	if (service->auth_type)
		known[n++] = "auth";
	if (service->consumes) {
		known[n++] = "consumes";
		fine &= read_consumes(r, dep);
	}
	known[n] = NULL;
	tc_reader_unknown(r, TC_MSG_UNKNOWN_SERVICE_FIELD, dep->value, known, service->dependency);
	return fine;
}

/* TC102, with the name of the dependency. True for null and a mapping. */
static bool is_body(struct tc_reader *r, const struct tc_dep *dep)
{
	struct tc_diag *diag;

	if (!dep->value || tc_is(dep->value, TC_NULL) || tc_is(dep->value, TC_MAP))
		return true;
	diag = tc_diag(r->diags, TC_MSG_BAD_FIELD_TYPE, tc_node_pos(dep->value),
		       "dependency %s is %s, expected a mapping or nothing", tc_quote(r->mem, dep->name),
		       tc_kind_name(dep->value));
	tc_diag_help(diag, dep->service
				   ? "write nothing behind the colon: tentc fills in the fields"
				   : "write its fields below it, such as protocol: https and host: api.example.com");
	return false;
}

static void read_service(struct tc_reader *r, struct tc_dep *dep)
{
	bool fine;

	dep->service = tc_service_of(dep->name);
	if (!dep->service) {
		refuse_name(r, dep);
		return;
	}
	dep->config = tc_config_service(r->ctx->config, dep->service->key);
	fine = is_first(r, dep);
	fine &= is_on(r, dep);
	fine &= is_body(r, dep);
	if (tc_is(dep->value, TC_MAP))
		fine &= read_service_fields(r, dep);
	if (fine)
		dep->kind = TC_DEP_PLATFORM;
}

static void read_dynamic_target(struct tc_reader *r, struct tc_dep *dep, const struct tc_field *type)
{
	struct tc_field cidr = tc_reader_field(dep->value, "cidr"), ports = tc_reader_field(dep->value, "dynPorts");
	bool fine = true;

	if (cidr.value) {
		fine = tc_target_block(r, &cidr, &dep->to);
	} else {
		fine = false;
		tc_diag_help(tc_diag(r->diags, TC_MSG_NO_TARGET,
				     cidr.key ? tc_node_pos(cidr.key) : tc_node_pos(type->value), "a %s needs a cidr",
				     TC_DYNAMIC_TARGET),
			     "add cidr: 203.0.113.0/24, or 0.0.0.0/0 for anything outside");
	}
	fine &= tc_target_ports(r, &ports, tc_node_pos(type->value), &dep->to);
	if (fine && tc_target_not_platform(r, &dep->to))
		dep->kind = TC_DEP_CIDR;
}

/* The port of a dependency with a host: its own, else the usual one of its protocol. */
static bool read_port(struct tc_reader *r, struct tc_dep *dep, const struct tc_field *host,
		      const struct tc_field *protocol)
{
	struct tc_field port = tc_reader_field(dep->value, "port");
	const struct tc_protocol *usual = protocol_of(tc_text(protocol->value));
	const char *known[TC_COUNT(tc_protocols)];
	struct tc_diag *diag;
	size_t n = 0;

	if (port.value)
		return tc_target_port(r, port.value, &dep->to);
	if (usual) {
		dep->to.ports = tc_alloc(r->mem, sizeof(dep->to.ports[0]));
		dep->to.ports[dep->to.nports++] = (struct tc_port){.number = usual->port, .protocol = "TCP"};
		return true;
	}
	for (const struct tc_protocol *p = tc_protocols; p->name; p++)
		known[n++] = p->name;
	known[n] = NULL;
	if (protocol->value)
		diag = tc_diag(r->diags, TC_MSG_NO_PORT, tc_node_pos(protocol->value),
			       "host %s has no port, and protocol %s has no usual one", tc_reader_show(r, host->value),
			       tc_reader_show(r, protocol->value));
	else
		diag = tc_diag(r->diags, TC_MSG_NO_PORT, tc_node_pos(host->value),
			       "host %s has neither a port nor a protocol", tc_reader_show(r, host->value));
	if (!tc_reader_suggest(r, diag, tc_text(protocol->value), known))
		tc_diag_help(diag, "add port: with a number");
	return false;
}

static void read_host(struct tc_reader *r, struct tc_dep *dep, const struct tc_field *host,
		      const struct tc_field *protocol)
{
	bool fine = tc_target_host(r, host->value, &dep->to);

	fine &= read_port(r, dep, host, protocol);
	if (fine && (dep->to.host || tc_target_not_platform(r, &dep->to)))
		dep->kind = dep->to.host ? TC_DEP_HOST : TC_DEP_CIDR;
}

static void refuse_without_host(struct tc_reader *r, const struct tc_field *protocol)
{
	tc_diag_help(tc_diag(r->diags, TC_MSG_NO_TARGET, tc_node_pos(protocol->value),
			     "a dependency with protocol %s needs a host", tc_reader_show(r, protocol->value)),
		     "add host:, or type: %s with cidr: and dynPorts:", TC_DYNAMIC_TARGET);
}

static void read_own(struct tc_reader *r, struct tc_dep *dep)
{
	struct tc_field type = tc_reader_field(dep->value, "type");
	struct tc_field protocol = tc_reader_field(dep->value, "protocol");
	struct tc_field host = tc_reader_field(dep->value, "host");
	bool typed = !type.value || tc_reader_is(r, &type, TC_STRING);
	bool spoken = !protocol.value || tc_reader_is(r, &protocol, TC_STRING);
	const struct tc_protocol *known = protocol_of(tc_text(protocol.value));

	if (!typed || !spoken)
		return;
	if (tc_is_string(type.value, TC_DYNAMIC_TARGET))
		read_dynamic_target(r, dep, &type);
	else if (known && !known->port)
		dep->kind = TC_DEP_MODULES;
	else if (tc_reader_is(r, &host, TC_STRING))
		read_host(r, dep, &host, &protocol);
	else if (known && !host.value)
		refuse_without_host(r, &protocol);
}

void tc_dependency_read(struct tc_reader *r, struct tc_dep *dep)
{
	if (tc_str_starts(dep->name, TC_PLATFORM_PREFIX))
		read_service(r, dep);
	else if (is_body(r, dep) && tc_is(dep->value, TC_MAP))
		read_own(r, dep);
}
