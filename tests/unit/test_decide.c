#include "controller/decide.h"

#include "tests/unit/unit.h"

#define NOW 100000
#define GRACE 60
#define JOB_GRACE 86400
#define DELAY 3600

static const struct tc_policy policy = {.grace = GRACE, .job_grace = JOB_GRACE, .destroy_delay = DELAY};
static const struct tc_policy annotated = {.grace = GRACE,
					   .job_grace = JOB_GRACE,
					   .destroy_delay = DELAY,
					   .allow_annotation = true};
static const struct tc_policy held = {.grace = GRACE,
				      .job_grace = JOB_GRACE,
				      .destroy_delay = DELAY,
				      .allow_annotation = true,
				      .removals_held = true};

/* A registered Deployment, and the same Deployment as it is found: each test changes what it is about. */
static struct tc_record record(enum tc_phase phase)
{
	return (struct tc_record){
		.enclave = "shop",
		.name = "web",
		.api_version = "apps/v1",
		.kind = "Deployment",
		.uid = "w1",
		.namespace_uid = "n1",
		.hash = "h1",
		.epoch = 2,
		.least_epoch = 2,
		.phase = phase,
		.gone_since = phase == TC_PHASE_GONE ? NOW - GRACE : 0,
		.retained_since = phase == TC_PHASE_RETAINED ? NOW - DELAY : 0,
		.version = "1",
	};
}

static struct tc_view view(const struct tc_record *r)
{
	return (struct tc_view){
		.record = r,
		.namespace = TC_THERE_YES,
		.namespace_uid = "n1",
		.enclave = true,
		.workload = TC_THERE_YES,
		.api_version = "apps/v1",
		.kind = "Deployment",
		.uid = "w1",
		.hash = "h1",
		.epoch = 2,
	};
}

static struct tc_view missing(const struct tc_record *r)
{
	struct tc_view v = view(r);

	v.workload = TC_THERE_NO;
	v.uid = v.hash = v.kind = v.api_version = NULL;
	return v;
}

static void expect_with(const struct tc_policy *p, const struct tc_view *v, enum tc_next next, long long due,
			enum tc_condition_type condition, const char *why)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	struct tc_decision d = tc_decide(mem, v, p, NOW);

	assert_int_equal(d.next, next);
	assert_int_equal(d.due, due);
	assert_int_equal(d.condition, condition);
	if (why)
		assert_string_equal(d.why, why);
	else
		assert_null(d.why);
}

static void expect(const struct tc_view *v, enum tc_next next)
{
	expect_with(&policy, v, next, 0, TC_CONDITION_COUNT, NULL);
}

static void test_new_and_changed(void **state)
{
	struct tc_record r = record(TC_PHASE_REGISTERED);
	struct tc_view v = view(NULL);

	(void)state;
	expect(&v, TC_NEXT_REGISTER);
	v = view(&r);
	expect(&v, TC_NEXT_NOTHING);
	v.hash = "h2";
	expect(&v, TC_NEXT_REGISTER);
	/* kubectl replace --force: another object of the same name, in the same namespace */
	v = view(&r);
	v.uid = "w2";
	expect(&v, TC_NEXT_REGISTER);
	v = view(&r);
	v.epoch = 3;
	expect(&v, TC_NEXT_REGISTER);
	/* the annotation is copied into the record, and out of it again */
	v = view(&r);
	v.destroy = true;
	expect(&v, TC_NEXT_REGISTER);
	r.destroy = true;
	v.destroy = false;
	expect(&v, TC_NEXT_REGISTER);
}

static void test_phases_that_are_not_done(void **state)
{
	static const enum tc_phase phases[] = {TC_PHASE_PENDING, TC_PHASE_DEGRADED, TC_PHASE_GONE, TC_PHASE_RETAINED,
					       TC_PHASE_DESTROYED};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(phases); i++) {
		struct tc_record r = record(phases[i]);
		struct tc_view v = view(&r);

		expect(&v, TC_NEXT_REGISTER);
	}
	/* what a condition said is over: the record has to say so */
	for (size_t i = 0; i < TC_CONDITION_COUNT; i++) {
		struct tc_record r = record(TC_PHASE_REGISTERED);
		struct tc_view v = view(&r);

		r.conditions[i].set = true;
		expect(&v, TC_NEXT_REGISTER);
	}
}

