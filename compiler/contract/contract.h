/* contract.h - a contract as the author wrote it: checked, and what each dependency means.
 *
 * Unknown fields of an author's own dependency are kept and ignored; unknown fields of a tentacular-* dependency warn.
 */
#ifndef TC_CONTRACT_H
#define TC_CONTRACT_H

#include "compiler/base/diag.h"
#include "compiler/contract/catalogue.h"
#include "compiler/contract/netaddr.h"

/* Of dependencies, and of rules under additionalEgress. Every one of them ends up in a NetworkPolicy. */
#define TC_DEPENDENCIES_MAX 1000

enum tc_dep_kind {
	TC_DEP_PLATFORM, /* tentacular-*: service is set */
	TC_DEP_HOST,     /* a host, in or outside the cluster */
	TC_DEP_CIDR,     /* a block of addresses: dynamic-target, or an IP address as host */
	TC_DEP_MODULES,  /* jsr, npm: a module registry */
	TC_DEP_OPAQUE,   /* nothing in it concerns the network (no protocol, no host): kept and ignored. Or refused */
};

struct tc_port {
	unsigned number;      /* 1-65535 */
	const char *protocol; /* "TCP", "UDP", "SCTP" */
};

struct tc_egress_to {     /* a destination: host or block, and ports */
	const char *host; /* NULL: a block. Lower case, no trailing dot; an IP literal becomes a block */
	/* host inside the cluster (*.svc, *.svc.cluster.local): */
	const char *service_namespace; /* NULL: outside */
	/* a block: */
	struct tc_cidr cidr;
	const struct tc_cidr *except; /* what of the private ranges it must not reach */
	size_t nexcept;
	struct tc_port *ports;
	size_t nports;
	struct tc_pos at; /* the field to blame: host, cidr or toCIDR */
};

struct tc_dep {
	struct tc_str name;
	const struct tc_node *key, *value; /* value: a mapping, null or absent */
	enum tc_dep_kind kind;
	const struct tc_service *service;
	const struct tc_service_config *config; /* of the service */
	const char **consumes;                  /* other tentacles of the enclave */
	size_t nconsumes;
	struct tc_egress_to to; /* HOST, CIDR */
};

struct tc_contract {
	const struct tc_node *root; /* the mapping; what holds `dependencies` */
	struct tc_dep *deps;        /* in the author's order */
	size_t ndeps;
	struct tc_egress_to *extra; /* networkPolicy.additionalEgress */
	size_t nextra;
	struct tc_str name; /* of an annotation contract; empty: none */
};

struct tc_contract_context {
	const struct tc_config *config;
	const char *enclave; /* NULL when unknown: own-namespace checks are left out */
};

/* root: the contract mapping (any node: a list or a string is an error there). Reports all problems; NULL when it has
 * no usable form at all. Whether it may be compiled is told by diags->errors. */
struct tc_contract *tc_contract_read(struct tc_arena *mem, const struct tc_node *root,
				     const struct tc_contract_context *ctx, struct tc_diags *diags);

/* JSON Schema (2020-12) of a workflow's contract, pretty-printed. Accepts all that tc_contract_read accepts. */
void tc_contract_schema(struct tc_buf *out);

#endif
