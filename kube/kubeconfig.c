#include "compiler/tree/stream.h"
#include "kube/access.h"

/* A kubeconfig is a user's own file, and small: hundreds of clusters are a few hundred KiB. */
#define FILE_MAX (8u << 20)
#define LIMITS                                      \
	((struct tc_limits){.max_bytes = FILE_MAX,  \
			    .max_documents = 16,    \
			    .max_nodes = 200000,    \
			    .max_expanded = 400000, \
			    .max_depth = 64})

struct file {
	const char *dir; /* with the slash at its end; "" for the current folder */
	struct tc_source src;
	const struct tc_node *root;
};

struct reader {
	struct tc_kube_config *c;
	struct tc_arena *mem; /* as long as the loading */
	struct file *files;
	size_t count;
	struct tc_kube_error *err;
};

/* A mapping, and the file that it stands in. */
struct part {
	const struct tc_node *map;
	const struct file *file;
};

/* What is wrong at a place: "config:3:5: ...". */
static int fail_at(struct reader *r, const struct tc_node *at, const char *fmt, ...) TC_PRINTF(3, 4);
static int fail_at(struct reader *r, const struct tc_node *at, const char *fmt, ...)
{
	struct tc_pos pos = tc_node_pos(at);
	struct tc_place place = tc_place(pos);
	const char *text;
	va_list ap;

	va_start(ap, fmt);
	text = tc_vprintf(r->mem, fmt, ap);
	va_end(ap);
	return tc_fail(&r->err->error, TC_E_USAGE, "%s:%u:%u: %s", pos.src->name, place.line, place.column, text);
}

/* --- one file */

/* The first line of what is rendered: "config:3:5: error: ... [TC203]". Values of these keys are not quoted in it. */
static int fail_syntax(struct reader *r, struct tc_diags *diags)
{
	static const char *const secret[] = {"token", "client-key-data", "password", "value", "id-token", NULL};
	_cleanup_buf_ struct tc_buf text = {.secret = true};
	static const char word[] = ": error: ";
	char *at, *end;

	tc_diags_render(&text, diags, (struct tc_diag_style){.secret_keys = secret});
	end = strchr(text.p, '\n');
	*end = '\0';
	at = strstr(text.p, word);
	if (!at)
		return tc_fail(&r->err->error, TC_E_USAGE, "%s", text.p);
	return tc_fail(&r->err->error, TC_E_USAGE, "%.*s: %s", (int)(at - text.p), text.p, at + sizeof(word) - 1);
}

static int parse(struct reader *r, struct file *f)
{
	struct tc_diags diags = {.mem = r->mem};
	struct tc_doc *docs;
	size_t n = tc_stream_cut(r->mem, &f->src, &LIMITS, &diags, &docs);

	for (size_t i = 0; i < n && diags.errors == 0; i++) {
		if (!tc_doc_read(r->mem, &docs[i], &LIMITS, &diags) || !docs[i].root)
			continue;
		if (f->root)
			return fail_at(r, docs[i].root, "a second document, want one in a kubeconfig");
		f->root = docs[i].root;
	}
	if (diags.errors > 0)
		return fail_syntax(r, &diags);
	if (f->root && !tc_is(f->root, TC_MAP))
		return fail_at(r, f->root, "the kubeconfig is %s, want a mapping", tc_kind_name(f->root));
	return 0;
}

/* 1: the file is not there, and need not be. */
static int read_one(struct reader *r, struct file *f, const char *path, bool must)
{
	const char *slash = strrchr(path, '/');
	int there;

	f->src.name = path;
	f->dir = slash ? tc_strndup(r->mem, path, (size_t)(slash - path) + 1) : "";
	there = tc_kube_read_file(&f->src.text, r->mem, path, FILE_MAX, &r->err->error);
	if (there == 1 && !must) {
		memset(r->err, 0, sizeof(*r->err));
		return 1;
	}
	if (there != 0)
		return tc_wrap(&r->err->error, "kubeconfig");
	return parse(r, f);
}

/* --- values */

/* A string; NULL when it is missing, null or empty. */
static int get_string(struct reader *r, struct part p, const char *key, const char **out)
{
	const struct tc_node *v = tc_get(p.map, key);

	*out = NULL;
	if (!v || tc_is(v, TC_NULL) || tc_is_string(v, ""))
		return 0;
	if (!tc_is(v, TC_STRING))
		return fail_at(r, v, "\"%s\" is %s, want a string", key, tc_kind_name(v));
	/* In C it would end there: another name than the one that is written. */
	if (memchr(v->text.s, '\0', v->text.len))
		return fail_at(r, v, "\"%s\" holds a NUL", key);
	*out = tc_strndup(r->c->mem, v->text.s, v->text.len);
	return 0;
}

