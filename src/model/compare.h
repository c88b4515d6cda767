/*
 * Is run B different from run A? A ratio B / A for each request and figure, with a 95 % interval. Pure mathematics; the
 * same batches and seed give the same numbers.
 *
 * Batch bootstrap: requests of a load test depend on one another, so neither are they the unit nor do tests that take
 * them as independent mean anything (model/confidence.h). Each run's steady part is cut into batches of time; a resample
 * draws as many batches with replacement from each run, merges their histograms exactly, and gives a ratio. The
 * distribution of SP_COMPARE_RESAMPLES of them is the interval.
 *   Efron & Tibshirani, An Introduction to the Bootstrap, ch. 8 and 13 (percentile interval; ratios need no logarithm).
 *   The percentiles are widened for few batches: Hesterberg, What Teachers Should Know About the Bootstrap, The American
 *   Statistician 69(4), 2015, 4.3 ("expanded percentile": Student's t in place of the normal, √(n/(n-1))).
 *   What correlation successive batches still have widens it further, as in model/confidence.h; where it is more than
 *   chance, batches are joined, two into one.
 *
 * What this can't know: how much two runs of the same thing differ. The interval is of these two stretches of time
 * (SP_COMPARE_CAVEAT). One of twenty rows shows a difference by chance.
 */
#ifndef SP_MODEL_COMPARE_H
#define SP_MODEL_COMPARE_H

#include "model/confidence.h"

#define SP_COMPARE_RESAMPLES 1000u
#define SP_COMPARE_ROWS_MAX 20000u
#define SP_COMPARE_CAVEAT \
  "one run a side: the intervals are of these two runs and leave out how much runs differ from day to day"

/* A run's steady part, in the order of time; each batch as long as the others, give or take a second. */
struct sp_compare_run {
  const struct sp_interval *batches[SP_BATCHES_MAX]; /* borrowed */
  double seconds[SP_BATCHES_MAX];
  size_t count; /* SP_BATCHES_MAX, or SP_BATCHES_MIN where there are too few seconds for more */
};

enum sp_compare_statistic { SP_COMPARE_MEAN, SP_COMPARE_P50, SP_COMPARE_P95, SP_COMPARE_RATE };
const char *sp_compare_statistic_name(enum sp_compare_statistic statistic); /* "p95"; of a rate "per_s" */

enum sp_compare_verdict {
  SP_COMPARE_FEW,    /* too few requests for an interval: low and high are NAN */
  SP_COMPARE_SAME,   /* the interval holds 1: no difference seen */
  SP_COMPARE_LESS,   /* B is lower: faster, or a lower rate */
  SP_COMPARE_MORE,
};

struct sp_compare_row {
  const char *name, *user_class, *task; /* borrowed from the batches; NULL: all requests of the load */
  enum sp_compare_statistic statistic;
  enum sp_metric metric; /* not of a rate */
  double a, b;           /* ms; of a rate requests a second (ok and failed) */
  double ratio, low, high;
  enum sp_compare_verdict verdict;
};
/* "faster", "slower", "higher", "lower", "no difference seen", "too few requests" */
const char *sp_compare_verdict_text(const struct sp_compare_row *row);

/* Rows of what both runs have: the rate of all, then request by request (in A's order) its rate and, for ttfb, ttft,
 * itl and e2e, mean, p50 and p95. The caller frees the array. */
struct sp_compare_row *sp_compare_runs(const struct sp_compare_run *a, const struct sp_compare_run *b, uint64_t seed,
                                       size_t *count);

#endif
