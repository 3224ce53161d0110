#include <arpa/inet.h>
#include <mbedtls/asn1.h>
#include <mbedtls/md.h>
#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>
#include <time.h>

#include "webhook/x509.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

void tc_cert_info_free(struct tc_cert_info *i)
{
	tc_buf_free(&i->names);
}

void tc_time_text(char out[32], int64_t time)
{
	time_t t = (time_t)time;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)snprintf(out, 32, "%lld", (long long)time);
}

bool tc_pem_next(struct tc_str *rest, struct tc_str *one)
{
	const char *from = rest->len ? memmem(rest->s, rest->len, BEGIN, strlen(BEGIN)) : NULL, *to;

	if (!from)
		return false;
	to = memmem(from, rest->len - (size_t)(from - rest->s), END, strlen(END));
	if (!to)
		return false;
	to += strlen(END);
	*one = (struct tc_str){.s = from, .len = (size_t)(to - from)};
	*rest = (struct tc_str){.s = to, .len = rest->len - (size_t)(to - rest->s)};
	return true;
}

static int64_t seconds(const mbedtls_x509_time *t)
{
	struct tm tm = {.tm_year = t->year - 1900,
			.tm_mon = t->mon - 1,
			.tm_mday = t->day,
			.tm_hour = t->hour,
			.tm_min = t->min,
			.tm_sec = t->sec};

	return (int64_t)timegm(&tm);
}

static void hex(char out[65], const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n && i < 32; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", p[i]);
}

/* All certificates of a PEM, in order. A damaged one is an error: mbedTLS itself would count it and go on. */
static int parse(mbedtls_x509_crt *crt, struct tc_str pem, struct tc_error *err)
{
	struct tc_str rest = pem, one;
	size_t n = 0;

	while (tc_pem_next(&rest, &one)) {
		_cleanup_buf_ struct tc_buf text = {0};
		int rc;

		tc_buf_add(&text, one.s, one.len); /* terminated, as mbedTLS wants it */
		rc = mbedtls_x509_crt_parse(crt, (const unsigned char *)text.p, text.len + 1);
		n++;
		if (rc != 0)
			return tc_fail(err, TC_E_USAGE, "certificate %zu cannot be read: mbedTLS answers -0x%04x", n,
				       (unsigned)-rc);
	}
	if (n == 0)
		return tc_fail(err, TC_E_USAGE, "there is no certificate: expected \"%s\" ... \"%s\"", BEGIN, END);
	return 0;
}

/* --- extensions that mbedTLS 2.28 does not read ----------------------------------------------------------------------
 */

/* The value of the extension `oid`, in the octets of all extensions; false when it is not there. */
static bool find_extension(const mbedtls_x509_crt *crt, const char *oid, size_t oid_len, struct tc_str *value)
{
	unsigned char *p = crt->v3_ext.p, *end = p + crt->v3_ext.len;
	size_t len;

	if (!p || mbedtls_asn1_get_tag(&p, end, &len, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) != 0)
		return false;
	while (p < end && mbedtls_asn1_get_tag(&p, end, &len, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) == 0) {
		unsigned char *stop = p + len;
		bool found;
		int critical;

		if (mbedtls_asn1_get_tag(&p, stop, &len, MBEDTLS_ASN1_OID) != 0)
			return false;
		found = len == oid_len && memcmp(p, oid, len) == 0;
		p += len;
		(void)mbedtls_asn1_get_bool(&p, stop, &critical);
		if (mbedtls_asn1_get_tag(&p, stop, &len, MBEDTLS_ASN1_OCTET_STRING) != 0)
			return false;
		if (found) {
			*value = (struct tc_str){.s = (const char *)p, .len = len};
			return true;
		}
		p = stop;
	}
	return false;
}

