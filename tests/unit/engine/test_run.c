/* Runs of the null type on a fake loop: ten minutes in milliseconds, with exactly known counts. */
#include "rig.h"

#include <string.h>

static void assert_tally(const struct sp_tally *tally, uint64_t ok, uint64_t cancelled) {
  assert_int_equal(tally->started, ok + cancelled);
  assert_int_equal(tally->ok, ok);
  assert_int_equal(tally->cancelled, cancelled);
}

/* 0.3 s of service and 0.7 s of think: each user starts a task at 0, 1, … 599 s. */
static void ten_minutes_of_a_hundred_users(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 100, 0.3, 0.7, 600 * S);
  rig_run(&rig);
  assert_tally(&rig.tally, 60000, 0);
  assert_int_equal(rig.totals->tasks, 60000);
  assert_int_equal(rig.totals->events, 60000);
  assert_int_equal(rig.totals->late_starts, 0);
  assert_int_equal(rig.facts.duration_ns, 600 * S);
  assert_int_equal(rig.facts.measured_ns, 600 * S);
  assert_int_equal(rig.facts.users_max, 100);
  assert_int_equal(rig.facts.threads, 1);
  assert_null(rig.facts.aborted);
  assert_true(rig.facts.cpu_share >= 0 && rig.facts.cpu_share <= 0); /* a fake loop has no CPU time */
  const struct sp_cell *cell = rig_cell(rig.totals, "u", "t");
  assert_int_equal(cell->metrics[SP_METRIC_E2E].min, 300000);
  assert_int_equal(cell->metrics[SP_METRIC_E2E].max, 300000);
  assert_int_equal(cell->metrics[SP_METRIC_TTFT].count, 60000);
  assert_int_equal(cell->metrics[SP_METRIC_WAIT].max, 0);
  rig_fini(&rig);
}

static void ticks_keep_the_absolute_schedule(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 100, 0.3, 0.7, 600 * S);
  rig_run(&rig);
  assert_int_equal(rig.tick_count, 601); /* the last: what remained */
  for (unsigned i = 0; i < 599; i++) {
    assert_int_equal(rig.ticks[i].elapsed_ns, (i + 1) * S);
    assert_int_equal(rig.ticks[i].phase, SP_PHASE_STEADY);
    assert_int_equal(rig.ticks[i].users, 100);
    assert_int_equal(rig.ticks[i].totals.ok, 100 * (i + 1));
  }
  rig_fini(&rig);
}

static void look_at_facts(struct rig *rig, const struct sp_run_view *view) {
  struct sp_run_facts facts;
  struct sp_validity_facts known;
  struct sp_validity validity;
  sp_run_facts_now(rig->run, &facts);
  if (view->phase == SP_PHASE_ENDED) {
    assert_int_equal(facts.duration_ns, 30 * S);
    return;
  }
  int64_t measured_ns = view->elapsed_ns > 10 * S ? view->elapsed_ns - 10 * S : 0;
  assert_int_equal(facts.duration_ns, view->elapsed_ns);
  assert_int_equal(facts.measured_ns, measured_ns);
  assert_int_equal(facts.users_max, 100);
  assert_true(measured_ns == 0 ? facts.users_mean != facts.users_mean : facts.users_mean > 99.9 && facts.users_mean < 100.1);
  sp_run_validity_facts(rig->run, &facts, &known);
  sp_validity_judge(&known, &validity);
  assert_true(validity.valid); /* what is in flight is no fault of the books */
}

static void facts_while_it_goes_on(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 100, 0.35, 0.65, 30 * S);
  rig.load.warm_up_ns = 10 * S;
  rig.at_tick = look_at_facts;
  rig_run(&rig);
  assert_true(rig.tick_count > 29);
  rig_fini(&rig);
}

/* 10 users a second: user k spawns at (k - 1) / 10 s, so ten users each have 600, 599, … 591 tasks. */
static void spawn_rate(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 100, 0.3, 0.7, 600 * S);
  rig.load.spawn_per_s = 10;
  rig_run(&rig);
  assert_int_equal(rig.tally.started, 59550);
  for (unsigned i = 0; i < 9; i++) {
    assert_int_equal(rig.ticks[i].phase, SP_PHASE_SPAWNING);
    assert_in_range(rig.ticks[i].users, 10 * (i + 1), 10 * (i + 1) + 1); /* the next is due on the tick itself */
    assert_int_equal(rig.ticks[i].users_target, 100);
  }
  assert_int_equal(rig.ticks[9].phase, SP_PHASE_STEADY);
  rig_fini(&rig);
}

