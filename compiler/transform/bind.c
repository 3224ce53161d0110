/* Finds the contracts of the input and the workloads they belong to. */
#include "compiler/transform/tentacle.h"

#include "compiler/contract/identity.h"

const char *tc_enclave_of(const struct tc_work *w, const struct tc_object *o)
{
	if (o->kind->role == TC_ROLE_SPIFFEID)
		return "";
	return o->ns[0] ? o->ns : w->stage->enclave;
}

static int compare_key(const struct tc_work *w, const struct tc_object *o, enum tc_role role, const char *enclave,
		       const char *name)
{
	const char *in = tc_enclave_of(w, o);
	int c;

	if (o->kind->role != role)
		return o->kind->role < role ? -1 : 1;
	c = strcmp(in ? in : "", enclave);
	return c ? c : strcmp(o->name, name);
}

struct tc_object **tc_objects_named(const struct tc_work *w, enum tc_role role, const char *enclave, const char *name,
				    size_t *count)
{
	size_t low = 0, high = w->nobjects, end;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (compare_key(w, w->by_name[mid], role, enclave, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (end = low; end < w->nobjects && compare_key(w, w->by_name[end], role, enclave, name) == 0;)
		end++;
	*count = end - low;
	return &w->by_name[low];
}

/* Reports what is wrong with an enclave or a name; true when it is fine. */
static bool check_label(struct tc_work *w, struct tc_pos at, const char *what, const char *value)
{
	const char *fault = tc_label_fault(w->mem, tc_str(value));
	struct tc_diag *d;

	if (!fault)
		return true;
	d = tc_diag(w->diags, TC_MSG_BAD_NAME, at, "%s %s %s", what, tc_quote(w->mem, tc_str(value)), fault);
	tc_diag_help(d, "an RFC 1123 label is needed: 1 to 63 of a-z, 0-9 and -, alphanumeric at both ends");
	return false;
}

/* The enclave of an object that has a contract; NULL, reported, when it cannot be told. */
static const char *enclave_for(struct tc_work *w, const struct tc_object *o)
{
	const char *flag = w->stage->enclave;
	struct tc_diag *d;

	if (!o->ns[0] && !flag) {
		bool bare = o->kind->role == TC_ROLE_WORKFLOW;

		d = tc_diag(w->diags, TC_MSG_NO_ENCLAVE, o->at, "the enclave of %s %s is not known", o->kind->kind,
			    tc_quote(w->mem, tc_str(o->name)));
		tc_diag_help(d, bare ? "give --enclave NAME" : "give it metadata.namespace, or give --enclave NAME");
		return NULL;
	}
	if (o->ns[0] && flag && strcmp(o->ns, flag) != 0) {
		struct tc_pos at = tc_node_pos(tc_get(tc_object_metadata(o), "namespace"));

		d = tc_diag(w->diags, TC_MSG_OTHER_ENCLAVE, at, "%s %s is in namespace \"%s\", but --enclave is \"%s\"",
			    o->kind->kind, tc_quote(w->mem, tc_str(o->name)), o->ns, flag);
		tc_diag_help(d, "leave --enclave out where every tentacle has a namespace");
		return NULL;
	}
	if (!check_label(w, o->ns[0] ? tc_node_pos(tc_get(tc_object_metadata(o), "namespace")) : (struct tc_pos){0},
			 "enclave", o->ns[0] ? o->ns : flag))
		return NULL;
	return o->ns[0] ? o->ns : flag;
}

/* ConfigMaps are named `<name>-code`: the name; NULL for any other. */
static const char *name_before_code(struct tc_arena *mem, const char *configmap)
{
	size_t n = strlen(configmap);

	return n > 5 && strcmp(configmap + n - 5, "-code") == 0 ? tc_strndup(mem, configmap, n - 5) : NULL;
}

static struct tc_object *first_workload(const struct tc_work *w, const char *enclave, const char *name)
{
	size_t n;
	struct tc_object **found = tc_objects_named(w, TC_ROLE_WORKLOAD, enclave, name, &n);

	return n ? found[0] : NULL;
}

/* Name and workload of a contract that stands apart from its workload. */
static bool name_workflow(struct tc_work *w, struct tc_contract_place *p)
{
	const struct tc_object *o = p->object;
	const struct tc_node *name = tc_get(p->document, "name");
	const char *before = p->kind == TC_PLACE_CONFIGMAP ? name_before_code(w->mem, o->name) : NULL;
	struct tc_str text = tc_text(name);

	if (text.len > 0) {
		p->name = tc_strndup(w->mem, text.s, text.len);
		p->workload = first_workload(w, p->enclave, p->name);
	}
	if (!p->workload && before) {
		p->workload = first_workload(w, p->enclave, before);
		if (p->workload || !p->name)
			p->name = before;
	}
	if (p->name)
		return check_label(w, text.len ? tc_node_pos(name) : o->at, "tentacle", p->name);
	struct tc_diag *d = tc_diag(w->diags, TC_MSG_NO_NAME, tc_node_pos(name ? name : p->document),
				    "the workflow has no name, or one that is not a string (%s)", tc_kind_name(name));
	tc_diag_help(d, "give it a line `name: <tentacle>` at its top");
	return false;
}

static bool name_workload(struct tc_work *w, struct tc_contract_place *p)
{
	struct tc_object *o = p->object;
	const struct tc_node *name = tc_get(p->document, "name");
	struct tc_str text = tc_text(name);
	struct tc_diag *d;

	p->workload = o;
	if (o->name[0]) {
		p->name = o->name;
		if (text.len && !tc_str_is(text, o->name)) {
			d = tc_diag(w->diags, TC_MSG_BAD_NAME, tc_node_pos(name),
				    "the contract's name %s is not the workload's, \"%s\"", tc_quote(w->mem, text),
				    o->name);
			tc_diag_help(d, "remove the line: a contract in an annotation has its workload's name");
			return false;
		}
		return check_label(w, o->at, "tentacle", p->name);
	}
	if (w->stage->edits_only) {
		d = tc_diag(w->diags, TC_MSG_GENERATED_NAME, o->at,
			    "%s has a contract but no metadata.name: a name that Kubernetes makes up later is nobody's "
			    "identity",
			    o->kind->kind);
		tc_diag_help(d, "give it metadata.name instead of generateName");
		return false;
	}
	if (text.len) {
		p->name = tc_strndup(w->mem, text.s, text.len);
		return check_label(w, tc_node_pos(name), "tentacle", p->name);
	}
	d = tc_diag(w->diags, TC_MSG_NO_NAME, o->at, "%s has a contract but no metadata.name", o->kind->kind);
	tc_diag_help(d, "where generateName is used, give the contract a line `name: <tentacle>`");
	return false;
}

static struct tc_contract_place *place_new(struct tc_work *w, enum tc_place_kind kind, struct tc_object *o)
{
	struct tc_contract_place *p = tc_alloc(w->mem, sizeof(*p));

	p->kind = kind;
	p->object = o;
	return p;
}

/* Something else may be called workflow.yaml too: only a text that speaks of a contract has to be readable. */
static bool mentions_contract(struct tc_str text)
{
	return text.len >= 8 && memmem(text.s, text.len, "contract", 8) != NULL;
}

/* The document in a string. */
static const struct tc_node *read_embedded(struct tc_work *w, const struct tc_object *o, const struct tc_node *scalar,
					   const char *label, const struct tc_limits *limits, bool *empty)
{
	const struct tc_node *root = tc_embedded_read(w->mem, scalar, label, limits, w->diags, empty);

	return root && o->expand ? tc_copy_expanded(w->mem, root) : root;
}

static size_t count_values(const struct tc_node *n)
{
	size_t count = 1;

	if (n && (n->kind == TC_MAP || n->kind == TC_SEQ)) {
		for (const struct tc_node *i = n->first; i; i = i->next)
			count += count_values(i);
	}
	return count;
}

static const char *advice(const struct tc_object *o)
{
	return o->doc->context
		       ? "make it smaller; if it is another's, give its workflow a line `name: <tentacle>`, or do "
			 "not mount it"
		       : "make it smaller";
}

/* In admission: always NULL. */
static const struct tc_node *refuse_values(struct tc_work *w, const struct tc_object *o, const struct tc_node *scalar,
					   bool alone)
{
	struct tc_diag *d = tc_diag(w->diags, TC_MSG_CONTRACT_TOO_LARGE, tc_node_pos(scalar),
				    "%s of ConfigMap \"%s\" has too many values%s: admission reads at most %zu",
				    w->stage->config->contract_key, o->name,
				    alone ? "" : ", with the other contracts that are read here",
				    alone ? TC_LIMITS_CONTRACT.max_nodes : TC_LIMITS_CONTRACT.max_expanded);

	tc_diag_help(d, "%s", advice(o));
	return NULL;
}

/* As read_embedded, but no more than a server may be made to read. */
static const struct tc_node *read_in_admission(struct tc_work *w, const struct tc_object *o,
					       const struct tc_node *scalar, size_t *values)
{
	const struct tc_limits limits = TC_LIMITS_CONTRACT;
	const char *key = w->stage->config->contract_key;
	struct tc_diags before = *w->diags;
	const struct tc_node *root;
	struct tc_diag *d;
	bool empty = false;

	if (tc_text(scalar).len > limits.max_bytes) {
		d = tc_diag(w->diags, TC_MSG_CONTRACT_TOO_LARGE, tc_node_pos(scalar),
			    "%s of ConfigMap \"%s\" has %zu bytes, admission reads at most %zu", key, o->name,
			    tc_text(scalar).len, limits.max_bytes);
		tc_diag_help(d, "%s", advice(o));
		return NULL;
	}
	if (*values > limits.max_expanded)
		return NULL; /* reported */
	root = read_embedded(w, o, scalar, key, &limits, &empty);
	if (root) {
		*values += count_values(root);
		return *values <= limits.max_expanded ? root : refuse_values(w, o, scalar, false);
	}
	for (size_t i = before.count; i < w->diags->count; i++) {
		enum tc_msg id = w->diags->list[i]->id;

		if (id == TC_MSG_TOO_MANY_NODES || id == TC_MSG_EXPANDS_TOO_FAR) {
			*w->diags = before;
			*values += limits.max_nodes;
			return refuse_values(w, o, scalar, true);
		}
	}
	return NULL;
}

/* values: read so far, in admission. */
static struct tc_contract_place *configmap_place(struct tc_work *w, struct tc_object *o, size_t *values)
{
	const char *key = w->stage->config->contract_key;
	const struct tc_node *scalar = tc_get(tc_get(o->root, "data"), key);
	struct tc_contract_place *p;
	bool empty = false;

	if (!tc_is(scalar, TC_STRING) || !mentions_contract(tc_text(scalar)))
		return NULL;
	p = place_new(w, TC_PLACE_CONFIGMAP, o);
	p->scalar = scalar;
	p->document = w->stage->edits_only ? read_in_admission(w, o, scalar, values)
					   : read_embedded(w, o, scalar, key, w->stage->limits, &empty);
	if (!p->document || !tc_get_key(p->document, "contract"))
		return NULL;
	p->contract_node = tc_get(p->document, "contract");
	p->at = tc_node_pos(tc_get_key(p->document, "contract"));
	return p;
}

static struct tc_contract_place *annotation_place(struct tc_work *w, struct tc_object *o)
{
	const struct tc_node *scalar = tc_object_annotation(o, TC_ANNOTATION_CONTRACT);
	struct tc_contract_place *p;
	struct tc_diag *d;
	bool empty = false;

	if (!scalar || tc_is(scalar, TC_NULL))
		return NULL;
	if (!tc_is(scalar, TC_STRING)) {
		d = tc_diag(w->diags, TC_MSG_BAD_ANNOTATION, tc_node_pos(scalar), "%s is %s, a string was expected",
			    TC_ANNOTATION_CONTRACT, tc_kind_name(scalar));
		tc_diag_help(d, "write the contract as a block of text: `%s: |`", TC_ANNOTATION_CONTRACT);
		return NULL;
	}
	if (tc_text(scalar).len > TC_LIMITS_ANNOTATION.max_bytes) {
		d = tc_diag(w->diags, TC_MSG_ANNOTATION_TOO_LARGE, tc_node_pos(scalar),
			    "the contract is %zu bytes long, at most %zu are allowed in an annotation",
			    tc_text(scalar).len, TC_LIMITS_ANNOTATION.max_bytes);
		tc_diag_help(d, "put it into a ConfigMap's workflow.yaml");
		return NULL;
	}
	p = place_new(w, TC_PLACE_ANNOTATION, o);
	p->scalar = scalar;
	p->document = read_embedded(w, o, scalar, TC_ANNOTATION_CONTRACT, &TC_LIMITS_ANNOTATION, &empty);
	p->contract_node = p->document;
	p->at = tc_node_pos(scalar);
	if (!p->document && !empty)
		return NULL;
	if (tc_get_key(p->document, "contract") && !tc_get_key(p->document, "dependencies")) {
		d = tc_diag(w->diags, TC_MSG_WRAPPED_CONTRACT, tc_node_pos(tc_get_key(p->document, "contract")),
			    "the annotation holds a workflow, the contract itself was expected");
		tc_diag_help(d, "remove the line `contract:` and move what stands below it to the left");
		return NULL;
	}
	return p;
}

static struct tc_contract_place *bare_place(struct tc_work *w, struct tc_object *o)
{
	struct tc_contract_place *p = place_new(w, TC_PLACE_BARE, o);

	p->document = o->root;
	p->contract_node = tc_get(o->root, "contract");
	p->at = tc_node_pos(tc_get_key(o->root, "contract"));
	return p;
}

struct tc_contract *tc_contract_check(struct tc_work *w, const struct tc_contract_place *p,
				      const struct tc_contract_context *ctx)
{
	struct tc_diag *d;

	if (p->contract_node)
		return tc_contract_read(w->mem, p->contract_node, ctx, w->diags);
	d = tc_diag(w->diags, TC_MSG_NOT_A_CONTRACT, p->at, "the contract is empty, expected a mapping");
	tc_diag_help(d, "write dependencies: in it, or remove it");
	return NULL;
}

/* The contract that an object carries; NULL when there is none or it was refused. */
static struct tc_contract_place *place_of(struct tc_work *w, struct tc_object *o, size_t *values)
{
	struct tc_contract_place *p = NULL;

	if (!o->root || o->ours)
		return NULL;
	switch (o->kind->role) {
	case TC_ROLE_CONFIGMAP:
		p = configmap_place(w, o, values);
		break;
	case TC_ROLE_WORKLOAD:
		p = annotation_place(w, o);
		break;
	case TC_ROLE_WORKFLOW:
		p = bare_place(w, o);
		break;
	case TC_ROLE_SECRET:
	case TC_ROLE_NETWORKPOLICY:
	case TC_ROLE_SPIFFEID:
		break;
	}
	if (!p)
		return NULL;
	p->enclave = enclave_for(w, o);
	if (!p->enclave || !(p->kind == TC_PLACE_ANNOTATION ? name_workload(w, p) : name_workflow(w, p))) {
		/* Its own problems are reported all the same. */
		tc_contract_check(w, p,
				  &(struct tc_contract_context){.config = w->stage->config, .enclave = p->enclave});
		return NULL;
	}
	if (p->workload) {
		tc_object_load(w->mem, p->workload, w->stage->limits);
		if (tc_object_is_owned(p->workload))
			return NULL;
	}
	return p;
}

/* Places of one tentacle come together: its workload's own annotation first, wherever it stands, so that the outcome
 * does not depend on the order of documents, which admission does not know; then in input order. Tentacles come in the
 * order of what they follow. */
static int by_identity(const void *a, const void *b)
{
	const struct tc_contract_place *x = *(struct tc_contract_place *const *)a;
	const struct tc_contract_place *y = *(struct tc_contract_place *const *)b;
	int c = strcmp(x->enclave, y->enclave);

	if (!c)
		c = strcmp(x->name, y->name);
	if (!c)
		c = (y->kind == TC_PLACE_ANNOTATION) - (x->kind == TC_PLACE_ANNOTATION);
	if (!c)
		c = x->object->doc < y->object->doc ? -1 : x->object->doc > y->object->doc;
	if (!c)
		c = x->object->item < y->object->item ? -1 : x->object->item > y->object->item;
	return c;
}

static int by_home(const void *a, const void *b)
{
	const struct tc_tentacle *x = a, *y = b;
	const struct tc_object *p = x->workload ? x->workload : x->places[0]->object;
	const struct tc_object *q = y->workload ? y->workload : y->places[0]->object;

	if (p->doc != q->doc)
		return p->doc < q->doc ? -1 : 1;
	return p->item < q->item ? -1 : p->item > q->item;
}

static struct tc_tentacle *tentacle_new(struct tc_work *w)
{
	tc_grow(w->mem, w->tentacles, w->ntentacles, w->tentacles_cap);
	w->tentacles[w->ntentacles] = (struct tc_tentacle){0};
	return &w->tentacles[w->ntentacles++];
}

static void check_unique(struct tc_work *w, const struct tc_tentacle *t)
{
	size_t n;
	struct tc_object **found = tc_objects_named(w, TC_ROLE_WORKLOAD, t->enclave, t->name, &n);

	for (size_t i = 1; i < n; i++) {
		struct tc_diag *d = tc_diag(w->diags, TC_MSG_NAME_TAKEN, found[i]->at,
					    "%s \"%s\" has the name of another workload of enclave \"%s\"",
					    found[i]->kind->kind, t->name, t->enclave);

		tc_diag_note(d, found[0]->at, "%s \"%s\" stands here", found[0]->kind->kind, t->name);
		tc_diag_help(d, "a tentacle's name is its identity in every service: rename one of them");
	}
}

static void group_places(struct tc_work *w, struct tc_contract_place **places, size_t n)
{
	for (size_t i = 0, end; i < n; i = end) {
		struct tc_tentacle *t = tentacle_new(w);

		for (end = i + 1; end < n && strcmp(places[i]->enclave, places[end]->enclave) == 0 &&
				  strcmp(places[i]->name, places[end]->name) == 0;)
			end++;
		*t = (struct tc_tentacle){.enclave = places[i]->enclave,
					  .name = places[i]->name,
					  .workload = places[i]->workload,
					  .places = &places[i],
					  .nplaces = end - i};
		for (size_t k = i; k < end && !t->workload; k++)
			t->workload = places[k]->workload;
		if (t->workload)
			t->workload->claimed = true;
		t->home = t->workload ? t->workload->doc : places[i]->object->doc;
		check_unique(w, t);
	}
}

/* A workload that tentc edited, and whose contract is gone: compiled with the empty contract. */
static void add_abandoned(struct tc_work *w, struct tc_object *o)
{
	const char *enclave = tc_enclave_of(w, o);

	*tentacle_new(w) =
		(struct tc_tentacle){.enclave = enclave ? enclave : "", .name = o->name, .workload = o, .home = o->doc};
}

/* In admission: a contract that the workload under review only mounts is another's, and so are its problems. One that
 * cannot be read may be its own, unless the name of its ConfigMap says otherwise. */
static bool is_of_another(struct tc_work *w, const struct tc_object *o, const struct tc_contract_place *p)
{
	const char *name;

	if (!o->doc->context)
		return false;
	if (p)
		return p->workload != w->reviewed;
	name = name_before_code(w->mem, o->name);
	return name && strcmp(name, w->reviewed->name) != 0;
}

void tc_bind(struct tc_work *w)
{
	struct tc_contract_place **places = tc_alloc(w->mem, sizeof(struct tc_contract_place *) * w->nobjects);
	size_t n = 0, values = 0, errors = w->diags->errors;

	w->ntentacles = 0;
	for (size_t i = 0; i < w->nobjects; i++) {
		struct tc_diags before = *w->diags;
		struct tc_contract_place *p = place_of(w, w->objects[i], &values);

		if (is_of_another(w, w->objects[i], p)) {
			*w->diags = before;
			continue;
		}
		if (!p)
			continue;
		places[n++] = p;
		p->object->claimed = true;
	}
	qsort(places, n, sizeof(struct tc_contract_place *), by_identity);
	group_places(w, places, n);
	/* After an error nothing is printed, and an unreadable contract must not look like a removed one. */
	if (w->diags->errors == errors) {
		for (size_t i = 0; i < w->nobjects; i++) {
			struct tc_object *o = w->objects[i];

			if (o->kind->role == TC_ROLE_WORKLOAD && o->marked && !o->claimed && !tc_object_is_owned(o))
				add_abandoned(w, o);
		}
	}
	if (w->ntentacles) /* qsort wants a list even of nothing */
		qsort(w->tentacles, w->ntentacles, sizeof(struct tc_tentacle), by_home);
}
