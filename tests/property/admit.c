#include "tests/property/admit.h"

#include "compiler/contract/identity.h"
#include "compiler/transform/admit.h"
#include "compiler/transform/object.h"
#include "compiler/tree/emit.h"
#include "tests/property/properties.h"
#include "tests/property/rfc6902.h"

static const char *text_of(const json_t *object, const char *a, const char *b)
{
	const json_t *n = json_object_get(object, a);
	const char *s = json_string_value(b ? json_object_get(n, b) : n);

	return s ? s : "";
}

/* One whose name is made up later is compiled, and denied in a cluster. */
static bool is_workload(const json_t *object)
{
	const struct tc_kind_row *row =
		tc_kind_row(tc_str(text_of(object, "apiVersion", NULL)), tc_str(text_of(object, "kind", NULL)));

	return row && row->role == TC_ROLE_WORKLOAD && text_of(object, "metadata", "name")[0];
}

static bool is_configmap(const json_t *object)
{
	return strcmp(text_of(object, "kind", NULL), "ConfigMap") == 0;
}

static json_t *to_json(const struct tc_node *n)
{
	_cleanup_buf_ struct tc_buf text = {0};

	tc_emit(&text, n, (struct tc_emit){.format = TC_JSON});
	return json_loads(text.p, JSON_DECODE_ANY, NULL);
}

static const char *dump(struct tc_arena *mem, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	const char *copy = tc_strdup(mem, text ? text : "nothing");

	free(text);
	return copy;
}

/* Lists are unpacked; a bare workflow is nothing for a cluster. */
static void add_tree(json_t *list, const struct tc_node *root)
{
	if (tc_is_string(tc_get(root, "kind"), "List")) {
		for (const struct tc_node *i = tc_item(tc_get(root, "items")); i; i = tc_item_next(i))
			if (tc_get(i, "kind"))
				json_array_append_new(list, to_json(tc_deref(i)));
	} else if (tc_get(root, "kind")) {
		json_array_append_new(list, to_json(root));
	}
}

static json_t *objects_of(struct admission_case *c, const struct batch *batch)
{
	json_t *list = json_array();
	struct trees trees;

	trees_read(&trees, c->mem, batch);
	for (size_t i = 0; i < trees.count; i++)
		add_tree(list, trees.list[i].root);
	return list;
}

/* The set compiled offline, as one JSON stream; NULL: refused, and *why says so. */
static json_t *compile(struct admission_case *c, const json_t *list, const char **why)
{
	_cleanup_outcome_ struct outcome o = {0};
	_cleanup_buf_ struct tc_buf text = {0};
	struct batch batch = {0}, output;
	json_t *made;

	for (size_t i = 0; i < json_array_size(list); i++)
		tc_buf_printf(&text, "%s\n", dump(c->mem, json_array_get(list, i)));
	batch_set(&batch, 0, "all.json",
		  (struct tc_str){.s = tc_strndup(c->mem, text.p ? text.p : "", text.len), .len = text.len});
	batch.n = 1;
	batch.list[0] = &batch.src[0];
	outcome_make(&o, &batch, c->platform, c->enclave);
	*why = NULL;
	if (!o.ok) {
		_cleanup_buf_ struct tc_buf problems = {0};

		tc_diags_render(&problems, &o.diags, (struct tc_diag_style){0});
		*why = tc_printf(c->mem, "as JSON it is refused: %s", problems.p ? problems.p : o.err.msg);
		return NULL;
	}
	outcome_batch(&o, &batch, &output);
	made = objects_of(c, &output);
	return made;
}

static const json_t *find_like(const json_t *list, const json_t *object)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);

		if (strcmp(text_of(o, "kind", NULL), text_of(object, "kind", NULL)) == 0 &&
		    strcmp(text_of(o, "metadata", "name"), text_of(object, "metadata", "name")) == 0 &&
		    strcmp(text_of(o, "metadata", "namespace"), text_of(object, "metadata", "namespace")) == 0)
			return o;
	}
	return NULL;
}

/* The cluster of a case: its ConfigMaps. */
struct cluster {
	struct admission_case *c;
	const json_t *list;
};

static bool find_configmap(void *self, const char *ns, const char *name, struct tc_str *json)
{
	const struct cluster *cluster = self;

	for (size_t i = 0; i < json_array_size(cluster->list); i++) {
		const json_t *o = json_array_get(cluster->list, i);
		const char *in = text_of(o, "metadata", "namespace");

		if (!is_configmap(o) || strcmp(text_of(o, "metadata", "name"), name) != 0 ||
		    strcmp(in[0] ? in : cluster->c->enclave, ns) != 0)
			continue;
		*json = tc_str(dump(cluster->c->mem, o));
		return true;
	}
	return false;
}

struct answered {
	enum tc_verdict verdict;
	json_t *answer, *patch; /* patch: NULL: none */
	const char *fault;
};

static void answered_free(struct answered *a)
{
	json_decref(a->answer);
	json_decref(a->patch);
	*a = (struct answered){0};
}

