#include "webhook/metrics.h"

#include "tests/unit/unit.h"

/* --- a reader of the text format 0.0.4, as strict as promtool: it fails the test at what it does not know --- */

struct family {
	char name[64], type[16];
	bool helped;
	int samples;
	/* of a histogram */
	double le, sum;
	uint64_t bucket, count;
	bool infinite, has_sum, has_count;
};

static struct family families[32];
static size_t nfamilies;

static const char *name_end(const char *s)
{
	const char *at = s;

	while (tc_is_lower(*at) || tc_is_upper(*at) || *at == '_' || *at == ':' || (at > s && tc_is_digit(*at)))
		at++;
	assert_true(at > s);
	return at;
}

/* Of a sample's name: of a histogram it has a suffix. */
static struct family *family_of(const char *name, size_t len, const char **suffix)
{
	for (size_t i = 0; i < nfamilies; i++) {
		struct family *f = &families[i];
		size_t n = strlen(f->name);
		bool histogram = strcmp(f->type, "histogram") == 0;

		*suffix = name + n;
		if (len < n || memcmp(name, f->name, n) != 0)
			continue;
		if (histogram ? name[n] == '_' && len > n : len == n)
			return f;
	}
	fail_msg("%.*s has no HELP before it", (int)len, name);
	return NULL;
}

static void read_comment(const char *line)
{
	bool help = strncmp(line, "# HELP ", 7) == 0;
	const char *name = line + 7, *end = name_end(name);
	struct family *f;

	assert_true(help || strncmp(line, "# TYPE ", 7) == 0);
	assert_int_equal(*end, ' ');
	if (help) {
		f = &families[nfamilies++];
		*f = (struct family){.helped = true, .le = -1};
		memcpy(f->name, name, (size_t)(end - name));
		for (size_t i = 0; i + 1 < nfamilies; i++)
			assert_string_not_equal(families[i].name, f->name);
		assert_true(strlen(end) > 2);
		return;
	}
	/* Right behind its HELP, before its samples. */
	f = &families[nfamilies - 1];
	assert_int_equal(strlen(f->name), end - name);
	assert_memory_equal(f->name, name, strlen(f->name));
	assert_string_equal(f->type, "");
	assert_true(strcmp(end + 1, "counter") == 0 || strcmp(end + 1, "gauge") == 0 ||
		    strcmp(end + 1, "histogram") == 0);
	memcpy(f->type, end + 1, strlen(end + 1));
}

static double number(const char *s)
{
	char *end;
	double d = strtod(s, &end);

	assert_true(end > s && *end == '\0');
	return d;
}

/* {name="value",...}; the value of le, if it is there. */
static const char *read_labels(const char *at, char *le, size_t size)
{
	size_t n = 0;

	do {
		const char *name = ++at, *end = name_end(name);
		bool is_le = end - name == 2 && memcmp(name, "le", 2) == 0;

		assert_memory_equal(end, "=\"", 2);
		for (at = end + 2; *at != '"'; at++) {
			assert_true(*at != '\0');
			if (*at == '\\') {
				at++;
				assert_true(*at == '\\' || *at == '"' || *at == 'n');
			}
			if (is_le && n + 1 < size)
				le[n++] = *at;
		}
		at++;
	} while (*at == ',');
	le[n] = '\0';
	assert_int_equal(*at, '}');
	return at + 1;
}

static void read_histogram(struct family *f, const char *suffix, const char *le, double value)
{
	if (strncmp(suffix, "_bucket", 7) == 0) {
		double bound = strcmp(le, "+Inf") == 0 ? 1e300 : number(le);

		assert_true(!f->infinite && !f->has_sum && bound > f->le && value >= (double)f->bucket);
		f->le = bound;
		f->bucket = (uint64_t)value;
		f->infinite = bound > 1e299;
	} else if (strncmp(suffix, "_sum", 4) == 0) {
		f->has_sum = true;
		f->sum = value;
	} else {
		assert_memory_equal(suffix, "_count", 6);
		f->has_count = true;
		f->count = (uint64_t)value;
	}
}

static void read_sample(const char *line)
{
	const char *end = name_end(line), *suffix = "";
	struct family *f = family_of(line, (size_t)(end - line), &suffix);
	char le[32] = "";
	double value;

	/* Together, behind the TYPE. */
	assert_ptr_equal(f, &families[nfamilies - 1]);
	assert_string_not_equal(f->type, "");
	if (*end == '{')
		end = read_labels(end, le, sizeof(le));
	assert_int_equal(*end, ' ');
	value = number(end + 1);
	f->samples++;
	if (strcmp(f->type, "counter") == 0)
		assert_true(value >= 0 && strcmp(f->name + strlen(f->name) - 6, "_total") == 0);
	if (strcmp(f->type, "histogram") == 0)
		read_histogram(f, suffix, le, value);
}

static void read_all(const struct tc_buf *text)
{
	char *line = text->p, *next;

	nfamilies = 0;
	assert_true(text->len > 0 && text->p[text->len - 1] == '\n');
	for (; *line; line = next + 1) {
		next = strchr(line, '\n');
		*next = '\0';
		if (line[0] == '#')
			read_comment(line);
		else
			read_sample(line);
	}
	for (size_t i = 0; i < nfamilies; i++) {
		struct family *f = &families[i];

		assert_true(f->helped && f->type[0] && f->samples > 0);
		if (strcmp(f->type, "histogram") == 0)
			assert_true(f->infinite && f->has_sum && f->has_count && f->count == f->bucket);
	}
}

