#include "cli/cluster/enclave.h"

/* --- the roster ------------------------------------------------------------------------------------------------------
 */

struct telling {
	struct tc_roster *roster;
	struct tc_arena *mem;
	const char *enclave; /* NULL: all */
	size_t service;
};

static void on_each(void *self, const char *enclave, const char *name, const struct tc_observed *seen)
{
	struct telling *t = self;
	struct tc_roster *r = t->roster;

	if (seen->state == TC_STATE_ABSENT || (t->enclave && strcmp(t->enclave, enclave) != 0))
		return;
	r->found[t->service]++;
	tc_grow(t->mem, r->list, r->count, r->cap);
	r->list[r->count++] = (struct tc_resident){.enclave = tc_strdup(t->mem, enclave),
						   .name = tc_strdup(t->mem, name),
						   .service = t->service,
						   .state = seen->state};
}

static int compare_tentacle(const struct tc_resident *a, const struct tc_resident *b)
{
	int c = strcmp(a->enclave, b->enclave);

	return c ? c : strcmp(a->name, b->name);
}

static int by_tentacle(const void *a, const void *b)
{
	const struct tc_resident *x = a, *y = b;
	int c = compare_tentacle(x, y);

	return c ? c : (x->service > y->service) - (x->service < y->service);
}

void tc_roster_read(struct tc_roster *r, struct tc_session *s, const char *enclave)
{
	const struct tc_config *config = s->run.config;

	*r = (struct tc_roster){0};
	for (size_t i = 0; i < config->nservices; i++) {
		const struct tc_service_config *service = &config->services[i];
		struct telling t = {.roster = r, .mem = s->mem, .enclave = enclave, .service = i};
		struct tc_outcome *o = &r->services[i];

		o->service = service;
		r->asked[i] = service->enabled && !tc_session_skips(s, service);
		if (!r->asked[i])
			continue;
		o->done = tc_crew_roster(s->crew, service, NULL, 0, on_each, &t, &o->err) == 0;
		if (!o->done)
			r->code = tc_code_worse(r->code, o->err.code);
	}
	if (r->count)
		qsort(r->list, r->count, sizeof(*r->list), by_tentacle);
}

size_t tc_roster_end(const struct tc_roster *r, size_t from)
{
	size_t end = from;

	while (end < r->count && compare_tentacle(&r->list[from], &r->list[end]) == 0)
		end++;
	return end;
}

size_t tc_roster_tentacles(const struct tc_roster *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->count; i = tc_roster_end(r, i))
		n++;
	return n;
}

json_t *tc_roster_services(const struct tc_roster *r, struct tc_session *s, const char *fate)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->run.config->nservices; i++) {
		const struct tc_outcome *o = &r->services[i];
		const char *detail = tc_printf(s->mem, "%zu tentacle%s%s", r->found[i], r->found[i] == 1 ? "" : "s",
					       r->found[i] ? fate : "");

		if (!r->asked[i])
			continue;
		tc_session_row(s, o->service->service->key, "%s", o->done ? detail : tc_outcome_error(o));
		tc_session_service(list, o, detail);
	}
	return list;
}

/* --- info ------------------------------------------------------------------------------------------------------------
 */

static const char *phase_of(const struct tc_roster *r, size_t from, size_t end)
{
	bool retained = true, degraded = false;

	for (size_t i = from; i < end; i++) {
		retained = retained && r->list[i].state == TC_STATE_RETAINED;
		degraded = degraded || r->list[i].state == TC_STATE_DIFFERS || r->list[i].state == TC_STATE_FOREIGN;
	}
	return retained ? "retained" : degraded ? "degraded" : "registered";
}

static json_t *tentacle(struct tc_session *s, const struct tc_roster *r, size_t from, size_t end)
{
	const char *phase = phase_of(r, from, end), *line = "";
	json_t *services = json_object();

	for (size_t i = from; i < end; i++) {
		const char *key = s->run.config->services[r->list[i].service].service->key;
		const char *state = tc_state_name(r->list[i].state);

		json_object_set_new(services, key, json_string(state));
		line = tc_printf(s->mem, "%s%s%s %s", line, i > from ? ", " : "", key, state);
	}
	tc_session_row(s, "tentacle", "%s: %s (%s)", r->list[from].name, phase, line);
	return json_pack("{s:s,s:s,s:o}", "name", r->list[from].name, "phase", phase, "services", services);
}

