/* What holds whatever the rule: no name without witnesses, what could not be seen, the generator, and nothing at all. */
#include "model/diagnose_world.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define S SP_NS_PER_S
#define CPU(name, limit, a, b, c) {SP_SIGNAL_CPU_CORES, name, "", {a, b, c}}, {SP_SIGNAL_CPU_LIMIT, name, "", {limit, limit, limit}}

static void see_all(struct world *world, const struct sight *sights, size_t count) {
  for (size_t i = 0; i < count; i++) world_see(world, &sights[i]);
}

static const struct sight busy_cpu[] = {CPU("dify-api", 0.8, 0.16, 0.76, 0.79),
{SP_SIGNAL_CPU_PRESSURE, "dify-api", "", {0.05, 0.4, 0.98}}};

static void nothing_to_judge_gives_no_claim(void **state) {
  struct sp_diagnosis diagnosis;
  (void)state;
  sp_diagnose(&(struct sp_diagnose_input){.step_count = 0}, &diagnosis);
  assert_string_equal(diagnosis.claim, "");
  assert_non_null(strstr(diagnosis.why_not, "nothing to judge"));
  assert_int_equal(diagnosis.confidence, SP_DIAGNOSIS_NONE);
  assert_true(isnan(diagnosis.seconds_per_request) && isnan(diagnosis.predicted_low_per_s));
  sp_diagnosis_fini(&diagnosis);
}

static void a_healthy_target_has_no_culprit_and_says_what_the_users_can(void **state) {
  struct world world;
  (void)state;
  world_begin(&world, HEALTHY);
  see_all(&world, busy_cpu, 3);
  world_diagnose(&world);
  assert_string_equal(world.diagnosis.culprit, "");
  assert_non_null(strstr(world.diagnosis.why_not, "can make 50.0/s at most, and make 47.6/s"));
  assert_true(world_lists(&world.diagnosis.also, "dify-api: CPU")); /* the next to come */
  world_end(&world);
}

static void an_open_loop_at_rest_has_no_culprit(void **state) {
  struct world world;
  (void)state;
  world_begin(&world, HEALTHY);
  for (size_t i = 0; i < WORLD_STEPS; i++) {
    world.steps[i].open_loop = true;
    world.steps[i].load = world.steps[i].rps;
    world.steps[i].think_s = (double)NAN;
  }
  world_diagnose(&world);
  assert_string_equal(world.diagnosis.culprit, "");
  assert_non_null(strstr(world.diagnosis.why_not, "nothing holds the target yet: at 47.6/s"));
  world_end(&world);
}

/* -- the generator -- */

static void the_generator_is_named_where_it_is_the_limit(void **state) {
  struct world world;
  (void)state;
  world_begin(&world, HEALTHY);
  world.steps[2].valid = false;
  world.steps[2].invalid_reason = "its own lag (p99 35 ms) is too large";
  world_diagnose(&world);
  assert_string_equal(world.diagnosis.culprit, "generator");
  assert_non_null(strstr(world.diagnosis.claim, "at 100 users, not the target: its own lag"));
  assert_int_equal(world.diagnosis.confidence, SP_DIAGNOSIS_HIGH);
  world_end(&world);
}

static void figures_of_a_step_that_is_not_valid_accuse_nobody(void **state) {
  struct world world;
  (void)state;
  world_begin(&world, PRESSED);
  see_all(&world, busy_cpu, 3);
  for (size_t i = 0; i < WORLD_STEPS; i++) world.steps[i].valid = false;
  world_diagnose(&world);
  assert_string_equal(world.diagnosis.culprit, "generator");
  world_end(&world);
}

/* A few tasks that began late make a run invalid, and its answers of a second not wrong. */
static void a_little_late_costs_sureness_and_not_the_name(void **state) {
  struct world world;
  (void)state;
  world_begin(&world, PRESSED);
  see_all(&world, busy_cpu, 3);
  world_diagnose(&world);
  int sure = (int)world.diagnosis.confidence;
  sp_diagnosis_fini(&world.diagnosis);
  world.steps[2].valid = false;
  world.steps[2].invalid_reason = "13.7 % of the tasks began late";
  world.steps[2].generator_s = world.steps[2].e2e_s * 0.02;
  world_diagnose(&world);
  assert_string_equal(world.diagnosis.culprit, "dify-api.cpu");
  assert_int_equal(world.diagnosis.confidence, sure - 1);
  bool told = false;
  for (size_t i = 0; i < world.diagnosis.unseen.count; i++) {
    told = told || strstr(world.diagnosis.unseen.lines[i].text, "since the generator was late: 13.7 %");
  }
  assert_true(told);
  sp_diagnosis_fini(&world.diagnosis);
  world.steps[2].generator_s = world.steps[2].e2e_s * 0.2;
  world_diagnose(&world);
  assert_string_equal(world.diagnosis.culprit, "generator");
  sp_diagnosis_fini(&world.diagnosis);
  world.steps[2].generator_s = world.steps[2].e2e_s * 0.02;
  world.steps[2].dropped_starts = 1;
  world_diagnose(&world);
  assert_string_equal(world.diagnosis.culprit, "generator");
  world_end(&world);
}

