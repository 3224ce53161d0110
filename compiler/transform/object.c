#include "compiler/transform/object.h"

static const struct tc_kind_row kinds[] = {
	{"Deployment", "apps", TC_ROLE_WORKLOAD, {"spec", "template"}},
	{"StatefulSet", "apps", TC_ROLE_WORKLOAD, {"spec", "template"}},
	{"DaemonSet", "apps", TC_ROLE_WORKLOAD, {"spec", "template"}},
	{"Job", "batch", TC_ROLE_WORKLOAD, {"spec", "template"}},
	{"CronJob", "batch", TC_ROLE_WORKLOAD, {"spec", "jobTemplate", "spec", "template"}},
	{"Pod", "", TC_ROLE_WORKLOAD, {NULL}},
	{"ConfigMap", "", TC_ROLE_CONFIGMAP, {NULL}},
	{"Secret", "", TC_ROLE_SECRET, {NULL}},
	{"NetworkPolicy", "networking.k8s.io", TC_ROLE_NETWORKPOLICY, {NULL}},
	{"ClusterSPIFFEID", "spire.spiffe.io", TC_ROLE_SPIFFEID, {NULL}},
};

static const struct tc_kind_row workflow_row = {"workflow", "", TC_ROLE_WORKFLOW, {NULL}};

const struct tc_kind_row *tc_kind_row(struct tc_str api_version, struct tc_str kind)
{
	const char *slash = api_version.len ? memchr(api_version.s, '/', api_version.len) : NULL;
	struct tc_str group = {.s = api_version.s, .len = slash ? (size_t)(slash - api_version.s) : 0};

	for (size_t i = 0; i < TC_COUNT(kinds); i++) {
		if (tc_str_is(kind, kinds[i].kind) && tc_str_is(group, kinds[i].group))
			return &kinds[i];
	}
	return NULL;
}

/* What tentc made carries both labels and one of the names that tentc gives. The labels alone would not do: an author
 * may copy them; nor would the name, which an author may have chosen before. */
static bool is_ours(const struct tc_object *o)
{
	const struct tc_node *labels = tc_get(tc_object_metadata(o), "labels");
	struct tc_str release = tc_text(tc_get(labels, TC_LABEL_RELEASE));
	struct tc_str name = tc_str(o->name);

	if (release.len == 0 || !tc_is_string(tc_get(labels, TC_LABEL_EXOSKELETON), "true"))
		return false;
	switch (o->kind->role) {
	case TC_ROLE_SECRET:
		return tc_str_starts(name, "tentacular-exoskeleton-");
	case TC_ROLE_NETWORKPOLICY:
		return tc_str_starts(name, "tentacular-exoskeleton-") ||
		       (name.len == release.len + 7 && memcmp(name.s, release.s, release.len) == 0 &&
			memcmp(name.s + release.len, "-netpol", 7) == 0);
	case TC_ROLE_SPIFFEID:
		return tc_str_starts(name, "tentacular.");
	case TC_ROLE_WORKLOAD:
	case TC_ROLE_CONFIGMAP:
	case TC_ROLE_WORKFLOW:
		return false;
	}
	return false; /* unreachable: every role has its case */
}

static const char *text_or_empty(struct tc_arena *mem, const struct tc_node *n)
{
	struct tc_str text = tc_text(n);

	return text.len ? tc_strndup(mem, text.s, text.len) : "";
}

static struct tc_object *object_new(struct tc_arena *mem, struct tc_stage_doc *doc, const struct tc_node *root,
				    const struct tc_kind_row *kind, size_t item)
{
	struct tc_object *o = tc_alloc(mem, sizeof(*o));
	const struct tc_node *metadata, *name;

	*o = (struct tc_object){.doc = doc, .root = root, .kind = kind, .item = item};
	metadata = kind->role == TC_ROLE_WORKFLOW ? root : tc_object_metadata(o);
	name = tc_get(metadata, "name");
	o->name = text_or_empty(mem, name);
	o->ns = kind->role == TC_ROLE_WORKFLOW ? "" : text_or_empty(mem, tc_get(metadata, "namespace"));
	o->at = tc_node_pos(name ? name : root);
	o->ours = is_ours(o);
	o->marked = kind->role != TC_ROLE_WORKFLOW &&
		    (tc_object_annotation(o, TC_ANNOTATION_FILLED) || tc_object_annotation(o, TC_ANNOTATION_COMPILED));
	return o;
}

static const struct tc_kind_row *row_of(const struct tc_node *root)
{
	const struct tc_node *kind = tc_get(root, "kind"), *api_version = tc_get(root, "apiVersion");

	if (!tc_is(root, TC_MAP))
		return NULL;
	if (!kind && !api_version)
		return tc_get_key(root, "contract") ? &workflow_row : NULL;
	return tc_kind_row(tc_text(api_version), tc_text(kind));
}

static bool is_list(const struct tc_node *root)
{
	return tc_is_string(tc_get(root, "kind"), "List") && tc_is_string(tc_get(root, "apiVersion"), "v1");
}

struct tc_object *tc_object_of_kind(struct tc_arena *mem, struct tc_stage_doc *doc, const struct tc_kind_row *kind)
{
	doc->objects = tc_alloc(mem, sizeof(struct tc_object *));
	doc->objects[0] = object_new(mem, doc, doc->root, kind, SIZE_MAX);
	doc->nobjects = 1;
	return doc->objects[0];
}

