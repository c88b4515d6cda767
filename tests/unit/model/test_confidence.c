/* Confidence: held to known truths by simulation. Seeded, so a bound holds always or never. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/rng.h"
#include "model/confidence.h"
#include "stats/recorder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct sp_slo parsed(const char *text) {
  struct sp_slo slo;
  struct sp_err err = { 0 };
  if (sp_slo_parse(sp_str_from(text), &slo, &err) < 0) {
    fail_msg("%s", err.text);
  }
  return slo;
}

/* Hahn & Meeker's smallest samples, as reference/diagnosis.md has them. */
static void least_samples(void **state) {
  (void)state;
  static const struct {
    double percentile;
    unsigned needed;
  } rows[] = { { 50, 6 }, { 90, 36 }, { 95, 72 }, { 99, 368 }, { 99.9, 3688 }, { 10, 36 }, { 1, 368 } };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    assert_int_equal(sp_samples_needed(rows[i].percentile), rows[i].needed);
  }
}

/* -- of batches -- */

static void by_hand(void **state) {
  (void)state;
  static const double batches[10] = { 9, 11, 9, 11, 9, 11, 9, 11, 9, 11 };
  struct sp_confidence c;
  sp_confidence_of_batches(10, batches, 10, &c);
  assert_int_equal(c.state, SP_CONFIDENCE_GOOD);
  double half = 2.2621571628 * sqrt(10.0 / 9) / sqrt(10);
  assert_true(fabs(c.low - (10 - half)) < 1e-9 && fabs(c.high - (10 + half)) < 1e-9);
  assert_true(fabs(c.lag1 + 0.9) < 1e-9); /* each follows its opposite */
  assert_int_equal(c.batches, 10);
  sp_confidence_of_batches(10, batches, 9, &c);
  assert_int_equal(c.state, SP_CONFIDENCE_FEW_BATCHES);
  assert_true(isnan(c.low) && isnan(c.high) && c.value == 10);
}

static void constant_and_trend(void **state) {
  (void)state;
  double same[SP_BATCHES_MAX], rising[SP_BATCHES_MAX];
  struct sp_confidence c;
  for (unsigned i = 0; i < SP_BATCHES_MAX; i++) {
    same[i] = 5;
    rising[i] = i;
  }
  sp_confidence_of_batches(5, same, SP_BATCHES_MAX, &c);
  assert_int_equal(c.state, SP_CONFIDENCE_GOOD);
  assert_true(c.low == 5 && c.high == 5 && c.lag1 == 0);
  sp_confidence_of_batches(9.5, rising, SP_BATCHES_MAX, &c);
  assert_int_equal(c.state, SP_CONFIDENCE_DEPENDENT);
  assert_true(c.lag1 > 0.7);
  double plain = 2.093 * sqrt(35.0) / sqrt(20); /* the variance of 0 … 19 */
  assert_true((c.high - c.low) / 2 > 3 * plain); /* widened for what the batches have in common */
}

/* Independent normal batches: 95 of 100 intervals hold the truth, a few more by the widening for chance correlation. */
static void coverage_of_batches(void **state) {
  (void)state;
  enum { RUNS = 4000 };
  for (size_t count = SP_BATCHES_MIN; count <= SP_BATCHES_MAX; count += 5) {
    struct sp_rng rng;
    int holds = 0, dependent = 0;
    sp_rng_seed(&rng, 17, count);
    for (int run = 0; run < RUNS; run++) {
      double batches[SP_BATCHES_MAX], sum = 0;
      struct sp_confidence c;
      for (size_t i = 0; i < count; i++) {
        sum += batches[i] = 100 + 7 * sp_rng_normal(&rng);
      }
      sp_confidence_of_batches(sum / (double)count, batches, count, &c);
      holds += c.low <= 100 && 100 <= c.high;
      dependent += c.state == SP_CONFIDENCE_DEPENDENT;
    }
    if (holds < 0.945 * RUNS || holds > 0.98 * RUNS || dependent > 0.07 * RUNS) {
      fail_msg("%zu batches: %d hold, %d called dependent, of %d", count, holds, dependent, RUNS);
    }
  }
}

/* -- of series -- */

struct maker {
  struct sp_series *series;
  struct sp_recorder recorder;
  int64_t now_ns;
};

static void maker_init(struct maker *maker, const struct sp_slo *slo) {
  maker->series = sp_series_create(&(struct sp_series_options){ .slos = slo, .slo_count = 1 });
  maker->now_ns = SP_NS_PER_S;
  sp_recorder_init(&maker->recorder, maker->now_ns);
}

static void maker_fini(struct maker *maker) {
  sp_recorder_fini(&maker->recorder);
  sp_series_destroy(maker->series);
}

