/* A workload: labels on its pods, annotations, mounts and variables; or, with the contract gone, all of them taken
 * back. */
#include "compiler/transform/workload.h"

#include "compiler/contract/identity.h"
#include "compiler/transform/defaults.h"
#include "compiler/tree/emit.h"

const char *tc_config_hash(struct tc_arena *mem, const struct tc_config *config)
{
	_cleanup_buf_ struct tc_buf text = {0};

	tc_config_canonical(&text, config);
	return tc_sha256_hex(mem, tc_buf_str(&text), 64);
}

/* All workloads have the same one. */
static const char *config_hash(struct tc_work *w)
{
	if (w->stage->config_hash)
		return w->stage->config_hash;
	if (!w->config_hash)
		w->config_hash = tc_config_hash(w->mem, w->stage->config);
	return w->config_hash;
}

/* What the output depends on, so that a later look can tell whether it is up to date. */
static const char *compiled_hash(struct tc_work *w, const struct tc_tentacle *t)
{
	_cleanup_buf_ struct tc_buf text = {0};

	tc_emit_canonical(&text, t->enriched);
	tc_buf_putc(&text, '\n');
	tc_buf_puts(&text, config_hash(w));
	tc_buf_printf(&text, "\nlevel=%u\nepoch=%u\n", t->level, t->epoch);
	return tc_sha256_hex(w->mem, tc_buf_str(&text), 16);
}

static void bad_shape(struct tc_work *w, const struct tc_object *o, const struct tc_node *at, const char *what,
		      const char *expected)
{
	struct tc_diag *d =
		tc_diag(w->diags, TC_MSG_BAD_OBJECT, at ? tc_node_pos(at) : o->at, "%s of %s %s is %s, %s was expected",
			what, o->kind->kind, tc_quote(w->mem, tc_str(o->name)), tc_kind_name(at), expected);

	tc_diag_help(d, "tentc mounts the tentacle's Secret there: write it as the Kubernetes API has it");
}

bool tc_pod_item(struct tc_pod_edit *e, const struct tc_node *map, const char *key, const char *field, const char *path,
		 struct tc_node *value)
{
	const struct tc_node *list = tc_patch_seq_at(e->patch, map, key, value->origin), *there = NULL, **items;
	struct tc_str name = tc_text(tc_get(value, field));
	size_t n;

	if (!list) {
		bad_shape(e->w, e->t->workload, tc_get(map, key), key, "a list");
		return true;
	}
	items = tc_patch_items(e->patch, list, &n);
	for (size_t i = 0; i < n && !there; i++) {
		if (tc_str_equal(tc_text(tc_get(items[i], field)), name))
			there = tc_deref(items[i]);
	}
	if (there && !tc_ledger_ours(&e->ledger, path, there))
		return tc_equal_stored(e->w->mem, there, value); /* the author's, and just what is needed */
	if (!there)
		tc_patch_push(e->patch, list, value);
	else if (!tc_equal_stored(e->w->mem, there, value))
		tc_patch_replace(e->patch, there, value);
	tc_ledger_record(&e->ledger, path, value, NULL);
	return true;
}

static void label_pods(struct tc_pod_edit *e)
{
	static const char *const keys[] = {TC_LABEL_EXOSKELETON, TC_LABEL_RELEASE};
	const struct tc_origin *origin = e->t->origin;
	const struct tc_node *metadata = tc_patch_map_at(e->patch, e->template, "metadata", origin), *labels = NULL;

	if (metadata)
		labels = tc_patch_map_at(e->patch, metadata, "labels", origin);
	if (!labels) {
		bad_shape(e->w, e->t->workload, tc_get_path(e->template, "metadata", "labels", NULL),
			  "the pod template's metadata.labels", "a mapping");
		return;
	}
	for (size_t i = 0; i < TC_COUNT(keys); i++) {
		const char *value = i == 0 ? "true" : e->t->name;
		const char *path = tc_ledger_path(e->w->mem, e->template_path, "metadata", "labels", keys[i], NULL);
		const struct tc_node *there = tc_patch_get(e->patch, labels, keys[i]);
		bool ours = tc_ledger_ours(&e->ledger, path, there);
		struct tc_node *wanted = tc_new_string(e->w->mem, origin, tc_str(value));
		struct tc_diag *d;

		if (there && !ours) {
			if (tc_is_string(there, value))
				continue;
			d = tc_diag(e->w->diags, TC_MSG_RELEASE_LABEL, tc_node_pos(there),
				    "the pod label %s is %s, \"%s\" was expected", keys[i],
				    tc_is(there, TC_STRING) ? tc_quote(e->w->mem, tc_text(there)) : tc_kind_name(there),
				    value);
			tc_diag_help(d, "remove the label: it is tentc's, and tells whose pods these are");
			continue;
		}
		tc_put_string(e->patch, labels, keys[i], value, origin);
		tc_ledger_record(&e->ledger, path, wanted, NULL);
	}
}