/* An API that does not answer plainly changes nothing, whatever the record says. */
static void test_what_is_not_known(void **state)
{
	(void)state;
	for (int phase = TC_PHASE_PENDING; phase <= TC_PHASE_DESTROYED; phase++) {
		struct tc_record r = record((enum tc_phase)phase);
		struct tc_view v = view(&r);

		r.destroy = true;
		v.workload = TC_THERE_UNKNOWN;
		expect_with(&annotated, &v, TC_NEXT_NOTHING, 0, TC_CONDITION_COUNT, NULL);
		v = missing(&r);
		v.namespace = TC_THERE_UNKNOWN;
		expect_with(&annotated, &v, TC_NEXT_NOTHING, 0, TC_CONDITION_COUNT, NULL);
	}
}

/* Gone is what two looks missed, the grace apart. */
static void test_gone(void **state)
{
	struct tc_record r = record(TC_PHASE_REGISTERED);
	struct tc_view v = missing(&r);

	(void)state;
	expect_with(&policy, &v, TC_NEXT_GONE, NOW + GRACE, TC_CONDITION_COUNT, NULL);
	r = record(TC_PHASE_GONE);
	r.gone_since = NOW - GRACE + 1;
	expect_with(&policy, &v, TC_NEXT_LOOK, NOW + 1, TC_CONDITION_COUNT, NULL);
	r.gone_since = NOW - GRACE;
	expect(&v, TC_NEXT_RETAIN);
	/* the clock was set back */
	r.gone_since = NOW + 1000;
	expect_with(&policy, &v, TC_NEXT_LOOK, NOW + 1000 + GRACE, TC_CONDITION_COUNT, NULL);
	/* a namespace that is gone takes its label with it */
	r.gone_since = NOW - GRACE;
	v.namespace = TC_THERE_NO;
	v.namespace_uid = NULL;
	v.enclave = false;
	expect(&v, TC_NEXT_RETAIN);
	/* a finished Job keeps its grant */
	v = missing(&r);
	r.kind = "Job";
	expect_with(&policy, &v, TC_NEXT_LOOK, NOW - GRACE + JOB_GRACE, TC_CONDITION_COUNT, NULL);
	r.gone_since = NOW - JOB_GRACE;
	expect(&v, TC_NEXT_RETAIN);
	/* what never had a record is nobody's */
	v = missing(NULL);
	expect(&v, TC_NEXT_NOTHING);
}

static void test_removals_held(void **state)
{
	static const char why[] = "it would be retained, but too many tentacles went away at once; if that was meant: "
				  "tentc resume";
	struct tc_record r = record(TC_PHASE_GONE);
	struct tc_view v = missing(&r);

	(void)state;
	expect_with(&held, &v, TC_NEXT_LOOK, 0, TC_CONDITION_REMOVALS_HELD, why);
	/* registering is never held */
	v = view(NULL);
	expect_with(&held, &v, TC_NEXT_REGISTER, 0, TC_CONDITION_COUNT, NULL);
	r = record(TC_PHASE_REGISTERED);
	v = view(&r);
	v.namespace_uid = "n2";
	expect_with(&held, &v, TC_NEXT_LOOK, 0, TC_CONDITION_REMOVALS_HELD, why);
	r = record(TC_PHASE_RETAINED);
	r.destroy = true;
	v = missing(&r);
	expect_with(&held, &v, TC_NEXT_LOOK, 0, TC_CONDITION_REMOVALS_HELD,
		    "it would be destroyed, but too many tentacles went away at once; if that was meant: tentc resume");
}

