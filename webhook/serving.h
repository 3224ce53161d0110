/* serving.h - the certificate that is served now; swapped while connections go on.
 *
 * A handshake takes the pair that is current when it starts; the old one is freed when the last one lets go. */
#ifndef TC_SERVING_H
#define TC_SERVING_H

#include "webhook/x509.h"

struct tc_serving;

struct tc_serving *tc_serving_new(void);
void tc_serving_free(struct tc_serving *s);

/* Takes the pair when it is whole and its key fits (else -1, and what was served before is served on). *changed, which
 * may be NULL: it is another one than before. */
int tc_serving_set(struct tc_serving *s, struct tc_str cert, struct tc_str key, bool *changed, struct tc_error *err);
/* Of what is served; false when there is nothing yet. */
bool tc_serving_validity(const struct tc_serving *s, int64_t *not_before, int64_t *not_after);
/* What gnutls asks in a handshake: a gnutls_certificate_retrieve_function2 is registered with MHD by server.c and calls
 * this with borrowed gnutls objects; see serving.c for their life. */
struct tc_serving_pair;
struct tc_serving_pair *tc_serving_take(struct tc_serving *s); /* NULL: nothing to serve */
void tc_serving_give(struct tc_serving_pair *p);

TC_DEFINE_CLEANUP(struct tc_serving, tc_serving_free)

#endif
