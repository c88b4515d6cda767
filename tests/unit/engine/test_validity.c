#include "rig.h"

#include <math.h>
#include <string.h>

static const struct sp_request_key key = { "r", "u", "t" };

static void judge(const struct sp_interval *totals, double cpu_share, uint64_t dropped, struct sp_validity *out) {
  struct sp_validity_facts facts = { .totals = totals, .cpu_share = cpu_share, .dropped_starts = dropped };
  sp_validity_judge(&facts, out);
  assert_int_equal(out->valid, out->reason_count == 0);
  assert_true(isnan(out->closure_error));
}

static void assert_only_reason(const struct sp_validity *validity, const char *number, const char *remedy) {
  assert_int_equal(validity->reason_count, 1);
  assert_non_null(strstr(validity->reasons[0], number));
  assert_non_null(strstr(validity->reasons[0], remedy));
}

static void a_quiet_run_is_valid(void **state) {
  (void)state;
  struct sp_validity validity;
  struct sp_interval *totals = sp_interval_create();
  judge(totals, 0, 0, &validity);
  assert_true(validity.valid);
  for (int i = 0; i < 1000; i++) sp_hist_record_ns(&totals->lag, 9 * MS);
  for (int i = 0; i < 1000; i++) sp_hist_record_ns(&totals->loop_lag, 9 * MS);
  totals->tasks = 1000;
  totals->late_starts = 10;
  judge(totals, 0.9, 0, &validity);
  assert_true(validity.valid);
  assert_int_equal(validity.late_starts, 10);
  sp_interval_destroy(totals);
}

static void a_busy_thread(void **state) {
  (void)state;
  struct sp_validity validity;
  struct sp_interval *totals = sp_interval_create();
  judge(totals, 0.954, 0, &validity);
  assert_only_reason(&validity, "95 % busy", "use more --threads");
  assert_true(validity.cpu_share > 0.95);
  sp_interval_destroy(totals);
}

static void late_reads(void **state) {
  (void)state;
  struct sp_validity validity;
  struct sp_interval *totals = sp_interval_create();
  for (int i = 0; i < 980; i++) sp_hist_record_ns(&totals->lag, MS / 10);
  for (int i = 0; i < 9; i++) sp_hist_record_ns(&totals->lag, 30 * MS);
  judge(totals, 0, 0, &validity);
  assert_true(validity.valid); /* 0.9 % */
  for (int i = 0; i < 2; i++) sp_hist_record_ns(&totals->lag, 30 * MS);
  judge(totals, 0, 0, &validity);
  assert_only_reason(&validity, "lag p99 30.0 ms", "--threads");
  sp_interval_destroy(totals);
}

/* The p99 of ten reads is the slowest of them: one or two slow ones are no verdict, half of them are. */
static void few_reads(void **state) {
  (void)state;
  struct sp_validity validity;
  struct sp_interval *totals = sp_interval_create();
  for (int i = 0; i < 6; i++) sp_hist_record_ns(&totals->lag, MS);
  for (int i = 0; i < 4; i++) sp_hist_record_ns(&totals->lag, 40 * MS);
  judge(totals, 0, 0, &validity);
  assert_true(validity.valid);
  sp_hist_record_ns(&totals->lag, 40 * MS);
  judge(totals, 0, 0, &validity);
  assert_only_reason(&validity, "lag p99 40.0 ms", "--threads");
  sp_interval_destroy(totals);
}

static void late_timers(void **state) {
  (void)state;
  struct sp_validity validity;
  struct sp_interval *totals = sp_interval_create();
  for (int i = 0; i < 500; i++) sp_hist_record_ns(&totals->loop_lag, 28 * MS);
  judge(totals, 0, 0, &validity);
  assert_only_reason(&validity, "p99 28.0 ms", "--threads");
  sp_interval_destroy(totals);
}

static void late_starts(void **state) {
  (void)state;
  struct sp_validity validity;
  struct sp_interval *totals = sp_interval_create();
  totals->tasks = 20;
  totals->late_starts = 4;
  judge(totals, 0, 0, &validity);
  assert_true(validity.valid); /* too few to say so */
  totals->tasks = 1000;
  totals->late_starts = 12;
  judge(totals, 0, 0, &validity);
  assert_only_reason(&validity, "12 of 1,000 tasks (1.2 %)", "--threads");
  sp_interval_destroy(totals);
}

static void dropped_starts(void **state) {
  (void)state;
  struct sp_validity validity;
  struct sp_interval *totals = sp_interval_create();
  judge(totals, 0, 1234, &validity);
  assert_only_reason(&validity, "1,234 starts", "--max-in-flight");
  assert_int_equal(validity.dropped_starts, 1234);
  sp_interval_destroy(totals);
}

static void books_that_do_not_close(void **state) {
  (void)state;
  struct sp_validity validity;
  struct sp_recorder recorder;
  sp_recorder_init(&recorder, 0);
  sp_recorder_start(&recorder, &key);
  judge(recorder.interval, 0, 0, &validity);
  assert_only_reason(&validity, "1 requests started, but 0 ok", "bug of spate");
  sp_recorder_fini(&recorder);
}

static void every_reason_is_told(void **state) {
  (void)state;
  struct sp_validity validity;
  struct sp_recorder recorder;
  sp_recorder_init(&recorder, 0);
  sp_recorder_start(&recorder, &key);
  for (int i = 0; i < 50; i++) sp_hist_record_ns(&recorder.interval->loop_lag, S);
  for (int i = 0; i < 50; i++) sp_hist_record_ns(&recorder.interval->lag, S);
  recorder.interval->late_starts = 50;
  judge(recorder.interval, 1, 1, &validity);
  assert_int_equal(validity.reason_count, 6);
  sp_recorder_fini(&recorder);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_quiet_run_is_valid), cmocka_unit_test(a_busy_thread),
    cmocka_unit_test(late_reads),           cmocka_unit_test(few_reads),
    cmocka_unit_test(late_timers),          cmocka_unit_test(late_starts),
    cmocka_unit_test(dropped_starts),       cmocka_unit_test(books_that_do_not_close),
    cmocka_unit_test(every_reason_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