/* A label that was lost is a condition, never a removal. */
static void test_label_lost(void **state)
{
	static const enum tc_phase phases[] = {TC_PHASE_PENDING, TC_PHASE_REGISTERED, TC_PHASE_DEGRADED, TC_PHASE_GONE};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(phases); i++) {
		struct tc_record r = record(phases[i]);
		struct tc_view v = missing(&r);

		v.enclave = false;
		expect_with(&policy, &v, TC_NEXT_LOOK, 0, TC_CONDITION_NOT_ENCLAVE,
			    "the workload is gone, but the namespace has no label tentacular.io/enclave any more: "
			    "nothing is taken away until it is back; tentc undeploy does it by hand");
		v = view(&r);
		v.enclave = false;
		v.hash = "h2";
		expect_with(&policy, &v, TC_NEXT_LOOK, 0, TC_CONDITION_NOT_ENCLAVE,
			    "the namespace has no label tentacular.io/enclave any more: nothing is changed until it is "
			    "back, or the workload is deleted");
	}
	struct tc_view v = view(NULL);

	v.enclave = false;
	expect(&v, TC_NEXT_NOTHING);
}

/* The name was used again by somebody else: access ends, and what was kept is not handed over. */
static void test_owner_changed(void **state)
{
	static const char why[] =
		"namespace shop was made anew; what web kept is not given to it unasked: tentc enclave "
		"adopt shop";
	struct tc_record r = record(TC_PHASE_REGISTERED);
	struct tc_view v = view(&r);

	(void)state;
	v.namespace_uid = "n2";
	expect(&v, TC_NEXT_RETAIN);
	r = record(TC_PHASE_RETAINED);
	expect_with(&policy, &v, TC_NEXT_LOOK, 0, TC_CONDITION_OWNER_CHANGED, why);
	v.epoch = 99;
	expect_with(&policy, &v, TC_NEXT_LOOK, 0, TC_CONDITION_OWNER_CHANGED, why);
	/* adopted: the record has the new uid, and asks for an epoch that nobody knows a password of */
	r.namespace_uid = "n2";
	r.least_epoch = 3;
	v.epoch = 2;
	expect_with(&policy, &v, TC_NEXT_LOOK, 0, TC_CONDITION_EPOCH_LOWERED,
		    "tentacular.io/credential-epoch is 2, at least 3 was expected: a password that was replaced never "
		    "comes back");
	v.epoch = 3;
	expect(&v, TC_NEXT_REGISTER);
}

static void test_epoch(void **state)
{
	struct tc_record r = record(TC_PHASE_REGISTERED);
	struct tc_view v = view(&r);

	(void)state;
	v.epoch = 1;
	expect_with(&policy, &v, TC_NEXT_LOOK, 0, TC_CONDITION_EPOCH_LOWERED,
		    "tentacular.io/credential-epoch is 1, at least 2 was expected: a password that was replaced never "
		    "comes back");
	/* behind a tombstone the same owner may have its epoch again, another one may not */
	r = record(TC_PHASE_DESTROYED);
	v = view(&r);
	expect(&v, TC_NEXT_REGISTER);
	v.namespace_uid = "n2";
	expect_with(&policy, &v, TC_NEXT_LOOK, 0, TC_CONDITION_EPOCH_LOWERED,
		    "tentacular.io/credential-epoch is 2, at least 3 was expected: a password that was replaced never "
		    "comes back");
	v.epoch = 3;
	expect(&v, TC_NEXT_REGISTER);
}

static void test_name_taken(void **state)
{
	struct tc_record r = record(TC_PHASE_REGISTERED);
	struct tc_view v = view(&r);

	(void)state;
	v.kind = "StatefulSet";
	v.uid = "w2";
	v.rival = true;
	expect_with(&policy, &v, TC_NEXT_LOOK, 0, TC_CONDITION_NAME_TAKEN,
		    "the name belongs to Deployment web, which lives; StatefulSet gets nothing: give it another");
	/* the first one is gone: the name is free */
	v.rival = false;
	expect(&v, TC_NEXT_REGISTER);
}