/* As get_string, for what goes into a line of HTTP. */
static int get_line(struct reader *r, struct part p, const char *key, const char **out)
{
	if (get_string(r, p, key, out) < 0)
		return -1;
	for (const char *s = *out; s && *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return fail_at(r, tc_get(p.map, key), "\"%s\" holds a control character", key);
	return 0;
}

static int get_bool(struct reader *r, struct part p, const char *key, bool *out)
{
	const struct tc_node *v = tc_get(p.map, key);

	*out = false;
	if (!v || tc_is(v, TC_NULL) || tc_as_bool(v, out))
		return 0;
	return fail_at(r, v, "\"%s\" is %s, want a boolean", key, tc_kind_name(v));
}

/* A path is relative to the file that names it. */
static int get_path(struct reader *r, struct part p, const char *key, const char **out)
{
	if (get_string(r, p, key, out) < 0)
		return -1;
	if (*out && **out != '/')
		*out = tc_printf(r->c->mem, "%s%s", p.file->dir, *out);
	return 0;
}

bool tc_kube_is_pem(struct tc_str text, const char *kind)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "%s-----", kind);
	const char *at = memmem(text.s, text.len, "-----BEGIN ", 11);

	/* "RSA PRIVATE KEY", "EC PRIVATE KEY", "TRUSTED CERTIFICATE": the kind stands last. */
	return at && memmem(at, text.len - (size_t)(at - text.s), line, (size_t)n);
}

/* NAME-data (base64) wins over NAME, a file, as in kubectl. */
static int get_pem(struct reader *r, struct part p, const char *name, const char *kind, struct tc_str *out)
{
	const char *data_key = tc_printf(r->mem, "%s-data", name), *path, *data;
	const struct tc_node *v = tc_get(p.map, data_key);

	*out = (struct tc_str){0};
	if (get_string(r, p, data_key, &data) < 0 || get_path(r, p, name, &path) < 0)
		return -1;
	if (data) {
		if (!tc_kube_base64(out, r->c->mem, tc_str(data)))
			return fail_at(r, v, "\"%s\" is no base64", data_key);
		if (!tc_kube_is_pem(*out, kind))
			return fail_at(r, v, "\"%s\" holds no PEM block \"%s\"", data_key, kind);
		return 0;
	}
	if (!path)
		return 0;
	v = tc_get(p.map, name);
	if (tc_kube_read_file(out, r->c->mem, path, TC_KUBE_PEM_MAX, &r->err->error) != 0)
		return fail_at(r, v, "\"%s\": %s", name, tc_strdup(r->mem, r->err->error.msg));
	if (!tc_kube_is_pem(*out, kind))
		return fail_at(r, v, "\"%s\": %s holds no PEM block \"%s\"", name, path, kind);
	return 0;
}

/* --- named entries */

/* "a", "b" and 3 more: what could have been meant. */
static const char *known(struct reader *r, const char *list)
{
	struct tc_buf b = {0};
	const char *text;
	size_t n = 0;

	for (size_t i = 0; i < r->count; i++)
		for (const struct tc_node *e = tc_item(tc_get(r->files[i].root, list)); e; e = tc_item_next(e))
			if (tc_is(tc_get(e, "name"), TC_STRING) && n++ < 8)
				tc_buf_printf(&b, "%s%s", n > 1 ? ", " : "",
					      tc_quote(r->mem, tc_text(tc_get(e, "name"))));
	if (n > 8)
		tc_buf_printf(&b, " and %zu more", n - 8);
	text = n > 0 ? tc_printf(r->mem, "there are %s", b.p) : "there are none";
	tc_buf_free(&b);
	return text;
}

