/* Campaigns over runs that never were: figures, verdicts, gates, predictions, remarks, and what their outputs say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_history.h"

#include "report/campaign.h"
#include "report/canvas.h"

#include <unistd.h>

static char path[64];
static struct sp_store *store;
static struct sp_err err;
static unsigned runs;

static int set_up(void **state) {
  (void)state;
  snprintf(path, sizeof(path), "/tmp/spate-campaign-%d.db", (int)getpid());
  unlink(path);
  runs = 0;
  store = sp_store_open(path, SP_STORE_WRITE, &err);
  assert_non_null(store);
  return 0;
}

static int tear_down(void **state) {
  char beside[80];
  (void)state;
  sp_store_close(store);
  unlink(path);
  snprintf(beside, sizeof(beside), "%s-wal", path);
  unlink(beside);
  snprintf(beside, sizeof(beside), "%s-shm", path);
  unlink(beside);
  return 0;
}

static void ok(int code) {
  if (code) {
    fail_msg("%s", err.text);
  }
}

/* A run with so many requests a second; its id goes to trial. */
static void make_run(struct sp_store_trial *trial, unsigned a_second, const struct fake *more) {
  char note[200], id[SP_STORE_ID_SIZE];
  struct fake fake = more ? *more : (struct fake){ .plan_text = "return 1", .users = 20, .seconds = 30, .scale = 0.1 };
  snprintf(id, sizeof(id), "run-%03u", runs);
  fake.id = id;
  fake.name = "run";
  fake.begun_s = 100 * (int64_t)runs;
  fake.a_second = a_second;
  fake.seed = ++runs;
  assert_true(fake_write(path, &fake, note, sizeof(note), &err));
  trial->kind = SP_STORE_TRIAL_RUN;
  snprintf(trial->id, sizeof(trial->id), "%s", id);
}

static void begin(const char *figure, const char *slos) {
  struct sp_store_campaign campaign = { .name = "tune", .goal = "30/s | all of it", .slos = slos, .figure = figure,
                                        .real_ns = FAKE_REAL_NS };
  ok(sp_store_campaign_new(store, &campaign, &err));
}

static void add_round(const char *title, const unsigned *a_second, size_t count, const struct sp_store_round *more,
                      const struct fake *like) {
  struct sp_store_trial trials[10];
  struct sp_store_round round = more ? *more : (struct sp_store_round){ 0 };
  for (size_t i = 0; i < count; i++) {
    make_run(&trials[i], a_second[i], like);
  }
  round.title = title;
  round.trials = trials;
  round.trial_count = count;
  ok(sp_store_round_add(store, "tune", &round, &err));
}

static void make(struct sp_campaign *campaign) { ok(sp_campaign_make(store, "tune", campaign, &err)); }

static void says(const struct sp_sentences *list, const char *part) {
  for (size_t i = 0; i < list->count; i++) {
    if (strstr(list->items[i], part)) {
      return;
    }
  }
  fail_msg("nothing says '%s' (%zu sentences, first '%s')", part, list->count, list->items[0]);
}

/* -- verdicts -- */

static struct sp_store_change cpu = { "api", "cpu", "0.8", "1.2", "typed" };

