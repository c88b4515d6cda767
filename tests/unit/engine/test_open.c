/* Open loops on a fake loop: arrivals whatever the service does, the pool, what could not be made, replay. */
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

static const struct sp_hist *e2e_of(const struct rig *rig) {
  return &rig_cell(rig->totals, "u", "t")->metrics[SP_METRIC_E2E];
}

static void assert_same_hist(const struct sp_hist *a, const struct sp_hist *b) {
  struct sp_hist_bucket x, y;
  uint32_t at_a = 0, at_b = 0;
  assert_int_equal(a->count, b->count);
  while (sp_hist_next(a, &at_a, &x)) {
    assert_true(sp_hist_next(b, &at_b, &y));
    assert_int_equal(x.low, y.low);
    assert_int_equal(x.count, y.count);
  }
}

/* 20 a second, 0.3 s each: six at a time. Of the last ones 0.75 request-seconds lie behind the end. */
static void a_minute_of_even_arrivals(void **state) {
  (void)state;
  for (unsigned w = 0; w < WORKER_COUNTS; w++) {
    struct rig rig;
    rig_init(&rig, 1, 0.3, 5, 60 * S); /* think time plays no role */
    rig_rate(&rig, 20, SP_ARRIVALS_EVEN);
    rig.load.threads = worker_counts[w];
    rig_run(&rig);
    assert_int_equal(rig.tally.ok, 1200);
    assert_int_equal(rig.totals->arrivals, 1200);
    assert_int_equal(rig.totals->late_starts, 0);
    assert_int_equal(rig.totals->start_lag.count, 1200);
    assert_int_equal(rig.totals->start_lag.max, 0);
    assert_int_equal(e2e_of(&rig)->min, 300000);
    assert_int_equal(e2e_of(&rig)->max, 300000);
    assert_int_equal(rig.facts.arrivals_planned, 1200);
    assert_int_equal(rig.facts.arrivals_made, 1200);
    assert_int_equal(rig.facts.arrivals_dropped, 0);
    assert_near(rig.facts.in_flight_mean, (1200 * 0.3 - 0.75) / 60);
    if (worker_counts[w] <= 2) assert_int_equal(rig.facts.users_max, 6);
    if (worker_counts[w] == 1) assert_near(rig.facts.users_mean, (6 * 60 - 0.75) / 60);
    assert_int_equal(rig.facts.measured_ns, 60250 * MS);
    for (unsigned i = 0; i < 59; i++) {
      assert_near(rig.ticks[i].rate_target, 20);
      assert_in_range(rig.ticks[i].totals.started, 20 * (i + 1), 20 * (i + 1) + 1);
    }
    assert_true(rig.validity.valid);
    assert_true(isnan(rig.validity.users_closure));
    assert_true(fabs(rig.validity.requests_closure) < 1e-9);
    rig_fini(&rig);
  }
}

static uint64_t poisson_print(uint64_t seed, unsigned workers) {
  static const struct sp_task_spec tasks[] = { { "often", 3 }, { "rare", 1 } };
  static const struct sp_class_spec classes[] = {
    { .name = "a", .weight = 2, .tasks = tasks, .task_count = 2 },
    { .name = "b", .weight = 1, .tasks = tasks, .task_count = 2 },
  };
  struct rig rig;
  rig_init(&rig, 1, 0.4, 0, 300 * S);
  rig_rate(&rig, 31, SP_ARRIVALS_POISSON);
  rig.classes = classes;
  rig.class_count = 2;
  rig.load.seed = seed;
  rig.load.threads = workers;
  rig_run(&rig);
  /* Poisson: mean 9300, standard deviation 96. */
  assert_in_range(rig.tally.ok, 9300 - 5 * 96, 9300 + 5 * 96);
  uint64_t of_a = rig_cell(rig.totals, "a", "often")->started + rig_cell(rig.totals, "a", "rare")->started;
  assert_in_range(3 * of_a, 2 * rig.tally.started - 2, 2 * rig.tally.started + 2);
  uint64_t print = rig_cell(rig.totals, "a", "often")->started;
  print = print * 100003 + rig_cell(rig.totals, "b", "often")->started;
  print = print * 100003 + rig.tally.started;
  rig_fini(&rig);
  return print;
}

