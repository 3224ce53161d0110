#include "kube/credential.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kube/clock.h"
#include "unit.h"

static char folder[] = "/tmp/tentc-kube-cred.XXXXXX";
static char before[4096];

#define V1 "client.authentication.k8s.io/v1"
#define CREDENTIAL(status) "echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":" status "}'\n"

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void write_plugin(const char *text)
{
	write_file("plugin.new", "#!/bin/sh\n");
	FILE *f = fopen("plugin.new", "a");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod("plugin.new", 0700), 0);
	assert_int_equal(rename("plugin.new", "plugin"), 0);
}

static const char *const plugin_argv[] = {"./plugin", "one", "two three", NULL};
static const char *const plugin_env[] = {"GIVEN=it's", "HOME=/elsewhere", NULL};
static const struct tc_kube_exec plugin = {.command = "./plugin",
					   .argv = plugin_argv,
					   .env = plugin_env,
					   .api_version = V1,
					   .where = "config:9:5",
					   .cluster_info = true,
					   .advice = "install it"};
static const struct tc_kube_config exec_config = {.server = "https://h:1",
						  .tls_name = "n",
						  .exec = &plugin,
						  .ca = {.s = "PEM", .len = 3}};
static const struct tc_kube_config file_config = {.server = "https://h:1", .token_file = "token"};

static void check_fails(const char *script, enum tc_code code, const char *message)
{
	struct tc_kube_credential cred = {0};
	struct tc_kube_error err = {0};
	char want[512];

	if (script)
		write_plugin(script);
	assert_int_equal(tc_kube_credential_refresh(&cred, &exec_config, false, NULL, &err), -1);
	snprintf(want, sizeof(want), "config:9:5: exec plugin \"./plugin\": %s", message);
	assert_string_equal(err.error.msg, want);
	assert_int_equal(err.error.code, code);
	assert_null(cred.mem);
}

static void test_plugin(void **state)
{
	struct tc_kube_credential cred = {0};
	struct tc_kube_error err = {0};

	(void)state;
	write_plugin("echo \"$# $1 $2 $GIVEN $HOME $KUBERNETES_EXEC_INFO\" >said\n[ -n \"$PATH\" ] || exit 9\n"
		     "read -r x && exit 8\n" CREDENTIAL("{\"token\":\"abc\"}"));
	assert_int_equal(tc_kube_credential_refresh(&cred, &exec_config, false, NULL, &err), 1);
	assert_string_equal(cred.token, "abc");
	FILE *f = fopen("said", "r");
	char said[1024] = "";

	assert_non_null(f);
	assert_non_null(fgets(said, sizeof(said), f));
	fclose(f);
	assert_string_equal(
		said, "2 one two three it's /elsewhere {\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":"
		      "\"ExecCredential\",\"spec\":{\"interactive\":false,\"cluster\":{\"server\":\"https://h:1\","
		      "\"tls-server-name\":\"n\",\"certificate-authority-data\":\"UEVN\"}}}\n");
	/* It does not expire: it is not asked again, until the server refuses it. */
	write_plugin(CREDENTIAL("{\"token\":\"def\"}"));
	assert_int_equal(tc_kube_credential_refresh(&cred, &exec_config, false, NULL, &err), 0);
	assert_string_equal(cred.token, "abc");
	assert_int_equal(tc_kube_credential_refresh(&cred, &exec_config, true, NULL, &err), 1);
	assert_string_equal(cred.token, "def");
	/* The same once more: to try again would be of no use. */
	assert_int_equal(tc_kube_credential_refresh(&cred, &exec_config, true, NULL, &err), 0);
	tc_kube_credential_clear(&cred);
}

static void test_expiry(void **state)
{
	struct tc_kube_credential cred = {0};
	struct tc_kube_error err = {0};

	(void)state;
	write_plugin(CREDENTIAL("{\"token\":\"a\",\"expirationTimestamp\":\"2001-01-01T00:00:00Z\"}"));
	assert_int_equal(tc_kube_credential_refresh(&cred, &exec_config, false, NULL, &err), 1);
	write_plugin(CREDENTIAL("{\"token\":\"b\",\"expirationTimestamp\":\"2999-01-01T00:00:00Z\"}"));
	assert_int_equal(tc_kube_credential_refresh(&cred, &exec_config, false, NULL, &err), 1);
	write_plugin(CREDENTIAL("{\"token\":\"c\"}"));
	assert_int_equal(tc_kube_credential_refresh(&cred, &exec_config, false, NULL, &err), 0);
	assert_string_equal(cred.token, "b");
	tc_kube_credential_clear(&cred);
}

static void test_certificate(void **state)
{
	struct tc_kube_credential cred = {0};
	struct tc_kube_error err = {0};

	(void)state;
	write_plugin(CREDENTIAL("{\"clientCertificateData\":\"-----BEGIN CERTIFICATE-----\\\\n\","
				"\"clientKeyData\":\"-----BEGIN PRIVATE KEY-----\\\\n\"}"));
	assert_int_equal(tc_kube_credential_refresh(&cred, &exec_config, false, NULL, &err), 1);
	assert_null(cred.token);
	assert_true(tc_str_is(cred.cert, "-----BEGIN CERTIFICATE-----\n"));
	assert_true(tc_str_is(cred.key, "-----BEGIN PRIVATE KEY-----\n"));
	tc_kube_credential_clear(&cred);
}

