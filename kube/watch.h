/* watch.h - a resource, listed and then watched for ever.
 *
 * List, then watch from the list's resourceVersion with bookmarks; resumed after every end; listed again after 410 (as
 * an answer, or as an ERROR event in a 200), after trouble that lasts, and every `relist` seconds, because a
 * resourceVersion from the future (a restored etcd) is silent. A list that fails stops nothing: unless the server has
 * forgotten where we were, the watch goes on from there, and the list is tried again later. Between attempts it waits,
 * longer each time, with jitter, up to 30 s. */
#ifndef TC_KUBE_WATCH_H
#define TC_KUBE_WATCH_H

#include <stdatomic.h>

#include "kube/client.h"

/* Called in the watching thread. Objects are borrowed; listed ones have their apiVersion and kind too. Every operation
 * may be NULL. An object may be seen again as it was: a watch is resumed from the last event that was handed out. */
struct tc_watch_ops {
	/* A list begins: what is not seen until synced() is gone. Objects are handed out page by page; one that broke
	 * off is followed by another begin(), or by more of the watch, but by no synced(). */
	void (*begin)(void *self);
	void (*seen)(void *self, const json_t *object); /* as it is now: new, changed, or just listed */
	void (*gone)(void *self, const json_t *object); /* as it was last */
	void (*synced)(void *self);                     /* the list is complete */
	void (*alive)(void *self);                      /* what we know is new: an event, a bookmark, a whole list */
	void (*trouble)(void *self, const struct tc_kube_error *err); /* will be tried again */
};

struct tc_watch {
	const char *path;     /* "/api/v1/configmaps" */
	const char *selector; /* labelSelector; NULL: all */
	bool metadata_only;   /* PartialObjectMetadata instead of whole objects */
	unsigned relist;      /* seconds; 0: 600 */
	unsigned timeout;     /* seconds of one watch; 0: 240 to 480 */
	unsigned patience;    /* seconds behind that until a stalled one is given up; 0: 30 */
	const struct tc_watch_ops *ops;
	void *self;
	const atomic_bool *stop; /* looked at twice a second at least */
};

/* Returns when *stop is true. */
void tc_watch_run(const struct tc_kube_config *config, const struct tc_watch *w);

#endif
