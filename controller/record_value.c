#include "controller/record_parts.h"

#include <time.h>

#include "compiler/base/buf.h"
#include "compiler/base/diag.h"
#include "compiler/base/utf8.h"

#define TIME_LAST 253402300799 /* the end of the year 9999: four digits */
#define TIME_LEN 20            /* 2006-01-02T15:04:05Z */
#define TIME_FORM "%Y-%m-%dT%H:%M:%SZ"

/* --- values ------------------------------------------------------------------------------------------------------- */

int tc_record_text_of(const struct tc_record_reader *r, const struct tc_record_at *at, const json_t *j, const char **to)
{
	if (!json_is_string(j))
		return tc_record_wrong(r, at, "a string", j);
	*to = tc_strndup(r->mem, json_string_value(j), json_string_length(j));
	return 0;
}

static int read_text(const struct tc_record_reader *r, const struct tc_record_at *at, json_t *j, void *to)
{
	return tc_record_text_of(r, at, j, to);
}

/* Reasons come from services, in whatever encoding; a record is written all the same. */
json_t *tc_record_text(const char *s)
{
	_cleanup_buf_ struct tc_buf b = {0};
	json_t *j;
	uint32_t cp;

	s = s ? s : "";
	j = json_string(s);
	if (j)
		return j;
	for (size_t n = strlen(s), step; n > 0; s += step, n -= step) {
		step = tc_utf8_decode(s, n, &cp);
		if (step == 0)
			tc_buf_puts(&b, "\xef\xbf\xbd"); /* the replacement character */
		else
			tc_buf_add(&b, s, step);
		step = step ? step : 1;
	}
	return json_string(tc_buf_str(&b).s);
}

json_t *tc_record_write_text(const void *from)
{
	return tc_record_text(*(const char *const *)from);
}

static int read_version(const struct tc_record_reader *r, const struct tc_record_at *at, json_t *j, void *to)
{
	(void)to;
	if (!json_is_integer(j))
		return tc_record_wrong(r, at, "an integer", j);
	if (json_integer_value(j) != TC_RECORD_VERSION)
		return tc_record_fail(r, at, "expected %d, found %lld; another tentc wrote it: update this one",
				      TC_RECORD_VERSION, (long long)json_integer_value(j));
	return 0;
}

static json_t *write_version(const void *from)
{
	(void)from;
	return json_integer(TC_RECORD_VERSION);
}

static int read_number(const struct tc_record_reader *r, const struct tc_record_at *at, json_t *j, void *to)
{
	json_int_t n = json_integer_value(j);
	unsigned *number = to;

	if (!json_is_integer(j))
		return tc_record_wrong(r, at, "an integer", j);
	if (n < 0 || n > UINT_MAX)
		return tc_record_fail(r, at, "expected 0 to %u, found %lld", UINT_MAX, (long long)n);
	*number = (unsigned)n;
	return 0;
}

static json_t *write_number(const void *from)
{
	return json_integer(*(const unsigned *)from);
}

static int read_flag(const struct tc_record_reader *r, const struct tc_record_at *at, json_t *j, void *to)
{
	bool *flag = to;

	if (!json_is_boolean(j))
		return tc_record_wrong(r, at, "true or false", j);
	*flag = json_is_true(j);
	return 0;
}

static json_t *write_flag(const void *from)
{
	return json_boolean(*(const bool *)from);
}

static void format_time(char out[TIME_LEN + 1], long long seconds)
{
	time_t t = seconds < 0 ? 0 : seconds > TIME_LAST ? TIME_LAST : seconds;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, TIME_LEN + 1, TIME_FORM, &tm);
}

/* What is written back as it was: so no 30th of February, no second 60, no zone but Z. */
static bool parse_time(struct tc_str s, long long *out)
{
	static const struct {
		unsigned char from, to;
	} parts[] = {{0, 4}, {5, 7}, {8, 10}, {11, 13}, {14, 16}, {17, 19}};
	int numbers[TC_COUNT(parts)] = {0};
	char again[TIME_LEN + 1];
	struct tm tm;

	if (s.len != TIME_LEN)
		return false;
	for (size_t i = 0; i < TC_COUNT(parts); i++) {
		for (size_t k = parts[i].from; k < parts[i].to; k++) {
			if (!tc_is_digit(s.s[k]))
				return false;
			numbers[i] = numbers[i] * 10 + s.s[k] - '0';
		}
	}
	tm = (struct tm){.tm_year = numbers[0] - 1900,
			 .tm_mon = numbers[1] - 1,
			 .tm_mday = numbers[2],
			 .tm_hour = numbers[3],
			 .tm_min = numbers[4],
			 .tm_sec = numbers[5]};
	*out = timegm(&tm);
	format_time(again, *out);
	return memcmp(again, s.s, TIME_LEN) == 0;
}

static int read_time(const struct tc_record_reader *r, const struct tc_record_at *at, json_t *j, void *to)
{
	if (!json_is_string(j))
		return tc_record_wrong(r, at, "a time", j);
	if (!parse_time(tc_record_string(j), to))
		return tc_record_fail(r, at, "%s is no time since 1970, in UTC, such as \"2006-01-02T15:04:05Z\"",
				      tc_quote(r->mem, tc_record_string(j)));
	return 0;
}

static json_t *write_time(const void *from)
{
	char out[TIME_LEN + 1];

	format_time(out, *(const long long *)from);
	return json_string(out);
}

static bool is_time(const void *from)
{
	return *(const long long *)from != 0;
}

const struct tc_record_form tc_record_text_form = {read_text, tc_record_write_text, NULL};
const struct tc_record_form tc_record_version_form = {read_version, write_version, NULL};
const struct tc_record_form tc_record_number_form = {read_number, write_number, NULL};
const struct tc_record_form tc_record_flag_form = {read_flag, write_flag, NULL};
const struct tc_record_form tc_record_time_form = {read_time, write_time, is_time};
