/* Verdicts held to tables, to what was simulated elsewhere (reference: power of the rank test), and to the truth. Seeded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "model/student.h"
#include "model/verdict.h"

#include <math.h>
#include <string.h>

static void near_to(double value, double wanted, double by) {
  if (!(fabs(value - wanted) <= by)) {
    fail_msg("%.6g is not %.6g", value, wanted);
  }
}

/* -- Student's t -- */

static void student_tables(void **state) {
  static const struct {
    double share, degrees, t;
  } rows[] = { { 0.975, 1, 12.7062 }, { 0.975, 2, 4.30265 }, { 0.975, 4, 2.77645 }, { 0.975, 8, 2.30600 },
               { 0.975, 19, 2.09302 }, { 0.975, 1000, 1.96234 }, { 0.8, 4, 0.940965 }, { 0.995, 5, 4.03214 },
               { 0.025, 8, -2.30600 }, { 0.5, 3, 0 } };
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    near_to(sp_student_quantile(rows[i].share, rows[i].degrees), rows[i].t, 1e-5 * fmax(1, fabs(rows[i].t)));
    near_to(sp_student_below(rows[i].t, rows[i].degrees), rows[i].share, 1e-5);
  }
  for (double degrees = 0.5; degrees < 200; degrees *= 1.7) { /* fractions too, there and back */
    near_to(sp_student_below(sp_student_quantile(0.93, degrees), degrees), 0.93, 1e-9);
  }
}

/* -- ranks -- */

static struct sp_verdict_side side_of(const double *values, size_t count) {
  struct sp_verdict_side side = { .count = count };
  for (size_t i = 0; i < count; i++) {
    side.trials[i] = (struct sp_verdict_trial){ values[i], NAN, NAN };
  }
  return side;
}

static void smallest_p(void **state) {
  static const double wanted[] = { 1, 1.0 / 3, 0.1, 0.0285714, 0.00793651, 0.0021645 }; /* n = 1 … 6 */
  (void)state;
  for (size_t n = 1; n <= 6; n++) {
    struct sp_verdict_side a = { .count = n }, b = { .count = n };
    double least = 0;
    for (size_t i = 0; i < n; i++) {
      a.trials[i].value = (double)i + 1;
      b.trials[i].value = (double)i + 100;
    }
    near_to(sp_mann_whitney(&a, &b, &least), wanted[n - 1], 1e-6);
    near_to(least, wanted[n - 1], 1e-6);
  }
}

/* By hand. */
static void known_p(void **state) {
  double least;
  (void)state;
  struct sp_verdict_side a = side_of((double[]){ 1, 2, 4 }, 3), b = side_of((double[]){ 3, 5, 6 }, 3);
  near_to(sp_mann_whitney(&a, &b, &least), 0.2, 1e-9); /* U = 1: 2 of 20 ways on each side */
  struct sp_verdict_side same = side_of((double[]){ 7, 7, 7 }, 3);
  near_to(sp_mann_whitney(&same, &same, &least), 1, 1e-9);
  struct sp_verdict_side c = side_of((double[]){ 1, 2, 2 }, 3), d = side_of((double[]){ 2, 3, 3 }, 3);
  near_to(sp_mann_whitney(&c, &d, &least), 0.3, 1e-9); /* 3 ways on each side */
  struct sp_verdict_side most = { .count = SP_VERDICT_TRIALS_MAX }, more = { .count = SP_VERDICT_TRIALS_MAX };
  for (size_t i = 0; i < most.count; i++) {
    most.trials[i].value = (double)i;
    more.trials[i].value = (double)i + 0.5;
  }
  double p = sp_mann_whitney(&most, &more, &least);
  assert_true(p > 0.8 && p <= 1 && least > 0 && least < 1e-28);
}

static void draw(struct sp_verdict_side *side, size_t count, double mean, double sigma, struct sp_rng *rng) {
  side->count = count;
  for (size_t i = 0; i < count; i++) {
    side->trials[i] = (struct sp_verdict_trial){ mean + sigma * sp_rng_normal(rng), NAN, NAN };
  }
}

