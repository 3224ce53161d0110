#include "registrars/nats.h"

#include <crypt.h>

const char *tc_nats_hash(struct tc_arena *mem, const char *password, const char *salt)
{
	struct crypt_data *room = tc_xalloc(sizeof(*room));
	char setting[32];
	const char *hash;

	/* 16 bytes are 21 characters and 2 bits, which only four characters hold in the one canonical way */
	snprintf(setting, sizeof(setting), "$2b$04$%.21s%c", salt, ".Oeu"[(unsigned char)salt[21] % 4]);
	hash = crypt_r(password, setting, room);
	if (!hash || hash[0] != '$')
		abort(); /* a libcrypt without bcrypt: nothing that runs could mend that */
	hash = tc_strdup(mem, hash);
	explicit_bzero(room, sizeof(*room));
	free(room);
	return hash;
}