static void key_prints(struct tc_cert_info *out, const mbedtls_x509_crt *crt)
{
	struct tc_str value;
	unsigned char *p;
	size_t len;

	if (find_extension(crt, MBEDTLS_OID_SUBJECT_KEY_IDENTIFIER,
			   MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_KEY_IDENTIFIER), &value)) {
		p = (unsigned char *)(uintptr_t)value.s;
		if (mbedtls_asn1_get_tag(&p, p + value.len, &len, MBEDTLS_ASN1_OCTET_STRING) == 0)
			hex(out->key_print, p, len);
	}
	if (find_extension(crt, MBEDTLS_OID_AUTHORITY_KEY_IDENTIFIER,
			   MBEDTLS_OID_SIZE(MBEDTLS_OID_AUTHORITY_KEY_IDENTIFIER), &value)) {
		unsigned char *end;

		p = (unsigned char *)(uintptr_t)value.s;
		end = p + value.len;
		/* AuthorityKeyIdentifier ::= SEQUENCE { keyIdentifier [0] IMPLICIT OCTET STRING OPTIONAL, ... */
		if (mbedtls_asn1_get_tag(&p, end, &len, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) == 0 &&
		    mbedtls_asn1_get_tag(&p, end, &len, MBEDTLS_ASN1_CONTEXT_SPECIFIC) == 0)
			hex(out->issuer_print, p, len);
	}
}

static void list_names(struct tc_buf *out, const mbedtls_x509_crt *crt)
{
	for (const mbedtls_x509_sequence *n = &crt->subject_alt_names; n; n = n->next) {
		char text[INET6_ADDRSTRLEN];

		switch (n->buf.tag & MBEDTLS_ASN1_TAG_VALUE_MASK) {
		case 2: /* dNSName */
			/* Of somebody else's making: no line of it may pretend to be two, or none. */
			for (size_t i = 0; i < n->buf.len; i++)
				tc_buf_putc(out, n->buf.p[i] > ' ' && n->buf.p[i] < 0x7f ? (char)n->buf.p[i] : '?');
			tc_buf_putc(out, '\n');
			break;
		case 7: /* iPAddress */
			if ((n->buf.len == 4 || n->buf.len == 16) &&
			    inet_ntop(n->buf.len == 4 ? AF_INET : AF_INET6, n->buf.p, text, sizeof(text)))
				tc_buf_printf(out, "%s\n", text);
			break;
		default:
			break;
		}
	}
}

int tc_cert_info(struct tc_cert_info *out, struct tc_str pem, struct tc_error *err)
{
	unsigned char sum[32];
	mbedtls_x509_crt crt;
	struct tc_str one;
	int rc;

	tc_cert_info_free(out);
	*out = (struct tc_cert_info){0};
	mbedtls_x509_crt_init(&crt);
	rc = parse(&crt, tc_pem_next(&pem, &one) ? one : pem, err);
	if (rc == 0) {
		/* A subject that does not fit is shown as far as mbedTLS wrote it. */
		(void)mbedtls_x509_dn_gets(out->subject, sizeof(out->subject), &crt.subject);
		out->not_before = seconds(&crt.valid_from);
		out->not_after = seconds(&crt.valid_to);
		out->ca = crt.ca_istrue != 0;
		(void)mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), crt.raw.p, crt.raw.len, sum);
		hex(out->fingerprint, sum, sizeof(sum));
		key_prints(out, &crt);
		list_names(&out->names, &crt);
	}
	mbedtls_x509_crt_free(&crt);
	return rc;
}

/* --- checks
 * ------------------------------------------------------------------------------------------------------------ */

static int parse_key(mbedtls_pk_context *key, struct tc_str pem, struct tc_error *err)
{
	_cleanup_buf_ struct tc_buf text = {.secret = true};
	int rc;

	tc_buf_add(&text, pem.s, pem.len);
	tc_buf_putc(&text, '\0');
	rc = mbedtls_pk_parse_key(key, (const unsigned char *)text.p, text.len, NULL, 0);
	if (rc == 0)
		return 0;
	if (rc == MBEDTLS_ERR_PK_PASSWORD_REQUIRED || rc == MBEDTLS_ERR_PK_PASSWORD_MISMATCH)
		return tc_fail(err, TC_E_USAGE, "the private key is encrypted; give one without a password");
	return tc_fail(err, TC_E_USAGE,
		       "the private key cannot be read: expected PEM of an EC or RSA key (mbedTLS answers -0x%04x)",
		       (unsigned)-rc);
}

