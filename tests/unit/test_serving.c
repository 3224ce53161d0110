#include "webhook/serving.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "webhook/serving_gnutls.h"

#include "tests/unit/unit.h"

#define NOW INT64_C(1800000000)
#define DAY INT64_C(86400)
#define PAIRS 3
#define CLIENTS 3
#define HANDSHAKES 30

static const char *const names[] = {"localhost"};
static struct tc_pem ca, pairs[PAIRS];
static char prints[PAIRS][65];

static int make(void **state)
{
	struct tc_error err = {0};

	(void)state;
	assert_int_equal(tc_ca_make(&ca, "CA", NOW, 100 * DAY, &err), 0);
	for (size_t i = 0; i < PAIRS; i++) {
		_cleanup_cert_info_ struct tc_cert_info info = {0};

		assert_int_equal(tc_leaf_make(&pairs[i], &ca, names, 1, NOW, (10 + (int64_t)i) * DAY, &err), 0);
		assert_int_equal(tc_cert_info(&info, tc_buf_str(&pairs[i].cert), &err), 0);
		memcpy(prints[i], info.fingerprint, sizeof(prints[i]));
	}
	return 0;
}

static int unmake(void **state)
{
	(void)state;
	for (size_t i = 0; i < PAIRS; i++)
		tc_pem_free(&pairs[i]);
	tc_pem_free(&ca);
	return 0;
}

static int set(struct tc_serving *s, size_t cert, size_t key, bool *changed, struct tc_error *err)
{
	return tc_serving_set(s, tc_buf_str(&pairs[cert].cert), tc_buf_str(&pairs[key].key), changed, err);
}

static void check_serves(const struct tc_serving *s, size_t pair)
{
	int64_t from = 0, to = 0;
	char print[65];

	assert_true(tc_serving_validity(s, &from, &to));
	assert_int_equal(from, NOW - TC_CERT_BACKDATE);
	assert_int_equal(to, NOW + (10 + (int64_t)pair) * DAY);
	tc_serving_fingerprint(s, print);
	assert_string_equal(print, prints[pair]);
}

static void test_nothing_yet(void **state)
{
	_cleanup_(tc_serving_free) struct tc_serving *s = tc_serving_new();
	gnutls_pcert_st *certs;
	gnutls_privkey_t key;
	unsigned n, flags = 0;
	int64_t from, to;
	char print[65] = "x";

	(void)state;
	assert_null(tc_serving_take(s));
	assert_false(tc_serving_validity(s, &from, &to));
	tc_serving_fingerprint(s, print);
	assert_string_equal(print, "");
	assert_int_equal(tc_serving_answer(s, &certs, &n, &key, &flags), -1);
}

static void test_swap(void **state)
{
	_cleanup_(tc_serving_free) struct tc_serving *s = tc_serving_new();
	struct tc_serving_pair *old;
	struct tc_error err = {0};
	const gnutls_datum_t *certs;
	bool changed = false;
	unsigned n;

	(void)state;
	assert_int_equal(set(s, 0, 0, &changed, &err), 0);
	assert_true(changed);
	check_serves(s, 0);
	assert_int_equal(set(s, 0, 0, &changed, &err), 0);
	assert_false(changed);
	old = tc_serving_take(s);
	assert_int_equal(set(s, 1, 1, NULL, &err), 0);
	check_serves(s, 1);
	/* what was taken is there, though nobody serves it any more */
	certs = tc_serving_pair_certs(old, &n);
	assert_int_equal(n, 1);
	assert_true(certs[0].size > 100);
	assert_int_equal(gnutls_x509_privkey_get_pk_algorithm(tc_serving_pair_key(old)), GNUTLS_PK_ECDSA);
	tc_serving_give(old);
	tc_serving_give(NULL);
}

