/* fuzz_narrow.c - the narrow reader, which proves what tentc writes, beside the whole one. The input is two texts with
 * a NUL between them: where the narrow reader says that the second is the first one's tree, the whole one has to agree.
 */
#include "compiler/tree/narrow.h"
#include "compiler/tree/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct tc_limits limits = {
	.max_bytes = 64u << 10, .max_documents = 1, .max_nodes = 5000, .max_expanded = 10000, .max_depth = 64};

static const struct tc_node *read_whole(struct tc_arena *mem, struct tc_str text)
{
	struct tc_source *src = tc_alloc(mem, sizeof(*src));
	struct tc_diags diags = {.mem = mem};
	bool empty = false;

	*src = (struct tc_source){.name = "in.yaml", .text = text};
	/* as the cut does before any document is read */
	if (text.len > limits.max_bytes || tc_text_check(text) != text.len)
		return NULL;
	return tc_yaml_read(mem, src, 0, (uint32_t)text.len, &limits, &diags, &empty);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	const uint8_t *nul = len ? memchr(data, 0, len) : NULL;
	struct tc_str first = {(const char *)data, nul ? (size_t)(nul - data) : len};
	struct tc_str second = nul ? (struct tc_str){(const char *)nul + 1, len - first.len - 1} : first;
	const struct tc_node *want = read_whole(mem, first), *got;

	if (!want || !tc_narrow_reads_as(second, false, want))
		return 0;
	got = read_whole(mem, second);
	if (!got || !tc_equal(got, want, true)) {
		(void)fprintf(stderr, "the narrow reader says yes, the whole one no\n");
		abort();
	}
	return 0;
}
