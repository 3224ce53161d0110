/* kube_probe.c - kube/ as a program, for tests/e2e/test_kube.py: one JSON object a line on stdout.
 *
 *   kube_probe KUBECONFIG COMMAND ARG...      KUBECONFIG `-`: what the environment says
 *
 * Objects are read from stdin. A failure is {"error", "code", "status", "reason", "retry", "retry_after"}, status 1. */
#include "kube/client.h"

#include <curl/curl.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "kube/event.h"
#include "kube/lease.h"
#include "kube/watch.h"

struct probe {
	const struct tc_kube_config *config;
	struct tc_kube *k;
	struct tc_kube_error err;
	char **args; /* NULL at the end */
};

static atomic_bool stop;

static void on_signal(int number)
{
	(void)number;
	atomic_store(&stop, true);
}

static void print(json_t *line)
{
	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(line);
}

static json_t *describe(const struct tc_kube_error *err)
{
	return json_pack("{s:s,s:i,s:i,s:s,s:b,s:i}", "error", err->error.msg, "code", err->error.code, "status",
			 err->status, "reason", err->reason, "retry", tc_kube_may_retry(err), "retry_after",
			 (int)err->retry_after);
}

static int end(struct probe *p, int done, json_t *answer)
{
	if (done < 0) {
		print(describe(&p->err));
		return 1;
	}
	print(answer ? answer : json_pack("{s:b}", "done", 1));
	return 0;
}

static const char *arg(const struct probe *p, size_t n)
{
	for (size_t i = 0; i <= n; i++)
		if (!p->args[i])
			return NULL;
	return p->args[n];
}

static unsigned number(const struct probe *p, size_t n)
{
	const char *s = arg(p, n);

	return s ? (unsigned)strtoul(s, NULL, 10) : 0;
}

static bool flag(const struct probe *p, const char *name)
{
	for (char **a = p->args; *a; a++)
		if (!strcmp(*a, name))
			return true;
	return false;
}

static json_t *input(void)
{
	json_t *object = json_loadf(stdin, 0, NULL);

	if (!object) {
		fputs("kube_probe: stdin holds no JSON\n", stderr);
		exit(2);
	}
	return object;
}

static int do_server(struct probe *p)
{
	print(json_pack("{s:s,s:s}", "server", tc_kube_config_server(p->config), "namespace",
			tc_kube_config_namespace(p->config)));
	return 0;
}

static int do_get(struct probe *p)
{
	json_t *answer = NULL;
	int done = tc_kube_get(p->k, &answer, arg(p, 0), &p->err);

	return end(p, done, answer);
}

/* every N ms until it is ended: what the connection and the token live through. */
static int do_poll(struct probe *p)
{
	while (!atomic_load(&stop)) {
		int done = tc_kube_get(p->k, NULL, arg(p, 0), &p->err);

		print(done < 0 ? describe(&p->err) : json_pack("{s:b}", "done", 1));
		usleep(number(p, 1) * 1000);
	}
	return 0;
}

static int do_create(struct probe *p)
{
	_cleanup_json_ json_t *object = input();
	json_t *answer = NULL;
	int done = tc_kube_create(p->k, &answer, arg(p, 0), object, &p->err);

	return end(p, done, answer);
}

static int do_replace(struct probe *p)
{
	_cleanup_json_ json_t *object = input();
	json_t *answer = NULL;
	int done = tc_kube_replace(p->k, &answer, arg(p, 0), object, &p->err);

	return end(p, done, answer);
}

static int do_patch(struct probe *p)
{
	_cleanup_json_ json_t *object = input();
	json_t *answer = NULL;
	int done = tc_kube_merge_patch(p->k, &answer, arg(p, 0), object, &p->err);

	return end(p, done, answer);
}

static int do_apply(struct probe *p)
{
	_cleanup_json_ json_t *object = input();
	struct tc_kube_apply how = {.force = flag(p, "force"),
				    .dry_run = flag(p, "dry-run"),
				    .strict = flag(p, "strict")};
	json_t *answer = NULL;
	int done = tc_kube_apply(p->k, &answer, arg(p, 0), object, &how, &p->err);

	return end(p, done, answer);
}

static int do_delete(struct probe *p)
{
	int done = tc_kube_delete(p->k, arg(p, 0), arg(p, 1), &p->err);

	return end(p, done, NULL);
}

static int do_list(struct probe *p)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(1024);
	json_t *items = NULL, *first, *answer = NULL;
	const char *version;
	int done = tc_kube_list(p->k, &items, &version, mem, arg(p, 0), &p->err);

	if (done == 0) {
		first = json_array_get(items, 0);
		answer = json_pack("{s:i,s:s,s:O?}", "count", (int)json_array_size(items), "version", version, "first",
				   first);
		json_decref(items);
	}
	return end(p, done, answer);
}

/* --- watch PATH TIMEOUT PATIENCE RELIST [meta] */

static void on_mark(const char *what)
{
	print(json_pack("{s:s}", "op", what));
}

static void on_begin(void *self)
{
	(void)self;
	on_mark("begin");
}

static void on_synced(void *self)
{
	(void)self;
	on_mark("synced");
}

static void on_alive(void *self)
{
	(void)self;
	on_mark("alive");
}

