/* source.h - a text that was read, and places in it.
 *
 * A source outlives every tree and every diagnostic that points into it. Line and column are computed when printed. */
#ifndef TC_SOURCE_H
#define TC_SOURCE_H

#include "compiler/base/base.h"

struct tc_source {
	const char *name;   /* as it is printed: "shop.yaml", "<stdin>" */
	struct tc_str text; /* at most 4 GiB - 1: offsets are 32 bits */
	unsigned order;     /* place of this source among the inputs; diagnostics are sorted by it */

	/* A text that stood inside another one in a form that has no byte-for-byte place there (a quoted scalar with
	 * escapes): what is found in it is reported at `outer`, and the message says which line of the inner text. */
	const struct tc_source *outer;
	uint32_t outer_off;
};

struct tc_pos {
	const struct tc_source *src; /* NULL: no place (a flag, a whole run) */
	uint32_t off;                /* bytes from the start of the text */
};

struct tc_place {
	unsigned line;      /* from 1; lines end at \n, \r\n or a lone \r */
	unsigned column;    /* from 1, in code points; a byte order mark at the start of the file does not count */
	struct tc_str text; /* the whole line without its end */
	uint32_t line_off;  /* bytes from the start of the source to the start of the line */
};

/* Reads the text from its start: for a few places. A place inside a code point is the code point's, one behind the end
 * of the text is the end. The byte order mark belongs to no line: line_off of the first line is then 3. */
struct tc_place tc_place(struct tc_pos at);

/* For many places in one source: an index, made in one pass. */
struct tc_arena;
struct tc_lines;
struct tc_lines *tc_lines_new(struct tc_arena *mem, const struct tc_source *src);
/* As tc_place, in constant time; text ends at most 1 KiB behind the place. */
struct tc_place tc_lines_place(const struct tc_lines *l, uint32_t off);

/* Offset of the first byte that a YAML or JSON text may not hold: bad UTF-8 (RFC 3629), or a control character outside
 * YAML 1.1's c-printable (section 5.1). text.len when there is none. */
size_t tc_text_check(struct tc_str text);

#endif
