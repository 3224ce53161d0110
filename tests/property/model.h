/* model.h - what a generated case means, before any text: tentacles, their contracts, and the platform.
 *
 * A case is drawn once from its seed. Everything that a text is made from stands in the model, so the same case can be
 * written again with a dependency or a contract taken away, and all else as it was. */
#ifndef TC_PROPERTY_MODEL_H
#define TC_PROPERTY_MODEL_H

#include "compiler/contract/catalogue.h"
#include "tests/property/rng.h"

#define MODEL_DEPS_MAX 10
#define MODEL_TENTACLES_MAX 3
#define MODEL_CONTAINERS_MAX 4
#define MODEL_FILES_MAX 3

enum dep_kind {
	DEP_PLATFORM,
	DEP_OUTSIDE, /* a DNS name outside the cluster */
	DEP_ADDRESS, /* an IP literal */
	DEP_INSIDE,  /* *.svc */
	DEP_BLOCK,   /* dynamic-target */
	DEP_MODULES,
	DEP_OPAQUE,
};

enum dep_form {
	FORM_ABSENT, /* `name:` */
	FORM_NULL,
	FORM_EMPTY,  /* {} */
	FORM_FIELDS, /* some fields, equal to what tentc derives */
};

struct model_dep {
	enum dep_kind kind;
	const struct tc_service *service; /* platform */
	const char *name;
	enum dep_form form;
	const char *protocol; /* NULL: not written */
	unsigned fields;      /* platform: bit i: row i of the service is written; see `sticky` */
	bool own_fields;      /* platform: one of `fields` depends on the configuration */
	bool extension;       /* a field that tentc does not know */
	bool consumes;
	const char *host;
	unsigned port; /* what the rule names */
	bool write_port;
	const char *cidr;
	bool gone; /* taken away */
};

enum place {
	PLACE_ANNOTATION,
	PLACE_CONFIGMAP,
	PLACE_BARE,
};

enum text_style {
	TEXT_LITERAL,
	TEXT_FOLDED,
	TEXT_SINGLE,
	TEXT_DOUBLE,
};

enum author_mount {
	MOUNT_NONE,
	MOUNT_SECRET,
	MOUNT_CONFIGMAP,
	MOUNT_PROJECTED,
	MOUNT_DOWNWARD,
};

enum author_policy {
	POLICY_NONE,
	POLICY_EXCLUSIVE, /* selects this tentacle only */
	POLICY_WIDER,
	POLICY_INGRESS, /* exclusive, but says nothing about egress */
};

struct model_container {
	const char *name;
	bool init, injected, socket_env;
	const char *net; /* what stands behind --allow-net=; NULL: no such flag */
	bool in_command;
};

struct model_tentacle {
	const char *enclave, *name;
	bool no_namespace; /* the objects leave it to --enclave */
	enum place place;
	int kind; /* row of model_kinds; -1: no workload in the input */
	bool no_contract;
	enum text_style style;
	bool code_name; /* ConfigMap: the workflow has no name, the ConfigMap is <name>-code */
	struct model_dep deps[MODEL_DEPS_MAX];
	size_t ndeps;
	bool extra; /* networkPolicy.additionalEgress */
	struct model_container containers[MODEL_CONTAINERS_MAX];
	size_t ncontainers;
	bool narrowed; /* inject-containers */
	enum author_mount mount;
	enum author_policy policy;
	bool policy_has_postgres; /* a rule of the author's that means the same as ours */
	int epoch;                /* -1: not written */
	bool level, release_label, host_network, shared_labels, annotations_null;
	unsigned file;
	uint64_t seed; /* of the shapes of its objects */
};

struct model_service {
	bool enabled;
	const char *host;
	unsigned port, pod_port;
	bool outside; /* network.cidrs */
};

/* A configuration, as a text. */
struct model_config {
	struct model_service services[4]; /* postgres, rustfs, nats, spire: the order of tc_services */
	const char *database, *mode, *key_id, *trust_domain;
	bool full, proxy, pod_labels, default_deny, single_subject, other_key;
};

struct model {
	uint64_t seed;
	struct tc_arena *mem;
	struct model_config config;
	const char *enclave_flag; /* NULL: not given */
	bool keys;
	struct model_tentacle tentacles[MODEL_TENTACLES_MAX];
	size_t ntentacles;
	unsigned nfiles;
	struct model_file {
		bool json, crlf, list, bom, noise;
		uint64_t seed;
	} files[MODEL_FILES_MAX];
};

struct model_kind {
	const char *kind, *api_version;
};
extern const struct model_kind model_kinds[];
#define MODEL_KINDS 6

/* What the own dependencies of the generator may name in the cluster, and in its private blocks. */
#define MODEL_SHARED_NAMESPACE "shared"
#define MODEL_ALLOWED_CIDR "10.20.0.0/16"

void model_draw(struct model *m, struct tc_arena *mem, uint64_t seed);
struct model_config model_config_draw(struct rng *r);
/* The same platform with its Postgres elsewhere. */
struct model_config model_config_moved(struct model_config c, struct rng *r);
const char *model_config_text(struct tc_arena *mem, const struct model_config *c);

#endif
