#include "compiler/contract/contract.h"

#include "compiler/base/limits.h"
#include "compiler/tree/stream.h"

#include "tests/unit/unit.h"

static struct tc_arena *mem;
static struct tc_config *config;

/* Platform facts that several cases need. */
static const char *const_cidrs[] = {"10.20.0.0/16", "fd12::/16", "192.168.0.0/16"};
static const char *const_namespaces[] = {"shared", "data"};

static struct tc_service_config *service(const char *key)
{
	for (size_t i = 0; i < config->nservices; i++)
		if (strcmp(config->services[i].service->key, key) == 0)
			return &config->services[i];
	fail_msg("no service %s", key);
	return NULL;
}

static int setup(void **state)
{
	(void)state;
	mem = tc_arena_new(16 * 1024);
	config = tc_config_default(mem);
	config->allowed_cidrs = (struct tc_strings){const_cidrs, TC_COUNT(const_cidrs)};
	config->allowed_namespaces = (struct tc_strings){const_namespaces, TC_COUNT(const_namespaces)};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	tc_arena_free(mem);
	return 0;
}

/* "3:5 TC110 text; note 2:3 text; help text", one diagnostic a line, in the order in which they were found. */
static const char *show_diags(const struct tc_diags *d)
{
	_cleanup_buf_ struct tc_buf b = {0};

	for (size_t i = 0; i < d->count; i++) {
		const struct tc_diag *g = d->list[i];
		struct tc_place p = tc_place(g->at);

		tc_buf_printf(&b, "%u:%u %sTC%d %s\n", p.line, p.column, g->severity == TC_WARNING ? "warning " : "",
			      (int)g->id, g->text);
		for (const struct tc_note *n = g->notes; n; n = n->next) {
			if (n->at.src) {
				p = tc_place(n->at);
				tc_buf_printf(&b, "  note %u:%u %s\n", p.line, p.column, n->text);
			} else {
				tc_buf_printf(&b, "  help %s\n", n->text);
			}
		}
	}
	return tc_strndup(mem, tc_buf_str(&b).s, b.len);
}

static void show_to(struct tc_buf *b, const struct tc_egress_to *to)
{
	if (to->host)
		tc_buf_printf(b, " host=%s", to->host);
	if (to->service_namespace)
		tc_buf_printf(b, " ns=%s", to->service_namespace);
	if (!to->host && to->nports)
		tc_buf_printf(b, " block=%s", tc_cidr_text(mem, &to->cidr));
	for (size_t i = 0; i < to->nports; i++)
		tc_buf_printf(b, " %u/%s", to->ports[i].number, to->ports[i].protocol);
	for (size_t i = 0; i < to->nexcept; i++)
		tc_buf_printf(b, " -%s", tc_cidr_text(mem, &to->except[i]));
	tc_buf_putc(b, '\n');
}

/* What was understood, one dependency a line. */
static const char *show_contract(const struct tc_contract *c)
{
	static const char *const kinds[] = {
		[TC_DEP_PLATFORM] = "platform", [TC_DEP_HOST] = "host",     [TC_DEP_CIDR] = "block",
		[TC_DEP_MODULES] = "modules",   [TC_DEP_OPAQUE] = "opaque",
	};
	_cleanup_buf_ struct tc_buf b = {0};

	if (!c)
		return "nothing\n";
	if (c->name.len)
		tc_buf_printf(&b, "name=%.*s\n", TC_STR_ARG(c->name));
	for (size_t i = 0; i < c->ndeps; i++) {
		const struct tc_dep *d = &c->deps[i];

		tc_buf_printf(&b, "%.*s: %s", TC_STR_ARG(d->name), kinds[d->kind]);
		if (d->kind == TC_DEP_PLATFORM)
			tc_buf_printf(&b, " %s%s", d->service->key, d->config->service == d->service ? "" : "?");
		for (size_t k = 0; k < d->nconsumes; k++)
			tc_buf_printf(&b, " consumes=%s", d->consumes[k]);
		if (d->kind == TC_DEP_HOST || d->kind == TC_DEP_CIDR)
			show_to(&b, &d->to);
		else
			tc_buf_putc(&b, '\n');
	}
	for (size_t i = 0; i < c->nextra; i++) {
		tc_buf_puts(&b, "extra:");
		show_to(&b, &c->extra[i]);
	}
	return tc_strndup(mem, tc_buf_str(&b).s, b.len);
}

static const struct tc_node *read_yaml(const char *yaml, struct tc_diags *diags)
{
	struct tc_source *src = tc_alloc(mem, sizeof(*src));
	struct tc_limits limits = TC_LIMITS_FILE;
	bool empty = false;
	const struct tc_node *root;

	*src = (struct tc_source){.name = "contract.yaml", .text = tc_str(yaml)};
	root = tc_yaml_read(mem, src, 0, (uint32_t)src->text.len, &limits, diags, &empty);
	if (!root)
		fail_msg("not read as YAML:\n%s%s", yaml, show_diags(diags));
	return root;
}

/* fail_msg cuts what it prints. */
static void expect_text(const char *yaml, const char *what, const char *got, const char *want)
{
	if (strcmp(got, want) == 0)
		return;
	print_error("%s", yaml);
	print_error("--- %s, want\n", what);
	print_error("%s", want);
	print_error("--- got\n");
	print_error("%s", got);
	fail();
}

static void check(const char *yaml, const char *enclave, const char *want, const char *want_diags)
{
	struct tc_diags diags = {.mem = mem};
	const struct tc_node *root = read_yaml(yaml, &diags);
	const struct tc_contract *c =
		tc_contract_read(mem, root, &(struct tc_contract_context){.config = config, .enclave = enclave},
				 &diags);
	const char *got = show_contract(c), *got_diags = show_diags(&diags);

	expect_text(yaml, "what was understood", got, want ? want : got);
	expect_text(yaml, "diagnostics", got_diags, want_diags);
}

