/* Purity, idempotence, what reads back, and what a root key changes. */
#include "tests/property/properties.h"

static const char *differs(struct kase *k, struct outcome *got, const struct outcome *wanted, const char *what)
{
	if (!got->ok) {
		_cleanup_buf_ struct tc_buf text = {0};

		if (got->rc < 0)
			return tc_printf(k->mem, "%s: %s", what, got->err.msg);
		tc_diags_render(&text, &got->diags, (struct tc_diag_style){0});
		return tc_printf(k->mem, "%s is refused:\n%s", what, text.p ? text.p : "");
	}
	for (size_t i = 0; i < got->n; i++) {
		struct tc_str a = tc_buf_str(&got->out[i]), b = tc_buf_str(&wanted->out[i]);
		size_t n = 0, from;

		if (tc_str_equal(a, b))
			continue;
		while (n < a.len && n < b.len && a.s[n] == b.s[n])
			n++;
		from = n > 200 ? n - 200 : 0;
		return tc_printf(k->mem, "%s differs in %s at byte %zu:\n--- got\n%.500s\n--- wanted\n%.500s", what,
				 k->batch.src[i].name, n, a.s + from, b.s + from);
	}
	return NULL;
}

/* Elsewhere in memory, with other chunks. */
const char *property_pure(struct kase *k)
{
	_cleanup_outcome_ struct outcome again = {0};
	struct batch copy = {0};

	for (size_t i = 0; i < k->batch.n; i++) {
		struct tc_str text = k->batch.src[i].text;

		batch_set(&copy, i, k->batch.src[i].name,
			  (struct tc_str){.s = tc_strndup(k->mem, text.s, text.len), .len = text.len});
	}
	outcome_make(&again, &copy, &k->platform, k->model.enclave_flag);
	if (again.ok != k->outcome.ok || again.diags.errors != k->outcome.diags.errors ||
	    again.diags.warnings != k->outcome.diags.warnings)
		return "the second time there are other problems";
	return k->outcome.ok ? differs(k, &again, &k->outcome, "the second time") : NULL;
}

const char *property_idempotent(struct kase *k)
{
	_cleanup_outcome_ struct outcome again = {0};

	outcome_make(&again, &k->output, &k->platform, k->model.enclave_flag);
	return differs(k, &again, &k->outcome, "compile(compile(x))");
}

/* Without a diagnostic; what did not change is the input's own bytes. */
const char *property_reads_back(struct kase *k)
{
	if (k->trees.problems)
		return "the output has problems of its own when it is read";
	for (size_t i = 0; i < k->trees.count; i++)
		if (!k->trees.list[i].root)
			return "a document of the output cannot be read";
	for (size_t i = 0; i < k->outcome.n; i++) {
		const struct tc_result_source *s = &k->outcome.result->sources[i];

		if (!s->changed && !tc_str_equal(tc_buf_str(&k->outcome.out[i]), k->batch.src[i].text))
			return "a source that did not change has other bytes";
	}
	return NULL;
}

static bool is_credential(struct tc_str key)
{
	for (size_t i = 0; tc_services[i]; i++) {
		for (const struct tc_value *row = tc_services[i]->values; row->name; row++) {
			size_t dot = key.len - strlen(row->name) - 1;

			if ((row->flags & TC_V_CREDENTIAL) && key.len > strlen(row->name) && key.s[dot] == '.' &&
			    memcmp(key.s + dot + 1, row->name, strlen(row->name)) == 0)
				return true;
		}
	}
	return false;
}

static const struct tc_node *without_credentials(struct tc_arena *mem, const struct tc_node *object)
{
	struct tc_node *copy, *left;

	if (!tc_is_string(tc_get(object, "kind"), "Secret") || !tc_is(tc_get(object, "data"), TC_MAP))
		return object;
	copy = tc_new_map(mem, NULL);
	left = tc_new_map(mem, NULL);
	for (struct tc_entry e = tc_first(object); e.key; e = tc_next(e))
		if (!tc_is_string(e.key, "data"))
			tc_put_str(mem, copy, tc_text(e.key), tc_copy_new(mem, e.value, NULL));
	for (struct tc_entry e = tc_first(tc_get(object, "data")); e.key; e = tc_next(e))
		if (!is_credential(tc_text(e.key)))
			tc_put_str(mem, left, tc_text(e.key), tc_copy_new(mem, e.value, NULL));
	tc_put(mem, copy, "data", left);
	return copy;
}

static const struct tc_node *public_part(struct tc_arena *mem, const struct tc_node *root)
{
	struct tc_node *list, *items;

	if (!tc_is_string(tc_get(root, "kind"), "List"))
		return without_credentials(mem, root);
	list = tc_new_map(mem, NULL);
	items = tc_new_seq(mem, NULL);
	for (const struct tc_node *i = tc_item(tc_get(root, "items")); i; i = tc_item_next(i))
		tc_push(items, tc_copy_new(mem, tc_copy_expanded(mem, without_credentials(mem, tc_deref(i))), NULL));
	tc_put(mem, list, "items", items);
	return list;
}

const char *property_root_key(struct kase *k)
{
	struct platform other;
	_cleanup_outcome_ struct outcome bare = {0}, later = {0};
	struct batch output;
	struct trees trees;
	const struct outcome *keyed = &k->outcome;
	const char *fault = NULL;

	if (!k->platform.keys) {
		k->skip = true;
		return NULL;
	}
	platform_make(&other, k->mem, &k->model.config, false);
	outcome_make(&bare, &k->batch, &other, k->model.enclave_flag);
	if (!bare.ok)
		return "it compiles with a root key, but not without one";
	outcome_batch(&bare, &k->batch, &output);
	trees_read(&trees, k->mem, &output);
	if (trees.count != k->trees.count)
		return "with a root key there are other documents";
	for (size_t i = 0; i < trees.count && !fault; i++) {
		const char *a = tree_text(k->mem, public_part(k->mem, k->trees.list[i].root), false);
		const char *b = tree_text(k->mem, public_part(k->mem, trees.list[i].root), false);

		if (strcmp(a, b) != 0)
			fault = tc_printf(k->mem, "document %zu depends on the root key:\n%s\n%s", i + 1, a, b);
		if (!fault && !tc_is_string(tc_get(trees.list[i].root, "kind"), "List") &&
		    strcmp(b, tree_text(k->mem, trees.list[i].root, false)) != 0)
			fault = "a credential without a root key";
	}
	if (fault)
		return fault;
	outcome_make(&later, &output, &k->platform, k->model.enclave_flag);
	return differs(k, &later, keyed, "compiled without a root key, then with it,");
}
