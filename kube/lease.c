#include "kube/lease.h"

#include "kube/clock.h"
#include "kube/status.h"

#define DURATION 15
#define DEADLINE 10
/* A record that says more than that is a mistake; it must not keep everybody out. */
#define DURATION_MAX 3600

struct tc_lease {
	char *ns, *name, *identity;
	unsigned duration, deadline;
	struct tc_arena *mem;
	const char *path, *all; /* of the Lease; of all in its namespace */

	json_t *record;    /* as the server had it last; NULL: none, or not known */
	char version[64];  /* its resourceVersion */
	int64_t changed;   /* when we saw that it had another version */
	int64_t held_from; /* when the last renewal that succeeded was sent; 0: it is not ours */
	char *holder;
};

static char *copy(const char *s)
{
	size_t n = strlen(s) + 1;
	char *p = tc_xalloc(n);

	memcpy(p, s, n);
	return p;
}

struct tc_lease *tc_lease_new(const struct tc_lease_conf *conf)
{
	struct tc_lease *l = tc_xalloc(sizeof(*l));

	l->mem = tc_arena_new(1024);
	l->ns = copy(conf->ns);
	l->name = copy(conf->name);
	l->identity = copy(conf->identity);
	l->holder = copy("");
	l->duration = conf->duration > 0 ? conf->duration : DURATION;
	l->deadline = conf->deadline > 0 ? conf->deadline : DEADLINE;
	l->all = tc_kube_path(l->mem, "/apis/coordination.k8s.io/v1/namespaces/%s/leases", l->ns);
	l->path = tc_kube_path(l->mem, "/apis/coordination.k8s.io/v1/namespaces/%s/leases/%s", l->ns, l->name);
	return l;
}

void tc_lease_free(struct tc_lease *l)
{
	if (!l)
		return;
	json_decref(l->record);
	tc_arena_free(l->mem);
	free(l->ns);
	free(l->name);
	free(l->identity);
	free(l->holder);
	free(l);
}

bool tc_lease_held(const struct tc_lease *l)
{
	return l->held_from > 0 && tc_clock() - l->held_from < (int64_t)l->deadline * 1000;
}

const char *tc_lease_holder(const struct tc_lease *l)
{
	return l->holder;
}

static void forget(struct tc_lease *l)
{
	json_decref(l->record);
	l->record = NULL;
}

/* What the server says now. Consumes the record. */
static void observe(struct tc_lease *l, json_t *record)
{
	const char *version = tc_json_string(json_object_get(record, "metadata"), "resourceVersion");

	/* Any other version is a sign of life, whatever the times in it say: those are another machine's. */
	if (strcmp(version, l->version)) {
		snprintf(l->version, sizeof(l->version), "%s", version);
		l->changed = tc_clock();
	}
	forget(l);
	l->record = record;
	free(l->holder);
	l->holder = copy(tc_json_string(json_object_get(record, "spec"), "holderIdentity"));
}

static bool is_ours(const struct tc_lease *l)
{
	return l->record && !strcmp(l->holder, l->identity);
}

static bool has_run_out(const struct tc_lease *l)
{
	json_int_t seconds =
		json_integer_value(json_object_get(json_object_get(l->record, "spec"), "leaseDurationSeconds"));

	if (seconds < 1)
		seconds = l->duration;
	if (seconds > DURATION_MAX)
		seconds = DURATION_MAX;
	return !*l->holder || tc_clock() - l->changed >= seconds * 1000;
}

/* The record as we want it: a copy of the server's, so that nothing in it is lost. */
static json_t *claim(const struct tc_lease *l, bool take)
{
	json_t *record = l->record ? json_deep_copy(l->record)
				   : json_pack("{s:s,s:s,s:{s:s}}", "apiVersion", "coordination.k8s.io/v1", "kind",
					       "Lease", "metadata", "name", l->name);
	json_t *spec = json_object_get(record, "spec");
	json_int_t transitions = json_integer_value(json_object_get(spec, "leaseTransitions"));
	char now[TC_MICRO_TIME];

	tc_micro_time(now);
	if (!json_is_object(spec)) {
		spec = json_object();
		json_object_set_new(record, "spec", spec);
	}
	json_object_set_new(spec, "holderIdentity", json_string(l->identity));
	json_object_set_new(spec, "leaseDurationSeconds", json_integer(l->duration));
	json_object_set_new(spec, "renewTime", json_string(now));
	if (take) {
		json_object_set_new(spec, "acquireTime", json_string(now));
		json_object_set_new(spec, "leaseTransitions", json_integer(l->record ? transitions + 1 : 0));
	}
	return record;
}

/* 1: somebody was faster. */
static int write_claim(struct tc_lease *l, struct tc_kube *k, struct tc_kube_error *err)
{
	_cleanup_json_ json_t *record = claim(l, !is_ours(l));
	int64_t sent = tc_clock();
	json_t *answer = NULL;
	int done = l->record ? tc_kube_replace(k, &answer, l->path, record, err)
			     : tc_kube_create(k, &answer, l->all, record, err);

	if (done == 0) {
		observe(l, answer);
		l->held_from = is_ours(l) ? sent : 0;
		return 0;
	}
	/* Whether it was written is not known now, or it was not: look again. */
	forget(l);
	if (err->status != 409 && err->status != 404)
		return -1;
	memset(err, 0, sizeof(*err));
	return 1;
}

static int look(struct tc_lease *l, struct tc_kube *k, struct tc_kube_error *err)
{
	json_t *record;

	if (tc_kube_get(k, &record, l->path, err) == 0) {
		observe(l, record);
		return 0;
	}
	/* Only where the server knows leases, and has not this one. */
	if (err->status != 404 || strcmp(err->reason, "NotFound"))
		return -1;
	memset(err, 0, sizeof(*err));
	forget(l);
	l->version[0] = '\0';
	free(l->holder);
	l->holder = copy("");
	return 0;
}

int tc_lease_step(struct tc_lease *l, struct tc_kube *k, struct tc_kube_error *err)
{
	memset(err, 0, sizeof(*err));
	/* Ours, by the record that we wrote: that is renewed without looking; a conflict tells what has happened. */
	if (is_ours(l)) {
		int done = write_claim(l, k, err);

		if (done <= 0)
			return done;
	}
	if (look(l, k, err) < 0)
		return -1;
	if (l->record && !is_ours(l)) {
		l->held_from = 0;
		if (!has_run_out(l))
			return 0;
	}
	/* Somebody who was faster will be seen at the next step. */
	if (write_claim(l, k, err) < 0)
		return -1;
	if (!is_ours(l))
		l->held_from = 0;
	return 0;
}

int tc_lease_release(struct tc_lease *l, struct tc_kube *k, struct tc_kube_error *err)
{
	_cleanup_json_ json_t *record = NULL;
	json_t *spec;
	int done;

	memset(err, 0, sizeof(*err));
	if (!is_ours(l))
		return 0;
	record = claim(l, false);
	spec = json_object_get(record, "spec");
	json_object_set_new(spec, "holderIdentity", json_string(""));
	json_object_set_new(spec, "leaseDurationSeconds", json_integer(1));
	l->held_from = 0;
	done = tc_kube_replace(k, NULL, l->path, record, err);
	forget(l);
	/* Taken by another, or removed: then it is not ours, which is what was wanted. */
	if (done < 0 && (err->status == 409 || err->status == 404)) {
		memset(err, 0, sizeof(*err));
		return 0;
	}
	return done;
}
