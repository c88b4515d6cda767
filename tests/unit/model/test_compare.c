/* Comparing: two runs of the same thing differ in about one row of twenty, a shift of a tenth is found. Seeded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "model/compare.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct sp_request_key chat = { "chat", "ChatUser", "simple", SP_ROLE_LOAD };

struct fake {
  struct sp_interval *intervals[SP_BATCHES_MAX];
  struct sp_compare_run run;
};

struct shape {
  double scale;       /* of the times */
  double sigma;       /* log-normal */
  double memory;      /* of batch levels: each is so much of the one before */
  double level_sigma; /* of a batch's own level */
  unsigned requests;  /* a batch */
};

static const struct shape calm = { 1, 0.4, 0, 0.02, 150 };

static void make(struct fake *fake, size_t batches, const struct shape *shape, struct sp_rng *rng) {
  double level = 0;
  fake->run = (struct sp_compare_run){ .count = batches };
  for (size_t i = 0; i < batches; i++) {
    struct sp_interval *interval = fake->intervals[i] = sp_interval_create();
    struct sp_cell *cell = sp_interval_cell(interval, &chat);
    level = shape->memory * level + shape->level_sigma * sp_rng_normal(rng);
    for (unsigned k = 0; k < shape->requests; k++) {
      double s = shape->scale * exp(level + shape->sigma * sp_rng_normal(rng));
      sp_hist_record_ns(&cell->metrics[SP_METRIC_E2E], (int64_t)(s * 1e9));
      cell->outcomes[SP_OUTCOME_OK]++;
    }
    fake->run.batches[i] = interval;
    fake->run.seconds[i] = 6;
  }
}

static void drop(struct fake *fake) {
  for (size_t i = 0; i < fake->run.count; i++) {
    sp_interval_destroy(fake->intervals[i]);
  }
}

static const struct sp_compare_row *row_of(const struct sp_compare_row *rows, size_t count, enum sp_metric metric,
                                           enum sp_compare_statistic statistic) {
  for (size_t i = 0; i < count; i++) {
    if (rows[i].name && rows[i].statistic == statistic && (statistic == SP_COMPARE_RATE || rows[i].metric == metric)) {
      return &rows[i];
    }
  }
  fail_msg("no such row");
  return NULL;
}

/* How often each verdict came of so many trials. */
struct tally {
  unsigned same, less, more, few, covered;
};

#define TRIALS 120

static void try_often(const struct shape *a, const struct shape *b, size_t batches, enum sp_compare_statistic statistic,
                      struct tally *out) {
  struct sp_rng rng;
  sp_rng_seed(&rng, 7, (uint64_t)statistic);
  *out = (struct tally){ 0 };
  double truth = b->scale / a->scale;
  for (unsigned i = 0; i < TRIALS; i++) {
    struct fake of_a, of_b;
    size_t count = 0;
    make(&of_a, batches, a, &rng);
    make(&of_b, batches, b, &rng);
    struct sp_compare_row *rows = sp_compare_runs(&of_a.run, &of_b.run, i, &count);
    const struct sp_compare_row *row = row_of(rows, count, SP_METRIC_E2E, statistic);
    out->same += row->verdict == SP_COMPARE_SAME;
    out->less += row->verdict == SP_COMPARE_LESS;
    out->more += row->verdict == SP_COMPARE_MORE;
    out->few += row->verdict == SP_COMPARE_FEW;
    out->covered += row->low <= truth && truth <= row->high;
    free(rows);
    drop(&of_a);
    drop(&of_b);
  }
}

static void the_same_looks_the_same(void **state) {
  (void)state;
  static const enum sp_compare_statistic statistics[] = { SP_COMPARE_MEAN, SP_COMPARE_P50, SP_COMPARE_P95 };
  for (size_t i = 0; i < 3; i++) {
    for (size_t batches = SP_BATCHES_MIN; batches <= SP_BATCHES_MAX; batches += 10) {
      struct tally tally;
      try_often(&calm, &calm, batches, statistics[i], &tally);
      print_message("%s, %zu batches: same %u of %u\n", sp_compare_statistic_name(statistics[i]), batches, tally.same, TRIALS);
      assert_int_equal(tally.few, 0);
      assert_in_range(tally.same, TRIALS * 92 / 100, TRIALS * 995 / 1000);
    }
  }
}