/* A contract that is fine, and how it is understood. */
static void fine(const char *yaml, const char *want)
{
	check(yaml, "demo", want, "");
}

/* A contract that is not, and all that is said about it. */
static void refused(const char *yaml, const char *want_diags)
{
	check(yaml, "demo", NULL, want_diags);
}

#define DEP(body) "dependencies:\n  d: " body "\n" /* body begins at 2:6 */

static void test_empty_forms(void **state)
{
	(void)state;
	fine("{}", "");
	fine("dependencies:\n", "");
	fine("dependencies: {}\n", "");
	fine("version: \"1\"\nname: shop\nnetworkPolicy:\nx-team: blue\n", "name=shop\n");
	fine("version: 1\nname:\n", "");
	fine("version: 1.0\n", "");
	fine("version:\nnetworkPolicy: {additionalEgress: }\n", "");
	fine("networkPolicy: {additionalEgress: [], x-why: {}}\n", "");
}

static void test_root(void **state)
{
	(void)state;
#define HELP_ROOT "  help write dependencies: in it, and below that one name a line, such as tentacular-postgres:\n"
	check("- tentacular-postgres\n", "demo", "nothing\n",
	      "1:1 TC100 the contract is a list, expected a mapping\n" HELP_ROOT);
	check("tentacular-postgres\n", "demo", "nothing\n",
	      "1:1 TC100 the contract is a string, expected a mapping\n" HELP_ROOT);
	check("~\n", "demo", "nothing\n", "1:1 TC100 the contract is empty, expected a mapping\n" HELP_ROOT);
	refused("version: 2\n", "1:10 TC101 version is 2, expected \"1\"\n  help write version: \"1\"\n");
	refused("version: v1\n", "1:10 TC101 version is \"v1\", expected \"1\"\n  help write version: \"1\"\n");
	refused("version: true\n", "1:10 TC101 version is true, expected \"1\"\n  help write version: \"1\"\n");
	refused("version: [1]\n", "1:10 TC101 version is a list, expected \"1\"\n  help write version: \"1\"\n");
	refused("name: 7\n", "1:7 TC102 name is an integer, expected a string\n");
	refused("networkPolicy: []\n", "1:16 TC102 networkPolicy is a list, expected a mapping\n");
	refused("networkPolicy: {additionalEgress: {}}\n",
		"1:35 TC102 additionalEgress is a mapping, expected a list\n");
	refused("dependancies: {}\nX-team: a\nnetworkPolicy: {egress: []}\n",
		"1:1 warning TC103 unknown field \"dependancies\" of the contract, it is ignored\n"
		"  help did you mean \"dependencies\"?\n"
		"2:1 warning TC103 unknown field \"X-team\" of the contract, it is ignored\n"
		"  help known fields: version, name, dependencies and networkPolicy\n"
		"3:17 warning TC103 unknown field \"egress\" of networkPolicy, it is ignored\n"
		"  help known fields: additionalEgress\n");
}

/* Where the contract hangs on a key and is nothing, the key is pointed at. */
static void test_null_root_points_at_its_key(void **state)
{
	struct tc_diags diags = {.mem = mem};
	const struct tc_node *root = read_yaml("name: shop\ncontract:\n", &diags);
	struct tc_contract_context ctx = {.config = config};

	(void)state;
	assert_null(tc_contract_read(mem, tc_get(root, "contract"), &ctx, &diags));
	assert_string_equal(show_diags(&diags), "2:1 TC100 the contract is empty, expected a mapping\n" HELP_ROOT);
	diags = (struct tc_diags){.mem = mem};
	assert_null(tc_contract_read(mem, NULL, &ctx, &diags));
	assert_int_equal(diags.errors, 1);
	assert_null(diags.list[0]->at.src);
}

static void test_dependencies_that_are_a_list(void **state)
{
	(void)state;
	refused("dependencies:\n  - tentacular-nats\n",
		"2:3 TC102 dependencies is a list, expected a mapping\n"
		"  help write \"tentacular-nats\": on a line of its own, without a dash\n");
	refused("dependencies:\n  - github: {host: a.example, protocol: https}\n",
		"2:3 TC102 dependencies is a list, expected a mapping\n"
		"  help write \"github\": on a line of its own, without a dash\n");
	refused("dependencies: []\n", "1:15 TC102 dependencies is a list, expected a mapping\n"
				      "  help write \"tentacular-postgres\": on a line of its own, without a dash\n");
	refused("dependencies: all\n", "1:15 TC102 dependencies is a string, expected a mapping\n"
				       "  help write \"tentacular-postgres\": on a line of its own, without a dash\n");
}

static void test_platform(void **state)
{
	(void)state;
	fine("dependencies:\n"
	     "  tentacular-postgres:\n"
	     "  tentacular-rustfs: {protocol: http}\n"
	     "  tentacular-nats: {protocol: ~, consumes: [orders, \"7\"]}\n"
	     "  tentacular-identity: {}\n",
	     "tentacular-postgres: platform postgres\n"
	     "tentacular-rustfs: platform rustfs\n"
	     "tentacular-nats: platform nats consumes=orders consumes=7\n"
	     "tentacular-identity: platform spire\n");
	/* Values are compared by the transform, which knows whose they should be. */
	fine("dependencies:\n"
	     "  tentacular-postgres: {protocol: postgresql, host: x, port: 1, database: y, user: z, schema: s, auth: "
	     "{}}\n",
	     "tentacular-postgres: platform postgres\n");
	/* Not the platform's: no prefix. */
	fine("dependencies:\n  postgres:\n  tentacular:\n  Tentacular-postgres:\n",
	     "postgres: opaque\ntentacular: opaque\nTentacular-postgres: opaque\n");
}

