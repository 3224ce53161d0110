#include "compiler/contract/config.h"

#include "compiler/contract/catalogue.h"
#include "compiler/tree/emit.h"
#include "compiler/tree/stream.h"
#include "tests/unit/unit.h"

#define HEAD "apiVersion: tentacular.io/v1alpha1\nkind: ExoskeletonConfig\n"
#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define CERTIFICATE "-----BEGIN CERTIFICATE-----\\nMA==\\n-----END CERTIFICATE-----\\n"

static struct tc_arena *mem;

static int setup(void **state)
{
	(void)state;
	mem = tc_arena_new(16 * 1024);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tc_arena_free(mem);
	return 0;
}

static const struct tc_node *tree_of(const char *text)
{
	struct tc_source *src = tc_alloc(mem, sizeof(*src));
	struct tc_diags diags = {.mem = mem};
	const struct tc_node *root;
	bool empty;

	*src = (struct tc_source){.name = "exo.yaml", .text = tc_str(tc_strdup(mem, text))};
	root = tc_yaml_read(mem, src, 0, (uint32_t)src->text.len, &TC_LIMITS_FILE, &diags, &empty);
	assert_int_equal(diags.count, 0);
	return root;
}

static struct tc_config *read_config(const char *text)
{
	struct tc_diags diags = {.mem = mem};
	struct tc_config *config;
	_cleanup_buf_ struct tc_buf printed = {0};
	bool fine = tc_config_read(mem, tree_of(text), &diags, &config);

	if (!fine || diags.count) {
		tc_diags_render(&printed, &diags, (struct tc_diag_style){0});
		fail_msg("refused:\n%s", tc_buf_str(&printed).s);
	}
	return config;
}

static const char *canonical(const struct tc_config *config)
{
	_cleanup_buf_ struct tc_buf out = {0};

	tc_config_canonical(&out, config);
	return tc_strdup(mem, tc_buf_str(&out).s);
}

/* The diagnostics alone, one a line with its help behind it: "<line>:<column> TC<number> <text> | <help>". */
static void expect_refused(const char *text, const char *want)
{
	struct tc_diags diags = {.mem = mem};
	struct tc_config *config = NULL;
	_cleanup_buf_ struct tc_buf got = {0}, sorted = {0};

	assert_false(tc_config_read(mem, tree_of(text), &diags, &config));
	assert_non_null(config->installation);
	/* Rendering sorts them. */
	tc_diags_render(&sorted, &diags, (struct tc_diag_style){0});
	for (size_t i = 0; i < diags.count; i++) {
		struct tc_place place = {0};

		if (diags.list[i]->at.src)
			place = tc_place(diags.list[i]->at);
		tc_buf_printf(&got, "%u:%u TC%d %s\n", place.line, place.column, (int)diags.list[i]->id,
			      diags.list[i]->text);
		for (struct tc_note *note = diags.list[i]->notes; note; note = note->next)
			tc_buf_printf(&got, "  %s\n", note->text);
	}
	/* cmocka cuts long texts. */
	if (strcmp(tc_buf_str(&got).s, want) != 0) {
		fprintf(stderr, "got:\n%s", tc_buf_str(&got).s);
		fail();
	}
}

