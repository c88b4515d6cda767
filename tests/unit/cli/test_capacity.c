/* spate capacity: what its options ask for, what requests say to a goal, and a search on the disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "cli/capacity.h"
#include "stats/recorder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct sp_option *const all[] = { sp_options_capacity, sp_options_capacity_load, sp_options_capacity_output, NULL };

struct rig {
  struct sp_options options;
  struct sp_plan plan;
  struct sp_capacity_goals goals;
  struct sp_search_options search;
  struct sp_err err;
  int code;
};

static void set_up(struct rig *rig, const char *const *words) {
  int argc = 0;
  while (words[argc]) argc++;
  memset(rig, 0, sizeof(*rig));
  sp_options_init(&rig->options);
  rig->code = sp_options_parse(&rig->options, all, argc, (char **)words, &rig->err);
  if (rig->code == 0) rig->code = sp_capacity_goals_init(&rig->goals, &rig->options, &rig->plan, &rig->err);
  if (rig->code == 0) rig->code = sp_capacity_options_read(&rig->options, &rig->goals, &rig->search, &rig->err);
}

static void tear_down(struct rig *rig) {
  sp_capacity_goals_fini(&rig->goals);
  sp_options_fini(&rig->options);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* -- options -- */

static void defaults(void **state) {
  (void)state;
  struct rig rig;
  set_up(&rig, WORDS("--slo", "p95(e2e) < 1s", "--slo", "failed_share < 1%", "--slo", "rps > 5"));
  assert_int_equal(rig.code, 0);
  assert_int_equal(rig.goals.count, 1);
  assert_int_equal(rig.goals.left_out, 1);
  assert_string_equal(rig.goals.items[0].text, "p95(e2e) < 1s; failed_share < 1%");
  assert_false(rig.search.whole);
  assert_true(rig.search.start == 1 && rig.search.full_s == 60 && rig.search.requests == 368); /* to name 99 % */
  assert_int_equal(sp_capacity_longest_ns(&rig.goals), SP_NS_PER_S);
  tear_down(&rig);
}

static void said(void **state) {
  (void)state;
  struct rig rig;
  set_up(&rig, WORDS("--slo", "p99(ttft) < 2s", "--goal", "max(e2e) < 9s; failed_share < 5%", "--unit", "users", "--from", "4",
                     "--to", "64", "--trial-time", "12s"));
  assert_int_equal(rig.code, 0);
  assert_int_equal(rig.goals.count, 2);
  assert_int_equal(rig.search.goals, 2);
  assert_true(rig.search.whole && rig.search.start == 4 && rig.search.min == 4 && rig.search.max == 64);
  assert_true(rig.search.short_s == 2 && rig.search.full_s == 12 && rig.search.sum_s == 20);
  tear_down(&rig);
  set_up(&rig, WORDS("--slo", "p99(ttft) < 2s", "--ladder", "5,50, 100"));
  assert_int_equal(rig.search.ladder_count, 3);
  assert_true(rig.search.whole && rig.search.ladder[2] == 100);
  tear_down(&rig);
  set_up(&rig, WORDS("--slo", "p99(ttft) < 2s", "--to", "0.05")); /* below where searches begin */
  assert_true(rig.code == 0 && rig.search.min == 0.05 && rig.search.start == 0.05);
  tear_down(&rig);
}

static void the_plans_slos(void **state) {
  (void)state;
  struct rig rig;
  char *slos[] = { "p50(ttft) < 1s" };
  set_up(&rig, WORDS("--unit", "rate"));
  assert_int_equal(rig.code, SP_EUSAGE);
  rig.plan.slos = slos;
  rig.plan.slo_count = 1;
  assert_int_equal(sp_capacity_goals_init(&rig.goals, &rig.options, &rig.plan, &rig.err), 0);
  assert_string_equal(rig.goals.items[0].text, "p50(ttft) < 1s");
  tear_down(&rig);
}

/* -- what requests say -- */

static const struct sp_request_key key = { .name = "chat", .user_class = "U", .task = "chat" };

