/* Users and in-flight targets by stages and shapes, on a fake loop; figures a stage, means and laws. */
#include "rig.h"

#include "base/mem.h"
#include "station.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const unsigned worker_counts[] = { 1, 2, 5 };
enum { WORKER_COUNTS = sizeof(worker_counts) / sizeof(worker_counts[0]) };

static void assert_near(double value, double expected) {
  if (!(fabs(value - expected) < 1e-9 * (1 + fabs(expected)))) fail_msg("%.12g is not %.12g", value, expected);
}

static double level_at(const struct sp_stage *stages, size_t count, double t) {
  for (size_t i = 0; i < count; i++) {
    double hold = (double)stages[i].hold_ns / 1e9;
    if (t < hold) return stages[i].from + (stages[i].to - stages[i].from) * t / hold;
    t -= hold;
  }
  return 0;
}

/* Requests of 10 ms and pauses of 20: who is given up is gone within 10 ms. */
static void users_at_every_second(void **state) {
  (void)state;
  static const struct sp_stage stages[] = { { 0, 21, 20 * S },  { 21, 21, 10 * S }, { 21, 4.5, 15 * S },
                                            { 40, 40, 10 * S }, { 10, 10, 5 * S } };
  for (unsigned w = 0; w < WORKER_COUNTS; w++) {
    struct rig rig;
    rig_init(&rig, 1, 0.01, 0.02, 0);
    rig_stages(&rig, stages, 5);
    rig.load.threads = worker_counts[w];
    rig_run(&rig);
    assert_int_equal(rig.facts.duration_ns / MS / 100, 600);
    for (unsigned i = 0; i < 59; i++) {
      double level = level_at(stages, 5, i + 1);
      assert_in_range(rig.ticks[i].users, (uint64_t)floor(level), (uint64_t)ceil(level) + 1);
      assert_int_equal(rig.ticks[i].stage, i < 19 ? 0 : i < 29 ? 1 : i < 44 ? 2 : i < 54 ? 3 : 4);
    }
    assert_int_equal(rig.ticks[10].phase, SP_PHASE_SPAWNING);
    assert_int_equal(rig.ticks[10].users_target, 21);
    assert_int_equal(rig.ticks[25].phase, SP_PHASE_STEADY);
    assert_int_equal(rig.facts.users_max, 40);
    assert_int_equal(rig.tally.cancelled, 0);
    /* The rounded line's mean is the line's. */
    assert_true(fabs(rig.stages[0].facts.users_mean - 10.5) < 0.03);
    assert_near(rig.stages[3].facts.users_mean, 40);
    rig_fini(&rig);
  }
}

static const struct sp_stage three[] = { { 10, 10, 60500 * MS }, { 30, 30, 60500 * MS }, { 20, 20, 60500 * MS } };

/* Tasks each second: the first ten at 0, 1, … s, the others at 60.5, 61.5, … s. */
static void figures_of_stages(void **state) {
  (void)state;
  for (unsigned w = 0; w < WORKER_COUNTS; w++) {
    struct rig rig;
    rig_init(&rig, 1, 0.25, 0.75, 0);
    rig_stages(&rig, three, 3);
    rig.load.threads = worker_counts[w];
    rig_run(&rig);
    static const uint64_t started[] = { 610, 600 + 1220, 610 + 600 };
    static const double users[] = { 10, 30, 20 };
    for (size_t i = 0; i < 3; i++) {
      assert_int_equal(rig.stages[i].tally.started, started[i]);
      assert_int_equal(rig.stages[i].tasks, started[i]);
      assert_int_equal(rig.stages[i].facts.measured_ns, 60500 * MS);
      assert_int_equal(rig.stages[i].facts.begin_ns, (int64_t)i * 60500 * MS);
      assert_near(rig.stages[i].facts.users_mean, users[i]);
      assert_near(rig.stages[i].facts.stage.to, users[i]);
      assert_near(rig.stages[i].facts.in_flight_mean, (double)started[i] * 0.25 / 60.5);
    }
    assert_near(rig.facts.users_mean, 20);
    assert_true(fabs(rig.validity.users_closure) < 1e-9);
    assert_true(fabs(rig.validity.requests_closure) < 1e-9);
    assert_true(rig.validity.valid);
    rig_fini(&rig);
  }
}

