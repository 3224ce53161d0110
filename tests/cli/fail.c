/* Preloaded by faults.sh: the FAIL_AT-th call that changes a file system fails, or brings a signal. FAIL_MARK is made
 * when that happens, so that the test knows when there was no such call any more. With FAIL_SIZE every file had that
 * many bytes a moment ago, so that it grew or shrank before it is read. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int fails(void)
{
	static long left = -2;
	const char *at = getenv("FAIL_AT"), *mark = getenv("FAIL_MARK"), *number = getenv("FAIL_SIGNAL");

	if (left == -2)
		left = at ? strtol(at, NULL, 10) : -1;
	if (left < 0 || left-- > 0)
		return 0;
	close((int)syscall(SYS_openat, AT_FDCWD, mark, O_WRONLY | O_CREAT, 0600));
	if (number && *number) {
		raise((int)strtol(number, NULL, 10));
		return 0;
	}
	errno = ENOSPC;
	return 1;
}

ssize_t writev(int fd, const struct iovec *iov, int n)
{
	if (fd > 2 && fails())
		return -1;
	return syscall(SYS_writev, fd, iov, n);
}

int fsync(int fd)
{
	return fails() ? -1 : (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
	return fails() ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int mkdir(const char *path, mode_t mode)
{
	return fails() ? -1 : (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int fchmod(int fd, mode_t mode)
{
	return fails() ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
		if (fails())
			return -1;
	}
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int fstat(int fd, struct stat *st)
{
	const char *size = getenv("FAIL_SIZE");
	int rc = (int)syscall(SYS_newfstatat, fd, "", st, AT_EMPTY_PATH);

	if (rc == 0 && size && S_ISREG(st->st_mode))
		st->st_size = strtol(size, NULL, 10);
	return rc;
}