#define DEFAULTS                                                      \
	"installation=\"default\"\n"                                  \
	"bindings=false\n"                                            \
	"credentials.keyId=\"k1\"\n"                                  \
	"contract.detail=\"standard\"\n"                              \
	"contract.key=\"workflow.yaml\"\n"                            \
	"network.dns.namespace=\"kube-system\"\n"                     \
	"network.dns.podLabels=[\"k8s-app\",\"kube-dns\"]\n"          \
	"network.dns.port=53\n"                                       \
	"network.allowedNamespaces=[]\n"                              \
	"network.allowedCidrs=[]\n"                                   \
	"networkPolicy.mode=\"contract\"\n"                           \
	"networkPolicy.moduleProxy.host=\"\"\n"                       \
	"services.postgres.enabled=true\n"                            \
	"services.postgres.host=\"postgres.tentacular-system.svc\"\n" \
	"services.postgres.port=5432\n"                               \
	"services.postgres.tls.mode=\"\"\n"                           \
	"services.postgres.tls.ca=\"\"\n"                             \
	"services.postgres.network.cidrs=[]\n"                        \
	"services.postgres.network.podLabels=[]\n"                    \
	"services.postgres.network.podPort=0\n"                       \
	"services.postgres.database=\"tentacular\"\n"                 \
	"services.rustfs.enabled=true\n"                              \
	"services.rustfs.host=\"rustfs.tentacular-system.svc\"\n"     \
	"services.rustfs.port=9000\n"                                 \
	"services.rustfs.tls.mode=\"\"\n"                             \
	"services.rustfs.tls.ca=\"\"\n"                               \
	"services.rustfs.network.cidrs=[]\n"                          \
	"services.rustfs.network.podLabels=[]\n"                      \
	"services.rustfs.network.podPort=0\n"                         \
	"services.rustfs.bucket=\"tentacular\"\n"                     \
	"services.rustfs.region=\"us-east-1\"\n"                      \
	"services.nats.enabled=true\n"                                \
	"services.nats.host=\"nats.tentacular-system.svc\"\n"         \
	"services.nats.port=4222\n"                                   \
	"services.nats.tls.mode=\"\"\n"                               \
	"services.nats.tls.ca=\"\"\n"                                 \
	"services.nats.network.cidrs=[]\n"                            \
	"services.nats.network.podLabels=[]\n"                        \
	"services.nats.network.podPort=0\n"                           \
	"services.nats.subjects=\"all\"\n"                            \
	"services.spire.enabled=true\n"                               \
	"services.spire.trustDomain=\"tentacular.local\"\n"           \
	"services.spire.className=\"\"\n"                             \
	"services.spire.socket=\"unix:///spiffe-workload-api/spire-agent.sock\"\n"

static void test_defaults(void **state)
{
	struct tc_config *config = tc_config_default(mem);

	(void)state;
	assert_string_equal(canonical(config), DEFAULTS);
	assert_int_equal(config->level, 1);
	assert_int_equal(config->mode, TC_MODE_ENFORCE);
	assert_false(config->default_deny);
	assert_int_equal(config->module_proxy_port, 443);
	assert_int_equal(config->nservices, 4);
	assert_ptr_equal(tc_config_service(config, "spire"), &config->services[3]);
	assert_null(tc_config_service(config, "spir"));
	assert_string_equal(canonical(read_config(HEAD)), DEFAULTS);
}

static const char everything[] =
	HEAD "metadata: {name: ours, annotations: {a: b}}\n"
	     "installation: east\n"
	     "level: 1000000\n"
	     "mode: audit\n"
	     "bindings: true\n"
	     "credentials: {keyId: k2}\n"
	     "contract: {detail: full, key: flow.yml}\n"
	     "network:\n"
	     "  dns: {namespace: dns, podLabels: {app.kubernetes.io/name: coredns, tier: \"\"}, port: 1053}\n"
	     "  allowedNamespaces: [shared, tools]\n"
	     "  allowedCidrs: [10.0.0.0/8, 'fd00::/8']\n"
	     "networkPolicy:\n"
	     "  mode: services\n"
	     "  defaultDeny: true\n"
	     "  moduleProxy: {host: jsr.tools.svc, port: 8080, cidrs: [192.0.2.0/24], podLabels: {a: b}, podPort: 80}\n"
	     "services:\n"
	     "  postgres:\n"
	     "    enabled: false\n"
	     "    host: db.example.com\n"
	     "    port: 6432\n"
	     "    tls: {mode: verify-full, ca: \"" CERTIFICATE "\"}\n"
	     "    network: {cidrs: [203.0.113.7], podLabels: {app: pg}, podPort: 5433}\n"
	     "    database: \"{enclave}\"\n"
	     "  rustfs: {bucket: data, region: eu-west-1, tls: {mode: disable}}\n"
	     "  nats: {subjects: single, tls: {mode: require}}\n"
	     "  spire: {trustDomain: \"{enclave}.example.org\", className: \"spire-{enclave}\", socket: "
	     "unix:///spiffe-workload-api/socket}\n";

