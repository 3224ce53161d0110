#include "cli/cluster/commands.h"
#include "cli/cluster/session.h"
#include "compiler/contract/identity.h"
#include "controller/secret.h"

struct removal {
	struct tc_session *s;
	const char *enclave, *name;
	bool destroy, dry_run;
	struct tc_outcome seen[TC_SERVICES_MAX];
	bool skipped[TC_SERVICES_MAX];
	size_t nseen;
	enum tc_code code;
};

static struct tc_want want_of(const struct removal *r)
{
	return (struct tc_want){.enclave = r->enclave, .name = r->name};
}

/* Whether there is something to be done; what is not known is left alone. */
static bool is_there(const struct removal *r, size_t i)
{
	const struct tc_outcome *o = &r->seen[i];

	if (r->skipped[i] || !o->done || o->seen.state == TC_STATE_ABSENT || o->seen.state == TC_STATE_FOREIGN)
		return false;
	return r->destroy || o->seen.state != TC_STATE_RETAINED;
}

static int look(struct removal *r, const char *only, struct tc_error *err)
{
	const struct tc_config *config = r->s->run.config;
	struct tc_want want = want_of(r);

	for (size_t i = 0; i < config->nservices; i++) {
		const struct tc_service_config *service = &config->services[i];

		if (only ? strcmp(only, service->service->key) != 0 : !service->enabled)
			continue;
		r->skipped[r->nseen] = tc_session_skips(r->s, service);
		r->seen[r->nseen].service = service;
		if (!r->skipped[r->nseen])
			tc_crew_do(r->s->crew, TC_ACT_OBSERVE, service, &want, &r->seen[r->nseen], r->s->mem);
		r->nseen++;
	}
	if (only && !r->nseen)
		return tc_fail(err, TC_E_USAGE, "there is no service \"%s\"", only);
	return 0;
}

/* --- before ----------------------------------------------------------------------------------------------------------
 */

static void say_losses(const struct removal *r)
{
	bool any = false;

	for (size_t i = 0; i < r->nseen; i++) {
		const struct tc_observed *seen = &r->seen[i].seen;

		if (!is_there(r, i))
			continue;
		if (!any)
			tc_say("%s/%s loses, for ever:", r->enclave, r->name);
		any = true;
		tc_say("  %-9s %s", r->seen[i].service->service->key,
		       tc_amount(r->s->mem, r->seen[i].service, seen->items, seen->bytes));
	}
}

static bool anything(const struct removal *r)
{
	for (size_t i = 0; i < r->nseen; i++)
		if (is_there(r, i))
			return true;
	return false;
}

/* --- it --------------------------------------------------------------------------------------------------------------
 */

static const char *unchanged(const struct removal *r, size_t i)
{
	switch (r->seen[i].seen.state) {
	case TC_STATE_ABSENT:
		return "nothing is there";
	case TC_STATE_RETAINED:
		return "retained already, its data is kept";
	case TC_STATE_FOREIGN:
		return tc_printf(r->s->mem, "left alone: %s",
				 tc_sentences(r->s->mem, r->seen[i].seen.differs, r->seen[i].seen.ndiffers,
					      "it is not ours"));
	case TC_STATE_APPLIED:
	case TC_STATE_DIFFERS:
		break;
	}
	return ""; /* unreachable: these are there */
}

static const char *changed(const struct removal *r, size_t i)
{
	const struct tc_outcome *o = &r->seen[i];
	const char *amount = tc_amount(r->s->mem, o->service, o->seen.items, o->seen.bytes);

	if (!o->service->host) /* nothing of it is data */
		return r->dry_run ? "would be removed" : "removed";
	if (r->destroy)
		return tc_printf(r->s->mem, "%s: %s", r->dry_run ? "would be destroyed" : "destroyed", amount);
	return tc_printf(r->s->mem, "%s: no access, %s kept", r->dry_run ? "would be retained" : "retained", amount);
}

static void remove_service(struct removal *r, size_t i, json_t *list, json_t *steps)
{
	struct tc_session *s = r->s;
	struct tc_outcome *seen = &r->seen[i], done = *seen;
	const char *key = seen->service->service->key, *detail;
	struct tc_want want = want_of(r);
	bool there = is_there(r, i);
	json_t *one;

	if (r->skipped[i]) {
		tc_session_row(s, key, "left alone: no cluster");
		return;
	}
	if (there && !r->dry_run) {
		s->steps = steps;
		tc_crew_do(s->crew, r->destroy ? TC_ACT_DESTROY : TC_ACT_RETAIN, seen->service, &want, &done, s->mem);
		s->steps = NULL;
	}
	detail = there ? changed(r, i) : seen->done ? unchanged(r, i) : "";
	if (!done.done)
		r->code = tc_code_worse(r->code, done.err.code);
	else if (seen->seen.state == TC_STATE_FOREIGN)
		r->code = tc_code_worse(r->code, TC_E_REJECTED);
	tc_session_row(s, key, "%s", done.done ? detail : tc_outcome_error(&done));
	one = tc_session_service(list, &done, detail);
	json_object_set_new(one, "deleted",
			    json_boolean(done.done && r->destroy && !r->dry_run &&
					 seen->seen.state != TC_STATE_FOREIGN));
	if (seen->done && seen->seen.items != UINT64_MAX)
		json_object_set_new(one, "items", json_integer((json_int_t)seen->seen.items));
	if (seen->done && seen->seen.bytes != UINT64_MAX)
		json_object_set_new(one, "bytes", json_integer((json_int_t)seen->seen.bytes));
}