static void test_what_is_wrong(void **state)
{
	_cleanup_(tc_serving_free) struct tc_serving *s = tc_serving_new();
	const struct tc_str cert = tc_buf_str(&pairs[1].cert), key = tc_buf_str(&pairs[1].key);
	_cleanup_buf_ struct tc_buf many = {0};
	bool changed = true;
	struct tc_error err = {0};

	(void)state;
	assert_int_equal(set(s, 0, 0, NULL, &err), 0);
	assert_int_equal(set(s, 1, 2, &changed, &err), -1);
	assert_string_equal(err.msg, "the private key does not belong to the certificate");
	assert_int_equal(tc_serving_set(s, TC_STR(""), key, NULL, &err), -1);
	assert_string_equal(err.msg, "the certificate cannot be read: gnutls says \"No certificate was found.\"");
	assert_int_equal(tc_serving_set(s, cert, TC_STR(""), NULL, &err), -1);
	assert_string_equal(err.msg,
			    "the private key cannot be read: gnutls says \"The requested data were not available.\"");
	for (size_t i = 0; i < 17; i++)
		tc_buf_add(&many, pairs[1].cert.p, pairs[1].cert.len);
	assert_int_equal(tc_serving_set(s, tc_buf_str(&many), key, NULL, &err), -1);
	assert_string_equal(err.msg, "there are 17 certificates, at most 16 can be served");
	for (size_t n = 0; n < cert.len - 30; n += 13)
		assert_int_equal(tc_serving_set(s, (struct tc_str){.s = cert.s, .len = n}, key, NULL, &err), -1);
	for (size_t n = 0; n < key.len - 30; n += 13)
		assert_int_equal(tc_serving_set(s, cert, (struct tc_str){.s = key.s, .len = n}, NULL, &err), -1);
	check_serves(s, 0);
}

/* --- handshakes, over pairs of sockets -------------------------------------------------------------------------------
 */

static int retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info, gnutls_pcert_st **certs,
		    unsigned *ncerts, gnutls_ocsp_data_st **ocsp, unsigned *nocsp, gnutls_privkey_t *key,
		    unsigned *flags)
{
	(void)info;
	*ocsp = NULL;
	*nocsp = 0;
	return tc_serving_answer(gnutls_session_get_ptr(session), certs, ncerts, key, flags);
}

struct side {
	gnutls_certificate_credentials_t cred;
	gnutls_session_t session;
};

static void open_side(struct side *side, unsigned flags, int fd, const char *priorities)
{
	assert_int_equal(gnutls_certificate_allocate_credentials(&side->cred), 0);
	assert_int_equal(gnutls_init(&side->session, flags), 0);
	assert_int_equal(gnutls_priority_set_direct(side->session, priorities, NULL), 0);
	assert_int_equal(gnutls_credentials_set(side->session, GNUTLS_CRD_CERTIFICATE, side->cred), 0);
	gnutls_transport_set_int(side->session, fd);
	gnutls_handshake_set_timeout(side->session, 20000);
}

static void close_side(struct side *side)
{
	gnutls_deinit(side->session);
	gnutls_certificate_free_credentials(side->cred);
}

struct served {
	struct tc_serving *serving;
	int fd;
	const char *priorities;
	int rc;
};

static void *serve(void *arg)
{
	struct served *served = arg;
	struct side side;

	open_side(&side, GNUTLS_SERVER, served->fd, served->priorities);
	gnutls_certificate_set_retrieve_function3(side.cred, retrieve);
	gnutls_session_set_ptr(side.session, served->serving);
	do
		served->rc = gnutls_handshake(side.session);
	while (served->rc < 0 && !gnutls_error_is_fatal(served->rc));
	/* here the pair may be gone from the serving, and from memory */
	close_side(&side);
	(void)shutdown(served->fd, SHUT_WR);
	return NULL;
}

/* Which pair did the server show? -1: the handshake failed. */
static int shown(gnutls_session_t session)
{
	unsigned char sum[32];
	size_t size = sizeof(sum);
	char print[65] = "";
	unsigned n = 0;
	const gnutls_datum_t *certs = gnutls_certificate_get_peers(session, &n);

	assert_int_equal(n, 1);
	assert_int_equal(gnutls_fingerprint(GNUTLS_DIG_SHA256, &certs[0], sum, &size), 0);
	for (size_t i = 0; i < size; i++)
		(void)snprintf(print + 2 * i, 3, "%02x", sum[i]);
	for (int i = 0; i < PAIRS; i++)
		if (strcmp(print, prints[i]) == 0)
			return i;
	fail_msg("a certificate that nobody made");
	return -1;
}

