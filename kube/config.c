#include "kube/config.h"

#include "kube/access.h"

#define ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"
/* KUBECONFIG comes from a user's shell: a list that long is a mistake. */
#define FILES_MAX 64

static int read_account(struct tc_kube_config *c, const char *dir, struct tc_kube_error *err)
{
	struct tc_str text;

	c->token_file = tc_printf(c->mem, "%s/token", dir);
	if (tc_kube_read_file(&c->ca, c->mem, tc_printf(c->mem, "%s/ca.crt", dir), TC_KUBE_PEM_MAX, &err->error) != 0)
		return tc_wrap(&err->error, "service account");
	if (!tc_kube_is_pem(c->ca, "CERTIFICATE"))
		return tc_fail(&err->error, TC_E_USAGE, "service account: %s/ca.crt holds no PEM certificate", dir);
	/* Not every pod has it: only where the account's token is mounted whole. */
	if (tc_kube_read_file(&text, c->mem, tc_printf(c->mem, "%s/namespace", dir), 4096, &err->error) == 0 &&
	    tc_kube_token(&text))
		c->ns = tc_strndup(c->mem, text.s, text.len);
	memset(err, 0, sizeof(*err));
	/* Each client reads the token for itself; that there is none should be said at the start. */
	if (tc_kube_read_file(&text, c->mem, c->token_file, TC_KUBE_TOKEN_MAX, &err->error) != 0)
		return tc_wrap(&err->error, "service account");
	return 0;
}

static int load_in_cluster(struct tc_kube_config *c, const struct tc_kube_source *s, struct tc_kube_error *err)
{
	const char *port = s->service_port && *s->service_port ? s->service_port : "443";
	/* An IPv6 address; the kubelet gives it without brackets. */
	bool six = strchr(s->service_host, ':') && s->service_host[0] != '[';

	for (const char *p = port; *p; p++)
		if (!tc_is_digit(*p))
			return tc_fail(&err->error, TC_E_USAGE, "KUBERNETES_SERVICE_PORT is \"%s\", want a number",
				       port);
	c->server = tc_printf(c->mem, six ? "https://[%s]:%s" : "https://%s:%s", s->service_host, port);
	return read_account(c, s->account_dir ? s->account_dir : ACCOUNT_DIR, err);
}

/* The files of a list joined by ':', empty ones left out. */
static size_t split(const char **files, struct tc_arena *mem, const char *list)
{
	size_t n = 0;

	for (const char *p = list; *p && n < FILES_MAX;) {
		size_t len = strcspn(p, ":");

		if (len > 0)
			files[n++] = tc_strndup(mem, p, len);
		p += len + (p[len] == ':');
	}
	return n;
}

static bool given(const char *s)
{
	return s && *s;
}

static int load(struct tc_kube_config *c, const struct tc_kube_source *s, struct tc_kube_error *err)
{
	const char *files[FILES_MAX];
	size_t n = 0;

	if (given(s->kubeconfig)) {
		files[0] = s->kubeconfig;
		return tc_kubeconfig_load(c, files, 1, true, s->context, err);
	}
	if (given(s->env_list))
		n = split(files, c->mem, s->env_list);
	if (n > 0) {
		if (tc_kubeconfig_load(c, files, n, false, s->context, err) < 0)
			return -1;
		if (c->server)
			return 0;
		return tc_fail(&err->error, TC_E_USAGE, "KUBECONFIG names no file that exists: \"%s\"", s->env_list);
	}
	/* A context is a kubeconfig's: whoever names one does not mean the pod's account. */
	if (given(s->service_host) && !given(s->context))
		return load_in_cluster(c, s, err);
	if (given(s->home)) {
		files[0] = tc_printf(c->mem, "%s/.kube/config", s->home);
		if (tc_kubeconfig_load(c, files, 1, false, s->context, err) < 0)
			return -1;
		if (c->server)
			return 0;
	}
	return tc_fail(
		&err->error, TC_E_USAGE,
		"no cluster is configured: no --kubeconfig, no KUBECONFIG, no ~/.kube/config, and this is no pod; "
		"give --kubeconfig FILE");
}

int tc_kube_config_load(struct tc_kube_config **out, const struct tc_kube_source *source, struct tc_kube_error *err)
{
	_cleanup_(tc_kube_config_free) struct tc_kube_config *c = tc_xalloc(sizeof(*c));

	*out = NULL;
	c->mem = tc_arena_new_secret(16 * 1024);
	if (load(c, source, err) < 0)
		return -1;
	if (!c->ns)
		c->ns = "default";
	*out = tc_take(&c);
	return 0;
}

void tc_kube_config_free(struct tc_kube_config *c)
{
	if (!c)
		return;
	tc_arena_free(c->mem);
	free(c);
}

const char *tc_kube_config_server(const struct tc_kube_config *c)
{
	return c->server;
}

const char *tc_kube_config_namespace(const struct tc_kube_config *c)
{
	return c->ns;
}
