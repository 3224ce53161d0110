#include "kube/log.h"

#include <time.h>
#include <unistd.h>

#include "compiler/base/utf8.h"

/* What a pipe takes in one piece (PIPE_BUF): lines of two threads never mix. */
enum { LINE_MAX_BYTES = 4096 };
/* Clients choose values; one of them must not fill the line, whatever its bytes become. */
enum { VALUE_MAX_BYTES = 512 };
/* Always free, for what closes a line. */
enum { CLOSING_BYTES = 8 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};

struct line {
	size_t len;
	char text[LINE_MAX_BYTES];
};

/* All of it or nothing: half an escape, or half a character, would be something else. */
static bool add(struct line *l, const char *s, size_t n)
{
	if (n > LINE_MAX_BYTES - CLOSING_BYTES - l->len)
		return false;
	memcpy(l->text + l->len, s, n);
	l->len += n;
	return true;
}

static bool add_text(struct line *l, const char *s)
{
	return add(l, s, strlen(s));
}

static void close_with(struct line *l, const char *s)
{
	size_t n = strlen(s);

	memcpy(l->text + l->len, s, n);
	l->len += n;
}

static bool add_number(struct line *l, int64_t n)
{
	char digits[24];

	return add(l, digits, (size_t)snprintf(digits, sizeof(digits), "%lld", (long long)n));
}

/* One character of a text that stands in quotes. Both forms know these escapes: JSON says so, and a reader of logfmt
 * reads quoted values as JSON strings. */
static bool add_escaped(struct line *l, const char *s, size_t n, uint32_t cp)
{
	char escape[16];

	switch (cp) {
	case '"':
		return add_text(l, "\\\"");
	case '\\':
		return add_text(l, "\\\\");
	case '\n':
		return add_text(l, "\\n");
	case '\r':
		return add_text(l, "\\r");
	case '\t':
		return add_text(l, "\\t");
	default:
		if (!tc_utf8_invisible(cp))
			return add(l, s, n);
		/* All that is invisible stands below U+10000. */
		return add(l, escape, (size_t)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)cp));
	}
}

/* What is no UTF-8 is shown as U+FFFD: a reader of JSON would refuse the whole line otherwise. */
static void add_quoted(struct line *l, struct tc_str text)
{
	size_t end = text.len < VALUE_MAX_BYTES ? text.len : VALUE_MAX_BYTES, at = 0;
	bool room = add_text(l, "\"");

	if (!room)
		return;
	while (room && at < end) {
		uint32_t cp = 0;
		size_t n = tc_utf8_decode(text.s + at, text.len - at, &cp);

		room = n ? add_escaped(l, text.s + at, n, cp) : add_text(l, "\xef\xbf\xbd");
		at += n ? n : 1;
	}
	if (!room || at < text.len)
		(void)add_text(l, "...");
	close_with(l, "\"");
}

/* In a line of text: may the value stand as it is? */
static bool is_plain(struct tc_str text)
{
	if (text.len == 0 || text.len > VALUE_MAX_BYTES)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.s[i];

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=')
			return false;
	}
	return true;
}

static void add_value(struct line *l, const struct tc_field *f, bool json)
{
	switch (f->kind) {
	case TC_FIELD_NUMBER:
		(void)add_number(l, f->number);
		return;
	case TC_FIELD_BOOL:
		(void)add_text(l, f->number ? "true" : "false");
		return;
	case TC_FIELD_TEXT:
		if (json || !is_plain(f->text) || !add(l, f->text.s, f->text.len))
			add_quoted(l, f->text);
		return;
	}
}

/* Room for a key, and for a short value behind it; else the field is left out whole, and all that follow. */
static bool has_room(const struct line *l, const struct tc_field *f)
{
	return LINE_MAX_BYTES - l->len > CLOSING_BYTES + strlen(f->key) + 32;
}

static void add_time(struct line *l)
{
	struct timespec now = {0};
	struct tm tm = {0};
	char text[64];
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	n += (size_t)snprintf(text + n, sizeof(text) - n, ".%03uZ", (unsigned)(now.tv_nsec / 1000000));
	(void)add(l, text, n);
}

static void as_text(struct line *l, enum tc_log_level level, const char *msg, const struct tc_field *fields,
		    size_t nfields)
{
	add_time(l);
	(void)add_text(l, " ");
	(void)add_text(l, level_names[level]);
	(void)add_text(l, " ");
	(void)add_text(l, msg);
	for (size_t i = 0; i < nfields && has_room(l, &fields[i]); i++) {
		(void)add_text(l, " ");
		(void)add_text(l, fields[i].key);
		(void)add_text(l, "=");
		add_value(l, &fields[i], false);
	}
	close_with(l, "\n");
}

static void as_json(struct line *l, enum tc_log_level level, const char *msg, const struct tc_field *fields,
		    size_t nfields)
{
	(void)add_text(l, "{\"time\":\"");
	add_time(l);
	(void)add_text(l, "\",\"level\":\"");
	(void)add_text(l, level_names[level]);
	(void)add_text(l, "\",\"msg\":");
	add_quoted(l, tc_str(msg));
	for (size_t i = 0; i < nfields && has_room(l, &fields[i]); i++) {
		(void)add_text(l, ",\"");
		(void)add_text(l, fields[i].key);
		(void)add_text(l, "\":");
		add_value(l, &fields[i], true);
	}
	close_with(l, "}\n");
}

void tc_log(const struct tc_log *log, enum tc_log_level level, const char *msg, const struct tc_field *fields,
	    size_t nfields)
{
	int saved = errno;
	struct line l;
	ssize_t n;

	if (!log || level < log->least)
		return;
	l.len = 0;
	(log->json ? as_json : as_text)(&l, level, msg, fields, nfields);
	do {
		n = write(log->fd, l.text, l.len);
	} while (n < 0 && errno == EINTR);
	/* A log that cannot be written must not stop admission, and there is nowhere to say so. */
	errno = saved;
}
