#include "webhook/x509.h"

#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>
#include <time.h>

#include "tests/unit/unit.h"

/* mbedTLS looks at the system's clock too, where it chooses between two CAs. */
#define NOW INT64_C(1800000000)
#define DAY INT64_C(86400)

static const char *const names[] = {"tentc.tentacular-system.svc", "tentc", "127.0.0.1", "2001:db8::1"};

struct made {
	struct tc_pem ca, leaf;
};

static int make(void **state)
{
	struct made *m = calloc(1, sizeof(*m));
	struct tc_error err = {0};

	assert_non_null(m);
	assert_int_equal(tc_ca_make(&m->ca, "tentc test CA", NOW, 100 * DAY, &err), 0);
	assert_int_equal(tc_leaf_make(&m->leaf, &m->ca, names, TC_COUNT(names), NOW, 10 * DAY, &err), 0);
	*state = m;
	return 0;
}

static int unmake(void **state)
{
	struct made *m = *state;

	tc_pem_free(&m->ca);
	tc_pem_free(&m->leaf);
	free(m);
	return 0;
}

static void check_fails(int rc, const struct tc_error *err, enum tc_code code, const char *msg)
{
	assert_int_equal(rc, -1);
	assert_string_equal(err->msg, msg);
	assert_int_equal(err->code, code);
}

static mbedtls_x509_crt *parsed(const struct tc_pem *p)
{
	mbedtls_x509_crt *crt = calloc(1, sizeof(*crt));

	assert_non_null(crt);
	mbedtls_x509_crt_init(crt);
	assert_int_equal(mbedtls_x509_crt_parse(crt, (const unsigned char *)p->cert.p, p->cert.len + 1), 0);
	return crt;
}

static void drop(mbedtls_x509_crt *crt)
{
	mbedtls_x509_crt_free(crt);
	free(crt);
}

static bool holds(const mbedtls_x509_crt *crt, const char *der, size_t len)
{
	return memmem(crt->v3_ext.p, crt->v3_ext.len, der, len) != NULL;
}

#define HOLDS(crt, der) assert_true(holds(crt, der, sizeof(der) - 1))

static void test_leaf(void **state)
{
	const struct made *m = *state;
	mbedtls_x509_crt *crt = parsed(&m->leaf), *ca = parsed(&m->ca);
	uint32_t flags;

	/* whatever the time is where this runs */
	(void)mbedtls_x509_crt_verify(crt, ca, NULL, names[0], &flags, NULL, NULL);
	assert_int_equal(flags & ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE), 0);
	assert_int_equal(crt->version, 3);
	assert_int_equal(crt->sig_md, MBEDTLS_MD_SHA256);
	assert_int_equal(mbedtls_pk_get_bitlen(&crt->pk), 256);
	assert_int_equal(crt->serial.len, 16);
	assert_true(crt->serial.p[0] < 0x80);
	assert_int_equal(crt->ca_istrue, 0);
	assert_memory_equal(crt->issuer_raw.p, ca->subject_raw.p, ca->subject_raw.len);
	/* basicConstraints: an empty SEQUENCE */
	HOLDS(crt, "\x30\x09\x06\x03\x55\x1d\x13\x04\x02\x30\x00");
	/* keyUsage, critical: digitalSignature */
	HOLDS(crt, "\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x07\x80");
	/* extendedKeyUsage: serverAuth */
	HOLDS(crt, "\x30\x13\x06\x03\x55\x1d\x25\x04\x0c\x30\x0a\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01");
	/* subjectAltName, in the order of the names */
	HOLDS(crt, "\x30\x45\x06\x03\x55\x1d\x11\x04\x3e\x30\x3c"
		   "\x82\x1btentc.tentacular-system.svc\x82\x05tentc\x87\x04\x7f\x00\x00\x01"
		   "\x87\x10\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01");
	assert_true(mbedtls_x509_crt_check_extended_key_usage(crt, MBEDTLS_OID_SERVER_AUTH,
							      MBEDTLS_OID_SIZE(MBEDTLS_OID_SERVER_AUTH)) == 0);
	drop(crt);
	drop(ca);
}

