#include "kube/log.h"

#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "webhook/refusal.h"

/* A pipe whose one end is the log. */
struct sink {
	int fds[2];
	struct tc_log log;
	char text[8192]; /* what the last take() read */
	size_t len;
};

static void open_sink(struct sink *s, bool json)
{
	assert_int_equal(pipe(s->fds), 0);
	fcntl(s->fds[0], F_SETFL, O_NONBLOCK);
	s->log = (struct tc_log){.fd = s->fds[1], .json = json};
}

static void close_sink(struct sink *s)
{
	close(s->fds[0]);
	close(s->fds[1]);
}

static const char *take(struct sink *s)
{
	ssize_t n = read(s->fds[0], s->text, sizeof(s->text) - 1);

	s->len = n > 0 ? (size_t)n : 0;
	s->text[s->len] = '\0';
	return s->text;
}

/* "2026-11-24T10:00:00.123Z": its form; the line behind it. */
static const char *behind_time(const char *line)
{
	static const char form[] = "dddd-dd-ddTdd:dd:dd.dddZ";

	for (size_t i = 0; form[i]; i++) {
		if (form[i] == 'd')
			assert_true(tc_is_digit(line[i]));
		else
			assert_int_equal(line[i], form[i]);
	}
	return line + strlen(form);
}

static void test_text(void **state)
{
	struct tc_field fields[] = {TC_LOG_TEXT("ns", tc_str("shop")), TC_LOG_TEXT("name", tc_str("")),
				    TC_LOG_NUMBER("ops", 9),           TC_LOG_NUMBER("least", INT64_MIN),
				    TC_LOG_BOOL("dry_run", true),      TC_LOG_BOOL("audit", false)};
	struct sink s;

	(void)state;
	open_sink(&s, false);
	tc_log(&s.log, TC_LOG_INFO, "reviewed", fields, TC_COUNT(fields));
	assert_string_equal(behind_time(take(&s)), " info reviewed ns=shop name=\"\" ops=9 least=-9223372036854775808 "
						   "dry_run=true audit=false\n");
	tc_log(&s.log, TC_LOG_ERROR, "no fields", NULL, 0);
	assert_string_equal(behind_time(take(&s)), " error no fields\n");
	close_sink(&s);
}

static void test_json(void **state)
{
	struct tc_field fields[] = {TC_LOG_TEXT("ns", tc_str("shop")), TC_LOG_NUMBER("ops", -1),
				    TC_LOG_BOOL("dry_run", true)};
	static const char start[] = "{\"time\":\"";
	struct sink s;

	(void)state;
	open_sink(&s, true);
	tc_log(&s.log, TC_LOG_WARN, "reviewed", fields, TC_COUNT(fields));
	take(&s);
	assert_memory_equal(s.text, start, strlen(start));
	assert_string_equal(
		behind_time(s.text + strlen(start)),
		"\",\"level\":\"warn\",\"msg\":\"reviewed\",\"ns\":\"shop\",\"ops\":-1,\"dry_run\":true}\n");
	close_sink(&s);
}

/* What a client may put in a name, and how it stands in either form. */
static const struct {
	struct tc_str value;
	const char *text, *json;
} values[] = {
	{TC_STR("a b"), "\"a b\"", "\"a b\""},
	{TC_STR("a=b"), "\"a=b\"", "\"a=b\""},
	{TC_STR("say \"hi\""), "\"say \\\"hi\\\"\"", "\"say \\\"hi\\\"\""},
	{TC_STR("back\\slash"), "\"back\\\\slash\"", "\"back\\\\slash\""},
	{TC_STR("two\nlines\r\t"), "\"two\\nlines\\r\\t\"", "\"two\\nlines\\r\\t\""},
	{TC_STR("\x1b[31mred"), "\"\\u001b[31mred\"", "\"\\u001b[31mred\""},
	{TC_STR("nul\0nul"), "\"nul\\u0000nul\"", "\"nul\\u0000nul\""},
	{TC_STR("\x7f\xc2\x85"), "\"\\u007f\\u0085\"", "\"\\u007f\\u0085\""},
	{TC_STR("\xe2\x80\xae\xe2\x80\xa8"), "\"\\u202e\\u2028\"", "\"\\u202e\\u2028\""},
	{TC_STR("sch\xc3\xb6n"), "\"sch\xc3\xb6n\"", "\"sch\xc3\xb6n\""},
	{TC_STR("bad\xff\xc3(\xe2\x82"), "\"bad\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\"",
	 "\"bad\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\""},
};

static void test_values(void **state)
{
	struct sink text, json;

	(void)state;
	open_sink(&text, false);
	open_sink(&json, true);
	for (size_t i = 0; i < TC_COUNT(values); i++) {
		struct tc_field f = TC_LOG_TEXT("v", values[i].value);
		char want[256];
		json_t *line;

		tc_log(&text.log, TC_LOG_INFO, "m", &f, 1);
		snprintf(want, sizeof(want), " info m v=%s\n", values[i].text);
		assert_string_equal(behind_time(take(&text)), want);
		tc_log(&json.log, TC_LOG_INFO, "m", &f, 1);
		snprintf(want, sizeof(want), "\"msg\":\"m\",\"v\":%s}\n", values[i].json);
		assert_string_equal(strstr(take(&json), "\"msg\""), want);
		line = json_loadb(json.text, json.len, JSON_ALLOW_NUL, NULL);
		assert_non_null(line);
		json_decref(line);
	}
	close_sink(&text);
	close_sink(&json);
}

