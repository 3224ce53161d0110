/* admit - nanoseconds of CPU per review of the admission core, without a network: admit [COUNT [CASE]]. Instructions of
 * one case: valgrind --tool=callgrind admit 20 annotation, by 200.
 *
 * The review is of a Deployment of some 8 KB, as a platform's users write them; once with its contract in an
 * annotation, once in a ConfigMap that it mounts, once already admitted, and once without one. */
#include <time.h>

#include "compiler/contract/identity.h"
#include "compiler/transform/admit.h"

#define HEAD                                                                                                  \
	"{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":"          \
	"\"705ab4f5-6393-11e8-b7cc-42010a800002\",\"kind\":{\"group\":\"apps\",\"version\":\"v1\",\"kind\":"  \
	"\"Deployment\"},"                                                                                    \
	"\"resource\":{\"group\":\"apps\",\"version\":\"v1\",\"resource\":\"deployments\"},\"name\":\"web\"," \
	"\"namespace\":"                                                                                      \
	"\"shop\",\"operation\":\"CREATE\",\"userInfo\":{\"username\":\"system:serviceaccount:flux:apply\"}," \
	"\"dryRun\":false,"                                                                                   \
	"\"oldObject\":null,\"object\":"
#define WORKFLOW                                                                                                     \
	"dependencies:\\n  tentacular-postgres:\\n  tentacular-rustfs:\\n    protocol: http\\n  tentacular-nats:\\n" \
	"  github:\\n    protocol: https\\n    host: api.github.com\\n"
#define CONFIGMAP                                                                                                    \
	"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"web-code\",\"namespace\":\"shop\"}," \
	"\"data\":{"                                                                                                 \
	"\"workflow.yaml\":\"name: web\\ncontract:\\n  dependencies:\\n    tentacular-postgres:\\n    "              \
	"tentacular-rustfs:\\n"                                                                                      \
	"      protocol: http\\n    tentacular-nats:\\n    github:\\n      protocol: https\\n      host: "           \
	"api.github.com\\n\"}}"

static bool find_configmap(void *self, const char *ns, const char *name, struct tc_str *json)
{
	(void)ns;
	*json = TC_STR(CONFIGMAP);
	return *(const bool *)self && strcmp(name, "web-code") == 0;
}

/* Managed fields and environment variables make up most of a real one. */
static void add_container(struct tc_buf *out, const char *name)
{
	tc_buf_printf(out,
		      "{\"name\":\"%s\",\"image\":\"registry.example/%s:1.2.3\",\"args\":[\"--log=json\"],\"env\":[",
		      name, name);
	for (int i = 0; i < 24; i++)
		tc_buf_printf(out, "%s{\"name\":\"SETTING_%d\",\"value\":\"a value of this setting, %d\"}",
			      i ? "," : "", i, i);
	tc_buf_puts(out, "],\"resources\":{\"limits\":{\"cpu\":\"500m\",\"memory\":\"1Gi\"},\"requests\":{\"cpu\":"
			 "\"100m\",\"memory\":"
			 "\"1Gi\"}},\"ports\":[{\"containerPort\":8080,\"protocol\":\"TCP\"}],\"livenessProbe\":{"
			 "\"httpGet\":{\"path\":"
			 "\"/healthz\",\"port\":8080,\"scheme\":\"HTTP\"},\"timeoutSeconds\":1,\"periodSeconds\":10,"
			 "\"successThreshold\":1,\"failureThreshold\":3},\"securityContext\":{"
			 "\"allowPrivilegeEscalation\":false},"
			 "\"terminationMessagePath\":\"/dev/termination-log\",\"imagePullPolicy\":\"IfNotPresent\"}");
}

