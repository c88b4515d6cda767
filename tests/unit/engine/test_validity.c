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
  for (int i = 0; i < 1000; i++) sp_hist_record_ns(&totals->loop_lag, 24 * MS);
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
  for (int i = 0; i < 100; i++) sp_hist_record_ns(&totals->start_lag, 30 * MS);
  judge(totals, 0, 0, &validity);
  assert_only_reason(&validity, "(limit 1 %; p99 30.0 ms)", "--threads");
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

/* -- facts beyond the totals -- */

static void judge_facts(struct sp_validity_facts facts, struct sp_validity *out) {
  struct sp_interval *totals = sp_interval_create();
  facts.totals = totals;
  sp_validity_judge(&facts, out);
  assert_int_equal(out->valid, out->reason_count == 0);
  sp_interval_destroy(totals);
}

static void the_thread_is_named(void **state) {
  (void)state;
  struct sp_validity validity;
  static const struct sp_thread_facts busy[] = { { 0.5, 0.1 }, { 0.97, 0 }, { 0.93, 0.2 } };
  static const struct sp_thread_facts waiting[] = { { 0.5, 0.1 }, { 0.6, 0.31 }, { 0.4, 0.25 } };
  judge_facts((struct sp_validity_facts){ .cpu_share = 0.97, .thread = busy, .thread_count = 3 }, &validity);
  assert_only_reason(&validity, "engine thread 2 of 3 was 97 % busy", "--threads");
  struct sp_validity_facts facts = { .cpu_share = 0.6, .thread = waiting, .thread_count = 3 };
  judge_facts(facts, &validity);
  assert_true(validity.valid); /* nothing was late by it: worth a note */
  assert_int_equal(validity.note_count, 1);
  assert_non_null(strstr(validity.notes[0], "engine thread 2 of 3 waited for a CPU 31 %"));
  struct sp_interval *totals = sp_interval_create();
  for (int i = 0; i < 100; i++) sp_hist_record_ns(&totals->start_lag, 12 * MS);
  facts.totals = totals;
  sp_validity_judge(&facts, &validity);
  assert_only_reason(&validity, "engine thread 2 of 3 waited for a CPU 31 %", "taskset");
  assert_int_equal(validity.note_count, 0);
  sp_interval_destroy(totals);
}

/* Waiting does harm too where a good share of the time is in no figure, however little that is a request. */
static void waiting_beside_an_open_law(void **state) {
  (void)state;
  struct sp_validity validity;
  static const struct sp_thread_facts waiting[] = { { 0.2, 0.4 } };
  struct sp_little off = { 100, 80, 5000, 0.001 }, fine = { 100, 97, 5000, 0.001 };
  judge_facts((struct sp_validity_facts){ .thread = waiting, .thread_count = 1, .requests_law = off }, &validity);
  assert_only_reason(&validity, "engine thread 1 of 1 waited for a CPU 40 %", "taskset");
  judge_facts((struct sp_validity_facts){ .thread = waiting, .thread_count = 1, .users_law = off }, &validity);
  assert_only_reason(&validity, "engine thread 1 of 1 waited for a CPU 40 %", "taskset");
  judge_facts((struct sp_validity_facts){ .thread = waiting, .thread_count = 1, .requests_law = fine }, &validity);
  assert_true(validity.valid);
}

/* One that needs little CPU waits little of the time, and yet for most of what it needs. */
static void a_starved_thread(void **state) {
  (void)state;
  struct sp_validity validity;
  static const struct sp_thread_facts starved[] = { { 0.004, 0.11 } }, hardly[] = { { 0.001, 0.015 } };
  struct sp_interval *totals = sp_interval_create();
  struct sp_validity_facts facts = { .totals = totals, .thread = starved, .thread_count = 1 };
  for (int i = 0; i < 40; i++) sp_hist_record_ns(&totals->start_lag, MS);
  sp_validity_judge(&facts, &validity);
  assert_true(validity.valid); /* it did no harm */
  assert_int_equal(validity.note_count, 0);
  for (int i = 0; i < 10; i++) sp_hist_record_ns(&totals->start_lag, 6 * MS);
  sp_validity_judge(&facts, &validity);
  assert_only_reason(&validity, "engine thread 1 of 1 waited for a CPU 11 % of the time (limit 20 %), 96 % of what it",
                     "taskset");
  facts.thread = hardly;
  sp_validity_judge(&facts, &validity);
  assert_true(validity.valid);
  sp_interval_destroy(totals);
}

static void a_throttled_generator(void **state) {
  (void)state;
  struct sp_validity validity;
  struct sp_throttling throttling = { .known = true, .periods = 42, .throttled_ns = 2500 * MS };
  judge_facts((struct sp_validity_facts){ .duration_ns = 60 * S, .throttling = throttling }, &validity);
  assert_only_reason(&validity, "in 42 periods and stood still for 2.50 s", "cpu.max");
  judge_facts((struct sp_validity_facts){ .duration_ns = 300 * S, .throttling = throttling }, &validity);
  assert_true(validity.valid); /* under a percent of the time */
  throttling.known = false;
  judge_facts((struct sp_validity_facts){ .duration_ns = 60 * S, .throttling = throttling }, &validity);
  assert_true(validity.valid);
}

