/* Short runs on real loops and threads. Nothing here holds the machine to a speed. */
#include "rig.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void a_short_run(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 30, 0.01, 0.005, 500 * MS);
  rig.real = true;
  rig.load.threads = 3;
  rig.null.exponential = true;
  rig_run(&rig);
  assert_true(rig.tally.started >= 30);
  assert_int_equal(rig.tally.ok, rig.tally.started);
  assert_int_equal(rig.totals->tasks, rig.tally.ok);
  assert_int_equal(rig.facts.users_max, 30);
  assert_int_equal(rig.facts.threads, 3);
  assert_true(rig.facts.duration_ns >= 500 * MS);
  assert_true(rig.totals->cpu_ns > 0);
  assert_true(rig.totals->loop_lag.count > 0);
  assert_true(rig.facts.cpu_share > 0 && rig.facts.cpu_share <= 1.01);
  rig_fini(&rig);
}

static void as_many_threads_as_processors(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 4, 0.01, 0, 100 * MS);
  rig.real = true;
  rig.load.threads = 0;
  rig_run(&rig);
  assert_in_range(rig.facts.threads, 1, SP_THREADS_MAX);
  rig_fini(&rig);
}

static void iterations_are_exact(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 9, 0, 0, 0);
  rig.real = true;
  rig.load.threads = 4;
  rig.load.iterations = 5000;
  rig_run(&rig);
  assert_int_equal(rig.tally.ok, 5000);
  assert_int_equal(rig.totals->tasks, 5000);
  rig_fini(&rig);
}

/* Tasks without any duration or pause must leave the loop its turns, or this never ends. */
static void instant_tasks_do_not_starve_the_loop(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 3, 0, 0, 400 * MS);
  rig.real = true;
  rig.load.threads = 2;
  rig_run(&rig);
  assert_true(rig.tally.ok > 3);
  rig_fini(&rig);
}

static void stop(struct rig *rig, const struct sp_run_view *view) {
  if (view->phase < SP_PHASE_ENDING) sp_run_stop(rig->run);
}

static void cut(struct rig *rig, const struct sp_run_view *view) {
  if (view->phase < SP_PHASE_ENDING) assert_int_equal(view->in_flight, 8);
  sp_run_cut(rig->run);
}

static void stop_from_a_tick(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 8, 0.05, 60, 0);
  rig.real = true;
  rig.load.threads = 2;
  rig.at_tick = stop;
  rig_run(&rig);
  assert_int_equal(rig.tally.ok, 8); /* nobody waits for the minute of thinking */
  rig_fini(&rig);
}

static void cut_from_a_tick(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 8, 600, 0, 0);
  rig.real = true;
  rig.load.threads = 2;
  rig.at_tick = cut;
  rig_run(&rig);
  assert_int_equal(rig.tally.started, 8);
  assert_int_equal(rig.tally.cancelled, 8);
  rig_fini(&rig);
}

static void the_stop_timeout_cuts(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 8, 600, 0, 400 * MS);
  rig.real = true;
  rig.load.threads = 2;
  rig.load.stop_timeout_ns = 50 * MS;
  rig_run(&rig);
  assert_int_equal(rig.tally.cancelled, 8);
  assert_true(rig.facts.measured_ns < rig.facts.duration_ns);
  rig_fini(&rig);
}

static void many_changes(struct rig *rig, const struct sp_run_view *view) {
  if (view->phase >= SP_PHASE_ENDING) return;
  for (unsigned i = 0; i < 40; i++) sp_run_set_users(rig->run, i % 2 ? 50 : 3 + i % 5, i % 3 ? 0 : 1000);
  sp_run_set_users(rig->run, 7, 0);
}

static void set_users(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 5, 0.002, 0.001, 2200 * MS);
  rig.real = true;
  rig.load.threads = 3;
  rig.at_tick = many_changes;
  rig_run(&rig);
  assert_int_equal(rig.ticks[1].users_target, 7);
  assert_in_range(rig.facts.users_max, 5, 50);
  assert_int_equal(rig.tally.ok, rig.tally.started);
  rig_fini(&rig);
}

