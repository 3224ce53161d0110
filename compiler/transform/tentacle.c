#include "compiler/transform/tentacle.h"

#include "compiler/contract/identity.h"
#include "compiler/transform/assemble.h"
#include "compiler/tree/emit.h"

const struct tc_origin *tc_origin_new(struct tc_arena *mem, struct tc_pos at, const char *rule)
{
	struct tc_origin *o = tc_alloc(mem, sizeof(*o));

	*o = (struct tc_origin){.at = at, .rule = rule};
	return o;
}

const struct tc_origin *tc_dep_origin(struct tc_arena *mem, const struct tc_dep *dep, const char *what)
{
	return tc_origin_new(mem, tc_node_pos(dep->key), tc_join(mem, dep->name, ' ', what));
}

struct tc_subject tc_subject_of(const struct tc_work *w, const struct tc_tentacle *t,
				const struct tc_service_config *service)
{
	return (struct tc_subject){.mem = w->mem,
				   .config = w->stage->config,
				   .service = service,
				   .enclave = t->enclave,
				   .name = t->name,
				   .keys = w->stage->keys,
				   .epoch = t->epoch};
}

/* A whole number in an annotation of the workload; fallback when it isn't there. */
static bool read_number(struct tc_work *w, const struct tc_tentacle *t, const char *annotation, unsigned least,
			unsigned fallback, unsigned *value)
{
	const struct tc_node *n = t->workload ? tc_object_annotation(t->workload, annotation) : NULL;
	struct tc_str text = tc_text(n);
	uint64_t number = 0;
	struct tc_diag *d;

	*value = fallback;
	if (!n)
		return true;
	for (size_t i = 0; i < text.len && text.len <= 9; i++) {
		if (!tc_is_digit(text.s[i]))
			goto refuse;
		number = number * 10 + (uint64_t)(text.s[i] - '0');
	}
	if (text.len > 0 && text.len <= 9 && number >= least) {
		*value = (unsigned)number;
		return true;
	}
refuse:
	d = tc_diag(w->diags, TC_MSG_BAD_ANNOTATION, tc_node_pos(n), "%s is %s, a whole number in quotes was expected",
		    annotation, tc_is(n, TC_STRING) ? tc_quote(w->mem, text) : tc_kind_name(n));
	tc_diag_help(d, "write it as `%s: \"%u\"`", annotation, least ? least : 1);
	return false;
}

/* The first credentials of all live under the plain name. A later epoch or key has a Secret of its own, so that pods of
 * the old one keep theirs until they are replaced. */
static const char *secret_name(struct tc_work *w, const struct tc_tentacle *t)
{
	const struct tc_config *c = w->stage->config;
	_cleanup_buf_ struct tc_buf which = {0};

	if (t->epoch == 0 && strcmp(c->key_id, "k1") == 0)
		return tc_printf(w->mem, "tentacular-exoskeleton-%s", t->name);
	tc_buf_printf(&which, "%s%c%s%c%u", c->installation, 0, c->key_id, 0, t->epoch);
	return tc_printf(w->mem, "tentacular-exoskeleton-%s.%s", t->name, tc_sha256_hex(w->mem, tc_buf_str(&which), 8));
}

static bool check_consumes(struct tc_work *w, const struct tc_tentacle *t, const struct tc_dep *dep)
{
	for (size_t i = 0; i < dep->nconsumes; i++) {
		if (strcmp(dep->consumes[i], t->name) == 0) {
			struct tc_diag *d =
				tc_diag(w->diags, TC_MSG_BAD_CONSUMES, tc_node_pos(tc_get(dep->value, "consumes")),
					"%.*s consumes the messages of \"%s\", which is the tentacle itself",
					TC_STR_ARG(dep->name), t->name);

			tc_diag_help(d, "remove it: a tentacle reads its own subjects anyway");
			return false;
		}
	}
	return true;
}

