#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after those */
#include <cmocka.h>

#include "base/clock.h"
#include "mock/schedule.h"

#include <math.h>

#define MS (double)SP_NS_PER_MS

static struct sp_mock_timing fixed_timing(void) {
  return (struct sp_mock_timing){ .head = sp_dist_constant(5 * MS),
                                  .queue = sp_dist_constant(3 * MS),
                                  .first = sp_dist_constant(100 * MS),
                                  .gap = sp_dist_constant(20 * MS),
                                  .tail = sp_dist_constant(7 * MS),
                                  .tokens = sp_dist_constant(3),
                                  .eof_lag_ns = 11 * SP_NS_PER_MS };
}

static void expect(struct sp_schedule *schedule, enum sp_mock_step step, double ms) {
  assert_int_equal(schedule->step, step);
  assert_int_equal(schedule->due_ns, 1000 * SP_NS_PER_S + (int64_t)(ms * MS));
  sp_schedule_next(schedule);
}

static struct sp_schedule make(const struct sp_mock_timing *timing, struct sp_schedule_options options) {
  struct sp_schedule schedule;
  options.timing = timing;
  options.arrival_ns = 1000 * SP_NS_PER_S;
  sp_schedule_init(&schedule, &options);
  return schedule;
}

static void without_nodes_each_step_is_due_where_the_docs_say(void **state) {
  (void)state;
  struct sp_mock_timing timing = fixed_timing();
  struct sp_schedule schedule = make(&timing, (struct sp_schedule_options){ 0 });
  expect(&schedule, SP_STEP_HEAD, 5);
  expect(&schedule, SP_STEP_BEGIN, 8);
  expect(&schedule, SP_STEP_TOKEN, 108);
  expect(&schedule, SP_STEP_TOKEN, 128);
  expect(&schedule, SP_STEP_TOKEN, 148);
  expect(&schedule, SP_STEP_END, 155);
  expect(&schedule, SP_STEP_EOF, 166);
  expect(&schedule, SP_STEP_DONE, 166);
  expect(&schedule, SP_STEP_DONE, 166);
}

static void nodes_run_one_behind_the_other(void **state) {
  (void)state;
  struct sp_mock_timing timing = fixed_timing();
  struct sp_dist times[] = { sp_dist_constant(10 * MS), sp_dist_constant(9999 * MS), sp_dist_constant(1 * MS) };
  struct sp_schedule schedule =
      make(&timing, (struct sp_schedule_options){ .node_times = times, .node_count = 3, .stream_node = 1 });
  expect(&schedule, SP_STEP_HEAD, 5);
  expect(&schedule, SP_STEP_BEGIN, 8);
  expect(&schedule, SP_STEP_NODE_STARTED, 8);
  expect(&schedule, SP_STEP_NODE_FINISHED, 18);
  expect(&schedule, SP_STEP_NODE_STARTED, 18); /* the streaming node: its own time is its tokens' */
  expect(&schedule, SP_STEP_TOKEN, 118);
  expect(&schedule, SP_STEP_TOKEN, 138);
  expect(&schedule, SP_STEP_TOKEN, 158);
  assert_int_equal(schedule.node_begun_ns, 1000 * SP_NS_PER_S + 18 * SP_NS_PER_MS);
  expect(&schedule, SP_STEP_NODE_FINISHED, 158);
  expect(&schedule, SP_STEP_NODE_STARTED, 158);
  expect(&schedule, SP_STEP_NODE_FINISHED, 159);
  expect(&schedule, SP_STEP_END, 166);
  expect(&schedule, SP_STEP_EOF, 177);
}

static void an_override_sets_each_node_but_the_streaming_one(void **state) {
  (void)state;
  struct sp_mock_timing timing = fixed_timing();
  struct sp_dist times[] = { sp_dist_constant(10 * MS), sp_dist_constant(0) }, all = sp_dist_constant(2 * MS);
  struct sp_schedule schedule = make(&timing, (struct sp_schedule_options){ .node_times = times, .node_override = &all,
                                                                            .node_count = 2, .stream_node = 1 });
  for (int i = 0; i < 3; i++) sp_schedule_next(&schedule);
  expect(&schedule, SP_STEP_NODE_FINISHED, 10);
  sp_schedule_next(&schedule);
  expect(&schedule, SP_STEP_TOKEN, 110);
}

