/* registrar_probe CONFIG KEYFILE SERVICE OPERATION [ENCLAVE [NAME [EPOCH]]] [OPTION]...
 *
 * Calls operations of one registrar, as the integration tests want it; KEYFILE "-": without root keys. OPERATION is a
 * row of `operations` below, or several with commas between ("apply,verify"). It prints
 *
 *   step N TEXT             right before each step, flushed
 *   state STATE             observe: absent, applied, differs, retained, foreign
 *   differs TEXT            observe: one a line
 *   items N, bytes N, sessions N
 *   tentacle ENCLAVE/NAME STATE N   observe-all, N differences
 *   version TEXT, complaint TEXT    probe
 *   OPERATION ok MILLISECONDS
 *   error STATUS TEXT       and ends with that status
 *
 * --kill-at N      SIGKILL to itself at the Nth step, before it is done
 * --stop-at N      waits there for a line on its standard input
 * --seconds N      for one call to the service
 * --consumes A,B   for NATS
 * --count N        the operations for NAME-0 .. NAME-<N-1>, and observe-all wants all of them; no step is printed
 * --repeat N       all of it N times in one session */
#include <curl/curl.h>
#include <signal.h>
#include <time.h>

#include "cli/cluster/admin.h"
#include "cli/cluster/commands.h"
#include "cli/run.h"
#include "compiler/contract/identity.h"

struct probe {
	const struct tc_registrar_ops *ops;
	void *registrar;
	struct tc_arena *mem;
	struct tc_want *wants;
	size_t nwants;
	const char *enclave;
	unsigned long steps, kill_at, stop_at;
	bool quiet;
	size_t told[TC_STATE_FOREIGN + 1];
};

static const char *const states[] = {
	[TC_STATE_ABSENT] = "absent",     [TC_STATE_APPLIED] = "applied", [TC_STATE_DIFFERS] = "differs",
	[TC_STATE_RETAINED] = "retained", [TC_STATE_FOREIGN] = "foreign",
};

static void on_step(void *self, const char *what)
{
	struct probe *p = self;
	char line[16];

	p->steps++;
	if (!p->quiet) {
		printf("step %lu %s\n", p->steps, what);
		fflush(stdout);
	}
	if (p->steps == p->kill_at)
		(void)raise(SIGKILL);
	if (p->steps == p->stop_at && !fgets(line, sizeof(line), stdin))
		return;
}

static void show(const struct tc_observed *o)
{
	printf("state %s\n", states[o->state]);
	for (size_t i = 0; i < o->ndiffers; i++)
		printf("differs %s\n", o->differs[i]);
	printf("items %lld\nbytes %lld\nsessions %lld\n", (long long)o->items, (long long)o->bytes,
	       (long long)o->sessions);
}

static int observe(struct probe *p, const struct tc_want *want, struct tc_error *err)
{
	struct tc_observed seen = {.mem = p->mem};
	int rc = p->ops->observe(&seen, p->registrar, want, err);

	if (rc == 0 && !p->quiet)
		show(&seen);
	return rc;
}

static void on_each(void *self, const char *enclave, const char *name, const struct tc_observed *seen)
{
	struct probe *p = self;

	p->told[seen->state]++;
	if (p->quiet)
		return;
	printf("tentacle %s/%s %s %zu\n", enclave, name, states[seen->state], seen->ndiffers);
	for (size_t i = 0; i < seen->ndiffers; i++)
		printf("differs %s\n", seen->differs[i]);
}

static int observe_all(struct probe *p, const struct tc_want *want, struct tc_error *err)
{
	int rc;

	(void)want;
	memset(p->told, 0, sizeof(p->told));
	rc = p->ops->observe_all(p->registrar, p->wants, p->nwants, on_each, p, err);
	for (size_t i = 0; rc == 0 && i < TC_COUNT(states); i++)
		printf("all %s %zu\n", states[i], p->told[i]);
	return rc;
}

static int probe(struct probe *p, const struct tc_want *want, struct tc_error *err)
{
	struct tc_probed seen = {.mem = p->mem};

	(void)want;
	if (p->ops->probe(&seen, p->registrar, err) < 0)
		return -1;
	printf("version %s\n", seen.version);
	for (size_t i = 0; i < seen.ncomplaints; i++)
		printf("complaint %s\n", seen.complaints[i]);
	return 0;
}

static int apply(struct probe *p, const struct tc_want *want, struct tc_error *err)
{
	return p->ops->apply(p->registrar, want, err);
}

