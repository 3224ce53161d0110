/* log.h - one line per decision, as text or as JSON, to one file descriptor; never a secret, never a whole object.
 *
 *   2026-11-24T10:00:00.123Z info admitted ns=shop kind=Deployment name=web verdict=patched ops=9 us=140
 *   {"time":"...","level":"info","msg":"admitted","ns":"shop",...}
 *
 * A line is one write; threads may log side by side. Values are quoted and escaped where they need it. */
#ifndef TC_LOG_H
#define TC_LOG_H

#include "compiler/base/buf.h"

enum tc_log_level {
	TC_LOG_DEBUG,
	TC_LOG_INFO,
	TC_LOG_WARN,
	TC_LOG_ERROR,
};

struct tc_log {
	int fd;
	bool json;
	enum tc_log_level least;
};

enum tc_field_kind {
	TC_FIELD_TEXT,
	TC_FIELD_NUMBER,
	TC_FIELD_BOOL,
};

struct tc_field {
	const char *key;
	enum tc_field_kind kind;
	struct tc_str text;
	int64_t number;
};

#define TC_LOG_TEXT(k, v) ((struct tc_field){.key = (k), .kind = TC_FIELD_TEXT, .text = (v)})
#define TC_LOG_NUMBER(k, v) ((struct tc_field){.key = (k), .kind = TC_FIELD_NUMBER, .number = (int64_t)(v)})
#define TC_LOG_BOOL(k, v) ((struct tc_field){.key = (k), .kind = TC_FIELD_BOOL, .number = (v)})

void tc_log(const struct tc_log *log, enum tc_log_level level, const char *msg, const struct tc_field *fields,
	    size_t nfields);

#endif
