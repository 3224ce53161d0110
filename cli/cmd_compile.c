#include <sys/stat.h>
#include <unistd.h>

#include "cli/check.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/run.h"

enum {
	OPT_CONFIG,
	OPT_ENCLAVE,
	OPT_ROOT_KEY_FILE,
	OPT_FORMAT,
	OPT_OUTPUT,
	OPT_CHECK,
	OPT_STRICT,
	OPT_CLUSTER_SCOPED,
	OPT_EXPLAIN_EDITS,
};

static const char *const formats[] = {"yaml", "json", NULL};

static const struct tc_option options[] = {
	[OPT_CONFIG] = {.name = "config", .arg = "FILE", .help = "ExoskeletonConfig (default: built-in values)"},
	[OPT_ENCLAVE] = {.name = "enclave", .arg = "NAME", .help = "namespace of what names none"},
	[OPT_ROOT_KEY_FILE] = {.name = "root-key-file", .arg = "FILE", .help = "write the credentials, too"},
	[OPT_FORMAT] = {.name = "format",
			.arg = "yaml|json",
			.choices = formats,
			.help = "json: one document a line (default: as read)"},
	[OPT_OUTPUT] = {.name = "output", .letter = 'o', .arg = "FILE|DIR", .help = "write there, all files or none"},
	[OPT_CHECK] = {.name = "check", .help = "compare with -o: a diff, and exit status 1"},
	[OPT_STRICT] = {.name = "strict", .help = "warnings are errors"},
	[OPT_CLUSTER_SCOPED] = {.name = "cluster-scoped", .arg = "HOW", .help = "include, omit, or a DIR of their own"},
	[OPT_EXPLAIN_EDITS] = {.name = "explain-edits", .help = "say how each document got its changes"},
	{0},
};

struct compile {
	const struct tc_args *args;
	struct tc_run run;
	struct tc_outputs files;
	struct tc_outputs standard; /* one row a source; paths are NULL */
	const char *file, *folder;  /* of -o: one of them, or neither for standard output */
	const char *cluster_folder; /* NULL: none */
	enum tc_cluster_scoped which;
	bool json, check;

	/* output folders, for the walks; then the input's */
	struct tc_file_id *skip;
	size_t noutput_ids;
};

static int usage(struct tc_error *err, const char *text)
{
	return tc_fail(err, TC_E_USAGE, "%s", text);
}

/* A folder when it is one, says so with a slash at the end, or has to hold more than one file. */
static void decide_output(struct compile *c, const char *path)
{
	struct tc_file_id id;
	size_t n = strlen(path);
	bool folder = path[n - 1] == '/' || c->args->noperands > 1 || tc_is_folder(path, &id) ||
		      tc_is_folder(c->args->operands[0], &id);

	*(folder ? &c->folder : &c->file) = folder ? tc_folder_path(c->run.mem, path) : path;
}

static int read_options(struct compile *c, struct tc_error *err)
{
	const char *const *value = c->args->value;
	const char *output = value[OPT_OUTPUT], *how = value[OPT_CLUSTER_SCOPED];
	bool seen = false;

	c->json = value[OPT_FORMAT] && strcmp(value[OPT_FORMAT], "json") == 0;
	c->check = value[OPT_CHECK];
	if (output && strcmp(output, "-") == 0)
		output = NULL;
	if (output && !output[0])
		return usage(err, "option \"--output\" is empty; give a FILE or a DIR");
	if (c->check && !output)
		return usage(err, "option \"--check\" compares with files; give them with -o FILE or -o DIR");
	for (size_t i = 0; i < c->args->noperands; i++) {
		if (strcmp(c->args->operands[i], "-") != 0)
			continue;
		if (seen)
			return usage(err, "standard input (-) can be read once; it is given twice");
		seen = true;
	}
	if (how && !how[0])
		return usage(err, "option \"--cluster-scoped\" is empty; give include, omit or a DIR");
	if (output)
		decide_output(c, output);
	if (how && strcmp(how, "include") != 0) {
		c->which = TC_CLUSTER_SCOPED_OMIT;
		c->run.options.cluster_scoped_apart = true;
		if (strcmp(how, "omit") != 0)
			c->cluster_folder = tc_folder_path(c->run.mem, how);
	}
	if (seen && (c->folder || (c->cluster_folder && !c->file)))
		return usage(err, "standard input (-) has no name for a file in a folder; give -o FILE");
	return 0;
}

/* What was written by an earlier run below a folder that is read is not read again. */
static void skip_folders(struct compile *c)
{
	const char *folders[] = {c->folder, c->cluster_folder};
	struct tc_file_id id;
	struct stat st;

	c->skip = tc_alloc(c->run.mem, (TC_COUNT(folders) + c->args->noperands) * sizeof(*c->skip));
	for (size_t i = 0; i < TC_COUNT(folders); i++)
		if (folders[i] && tc_is_folder(folders[i][0] ? folders[i] : ".", &id))
			c->skip[c->noutput_ids++] = id;
	c->run.inputs.skip = c->skip;
	c->run.inputs.nskip = c->noutput_ids;
	if (fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode))
		c->run.inputs.output = (struct tc_file_id){.dev = st.st_dev, .ino = st.st_ino};
}