/* -- types of the tests' own, around the null type -- */

static void abort_in_task(struct sp_user *user, size_t task) {
  if (user->id % 2 == 0) sp_worker_abort_run(user->worker, "nothing left to ask");
  sp_user_null.task_run(user, task);
}

static void several_threads_abort_at_once(void **state) {
  (void)state;
  struct sp_user_type type = sp_user_null;
  type.task_run = abort_in_task;
  struct rig rig;
  rig_init(&rig, 12, 0.02, 0.01, 0);
  rig.real = true;
  rig.load.threads = 3;
  rig.type = &type;
  rig_run(&rig);
  assert_string_equal(rig.aborted, "nothing left to ask");
  assert_int_equal(rig.tally.ok, rig.tally.started);
  rig_fini(&rig);
}

/* Ten tasks are due at once, and each holds the thread up for 15 ms: all but the first are late, however the
 * machine feels. */
static void hold_the_thread_up(struct sp_user *user, size_t task) {
  struct timespec pause = { 0, 15 * MS };
  nanosleep(&pause, NULL);
  sp_user_null.task_run(user, task);
}

static void late_starts_are_found(void **state) {
  (void)state;
  struct sp_user_type type = sp_user_null;
  type.task_run = hold_the_thread_up;
  struct rig rig;
  struct sp_validity validity;
  rig_init(&rig, 10, 0, 0, 0);
  rig.real = true;
  rig.load.iterations = 10;
  rig.type = &type;
  rig_run(&rig);
  assert_in_range(rig.totals->late_starts, 9, 10);
  assert_true(rig_cell(rig.totals, "u", "t")->metrics[SP_METRIC_WAIT].max >= 9 * 15000);
  struct sp_validity_facts facts = { .totals = rig.totals, .cpu_share = rig.facts.cpu_share };
  sp_validity_judge(&facts, &validity);
  assert_false(validity.valid);
  assert_non_null(strstr(validity.reasons[0], "of 10 tasks"));
  rig_fini(&rig);
}

/* Twenty users, one thread that each task holds up for 8 ms: most of a user's time it waits for the generator. */
static void hold_the_thread_up_shortly(struct sp_user *user, size_t task) {
  struct timespec pause = { 0, 8 * MS };
  nanosleep(&pause, NULL);
  sp_user_null.task_run(user, task);
}

static void littles_law_finds_the_generators_part(void **state) {
  (void)state;
  struct sp_user_type type = sp_user_null;
  type.task_run = hold_the_thread_up_shortly;
  struct rig rig;
  rig_init(&rig, 20, 0, 0, 0);
  rig.real = true;
  rig.load.iterations = 180;
  rig.type = &type;
  rig_run(&rig);
  assert_true(rig.validity.users_closure < -0.5);
  bool said = false;
  for (size_t i = 0; i < rig.validity.reason_count; i++)
    said = said || strstr(rig.validity.reasons[i], "Little's law does not close for the users: 2") != NULL ||
           strstr(rig.validity.reasons[i], "Little's law does not close for the users: 1") != NULL;
  assert_true(said);
  rig_fini(&rig);
}

/* The first arrival holds the thread up beyond the end: what was due meanwhile could not be made, and is counted. */
static void hold_the_thread_up_for_long(struct sp_user *user, size_t task) {
  struct timespec pause = { 0, 700 * MS };
  nanosleep(&pause, NULL);
  sp_user_null.task_run(user, task);
}

static void what_is_overdue_at_the_end_is_dropped(void **state) {
  (void)state;
  struct sp_user_type type = sp_user_null;
  type.task_run = hold_the_thread_up_for_long;
  struct rig rig;
  rig_init(&rig, 1, 0, 0, 500 * MS);
  rig.real = true;
  rig_rate(&rig, 100, SP_ARRIVALS_EVEN);
  rig.type = &type;
  rig_run(&rig);
  assert_int_equal(rig.facts.arrivals_planned, 50);
  assert_in_range(rig.facts.arrivals_made, 1, 49);
  assert_int_equal(rig.facts.arrivals_dropped, 50 - rig.facts.arrivals_made);
  rig_fini(&rig);
}

