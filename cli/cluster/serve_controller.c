/* tentc serve --controller: one process that holds the root key and the administrators' credentials, and reads nothing
 * that a tenant sends but objects of the API server. */
#include "cli/cluster/commands.h"

#include <pthread.h>
#include <signal.h>
#include <sys/random.h>
#include <unistd.h>

#include "cli/cluster/admin.h"
#include "cli/run.h"
#include "controller/controller.h"

struct serve {
	const struct tc_args *args;
	struct tc_run run; /* of which configuration and keys are used */
	struct tc_log log;
	struct tc_kube_config *kube;
	struct tc_controller *controller;
	pthread_mutex_t lock;
	struct tc_arena *secrets; /* of administrators; under lock */
};

/* The workers' crews ask, each when it first needs a service. */
static int read_admin(void *self, struct tc_admin *out, const struct tc_service_config *service, struct tc_error *err)
{
	struct serve *s = self;
	int rc;

	pthread_mutex_lock(&s->lock);
	rc = tc_admin_read(out, s->secrets, service, err);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* The pod's name, and something that a container which starts anew in it does not share. */
static const char *instance(struct tc_arena *mem)
{
	char host[256] = "tentc";
	uint32_t chance = 0;

	(void)gethostname(host, sizeof(host) - 1);
	if (getrandom(&chance, sizeof(chance), 0) != sizeof(chance))
		chance = (uint32_t)getpid();
	return tc_printf(mem, "%s_%08x", host, chance);
}

static int check_options(const struct serve *s, struct tc_error *err)
{
	static const enum tc_serve_option others[] = {TC_SERVE_ADMISSION, TC_SERVE_LISTEN,      TC_SERVE_METRICS,
						      TC_SERVE_CERT_DIR,  TC_SERVE_CERT_SECRET, TC_SERVE_CERT_LIFE,
						      TC_SERVE_WEBHOOK,   TC_SERVE_SERVICE,     TC_SERVE_NO_CLUSTER};

	for (size_t i = 0; i < TC_COUNT(others); i++) {
		if (s->args->value[others[i]])
			return tc_fail(err, TC_E_USAGE,
				       "\"--controller\" and \"--%s\" contradict each other: admission is a process of "
				       "its own, without the root key",
				       tc_cmd_serve.options[others[i]].name);
	}
	if (!s->args->value[TC_SERVE_ROOT_KEY_FILE])
		return tc_fail(err, TC_E_USAGE,
			       "credentials are derived from a root key, and none is given; give --root-key-file FILE: "
			       "tentc keygen -o FILE makes one");
	return 0;
}

static void wait_for_end(const struct serve *s, const sigset_t *signals)
{
	int number;

	do
		number = sigwaitinfo(signals, NULL);
	while (number < 0 && errno == EINTR);
	tc_log(&s->log, TC_LOG_INFO, "stopping",
	       (struct tc_field[]){TC_LOG_TEXT("signal", tc_str(number == SIGINT ? "SIGINT" : "SIGTERM"))}, 1);
}

static int run(struct serve *s, const struct tc_cli *cli, struct tc_error *err)
{
	struct tc_controller_conf conf = {.log = &s->log};
	sigset_t signals;

	if (check_options(s, err) < 0)
		return -1;
	tc_run_config(&s->run);
	if (!s->run.diags.errors)
		tc_run_keys(&s->run);
	if (tc_run_failed(&s->run))
		return tc_run_report(&s->run, cli->colour, "; nothing is served");
	if (tc_kube_find(&s->kube, s->args->value[TC_SERVE_KUBECONFIG], err) < 0)
		return tc_wrap(err, "the API server has to be known");
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);

	conf.resync = s->run.config->controller_resync;
	conf.reconcile = (struct tc_reconcile_conf){
		.config = s->run.config,
		.config_hash = tc_config_hash(s->run.mem, s->run.config),
		.keys = s->run.keys,
		.kube = s->kube,
		.ns = s->run.config->controller_namespace,
		.instance = instance(cli->mem),
		.admin = read_admin,
		.admin_self = s,
	};
	s->controller = tc_controller_new(&conf);
	if (tc_controller_start(s->controller, err) < 0)
		return -1;
	tc_log(&s->log, TC_LOG_INFO, "controller started",
	       (struct tc_field[]){TC_LOG_TEXT("instance", tc_str(conf.reconcile.instance)),
				   TC_LOG_TEXT("version", tc_str(TC_VERSION))},
	       2);
	wait_for_end(s, &signals);
	tc_controller_stop(s->controller);
	tc_log(&s->log, TC_LOG_INFO, "stopped", NULL, 0);
	return 0;
}

int tc_serve_controller(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	struct serve s = {
		.args = args,
		.log = {.fd = STDERR_FILENO,
			.json = strcmp(args->value[TC_SERVE_LOG] ? args->value[TC_SERVE_LOG] : "text", "json") == 0,
			.least = TC_LOG_INFO},
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.secrets = tc_arena_new_secret(16 * 1024),
	};
	struct tc_run_options options = {.config = args->value[TC_SERVE_CONFIG],
					 .root_key_file = args->value[TC_SERVE_ROOT_KEY_FILE]};
	int rc;

	tc_hide_memory();
	rc = tc_run_init(&s.run, &options, err);
	if (rc == 0)
		rc = run(&s, cli, err);
	tc_controller_free(s.controller);
	tc_kube_config_free(s.kube);
	tc_run_free(&s.run);
	tc_arena_free(s.secrets);
	pthread_mutex_destroy(&s.lock);
	return rc;
}
