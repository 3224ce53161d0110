#include "compiler/contract/config_table.h"

#include "compiler/contract/catalogue.h"
#include "compiler/contract/identity.h"
#include "compiler/contract/netaddr.h"

#define LABEL_PATTERN "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
#define CONFIG_MAP_KEY_PATTERN "^[-._a-zA-Z0-9]{1,253}$"

static const char *label_fault(struct tc_arena *mem, const char *value)
{
	return tc_label_fault(mem, tc_str(value));
}

static const char *host_fault(struct tc_arena *mem, const char *value)
{
	bool is_ip;

	return tc_host_fault(mem, tc_str(value), &is_ip);
}

static const char *cidr_fault(struct tc_arena *mem, const char *value)
{
	struct tc_cidr cidr;

	return tc_cidr_parse(mem, tc_str(value), &cidr);
}

static const char *config_map_key_fault(struct tc_arena *mem, const char *value)
{
	size_t len = strlen(value);

	if (len < 1 || len > 253)
		return tc_printf(mem, "is %zu characters long, a key of a ConfigMap has 1 to 253", len);
	for (const char *c = value; *c; c++)
		if (!tc_is_lower(*c) && !tc_is_upper(*c) && !tc_is_digit(*c) && !strchr("-._", *c))
			return "has a character that keys of ConfigMaps don't, allowed are letters, digits, -, . and _";
	return NULL;
}

static const char *pem_fault(struct tc_arena *mem, const char *value)
{
	(void)mem;
	if (strstr(value, "PRIVATE KEY-----"))
		return "holds a private key, only certificates belong here";
	return strstr(value, "-----BEGIN CERTIFICATE-----") ? NULL : "holds no certificate in PEM form";
}

static const char *const modes[] = {[TC_MODE_ENFORCE] = "enforce", [TC_MODE_AUDIT] = "audit", NULL};
static const char *const details[] = {"standard", "full", NULL};
static const char *const netpol_modes[] = {
	[TC_NETPOL_CONTRACT] = "contract", [TC_NETPOL_SERVICES] = "services", [TC_NETPOL_OFF] = "off", NULL};
static const char *const tls_modes[] = {"disable", "require", "verify-full", NULL};
static const char *const dns_labels[] = {"k8s-app", "kube-dns", NULL};

/* What rows of one sort share. */
#define FIELD(type_, field) .type = (type_), .offset = offsetof(struct tc_config, field)
#define LABEL(field) FIELD(TC_ROW_STRING, field), .what = "a name", .fault = label_fault, .pattern = LABEL_PATTERN
#define HOST(field) FIELD(TC_ROW_STRING, field), .what = "a DNS name or an IP address", .fault = host_fault
#define PORT(field) FIELD(TC_ROW_INT, field), .min = 1, .max = 65535
#define CIDRS(field) FIELD(TC_ROW_STRINGS, field), .what = "blocks of addresses", .fault = cidr_fault
#define LABELS(field) FIELD(TC_ROW_LABELS, field), .what = "labels"

