/* workload.h - the parts of the workload transform: one edit of one pod template, shared by its files. */
#ifndef TC_WORKLOAD_H
#define TC_WORKLOAD_H

#include "compiler/transform/tentacle.h"

/* What the API server stores is far below; the look-ups here are by name, one after the other. */
#define TC_CONTAINERS_MAX 1000

#define TC_SECRETS_VOLUME "tentacular-exoskeleton"
#define TC_SECRETS_PATH "/app/secrets"
#define TC_BINDINGS_VOLUME "tentacular-bindings"
#define TC_BINDINGS_PATH "/app/bindings"
#define TC_BINDINGS_VARIABLE "SERVICE_BINDING_ROOT"
#define TC_ALLOW_NET "--allow-net"

struct tc_container {
	const struct tc_node *node;
	const char *name;
	const char *path; /* of the container in the ledger */
};

struct tc_pod_edit {
	struct tc_work *w;
	struct tc_tentacle *t;
	struct tc_patch *patch;
	struct tc_ledger ledger;
	const struct tc_node *template, *spec; /* the pod template and its spec */
	const char *template_path, *spec_path; /* in the ledger */
	struct tc_container *containers;       /* those that get something, init containers last */
	size_t ncontainers;
};

/* mounts.c: the Secret at /app/secrets, and the SPIFFE socket. */
void tc_pod_mount(struct tc_pod_edit *e);
/* Is it TC_SECRETS_PATH, maybe with slashes behind it? */
bool tc_is_secrets_path(struct tc_str path);
/* bindings.c: the same values in the Service Binding layout, for frameworks that read it. */
void tc_pod_bindings(struct tc_pod_edit *e);
/* variables.c: environment variables, and hosts for a Deno --allow-net flag. */
void tc_pod_variables(struct tc_pod_edit *e);

/* Mounts a volume read-only in one container; the author's own, different mount there is reported. */
void tc_pod_add_mount(struct tc_pod_edit *e, const struct tc_container *c, const struct tc_origin *origin,
		      const char *volume, const char *where);
/* Sets a variable of one container; the author's own, different one is reported. */
void tc_pod_add_variable(struct tc_pod_edit *e, const struct tc_container *c, const struct tc_origin *origin,
			 const char *name, const char *value);
/* A volume of tentc's own; the author's under its name is reported. */
void tc_pod_add_volume(struct tc_pod_edit *e, struct tc_node *volume);

/* Adds value to the list at key of map under a name of tentc's own, or brings what tentc put there up to date. An item
 * of that name that is not tentc's is the author's: false, and nothing is done (the caller says what that means). path:
 * of the item. */
bool tc_pod_item(struct tc_pod_edit *e, const struct tc_node *map, const char *key, const char *field, const char *path,
		 struct tc_node *value);

#endif
