/* cache.h - what admission may know besides the review: contracts in ConfigMaps, who holds which identity, which
 * enclaves only want warnings. Filled by watches, read under a lock that is held for a moment.
 *
 * Kept of a ConfigMap: name, uid, our annotations, and its contract's entry, and answered only where the namespace is
 * an enclave. What comes before its namespace's label waits. Memory has a limit for each enclave
 * (TC_CACHE_SPACE_BYTES): what is above it is not known, and the log says so. */
#ifndef TC_CACHE_H
#define TC_CACHE_H

#include "compiler/transform/admit.h"
#include "compiler/transform/object.h"
#include "kube/log.h"
#include "kube/watch.h"

#define TC_LABEL_MODE "tentacular.io/mode"

/* Contracts of one enclave; and of all namespaces that are none, together. */
#define TC_CACHE_SPACE_BYTES ((size_t)16 << 20)

struct tc_cache;

struct tc_cache *tc_cache_new(const char *contract_key);
/* Starts a thread for each watched resource. config and log stay until the cache has been stopped. */
int tc_cache_start(struct tc_cache *c, const struct tc_kube_config *config, struct tc_log *log, struct tc_error *err);
void tc_cache_stop(struct tc_cache *c); /* and joins the threads */
void tc_cache_free(struct tc_cache *c);

/* What is watched: the threads run these, and tests call their operations. Borrowed. */
const struct tc_watch *tc_cache_watches(struct tc_cache *c, size_t *n);

/* Has every resource been listed once? */
bool tc_cache_synced(const struct tc_cache *c);
/* Seconds since the server last said something, of the quietest watch; a bookmark comes about every minute. */
double tc_cache_age(const struct tc_cache *c);
/* Contracts of enclaves. */
size_t tc_cache_contracts(const struct tc_cache *c);

/* Between the two, what knowledge answers stays. Not to be locked twice by one thread. */
void tc_cache_lock(struct tc_cache *c);
void tc_cache_unlock(struct tc_cache *c);
/* .self is the cache. */
struct tc_knowledge tc_cache_knowledge(struct tc_cache *c);

TC_DEFINE_CLEANUP(struct tc_cache, tc_cache_free)

#endif
