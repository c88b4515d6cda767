/* What a run's end means: SLOs, dead targets, exit codes and which of them wins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/command.h"
#include "cli/verdict.h"

#include <math.h>

static void put(struct sp_interval *totals, const char *name, enum sp_outcome outcome, uint64_t count) {
  struct sp_request_key key = { name, "U", "t" };
  struct sp_cell *cell = sp_interval_cell(totals, &key);
  cell->started += count;
  cell->outcomes[outcome] += count;
}

static int exit_of(struct sp_interval *totals, bool valid, bool interrupted, const char *aborted) {
  struct sp_slo_result slos[4];
  struct sp_result result = { .totals = totals, .slos = slos, .interrupted = interrupted };
  result.facts.aborted = aborted;
  result.validity.valid = valid;
  result.slo_count = sp_verdict_slos(totals, slos, 4);
  int code = sp_verdict_exit(&result);
  sp_interval_destroy(totals);
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
  struct sp_slo_result slos[2];
  struct sp_interval *totals = mixed(3, 1);
  assert_int_equal(sp_verdict_slos(totals, slos, 0), 0);
  assert_int_equal(sp_verdict_slos(totals, slos, 2), 1);
  assert_true(slos[0].met && fabs(slos[0].value - 0.25) < 1e-12);
  sp_interval_destroy(totals);
  totals = sp_interval_create();
  assert_int_equal(sp_verdict_slos(totals, slos, 2), 1);
  assert_true(isnan(slos[0].value));
  sp_interval_destroy(totals);
}

static void a_dead_target(void **state) {
  (void)state;
  struct sp_interval *totals = dead();
  assert_true(sp_verdict_dead_target(totals));
  put(totals, "c", SP_OUTCOME_RESET, 1);
  assert_false(sp_verdict_dead_target(totals));
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
    cmocka_unit_test(a_dead_target),
    cmocka_unit_test(which_one_wins),
    cmocka_unit_test(the_contracts_numbers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
