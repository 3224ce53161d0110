/* start.h - what main() of both programs does: standard files, signals, memory, the command, and its exit status. */
#ifndef TC_START_H
#define TC_START_H

#include "cli/cli.h"

int tc_start(int argc, char **argv, const struct tc_front *front);

#endif
