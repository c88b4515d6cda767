/*
 * The search: its arithmetic against worked examples, its way against targets whose truth is known, in simulated time.
 * Seeded, so a bound holds always or never.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue.h"

#include <math.h>
#include <string.h>

static struct sp_search search; /* 70 KB */

/* -- a load -- */

static void classes(void **state) {
  (void)state;
  static const struct {
    struct sp_search_seconds seconds;
    double sum_s, exceed;
    enum sp_search_class class;
  } rows[] = {
    { { 0 }, 60, 0.5, SP_SEARCH_UNDECIDED },
    { { .full_low = 60 }, 60, 0, SP_SEARCH_LOWER }, /* RFC 2544: one trial, no loss */
    { { .full_high = 60 }, 60, 0, SP_SEARCH_UPPER },
    { { .full_high = 1 }, 60, 0, SP_SEARCH_UPPER }, /* no second may be bad */
    { { .full_low = 60 }, 120, 0.5, SP_SEARCH_LOWER }, /* TST009: whatever the other minute is, half are good */
    { { .full_high = 60 }, 120, 0.5, SP_SEARCH_UNDECIDED },
    { { .full_low = 30, .full_high = 30 }, 120, 0.5, SP_SEARCH_UNDECIDED },
    { { .full_low = 30, .full_high = 61 }, 120, 0.5, SP_SEARCH_UPPER },
    { { .short_low = 1000 }, 60, 0.5, SP_SEARCH_UNDECIDED }, /* short trials make no lower bound */
    { { .short_high = 31 }, 60, 0.5, SP_SEARCH_UPPER },      /* but an upper one */
    { { .short_high = 31, .short_low = 20 }, 60, 0.5, SP_SEARCH_UNDECIDED }, /* unless others balance them */
    { { .full_low = 80, .full_high = 19 }, 100, 0.2, SP_SEARCH_LOWER },
    { { .full_low = 79, .full_high = 21 }, 100, 0.2, SP_SEARCH_UPPER },
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    assert_int_equal(sp_search_classify(&rows[i].seconds, rows[i].sum_s, rows[i].exceed), rows[i].class);
  }
}

static void few_requests(void **state) {
  (void)state;
  assert_true(sp_search_is_missed(6, 100, 0.05, false));
  assert_false(sp_search_is_missed(5, 100, 0.05, false));
  assert_false(sp_search_is_missed(2, 10, 0.05, true)); /* by chance */
  assert_true(sp_search_is_missed(5, 10, 0.05, true));
  assert_true(sp_search_is_missed(0, 0, 0.05, false)); /* what was not seen was not kept */
  assert_true(sp_search_is_lost(500, 1000, 0.05));
  assert_false(sp_search_is_lost(54, 1000, 0.05));
}

/* -- a search with a target that follows a rule -- */

struct rule {
  double limit;      /* loads over it miss */
  double able_to, drifts_from, grows_from; /* 0: never */
  unsigned spoiled;  /* so many trials that the generator spoils, one every third */
};

static void follow(const struct rule *rule, const struct sp_search_ask *ask, struct sp_search_trial *out) {
  *out = (struct sp_search_trial){ .load = ask->load, .asked_s = ask->seconds, .measured_s = ask->seconds, .valid = true,
                                   .warm_up = ask->warm_up, .goodput_per_s = fmin(ask->load, rule->limit) };
  for (size_t goal = 0; goal < SP_SEARCH_GOALS_MAX; goal++) {
    out->missed[goal] = ask->load > rule->limit * (double)(goal + 1); /* each goal allows more */
    out->miss_share[goal] = out->missed[goal] ? 1 : 0;
  }
  out->valid = rule->able_to <= 0 || ask->load <= rule->able_to;
  if (rule->drifts_from > 0 && ask->load >= rule->drifts_from) out->steady = SP_STEADY_DRIFTS;
  if (rule->grows_from > 0 && ask->load >= rule->grows_from) out->steady = SP_STEADY_GROWS;
}

