#include "kube/config.h"

#include <sys/stat.h>
#include <unistd.h>

#include "compiler/base/buf.h"
#include "kube/access.h"
#include "unit.h"

/* Each case has a folder of its own, where its files are written; names in messages are relative to it. */
static char folder[] = "/tmp/tentc-kube-config.XXXXXX";

#define PEM(kind) "-----BEGIN " kind "-----\nAAAA\n-----END " kind "-----\n"

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static struct tc_kube_config *load_source(const struct tc_kube_source *source)
{
	struct tc_kube_error err = {0};
	struct tc_kube_config *c = NULL;

	if (tc_kube_config_load(&c, source, &err) < 0)
		fail_msg("%s", err.error.msg);
	assert_int_equal(err.error.code, 0);
	return c;
}

static struct tc_kube_config *load(const char *text)
{
	write_file("config", text);
	return load_source(&(struct tc_kube_source){.kubeconfig = "config"});
}

static void check_source_fails(const struct tc_kube_source *source, const char *message)
{
	struct tc_kube_error err = {0};
	struct tc_kube_config *c = NULL;

	assert_int_equal(tc_kube_config_load(&c, source, &err), -1);
	assert_null(c);
	assert_string_equal(err.error.msg, message);
	assert_int_equal(err.error.code, TC_E_USAGE);
}

static void check_fails(const char *text, const char *message)
{
	write_file("config", text);
	check_source_fails(&(struct tc_kube_source){.kubeconfig = "config"}, message);
}

#define HEAD "apiVersion: v1\nkind: Config\ncurrent-context: a\n"
#define CONTEXT "contexts:\n- name: a\n  context: {cluster: c, user: u, namespace: shop}\n"
#define CLUSTER "clusters:\n- name: c\n  cluster:\n    server: https://10.0.0.1:6443/\n"
#define USER "users:\n- name: u\n  user:\n"

/* --- what is read */

static void test_forms(void **state)
{
	struct tc_kube_config *c;

	(void)state;
	write_file("ca.pem", PEM("CERTIFICATE"));
	write_file("cert.pem", PEM("CERTIFICATE"));
	write_file("key.pem", PEM("EC PRIVATE KEY"));
	c = load(HEAD CONTEXT CLUSTER
		 "    certificate-authority: ca.pem\n    tls-server-name: kubernetes\n    proxy-url: "
		 "socks5://p:1080\n" USER
		 "    client-certificate: cert.pem\n    client-key: key.pem\n    token: abc\n    as: bob\n"
		 "    as-groups: [ops, dev]\n");
	assert_string_equal(tc_kube_config_server(c), "https://10.0.0.1:6443");
	assert_string_equal(tc_kube_config_namespace(c), "shop");
	assert_string_equal(c->ca.s, PEM("CERTIFICATE"));
	assert_string_equal(c->cert.s, PEM("CERTIFICATE"));
	assert_string_equal(c->key.s, PEM("EC PRIVATE KEY"));
	assert_string_equal(c->token, "abc");
	assert_string_equal(c->tls_name, "kubernetes");
	assert_string_equal(c->proxy, "socks5://p:1080");
	assert_false(c->insecure);
	assert_string_equal(c->headers[0], "Impersonate-User: bob");
	assert_string_equal(c->headers[1], "Impersonate-Group: ops");
	assert_string_equal(c->headers[2], "Impersonate-Group: dev");
	assert_null(c->headers[3]);
	tc_kube_config_free(c);

	/* -data wins over a file, which then is not read; JSON is a kubeconfig, too; no namespace is "default". */
	c = load("{\"current-context\":\"a\",\"contexts\":[{\"name\":\"a\",\"context\":{\"cluster\":\"c\"}}],\n"
		 "\"clusters\":[{\"name\":\"c\",\"cluster\":{\"server\":\"https://"
		 "h\",\"certificate-authority\":\"no\",\n"
		 "\"certificate-authority-data\":\"LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==\"}}]}\n");
	assert_string_equal(c->ca.s, "-----BEGIN CERTIFICATE-----\n");
	assert_string_equal(tc_kube_config_namespace(c), "default");
	assert_null(c->token);
	tc_kube_config_free(c);
}