/* clang-format off */
static const struct tc_row global_rows[] = {
	{.path = "apiVersion", .type = TC_ROW_FIXED, .fallback = TC_CONFIG_API_VERSION,
	 .help = "the version of this form"},
	{.path = "kind", .type = TC_ROW_FIXED, .fallback = TC_CONFIG_KIND,
	 .help = "what the file is"},
	{.path = "metadata", .type = TC_ROW_IGNORED,
	 .help = "for tools that want every file to have a name; not read"},

	{.path = "installation", LABEL(installation), .flags = TC_ROW_OUTPUT, .fallback = "default",
	 .help = "the name of this installation; credentials depend on it, and services refuse what another one made"},
	{.path = "level", FIELD(TC_ROW_INT, level), .number = 1, .min = 1, .max = 1000000,
	 .help = "the shape of what tentc makes; raising it rolls the workloads"},
	{.path = "mode", FIELD(TC_ROW_CHOICE, mode), .store = TC_STORE_INDEX, .choices = modes, .fallback = "enforce",
	 .help = "audit: only warn, for roll-out"},
	{.path = "bindings", FIELD(TC_ROW_BOOL, bindings), .flags = TC_ROW_OUTPUT,
	 .help = "also mount each service in the Service Binding layout"},

	{.path = "credentials", .type = TC_ROW_GROUP,
	 .help = "how credentials are derived"},
	{.path = "credentials.keyId", LABEL(key_id), .flags = TC_ROW_OUTPUT, .fallback = "k1",
	 .help = "the root key that credentials are derived from; another one rotates all"},

	{.path = "contract", .type = TC_ROW_GROUP,
	 .help = "where contracts stand and what is filled in"},
	{.path = "contract.detail", FIELD(TC_ROW_CHOICE, contract_full), .store = TC_STORE_FLAG, .choices = details,
	 .flags = TC_ROW_OUTPUT, .fallback = "standard",
	 .help = "full: also schema and auth, for runtimes that resolve secrets by name"},
	{.path = "contract.key", FIELD(TC_ROW_STRING, contract_key), .what = "a key of a ConfigMap",
	 .fault = config_map_key_fault, .pattern = CONFIG_MAP_KEY_PATTERN, .flags = TC_ROW_OUTPUT,
	 .fallback = "workflow.yaml",
	 .help = "the key of a ConfigMap that holds a workflow"},

	{.path = "network", .type = TC_ROW_GROUP,
	 .help = "the cluster's network, and what the platform consents to"},
	{.path = "network.dns", .type = TC_ROW_GROUP,
	 .help = "where the cluster's DNS is"},
	{.path = "network.dns.namespace", LABEL(dns_namespace), .flags = TC_ROW_OUTPUT | TC_ROW_RULES,
	 .fallback = "kube-system",
	 .help = "the namespace of the DNS pods"},
	{.path = "network.dns.podLabels", LABELS(dns_labels), .flags = TC_ROW_OUTPUT | TC_ROW_RULES,
	 .labels = dns_labels,
	 .help = "the labels of the DNS pods; {} for every pod of the namespace"},
	{.path = "network.dns.port", PORT(dns_port), .flags = TC_ROW_OUTPUT | TC_ROW_RULES, .number = 53,
	 .help = "the port of the DNS pods, over UDP and TCP"},
	{.path = "network.allowedNamespaces", FIELD(TC_ROW_STRINGS, allowed_namespaces), .what = "namespaces",
	 .fault = label_fault, .pattern = LABEL_PATTERN, .flags = TC_ROW_OUTPUT,
	 .help = "other namespaces of the cluster that contracts may name hosts in"},
	{.path = "network.allowedCidrs", CIDRS(allowed_cidrs), .flags = TC_ROW_OUTPUT,
	 .help = "private blocks of addresses that contracts may name"},

	{.path = "networkPolicy", .type = TC_ROW_GROUP,
	 .help = "the egress rules of the tentacles"},
	{.path = "networkPolicy.mode", FIELD(TC_ROW_CHOICE, netpol_mode), .store = TC_STORE_INDEX,
	 .choices = netpol_modes, .flags = TC_ROW_OUTPUT, .fallback = "contract",
	 .help = "contract: services and the author's own dependencies; services: only the platform's; off: none"},
	{.path = "networkPolicy.defaultDeny", FIELD(TC_ROW_BOOL, default_deny),
	 .help = "enclaves deny egress by themselves, so a new policy takes nothing away and needs no warning"},
	{.path = "networkPolicy.moduleProxy", .type = TC_ROW_GROUP,
	 .help = "a proxy for the module registries of jsr and npm dependencies"},
	{.path = "networkPolicy.moduleProxy.host", HOST(module_proxy), .flags = TC_ROW_OUTPUT, .fallback = "",
	 .help = "its host; empty: there is none"},
	{.path = "networkPolicy.moduleProxy.port", PORT(module_proxy_port), .flags = TC_ROW_OUTPUT | TC_ROW_PROXY,
	 .number = 443,
	 .help = "its port"},
	{.path = "networkPolicy.moduleProxy.cidrs", CIDRS(module_proxy_peer.cidrs),
	 .flags = TC_ROW_OUTPUT | TC_ROW_PROXY | TC_ROW_RULES,
	 .help = "its addresses, where it is outside the cluster"},
	{.path = "networkPolicy.moduleProxy.podLabels", LABELS(module_proxy_peer.pod_labels),
	 .flags = TC_ROW_OUTPUT | TC_ROW_PROXY | TC_ROW_RULES,
	 .help = "the labels of its pods; empty: every pod of its namespace"},
	{.path = "networkPolicy.moduleProxy.podPort", PORT(module_proxy_peer.pod_port),
	 .flags = TC_ROW_OUTPUT | TC_ROW_PROXY | TC_ROW_RULES,
	 .help = "the port of its pods, where the Service's differs"},

	{.path = "controller", .type = TC_ROW_GROUP,
	 .help = "the controller's own"},
	{.path = "controller.namespace", LABEL(controller_namespace), .fallback = "tentacular-system",
	 .help = "where its records and its Lease are"},
	{.path = "controller.resync", FIELD(TC_ROW_INT, controller_resync), .number = 600, .min = 1, .max = 86400,
	 .help = "seconds between two looks over all that the services have"},

	{.path = "undeploy", .type = TC_ROW_GROUP,
	 .help = "what the controller does when a workload is gone; nothing of it touches what is compiled"},
	{.path = "undeploy.grace", FIELD(TC_ROW_INT, undeploy_grace), .number = 60, .min = 1, .max = 604800,
	 .help = "seconds between the two looks that have to miss a workload before its access is revoked"},
	{.path = "undeploy.jobGrace", FIELD(TC_ROW_INT, undeploy_job_grace), .number = 86400, .min = 1, .max = 31536000,
	 .help = "the same for a Job, which may be gone because it is done"},
	{.path = "undeploy.allowAnnotation", FIELD(TC_ROW_BOOL, undeploy_allow_annotation),
	 .help = "whether tentacular.io/undeploy: destroy on a workload counts when it is deleted"},
	{.path = "undeploy.destroyDelay", FIELD(TC_ROW_INT, undeploy_destroy_delay), .number = 86400, .min = 60,
	 .max = 31536000,
	 .help = "seconds from then until its data is destroyed; a new deployment cancels it"},

	{.path = "services", .type = TC_ROW_GROUP,
	 .help = "the services of the exoskeleton"},
};

