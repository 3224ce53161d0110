/* The rules of admission (docs/admission.md): what is left alone, what is never denied, and who has a name. */
#include "compiler/transform/admit_parts.h"

#include "compiler/transform/defaults.h"

static bool is_kind(const struct tc_review *r, const char *kind)
{
	return strcmp(r->kind->kind, kind) == 0;
}

static bool is_owned(const struct tc_review *r)
{
	const struct tc_object o = {.root = r->object, .kind = r->kind};

	return tc_object_is_owned(&o);
}

static bool is_immutable(const struct tc_node *configmap)
{
	bool immutable = false;

	return tc_as_bool(tc_get(configmap, "immutable"), &immutable) && immutable;
}

const char *tc_admit_skip(const struct tc_review *r)
{
	const struct tc_node *gone;

	if (!r->update && !tc_str_is(r->operation, "CREATE"))
		return "operation";
	if (r->subresource.len)
		return "subresource";
	if (!r->kind || (r->kind->role != TC_ROLE_WORKLOAD && r->kind->role != TC_ROLE_CONFIGMAP))
		return "kind";
	gone = tc_get_path(r->object, "metadata", "deletionTimestamp", NULL);
	if (gone && !tc_is(gone, TC_NULL))
		return "deleted";
	if (is_owned(r))
		return "owned";
	/* A Pod's spec cannot change. The update that makes a ConfigMap immutable still can. */
	if (r->update && (is_kind(r, "Pod") || is_immutable(r->old ? r->old : r->object)))
		return "immutable";
	return NULL;
}

static const struct tc_node *annotation(const struct tc_node *object, const char *key)
{
	return tc_get_path(object, "metadata", "annotations", key, NULL);
}

/* Absent and null are one. */
static bool same(struct tc_arena *mem, const struct tc_node *a, const struct tc_node *b)
{
	return tc_equal_stored(mem, tc_is(a, TC_NULL) ? NULL : a, tc_is(b, TC_NULL) ? NULL : b);
}

static const struct tc_node *template_of(const struct tc_admission *a, const struct tc_node *object)
{
	const struct tc_object o = {.root = object, .kind = a->review.kind};

	return tc_object_template(&o);
}

/* Are all things equal that the stage reads, but for the compiled hash? */
static bool same_inputs(const struct tc_admission *a)
{
	static const char *const read[] = {TC_ANNOTATION_CONTRACT, TC_ANNOTATION_CONTAINERS, TC_ANNOTATION_EPOCH,
					   TC_ANNOTATION_LEVEL, TC_ANNOTATION_FILLED};
	const struct tc_review *r = &a->review;
	const char *key = a->how->config->contract_key;

	for (size_t i = 0; i < TC_COUNT(read); i++) {
		if (!same(a->mem, annotation(r->object, read[i]), annotation(r->old, read[i])))
			return false;
	}
	if (r->kind->role == TC_ROLE_CONFIGMAP)
		return same(a->mem, tc_get(tc_get(r->object, "data"), key), tc_get(tc_get(r->old, "data"), key));
	return same(a->mem, template_of(a, r->object), template_of(a, r->old));
}

/* The template without what the object's ledger says is tentc's; NULL: that cannot be told. */
static const struct tc_node *authors_template(const struct tc_admission *a, const struct tc_node *object)
{
	struct tc_diags unseen = {.mem = a->mem};
	struct tc_patch patch;
	struct tc_ledger ledger = {
		.mem = a->mem, .holder = &patch, .target = &patch, .target_root = object, .prefix = ""};

	tc_patch_init(&patch, a->mem, object);
	if (!tc_ledger_open(&ledger, object, &unseen))
		return NULL;
	tc_ledger_close(&ledger, NULL);
	return template_of(a, tc_patch_apply(a->mem, &patch));
}

/* A level that stands on the old object alone: what a source without it is compiled with, as long as nothing else
 * rolls the pods anyway. 0: none. */
static unsigned old_level(const struct tc_admission *a)
{
	const struct tc_node *level = annotation(a->review.old, TC_ANNOTATION_LEVEL), *now, *then;
	struct tc_str text = tc_text(level);
	unsigned number = 0;

	if (annotation(a->review.object, TC_ANNOTATION_LEVEL) || text.len == 0 || text.len > 9)
		return 0;
	for (size_t i = 0; i < text.len; i++) {
		if (!tc_is_digit(text.s[i]))
			return 0;
		number = number * 10 + (unsigned)(text.s[i] - '0');
	}
	now = authors_template(a, a->review.object);
	then = authors_template(a, a->review.old);
	return now && then && same(a->mem, now, then) ? number : 0;
}

