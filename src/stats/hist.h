/*
 * A histogram of int64_t values with 3 significant digits: HdrHistogram's log-linear layout
 * (Gil Tene, hdrhistogram.org; lowest discernible value 1, sub-bucket count 2048).
 *
 * Values are nanoseconds / 1000 = microseconds wherever it holds times; sp_hist_record_ns converts.
 * Count, sum, sum of squares, min and max are exact; a percentile is the highest value equivalent to
 * the bucket that holds it, never above max. Memory grows by pages of 1024 counters where values fall,
 * so an empty histogram is small. Values below 0 count as 0, above SP_HIST_MAX as SP_HIST_MAX.
 * One writer; merging is exact (bucket by bucket).
 */
#ifndef SP_STATS_HIST_H
#define SP_STATS_HIST_H

#include <stdbool.h>
#include <stdint.h>

#define SP_HIST_MAX (INT64_C(1) << 40) /* in us: 12.7 days */
#define SP_HIST_PAGES 32

struct sp_hist {
  uint64_t count;
  int64_t min, max; /* undefined while count is 0 */
  double sum, sum_squares;
  uint32_t *pages[SP_HIST_PAGES]; /* 1024 counters each (saturating); NULL until used */
};

void sp_hist_init(struct sp_hist *hist);
void sp_hist_fini(struct sp_hist *hist);
void sp_hist_clear(struct sp_hist *hist); /* keeps the pages */

void sp_hist_record(struct sp_hist *hist, int64_t value);
void sp_hist_record_n(struct sp_hist *hist, int64_t value, uint32_t n);
static inline void sp_hist_record_ns(struct sp_hist *hist, int64_t ns) {
  sp_hist_record(hist, ns / 1000 + (ns % 1000 >= 500)); /* rounded, without overflow at the ends */
}

void sp_hist_merge(struct sp_hist *into, const struct sp_hist *from);

double sp_hist_mean(const struct sp_hist *hist);
double sp_hist_stdev(const struct sp_hist *hist); /* of the population */
/* percentile in 0 … 100: the smallest recorded value such that at least that share is at or below it. */
int64_t sp_hist_percentile(const struct sp_hist *hist, double percentile);

/* Iterates over the filled buckets in order: *cursor starts at 0. False at the end. */
struct sp_hist_bucket {
  int64_t low, high; /* values low … high inclusive */
  uint64_t count;
};
bool sp_hist_next(const struct sp_hist *hist, uint32_t *cursor, struct sp_hist_bucket *out);
/* For encoders: after a bucket was given its index is *cursor - 1 (HdrHistogram's index of counts). This adds n to the
 * counter of that index and to nothing else: count, sums, min and max are the decoder's own work. False: no such one. */
bool sp_hist_add_counter(struct sp_hist *hist, uint32_t index, uint64_t n);

/* The columns of every output (schema HIST), in milliseconds where the values are microseconds
 * and scale is 0.001. NAN where the count is 0. */
struct sp_hist_summary {
  uint64_t count;
  double min, mean, stdev, p50, p75, p90, p95, p99, p999, max;
};
void sp_hist_summarise(const struct sp_hist *hist, double scale, struct sp_hist_summary *out);

#endif
