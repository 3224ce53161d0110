/* registrar.h - making a service hold what the contracts say: one table of operations for each service.
 *
 * Nothing is remembered between calls: names and credentials are derived (compiler/contract), and what is there is read
 * from the service. Every operation may be killed at any moment and called again, by several replicas at once; it then
 * ends in the same state. Every call to a service has a time limit. Errors name the service and the step, say what to
 * do, and their code says whether a retry may help (TC_E_RETRY). No error, step or log holds a credential. */
#ifndef TC_REGISTRAR_H
#define TC_REGISTRAR_H

#include "compiler/contract/catalogue.h"
#include "kube/config.h"

/* How a registrar logs in: from services.<key>.admin of the configuration, with the environment's overrides. Read in
 * cli/ and handed down; secrets are wiped by their owner. */
struct tc_admin {
	const char *host; /* NULL: the tenants' own */
	unsigned port;    /* 0: the tenants' own */
	const char *user;
	struct tc_secret password;
	const char *tls_mode, *tls_ca; /* as in struct tc_service_config; NULL: the tenants' own */
	const char *const *settings;   /* by the row number of the service's table of admin keys */
};

struct tc_registrar_conf {
	const struct tc_config *config;
	const struct tc_service_config *service;
	const struct tc_admin *admin;
	const struct tc_keyring *keys;
	const struct tc_kube_config *kube; /* NULL: no cluster; only SPIRE and NATS in Secrets need it */
	unsigned seconds;                  /* for one call to the service; 0: 10 */
	/* Told right before each call that may change something: for progress, for a log, for tests that end the
	 * process there. what: "create role tent_shop_web"; borrowed. */
	void (*step)(void *self, const char *what);
	void *step_self;
};

/* What one tentacle is to have. Texts are borrowed. */
struct tc_want {
	const char *enclave, *name;
	unsigned epoch;
	const char *const *consumes; /* names of other tentacles of the enclave, for NATS */
	size_t nconsumes;
};

enum tc_state {
	TC_STATE_ABSENT,   /* nothing of it is there */
	TC_STATE_APPLIED,  /* all of it, as wanted */
	TC_STATE_DIFFERS,  /* some of it, or not as wanted: `differs` says what */
	TC_STATE_RETAINED, /* access is revoked, data kept */
	TC_STATE_FOREIGN,  /* another installation, or somebody else, made it: never altered */
};

struct tc_observed {
	struct tc_arena *mem; /* the caller's: texts go there */
	enum tc_state state;
	/* "role \"tent_shop_web\" cannot log in", "schema belongs to \"alice\"": for people. */
	const char **differs;
	size_t ndiffers, cap;
	uint64_t items, bytes; /* tables, objects, messages: what destroy would lose; UINT64_MAX: not counted */
	uint64_t sessions;     /* logged in now */
};
void tc_observed_add(struct tc_observed *o, const char *fmt, ...) TC_PRINTF(2, 3);

struct tc_probed {
	struct tc_arena *mem;
	const char *version; /* "PostgreSQL 15.18" */
	/* What is wrong though it can be reached: missing rights, an unsafe default; each with what to do. */
	const char **complaints;
	size_t ncomplaints, cap;
};
void tc_probed_add(struct tc_probed *p, const char *fmt, ...) TC_PRINTF(2, 3);

struct tc_registrar_ops {
	const char *service; /* key of the catalogue: "postgres" */

	/* Connects to nothing yet. *self belongs to one thread. */
	int (*open)(void **self, const struct tc_registrar_conf *conf, struct tc_error *err);
	void (*close)(void *self); /* NULL is fine */

	/* Is the service there, and may we do what we have to? */
	int (*probe)(struct tc_probed *out, void *self, struct tc_error *err);
	/* Never writes. */
	int (*observe)(struct tc_observed *out, void *self, const struct tc_want *want, struct tc_error *err);
	/* All of ours in the service, wanted or not, in few calls; each is told with `each`, sorted by nothing. Answers
	 * of a tentacle may be less exact than observe's, never wrongly APPLIED. */
	int (*observe_all)(void *self, const struct tc_want *wants, size_t nwants,
			   void (*each)(void *each_self, const char *enclave, const char *name,
					const struct tc_observed *seen),
			   void *each_self, struct tc_error *err);
	int (*apply)(void *self, const struct tc_want *want, struct tc_error *err);
	/* As apply for each of them, in as few calls as one of them needs; each is told with `done`, failure NULL when
	 * it is as wanted. -1: none of them was tried, and `done` not called. NULL: the service gains nothing by it. */
	int (*apply_all)(void *self, const struct tc_want *wants, size_t nwants,
			 void (*done)(void *done_self, const struct tc_want *want, const struct tc_error *failure),
			 void *done_self, struct tc_error *err);
	/* Logs in as the tenant, with the derived credential, and tries what it was given. */
	int (*verify)(void *self, const struct tc_want *want, struct tc_error *err);
	/* Access revoked, sessions ended, data kept. Nothing there: fine. */
	int (*retain)(void *self, const struct tc_want *want, struct tc_error *err);
	/* All of it gone. May be long: progress is told by `step`; resumes where it was ended. Nothing there: fine. */
	int (*destroy)(void *self, const struct tc_want *want, struct tc_error *err);

	/* What an enclave needs before its first tentacle; NULL: nothing. */
	int (*enclave_apply)(void *self, const char *enclave, struct tc_error *err);
	/* NULL: nothing. Refuses while a tentacle of the enclave has something in the service. */
	int (*enclave_destroy)(void *self, const char *enclave, struct tc_error *err);
};

extern const struct tc_registrar_ops tc_registrar_postgres, tc_registrar_nats, tc_registrar_rustfs, tc_registrar_spire;

/* In the order of the catalogue; NULL-terminated. */
extern const struct tc_registrar_ops *const tc_registrars[];

/* Tells conf->step, when there is one. */
void tc_step(const struct tc_registrar_conf *conf, const char *fmt, ...) TC_PRINTF(2, 3);

#endif
