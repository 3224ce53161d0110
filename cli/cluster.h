/* cluster.h - commands that need a cluster: rows of tentc's table, run by libexec/tentc/tentc-cluster.
 *
 * tentc links nothing that reaches a network. It parses the arguments, so that help and errors are the same for all
 * commands, and then becomes the other program with the same argv. Both know an option by these numbers. */
#ifndef TC_CLUSTER_H
#define TC_CLUSTER_H

#include "cli/cli.h"

enum tc_serve_option {
	TC_SERVE_ADMISSION,
	TC_SERVE_CONTROLLER,
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
	TC_SERVE_ROOT_KEY_FILE,
};

enum tc_certs_option {
	TC_CERTS_CERT_SECRET,
	TC_CERTS_WEBHOOK,
	TC_CERTS_KUBECONFIG,
	TC_CERTS_NAME,
	TC_CERTS_DAYS,
	TC_CERTS_OUTPUT,
};

enum tc_register_option {
	TC_REGISTER_FILE,
	TC_REGISTER_CONFIG,
	TC_REGISTER_ROOT_KEY_FILE,
	TC_REGISTER_ENCLAVE,
	TC_REGISTER_KUBECONFIG,
	TC_REGISTER_NO_CLUSTER,
	TC_REGISTER_DRY_RUN,
	TC_REGISTER_FORMAT,
};

enum tc_undeploy_option {
	TC_UNDEPLOY_FORCE,
	TC_UNDEPLOY_YES,
	TC_UNDEPLOY_SERVICE,
	TC_UNDEPLOY_DRY_RUN,
	TC_UNDEPLOY_CONFIG,
	TC_UNDEPLOY_ROOT_KEY_FILE,
	TC_UNDEPLOY_KUBECONFIG,
	TC_UNDEPLOY_NO_CLUSTER,
	TC_UNDEPLOY_FORMAT,
};

enum tc_enclave_option {
	TC_ENCLAVE_FORCE,
	TC_ENCLAVE_YES,
	TC_ENCLAVE_DRY_RUN,
	TC_ENCLAVE_CONFIG,
	TC_ENCLAVE_ROOT_KEY_FILE,
	TC_ENCLAVE_KUBECONFIG,
	TC_ENCLAVE_NO_CLUSTER,
	TC_ENCLAVE_FORMAT,
};

enum tc_status_option { /* and of resume */
			TC_STATUS_CONFIG,
			TC_STATUS_KUBECONFIG,
			TC_STATUS_FORMAT,
};

enum tc_list_option {
	TC_LIST_ORPHANS,
	TC_LIST_CONFIG,
	TC_LIST_KUBECONFIG,
	TC_LIST_FORMAT,
};

enum tc_doctor_option {
	TC_DOCTOR_CONFIG,
	TC_DOCTOR_ROOT_KEY_FILE,
	TC_DOCTOR_KUBECONFIG,
	TC_DOCTOR_NO_CLUSTER,
	TC_DOCTOR_WEBHOOK,
	TC_DOCTOR_CERT_SECRET,
	TC_DOCTOR_FORMAT,
};

/* For struct tc_front: becomes the other program; returns only when that cannot be done. */
int tc_cluster_exec(const struct tc_command *command, char **argv, const struct tc_cli *cli, const struct tc_args *args,
		    struct tc_error *err);

#endif
