/* One operation over all services of a tentacle: each ends for itself. What services do is tests/integration's. */
#include "tests/unit/unit.h"

#include "registrars/tentacle.h"

struct asked {
	char services[128];
	const char *refuse; /* its administrator cannot be read */
};

static int read_admin(void *self, struct tc_admin *out, const struct tc_service_config *service, struct tc_error *err)
{
	struct asked *a = self;
	size_t n = strlen(a->services);

	snprintf(a->services + n, sizeof(a->services) - n, " %s", service->service->key);
	*out = (struct tc_admin){.user = "admin"};
	if (a->refuse && strcmp(a->refuse, service->service->key) == 0)
		return tc_fail(err, TC_E_USAGE, "%s: no password", service->service->key);
	return 0;
}

/* Nobody listens there. */
static struct tc_config *config_of(struct tc_arena *mem)
{
	struct tc_config *config = tc_config_default(mem);

	for (size_t i = 0; i < config->nservices; i++) {
		if (!config->services[i].host)
			continue;
		config->services[i].host = "127.0.0.1";
		config->services[i].port = 1;
	}
	return config;
}

static struct tc_wanted wants_all(struct tc_arena *mem, const struct tc_config *config)
{
	struct tc_wanted wanted = {.enclave = "shop", .name = "web", .epoch = 2, .nservices = config->nservices};

	wanted.services = tc_alloc(mem, config->nservices * sizeof(*wanted.services));
	for (size_t i = 0; i < config->nservices; i++)
		wanted.services[i].config = &config->services[i];
	return wanted;
}

static void test_one_failure_stops_no_other(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(16 * 1024);
	struct tc_config *config = config_of(mem);
	struct asked asked = {.refuse = "rustfs"};
	_cleanup_(tc_crew_free) struct tc_crew *crew = tc_crew_new(
		&(struct tc_crew_conf){.config = config, .seconds = 2, .admin = read_admin, .admin_self = &asked});
	struct tc_wanted wanted = wants_all(mem, config);
	struct tc_outcome out[TC_SERVICES_MAX];

	(void)state;
	assert_int_equal(wanted.nservices, 4);
	config->services[2].enabled = false;
	assert_false(tc_crew_all(crew, TC_ACT_OBSERVE, &wanted, out, mem));
	for (size_t i = 0; i < 4; i++) {
		assert_false(out[i].done);
		assert_ptr_equal(out[i].service, &config->services[i]);
	}
	assert_int_equal(out[0].err.code, TC_E_RETRY); /* it was called, and is away */
	assert_string_equal(out[1].err.msg, "rustfs: no password");
	assert_int_equal(out[2].err.code, TC_E_USAGE);
	assert_string_equal(out[2].err.msg, "nats: it is switched off in the configuration (services.nats.enabled)");
	assert_string_equal(out[3].err.msg, "spire: identities are registered in the cluster, and no cluster is given; "
					    "give --kubeconfig FILE");
	assert_string_equal(asked.services, " postgres rustfs spire");
	assert_int_equal(tc_outcomes_code(out, 4), TC_E_USAGE);
	assert_int_equal(tc_outcomes_code(out, 1), TC_E_RETRY);
}

static void test_what_no_retry_cures_comes_first(void **state)
{
	(void)state;
	assert_int_equal(tc_code_worse(TC_E_NONE, TC_E_NONE), TC_E_NONE);
	assert_int_equal(tc_code_worse(TC_E_NONE, TC_E_RETRY), TC_E_RETRY);
	assert_int_equal(tc_code_worse(TC_E_RETRY, TC_E_DIFFERS), TC_E_DIFFERS);
	assert_int_equal(tc_code_worse(TC_E_USAGE, TC_E_RETRY), TC_E_USAGE);
	assert_int_equal(tc_code_worse(TC_E_RETRY, TC_E_REJECTED), TC_E_REJECTED);
	assert_int_equal(tc_code_worse(TC_E_BUG, TC_E_REJECTED), TC_E_BUG);
}

static void test_wants_of_each_service(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(16 * 1024);
	struct tc_config *config = config_of(mem);
	struct tc_wanted wanted = wants_all(mem, config);
	const char *others[] = {"orders"};
	struct tc_want want;

	(void)state;
	wanted.services[1].consumes = others;
	wanted.services[1].nconsumes = 1;
	want = tc_want_of(&wanted, 0);
	assert_int_equal(want.nconsumes, 0);
	want = tc_want_of(&wanted, 1);
	assert_string_equal(want.enclave, "shop");
	assert_string_equal(want.name, "web");
	assert_int_equal(want.epoch, 2);
	assert_string_equal(want.consumes[0], "orders");
}

static void test_what_every_enclave_has(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(16 * 1024);
	struct tc_config *config = config_of(mem);

	(void)state;
	assert_true(tc_is_baseline(tc_config_service(config, "postgres")));
	assert_true(tc_is_baseline(tc_config_service(config, "rustfs")));
	assert_false(tc_is_baseline(tc_config_service(config, "nats")));
	assert_false(tc_is_baseline(tc_config_service(config, "spire")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_failure_stops_no_other),
		cmocka_unit_test(test_what_no_retry_cures_comes_first),
		cmocka_unit_test(test_wants_of_each_service),
		cmocka_unit_test(test_what_every_enclave_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