static void decode_patch(struct admission_case *c, struct answered *a)
{
	const char *text = text_of(json_object_get(a->answer, "response"), "patch", NULL);
	struct tc_str bytes;

	if (!text[0])
		return;
	if (!tc_base64_decode(c->mem, tc_str(text), &bytes))
		a->fault = "the patch is no base64";
	else
		a->patch = json_loadb(bytes.s, bytes.len, 0, NULL);
	if (!a->fault && !a->patch)
		a->fault = "the patch is no JSON";
}

static struct answered admit(struct admission_case *c, const json_t *cluster_list, const char *operation,
			     const json_t *object, const json_t *old)
{
	struct cluster cluster = {.c = c, .list = cluster_list};
	const struct tc_knowledge knowledge = {.self = &cluster, .configmap = find_configmap};
	const struct tc_limits limits = TC_LIMITS_REQUEST;
	const struct tc_admit how = {.config = c->platform->config, .limits = &limits, .knowledge = &knowledge};
	const char *ns = text_of(object, "metadata", "namespace");
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	_cleanup_buf_ struct tc_buf answer = {0};
	struct tc_source src = {.name = "review"};
	struct tc_error err = {0};
	struct tc_admitted admitted;
	struct answered a = {0};

	src.text = tc_str(tc_printf(
		c->mem,
		"{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\","
		"\"operation\":\"%s\",\"namespace\":\"%s\",\"oldObject\":%s,\"object\":%s}}",
		operation, ns[0] ? ns : c->enclave, old ? dump(c->mem, old) : "null", dump(c->mem, object)));
	if (tc_admit(&answer, mem, &src, &how, &admitted, &err) < 0) {
		a.fault = "the stage reports a bug";
		return a;
	}
	a.verdict = admitted.verdict;
	a.answer = json_loads(answer.p, 0, NULL);
	if (!a.answer)
		a.fault = tc_printf(c->mem, "the answer is no JSON: %s", answer.p);
	else if (admitted.verdict == TC_VERDICT_DENIED)
		a.fault = tc_printf(c->mem, "denied: %s", answer.p);
	else
		decode_patch(c, &a);
	return a;
}

static const char *differs(struct admission_case *c, const json_t *got, const json_t *wanted)
{
	const char *a = dump(c->mem, got), *b = dump(c->mem, wanted);
	size_t i = 0, from;

	while (a[i] && a[i] == b[i])
		i++;
	from = i > 120 ? i - 120 : 0;
	return tc_printf(c->mem, "%s %s:\n    admitted ...%.400s\n    compiled ...%.400s", text_of(got, "kind", NULL),
			 text_of(got, "metadata", "name"), a + from, b + from);
}

static const char *expect_no_patch(struct admission_case *c, const json_t *cluster, const char *operation,
				   const json_t *object, const json_t *old, const char *what)
{
	struct answered a = admit(c, cluster, operation, object, old);
	const char *fault = a.fault;

	if (fault)
		fault = tc_printf(c->mem, "%s: %s", what, fault);
	else if (a.patch)
		fault = tc_printf(c->mem, "%s has a patch: %.600s", what, dump(c->mem, a.patch));
	answered_free(&a);
	return fault;
}

/* Once more: as it is now, as it was compiled, and after the API server's defaults. */
static const char *check_again(struct admission_case *c, const json_t *cluster, const json_t *source,
			       const json_t *patched, const json_t *compiled)
{
	json_t *stored = json_deep_copy(compiled);
	const char *fault = expect_no_patch(c, cluster, "CREATE", patched, NULL, "admit(admit(x))");

	admission_defaults(stored);
	if (!fault)
		fault = expect_no_patch(c, cluster, "CREATE", compiled, NULL, "admit(compile(x))");
	if (!fault)
		fault = expect_no_patch(c, cluster, "UPDATE", patched, source, "an update to admit(x)");
	if (!fault)
		fault = expect_no_patch(c, cluster, "UPDATE", stored, patched, "an update to what is stored");
	if (!fault)
		fault = expect_no_patch(c, cluster, "CREATE", stored, NULL, "what is stored");
	json_decref(stored);
	return fault;
}

static const char *check_object(struct admission_case *c, const json_t *cluster, const json_t *object,
				const json_t *compiled)
{
	struct answered a = admit(c, cluster, "CREATE", object, NULL);
	json_t *patched = json_deep_copy(object);
	const char *fault = a.fault;

	if (!fault && !compiled)
		fault = "the compiled object is not in the output";
	if (!fault && a.patch)
		fault = rfc6902_apply(&patched, a.patch);
	if (!fault) {
		json_t *x = json_deep_copy(patched), *y = json_deep_copy(compiled);

		admission_defaults(x);
		admission_defaults(y);
		if (!json_equal(x, y))
			fault = differs(c, x, y);
		json_decref(x);
		json_decref(y);
	}
	c->admitted += a.patch != NULL;
	if (!fault)
		fault = check_again(c, cluster, object, patched, compiled);
	json_decref(patched);
	answered_free(&a);
	return fault;
}

