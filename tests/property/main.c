/* property - the laws of the stage over generated input.
 *
 * Without arguments: every property over COUNT cases (20000), and the suites that run processes. SEED=n replays one
 * case, COUNT=n and FROM=n change how many and which. `--digest SEED COUNT` prints one SHA-256 over all outputs
 * (tests/purity.sh). */
#include <locale.h>
#include <malloc.h>
#include <mbedtls/md.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/property/properties.h"

#define COUNT 20000
#define FAILURES_SHOWN 20

static const struct property {
	const char *name;
	const char *(*holds)(struct kase *k);
	bool any;       /* of refused input too */
	unsigned every; /* nth case */
} properties[] = {
	{"pure", property_pure, true, 2},
	{"idempotent", property_idempotent, false, 1},
	{"reads-back", property_reads_back, false, 1},
	{"proved", property_proved, false, 1},
	{"root-key", property_root_key, false, 3},
	{"dependency", property_dependency, false, 3},
	{"contract", property_contract, false, 3},
	{"moved", property_moved, false, 3},
	{"reconfigured", property_reconfigured, false, 4},
	{"hostile", property_hostile, true, 1},
	{"unique", property_unique, true, 8},
	{"admit", property_admit, false, 2},
	{"edit-lines", property_edit_lines, true, 2},
	{"stage-lines", property_stage_lines, false, 2},
};

static void kase_make(struct kase *k, uint64_t seed)
{
	*k = (struct kase){.seed = seed, .mem = tc_arena_new(256 * 1024)};
	model_draw(&k->model, k->mem, seed);
	platform_make(&k->platform, k->mem, &k->model.config, k->model.keys);
	render(&k->batch, k->mem, &k->model, k->platform.config);
	outcome_make(&k->outcome, &k->batch, &k->platform, k->model.enclave_flag);
	if (!k->outcome.ok)
		return;
	outcome_batch(&k->outcome, &k->batch, &k->output);
	trees_read(&k->trees, k->mem, &k->output);
}

static void kase_free(struct kase *k)
{
	outcome_free(&k->outcome);
	platform_free(&k->platform);
	tc_arena_free(k->mem);
}

static void print_diags(struct kase *k)
{
	_cleanup_buf_ struct tc_buf text = {0};

	tc_diags_render(&text, &k->outcome.diags, (struct tc_diag_style){0});
	if (text.p)
		(void)printf("%s", text.p);
	if (k->outcome.rc < 0)
		(void)printf("bug: %s\n", k->outcome.err.msg);
}

static void print_kase(struct kase *k, bool output)
{
	(void)printf("--- configuration (root key: %s, --enclave %s)\n%s", k->model.keys ? "yes" : "no",
		     k->model.enclave_flag ? k->model.enclave_flag : "not given",
		     model_config_text(k->mem, &k->model.config));
	for (size_t i = 0; i < k->batch.n; i++)
		(void)printf("--- %s\n%.*s\n", k->batch.src[i].name, TC_STR_ARG(k->batch.src[i].text));
	for (size_t i = 0; i < k->outcome.n && output; i++)
		(void)printf("--- compiled %s\n%s\n", k->batch.src[i].name,
			     k->outcome.out[i].p ? k->outcome.out[i].p : "");
	print_diags(k);
}

struct totals {
	struct counts counts;
	unsigned long refused, cases;
	unsigned long by_property[TC_COUNT(properties)], failed[TC_COUNT(properties)];
};

static void check_case(struct totals *t, uint64_t seed, bool replay)
{
	struct kase k;
	bool shown = false;

	kase_make(&k, seed);
	t->cases++;
	t->refused += !k.outcome.ok;
	if (replay)
		print_kase(&k, true);
	if (k.outcome.rc < 0) {
		(void)printf("FAILED SEED=%llu: the stage reports a bug: %s\n", (unsigned long long)seed,
			     k.outcome.err.msg);
		t->counts.failed++;
	}
	for (size_t i = 0; i < TC_COUNT(properties); i++) {
		const struct property *p = &properties[i];
		const char *fault;

		if ((!k.outcome.ok && !p->any) || (!replay && seed % p->every != 0))
			continue;
		k.skip = false;
		fault = p->holds(&k);
		if (k.skip)
			continue;
		t->by_property[i]++;
		*(fault ? &t->counts.failed : &t->counts.passed) += 1;
		if (!fault)
			continue;
		if (t->failed[i]++ >= FAILURES_SHOWN)
			continue;
		(void)printf("FAILED SEED=%llu %s: %s\n", (unsigned long long)seed, p->name, fault);
		if (!shown && !replay && t->counts.failed <= 3)
			print_kase(&k, false);
		shown = true;
	}
	kase_free(&k);
}

