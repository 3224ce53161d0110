/* The rules of admission, each with the request that needs it. */
#include "tests/unit/admit.h"

/* What stands between the braces of metadata, and of the pod's spec. */
#define OBJECT(api, kind, metadata, pod)                                            \
	"{\"apiVersion\":\"" api "\",\"kind\":\"" kind "\",\"metadata\":{" metadata \
	"},\"spec\":{\"template\":{\"spec\":{" pod "\"containers\":[{\"name\":\"web\"}]}}}}"
#define DEPLOYMENT(metadata) OBJECT("apps/v1", "Deployment", metadata, "")
#define NAMED(rest) "\"name\":\"web\",\"annotations\":{" rest "}"
#define TINY "\"tentacular.io/contract\":\"dependencies: {}\""
#define BAD "\"tentacular.io/contract\":\"dependencies: {tentacular-x: }\""
#define COMPILED "\"tentacular.io/compiled\":\"0123456789abcdef\""
#define LEDGER                                                                                                        \
	"\"tentacular.io/filled\":\"{\\\"/spec/template/metadata/labels/tentacular.io~1exoskeleton\\\":\\\"true\\\"," \
	"\\\"/spec/template/metadata/labels/tentacular.io~1release\\\":\\\"web\\\"}\""
#define CODE(name) "\"volumes\":[{\"name\":\"code\",\"configMap\":{\"name\":\"" name "\"}}],"
#define CONFIGMAP(annotations, text)                                                         \
	"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"web-code\"," \
	"\"annotations\":" annotations "},\"data\":{\"workflow.yaml\":\"" text "\"}}"

static void expect(struct world *w, enum tc_verdict verdict, const char *why)
{
	if (w->admitted.verdict != verdict || strcmp(w->admitted.why, why) != 0)
		print_error("%s\n%s\n", w->answer, w->patch);
	assert_string_equal(w->admitted.why, why);
	assert_int_equal(w->admitted.verdict, verdict);
}

#define untouched(w, why) expect(w, TC_VERDICT_UNTOUCHED, why)
#define patched(w) expect(w, TC_VERDICT_PATCHED, "")
#define denied(w) expect(w, TC_VERDICT_DENIED, "")

/* With a contract that would be denied anywhere else. */
static void test_left_alone(void **state)
{
	static const struct {
		const char *operation, *object, *subresource, *why;
	} rows[] = {
		{"DELETE", "null", NULL, "operation"},
		{"CONNECT", DEPLOYMENT(NAMED(BAD)), NULL, "operation"},
		{"UPDATE", DEPLOYMENT(NAMED(BAD)), "status", "subresource"},
		{"CREATE", "{\"kind\":\"Binding\"}", "binding", "subresource"},
		{"CREATE", OBJECT("apps/v1", "ReplicaSet", NAMED(BAD), ""), NULL, "kind"},
		{"CREATE", OBJECT("example.com/v1", "Deployment", NAMED(BAD), ""), NULL, "kind"},
		{"CREATE",
		 "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"tentacular-exoskeleton-web\"}}",
		 NULL, "kind"},
		{"CREATE", "{\"apiVersion\":\"networking.k8s.io/v1\",\"kind\":\"NetworkPolicy\",\"metadata\":{}}", NULL,
		 "kind"},
		{"CREATE", "{\"apiVersion\":\"spire.spiffe.io/v1alpha1\",\"kind\":\"ClusterSPIFFEID\"}", NULL, "kind"},
		{"CREATE", "{\"name\":\"web\",\"contract\":{\"dependencies\":{\"tentacular-x\":null}}}", NULL, "kind"},
		{"CREATE", "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[" DEPLOYMENT(NAMED(BAD)) "]}", NULL,
		 "kind"},
		{"UPDATE", DEPLOYMENT(NAMED(BAD) ",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\""), NULL, "deleted"},
		{"CREATE", DEPLOYMENT(NAMED(BAD) ",\"ownerReferences\":[{\"controller\":true}]"), NULL, "owned"},
		{"UPDATE",
		 "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{" NAMED(BAD) "},\"spec\":{\"containers\":[]}}",
		 NULL, "immutable"},
	};
	_cleanup_world_ struct world w;

	(void)state;
	world_make(&w);
	w.holder = "StatefulSet";
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		w.subresource = rows[i].subresource;
		assert_string_equal(ask(&w, rows[i].operation, rows[i].object, NULL), ALLOWED);
		untouched(&w, rows[i].why);
	}
	/* An owner that is no controller, and fields that nobody knows, are no reason. */
	w.subresource = NULL;
	w.holder = NULL;
	ask(&w, "CREATE",
	    DEPLOYMENT(
		    NAMED(TINY) ",\"deletionTimestamp\":null,\"ownerReferences\":[{\"controller\":false}],\"x\":[1e2]"),
	    NULL);
	patched(&w);
}

