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
 * may be NULL: it is another one than before. cert: the leaf, then what signed it; a root may be left out. Times are
 * not looked at: an expired pair is served too, and tc_serving_validity tells. */
int tc_serving_set(struct tc_serving *s, struct tc_str cert, struct tc_str key, bool *changed, struct tc_error *err);
/* Of what is served; false when there is nothing yet. */
bool tc_serving_validity(const struct tc_serving *s, int64_t *not_before, int64_t *not_after);
/* SHA-256 of the leaf's DER, hex; "" when there is nothing yet. */
void tc_serving_fingerprint(const struct tc_serving *s, char out[65]);

/* The pair that is current, until it is given back. Any thread may do that at any time, also after the serving was
 * freed. serving_gnutls.h shows what is in it, and the callback that a server registers. */
struct tc_serving_pair;
struct tc_serving_pair *tc_serving_take(struct tc_serving *s); /* NULL: nothing to serve */
void tc_serving_give(struct tc_serving_pair *p);               /* NULL is fine */

TC_DEFINE_CLEANUP(struct tc_serving, tc_serving_free)
TC_DEFINE_CLEANUP(struct tc_serving_pair, tc_serving_give)

#endif
