/* edit_embedded.c - documents inside of scalars: the lines of a literal block are edited where they stand.
 *
 * What the outer operation says the scalar becomes is decoded from the edited lines, by the reader: one path makes
 * both, so that the text and the patch agree. */
#include "compiler/tree/edit_text.h"

/* The reader went through the raw lines of the outer text. */
static bool is_in_place(const struct tc_node *n, const struct tc_node *root)
{
	return n->style == TC_STYLE_LITERAL && !(root->flags & TC_NODE_NEW) &&
	       tc_node_source(root) == tc_node_source(n) && root->off >= n->off && root->off < n->end;
}

bool tc_edit_inner(struct tc_edit *e, const struct tc_node *n, const struct tc_op *op)
{
	struct tc_edit inner = *e;

	if (!op->inner || !is_in_place(n, op->inner->root))
		return false;
	inner.begin = tc_edit_next_line(e, tc_edit_header_end(e, n));
	inner.end = n->end;
	inner.limit = n->end < e->end ? n->end : e->limit;
	inner.patch = op->inner;
	inner.touched = (struct tc_ptrmap){.mem = e->mem};
	tc_edit_run(&inner, op->inner->root);
	return true;
}

/* What a literal block with these lines holds, n being its header. */
static bool decode(struct tc_str *text, struct tc_arena *mem, const struct tc_edit *e, const struct tc_node *n,
		   struct tc_str lines)
{
	uint32_t from = tc_edit_body(e, n), to = tc_edit_header_end(e, n), indent = tc_edit_content_indent(e, n);
	const char *chomp = memchr(e->s + from, '+', to - from) ? "+" : memchr(e->s + from, '-', to - from) ? "-" : "";
	struct tc_limits limits = TC_LIMITS_FILE;
	_cleanup_buf_ struct tc_buf block = {0};
	struct tc_source src = {.name = "an edited block"};
	const struct tc_node *root;
	bool empty;

	if (indent == 0 || indent == UINT32_MAX)
		return false;
	/* A key one column left of the lines, so that the header can say where they begin. */
	tc_buf_fill(&block, ' ', indent - 1);
	tc_buf_printf(&block, "k: |1%s\n", chomp);
	tc_buf_add(&block, lines.s, lines.len);
	if (block.len >= UINT32_MAX)
		return false; /* unreachable: no test has 4 GiB to spare */
	src.text = tc_buf_str(&block);
	root = tc_yaml_read(mem, &src, 0, (uint32_t)block.len, &limits, NULL, &empty);
	if (!tc_is(root, TC_MAP) || root->count != 1 || !tc_is(root->last, TC_STRING))
		return false; /* unreachable: lines that are added stand as deep as the ones around them */
	text->len = root->last->text.len;
	text->s = tc_strndup(mem, text->len ? root->last->text.s : "", text->len);
	return true;
}

static bool edit_in_place(struct tc_str *text, struct tc_arena *mem, const struct tc_node *n,
			  const struct tc_patch *inner, const char **why)
{
	struct tc_doc doc = {.src = tc_node_source(n), .format = TC_YAML};
	struct tc_splices splices;
	struct tc_edit e;
	_cleanup_buf_ struct tc_buf lines = {0};

	doc.end = (uint32_t)doc.src->text.len;
	tc_edit_begin(&e, &splices, mem, &doc, inner);
	struct tc_edit whole = e;
	e.begin = tc_edit_next_line(&whole, tc_edit_header_end(&whole, n));
	e.end = n->end;
	e.limit = n->end < whole.end ? n->end : whole.limit;
	tc_edit_run(&e, inner->root);
	if (!tc_edit_apply(&lines, &e))
		*why = splices.why;
	else if (!decode(text, mem, &whole, n, tc_buf_str(&lines)))
		*why = "the edited block cannot be read again";
	return !*why;
}

bool tc_edit_embedded(struct tc_str *text, struct tc_arena *mem, const struct tc_node *scalar,
		      const struct tc_patch *inner, const struct tc_node *want, const char **why)
{
	const struct tc_node *n = tc_deref(scalar);
	struct tc_doc doc = {.src = tc_node_source(inner->root),
			     .format = TC_YAML,
			     .root = (struct tc_node *)(uintptr_t)inner->root};
	_cleanup_buf_ struct tc_buf out = {0};

	*why = NULL;
	if (is_in_place(n, inner->root)) {
		if (!edit_in_place(text, mem, n, inner, why))
			return false;
	} else {
		doc.end = (uint32_t)doc.src->text.len;
		if (!tc_edit(&out, &doc, inner, why))
			return false;
		*text = (struct tc_str){.s = tc_strndup(mem, out.len ? out.p : "", out.len), .len = out.len};
	}
	if (!tc_edit_reads_as(*text, TC_YAML, false, want))
		*why = "the edited text does not read back as what it should say";
	return !*why;
}
