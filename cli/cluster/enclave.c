#include "cli/cluster/enclave.h"

#include "cli/cluster/commands.h"
#include "compiler/contract/identity.h"
#include "controller/secret.h"

/* --- provision -------------------------------------------------------------------------------------------------------
 */

/* Steps begin with "<service>: create " where something is made. */
static void note_created(json_t *created, const json_t *steps)
{
	size_t i;
	json_t *step;

	json_array_foreach((json_t *)(uintptr_t)steps, i, step)
	{
		const char *text = json_string_value(step);

		if (text && strstr(text, ": create "))
			tc_json_push(created, text);
	}
}

static enum tc_code provision_service(struct tc_enclave_run *e, const struct tc_service_config *service, json_t *list,
				      json_t *created)
{
	struct tc_session *s = e->s;
	_cleanup_json_ json_t *steps = json_array();
	struct tc_want want = {.enclave = e->name, .name = ""};
	struct tc_outcome o = {.service = service, .done = true};
	const char *detail = "would be made ready where it is not";

	if (!e->dry_run) {
		s->steps = steps;
		tc_crew_do(s->crew, TC_ACT_ENCLAVE_APPLY, service, &want, &o, s->mem);
		s->steps = NULL;
		detail = o.steps ? "made ready" : "is ready";
		note_created(created, steps);
	}
	tc_session_row(s, service->service->key, "%s", o.done ? detail : tc_outcome_error(&o));
	tc_session_service(list, &o, detail);
	return o.done ? TC_E_NONE : o.err.code;
}

static int provision(struct tc_enclave_run *e, struct tc_error *err)
{
	struct tc_session *s = e->s;
	_cleanup_json_ json_t *root = json_pack("{s:s,s:b}", "enclave", e->name, "dry_run", e->dry_run);
	json_t *services = json_array(), *created = json_array();
	struct tc_error cluster = {0};
	enum tc_code code = TC_E_NONE;

	json_object_set_new(root, "exo_services", services);
	json_object_set_new(root, "resources_created", created);
	tc_session_head(s, "%s", e->name);
	if (s->kube && tc_enclave_make(e, created, &cluster) < 0) {
		code = cluster.code;
		tc_session_row(s, "cluster", "%s", cluster.msg);
		json_object_set_new(root, "cluster", tc_json_text(cluster.msg));
	}
	for (size_t i = 0; i < s->run.config->nservices; i++) {
		const struct tc_service_config *service = &s->run.config->services[i];

		if (service->enabled && tc_is_baseline(service))
			code = tc_code_worse(code, provision_service(e, service, services, created));
	}
	if (tc_session_print(s, root, err) < 0)
		return -1;
	tc_session_advise(code);
	return (int)code;
}

/* --- deprovision -----------------------------------------------------------------------------------------------------
 */

struct losses {
	uint64_t items[TC_SERVICES_MAX], bytes[TC_SERVICES_MAX];
	size_t tentacles[TC_SERVICES_MAX];
};

static void add(uint64_t *sum, uint64_t n)
{
	*sum = *sum == UINT64_MAX || n == UINT64_MAX ? UINT64_MAX : *sum + n;
}

static void count_losses(struct tc_enclave_run *e, const struct tc_roster *r, struct losses *out)
{
	*out = (struct losses){0};
	for (size_t i = 0; i < r->count; i++) {
		const struct tc_resident *who = &r->list[i];
		struct tc_want want = {.enclave = who->enclave, .name = who->name};
		struct tc_outcome o;
		bool seen =
			tc_crew_do(e->s->crew, TC_ACT_OBSERVE, r->services[who->service].service, &want, &o, e->s->mem);

		out->tentacles[who->service]++;
		add(&out->items[who->service], seen ? o.seen.items : UINT64_MAX);
		add(&out->bytes[who->service], seen ? o.seen.bytes : UINT64_MAX);
	}
}

