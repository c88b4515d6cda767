/* Queueing networks held to textbook examples, to formulas and to one another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/queueing.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void expect_near(const char *what, double got, double right, double share) {
  if (!(fabs(got - right) <= share * fabs(right))) fail_msg("%s: %.9g is not %.9g", what, got, right);
}

static void add(struct sp_queue_model *model, const char *name, enum sp_queue_kind kind, double servers, double demand_s,
                int nested_in) {
  struct sp_queue_station *station = &model->stations[model->count++];
  *station = (struct sp_queue_station){.kind = kind, .servers = servers, .demand_s = demand_s, .nested_in = nested_in};
  snprintf(station->name, sizeof station->name, "%s", name);
}
static void add_queue(struct sp_queue_model *model, const char *name, double servers, double demand_s) {
  add(model, name, SP_QUEUE_SERVERS, servers, demand_s, SP_QUEUE_ROOT);
}

/* Whatever is solved keeps the laws: Little's, of utilisation, and that the parts of a time are the time. */
static void expect_laws(const struct sp_queue_model *model, const struct sp_queue_load *load,
                        const struct sp_queue_result *result) {
  double sum_s = 0;
  for (size_t i = 0; i < model->count; i++) {
    const struct sp_queue_station *station = &model->stations[i];
    if (station->nested_in == SP_QUEUE_ROOT) sum_s += result->figures[i].stay_s;
    expect_near(station->name, result->figures[i].present, result->per_s * result->figures[i].stay_s, 1e-9);
    if (station->kind == SP_QUEUE_SLOTS || station->contention > 0) continue;
    expect_near(station->name, result->figures[i].busy, result->per_s * station->demand_s, 1e-6);
  }
  expect_near("sum of the stays", sum_s, result->mean_s, 1e-6);
  expect_near("Little", result->in_flight, result->per_s * result->mean_s, 1e-9);
  if (!load->open) expect_near("users", result->per_s * (result->mean_s + load->think_s), load->users, 1e-9);
}

static struct sp_queue_result solve(const struct sp_queue_model *model, const struct sp_queue_load *load) {
  struct sp_queue_result result;
  struct sp_err err;
  if (sp_queue_solve(model, load, &result, &err)) fail_msg("%s", err.text);
  if (!result.overloaded) expect_laws(model, load, &result);
  return result;
}
static struct sp_queue_result with_users(const struct sp_queue_model *model, double users, double think_s) {
  return solve(model, &(struct sp_queue_load){.users = users, .think_s = think_s});
}
static struct sp_queue_result at_rate(const struct sp_queue_model *model, double rate_per_s) {
  return solve(model, &(struct sp_queue_load){.open = true, .rate_per_s = rate_per_s});
}

/* -- closed -- */

/* Lazowska, Zahorjan, Graham, Sevcik: Quantitative System Performance, 1984, the example of chapter 6. */
static void textbook_network(void **state) {
  (void)state;
  struct sp_queue_model model = {0};
  add_queue(&model, "cpu", 1, 0.605);
  add_queue(&model, "disk 1", 1, 2.1);
  add_queue(&model, "disk 2", 1, 1.35);
  static const double per_s[] = {0.0525, 0.1031, 0.1515};
  for (size_t n = 1; n <= 3; n++) expect_near("throughput", with_users(&model, (double)n, 15).per_s, per_s[n - 1], 0.001);
  struct sp_queue_result three = with_users(&model, 3, 15);
  expect_near("cpu", three.figures[0].stay_s, 0.644, 0.002);
  expect_near("disk 1", three.figures[1].stay_s, 2.605, 0.002);
  expect_near("disk 2", three.figures[2].stay_s, 1.551, 0.002);
  struct sp_queue_bounds bounds;
  assert_int_equal(sp_queue_bounds(&model, &(struct sp_queue_load){.users = 3, .think_s = 15}, &bounds, NULL), 0);
  expect_near("ceiling", bounds.ceiling_per_s, 1 / 2.1, 1e-12);
  expect_near("knee", bounds.knee_users, (4.055 + 15) / 2.1, 1e-12);
  assert_int_equal(bounds.binding, 1);
  assert_int_equal(bounds.next, 2);
  assert_true(bounds.by_load);
}

