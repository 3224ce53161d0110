#include "kube/kubeconfig.h"

int tc_kubeconfig_fail(struct tc_kubeconfig *r, const struct tc_node *at, const char *fmt, ...)
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

int tc_kubeconfig_string(struct tc_kubeconfig *r, struct tc_kubeconfig_part p, const char *key, const char **out)
{
	const struct tc_node *v = tc_get(p.map, key);

	*out = NULL;
	if (!v || tc_is(v, TC_NULL) || tc_is_string(v, ""))
		return 0;
	if (!tc_is(v, TC_STRING))
		return tc_kubeconfig_fail(r, v, "\"%s\" is %s, want a string", key, tc_kind_name(v));
	/* In C it would end there: another name than the one that is written. */
	if (memchr(v->text.s, '\0', v->text.len))
		return tc_kubeconfig_fail(r, v, "\"%s\" holds a NUL", key);
	*out = tc_strndup(r->c->mem, v->text.s, v->text.len);
	return 0;
}

int tc_kubeconfig_line(struct tc_kubeconfig *r, struct tc_kubeconfig_part p, const char *key, const char **out)
{
	if (tc_kubeconfig_string(r, p, key, out) < 0)
		return -1;
	for (const char *s = *out; s && *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return tc_kubeconfig_fail(r, tc_get(p.map, key), "\"%s\" holds a control character", key);
	return 0;
}

int tc_kubeconfig_bool(struct tc_kubeconfig *r, struct tc_kubeconfig_part p, const char *key, bool *out)
{
	const struct tc_node *v = tc_get(p.map, key);

	*out = false;
	if (!v || tc_is(v, TC_NULL) || tc_as_bool(v, out))
		return 0;
	return tc_kubeconfig_fail(r, v, "\"%s\" is %s, want a boolean", key, tc_kind_name(v));
}

int tc_kubeconfig_path(struct tc_kubeconfig *r, struct tc_kubeconfig_part p, const char *key, const char **out)
{
	if (tc_kubeconfig_string(r, p, key, out) < 0)
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

int tc_kubeconfig_pem(struct tc_kubeconfig *r, struct tc_kubeconfig_part p, const char *name, const char *kind,
		      struct tc_str *out)
{
	const char *data_key = tc_printf(r->mem, "%s-data", name), *path, *data;
	const struct tc_node *v = tc_get(p.map, data_key);

	*out = (struct tc_str){0};
	if (tc_kubeconfig_string(r, p, data_key, &data) < 0 || tc_kubeconfig_path(r, p, name, &path) < 0)
		return -1;
	if (data) {
		if (!tc_kube_base64(out, r->c->mem, tc_str(data)))
			return tc_kubeconfig_fail(r, v, "\"%s\" is no base64", data_key);
		if (!tc_kube_is_pem(*out, kind))
			return tc_kubeconfig_fail(r, v, "\"%s\" holds no PEM block \"%s\"", data_key, kind);
		return 0;
	}
	if (!path)
		return 0;
	v = tc_get(p.map, name);
	if (tc_kube_read_file(out, r->c->mem, path, TC_KUBE_PEM_MAX, &r->err->error) != 0)
		return tc_kubeconfig_fail(r, v, "\"%s\": %s", name, tc_strdup(r->mem, r->err->error.msg));
	if (!tc_kube_is_pem(*out, kind))
		return tc_kubeconfig_fail(r, v, "\"%s\": %s holds no PEM block \"%s\"", name, path, kind);
	return 0;
}

void tc_kubeconfig_push(struct tc_kubeconfig *r, struct tc_kubeconfig_list *l, const char *text)
{
	tc_grow(r->c->mem, l->list, l->count, l->cap);
	l->list[l->count++] = text;
	tc_grow(r->c->mem, l->list, l->count, l->cap);
	l->list[l->count] = NULL;
}

int tc_kubeconfig_add(struct tc_kubeconfig *r, struct tc_kubeconfig_part p, const char *key, const char *before,
		      struct tc_kubeconfig_list *l)
{
	const struct tc_node *seq = tc_get(p.map, key);

	if (seq && !tc_is(seq, TC_SEQ) && !tc_is(seq, TC_NULL))
		return tc_kubeconfig_fail(r, seq, "\"%s\" is %s, want a list", key, tc_kind_name(seq));
	for (const struct tc_node *i = tc_item(seq); i; i = tc_item_next(i)) {
		struct tc_str text = tc_text(i);

		if (!tc_is(i, TC_STRING) || memchr(text.s, '\0', text.len))
			return tc_kubeconfig_fail(r, i, "\"%s\" holds %s, want strings", key, tc_kind_name(i));
		tc_kubeconfig_push(r, l, tc_printf(r->c->mem, "%s%.*s", before, TC_STR_ARG(text)));
	}
	return 0;
}
