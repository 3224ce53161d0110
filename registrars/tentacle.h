/* tentacle.h - what registering a tentacle means over all of its services: for `tentc register` and for the controller.
 *
 * What a tentacle wants is the stage's own reading (struct tc_wanted: tc_compile with tc_stage.wants), its services in
 * the order of the catalogue. One operation in one service is tc_crew_do; each answers with an outcome of its own, so
 * that one service's outage never stops another. */
#ifndef TC_REGISTRARS_TENTACLE_H
#define TC_REGISTRARS_TENTACLE_H

#include "compiler/transform/stage.h"
#include "registrars/registrar.h"

/* The registrars of one thread, each opened when it is first needed and then kept. */
struct tc_crew;

struct tc_crew_conf {
	const struct tc_config *config;
	const struct tc_keyring *keys;     /* NULL: nothing that needs a credential can be done */
	const struct tc_kube_config *kube; /* NULL: no cluster */
	unsigned seconds;                  /* for one call to a service; 0: 10 */
	/* How to log in; asked once for each service. What out points to outlives the crew. */
	int (*admin)(void *self, struct tc_admin *out, const struct tc_service_config *service, struct tc_error *err);
	void *admin_self;
	/* As in struct tc_registrar_conf; NULL: nobody is told. */
	void (*step)(void *self, const char *service, const char *what);
	void *step_self;
};

/* What conf points to outlives the crew. */
struct tc_crew *tc_crew_new(const struct tc_crew_conf *conf);
void tc_crew_free(struct tc_crew *c);
TC_DEFINE_CLEANUP(struct tc_crew, tc_crew_free)

enum tc_act {
	TC_ACT_PROBE,
	TC_ACT_OBSERVE,
	TC_ACT_APPLY, /* and then verify */
	TC_ACT_VERIFY,
	TC_ACT_RETAIN,
	TC_ACT_DESTROY,
	TC_ACT_ENCLAVE_APPLY,
	TC_ACT_ENCLAVE_DESTROY,
};

/* How an operation ended in one service. */
struct tc_outcome {
	const struct tc_service_config *service;
	bool done;
	struct tc_error err;     /* why not */
	struct tc_observed seen; /* OBSERVE */
	struct tc_probed probed; /* PROBE */
	size_t steps;            /* how many were told while it was applied, retained, ..., verify's own left out */
};

/* want: of ENCLAVE_* only the enclave, of PROBE nothing. mem: for the texts of the outcome. Answers out->done. */
bool tc_crew_do(struct tc_crew *c, enum tc_act act, const struct tc_service_config *service, const struct tc_want *want,
		struct tc_outcome *out, struct tc_arena *mem);

/* The want of the nth service of a tentacle. */
struct tc_want tc_want_of(const struct tc_wanted *tentacle, size_t nth);
/* One operation over all services of a tentacle: out has room for tentacle->nservices. True: all are done. */
bool tc_crew_all(struct tc_crew *c, enum tc_act act, const struct tc_wanted *tentacle, struct tc_outcome *out,
		 struct tc_arena *mem);

/* Tells all that this installation has in a service (registrar.h: observe_all). */
int tc_crew_roster(struct tc_crew *c, const struct tc_service_config *service, const struct tc_want *wants,
		   size_t nwants,
		   void (*each)(void *self, const char *enclave, const char *name, const struct tc_observed *seen),
		   void *self, struct tc_error *err);

/* --- many tentacles in one service -----------------------------------------------------------------------------------
 */

/* What observe_all says of each of them, in seen, whose texts are in mem: not always in the words of observe. */
int tc_crew_survey(struct tc_crew *c, const struct tc_service_config *service, const struct tc_want *wants,
		   size_t nwants, struct tc_observed *seen, struct tc_arena *mem, struct tc_error *err);

struct tc_settled {
	struct tc_outcome seen; /* how it was */
	struct tc_outcome made; /* how applying it ended */
	bool tried;             /* it was applied, so that made is set */
};
/* OBSERVE, then (unless plan) APPLY. What a survey has said (known; NULL: there was none) is taken for OBSERVE where it
 * says as much; what it found applied is then only logged in as, and applied where that fails. */
void tc_crew_settle(struct tc_crew *c, const struct tc_service_config *service, const struct tc_want *want,
		    const struct tc_observed *known, bool plan, struct tc_settled *out, struct tc_arena *mem);

/* Whether applying many at once gains something. */
bool tc_crew_gathers(const struct tc_crew *c, const struct tc_service_config *service);
/* Where it does: apply for each of them, without verify; failures: of each, code 0 when it is done. -1: none of them
 * was tried. */
int tc_crew_apply_all(struct tc_crew *c, const struct tc_service_config *service, const struct tc_want *wants,
		      size_t nwants, struct tc_error *failures, struct tc_error *err);

/* Whether every enclave has this service from the start; the others are made when a contract asks. */
bool tc_is_baseline(const struct tc_service_config *service);

/* The exit status, or what is to be done, of several outcomes: what no retry cures comes first, TC_E_RETRY last; 0 when
 * all are done. */
enum tc_code tc_outcomes_code(const struct tc_outcome *outcomes, size_t n);
enum tc_code tc_code_worse(enum tc_code a, enum tc_code b);

#endif
