/* PostgreSQL: a role and a schema of one name for each tentacle. */
#include "compiler/contract/services.h"

enum { DATABASE };

static const char *database_fault(struct tc_arena *mem, const char *value)
{
	size_t len = strlen(value);

	if (len == 0)
		return "is empty, a database has a name of 1 to 63 bytes";
	if (len > 63)
		return tc_printf(mem, "is %zu bytes long, the name of a database has at most 63", len);
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return "holds a control character";
	return NULL;
}

static const struct tc_setting settings[] = {
	[DATABASE] = {.name = "database",
		      .type = TC_SETTING_TEMPLATE,
		      .fallback = "tentacular",
		      .fault = database_fault,
		      .help = "the database of the tentacles' schemas; {enclave} gives each enclave its own"},
	{0},
};

static const struct tc_setting admin_settings[] = {
	{.name = "database",
	 .fallback = "postgres",
	 .fault = database_fault,
	 .help = "the database that registrars connect to where each enclave has its own"},
	{0},
};

static const struct tc_service_limit limits[] = {
	{"connections", 20, 1, 262143, "the connections of one tentacle"},
	{0},
};

static const char *database(const struct tc_subject *s)
{
	return tc_template_expand(s->mem, s->service->settings[DATABASE], s->enclave);
}

static const char *group(const struct tc_subject *s)
{
	return tc_name_enclave(s->mem, s->enclave);
}

/* RFC 3986: whatever is not unreserved is escaped, so that no name or password can end its part of the URI. */
static void add_escaped(struct tc_buf *out, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (const char *c = text; *c; c++) {
		if (tc_is_digit(*c) || tc_is_lower(*c) || tc_is_upper(*c) || strchr("-._~", *c)) {
			tc_buf_putc(out, *c);
			continue;
		}
		tc_buf_putc(out, '%');
		tc_buf_putc(out, digits[(unsigned char)*c >> 4]);
		tc_buf_putc(out, digits[(unsigned char)*c & 15]);
	}
}

static void add_host(struct tc_buf *out, const char *host)
{
	if (!strchr(host, ':')) {
		tc_buf_puts(out, host);
		return;
	}
	tc_buf_putc(out, '[');
	tc_buf_puts(out, host);
	tc_buf_putc(out, ']');
}

static const char *uri(const struct tc_subject *s)
{
	_cleanup_buf_ struct tc_buf out = {.secret = true};

	tc_buf_puts(&out, "postgresql://");
	add_escaped(&out, tc_value_tentacle(s));
	tc_buf_putc(&out, ':');
	add_escaped(&out, tc_value_named(s, "password"));
	tc_buf_putc(&out, '@');
	add_host(&out, s->service->host);
	tc_buf_printf(&out, ":%u/", s->service->port);
	add_escaped(&out, database(s));
	if (*s->service->tls_mode) {
		tc_buf_puts(&out, "?sslmode=");
		tc_buf_puts(&out, s->service->tls_mode);
	}
	return tc_strndup(s->mem, tc_buf_str(&out).s, out.len);
}

static const struct tc_value values[] = {
	TC_VALUE_PROTOCOL("the wire protocol of PostgreSQL"),
	TC_VALUE_HOST,
	TC_VALUE_PORT,
	{"database", TC_V_CONTRACT | TC_V_SECRET | TC_V_IDENTITY, database, "the database of the schema"},
	{"user", TC_V_CONTRACT | TC_V_SECRET | TC_V_IDENTITY | TC_V_UNIQUE, tc_value_tentacle, "the role that logs in"},
	{"schema", TC_V_FULL | TC_V_IDENTITY | TC_V_UNIQUE, tc_value_tentacle, "the schema that the role owns"},
	{"group", TC_V_IDENTITY, group, "the group role of the enclave, which may connect to the database"},
	{"password", TC_V_SECRET | TC_V_CREDENTIAL, NULL, "the password of the role"},
	{"uri", TC_V_SECRET | TC_V_CREDENTIAL, uri, "all of it as one connection URI"},
	TC_VALUE_TLS_MODE,
	TC_VALUE_TLS_CA,
	{0},
};

const struct tc_service tc_service_postgres = {
	.key = "postgres",
	.title = "PostgreSQL",
	.dependency = "tentacular-postgres",
	.protocols = (const char *const[]){"postgres", "postgresql", NULL},
	.values = values,
	.binding_type = "postgresql",
	.settings = settings,
	.admin_settings = admin_settings,
	.limits = limits,
	.host = "postgres.tentacular-system.svc",
	.port = 5432,
	.auth_type = "password",
	.auth_field = "password",
};