/* Rows that every service has; offsets are those of the first service, fallbacks come from the catalogue. */
static const struct tc_row enabled_row =
	{.path = "enabled", FIELD(TC_ROW_BOOL, services[0].enabled), .flags = TC_ROW_OUTPUT | TC_ROW_ENABLES,
	 .number = 1,
	 .help = "contracts may ask for it"};

static const struct tc_row network_rows[] = {
	{.path = "host", HOST(services[0].host), .flags = TC_ROW_OUTPUT,
	 .help = "where tentacles reach it"},
	{.path = "port", PORT(services[0].port), .flags = TC_ROW_OUTPUT,
	 .help = "the port at that host"},
	{.path = "tls", .type = TC_ROW_GROUP,
	 .help = "how tentacles speak to it"},
	{.path = "tls.mode", FIELD(TC_ROW_CHOICE, services[0].tls_mode), .choices = tls_modes, .flags = TC_ROW_OUTPUT,
	 .fallback = "",
	 .help = "disable, require (encrypted), verify-full (and the certificate is checked); empty: the client decides"},
	{.path = "tls.ca", FIELD(TC_ROW_STRING, services[0].tls_ca), .what = "certificates in PEM form",
	 .fault = pem_fault, .flags = TC_ROW_OUTPUT, .fallback = "",
	 .help = "the certificates that the service's own is checked with, PEM"},
	{.path = "network", .type = TC_ROW_GROUP,
	 .help = "where NetworkPolicies find it"},
	{.path = "network.cidrs", CIDRS(services[0].peer.cidrs), .flags = TC_ROW_OUTPUT | TC_ROW_RULES,
	 .help = "its addresses, where it is outside the cluster"},
	{.path = "network.podLabels", LABELS(services[0].peer.pod_labels), .flags = TC_ROW_OUTPUT | TC_ROW_RULES,
	 .help = "the labels of its pods; empty: every pod of its namespace"},
	{.path = "network.podPort", PORT(services[0].peer.pod_port), .flags = TC_ROW_OUTPUT | TC_ROW_RULES,
	 .help = "the port of its pods, where the Service's differs"},
};

