#include "controller/record_parts.h"

#include "compiler/base/diag.h"
#include "compiler/contract/catalogue.h"
#include "compiler/contract/identity.h"
#include "compiler/transform/object.h"

/* --- words -------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name, *label;
	bool service; /* a service may be in it, too */
} phases[] = {
	[TC_PHASE_PENDING] = {"Pending", "pending", true},
	[TC_PHASE_REGISTERED] = {"Registered", "registered", true},
	[TC_PHASE_DEGRADED] = {"Degraded", "degraded", true},
	[TC_PHASE_GONE] = {"Gone", "gone", false},
	[TC_PHASE_RETAINED] = {"Retained", "retained", true},
	[TC_PHASE_DESTROYED] = {"Destroyed", "destroyed", true},
};

static const char *const conditions[TC_CONDITION_COUNT] = {
	[TC_CONDITION_OWNER_CHANGED] = "OwnerChanged",
	[TC_CONDITION_NAME_TAKEN] = "NameTaken",
	[TC_CONDITION_EPOCH_LOWERED] = "EpochLowered",
	[TC_CONDITION_NOT_ENCLAVE] = "NotEnclave",
	[TC_CONDITION_INVALID] = "Invalid",
	[TC_CONDITION_REMOVALS_HELD] = "RemovalsHeld",
	[TC_CONDITION_UNAVAILABLE] = "Unavailable",
	[TC_CONDITION_REFUSED] = "Refused",
};

const char *tc_phase_name(enum tc_phase phase)
{
	return phases[phase].name;
}

const char *tc_condition_name(enum tc_condition_type type)
{
	return conditions[type];
}

const char *tc_record_phase_label(enum tc_phase phase)
{
	return phases[phase].label;
}

/* --- phases ------------------------------------------------------------------------------------------------------- */

static const char *phase_list(struct tc_arena *mem, bool service)
{
	const char *list = "";

	for (size_t i = 0; i < TC_COUNT(phases); i++)
		if (!service || phases[i].service)
			list = tc_printf(mem, "%s%s%s", list, *list ? ", " : "", phases[i].name);
	return list;
}

static int phase_of(const struct tc_record_reader *r, const struct tc_record_at *at, const json_t *j, bool service,
		    enum tc_phase *to)
{
	if (!json_is_string(j))
		return tc_record_wrong(r, at, "a string", j);
	for (size_t i = 0; i < TC_COUNT(phases); i++) {
		if ((service && !phases[i].service) || !tc_str_is(tc_record_string(j), phases[i].name))
			continue;
		*to = (enum tc_phase)i;
		return 0;
	}
	return tc_record_fail(r, at, "%s is no phase%s; there are %s", tc_quote(r->mem, tc_record_string(j)),
			      service ? " of a service" : "", phase_list(r->mem, service));
}

static int read_phase(const struct tc_record_reader *r, const struct tc_record_at *at, json_t *j, void *to)
{
	return phase_of(r, at, j, false, to);
}

static int read_service_phase(const struct tc_record_reader *r, const struct tc_record_at *at, json_t *j, void *to)
{
	return phase_of(r, at, j, true, to);
}

static json_t *write_phase(const void *from)
{
	return json_string(tc_phase_name(*(const enum tc_phase *)from));
}

static const struct tc_record_form phase_form = {read_phase, write_phase, NULL};
static const struct tc_record_form service_phase_form = {read_service_phase, write_phase, NULL};

/* --- services ----------------------------------------------------------------------------------------------------- */

static const char *service_list(struct tc_arena *mem)
{
	const char *list = "";

	for (size_t i = 0; tc_services[i]; i++)
		list = tc_printf(mem, "%s%s%s", list, *list ? ", " : "", tc_services[i]->key);
	return list;
}

/* Its place in the catalogue, from 1 on; 0: it has none. */
static size_t rank(const char *service)
{
	for (size_t i = 0; tc_services[i]; i++)
		if (strcmp(service, tc_services[i]->key) == 0)
			return i + 1;
	return 0;
}

static int read_service(const struct tc_record_reader *r, const struct tc_record_at *at, json_t *j, void *to)
{
	const char **service = to;

	if (tc_record_text_of(r, at, j, service) < 0)
		return -1;
	return rank(*service) ? 0
			      : tc_record_fail(r, at, "%s is no service; there are %s",
					       tc_quote(r->mem, tc_str(*service)), service_list(r->mem));
}

