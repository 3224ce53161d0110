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

int tc_number(const char *option, const char *value, unsigned least, unsigned most, unsigned fallback, unsigned *number,
	      struct tc_error *err)
{
	uint64_t n = 0;
	size_t len = value ? strlen(value) : 0;
	bool fine = len > 0 && len < 10;

	*number = fallback;
	if (!value)
		return 0;
	for (size_t i = 0; i < len && fine; i++) {
		fine = tc_is_digit(value[i]);
		n = n * 10 + (uint64_t)(value[i] - '0');
	}
	if (!fine || n < least || n > most)
		return tc_fail(err, TC_E_USAGE, "option \"--%s\" is \"%s\", expected a whole number from %u to %u",
			       option, value, least, most);
	*number = (unsigned)n;
	return 0;
}
