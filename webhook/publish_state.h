/* publish_state.h - what the Secret and the webhook configuration say about certificates, and what is due. For
 * publish.c and `tentc certs`.
 *
 * No clock and no network here. The Secret's values are copied into buffers that are wiped. */
#ifndef TC_PUBLISH_STATE_H
#define TC_PUBLISH_STATE_H

#include <jansson.h>

#include "compiler/base/arena.h"
#include "webhook/publish.h"

#define TC_PUBLISH_LIFETIME (INT64_C(90) * 86400)
#define TC_PUBLISH_OLD_MAX 16 /* CAs that are kept beside ours */

struct tc_certs {
	struct tc_pem ca, leaf, next; /* next: a CA */
	struct tc_buf old;            /* PEM of CAs */
	int64_t old_until;
	/* By tc_certs_judge: can sign; can be announced to sign; can be served. */
	bool ca_good, next_good, leaf_good;
};

/* What is no base64, or missing, is empty. secret may be NULL. */
void tc_certs_read(struct tc_certs *out, const json_t *secret);
/* A whole Secret: secret as it was read (NULL: a new one) with these values. The caller wipes it (tc_secret_drop). */
json_t *tc_certs_write(const struct tc_certs *c, const json_t *secret, const char *ns, const char *name);
void tc_certs_free(struct tc_certs *c);
/* Wipes the values of a Secret and lets it go; NULL is fine. */
void tc_secret_drop(json_t *secret);

/* The entries of a webhook configuration that are ours. */
struct tc_bundle {
	const char *webhook; /* the entry's name */
	struct tc_str pem;   /* what its caBundle holds now */
};
struct tc_bundles {
	struct tc_bundle *entry;
	size_t count;
};

/* In mem. config may be NULL: no entries. */
void tc_bundles_read(struct tc_bundles *out, struct tc_arena *mem, const json_t *config, const char *const *names,
		     size_t nnames);
/* Does every entry hold the (first) certificate of pem? True when there is no entry. */
bool tc_bundles_hold(const struct tc_bundles *b, struct tc_str pem);
bool tc_bundles_hold_print(const struct tc_bundles *b, const char *fingerprint);
/* Does every entry hold just this text? */
bool tc_bundles_are(const struct tc_bundles *b, struct tc_str pem);
/* For server-side apply: the entries by name, with their caBundle alone; of this very version of the object. */
json_t *tc_bundles_write(const struct tc_bundles *b, const json_t *config, struct tc_str pem);

/* What the caBundle has to hold, of certificates that were judged. */
void tc_certs_bundle(struct tc_buf *out, const struct tc_certs *c, int64_t now);

/* Is it a CA that can sign; a leaf of the CA? Both valid now. An error says what is wrong. */
int tc_certs_check_ca(const struct tc_pem *ca, int64_t now, struct tc_error *err);
int tc_certs_check_leaf(const struct tc_certs *c, int64_t now, struct tc_error *err);
/* Once after reading: it takes some milliseconds. */
void tc_certs_judge(struct tc_certs *c, int64_t now);
/* Two thirds of its life are over. */
bool tc_cert_due(const struct tc_cert_info *info, int64_t now);

struct tc_plan {
	const char *const *names;
	size_t nnames;
	int64_t lifetime, now;
	const struct tc_bundles *bundles;
	bool next_settled; /* every API server knows the next CA by now */
};
/* Makes what is due of certificates that were judged. *what: what was changed, for people; NULL when nothing was. */
int tc_certs_plan(struct tc_certs *c, const struct tc_plan *plan, const char **what, struct tc_error *err);

static inline void tc_secret_drop_p(json_t **j)
{
	tc_secret_drop(*j);
	*j = NULL;
}
#define _cleanup_secret_ __attribute__((cleanup(tc_secret_drop_p)))
#define _cleanup_certs_ __attribute__((cleanup(tc_certs_free)))

#endif