static void three_a_side(void **state) {
  struct sp_campaign campaign;
  char text[SP_CAMPAIGN_WORDS_SIZE];
  const struct sp_store_round kept = { .decision = SP_STORE_KEEP };
  const struct sp_store_round faster = { .changes = &cpu, .change_count = 1, .decision = SP_STORE_KEEP,
                                         .prediction = { "ok_rps", 55, 65, "CPU", FAKE_REAL_NS - 1 } };
  const struct sp_store_round slower = { .changes = &cpu, .change_count = 1, .decision = SP_STORE_REVERT,
                                         .prediction = { "ok_rps", 70, 80, NULL, FAKE_REAL_NS - 1 } };
  (void)state;
  begin("ok_rps", "p95(e2e) < 4s\nfailed_share < 0.01%");
  add_round("baseline", (unsigned[]){ 39, 40, 41 }, 3, &kept, NULL);
  add_round("cpu", (unsigned[]){ 58, 60, 61 }, 3, &faster, NULL);
  add_round("ssd", (unsigned[]){ 50, 49, 51 }, 3, &slower, NULL);
  add_round("again", (unsigned[]){ 60, 59, 61 }, 3, NULL, NULL);
  make(&campaign);
  const struct sp_campaign_round *round = campaign.rounds;
  assert_true(round[0].parent == SP_NO_ROUND && !round[0].judged && round[0].counting == 3);
  assert_string_equal(sp_campaign_verdict(&campaign, &round[0], text, sizeof(text)), "");
  assert_true(fabs(round[0].figure.value - 40) < 0.1 && round[0].figure.low < 39 && round[0].figure.high > 41);
  assert_true(round[0].slos_met == 0 && round[0].failed_share > 0 && round[0].e2e_p95_ms > round[0].e2e_mean_ms);
  assert_true(round[1].judged && round[1].verdict.kind == SP_VERDICT_BETTER && round[1].parent == 0);
  assert_true(round[2].judged && round[2].verdict.kind == SP_VERDICT_WORSE && round[2].parent == 1);
  assert_true(round[3].judged && round[3].parent == 1); /* not what was reverted */
  assert_true(round[3].verdict.kind == SP_VERDICT_INCONCLUSIVE || round[3].verdict.kind == SP_VERDICT_SAME);
  says(&round[3].notes, "no change is written down: against 'cpu'");
  sp_campaign_verdict(&campaign, &round[1], text, sizeof(text));
  assert_non_null(strstr(text, "better than 'baseline': +49 % (95 %: "));
  assert_non_null(strstr(text, "n = 3 + 3, "));
  assert_int_equal(round[1].score, SP_SCORE_AS_PREDICTED);
  assert_int_equal(round[2].score, SP_SCORE_BELOW);
  assert_string_equal(sp_campaign_prediction(&round[2], text, sizeof(text)), "ok_rps 70/s to 80/s, came 50/s: below");
  assert_true(campaign.predictions == 2 && campaign.as_predicted == 1);
  says(&campaign.notes, "A B B A would take it out");
  sp_campaign_fini(&campaign);
}

static void of_times_less_is_better(void **state) {
  struct sp_campaign campaign;
  struct fake slow = { .plan_text = "return 1", .users = 20, .seconds = 30, .scale = 0.2 };
  (void)state;
  begin("p95(e2e)", "");
  add_round("baseline", (unsigned[]){ 40, 40, 40 }, 3, NULL, &slow);
  slow.scale = 0.1;
  add_round("half", (unsigned[]){ 40, 40, 40 }, 3, NULL, &slow);
  make(&campaign);
  assert_int_equal(campaign.rounds[1].verdict.kind, SP_VERDICT_BETTER);
  assert_true(campaign.rounds[1].verdict.ratio < 0.6 && campaign.rounds[1].slos_met == -1);
  sp_campaign_fini(&campaign);
}

static void one_a_side(void **state) {
  struct sp_campaign campaign;
  char text[SP_CAMPAIGN_WORDS_SIZE];
  (void)state;
  begin("ok_rps", "");
  add_round("baseline", (unsigned[]){ 40 }, 1, NULL, NULL);
  add_round("cpu", (unsigned[]){ 60 }, 1, NULL, NULL);
  make(&campaign);
  assert_true(campaign.rounds[1].judged && !campaign.rounds[1].verdict.tested);
  assert_int_equal(campaign.rounds[1].verdict.kind, SP_VERDICT_INCONCLUSIVE);
  assert_non_null(strstr(sp_campaign_verdict(&campaign, &campaign.rounds[1], text, sizeof(text)), "is no test"));
  says(&campaign.notes, "one trial a side is no test");
  sp_campaign_fini(&campaign);
}

/* -- what is not comparable, what does not count -- */

static void gates(void **state) {
  struct sp_campaign campaign;
  char text[SP_CAMPAIGN_WORDS_SIZE];
  struct fake other = { .plan_text = "return 2", .users = 50, .seconds = 30, .scale = 0.1 };
  struct fake invalid = { .plan_text = "return 1", .users = 20, .seconds = 30, .scale = 0.1, .invalid = true };
  struct sp_store_trial gone = { SP_STORE_TRIAL_RUN, "gone-1" };
  (void)state;
  begin("ok_rps", "");
  add_round("baseline", (unsigned[]){ 40, 41 }, 2, NULL, NULL);
  add_round("other", (unsigned[]){ 60, 61 }, 2, NULL, &other);
  add_round("invalid", (unsigned[]){ 60 }, 1, NULL, &invalid);
  ok(sp_store_round_add(store, "tune", &(struct sp_store_round){ .title = "invalid", .trials = &gone, .trial_count = 1 }, &err));
  make(&campaign);
  const struct sp_campaign_round *round = &campaign.rounds[1];
  assert_false(round->judged);
  says(&round->reasons, "the text of plans/chat.lua was another one in 'other'");
  says(&round->reasons, "other loads: 'baseline' had 20 users, 'other' 50 users");
  assert_non_null(strstr(sp_campaign_verdict(&campaign, round, text, sizeof(text)), "not comparable with 'baseline'"));
  round = &campaign.rounds[2];
  assert_true(!round->judged && round->counting == 0 && isnan(round->figure.value) && round->trial_count == 2);
  says(&round->notes, "trial 1 does not count: run-004 is invalid");
  says(&round->notes, "trial 2 does not count: gone-1 is not in the history any more");
  sp_campaign_fini(&campaign);
}