static int make_text(struct compile *c, const struct tc_result_source *source, enum tc_cluster_scoped which,
		     struct tc_output *row, struct tc_error *err)
{
	if (!c->json && !source->changed && which == TC_CLUSTER_SCOPED_INCLUDE) {
		row->text = source->src->text;
		return 0;
	}
	if (!c->json)
		tc_result_write(&row->buf, source, which);
	else if (tc_result_write_json(&row->buf, source, which, &c->run.limits, err) < 0)
		return -1;
	row->text = tc_buf_str(&row->buf);
	return 0;
}

static const char *relative_name(struct compile *c, const struct tc_input *input)
{
	const char *name = input->relative ? input->relative : tc_path_base(c->file), *dot = strrchr(name, '.');

	/* one document a line is not YAML */
	if (c->json && dot && dot > name && !strchr(dot, '/'))
		return tc_printf(c->run.mem, "%.*s.json", (int)(dot - name), name);
	return name;
}

static struct tc_output *add_in_folder(struct compile *c, const char *folder, const struct tc_input *input)
{
	struct tc_arena *mem = c->run.mem;
	const char *name = relative_name(c, input);
	struct tc_output *row = tc_outputs_add(&c->files, tc_path_join(mem, folder, name),
					       tc_path_join(mem, tc_path_real(mem, folder), name), input->src.name);

	row->make_folders = true;
	return row;
}

static bool has_cluster_scoped(const struct tc_result_source *source)
{
	for (size_t i = 0; i < source->npieces; i++)
		if (source->pieces[i].cluster_scoped)
			return true;
	return false;
}

static int make_texts(struct compile *c, struct tc_error *err)
{
	struct tc_arena *mem = c->run.mem;

	c->files.secret = c->standard.secret = c->run.keys;
	for (size_t i = 0; c->run.result && i < c->run.result->nsources; i++) {
		const struct tc_result_source *source = &c->run.result->sources[i];
		const struct tc_input *input = c->run.inputs.list[i];
		struct tc_output *row;

		if (c->folder)
			row = add_in_folder(c, c->folder, input);
		else if (c->file)
			row = tc_outputs_add(&c->files, c->file, tc_path_real(mem, c->file), input->src.name);
		else
			row = tc_outputs_add(&c->standard, NULL, NULL, input->src.name);
		if (make_text(c, source, c->which, row, err) < 0)
			return -1;
		if (c->cluster_folder && has_cluster_scoped(source) &&
		    make_text(c, source, TC_CLUSTER_SCOPED_ONLY, add_in_folder(c, c->cluster_folder, input), err) < 0)
			return -1;
	}
	return tc_outputs_distinct(&c->files, err);
}

/* Several sources as one stream. A YAML stream gets a separator where the next source does not bring one; JSON values
 * need only a line end between them. */
static size_t join(struct compile *c, struct tc_str *parts)
{
	struct tc_str last = {0};
	bool last_json = false;
	size_t n = 0;

	for (size_t i = 0; i < c->standard.count; i++) {
		struct tc_str text = c->standard.list[i]->text;
		bool json = c->json || c->run.result->sources[i].format == TC_JSON;

		if (!text.len)
			continue;
		if (last.len) {
			if (tc_str_starts(text, "\xef\xbb\xbf")) /* a mark of the byte order stands at the start only */
				text = (struct tc_str){.s = text.s + 3, .len = text.len - 3};
			if (last.s[last.len - 1] != '\n')
				parts[n++] = TC_STR("\n");
			if (!(json && last_json) && !tc_str_starts(text, "---"))
				parts[n++] = TC_STR("---\n");
		}
		parts[n++] = last = text;
		last_json = json;
	}
	return n;
}

static int write_all(struct compile *c, struct tc_error *err)
{
	struct tc_str *parts = tc_alloc(c->run.mem, (3 * c->standard.count + 1) * sizeof(*parts));
	size_t n = join(c, parts);

	if (tc_outputs_stage(&c->files, err) < 0)
		return -1;
	if (tc_write_all(STDOUT_FILENO, "standard output", parts, n, err) < 0) {
		tc_outputs_abandon(&c->files);
		return -1;
	}
	if (tc_outputs_commit(&c->files, err) == 0)
		return 0;
	for (size_t i = 0; i < c->files.count; i++)
		if (c->files.list[i]->renamed)
			tc_say("%s was replaced already", c->files.list[i]->path);
	return -1;
}

