/* The contract: what the author left out is filled in, and nothing that stands there is overwritten. */
#include "compiler/transform/tentacle.h"

#include "compiler/tree/edit.h"
#include "compiler/tree/emit.h"

struct filling {
	struct tc_work *w;
	struct tc_tentacle *t;
	struct tc_contract_place *place;
	struct tc_ledger ledger;
	bool fine;
};

struct wanted {
	const struct tc_dep *dep;
	const struct tc_node *map; /* the dependency's mapping as it is in the input; NULL when there is none yet */
	const char *map_path;      /* of the mapping in the ledger */
	const char *inner;         /* "auth." for the fields in there, or "": for messages */
	bool whole;                /* every field is there already: a compiled file, not an author's contradiction */
};

static const struct tc_node *value_node(struct filling *f, const struct tc_value *row, const char *value,
					const struct tc_origin *origin)
{
	uint64_t number = 0;

	if (!(row->flags & TC_V_INT))
		return tc_new_string(f->w->mem, origin, tc_str(value));
	for (const char *c = value; *c; c++)
		number = number * 10 + (uint64_t)(*c - '0');
	return tc_new_int(f->w->mem, origin, number);
}

static const char *shown(struct tc_arena *mem, const struct tc_node *n)
{
	if (tc_is(n, TC_STRING))
		return tc_quote(mem, tc_text(n));
	n = tc_deref(n);
	if (n->kind == TC_INT || n->kind == TC_FLOAT || n->kind == TC_BOOL)
		return tc_strndup(mem, n->text.s, n->text.len);
	return tc_kind_name(n);
}

static void report_conflict(struct filling *f, const struct wanted *wanted, const char *field,
			    const struct tc_node *found, const struct tc_node *value)
{
	struct tc_arena *mem = f->w->mem;
	struct tc_diag *d;

	f->fine = false;
	if (f->place->kind == TC_PLACE_BARE && wanted->whole) {
		d = tc_diag(f->w->diags, TC_MSG_RECOMPILED, tc_node_pos(found),
			    "%.*s.%s%s is %s, this configuration derives %s for \"%s\" in enclave \"%s\"",
			    TC_STR_ARG(wanted->dep->name), wanted->inner, field, shown(mem, found), shown(mem, value),
			    f->t->name, f->t->enclave);
		tc_diag_help(d, "it looks like the output of an earlier compile: compile the source instead");
		return;
	}
	d = tc_diag(f->w->diags, TC_MSG_FIELD_CONFLICT, tc_node_pos(found),
		    "%.*s.%s%s is %s, but tentc derives %s for \"%s\" in enclave \"%s\"", TC_STR_ARG(wanted->dep->name),
		    wanted->inner, field, shown(mem, found), shown(mem, value), f->t->name, f->t->enclave);
	tc_diag_note(d, tc_node_pos(wanted->dep->key), "the dependency is the platform's");
	tc_diag_help(d, "remove the field; for a service of your own, use a name without \"tentacular-\"");
}

/* One field: absent, tentc's own from before, the author's and right, or a contradiction. map is where it goes. */
static void fill_field(struct filling *f, const struct wanted *wanted, const struct tc_node *in,
		       const struct tc_node *map, const char *path, const char *field, const struct tc_node *value)
{
	const struct tc_node *found = tc_get(in, field);
	bool ours = tc_ledger_ours(&f->ledger, path, found);

	if (found && !tc_is(found, TC_NULL) && !ours && !tc_equal(found, value, false)) {
		report_conflict(f, wanted, field, found, value);
		return;
	}
	if (!found || tc_is(found, TC_NULL) || !tc_equal(found, value, false))
		tc_patch_set(f->place->patch, map, field, tc_copy_new(f->w->mem, value, value->origin));
	else if (!ours)
		return; /* the author wrote just that: it stays the author's */
	tc_ledger_record(&f->ledger, path, value, NULL);
}

