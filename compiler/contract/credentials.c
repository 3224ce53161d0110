#include "compiler/contract/credentials.h"

#include <mbedtls/hkdf.h>
#include <mbedtls/md.h>

#include "compiler/contract/keyring.h"

#define HKDF_MAX ((size_t)255 * 32)

static const char exoskeleton_salt[] = "tentacular.io/exoskeleton/v1";

void tc_secret_free(struct tc_secret *s)
{
	struct tc_buf block = {.p = (char *)s->bytes, .len = s->len, .cap = s->len, .secret = true};

	tc_buf_free(&block);
	*s = (struct tc_secret){0};
}

void tc_hkdf_sha256(struct tc_str salt, struct tc_str ikm, struct tc_str info, unsigned char *okm, size_t okm_len)
{
	int rc = mbedtls_hkdf(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), (const unsigned char *)salt.s, salt.len,
			      (const unsigned char *)ikm.s, ikm.len, (const unsigned char *)info.s, info.len, okm,
			      okm_len);

	if (rc == MBEDTLS_ERR_MD_ALLOC_FAILED)
		tc_no_memory(); /* unreachable: no test runs out of memory here */
	if (rc != 0)
		abort(); /* unreachable: no caller wants more than 255 blocks */
}

/* The alphabet and how bytes become characters are part of the format: another order would change every credential.
 * 248 is the largest multiple of 62 below 256, so that bytes below it, taken mod 62, are spread evenly; the others are
 * skipped. Answers how many characters there are now. */
static size_t sample(const unsigned char *stream, size_t len, char out[TC_CREDENTIAL_LEN + 1])
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t n = 0;

	_Static_assert(sizeof(alphabet) - 1 == 62, "letters and digits");
	for (size_t i = 0; i < len && n < TC_CREDENTIAL_LEN; i++)
		if (stream[i] < 248)
			out[n++] = alphabet[stream[i] % 62];
	out[n] = '\0';
	return n;
}

static void add_part(struct tc_buf *info, const char *part)
{
	tc_buf_puts(info, part);
	tc_buf_putc(info, '\0');
}

static size_t attempt(const unsigned char *key, struct tc_str info, unsigned char *stream, size_t len,
		      char out[TC_CREDENTIAL_LEN + 1])
{
	tc_hkdf_sha256(tc_str(exoskeleton_salt), (struct tc_str){.s = (const char *)key, .len = TC_ROOT_KEY_LEN}, info,
		       stream, len);
	return sample(stream, len, out);
}

void tc_credential_derive(const struct tc_keyring *ring, const char *key_id, const struct tc_credential *which,
			  char out[TC_CREDENTIAL_LEN + 1])
{
	const unsigned char *key = tc_keyring_find(ring, tc_str(key_id));
	_cleanup_buf_ struct tc_buf info = {0};
	unsigned char stream[HKDF_MAX];
	size_t n;

	if (!key)
		abort(); /* unreachable: the caller asked tc_keyring_has */
	add_part(&info, which->service);
	add_part(&info, which->field);
	add_part(&info, which->installation);
	add_part(&info, which->enclave);
	add_part(&info, which->name);
	tc_buf_printf(&info, "%u", which->epoch);

	/* The shorter output of HKDF is the beginning of the longer one. 64 bytes are enough but for one case in 10^20.
	 */
	n = attempt(key, tc_buf_str(&info), stream, 64, out);
	if (n < TC_CREDENTIAL_LEN)
		n = attempt(key, tc_buf_str(&info), stream, HKDF_MAX, out); /* unreachable: one in 10^20 */
	explicit_bzero(stream, sizeof(stream));
	if (n < TC_CREDENTIAL_LEN)
		abort(); /* unreachable: 255 blocks hold enough */
}