/* The entry `name` of a list, what stands in it under `inner`. The first file that has it decides, alone. */
static int find(struct reader *r, const char *list, const char *inner, const char *name, const struct tc_node *by,
		struct part *out)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct tc_node *seq = tc_get(r->files[i].root, list), *entry, *map;

		if (seq && !tc_is(seq, TC_SEQ) && !tc_is(seq, TC_NULL))
			return fail_at(r, seq, "\"%s\" is %s, want a list", list, tc_kind_name(seq));
		entry = tc_deref(tc_find(seq, "name", name));
		if (!entry)
			continue;
		map = tc_get(entry, inner);
		if (map && !tc_is(map, TC_MAP) && !tc_is(map, TC_NULL))
			return fail_at(r, map, "\"%s\" is %s, want a mapping", inner, tc_kind_name(map));
		*out = (struct part){.map = map ? map : entry, .file = &r->files[i]};
		return 0;
	}
	if (!by)
		return tc_fail(&r->err->error, TC_E_USAGE, "kubeconfig: no %s %s; %s", inner,
			       tc_quote(r->mem, tc_str(name)), known(r, list));
	return fail_at(r, by, "no %s %s; %s", inner, tc_quote(r->mem, tc_str(name)), known(r, list));
}

/* --- what they say */

static int read_server(struct reader *r, struct part p)
{
	const struct tc_node *v = tc_get(p.map, "server");
	struct tc_kube_config *c = r->c;
	size_t n;

	if (get_line(r, p, "server", &c->server) < 0)
		return -1;
	if (!c->server)
		return fail_at(r, v ? v : p.map, "this cluster has no \"server\"");
	if (strncmp(c->server, "https://", 8) && strncmp(c->server, "http://", 7))
		return fail_at(r, v, "\"server\" is \"%s\", want https://HOST:PORT", c->server);
	if (strpbrk(c->server, "@?# "))
		return fail_at(r, v, "\"server\" holds a user, a query or a space, want https://HOST:PORT");
	n = strlen(c->server);
	while (n > 0 && c->server[n - 1] == '/')
		n--;
	c->server = tc_strndup(c->mem, c->server, n);
	return 0;
}

static int read_cluster(struct reader *r, struct part p)
{
	struct tc_kube_config *c = r->c;

	if (read_server(r, p) < 0 || get_pem(r, p, "certificate-authority", "CERTIFICATE", &c->ca) < 0 ||
	    get_bool(r, p, "insecure-skip-tls-verify", &c->insecure) < 0 ||
	    get_line(r, p, "tls-server-name", &c->tls_name) < 0 || get_line(r, p, "proxy-url", &c->proxy) < 0)
		return -1;
	if (c->insecure && c->ca.len > 0)
		return fail_at(r, tc_get(p.map, "insecure-skip-tls-verify"),
			       "\"insecure-skip-tls-verify\" beside a certificate authority: remove one of the two");
	if (c->tls_name && strpbrk(c->tls_name, ":/@?#[] "))
		return fail_at(r, tc_get(p.map, "tls-server-name"), "\"tls-server-name\" is no name of a host");
	return 0;
}

/* Strings of a list, in c->mem; each with a text before it. */
static int add_list(struct reader *r, struct part p, const char *key, const char *before, const char ***list,
		    size_t *count, size_t *cap)
{
	const struct tc_node *seq = tc_get(p.map, key);

	if (seq && !tc_is(seq, TC_SEQ) && !tc_is(seq, TC_NULL))
		return fail_at(r, seq, "\"%s\" is %s, want a list", key, tc_kind_name(seq));
	for (const struct tc_node *i = tc_item(seq); i; i = tc_item_next(i)) {
		struct tc_str text = tc_text(i);

		if (!tc_is(i, TC_STRING) || memchr(text.s, '\0', text.len))
			return fail_at(r, i, "\"%s\" holds %s, want strings", key, tc_kind_name(i));
		tc_grow(r->c->mem, *list, *count, *cap);
		(*list)[(*count)++] = tc_printf(r->c->mem, "%s%.*s", before, TC_STR_ARG(text));
	}
	return 0;
}

