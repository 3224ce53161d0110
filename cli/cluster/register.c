#include "cli/cluster/commands.h"
#include "cli/cluster/fleet.h"
#include "cli/cluster/session.h"
#include "controller/netpol.h"
#include "controller/secret.h"

/* How the API server does, over all tentacles. */
struct cluster {
	unsigned failures;    /* in a row */
	struct tc_error down; /* code 0: it is not */
};

/* One tentacle's registration: what the JSON form says of it. */
struct registration {
	struct tc_session *s;
	struct tc_fleet *fleet;
	struct cluster *cluster;
	const struct tc_wanted *t;
	bool dry_run;
	json_t *services, *created, *steps; /* borrowed from the answer */
	enum tc_code code;                  /* the worst so far */
};

/* --- one service -----------------------------------------------------------------------------------------------------
 */

/* What was made for the tentacle where nothing was: the names that are its own. */
static void note_created(struct registration *r, const struct tc_service_config *service)
{
	struct tc_subject subject = {.mem = r->s->mem,
				     .config = r->s->run.config,
				     .service = service,
				     .enclave = r->t->enclave,
				     .name = r->t->name};

	for (const struct tc_value *row = service->service->values; row->name; row++) {
		const char *value = row->flags & TC_V_UNIQUE ? tc_value_of(&subject, row) : NULL;

		if (value)
			tc_json_push(r->created,
				     tc_printf(r->s->mem, "%s %s %s", service->service->key, row->name, value));
	}
}

static const char *planned(struct tc_session *s, const struct tc_observed *seen)
{
	switch (seen->state) {
	case TC_STATE_ABSENT:
		return "would be created";
	case TC_STATE_RETAINED:
		return "would be given back: its data is there";
	case TC_STATE_APPLIED:
		return "as it should be";
	case TC_STATE_DIFFERS:
		return tc_printf(s->mem, "would be put right: %s",
				 tc_sentences(s->mem, seen->differs, seen->ndiffers, "something differs"));
	case TC_STATE_FOREIGN:
		return tc_printf(s->mem, "would be refused: %s",
				 tc_sentences(s->mem, seen->differs, seen->ndiffers, "it is not ours"));
	}
	return ""; /* unreachable: every state has its case */
}

static const char *happened(struct tc_session *s, const struct tc_observed *seen, size_t steps)
{
	if (seen->state == TC_STATE_ABSENT)
		return "created";
	if (seen->state == TC_STATE_RETAINED)
		return "given back: its data is there";
	if (!steps)
		return "unchanged";
	return tc_printf(s->mem, "put right: %s",
			 tc_sentences(s->mem, seen->differs, seen->ndiffers, "its login did not work"));
}

static void tell_plan(struct registration *r, const struct tc_outcome *seen)
{
	const char *detail = planned(r->s, &seen->seen);

	if (!seen->done)
		r->code = tc_code_worse(r->code, seen->err.code);
	else if (seen->seen.state == TC_STATE_FOREIGN)
		r->code = tc_code_worse(r->code, TC_E_REJECTED);
	tc_session_row(r->s, seen->service->service->key, "%s", seen->done ? detail : tc_outcome_error(seen));
	tc_session_service(r->services, seen, detail);
}

static void tell_made(struct registration *r, const struct tc_settled *settled)
{
	const struct tc_outcome *made = &settled->made;
	const char *detail = happened(r->s, &settled->seen.seen, made->steps);

	if (!made->done)
		r->code = tc_code_worse(r->code, made->err.code);
	else if (settled->seen.seen.state == TC_STATE_ABSENT)
		note_created(r, made->service);
	tc_session_row(r->s, made->service->service->key, "%s", made->done ? detail : tc_outcome_error(made));
	tc_session_service(r->services, made, detail);
}

