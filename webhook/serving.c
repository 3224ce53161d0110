#include "webhook/serving.h"

#include <pthread.h>
#include <stdatomic.h>

#include "compiler/base/arena.h"
#include "webhook/serving_gnutls.h"

#define CHAIN_MAX 16

/* Nothing in it changes after it was made, but the count. */
struct tc_serving_pair {
	atomic_uint refs;
	gnutls_datum_t certs[CHAIN_MAX]; /* DER */
	unsigned ncerts;
	gnutls_x509_privkey_t key;
	int64_t not_before, not_after;
	char fingerprint[65];
};

/* The lock is held to copy a pointer and to count, never while something is parsed or signed. */
struct tc_serving {
	pthread_mutex_t lock;
	struct tc_serving_pair *current;
};

struct tc_serving *tc_serving_new(void)
{
	struct tc_serving *s = tc_xalloc(sizeof(*s));

	(void)pthread_mutex_init(&s->lock, NULL);
	return s;
}

void tc_serving_free(struct tc_serving *s)
{
	if (!s)
		return;
	tc_serving_give(s->current);
	(void)pthread_mutex_destroy(&s->lock);
	free(s);
}

struct tc_serving_pair *tc_serving_take(struct tc_serving *s)
{
	struct tc_serving_pair *p;

	(void)pthread_mutex_lock(&s->lock);
	p = s->current;
	if (p)
		atomic_fetch_add(&p->refs, 1);
	(void)pthread_mutex_unlock(&s->lock);
	return p;
}

void tc_serving_give(struct tc_serving_pair *p)
{
	if (!p || atomic_fetch_sub(&p->refs, 1) != 1)
		return;
	for (unsigned i = 0; i < p->ncerts; i++)
		gnutls_free(p->certs[i].data);
	gnutls_x509_privkey_deinit(p->key); /* wipes it */
	free(p);
}

const gnutls_datum_t *tc_serving_pair_certs(const struct tc_serving_pair *p, unsigned *n)
{
	*n = p->ncerts;
	return p->certs;
}

gnutls_x509_privkey_t tc_serving_pair_key(const struct tc_serving_pair *p)
{
	return p->key;
}

/* --- making a pair ---------------------------------------------------------------------------------------------------
 */

static gnutls_datum_t datum(struct tc_str s)
{
	/* gnutls does not write there */
	return (gnutls_datum_t){.data = (unsigned char *)(uintptr_t)s.s, .size = (unsigned)s.len};
}

static int fail(struct tc_error *err, const char *what, int rc)
{
	if (rc == GNUTLS_E_MEMORY_ERROR)
		tc_no_memory();
	return tc_fail(err, TC_E_USAGE, "%s: gnutls says \"%s\"", what, gnutls_strerror(rc));
}

static int take_certs(struct tc_serving_pair *p, gnutls_x509_crt_t *list, unsigned n, struct tc_error *err)
{
	unsigned char sum[32];
	size_t size = sizeof(sum);
	int rc = gnutls_x509_crt_get_fingerprint(list[0], GNUTLS_DIG_SHA256, sum, &size);

	for (unsigned i = 0; i < n && rc == 0; i++) {
		rc = gnutls_x509_crt_export2(list[i], GNUTLS_X509_FMT_DER, &p->certs[i]);
		p->ncerts += rc == 0;
	}
	if (rc < 0) /* unreachable: it was read a moment ago */
		return fail(err, "the certificate cannot be written", rc);
	p->not_before = (int64_t)gnutls_x509_crt_get_activation_time(list[0]);
	p->not_after = (int64_t)gnutls_x509_crt_get_expiration_time(list[0]);
	for (size_t i = 0; i < size; i++)
		(void)snprintf(p->fingerprint + 2 * i, 3, "%02x", sum[i]);
	return 0;
}

