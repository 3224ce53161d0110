#include "cli/run.h"

#include <unistd.h>

#include "cli/output.h"
#include "compiler/contract/catalogue.h"
#include "compiler/contract/identity.h"

/* What is wrong with a contract or a manifest is its author's; the rest is about files and options. */
static const struct {
	unsigned first, last;
	enum tc_code code;
} statuses[] = {
	{300, 399, TC_E_USAGE}, /* configuration */
	{400, 499, TC_E_USAGE}, /* keys */
	{500, 599, TC_E_USAGE}, /* files */
};

int tc_run_init(struct tc_run *run, const struct tc_run_options *options, struct tc_error *err)
{
	*run = (struct tc_run){.options = *options, .limits = TC_LIMITS_FILE, .mem = tc_arena_new(64 * 1024)};
	run->diags.mem = run->mem;
	run->inputs = (struct tc_inputs){.mem = run->mem, .limits = &run->limits, .diags = &run->diags};
	if (options->enclave) {
		const char *fault = tc_label_fault(run->mem, tc_str(options->enclave));

		if (fault)
			return tc_fail(err, TC_E_USAGE, "the enclave %s %s",
				       tc_quote(run->mem, tc_str(options->enclave)), fault);
	}
	return 0;
}

void tc_run_free(struct tc_run *run)
{
	tc_keyring_free(run->keys);
	tc_arena_free(run->work);
	tc_buf_free(&run->config_bytes);
	tc_inputs_free(&run->inputs);
	tc_arena_free(run->mem);
}

static const struct tc_node *config_root(struct tc_run *run, const struct tc_source *src)
{
	const struct tc_node *root = NULL;
	struct tc_doc *docs;
	size_t errors = run->diags.errors;
	size_t n = tc_stream_cut(run->mem, src, &run->limits, &run->diags, &docs);

	for (size_t i = 0; i < n; i++) {
		if (!tc_doc_read(run->mem, &docs[i], &run->limits, &run->diags) || docs[i].empty)
			continue;
		if (root)
			tc_diag(&run->diags, TC_MSG_NOT_A_CONFIG, tc_node_pos(docs[i].root),
				"the configuration has a second document, expected one");
		else
			root = docs[i].root;
	}
	if (!root && run->diags.errors == errors)
		tc_diag_help(tc_diag(&run->diags, TC_MSG_NOT_A_CONFIG, (struct tc_pos){.src = src},
				     "the configuration is empty, expected an ExoskeletonConfig"),
			     "begin with apiVersion: tentacular.io/v1alpha1 and kind: ExoskeletonConfig, or leave out "
			     "--config");
	return root;
}

void tc_run_config(struct tc_run *run)
{
	struct tc_config *config = NULL;
	const struct tc_node *root;
	struct tc_source *src;

	run->config = tc_config_default(run->mem);
	if (!run->options.config)
		return;
	if (!tc_file_read(&run->inputs, run->options.config, run->options.config, &run->config_bytes))
		return;
	src = tc_alloc(run->mem, sizeof(*src));
	src->name = tc_strdup(run->mem, run->options.config);
	src->text = tc_buf_str(&run->config_bytes);
	root = config_root(run, src);
	if (root && tc_config_read(run->mem, root, &run->diags, &config))
		run->config = config;
}

void tc_run_keys(struct tc_run *run)
{
	const char *path = run->options.root_key_file, *id = run->config->key_id;
	_cleanup_buf_ struct tc_buf bytes = {.secret = true};
	struct tc_source src;

	if (!path)
		return;
	tc_hide_memory();
	run->inputs.secret = true;
	if (!tc_file_read(&run->inputs, path, path, &bytes))
		return;
	src = (struct tc_source){.name = path, .text = tc_buf_str(&bytes)};
	run->keys = tc_keyring_parse(&src, &run->diags);
	if (run->keys && !tc_keyring_has(run->keys, id)) {
		struct tc_diag *d = tc_diag(&run->diags, TC_MSG_NO_SUCH_KEY, (struct tc_pos){0},
					    "%s has no key %s, it has: %s", tc_quote(run->mem, tc_str(path)),
					    tc_quote(run->mem, tc_str(id)), tc_keyring_ids(run->mem, run->keys));

		tc_diag_help(d, "credentials.keyId of the configuration names the key to use");
		tc_keyring_free(run->keys);
		run->keys = NULL;
	}
}

int tc_run_stage(struct tc_run *run, const struct tc_args *args, struct tc_error *err)
{
	const struct tc_source **sources;
	bool configured;

	tc_run_config(run);
	configured = run->diags.errors == 0;
	if (configured)
		tc_run_keys(run);
	for (size_t i = 0; i < args->noperands; i++)
		tc_inputs_add(&run->inputs, args->operands[i]);
	/* what a contract may say depends on the configuration: with a broken one, most complaints would be wrong */
	if (!configured || !run->inputs.count)
		return 0;

	sources = tc_alloc(run->mem, (run->inputs.count + 1) * sizeof(*sources));
	for (size_t i = 0; i < run->inputs.count; i++)
		sources[i] = &run->inputs.list[i]->src;
	run->work = run->keys ? tc_arena_new_secret(256 * 1024) : tc_arena_new(256 * 1024);

	struct tc_stage stage = {
		.config = run->config,
		.enclave = run->options.enclave,
		.keys = run->keys,
		.limits = &run->limits,
		.cluster_scoped_apart = run->options.cluster_scoped_apart,
		.wants = run->options.wants,
	};

	return tc_compile(&run->result, run->work, sources, run->inputs.count, &stage, &run->diags, err);
}

bool tc_run_failed(const struct tc_run *run)
{
	return run->diags.errors || (run->options.strict && run->diags.warnings);
}

static int status_of(const struct tc_run *run)
{
	int status = tc_run_failed(run) ? TC_E_REJECTED : 0;

	for (size_t i = 0; i < run->diags.count; i++) {
		const struct tc_diag *d = run->diags.list[i];

		if (d->severity != TC_ERROR && !run->options.strict)
			continue;
		for (size_t k = 0; k < TC_COUNT(statuses); k++)
			if (d->id >= statuses[k].first && d->id <= statuses[k].last)
				status = (int)statuses[k].code;
	}
	return status;
}

int tc_run_report(struct tc_run *run, bool colour, const char *outcome)
{
	_cleanup_buf_ struct tc_buf text = {0};
	struct tc_diags *d = &run->diags;
	size_t errors = d->errors + (run->options.strict ? d->warnings : 0);
	size_t warnings = run->options.strict ? 0 : d->warnings;
	struct tc_error lost = {0};

	if (!d->errors && !d->warnings)
		return 0;
	tc_diags_render(&text, d,
			(struct tc_diag_style){
				.strict = run->options.strict,
				.colour = colour,
				.secret_keys = tc_credential_keys(run->mem),
			});
	if (errors) {
		tc_buf_printf(&text, "tentc: %zu error%s", errors, errors == 1 ? "" : "s");
		if (warnings)
			tc_buf_printf(&text, ", %zu warning%s", warnings, warnings == 1 ? "" : "s");
		tc_buf_printf(&text, "%s\n", outcome);
	}
	(void)tc_write_all(STDERR_FILENO, "standard error", &(struct tc_str){text.p, text.len}, 1, &lost);
	return status_of(run);
}