static void refusals(void **state) {
  struct sp_sentences uncounted = { 0 }, unlike = { 0 };
  struct sp_store_trial trials[3];
  struct fake other = { .plan_text = "return 2", .users = 20, .seconds = 30, .scale = 0.1 };
  struct fake invalid = { .plan_text = "return 1", .users = 20, .seconds = 30, .scale = 0.1, .invalid = true };
  (void)state;
  begin("ok_rps", "");
  add_round("baseline", (unsigned[]){ 40 }, 1, NULL, NULL);
  make_run(&trials[0], 40, NULL);
  make_run(&trials[1], 40, &other);
  make_run(&trials[2], 40, &invalid);
  ok(sp_campaign_check_trials(store, "tune", "baseline", trials, 1, &uncounted, &unlike, &err));
  assert_true(uncounted.count == 0 && unlike.count == 0);
  ok(sp_campaign_check_trials(store, "tune", "new", trials, 2, &uncounted, &unlike, &err));
  assert_true(uncounted.count == 0 && unlike.count == 1); /* of those that come together */
  ok(sp_campaign_check_trials(store, "tune", "baseline", trials + 1, 2, &uncounted, &unlike, &err));
  says(&uncounted, "run-003 is invalid");
  says(&unlike, "the text of plans/chat.lua was another one in run-002");
  assert_int_equal(sp_campaign_check_trials(store, "none", "x", trials, 1, &uncounted, &unlike, &err), SP_ENOTFOUND);
}

/* -- searches for the capacity -- */

static void keep_search(struct sp_store_trial *trial, const char *id, double lower, const char *goal, bool valid) {
  struct sp_store_capacity capacity = { .id = id, .name = "search", .plan = "p", .host = "", .version = "1", .goal = goal, .unit = "/s",
                                        .verdict = "bounded", .lower = lower, .upper = lower * 1.02, .goodput = lower, .valid = valid,
                                        .complete = true, .document = "{}", .real_ns = FAKE_REAL_NS };
  ok(sp_store_keep_capacity(store, &capacity, SP_STR("return 1"), &err));
  trial->kind = SP_STORE_TRIAL_CAPACITY;
  snprintf(trial->id, sizeof(trial->id), "%s", id);
}

static void bounds(void **state) {
  struct sp_campaign campaign;
  struct sp_store_trial trials[6];
  char id[20];
  (void)state;
  begin("bound", "");
  for (unsigned i = 0; i < 6; i++) {
    snprintf(id, sizeof(id), "capacity-%u", i);
    keep_search(&trials[i], id, (i < 3 ? 50.0 : 70.0) + i, i == 5 ? "p95(e2e) < 9s" : "p95(e2e) < 1s", i != 4);
  }
  ok(sp_store_round_add(store, "tune", &(struct sp_store_round){ .title = "a", .trials = trials, .trial_count = 3 }, &err));
  ok(sp_store_round_add(store, "tune", &(struct sp_store_round){ .title = "b", .trials = trials + 3, .trial_count = 2 }, &err));
  ok(sp_store_round_add(store, "tune", &(struct sp_store_round){ .title = "c", .trials = trials + 5, .trial_count = 1 }, &err));
  make(&campaign);
  assert_true(fabs(campaign.rounds[0].figure.value - 51) < 0.1 && campaign.rounds[1].counting == 1);
  assert_true(campaign.rounds[1].judged && !campaign.rounds[1].verdict.tested && campaign.rounds[1].verdict.ratio > 1.4);
  says(&campaign.rounds[1].notes, "capacity-4 is invalid: this machine was the limit");
  says(&campaign.rounds[2].reasons, "other goals: 'a' had 'p95(e2e) < 1s', 'c' 'p95(e2e) < 9s'");
  sp_campaign_fini(&campaign);
}

/* -- what held the target -- */

#define HELD_BY(culprit) "{\"diagnosis\": {\"culprit\": \"" culprit "\"}}"

