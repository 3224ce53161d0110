/* SHA-256 of the program that may link nothing more than mbedTLS. webhook/sha256.c is the other one. */
#include "compiler/contract/identity.h"

#include <mbedtls/md.h>

void tc_sha256(struct tc_str data, unsigned char sum[TC_SHA256_LEN])
{
	/* The one-shot call allocates nothing it could miss, but a build of the library may lack SHA-256. */
	if (mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), (const unsigned char *)(data.len ? data.s : ""),
		       data.len, sum) != 0)
		tc_no_memory(); /* unreachable: the library has SHA-256 */
}