static int handshake(struct tc_serving *s, const char *priorities, int *server_rc)
{
	int fds[2], rc, pair = -1;
	struct served served = {.serving = s, .priorities = priorities};
	pthread_t thread;
	struct side side;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	served.fd = fds[1];
	assert_int_equal(pthread_create(&thread, NULL, serve, &served), 0);
	open_side(&side, GNUTLS_CLIENT, fds[0], priorities);
	do
		rc = gnutls_handshake(side.session);
	while (rc < 0 && !gnutls_error_is_fatal(rc));
	(void)pthread_join(thread, NULL);
	if (rc == 0)
		pair = shown(side.session);
	close_side(&side);
	close(fds[0]);
	close(fds[1]);
	*server_rc = served.rc;
	return pair;
}

static const char *const versions[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3"};

static void test_handshake(void **state)
{
	(void)state;
	for (size_t v = 0; v < TC_COUNT(versions); v++) {
		_cleanup_(tc_serving_free) struct tc_serving *s = tc_serving_new();
		struct tc_error err = {0};
		int rc = 0;

		assert_int_equal(handshake(s, versions[v], &rc), -1);
		assert_true(rc < 0);
		for (size_t i = 0; i < PAIRS; i++) {
			assert_int_equal(set(s, i, i, NULL, &err), 0);
			assert_int_equal(handshake(s, versions[v], &rc), (int)i);
			assert_int_equal(rc, 0);
		}
	}
}

struct client {
	struct tc_serving *serving;
	const char *priorities;
	unsigned failed, seen[PAIRS];
};

static void *connect_often(void *arg)
{
	struct client *c = arg;

	for (unsigned i = 0; i < HANDSHAKES; i++) {
		int rc = 0, pair = handshake(c->serving, c->priorities, &rc);

		if (pair < 0 || rc != 0)
			c->failed++;
		else
			c->seen[pair]++;
	}
	return NULL;
}

struct swapper {
	struct tc_serving *serving;
	atomic_bool stop;
	unsigned failed;
};

static void *swap_often(void *arg)
{
	struct swapper *w = arg;

	for (size_t i = 0; !atomic_load(&w->stop); i++) {
		struct tc_error err = {0};

		w->failed += set(w->serving, i % PAIRS, i % PAIRS, NULL, &err) < 0;
	}
	return NULL;
}

static void test_swapped_under_handshakes(void **state)
{
	_cleanup_(tc_serving_free) struct tc_serving *s = tc_serving_new();
	struct swapper swapper = {.serving = s};
	struct client clients[CLIENTS] = {0};
	pthread_t threads[CLIENTS], swapping;
	struct tc_error err = {0};
	unsigned all = 0;

	(void)state;
	assert_int_equal(set(s, 0, 0, NULL, &err), 0);
	assert_int_equal(pthread_create(&swapping, NULL, swap_often, &swapper), 0);
	for (size_t i = 0; i < CLIENTS; i++) {
		clients[i].serving = s;
		clients[i].priorities = versions[i % TC_COUNT(versions)];
		assert_int_equal(pthread_create(&threads[i], NULL, connect_often, &clients[i]), 0);
	}
	for (size_t i = 0; i < CLIENTS; i++) {
		(void)pthread_join(threads[i], NULL);
		assert_int_equal(clients[i].failed, 0);
		for (size_t k = 0; k < PAIRS; k++)
			all += clients[i].seen[k];
	}
	atomic_store(&swapper.stop, true);
	(void)pthread_join(swapping, NULL);
	assert_int_equal(swapper.failed, 0);
	assert_int_equal(all, CLIENTS * HANDSHAKES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_yet),
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_what_is_wrong),
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_swapped_under_handshakes),
	};

	return cmocka_run_group_tests_name("serving", tests, make, unmake);
}