static void add(struct sp_recorder *recorder, enum sp_outcome outcome, double e2e_ms, unsigned times) {
  for (unsigned i = 0; i < times; i++) {
    struct sp_sample sample;
    sp_sample_init(&sample);
    sample.outcome = outcome;
    sample.end_ns = (int64_t)(e2e_ms * 1e6);
    sample.metric_ns[SP_METRIC_E2E] = sample.end_ns;
    sp_recorder_start(recorder, &key);
    sp_recorder_end(recorder, &key, &sample);
  }
}

static struct sp_search_trial judged(const struct rig *rig, unsigned slow, unsigned failed, unsigned cut, bool coarse) {
  struct sp_recorder recorder;
  struct sp_search_trial trial = { 0 };
  sp_recorder_init(&recorder, 0);
  recorder.limits = &rig->goals.limits;
  add(&recorder, SP_OUTCOME_OK, 500, 1000 - slow - failed - cut);
  add(&recorder, SP_OUTCOME_OK, 1500, slow);
  add(&recorder, SP_OUTCOME_TIMEOUT, 100, failed);
  add(&recorder, SP_OUTCOME_CANCELLED, 3000, cut);
  sp_capacity_judge(&rig->goals, recorder.interval, 10, coarse, &trial);
  trial.lost = sp_capacity_is_lost(&rig->goals, recorder.interval, 1000);
  sp_recorder_fini(&recorder);
  return trial;
}

static void misses(void **state) {
  (void)state;
  struct rig rig;
  set_up(&rig, WORDS("--slo", "p95(e2e) < 1s", "--goal", "failed_share < 2%", "--goal", "mean(e2e) < 520ms"));
  struct sp_search_trial trial = judged(&rig, 50, 0, 0, false);
  assert_true(!trial.missed[0] && fabs(trial.miss_share[0] - 0.05) < 1e-9); /* as many as may */
  assert_true(!trial.missed[1] && trial.miss_share[1] == 0);
  assert_true(trial.missed[2] && isnan(trial.miss_share[2])); /* 550 ms: a mean is no share of requests */
  trial = judged(&rig, 40, 15, 0, false); /* a failed one has missed its limit */
  assert_true(trial.missed[0] && !trial.missed[1] && fabs(trial.miss_share[0] - 0.055) < 1e-9);
  assert_false(judged(&rig, 40, 15, 0, true).missed[0]); /* by chance, a short trial */
  trial = judged(&rig, 40, 0, 15, false); /* cut, and over the limit by then */
  assert_true(trial.missed[0] && !trial.missed[1]);
  assert_false(judged(&rig, 500, 0, 0, false).lost); /* of failures it has none */
  tear_down(&rig);
  set_up(&rig, WORDS("--slo", "p95(e2e) < 1s"));
  assert_true(judged(&rig, 200, 0, 0, false).lost);
  assert_false(judged(&rig, 52, 0, 0, false).lost);
  tear_down(&rig);
  set_up(&rig, WORDS("--slo", "p95(e2e) < 1s on 'other'"));
  trial = judged(&rig, 0, 0, 0, false);
  assert_true(trial.missed[0]); /* what was not seen was not kept */
  tear_down(&rig);
}

/* -- on the disk -- */

static void fill(struct sp_capacity *capacity, struct rig *rig, struct sp_setup *setup) {
  memset(capacity, 0, sizeof(*capacity));
  capacity->options = &rig->options;
  capacity->setup = setup;
  capacity->plan_name = "a \"plan\".lua";
  capacity->goals = rig->goals;
  sp_search_init(&capacity->search, &rig->search);
}

