/* rustfs.h - the registrar of RustFS, MinIO and what speaks like them; shared by its files rustfs_*.c, internal to
 * registrars/.
 *
 *   sigv4.c, s3.c, s3_refusal.c, xml.c   signed requests, what comes back, and what refusals mean
 *   rustfs.c           the table of operations; apply, verify, retain
 *   rustfs_admin.c     users and policies, in two dialects
 *   rustfs_users.c     many users, read side by side
 *   rustfs_seal.c      bodies as MinIO's administration wants them
 *   rustfs_policy.c    the policy of a tentacle, and the mark in it
 *   rustfs_bucket.c    buckets, and the mark of an enclave's own
 *   rustfs_objects.c   objects: counted, and removed in pages
 *   rustfs_look.c      what is there: observe, observe_all
 *   rustfs_probe.c     the server and the administrator's rights
 *   rustfs_destroy.c   destroy, and the bucket of an enclave */
#ifndef TC_RUSTFS_H
#define TC_RUSTFS_H

#include <jansson.h>

#include "registrars/registrar.h"
#include "registrars/s3.h"
#include "registrars/xml.h"

/* How users and policies are administered. */
struct tc_rustfs_dialect {
	const char *name;
	const char *base; /* of the paths */
	bool sealed;      /* bodies with a secret are encrypted by the administrator's secret key */
	bool lists_users; /* list-users answers in the clear */
};

struct tc_rustfs {
	struct tc_registrar_conf conf;
	const struct tc_rustfs_dialect *dialect;
	struct tc_arena *mem; /* of one operation; wiped */
	struct tc_s3 *s3;     /* one connection, for the administrator and for tenants */
	struct tc_s3_conf s3_conf;
	unsigned seconds;
};

/* All that is derived for one tentacle; texts in r->mem. */
struct tc_rustfs_names {
	const char *installation, *enclave, *name, *key_id;
	const char *user; /* the access key and the name of the policy, too */
	const char *bucket, *prefix;
	bool own_bucket; /* the enclave has one to itself */
	unsigned epoch;
	/* Derived beside the secret key, from the same key and epoch: what was last set is known without asking for
	 * what nobody may read, and it says nothing about the secret key. NULL: not compared. */
	const char *check;
	struct tc_s3_login login; /* only after tc_rustfs_credential */
};

static inline void tc_rustfs_json_decref(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}
#define _cleanup_json_ __attribute__((cleanup(tc_rustfs_json_decref)))

/* r->mem is emptied: every operation begins with it. */
void tc_rustfs_begin(struct tc_rustfs *r);
void tc_rustfs_names(struct tc_rustfs *r, struct tc_rustfs_names *out, const struct tc_want *want);
void tc_rustfs_bucket_of(struct tc_rustfs *r, const char *enclave, const char **bucket, bool *own);
/* Fails without root keys. */
int tc_rustfs_credential(struct tc_rustfs *r, struct tc_rustfs_names *n, struct tc_error *err);
/* Tells the step, and does it. */
int tc_rustfs_change(struct tc_rustfs *r, const struct tc_s3_request *req, struct tc_s3_answer *answer,
		     struct tc_error *err);
/* Whether the server lets the tenant list its prefix: -1 when it could not be asked. A refusal is told in answer. */
int tc_rustfs_login(struct tc_rustfs *r, const struct tc_rustfs_names *n, bool *in, struct tc_s3_answer *answer,
		    struct tc_error *err);

/* --- users and policies ----------------------------------------------------------------------------------------------
 */

struct tc_rustfs_user {
	bool there, enabled;
	const char *policies; /* "a,b"; "" */
	const char *groups;   /* "a,b"; "" */
};

const struct tc_rustfs_dialect *tc_rustfs_dialect(const char *name);
/* A call to the administration; op: "user-info". */
struct tc_s3_request tc_rustfs_admin(struct tc_rustfs *r, const char *method, const char *op);
int tc_rustfs_admin_read(struct tc_rustfs *r, const struct tc_s3_request *req, json_t **out, struct tc_error *err);
int tc_rustfs_user_read(struct tc_rustfs *r, const char *user, struct tc_rustfs_user *out, struct tc_error *err);
/* Many of them, on connections of their own; their texts are in mem. */
int tc_rustfs_users_read(struct tc_rustfs *r, const char *const *names, size_t count, struct tc_rustfs_user *users,
			 struct tc_arena *mem, struct tc_error *err);
/* As user-info and list-users tell one. */
void tc_rustfs_user_parse(struct tc_arena *mem, const json_t *info, struct tc_rustfs_user *out);
/* *out: NULL when there is none of that name. */
int tc_rustfs_policy_read(struct tc_rustfs *r, const char *name, json_t **out, struct tc_error *err);
int tc_rustfs_policy_write(struct tc_rustfs *r, const struct tc_rustfs_names *n, struct tc_error *err);
int tc_rustfs_policy_attach(struct tc_rustfs *r, const struct tc_rustfs_names *n, struct tc_error *err);
int tc_rustfs_policy_remove(struct tc_rustfs *r, const struct tc_rustfs_names *n, struct tc_error *err);
/* With n's secret key, enabled. */
int tc_rustfs_user_write(struct tc_rustfs *r, const struct tc_rustfs_names *n, struct tc_error *err);
int tc_rustfs_user_disable(struct tc_rustfs *r, const struct tc_rustfs_names *n, struct tc_error *err);
int tc_rustfs_user_remove(struct tc_rustfs *r, const struct tc_rustfs_names *n, struct tc_error *err);
int tc_rustfs_user_leave(struct tc_rustfs *r, const struct tc_rustfs_names *n, const char *groups,
			 struct tc_error *err);

