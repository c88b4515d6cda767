#include "rig.h"
#include "engine/shape.h"

static void at_once_up_to_a_hundred(void **state) {
  (void)state;
  struct sp_shape shape;
  sp_shape_init(&shape, 7 * S, 0, 100, 0);
  for (uint64_t seat = 1; seat <= 100; seat++) assert_int_equal(sp_shape_arrival_ns(&shape, seat), 7 * S);
  assert_int_equal(sp_shape_arrival_ns(&shape, 101), SP_NEVER_NS);
  assert_int_equal(sp_shape_target(&shape, 7 * S - 1), 0);
  assert_int_equal(sp_shape_target(&shape, 7 * S), 100);
}

static void beyond_it_a_hundred_a_second(void **state) {
  (void)state;
  struct sp_shape shape;
  sp_shape_init(&shape, 0, 0, 1000, 0);
  assert_int_equal(sp_shape_arrival_ns(&shape, 1), 0);
  assert_int_equal(sp_shape_arrival_ns(&shape, 2), 10 * MS);
  assert_int_equal(sp_shape_arrival_ns(&shape, 1000), 9990 * MS);
}

/* A rate without a finite decimal: each time from the begin, not from the one before. */
static void a_rate_does_not_drift(void **state) {
  (void)state;
  struct sp_shape shape;
  sp_shape_init(&shape, 5, 0, 1000000, 3);
  assert_int_equal(sp_shape_arrival_ns(&shape, 2), 5 + 333333333);
  assert_int_equal(sp_shape_arrival_ns(&shape, 3), 5 + 666666667);
  assert_int_equal(sp_shape_arrival_ns(&shape, 4), 5 + S);
  assert_int_equal(sp_shape_arrival_ns(&shape, 900001), 5 + 300000 * S);
}

static void target_agrees_with_the_times(void **state) {
  (void)state;
  static const double rates[] = { 0.7, 1, 3, 7, 99.9, 1e6 };
  for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
    struct sp_shape shape;
    sp_shape_init(&shape, S, 20, 200, rates[r]);
    for (uint64_t seat = 21; seat <= 200; seat++) {
      int64_t at_ns = sp_shape_arrival_ns(&shape, seat);
      assert_int_equal(sp_shape_target(&shape, at_ns), seat);
      assert_int_equal(sp_shape_target(&shape, at_ns - 1), seat - 1);
    }
    sp_shape_init(&shape, S, 200, 20, rates[r]);
    for (uint64_t seat = 200; seat > 20; seat--) {
      int64_t at_ns = sp_shape_leave_ns(&shape, seat);
      assert_int_equal(sp_shape_target(&shape, at_ns), seat - 1);
      assert_int_equal(sp_shape_target(&shape, at_ns - 1), seat);
    }
  }
}

static void a_change_begins_where_the_ramp_is(void **state) {
  (void)state;
  struct sp_shape shape;
  sp_shape_init(&shape, 0, 0, 100, 10);
  sp_shape_change(&shape, 2500 * MS, 50, 5); /* 26 seats are taken at 2.5 s */
  assert_int_equal(shape.from, 26);
  assert_int_equal(sp_shape_arrival_ns(&shape, 27), 2500 * MS);
  assert_int_equal(sp_shape_arrival_ns(&shape, 28), 2700 * MS);
  assert_int_equal(sp_shape_arrival_ns(&shape, 51), SP_NEVER_NS);
  assert_int_equal(sp_shape_leave_ns(&shape, 50), SP_NEVER_NS);
  sp_shape_change(&shape, 100 * S, 10, 0);
  assert_int_equal(sp_shape_leave_ns(&shape, 11), 100 * S); /* 40: at once */
  assert_int_equal(sp_shape_leave_ns(&shape, 10), SP_NEVER_NS);
}

/* A worker may be a seat ahead of or behind what the control saw: such a seat is due at the begin. */
static void a_seat_outside_of_the_ramp_is_due_at_once(void **state) {
  (void)state;
  struct sp_shape shape;
  sp_shape_init(&shape, 9 * S, 26, 50, 5);
  assert_int_equal(sp_shape_arrival_ns(&shape, 26), 9 * S);
  sp_shape_init(&shape, 9 * S, 26, 20, 5);
  assert_int_equal(sp_shape_leave_ns(&shape, 27), 9 * S);
  assert_int_equal(sp_shape_leave_ns(&shape, 25), 9 * S + 200 * MS);
}

static void a_rate_near_zero_never_overflows(void **state) {
  (void)state;
  struct sp_shape shape;
  sp_shape_init(&shape, S, 0, SP_USERS_MAX, 1e-300);
  assert_int_equal(sp_shape_arrival_ns(&shape, 1), S);
  assert_int_equal(sp_shape_arrival_ns(&shape, 2), SP_NEVER_NS);
  assert_int_equal(sp_shape_target(&shape, 1000 * S), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(at_once_up_to_a_hundred),
    cmocka_unit_test(beyond_it_a_hundred_a_second),
    cmocka_unit_test(a_rate_does_not_drift),
    cmocka_unit_test(target_agrees_with_the_times),
    cmocka_unit_test(a_change_begins_where_the_ramp_is),
    cmocka_unit_test(a_seat_outside_of_the_ramp_is_due_at_once),
    cmocka_unit_test(a_rate_near_zero_never_overflows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
