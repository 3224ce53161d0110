/* catalogue.h - the services of the exoskeleton: one row each, which every transform reads.
 *
 * Adding a service: one file service_<name>.c that defines its row, one line in catalogue.c. */
#ifndef TC_CATALOGUE_H
#define TC_CATALOGUE_H

#include "compiler/contract/config.h"
#include "compiler/contract/credentials.h"

enum tc_setting_type {
	TC_SETTING_STRING,
	TC_SETTING_TEMPLATE, /* may hold {enclave} */
	TC_SETTING_ENUM,
};

/* One key of services.<service> that only this service has. */
struct tc_setting {
	const char *name; /* "database" */
	enum tc_setting_type type;
	const char *fallback;       /* the default; may be "" */
	const char *const *choices; /* ENUM: NULL-terminated */
	/* NULL, or a check of the value with {enclave} filled in: answers what is wrong ("is 2 characters long, S3
	 * buckets have 3 to 63") or NULL. */
	const char *(*fault)(struct tc_arena *mem, const char *value);
	const char *help; /* one line, for the schema */
};

/* One key of services.<service>.limits: how much one tentacle, or one enclave, may have. */
struct tc_service_limit {
	const char *name;
	unsigned fallback, min, max;
	const char *help;
};

/* For whom a value is derived. */
struct tc_subject {
	struct tc_arena *mem; /* wiped when keys is not NULL */
	const struct tc_config *config;
	const struct tc_service_config *service;
	const char *enclave, *name;
	const struct tc_keyring *keys; /* NULL: no credentials */
	unsigned epoch;
};

enum {
	TC_V_CONTRACT = 1,   /* filled into the contract */
	TC_V_FULL = 2,       /* filled in only with contract.detail: full */
	TC_V_SECRET = 4,     /* a key of the Secret, `<dep>.<name>` */
	TC_V_CREDENTIAL = 8, /* needs the root key: absent without one, never followed by a comment; `value` may be
				NULL: then it is the derived credential of this name */
	TC_V_IDENTITY = 16,  /* printed by `tentc identity` */
	TC_V_UNIQUE = 32,    /* no two identities may share it */
	TC_V_INT = 64,       /* a number in the contract */
};

/* One derived value. */
struct tc_value {
	const char *name; /* "host" */
	unsigned flags;
	/* NULL for "protocol", whose default is protocols[0], and for plain credentials. Answers NULL where the value
	 * is not set: the row is then left out. */
	const char *(*value)(const struct tc_subject *s);
	const char *help; /* what it is, for `tentc identity` and the schema */
};

struct tc_service {
	const char *key;                   /* in the configuration: services.<key>; in the HKDF info */
	const char *title;                 /* "PostgreSQL" */
	const char *dependency;            /* "tentacular-postgres" */
	const char *alias;                 /* another name of it, or NULL */
	const char *const *protocols;      /* accepted, NULL-terminated; the first is filled in */
	const struct tc_value *values;     /* in output order; ends with name NULL */
	const struct tc_setting *settings; /* ends with name NULL */
	/* services.<service>.admin, for the registrars only: beside host, port, user, passwordFile and tls, which every
	 * service on the network has. No row holds a secret: it names the file of one. NULL: none of its own. */
	const struct tc_setting *admin_settings;
	bool admin_key_pair; /* the administrator has an accessKeyFile and a secretKeyFile, not user and passwordFile */
	const struct tc_service_limit *limits; /* ends with name NULL; NULL: none */
	const char *host; /* default host; NULL: not on the network (no host, port, tls, network keys) */
	unsigned port;
	const char *auth_type; /* contract.detail: full adds auth: {type, secret: <dep>.<auth_field>}; NULL: none */
	const char *auth_field;
	/* `type` in the Service Binding layout (servicebinding.io, Well-known Secret Entries), with bindings: true. */
	const char *binding_type;
	bool consumes; /* the dependency may list other tentacles under `consumes` */
	/* What a pod needs beyond the Secret: a CSI volume and the variable that names the socket in it. */
	const char *csi_driver; /* NULL: nothing */
	const char *csi_volume, *csi_mount, *socket_env;
	const char *(*socket)(const struct tc_subject *s); /* value of socket_env */
	/* A cluster-scoped registration object (ClusterSPIFFEID). */
	bool registers_identity;
};

extern const struct tc_service *const tc_services[]; /* NULL-terminated, in output order */

/* By dependency name or alias; NULL when there is none. */
const struct tc_service *tc_service_of(struct tc_str dependency);
/* All dependency names, aliases included: for "did you mean". */
const char *const *tc_dependency_names(struct tc_arena *mem, size_t *count);
/* The keys of a Secret that hold credentials, `<dep>.<name>` for each name of the dependency; NULL-terminated. */
const char *const *tc_credential_keys(struct tc_arena *mem) __attribute__((returns_nonnull));

/* What is wrong with the service's templates once the enclave is filled in, such as a bucket's length: the setting's
 * name and value are put before it. NULL when nothing is. */
const char *tc_template_check(const struct tc_subject *s);

/* The value of one row for a subject, NULL when it is left out. row belongs to s->service->service. */
const char *tc_value_of(const struct tc_subject *s, const struct tc_value *row);
const struct tc_value *tc_value_find(const struct tc_service *service, const char *name);
/* Same, by name; the row must exist. A row without flags is only reached so (spire's class_name). */
const char *tc_value_named(const struct tc_subject *s, const char *name);

#endif
