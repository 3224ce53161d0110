/* TLS of a NATS connection: the server has said INFO in the clear, now both sides go on encrypted. */
#include "registrars/nats_wire.h"

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/ssl.h>
#include <poll.h>
#include <sys/socket.h>

struct tc_nats_tls {
	int fd;
	bool chain_only; /* the name in the certificate may be any */
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config config;
	mbedtls_x509_crt ca;
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context random;
};

bool tc_nats_await(int fd, short events, int64_t deadline)
{
	struct pollfd p = {.fd = fd, .events = events};

	for (;;) {
		int64_t left = deadline - tc_monotonic();
		int rc = left <= 0 ? 0 : poll(&p, 1, (int)left);

		if (rc >= 0 || errno != EINTR)
			return rc > 0;
	}
}

static int send_bytes(void *self, const unsigned char *bytes, size_t n)
{
	ssize_t done = send(*(int *)self, bytes, n, MSG_NOSIGNAL);

	if (done >= 0)
		return (int)done;
	return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static int receive_bytes(void *self, unsigned char *room, size_t n)
{
	ssize_t done = recv(*(int *)self, room, n, 0);

	if (done >= 0)
		return (int)done;
	return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
}

static int any_name(void *self, mbedtls_x509_crt *certificate, int depth, uint32_t *flags)
{
	const struct tc_nats_tls *t = self;

	(void)certificate;
	(void)depth;
	if (t->chain_only)
		*flags &= ~(uint32_t)MBEDTLS_X509_BADCERT_CN_MISMATCH;
	return 0;
}

/* Where systems keep the certificates that they trust. */
static const char *const bundles[] = {
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/cert.pem",
};

static bool trust(struct tc_nats_tls *t, const char *ca)
{
	if (*ca)
		return mbedtls_x509_crt_parse(&t->ca, (const unsigned char *)ca, strlen(ca) + 1) == 0;
	/* a bundle may hold one that this library does not know; the others count */
	for (size_t i = 0; i < TC_COUNT(bundles); i++)
		if (mbedtls_x509_crt_parse_file(&t->ca, bundles[i]) >= 0)
			return true;
	return false;
}

static void say(char *room, size_t n, struct tc_nats_tls *t, int rc)
{
	uint32_t flags = mbedtls_ssl_get_verify_result(&t->ssl);

	if (rc == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED && flags && flags != UINT32_MAX)
		mbedtls_x509_crt_verify_info(room, n, "", flags);
	else
		mbedtls_strerror(rc, room, n);
	room[strcspn(room, "\n")] = '\0';
}

static int handshake(struct tc_nats_tls *t, int64_t deadline, struct tc_error *err)
{
	char why[256];
	int rc;

	while ((rc = mbedtls_ssl_handshake(&t->ssl)) != 0) {
		if (rc != MBEDTLS_ERR_SSL_WANT_READ && rc != MBEDTLS_ERR_SSL_WANT_WRITE) {
			say(why, sizeof(why), t, rc);
			return tc_fail(err, rc == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED ? TC_E_USAGE : TC_E_RETRY,
				       "the TLS handshake failed: %s", why);
		}
		if (!tc_nats_await(t->fd, rc == MBEDTLS_ERR_SSL_WANT_READ ? POLLIN : POLLOUT, deadline))
			return tc_fail(err, TC_E_RETRY, "the TLS handshake did not end in time");
	}
	return 0;
}

int tc_nats_tls_start(struct tc_nats_tls **out, int fd, const char *host, const char *mode, const char *ca,
		      int64_t deadline, struct tc_error *err)
{
	_cleanup_(tc_nats_tls_free) struct tc_nats_tls *t = tc_xalloc(sizeof(*t));
	bool full = strcmp(mode, "verify-full") == 0, check = full || *ca;

	t->fd = fd;
	t->chain_only = !full;
	mbedtls_ssl_init(&t->ssl);
	mbedtls_ssl_config_init(&t->config);
	mbedtls_x509_crt_init(&t->ca);
	mbedtls_entropy_init(&t->entropy);
	mbedtls_ctr_drbg_init(&t->random);
	if (mbedtls_ctr_drbg_seed(&t->random, mbedtls_entropy_func, &t->entropy, NULL, 0) != 0 ||
	    mbedtls_ssl_config_defaults(&t->config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
					MBEDTLS_SSL_PRESET_DEFAULT) != 0)
		return tc_fail(err, TC_E_BUG, "TLS cannot be set up");
	if (check && !trust(t, ca))
		return tc_fail(err, TC_E_USAGE, "%s",
			       *ca ? "tls.ca holds no certificates in PEM"
				   : "there are no certificates that this system trusts, and tls.ca is empty");
	mbedtls_ssl_conf_min_version(&t->config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
	mbedtls_ssl_conf_rng(&t->config, mbedtls_ctr_drbg_random, &t->random);
	mbedtls_ssl_conf_authmode(&t->config, check ? MBEDTLS_SSL_VERIFY_REQUIRED : MBEDTLS_SSL_VERIFY_NONE);
	mbedtls_ssl_conf_ca_chain(&t->config, &t->ca, NULL);
	mbedtls_ssl_conf_verify(&t->config, any_name, t);
	if (mbedtls_ssl_setup(&t->ssl, &t->config) != 0 || mbedtls_ssl_set_hostname(&t->ssl, host) != 0)
		return tc_fail(err, TC_E_BUG, "TLS cannot be set up");
	mbedtls_ssl_set_bio(&t->ssl, &t->fd, send_bytes, receive_bytes, NULL);
	if (handshake(t, deadline, err) < 0)
		return -1;
	*out = tc_take(&t);
	return 0;
}

static ssize_t outcome(int rc, short *events)
{
	*events = POLLIN;
	if (rc == MBEDTLS_ERR_SSL_WANT_WRITE)
		*events = POLLOUT;
	if (rc == MBEDTLS_ERR_SSL_WANT_READ || rc == MBEDTLS_ERR_SSL_WANT_WRITE)
		return -1;
	if (rc == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY)
		return 0;
	return rc < 0 ? -2 : rc;
}

ssize_t tc_nats_tls_read(struct tc_nats_tls *t, void *room, size_t n, short *events)
{
	return outcome(mbedtls_ssl_read(&t->ssl, room, n), events);
}

ssize_t tc_nats_tls_write(struct tc_nats_tls *t, const void *bytes, size_t n, short *events)
{
	return outcome(mbedtls_ssl_write(&t->ssl, bytes, n), events);
}

void tc_nats_tls_free(struct tc_nats_tls *t)
{
	if (!t)
		return;
	mbedtls_ssl_free(&t->ssl);
	mbedtls_ssl_config_free(&t->config);
	mbedtls_x509_crt_free(&t->ca);
	mbedtls_ctr_drbg_free(&t->random);
	mbedtls_entropy_free(&t->entropy);
	free(t);
}