static void test_bad_plugins(void **state)
{
	static const struct {
		const char *script;
		enum tc_code code;
		const char *message;
	} cases[] = {
		{"exit 3\n", TC_E_USAGE, "it ended with status 3"},
		{"kill -9 $$\n", TC_E_USAGE, "it was ended by signal 9"},
		{"echo hunter2\n", TC_E_USAGE, "what it printed is no JSON object"},
		{"", TC_E_USAGE, "what it printed is no JSON object"},
		{"echo '[]'\n", TC_E_USAGE, "what it printed is no JSON object"},
		{"echo '{}'\n", TC_E_USAGE, "what it printed is no ExecCredential"},
		{"echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "beta1\"}'\n", TC_E_USAGE,
		 "its ExecCredential is not of client.authentication.k8s.io/v1"},
		{CREDENTIAL("null"), TC_E_USAGE, "\"status\" holds neither a token nor a client certificate"},
		{CREDENTIAL("{\"token\":7}"), TC_E_USAGE, "\"status\" holds neither a token nor a client certificate"},
		{CREDENTIAL("{\"token\":\"hunter2 x\"}"), TC_E_USAGE, "\"status.token\" holds what no token may hold"},
		{CREDENTIAL("{\"clientKeyData\":\"hunter2\"}"), TC_E_USAGE,
		 "it gave one of \"clientCertificateData\" and \"clientKeyData\", want both"},
		{CREDENTIAL("{\"clientKeyData\":\"hunter2\",\"clientCertificateData\":\"x\"}"), TC_E_USAGE,
		 "\"clientCertificateData\" or \"clientKeyData\" is no PEM"},
		{CREDENTIAL("{\"token\":\"hunter2\",\"expirationTimestamp\":\"soon\"}"), TC_E_USAGE,
		 "\"status.expirationTimestamp\" is no time of RFC 3339"},
		{"yes hunter2\n", TC_E_USAGE, "it printed more than 1048576 bytes"},
	};

	(void)state;
	check_fails(NULL, TC_E_USAGE, "cannot be run: No such file or directory; install it");
	for (size_t i = 0; i < TC_COUNT(cases); i++)
		check_fails(cases[i].script, cases[i].code, cases[i].message);
}

/* What it started may go on, and hold the pipe: that is not waited for. */
static void test_background_child(void **state)
{
	struct tc_kube_credential cred = {0};
	struct tc_kube_error err = {0};
	int64_t began = tc_clock();

	(void)state;
	write_plugin("sleep 5 &\n" CREDENTIAL("{\"token\":\"abc\"}"));
	assert_int_equal(tc_kube_credential_refresh(&cred, &exec_config, false, NULL, &err), 1);
	assert_in_range(tc_clock() - began, 0, 3000);
	tc_kube_credential_clear(&cred);
}

static void *stop_soon(void *stop)
{
	tc_clock_wait(300, NULL);
	atomic_store((atomic_bool *)stop, true);
	return NULL;
}

/* A plugin that hangs is ended, and what it started with it. */
static void test_stop(void **state)
{
	struct tc_kube_credential cred = {0};
	struct tc_kube_error err = {0};
	atomic_bool stop = false;
	int64_t began = tc_clock();
	pthread_t thread;

	(void)state;
	write_plugin("(sleep 2; touch survived) &\nsleep 60\n");
	assert_int_equal(pthread_create(&thread, NULL, stop_soon, &stop), 0);
	assert_int_equal(tc_kube_credential_refresh(&cred, &exec_config, false, &stop, &err), -1);
	assert_in_range(tc_clock() - began, 300, 800);
	pthread_join(thread, NULL);
	assert_string_equal(err.error.msg, "config:9:5: exec plugin \"./plugin\": stopped");
	tc_clock_wait(2200, NULL);
	assert_int_not_equal(access("survived", F_OK), 0);
}

static void test_token_file(void **state)
{
	struct tc_kube_credential cred = {0};
	struct tc_kube_error err = {0};

	(void)state;
	assert_int_equal(tc_kube_credential_refresh(&cred, &file_config, false, NULL, &err), -1);
	assert_string_equal(err.error.msg, "cannot read token: No such file or directory");
	write_file("token", "one\n");
	assert_int_equal(tc_kube_credential_refresh(&cred, &file_config, false, NULL, &err), 1);
	assert_string_equal(cred.token, "one");
	/* Young enough; then 60 s old; then refused. */
	write_file("token", "two\n");
	assert_int_equal(tc_kube_credential_refresh(&cred, &file_config, false, NULL, &err), 0);
	assert_string_equal(cred.token, "one");
	cred.read_at -= 60000;
	assert_int_equal(tc_kube_credential_refresh(&cred, &file_config, false, NULL, &err), 1);
	assert_string_equal(cred.token, "two");
	write_file("token", "three\n");
	assert_int_equal(tc_kube_credential_refresh(&cred, &file_config, true, NULL, &err), 1);
	assert_string_equal(cred.token, "three");
	/* Away, or empty, in the middle of being replaced: what we have is kept. */
	assert_int_equal(unlink("token"), 0);
	assert_int_equal(tc_kube_credential_refresh(&cred, &file_config, true, NULL, &err), 0);
	write_file("token", "");
	assert_int_equal(tc_kube_credential_refresh(&cred, &file_config, true, NULL, &err), 0);
	assert_string_equal(cred.token, "three");
	tc_kube_credential_clear(&cred);
}

static int enter(void **state)
{
	(void)state;
	snprintf(folder + sizeof(folder) - 7, 7, "XXXXXX");
	return mkdtemp(folder) && getcwd(before, sizeof(before)) && chdir(folder) == 0 ? 0 : -1;
}

static int leave(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return chdir(before) == 0 && system(command) == 0 ? 0 : -1; /* NOLINT(cert-env33-c): a name that we made */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_plugin),           CASE(test_expiry), CASE(test_certificate), CASE(test_bad_plugins),
		CASE(test_background_child), CASE(test_stop),   CASE(test_token_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
