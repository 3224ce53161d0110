#include "cli/output.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "cli/cli.h"

/* What a signal handler has to clean up. */
static struct tc_outputs *volatile pending;

static int write_failed(const char *name, struct tc_error *err)
{
	return tc_fail(err, TC_E_USAGE, "cannot write to %s: %s", name, tc_errno(errno));
}

int tc_write_all(int fd, const char *name, const struct tc_str *parts, size_t n, struct tc_error *err)
{
	size_t part = 0, at = 0;

	for (;;) {
		struct iovec iov[64];
		size_t niov = 0, skip = at;
		ssize_t done;

		for (size_t i = part; i < n && niov < TC_COUNT(iov); i++, skip = 0)
			if (parts[i].len > skip)
				iov[niov++] = (struct iovec){.iov_base = (void *)(uintptr_t)(parts[i].s + skip),
							     .iov_len = parts[i].len - skip};
		if (!niov)
			return 0;
		done = writev(fd, iov, (int)niov);
		if (done < 0 && errno == EAGAIN) { /* a pipe that another program made non-blocking */
			struct pollfd wait = {.fd = fd, .events = POLLOUT};

			if (poll(&wait, 1, -1) < 0 && errno != EINTR)
				return write_failed(name, err);
			continue;
		}
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return write_failed(name, err);
		for (at += (size_t)done; part < n && at >= parts[part].len; part++)
			at -= parts[part].len;
	}
}

int tc_write_stdout(struct tc_str text, struct tc_error *err)
{
	return tc_write_all(STDOUT_FILENO, "standard output", &text, 1, err);
}

struct tc_output *tc_outputs_add(struct tc_outputs *o, const char *path, const char *key, const char *from)
{
	struct tc_output *row = tc_alloc(o->mem, sizeof(*row));

	tc_grow(o->mem, o->list, o->count, o->cap);
	o->list[o->count++] = row;
	*row = (struct tc_output){.path = path, .key = key, .from = from, .buf = {.secret = o->secret}};
	return row;
}

void tc_outputs_free(struct tc_outputs *o)
{
	for (size_t i = 0; i < o->count; i++)
		tc_buf_free(&o->list[i]->buf);
}

