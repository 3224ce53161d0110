#include "cli/cluster/commands.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "cli/run.h"
#include "webhook/certfiles.h"
#include "webhook/publish.h"
#include "webhook/server.h"

/* How long requests in progress may take once no new ones are accepted. */
#define STOP_SECONDS 10
#define RETRY_MAX 30

struct serve {
	const struct tc_args *args;
	struct tc_run run; /* of which only the configuration is used */
	struct tc_log log;
	struct tc_metrics metrics;
	struct tc_serving *serving;
	struct tc_certfiles files;
	struct tc_publish *publish;
	struct tc_kube_config *kube; /* NULL: --no-cluster */
	struct tc_cache *cache;
	struct tc_server *server;
	pthread_t certs;
	bool certs_running;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stopping; /* under lock */
};

static const char *option(const struct serve *s, enum tc_serve_option which, const char *fallback)
{
	const char *value = s->args->value[which];

	return value ? value : fallback;
}

/* --- certificates ------------------------------------------------------------------------------------------------- */

/* True when it is time to stop. */
static bool pause_for(struct serve *s, unsigned seconds)
{
	struct timespec until;
	bool stopping;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	pthread_mutex_lock(&s->lock);
	while (!s->stopping && pthread_cond_timedwait(&s->changed, &s->lock, &until) == 0)
		;
	stopping = s->stopping;
	pthread_mutex_unlock(&s->lock);
	return stopping;
}

static void *follow_files(void *arg)
{
	struct serve *s = arg;
	struct tc_error said = {0}; /* certfiles.c says it in the log, once */

	while (!pause_for(s, 1)) {
		if (tc_certfiles_poll(&s->files, s->serving, &said) < 0)
			atomic_fetch_add(&s->metrics.certificate_errors, 1);
	}
	return NULL;
}

static void note_bundle(struct serve *s)
{
	atomic_store(&s->metrics.ca_bundle, tc_publish_bundle_ok(s->publish) ? TC_BUNDLE_OK : TC_BUNDLE_BAD);
}

/* Waits until a step is due: after so many seconds, or at once where the caBundle is another one. True: to stop. */
static bool wait_for_step(struct serve *s, struct tc_kube *kube, unsigned seconds)
{
	for (;;) {
		unsigned part = kube && seconds > TC_PUBLISH_LOOK ? TC_PUBLISH_LOOK : seconds;
		bool good;

		if (pause_for(s, part))
			return true;
		seconds -= part;
		if (seconds == 0)
			return false;
		good = tc_publish_look(s->publish, kube);
		note_bundle(s);
		if (!good)
			return false;
	}
}

/* Which of two replicas comes first is decided by the API server: the other one reads again. */
static void *keep_published(void *arg)
{
	struct serve *s = arg;
	_cleanup_(tc_kube_free) struct tc_kube *kube = NULL;
	struct tc_kube_error err = {0};
	unsigned wait = 0, failures = 0;

	/* After a failure the wait is for the API server's sake, which would be asked for the same by a look. */
	while (!wait_for_step(s, failures == 0 ? kube : NULL, wait)) {
		bool done;

		err = (struct tc_kube_error){0};
		done = (kube || tc_kube_open(&kube, s->kube, &err) == 0) &&
		       tc_publish_step(s->publish, kube, s->serving, time(NULL), &wait, &s->log, &err) == 0;
		note_bundle(s);
		if (done) {
			failures = 0;
			continue;
		}
		failures++;
		wait = err.status == 409 && failures < 5 ? 0 : failures < RETRY_MAX ? failures : RETRY_MAX;
		atomic_fetch_add(&s->metrics.certificate_errors, 1);
		tc_log(&s->log, TC_LOG_WARN, "certificates",
		       (struct tc_field[]){
			       TC_LOG_TEXT("error", tc_str(err.error.msg)),
			       TC_LOG_NUMBER("again_seconds", wait),
		       },
		       2);
	}
	return NULL;
}

