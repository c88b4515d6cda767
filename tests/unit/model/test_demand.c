/* Models fitted to steps whose truth is known, and what is said of changes to them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "model/whatif.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MINUTE_NS (60 * SP_NS_PER_S)
#define STEPS_MAX 24u

struct rig {
  struct sp_queue_model truth;
  double idle[SP_QUEUE_STATIONS_MAX];
  bool hidden[SP_QUEUE_STATIONS_MAX]; /* nobody watches it */
  struct sp_diagnose_step steps[STEPS_MAX];
  struct sp_diagnose_input input;
  struct sp_observations *seen;
  struct sp_deployment deployment;
};

static void expect_near(const char *what, double got, double right, double share) {
  if (!(fabs(got - right) <= share * fabs(right))) fail_msg("%s: %.9g is not %.9g", what, got, right);
}
static void expect_text(const char *text, const char *part) {
  if (!strstr(text, part)) fail_msg("'%s' does not say '%s'", text, part);
}

static struct sp_queue_station *add(struct rig *rig, const char *name, enum sp_queue_kind kind, double servers,
                                    double demand_ms, int nested_in) {
  struct sp_queue_station *station = &rig->truth.stations[rig->truth.count++];
  *station = (struct sp_queue_station){.kind = kind, .servers = servers, .demand_s = demand_ms / 1e3, .nested_in = nested_in};
  snprintf(station->name, sizeof station->name, "%s", name);
  return station;
}

static void see(struct rig *rig, enum sp_signal signal, const char *subject, const char *detail, size_t step, double value) {
  for (int again = 0; again < 2; again++) { /* two watchers see the same: it counts once */
    struct sp_observed_key key = {.signal = signal, .subject = subject, .detail = detail, .source = again ? "b" : "a"};
    sp_observations_add(rig->seen, &key, rig->steps[step].to_ns, MINUTE_NS, value);
  }
}

/* As its watcher would see it: "dify-api.cpu", "vllm.slots", "postgres.commit", "plugin.calls". */
static void see_station(struct rig *rig, size_t i, const struct sp_queue_result *result, size_t step) {
  const struct sp_queue_station *station = &rig->truth.stations[i];
  const struct sp_queue_figures *figures = &result->figures[i];
  char subject[SP_QUEUE_NAME_MAX];
  const char *dot = strrchr(station->name, '.');
  if (!dot || rig->hidden[i]) return;
  snprintf(subject, sizeof subject, "%.*s", (int)(dot - station->name), station->name);
  if (strcmp(dot, ".cpu") == 0) {
    see(rig, SP_SIGNAL_CPU_CORES, subject, "", step, figures->busy + rig->idle[i]);
    see(rig, SP_SIGNAL_CPU_LIMIT, subject, "", step, station->servers + rig->idle[i]);
  } else if (strcmp(dot, ".slots") == 0) {
    see(rig, SP_SIGNAL_SLOTS_USED, subject, "", step, figures->busy);
    see(rig, SP_SIGNAL_SLOTS_WAITING, subject, "", step, figures->present - figures->busy);
    see(rig, SP_SIGNAL_SLOTS_LIMIT, subject, "", step, station->servers);
  } else if (strcmp(dot, ".commit") == 0) {
    see(rig, SP_SIGNAL_DB_SESSIONS, subject, "IO/WALSync", step, figures->busy);
    see(rig, SP_SIGNAL_DB_SESSIONS, subject, "Lock/transactionid", step, figures->present - figures->busy);
  } else {
    see(rig, SP_SIGNAL_CALLS_RATE, subject, "", step, 2 * result->per_s); /* two calls a request */
    see(rig, SP_SIGNAL_CALLS_TIME, subject, "", step, figures->stay_s / 2);
  }
}

