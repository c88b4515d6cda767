/* Stations against the answers of queueing theory, on the fake clock. The seeds are fixed, so each figure is the same
 * in every run; the tolerances are what so many jobs can be held to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after those */
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mock/schedule.h"
#include "mock/station.h"

#include <math.h>
#include <stdlib.h>

#define S (double)SP_NS_PER_S
#define START_NS (1000 * SP_NS_PER_S)

/* -- an open system: Poisson arrivals, one visit each -- */

struct open_system {
  struct sp_loop *loop;
  struct sp_station station;
  struct sp_timer arrival;
  struct sp_rng rng;
  double gap_ns;
  struct sp_dist work;
  unsigned left;
  double stay_ns;
  unsigned done;
};

struct visit {
  struct sp_station_job job;
  struct open_system *system;
  int64_t begun_ns;
};

static void on_visited(struct sp_station_job *job, int64_t at_ns) {
  struct visit *visit = sp_container_of(job, struct visit, job);
  visit->system->stay_ns += (double)(at_ns - visit->begun_ns);
  visit->system->done++;
  free(visit);
}

static void on_arrival(struct sp_timer *timer) {
  struct open_system *system = sp_container_of(timer, struct open_system, arrival);
  int64_t now_ns = sp_loop_now(system->loop);
  struct visit *visit = sp_alloc(sizeof *visit);
  sp_station_job_init(&visit->job, on_visited);
  visit->system = system;
  visit->begun_ns = now_ns;
  sp_station_serve(&system->station, &visit->job, sp_dist_draw(&system->work, &system->rng), now_ns);
  if (--system->left > 0)
    sp_timer_start(&system->arrival, now_ns + (int64_t)sp_rng_exponential(&system->rng, system->gap_ns));
}

/* Runs so many jobs to their end; fills stay_ns and done. The figures must agree with each other. */
static void run_open(struct open_system *system, const struct sp_station_spec *spec, unsigned jobs) {
  system->loop = sp_loop_create_fake(START_NS);
  system->left = jobs;
  sp_rng_seed(&system->rng, 1, 0);
  sp_station_init(&system->station, system->loop, spec);
  sp_timer_init(&system->arrival, system->loop, on_arrival);
  sp_timer_start(&system->arrival, START_NS);
  sp_loop_run(system->loop);
  const struct sp_station_figures *figures = sp_station_figures(&system->station, sp_loop_now(system->loop));
  assert_int_equal(system->done, jobs);
  assert_int_equal(figures->served, jobs);
  assert_true(figures->waiting == 0 && figures->serving == 0);
  /* Little's law, exactly: the time that jobs stayed is the integral of their number */
  double integral_ns = figures->waited_ns + figures->present_ns;
  assert_true(fabs(integral_ns / system->stay_ns - 1) < 1e-6);
  sp_station_fini(&system->station);
  sp_loop_destroy(system->loop);
}

static void expect_near(double got, double right, double share) {
  if (!(fabs(got / right - 1) <= share)) fail_msg("%g is not within %g %% of %g", got, share * 100, right);
}

/* Mean wait in the queue of M/M/c (Erlang C), with a service of one second. */
static double erlang_c_wait(unsigned servers, double load) {
  double term = 1, sum = 1;
  for (unsigned i = 1; i < servers; i++) sum += term *= load / i;
  term *= load / servers;
  double all_busy = term / (1 - load / servers);
  return all_busy / (sum + all_busy) / (servers - load);
}

static double mean_wait(unsigned servers, double load, struct sp_dist work, unsigned jobs) {
  struct open_system system = { .gap_ns = S / load, .work = work };
  struct sp_station_spec spec = { .cores = servers, .limit = servers };
  run_open(&system, &spec, jobs);
  return system.stay_ns / jobs / S - 1;
}

static void one_server_waits_as_m_m_1(void **state) {
  (void)state;
  expect_near(mean_wait(1, 0.7, (struct sp_dist){ SP_DIST_EXPONENTIAL, S, 0 }, 400000), 0.7 / 0.3, 0.05);
}

static void c_servers_wait_as_m_m_c(void **state) {
  (void)state;
  expect_near(mean_wait(4, 3.2, (struct sp_dist){ SP_DIST_EXPONENTIAL, S, 0 }, 400000), erlang_c_wait(4, 3.2), 0.05);
  expect_near(mean_wait(10, 8, (struct sp_dist){ SP_DIST_EXPONENTIAL, S, 0 }, 400000), erlang_c_wait(10, 8), 0.05);
}

