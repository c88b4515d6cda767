/* Seats over time: steps, lines, and stages made of them. */
#include "rig.h"

#include "engine/shape.h"

#include <math.h>

static struct sp_shape_piece steps_of(int64_t begin_ns, uint64_t from, uint64_t to, double per_s) {
  return sp_shape_steps(begin_ns, from, to, per_s);
}

static void at_once_up_to_a_hundred(void **state) {
  (void)state;
  struct sp_shape_piece piece = steps_of(7 * S, 0, 100, 0);
  struct sp_shape shape = { .pieces = &piece, .count = 1 };
  for (uint64_t seat = 1; seat <= 100; seat++) assert_int_equal(sp_shape_arrival_ns(&piece, seat), 7 * S);
  assert_int_equal(sp_shape_arrival_ns(&piece, 101), SP_NEVER_NS);
  assert_int_equal(sp_shape_target(&shape, 7 * S - 1), 0);
  assert_int_equal(sp_shape_target(&shape, 7 * S), 100);
}

static void beyond_it_a_hundred_a_second(void **state) {
  (void)state;
  struct sp_shape_piece piece = steps_of(0, 0, 1000, 0);
  assert_int_equal(sp_shape_arrival_ns(&piece, 1), 0);
  assert_int_equal(sp_shape_arrival_ns(&piece, 2), 10 * MS);
  assert_int_equal(sp_shape_arrival_ns(&piece, 1000), 9990 * MS);
}

/* A rate without a finite decimal: each time from the begin, not from the one before. */
static void a_rate_does_not_drift(void **state) {
  (void)state;
  struct sp_shape_piece piece = steps_of(5, 0, 1000000, 3);
  assert_int_equal(sp_shape_arrival_ns(&piece, 2), 5 + 333333333);
  assert_int_equal(sp_shape_arrival_ns(&piece, 3), 5 + 666666667);
  assert_int_equal(sp_shape_arrival_ns(&piece, 4), 5 + S);
  assert_int_equal(sp_shape_arrival_ns(&piece, 900001), 5 + 300000 * S);
}

static void assert_target_agrees(struct sp_shape_piece piece) {
  struct sp_shape shape = { .pieces = &piece, .count = 1 };
  for (uint64_t seat = piece.from + 1; seat <= piece.to; seat++) {
    int64_t at_ns = sp_shape_arrival_ns(&piece, seat);
    assert_int_equal(sp_shape_target(&shape, at_ns), seat);
    assert_int_equal(sp_shape_target(&shape, at_ns - 1), seat - 1);
  }
  for (uint64_t seat = piece.from; seat > piece.to; seat--) {
    int64_t at_ns = sp_shape_leave_ns(&piece, seat);
    assert_int_equal(sp_shape_target(&shape, at_ns), seat - 1);
    assert_int_equal(sp_shape_target(&shape, at_ns - 1), seat);
  }
}

static void target_agrees_with_the_times(void **state) {
  (void)state;
  static const double rates[] = { 0.7, 1, 3, 7, 99.9, 1e6 };
  for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
    assert_target_agrees(steps_of(S, 20, 200, rates[r]));
    assert_target_agrees(steps_of(S, 200, 20, rates[r]));
  }
}

static void a_change_begins_where_the_ramp_is(void **state) {
  (void)state;
  struct sp_load load;
  struct sp_shape shape;
  sp_load_init(&load);
  load.users = 100;
  load.spawn_per_s = 10;
  sp_shape_init(&shape, &load, 0);
  assert_int_equal(sp_shape_target(&shape, 2500 * MS), 26);
  struct sp_shape_piece down = steps_of(2500 * MS, 26, 20, 5);
  sp_shape_replace(&shape, &down);
  assert_int_equal(shape.count, 2);
  assert_int_equal(sp_shape_target(&shape, 2500 * MS - 1), 25); /* what was, stays */
  assert_int_equal(sp_shape_target(&shape, 2500 * MS), 25);
  assert_int_equal(sp_shape_target(&shape, 2700 * MS), 24);
  assert_int_equal(sp_shape_arrival_ns(&shape.pieces[0], 30), SP_NEVER_NS);
  struct sp_shape_piece again = steps_of(2500 * MS, 25, 40, 5);
  sp_shape_replace(&shape, &again);
  assert_int_equal(shape.count, 2);
  assert_int_equal(sp_shape_final(&shape), 40);
  sp_shape_forget(&shape, 1);
  assert_int_equal(shape.count, 1);
  sp_shape_fini(&shape);
}

/* A worker may be a seat ahead of or behind what the control saw: such a seat is due at the begin. */
static void a_seat_outside_of_the_ramp_is_due_at_once(void **state) {
  (void)state;
  struct sp_shape_piece piece = steps_of(9 * S, 26, 50, 5);
  assert_int_equal(sp_shape_arrival_ns(&piece, 26), 9 * S);
  piece = steps_of(9 * S, 26, 20, 5);
  assert_int_equal(sp_shape_leave_ns(&piece, 27), 9 * S);
  assert_int_equal(sp_shape_leave_ns(&piece, 25), 9 * S + 200 * MS);
}

static void a_rate_near_zero_never_overflows(void **state) {
  (void)state;
  struct sp_shape_piece piece = steps_of(S, 0, SP_USERS_MAX, 1e-300);
  struct sp_shape shape = { .pieces = &piece, .count = 1 };
  assert_int_equal(sp_shape_arrival_ns(&piece, 1), S);
  assert_int_equal(sp_shape_arrival_ns(&piece, 2), SP_NEVER_NS);
  assert_int_equal(sp_shape_target(&shape, 1000 * S), 1);
}