static void measure(struct rig *rig, bool open, double load, double think_s) {
  struct sp_queue_load asked = {.open = open, .users = load, .think_s = think_s, .rate_per_s = load};
  struct sp_queue_result result;
  struct sp_err err;
  size_t i = rig->input.step_count++;
  if (sp_queue_solve(&rig->truth, &asked, &result, &err)) fail_msg("%s", err.text);
  rig->steps[i] = (struct sp_diagnose_step){.from_ns = (int64_t)i * MINUTE_NS, .to_ns = (int64_t)(i + 1) * MINUTE_NS,
      .open_loop = open, .load = load, .users = open ? NAN : load, .think_s = open ? NAN : think_s, .rps = result.per_s,
      .e2e_s = result.mean_s, .in_flight = result.in_flight, .valid = true};
  for (size_t k = 0; k < rig->truth.count; k++) see_station(rig, k, &result, i);
}

static void begin(struct rig *rig) {
  memset(rig, 0, sizeof *rig);
  rig->seen = sp_observations_create();
  rig->input = (struct sp_diagnose_input){.steps = rig->steps, .observations = rig->seen};
}
static void fit(struct rig *rig) {
  struct sp_err err;
  if (sp_deployment_fit(&rig->input, &rig->deployment, &err)) fail_msg("%s", err.text);
}
static void end(struct rig *rig) {
  sp_deployment_fini(&rig->deployment);
  sp_observations_destroy(rig->seen);
}

static const struct sp_queue_station *fitted(const struct rig *rig, const char *name) {
  int i = sp_queue_find(&rig->deployment.model, name);
  if (i < 0) fail_msg("no %s", name);
  return &rig->deployment.model.stations[i];
}

static int predict(const struct rig *rig, const char *text, struct sp_prediction *out, struct sp_err *err) {
  struct sp_whatif whatif = {0};
  int code = sp_whatif_parse(text, &whatif, err);
  return code ? code : sp_whatif_predict(&rig->deployment, &whatif, out, err);
}
static struct sp_prediction ask(const struct rig *rig, const char *text) {
  struct sp_prediction prediction;
  struct sp_err err;
  if (predict(rig, text, &prediction, &err)) fail_msg("%s: %s", text, err.text);
  return prediction;
}

/* -- fitting -- */

static void a_typical_one(struct rig *rig) {
  begin(rig);
  add(rig, "dify-api.cpu", SP_QUEUE_CPU, 0.8, 37.2, SP_QUEUE_ROOT);
  add(rig, "pgbouncer.slots", SP_QUEUE_SLOTS, 4, 1, SP_QUEUE_ROOT);
  add(rig, "postgres.cpu", SP_QUEUE_CPU, 0.5, 4, 1);
  add(rig, "postgres.commit", SP_QUEUE_SERVERS, 1, 12, 1);
  add(rig, "plugin.calls", SP_QUEUE_SERVERS, 6, 150, SP_QUEUE_ROOT);
  add(rig, "model", SP_QUEUE_DELAY, 0, 300, SP_QUEUE_ROOT);
}

static void demands_come_out_again(void **state) {
  (void)state;
  struct rig rig;
  a_typical_one(&rig);
  static const double users[] = {100, 20, 50, 75}; /* in any order */
  for (size_t i = 0; i < 4; i++) measure(&rig, false, users[i], 2);
  fit(&rig);
  expect_near("cpu", fitted(&rig, "dify-api.cpu")->demand_s, 0.0372, 1e-6);
  expect_near("cores", fitted(&rig, "dify-api.cpu")->servers, 0.8, 1e-9);
  expect_near("commit", fitted(&rig, "postgres.commit")->demand_s, 0.012, 1e-6);
  expect_near("calls, which hardly wait", fitted(&rig, "plugin.calls")->demand_s, 0.15, 0.06);
  assert_true(isinf(fitted(&rig, "plugin.calls")->servers)); /* nobody knows how many there are */
  expect_near("the pool's own time", fitted(&rig, "pgbouncer.slots")->demand_s, 0.001, 0.1);
  expect_near("rest", fitted(&rig, SP_DEPLOYMENT_REST)->demand_s, 0.3, 0.03);
  assert_int_equal(fitted(&rig, "postgres.cpu")->nested_in, sp_queue_find(&rig.deployment.model, "pgbouncer.slots"));
  assert_int_equal(fitted(&rig, "dify-api.cpu")->nested_in, SP_QUEUE_ROOT);
  assert_true(rig.deployment.misfit < 0.01 && sp_queue_find(&rig.deployment.model, SP_DEPLOYMENT_UNSEEN) < 0);
  assert_int_equal(rig.deployment.part_count, 4);
  assert_true(rig.deployment.steps[0].load.users == 20 && rig.deployment.load.users == 100);
  end(&rig);
}

