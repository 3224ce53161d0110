#include "webhook/x509.h"

#include <arpa/inet.h>
#include <mbedtls/asn1write.h>
#include <mbedtls/base64.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>
#include <time.h>

#include "compiler/base/arena.h"

/* Tags of GeneralName, RFC 5280, 4.2.1.6 */
#define SAN_DNS (MBEDTLS_ASN1_CONTEXT_SPECIFIC | 2)
#define SAN_IP (MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7)

#define KEY_DER_MAX 256    /* of P-256 it is 121 bytes */
#define CERT_DER_MAX 2048  /* without the names */
#define NAME_MAX_LEN 253   /* of a DNS name */
#define COMMON_NAME_MAX 64 /* RFC 5280, ub-common-name */

struct random {
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context drbg;
};

struct draft {
	const char *subject, *issuer;
	mbedtls_pk_context *key, *signer;
	bool ca;
	const struct tc_buf *san; /* DER, NULL for none */
	int64_t not_before, not_after;
};

void tc_pem_free(struct tc_pem *p)
{
	p->key.secret = true;
	tc_buf_free(&p->cert);
	tc_buf_free(&p->key);
}

static int broken(struct tc_error *err, const char *what, int rc)
{
	if (rc == MBEDTLS_ERR_MPI_ALLOC_FAILED || rc == MBEDTLS_ERR_X509_ALLOC_FAILED ||
	    rc == MBEDTLS_ERR_PK_ALLOC_FAILED)
		tc_no_memory();
	return tc_fail(err, TC_E_BUG, "cannot %s: mbedTLS answers -0x%04x", what, (unsigned)-rc);
}

static void random_close(struct random *r)
{
	mbedtls_ctr_drbg_free(&r->drbg);
	mbedtls_entropy_free(&r->entropy);
}

static int random_open(struct random *r, struct tc_error *err)
{
	int rc;

	mbedtls_entropy_init(&r->entropy);
	mbedtls_ctr_drbg_init(&r->drbg);
	rc = mbedtls_ctr_drbg_seed(&r->drbg, mbedtls_entropy_func, &r->entropy, NULL, 0);
	if (rc == 0)
		return 0;
	random_close(r);
	return broken(err, "get random bytes", rc);
}

/* --- PEM -------------------------------------------------------------------------------------------------------------
 * Written here, since mbedTLS leaves copies of a key on its way to PEM. */

static void put_pem(struct tc_buf *out, const char *label, const unsigned char *der, size_t len)
{
	size_t size = (len + 2) / 3 * 4 + 1, n = 0;
	char *text = tc_xalloc(size);

	if (mbedtls_base64_encode((unsigned char *)text, size, &n, der, len) != 0)
		n = 0; /* unreachable: the size is right */
	tc_buf_reserve(out, size + size / 64 + 64);
	tc_buf_printf(out, "-----BEGIN %s-----\n", label);
	for (size_t at = 0; at < n; at += 64) {
		tc_buf_add(out, text + at, n - at < 64 ? n - at : 64);
		tc_buf_putc(out, '\n');
	}
	tc_buf_printf(out, "-----END %s-----\n", label);
	explicit_bzero(text, size);
	free(text);
}

static int put_key(struct tc_buf *out, mbedtls_pk_context *key, struct tc_error *err)
{
	unsigned char der[KEY_DER_MAX];
	int n = mbedtls_pk_write_key_der(key, der, sizeof(der));

	out->secret = true;
	if (n < 0) /* unreachable: there is room */
		return broken(err, "write a key", n);
	put_pem(out, "EC PRIVATE KEY", der + sizeof(der) - n, (size_t)n);
	explicit_bzero(der, sizeof(der));
	return 0;
}

static int new_key(mbedtls_pk_context *key, struct random *r, struct tc_error *err)
{
	int rc = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));

	if (rc == 0)
		rc = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), mbedtls_ctr_drbg_random,
					 &r->drbg);
	return rc == 0 ? 0 : broken(err, "make a key", rc);
}

/* --- the certificate --------------------------------------------------------------------------------------------- */