static void test_everything(void **state)
{
	struct tc_config *config = read_config(everything);
	struct tc_service_config *postgres = &config->services[0];

	(void)state;
	assert_int_equal(config->level, 1000000);
	assert_int_equal(config->mode, TC_MODE_AUDIT);
	assert_true(config->contract_full);
	assert_int_equal(config->netpol_mode, TC_NETPOL_SERVICES);
	assert_true(config->default_deny);
	assert_false(postgres->enabled);
	assert_string_equal(postgres->host, "db.example.com");
	assert_int_equal(postgres->port, 6432);
	assert_string_equal(postgres->tls_mode, "verify-full");
	assert_int_equal(postgres->peer.pod_port, 5433);
	assert_string_equal(postgres->peer.cidrs.list[0], "203.0.113.7");
	assert_string_equal(postgres->settings[0], "{enclave}");
	postgres->enabled = true;
	assert_string_equal(canonical(config),
			    "installation=\"east\"\n"
			    "bindings=true\n"
			    "credentials.keyId=\"k2\"\n"
			    "contract.detail=\"full\"\n"
			    "contract.key=\"flow.yml\"\n"
			    "network.dns.namespace=\"dns\"\n"
			    "network.dns.podLabels=[\"app.kubernetes.io/name\",\"coredns\",\"tier\",\"\"]\n"
			    "network.dns.port=1053\n"
			    "network.allowedNamespaces=[\"shared\",\"tools\"]\n"
			    "network.allowedCidrs=[\"10.0.0.0/8\",\"fd00::/8\"]\n"
			    "networkPolicy.mode=\"services\"\n"
			    "networkPolicy.moduleProxy.host=\"jsr.tools.svc\"\n"
			    "networkPolicy.moduleProxy.port=8080\n"
			    "networkPolicy.moduleProxy.cidrs=[\"192.0.2.0/24\"]\n"
			    "networkPolicy.moduleProxy.podLabels=[\"a\",\"b\"]\n"
			    "networkPolicy.moduleProxy.podPort=80\n"
			    "services.postgres.enabled=true\n"
			    "services.postgres.host=\"db.example.com\"\n"
			    "services.postgres.port=6432\n"
			    "services.postgres.tls.mode=\"verify-full\"\n"
			    "services.postgres.tls.ca=\"" CERTIFICATE "\"\n"
			    "services.postgres.network.cidrs=[\"203.0.113.7\"]\n"
			    "services.postgres.network.podLabels=[\"app\",\"pg\"]\n"
			    "services.postgres.network.podPort=5433\n"
			    "services.postgres.database=\"{enclave}\"\n"
			    "services.rustfs.enabled=true\n"
			    "services.rustfs.host=\"rustfs.tentacular-system.svc\"\n"
			    "services.rustfs.port=9000\n"
			    "services.rustfs.tls.mode=\"disable\"\n"
			    "services.rustfs.tls.ca=\"\"\n"
			    "services.rustfs.network.cidrs=[]\n"
			    "services.rustfs.network.podLabels=[]\n"
			    "services.rustfs.network.podPort=0\n"
			    "services.rustfs.bucket=\"data\"\n"
			    "services.rustfs.region=\"eu-west-1\"\n"
			    "services.nats.enabled=true\n"
			    "services.nats.host=\"nats.tentacular-system.svc\"\n"
			    "services.nats.port=4222\n"
			    "services.nats.tls.mode=\"require\"\n"
			    "services.nats.tls.ca=\"\"\n"
			    "services.nats.network.cidrs=[]\n"
			    "services.nats.network.podLabels=[]\n"
			    "services.nats.network.podPort=0\n"
			    "services.nats.subjects=\"single\"\n"
			    "services.spire.enabled=true\n"
			    "services.spire.trustDomain=\"{enclave}.example.org\"\n"
			    "services.spire.className=\"spire-{enclave}\"\n"
			    "services.spire.socket=\"unix:///spiffe-workload-api/socket\"\n");
}

static void test_null_and_empty_are_the_default(void **state)
{
	(void)state;
	assert_string_equal(canonical(read_config(
				    HEAD "metadata:\ninstallation: null\nlevel: ~\nmode:\nbindings:\ncredentials:\n"
					 "contract: {detail: null}\nnetwork: {dns: {podLabels: null}, allowedCidrs: }\n"
					 "networkPolicy: {moduleProxy: {host: '', podPort: null}}\n"
					 "services: {postgres: , rustfs: {tls: {mode: '', ca: ''}}, nats: {tls: null}, "
					 "spire: {className: ''}}\n")),
			    DEFAULTS);
}

