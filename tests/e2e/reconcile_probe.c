/* reconcile_probe CONFIG KEYFILE KUBECONFIG ENCLAVE NAME KIND [--kill-at N] [--drift TEXT]
 *
 * One look at one tentacle, as a worker of the controller does it; KIND "-": no workload was seen. It prints
 *
 *   step N TEXT      right before each write, flushed
 *   phase PHASE      of the record; "none"
 *   again SECONDS    when to look again; 0: when something changes
 *   error STATUS TEXT       and ends with that status
 *
 * --kill-at N      SIGKILL to itself at the Nth step, before it is done */
#include <curl/curl.h>
#include <signal.h>

#include "cli/cluster/admin.h"
#include "cli/cluster/commands.h"
#include "cli/run.h"
#include "controller/reconcile.h"

struct probe {
	struct tc_arena *secrets;
	unsigned long steps, kill_at;
};

static void on_step(void *self, const char *what)
{
	struct probe *p = self;

	printf("step %lu %s\n", ++p->steps, what);
	fflush(stdout);
	if (p->steps == p->kill_at)
		(void)raise(SIGKILL);
}

static int read_admin(void *self, struct tc_admin *out, const struct tc_service_config *service, struct tc_error *err)
{
	struct probe *p = self;

	return tc_admin_read(out, p->secrets, service, err);
}

static int look(struct probe *p, struct tc_run *run, const struct tc_kube_config *kube, char **argv, int argc)
{
	struct tc_reconcile_ask ask = {.enclave = argv[4], .name = argv[5]};
	struct tc_reconcile_conf conf = {
		.config = run->config,
		.config_hash = tc_config_hash(run->mem, run->config),
		.keys = run->keys,
		.kube = kube,
		.ns = run->config->controller_namespace,
		.instance = "probe",
		.admin = read_admin,
		.admin_self = p,
		.step = on_step,
		.step_self = p,
	};
	_cleanup_(tc_reconciler_free) struct tc_reconciler *r = tc_reconciler_new(&conf);
	struct tc_reconciled out;

	if (strcmp(argv[6], "-") != 0)
		ask.kind = argv[6];
	for (int i = 7; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--kill-at") == 0)
			p->kill_at = strtoul(argv[i + 1], NULL, 10);
		else if (strcmp(argv[i], "--drift") == 0)
			ask.drift = argv[i + 1];
	}
	if (tc_reconcile(r, &out, &ask) < 0) {
		printf("error %d %s\n", (int)out.err.code, out.err.msg);
		return (int)out.err.code;
	}
	printf("phase %s\nagain %.0f\n", out.phase ? out.phase : "none", out.again);
	return 0;
}

int main(int argc, char **argv)
{
	struct probe p = {.secrets = tc_arena_new_secret(4096)};
	struct tc_run_options options = {0};
	struct tc_kube_config *kube = NULL;
	struct tc_error err = {0};
	struct tc_run run;
	int rc;

	if (argc < 7) {
		fputs("usage: reconcile_probe CONFIG KEYFILE KUBECONFIG ENCLAVE NAME KIND [--kill-at N] [--drift "
		      "TEXT]\n",
		      stderr);
		return 2;
	}
	options.config = argv[1];
	options.root_key_file = argv[2];
	curl_global_init(CURL_GLOBAL_DEFAULT);
	rc = tc_run_init(&run, &options, &err);
	if (rc == 0) {
		tc_run_config(&run);
		tc_run_keys(&run);
		rc = tc_run_report(&run, false, "; nothing was done");
	}
	if (rc == 0)
		rc = tc_kube_find(&kube, argv[3], &err);
	if (rc == 0)
		rc = look(&p, &run, kube, argv, argc);
	else
		fprintf(stderr, "reconcile_probe: %s\n", err.msg);
	tc_kube_config_free(kube);
	tc_run_free(&run);
	tc_arena_free(p.secrets);
	curl_global_cleanup();
	return rc < 0 ? (int)err.code : rc;
}
