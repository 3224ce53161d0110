/* enclave.h - tentc enclave, shared by its files.
 *
 *   enclave.c          the verbs: provision, deprovision
 *   enclave_show.c     who lives there: the roster; info, list
 *   enclave_cluster.c  the namespace and its default policies */
#ifndef TC_CLI_ENCLAVE_H
#define TC_CLI_ENCLAVE_H

#include "cli/cluster/session.h"

struct tc_enclave_run {
	struct tc_session *s;
	const char *name; /* NULL: of list */
	bool force, yes, dry_run;
};

/* --- the roster ------------------------------------------------------------------------------------------------------
 */

/* What one service has of one tentacle. */
struct tc_resident {
	const char *enclave, *name;
	size_t service; /* row of the configuration */
	enum tc_state state;
};

struct tc_roster {
	struct tc_resident *list; /* sorted by enclave, name, service */
	size_t count, cap;
	struct tc_outcome services[TC_SERVICES_MAX]; /* by the row of the configuration; done: it was asked */
	size_t found[TC_SERVICES_MAX];               /* how many tentacles it has */
	bool asked[TC_SERVICES_MAX];                 /* it is on */
	enum tc_code code;
};

/* enclave NULL: all of them. A service that does not answer is noted, the others are asked all the same. */
void tc_roster_read(struct tc_roster *r, struct tc_session *s, const char *enclave);
/* One past the last resident that is the same tentacle as the one at `from`. */
size_t tc_roster_end(const struct tc_roster *r, size_t from);
size_t tc_roster_tentacles(const struct tc_roster *r);
/* exo_services, and a row of text for each: "2 tentacles" and what became of them. */
json_t *tc_roster_services(const struct tc_roster *r, struct tc_session *s, const char *fate);

int tc_enclave_info(struct tc_enclave_run *e, struct tc_error *err);
int tc_enclave_list(struct tc_enclave_run *e, struct tc_error *err);
/* records.c: the retained tentacles of a namespace that was made anew are given to it. */
int tc_enclave_adopt(struct tc_enclave_run *e, struct tc_error *err);

/* --- the cluster -----------------------------------------------------------------------------------------------------
 */

struct tc_enclave_namespace {
	bool exists, labelled;
	bool ours;                /* tentc made it: what deprovision --force may delete */
	const char *label;        /* the label's value */
	const char *installation; /* that made it; NULL: none */
	const char *uid;
};
int tc_enclave_look(struct tc_session *s, const char *name, struct tc_enclave_namespace *out, struct tc_error *err);
/* The namespace and its default policies; what was made is put into created. */
int tc_enclave_make(struct tc_enclave_run *e, json_t *created, struct tc_error *err);
/* The namespace, where it is ours. *deleted: it was. */
int tc_enclave_delete(struct tc_enclave_run *e, bool *deleted, struct tc_error *err);
/* Names of the labelled namespaces, in mem. */
int tc_enclave_namespaces(struct tc_session *s, const char ***names, size_t *count, struct tc_error *err);

#endif