static int by_key(const void *a, const void *b)
{
	const struct tc_output *const *x = a, *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

int tc_outputs_distinct(const struct tc_outputs *o, struct tc_error *err)
{
	const struct tc_output **rows = tc_alloc(o->mem, (o->count + 1) * sizeof(const struct tc_output *));

	for (size_t i = 0; i < o->count; i++)
		rows[i] = o->list[i];
	qsort(rows, o->count, sizeof(const struct tc_output *), by_key);
	for (size_t i = 1; i < o->count; i++)
		if (strcmp(rows[i - 1]->key, rows[i]->key) == 0)
			return tc_fail(err, TC_E_USAGE,
				       "\"%s\" would be written from \"%s\" and from \"%s\"; give their common folder, "
				       "or compile them one by one",
				       rows[i]->path, rows[i - 1]->from, rows[i]->from);
	return 0;
}

static bool same_bytes(const struct tc_output *row, const struct stat *st)
{
	char have[32 * 1024];
	size_t at = 0;
	int fd;

	if ((uint64_t)st->st_size != row->text.len)
		return false;
	fd = open(row->target, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	for (;;) {
		ssize_t n = read(fd, have, sizeof(have));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || (size_t)n > row->text.len - at || memcmp(have, row->text.s + at, (size_t)n) != 0) {
			close(fd);
			return n == 0 && at == row->text.len;
		}
		at += (size_t)n;
	}
}

/* What is there now, and every name that will be needed. */
static int prepare(struct tc_outputs *o, struct tc_output *row, uint64_t seed, struct tc_error *err)
{
	struct stat st;

	row->target = row->path;
	if (lstat(row->path, &st) == 0) {
		if (S_ISLNK(st.st_mode)) {
			char *real = realpath(row->path, NULL);

			if (!real || stat(real, &st) < 0) {
				free(real);
				return tc_fail(err, TC_E_USAGE, "cannot write \"%s\": a symbolic link to nothing",
					       row->path);
			}
			row->target = tc_strdup(o->mem, real);
			free(real);
		}
		if (!S_ISREG(st.st_mode))
			return tc_fail(err, TC_E_USAGE, "cannot write \"%s\": it is %s", row->path,
				       S_ISDIR(st.st_mode) ? "a folder" : "not a regular file");
		row->exists = true;
		row->mode = o->secret ? 0600 : st.st_mode & 07777;
		row->same = same_bytes(row, &st) && row->mode == (st.st_mode & 07777);
	} else if (errno != ENOENT) {
		return tc_fail(err, TC_E_USAGE, "cannot write \"%s\": %s", row->path, tc_errno(errno));
	}
	row->folder = tc_path_folder(o->mem, row->target);
	row->temp = tc_printf(o->mem, "%s/.tentc-%016llx", row->folder, (unsigned long long)seed);
	return 0;
}

static int make_folders(struct tc_outputs *o, const char *folder, struct tc_error *err)
{
	char *path = tc_strdup(o->mem, folder);

	for (size_t i = 1, n = strlen(path); i <= n; i++) {
		char was = path[i];

		if (was != '/' && was != '\0')
			continue;
		path[i] = '\0';
		if (mkdir(path, 0777) == 0) {
			tc_grow(o->mem, o->made, o->nmade, o->capmade);
			o->made[o->nmade++] = tc_strdup(o->mem, path);
		} else if (errno != EEXIST) {
			return tc_fail(err, TC_E_USAGE, "cannot make the folder \"%s\": %s", path, tc_errno(errno));
		}
		path[i] = was;
	}
	return 0;
}

static int stage_one(struct tc_outputs *o, struct tc_output *row, struct tc_error *err)
{
	int fd;

	row->staged = true;
	fd = open(row->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, o->secret ? 0600 : 0666);
	if (fd < 0) {
		row->staged = false;
		return tc_fail(err, TC_E_USAGE, "cannot write \"%s\": %s", row->path,
			       errno == ENOENT ? "its folder does not exist" : tc_errno(errno));
	}
	if (tc_write_all(fd, row->path, &row->text, 1, err) < 0) {
		close(fd);
		return -1;
	}
	if ((row->exists && fchmod(fd, row->mode) < 0) || fsync(fd) < 0) {
		tc_fail(err, TC_E_USAGE, "cannot write to %s: %s", row->path, tc_errno(errno));
		close(fd);
		return -1;
	}
	if (close(fd) < 0 && errno != EINTR)
		return write_failed(row->path, err);
	return 0;
}

static int stage_all(struct tc_outputs *o, struct tc_error *err)
{
	for (size_t i = 0; i < o->count; i++)
		if (!o->list[i]->same && o->list[i]->make_folders && make_folders(o, o->list[i]->folder, err) < 0)
			return -1;
	for (size_t i = 0; i < o->count; i++)
		if (!o->list[i]->same && stage_one(o, o->list[i], err) < 0)
			return -1;
	return 0;
}

int tc_outputs_stage(struct tc_outputs *o, struct tc_error *err)
{
	uint64_t seed = 0;

	if (!o->count)
		return 0;
	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return tc_fail(err, TC_E_USAGE, "the system gives no random bytes: %s", tc_errno(errno));
	for (size_t i = 0; i < o->count; i++)
		if (prepare(o, o->list[i], seed + i, err) < 0)
			return -1;
	pending = o;
	if (stage_all(o, err) == 0)
		return 0;
	tc_outputs_abandon(o);
	return tc_wrap(err, "nothing was written");
}

void tc_outputs_abandon(struct tc_outputs *o)
{
	pending = NULL;
	for (size_t i = 0; i < o->count; i++)
		if (o->list[i]->staged)
			(void)unlink(o->list[i]->temp);
	for (size_t i = o->nmade; i > 0; i--) /* one that holds something by now stays */
		(void)rmdir(o->made[i - 1]);
}

void tc_outputs_unlink(void)
{
	struct tc_outputs *o = pending;

	if (o)
		tc_outputs_abandon(o);
}

static int sync_folder(const char *path, struct tc_error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;

	/* EINVAL: file systems that cannot; EACCES: a folder that may be written but not listed */
	if (fd < 0 ? errno != EACCES : fsync(fd) < 0 && errno != EINVAL)
		rc = tc_fail(err, TC_E_USAGE, "all files were replaced, but the folder \"%s\" could not be synced: %s",
			     path, tc_errno(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

static int rename_all(struct tc_outputs *o, struct tc_error *err)
{
	size_t done = 0;

	for (size_t i = 0; i < o->count; i++) {
		struct tc_output *row = o->list[i];

		if (row->same)
			continue;
		if (rename(row->temp, row->target) < 0) {
			tc_fail(err, TC_E_USAGE, "cannot rename a temporary file to \"%s\": %s", row->path,
				tc_errno(errno));
			tc_outputs_abandon(o);
			return done ? -1 : tc_wrap(err, "nothing was written");
		}
		row->staged = false;
		row->renamed = true;
		done++;
	}
	return 0;
}

int tc_outputs_commit(struct tc_outputs *o, struct tc_error *err)
{
	sigset_t all, was;
	int rc;

	if (!o->count)
		return 0;
	/* an interrupt waits until the last rename, so that it never leaves half of them */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &was);
	rc = rename_all(o, err);
	pending = NULL;
	(void)sigprocmask(SIG_SETMASK, &was, NULL);

	for (size_t i = 0; rc == 0 && i < o->count; i++)
		if (o->list[i]->renamed && (i == 0 || strcmp(o->list[i]->folder, o->list[i - 1]->folder) != 0))
			rc = sync_folder(o->list[i]->folder, err);
	for (size_t i = 0; rc == 0 && i < o->nmade; i++)
		rc = sync_folder(tc_path_folder(o->mem, o->made[i]), err);
	return rc;
}

const char *tc_folder_path(struct tc_arena *mem, const char *path)
{
	size_t n = strlen(path);

	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 1 && path[0] == '.' && path[1] == '/') {
		for (path++, n--; n > 0 && path[0] == '/'; n--)
			path++;
	}
	return n == 0 || (n == 1 && path[0] == '.') ? "" : tc_strndup(mem, path, n);
}

const char *tc_path_join(struct tc_arena *mem, const char *folder, const char *name)
{
	size_t n = strlen(folder);

	return n == 0 ? tc_strdup(mem, name) : tc_printf(mem, "%s%s%s", folder, folder[n - 1] == '/' ? "" : "/", name);
}

const char *tc_path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

const char *tc_path_folder(struct tc_arena *mem, const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return ".";
	return slash == path ? "/" : tc_strndup(mem, path, (size_t)(slash - path));
}

const char *tc_path_real(struct tc_arena *mem, const char *path)
{
	char *real = realpath(path[0] ? path : ".", NULL);
	const char *answer;

	if (real) {
		answer = tc_strdup(mem, real);
		free(real);
		return answer;
	}
	if (strcmp(path, ".") == 0 || strcmp(path, "/") == 0)
		return path;
	return tc_path_join(mem, tc_path_real(mem, tc_path_folder(mem, path)), tc_path_base(path));
}
