#include "cli/cli.h"

#include <sys/prctl.h>
#include <unistd.h>

#include "cli/output.h"
#include "compiler/base/diag.h"

#ifndef __has_feature
#define __has_feature(x) 0 /* clang has it, gcc 12 has not */
#endif

static const struct tc_command *const commands[] = {
	&tc_cmd_compile, &tc_cmd_validate, &tc_cmd_identity, &tc_cmd_schema,    &tc_cmd_keygen, &tc_cmd_admit,
	&tc_cmd_serve,   &tc_cmd_certs,    &tc_cmd_register, &tc_cmd_undeploy,  &tc_cmd_status, &tc_cmd_list,
	&tc_cmd_resume,  &tc_cmd_enclave,  &tc_cmd_doctor,   &tc_cmd_bootstrap, &tc_cmd_help,   &tc_cmd_version,
};

/* Every command has it, so it is not a row of each. */
static const struct tc_option help_option = {.name = "help", .letter = 'h', .help = "this text"};

/* Options that stand in place of a command, because people try them first. */
static const struct {
	const char *option, *command;
} shorthands[] = {
	{"--help", "help"},
	{"-h", "help"},
	{"--version", "version"},
	{"-V", "version"},
};

/* Options of kubectl and Helm that people try first, and what they are here. */
static const struct {
	const char *theirs, *ours;
} borrowed[] = {
	{"-n", "--enclave NAME"},
	{"--namespace", "--enclave NAME"},
	{"-f", "a FILE, without an option"},
	{"--filename", "a FILE, without an option"},
};

const char *tc_errno(int number)
{
	static char text[128];

	snprintf(text, sizeof(text), "%s", strerror(number));

	if (tc_is_upper(text[0]) && !tc_is_upper(text[1]))
		text[0] = (char)(text[0] - 'A' + 'a');
	return text;
}

void tc_say(const char *fmt, ...)
{
	_cleanup_buf_ struct tc_buf line = {0};
	struct tc_error lost = {0};
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	tc_buf_printf(&line, "tentc: %s\n", text);
	(void)tc_write_all(STDERR_FILENO, "standard error", &(struct tc_str){line.p, line.len}, 1, &lost);
}

