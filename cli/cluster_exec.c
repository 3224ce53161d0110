#include "cli/cluster.h"

#include <unistd.h>

/* From the folder of tentc itself: where it was built, and where it was installed. */
static const char *const places[] = {"libexec/tentc/tentc-cluster", "../libexec/tentc/tentc-cluster"};

int tc_cluster_exec(const struct tc_command *command, char **argv, const struct tc_cli *cli, const struct tc_args *args,
		    struct tc_error *err)
{
	char self[4096], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	(void)args;
	if (n < 0)
		return tc_fail(err, TC_E_USAGE, "cannot tell where tentc itself stands: %s", tc_errno(errno));
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (slash)
		*slash = '\0';
	for (size_t i = 0; i < TC_COUNT(places); i++) {
		const char *path = tc_printf(cli->mem, "%s/%s", self, places[i]);

		(void)execv(path, argv);
		if (errno != ENOENT && errno != ENOTDIR)
			return tc_fail(err, TC_E_USAGE, "cannot run %s: %s", path, tc_errno(errno));
	}
	return tc_fail(err, TC_E_USAGE,
		       "\"%s\" needs the program tentc-cluster, and it is not in %s/../libexec/tentc; install all of "
		       "tentc: make install",
		       command->name, self);
}