static void request(struct maker *maker, enum sp_outcome outcome, double e2e_ms) {
  static const struct sp_request_key key = { "chat", "U", "t" };
  struct sp_sample sample;
  sp_sample_init(&sample);
  sample.outcome = outcome;
  sample.metric_ns[SP_METRIC_E2E] = (int64_t)(e2e_ms * 1e6);
  sp_recorder_start(&maker->recorder, &key);
  sp_recorder_end(&maker->recorder, &key, &sample);
}

static void end_second(struct maker *maker) {
  struct sp_series_gauges steady = { SP_SERIES_STEADY, 1, 1 };
  struct sp_interval *second = sp_recorder_take(&maker->recorder, maker->now_ns += SP_NS_PER_S);
  sp_series_push(maker->series, second, &steady);
  sp_interval_destroy(second);
}

static void of_all(struct maker *maker, const struct sp_slo *slo, struct sp_confidence *out) {
  sp_confidence_of_slo(slo, maker->series, 0, sp_series_count(maker->series), out);
}

/* Seconds with a level of their own that remembers the last one (phi), requests log-normal around it. The marginal of
 * the logarithm is normal with deviation 0.5, so every percentile is known. Gives how many of `runs` intervals hold. */
static int coverage(const char *text, double normal_quantile, double phi, double between, int seconds, int a_second,
                    int runs, int *undecided) {
  struct sp_slo slo = parsed(text);
  double within = sqrt(0.25 - between * between), truth = 200 * exp(0.5 * normal_quantile);
  int holds = 0;
  *undecided = 0;
  for (int run = 0; run < runs; run++) {
    struct sp_rng rng;
    struct maker maker;
    struct sp_confidence c;
    sp_rng_seed(&rng, 99, (uint64_t)run);
    maker_init(&maker, &slo);
    double level = between * sp_rng_normal(&rng);
    for (int s = 0; s < seconds; s++) {
      level = phi * level + sqrt(1 - phi * phi) * between * sp_rng_normal(&rng);
      for (int i = 0; i < a_second; i++) {
        request(&maker, SP_OUTCOME_OK, 200 * exp(level + within * sp_rng_normal(&rng)));
      }
      end_second(&maker);
    }
    of_all(&maker, &slo, &c);
    assert_true(c.batches >= SP_BATCHES_MIN);
    holds += c.low <= truth && truth <= c.high;
    *undecided += c.state == SP_CONFIDENCE_DEPENDENT;
    maker_fini(&maker);
  }
  return holds;
}

static void coverage_of_independent_requests(void **state) {
  (void)state;
  int dependent = 0;
  int p50 = coverage("p50(e2e) < 1s", 0, 0, 0, 60, 20, 200, &dependent);
  assert_true(dependent <= 4); /* longer batches are tried before it is said */
  int p95 = coverage("p95(e2e) < 1s", 1.6449, 0, 0, 60, 20, 200, &dependent);
  if (p50 < 182 || p50 > 199 || p95 < 182) {
    fail_msg("of 200 intervals %d (p50) and %d (p95) hold", p50, p95);
  }
}

/* Requests of a second have much in common, and seconds remember: taken as independent, fewer than half would hold. */
static void coverage_of_dependent_requests(void **state) {
  (void)state;
  int dependent = 0;
  int holds = coverage("p95(e2e) < 1s", 1.6449, 0.7, 0.3, 240, 20, 150, &dependent);
  if (holds < 131) {
    fail_msg("of 150 intervals %d hold", holds);
  }
}

/* Response times of M/M/1 are exponential with rate mu - lambda: p95 = ln 20 / (mu - lambda). rho 0.7, 10 a second. */
static void coverage_of_a_queue(void **state) {
  (void)state;
  enum { RUNS = 100 };
  struct sp_slo slo = parsed("p95(e2e) < 1s");
  double truth = 1000 * log(20) / (10 / 0.7 - 10);
  int holds = 0, independent = 0;
  for (int run = 0; run < RUNS; run++) {
    struct sp_rng rng;
    struct maker maker;
    struct sp_confidence c;
    double now = 0, wait = 0, n = 0, below = 0;
    sp_rng_seed(&rng, 4, (uint64_t)run);
    maker_init(&maker, &slo);
    for (int second = 0; second < 600; second++) {
      for (; now < second + 1; n++) {
        double service = sp_rng_exponential(&rng, 0.07), gap = sp_rng_exponential(&rng, 0.1);
        request(&maker, SP_OUTCOME_OK, 1000 * (wait + service));
        below += 1000 * (wait + service) <= truth;
        wait = wait + service > gap ? wait + service - gap : 0;
        now += gap;
      }
      end_second(&maker);
    }
    of_all(&maker, &slo, &c);
    holds += c.low <= truth && truth <= c.high;
    independent += fabs(below / n - 0.95) <= 1.96 * sqrt(0.95 * 0.05 / n); /* what the iid interval would say */
    maker_fini(&maker);
  }
  if (holds < 84 || independent > 50) {
    fail_msg("of 100 intervals %d hold, %d of those that take requests as independent", holds, independent);
  }
}