/* services.<key>.admin: none of it is TC_ROW_OUTPUT. */
static const struct tc_row admin_group =
	{.path = "admin", .type = TC_ROW_GROUP,
	 .help = "how registrars log in as the administrator; secrets only as files or in the environment"};

static const struct tc_row admin_rows[] = {
	{.path = "admin.host", HOST(services[0].admin.host), .fallback = "",
	 .help = "where registrars reach it; empty: at the tentacles' host"},
	{.path = "admin.port", PORT(services[0].admin.port),
	 .help = "the port at that host; left out: the tentacles' port"},
	{.path = "admin.tls", .type = TC_ROW_GROUP,
	 .help = "how registrars speak to it"},
	{.path = "admin.tls.mode", FIELD(TC_ROW_CHOICE, services[0].admin.tls_mode), .choices = tls_modes,
	 .fallback = "",
	 .help = "disable, require, verify-full; empty: as tentacles do"},
	{.path = "admin.tls.ca", FIELD(TC_ROW_STRING, services[0].admin.tls_ca), .what = "certificates in PEM form",
	 .fault = pem_fault, .fallback = "",
	 .help = "the certificates that the service's own is checked with, PEM; empty: the tentacles'"},
};

/* Who the administrator is: one of the two. */
static const struct tc_row admin_login_rows[] = {
	{.path = "admin.user", FIELD(TC_ROW_STRING, services[0].admin.user), .what = "a name", .fallback = "",
	 .help = "the administrator's name"},
	{.path = "admin.passwordFile", FIELD(TC_ROW_STRING, services[0].admin.password_file), .what = "a file",
	 .fallback = "",
	 .help = "the file that holds the administrator's password"},
};

static const struct tc_row admin_key_pair_rows[] = {
	{.path = "admin.accessKeyFile", FIELD(TC_ROW_STRING, services[0].admin.user_file), .what = "a file",
	 .fallback = "",
	 .help = "the file that holds the administrator's access key"},
	{.path = "admin.secretKeyFile", FIELD(TC_ROW_STRING, services[0].admin.password_file), .what = "a file",
	 .fallback = "",
	 .help = "the file that holds the administrator's secret key"},
};

static const struct tc_row limits_group =
	{.path = "limits", .type = TC_ROW_GROUP,
	 .help = "how much of it there is for each; read by registrars"};
/* clang-format on */

struct builder {
	struct tc_arena *mem;
	struct tc_rows rows;
	size_t cap;
};

static struct tc_row *add(struct builder *b, const struct tc_row *row)
{
	tc_grow(b->mem, b->rows.list, b->rows.count, b->cap);
	b->rows.list[b->rows.count] = *row;
	return &b->rows.list[b->rows.count++];
}

/* A row of the tables above, moved to the nth service. */
static struct tc_row *add_of_service(struct builder *b, const struct tc_row *row, size_t nth)
{
	struct tc_row *added = add(b, row);

	added->path = tc_printf(b->mem, "services.%s.%s", tc_services[nth]->key, row->path);
	added->offset += nth * sizeof(struct tc_service_config);
	added->service = (int)nth;
	return added;
}

/* A service's own key: prefix "" and flags TC_ROW_OUTPUT for `settings`, "admin." and none for `admin_settings`. */
static void add_setting(struct builder *b, size_t nth, const struct tc_setting *setting, const char *prefix,
			size_t offset, unsigned flags)
{
	bool choice = setting->type == TC_SETTING_ENUM, template = setting->type == TC_SETTING_TEMPLATE;

	add_of_service(b,
		       &(struct tc_row){.path = tc_printf(b->mem, "%s%s", prefix, setting->name),
					.help = setting->help,
					.type = choice ? TC_ROW_CHOICE : TC_ROW_STRING,
					.flags = flags | (template ? TC_ROW_TEMPLATE : 0),
					.offset = offset,
					.fallback = setting->fallback,
					.choices = setting->choices,
					.fault = setting->fault,
					.what = "a string"},
		       nth);
}