static atomic_int misnamed;

static int look_at_the_name(struct sp_user *user) {
  char name[16], expected[16];
  pthread_getname_np(pthread_self(), name, sizeof(name));
  snprintf(expected, sizeof(expected), "spate-e%u", sp_worker_index(user->worker) + 1);
  return strcmp(name, expected) != 0;
}

static void task_that_looks(struct sp_user *user, size_t task) {
  atomic_fetch_add(&misnamed, look_at_the_name(user));
  sp_user_null.task_run(user, task);
}

static void threads_have_names(void **state) {
  (void)state;
  struct sp_user_type type = sp_user_null;
  type.task_run = task_that_looks;
  struct rig rig;
  rig_init(&rig, 6, 0.001, 0, 0);
  rig.real = true;
  rig.load.threads = 3;
  rig.load.iterations = 60;
  rig.type = &type;
  rig_run(&rig);
  assert_int_equal(atomic_load(&misnamed), 0);
  rig_fini(&rig);
}

/* A warm-up keeps the books closed on both sides of its end. */
static void warm_up(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 20, 0.01, 0, 1000 * MS);
  rig.real = true;
  rig.load.threads = 2;
  rig.load.warm_up_ns = 150 * MS;
  rig_run(&rig);
  assert_true(rig.tally.started > 0);
  assert_true(rig.tally.started < rig.tally_all.started);
  assert_true(rig.facts.measured_ns >= 850 * MS && rig.facts.measured_ns < rig.facts.duration_ns);
  rig_fini(&rig);
}

/* -- the other loads, over real threads -- */

static void open_loop(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 1, 0.02, 0, 700 * MS);
  rig.real = true;
  rig_rate(&rig, 300, SP_ARRIVALS_POISSON);
  rig.load.threads = 3;
  rig_run(&rig);
  /* Due within 0.7 s: mean 210, standard deviation 14.5; all are made, or are dropped at the end as long overdue. */
  assert_in_range(rig.facts.arrivals_planned, 210 - 75, 210 + 75);
  assert_int_equal(rig.facts.arrivals_made + rig.facts.arrivals_dropped, rig.facts.arrivals_planned);
  assert_int_equal(rig.tally.ok, rig.facts.arrivals_made);
  assert_int_equal(rig.totals->start_lag.count, rig.facts.arrivals_made);
  assert_true(rig.facts.users_max >= 1 && rig.facts.in_flight_mean > 0);
  assert_true(rig.facts.thread[2].cpu_share > 0);
  rig_fini(&rig);
}

/* The cap is one for all threads: 30 requests that don't end, of 200 and more that come. */
static void the_cap_is_shared(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 1, 600, 0, 500 * MS);
  rig.real = true;
  rig_rate(&rig, 1000, SP_ARRIVALS_EVEN);
  rig.load.threads = 4;
  rig.load.max_in_flight = 30;
  rig.load.stop_timeout_ns = 0;
  rig_run(&rig);
  assert_int_equal(rig.tally.cancelled, 30);
  assert_int_equal(rig.facts.users_max, 30);
  assert_int_equal(rig.facts.arrivals_planned, 500);
  assert_int_equal(rig.facts.arrivals_dropped, 470);
  rig_fini(&rig);
}

static void rates_up_and_down(struct rig *rig, const struct sp_run_view *view) {
  if (view->phase >= SP_PHASE_ENDING) return;
  for (unsigned i = 0; i < 40; i++) sp_run_set_rate(rig->run, i % 3 ? 100 * i : 0);
  sp_run_set_rate(rig->run, 200);
}

static void set_rate(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 1, 0.002, 0, 2300 * MS);
  rig.real = true;
  rig_rate(&rig, 100, SP_ARRIVALS_EVEN);
  rig.load.threads = 3;
  rig.at_tick = rates_up_and_down;
  rig_run(&rig);
  assert_int_equal(rig.tally.ok, rig.tally.started);
  assert_int_equal(rig.tally.ok, rig.facts.arrivals_made);
  assert_true(rig.ticks[1].rate_target > 199 && rig.ticks[1].rate_target < 3901);
  rig_fini(&rig);
}

