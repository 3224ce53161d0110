/* record.h - what tentc knows of one tentacle beyond its workload: a registration record.
 *
 * A ConfigMap exo.<enclave>.<name> in the system namespace, written before the first side effect. It outlives workload
 * and namespace: what is to be taken away is found from it, so no finalizer ever keeps an object of anybody's. It holds
 * no credential. Of its name and of what it says of itself, enclave and name have to be the same.
 *
 * Its content is one JSON document, data["record.json"], for people too: keys sorted, indented. The label is for
 * whoever lists; it is not read. What belongs to one phase is written in that phase alone, and has to be there in it.
 */
#ifndef TC_RECORD_H
#define TC_RECORD_H

#include <jansson.h>

#include "compiler/base/arena.h"
#include "compiler/base/error.h"

/* Label of a record, and of nothing else: tentacular.io/record=<phase>. */
#define TC_LABEL_RECORD "tentacular.io/record"
#define TC_RECORD_VERSION 1

enum tc_phase {
	TC_PHASE_PENDING,    /* written, and not all of its services are ready yet */
	TC_PHASE_REGISTERED, /* all are ready, and the Secret holds working credentials */
	TC_PHASE_DEGRADED,   /* were ready; one is not now */
	TC_PHASE_GONE,       /* the workload was missing when last looked at; still registered (undeploy.grace) */
	TC_PHASE_RETAINED,   /* access revoked, data kept */
	TC_PHASE_DESTROYED,  /* a tombstone: nothing is left but the epoch */
};

enum tc_condition_type {
	TC_CONDITION_OWNER_CHANGED, /* the namespace has another uid: tentc enclave adopt */
	TC_CONDITION_NAME_TAKEN,    /* another workload of that name lives already */
	TC_CONDITION_EPOCH_LOWERED, /* the workload names an epoch below the highest that was used */
	TC_CONDITION_NOT_ENCLAVE,   /* the namespace lost its label: a condition, never a removal */
	TC_CONDITION_INVALID,       /* the contract does not compile */
	TC_CONDITION_REMOVALS_HELD, /* too many removals at once: tentc resume */
	TC_CONDITION_UNAVAILABLE,   /* a service is away; `why` says which */
	TC_CONDITION_REFUSED,       /* a service holds what is not ours */
	TC_CONDITION_COUNT,
};

struct tc_record_service {
	const char *service;         /* key of the catalogue */
	enum tc_phase phase;         /* PENDING, REGISTERED, DEGRADED, RETAINED, DESTROYED */
	const char *const *consumes; /* other tentacles of the enclave */
	size_t nconsumes;
};

struct tc_record_condition {
	bool set;
	const char *why; /* a sentence; NULL where it is not set */
	long long since; /* seconds since 1970; not kept of one that is not set */
};

/* Texts live in the arena they were read into, or are the caller's. */
struct tc_record {
	const char *enclave, *name;
	const char *api_version, *kind;  /* of the workload */
	const char *uid, *namespace_uid; /* "" when not known */
	const char *hash;                /* tentacular.io/compiled of what was registered; "" before */
	unsigned epoch;                  /* of what is registered */
	unsigned least_epoch; /* that may be registered: the highest that was used; after an adoption, one more */
	enum tc_phase phase;
	long long gone_since;     /* TC_PHASE_GONE: the first look that missed it; else 0. Times: seconds since 1970 */
	long long retained_since; /* TC_PHASE_RETAINED; else 0 */
	bool destroy;       /* the workload asked for it (tentacular.io/undeploy: destroy) when it was seen last */
	long long verified; /* the last login as the tenant in every service; 0: never */
	const struct tc_record_service *services; /* in the order of the catalogue; retained ones too */
	size_t nservices;
	struct tc_record_condition conditions[TC_CONDITION_COUNT];
	const char *version; /* metadata.resourceVersion: of the one that was read; "" for a new one */
};

/* The name of its ConfigMap. */
const char *tc_record_name(struct tc_arena *mem, const char *enclave, const char *name);

/* Reads the ConfigMap. -1 (TC_E_REJECTED): what it holds is no record of this version, and the error says where and
 * what; such a one is never written over: somebody else's, or a newer tentc's. */
int tc_record_read(struct tc_record *out, struct tc_arena *mem, const json_t *configmap, struct tc_error *err);
/* The whole ConfigMap, for ns; with metadata.resourceVersion where the record has one. NULL only without memory. */
json_t *tc_record_write(const struct tc_record *r, const char *ns);

const char *tc_phase_name(enum tc_phase phase);             /* "Pending" */
const char *tc_condition_name(enum tc_condition_type type); /* "OwnerChanged" */

/* Sets or clears a condition; `since` moves only when it changes from one to the other. True: something changed. */
bool tc_record_condition(struct tc_record *r, enum tc_condition_type type, const char *why, long long now);

#endif
