/* list.h - all pages of a list, one after the other. Internal to kube/. */
#ifndef TC_KUBE_LIST_H
#define TC_KUBE_LIST_H

#include <jansson.h>

#include "kube/transport.h"

struct tc_list {
	const char *path;   /* with its query, if it has one */
	const char *accept; /* NULL: whole objects */
	const atomic_bool *stop;
	/* The first page is here; called again where the list has to be read anew: what was seen before does not count.
	 */
	void (*begin)(void *self);
	/* Has apiVersion and kind, which a server leaves out of lists. Borrowed. */
	void (*seen)(void *self, json_t *item);
	void *self;
};

#define TC_LIST_ITEMS_MAX 1000000
/* Bytes of a page. As JSON in memory it is some ten times as much, and several resources are listed side by side. */
#define TC_LIST_PAGE_MAX (4u << 20)
#define TC_LIST_VERSION 64

/* A page is handed out and let go before the next one is asked for, and asked for again with fewer objects where it is
 * too large: so memory is bounded by a page, or by one object. -1: what was seen is true, but may not be all of it. */
int tc_list_read(struct tc_transport *t, const struct tc_list *list, char version[TC_LIST_VERSION],
		 struct tc_kube_error *err);

/* PATH?a=b -> PATH?a=b&QUERY */
const char *tc_path_query(struct tc_arena *mem, const char *path, const char *query);
/* A text for a URL: what is not unreserved (RFC 3986) becomes %XX. */
void tc_path_escape(struct tc_buf *out, struct tc_str text);

#endif
