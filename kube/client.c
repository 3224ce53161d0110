#include "kube/client.h"

#include "kube/list.h"
#include "kube/status.h"

struct tc_kube {
	struct tc_transport *t;
};

int tc_kube_open(struct tc_kube **out, const struct tc_kube_config *config, struct tc_kube_error *err)
{
	_cleanup_(tc_kube_free) struct tc_kube *k = tc_xalloc(sizeof(*k));

	*out = NULL;
	if (tc_transport_open(&k->t, config, err) < 0)
		return -1;
	*out = tc_take(&k);
	return 0;
}

void tc_kube_free(struct tc_kube *k)
{
	if (!k)
		return;
	tc_transport_free(k->t);
	free(k);
}

static int append(const char *s, size_t n, void *self)
{
	tc_buf_add(self, s, n);
	return 0;
}

struct call {
	const char *method, *path, *query; /* query: added to the path's; NULL: none */
	const char *content_type;
	const json_t *body; /* NULL: none */
};

static int call(struct tc_kube *k, json_t **out, const struct call *c, struct tc_kube_error *err)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	_cleanup_answer_ struct tc_answer answer = {0};
	_cleanup_buf_ struct tc_buf body = {.secret = true};
	struct tc_request req = {.method = c->method, .path = c->path, .content_type = c->content_type};

	if (out)
		*out = NULL;
	if (c->query)
		req.path = tc_path_query(mem, c->path, c->query);
	if (c->body) {
		if (json_dump_callback(c->body, append, &body, JSON_COMPACT) < 0)
			return tc_fail(&err->error, TC_E_BUG, "%s %s: the object is no JSON", c->method, c->path);
		req.body = tc_buf_str(&body);
	}
	if (tc_transport_call(k->t, &req, &answer, err) < 0 || tc_kube_check(&answer, c->method, c->path, err) < 0)
		return -1;
	if (!out)
		return 0;
	*out = tc_kube_parse(answer.body.p ? answer.body.p : "", answer.body.len, c->method, c->path, err);
	return *out ? 0 : -1;
}

int tc_kube_get(struct tc_kube *k, json_t **out, const char *path, struct tc_kube_error *err)
{
	return call(k, out, &(struct call){.method = "GET", .path = path}, err);
}

#define MANAGER "fieldManager=" TC_FIELD_MANAGER

int tc_kube_create(struct tc_kube *k, json_t **out, const char *path, json_t *object, struct tc_kube_error *err)
{
	return call(k, out, &(struct call){.method = "POST", .path = path, .query = MANAGER, .body = object}, err);
}

int tc_kube_replace(struct tc_kube *k, json_t **out, const char *path, json_t *object, struct tc_kube_error *err)
{
	return call(k, out, &(struct call){.method = "PUT", .path = path, .query = MANAGER, .body = object}, err);
}

int tc_kube_merge_patch(struct tc_kube *k, json_t **out, const char *path, json_t *patch, struct tc_kube_error *err)
{
	struct call c = {.method = "PATCH",
			 .path = path,
			 .query = MANAGER,
			 .content_type = "application/merge-patch+json",
			 .body = patch};

	return call(k, out, &c, err);
}

int tc_kube_apply(struct tc_kube *k, json_t **out, const char *path, json_t *object, const struct tc_kube_apply *how,
		  struct tc_kube_error *err)
{
	_cleanup_buf_ struct tc_buf query = {0};
	/* JSON is YAML, and the only other name of it is application/apply-patch+cbor. */
	struct call c = {.method = "PATCH",
			 .path = path,
			 .content_type = "application/apply-patch+yaml",
			 .body = object};

	tc_buf_puts(&query, "fieldManager=");
	tc_path_escape(&query, tc_str(how->manager ? how->manager : TC_FIELD_MANAGER));
	tc_buf_printf(&query, "&force=%s%s%s", how->force ? "true" : "false", how->dry_run ? "&dryRun=All" : "",
		      how->strict ? "&fieldValidation=Strict" : "");
	c.query = query.p;
	return call(k, out, &c, err);
}

int tc_kube_delete(struct tc_kube *k, const char *path, const char *uid, struct tc_kube_error *err)
{
	_cleanup_json_ json_t *options = json_pack("{s:s,s:s,s:s}", "kind", "DeleteOptions", "apiVersion", "v1",
						   "propagationPolicy", "Background");

	if (uid)
		json_object_set_new(options, "preconditions", json_pack("{s:s}", "uid", uid));
	if (call(k, NULL, &(struct call){.method = "DELETE", .path = path, .body = options}, err) == 0)
		return 0;
	/* A 404 without a reason is of an API that is not there, which says nothing about the object. A conflict can
	 * only be the uid: another object has the name now. */
	if ((err->status == 404 && !strcmp(err->reason, "NotFound")) ||
	    (uid && err->status == 409 && !strcmp(err->reason, "Conflict"))) {
		memset(err, 0, sizeof(*err));
		return 0;
	}
	return -1;
}

static void collect_anew(void *self)
{
	json_array_clear(self);
}

static void collect(void *self, json_t *item)
{
	json_array_append(self, item);
}

int tc_kube_list(struct tc_kube *k, json_t **items, const char **version, struct tc_arena *mem, const char *path,
		 struct tc_kube_error *err)
{
	_cleanup_json_ json_t *all = json_array();
	struct tc_list list = {.path = path, .begin = collect_anew, .seen = collect, .self = all};
	char found[TC_LIST_VERSION];

	*items = NULL;
	if (tc_list_read(k->t, &list, found, err) < 0)
		return -1;
	*version = tc_strdup(mem, found);
	*items = json_incref(all);
	return 0;
}

const char *tc_kube_path(struct tc_arena *mem, const char *fmt, ...)
{
	_cleanup_buf_ struct tc_buf path = {0};
	va_list ap;

	va_start(ap, fmt);
	for (const char *p = fmt; *p; p++) {
		if (p[0] == '%' && p[1] == 's') {
			tc_path_escape(&path, tc_str(va_arg(ap, const char *)));
			p++;
		} else {
			tc_buf_putc(&path, *p);
		}
	}
	va_end(ap);
	return tc_strndup(mem, path.p ? path.p : "", path.len);
}