/* `off` without quotes is false in YAML. */
static void test_off_is_a_mode(void **state)
{
	static const char *const written[] = {"off", "\"off\"", "Off", "false"};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(written); i++) {
		const char *text = tc_printf(mem, HEAD "networkPolicy: {mode: %s}\n", written[i]);

		assert_int_equal(read_config(text)->netpol_mode, TC_NETPOL_OFF);
	}
	expect_refused(
		HEAD "networkPolicy: {mode: on}\n",
		"3:23 TC302 networkPolicy.mode: expected \"contract\", \"services\" or \"off\", found a boolean on\n");
}

static void test_canonical_covers_what_is_in_effect(void **state)
{
	static const char *const same[] = {
		"level: 7\n",
		"mode: audit\n",
		"networkPolicy: {defaultDeny: true}\n",
		"networkPolicy: {moduleProxy: {port: 80, podPort: 81, podLabels: {a: b}, cidrs: [192.0.2.0/24]}}\n",
		"metadata: {name: x}\n",
		"controller: {namespace: x, resync: 5}\n",
		"undeploy: {grace: 1, jobGrace: 2, allowAnnotation: true, destroyDelay: 60}\n",
		"services: {postgres: {admin: {host: h.x.svc, port: 1, user: u, passwordFile: /f, database: d}}}\n",
		"services: {postgres: {admin: {tls: {mode: require, ca: \"" CERTIFICATE "\"}}}}\n",
		"services: {postgres: {limits: {connections: 1}}, nats: {limits: {payload: 1024, jetstream: 1}}}\n",
		"services: {rustfs: {admin: {dialect: minio, region: x, accessKeyFile: /a, secretKeyFile: /b}}}\n",
		"services: {nats: {admin: {mode: secret, url: 'nats://a:1', accountsDir: /c, secrets: a/b}}}\n",
	};
	static const char *const off_same[] = {
		"services: {nats: {enabled: false, port: 1, subjects: single, tls: {mode: require}}}\n",
		"services: {nats: {enabled: false, network: {podPort: 7}}}\n",
	};
	const char *off = canonical(read_config(HEAD "services: {nats: {enabled: false}}\n"));

	(void)state;
	for (size_t i = 0; i < TC_COUNT(same); i++)
		assert_string_equal(canonical(read_config(tc_printf(mem, HEAD "%s", same[i]))), DEFAULTS);
	assert_string_not_equal(off, DEFAULTS);
	for (size_t i = 0; i < TC_COUNT(off_same); i++)
		assert_string_equal(canonical(read_config(tc_printf(mem, HEAD "%s", off_same[i]))), off);
	assert_string_equal(canonical(read_config(HEAD
						  "networkPolicy: {mode: off}\n"
						  "network: {dns: {namespace: other, podLabels: {}, port: 54}}\n")),
			    canonical(read_config(HEAD "networkPolicy: {mode: off}\n")));
}