static void write_text(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

static void kept_and_read(void **state) {
  (void)state;
  struct rig rig;
  struct sp_setup setup = { .host = (char *)"http://x" };
  static struct sp_capacity capacity, again;
  struct sp_err err;
  char path[] = "/tmp/spate-state-XXXXXX";
  close(mkstemp(path));
  set_up(&rig, WORDS("--slo", "p95(e2e) < 1s", "--goal", "failed_share < 2%"));
  fill(&capacity, &rig, &setup);
  for (int i = 0; i < 5; i++) {
    struct sp_search_trial trial = { .load = 1.0 / 3 + i, .asked_s = 60, .measured_s = 61, .warm_up = i == 0, .valid = i != 3,
                                     .lost = i == 4, .steady = i == 2 ? SP_STEADY_DRIFTS : SP_STEADY_YES, .missed = { i == 4 },
                                     .miss_share = { 0.1 * i, (double)NAN }, .goodput_per_s = 2, .requests = 99 };
    sp_search_add(&capacity.search, &trial);
  }
  assert_int_equal(sp_capacity_state_save(&capacity, path, &err), 0);
  fill(&again, &rig, &setup);
  assert_int_equal(sp_capacity_state_load(&again, path, &err), 0);
  assert_int_equal(again.search.count, 5);
  for (size_t i = 0; i < 5; i++) {
    const struct sp_search_trial *a = &capacity.search.trials[i], *b = &again.search.trials[i];
    assert_true(a->load == b->load && a->measured_s == b->measured_s && a->steady == b->steady && a->requests == b->requests);
    assert_true(a->valid == b->valid && a->lost == b->lost && a->warm_up == b->warm_up && a->missed[0] == b->missed[0]);
    assert_true(a->miss_share[0] == b->miss_share[0] && isnan(b->miss_share[1]));
  }
  setup.host = (char *)"http://y";
  fill(&again, &rig, &setup);
  assert_int_equal(sp_capacity_state_load(&again, path, &err), SP_EUSAGE);
  assert_non_null(strstr(err.text, "another search: its host: 'http://x', now: 'http://y'"));
  tear_down(&rig);
  unlink(path);
}

static void damaged(void **state) {
  (void)state;
  struct rig rig;
  struct sp_setup setup = { .host = (char *)"h" };
  static struct sp_capacity capacity;
  struct sp_err err;
  char path[] = "/tmp/spate-state-XXXXXX";
  close(mkstemp(path));
  set_up(&rig, WORDS("--slo", "p95(e2e) < 1s"));
  static const char head[] = "{\"schema\":\"spate.capacity-state/1\",\"plan\":\"a \\\"plan\\\".lua\",\"host\":\"h\",\"goals\":"
                             "\"p95(e2e) < 1s\",\"loads\":\"rate from 0.1 to 10000\",\"times\":\"10 s, 60 s, 100 s\",\"trials\":[";
  static const char *const trials[] = {
    "{}", "1", "{\"load\":-1,\"asked_s\":1,\"measured_s\":1,\"steady\":0,\"requests\":1,\"goals\":[{}]}",
    "{\"load\":1,\"asked_s\":1,\"measured_s\":1,\"steady\":7,\"requests\":1,\"goals\":[{}]}",
    "{\"load\":1,\"asked_s\":1,\"measured_s\":1,\"steady\":0,\"requests\":1,\"goals\":[]}",
    "{\"load\":1e999,\"asked_s\":1,\"measured_s\":1,\"steady\":0,\"requests\":1,\"goals\":[{}]}",
  };
  for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
    char text[1000];
    snprintf(text, sizeof(text), "%s%s]}", head, trials[i]);
    write_text(path, text);
    fill(&capacity, &rig, &setup);
    assert_int_equal(sp_capacity_state_load(&capacity, path, &err), SP_EUSAGE);
    assert_non_null(strstr(err.text, "trial 1 is damaged"));
  }
  static const char *const texts[] = { "", "{", "[]", "{\"schema\":\"spate.summary/1\"}" };
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    write_text(path, texts[i]);
    fill(&capacity, &rig, &setup);
    assert_int_equal(sp_capacity_state_load(&capacity, path, &err), SP_EUSAGE);
  }
  tear_down(&rig);
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(defaults), cmocka_unit_test(said),          cmocka_unit_test(the_plans_slos),
    cmocka_unit_test(misses),   cmocka_unit_test(kept_and_read), cmocka_unit_test(damaged),
  };
  return cmocka_run_group_tests_name("capacity", tests, NULL, NULL);
}
