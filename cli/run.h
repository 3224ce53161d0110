/* run.h - the stage, run as the options of compile and validate say: configuration, keys and inputs read, problems
 * printed. */
#ifndef TC_RUN_H
#define TC_RUN_H

#include "cli/cli.h"
#include "cli/input.h"
#include "compiler/transform/stage.h"

struct tc_run_options {
	const char *config, *enclave, *root_key_file; /* NULL: not given */
	bool strict;
	bool cluster_scoped_apart; /* see stage.h */
	bool wants;                /* likewise */
};

struct tc_run {
	struct tc_run_options options;
	struct tc_limits limits;
	struct tc_arena *mem;  /* names, configuration, diagnostics */
	struct tc_arena *work; /* the stage's own; wiped when there is a key */
	struct tc_diags diags;
	struct tc_inputs inputs;
	struct tc_buf config_bytes;
	const struct tc_config *config;
	struct tc_keyring *keys;
	struct tc_result *result; /* NULL: there were errors */
};

/* A run can be freed however far it came. -1: wrong options. */
int tc_run_init(struct tc_run *run, const struct tc_run_options *options, struct tc_error *err);
void tc_run_free(struct tc_run *run);

/* Reads options.config, or takes the defaults; problems go to diags. */
void tc_run_config(struct tc_run *run);
/* Reads options.root_key_file where it is given, after the configuration, which names the key. */
void tc_run_keys(struct tc_run *run);
/* Reads configuration, keys and operands, and runs the stage. -1 only for a bug. */
int tc_run_stage(struct tc_run *run, const struct tc_args *args, struct tc_error *err);

bool tc_run_failed(const struct tc_run *run);
/* Prints the diagnostics, and after errors a last line that counts them and ends with `outcome`. Answers the exit
 * status that they make: 0 when nothing is wrong. */
int tc_run_report(struct tc_run *run, bool colour, const char *outcome);

#endif