/* A refused value costs only itself: all of them are reported, in their places. */
static void test_all_problems(void **state)
{
	(void)state;
	expect_refused(
		HEAD "instalation: foo\n"
		     "installation: 7\n"
		     "level: 0\n"
		     "mode: audti\n"
		     "bindings: \"true\"\n"
		     "credentials: {keyId: K1}\n"
		     "contract: [a]\n"
		     "network:\n"
		     "  dns: {podLabels: {app: yes, \"\": y, Up/x: z, ok: -x}, port: \"53\"}\n"
		     "  allowedNamespaces: apps\n"
		     "  allowedCidrs: [10.0.0.0/8, 10.0.0.1/8, 7]\n"
		     "  dns.port: 1\n"
		     "services:\n"
		     "  postgress: {}\n"
		     "  postgres: {host: 'https://x', port: 70000, tls: {mode: verify, ca: hello}}\n"
		     "  rustfs: {region: ''}\n"
		     "  nats: {subjects: al, database: x, enabled: maybe}\n"
		     "  spire: {host: x, socket: 'unix:///tmp/x'}\n",
		"3:1 TC301 the configuration has no key \"instalation\"\n"
		"  did you mean \"installation\"?\n"
		"4:15 TC302 installation: expected a name, found an integer 7\n"
		"  put the value in quotes\n"
		"5:8 TC302 level: expected a number from 1 to 1000000, found an integer 0\n"
		"6:7 TC302 mode: expected \"enforce\" or \"audit\", found a string \"audti\"\n"
		"  did you mean \"audit\"?\n"
		"7:11 TC302 bindings: expected true or false, found a string \"true\"\n"
		"  remove the quotes\n"
		"8:22 TC302 credentials.keyId: \"K1\" has \"K\" as character 1, allowed are a-z, 0-9 and -\n"
		"9:11 TC302 contract: expected a mapping, found a list\n"
		"11:26 TC302 network.dns.podLabels[\"app\"]: expected a string, found a boolean yes\n"
		"  put the value in quotes\n"
		"11:31 TC302 network.dns.podLabels[\"\"]: the label's name is empty\n"
		"11:38 TC302 network.dns.podLabels[\"Up/x\"]: the label's name has a prefix that is not a DNS name\n"
		"11:51 TC302 network.dns.podLabels[\"ok\"]: \"-x\" begins or ends with something else than a letter or "
		"a "
		"digit\n"
		"11:62 TC302 network.dns.port: expected a number from 1 to 65535, found a string \"53\"\n"
		"  remove the quotes\n"
		"12:22 TC302 network.allowedNamespaces: expected a list of namespaces, found a string \"apps\"\n"
		"  write a list, with one item too: [...]\n"
		"13:30 TC302 network.allowedCidrs[1]: \"10.0.0.1/8\" has bits set behind the first 8, the block is "
		"10.0.0.0/8\n"
		"13:42 TC302 network.allowedCidrs[2]: expected a string, found an integer 7\n"
		"  put the value in quotes\n"
		"14:3 TC301 network has no key \"dns.port\"\n"
		"  the keys there are dns, allowedNamespaces, allowedCidrs\n"
		"16:3 TC301 services has no key \"postgress\"\n"
		"  did you mean \"postgres\"?\n"
		"17:20 TC302 services.postgres.host: \"https://x\" has a scheme (https://), give the host alone\n"
		"17:39 TC302 services.postgres.port: expected a number from 1 to 65535, found an integer 70000\n"
		"17:58 TC302 services.postgres.tls.mode: expected \"disable\", \"require\" or \"verify-full\", found a "
		"string "
		"\"verify\"\n"
		"17:70 TC302 services.postgres.tls.ca: \"hello\" holds no certificate in PEM form\n"
		"18:20 TC302 services.rustfs.region: \"\" is empty\n"
		"19:20 TC302 services.nats.subjects: expected \"all\" or \"single\", found a string \"al\"\n"
		"  did you mean \"all\"?\n"
		"19:24 TC301 services.nats has no key \"database\"\n"
		"  the keys there are enabled, host, port, tls, network, subjects, admin, limits\n"
		"19:46 TC302 services.nats.enabled: expected true or false, found a string \"maybe\"\n"
		"20:11 TC301 services.spire has no key \"host\"\n"
		"  the keys there are enabled, trustDomain, className, socket\n"
		"20:28 TC302 services.spire.socket: \"unix:///tmp/x\" does not begin with "
		"unix:///spiffe-workload-api/, "
		"where the CSI volume is mounted\n");
}

