/* The ClusterSPIFFEID: the registration that gives the tentacle's pods their SPIFFE ID. */
#include "compiler/transform/tentacle.h"

static void make(struct tc_work *w, struct tc_tentacle *t, const struct tc_dep *dep)
{
	struct tc_arena_mark mark = tc_arena_mark(w->mem);
	struct tc_subject subject = tc_subject_of(w, t, dep->config);
	const struct tc_origin *origin = tc_dep_origin(w->mem, dep, "registration");
	const char *class_name = tc_value_named(&subject, "class_name");
	struct tc_node *object, *spec = tc_new_map(w->mem, origin);

	object = tc_new_object(w, t, "spire.spiffe.io/v1alpha1", "ClusterSPIFFEID",
			       tc_value_named(&subject, "clusterspiffeid"), NULL, origin);
	tc_put(w->mem, object, "spec", spec);
	if (class_name)
		tc_put_text(w, spec, "className", class_name);
	/* The literal identity: a label in the template would let a pod choose its name. */
	tc_put_text(w, spec, "spiffeIDTemplate", tc_value_named(&subject, "id"));
	/* Both selectors, always: one that is missing selects everything. */
	tc_put(w->mem, spec, "podSelector", tc_new_selector(w->mem, origin, TC_LABEL_RELEASE, t->name));
	tc_put(w->mem, spec, "namespaceSelector", tc_new_selector(w->mem, origin, TC_LABEL_NAMESPACE, t->enclave));
	tc_put_text(w, spec, "hint", tc_printf(w->mem, "%s.%s", t->enclave, t->name));
	tc_place_object(w, t, TC_ROLE_SPIFFEID, object, mark);
}

void tc_transform_clusterspiffeid(struct tc_work *w, struct tc_tentacle *t)
{
	for (size_t i = 0; i < t->contract->ndeps; i++) {
		const struct tc_dep *dep = &t->contract->deps[i];

		if (dep->kind == TC_DEP_PLATFORM && dep->service->registers_identity)
			make(w, t, dep);
	}
}