static int take_key(struct tc_serving_pair *p, gnutls_x509_crt_t leaf, struct tc_str key, struct tc_error *err)
{
	unsigned char of_cert[64], of_key[64];
	size_t ncert = sizeof(of_cert), nkey = sizeof(of_key);
	gnutls_datum_t in = datum(key);
	int rc = gnutls_x509_privkey_init(&p->key);

	if (rc == 0)
		rc = gnutls_x509_privkey_import2(p->key, &in, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (rc == GNUTLS_E_DECRYPTION_FAILED)
		return tc_fail(err, TC_E_USAGE, "the private key is encrypted; give one without a password");
	if (rc == 0)
		rc = gnutls_x509_crt_get_key_id(leaf, GNUTLS_KEYID_USE_SHA256, of_cert, &ncert);
	if (rc == 0)
		rc = gnutls_x509_privkey_get_key_id(p->key, GNUTLS_KEYID_USE_SHA256, of_key, &nkey);
	if (rc < 0)
		return fail(err, "the private key cannot be read", rc);
	if (ncert != nkey || memcmp(of_cert, of_key, nkey) != 0)
		return tc_fail(err, TC_E_USAGE, "the private key does not belong to the certificate");
	return 0;
}

static int new_pair(struct tc_serving_pair **out, struct tc_str cert, struct tc_str key, struct tc_error *err)
{
	_cleanup_(tc_serving_give) struct tc_serving_pair *p = tc_xalloc(sizeof(*p));
	gnutls_datum_t in = datum(cert);
	gnutls_x509_crt_t *list = NULL;
	unsigned n = 0;
	int rc;

	atomic_init(&p->refs, 1);
	if (cert.len > UINT_MAX || key.len > UINT_MAX)
		return tc_fail(err, TC_E_USAGE, "the certificate is too large");
	rc = gnutls_x509_crt_list_import2(&list, &n, &in, GNUTLS_X509_FMT_PEM, 0);
	if (rc < 0)
		return fail(err, "the certificate cannot be read", rc);
	if (n > CHAIN_MAX)
		rc = tc_fail(err, TC_E_USAGE, "there are %u certificates, at most %d can be served", n, CHAIN_MAX);
	else
		rc = take_certs(p, list, n, err);
	if (rc == 0)
		rc = take_key(p, list[0], key, err);
	for (unsigned i = 0; i < n; i++)
		gnutls_x509_crt_deinit(list[i]);
	gnutls_free(list);
	if (rc == 0)
		*out = tc_take(&p);
	return rc;
}

static bool same(const struct tc_serving_pair *a, const struct tc_serving_pair *b)
{
	if (a->ncerts != b->ncerts)
		return false;
	for (unsigned i = 0; i < a->ncerts; i++)
		if (a->certs[i].size != b->certs[i].size ||
		    memcmp(a->certs[i].data, b->certs[i].data, a->certs[i].size) != 0)
			return false;
	return true; /* and so is the key, since it fits */
}

int tc_serving_set(struct tc_serving *s, struct tc_str cert, struct tc_str key, bool *changed, struct tc_error *err)
{
	_cleanup_(tc_serving_give) struct tc_serving_pair *p = NULL;
	bool other;

	if (new_pair(&p, cert, key, err) < 0 || !p)
		return -1;
	(void)pthread_mutex_lock(&s->lock);
	other = !s->current || !same(s->current, p);
	if (other) {
		struct tc_serving_pair *old = s->current;

		s->current = p;
		p = old; /* given back outside of the lock */
	}
	(void)pthread_mutex_unlock(&s->lock);
	if (changed)
		*changed = other;
	return 0;
}

/* Taking counts, and so writes: the serving is const for those who look only. */
static struct tc_serving_pair *look(const struct tc_serving *s)
{
	return tc_serving_take((struct tc_serving *)(uintptr_t)s);
}

bool tc_serving_validity(const struct tc_serving *s, int64_t *not_before, int64_t *not_after)
{
	_cleanup_(tc_serving_give) struct tc_serving_pair *p = look(s);

	if (!p)
		return false;
	*not_before = p->not_before;
	*not_after = p->not_after;
	return true;
}

void tc_serving_fingerprint(const struct tc_serving *s, char out[65])
{
	_cleanup_(tc_serving_give) struct tc_serving_pair *p = look(s);

	memcpy(out, p ? p->fingerprint : "", p ? sizeof(p->fingerprint) : 1);
}

/* --- in a handshake --------------------------------------------------------------------------------------------------
 */

int tc_serving_answer(struct tc_serving *s, gnutls_pcert_st **certs, unsigned *ncerts, gnutls_privkey_t *key,
		      unsigned *flags)
{
	_cleanup_(tc_serving_give) struct tc_serving_pair *p = tc_serving_take(s);
	gnutls_pcert_st *copy;
	unsigned n = 0;

	if (!p)
		return -1;
	copy = gnutls_calloc(p->ncerts, sizeof(*copy));
	if (!copy || gnutls_privkey_init(key) < 0)
		tc_no_memory();
	while (n < p->ncerts && gnutls_pcert_import_x509_raw(&copy[n], &p->certs[n], GNUTLS_X509_FMT_DER, 0) == 0)
		n++;
	if (n < p->ncerts || gnutls_privkey_import_x509(*key, p->key, GNUTLS_PRIVKEY_IMPORT_COPY) < 0) {
		/* unreachable: both were read when the pair was made */
		while (n > 0)
			gnutls_pcert_deinit(&copy[--n]);
		gnutls_free(copy);
		gnutls_privkey_deinit(*key);
		return -1;
	}
	*certs = copy;
	*ncerts = n;
	*flags |= GNUTLS_CERT_RETR_DEINIT_ALL;
	return 0;
}
