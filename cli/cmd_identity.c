#include "cli/cli.h"
#include "cli/output.h"
#include "cli/run.h"
#include "compiler/contract/catalogue.h"
#include "compiler/contract/identity.h"
#include "compiler/tree/emit.h"

enum { OPT_CONFIG, OPT_FORMAT };

static const char *const formats[] = {"text", "json", NULL};

static const struct tc_option options[] = {
	[OPT_CONFIG] = {.name = "config", .arg = "FILE", .help = "ExoskeletonConfig (default: built-in values)"},
	[OPT_FORMAT] = {.name = "format", .arg = "text|json", .choices = formats, .help = "default: text"},
	{0},
};

/* {enclave, name, services: {postgres: {user: ...}}}: both forms are printed from it. */
static struct tc_node *identity(struct tc_arena *mem, const struct tc_config *config, const char *enclave,
				const char *name)
{
	struct tc_node *root = tc_new_map(mem, NULL), *services = tc_new_map(mem, NULL);

	tc_put(mem, root, "enclave", tc_new_string(mem, NULL, tc_str(enclave)));
	tc_put(mem, root, "name", tc_new_string(mem, NULL, tc_str(name)));
	tc_put(mem, root, "services", services);
	for (size_t i = 0; i < config->nservices; i++) {
		const struct tc_service_config *service = &config->services[i];
		struct tc_subject subject = {
			.mem = mem, .config = config, .service = service, .enclave = enclave, .name = name};
		struct tc_node *values = tc_new_map(mem, NULL);

		if (!service->enabled)
			continue;
		for (const struct tc_value *row = service->service->values; row->name; row++) {
			const char *value = row->flags & TC_V_IDENTITY ? tc_value_of(&subject, row) : NULL;

			if (value)
				tc_put(mem, values, row->name, tc_new_string(mem, NULL, tc_str(value)));
		}
		tc_put(mem, services, service->service->key, values);
	}
	return root;
}

static void widen(size_t *width, struct tc_str text)
{
	if (text.len > *width)
		*width = text.len;
}

static void print_text(struct tc_buf *out, const struct tc_node *services)
{
	size_t first = 0, second = 0;

	for (struct tc_entry s = tc_first(services); s.key; s = tc_next(s)) {
		widen(&first, tc_text(s.key));
		for (struct tc_entry v = tc_first(s.value); v.key; v = tc_next(v))
			widen(&second, tc_text(v.key));
	}
	for (struct tc_entry s = tc_first(services); s.key; s = tc_next(s))
		for (struct tc_entry v = tc_first(s.value); v.key; v = tc_next(v))
			tc_buf_printf(out, "%-*.*s  %-*.*s  %.*s\n", (int)first, TC_STR_ARG(tc_text(s.key)),
				      (int)second, TC_STR_ARG(tc_text(v.key)), TC_STR_ARG(tc_text(v.value)));
}

static int check_label(struct tc_arena *mem, const char *what, const char *text, struct tc_error *err)
{
	const char *fault = tc_label_fault(mem, tc_str(text));

	return fault ? tc_fail(err, TC_E_USAGE, "the %s %s %s", what, tc_quote(mem, tc_str(text)), fault) : 0;
}

static int run(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	struct tc_run_options how = {.config = args->value[OPT_CONFIG]};
	const char *enclave = args->operands[0], *name = args->operands[1], *format = args->value[OPT_FORMAT];
	_cleanup_buf_ struct tc_buf out = {0};
	struct tc_node *root;
	struct tc_run reader;
	int rc = tc_run_init(&reader, &how, err);

	if (rc == 0)
		rc = check_label(cli->mem, "enclave", enclave, err);
	if (rc == 0)
		rc = check_label(cli->mem, "name", name, err);
	if (rc == 0) {
		tc_run_config(&reader);
		rc = tc_run_report(&reader, cli->colour, "");
	}
	if (rc == 0) {
		root = identity(cli->mem, reader.config, enclave, name);
		if (format && strcmp(format, "json") == 0) {
			tc_emit(&out, root, (struct tc_emit){.format = TC_JSON});
			tc_buf_putc(&out, '\n');
		} else {
			print_text(&out, tc_get(root, "services"));
		}
		rc = tc_write_stdout(tc_buf_str(&out), err);
	}
	tc_run_free(&reader);
	return rc;
}

const struct tc_command tc_cmd_identity = {
	.name = "identity",
	.summary = "print the names that a tentacle has in every service",
	.operands = "ENCLAVE NAME",
	.missing = "give an ENCLAVE and a NAME; usage: tentc identity ENCLAVE NAME",
	.min = 2,
	.max = 2,
	.about = "Print the names that a tentacle has in every service: a line for each, with\n"
		 "service, what it is, and value. They depend on nothing but enclave, name and\n"
		 "configuration.\n",
	.examples = "  tentc identity demo shop\n"
		    "  tentc identity demo shop --format json | jq -r .services.postgres.user\n",
	.options = options,
	.run = run,
};