static void no_tokens_still_take_the_time_to_the_first(void **state) {
  (void)state;
  struct sp_mock_timing timing = fixed_timing();
  struct sp_schedule schedule = make(&timing, (struct sp_schedule_options){ .empty = true });
  sp_schedule_next(&schedule);
  sp_schedule_next(&schedule);
  expect(&schedule, SP_STEP_END, 115);
  struct sp_schedule_truth truth;
  sp_schedule_truth(&schedule, &truth);
  assert_int_equal(truth.tokens, 0);
  assert_int_equal(truth.first_ns, 0);
}

static void a_lump_is_due_with_its_last_token(void **state) {
  (void)state;
  struct sp_mock_timing timing = fixed_timing();
  struct sp_schedule schedule = make(&timing, (struct sp_schedule_options){ .lump = true });
  sp_schedule_next(&schedule);
  sp_schedule_next(&schedule);
  expect(&schedule, SP_STEP_TOKEN, 148);
  expect(&schedule, SP_STEP_TOKEN, 148);
  expect(&schedule, SP_STEP_TOKEN, 148);
  expect(&schedule, SP_STEP_END, 155);
}

static struct sp_mock_timing random_timing(void) {
  struct sp_mock_timing timing = fixed_timing();
  timing.head = (struct sp_dist){ SP_DIST_UNIFORM, 1 * MS, 9 * MS };
  timing.first = (struct sp_dist){ SP_DIST_NORMAL, 100 * MS, 10 * MS };
  timing.gap = (struct sp_dist){ SP_DIST_EXPONENTIAL, 20 * MS, 0 };
  timing.tail = (struct sp_dist){ SP_DIST_LOGNORMAL, 5 * MS, 0.5 };
  timing.tokens = (struct sp_dist){ SP_DIST_UNIFORM, 5, 50 };
  return timing;
}

static void the_truth_told_at_the_start_comes_true(void **state) {
  (void)state;
  struct sp_mock_timing timing = random_timing();
  for (uint64_t seed = 0; seed < 50; seed++) {
    struct sp_schedule schedule = make(&timing, (struct sp_schedule_options){ .seed = seed });
    struct sp_schedule_truth truth;
    sp_schedule_truth(&schedule, &truth);
    int64_t before_ns = schedule.due_ns, first_ns = 0, last_ns = 0, end_ns = 0;
    uint64_t tokens = 0;
    for (; schedule.step != SP_STEP_DONE; sp_schedule_next(&schedule)) {
      assert_true(schedule.due_ns >= before_ns);
      before_ns = schedule.due_ns;
      if (schedule.step == SP_STEP_TOKEN && tokens++ == 0) first_ns = schedule.due_ns;
      if (schedule.step == SP_STEP_TOKEN) last_ns = schedule.due_ns;
      if (schedule.step == SP_STEP_END) end_ns = schedule.due_ns;
    }
    assert_int_equal(truth.tokens, tokens);
    assert_int_equal(truth.first_ns, first_ns);
    assert_int_equal(truth.last_ns, last_ns);
    assert_int_equal(truth.end_ns, end_ns);
  }
}

static void the_same_seed_gives_the_same_times(void **state) {
  (void)state;
  struct sp_mock_timing timing = random_timing();
  struct sp_schedule_truth a, b, c;
  struct sp_schedule one = make(&timing, (struct sp_schedule_options){ .seed = 7, .stream = 3 });
  struct sp_schedule two = make(&timing, (struct sp_schedule_options){ .seed = 7, .stream = 3 });
  struct sp_schedule other = make(&timing, (struct sp_schedule_options){ .seed = 7, .stream = 4 });
  sp_schedule_truth(&one, &a);
  sp_schedule_truth(&two, &b);
  sp_schedule_truth(&other, &c);
  assert_memory_equal(&a, &b, sizeof a);
  assert_int_not_equal(a.end_ns, c.end_ns);
}