static bool is_filled(const struct tc_config *config, const struct tc_value *row)
{
	return (row->flags & TC_V_CONTRACT) || (config->contract_full && (row->flags & TC_V_FULL));
}

static bool is_whole(const struct tc_dep *dep)
{
	for (const struct tc_value *row = dep->service->values; row->name; row++) {
		if ((row->flags & TC_V_CONTRACT) && !tc_get(dep->value, row->name))
			return false;
	}
	return true;
}

static void fill_auth(struct filling *f, struct wanted *wanted, const struct tc_node *map)
{
	const struct tc_dep *dep = wanted->dep;
	const struct tc_origin *origin = tc_dep_origin(f->w->mem, dep, "auth");
	const char *path = tc_ledger_path(f->w->mem, wanted->map_path, "auth", NULL);
	const char *secret = tc_printf(f->w->mem, "%.*s.%s", TC_STR_ARG(dep->name), dep->service->auth_field);
	const struct tc_node *in = tc_get(wanted->map, "auth"), *auth;

	auth = tc_patch_map_at(f->place->patch, map, "auth", origin);
	if (!auth) {
		report_conflict(f, wanted, "auth", in, tc_new_map(f->w->mem, origin));
		return;
	}
	wanted->inner = "auth.";
	fill_field(f, wanted, in, auth, tc_ledger_path(f->w->mem, path, "type", NULL), "type",
		   tc_new_string(f->w->mem, origin, tc_str(dep->service->auth_type)));
	fill_field(f, wanted, in, auth, tc_ledger_path(f->w->mem, path, "secret", NULL), "secret",
		   tc_new_string(f->w->mem, origin, tc_str(secret)));
}

static void fill_dependency(struct filling *f, const struct tc_dep *dep, const struct tc_node *deps, const char *base)
{
	struct tc_subject subject = tc_subject_of(f->w, f->t, dep->config);
	const char *name = tc_strndup(f->w->mem, dep->name.s, dep->name.len);
	const struct tc_origin *origin = tc_dep_origin(f->w->mem, dep, "contract");
	struct wanted wanted = {.dep = dep,
				.map = tc_is(dep->value, TC_MAP) ? dep->value : NULL,
				.map_path = tc_ledger_path(f->w->mem, base, "dependencies", name, NULL),
				.inner = "",
				.whole = is_whole(dep)};
	const struct tc_node *map = tc_patch_map_at(f->place->patch, deps, name, origin);

	for (const struct tc_value *row = dep->service->values; row->name; row++) {
		bool is_protocol = strcmp(row->name, "protocol") == 0;
		const char *value, *path;

		if (!is_filled(f->w->stage->config, row) || (row->flags & TC_V_CREDENTIAL))
			continue;
		/* Any accepted spelling of the protocol is kept as it is written. */
		if (is_protocol && tc_text(tc_get(wanted.map, "protocol")).len > 0 &&
		    !tc_is_string(tc_get(wanted.map, "protocol"), dep->service->protocols[0]))
			continue;
		value = tc_value_of(&subject, row);
		if (!value)
			continue; /* unreachable: only fields of the Secret may have none */
		path = tc_ledger_path(f->w->mem, wanted.map_path, row->name, NULL);
		fill_field(f, &wanted, wanted.map, map, path, row->name, value_node(f, row, value, origin));
	}
	if (f->w->stage->config->contract_full && dep->service->auth_type)
		fill_auth(f, &wanted, map);
}