static void test_exec_form(void **state)
{
	struct tc_kube_config *c;

	(void)state;
	c = load(HEAD CONTEXT CLUSTER USER
		 "    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      command: bin/get-token\n"
		 "      args: [--cluster, one]\n      env: [{name: A, value: b}]\n      provideClusterInfo: true\n"
		 "      interactiveMode: IfAvailable\n      installHint: get it at example.com\n");
	assert_string_equal(c->exec->command, "bin/get-token");
	assert_string_equal(c->exec->argv[0], "bin/get-token");
	assert_string_equal(c->exec->argv[1], "--cluster");
	assert_string_equal(c->exec->argv[2], "one");
	assert_null(c->exec->argv[3]);
	assert_string_equal(c->exec->env[0], "A=b");
	assert_null(c->exec->env[1]);
	assert_string_equal(c->exec->where, "config:15:7");
	assert_true(c->exec->cluster_info);
	assert_string_equal(c->exec->advice, "get it at example.com");
	tc_kube_config_free(c);
}

/* A file's paths are its own folder's, and of two entries of one name the first file's counts, whole. */
static void test_list_of_files(void **state)
{
	struct tc_kube_config *c;

	(void)state;
	assert_int_equal(mkdir("sub", 0700), 0);
	write_file("sub/token", " secret-token \n");
	write_file("one", "current-context: a\nusers:\n- name: u\n  user: {as: bob}\n");
	write_file("sub/two", HEAD CONTEXT CLUSTER USER "    tokenFile: token\n");
	c = load_source(&(struct tc_kube_source){.env_list = "missing:sub/two::one", .home = "/nonexistent"});
	assert_string_equal(c->token_file, "sub/token");
	assert_null(c->headers);
	tc_kube_config_free(c);
	c = load_source(&(struct tc_kube_source){.env_list = "one:sub/two"});
	assert_null(c->token_file);
	assert_string_equal(c->headers[0], "Impersonate-User: bob");
	tc_kube_config_free(c);
	check_source_fails(&(struct tc_kube_source){.env_list = "no:nope"},
			   "KUBECONFIG names no file that exists: \"no:nope\"");
}

static void test_which_source(void **state)
{
	struct tc_kube_source s = {.service_host = "fd00::1",
				   .service_port = "443",
				   .account_dir = ".",
				   .home = "home"};
	struct tc_kube_config *c;

	(void)state;
	write_file("token", "t\n");
	write_file("ca.crt", PEM("CERTIFICATE"));
	write_file("namespace", "tentacular-system\n");
	assert_int_equal(mkdir("home", 0700), 0);
	assert_int_equal(mkdir("home/.kube", 0700), 0);
	write_file("home/.kube/config", HEAD CONTEXT CLUSTER USER "    token: x\n");
	c = load_source(&s);
	assert_string_equal(tc_kube_config_server(c), "https://[fd00::1]:443");
	assert_string_equal(tc_kube_config_namespace(c), "tentacular-system");
	assert_string_equal(c->token_file, "./token");
	tc_kube_config_free(c);

	/* --context is of a kubeconfig, so it leads there, in a pod too. */
	s.context = "a";
	c = load_source(&s);
	assert_string_equal(tc_kube_config_server(c), "https://10.0.0.1:6443");
	tc_kube_config_free(c);
	s.context = "b";
	check_source_fails(&s, "kubeconfig: no context \"b\"; there are \"a\"");
	s.context = NULL;
	s.service_port = "x";
	check_source_fails(&s, "KUBERNETES_SERVICE_PORT is \"x\", want a number");
	s.service_port = NULL;
	assert_int_equal(unlink("ca.crt"), 0);
	check_source_fails(&s, "service account: cannot read ./ca.crt: No such file or directory");
	check_source_fails(
		&(struct tc_kube_source){.home = "/nonexistent"},
		"no cluster is configured: no --kubeconfig, no KUBECONFIG, no ~/.kube/config, and this is no "
		"pod; give --kubeconfig FILE");
}

/* --- what is refused, and where */

