/* diag.h - problems found in input: collected, sorted by position, printed with source line and caret.
 *
 * Everything that is wrong with what a user wrote becomes a diagnostic; struct tc_error (error.h) is for what is wrong
 * around it (files, services, bugs). A diagnostic names what was found, what was expected, and, as help, what to do.
 * Messages are one line, lower case at the start, without a full stop. */
#ifndef TC_DIAG_H
#define TC_DIAG_H

#include "compiler/base/arena.h"
#include "compiler/base/buf.h"
#include "compiler/base/messages.h"
#include "compiler/base/source.h"

enum tc_severity {
	TC_ERROR,
	TC_WARNING,
};

#define TC_MESSAGE_ENUM(id, severity, name, meaning) TC_MSG_##name = (id),
enum tc_msg { TC_MESSAGES(TC_MESSAGE_ENUM) };
#undef TC_MESSAGE_ENUM

struct tc_message {
	enum tc_msg id; /* printed as TC%03d */
	enum tc_severity severity;
	const char *name;    /* "UNKNOWN_DEPENDENCY" */
	const char *meaning; /* what it means and what to do, one or two sentences, for the reference */
};

/* Rows in the order of their number; *count is set. */
const struct tc_message *tc_messages(size_t *count);
const struct tc_message *tc_message(enum tc_msg id);

struct tc_note {
	struct tc_note *next;
	struct tc_pos at; /* src NULL: a help line, without a place */
	const char *text;
};

struct tc_diag {
	enum tc_msg id;
	enum tc_severity severity; /* the table's; --strict raises it when printed */
	struct tc_pos at;
	const char *text;
	struct tc_note *notes, *last_note;
	struct tc_diags *all;
};

/* {.mem = arena} is a valid empty collection. The arena must not be rewound below what it holds. */
struct tc_diags {
	struct tc_arena *mem;
	struct tc_diag **list;
	size_t count, cap;
	size_t errors, warnings;
	size_t dropped; /* beyond TC_DIAGS_MAX: counted only (in errors and warnings too) */
	struct tc_diag *unkept;
	/* Keys whose values in the sources are not shown, besides those of the style: NULL-terminated, or NULL. For who
	 * has found a secret where none belongs. */
	const char *const *secret_keys;
};

#define TC_DIAGS_MAX 1000

/* Never NULL: beyond the maximum the answer is a diagnostic that is not kept. Text is copied. */
struct tc_diag *tc_diag(struct tc_diags *d, enum tc_msg id, struct tc_pos at, const char *fmt, ...) TC_PRINTF(4, 5);
/* "note": another place that belongs to the problem. */
void tc_diag_note(struct tc_diag *diag, struct tc_pos at, const char *fmt, ...) TC_PRINTF(3, 4);
/* "help": what to do. */
void tc_diag_help(struct tc_diag *diag, const char *fmt, ...) TC_PRINTF(2, 3);

struct tc_diag_style {
	bool strict; /* warnings are printed as errors */
	bool colour;
	/* NULL, or the keys whose values are not shown (redact.h), NULL-terminated. Of a problem in such a value the
	 * message's quotations are not shown either. */
	const char *const *secret_keys;
	/* For readers who never saw the outermost source: what stands in an inner one is shown in there, under both
	 * names ("Deployment/web: tentacular.io/contract:3:5: error: ..."), and locate names a place in an outer one
	 * ("Deployment/web: /spec/replicas"), which is shown without its line. NULL: as usual. */
	const char *(*locate)(void *self, struct tc_pos at);
	void *self;
};

/* Sorts by source (none comes first), offset, number, text. Of equal ones (number, place, text) one is left, here and
 * in the counts. */
void tc_diags_sort(struct tc_diags *d);

/* Sorts, and appends all of it to out. The form:
 *
 *   shop.yaml:12:5: error: unknown dependency "tentacular-postgress" [TC110]
 *     12 |     tentacular-postgress:
 *        |     ^
 *   shop.yaml:3:1: note: ...
 *      3 | ...
 *        | ^
 *     help: did you mean "tentacular-postgres"?
 *
 * Without a source: "tentc: error: ... [TC501]". Characters that a terminal does not draw are shown as '?', tabs of the
 * line kept, and a line of more than 160 code points is cut around the caret with "...". What stands in an inner source
 * (struct tc_source) is shown at its outer place: "shop.yaml:7:18: error: ..., in line 3 of this value [TC110]". When
 * some were dropped, a last line says how many. */
void tc_diags_render(struct tc_buf *out, struct tc_diags *d, struct tc_diag_style style);

/* Sorts, and hands out each in one line, without its notes: "shop.yaml:12:5: unknown dependency ... [TC110]". take
 * answers whether it wants more. */
void tc_diags_lines(struct tc_diags *d, struct tc_diag_style style,
		    bool (*take)(void *to, const struct tc_diag *diag, struct tc_str line), void *to);

/* The nearest of n candidates to word by Damerau-Levenshtein distance, at most a third of word's length (at least 1),
 * NULL when none is that near. Ties go to the earlier. For "did you mean". Words over 64 bytes have no neighbours. */
const char *tc_nearest(struct tc_str word, const char *const *candidates, size_t n);

/* For messages: the text in double quotes, JSON-escaped, what a terminal does not draw too; cut after 60 code points,
 * with "..." behind the closing quote. */
const char *tc_quote(struct tc_arena *mem, struct tc_str text) __attribute__((returns_nonnull));

#endif