static void test_invalid(void **state)
{
	struct tc_record r = record(TC_PHASE_REGISTERED);
	struct tc_view v = view(&r);

	(void)state;
	v.invalid = "unknown dependency";
	expect_with(&policy, &v, TC_NEXT_LOOK, 0, TC_CONDITION_INVALID, "unknown dependency");
	v = view(NULL);
	v.invalid = "unknown dependency";
	expect(&v, TC_NEXT_NOTHING);
}

/* Destroying takes the annotation, the permission to use it, and the delay. */
static void test_destroy(void **state)
{
	struct tc_record r = record(TC_PHASE_RETAINED);
	struct tc_view v = missing(&r);

	(void)state;
	expect_with(&annotated, &v, TC_NEXT_NOTHING, 0, TC_CONDITION_COUNT, NULL);
	r.destroy = true;
	expect(&v, TC_NEXT_NOTHING); /* not allowed */
	expect_with(&annotated, &v, TC_NEXT_DESTROY, 0, TC_CONDITION_COUNT, NULL);
	r.retained_since = NOW - DELAY + 1;
	expect_with(&annotated, &v, TC_NEXT_LOOK, NOW + 1, TC_CONDITION_COUNT, NULL);
	/* a new deployment cancels it */
	v = view(&r);
	expect_with(&annotated, &v, TC_NEXT_REGISTER, 0, TC_CONDITION_COUNT, NULL);
	r = record(TC_PHASE_DESTROYED);
	r.destroy = true;
	v = missing(&r);
	expect_with(&annotated, &v, TC_NEXT_NOTHING, 0, TC_CONDITION_COUNT, NULL);
}

/* Nothing but a gone workload, another owner, or the annotation ever takes something away: over all combinations. */
static void test_what_takes_away(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	unsigned removals = 0;

	(void)state;
	for (unsigned bits = 0; bits < 1u << 11; bits++) {
		for (int phase = TC_PHASE_PENDING; phase <= TC_PHASE_DESTROYED; phase++) {
			struct tc_record r = record((enum tc_phase)phase);
			struct tc_view v = view(&r);
			struct tc_policy p = bits & 1 ? annotated : policy;
			struct tc_decision d;

			p.removals_held = bits & 2;
			r.destroy = bits & 4;
			v.enclave = !(bits & 8);
			v.namespace_uid = bits & 16 ? "n2" : "n1";
			v.invalid = bits & 32 ? "invalid" : NULL;
			v.rival = bits & 64;
			v.epoch = bits & 128 ? 0 : 2;
			v.workload = (enum tc_there)(bits >> 8 & 3);
			v.namespace = bits & 1024 ? TC_THERE_NO : TC_THERE_YES;
			if (v.workload > TC_THERE_YES)
				continue;
			d = tc_decide(mem, &v, &p, NOW);
			if (d.next != TC_NEXT_RETAIN && d.next != TC_NEXT_DESTROY)
				continue;
			removals++;
			assert_false(p.removals_held);
			assert_int_not_equal(v.workload, TC_THERE_UNKNOWN);
			assert_true(v.namespace == TC_THERE_NO || v.enclave || d.next == TC_NEXT_DESTROY);
			if (d.next == TC_NEXT_DESTROY)
				assert_true(r.destroy && p.allow_annotation && phase == TC_PHASE_RETAINED &&
					    v.workload == TC_THERE_NO);
			else if (v.workload == TC_THERE_YES)
				assert_true(bits & 16);
			else
				assert_int_equal(phase, TC_PHASE_GONE);
		}
	}
	assert_true(removals > 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_and_changed),   cmocka_unit_test(test_phases_that_are_not_done),
		cmocka_unit_test(test_what_is_not_known), cmocka_unit_test(test_gone),
		cmocka_unit_test(test_removals_held),     cmocka_unit_test(test_label_lost),
		cmocka_unit_test(test_owner_changed),     cmocka_unit_test(test_epoch),
		cmocka_unit_test(test_name_taken),        cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_destroy),           cmocka_unit_test(test_what_takes_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