void tc_objects_of(struct tc_arena *mem, struct tc_stage_doc *doc)
{
	const struct tc_node *items = is_list(doc->root) ? tc_get(doc->root, "items") : NULL;
	const struct tc_kind_row *row;
	size_t n = 0;

	doc->nobjects = 0;
	if (!items) {
		row = row_of(doc->root);
		if (row)
			tc_object_of_kind(mem, doc, row);
		return;
	}
	doc->objects = tc_alloc(mem, sizeof(struct tc_object *) * (tc_is(items, TC_SEQ) ? items->count : 0));
	for (const struct tc_node *i = tc_item(items); i; i = tc_item_next(i), n++) {
		row = row_of(tc_deref(i));
		if (row && row->role != TC_ROLE_WORKFLOW)
			doc->objects[doc->nobjects++] = object_new(mem, doc, tc_deref(i), row, n);
	}
}

static bool object_needed(const struct tc_object *o, const char *contract_key)
{
	if (o->ours || o->marked)
		return true;
	switch (o->kind->role) {
	case TC_ROLE_WORKLOAD:
		return tc_object_annotation(o, TC_ANNOTATION_CONTRACT) != NULL;
	case TC_ROLE_CONFIGMAP:
		return tc_get(tc_get(o->root, "data"), contract_key) != NULL;
	case TC_ROLE_SECRET:
	case TC_ROLE_SPIFFEID:
		return tc_str_starts(tc_str(o->name), "tentacular");
	case TC_ROLE_NETWORKPOLICY:
	case TC_ROLE_WORKFLOW:
		return true;
	}
	return true; /* unreachable: every role has its case */
}

bool tc_doc_needed(const struct tc_stage_doc *doc, const char *contract_key)
{
	for (size_t i = 0; i < doc->nobjects; i++) {
		if (doc->objects[i]->item != SIZE_MAX || object_needed(doc->objects[i], contract_key))
			return true;
	}
	return false;
}

/* Gives the objects of a document their places in its present tree. */
static void follow(struct tc_stage_doc *doc)
{
	const struct tc_node *item = NULL;
	size_t at = 0;

	for (size_t i = 0; i < doc->nobjects; i++) {
		struct tc_object *o = doc->objects[i];

		if (o->item == SIZE_MAX) {
			o->root = doc->root;
			continue;
		}
		if (!item)
			item = tc_item(tc_get(doc->root, "items"));
		for (; at < o->item; at++)
			item = tc_item_next(item);
		o->root = tc_deref(item);
	}
}

void tc_object_load(struct tc_arena *mem, struct tc_object *object, const struct tc_limits *limits)
{
	struct tc_stage_doc *doc = object->doc;

	if (object->root)
		return;
	/* It was read without an error before, so it is now. */
	if (!tc_doc_read(mem, doc->cut, limits, NULL))
		abort(); /* unreachable: it was read before */
	doc->root = doc->cut->root;
	follow(doc);
}

void tc_doc_expand(struct tc_arena *mem, struct tc_stage_doc *doc)
{
	struct tc_node *followed = tc_copy_followed(mem, doc->root);

	doc->root = followed ? followed : tc_copy_expanded(mem, doc->root);
	follow(doc);
}

struct tc_patch *tc_doc_patch(struct tc_arena *mem, struct tc_stage_doc *doc)
{
	if (!doc->patch) {
		doc->patch = tc_alloc(mem, sizeof(*doc->patch));
		tc_patch_init(doc->patch, mem, doc->root);
	}
	return doc->patch;
}

bool tc_doc_is_list(const struct tc_stage_doc *doc)
{
	return doc->nobjects && doc->objects[0]->item != SIZE_MAX;
}

const struct tc_node *tc_object_metadata(const struct tc_object *o)
{
	return tc_get(o->root, "metadata");
}

const struct tc_node *tc_object_annotation(const struct tc_object *o, const char *key)
{
	return tc_get(tc_get(tc_object_metadata(o), "annotations"), key);
}

const struct tc_node *tc_object_template(const struct tc_object *o)
{
	const struct tc_node *n = o->root;

	for (size_t i = 0; i < TC_COUNT(o->kind->template_path) && o->kind->template_path[i]; i++)
		n = tc_get(n, o->kind->template_path[i]);
	return n;
}

bool tc_object_is_owned(const struct tc_object *o)
{
	const struct tc_node *owners = tc_get(tc_object_metadata(o), "ownerReferences");

	for (const struct tc_node *i = tc_item(owners); i; i = tc_item_next(i)) {
		bool controller = false;

		if (tc_as_bool(tc_get(i, "controller"), &controller) && controller)
			return true;
	}
	return false;
}

const char *tc_workflow_tentacle(struct tc_arena *mem, struct tc_str text, const struct tc_limits *limits)
{
	struct tc_source *src = tc_alloc(mem, sizeof(*src));
	struct tc_diags unsaid = {.mem = mem}; /* who reads the contract itself says what is wrong with it */
	bool empty;
	struct tc_str name;

	if (text.len > limits->max_bytes)
		return NULL;
	*src = (struct tc_source){.name = "", .text = text};
	name = tc_text(tc_get(tc_yaml_read(mem, src, 0, (uint32_t)text.len, limits, &unsaid, &empty), "name"));
	return name.len ? tc_strndup(mem, name.s, name.len) : NULL;
}
