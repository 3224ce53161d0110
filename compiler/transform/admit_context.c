/* The documents of a review: its object, and the ConfigMaps that may hold its contract, to be read only. */
#include "compiler/transform/admit_parts.h"

/* Far above what a pod has; the names are compared with each other. */
#define MOUNTS_MAX 1000
/* More ConfigMaps that name one tentacle are copies, or contradict each other as much as the first ones do. */
#define NAMED_MAX 16

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
	struct tc_str json;

	if (own.len == 0)
		own = a->review.name;
	if (!k || !k->contract || own.len == 0)
		return;
	tentacle = tc_strndup(a->mem, own.s, own.len);
	for (size_t nth = 0; nth < NAMED_MAX && k->contract(k->self, a->enclave, tentacle, nth, &name, &json); nth++)
		add_mount(a, m, tc_str(name));
}

/* Reads one that is known; false when none is. */
static bool add_configmap(struct tc_admission *a, struct tc_str name)
{
	const struct tc_knowledge *k = a->how->knowledge;
	struct tc_work *w = &a->work;
	struct tc_stage_doc *doc = &w->docs[w->ndocs];
	const char *text = tc_strndup(a->mem, name.s, name.len);
	struct tc_str json = {0};
	struct tc_source *src;
	struct tc_object *o;
	uint32_t begin = 0;

	if (!k || !k->configmap || !k->configmap(k->self, a->enclave, text, &json))
		return false;
	src = tc_alloc(a->mem, sizeof(*src));
	*src = (struct tc_source){.name = tc_printf(a->mem, "ConfigMap/%s", text),
				  .text = json,
				  .order = (unsigned)w->ndocs};
	if (json.len <= a->how->limits->max_bytes)
		doc->root = tc_json_read(a->mem, src, &begin, (uint32_t)json.len, a->how->limits, NULL);
	if (!tc_is(doc->root, TC_MAP))
		return false;
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
	struct tc_str code;

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
	code = tc_str(tc_printf(a->mem, "%s-code", a->object->name));
	for (size_t i = 0; i < mounts.count; i++) {
		bool known = add_configmap(a, mounts.list[i]);

		/* One of another name may hold anything, unless the workload had a contract before. */
		if (!known && (a->object->marked || tc_str_equal(mounts.list[i], code)))
			a->unknown = true;
	}
	for (size_t i = 0; i < mounts.count; i++) {
		if (tc_str_equal(mounts.list[i], code))
			return;
	}
	/* By its name it belongs to the workload, mounted or not. */
	if (a->object->name[0])
		(void)add_configmap(a, code);
}
