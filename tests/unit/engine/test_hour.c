/* An hour of every shape on a fake loop: after it, as in its first second, each start is where the load says. */
#include "rig.h"

#include "base/mem.h"
#include "station.h"

#include <math.h>
#include <stdlib.h>

#define HOUR (3600 * S)

static struct station *on_a_station(struct rig *rig) {
  struct station *station = sp_alloc(sizeof(*station));
  station->service_ns = 20 * MS;
  rig->type = &station_type;
  rig->type_conf = station;
  return station;
}

/* Lateness is recorded for each start, and on a fake clock nothing is late. */
static void assert_punctual(const struct rig *rig, uint64_t starts) {
  assert_int_equal(rig->totals->start_lag.count, starts);
  assert_int_equal(rig->totals->start_lag.max, 0);
  assert_int_equal(rig->totals->late_starts, 0);
  assert_int_equal(rig->totals->dropped_starts, 0);
  assert_true(rig->validity.valid);
}

/* -- arrivals -- */

/* Another rate each second: 3600 changes, and what one of them loses or gains would add up. */
static double rate_of(unsigned second) { return 2 + second % 7; }

static int rate_each_second(void *ctx, double elapsed_s, struct sp_shape_point *out) {
  (void)ctx;
  out->level = rate_of((unsigned)llround(elapsed_s));
  return elapsed_s >= 3600;
}

/* Arrival k is due where the integral of the rate is k. */
static int64_t due_of(uint64_t k, unsigned *second, double *base) {
  while ((double)k >= *base + rate_of(*second)) *base += rate_of((*second)++);
  return *second * S + llround(((double)k - *base) / rate_of(*second) * 1e9);
}

static void a_shape_of_rates(void **state) {
  (void)state;
  struct rig rig;
  double base = 0;
  unsigned second = 0;
  rig_init(&rig, 1, 0, 0, 0);
  rig_rate(&rig, 0, SP_ARRIVALS_EVEN);
  rig.load.shape = rate_each_second;
  struct station *station = on_a_station(&rig);
  rig_run(&rig);
  for (size_t i = 0; i < station->starts; i++) {
    assert_int_equal(station->arrival[i], i);
    int64_t off_ns = station->due_ns[i] - due_of(i, &second, &base);
    if (llabs(off_ns) > 2) fail_msg("arrival %zu is off by %lld ns", i, (long long)off_ns);
  }
  /* 514 weeks of 35, two days of the next, and the one that is due at the very end: no worker knew of that end before. */
  assert_int_equal(station->starts, 514 * 35 + 5 + 1);
  assert_punctual(&rig, station->starts);
  free(station);
  rig_fini(&rig);
}

/* Counts of seconds are Poisson: mean and variance are the rate, within five of their standard deviations. */
static void poisson_by_the_second(void **state) {
  (void)state;
  struct rig rig;
  double sum = 0, squares = 0, n = 3600, m = 20;
  rig_init(&rig, 1, 0.02, 0, HOUR);
  rig_rate(&rig, m, SP_ARRIVALS_POISSON);
  rig_run(&rig);
  for (unsigned i = 0; i < 3600; i++) {
    double count = (double)rig.ticks[i].last.started;
    sum += count;
    squares += (count - m) * (count - m);
  }
  assert_true(fabs(sum / n - m) < 5 * sqrt(m / n));
  assert_true(fabs(squares / n - m) < 5 * sqrt((m + 2 * m * m) / n));
  assert_punctual(&rig, rig.tally.ok);
  rig_fini(&rig);
}

static void a_trace(void **state) {
  (void)state;
  enum { COUNT = 5000 };
  struct rig rig;
  int64_t *trace = sp_alloc_array(COUNT, sizeof(*trace));
  for (size_t k = 1; k < COUNT; k++) trace[k] = trace[k - 1] + (int64_t)(k * 7919 % 1440) * MS + 17; /* an hour, unevenly */
  rig_init(&rig, 1, 0, 0, 0);
  rig_rate(&rig, 0, SP_ARRIVALS_EVEN);
  rig.load.trace = trace;
  rig.load.trace_count = COUNT;
  struct station *station = on_a_station(&rig);
  rig_run(&rig);
  assert_true(trace[COUNT - 1] > 3500 * S);
  assert_int_equal(station->starts, COUNT);
  for (size_t i = 0; i < COUNT; i++) assert_int_equal(station->due_ns[i], trace[station->arrival[i]]);
  assert_int_equal(rig.facts.duration_ns, trace[COUNT - 1] + station->service_ns);
  assert_punctual(&rig, COUNT);
  free(trace);
  free(station);
  rig_fini(&rig);
}