void tc_hide_memory(void)
{
#if !defined(__SANITIZE_ADDRESS__) && !__has_feature(address_sanitizer) /* its leak check looks from outside */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

const struct tc_command *tc_cli_find(const char *name, struct tc_error *err)
{
	const char *names[TC_COUNT(commands)], *near;

	for (size_t i = 0; i < TC_COUNT(commands); i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
		names[i] = commands[i]->name;
	}
	near = tc_nearest(tc_str(name), names, TC_COUNT(names));
	if (near)
		tc_fail(err, TC_E_USAGE, "unknown command \"%s\"; did you mean \"%s\"?", name, near);
	else if (access(name, F_OK) == 0)
		tc_fail(err, TC_E_USAGE, "unknown command \"%s\"; to compile it: tentc compile %s", name, name);
	else
		tc_fail(err, TC_E_USAGE, "unknown command \"%s\"; tentc help lists them", name);
	return NULL;
}

static void help_row(struct tc_buf *out, const struct tc_option *o)
{
	size_t start = out->len, width = 27;

	if (o->letter)
		tc_buf_printf(out, "  -%c, --%s", o->letter, o->name);
	else
		tc_buf_printf(out, "  --%s", o->name);
	if (o->arg)
		tc_buf_printf(out, " %s", o->arg);
	tc_buf_fill(out, ' ', out->len - start < width ? width - (out->len - start) : 1);
	tc_buf_printf(out, "%s\n", o->help);
}

void tc_cli_help(struct tc_buf *out, const struct tc_command *command)
{
	tc_buf_printf(out, "usage: tentc %s [OPTION]...%s%s\n\n%s\n", command->name, command->operands[0] ? " " : "",
		      command->operands, command->about);
	for (const struct tc_option *o = command->options; o->name; o++)
		help_row(out, o);
	help_row(out, &help_option);
	tc_buf_printf(out, "\nexamples:\n%s", command->examples);
}

void tc_cli_overview(struct tc_buf *out)
{
	tc_buf_puts(out, "usage: tentc COMMAND [OPTION]... [OPERAND]...\n\n");
	for (size_t i = 0; i < TC_COUNT(commands); i++)
		tc_buf_printf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	tc_buf_puts(out, "\nexamples: tentc compile k8s/ -o rendered/; tentc help compile\n"
			 "exit status: 0 fine, 1 differences, 2 usage or files, 3 contract or manifest\n"
			 "  rejected, 5 a service is unavailable (try again), 70 internal error\n");
}

static const struct tc_option *find_option(const struct tc_command *command, struct tc_str name, char letter)
{
	for (const struct tc_option *o = command->options; o->name; o++)
		if (letter ? o->letter == letter : tc_str_is(name, o->name))
			return o;
	if (letter ? help_option.letter == letter : tc_str_is(name, help_option.name))
		return &help_option;
	return NULL;
}

/* --name, --name=VALUE; -n, -nVALUE */
static bool is_option(const char *arg, const char *option)
{
	size_t n = strlen(option);

	return strncmp(arg, option, n) == 0 && (option[1] != '-' || !arg[n] || arg[n] == '=');
}

static int unknown_option(const struct tc_command *command, struct tc_str name, const char *arg, struct tc_error *err)
{
	const char *names[TC_OPTIONS_MAX + 1], *near;
	size_t n = 0;

	for (const struct tc_option *o = command->options; o->name; o++)
		names[n++] = o->name;
	names[n++] = help_option.name;
	for (size_t i = 0; i < TC_COUNT(borrowed) && command->max == SIZE_MAX; i++)
		if (is_option(arg, borrowed[i].theirs))
			return tc_fail(err, TC_E_USAGE, "unknown option \"%s\"; give %s", arg, borrowed[i].ours);
	near = tc_nearest(name, names, n);
	if (near)
		return tc_fail(err, TC_E_USAGE, "unknown option \"%s\"; did you mean \"--%s\"?", arg, near);
	return tc_fail(err, TC_E_USAGE, "unknown option \"%s\"; tentc help %s lists them", arg, command->name);
}

static int set_option(const struct tc_command *command, const struct tc_option *o, const char *value,
		      struct tc_args *args, struct tc_error *err)
{
	_cleanup_buf_ struct tc_buf list = {0};

	if (o->operand) {
		args->operands[args->noperands++] = value;
		return 0;
	}
	args->value[o - command->options] = value;
	if (!o->choices)
		return 0;
	for (const char *const *c = o->choices; *c; c++) {
		if (strcmp(*c, value) == 0)
			return 0;
		tc_buf_printf(&list, "%s%s", list.len ? ", " : "", *c);
	}
	return tc_fail(err, TC_E_USAGE, "option \"--%s\" is \"%s\", allowed are %s", o->name, value, list.p);
}

/* One argument that begins with a dash; *i moves past a value of its own. 1: help was asked for. */
static int parse_option(const struct tc_command *command, char **argv, int argc, int *i, struct tc_args *args,
			struct tc_error *err)
{
	const char *arg = argv[*i], *value = NULL;
	bool is_long = arg[1] == '-';
	const char *equals = is_long ? strchr(arg, '=') : NULL;
	struct tc_str name = {.s = arg + 2, .len = equals ? (size_t)(equals - arg - 2) : strlen(arg + 2)};
	const struct tc_option *o = find_option(command, name, is_long ? 0 : arg[1]);

	if (!o)
		return unknown_option(command, is_long ? name : (struct tc_str){0}, arg, err);
	if (equals)
		value = equals + 1;
	else if (!is_long && arg[2]) /* -oFILE, and -o=FILE as other tools of Kubernetes have it */
		value = arg + 2 + (arg[2] == '=');
	if (!o->arg && value)
		return tc_fail(err, TC_E_USAGE, "option \"%s\" takes no value", arg);
	if (o == &help_option)
		return 1;
	if (o->arg && !value) {
		if (*i + 1 >= argc)
			return tc_fail(err, TC_E_USAGE, "option \"%s\" needs a value: %s", arg, o->arg);
		value = argv[++*i];
		if (value[0] == '-' && value[1])
			return tc_fail(err, TC_E_USAGE, "option \"%s\" needs a value, not another option: \"%s\"", arg,
				       value);
	}
	return set_option(command, o, value ? value : "", args, err);
}

static int parse(const struct tc_command *command, int argc, char **argv, struct tc_args *args, struct tc_error *err)
{
	bool options = true;

	for (int i = 0; i < argc; i++) {
		const char *arg = argv[i];
		int rc = 0;

		if (options && strcmp(arg, "--") == 0)
			options = false;
		else if (options && arg[0] == '-' && arg[1])
			rc = parse_option(command, argv, argc, &i, args, err);
		else
			args->operands[args->noperands++] = arg;
		if (rc)
			return rc;
	}
	if (args->noperands < command->min)
		return tc_fail(err, TC_E_USAGE, "%s", command->missing);
	if (args->noperands > command->max)
		return tc_fail(err, TC_E_USAGE, "\"%s\" is one argument too many; usage: tentc %s%s%s",
			       args->operands[command->max], command->name, *command->operands ? " " : "",
			       command->operands);
	return 0;
}

static int short_usage(void)
{
	static const char text[] = "usage: tentc COMMAND [OPTION]... [OPERAND]...\n"
				   "       tentc compile FILE|DIR|-...   contracts in, manifests out\n"
				   "       tentc help                    all commands\n";
	struct tc_error lost = {0};

	(void)tc_write_all(STDERR_FILENO, "standard error", &TC_STR(text), 1, &lost);
	return TC_E_USAGE;
}

int tc_cli_run(int argc, char **argv, const struct tc_front *front, struct tc_error *err)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(16 * 1024);
	_cleanup_buf_ struct tc_buf help = {0};
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	const struct tc_command *command;
	struct tc_args args = {0};
	const char *name;
	int rc;

	if (argc < 2)
		return short_usage();
	name = argv[1];
	for (size_t i = 0; i < TC_COUNT(shorthands); i++)
		if (strcmp(name, shorthands[i].option) == 0)
			name = shorthands[i].command;
	command = tc_cli_find(name, err);
	if (!command)
		return -1;

	args.operands = tc_alloc(mem, (size_t)argc * sizeof(*args.operands));
	rc = parse(command, argc - 2, argv + 2, &args, err);
	if (rc < 0)
		return -1;
	if (rc > 0) {
		tc_cli_help(&help, command);
		return tc_write_stdout(tc_buf_str(&help), err);
	}

	struct tc_cli cli = {
		.mem = mem,
		.colour = (!no_color || !no_color[0]) && (!term || strcmp(term, "dumb") != 0) && isatty(STDERR_FILENO),
	};

	return command->run ? command->run(&cli, &args, err) : front->cluster(command, argv, &cli, &args, err);
}
