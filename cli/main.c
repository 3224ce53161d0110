/* tentc: what can be done offline. Commands that reach a network are those of another program. */
#include "cli/cluster.h"
#include "cli/start.h"

int main(int argc, char **argv)
{
	return tc_start(argc, argv, &(struct tc_front){.cluster = tc_cluster_exec});
}
