#include "controller/reconcile.h"

#include <time.h>

#include "compiler/contract/catalogue.h"
#include "controller/look.h"
#include "controller/netpol.h"
#include "controller/secret.h"

/* Of one tentacle: what was read, its contract, and the credentials of its Secret. */
#define CALL_ARENA (64u << 10)

struct tc_reconciler {
	struct tc_reconcile_conf conf;
	struct tc_arena *mem; /* of one call */
	struct tc_arena_mark empty;
	struct tc_kube *kube;
	struct tc_crew *crew;
	struct tc_events *events;
};

/* One call. */
struct act {
	struct tc_reconciler *r;
	const struct tc_reconcile_conf *conf;
	struct tc_reconciled *out;
	struct tc_arena *mem;
	const struct tc_reconcile_ask *ask;
	struct tc_looked seen;
	struct tc_record next; /* what is to be written down */
	json_t *written;       /* how the record is in the cluster; NULL: not there */
	long long now;
};

static void on_step(void *self, const char *service, const char *what)
{
	struct tc_reconciler *r = self;

	(void)service;
	if (r->conf.step)
		r->conf.step(r->conf.step_self, what);
}

struct tc_reconciler *tc_reconciler_new(const struct tc_reconcile_conf *conf)
{
	struct tc_reconciler *r = calloc(1, sizeof(*r));

	if (!r)
		tc_no_memory();
	r->conf = *conf;
	r->mem = tc_arena_new_secret(CALL_ARENA);
	r->empty = tc_arena_mark(r->mem);
	r->events = tc_events_new();
	r->crew = tc_crew_new(&(struct tc_crew_conf){
		.config = conf->config,
		.keys = conf->keys,
		.kube = conf->kube,
		.admin = conf->admin,
		.admin_self = conf->admin_self,
		.step = on_step,
		.step_self = r,
	});
	return r;
}

void tc_reconciler_free(struct tc_reconciler *r)
{
	if (!r)
		return;
	tc_crew_free(r->crew);
	tc_events_free(r->events);
	tc_kube_free(r->kube);
	tc_arena_free(r->mem);
	free(r);
}

/* --- writing ------------------------------------------------------------------------------------------------------ */

static int may_write(struct act *a, struct tc_error *err)
{
	if (!a->conf->may_write || a->conf->may_write(a->conf->may_write_self))
		return 0;
	return tc_fail(err, TC_E_RETRY, "this replica leads no more; another one goes on");
}

static void step(void *self, const char *what)
{
	struct act *a = self;

	if (a->conf->step)
		a->conf->step(a->conf->step_self, what);
}

/* Writes it down where it differs from what is written already. Of two replicas the second one reads again. */
static int write_record(struct act *a, struct tc_error *err)
{
	_cleanup_json_ json_t *object = tc_record_write(&a->next, a->conf->ns);
	_cleanup_json_ json_t *answer = NULL;
	struct tc_kube_error failed = {0};
	const char *path = tc_record_path(a->mem, a->conf->ns, a->next.enclave, a->next.name), *version;
	int rc;

	if (!object)
		tc_no_memory();
	if (a->written && json_equal(object, a->written))
		return 0;
	if (may_write(a, err) < 0)
		return -1;
	step(a,
	     tc_printf(a->mem, "write record %s/%s: %s", a->next.enclave, a->next.name, tc_phase_name(a->next.phase)));
	rc = a->next.version[0] ? tc_kube_replace(a->r->kube, &answer, path, object, &failed)
				: tc_kube_create(a->r->kube, &answer,
						 tc_kube_path(a->mem, "/api/v1/namespaces/%s/configmaps", a->conf->ns),
						 object, &failed);
	if (rc < 0) {
		*err = failed.error;
		if (failed.status == 409)
			err->code = TC_E_RETRY; /* another one wrote it: it is read again */
		return tc_wrap(err, "record of %s/%s", a->next.enclave, a->next.name);
	}
	version = json_string_value(json_object_get(json_object_get(answer, "metadata"), "resourceVersion"));
	a->next.version = tc_strdup(a->mem, version ? version : "");
	json_decref(a->written);
	a->written = tc_record_write(&a->next, a->conf->ns);
	return 0;
}