static void what_is_used_without_load_is_no_demand(void **state) {
  (void)state;
  struct rig rig;
  begin(&rig);
  add(&rig, "dify-api.cpu", SP_QUEUE_CPU, 1.7, 40, SP_QUEUE_ROOT);
  rig.idle[0] = 0.3;
  for (double users = 10; users <= 80; users += 14) measure(&rig, false, users, 1);
  fit(&rig);
  expect_near("idle", rig.deployment.idle[0], 0.3, 0.01);
  expect_near("cpu", fitted(&rig, "dify-api.cpu")->demand_s, 0.040, 0.01);
  expect_near("what is left", fitted(&rig, "dify-api.cpu")->servers, 1.7, 0.01);
  struct sp_prediction prediction = ask(&rig, "dify-api.cpu=3");
  expect_text(prediction.change, "dify-api.cpu 2 -> 3 cores");
  expect_near("ceiling", prediction.ceiling_per_s, 2.7 / 0.040, 0.02);
  end(&rig);
}

static void contention_and_the_servers_of_calls_come_from_how_times_grow(void **state) {
  (void)state;
  struct rig rig;
  begin(&rig);
  add(&rig, "postgres.commit", SP_QUEUE_SERVERS, 1, 15, SP_QUEUE_ROOT)->contention = 0.006;
  for (double users = 60; users <= 180; users += 30) measure(&rig, false, users, 2);
  fit(&rig);
  expect_near("contention", fitted(&rig, "postgres.commit")->contention, 0.006, 0.1);
  expect_near("commit", fitted(&rig, "postgres.commit")->demand_s, 0.015, 0.02);
  assert_int_equal(ask(&rig, "users=200").confidence, SP_DIAGNOSIS_LOW);
  end(&rig);
  for (unsigned servers = 1; servers <= 32; servers *= 2) {
    begin(&rig);
    add(&rig, "plugin.calls", SP_QUEUE_SERVERS, servers, 200, SP_QUEUE_ROOT);
    for (double users = 0.5; users <= 2; users *= 2) measure(&rig, false, fmax(users * servers * 6, 2), 1);
    fit(&rig);
    expect_near("servers", fitted(&rig, "plugin.calls")->servers, servers, 0.01);
    expect_near("time", fitted(&rig, "plugin.calls")->demand_s, 0.2, 0.01);
    assert_true(rig.deployment.inferred[0]);
    end(&rig);
  }
}

/* Twenty samples of a log that is flushed half of the time: its demand differs by chance, and once with its queue. */
static void a_few_samples_make_no_contention(void **state) {
  (void)state;
  static const double writing[] = {0.15, 0.35, 0.25, 0.7}, waiting[] = {0.05, 0.3, 0.9, 2.1};
  struct rig rig;
  begin(&rig);
  add(&rig, "dify-api.cpu", SP_QUEUE_CPU, 2, 37.5, SP_QUEUE_ROOT);
  add(&rig, "rest", SP_QUEUE_DELAY, 0, 60, SP_QUEUE_ROOT);
  for (size_t i = 0; i < 4; i++) {
    measure(&rig, false, 50 * (double)(i + 1), 2);
    see(&rig, SP_SIGNAL_DB_SESSIONS, "postgres", "IO/WALSync", i, writing[i]);
    see(&rig, SP_SIGNAL_DB_SESSIONS, "postgres", "LWLock/WALWrite", i, waiting[i]);
  }
  fit(&rig);
  assert_true(fitted(&rig, "postgres.commit")->contention == 0);
  assert_true(rig.deployment.misfit < 0.05);
  struct sp_prediction prediction = ask(&rig, "users=300");
  assert_string_equal(prediction.binding, "dify-api.cpu");
  expect_near("users=300", prediction.per_s, 2 / 0.0375, 0.03);
  end(&rig);
}