static void test_ca(void **state)
{
	const struct made *m = *state;
	mbedtls_x509_crt *ca = parsed(&m->ca);

	assert_int_equal(ca->ca_istrue, 1);
	assert_int_equal(ca->max_pathlen, 1); /* mbedTLS keeps it plus one */
	/* basicConstraints, critical: CA, no CA below it */
	HOLDS(ca, "\x30\x12\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x08\x30\x06\x01\x01\xff\x02\x01\x00");
	/* keyUsage, critical: keyCertSign, cRLSign */
	HOLDS(ca, "\x30\x0e\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x01\x06");
	drop(ca);
}

static void test_info(void **state)
{
	const struct made *m = *state;
	_cleanup_cert_info_ struct tc_cert_info leaf = {0}, ca = {0};
	struct tc_error err = {0};

	assert_int_equal(tc_cert_info(&leaf, tc_buf_str(&m->leaf.cert), &err), 0);
	assert_int_equal(tc_cert_info(&ca, tc_buf_str(&m->ca.cert), &err), 0);
	assert_string_equal(leaf.subject, "CN=tentc.tentacular-system.svc");
	assert_string_equal(leaf.names.p, "tentc.tentacular-system.svc\ntentc\n127.0.0.1\n2001:db8::1\n");
	assert_int_equal(leaf.not_before, NOW - TC_CERT_BACKDATE);
	assert_int_equal(leaf.not_after, NOW + 10 * DAY);
	assert_false(leaf.ca);
	assert_int_equal(strlen(leaf.fingerprint), 64);
	assert_string_equal(ca.subject, "CN=tentc test CA");
	assert_int_equal(ca.not_after, NOW + 100 * DAY);
	assert_true(ca.ca);
	assert_int_equal(strlen(ca.key_print), 40);
	assert_string_equal(leaf.issuer_print, ca.key_print);
	assert_string_equal(ca.issuer_print, ca.key_print);
	assert_string_not_equal(leaf.key_print, ca.key_print);
	assert_string_not_equal(leaf.fingerprint, ca.fingerprint);
	/* again into the same place: nothing is lost */
	assert_int_equal(tc_cert_info(&leaf, tc_buf_str(&m->ca.cert), &err), 0);
	assert_string_equal(leaf.fingerprint, ca.fingerprint);
	assert_int_equal(leaf.names.len, 0);
	check_fails(
		tc_cert_info(&leaf, TC_STR("hello"), &err), &err, TC_E_USAGE,
		"there is no certificate: expected \"-----BEGIN CERTIFICATE-----\" ... \"-----END CERTIFICATE-----\"");
}

static void test_two_are_never_equal(void **state)
{
	const struct made *m = *state;
	_cleanup_cert_info_ struct tc_cert_info a = {0}, b = {0};
	_cleanup_pem_ struct tc_pem other = {0};
	struct tc_error err = {0};

	assert_int_equal(tc_leaf_make(&other, &m->ca, names, TC_COUNT(names), NOW, 10 * DAY, &err), 0);
	assert_int_equal(tc_cert_info(&a, tc_buf_str(&m->leaf.cert), &err), 0);
	assert_int_equal(tc_cert_info(&b, tc_buf_str(&other.cert), &err), 0);
	assert_string_not_equal(a.fingerprint, b.fingerprint);
	assert_string_not_equal(a.key_print, b.key_print);
	check_fails(tc_pair_check(tc_buf_str(&m->leaf.cert), tc_buf_str(&other.key), &err), &err, TC_E_USAGE,
		    "the private key does not belong to the certificate");
	assert_int_equal(tc_pair_check(tc_buf_str(&other.cert), tc_buf_str(&other.key), &err), 0);
}