static void test_refusals(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"a: [\n", "config:2:1: expected a value here [TC012]"},
		{"- x\n", "config:1:1: the kubeconfig is a list, want a mapping"},
		{"a: 1\n---\nb: 2\n", "config:3:1: a second document, want one in a kubeconfig"},
		{"kind: Config\n",
		 "config: no \"current-context\"; there are none; set one with kubectl config use-context NAME"},
		{HEAD, "config:3:18: no context \"a\"; there are none"},
		{HEAD "contexts:\n- {name: b, context: {}}\n- {name: c}\n",
		 "config:3:18: no context \"a\"; there are \"b\", \"c\""},
		{HEAD "contexts: x\n", "config:4:11: \"contexts\" is a string, want a list"},
		{HEAD "contexts:\n- name: a\n  context: x\n", "config:6:12: \"context\" is a string, want a mapping"},
		{HEAD "contexts:\n- name: a\n  context: {}\n", "config:6:12: context \"a\" has no \"cluster\""},
		{HEAD CONTEXT, "config:6:22: no cluster \"c\"; there are none"},
		{HEAD CONTEXT "clusters:\n- name: c\n  cluster: {}\n", "config:9:12: this cluster has no \"server\""},
		{HEAD CONTEXT "clusters:\n- name: c\n  cluster: {server: 10.0.0.1}\n",
		 "config:9:21: \"server\" is \"10.0.0.1\", want https://HOST:PORT"},
		{HEAD CONTEXT "clusters:\n- name: c\n  cluster: {server: [1]}\n",
		 "config:9:21: \"server\" is a list, want a string"},
		{HEAD CONTEXT "clusters:\n- name: c\n  cluster: {server: \"https://u@h\"}\n",
		 "config:9:21: \"server\" holds a user, a query or a space, want https://HOST:PORT"},
		{HEAD CONTEXT CLUSTER, "config:6:31: no user \"u\"; there are none"},
		{HEAD CONTEXT CLUSTER "    insecure-skip-tls-verify: 1\n",
		 "config:11:31: \"insecure-skip-tls-verify\" is an integer, want a boolean"},
		{HEAD CONTEXT CLUSTER "    certificate-authority: gone.pem\n",
		 "config:11:28: \"certificate-authority\": cannot read gone.pem: No such file or directory"},
		{HEAD CONTEXT CLUSTER "    certificate-authority: .\n",
		 "config:11:28: \"certificate-authority\": cannot read .: it is no regular file"},
		{HEAD CONTEXT CLUSTER "    certificate-authority-data: '*'\n",
		 "config:11:33: \"certificate-authority-data\" is no base64"},
		{HEAD CONTEXT CLUSTER "    certificate-authority-data: YWJj\n",
		 "config:11:33: \"certificate-authority-data\" holds no PEM block \"CERTIFICATE\""},
		{HEAD CONTEXT CLUSTER "    insecure-skip-tls-verify: true\n    certificate-authority-data: "
				      "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==\n",
		 "config:11:31: \"insecure-skip-tls-verify\" beside a certificate authority: remove one of the two"},
		{HEAD CONTEXT CLUSTER "    tls-server-name: a:b\n",
		 "config:11:22: \"tls-server-name\" is no name of a host"},
		{HEAD CONTEXT CLUSTER USER "    username: bob\n",
		 "config:14:5: \"username\" is not known to Kubernetes any more: use a token or a client certificate"},
		{HEAD CONTEXT CLUSTER USER "    auth-provider: {name: gcp}\n",
		 "config:14:5: \"auth-provider\" is not known to Kubernetes any more: use an exec plugin"},
		{HEAD CONTEXT CLUSTER USER "    token: 12\n", "config:14:12: \"token\" is an integer, want a string"},
		{HEAD CONTEXT CLUSTER USER "    tokenFile: nothing\n",
		 "config:14:16: \"tokenFile\": cannot read nothing: No such file or directory"},
		{HEAD CONTEXT CLUSTER USER "    client-key-data: LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCg==\n",
		 "config:14:5: this user has \"client-key\" without \"client-certificate\""},
		{HEAD CONTEXT CLUSTER USER "    as-groups: [x]\n",
		 "config:14:5: \"as-groups\" or \"as-uid\" without \"as\""},
		{HEAD CONTEXT CLUSTER USER "    as: x\n    as-user-extra: {a: [b]}\n",
		 "config:15:20: \"as-user-extra\" is not supported: remove it, or use a user of its own"},
		{HEAD CONTEXT CLUSTER USER "    as: \"x\\nEvil: y\"\n",
		 "config:14:9: \"as\" holds a control character"},
		{HEAD CONTEXT CLUSTER USER "    as: \"x\\0y\"\n", "config:14:9: \"as\" holds a NUL"},
		{HEAD CONTEXT CLUSTER USER "    exec: {apiVersion: client.authentication.k8s.io/v1}\n",
		 "config:14:11: \"exec\" has no \"command\""},
		{HEAD CONTEXT CLUSTER USER
		 "    exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}\n",
		 "config:14:36: \"apiVersion\" of \"exec\" is \"client.authentication.k8s.io/v1alpha1\", want "
		 "client.authentication.k8s.io/v1 or client.authentication.k8s.io/v1beta1"},
		{HEAD CONTEXT CLUSTER USER "    exec: {command: x, apiVersion: client.authentication.k8s.io/v1, "
					   "interactiveMode: Always}\n",
		 "config:14:86: \"x\" needs a terminal (interactiveMode: Always), and tentc has none for it"},
		{HEAD CONTEXT CLUSTER USER "    exec: {command: x, apiVersion: client.authentication.k8s.io/v1, "
					   "args: [1]}\n",
		 "config:14:76: \"args\" holds an integer, want strings"},
		{HEAD CONTEXT "clusters:\n- name: c\n  cluster: {server: 'http://h'}\n" USER "    token: x\n",
		 "config:9:21: \"server\" is not https, and the token would be readable on its way"},
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(cases); i++)
		check_fails(cases[i].text, cases[i].message);
	check_source_fails(&(struct tc_kube_source){.kubeconfig = "nowhere"},
			   "kubeconfig: cannot read nowhere: No such file or directory");
}

