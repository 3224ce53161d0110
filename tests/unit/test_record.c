#include "controller/record.h"

#include "cli/record_schema.h"
#include "compiler/base/buf.h"
#include "kube/client.h"
#include "tests/unit/unit.h"

#define NS "tentacular-system"

static const char *const others[] = {"billing", "report"};
static const struct tc_record_service services[] = {
	{"postgres", TC_PHASE_REGISTERED, NULL, 0},
	{"rustfs", TC_PHASE_RETAINED, NULL, 0},
	{"nats", TC_PHASE_PENDING, others, TC_COUNT(others)},
};

static struct tc_record record(void)
{
	struct tc_record r = {
		.enclave = "shop",
		.name = "web",
		.api_version = "apps/v1",
		.kind = "Deployment",
		.uid = "w1",
		.namespace_uid = "n1",
		.hash = "v1:abc",
		.epoch = 2,
		.least_epoch = 3,
		.phase = TC_PHASE_REGISTERED,
		.verified = 1772366400,
		.services = services,
		.nservices = TC_COUNT(services),
		.version = "812",
	};

	tc_record_condition(&r, TC_CONDITION_UNAVAILABLE, "nats: \"down\"\nsince noon", 1772370001);
	return r;
}

#define CONTENT                                                \
	"{\n"                                                  \
	"  \"apiVersion\": \"apps/v1\",\n"                     \
	"  \"conditions\": {\n"                                \
	"    \"Unavailable\": {\n"                             \
	"      \"since\": \"2026-03-01T13:00:01Z\",\n"         \
	"      \"why\": \"nats: \\\"down\\\"\\nsince noon\"\n" \
	"    }\n"                                              \
	"  },\n"                                               \
	"  \"destroy\": false,\n"                              \
	"  \"enclave\": \"shop\",\n"                           \
	"  \"epoch\": 2,\n"                                    \
	"  \"hash\": \"v1:abc\",\n"                            \
	"  \"kind\": \"Deployment\",\n"                        \
	"  \"leastEpoch\": 3,\n"                               \
	"  \"name\": \"web\",\n"                               \
	"  \"namespaceUid\": \"n1\",\n"                        \
	"  \"phase\": \"Registered\",\n"                       \
	"  \"services\": [\n"                                  \
	"    {\n"                                              \
	"      \"phase\": \"Registered\",\n"                   \
	"      \"service\": \"postgres\"\n"                    \
	"    },\n"                                             \
	"    {\n"                                              \
	"      \"phase\": \"Retained\",\n"                     \
	"      \"service\": \"rustfs\"\n"                      \
	"    },\n"                                             \
	"    {\n"                                              \
	"      \"consumes\": [\n"                              \
	"        \"billing\",\n"                               \
	"        \"report\"\n"                                 \
	"      ],\n"                                           \
	"      \"phase\": \"Pending\",\n"                      \
	"      \"service\": \"nats\"\n"                        \
	"    }\n"                                              \
	"  ],\n"                                               \
	"  \"uid\": \"w1\",\n"                                 \
	"  \"verified\": \"2026-03-01T12:00:00Z\",\n"          \
	"  \"version\": 1\n"                                   \
	"}\n"

static const char *content_of(const json_t *configmap)
{
	return json_string_value(json_object_get(json_object_get(configmap, "data"), "record.json"));
}

static void test_whole_object(void **state)
{
	struct tc_record r = record();
	_cleanup_json_ json_t *configmap = tc_record_write(&r, NS);
	_cleanup_json_ json_t *expected =
		json_pack("{s:s,s:s,s:{s:s,s:s,s:s,s:{s:s,s:s}},s:{s:s}}", "apiVersion", "v1", "kind", "ConfigMap",
			  "metadata", "name", "exo.shop.web", "namespace", NS, "resourceVersion", "812", "labels",
			  "app.kubernetes.io/managed-by", "tentc", "tentacular.io/record", "registered", "data",
			  "record.json", CONTENT);

	(void)state;
	assert_string_equal(content_of(configmap), CONTENT);
	assert_true(json_equal(configmap, expected));
	/* a new one has no version that the server would compare */
	r.version = "";
	json_object_del(json_object_get(expected, "metadata"), "resourceVersion");
	json_decref(configmap);
	configmap = tc_record_write(&r, NS);
	assert_true(json_equal(configmap, expected));
}

