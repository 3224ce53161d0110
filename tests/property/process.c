#include "tests/property/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(bool fine, const char *what)
{
	if (fine)
		return;
	perror(what);
	exit(99);
}

static void child(const struct process_how *how, const int fds[3], bool *alloc_failed)
{
	static const struct rlimit no_core;
	int argc = 0;

	(void)setrlimit(RLIMIT_CORE, &no_core);
	must(!how->folder || chdir(how->folder) == 0, "chdir");
	for (int i = 0; i < 3; i++)
		must(dup2(fds[i], i) == i, "dup2");
	alloc_fail(how->fail_nth, how->and_all_later, alloc_failed);
	if (how->run)
		_exit(how->run(how->given));
	while (how->args[argc])
		argc++;
	_exit(tentc_main(argc, (char **)(uintptr_t)how->args));
}

static void slurp(struct tc_buf *b, int fd)
{
	char block[8192];
	ssize_t n;

	must(lseek(fd, 0, SEEK_SET) == 0, "lseek");
	while ((n = read(fd, block, sizeof(block))) > 0)
		tc_buf_add(b, block, (size_t)n);
	must(n == 0, "read");
}

void process_run(struct process *p, const struct process_how *how)
{
	bool *shared = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int fds[3], status = 0;
	pid_t pid;

	must(shared != MAP_FAILED, "mmap");
	*p = (struct process){0};
	for (int i = 0; i < 3; i++) {
		fds[i] = memfd_create("std", MFD_CLOEXEC);
		must(fds[i] >= 0, "memfd_create");
	}
	if (how->in)
		must(pwrite(fds[0], how->in, strlen(how->in), 0) == (ssize_t)strlen(how->in), "write");
	(void)fflush(stdout);
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0)
		child(how, fds, shared);
	must(waitpid(pid, &status, 0) == pid, "waitpid");
	p->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	p->alloc_failed = *shared;
	(void)munmap(shared, 1);
	slurp(&p->out, fds[1]);
	slurp(&p->err, fds[2]);
	for (int i = 0; i < 3; i++)
		(void)close(fds[i]);
}

void process_free(struct process *p)
{
	tc_buf_free(&p->out);
	tc_buf_free(&p->err);
}

char *folder_new(void)
{
	char *path = strdup("/tmp/tentc-property-XXXXXX");

	must(path && mkdtemp(path), "mkdtemp");
	return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void folder_remove(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void file_write(const char *folder, const char *name, struct tc_str text)
{
	_cleanup_buf_ struct tc_buf path = {0};
	int fd;

	tc_buf_printf(&path, "%s/%s", folder, name);
	for (char *slash = strchr(path.p + strlen(folder) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path.p, 0777);
		*slash = '/';
	}
	fd = open(path.p, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	must(fd >= 0 && write(fd, text.s, text.len) == (ssize_t)text.len, path.p);
	(void)close(fd);
}

static void show_file(struct tc_buf *out, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	must(fd >= 0, path);
	slurp(out, fd);
	(void)close(fd);
}

void folder_show(struct tc_buf *out, const char *path)
{
	struct dirent **names;
	int n = scandir(path, &names, NULL, alphasort);

	if (n < 0)
		tc_buf_puts(out, "nothing\n");
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		_cleanup_buf_ struct tc_buf below = {0};

		tc_buf_printf(&below, "%s/%s", path, name);
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
			tc_buf_printf(out, "== %s\n", name);
			(names[i]->d_type == DT_DIR ? folder_show : show_file)(out, below.p);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}