/* Exact mean value analysis: Reiser and Lavenberg's recursion over single servers. */
static double mva(unsigned users, double think_s, const double *demand, unsigned stations) {
  double queue[8] = {0}, per_s = 0;
  for (unsigned n = 1; n <= users; n++) {
    double stay[8], all = think_s;
    for (unsigned i = 0; i < stations; i++) all += stay[i] = demand[i] * (1 + queue[i]);
    per_s = n / all;
    for (unsigned i = 0; i < stations; i++) queue[i] = per_s * stay[i];
  }
  return per_s;
}

static void as_mean_value_analysis_up_to_ten_thousand_users(void **state) {
  (void)state;
  static const double demands[] = {0.0462, 0.031, 0.0459, 0.004};
  struct sp_queue_model model = {0};
  for (size_t i = 0; i < 4; i++) add_queue(&model, (const char *[]){"a", "b", "c", "d"}[i], 1, demands[i]);
  static const unsigned users[] = {1, 2, 10, 43, 44, 100, 1000, 10000};
  for (size_t i = 0; i < sizeof users / sizeof *users; i++) {
    for (int think = 0; think < 2; think++) {
      double right = mva(users[i], 2.0 * think, demands, 4);
      expect_near("throughput", with_users(&model, users[i], 2.0 * think).per_s, right, 1e-9);
    }
  }
  double between = with_users(&model, 10.25, 2).per_s;
  expect_near("a part of a user", between, 0.75 * mva(10, 2, demands, 4) + 0.25 * mva(11, 2, demands, 4), 1e-9);
}

/* Many servers, many users: M/M/m with a finite source, by its birth and death equations. */
static double finite_source(unsigned users, double think_s, unsigned servers, double demand_s) {
  double log_chance = 0, most = 0, sum = 0, busy = 0;
  for (int pass = 0; pass < 2; pass++) {
    log_chance = 0;
    for (unsigned n = 0; n <= users; n++) {
      if (n > 0) log_chance += log((users - n + 1) / think_s * demand_s / fmin(n, servers));
      if (pass == 0) most = fmax(most, log_chance);
      else sum += exp(log_chance - most), busy += exp(log_chance - most) * fmin(n, servers);
    }
  }
  return busy / sum / demand_s;
}

static void many_servers_and_users_are_exact_and_stable(void **state) {
  (void)state;
  static const unsigned servers[] = {1, 2, 8, 64}, users[] = {1, 50, 129, 1000, 10000};
  for (size_t i = 0; i < 4; i++) {
    struct sp_queue_model model = {0};
    add_queue(&model, "servers", servers[i], 0.5);
    for (size_t j = 0; j < 5; j++) {
      double right = finite_source(users[j], 0.5, servers[i], 0.5);
      expect_near("finite source", with_users(&model, users[j], 0.5).per_s, right, 1e-9);
    }
  }
}

static void a_long_delay_beside_a_quick_server(void **state) {
  (void)state;
  struct sp_queue_model model = {0};
  add(&model, "rest", SP_QUEUE_DELAY, 0, 600, SP_QUEUE_ROOT);
  add_queue(&model, "server", 64, 0.001);
  expect_near("throughput", with_users(&model, 10000, 600).per_s, 10000 / 1200.001, 1e-6);
}

/* -- a processor with a quota -- */