/* About the workload, or, where that is gone, about the record. Nothing depends on it: what cannot be said is not. */
static void post(struct act *a, bool warning, const char *reason, const char *action, const char *note)
{
	const struct tc_view *v = &a->seen.view;
	bool there = v->workload == TC_THERE_YES;
	struct tc_event event = {
		.api_version = there ? v->api_version : "v1",
		.kind = there ? v->kind : "ConfigMap",
		.ns = there ? a->ask->enclave : a->conf->ns,
		.name = there ? a->ask->name : tc_record_name(a->mem, a->ask->enclave, a->ask->name),
		.uid = there ? v->uid : "",
		.warning = warning,
		.reason = reason,
		.action = action,
		.note = note,
		.controller = "tentacular.io/tentc",
		.instance = a->conf->instance,
	};
	struct tc_kube_error unsaid = {0};

	(void)tc_events_post(a->r->events, a->r->kube, &event, &unsaid);
}

/* --- the record's services ---------------------------------------------------------------------------------------- */

static struct tc_record_service *service_of(struct act *a, const char *key)
{
	for (size_t i = 0; i < a->next.nservices; i++)
		if (strcmp(a->next.services[i].service, key) == 0)
			return (struct tc_record_service *)(uintptr_t)&a->next.services[i];
	return NULL;
}

static const struct tc_wanted_service *wanted(const struct act *a, const char *key)
{
	for (size_t i = 0; a->seen.want && i < a->seen.want->nservices; i++)
		if (strcmp(a->seen.want->services[i].config->service->key, key) == 0)
			return &a->seen.want->services[i];
	return NULL;
}

/* Those of the record and those of the contract, in the order of the catalogue. */
static void merge_services(struct act *a)
{
	const struct tc_config *config = a->conf->config;
	struct tc_record_service *list = tc_alloc(a->mem, TC_SERVICES_MAX * sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < config->nservices; i++) {
		const char *key = config->services[i].service->key;
		const struct tc_record_service *old = service_of(a, key);
		const struct tc_wanted_service *w = wanted(a, key);

		if (!old && !w)
			continue;
		list[n] = old ? *old : (struct tc_record_service){.service = key, .phase = TC_PHASE_PENDING};
		if (w) {
			list[n].consumes = w->consumes;
			list[n].nconsumes = w->nconsumes;
			if (list[n].phase == TC_PHASE_RETAINED || list[n].phase == TC_PHASE_DESTROYED)
				list[n].phase = TC_PHASE_PENDING;
		}
		n++;
	}
	a->next.services = list;
	a->next.nservices = n;
}

static struct tc_want want_of(const struct act *a, const struct tc_record_service *s)
{
	return (struct tc_want){
		.enclave = a->ask->enclave,
		.name = a->ask->name,
		.epoch = a->seen.want ? a->seen.want->epoch : a->next.epoch,
		.consumes = s->consumes,
		.nconsumes = s->nconsumes,
	};
}

/* What went wrong, in the record and for the next look. What no retry cures is told first. */
static void note_failure(struct act *a, const struct tc_error *why)
{
	enum tc_condition_type type = why->code == TC_E_RETRY ? TC_CONDITION_UNAVAILABLE : TC_CONDITION_REFUSED;

	tc_record_condition(&a->next, type, tc_strdup(a->mem, why->msg), a->now);
	if (a->out->err.code == TC_E_NONE || a->out->err.code == TC_E_RETRY)
		a->out->err = *why;
}

static bool do_service(struct act *a, enum tc_act what, struct tc_record_service *s)
{
	const struct tc_service_config *config = tc_config_service(a->conf->config, s->service);
	struct tc_want want = want_of(a, s);
	struct tc_outcome outcome;
	struct tc_error err = {0};

	if (may_write(a, &err) < 0) {
		note_failure(a, &err);
		return false;
	}
	step(a, tc_printf(a->mem, "%s: %s/%s", s->service, want.enclave, want.name));
	if (tc_crew_do(a->r->crew, what, config, &want, &outcome, a->mem)) {
		a->out->steps += outcome.steps;
		return true;
	}
	note_failure(a, &outcome.err);
	return false;
}

static void clear_conditions(struct act *a)
{
	for (size_t i = 0; i < TC_CONDITION_COUNT; i++)
		tc_record_condition(&a->next, (enum tc_condition_type)i, NULL, a->now);
}

/* --- acting ------------------------------------------------------------------------------------------------------- */

