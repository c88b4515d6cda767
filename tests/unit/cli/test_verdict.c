/* What a run's end means: SLOs, dead targets, exit codes and which of them wins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/command.h"
#include "cli/slo_watch.h"
#include "cli/verdict.h"

#include <math.h>

static void put(struct sp_interval *totals, const char *name, enum sp_outcome outcome, uint64_t count) {
  struct sp_request_key key = { name, "U", "t" };
  struct sp_cell *cell = sp_interval_cell(totals, &key);
  cell->started += count;
  cell->outcomes[outcome] += count;
}

static int exit_of(struct sp_interval *totals, bool valid, bool interrupted, const char *aborted) {
  static struct sp_slo_watch watch;
  struct sp_err err;
  assert_int_equal(sp_slo_watch_init(&watch, NULL, 0, NULL, 0, &err), 0);
  sp_slo_watch_judge(&watch, totals, 10);
  struct sp_result result = { .totals = totals, .slos = watch.results, .interrupted = interrupted };
  result.facts.aborted = aborted;
  result.validity.valid = valid;
  result.slo_count = watch.count;
  int code = sp_verdict_exit(&result);
  sp_interval_destroy(totals);
  sp_slo_watch_fini(&watch);
  return code;
}

static struct sp_interval *mixed(uint64_t ok, uint64_t failed) {
  struct sp_interval *totals = sp_interval_create();
  if (ok) put(totals, "a", SP_OUTCOME_OK, ok);
  if (failed) put(totals, "b", SP_OUTCOME_HTTP_STATUS, failed);
  return totals;
}

static struct sp_interval *dead(void) {
  struct sp_interval *totals = sp_interval_create();
  put(totals, "a", SP_OUTCOME_CONNECT, 5);
  put(totals, "b", SP_OUTCOME_CANCELLED, 1);
  return totals;
}

static void failures_alone_change_nothing(void **state) {
  (void)state;
  assert_int_equal(exit_of(mixed(10, 0), true, false, NULL), SP_EXIT_OK);
  assert_int_equal(exit_of(mixed(1, 99), true, false, NULL), SP_EXIT_OK);
}

static void everything_failed(void **state) {
  (void)state;
  assert_int_equal(exit_of(mixed(0, 5), true, false, NULL), SP_EXIT_SLO_MISSED);
  struct sp_interval *broken = sp_interval_create();
  broken->task_errors = 3;
  assert_int_equal(exit_of(broken, true, false, NULL), SP_EXIT_SLO_MISSED);
}

/* A run without requests (pauses only, or all of them given up) is no failure. */
static void nothing_to_judge(void **state) {
  (void)state;
  assert_int_equal(exit_of(sp_interval_create(), true, false, NULL), SP_EXIT_OK);
  struct sp_interval *given_up = sp_interval_create();
  put(given_up, "a", SP_OUTCOME_ABANDONED, 4);
  put(given_up, "a", SP_OUTCOME_CANCELLED, 4);
  assert_int_equal(exit_of(given_up, true, false, NULL), SP_EXIT_OK);
}

static void the_default_slo(void **state) {
  (void)state;
  static struct sp_slo_watch watch;
  struct sp_err err;
  struct sp_interval *totals = mixed(3, 1);
  assert_int_equal(sp_slo_watch_init(&watch, NULL, 0, NULL, 0, &err), 0);
  sp_slo_watch_judge(&watch, totals, 10);
  assert_int_equal(watch.count, 1);
  assert_string_equal(watch.results[0].expression, "failed_share < 1");
  assert_true(fabs(watch.results[0].value - 0.25) < 1e-9);
  assert_true(watch.results[0].met);
  sp_slo_watch_fini(&watch);
  sp_interval_destroy(totals);
}

