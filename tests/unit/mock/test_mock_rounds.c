/* The built-in profiles make the published figures where these are consistent, and a closed network makes what exact
 * mean value analysis says. On the fake clock, through the mock's own schedules and passages. */
#include "closed_system.h"

#include <math.h>
#include <stdio.h>

#define S (double)SP_NS_PER_S

static void expect_near(const char *what, double got, double right, double share) {
  if (!(fabs(got / right - 1) <= share)) fail_msg("%s: %g is not within %g %% of %g", what, got, share * 100, right);
}

/* Think times of the published scenarios: 1-3 s, and 2-5 s between retrievals. */
static struct closed_system run_round(const char *profile, const char *app, unsigned users) {
  bool chat = strcmp(app, "retrieve") != 0;
  struct closed_system system = { .profile = sp_mock_profile_find(profile), .app = app, .users = users,
                                  .think = { SP_DIST_UNIFORM, chat ? S : 2 * S, chat ? 3 * S : 5 * S },
                                  .warm_up_ns = 60 * SP_NS_PER_S, .measured_ns = 300 * SP_NS_PER_S };
  assert_non_null(system.profile);
  closed_system_run(&system);
  /* Little's law holds in it as it must anywhere */
  expect_near(profile, system.per_s * (system.mean_s + (chat ? 2 : 3.5)), users, 0.02);
  return system;
}

struct published {
  const char *profile, *app;
  double per_s;
};

/* What 100 users can have made. */
static void a_hundred_users_make_the_published_throughputs(void **state) {
  (void)state;
  static const struct published rounds[] = {
    { "dify-8c16g-1", "simple", 21.5 },  { "dify-8c16g-2", "simple", 30.8 },  { "dify-8c16g-3", "simple", 49.5 },
    { "dify-8c16g-5", "simple", 48.4 },  { "dify-8c16g-5", "complex", 20.7 }, { "dify-8c16g-5", "retrieve", 17.6 },
    { "dify-16c32g-1", "simple", 22.9 },
  };
  for (size_t i = 0; i < sizeof rounds / sizeof *rounds; i++) {
    struct closed_system system = run_round(rounds[i].profile, rounds[i].app, 100);
    expect_near(rounds[i].profile, system.per_s, rounds[i].per_s, 0.10);
  }
}

/* What 100 users cannot: more of them do, and 100 stay below what their thinking allows. */
static void more_users_make_those_that_a_hundred_cannot(void **state) {
  (void)state;
  static const struct published ceilings[] = {
    { "dify-8c16g-4", "simple", 54.1 },       { "dify-16c32g-2", "simple", 91.3 },
    { "dify-16c32g-final", "simple", 98.4 },  { "dify-16c32g-final", "complex", 61.2 },
    { "dify-16c32g-final", "retrieve", 44.3 },
  };
  for (size_t i = 0; i < sizeof ceilings / sizeof *ceilings; i++) {
    const char *profile = ceilings[i].profile;
    struct closed_system many = run_round(profile, ceilings[i].app, i == 0 ? 150 : 300);
    expect_near(profile, many.per_s, ceilings[i].per_s, 0.10);
    assert_true(run_round(profile, ceilings[i].app, 100).per_s < 50);
  }
}

static void each_round_has_the_culprit_that_its_notes_name(void **state) {
  (void)state;
  struct closed_system first = run_round("dify-8c16g-1", "simple", 100);
  expect_near("api", first.rate[SP_RES_API], 0.8, 0.02); /* published: 98 % */
  assert_true(first.rate[SP_RES_COMMIT] < 0.5 && first.waiting[SP_RES_STREAMS] == 0);
  struct closed_system blind = run_round("dify-16c32g-1", "simple", 100);
  expect_near("plugin", blind.rate[SP_RES_PLUGIN], 5, 0.02);
  assert_true(blind.waiting[SP_RES_PLUGIN] > 30 && blind.rate[SP_RES_API] < 1);
  struct closed_system search = run_round("dify-8c16g-5", "retrieve", 100);
  expect_near("vector", search.rate[SP_RES_VECTOR], 24.0 / 30 + 0.33 * 6 / 30, 0.03); /* slow a fifth of the time */
  double locked = run_round("dify-8c16g-5", "simple", 150).per_s;
  double pooled = run_round("dify-8c16g-6", "simple", 150).per_s;
  assert_true(locked < run_round("dify-8c16g-4", "simple", 150).per_s && pooled > locked);
}