static void test_chain(void **state)
{
	const struct made *m = *state;
	_cleanup_pem_ struct tc_pem other = {0};
	_cleanup_buf_ struct tc_buf bundle = {0};
	struct tc_str leaf = tc_buf_str(&m->leaf.cert);
	struct tc_error err = {0};

	/* of the same name, and first: only the key tells them apart */
	assert_int_equal(tc_ca_make(&other, "tentc test CA", NOW, 100 * DAY, &err), 0);
	check_fails(tc_chain_check(leaf, tc_buf_str(&other.cert), NOW, &err), &err, TC_E_USAGE,
		    "the certificate is signed by none of the 1 in the bundle");
	tc_buf_add(&bundle, other.cert.p, other.cert.len);
	tc_buf_add(&bundle, m->ca.cert.p, m->ca.cert.len);
	assert_int_equal(tc_chain_check(leaf, tc_buf_str(&bundle), NOW, &err), 0);
	assert_int_equal(tc_chain_check(leaf, tc_buf_str(&bundle), NOW - TC_CERT_BACKDATE, &err), 0);
	assert_int_equal(tc_chain_check(leaf, tc_buf_str(&bundle), NOW + 10 * DAY, &err), 0);
	check_fails(tc_chain_check(leaf, tc_buf_str(&bundle), NOW - TC_CERT_BACKDATE - 1, &err), &err, TC_E_USAGE,
		    "the certificate is not valid before 2027-01-15T07:55:00Z");
	check_fails(tc_chain_check(leaf, tc_buf_str(&bundle), NOW + 10 * DAY + 1, &err), &err, TC_E_USAGE,
		    "the certificate expired at 2027-01-25T08:00:00Z");
	check_fails(tc_chain_check(leaf, TC_STR(""), NOW, &err), &err, TC_E_USAGE,
		    "the bundle: there is no certificate: expected \"-----BEGIN CERTIFICATE-----\" ... "
		    "\"-----END CERTIFICATE-----\"");
	/* a leaf is no CA, even for one that it signed */
	tc_pem_free(&other);
	check_fails(tc_leaf_make(&other, &m->leaf, names, 1, NOW, DAY, &err), &err, TC_E_USAGE,
		    "the certificate that should sign is not one of a CA");
	assert_int_equal(other.key.len, 0);
}

static void test_leaf_ends_with_its_ca(void **state)
{
	const struct made *m = *state;
	_cleanup_pem_ struct tc_pem leaf = {0};
	_cleanup_cert_info_ struct tc_cert_info info = {0};
	struct tc_error err = {0};

	assert_int_equal(tc_leaf_make(&leaf, &m->ca, names, 1, NOW + 99 * DAY, 10 * DAY, &err), 0);
	assert_int_equal(tc_cert_info(&info, tc_buf_str(&leaf.cert), &err), 0);
	assert_int_equal(info.not_after, NOW + 100 * DAY);
}

/* Years from 2050 on are written in another ASN.1 type. */
static void test_far_years(void **state)
{
	_cleanup_pem_ struct tc_pem ca = {0};
	_cleanup_cert_info_ struct tc_cert_info info = {0};
	struct tc_error err = {0};

	(void)state;
	assert_int_equal(tc_ca_make(&ca, "far", NOW, 40000 * DAY, &err), 0);
	assert_int_equal(tc_cert_info(&info, tc_buf_str(&ca.cert), &err), 0);
	assert_int_equal(info.not_after, NOW + 40000 * DAY);
	check_fails(tc_ca_make(&ca, "far", NOW, INT64_C(300000000000), &err), &err, TC_E_BUG,
		    "a certificate cannot be valid from 1799999700 to 301800000000");
}

