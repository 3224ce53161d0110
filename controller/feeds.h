/* feeds.h - the watches that tell the controller where to look. Internal to controller/. */
#ifndef TC_FEEDS_H
#define TC_FEEDS_H

#include "controller/known.h"
#include "kube/log.h"

struct tc_feeds;

/* ns: where the records are. contract_key: of ConfigMaps. What is handed in outlives them. */
struct tc_feeds *tc_feeds_new(struct tc_known *known, const char *ns, const char *contract_key,
			      const struct tc_log *log);
int tc_feeds_start(struct tc_feeds *f, const struct tc_kube_config *config, struct tc_error *err);
void tc_feeds_stop(struct tc_feeds *f); /* and joins the threads */
void tc_feeds_free(struct tc_feeds *f);
/* Has every resource been listed once? */
bool tc_feeds_synced(const struct tc_feeds *f);

TC_DEFINE_CLEANUP(struct tc_feeds, tc_feeds_free)

#endif
