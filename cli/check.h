/* check.h - compile --check: what would be written, compared with what is there. */
#ifndef TC_CHECK_H
#define TC_CHECK_H

#include "cli/input.h"
#include "cli/output.h"

struct tc_check {
	const struct tc_outputs *outputs;
	const char *const *folders; /* where files that nothing produces any more are looked for */
	size_t nfolders;
	struct tc_inputs *inputs; /* limits, and where what cannot be read is reported */
	bool secret;              /* what is read is wiped */
};

/* Appends the unified diff of what differs or is missing to diff, without the values of credentials, and one line for
 * each such file, and each that nothing produces, to names. Answers their number. */
size_t tc_check(struct tc_buf *diff, struct tc_buf *names, const struct tc_check *check);

#endif