/* Requests of 7 s, back to back; stages of 10 s. */
static void a_request_belongs_to_the_stage_that_it_started_in(void **state) {
  (void)state;
  static const struct sp_stage stages[] = { { 2, 2, 10 * S }, { 2, 2, 10 * S } };
  struct rig rig;
  rig_init(&rig, 1, 7, 0, 0);
  rig_stages(&rig, stages, 2);
  rig_run(&rig);
  assert_int_equal(rig.stages[0].tally.ok, 4); /* at 0 and 7 s; the latter end at 14 s */
  assert_int_equal(rig.stages[1].tally.ok, 2); /* at 14 s, to the end at 21 s */
  assert_int_equal(rig.stages[0].facts.measured_ns, 10 * S);
  assert_int_equal(rig.stages[1].facts.measured_ns, 11 * S);
  assert_near(rig.stages[0].facts.in_flight_mean, 2);
  assert_near(rig.stages[1].facts.in_flight_mean, 2);
  rig_fini(&rig);
}

static void warm_up_within_stages(void **state) {
  (void)state;
  for (unsigned w = 0; w < WORKER_COUNTS; w++) {
    struct rig rig;
    rig_init(&rig, 1, 0.25, 0.75, 0);
    rig_stages(&rig, three, 3);
    rig.load.warm_up_ns = 70100 * MS; /* the first stage, and ten seconds of the second; nothing else happens then */
    rig.load.threads = worker_counts[w];
    rig_run(&rig);
    assert_int_equal(rig.stages[0].tally.started, 0);
    assert_int_equal(rig.stages[0].facts.measured_ns, 0);
    assert_true(isnan(rig.stages[0].facts.users_mean));
    assert_int_equal(rig.stages[1].tally.started, 10 * 50 + 20 * 51);
    assert_near(rig.stages[1].facts.users_mean, 30);
    assert_int_equal(rig.stages[1].facts.measured_ns, 50900 * MS);
    assert_int_equal(rig.stages[2].tally.started, 1210);
    assert_true(fabs(rig.validity.users_closure) < 1e-9);
    rig_fini(&rig);
  }
}

static void a_run_that_ends_before_its_stages(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 1, 0.25, 0.75, 0);
  rig_stages(&rig, three, 3);
  rig.load.run_time_ns = 70500 * MS;
  rig_run(&rig);
  assert_int_equal(rig.stages[1].facts.measured_ns, 10 * S);
  assert_near(rig.stages[1].facts.users_mean, 30);
  assert_int_equal(rig.stages[2].facts.measured_ns, 0);
  assert_int_equal(rig.stages[2].tally.started, 0);
  rig_fini(&rig);
}

static uint64_t stages_print(unsigned workers) {
  static const struct sp_stage stages[] = { { 3, 40, 100 * S }, { 40, 40, 100 * S }, { 12, 5, 100 * S } };
  struct rig rig;
  rig_init(&rig, 1, 0.4, 0, 0);
  rig.class.think = (struct sp_think){ SP_THINK_EXPONENTIAL, 1.1, 0 };
  rig.null.exponential = true;
  rig_stages(&rig, stages, 3);
  rig.load.spawn_per_s = 3;
  rig.load.threads = workers;
  rig_run(&rig);
  uint64_t print = rig_fingerprint(rig.totals);
  for (size_t i = 0; i < 3; i++) print = print * 31 + rig.stages[i].tally.ok;
  assert_true(fabs(rig.validity.users_closure) < 1e-9);
  rig_fini(&rig);
  return print;
}

static void same_numbers_over_any_number_of_workers(void **state) {
  (void)state;
  uint64_t print = stages_print(1);
  assert_true(print == stages_print(2));
  assert_true(print == stages_print(5));
}