/* Shifts in standard deviations, and in how many of 100 trials they are found (reference/diagnosis.md, 5). */
static void power_of_ranks(void **state) {
  static const struct {
    size_t n;
    double shift, found;
  } rows[] = { { 3, 3, 0 }, { 4, 2, 0.50 }, { 4, 3, 0.84 }, { 5, 1, 0.21 }, { 5, 2, 0.67 }, { 5, 3, 0.95 }, { 8, 1, 0.46 },
               { 8, 2, 0.93 } };
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct sp_rng rng;
    unsigned found = 0;
    sp_rng_seed(&rng, 11, i);
    for (unsigned k = 0; k < 2000; k++) {
      struct sp_verdict_side a, b;
      double least;
      draw(&a, rows[i].n, 100, 1, &rng);
      draw(&b, rows[i].n, 100 + rows[i].shift, 1, &rng);
      found += sp_mann_whitney(&a, &b, &least) < 0.05;
    }
    near_to(found / 2000.0, rows[i].found, 0.04);
  }
}

/* -- verdicts -- */

/* Values whose logarithms have exactly this spread around 0. */
static void spread_out(struct sp_verdict_side *side, size_t n, double middle, double spread) {
  double squares = 0;
  side->count = n;
  for (size_t i = 0; i < n; i++) {
    double off = (double)i - (double)(n - 1) / 2;
    squares += off * off;
  }
  for (size_t i = 0; i < n; i++) {
    double off = ((double)i - (double)(n - 1) / 2) * spread / sqrt(squares / (double)(n - 1));
    side->trials[i] = (struct sp_verdict_trial){ middle * exp(off), NAN, NAN };
  }
}

/* 21.5 -> 30.8 with a run-to-run spread of 3 %: the reference's own figures. */
static void the_published_rounds(void **state) {
  struct sp_verdict_side a, b;
  struct sp_verdict v;
  char text[SP_VERDICT_TEXT_SIZE];
  (void)state;
  spread_out(&a, 5, 21.5, 0.03);
  spread_out(&b, 5, 30.8, 0.03);
  sp_verdict_make(&a, &b, true, &v);
  assert_int_equal(v.kind, SP_VERDICT_BETTER);
  near_to(v.ratio, 1.4326, 1e-3);
  near_to(v.low, 1.371, 2e-3);
  near_to(v.high, 1.497, 2e-3);
  near_to(v.p, 0.0079, 1e-4);
  near_to(v.spread, 0.03, 1e-6);
  assert_string_equal(sp_verdict_text(&v, true, text, sizeof(text)),
                      "+43 % (95 %: +37 … +50 %, n = 5 + 5 in turns, run-to-run spread 3.0 %, p = 0.0079 Mann-Whitney, the smallest "
                      "possible at this n)");
  spread_out(&a, 3, 21.5, 0.03);
  spread_out(&b, 3, 30.8, 0.03);
  sp_verdict_make(&a, &b, true, &v);
  near_to(v.low, 1.338, 1e-3);
  near_to(v.high, 1.533, 1e-3);
  assert_non_null(strstr(sp_verdict_text(&v, false, text, sizeof(text)), "p = 0.1 Mann-Whitney; ranks of so few never come under 0.05"));
  sp_verdict_make(&a, &b, false, &v); /* of a time, more is worse */
  assert_int_equal(v.kind, SP_VERDICT_WORSE);
  sp_verdict_make(&b, &a, true, &v);
  assert_int_equal(v.kind, SP_VERDICT_WORSE);
}

static void smallest_change(void **state) {
  static const struct {
    size_t n;
    double spread, change;
  } rows[] = { { 5, 0.02, 0.044 }, { 3, 0.03, 0.096 }, { 5, 0.03, 0.066 }, { 10, 0.03, 0.042 }, { 5, 0.05, 0.11 },
               { 10, 0.05, 0.07 }, { 5, 0.10, 0.22 } };
  struct sp_verdict_side a, b;
  struct sp_verdict v;
  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    spread_out(&a, rows[i].n, 100, rows[i].spread);
    spread_out(&b, rows[i].n, 100, rows[i].spread);
    sp_verdict_make(&a, &b, true, &v);
    near_to(v.least_change / rows[i].change, 1, 0.1);
  }
}

