/* What tc_compile says of its tentacles, for registrars. */
#include "tests/unit/unit.h"

#include "compiler/contract/catalogue.h"
#include "compiler/transform/stage.h"

static const char input[] = "apiVersion: v1\n"
			    "kind: Pod\n"
			    "metadata:\n"
			    "  name: web\n"
			    "  namespace: shop\n"
			    "  annotations:\n"
			    "    tentacular.io/credential-epoch: \"3\"\n"
			    "    tentacular.io/contract: |\n"
			    "      dependencies:\n"
			    "        tentacular-spire:\n"
			    "        tentacular-nats:\n"
			    "          consumes: [orders]\n"
			    "        github: {protocol: https, host: api.github.com}\n"
			    "spec:\n"
			    "  containers:\n"
			    "  - {name: web, image: web}\n"
			    "---\n"
			    "apiVersion: v1\n"
			    "kind: Pod\n"
			    "metadata:\n"
			    "  name: newer\n"
			    "  namespace: shop\n"
			    "  annotations:\n"
			    "    tentacular.io/level: \"99\"\n"
			    "    tentacular.io/contract: \"dependencies: {tentacular-postgres: }\"\n"
			    "spec:\n"
			    "  containers:\n"
			    "  - {name: newer, image: newer}\n"
			    "---\n"
			    "name: job\n"
			    "contract:\n"
			    "  dependencies:\n"
			    "    tentacular-rustfs:\n"
			    "    tentacular-postgres:\n";

static struct tc_result *compile(struct tc_arena *mem, const struct tc_keyring *keys)
{
	static const struct tc_limits limits = TC_LIMITS_FILE;
	struct tc_source *src = tc_alloc(mem, sizeof(*src));
	struct tc_diags *diags = tc_alloc(mem, sizeof(*diags));
	struct tc_stage stage = {
		.config = tc_config_default(mem), .enclave = "shop", .limits = &limits, .keys = keys, .wants = true};
	struct tc_result *result;
	struct tc_error err = {0};

	*src = (struct tc_source){.name = "in.yaml", .text = tc_str(input)};
	diags->mem = mem;
	assert_int_equal(tc_compile(&result, mem, (const struct tc_source *const[]){src}, 1, &stage, diags, &err), 0);
	assert_int_equal(diags->errors, 0);
	return result;
}

static const char *services(struct tc_arena *mem, const struct tc_wanted *w)
{
	const char *list = "";

	for (size_t i = 0; i < w->nservices; i++)
		list = tc_printf(mem, "%s %s", list, w->services[i].config->service->key);
	return list;
}

static void test_services_in_the_order_of_the_catalogue(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	struct tc_result *r = compile(mem, NULL);

	(void)state;
	assert_int_equal(r->tentacles, 3);
	assert_int_equal(r->nwants, 2); /* not the one whose level only a newer tentc knows */
	assert_string_equal(r->wants[0].enclave, "shop");
	assert_string_equal(r->wants[0].name, "web");
	assert_int_equal(r->wants[0].epoch, 3);
	assert_string_equal(services(mem, &r->wants[0]), " nats spire");
	assert_int_equal(r->wants[0].services[0].nconsumes, 1);
	assert_string_equal(r->wants[0].services[0].consumes[0], "orders");
	assert_null(r->wants[1].compiled);
	assert_string_equal(r->wants[1].name, "job");
	assert_int_equal(r->wants[1].epoch, 0);
	assert_string_equal(services(mem, &r->wants[1]), " postgres rustfs");
}

static void test_objects_as_they_are_printed(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	_cleanup_buf_ struct tc_buf printed = {0};
	static const char *const kinds[] = {"Secret", "NetworkPolicy", "ClusterSPIFFEID"};
	static const struct tc_limits limits = TC_LIMITS_FILE;
	struct tc_result *r = compile(mem, NULL);
	struct tc_error err = {0};

	(void)state;
	assert_int_equal(tc_result_write_json(&printed, &r->sources[0], TC_CLUSTER_SCOPED_INCLUDE, &limits, &err), 0);
	assert_int_equal(r->wants[0].nobjects, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct tc_wanted_object *o = &r->wants[0].objects[i];

		assert_string_equal(o->kind, kinds[i]);
		assert_non_null(strstr(printed.p, tc_printf(mem, "%.*s\n", TC_STR_ARG(o->json))));
		assert_non_null(strstr(o->json.s, tc_printf(mem, "\"name\":\"%s\"", o->name)));
	}
	assert_non_null(strstr(printed.p, tc_printf(mem, "\"tentacular.io/compiled\":\"%s\"", r->wants[0].compiled)));
	assert_string_equal(r->wants[0].objects[0].ns, "shop");
	assert_null(r->wants[0].objects[2].ns);
	assert_string_equal(r->wants[0].objects[2].name, "tentacular.shop.web");
	assert_int_equal(r->wants[1].nobjects, 2);
}

static void test_credentials_with_keys_only(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	_cleanup_(tc_keyring_free) struct tc_keyring *keys = NULL;
	struct tc_source file = {.name = "keys", .text = TC_STR("k1: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")};
	struct tc_diags diags = {.mem = mem};

	(void)state;
	keys = tc_keyring_parse(&file, &diags);
	assert_non_null(keys);
	assert_non_null(strstr(compile(mem, keys)->wants[1].objects[0].json.s, "tentacular-postgres.password"));
	assert_null(strstr(compile(mem, NULL)->wants[1].objects[0].json.s, "tentacular-postgres.password"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_services_in_the_order_of_the_catalogue),
		cmocka_unit_test(test_objects_as_they_are_printed),
		cmocka_unit_test(test_credentials_with_keys_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