static void test_names(void **state)
{
	static const char *const phases[] = {"Pending", "Registered", "Degraded", "Gone", "Retained", "Destroyed"};
	static const char *const conditions[] = {"OwnerChanged", "NameTaken",    "EpochLowered", "NotEnclave",
						 "Invalid",      "RemovalsHeld", "Unavailable",  "Refused"};
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);

	(void)state;
	assert_int_equal(TC_COUNT(conditions), TC_CONDITION_COUNT);
	for (size_t i = 0; i < TC_COUNT(phases); i++)
		assert_string_equal(tc_phase_name((enum tc_phase)i), phases[i]);
	for (size_t i = 0; i < TC_COUNT(conditions); i++)
		assert_string_equal(tc_condition_name((enum tc_condition_type)i), conditions[i]);
	assert_string_equal(tc_record_name(mem, "a-b", "c"), "exo.a-b.c");
}

static void test_condition(void **state)
{
	struct tc_record r = {0};
	struct tc_record_condition *c = &r.conditions[TC_CONDITION_INVALID];

	(void)state;
	assert_false(tc_record_condition(&r, TC_CONDITION_INVALID, NULL, 1));
	assert_true(tc_record_condition(&r, TC_CONDITION_INVALID, "one", 2));
	assert_true(c->set && c->since == 2);
	assert_false(tc_record_condition(&r, TC_CONDITION_INVALID, "one", 3));
	assert_true(tc_record_condition(&r, TC_CONDITION_INVALID, "another", 4));
	assert_string_equal(c->why, "another");
	assert_int_equal(c->since, 2);
	assert_true(tc_record_condition(&r, TC_CONDITION_INVALID, NULL, 5));
	assert_true(!c->set && !c->why && c->since == 5);
	for (size_t i = 0; i < TC_CONDITION_COUNT; i++)
		assert_false(r.conditions[i].set);
}

/* --- round trips -------------------------------------------------------------------------------------------------- */

static json_t *read_and_write(struct tc_arena *mem, struct tc_record *out, const json_t *configmap)
{
	struct tc_error err = {0};

	if (tc_record_read(out, mem, configmap, &err) < 0)
		fail_msg("%s", err.msg);
	return tc_record_write(out, NS);
}

static void expect_round_trip(const struct tc_record *r)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	struct tc_record again;
	_cleanup_json_ json_t *first = tc_record_write(r, NS), *second = NULL;

	second = read_and_write(mem, &again, first);
	assert_string_equal(content_of(first), content_of(second));
	assert_true(json_equal(first, second));
	assert_int_equal(again.phase, r->phase);
}

static void test_round_trip_phases(void **state)
{
	(void)state;
	for (int phase = TC_PHASE_PENDING; phase <= TC_PHASE_DESTROYED; phase++) {
		struct tc_record r = record();

		r.phase = (enum tc_phase)phase;
		expect_round_trip(&r);
		r.gone_since = r.retained_since = 1;
		r.destroy = true;
		expect_round_trip(&r);
	}
}

static void test_round_trip_conditions(void **state)
{
	struct tc_record all = record();

	(void)state;
	for (size_t i = 0; i < TC_CONDITION_COUNT; i++) {
		struct tc_record r = record();

		tc_record_condition(&r, TC_CONDITION_UNAVAILABLE, NULL, 7);
		tc_record_condition(&r, (enum tc_condition_type)i, "", 0);
		expect_round_trip(&r);
		tc_record_condition(&all, (enum tc_condition_type)i, tc_condition_name((enum tc_condition_type)i), 1);
		expect_round_trip(&all);
	}
}

static void test_round_trip_services(void **state)
{
	static const enum tc_phase phases[] = {TC_PHASE_PENDING, TC_PHASE_REGISTERED, TC_PHASE_DEGRADED,
					       TC_PHASE_RETAINED, TC_PHASE_DESTROYED};
	struct tc_record r = record();

	(void)state;
	for (size_t i = 0; i < TC_COUNT(phases); i++) {
		struct tc_record_service one = {.service = "spire", .phase = phases[i]};

		r.services = &one;
		r.nservices = 1;
		expect_round_trip(&r);
	}
	r.nservices = 0;
	expect_round_trip(&r);
}

