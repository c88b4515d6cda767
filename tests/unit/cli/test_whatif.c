/*
 * What if? Deployments that the mock simulates, measured at some loads as a watcher sees them, are fitted and asked; then the
 * change is made and measured. The table of docs/prediction.md is what this prints.
 */
#include "watched_system.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WITHIN 0.10
#define RIGHT_AT_LEAST 8u /* of each ten */

struct question {
  const char *profile, *app;
  unsigned users[WATCHED_LOADS_MAX];
  double think_s;
  const char *whatif;
  const char *changed;    /* the profile that it comes true in */
  unsigned changed_users; /* 0: as the highest load */
};

#define ON(base, resources) "{\"base\": \"" base "\", \"resources\": {" resources "}}"
#define POOLED(slots) ON("dify-8c16g-3", "\"pgbouncer\": {\"slots\": " slots "}")
#define STREAMS(slots) ON("dify-8c16g-3", "\"streams\": {\"slots\": " slots "}")
#define MODEL(slots)                                                                                                   \
  "{\"apps\": {\"bot\": {\"mode\": \"advanced-chat\", \"key\": \"k\", \"head\": 2, \"queue\": 3, \"first\": 300,"       \
  " \"gap\": 20, \"tokens\": 30, \"nodes\": [{\"type\": \"start\"}, {\"type\": \"llm\"}]}}, \"resources\": {"           \
  " \"model\": {\"slots\": " slots "}, \"streams\": {\"slots\": 200},"                                                 \
  " \"api\": {\"cores\": 1, \"head\": {\"exponential\": 14}, \"token\": 0.3, \"end\": {\"exponential\": 9}},"          \
  " \"postgres\": {\"cores\": 0.5, \"begin\": {\"exponential\": 2}, \"end\": {\"exponential\": 2}},"                    \
  " \"commit\": {\"servers\": 1, \"begin\": {\"exponential\": 5}, \"end\": {\"exponential\": 6}}}}"
#define SERIAL(begin, end, api)                                                                                        \
  ON("dify-16c32g-2", "\"api\": {\"cores\": " api "}, \"commit\": {\"begin\": {\"exponential\": " begin "},"           \
                      " \"node\": {\"exponential\": 0}, \"end\": {\"exponential\": " end "}}")

static const struct question questions[] = {
    {"dify-8c16g-1", "simple", {20, 50, 100}, 2, "dify-api.cpu=1.2", ON("dify-8c16g-1", "\"api\": {\"cores\": 1.2}")},
    {"dify-8c16g-1", "simple", {20, 50, 100}, 2, "dify-api.cpu*=2", ON("dify-8c16g-1", "\"api\": {\"cores\": 1.6}")},
    {"dify-8c16g-3", "simple", {25, 50, 100}, 2, "users=150", "dify-8c16g-3", 150},
    {STREAMS("8"), "complex", {5, 10, 20}, 1, "dify-api.slots=14", STREAMS("14")},
    {POOLED("1"), "simple", {25, 50, 100}, 1, "pgbouncer.slots=2", POOLED("2")},
    {SERIAL("10", "10", "4"), "simple", {40, 100, 200}, 2, "postgres.commit.time*=0.7", SERIAL("7", "7", "4")},
    {"dify-16c32g-1", "simple", {20, 50, 100}, 2, "plugin_daemon.calls*=1.6",
     ON("dify-16c32g-1", "\"plugin\": {\"servers\": 8}")},
    {MODEL("4"), "bot", {2, 6, 20}, 1, "vllm.slots=7", MODEL("7")},
    {"dify-8c16g-5", "retrieve", {20, 60, 120}, 3.5, "weaviate.cpu*=1.5",
     ON("dify-8c16g-5", "\"vector\": {\"cores\": 1.5}")},
    {SERIAL("10", "10", "1.6"), "simple", {30, 80, 160}, 2, "dify-api.cpu=2, postgres.commit.time*=0.8",
     SERIAL("8", "8", "2")},
    /* beyond the ten: what brings little, what gets worse, and locks */
    {"dify-8c16g-1", "simple", {20, 50, 100}, 2, "postgres.cpu*=2", ON("dify-8c16g-1", "\"postgres\": {\"cores\": 1}")},
    {"dify-8c16g-3", "simple", {25, 50, 100}, 2, "dify-api.cpu=1", ON("dify-8c16g-3", "\"api\": {\"cores\": 1}")},
    {"dify-8c16g-5", "simple", {50, 100, 150}, 2, "users=250", "dify-8c16g-5", 250},
    {"dify-8c16g-5", "complex", {20, 50, 100}, 2, "plugin_daemon.calls*=1.5",
     ON("dify-8c16g-5", "\"plugin\": {\"servers\": 12}")},
    {"dify-16c32g-1", "simple", {20, 50, 100}, 2, "plugin_daemon.calls.time*=0.7",
     ON("dify-16c32g-1", "\"plugin\": {\"servers\": 5, \"head\": {\"exponential\": 151}}")},
    {"dify-8c16g-1", "simple", {20, 50, 100}, 2, "think=1s, dify-api.cpu=1.5",
     ON("dify-8c16g-1", "\"api\": {\"cores\": 1.5}")},
};
#define TEN 10u
#define QUESTIONS (sizeof questions / sizeof *questions)

