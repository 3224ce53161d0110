/* spire.h - the registrar of SPIRE, shared by its files spire*.c; internal to registrars/.
 *
 *   spire.c         the table of operations
 *   spire_object.c  the ClusterSPIFFEID: as it should be, as it is, what differs, what its status says */
#ifndef TC_SPIRE_H
#define TC_SPIRE_H

#include "kube/client.h"
#include "registrars/registrar.h"

#define TC_SPIRE_API "/apis/spire.spiffe.io/v1alpha1"
#define TC_SPIRE_OBJECTS TC_SPIRE_API "/clusterspiffeids"
/* Beside the labels of the stage's own object: two installations in one cluster must not take each other's. */
#define TC_SPIRE_INSTALLATION "tentacular.io/installation"

struct tc_spire {
	struct tc_registrar_conf conf;
	struct tc_kube *kube;
	struct tc_arena *mem; /* of one operation */
};

struct tc_spire_seen {
	json_t *object;      /* the caller's; NULL: there is none */
	const char *foreign; /* why it is not ours; NULL: it is, or there is nothing */
};

/* s->mem is emptied: every operation begins with it. */
void tc_spire_begin(struct tc_spire *s);
/* A failure of a call; says plainly when the API is not there. Always -1. */
int tc_spire_fail(struct tc_error *err, const char *step, const struct tc_kube_error *why);
int tc_spire_refuse(const char *why, struct tc_error *err);

const char *tc_spire_name(struct tc_spire *s, const struct tc_want *want);
const char *tc_spire_path(struct tc_spire *s, const struct tc_want *want);
/* The object that the stage makes of a contract with this dependency alone. */
int tc_spire_make(struct tc_spire *s, json_t **out, const struct tc_want *want, struct tc_error *err);
int tc_spire_look(struct tc_spire *s, struct tc_spire_seen *out, const struct tc_want *want, struct tc_error *err);
/* Why an object of that name is not ours; NULL: it is. */
const char *tc_spire_foreign(struct tc_spire *s, const json_t *object, const char *name, const char *tentacle);
/* Adds to out how the object that is there differs from the one that is wanted. */
void tc_spire_compare(struct tc_spire *s, struct tc_observed *out, const json_t *there, const json_t *wanted);

/* A number of the status; 0 when it is not there. NULL for an object is fine. */
json_int_t tc_spire_stat(const json_t *object, const char *name);
/* What spire-controller-manager could not do, in words; NULL: nothing. It writes numbers only. */
const char *tc_spire_failure(struct tc_spire *s, const json_t *object);

#endif