/* The target broke before the generator did. */
static void a_target_that_breaks_first_is_still_named(void **state) {
  struct world world;
  (void)state;
  world_begin(&world, PRESSED);
  see_all(&world, busy_cpu, 3);
  struct sp_diagnose_step steps[4];
  memcpy(steps, world.steps, sizeof(world.steps));
  steps[3] = steps[2];
  steps[3].load = 400;
  steps[3].valid = false;
  world.input.steps = steps;
  world.input.step_count = 4;
  world_diagnose(&world);
  assert_string_equal(world.diagnosis.culprit, "dify-api.cpu");
  world_end(&world);
}

/* -- two at once -- */

static void of_two_the_dearer_is_claimed_and_the_other_told(void **state) {
  static const struct sight sights[] = {CPU("dify-api", 0.8, 0.16, 0.76, 0.79),
  {SP_SIGNAL_CPU_RUN_WAIT, "dify-api", "", {0.01, 0.5, 14}},
                                        {SP_SIGNAL_DB_SESSIONS, "postgres", "IO/WALSync", {0.2, 0.8, 1}},
                                        {SP_SIGNAL_DB_SESSIONS, "postgres", "LWLock/WALWrite", {0, 0.6, 35}}};
  struct world world;
  (void)state;
  world_begin(&world, PRESSED);
  see_all(&world, sights, 5);
  world_diagnose(&world);
  assert_string_equal(world.diagnosis.culprit, "postgres.commit");
  assert_true(world_lists(&world.diagnosis.also, "dify-api: CPU 0.79 of 0.80"));
  assert_non_null(strstr(world.diagnosis.predicted, "dify-api.cpu is at its limit as well"));
  world_end(&world);
}

/* -- bad data -- */

static void data_that_stopped_accuse_nobody_and_are_told(void **state) {
  struct world world;
  (void)state;
  world_begin(&world, PRESSED);
  struct sp_observed_key key = {.signal = SP_SIGNAL_CPU_CORES, .subject = "dify-api", .source = "test", .query = "q"};
  struct sp_observed_key limit = {.signal = SP_SIGNAL_CPU_LIMIT, .subject = "dify-api", .source = "test", .query = "q"};
  sp_observations_add(world.seen, &limit, world.steps[0].to_ns, S, 0.8);
  for (int64_t second = 1; second < 140; second++) /* it died 20 s into the last step */
    sp_observations_add(world.seen, &key, world.steps[0].from_ns + second * S, S, second < 60 ? 0.16 : 0.79);
  world_diagnose(&world);
  assert_string_equal(world.diagnosis.culprit, "");
  assert_true(world_lists(&world.diagnosis.unseen, "dify-api cpu.cores: data for 32 % of the time at 100 users"));
  world_end(&world);
}

/* A limit is a setting: a glance is enough. */
static void a_limit_needs_no_data_of_its_step(void **state) {
  struct world world;
  (void)state;
  world_begin(&world, PRESSED);
  world_see(&world, &(struct sight){SP_SIGNAL_CPU_CORES, "dify-api", "", {0.16, 0.76, 0.79}});
  struct sp_observed_key limit = {.signal = SP_SIGNAL_CPU_LIMIT, .subject = "dify-api", .source = "test", .query = "q"};
  sp_observations_add(world.seen, &limit, world.steps[0].from_ns - 5 * S, S, 0.8);
  world_diagnose(&world);
  assert_string_equal(world.diagnosis.culprit, "dify-api.cpu");
  world_end(&world);
}

/* Two watchers that see the same: the one that has something to tell. */
static void the_same_thing_seen_twice_counts_once(void **state) {
  struct world world;
  (void)state;
  world_begin(&world, PRESSED);
  see_all(&world, busy_cpu, 3);
  struct sp_observed_key other = {.signal = SP_SIGNAL_CPU_CORES, .subject = "dify-api", .source = "another",
  .query = "q"};
  for (int64_t second = 1; second <= 180; second++)
    sp_observations_add(world.seen, &other, world.steps[0].from_ns + second * S, S, 0.79);
  world_diagnose(&world);
  assert_true(world_lists(&world.diagnosis.witnesses, "CPU 0.79 of 0.80 cores"));
  world_end(&world);
}