/* What only registrars read: they get it, and a secret is not accepted in any place, nor shown. */
static void test_admin(void **state)
{
	struct tc_config *config =
		read_config(HEAD "services:\n"
				 "  postgres:\n"
				 "    admin: {host: a.b.svc, port: 7, user: root, passwordFile: /p,\n"
				 "      tls: {mode: require}}\n"
				 "    limits: {connections: 5}\n"
				 "  rustfs: {admin: {accessKeyFile: /a, secretKeyFile: /b}}\n"
				 "  nats: {limits: {jetstream: 9}}\n");
	const struct tc_service_config *postgres = tc_config_service(config, "postgres");
	const struct tc_service_config *rustfs = tc_config_service(config, "rustfs");
	const struct tc_service_config *nats = tc_config_service(config, "nats");

	(void)state;
	assert_string_equal(postgres->admin.host, "a.b.svc");
	assert_int_equal(postgres->admin.port, 7);
	assert_string_equal(postgres->admin.user, "root");
	assert_string_equal(postgres->admin.password_file, "/p");
	assert_string_equal(postgres->admin.tls_mode, "require");
	assert_string_equal(postgres->admin.tls_ca, "");
	assert_string_equal(postgres->admin.settings[0], "postgres");
	assert_int_equal(postgres->limits[0], 5);
	assert_string_equal(rustfs->admin.user_file, "/a");
	assert_string_equal(rustfs->admin.password_file, "/b");
	assert_string_equal(rustfs->admin.settings[0], "rustfs");
	assert_int_equal(rustfs->admin.port, 0);
	assert_int_equal(nats->limits[0], 1000);
	assert_int_equal(nats->limits[1], 1048576);
	assert_int_equal(nats->limits[2], 9);
	expect_refused(HEAD "services:\n"
			    "  postgres: {admin: {password: a, paswordFile: b}, limits: {connections: 0}}\n"
			    "  rustfs: {admin: {accessKey: a, secret: b, user: c, dialect: s3}, limits: {}}\n"
			    "  nats: {admin: {url: 'nats://u:p@h', token: x, secrets: x}}\n"
			    "  spire: {admin: {}}\n",
		       "4:22 TC301 services.postgres.admin has no key \"password\", a configuration holds no secret\n"
		       "  write it to a file that passwordFile names\n"
		       "4:35 TC301 services.postgres.admin has no key \"paswordFile\"\n"
		       "  did you mean \"passwordFile\"?\n"
		       "4:74 TC302 services.postgres.limits.connections: expected a number from 1 to 262143, found an "
		       "integer 0\n"
		       "5:20 TC301 services.rustfs.admin has no key \"accessKey\", a configuration holds no secret\n"
		       "  write it to a file that accessKeyFile names\n"
		       "5:34 TC301 services.rustfs.admin has no key \"secret\", a configuration holds no secret\n"
		       "  write it to a file that secretKeyFile names\n"
		       "5:45 TC301 services.rustfs.admin has no key \"user\"\n"
		       "  the keys there are host, port, tls, accessKeyFile, secretKeyFile, dialect, region\n"
		       "5:63 TC302 services.rustfs.admin.dialect: expected \"rustfs\" or \"minio\", found a string "
		       "\"s3\"\n"
		       "5:68 TC301 services.rustfs has no key \"limits\"\n"
		       "  the keys there are enabled, host, port, tls, network, bucket, region, admin\n"
		       "6:23 TC302 services.nats.admin.url: the value holds a user or a password, which belong "
		       "into user and passwordFile\n"
		       "6:39 TC301 services.nats.admin has no key \"token\", a configuration holds no secret\n"
		       "  write it to a file that passwordFile names\n"
		       "6:58 TC302 services.nats.admin.secrets: \"x\" is not NAMESPACE/NAME\n"
		       "7:11 TC301 services.spire has no key \"admin\"\n"
		       "  the keys there are enabled, trustDomain, className, socket\n");
	expect_refused(HEAD "services: {nats: {admin: {url: 'http://h'}}}\n",
		       "3:32 TC302 services.nats.admin.url: \"http://h\" does not begin with nats:// or tls://\n");
}

static void test_not_a_configuration(void **state)
{
#define BEGINS "  a configuration begins with apiVersion: tentacular.io/v1alpha1 and kind: ExoskeletonConfig\n"
	struct tc_diags diags = {.mem = mem};
	struct tc_config *config;

	(void)state;
	expect_refused("- x\n", "1:1 TC300 expected an ExoskeletonConfig, found a list\n" BEGINS);
	expect_refused("apiVersion: apps/v1\nkind: Deployment\nspec: {}\n",
		       "1:13 TC300 apiVersion: expected \"tentacular.io/v1alpha1\", found a string \"apps/v1\"\n" BEGINS
		       "2:7 TC300 kind: expected \"ExoskeletonConfig\", found a string \"Deployment\"\n" BEGINS);
	/* What is only missing doesn't hide the rest. */
	expect_refused("kind: ExoskeletonConfig\nlevel: x\n",
		       "1:1 TC300 the configuration has no apiVersion, expected \"tentacular.io/v1alpha1\"\n"
		       "  add the line apiVersion: tentacular.io/v1alpha1\n"
		       "2:8 TC302 level: expected a number from 1 to 1000000, found a string \"x\"\n");
	assert_false(tc_config_read(mem, NULL, &diags, &config));
	assert_string_equal(diags.list[0]->text, "expected an ExoskeletonConfig, found nothing");
	assert_string_equal(canonical(config), DEFAULTS);
}

