/* record_parts.h - how a record becomes JSON and back: rows of fields, each read and written by one form. Internal to
 * the record's own files.
 *
 * Reading stops at the first thing that is wrong, and says where: configmap exo.shop.web:
 * data["record.json"].services[0].phase: expected a string, found nothing. */
#ifndef TC_RECORD_PARTS_H
#define TC_RECORD_PARTS_H

#include "controller/record.h"

#define TC_RECORD_KEY "record.json"

struct tc_record_reader {
	struct tc_arena *mem;
	struct tc_error *err;
	const char *configmap;      /* its name, for messages */
	const char *enclave, *name; /* what that name says */
};

/* A way into the document; it is written down only for a message. */
struct tc_record_at {
	const struct tc_record_at *up;
	const char *key; /* NULL: an item of a list */
	size_t index;
};

/* How one kind of value is read into its place and written from it. j is NULL where there is none. */
struct tc_record_form {
	int (*read)(const struct tc_record_reader *r, const struct tc_record_at *at, json_t *j, void *to);
	json_t *(*write)(const void *from);
	bool (*is_set)(const void *from); /* of what may be left out */
};

enum tc_record_presence {
	TC_RECORD_ALWAYS,
	TC_RECORD_WHERE_SET, /* is left out where the form says that it is not set */
	TC_RECORD_IN_PHASE,  /* is there in one phase of the record, and in no other */
};

struct tc_record_field {
	const char *name;
	const struct tc_record_form *form;
	size_t offset;
	enum tc_record_presence presence;
	enum tc_phase phase; /* IN_PHASE; the row of the record's phase stands before this one */
};

#define TC_RECORD_FIELDS_MAX 20

/* record_field.c: the record's rows; the last has no name. */
extern const struct tc_record_field tc_record_fields[];
const char *tc_record_phase_label(enum tc_phase phase); /* "pending" */

/* record_read.c. A struct by its rows; -1 with the message. */
int tc_record_read_fields(const struct tc_record_reader *r, const struct tc_record_at *at, json_t *object,
			  const struct tc_record_field *fields, void *to);
json_t *tc_record_write_fields(const struct tc_record_field *fields, const void *from);
/* Always -1. */
int tc_record_fail(const struct tc_record_reader *r, const struct tc_record_at *at, const char *fmt, ...)
	TC_PRINTF(3, 4) __attribute__((cold));
int tc_record_wrong(const struct tc_record_reader *r, const struct tc_record_at *at, const char *expected,
		    const json_t *j);
int tc_record_unknown(const struct tc_record_reader *r, const struct tc_record_at *at, const char *what,
		      const char *name, const char *const *known, size_t n);
/* "an integer 5", "nothing" */
const char *tc_record_found(struct tc_arena *mem, const json_t *j);

static inline struct tc_str tc_record_string(const json_t *j)
{
	return (struct tc_str){.s = json_string_value(j), .len = json_string_length(j)};
}

/* record_value.c */
extern const struct tc_record_form tc_record_text_form, tc_record_version_form, tc_record_number_form,
	tc_record_flag_form, tc_record_time_form;
int tc_record_text_of(const struct tc_record_reader *r, const struct tc_record_at *at, const json_t *j,
		      const char **to);
json_t *tc_record_text(const char *s);
json_t *tc_record_write_text(const void *from);

#endif