static void test_every_field(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	struct tc_record r = record(), again = {0};
	_cleanup_json_ json_t *configmap = tc_record_write(&r, NS), *second = NULL;

	(void)state;
	second = read_and_write(mem, &again, configmap);
	assert_string_equal(again.enclave, "shop");
	assert_string_equal(again.name, "web");
	assert_string_equal(again.api_version, "apps/v1");
	assert_string_equal(again.kind, "Deployment");
	assert_string_equal(again.uid, "w1");
	assert_string_equal(again.namespace_uid, "n1");
	assert_string_equal(again.hash, "v1:abc");
	assert_string_equal(again.version, "812");
	assert_int_equal(again.epoch, 2);
	assert_int_equal(again.least_epoch, 3);
	assert_int_equal(again.gone_since, 0);
	assert_int_equal(again.retained_since, 0);
	assert_int_equal(again.verified, 1772366400);
	assert_false(again.destroy);
	assert_int_equal(again.nservices, 3);
	assert_string_equal(again.services[1].service, "rustfs");
	assert_int_equal(again.services[1].phase, TC_PHASE_RETAINED);
	assert_int_equal(again.services[1].nconsumes, 0);
	assert_int_equal(again.services[2].nconsumes, 2);
	assert_string_equal(again.services[2].consumes[1], "report");
	for (size_t i = 0; i < TC_CONDITION_COUNT; i++)
		assert_int_equal(again.conditions[i].set, i == TC_CONDITION_UNAVAILABLE);
	assert_string_equal(again.conditions[TC_CONDITION_UNAVAILABLE].why, "nats: \"down\"\nsince noon");
	assert_int_equal(again.conditions[TC_CONDITION_UNAVAILABLE].since, 1772370001);
}

/* What would not be read again is not written: times of no calendar, services in disorder, texts that are none. */
static void test_written_to_be_read(void **state)
{
	static const struct tc_record_service disorder[] = {
		{.service = "nats", .phase = TC_PHASE_PENDING},
		{.service = "postgres", .phase = TC_PHASE_DEGRADED},
	};
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	_cleanup_json_ json_t *first = NULL, *second = NULL;
	struct tc_record r = record(), again = {0};

	(void)state;
	r.phase = TC_PHASE_RETAINED;
	r.retained_since = -5;
	r.verified = LLONG_MAX;
	r.services = disorder;
	r.nservices = 2;
	r.epoch = r.least_epoch = UINT_MAX;
	r.hash = NULL;
	tc_record_condition(&r, TC_CONDITION_REFUSED, "postgres: r\xf4le \xc3\xa9t\xe9\xff", 1);
	first = tc_record_write(&r, NS);
	second = read_and_write(mem, &again, first);
	assert_string_equal(content_of(first), content_of(second));
	assert_int_equal(again.retained_since, 0);
	assert_int_equal(again.verified, 253402300799);
	assert_int_equal(again.epoch, UINT_MAX);
	assert_string_equal(again.hash, "");
	assert_string_equal(again.services[0].service, "postgres");
	assert_string_equal(again.services[1].service, "nats");
	assert_string_equal(again.conditions[TC_CONDITION_REFUSED].why,
			    "postgres: r\xef\xbf\xbdle \xc3\xa9t\xef\xbf\xbd\xef\xbf\xbd");
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

static void expect_refused(const json_t *configmap, const char *message)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	struct tc_record r = {.epoch = 77};
	struct tc_error err = {0};

	assert_int_equal(tc_record_read(&r, mem, configmap, &err), -1);
	assert_string_equal(err.msg, message);
	assert_int_equal(err.code, TC_E_REJECTED);
	assert_int_equal(r.epoch, 77); /* the caller's is as it was */
}

static json_t *parse(const char *text)
{
	json_error_t err;
	json_t *j = json_loads(text, JSON_ALLOW_NUL | JSON_DECODE_ANY, &err);

	if (!j)
		fail_msg("%s: %s", text, err.text);
	return j;
}