static void test_platform_names(void **state)
{
	(void)state;
	refused("dependencies:\n  tentacular-postgress:\n  tentacular-:\n  tentacular-elasticsearch: {host: [1]}\n",
		"2:3 TC110 unknown dependency \"tentacular-postgress\"\n"
		"  help did you mean \"tentacular-postgres\"?\n"
		"3:3 TC110 unknown dependency \"tentacular-\"\n"
		"  help available: tentacular-postgres, tentacular-rustfs, tentacular-nats and tentacular-spire\n"
		"4:3 TC110 unknown dependency \"tentacular-elasticsearch\"\n"
		"  help available: tentacular-postgres, tentacular-rustfs, tentacular-nats and tentacular-spire\n");
	/* The prefix that all share says nothing about how near two names are. */
	refused("dependencies:\n  tentacular-s3:\n  tentacular-spier:\n",
		"2:3 TC110 unknown dependency \"tentacular-s3\"\n"
		"  help available: tentacular-postgres, tentacular-rustfs, tentacular-nats and tentacular-spire\n"
		"3:3 TC110 unknown dependency \"tentacular-spier\"\n"
		"  help did you mean \"tentacular-spire\"?\n");
	refused("dependencies:\n  tentacular-identity:\n  tentacular-spire:\n",
		"3:3 TC112 \"tentacular-spire\" is the same service as \"tentacular-identity\"\n"
		"  note 2:3 declared here first\n"
		"  help remove one of them\n");
	service("nats")->enabled = false;
	service("spire")->enabled = false;
	refused("dependencies:\n  tentacular-nats: {protocol: mqtt}\n",
		"2:3 TC111 \"tentacular-nats\" is switched off in the configuration\n"
		"  help available: tentacular-postgres and tentacular-rustfs\n"
		"2:31 TC114 protocol \"mqtt\" is not one of tentacular-nats, expected nats or tls\n"
		"  help remove the line, tentc fills in \"nats\"\n");
	service("postgres")->enabled = false;
	service("rustfs")->enabled = false;
	refused("dependencies:\n  tentacular-spire:\n",
		"2:3 TC111 \"tentacular-spire\" is switched off in the configuration\n"
		"  help the configuration has switched off every service\n");
}

static void test_platform_fields(void **state)
{
	(void)state;
	refused("dependencies:\n  tentacular-postgres: on\n  tentacular-nats: [a]\n",
		"2:24 TC102 dependency \"tentacular-postgres\" is a boolean, expected a mapping or nothing\n"
		"  help write nothing behind the colon: tentc fills in the fields\n"
		"3:20 TC102 dependency \"tentacular-nats\" is a list, expected a mapping or nothing\n"
		"  help write nothing behind the colon: tentc fills in the fields\n");
	refused("dependencies:\n  tentacular-postgres: {protocol: postgre, port: [5432], user: {}}\n",
		"2:35 TC114 protocol \"postgre\" is not one of tentacular-postgres, expected postgres or postgresql\n"
		"  help did you mean \"postgres\"?\n"
		"2:50 TC102 port is a list, expected a single value\n"
		"2:64 TC102 user is a mapping, expected a single value\n");
	refused("dependencies:\n  tentacular-rustfs: {protocol: 3}\n",
		"2:33 TC102 protocol is an integer, expected a string\n");
	refused("dependencies:\n  tentacular-postgres: {hots: x, password: y, consumes: [a], x-note: z}\n"
		"  tentacular-spire: {auth: {}}\n",
		"2:25 warning TC115 unknown field \"hots\" of tentacular-postgres, it is ignored\n"
		"  help did you mean \"host\"?\n"
		"2:34 warning TC115 unknown field \"password\" of tentacular-postgres, it is ignored\n"
		"  help known fields: protocol, host, port, database, user, schema and auth\n"
		"2:47 warning TC115 unknown field \"consumes\" of tentacular-postgres, it is ignored\n"
		"  help known fields: protocol, host, port, database, user, schema and auth\n"
		"2:62 warning TC115 unknown field \"x-note\" of tentacular-postgres, it is ignored\n"
		"  help known fields: protocol, host, port, database, user, schema and auth\n"
		"3:22 warning TC115 unknown field \"auth\" of tentacular-spire, it is ignored\n"
		"  help known fields: protocol, id and socket\n");
	refused("dependencies:\n  tentacular-nats: {consumes: [a_b, 7, {}, ok]}\n",
		"2:32 TC116 tentacle \"a_b\" under consumes has \"_\" as character 2, allowed are a-z, 0-9 and -\n"
		"  help write the name of another tentacle of the enclave\n"
		"2:37 TC116 tentacle 7 under consumes is an integer, expected a string\n"
		"  help write the name of another tentacle of the enclave\n"
		"2:40 TC116 tentacle a mapping under consumes is a mapping, expected a string\n"
		"  help write the name of another tentacle of the enclave\n");
	refused("dependencies:\n  tentacular-nats: {consumes: orders}\n",
		"2:31 TC102 consumes is a string, expected a list\n");
}

