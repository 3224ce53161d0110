/* contract_read.h - what the files that read a contract share: contract.c, dependency.c, target.c. Not for others. */
#ifndef TC_CONTRACT_READ_H
#define TC_CONTRACT_READ_H

#include "compiler/contract/contract.h"

#define TC_PLATFORM_PREFIX "tentacular-"
#define TC_DYNAMIC_TARGET "dynamic-target"
#define TC_PORT_MAX 65535

/* A protocol that an author's own dependency may name. Others are kept, but have no usual port. */
struct tc_protocol {
	const char *name;
	unsigned port; /* 0: jsr and npm, which come through a module registry */
};

extern const struct tc_protocol tc_protocols[]; /* ends with name NULL */
extern const char *const tc_transports[];       /* "TCP", "UDP", "SCTP", NULL */

struct tc_platform_host {
	const struct tc_service *service;
	const char *host;             /* as tc_target_host_key has it */
	const char *space;            /* its namespace; NULL: outside the cluster */
	const struct tc_cidr *blocks; /* where it is outside the cluster */
	size_t nblocks;
	unsigned port; /* that a rule opens */
};

struct tc_reader {
	struct tc_arena *mem;
	struct tc_diags *diags;
	const struct tc_contract_context *ctx;
	struct tc_cidr *allowed; /* network.allowedCidrs */
	size_t nallowed;
	struct tc_platform_host platform[TC_SERVICES_MAX];
	size_t nplatform;
	const struct tc_node *first[TC_SERVICES_MAX]; /* the key that asked for a service first, by its number */
};

/* One entry of a mapping. */
struct tc_field {
	const char *name;
	const struct tc_node *key;   /* NULL: absent */
	const struct tc_node *value; /* NULL: absent or null, which mean the same everywhere in a contract */
};

struct tc_field tc_reader_field(const struct tc_node *map, const char *name);
/* True if the field has a value of that kind; reports one of another kind, says nothing about an absent one. */
bool tc_reader_is(struct tc_reader *r, const struct tc_field *f, enum tc_kind kind);
/* A value for a message: a string in quotes, another scalar as it is written, a collection by its kind. */
const char *tc_reader_show(struct tc_reader *r, const struct tc_node *value);
/* help: did you mean one of these? False, and no help, when none is near. */
bool tc_reader_suggest(struct tc_reader *r, struct tc_diag *diag, struct tc_str word, const char *const *known);
/* Warns of every key that is not in known (NULL-terminated). where: "contract", "tentacular-nats". x-*: an extension,
 * kept silently unless the message is about a service's field. */
void tc_reader_unknown(struct tc_reader *r, enum tc_msg id, const struct tc_node *map, const char *const *known,
		       const char *where);
/* Reports more entries than a contract may have. */
bool tc_reader_too_many(struct tc_reader *r, const struct tc_node *at, const char *what, size_t count);
/* "postgres, postgresql or pg" */
const char *tc_reader_list(struct tc_reader *r, const char *const *words, const char *last_joint);

/* dependency.c: dep->name, key and value are set; the rest is filled in. What was refused is left TC_DEP_OPAQUE. */
void tc_dependency_read(struct tc_reader *r, struct tc_dep *dep);

/* target.c. False when refused and reported. */
bool tc_target_host(struct tc_reader *r, const struct tc_node *host, struct tc_egress_to *to);
bool tc_target_block(struct tc_reader *r, const struct tc_field *cidr, struct tc_egress_to *to);
bool tc_target_port(struct tc_reader *r, const struct tc_node *port, struct tc_egress_to *to);
/* owner: the place to blame where the list is absent. */
bool tc_target_ports(struct tc_reader *r, const struct tc_field *list, struct tc_pos owner, struct tc_egress_to *to);
/* Refuses addresses at which the platform serves something itself, once the ports are known. */
bool tc_target_not_platform(struct tc_reader *r, const struct tc_egress_to *to);
void tc_target_extra(struct tc_reader *r, const struct tc_node *network_policy, struct tc_contract *contract);
/* Lower case, without a trailing dot and without .cluster.local behind .svc: equal keys are one host. */
const char *tc_target_host_key(struct tc_arena *mem, struct tc_str host);

#endif
