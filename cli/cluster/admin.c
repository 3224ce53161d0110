#include "cli/cluster/admin.h"

#include <fcntl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "compiler/contract/netaddr.h"

/* The most that a file of one secret may hold; a longer one is another file. */
#define SECRET_MAX 4096

enum part { HOST, PORT, USER, PASSWORD, URL };

static const struct {
	const char *service, *variable;
	enum part part;
} variables[] = {
	{"postgres", "TENTACULAR_POSTGRES_ADMIN_HOST", HOST},
	{"postgres", "TENTACULAR_POSTGRES_ADMIN_PORT", PORT},
	{"postgres", "TENTACULAR_POSTGRES_ADMIN_USER", USER},
	{"postgres", "TENTACULAR_POSTGRES_ADMIN_PASSWORD", PASSWORD},
	{"rustfs", "TENTACULAR_RUSTFS_ACCESS_KEY", USER},
	{"rustfs", "TENTACULAR_RUSTFS_SECRET_KEY", PASSWORD},
	{"nats", "TENTACULAR_NATS_URL", URL},
	{"nats", "TENTACULAR_NATS_TOKEN", PASSWORD},
};

static const char *set_or_null(const char *text)
{
	return text && *text ? text : NULL;
}

static const char *environment(const char *service, enum part part, const char **name)
{
	for (size_t i = 0; i < TC_COUNT(variables); i++)
		if (variables[i].part == part && strcmp(variables[i].service, service) == 0) {
			*name = variables[i].variable;
			return set_or_null(getenv(variables[i].variable));
		}
	return NULL;
}

/* The file's text without the line end that editors and `kubectl create secret --from-file` leave there. */
static int read_secret(char **out, struct tc_arena *mem, const char *path, const char *what, struct tc_error *err)
{
	char *text = tc_alloc_text(mem, SECRET_MAX + 1);
	size_t len = 0;
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), failed;

	if (fd < 0)
		return tc_fail(err, TC_E_USAGE, "%s: cannot read %s: %s", what, path, tc_errno(errno));
	while (len <= SECRET_MAX && (n = read(fd, text + len, SECRET_MAX + 1 - len)) > 0)
		len += (size_t)n;
	failed = n < 0 ? errno : 0;
	(void)close(fd);
	if (failed)
		return tc_fail(err, TC_E_USAGE, "%s: cannot read %s: %s", what, path, tc_errno(failed));
	if (len > SECRET_MAX)
		return tc_fail(err, TC_E_USAGE, "%s: %s is larger than %d bytes, expected a secret alone", what, path,
			       SECRET_MAX);
	if (len && text[len - 1] == '\n')
		len--;
	if (len && text[len - 1] == '\r')
		len--;
	if (!len)
		return tc_fail(err, TC_E_USAGE, "%s: %s is empty", what, path);
	if (memchr(text, '\n', len) || memchr(text, '\0', len))
		return tc_fail(err, TC_E_USAGE, "%s: %s holds several lines or a NUL character, expected one line",
			       what, path);
	text[len] = '\0';
	*out = text;
	return 0;
}

/* From the environment, else from the file, else NULL. */
static int secret_of(char **out, struct tc_arena *mem, const struct tc_service_config *service, enum part part,
		     const char *path, const char *key, struct tc_error *err)
{
	const char *name, *value = environment(service->service->key, part, &name);

	*out = value ? tc_strdup(mem, value) : NULL;
	if (value || !*path)
		return 0;
	return read_secret(out, mem, path, tc_printf(mem, "services.%s.admin.%s", service->service->key, key), err);
}

static int address_of(struct tc_admin *out, struct tc_arena *mem, const struct tc_service_config *service,
		      struct tc_error *err)
{
	const char *name, *host = environment(service->service->key, HOST, &name), *fault, *port;
	char *end;
	unsigned long number;
	bool is_ip;

	fault = host ? tc_host_fault(mem, tc_str(host), &is_ip) : NULL;
	if (fault)
		return tc_fail(err, TC_E_USAGE, "%s: %s %s", name, tc_quote(mem, tc_str(host)), fault);
	out->host = host ? tc_strdup(mem, host) : set_or_null(service->admin.host);
	out->port = service->admin.port;
	port = environment(service->service->key, PORT, &name);
	if (!port)
		return 0;
	number = tc_is_digit(*port) ? strtoul(port, &end, 10) : 0;
	if (number < 1 || number > 65535 || *end)
		return tc_fail(err, TC_E_USAGE, "%s: expected a number from 1 to 65535, found %s", name,
			       tc_quote(mem, tc_str(port)));
	out->port = (unsigned)number;
	return 0;
}

static int settings_of(struct tc_admin *out, struct tc_arena *mem, const struct tc_service_config *service,
		       struct tc_error *err)
{
	const struct tc_setting *rows = service->service->admin_settings;
	const char **settings = tc_alloc(mem, TC_SETTINGS_MAX * sizeof(*settings));
	const char *name, *url = environment(service->service->key, URL, &name), *fault;

	out->settings = settings;
	for (size_t i = 0; rows && rows[i].name; i++) {
		settings[i] = service->admin.settings[i];
		if (!url || strcmp(rows[i].name, "url") != 0)
			continue;
		fault = rows[i].fault(mem, url);
		if (fault)
			return tc_fail(err, TC_E_USAGE, "%s: the value %s", name, fault);
		settings[i] = tc_strdup(mem, url);
	}
	return 0;
}

int tc_admin_read(struct tc_admin *out, struct tc_arena *mem, const struct tc_service_config *service,
		  struct tc_error *err)
{
	const struct tc_admin_config *admin = &service->admin;
	char *user, *password;

	*out = (struct tc_admin){.tls_mode = set_or_null(admin->tls_mode), .tls_ca = set_or_null(admin->tls_ca)};
	if (settings_of(out, mem, service, err) < 0)
		return -1;
	if (!service->host)
		return 0; /* nobody logs in there */
	if (address_of(out, mem, service, err) < 0 ||
	    secret_of(&user, mem, service, USER, admin->user_file ? admin->user_file : "", "accessKeyFile", err) < 0 ||
	    secret_of(&password, mem, service, PASSWORD, admin->password_file ? admin->password_file : "",
		      service->service->admin_key_pair ? "secretKeyFile" : "passwordFile", err) < 0)
		return -1;
	out->user = user ? user : set_or_null(admin->user);
	if (password)
		out->password = (struct tc_secret){.bytes = (unsigned char *)password, .len = strlen(password)};
	return 0;
}