/* The enclave is the request's; a name comes from the object, the request, or the contract. */
static void test_names(void **state)
{
	_cleanup_world_ struct world w;

	(void)state;
	world_make(&w);
	ask(&w, "CREATE", DEPLOYMENT(NAMED(TINY) ",\"namespace\":\"shop\""), NULL);
	patched(&w);
	ask(&w, "CREATE", DEPLOYMENT("\"annotations\":{" TINY "}"), NULL);
	assert_non_null(strstr(w.patch, "\"tentacular.io/release\":\"web\""));
	assert_true(tc_str_is(w.admitted.name, "web"));
	w.name = "";
	ask(&w, "CREATE", DEPLOYMENT("\"generateName\":\"web-\",\"annotations\":{" TINY "}"), NULL);
	assert_string_equal(
		denial(&w),
		"Deployment: error: Deployment has a contract but no metadata.name: a name that Kubernetes makes "
		"up later is nobody's identity [TC221]\n"
		"  help: give it metadata.name instead of generateName");
	ask(&w, "CREATE",
	    DEPLOYMENT("\"generateName\":\"x-\",\"annotations\":{\"tentacular.io/contract\":\"{name: web, "
		       "dependencies: {}}\"}"),
	    NULL);
	assert_non_null(strstr(denial(&w), "[TC221]"));
	w.name = NULL;
	w.ns = "Shop_1";
}

static void test_enclave_of_the_request(void **state)
{
	_cleanup_world_ struct world w;

	(void)state;
	world_make(&w);
	ask(&w, "CREATE", DEPLOYMENT(NAMED("\"tentacular.io/contract\":\"dependencies: {tentacular-spire: {id: x}}\"")),
	    NULL);
	assert_string_equal(
		denial(&w),
		"Deployment/web: tentacular.io/contract:1:39: error: tentacular-spire.id is \"x\", but tentc derives "
		"\"spiffe://tentacular.local/ns/shop/wf/web\" for \"web\" in enclave \"shop\" [TC113]\n"
		"   1 | dependencies: {tentacular-spire: {id: x}}\n"
		"     |                                       ^\n"
		"Deployment/web: tentacular.io/contract:1:16: note: the dependency is the platform's\n"
		"   1 | dependencies: {tentacular-spire: {id: x}}\n"
		"     |                ^\n"
		"  help: remove the field; for a service of your own, use a name without \"tentacular-\"");
}

/* Parents that are absent or null are made, lists added to, and each container decided on. */
static void test_patch_of_what_is_there(void **state)
{
	_cleanup_world_ struct world w;
	const char *object =
		"{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\","
		"\"annotations\":null},\"spec\":{\"template\":{\"metadata\":null,\"spec\":{\"volumes\":null,"
		"\"containers\":[{\"name\":\"a\",\"volumeMounts\":null},{\"name\":\"b\",\"volumeMounts\":[{"
		"\"name\":\"x\",\"mountPath\":\"/x\"}]}]}}}}";
	const char *at;

	(void)state;
	world_make(&w);
	w.configmaps[0][0] = "web-code";
	w.configmaps[0][1] = CONFIGMAP("null", "contract: {dependencies: {tentacular-rustfs: }}");
	ask(&w, "CREATE", object, NULL);
	assert_non_null(strstr(w.patch, "[{\"op\":\"replace\",\"path\":\"/metadata/annotations\",\"value\":{"
					"\"tentacular.io/compiled\":"));
	at = strstr(w.patch, "},{\"op\":\"replace\",\"path\":\"/spec/template/metadata\",");
	assert_non_null(at);
	assert_non_null(
		strstr(at, "\"value\":{\"labels\":{\"tentacular.io/exoskeleton\":\"true\",\"tentacular.io/release\":"
			   "\"web\"}}},{\"op\":\"replace\",\"path\":\"/spec/template/spec/volumes\",\"value\":[{"
			   "\"name\":\"tentacular-exoskeleton\",\"secret\":"));
	at = strstr(at, "},{\"op\":\"replace\",\"path\":\"/spec/template/spec/containers/0/volumeMounts\"");
	assert_string_equal(
		at, "},{\"op\":\"replace\",\"path\":\"/spec/template/spec/containers/0/volumeMounts\",\"value\":[{"
		    "\"name\":\"tentacular-exoskeleton\",\"mountPath\":\"/app/secrets\",\"readOnly\":true}]},"
		    "{\"op\":\"add\",\"path\":\"/spec/template/spec/containers/1/volumeMounts/-\",\"value\":{"
		    "\"name\":\"tentacular-exoskeleton\",\"mountPath\":\"/app/secrets\",\"readOnly\":true}}]");
}