static void what_nobody_saw_gets_a_name(void **state) {
  (void)state;
  struct rig rig;
  begin(&rig);
  add(&rig, "dify-api.cpu", SP_QUEUE_CPU, 2, 30, SP_QUEUE_ROOT);
  add(&rig, "secret.slots", SP_QUEUE_SLOTS, 4, 160, SP_QUEUE_ROOT);
  rig.hidden[1] = true;
  for (double users = 10; users <= 90; users += 40) measure(&rig, false, users, 1);
  fit(&rig);
  assert_true(fitted(&rig, SP_DEPLOYMENT_UNSEEN)->demand_s > 0);
  struct sp_prediction prediction = ask(&rig, "dify-api.cpu=4");
  expect_near("brings nothing", prediction.per_s, 25, 0.03);
  assert_string_equal(prediction.binding, SP_DEPLOYMENT_UNSEEN);
  assert_int_equal(prediction.confidence, SP_DIAGNOSIS_LOW);
  expect_text(prediction.doubt, "nobody watched");
  end(&rig);
}

static void without_watchers_times_are_all_there_is(void **state) {
  (void)state;
  struct rig rig;
  begin(&rig);
  add(&rig, "model", SP_QUEUE_DELAY, 0, 500, SP_QUEUE_ROOT);
  measure(&rig, false, 10, 1);
  measure(&rig, false, 20, 1);
  rig.input.observations = NULL;
  fit(&rig);
  assert_int_equal(rig.deployment.model.count, 1);
  expect_near("twice the users", ask(&rig, "users*=2").per_s, 40 / 1.5, 0.01);
  assert_int_equal(ask(&rig, "users*=2").confidence, SP_DIAGNOSIS_LOW); /* nothing is ever full in such a model */
  expect_text(ask(&rig, "users*=2").basis, "then the users limit");
  expect_near("twice as fast", ask(&rig, "rest.time*=0.5").per_s, 20 / 1.25, 0.01);
  end(&rig);
}

static void what_can_be_no_model_is_refused(void **state) {
  (void)state;
  struct rig rig;
  struct sp_err err;
  begin(&rig);
  add(&rig, "a.cpu", SP_QUEUE_CPU, 2, 30, SP_QUEUE_ROOT);
  assert_int_equal(sp_deployment_fit(&rig.input, &rig.deployment, &err), SP_EUSAGE);
  expect_text(err.text, "no valid step");
  measure(&rig, false, 10, 1);
  rig.steps[0].valid = false;
  assert_int_equal(sp_deployment_fit(&rig.input, &rig.deployment, &err), SP_EUSAGE);
  rig.steps[0].valid = true;
  measure(&rig, true, 10, 1);
  assert_int_equal(sp_deployment_fit(&rig.input, &rig.deployment, &err), SP_EUSAGE);
  expect_text(err.text, "not both");
  end(&rig);
}

static void more_steps_than_parts_are_left_out_several_at_a_time(void **state) {
  (void)state;
  struct rig rig;
  a_typical_one(&rig);
  for (double users = 8; rig.input.step_count < STEPS_MAX; users += 4) measure(&rig, false, users, 2);
  fit(&rig);
  assert_int_equal(rig.deployment.part_count, SP_DEPLOYMENT_PARTS_MAX);
  end(&rig);
}

/* -- asking -- */

static void expect_refused(const struct rig *rig, const char *text, int code, const char *part) {
  struct sp_prediction prediction;
  struct sp_err err;
  int got = predict(rig, text, &prediction, &err);
  if (got != code) fail_msg("%s: %d and not %d", text, got, code);
  expect_text(err.text, part);
}