static void make(struct rule *rule, const struct sp_search_options *options, size_t most) {
  struct sp_search_ask ask;
  sp_search_init(&search, options);
  while (search.count < most && sp_search_next(&search, &ask)) {
    struct sp_search_trial trial;
    assert_true(ask.seconds_max >= ask.seconds && ask.warm_s >= 1);
    assert_true(ask.load >= options->min && ask.load <= options->max);
    follow(rule, &ask, &trial);
    if (rule->spoiled > 0 && search.count % 3 == 1) trial.valid = (rule->spoiled--, false);
    sp_search_add(&search, &trial);
  }
}

static struct sp_search_result found(struct rule rule, const struct sp_search_options *options) {
  struct sp_search_result result;
  make(&rule, options, SP_SEARCH_TRIALS_MAX);
  sp_search_result(&search, 0, &result);
  assert_true(result.complete);
  return result;
}

static void bounded(void **state) {
  (void)state;
  struct sp_search_options options;
  sp_search_options_init(&options);
  static const double limits[] = { 0.11, 0.7, 1, 1.5, 17, 93.7, 1024, 9876 };
  for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
    struct sp_search_result result = found((struct rule){ .limit = limits[i] }, &options);
    assert_int_equal(result.verdict, SP_SEARCH_BOUNDED);
    assert_true(result.lower <= limits[i] && limits[i] < result.upper);
    assert_true((result.upper - result.lower) / result.upper <= options.width);
    assert_true(fabs(result.goodput_at_lower - result.lower) < 1e-9);
    assert_int_equal(sp_search_class_at(&search, 0, result.lower), SP_SEARCH_LOWER);
    assert_in_range(search.count, 5, 40);
  }
}

static void other_verdicts(void **state) {
  (void)state;
  struct sp_search_options options;
  sp_search_options_init(&options);
  struct sp_search_result result = found((struct rule){ .limit = 1e9 }, &options);
  assert_int_equal(result.verdict, SP_SEARCH_NO_UPPER);
  assert_true(result.lower == options.max && isnan(result.upper));
  result = found((struct rule){ .limit = 0.001 }, &options);
  assert_int_equal(result.verdict, SP_SEARCH_NO_LOWER);
  assert_true(isnan(result.lower) && result.upper == options.min && isnan(result.goodput_at_lower));
  result = found((struct rule){ .limit = 1e9, .able_to = 300 }, &options);
  assert_int_equal(result.verdict, SP_SEARCH_NOT_ABLE);
  assert_true(result.lower <= 300 && result.lower > 290 && result.upper > 300);
  assert_int_equal(sp_search_class_at(&search, 0, result.upper), SP_SEARCH_UPPER);
  assert_int_equal(sp_search_why_at(&search, 0, result.upper), SP_SEARCH_BY_GENERATOR);
  result = found((struct rule){ .limit = 1e9, .drifts_from = 40 }, &options);
  assert_int_equal(result.verdict, SP_SEARCH_NO_STEADY);
  assert_true(result.lower < 40 && result.upper >= 40);
  result = found((struct rule){ .limit = 1e9, .drifts_from = 0.001 }, &options);
  assert_int_equal(result.verdict, SP_SEARCH_NO_STEADY);
  assert_true(isnan(result.lower));
  result = found((struct rule){ .limit = 1e9, .grows_from = 70 }, &options); /* growth is a miss */
  assert_int_equal(result.verdict, SP_SEARCH_BOUNDED);
  assert_true(result.lower < 70 && result.upper >= 70);
}

static void a_spoiled_trial_is_made_again(void **state) {
  (void)state;
  struct sp_search_options options;
  sp_search_options_init(&options);
  struct sp_search_result result = found((struct rule){ .limit = 50, .spoiled = 3 }, &options);
  assert_int_equal(result.verdict, SP_SEARCH_BOUNDED);
  assert_true(result.lower <= 50 && result.upper > 50);
}