static void a_quota_below_a_core_is_slow_for_one_alone(void **state) {
  (void)state;
  struct sp_queue_model model = {0};
  add(&model, "cpu", SP_QUEUE_CPU, 0.8, 0.0372, SP_QUEUE_ROOT);
  expect_near("alone", with_users(&model, 1, 0).mean_s, 0.0372 / 0.8, 1e-9);
  expect_near("all", with_users(&model, 100, 2).per_s, 0.8 / 0.0372, 1e-6);
  model.stations[0].servers = 1.5; /* one uses a core at most, two share one and a half */
  expect_near("alone", with_users(&model, 1, 0).mean_s, 0.0372, 1e-9);
  expect_near("two", with_users(&model, 2, 0).per_s, 1.5 / 0.0372, 1e-9);
}

/* -- open -- */

static double erlang_c(unsigned servers, double offered) {
  double b = 1;
  for (unsigned i = 1; i <= servers; i++) b = offered * b / (i + offered * b);
  return b / (1 - offered / servers * (1 - b));
}

static void an_open_station_is_m_m_m(void **state) {
  (void)state;
  static const unsigned servers[] = {1, 2, 10, 64};
  for (size_t i = 0; i < 4; i++) {
    for (double load = 0.1; load < 0.995; load += 0.0999) {
      struct sp_queue_model model = {0};
      add_queue(&model, "servers", servers[i], 0.2);
      double rate_per_s = load * servers[i] / 0.2;
      double wait_s = erlang_c(servers[i], load * servers[i]) * 0.2 / (servers[i] * (1 - load));
      struct sp_queue_result result = at_rate(&model, rate_per_s);
      expect_near("M/M/m", result.mean_s, 0.2 + wait_s, 1e-9);
      expect_near("utilisation", result.figures[0].utilisation, load, 1e-9);
    }
  }
}

static void an_open_network_that_cannot_keep_up_says_so(void **state) {
  (void)state;
  struct sp_queue_model model = {0};
  add_queue(&model, "a", 2, 0.1);
  add_queue(&model, "b", 1, 0.02);
  expect_near("tandem", at_rate(&model, 10).mean_s, 0.1 / (1 - 0.25) + 0.02 / 0.8, 1e-9); /* M/M/2: S / (1 - U^2) */
  struct sp_queue_result over = at_rate(&model, 21);
  assert_true(over.overloaded && isinf(over.mean_s));
  expect_near("what gets through", over.per_s, 20, 1e-9);
  expect_near("utilisation", over.figures[0].utilisation, 1, 1e-9);
}

/* -- slots -- */

static void slots_hold_throughput_at_their_number_over_the_holding_time(void **state) {
  (void)state;
  struct sp_queue_model model = {0};
  add(&model, "streams", SP_QUEUE_SLOTS, 10, 2.31, SP_QUEUE_ROOT);
  struct sp_queue_result result = with_users(&model, 100, 2);
  expect_near("slot law", result.per_s, 10 / 2.31, 1e-6);
  expect_near("in use", result.figures[0].utilisation, 1, 1e-6);
  expect_near("in line", result.figures[0].present, 100 - 2 * result.per_s, 1e-9);
}

/* A pool that nobody waits for changes nothing, and a pool of one makes its stations take turns. */
static void a_pool_around_stations(void **state) {
  (void)state;
  struct sp_queue_model bare = {0}, pool = {0};
  add_queue(&bare, "cpu", 1, 0.008);
  add_queue(&bare, "commit", 1, 0.015);
  add(&pool, "pool", SP_QUEUE_SLOTS, 50, 0, SP_QUEUE_ROOT);
  add(&pool, "cpu", SP_QUEUE_SERVERS, 1, 0.008, 0);
  add(&pool, "commit", SP_QUEUE_SERVERS, 1, 0.015, 0);
  expect_near("wide", with_users(&pool, 50, 0.1).per_s, with_users(&bare, 50, 0.1).per_s, 1e-9);
  pool.stations[0].servers = 1;
  expect_near("one", with_users(&pool, 50, 0.1).per_s, 1 / 0.023, 1e-6);
  pool.stations[0].servers = 2; /* two in a closed pair: 2 / (D1 + D2 + D1 D2 / (D1 + D2)) by hand */
  double x2 = 1 / (0.023 - 0.008 * 0.015 / 0.023);
  expect_near("two", with_users(&pool, 200, 0.1).per_s, x2, 1e-6);
  struct sp_queue_bounds bounds;
  assert_int_equal(sp_queue_bounds(&pool, &(struct sp_queue_load){.users = 200}, &bounds, NULL), 0);
  expect_near("ceiling", bounds.ceiling_per_s, x2, 1e-9);
  expect_near("its own", sp_queue_ceiling(&pool, 0), 2 / 0.023, 1e-9);
  assert_int_equal(bounds.binding, 2);
  pool.stations[0].servers = INFINITY; /* unknown: looked through */
  struct sp_queue_result free = with_users(&pool, 50, 0.1);
  expect_near("without a limit", free.per_s, with_users(&bare, 50, 0.1).per_s, 1e-9);
  assert_true(isnan(free.figures[0].utilisation));
  expect_near("open", at_rate(&pool, 30).mean_s, 0.008 / (1 - 0.24) + 0.015 / (1 - 0.45), 1e-9);
}

