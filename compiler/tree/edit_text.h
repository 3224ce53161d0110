/* edit_text.h - what the parts of the editor share: the text, its lines, and the list of splices. Internal to editing.
 *
 * edit.c runs a patch over a document and applies the splices, edit_lines.c knows lines and places, edit_style.c sees
 * how the document is written, edit_block.c and edit_flow.c change collections, edit_value.c replaces values,
 * edit_write.c writes new content, edit_embedded.c goes into documents inside of scalars. */
#ifndef TC_EDIT_TEXT_H
#define TC_EDIT_TEXT_H

#include "compiler/tree/edit.h"
#include "compiler/tree/emit.h"

struct tc_splice {
	uint32_t off, len;
	size_t nth; /* of two at one place the one that was made first goes first */
	struct tc_str text;
};

struct tc_splices {
	struct tc_splice *list;
	size_t count, cap;
	bool sorted;
	const char *why;   /* NULL: all operations could be made */
	const char *doubt; /* what is to blame if the result is wrong all the same; NULL: nothing */
};

/* Further to the right nothing is added: every new line would repeat the indentation. */
#define TC_EDIT_COL_MAX 1000

/* A place that was asked about, and where its line begins. */
struct tc_edit_seen {
	uint32_t line, off;
};

struct tc_edit {
	struct tc_arena *mem;
	const struct tc_source *src;
	const char *s;       /* the source's bytes */
	uint32_t begin, end; /* the document's */
	/* Where its last line ends: end, or one past it when the line end is missing. The editor works as if it was
	 * there. */
	uint32_t limit;
	const struct tc_patch *patch;
	struct tc_ptrmap
		touched; /* collections with an operation somewhere inside; last: how many removals there are */
	struct tc_splices *out;
	struct tc_edit_seen *seen;

	/* How the document is written. */
	enum tc_format format;
	const char *newline;
	unsigned step;
	bool indent_items;
	struct tc_str unit; /* JSON: one step of indentation; empty: all on one line */
	bool colon_space, comma_space;
};

/* Where a value stands in block context. */
struct tc_spot {
	const struct tc_node *parent; /* NULL: the value is the root */
	const struct tc_node *key;    /* parent is a mapping */
	uint32_t head;                /* right behind the `:` or `-`; UINT32_MAX: there is none */
	int col;                      /* of the parent's keys or dashes; -1: root */
};

/* edit.c */
void tc_edit_begin(struct tc_edit *e, struct tc_splices *out, struct tc_arena *mem, const struct tc_doc *doc,
		   const struct tc_patch *patch);
void tc_edit_splice(struct tc_edit *e, uint32_t from, uint32_t to, struct tc_str text);
/* n is not in the result any more. */
void tc_edit_gone(struct tc_edit *e, const struct tc_node *n);
void tc_edit_decline(struct tc_edit *e, const char *why);
const struct tc_op *tc_edit_ops(const struct tc_edit *e, const struct tc_node *place);
const struct tc_op *tc_edit_change(const struct tc_edit *e, const struct tc_node *at);
/* Makes the patch's splices, in the order of the document. */
void tc_edit_run(struct tc_edit *e, const struct tc_node *root);
bool tc_edit_apply(struct tc_buf *out, const struct tc_edit *e);
bool tc_edit_reads_as(struct tc_str text, enum tc_format format, bool secret, const struct tc_node *want);

