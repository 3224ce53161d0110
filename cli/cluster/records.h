/* records.h - the registration records of the controller, for commands that show or change them. */
#ifndef TC_RECORDS_H
#define TC_RECORDS_H

#include "cli/cluster/session.h"
#include "controller/record.h"

/* One of them; 1: there is none. */
int tc_records_get(struct tc_session *s, struct tc_record *out, const char *enclave, const char *name,
		   struct tc_error *err);
/* Those of an enclave (NULL: of all), sorted by name, in the session's arena. One that cannot be read is an error. */
int tc_records_list(struct tc_session *s, struct tc_record **list, size_t *n, const char *enclave,
		    struct tc_error *err);
/* Replaces one that was read. */
int tc_records_put(struct tc_session *s, const struct tc_record *r, struct tc_error *err);

#endif
