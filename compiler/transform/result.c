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
	return true;
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

int tc_result_write_json(struct tc_buf *out, const struct tc_result_source *source, enum tc_cluster_scoped which,
			 const struct tc_limits *limits, struct tc_error *err)
{
	_cleanup_(tc_arena_free) struct tc_arena *mem = tc_arena_new(64 * 1024);
	struct tc_arena_mark mark = tc_arena_mark(mem);
	int failed = 0;

	for (size_t i = 0; i < source->npieces && !failed; i++) {
		const struct tc_piece *piece = &source->pieces[i];
		struct tc_doc doc;

		if (!is_wanted(piece, which))
			continue;
		if (piece->root) {
			failed = write_line(out, piece->root, err);
		} else if (piece->doc) {
			doc = *piece->doc;
			doc.root = NULL;
			if (tc_doc_read(mem, &doc, limits, NULL) && doc.root)
				failed = write_line(out, doc.root, err);
			tc_arena_rewind(mem, mark);
		}
	}
	return failed;
}