static json_t *valid(void)
{
	struct tc_record r = record();

	return tc_record_write(&r, NS);
}

static void set_content(json_t *configmap, json_t *content)
{
	json_object_set_new(json_object_get(configmap, "data"), "record.json", content);
}

#define IN "configmap exo.shop.web: data[\"record.json\"]"

/* The document as it was written, but for the member at path (names and indexes between slashes). */
static void expect_member_refused(const char *path, const char *value, const char *message)
{
	_cleanup_json_ json_t *configmap = valid(), *document = parse(content_of(configmap));
	char names[64], whole[512], *last, *step, *rest = names, *text;
	json_t *at = document;

	snprintf(names, sizeof(names), "%s", path);
	last = strrchr(names, '/') ? strrchr(names, '/') + 1 : names;
	while ((step = strsep(&rest, "/")) && step != last)
		at = json_is_array(at) ? json_array_get(at, strtoul(step, NULL, 10)) : json_object_get(at, step);
	assert_non_null(at);
	if (json_is_array(at))
		assert_int_equal(json_array_set_new(at, strtoul(last, NULL, 10), parse(value)), 0);
	else if (value)
		assert_int_equal(json_object_set_new(at, last, parse(value)), 0);
	else
		assert_int_equal(json_object_del(at, last), 0);
	text = json_dumps(document, 0);
	set_content(configmap, json_string(text));
	free(text);
	snprintf(whole, sizeof(whole), IN "%s", message);
	expect_refused(configmap, whole);
}