/* -- users -- */

/* A spike of a hundred users each minute, for ten seconds. */
static int spikes(void *ctx, double elapsed_s, struct sp_shape_point *out) {
  (void)ctx;
  out->level = fmod(elapsed_s, 60) < 10 ? 100 : 5;
  out->spawn_per_s = SP_USERS_MAX;
  return elapsed_s >= 3600;
}

static void a_shape_of_users(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 1, 0.01, 0.49, 0);
  rig.load.shape = spikes;
  rig_run(&rig);
  for (unsigned i = 0; i < 3599; i++) {
    unsigned second = (i + 1) % 60;
    if (second == 0 || second == 10) continue; /* the step itself */
    assert_int_equal(rig.ticks[i].users, second < 10 ? 100 : 5);
  }
  assert_true(fabs(rig.facts.users_mean - (100 * 10 + 5 * 50) / 60.0) < 0.1); /* who leaves ends its task first */
  assert_int_equal(rig.totals->late_starts, 0);
  rig_fini(&rig);
}

static void stages_of_users(void **state) {
  (void)state;
  static const struct sp_stage stages[] = { { 0, 60, 1200 * S }, { 60, 60, 1200 * S }, { 60, 0, 1200 * S } };
  struct rig rig;
  rig_init(&rig, 1, 0.01, 0.49, 0);
  rig_stages(&rig, stages, 3);
  rig_run(&rig);
  for (unsigned i = 0; i < 3599; i++) {
    double t = i + 1, line = t < 1200 ? t / 20 : t < 2400 ? 60 : (3600 - t) / 20;
    if (fabs(line - floor(line) - 0.5) < 0.06) continue; /* the instant at which it rounds otherwise, and its last task */
    assert_int_equal(rig.ticks[i].users, llround(line));
  }
  assert_int_equal(rig.facts.duration_ns / S, 3600);
  assert_int_equal(rig.totals->late_starts, 0);
  rig_fini(&rig);
}

/* A task each 0.7 s on the user's own schedule, whatever it took. */
static void a_pace(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 1, 0, 0, HOUR);
  rig.class.think = (struct sp_think){ .kind = SP_THINK_PACE, .a_s = 0.7 };
  struct station *station = on_a_station(&rig);
  rig_run(&rig);
  assert_int_equal(station->starts, 5143);
  for (size_t i = 0; i < station->starts; i++) assert_int_equal(station->due_ns[i], (int64_t)i * 700 * MS);
  assert_punctual(&rig, 5143);
  free(station);
  rig_fini(&rig);
}

static void held_in_flight(void **state) {
  (void)state;
  struct rig rig;
  rig_init(&rig, 5, 0.25, 9, HOUR); /* think time plays no role */
  rig.load.kind = SP_LOAD_IN_FLIGHT;
  rig_run(&rig);
  assert_int_equal(rig.tally.ok, 5 * 4 * 3600);
  assert_true(fabs(rig.facts.in_flight_mean - 5) < 1e-9);
  for (unsigned i = 0; i < 3599; i++) assert_int_equal(rig.ticks[i].in_flight, 5);
  assert_punctual(&rig, 5 * 4 * 3600);
  rig_fini(&rig);
}

int main(int argc, char **argv) {
  if (argc > 1) cmocka_set_test_filter(argv[1]);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_shape_of_rates),
    cmocka_unit_test(poisson_by_the_second),
    cmocka_unit_test(a_trace),
    cmocka_unit_test(a_shape_of_users),
    cmocka_unit_test(stages_of_users),
    cmocka_unit_test(a_pace),
    cmocka_unit_test(held_in_flight),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
