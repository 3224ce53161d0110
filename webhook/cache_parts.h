/* cache_parts.h - the two stores of the cache: contracts by their namespaces, and holders of identities.
 *
 * A store is changed by the threads that watch and read by those that admit: all under the cache's lock, for reading or
 * for writing, which the caller holds. What takes long is done before it is taken. */
#ifndef TC_CACHE_PARTS_H
#define TC_CACHE_PARTS_H

#include <jansson.h>

#include "webhook/cache.h"
#include "webhook/map.h"

/* A namespace and an object's name; the longest that Kubernetes allows fit, and what does not fit is nowhere. */
struct tc_place_name {
	char text[63 + 1 + 253 + 1];
	size_t len; /* 0: it did not fit */
};
struct tc_place_name tc_place_name(const char *ns, const char *name);

/* "" where there is none. */
const char *tc_meta(const json_t *object, const char *field);
const char *tc_meta_in(const json_t *object, const char *map, const char *key); /* NULL where there is none */

/* --- contracts.c --- */

struct tc_contracts {
	struct tc_map spaces, maps, tentacles; /* tentacles: namespace/name of a workflow -> its ConfigMaps */
	size_t known;                          /* in enclaves */
	size_t loose_bytes;                    /* outside of them */
};

/* A ConfigMap with a contract, as text; NULL: it has none. malloc'd. */
char *tc_contract_text(const json_t *configmap, const char *contract_key);
/* The tentacle that its workflow names, in mem; "": it speaks of no contract; NULL: none, or it cannot be read. */
const char *tc_contract_tentacle(struct tc_arena *mem, const json_t *configmap, const char *contract_key);

/* labelled: is it an enclave? list: which one of the lists it was seen in. */
void tc_contracts_space(struct tc_contracts *c, const char *ns, bool labelled, bool audit, unsigned list);
void tc_contracts_spaces_listed(struct tc_contracts *c, unsigned list);
struct tc_contract_want {
	const char *ns, *name;
	const char *tentacle; /* as tc_contract_tentacle says */
};
/* text_steal: as above. false: there is no room for it. */
bool tc_contracts_put(struct tc_contracts *c, const struct tc_contract_want *want, char *text_steal, unsigned list);
void tc_contracts_remove(struct tc_contracts *c, const char *ns, const char *name);
void tc_contracts_listed(struct tc_contracts *c, unsigned list);
bool tc_contracts_get(const struct tc_contracts *c, const char *ns, const char *name, struct tc_str *text);
/* As tc_contract_tentacle says of it; NULL too when it is not known. */
const char *tc_contracts_tentacle(const struct tc_contracts *c, const char *ns, const char *name);
/* The nth one whose workflow names this tentacle, and its name; false past the last. text may be NULL. */
bool tc_contracts_of(const struct tc_contracts *c, const char *ns, const char *tentacle, size_t nth,
		     const char **configmap, struct tc_str *text);
bool tc_contracts_audit(const struct tc_contracts *c, const char *ns);
void tc_contracts_clear(struct tc_contracts *c);

/* --- holders.c --- */

struct tc_holders {
	struct tc_map objects, identities;
};

struct tc_holder_want {
	const char *kind; /* static; kinds are told apart by the pointer */
	const char *ns, *name, *identity, *uid, *created;
	bool compiled; /* it says so itself */
};
void tc_holders_put(struct tc_holders *h, const struct tc_holder_want *want, unsigned list);
/* The very object (uid) goes on to hold what it held, if it was compiled then; false: it held nothing. */
bool tc_holders_keep(struct tc_holders *h, const struct tc_holder_want *want, unsigned list);
void tc_holders_remove(struct tc_holders *h, const char *kind, const char *ns, const char *name);
void tc_holders_listed(struct tc_holders *h, const char *kind, unsigned list);
/* The oldest one. */
const char *tc_holders_get(const struct tc_holders *h, const char *ns, const char *identity, const char **uid);
void tc_holders_clear(struct tc_holders *h);

#endif