static const char *profile_of(const char *text) { return text[0] == '{' ? text : sp_mock_profile_find(text); }

static void show_model(const struct sp_deployment *deployment) {
  for (size_t i = 0; i < deployment->model.count; i++) {
    const struct sp_queue_station *station = &deployment->model.stations[i];
    printf("    %-24s %-8s %7.3g  %8.3g ms  contention %.3g in %d idle %.3g\n", station->name,
           sp_queue_kind_name(station->kind), station->servers, station->demand_s * 1e3, station->contention,
           station->nested_in, deployment->idle[i]);
  }
  for (size_t i = 0; i < deployment->step_count; i++) {
    const struct sp_deployment_step *step = &deployment->steps[i];
    printf("    %5g users: %6.2f/s %6.3f s, model %6.2f/s %6.3f s\n", step->load.users, step->per_s, step->mean_s,
           step->model_per_s, step->model_mean_s);
  }
}

struct answer {
  double measured_per_s, came_per_s;
  struct sp_prediction prediction;
};

static struct answer ask(const struct question *question) {
  struct watched_system watched;
  struct sp_deployment deployment;
  struct sp_whatif whatif = {0};
  struct answer answer;
  struct sp_err err;
  size_t last = 0;
  watched_system_open(&watched, profile_of(question->profile), question->app, question->users, question->think_s);
  while (question->users[last + 1] > 0) last++;
  answer.measured_per_s = watched.steps[last].rps;
  if (sp_deployment_fit(&watched.input, &deployment, &err)) fail_msg("%s", err.text);
  if (sp_whatif_parse(question->whatif, &whatif, &err)) fail_msg("%s", err.text);
  if (getenv("SHOW")) show_model(&deployment);
  if (sp_whatif_predict(&deployment, &whatif, &answer.prediction, &err)) fail_msg("%s: %s", question->whatif, err.text);
  unsigned users = question->changed_users ? question->changed_users : question->users[last];
  double think_s = strstr(question->whatif, "think=1s") ? 1 : question->think_s;
  answer.came_per_s = watched_system_per_s(profile_of(question->changed), question->app, users, think_s);
  sp_deployment_fini(&deployment);
  watched_system_close(&watched);
  return answer;
}

static bool is_right(const struct answer *answer) {
  return fabs(answer->prediction.per_s / answer->came_per_s - 1) <= WITHIN;
}

static const char *const confidences[] = {"none", "low", "medium", "high"};

static void show(const struct question *question, const struct answer *answer) {
  const struct sp_prediction *prediction = &answer->prediction;
  const char *profile = question->profile[0] == '{' ? "own" : question->profile;
  printf("  %-14s %-9s %-42s %6.1f -> %6.1f (%.1f to %.1f, %s), came %6.1f: %+5.1f %%%s  then %s\n", profile, question->app,
         question->whatif, answer->measured_per_s, prediction->per_s, prediction->low_per_s, prediction->high_per_s,
         confidences[prediction->confidence], answer->came_per_s,
         100 * (prediction->per_s / answer->came_per_s - 1),
         answer->came_per_s < prediction->low_per_s || answer->came_per_s > prediction->high_per_s ? " missed" : "",
         prediction->binding);
}

static void changes_come_out_within_a_tenth(void **state) {
  (void)state;
  size_t right = 0, inside = 0, of_the_ten = 0;
  for (size_t i = 0; i < QUESTIONS; i++) {
    struct answer answer = ask(&questions[i]);
    show(&questions[i], &answer);
    right += is_right(&answer);
    if (i < TEN) of_the_ten = right;
    inside += answer.came_per_s >= answer.prediction.low_per_s && answer.came_per_s <= answer.prediction.high_per_s;
  }
  printf("  within a tenth: %zu of %u, %zu of %zu; inside the interval: %zu\n", of_the_ten, TEN, right, QUESTIONS, inside);
  assert_true(of_the_ten >= RIGHT_AT_LEAST);
  assert_true(right * 10 >= QUESTIONS * RIGHT_AT_LEAST);
  assert_true(inside * 10 >= QUESTIONS * RIGHT_AT_LEAST);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(changes_come_out_within_a_tenth),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
