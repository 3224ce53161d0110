/* x509.h - the certificates of the webhook: a CA and a leaf, ECDSA P-256 (mbedTLS), as PEM.
 *
 * Keys are secret: struct tc_pem wipes them when it is freed. Times are seconds since 1970, given by the caller; no
 * clock is read here. Certificates are valid from TC_CERT_BACKDATE seconds before they are made, since the clocks of
 * those who verify differ a little. */
#ifndef TC_X509_H
#define TC_X509_H

#include "compiler/base/buf.h"
#include "compiler/base/error.h"

#define TC_CERT_BACKDATE 300

struct tc_pem {
	struct tc_buf cert; /* one certificate, or the leaf and what signed it */
	struct tc_buf key;  /* PKCS#8 or SEC 1; .secret */
};
void tc_pem_free(struct tc_pem *p); /* p itself stays usable, as {0} */

struct tc_cert_info {
	char subject[128];
	int64_t not_before, not_after;
	char fingerprint[65];  /* SHA-256 of the certificate's DER, hex */
	char key_print[65];    /* key identifier of its own, hex; "" when it has none */
	char issuer_print[65]; /* key identifier of what signed it, hex; "" when unknown */
	bool ca;
	struct tc_buf names; /* DNS names and addresses, one a line */
};
void tc_cert_info_free(struct tc_cert_info *i);

/* A self-signed CA. lifetime in seconds. common_name: 1 to 64 of letters, digits, and " -._:". */
int tc_ca_make(struct tc_pem *out, const char *common_name, int64_t now, int64_t lifetime, struct tc_error *err);
/* names: "tentc.tentacular-system.svc", "127.0.0.1"; at least one. It ends no later than its CA does. */
int tc_leaf_make(struct tc_pem *out, const struct tc_pem *ca, const char *const *names, size_t nnames, int64_t now,
		 int64_t lifetime, struct tc_error *err);
/* The first certificate in a PEM. What *out held is freed. */
int tc_cert_info(struct tc_cert_info *out, struct tc_str pem, struct tc_error *err);
/* Does the key belong to the (first) certificate? An error says what does not fit, never a byte of the key. */
int tc_pair_check(struct tc_str cert, struct tc_str key, struct tc_error *err);
/* Is the leaf signed by one of the certificates of the bundle, and valid at `now`? */
int tc_chain_check(struct tc_str cert, struct tc_str bundle, int64_t now, struct tc_error *err);

/* The certificates of a PEM in turn, each from its BEGIN to its END line; false after the last one. What stands between
 * them is passed over. *rest: the PEM at first. */
bool tc_pem_next(struct tc_str *rest, struct tc_str *one);
/* "2026-11-24T10:00:00Z" */
void tc_time_text(char out[32], int64_t time);

#define _cleanup_pem_ __attribute__((cleanup(tc_pem_free)))
#define _cleanup_cert_info_ __attribute__((cleanup(tc_cert_info_free)))

#endif
