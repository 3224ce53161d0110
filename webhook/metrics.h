/* metrics.h - what /metrics answers (Prometheus text format 0.0.4). Counters are atomic; reading does not stop anybody.
 */
#ifndef TC_METRICS_H
#define TC_METRICS_H

#include <stdatomic.h>

#include "compiler/base/buf.h"

/* Upper bounds in microseconds: 50 us to 5 s. */
#define TC_METRICS_BUCKETS 16

struct tc_histogram {
	atomic_uint_fast64_t bucket[TC_METRICS_BUCKETS + 1]; /* the last: above all bounds */
	atomic_uint_fast64_t sum_ns;
};

enum tc_metrics_result {
	TC_RESULT_UNTOUCHED,
	TC_RESULT_PATCHED,
	TC_RESULT_DENIED,
	TC_RESULT_INVALID, /* 400 */
	TC_RESULT_REFUSED, /* 404, 405, 413, 415, 431, 503 ... */
	TC_RESULT_ERROR,   /* 500 */
	TC_RESULTS,
};

enum tc_metrics_bundle {
	TC_BUNDLE_OTHERS, /* somebody else writes it */
	TC_BUNDLE_BAD,
	TC_BUNDLE_OK,
};

struct tc_metrics {
	atomic_uint_fast64_t requests[TC_RESULTS];
	atomic_uint_fast64_t closed; /* connections ended by us: too slow, or too many */
	atomic_uint_fast64_t certificate_errors;
	atomic_int ca_bundle;            /* enum tc_metrics_bundle */
	atomic_int_fast64_t connections; /* open now */
	struct tc_histogram request, stage;
};

/* What is asked when it is read, because others know it. */
struct tc_metrics_now {
	int64_t certificate_not_after; /* 0: none */
	double cache_age;              /* seconds; < 0: there is no cache */
	uint64_t contracts;
	bool cache_synced;
	const char *version, *config_hash;
};

void tc_histogram_add(struct tc_histogram *h, uint64_t ns);
void tc_metrics_write(struct tc_buf *out, const struct tc_metrics *m, const struct tc_metrics_now *now);

#endif