/* The Secret says nothing of the installation; the services do. */
static bool is_ours(const struct removal *r)
{
	bool known = false;

	for (size_t i = 0; i < r->nseen; i++) {
		known = known || r->seen[i].done;
		if (r->seen[i].done && r->seen[i].seen.state == TC_STATE_FOREIGN)
			return false;
	}
	return known;
}

/* The door first: a pod that starts from now on waits, instead of running with credentials that are refused. */
static void remove_secrets(struct removal *r)
{
	struct tc_error err = {0};

	if (!r->s->kube)
		return;
	if (!is_ours(r)) {
		tc_session_row(r->s, "secret", "left alone: it is not known to be this installation's");
		return;
	}
	if (r->dry_run) {
		tc_session_row(r->s, "secret", "would be deleted");
		return;
	}
	if (tc_secrets_delete(r->s->kube, r->s->mem, r->enclave, r->name, &err) < 0) {
		r->code = tc_code_worse(r->code, err.code);
		tc_session_row(r->s, "secret", "%s", err.msg);
		return;
	}
	tc_session_row(r->s, "secret", "deleted");
}

static int remove_all(struct removal *r, bool all, struct tc_error *err)
{
	_cleanup_json_ json_t *root = json_pack("{s:s,s:s,s:b,s:b}", "enclave", r->enclave, "name", r->name, "force",
						r->destroy, "dry_run", r->dry_run);
	json_t *services = json_array(), *steps = json_array();

	json_object_set_new(root, "exo_services", services);
	json_object_set_new(root, "steps", steps);
	tc_session_head(r->s, "%s/%s", r->enclave, r->name);
	if (all)
		remove_secrets(r);
	for (size_t i = 0; i < r->nseen; i++)
		remove_service(r, i, services, steps);
	json_object_set_new(root, "deleted", json_boolean(r->destroy && !r->dry_run && r->code == TC_E_NONE));
	if (tc_session_print(r->s, root, err) < 0)
		return -1;
	tc_session_advise(r->code);
	return (int)r->code;
}

static int check_name(struct tc_arena *mem, const char *what, const char *text, struct tc_error *err)
{
	const char *fault = tc_label_fault(mem, tc_str(text));

	return fault ? tc_fail(err, TC_E_USAGE, "the %s %s %s", what, tc_quote(mem, tc_str(text)), fault) : 0;
}

static int run(struct tc_session *s, const struct tc_args *args, struct tc_error *err)
{
	struct removal r = {.s = s,
			    .destroy = args->value[TC_UNDEPLOY_FORCE] != NULL,
			    .dry_run = args->value[TC_UNDEPLOY_DRY_RUN] != NULL};
	const char *who = args->operands[0], *slash = strchr(who, '/'), *only = args->value[TC_UNDEPLOY_SERVICE];
	int rc;

	if (!slash)
		return tc_fail(err, TC_E_USAGE, "\"%s\" is no ENCLAVE/NAME, such as shop/web", who);
	r.enclave = tc_strndup(s->mem, who, (size_t)(slash - who));
	r.name = slash + 1;
	if (check_name(s->mem, "enclave", r.enclave, err) < 0 || check_name(s->mem, "name", r.name, err) < 0)
		return -1;
	rc = tc_session_read(s);
	if (rc != 0)
		return rc;
	if (tc_session_connect(s, err) < 0 || look(&r, only, err) < 0)
		return -1;
	if (r.destroy && !r.dry_run && anything(&r)) {
		say_losses(&r);
		if (!args->value[TC_UNDEPLOY_YES] &&
		    tc_session_confirm("--force", tc_printf(s->mem, "%s/%s", r.enclave, r.name), err) < 0)
			return -1;
	}
	return remove_all(&r, !only, err);
}

int tc_undeploy(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	struct tc_session_options options = {
		.run = {.config = args->value[TC_UNDEPLOY_CONFIG],
			.root_key_file = args->value[TC_UNDEPLOY_ROOT_KEY_FILE]},
		.kubeconfig = args->value[TC_UNDEPLOY_KUBECONFIG],
		.format = args->value[TC_UNDEPLOY_FORMAT],
		.no_cluster = args->value[TC_UNDEPLOY_NO_CLUSTER] != NULL,
	};
	struct tc_session s;
	int rc = tc_session_init(&s, cli, &options, err);

	if (rc == 0)
		rc = run(&s, args, err);
	tc_session_end(&s);
	return rc;
}