static void test_own(void **state)
{
	(void)state;
	fine("dependencies:\n"
	     "  nothing:\n"
	     "  empty: {}\n"
	     "  strange: {protocol: slack, channels: [a, b], port: [], cidr: {}}\n"
	     "  github: {protocol: https, host: API.GitHub.com., auth: {type: bearer, secret: github.token}}\n"
	     "  web: {protocol: http, host: example.com, port: 8080}\n"
	     "  quoted: {host: example.com, port: \"8443\"}\n"
	     "  custom: {protocol: gopher, host: example.com, port: 70}\n"
	     "  std: {protocol: jsr, host: [jsr.io]}\n"
	     "  mods: {protocol: npm, version: 7}\n"
	     "  db: {protocol: postgresql, host: pg.demo.svc}\n"
	     "  far: {protocol: redis, host: cache-0.cache.shared.svc.cluster.local}\n"
	     "  ip: {protocol: https, host: 192.0.2.7, type: ~}\n"
	     "  ip6: {protocol: https, host: \"2001:DB8::1\"}\n"
	     "  lan: {protocol: https, host: 10.20.3.4}\n",
	     "nothing: opaque\n"
	     "empty: opaque\n"
	     "strange: opaque\n"
	     "github: host host=api.github.com 443/TCP\n"
	     "web: host host=example.com 8080/TCP\n"
	     "quoted: host host=example.com 8443/TCP\n"
	     "custom: host host=example.com 70/TCP\n"
	     "std: modules\n"
	     "mods: modules\n"
	     "db: host host=pg.demo.svc ns=demo 5432/TCP\n"
	     "far: host host=cache-0.cache.shared.svc.cluster.local ns=shared 6379/TCP\n"
	     "ip: block block=192.0.2.7/32 443/TCP\n"
	     "ip6: block block=2001:db8::1/128 443/TCP\n"
	     "lan: block block=10.20.3.4/32 443/TCP\n");
}

static void test_usual_ports(void **state)
{
	static const struct {
		const char *protocol;
		unsigned port;
	} rows[] = {
		{"https", 443},  {"http", 80},    {"postgresql", 5432}, {"postgres", 5432},
		{"nats", 4222},  {"mysql", 3306}, {"redis", 6379},      {"amqp", 5672},
		{"kafka", 9092}, {"grpc", 443},   {"s3", 443},          {"blob", 443},
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(rows); i++)
		fine(tc_printf(mem, DEP("{protocol: %s, host: example.com}"), rows[i].protocol),
		     tc_printf(mem, "d: host host=example.com %u/TCP\n", rows[i].port));
}

static void test_own_refused(void **state)
{
	(void)state;
	refused(DEP("yes"), "2:6 TC102 dependency \"d\" is a boolean, expected a mapping or nothing\n"
			    "  help write its fields below it, such as protocol: https and host: api.example.com\n");
	refused(DEP("{protocol: [https], type: 7, host: 7}"),
		"2:32 TC102 type is an integer, expected a string\n2:17 TC102 protocol is a list, expected a string\n");
	refused(DEP("{protocol: https, host: 7}"), "2:30 TC102 host is an integer, expected a string\n");
	refused(DEP("{protocol: https}"), "2:17 TC157 a dependency with protocol \"https\" needs a host\n"
					  "  help add host:, or type: dynamic-target with cidr: and dynPorts:\n");
	refused(DEP("{host: example.com}"), "2:13 TC152 host \"example.com\" has neither a port nor a protocol\n"
					    "  help add port: with a number\n");
	refused(DEP("{host: example.com, protocol: gopher}"),
		"2:36 TC152 host \"example.com\" has no port, and protocol \"gopher\" has no usual one\n"
		"  help add port: with a number\n");
	refused(DEP("{host: example.com, protocol: htps}"),
		"2:36 TC152 host \"example.com\" has no port, and protocol \"htps\" has no usual one\n"
		"  help did you mean \"https\"?\n");
	refused(DEP("{host: example.com, protocol: HTTPS}"),
		"2:36 TC152 host \"example.com\" has no port, and protocol \"HTTPS\" has no usual one\n"
		"  help did you mean \"https\"?\n");
	refused(DEP("{host: example.com, port: 0}"), "2:32 TC151 port 0 is not a number from 1 to 65535\n");
	refused(DEP("{host: example.com, port: 65536}"), "2:32 TC151 port 65536 is not a number from 1 to 65535\n");
	refused(DEP("{host: example.com, port: -1}"), "2:32 TC151 port -1 is not a number from 1 to 65535\n");
	refused(DEP("{host: example.com, port: 443.5}"), "2:32 TC151 port 443.5 is not a number from 1 to 65535\n");
	refused(DEP("{host: example.com, port: 443/TCP}"),
		"2:32 TC151 port \"443/TCP\" is not a number from 1 to 65535\n");
	refused(DEP("{host: example.com, port: \"080\"}"), "2:32 TC151 port \"080\" is not a number from 1 to 65535\n");
	refused(DEP("{host: example.com, port: \"\"}"), "2:32 TC151 port \"\" is not a number from 1 to 65535\n");
	refused(DEP("{host: example.com, port: {}}"), "2:32 TC151 port a mapping is not a number from 1 to 65535\n");
	refused(DEP("{host: example.com, port: \"99999999999999999999\"}"),
		"2:32 TC151 port \"99999999999999999999\" is not a number from 1 to 65535\n");
}

static void test_hosts_refused(void **state)
{
	(void)state;
#define HOST(h) DEP("{protocol: https, host: " h "}") /* h begins at 2:30 */
	refused(HOST("https://example.com"),
		"2:30 TC150 host \"https://example.com\" has a scheme (https://), give the host alone\n");
	refused(DEP("{host: \"*.example.com\", port: x}"),
		"2:13 TC150 host \"*.example.com\" has a wildcard, which a NetworkPolicy cannot express\n"
		"2:36 TC151 port \"x\" is not a number from 1 to 65535\n");
	refused(HOST("redis"), "2:30 TC150 host \"redis\" has no namespace\n"
			       "  help write redis.<namespace>.svc: a NetworkPolicy needs the namespace\n");
	refused(HOST("Redis.svc"), "2:30 TC150 host \"Redis.svc\" is in the cluster, but does not name a Service\n"
				   "  help write <service>.<namespace>.svc: a NetworkPolicy needs the namespace\n");
	refused(HOST("1-2-3-4.demo.pod.cluster.local"),
		"2:30 TC150 host \"1-2-3-4.demo.pod.cluster.local\" is in the cluster, but does not name a Service\n"
		"  help write <service>.<namespace>.svc: a NetworkPolicy needs the namespace\n");
	refused(HOST("db.prod.svc"),
		"2:30 TC155 host \"db.prod.svc\" is in namespace \"prod\", the enclave is \"demo\"\n"
		"  help the platform may allow it under network.allowedNamespaces in the configuration\n");
	refused(HOST("10.0.0.1"), "2:30 TC154 10.0.0.1/32 lies in 10.0.0.0/8, which is not open to the public\n"
				  "  help the platform may allow it under network.allowedCidrs in the configuration\n");
	refused(HOST("169.254.169.254"),
		"2:30 TC154 169.254.169.254/32 lies in 169.254.0.0/16, which is not open to the public\n"
		"  help the platform may allow it under network.allowedCidrs in the configuration\n");
	refused(HOST("\"fd00:ec2::254\""),
		"2:30 TC154 fd00:ec2::254/128 lies in fc00::/7, which is not open to the public\n"
		"  help the platform may allow it under network.allowedCidrs in the configuration\n");
}

