/* Accounts files in a folder. A file is never changed, only replaced: who reads it, a server above all, sees the old
 * one or the new one. Writers come one after the other by a lock on a file beside them, which ends with its holder. */
#include "registrars/nats.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES (64u << 20)

static int failed(struct tc_error *err, const char *what, const char *path)
{
	enum tc_code code =
		errno == ENOSPC || errno == EDQUOT || errno == EIO || errno == EFBIG ? TC_E_RETRY : TC_E_USAGE;

	return tc_fail(err, code, "nats: %s %s: %s", what, path, strerrordesc_np(errno));
}

static const char *place_of(struct tc_nats_registrar *r, unsigned shard)
{
	return tc_printf(r->mem, "%s/accounts-%u.conf", r->dir, shard);
}

/* Under the lock nobody else writes there; what a killed run left behind is overwritten by the next one. */
static const char *draft_of(struct tc_nats_registrar *r, unsigned shard)
{
	return tc_printf(r->mem, "%s/.accounts-%u.new", r->dir, shard);
}

int tc_nats_store_lock(struct tc_nats_registrar *r, struct tc_nats_lock *lock, struct tc_error *err)
{
	const char *path = tc_printf(r->mem, "%s/tentc.lock", r->dir);
	int64_t deadline = tc_monotonic() + (int64_t)r->seconds * 1000;

	lock->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock->fd < 0)
		return failed(err, "open", path);
	while (flock(lock->fd, LOCK_EX | LOCK_NB) < 0) {
		if ((errno == EWOULDBLOCK || errno == EINTR) && tc_monotonic() < deadline) {
			tc_pause(5);
			continue;
		}
		if (errno == EWOULDBLOCK || errno == EINTR)
			tc_fail(err, TC_E_RETRY, "nats: lock %s: another run held it for %u seconds; try again", path,
				r->seconds);
		else
			failed(err, "lock", path);
		tc_nats_store_unlock(lock);
		return -1;
	}
	return 0;
}

void tc_nats_store_unlock(struct tc_nats_lock *lock)
{
	if (lock->fd >= 0)
		(void)close(lock->fd);
	lock->fd = -1;
}

static int read_all(struct tc_nats_registrar *r, int fd, const char *path, struct tc_str *out, struct tc_error *err)
{
	struct stat st;
	ssize_t n = 1;
	char *text;
	size_t len = 0;

	if (fstat(fd, &st) < 0)
		return failed(err, "read", path);
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX_BYTES)
		return tc_fail(err, TC_E_USAGE, "nats: read %s: it is no file of at most 64 MiB", path);
	text = tc_alloc_text(r->mem, (size_t)st.st_size + 1);
	while (len < (size_t)st.st_size && n > 0) {
		n = read(fd, text + len, (size_t)st.st_size - len);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			len += (size_t)n;
	}
	if (n < 0)
		return failed(err, "read", path);
	text[len] = '\0';
	*out = (struct tc_str){.s = text, .len = len};
	return 0;
}

int tc_nats_store_read(struct tc_nats_registrar *r, struct tc_nats_accounts *a, struct tc_error *err)
{
	const char *path = place_of(r, a->shard);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;

	a->place = path;
	a->text = (struct tc_str){.s = "", .len = 0};
	if (fd < 0 && errno == ENOENT && access(r->dir, X_OK) == 0)
		return 0;
	if (fd < 0)
		return failed(err, "read", path);
	rc = read_all(r, fd, path, &a->text, err);
	(void)close(fd);
	return rc;
}

/* The new file is to be read by whoever could read the old one; a first one by the group of the folder. */
static int like_before(int fd, const char *path, const char *dir)
{
	struct stat old;
	mode_t mode = 0640;

	if (stat(path, &old) == 0)
		mode = old.st_mode & 0777;
	else if (stat(dir, &old) == 0)
		old.st_uid = (uid_t)-1;
	else
		return -1;
	/* where we may not give it away, the mode has to do */
	if (fchown(fd, old.st_uid, old.st_gid) < 0 && fchown(fd, (uid_t)-1, old.st_gid) < 0)
		errno = 0;
	return fchmod(fd, mode);
}

static int write_draft(const char *draft, const char *path, const char *dir, struct tc_str text)
{
	int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), failure;
	bool fine = fd >= 0 && like_before(fd, path, dir) == 0;

	while (fine && text.len) {
		ssize_t n = write(fd, text.s, text.len);

		if (n < 0 && errno == EINTR)
			continue;
		fine = n > 0;
		text.s += n > 0 ? n : 0;
		text.len -= n > 0 ? (size_t)n : 0;
	}
	fine = fine && fsync(fd) == 0;
	failure = errno;
	if (fd >= 0 && close(fd) < 0 && fine) {
		failure = errno;
		fine = false;
	}
	if (!fine && fd >= 0)
		(void)unlink(draft);
	errno = failure;
	return fine ? 0 : -1;
}

static int sync_folder(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd < 0)
		return -1;
	rc = fsync(fd);
	(void)close(fd);
	return rc;
}

int tc_nats_store_write(struct tc_nats_registrar *r, const struct tc_nats_accounts *a, struct tc_str text,
			struct tc_error *err)
{
	const char *draft = draft_of(r, a->shard);

	tc_step(&r->conf, "write %s", draft);
	if (write_draft(draft, a->place, r->dir, text) < 0)
		return failed(err, "write", draft);
	tc_step(&r->conf, "put %s in place", a->place);
	if (rename(draft, a->place) < 0) {
		failed(err, "put in place", a->place);
		(void)unlink(draft);
		return -1;
	}
	return sync_folder(r->dir) < 0 ? failed(err, "write", r->dir) : 0;
}
