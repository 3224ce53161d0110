/* decide.h - what is to be done for one tentacle, decided from what is there: a pure function, so that every safeguard
 * is a row of a table in a test.
 *
 * What takes something away needs the most proof: a workload is gone only when two live looks missed it with the grace
 * between them, in a namespace that is still an enclave, and while removals are not held. What cannot be known changes
 * nothing. */
#ifndef TC_DECIDE_H
#define TC_DECIDE_H

#include "controller/record.h"

enum tc_there {
	TC_THERE_UNKNOWN, /* the API server could not be asked, or did not answer plainly */
	TC_THERE_NO,      /* it says 404 */
	TC_THERE_YES,
};

/* What live looks, never caches, found. */
struct tc_view {
	const struct tc_record *record; /* NULL: there is none */
	enum tc_there namespace;
	const char *namespace_uid;
	bool enclave; /* the namespace has the label */

	enum tc_there workload; /* the one of the record's kind, else any of that name that has a contract */
	const char *api_version, *kind, *uid;
	bool rival;          /* it is another one than the record's, which lives as well */
	const char *invalid; /* why its contract does not compile; NULL: it does */
	const char *hash;    /* tentacular.io/compiled, as this tentc writes it */
	unsigned epoch;
	bool destroy; /* it has tentacular.io/undeploy: destroy */
};

struct tc_policy {
	long long grace, job_grace, destroy_delay; /* seconds */
	bool allow_annotation;                     /* tentacular.io/undeploy counts */
	bool removals_held;                        /* too many at once: until tentc resume */
};

enum tc_next {
	TC_NEXT_NOTHING,  /* all is as it should be, as far as the record knows */
	TC_NEXT_LOOK,     /* look again at `due`; the record is to say what `condition` says */
	TC_NEXT_GONE,     /* write down that it was missed, and look again at `due` */
	TC_NEXT_REGISTER, /* make services and objects as the contract says */
	TC_NEXT_RETAIN,   /* revoke access, keep the data */
	TC_NEXT_DESTROY,
};

struct tc_decision {
	enum tc_next next;
	long long due;                    /* LOOK, GONE: seconds since 1970; 0: when something changes */
	enum tc_condition_type condition; /* TC_CONDITION_COUNT: none. All others of the record are to be cleared */
	const char *why;                  /* of the condition: a sentence, in mem */
};

/* now: seconds since 1970. A clock that jumps backwards only makes it wait longer. */
struct tc_decision tc_decide(struct tc_arena *mem, const struct tc_view *seen, const struct tc_policy *policy,
			     long long now);

#endif