static const struct member {
	const char *path, *value, *message;
} members[] = {
	/* the type of each field, and that it is there */
	{"version", NULL, ".version: expected an integer, found nothing"},
	{"version", "\"1\"", ".version: expected an integer, found a string \"1\""},
	{"version", "1.0", ".version: expected an integer, found a number with a fraction or an exponent"},
	{"version", "2", ".version: expected 1, found 2; another tentc wrote it: update this one"},
	{"version", "0", ".version: expected 1, found 0; another tentc wrote it: update this one"},
	{"enclave", NULL, ".enclave: expected a string, found nothing"},
	{"enclave", "null", ".enclave: expected a string, found null"},
	{"enclave", "\"bank\"", ".enclave: is \"bank\", but the configmap's name says \"shop\""},
	{"name", "{}", ".name: expected a string, found an object"},
	{"name", "\"web2\"", ".name: is \"web2\", but the configmap's name says \"web\""},
	{"apiVersion", "[]", ".apiVersion: expected a string, found a list"},
	{"apiVersion", "\"v1\"", ".kind: \"Deployment\" of \"v1\" is no workload"},
	{"kind", "7", ".kind: expected a string, found an integer 7"},
	{"kind", "\"Secret\"", ".kind: \"Secret\" of \"apps/v1\" is no workload"},
	{"uid", "true", ".uid: expected a string, found true"},
	{"namespaceUid", "false", ".namespaceUid: expected a string, found false"},
	{"hash", NULL, ".hash: expected a string, found nothing"},
	{"epoch", "\"2\"", ".epoch: expected an integer, found a string \"2\""},
	{"epoch", "-1", ".epoch: expected 0 to 4294967295, found -1"},
	{"epoch", "4294967296", ".epoch: expected 0 to 4294967295, found 4294967296"},
	{"epoch", "1e3", ".epoch: expected an integer, found a number with a fraction or an exponent"},
	{"leastEpoch", NULL, ".leastEpoch: expected an integer, found nothing"},
	{"leastEpoch", "-9223372036854775808", ".leastEpoch: expected 0 to 4294967295, found -9223372036854775808"},
	{"phase", NULL, ".phase: expected a string, found nothing"},
	{"phase", "1", ".phase: expected a string, found an integer 1"},
	{"phase", "\"registered\"",
	 ".phase: \"registered\" is no phase; there are Pending, Registered, Degraded, Gone, Retained, Destroyed"},
	{"phase", "\"Gone\"", ".goneSince: expected a time, found nothing"},
	{"phase", "\"Retained\"", ".retainedSince: expected a time, found nothing"},
	{"goneSince", "\"2026-03-01T12:00:00Z\"", ".goneSince: only phase Gone has it"},
	{"retainedSince", "null", ".retainedSince: only phase Retained has it"},
	{"destroy", "0", ".destroy: expected true or false, found an integer 0"},
	{"destroy", NULL, ".destroy: expected true or false, found nothing"},
	{"verified", "1772366400", ".verified: expected a time, found an integer 1772366400"},
	{"verified", "null", ".verified: expected a time, found null"},
	{"services", NULL, ".services: expected a list, found nothing"},
	{"services", "{}", ".services: expected a list, found an object"},
	{"services/0", "\"postgres\"", ".services[0]: expected an object, found a string \"postgres\""},
	{"services/0/service", NULL, ".services[0].service: expected a string, found nothing"},
	{"services/0/service", "\"mysql\"",
	 ".services[0].service: \"mysql\" is no service; there are postgres, rustfs, nats, spire"},
	{"services/1/service", "\"postgres\"", ".services[1].service: postgres is there twice"},
	{"services/1/service", "\"spire\"",
	 ".services[2].service: nats comes after spire; the order is postgres, rustfs, nats, spire"},
	{"services/2/phase", NULL, ".services[2].phase: expected a string, found nothing"},
	{"services/2/phase", "\"Gone\"",
	 ".services[2].phase: \"Gone\" is no phase of a service; there are Pending, Registered, Degraded, Retained, "
	 "Destroyed"},
	{"services/0/consumes", "[\"a\"]", ".services[0].consumes: postgres has none"},
	{"services/2/consumes", "\"a\"", ".services[2].consumes: expected a list, found a string \"a\""},
	{"services/2/consumes/1", "1", ".services[2].consumes[1]: expected a string, found an integer 1"},
	{"services/2/consumes/1", "\"a_b\"",
	 ".services[2].consumes[1]: \"a_b\" has \"_\" as character 2, allowed are a-z, 0-9 and -"},
	{"services/2/consume", "[]", ".services[2]: unknown field \"consume\", did you mean \"consumes\"?"},
	{"conditions", NULL, ".conditions: expected an object, found nothing"},
	{"conditions", "[]", ".conditions: expected an object, found a list"},
	{"conditions/Unavailible", "{}",
	 ".conditions: unknown condition \"Unavailible\", did you mean \"Unavailable\"?"},
	{"conditions/Refused", "\"x\"", ".conditions.Refused: expected an object, found a string \"x\""},
	{"conditions/Unavailable/since", NULL, ".conditions.Unavailable.since: expected a time, found nothing"},
	{"conditions/Unavailable/why", "null", ".conditions.Unavailable.why: expected a string, found null"},
	{"conditions/Unavailable/by", "1", ".conditions.Unavailable: unknown field \"by\""},
	{"password", "\"x\"", ": unknown field \"password\""},
	{"Phase", "\"Gone\"", ": unknown field \"Phase\", did you mean \"phase\"?"},
};

static void test_members(void **state)
{
	(void)state;
	for (size_t i = 0; i < TC_COUNT(members); i++)
		expect_member_refused(members[i].path, members[i].value, members[i].message);
}

static void test_times(void **state)
{
	static const char *const times[] = {
		"",
		"yesterday",
		"2026-03-01",
		"2026-03-01T12:00:00",
		"2026-03-01T12:00:00z",
		"2026-03-01t12:00:00Z",
		"2026-03-01 12:00:00Z",
		"2026-03-01T12:00:00.0Z",
		"2026-03-01T12:00:00+00:00",
		"2026-02-29T12:00:00Z",
		"2026-13-01T12:00:00Z",
		"2026-00-01T12:00:00Z",
		"2026-03-00T12:00:00Z",
		"2026-03-01T24:00:00Z",
		"2026-03-01T12:60:00Z",
		"2026-03-01T12:00:60Z",
		"1969-12-31T23:59:59Z",
		"0000-00-00T00:00:00Z",
		"+026-03-01T12:00:00Z",
		"2026-3-001T12:00:00Z",
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(times); i++) {
		char value[64], message[160];

		snprintf(value, sizeof(value), "\"%s\"", times[i]);
		snprintf(message, sizeof(message),
			 ".verified: %s is no time since 1970, in UTC, such as \"2006-01-02T15:04:05Z\"", value);
		expect_member_refused("verified", value, message);
	}
}