static void iterations_of_arrivals(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 1, 0.001, 0, 0);
  rig.real = true;
  rig_rate(&rig, 5000, SP_ARRIVALS_POISSON);
  rig.load.threads = 4;
  rig.load.iterations = 1500;
  rig_run(&rig);
  assert_int_equal(rig.tally.ok, 1500);
  rig_fini(&rig);
}

static void stages(void **state) {
  (void)state;
  static const struct sp_stage users[] = { { 2, 20, 300 * MS }, { 20, 20, 200 * MS }, { 5, 0, 200 * MS } };
  for (int kind = 0; kind <= SP_LOAD_IN_FLIGHT; kind++) {
    struct rig rig;
    rig_init(&rig, 1, 0.004, 0.004, 0);
    rig.real = true;
    rig_rate(&rig, 0, SP_ARRIVALS_POISSON);
    rig.load.kind = (enum sp_load_kind)kind;
    rig_stages(&rig, users, 3);
    rig.load.threads = 3;
    rig.load.warm_up_ns = 50 * MS;
    rig_run(&rig); /* looks whether the stages add up */
    assert_int_equal(rig.stage_count, 3);
    assert_true(rig.facts.duration_ns >= 700 * MS);
    rig_fini(&rig);
  }
}

static void replay(void **state) {
  (void)state;
  int64_t trace[200];
  struct rig rig;
  for (int i = 0; i < 200; i++) trace[i] = i / 2 * MS;
  rig_init(&rig, 1, 0.005, 0, 0);
  rig.real = true;
  rig.load.kind = SP_LOAD_RATE;
  rig.load.trace = trace;
  rig.load.trace_count = 200;
  rig.load.threads = 3;
  rig_run(&rig);
  assert_int_equal(rig.tally.ok, 200);
  rig_fini(&rig);
}

static int wave(void *ctx, double elapsed_s, struct sp_shape_point *out) {
  (void)ctx;
  out->level = elapsed_s < 0.25 ? 5 : 15;
  return elapsed_s > 0.55;
}

static void a_shape_of_the_plans_own(void **state) {
  (void)state;
  for (int kind = 0; kind <= SP_LOAD_IN_FLIGHT; kind++) {
    struct rig rig;
    rig_init(&rig, 1, 0.004, 0.004, 0);
    rig.real = true;
    rig.load.kind = (enum sp_load_kind)kind;
    rig.load.shape = wave;
    rig.load.shape_period_ns = 100 * MS;
    rig.load.threads = 2;
    rig_run(&rig);
    assert_true(rig.tally.ok > 0);
    assert_true(rig.facts.duration_ns >= 600 * MS);
    rig_fini(&rig);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_short_run),
    cmocka_unit_test(as_many_threads_as_processors),
    cmocka_unit_test(iterations_are_exact),
    cmocka_unit_test(instant_tasks_do_not_starve_the_loop),
    cmocka_unit_test(stop_from_a_tick),
    cmocka_unit_test(cut_from_a_tick),
    cmocka_unit_test(the_stop_timeout_cuts),
    cmocka_unit_test(set_users),
    cmocka_unit_test(several_threads_abort_at_once),
    cmocka_unit_test(late_starts_are_found),
    cmocka_unit_test(littles_law_finds_the_generators_part),
    cmocka_unit_test(what_is_overdue_at_the_end_is_dropped),
    cmocka_unit_test(threads_have_names),
    cmocka_unit_test(warm_up),
    cmocka_unit_test(open_loop),
    cmocka_unit_test(the_cap_is_shared),
    cmocka_unit_test(set_rate),
    cmocka_unit_test(iterations_of_arrivals),
    cmocka_unit_test(stages),
    cmocka_unit_test(replay),
    cmocka_unit_test(a_shape_of_the_plans_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
