/* fuzz_stage.c - any text through the whole stage: it ends with errors or with an output that compiles to itself. */
#include "tests/fuzz/compile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);

	(void)door_compiles(mem, (struct tc_str){.s = (const char *)data, .len = len});
	return 0;
}