static void slots_in_slots(void **state) {
  (void)state;
  struct sp_queue_model model = {0};
  add(&model, "streams", SP_QUEUE_SLOTS, 200, 0.02, SP_QUEUE_ROOT);
  add(&model, "api.cpu", SP_QUEUE_CPU, 0.8, 0.0372, 0);
  add(&model, "pgbouncer", SP_QUEUE_SLOTS, 4, 0.001, 0);
  add(&model, "postgres.cpu", SP_QUEUE_CPU, 0.5, 0.004, 2);
  add(&model, "postgres.commit", SP_QUEUE_SERVERS, 1, 0.0147, 2);
  struct sp_queue_result result = with_users(&model, 100, 2);
  expect_near("cpu", result.figures[1].utilisation, 1, 1e-3);
  expect_near("streams hold all", result.figures[0].stay_s, result.mean_s, 1e-9);
  assert_true(result.figures[2].stay_s >= result.figures[3].stay_s + result.figures[4].stay_s + 0.001);
}

/* -- contention -- */

static void contention_makes_throughput_fall(void **state) {
  (void)state;
  struct sp_queue_model model = {0};
  add_queue(&model, "locks", 1, 0.015);
  model.stations[0].contention = 0.006;
  double few = with_users(&model, 150, 2).per_s, many = with_users(&model, 400, 2).per_s;
  assert_true(few > many && many > 1 / (0.015 * (1 + 0.006 * 400)));
  struct sp_queue_bounds bounds;
  assert_int_equal(sp_queue_bounds(&model, &(struct sp_queue_load){.users = 150, .think_s = 2}, &bounds, NULL), 0);
  expect_near("ceiling", bounds.ceiling_per_s, 1 / 0.015, 1e-9);
}

/* -- an example: a serial commit, and what is behind it. 30.9 is what Seidmann's approximation has (m servers as one that is
 * m times as fast, and a delay); the exact figure is a hundredth more -- */

static void a_serial_commit_and_what_is_behind_it(void **state) {
  (void)state;
  struct sp_queue_model model = {0};
  add_queue(&model, "commit", 1, 0.0462);
  add(&model, "api.cpu", SP_QUEUE_CPU, 8, 0.250, SP_QUEUE_ROOT);
  add(&model, "postgres.cpu", SP_QUEUE_CPU, 4, 0.040, SP_QUEUE_ROOT);
  add(&model, "model", SP_QUEUE_DELAY, 0, 0.6, SP_QUEUE_ROOT);
  expect_near("base", with_users(&model, 100, 2).per_s, 21.6, 0.003);
  model.stations[0].demand_s *= 0.7;
  expect_near("a third faster", with_users(&model, 100, 2).per_s, 29.1, 0.01);
  model.stations[0].demand_s = 0;
  double seidmann = mva(100, 2 + 0.6 + 0.25 * 7 / 8 + 0.04 * 3 / 4, (const double[]){0.25 / 8, 0.04 / 4}, 2);
  expect_near("gone, approximately", seidmann, 30.9, 0.002);
  expect_near("gone", with_users(&model, 100, 2).per_s, 31.23, 0.001);
  struct sp_queue_bounds bounds;
  assert_int_equal(sp_queue_bounds(&model, &(struct sp_queue_load){.users = 100, .think_s = 2}, &bounds, NULL), 0);
  assert_int_equal(bounds.binding, 1);
  expect_near("then the api's", bounds.ceiling_per_s, 32, 1e-9);
}