static void an_endless_one_goes_on(void **state) {
  (void)state;
  struct sp_mock_timing timing = fixed_timing();
  struct sp_schedule schedule = make(&timing, (struct sp_schedule_options){ .endless = true });
  struct sp_schedule_truth truth;
  sp_schedule_truth(&schedule, &truth);
  assert_true(truth.end_ns == SP_NEVER_NS);
  assert_int_equal(truth.first_ns, 1000 * SP_NS_PER_S + 108 * SP_NS_PER_MS);
  for (int i = 0; i < 10000; i++) sp_schedule_next(&schedule);
  assert_int_equal(schedule.step, SP_STEP_TOKEN);
}

static void a_shift_moves_all_that_comes(void **state) {
  (void)state;
  struct sp_mock_timing timing = fixed_timing();
  struct sp_schedule schedule = make(&timing, (struct sp_schedule_options){ 0 });
  sp_schedule_next(&schedule);
  sp_schedule_next(&schedule);
  sp_schedule_shift(&schedule, 50 * SP_NS_PER_MS);
  assert_int_equal(schedule.first_ns, 1000 * SP_NS_PER_S + 158 * SP_NS_PER_MS);
  expect(&schedule, SP_STEP_TOKEN, 158);
  expect(&schedule, SP_STEP_TOKEN, 178);
}

static void distributions_have_their_moments(void **state) {
  (void)state;
  struct sp_rng rng;
  sp_rng_seed(&rng, 42, 0);
  const struct sp_dist dists[] = { { SP_DIST_UNIFORM, 100, 300 }, { SP_DIST_NORMAL, 200, 20 },
                                   { SP_DIST_EXPONENTIAL, 200, 0 }, { SP_DIST_LOGNORMAL, 200, 0.1 } };
  const double deviations[] = { 57.7, 20, 200, 20.1 };
  for (size_t i = 0; i < 4; i++) {
    double sum = 0, squares = 0;
    for (int n = 0; n < 20000; n++) {
      double value = sp_dist_draw(&dists[i], &rng);
      assert_true(value >= 0);
      sum += value;
      squares += value * value;
    }
    double mean = sum / 20000, deviation = sqrt(squares / 20000 - mean * mean);
    assert_true(fabs(mean - 200) < 5);
    assert_true(fabs(deviation - deviations[i]) < deviations[i] * 0.05);
  }
}

static void a_draw_is_never_negative_and_has_a_cap(void **state) {
  (void)state;
  struct sp_rng rng;
  sp_rng_seed(&rng, 1, 0);
  struct sp_dist wide = { SP_DIST_NORMAL, 0, 1e6 }, huge = { SP_DIST_LOGNORMAL, 1e12, 10 };
  for (int i = 0; i < 1000; i++) {
    assert_true(sp_dist_draw(&wide, &rng) >= 0);
    assert_true(sp_dist_draw(&huge, &rng) <= (double)SP_MOCK_TIME_MAX_NS);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(without_nodes_each_step_is_due_where_the_docs_say),
    cmocka_unit_test(nodes_run_one_behind_the_other),
    cmocka_unit_test(an_override_sets_each_node_but_the_streaming_one),
    cmocka_unit_test(no_tokens_still_take_the_time_to_the_first),
    cmocka_unit_test(a_lump_is_due_with_its_last_token),
    cmocka_unit_test(the_truth_told_at_the_start_comes_true),
    cmocka_unit_test(the_same_seed_gives_the_same_times),
    cmocka_unit_test(an_endless_one_goes_on),
    cmocka_unit_test(a_shift_moves_all_that_comes),
    cmocka_unit_test(distributions_have_their_moments),
    cmocka_unit_test(a_draw_is_never_negative_and_has_a_cap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
