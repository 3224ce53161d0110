/* Many tentacles at once, over services that are not there: all of them are told so, each for itself, and soon. What
 * services do is tests/integration's. */
#include "tests/unit/unit.h"

#include <time.h>

#include "cli/cluster/fleet.h"

#define MANY 60

struct asked {
	unsigned times;
	const char *refuse; /* its administrator cannot be read */
};

static int read_admin(void *self, struct tc_admin *out, const struct tc_service_config *service, struct tc_error *err)
{
	static unsigned char password[] = "x";
	struct asked *a = self;

	a->times++;
	*out = (struct tc_admin){.user = "admin", .password = {.bytes = password, .len = 1}};
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

static struct tc_wanted *many(struct tc_arena *mem, const struct tc_config *config)
{
	struct tc_wanted *wants = tc_alloc(mem, MANY * sizeof(*wants));

	for (size_t i = 0; i < MANY; i++) {
		wants[i] = (struct tc_wanted){.enclave = i % 2 ? "shop" : "mill",
					      .name = tc_printf(mem, "web-%zu", i),
					      .nservices = i % 3 ? 2 : 1};
		wants[i].services = tc_alloc(mem, 2 * sizeof(*wants[i].services));
		wants[i].services[0].config = &config->services[0];
		wants[i].services[1].config = &config->services[1];
	}
	return wants;
}

static void run(struct tc_fleet *fleet, const struct tc_wanted *wants, size_t n, enum tc_code first,
		enum tc_code second)
{
	const enum tc_code codes[] = {first, second};

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < wants[i].nservices; k++) {
			const struct tc_settled *s;
			const char *what;

			assert_false(tc_fleet_step(fleet, i, k, &what));
			s = tc_fleet_settled(fleet, i, k);
			assert_false(s->tried);
			assert_false(s->seen.done);
			assert_ptr_equal(s->seen.service, wants[i].services[k].config);
			assert_int_equal(s->seen.err.code, codes[k]);
			assert_true(strncmp(s->seen.err.msg, k ? "rustfs: " : "postgres: ", k ? 8 : 10) == 0);
		}
}

static void test_services_that_are_away(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(16 * 1024);
	struct tc_config *config = config_of(mem);
	struct asked asked = {0};
	struct tc_wanted *wants = many(mem, config);
	_cleanup_(tc_fleet_free) struct tc_fleet *fleet = tc_fleet_start(&(struct tc_fleet_conf){
		.crew = {.config = config, .seconds = 2, .admin = read_admin, .admin_self = &asked},
		.wants = wants,
		.nwants = MANY});

	(void)state;
	run(fleet, wants, MANY, TC_E_RETRY, TC_E_RETRY);
	assert_in_range(asked.times, 2, 8); /* once in each thread */
}

static void test_an_administrator_that_is_unknown(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(16 * 1024);
	struct tc_config *config = config_of(mem);
	struct asked asked = {.refuse = "rustfs"};
	struct tc_wanted *wants = many(mem, config);
	_cleanup_(tc_fleet_free) struct tc_fleet *fleet = tc_fleet_start(&(struct tc_fleet_conf){
		.crew = {.config = config, .seconds = 2, .admin = read_admin, .admin_self = &asked},
		.wants = wants,
		.nwants = MANY,
		.plan = true});

	(void)state;
	run(fleet, wants, MANY, TC_E_RETRY, TC_E_USAGE);
}

static void test_one_alone_and_none(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(16 * 1024);
	struct tc_config *config = config_of(mem);
	struct asked asked = {0};
	struct tc_wanted *wants = many(mem, config);

	(void)state;
	for (size_t n = 0; n < 3; n++) {
		_cleanup_(tc_fleet_free) struct tc_fleet *fleet = tc_fleet_start(&(struct tc_fleet_conf){
			.crew = {.config = config, .seconds = 2, .admin = read_admin, .admin_self = &asked},
			.wants = wants,
			.nwants = n});

		run(fleet, wants, n, TC_E_RETRY, TC_E_RETRY);
	}
}

/* Nobody waits for what it still does. */
static void test_ended_early(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(16 * 1024);
	struct tc_config *config = config_of(mem);
	struct asked asked = {0};
	struct tc_fleet *fleet = tc_fleet_start(&(struct tc_fleet_conf){
		.crew = {.config = config, .seconds = 2, .admin = read_admin, .admin_self = &asked},
		.wants = many(mem, config),
		.nwants = MANY});

	(void)state;
	tc_fleet_free(fleet);
	tc_fleet_free(NULL);
	assert_in_range(asked.times, 2, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_services_that_are_away),
		cmocka_unit_test(test_an_administrator_that_is_unknown),
		cmocka_unit_test(test_one_alone_and_none),
		cmocka_unit_test(test_ended_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