/* The same arrivals, classes and tasks, whoever makes them. */
static void poisson_is_the_same_over_any_number_of_workers(void **state) {
  (void)state;
  uint64_t print = poisson_print(7, 1);
  assert_true(print == poisson_print(7, 2));
  assert_true(print == poisson_print(7, 5));
  assert_true(print != poisson_print(8, 1));
}

static void an_hour_without_drift(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 1, 0.05, 0, 3600 * S);
  rig_rate(&rig, 7, SP_ARRIVALS_EVEN);
  rig.load.threads = 2;
  rig.at_tick = NULL;
  struct station *station = sp_alloc(sizeof(*station));
  station->service_ns = 50 * MS;
  rig.type = &station_type;
  rig.type_conf = station;
  rig.load.iterations = 19000; /* what a station remembers */
  rig.load.stop_timeout_ns = S;
  rig_run(&rig);
  for (size_t i = 0; i < station->starts; i++) {
    int64_t expected_ns = llround((double)station->arrival[i] * 1e9 / 7);
    assert_true(llabs(station->due_ns[i] - expected_ns) <= 1);
  }
  assert_int_equal(rig.tally.ok, 19000);
  free(station);
  rig_fini(&rig);
}

static void ramps_follow_the_integral(void **state) {
  (void)state;
  static const struct sp_stage stages[] = { { 0, 40, 40 * S }, { 40, 40, 20 * S }, { 40, 10, 30 * S },
                                            { 0, 0, 5 * S } };
  for (unsigned w = 0; w < WORKER_COUNTS; w++) {
    struct rig rig;
    rig_init(&rig, 1, 0.02, 0, 0);
    rig_rate(&rig, 0, SP_ARRIVALS_EVEN);
    rig_stages(&rig, stages, 4);
    rig.load.threads = worker_counts[w];
    rig_run(&rig);
    assert_int_equal(rig.tally.ok, 800 + 800 + 750);
    for (unsigned i = 0; i < 40; i++) {
      double t = i + 1;
      assert_in_range(rig.ticks[i].totals.started, (uint64_t)(t * t / 2), (uint64_t)(t * t / 2) + 1);
    }
    assert_int_equal(rig.stages[0].arrivals, 800);
    assert_int_equal(rig.stages[1].arrivals, 800);
    assert_int_equal(rig.stages[2].arrivals, 750);
    assert_int_equal(rig.stages[3].arrivals, 0);
    assert_near(rig.stages[1].facts.in_flight_mean, 40 * 0.02);
    assert_int_equal(rig.stages[3].facts.measured_ns, 5 * S);
    assert_int_equal(rig.facts.duration_ns, 95 * S);
    rig_fini(&rig);
  }
}

/* 10 a second, a second each, room for five: of each second's ten, the first five are served. */
static void what_finds_no_room_is_dropped(void **state) {
  (void)state;
  for (unsigned w = 0; w < WORKER_COUNTS; w++) {
    struct rig rig;
    rig_init(&rig, 1, 1, 0, 60 * S);
    rig_rate(&rig, 10, SP_ARRIVALS_EVEN);
    rig.load.max_in_flight = 5;
    rig.load.threads = worker_counts[w];
    rig_run(&rig);
    assert_int_equal(rig.tally.ok, 300);
    assert_int_equal(rig.totals->dropped_starts, 300);
    assert_int_equal(rig.facts.arrivals_planned, 600);
    assert_int_equal(rig.facts.arrivals_made, 300);
    assert_int_equal(rig.facts.arrivals_dropped, 300);
    assert_int_equal(e2e_of(&rig)->max, 1000000);
    assert_false(rig.validity.valid);
    assert_non_null(strstr(rig.validity.reasons[0], "300 starts (50.0 % of 600)"));
    assert_non_null(strstr(rig.validity.reasons[0], "--max-in-flight"));
    rig_fini(&rig);
  }
}

