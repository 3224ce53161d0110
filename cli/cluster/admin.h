/* admin.h - how the registrars log in: services.<key>.admin of the configuration, its files read, with what the
 * environment says in place of it.
 *
 *   TENTACULAR_POSTGRES_ADMIN_HOST, _PORT, _USER, _PASSWORD
 *   TENTACULAR_RUSTFS_ACCESS_KEY, TENTACULAR_RUSTFS_SECRET_KEY
 *   TENTACULAR_NATS_URL, TENTACULAR_NATS_TOKEN (the administrator's password)
 *
 * A variable that is empty counts as not set. */
#ifndef TC_CLI_ADMIN_H
#define TC_CLI_ADMIN_H

#include "registrars/registrar.h"

/* mem: of tc_arena_new_secret; holds all that *out points to, the password too, and wipes it. No error shows what a
 * file or a variable holds. */
int tc_admin_read(struct tc_admin *out, struct tc_arena *mem, const struct tc_service_config *service,
		  struct tc_error *err);

#endif