/* The document goes back into its scalar: edited in its text, or else written anew. */
static bool write_back(struct tc_work *w, struct tc_contract_place *p, const struct tc_node *document)
{
	const struct tc_origin *origin = tc_origin_new(w->mem, p->at, "enriched contract");
	struct tc_patch *outer = tc_doc_patch(w->mem, p->object->doc);
	struct tc_node *value;
	struct tc_str edited;
	_cleanup_buf_ struct tc_buf text = {0};
	const char *why = "a change would have reached other places through an alias";

	if (!p->object->expand && tc_edit_embedded(&edited, w->mem, p->scalar, p->patch, document, &why)) {
		value = tc_new_string(w->mem, origin, edited);
		value->style = TC_STYLE_LITERAL;
		tc_patch_replace_embedded(outer, p->scalar, value, p->patch);
		return true;
	}
	if (tc_emit_verified(&text, document, (struct tc_emit){.format = TC_YAML}, w->err) < 0)
		return false; /* unreachable: only a bug of the emitter fails */
	value = tc_new_string(w->mem, origin, tc_buf_str(&text));
	value->style = TC_STYLE_LITERAL;
	tc_patch_replace(outer, p->scalar, value);
	p->object->doc->inner_why = why;
	return true;
}

static void open_ledger(struct filling *f)
{
	struct tc_contract_place *p = f->place;

	f->ledger = (struct tc_ledger){.mem = f->w->mem, .target = p->patch, .target_root = p->document, .prefix = ""};
	if (p->kind != TC_PLACE_CONFIGMAP)
		return;
	f->ledger.holder = tc_doc_patch(f->w->mem, p->object->doc);
	f->ledger.prefix = tc_ledger_path(f->w->mem, "", "data", f->w->stage->config->contract_key, NULL);
	f->fine = tc_ledger_open(&f->ledger, p->object->root, f->w->diags);
}

static bool fill_place(struct tc_work *w, struct tc_tentacle *t, struct tc_contract_place *p)
{
	struct filling f = {.w = w, .t = t, .place = p, .fine = true};
	const char *base = p->kind == TC_PLACE_ANNOTATION ? "" : "/contract";
	const struct tc_node *deps = tc_get(p->contract_node, "dependencies"), *patched;

	if (p->kind == TC_PLACE_BARE) {
		p->patch = tc_doc_patch(w->mem, p->object->doc);
	} else {
		p->patch = tc_alloc(w->mem, sizeof(*p->patch));
		tc_patch_init(p->patch, w->mem, p->document);
	}
	open_ledger(&f);
	if (!f.fine)
		return false;
	for (size_t i = 0; i < p->contract->ndeps; i++) {
		if (p->contract->deps[i].kind == TC_DEP_PLATFORM)
			fill_dependency(&f, &p->contract->deps[i], deps, base);
	}
	tc_ledger_close(&f.ledger, t->origin);
	if (!f.fine)
		return false;
	/* The compilation starts again, and then comes back here with another tree. */
	if (p->kind != TC_PLACE_BARE && p->patch->crossed)
		p->object->expand = true;
	patched = tc_patch_apply(w->mem, p->patch);
	p->enriched = p->kind == TC_PLACE_ANNOTATION ? patched : tc_get(patched, "contract");
	return p->kind != TC_PLACE_CONFIGMAP || p->patch->count == 0 || p->object->doc->context ||
	       write_back(w, p, patched);
}

bool tc_transform_contract(struct tc_work *w, struct tc_tentacle *t)
{
	bool fine = true;

	for (size_t i = 0; i < t->nplaces; i++)
		fine = fill_place(w, t, t->places[i]) && fine;
	for (size_t i = 1; i < t->nplaces && fine; i++) {
		struct tc_contract_place *p = t->places[i];
		struct tc_diag *d;

		if (tc_equal(p->enriched, t->places[0]->enriched, false))
			continue;
		d = tc_diag(w->diags, TC_MSG_TWO_CONTRACTS, p->at,
			    "\"%s\" in enclave \"%s\" has a second contract, a different one", t->name, t->enclave);
		tc_diag_note(d, t->places[0]->at, "the other one");
		tc_diag_help(d, "keep one of them, or make them equal");
		fine = false;
	}
	if (fine && t->nplaces)
		t->enriched = t->places[0]->enriched;
	return fine;
}