static bool check_templates(struct tc_work *w, const struct tc_tentacle *t, const struct tc_dep *dep)
{
	struct tc_subject subject = tc_subject_of(w, t, dep->config);
	const char *fault = tc_template_check(&subject);
	struct tc_diag *d;

	if (!fault)
		return true;
	d = tc_diag(w->diags, TC_MSG_BAD_TEMPLATE, tc_node_pos(dep->key), "%.*s cannot be had in enclave \"%s\": %s",
		    TC_STR_ARG(dep->name), t->enclave, fault);
	tc_diag_help(d, "change the template in the configuration, or rename the enclave");
	return false;
}

bool tc_tentacle_level(struct tc_work *w, struct tc_tentacle *t)
{
	unsigned level = w->stage->level ? w->stage->level : w->stage->config->level;
	bool fine = read_number(w, t, TC_ANNOTATION_LEVEL, 1, level, &t->level);

	if (t->level > TC_LEVEL_MAX) {
		const struct tc_node *n = t->workload ? tc_object_annotation(t->workload, TC_ANNOTATION_LEVEL) : NULL;
		struct tc_diag *d =
			tc_diag(w->diags, TC_MSG_UNKNOWN_LEVEL,
				n             ? tc_node_pos(n)
				: t->workload ? t->workload->at
					      : t->places[0]->at,
				"\"%s\" asks for level %u, this tentc knows levels up to %d: it is left as it is",
				t->name, t->level, TC_LEVEL_MAX);

		tc_diag_help(d, "upgrade tentc, or lower the level");
	}
	return fine;
}

bool tc_tentacle_derive(struct tc_work *w, struct tc_tentacle *t)
{
	bool fine = read_number(w, t, TC_ANNOTATION_EPOCH, 0, 0, &t->epoch);

	for (size_t i = 0; t->contract && i < t->contract->ndeps; i++) {
		const struct tc_dep *dep = &t->contract->deps[i];

		fine = check_consumes(w, t, dep) && fine;
		if (dep->kind != TC_DEP_PLATFORM)
			continue;
		fine = check_templates(w, t, dep) && fine;
		if (!t->secret_name)
			t->secret_name = secret_name(w, t);
	}
	return fine;
}

struct tc_node *tc_new_selector(struct tc_arena *mem, const struct tc_origin *origin, const char *key,
				const char *value)
{
	struct tc_node *selector = tc_new_map(mem, origin), *labels = tc_new_map(mem, origin);

	tc_put(mem, labels, key, tc_new_string(mem, origin, tc_str(value)));
	tc_put(mem, selector, "matchLabels", labels);
	return selector;
}

void tc_put_text(struct tc_work *w, struct tc_node *map, const char *key, const char *value)
{
	tc_put(w->mem, map, key, tc_new_string(w->mem, map->origin, tc_str(value)));
}

struct tc_node *tc_new_object(struct tc_work *w, const struct tc_tentacle *t, const char *api_version, const char *kind,
			      const char *name, const char *ns, const struct tc_origin *origin)
{
	struct tc_node *object = tc_new_map(w->mem, origin), *metadata = tc_new_map(w->mem, origin),
		       *labels = tc_new_map(w->mem, origin);

	tc_put_text(w, object, "apiVersion", api_version);
	tc_put_text(w, object, "kind", kind);
	tc_put(w->mem, object, "metadata", metadata);
	tc_put_text(w, metadata, "name", name);
	if (ns)
		tc_put_text(w, metadata, "namespace", ns);
	tc_put(w->mem, metadata, "labels", labels);
	tc_put_text(w, labels, TC_LABEL_MANAGED_BY, "tentc");
	tc_put_text(w, labels, TC_LABEL_EXOSKELETON, "true");
	tc_put_text(w, labels, TC_ANNOTATION_LEVEL, tc_printf(w->mem, "%u", t->level));
	tc_put_text(w, labels, TC_LABEL_RELEASE, t->name);
	return object;
}

/* The text of an object that stands alone. What was allocated since the mark goes with its tree. */
static struct tc_made made_text(struct tc_work *w, const struct tc_doc *doc, const struct tc_node *object,
				struct tc_arena_mark mark)
{
	_cleanup_buf_ struct tc_buf text = {.secret = w->stage->keys != NULL};
	bool cluster_scoped = !tc_get_path(object, "metadata", "namespace", NULL);

