/* doctor.h - tentc doctor, shared by its files.
 *
 *   doctor.c          configuration, keys, services; how it is said
 *   doctor_cluster.c  the API server, its clock, tentc in it */
#ifndef TC_DOCTOR_H
#define TC_DOCTOR_H

#include "cli/cluster/session.h"

enum tc_check {
	TC_CHECK_OK,
	TC_CHECK_SKIPPED, /* it says why */
	TC_CHECK_WARNING, /* it works, and something is to be done */
	TC_CHECK_FAILED,
	TC_CHECK_UNAVAILABLE, /* a retry may help */
};

struct tc_doctor {
	struct tc_session *s;
	const char *webhook, *cert_secret; /* NULL: tentc's own */
	json_t *checks;
	size_t found[TC_CHECK_UNAVAILABLE + 1];
};

/* One line. help NULL: the text says what to do, or nothing is to be done. */
void tc_doctor_say(struct tc_doctor *d, const char *group, enum tc_check what, const char *text, const char *help);
/* From an error: failed or unavailable, by its code. */
void tc_doctor_error(struct tc_doctor *d, const char *group, const struct tc_error *err);

void tc_doctor_cluster(struct tc_doctor *d);

#endif