/* Whoever writes `as` wants less than the credential gives: to leave it out would be to take more. */
static int read_impersonation(struct reader *r, struct part p)
{
	const char *as, *uid, **list = NULL;
	size_t n = 0, cap = 0;
	const struct tc_node *extra = tc_get(p.map, "as-user-extra");

	if (get_line(r, p, "as", &as) < 0 || get_line(r, p, "as-uid", &uid) < 0)
		return -1;
	if (extra && !tc_is(extra, TC_NULL))
		return fail_at(r, extra, "\"as-user-extra\" is not supported: remove it, or use a user of its own");
	if (as) {
		tc_grow(r->c->mem, list, n, cap);
		list[n++] = tc_printf(r->c->mem, "Impersonate-User: %s", as);
	}
	if (uid) {
		tc_grow(r->c->mem, list, n, cap);
		list[n++] = tc_printf(r->c->mem, "Impersonate-Uid: %s", uid);
	}
	if (add_list(r, p, "as-groups", "Impersonate-Group: ", &list, &n, &cap) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		for (const char *s = list[i]; *s; s++)
			if ((unsigned char)*s < ' ' || *s == 0x7f)
				return fail_at(r, tc_get(p.map, "as-groups"),
					       "\"as-groups\" holds a control character");
	if (n > 0 && !as)
		return fail_at(r, p.map, "\"as-groups\" or \"as-uid\" without \"as\"");
	tc_grow(r->c->mem, list, n, cap);
	list[n] = NULL;
	r->c->headers = list;
	return 0;
}

static int read_env(struct reader *r, struct part p, struct tc_kube_exec *x)
{
	const struct tc_node *seq = tc_get(p.map, "env");
	const char **list = NULL;
	size_t n = 0, cap = 0;

	if (seq && !tc_is(seq, TC_SEQ) && !tc_is(seq, TC_NULL))
		return fail_at(r, seq, "\"env\" is %s, want a list", tc_kind_name(seq));
	for (const struct tc_node *i = tc_item(seq); i; i = tc_item_next(i)) {
		struct part entry = {.map = tc_deref(i), .file = p.file};
		const char *name, *value;

		if (get_string(r, entry, "name", &name) < 0 || get_string(r, entry, "value", &value) < 0)
			return -1;
		if (!name || strchr(name, '='))
			return fail_at(r, i, "an entry of \"env\" without a good \"name\"");
		tc_grow(r->c->mem, list, n, cap);
		list[n++] = tc_printf(r->c->mem, "%s=%s", name, value ? value : "");
	}
	tc_grow(r->c->mem, list, n, cap);
	list[n] = NULL;
	x->env = list;
	return 0;
}

static int read_exec(struct reader *r, struct part user)
{
	static const char *const versions[] = {"client.authentication.k8s.io/v1",
					       "client.authentication.k8s.io/v1beta1"};
	struct part p = {.map = tc_get(user.map, "exec"), .file = user.file};
	const char *mode, **argv = NULL, *command;
	struct tc_kube_exec *x;
	struct tc_place place;
	size_t n = 1, cap = 0;

	if (!p.map || tc_is(p.map, TC_NULL))
		return 0;
	if (!tc_is(p.map, TC_MAP))
		return fail_at(r, p.map, "\"exec\" is %s, want a mapping", tc_kind_name(p.map));
	x = tc_alloc(r->c->mem, sizeof(*x));
	place = tc_place(tc_node_pos(p.map));
	x->where = tc_printf(r->c->mem, "%s:%u:%u", p.file->src.name, place.line, place.column);
	if (get_string(r, p, "command", &command) < 0 || get_string(r, p, "apiVersion", &x->api_version) < 0 ||
	    get_string(r, p, "interactiveMode", &mode) < 0 || get_string(r, p, "installHint", &x->advice) < 0 ||
	    get_bool(r, p, "provideClusterInfo", &x->cluster_info) < 0 || read_env(r, p, x) < 0)
		return -1;
	if (!command)
		return fail_at(r, p.map, "\"exec\" has no \"command\"");
	if (!x->api_version || (strcmp(x->api_version, versions[0]) && strcmp(x->api_version, versions[1])))
		return fail_at(r, tc_get(p.map, "apiVersion") ? tc_get(p.map, "apiVersion") : p.map,
			       "\"apiVersion\" of \"exec\" is %s%s%s, want %s or %s", x->api_version ? "\"" : "",
			       x->api_version ? x->api_version : "missing", x->api_version ? "\"" : "", versions[0],
			       versions[1]);
	if (mode && !strcmp(mode, "Always"))
		return fail_at(r, tc_get(p.map, "interactiveMode"),
			       "\"%s\" needs a terminal (interactiveMode: Always), and tentc has none for it", command);
	/* A name is looked for in PATH; what has a slash is relative to the file. */
	x->command =
		strchr(command, '/') && *command != '/' ? tc_printf(r->c->mem, "%s%s", p.file->dir, command) : command;
	tc_grow(r->c->mem, argv, 0, cap);
	argv[0] = x->command;
	if (add_list(r, p, "args", "", &argv, &n, &cap) < 0)
		return -1;
	tc_grow(r->c->mem, argv, n, cap);
	argv[n] = NULL;
	x->argv = argv;
	r->c->exec = x;
	return 0;
}

static int read_token(struct reader *r, struct part p)
{
	struct tc_kube_config *c = r->c;
	struct tc_str token;

	/* The file wins, as in kubectl: it is the one that changes. */
	if (get_string(r, p, "token", &c->token) < 0 || get_path(r, p, "tokenFile", &c->token_file) < 0)
		return -1;
	if (c->token_file) {
		c->token = NULL;
		if (tc_kube_read_file(&token, c->mem, c->token_file, TC_KUBE_TOKEN_MAX, &r->err->error) != 0)
			return fail_at(r, tc_get(p.map, "tokenFile"), "\"tokenFile\": %s",
				       tc_strdup(r->mem, r->err->error.msg));
		if (!tc_kube_token(&token))
			return fail_at(r, tc_get(p.map, "tokenFile"), "\"tokenFile\": %s holds no token",
				       c->token_file);
	} else if (c->token) {
		token = tc_str(c->token);
		if (!tc_kube_token(&token))
			return fail_at(r, tc_get(p.map, "token"), "\"token\" holds what no token may hold");
		c->token = tc_strndup(c->mem, token.s, token.len);
	}
	return 0;
}

static int read_user(struct reader *r, struct part p)
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
			return fail_at(r, tc_get_key(p.map, gone[i].key),
				       "\"%s\" is not known to Kubernetes any more: use %s", gone[i].key,
				       gone[i].instead);
	}
	if (get_pem(r, p, "client-certificate", "CERTIFICATE", &c->cert) < 0 ||
	    get_pem(r, p, "client-key", "PRIVATE KEY", &c->key) < 0 || read_token(r, p) < 0 ||
	    read_impersonation(r, p) < 0)
		return -1;
	if ((c->cert.len > 0) != (c->key.len > 0))
		return fail_at(r, p.map, "this user has \"client-%s\" without \"client-%s\"",
			       c->cert.len > 0 ? "certificate" : "key", c->cert.len > 0 ? "key" : "certificate");
	/* A plugin is asked only when nothing else says who we are. */
	if (c->token || c->token_file || c->cert.len > 0)
		return 0;
	return read_exec(r, p);
}

