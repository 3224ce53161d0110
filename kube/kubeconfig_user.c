#include "kube/kubeconfig.h"

static int read_server(struct tc_kubeconfig *r, struct tc_kubeconfig_part p)
{
	const struct tc_node *v = tc_get(p.map, "server");
	struct tc_kube_config *c = r->c;
	size_t n;

	if (tc_kubeconfig_line(r, p, "server", &c->server) < 0)
		return -1;
	if (!c->server)
		return tc_kubeconfig_fail(r, v ? v : p.map, "this cluster has no \"server\"");
	if (strncmp(c->server, "https://", 8) && strncmp(c->server, "http://", 7))
		return tc_kubeconfig_fail(r, v, "\"server\" is \"%s\", want https://HOST:PORT", c->server);
	if (strpbrk(c->server, "@?# "))
		return tc_kubeconfig_fail(r, v, "\"server\" holds a user, a query or a space, want https://HOST:PORT");
	n = strlen(c->server);
	while (n > 0 && c->server[n - 1] == '/')
		n--;
	c->server = tc_strndup(c->mem, c->server, n);
	return 0;
}

int tc_kubeconfig_cluster(struct tc_kubeconfig *r, struct tc_kubeconfig_part p)
{
	struct tc_kube_config *c = r->c;

	if (read_server(r, p) < 0 || tc_kubeconfig_pem(r, p, "certificate-authority", "CERTIFICATE", &c->ca) < 0 ||
	    tc_kubeconfig_bool(r, p, "insecure-skip-tls-verify", &c->insecure) < 0 ||
	    tc_kubeconfig_line(r, p, "tls-server-name", &c->tls_name) < 0 ||
	    tc_kubeconfig_line(r, p, "proxy-url", &c->proxy) < 0)
		return -1;
	if (c->insecure && c->ca.len > 0)
		return tc_kubeconfig_fail(
			r, tc_get(p.map, "insecure-skip-tls-verify"),
			"\"insecure-skip-tls-verify\" beside a certificate authority: remove one of the two");
	if (c->tls_name && strpbrk(c->tls_name, ":/@?#[] "))
		return tc_kubeconfig_fail(r, tc_get(p.map, "tls-server-name"),
					  "\"tls-server-name\" is no name of a host");
	return 0;
}

/* Whoever writes `as` wants less than the credential gives: to leave it out would be to take more. */
static int read_impersonation(struct tc_kubeconfig *r, struct tc_kubeconfig_part p)
{
	const struct tc_node *extra = tc_get(p.map, "as-user-extra");
	struct tc_kubeconfig_list l = {0};
	const char *as, *uid;

	if (tc_kubeconfig_line(r, p, "as", &as) < 0 || tc_kubeconfig_line(r, p, "as-uid", &uid) < 0)
		return -1;
	if (extra && !tc_is(extra, TC_NULL))
		return tc_kubeconfig_fail(r, extra,
					  "\"as-user-extra\" is not supported: remove it, or use a user of its own");
	if (as)
		tc_kubeconfig_push(r, &l, tc_printf(r->c->mem, "Impersonate-User: %s", as));
	if (uid)
		tc_kubeconfig_push(r, &l, tc_printf(r->c->mem, "Impersonate-Uid: %s", uid));
	if (tc_kubeconfig_add(r, p, "as-groups", "Impersonate-Group: ", &l) < 0)
		return -1;
	for (size_t i = 0; i < l.count; i++)
		for (const char *s = l.list[i]; *s; s++)
			if ((unsigned char)*s < ' ' || *s == 0x7f)
				return tc_kubeconfig_fail(r, tc_get(p.map, "as-groups"),
							  "\"as-groups\" holds a control character");
	if (l.count > 0 && !as)
		return tc_kubeconfig_fail(r, p.map, "\"as-groups\" or \"as-uid\" without \"as\"");
	r->c->headers = l.list;
	return 0;
}

static int read_env(struct tc_kubeconfig *r, struct tc_kubeconfig_part p, struct tc_kube_exec *x)
{
	static const char *const none[] = {NULL};
	const struct tc_node *seq = tc_get(p.map, "env");
	struct tc_kubeconfig_list l = {0};

	if (seq && !tc_is(seq, TC_SEQ) && !tc_is(seq, TC_NULL))
		return tc_kubeconfig_fail(r, seq, "\"env\" is %s, want a list", tc_kind_name(seq));
	for (const struct tc_node *i = tc_item(seq); i; i = tc_item_next(i)) {
		struct tc_kubeconfig_part entry = {.map = tc_deref(i), .file = p.file};
		const char *name, *value;

		if (tc_kubeconfig_string(r, entry, "name", &name) < 0 ||
		    tc_kubeconfig_string(r, entry, "value", &value) < 0)
			return -1;
		if (!name || strchr(name, '='))
			return tc_kubeconfig_fail(r, i, "an entry of \"env\" without a good \"name\"");
		tc_kubeconfig_push(r, &l, tc_printf(r->c->mem, "%s=%s", name, value ? value : ""));
	}
	x->env = l.list ? l.list : none;
	return 0;
}

