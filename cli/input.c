#include "cli/input.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/output.h"

static const char *const extensions[] = {".yaml", ".yml", ".json"};

/* A file name may hold what moves a terminal's cursor. */
static const char *printable(struct tc_arena *mem, const char *path)
{
	char *name = tc_strdup(mem, path);

	for (char *c = name; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	return name;
}

static struct tc_diag *cannot_read(struct tc_inputs *in, const char *path, int number)
{
	return tc_diag(in->diags, TC_MSG_CANNOT_READ, (struct tc_pos){0}, "cannot read %s: %s",
		       tc_quote(in->mem, tc_str(path)), tc_errno(number));
}

/* The name in the same folder that was probably meant. */
static void suggest(struct tc_inputs *in, const char *path, struct tc_diag *diag)
{
	const char *names[512], *near;
	const char *folder = tc_path_folder(in->mem, path);
	DIR *dir = opendir(folder);
	size_t n = 0;

	if (!dir) {
		tc_diag_help(diag, "there is no folder %s", tc_quote(in->mem, tc_str(folder)));
		return;
	}
	for (struct dirent *e; n < TC_COUNT(names) && (e = readdir(dir));)
		if (e->d_name[0] != '.')
			names[n++] = tc_strdup(in->mem, e->d_name);
	closedir(dir);
	near = tc_nearest(tc_str(tc_path_base(path)), names, n);
	if (near)
		tc_diag_help(diag, "did you mean %s?",
			     tc_quote(in->mem, tc_str(strchr(path, '/') ? tc_path_join(in->mem, folder, near) : near)));
}

static int too_large(struct tc_inputs *in, const char *name, uint64_t size)
{
	struct tc_diag *d;

	if (size)
		d = tc_diag(in->diags, TC_MSG_TOO_LARGE, (struct tc_pos){0}, "%s has %llu bytes, at most %zu are read",
			    tc_quote(in->mem, tc_str(name)), (unsigned long long)size, in->limits->max_bytes);
	else
		d = tc_diag(in->diags, TC_MSG_TOO_LARGE, (struct tc_pos){0}, "%s has more than %zu bytes",
			    tc_quote(in->mem, tc_str(name)), in->limits->max_bytes);
	tc_diag_help(d, "split it into several files");
	return -1;
}

/* Until the end, whatever size the file had a moment ago: it may grow or shrink, and a pipe has none. */
static int read_all(struct tc_inputs *in, int fd, const char *name, uint64_t size, struct tc_buf *bytes)
{
	size_t room = (size_t)size + 1; /* one more, so that the end is seen without growing */

	for (;;) {
		ssize_t n;

		tc_buf_reserve(bytes, room);
		n = read(fd, bytes->p + bytes->len, room);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			cannot_read(in, name, errno);
			return -1;
		}
		if (n == 0)
			break;
		bytes->len += (size_t)n;
		if (bytes->len > in->limits->max_bytes)
			return too_large(in, name, 0);
		room -= (size_t)n;
		if (room == 0) /* doubles, and stops just past the limit */
			room = bytes->len < in->limits->max_bytes / 2 ? bytes->len + 4096
								      : in->limits->max_bytes + 1 - bytes->len;
	}
	tc_buf_reserve(bytes, 1);
	bytes->p[bytes->len] = '\0';
	return 0;
}

static bool read_open(struct tc_inputs *in, int fd, const struct stat *st, const char *name, struct tc_buf *bytes)
{
	uint64_t size = S_ISREG(st->st_mode) && st->st_size > 0 ? (uint64_t)st->st_size : 0;

	if (S_ISREG(st->st_mode) && in->output.ino && st->st_ino == in->output.ino && st->st_dev == in->output.dev) {
		struct tc_diag *d =
			tc_diag(in->diags, TC_MSG_CANNOT_READ, (struct tc_pos){0},
				"cannot read %s: standard output goes there", tc_quote(in->mem, tc_str(name)));

		tc_diag_help(d, "give another name, or -o");
		return false;
	}
	if (size > in->limits->max_bytes)
		return too_large(in, name, size) == 0;
	return read_all(in, fd, name, size ? size : 64 * 1024 - 1, bytes) == 0;
}

bool tc_file_read(struct tc_inputs *in, const char *path, const char *name, struct tc_buf *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	bool fine;

	if (fd < 0 || fstat(fd, &st) < 0) {
		cannot_read(in, name, errno);
		if (fd >= 0)
			close(fd);
		return false;
	}
	if (S_ISDIR(st.st_mode)) {
		cannot_read(in, name, EISDIR);
		fine = false;
	} else {
		fine = read_open(in, fd, &st, name, bytes);
	}
	close(fd);
	return fine;
}

static void add_source(struct tc_inputs *in, const char *name, const char *relative, struct tc_buf *bytes)
{
	struct tc_input *input = tc_alloc(in->mem, sizeof(*input));

	tc_grow(in->mem, in->list, in->count, in->cap);
	input->bytes = *bytes;
	input->relative = relative;
	input->src = (struct tc_source){
		.name = printable(in->mem, name),
		.text = tc_buf_str(bytes),
		.order = (unsigned)in->count + 1, /* 0 is the configuration */
	};
	in->list[in->count++] = input;
	*bytes = (struct tc_buf){0};
}

