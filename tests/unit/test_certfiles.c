#include "webhook/certfiles.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define DAY INT64_C(86400)

enum { FIRST, SECOND, EXPIRED, FUTURE, PAIRS };

static const char *const names[] = {"localhost"};
static struct tc_pem ca, pairs[PAIRS];
static char prints[PAIRS][65];

static int make_pairs(void **state)
{
	const int64_t now = (int64_t)time(NULL), made[PAIRS] = {now, now, now - 2 * DAY, now + 2 * DAY};
	struct tc_error err = {0};

	(void)state;
	assert_int_equal(tc_ca_make(&ca, "CA", now - 10 * DAY, 100 * DAY, &err), 0);
	for (size_t i = 0; i < PAIRS; i++) {
		_cleanup_cert_info_ struct tc_cert_info info = {0};

		assert_int_equal(tc_leaf_make(&pairs[i], &ca, names, 1, made[i], DAY, &err), 0);
		assert_int_equal(tc_cert_info(&info, tc_buf_str(&pairs[i].cert), &err), 0);
		memcpy(prints[i], info.fingerprint, sizeof(prints[i]));
	}
	return 0;
}

static int free_pairs(void **state)
{
	(void)state;
	for (size_t i = 0; i < PAIRS; i++)
		tc_pem_free(&pairs[i]);
	tc_pem_free(&ca);
	return 0;
}

/* A folder, and what was logged meanwhile. */
struct place {
	char dir[64], was[PATH_MAX];
	int log_fd;
	struct tc_log log;
	struct tc_certfiles files;
	struct tc_serving *serving;
};

static int open_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	(void)snprintf(p->dir, sizeof(p->dir), "%s", "/tmp/tentc-certfiles-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	assert_non_null(getcwd(p->was, sizeof(p->was)));
	assert_int_equal(chdir(p->dir), 0);
	p->log_fd = open("log", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(p->log_fd >= 0);
	p->log = (struct tc_log){.fd = p->log_fd};
	assert_int_equal(mkdir("certs", 0700), 0);
	p->files = (struct tc_certfiles){.dir = "certs", .log = &p->log};
	p->serving = tc_serving_new();
	*state = p;
	return 0;
}

static int close_place(void **state)
{
	static const char *const all[] = {"certs/tls.crt",     "certs/tls.key",
					  "certs/..data",      "certs/..1/tls.crt",
					  "certs/..1/tls.key", "certs/..2/tls.crt",
					  "certs/..2/tls.key", "log"};
	static const char *const folders[] = {"certs/..1", "certs/..2", "certs"};
	struct place *p = *state;

	for (size_t i = 0; i < TC_COUNT(all); i++)
		(void)unlink(all[i]);
	for (size_t i = 0; i < TC_COUNT(folders); i++)
		(void)rmdir(folders[i]);
	assert_int_equal(chdir(p->was), 0);
	assert_int_equal(rmdir(p->dir), 0);
	close(p->log_fd);
	tc_serving_free(p->serving);
	free(p);
	return 0;
}

static void put(const char *path, struct tc_str text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text.s, text.len), text.len);
	close(fd);
}

static void put_pair(const char *folder, size_t cert, size_t key)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%s/tls.crt", folder);
	put(path, tc_buf_str(&pairs[cert].cert));
	(void)snprintf(path, sizeof(path), "%s/tls.key", folder);
	put(path, tc_buf_str(&pairs[key].key));
}

static void check_serves(const struct place *p, int pair)
{
	char print[65];

	tc_serving_fingerprint(p->serving, print);
	assert_string_equal(print, pair < 0 ? "" : prints[pair]);
}

/* Polls three times: want NULL for fine, else the message; and how many lines the log has got in all. */
static void check_poll(struct place *p, const char *want, int serves, size_t lines)
{
	char text[16384];
	size_t n = 0;
	ssize_t len;

	for (int i = 0; i < 3; i++) {
		struct tc_error err = {0};

		assert_int_equal(tc_certfiles_poll(&p->files, p->serving, &err), want ? -1 : 0);
		assert_string_equal(err.msg, want ? want : "");
		check_serves(p, serves);
	}
	len = pread(p->log_fd, text, sizeof(text), 0);
	assert_true(len >= 0);
	for (ssize_t i = 0; i < len; i++)
		n += text[i] == '\n';
	assert_int_equal(n, lines);
	assert_null(memmem(text, (size_t)len, "PRIVATE", 7));
}

