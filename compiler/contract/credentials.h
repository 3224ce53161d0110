/* credentials.h - every credential is derived: HKDF-SHA256 (RFC 5869) over a root key.
 *
 * salt "tentacular.io/exoskeleton/v1", info = service NUL field NUL installation NUL enclave NUL name NUL epoch
 * (decimal); 40 characters of [A-Za-z0-9] by rejection sampling from the HKDF stream. */
#ifndef TC_CREDENTIALS_H
#define TC_CREDENTIALS_H

#include "compiler/base/arena.h"
#include "compiler/base/diag.h"

#define TC_CREDENTIAL_LEN 40
#define TC_ROOT_KEY_LEN 32
#define TC_KEY_ID_MAX 63

/* The bytes of a secret: never a char *. Its only printable form is a constant. */
struct tc_secret {
	unsigned char *bytes;
	size_t len;
};

static inline const char *tc_secret_show(const struct tc_secret *s)
{
	return s->len ? "<redacted>" : "<empty>";
}

void tc_secret_free(struct tc_secret *s); /* wipes */

/* Root keys by id. A key file has one line a key, `<key id>: <base64 of 32 bytes>`; blank lines and lines that begin
 * with # are skipped. Key ids are RFC 1123 labels. */
struct tc_keyring;

/* src: the file's text; the caller wipes it. NULL with diagnostics when refused; no diagnostic shows any text of the
 * file but key ids (their source line is never printed: positions have src NULL, the message names file and line). */
struct tc_keyring *tc_keyring_parse(const struct tc_source *src, struct tc_diags *diags);
void tc_keyring_free(struct tc_keyring *ring); /* wipes; accepts NULL */
bool tc_keyring_has(const struct tc_keyring *ring, const char *key_id);
/* "k1, k2": for messages. */
const char *tc_keyring_ids(struct tc_arena *mem, const struct tc_keyring *ring);

struct tc_credential {
	const char *service, *field; /* "postgres", "password" */
	const char *installation, *enclave, *name;
	unsigned epoch;
};

/* Writes TC_CREDENTIAL_LEN characters and a NUL. The key must be in the ring. */
void tc_credential_derive(const struct tc_keyring *ring, const char *key_id, const struct tc_credential *which,
			  char out[TC_CREDENTIAL_LEN + 1]);

/* RFC 5869; okm_len at most 255 * 32. */
void tc_hkdf_sha256(struct tc_str salt, struct tc_str ikm, struct tc_str info, unsigned char *okm, size_t okm_len);

/* One line of a key file, from 32 random bytes that the caller obtained. */
void tc_keyring_line(struct tc_buf *out, const char *key_id, const unsigned char key[TC_ROOT_KEY_LEN]);

TC_DEFINE_CLEANUP(struct tc_keyring, tc_keyring_free)

#endif
