#include "webhook/metrics.h"

#include <inttypes.h>

/* Upper bounds. An admission takes some hundred microseconds; the API server gives up after 5 seconds. */
static const struct {
	uint64_t ns;
	const char *le; /* seconds, as the text format spells it */
} bounds[TC_METRICS_BUCKETS] = {
	{50000, "5e-05"},   {100000, "0.0001"},  {200000, "0.0002"},  {300000, "0.0003"},
	{500000, "0.0005"}, {750000, "0.00075"}, {1000000, "0.001"},  {2000000, "0.002"},
	{5000000, "0.005"}, {10000000, "0.01"},  {25000000, "0.025"}, {50000000, "0.05"},
	{100000000, "0.1"}, {500000000, "0.5"},  {1000000000, "1"},   {5000000000, "5"},
};

static const char *const results[TC_RESULTS] = {
	[TC_RESULT_UNTOUCHED] = "untouched", [TC_RESULT_PATCHED] = "patched", [TC_RESULT_DENIED] = "denied",
	[TC_RESULT_INVALID] = "invalid",     [TC_RESULT_REFUSED] = "refused", [TC_RESULT_ERROR] = "error",
};

void tc_histogram_add(struct tc_histogram *h, uint64_t ns)
{
	size_t i = 0;

	while (i < TC_METRICS_BUCKETS && ns > bounds[i].ns)
		i++;
	atomic_fetch_add_explicit(&h->bucket[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->sum_ns, ns, memory_order_relaxed);
}

static uint64_t read_counter(const atomic_uint_fast64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void head(struct tc_buf *out, const char *name, const char *type, const char *help)
{
	tc_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Nanoseconds as seconds, without floating point: sums stay exact, and no locale chooses the point. */
static void seconds(struct tc_buf *out, uint64_t ns)
{
	tc_buf_printf(out, "%" PRIu64 ".%09" PRIu64, ns / 1000000000, ns % 1000000000);
}

static void write_histogram(struct tc_buf *out, const struct tc_histogram *h, const char *name, const char *help)
{
	uint64_t count = 0;

	head(out, name, "histogram", help);
	for (size_t i = 0; i <= TC_METRICS_BUCKETS; i++) {
		count += read_counter(&h->bucket[i]);
		tc_buf_printf(out, "%s_bucket{le=\"%s\"} %" PRIu64 "\n", name,
			      i < TC_METRICS_BUCKETS ? bounds[i].le : "+Inf", count);
	}
	tc_buf_printf(out, "%s_sum ", name);
	seconds(out, read_counter(&h->sum_ns));
	/* Not a counter of its own: it must equal the last bucket, whoever adds meanwhile. */
	tc_buf_printf(out, "\n%s_count %" PRIu64 "\n", name, count);
}

static void write_number(struct tc_buf *out, const char *name, const char *type, const char *help, int64_t value)
{
	head(out, name, type, help);
	tc_buf_printf(out, "%s %" PRId64 "\n", name, value);
}

static void write_label(struct tc_buf *out, const char *name, const char *value)
{
	tc_buf_printf(out, "%s=\"", name);
	for (const char *c = value ? value : ""; *c; c++) {
		if (*c == '\n')
			tc_buf_puts(out, "\\n");
		else if (*c == '"' || *c == '\\')
			tc_buf_add(out, (char[]){'\\', *c}, 2);
		else
			tc_buf_putc(out, *c);
	}
	tc_buf_putc(out, '"');
}

static void write_requests(struct tc_buf *out, const struct tc_metrics *m)
{
	head(out, "tentc_requests_total", "counter", "Answered requests by result.");
	for (size_t i = 0; i < TC_RESULTS; i++)
		tc_buf_printf(out, "tentc_requests_total{result=\"%s\"} %" PRIu64 "\n", results[i],
			      read_counter(&m->requests[i]));
}

static void write_connections(struct tc_buf *out, const struct tc_metrics *m)
{
	write_number(out, "tentc_connections", "gauge", "Connections that are open now.",
		     atomic_load_explicit(&m->connections, memory_order_relaxed));
	write_number(out, "tentc_connections_closed_total", "counter",
		     "Connections that were closed because they were too slow, or too many.",
		     (int64_t)read_counter(&m->closed));
}

static void write_certificate(struct tc_buf *out, const struct tc_metrics *m, const struct tc_metrics_now *now)
{
	int bundle = atomic_load_explicit(&m->ca_bundle, memory_order_relaxed);

	/* Absent while there is none: a zero would look like 1970. */
	if (now->certificate_not_after)
		write_number(out, "tentc_certificate_expiry_timestamp_seconds", "gauge",
			     "When the certificate that is served ends, in seconds since 1970.",
			     now->certificate_not_after);
	write_number(out, "tentc_certificate_errors_total", "counter",
		     "Certificates that could not be read, made or announced.",
		     (int64_t)read_counter(&m->certificate_errors));
	if (bundle != TC_BUNDLE_OTHERS)
		write_number(out, "tentc_ca_bundle_ok", "gauge",
			     "Whether every entry of the webhook configuration holds the CA of what is served.",
			     bundle == TC_BUNDLE_OK);
}

static void write_cache(struct tc_buf *out, const struct tc_metrics_now *now)
{
	if (now->cache_age < 0)
		return;
	head(out, "tentc_cache_age_seconds", "gauge", "How long the quietest watch of the API server has been silent.");
	tc_buf_puts(out, "tentc_cache_age_seconds ");
	seconds(out, (uint64_t)(now->cache_age * 1e9));
	tc_buf_putc(out, '\n');
	write_number(out, "tentc_cache_synced", "gauge", "Whether every watched resource has been listed once.",
		     now->cache_synced);
	write_number(out, "tentc_contracts", "gauge", "ConfigMaps of enclaves that hold a contract.",
		     (int64_t)now->contracts);
}

void tc_metrics_write(struct tc_buf *out, const struct tc_metrics *m, const struct tc_metrics_now *now)
{
	head(out, "tentc_build_info", "gauge", "Version, and the hash of the configuration that decides what is made.");
	tc_buf_puts(out, "tentc_build_info{");
	write_label(out, "version", now->version);
	tc_buf_putc(out, ',');
	write_label(out, "config", now->config_hash);
	tc_buf_puts(out, "} 1\n");
	write_requests(out, m);
	write_histogram(out, &m->request, "tentc_request_duration_seconds",
			"From the headers of an admission request to its answer.");
	write_histogram(out, &m->stage, "tentc_stage_duration_seconds", "What the stage took of it.");
	write_connections(out, m);
	write_certificate(out, m, now);
	write_cache(out, now);
}
