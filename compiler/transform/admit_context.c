/* The documents of a review: its object, and the ConfigMaps that may hold its contract, to be read only. */
#include "compiler/transform/admit_parts.h"

/* Far above what a pod has; the names are compared with each other. */
#define MOUNTS_MAX 1000
/* More ConfigMaps that name one tentacle are copies, or contradict each other as much as the first ones do. */
#define NAMED_MAX 16

/* Of what cannot be read in these no name is known: a ConfigMap is not larger. */
#define NAME_LIMITS                                 \
	((struct tc_limits){.max_bytes = 1u << 20,  \
			    .max_documents = 1,     \
			    .max_nodes = 200000,    \
			    .max_expanded = 400000, \
			    .max_depth = 64})

const char *tc_admit_tentacle(struct tc_arena *mem, struct tc_str workflow)
{
	if (workflow.len == 0 || !memmem(workflow.s, workflow.len, "contract", 8))
		return "";

	_cleanup_(tc_arena_free) struct tc_arena *tmp = tc_arena_new(4096);
	const char *name = tc_workflow_tentacle(tmp, workflow, &NAME_LIMITS);

	return name ? tc_strdup(mem, name) : NULL;
}

struct mounts {
	struct tc_str *list;
	size_t count, cap;
};

static void add_mount(struct tc_admission *a, struct mounts *m, struct tc_str name)
{
	if (name.len == 0 || m->count == MOUNTS_MAX)
		return;
	for (size_t i = 0; i < m->count; i++) {
		if (tc_str_equal(m->list[i], name))
			return;
	}
	tc_grow(a->mem, m->list, m->count, m->cap);
	m->list[m->count++] = name;
}

/* The ConfigMaps that the pods mount, in the order of their volumes. */
static void find_mounts(struct tc_admission *a, struct mounts *m)
{
	const struct tc_object o = {.root = a->review.object, .kind = a->review.kind};
	const struct tc_node *volumes = tc_get_path(tc_object_template(&o), "spec", "volumes", NULL);

	for (const struct tc_node *v = tc_item(volumes); v; v = tc_item_next(v)) {
		const struct tc_node *sources = tc_get_path(v, "projected", "sources", NULL);

		add_mount(a, m, tc_text(tc_get_path(v, "configMap", "name", NULL)));
		for (const struct tc_node *s = tc_item(sources); s; s = tc_item_next(s))
			add_mount(a, m, tc_text(tc_get_path(s, "configMap", "name", NULL)));
	}
}

/* Those whose workflow names the workload, mounted or not, as offline. */
static void find_named(struct tc_admission *a, struct mounts *m)
{
	struct tc_str own = tc_text(tc_get_path(a->review.object, "metadata", "name", NULL));
	const struct tc_knowledge *k = a->how->knowledge;
	const char *tentacle, *name;

	if (own.len == 0)
		own = a->review.name;
	if (!k || !k->contract || own.len == 0)
		return;
	tentacle = tc_strndup(a->mem, own.s, own.len);
	for (size_t nth = 0; nth < NAMED_MAX && k->contract(k->self, a->enclave, tentacle, nth, &name, NULL); nth++)
		add_mount(a, m, tc_str(name));
}

/* Is it known without its text that nothing in there is the workload's? As tc_bind has it: a name in the workflow goes
 * first, then the ConfigMap's own. */
static bool is_of_another(const struct tc_admission *a, const char *configmap, const char *code, bool known)
{
	const struct tc_knowledge *k = a->how->knowledge;
	const char *tentacle = k->tentacle ? k->tentacle(k->self, a->enclave, configmap) : NULL;
	size_t n = strlen(configmap);

	if (!k->tentacle || strcmp(configmap, code) == 0)
		return tentacle && !tentacle[0];
	if (tentacle)
		return strcmp(tentacle, a->object->name) != 0;
	return known && n > 5 && strcmp(configmap + n - 5, "-code") == 0;
}