/* Who stays idle serves again: the pool is no larger than the most that were in flight. */
static void the_pool_grows_as_needed(void **state) {
  (void)state;
  static const struct sp_stage stages[] = { { 10, 10, 10 * S }, { 100, 100, 10 * S }, { 10, 10, 10 * S } };
  struct station *station = sp_alloc(sizeof(*station));
  struct rig rig;
  rig_init(&rig, 1, 0, 0, 0);
  rig_rate(&rig, 0, SP_ARRIVALS_EVEN);
  rig_stages(&rig, stages, 3);
  station->service_ns = 495 * MS;
  rig.type = &station_type;
  rig.type_conf = station;
  rig_run(&rig);
  assert_int_equal(rig.facts.users_max, 50);
  assert_int_equal(station->users_started, 50);
  assert_int_equal(station->users_stopped, 50);
  assert_int_equal(rig.ticks[8].users, 5);
  assert_int_equal(rig.ticks[28].users, 50); /* they retire when the run ends */
  free(station);
  rig_fini(&rig);
}

/* The service stands still for 2 s. An open loop goes on asking, so the stop is in the latencies in full: the
 * histogram is the one that follows from the due times alone. */
static void a_stop_of_the_service_is_seen_in_full(void **state) {
  (void)state;
  struct station *station = sp_alloc(sizeof(*station));
  struct rig rig;
  struct sp_hist expected;
  rig_init(&rig, 1, 0, 0, 20 * S);
  rig_rate(&rig, 50, SP_ARRIVALS_EVEN);
  *station = (struct station){ .service_ns = 10 * MS, .stop_ns = 10 * S, .stopped_ns = 2 * S };
  rig.type = &station_type;
  rig.type_conf = station;
  rig_run(&rig);
  sp_hist_init(&expected);
  for (int64_t k = 0; k < 1000; k++)
    sp_hist_record_ns(&expected, station_end_ns(station, k * 20 * MS) - k * 20 * MS);
  assert_same_hist(e2e_of(&rig), &expected);
  assert_int_equal(e2e_of(&rig)->max, 2010000); /* the first that it caught waited for all of it */
  assert_in_range(sp_hist_percentile(e2e_of(&rig), 95), 980000, 1040000); /* a tenth of all came in the stop */
  assert_int_equal(rig.facts.users_max, 101);
  assert_int_equal(rig.totals->late_starts, 0);
  sp_hist_fini(&expected);
  free(station);
  rig_fini(&rig);
}

/* The closed loop for comparison: its one user asks once in the stop. */
static void a_closed_loop_hides_it(void **state) {
  (void)state;
  struct station *station = sp_alloc(sizeof(*station));
  struct rig rig;
  rig_init(&rig, 1, 0, 0.01, 20 * S);
  *station = (struct station){ .service_ns = 10 * MS, .stop_ns = 10 * S, .stopped_ns = 2 * S };
  rig.type = &station_type;
  rig.type_conf = station;
  rig_run(&rig);
  assert_in_range(sp_hist_percentile(e2e_of(&rig), 99), 10000, 10010);
  free(station);
  rig_fini(&rig);
}

