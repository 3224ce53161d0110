/* compile.h - for the doors that lead into the stage: one text compiled, and the laws that any text must keep. */
#ifndef FUZZ_COMPILE_H
#define FUZZ_COMPILE_H

#include "compiler/contract/config.h"
#include "compiler/transform/stage.h"

/* Small, so that what is slow is the program's fault. */
static const struct tc_limits door_limits = {
	.max_bytes = 64u << 10, .max_documents = 100, .max_nodes = 5000, .max_expanded = 10000, .max_depth = 64};

static inline void door_check(bool fine, const char *what)
{
	if (fine)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

/* NULL when it was refused; its problems have been rendered then. */
static inline struct tc_result *door_compile(struct tc_arena *mem, struct tc_str text)
{
	struct tc_source *src = tc_alloc(mem, sizeof(*src));
	const struct tc_source *sources[] = {src};
	struct tc_stage stage = {.config = tc_config_default(mem), .enclave = "demo", .limits = &door_limits};
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
		return NULL;
	}
	return result;
}

/* It ends with errors or with an output that compiles to itself. True: the latter. */
static inline bool door_compiles(struct tc_arena *mem, struct tc_str text)
{
	_cleanup_buf_ struct tc_buf once = {0};
	_cleanup_buf_ struct tc_buf twice = {0};
	struct tc_result *result = door_compile(mem, text);

	if (!result)
		return false;
	tc_result_write(&once, &result->sources[0], TC_CLUSTER_SCOPED_INCLUDE);
	/* What was made may be larger than the limits of the door. */
	if (once.len > door_limits.max_bytes || !(result = door_compile(mem, tc_buf_str(&once))))
		return true;
	tc_result_write(&twice, &result->sources[0], TC_CLUSTER_SCOPED_INCLUDE);
	if (!tc_str_equal(tc_buf_str(&once), tc_buf_str(&twice))) {
		(void)fprintf(stderr, "compiled again it differs:\n%s\n----\n%s\n", once.p, twice.p);
		abort();
	}
	return true;
}

#endif