static void make_review(struct tc_buf *out, const char *annotation, const char *volume)
{
	tc_buf_printf(
		out,
		HEAD "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\",\"namespace\":"
		     "\"shop\",\"uid\":\"b\",\"labels\":{\"app\":\"web\"},\"annotations\":{%s},\"managedFields\":[{"
		     "\"manager\":"
		     "\"flux\",\"operation\":\"Apply\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{",
		annotation);
	for (int i = 0; i < 48; i++)
		tc_buf_printf(out, "%s\"k:{\\\"name\\\":\\\"SETTING_%d\\\"}\":{\"f:value\":{}}", i ? "," : "", i);
	tc_buf_puts(out, "}}]},\"spec\":{\"replicas\":2,\"selector\":{\"matchLabels\":{\"app\":\"web\"}},\"template\":{"
			 "\"metadata\":{"
			 "\"creationTimestamp\":null,\"labels\":{\"app\":\"web\"}},\"spec\":{\"containers\":[");
	add_container(out, "web");
	tc_buf_putc(out, ',');
	add_container(out, "proxy");
	tc_buf_printf(out,
		      "],\"volumes\":[{\"name\":\"settings\",\"configMap\":{\"name\":\"%s\",\"defaultMode\":420}}],"
		      "\"restartPolicy\":\"Always\",\"dnsPolicy\":\"ClusterFirst\"}}}}}}",
		      volume);
}

static uint64_t cpu_time(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* One review again and again, as the server does it: an arena that is rewound. Prints the median of ten rounds. known:
 * the cluster has the ConfigMap. */
static void measure(const char *what, const struct tc_buf *review, bool known, unsigned long count,
		    enum tc_verdict wanted)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	_cleanup_(tc_arena_free) struct tc_arena *settings = tc_arena_new(64 * 1024);
	const struct tc_config *config = tc_config_default(settings);
	const struct tc_limits limits = TC_LIMITS_REQUEST;
	const struct tc_knowledge knowledge = {.self = &known, .configmap = find_configmap};
	const struct tc_admit how = {.config = config,
				     .limits = &limits,
				     .knowledge = &knowledge,
				     .config_hash = tc_config_hash(settings, config)};
	const struct tc_source src = {.name = "review", .text = tc_buf_str(review)};
	_cleanup_buf_ struct tc_buf answer = {0};
	struct tc_arena_mark mark = tc_arena_mark(mem);
	uint64_t rounds[10];

	for (size_t r = 0; r < TC_COUNT(rounds); r++) {
		uint64_t start = cpu_time();

		for (unsigned long i = 0; i < count; i++) {
			struct tc_admitted admitted;
			struct tc_error err = {0};

			tc_buf_clear(&answer);
			if (tc_admit(&answer, mem, &src, &how, &admitted, &err) < 0 || admitted.verdict != wanted)
				abort();
			tc_arena_rewind(mem, mark);
		}
		rounds[r] = (cpu_time() - start) / count;
	}
	qsort(rounds, TC_COUNT(rounds), sizeof(*rounds), compare);
	printf("%-28s %6zu bytes %8llu ns per review, answer of %zu bytes\n", what, review->len,
	       (unsigned long long)rounds[TC_COUNT(rounds) / 2], answer.len);
}

int main(int argc, char **argv)
{
	unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000;
	const char *only = argc > 2 ? argv[2] : "";
	_cleanup_buf_ struct tc_buf annotated = {0}, mounted = {0}, plain = {0};

	make_review(&annotated, "\"tentacular.io/contract\":\"" WORKFLOW "\"", "settings");
	make_review(&mounted, "\"team\":\"shop\"", "web-code");
	make_review(&plain, "\"team\":\"shop\"", "settings");
	if (strstr("annotation", only))
		measure("contract in an annotation", &annotated, false, count, TC_VERDICT_PATCHED);
	if (strstr("ConfigMap", only))
		measure("contract in a ConfigMap", &mounted, true, count, TC_VERDICT_PATCHED);
	if (strstr("none", only))
		measure("no contract", &plain, false, count, TC_VERDICT_UNTOUCHED);
	return 0;
}
