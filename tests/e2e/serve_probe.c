/* serve_probe.c - the server alone, without a cluster: serve_probe DIR [OPTION=NUMBER]...
 *
 * Serves the pair in DIR (tls.crt, tls.key) at a free port of 127.0.0.1, prints "port N" and "metrics N", and ends with
 * SIGTERM. Options: request, idle (seconds), connections, threads, body (bytes), log (1: on stderr). */
#include "webhook/server.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "webhook/certfiles.h"

static volatile sig_atomic_t ended;

static void on_signal(int sig)
{
	(void)sig;
	ended = 1;
}

static void set_option(struct tc_server_conf *c, const char *arg)
{
	const char *value = strchr(arg, '=');
	unsigned long n = value ? strtoul(value + 1, NULL, 10) : 0;
	struct {
		const char *name;
		unsigned *to;
	} options[] = {
		{"request=", &c->request_seconds},
		{"idle=", &c->idle_seconds},
		{"connections=", &c->connections},
		{"threads=", &c->threads},
	};

	for (size_t i = 0; i < TC_COUNT(options); i++) {
		if (strncmp(arg, options[i].name, strlen(options[i].name)) == 0) {
			*options[i].to = (unsigned)n;
			return;
		}
	}
	if (strncmp(arg, "body=", 5) == 0) {
		c->max_body = n;
	} else if (strncmp(arg, "log=", 4) == 0) {
		c->log->least = n ? TC_LOG_DEBUG : TC_LOG_ERROR;
	} else {
		fprintf(stderr, "serve_probe: unknown option %s\n", arg);
		exit(2);
	}
}

static int run(struct tc_server_conf *conf, struct tc_certfiles *files, struct tc_error *err)
{
	struct tc_server *server = NULL;

	if (tc_certfiles_poll(files, conf->serving, err) < 0 || tc_server_start(&server, conf, err) < 0)
		return -1;
	printf("port %u\nmetrics %u\n", tc_server_port(server), tc_server_metrics_port(server));
	fflush(stdout);
	while (!ended) {
		usleep(200 * 1000);
		(void)tc_certfiles_poll(files, conf->serving, err);
	}
	tc_server_stop(server, 3);
	tc_server_free(server);
	return 0;
}

int main(int argc, char **argv)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	_cleanup_(tc_serving_free) struct tc_serving *serving = tc_serving_new();
	static struct tc_metrics metrics;
	struct tc_log log = {.fd = STDERR_FILENO, .least = TC_LOG_ERROR};
	struct tc_certfiles files = {.log = &log};
	struct sigaction end = {.sa_handler = on_signal};
	struct tc_limits limits = TC_LIMITS_REQUEST;
	struct tc_error err = {0};
	struct tc_server_conf conf = {.address = "127.0.0.1",
				      .metrics_port = UINT_MAX,
				      .serving = serving,
				      .version = "probe",
				      .metrics = &metrics,
				      .log = &log};

	if (argc < 2) {
		fputs("serve_probe: give the folder of tls.crt and tls.key\n", stderr);
		return 2;
	}
	files.dir = argv[1];
	for (int i = 2; i < argc; i++)
		set_option(&conf, argv[i]);
	conf.admit = (struct tc_admit){.config = tc_config_default(mem), .limits = &limits};
	conf.config_hash = conf.admit.config_hash = tc_config_hash(mem, conf.admit.config);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	if (run(&conf, &files, &err) < 0) {
		fprintf(stderr, "serve_probe: %s\n", err.msg);
		return 1;
	}
	return 0;
}