int tc_pair_check(struct tc_str cert, struct tc_str key, struct tc_error *err)
{
	mbedtls_x509_crt crt;
	mbedtls_pk_context pk;
	struct tc_str one;
	int rc;

	mbedtls_x509_crt_init(&crt);
	mbedtls_pk_init(&pk);
	rc = parse(&crt, tc_pem_next(&cert, &one) ? one : cert, err);
	if (rc == 0)
		rc = parse_key(&pk, key, err);
	if (rc == 0 && mbedtls_pk_check_pair(&crt.pk, &pk) != 0)
		rc = tc_fail(err, TC_E_USAGE, "the private key does not belong to the certificate");
	mbedtls_pk_free(&pk);
	mbedtls_x509_crt_free(&crt);
	return rc;
}

struct verdict {
	int64_t now;
	struct tc_error *err;
	bool failed;
};

/* mbedTLS asks the system's clock; here `now` is what counts, for the leaf, what is between, and the CA. The leaf comes
 * last: what is wrong with it is what is said. */
static int judge(void *self, mbedtls_x509_crt *crt, int depth, uint32_t *flags)
{
	struct verdict *v = self;
	int64_t from = seconds(&crt->valid_from), to = seconds(&crt->valid_to);
	const char *who = depth == 0 ? "the certificate" : "the CA of the certificate";
	char when[32];

	*flags &= ~(uint32_t)(MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE);
	if (v->now >= from && v->now <= to)
		return 0;
	v->failed = true;
	tc_time_text(when, v->now < from ? from : to);
	(void)tc_fail(v->err, TC_E_USAGE, v->now < from ? "%s is not valid before %s" : "%s expired at %s", who, when);
	return 0;
}

static int verify(mbedtls_x509_crt *crt, mbedtls_x509_crt *bundle, int64_t now, struct tc_error *err)
{
	struct tc_error of_time = {0};
	struct verdict v = {.now = now, .err = &of_time};
	uint32_t flags = 0;
	char why[256] = "";
	int rc = mbedtls_x509_crt_verify(crt, bundle, NULL, NULL, &flags, judge, &v);
	size_t n = 0;

	if (rc == 0 && !v.failed)
		return 0;
	for (const mbedtls_x509_crt *c = bundle; c; c = c->next)
		n++;
	if (flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED)
		return tc_fail(err, TC_E_USAGE, "the certificate is signed by none of the %zu in the bundle", n);
	if (flags == 0 && v.failed) {
		*err = of_time;
		return -1;
	}
	(void)mbedtls_x509_crt_verify_info(why, sizeof(why), "", flags);
	why[strcspn(why, "\n")] = '\0';
	return tc_fail(err, TC_E_USAGE, "the certificate cannot be verified: %s (mbedTLS answers -0x%04x)", why,
		       (unsigned)-rc);
}

int tc_chain_check(struct tc_str cert, struct tc_str bundle, int64_t now, struct tc_error *err)
{
	mbedtls_x509_crt crt, cas;
	int rc;

	mbedtls_x509_crt_init(&crt);
	mbedtls_x509_crt_init(&cas);
	rc = parse(&crt, cert, err);
	if (rc == 0 && parse(&cas, bundle, err) < 0)
		rc = tc_wrap(err, "the bundle");
	if (rc == 0)
		rc = verify(&crt, &cas, now, err);
	mbedtls_x509_crt_free(&cas);
	mbedtls_x509_crt_free(&crt);
	return rc;
}
