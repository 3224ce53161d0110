#include "compiler/contract/catalogue.h"

#include "compiler/contract/identity.h"
#include "tests/unit/unit.h"

#define COUNTING "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define A62 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct tc_keyring *ring_of(struct tc_arena *mem)
{
	struct tc_source *src = tc_alloc(mem, sizeof(*src));
	struct tc_diags diags = {.mem = mem};

	*src = (struct tc_source){.name = "root.key", .text = TC_STR("k1: " COUNTING "\n")};
	return tc_keyring_parse(src, &diags);
}

/* Every row of every service: "<service>.<name> <flags> = <value>". */
static void add_values(struct tc_buf *out, struct tc_subject *s)
{
	static const char letters[] = "CFSPIUN";

	for (size_t i = 0; tc_services[i]; i++) {
		s->service = tc_config_service(s->config, tc_services[i]->key);
		for (const struct tc_value *row = tc_services[i]->values; row->name; row++) {
			const char *value = tc_value_of(s, row);

			assert_non_null(row->help);
			if (!value)
				continue;
			tc_buf_printf(out, "%s.%s ", tc_services[i]->key, row->name);
			for (size_t bit = 0; letters[bit]; bit++)
				if (row->flags & 1u << bit)
					tc_buf_putc(out, letters[bit]);
			tc_buf_printf(out, " = %s\n", value);
		}
	}
}

static void test_default_values(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	struct tc_subject s = {.mem = mem,
			       .config = tc_config_default(mem),
			       .enclave = "my-enclave",
			       .name = "myworkflow"};
	_cleanup_buf_ struct tc_buf out = {0};

	(void)state;
	add_values(&out, &s);
	assert_string_equal(out.p, "postgres.protocol CS = postgres\n"
				   "postgres.host CS = postgres.tentacular-system.svc\n"
				   "postgres.port CSN = 5432\n"
				   "postgres.database CSI = tentacular\n"
				   "postgres.user CSIU = tent_my-enclave_myworkflow\n"
				   "postgres.schema FIU = tent_my-enclave_myworkflow\n"
				   "postgres.group I = tentenc_my-enclave\n"
				   "rustfs.protocol CS = s3\n"
				   "rustfs.host CS = rustfs.tentacular-system.svc\n"
				   "rustfs.port CSN = 9000\n"
				   "rustfs.bucket CSI = tentacular\n"
				   "rustfs.prefix CSIU = my-enclave/myworkflow/\n"
				   "rustfs.region CS = us-east-1\n"
				   "rustfs.user IU = tent_my-enclave_myworkflow\n"
				   "nats.protocol CS = nats\n"
				   "nats.host CS = nats.tentacular-system.svc\n"
				   "nats.port CSN = 4222\n"
				   "nats.user CSIU = my-enclave.myworkflow\n"
				   "nats.subject CSIU = my-enclave.myworkflow.>\n"
				   "nats.account I = my-enclave\n"
				   "nats.inbox_prefix SU = my-enclave.myworkflow._INBOX\n"
				   "spire.protocol CS = spiffe\n"
				   "spire.id CSIU = spiffe://tentacular.local/ns/my-enclave/wf/myworkflow\n"
				   "spire.socket CS = unix:///spiffe-workload-api/spire-agent.sock\n"
				   "spire.clusterspiffeid IU = tentacular.my-enclave.myworkflow\n");
}

/* With a key the credentials come, and nothing else changes. */
static void test_credentials(void **state)
{
	static const char *const only_with_key[] = {
		"postgres.password SP = QysRaKd1QgEFANMa1537nZ68o4qBuXuE4L6GDCtv\n",
		("postgres.uri SP = postgresql://tent_my-enclave_myworkflow:QysRaKd1QgEFANMa1537nZ68o4qBuXuE4L6GDCtv@"
		 "postgres.tentacular-system.svc:5432/tentacular\n"),
		"rustfs.access_key SP = tent_my-enclave_myworkflow\n",
		"rustfs.secret_key SP = 4BArQ22InYvQEIu0aJ0O0t6ZWSdAya4AoTp6fDK4\n",
		"nats.token SP = YgKGpVX27i71410JwNUIcKLhJPa4IdbVy9kXrBVm\n",
	};
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new_secret(4096);
	_cleanup_(tc_keyring_free) struct tc_keyring *ring = ring_of(mem);
	struct tc_subject s = {.mem = mem,
			       .config = tc_config_default(mem),
			       .enclave = "my-enclave",
			       .name = "myworkflow"};
	_cleanup_buf_ struct tc_buf without = {0}, with = {0};
	size_t added = 0;

	(void)state;
	add_values(&without, &s);
	s.keys = ring;
	add_values(&with, &s);
	for (size_t i = 0; i < TC_COUNT(only_with_key); i++) {
		assert_non_null(strstr(with.p, only_with_key[i]));
		added += strlen(only_with_key[i]);
	}
	assert_int_equal(with.len, without.len + added);
}