/* Flags replace the plan's; a bad one says where. */
static void given_slos(void **state) {
  (void)state;
  static struct sp_slo_watch watch;
  struct sp_err err;
  const char *flags[] = { "failed_share < 10%", "rps > 0.1" };
  char *plan[] = { "p95(e2e) < 1s" };
  struct sp_interval *totals = mixed(3, 1);
  assert_int_equal(sp_slo_watch_init(&watch, flags, 2, plan, 1, &err), 0);
  sp_slo_watch_judge(&watch, totals, 10);
  assert_int_equal(watch.count, 2);
  assert_false(watch.results[0].met);
  assert_true(watch.results[1].met);
  sp_slo_watch_fini(&watch);
  assert_int_equal(sp_slo_watch_init(&watch, NULL, 0, plan, 1, &err), 0);
  assert_string_equal(watch.results[0].expression ? watch.results[0].expression : watch.slos[0].text, "p95(e2e) < 1s");
  sp_slo_watch_fini(&watch);
  const char *bad[] = { "p95(tfft) < 1s" };
  assert_int_equal(sp_slo_watch_init(&watch, bad, 1, NULL, 0, &err), SP_EUSAGE);
  assert_non_null(strstr(err.text, "ttft"));
  sp_slo_watch_fini(&watch);
  sp_interval_destroy(totals);
}

static void a_dead_target(void **state) {
  (void)state;
  struct sp_interval *totals = dead();
  assert_true(sp_verdict_dead_target(totals));
  put(totals, "c", SP_OUTCOME_RESET, 1);
  assert_false(sp_verdict_dead_target(totals));
  sp_interval_destroy(totals);
  totals = dead();
  totals->files_exhausted = 1;
  assert_false(sp_verdict_dead_target(totals)); /* it was this machine */
  sp_interval_destroy(totals);
  totals = sp_interval_create();
  assert_false(sp_verdict_dead_target(totals)); /* nobody asked */
  sp_interval_destroy(totals);
  assert_int_equal(exit_of(dead(), true, false, NULL), SP_EXIT_CANNOT_RUN);
}

static void which_one_wins(void **state) {
  (void)state;
  assert_int_equal(exit_of(mixed(0, 5), false, false, NULL), SP_EXIT_INVALID); /* 3 and 4 together: 4 */
  assert_int_equal(exit_of(mixed(5, 0), false, false, NULL), SP_EXIT_INVALID);
  assert_int_equal(exit_of(mixed(5, 0), true, false, "the plan gave up"), SP_EXIT_CANNOT_RUN);
  assert_int_equal(exit_of(mixed(0, 5), false, false, "the plan gave up"), SP_EXIT_CANNOT_RUN);
  assert_int_equal(exit_of(dead(), false, false, NULL), SP_EXIT_CANNOT_RUN);
  assert_int_equal(exit_of(dead(), false, true, "the plan gave up"), SP_EXIT_INTERRUPTED);
  assert_int_equal(exit_of(mixed(0, 5), false, true, NULL), SP_EXIT_INTERRUPTED);
  assert_int_equal(exit_of(mixed(5, 0), true, true, NULL), SP_EXIT_INTERRUPTED);
}

static void the_contracts_numbers(void **state) {
  (void)state;
  assert_int_equal(SP_EXIT_OK, 0);
  assert_int_equal(SP_EXIT_CANNOT_RUN, 1);
  assert_int_equal(SP_EXIT_USAGE, 2);
  assert_int_equal(SP_EXIT_SLO_MISSED, 3);
  assert_int_equal(SP_EXIT_INVALID, 4);
  assert_int_equal(SP_EXIT_INTERRUPTED, 130);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(failures_alone_change_nothing),
    cmocka_unit_test(everything_failed),
    cmocka_unit_test(nothing_to_judge),
    cmocka_unit_test(the_default_slo),
    cmocka_unit_test(given_slos),
    cmocka_unit_test(a_dead_target),
    cmocka_unit_test(which_one_wins),
    cmocka_unit_test(the_contracts_numbers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
