/* kubeconfig.h - the parts of the reader of kubeconfigs, for each other. Internal to kube/.
 *
 * kubeconfig.c reads files and finds entries, kubeconfig_value.c takes values out of them, kubeconfig_user.c knows what
 * a cluster and a user say. */
#ifndef TC_KUBECONFIG_H
#define TC_KUBECONFIG_H

#include "compiler/tree/node.h"
#include "kube/access.h"

struct tc_kubeconfig_file {
	const char *dir; /* with the slash at its end; "" for the current folder */
	struct tc_source src;
	const struct tc_node *root;
};

struct tc_kubeconfig {
	struct tc_kube_config *c;
	struct tc_arena *mem; /* as long as the loading */
	struct tc_kubeconfig_file *files;
	size_t count;
	struct tc_kube_error *err;
};

/* A mapping, and the file that it stands in. */
struct tc_kubeconfig_part {
	const struct tc_node *map;
	const struct tc_kubeconfig_file *file;
};

/* kubeconfig_value.c: of a mapping's key, in r->c->mem. */

/* What is wrong at a place: "config:3:5: ...". Always -1. */
int tc_kubeconfig_fail(struct tc_kubeconfig *r, const struct tc_node *at, const char *fmt, ...) TC_PRINTF(3, 4);
/* A string; NULL when it is missing, null or empty. */
int tc_kubeconfig_string(struct tc_kubeconfig *r, struct tc_kubeconfig_part p, const char *key, const char **out);
/* As tc_kubeconfig_string, for what goes into a line of HTTP. */
int tc_kubeconfig_line(struct tc_kubeconfig *r, struct tc_kubeconfig_part p, const char *key, const char **out);
int tc_kubeconfig_bool(struct tc_kubeconfig *r, struct tc_kubeconfig_part p, const char *key, bool *out);
/* A path is relative to the file that names it. */
int tc_kubeconfig_path(struct tc_kubeconfig *r, struct tc_kubeconfig_part p, const char *key, const char **out);
/* NAME-data (base64) wins over NAME, a file, as in kubectl. */
int tc_kubeconfig_pem(struct tc_kubeconfig *r, struct tc_kubeconfig_part p, const char *name, const char *kind,
		      struct tc_str *out);

/* Strings that grow in number; NULL is behind the last one. */
struct tc_kubeconfig_list {
	const char **list;
	size_t count, cap;
};
void tc_kubeconfig_push(struct tc_kubeconfig *r, struct tc_kubeconfig_list *l, const char *text);
/* All strings of a list, each with a text before it. */
int tc_kubeconfig_add(struct tc_kubeconfig *r, struct tc_kubeconfig_part p, const char *key, const char *before,
		      struct tc_kubeconfig_list *l);

/* kubeconfig_user.c */
int tc_kubeconfig_cluster(struct tc_kubeconfig *r, struct tc_kubeconfig_part p);
int tc_kubeconfig_user(struct tc_kubeconfig *r, struct tc_kubeconfig_part p);

#endif
