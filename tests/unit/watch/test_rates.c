#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/rates.h"

#include <stdlib.h>

#define S SP_NS_PER_S

static const struct sp_observed_key bytes = {.signal = SP_SIGNAL_NET_IN, .subject = "host"};

struct bench {
  struct sp_observations *seen;
  struct sp_watch_sink sink;
  struct sp_rates rates;
};

static void open_bench(struct bench *bench) {
  bench->seen = sp_observations_create();
  bench->sink = (struct sp_watch_sink){.observations = bench->seen, .source = "test"};
  sp_rates_init(&bench->rates);
}

static void close_bench(struct bench *bench) {
  sp_rates_fini(&bench->rates);
  sp_observations_destroy(bench->seen);
}

static void assert_points(const struct bench *bench, const double *values, size_t count) {
  size_t found;
  struct sp_point *points = sp_observed_points(bench->seen, sp_observations_at(bench->seen, 0), 0, &found);
  assert_int_equal(found, count);
  for (size_t i = 0; i < count; i++) assert_float_equal(points[i].value, values[i], 1e-9);
  free(points);
}

static void a_rate_is_of_the_time_between_two_looks(void **state) {
  (void)state;
  struct bench bench;
  open_bench(&bench);
  sp_rates_add(&bench.rates, &bench.sink, &bytes, "in", 1 * S, 1000, 1);
  sp_rates_add(&bench.rates, &bench.sink, &bytes, "in", 3 * S, 3000, 1);
  sp_rates_add(&bench.rates, &bench.sink, &bytes, "in", 3 * S, 9000, 1); /* the same look again */
  sp_rates_add(&bench.rates, &bench.sink, &bytes, "in", 3 * S + S / 1000, 3400, 1); /* two looks in a millisecond */
  sp_rates_add(&bench.rates, &bench.sink, &bytes, "in", 4 * S, 3500, 2);
  assert_points(&bench, (const double[]){1000, 1000}, 2);
  close_bench(&bench);
}

static void a_reset_counter_counts_from_nothing(void **state) {
  (void)state;
  struct bench bench;
  open_bench(&bench);
  sp_rates_add(&bench.rates, &bench.sink, &bytes, "in", 1 * S, 1000, 1);
  sp_rates_add(&bench.rates, &bench.sink, &bytes, "in", 2 * S, 40, 1);
  assert_points(&bench, (const double[]){40}, 1);
  close_bench(&bench);
}

static void a_ratio_is_of_deltas_and_needs_one(void **state) {
  (void)state;
  struct bench bench;
  open_bench(&bench);
  sp_rates_add_ratio(&bench.rates, &bench.sink, &bytes, "time", 1 * S, 5, 10, 1);
  sp_rates_add_ratio(&bench.rates, &bench.sink, &bytes, "time", 2 * S, 8, 12, 0.001);
  sp_rates_add_ratio(&bench.rates, &bench.sink, &bytes, "time", 3 * S, 9, 12, 0.001);
  assert_points(&bench, (const double[]){0.0015}, 1);
  close_bench(&bench);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_rate_is_of_the_time_between_two_looks),
      cmocka_unit_test(a_reset_counter_counts_from_nothing),
      cmocka_unit_test(a_ratio_is_of_deltas_and_needs_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