/* -- a closed network -- */

/* Exact mean value analysis: throughput of so many users who think z, over stations of these demands (seconds). */
static double mva(unsigned users, double z, const double *demand, unsigned stations) {
  double queue[4] = { 0 }, x = 0;
  for (unsigned n = 1; n <= users; n++) {
    double stay[4], all = z;
    for (unsigned i = 0; i < stations; i++) all += stay[i] = demand[i] * (1 + queue[i]);
    x = n / all;
    for (unsigned i = 0; i < stations; i++) queue[i] = x * stay[i];
  }
  return x;
}

#define NETWORK                                                                                                        \
  "{\"apps\": {\"bot\": {\"mode\": \"chat\", \"key\": \"k\", \"tokens\": 1}}, \"resources\": {"                        \
  "\"api\": {\"cores\": 1, \"head\": {\"exponential\": 12}, \"end\": {\"exponential\": 8}},"                           \
  "\"commit\": {\"servers\": 1, \"end\": {\"exponential\": 15}}}}"

static void a_closed_network_is_as_mean_value_analysis_says(void **state) {
  (void)state;
  static const double demand[] = { 0.020, 0.015 };
  static const unsigned users[] = { 10, 40, 60, 120 };
  for (unsigned i = 0; i < 4; i++) {
    struct closed_system system = { .profile = NETWORK, .app = "bot", .users = users[i],
                                    .think = { SP_DIST_EXPONENTIAL, S, 0 }, .warm_up_ns = 60 * SP_NS_PER_S,
                                    .measured_ns = 1800 * SP_NS_PER_S };
    closed_system_run(&system);
    expect_near("throughput", system.per_s, mva(users[i], 1, demand, 2), 0.02);
    expect_near("the api's utilisation", system.rate[SP_RES_API], system.per_s * 0.020, 0.02);
    expect_near("the commit's utilisation", system.rate[SP_RES_COMMIT], system.per_s * 0.015, 0.02);
  }
}

/* -- slots -- */

static struct closed_system run_slots(const char *slots, unsigned users) {
  char profile[400];
  snprintf(profile, sizeof profile,
           "{\"apps\": {\"bot\": {\"mode\": \"advanced-chat\", \"key\": \"k\", \"head\": 1, \"queue\": 0,"
           " \"first\": 400, \"gap\": 10, \"tokens\": 10, \"nodes\": [{\"type\": \"llm\"}]}},"
           " \"resources\": {\"%s\": {\"slots\": 10}}}",
           slots);
  struct closed_system system = { .profile = profile, .app = "bot", .users = users,
                                  .think = { SP_DIST_EXPONENTIAL, 0.1 * S, 0 }, .warm_up_ns = 10 * SP_NS_PER_S,
                                  .measured_ns = 120 * SP_NS_PER_S };
  closed_system_run(&system);
  return system;
}

/* Throughput = slots / holding time. The wait shows where the slot is taken: before the head, or behind it. */
static void slots_hold_throughput_at_their_number_over_the_holding_time(void **state) {
  (void)state;
  struct closed_system few = run_slots("streams", 8), many = run_slots("streams", 40);
  assert_true(few.waiting[SP_RES_STREAMS] == 0 && few.first_s < 0.0011);
  expect_near("streams", many.per_s, 10 / 0.491, 0.01);
  expect_near("streams in use", many.serving[SP_RES_STREAMS], 10, 0.001);
  assert_true(many.first_s > 1);
  struct closed_system celery = run_slots("celery", 40), model = run_slots("model", 40);
  expect_near("celery", celery.per_s, 10 / 0.490, 0.01);
  expect_near("model", model.per_s, 10 / 0.490, 0.01);
  assert_true(celery.first_s < 0.0011 && model.first_s < 0.0011);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_hundred_users_make_the_published_throughputs),
    cmocka_unit_test(more_users_make_those_that_a_hundred_cannot),
    cmocka_unit_test(each_round_has_the_culprit_that_its_notes_name),
    cmocka_unit_test(a_closed_network_is_as_mean_value_analysis_says),
    cmocka_unit_test(slots_hold_throughput_at_their_number_over_the_holding_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