static void a_change_is_read_or_refused_with_a_sentence(void **state) {
  (void)state;
  struct rig rig;
  a_typical_one(&rig);
  for (double users = 20; users <= 100; users += 40) measure(&rig, false, users, 2);
  fit(&rig);
  expect_refused(&rig, "dify-api.cpu", SP_EUSAGE, "NAME=VALUE");
  expect_refused(&rig, "=2", SP_EUSAGE, "no name");
  expect_refused(&rig, "dify-api.cpu=two", SP_EUSAGE, "'two' is no number");
  expect_refused(&rig, "dify-api.cpu=-1", SP_EUSAGE, "no number from 0 on");
  expect_refused(&rig, "dify-api.cpu=0", SP_EUSAGE, "dify-api.cpu can't be 0");
  expect_refused(&rig, "dify-api.cpu=1,", SP_EUSAGE, "NAME=VALUE");
  expect_refused(&rig, "postgres.commit.time=fast", SP_EUSAGE, "fast");
  expect_refused(&rig, "dify-ap.cpu=2", SP_ENOTFOUND, "did you mean 'dify-api.cpu'?");
  expect_refused(&rig, "quantum=2", SP_ENOTFOUND, "there are pgbouncer.slots, dify-api.cpu");
  expect_refused(&rig, "rest=2", SP_EUSAGE, "rest has no limit that was seen");
  expect_refused(&rig, "plugin.calls=9", SP_EUSAGE, "plugin.calls.time can be changed");
  expect_refused(&rig, "rate=20", SP_EUSAGE, "users, so the rate can't be changed");
  expect_refused(&rig, "users=0", SP_EUSAGE, "users must be from 1");
  end(&rig);
}

static void changes_of_every_kind_are_read(void **state) {
  (void)state;
  struct sp_whatif whatif = {0};
  struct sp_err err;
  assert_int_equal(sp_whatif_parse("a.cpu=2, b.slots+=4 ,c.time*=0.5,d.time=5ms,think=1.5s", &whatif, &err), 0);
  assert_int_equal(sp_whatif_parse("users=9,rate=90/m", &whatif, &err), 0);
  static const struct sp_change right[] = {
      {"a.cpu", SP_CHANGE_SERVERS, SP_CHANGE_TO, 2}, {"b.slots", SP_CHANGE_SERVERS, SP_CHANGE_PLUS, 4},
      {"c", SP_CHANGE_TIME, SP_CHANGE_TIMES, 0.5},   {"d", SP_CHANGE_TIME, SP_CHANGE_TO, 0.005},
      {"", SP_CHANGE_THINK, SP_CHANGE_TO, 1.5},      {"", SP_CHANGE_USERS, SP_CHANGE_TO, 9},
      {"", SP_CHANGE_RATE, SP_CHANGE_TO, 1.5},
  };
  assert_int_equal(whatif.count, sizeof right / sizeof *right);
  for (size_t i = 0; i < whatif.count; i++) {
    assert_string_equal(whatif.changes[i].station, right[i].station);
    assert_int_equal(whatif.changes[i].of, right[i].of);
    assert_int_equal(whatif.changes[i].by, right[i].by);
    expect_near("value", whatif.changes[i].value, right[i].value, 1e-9);
  }
  while (whatif.count < SP_WHATIF_CHANGES_MAX) assert_int_equal(sp_whatif_parse("users=9", &whatif, &err), 0);
  assert_int_equal(sp_whatif_parse("users=9", &whatif, &err), SP_ELIMIT);
}

static void never_past_twice_what_was_measured(void **state) {
  (void)state;
  struct rig rig;
  begin(&rig);
  add(&rig, "dify-api.slots", SP_QUEUE_SLOTS, 10, 2310, SP_QUEUE_ROOT);
  for (double users = 20; users <= 100; users += 40) measure(&rig, false, users, 2);
  fit(&rig);
  expect_refused(&rig, "users=201", SP_ELIMIT, "201 users are more than twice the 100");
  assert_true(ask(&rig, "users=200").per_s > 0);
  expect_refused(&rig, "dify-api.slots=40", SP_ELIMIT, "twice the 4.33/s that were measured");
  struct sp_prediction twice = ask(&rig, "dify-api.slots=20");
  expect_near("slot law", twice.per_s, 20 / 2.31, 0.001);
  assert_true(twice.low_per_s < twice.per_s && twice.per_s < twice.high_per_s);
  expect_text(twice.change, "dify-api.slots 10 -> 20 slots");
  expect_text(twice.basis, "dify-api.slots is held 2.31 s a request (10 of 10 slots in use, 100 %)");
  expect_text(twice.predicted, "(90 %) with 100 users");
  expect_text(twice.refuted_by, "at 100 users");
  assert_int_equal(twice.confidence, SP_DIAGNOSIS_LOW); /* so far */
  end(&rig);
}

