#include "webhook/certfiles.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define FILE_MAX (1u << 20) /* what a Secret may hold */

static int fail_errno(struct tc_error *err, const char *dir, const char *name, const char *what, int number)
{
	const char *why = strerrordesc_np(number);
	char text[128];

	(void)snprintf(text, sizeof(text), "%s", why ? why : "unknown error");
	if (tc_is_upper(text[0]) && tc_is_lower(text[1]))
		text[0] = (char)(text[0] - 'A' + 'a');
	return tc_fail(err, TC_E_USAGE, "%s%s%s cannot be %s: %s", dir, *name ? "/" : "", name, what, text);
}

static int read_file(struct tc_buf *out, int folder, const char *dir, const char *name, struct tc_error *err)
{
	/* NONBLOCK: a FIFO of that name must not hold us */
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;

	if (fd < 0)
		return fail_errno(err, dir, name, "opened", errno);
	tc_buf_reserve(out, 16384);
	for (;;) {
		char block[4096];
		ssize_t n = read(fd, block, sizeof(block));

		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0)
			tc_buf_add(out, block, (size_t)n);
		explicit_bzero(block, sizeof(block));
		if (n < 0)
			rc = fail_errno(err, dir, name, "read", errno);
		else if (out->len > FILE_MAX)
			rc = tc_fail(err, TC_E_USAGE, "%s/%s is larger than %u bytes", dir, name, FILE_MAX);
		if (n <= 0 || rc < 0)
			break;
	}
	close(fd);
	return rc;
}

/* Both files of one moment: kubelet writes a new folder and turns ..data to it, and through ..data as it is now, both
 * come from the same one. */
static int read_pair(struct tc_buf *cert, struct tc_buf *key, const char *dir, struct tc_error *err)
{
	int top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), folder, rc;

	if (top < 0)
		return fail_errno(err, dir, "", "opened", errno);
	folder = openat(top, "..data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = read_file(cert, folder >= 0 ? folder : top, dir, "tls.crt", err);
	if (rc == 0)
		rc = read_file(key, folder >= 0 ? folder : top, dir, "tls.key", err);
	if (folder >= 0)
		close(folder);
	close(top);
	return rc;
}

/* FNV-1a: to see a change, no more. Never 0, which is what a poll starts with. */
static uint64_t add_sum(uint64_t sum, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum = (sum ^ (unsigned char)p[i]) * UINT64_C(1099511628211);
	return sum ? sum : 1;
}

static uint64_t sum_of(struct tc_str a, struct tc_str b)
{
	uint64_t len = a.len, sum = add_sum(UINT64_C(14695981039346656037), (const char *)&len, sizeof(len));

	return add_sum(add_sum(sum, a.s, a.len), b.s, b.len);
}

static int check_time(const struct tc_serving *s, const char *dir, int64_t now, struct tc_error *err)
{
	int64_t from = 0, to = 0;
	char when[32];

	if (tc_serving_validity(s, &from, &to) && now >= from && now <= to)
		return 0;
	tc_time_text(when, now < from ? from : to);
	return tc_fail(err, TC_E_USAGE,
		       now < from ? "%s/tls.crt is not valid before %s" : "%s/tls.crt expired at %s; renew it", dir,
		       when);
}

static int take(const struct tc_certfiles *f, struct tc_serving *serving, struct tc_str cert, struct tc_str key,
		int64_t now, struct tc_error *err)
{
	_cleanup_(tc_serving_free) struct tc_serving *trial = tc_serving_new();
	int64_t from = 0, to = 0;
	bool changed = false, served_is_valid;
	int rc;

	if (tc_serving_set(trial, cert, key, NULL, err) < 0)
		return tc_wrap(err, "%s/tls.crt and tls.key", f->dir);
	rc = check_time(trial, f->dir, now, err);
	served_is_valid = tc_serving_validity(serving, &from, &to) && now >= from && now <= to;
	if (rc < 0 && served_is_valid)
		return -1;
	if (tc_serving_set(serving, cert, key, &changed, rc < 0 ? &(struct tc_error){0} : err) < 0)
		return -1; /* unreachable: the trial took it */
	if (changed) {
		char print[65], when[32];

		tc_serving_fingerprint(serving, print);
		(void)tc_serving_validity(serving, &from, &to);
		tc_time_text(when, to);
		tc_log(f->log, TC_LOG_INFO, "certificate taken",
		       (struct tc_field[]){TC_LOG_TEXT("dir", tc_str(f->dir)), TC_LOG_TEXT("sha256", tc_str(print)),
					   TC_LOG_TEXT("not_after", tc_str(when))},
		       3);
	}
	return rc;
}

int tc_certfiles_poll(struct tc_certfiles *f, struct tc_serving *serving, struct tc_error *err)
{
	int64_t now = (int64_t)time(NULL);
	_cleanup_buf_ struct tc_buf cert = {0}, key = {.secret = true};
	int rc = read_pair(&cert, &key, f->dir, err);
	uint64_t sum = rc == 0 ? sum_of(tc_buf_str(&cert), tc_buf_str(&key)) : 0;

	/* The files are what is served, but time goes on. */
	if (rc == 0 && sum == f->seen && !f->failed)
		rc = check_time(serving, f->dir, now, err);
	else if (rc == 0)
		rc = take(f, serving, tc_buf_str(&cert), tc_buf_str(&key), now, err);
	f->seen = sum;
	f->failed = rc < 0;
	if (rc == 0) {
		f->said = 0;
	} else {
		uint64_t text = sum_of(tc_str(err->msg), TC_STR(""));

		if (text != f->said)
			tc_log(f->log, TC_LOG_ERROR, "certificate cannot be used",
			       (struct tc_field[]){TC_LOG_TEXT("error", tc_str(err->msg))}, 1);
		f->said = text;
	}
	return rc;
}