/* -- stages -- */

static void shape_of(struct sp_shape *shape, double spawn_per_s, const struct sp_stage *stages, size_t count) {
  struct sp_load load;
  sp_load_init(&load);
  load.spawn_per_s = spawn_per_s;
  load.stage_count = count;
  for (size_t i = 0; i < count; i++) load.stages[i] = stages[i];
  assert_int_equal(sp_load_check(&load, NULL), 0);
  sp_shape_init(shape, &load, 10 * S);
}

static uint64_t at(const struct sp_shape *shape, int64_t after_ns) { return sp_shape_target(shape, 10 * S + after_ns); }

/* The line, rounded, at every tenth of a second of it; no drift, exact at both ends. */
static void a_ramp_is_its_line(void **state) {
  (void)state;
  static const struct sp_stage stages[] = { { 0, 100, 120 * S }, { 100, 40, 30 * S }, { 40, 40, 10 * S } };
  struct sp_shape shape;
  shape_of(&shape, 0, stages, 3);
  assert_int_equal(shape.count, 3);
  for (int64_t t_ns = 70 * MS; t_ns < 120 * S; t_ns += 100 * MS)
    assert_int_equal(at(&shape, t_ns), llround(100 * (double)t_ns / (120.0 * S)));
  for (int64_t t_ns = 70 * MS; t_ns < 30 * S; t_ns += 100 * MS)
    assert_int_equal(at(&shape, 120 * S + t_ns), llround(100 - 60 * (double)t_ns / (30.0 * S)));
  assert_int_equal(at(&shape, 120 * S), 100);
  assert_int_equal(at(&shape, 150 * S), 40);
  for (size_t i = 0; i < shape.count; i++) assert_target_agrees(shape.pieces[i]);
  sp_shape_fini(&shape);
}

static void a_spike_is_at_once(void **state) {
  (void)state;
  static const struct sp_stage stages[] = { { 10, 10, 60 * S }, { 90, 90, 10 * S }, { 10, 10, 60 * S } };
  struct sp_shape shape;
  shape_of(&shape, 0, stages, 3);
  assert_int_equal(at(&shape, 0), 10);
  assert_int_equal(at(&shape, 60 * S - 1), 10);
  assert_int_equal(at(&shape, 60 * S), 90);
  assert_int_equal(at(&shape, 70 * S - 1), 90);
  assert_int_equal(at(&shape, 70 * S), 10);
  sp_shape_fini(&shape);
}

/* Steps of 20 a second towards a line that itself rises by 10 a second: from 0 they meet it when 20 t = 50 + 10 t. */
static void the_spawn_rate_holds_for_jumps(void **state) {
  (void)state;
  static const struct sp_stage stages[] = { { 50, 150, 10 * S }, { 30, 30, 20 * S } };
  struct sp_shape shape;
  shape_of(&shape, 20, stages, 2);
  assert_int_equal(at(&shape, 1 * S), 21);
  assert_int_equal(at(&shape, 4 * S), 81);
  assert_in_range(shape.pieces[0].end_ns, 14900 * MS, 15000 * MS);
  assert_int_equal(at(&shape, 6 * S), 110);
  assert_int_equal(at(&shape, 10 * S - 1), 150);
  assert_int_equal(at(&shape, 10 * S), 149); /* down again: the first leaves at once */
  assert_int_equal(at(&shape, 11 * S), 129);
  assert_int_equal(at(&shape, 16 * S), 30);
  assert_int_equal(at(&shape, 29 * S), 30);
  sp_shape_fini(&shape);
}

/* Too slow to come to where the stage is: the next begins where the steps have come to. */
static void steps_that_never_meet_their_line(void **state) {
  (void)state;
  static const struct sp_stage stages[] = { { 100, 100, 10 * S }, { 5, 25, 10 * S }, { 400, 900, 10 * S } };
  struct sp_shape shape;
  shape_of(&shape, 2, stages, 3);
  assert_int_equal(at(&shape, 10 * S - 1), 20);
  assert_int_equal(at(&shape, 10 * S), 19);
  assert_in_range(shape.pieces[1].end_ns, 23 * S, 24 * S); /* 20 - 2 t = 5 + 2 t */
  assert_int_equal(at(&shape, 18 * S), 21);
  assert_int_equal(at(&shape, 20 * S), 26);
  assert_int_equal(at(&shape, 30 * S - 1), 45);
  sp_shape_fini(&shape);
}

static void a_last_stage_without_an_end(void **state) {
  (void)state;
  static const struct sp_stage stages[] = { { 5, 5, 10 * S }, { 300, 300, 0 } };
  struct sp_shape shape;
  shape_of(&shape, 10, stages, 2);
  assert_int_equal(at(&shape, 20 * S), 106);
  assert_int_equal(at(&shape, 1000000 * S), 300);
  assert_int_equal(shape.pieces[shape.count - 1].end_ns, SP_NEVER_NS);
  sp_shape_fini(&shape);
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
    cmocka_unit_test(a_ramp_is_its_line),
    cmocka_unit_test(a_spike_is_at_once),
    cmocka_unit_test(the_spawn_rate_holds_for_jumps),
    cmocka_unit_test(steps_that_never_meet_their_line),
    cmocka_unit_test(a_last_stage_without_an_end),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
