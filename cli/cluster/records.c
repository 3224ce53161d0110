/* tentc status, list, resume, and enclave adopt: what the controller wrote down, shown and, where a person has to
 * decide, changed. */
#include "cli/cluster/records.h"

#include "cli/cluster/commands.h"
#include "cli/cluster/enclave.h"
#include "compiler/contract/identity.h"
#include "controller/controller.h"
#include "controller/look.h"

/* --- reading and writing ------------------------------------------------------------------------------------------ */

static int failed_with(struct tc_error *err, const struct tc_kube_error *failed, const char *what)
{
	*err = failed->error;
	return tc_wrap(err, "%s", what);
}

int tc_records_get(struct tc_session *s, struct tc_record *out, const char *enclave, const char *name,
		   struct tc_error *err)
{
	_cleanup_json_ json_t *object = NULL;
	struct tc_kube_error failed = {0};
	const char *path = tc_record_path(s->mem, s->run.config->controller_namespace, enclave, name);

	if (tc_kube_get(s->kube, &object, path, &failed) == 0)
		return tc_record_read(out, s->mem, object, err);
	if (failed.status == 404)
		return 1;
	(void)failed_with(err, &failed, "record");
	return -1;
}

static int by_name(const void *a, const void *b)
{
	const struct tc_record *x = a, *y = b;
	int c = strcmp(x->enclave, y->enclave);

	return c ? c : strcmp(x->name, y->name);
}

int tc_records_list(struct tc_session *s, struct tc_record **list, size_t *n, const char *enclave, struct tc_error *err)
{
	_cleanup_json_ json_t *items = NULL;
	struct tc_kube_error failed = {0};
	const char *version;
	json_t *object;
	size_t i;

	*n = 0;
	if (tc_kube_list(s->kube, &items, &version, s->mem,
			 tc_kube_path(s->mem, "/api/v1/namespaces/%s/configmaps?labelSelector=%s",
				      s->run.config->controller_namespace, TC_LABEL_RECORD),
			 &failed) < 0)
		return failed_with(err, &failed, "records");
	*list = tc_alloc(s->mem, (json_array_size(items) + 1) * sizeof(**list));
	json_array_foreach(items, i, object)
	{
		if (tc_record_read(&(*list)[*n], s->mem, object, err) < 0)
			return -1;
		if (!enclave || strcmp((*list)[*n].enclave, enclave) == 0)
			++*n;
	}
	qsort(*list, *n, sizeof(**list), by_name);
	return 0;
}

int tc_records_put(struct tc_session *s, const struct tc_record *r, struct tc_error *err)
{
	_cleanup_json_ json_t *object = tc_record_write(r, s->run.config->controller_namespace);
	struct tc_kube_error failed = {0};

	if (!object)
		tc_no_memory();
	if (tc_kube_replace(s->kube, NULL,
			    tc_record_path(s->mem, s->run.config->controller_namespace, r->enclave, r->name), object,
			    &failed) == 0)
		return 0;
	return failed_with(err, &failed, tc_printf(s->mem, "record of %s/%s", r->enclave, r->name));
}

/* The record as it stands in its ConfigMap. */
static json_t *json_of(const struct tc_session *s, const struct tc_record *r)
{
	_cleanup_json_ json_t *object = tc_record_write(r, s->run.config->controller_namespace);
	const char *text = json_string_value(json_object_get(json_object_get(object, "data"), "record.json"));
	json_t *record = text ? json_loads(text, 0, NULL) : NULL;

	if (!record)
		tc_no_memory();
	return record;
}

/* --- what is said ------------------------------------------------------------------------------------------------- */

static bool is_well(const struct tc_record *r)
{
	for (size_t i = 0; i < TC_CONDITION_COUNT; i++)
		if (r->conditions[i].set)
			return false;
	return r->phase == TC_PHASE_REGISTERED;
}

