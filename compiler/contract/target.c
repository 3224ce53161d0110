#include "compiler/contract/contract_read.h"

const char *const tc_transports[] = {"TCP", "UDP", "SCTP", NULL};

static bool has_suffix(struct tc_str t, const char *suffix)
{
	size_t n = strlen(suffix);

	return t.len >= n && memcmp(t.s + t.len - n, suffix, n) == 0;
}

static char *lower_copy(struct tc_arena *mem, struct tc_str text)
{
	char *copy = tc_strndup(mem, text.s, text.len);

	for (char *c = copy; *c; c++)
		if (tc_is_upper(*c))
			*c = (char)(*c - 'A' + 'a');
	if (text.len && copy[text.len - 1] == '.')
		copy[text.len - 1] = '\0';
	return copy;
}

const char *tc_target_host_key(struct tc_arena *mem, struct tc_str host)
{
	static const char cluster[] = ".cluster.local";
	char *key = lower_copy(mem, host);
	size_t len = strlen(key);
	struct tc_cidr address;

	if (has_suffix(tc_str(key), ".svc.cluster.local"))
		key[len - strlen(cluster)] = '\0';
	/* One address has many spellings. */
	return tc_cidr_parse(mem, tc_str(key), &address) ? key : tc_cidr_text(mem, &address);
}

/* Refuses a block inside a private range without the platform's consent; collects the ranges inside a wider one. */
static bool keep_private(struct tc_reader *r, struct tc_pos at, struct tc_egress_to *to)
{
	size_t n;
	const struct tc_cidr *ranges = tc_private_ranges(to->cidr.v6, &n);
	struct tc_cidr *except = NULL;

	for (size_t i = 0; i < n; i++) {
		bool inside = tc_cidr_contains(&ranges[i], &to->cidr), allowed = false;
		struct tc_diag *diag;

		if (!tc_cidr_overlaps(&ranges[i], &to->cidr))
			continue;
		for (size_t k = 0; k < r->nallowed && !allowed; k++)
			allowed = tc_cidr_contains(&r->allowed[k], inside ? &to->cidr : &ranges[i]);
		if (allowed)
			continue;
		if (!inside) {
			if (!except)
				except = tc_alloc(r->mem, n * sizeof(except[0]));
			except[to->nexcept++] = ranges[i];
			continue;
		}
		diag = tc_diag(r->diags, TC_MSG_PRIVATE_CIDR, at, "%s lies in %s, which is not open to the public",
			       tc_cidr_text(r->mem, &to->cidr), tc_cidr_text(r->mem, &ranges[i]));
		tc_diag_help(diag, "the platform may allow it under network.allowedCidrs in the configuration");
		return false;
	}
	to->except = except;
	return true;
}

bool tc_target_block(struct tc_reader *r, const struct tc_field *cidr, struct tc_egress_to *to)
{
	const char *fault;

	if (!tc_reader_is(r, cidr, TC_STRING))
		return false;
	to->at = tc_node_pos(cidr->value);
	fault = tc_cidr_parse(r->mem, tc_text(cidr->value), &to->cidr);
	if (!fault)
		return keep_private(r, to->at, to);
	tc_diag(r->diags, TC_MSG_BAD_CIDR, to->at, "%s %s %s", cidr->name, tc_reader_show(r, cidr->value), fault);
	return false;
}

static bool names_port(const struct tc_egress_to *to, unsigned number)
{
	for (size_t i = 0; i < to->nports; i++)
		if (to->ports[i].number == number && strcmp(to->ports[i].protocol, "TCP") == 0)
			return true;
	return false;
}

static bool covers(const struct tc_egress_to *to, const struct tc_cidr *block)
{
	if (!tc_cidr_overlaps(&to->cidr, block))
		return false;
	for (size_t i = 0; i < to->nexcept; i++)
		if (tc_cidr_contains(&to->except[i], block))
			return false;
	return true;
}

