/* Bodies that MinIO's administration wants encrypted (github.com/minio/madmin-go, EncryptData). */
#include <mbedtls/gcm.h>
#include <mbedtls/md.h>
#include <mbedtls/pkcs5.h>

#include "registrars/rustfs.h"

#define PBKDF2_AES_GCM 2 /* the one of its three ways that needs no argon2 */
#define ITERATIONS 8192
#define TAG 16
#define FRAGMENT (16u << 10)

static void derive(struct tc_str key, const unsigned char *salt, unsigned char out[32])
{
	mbedtls_md_context_t md;

	mbedtls_md_init(&md);
	if (mbedtls_md_setup(&md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 1) != 0 ||
	    mbedtls_pkcs5_pbkdf2_hmac(&md, (const unsigned char *)key.s, key.len, salt, TC_SEAL_SALT, ITERATIONS, 32,
				      out) != 0)
		tc_no_memory();
	mbedtls_md_free(&md);
}

/* text NULL: the tag alone. */
static void encrypt(mbedtls_gcm_context *gcm, const unsigned char *nonce, uint32_t number, struct tc_str aad,
		    struct tc_str text, unsigned char *out, unsigned char tag[TAG])
{
	unsigned char iv[12];

	memcpy(iv, nonce, TC_SEAL_NONCE);
	for (unsigned i = 0; i < 4; i++)
		iv[TC_SEAL_NONCE + i] = (unsigned char)(number >> 8 * i);
	if (mbedtls_gcm_crypt_and_tag(gcm, MBEDTLS_GCM_ENCRYPT, text.len, iv, sizeof(iv), (const unsigned char *)aad.s,
				      aad.len, (const unsigned char *)text.s, out, TAG, tag) != 0)
		abort(); /* unreachable: the sizes fit */
}

void tc_rustfs_seal(struct tc_buf *out, struct tc_str key, struct tc_str text, const unsigned char salt[TC_SEAL_SALT],
		    const unsigned char nonce[TC_SEAL_NONCE])
{
	unsigned char secret[32], aad[1 + TAG], tag[TAG];
	mbedtls_gcm_context gcm;
	size_t at;

	if (text.len > FRAGMENT)
		abort(); /* unreachable: one key and one word */
	derive(key, salt, secret);
	mbedtls_gcm_init(&gcm);
	if (mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, secret, 256) != 0)
		tc_no_memory();
	explicit_bzero(secret, sizeof(secret));
	tc_buf_add(out, (const char *)salt, TC_SEAL_SALT);
	tc_buf_putc(out, PBKDF2_AES_GCM);
	tc_buf_add(out, (const char *)nonce, TC_SEAL_NONCE);
	/* The first fragment is authenticated with the tag of nothing, and says that it is the last. */
	encrypt(&gcm, nonce, 0, TC_STR(""), TC_STR(""), NULL, aad + 1);
	aad[0] = 0x80;
	at = out->len;
	tc_buf_fill(out, '\0', text.len);
	encrypt(&gcm, nonce, 1, (struct tc_str){.s = (const char *)aad, .len = sizeof(aad)}, text,
		(unsigned char *)out->p + at, tag);
	tc_buf_add(out, (const char *)tag, TAG);
	mbedtls_gcm_free(&gcm);
}
