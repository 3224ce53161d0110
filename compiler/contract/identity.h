/* identity.h - the rules of names: a pure function of (enclave, name).
 *
 * Both are RFC 1123 labels, so `_` (Postgres, S3), `.` (NATS, ClusterSPIFFEID) and `/` (prefixes) cannot occur inside a
 * part and no two identities share a derived name. Which names a service derives stands in its own row (catalogue.h).
 */
#ifndef TC_IDENTITY_H
#define TC_IDENTITY_H

#include "compiler/base/arena.h"

#define TC_LABEL_MAX 63

/* NULL when text is an RFC 1123 label; else one line that says what is wrong and where, in the arena:
 * "is empty", "is 64 characters long, at most 63 are allowed", "has \"_\" as character 3, allowed are a-z, 0-9 and -",
 * "begins with \"-\", ...", "ends with \"-\", ...". */
const char *tc_label_fault(struct tc_arena *mem, struct tc_str text);

/* "tent_<enclave>_<name>", or its long form where that is over 63 bytes (Postgres cuts names there): the first 29
 * bytes, "__", and the first 32 hex digits of SHA-256("<enclave>/<name>"). */
const char *tc_name_tentacle(struct tc_arena *mem, const char *enclave, const char *name);
/* "tentenc_<enclave>"; the long form hashes "<enclave>". */
const char *tc_name_enclave(struct tc_arena *mem, const char *enclave);

/* A setting that may hold `{enclave}`, filled in. Checked when the configuration was read: holds no other braces. */
const char *tc_template_expand(struct tc_arena *mem, const char *text, const char *enclave);

#define TC_SHA256_LEN 32
/* The digest of data. compiler/contract/sha256.c has it by mbedTLS; a program may be linked with a definition of its
 * own instead, which has to give the same bytes (webhook/sha256.c). */
void tc_sha256(struct tc_str data, unsigned char sum[TC_SHA256_LEN]);
/* The first n hex digits (n <= 64) of SHA-256 over data. */
const char *tc_sha256_hex(struct tc_arena *mem, struct tc_str data, size_t n);
/* Standard base64 with padding (RFC 4648, section 4). */
char *tc_base64(struct tc_arena *mem, struct tc_str data);
/* Strict decoding; false for anything that tc_base64 would not write. out is in the arena. */
bool tc_base64_decode(struct tc_arena *mem, struct tc_str text, struct tc_str *out);

#endif
