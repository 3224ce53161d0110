/* tentc-cluster: the commands that reach a cluster or a service. tentc becomes this program when one is called. */
#include "cli/cluster/commands.h"

#include <curl/curl.h>

#include "cli/start.h"

static const struct {
	const struct tc_command *command;
	int (*run)(const struct tc_cli *cli, const struct tc_args *args, struct tc_error *err);
} rows[] = {
	{&tc_cmd_serve, tc_serve},       {&tc_cmd_certs, tc_certs},       {&tc_cmd_register, tc_register},
	{&tc_cmd_undeploy, tc_undeploy}, {&tc_cmd_enclave, tc_enclave},   {&tc_cmd_doctor, tc_doctor},
	{&tc_cmd_status, tc_status},     {&tc_cmd_list, tc_list_records}, {&tc_cmd_resume, tc_resume},
};

static int run(const struct tc_command *command, char **argv, const struct tc_cli *cli, const struct tc_args *args,
	       struct tc_error *err)
{
	(void)argv;
	for (size_t i = 0; i < TC_COUNT(rows); i++) {
		if (rows[i].command == command)
			return rows[i].run(cli, args, err);
	}
	return tc_fail(err, TC_E_BUG, "%s has no row in tentc-cluster", command->name);
}

int main(int argc, char **argv)
{
	int rc;

	/* not safe beside threads, so before there are any */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
		return TC_E_BUG;
	rc = tc_start(argc, argv, &(struct tc_front){.cluster = run});
	curl_global_cleanup();
	return rc;
}