static void test_missing_then_there(void **state)
{
	struct place *p = *state;

	assert_int_equal(rmdir("certs"), 0);
	check_poll(p, "certs cannot be opened: no such file or directory", -1, 1);
	assert_int_equal(mkdir("certs", 0700), 0);
	check_poll(p, "certs/tls.crt cannot be opened: no such file or directory", -1, 2);
	put("certs/tls.crt", tc_buf_str(&pairs[FIRST].cert));
	check_poll(p, "certs/tls.key cannot be opened: no such file or directory", -1, 3);
	put_pair("certs", FIRST, FIRST);
	check_poll(p, NULL, FIRST, 4);
	assert_int_equal(unlink("certs/tls.crt"), 0);
	check_poll(p, "certs/tls.crt cannot be opened: no such file or directory", FIRST, 5);
	/* back again, and gone again: that is news */
	put_pair("certs", FIRST, FIRST);
	check_poll(p, NULL, FIRST, 5);
	assert_int_equal(unlink("certs/tls.crt"), 0);
	check_poll(p, "certs/tls.crt cannot be opened: no such file or directory", FIRST, 6);
}

static void test_half_written(void **state)
{
	struct place *p = *state;

	put_pair("certs", FIRST, FIRST);
	check_poll(p, NULL, FIRST, 1);
	put_pair("certs", SECOND, FIRST);
	check_poll(p, "certs/tls.crt and tls.key: the private key does not belong to the certificate", FIRST, 2);
	put_pair("certs", SECOND, SECOND);
	check_poll(p, NULL, SECOND, 3);
	put("certs/tls.crt", TC_STR(""));
	check_poll(p,
		   "certs/tls.crt and tls.key: the certificate cannot be read: gnutls says \"No certificate was "
		   "found.\"",
		   SECOND, 4);
	put("certs/tls.crt", (struct tc_str){.s = pairs[FIRST].cert.p, .len = pairs[FIRST].cert.len / 2});
	for (int i = 0; i < 3; i++) {
		struct tc_error err = {0};

		assert_int_equal(tc_certfiles_poll(&p->files, p->serving, &err), -1);
		check_serves(p, SECOND);
	}
	put_pair("certs", FIRST, FIRST);
	check_poll(p, NULL, FIRST, 6);
}

/* As kubelet does it: a new folder, and ..data turned to it by a rename. */
static void test_data_link(void **state)
{
	struct place *p = *state;

	assert_int_equal(mkdir("certs/..1", 0700), 0);
	put_pair("certs/..1", FIRST, FIRST);
	assert_int_equal(symlink("..1", "certs/..data"), 0);
	assert_int_equal(symlink("..data/tls.crt", "certs/tls.crt"), 0);
	assert_int_equal(symlink("..data/tls.key", "certs/tls.key"), 0);
	check_poll(p, NULL, FIRST, 1);
	assert_int_equal(mkdir("certs/..2", 0700), 0);
	put_pair("certs/..2", SECOND, SECOND);
	check_poll(p, NULL, FIRST, 1);
	assert_int_equal(symlink("..2", "certs/..new"), 0);
	assert_int_equal(rename("certs/..new", "certs/..data"), 0);
	check_poll(p, NULL, SECOND, 2);
}

static void test_times(void **state)
{
	struct place *p = *state;
	struct tc_error err = {0};

	/* nothing better is served: a client is told that it expired, instead of nothing */
	put_pair("certs", EXPIRED, EXPIRED);
	assert_int_equal(tc_certfiles_poll(&p->files, p->serving, &err), -1);
	assert_memory_equal(err.msg, "certs/tls.crt expired at ", 25);
	check_serves(p, EXPIRED);
	put_pair("certs", FIRST, FIRST);
	assert_int_equal(tc_certfiles_poll(&p->files, p->serving, &err), 0);
	check_serves(p, FIRST);
	put_pair("certs", EXPIRED, EXPIRED);
	assert_int_equal(tc_certfiles_poll(&p->files, p->serving, &err), -1);
	check_serves(p, FIRST);
	put_pair("certs", FUTURE, FUTURE);
	assert_int_equal(tc_certfiles_poll(&p->files, p->serving, &err), -1);
	assert_memory_equal(err.msg, "certs/tls.crt is not valid before ", 34);
	check_serves(p, FIRST);
}

static void test_too_large(void **state)
{
	struct place *p = *state;

	put_pair("certs", FIRST, FIRST);
	assert_int_equal(truncate("certs/tls.key", 3 << 20), 0);
	check_poll(p, "certs/tls.key is larger than 1048576 bytes", -1, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_missing_then_there, open_place, close_place),
		cmocka_unit_test_setup_teardown(test_half_written, open_place, close_place),
		cmocka_unit_test_setup_teardown(test_data_link, open_place, close_place),
		cmocka_unit_test_setup_teardown(test_times, open_place, close_place),
		cmocka_unit_test_setup_teardown(test_too_large, open_place, close_place),
	};

	return cmocka_run_group_tests_name("certfiles", tests, make_pairs, free_pairs);
}