/* Whatever the fields hold: one line, one write of a pipe's size, valid JSON, and the end of a value says that it was
 * cut. */
static void test_long(void **state)
{
	static char long_text[100000];
	struct tc_field fields[40];
	struct sink s;
	json_t *line;

	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		memset(long_text, "a\x01\xff\""[kind], sizeof(long_text));
		for (size_t i = 0; i < TC_COUNT(fields); i++)
			fields[i] = TC_LOG_TEXT("key", ((struct tc_str){long_text, sizeof(long_text)}));
		open_sink(&s, true);
		tc_log(&s.log, TC_LOG_INFO, "m", fields, TC_COUNT(fields));
		take(&s);
		assert_in_range(s.len, 500, 4096);
		assert_ptr_equal(strchr(s.text, '\n'), s.text + s.len - 1);
		assert_non_null(strstr(s.text, "...\""));
		line = json_loadb(s.text, s.len, JSON_ALLOW_NUL, NULL);
		assert_non_null(line);
		json_decref(line);
		s.log.json = false;
		tc_log(&s.log, TC_LOG_INFO, "m", fields, TC_COUNT(fields));
		take(&s);
		assert_in_range(s.len, 500, 4096);
		assert_ptr_equal(strchr(s.text, '\n'), s.text + s.len - 1);
		close_sink(&s);
	}
}

static void test_levels(void **state)
{
	struct sink s;

	(void)state;
	open_sink(&s, false);
	s.log.least = TC_LOG_WARN;
	tc_log(&s.log, TC_LOG_INFO, "less", NULL, 0);
	assert_string_equal(take(&s), "");
	tc_log(&s.log, TC_LOG_WARN, "enough", NULL, 0);
	assert_string_equal(behind_time(take(&s)), " warn enough\n");
	tc_log(NULL, TC_LOG_ERROR, "nowhere", NULL, 0);
	/* A log that cannot be written stops nobody, and leaves errno. */
	close_sink(&s);
	errno = ENOTTY;
	tc_log(&s.log, TC_LOG_ERROR, "closed", NULL, 0);
	assert_int_equal(errno, ENOTTY);
}

enum { WRITERS = 4, LINES = 500 };

static void *write_lines(void *self)
{
	struct tc_field f = TC_LOG_TEXT("text", tc_str("a text of some length, so that two of them could mix"));

	for (int i = 0; i < LINES; i++)
		tc_log(self, TC_LOG_INFO, "line", &f, 1);
	return NULL;
}

static void test_threads(void **state)
{
	char path[] = "/tmp/test_webhook_log.XXXXXX", line[256];
	struct tc_log log = {.fd = mkstemp(path)};
	pthread_t threads[WRITERS];
	FILE *f = fopen(path, "r");
	int n = 0;

	(void)state;
	unlink(path);
	assert_non_null(f);
	fcntl(log.fd, F_SETFL, O_APPEND);
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &log), 0);
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	while (fgets(line, sizeof(line), f)) {
		assert_string_equal(behind_time(line),
				    " info line text=\"a text of some length, so that two of them could mix\"\n");
		n++;
	}
	assert_int_equal(n, WRITERS * LINES);
	fclose(f);
	close(log.fd);
}

/* Whoever sends nonsense gets ten lines a second into the log, and the next one says how many more there were. */
static void test_refusals(void **state)
{
	const uint64_t second = 1000000000;
	struct tc_refusals r;
	struct sink s;
	size_t lines = 0;

	(void)state;
	tc_refusals_init(&r);
	open_sink(&s, false);
	tc_refusals_log(&r, &s.log, 7 * second, 413, TC_STR("the body has 9 bytes; at most 8 are read\n"));
	assert_string_equal(behind_time(take(&s)),
			    " warn refused status=413 why=\"the body has 9 bytes; at most 8 are read\"\n");
	for (int i = 0; i < 100; i++)
		tc_refusals_log(&r, &s.log, 7 * second + (uint64_t)i, 400, TC_STR("1:1: x\nno second line\n"));
	for (const char *c = take(&s); *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, TC_REFUSALS_LOGGED - 1);
	assert_null(strstr(s.text, "second"));
	tc_refusals_log(&r, &s.log, 8 * second, 400, TC_STR("x"));
	assert_string_equal(behind_time(take(&s)), " warn refused status=400 why=x left_out=91\n");
	tc_refusals_log(&r, &s.log, 9 * second, 400, TC_STR(""));
	assert_string_equal(behind_time(take(&s)), " warn refused status=400 why=\"\"\n");
	close_sink(&s);
	tc_refusals_destroy(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals), cmocka_unit_test(test_text), cmocka_unit_test(test_json),
		cmocka_unit_test(test_values),   cmocka_unit_test(test_long), cmocka_unit_test(test_levels),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