static void iterations_with_stages(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 1, 0.25, 0.75, 0);
  rig_stages(&rig, three, 3);
  rig.load.iterations = 1000;
  rig.load.threads = 3;
  rig_run(&rig);
  assert_int_equal(rig.tally.ok, 1000);
  assert_int_equal(rig.stages[0].tally.ok, 610);
  assert_int_equal(rig.stages[1].tally.ok, 390);
  rig_fini(&rig);
}

/* -- in flight -- */

static void so_many_are_held_open(void **state) {
  (void)state;
  for (unsigned w = 0; w < WORKER_COUNTS; w++) {
    struct rig rig;
    rig_init(&rig, 25, 3, 5, 120 * S); /* the class's pause plays no role */
    rig.null.exponential = true;
    rig.load.kind = SP_LOAD_IN_FLIGHT;
    rig.load.threads = worker_counts[w];
    rig_run(&rig);
    for (unsigned i = 0; i < 119; i++) assert_int_equal(rig.ticks[i].in_flight, 25);
    assert_near(rig.facts.in_flight_mean, 25);
    assert_near(rig.facts.users_mean, 25);
    assert_in_range(rig.tally.ok, 1000 - 5 * 32, 1025 + 5 * 32); /* Poisson, one each 3 s / 25 */
    assert_true(fabs(rig.validity.users_closure) < 1e-9);
    assert_true(fabs(rig.validity.requests_closure) < 1e-6); /* samples are kept in us */
    rig_fini(&rig);
  }
}

static void in_flight_by_stages(void **state) {
  (void)state;
  static const struct sp_stage stages[] = { { 5, 5, 20 * S }, { 5, 15, 20 * S }, { 15, 15, 20 * S } };
  struct rig rig;
  rig_init(&rig, 1, 0.1, 0, 0);
  rig.load.kind = SP_LOAD_IN_FLIGHT;
  rig_stages(&rig, stages, 3);
  rig.load.warm_up_ns = 5 * S;
  rig_run(&rig);
  assert_near(rig.stages[0].facts.in_flight_mean, 5);
  assert_true(fabs(rig.stages[1].facts.in_flight_mean - 10) < 0.01);
  assert_near(rig.stages[2].facts.in_flight_mean, 15);
  assert_in_range(rig.stages[0].tally.ok, 5 * 150, 5 * 150);
  rig_fini(&rig);
}

static void iterations_in_flight(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 8, 0.5, 9, 0);
  rig.load.kind = SP_LOAD_IN_FLIGHT;
  rig.load.iterations = 100;
  rig.load.threads = 3;
  rig_run(&rig);
  assert_int_equal(rig.tally.ok, 100);
  assert_int_equal(rig.facts.duration_ns, 6500 * MS);
  rig_fini(&rig);
}

/* -- changes -- */

static int stairs(void *ctx, double elapsed_s, struct sp_shape_point *out) {
  double *end_s = ctx;
  out->level = 10 + 10 * floor(elapsed_s / 5);
  return elapsed_s >= *end_s;
}

static void a_shape_of_the_plans_own(void **state) {
  (void)state;
  for (unsigned w = 0; w < WORKER_COUNTS; w++) {
    double end_s = 20;
    struct rig rig;
    rig_init(&rig, 1, 0.01, 0.02, 0);
    rig.load.shape = stairs;
    rig.load.shape_ctx = &end_s;
    rig.load.shape_period_ns = 500 * MS;
    rig.load.threads = worker_counts[w];
    rig_run(&rig);
    for (unsigned i = 0; i < 19; i++)
      if ((i + 1) % 5 != 0) assert_int_equal(rig.ticks[i].users, 10 + 10 * ((i + 1) / 5));
    assert_int_equal(rig.facts.duration_ns / MS / 100, 200);
    assert_int_equal(rig.facts.users_max, 40);
    assert_int_equal(rig.stage_count, 0);
    rig_fini(&rig);
  }
}

static int forever(void *ctx, double elapsed_s, struct sp_shape_point *out) {
  unsigned *asked = ctx;
  (void)elapsed_s;
  ++*asked;
  out->level = 5;
  return 0;
}

