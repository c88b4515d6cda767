#include "base/clock.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

/* -- rng: the seeds are fixed, so a bound that holds once holds always -- */

enum { DRAWS = 100000 };

static struct sp_rng seeded(uint64_t seed, uint64_t stream) {
  struct sp_rng rng;
  sp_rng_seed(&rng, seed, stream);
  return rng;
}

static void test_xoshiro_reference(void **state) {
  (void)state;
  struct sp_rng rng = { { 1, 2, 3, 4 } }; /* the authors' C code gives these from that state */
  static const uint64_t expected[] = { UINT64_C(41943041), UINT64_C(58720359), UINT64_C(3588806011781223),
                                       UINT64_C(3591011842654386) };
  for (int i = 0; i < 4; i++) assert_true(sp_rng_u64(&rng) == expected[i]);
}

static void test_same_seed_repeats_and_streams_differ(void **state) {
  (void)state;
  struct sp_rng a = seeded(7, 0), b = seeded(7, 0), other_stream = seeded(7, 1), other_seed = seeded(8, 0);
  struct sp_rng swapped = seeded(0, 7), shifted = seeded(8, UINT64_MAX);
  int same = 0;
  for (int i = 0; i < 1000; i++) {
    uint64_t x = sp_rng_u64(&a);
    assert_true(x == sp_rng_u64(&b));
    same += x == sp_rng_u64(&other_stream);
    same += x == sp_rng_u64(&other_seed);
    same += x == sp_rng_u64(&swapped);
    same += x == sp_rng_u64(&shifted);
  }
  assert_int_equal(same, 0);
}

static void test_below_is_even(void **state) {
  (void)state;
  struct sp_rng rng = seeded(1, 0);
  int counts[7] = { 0 };
  for (int i = 0; i < 7 * 10000; i++) counts[sp_rng_below(&rng, 7)]++;
  for (int i = 0; i < 7; i++) assert_in_range(counts[i], 9600, 10400);
  for (int i = 0; i < 100; i++) assert_true(sp_rng_below(&rng, 1) == 0);
  int high = 0; /* with a bound of 3/4 of the range a plain modulo would favour the low third 2 : 1 */
  const uint64_t bound = UINT64_C(3) << 62;
  for (int i = 0; i < DRAWS; i++) {
    uint64_t x = sp_rng_below(&rng, bound);
    assert_true(x < bound);
    high += x >= UINT64_C(1) << 62;
  }
  assert_in_range(high, DRAWS * 2 / 3 - 1000, DRAWS * 2 / 3 + 1000);
}

static void test_uniform_and_between(void **state) {
  (void)state;
  struct sp_rng rng = seeded(2, 0);
  double sum = 0, squares = 0;
  for (int i = 0; i < DRAWS; i++) {
    double x = sp_rng_uniform(&rng);
    assert_true(x >= 0 && x < 1);
    sum += x;
    squares += x * x;
  }
  assert_true(fabs(sum / DRAWS - 0.5) < 0.005);
  assert_true(fabs(squares / DRAWS - 1.0 / 3) < 0.005);
  for (int i = 0; i < 1000; i++) {
    double x = sp_rng_between(&rng, -3, 5);
    assert_true(x >= -3 && x < 5);
    x = sp_rng_between(&rng, 1, nextafter(1, 2)); /* rounds to high half of the time, were it let */
    assert_true(x >= 1 && x < nextafter(1, 2));
  }
  assert_true(sp_rng_between(&rng, 2, 2) >= 2 && sp_rng_between(&rng, 2, 2) <= 2);
}

static void test_exponential(void **state) {
  (void)state;
  struct sp_rng rng = seeded(3, 0);
  double sum = 0;
  int above_mean = 0;
  for (int i = 0; i < DRAWS; i++) {
    double x = sp_rng_exponential(&rng, 4);
    assert_true(x >= 0 && isfinite(x));
    sum += x;
    above_mean += x > 4;
  }
  assert_true(fabs(sum / DRAWS - 4) < 0.05);
  assert_true(fabs((double)above_mean / DRAWS - exp(-1)) < 0.005);
}

static void test_normal(void **state) {
  (void)state;
  struct sp_rng rng = seeded(4, 0);
  double sum = 0, squares = 0;
  int within_one = 0;
  for (int i = 0; i < DRAWS; i++) {
    double x = sp_rng_normal(&rng);
    assert_true(isfinite(x));
    sum += x;
    squares += x * x;
    within_one += fabs(x) < 1;
  }
  assert_true(fabs(sum / DRAWS) < 0.015);
  assert_true(fabs(squares / DRAWS - 1) < 0.02);
  assert_true(fabs((double)within_one / DRAWS - 0.6827) < 0.006);
}

/* -- clock -- */

static void test_clocks_run_forward(void **state) {
  (void)state;
  int64_t mono = sp_clock_mono_ns(), cpu = sp_clock_thread_cpu_ns();
  assert_true(mono > 0 && cpu >= 0);
  for (int i = 0; i < 1000; i++) {
    int64_t next = sp_clock_mono_ns();
    assert_true(next >= mono);
    mono = next;
  }
  volatile double sink = 0;
  for (int i = 0; i < 1000000; i++) sink = sink + i;
  assert_true(sp_clock_thread_cpu_ns() > cpu);
  assert_true(sp_clock_real_ns() > INT64_C(1700000000) * SP_NS_PER_S);
}

static void check_rfc3339(int64_t real_ns, const char *expected) {
  char text[SP_RFC3339_SIZE];
  sp_clock_rfc3339(real_ns, text, sizeof(text));
  assert_string_equal(text, expected);
}

static void test_rfc3339(void **state) {
  (void)state;
  check_rfc3339(0, "1970-01-01T00:00:00.000Z");
  check_rfc3339(INT64_C(1795452600123999999), "2026-11-23T16:50:00.123Z");
  check_rfc3339(INT64_C(951827696) * SP_NS_PER_S, "2000-02-29T12:34:56.000Z");
  check_rfc3339(-1, "1969-12-31T23:59:59.999Z");
  check_rfc3339(INT64_MAX, "2262-04-11T23:47:16.854Z");
  check_rfc3339(INT64_MIN, "1677-09-21T00:12:43.145Z");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_xoshiro_reference),
    cmocka_unit_test(test_same_seed_repeats_and_streams_differ),
    cmocka_unit_test(test_below_is_even),
    cmocka_unit_test(test_uniform_and_between),
    cmocka_unit_test(test_exponential),
    cmocka_unit_test(test_normal),
    cmocka_unit_test(test_clocks_run_forward),
    cmocka_unit_test(test_rfc3339),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
