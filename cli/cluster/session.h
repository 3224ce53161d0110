/* session.h - what the commands that work on services share: configuration, keys, cluster and registrars, and how they
 * say what they do.
 *
 * Text goes to standard output line by line, as it happens; JSON is printed whole at the end. Neither holds a
 * credential: both are made of names, states and messages. */
#ifndef TC_SESSION_H
#define TC_SESSION_H

#include <jansson.h>

#include "cli/run.h"
#include "kube/client.h"
#include "registrars/tentacle.h"

struct tc_session_options {
	struct tc_run_options run;
	const char *kubeconfig, *format;
	bool no_cluster;
};

struct tc_session {
	struct tc_run run;
	struct tc_arena *mem;           /* the command's */
	struct tc_arena *secrets;       /* of administrators */
	struct tc_kube_config *cluster; /* NULL: --no-cluster */
	struct tc_kube *kube;           /* likewise */
	struct tc_crew *crew;
	const char *kubeconfig;
	bool no_cluster, json, colour;
	json_t *steps;        /* where told steps are noted too; NULL: nowhere */
	struct tc_error lost; /* of standard output */
};

/* -1: wrong options. A session can be ended however far it came. */
int tc_session_init(struct tc_session *s, const struct tc_cli *cli, const struct tc_session_options *options,
		    struct tc_error *err);
void tc_session_end(struct tc_session *s);
/* Configuration and keys, where no stage is run; problems are printed. 0, or the exit status that they make. */
int tc_session_read(struct tc_session *s);
/* Finds the cluster and makes the crew; calls nobody yet. */
int tc_session_connect(struct tc_session *s, struct tc_error *err);
/* What the session's crew is made of, for more of them. */
struct tc_crew_conf tc_session_crew(struct tc_session *s);
/* Says a step that changes something, and notes it in steps. */
void tc_session_step(struct tc_session *s, const char *service, const char *what);

/* A line of the text form: "shop/web"; and below it "  postgres    create role ..." and "  postgres  created". */
void tc_session_head(struct tc_session *s, const char *fmt, ...) TC_PRINTF(2, 3);
void tc_session_row(struct tc_session *s, const char *first, const char *fmt, ...) TC_PRINTF(3, 4);
/* Prints root in the JSON form. 0, or -1 when standard output failed, now or before. */
int tc_session_print(struct tc_session *s, const json_t *root, struct tc_error *err);

/* One of exo_services, {name, available, detail}: an item of list, borrowed. A service is not available when a retry
 * may help. */
json_t *tc_session_service(json_t *list, const struct tc_outcome *o, const char *detail);
/* What went wrong, without the service's name in front of it, which stands there already. */
const char *tc_outcome_error(const struct tc_outcome *o);
/* A JSON string of any text: messages hold what services answer, and may be cut in the middle of a character. */
json_t *tc_json_text(const char *text);
/* Puts a text into list; NULL lists are fine. */
void tc_json_push(json_t *list, const char *text);

/* "absent", "applied", "differs", "retained", "foreign" */
const char *tc_state_name(enum tc_state state);
/* "3 tables, 48.0 KiB"; "objects that were not counted" */
const char *tc_amount(struct tc_arena *mem, const struct tc_service_config *service, uint64_t items, uint64_t bytes);
/* Joined by "; ", or fallback when there is none. */
const char *tc_sentences(struct tc_arena *mem, const char *const *list, size_t n, const char *fallback);

/* Whether the operation on a service is to be left out: it lives in the cluster, and there is none. */
bool tc_session_skips(const struct tc_session *s, const struct tc_service_config *service);

/* Asks on the terminal; 0 when `expected` was typed. Without a terminal an error that names --yes. */
int tc_session_confirm(const char *what, const char *expected, struct tc_error *err);

/* The line behind everything that says what to do now; nothing when code is 0. */
void tc_session_advise(enum tc_code code);

#endif