static int read_exec(struct tc_kubeconfig *r, struct tc_kubeconfig_part user)
{
	static const char *const versions[] = {"client.authentication.k8s.io/v1",
					       "client.authentication.k8s.io/v1beta1"};
	struct tc_kubeconfig_part p = {.map = tc_get(user.map, "exec"), .file = user.file};
	const char *mode, *command;
	struct tc_kubeconfig_list argv = {0};
	struct tc_kube_exec *x;
	struct tc_place place;

	if (!p.map || tc_is(p.map, TC_NULL))
		return 0;
	if (!tc_is(p.map, TC_MAP))
		return tc_kubeconfig_fail(r, p.map, "\"exec\" is %s, want a mapping", tc_kind_name(p.map));
	x = tc_alloc(r->c->mem, sizeof(*x));
	place = tc_place(tc_node_pos(p.map));
	x->where = tc_printf(r->c->mem, "%s:%u:%u", p.file->src.name, place.line, place.column);
	if (tc_kubeconfig_string(r, p, "command", &command) < 0 ||
	    tc_kubeconfig_string(r, p, "apiVersion", &x->api_version) < 0 ||
	    tc_kubeconfig_string(r, p, "interactiveMode", &mode) < 0 ||
	    tc_kubeconfig_string(r, p, "installHint", &x->advice) < 0 ||
	    tc_kubeconfig_bool(r, p, "provideClusterInfo", &x->cluster_info) < 0 || read_env(r, p, x) < 0)
		return -1;
	if (!command)
		return tc_kubeconfig_fail(r, p.map, "\"exec\" has no \"command\"");
	if (!x->api_version || (strcmp(x->api_version, versions[0]) && strcmp(x->api_version, versions[1])))
		return tc_kubeconfig_fail(r, tc_get(p.map, "apiVersion") ? tc_get(p.map, "apiVersion") : p.map,
					  "\"apiVersion\" of \"exec\" is %s%s%s, want %s or %s",
					  x->api_version ? "\"" : "", x->api_version ? x->api_version : "missing",
					  x->api_version ? "\"" : "", versions[0], versions[1]);
	if (mode && !strcmp(mode, "Always"))
		return tc_kubeconfig_fail(
			r, tc_get(p.map, "interactiveMode"),
			"\"%s\" needs a terminal (interactiveMode: Always), and tentc has none for it", command);
	/* A name is looked for in PATH; what has a slash is relative to the file. */
	x->command =
		strchr(command, '/') && *command != '/' ? tc_printf(r->c->mem, "%s%s", p.file->dir, command) : command;
	tc_kubeconfig_push(r, &argv, x->command);
	if (tc_kubeconfig_add(r, p, "args", "", &argv) < 0)
		return -1;
	x->argv = argv.list;
	r->c->exec = x;
	return 0;
}

static int read_token(struct tc_kubeconfig *r, struct tc_kubeconfig_part p)
{
	struct tc_kube_config *c = r->c;
	struct tc_str token;

	/* The file wins, as in kubectl: it is the one that changes. */
	if (tc_kubeconfig_string(r, p, "token", &c->token) < 0 ||
	    tc_kubeconfig_path(r, p, "tokenFile", &c->token_file) < 0)
		return -1;
	if (c->token_file) {
		c->token = NULL;
		if (tc_kube_read_file(&token, c->mem, c->token_file, TC_KUBE_TOKEN_MAX, &r->err->error) != 0)
			return tc_kubeconfig_fail(r, tc_get(p.map, "tokenFile"), "\"tokenFile\": %s",
						  tc_strdup(r->mem, r->err->error.msg));
		if (!tc_kube_token(&token))
			return tc_kubeconfig_fail(r, tc_get(p.map, "tokenFile"), "\"tokenFile\": %s holds no token",
						  c->token_file);
	} else if (c->token) {
		token = tc_str(c->token);
		if (!tc_kube_token(&token))
			return tc_kubeconfig_fail(r, tc_get(p.map, "token"), "\"token\" holds what no token may hold");
		c->token = tc_strndup(c->mem, token.s, token.len);
	}
	return 0;
}

int tc_kubeconfig_user(struct tc_kubeconfig *r, struct tc_kubeconfig_part p)
{
	/* Ways that Kubernetes had once. */
	static const struct {
		const char *key, *instead;
	} gone[] = {
		{"auth-provider", "an exec plugin"},
		{"username", "a token or a client certificate"},
		{"password", "a token or a client certificate"},
	};
	struct tc_kube_config *c = r->c;

	for (size_t i = 0; i < TC_COUNT(gone); i++) {
		const struct tc_node *v = tc_get(p.map, gone[i].key);

		if (v && !tc_is(v, TC_NULL) && !tc_is_string(v, ""))
			return tc_kubeconfig_fail(r, tc_get_key(p.map, gone[i].key),
						  "\"%s\" is not known to Kubernetes any more: use %s", gone[i].key,
						  gone[i].instead);
	}
	if (tc_kubeconfig_pem(r, p, "client-certificate", "CERTIFICATE", &c->cert) < 0 ||
	    tc_kubeconfig_pem(r, p, "client-key", "PRIVATE KEY", &c->key) < 0 || read_token(r, p) < 0 ||
	    read_impersonation(r, p) < 0)
		return -1;
	if ((c->cert.len > 0) != (c->key.len > 0))
		return tc_kubeconfig_fail(r, p.map, "this user has \"client-%s\" without \"client-%s\"",
					  c->cert.len > 0 ? "certificate" : "key",
					  c->cert.len > 0 ? "key" : "certificate");
	/* A plugin is asked only when nothing else says who we are. */
	if (c->token || c->token_file || c->cert.len > 0)
		return 0;
	return read_exec(r, p);
}
