/* list.h - all pages of a list. Internal to kube/. */
#ifndef TC_KUBE_LIST_H
#define TC_KUBE_LIST_H

#include <jansson.h>

#include "kube/transport.h"

struct tc_list {
	const char *path;   /* with its query, if it has one */
	const char *accept; /* NULL: whole objects */
	const atomic_bool *stop;
};

#define TC_LIST_ITEMS_MAX 1000000

/* items is an array; each has apiVersion and kind, which a server leaves out of lists. version is in mem. */
int tc_list_read(struct tc_transport *t, const struct tc_list *list, json_t **items, const char **version,
		 struct tc_arena *mem, struct tc_kube_error *err);

/* PATH?a=b -> PATH?a=b&QUERY */
const char *tc_path_query(struct tc_arena *mem, const char *path, const char *query);
/* A text for a URL: what is not unreserved (RFC 3986) becomes %XX. */
void tc_path_escape(struct tc_buf *out, struct tc_str text);

#endif