static const char *services_of(struct tc_session *s, const struct tc_record *r)
{
	const char *text = "";

	for (size_t i = 0; i < r->nservices; i++)
		text = r->services[i].phase == r->phase
			       ? tc_printf(s->mem, "%s%s%s", text, i ? ", " : "", r->services[i].service)
			       : tc_printf(s->mem, "%s%s%s (%s)", text, i ? ", " : "", r->services[i].service,
					   tc_phase_name(r->services[i].phase));
	return r->nservices ? text : "no service";
}

static void say_conditions(struct tc_session *s, const struct tc_record *r)
{
	for (size_t i = 0; i < TC_CONDITION_COUNT; i++)
		if (r->conditions[i].set)
			tc_session_row(s, "", "%s: %s", tc_condition_name((enum tc_condition_type)i),
				       r->conditions[i].why);
}

static int status_of(struct tc_session *s, const char *enclave, const char *name, struct tc_error *err)
{
	_cleanup_json_ json_t *root = NULL;
	struct tc_record r;
	int rc = tc_records_get(s, &r, enclave, name, err);

	if (rc < 0)
		return -1;
	if (rc > 0)
		return tc_fail(
			err, TC_E_DIFFERS,
			"there is no record of %s/%s in namespace %s: nothing was ever registered for it; kubectl "
			"describe the workload tells what the webhook said",
			enclave, name, s->run.config->controller_namespace);
	tc_session_head(s, "%s/%s", enclave, name);
	tc_session_row(s, "phase", "%s", tc_phase_name(r.phase));
	tc_session_row(s, "workload", "%s", r.kind);
	tc_session_row(s, "epoch", "%u", r.epoch);
	for (size_t i = 0; i < r.nservices; i++)
		tc_session_row(s, r.services[i].service, "%s", tc_phase_name(r.services[i].phase));
	say_conditions(s, &r);
	root = json_of(s, &r);
	if (tc_session_print(s, root, err) < 0)
		return -1;
	return is_well(&r) ? 0 : TC_E_DIFFERS;
}

/* Data without a workload: what an undeployed tentacle left behind. */
static bool is_orphan(const struct tc_record *r)
{
	return r->phase == TC_PHASE_RETAINED || r->phase == TC_PHASE_GONE;
}

