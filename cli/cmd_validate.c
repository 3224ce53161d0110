#include "cli/cli.h"
#include "cli/run.h"

enum { OPT_CONFIG, OPT_ENCLAVE, OPT_STRICT };

static const struct tc_option options[] = {
	[OPT_CONFIG] = {.name = "config", .arg = "FILE", .help = "ExoskeletonConfig (default: built-in values)"},
	[OPT_ENCLAVE] = {.name = "enclave", .arg = "NAME", .help = "namespace of what names none"},
	[OPT_STRICT] = {.name = "strict", .help = "warnings are errors"},
	{0},
};

static int run(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	struct tc_run_options how = {
		.config = args->value[OPT_CONFIG],
		.enclave = args->value[OPT_ENCLAVE],
		.strict = args->value[OPT_STRICT],
	};
	struct tc_run validate;
	int rc = tc_run_init(&validate, &how, err);

	if (rc == 0) {
		rc = tc_run_stage(&validate, args, err);
		if (rc == 0)
			rc = tc_run_report(&validate, cli->colour, "");
		else
			(void)tc_run_report(&validate, cli->colour, "");
	}
	tc_run_free(&validate);
	return rc;
}

const struct tc_command tc_cmd_validate = {
	.name = "validate",
	.summary = "check contracts and manifests, print nothing but problems",
	.operands = "FILE|DIR|-...",
	.missing = "nothing to validate; give a FILE, a DIR, or - for standard input",
	.min = 1,
	.max = SIZE_MAX,
	.about = "Check what compile checks, and write nothing. Exit status 0: compile would\n"
		 "succeed; 2: a file or an option is wrong; 3: a contract or manifest is.\n",
	.examples = "  tentc validate k8s/\n"
		    "  tentc validate --strict --config exoskeleton.yaml shop.yaml\n"
		    "  helm template shop | tentc validate - --enclave demo\n",
	.options = options,
	.run = run,
};
