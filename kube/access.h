/* access.h - what a configuration says, once it is read. Internal to kube/.
 *
 * Strings stand in an arena that is wiped. Nothing here changes after loading, so that threads share it. */
#ifndef TC_KUBE_ACCESS_H
#define TC_KUBE_ACCESS_H

#include "kube/config.h"

/* A program that gives a credential (client.authentication.k8s.io). */
struct tc_kube_exec {
	const char *command;     /* a path, or a name to look for in PATH */
	const char *const *argv; /* command first, NULL last */
	const char *const *env;  /* "NAME=value", NULL last: added to our own */
	const char *api_version;
	bool cluster_info;  /* tell it which cluster */
	const char *where;  /* "config:12:5": for messages */
	const char *advice; /* installHint, or NULL */
};

struct tc_kube_config {
	struct tc_arena *mem;
	const char *server; /* without a slash at its end */
	const char *ns;
	const char *tls_name; /* whose certificate is expected; NULL: the server's host */
	const char *proxy;    /* NULL: none */
	bool insecure;
	struct tc_str ca;        /* PEM; empty: the system's */
	struct tc_str cert, key; /* PEM; empty: none */
	/* At most one of these three is set. */
	const char *token;
	const char *token_file;
	const struct tc_kube_exec *exec;
	const char *const *headers; /* Impersonate-...; NULL last, or NULL */
};

/* kubeconfig.c: files in order, the first one that sets a value wins. must: the first file has to be there. */
int tc_kubeconfig_load(struct tc_kube_config *c, const char *const *files, size_t count, bool must, const char *context,
		       struct tc_kube_error *err);
/* "PEM", after a look at what can be known without a library of certificates: it has a block of that kind. */
bool tc_kube_is_pem(struct tc_str text, const char *kind);

/* files.c: a whole file of at most max bytes, in mem, terminated. 1: there is none, and err says so too. */
int tc_kube_read_file(struct tc_str *out, struct tc_arena *mem, const char *path, size_t max, struct tc_error *err);
/* A token without the white space around it. False: it is empty, or holds what cannot stand in a header. */
bool tc_kube_token(struct tc_str *token);
/* Base64 with line breaks; false: something else. */
bool tc_kube_base64(struct tc_str *out, struct tc_arena *mem, struct tc_str text);

#define TC_KUBE_TOKEN_MAX (64u << 10)
#define TC_KUBE_PEM_MAX (1u << 20)

#endif
