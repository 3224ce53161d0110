/* The verifier is made here, so that no statement and no log of the server ever holds a password. */
#include "registrars/postgres.h"

#include <mbedtls/md.h>
#include <mbedtls/pkcs5.h>
#include <mbedtls/version.h>

#include "compiler/contract/identity.h"

#define HASH 32

static void hmac(const unsigned char key[HASH], const char *text, unsigned char out[HASH])
{
	if (mbedtls_md_hmac(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), key, HASH, (const unsigned char *)text,
			    strlen(text), out) != 0)
		tc_no_memory();
}

static void hash(const unsigned char *data, size_t len, unsigned char out[HASH])
{
	if (mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), data, len, out) != 0)
		tc_no_memory();
}

/* PBKDF2 with HMAC-SHA256. mbedTLS has it under two names, one of which goes away with version 4. */
static void salted_password(const char *password, const unsigned char *salt, unsigned iterations,
			    unsigned char out[HASH])
{
	const unsigned char *bytes = (const unsigned char *)password;
	int rc;
#if MBEDTLS_VERSION_NUMBER >= 0x03030000
	rc = mbedtls_pkcs5_pbkdf2_hmac_ext(MBEDTLS_MD_SHA256, bytes, strlen(password), salt, TC_SCRAM_SALT, iterations,
					   HASH, out);
#else
	mbedtls_md_context_t md;

	mbedtls_md_init(&md);
	rc = mbedtls_md_setup(&md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 1);
	if (rc == 0)
		rc = mbedtls_pkcs5_pbkdf2_hmac(&md, bytes, strlen(password), salt, TC_SCRAM_SALT, iterations, HASH,
					       out);
	mbedtls_md_free(&md);
#endif
	if (rc != 0)
		tc_no_memory();
}

const char *tc_scram_verifier(struct tc_arena *mem, const char *password, const unsigned char salt[TC_SCRAM_SALT],
			      unsigned iterations)
{
	unsigned char salted[HASH], client[HASH], stored[HASH], server[HASH];
	const char *text;

	salted_password(password, salt, iterations, salted);
	hmac(salted, "Client Key", client);
	hash(client, HASH, stored);
	hmac(salted, "Server Key", server);
	text = tc_printf(mem, "SCRAM-SHA-256$%u:%s$%s:%s", iterations,
			 tc_base64(mem, (struct tc_str){(const char *)salt, TC_SCRAM_SALT}),
			 tc_base64(mem, (struct tc_str){(const char *)stored, HASH}),
			 tc_base64(mem, (struct tc_str){(const char *)server, HASH}));
	explicit_bzero(salted, sizeof(salted));
	explicit_bzero(client, sizeof(client));
	return text;
}

void tc_scram_salt(const char *label, unsigned char salt[TC_SCRAM_SALT])
{
	unsigned char all[HASH];

	hash((const unsigned char *)label, strlen(label), all);
	memcpy(salt, all, TC_SCRAM_SALT);
}