/* Without an enclave (a template that is compiled for many) nobody knows which namespace is foreign. */
static void test_unknown_enclave(void **state)
{
	(void)state;
	check(HOST("db.prod.svc"), NULL, "d: host host=db.prod.svc ns=prod 443/TCP\n", "");
}

static void test_platform_hosts(void **state)
{
	static const char *const spellings[] = {
		"postgres.tentacular-system.svc",
		"Postgres.Tentacular-System.svc",
		"postgres.tentacular-system.svc.cluster.local",
		"POSTGRES.tentacular-system.SVC.cluster.LOCAL.",
	};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(spellings); i++)
		refused(tc_printf(mem, HOST("%s"), spellings[i]),
			tc_printf(mem,
				  "2:30 TC156 host \"%s\" is the platform's PostgreSQL\n"
				  "  help declare tentacular-postgres instead\n",
				  spellings[i]));
	/* Another service of the same namespace is foreign, and no more. */
	refused(HOST("pg.tentacular-system.svc"),
		"2:30 TC155 host \"pg.tentacular-system.svc\" is in namespace \"tentacular-system\", the enclave is "
		"\"demo\"\n"
		"  help the platform may allow it under network.allowedNamespaces in the configuration\n");
	service("rustfs")->host = "S3.example.com";
	service("nats")->host = "2001:db8:0::7";
	refused(HOST("s3.example.com."), "2:30 TC156 host \"s3.example.com.\" is the platform's RustFS (S3)\n"
					 "  help declare tentacular-rustfs instead\n");
	refused(HOST("\"2001:DB8::7\""), "2:30 TC156 host \"2001:DB8::7\" is the platform's NATS\n"
					 "  help declare tentacular-nats instead\n");
	service("rustfs")->enabled = false;
	fine(HOST("s3.example.com"), "d: host host=s3.example.com 443/TCP\n");
}

/* The search path of a pod completes service.namespace. */
static void test_hosts_without_svc(void **state)
{
	static const char *const spaces[] = {"demo", "default", "kube-system", "tentacular-system", "shared", "data"};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(spaces); i++)
		refused(tc_printf(mem, HOST("Web.%s"), spaces[i]),
			tc_printf(mem,
				  "2:30 TC150 host \"Web.%s\" is short for a Service of namespace \"%s\"\n"
				  "  help write web.%s.svc, or \"web.%s.\" for a host outside the cluster\n",
				  spaces[i], spaces[i], spaces[i], spaces[i]));
	refused(HOST("Postgres.tentacular-system"),
		"2:30 TC156 host \"Postgres.tentacular-system\" is the platform's PostgreSQL\n"
		"  help declare tentacular-postgres instead\n");
	refused(HOST("postgres.tentacular-system."),
		"2:30 TC156 host \"postgres.tentacular-system.\" is the platform's PostgreSQL\n"
		"  help declare tentacular-postgres instead\n");
	fine(HOST("web.demo."), "d: host host=web.demo 443/TCP\n");
	fine(HOST("web.example"), "d: host host=web.example 443/TCP\n");
	fine(HOST("a.web.demo"), "d: host host=a.web.demo 443/TCP\n");
}