static void the_laws(void **state) {
  (void)state;
  struct sp_validity validity;
  struct sp_little fine = { 100, 98.5, 5000, 0.015 }, off = { 100, 93, 5000, 0.070 };
  struct sp_little short_ones = { 100, 90, 5000, 0.001 };
  struct sp_little none = { 100, (double)NAN, 99, 0.07 };
  judge_facts((struct sp_validity_facts){ .users_law = fine, .requests_law = none }, &validity);
  assert_true(validity.valid);
  assert_true(fabs(validity.closure_error - 0.015) < 1e-9);
  assert_true(isnan(validity.requests_closure));
  judge_facts((struct sp_validity_facts){ .users_law = off, .requests_law = fine }, &validity);
  assert_only_reason(&validity, "100.00 were there, but tasks and pauses account for 93.00 (7.0 % off", "--threads");
  assert_true(fabs(validity.closure_error - 0.07) < 1e-9);
  off.predicted = 112;
  off.lost_s = -0.1;
  judge_facts((struct sp_validity_facts){ .users_law = fine, .requests_law = off }, &validity);
  assert_only_reason(&validity, "100.00 were in flight, but requests a second times their time gives 112.00",
                     "--threads");
  judge_facts((struct sp_validity_facts){ .requests_law = short_ones }, &validity);
  assert_true(validity.valid); /* a millisecond a request: two clocks' readings, no queue */
  assert_true(fabs(validity.closure_error - 0.1) < 1e-9);
}

static void ports_and_files(void **state) {
  (void)state;
  struct sp_validity validity;
  struct sp_validity_facts facts = { .port_exhausted = 1234, .conn_rate = 800, .port_low = 32768, .port_high = 60999 };
  judge_facts(facts, &validity);
  assert_only_reason(&validity, "1,234 connections found no local port (EADDRNOTAVAIL): local ports 32768 to 60999",
                     "ip_local_port_range");
  assert_non_null(strstr(validity.reasons[0], "allow 471 new connections a second"));
  assert_non_null(strstr(validity.reasons[0], "the run opened 800"));
  facts.source_count = 3;
  judge_facts(facts, &validity);
  assert_non_null(strstr(validity.reasons[0], "allow 1412 new connections a second")); /* each has the whole range */
  judge_facts((struct sp_validity_facts){ .port_exhausted = 3 }, &validity);
  assert_only_reason(&validity, "3 connections found no local port", "keep connections alive");
  judge_facts((struct sp_validity_facts){ .files_exhausted = 7, .file_limit = 1024 }, &validity);
  assert_only_reason(&validity, "7 connections found no file descriptor (EMFILE) (the limit is 1024)", "ulimit -n");
}

static void a_proxy_is_noted(void **state) {
  (void)state;
  struct sp_validity validity;
  judge_facts((struct sp_validity_facts){ .proxy = "" }, &validity);
  assert_int_equal(validity.note_count, 0);
  judge_facts((struct sp_validity_facts){ .proxy = "http://p:3128 (https_proxy)" }, &validity);
  assert_true(validity.valid);
  assert_int_equal(validity.note_count, 1);
  assert_string_equal(validity.notes[0],
                      "requests went through the proxy http://p:3128 (https_proxy): their times are its too");
}

static void port_ranges(void **state) {
  (void)state;
  unsigned low = 0, high = 0;
  assert_true(sp_port_range_parse("32768\t60999\n", &low, &high));
  assert_int_equal(low, 32768);
  assert_int_equal(high, 60999);
  assert_false(sp_port_range_parse("", &low, &high));
  assert_false(sp_port_range_parse("5", &low, &high));
  assert_false(sp_port_range_parse("60999 32768", &low, &high));
  assert_false(sp_port_range_parse("1 99999", &low, &high));
  sp_port_range_read("/nonexistent", &low, &high);
  assert_int_equal(low + high, 0);
  sp_port_range_read(NULL, &low, &high);
  assert_true(low <= high && high <= 65535);
}

static void a_shared_machine_is_a_note(void **state) {
  (void)state;
  struct sp_validity validity;
  judge_facts((struct sp_validity_facts){ .shared_machine = true }, &validity);
  assert_true(validity.valid);
  assert_int_equal(validity.note_count, 1);
  assert_non_null(strstr(validity.notes[0], "the target is on this machine"));
  judge_facts((struct sp_validity_facts){ .cpu_share = 0 }, &validity);
  assert_int_equal(validity.note_count, 0);
}

static void dropped_by_the_totals(void **state) {
  (void)state;
  struct sp_validity validity;
  struct sp_interval *totals = sp_interval_create();
  totals->arrivals = 900;
  totals->dropped_starts = 100;
  judge(totals, 0, 0, &validity);
  assert_only_reason(&validity, "100 starts (10.0 % of 1,000)", "--max-in-flight");
  assert_int_equal(validity.dropped_starts, 100);
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
    cmocka_unit_test(every_reason_is_told), cmocka_unit_test(the_thread_is_named),
    cmocka_unit_test(waiting_beside_an_open_law), cmocka_unit_test(a_starved_thread),
    cmocka_unit_test(a_throttled_generator), cmocka_unit_test(the_laws),
    cmocka_unit_test(ports_and_files),      cmocka_unit_test(port_ranges),
    cmocka_unit_test(a_proxy_is_noted),
    cmocka_unit_test(a_shared_machine_is_a_note), cmocka_unit_test(dropped_by_the_totals),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
