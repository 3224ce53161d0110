/* tentc's main() under another name: what it does about signals and lost memory is part of what is tested. */
#include "tests/property/process.h"

#define main tentc_main
#include "cli/main.c"