/* 10 a second, 50 ms each; a user's start takes 200 ms. At 0, 0.1 and 0.2 s nobody is idle; then there is. */
static void latency_counts_from_the_arrival(void **state) {
  (void)state;
  struct station *station = sp_alloc(sizeof(*station));
  struct rig rig;
  rig_init(&rig, 1, 0, 0, 30 * S);
  rig_rate(&rig, 10, SP_ARRIVALS_EVEN);
  *station = (struct station){ .service_ns = 50 * MS, .user_start_ns = 200 * MS };
  rig.type = &station_type;
  rig.type_conf = station;
  rig_run(&rig);
  assert_int_equal(rig.tally.ok, 300);
  assert_int_equal(rig.facts.users_max, 3);
  assert_int_equal(e2e_of(&rig)->max, 250000);
  assert_int_equal(e2e_of(&rig)->min, 50000);
  assert_near(sp_hist_mean(e2e_of(&rig)), (3 * 250000 + 297 * 50000) / 300.0);
  assert_int_equal(rig.totals->late_starts, 0); /* the generator was not late: the target's log-in took so long */
  assert_int_equal(rig.totals->start_lag.max, 0);
  assert_true(rig.validity.valid);
  assert_true(fabs(rig.validity.requests_closure) < 1e-9);
  free(station);
  rig_fini(&rig);
}

static void a_user_that_leaves_in_its_start(void **state) {
  (void)state;
  for (int64_t start_ns = 0; start_ns <= 20 * MS; start_ns += 20 * MS) {
    struct station *station = sp_alloc(sizeof(*station));
    struct rig rig;
    rig_init(&rig, 1, 0, 0, 0);
    rig_rate(&rig, 10, SP_ARRIVALS_EVEN);
    *station = (struct station){ .service_ns = 350 * MS, .user_start_ns = start_ns, .leaves_at_start = 2 };
    rig.type = &station_type;
    rig.type_conf = station;
    rig.load.iterations = 40;
    rig_run(&rig);
    assert_int_equal(rig.tally.ok, 39);
    assert_int_equal(rig.facts.arrivals_dropped, 1);
    assert_int_equal(station->users_started, station->users_stopped);
    free(station);
    rig_fini(&rig);
  }
}

static void iterations_are_exact(void **state) {
  (void)state;
  for (unsigned threads = 1; threads <= 4; threads++) {
    struct rig rig;
    rig_init(&rig, 1, 0.25, 0, 0);
    rig_rate(&rig, 10, SP_ARRIVALS_EVEN);
    rig.load.iterations = 137;
    rig.load.threads = threads;
    rig_run(&rig);
    assert_int_equal(rig.tally.ok, 137);
    assert_int_equal(rig.facts.arrivals_planned, 137);
    assert_int_equal(rig.facts.duration_ns, 13850 * MS);
    rig_fini(&rig);
  }
}

static void dropped_starts_are_no_iterations(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 1, 1, 0, 0);
  rig_rate(&rig, 10, SP_ARRIVALS_EVEN);
  rig.load.max_in_flight = 5;
  rig.load.iterations = 10;
  rig_run(&rig);
  assert_int_equal(rig.tally.ok, 10);
  assert_int_equal(rig.totals->dropped_starts, 5);
  rig_fini(&rig);
}

static void warm_up(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 1, 0.35, 0, 20 * S);
  rig_rate(&rig, 10, SP_ARRIVALS_EVEN);
  rig.load.warm_up_ns = 10 * S;
  rig.load.threads = 2;
  rig_run(&rig);
  assert_int_equal(rig.tally.ok, 100);
  assert_int_equal(rig.tally_all.ok, 200);
  assert_int_equal(rig.facts.arrivals_planned, 100);
  assert_int_equal(rig.facts.measured_ns, 10250 * MS);
  /* What started in the warm-up is in flight when it ends, and counts in the mean of what is there. */
  assert_near(rig.facts.in_flight_mean, 10 * 0.35);
  rig_fini(&rig);
}

/* -- changes -- */

static void to_forty(struct rig *rig, const struct sp_run_view *view) {
  if (view->elapsed_ns == 10 * S) sp_run_set_rate(rig->run, 40);
  if (view->elapsed_ns == 12 * S) sp_run_set_users(rig->run, 7, 0); /* not of this kind: nothing */
  if (view->elapsed_ns == 20 * S) sp_run_set_rate(rig->run, 0);
  if (view->elapsed_ns == 25 * S) sp_run_set_rate(rig->run, -3);
  if (view->elapsed_ns == 28 * S) sp_run_set_rate(rig->run, 30);
}

