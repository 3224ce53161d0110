/* config.h - which API server, and as whom: a kubeconfig, or the files of a pod.
 *
 * kubeconfig: https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/ (KUBECONFIG is a
 * list joined by ':', the first file that sets a value wins, relative paths are relative to their file). In a cluster:
 * KUBERNETES_SERVICE_HOST and _PORT, and the folder /var/run/secrets/kubernetes.io/serviceaccount. */
#ifndef TC_KUBE_CONFIG_H
#define TC_KUBE_CONFIG_H

#include "compiler/base/arena.h"
#include "kube/error.h"

/* Where to look; the environment is read in cli/ and handed down. Every member may be NULL. */
struct tc_kube_source {
	const char *kubeconfig;   /* --kubeconfig: one file; wins */
	const char *context;      /* --context; NULL: current-context */
	const char *env_list;     /* KUBECONFIG */
	const char *home;         /* HOME: ~/.kube/config */
	const char *service_host; /* KUBERNETES_SERVICE_HOST */
	const char *service_port;
	const char *account_dir; /* of token, ca.crt, namespace; NULL: the usual one */
};

struct tc_kube_config; /* shared by threads: nothing in it changes */

/* kubeconfig, then KUBECONFIG, then in-cluster when service_host is set, then ~/.kube/config. Files that it names are
 * read here, but tokenFile and the account's token, which change: each client reads those again. */
int tc_kube_config_load(struct tc_kube_config **out, const struct tc_kube_source *source, struct tc_kube_error *err);
void tc_kube_config_free(struct tc_kube_config *c); /* wipes keys and tokens */

const char *tc_kube_config_server(const struct tc_kube_config *c);    /* "https://10.0.0.1:443" */
const char *tc_kube_config_namespace(const struct tc_kube_config *c); /* of the context or the account; "default" */

TC_DEFINE_CLEANUP(struct tc_kube_config, tc_kube_config_free)

#endif
