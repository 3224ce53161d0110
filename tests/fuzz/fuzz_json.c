/* fuzz_json.c - the JSON reader against jansson: acceptance, value, and what is written of it. */
#include "tests/unit/json_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *verdict = oracle_disagrees((const char *)data, len);

	if (verdict) {
		fprintf(stderr, "%s\n", verdict);
		abort();
	}
	return 0;
}