static int confirm(struct tc_enclave_run *e, const struct tc_roster *r, struct tc_error *err)
{
	struct losses losses;

	count_losses(e, r, &losses);
	tc_say("enclave %s loses, for ever:", e->name);
	for (size_t i = 0; i < e->s->run.config->nservices; i++)
		if (r->asked[i])
			tc_say("  %-9s %s of %zu tentacle%s", r->services[i].service->service->key,
			       tc_amount(e->s->mem, r->services[i].service, losses.items[i], losses.bytes[i]),
			       losses.tentacles[i], losses.tentacles[i] == 1 ? "" : "s");
	return e->yes ? 0 : tc_session_confirm("--force", e->name, err);
}

/* The worst of it goes to the service's own outcome, so that its line says the first failure. */
static void remove_tentacles(struct tc_enclave_run *e, struct tc_roster *r, json_t *steps)
{
	struct tc_session *s = e->s;

	for (size_t i = 0; i < r->count; i++) {
		const struct tc_resident *who = &r->list[i];
		struct tc_outcome *all = &r->services[who->service], o;
		struct tc_want want = {.enclave = who->enclave, .name = who->name};

		if (who->state == TC_STATE_RETAINED && !e->force)
			continue;
		if (e->dry_run) {
			tc_session_row(s, all->service->service->key, "%s would be %s", who->name,
				       e->force ? "destroyed" : "retained");
			continue;
		}
		s->steps = steps;
		tc_crew_do(s->crew, e->force ? TC_ACT_DESTROY : TC_ACT_RETAIN, all->service, &want, &o, s->mem);
		s->steps = NULL;
		if (o.done)
			continue;
		r->code = tc_code_worse(r->code, o.err.code);
		if (all->done)
			*all = o;
	}
}

static void remove_secrets(struct tc_enclave_run *e, struct tc_roster *r)
{
	struct tc_error err = {0};

	for (size_t i = 0; e->s->kube && !e->dry_run && i < r->count; i = tc_roster_end(r, i)) {
		if (tc_secrets_delete(e->s->kube, e->s->mem, e->name, r->list[i].name, &err) == 0)
			continue;
		r->code = tc_code_worse(r->code, err.code);
		tc_session_row(e->s, "secret", "%s", err.msg);
		return;
	}
}

/* Database, bucket, group and account. */
static void remove_ground(struct tc_enclave_run *e, struct tc_roster *r, json_t *steps)
{
	struct tc_session *s = e->s;

	for (size_t i = 0; i < s->run.config->nservices; i++) {
		struct tc_want want = {.enclave = e->name, .name = ""};
		struct tc_outcome o;

		if (!r->asked[i] || !r->services[i].done)
			continue;
		s->steps = steps;
		tc_crew_do(s->crew, TC_ACT_ENCLAVE_DESTROY, r->services[i].service, &want, &o, s->mem);
		s->steps = NULL;
		if (o.done)
			continue;
		r->code = tc_code_worse(r->code, o.err.code);
		r->services[i] = o;
	}
}

static void remove_namespace(struct tc_enclave_run *e, struct tc_roster *r)
{
	struct tc_error err = {0};
	bool deleted;

	if (r->code != TC_E_NONE) {
		tc_session_row(e->s, "cluster", "namespace %s stays, since not all is gone", e->name);
		return;
	}
	if (tc_enclave_delete(e, &deleted, &err) == 0)
		return;
	r->code = err.code;
	tc_session_row(e->s, "cluster", "%s", err.msg);
}

static int deprovision(struct tc_enclave_run *e, struct tc_error *err)
{
	struct tc_session *s = e->s;
	_cleanup_json_ json_t *root =
		json_pack("{s:s,s:b,s:b}", "enclave", e->name, "force", e->force, "dry_run", e->dry_run);
	json_t *steps = json_array();
	struct tc_roster roster;

	json_object_set_new(root, "steps", steps);
	tc_roster_read(&roster, s, e->name);
	if (e->force && !e->dry_run && confirm(e, &roster, err) < 0)
		return -1;
	tc_session_head(s, "%s", e->name);
	json_object_set_new(root, "tentacle_count", json_integer((json_int_t)tc_roster_tentacles(&roster)));
	remove_secrets(e, &roster);
	remove_tentacles(e, &roster, steps);
	if (e->force && !e->dry_run)
		remove_ground(e, &roster, steps);
	if (e->force && s->kube)
		remove_namespace(e, &roster);
	json_object_set_new(root, "exo_services",
			    tc_roster_services(&roster, s,
					       e->force     ? e->dry_run ? " would be destroyed" : " destroyed"
					       : e->dry_run ? " would be retained"
							    : " retained"));
	json_object_set_new(root, "deleted", json_boolean(e->force && !e->dry_run && roster.code == TC_E_NONE));
	if (tc_session_print(s, root, err) < 0)
		return -1;
	tc_session_advise(roster.code);
	return (int)roster.code;
}

