#include "cli/cli.h"
#include "cli/output.h"

static const struct tc_option options[] = {{0}};

static int run(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	_cleanup_buf_
	struct tc_buf out = {0};

	(void)cli;
	if (args->noperands) {
		const struct tc_command *command = tc_cli_find(args->operands[0], err);

		if (!command)
			return -1;
		tc_cli_help(&out, command);
	} else {
		tc_cli_overview(&out);
	}
	return tc_write_stdout(tc_buf_str(&out), err);
}

const struct tc_command tc_cmd_help = {
	.name = "help",
	.summary = "explain tentc, or one command",
	.operands = "[COMMAND]",
	.max = 1,
	.about = "Explain tentc, or one command.\n",
	.examples = "  tentc help\n"
		    "  tentc help compile\n",
	.options = options,
	.run = run,
};
