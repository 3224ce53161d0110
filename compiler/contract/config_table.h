/* config_table.h - the keys of ExoskeletonConfig as rows: what the reader, the canonical text and the schema walk over.
 *
 * Inner to this folder. A row's path is dotted ("network.dns.port"); a group comes right before its keys. */
#ifndef TC_CONFIG_TABLE_H
#define TC_CONFIG_TABLE_H

#include "compiler/contract/config.h"

#define TC_CONFIG_API_VERSION "tentacular.io/v1alpha1"
#define TC_CONFIG_KIND "ExoskeletonConfig"

enum tc_row_type {
	TC_ROW_GROUP,   /* a mapping of further rows */
	TC_ROW_FIXED,   /* required, always `fallback` */
	TC_ROW_IGNORED, /* a mapping that is not read */
	TC_ROW_BOOL,    /* bool; number is the default */
	TC_ROW_INT,     /* unsigned, min to max; number is the default */
	TC_ROW_STRING,  /* const char * */
	TC_ROW_STRINGS, /* struct tc_strings; the default is none */
	TC_ROW_LABELS,  /* struct tc_labels; `labels` is the default */
	TC_ROW_CHOICE,  /* one of choices; stored as `store` says */
};

enum tc_row_store {
	TC_STORE_TEXT,  /* const char * */
	TC_STORE_INDEX, /* the number of the choice, in an enum */
	TC_STORE_FLAG,  /* the same, in a bool */
};

enum {
	TC_ROW_OUTPUT = 1,   /* can change what the stage makes */
	TC_ROW_RULES = 2,    /* ... but only inside a NetworkPolicy */
	TC_ROW_TEMPLATE = 4, /* may hold {enclave} */
	TC_ROW_PROXY = 8,    /* means nothing without a module proxy */
	TC_ROW_ENABLES = 16, /* services.<key>.enabled */
};

struct tc_row {
	const char *path;
	const char *help;
	enum tc_row_type type;
	enum tc_row_store store;
	unsigned flags;
	size_t offset; /* in struct tc_config */
	const char *fallback;
	const char *const *labels;  /* name, value, ..., NULL; NULL: none */
	const char *const *choices; /* NULL-terminated */
	unsigned number, min, max;
	const char *(*fault)(struct tc_arena *mem, const char *value); /* of a string, or of each item; may be NULL */
	const char *what;                                              /* a value as messages call it: "a string" */
	const char *pattern; /* for the schema, no stricter than fault; NULL: none */
	int service;         /* the number of the service that the key belongs to; -1: none */
};

struct tc_rows {
	struct tc_row *list;
	size_t count;
};

struct tc_rows tc_config_rows(struct tc_arena *mem);
/* A complete configuration of the rows' defaults. */
struct tc_config *tc_config_of_rows(struct tc_arena *mem, const struct tc_rows *rows);

/* The field that a row describes, to read and to write. */
static inline const void *tc_row_field(const struct tc_row *row, const struct tc_config *config)
{
	return (const char *)config + row->offset;
}

static inline void *tc_row_slot(const struct tc_row *row, struct tc_config *config)
{
	return (char *)config + row->offset;
}

/* Sets the field of a TC_ROW_CHOICE to its nth choice. */
void tc_row_choose(const struct tc_row *row, struct tc_config *config, size_t nth);

struct tc_config_reader {
	struct tc_arena *mem;
	struct tc_rows rows;
	struct tc_diags *diags;
	struct tc_config *config;
	const char **known; /* room for one key of every row: for "did you mean" */
};

/* n, which is not null, into the field of a row that has one; a diagnostic and no change when it is refused. */
void tc_config_read_value(struct tc_config_reader *r, const struct tc_row *row, const struct tc_node *n);

/* Keys whose values no message shows once one was found where no secret belongs; NULL-terminated. */
extern const char *const tc_config_secret_keys[];

/* The key itself when row stands directly in the group whose path is prefix ("" for the whole file), else NULL. */
const char *tc_row_key(const struct tc_row *row, const char *prefix);

#endif
