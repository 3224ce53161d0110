/* serving_gnutls.h - what is served, as gnutls wants it in a handshake. For server.c; others need serving.h only.
 *
 * A gnutls_certificate_retrieve_function3 (MHD_OPTION_HTTPS_CERT_CALLBACK2) finds its struct tc_serving and answers
 * with tc_serving_answer; *ocsp = NULL and *nocsp = 0. With libmicrohttpd, gnutls_session_get_ptr(session) is the
 * struct MHD_Connection, whose MHD_CONNECTION_INFO_SOCKET_CONTEXT is what MHD_OPTION_NOTIFY_CONNECTION put there. MHD
 * itself is given no certificate and no key. */
#ifndef TC_SERVING_GNUTLS_H
#define TC_SERVING_GNUTLS_H

#include <gnutls/gnutls.h>
/* after gnutls.h, which it needs */
#include <gnutls/abstract.h>

#include "webhook/serving.h"

/* Copies of what is served now, which gnutls frees (GNUTLS_CERT_RETR_DEINIT_ALL): a handshake keeps its pair for as
 * long as it wants, and nobody has to be told when it is done. -1: nothing to serve; gnutls then refuses the handshake.
 */
int tc_serving_answer(struct tc_serving *s, gnutls_pcert_st **certs, unsigned *ncerts, gnutls_privkey_t *key,
		      unsigned *flags);

/* Of a pair that was taken: borrowed, and not to be changed, since other threads read them too. */
const gnutls_datum_t *tc_serving_pair_certs(const struct tc_serving_pair *p, unsigned *n); /* DER, the leaf first */
gnutls_x509_privkey_t tc_serving_pair_key(const struct tc_serving_pair *p);

#endif