/* M/D/1: half of M/M/1 (Pollaczek, Khinchine). M/D/c: Cosmetatos' correction of M/M/c. */
static void fixed_service_waits_as_m_d_c(void **state) {
  (void)state;
  expect_near(mean_wait(1, 0.7, sp_dist_constant(S), 400000), 0.7 / 0.3 / 2, 0.05);
  double c = 4, use = 0.8;
  double correction = 1 + (1 - use) * (c - 1) * (sqrt(4 + 5 * c) - 2) / (16 * use * c);
  expect_near(mean_wait(4, 3.2, sp_dist_constant(S), 400000), erlang_c_wait(4, 3.2) / 2 * correction, 0.05);
}

/* M/G/1 with processor sharing stays work / (1 - load), whatever the distribution. */
static void a_shared_cpu_slows_all_alike(void **state) {
  (void)state;
  struct sp_dist dists[] = { { SP_DIST_EXPONENTIAL, S, 0 }, sp_dist_constant(S), { SP_DIST_UNIFORM, 0, 2 * S } };
  for (unsigned i = 0; i < 3; i++) {
    struct open_system system = { .gap_ns = S / 0.7, .work = dists[i] };
    run_open(&system, &(struct sp_station_spec){ .cores = 1 }, 400000);
    expect_near(system.stay_ns / 400000 / S, 1 / 0.3, 0.05);
  }
}

/* A quota below one core: a lone job is slowed by it too. */
static void a_quota_is_a_slower_cpu(void **state) {
  (void)state;
  struct open_system system = { .gap_ns = S / 0.4, .work = { SP_DIST_EXPONENTIAL, S, 0 } };
  run_open(&system, &(struct sp_station_spec){ .cores = 0.8 }, 400000);
  expect_near(system.stay_ns / 400000 / S, 1.25 / 0.5, 0.05);
}

/* -- jobs by hand -- */

struct hand {
  struct sp_station_job job;
  int64_t ready_ns; /* since START; -1: not yet */
};
static void on_hand(struct sp_station_job *job, int64_t at_ns) {
  sp_container_of(job, struct hand, job)->ready_ns = at_ns - START_NS;
}

static struct sp_loop *set_up(struct sp_station *station, struct sp_station_spec spec, struct hand *hands,
                              unsigned count) {
  struct sp_loop *loop = sp_loop_create_fake(START_NS);
  sp_station_init(station, loop, &spec);
  for (unsigned i = 0; i < count; i++) {
    sp_station_job_init(&hands[i].job, on_hand);
    hands[i].ready_ns = -1;
  }
  return loop;
}

static void tear_down(struct sp_station *station, struct sp_loop *loop) {
  sp_station_fini(station);
  sp_loop_destroy(loop);
}

static void expect_ms(int64_t ns, double ms) {
  if (fabs((double)ns / 1e6 - ms) > 0.001) fail_msg("%g ms, not %g ms", (double)ns / 1e6, ms);
}

/* Two at once on one core take twice as long; the shorter one's end gives the longer one the rest. */
static void sharing_is_exact(void **state) {
  (void)state;
  struct sp_station station;
  struct hand hands[2];
  struct sp_loop *loop = set_up(&station, (struct sp_station_spec){ .cores = 1 }, hands, 2);
  sp_station_serve(&station, &hands[0].job, 100e6, START_NS);
  sp_station_serve(&station, &hands[1].job, 300e6, START_NS);
  sp_loop_run(loop);
  expect_ms(hands[0].ready_ns, 200);
  expect_ms(hands[1].ready_ns, 400);
  expect_ms((int64_t)station.figures.done_ns, 400);
  tear_down(&station, loop);
}

static void contention_makes_each_further_job_dearer(void **state) {
  (void)state;
  struct sp_station station;
  struct hand hands[3];
  struct sp_loop *loop = set_up(&station, (struct sp_station_spec){ .cores = 8, .contention = 0.5 }, hands, 3);
  for (unsigned i = 0; i < 3; i++) sp_station_serve(&station, &hands[i].job, 100e6, START_NS);
  assert_true(fabs(sp_station_locked(&station) - 1.5) < 1e-9);
  sp_loop_run(loop);
  expect_ms(hands[2].ready_ns, 200); /* 1 + 0.5 · 2 */
  expect_ms((int64_t)station.figures.locked_ns, 300);
  tear_down(&station, loop);
}

static void merges_slow_a_part_of_each_period(void **state) {
  (void)state;
  struct sp_station station;
  struct hand hands[1];
  struct sp_station_spec spec = { .cores = 1, .slow_every_ns = SP_NS_PER_S, .slow_for_ns = SP_NS_PER_S / 2,
                                  .slow_speed = 0.1 };
  struct sp_loop *loop = set_up(&station, spec, hands, 1);
  sp_station_serve(&station, &hands[0].job, 700e6, START_NS); /* 500 ms, 50 in the slow half, 150 after it */
  sp_loop_run(loop);
  expect_ms(hands[0].ready_ns, 1150);
  expect_ms((int64_t)station.figures.busy_ns, 1150);
  expect_ms((int64_t)station.figures.done_ns, 700);
  assert_true(sp_station_merge_phase(&station, START_NS + SP_NS_PER_S / 4) == 0.5);
  tear_down(&station, loop);
}