static void on_done(void *self, const struct tc_want *want, const struct tc_error *failure)
{
	struct tc_error *first = self;

	if (failure && !first->code)
		*first = *failure;
	if (failure)
		printf("failure %s/%s %d %s\n", want->enclave, want->name, (int)failure->code, failure->msg);
}

static int apply_all(struct probe *p, const struct tc_want *want, struct tc_error *err)
{
	struct tc_error first = {0};

	(void)want;
	if (!p->ops->apply_all)
		return tc_fail(err, TC_E_USAGE, "there is no apply_all");
	if (p->ops->apply_all(p->registrar, p->wants, p->nwants, on_done, &first, err) < 0)
		return -1;
	if (!first.code)
		return 0;
	*err = first;
	return -1;
}

static int verify(struct probe *p, const struct tc_want *want, struct tc_error *err)
{
	return p->ops->verify(p->registrar, want, err);
}

static int retain(struct probe *p, const struct tc_want *want, struct tc_error *err)
{
	return p->ops->retain(p->registrar, want, err);
}

static int destroy(struct probe *p, const struct tc_want *want, struct tc_error *err)
{
	return p->ops->destroy(p->registrar, want, err);
}

static int enclave_apply(struct probe *p, const struct tc_want *want, struct tc_error *err)
{
	(void)want;
	return p->ops->enclave_apply ? p->ops->enclave_apply(p->registrar, p->enclave, err) : 0;
}

static int enclave_destroy(struct probe *p, const struct tc_want *want, struct tc_error *err)
{
	(void)want;
	return p->ops->enclave_destroy ? p->ops->enclave_destroy(p->registrar, p->enclave, err) : 0;
}