static bool has_extension(const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < TC_COUNT(extensions); i++) {
		size_t m = strlen(extensions[i]);

		if (n > m && strcmp(name + n - m, extensions[i]) == 0)
			return true;
	}
	return false;
}

static void push_path(struct tc_arena *mem, struct tc_paths *paths, const char *path)
{
	tc_grow(mem, paths->list, paths->count, paths->cap);
	paths->list[paths->count++] = path;
}

/* What an entry is: 'f', 'd', or 0 for what is left alone. A link to a folder is left alone; a link to nothing is a
 * file that cannot be read, and is reported as one. */
static char entry_kind(int dirfd_, const struct dirent *e)
{
	struct stat st;

	if (e->d_name[0] == '.')
		return 0;
	if (e->d_type == DT_REG)
		return 'f';
	if (e->d_type == DT_DIR)
		return 'd';
	if (e->d_type != DT_LNK && e->d_type != DT_UNKNOWN)
		return 0;
	if (fstatat(dirfd_, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return 'd';
	if (S_ISLNK(st.st_mode) && fstatat(dirfd_, e->d_name, &st, 0) < 0)
		return 'f';
	return S_ISREG(st.st_mode) ? 'f' : 0;
}

static bool skipped(const struct tc_inputs *in, int fd)
{
	struct stat st;

	if (!in->nskip || fstat(fd, &st) < 0)
		return false;
	for (size_t i = 0; i < in->nskip; i++)
		if (in->skip[i].ino == st.st_ino && in->skip[i].dev == st.st_dev)
			return true;
	return false;
}

static void walk_one(struct tc_inputs *in, const char *folder, const char *below, struct tc_paths *paths,
		     struct tc_paths *todo)
{
	const char *path = below[0] ? tc_path_join(in->mem, folder, below) : folder;
	int fd = open(path[0] ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | (below[0] ? O_NOFOLLOW : 0));
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir) {
		cannot_read(in, path, errno);
		if (fd >= 0)
			close(fd);
		return;
	}
	if (below[0] && skipped(in, fd)) {
		closedir(dir);
		return;
	}
	for (errno = 0; (e = readdir(dir)); errno = 0) {
		char kind = entry_kind(fd, e);

		if (kind == 'd')
			push_path(in->mem, todo, tc_path_join(in->mem, below, e->d_name));
		else if (kind == 'f' && has_extension(e->d_name))
			push_path(in->mem, paths, tc_path_join(in->mem, below, e->d_name));
	}
	if (errno)
		cannot_read(in, path, errno);
	closedir(dir);
}

static int by_bytes(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

void tc_folder_walk(struct tc_inputs *in, const char *folder, struct tc_paths *paths)
{
	struct tc_paths todo = {0};

	push_path(in->mem, &todo, "");
	while (todo.count)
		walk_one(in, folder, todo.list[--todo.count], paths, &todo);
	if (paths->count) /* qsort wants a list even of nothing */
		qsort(paths->list, paths->count, sizeof(*paths->list), by_bytes);
}

bool tc_is_folder(const char *path, struct tc_file_id *id)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return false;
	*id = (struct tc_file_id){.dev = st.st_dev, .ino = st.st_ino};
	return true;
}

static void add_folder(struct tc_inputs *in, const char *operand)
{
	const char *folder = tc_folder_path(in->mem, operand);
	struct tc_paths paths = {0};
	size_t errors = in->diags->errors;

	tc_folder_walk(in, folder, &paths);
	if (!paths.count && in->diags->errors == errors)
		tc_diag_help(tc_diag(in->diags, TC_MSG_NO_INPUT, (struct tc_pos){0},
				     "the folder %s holds no .yaml, .yml or .json file",
				     tc_quote(in->mem, tc_str(operand))),
			     "hidden files and folders, and links to folders, are not looked into");
	for (size_t i = 0; i < paths.count; i++) {
		const char *path = tc_path_join(in->mem, folder, paths.list[i]);
		_cleanup_buf_ struct tc_buf bytes = {.secret = in->secret};

		if (tc_file_read(in, path, path, &bytes))
			add_source(in, path, paths.list[i], &bytes);
	}
}

void tc_inputs_add(struct tc_inputs *in, const char *operand)
{
	bool standard = strcmp(operand, "-") == 0;
	_cleanup_buf_ struct tc_buf bytes = {.secret = in->secret};
	struct stat st;
	int fd = standard ? STDIN_FILENO : open(operand, O_RDONLY | O_CLOEXEC);
	const char *name = standard ? "<stdin>" : operand;

	if (fd < 0) {
		int number = errno;
		struct tc_diag *d = cannot_read(in, name, number);

		if (number == ENOENT && operand[0])
			suggest(in, operand, d);
		return;
	}
	if (fstat(fd, &st) < 0)
		cannot_read(in, name, errno);
	else if (S_ISDIR(st.st_mode) && standard)
		cannot_read(in, name, EISDIR);
	else if (S_ISDIR(st.st_mode))
		add_folder(in, operand);
	else if (read_open(in, fd, &st, name, &bytes))
		add_source(in, name, standard ? NULL : tc_path_base(operand), &bytes);
	if (!standard)
		close(fd);
}

void tc_inputs_free(struct tc_inputs *in)
{
	for (size_t i = 0; i < in->count; i++)
		tc_buf_free(&in->list[i]->bytes);
}