/* salt[32] | 2 | nonce[8] | text and tag: what MinIO's administration reads, with PBKDF2 and AES-256-GCM. */
#define TC_SEAL_SALT 32
#define TC_SEAL_NONCE 8
void tc_rustfs_seal(struct tc_buf *out, struct tc_str key, struct tc_str text, const unsigned char salt[TC_SEAL_SALT],
		    const unsigned char nonce[TC_SEAL_NONCE]);

/* --- the policy ------------------------------------------------------------------------------------------------------
 */

/* Users have no description; the Sid of a statement is what says whose a policy is, and with it the user of its name:
 * tentc:<installation>:<enclave>:<name>:<key id>:<epoch>:<check> */
struct tc_rustfs_mark {
	const char *installation, *enclave, *name, *key_id, *check;
	unsigned epoch;
};

json_t *tc_rustfs_policy(const struct tc_rustfs_names *n);
/* False when it is none of tentc's. */
bool tc_rustfs_mark_read(struct tc_arena *mem, const json_t *policy, struct tc_rustfs_mark *out);
bool tc_rustfs_mark_is(const struct tc_rustfs_mark *mark, const struct tc_rustfs_names *n);
/* As servers read them: lists are sets, one text is a list of one; the mark does not count. */
bool tc_rustfs_policy_equal(const json_t *a, const json_t *b);

/* --- buckets and objects ---------------------------------------------------------------------------------------------
 */

int tc_rustfs_bucket_there(struct tc_rustfs *r, const char *bucket, bool *there, struct tc_error *err);
/* The installation that an enclave's own bucket is marked with; NULL: not marked. */
int tc_rustfs_bucket_mark(struct tc_rustfs *r, const char *bucket, const char **installation, struct tc_error *err);
/* Makes and marks it; refuses one with another's mark. */
int tc_rustfs_bucket_ensure(struct tc_rustfs *r, const char *bucket, bool own, struct tc_error *err);

/* What is listed: all versions and delete markers below a prefix; "": all of the bucket. */
struct tc_rustfs_range {
	const char *bucket, *prefix;
	unsigned max; /* of one page */
};
struct tc_rustfs_page {
	const struct tc_xml *root; /* Version and DeleteMarker elements: Key (may be escaped), VersionId, Size */
	bool more;
	struct tc_str next_key, next_version; /* not escaped */
};
/* after: the page before, NULL for the first. */
int tc_rustfs_list(struct tc_rustfs *r, struct tc_arena *mem, const struct tc_rustfs_range *range,
		   const struct tc_rustfs_page *after, struct tc_rustfs_page *out, struct tc_error *err);
/* UINT64_MAX twice when it would take longer than one call may. */
int tc_rustfs_count(struct tc_rustfs *r, const struct tc_rustfs_names *n, uint64_t *items, uint64_t *bytes,
		    struct tc_error *err);
/* All versions of all objects whose keys begin with prefix; and uploads that were never ended, where they are listed.
 */
int tc_rustfs_empty(struct tc_rustfs *r, const char *bucket, const char *prefix, struct tc_error *err);

/* --- what is there ---------------------------------------------------------------------------------------------------
 */

struct tc_rustfs_seen {
	struct tc_observed observed;
	bool bucket, policy, policy_fits;
	struct tc_rustfs_user user;
	struct tc_rustfs_mark mark; /* of the policy; installation NULL: none */
	const char *foreign;        /* why it is not ours; NULL: it is, or there is nothing */
};
/* Does not count objects. */
int tc_rustfs_look(struct tc_rustfs *r, struct tc_rustfs_seen *out, const struct tc_rustfs_names *n,
		   struct tc_arena *mem, struct tc_error *err);
int tc_rustfs_refuse_foreign(const struct tc_rustfs_seen *seen, struct tc_error *err);
int tc_rustfs_observe(struct tc_observed *out, void *self, const struct tc_want *want, struct tc_error *err);
int tc_rustfs_observe_all(void *self, const struct tc_want *wants, size_t nwants,
			  void (*each)(void *, const char *, const char *, const struct tc_observed *), void *each_self,
			  struct tc_error *err);
/* The policies of this installation's tentacles in an enclave: the first one's name, or NULL. */
int tc_rustfs_inhabitant(struct tc_rustfs *r, const char *enclave, const char **name, struct tc_error *err);
int tc_rustfs_probe(struct tc_probed *out, void *self, struct tc_error *err);
int tc_rustfs_destroy(void *self, const struct tc_want *want, struct tc_error *err);
int tc_rustfs_enclave_apply(void *self, const char *enclave, struct tc_error *err);
int tc_rustfs_enclave_destroy(void *self, const char *enclave, struct tc_error *err);

#endif