static int check_all(struct compile *c, bool colour, struct tc_error *err)
{
	_cleanup_buf_ struct tc_buf diff = {.secret = c->files.secret}, names = {0};
	const char *folders[2] = {0};
	struct tc_check check = {
		.outputs = &c->files,
		.folders = folders,
		.inputs = &c->run.inputs,
		.secret = c->files.secret,
	};
	struct tc_error lost = {0};
	size_t found;
	int status;

	if (c->folder)
		folders[check.nfolders++] = c->folder;
	if (c->cluster_folder &&
	    (!c->folder || strcmp(tc_path_real(c->run.mem, c->folder), tc_path_real(c->run.mem, c->cluster_folder))))
		folders[check.nfolders++] = c->cluster_folder;
	for (size_t i = 0; i < c->args->noperands; i++)
		if (tc_is_folder(c->args->operands[i], &c->skip[c->run.inputs.nskip]))
			c->run.inputs.nskip++;

	found = tc_check(&diff, &names, &check);
	status = tc_run_report(&c->run, colour, "");
	if (found)
		tc_buf_printf(&names,
			      "tentc: %zu file%s out of date; compile without --check writes those that differ or are "
			      "missing\n",
			      found, found == 1 ? " is" : "s are");
	(void)tc_write_all(STDERR_FILENO, "standard error", &(struct tc_str){names.p, names.len}, 1, &lost);
	if (tc_write_stdout(tc_buf_str(&diff), err) < 0)
		return -1;
	return status ? status : found ? TC_E_DIFFERS : 0;
}

/* One line for each of the author's documents that changes. */
static void explain_edits(const struct compile *c)
{
	_cleanup_buf_ struct tc_buf text = {0};
	struct tc_error lost = {0};

	for (size_t i = 0; c->run.result && i < c->run.result->nsources; i++) {
		const struct tc_result_source *source = &c->run.result->sources[i];
		const struct tc_lines *lines = source->changed ? tc_lines_new(c->run.mem, source->src) : NULL;

		for (size_t k = 0; k < source->npieces; k++) {
			const struct tc_piece *piece = &source->pieces[k];

			if (piece->edit == TC_EDIT_NONE)
				continue;
			tc_buf_printf(&text, "%s:%u: ", source->src->name, tc_lines_place(lines, piece->at.off).line);
			if (piece->edit == TC_EDIT_MADE)
				tc_buf_puts(&text, "edited");
			else
				tc_buf_printf(&text, "written anew: %s", piece->why);
			if (piece->inner_why)
				tc_buf_printf(&text, "; the workflow in it was written anew: %s", piece->inner_why);
			tc_buf_putc(&text, '\n');
		}
	}
	(void)tc_write_all(STDERR_FILENO, "standard error", &(struct tc_str){text.p, text.len}, 1, &lost);
}

static int compile(struct compile *c, const struct tc_cli *cli, struct tc_error *err)
{
	if (read_options(c, err) < 0)
		return -1;
	skip_folders(c);
	if (tc_run_stage(&c->run, c->args, err) < 0) {
		(void)tc_run_report(&c->run, cli->colour, "; nothing was written");
		return -1;
	}
	if (tc_run_failed(&c->run))
		return tc_run_report(&c->run, cli->colour, "; nothing was written");
	if (c->args->value[OPT_EXPLAIN_EDITS])
		explain_edits(c);
	if (make_texts(c, err) < 0)
		return -1;
	if (c->check)
		return check_all(c, cli->colour, err);
	(void)tc_run_report(&c->run, cli->colour, "");
	return write_all(c, err);
}

static int run(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	struct tc_run_options how = {
		.config = args->value[OPT_CONFIG],
		.enclave = args->value[OPT_ENCLAVE],
		.root_key_file = args->value[OPT_ROOT_KEY_FILE],
		.strict = args->value[OPT_STRICT],
	};
	struct compile c = {.args = args};
	int rc = tc_run_init(&c.run, &how, err);

	c.files.mem = c.standard.mem = c.run.mem;
	if (rc == 0)
		rc = compile(&c, cli, err);
	tc_outputs_free(&c.files);
	tc_outputs_free(&c.standard);
	tc_run_free(&c.run);
	return rc;
}

const struct tc_command tc_cmd_compile = {
	.name = "compile",
	.summary = "turn contracts and manifests into enriched manifests",
	.operands = "FILE|DIR|-...",
	.missing = "nothing to compile; give a FILE, a DIR, or - for standard input",
	.min = 1,
	.max = SIZE_MAX,
	.about = "Fill in contracts, and add what they grant: Secret, NetworkPolicy,\n"
		 "ClusterSPIFFEID, mounts. DIR: all .yaml, .yml and .json files below it.\n",
	.examples = "  tentc compile shop.yaml\n"
		    "  helm template shop | tentc compile - --enclave demo\n"
		    "  tentc compile k8s/ -o rendered/\n"
		    "  tentc compile k8s/ -o rendered/ --check\n",
	.options = options,
	.run = run,
};
