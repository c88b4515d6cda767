#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stats/gaps.h"

#define STALL_NS (INT64_C(1000) * 1000000)

static void keeps_every_gap(void **state) {
  (void)state;
  struct sp_gaps gaps;
  struct sp_hist hist;
  sp_gaps_init(&gaps);
  sp_hist_init(&hist);
  for (int64_t i = 1; i <= 50; i++) {
    sp_gaps_add(&gaps, i * 20000, STALL_NS);
  }
  sp_gaps_record(&gaps, &hist);
  assert_int_equal(hist.count, 50);
  assert_int_equal(hist.min, 20);
  assert_int_equal(hist.max, 1000);
  assert_int_equal(gaps.max_ns, 1000000);
  assert_int_equal(gaps.stalls, 0);
  assert_null(gaps.spill);
  sp_hist_fini(&hist);
  sp_gaps_fini(&gaps);
}

static void none_is_undefined(void **state) {
  (void)state;
  struct sp_gaps gaps;
  struct sp_hist hist;
  sp_gaps_init(&gaps);
  sp_hist_init(&hist);
  sp_gaps_record(&gaps, &hist);
  assert_int_equal(hist.count, 0);
  assert_int_equal(gaps.max_ns, -1);
  sp_gaps_fini(&gaps);
}

/* The list's cap changes the memory, not the numbers. */
static void spill_is_exact(void **state) {
  (void)state;
  static const uint32_t counts[] = { SP_GAPS_LIST_MAX - 1, SP_GAPS_LIST_MAX, SP_GAPS_LIST_MAX + 1,
                                     5 * SP_GAPS_LIST_MAX };
  for (size_t c = 0; c < 4; c++) {
    struct sp_gaps gaps;
    struct sp_hist got, want;
    uint32_t room[3];
    sp_gaps_init(&gaps);
    if (c % 2) sp_gaps_lend(&gaps, room, 3);
    sp_hist_init(&got);
    sp_hist_init(&want);
    for (uint32_t i = 0; i < counts[c]; i++) {
      int64_t gap_ns = (int64_t)i * 1234567 % 90000000;
      sp_gaps_add(&gaps, gap_ns, STALL_NS);
      sp_hist_record_ns(&want, gap_ns);
    }
    assert_true((gaps.spill != NULL) == (counts[c] > SP_GAPS_LIST_MAX));
    assert_true(gaps.count <= SP_GAPS_LIST_MAX);
    sp_gaps_record(&gaps, &got);
    assert_int_equal(got.count, counts[c]);
    assert_int_equal(got.min, want.min);
    assert_int_equal(got.max, want.max);
    assert_true(got.sum == want.sum);
    for (double p = 1; p <= 100; p += 1) {
      assert_int_equal(sp_hist_percentile(&got, p), sp_hist_percentile(&want, p));
    }
    sp_hist_fini(&got);
    sp_hist_fini(&want);
    sp_gaps_fini(&gaps);
  }
}

static void stalls_are_over_the_limit(void **state) {
  (void)state;
  struct sp_gaps gaps;
  sp_gaps_init(&gaps);
  sp_gaps_add(&gaps, STALL_NS, STALL_NS);
  assert_int_equal(gaps.stalls, 0);
  sp_gaps_add(&gaps, STALL_NS + 1, STALL_NS);
  assert_int_equal(gaps.stalls, 1);
  assert_int_equal(gaps.max_ns, STALL_NS + 1);
  sp_gaps_fini(&gaps);
}

static void strange_gaps(void **state) {
  (void)state;
  struct sp_gaps gaps;
  struct sp_hist hist;
  sp_gaps_init(&gaps);
  sp_hist_init(&hist);
  sp_gaps_add(&gaps, -5000, STALL_NS);
  assert_int_equal(gaps.max_ns, 0);
  sp_gaps_add(&gaps, INT64_MAX, STALL_NS);
  sp_gaps_record(&gaps, &hist);
  assert_int_equal(hist.count, 2);
  assert_int_equal(hist.min, 0);
  assert_int_equal(hist.max, UINT32_MAX);
  sp_hist_fini(&hist);
  sp_gaps_fini(&gaps);
}

static void clear_is_a_new_stream(void **state) {
  (void)state;
  struct sp_gaps gaps;
  struct sp_hist hist;
  sp_gaps_init(&gaps);
  sp_hist_init(&hist);
  for (uint32_t i = 0; i < SP_GAPS_LIST_MAX + 10; i++) {
    sp_gaps_add(&gaps, 2 * STALL_NS, STALL_NS);
  }
  sp_gaps_clear(&gaps);
  assert_null(gaps.spill);
  assert_int_equal(gaps.max_ns, -1);
  assert_int_equal(gaps.stalls, 0);
  sp_gaps_add(&gaps, 7000, STALL_NS);
  sp_gaps_record(&gaps, &hist);
  assert_int_equal(hist.count, 1);
  assert_int_equal(hist.max, 7);
  sp_hist_fini(&hist);
  sp_gaps_fini(&gaps);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(keeps_every_gap), cmocka_unit_test(none_is_undefined),
    cmocka_unit_test(spill_is_exact),  cmocka_unit_test(stalls_are_over_the_limit),
    cmocka_unit_test(strange_gaps),    cmocka_unit_test(clear_is_a_new_stream),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
