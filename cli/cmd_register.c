#include "cli/cluster.h"

static const char *const formats[] = {"text", "json", NULL};

static const struct tc_option options[] = {
	[TC_REGISTER_FILE] = {.name = "filename",
			      .letter = 'f',
			      .arg = "FILE",
			      .operand = true,
			      .help = "an operand too, as kubectl has it"},
	[TC_REGISTER_CONFIG] = {.name = "config",
				.arg = "FILE",
				.help = "ExoskeletonConfig (default: built-in values)"},
	[TC_REGISTER_ROOT_KEY_FILE] = {.name = "root-key-file",
				       .arg = "FILE",
				       .help = "root keys: tentc keygen makes one"},
	[TC_REGISTER_ENCLAVE] = {.name = "enclave", .arg = "NAME", .help = "for objects without a namespace"},
	[TC_REGISTER_KUBECONFIG] = {.name = "kubeconfig",
				    .arg = "FILE",
				    .help = "default: KUBECONFIG, or the pod's own"},
	[TC_REGISTER_NO_CLUSTER] = {.name = "no-cluster", .help = "the services alone: applies no Secret, no SPIRE"},
	[TC_REGISTER_DRY_RUN] = {.name = "dry-run", .help = "say what would change, and change nothing"},
	[TC_REGISTER_FORMAT] = {.name = "format", .arg = "text|json", .choices = formats, .help = "default: text"},
	{0},
};

const struct tc_command tc_cmd_register = {
	.name = "register",
	.summary = "make the services hold what contracts say",
	.operands = "FILE|DIR|-...",
	.missing = "nothing to register; give files, folders, or - for standard input",
	.min = 1,
	.max = SIZE_MAX,
	.about = "For each tentacle, in each of its services: make what is missing, log in as the\n"
		 "tentacle; then apply its Secret. Safe to run again: it goes on where it ended.\n",
	.examples = "  tentc register -f shop.yaml --config platform.yaml --root-key-file keys\n"
		    "  tentc register --dry-run k8s/ --enclave demo --root-key-file keys\n",
	.options = options,
};
