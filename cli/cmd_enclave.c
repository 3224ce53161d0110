#include "cli/cluster.h"

static const char *const formats[] = {"text", "json", NULL};

static const struct tc_option options[] = {
	[TC_ENCLAVE_FORCE] = {.name = "force", .help = "deprovision: destroy all of it, for ever"},
	[TC_ENCLAVE_YES] = {.name = "yes", .letter = 'y', .help = "with --force: do not ask"},
	[TC_ENCLAVE_DRY_RUN] = {.name = "dry-run", .help = "say what would change, and change nothing"},
	[TC_ENCLAVE_CONFIG] = {.name = "config", .arg = "FILE", .help = "ExoskeletonConfig (default: built-in values)"},
	[TC_ENCLAVE_ROOT_KEY_FILE] = {.name = "root-key-file",
				      .arg = "FILE",
				      .help = "root keys, where a service needs one"},
	[TC_ENCLAVE_KUBECONFIG] = {.name = "kubeconfig",
				   .arg = "FILE",
				   .help = "default: KUBECONFIG, or the pod's own"},
	[TC_ENCLAVE_NO_CLUSTER] = {.name = "no-cluster", .help = "the services alone: no namespace, no SPIRE"},
	[TC_ENCLAVE_FORMAT] = {.name = "format", .arg = "text|json", .choices = formats, .help = "default: text"},
	{0},
};

const struct tc_command tc_cmd_enclave = {
	.name = "enclave",
	.summary = "make, show, list and give up enclaves",
	.operands = "provision|info|list|adopt|deprovision [NAME]",
	.missing = "say what to do: tentc enclave provision, info, list, adopt or deprovision",
	.min = 1,
	.max = 2,
	.about = "provision: the namespace, its default policies, database and bucket.\n"
		 "adopt: a namespace that was made anew may have what the former one left.\n"
		 "deprovision: take the access of all its tentacles away, and keep their data.\n",
	.examples = "  tentc enclave provision shop --config platform.yaml\n"
		    "  tentc enclave info shop --format json\n"
		    "  tentc enclave deprovision shop --force\n",
	.options = options,
};
