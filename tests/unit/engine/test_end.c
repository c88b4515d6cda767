/* How runs end, and users that come and go while it runs. On a fake loop. */
#include "rig.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static void assert_tally(const struct sp_tally *tally, uint64_t ok, uint64_t cancelled) {
  assert_int_equal(tally->started, ok + cancelled);
  assert_int_equal(tally->ok, ok);
  assert_int_equal(tally->cancelled, cancelled);
}

/* Tasks of 5 s at 0, 5 and 10 s; the run time ends at 12 s. */
static void what_is_in_flight_may_finish(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 20, 5, 0, 12 * S);
  rig.load.threads = 2;
  rig_run(&rig);
  assert_tally(&rig.tally, 60, 0);
  assert_int_equal(rig.facts.duration_ns, 15 * S);
  assert_int_equal(rig.facts.measured_ns, 15 * S); /* they completed, so their time counts */
  assert_int_equal(rig.ticks[12].phase, SP_PHASE_ENDING);
  rig_fini(&rig);
}

static void the_stop_timeout_cuts(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 20, 5, 0, 12 * S);
  rig.load.threads = 2;
  rig.load.stop_timeout_ns = 1500 * MS;
  rig_run(&rig);
  assert_tally(&rig.tally, 40, 20);
  assert_int_equal(rig.facts.duration_ns, 13500 * MS);
  assert_int_equal(rig.facts.measured_ns, 12 * S);
  const struct sp_cell *cell = rig_cell(rig.totals, "u", "t");
  assert_int_equal(cell->cancelled_age.min, 3500000); /* us */
  assert_int_equal(cell->metrics[SP_METRIC_E2E].count, 40);
  rig_fini(&rig);
}

static void a_stop_timeout_of_zero_cuts_at_once(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 20, 5, 0, 12 * S);
  rig.load.stop_timeout_ns = 0;
  rig_run(&rig);
  assert_tally(&rig.tally, 40, 20);
  assert_int_equal(rig.facts.duration_ns, 12 * S);
  rig_fini(&rig);
}

/* A user that thinks doesn't hold the end up. */
static void pauses_are_cut_short(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 20, 1, 1000, 12 * S);
  rig_run(&rig);
  assert_tally(&rig.tally, 20, 0);
  assert_int_equal(rig.ticks[rig.tick_count - 1].elapsed_ns, 12 * S);
  assert_int_equal(rig.facts.duration_ns, 12 * S);
  rig_fini(&rig);
}

static void stop_at_3s(struct rig *rig, const struct sp_run_view *view) {
  if (view->elapsed_ns >= 3 * S) sp_run_stop(rig->run); /* again and again: harmless */
}

static void stop_then_cut(struct rig *rig, const struct sp_run_view *view) {
  if (view->elapsed_ns == 3 * S) sp_run_stop(rig->run);
  if (view->elapsed_ns == 4 * S) sp_run_cut(rig->run);
  if (view->elapsed_ns == 4 * S) sp_run_cut(rig->run);
}

static void cut_at_3s(struct rig *rig, const struct sp_run_view *view) {
  if (view->elapsed_ns == 3 * S) sp_run_cut(rig->run);
}

static void stop_and_cut_from_a_tick(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 9, 5, 0, 0);
  rig.at_tick = stop_at_3s;
  rig_run(&rig);
  assert_tally(&rig.tally, 9, 0);
  assert_int_equal(rig.facts.duration_ns, 5 * S);
  rig_fini(&rig);

  rig_init(&rig, 9, 5, 0, 0);
  rig.load.threads = 3;
  rig.at_tick = stop_then_cut;
  rig_run(&rig);
  assert_tally(&rig.tally, 0, 9);
  assert_int_equal(rig.facts.duration_ns, 4 * S);
  assert_int_equal(rig.facts.measured_ns, 3 * S);
  rig_fini(&rig);

  rig_init(&rig, 9, 5, 0, 0);
  rig.at_tick = cut_at_3s;
  rig_run(&rig);
  assert_tally(&rig.tally, 0, 9);
  assert_int_equal(rig.facts.duration_ns, 3 * S);
  rig_fini(&rig);
}

static void users_still_to_come_stay_away(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 100, 0.5, 0.5, 0);
  rig.load.spawn_per_s = 1;
  rig.at_tick = stop_at_3s;
  rig_run(&rig);
  assert_int_equal(rig.facts.users_max, 4);
  rig_fini(&rig);
}

/* -- users up and down -- */

