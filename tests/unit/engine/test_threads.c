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
    cmocka_unit_test(threads_have_names),
    cmocka_unit_test(warm_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
