#include "cli/check.h"

#include <unistd.h>

#include "cli/cli.h"
#include "cli/udiff.h"
#include "compiler/contract/catalogue.h"

/* As `patch -p1` and `git apply` take it from the folder where tentc ran. */
static const char *diff_name(struct tc_arena *mem, const char *prefix, const char *path)
{
	char *name = tc_printf(mem, "%s/%s", prefix, path + strspn(path, "/"));

	for (char *c = name; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return name;
}

static void name(struct tc_buf *names, const char *path, const char *what)
{
	tc_buf_printf(names, "tentc: %s %s\n", path, what);
}

/* True when the file is not as it would be written. */
static bool check_one(struct tc_buf *diff, struct tc_buf *names, const struct tc_check *check,
		      const struct tc_output *row)
{
	_cleanup_buf_ struct tc_buf bytes = {.secret = check->secret};
	struct tc_arena *mem = check->inputs->mem;
	bool exists = access(row->path, F_OK) == 0;

	if (exists && !tc_file_read(check->inputs, row->path, row->path, &bytes))
		return true;
	if (exists && tc_str_equal(tc_buf_str(&bytes), row->text))
		return false;
	name(names, row->path, exists ? "differs" : "is missing");
	tc_udiff(diff, &(struct tc_udiff){.old_name = exists ? diff_name(mem, "a", row->path) : "/dev/null",
					  .new_name = diff_name(mem, "b", row->path),
					  .old_text = tc_buf_str(&bytes),
					  .new_text = row->text,
					  .secret_keys = tc_credential_keys(mem)});
	return true;
}

static int by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static size_t check_stale(struct tc_buf *names, const struct tc_check *check, const char *folder)
{
	struct tc_arena *mem = check->inputs->mem;
	const char *real = tc_path_real(mem, folder), **keys;
	struct tc_paths paths = {0};
	struct tc_file_id id;
	size_t stale = 0, n = check->outputs->count;

	if (!tc_is_folder(folder[0] ? folder : ".", &id))
		return 0; /* its files are missing, and named */
	keys = tc_alloc(mem, (n + 1) * sizeof(*keys));
	for (size_t i = 0; i < n; i++)
		keys[i] = check->outputs->list[i]->key;
	qsort(keys, n, sizeof(*keys), by_text);

	tc_folder_walk(check->inputs, folder, &paths);
	for (size_t i = 0; i < paths.count; i++) {
		const char *key = tc_path_join(mem, real, paths.list[i]);

		if (bsearch(&key, keys, n, sizeof(*keys), by_text))
			continue;
		name(names, tc_path_join(mem, folder, paths.list[i]),
		     "is produced by nothing any more; remove it, or keep it elsewhere");
		stale++;
	}
	return stale;
}

size_t tc_check(struct tc_buf *diff, struct tc_buf *names, const struct tc_check *check)
{
	size_t found = 0;

	for (size_t i = 0; i < check->outputs->count; i++)
		found += check_one(diff, names, check, check->outputs->list[i]);
	for (size_t i = 0; i < check->nfolders; i++)
		found += check_stale(names, check, check->folders[i]);
	return found;
}
