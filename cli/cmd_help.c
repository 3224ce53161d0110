#include "cli/cli.h"
#include "cli/output.h"
#include "compiler/base/diag.h"

static const struct tc_option options[] = {{0}};

/* The ranges of the table of messages, by their first number. */
static const struct {
	int first;
	const char *title;
} ranges[] = {
	{1, "Text and streams"}, {100, "Contracts"},     {150, "Network"}, {200, "Manifests"},
	{250, "Workloads"},      {300, "Configuration"}, {400, "Keys"},    {500, "Files"},
};

static const char *grade(const struct tc_message *m)
{
	return m->severity == TC_ERROR ? "error" : "warning";
}

/* All of them, as Markdown that also reads well on a terminal: docs/messages.md is this text. */
static void print_messages(struct tc_buf *out)
{
	size_t count, range = 0;
	const struct tc_message *list = tc_messages(&count);

	tc_buf_puts(out,
		    "# Messages\n\n"
		    "What tentc complains about ends with a number, such as [TC110]. A number never changes its\n"
		    "meaning. An error refuses the input: nothing is written. A warning lets it pass, unless --strict\n"
		    "is given. `tentc help TC110` explains one.\n");
	for (size_t i = 0; i < count; i++) {
		if (range < TC_COUNT(ranges) && (int)list[i].id >= ranges[range].first) {
			while (range + 1 < TC_COUNT(ranges) && (int)list[i].id >= ranges[range + 1].first)
				range++;
			tc_buf_printf(out, "\n## %s\n\n", ranges[range++].title);
		}
		tc_buf_printf(out, "- **TC%03d** %s: %s\n", (int)list[i].id, grade(&list[i]), list[i].meaning);
	}
}

/* "TC110", "tc110" or "110": the number; -1 for what looks otherwise. */
static int message_number(const char *text)
{
	int number = 0;

	if ((text[0] == 'T' || text[0] == 't') && (text[1] == 'C' || text[1] == 'c'))
		text += 2;
	if (strlen(text) != 3)
		return -1;
	for (; *text; text++) {
		if (!tc_is_digit(*text))
			return -1;
		number = number * 10 + (*text - '0');
	}
	return number;
}

/* Between words, so that no line is longer than a terminal is wide. */
static void print_wrapped(struct tc_buf *out, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t n = strcspn(text, " ");

		if (column && column + 1 + n > 78) {
			tc_buf_putc(out, '\n');
			column = 0;
		} else if (column) {
			tc_buf_putc(out, ' ');
			column++;
		}
		tc_buf_add(out, text, n);
		column += n;
		text += n + (text[n] == ' ');
	}
	tc_buf_putc(out, '\n');
}

static int print_message(struct tc_buf *out, int number, struct tc_error *err)
{
	size_t count;
	const struct tc_message *m = tc_messages(&count), *end = m + count;

	while (m < end && (int)m->id != number)
		m++;
	if (m == end)
		return tc_fail(err, TC_E_USAGE, "there is no message TC%03d; tentc help messages lists them", number);
	tc_buf_printf(out, "TC%03d, %s\n\n", number,
		      m->severity == TC_ERROR ? "an error: nothing is written" : "a warning, an error with --strict");
	print_wrapped(out, m->meaning);
	return 0;
}

static int print_command(struct tc_buf *out, const char *name, struct tc_error *err)
{
	const struct tc_command *command = tc_cli_find(name, err);

	if (!command)
		return -1;
	tc_cli_help(out, command);
	return 0;
}

static int run(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	const char *topic = args->noperands ? args->operands[0] : "";
	int number = message_number(topic), rc = 0;
	_cleanup_buf_ struct tc_buf out = {0};

	(void)cli;
	if (!args->noperands)
		tc_cli_overview(&out);
	else if (strcmp(topic, "messages") == 0)
		print_messages(&out);
	else if (number >= 0)
		rc = print_message(&out, number, err);
	else
		rc = print_command(&out, topic, err);
	return rc < 0 ? rc : tc_write_stdout(tc_buf_str(&out), err);
}

const struct tc_command tc_cmd_help = {
	.name = "help",
	.summary = "explain tentc, one command, or one message",
	.operands = "[COMMAND|TCnnn|messages]",
	.max = 1,
	.about = "Explain tentc, one command, one message by its number, or list all messages.\n",
	.examples = "  tentc help\n"
		    "  tentc help compile\n"
		    "  tentc help TC110\n",
	.options = options,
	.run = run,
};
