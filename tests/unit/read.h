/* read.h - for tests of the readers: a text in, its tree as JSON and its diagnostics as they are printed out. */
#ifndef READ_H
#define READ_H

#include "unit.h"

#include "compiler/tree/emit.h"
#include "compiler/tree/stream.h"

/* One text that is read; what it holds points into the arena. */
struct read {
	struct tc_arena *mem;
	struct tc_source src;
	struct tc_diags diags;
	struct tc_limits limits;
	struct tc_doc *docs;
	size_t count;
	struct tc_buf out, err;
};

/* Cuts and reads every document. out: one document a line, "-" for an empty one, "!" for a bad one. The text is put on
 * the heap without an end, so that the sanitizer sees a read past it. limits NULL: a file's. */
static inline void read_text(struct read *r, const char *name, struct tc_str text, const struct tc_limits *limits)
{
	char *heap = tc_xalloc(text.len);

	*r = (struct read){.mem = tc_arena_new(64 * 1024), .limits = limits ? *limits : TC_LIMITS_FILE};
	if (text.len)
		memcpy(heap, text.s, text.len);
	r->src = (struct tc_source){.name = name, .text = {heap, text.len}};
	r->diags.mem = r->mem;
	r->count = tc_stream_cut(r->mem, &r->src, &r->limits, &r->diags, &r->docs);
	for (size_t i = 0; i < r->count; i++) {
		bool good = tc_doc_read(r->mem, &r->docs[i], &r->limits, &r->diags);
		assert_int_equal(good, !r->docs[i].bad);
		assert_int_equal(good && !r->docs[i].empty, r->docs[i].root != NULL);
		if (r->docs[i].root)
			tc_emit(&r->out, r->docs[i].root, (struct tc_emit){.format = TC_JSON});
		else
			tc_buf_puts(&r->out, good ? "-" : "!");
		tc_buf_putc(&r->out, '\n');
	}
	tc_diags_render(&r->err, &r->diags, (struct tc_diag_style){0});
}

static inline void read_done(struct read *r)
{
	char *heap = (char *)(uintptr_t)r->src.text.s;

	tc_buf_free(&r->out);
	tc_buf_free(&r->err);
	tc_arena_free(r->mem);
	free(heap);
}

/* Reads without a problem, and as this JSON, one document a line. */
static inline void check_reads(const char *text, size_t len, const char *want)
{
	struct read r;

	read_text(&r, "in.yaml", (struct tc_str){text, len}, NULL);
	assert_string_equal(r.err.p ? r.err.p : "", "");
	assert_string_equal(r.out.p ? r.out.p : "", want);
	read_done(&r);
}

/* Is refused, and prints exactly this. */
static inline void check_refuses(const char *text, size_t len, const char *want)
{
	struct read r;

	read_text(&r, "in.yaml", (struct tc_str){text, len}, NULL);
	assert_string_equal(r.err.p ? r.err.p : "", want);
	assert_true(r.diags.errors > 0);
	read_done(&r);
}

#define READS(text, want) check_reads((text), sizeof(text) - 1, (want))
#define REFUSES(text, want) check_refuses((text), sizeof(text) - 1, (want))

#endif