/* R: 100.5 by 10.05 s, 398 + 2 more by 20.05 s, none until 28.05 s, 58.5 by 30 s. */
static void set_rate(void **state) {
  (void)state;
  for (unsigned w = 0; w < WORKER_COUNTS; w++) {
    struct rig rig;
    rig_init(&rig, 1, 0.03, 0, 30 * S);
    rig_rate(&rig, 10, SP_ARRIVALS_EVEN);
    rig.load.threads = worker_counts[w];
    rig.at_tick = to_forty;
    rig_run(&rig);
    assert_int_equal(rig.tally.ok, (uint64_t)(100.5 + 400 + 58.5));
    assert_near(rig.ticks[14].rate_target, 40);
    assert_near(rig.ticks[22].rate_target, 0);
    assert_int_equal(rig.ticks[22].users_target, 0);
    assert_int_equal(rig.ticks[21].totals.started, rig.ticks[26].totals.started);
    rig_fini(&rig);
  }
}

static int steps_of_the_plan(void *ctx, double elapsed_s, struct sp_shape_point *out) {
  unsigned *asked = ctx;
  ++*asked;
  if (elapsed_s >= 15) return 1;
  out->level = elapsed_s < 5 ? 10 : elapsed_s < 10 ? 50 : 0;
  return 0;
}

static void five_a_second(struct rig *rig) { sp_run_set_rate(rig->run, 5); }

static void set_rate_before_the_start(void **state) {
  (void)state;
  static const struct sp_stage stages[] = { { 10, 10, 10 * S }, { 50, 50, 10 * S } };
  struct rig rig;
  rig_init(&rig, 1, 0.03, 0, 15 * S);
  rig_rate(&rig, 0, SP_ARRIVALS_EVEN);
  rig_stages(&rig, stages, 2);
  rig.at_create = five_a_second;
  rig_run(&rig);
  assert_int_equal(rig.tally.ok, 75);
  assert_int_equal(rig.stages[1].tally.ok, 25);
  rig_fini(&rig);
}

static void a_shape_of_the_plans_own(void **state) {
  (void)state;
  for (unsigned w = 0; w < WORKER_COUNTS; w++) {
    for (int64_t period_ns = 100 * MS; period_ns <= S; period_ns *= 10) {
      unsigned asked = 0;
      struct rig rig;
      rig_init(&rig, 1, 0.03, 0, 0);
      rig_rate(&rig, 0, SP_ARRIVALS_EVEN);
      rig.load.shape = steps_of_the_plan;
      rig.load.shape_ctx = &asked;
      rig.load.shape_period_ns = period_ns;
      rig.load.threads = worker_counts[w];
      rig_run(&rig);
      assert_int_equal(rig.tally.ok, 300);
      assert_int_equal(asked, 15 * S / period_ns + 1);
      assert_int_equal(rig.facts.duration_ns, 15 * S);
      rig_fini(&rig);
    }
  }
}

static int broken_shape(void *ctx, double elapsed_s, struct sp_shape_point *out) {
  int *kind = ctx;
  out->level = 10;
  if (elapsed_s < 3 && *kind != 2) return 0;
  if (*kind == 1) out->level = (double)NAN;
  if (*kind == 1) return 0;
  out->why = "plan.lua:7: attempt to index a nil value";
  return -1;
}

static void a_shape_that_fails_ends_the_run(void **state) {
  (void)state;
  for (int kind = 0; kind < 3; kind++) {
    struct rig rig;
    rig_init(&rig, 1, 0.01, 0, 60 * S);
    rig_rate(&rig, 0, SP_ARRIVALS_EVEN);
    rig.load.shape = broken_shape;
    rig.load.shape_ctx = &kind;
    rig_run(&rig);
    assert_non_null(strstr(rig.aborted, kind == 1 ? "gave no number" : "plan.lua:7"));
    assert_true(rig.facts.duration_ns <= 3 * S);
    assert_int_equal(rig.tally.ok, kind == 2 ? 0 : 30);
    rig_fini(&rig);
  }
}