static uint64_t fingerprint_of(uint64_t seed, unsigned threads) {
  struct rig rig;
  rig_init(&rig, 37, 0.4, 0, 600 * S);
  rig.class.think = (struct sp_think){ SP_THINK_EXPONENTIAL, 1.1, 0 };
  rig.null.exponential = true;
  rig.load.seed = seed;
  rig.load.threads = threads;
  rig.load.spawn_per_s = 3;
  rig_run(&rig);
  uint64_t print = rig_fingerprint(rig.totals);
  assert_int_equal(rig.facts.threads, threads);
  assert_int_equal(rig.facts.users_max, 37);
  rig_fini(&rig);
  return print;
}

static void same_seed_same_numbers(void **state) {
  (void)state;
  uint64_t print = fingerprint_of(7, 1);
  assert_true(print == fingerprint_of(7, 1));
  assert_true(print != fingerprint_of(8, 1));
}

/* A user's choices are its own: they don't depend on who else is on its thread. */
static void same_numbers_over_any_number_of_workers(void **state) {
  (void)state;
  uint64_t print = fingerprint_of(7, 1);
  assert_true(print == fingerprint_of(7, 2));
  assert_true(print == fingerprint_of(7, 5));
  assert_true(print == fingerprint_of(7, 50)); /* more workers than users */
}

static void classes_and_tasks_by_weight(void **state) {
  (void)state;
  static const struct sp_task_spec tasks[] = { { "often", 3 }, { "rare", 1 }, { "never", 0 } };
  static const struct sp_class_spec classes[] = {
    { .name = "fast", .weight = 3, .think = { SP_THINK_CONSTANT, 0.9, 0 }, .tasks = tasks, .task_count = 3 },
    { .name = "slow", .weight = 1, .think = { SP_THINK_CONSTANT, 1.9, 0 }, .tasks = tasks, .task_count = 2 },
  };
  struct rig rig;
  rig_init(&rig, 40, 0.1, 0, 1000 * S);
  rig.classes = classes;
  rig.class_count = 2;
  rig.load.threads = 3;
  rig_run(&rig);
  uint64_t fast_often = rig_cell(rig.totals, "fast", "often")->started;
  assert_int_equal(fast_often + rig_cell(rig.totals, "fast", "rare")->started, 30 * 1000);
  assert_int_equal(rig_cell(rig.totals, "slow", "often")->started + rig_cell(rig.totals, "slow", "rare")->started,
                   10 * 500);
  assert_in_range(fast_often, 22125, 22875); /* 5 standard deviations */
  assert_null(rig_cell(rig.totals, "fast", "never"));
  rig_fini(&rig);
}

static uint64_t tasks_with_think(struct sp_think think, double request_s) {
  struct rig rig;
  rig_init(&rig, 1, request_s, 0, 600 * S);
  rig.class.think = think;
  rig_run(&rig);
  uint64_t tasks = rig.totals->tasks;
  assert_int_equal(rig.totals->late_starts, 0);
  rig_fini(&rig);
  return tasks;
}

static void think_kinds(void **state) {
  (void)state;
  assert_int_equal(tasks_with_think((struct sp_think){ SP_THINK_NONE, 0, 0 }, 0.5), 1200);
  assert_int_equal(tasks_with_think((struct sp_think){ SP_THINK_CONSTANT, 1, 0 }, 0.5), 400);
  assert_int_equal(tasks_with_think((struct sp_think){ SP_THINK_PACE, 1, 0 }, 0.3), 600);
  assert_int_equal(tasks_with_think((struct sp_think){ SP_THINK_PACE, 1, 0 }, 1.5), 400); /* always late: at once */
  assert_in_range(tasks_with_think((struct sp_think){ SP_THINK_BETWEEN, 0.5, 1.5 }, 1), 285, 315);
}

static int64_t quarter_second(struct sp_user *user) {
  (void)user;
  return 250 * MS;
}

static void custom_think_time(void **state) {
  (void)state;
  struct sp_user_type type = sp_user_null;
  type.think_ns = quarter_second;
  struct rig rig;
  rig_init(&rig, 3, 0.75, 0, 10 * S);
  rig.type = &type;
  rig.class.think.kind = SP_THINK_CUSTOM;
  rig_run(&rig);
  assert_tally(&rig.tally, 30, 0);
  rig_fini(&rig);
}

/* 7 users in waves of 1.5 s: 1000 = 142 * 7 + 6, so the last six tasks run from 213 to 214 s. */
static void iterations_are_shared_and_exact(void **state) {
  (void)state;
  for (unsigned threads = 1; threads <= 4; threads++) {
    struct rig rig;
    rig_init(&rig, 7, 1, 0.5, 0);
    rig.load.iterations = 1000;
    rig.load.threads = threads;
    rig_run(&rig);
    assert_tally(&rig.tally, 1000, 0);
    assert_int_equal(rig.totals->tasks, 1000);
    assert_int_equal(rig.facts.duration_ns, 214 * S);
    assert_int_equal(rig.facts.measured_ns, 214 * S);
    rig_fini(&rig);
  }
}