/* ConfigMaps are asked for by the names that the pods mount, read, and never in a patch. */
static void test_context(void **state)
{
	_cleanup_world_ struct world w;

	(void)state;
	world_make(&w);
	w.configmaps[0][0] = "web-code-5f7c8";
	w.configmaps[0][1] = CONFIGMAP("null", "name: web\\ncontract: {dependencies: {tentacular-nats: }}\\n");
	ask(&w, "CREATE", OBJECT("apps/v1", "Deployment", "\"name\":\"web\"", CODE("web-code-5f7c8")), NULL);
	patched(&w);
	assert_null(strstr(w.patch, "/data"));
	ask(&w, "CREATE",
	    OBJECT("apps/v1", "Deployment", "\"name\":\"web\"",
		   "\"volumes\":[{\"name\":\"all\",\"projected\":{\"sources\":[{\"secret\":{\"name\":\"s\"}},{"
		   "\"configMap\":{"
		   "\"name\":\"web-code-5f7c8\"}}]}}],"),
	    NULL);
	patched(&w);
	/* A migration Job that mounts it gets nothing, and no error. */
	w.configmaps[0][1] = CONFIGMAP("null", "name: web\\ncontract: {dependencies: {tentacular-x: }}\\n");
	ask(&w, "CREATE", OBJECT("batch/v1", "Job", "\"name\":\"migrate\"", CODE("web-code-5f7c8")), NULL);
	untouched(&w, "no contract");
	ask(&w, "CREATE", OBJECT("apps/v1", "Deployment", "\"name\":\"web\"", CODE("web-code-5f7c8")), NULL);
	assert_string_equal(
		denial(&w),
		"ConfigMap/web-code-5f7c8: workflow.yaml:2:27: error: unknown dependency \"tentacular-x\" [TC110]\n"
		"   2 | contract: {dependencies: {tentacular-x: }}\n"
		"     |                           ^\n"
		"  help: available: tentacular-postgres, tentacular-rustfs, tentacular-nats and tentacular-spire");
	/* What cannot be read may be its own, unless the ConfigMap's name is another's. */
	w.configmaps[0][1] = CONFIGMAP("null", "contract: {");
	ask(&w, "CREATE", OBJECT("batch/v1", "Job", "\"name\":\"migrate\"", CODE("web-code-5f7c8")), NULL);
	denied(&w);
	w.configmaps[0][0] = "web-code";
	ask(&w, "CREATE", OBJECT("batch/v1", "Job", "\"name\":\"migrate\"", CODE("web-code")), NULL);
	untouched(&w, "no contract");
	/* A text that is no JSON is not known. */
	w.configmaps[0][1] = "{";
	ask(&w, "CREATE", DEPLOYMENT("\"name\":\"web\""), NULL);
	untouched(&w, "no contract");
}

#define MOUNTS(...) OBJECT("apps/v1", "Deployment", "\"name\":\"web\"", "\"volumes\":[" __VA_ARGS__ "],")
#define MOUNT(name) "{\"name\":\"" name "\",\"configMap\":{\"name\":\"" name "\"}}"

/* What is known to be another's, or no contract, is not even asked for. */
static void test_not_read(void **state)
{
	static const struct {
		const char *configmap, *tentacle, *text;
		size_t texts;
		bool mine;
	} rows[] = {
		{"a", "db", "name: db\\ncontract: {dependencies: {}}\\n", 0, false},
		{"a", "", "name: web\\n", 0, false},
		{"a", "web", "name: web\\ncontract: {dependencies: {}}\\n", 1, true},
		{"a", NULL, "name: web\\ncontract: {dependencies: {}}\\n", 1, true},
		/* By its own name it belongs to the workload. */
		{"web-code", "db", "name: db\\ncontract: {dependencies: {}}\\n", 1, true},
		{"web-code", "", "name: web\\n", 0, false},
		/* Or to another, when its workflow names nobody. */
		{"db-code", NULL, "contract: {dependencies: {}}\\n", 1, false},
		{"db-code", "web", "name: web\\ncontract: {dependencies: {}}\\n", 1, true},
	};
	_cleanup_world_ struct world w;

	(void)state;
	world_make(&w);
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		const char *name = rows[i].configmap;

		w.configmaps[0][0] = name;
		w.configmaps[0][1] = tc_printf(w.mem, CONFIGMAP("null", "%s"), rows[i].text);
		w.tentacles[0] = rows[i].tentacle;
		w.texts = 0;
		ask(&w, "CREATE", tc_printf(w.mem, MOUNTS(MOUNT("%s")), name, name), NULL);
		/* "web-code" is looked for besides. */
		assert_int_equal(w.texts, rows[i].texts + (strcmp(name, "web-code") != 0));
		if (rows[i].mine)
			patched(&w);
		else
			untouched(&w, "no contract");
	}
}

static const char *contract_of(struct world *w, const char *name, size_t values, const char *value)
{
	_cleanup_buf_ struct tc_buf text = {0};

	tc_buf_printf(&text, "name: %s\\ncontract:\\n  dependencies: {}\\n  x-pad: [", name);
	for (size_t i = 0; i < values; i++)
		tc_buf_printf(&text, "%s%s", i ? ", " : "", value);
	tc_buf_puts(&text, "]\\n");
	return tc_printf(w->mem, CONFIGMAP("null", "%s"), text.p);
}

