/* Steady or not: held to series whose nature is known. Seeded, so a bound holds always or never. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "model/steady.h"

#include <math.h>

#define MAX 600

static double values[MAX];

/* First-order: each value keeps `memory` of the one before. */
static void make(uint64_t seed, size_t count, double mean, double memory) {
  struct sp_rng rng;
  double state = 0;
  sp_rng_seed(&rng, seed, 3);
  for (size_t i = 0; i < count; i++) {
    state = memory * state + sp_rng_normal(&rng);
    values[i] = mean + state;
  }
}

static void judge(size_t count, double arrivals_per_s, struct sp_steady *out) {
  struct sp_steady_series series = { .in_flight = values, .count = count, .warm = 10, .arrivals_per_s = arrivals_per_s };
  sp_steady_judge(&series, out);
}

static void warm_up_is_cut(void **state) {
  (void)state;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    make(seed, 200, 50, 0.2);
    for (size_t i = 0; i < 40; i++) values[i] -= 50 * exp(-(double)i / 10);
    size_t cut = sp_mser5(values, 200);
    assert_in_range(cut, 15, 100);
    assert_int_equal(cut % 5, 0);
  }
  assert_int_equal(sp_mser5(values, 29), 0); /* too few to say */
}

static void memory_is_found(void **state) {
  (void)state;
  static const double memories[] = { 0, 0.5, 0.8 };
  for (size_t k = 0; k < 3; k++) {
    double truth = 0.5 + memories[k] / (1 - memories[k]), sum = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
      make(seed, MAX, 10, memories[k]);
      sum += sp_relaxation_s(values, MAX) / 20;
    }
    assert_true(sum > 0.8 * truth && sum < 1.3 * truth);
  }
}

/* A slope that isn't there is called one in no more than a few of a hundred, however long the seconds remember. */
static void no_slope(void **state) {
  (void)state;
  unsigned wrong = 0;
  for (uint64_t seed = 1; seed <= 200; seed++) {
    double error;
    make(seed, 120, 10, 0.7);
    wrong += fabs(sp_slope(values, 120, &error)) > SP_STEADY_SURE * error ? 1 : 0;
  }
  assert_in_range(wrong, 0, 6);
}

static void overload_grows(void **state) {
  (void)state;
  struct sp_steady steady;
  make(1, 60, 10, 0.5);
  for (size_t i = 0; i < 60; i++) values[i] += 5 * (double)i; /* of 100 arrivals a second 5 stay */
  judge(60, 100, &steady);
  assert_int_equal(steady.state, SP_STEADY_GROWS);
  assert_true(fabs(steady.slope_per_s - 5) < 0.1);
  judge(60, 0, &steady); /* in a closed loop nothing is said to grow: it drifts */
  assert_int_equal(steady.state, SP_STEADY_DRIFTS);
  judge(60, 1000, &steady); /* half a percent stay behind: no growth, but it did not settle either */
  assert_int_equal(steady.state, SP_STEADY_DRIFTS);
}

static void few_requests_do_not_grow(void **state) {
  (void)state;
  struct sp_steady steady;
  static const double seen[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 1, 2, 2 };
  for (size_t i = 0; i < 20; i++) values[i] = seen[i];
  judge(20, 2, &steady);
  assert_int_equal(steady.state, SP_STEADY_YES);
}

static void steady_ones_are(void **state) {
  (void)state;
  struct sp_steady steady;
  unsigned wrong = 0;
  for (uint64_t seed = 1; seed <= 100; seed++) {
    make(seed, 70, 50, 0.6);
    judge(70, 100, &steady);
    wrong += steady.state != SP_STEADY_YES ? 1 : 0;
    assert_true(steady.needs_s >= SP_STEADY_RELAXATIONS * 0.5);
  }
  assert_in_range(wrong, 0, 3);
}

static void times_tell_of_drift(void **state) {
  (void)state;
  double took[70];
  struct sp_steady steady;
  make(3, 70, 50, 0.2);
  for (size_t i = 0; i < 70; i++) took[i] = i % 9 == 4 ? (double)NAN : 100 + 3 * (double)i + values[i];
  struct sp_steady_series series = { .in_flight = values, .took_ms = took, .count = 70, .warm = 10 };
  sp_steady_judge(&series, &steady);
  assert_int_equal(steady.state, SP_STEADY_DRIFTS);
  series.took_ms = NULL;
  sp_steady_judge(&series, &steady);
  assert_int_equal(steady.state, SP_STEADY_YES);
}

static void nothing_to_judge(void **state) {
  (void)state;
  struct sp_steady steady;
  for (size_t i = 0; i < 12; i++) values[i] = 0;
  judge(0, 5, &steady);
  assert_int_equal(steady.state, SP_STEADY_YES);
  judge(12, 5, &steady);
  assert_int_equal(steady.state, SP_STEADY_YES);
  assert_int_equal(steady.cut, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(warm_up_is_cut),   cmocka_unit_test(memory_is_found),     cmocka_unit_test(no_slope),
    cmocka_unit_test(overload_grows),   cmocka_unit_test(few_requests_do_not_grow),
    cmocka_unit_test(steady_ones_are),  cmocka_unit_test(times_tell_of_drift), cmocka_unit_test(nothing_to_judge),
  };
  return cmocka_run_group_tests_name("steady", tests, NULL, NULL);
}