static void up_and_down(struct rig *rig, const struct sp_run_view *view) {
  if (view->elapsed_ns == 10 * S) sp_run_set_users(rig->run, 30, 5);
  if (view->elapsed_ns == 40 * S) sp_run_set_users(rig->run, 4, 0);
  if (view->elapsed_ns == 50 * S) sp_run_set_users(rig->run, 12, 0);
  if (view->elapsed_ns == 55 * S) sp_run_set_users(rig->run, 2, 2);
}

static void set_users_up_and_down(void **state) {
  (void)state;
  for (unsigned threads = 1; threads <= 3; threads += 2) {
    struct rig rig;
    rig_init(&rig, 10, 0.25, 0.75, 70 * S);
    rig.load.threads = threads;
    rig.at_tick = up_and_down;
    rig_run(&rig);
    assert_int_equal(rig.ticks[8].users, 10);
    assert_in_range(rig.ticks[11].users, 20, 21); /* 11 at 10 s, and one each 0.2 s */
    assert_int_equal(rig.ticks[11].phase, SP_PHASE_SPAWNING);
    assert_int_equal(rig.ticks[11].users_target, 30);
    assert_int_equal(rig.ticks[20].users, 30);
    assert_int_equal(rig.ticks[20].phase, SP_PHASE_STEADY);
    assert_int_equal(rig.ticks[40].users, 4);
    assert_int_equal(rig.ticks[50].users, 12);
    assert_in_range(rig.ticks[57].users, 5, 7); /* two a second leave from 55 s on */
    assert_int_equal(rig.ticks[65].users, 2);
    assert_int_equal(rig.facts.users_max, 30);
    assert_int_equal(rig.tally.cancelled, 0); /* who is taken away finishes */
    rig_fini(&rig);
  }
}

/* A type around the null type that knows which ids are alive. */
struct census {
  struct sp_user_null_conf null;
  bool alive[64];
  unsigned spawned;
};

static void census_start(struct sp_user *user) {
  struct sp_user_null_conf *conf = sp_worker_state(user->worker);
  struct census *census = *(struct census **)(void *)(conf + 1);
  assert_false(census->alive[user->id]);
  census->alive[user->id] = true;
  census->spawned++;
  sp_user_null.user_start(user);
}

static void census_stop(struct sp_user *user) {
  struct sp_user_null_conf *conf = sp_worker_state(user->worker);
  (*(struct census **)(void *)(conf + 1))->alive[user->id] = false;
  sp_user_null.user_stop(user);
}

static int census_create(struct sp_worker *worker, const void *conf, void **state, struct sp_err *err) {
  (void)worker;
  (void)err;
  struct census *census = (struct census *)(uintptr_t)conf;
  struct sp_user_null_conf *copy = sp_alloc(sizeof(*copy) + sizeof(census));
  *copy = census->null;
  memcpy(copy + 1, &census, sizeof(census));
  *state = copy;
  return 0;
}

static void down_and_up(struct rig *rig, const struct sp_run_view *view) {
  if (view->elapsed_ns == 3 * S) sp_run_set_users(rig->run, 1, 0);
  if (view->elapsed_ns == 4 * S) sp_run_set_users(rig->run, 5, 0);
  if (view->elapsed_ns == 6 * S) sp_run_set_users(rig->run, 2, 0);
  if (view->elapsed_ns == 7 * S) sp_run_set_users(rig->run, 4, 0);
}

/* Seats 2 … 5 are given up and wanted again while their users still have 6 s to go. */
static void a_seat_waits_for_its_former_user(void **state) {
  (void)state;
  struct sp_user_type type = sp_user_null;
  type.thread_create = census_create;
  type.user_start = census_start;
  type.user_stop = census_stop;
  for (unsigned threads = 1; threads <= 2; threads++) {
    struct census census = { .null = { .request_s = 10 } };
    struct rig rig;
    rig_init(&rig, 5, 0, 0, 15 * S);
    rig.type = &type;
    rig.type_conf = &census;
    rig.load.threads = threads;
    rig.at_tick = down_and_up;
    rig_run(&rig);
    assert_int_equal(rig.ticks[8].users, 5);
    assert_int_equal(rig.ticks[11].users, 4);
    assert_int_equal(census.spawned, 5 + 3); /* 2, 3 and 4 come back; 1 never left */
    assert_tally(&rig.tally, 9, 0);
    assert_int_equal(rig.facts.users_max, 5);
    rig_fini(&rig);
  }
}