static void shares_and_rates(void **state) {
  (void)state;
  struct sp_slo share = parsed("failed_share < 50%"), rate = parsed("rps > 19");
  struct maker maker;
  struct sp_confidence c;
  struct sp_rng rng;
  sp_rng_seed(&rng, 12, 0);
  maker_init(&maker, &share);
  for (int s = 0; s < 120; s++) {
    for (int i = 0; i < 20; i++) {
      request(&maker, sp_rng_uniform(&rng) < 0.1 ? SP_OUTCOME_TIMEOUT : SP_OUTCOME_OK, 1);
    }
    end_second(&maker);
  }
  of_all(&maker, &share, &c);
  assert_int_equal(c.state, SP_CONFIDENCE_GOOD);
  assert_true(c.low < c.value && c.value < c.high && c.low > 0.07 && c.high < 0.13);
  assert_true(c.samples == 2400 && c.needed == 0);
  of_all(&maker, &rate, &c); /* each second the same */
  assert_true(c.value == 20 && c.low == 20 && c.high == 20);
  sp_confidence_of_slo(&rate, maker.series, 100, 109, &c);
  assert_int_equal(c.state, SP_CONFIDENCE_FEW_BATCHES);
  assert_true(c.value == 20 && isnan(c.low));
  maker_fini(&maker);
}

/* Enough to name it, enough for an interval, neither. */
static void not_enough(void **state) {
  (void)state;
  struct sp_slo p99 = parsed("p99(e2e) < 1s"), most = parsed("max(e2e) < 1s"), p100 = parsed("p100(e2e) < 1s");
  struct sp_slo other = parsed("p99(e2e) < 1s on nobody");
  struct sp_confidence c;
  struct maker maker;
  char text[SP_CONFIDENCE_TEXT_SIZE];
  maker_init(&maker, &p99);
  for (int s = 0; s < 367; s++) {
    request(&maker, SP_OUTCOME_OK, 100);
    end_second(&maker);
  }
  of_all(&maker, &p99, &c);
  assert_int_equal(c.state, SP_CONFIDENCE_FEW_SAMPLES);
  assert_true(c.samples == 367 && c.needed == 368 && isnan(c.low) && c.value > 99);
  assert_string_equal(sp_confidence_text(&c, &p99, text, sizeof(text)),
                      "100 ms, not enough samples to say p99: 367 of the 368 that it needs");
  request(&maker, SP_OUTCOME_OK, 100);
  end_second(&maker);
  of_all(&maker, &p99, &c); /* a batch of 36 has nothing beyond its p99 */
  assert_int_equal(c.state, SP_CONFIDENCE_FEW_BATCHES);
  for (int i = 0; i < 640; i++) {
    request(&maker, SP_OUTCOME_OK, 100);
  }
  end_second(&maker);
  of_all(&maker, &p99, &c);
  assert_true(c.state == SP_CONFIDENCE_GOOD && c.batches == SP_BATCHES_MIN);
  of_all(&maker, &most, &c);
  assert_int_equal(c.state, SP_CONFIDENCE_EXTREME);
  of_all(&maker, &p100, &c);
  assert_int_equal(c.state, SP_CONFIDENCE_EXTREME);
  of_all(&maker, &other, &c);
  assert_int_equal(c.state, SP_CONFIDENCE_NO_SAMPLES);
  assert_string_equal(sp_confidence_text(&c, &other, text, sizeof(text)), "no samples");
  maker_fini(&maker);
}

/* A run that only gets slower has no interval to trust, and it is said. */
static void a_drift_is_told(void **state) {
  (void)state;
  struct sp_slo slo = parsed("mean(e2e) < 150ms");
  struct maker maker;
  struct sp_confidence c;
  char text[SP_CONFIDENCE_TEXT_SIZE];
  maker_init(&maker, &slo);
  for (int s = 0; s < 100; s++) {
    request(&maker, SP_OUTCOME_OK, 100 + s);
    end_second(&maker);
  }
  of_all(&maker, &slo, &c);
  assert_int_equal(c.state, SP_CONFIDENCE_DEPENDENT);
  assert_int_equal(c.batches, SP_BATCHES_MIN);
  assert_true(sp_confidence_is_undecided(&c, &slo));
  assert_non_null(strstr(sp_confidence_text(&c, &slo, text, sizeof(text)), "rather more"));
  struct sp_slo far = parsed("mean(e2e) < 10s");
  assert_false(sp_confidence_is_undecided(&c, &far));
  maker_fini(&maker);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(least_samples),
    cmocka_unit_test(by_hand),
    cmocka_unit_test(constant_and_trend),
    cmocka_unit_test(coverage_of_batches),
    cmocka_unit_test(coverage_of_independent_requests),
    cmocka_unit_test(coverage_of_dependent_requests),
    cmocka_unit_test(coverage_of_a_queue),
    cmocka_unit_test(shares_and_rates),
    cmocka_unit_test(not_enough),
    cmocka_unit_test(a_drift_is_told),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
