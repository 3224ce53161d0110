#include "controller/look.h"

#include "compiler/transform/admit.h"
#include "compiler/transform/object.h"
#include "kube/status.h"

#define ANNOTATION_UNDEPLOY "tentacular.io/undeploy"

static const struct tc_workload_kind kinds[] = {
	{"Deployment", "apps/v1", "/apis/apps/v1", "deployments"},
	{"StatefulSet", "apps/v1", "/apis/apps/v1", "statefulsets"},
	{"DaemonSet", "apps/v1", "/apis/apps/v1", "daemonsets"},
	{"Job", "batch/v1", "/apis/batch/v1", "jobs"},
	{"CronJob", "batch/v1", "/apis/batch/v1", "cronjobs"},
	{"Pod", "v1", "/api/v1", "pods"},
};

const struct tc_workload_kind *tc_workload_kind(const char *kind)
{
	for (size_t i = 0; i < TC_COUNT(kinds); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			return &kinds[i];
	return NULL;
}

_Static_assert(TC_COUNT(kinds) == TC_WORKLOAD_KINDS, "a row for each kind");

const struct tc_workload_kind *tc_workload_kind_at(unsigned row)
{
	return &kinds[row];
}

unsigned tc_workload_row(const struct tc_workload_kind *kind)
{
	return (unsigned)(kind - kinds);
}

const char *tc_record_path(struct tc_arena *mem, const char *ns, const char *enclave, const char *name)
{
	return tc_kube_path(mem, "/api/v1/namespaces/%s/configmaps/%s", ns, tc_record_name(mem, enclave, name));
}

struct look {
	struct tc_looked *out;
	struct tc_kube *k;
	const struct tc_reconcile_conf *conf;
	const struct tc_reconcile_ask *ask;
	struct tc_arena *mem;
	json_t *workload; /* NULL: none */
	struct tc_source *sources[1 + 64];
	size_t nsources;
};

/* --- single objects ----------------------------------------------------------------------------------------------- */

/* TC_THERE_NO only for what the API server says plainly: 404 of an object, not of a resource that it does not serve. */
static int get(struct look *l, json_t **object, const char *path, struct tc_error *err)
{
	struct tc_kube_error failed = {0};

	*object = NULL;
	if (tc_kube_get(l->k, object, path, &failed) == 0)
		return 0;
	if (failed.status == 404 && strcmp(failed.reason, "NotFound") == 0)
		return 0;
	*err = failed.error;
	return -1;
}

static const char *copy(struct look *l, const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? tc_strdup(l->mem, text) : "";
}

static int look_record(struct look *l, struct tc_error *err)
{
	_cleanup_json_ json_t *object = NULL;

	if (get(l, &object, tc_record_path(l->mem, l->conf->ns, l->ask->enclave, l->ask->name), err) < 0)
		return -1;
	if (!object)
		return 0;
	if (tc_record_read(&l->out->record, l->mem, object, err) < 0)
		return -1;
	l->out->view.record = &l->out->record;
	return 0;
}

static int look_namespace(struct look *l, struct tc_error *err)
{
	_cleanup_json_ json_t *object = NULL;
	struct tc_view *v = &l->out->view;
	const json_t *metadata;

	if (get(l, &object, tc_kube_path(l->mem, "/api/v1/namespaces/%s", l->ask->enclave), err) < 0)
		return -1;
	metadata = json_object_get(object, "metadata");
	v->namespace = object ? TC_THERE_YES : TC_THERE_NO;
	v->namespace_uid = copy(l, metadata, "uid");
	v->enclave = json_object_get(json_object_get(metadata, "labels"), TC_LABEL_ENCLAVE) != NULL;
	return 0;
}

bool tc_is_owned(const json_t *object)
{
	size_t i;
	json_t *owner;

	json_array_foreach(json_object_get(json_object_get(object, "metadata"), "ownerReferences"), i, owner)
	{
		if (json_is_true(json_object_get(owner, "controller")))
			return true;
	}
	return false;
}

static int get_workload(struct look *l, json_t **object, const struct tc_workload_kind *kind, struct tc_error *err)
{
	const char *path =
		tc_printf(l->mem, "%s%s", kind->root,
			  tc_kube_path(l->mem, "/namespaces/%s/%s/%s", l->ask->enclave, kind->resource, l->ask->name));

	if (get(l, object, path, err) < 0)
		return -1;
	if (!*object || !tc_is_owned(*object))
		return 0;
	json_decref(*object);
	*object = NULL;
	return 0;
}

/* The one of the record's kind goes first; one of another kind is its rival for as long as that lives. */
static int look_workload(struct look *l, struct tc_error *err)
{
	const struct tc_record *r = l->out->view.record;
	const struct tc_workload_kind *own = r ? tc_workload_kind(r->kind) : NULL;
	const struct tc_workload_kind *seen = l->ask->kind ? tc_workload_kind(l->ask->kind) : NULL;
	_cleanup_json_ json_t *first = NULL;

	if (own && get_workload(l, &first, own, err) < 0)
		return -1;
	if (seen && seen != own) {
		if (get_workload(l, &l->workload, seen, err) < 0)
			return -1;
		l->out->view.rival = first && l->workload && r->phase != TC_PHASE_DESTROYED;
	}
	if (!l->workload) {
		l->workload = first;
		first = NULL;
		seen = own;
	}
	if (l->workload) {
		l->out->view.api_version = seen->api_version;
		l->out->view.kind = seen->kind;
	}
	return 0;
}

/* --- its contract ------------------------------------------------------------------------------------------------- */

static bool has_configmap(const json_t *volume, const char *name)
{
	const char *is = json_string_value(json_object_get(json_object_get(volume, "configMap"), "name"));

	return is && strcmp(is, name) == 0;
}

/* Is it the ConfigMap of its code: mounted, named so, or naming the workload? The stage then decides which contract is
 * whose, as it does offline. */
static bool is_mounted(const struct look *l, const char *name)
{
	const char *const cron[] = {"spec", "jobTemplate", "spec", "template", "spec"};
	const char *const pods[] = {"spec", "template", "spec"};
	bool is_cron = strcmp(l->out->view.kind, "CronJob") == 0, is_pod = strcmp(l->out->view.kind, "Pod") == 0;
	const char *const *path = is_cron ? cron : pods;
	size_t n = is_cron ? TC_COUNT(cron) : is_pod ? 1 : TC_COUNT(pods), i, j;
	const json_t *spec = l->workload;
	json_t *volume, *source;

	for (size_t at = 0; at < n; at++)
		spec = json_object_get(spec, path[at]);
	json_array_foreach(json_object_get(spec, "volumes"), i, volume)
	{
		if (has_configmap(volume, name))
			return true;
		json_array_foreach(json_object_get(json_object_get(volume, "projected"), "sources"), j, source)
		{
			if (has_configmap(source, name))
				return true;
		}
	}
	return false;
}

static bool concerns(struct look *l, const char *name, const char *workflow)
{
	const char *tentacle;

	if (strcmp(name, tc_printf(l->mem, "%s-code", l->ask->name)) == 0 || is_mounted(l, name))
		return true;
	tentacle = tc_admit_tentacle(l->mem, tc_str(workflow));
	return tentacle && strcmp(tentacle, l->ask->name) == 0;
}

static void add_source(struct look *l, json_t *object, const char *api_version, const char *kind, const char *name)
{
	struct tc_source *src = tc_alloc(l->mem, sizeof(*src));
	char *text;

	/* What a list holds does not say what it is. */
	json_object_set_new(object, "apiVersion", json_string(api_version));
	json_object_set_new(object, "kind", json_string(kind));
	text = json_dumps(object, JSON_COMPACT);
	if (!text)
		tc_no_memory();
	*src = (struct tc_source){.name = tc_printf(l->mem, "%s/%s", kind, name),
				  .text = tc_str(tc_strdup(l->mem, text)),
				  .order = (unsigned)l->nsources};
	free(text);
	l->sources[l->nsources++] = src;
}

static int add_configmaps(struct look *l, struct tc_error *err)
{
	_cleanup_json_ json_t *items = NULL;
	struct tc_kube_error failed = {0};
	const char *version;
	json_t *object;
	size_t i;

	if (tc_kube_list(l->k, &items, &version, l->mem,
			 tc_kube_path(l->mem, "/api/v1/namespaces/%s/configmaps", l->ask->enclave), &failed) < 0) {
		*err = failed.error;
		return -1;
	}
	json_array_foreach(items, i, object)
	{
		const char *name = json_string_value(json_object_get(json_object_get(object, "metadata"), "name"));
		const char *workflow = json_string_value(
			json_object_get(json_object_get(object, "data"), l->conf->config->contract_key));

		if (name && workflow && l->nsources < TC_COUNT(l->sources) && concerns(l, name, workflow))
			add_source(l, object, "v1", "ConfigMap", name);
	}
	return 0;
}

static int compile(struct look *l, struct tc_error *err)
{
	static const struct tc_limits limits = TC_LIMITS_REQUEST;
	struct tc_diags diags = {.mem = l->mem};
	struct tc_stage stage = {
		.config = l->conf->config,
		.enclave = l->ask->enclave,
		.keys = l->conf->keys,
		.limits = &limits,
		.config_hash = l->conf->config_hash,
		.wants = true,
	};
	struct tc_result *result;

	if (tc_compile(&result, l->mem, (const struct tc_source *const *)l->sources, l->nsources, &stage, &diags, err) <
	    0)
		return -1;
	if (diags.errors) {
		for (size_t i = 0; !l->out->view.invalid; i++)
			if (diags.list[i]->severity == TC_ERROR)
				l->out->view.invalid = diags.list[i]->text;
		return 0;
	}
	for (size_t i = 0; i < result->nwants; i++)
		if (strcmp(result->wants[i].name, l->ask->name) == 0 && result->wants[i].compiled)
			l->out->want = &result->wants[i];
	return 0;
}

/* One without a contract is no tentacle: to us it is not there. */
static int look_contract(struct look *l, struct tc_error *err)
{
	struct tc_view *v = &l->out->view;
	const json_t *metadata = json_object_get(l->workload, "metadata");
	const char *undeploy;

	v->workload = TC_THERE_NO;
	if (!l->workload)
		return 0;
	v->uid = copy(l, metadata, "uid");
	undeploy = json_string_value(json_object_get(json_object_get(metadata, "annotations"), ANNOTATION_UNDEPLOY));
	v->destroy = undeploy && strcmp(undeploy, "destroy") == 0;
	add_source(l, l->workload, v->api_version, v->kind, l->ask->name);
	if (add_configmaps(l, err) < 0 || compile(l, err) < 0)
		return -1;
	if (l->out->want) {
		v->hash = l->out->want->compiled;
		v->epoch = l->out->want->epoch;
	}
	if (l->out->want || v->invalid)
		v->workload = TC_THERE_YES;
	return 0;
}

int tc_look(struct tc_looked *out, struct tc_kube *k, const struct tc_reconcile_conf *conf,
	    const struct tc_reconcile_ask *ask, struct tc_arena *mem, struct tc_error *err)
{
	struct look l = {.out = out, .k = k, .conf = conf, .ask = ask, .mem = mem};
	int rc;

	*out = (struct tc_looked){0};
	rc = look_record(&l, err) < 0 || look_namespace(&l, err) < 0 || look_workload(&l, err) < 0 ||
			     look_contract(&l, err) < 0
		     ? -1
		     : 0;
	json_decref(l.workload);
	return rc;
}