static void held_by(void **state) {
  struct sp_campaign campaign;
  struct fake api = { .plan_text = "return 1", .users = 20, .seconds = 30, .scale = 0.1, .summary = HELD_BY("dify-api.cpu") };
  struct fake locks = api, nobody = api, invalid = api;
  struct fake capped = { .plan_text = "return 1", .users = 100, .seconds = 30, .scale = 0.001, .in_flight = 1 };
  struct sp_store_trial trials[3];
  (void)state;
  locks.summary = HELD_BY("postgres.locks");
  nobody.summary = "{\"diagnosis\": {\"culprit\": null}}";
  invalid.invalid = true;
  begin("ok_rps", "");
  add_round("all", (unsigned[]){ 40, 40 }, 2, NULL, &api);
  make_run(&trials[0], 40, &locks);
  make_run(&trials[1], 40, &api);
  make_run(&trials[2], 40, &locks);
  ok(sp_store_round_add(store, "tune", &(struct sp_store_round){ .title = "most", .trials = trials, .trial_count = 3 }, &err));
  add_round("nobody", (unsigned[]){ 40 }, 1, NULL, &nobody);
  add_round("invalid", (unsigned[]){ 40 }, 1, NULL, &invalid);
  add_round("capped", (unsigned[]){ 49 }, 1, NULL, &capped);
  make(&campaign);
  static const char *const wanted[] = { "dify-api.cpu", "postgres.locks (2 of 3)", "", "", "the users" };
  for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
    assert_string_equal(campaign.rounds[i].held_by, wanted[i]);
  }
  char *json = sp_campaign_json(&campaign);
  assert_non_null(strstr(json, "\"held_by\": \"postgres.locks (2 of 3)\""));
  free(json);
  sp_campaign_fini(&campaign);
}

/* -- remarks -- */

static void remarks(void **state) {
  struct sp_campaign campaign;
  struct fake calm = { .plan_text = "return 1", .users = 100, .seconds = 30, .scale = 0.1, .in_flight = 57 };
  struct fake fast = { .plan_text = "return 1", .users = 100, .seconds = 30, .scale = 0.001, .in_flight = 1 };
  const struct sp_store_round small = { .prediction = { "ok_rps", 49.6, 50.1, NULL, FAKE_REAL_NS - 1 }, .changes = &cpu,
                                        .change_count = 1 };
  const struct sp_store_round late = { .prediction = { "ok_rps", 1, 2, NULL, FAKE_REAL_NS + 9000 * SP_NS_PER_S } };
  struct sp_store_change both[] = { cpu, { "db", "cpu", "1", "2", "typed" } };
  const struct sp_store_round two = { .changes = both, .change_count = 2 };
  (void)state;
  begin("ok_rps", "");
  add_round("baseline", (unsigned[]){ 21, 22 }, 2, &late, &calm);
  add_round("fast", (unsigned[]){ 49, 50 }, 2, &two, &fast);
  ok(sp_store_round_add(store, "tune", &(struct sp_store_round){ .title = "fast", .decision = SP_STORE_KEEP }, &err));
  add_round("small step", NULL, 0, &small, NULL);
  make(&campaign);
  /* 100 users of whom 57 wait at 21.6/s pause 2 s: 50/s at most */
  assert_true(fabs(campaign.rounds[0].cap_per_s - 50.2) < 0.5 && campaign.rounds[0].users == 100);
  says(&campaign.rounds[0].notes, "the prediction was said after its first trial had begun");
  assert_true(campaign.rounds[0].said_afterwards && campaign.predictions == 0);
  says(&campaign.rounds[1].notes, "2 changes at once");
  says(&campaign.rounds[1].notes, "it is at the cap of its workload, not of the target");
  says(&campaign.notes, "'small step' promises ");
  sp_campaign_fini(&campaign);
}

static void a_rate_that_was_asked_for(void **state) {
  struct sp_campaign campaign;
  struct fake open = { .plan_text = "return 1", .rate = 40, .users = 20, .seconds = 30, .scale = 0.1, .in_flight = 4 };
  (void)state;
  begin("ok_rps", "");
  add_round("baseline", (unsigned[]){ 40 }, 1, NULL, &open);
  make(&campaign);
  says(&campaign.rounds[0].notes, "40/s were asked for");
  assert_true(isnan(campaign.rounds[0].cap_per_s));
  sp_campaign_fini(&campaign);
}

/* -- figures and forecasts -- */

static void figures(void **state) {
  struct sp_campaign_figure figure;
  char text[64];
  (void)state;
  static const char *const good[] = { "ok_rps", "rps", "goodput", "events_per_s", "p95(e2e)", "mean(ttft)", "p99(itl)", "bound" };
  for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
    ok(sp_campaign_figure_parse(good[i], &figure, &err));
    assert_true(figure.more_is_better == (i < 4 || i == 7));
  }
  static const char *const bad[] = { "", "speed", "failed_share", "p95(e2e) < 3s", "custom", "p95", "goodput_share" };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    assert_int_equal(sp_campaign_figure_parse(bad[i], &figure, &err), SP_EUSAGE);
  }
  ok(sp_campaign_figure_parse("p95(e2e)", &figure, &err));
  assert_string_equal(sp_campaign_figure_format(&figure, 1234, text, sizeof(text)), "1,234 ms");
  assert_string_equal(sp_campaign_figure_format(&figure, (double)NAN, text, sizeof(text)), "-");
}

