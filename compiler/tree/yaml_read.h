/* yaml_read.h - the parts of the YAML reader, for each other: the rest of the project calls tc_yaml_read (stream.h).
 *
 * yaml_text.c hands the text to libyaml and turns marks into bytes, yaml.c turns events into nodes, yaml_scalar.c reads
 * scalars, yaml_keys.c judges the keys of a mapping that has ended, yaml_syntax.c puts libyaml's complaints in words
 * that help, anchors.c finds anchors by name. */
#ifndef TC_YAML_READ_H
#define TC_YAML_READ_H

#include <yaml.h>

#include "compiler/base/diag.h"
#include "compiler/base/limits.h"
#include "compiler/tree/node.h"

/* An anchor, and what its node amounts to once it has ended. */
struct tc_anchor {
	const char *name;
	struct tc_node *node;
	size_t expanded; /* nodes, aliases followed */
	size_t keys;     /* of a mapping: entries, merged ones included */
	bool open;       /* its node has not ended: an alias to it would never end */
};

/* A crit-bit tree: no hash, so that no choice of names makes it slow. */
struct tc_anchors {
	void *root;
};

struct tc_anchor *tc_anchors_find(const struct tc_anchors *t, const char *name);
/* The anchor of that name, made when there is none; a name may be given again. The name is copied. */
struct tc_anchor *tc_anchors_put(struct tc_anchors *t, struct tc_arena *mem, const char *name);

/* A collection that has not ended. */
struct tc_yaml_frame {
	struct tc_node *node;
	struct tc_anchor *anchor;
	size_t expanded, keys;
	bool has_key; /* mapping: its last child is a key that waits for its value */
	bool merging; /* that key is a merge key */
};

struct tc_yaml_key {
	struct tc_str text; /* as Kubernetes reads it */
	const struct tc_node *node;
	size_t nth;
};

struct tc_yaml {
	struct tc_arena *mem;
	const struct tc_source *src;
	const struct tc_limits *limits;
	struct tc_diags *diags;
	yaml_parser_t parser;

	uint32_t begin, end; /* the text, without a byte order mark */
	uint32_t fed;        /* up to here libyaml has it */
	bool line_end_due;   /* the text does not end with one: libyaml gets it all the same, as from kubectl */
	bool ascii;          /* marks are bytes */
	size_t cursor_index; /* else: a mark and the byte it stands for; marks hardly ever go back */
	uint32_t cursor_off;

	struct tc_node *doc, *root;
	struct tc_node *fresh; /* nodes that were allocated together */
	unsigned fresh_count;
	struct tc_yaml_frame *frames;
	size_t depth, frames_cap;
	size_t nodes, merge_work;
	struct tc_anchors anchors;
	struct tc_buf keys; /* of a large mapping, while they are sorted */
	bool failed;        /* something was reported: there will be no tree */
};

/* Points the parser at the text. */
void tc_yaml_text_begin(struct tc_yaml *y);
/* Reports, and remembers that there will be no tree. */
struct tc_diag *tc_yaml_fault(struct tc_yaml *y, enum tc_msg id, uint32_t off, const char *fmt, ...) TC_PRINTF(4, 5);

/* The value and the kind of a scalar; what Kubernetes refuses in it is reported. */
enum tc_kind tc_yaml_read_scalar(struct tc_yaml *y, const yaml_event_t *e, uint32_t off, uint32_t end,
				 struct tc_str *text);

/* A node that was put in the place of a key: no collection, no null. */
void tc_yaml_check_key(struct tc_yaml *y, const struct tc_node *key);
/* A mapping that has ended: duplicate keys, merge keys. f->keys becomes its number of entries, merged ones included.
 * False when reading must stop. */
bool tc_yaml_check_map(struct tc_yaml *y, struct tc_yaml_frame *f);

/* What libyaml stopped at. */
void tc_yaml_syntax(struct tc_yaml *y);

/* Length of the line break at p, which is before end; 0 when there is none: \n, \r\n, \r, and what YAML 1.1 adds: NEL,
 * LS, PS. */
size_t tc_yaml_break(const char *p, const char *end);
/* Past blanks, comments and line breaks. */
uint32_t tc_yaml_skip_comments(const struct tc_source *src, uint32_t off, uint32_t end);

uint32_t tc_yaml_off_slowly(struct tc_yaml *y, size_t index);

/* The byte a mark stands for. */
static inline uint32_t tc_yaml_off(struct tc_yaml *y, size_t index)
{
	size_t length = y->end - y->begin;

	if (y->ascii)
		return y->begin + (uint32_t)(index < length ? index : length);
	return tc_yaml_off_slowly(y, index);
}

#endif