void tc_admit_compare(struct tc_admission *a)
{
	const struct tc_node *compiled = annotation(a->review.object, TC_ANNOTATION_COMPILED);

	if (!a->review.update || !a->review.old)
		return;
	if (same_inputs(a)) {
		a->poked = tc_is_string(compiled, "");
		a->unchanged = a->poked || same(a->mem, compiled, annotation(a->review.old, TC_ANNOTATION_COMPILED));
	}
	if (a->review.kind->role == TC_ROLE_WORKLOAD)
		a->stage.level = old_level(a);
}

/* What an object's pods would be, and where it says so: a tentacle by its contract, anything else by the label that it
 * gives them. NULL: nobody. */
static const char *identity_of(struct tc_admission *a, struct tc_pos *at)
{
	const struct tc_tentacle *t = a->tentacle;
	const struct tc_node *label;

	if (t) {
		*at = a->object->at;
		return t->workload ? t->name : NULL;
	}
	if (a->review.kind->role != TC_ROLE_WORKLOAD)
		return NULL;
	label = tc_get_path(tc_object_template(a->object), "metadata", "labels", TC_LABEL_RELEASE, NULL);
	*at = tc_node_pos(label);
	return tc_text(label).len ? tc_strndup(a->mem, tc_text(label).s, tc_text(label).len) : NULL;
}

void tc_admit_check_holder(struct tc_admission *a)
{
	const struct tc_knowledge *k = a->how->knowledge;
	const char *own = a->object->kind->kind, *name, *kind, *uid = NULL;
	struct tc_pos at;
	struct tc_diag *d;

	if (!k || !k->holder)
		return;
	name = identity_of(a, &at);
	kind = name ? k->holder(k->self, a->enclave, name, &uid) : NULL;
	/* Two of one kind are the API server's business. */
	if (!kind || strcmp(kind, own) == 0 || (uid && tc_is_string(tc_get(tc_object_metadata(a->object), "uid"), uid)))
		return;
	if (!a->tentacle) {
		d = tc_diag(&a->diags, TC_MSG_NAME_TAKEN, at,
			    "%s \"%s\" would give its pods the identity of %s \"%s\" of enclave \"%s\"", own,
			    a->object->name, kind, name, a->enclave);
		tc_diag_help(d, "remove the label %s: tentc sets it where it belongs", TC_LABEL_RELEASE);
		return;
	}
	d = tc_diag(&a->diags, TC_MSG_NAME_TAKEN, at,
		    "%s \"%s\" has the name of another workload of enclave \"%s\", which is a %s", own, name,
		    a->enclave, kind);
	tc_diag_help(d,
		     "a tentacle's name is its identity in every service: rename one of them, or delete the %s "
		     "first",
		     kind);
}

bool tc_admit_beyond_metadata(const struct tc_patch *patch)
{
	const struct tc_node *metadata = tc_get(patch->root, "metadata");

	for (const struct tc_op *op = patch->first; op; op = op->next) {
		const struct tc_node *place = op->at ? op->at : op->parent;

		while (place && place != metadata && place != patch->root)
			place = place->parent;
		if (place != metadata)
			return true;
	}
	return false;
}

void tc_admit_check_hash(struct tc_admission *a)
{
	const struct tc_review *r = &a->review;
	const struct tc_node *found = annotation(r->object, TC_ANNOTATION_COMPILED);
	struct tc_diag *d;

	if (!a->hash || tc_text(found).len == 0 || tc_is_string(found, a->hash))
		return;
	if (a->unchanged) {
		d = tc_diag(&a->diags, TC_MSG_NOT_UP_TO_DATE, tc_node_pos(found),
			    "%s \"%s\" is not what its contract and the configuration make now (compiled is %s, not "
			    "%s)",
			    r->kind->kind, a->object->name, tc_quote(a->mem, tc_text(found)), a->hash);
		tc_diag_help(d, "it stays so until its contract or its pod template changes");
		return;
	}
	/* The hash of the old object under a new contract or template is no news. */
	if (r->update && same(a->mem, found, annotation(r->old, TC_ANNOTATION_COMPILED)))
		return;
	d = tc_diag(
		&a->diags, TC_MSG_OTHER_CONFIGURATION, tc_node_pos(found),
		"%s \"%s\" was compiled with another configuration than the server's, or its contract was edited since "
		"(compiled is %s, not %s)",
		r->kind->kind, a->object->name, tc_quote(a->mem, tc_text(found)), a->hash);
	tc_diag_help(d, "give tentc compile the configuration that the server has");
}