/* The next name of a list such as "a, b"; false past its end. */
static bool next_name(struct tc_str *list, struct tc_str *name)
{
	const char *comma = list->len ? memchr(list->s, ',', list->len) : NULL;

	if (!list->s)
		return false;
	*name = (struct tc_str){.s = list->s, .len = comma ? (size_t)(comma - list->s) : list->len};
	if (comma)
		*list = (struct tc_str){.s = comma + 1, .len = list->len - name->len - 1};
	else
		*list = (struct tc_str){0};
	for (; name->len && name->s[0] == ' '; name->len--)
		name->s++;
	for (; name->len && name->s[name->len - 1] == ' ';)
		name->len--;
	return true;
}

static bool is_injected(struct tc_str list, const char *container)
{
	struct tc_str name;

	while (next_name(&list, &name)) {
		if (tc_str_is(name, container))
			return true;
	}
	return false;
}

/* Every name of tentacular.io/inject-containers has to be a container's. */
static void check_injected(struct tc_pod_edit *e, const struct tc_node *annotation)
{
	struct tc_str list = tc_text(annotation), name;

	while (next_name(&list, &name)) {
		bool known = false;
		struct tc_diag *d;

		for (size_t i = 0; i < e->ncontainers && !known; i++)
			known = tc_str_is(name, e->containers[i].name);
		if (known)
			continue;
		d = tc_diag(e->w->diags, TC_MSG_UNKNOWN_CONTAINER, tc_node_pos(annotation),
			    "%s names the container %s, which the pod does not have", TC_ANNOTATION_CONTAINERS,
			    tc_quote(e->w->mem, name));
		tc_diag_help(d, "give the names of containers or init containers, with commas between them");
	}
}

/* Containers are told apart by their names, in the cluster and in the ledger. */
static bool is_second(const struct tc_node *container, struct tc_str name)
{
	const struct tc_node *list = container->parent;

	for (const struct tc_node *i = tc_item(list); i && i != container; i = tc_item_next(i)) {
		if (tc_str_equal(tc_text(tc_get(i, "name")), name))
			return true;
	}
	return false;
}

static bool collect(struct tc_pod_edit *e, const char *key, const struct tc_node *annotation)
{
	const struct tc_node *list = tc_get(e->spec, key);

	if (!list || tc_is(list, TC_NULL))
		return true;
	if (!tc_is(list, TC_SEQ)) {
		bad_shape(e->w, e->t->workload, list, key, "a list");
		return false;
	}
	for (const struct tc_node *i = tc_item(list); i; i = tc_item_next(i)) {
		struct tc_str name = tc_text(tc_get(i, "name"));
		struct tc_container c = {.node = tc_deref(i), .name = tc_strndup(e->w->mem, name.s, name.len)};

		if (!tc_is(i, TC_MAP) || name.len == 0) {
			bad_shape(e->w, e->t->workload, i, "a container", "a mapping with a name");
			return false;
		}
		if (is_second(i, name)) {
			struct tc_diag *d = tc_diag(e->w->diags, TC_MSG_BAD_OBJECT, tc_node_pos(tc_get(i, "name")),
						    "a second container has the name %s", tc_quote(e->w->mem, name));

			tc_diag_help(d, "rename one of them: Kubernetes refuses the pod");
			return false;
		}
		if (annotation && !is_injected(tc_text(annotation), c.name))
			continue;
		c.path = tc_ledger_path(e->w->mem, e->spec_path, key, tc_printf(e->w->mem, "[%s]", c.name), NULL);
		e->containers[e->ncontainers++] = c;
	}
	return true;
}

/* The containers that get something. False, reported: the pod is not shaped as it should be. */
static bool find_containers(struct tc_pod_edit *e)
{
	const struct tc_node *annotation = tc_object_annotation(e->t->workload, TC_ANNOTATION_CONTAINERS);
	const struct tc_node *containers = tc_deref(tc_get(e->spec, "containers"));
	const struct tc_node *inits = tc_deref(tc_get(e->spec, "initContainers"));
	size_t n = (tc_is(containers, TC_SEQ) ? containers->count : 0) + (tc_is(inits, TC_SEQ) ? inits->count : 0);

	if (!tc_is(containers, TC_SEQ) || containers->count == 0) {
		bad_shape(e->w, e->t->workload, containers, "containers", "a list with a container in it");
		return false;
	}
	if (n > TC_CONTAINERS_MAX) {
		struct tc_diag *d =
			tc_diag(e->w->diags, TC_MSG_BAD_OBJECT, tc_node_pos(containers),
				"the pod has %zu containers, at most %d are looked at", n, TC_CONTAINERS_MAX);

		tc_diag_help(d, "split the workload");
		return false;
	}
	e->containers = tc_alloc(e->w->mem, n * sizeof(struct tc_container));
	if (!collect(e, "containers", annotation) || !collect(e, "initContainers", annotation))
		return false;
	if (annotation)
		check_injected(e, annotation);
	return true;
}