static const struct operation {
	const char *name;
	bool each; /* once for every tentacle */
	int (*run)(struct probe *p, const struct tc_want *want, struct tc_error *err);
} operations[] = {
	{"probe", false, probe},
	{"observe", true, observe},
	{"observe-all", false, observe_all},
	{"apply", true, apply},
	{"apply-all", false, apply_all},
	{"verify", true, verify},
	{"retain", true, retain},
	{"destroy", true, destroy},
	{"enclave-apply", false, enclave_apply},
	{"enclave-destroy", false, enclave_destroy},
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

static int run_operation(struct probe *p, const char *name, struct tc_error *err)
{
	for (size_t i = 0; i < TC_COUNT(operations); i++) {
		const struct operation *o = &operations[i];
		double start = now();
		int rc = 0;

		if (strcmp(o->name, name) != 0)
			continue;
		for (size_t k = 0; rc == 0 && k < (o->each ? p->nwants : 1); k++)
			rc = o->run(p, p->nwants ? &p->wants[k] : NULL, err);
		if (rc == 0)
			printf("%s ok %.1f\n", name, now() - start);
		fflush(stdout);
		return rc;
	}
	return tc_fail(err, TC_E_USAGE, "unknown operation \"%s\"", name);
}

/* --- arguments -------------------------------------------------------------------------------------------------------
 */

struct arguments {
	const char *operands[7];
	size_t noperands;
	const char *kill_at, *stop_at, *seconds, *consumes, *count, *repeat, *kubeconfig;
};

static int parse(int argc, char **argv, struct arguments *a)
{
	const struct {
		const char *name, **value;
	} options[] = {
		{"--kill-at", &a->kill_at},       {"--stop-at", &a->stop_at}, {"--seconds", &a->seconds},
		{"--consumes", &a->consumes},     {"--count", &a->count},     {"--repeat", &a->repeat},
		{"--kubeconfig", &a->kubeconfig},
	};

	for (int i = 1; i < argc; i++) {
		const char **value = NULL;

		for (size_t k = 0; k < TC_COUNT(options); k++)
			if (strcmp(argv[i], options[k].name) == 0)
				value = options[k].value;
		if (value && i + 1 < argc)
			*value = argv[++i];
		else if (!value && a->noperands < TC_COUNT(a->operands))
			a->operands[a->noperands++] = argv[i];
		else
			return -1;
	}
	return a->noperands >= 4 ? 0 : -1;
}

static unsigned long number(const char *text, unsigned long fallback)
{
	return text ? strtoul(text, NULL, 10) : fallback;
}

static const struct tc_registrar_ops *find(const char *service)
{
	for (size_t i = 0; tc_registrars[i]; i++)
		if (strcmp(tc_registrars[i]->service, service) == 0)
			return tc_registrars[i];
	return NULL;
}

static int read_keys(struct tc_keyring **out, struct tc_run *run, const char *path, struct tc_error *err)
{
	_cleanup_buf_ struct tc_buf bytes = {.secret = true};
	struct tc_source src = {.name = path};

	if (strcmp(path, "-") == 0)
		return 0;
	run->inputs.secret = true;
	if (!tc_file_read(&run->inputs, path, path, &bytes))
		return tc_fail(err, TC_E_USAGE, "cannot read %s", path);
	src.text = tc_buf_str(&bytes);
	*out = tc_keyring_parse(&src, &run->diags);
	return *out ? 0 : tc_fail(err, TC_E_USAGE, "%s is no key file", path);
}

static void make_wants(struct probe *p, const struct arguments *a, struct tc_error *err)
{
	const char *name = a->noperands > 5 ? a->operands[5] : NULL, **consumes = NULL;
	size_t nconsumes = 0;

	p->enclave = a->noperands > 4 ? a->operands[4] : NULL;
	if (a->consumes)
		(void)tc_list(p->mem, "consumes", a->consumes, &consumes, &nconsumes, err);
	p->nwants = name ? number(a->count, 1) : 0;
	p->wants = tc_alloc(p->mem, p->nwants * sizeof(*p->wants));
	for (size_t i = 0; i < p->nwants; i++)
		p->wants[i] = (struct tc_want){
			.enclave = p->enclave,
			.name = a->count ? tc_printf(p->mem, "%s-%zu", name, i) : name,
			.epoch = a->noperands > 6 ? (unsigned)number(a->operands[6], 0) : 0,
			.consumes = consumes,
			.nconsumes = nconsumes,
		};
}

static int run_all(struct probe *p, const struct arguments *a, struct tc_error *err)
{
	unsigned long repeat = number(a->repeat, 1);

	make_wants(p, a, err);
	for (unsigned long n = 0; n < repeat; n++) {
		char *names = tc_strdup(p->mem, a->operands[3]), *rest = names;

		for (char *name; (name = strsep(&rest, ","));)
			if (run_operation(p, name, err) < 0)
				return -1;
	}
	return 0;
}

static int drive(struct probe *p, struct tc_run *run, const struct arguments *a, struct tc_error *err)
{
	_cleanup_(tc_keyring_free) struct tc_keyring *keys = NULL;
	_cleanup_(tc_arena_free) struct tc_arena *secrets = tc_arena_new_secret(16 * 1024);
	_cleanup_(tc_kube_config_free) struct tc_kube_config *kube = NULL;
	struct tc_admin admin;
	struct tc_registrar_conf conf = {.admin = &admin,
					 .step = on_step,
					 .step_self = p,
					 .seconds = (unsigned)number(a->seconds, 0)};
	int rc;

	tc_run_config(run);
	if (run->diags.errors)
		return tc_fail(err, TC_E_USAGE, "%s is refused: %s", a->operands[0], run->diags.list[0]->text);
	p->ops = find(a->operands[2]);
	conf.config = run->config;
	conf.service = tc_config_service(run->config, a->operands[2]);
	if (!p->ops || !conf.service)
		return tc_fail(err, TC_E_USAGE, "there is no registrar of \"%s\"", a->operands[2]);
	if (read_keys(&keys, run, a->operands[1], err) < 0 || tc_admin_read(&admin, secrets, conf.service, err) < 0)
		return -1;
	if (a->kubeconfig && tc_kube_find(&kube, a->kubeconfig, err) < 0)
		return -1;
	conf.keys = keys;
	conf.kube = kube;
	if (p->ops->open(&p->registrar, &conf, err) < 0)
		return -1;
	rc = run_all(p, a, err);
	p->ops->close(p->registrar);
	return rc;
}

int main(int argc, char **argv)
{
	struct arguments a = {0};
	struct tc_error err = {0};
	struct tc_run run = {0};
	struct probe p = {0};
	int rc;

	if (parse(argc, argv, &a) < 0) {
		fprintf(stderr, "usage: registrar_probe CONFIG KEYFILE SERVICE OPERATION [ENCLAVE [NAME [EPOCH]]] "
				"[OPTION]...\n");
		return TC_E_USAGE;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return TC_E_BUG;
	p.mem = tc_arena_new(64 * 1024);
	p.kill_at = number(a.kill_at, 0);
	p.stop_at = number(a.stop_at, 0);
	p.quiet = a.count;
	rc = tc_run_init(&run, &(struct tc_run_options){.config = a.operands[0]}, &err);
	if (rc == 0)
		rc = drive(&p, &run, &a, &err);
	if (rc < 0)
		printf("error %d %s\n", (int)err.code, err.msg);
	tc_run_free(&run);
	tc_arena_free(p.mem);
	curl_global_cleanup();
	return rc < 0 ? (int)err.code : 0;
}
