#include "compiler/transform/stage.h"

#include "compiler/transform/assemble.h"
#include "compiler/transform/notice.h"
#include "compiler/transform/tentacle.h"
#include "compiler/tree/emit.h"

/* Cut, and read document by document. The tree of a document that nothing here concerns is let go at once: what is
 * remembered of it is its place, and of a workload its name. */
/* Each of them looks through all tentacles. */
#define ORPHANS_MAX 1000

struct reading {
	struct tc_work *w;
	struct tc_arena *index; /* names and objects of documents whose trees are let go */
	size_t objects_cap, docs_cap;
};

static void remember(struct reading *r, struct tc_stage_doc *doc)
{
	for (size_t i = 0; i < doc->nobjects; i++) {
		tc_grow(r->index, r->w->objects, r->w->nobjects, r->objects_cap);
		r->w->objects[r->w->nobjects++] = doc->objects[i];
	}
}

static void read_doc(struct reading *r, struct tc_stage_doc *doc)
{
	struct tc_work *w = r->w;
	struct tc_arena_mark mark = tc_arena_mark(w->mem);
	size_t problems = w->diags->count;

	if (!tc_doc_read(w->mem, doc->cut, w->stage->limits, w->diags) || !doc->cut->root)
		return;
	doc->root = doc->cut->root;
	tc_objects_of(r->index, doc);
	tc_notice(w->mem, doc, w->diags);
	if (!tc_doc_needed(doc, w->stage->config->contract_key)) {
		bool workload = doc->nobjects && doc->objects[0]->kind->role == TC_ROLE_WORKLOAD;

		doc->root = doc->cut->root = NULL;
		if (workload)
			doc->objects[0]->root = NULL;
		else
			doc->nobjects = 0;
		/* The diagnostics may live in the same arena. */
		if (w->diags->count == problems)
			tc_arena_rewind(w->mem, mark);
	}
	remember(r, doc);
}

static void read_sources(struct reading *r, const struct tc_source *const *sources, size_t nsources, size_t *first)
{
	struct tc_work *w = r->w;
	struct tc_doc **cuts = tc_alloc(w->mem, nsources * sizeof(*cuts));

	for (size_t i = 0; i < nsources; i++) {
		first[i] = w->ndocs;
		w->ndocs += tc_stream_cut(w->mem, sources[i], w->stage->limits, w->diags, &cuts[i]);
	}
	first[nsources] = w->ndocs;
	w->docs = tc_alloc(w->mem, w->ndocs * sizeof(*w->docs));
	for (size_t i = 0; i < nsources; i++) {
		for (size_t k = first[i]; k < first[i + 1]; k++) {
			w->docs[k].cut = &cuts[i][k - first[i]];
			read_doc(r, &w->docs[k]);
		}
	}
}

struct named {
	struct tc_object *object;
	const char *enclave;
	size_t order;
};

static int compare_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int c;

	if (x->object->kind->role != y->object->kind->role)
		return x->object->kind->role < y->object->kind->role ? -1 : 1;
	c = strcmp(x->enclave, y->enclave);
	if (!c)
		c = strcmp(x->object->name, y->object->name);
	return c ? c : (x->order < y->order ? -1 : 1);
}

static void sort_objects(struct tc_work *w, struct tc_arena *index)
{
	struct named *named = tc_alloc(index, w->nobjects * sizeof(*named));

	w->by_name = tc_alloc(index, w->nobjects * sizeof(struct tc_object *));
	for (size_t i = 0; i < w->nobjects; i++) {
		struct tc_object *o = w->objects[i];
		const char *enclave = tc_enclave_of(w, o);

		named[i] = (struct named){.object = o, .enclave = enclave ? enclave : "", .order = i};
	}
	qsort(named, w->nobjects, sizeof(*named), compare_named);
	for (size_t i = 0; i < w->nobjects; i++)
		w->by_name[i] = named[i].object;
	tc_policies_index(w, index);
}

/* False when a problem was reported; t->contract is set all the same where all of them have a usable form. */
static bool read_contracts(struct tc_work *w, struct tc_tentacle *t)
{
	struct tc_contract_context ctx = {.config = w->stage->config, .enclave = t->enclave};
	size_t errors = w->diags->errors;
	bool usable = t->nplaces > 0;

	for (size_t i = 0; i < t->nplaces; i++) {
		t->places[i]->contract = tc_contract_check(w, t->places[i], &ctx);
		usable = usable && t->places[i]->contract;
	}
	t->contract = usable ? t->places[0]->contract : NULL;
	t->origin = tc_origin_new(w->mem, t->nplaces ? t->places[0]->at : t->workload->at, "contract");
	return w->diags->errors == errors;
}