static bool refuse_platform_block(struct tc_reader *r, const struct tc_egress_to *to, const struct tc_platform_host *p,
				  const struct tc_cidr *block)
{
	struct tc_diag *diag =
		tc_diag(r->diags, TC_MSG_PLATFORM_HOST, to->at, "%s with port %u reaches the platform's %s at %s",
			tc_cidr_text(r->mem, &to->cidr), p->port, p->service->title, tc_cidr_text(r->mem, block));

	if (tc_cidr_contains(block, &to->cidr))
		tc_diag_help(diag, "declare %s instead", p->service->dependency);
	else
		tc_diag_help(diag, "declare %s, and leave its addresses or its port out here", p->service->dependency);
	return false;
}

bool tc_target_not_platform(struct tc_reader *r, const struct tc_egress_to *to)
{
	for (size_t i = 0; i < r->nplatform; i++) {
		const struct tc_platform_host *p = &r->platform[i];

		for (size_t k = 0; k < p->nblocks && names_port(to, p->port); k++)
			if (covers(to, &p->blocks[k]))
				return refuse_platform_block(r, to, p, &p->blocks[k]);
	}
	return true;
}

static size_t dots(const char *name)
{
	size_t n = 0;

	for (; *name; name++)
		n += *name == '.';
	return n;
}

static bool is_platform_host(struct tc_reader *r, const struct tc_node *host)
{
	const char *key = tc_target_host_key(r->mem, tc_text(host));
	/* The search path of a pod completes postgres.data. */
	const char *completed = dots(key) == 1 ? tc_printf(r->mem, "%s.svc", key) : key;

	for (size_t i = 0; i < r->nplatform; i++) {
		const struct tc_service *service = r->platform[i].service;

		if (strcmp(key, r->platform[i].host) != 0 && strcmp(completed, r->platform[i].host) != 0)
			continue;
		tc_diag_help(tc_diag(r->diags, TC_MSG_PLATFORM_HOST, tc_node_pos(host), "host %s is the platform's %s",
				     tc_reader_show(r, host), service->title),
			     "declare %s instead", service->dependency);
		return true;
	}
	return false;
}

/* Names that a pod's search path would complete: a NetworkPolicy must know the namespace. */
static bool refuse_short_name(struct tc_reader *r, const struct tc_node *host, const char *name)
{
	bool single = !strchr(name, '.'), cluster = has_suffix(tc_str(name), ".cluster.local");
	struct tc_diag *diag;

	if (!single && !cluster && !has_suffix(tc_str(name), ".svc"))
		return false;
	diag = tc_diag(r->diags, TC_MSG_BAD_HOST, tc_node_pos(host), "host %s %s", tc_reader_show(r, host),
		       single ? "has no namespace" : "is in the cluster, but does not name a Service");
	tc_diag_help(diag, "write %s.<namespace>.svc: a NetworkPolicy needs the namespace",
		     single ? name : "<service>");
	return true;
}

static bool is_namespace(struct tc_reader *r, const char *name)
{
	static const char *const everywhere[] = {"default", "kube-system"};
	const struct tc_strings *allowed = &r->ctx->config->allowed_namespaces;

	if (r->ctx->enclave && strcmp(name, r->ctx->enclave) == 0)
		return true;
	for (size_t i = 0; i < TC_COUNT(everywhere); i++)
		if (strcmp(name, everywhere[i]) == 0)
			return true;
	for (size_t i = 0; i < r->nplatform; i++)
		if (r->platform[i].space && strcmp(name, r->platform[i].space) == 0)
			return true;
	for (size_t i = 0; i < allowed->count; i++)
		if (strcmp(name, allowed->list[i]) == 0)
			return true;
	return false;
}

/* cache.demo is cache.demo.svc to a pod's search path. With a dot at its end it is not completed: that is how to name a
 * host outside whose last part is called as a namespace is. */
static bool refuse_without_svc(struct tc_reader *r, const struct tc_node *host, const char *name)
{
	const char *space = strchr(name, '.');

	if (dots(name) != 1 || has_suffix(tc_text(host), ".") || !is_namespace(r, space + 1))
		return false;
	tc_diag_help(tc_diag(r->diags, TC_MSG_BAD_HOST, tc_node_pos(host),
			     "host %s is short for a Service of namespace \"%s\"", tc_reader_show(r, host), space + 1),
		     "write %s.svc, or \"%s.\" for a host outside the cluster", name, name);
	return true;
}