/* Whatever is wrong with a secret, the message does not hold it. */
static void test_secrets_stay(void **state)
{
	static const char *const cases[] = {
		HEAD CONTEXT CLUSTER USER "    token: hunter2 hunter2\n",
		HEAD CONTEXT CLUSTER USER "    token: \"hunter2\\n\"\n    token: hunter2\n",
		HEAD CONTEXT CLUSTER USER "    token: \"hunter2\\q\"\n",
		HEAD CONTEXT CLUSTER USER "    token: 'hunter2\n",
		HEAD CONTEXT CLUSTER USER "    token: !!int hunter2\n",
		HEAD CONTEXT CLUSTER USER "    token: [hunter2]\n",
		HEAD CONTEXT CLUSTER USER "    client-key-data: hunter2\n",
		HEAD CONTEXT CLUSTER USER "    password: hunter2\n",
		HEAD CONTEXT CLUSTER USER "    client-key-data: &hunter2 hunter2 : [\n",
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(cases); i++) {
		struct tc_kube_error err = {0};
		struct tc_kube_config *c = NULL;

		write_file("config", cases[i]);
		assert_int_equal(tc_kube_config_load(&c, &(struct tc_kube_source){.kubeconfig = "config"}, &err), -1);
		if (strstr(err.error.msg, "hunter2"))
			fail_msg("case %zu: %s", i, err.error.msg);
	}
}

/* --- the small parts */

static void test_base64(void **state)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
	} cases[] = {
		{"", ""},        {"YQ==", "a"},         {"YWI=", "ab"},
		{"YWJj", "abc"}, {"YW\nJj\r\n", "abc"}, {"YWJjZA==", "abcd"},
		{"Y", NULL},     {"YQ", NULL},          {"YQ=", NULL},
		{"YQ===", NULL}, {"Y=Q=", NULL},        {"YQ==YQ==", NULL},
		{"YW_j", NULL},  {"=", NULL},           {"\xc3\xa4", NULL},
	};
	struct tc_arena *mem = tc_arena_new(1024);
	struct tc_str out;

	(void)state;
	for (size_t i = 0; i < TC_COUNT(cases); i++) {
		bool good = tc_kube_base64(&out, mem, tc_str(cases[i].text));

		if (good != (cases[i].want != NULL) || (good && !tc_str_is(out, cases[i].want)))
			fail_msg("base64 of \"%s\"", cases[i].text);
	}
	tc_arena_free(mem);
}

static void test_token(void **state)
{
	struct tc_str t = TC_STR(" \n a.b-c \r\n");

	(void)state;
	assert_true(tc_kube_token(&t));
	assert_true(tc_str_is(t, "a.b-c"));
	t = TC_STR("\n \n");
	assert_false(tc_kube_token(&t));
	t = TC_STR("a\r\nX-Evil: 1");
	assert_false(tc_kube_token(&t));
	t = TC_STR("a\xc3\xa4");
	assert_false(tc_kube_token(&t));
}

/* A file that is longer than it may be, and one that does not end. */
static void test_file_limits(void **state)
{
	struct tc_arena *mem = tc_arena_new(1024);
	struct tc_error err = {0};
	struct tc_str out;

	(void)state;
	write_file("ten", "0123456789");
	assert_int_equal(tc_kube_read_file(&out, mem, "ten", 10, &err), 0);
	assert_true(tc_str_is(out, "0123456789"));
	assert_int_equal(tc_kube_read_file(&out, mem, "ten", 9, &err), -1);
	assert_string_equal(err.msg, "cannot read ten: it is larger than 9 bytes");
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(tc_kube_read_file(&out, mem, "fifo", 9, &err), -1);
	assert_string_equal(err.msg, "cannot read fifo: it is no regular file");
	tc_arena_free(mem);
}

/* --- */

static char before[4096];

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
		CASE(test_forms),        CASE(test_exec_form), CASE(test_list_of_files),
		CASE(test_which_source), CASE(test_refusals),  CASE(test_secrets_stay),
		CASE(test_base64),       CASE(test_token),     CASE(test_file_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
