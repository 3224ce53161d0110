/* tentc compile writes everything, or, with one bad file among good ones, nothing at all. */
#include "tests/property/process.h"
#include "tests/property/properties.h"

#define CASES 60

static const struct {
	const char *name, *text;
	int status;
} spoilers[] = {
	{"zz.yaml", "a: [1\n", 3},
	{"0.yaml",
	 "apiVersion: v1\nkind: Pod\nmetadata: {name: zz, namespace: demo, annotations: {tentacular.io/contract: "
	 "'dependencies: {tentacular-postgress: }'}}\n",
	 3},
	{"a/b.yml", "x: 1\nx: 2\n", 3},
	{"m.json", "{\"a\": 01}", 3},
	{"n.yaml", "\xff\xfe\0x", 3},
	{"q.yaml", "a: &a [*a]\n", 3},
};

struct trial {
	struct model model;
	struct platform platform;
	struct batch batch;
	struct outcome outcome;
	char *folder;
};

static void trial_make(struct trial *t, struct tc_arena *mem, uint64_t seed)
{
	model_draw(&t->model, mem, seed);
	platform_make(&t->platform, mem, &t->model.config, false);
	render(&t->batch, mem, &t->model, t->platform.config);
	outcome_make(&t->outcome, &t->batch, &t->platform, t->model.enclave_flag);
	t->folder = folder_new();
	for (size_t i = 0; i < t->batch.n; i++)
		file_write(t->folder, tc_printf(mem, "in/%s", t->batch.src[i].name), t->batch.src[i].text);
	file_write(t->folder, "config.yaml", tc_str(model_config_text(mem, &t->model.config)));
	file_write(t->folder, "out/kept.txt", TC_STR("kept\n"));
	file_write(t->folder, "out/file0.yaml", TC_STR("old\n"));
}

static void trial_free(struct trial *t)
{
	outcome_free(&t->outcome);
	platform_free(&t->platform);
	folder_remove(t->folder);
	free(t->folder);
}

static void run(struct process *p, const struct trial *t, bool to_folder)
{
	const char *args[12] = {"tentc", "compile", "--config", "config.yaml", "in"};
	size_t n = 5;

	if (t->model.enclave_flag) {
		args[n++] = "--enclave";
		args[n++] = t->model.enclave_flag;
	}
	if (to_folder) {
		args[n++] = "-o";
		args[n++] = "out";
	}
	process_run(p, &(struct process_how){.folder = t->folder, .args = args});
}

/* With a bad file: nothing on standard output, nothing in the folder. */
static void spoiled(struct counts *c, const struct trial *t, uint64_t seed, bool to_folder)
{
	_cleanup_buf_ struct tc_buf before = {0}, after = {0};
	size_t which = seed % TC_COUNT(spoilers);
	struct process p;
	char name[64];

	(void)snprintf(name, sizeof(name), "in/%s", spoilers[which].name);
	file_write(t->folder, name,
		   (struct tc_str){spoilers[which].text, which == 4 ? 4 : strlen(spoilers[which].text)});
	folder_show(&before, t->folder);
	run(&p, t, to_folder);
	folder_show(&after, t->folder);
	suite_check(c, p.status == spoilers[which].status && p.out.len == 0 && strcmp(before.p, after.p) == 0,
		    "seed %lu with %s: status %d, %zu bytes on standard output, folder %s\n%s", (unsigned long)seed,
		    spoilers[which].name, p.status, p.out.len, strcmp(before.p, after.p) == 0 ? "untouched" : "changed",
		    p.err.p ? p.err.p : "");
	process_free(&p);
}

/* Without it: every file, with the bytes that the library gives, and nothing else. */
static void fine(struct counts *c, const struct trial *t, uint64_t seed)
{
	_cleanup_buf_ struct tc_buf wanted = {0}, got = {0}, path = {0};
	struct process p;

	run(&p, t, true);
	tc_buf_printf(&path, "%s/out", t->folder);
	folder_show(&got, path.p);
	for (size_t i = 0; i < t->batch.n; i++) {
		tc_buf_printf(&wanted, "== %s\n", t->batch.src[i].name);
		tc_buf_add(&wanted, tc_buf_str(&t->outcome.out[i]).s, t->outcome.out[i].len);
		/* what nothing produces any more stays */
		if (strcmp(t->batch.src[i].name, "file0.json") == 0)
			tc_buf_puts(&wanted, "== file0.yaml\nold\n");
	}
	tc_buf_puts(&wanted, "== kept.txt\nkept\n");
	suite_check(c, p.status == 0 && p.out.len == 0 && strcmp(wanted.p, got.p) == 0,
		    "seed %lu: status %d, out/ %s\n%s", (unsigned long)seed, p.status,
		    strcmp(wanted.p, got.p) == 0 ? "right" : "wrong", p.err.p ? p.err.p : "");
	process_free(&p);
}

void suite_all_or_nothing(struct counts *c)
{
	for (uint64_t seed = 1; seed <= CASES; seed++) {
		_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
		struct trial t = {0};

		trial_make(&t, mem, seed);
		if (seed % 3)
			spoiled(c, &t, seed / 3, seed % 3 == 1);
		else
			fine(c, &t, seed);
		trial_free(&t);
	}
}