static const char *postgres_uri(struct tc_subject *s, struct tc_config *config)
{
	s->config = config;
	s->service = tc_config_service(config, "postgres");
	return tc_value_named(s, "uri");
}

static void test_postgres_uri(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new_secret(4096);
	_cleanup_(tc_keyring_free) struct tc_keyring *ring = ring_of(mem);
	struct tc_config *config = tc_config_default(mem);
	struct tc_service_config *postgres = &config->services[0];
	struct tc_subject s = {.mem = mem, .enclave = "e", .name = "n", .keys = ring};
	const char *uri;

	(void)state;
	postgres->host = "2001:db8::7";
	postgres->port = 6432;
	postgres->tls_mode = "verify-full";
	postgres->settings[0] = "data of/{enclave}?\xc3\xa9";
	uri = postgres_uri(&s, config);
	assert_memory_equal(uri, "postgresql://tent_e_n:", strlen("postgresql://tent_e_n:"));
	assert_string_equal(strchr(uri, '@'), "@[2001:db8::7]:6432/data%20of%2Fe%3F%C3%A9?sslmode=verify-full");
}

/* What the platform may set and by default doesn't. */
static void test_optional_values(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	struct tc_config *config = tc_config_default(mem);
	struct tc_subject s = {.mem = mem, .config = config, .enclave = "e", .name = "n"};

	(void)state;
	s.service = &config->services[2];
	assert_null(tc_value_named(&s, "tls_mode"));
	assert_null(tc_value_named(&s, "ca"));
	config->services[2].tls_mode = "require";
	config->services[2].tls_ca = "-----BEGIN CERTIFICATE-----\n";
	assert_string_equal(tc_value_named(&s, "tls_mode"), "require");
	assert_string_equal(tc_value_named(&s, "ca"), "-----BEGIN CERTIFICATE-----\n");
	config->services[2].settings[0] = "single";
	assert_string_equal(tc_value_named(&s, "subject"), "e.n.*");

	s.service = &config->services[3];
	assert_null(tc_value_named(&s, "class_name"));
	config->services[3].settings[0] = "{enclave}.example.org";
	config->services[3].settings[1] = "spire-{enclave}";
	assert_string_equal(tc_value_named(&s, "id"), "spiffe://e.example.org/ns/e/wf/n");
	assert_string_equal(tc_value_named(&s, "class_name"), "spire-e");
	assert_string_equal(tc_services[3]->socket(&s), "unix:///spiffe-workload-api/spire-agent.sock");
}

/* Pairs that a careless rule would join into one name. */
static const char *const pairs[][2] = {
	{"a-b", "c"},
	{"a", "b-c"},
	{"a", "b"},
	{"b", "a"},
	{"a-", "b"}, /* not even labels: the rule holds without the check */
	{"a", "-b"},
	{"ab", "c"},
	{"a", "bc"},
	{"enc", "a"},
	{"e", "nc-a"},
	{"enc-a", "x"},
	{"a", "a"},
	{"aa", "a"},
	{"a", "aa"},
	{"tent", "tent"},
	{"tent-tent", "tent"},
	{"wf", "ns"},
	{"ns", "wf"},
	{A62 "a", A62 "a"},
	{A62 "a", A62 "b"},
	{A62 "b", A62 "a"},
	{A62 "a", "a"},
	{A62 "b", "a"},
	{A62, "a-a"},
	{A62 "a", "-a"},
	{"a", A62 "a"},
	{"a", A62 "b"},
	{"aa", A62 "a"},
	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},  /* 63 bytes in Postgres */
	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}, /* 64 */
	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbb"},
	/* the long form of a name of 63 a's, as a name: it holds underscores, so it can only be an attempt */
	{"aaaaaaaaaaaaaaaaaaaaaaaa", "73314bacb93053c818e3cf29f9864a92"},
};