static void users_are_whole(void **state) {
  (void)state;
  struct sp_search_options options;
  sp_search_options_init(&options);
  options.whole = true;
  options.min = 1;
  static const double limits[] = { 1.5, 2, 3, 10, 11, 57, 640 };
  for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
    struct sp_search_result result = found((struct rule){ .limit = limits[i] }, &options);
    assert_int_equal(result.verdict, SP_SEARCH_BOUNDED);
    assert_true(result.lower <= limits[i] && limits[i] < result.upper && result.lower == floor(result.lower));
    assert_true(result.upper - result.lower == 1 || (result.upper - result.lower) / result.upper <= options.width);
  }
}

static void goals_share_trials(void **state) {
  (void)state;
  struct sp_search_options options;
  struct sp_search_result result;
  struct rule rule = { .limit = 20 };
  sp_search_options_init(&options);
  options.goals = 3;
  make(&rule, &options, SP_SEARCH_TRIALS_MAX);
  for (size_t goal = 0; goal < 3; goal++) {
    double limit = 20 * (double)(goal + 1);
    sp_search_result(&search, goal, &result);
    assert_int_equal(result.verdict, SP_SEARCH_BOUNDED);
    assert_true(result.lower <= limit && limit < result.upper && (result.upper - result.lower) / result.upper <= 0.02);
  }
  assert_in_range(search.count, 10, 60);
}

static void ladder(void **state) {
  (void)state;
  struct sp_search_options options;
  sp_search_options_init(&options);
  options.whole = true;
  options.ladder_count = 4;
  memcpy(options.ladder, (const double[]){ 50, 100, 150, 200 }, 4 * sizeof(double));
  struct sp_search_result result = found((struct rule){ .limit = 120 }, &options);
  assert_int_equal(search.count, 4);
  assert_true(result.lower == 100 && result.upper == 150);
  assert_int_equal(result.verdict, SP_SEARCH_BOUNDED);
}

/* Stopped anywhere, and gone on with the trials so far: the same end. */
static void resumes(void **state) {
  (void)state;
  struct sp_search_options options;
  struct sp_search_result whole, result;
  static struct sp_search before;
  sp_search_options_init(&options);
  whole = found((struct rule){ .limit = 33 }, &options);
  size_t trials = search.count;
  for (size_t stop = 0; stop <= trials; stop++) {
    struct rule rule = { .limit = 33 };
    struct sp_search_ask ask;
    make(&rule, &options, stop);
    before = search;
    sp_search_init(&search, &options);
    for (size_t i = 0; i < before.count; i++) sp_search_add(&search, &before.trials[i]);
    sp_search_result(&search, 0, &result);
    assert_int_equal(result.complete, stop == trials);
    while (sp_search_next(&search, &ask)) {
      struct sp_search_trial trial;
      follow(&rule, &ask, &trial);
      sp_search_add(&search, &trial);
    }
    sp_search_result(&search, 0, &result);
    assert_true(result.lower == whole.lower && result.upper == whole.upper && search.count == trials);
  }
}

/* Trials that contradict each other at random end all the same. */
static void any_answer_ends(void **state) {
  (void)state;
  struct sp_rng rng;
  struct sp_search_options options;
  sp_search_options_init(&options);
  options.goals = 2;
  for (uint64_t seed = 1; seed <= 300; seed++) {
    struct sp_search_ask ask;
    sp_rng_seed(&rng, seed, 1);
    options.whole = seed % 2 == 0;
    options.min = options.whole ? 1 : 0.1;
    sp_search_init(&search, &options);
    while (sp_search_next(&search, &ask)) {
      struct sp_search_trial trial = { .load = ask.load, .asked_s = ask.seconds, .measured_s = ask.seconds,
                                       .warm_up = ask.warm_up, .valid = sp_rng_below(&rng, 8) > 0 };
      trial.steady = (enum sp_steady_state)(sp_rng_below(&rng, 4) > 0 ? 0 : sp_rng_below(&rng, 3));
      trial.missed[0] = sp_rng_below(&rng, 2) == 0;
      trial.missed[1] = sp_rng_below(&rng, 3) == 0;
      assert_true(ask.load > 0 && isfinite(ask.load));
      sp_search_add(&search, &trial);
    }
    assert_true(search.count < SP_SEARCH_TRIALS_MAX);
  }
}

