#include "compiler/transform/notice.h"

#define PREFIX "tentacular.io/"

static const char *const known[] = {
	TC_ANNOTATION_CONTRACT, TC_ANNOTATION_CONTAINERS, TC_ANNOTATION_EPOCH,      TC_ANNOTATION_LEVEL,
	TC_ANNOTATION_COMPILED, TC_ANNOTATION_FILLED,     "tentacular.io/undeploy",
};

static void notice_misspelt(struct tc_arena *mem, const struct tc_node *annotations, struct tc_diags *diags)
{
	for (struct tc_entry e = tc_first(annotations); e.key; e = tc_next(e)) {
		struct tc_str name = tc_text(e.key);
		const char *nearest;
		bool is_known = false;

		if (!tc_str_starts(name, PREFIX))
			continue;
		for (size_t i = 0; i < TC_COUNT(known) && !is_known; i++)
			is_known = tc_str_is(name, known[i]);
		nearest = is_known ? NULL : tc_nearest(name, known, TC_COUNT(known));
		if (nearest)
			tc_diag_help(tc_diag(diags, TC_MSG_CONTRACT_IGNORED, tc_node_pos(e.key),
					     "the annotation %s is not one that tentc knows", tc_quote(mem, name)),
				     "did you mean \"%s\"?", nearest);
	}
}

static void notice_contract(const struct tc_node *metadata, struct tc_diags *diags, const char *where)
{
	const struct tc_node *key = tc_get_key(tc_get(metadata, "annotations"), TC_ANNOTATION_CONTRACT);

	if (key)
		tc_diag_help(tc_diag(diags, TC_MSG_CONTRACT_IGNORED, tc_node_pos(key), "a contract in %s has no effect",
				     where),
			     "put it into metadata.annotations of a Deployment, StatefulSet, DaemonSet, Job, CronJob "
			     "or Pod");
}

static void notice_workload(struct tc_arena *mem, const struct tc_object *o, struct tc_diags *diags)
{
	const struct tc_node *template = tc_object_template(o);

	notice_misspelt(mem, tc_get(tc_object_metadata(o), "annotations"), diags);
	if (template != o->root)
		notice_contract(tc_get(template, "metadata"), diags, "a pod template");
}

static void notice_other(struct tc_arena *mem, const struct tc_node *root, struct tc_diags *diags)
{
	const struct tc_node *metadata = tc_get(root, "metadata");
	struct tc_str kind = tc_text(tc_get(root, "kind"));

	/* What a controller owns has its contract from its owner's template. */
	if (kind.len && !tc_get_key(metadata, "ownerReferences") && tc_get(metadata, "annotations"))
		notice_contract(metadata, diags, tc_printf(mem, "an object of kind %s", tc_quote(mem, kind)));
}

void tc_notice(struct tc_arena *mem, const struct tc_stage_doc *doc, struct tc_diags *diags)
{
	if (!doc->nobjects && tc_is(doc->root, TC_MAP))
		notice_other(mem, doc->root, diags);
	for (size_t i = 0; i < doc->nobjects; i++) {
		const struct tc_object *o = doc->objects[i];

		if (o->kind->role == TC_ROLE_WORKLOAD)
			notice_workload(mem, o, diags);
		else if (o->kind->role != TC_ROLE_WORKFLOW)
			notice_other(mem, o->root, diags);
	}
}