static void fewer_iterations_than_users(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 10, 1, 60, 0);
  rig.load.iterations = 3;
  rig.load.threads = 2;
  rig_run(&rig);
  assert_tally(&rig.tally, 3, 0);
  assert_int_equal(rig.facts.duration_ns, 1 * S); /* not the minute that the users would still think */
  rig_fini(&rig);
}

/* Tasks that end inside task_run, without a pause: no recursion, and time may stand still. */
static void instant_tasks(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 3, 0, 0, 0);
  rig.load.iterations = 200000;
  rig_run(&rig);
  assert_tally(&rig.tally, 200000, 0);
  assert_int_equal(rig.facts.duration_ns, 0);
  rig_fini(&rig);
}

/* -- warm-up -- */

static void what_starts_in_the_warm_up_is_not_in_the_totals(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 10, 0.7, 0.3, 60 * S);
  rig.load.warm_up_ns = 20500 * MS; /* the requests of 20.0 s end at 20.7 s */
  rig.load.threads = 2;
  rig_run(&rig);
  assert_tally(&rig.tally, 10 * 39, 0); /* of 21, 22, … 59 s */
  assert_tally(&rig.tally_all, 10 * 60, 0);
  assert_int_equal(rig.totals->tasks, 390);
  assert_int_equal(rig.facts.measured_ns, 39500 * MS);
  assert_int_equal(rig.facts.duration_ns, 60 * S);
  assert_int_equal(rig.ticks[19].totals.started, 0);
  assert_int_equal(rig.totals->end_ns - rig.totals->begin_ns, rig.facts.measured_ns);
  rig_fini(&rig);
}

static void a_start_on_the_end_of_the_warm_up_counts(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 10, 0.3, 0.7, 60 * S);
  rig.load.warm_up_ns = 20 * S;
  rig_run(&rig);
  assert_tally(&rig.tally, 10 * 40, 0);
  assert_int_equal(rig.facts.measured_ns, 40 * S);
  rig_fini(&rig);
}

static void a_run_that_ends_in_its_warm_up_measured_nothing(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 10, 1, 0, 0);
  rig.load.warm_up_ns = 20 * S;
  rig.load.iterations = 30;
  rig_run(&rig);
  assert_tally(&rig.tally, 0, 0);
  assert_tally(&rig.tally_all, 30, 0);
  assert_int_equal(rig.facts.measured_ns, 0);
  rig_fini(&rig);
}

/* -- laws -- */

/* Interactive response time law, N = X (R + Z), and Little's, L = X R, from the run's own numbers. */
static void the_laws_close(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 50, 0.5, 0, 1500 * S);
  rig.null.exponential = true;
  rig.class.think = (struct sp_think){ SP_THINK_EXPONENTIAL, 1.5, 0 };
  rig.load.threads = 2;
  rig_run(&rig);
  double per_s = (double)rig.tally.ok / ((double)rig.facts.measured_ns / 1e9);
  double response_s = sp_hist_mean(&rig_cell(rig.totals, "u", "t")->metrics[SP_METRIC_E2E]) / 1e6;
  double in_flight = 0;
  for (unsigned i = 0; i < 1499; i++) in_flight += (double)rig.ticks[i].in_flight / 1499;
  double users = per_s * (response_s + 1.5), little = per_s * response_s;
  assert_true(users > 49 && users < 51);
  assert_true(in_flight > 0.95 * little && in_flight < 1.05 * little);
  rig_fini(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(ten_minutes_of_a_hundred_users),
    cmocka_unit_test(ticks_keep_the_absolute_schedule), cmocka_unit_test(facts_while_it_goes_on),
    cmocka_unit_test(spawn_rate),
    cmocka_unit_test(same_seed_same_numbers),
    cmocka_unit_test(same_numbers_over_any_number_of_workers),
    cmocka_unit_test(classes_and_tasks_by_weight),
    cmocka_unit_test(think_kinds),
    cmocka_unit_test(custom_think_time),
    cmocka_unit_test(iterations_are_shared_and_exact),
    cmocka_unit_test(fewer_iterations_than_users),
    cmocka_unit_test(instant_tasks),
    cmocka_unit_test(what_starts_in_the_warm_up_is_not_in_the_totals),
    cmocka_unit_test(a_start_on_the_end_of_the_warm_up_counts),
    cmocka_unit_test(a_run_that_ends_in_its_warm_up_measured_nothing),
    cmocka_unit_test(the_laws_close),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