static void compile_tentacle(struct tc_work *w, struct tc_tentacle *t)
{
	bool level = tc_tentacle_level(w, t), fine;

	/* What it means may be newer than all that is known here. */
	if (t->level > TC_LEVEL_MAX)
		return;
	fine = read_contracts(w, t);
	if (!fine && !t->contract)
		return;
	if (!tc_tentacle_derive(w, t) || !level)
		return;
	if (t->contract) {
		/* A contract with problems is filled in too: its contradictions are problems of their own. */
		if (!tc_transform_contract(w, t) || !fine)
			return;
		tc_secret_keys(w, t);
		if (!w->stage->edits_only)
			tc_transform_secret(w, t);
		tc_transform_networkpolicy(w, t);
		if (!w->stage->edits_only)
			tc_transform_clusterspiffeid(w, t);
	}
	tc_transform_workload(w, t);
}

/* Whoever compiles one rendered file alone would lose what tentc made for a workload in another. */
static void warn_orphan(struct tc_work *w, const struct tc_object *o)
{
	struct tc_str release = tc_text(tc_get_path(o->root, "metadata", "labels", TC_LABEL_RELEASE, NULL));
	const char *name = tc_strndup(w->mem, release.s, release.len), *enclave = tc_enclave_of(w, o);
	struct tc_diag *d;
	size_t n;

	if (o->kind->role == TC_ROLE_SPIFFEID || !enclave)
		return; /* its Secret or policy tells */
	tc_objects_named(w, TC_ROLE_WORKLOAD, enclave, name, &n);
	for (size_t i = 0; i < w->ntentacles && !n; i++)
		n = strcmp(w->tentacles[i].name, name) == 0 && strcmp(w->tentacles[i].enclave, enclave) == 0;
	if (n || w->orphans++ >= ORPHANS_MAX)
		return;
	d = tc_diag(w->diags, TC_MSG_ORPHAN, o->at,
		    "%s \"%s\" leaves the output: no workload and no contract of \"%s\" is in the input", o->kind->kind,
		    o->name, name);
	tc_diag_help(d, "compile it together with its workload, or remove it");
}

/* What tentc made or edited, and no contract asks for any more. */
static void take_back(struct tc_work *w, struct tc_object *o)
{
	struct tc_patch *patch;

	if (o->claimed || o->doc->context)
		return;
	if (o->ours) {
		warn_orphan(w, o);
		if (o->item == SIZE_MAX)
			o->doc->drop = true;
		else
			tc_patch_remove(tc_doc_patch(w->mem, o->doc), o->root);
		return;
	}
	if (!o->marked || o->kind->role == TC_ROLE_WORKLOAD)
		return;
	patch = tc_doc_patch(w->mem, o->doc);
	struct tc_ledger l = {.mem = w->mem, .holder = patch, .target = patch, .target_root = o->root, .prefix = ""};
	if (tc_ledger_open(&l, o->root, w->diags))
		tc_ledger_close(&l, NULL);
}

/* The comments of an object of ours that is equal to the old one would be lost where its List is written anew. */
static void refresh(struct tc_object *o)
{
	const struct tc_patch *patch = o->doc->patch;

	if (o->fresh && patch && patch->count > 0)
		tc_patch_replace(o->doc->patch, o->root, o->fresh);
}

static void transform(struct tc_work *w)
{
	size_t errors = w->diags->errors;

	for (size_t i = 0; i < w->nobjects; i++) {
		w->objects[i]->claimed = false;
		w->objects[i]->fresh = NULL;
	}
	tc_bind(w);
	for (size_t i = 0; i < w->ntentacles; i++)
		compile_tentacle(w, &w->tentacles[i]);
	for (size_t i = 0; i < w->nobjects && w->diags->errors == errors; i++)
		take_back(w, w->objects[i]);
	for (size_t i = 0; i < w->nobjects && w->diags->errors == errors; i++)
		refresh(w->objects[i]);
}