/* --- all of it */

static int read_context(struct reader *r, const char *context)
{
	struct part top = {0}, ctx, cluster, user;
	const char *cluster_name, *user_name;

	for (size_t i = 0; i < r->count && !context; i++) {
		top = (struct part){.map = r->files[i].root, .file = &r->files[i]};
		if (get_string(r, top, "current-context", &context) < 0)
			return -1;
	}
	if (!context)
		return tc_fail(&r->err->error, TC_E_USAGE, "%s: no \"current-context\"; %s; name one with --context",
			       r->files[0].src.name, known(r, "contexts"));
	if (find(r, "contexts", "context", context, top.map ? tc_get(top.map, "current-context") : NULL, &ctx) < 0)
		return -1;
	if (get_string(r, ctx, "cluster", &cluster_name) < 0 || get_string(r, ctx, "user", &user_name) < 0 ||
	    get_string(r, ctx, "namespace", &r->c->ns) < 0)
		return -1;
	if (!cluster_name)
		return fail_at(r, ctx.map, "context %s has no \"cluster\"", tc_quote(r->mem, tc_str(context)));
	if (find(r, "clusters", "cluster", cluster_name, tc_get(ctx.map, "cluster"), &cluster) < 0 ||
	    read_cluster(r, cluster) < 0)
		return -1;
	if (user_name &&
	    (find(r, "users", "user", user_name, tc_get(ctx.map, "user"), &user) < 0 || read_user(r, user) < 0))
		return -1;
	if (!strncmp(r->c->server, "http://", 7) && (r->c->token || r->c->token_file || r->c->exec))
		return fail_at(r, tc_get(cluster.map, "server"),
			       "\"server\" is not https, and the token would be readable on its way");
	return 0;
}

int tc_kubeconfig_load(struct tc_kube_config *c, const char *const *files, size_t count, bool must, const char *context,
		       struct tc_kube_error *err)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new_secret(64 * 1024);
	struct reader r = {.c = c, .mem = mem, .err = err, .files = tc_alloc(mem, count * sizeof(struct file))};

	for (size_t i = 0; i < count; i++) {
		struct file *f = &r.files[r.count];
		int there;

		memset(f, 0, sizeof(*f));
		there = read_one(&r, f, files[i], must);
		if (there < 0)
			return -1;
		r.count += there == 0;
	}
	/* None is there: that is for the caller to judge. */
	if (r.count == 0)
		return 0;
	return read_context(&r, context && *context ? context : NULL);
}
