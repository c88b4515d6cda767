/* What the summary says beside its figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/run_notes.h"
#include "stats/recorder.h"

#include <stdio.h>
#include <string.h>

static void put(struct sp_interval *totals, enum sp_outcome outcome, uint64_t count) {
  struct sp_request_key key = { "a", "U", "t" };
  struct sp_cell *cell = sp_interval_cell(totals, &key);
  cell->started += count;
  cell->outcomes[outcome] += count;
}

static void nothing_completed(void **state) {
  (void)state;
  struct sp_interval *totals = sp_interval_create();
  struct sp_run_notes notes;
  sp_run_notes_take(&notes, totals);
  assert_int_equal(notes.count, 0); /* nothing was started: that shows by itself */
  put(totals, SP_OUTCOME_ABANDONED, 1200);
  put(totals, SP_OUTCOME_CANCELLED, 3);
  sp_run_notes_take(&notes, totals);
  assert_int_equal(notes.count, 1);
  assert_ptr_equal(notes.list[0], notes.texts[0]);
  assert_non_null(strstr(notes.list[0], "no request was completed: of 1,203 started, 1,200 were abandoned and 3 cut"));
  put(totals, SP_OUTCOME_TIMEOUT, 1);
  sp_run_notes_take(&notes, totals);
  assert_int_equal(notes.count, 0);
  sp_interval_destroy(totals);
}

static void metrics_out_of_range(void **state) {
  (void)state;
  struct sp_recorder recorder;
  struct sp_run_notes notes;
  char name[300];
  sp_recorder_init(&recorder, 0);
  sp_recorder_custom(&recorder, "fine", "", 0.001);
  sp_recorder_custom(&recorder, "both", "", 1e-9);
  sp_recorder_custom(&recorder, "both", "", 1e12);
  sp_recorder_custom(&recorder, "both", "", 2e12);
  sp_run_notes_take(&notes, recorder.interval);
  assert_int_equal(notes.count, 2);
  assert_non_null(strstr(notes.list[0], "metric 'both': values below 0.0005 are counted as 0 (1 of them)"));
  assert_non_null(strstr(notes.list[1], "metric 'both': values over 1,099,511,627 are counted as that (2 of them)"));
  for (int i = 0; i < 50; i++) {
    snprintf(name, sizeof(name), "%0250d", i % 2 ? i : -i);
    sp_recorder_custom(&recorder, name, "", 1e12);
    snprintf(name, sizeof(name), "m%d", i);
    sp_recorder_custom(&recorder, name, "", 1e12);
  }
  sp_run_notes_take(&notes, recorder.interval);
  assert_int_equal(notes.count, SP_RUN_NOTES_MAX);
  assert_string_equal(notes.list[SP_RUN_NOTES_MAX - 1], "more of the plan's own metrics had values out of their range");
  sp_recorder_fini(&recorder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(nothing_completed),
    cmocka_unit_test(metrics_out_of_range),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