static int read_consumes(const struct tc_record_reader *r, const struct tc_record_at *at, json_t *list, void *to)
{
	struct tc_record_service *s = to;
	const char **names;
	json_t *j;
	size_t i;

	if (!json_is_array(list))
		return tc_record_wrong(r, at, "a list", list);
	if (!tc_services[rank(s->service) - 1]->consumes)
		return tc_record_fail(r, at, "%s has none", s->service);
	names = tc_alloc(r->mem, json_array_size(list) * sizeof(char *));
	json_array_foreach(list, i, j)
	{
		struct tc_record_at here = {.up = at, .index = i};
		const char *fault;

		if (tc_record_text_of(r, &here, j, &names[i]) < 0)
			return -1;
		fault = tc_label_fault(r->mem, tc_str(names[i]));
		if (fault)
			return tc_record_fail(r, &here, "%s %s", tc_quote(r->mem, tc_str(names[i])), fault);
	}
	s->consumes = names;
	s->nconsumes = json_array_size(list);
	return 0;
}

static json_t *write_consumes(const void *from)
{
	const struct tc_record_service *s = from;
	json_t *list = json_array();

	for (size_t i = 0; i < s->nconsumes; i++) {
		if (json_array_append_new(list, tc_record_text(s->consumes[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static bool is_consuming(const void *from)
{
	return ((const struct tc_record_service *)from)->nconsumes > 0;
}

static const struct tc_record_form service_form = {read_service, tc_record_write_text, NULL};
static const struct tc_record_form consumes_form = {read_consumes, write_consumes, is_consuming};

static const struct tc_record_field service_fields[] = {
	{"service", &service_form, offsetof(struct tc_record_service, service), TC_RECORD_ALWAYS, 0},
	{"phase", &service_phase_form, offsetof(struct tc_record_service, phase), TC_RECORD_ALWAYS, 0},
	{"consumes", &consumes_form, 0, TC_RECORD_WHERE_SET, 0},
	{NULL, NULL, 0, TC_RECORD_ALWAYS, 0},
};

static int read_services(const struct tc_record_reader *r, const struct tc_record_at *at, json_t *list, void *to)
{
	struct tc_record *record = to;
	struct tc_record_service *services, none = {.service = ""};
	json_t *j;
	size_t i;

	if (!json_is_array(list))
		return tc_record_wrong(r, at, "a list", list);
	services = tc_alloc(r->mem, json_array_size(list) * sizeof(*services));
	json_array_foreach(list, i, j)
	{
		struct tc_record_at here = {.up = at, .index = i}, name = {.up = &here, .key = "service"};
		const char *before = (i ? &services[i - 1] : &none)->service;

		if (tc_record_read_fields(r, &here, j, service_fields, &services[i]) < 0)
			return -1;
		if (strcmp(services[i].service, before) == 0)
			return tc_record_fail(r, &name, "%s is there twice", before);
		if (rank(services[i].service) < rank(before))
			return tc_record_fail(r, &name, "%s comes after %s; the order is %s", services[i].service,
					      before, service_list(r->mem));
	}
	record->services = services;
	record->nservices = json_array_size(list);
	return 0;
}

/* In the catalogue's order, whatever the caller's is: it would not be read else. */
static json_t *write_services(const void *from)
{
	const struct tc_record *r = from;
	json_t *list = json_array();

	for (size_t place = 1; tc_services[place - 1]; place++) {
		for (size_t i = 0; i < r->nservices; i++) {
			if (rank(r->services[i].service) != place)
				continue;
			if (json_array_append_new(list, tc_record_write_fields(service_fields, &r->services[i])) < 0) {
				json_decref(list);
				return NULL;
			}
			break;
		}
	}
	return list;
}

/* --- conditions --------------------------------------------------------------------------------------------------- */

static const struct tc_record_field condition_fields[] = {
	{"since", &tc_record_time_form, offsetof(struct tc_record_condition, since), TC_RECORD_ALWAYS, 0},
	{"why", &tc_record_text_form, offsetof(struct tc_record_condition, why), TC_RECORD_ALWAYS, 0},
	{NULL, NULL, 0, TC_RECORD_ALWAYS, 0},
};

static int read_conditions(const struct tc_record_reader *r, const struct tc_record_at *at, json_t *object, void *to)
{
	struct tc_record_condition *list = to;
	const char *key;
	json_t *j;
	size_t i;

	if (!json_is_object(object))
		return tc_record_wrong(r, at, "an object", object);
	json_object_foreach(object, key, j)
	{
		struct tc_record_at here = {.up = at, .key = key};

		for (i = 0; i < TC_CONDITION_COUNT && strcmp(key, conditions[i]) != 0; i++)
			;
		if (i == TC_CONDITION_COUNT)
			return tc_record_unknown(r, at, "condition", key, conditions, TC_CONDITION_COUNT);
		if (tc_record_read_fields(r, &here, j, condition_fields, &list[i]) < 0)
			return -1;
		list[i].set = true;
	}
	return 0;
}

static json_t *write_conditions(const void *from)
{
	const struct tc_record_condition *list = from;
	json_t *object = json_object();

	for (size_t i = 0; i < TC_CONDITION_COUNT; i++) {
		if (!list[i].set)
			continue;
		if (json_object_set_new(object, conditions[i], tc_record_write_fields(condition_fields, &list[i])) <
		    0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* --- the record --------------------------------------------------------------------------------------------------- */

static int check_same(const struct tc_record_reader *r, const struct tc_record_at *at, const char *found_here,
		      const char *in_name)
{
	if (strcmp(found_here, in_name) == 0)
		return 0;
	return tc_record_fail(r, at, "is %s, but the configmap's name says \"%s\"",
			      tc_quote(r->mem, tc_str(found_here)), in_name);
}

static int read_enclave(const struct tc_record_reader *r, const struct tc_record_at *at, json_t *j, void *to)
{
	const char **enclave = to;

	return tc_record_text_of(r, at, j, enclave) < 0 ? -1 : check_same(r, at, *enclave, r->enclave);
}

static int read_name(const struct tc_record_reader *r, const struct tc_record_at *at, json_t *j, void *to)
{
	const char **name = to;

	return tc_record_text_of(r, at, j, name) < 0 ? -1 : check_same(r, at, *name, r->name);
}

/* The path of its workload is made of them. */
static int read_kind(const struct tc_record_reader *r, const struct tc_record_at *at, json_t *j, void *to)
{
	struct tc_record *record = to;
	const struct tc_kind_row *row;

	if (tc_record_text_of(r, at, j, &record->kind) < 0)
		return -1;
	row = tc_kind_row(tc_str(record->api_version), tc_str(record->kind));
	if (row && row->role == TC_ROLE_WORKLOAD)
		return 0;
	return tc_record_fail(r, at, "%s of %s is no workload", tc_quote(r->mem, tc_str(record->kind)),
			      tc_quote(r->mem, tc_str(record->api_version)));
}

static json_t *write_kind(const void *from)
{
	return tc_record_text(((const struct tc_record *)from)->kind);
}

static const struct tc_record_form enclave_form = {read_enclave, tc_record_write_text, NULL};
static const struct tc_record_form name_form = {read_name, tc_record_write_text, NULL};
static const struct tc_record_form kind_form = {read_kind, write_kind, NULL};
static const struct tc_record_form services_form = {read_services, write_services, NULL};
static const struct tc_record_form conditions_form = {read_conditions, write_conditions, NULL};

/* The version first: of another one, nothing else can be said. */
const struct tc_record_field tc_record_fields[] = {
	{"version", &tc_record_version_form, 0, TC_RECORD_ALWAYS, 0},
	{"enclave", &enclave_form, offsetof(struct tc_record, enclave), TC_RECORD_ALWAYS, 0},
	{"name", &name_form, offsetof(struct tc_record, name), TC_RECORD_ALWAYS, 0},
	{"apiVersion", &tc_record_text_form, offsetof(struct tc_record, api_version), TC_RECORD_ALWAYS, 0},
	{"kind", &kind_form, 0, TC_RECORD_ALWAYS, 0},
	{"uid", &tc_record_text_form, offsetof(struct tc_record, uid), TC_RECORD_ALWAYS, 0},
	{"namespaceUid", &tc_record_text_form, offsetof(struct tc_record, namespace_uid), TC_RECORD_ALWAYS, 0},
	{"hash", &tc_record_text_form, offsetof(struct tc_record, hash), TC_RECORD_ALWAYS, 0},
	{"epoch", &tc_record_number_form, offsetof(struct tc_record, epoch), TC_RECORD_ALWAYS, 0},
	{"leastEpoch", &tc_record_number_form, offsetof(struct tc_record, least_epoch), TC_RECORD_ALWAYS, 0},
	{"phase", &phase_form, offsetof(struct tc_record, phase), TC_RECORD_ALWAYS, 0},
	{"goneSince", &tc_record_time_form, offsetof(struct tc_record, gone_since), TC_RECORD_IN_PHASE, TC_PHASE_GONE},
	{"retainedSince", &tc_record_time_form, offsetof(struct tc_record, retained_since), TC_RECORD_IN_PHASE,
	 TC_PHASE_RETAINED},
	{"destroy", &tc_record_flag_form, offsetof(struct tc_record, destroy), TC_RECORD_ALWAYS, 0},
	{"verified", &tc_record_time_form, offsetof(struct tc_record, verified), TC_RECORD_WHERE_SET, 0},
	{"services", &services_form, 0, TC_RECORD_ALWAYS, 0},
	{"conditions", &conditions_form, offsetof(struct tc_record, conditions), TC_RECORD_ALWAYS, 0},
	{NULL, NULL, 0, TC_RECORD_ALWAYS, 0},
};

_Static_assert(TC_COUNT(tc_record_fields) <= TC_RECORD_FIELDS_MAX, "names of fields have room");