static void test_bad_names(void **state)
{
	const struct made *m = *state;
	static const char *const bad[] = {"",    "-a",       "a-", "a..b", ".a", "a.", "a b", "*.example.org",
					  "a_b", "1.2.3.4/8"};
	_cleanup_pem_ struct tc_pem leaf = {0};
	struct tc_error err = {0};
	char want[128];

	for (size_t i = 0; i < TC_COUNT(bad); i++) {
		const char *both[] = {"good", bad[i]};

		(void)snprintf(want, sizeof(want), "\"%s\" is neither a DNS name nor an IP address", bad[i]);
		check_fails(tc_leaf_make(&leaf, &m->ca, both, 2, NOW, DAY, &err), &err, TC_E_USAGE, want);
	}
	check_fails(tc_leaf_make(&leaf, &m->ca, bad, 0, NOW, DAY, &err), &err, TC_E_USAGE,
		    "a certificate needs a name at least");
	check_fails(tc_ca_make(&leaf, "a,O=b", NOW, DAY, &err), &err, TC_E_USAGE,
		    "the name of a CA must be 1 to 64 letters, digits, spaces or \"-._:\", got \"a,O=b\"");
}

/* A name longer than a common name may be, and many of them. */
static void test_long_names(void **state)
{
	const struct made *m = *state;
	char name[254];
	const char *many[100];
	_cleanup_pem_ struct tc_pem leaf = {0};
	_cleanup_cert_info_ struct tc_cert_info info = {0};
	struct tc_error err = {0};

	memset(name, 'a', 253);
	name[253] = '\0';
	name[63] = name[127] = name[191] = '.';
	for (size_t i = 0; i < TC_COUNT(many); i++)
		many[i] = name;
	assert_int_equal(tc_leaf_make(&leaf, &m->ca, many, TC_COUNT(many), NOW, DAY, &err), 0);
	assert_int_equal(tc_cert_info(&info, tc_buf_str(&leaf.cert), &err), 0);
	assert_string_equal(info.subject, "CN=tentc webhook");
	assert_int_equal(info.names.len, 254 * TC_COUNT(many));
}

static void test_bad_keys(void **state)
{
	const struct made *m = *state;
	struct tc_error err = {0};

	check_fails(tc_pair_check(tc_buf_str(&m->leaf.cert), TC_STR(""), &err), &err, TC_E_USAGE,
		    "the private key cannot be read: expected PEM of an EC or RSA key (mbedTLS answers -0x3d00)");
	for (size_t n = 0; n < m->leaf.key.len - 30; n += 7)
		assert_int_equal(tc_pair_check(tc_buf_str(&m->leaf.cert), (struct tc_str){.s = m->leaf.key.p, .len = n},
					       &err),
				 -1);
	for (size_t n = 0; n < m->leaf.cert.len - 30; n += 7)
		assert_int_equal(tc_pair_check((struct tc_str){.s = m->leaf.cert.p, .len = n}, tc_buf_str(&m->leaf.key),
					       &err),
				 -1);
}

static void test_pem_next(void **state)
{
	const struct made *m = *state;
	_cleanup_buf_ struct tc_buf text = {0};
	struct tc_str rest, one;

	tc_buf_puts(&text, "# ours\n");
	tc_buf_add(&text, m->ca.cert.p, m->ca.cert.len);
	tc_buf_puts(&text, "between\n");
	tc_buf_add(&text, m->leaf.cert.p, m->leaf.cert.len);
	tc_buf_puts(&text, "-----BEGIN CERTIFICATE-----\nnot ended");
	rest = tc_buf_str(&text);
	assert_true(tc_pem_next(&rest, &one));
	assert_true(tc_str_equal(one, (struct tc_str){.s = m->ca.cert.p, .len = m->ca.cert.len - 1}));
	assert_true(tc_pem_next(&rest, &one));
	assert_true(tc_str_equal(one, (struct tc_str){.s = m->leaf.cert.p, .len = m->leaf.cert.len - 1}));
	assert_false(tc_pem_next(&rest, &one));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaf),       cmocka_unit_test(test_ca),
		cmocka_unit_test(test_info),       cmocka_unit_test(test_two_are_never_equal),
		cmocka_unit_test(test_chain),      cmocka_unit_test(test_leaf_ends_with_its_ca),
		cmocka_unit_test(test_far_years),  cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_long_names), cmocka_unit_test(test_bad_keys),
		cmocka_unit_test(test_pem_next),
	};

	return cmocka_run_group_tests_name("x509", tests, make, unmake);
}
