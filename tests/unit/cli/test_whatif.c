/*
 * What if? Deployments that the mock simulates, measured at some loads as a watcher of its exporters sees them, are fitted and
 * asked; then the change is made and measured. The table of docs/prediction.md is what this prints.
 */
#include "cli/diagnose_rig.h"
#include "model/whatif.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define WITHIN 0.10
#define RIGHT_AT_LEAST 8u /* of each ten */

struct question {
  const char *profile, *app;
  unsigned users[RIG_STEPS_MAX];
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
    /* beyond the ten: what brings little, what gets worse, locks, and a pool that nobody watches */
    {ON("dify-8c16g-3", "\"pool\": {\"slots\": 1}"), "simple", {25, 50, 100}, 1, "dify-api.cpu=3",
     ON("dify-8c16g-3", "\"pool\": {\"slots\": 1}, \"api\": {\"cores\": 3}")},
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

struct answer {
  double measured_per_s, came_per_s;
  struct sp_prediction prediction;
};

static double come_true(const struct question *question, unsigned users) {
  const char *built_in = sp_mock_profile_find(question->changed);
  double think_ns = (strstr(question->whatif, "think=1s") ? 1 : question->think_s) * (double)SP_NS_PER_S;
  struct closed_system system = {.profile = built_in ? built_in : question->changed, .app = question->app, .users = users,
                                 .think = {SP_DIST_UNIFORM, think_ns / 2, think_ns * 3 / 2},
                                 .warm_up_ns = 60 * SP_NS_PER_S, .measured_ns = 300 * SP_NS_PER_S};
  closed_system_run(&system);
  return system.per_s;
}

static struct answer ask(const struct question *question, const unsigned *users, unsigned most) {
  struct rig_case what = {.profile = question->profile, .app = question->app, .think_s = question->think_s};
  struct sp_deployment deployment;
  struct sp_whatif whatif = {0};
  struct answer answer;
  struct sp_err err;
  struct rig rig;
  memcpy(what.users, users, sizeof what.users);
  rig_run(&rig, &what);
  struct sp_diagnose_input input = {.steps = rig.steps, .step_count = rig.step_count, .observations = rig.observations};
  answer.measured_per_s = rig.steps[rig.step_count - 1].rps;
  if (sp_deployment_fit(&input, &deployment, &err)) fail_msg("%s", err.text);
  if (sp_whatif_parse(question->whatif, &whatif, &err)) fail_msg("%s", err.text);
  if (sp_whatif_predict(&deployment, &whatif, &answer.prediction, &err)) fail_msg("%s: %s", question->whatif, err.text);
  answer.came_per_s = come_true(question, question->changed_users ? question->changed_users : most);
  sp_deployment_fini(&deployment);
  rig_fini(&rig);
  return answer;
}

static bool is_right(const struct answer *answer) {
  return fabs(answer->prediction.per_s / answer->came_per_s - 1) <= WITHIN;
}
static bool is_inside(const struct answer *answer) {
  return answer->came_per_s >= answer->prediction.low_per_s && answer->came_per_s <= answer->prediction.high_per_s;
}

static void show(const struct question *question, const struct answer *answer) {
  const struct sp_prediction *prediction = &answer->prediction;
  printf("  | %s, %s | `%s` | %.1f | %.1f (%.1f … %.1f, %s) | %.1f | %+.1f %% | %s%s |\n",
         question->profile[0] == '{' ? "own" : question->profile, question->app, question->whatif, answer->measured_per_s,
         prediction->per_s, prediction->low_per_s, prediction->high_per_s,
         sp_diagnosis_confidence_name(prediction->confidence), answer->came_per_s,
         100 * (prediction->per_s / answer->came_per_s - 1), prediction->binding, is_inside(answer) ? "" : "; missed");
}

struct score {
  size_t of_the_ten, right, inside;
};

/* From three loads, or without the one in the middle. */
static struct score ask_all(bool three) {
  struct score score = {0};
  for (size_t i = 0; i < QUESTIONS; i++) {
    const unsigned *measured = questions[i].users;
    const unsigned users[RIG_STEPS_MAX] = {measured[0], three ? measured[1] : measured[2], three ? measured[2] : 0};
    struct answer answer = ask(&questions[i], users, measured[2]);
    show(&questions[i], &answer);
    score.right += is_right(&answer);
    score.inside += is_inside(&answer);
    if (i < TEN) score.of_the_ten = score.right;
  }
  printf("  within a tenth: %zu of %u, %zu of %zu; inside the interval: %zu\n", score.of_the_ten, TEN, score.right, QUESTIONS,
         score.inside);
  return score;
}

static void changes_come_out_within_a_tenth(void **state) {
  (void)state;
  struct score score = ask_all(true);
  assert_true(score.of_the_ten >= RIGHT_AT_LEAST);
  assert_true(score.right * 10 >= QUESTIONS * RIGHT_AT_LEAST);
  assert_true(score.inside * 10 >= QUESTIONS * RIGHT_AT_LEAST);
}

static void two_loads_say_much_of_it(void **state) {
  (void)state;
  struct score score = ask_all(false);
  assert_true(score.of_the_ten >= RIGHT_AT_LEAST);
  assert_true(score.inside * 10 >= QUESTIONS * RIGHT_AT_LEAST);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(changes_come_out_within_a_tenth),
      cmocka_unit_test(two_loads_say_much_of_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