static void on_object(const char *op, const json_t *object)
{
	json_t *meta = json_object_get(object, "metadata"), *line = json_pack("{s:s}", "op", op);

	json_object_set(line, "name", json_object_get(meta, "name"));
	json_object_set(line, "kind", json_object_get(object, "kind"));
	json_object_set(line, "data", json_object_get(object, "data"));
	print(line);
}

static void on_seen(void *self, const json_t *object)
{
	(void)self;
	on_object("seen", object);
}

static void on_gone(void *self, const json_t *object)
{
	(void)self;
	on_object("gone", object);
}

static void on_trouble(void *self, const struct tc_kube_error *err)
{
	json_t *line = describe(err);

	(void)self;
	json_object_set_new(line, "op", json_string("trouble"));
	print(line);
}

static int do_watch(struct probe *p)
{
	static const struct tc_watch_ops ops = {.begin = on_begin,
						.seen = on_seen,
						.gone = on_gone,
						.synced = on_synced,
						.alive = on_alive,
						.trouble = on_trouble};
	struct tc_watch watch = {.path = arg(p, 0),
				 .timeout = number(p, 1),
				 .patience = number(p, 2),
				 .relist = number(p, 3),
				 .metadata_only = flag(p, "meta"),
				 .selector = flag(p, "mine") ? "app in (mine)" : NULL,
				 .ops = &ops,
				 .stop = &stop};

	tc_watch_run(p->config, &watch);
	on_mark("stopped");
	return 0;
}

/* --- lease NAMESPACE NAME IDENTITY DURATION RENEW DEADLINE: a line for each step; let go at SIGTERM */

static int do_lease(struct probe *p)
{
	struct tc_lease_conf conf = {.ns = arg(p, 0),
				     .name = arg(p, 1),
				     .identity = arg(p, 2),
				     .duration = number(p, 3),
				     .deadline = number(p, 5)};
	_cleanup_(tc_lease_free) struct tc_lease *l = tc_lease_new(&conf);

	while (!atomic_load(&stop)) {
		int done = tc_lease_step(l, p->k, &p->err);
		json_t *line = done < 0 ? describe(&p->err) : json_object();
		struct timespec now;

		clock_gettime(CLOCK_MONOTONIC, &now);
		json_object_set_new(line, "held", json_boolean(tc_lease_held(l)));
		json_object_set_new(line, "holder", json_string(tc_lease_holder(l)));
		json_object_set_new(line, "at", json_real((double)now.tv_sec + (double)now.tv_nsec / 1e9));
		print(line);
		for (unsigned i = 0; i < number(p, 4) * 10 && !atomic_load(&stop); i++)
			usleep(100000);
	}
	return end(p, tc_lease_release(l, p->k, &p->err), NULL);
}

/* --- event KIND NAMESPACE NAME UID REASON NOTE TIMES */

static int do_event(struct probe *p)
{
	_cleanup_(tc_events_free) struct tc_events *events = tc_events_new();
	struct tc_event event = {.api_version = "v1",
				 .kind = arg(p, 0),
				 .ns = arg(p, 1),
				 .name = arg(p, 2),
				 .uid = arg(p, 3),
				 .warning = true,
				 .reason = arg(p, 4),
				 .note = arg(p, 5),
				 .action = "Probe",
				 .controller = "tentacular.io/tentc",
				 .instance = "kube-probe"};
	int done = 0;

	for (unsigned i = 0; i < number(p, 6) && done == 0; i++)
		done = tc_events_post(events, p->k, &event, &p->err);
	return end(p, done, NULL);
}

static const struct {
	const char *name;
	size_t args; /* at least */
	int (*run)(struct probe *p);
} commands[] = {
	{"server", 0, do_server},   {"get", 1, do_get},     {"poll", 2, do_poll},   {"create", 1, do_create},
	{"replace", 1, do_replace}, {"patch", 1, do_patch}, {"apply", 1, do_apply}, {"delete", 1, do_delete},
	{"list", 1, do_list},       {"watch", 4, do_watch}, {"lease", 6, do_lease}, {"event", 7, do_event},
};

int main(int argc, char **argv)
{
	_cleanup_(tc_kube_config_free) struct tc_kube_config *config = NULL;
	_cleanup_(tc_kube_free) struct tc_kube *k = NULL;
	struct probe p = {.args = argv + 3};
	struct tc_kube_source source = {0};
	int status = 2;

	if (argc < 3)
		return 2;
	if (strcmp(argv[1], "-"))
		source.kubeconfig = argv[1];
	source.env_list = getenv("KUBECONFIG");
	source.home = getenv("HOME");
	source.service_host = getenv("KUBERNETES_SERVICE_HOST");
	source.service_port = getenv("KUBERNETES_SERVICE_PORT");
	source.account_dir = getenv("ACCOUNT_DIR");
	signal(SIGTERM, on_signal);
	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (tc_kube_config_load(&config, &source, &p.err) < 0 || tc_kube_open(&k, config, &p.err) < 0) {
		status = end(&p, -1, NULL);
	} else {
		p.config = config;
		p.k = k;
		for (size_t i = 0; i < TC_COUNT(commands); i++)
			if (!strcmp(argv[2], commands[i].name) && argc >= 3 + (int)commands[i].args)
				status = commands[i].run(&p);
	}
	tc_kube_free(tc_take(&k));
	tc_kube_config_free(tc_take(&config));
	curl_global_cleanup();
	return status;
}