static void test_hosts_outside(void **state)
{
	static const char *const fine[] = {
		"services: {postgres: {host: pg.db.svc}}\n",
		"services: {postgres: {host: pg-0.pg.db.svc.cluster.local}}\n",
		"services: {postgres: {host: 192.0.2.7}}\n",
		"services: {postgres: {host: '2001:db8::7'}}\n",
		"services: {postgres: {host: db.example.com, network: {cidrs: [192.0.2.0/24]}}}\n",
		"services: {postgres: {host: db.example.com, enabled: false}}\n",
		"services: {postgres: {host: db.example.com}}\nnetworkPolicy: {mode: off}\n",
		"networkPolicy: {moduleProxy: {host: jsr.io, cidrs: [192.0.2.0/24]}}\n",
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(fine); i++)
		read_config(tc_printf(mem, HEAD "%s", fine[i]));
	expect_refused(HEAD "services:\n"
			    "  postgres: {host: db.example.com}\n"
			    "  rustfs: {host: rustfs.data, network: {cidrs: []}}\n"
			    "  nats: {host: nats.example.com, network: {cidrs: [x]}}\n"
			    "networkPolicy: {moduleProxy: {host: jsr.io}}\n",
		       "4:20 TC303 services.postgres.host: \"db.example.com\" is outside the cluster, and a "
		       "NetworkPolicy needs its "
		       "addresses\n"
		       "  give its blocks as cidrs; a Service of the cluster is written <name>.<namespace>.svc\n"
		       "5:18 TC303 services.rustfs.host: \"rustfs.data\" is outside the cluster, and a NetworkPolicy "
		       "needs its "
		       "addresses\n"
		       "  give its blocks as cidrs; a Service of the cluster is written <name>.<namespace>.svc\n"
		       "6:52 TC302 services.nats.network.cidrs[0]: \"x\" is neither an address nor a block such as "
		       "203.0.113.0/24 "
		       "or 2001:db8::/32\n"
		       "7:37 TC303 networkPolicy.moduleProxy.host: \"jsr.io\" is outside the cluster, and a "
		       "NetworkPolicy needs its "
		       "addresses\n"
		       "  give its blocks as cidrs; a Service of the cluster is written <name>.<namespace>.svc\n");
}

static void test_templates(void **state)
{
	static const struct {
		const char *key, *value, *fault;
	} cases[] = {
		{"postgres: {database", A63, NULL},
		{"postgres: {database", "{enclave}", NULL},
		{"postgres: {database", "", "is empty, a database has a name of 1 to 63 bytes"},
		{"postgres: {database", A63 "a", "is 64 bytes long, the name of a database has at most 63"},
		{"postgres: {database", "a{enclave}", NULL},
		{"postgres: {database", A63 "{enclave}",
		 "is 126 bytes long, the name of a database has at most 63 (whatever the enclave's name is)"},
		{"postgres: {database", "a\\n", "holds a control character"},
		{"postgres: {database", "a\\0b", "holds a NUL character"},
		{"postgres: {database", "{name}",
		 "has braces around something else than {enclave}, the only thing that can be filled in"},
		{"postgres: {database", "{{enclave}}",
		 "has braces around something else than {enclave}, the only thing that can be filled in"},
		{"postgres: {database", "{enclave",
		 "has braces around something else than {enclave}, the only thing that can be filled in"},
		{"rustfs: {bucket", "abc", NULL},
		{"rustfs: {bucket", "a.b-c.9", NULL},
		{"rustfs: {bucket", "ab", "is 2 characters long, S3 buckets have 3 to 63"},
		{"rustfs: {bucket", "a{enclave}", NULL},
		{"rustfs: {bucket", "{enclave}", NULL},
		{"rustfs: {bucket", "-{enclave}",
		 "is 64 characters long, S3 buckets have 3 to 63 (whatever the enclave's name is)"},
		{"rustfs: {bucket", "Abc", "has a character that S3 buckets don't, allowed are a-z, 0-9, . and -"},
		{"rustfs: {bucket", "-abc", "begins or ends with . or -, an S3 bucket has a letter or a digit there"},
		{"rustfs: {bucket", "abc.", "begins or ends with . or -, an S3 bucket has a letter or a digit there"},
		{"rustfs: {bucket", "a..b", "has two dots in a row, which S3 buckets may not"},
		{"rustfs: {bucket", "10.0.0.1", "is an IP address, which S3 buckets may not be"},
		{"spire: {trustDomain", "{enclave}.example_1.org", NULL},
		{"spire: {trustDomain", "", "is empty, a trust domain has 1 to 255 characters"},
		{"spire: {trustDomain", "Example.org",
		 "has a character that trust domains don't, allowed are a-z, 0-9, ., - and _"},
		{"spire: {trustDomain", A63 A63 A63 A63 "aaa", NULL},
		{"spire: {trustDomain", A63 A63 A63 A63 "aaaa",
		 "is 256 characters long, a trust domain has at most 255"},
		{"spire: {className", "Spire-{enclave}", NULL},
		{"spire: {className", "a b",
		 "has a character that class names don't, allowed are letters, digits, ., - and _"},
		{"spire: {socket", "unix:///spiffe-workload-api/", "names no file in /spiffe-workload-api"},
		{"spire: {socket", "unix:///spiffe-workload-api/..", "names no file in /spiffe-workload-api"},
		{"spire: {socket", "unix:///spiffe-workload-api/a/b",
		 "has a file name with other characters than letters, digits, ., - and _"},
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(cases); i++) {
		const char *text = tc_printf(mem, HEAD "services: {%s: \"%s\"}}\n", cases[i].key, cases[i].value);
		struct tc_diags diags = {.mem = mem};
		struct tc_config *config;
		const char *fault;

		if (tc_config_read(mem, tree_of(text), &diags, &config) != !cases[i].fault)
			fail_msg("%s: \"%s\"", cases[i].key, cases[i].value);
		if (!cases[i].fault)
			continue;
		assert_int_equal(diags.count, 1);
		fault = diags.list[0]->text;
		assert_true(strlen(fault) > strlen(cases[i].fault));
		assert_string_equal(fault + strlen(fault) - strlen(cases[i].fault), cases[i].fault);
	}
}