/* Written before the first side effect: from it everything can be found again, whatever happens to us. */
static int begin(struct act *a)
{
	const struct tc_view *v = &a->seen.view;
	struct tc_record *r = &a->next;
	bool was = v->record && (r->phase == TC_PHASE_REGISTERED || r->phase == TC_PHASE_DEGRADED);

	if (!v->record)
		*r = (struct tc_record){
			.enclave = a->ask->enclave, .name = a->ask->name, .hash = "", .uid = "", .version = ""};
	r->api_version = v->api_version;
	r->kind = v->kind;
	r->uid = v->uid;
	r->namespace_uid = v->namespace_uid;
	r->destroy = v->destroy;
	r->gone_since = r->retained_since = 0;
	if (v->epoch > r->least_epoch)
		r->least_epoch = v->epoch;
	if (!was)
		r->phase = TC_PHASE_PENDING;
	merge_services(a);
	return write_record(a, &a->out->err);
}

static bool apply_services(struct act *a)
{
	bool all = true;

	for (size_t i = 0; i < a->next.nservices; i++) {
		struct tc_record_service *s = service_of(a, a->next.services[i].service);

		if (wanted(a, s->service)) {
			bool done = do_service(a, TC_ACT_APPLY, s);

			s->phase = done ? TC_PHASE_REGISTERED
				   : s->phase == TC_PHASE_REGISTERED || s->phase == TC_PHASE_DEGRADED
					   ? TC_PHASE_DEGRADED
					   : TC_PHASE_PENDING;
			all = all && done;
		} else if (s->phase != TC_PHASE_RETAINED && s->phase != TC_PHASE_DESTROYED) {
			/* the contract asks for it no more: access ends, data stays */
			if (do_service(a, TC_ACT_RETAIN, s))
				s->phase = TC_PHASE_RETAINED;
			else
				all = false;
		}
	}
	return all;
}

/* It may restrict more than the pods need before their services are ready, and is there before they are. */
static bool apply_policy(struct act *a)
{
	struct tc_netpol policy;
	struct tc_error err = {0};

	tc_netpol_of(&policy, a->seen.want);
	if (!policy.name)
		return true;
	step(a, tc_printf(a->mem, "apply NetworkPolicy %s", policy.name));
	if (may_write(a, &err) == 0 && tc_netpol_apply(a->r->kube, a->mem, a->seen.want, false, &policy, &err) == 0) {
		a->out->steps += policy.step != NULL;
		return true;
	}
	note_failure(a, &err);
	return false;
}

/* Last: a pod that waits for it starts with what works. */
static bool apply_secret(struct act *a)
{
	const char *name;
	struct tc_error err = {0};

	step(a, "apply the Secret");
	if (may_write(a, &err) == 0 && tc_secret_apply(a->r->kube, a->mem, a->seen.want, &name, &err) == 0)
		return true;
	note_failure(a, &err);
	return false;
}

static const char *list_services(struct act *a)
{
	const char *text = "";

	for (size_t i = 0; i < a->next.nservices; i++)
		text = tc_printf(a->mem, "%s%s%s", text, i ? ", " : "", a->next.services[i].service);
	return text;
}

static int do_register(struct act *a)
{
	const struct tc_record *old = a->seen.view.record;
	bool fresh = !old || old->phase != TC_PHASE_REGISTERED, all;
	struct tc_error err = {0};

	/* what the record says is wrong stays there until it is known to be over */
	if (begin(a) < 0)
		return -1;
	clear_conditions(a);
	all = apply_services(a);
	all = apply_policy(a) && all;
	all = all && apply_secret(a);
	if (all) {
		a->next.phase = TC_PHASE_REGISTERED;
		a->next.hash = a->seen.view.hash;
		a->next.epoch = a->seen.view.epoch;
		a->next.verified = a->now;
	} else if (a->next.phase == TC_PHASE_REGISTERED) {
		a->next.phase = TC_PHASE_DEGRADED;
	}
	if (write_record(a, &err) < 0 && a->out->err.code == TC_E_NONE)
		a->out->err = err;
	if (all && a->ask->drift && a->out->steps)
		post(a, true, "DriftRepaired", "Repair", a->ask->drift);
	else if (all && (fresh || a->out->steps))
		post(a, false, "Registered", "Register",
		     tc_printf(a->mem, "ready: %s", a->next.nservices ? list_services(a) : "its network policy"));
	else if (!all)
		post(a, true, "Degraded", "Register", a->out->err.msg);
	return a->out->err.code == TC_E_NONE ? 0 : -1;
}

/* RETAIN and DESTROY: all services of the record, then the Secret. The workload's policy stays in its namespace: it
 * only restricts. */