static bool may_reach(struct tc_reader *r, const struct tc_node *host, const char *ns)
{
	const struct tc_strings *allowed = &r->ctx->config->allowed_namespaces;

	if (!r->ctx->enclave || strcmp(ns, r->ctx->enclave) == 0)
		return true;
	for (size_t i = 0; i < allowed->count; i++)
		if (strcmp(ns, allowed->list[i]) == 0)
			return true;
	tc_diag_help(tc_diag(r->diags, TC_MSG_FOREIGN_NAMESPACE, tc_node_pos(host),
			     "host %s is in namespace \"%s\", the enclave is \"%s\"", tc_reader_show(r, host), ns,
			     r->ctx->enclave),
		     "the platform may allow it under network.allowedNamespaces in the configuration");
	return false;
}

bool tc_target_host(struct tc_reader *r, const struct tc_node *host, struct tc_egress_to *to)
{
	struct tc_str text = tc_text(host);
	bool is_ip;
	const char *fault = tc_host_fault(r->mem, text, &is_ip), *name;

	to->at = tc_node_pos(host);
	if (fault) {
		tc_diag(r->diags, TC_MSG_BAD_HOST, to->at, "host %s %s", tc_reader_show(r, host), fault);
		return false;
	}
	if (is_platform_host(r, host))
		return false;
	if (is_ip) {
		tc_cidr_parse(r->mem, text, &to->cidr);
		return keep_private(r, to->at, to);
	}
	name = lower_copy(r->mem, text);
	to->service_namespace = tc_host_namespace(r->mem, name);
	if (to->service_namespace ? !may_reach(r, host, to->service_namespace)
				  : refuse_short_name(r, host, name) || refuse_without_svc(r, host, name))
		return false;
	to->host = name;
	return true;
}

static const char *transport_of(struct tc_str name)
{
	for (size_t i = 0; tc_transports[i]; i++)
		if (tc_str_is(name, tc_transports[i]))
			return tc_transports[i];
	return NULL;
}

static bool refuse_port(struct tc_reader *r, const struct tc_node *port)
{
	tc_diag(r->diags, TC_MSG_BAD_PORT, tc_node_pos(port), "port %s is not a number from 1 to %d",
		tc_reader_show(r, port), TC_PORT_MAX);
	return false;
}

/* 443 or "443" */
static bool read_number(struct tc_reader *r, const struct tc_node *port, struct tc_str digits, struct tc_port *out)
{
	uint64_t value = 0;

	if (tc_is(port, TC_STRING)) {
		for (size_t i = 0; i < digits.len && value <= TC_PORT_MAX; i++) {
			if (!tc_is_digit(digits.s[i]) || digits.s[0] == '0')
				return refuse_port(r, port);
			value = value * 10 + (uint64_t)(digits.s[i] - '0');
		}
	} else if (!tc_as_int(port, TC_PORT_MAX, &value)) {
		return refuse_port(r, port);
	}
	if (value < 1 || value > TC_PORT_MAX)
		return refuse_port(r, port);
	*out = (struct tc_port){.number = (unsigned)value, .protocol = "TCP"};
	return true;
}

static bool read_transport(struct tc_reader *r, const struct tc_node *at, struct tc_str name, struct tc_port *out)
{
	out->protocol = transport_of(name);
	if (out->protocol)
		return true;
	tc_diag(r->diags, TC_MSG_BAD_PORT, tc_node_pos(at), "port protocol %s is not %s", tc_quote(r->mem, name),
		tc_reader_list(r, tc_transports, " or "));
	return false;
}

/* 443, "443" or "443/TCP" */
static bool read_short(struct tc_reader *r, const struct tc_node *port, struct tc_port *out)
{
	struct tc_str text = tc_text(port), digits = text;
	const char *slash = text.len ? memchr(text.s, '/', text.len) : NULL;

	if (slash)
		digits.len = (size_t)(slash - text.s);
	if (!read_number(r, port, digits, out))
		return false;
	if (!slash)
		return true;
	text.len -= digits.len + 1;
	text.s = slash + 1;
	return read_transport(r, port, text, out);
}

