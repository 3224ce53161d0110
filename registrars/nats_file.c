/* Accounts files in a folder. A file is never changed, only replaced: who reads it, a server above all, sees the old
 * one or the new one. Writers come one after the other by a lock on a file beside them, which ends with its holder; it
 * is held from the last look at what is there until the new one is in its place. */
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

static int lock(struct tc_nats_registrar *r, int *fd, struct tc_error *err)
{
	const char *path = tc_printf(r->mem, "%s/tentc.lock", r->dir);
	int64_t deadline = tc_monotonic() + (int64_t)r->seconds * 1000;

	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return failed(err, "open", path);
	while (flock(*fd, LOCK_EX | LOCK_NB) < 0) {
		if ((errno == EWOULDBLOCK || errno == EINTR) && tc_monotonic() < deadline) {
			tc_pause(5);
			continue;
		}
		if (errno == EWOULDBLOCK || errno == EINTR)
			tc_fail(err, TC_E_RETRY, "nats: lock %s: another run held it for %u seconds; try again", path,
				r->seconds);
		else
			failed(err, "lock", path);
		(void)close(*fd);
		return -1;
	}
	return 0;
}

static int read_all(struct tc_nats_registrar *r, int fd, struct tc_nats_accounts *a, struct tc_error *err)
{
	const char *path = a->place;
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
	a->text = (struct tc_str){.s = text, .len = len};
	/* a text may come back, after two moves for example */
	a->version = tc_printf(r->mem, "%llu %lld.%09ld", (unsigned long long)st.st_ino, (long long)st.st_ctim.tv_sec,
			       st.st_ctim.tv_nsec);
	return 0;
}

static int read_file(struct tc_nats_registrar *r, struct tc_nats_accounts *a, struct tc_error *err)
{
	int fd = open(a->place, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;

	a->text = (struct tc_str){.s = "", .len = 0};
	a->version = "";
	if (fd < 0 && errno == ENOENT && access(r->dir, X_OK) == 0)
		return 0;
	if (fd < 0)
		return failed(err, "read", a->place);
	rc = read_all(r, fd, a, err);
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

static int replace(struct tc_nats_registrar *r, struct tc_nats_accounts *a, struct tc_str text, struct tc_error *err)
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
	return sync_folder(r->dir) < 0 ? failed(err, "write", r->dir) : read_file(r, a, err);
}

static int write_file(struct tc_nats_registrar *r, struct tc_nats_accounts *a, struct tc_str text, bool *lost,
		      struct tc_error *err)
{
	struct tc_nats_accounts now = {.place = a->place};
	int fd, rc;

	if (lock(r, &fd, err) < 0)
		return -1;
	rc = read_file(r, &now, err);
	*lost = rc == 0 && (!tc_str_equal(now.text, a->text) || strcmp(now.version, a->version) != 0);
	if (rc == 0 && !*lost)
		rc = replace(r, a, text, err);
	(void)close(fd);
	return rc;
}

static int open_folder(struct tc_nats_registrar *r, struct tc_error *err)
{
	if (*r->dir)
		return 0;
	return tc_fail(err, TC_E_USAGE,
		       "nats: services.nats.admin.accountsDir is not set: the folder of the accounts files");
}

static void close_folder(struct tc_nats_registrar *r)
{
	(void)r;
}

static int probe_folder(struct tc_nats_registrar *r, struct tc_probed *out, struct tc_error *err)
{
	(void)err;
	if (access(r->dir, W_OK | X_OK) != 0)
		tc_probed_add(out, "%s: %s: the folder of the accounts files has to be there, and ours to write to",
			      r->dir, strerrordesc_np(errno));
	return 0;
}

const struct tc_nats_store tc_nats_store_file = {
	.mode = "file",
	.behind = "has reloaded and still does not have what %s says; its configuration has to include that file in "
		  "accounts { }",
	.open = open_folder,
	.close = close_folder,
	.place = place_of,
	.read = read_file,
	.write = write_file,
	.probe = probe_folder,
};
