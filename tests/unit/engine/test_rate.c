/* The integral of a rate and its inverse, and the arrivals made of them. */
#include "rig.h"

#include "base/mem.h"
#include "engine/arrivals.h"

#include <math.h>
#include <stdlib.h>

#define START (777 * S + 123)

static struct sp_load load_of(enum sp_arrivals_kind kind, const struct sp_stage *stages, size_t count) {
  struct sp_load load;
  sp_load_init(&load);
  load.kind = SP_LOAD_RATE;
  load.arrivals = kind;
  load.stage_count = count;
  for (size_t i = 0; i < count; i++) load.stages[i] = stages[i];
  assert_int_equal(sp_load_check(&load, NULL), 0);
  return load;
}

/* All arrivals before end_ns, in the order of k, as `workers` workers make them together. */
struct list {
  int64_t *due_ns;
  size_t count;
};

static struct list arrivals_of(const struct sp_load *load, unsigned workers, int64_t end_ns) {
  size_t cap = 1000;
  struct list list = { .due_ns = sp_alloc_array(cap, sizeof(int64_t)) };
  for (unsigned w = 0; w < workers; w++) {
    struct sp_arrivals arrivals;
    sp_arrivals_init(&arrivals, load, START, w, workers);
    for (; arrivals.due_ns < START + end_ns; sp_arrivals_next(&arrivals)) {
      assert_int_equal(arrivals.k % workers, w);
      while (arrivals.k >= cap) list.due_ns = sp_realloc(list.due_ns, (cap *= 2) * sizeof(int64_t));
      list.due_ns[arrivals.k] = arrivals.due_ns - START;
      list.count++;
    }
    sp_arrivals_fini(&arrivals);
  }
  for (size_t k = 1; k < list.count; k++) assert_true(list.due_ns[k] >= list.due_ns[k - 1]);
  return list;
}

static void even_spacing_is_exact_over_an_hour(void **state) {
  (void)state;
  static const double rates[] = { 0.1, 1, 3, 7, 20, 1000.0 / 3 };
  for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
    struct sp_stage stage = { rates[r], rates[r], 0 };
    struct sp_load load = load_of(SP_ARRIVALS_EVEN, &stage, 1);
    struct list list = arrivals_of(&load, 1, 3600 * S);
    assert_int_equal(list.count, llround(rates[r] * 3600));
    for (size_t k = 0; k < list.count; k++) {
      int64_t expected_ns = llround((double)k * 1e9 / rates[r]);
      assert_true(llabs(list.due_ns[k] - expected_ns) <= 1); /* an hour later, too */
    }
    free(list.due_ns);
  }
}

static const struct sp_stage ramps[] = { { 20, 20, 60 * S },   { 20, 100, 300 * S }, { 100, 0, 50 * S },
                                         { 0, 0, 10 * S },     { 0, 7.5, 20 * S },   { 33, 33, 30 * S },
                                         { 0.25, 0.5, 80 * S } };
enum { RAMPS = sizeof(ramps) / sizeof(ramps[0]) };

/* R(t) by hand, exact enough: trapezes. */
static double integral_of(const struct sp_stage *stages, size_t count, int64_t t_ns) {
  double sum = 0;
  for (size_t i = 0; i < count && t_ns > 0; i++) {
    int64_t part_ns = t_ns < stages[i].hold_ns ? t_ns : stages[i].hold_ns;
    double to = stages[i].from + (stages[i].to - stages[i].from) * (double)part_ns / (double)stages[i].hold_ns;
    sum += (stages[i].from + to) / 2 * (double)part_ns / 1e9;
    t_ns -= part_ns;
  }
  return sum;
}

/* Even arrivals through ramps: at each one's time the integral is its number, so between any two times there are
 * as many as the integral says, give or take one. */
static void even_arrivals_invert_the_integral(void **state) {
  (void)state;
  struct sp_load load = load_of(SP_ARRIVALS_EVEN, ramps, RAMPS);
  int64_t length_ns = sp_load_length_ns(&load);
  struct list list = arrivals_of(&load, 1, length_ns);
  assert_int_equal(list.count, (size_t)ceil(integral_of(ramps, RAMPS, length_ns)));
  for (size_t k = 0; k < list.count; k++) {
    double slack = 1e-6; /* half a ns at 100/s, and the digits of a double */
    assert_true(fabs(integral_of(ramps, RAMPS, list.due_ns[k]) - (double)k) < slack);
  }
  assert_int_equal(list.due_ns[1200], 60 * S); /* the first of the second stage */
  free(list.due_ns);
}