static void expect_unique(struct tc_subject *s, const struct tc_value *row)
{
	const char *seen[TC_COUNT(pairs)];

	for (size_t i = 0; i < TC_COUNT(pairs); i++) {
		s->enclave = pairs[i][0];
		s->name = pairs[i][1];
		seen[i] = tc_value_of(s, row);
		for (size_t k = 0; k < i; k++)
			if (strcmp(seen[i], seen[k]) == 0)
				fail_msg("%s %s of %s/%s and %s/%s is %s", s->service->service->key, row->name,
					 pairs[i][0], pairs[i][1], pairs[k][0], pairs[k][1], seen[i]);
	}
}

static void test_no_shared_names(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	struct tc_config *config = tc_config_default(mem);
	struct tc_subject s = {.mem = mem, .config = config};
	size_t rows = 0;

	(void)state;
	for (size_t single = 0; single < 2; single++) {
		config->services[2].settings[0] = single ? "single" : "all";
		for (size_t i = 0; i < config->nservices; i++) {
			s.service = &config->services[i];
			for (const struct tc_value *row = tc_services[i]->values; row->name; row++) {
				if (!(row->flags & TC_V_UNIQUE))
					continue;
				expect_unique(&s, row);
				rows++;
			}
		}
	}
	assert_int_equal(rows, 2 * 9);
}

/* Roles of tentacles and groups of enclaves are one kind of thing to Postgres. */
static void test_groups_are_no_roles(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);

	(void)state;
	for (size_t i = 0; i < TC_COUNT(pairs); i++) {
		const char *group = tc_name_enclave(mem, pairs[i][0]);

		for (size_t k = 0; k < TC_COUNT(pairs); k++) {
			const char *role = tc_name_tentacle(mem, pairs[k][0], pairs[k][1]);

			assert_string_not_equal(group, role);
			assert_true(strlen(role) <= 63);
			if (strcmp(pairs[i][0], pairs[k][0]) != 0)
				assert_string_not_equal(group, tc_name_enclave(mem, pairs[k][0]));
		}
	}
}

static void test_lookup(void **state)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(4096);
	size_t count, known = 0;
	const char *const *names = tc_dependency_names(mem, &count);

	(void)state;
	assert_string_equal(tc_service_of(TC_STR("tentacular-identity"))->key, "spire");
	assert_null(tc_service_of(TC_STR("tentacular-postgre")));
	assert_null(tc_service_of(TC_STR("tentacular-postgress")));
	assert_null(tc_service_of((struct tc_str){0}));
	for (size_t i = 0; i < count; i++)
		assert_non_null(tc_service_of(tc_str(names[i])));
	for (size_t i = 0; tc_services[i]; i++) {
		assert_string_equal(names[known++], tc_services[i]->dependency);
		if (tc_services[i]->alias)
			assert_string_equal(names[known++], tc_services[i]->alias);
		assert_non_null(tc_value_find(tc_services[i], "protocol"));
		assert_null(tc_value_find(tc_services[i], "protocols"));
		if (tc_services[i]->auth_field)
			assert_true(tc_value_find(tc_services[i], tc_services[i]->auth_field)->flags & TC_V_CREDENTIAL);
	}
	assert_int_equal(known, count);
}

static void test_keys_of_credentials(void **state)
{
	static const char *const want[] = {"tentacular-postgres.password", "tentacular-postgres.uri",
					   "tentacular-rustfs.access_key", "tentacular-rustfs.secret_key",
					   "tentacular-nats.token"};
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	const char *const *keys = tc_credential_keys(mem);

	(void)state;
	for (size_t i = 0; i < TC_COUNT(want); i++)
		assert_string_equal(keys[i], want[i]);
	assert_null(keys[TC_COUNT(want)]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default_values),  cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_postgres_uri),    cmocka_unit_test(test_optional_values),
		cmocka_unit_test(test_no_shared_names), cmocka_unit_test(test_groups_are_no_roles),
		cmocka_unit_test(test_lookup),          cmocka_unit_test(test_keys_of_credentials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