/* edit_lines.c: places and lines. Offsets are the source's. */
bool tc_edit_is_blank(char c);
uint32_t tc_edit_line(const struct tc_edit *e, uint32_t off);      /* where its line begins */
uint32_t tc_edit_line_stop(const struct tc_edit *e, uint32_t off); /* where its line's break begins */
uint32_t tc_edit_next_line(const struct tc_edit *e, uint32_t off); /* behind its line's break */
int tc_edit_col(const struct tc_edit *e, uint32_t off);
bool tc_edit_begins_line(const struct tc_edit *e, uint32_t off); /* only blanks before it */
uint32_t tc_edit_skip_blanks(const struct tc_edit *e, uint32_t off);
struct tc_str tc_edit_base(struct tc_edit *e, uint32_t off);     /* the indentation of its line */
uint32_t tc_edit_skip(const struct tc_edit *e, uint32_t off);    /* blanks, line breaks, comments */
bool tc_edit_has_comment(const struct tc_edit *e, uint32_t off); /* only blanks, then one, behind off */
bool tc_edit_line_is_blank(const struct tc_edit *e, uint32_t off);
/* Past comment lines right of a column, and the blank lines before them: they belong to what stands above. */
uint32_t tc_edit_skip_deeper(const struct tc_edit *e, uint32_t line, int col);
bool tc_edit_is_block(const struct tc_node *n);        /* a block collection with something in it */
bool tc_edit_is_block_scalar(const struct tc_node *n); /* literal or folded */
uint32_t tc_edit_props_end(const struct tc_edit *e, const struct tc_node *n);   /* n->off: it has none */
uint32_t tc_edit_body(const struct tc_edit *e, const struct tc_node *n);        /* behind its properties */
struct tc_str tc_edit_anchor(const struct tc_edit *e, const struct tc_node *n); /* "&a"; empty: none */
uint32_t tc_edit_header_end(const struct tc_edit *e, const struct tc_node *n);  /* of a block scalar: behind `|2-` */
/* How far the lines of a block scalar are indented: 0: cannot be told; UINT32_MAX: it has only blank ones. */
uint32_t tc_edit_content_indent(const struct tc_edit *e, const struct tc_node *n);
/* Behind the last line that n needs: past a comment, before blank lines. */
uint32_t tc_edit_content_end(const struct tc_edit *e, const struct tc_node *n);
/* Where the nth entry or item begins, with `?` or `-`. UINT32_MAX: cannot be told. */
uint32_t tc_edit_entry(const struct tc_edit *e, const struct tc_node *parent, const struct tc_node *child, int col);
/* Behind the colon or dash of a value. UINT32_MAX: there is none. */
uint32_t tc_edit_head(const struct tc_edit *e, const struct tc_node *parent, const struct tc_node *child, int col);

/* Between brackets: one that was left out begins behind its colon, where there is one. */
uint32_t tc_edit_value_off(const struct tc_edit *e, const struct tc_node *key, const struct tc_node *value);

/* edit_style.c */
void tc_edit_style(struct tc_edit *e, const struct tc_node *root);

/* edit_block.c, edit_flow.c: what happens inside of a collection that stays. */
void tc_edit_block(struct tc_edit *e, const struct tc_node *n);
void tc_edit_flow(struct tc_edit *e, const struct tc_node *n);

/* edit_value.c: whatever happens at a value and below. */
void tc_edit_value(struct tc_edit *e, const struct tc_spot *at, const struct tc_node *n);
/* A new collection instead of one that loses all it has; NULL when it keeps something. */
struct tc_node *tc_edit_composed(struct tc_edit *e, const struct tc_node *n);

/* edit_write.c: new content as text, in e->mem. */
struct tc_edit_new {
	struct tc_str first; /* what goes on the line of the key or dash, without a line end */
	struct tc_str rest;  /* whole lines below it */
};
/* split: of an item's collection nothing goes on the line of the dash. */
struct tc_edit_new tc_edit_write_value(struct tc_edit *e, const struct tc_spot *at, const struct tc_node *v,
				       bool split);
/* Whole lines: one entry or item at a column; below: what stands behind them. */
struct tc_str tc_edit_write_entry(struct tc_edit *e, const struct tc_op *op, int col, uint32_t below);
/* A text whose last lines are blank would go on with the blank line at `below`. */
bool tc_edit_runs_on(const struct tc_edit *e, struct tc_str text, uint32_t below);
/* A copy that does not end in a block scalar, which could go on with what stands below it. */
struct tc_node *tc_edit_close(struct tc_edit *e, const struct tc_node *v);
/* Between brackets, and JSON. base: the indentation of the line it begins on. like: written like this one. */
void tc_edit_write_flow(struct tc_buf *out, const struct tc_edit *e, const struct tc_node *v,
			const struct tc_node *like, struct tc_str base);
void tc_edit_write_flow_key(struct tc_buf *out, const struct tc_edit *e, const struct tc_node *key,
			    const struct tc_node *like);
struct tc_str tc_edit_keep(struct tc_edit *e, struct tc_buf *text); /* a copy in e->mem */

/* edit_embedded.c: the operation of a document that was read in place. False: it was not, the value takes its place. */
bool tc_edit_inner(struct tc_edit *e, const struct tc_node *n, const struct tc_op *op);

#endif