static void register_service(struct registration *r, size_t tentacle, size_t nth)
{
	struct tc_session *s = r->s;
	const struct tc_settled *settled;
	const char *what;

	s->steps = r->steps;
	while (tc_fleet_step(r->fleet, tentacle, nth, &what))
		tc_session_step(s, r->t->services[nth].config->service->key, what);
	s->steps = NULL;
	settled = tc_fleet_settled(r->fleet, tentacle, nth);
	if (settled->tried)
		tell_made(r, settled);
	else
		tell_plan(r, &settled->seen);
}

/* --- the cluster -----------------------------------------------------------------------------------------------------
 */

/* So often in a row, and the API server is not waited for again. */
#define PATIENCE 3

/* What becomes of an object for which nothing can be done; NULL: it can. */
static const char *hindered(const struct registration *r, const char *without_cluster)
{
	if (!r->s->kube)
		return without_cluster;
	return r->code != TC_E_NONE ? "not applied: not all of its services are ready" : NULL;
}

static int keep_trying(struct registration *r, int rc, const struct tc_error *err)
{
	if (rc == 0 || err->code != TC_E_RETRY)
		r->cluster->failures = 0;
	else if (++r->cluster->failures >= PATIENCE)
		tc_fail(&r->cluster->down, TC_E_RETRY, "the API server failed %d times in a row, last with: %s",
			PATIENCE, err->msg);
	return rc;
}

/* -1: what came of it is in *err. */
static int reach(const struct registration *r, struct tc_error *err)
{
	if (r->cluster->down.code == TC_E_NONE)
		return 0;
	*err = r->cluster->down;
	return -1;
}

/* Before the Secret, so that a pod that starts may reach what it was given. */
static int register_policy(struct registration *r, struct tc_error *err)
{
	struct tc_session *s = r->s;
	const char *why = hindered(r, "not applied: no cluster; tentc compile prints it");
	struct tc_netpol policy;
	int rc;

	tc_netpol_of(&policy, r->t);
	if (!policy.name)
		return 0;
	if (why) {
		tc_session_row(s, "network", "%s: %s", policy.name, why);
		return 0;
	}
	rc = reach(r, err);
	if (rc == 0)
		rc = keep_trying(r, tc_netpol_apply(s->kube, s->mem, r->t, r->dry_run, &policy, err), err);
	if (rc < 0)
		r->code = tc_code_worse(r->code, err->code);
	if (policy.step)
		tc_json_push(r->steps, tc_printf(s->mem, "network: %s", policy.step));
	tc_session_row(s, "network", "%s: %s", policy.name, rc < 0 ? err->msg : policy.detail);
	return rc;
}

static const char *secret_name(const struct tc_wanted *t)
{
	for (size_t i = 0; i < t->nobjects; i++)
		if (strcmp(t->objects[i].kind, "Secret") == 0)
			return t->objects[i].name;
	return NULL;
}

static void note_secret(struct registration *r, json_t *answer, const char *name, bool applied, const char *detail)
{
	if (!name)
		return;
	tc_session_row(r->s, "secret", "%s: %s", name, detail);
	json_object_set_new(answer, "secret",
			    json_pack("{s:s,s:b,s:o}", "name", name, "applied", applied, "detail",
				      tc_json_text(detail)));
}

/* Last, so that a pod that waits for it starts with credentials that work. */
static void register_secret(struct registration *r, json_t *answer)
{
	struct tc_session *s = r->s;
	const char *name = secret_name(r->t), *detail = "applied";
	const char *why = hindered(r, "not applied: no cluster; tentc compile --root-key-file prints it");
	struct tc_error err = {0};
	int rc;

	if (why) {
		note_secret(r, answer, name, false, why);
		return;
	}
	rc = reach(r, &err);
	if (rc == 0)
		rc = keep_trying(r,
				 r->dry_run ? tc_secret_compare(s->kube, s->mem, r->t, &name, &detail, &err)
					    : tc_secret_apply(s->kube, s->mem, r->t, &name, &err),
				 &err);
	if (rc < 0)
		r->code = tc_code_worse(r->code, err.code);
	note_secret(r, answer, name, rc == 0 && !r->dry_run, rc < 0 ? err.msg : detail);
}