static void test_dynamic_target(void **state)
{
	(void)state;
#define DYNAMIC(rest) DEP("{type: dynamic-target, " rest "}") /* rest begins at 2:29 */
	fine(DYNAMIC("protocol: https, cidr: 203.0.113.0/24, dynPorts: [443/TCP, 53/UDP, 9/SCTP, 80, \"81\"], host: "
		     "[]"),
	     "d: block block=203.0.113.0/24 443/TCP 53/UDP 9/SCTP 80/TCP 81/TCP\n");
	fine(DYNAMIC("cidr: 10.20.0.0/16, dynPorts: [1]"), "d: block block=10.20.0.0/16 1/TCP\n");
	fine(DYNAMIC("cidr: 192.168.0.0/16, dynPorts: [1]"), "d: block block=192.168.0.0/16 1/TCP\n");
	/* 192.168.0.0/16 is allowed as a whole, 10.0.0.0/8 only in part. */
	fine(DYNAMIC("cidr: 0.0.0.0/0, dynPorts: [1]"),
	     "d: block block=0.0.0.0/0 1/TCP -0.0.0.0/8 -10.0.0.0/8 -100.64.0.0/10 -127.0.0.0/8 -168.63.129.16/32 "
	     "-169.254.0.0/16 -172.16.0.0/12 -192.0.0.0/24 -198.18.0.0/15 -224.0.0.0/4 -240.0.0.0/4\n");
	fine(DYNAMIC("cidr: \"::/0\", dynPorts: [1]"),
	     "d: block block=::/0 1/TCP -::/127 -64:ff9b::/104 -64:ff9b::a00:0/104 -64:ff9b::6440:0/106 "
	     "-64:ff9b::7f00:0/104 -64:ff9b::a83f:8110/128 -64:ff9b::a9fe:0/112 -64:ff9b::ac10:0/108 "
	     "-64:ff9b::c000:0/120 -64:ff9b::c0a8:0/112 -64:ff9b::c612:0/111 -64:ff9b::e000:0/100 "
	     "-64:ff9b::f000:0/100 -64:ff9b:1::/48 -2002::/16 -fc00::/7 -fe80::/10 -fec0::/10 -ff00::/8\n");
	fine(DYNAMIC("cidr: 172.0.0.0/8, dynPorts: [1]"), "d: block block=172.0.0.0/8 1/TCP -172.16.0.0/12\n");
	refused(DYNAMIC("dynPorts: []"), "2:13 TC157 a dynamic-target needs a cidr\n"
					 "  help add cidr: 203.0.113.0/24, or 0.0.0.0/0 for anything outside\n"
					 "2:39 TC151 no ports given in dynPorts\n"
					 "  help write dynPorts: [\"443/TCP\"]\n");
	refused(DYNAMIC("cidr: , dynPorts: "), "2:29 TC157 a dynamic-target needs a cidr\n"
					       "  help add cidr: 203.0.113.0/24, or 0.0.0.0/0 for anything outside\n"
					       "2:37 TC151 no ports given in dynPorts\n"
					       "  help write dynPorts: [\"443/TCP\"]\n");
	refused(DYNAMIC("cidr: 203.0.113.0/24"), "2:13 TC151 no ports given in dynPorts\n"
						 "  help write dynPorts: [\"443/TCP\"]\n");
	refused(DYNAMIC("cidr: 203.0.113.1/24, dynPorts: 443/TCP"),
		"2:35 TC153 cidr \"203.0.113.1/24\" has bits set behind the first 24, the block is 203.0.113.0/24\n"
		"2:61 TC102 dynPorts is a string, expected a list\n");
	refused(DYNAMIC("cidr: [203.0.113.0/24], dynPorts: [443/tcp, TCP, {port: 0}, 443/, ~, 65536/UDP]"),
		"2:35 TC102 cidr is a list, expected a string\n"
		"2:64 TC151 port protocol \"tcp\" is not TCP, UDP or SCTP\n"
		"2:73 TC151 port \"TCP\" is not a number from 1 to 65535\n"
		"2:85 TC151 port 0 is not a number from 1 to 65535\n"
		"2:89 TC151 port protocol \"\" is not TCP, UDP or SCTP\n"
		"2:95 TC151 port null is not a number from 1 to 65535\n"
		"2:98 TC151 port \"65536/UDP\" is not a number from 1 to 65535\n");
	refused(DYNAMIC("cidr: 10.0.0.0/8, dynPorts: [1]"),
		"2:35 TC154 10.0.0.0/8 lies in 10.0.0.0/8, which is not open to the public\n"
		"  help the platform may allow it under network.allowedCidrs in the configuration\n");
	refused(DYNAMIC("cidr: 10.21.0.0/16, dynPorts: [1]"),
		"2:35 TC154 10.21.0.0/16 lies in 10.0.0.0/8, which is not open to the public\n"
		"  help the platform may allow it under network.allowedCidrs in the configuration\n");
}

static void test_platform_addresses(void **state)
{
	static const char *blocks[] = {"203.0.113.64/26", "2001:db8:5::/48"}, *inside[] = {"10.9.0.0/16"};

	(void)state;
	service("postgres")->host = "pg.example.com";
	service("postgres")->peer.cidrs = (struct tc_strings){blocks, TC_COUNT(blocks)};
	service("rustfs")->host = "s3.example.com";
	service("rustfs")->port = 9000;
	service("rustfs")->peer.cidrs = (struct tc_strings){inside, TC_COUNT(inside)};
	service("nats")->host = "198.51.100.7";
#define INSTEAD "  help declare tentacular-postgres instead\n"
#define OUT(name) "  help declare tentacular-" name ", and leave its addresses or its port out here\n"
	refused(DYNAMIC("cidr: 203.0.113.64/26, dynPorts: [443, 5432]"),
		"2:35 TC156 203.0.113.64/26 with port 5432 reaches the platform's PostgreSQL at "
		"203.0.113.64/26\n" INSTEAD);
	refused(DYNAMIC("cidr: 203.0.113.70, dynPorts: [5432]"),
		"2:35 TC156 203.0.113.70/32 with port 5432 reaches the platform's PostgreSQL at "
		"203.0.113.64/26\n" INSTEAD);
	refused(DYNAMIC("cidr: 203.0.113.0/24, dynPorts: [5432]"),
		"2:35 TC156 203.0.113.0/24 with port 5432 reaches the platform's PostgreSQL at 203.0.113.64/26\n" OUT(
			"postgres"));
	refused(DYNAMIC("cidr: \"::/0\", dynPorts: [5432]"),
		"2:35 TC156 ::/0 with port 5432 reaches the platform's PostgreSQL at 2001:db8:5::/48\n" OUT(
			"postgres"));
	refused(DYNAMIC("cidr: 0.0.0.0/0, dynPorts: [4222]"),
		"2:35 TC156 0.0.0.0/0 with port 4222 reaches the platform's NATS at 198.51.100.7/32\n" OUT("nats"));
	refused(DEP("{protocol: postgres, host: 203.0.113.70}"),
		"2:33 TC156 203.0.113.70/32 with port 5432 reaches the platform's PostgreSQL at "
		"203.0.113.64/26\n" INSTEAD);
	refused("networkPolicy: {additionalEgress: [{toCIDR: 203.0.113.70/32, ports: [5432/TCP]}]}\n",
		"1:45 TC156 203.0.113.70/32 with port 5432 reaches the platform's PostgreSQL at "
		"203.0.113.64/26\n" INSTEAD);
	/* Another port, another transport, other addresses; and a private block that is left out anyway. */
	fine(DYNAMIC("cidr: 203.0.113.64/26, dynPorts: [5433, 5432/UDP]"),
	     "d: block block=203.0.113.64/26 5433/TCP 5432/UDP\n");
	fine(DYNAMIC("cidr: 203.0.113.128/26, dynPorts: [5432]"), "d: block block=203.0.113.128/26 5432/TCP\n");
	fine(DYNAMIC("cidr: 0.0.0.0/1, dynPorts: [9000]"),
	     "d: block block=0.0.0.0/1 9000/TCP -0.0.0.0/8 -10.0.0.0/8 -100.64.0.0/10 -127.0.0.0/8\n");
	service("postgres")->peer.pod_port = 6432;
	fine(DYNAMIC("cidr: 203.0.113.64/26, dynPorts: [5432]"), "d: block block=203.0.113.64/26 5432/TCP\n");
	service("postgres")->enabled = false;
	fine(DYNAMIC("cidr: 203.0.113.64/26, dynPorts: [6432]"), "d: block block=203.0.113.64/26 6432/TCP\n");
}