static int from_files(struct serve *s, struct tc_error *err)
{
	s->files = (struct tc_certfiles){.dir = option(s, TC_SERVE_CERT_DIR, NULL), .log = &s->log};
	if (tc_certfiles_poll(&s->files, s->serving, err) < 0)
		return tc_wrap(err, "option \"--cert-dir\" (tentc certs make -o DIR --name HOST makes one)");
	return 0;
}

static int from_secret(struct serve *s, const struct tc_cli *cli, struct tc_error *err)
{
	struct tc_publish_conf conf = {.webhook = option(s, TC_SERVE_WEBHOOK, "tentc")};
	const char **names;

	if (tc_split_name(cli->mem, "cert-secret",
			  option(s, TC_SERVE_CERT_SECRET, "tentacular-system/tentc-webhook-certs"), &conf.ns,
			  &conf.secret, err) < 0 ||
	    tc_list(cli->mem, "service", option(s, TC_SERVE_SERVICE, "tentc.tentacular-system.svc"), &names,
		    &conf.nnames, err) < 0 ||
	    tc_duration("cert-life", s->args->value[TC_SERVE_CERT_LIFE], 0, &conf.lifetime, err) < 0)
		return -1;
	conf.names = names;
	s->publish = tc_publish_new(&conf);
	return 0;
}

static int start_certs(struct serve *s, struct tc_error *err)
{
	int failed = pthread_create(&s->certs, NULL, s->publish ? keep_published : follow_files, s);

	if (failed)
		return tc_fail(err, TC_E_USAGE, "cannot start a thread: %s", tc_errno(failed));
	s->certs_running = true;
	return 0;
}

/* --- the process -------------------------------------------------------------------------------------------------- */

static int check_options(const struct serve *s, struct tc_error *err)
{
	/* of the certificate that tentc makes */
	static const enum tc_serve_option own[] = {TC_SERVE_CERT_SECRET, TC_SERVE_CERT_LIFE, TC_SERVE_WEBHOOK,
						   TC_SERVE_SERVICE};
	bool alone = s->args->value[TC_SERVE_NO_CLUSTER] != NULL;

	if (alone && !s->args->value[TC_SERVE_CERT_DIR])
		return tc_fail(err, TC_E_USAGE,
			       "\"--no-cluster\" leaves no place to keep certificates; give --cert-dir DIR: "
			       "tentc certs make -o DIR --name HOST makes some");
	if (alone && s->args->value[TC_SERVE_KUBECONFIG])
		return tc_fail(err, TC_E_USAGE, "\"--no-cluster\" and \"--kubeconfig\" contradict each other");
	for (size_t i = 0; s->args->value[TC_SERVE_CERT_DIR] && i < TC_COUNT(own); i++) {
		if (s->args->value[own[i]])
			return tc_fail(
				err, TC_E_USAGE,
				"\"--cert-dir\" and \"--%s\" contradict each other: the files are taken as they are",
				tc_cmd_serve.options[own[i]].name);
	}
	return 0;
}

static int start_server(struct serve *s, const struct tc_cli *cli, struct tc_error *err)
{
	static const struct tc_limits limits = TC_LIMITS_REQUEST;
	const char *metrics = option(s, TC_SERVE_METRICS, "0.0.0.0:9090");
	struct tc_server_conf conf = {
		.serving = s->serving,
		.cache = s->cache,
		.admit = {.config = s->run.config, .limits = &limits},
		.version = TC_VERSION,
		.config_hash = tc_config_hash(s->run.mem, s->run.config),
		.metrics = &s->metrics,
		.log = &s->log,
	};

	conf.admit.config_hash = conf.config_hash;
	if (tc_address(cli->mem, "listen", option(s, TC_SERVE_LISTEN, "0.0.0.0:8443"), &conf.address, &conf.port, err) <
	    0)
		return -1;
	if (strcmp(metrics, "off") != 0) {
		if (tc_address(cli->mem, "metrics", metrics, &conf.metrics_address, &conf.metrics_port, err) < 0)
			return -1;
		if (conf.metrics_port == 0)
			conf.metrics_port = UINT_MAX; /* a free one */
	}
	if (tc_server_start(&s->server, &conf, err) < 0)
		return -1;
	tc_log(&s->log, TC_LOG_INFO, "listening",
	       (struct tc_field[]){
		       TC_LOG_TEXT("address", tc_str(conf.address)),
		       TC_LOG_NUMBER("port", tc_server_port(s->server)),
		       TC_LOG_NUMBER("metrics_port", tc_server_metrics_port(s->server)),
		       TC_LOG_TEXT("version", tc_str(TC_VERSION)),
	       },
	       4);
	return 0;
}