static const char *template_path(struct tc_arena *mem, const struct tc_kind_row *kind)
{
	const char *path = "";

	for (size_t i = 0; i < TC_COUNT(kind->template_path) && kind->template_path[i]; i++)
		path = tc_ledger_path(mem, path, kind->template_path[i], NULL);
	return path;
}

static const char *level_path(struct tc_pod_edit *e)
{
	return tc_ledger_path(e->w->mem, "/metadata/annotations", TC_ANNOTATION_LEVEL, NULL);
}

/* Our annotations are known by name and stand in no ledger; but a level that the author wrote does, as something that
 * was there before, so that it stays when the contract goes. */
static void annotate(struct tc_pod_edit *e)
{
	const struct tc_node *metadata = tc_object_metadata(e->t->workload), *annotations, *level;

	annotations = tc_patch_map_at(e->patch, metadata, "annotations", e->t->origin);
	if (!annotations) {
		bad_shape(e->w, e->t->workload, tc_get(metadata, "annotations"), "metadata.annotations", "a mapping");
		return;
	}
	e->t->compiled = compiled_hash(e->w, e->t);
	tc_put_string(e->patch, annotations, TC_ANNOTATION_COMPILED, e->t->compiled, e->t->origin);
	level = tc_patch_get(e->patch, annotations, TC_ANNOTATION_LEVEL);
	if (!level)
		tc_put_string(e->patch, annotations, TC_ANNOTATION_LEVEL, tc_printf(e->w->mem, "%u", e->t->level),
			      e->t->origin);
	else if (!e->t->workload->marked || tc_ledger_was(&e->ledger, level_path(e), level))
		tc_ledger_record(&e->ledger, level_path(e), level, level);
}

static void remove_annotations(struct tc_pod_edit *e)
{
	static const char *const keys[] = {TC_ANNOTATION_COMPILED, TC_ANNOTATION_LEVEL};
	const struct tc_node *annotations = tc_get(tc_object_metadata(e->t->workload), "annotations");

	for (size_t i = 0; i < TC_COUNT(keys); i++) {
		const struct tc_node *there = tc_get(annotations, keys[i]);

		if (there && !tc_ledger_was(&e->ledger, level_path(e), there))
			tc_ledger_remove(e->patch, tc_object_metadata(e->t->workload), there);
	}
}

/* Are parts of ours left in the pod template? */
static bool has_ours(const struct tc_object *o)
{
	const struct tc_node *template = tc_object_template(o);

	return tc_get_path(template, "metadata", "labels", TC_LABEL_EXOSKELETON, NULL) ||
	       tc_find(tc_get_path(template, "spec", "volumes", NULL), "name", TC_SECRETS_VOLUME);
}

static void report_lost_ledger(struct tc_work *w, const struct tc_object *o)
{
	struct tc_diag *d =
		tc_diag(w->diags, TC_MSG_BAD_ANNOTATION, o->at,
			"%s \"%s\" has lost the annotation %s, so what tentc added cannot be told from what "
			"was there",
			o->kind->kind, o->name, TC_ANNOTATION_FILLED);

	tc_diag_help(d, "compile the source again, or restore the annotation from version control");
}

void tc_transform_workload(struct tc_work *w, struct tc_tentacle *t)
{
	struct tc_object *o = t->workload;
	struct tc_pod_edit e = {.w = w, .t = t};

	if (!o)
		return;
	e.patch = tc_doc_patch(w->mem, o->doc);
	e.ledger = (struct tc_ledger){
		.mem = w->mem, .holder = e.patch, .target = e.patch, .target_root = o->root, .prefix = ""};
	if (!tc_ledger_open(&e.ledger, o->root, w->diags))
		return;
	if (!t->contract) {
		if (!e.ledger.old && has_ours(o)) {
			report_lost_ledger(w, o);
			return;
		}
		remove_annotations(&e);
		tc_ledger_close(&e.ledger, NULL);
		return;
	}
	e.template = tc_object_template(o);
	e.template_path = template_path(w->mem, o->kind);
	e.spec = tc_get(e.template, "spec");
	e.spec_path = tc_ledger_path(w->mem, e.template_path, "spec", NULL);
	if (!tc_is(e.spec, TC_MAP)) {
		bad_shape(w, o, e.spec, "the pod template's spec", "a mapping");
		return;
	}
	if (!find_containers(&e))
		return;
	label_pods(&e);
	tc_pod_mount(&e);
	tc_pod_bindings(&e);
	tc_pod_variables(&e);
	annotate(&e);
	tc_ledger_close(&e.ledger, t->origin);
}