static void a_tenth_is_found(void **state) {
  (void)state;
  struct shape slower = calm, faster = calm;
  slower.scale = 1.1;
  faster.scale = 0.9;
  struct tally tally;
  try_often(&calm, &slower, SP_BATCHES_MAX, SP_COMPARE_MEAN, &tally);
  assert_true(tally.more >= TRIALS * 95 / 100 && tally.less == 0);
  assert_in_range(tally.covered, TRIALS * 92 / 100, TRIALS);
  try_often(&calm, &faster, SP_BATCHES_MAX, SP_COMPARE_P50, &tally);
  assert_true(tally.less >= TRIALS * 95 / 100 && tally.more == 0);
  try_often(&calm, &slower, SP_BATCHES_MAX, SP_COMPARE_P95, &tally);
  assert_true(tally.more >= TRIALS * 60 / 100 && tally.less == 0);
}

/* Seconds that remember: independent requests would see a difference in most of these. */
static void slow_waves_are_no_difference(void **state) {
  (void)state;
  struct shape waves = calm;
  waves.memory = 0.5;
  waves.level_sigma = 0.1;
  struct tally tally;
  try_often(&waves, &waves, SP_BATCHES_MAX, SP_COMPARE_MEAN, &tally);
  print_message("waves: same %u of %u\n", tally.same, TRIALS);
  assert_in_range(tally.same, TRIALS * 85 / 100, TRIALS);
}

static void exact_figures(void **state) {
  (void)state;
  struct sp_rng rng;
  struct fake a, b;
  size_t count = 0;
  struct shape slower = calm;
  slower.scale = 2;
  slower.requests = 300;
  sp_rng_seed(&rng, 1, 0);
  make(&a, 20, &calm, &rng);
  make(&b, 20, &slower, &rng);
  struct sp_compare_row *rows = sp_compare_runs(&a.run, &b.run, 1, &count);
  const struct sp_compare_row *rate = row_of(rows, count, 0, SP_COMPARE_RATE);
  assert_null(rows[0].name); /* all requests come first */
  assert_true(rows[0].a == 25 && rows[0].b == 50 && rows[0].ratio == 2);
  assert_true(rate->a == 25 && rate->b == 50 && rate->low == 2 && rate->high == 2); /* the same in every batch */
  assert_string_equal(sp_compare_verdict_text(rate), "higher");
  const struct sp_compare_row *p95 = row_of(rows, count, SP_METRIC_E2E, SP_COMPARE_P95);
  struct sp_hist all;
  sp_hist_init(&all);
  for (size_t i = 0; i < 20; i++) {
    const struct sp_cell *cell = a.intervals[i]->cells.entries[0].value;
    sp_hist_merge(&all, &cell->metrics[SP_METRIC_E2E]);
  }
  assert_true(fabs(p95->a - (double)sp_hist_percentile(&all, 95) / 1000) <= p95->a * 0.002);
  assert_true(p95->low < 2 && 2 < p95->high && p95->low > 1.8 && p95->high < 2.2);
  assert_string_equal(sp_compare_verdict_text(p95), "slower");
  sp_hist_fini(&all);
  size_t again_count = 0;
  struct sp_compare_row *again = sp_compare_runs(&a.run, &b.run, 1, &again_count);
  assert_int_equal(count, again_count);
  for (size_t i = 0; i < count; i++) {
    assert_true(rows[i].ratio == again[i].ratio && rows[i].low == again[i].low && rows[i].high == again[i].high);
  }
  free(again);
  free(rows);
  drop(&a);
  drop(&b);
}

/* 5 requests a batch can't carry a p95, and a batch without one none at all. */
static void too_few(void **state) {
  (void)state;
  struct shape thin = calm;
  thin.requests = 5;
  struct tally tally;
  try_often(&thin, &thin, SP_BATCHES_MAX, SP_COMPARE_P95, &tally);
  assert_int_equal(tally.few, TRIALS);
  try_often(&thin, &thin, SP_BATCHES_MAX, SP_COMPARE_MEAN, &tally);
  assert_int_equal(tally.few, 0);
}

static void only_what_both_have(void **state) {
  (void)state;
  static const struct sp_request_key other = { "other", "U", "t", SP_ROLE_LOAD };
  struct sp_rng rng;
  struct fake a, b;
  size_t count = 0;
  sp_rng_seed(&rng, 1, 0);
  make(&a, 10, &calm, &rng);
  make(&b, 10, &calm, &rng);
  struct sp_cell *cell = sp_interval_cell(b.intervals[3], &other);
  sp_hist_record(&cell->metrics[SP_METRIC_TTFT], 1);
  struct sp_compare_row *rows = sp_compare_runs(&a.run, &b.run, 1, &count);
  assert_int_equal(count, 2 + 3); /* rates, and e2e three times */
  free(rows);
  drop(&a);
  drop(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_same_looks_the_same), cmocka_unit_test(a_tenth_is_found),
    cmocka_unit_test(slow_waves_are_no_difference), cmocka_unit_test(exact_figures),
    cmocka_unit_test(too_few), cmocka_unit_test(only_what_both_have),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