static void test_content(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"", IN ": is not JSON, or has a key twice or a NUL: see line 1, column 0"},
		{"{\n  \"version\": 1,\n  x\n}", IN ": is not JSON, or has a key twice or a NUL: see line 3, column 3"},
		{"{\"version\": 1, \"version\": 1}",
		 IN ": is not JSON, or has a key twice or a NUL: see line 1, column 24"},
		{"{\"version\": \"\\u0000\"}", IN ": is not JSON, or has a key twice or a NUL: see line 1, column 20"},
		{"[]", IN ": expected an object, found a list"},
		{"null", IN ": expected an object, found null"},
		{"{}", IN ".version: expected an integer, found nothing"},
		/* of another version nothing else is looked at */
		{"{\"version\": 2, \"x\": 1}",
		 IN ".version: expected 1, found 2; another tentc wrote it: update this one"},
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(cases); i++) {
		_cleanup_json_ json_t *configmap = valid();

		set_content(configmap, json_string(cases[i].text));
		expect_refused(configmap, cases[i].message);
	}
}

static void test_too_large(void **state)
{
	enum { LIMIT = 1048576 };
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	_cleanup_json_ json_t *configmap = valid(), *second = NULL;
	_cleanup_buf_ struct tc_buf text = {0};
	struct tc_record r;

	(void)state;
	tc_buf_puts(&text, CONTENT);
	tc_buf_fill(&text, ' ', LIMIT - text.len);
	set_content(configmap, json_string(text.p));
	second = read_and_write(mem, &r, configmap);
	assert_string_equal(content_of(second), CONTENT);
	tc_buf_putc(&text, ' ');
	set_content(configmap, json_string(text.p));
	expect_refused(configmap, IN ": is 1048577 bytes long, at most 1048576 are read");
}

static void test_object(void **state)
{
	static const struct {
		const char *object, *message;
	} cases[] = {
		{"null", "configmap without a name: metadata.name: expected a string, found nothing"},
		{"{\"metadata\": {\"name\": 1}}",
		 "configmap without a name: metadata.name: expected a string, found an integer 1"},
		{"{\"metadata\": {\"name\": \"\"}}",
		 "configmap \"\": metadata.name: is none of a record: exo.<enclave>.<name>"},
		{"{\"metadata\": {\"name\": \"shop.web\"}}",
		 "configmap \"shop.web\": metadata.name: is none of a record: exo.<enclave>.<name>"},
		{"{\"metadata\": {\"name\": \"exo.shop\"}}",
		 "configmap \"exo.shop\": metadata.name: is none of a record: exo.<enclave>.<name>"},
		{"{\"metadata\": {\"name\": \"exo..web\"}}",
		 "configmap \"exo..web\": metadata.name: the enclave in it is empty"},
		{"{\"metadata\": {\"name\": \"exo.shop.web.x\"}}",
		 "configmap \"exo.shop.web.x\": metadata.name: the name in it has \".\" as character 4, allowed are "
		 "a-z, "
		 "0-9 and -"},
		{"{\"metadata\": {\"name\": \"exo.shop.web\\u0000\"}}",
		 "configmap \"exo.shop.web\\u0000\": metadata.name: the name in it has \"\\u0000\" as character 4, "
		 "allowed "
		 "are a-z, 0-9 and -"},
		{"{\"metadata\": {\"name\": \"exo.shop.web\"}}",
		 "configmap exo.shop.web: data: expected an object, found nothing"},
		{"{\"metadata\": {\"name\": \"exo.shop.web\"}, \"data\": []}",
		 "configmap exo.shop.web: data: expected an object, found a list"},
		{"{\"metadata\": {\"name\": \"exo.shop.web\"}, \"data\": {}}", IN ": expected a string, found nothing"},
		{"{\"metadata\": {\"name\": \"exo.shop.web\"}, \"data\": {\"record.json\": 1}}",
		 IN ": expected a string, found an integer 1"},
		{"{\"metadata\": {\"name\": \"exo.shop.web\"}, \"data\": {\"record.json\": \"\", \"x.json\": \"\"}}",
		 "configmap exo.shop.web: data: expected record.json alone, found \"x.json\""},
		{"{\"metadata\": {\"name\": \"exo.shop.web\"}, \"data\": {}, \"binaryData\": {\"x\": \"AA==\"}}",
		 "configmap exo.shop.web: binaryData: a record has none"},
		{"{\"metadata\": {\"name\": \"exo.shop.web\", \"resourceVersion\": 1}, \"data\": {}}",
		 "configmap exo.shop.web: metadata.resourceVersion: expected a string, found an integer 1"},
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(cases); i++) {
		_cleanup_json_ json_t *object = parse(cases[i].object);

		expect_refused(object, cases[i].message);
	}
}