static void register_objects(struct registration *r, json_t *answer)
{
	struct tc_error err = {0};

	if (register_policy(r, &err) == 0)
		register_secret(r, answer);
	else
		note_secret(r, answer, secret_name(r->t), false, tc_printf(r->s->mem, "not applied: %s", err.msg));
}

/* --- all of it -------------------------------------------------------------------------------------------------------
 */

static json_t *new_list(json_t *object, const char *key)
{
	json_t *list = json_array();

	json_object_set_new(object, key, list);
	return list;
}

static enum tc_code register_tentacle(struct registration *r, json_t *list, size_t nth)
{
	const struct tc_wanted *t = r->t;
	json_t *answer = json_pack("{s:s,s:s,s:i}", "enclave", t->enclave, "name", t->name, "epoch", (int)t->epoch);

	json_array_append_new(list, answer);
	r->services = new_list(answer, "exo_services");
	r->created = new_list(answer, "resources_created");
	r->steps = new_list(answer, "steps");
	tc_session_head(r->s, "%s/%s", t->enclave, t->name);
	for (size_t i = 0; i < t->nservices; i++)
		register_service(r, nth, i);
	if (!t->nservices)
		tc_session_row(r->s, "-", "its contract asks for no service");
	register_objects(r, answer);
	return r->code;
}

static int register_all(struct tc_session *s, bool dry_run, struct tc_error *err)
{
	const struct tc_result *result = s->run.result;
	_cleanup_json_ json_t *root = json_object();
	json_t *list = new_list(root, "tentacles");
	enum tc_code code = TC_E_NONE;
	struct cluster cluster = {0};
	_cleanup_(tc_fleet_free) struct tc_fleet *fleet = tc_fleet_start(&(struct tc_fleet_conf){
		.crew = tc_session_crew(s), .wants = result->wants, .nwants = result->nwants, .plan = dry_run});

	json_object_set_new(root, "dry_run", json_boolean(dry_run));
	json_object_set_new(root, "tentacle_count", json_integer((json_int_t)result->nwants));
	for (size_t i = 0; i < result->nwants; i++) {
		struct registration r = {
			.s = s, .fleet = fleet, .cluster = &cluster, .t = &result->wants[i], .dry_run = dry_run};

		code = tc_code_worse(code, register_tentacle(&r, list, i));
	}
	if (tc_session_print(s, root, err) < 0)
		return -1;
	tc_session_advise(code);
	return (int)code;
}

static bool needs_keys(const struct tc_result *result)
{
	for (size_t i = 0; i < result->nwants; i++)
		if (result->wants[i].nservices)
			return true;
	return false;
}

static int run(struct tc_session *s, const struct tc_args *args, struct tc_error *err)
{
	bool dry_run = args->value[TC_REGISTER_DRY_RUN] != NULL;
	int rc;

	if (tc_run_stage(&s->run, args, err) < 0)
		return -1;
	rc = tc_run_report(&s->run, s->colour, "; nothing was registered");
	if (rc != 0)
		return rc;
	if (!s->run.keys && needs_keys(s->run.result))
		return tc_fail(err, TC_E_USAGE,
			       "credentials are derived from a root key, and none is given; give --root-key-file FILE: "
			       "tentc keygen -o FILE makes one");
	if (tc_session_connect(s, err) < 0)
		return -1;
	return register_all(s, dry_run, err);
}

int tc_register(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	struct tc_session_options options = {
		.run = {.config = args->value[TC_REGISTER_CONFIG],
			.enclave = args->value[TC_REGISTER_ENCLAVE],
			.root_key_file = args->value[TC_REGISTER_ROOT_KEY_FILE],
			.wants = true},
		.kubeconfig = args->value[TC_REGISTER_KUBECONFIG],
		.format = args->value[TC_REGISTER_FORMAT],
		.no_cluster = args->value[TC_REGISTER_NO_CLUSTER] != NULL,
	};
	struct tc_session s;
	int rc = tc_session_init(&s, cli, &options, err);

	if (rc == 0)
		rc = run(&s, args, err);
	tc_session_end(&s);
	return rc;
}