static void forecast(const char *text, const char *figure, double low, double high, const char *because) {
  struct sp_campaign_forecast out;
  if (sp_campaign_forecast_parse(text, "ok_rps", &out, &err)) {
    fail_msg("'%s': %s", text, err.text);
  }
  assert_string_equal(out.figure, figure);
  assert_true(fabs(out.low - low) < 1e-9 && fabs(out.high - high) < 1e-9);
  assert_true(!because == !out.because);
  if (because) {
    assert_string_equal(out.because, because);
  }
  sp_campaign_forecast_fini(&out);
}

static void forecasts(void **state) {
  (void)state;
  forecast("rps 28..34, because the CPU is at 98 %, nothing else", "rps", 28, 34, "the CPU is at 98 %, nothing else");
  forecast("28..34", "ok_rps", 28, 34, NULL);
  forecast("28.5..34/s, law", "ok_rps", 28.5, 34, "law");
  forecast("p95(e2e) 1..2s", "p95(e2e)", 1000, 2000, NULL);
  forecast("p95(e2e) 800ms..2s, x", "p95(e2e)", 800, 2000, "x");
  forecast("bound 50..60/s", "bound", 50, 60, NULL);
  static const char *const bad[] = { "", "rps", "rps 28", "rps 34..28", "speed 1..2", "rps a..b", "rps 1..2ms", "failed_share 0..1",
                                     "bound 1..x", "rps ..", "rps 1..2 because" };
  for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
    struct sp_campaign_forecast out;
    if (sp_campaign_forecast_parse(bad[i], "ok_rps", &out, &err) != SP_EUSAGE) {
      fail_msg("'%s' was taken", bad[i]);
    }
    sp_campaign_forecast_fini(&out);
  }
}

/* -- outputs -- */

/* Nothing is wider than the terminal, however narrow; Markdown's tables stay tables, whatever is in a title. */
static void outputs(void **state) {
  struct sp_campaign campaign;
  const struct sp_store_round odd = { .hypothesis = "a | b <script>", .note = "one\ntwo", .changes = &cpu, .change_count = 1 };
  (void)state;
  begin("ok_rps", "p95(e2e) < 4s");
  add_round("基线 | *bold*", (unsigned[]){ 40, 41 }, 2, NULL, NULL);
  add_round("a round with a title that is far too long for any terminal there is", (unsigned[]){ 60, 61 }, 2, &odd, NULL);
  make(&campaign);
  for (int width = SP_WIDTH_MIN; width < 140; width += 13) {
    struct sp_buf text;
    sp_buf_init(&text, SP_CANVAS_MAX);
    struct sp_canvas canvas = { &text, width, false };
    sp_campaign_put(&campaign, &canvas);
    struct sp_str rest = sp_buf_str(&text);
    while (rest.len > 0) {
      struct sp_str line = sp_str_split(&rest, '\n');
      if (sp_text_width(line) > width && width >= 40) {
        fail_msg("%d columns: '" SP_STR_FMT "'", width, SP_STR_ARG(line));
      }
    }
    sp_buf_fini(&text);
  }
  struct sp_buf markdown;
  sp_buf_init(&markdown, SP_CANVAS_MAX);
  sp_campaign_markdown(&campaign, &markdown);
  assert_non_null(strstr(markdown.bytes, "| 基线 \\| \\*bold\\* | - | 2 | 40.5/s ("));
  assert_non_null(strstr(markdown.bytes, "- **Hypothesis**: a \\| b &lt;script&gt;\n"));
  assert_non_null(strstr(markdown.bytes, "- **Noted**: one two\n"));
  sp_buf_fini(&markdown);
  char *json = sp_campaign_json(&campaign);
  assert_non_null(strstr(json, "\"schema\": \"spate.campaign/1\""));
  free(json);
  sp_campaign_fini(&campaign);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = { TEST(three_a_side), TEST(of_times_less_is_better), TEST(one_a_side), TEST(gates),
                                      TEST(refusals), TEST(bounds), TEST(held_by), TEST(remarks), TEST(a_rate_that_was_asked_for),
                                      cmocka_unit_test(figures), cmocka_unit_test(forecasts), TEST(outputs) };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