static void to_nobody_and_back(struct rig *rig, const struct sp_run_view *view) {
  if (view->elapsed_ns == 3 * S) sp_run_set_users(rig->run, 0, 0);
  if (view->elapsed_ns == 8 * S) sp_run_set_users(rig->run, 3, 0);
}

static void no_users_is_no_end(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 5, 0.5, 0.5, 12 * S);
  rig.at_tick = to_nobody_and_back;
  rig_run(&rig);
  assert_int_equal(rig.ticks[5].users, 0);
  assert_int_equal(rig.ticks[9].users, 3);
  assert_int_equal(rig.facts.duration_ns, 12 * S);
  rig_fini(&rig);
}

/* -- before the begin -- */

static void never_started(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 5, 1, 0, S);
  struct sp_loop *loops[] = { sp_loop_create_fake(0), sp_loop_create(NULL) };
  for (int i = 0; i < 2; i++) {
    struct sp_run_options options = { .loop = loops[i], .load = &rig.load, .classes = rig.classes, .class_count = 1,
                                      .type = rig.type, .type_conf = rig.type_conf, .on_end = (void (*)(void *))abort };
    struct sp_run *run = sp_run_create(&options, NULL);
    assert_non_null(run);
    sp_run_destroy(run);
    sp_loop_destroy(loops[i]);
  }
}

static void on_end_stops(void *loop) { sp_loop_stop(loop); }

static void stopped_before_it_began(void **state) {
  (void)state;
  struct rig rig;
  struct sp_run_facts facts;
  rig_init(&rig, 5, 1, 0, S);
  struct sp_loop *loop = sp_loop_create_fake(0);
  struct sp_run_options options = { .loop = loop, .load = &rig.load, .classes = rig.classes, .class_count = 1,
                                    .type = rig.type, .type_conf = rig.type_conf, .on_end = on_end_stops, .ctx = loop };
  struct sp_run *run = sp_run_create(&options, NULL);
  sp_run_cut(run);
  assert_int_equal(sp_run_start(run, NULL), 0);
  sp_loop_run(loop);
  sp_run_facts(run, &facts);
  assert_int_equal(facts.users_max, 0);
  assert_int_equal(sp_run_totals(run)->tasks, 0);
  sp_run_destroy(run);
  sp_loop_destroy(loop);
}

static void expect_refusal(const struct sp_load *load, const char *part) {
  struct rig rig;
  struct sp_err err = { 0 };
  rig_init(&rig, 1, 1, 0, S);
  struct sp_loop *loop = sp_loop_create_fake(0);
  struct sp_run_options options = { .loop = loop, .load = load, .classes = rig.classes, .class_count = 1,
                                    .type = rig.type, .type_conf = rig.type_conf, .on_end = on_end_stops, .ctx = loop };
  assert_null(sp_run_create(&options, &err));
  assert_non_null(strstr(err.text, part));
  sp_loop_destroy(loop);
}

static void a_load_out_of_range_is_refused(void **state) {
  (void)state;
  struct sp_load load;
  sp_load_init(&load);
  load.users = 0;
  expect_refusal(&load, "users must be 1 to 1000000, not 0");
  sp_load_init(&load);
  load.users = SP_USERS_MAX + 1;
  expect_refusal(&load, "users must be");
  sp_load_init(&load);
  load.threads = SP_THREADS_MAX + 1;
  expect_refusal(&load, "threads");
  sp_load_init(&load);
  load.run_time_ns = load.warm_up_ns = S;
  expect_refusal(&load, "warm-up must be shorter");
  sp_load_init(&load);
  load.stop_timeout_ns = INT64_MAX;
  expect_refusal(&load, "ten years");
  sp_load_init(&load);
  load.spawn_per_s = -1;
  expect_refusal(&load, "spawn rate");
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_in_flight_may_finish),
    cmocka_unit_test(the_stop_timeout_cuts),
    cmocka_unit_test(a_stop_timeout_of_zero_cuts_at_once),
    cmocka_unit_test(pauses_are_cut_short),
    cmocka_unit_test(stop_and_cut_from_a_tick),
    cmocka_unit_test(users_still_to_come_stay_away),
    cmocka_unit_test(set_users_up_and_down),
    cmocka_unit_test(a_seat_waits_for_its_former_user),
    cmocka_unit_test(no_users_is_no_end),
    cmocka_unit_test(never_started),
    cmocka_unit_test(stopped_before_it_began),
    cmocka_unit_test(a_load_out_of_range_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