static void slots_go_to_those_who_waited_longest(void **state) {
  (void)state;
  struct sp_station station;
  struct hand hands[4];
  struct sp_loop *loop = set_up(&station, (struct sp_station_spec){ .limit = 2 }, hands, 4);
  assert_true(sp_station_take(&station, &hands[0].job, START_NS));
  assert_true(sp_station_take(&station, &hands[1].job, START_NS));
  assert_false(sp_station_take(&station, &hands[2].job, START_NS));
  assert_false(sp_station_take(&station, &hands[3].job, START_NS));
  sp_loop_run(loop);
  assert_true(hands[2].ready_ns == -1);
  sp_station_leave(&hands[0].job, START_NS + 5 * SP_NS_PER_MS);
  assert_true(hands[2].ready_ns == -1); /* never from inside a call */
  sp_loop_run(loop);
  expect_ms(hands[2].ready_ns, 5);
  sp_station_leave(&hands[3].job, START_NS + 6 * SP_NS_PER_MS); /* it gives up waiting */
  sp_station_leave(&hands[1].job, START_NS + 7 * SP_NS_PER_MS);
  sp_station_leave(&hands[2].job, START_NS + 8 * SP_NS_PER_MS);
  assert_true(hands[3].ready_ns == -1 && station.figures.left == 1 && station.figures.served == 3);
  expect_ms((int64_t)station.figures.waited_ns, 5 + 6);
  tear_down(&station, loop);
}

static void who_leaves_gives_back_its_place(void **state) {
  (void)state;
  struct sp_station station;
  struct hand hands[3];
  struct sp_loop *loop = set_up(&station, (struct sp_station_spec){ .cores = 1, .limit = 1 }, hands, 3);
  for (unsigned i = 0; i < 3; i++) sp_station_serve(&station, &hands[i].job, 100e6, START_NS);
  sp_station_leave(&hands[0].job, START_NS + 30 * SP_NS_PER_MS); /* at work */
  sp_station_leave(&hands[2].job, START_NS + 40 * SP_NS_PER_MS); /* in the queue */
  sp_station_leave(&hands[2].job, START_NS + 40 * SP_NS_PER_MS); /* twice is fine */
  sp_loop_run(loop);
  assert_true(hands[0].ready_ns == -1 && hands[2].ready_ns == -1);
  expect_ms(hands[1].ready_ns, 130);
  assert_int_equal(station.figures.left, 2);
  tear_down(&station, loop);
}

/* Leaving between the end of the work and the loop's word of it: the word does not come. */
static void a_word_that_was_to_come_does_not(void **state) {
  (void)state;
  struct sp_station station;
  struct hand hands[1];
  struct sp_loop *loop = set_up(&station, (struct sp_station_spec){ .cores = 1 }, hands, 1);
  sp_station_serve(&station, &hands[0].job, 10e6, START_NS);
  sp_station_figures(&station, START_NS + 20 * SP_NS_PER_MS);
  sp_station_leave(&hands[0].job, START_NS + 21 * SP_NS_PER_MS);
  sp_loop_run(loop);
  assert_true(hands[0].ready_ns == -1 && station.figures.served == 1);
  tear_down(&station, loop);
}

/* Asking for the figures at any time changes nothing. */
static void the_figures_may_be_asked_for_at_any_time(void **state) {
  (void)state;
  struct sp_station station;
  struct hand hands[2];
  struct sp_loop *loop = set_up(&station, (struct sp_station_spec){ .cores = 0.5 }, hands, 2);
  sp_station_serve(&station, &hands[0].job, 100e6, START_NS);
  sp_station_serve(&station, &hands[1].job, 300e6, START_NS);
  for (int64_t ms = 1; ms < 700; ms += 7) sp_station_figures(&station, START_NS + ms * SP_NS_PER_MS);
  sp_loop_run(loop);
  expect_ms(hands[0].ready_ns, 400);
  expect_ms(hands[1].ready_ns, 800);
  expect_ms((int64_t)station.figures.busy_ns, 400);
  expect_ms((int64_t)station.figures.throttled_ns, 0.75 * 400 + 0.5 * 400);
  expect_ms((int64_t)station.figures.pressed_ns, 800);
  assert_int_equal(station.figures.periods, 8);
  assert_int_equal(station.figures.throttled_periods, 8);
  tear_down(&station, loop);
}