static void one_a_side(void **state) {
  struct sp_verdict_side a = { .trials = { { 21.5, 20.8, 22.2 } }, .count = 1 }, b = { .trials = { { 30.8, 29.9, 31.7 } }, .count = 1 };
  struct sp_verdict v;
  struct sp_verdict_figure figure;
  char text[SP_VERDICT_TEXT_SIZE];
  (void)state;
  sp_verdict_make(&a, &b, true, &v);
  assert_false(v.tested);
  assert_int_equal(v.kind, SP_VERDICT_INCONCLUSIVE);
  assert_true(isnan(v.p) && v.low > 1.35 && v.high < 1.52);
  sp_verdict_text(&v, false, text, sizeof(text));
  assert_non_null(strstr(text, "n = 1 + 1): it leaves out restarts and days, and is no test"));
  sp_verdict_figure_of(&a, &figure);
  assert_true(figure.value == 21.5 && figure.low == 20.8 && figure.high == 22.2);
  b.trials[0].low = NAN;
  sp_verdict_make(&a, &b, true, &v);
  assert_true(isnan(v.low) && v.ratio > 1.4);
  assert_non_null(strstr(sp_verdict_text(&v, false, text, sizeof(text)), "without an interval"));
}

static void no_difference(void **state) {
  struct sp_verdict_side a, b;
  struct sp_verdict v;
  (void)state;
  spread_out(&a, 8, 50, 0.01);
  spread_out(&b, 8, 50.1, 0.01);
  sp_verdict_make(&a, &b, true, &v);
  assert_int_equal(v.kind, SP_VERDICT_SAME);
  spread_out(&b, 8, 50.1, 0.1);
  sp_verdict_make(&a, &b, true, &v);
  assert_int_equal(v.kind, SP_VERDICT_INCONCLUSIVE);
}

/* Nothing on a side, zeros, trials that are all the same: no figure that isn't one. */
static void borders(void **state) {
  struct sp_verdict_side none = { .count = 0 }, zero = side_of((double[]){ 0, 3 }, 2), some = side_of((double[]){ 3, 3 }, 2);
  struct sp_verdict_side coarse = { .trials = { { 50, 50, 51 }, { 50, 50, 51 } }, .count = 2 };
  struct sp_verdict v;
  struct sp_verdict_figure figure;
  char text[SP_VERDICT_TEXT_SIZE];
  (void)state;
  sp_verdict_make(&none, &some, true, &v);
  assert_true(v.kind == SP_VERDICT_INCONCLUSIVE && isnan(v.ratio));
  assert_string_equal(sp_verdict_text(&v, false, text, sizeof(text)), "no trial that counts on one side");
  sp_verdict_make(&zero, &some, true, &v);
  assert_true(v.kind == SP_VERDICT_INCONCLUSIVE && isnan(v.ratio) && !v.tested);
  assert_non_null(strstr(sp_verdict_text(&v, false, text, sizeof(text)), "no ratio"));
  sp_verdict_figure_of(&zero, &figure);
  assert_true(figure.value == 1.5 && isnan(figure.low));
  sp_verdict_figure_of(&none, &figure);
  assert_true(isnan(figure.value));
  sp_verdict_make(&some, &some, true, &v); /* no spread at all, and nothing says how fine they are */
  assert_int_equal(v.kind, SP_VERDICT_SAME);
  sp_verdict_make(&coarse, &coarse, true, &v); /* two searches that ended at the same bound: as wide as their bounds */
  assert_true(v.low < 0.999 && v.high > 1.001);
}

/* Of pairs without a difference about one in twenty shows one; the interval holds the true ratio in 19 of 20. */
static void coverage(void **state) {
  (void)state;
  for (size_t n = 3; n <= 8; n += 5) {
    struct sp_rng rng;
    unsigned alarms = 0, held = 0;
    sp_rng_seed(&rng, 5, n);
    for (unsigned k = 0; k < 2000; k++) {
      struct sp_verdict_side a, b;
      struct sp_verdict v;
      draw(&a, n, 100, 3, &rng);
      draw(&b, n, 100, 3, &rng);
      sp_verdict_make(&a, &b, true, &v);
      alarms += v.kind == SP_VERDICT_BETTER || v.kind == SP_VERDICT_WORSE;
      held += v.low <= 1 && v.high >= 1;
    }
    assert_true(alarms < 2000 * 0.065);
    assert_int_equal(alarms + held, 2000);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(student_tables), cmocka_unit_test(smallest_p),    cmocka_unit_test(known_p),
    cmocka_unit_test(power_of_ranks), cmocka_unit_test(the_published_rounds), cmocka_unit_test(smallest_change),
    cmocka_unit_test(one_a_side),     cmocka_unit_test(no_difference), cmocka_unit_test(borders),
    cmocka_unit_test(coverage),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