static int digest(uint64_t seed, unsigned long count)
{
	unsigned char sum[32];
	mbedtls_md_context_t md;

	/* what a pure function must not care for */
	(void)setlocale(LC_ALL, "");
	tzset();

	mbedtls_md_init(&md);
	if (mbedtls_md_setup(&md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 0) || mbedtls_md_starts(&md))
		abort();
	for (unsigned long i = 0; i < count; i++) {
		_cleanup_buf_ struct tc_buf problems = {0};
		struct kase k;

		kase_make(&k, seed + i);
		tc_diags_render(&problems, &k.outcome.diags, (struct tc_diag_style){0});
		(void)mbedtls_md_update(&md, (const unsigned char *)tc_buf_str(&problems).s, problems.len);
		for (size_t f = 0; f < k.outcome.n; f++)
			(void)mbedtls_md_update(&md, (const unsigned char *)tc_buf_str(&k.outcome.out[f]).s,
						k.outcome.out[f].len);
		kase_free(&k);
	}
	if (mbedtls_md_finish(&md, sum))
		abort();
	mbedtls_md_free(&md);
	for (size_t i = 0; i < sizeof(sum); i++)
		(void)printf("%02x", sum[i]);
	(void)printf("\n");
	return 0;
}

void suite_check(struct counts *c, bool fine, const char *fmt, ...)
{
	va_list ap;

	*(fine ? &c->passed : &c->failed) += 1;
	if (fine || c->failed > FAILURES_SHOWN)
		return;
	(void)printf("FAILED ");
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)printf("\n");
}

/* tests/purity.sh: four runs of this program, whose digests agree. */
static void suite_purity(struct counts *c, const char *self)
{
	static const char script[] = "tests/purity.sh";
	int status = 0;
	pid_t pid;

	if (access(script, R_OK) != 0) {
		(void)printf("purity: skipped: %s is not here\n", script);
		c->skipped++;
		return;
	}
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		(void)execl("/bin/sh", "sh", script, self, (char *)NULL);
		_exit(127);
	}
	suite_check(c, pid > 0 && waitpid(pid, &status, 0) == pid && status == 0, "%s", script);
}

static void suites(struct counts *all, const char *self)
{
	static const struct {
		const char *name;
		void (*run)(struct counts *c);
	} rows[] = {{"admit-golden", suite_admit_golden},
		    {"all-or-nothing", suite_all_or_nothing},
		    {"no-memory", suite_no_memory}};
	struct counts purity = {0};

	suite_purity(&purity, self);
	for (size_t i = 0; i <= TC_COUNT(rows); i++) {
		struct counts c = purity;

		if (i < TC_COUNT(rows)) {
			c = (struct counts){0};
			rows[i].run(&c);
		}
		(void)printf("%-14s %lu cases, %lu failed\n", i < TC_COUNT(rows) ? rows[i].name : "purity",
			     c.passed + c.failed, c.failed);
		all->passed += c.passed;
		all->failed += c.failed;
		all->skipped += c.skipped;
	}
}

static unsigned long number(const char *text, unsigned long fallback)
{
	return text ? strtoul(text, NULL, 10) : fallback;
}

int main(int argc, char **argv)
{
	struct totals t = {0};
	const char *seed = getenv("SEED");
	unsigned long count = number(getenv("COUNT"), COUNT), first = number(getenv("FROM"), 1);

	if (argc == 4 && strcmp(argv[1], "--digest") == 0)
		return digest(number(argv[2], 0), number(argv[3], 0));
	if (argc != 1) {
		(void)fprintf(stderr, "usage: [SEED=N] [FROM=N] [COUNT=N] %s [--digest SEED COUNT]\n", argv[0]);
		return 2;
	}
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	/* arenas come and go by the thousand: their memory stays with the process */
	(void)mallopt(M_MMAP_THRESHOLD, 64 << 20);
	(void)mallopt(M_TRIM_THRESHOLD, 64 << 20);
	if (seed) {
		check_case(&t, number(seed, 0), true);
	} else {
		for (unsigned long i = 0; i < count; i++)
			check_case(&t, first + i, false);
	}
	for (size_t i = 0; i < TC_COUNT(properties); i++)
		(void)printf("%-14s %lu cases, %lu failed\n", properties[i].name, t.by_property[i], t.failed[i]);
	if (!seed)
		suites(&t.counts, argv[0]);
	(void)printf("%lu inputs, %lu of them refused\n", t.cases, t.refused);
	(void)printf("property: %lu passed, %lu failed, %lu skipped\n", t.counts.passed, t.counts.failed,
		     t.counts.skipped);
	return t.counts.failed ? 1 : 0;
}