/* An operation that reached its place through an alias would change other places too. Such documents, and those inside
 * of them, are expanded, and everything starts again; then nothing can cross. */
static bool expand_crossed(struct tc_work *w)
{
	bool any = false;

	for (size_t i = 0; i < w->ndocs; i++) {
		struct tc_stage_doc *d = &w->docs[i];

		if (d->patch && d->patch->crossed) {
			tc_doc_expand(w->mem, d);
			any = true;
		}
	}
	for (size_t i = 0; i < w->nobjects; i++)
		any = any || w->objects[i]->expand;
	if (!any)
		return false;
	for (size_t i = 0; i < w->ndocs; i++) {
		struct tc_stage_doc *d = &w->docs[i];

		d->patch = NULL;
		d->whole = (struct tc_made){0};
		d->drop = false;
		d->inner_why = NULL;
		d->added = NULL;
		d->nadded = d->added_cap = 0;
	}
	return true;
}

void tc_transform(struct tc_work *w, struct tc_arena *index)
{
	struct tc_diags before;

	sort_objects(w, index);
	before = *w->diags;
	transform(w);
	if (!expand_crossed(w))
		return;
	*w->diags = before;
	transform(w);
}

static int assemble(struct tc_work *w, struct tc_result *result, const struct tc_source *const *sources,
		    const size_t *first)
{
	for (size_t i = 0; i < result->nsources; i++) {
		struct tc_result_source *out = &result->sources[i];
		size_t n = first[i + 1] - first[i];

		out->src = sources[i];
		out->format = n ? w->docs[first[i]].cut->format : TC_YAML;
		if (tc_assemble(w, out, &w->docs[first[i]], n) < 0)
			return -1; /* unreachable: only a bug of the emitter fails */
		for (size_t k = 0; k < out->npieces; k++) {
			result->edited += out->pieces[k].edit == TC_EDIT_MADE;
			result->anew += out->pieces[k].edit == TC_EDIT_ANEW;
		}
	}
	return 0;
}

static bool is_blank(const struct tc_work *w)
{
	for (size_t i = 0; i < w->ndocs; i++) {
		if (!w->docs[i].cut->empty)
			return false;
	}
	return true;
}

static void check_any(struct tc_work *w, size_t nsources)
{
	for (size_t i = 0; i < w->nobjects; i++) {
		if (w->objects[i]->ours || w->objects[i]->marked)
			return;
	}
	if (w->diags->errors || w->ntentacles || !nsources || !w->ndocs)
		return;
	if (is_blank(w)) {
		tc_diag_help(tc_diag(w->diags, TC_MSG_NO_DOCUMENT, (struct tc_pos){0},
				     "there is nothing to compile, only blanks and comments"),
			     "check that the files are the ones that were meant");
		return;
	}
	struct tc_diag *d = tc_diag(w->diags, TC_MSG_NO_CONTRACT, (struct tc_pos){0},
				    "no document has a contract, so nothing is changed");
	tc_diag_help(d, "a contract stands in the annotation %s, in a ConfigMap's %s, or in a %s of its own",
		     TC_ANNOTATION_CONTRACT, w->stage->config->contract_key, w->stage->config->contract_key);
}

int tc_compile(struct tc_result **result, struct tc_arena *mem, const struct tc_source *const *sources, size_t nsources,
	       const struct tc_stage *stage, struct tc_diags *diags, struct tc_error *err)
{
	_cleanup_(tc_arena_free) struct tc_arena *index = tc_arena_new(64 * 1024);
	struct tc_work w = {.mem = mem, .stage = stage, .diags = diags, .err = err};
	struct reading reading = {.w = &w, .index = index};
	size_t *first = tc_alloc(index, (nsources + 1) * sizeof(*first));

	*result = tc_alloc(mem, sizeof(**result));
	(*result)->sources = tc_alloc(mem, nsources * sizeof(struct tc_result_source));
	(*result)->nsources = nsources;
	read_sources(&reading, sources, nsources, first);
	tc_transform(&w, index);
	(*result)->tentacles = w.ntentacles;
	check_any(&w, nsources);
	if (err->code != TC_E_NONE)
		return -1; /* unreachable: only a bug of the emitter fails */
	if (diags->errors)
		return 0;
	if (stage->wants)
		tc_wants_fill(&w, *result);
	return assemble(&w, *result, sources, first);
}
