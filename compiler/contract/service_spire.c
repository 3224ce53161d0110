/* SPIRE: an X.509 identity for each tentacle, handed out through a socket that a CSI driver mounts. */
#include "compiler/contract/services.h"

#define SOCKET_MOUNT "/spiffe-workload-api"
#define SOCKET_URI "unix://" SOCKET_MOUNT "/"

enum { TRUST_DOMAIN, CLASS_NAME, SOCKET };

static bool is_name_byte(char c)
{
	return tc_is_lower(c) || tc_is_digit(c) || c == '.' || c == '-' || c == '_';
}

static const char *trust_domain_fault(struct tc_arena *mem, const char *value)
{
	size_t len = strlen(value);

	if (len == 0)
		return "is empty, a trust domain has 1 to 255 characters";
	if (len > 255)
		return tc_printf(mem, "is %zu characters long, a trust domain has at most 255", len);
	for (const char *c = value; *c; c++)
		if (!is_name_byte(*c))
			return "has a character that trust domains don't, allowed are a-z, 0-9, ., - and _";
	return NULL;
}

static const char *class_name_fault(struct tc_arena *mem, const char *value)
{
	size_t len = strlen(value);

	if (len > 253)
		return tc_printf(mem, "is %zu characters long, a class name has at most 253", len);
	for (const char *c = value; *c; c++)
		if (!is_name_byte(*c) && !tc_is_upper(*c))
			return "has a character that class names don't, allowed are letters, digits, ., - and _";
	return NULL;
}

/* The volume stands where it stands: a socket elsewhere would not be in the pod. */
static const char *socket_fault(struct tc_arena *mem, const char *value)
{
	size_t len = strlen(SOCKET_URI);

	(void)mem;
	if (strncmp(value, SOCKET_URI, len) != 0)
		return "does not begin with " SOCKET_URI ", where the CSI volume is mounted";
	if (!value[len] || value[len] == '.')
		return "names no file in " SOCKET_MOUNT;
	for (const char *c = value + len; *c; c++)
		if (!is_name_byte(*c) && !tc_is_upper(*c))
			return "has a file name with other characters than letters, digits, ., - and _";
	return NULL;
}

static const struct tc_setting settings[] = {
	[TRUST_DOMAIN] = {.name = "trustDomain",
			  .type = TC_SETTING_TEMPLATE,
			  .fallback = "tentacular.local",
			  .fault = trust_domain_fault,
			  .help = "the trust domain of the SPIRE server; {enclave} where each enclave has a server"},
	[CLASS_NAME] =
		{.name = "className",
		 .type = TC_SETTING_TEMPLATE,
		 .fallback = "",
		 .fault = class_name_fault,
		 .help = "className of the ClusterSPIFFEIDs: which spire-controller-manager handles them; empty: "
			 "the one without a class"},
	[SOCKET] = {.name = "socket",
		    .type = TC_SETTING_STRING,
		    .fallback = SOCKET_URI "spire-agent.sock",
		    .fault = socket_fault,
		    .help = "the workload API as the pod sees it: the file's name depends on the agent"},
	{0},
};

static const char *trust_domain(const struct tc_subject *s)
{
	return tc_template_expand(s->mem, s->service->settings[TRUST_DOMAIN], s->enclave);
}

static const char *class_name(const struct tc_subject *s)
{
	const char *name = tc_template_expand(s->mem, s->service->settings[CLASS_NAME], s->enclave);

	return *name ? name : NULL;
}

static const char *id(const struct tc_subject *s)
{
	return tc_printf(s->mem, "spiffe://%s/ns/%s/wf/%s", trust_domain(s), s->enclave, s->name);
}

static const char *socket_uri(const struct tc_subject *s)
{
	return s->service->settings[SOCKET];
}

static const char *registration(const struct tc_subject *s)
{
	return tc_printf(s->mem, "tentacular.%s.%s", s->enclave, s->name);
}

static const struct tc_value values[] = {
	TC_VALUE_PROTOCOL("the SPIFFE workload API"),
	{"id", TC_V_CONTRACT | TC_V_SECRET | TC_V_IDENTITY | TC_V_UNIQUE, id, "the SPIFFE ID of the tentacle"},
	{"socket", TC_V_CONTRACT | TC_V_SECRET, socket_uri, "the socket of the workload API"},
	{"clusterspiffeid", TC_V_IDENTITY | TC_V_UNIQUE, registration, "the name of the ClusterSPIFFEID"},
	{"class_name", 0, class_name, "className of the ClusterSPIFFEID, where the platform has set one"},
	{0},
};

const struct tc_service tc_service_spire = {
	.key = "spire",
	.title = "SPIRE",
	.dependency = "tentacular-spire",
	.alias = "tentacular-identity",
	.protocols = (const char *const[]){"spiffe", "spire", NULL},
	.values = values,
	.binding_type = "spiffe",
	.settings = settings,
	.csi_driver = "csi.spiffe.io",
	.csi_volume = "spiffe-workload-api",
	.csi_mount = SOCKET_MOUNT,
	.socket_env = "SPIFFE_ENDPOINT_SOCKET",
	.socket = socket_uri,
	.registers_identity = true,
};
