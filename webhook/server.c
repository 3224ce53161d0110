#include "webhook/server.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "compiler/base/arena.h"
#include "webhook/request.h"

enum {
	CONNECTIONS = 4096,
	METRICS_CONNECTIONS = 64,
	FILES_BESIDE = 256, /* of the watches, the log, libraries */
	REQUEST_SECONDS = 10,
	IDLE_SECONDS = 120,
	WORKERS_LEAST = 2,
	WORKERS_MOST = 4,
	BODY_BYTES = 7 * 1024 * 1024, /* TC_LIMITS_REQUEST says why */
};

struct tc_server {
	struct tc_service service;
	struct tc_entry_point admission, metrics;
	struct tc_door *metrics_door;
	bool has_key;
};

static const struct tc_route admission_routes[] = {
	{"/mutate", true, tc_serve_mutate},
	{"/healthz", false, tc_serve_healthz},
	{"/readyz", false, tc_serve_readyz},
	{"/version", false, tc_serve_version},
};

static const struct tc_route metrics_routes[] = {
	{"/metrics", false, tc_serve_metrics},
};

unsigned tc_server_threads(unsigned cores, const char *cpu_max)
{
	char *end;
	unsigned long long quota = strtoull(cpu_max, &end, 10), period = strtoull(end, NULL, 10);

	/* "max" is no number, and so a quota of 0: no limit. */
	if (quota && period && quota / period < cores)
		cores = (unsigned)(quota / period + (quota % period != 0));
	return cores < WORKERS_LEAST ? WORKERS_LEAST : cores > WORKERS_MOST ? WORKERS_MOST : cores;
}

/* In a container its own control group is the root of what it sees. */
static unsigned workers(void)
{
	int fd = open("/sys/fs/cgroup/cpu.max", O_RDONLY | O_CLOEXEC);
	char cpu_max[64] = "";
	cpu_set_t cpus;

	if (fd >= 0) {
		ssize_t n = read(fd, cpu_max, sizeof(cpu_max) - 1);

		cpu_max[n > 0 ? n : 0] = '\0';
		close(fd);
	}
	return tc_server_threads(sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? (unsigned)CPU_COUNT(&cpus) : 1,
				 cpu_max);
}

static void set_defaults(struct tc_server_conf *c)
{
	if (c->threads == 0)
		c->threads = workers();
	if (c->connections == 0)
		c->connections = CONNECTIONS;
	if (c->request_seconds == 0)
		c->request_seconds = REQUEST_SECONDS;
	if (c->idle_seconds == 0)
		c->idle_seconds = IDLE_SECONDS;
	if (c->max_body == 0)
		c->max_body = BODY_BYTES;
}

/* As many connections as there may be open files; the soft limit of a service is often 1024. */
static void fit_files(struct tc_server_conf *c)
{
	struct rlimit files;
	rlim_t want = c->connections + c->connections / 4 + FILES_BESIDE;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= want)
		return;
	files.rlim_cur = want < files.rlim_max ? want : files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur >= want)
		return;
	c->connections = files.rlim_cur > 2 * FILES_BESIDE ? (unsigned)((files.rlim_cur - FILES_BESIDE) / 5 * 4)
							   : FILES_BESIDE / 4;
	tc_log(c->log, TC_LOG_WARN, "fewer connections than wanted: raise the limit of open files",
	       (struct tc_field[]){TC_LOG_NUMBER("connections", c->connections),
				   TC_LOG_NUMBER("files", files.rlim_cur)},
	       2);
}

static void free_arena(void *mem)
{
	tc_arena_free(mem);
}

static int open_doors(struct tc_server *s, struct tc_error *err)
{
	const struct tc_server_conf *c = &s->service.conf;
	struct tc_door_conf door = {
		.name = "webhook",
		.address = c->address,
		.port = c->port,
		.threads = c->threads,
		.connections = c->connections,
		.request_ms = c->request_seconds * 1000,
		.idle_ms = c->idle_seconds * 1000,
		.serving = c->serving,
		.self = &s->admission,
		.answer = tc_request_answer,
		.done = tc_request_done,
		.metrics = c->metrics,
	};

	if (tc_door_open(&s->service.door, &door, err) < 0)
		return -1;
	if (c->metrics_port == 0)
		return 0;
	door.name = "metrics";
	door.address = c->metrics_address ? c->metrics_address : c->address;
	door.port = c->metrics_port == UINT_MAX ? 0 : c->metrics_port;
	door.threads = 1;
	door.connections = METRICS_CONNECTIONS;
	door.serving = NULL;
	door.self = &s->metrics;
	door.metrics = NULL;
	return tc_door_open(&s->metrics_door, &door, err);
}

static void test_stage(struct tc_service *s)
{
	struct tc_error err = {0};
	struct tc_field why = TC_LOG_TEXT("error", tc_str(""));

	s->stage_works = tc_mutate_works(&s->conf, &err);
	why.text = tc_str(err.msg);
	if (!s->stage_works)
		tc_log(s->conf.log, TC_LOG_ERROR, "the self-test of the stage failed", &why, 1);
}

static int start(struct tc_server *s, struct tc_error *err)
{
	sigset_t all, before;
	int rc;

	set_defaults(&s->service.conf);
	fit_files(&s->service.conf);
	s->admission = (struct tc_entry_point){&s->service, admission_routes, TC_COUNT(admission_routes)};
	s->metrics = (struct tc_entry_point){&s->service, metrics_routes, TC_COUNT(metrics_routes)};
	if (pthread_key_create(&s->service.arena, free_arena) != 0)
		return tc_fail(err, TC_E_BUG, "webhook: no place for what each thread keeps");
	s->has_key = true;
	test_stage(&s->service);
	/* Signals are for who started the server: threads inherit that they get none. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = open_doors(s, err);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int tc_server_start(struct tc_server **out, const struct tc_server_conf *conf, struct tc_error *err)
{
	_cleanup_(tc_server_free) struct tc_server *s = tc_xalloc(sizeof(*s));

	s->service.conf = *conf;
	tc_refusals_init(&s->service.refusals);
	if (start(s, err) < 0)
		return -1;
	*out = tc_take(&s);
	return 0;
}

unsigned tc_server_port(const struct tc_server *s)
{
	return tc_door_port(s->service.door);
}

unsigned tc_server_metrics_port(const struct tc_server *s)
{
	return s->metrics_door ? tc_door_port(s->metrics_door) : 0;
}

void tc_server_unready(struct tc_server *s)
{
	atomic_store(&s->service.unready, true);
}

void tc_server_stop(struct tc_server *s, unsigned seconds)
{
	tc_server_unready(s);
	tc_door_close(s->service.door);
	if (!tc_door_drained(s->service.door, seconds * 1000))
		tc_log(s->service.conf.log, TC_LOG_WARN, "connections are cut that did not end in time",
		       (struct tc_field[]){TC_LOG_NUMBER("seconds", seconds)}, 1);
	tc_door_free(s->service.door);
	s->service.door = NULL;
	/* Last: until here somebody may want to know how it goes. */
	tc_door_free(s->metrics_door);
	s->metrics_door = NULL;
}

void tc_server_free(struct tc_server *s)
{
	if (!s)
		return;
	tc_door_free(s->service.door);
	tc_door_free(s->metrics_door);
	if (s->has_key)
		pthread_key_delete(s->service.arena);
	tc_refusals_destroy(&s->service.refusals);
	free(s);
}