	if (tc_assemble_text(w, &text, object, doc) < 0)
		return (struct tc_made){0}; /* unreachable: only a bug of the emitter fails */
	/* The diagnostics may live in the same arena. */
	if (w->diags->mem != w->mem)
		tc_arena_rewind(w->mem, mark);
	return (struct tc_made){.text = {.s = tc_strndup(w->mem, text.p, text.len), .len = text.len},
				.cluster_scoped = cluster_scoped};
}

/* One of ours takes the place that it had. */
static void replace_object(struct tc_work *w, struct tc_object *old, struct tc_node *object, struct tc_arena_mark mark)
{
	old->claimed = true;
	/* JSON has no comments that could be stale: there the tree decides, and the author's spacing stays. */
	if (old->item == SIZE_MAX && old->doc->cut->format == TC_JSON && tc_equal(old->root, object, true))
		return;
	if (old->item == SIZE_MAX)
		old->doc->whole = made_text(w, old->doc->cut, object, mark);
	else if (!tc_equal(old->root, object, true))
		tc_patch_replace(tc_doc_patch(w->mem, old->doc), old->root, object);
	else
		old->fresh = object;
}

static void add_object(struct tc_work *w, struct tc_stage_doc *home, struct tc_node *object, bool apart,
		       struct tc_arena_mark mark)
{
	struct tc_made made;

	if (tc_doc_is_list(home) && !apart) {
		tc_patch_push(tc_doc_patch(w->mem, home), tc_get(home->root, "items"), object);
		return;
	}
	made = made_text(w, home->cut, object, mark);
	tc_grow(w->mem, home->added, home->nadded, home->added_cap);
	home->added[home->nadded++] = made;
}

static bool is_apart(const struct tc_work *w, enum tc_role role)
{
	return role == TC_ROLE_SPIFFEID && w->stage->cluster_scoped_apart;
}

static void place(struct tc_work *w, struct tc_tentacle *t, enum tc_role role, struct tc_node *object,
		  struct tc_arena_mark mark)
{
	const struct tc_node *metadata = tc_get(object, "metadata");
	struct tc_str name = tc_text(tc_get(metadata, "name"));
	const char *ns = role == TC_ROLE_SPIFFEID ? "" : t->enclave;
	size_t n;
	struct tc_object **found;

	found = tc_objects_named(w, role, ns, tc_strndup(w->mem, name.s, name.len), &n);
	for (size_t i = 0; i < n; i++) {
		struct tc_diag *d;

		if (found[i]->ours && !found[i]->claimed && is_apart(w, role) && found[i]->item != SIZE_MAX)
			break; /* it leaves its List, unclaimed */
		if (found[i]->ours && !found[i]->claimed) {
			replace_object(w, found[i], object, mark);
			return;
		}
		d = tc_diag(w->diags, TC_MSG_RESERVED_OBJECT, found[i]->at,
			    "%s \"%.*s\" has the name of an object that tentc makes for \"%s\"", found[i]->kind->kind,
			    TC_STR_ARG(name), t->name);
		tc_diag_note(d, t->origin->at, "the contract of \"%s\"", t->name);
		tc_diag_help(d, "rename it, or remove it if an older tentc made it");
		return;
	}
	add_object(w, t->home, object, is_apart(w, role), mark);
}

void tc_place_object(struct tc_work *w, struct tc_tentacle *t, enum tc_role role, struct tc_node *object,
		     struct tc_arena_mark mark)
{
	_cleanup_buf_ struct tc_buf json = {.secret = w->stage->keys != NULL}, name = {0};
	struct tc_str text = tc_text(tc_get_path(object, "metadata", "name", NULL));

	if (!w->stage->wants) {
		place(w, t, role, object, mark);
		return;
	}
	tc_emit(&json, object, (struct tc_emit){.format = TC_JSON});
	tc_buf_add(&name, text.s, text.len);
	place(w, t, role, object, mark);
	/* only now: what stands behind the mark is given back */
	tc_wants_keep(w, t, &json, role, name.p);
}