/* False, reported, when there is more than one object may make the server read. */
static bool check_size(struct tc_admission *a, const struct tc_stage_doc *doc, const char *name)
{
	const char *key = a->how->config->contract_key;
	const struct tc_node *contract = tc_get(tc_get(doc->root, "data"), key);
	size_t len = tc_text(contract).len, most = TC_LIMITS_CONTRACT.max_bytes;
	struct tc_diag *d;

	a->context_bytes += len;
	if (a->context_bytes <= most)
		return true;
	if (len > most)
		d = tc_diag(&a->diags, TC_MSG_CONTRACT_TOO_LARGE, tc_node_pos(contract),
			    "%s of ConfigMap \"%s\" has %zu bytes, admission reads at most %zu", key, name, len, most);
	else
		d = tc_diag(&a->diags, TC_MSG_CONTRACT_TOO_LARGE, tc_node_pos(contract),
			    "the contracts that are read for %s \"%s\" have %zu bytes with ConfigMap \"%s\", admission "
			    "reads at most %zu",
			    a->object->kind->kind, a->object->name, a->context_bytes, name, most);
	tc_diag_help(
		d,
		"make it smaller; if it is another's, give its workflow a line `name: <tentacle>`, or do not mount it");
	return false;
}

/* Reads one that is known; false when none is. */
static bool add_configmap(struct tc_admission *a, struct tc_str name, const char *code)
{
	const struct tc_knowledge *k = a->how->knowledge;
	struct tc_work *w = &a->work;
	struct tc_stage_doc *doc = &w->docs[w->ndocs];
	const char *text = tc_strndup(a->mem, name.s, name.len);
	struct tc_str json = {0};
	struct tc_source *src;
	struct tc_object *o;
	uint32_t begin = 0;

	if (!k || !k->configmap)
		return false;
	/* After an error that denies the object, nothing more is read. */
	if (a->context_bytes > TC_LIMITS_CONTRACT.max_bytes || is_of_another(a, text, code, false))
		return true;
	if (!k->configmap(k->self, a->enclave, text, &json))
		return false;
	if (is_of_another(a, text, code, true))
		return true;
	src = tc_alloc(a->mem, sizeof(*src));
	*src = (struct tc_source){.name = tc_printf(a->mem, "ConfigMap/%s", text),
				  .text = json,
				  .order = (unsigned)w->ndocs};
	if (json.len <= a->how->limits->max_bytes)
		doc->root = tc_json_read(a->mem, src, &begin, (uint32_t)json.len, a->how->limits, NULL);
	if (!tc_is(doc->root, TC_MAP))
		return false;
	if (!check_size(a, doc, text))
		return true;
	doc->context = true;
	o = tc_object_of_kind(a->mem, doc, tc_kind_row(TC_STR("v1"), TC_STR("ConfigMap")));
	o->name = text;
	o->ns = "";
	w->ndocs++;
	w->objects[w->nobjects++] = o;
	return true;
}

void tc_admit_context(struct tc_admission *a)
{
	struct tc_work *w = &a->work;
	struct mounts mounts = {0};
	const char *code;
	struct tc_str own;

	if (a->review.kind->role == TC_ROLE_WORKLOAD) {
		find_mounts(a, &mounts);
		find_named(a, &mounts);
	}
	w->docs = tc_alloc(a->mem, (mounts.count + 2) * sizeof(*w->docs));
	w->objects = tc_alloc(a->mem, (mounts.count + 2) * sizeof(*w->objects));
	w->docs[0].root = a->review.object;
	a->object = tc_object_of_kind(a->mem, &w->docs[0], a->review.kind);
	a->object->ns = "";
	if (!a->object->name[0] && a->review.name.len)
		a->object->name = tc_strndup(a->mem, a->review.name.s, a->review.name.len);
	w->objects[w->nobjects++] = a->object;
	w->ndocs = 1;
	w->reviewed = a->object;
	if (a->review.kind->role != TC_ROLE_WORKLOAD)
		return;
	code = tc_printf(a->mem, "%s-code", a->object->name);
	own = tc_str(code);
	for (size_t i = 0; i < mounts.count; i++) {
		bool known = add_configmap(a, mounts.list[i], code);

		/* One of another name may hold anything, unless the workload had a contract before. */
		if (!known && (a->object->marked || tc_str_equal(mounts.list[i], own)))
			a->unknown = true;
	}
	for (size_t i = 0; i < mounts.count; i++) {
		if (tc_str_equal(mounts.list[i], own))
			return;
	}
	/* By its name it belongs to the workload, mounted or not. */
	if (a->object->name[0])
		(void)add_configmap(a, own, code);
}
