/* input.h - files, folders and standard input, as sources.
 *
 * Everything that cannot be read is a diagnostic, and the rest is read all the same. A folder gives all .yaml, .yml and
 * .json files below it, sorted by the bytes of their paths; what is hidden is skipped, and so are symbolic links to
 * folders, so that no loop can be walked into. */
#ifndef TC_INPUT_H
#define TC_INPUT_H

#include <sys/types.h>

#include "compiler/base/diag.h"
#include "compiler/base/limits.h"

struct tc_input {
	struct tc_source src;
	struct tc_buf bytes;
	const char *relative; /* below the folder that was named, or the file's own name; NULL: standard input */
};

struct tc_file_id {
	dev_t dev;
	ino_t ino;
};

struct tc_inputs {
	struct tc_arena *mem;
	const struct tc_limits *limits;
	struct tc_diags *diags;
	struct tc_input **list;
	size_t count, cap;

	/* Folders that are not walked into when they are met below another one: the output's. */
	const struct tc_file_id *skip;
	size_t nskip;
	bool secret;              /* what was rendered with a key may be read again: it is wiped */
	struct tc_file_id output; /* the file behind standard output: never an input; {0} for none */
};

/* "-", a file or a folder; sources are numbered from 1. */
void tc_inputs_add(struct tc_inputs *in, const char *operand);
void tc_inputs_free(struct tc_inputs *in);

/* One file, whole, up to the limit; false with a diagnostic. name: as it is printed. */
bool tc_file_read(struct tc_inputs *in, const char *path, const char *name, struct tc_buf *bytes);

struct tc_paths {
	const char **list;
	size_t count, cap;
};

/* Relative paths of the files in a folder, by the rules above. */
void tc_folder_walk(struct tc_inputs *in, const char *folder, struct tc_paths *paths);

bool tc_is_folder(const char *path, struct tc_file_id *id);

#endif
