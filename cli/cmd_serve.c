#include "cli/cluster.h"

static const char *const logs[] = {"text", "json", NULL};

static const struct tc_option options[] = {
	[TC_SERVE_ADMISSION] = {.name = "admission", .help = "answer reviews (the default); holds no root key"},
	[TC_SERVE_CONTROLLER] = {.name = "controller", .help = "instead: register what is deployed"},
	[TC_SERVE_CONFIG] = {.name = "config", .arg = "FILE", .help = "ExoskeletonConfig (default: built-in values)"},
	[TC_SERVE_LISTEN] = {.name = "listen", .arg = "ADDR:PORT", .help = "HTTPS (default: 0.0.0.0:8443)"},
	[TC_SERVE_METRICS] = {.name = "metrics", .arg = "ADDR:PORT|off", .help = "/metrics (0.0.0.0:9090)"},
	[TC_SERVE_CERT_DIR] = {.name = "cert-dir", .arg = "DIR", .help = "tls.crt and tls.key; read when they change"},
	[TC_SERVE_CERT_SECRET] = {.name = "cert-secret", .arg = "NS/NAME", .help = "else: made by tentc, kept there"},
	[TC_SERVE_CERT_LIFE] = {.name = "cert-life", .arg = "N{d|h|m|s}", .help = "how long such a leaf lives (90d)"},
	[TC_SERVE_WEBHOOK] = {.name = "webhook", .arg = "NAME", .help = "whose caBundle is kept (default: tentc)"},
	[TC_SERVE_SERVICE] = {.name = "service", .arg = "HOST[,..]", .help = "names of the leaf"},
	[TC_SERVE_KUBECONFIG] = {.name = "kubeconfig", .arg = "FILE", .help = "default: KUBECONFIG, or the pod's own"},
	[TC_SERVE_NO_CLUSTER] = {.name = "no-cluster", .help = "knows nothing but the review; needs --cert-dir"},
	[TC_SERVE_LOG] = {.name = "log", .arg = "text|json", .choices = logs, .help = "default: text"},
	[TC_SERVE_DRAIN] = {.name = "drain", .arg = "SECONDS", .help = "unready before it stops (default: 5)"},
	[TC_SERVE_ROOT_KEY_FILE] = {.name = "root-key-file", .arg = "FILE", .help = "controller: the key ring"},
	{0},
};

const struct tc_command tc_cmd_serve = {
	.name = "serve",
	.summary = "answer admission reviews over HTTPS, or be the controller",
	.operands = "",
	.missing = "",
	.about = "The stage as an admission webhook; or what makes services hold contracts.\n",
	.examples = "  tentc serve --admission --config /etc/tentc/config.yaml --log json\n"
		    "  tentc serve --controller --config config.yaml --root-key-file keys\n",
	.options = options,
};