/* However much is mounted, one review reads so much and no more. */
static void test_context_is_bounded(void **state)
{
	static const char help[] = "\n  help: make it smaller; if it is another's, give its workflow a line `name: "
				   "<tentacle>`, or do not mount it";
	const char *three = MOUNTS(MOUNT("a") "," MOUNT("b") "," MOUNT("c"));
	_cleanup_world_ struct world w;

	(void)state;
	world_make(&w);
	for (size_t i = 0; i < 3; i++)
		w.configmaps[i][0] = (const char *[]){"a", "b", "c"}[i];
	/* One that is too large alone. */
	w.configmaps[0][1] = contract_of(&w, "web", 9000, "aaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	w.configmaps[1][1] = w.configmaps[2][1] = contract_of(&w, "web", 1, "a");
	ask(&w, "CREATE", three, NULL);
	assert_string_equal(denial(&w),
			    tc_printf(w.mem, "%s%s",
				      "ConfigMap/a: error: workflow.yaml of ConfigMap \"a\" has 270049 bytes, "
				      "admission reads at most 262144 [TC220]",
				      help));
	assert_int_equal(w.texts, 1);
	/* All together. */
	for (size_t i = 0; i < 3; i++)
		w.configmaps[i][1] = contract_of(&w, "web", 4000, "aaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	ask(&w, "CREATE", three, NULL);
	assert_string_equal(denial(&w),
			    tc_printf(w.mem, "%s%s",
				      "ConfigMap/c: error: the contracts that are read for Deployment \"web\" "
				      "have 360147 bytes with ConfigMap \"c\", admission reads at most 262144 "
				      "[TC220]",
				      help));
	/* Known to be another's, it does not count. */
	w.tentacles[1] = "db";
	ask(&w, "CREATE", three, NULL);
	patched(&w);
	w.tentacles[1] = NULL;
	/* Values: once they are too many in all, the rest is not read. */
	for (size_t i = 0; i < 3; i++)
		w.configmaps[i][1] = contract_of(&w, "web", 19900, "a");
	w.configmaps[3][0] = "d";
	w.configmaps[3][1] = w.configmaps[0][1];
	ask(&w, "CREATE", MOUNTS(MOUNT("a") "," MOUNT("b") "," MOUNT("c") "," MOUNT("d")), NULL);
	assert_non_null(strstr(denial(&w), "ConfigMap"));
	assert_null(strstr(denial(&w), "ConfigMap/d"));
	w.configmaps[3][0] = NULL;
	/* Values, of one and of all. */
	w.configmaps[0][1] = contract_of(&w, "web", 20000, "a");
	w.configmaps[1][1] = w.configmaps[2][1] = contract_of(&w, "web", 1, "a");
	ask(&w, "CREATE", three, NULL);
	assert_string_equal(
		denial(&w),
		tc_printf(w.mem, "%s%s",
			  "ConfigMap/a: /data/workflow.yaml: error: workflow.yaml of ConfigMap \"a\" has too many "
			  "values: admission reads at most 20000 [TC220]",
			  help));
	for (size_t i = 0; i < 3; i++)
		w.configmaps[i][1] = contract_of(&w, "web", 15000, "a");
	ask(&w, "CREATE", three, NULL);
	assert_string_equal(
		denial(&w),
		tc_printf(w.mem, "%s%s",
			  "ConfigMap/c: /data/workflow.yaml: error: workflow.yaml of ConfigMap \"c\" has too many "
			  "values, with the other contracts that are read here: admission reads at "
			  "most 40000 [TC220]",
			  help));
	/* Nothing of it stands in the way of an update that leaves the contract alone. */
	ask(&w, "UPDATE", three, three);
	untouched(&w, "unchanged");
	/* The ConfigMap's own author hears of it first. */
	w.name = "a";
	ask(&w, "CREATE", contract_of(&w, "web", 9000, "aaaaaaaaaaaaaaaaaaaaaaaaaaaa"), NULL);
	assert_string_equal(denial(&w), "ConfigMap/web-code: /data/workflow.yaml: error: workflow.yaml of ConfigMap "
					"\"web-code\" has 270049 bytes, admission reads at most 262144 [TC220]\n"
					"  help: make it smaller");
	ask(&w, "CREATE", contract_of(&w, "web", 20000, "a"), NULL);
	assert_string_equal(denial(&w), "ConfigMap/web-code: /data/workflow.yaml: error: workflow.yaml of ConfigMap "
					"\"web-code\" has too many values: admission reads at most 20000 [TC220]\n"
					"  help: make it smaller");
	ask(&w, "CREATE", contract_of(&w, "web", 15000, "a"), NULL);
	untouched(&w, "up to date");
}

/* An update brings the object twice, each with who manages its fields, which is as long again: it must not count, or
 * what could be created could not be changed. */
static void test_large_update(void **state)
{
	_cleanup_buf_ struct tc_buf env = {0}, managed = {0};
	const char *object = NULL, *old = NULL;
	_cleanup_world_ struct world w;

	(void)state;
	world_make(&w);
	for (size_t i = 0; i < 12000; i++) {
		tc_buf_printf(&env, "%s{\"name\":\"NAME_%zu\",\"value\":\"v\"}", i ? "," : "", i);
		tc_buf_printf(&managed,
			      "%s\"k:{\\\"name\\\":\\\"NAME_%zu\\\"}\":{\".\":{},\"f:name\":{},\"f:value\":{}}",
			      i ? "," : "", i);
	}
	for (size_t i = 0; i < 2; i++) {
		object = tc_printf(w.mem,
				   "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{" NAMED(
					   TINY) ",\"managedFields\":[{\"manager\":\"m%zu\",\"fieldsV1\":{%s}},{"
						 "\"fieldsV1\":{%s}},{\"fieldsV1\":{%s}}]},"
						 "\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"web\","
						 "\"env\":[%s]}]}}}}",
				   i, managed.p, managed.p, managed.p, env.p);
		if (i == 0)
			old = object;
	}
	ask(&w, "UPDATE", object, old);
	untouched(&w, "unchanged");
	ask(&w, "UPDATE", tc_printf(w.mem, "%.*s,\"x\":1}", (int)strlen(object) - 1, object), "null");
	patched(&w);
	assert_null(strstr(w.patch, "managedFields"));
	/* A ConfigMap has 1 MiB at most, and an escape makes two bytes of one. */
	w.name = "web-code";
	tc_buf_clear(&managed);
	for (size_t i = 0; i < 900000; i++)
		tc_buf_puts(&managed, "\\\"");
	object = tc_printf(w.mem, CONFIGMAP("null", "x: 1\"},\"binaryData\":{\"x\":\"%s"), managed.p);
	ask(&w, "UPDATE", object, object);
	untouched(&w, "no contract");
}

#define COMPILED_TO_NOTHING(op) \
	"[{\"op\":\"" op "\",\"path\":\"/metadata/annotations/tentacular.io~1compiled\",\"value\":\"\"}]"

/* Its contract may come yet: nothing is taken back, and the object asks for another look. */
static void test_configmap_comes_later(void **state)
{
	const char *fresh = OBJECT("apps/v1", "Deployment", NAMED(""), CODE("web-code"));
	const char *marked = OBJECT("apps/v1", "Deployment", NAMED(COMPILED "," LEDGER), CODE("web-code-2"));
	const char *before = OBJECT("apps/v1", "Deployment", NAMED(COMPILED "," LEDGER), CODE("web-code-1"));
	const char *asking =
		OBJECT("apps/v1", "Deployment", NAMED("\"tentacular.io/compiled\":\"\""), CODE("web-code"));
	_cleanup_world_ struct world w;

	(void)state;
	world_make(&w);
	ask(&w, "CREATE", fresh, NULL);
	assert_string_equal(w.patch, COMPILED_TO_NOTHING("add"));
	ask(&w, "UPDATE", marked, before);
	assert_string_equal(w.patch, COMPILED_TO_NOTHING("replace"));
	/* Any other mount says nothing about a contract. */
	assert_string_equal(ask(&w, "CREATE", OBJECT("apps/v1", "Deployment", NAMED(""), CODE("settings")), NULL),
			    ALLOWED);
	ask(&w, "CREATE", asking, NULL);
	assert_string_equal(w.patch, "");
	/* The controller asks again: now what is not known is not there. */
	ask(&w, "UPDATE", asking, asking);
	assert_string_equal(w.patch, "[{\"op\":\"remove\",\"path\":\"/metadata/annotations\"}]");
	w.configmaps[0][0] = "web-code";
	w.configmaps[0][1] = CONFIGMAP("null", "contract: {dependencies: {}}");
	ask(&w, "UPDATE", asking, asking);
	assert_non_null(strstr(w.patch,
			       "{\"op\":\"replace\",\"path\":\"/metadata/annotations/tentacular.io~1compiled\","
			       "\"value\":\"HASH\"}"));
}

/* A ConfigMap is enriched in place. */
static void test_configmap(void **state)
{
	_cleanup_world_ struct world w;
	const char *immutable =
		"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"web-code\"},\"immutable\":"
		"true,\"data\":{\"workflow.yaml\":\"contract: {dependencies: {tentacular-spire: }}\"}}";

	(void)state;
	world_make(&w);
	ask(&w, "CREATE",
	    CONFIGMAP("{}", "name: web\\n# mine\\ncontract:\\n  dependencies:\\n    tentacular-spire:\\n"), NULL);
	assert_string_equal(
		w.patch,
		"[{\"op\":\"add\",\"path\":\"/metadata/annotations/tentacular.io~1filled\",\"value\":\"{"
		"\\\"/data/workflow.yaml/contract/dependencies/tentacular-spire/protocol\\\":\\\"spiffe\\\","
		"\\\"/data/workflow.yaml/contract/dependencies/tentacular-spire/id\\\":"
		"\\\"spiffe://tentacular.local/ns/shop/wf/web\\\","
		"\\\"/data/workflow.yaml/contract/dependencies/tentacular-spire/socket\\\":"
		"\\\"unix:///spiffe-workload-api/spire-agent.sock\\\"}\"},"
		"{\"op\":\"replace\",\"path\":\"/data/workflow.yaml\",\"value\":\"name: web\\n# mine\\ncontract:\\n"
		"  dependencies:\\n    tentacular-spire:\\n      protocol: spiffe\\n"
		"      id: spiffe://tentacular.local/ns/shop/wf/web\\n"
		"      socket: unix:///spiffe-workload-api/spire-agent.sock\\n\"}]");
	assert_string_equal(ask(&w, "CREATE", CONFIGMAP("{}", "name: web\\nnodes: {}\\n"), NULL), ALLOWED);
	ask(&w, "CREATE", immutable, NULL);
	patched(&w);
	assert_string_equal(ask(&w, "UPDATE", immutable, immutable), ALLOWED);
	untouched(&w, "immutable");
	ask(&w, "UPDATE", immutable, CONFIGMAP("{}", "contract: {dependencies: {}}"));
	patched(&w);
	ask(&w, "CREATE", CONFIGMAP("{}", "contract: {dependencies: {tentacular-x: }}"), NULL);
	assert_string_equal(
		denial(&w),
		"ConfigMap/web-code: workflow.yaml:1:27: error: unknown dependency \"tentacular-x\" [TC110]\n"
		"   1 | contract: {dependencies: {tentacular-x: }}\n"
		"     |                           ^\n"
		"  help: available: tentacular-postgres, tentacular-rustfs, tentacular-nats and tentacular-spire");
	ask(&w, "UPDATE", CONFIGMAP("{}", "contract: {dependencies: {tentacular-x: }}"),
	    CONFIGMAP("null", "contract: {dependencies: {tentacular-x: }}"));
	untouched(&w, "unchanged");
}

/* A removed contract takes away what was tentc's. */
static void test_ledger(void **state)
{
	_cleanup_world_ struct world w;
	const char *object = "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{" NAMED(
		COMPILED
		"," LEDGER) "},\"spec\":{\"template\":{\"metadata\":{\"labels\":{\"a\":\"b\",\"tentacular.io/"
			    "exoskeleton\":\"true\",\"tentacular.io/release\":\"web\"}},\"spec\":{\"containers\":[{"
			    "\"name\":\"web\"}]}}}}";

	(void)state;
	world_make(&w);
	ask(&w, "CREATE", object, NULL);
	assert_string_equal(
		w.patch, "[{\"op\":\"remove\",\"path\":\"/metadata/annotations\"},"
			 "{\"op\":\"remove\",\"path\":\"/spec/template/metadata/labels/tentacular.io~1exoskeleton\"},"
			 "{\"op\":\"remove\",\"path\":\"/spec/template/metadata/labels/tentacular.io~1release\"}]");
}

/* What neither the contract nor the template changes is never denied or changed. */
static void test_unchanged(void **state)
{
	_cleanup_world_ struct world w;
	const char *bad = DEPLOYMENT(NAMED(BAD)), *bad_bare = DEPLOYMENT(NAMED(BAD) ",\"finalizers\":[]"),
		   *tiny = DEPLOYMENT(NAMED(TINY)), *tiny_bare = DEPLOYMENT(NAMED(TINY) ",\"labels\":{}"),
		   *old = DEPLOYMENT(NAMED(TINY "," COMPILED)),
		   *other = OBJECT("apps/v1", "Deployment", NAMED(BAD), "\"hostNetwork\":true,");

	(void)state;
	world_make(&w);
	ask(&w, "UPDATE", bad_bare, bad);
	untouched(&w, "unchanged");
	assert_string_equal(
		world_said(&w, 0),
		"not denied, since nothing here changed it: Deployment/web: tentacular.io/contract:1:16: unknown "
		"dependency \"tentacular-x\" [TC110]");
	ask(&w, "UPDATE", other, bad);
	denied(&w);
	ask(&w, "UPDATE", bad, tiny);
	denied(&w);
	ask(&w, "UPDATE", bad, NULL);
	denied(&w);
	ask(&w, "UPDATE", tiny_bare, tiny);
	untouched(&w, "unchanged");
	ask(&w, "UPDATE", old, old);
	untouched(&w, "unchanged");
	assert_string_equal(
		world_said(&w, 0),
		"Deployment/web: /metadata/annotations/tentacular.io~1compiled: Deployment \"web\" is not what its "
		"contract and the configuration make now (compiled is \"0123456789abcdef\", not HASH) [TC217]");
	/* But where the object asks for it; still it is never denied. */
	ask(&w, "UPDATE", DEPLOYMENT(NAMED(TINY ",\"tentacular.io/compiled\":\"\"")), old);
	patched(&w);
	ask(&w, "UPDATE", DEPLOYMENT(NAMED(BAD ",\"tentacular.io/compiled\":\"\"")), bad);
	untouched(&w, "unchanged");
	/* The name of another is no reason either. */
	w.holder = "Job";
	ask(&w, "UPDATE", tiny_bare, tiny);
	untouched(&w, "unchanged");
}

/* The old object was stored, so it has what nobody wrote. */
static void test_unchanged_but_for_defaults(void **state)
{
	_cleanup_world_ struct world w;
	const char *lean = OBJECT("apps/v1", "Deployment", NAMED(BAD), CODE("settings"));
	const char *stored = "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{" NAMED(
		BAD) "},\"spec\":{\"template\":{\"metadata\":{\"creationTimestamp\":null},\"spec\":{\"volumes\":[{"
		     "\"name\":\"code\","
		     "\"configMap\":{\"name\":\"settings\",\"defaultMode\":420}}],\"containers\":[{\"name\":\"web\","
		     "\"resources\":{},"
		     "\"imagePullPolicy\":\"Always\",\"terminationMessagePath\":\"/dev/termination-log\"}],"
		     "\"restartPolicy\":\"Always\",\"securityContext\":{}}}}}";

	(void)state;
	world_make(&w);
	ask(&w, "UPDATE", lean, stored);
	untouched(&w, "unchanged");
	ask(&w, "UPDATE", stored, lean);
	untouched(&w, "unchanged");
}

static void test_job(void **state)
{
	_cleanup_world_ struct world w;
	const char *plain = OBJECT("batch/v1", "Job", NAMED(""), ""), *job = OBJECT("batch/v1", "Job", NAMED(TINY), "");
	const char *done = "{\"apiVersion\":\"batch/v1\",\"kind\":\"Job\",\"metadata\":{" NAMED(
		TINY) "},\"spec\":{\"template\":{\"metadata\":{\"labels\":{\"tentacular.io/exoskeleton\":\"true\","
		      "\"tentacular.io/release\":\"web\"}},\"spec\":{\"containers\":[{\"name\":\"web\"}]}}}}";

	(void)state;
	world_make(&w);
	ask(&w, "CREATE", job, NULL);
	patched(&w);
	ask(&w, "UPDATE", job, plain);
	untouched(&w, "immutable");
	assert_string_equal(world_said(&w, 0),
			    "Job/web: /metadata/name: the pod template of Job \"web\" is not what its "
			    "contract makes now, and cannot change [TC218]");
	ask(&w, "UPDATE", done, plain);
	assert_string_equal(
		w.patch,
		"[{\"op\":\"add\",\"path\":\"/metadata/annotations/tentacular.io~1compiled\",\"value\":\"HASH\"},"
		"{\"op\":\"add\",\"path\":\"/metadata/annotations/tentacular.io~1level\",\"value\":\"1\"}]");
}

static void test_pod(void **state)
{
	_cleanup_world_ struct world w;

	(void)state;
	world_make(&w);
	ask(&w, "CREATE",
	    "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{" NAMED(
		    TINY) "},\"spec\":{\"hostNetwork\":true,\"containers\":[{\"name\":\"web\"}]}}",
	    NULL);
	assert_string_equal(world_said(&w, 0),
			    "Pod/web: /metadata/name: the pods of Pod \"web\" use the node's network: NetworkPolicy "
			    "\"web-netpol\" does not reach them [TC252]");
	assert_non_null(strstr(w.patch,
			       "{\"op\":\"add\",\"path\":\"/metadata/labels\",\"value\":{\"tentacular.io/exoskeleton\":"
			       "\"true\",\"tentacular.io/release\":\"web\"}}"));
}

#define LEVEL(n) "\"tentacular.io/level\":\"" n "\""

static void test_level(void **state)
{
	_cleanup_world_ struct world w;
	const char *with_ours = "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{" NAMED(
		TINY "," LEVEL("7") "," LEDGER) "},\"spec\":{\"template\":{\"metadata\":{\"labels\":{\"tentacular.io/"
						"exoskeleton\":"
						"\"true\",\"tentacular.io/"
						"release\":\"web\"}},\"spec\":{\"containers\":[{\"name\":"
						"\"web\",\"resources\":{}}]}}}}";

	(void)state;
	world_make(&w);
	ask(&w, "CREATE", DEPLOYMENT(NAMED(BAD "," LEVEL("7"))), NULL);
	untouched(&w, "level");
	assert_string_equal(world_said(&w, 0), "Deployment/web: /metadata/annotations/tentacular.io~1level: \"web\" "
					       "asks for level 7, this tentc knows "
					       "levels up to 1: it is left as it is [TC210]");
	/* The old object's, where only the parts that are tentc's went from the template. */
	ask(&w, "UPDATE", DEPLOYMENT(NAMED(TINY)), with_ours);
	untouched(&w, "level");
	ask(&w, "UPDATE", OBJECT("apps/v1", "Deployment", NAMED(TINY), "\"hostNetwork\":true,"), with_ours);
	patched(&w);
	ask(&w, "UPDATE", DEPLOYMENT(NAMED(TINY "," LEVEL("1"))), with_ours);
	patched(&w);
	/* None of these is a level. */
	ask(&w, "UPDATE", DEPLOYMENT(NAMED(TINY)), DEPLOYMENT(NAMED(LEVEL("7x"))));
	patched(&w);
	ask(&w, "UPDATE", DEPLOYMENT(NAMED(TINY)), DEPLOYMENT(NAMED(LEVEL("7") ",\"tentacular.io/filled\":\"?\"")));
	patched(&w);
	w.config->level = 2;
	ask(&w, "CREATE", DEPLOYMENT(NAMED(TINY)), NULL);
	untouched(&w, "level");
}

static void test_one_workload_of_a_name(void **state)
{
	_cleanup_world_ struct world w;
	const char *object = DEPLOYMENT(NAMED(TINY) ",\"uid\":\"1\"");

	(void)state;
	world_make(&w);
	w.holder = "StatefulSet";
	ask(&w, "CREATE", object, NULL);
	assert_string_equal(
		denial(&w),
		"Deployment/web: /metadata/name: error: Deployment \"web\" has the name of another workload of enclave "
		"\"shop\", which is a StatefulSet [TC204]\n"
		"  help: a tentacle's name is its identity in every service: rename one of them, or delete the "
		"StatefulSet first");
	w.holder_uid = "2";
	ask(&w, "UPDATE", object, DEPLOYMENT(NAMED("")));
	denied(&w);
	/* Itself, read as another kind a moment ago; and one of the same kind. */
	w.holder_uid = "1";
	ask(&w, "UPDATE", object, DEPLOYMENT(NAMED("")));
	patched(&w);
	w.holder_uid = "2";
	w.holder = "Deployment";
	ask(&w, "CREATE", object, NULL);
	patched(&w);
	/* A workload without a contract has no identity to take... */
	w.holder = "StatefulSet";
	assert_string_equal(ask(&w, "CREATE", DEPLOYMENT(NAMED("")), NULL), ALLOWED);
}

/* ... unless it gives its pods the label of one: a second kind of the victim's name, which the policies let pass. */
static void test_the_label_of_another(void **state)
{
	static const char thief[] =
		"{\"apiVersion\":\"apps/v1\",\"kind\":\"StatefulSet\",\"metadata\":{\"name\":\"web\"},\"spec\":{"
		"\"template\":{\"metadata\":{\"labels\":{\"tentacular.io/release\":\"web\"}},"
		"\"spec\":{\"containers\":[{\"name\":\"c\"}]}}}}";
	_cleanup_world_ struct world w;

	(void)state;
	world_make(&w);
	w.holder = "Deployment";
	ask(&w, "CREATE", thief, NULL);
	assert_string_equal(denial(&w),
			    "StatefulSet/web: /spec/template/metadata/labels/tentacular.io~1release: error: "
			    "StatefulSet \"web\" would "
			    "give its pods the identity of Deployment \"web\" of enclave \"shop\" [TC204]\n"
			    "  help: remove the label tentacular.io/release: tentc sets it where it belongs");
	/* Finalizers must come off whatever it is. */
	ask(&w, "UPDATE", thief, thief);
	untouched(&w, "unchanged");
	w.audit = true;
	ask(&w, "CREATE", thief, NULL);
	untouched(&w, "audit");
	w.audit = false;
	w.holder = NULL;
	assert_string_equal(ask(&w, "CREATE", thief, NULL), ALLOWED);
}

static void test_audit(void **state)
{
	_cleanup_world_ struct world w;

	(void)state;
	world_make(&w);
	w.audit = true;
	ask(&w, "CREATE", DEPLOYMENT(NAMED(BAD)), NULL);
	untouched(&w, "audit");
	assert_string_equal(world_said(&w, 0),
			    "would be denied: Deployment/web: tentacular.io/contract:1:16: unknown dependency "
			    "\"tentacular-x\" [TC110]");
	assert_true(w.admitted.audit);
	assert_int_equal(w.admitted.errors, 1);
	w.audit = false;
	ask(&w, "CREATE", DEPLOYMENT(NAMED(BAD)), NULL);
	denied(&w);
	w.config->mode = TC_MODE_AUDIT;
	ask(&w, "CREATE", DEPLOYMENT(NAMED(TINY)), NULL);
	untouched(&w, "audit");
	assert_int_equal(w.admitted.operations, 4);
	assert_string_equal(world_said(&w, 0),
			    "Deployment/web: /metadata/name: Deployment \"web\" would be changed in 4 places; in "
			    "the mode audit it is left as it is [TC219]");
	assert_string_equal(w.patch, "");
}

static void test_other_configuration(void **state)
{
	_cleanup_world_ struct world w;
	const char *old = DEPLOYMENT(NAMED(TINY "," COMPILED));

	(void)state;
	world_make(&w);
	ask(&w, "CREATE", old, NULL);
	patched(&w);
	assert_string_equal(
		world_said(&w, 0),
		"Deployment/web: /metadata/annotations/tentacular.io~1compiled: Deployment \"web\" was compiled with "
		"another configuration than the server's, or its contract was edited since (compiled is "
		"\"0123456789abcdef\", not HASH) [TC216]");
	/* The new one still has the hash of its old contract. */
	ask(&w, "UPDATE",
	    DEPLOYMENT(NAMED("\"tentacular.io/contract\":\"dependencies: {tentacular-nats: }\"," COMPILED)), old);
	patched(&w);
	assert_int_equal(w.admitted.warnings, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_left_alone),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_enclave_of_the_request),
		cmocka_unit_test(test_patch_of_what_is_there),
		cmocka_unit_test(test_context),
		cmocka_unit_test(test_not_read),
		cmocka_unit_test(test_context_is_bounded),
		cmocka_unit_test(test_large_update),
		cmocka_unit_test(test_configmap_comes_later),
		cmocka_unit_test(test_configmap),
		cmocka_unit_test(test_ledger),
		cmocka_unit_test(test_unchanged),
		cmocka_unit_test(test_unchanged_but_for_defaults),
		cmocka_unit_test(test_job),
		cmocka_unit_test(test_pod),
		cmocka_unit_test(test_level),
		cmocka_unit_test(test_one_workload_of_a_name),
		cmocka_unit_test(test_the_label_of_another),
		cmocka_unit_test(test_audit),
		cmocka_unit_test(test_other_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