/* A record in a list has no version of its own where the server sent none. */
static void test_without_version(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	_cleanup_json_ json_t *configmap = valid(), *second = NULL;
	struct tc_record r;

	(void)state;
	json_object_del(json_object_get(configmap, "metadata"), "resourceVersion");
	second = read_and_write(mem, &r, configmap);
	assert_string_equal(r.version, "");
}

/* --- the schema --------------------------------------------------------------------------------------------------- */

/* The sorted keys, one a line. */
static char *keys_of(json_t *object)
{
	_cleanup_json_ json_t *copy = json_copy(object);
	const char *key;
	json_t *j;
	void *next;

	json_object_foreach_safe(copy, next, key, j) json_object_set_new(copy, key, json_null());
	return json_dumps(copy, JSON_SORT_KEYS | JSON_INDENT(1));
}

static void expect_same_keys(json_t *schema, json_t *written)
{
	char *a = keys_of(json_object_get(schema, "properties")), *b = keys_of(written);

	assert_string_equal(a, b);
	free(a);
	free(b);
}

/* It is made from words of its own: they are those that are written. */
static void test_schema(void **state)
{
	static const struct tc_record_service consuming = {"nats", TC_PHASE_PENDING, others, TC_COUNT(others)};
	_cleanup_buf_ struct tc_buf out = {0};
	_cleanup_json_ json_t *schema = NULL, *written = json_object();
	json_t *properties, *definitions, *words, *condition;
	struct tc_record r = record();

	(void)state;
	tc_record_schema(&out);
	schema = parse(out.p);
	properties = json_object_get(schema, "properties");
	definitions = json_object_get(schema, "$defs");
	r.services = &consuming;
	r.nservices = 1;
	for (size_t i = 0; i < TC_CONDITION_COUNT; i++)
		tc_record_condition(&r, (enum tc_condition_type)i, "x", 1);
	words = json_object_get(json_object_get(properties, "phase"), "enum");
	assert_int_equal(json_array_size(words), TC_PHASE_DESTROYED + 1);
	for (int phase = TC_PHASE_PENDING; phase <= TC_PHASE_DESTROYED; phase++) {
		_cleanup_json_ json_t *configmap = NULL, *document = NULL;

		r.phase = (enum tc_phase)phase;
		assert_string_equal(json_string_value(json_array_get(words, (size_t)phase)), tc_phase_name(r.phase));
		configmap = tc_record_write(&r, NS);
		document = parse(content_of(configmap));
		json_object_update(written, document);
	}
	expect_same_keys(schema, written);
	expect_same_keys(json_object_get(properties, "conditions"), json_object_get(written, "conditions"));
	expect_same_keys(json_object_get(definitions, "service"),
			 json_array_get(json_object_get(written, "services"), 0));
	condition = json_object_get(json_object_get(written, "conditions"), "Invalid");
	expect_same_keys(json_object_get(definitions, "condition"), condition);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_object),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_condition),
		cmocka_unit_test(test_round_trip_phases),
		cmocka_unit_test(test_round_trip_conditions),
		cmocka_unit_test(test_round_trip_services),
		cmocka_unit_test(test_every_field),
		cmocka_unit_test(test_written_to_be_read),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_content),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_object),
		cmocka_unit_test(test_without_version),
		cmocka_unit_test(test_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
