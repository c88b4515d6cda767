/* Two histograms are the same, to the bucket and to the bit. */
#ifndef TESTS_STATS_SAME_HIST_H
#define TESTS_STATS_SAME_HIST_H

#include "stats/hist.h"

static inline void assert_same_hist(const struct sp_hist *a, const struct sp_hist *b) {
  struct sp_hist_bucket of_a, of_b;
  uint32_t at_a = 0, at_b = 0;
  assert_int_equal(a->count, b->count);
  if (a->count == 0) {
    return;
  }
  assert_true(a->min == b->min && a->max == b->max && a->sum == b->sum && a->sum_squares == b->sum_squares);
  while (sp_hist_next(a, &at_a, &of_a)) {
    assert_true(sp_hist_next(b, &at_b, &of_b));
    assert_true(of_a.low == of_b.low && of_a.count == of_b.count);
  }
  assert_false(sp_hist_next(b, &at_b, &of_b));
}

#endif