static int take_away(struct act *a, enum tc_act act, enum tc_phase phase, const char *reason)
{
	struct tc_error err = {0};
	bool all = true;

	clear_conditions(a);
	for (size_t i = 0; i < a->next.nservices; i++) {
		struct tc_record_service *s = service_of(a, a->next.services[i].service);

		if (s->phase == phase || s->phase == TC_PHASE_DESTROYED)
			continue;
		if (do_service(a, act, s))
			s->phase = phase;
		else
			all = false;
	}
	if (may_write(a, &err) < 0 || tc_secrets_delete(a->r->kube, a->mem, a->ask->enclave, a->ask->name, &err) < 0) {
		note_failure(a, &err);
		all = false;
	}
	if (all) {
		a->next.phase = phase;
		a->next.gone_since = 0;
		a->next.retained_since = phase == TC_PHASE_RETAINED ? a->now : 0;
	}
	err = (struct tc_error){0};
	if (write_record(a, &err) < 0 && a->out->err.code == TC_E_NONE)
		a->out->err = err;
	if (all)
		post(a, false, reason, "Undeploy",
		     tc_printf(a->mem, "%s/%s: %s", a->ask->enclave, a->ask->name, list_services(a)));
	return a->out->err.code == TC_E_NONE ? 0 : -1;
}

static int do_gone(struct act *a)
{
	clear_conditions(a);
	a->next.phase = TC_PHASE_GONE;
	a->next.gone_since = a->now;
	return write_record(a, &a->out->err);
}

static int do_hold(struct act *a, const struct tc_decision *d)
{
	bool new = false;

	for (size_t i = 0; i < TC_CONDITION_COUNT; i++)
		if (tc_record_condition(&a->next, (enum tc_condition_type)i, i == d->condition ? d->why : NULL, a->now))
			new = new || i == d->condition;
	if (write_record(a, &a->out->err) < 0)
		return -1;
	if (new)
		post(a, true, tc_condition_name(d->condition), "Register", d->why);
	return 0;
}

static int do_decided(struct act *a, const struct tc_decision *d)
{
	if (d->due > a->now)
		a->out->again = (double)(d->due - a->now);
	switch (d->next) {
	case TC_NEXT_NOTHING:
		return a->ask->drift && a->seen.want && a->seen.view.record ? do_register(a) : 0;
	case TC_NEXT_LOOK:
		return do_hold(a, d);
	case TC_NEXT_GONE:
		return do_gone(a);
	case TC_NEXT_REGISTER:
		return do_register(a);
	case TC_NEXT_RETAIN:
		return take_away(a, TC_ACT_RETAIN, TC_PHASE_RETAINED, "Retained");
	case TC_NEXT_DESTROY:
		return take_away(a, TC_ACT_DESTROY, TC_PHASE_DESTROYED, "Destroyed");
	}
	return 0; /* unreachable: every decision has its case */
}

static int reconcile(struct act *a)
{
	const struct tc_config *c = a->conf->config;
	struct tc_policy policy = {
		.grace = c->undeploy_grace,
		.job_grace = c->undeploy_job_grace,
		.destroy_delay = c->undeploy_destroy_delay,
		.allow_annotation = c->undeploy_allow_annotation,
	};
	struct tc_kube_error failed = {0};
	struct tc_decision d;
	int rc;

	if (!a->r->kube && tc_kube_open(&a->r->kube, a->conf->kube, &failed) < 0) {
		a->out->err = failed.error;
		return -1;
	}
	if (tc_look(&a->seen, a->r->kube, a->conf, a->ask, a->mem, &a->out->err) < 0)
		return -1;
	if (a->seen.view.record) {
		a->next = a->seen.record;
		a->written = tc_record_write(&a->next, a->conf->ns);
	}
	d = tc_decide(a->mem, &a->seen.view, &policy, a->now);
	if ((d.next == TC_NEXT_RETAIN || d.next == TC_NEXT_DESTROY) && a->conf->may_remove &&
	    !a->conf->may_remove(a->conf->may_remove_self, a->ask->enclave, a->ask->name)) {
		policy.removals_held = true;
		d = tc_decide(a->mem, &a->seen.view, &policy, a->now);
	}
	a->out->next = d.next;
	rc = do_decided(a, &d);
	if (a->next.version)
		a->out->phase = tc_phase_name(a->next.phase);
	return rc;
}

int tc_reconcile(struct tc_reconciler *r, struct tc_reconciled *out, const struct tc_reconcile_ask *ask)
{
	struct act a = {.r = r, .conf = &r->conf, .out = out, .mem = r->mem, .ask = ask, .now = time(NULL)};
	int rc;

	tc_arena_rewind(r->mem, r->empty);
	*out = (struct tc_reconciled){.mem = r->mem};
	rc = reconcile(&a);
	json_decref(a.written);
	return rc;
}