/* A period in which some of the quota is left was not throttled, however few cores there are. */
static void a_quota_throttles_where_it_is_used_up(void **state) {
  (void)state;
  struct sp_station station;
  struct hand hands[2];
  struct sp_loop *loop = set_up(&station, (struct sp_station_spec){ .cores = 0.5 }, hands, 2);
  sp_station_serve(&station, &hands[0].job, 40e6, START_NS); /* 80 of the first 100 ms */
  sp_loop_run(loop);
  sp_station_serve(&station, &hands[1].job, 70e6, START_NS + 1200 * SP_NS_PER_MS); /* 100 ms, and 40 of the next */
  sp_loop_run(loop);
  const struct sp_station_figures *figures = sp_station_figures(&station, START_NS + 10 * SP_NS_PER_S);
  assert_int_equal(figures->periods, 3);
  assert_int_equal(figures->throttled_periods, 1);
  expect_ms((int64_t)figures->throttled_ns, 50);
  tear_down(&station, loop);
}

/* -- whatever comes -- */

#define CROWD 40

/* One random step: somebody comes, or leaves from wherever it is, or time passes. */
static void step_of_crowd(struct sp_station *station, struct hand *crowd, struct sp_rng *rng, int64_t *now_ns) {
  struct hand *one = &crowd[sp_rng_below(rng, CROWD)];
  bool away = one->job.state == SP_JOB_AWAY;
  if (away && station->spec.cores > 0) sp_station_serve(station, &one->job, (double)sp_rng_below(rng, 50000000), *now_ns);
  else if (away) sp_station_take(station, &one->job, *now_ns);
  else if (sp_rng_below(rng, 4) == 0) sp_station_leave(&one->job, *now_ns);
  *now_ns += (int64_t)sp_rng_below(rng, 10000000);
  if (sp_rng_below(rng, 3) == 0) sp_station_figures(station, *now_ns);
}

static void expect_books(const struct sp_station *station, const struct hand *crowd) {
  const struct sp_station_figures *figures = &station->figures;
  unsigned ready = 0, waiting = 0;
  for (unsigned i = 0; i < CROWD; i++) {
    if (crowd[i].job.state == SP_JOB_READY) ready++;
    if (crowd[i].job.state == SP_JOB_WAITING) waiting++;
  }
  uint64_t held = station->spec.cores > 0 ? 0 : figures->serving; /* those have been counted as served */
  assert_int_equal(figures->entered, figures->served + figures->left + figures->waiting + figures->serving - held);
  assert_int_equal(figures->waiting, waiting);
  assert_true(station->spec.limit == 0 || figures->serving <= station->spec.limit);
  assert_true(figures->waiting == 0 || figures->serving == station->spec.limit); /* nobody waits beside a free place */
  assert_true(figures->pressed_ns <= (double)(station->at_ns - station->start_ns) && ready <= CROWD);
}

static void its_books_close_whatever_comes(void **state) {
  (void)state;
  const struct sp_station_spec specs[] = {
    { .limit = 3 },
    { .cores = 0.7 },
    { .cores = 2, .limit = 2, .contention = 0.3 },
    { .cores = 3, .limit = 5, .slow_every_ns = 300 * SP_NS_PER_MS, .slow_for_ns = 70 * SP_NS_PER_MS, .slow_speed = 0.1 },
  };
  for (unsigned i = 0; i < 4; i++) {
    struct sp_station station;
    struct hand crowd[CROWD];
    struct sp_rng rng;
    struct sp_loop *loop = set_up(&station, specs[i], crowd, CROWD);
    int64_t now_ns = START_NS;
    sp_rng_seed(&rng, 5, i);
    for (unsigned step = 0; step < 20000; step++) {
      step_of_crowd(&station, crowd, &rng, &now_ns);
      expect_books(&station, crowd);
    }
    for (unsigned j = 0; j < CROWD; j++) sp_station_leave(&crowd[j].job, now_ns);
    expect_books(&station, crowd);
    assert_true(station.figures.served > 100 && station.figures.left > 100); /* it went through both */
    tear_down(&station, loop);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(one_server_waits_as_m_m_1),
    cmocka_unit_test(c_servers_wait_as_m_m_c),
    cmocka_unit_test(fixed_service_waits_as_m_d_c),
    cmocka_unit_test(a_shared_cpu_slows_all_alike),
    cmocka_unit_test(a_quota_is_a_slower_cpu),
    cmocka_unit_test(sharing_is_exact),
    cmocka_unit_test(contention_makes_each_further_job_dearer),
    cmocka_unit_test(merges_slow_a_part_of_each_period),
    cmocka_unit_test(slots_go_to_those_who_waited_longest),
    cmocka_unit_test(who_leaves_gives_back_its_place),
    cmocka_unit_test(a_word_that_was_to_come_does_not),
    cmocka_unit_test(the_figures_may_be_asked_for_at_any_time),
    cmocka_unit_test(a_quota_throttles_where_it_is_used_up),
    cmocka_unit_test(its_books_close_whatever_comes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