static void stop_at_3s(struct rig *rig, const struct sp_run_view *view) {
  if (view->elapsed_ns == 3 * S) sp_run_stop(rig->run);
}

static void stopped_and_cut(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 1, 100, 0, 0);
  rig_rate(&rig, 10, SP_ARRIVALS_EVEN);
  rig.load.threads = 2;
  rig.load.stop_timeout_ns = 2 * S;
  rig.at_tick = stop_at_3s;
  rig_run(&rig);
  assert_in_range(rig.tally.cancelled, 30, 31); /* the one that is due at 3 s */
  assert_int_equal(rig.facts.arrivals_dropped, 0);
  assert_int_equal(rig.facts.duration_ns, 5 * S);
  rig_fini(&rig);
}

/* -- replay -- */

static void replay(void **state) {
  (void)state;
  static const int64_t trace[] = { 0, 0, 5 * MS, S, S, S, 7 * S, 7 * S + 1 };
  enum { COUNT = sizeof(trace) / sizeof(trace[0]) };
  for (unsigned threads = 1; threads <= 3; threads++) {
    struct station *station = sp_alloc(sizeof(*station));
    struct rig rig;
    unsigned seen = 0;
    rig_init(&rig, 1, 0, 0, 0);
    rig.load.kind = SP_LOAD_RATE;
    rig.load.trace = trace;
    rig.load.trace_count = COUNT;
    rig.load.threads = threads;
    station->service_ns = 400 * MS;
    rig.type = &station_type;
    rig.type_conf = station;
    rig_run(&rig);
    assert_int_equal(rig.tally.ok, COUNT);
    assert_int_equal(station->starts, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
      assert_int_equal(station->due_ns[i], trace[station->arrival[i]]);
      seen |= 1u << station->arrival[i];
    }
    assert_int_equal(seen, (1u << COUNT) - 1);
    assert_int_equal(rig.facts.duration_ns, 7400 * MS + 1);
    free(station);
    rig_fini(&rig);
  }
}

static void a_trace_is_cut_by_the_run_time(void **state) {
  (void)state;
  static const int64_t trace[] = { 0, S, 2 * S, 3 * S, 4 * S };
  struct rig rig;
  rig_init(&rig, 1, 0.1, 0, 2500 * MS);
  rig.load.kind = SP_LOAD_RATE;
  rig.load.trace = trace;
  rig.load.trace_count = 5;
  rig.load.threads = 3;
  rig_run(&rig);
  assert_int_equal(rig.tally.ok, 3);
  assert_int_equal(rig.facts.arrivals_planned, 3);
  assert_int_equal(rig.facts.duration_ns, 2500 * MS);
  rig_fini(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_minute_of_even_arrivals),
    cmocka_unit_test(poisson_is_the_same_over_any_number_of_workers),
    cmocka_unit_test(an_hour_without_drift),
    cmocka_unit_test(ramps_follow_the_integral),
    cmocka_unit_test(what_finds_no_room_is_dropped),
    cmocka_unit_test(the_pool_grows_as_needed),
    cmocka_unit_test(a_stop_of_the_service_is_seen_in_full),
    cmocka_unit_test(a_closed_loop_hides_it),
    cmocka_unit_test(latency_counts_from_the_arrival),
    cmocka_unit_test(a_user_that_leaves_in_its_start),
    cmocka_unit_test(iterations_are_exact),
    cmocka_unit_test(dropped_starts_are_no_iterations),
    cmocka_unit_test(warm_up),
    cmocka_unit_test(set_rate),
    cmocka_unit_test(set_rate_before_the_start),
    cmocka_unit_test(a_shape_of_the_plans_own),
    cmocka_unit_test(a_shape_that_fails_ends_the_run),
    cmocka_unit_test(stopped_and_cut),
    cmocka_unit_test(replay),
    cmocka_unit_test(a_trace_is_cut_by_the_run_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