static void seven_at_3s(struct rig *rig, const struct sp_run_view *view) {
  if (view->elapsed_ns == 3 * S) sp_run_set_users(rig->run, 7, 0);
}

static void a_setter_takes_over(void **state) {
  (void)state;
  unsigned asked = 0;
  struct rig rig;
  rig_init(&rig, 1, 0.01, 0.02, 10 * S);
  rig.load.shape = forever;
  rig.load.shape_ctx = &asked;
  rig.at_tick = seven_at_3s;
  rig_run(&rig);
  assert_int_equal(rig.ticks[1].users, 5);
  assert_int_equal(rig.ticks[8].users, 7);
  assert_in_range(asked, 3, 4);
  rig_fini(&rig);

  rig_init(&rig, 1, 0.25, 0.75, 0);
  rig_stages(&rig, three, 3);
  rig.load.threads = 2;
  rig.at_tick = seven_at_3s;
  rig_run(&rig);
  assert_int_equal(rig.ticks[100].users, 7);
  assert_int_equal(rig.facts.duration_ns / S, 181); /* it still ends with its stages */
  assert_near(rig.stages[2].facts.users_mean, 7);
  rig_fini(&rig);
}

static void three_users(struct rig *rig) { sp_run_set_users(rig->run, 3, 0); }

static void a_setter_before_the_start(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 1, 0.25, 0.75, 30 * S);
  rig_stages(&rig, three, 3);
  rig.at_create = three_users;
  rig_run(&rig);
  assert_int_equal(rig.facts.users_max, 3);
  assert_near(rig.stages[0].facts.users_mean, 3); /* figures go on by the stages as they were asked for */
  rig_fini(&rig);
}

/* A user's start that takes time is neither task nor pause: the law is of users that can run tasks. */
static void starts_that_take_time(void **state) {
  (void)state;
  static const struct sp_stage stages[] = { { 20, 20, 20 * S }, { 5, 60, 30 * S }, { 30, 30, 20 * S } };
  struct station *station = sp_alloc(sizeof(*station));
  struct rig rig;
  rig_init(&rig, 1, 0, 0.8, 0);
  rig_stages(&rig, stages, 3);
  *station = (struct station){ .service_ns = 700 * MS, .user_start_ns = 3 * S };
  rig.type = &station_type;
  rig.type_conf = station;
  rig_run(&rig);
  assert_true(fabs(rig.validity.users_closure) < 1e-9);
  assert_true(fabs(rig.validity.requests_closure) < 1e-9);
  assert_true(rig.facts.users_law.observed < rig.facts.users_mean - 1);
  assert_true(rig.validity.valid);
  free(station);
  rig_fini(&rig);
}

static void too_little_for_a_law(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 9, 1, 0, 10 * S); /* 90 tasks */
  rig_run(&rig);
  assert_true(isnan(rig.validity.closure_error));
  rig_fini(&rig);
  rig_init(&rig, 90, 0.1, 0, 900 * MS); /* under a second */
  rig_run(&rig);
  assert_true(isnan(rig.validity.users_closure));
  rig_fini(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(users_at_every_second),
    cmocka_unit_test(figures_of_stages),
    cmocka_unit_test(a_request_belongs_to_the_stage_that_it_started_in),
    cmocka_unit_test(warm_up_within_stages),
    cmocka_unit_test(a_run_that_ends_before_its_stages),
    cmocka_unit_test(same_numbers_over_any_number_of_workers),
    cmocka_unit_test(iterations_with_stages),
    cmocka_unit_test(so_many_are_held_open),
    cmocka_unit_test(in_flight_by_stages),
    cmocka_unit_test(iterations_in_flight),
    cmocka_unit_test(a_shape_of_the_plans_own),
    cmocka_unit_test(a_setter_takes_over),
    cmocka_unit_test(a_setter_before_the_start),
    cmocka_unit_test(starts_that_take_time),
    cmocka_unit_test(too_little_for_a_law),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