static void test_additional_egress(void **state)
{
	(void)state;
	fine("networkPolicy:\n"
	     "  additionalEgress:\n"
	     "    - {toCIDR: 203.0.113.0/24, ports: [443, 53/UDP, {port: 80}, {port: \"90\", protocol: UDP}], reason: "
	     "x}\n"
	     "    - toCIDR: 10.20.1.0/24\n"
	     "      ports: [5432]\n"
	     "      x-ticket: 7\n",
	     "extra: block=203.0.113.0/24 443/TCP 53/UDP 80/TCP 90/UDP\n"
	     "extra: block=10.20.1.0/24 5432/TCP\n");
	refused("networkPolicy:\n"
		"  additionalEgress:\n"
		"    - 203.0.113.0/24\n"
		"    - {cidr: 203.0.113.0/24, ports: [1], reason: [x]}\n"
		"    - {toCIDR: 172.16.0.1, ports: [{port: , protcol: TCP}, {protocol: TCP}, {port: 1, protocol: 6}]}\n"
		"    - {toCIDR: example.com}\n",
		"3:7 TC102 a rule of additionalEgress is a string, expected a mapping\n"
		"  help write toCIDR:, ports: and reason: in it\n"
		"4:8 warning TC103 unknown field \"cidr\" of additionalEgress, it is ignored\n"
		"  help known fields: toCIDR, ports and reason\n"
		"4:7 TC157 a rule of additionalEgress needs toCIDR\n"
		"  help add toCIDR: 203.0.113.0/24\n"
		"4:50 TC102 reason is a list, expected a string\n"
		"5:16 TC154 172.16.0.1/32 lies in 172.16.0.0/12, which is not open to the public\n"
		"  help the platform may allow it under network.allowedCidrs in the configuration\n"
		"5:45 warning TC103 unknown field \"protcol\" of ports, it is ignored\n"
		"  help did you mean \"protocol\"?\n"
		"5:37 TC151 no port given, expected a number from 1 to 65535\n"
		"5:60 TC151 no port given, expected a number from 1 to 65535\n"
		"5:97 TC102 protocol is an integer, expected a string\n"
		"6:16 TC153 toCIDR \"example.com\" is neither an address nor a block such as 203.0.113.0/24 or "
		"2001:db8::/32\n"
		"6:7 TC151 no ports given in ports\n"
		"  help write ports: [\"443/TCP\"]\n");
}

/* Aliases and merge keys are looked through. */
static void test_aliases(void **state)
{
	(void)state;
	fine("x-web: &web {protocol: https, port: 8443}\n"
	     "dependencies:\n"
	     "  <<: {tentacular-nats: , c: ~}\n"
	     "  a: {<<: *web, host: a.example}\n"
	     "  b: &b {<<: *web, host: b.example, port: 1}\n"
	     "  c: *b\n",
	     "a: host host=a.example 8443/TCP\n"
	     "b: host host=b.example 1/TCP\n"
	     "c: host host=b.example 1/TCP\n"
	     "tentacular-nats: platform nats\n");
}

/* As it is printed: the source line and the caret. */
static void test_rendered(void **state)
{
	_cleanup_buf_ struct tc_buf out = {0};
	struct tc_diags diags = {.mem = mem};
	const struct tc_node *root = read_yaml("dependencies:\n"
					       "  tentacular-identity:\n"
					       "  tentacular-spire:\n"
					       "  db: {protocol: https, host: redis}\n",
					       &diags);

	(void)state;
	tc_contract_read(mem, root, &(struct tc_contract_context){.config = config}, &diags);
	tc_diags_render(&out, &diags, (struct tc_diag_style){0});
	assert_string_equal(
		out.p, "contract.yaml:3:3: error: \"tentacular-spire\" is the same service as \"tentacular-identity\" "
		       "[TC112]\n"
		       "   3 |   tentacular-spire:\n"
		       "     |   ^\n"
		       "contract.yaml:2:3: note: declared here first\n"
		       "   2 |   tentacular-identity:\n"
		       "     |   ^\n"
		       "  help: remove one of them\n"
		       "contract.yaml:4:31: error: host \"redis\" has no namespace [TC150]\n"
		       "   4 |   db: {protocol: https, host: redis}\n"
		       "     |                               ^\n"
		       "  help: write redis.<namespace>.svc: a NetworkPolicy needs the namespace\n");
}

