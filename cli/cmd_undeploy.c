#include "cli/cluster.h"

static const char *const formats[] = {"text", "json", NULL};

static const struct tc_option options[] = {
	[TC_UNDEPLOY_FORCE] = {.name = "force", .help = "destroy its data too, for ever"},
	[TC_UNDEPLOY_YES] = {.name = "yes", .letter = 'y', .help = "with --force: do not ask"},
	[TC_UNDEPLOY_SERVICE] = {.name = "service", .arg = "NAME", .help = "this service alone"},
	[TC_UNDEPLOY_DRY_RUN] = {.name = "dry-run", .help = "say what would change, and change nothing"},
	[TC_UNDEPLOY_CONFIG] = {.name = "config",
				.arg = "FILE",
				.help = "ExoskeletonConfig (default: built-in values)"},
	[TC_UNDEPLOY_ROOT_KEY_FILE] = {.name = "root-key-file",
				       .arg = "FILE",
				       .help = "root keys, where a service needs one"},
	[TC_UNDEPLOY_KUBECONFIG] = {.name = "kubeconfig",
				    .arg = "FILE",
				    .help = "default: KUBECONFIG, or the pod's own"},
	[TC_UNDEPLOY_NO_CLUSTER] = {.name = "no-cluster", .help = "the services alone: leaves the Secret, and SPIRE"},
	[TC_UNDEPLOY_FORMAT] = {.name = "format", .arg = "text|json", .choices = formats, .help = "default: text"},
	{0},
};

const struct tc_command tc_cmd_undeploy = {
	.name = "undeploy",
	.summary = "take a tentacle's access away, and keep its data",
	.operands = "ENCLAVE/NAME",
	.missing = "say which tentacle: tentc undeploy ENCLAVE/NAME",
	.min = 1,
	.max = 1,
	.about = "Revoke the access, end the sessions, keep the data: registering it again gives\n"
		 "it back. --force destroys; what will be lost is said first, and asked.\n",
	.examples = "  tentc undeploy shop/web --config platform.yaml\n"
		    "  tentc undeploy shop/web --force --dry-run\n",
	.options = options,
};