static void the_integral_and_the_level(void **state) {
  (void)state;
  struct sp_load load = load_of(SP_ARRIVALS_EVEN, ramps, RAMPS);
  struct sp_rate rate;
  sp_rate_init(&rate, &load, START);
  for (int64_t t_ns = 0; t_ns <= 560 * S; t_ns += 333 * MS)
    assert_true(fabs(sp_rate_integral(&rate, START + t_ns) - integral_of(ramps, RAMPS, t_ns)) < 1e-6);
  assert_true(fabs(sp_rate_level(&rate, START + 210 * S) - 60) < 1e-9);
  assert_true(fabs(sp_rate_level(&rate, START + 415 * S)) < 1e-9);
  assert_true(fabs(sp_rate_level(&rate, START + 100000 * S)) < 1e-9);
  sp_rate_fini(&rate);
}

/* Counts in windows of equal integral are Poisson: mean and variance are that integral. Of n windows the mean's
 * standard deviation is sqrt(m / n), the variance's sqrt((m + 2 m^2) / n); 5 of them are the bounds. */
static void assert_poisson(const struct list *list, const struct sp_stage *stages, size_t stage_count,
                           double per_window) {
  double whole = integral_of(stages, stage_count, INT64_MAX / 2);
  size_t windows = (size_t)(whole / per_window);
  unsigned *counts = sp_alloc_array(windows, sizeof(*counts));
  for (size_t k = 0; k < list->count; k++) {
    size_t window = (size_t)(integral_of(stages, stage_count, list->due_ns[k]) / per_window);
    if (window < windows) counts[window]++;
  }
  double sum = 0, squares = 0, n = (double)windows, m = per_window;
  for (size_t i = 0; i < windows; i++) {
    sum += counts[i];
    squares += (counts[i] - m) * (counts[i] - m);
  }
  assert_true(fabs(sum / n - m) < 5 * sqrt(m / n));
  assert_true(fabs(squares / n - m) < 5 * sqrt((m + 2 * m * m) / n));
  free(counts);
}

static void poisson_mean_and_variance(void **state) {
  (void)state;
  static const struct sp_stage hold[] = { { 50, 50, 3600 * S } };
  static const struct sp_stage ramp[] = { { 0, 200, 600 * S }, { 200, 20, 600 * S } };
  for (uint64_t seed = 1; seed <= 5; seed++) {
    struct sp_load load = load_of(SP_ARRIVALS_POISSON, hold, 1);
    load.seed = seed;
    struct list list = arrivals_of(&load, 1, 3600 * S);
    assert_poisson(&list, hold, 1, 5);
    assert_poisson(&list, hold, 1, 50);
    free(list.due_ns);
    load = load_of(SP_ARRIVALS_POISSON, ramp, 2);
    load.seed = seed;
    list = arrivals_of(&load, 1, 1200 * S);
    assert_poisson(&list, ramp, 2, 10);
    free(list.due_ns);
  }
}

/* The gaps of a homogeneous one are exponential: their mean and their standard deviation are 1 / rate, and the share
 * of gaps over the mean is 1 / e. */
static void poisson_gaps(void **state) {
  (void)state;
  static const struct sp_stage hold[] = { { 50, 50, 3600 * S } };
  struct sp_load load = load_of(SP_ARRIVALS_POISSON, hold, 1);
  struct list list = arrivals_of(&load, 1, 3600 * S);
  double squares = 0, over = 0, n = (double)(list.count - 1);
  double mean = (double)(list.due_ns[list.count - 1] - list.due_ns[0]) / n;
  for (size_t k = 1; k < list.count; k++) {
    double gap = (double)(list.due_ns[k] - list.due_ns[k - 1]);
    squares += (gap - mean) * (gap - mean);
    over += gap > mean ? 1 : 0;
  }
  assert_true(fabs(mean / (20 * MS) - 1) < 5 / sqrt(n));
  assert_true(fabs(sqrt(squares / n) / mean - 1) < 5 * sqrt(2 / n));
  assert_true(fabs(over / n - exp(-1)) < 5 * sqrt(0.24 / n));
  free(list.due_ns);
}

static void same_for_any_number_of_workers(void **state) {
  (void)state;
  for (int kind = 0; kind <= SP_ARRIVALS_EVEN; kind++) {
    struct sp_load load = load_of((enum sp_arrivals_kind)kind, ramps, RAMPS);
    struct list one = arrivals_of(&load, 1, 550 * S);
    for (unsigned workers = 2; workers <= 7; workers++) {
      struct list list = arrivals_of(&load, workers, 550 * S);
      assert_int_equal(list.count, one.count);
      assert_memory_equal(list.due_ns, one.due_ns, one.count * sizeof(*one.due_ns));
      free(list.due_ns);
    }
    load.seed = 99;
    struct list other = arrivals_of(&load, 1, 550 * S);
    bool same = other.count == one.count && other.due_ns[50] == one.due_ns[50];
    assert_int_equal(same, kind == SP_ARRIVALS_EVEN);
    free(other.due_ns);
    free(one.due_ns);
  }
}