/* --- the verbs -------------------------------------------------------------------------------------------------------
 */

static const struct verb {
	const char *name;
	bool one; /* it is about one enclave */
	bool changes, destroys;
	int (*run)(struct tc_enclave_run *e, struct tc_error *err);
} verbs[] = {
	{"provision", true, true, false, provision},    {"info", true, false, false, tc_enclave_info},
	{"list", false, false, false, tc_enclave_list}, {"adopt", true, true, false, tc_enclave_adopt},
	{"deprovision", true, true, true, deprovision},
};

static int check(struct tc_session *s, const struct verb *v, const struct tc_args *args, struct tc_error *err)
{
	const struct {
		int number;
		const char *name;
		bool allowed;
	} some[] = {
		{TC_ENCLAVE_FORCE, "force", v->destroys},
		{TC_ENCLAVE_YES, "yes", v->destroys},
		{TC_ENCLAVE_DRY_RUN, "dry-run", v->changes},
	};
	const char *name = args->noperands > 1 ? args->operands[1] : NULL, *fault;

	for (size_t i = 0; i < TC_COUNT(some); i++)
		if (args->value[some[i].number] && !some[i].allowed)
			return tc_fail(err, TC_E_USAGE, "option \"--%s\" is not for tentc enclave %s", some[i].name,
				       v->name);
	if (v->one != (name != NULL))
		return tc_fail(err, TC_E_USAGE,
			       v->one ? "say which: tentc enclave %s NAME" : "tentc enclave %s takes no name", v->name);
	fault = name ? tc_label_fault(s->mem, tc_str(name)) : NULL;
	return fault ? tc_fail(err, TC_E_USAGE, "the enclave %s %s", tc_quote(s->mem, tc_str(name)), fault) : 0;
}

static int run(struct tc_session *s, const struct verb *v, const struct tc_args *args, struct tc_error *err)
{
	struct tc_enclave_run e = {
		.s = s,
		.name = args->noperands > 1 ? args->operands[1] : NULL,
		.force = args->value[TC_ENCLAVE_FORCE] != NULL,
		.yes = args->value[TC_ENCLAVE_YES] != NULL,
		.dry_run = args->value[TC_ENCLAVE_DRY_RUN] != NULL,
	};
	int rc;

	if (check(s, v, args, err) < 0)
		return -1;
	rc = tc_session_read(s);
	if (rc != 0)
		return rc;
	return tc_session_connect(s, err) < 0 ? -1 : v->run(&e, err);
}

int tc_enclave(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	struct tc_session_options options = {
		.run = {.config = args->value[TC_ENCLAVE_CONFIG],
			.root_key_file = args->value[TC_ENCLAVE_ROOT_KEY_FILE]},
		.kubeconfig = args->value[TC_ENCLAVE_KUBECONFIG],
		.format = args->value[TC_ENCLAVE_FORMAT],
		.no_cluster = args->value[TC_ENCLAVE_NO_CLUSTER] != NULL,
	};
	const struct verb *v = NULL;
	struct tc_session s;
	int rc;

	for (size_t i = 0; i < TC_COUNT(verbs); i++)
		if (strcmp(args->operands[0], verbs[i].name) == 0)
			v = &verbs[i];
	if (!v)
		return tc_fail(err, TC_E_USAGE,
			       "tentc enclave %s is unknown, expected provision, info, list, adopt or deprovision",
			       args->operands[0]);
	rc = tc_session_init(&s, cli, &options, err);
	if (rc == 0)
		rc = run(&s, v, args, err);
	tc_session_end(&s);
	return rc;
}