static int set_validity(mbedtls_x509write_cert *crt, const struct draft *d)
{
	char from[32], to[32];
	struct tm tm;
	time_t at[2] = {(time_t)d->not_before, (time_t)d->not_after};

	(void)strftime(from, sizeof(from), "%Y%m%d%H%M%S", gmtime_r(&at[0], &tm));
	(void)strftime(to, sizeof(to), "%Y%m%d%H%M%S", gmtime_r(&at[1], &tm));
	return mbedtls_x509write_crt_set_validity(crt, from, to);
}

/* 127 random bits: positive, and never 0 (RFC 5280, 4.1.2.2). */
static int set_serial(mbedtls_x509write_cert *crt, struct random *r)
{
	unsigned char bytes[16];
	mbedtls_mpi serial;
	int rc = mbedtls_ctr_drbg_random(&r->drbg, bytes, sizeof(bytes));

	bytes[0] = (bytes[0] & 0x7f) | 0x40;
	mbedtls_mpi_init(&serial);
	if (rc == 0)
		rc = mbedtls_mpi_read_binary(&serial, bytes, sizeof(bytes));
	if (rc == 0)
		rc = mbedtls_x509write_crt_set_serial(crt, &serial);
	mbedtls_mpi_free(&serial);
	return rc;
}

static int set_extensions(mbedtls_x509write_cert *crt, const struct draft *d)
{
	/* SEQUENCE { OID serverAuth } */
	static const unsigned char server_auth[] = {0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06,
						    0x01, 0x05, 0x05, 0x07, 0x03, 0x01};
	unsigned usage =
		d->ca ? MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN : MBEDTLS_X509_KU_DIGITAL_SIGNATURE;
	int rc = mbedtls_x509write_crt_set_basic_constraints(crt, d->ca, d->ca ? 0 : -1);

	if (rc == 0)
		rc = mbedtls_x509write_crt_set_key_usage(crt, usage);
	if (rc == 0 && !d->ca)
		rc = mbedtls_x509write_crt_set_extension(crt, MBEDTLS_OID_EXTENDED_KEY_USAGE,
							 MBEDTLS_OID_SIZE(MBEDTLS_OID_EXTENDED_KEY_USAGE), 0,
							 server_auth, sizeof(server_auth));
	if (rc == 0 && d->san)
		rc = mbedtls_x509write_crt_set_extension(crt, MBEDTLS_OID_SUBJECT_ALT_NAME,
							 MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0,
							 (const unsigned char *)d->san->p, d->san->len);
	if (rc == 0)
		rc = mbedtls_x509write_crt_set_subject_key_identifier(crt);
	if (rc == 0)
		rc = mbedtls_x509write_crt_set_authority_key_identifier(crt);
	return rc;
}