/* {port: 443, protocol: TCP}, as a NetworkPolicy has it */
static bool read_long(struct tc_reader *r, const struct tc_node *map, struct tc_port *out)
{
	static const char *const known[] = {"port", "protocol", NULL};
	struct tc_field port = tc_reader_field(map, "port"), protocol = tc_reader_field(map, "protocol");

	tc_reader_unknown(r, TC_MSG_UNKNOWN_CONTRACT_FIELD, map, known, "ports");
	if (!port.value) {
		tc_diag(r->diags, TC_MSG_BAD_PORT, tc_node_pos(port.key ? port.key : map),
			"no port given, expected a number from 1 to %d", TC_PORT_MAX);
		return false;
	}
	if (!read_number(r, port.value, tc_text(port.value), out))
		return false;
	if (!protocol.value)
		return true;
	return tc_reader_is(r, &protocol, TC_STRING) && read_transport(r, protocol.value, tc_text(protocol.value), out);
}

bool tc_target_port(struct tc_reader *r, const struct tc_node *port, struct tc_egress_to *to)
{
	to->ports = tc_alloc(r->mem, sizeof(to->ports[0]));
	if (!read_number(r, port, tc_text(port), &to->ports[0]))
		return false;
	to->nports = 1;
	return true;
}

bool tc_target_ports(struct tc_reader *r, const struct tc_field *list, struct tc_pos owner, struct tc_egress_to *to)
{
	bool fine = true;

	if (list->value && !tc_reader_is(r, list, TC_SEQ))
		return false;
	if (!list->value || list->value->count == 0) {
		const struct tc_node *at = list->value ? list->value : list->key;

		tc_diag_help(tc_diag(r->diags, TC_MSG_BAD_PORT, at ? tc_node_pos(at) : owner, "no ports given in %s",
				     list->name),
			     "write %s: [\"443/TCP\"]", list->name);
		return false;
	}
	to->ports = tc_alloc(r->mem, list->value->count * sizeof(to->ports[0]));
	for (const struct tc_node *i = tc_item(list->value); i; i = tc_item_next(i)) {
		struct tc_port *out = &to->ports[to->nports];

		if (tc_is(i, TC_MAP) ? read_long(r, i, out) : read_short(r, i, out))
			to->nports++;
		else
			fine = false;
	}
	return fine;
}

static bool read_extra(struct tc_reader *r, const struct tc_node *item, struct tc_egress_to *to)
{
	static const char *const known[] = {"toCIDR", "ports", "reason", NULL};
	struct tc_field block = tc_reader_field(item, "toCIDR"), ports = tc_reader_field(item, "ports");
	struct tc_field reason = tc_reader_field(item, "reason");
	bool fine;

	tc_reader_unknown(r, TC_MSG_UNKNOWN_CONTRACT_FIELD, item, known, "additionalEgress");
	if (block.value) {
		fine = tc_target_block(r, &block, to);
	} else {
		fine = false;
		tc_diag_help(tc_diag(r->diags, TC_MSG_NO_TARGET, tc_node_pos(block.key ? block.key : item),
				     "a rule of additionalEgress needs toCIDR"),
			     "add toCIDR: 203.0.113.0/24");
	}
	fine &= tc_target_ports(r, &ports, tc_node_pos(item), to);
	if (reason.value)
		fine &= tc_reader_is(r, &reason, TC_STRING);
	return fine && tc_target_not_platform(r, to);
}

void tc_target_extra(struct tc_reader *r, const struct tc_node *network_policy, struct tc_contract *contract)
{
	struct tc_field list = tc_reader_field(network_policy, "additionalEgress");
	size_t cap = 0;

	if (!tc_reader_is(r, &list, TC_SEQ))
		return;
	if (tc_reader_too_many(r, list.value, "additionalEgress", tc_deref(list.value)->count))
		return;
	for (const struct tc_node *i = tc_item(list.value); i; i = tc_item_next(i)) {
		struct tc_egress_to to = {0};

		if (!tc_is(i, TC_MAP)) {
			tc_diag_help(tc_diag(r->diags, TC_MSG_BAD_FIELD_TYPE, tc_node_pos(i),
					     "a rule of additionalEgress is %s, expected a mapping", tc_kind_name(i)),
				     "write toCIDR:, ports: and reason: in it");
		} else if (read_extra(r, i, &to)) {
			tc_grow(r->mem, contract->extra, contract->nextra, cap);
			contract->extra[contract->nextra++] = to;
		}
	}
}
