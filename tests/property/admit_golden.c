/* Law 3 over the inputs of the golden cases, each file a cluster of its own, under the built-in configuration. */
#include <dirent.h>

#include "tests/property/admit.h"
#include "tests/property/properties.h"

#define GOLDEN "testdata/golden"

static bool read_file(const char *path, struct tc_buf *text)
{
	FILE *f = fopen(path, "rb");
	char block[4096];
	size_t n;

	if (!f)
		return false;
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		tc_buf_add(text, block, n);
	(void)fclose(f);
	return text->len > 0;
}

/* 1: the law was tried. */
static unsigned long try_file(struct counts *counts, const char *path, const struct platform *platform)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	_cleanup_outcome_ struct outcome o = {0};
	_cleanup_buf_ struct tc_buf text = {0};
	static const char *const enclaves[] = {NULL, "shop"};
	struct batch batch = {.n = 1};

	if (!read_file(path, &text))
		return 0;
	batch_set(&batch, 0, path, tc_buf_str(&text));
	batch.list[0] = &batch.src[0];
	/* Objects without a namespace need one from outside, and the others none. */
	for (size_t i = 0; i < TC_COUNT(enclaves); i++) {
		struct admission_case c = {.mem = mem, .platform = platform, .enclave = enclaves[i], .rng = {.s = 1}};
		const char *fault;

		outcome_free(&o);
		outcome_make(&o, &batch, platform, enclaves[i]);
		if (!o.ok)
			continue;
		fault = admission_law(&c, &batch);
		suite_check(counts, !fault, "%s: %s", path, fault ? fault : "");
		return c.admitted > 0;
	}
	return 0;
}

void suite_admit_golden(struct counts *c)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	struct platform platform = {.mem = mem, .config = tc_config_default(mem)};
	unsigned long tried = 0;
	struct dirent **cases = NULL;
	int n = scandir(GOLDEN, &cases, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		const char *folder = tc_printf(mem, "%s/%s/in", GOLDEN, cases[i]->d_name);
		struct dirent **files = NULL;
		int m = cases[i]->d_name[0] == '.' ? -1 : scandir(folder, &files, NULL, alphasort);

		for (int k = 0; k < m; k++) {
			const char *dot = strrchr(files[k]->d_name, '.');

			if (dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".json") == 0))
				tried += try_file(c, tc_printf(mem, "%s/%s", folder, files[k]->d_name), &platform);
			free(files[k]);
		}
		free(files);
		free(cases[i]);
	}
	free(cases);
	suite_check(c, n < 0 || tried > 50, "only %lu golden inputs were admitted with a patch", tried);
	if (n < 0)
		(void)printf("admit-golden: skipped: %s is not here\n", GOLDEN);
	c->skipped += n < 0;
}
