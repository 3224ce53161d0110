/* The result of a compilation as a stream of text. */
#include "compiler/transform/stage.h"

#include "compiler/tree/emit.h"

static bool is_wanted(const struct tc_piece *piece, enum tc_cluster_scoped which)
{
	switch (which) {
	case TC_CLUSTER_SCOPED_INCLUDE:
		return true;
	case TC_CLUSTER_SCOPED_OMIT:
		return !piece->cluster_scoped;
	case TC_CLUSTER_SCOPED_ONLY:
		return piece->cluster_scoped;
	}
	return true; /* unreachable: every choice has its case */
}

void tc_result_write(struct tc_buf *out, const struct tc_result_source *source, enum tc_cluster_scoped which)
{
	for (size_t i = 0; i < source->npieces; i++) {
		if (is_wanted(&source->pieces[i], which))
			tc_buf_add(out, source->pieces[i].text.s, source->pieces[i].text.len);
	}
}

static int write_line(struct tc_buf *out, const struct tc_node *root, struct tc_error *err)
{
	int failed = tc_emit_verified(out, root, (struct tc_emit){.format = TC_JSON}, err);

	tc_buf_putc(out, '\n');
	return failed;
}

/* Every piece that is not the input's own was read again when it was made, so it can be read once more. */
static int write_piece(struct tc_buf *out, struct tc_arena *mem, const struct tc_piece *piece,
		       const struct tc_limits *limits, struct tc_error *err)
{
	struct tc_source src = {.name = "", .text = piece->text};
	struct tc_diags unseen = {.mem = mem};
	struct tc_doc *docs;
	size_t n = tc_stream_cut(mem, &src, limits, &unseen, &docs);
	int failed = 0;

	for (size_t i = 0; i < n && !failed; i++) {
		if (tc_doc_read(mem, &docs[i], limits, &unseen) && docs[i].root)
			failed = write_line(out, docs[i].root, err);
	}
	return unseen.errors ? tc_fail(err, TC_E_BUG, "a document of the output cannot be read again") : failed;
}

int tc_result_write_json(struct tc_buf *out, const struct tc_result_source *source, enum tc_cluster_scoped which,
			 const struct tc_limits *limits, struct tc_error *err)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new_secret(64 * 1024);
	struct tc_arena_mark mark = tc_arena_mark(mem);
	int failed = 0;

	for (size_t i = 0; i < source->npieces && !failed; i++) {
		if (source->pieces[i].document && is_wanted(&source->pieces[i], which))
			failed = write_piece(out, mem, &source->pieces[i], limits, err);
		tc_arena_rewind(mem, mark);
	}
	return failed;
}