static int write_cert(struct tc_buf *out, const struct draft *d, struct random *r, struct tc_error *err)
{
	size_t size = CERT_DER_MAX + (d->san ? d->san->len : 0);
	unsigned char *der;
	mbedtls_x509write_cert crt;
	int rc;

	/* Years of four digits: X.509 has no others. */
	if (d->not_before < 0 || d->not_after > INT64_C(253402300799) || d->not_after <= d->not_before)
		return tc_fail(err, TC_E_BUG, "a certificate cannot be valid from %lld to %lld",
			       (long long)d->not_before, (long long)d->not_after);
	der = tc_xalloc(size);
	mbedtls_x509write_crt_init(&crt);
	mbedtls_x509write_crt_set_version(&crt, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(&crt, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(&crt, d->key);
	mbedtls_x509write_crt_set_issuer_key(&crt, d->signer);
	rc = set_validity(&crt, d);
	if (rc == 0)
		rc = set_serial(&crt, r);
	if (rc == 0)
		rc = mbedtls_x509write_crt_set_subject_name(&crt, d->subject);
	if (rc == 0)
		rc = mbedtls_x509write_crt_set_issuer_name(&crt, d->issuer);
	if (rc == 0)
		rc = set_extensions(&crt, d);
	if (rc == 0)
		rc = mbedtls_x509write_crt_der(&crt, der, size, mbedtls_ctr_drbg_random, &r->drbg);
	if (rc > 0)
		put_pem(out, "CERTIFICATE", der + size - rc, (size_t)rc);
	mbedtls_x509write_crt_free(&crt);
	free(der);
	return rc > 0 ? 0 : broken(err, "write a certificate", rc);
}

/* --- names -----------------------------------------------------------------------------------------------------------
 */

static bool is_dns_name(const char *name)
{
	size_t len = strlen(name), label = 0;

	if (len == 0 || len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i <= len; i++) {
		char c = name[i];

		if (c == '.' || c == '\0') {
			if (label == 0 || label > 63 || name[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!tc_is_lower(c) && !tc_is_upper(c) && !tc_is_digit(c) && (c != '-' || label == 0))
			return false;
		label++;
	}
	return true;
}

/* What mbedTLS 2.28 has no writer for: SEQUENCE OF GeneralName, of names and addresses. */
static int write_san(struct tc_buf *out, const char *const *names, size_t nnames, struct tc_error *err)
{
	size_t size = 16;
	unsigned char *der, *p;
	int rc = 0;

	for (size_t i = 0; i < nnames; i++)
		size += strlen(names[i]) + 24;
	der = tc_xalloc(size);
	p = der + size; /* it is written from its end to its start */
	for (size_t i = nnames; i > 0 && rc == 0; i--) {
		const char *name = names[i - 1];
		unsigned char address[sizeof(struct in6_addr)];
		bool v4 = inet_pton(AF_INET, name, address) == 1, v6 = !v4 && inet_pton(AF_INET6, name, address) == 1;
		size_t len = v4 ? 4 : v6 ? 16 : strlen(name);

		if (!v4 && !v6 && !is_dns_name(name)) {
			rc = tc_fail(err, TC_E_USAGE, "\"%.64s\" is neither a DNS name nor an IP address", name);
			break;
		}
		/* unreachable errors below: there is room */
		(void)mbedtls_asn1_write_raw_buffer(&p, der, v4 || v6 ? address : (const unsigned char *)name, len);
		(void)mbedtls_asn1_write_len(&p, der, len);
		(void)mbedtls_asn1_write_tag(&p, der, v4 || v6 ? SAN_IP : SAN_DNS);
	}
	if (rc == 0) {
		(void)mbedtls_asn1_write_len(&p, der, (size_t)(der + size - p));
		(void)mbedtls_asn1_write_tag(&p, der, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
		tc_buf_add(out, (const char *)p, (size_t)(der + size - p));
	}
	free(der);
	return rc;
}

static bool is_common_name(const char *s)
{
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++)
		if (!tc_is_lower(s[i]) && !tc_is_upper(s[i]) && !tc_is_digit(s[i]) && !strchr(" -._:", s[i]))
			return false;
	return len > 0 && len <= COMMON_NAME_MAX;
}

/* --- CA and leaf -----------------------------------------------------------------------------------------------------
 */

int tc_ca_make(struct tc_pem *out, const char *common_name, int64_t now, int64_t lifetime, struct tc_error *err)
{
	char subject[COMMON_NAME_MAX + 8];
	mbedtls_pk_context key;
	struct draft d = {.subject = subject,
			  .issuer = subject,
			  .key = &key,
			  .signer = &key,
			  .ca = true,
			  .not_before = now - TC_CERT_BACKDATE,
			  .not_after = now + lifetime};
	struct random r;
	int rc;

	tc_pem_free(out);
	if (!is_common_name(common_name))
		return tc_fail(err, TC_E_USAGE,
			       "the name of a CA must be 1 to 64 letters, digits, spaces or \"-._:\", got \"%.80s\"",
			       common_name);
	if (random_open(&r, err) < 0)
		return -1;
	(void)snprintf(subject, sizeof(subject), "CN=%s", common_name);
	mbedtls_pk_init(&key);
	rc = new_key(&key, &r, err);
	if (rc == 0)
		rc = write_cert(&out->cert, &d, &r, err);
	if (rc == 0)
		rc = put_key(&out->key, &key, err);
	mbedtls_pk_free(&key);
	random_close(&r);
	if (rc < 0)
		tc_pem_free(out);
	return rc;
}

/* mbedTLS wants its input terminated, and a tc_buf is. */
static int read_ca(const struct tc_pem *ca, mbedtls_x509_crt *crt, mbedtls_pk_context *key, struct tc_error *err)
{
	if (tc_pair_check(tc_buf_str(&ca->cert), tc_buf_str(&ca->key), err) < 0)
		return tc_wrap(err, "the CA");
	if (mbedtls_x509_crt_parse(crt, (const unsigned char *)ca->cert.p, ca->cert.len + 1) != 0 ||
	    mbedtls_pk_parse_key(key, (const unsigned char *)ca->key.p, ca->key.len + 1, NULL, 0) != 0)
		return tc_fail(err, TC_E_USAGE, "the CA cannot be read");
	if (!crt->ca_istrue)
		return tc_fail(err, TC_E_USAGE, "the certificate that should sign is not one of a CA");
	return 0;
}

/* base: all but the keys and the issuer. */
static int sign_leaf(struct tc_pem *out, const struct draft *base, struct random *r, const struct tc_pem *ca,
		     struct tc_error *err)
{
	_cleanup_cert_info_ struct tc_cert_info info = {0};
	struct draft d = *base;
	mbedtls_pk_context key, signer;
	mbedtls_x509_crt crt;
	char issuer[512];
	int rc;

	mbedtls_pk_init(&key);
	mbedtls_pk_init(&signer);
	mbedtls_x509_crt_init(&crt);
	rc = read_ca(ca, &crt, &signer, err);
	if (rc == 0 && mbedtls_x509_dn_gets(issuer, sizeof(issuer), &crt.subject) < 0)
		rc = tc_fail(err, TC_E_USAGE, "the CA's name is too long");
	if (rc == 0)
		rc = tc_cert_info(&info, tc_buf_str(&ca->cert), err);
	if (rc == 0)
		rc = new_key(&key, r, err);
	if (rc == 0) {
		d.issuer = issuer;
		d.key = &key;
		d.signer = &signer;
		d.not_after = d.not_after < info.not_after ? d.not_after : info.not_after;
		rc = write_cert(&out->cert, &d, r, err);
	}
	if (rc == 0)
		rc = put_key(&out->key, &key, err);
	mbedtls_x509_crt_free(&crt);
	mbedtls_pk_free(&signer);
	mbedtls_pk_free(&key);
	return rc;
}

int tc_leaf_make(struct tc_pem *out, const struct tc_pem *ca, const char *const *names, size_t nnames, int64_t now,
		 int64_t lifetime, struct tc_error *err)
{
	_cleanup_buf_ struct tc_buf san = {0};
	char subject[COMMON_NAME_MAX + 8] = "CN=tentc webhook";
	struct draft d = {.subject = subject,
			  .san = &san,
			  .not_before = now - TC_CERT_BACKDATE,
			  .not_after = now + lifetime};
	struct random r;
	int rc;

	tc_pem_free(out);
	if (nnames == 0)
		return tc_fail(err, TC_E_USAGE, "a certificate needs a name at least");
	if (write_san(&san, names, nnames, err) < 0)
		return -1;
	/* Nobody reads it any more where there are alternative names, but people do. */
	if (is_common_name(names[0]))
		(void)snprintf(subject, sizeof(subject), "CN=%s", names[0]);
	if (random_open(&r, err) < 0)
		return -1;
	rc = sign_leaf(out, &d, &r, ca, err);
	/* The issuer's name went through a text: it must have come back as it was. */
	if (rc == 0 && tc_chain_check(tc_buf_str(&out->cert), tc_buf_str(&ca->cert), now, err) < 0)
		rc = tc_wrap(err, "the new certificate does not fit its CA");
	random_close(&r);
	if (rc < 0)
		tc_pem_free(out);
	return rc;
}
