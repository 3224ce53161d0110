#include "cli/cli.h"
#include "cli/output.h"
#include "compiler/tree/emit.h"

enum { OPT_FORMAT };

static const char *const formats[] = {"text", "json", NULL};

static const struct tc_option options[] = {
	[OPT_FORMAT] = {.name = "format", .arg = "text|json", .choices = formats, .help = "default: text"},
	{0},
};

static int run(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	_cleanup_buf_ struct tc_buf out = {0};
	struct tc_node *root;

	if (!args->value[OPT_FORMAT] || strcmp(args->value[OPT_FORMAT], "text") == 0)
		return tc_write_stdout(TC_STR("tentc " TC_VERSION "\n"), err);
	root = tc_new_map(cli->mem, NULL);
	tc_put(cli->mem, root, "name", tc_new_string(cli->mem, NULL, TC_STR("tentc")));
	tc_put(cli->mem, root, "version", tc_new_string(cli->mem, NULL, TC_STR(TC_VERSION)));
	tc_emit(&out, root, (struct tc_emit){.format = TC_JSON});
	tc_buf_putc(&out, '\n');
	return tc_write_stdout(tc_buf_str(&out), err);
}

const struct tc_command tc_cmd_version = {
	.name = "version",
	.summary = "print the version",
	.operands = "",
	.about = "Print the version.\n",
	.examples = "  tentc version\n"
		    "  tentc version --format json\n",
	.options = options,
	.run = run,
};