static const char *slurp(const char *path)
{
	static const size_t most = 1 << 16;
	char *text = tc_alloc(mem, most);
	FILE *f = fopen(path, "r");

	if (!f)
		fail_msg("%s cannot be read", path);
	if (fread(text, 1, most - 1, f) == most - 1)
		fail_msg("%s is larger than %zu", path, most);
	fclose(f);
	return text;
}

/* One document of tests/schema_cases/contract.yaml: "fine", "refused TC102", "tentc only TC150: why". Marks the errors
 * that were found in seen. */
static void try_schema_case(struct tc_str label, const char *yaml, bool seen[1000])
{
	struct tc_contract_context ctx = {.config = config, .enclave = "demo"};
	struct tc_diags diags = {.mem = mem};
	const char *wanted = strstr(label.s, "TC");
	bool found = false;

	service("nats")->enabled = !tc_str_starts(label, "tentc only TC111");
	tc_contract_read(mem, read_yaml(yaml, &diags), &ctx, &diags);
	if (tc_str_is(label, "fine")) {
		assert_string_equal(diags.errors ? show_diags(&diags) : "", "");
		return;
	}
	assert_true(tc_str_starts(label, "refused TC") || tc_str_starts(label, "tentc only TC"));
	for (size_t i = 0; i < diags.count; i++) {
		const char *id = tc_printf(mem, "TC%d", (int)diags.list[i]->id);

		found |= strncmp(wanted, id, strlen(id)) == 0;
		seen[diags.list[i]->id] = true;
	}
	if (!found)
		fail_msg("%.*s\n%s--- got\n%s", TC_STR_ARG(label), yaml, show_diags(&diags));
}

/* What only the reader can refuse, case by case, beside what the schema refuses too (check.py tries the schema); and
 * every error that a contract can have is among them. */
static void test_schema_cases(void **state)
{
	static const char mark[] = "\n--- # ";
	const char *at = strstr(slurp("tests/schema_cases/contract.yaml"), mark);
	bool seen[1000] = {[TC_MSG_FIELD_CONFLICT] = true}; /* found later, by the stage */
	const struct tc_message *all;
	size_t count;

	(void)state;
	assert_non_null(at);
	while (at) {
		const char *label = at + strlen(mark), *text = strchr(label, '\n') + 1, *next = strstr(text - 1, mark);
		size_t len = next ? (size_t)(next + 1 - text) : strlen(text);

		try_schema_case((struct tc_str){label, (size_t)(text - 1 - label)}, tc_strndup(mem, text, len), seen);
		at = next;
	}
	all = tc_messages(&count);
	for (size_t i = 0; i < count; i++)
		if (all[i].severity == TC_ERROR && all[i].id >= 100 && all[i].id < 200 && !seen[all[i].id] &&
		    all[i].id != TC_MSG_TOO_MANY_DEPENDENCIES) /* test_many */
			fail_msg("tests/schema_cases/contract.yaml has no case for TC%d", (int)all[i].id);
}

/* As many as a contract may have, and one more. */
static void test_many(void **state)
{
	(void)state;
	for (unsigned n = TC_DEPENDENCIES_MAX; n <= TC_DEPENDENCIES_MAX + 1; n++) {
		_cleanup_buf_ struct tc_buf yaml = {0};
		struct tc_diags diags = {.mem = mem};
		const struct tc_contract *c;

		tc_buf_puts(&yaml, "dependencies:\n");
		for (unsigned i = 0; i < n; i++)
			tc_buf_printf(&yaml, "  d%u: {protocol: https, host: a.example}\n", i);
		c = tc_contract_read(mem, read_yaml(yaml.p, &diags), &(struct tc_contract_context){.config = config},
				     &diags);
		assert_int_equal(c->ndeps, n == TC_DEPENDENCIES_MAX ? n : 0);
		assert_int_equal(diags.errors, n == TC_DEPENDENCIES_MAX ? 0 : 1);
		if (diags.errors)
			assert_string_equal(diags.list[0]->text,
					    "dependencies has 1001 entries, at most 1000 are allowed");
	}
}

static void test_many_rules(void **state)
{
	(void)state;
	for (unsigned n = TC_DEPENDENCIES_MAX; n <= TC_DEPENDENCIES_MAX + 1; n++) {
		_cleanup_buf_ struct tc_buf yaml = {0};
		struct tc_diags diags = {.mem = mem};
		const struct tc_contract *c;

		tc_buf_puts(&yaml, "networkPolicy:\n  additionalEgress:\n");
		for (unsigned i = 0; i < n; i++)
			tc_buf_printf(&yaml, "  - {toCIDR: 203.0.113.%u/32, ports: [443]}\n", i % 256);
		c = tc_contract_read(mem, read_yaml(yaml.p, &diags), &(struct tc_contract_context){.config = config},
				     &diags);
		assert_int_equal(c->nextra, n == TC_DEPENDENCIES_MAX ? n : 0);
		assert_int_equal(diags.errors, n == TC_DEPENDENCIES_MAX ? 0 : 1);
		if (diags.errors)
			assert_string_equal(diags.list[0]->text,
					    "additionalEgress has 1001 entries, at most 1000 are allowed");
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_empty_forms),
		TEST(test_root),
		TEST(test_null_root_points_at_its_key),
		TEST(test_dependencies_that_are_a_list),
		TEST(test_platform),
		TEST(test_platform_names),
		TEST(test_platform_fields),
		TEST(test_own),
		TEST(test_usual_ports),
		TEST(test_own_refused),
		TEST(test_hosts_refused),
		TEST(test_unknown_enclave),
		TEST(test_platform_hosts),
		TEST(test_hosts_without_svc),
		TEST(test_platform_addresses),
		TEST(test_dynamic_target),
		TEST(test_additional_egress),
		TEST(test_aliases),
		TEST(test_rendered),
		TEST(test_schema_cases),
		TEST(test_many),
		TEST(test_many_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
