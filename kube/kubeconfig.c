#include "kube/kubeconfig.h"

#include "compiler/tree/stream.h"

/* A kubeconfig is a user's own file, and small: hundreds of clusters are a few hundred KiB. */
#define FILE_MAX (8u << 20)
#define LIMITS                                      \
	((struct tc_limits){.max_bytes = FILE_MAX,  \
			    .max_documents = 16,    \
			    .max_nodes = 200000,    \
			    .max_expanded = 400000, \
			    .max_depth = 64})

/* --- one file */

/* The first line of what is rendered: "config:3:5: error: ... [TC203]". Values of these keys are not quoted in it. */
static int fail_syntax(struct tc_kubeconfig *r, struct tc_diags *diags)
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

static int parse(struct tc_kubeconfig *r, struct tc_kubeconfig_file *f)
{
	struct tc_diags diags = {.mem = r->mem};
	struct tc_doc *docs;
	size_t n = tc_stream_cut(r->mem, &f->src, &LIMITS, &diags, &docs);

	for (size_t i = 0; i < n && diags.errors == 0; i++) {
		if (!tc_doc_read(r->mem, &docs[i], &LIMITS, &diags) || !docs[i].root)
			continue;
		if (f->root)
			return tc_kubeconfig_fail(r, docs[i].root, "a second document, want one in a kubeconfig");
		f->root = docs[i].root;
	}
	if (diags.errors > 0)
		return fail_syntax(r, &diags);
	if (f->root && !tc_is(f->root, TC_MAP))
		return tc_kubeconfig_fail(r, f->root, "the kubeconfig is %s, want a mapping", tc_kind_name(f->root));
	return 0;
}

/* 1: the file is not there, and need not be. */
static int read_one(struct tc_kubeconfig *r, struct tc_kubeconfig_file *f, const char *path, bool must)
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

/* --- named entries */

/* "a", "b" and 3 more: what could have been meant. */
static const char *known(struct tc_kubeconfig *r, const char *list)
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
static int find(struct tc_kubeconfig *r, const char *list, const char *inner, const char *name,
		const struct tc_node *by, struct tc_kubeconfig_part *out)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct tc_node *seq = tc_get(r->files[i].root, list), *entry, *map;

		if (seq && !tc_is(seq, TC_SEQ) && !tc_is(seq, TC_NULL))
			return tc_kubeconfig_fail(r, seq, "\"%s\" is %s, want a list", list, tc_kind_name(seq));
		entry = tc_deref(tc_find(seq, "name", name));
		if (!entry)
			continue;
		map = tc_get(entry, inner);
		if (map && !tc_is(map, TC_MAP) && !tc_is(map, TC_NULL))
			return tc_kubeconfig_fail(r, map, "\"%s\" is %s, want a mapping", inner, tc_kind_name(map));
		*out = (struct tc_kubeconfig_part){.map = map ? map : entry, .file = &r->files[i]};
		return 0;
	}
	if (!by)
		return tc_fail(&r->err->error, TC_E_USAGE, "kubeconfig: no %s %s; %s", inner,
			       tc_quote(r->mem, tc_str(name)), known(r, list));
	return tc_kubeconfig_fail(r, by, "no %s %s; %s", inner, tc_quote(r->mem, tc_str(name)), known(r, list));
}

/* --- all of it */

static int read_context(struct tc_kubeconfig *r, const char *context)
{
	struct tc_kubeconfig_part top = {0}, ctx = {0}, cluster = {0}, user = {0};
	const char *cluster_name, *user_name;

	for (size_t i = 0; i < r->count && !context; i++) {
		top = (struct tc_kubeconfig_part){.map = r->files[i].root, .file = &r->files[i]};
		if (tc_kubeconfig_string(r, top, "current-context", &context) < 0)
			return -1;
	}
	if (!context)
		return tc_fail(&r->err->error, TC_E_USAGE,
			       "%s: no \"current-context\"; %s; set one with kubectl config use-context NAME",
			       r->files[0].src.name, known(r, "contexts"));
	if (find(r, "contexts", "context", context, top.map ? tc_get(top.map, "current-context") : NULL, &ctx) < 0)
		return -1;
	if (tc_kubeconfig_string(r, ctx, "cluster", &cluster_name) < 0 ||
	    tc_kubeconfig_string(r, ctx, "user", &user_name) < 0 ||
	    tc_kubeconfig_string(r, ctx, "namespace", &r->c->ns) < 0)
		return -1;
	if (!cluster_name)
		return tc_kubeconfig_fail(r, ctx.map, "context %s has no \"cluster\"",
					  tc_quote(r->mem, tc_str(context)));
	if (find(r, "clusters", "cluster", cluster_name, tc_get(ctx.map, "cluster"), &cluster) < 0 ||
	    tc_kubeconfig_cluster(r, cluster) < 0)
		return -1;
	if (user_name && (find(r, "users", "user", user_name, tc_get(ctx.map, "user"), &user) < 0 ||
			  tc_kubeconfig_user(r, user) < 0))
		return -1;
	if (!strncmp(r->c->server, "http://", 7) && (r->c->token || r->c->token_file || r->c->exec))
		return tc_kubeconfig_fail(r, tc_get(cluster.map, "server"),
					  "\"server\" is not https, and the token would be readable on its way");
	return 0;
}

int tc_kubeconfig_load(struct tc_kube_config *c, const char *const *files, size_t count, bool must, const char *context,
		       struct tc_kube_error *err)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new_secret(64 * 1024);
	struct tc_kubeconfig r = {.c = c,
				  .mem = mem,
				  .err = err,
				  .files = tc_alloc(mem, count * sizeof(struct tc_kubeconfig_file))};

	for (size_t i = 0; i < count; i++) {
		struct tc_kubeconfig_file *f = &r.files[r.count];
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
