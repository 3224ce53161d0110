#include "cli/cluster/commands.h"

int tc_kube_find(struct tc_kube_config **out, const char *kubeconfig, struct tc_error *err)
{
	struct tc_kube_source source = {
		.kubeconfig = kubeconfig,
		.env_list = getenv("KUBECONFIG"),
		.home = getenv("HOME"),
		.service_host = getenv("KUBERNETES_SERVICE_HOST"),
		.service_port = getenv("KUBERNETES_SERVICE_PORT"),
	};
	struct tc_kube_error failed = {0};

	if (tc_kube_config_load(out, &source, &failed) == 0)
		return 0;
	*err = failed.error;
	return -1;
}

int tc_split_name(struct tc_arena *mem, const char *option, const char *value, const char **ns, const char **name,
		  struct tc_error *err)
{
	const char *slash = strchr(value, '/');

	if (!slash || slash == value || !slash[1] || strchr(slash + 1, '/'))
		return tc_fail(err, TC_E_USAGE, "option \"--%s\" is \"%s\", expected NAMESPACE/NAME", option, value);
	*ns = tc_strndup(mem, value, (size_t)(slash - value));
	*name = tc_strdup(mem, slash + 1);
	return 0;
}

/* Of n digits that fit; UINT64_MAX when it is none. */
static uint64_t whole(struct tc_str text)
{
	uint64_t n = 0;

	if (!text.len || text.len > 9)
		return UINT64_MAX;
	for (size_t i = 0; i < text.len; i++) {
		if (!tc_is_digit(text.s[i]))
			return UINT64_MAX;
		n = n * 10 + (uint64_t)(text.s[i] - '0');
	}
	return n;
}

int tc_number(const char *option, const char *value, unsigned least, unsigned most, unsigned fallback, unsigned *number,
	      struct tc_error *err)
{
	uint64_t n = value ? whole(tc_str(value)) : fallback;

	if (n < least || n > most)
		return tc_fail(err, TC_E_USAGE, "option \"--%s\" is \"%s\", expected a whole number from %u to %u",
			       option, value, least, most);
	*number = (unsigned)n;
	return 0;
}

int tc_duration(const char *option, const char *value, int64_t fallback, int64_t *seconds, struct tc_error *err)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	size_t len = value ? strlen(value) : 0;
	uint64_t n;

	*seconds = fallback;
	if (!value)
		return 0;
	n = len ? whole((struct tc_str){value, len - 1}) : UINT64_MAX;
	for (size_t i = 0; i < TC_COUNT(units); i++) {
		if (n > 0 && n <= 100000 && value[len - 1] == units[i].unit) {
			*seconds = (int64_t)n * units[i].seconds;
			return 0;
		}
	}
	return tc_fail(err, TC_E_USAGE,
		       "option \"--%s\" is \"%s\", expected a number and its unit: 90d, 12h, 30m or 60s", option,
		       value);
}

int tc_address(struct tc_arena *mem, const char *option, const char *value, const char **address, unsigned *port,
	       struct tc_error *err)
{
	const char *colon = strrchr(value, ':');
	struct tc_str host = {.s = value, .len = colon ? (size_t)(colon - value) : 0};
	uint64_t n = colon ? whole(tc_str(colon + 1)) : UINT64_MAX;

	if (host.len > 2 && host.s[0] == '[' && host.s[host.len - 1] == ']')
		host = (struct tc_str){.s = host.s + 1, .len = host.len - 2};
	else if (memchr(host.s, ':', host.len))
		n = UINT64_MAX; /* an IPv6 address without brackets: which colon is the last is not known */
	if (n > 65535)
		return tc_fail(err, TC_E_USAGE,
			       "option \"--%s\" is \"%s\", expected ADDRESS:PORT, such as 127.0.0.1:8443 or [::1]:8443",
			       option, value);
	*address = host.len ? tc_strndup(mem, host.s, host.len) : "0.0.0.0";
	*port = (unsigned)n;
	return 0;
}

int tc_list(struct tc_arena *mem, const char *option, const char *value, const char ***names, size_t *count,
	    struct tc_error *err)
{
	size_t cap = 0;

	*names = NULL;
	*count = 0;
	for (const char *at = value, *end; at; at = *end ? end + 1 : NULL) {
		end = strchrnul(at, ',');
		if (end == at)
			return tc_fail(err, TC_E_USAGE, "option \"--%s\" is \"%s\", expected names with commas between",
				       option, value);
		tc_grow(mem, *names, *count, cap);
		(*names)[(*count)++] = tc_strndup(mem, at, (size_t)(end - at));
	}
	return 0;
}