static int list_all(struct tc_session *s, bool orphans, struct tc_error *err)
{
	_cleanup_json_ json_t *root = json_object();
	json_t *list = json_array();
	struct tc_record *records;
	size_t n, shown = 0;

	json_object_set_new(root, "tentacles", list);
	if (tc_records_list(s, &records, &n, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct tc_record *r = &records[i];

		if (orphans && !is_orphan(r))
			continue;
		shown++;
		tc_session_head(s, "%s/%s  %s  %s", r->enclave, r->name, tc_phase_name(r->phase), services_of(s, r));
		say_conditions(s, r);
		json_array_append_new(list, json_of(s, r));
	}
	json_object_set_new(root, "tentacle_count", json_integer((json_int_t)shown));
	if (!shown)
		tc_session_head(s, orphans ? "no orphans" : "no tentacles");
	return tc_session_print(s, root, err);
}

static int resume(struct tc_session *s, struct tc_error *err)
{
	_cleanup_json_ json_t *root = NULL;
	struct tc_kube_error failed = {0};
	const char *path = tc_kube_path(s->mem, "/api/v1/namespaces/%s/configmaps/%s",
					s->run.config->controller_namespace, TC_REMOVALS_HELD);
	bool held = tc_kube_get(s->kube, NULL, path, &failed) == 0;

	if (!held && failed.status != 404)
		return failed_with(err, &failed, "removals");
	if (held && tc_kube_delete(s->kube, path, NULL, &failed) < 0)
		return failed_with(err, &failed, "removals");
	tc_session_head(s, held ? "removals go on" : "nothing is held");
	root = json_pack("{s:b}", "resumed", held);
	return tc_session_print(s, root, err);
}

/* --- the commands ------------------------------------------------------------------------------------------------- */

struct options {
	const char *config, *kubeconfig, *format;
};

static int with_session(const struct tc_cli *cli, const struct options *o,
			int (*run)(struct tc_session *s, const struct tc_args *args, struct tc_error *err),
			const struct tc_args *args, struct tc_error *err)
{
	struct tc_session_options options = {.run = {.config = o->config},
					     .kubeconfig = o->kubeconfig,
					     .format = o->format};
	struct tc_session s;
	int rc = tc_session_init(&s, cli, &options, err);

	if (rc == 0)
		rc = tc_session_read(&s);
	if (rc == 0)
		rc = tc_session_connect(&s, err);
	if (rc == 0)
		rc = run(&s, args, err);
	tc_session_end(&s);
	return rc;
}

static int run_status(struct tc_session *s, const struct tc_args *args, struct tc_error *err)
{
	const char *who = args->operands[0], *slash = strchr(who, '/');

	if (!slash || slash == who || !slash[1])
		return tc_fail(err, TC_E_USAGE, "\"%s\" is no ENCLAVE/NAME, such as shop/web", who);
	return status_of(s, tc_strndup(s->mem, who, (size_t)(slash - who)), slash + 1, err);
}

static int run_list(struct tc_session *s, const struct tc_args *args, struct tc_error *err)
{
	return list_all(s, args->value[TC_LIST_ORPHANS] != NULL, err);
}

static int run_resume(struct tc_session *s, const struct tc_args *args, struct tc_error *err)
{
	(void)args;
	return resume(s, err);
}

int tc_status(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	struct options o = {.config = args->value[TC_STATUS_CONFIG],
			    .kubeconfig = args->value[TC_STATUS_KUBECONFIG],
			    .format = args->value[TC_STATUS_FORMAT]};

	return with_session(cli, &o, run_status, args, err);
}

int tc_list_records(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	struct options o = {.config = args->value[TC_LIST_CONFIG],
			    .kubeconfig = args->value[TC_LIST_KUBECONFIG],
			    .format = args->value[TC_LIST_FORMAT]};

	return with_session(cli, &o, run_list, args, err);
}

int tc_resume(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	struct options o = {.config = args->value[TC_STATUS_CONFIG],
			    .kubeconfig = args->value[TC_STATUS_KUBECONFIG],
			    .format = args->value[TC_STATUS_FORMAT]};

	return with_session(cli, &o, run_resume, args, err);
}

/* --- adopt -------------------------------------------------------------------------------------------------------- */

int tc_enclave_adopt(struct tc_enclave_run *e, struct tc_error *err)
{
	struct tc_session *s = e->s;
	const char *enclave = e->name;
	bool dry_run = e->dry_run;
	_cleanup_json_ json_t *root = json_object();
	json_t *adopted = json_array();
	struct tc_enclave_namespace there;
	struct tc_record *records;
	size_t n;

	if (!s->kube)
		return tc_fail(err, TC_E_USAGE, "\"--no-cluster\" leaves nothing to adopt: records are in the cluster");
	json_object_set_new(root, "enclave", json_string(enclave));
	json_object_set_new(root, "dry_run", json_boolean(dry_run));
	json_object_set_new(root, "adopted", adopted);
	if (tc_enclave_look(s, enclave, &there, err) < 0 || tc_records_list(s, &records, &n, enclave, err) < 0)
		return -1;
	if (!there.exists || !there.uid)
		return tc_fail(err, TC_E_REJECTED, "there is no namespace \"%s\": nobody could adopt", enclave);
	tc_session_head(s, "%s", enclave);
	for (size_t i = 0; i < n; i++) {
		struct tc_record *r = &records[i];

		if (r->phase != TC_PHASE_RETAINED || strcmp(r->namespace_uid, there.uid) == 0)
			continue;
		r->namespace_uid = there.uid;
		r->least_epoch++; /* nobody of the former namespace knows a password of it */
		if (!dry_run && tc_records_put(s, r, err) < 0)
			return -1;
		tc_session_row(s, r->name, "%s: its workload needs tentacular.io/credential-epoch: \"%u\" at least",
			       dry_run ? "would be adopted" : "adopted", r->least_epoch);
		json_array_append_new(adopted, json_pack("{s:s,s:i}", "name", r->name, "epoch", (int)r->least_epoch));
	}
	if (!json_array_size(adopted))
		tc_session_row(s, "-", "nothing that another namespace left");
	return tc_session_print(s, root, err);
}