/* 10/s for 10 s, 5/s for 10 s, none for 10 s, 2/s: changes on the way, each told before it takes effect. */
static size_t changed_arrivals(unsigned index, unsigned workers, int64_t *due_ns) {
  static const struct sp_stage hold[] = { { 10, 10, 0 } };
  static const struct { int64_t told_ns, at_ns; double per_s; } changes[] = {
    { 9900 * MS, 10 * S, 5 }, { 19 * S, 20 * S, 0 }, { 25 * S, 30 * S, 2 } };
  struct sp_load load = load_of(SP_ARRIVALS_EVEN, hold, 1);
  struct sp_arrivals arrivals;
  size_t count = 0, change = 0;
  sp_arrivals_init(&arrivals, &load, START, index, workers);
  for (;;) {
    while (change < 3 && arrivals.due_ns >= START + changes[change].told_ns) {
      sp_arrivals_change(&arrivals, START + changes[change].at_ns, changes[change].per_s);
      change++;
    }
    if (arrivals.due_ns >= START + 40 * S) break;
    due_ns[arrivals.k] = arrivals.due_ns - START;
    count++;
    sp_arrivals_next(&arrivals);
  }
  sp_arrivals_fini(&arrivals);
  return count;
}

static void changes_are_the_same_for_all_workers(void **state) {
  (void)state;
  for (unsigned workers = 1; workers <= 5; workers++) {
    int64_t due_ns[200] = { 0 };
    size_t count = 0;
    for (unsigned w = 0; w < workers; w++) count += changed_arrivals(w, workers, due_ns);
    assert_int_equal(count, 170);
    for (size_t k = 0; k < 100; k++) assert_int_equal(due_ns[k], (int64_t)k * 100 * MS);
    for (size_t k = 100; k < 150; k++) assert_int_equal(due_ns[k], 10 * S + (int64_t)(k - 100) * 200 * MS);
    for (size_t k = 150; k < 170; k++) assert_int_equal(due_ns[k], 30 * S + (int64_t)(k - 150) * 500 * MS);
  }
}

/* Long since changed many times: nothing is lost, and old pieces are forgotten. */
static void many_changes(void **state) {
  (void)state;
  static const struct sp_stage hold[] = { { 1, 1, 0 } };
  struct sp_load load = load_of(SP_ARRIVALS_EVEN, hold, 1);
  struct sp_arrivals arrivals;
  uint64_t made = 0;
  double integral = 0;
  sp_arrivals_init(&arrivals, &load, START, 0, 1);
  for (int64_t i = 1; i <= 20000; i++) {
    double per_s = (double)(i % 100);
    sp_arrivals_change(&arrivals, START + i * 100 * MS, per_s);
    integral += 0.1 * (i == 1 ? 1 : (double)((i - 1) % 100));
    for (; arrivals.due_ns < START + i * 100 * MS; sp_arrivals_next(&arrivals)) made++;
    assert_true(fabs((double)made - integral) < 1.001);
    assert_true(arrivals.rate.count < 20);
  }
  sp_arrivals_fini(&arrivals);
}

static void a_trace_is_as_it_stands(void **state) {
  (void)state;
  static const int64_t trace[] = { 0, 0, 5 * MS, 1 * S, 1 * S, 7 * S };
  struct sp_load load;
  sp_load_init(&load);
  load.kind = SP_LOAD_RATE;
  load.trace = trace;
  load.trace_count = 6;
  for (unsigned workers = 1; workers <= 9; workers++) {
    struct list list = arrivals_of(&load, workers, 100 * S);
    assert_int_equal(list.count, 6);
    assert_memory_equal(list.due_ns, trace, sizeof(trace));
    free(list.due_ns);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(even_spacing_is_exact_over_an_hour),
    cmocka_unit_test(even_arrivals_invert_the_integral),
    cmocka_unit_test(the_integral_and_the_level),
    cmocka_unit_test(poisson_mean_and_variance),
    cmocka_unit_test(poisson_gaps),
    cmocka_unit_test(same_for_any_number_of_workers),
    cmocka_unit_test(changes_are_the_same_for_all_workers),
    cmocka_unit_test(many_changes),
    cmocka_unit_test(a_trace_is_as_it_stands),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
