#include "compiler/transform/admit_parts.h"

#include "compiler/transform/notice.h"

static void leave(struct tc_admission *a, const char *why)
{
	a->out->verdict = TC_VERDICT_UNTOUCHED;
	a->out->why = why;
}

static void fill_admitted(struct tc_admission *a)
{
	const struct tc_review *r = &a->review;
	struct tc_str name = tc_text(tc_get_path(r->object, "metadata", "name", NULL));

	a->out->uid = r->uid;
	a->out->ns = r->ns;
	a->out->kind = tc_text(tc_get(r->object ? r->object : r->old, "kind"));
	a->out->name = name.len ? name : r->name;
	a->out->operation = r->operation;
	a->out->user = r->user;
	a->out->dry_run = r->dry_run;
}

static bool is_audit(const struct tc_admission *a)
{
	const struct tc_knowledge *k = a->how->knowledge;

	return a->how->config->mode == TC_MODE_AUDIT || (k && k->audit && k->audit(k->self, a->enclave));
}

/* Nothing in the object or beside it is the stage's business. */
static bool is_foreign(const struct tc_admission *a)
{
	return a->work.ndocs == 1 && !a->unknown && !tc_doc_needed(&a->work.docs[0], a->how->config->contract_key);
}

static void find_tentacle(struct tc_admission *a)
{
	for (size_t i = 0; i < a->work.ntentacles && !a->tentacle; i++) {
		const struct tc_tentacle *t = &a->work.tentacles[i];

		if (t->nplaces && (t->workload == a->object || t->places[0]->object == a->object))
			a->tentacle = t;
	}
}

static void find_hash(struct tc_admission *a)
{
	struct tc_patch *p = a->work.docs[0].patch;
	struct tc_str text;

	if (!p || !a->tentacle || a->review.kind->role != TC_ROLE_WORKLOAD)
		return;
	text = tc_text(
		tc_patch_get(p, tc_patch_get(p, tc_object_metadata(a->object), "annotations"), TC_ANNOTATION_COMPILED));
	a->hash = text.len ? tc_strndup(a->mem, text.s, text.len) : NULL;
}

/* Its contract may come yet: what tentc added before stays, and the object says that it wants another look. */
static void put_off(struct tc_admission *a)
{
	struct tc_stage_doc *doc = &a->work.docs[0];
	struct tc_patch *p;

	doc->patch = NULL;
	p = tc_doc_patch(a->mem, doc);
	tc_put_string(p, tc_patch_map_at(p, tc_object_metadata(a->object), "annotations", NULL), TC_ANNOTATION_COMPILED,
		      "", NULL);
}

static bool has_problem(const struct tc_admission *a, enum tc_msg id)
{
	for (size_t i = 0; i < a->diags.count; i++) {
		if (a->diags.list[i]->id == id)
			return true;
	}
	return false;
}

static void warn_fixed(struct tc_admission *a)
{
	struct tc_diag *d =
		tc_diag(&a->diags, TC_MSG_FIXED_TEMPLATE, a->object->at,
			"the pod template of Job \"%s\" is not what its contract makes now, and cannot change",
			a->object->name);

	tc_diag_help(d, "delete the Job and create it again");
}

static void warn_audit(struct tc_admission *a)
{
	struct tc_diag *d =
		tc_diag(&a->diags, TC_MSG_AUDIT_ONLY, a->object->at,
			"%s \"%s\" would be changed in %zu place%s; in the mode audit it is left as it is",
			a->object->kind->kind, a->object->name, a->out->operations, a->out->operations == 1 ? "" : "s");

	tc_diag_help(d, "see what would change with tentc compile");
}

static void refuse(struct tc_admission *a)
{
	if (a->unchanged)
		leave(a, "unchanged");
	else if (a->out->audit)
		leave(a, "audit");
	else
		a->out->verdict = TC_VERDICT_DENIED;
}

/* The API server takes no object over 3 MiB, and so none to which a patch adds as much. */
#define PATCH_MAX ((size_t)3 << 20)

static size_t most_of_patch(const struct tc_admission *a)
{
	return a->how->limits->max_bytes < PATCH_MAX ? a->how->limits->max_bytes : PATCH_MAX;
}

