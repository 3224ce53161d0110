#include "cli/output.h"
#include "cli/run.h"
#include "compiler/contract/catalogue.h"
#include "compiler/contract/postgres.h"

enum { OPT_CONFIG, OPT_USER };

static const struct tc_option options[] = {
	[OPT_CONFIG] = {.name = "config", .arg = "FILE", .help = "ExoskeletonConfig (default: built-in values)"},
	[OPT_USER] = {.name = "user", .arg = "NAME", .help = "default: services.postgres.admin.user, or tentc_admin"},
	{0},
};

static void add_name(struct tc_buf *out, const char *name)
{
	tc_buf_putc(out, '"');
	for (; *name; name++) {
		if (*name == '"')
			tc_buf_putc(out, '"');
		tc_buf_putc(out, *name);
	}
	tc_buf_putc(out, '"');
}

/* As psql reads it: a backslash is one, since standard_conforming_strings is on. */
static void add_text(struct tc_buf *out, const char *text)
{
	tc_buf_putc(out, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			tc_buf_putc(out, '\'');
		tc_buf_putc(out, *text);
	}
	tc_buf_putc(out, '\'');
}

/* A connection string inside an argument of psql's: two quotings, one in the other. */
static void add_connect(struct tc_buf *out, const char *database)
{
	tc_buf_puts(out, "\\connect -reuse-previous=on \"dbname='");
	for (; *database; database++) {
		if (*database == '\'' || *database == '\\')
			tc_buf_putc(out, '\\');
		if (*database == '"')
			tc_buf_putc(out, '"');
		tc_buf_putc(out, *database);
	}
	tc_buf_puts(out, "'\"\n");
}

static void add_role(struct tc_buf *out, const char *user, bool databases)
{
	tc_buf_puts(out, "SELECT format('CREATE ROLE %I', name) FROM (VALUES (");
	add_text(out, user);
	tc_buf_puts(out, ")) u(name)\nWHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \\gexec\n"
			 "ALTER ROLE ");
	add_name(out, user);
	tc_buf_printf(out, " WITH LOGIN CREATEROLE %sCONNECTION LIMIT 20;\n", databases ? "CREATEDB " : "");
}

static void add_closed_doors(struct tc_buf *out, const char *user, const char *entrance)
{
	tc_buf_puts(out, "\n-- Otherwise every tentacle may connect to these, and fill them with temporary tables.\n"
			 "REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC;\n");
	if (!entrance)
		return;
	tc_buf_puts(out, "GRANT CONNECT ON DATABASE ");
	add_name(out, entrance);
	tc_buf_puts(out, " TO ");
	add_name(out, user);
	tc_buf_puts(out, ";\n");
}

static void add_database(struct tc_buf *out, const char *user, const char *database)
{
	tc_buf_puts(out,
		    "\nSELECT format('CREATE DATABASE %I OWNER %I TEMPLATE template0', name, owner) FROM (VALUES (");
	add_text(out, database);
	tc_buf_puts(out, ", ");
	add_text(out, user);
	tc_buf_puts(out, ")) d(name, owner)\nWHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name) \\gexec\n"
			 "REVOKE ALL ON DATABASE ");
	add_name(out, database);
	tc_buf_puts(out, " FROM PUBLIC;\n");
	add_connect(out, database);
	tc_buf_puts(out,
		    "REVOKE ALL ON SCHEMA public FROM PUBLIC;\n\n"
		    "-- What tentc locks when it works. A tenant that could hold one of these rows could stop it.\n"
		    "SET ROLE ");
	add_name(out, user);
	tc_buf_puts(out, ";\n" TC_POSTGRES_LOCKS "RESET ROLE;\n");
}

static void print(struct tc_buf *out, struct tc_arena *mem, const struct tc_service_config *service, const char *user)
{
	const char *template = service->settings[0];
	bool own_database = strchr(template, '{');

	tc_buf_puts(out, "-- For psql, run once by a superuser; running it again changes nothing.\n"
			 "--   psql -f bootstrap.sql\n"
			 "-- Then give the role its password, which psql sends as a verifier only:\n");
	tc_buf_printf(out, "--   \\password %s\n\\set ON_ERROR_STOP on\n\n", user);
	tc_buf_puts(
		out,
		"-- Up to PostgreSQL 15 CREATEROLE is nearly as much as SUPERUSER: such a role may grant itself\n"
		"-- pg_execute_server_program, and alter roles that are not its own. From 16 on it rules what it has\n"
		"-- made, no more. Give a 15 to tentacles alone, or upgrade it.\n");
	add_role(out, user, own_database);
	add_closed_doors(out, user, own_database ? service->admin.settings[0] : NULL);
	if (own_database)
		tc_buf_puts(out, "\n-- Each enclave's database is made when the enclave is.\n");
	else
		add_database(out, user, tc_printf(mem, "%s", template));
}

static int run(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err)
{
	struct tc_run run = {0};
	_cleanup_buf_ struct tc_buf out = {0};
	int rc;

	if (strcmp(args->operands[0], "postgres") != 0)
		return tc_fail(err, TC_E_USAGE, "nothing to bootstrap in \"%s\"; there is postgres", args->operands[0]);
	if (tc_run_init(&run, &(struct tc_run_options){.config = args->value[OPT_CONFIG]}, err) < 0)
		return -1;
	tc_run_config(&run);
	rc = tc_run_report(&run, cli->colour, "; nothing was written");
	if (rc == 0) {
		const struct tc_service_config *service = tc_config_service(run.config, "postgres");
		const char *user = args->value[OPT_USER];

		if (!user)
			user = *service->admin.user ? service->admin.user : "tentc_admin";
		/* it also stands in a comment, which a line end would end */
		if (!*user || strpbrk(user, "\n\r")) {
			rc = tc_fail(err, TC_E_USAGE, "the administrator's name is empty or holds a line end");
		} else {
			print(&out, run.mem, service, user);
			rc = tc_write_stdout(tc_buf_str(&out), err);
		}
	}
	tc_run_free(&run);
	return rc;
}

const struct tc_command tc_cmd_bootstrap = {
	.name = "bootstrap",
	.summary = "print the SQL that a DBA runs once",
	.operands = "postgres",
	.missing = "say what to bootstrap: tentc bootstrap postgres",
	.min = 1,
	.max = 1,
	.about = "Print a script for psql that makes the registrars' administrator, who need not\n"
		 "be a superuser, and the database of the tentacles, closed to everybody else.\n"
		 "It holds no password, reaches nothing, and may be run again.\n",
	.examples = "  tentc bootstrap postgres > bootstrap.sql\n"
		    "  tentc bootstrap postgres --config platform.yaml | psql -h db -U postgres\n",
	.options = options,
	.run = run,
};
