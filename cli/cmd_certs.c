#include "cli/cluster.h"

static const struct tc_option options[] = {
	[TC_CERTS_CERT_SECRET] = {.name = "cert-secret",
				  .arg = "NS/NAME",
				  .help = "default: tentacular-system/tentc-webhook-certs"},
	[TC_CERTS_WEBHOOK] = {.name = "webhook", .arg = "NAME", .help = "its configuration (default: tentc)"},
	[TC_CERTS_KUBECONFIG] = {.name = "kubeconfig", .arg = "FILE", .help = "default: KUBECONFIG, or the pod's own"},
	[TC_CERTS_NAME] = {.name = "name", .arg = "HOST[,HOST]", .help = "make: names and addresses of the leaf"},
	[TC_CERTS_DAYS] = {.name = "days", .arg = "N", .help = "make: how long the leaf lives (default: 90)"},
	[TC_CERTS_OUTPUT] = {.name = "output", .letter = 'o', .arg = "DIR", .help = "make: where the files go"},
	{0},
};

const struct tc_command tc_cmd_certs = {
	.name = "certs",
	.summary = "show the webhook's certificates, or make some by hand",
	.operands = "show|make",
	.missing = "say what to do: tentc certs show, or tentc certs make",
	.min = 1,
	.max = 1,
	.about = "show: what is in the Secret and in the caBundle, and whether it fits (exit 1: not).\n"
		 "make: a CA and a leaf as files; needs no cluster, overwrites nothing.\n",
	.examples = "  tentc certs show\n"
		    "  tentc certs make -o certs --name tentc.tentacular-system.svc,127.0.0.1\n",
	.options = options,
};
