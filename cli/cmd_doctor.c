#include "cli/cluster.h"

static const char *const formats[] = {"text", "json", NULL};

static const struct tc_option options[] = {
	[TC_DOCTOR_CONFIG] = {.name = "config", .arg = "FILE", .help = "ExoskeletonConfig (default: built-in values)"},
	[TC_DOCTOR_ROOT_KEY_FILE] = {.name = "root-key-file", .arg = "FILE", .help = "root keys: look at these too"},
	[TC_DOCTOR_KUBECONFIG] = {.name = "kubeconfig", .arg = "FILE", .help = "default: KUBECONFIG, or the pod's own"},
	[TC_DOCTOR_NO_CLUSTER] = {.name = "no-cluster", .help = "the services alone"},
	[TC_DOCTOR_WEBHOOK] = {.name = "webhook", .arg = "NAME", .help = "its configuration (default: tentc)"},
	[TC_DOCTOR_CERT_SECRET] = {.name = "cert-secret",
				   .arg = "NS/NAME",
				   .help = "default: tentacular-system/tentc-webhook-certs"},
	[TC_DOCTOR_FORMAT] = {.name = "format", .arg = "text|json", .choices = formats, .help = "default: text"},
	{0},
};

const struct tc_command tc_cmd_doctor = {
	.name = "doctor",
	.summary = "look whether cluster and services are as tentc needs them",
	.operands = "",
	.missing = "",
	.about = "Look at the configuration, the root keys, the cluster, and each service: whether\n"
		 "it is there, its version, what the administrator may do. Changes nothing.\n"
		 "Exit status: 0 all is well, 1 something is to be done, 5 only try again.\n",
	.examples = "  tentc doctor --config platform.yaml --root-key-file keys\n"
		    "  tentc doctor --format json | jq '.checks[] | select(.status != \"ok\")'\n",
	.options = options,
};
