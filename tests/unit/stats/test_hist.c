#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "stats/hist.h"

#include <math.h>
#include <stdlib.h>

#define MANY 20000u

static int by_value(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

/* Values over all magnitudes: 2^(0 … 40). */
static int64_t *draw(size_t count, uint64_t seed) {
  struct sp_rng rng;
  sp_rng_seed(&rng, seed, 0);
  int64_t *values = sp_alloc_array(count, sizeof(*values));
  for (size_t i = 0; i < count; i++) {
    values[i] = (int64_t)exp2(sp_rng_between(&rng, 0, 40)) - 1;
  }
  return values;
}

static void record_all(struct sp_hist *hist, const int64_t *values, size_t count) {
  for (size_t i = 0; i < count; i++) {
    sp_hist_record(hist, values[i]);
  }
}

/* By the definition: the smallest value such that at least that share is at or below it. */
static int64_t oracle(const int64_t *sorted, size_t count, unsigned per_mille) {
  size_t rank = (count * per_mille + 999) / 1000;
  return sorted[rank > 0 ? rank - 1 : 0];
}

static void assert_near(int64_t got, int64_t truth) {
  assert_true(got >= truth);
  assert_true((double)(got - truth) <= 0.001 * (double)truth);
}

static void percentiles_against_sorted_values(void **state) {
  (void)state;
  for (size_t count = 1; count <= MANY; count = count * 3 + 1) {
    int64_t *values = draw(count, count);
    struct sp_hist hist;
    sp_hist_init(&hist);
    record_all(&hist, values, count);
    qsort(values, count, sizeof(*values), by_value);
    for (unsigned per_mille = 0; per_mille <= 1000; per_mille++) {
      int64_t got = sp_hist_percentile(&hist, per_mille / 10.0);
      assert_near(got, oracle(values, count, per_mille));
      assert_true(got <= hist.max && got >= hist.min);
    }
    sp_hist_fini(&hist);
    free(values);
  }
}

static void small_values_are_exact(void **state) {
  (void)state;
  struct sp_hist hist;
  sp_hist_init(&hist);
  for (int64_t i = 1; i <= 2000; i++) {
    sp_hist_record(&hist, i);
  }
  for (unsigned per_mille = 1; per_mille <= 1000; per_mille++) {
    assert_int_equal(sp_hist_percentile(&hist, per_mille / 10.0), per_mille * 2);
  }
  sp_hist_fini(&hist);
}

static void every_bucket_covers_its_values(void **state) {
  (void)state;
  int64_t *values = draw(2000, 7);
  for (size_t i = 0; i < 2000; i++) {
    struct sp_hist hist;
    sp_hist_init(&hist);
    sp_hist_record(&hist, values[i]);
    uint32_t cursor = 0;
    struct sp_hist_bucket bucket;
    assert_true(sp_hist_next(&hist, &cursor, &bucket));
    assert_true(bucket.low <= values[i] && values[i] <= bucket.high);
    assert_true((double)(bucket.high - bucket.low) <= 0.001 * (double)bucket.low);
    assert_int_equal(bucket.count, 1);
    assert_false(sp_hist_next(&hist, &cursor, &bucket));
    sp_hist_fini(&hist);
  }
  free(values);
}

/* Buckets lie side by side: where one ends the next begins, up to the end. */
static void no_hole_between_buckets(void **state) {
  (void)state;
  struct sp_hist hist;
  sp_hist_init(&hist);
  int64_t low = 0;
  while (low <= SP_HIST_MAX) {
    sp_hist_clear(&hist);
    sp_hist_record(&hist, low);
    uint32_t cursor = 0;
    struct sp_hist_bucket bucket;
    assert_true(sp_hist_next(&hist, &cursor, &bucket));
    assert_int_equal(bucket.low, low);
    assert_true(bucket.high >= low);
    sp_hist_record(&hist, bucket.high > SP_HIST_MAX ? SP_HIST_MAX : bucket.high);
    cursor = 0;
    assert_true(sp_hist_next(&hist, &cursor, &bucket));
    assert_int_equal(bucket.count, 2);
    low = low < 5000 ? bucket.high + 1 : (bucket.high + 1) * 2;
  }
  sp_hist_fini(&hist);
}

static void moments_are_exact(void **state) {
  (void)state;
  static const int64_t values[] = { 2, 4, 4, 4, 5, 5, 7, 9 };
  struct sp_hist hist;
  sp_hist_init(&hist);
  record_all(&hist, values, 8);
  assert_true(sp_hist_mean(&hist) == 5.0);
  assert_true(sp_hist_stdev(&hist) == 2.0);
  assert_int_equal(hist.min, 2);
  assert_int_equal(hist.max, 9);
  sp_hist_fini(&hist);
}

static void moments_do_not_see_the_buckets(void **state) {
  (void)state;
  struct sp_hist hist;
  sp_hist_init(&hist);
  sp_hist_record(&hist, 1000001);
  sp_hist_record(&hist, 3000005);
  assert_true(sp_hist_mean(&hist) == 2000003.0);
  assert_true(fabs(sp_hist_stdev(&hist) - 1000002.0) < 1e-3);
  assert_int_equal(hist.min, 1000001);
  assert_int_equal(hist.max, 3000005);
  assert_int_equal(sp_hist_percentile(&hist, 100), 3000005);
  assert_int_equal(sp_hist_percentile(&hist, 99), 3000005);
  sp_hist_fini(&hist);
}

static void equal_values_have_no_deviation(void **state) {
  (void)state;
  struct sp_hist hist;
  sp_hist_init(&hist);
  sp_hist_record_n(&hist, 123456789, 3);
  assert_int_equal(hist.count, 3);
  assert_true(sp_hist_stdev(&hist) == 0.0);
  sp_hist_fini(&hist);
}

static void empty_is_undefined(void **state) {
  (void)state;
  struct sp_hist hist;
  struct sp_hist_summary summary;
  uint32_t cursor = 0;
  struct sp_hist_bucket bucket;
  sp_hist_init(&hist);
  sp_hist_record_n(&hist, 5, 0);
  sp_hist_summarise(&hist, 0.001, &summary);
  assert_int_equal(summary.count, 0);
  assert_true(isnan(summary.mean) && isnan(summary.p50) && isnan(summary.p999) && isnan(summary.max));
  assert_true(isnan(sp_hist_mean(&hist)) && isnan(sp_hist_stdev(&hist)));
  assert_false(sp_hist_next(&hist, &cursor, &bucket));
  for (size_t i = 0; i < SP_HIST_PAGES; i++) {
    assert_null(hist.pages[i]);
  }
  sp_hist_fini(&hist);
}

static void out_of_range_counts_at_the_ends(void **state) {
  (void)state;
  struct sp_hist hist;
  sp_hist_init(&hist);
  sp_hist_record(&hist, INT64_MIN);
  sp_hist_record(&hist, -1);
  sp_hist_record(&hist, INT64_MAX);
  sp_hist_record_ns(&hist, INT64_MAX);
  sp_hist_record_ns(&hist, INT64_MIN);
  assert_int_equal(hist.count, 5);
  assert_int_equal(hist.min, 0);
  assert_int_equal(hist.max, SP_HIST_MAX);
  assert_int_equal(sp_hist_percentile(&hist, 60), 0);
  assert_int_equal(sp_hist_percentile(&hist, 61), SP_HIST_MAX);
  sp_hist_fini(&hist);
}

static void nanoseconds_round_to_microseconds(void **state) {
  (void)state;
  struct sp_hist hist;
  sp_hist_init(&hist);
  sp_hist_record_ns(&hist, 1499);
  assert_int_equal(hist.max, 1);
  sp_hist_record_ns(&hist, 1500);
  assert_int_equal(hist.max, 2);
  sp_hist_record_ns(&hist, 499);
  assert_int_equal(hist.min, 0);
  sp_hist_fini(&hist);
}

static void assert_same(const struct sp_hist *a, const struct sp_hist *b) {
  assert_int_equal(a->count, b->count);
  assert_int_equal(a->min, b->min);
  assert_int_equal(a->max, b->max);
  assert_true(a->sum == b->sum);
  assert_true(fabs(a->sum_squares - b->sum_squares) <= 1e-12 * a->sum_squares);
  uint32_t ca = 0, cb = 0;
  struct sp_hist_bucket x, y;
  while (sp_hist_next(a, &ca, &x)) {
    assert_true(sp_hist_next(b, &cb, &y));
    assert_int_equal(x.low, y.low);
    assert_int_equal(x.count, y.count);
  }
  assert_false(sp_hist_next(b, &cb, &y));
}

static void merge_is_the_union(void **state) {
  (void)state;
  int64_t *values = draw(MANY, 3);
  struct sp_hist whole, parts[4], merged;
  sp_hist_init(&whole);
  sp_hist_init(&merged);
  record_all(&whole, values, MANY);
  for (size_t i = 0; i < 4; i++) {
    sp_hist_init(&parts[i]);
    record_all(&parts[i], values + i * (MANY / 4), MANY / 4);
  }
  for (size_t i = 4; i-- > 0;) { /* the order does not matter */
    sp_hist_merge(&merged, &parts[i]);
  }
  assert_same(&whole, &merged);
  sp_hist_clear(&parts[0]);
  sp_hist_merge(&merged, &parts[0]); /* nothing changes nothing: min stays */
  assert_same(&whole, &merged);
  sp_hist_fini(&whole);
  sp_hist_fini(&merged);
  for (size_t i = 0; i < 4; i++) {
    sp_hist_fini(&parts[i]);
  }
  free(values);
}

static void clear_forgets_everything(void **state) {
  (void)state;
  struct sp_hist hist, fresh;
  sp_hist_init(&hist);
  sp_hist_init(&fresh);
  sp_hist_record_n(&hist, 1000000, 7);
  sp_hist_clear(&hist);
  assert_int_equal(hist.count, 0);
  sp_hist_record(&hist, 42);
  sp_hist_record(&fresh, 42);
  assert_same(&hist, &fresh);
  sp_hist_fini(&hist);
  sp_hist_fini(&fresh);
}

static void summary_agrees_with_percentiles(void **state) {
  (void)state;
  int64_t *values = draw(MANY, 11);
  struct sp_hist hist;
  struct sp_hist_summary summary;
  sp_hist_init(&hist);
  record_all(&hist, values, MANY);
  sp_hist_summarise(&hist, 0.001, &summary);
  static const double percentiles[] = { 50, 75, 90, 95, 99, 99.9 };
  const double got[] = { summary.p50, summary.p75, summary.p90, summary.p95, summary.p99, summary.p999 };
  for (size_t i = 0; i < 6; i++) {
    assert_true(got[i] == (double)sp_hist_percentile(&hist, percentiles[i]) * 0.001);
  }
  assert_true(summary.min == (double)hist.min * 0.001 && summary.max == (double)hist.max * 0.001);
  assert_true(summary.mean == sp_hist_mean(&hist) * 0.001);
  sp_hist_fini(&hist);
  free(values);
}

static void counters_saturate(void **state) {
  (void)state;
  struct sp_hist hist, other;
  sp_hist_init(&hist);
  sp_hist_init(&other);
  sp_hist_record_n(&hist, 9, UINT32_MAX);
  sp_hist_record_n(&hist, 9, 2);
  sp_hist_record_n(&other, 9, UINT32_MAX);
  sp_hist_merge(&hist, &other);
  assert_true(hist.count == 2 * (uint64_t)UINT32_MAX + 2);
  assert_int_equal(sp_hist_percentile(&hist, 99), 9);
  sp_hist_fini(&hist);
  sp_hist_fini(&other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(percentiles_against_sorted_values),
    cmocka_unit_test(small_values_are_exact),
    cmocka_unit_test(every_bucket_covers_its_values),
    cmocka_unit_test(no_hole_between_buckets),
    cmocka_unit_test(moments_are_exact),
    cmocka_unit_test(moments_do_not_see_the_buckets),
    cmocka_unit_test(equal_values_have_no_deviation),
    cmocka_unit_test(empty_is_undefined),
    cmocka_unit_test(out_of_range_counts_at_the_ends),
    cmocka_unit_test(nanoseconds_round_to_microseconds),
    cmocka_unit_test(merge_is_the_union),
    cmocka_unit_test(clear_forgets_everything),
    cmocka_unit_test(summary_agrees_with_percentiles),
    cmocka_unit_test(counters_saturate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
