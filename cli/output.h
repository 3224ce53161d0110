/* output.h - text to standard output, and to files: all of them or none.
 *
 * Files: every text is made first. Then every file that would change is written under a temporary name in its own
 * folder and synced (stage), then they are renamed one by one and the folders synced (commit). A failure before the
 * first rename leaves everything as it was. Nothing is allocated from the first temporary file to the last rename. */
#ifndef TC_OUTPUT_H
#define TC_OUTPUT_H

#include <sys/types.h>

#include "compiler/base/arena.h"
#include "compiler/base/buf.h"
#include "compiler/base/error.h"

/* The parts one after the other. name: for the message. */
int tc_write_all(int fd, const char *name, const struct tc_str *parts, size_t n, struct tc_error *err);
int tc_write_stdout(struct tc_str text, struct tc_error *err);

struct tc_output {
	const char *path; /* as the user knows it */
	const char *key;  /* one spelling for one file, for comparing */
	const char *from; /* the input it is made from */
	struct tc_str text;
	struct tc_buf buf; /* where text is, unless it is the input's own */
	bool make_folders; /* its folders are made when they are absent */

	/* the writer's own */
	const char *target; /* path, or what a symbolic link there points to */
	const char *folder;
	char *temp;
	mode_t mode;
	bool exists, same, renamed;
	volatile bool staged; /* temp may exist */
};

struct tc_outputs {
	struct tc_arena *mem;
	struct tc_output **list;
	size_t count, cap;
	bool secret; /* new files are for the owner's eyes only */

	const char **made; /* folders, in the order they were made */
	size_t nmade, capmade;
};

/* {.mem = arena} is a valid empty collection. Paths are borrowed. */
struct tc_output *tc_outputs_add(struct tc_outputs *o, const char *path, const char *key, const char *from);
/* Two inputs for one file are an error that names both. */
int tc_outputs_distinct(const struct tc_outputs *o, struct tc_error *err);
int tc_outputs_stage(struct tc_outputs *o, struct tc_error *err);
/* After a failure, rows with `renamed` set are what was replaced already. */
int tc_outputs_commit(struct tc_outputs *o, struct tc_error *err);
/* Takes a stage back: temporary files and new folders go. */
void tc_outputs_abandon(struct tc_outputs *o);
/* The same, from a signal handler, for whatever is staged. */
void tc_outputs_unlink(void);
void tc_outputs_free(struct tc_outputs *o);

/* How a folder's path stands before a file's name: "" for ".", no slash at the end but for "/". */
const char *tc_folder_path(struct tc_arena *mem, const char *path);
const char *tc_path_join(struct tc_arena *mem, const char *folder, const char *name);
/* "." when there is none. */
const char *tc_path_folder(struct tc_arena *mem, const char *path);
const char *tc_path_base(const char *path);
/* Absolute, links followed as far as the path exists. */
const char *tc_path_real(struct tc_arena *mem, const char *path);

#endif
