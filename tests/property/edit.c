#include "tests/property/edit.h"

#include "compiler/tree/emit.h"

struct editing {
	struct tc_arena *mem;
	const struct model_tentacle *t;
	const struct model_dep *dep;
	bool found, drop;
};

/* A copy of n with another value at the end of path (NULL ends it); value NULL: without that entry. */
static struct tc_node *with(struct tc_arena *mem, const struct tc_node *n, const char *const *path,
			    struct tc_node *value)
{
	struct tc_node *copy;

	if (!*path)
		return value;
	if (!tc_is(n, TC_MAP))
		return tc_copy_new(mem, tc_copy_expanded(mem, n), NULL);
	copy = tc_new_map(mem, NULL);
	for (struct tc_entry e = tc_first(n); e.key; e = tc_next(e)) {
		struct tc_str key = tc_key_text(mem, e.key);
		struct tc_node *v = tc_str_is(key, *path) ? with(mem, e.value, path + 1, value)
							  : tc_copy_new(mem, tc_copy_expanded(mem, e.value), NULL);

		if (v)
			tc_put_str(mem, copy, key, v);
	}
	return copy;
}

static struct tc_node *inner_text(struct editing *e, const struct tc_node *scalar, const char *const *path)
{
	const struct tc_node *inner = tree_parse(e->mem, tc_text(scalar));
	_cleanup_buf_ struct tc_buf text = {0};

	tc_emit(&text, with(e->mem, inner, path, NULL), (struct tc_emit){.format = TC_YAML});
	return tc_new_string(e->mem, NULL, tc_buf_str(&text));
}

static const struct tc_node *edit_annotation(struct editing *e, const struct tc_node *object)
{
	const char *const path[] = {"metadata", "annotations", "tentacular.io/contract", NULL};
	const char *const inner[] = {"dependencies", e->dep ? e->dep->name : NULL, NULL};
	const struct tc_node *scalar = tc_get_path(object, path[0], path[1], path[2], NULL);

	e->found = true;
	return with(e->mem, object, path, e->dep ? inner_text(e, scalar, inner) : NULL);
}

static const struct tc_node *edit_configmap(struct editing *e, const struct tc_node *object)
{
	const char *const path[] = {"data", "workflow.yaml", NULL};
	const char *const inner[] = {"contract", e->dep ? "dependencies" : NULL, e->dep ? e->dep->name : NULL, NULL};

	e->found = true;
	return with(e->mem, object, path, inner_text(e, tc_get_path(object, path[0], path[1], NULL), inner));
}

static const struct tc_node *edit_workflow(struct editing *e, const struct tc_node *object)
{
	const char *const path[] = {"contract", "dependencies", e->dep ? e->dep->name : NULL, NULL};

	e->found = true;
	e->drop = !e->dep;
	return with(e->mem, object, path, NULL);
}

/* The object as it is to be; itself when it is another one. */
static const struct tc_node *edit_object(struct editing *e, const struct tc_node *object)
{
	const struct model_tentacle *t = e->t;
	const struct tc_node *kind = tc_get(object, "kind");
	const struct tc_node *ns = tc_get_path(object, "metadata", "namespace", NULL);
	const char *name = t->place == PLACE_CONFIGMAP ? tc_printf(e->mem, "%s-code", t->name) : t->name;

	if (t->place == PLACE_BARE)
		return !kind && tc_is_string(tc_get(object, "name"), t->name) ? edit_workflow(e, object) : object;
	if (!tc_is_string(tc_get_path(object, "metadata", "name", NULL), name) || (ns && !tc_is_string(ns, t->enclave)))
		return object;
	if (t->place == PLACE_CONFIGMAP)
		return tc_is_string(kind, "ConfigMap") ? edit_configmap(e, object) : object;
	return tc_is_string(kind, model_kinds[t->kind].kind) ? edit_annotation(e, object) : object;
}

static const struct tc_node *edit_list(struct editing *e, const struct tc_node *list)
{
	const char *const path[] = {"items", NULL};
	struct tc_node *items = tc_new_seq(e->mem, NULL);

	for (const struct tc_node *i = tc_item(tc_get(list, "items")); i; i = tc_item_next(i))
		tc_push(items, tc_copy_new(e->mem, tc_copy_expanded(e->mem, edit_object(e, tc_deref(i))), NULL));
	return e->found ? with(e->mem, list, path, items) : list;
}

static void edit_doc(struct editing *e, struct tc_buf *out, struct tc_doc *doc)
{
	const char *text = doc->src->text.s;
	const struct tc_node *root;

	e->found = e->drop = false;
	root = !doc->root                                        ? NULL
	       : tc_is_string(tc_get(doc->root, "kind"), "List") ? edit_list(e, doc->root)
								 : edit_object(e, doc->root);
	if (e->drop)
		return;
	if (!e->found) {
		tc_buf_add(out, text + doc->sep, doc->end - doc->sep);
		return;
	}
	tc_buf_add(out, text + doc->sep, doc->begin - doc->sep);
	tc_emit(out, root, (struct tc_emit){.format = doc->format});
	if (doc->format == TC_JSON)
		tc_buf_putc(out, '\n');
}

void edit_remove(struct batch *to, struct tc_arena *mem, const struct batch *from, const struct model_tentacle *t,
		 const struct model_dep *dep)
{
	struct editing e = {.mem = mem, .t = t, .dep = dep};
	struct tc_diags diags = {.mem = mem};

	*to = (struct batch){0};
	for (size_t i = 0; i < from->n; i++) {
		_cleanup_buf_ struct tc_buf out = {0};
		struct tc_doc *docs;
		size_t n = tc_stream_cut(mem, &from->src[i], &TC_LIMITS_FILE, &diags, &docs);

		for (size_t k = 0; k < n; k++) {
			(void)tc_doc_read(mem, &docs[k], &TC_LIMITS_FILE, &diags);
			edit_doc(&e, &out, &docs[k]);
		}
		batch_set(to, i, from->src[i].name,
			  (struct tc_str){.s = tc_strndup(mem, tc_buf_str(&out).s, out.len), .len = out.len});
	}
}
