#include "cli/cli.h"
#include "cli/output.h"
#include "cli/output_schema.h"
#include "cli/record_schema.h"
#include "compiler/base/diag.h"
#include "compiler/contract/config.h"
#include "compiler/contract/contract.h"

static const struct tc_option options[] = {{0}};

static const struct {
	const char *name;
	void (*print)(struct tc_buf *out);
} schemas[] = {
	{"contract", tc_contract_schema},
	{"config", tc_config_schema},
	{"output", tc_output_schema},
	{"record", tc_record_schema},
};

static int run(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	_cleanup_buf_ struct tc_buf out = {0};

	(void)cli;
	for (size_t i = 0; i < TC_COUNT(schemas); i++) {
		if (strcmp(schemas[i].name, args->operands[0]) != 0)
			continue;
		schemas[i].print(&out);
		return tc_write_stdout(tc_buf_str(&out), err);
	}
	return tc_fail(err, TC_E_USAGE, "there is no schema \"%s\"; there are contract, config, output and record",
		       args->operands[0]);
}

const struct tc_command tc_cmd_schema = {
	.name = "schema",
	.summary = "print a JSON Schema: contracts, configuration, outputs, records",
	.operands = "contract|config|output|record",
	.missing = "no schema named; give contract, config, output or record",
	.min = 1,
	.max = 1,
	.about = "Print a JSON Schema (2020-12): of a workflow's contract, of the\n"
		 "ExoskeletonConfig, with which editors check and complete files, of what\n"
		 "register, undeploy, enclave and doctor print with --format json, or of the\n"
		 "registration records of the controller.\n",
	.examples = "  tentc schema contract > contract.schema.json\n"
		    "  tentc schema config > config.schema.json\n",
	.options = options,
	.run = run,
};