/* -- a search with a queue -- */

#define SEEDS 10u
#define LIMIT_S 720.0

static void search_queue(struct queue *queue, struct sp_search_result *result) {
  struct sp_search_options options;
  struct sp_search_ask ask;
  sp_search_options_init(&options);
  options.requests = 72;
  options.start = 10;
  sp_search_init(&search, &options);
  while (sp_search_next(&search, &ask)) {
    struct sp_search_trial trial;
    queue_trial(queue, &ask, &trial);
    sp_search_add(&search, &trial);
  }
  sp_search_result(&search, 0, result);
}

/* The bound is within 3 % of the truth in nine of ten searches, each of twelve simulated minutes at most. */
static void near_the_truth(void **state) {
  (void)state;
  static const struct {
    unsigned servers;
    double service_s, drift_share; /* over twelve minutes */
    bool fixed;
  } rows[] = {
    { 50, 0.1, 0, true },     { 50, 0.1, 0, false },     { 50, 0.1, 0.02, true }, { 50, 0.1, 0.02, false },
    { 10, 0.02, 0, true },    { 10, 0.02, 0, false },    { 10, 0.02, 0.02, true }, { 10, 0.02, -0.02, false },
  };
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    unsigned near = 0;
    double truth = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
      struct queue queue;
      struct sp_search_result result;
      queue_init(&queue, rows[i].servers, rows[i].service_s, rows[i].fixed, seed);
      queue.drift_per_s = rows[i].drift_share / LIMIT_S;
      truth = seed == 1 ? queue_truth(&queue, LIMIT_S / 2) : truth;
      search_queue(&queue, &result);
      assert_int_equal(result.verdict, SP_SEARCH_BOUNDED);
      assert_true(queue.now_s <= LIMIT_S);
      near += fabs(result.lower / truth - 1) <= 0.03 ? 1 : 0;
    }
    assert_in_range(near, 9, SEEDS);
  }
}

static void a_queue_that_gets_slower_has_no_steady_state(void **state) {
  (void)state;
  struct queue queue;
  struct sp_search_result result;
  queue_init(&queue, 50, 0.1, true, 1);
  queue.leak = 0.004; /* each second of a trial; a minute makes 0.1 s to 0.34 s */
  queue.limit_s = 2;
  search_queue(&queue, &result);
  assert_int_equal(result.verdict, SP_SEARCH_NO_STEADY);
}

static void a_queue_behind_a_weak_generator(void **state) {
  (void)state;
  struct queue queue;
  struct sp_search_result result;
  queue_init(&queue, 50, 0.1, false, 1);
  queue.able_to = 200;
  search_queue(&queue, &result);
  assert_int_equal(result.verdict, SP_SEARCH_NOT_ABLE);
  assert_true(result.lower <= 200 && result.lower > 190);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(classes),
    cmocka_unit_test(few_requests),
    cmocka_unit_test(bounded),
    cmocka_unit_test(other_verdicts),
    cmocka_unit_test(a_spoiled_trial_is_made_again),
    cmocka_unit_test(users_are_whole),
    cmocka_unit_test(goals_share_trials),
    cmocka_unit_test(ladder),
    cmocka_unit_test(resumes),
    cmocka_unit_test(any_answer_ends),
    cmocka_unit_test(near_the_truth),
    cmocka_unit_test(a_queue_that_gets_slower_has_no_steady_state),
    cmocka_unit_test(a_queue_behind_a_weak_generator),
  };
  return cmocka_run_group_tests_name("search", tests, NULL, NULL);
}
