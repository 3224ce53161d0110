/* process.h - tentc's own main() in a child process, with an allocation of its that fails. */
#ifndef TC_PROPERTY_PROCESS_H
#define TC_PROPERTY_PROCESS_H

#include "compiler/base/buf.h"

/* alloc.c: every allocation of this program goes through it, those of libyaml and mbedTLS too. From the nth on counted
 * from now (1 is the next one) they fail: only that one, or all that follow as well. 0: none. *failed is set when one
 * does. */
void alloc_fail(unsigned long nth, bool and_all_later, bool *failed);
/* False where allocations can't be reached (sanitizers have their own). */
bool alloc_reachable(void);

struct process {
	int status;        /* exit status; 128 + the signal that ended it */
	bool alloc_failed; /* the allocation that was to fail was made */
	struct tc_buf out, err;
};

struct process_how {
	const char *folder;            /* to run in */
	const char *const *args;       /* NULL-terminated; args[0] is the program's name */
	int (*run)(const void *given); /* NULL: tentc's main() with args */
	const void *given;
	unsigned long fail_nth;
	bool and_all_later;
	const char *in; /* standard input; NULL: empty */
};

void process_run(struct process *p, const struct process_how *how);
void process_free(struct process *p);

/* A fresh folder; removed with all that is in it. */
char *folder_new(void);
void folder_remove(const char *path);
void file_write(const char *folder, const char *name, struct tc_str text);
/* Every name and every byte below a folder, appended in order; "nothing" when it isn't there. */
void folder_show(struct tc_buf *out, const char *path);

int tentc_main(int argc, char **argv);

#endif