/* -- what is no model -- */

static void expect_error(struct sp_queue_model *model, struct sp_queue_load load, const char *part) {
  struct sp_queue_result result;
  struct sp_err err;
  assert_int_equal(sp_queue_solve(model, &load, &result, &err), SP_EUSAGE);
  if (!strstr(err.text, part)) fail_msg("'%s' does not say '%s'", err.text, part);
}

static void what_is_no_model_is_refused_with_a_sentence(void **state) {
  (void)state;
  struct sp_queue_load load = {.users = 10, .think_s = 1};
  struct sp_queue_model model = {0};
  expect_error(&model, load, "nothing takes any time");
  add_queue(&model, "a", 1.5, 0.1);
  expect_error(&model, load, "a: its servers must be a whole number, not 1.5");
  model.stations[0].servers = 0;
  expect_error(&model, load, "from 0.001 to 10000");
  model.stations[0].servers = 1;
  model.stations[0].demand_s = NAN;
  expect_error(&model, load, "must be a time");
  model.stations[0].demand_s = 0.1;
  model.stations[0].nested_in = 0;
  expect_error(&model, load, "slots that stand before it");
  model.stations[0].nested_in = SP_QUEUE_ROOT;
  expect_error(&model, (struct sp_queue_load){.users = 0}, "users must be from 1");
  expect_error(&model, (struct sp_queue_load){.users = 20000}, "10000");
  expect_error(&model, (struct sp_queue_load){.users = 5, .think_s = -1}, "think time");
  expect_error(&model, (struct sp_queue_load){.open = true}, "the rate must be above 0/s");
}

static void what_is_approximated_is_named(void **state) {
  (void)state;
  struct sp_queue_model model = {0};
  char texts[4][SP_QUEUE_DOUBT_MAX];
  add(&model, "cpu", SP_QUEUE_CPU, 2, 0.1, SP_QUEUE_ROOT);
  assert_int_equal(sp_queue_doubts(&model, texts, 4), 0);
  add(&model, "pool", SP_QUEUE_SLOTS, 2, 0, SP_QUEUE_ROOT);
  add(&model, "commit", SP_QUEUE_SERVERS, 1, 0.1, 1);
  model.stations[2].contention = 0.1;
  assert_int_equal(sp_queue_doubts(&model, texts, 1), 3);
  assert_non_null(strstr(texts[0], "pool: held while other stations"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(textbook_network),
      cmocka_unit_test(as_mean_value_analysis_up_to_ten_thousand_users),
      cmocka_unit_test(many_servers_and_users_are_exact_and_stable),
      cmocka_unit_test(a_long_delay_beside_a_quick_server),
      cmocka_unit_test(a_quota_below_a_core_is_slow_for_one_alone),
      cmocka_unit_test(an_open_station_is_m_m_m),
      cmocka_unit_test(an_open_network_that_cannot_keep_up_says_so),
      cmocka_unit_test(slots_hold_throughput_at_their_number_over_the_holding_time),
      cmocka_unit_test(a_pool_around_stations),
      cmocka_unit_test(slots_in_slots),
      cmocka_unit_test(contention_makes_throughput_fall),
      cmocka_unit_test(a_serial_commit_and_what_is_behind_it),
      cmocka_unit_test(what_is_no_model_is_refused_with_a_sentence),
      cmocka_unit_test(what_is_approximated_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
