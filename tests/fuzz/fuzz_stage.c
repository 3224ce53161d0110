/* fuzz_stage.c - any text through the whole stage: it ends with errors or with an output that compiles to itself. */
#include "compiler/contract/config.h"
#include "compiler/transform/stage.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Small, so that what is slow is the program's fault. */
static const struct tc_limits limits = {
	.max_bytes = 64u << 10, .max_documents = 100, .max_nodes = 5000, .max_expanded = 10000, .max_depth = 64};

/* The output for one text; false when it was refused. */
static bool compile(struct tc_arena *mem, struct tc_str text, struct tc_buf *out)
{
	struct tc_source *src = tc_alloc(mem, sizeof(*src));
	const struct tc_source *sources[] = {src};
	struct tc_stage stage = {.config = tc_config_default(mem), .enclave = "demo", .limits = &limits};
	struct tc_diags diags = {.mem = mem};
	struct tc_error err = {0};
	struct tc_result *result;

	*src = (struct tc_source){.name = "fuzz.yaml", .text = text};
	if (tc_compile(&result, mem, sources, 1, &stage, &diags, &err) < 0) {
		(void)fprintf(stderr, "internal error: %s\n", err.msg);
		abort();
	}
	if (diags.errors) {
		_cleanup_buf_ struct tc_buf rendered = {0};

		tc_diags_render(&rendered, &diags, (struct tc_diag_style){0});
		return false;
	}
	tc_result_write(out, &result->sources[0], TC_CLUSTER_SCOPED_INCLUDE);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	_cleanup_buf_ struct tc_buf once = {0};
	_cleanup_buf_ struct tc_buf twice = {0};

	if (!compile(mem, (struct tc_str){.s = (const char *)data, .len = len}, &once))
		return 0;
	/* What was made may be larger than the limits of the door. */
	if (once.len <= limits.max_bytes && compile(mem, tc_buf_str(&once), &twice) &&
	    !tc_str_equal(tc_buf_str(&once), tc_buf_str(&twice))) {
		(void)fprintf(stderr, "compiled again it differs:\n%s\n----\n%s\n", once.p, twice.p);
		abort();
	}
	return 0;
}