static void add_admin(struct builder *b, size_t nth)
{
	const struct tc_service *service = tc_services[nth];
	const struct tc_row *login = service->admin_key_pair ? admin_key_pair_rows : admin_login_rows;
	size_t count = service->admin_key_pair ? TC_COUNT(admin_key_pair_rows) : TC_COUNT(admin_login_rows);

	add_of_service(b, &admin_group, nth);
	for (size_t i = 0; i < TC_COUNT(admin_rows); i++)
		add_of_service(b, &admin_rows[i], nth);
	for (size_t i = 0; i < count; i++)
		add_of_service(b, &login[i], nth);
	for (size_t i = 0; service->admin_settings && service->admin_settings[i].name; i++) {
		if (i >= TC_SETTINGS_MAX)
			abort(); /* unreachable: the catalogue has no service with that many */
		add_setting(b, nth, &service->admin_settings[i], "admin.",
			    offsetof(struct tc_config, services[0].admin.settings) + i * sizeof(const char *), 0);
	}
}

static void add_limits(struct builder *b, size_t nth)
{
	const struct tc_service_limit *limits = tc_services[nth]->limits;

	if (limits)
		add_of_service(b, &limits_group, nth);
	for (size_t i = 0; limits && limits[i].name; i++) {
		if (i >= TC_SERVICE_LIMITS_MAX)
			abort(); /* unreachable: the catalogue has no service with that many */
		add_of_service(b,
			       &(struct tc_row){.path = tc_printf(b->mem, "limits.%s", limits[i].name),
						.help = limits[i].help,
						.type = TC_ROW_INT,
						.offset = offsetof(struct tc_config, services[0].limits) +
							  i * sizeof(unsigned),
						.number = limits[i].fallback,
						.min = limits[i].min,
						.max = limits[i].max},
			       nth);
	}
}

static void add_service(struct builder *b, size_t nth)
{
	const struct tc_service *service = tc_services[nth];

	if (nth >= TC_SERVICES_MAX)
		abort(); /* unreachable: the catalogue has fewer services */
	add(b, &(struct tc_row){.type = TC_ROW_GROUP,
				.path = tc_printf(b->mem, "services.%s", service->key),
				.help = tc_printf(b->mem, "%s, which contracts call %s", service->title,
						  service->dependency),
				.service = (int)nth});
	add_of_service(b, &enabled_row, nth);
	for (size_t i = 0; service->host && i < TC_COUNT(network_rows); i++) {
		struct tc_row *row = add_of_service(b, &network_rows[i], nth);

		if (strcmp(network_rows[i].path, "host") == 0)
			row->fallback = service->host;
		else if (strcmp(network_rows[i].path, "port") == 0)
			row->number = service->port;
	}
	for (size_t i = 0; service->settings[i].name; i++) {
		if (i >= TC_SETTINGS_MAX)
			abort(); /* unreachable: the catalogue has no service with that many */
		add_setting(b, nth, &service->settings[i], "",
			    offsetof(struct tc_config, services[0].settings) + i * sizeof(const char *), TC_ROW_OUTPUT);
	}
	if (service->host)
		add_admin(b, nth);
	add_limits(b, nth);
}

struct tc_rows tc_config_rows(struct tc_arena *mem)
{
	struct builder b = {.mem = mem};

	for (size_t i = 0; i < TC_COUNT(global_rows); i++)
		add(&b, &global_rows[i])->service = -1;
	for (size_t i = 0; tc_services[i]; i++)
		add_service(&b, i);
	return b.rows;
}

const char *tc_row_key(const struct tc_row *row, const char *prefix)
{
	size_t len = strlen(prefix);
	const char *key = row->path;

	if (len > 0) {
		if (strncmp(key, prefix, len) != 0 || key[len] != '.')
			return NULL;
		key += len + 1;
	}
	return strchr(key, '.') ? NULL : key;
}