static void refuse_size(struct tc_admission *a, size_t size)
{
	struct tc_diag *d = tc_diag(&a->diags, TC_MSG_TOO_LARGE, a->object->at,
				    "what the contract adds to %s \"%s\" has %zu bytes, at most %zu are allowed",
				    a->object->kind->kind, a->object->name, size, most_of_patch(a));

	tc_diag_help(d, "split the workload, or its contract");
	refuse(a);
}

/* The stage found no error, and has this patch, which may be empty. */
static void decide_patch(struct tc_admission *a)
{
	struct tc_patch *p = a->work.docs[0].patch;
	_cleanup_buf_ struct tc_buf json = {0};

	tc_admit_check_hash(a);
	if (p && p->count) {
		tc_buf_reserve(&json, 4000);
		tc_patch_json(&json, p);
	}
	if (json.len <= 2) {
		leave(a, has_problem(a, TC_MSG_UNKNOWN_LEVEL) ? "level" : a->tentacle ? "up to date" : "no contract");
		return;
	}
	if (a->unchanged && !a->poked) {
		leave(a, "unchanged");
		return;
	}
	if (a->review.update && strcmp(a->object->kind->kind, "Job") == 0 && tc_admit_beyond_metadata(p)) {
		warn_fixed(a);
		leave(a, "immutable");
		return;
	}
	if (json.len > most_of_patch(a)) {
		refuse_size(a, json.len);
		return;
	}
	a->out->operations = p->count;
	if (a->out->audit) {
		warn_audit(a);
		leave(a, "audit");
		return;
	}
	a->out->verdict = TC_VERDICT_PATCHED;
	a->out->why = "";
	a->patch = (struct tc_str){.s = tc_strndup(a->mem, json.p, json.len), .len = json.len};
}

static void decide(struct tc_admission *a)
{
	if (a->diags.errors)
		refuse(a);
	else
		decide_patch(a);
}

static void run_stage(struct tc_admission *a)
{
	tc_transform(&a->work, a->mem);
	find_tentacle(a);
	tc_admit_check_holder(a);
	if (a->diags.errors)
		return;
	find_hash(a);
	if (!a->tentacle && a->unknown && !a->poked)
		put_off(a);
}

static void admit_object(struct tc_admission *a)
{
	a->enclave = tc_strndup(a->mem, a->review.ns.s, a->review.ns.len);
	a->stage = (struct tc_stage){.config = a->how->config,
				     .enclave = a->enclave,
				     .limits = a->how->limits,
				     .edits_only = true,
				     .config_hash = a->how->config_hash};
	a->out->audit = is_audit(a);
	tc_admit_context(a);
	tc_notice(a->mem, &a->work.docs[0], &a->diags);
	tc_admit_compare(a);
	if (is_foreign(a))
		tc_admit_check_holder(a);
	else
		run_stage(a);
	decide(a);
	a->out->errors = a->diags.errors;
	if (a->out->verdict != TC_VERDICT_DENIED)
		tc_admit_warn_all(a,
				  a->unchanged ? "not denied, since nothing here changed it: " : "would be denied: ");
	a->out->warnings = a->nwarnings;
}

int tc_admit(struct tc_buf *answer, struct tc_arena *mem, const struct tc_source *review, const struct tc_admit *how,
	     struct tc_admitted *admitted, struct tc_error *err)
{
	_cleanup_buf_ struct tc_buf message = {0};
	struct tc_admission a = {.mem = mem, .how = how, .out = admitted, .diags = {.mem = mem}};
	const char *skip;

	*admitted = (struct tc_admitted){.why = ""};
	a.work = (struct tc_work){.mem = mem, .stage = &a.stage, .diags = &a.diags, .err = err};
	if (!tc_review_read(&a.review, mem, review, how->limits, answer)) {
		fill_admitted(&a);
		admitted->verdict = TC_VERDICT_INVALID;
		return 0;
	}
	fill_admitted(&a);
	skip = tc_admit_skip(&a.review);
	if (skip)
		leave(&a, skip);
	else
		admit_object(&a);
	if (err->code != TC_E_NONE)
		return -1; /* unreachable: only a bug of the emitter fails */
	if (admitted->verdict == TC_VERDICT_DENIED)
		tc_admit_message(&a, &message);
	tc_admit_write(&a, answer, tc_buf_str(&message));
	return 0;
}
