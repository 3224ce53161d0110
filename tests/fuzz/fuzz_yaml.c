/* fuzz_yaml.c - any text through the cut and the readers. The documents together are the text; each that reads is
 * written, in every way there is, and reads as the same again. */
#include "compiler/tree/emit.h"
#include "compiler/tree/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Small, so that what is slow is the program's fault. */
static const struct tc_limits limits = {
	.max_bytes = 256u << 10, .max_documents = 1000, .max_nodes = 5000, .max_expanded = 10000, .max_depth = 64};

static const struct tc_emit ways[] = {
	{.format = TC_YAML},
	{.format = TC_YAML, .step = 4, .indent_items = true},
	{.format = TC_YAML, .crlf = true},
	{.format = TC_JSON},
	{.format = TC_JSON, .indent = 2},
};

static void check(bool fine, const char *what)
{
	if (fine)
		return;
	(void)fprintf(stderr, "%s\n", what);
	abort();
}

static void check_cut(const struct tc_source *src, const struct tc_doc *docs, size_t n)
{
	uint32_t at = tc_str_starts(src->text, "\xef\xbb\xbf") ? 3 : 0;

	for (size_t i = 0; i < n; i++) {
		check(docs[i].sep == at, "bytes between two documents");
		check(docs[i].sep <= docs[i].begin && docs[i].begin <= docs[i].end, "a document ends before it begins");
		at = docs[i].end;
	}
	check(at == src->text.len, "bytes behind the last document");
}

/* Every node lies in its document, and a child behind where its parent begins. */
static void check_places(const struct tc_doc *doc, const struct tc_node *n)
{
	check(n->off <= n->end && n->off >= doc->begin && n->end <= doc->end, "a node out of its document");
	if (n->kind != TC_MAP && n->kind != TC_SEQ)
		return;
	for (const struct tc_node *i = n->first; i; i = i->next) {
		check(i->off >= n->off && i->end <= n->end, "a node out of its parent");
		check(!i->next || i->end <= i->next->off, "two nodes of one collection overlap");
		check_places(doc, i);
	}
}

/* A comparison that tc_equal, which the writers check themselves with, has no part in. */
static void meaning(struct tc_buf *out, const struct tc_node *n)
{
	tc_emit(out, n, (struct tc_emit){.format = TC_JSON});
}

static void check_written(struct tc_arena *mem, const struct tc_node *root, struct tc_emit how)
{
	_cleanup_buf_ struct tc_buf text = {0}, old = {0}, new = {0};
	struct tc_limits wide = TC_LIMITS_FILE;
	struct tc_diags diags = {.mem = mem};
	struct tc_error err = {0};

	check(tc_emit_verified(&text, root, how, &err) == 0, err.msg);

	struct tc_source src = {.name = "again", .text = tc_buf_str(&text)};
	struct tc_doc doc = {.src = &src, .format = how.format, .end = (uint32_t)text.len};

	check(tc_doc_read(mem, &doc, &wide, &diags) && doc.root, "what was written cannot be read");
	check(tc_equal(root, doc.root, true), "what was written is another tree");
	meaning(&old, root);
	meaning(&new, doc.root);
	check(tc_str_equal(tc_buf_str(&old), tc_buf_str(&new)), "what was written says something else");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	_cleanup_buf_ struct tc_buf rendered = {0};
	struct tc_source src = {.name = "in.yaml", .text = {(const char *)data, len}};
	struct tc_diags diags = {.mem = mem};
	struct tc_doc *docs;
	size_t n = tc_stream_cut(mem, &src, &limits, &diags, &docs);

	check(n > 0 || diags.errors > 0 || len == 0, "no document, and nothing was said");
	if (n > 0)
		check_cut(&src, docs, n);
	for (size_t i = 0; i < n; i++) {
		size_t errors = diags.errors;
		bool cut_badly = docs[i].bad;

		if (!tc_doc_read(mem, &docs[i], &limits, &diags)) {
			check(cut_badly ? errors > 0 : diags.errors > errors, "refused, and nothing was said");
			continue;
		}
		check(diags.errors == errors, "accepted, and a problem was reported");
		check(!docs[i].root == docs[i].empty, "nothing was read, and it is not empty");
		if (!docs[i].root || i >= 8)
			continue;
		check_places(&docs[i], docs[i].root);
		for (size_t k = 0; k < TC_COUNT(ways); k++)
			check_written(mem, docs[i].root, ways[k]);
	}
	tc_diags_render(&rendered, &diags, (struct tc_diag_style){0});
	return 0;
}