static int show_namespace(struct tc_enclave_run *e, json_t *root, bool *exists, struct tc_error *err)
{
	struct tc_enclave_namespace there;

	if (!e->s->kube)
		return 0;
	if (tc_enclave_look(e->s, e->name, &there, err) < 0)
		return -1;
	*exists = there.exists;
	tc_session_row(e->s, "namespace", "%s",
		       !there.exists    ? "is not there"
		       : there.labelled ? "is there, and labelled as an enclave"
					: "is there, without the label tentacular.io/enclave");
	json_object_set_new(root, "namespace",
			    json_pack("{s:b,s:b}", "exists", there.exists, "labelled", there.labelled));
	return 0;
}

int tc_enclave_info(struct tc_enclave_run *e, struct tc_error *err)
{
	struct tc_session *s = e->s;
	_cleanup_json_ json_t *root = json_pack("{s:s}", "enclave", e->name);
	json_t *tentacles = json_array();
	struct tc_roster roster;
	bool exists = true;

	tc_session_head(s, "%s", e->name);
	if (show_namespace(e, root, &exists, err) < 0) {
		json_decref(tentacles);
		return -1;
	}
	tc_roster_read(&roster, s, e->name);
	json_object_set_new(root, "exo_services", tc_roster_services(&roster, s, ""));
	json_object_set_new(root, "tentacle_count", json_integer((json_int_t)tc_roster_tentacles(&roster)));
	json_object_set_new(root, "tentacles", tentacles);
	for (size_t i = 0, end; i < roster.count; i = end) {
		end = tc_roster_end(&roster, i);
		json_array_append_new(tentacles, tentacle(s, &roster, i, end));
	}
	if (tc_session_print(s, root, err) < 0)
		return -1;
	tc_session_advise(roster.code);
	return (int)roster.code;
}

/* --- list ------------------------------------------------------------------------------------------------------------
 */

struct known {
	const char *name;
	bool labelled;
	size_t tentacles;
};

static int by_name(const void *a, const void *b)
{
	const struct known *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	/* of one name the labelled namespace first: the others are added to it */
	return c ? c : (int)y->labelled - (int)x->labelled;
}

static json_t *list_known(struct tc_session *s, struct known *known, size_t n)
{
	json_t *list = json_array();

	if (n)
		qsort(known, n, sizeof(*known), by_name);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && strcmp(known[end].name, known[i].name) == 0; end++)
			known[i].tentacles += known[end].tentacles;
		tc_session_head(s, "%-30s %zu tentacle%s%s", known[i].name, known[i].tentacles,
				known[i].tentacles == 1 ? "" : "s",
				known[i].labelled || !s->kube ? "" : ", no labelled namespace");
		json_array_append_new(list,
				      json_pack("{s:s,s:b,s:I}", "name", known[i].name, "labelled", known[i].labelled,
						"tentacle_count", (json_int_t)known[i].tentacles));
	}
	return list;
}

int tc_enclave_list(struct tc_enclave_run *e, struct tc_error *err)
{
	struct tc_session *s = e->s;
	_cleanup_json_ json_t *root = json_object();
	const char **names = NULL;
	struct known *known;
	struct tc_roster roster;
	size_t n = 0, count = 0;

	if (s->kube && tc_enclave_namespaces(s, &names, &count, err) < 0)
		return -1;
	tc_roster_read(&roster, s, NULL);
	known = tc_alloc(s->mem, (count + roster.count) * sizeof(*known));
	for (size_t i = 0; i < count; i++)
		known[n++] = (struct known){.name = names[i], .labelled = true};
	for (size_t i = 0; i < roster.count; i = tc_roster_end(&roster, i))
		known[n++] = (struct known){.name = roster.list[i].enclave, .tentacles = 1};
	json_object_set_new(root, "enclaves", list_known(s, known, n));
	json_object_set_new(root, "exo_services", tc_roster_services(&roster, s, ""));
	if (tc_session_print(s, root, err) < 0)
		return -1;
	tc_session_advise(roster.code);
	return (int)roster.code;
}
