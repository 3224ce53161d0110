#include "cli/cluster.h"

static const char *const formats[] = {"text", "json", NULL};

/* Of status and resume. */
static const struct tc_option options[] = {
	[TC_STATUS_CONFIG] = {.name = "config", .arg = "FILE", .help = "ExoskeletonConfig (default: built-in values)"},
	[TC_STATUS_KUBECONFIG] = {.name = "kubeconfig", .arg = "FILE", .help = "default: KUBECONFIG, or the pod's own"},
	[TC_STATUS_FORMAT] = {.name = "format", .arg = "text|json", .choices = formats, .help = "default: text"},
	{0},
};

static const struct tc_option list_options[] = {
	[TC_LIST_ORPHANS] = {.name = "orphans", .help = "only those without a workload: data that was kept"},
	[TC_LIST_CONFIG] = {.name = "config", .arg = "FILE", .help = "ExoskeletonConfig (default: built-in values)"},
	[TC_LIST_KUBECONFIG] = {.name = "kubeconfig", .arg = "FILE", .help = "default: KUBECONFIG, or the pod's own"},
	[TC_LIST_FORMAT] = {.name = "format", .arg = "text|json", .choices = formats, .help = "default: text"},
	{0},
};

const struct tc_command tc_cmd_status = {
	.name = "status",
	.summary = "show what the controller knows of a tentacle",
	.operands = "ENCLAVE/NAME",
	.missing = "say which tentacle: tentc status ENCLAVE/NAME",
	.min = 1,
	.max = 1,
	.about = "Its phase, its services, and what keeps it from being registered.\n"
		 "Exit status: 0 registered and well, 1 anything else.\n",
	.examples = "  tentc status shop/web\n"
		    "  tentc status shop/web --format json | jq -r .phase\n",
	.options = options,
};

const struct tc_command tc_cmd_list = {
	.name = "list",
	.summary = "list the tentacles that the controller knows",
	.operands = "",
	.missing = "",
	.about = "A line for each: name, phase, services; below it, what is wrong.\n",
	.examples = "  tentc list\n"
		    "  tentc list --orphans --format json | jq -r '.tentacles[] | .enclave + \"/\" + .name'\n",
	.options = list_options,
};

const struct tc_command tc_cmd_resume = {
	.name = "resume",
	.summary = "let removals go on that were held",
	.operands = "",
	.missing = "",
	.about = "Where too many tentacles went away at once, the controller takes no access away\n"
		 "until somebody says that it was meant. tentc list --orphans shows them.\n",
	.examples = "  tentc resume\n",
	.options = options,
};