/* --- the tests --- */

static struct tc_metrics metrics;
static const struct tc_metrics_now nothing = {.cache_age = -1, .version = "1.2.3", .config_hash = "abc"};

static void assert_has(const struct tc_buf *text, const char *line)
{
	char want[256];

	snprintf(want, sizeof(want), "\n%s\n", line);
	if (!strstr(text->p, want))
		fail_msg("not there: %s\nin:\n%s", line, text->p);
}

static void test_format(void **state)
{
	struct tc_metrics_now now = {.certificate_not_after = 1798110197,
				     .cache_age = 12.5,
				     .contracts = 7,
				     .cache_synced = true,
				     .version = "1.2.3",
				     .config_hash = "say \"hi\"\\\n"};
	_cleanup_buf_ struct tc_buf text = {0};

	(void)state;
	tc_metrics_write(&text, &metrics, &nothing);
	read_all(&text);
	tc_buf_clear(&text);
	tc_metrics_write(&text, &metrics, &now);
	assert_has(&text, "tentc_build_info{version=\"1.2.3\",config=\"say \\\"hi\\\"\\\\\\n\"} 1");
	assert_has(&text, "tentc_certificate_expiry_timestamp_seconds 1798110197");
	assert_has(&text, "tentc_cache_age_seconds 12.500000000");
	assert_has(&text, "tentc_cache_synced 1");
	assert_has(&text, "tentc_contracts 7");
	read_all(&text);
}

/* What is not there has no value: a zero would be one. */
static void test_absent(void **state)
{
	_cleanup_buf_ struct tc_buf text = {0};

	(void)state;
	tc_metrics_write(&text, &metrics, &nothing);
	assert_null(strstr(text.p, "tentc_certificate_expiry"));
	assert_null(strstr(text.p, "tentc_cache"));
	assert_null(strstr(text.p, "tentc_contracts"));
	assert_null(strstr(text.p, "tentc_ca_bundle"));
}

static void test_counters(void **state)
{
	_cleanup_buf_ struct tc_buf text = {0};
	static const char *const names[TC_RESULTS] = {"untouched", "patched", "denied", "invalid", "refused", "error"};

	(void)state;
	for (size_t i = 0; i < TC_RESULTS; i++)
		atomic_store(&metrics.requests[i], i + 1);
	atomic_store(&metrics.closed, UINT64_C(5000000000));
	atomic_store(&metrics.connections, 3);
	atomic_store(&metrics.certificate_errors, 2);
	tc_metrics_write(&text, &metrics, &nothing);
	for (size_t i = 0; i < TC_RESULTS; i++) {
		char line[128];

		snprintf(line, sizeof(line), "tentc_requests_total{result=\"%s\"} %zu", names[i], i + 1);
		assert_has(&text, line);
	}
	assert_has(&text, "tentc_connections_closed_total 5000000000");
	assert_has(&text, "tentc_connections 3");
	assert_has(&text, "tentc_certificate_errors_total 2");
}

static void test_bundle(void **state)
{
	static const struct {
		enum tc_metrics_bundle bundle;
		const char *line;
	} cases[] = {{TC_BUNDLE_BAD, "tentc_ca_bundle_ok 0"}, {TC_BUNDLE_OK, "tentc_ca_bundle_ok 1"}};
	_cleanup_buf_ struct tc_buf text = {0};

	(void)state;
	for (size_t i = 0; i < TC_COUNT(cases); i++) {
		atomic_store(&metrics.ca_bundle, (int)cases[i].bundle);
		tc_buf_clear(&text);
		tc_metrics_write(&text, &metrics, &nothing);
		assert_has(&text, cases[i].line);
		read_all(&text);
	}
}

/* A bound belongs to its bucket ("le" is less or equal), and nothing is lost above the last one. */
static void test_histogram(void **state)
{
	_cleanup_buf_ struct tc_buf text = {0};

	(void)state;
	tc_histogram_add(&metrics.request, 0);
	tc_histogram_add(&metrics.request, 50000);
	tc_histogram_add(&metrics.request, 50001);
	tc_histogram_add(&metrics.request, 999999999);
	tc_histogram_add(&metrics.request, UINT64_C(6000000000));
	tc_histogram_add(&metrics.stage, 123);
	tc_metrics_write(&text, &metrics, &nothing);
	assert_has(&text, "tentc_request_duration_seconds_bucket{le=\"5e-05\"} 2");
	assert_has(&text, "tentc_request_duration_seconds_bucket{le=\"0.0001\"} 3");
	assert_has(&text, "tentc_request_duration_seconds_bucket{le=\"0.5\"} 3");
	assert_has(&text, "tentc_request_duration_seconds_bucket{le=\"1\"} 4");
	assert_has(&text, "tentc_request_duration_seconds_bucket{le=\"5\"} 4");
	assert_has(&text, "tentc_request_duration_seconds_bucket{le=\"+Inf\"} 5");
	assert_has(&text, "tentc_request_duration_seconds_sum 7.000100000");
	assert_has(&text, "tentc_request_duration_seconds_count 5");
	assert_has(&text, "tentc_stage_duration_seconds_sum 0.000000123");
	assert_has(&text, "tentc_stage_duration_seconds_bucket{le=\"5e-05\"} 1");
	read_all(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format), cmocka_unit_test(test_absent),    cmocka_unit_test(test_counters),
		cmocka_unit_test(test_bundle), cmocka_unit_test(test_histogram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
