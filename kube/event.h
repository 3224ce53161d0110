/* event.h - Events that people see in `kubectl describe` (events.k8s.io/v1). */
#ifndef TC_KUBE_EVENT_H
#define TC_KUBE_EVENT_H

#include "kube/client.h"

struct tc_event {
	/* what it is about */
	const char *api_version, *kind, *ns, *name, *uid;
	bool warning;           /* type Warning; else Normal */
	const char *reason;     /* "Registered": CamelCase, at most 128 bytes */
	const char *action;     /* "Register" */
	const char *note;       /* cut at 1,024 bytes, between code points */
	const char *controller; /* "tentacular.io/tentc" */
	const char *instance;   /* which of us: the pod's name */
};

/* Equal events (object, type, reason, note) within 10 minutes of the last one become one with a count. */
struct tc_events;
struct tc_events *tc_events_new(void);
void tc_events_free(struct tc_events *e);
int tc_events_post(struct tc_events *e, struct tc_kube *k, const struct tc_event *event, struct tc_kube_error *err);

TC_DEFINE_CLEANUP(struct tc_events, tc_events_free)

#endif
