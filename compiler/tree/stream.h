/* stream.h - a text cut into documents, and each read on its own.
 *
 * Cut as k8s.io/apimachinery's YAMLReader cuts: at lines that begin with `---`. A document that cannot be read is
 * reported and marked; the ones after it are read all the same. */
#ifndef TC_STREAM_H
#define TC_STREAM_H

#include "compiler/base/diag.h"
#include "compiler/base/limits.h"
#include "compiler/tree/node.h"

enum tc_format {
	TC_YAML,
	TC_JSON,
};

struct tc_doc {
	const struct tc_source *src;
	enum tc_format format;
	uint32_t sep;         /* where its separator line `---` begins; == begin when it has none */
	uint32_t begin, end;  /* its bytes, after the separator line, up to the next one: all comments and blank lines
				 included */
	bool bad;             /* could not be read: reported */
	bool empty;           /* only comments and blanks: no root, nothing wrong */
	struct tc_node *root; /* NULL before it is read, when bad, when empty */
};

/* Checks size, encoding (UTF-16 refused by name, a UTF-8 byte order mark accepted), control characters, and cuts. *docs
 * is an array in mem, in order; concatenating every [sep, end) from the first sep gives the source back, a byte order
 * mark before it excepted. JSON: a text whose first character is `{` and that reads as one or more JSON values, or
 * whose name ends in .json; each value is a document. Returns the number of documents; 0 with a diagnostic when the
 * whole text is refused. */
size_t tc_stream_cut(struct tc_arena *mem, const struct tc_source *src, const struct tc_limits *limits,
		     struct tc_diags *diags, struct tc_doc **docs);

/* Reads the document's text into doc->root, in mem; false, with diagnostics and doc->bad set, when it can't be. Reading
 * the same document twice (after a rewind) gives equal trees; the caller passes diags again only if it wants the
 * warnings again: NULL is allowed for a document that was read without a problem before. */
bool tc_doc_read(struct tc_arena *mem, struct tc_doc *doc, const struct tc_limits *limits, struct tc_diags *diags);

/* The two readers behind it, for texts that are not cut: [begin, end) of src as exactly one document. NULL with
 * diagnostics when refused; *empty when there is nothing but comments (then NULL without one). */
struct tc_node *tc_yaml_read(struct tc_arena *mem, const struct tc_source *src, uint32_t begin, uint32_t end,
			     const struct tc_limits *limits, struct tc_diags *diags, bool *empty);
/* *begin is moved past the value and the white space after it. RFC 8259; depth, nodes and duplicate keys are checked.
 */
struct tc_node *tc_json_read(struct tc_arena *mem, const struct tc_source *src, uint32_t *begin, uint32_t end,
			     const struct tc_limits *limits, struct tc_diags *diags);

/* A document that stands inside a string of another one (a workflow.yaml in a ConfigMap, a contract in an annotation).
 * Reads the raw bytes of a literal block scalar in place, so that positions are the outer file's; any other style is
 * read from its decoded value, as a source of its own that points at the scalar (source.h: outer). NULL as
 * tc_yaml_read. */
struct tc_node *tc_embedded_read(struct tc_arena *mem, const struct tc_node *scalar, const char *label,
				 const struct tc_limits *limits, struct tc_diags *diags, bool *empty);

#endif
