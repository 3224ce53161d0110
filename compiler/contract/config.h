/* config.h - ExoskeletonConfig: one file, the same for offline use, the webhook and the registrars.
 *
 * apiVersion tentacular.io/v1alpha1. Every key is a row of a table (config_table.c; a service's own keys stand in the
 * service's file), from which the reader, the defaults, the nearest-key help and the JSON Schema come. A null value
 * means the default. */
#ifndef TC_CONFIG_H
#define TC_CONFIG_H

#include "compiler/base/diag.h"
#include "compiler/tree/node.h"

struct tc_service;

#define TC_SERVICES_MAX 8
#define TC_SETTINGS_MAX 12 /* of one service's own */
#define TC_SERVICE_LIMITS_MAX 8

struct tc_strings {
	const char **list;
	size_t count;
};

struct tc_labels { /* name, value, name, value, ... */
	const char **list;
	size_t count; /* pairs */
};

enum tc_mode {
	TC_MODE_ENFORCE,
	TC_MODE_AUDIT,
};

enum tc_netpol_mode {
	TC_NETPOL_CONTRACT, /* services and the author's own dependencies */
	TC_NETPOL_SERVICES, /* only what the platform's services need */
	TC_NETPOL_OFF,
};

/* Where something on the network is, as a NetworkPolicy sees it. */
struct tc_peer {
	struct tc_strings cidrs;     /* outside the cluster; empty: a namespace, taken from host */
	struct tc_labels pod_labels; /* narrows the namespace to some pods; empty: all of it */
	unsigned pod_port;           /* where the pod's port differs from the Service's; 0: the same */
};

/* How registrars log in as the administrator. "" and 0: as the tenants, or not at all. The stage reads none of it. */
struct tc_admin_config {
	const char *host;
	unsigned port;
	const char *user, *user_file; /* a name, or the file that holds it (accessKeyFile) */
	const char *password_file;    /* also: secretKeyFile */
	const char *tls_mode, *tls_ca;
	const char *settings[TC_SETTINGS_MAX]; /* by the row number of the service's admin_settings */
};

struct tc_service_config {
	const struct tc_service *service;
	bool enabled;
	const char *host; /* NULL for a service that is not on the network */
	unsigned port;
	const char *tls_mode; /* "": unset, "disable", "require", "verify-full" */
	const char *tls_ca;   /* PEM; "": unset */
	struct tc_peer peer;
	const char *settings[TC_SETTINGS_MAX]; /* by the row number of the service's own table; never NULL for a row */
	struct tc_admin_config admin;
	unsigned limits[TC_SERVICE_LIMITS_MAX]; /* by the row number of the service's limits */
};

struct tc_config {
	const char *installation; /* RFC 1123 label */
	unsigned level;
	enum tc_mode mode;
	const char *key_id;
	bool contract_full;       /* contract.detail: full */
	const char *contract_key; /* "workflow.yaml" */
	bool bindings;

	const char *dns_namespace;
	struct tc_labels dns_labels;
	unsigned dns_port;
	struct tc_strings allowed_namespaces;
	struct tc_strings allowed_cidrs;

	enum tc_netpol_mode netpol_mode;
	bool default_deny; /* the enclave denies egress by itself: no warning about what a new policy takes away */
	const char *module_proxy; /* host of the proxy for jsr and npm; "": none */
	unsigned module_proxy_port;
	struct tc_peer module_proxy_peer;

	/* Read by the controller alone. Times in seconds. */
	const char *controller_namespace;
	unsigned controller_resync;
	unsigned undeploy_grace, undeploy_job_grace, undeploy_destroy_delay;
	bool undeploy_allow_annotation;

	struct tc_service_config services[TC_SERVICES_MAX];
	size_t nservices;
};

/* The built-in defaults. */
struct tc_config *tc_config_default(struct tc_arena *mem);
/* root: the document, NULL for an empty file; *config is always complete (defaults where a key is absent or refused).
 * All problems are reported; false when there was one. */
bool tc_config_read(struct tc_arena *mem, const struct tc_node *root, struct tc_diags *diags,
		    struct tc_config **config);

/* The effective configuration as far as it can change what the stage makes, one `key=value` a line in the order of the
 * table: what the hash in tentacular.io/compiled covers. Left out: what only warns or decides whether the answer is
 * applied (mode, defaultDeny), what only registrars and the
 * controller read (admin, limits,
 * controller, undeploy), the keys of a service that is off, what
 * shapes rules where no rules are made, and `level`: an object's own level wins over it, so the caller hashes the level
 * in effect. */
void tc_config_canonical(struct tc_buf *out, const struct tc_config *config);

/* By the service's key ("postgres"); NULL when there is none. */
const struct tc_service_config *tc_config_service(const struct tc_config *config, const char *key);

/* JSON Schema (2020-12) of the file, pretty-printed, ending with a line end. */
void tc_config_schema(struct tc_buf *out);

#endif
