#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stats/metric.h"
#include "stats/outcome.h"
#include "stats/sample.h"

#include <string.h>

static void outcomes(void **state) {
  (void)state;
  /* The contract's words, in its order. */
  static const char *const names[] = { "ok",    "http_status", "stream_error", "truncated", "timeout",  "connect",
                                       "reset", "protocol",    "check",        "abandoned", "cancelled" };
  assert_int_equal(SP_OUTCOME_COUNT, sizeof(names) / sizeof(names[0]));
  unsigned ok = 0, failures = 0, completed = 0;
  for (int i = 0; i < SP_OUTCOME_COUNT; i++) {
    enum sp_outcome outcome = (enum sp_outcome)i;
    assert_string_equal(sp_outcome_name(outcome), names[i]);
    ok += outcome == SP_OUTCOME_OK;
    failures += sp_outcome_is_failure(outcome);
    completed += sp_outcome_is_completed(outcome);
  }
  assert_int_equal(failures, 8);
  assert_int_equal(completed, ok + failures);
  assert_false(sp_outcome_is_failure(SP_OUTCOME_ABANDONED) || sp_outcome_is_failure(SP_OUTCOME_CANCELLED));
}

static void metrics(void **state) {
  (void)state;
  for (int i = 0; i < SP_METRIC_COUNT; i++) {
    const struct sp_metric_info *info = sp_metric_info((enum sp_metric)i);
    assert_non_null(info->name);
    assert_true(strlen(info->label) > 0 && strlen(info->from_to) > 0);
    assert_int_equal(sp_metric_find(info->name), i);
  }
  assert_int_equal(sp_metric_find("ttft"), SP_METRIC_TTFT);
  assert_int_equal(sp_metric_find("e2e"), SP_METRIC_E2E);
  assert_int_equal(sp_metric_find("TTFT"), -1);
  assert_int_equal(sp_metric_find(""), -1);
}

static void counters(void **state) {
  (void)state;
  for (int i = 0; i < SP_COUNTER_COUNT; i++) {
    for (int j = 0; j < i; j++) {
      assert_string_not_equal(sp_counter_name((enum sp_counter)i), sp_counter_name((enum sp_counter)j));
    }
  }
}

static void sample_begins_undefined(void **state) {
  (void)state;
  struct sp_sample sample;
  memset(&sample, 0x5A, sizeof(sample));
  sp_sample_init(&sample);
  assert_int_equal(sample.outcome, SP_OUTCOME_OK);
  for (int i = 0; i < SP_METRIC_COUNT; i++) {
    assert_int_equal(sample.metric_ns[i], SP_METRIC_NA);
  }
  assert_int_equal(sample.reported_prompt, -1);
  assert_int_equal(sample.reported_completion, -1);
  assert_null(sample.gaps);
  assert_null(sample.detail);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(outcomes),
    cmocka_unit_test(metrics),
    cmocka_unit_test(counters),
    cmocka_unit_test(sample_begins_undefined),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
