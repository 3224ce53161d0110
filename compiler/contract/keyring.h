/* keyring.h - the root key behind an id: for credentials.c only, nobody else handles key bytes. */
#ifndef TC_KEYRING_H
#define TC_KEYRING_H

#include "compiler/contract/credentials.h"

/* TC_ROOT_KEY_LEN bytes, NULL when the ring has no such key. */
const unsigned char *tc_keyring_find(const struct tc_keyring *ring, struct tc_str key_id);

#endif