static const char *check_all(struct admission_case *c, const json_t *list, json_t **compiled)
{
	const char *fault = NULL;

	*compiled = compile(c, list, &fault);
	for (size_t i = 0; i < json_array_size(list) && !fault; i++) {
		const json_t *o = json_array_get(list, i);
		bool known_enriched = rng_chance(&c->rng, 50);

		if (!is_workload(o) && !is_configmap(o))
			continue;
		if (!c->enclave && !text_of(o, "metadata", "namespace")[0])
			continue;
		fault = check_object(c, known_enriched ? *compiled : list, o, find_like(*compiled, o));
	}
	return fault;
}

static json_t *pod_spec(json_t *object)
{
	json_t *spec = json_object_get(object, "spec");

	if (strcmp(text_of(object, "kind", NULL), "CronJob") == 0)
		spec = json_object_get(json_object_get(spec, "jobTemplate"), "spec");
	if (strcmp(text_of(object, "kind", NULL), "Pod") != 0)
		spec = json_object_get(json_object_get(spec, "template"), "spec");
	return spec;
}

static bool has_configmap(const json_t *list, const json_t *workload, const char *name)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *o = json_array_get(list, i);

		if (is_configmap(o) && strcmp(text_of(o, "metadata", "name"), name) == 0 &&
		    strcmp(text_of(o, "metadata", "namespace"), text_of(workload, "metadata", "namespace")) == 0)
			return true;
	}
	return false;
}

/* Half of the workloads mount their ConfigMap, as they should. */
static void mount_code(struct admission_case *c, json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *o = json_array_get(list, i), *spec = pod_spec(o);
		const char *name = tc_printf(c->mem, "%s-code", text_of(o, "metadata", "name"));

		if (!is_workload(o) || !spec || !has_configmap(list, o, name) || rng_chance(&c->rng, 50))
			continue;
		if (!json_is_array(json_object_get(spec, "volumes")))
			json_object_set_new(spec, "volumes", json_array());
		if (rng_chance(&c->rng, 50))
			json_array_append_new(json_object_get(spec, "volumes"),
					      json_pack("{s:s,s:{s:s}}", "name", "code", "configMap", "name", name));
		else
			json_array_append_new(json_object_get(spec, "volumes"),
					      json_pack("{s:s,s:{s:[{s:{s:s}}]}}", "name", "code", "projected",
							"sources", "configMap", "name", name));
	}
}

/* Another webhook puts a container into each pod; nothing narrows the containers there. */
static json_t *with_sidecar(struct admission_case *c, const json_t *list)
{
	json_t *copy = json_deep_copy(list);

	for (size_t i = 0; i < json_array_size(copy); i++) {
		json_t *o = json_array_get(copy, i), *containers = json_object_get(pod_spec(o), "containers");

		if (is_workload(o) && json_is_array(containers) && rng_chance(&c->rng, 70))
			json_array_insert_new(containers, 0,
					      json_pack("{s:s,s:s}", "name", "sidecar", "image", "proxy:1"));
	}
	return copy;
}

static void default_all(json_t *list)
{
	size_t i;
	json_t *o;

	json_array_foreach(list, i, o) admission_defaults(o);
}

/* Where the author has a volume of their own at /app/secrets, a container without it is refused. */
static bool shares_mount(struct admission_case *c, const json_t *list)
{
	return strstr(dump(c->mem, list), RENDER_AUTHOR_VOLUME) != NULL;
}

const char *admission_law(struct admission_case *c, const struct batch *batch)
{
	json_t *list = objects_of(c, batch), *compiled = NULL, *again = NULL, *more;
	const char *fault, *variant = "as it is";

	mount_code(c, list);
	fault = check_all(c, list, &compiled);
	if (!fault) {
		variant = "with the API server's defaults";
		default_all(list);
		json_decref(compiled);
		fault = check_all(c, list, &compiled);
	}
	if (!fault && !shares_mount(c, list)) {
		variant = "compiled, with one container more";
		more = with_sidecar(c, compiled);
		fault = check_all(c, more, &again);
		json_decref(more);
	}
	json_decref(list);
	json_decref(compiled);
	json_decref(again);
	return fault ? tc_printf(c->mem, "%s: %s", variant, fault) : NULL;
}

/* A ConfigMap's entry is the same text, whether the object was YAML or JSON. */
static const char *check_texts(struct admission_case *c, const struct batch *batch, const struct batch *output)
{
	json_t *list = objects_of(c, batch), *written = objects_of(c, output), *made;
	const char *fault = NULL;

	made = compile(c, list, &fault);
	for (size_t i = 0; i < json_array_size(made) && !fault; i++) {
		const json_t *o = json_array_get(made, i), *like = find_like(written, o);

		if (is_configmap(o) && !json_equal(json_object_get(o, "data"), json_object_get(like, "data")))
			fault = differs(c, o, like);
	}
	json_decref(list);
	json_decref(written);
	json_decref(made);
	return fault;
}

const char *property_admit(struct kase *k)
{
	struct admission_case c = {.mem = k->mem,
				   .platform = &k->platform,
				   .enclave = k->model.enclave_flag,
				   .rng = {.s = k->seed ^ 0xadadadad}};

	const char *fault = admission_law(&c, &k->batch);

	return fault ? fault : check_texts(&c, &k->batch, &k->output);
}