static void what_watchers_could_not_see_is_told(void **state) {
  struct world world;
  (void)state;
  world_begin(&world, PRESSED);
  sp_observations_sight(world.seen, "postgres db1:5432", false, "waits of sessions: role monitor has no pg_monitor");
  sp_observations_sight(world.seen, "postgres db1:5432", true, "settings");
  world.input.generator_shares_machine = true;
  world_diagnose(&world);
  assert_true(world_lists(&world.diagnosis.unseen, "role monitor has no pg_monitor"));
  assert_false(world_lists(&world.diagnosis.unseen, "settings"));
  assert_true(world_lists(&world.diagnosis.unseen, "runs on the target's machine"));
  assert_true(world_lists(&world.diagnosis.unseen, "the database: nobody watched"));
  assert_non_null(strstr(world.diagnosis.why_not, "can't tell"));
  world_end(&world);
}

/* -- steps as they come -- */

static void the_order_of_steps_does_not_matter(void **state) {
  struct world world;
  (void)state;
  world_begin(&world, PRESSED);
  see_all(&world, busy_cpu, 3);
  struct sp_diagnose_step first = world.steps[0];
  world.steps[0] = world.steps[2];
  world.steps[2] = first;
  world_diagnose(&world);
  assert_string_equal(world.diagnosis.culprit, "dify-api.cpu");
  assert_true(world_lists(&world.diagnosis.witnesses, "from 10 users to 100 users"));
  world_end(&world);
}

/* A search's short trials say where to look, and the long ones what was there; one where all failed says nothing. */
static void steps_that_say_nothing_are_not_judged(void **state) {
  struct world world;
  (void)state;
  world_begin(&world, PRESSED);
  see_all(&world, busy_cpu, 3);
  struct sp_diagnose_step steps[5];
  memcpy(steps, world.steps, sizeof(world.steps));
  steps[3] = steps[4] = steps[2];
  steps[3].load = 300;
  steps[3].to_ns = steps[3].from_ns + 5 * S;
  steps[4].load = 500;
  steps[4].failed_share = 1;
  steps[4].e2e_s = (double)NAN;
  world.input.steps = steps;
  world.input.step_count = 5;
  world_diagnose(&world);
  assert_string_equal(world.diagnosis.culprit, "dify-api.cpu");
  assert_true(world_lists(&world.diagnosis.witnesses, "to 100 users"));
  world_end(&world);
}

static void the_same_input_gives_the_same_words(void **state) {
  struct world world;
  struct sp_diagnosis again;
  (void)state;
  world_begin(&world, PRESSED);
  see_all(&world, busy_cpu, 3);
  world_diagnose(&world);
  sp_diagnose(&world.input, &again);
  assert_string_equal(world.diagnosis.claim, again.claim);
  assert_string_equal(world.diagnosis.predicted, again.predicted);
  assert_int_equal(world.diagnosis.exonerated.count, again.exonerated.count);
  sp_diagnosis_fini(&again);
  world_end(&world);
}

/* A target of many parts: lists end at their cap, and texts are cut. */
static void many_subjects_fit(void **state) {
  struct world world;
  char name[300];
  (void)state;
  world_begin(&world, PRESSED);
  for (int i = 0; i < 500; i++) {
    memset(name, 'n', sizeof(name));
    snprintf(name + 200, sizeof(name) - 200, "%d", i);
    snprintf(name, 20, "service-%04d", i);
    name[12] = '-';
    struct sp_observed_key key = {.signal = SP_SIGNAL_CPU_CORES, .subject = name, .source = "test", .query = ""};
    struct sp_observed_key limit = {.signal = SP_SIGNAL_CPU_LIMIT, .subject = name, .source = "test", .query = ""};
    sp_observations_add(world.seen, &key, world.steps[2].to_ns, 60 * S, 0.1);
    sp_observations_add(world.seen, &limit, world.steps[2].to_ns, 60 * S, 1);
  }
  world_diagnose(&world);
  assert_int_equal(world.diagnosis.exonerated.count, SP_DIAGNOSIS_LINES_MAX);
  assert_string_equal(world.diagnosis.culprit, "");
  world_end(&world);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_to_judge_gives_no_claim),
      cmocka_unit_test(a_healthy_target_has_no_culprit_and_says_what_the_users_can),
      cmocka_unit_test(an_open_loop_at_rest_has_no_culprit),
      cmocka_unit_test(the_generator_is_named_where_it_is_the_limit),
      cmocka_unit_test(figures_of_a_step_that_is_not_valid_accuse_nobody),
      cmocka_unit_test(a_little_late_costs_sureness_and_not_the_name),
      cmocka_unit_test(a_target_that_breaks_first_is_still_named),
      cmocka_unit_test(of_two_the_dearer_is_claimed_and_the_other_told),
      cmocka_unit_test(data_that_stopped_accuse_nobody_and_are_told),
      cmocka_unit_test(a_limit_needs_no_data_of_its_step),
      cmocka_unit_test(the_same_thing_seen_twice_counts_once),
      cmocka_unit_test(what_watchers_could_not_see_is_told),
      cmocka_unit_test(the_order_of_steps_does_not_matter),
      cmocka_unit_test(steps_that_say_nothing_are_not_judged),
      cmocka_unit_test(the_same_input_gives_the_same_words),
      cmocka_unit_test(many_subjects_fit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
