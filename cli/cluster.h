/* cluster.h - commands that need a cluster: rows of tentc's table, run by libexec/tentc/tentc-cluster.
 *
 * tentc links nothing that reaches a network. It parses the arguments, so that help and errors are the same for all
 * commands, and then becomes the other program with the same argv. Both know an option by these numbers. */
#ifndef TC_CLUSTER_H
#define TC_CLUSTER_H

#include "cli/cli.h"

enum tc_serve_option {
	TC_SERVE_ADMISSION,
	TC_SERVE_CONFIG,
	TC_SERVE_LISTEN,
	TC_SERVE_METRICS,
	TC_SERVE_CERT_DIR,
	TC_SERVE_CERT_SECRET,
	TC_SERVE_CERT_LIFE,
	TC_SERVE_WEBHOOK,
	TC_SERVE_SERVICE,
	TC_SERVE_KUBECONFIG,
	TC_SERVE_NO_CLUSTER,
	TC_SERVE_LOG,
	TC_SERVE_DRAIN,
};

enum tc_certs_option {
	TC_CERTS_CERT_SECRET,
	TC_CERTS_WEBHOOK,
	TC_CERTS_KUBECONFIG,
	TC_CERTS_NAME,
	TC_CERTS_DAYS,
	TC_CERTS_OUTPUT,
};

/* For struct tc_front: becomes the other program; returns only when that cannot be done. */
int tc_cluster_exec(const struct tc_command *command, char **argv, const struct tc_cli *cli, const struct tc_args *args,
		    struct tc_error *err);

#endif