/* A mapping of the values that the schema calls the defaults, to compare with the reader's own. */
static void add_defaults(struct tc_buf *out, const struct tc_node *properties, size_t *keys)
{
	tc_buf_putc(out, '{');
	for (struct tc_entry e = tc_first(properties); e.key; e = tc_next(e)) {
		const struct tc_node *inner = tc_get(e.value, "properties"), *fixed = tc_get(e.value, "const");
		const struct tc_node *fallback = tc_get(e.value, "default");

		assert_true(tc_is(tc_get(e.value, "description"), TC_STRING));
		++*keys;
		tc_emit_json_string(out, tc_text(e.key));
		tc_buf_puts(out, ": ");
		if (inner) {
			assert_true(tc_is(tc_get(e.value, "additionalProperties"), TC_BOOL));
			add_defaults(out, inner, keys);
		} else if (fixed || fallback) {
			tc_emit(out, fixed ? fixed : fallback, (struct tc_emit){.format = TC_JSON});
		} else {
			tc_buf_puts(out, "null");
		}
		tc_buf_puts(out, ", ");
	}
	tc_buf_putc(out, '}');
}

/* The schema knows the reader's keys (one that it knew alone would be refused here) with the reader's defaults. */
static void test_schema_is_the_reader(void **state)
{
	_cleanup_buf_ struct tc_buf schema = {0}, text = {0};
	size_t keys = 0;
	const struct tc_node *root;

	(void)state;
	tc_config_schema(&schema);
	root = tree_of(schema.p);
	assert_true(tc_is_string(tc_get(root, "$schema"), "https://json-schema.org/draft/2020-12/schema"));
	add_defaults(&text, tc_get(root, "properties"), &keys);
	assert_string_equal(canonical(read_config(text.p)), DEFAULTS);
	assert_int_equal(keys, 117);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_defaults, setup, teardown),
		cmocka_unit_test_setup_teardown(test_everything, setup, teardown),
		cmocka_unit_test_setup_teardown(test_null_and_empty_are_the_default, setup, teardown),
		cmocka_unit_test_setup_teardown(test_off_is_a_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(test_canonical_covers_what_is_in_effect, setup, teardown),
		cmocka_unit_test_setup_teardown(test_all_problems, setup, teardown),
		cmocka_unit_test_setup_teardown(test_admin, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_a_configuration, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hosts_outside, setup, teardown),
		cmocka_unit_test_setup_teardown(test_templates, setup, teardown),
		cmocka_unit_test_setup_teardown(test_schema_is_the_reader, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
