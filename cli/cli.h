/* cli.h - the commands of tentc, as one table; their options, as rows; help, printed from both.
 *
 * A command answers its exit status, or -1 with an error whose code is the status. Data goes to stdout, everything else
 * to stderr. Only main() exits; the environment is read here and handed down. */
#ifndef TC_CLI_H
#define TC_CLI_H

#include "compiler/base/arena.h"
#include "compiler/base/buf.h"
#include "compiler/base/error.h"

#define TC_VERSION "0.1.0"
#define TC_OPTIONS_MAX 24

struct tc_option {
	const char *name; /* "enclave": --enclave; NULL ends the rows */
	const char *arg;  /* "NAME"; NULL: a flag */
	const char *help; /* what fits on the rest of its line */
	/* NULL-terminated; any other value is an error. NULL: any value */
	const char *const *choices;
	char letter;  /* 'o': -o as well; 0: none */
	bool operand; /* its value is one more operand: -f FILE, as kubectl has it */
};

/* What stood on the command line: by the row number of the command's own options; a flag's value is "". */
struct tc_args {
	const char *value[TC_OPTIONS_MAX];
	const char **operands;
	size_t noperands;
};

struct tc_cli {
	struct tc_arena *mem; /* lives as long as the command */
	bool colour;          /* of what goes to stderr */
};

struct tc_command {
	const char *name, *summary;
	const char *operands; /* "ENCLAVE NAME", as in the usage line; "" for none */
	const char *missing;  /* what to say when there are too few */
	size_t min, max;      /* how many operands */
	const char *about;    /* whole lines */
	const char *examples; /* whole lines */
	const struct tc_option *options;
	/* NULL: it needs a cluster or a service (cluster.h) */
	int (*run)(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err);
};

/* What the two programs do differently. */
struct tc_front {
	/* Runs a command that needs a cluster; argv is the whole command line. */
	int (*cluster)(const struct tc_command *command, char **argv, const struct tc_cli *cli,
		       const struct tc_args *args, struct tc_error *err);
};

extern const struct tc_command tc_cmd_compile, tc_cmd_validate, tc_cmd_identity, tc_cmd_schema, tc_cmd_keygen,
	tc_cmd_admit, tc_cmd_serve, tc_cmd_certs, tc_cmd_bootstrap, tc_cmd_register, tc_cmd_undeploy, tc_cmd_enclave,
	tc_cmd_doctor, tc_cmd_status, tc_cmd_list, tc_cmd_resume, tc_cmd_help, tc_cmd_version;

int tc_cli_run(int argc, char **argv, const struct tc_front *front, struct tc_error *err);

/* The answer of `tentc help` and, with a command, of `tentc help COMMAND`: at most 24 lines of 80 columns. */
void tc_cli_overview(struct tc_buf *out);
void tc_cli_help(struct tc_buf *out, const struct tc_command *command);
/* NULL, with an error that names the nearest, when there is none. */
const struct tc_command *tc_cli_find(const char *name, struct tc_error *err);

/* Whole lines to stderr: "tentc: " and the text. What cannot be written there is lost. */
void tc_say(const char *fmt, ...) TC_PRINTF(1, 2);
/* "no such file or directory": errno's text as it stands in messages; until the next call. Allocates nothing. */
const char *tc_errno(int number);
/* Before a secret is read: no core dump, no debugger of the same user. */
void tc_hide_memory(void);

#endif