static void the_next_one_to_bind_is_named(void **state) {
  (void)state;
  struct rig rig;
  begin(&rig);
  add(&rig, "dify-api.cpu", SP_QUEUE_CPU, 0.8, 37.2, SP_QUEUE_ROOT);
  add(&rig, "postgres.commit", SP_QUEUE_SERVERS, 1, 30, SP_QUEUE_ROOT);
  for (double users = 20; users <= 100; users += 40) measure(&rig, false, users, 2);
  fit(&rig);
  struct sp_prediction little = ask(&rig, "dify-api.cpu=1"), much = ask(&rig, "dify-api.cpu=1.6");
  assert_string_equal(little.binding, "dify-api.cpu");
  assert_string_equal(little.next, "postgres.commit");
  expect_near("its ceiling", little.next_per_s, 1 / 0.030, 0.001);
  assert_int_equal(little.confidence, SP_DIAGNOSIS_HIGH);
  assert_string_equal(little.doubt, "");
  assert_string_equal(much.binding, "postgres.commit");
  expect_near("before", much.before_per_s, rig.steps[2].rps, 0.001);
  expect_text(much.refuted_by, "dify-api.cpu stays over 95 % busy");
  struct sp_prediction both = ask(&rig, "dify-api.cpu=1.6,postgres.commit.time*=0.5");
  expect_near("both", both.per_s, 1.6 / 0.0372, 0.08);
  end(&rig);
}

/* -- open -- */

static void an_open_network_is_asked_for_its_ceiling(void **state) {
  (void)state;
  struct rig rig;
  begin(&rig);
  add(&rig, "dify-api.cpu", SP_QUEUE_CPU, 2, 50, SP_QUEUE_ROOT);
  add(&rig, "model", SP_QUEUE_DELAY, 0, 300, SP_QUEUE_ROOT);
  for (double rate = 10; rate <= 34; rate += 8) measure(&rig, true, rate, 0);
  fit(&rig);
  struct sp_prediction prediction = ask(&rig, "dify-api.cpu=3");
  expect_near("ceiling", prediction.ceiling_per_s, 60, 0.001);
  expect_near("as much of it as before", prediction.per_s, 34 * 1.5, 0.001);
  assert_true(isnan(prediction.mean_s));
  expect_text(prediction.predicted, "where 34/s were measured");
  expect_refused(&rig, "dify-api.cpu=5", SP_ELIMIT, "twice the 34/s");
  expect_refused(&rig, "rate=80", SP_ELIMIT, "80/s are more than twice the 34");
  expect_refused(&rig, "users=10", SP_EUSAGE, "a rate of arrivals, so users");
  end(&rig);
  begin(&rig);
  add(&rig, "model", SP_QUEUE_DELAY, 0, 300, SP_QUEUE_ROOT);
  measure(&rig, true, 10, 0);
  fit(&rig);
  expect_refused(&rig, "rest.time*=0.5", SP_EUSAGE, "nothing that was seen limits the rate");
  end(&rig);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(demands_come_out_again),
      cmocka_unit_test(what_is_used_without_load_is_no_demand),
      cmocka_unit_test(contention_and_the_servers_of_calls_come_from_how_times_grow),
      cmocka_unit_test(a_few_samples_make_no_contention),
      cmocka_unit_test(what_nobody_saw_gets_a_name),
      cmocka_unit_test(without_watchers_times_are_all_there_is),
      cmocka_unit_test(what_can_be_no_model_is_refused),
      cmocka_unit_test(more_steps_than_parts_are_left_out_several_at_a_time),
      cmocka_unit_test(a_change_is_read_or_refused_with_a_sentence),
      cmocka_unit_test(changes_of_every_kind_are_read),
      cmocka_unit_test(never_past_twice_what_was_measured),
      cmocka_unit_test(the_next_one_to_bind_is_named),
      cmocka_unit_test(an_open_network_is_asked_for_its_ceiling),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