/* Ready to unready to gone: what balances the load looks every few seconds, and needs time to see it. */
static void wait_for_end(struct serve *s, const sigset_t *signals, unsigned drain)
{
	struct timespec patience = {.tv_sec = drain};
	int number;

	do
		number = sigwaitinfo(signals, NULL);
	while (number < 0 && errno == EINTR);
	tc_log(&s->log, TC_LOG_INFO, "stopping",
	       (struct tc_field[]){
		       TC_LOG_TEXT("signal", tc_str(number == SIGINT ? "SIGINT" : "SIGTERM")),
		       TC_LOG_NUMBER("drain_seconds", drain),
	       },
	       2);
	tc_server_unready(s->server);
	/* a second signal ends the waiting */
	while (drain && sigtimedwait(signals, NULL, &patience) < 0 && errno == EINTR)
		;
	tc_server_stop(s->server, STOP_SECONDS);
}

static void end(struct serve *s)
{
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	if (s->certs_running)
		pthread_join(s->certs, NULL);
	tc_server_free(s->server);
	if (s->cache)
		tc_cache_stop(s->cache);
	tc_cache_free(s->cache);
	tc_publish_free(s->publish);
	tc_serving_free(s->serving);
	tc_kube_config_free(s->kube);
	tc_run_free(&s->run);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
}

static int run(struct serve *s, const struct tc_cli *cli, struct tc_error *err)
{
	sigset_t signals;
	unsigned drain;

	if (check_options(s, err) < 0 || tc_number("drain", s->args->value[TC_SERVE_DRAIN], 0, 600, 5, &drain, err) < 0)
		return -1;
	tc_run_config(&s->run);
	if (tc_run_failed(&s->run))
		return tc_run_report(&s->run, cli->colour, "; nothing is served");
	/* before there are threads, which inherit it: only wait_for_end() takes them */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);

	s->serving = tc_serving_new();
	if (s->args->value[TC_SERVE_CERT_DIR] ? from_files(s, err) < 0 : from_secret(s, cli, err) < 0)
		return -1;
	if (!s->args->value[TC_SERVE_NO_CLUSTER]) {
		if (tc_kube_find(&s->kube, s->args->value[TC_SERVE_KUBECONFIG], err) < 0)
			return tc_wrap(err, "without \"--no-cluster\" the API server has to be known");
		s->cache = tc_cache_new(s->run.config->contract_key);
		if (tc_cache_start(s->cache, s->kube, &s->log, err) < 0)
			return -1;
	}
	if (start_server(s, cli, err) < 0 || start_certs(s, err) < 0)
		return -1;
	wait_for_end(s, &signals, drain);
	tc_log(&s->log, TC_LOG_INFO, "stopped", NULL, 0);
	return 0;
}

int tc_serve(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	struct serve s = {
		.args = args,
		.log = {.fd = STDERR_FILENO,
			.json = strcmp(args->value[TC_SERVE_LOG] ? args->value[TC_SERVE_LOG] : "text", "json") == 0,
			.least = TC_LOG_INFO},
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	struct tc_run_options options = {.config = args->value[TC_SERVE_CONFIG]};
	pthread_condattr_t monotonic;
	int rc;

	if (args->value[TC_SERVE_CONTROLLER])
		return tc_serve_controller(cli, args, err);
	tc_hide_memory();
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&s.changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	rc = tc_run_init(&s.run, &options, err);
	if (rc == 0)
		rc = run(&s, cli, err);
	end(&s);
	return rc;
}
