/* client.h - calls to the API server, one after the other, on one connection that is kept.
 *
 * main() calls curl_global_init before the first client or watch, in one thread, and ignores SIGPIPE (a TLS connection
 * that breaks while it is written to); nothing else here is global. A client belongs to one thread; clients of one
 * configuration may run side by side, and the configuration outlives them. Every call has a time limit. Bodies are JSON
 * (jansson); an answer belongs to the caller. A 401 reads the token again and tries once more; nothing else is repeated
 * here: err says whether a retry may help. Answers over 64 MiB are refused.
 */
#ifndef TC_KUBE_CLIENT_H
#define TC_KUBE_CLIENT_H

#include <jansson.h>

#include "kube/config.h"

struct tc_kube;

/* How tentc signs what it writes (server-side apply). */
#define TC_FIELD_MANAGER "tentc"

int tc_kube_open(struct tc_kube **out, const struct tc_kube_config *config, struct tc_kube_error *err);
void tc_kube_free(struct tc_kube *k);

/* path: "/api/v1/namespaces/shop/configmaps/web", with its query where it has one; names in it are the caller's to
 * escape (tc_kube_path). *out may be NULL when the answer does not matter. */
int tc_kube_get(struct tc_kube *k, json_t **out, const char *path, struct tc_kube_error *err);
int tc_kube_create(struct tc_kube *k, json_t **out, const char *path, json_t *object, struct tc_kube_error *err);
/* PUT: object holds metadata.resourceVersion, which is the precondition. */
int tc_kube_replace(struct tc_kube *k, json_t **out, const char *path, json_t *object, struct tc_kube_error *err);
int tc_kube_merge_patch(struct tc_kube *k, json_t **out, const char *path, json_t *patch, struct tc_kube_error *err);

struct tc_kube_apply {
	const char *manager; /* NULL: TC_FIELD_MANAGER */
	bool force;          /* takes fields over from other managers */
	bool dry_run;
	bool strict; /* fieldValidation=Strict: unknown fields are an error */
};
/* Server-side apply. object holds apiVersion, kind, metadata.name; metadata.uid, where it must be this very object: 409
 * Conflict says that there is none of that name, 422 Invalid that it is another one. */
int tc_kube_apply(struct tc_kube *k, json_t **out, const char *path, json_t *object, const struct tc_kube_apply *how,
		  struct tc_kube_error *err);
/* uid: precondition, NULL for none. What is gone already is no error, nor is another object of that name: it stays. */
int tc_kube_delete(struct tc_kube *k, const char *path, const char *uid, struct tc_kube_error *err);
/* All pages of a list, however small they have to be, as one array of items; *version is its resourceVersion, in mem.
 */
int tc_kube_list(struct tc_kube *k, json_t **items, const char **version, struct tc_arena *mem, const char *path,
		 struct tc_kube_error *err);

/* A path from a format of %s only, each argument escaped for a URL: in mem. */
const char *tc_kube_path(struct tc_arena *mem, const char *fmt, ...) TC_PRINTF(2, 3);

TC_DEFINE_CLEANUP(struct tc_kube, tc_kube_free)

static inline void tc_json_decref_p(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}
/* _cleanup_json_ json_t *j = NULL; */
#define _cleanup_json_ __attribute__((cleanup(tc_json_decref_p)))

#endif
