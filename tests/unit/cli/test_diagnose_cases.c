/* Deployments whose culprit is known, on the mock's stations: the first claim has to be right, and where it is not, it has to be
 * none. `--table` prints them all, for bench/diagnosis. */
#include "cli/diagnose_rig.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define AMPLE "\"api\": {\"cores\": 6}, \"worker\": {\"cores\": 2}, \"host_cores\": 32"
#define SLOW_STREAMS "\"apps\": {\"simple\": {\"first\": 1500}}"

static const struct rig_case cases[] = {
    {.name = "api CPU (round 1)", .profile = "dify-8c16g-1", .app = "simple", .users = {10, 30, 60, 100},
     .truth = "dify-api.cpu"},
    {.name = "api CPU (round 2)", .profile = "dify-8c16g-2", .app = "simple", .users = {10, 50, 100, 150},
     .truth = "dify-api.cpu"},
    {.name = "api CPU, one load alone", .profile = "dify-8c16g-1", .app = "simple", .users = {100},
     .truth = "dify-api.cpu"},
    {.name = "api CPU, from the first load on", .profile = "dify-8c16g-1", .app = "simple", .users = {80, 120},
     .truth = "dify-api.cpu"},
    {.name = "10 stream slots", .app = "simple", .users = {8, 20, 40, 80}, .truth = "dify-api.slots",
     .profile = "{\"base\": \"dify-8c16g-3\", " SLOW_STREAMS ", \"resources\": {\"streams\": {\"slots\": 10}}}"},
    {.name = "20 stream slots", .app = "complex", .users = {5, 40, 80}, .truth = "dify-api.slots",
     .profile = "{\"base\": \"dify-8c16g-3\", \"resources\": {\"plugin\": {\"servers\": 200}, \"streams\": {\"slots\": 20}}}"},
    {.name = "10 stream slots, nobody watches", .app = "simple", .users = {8, 20, 40, 80}, .truth = "target.slots",
     .blind = true,
     .profile = "{\"base\": \"dify-8c16g-3\", " SLOW_STREAMS ", \"resources\": {\"streams\": {\"slots\": 10}}}"},
    {.name = "8 Celery workers", .app = "simple", .users = {5, 20, 40, 80}, .truth = "celery.workers",
     .profile = "{\"base\": \"dify-8c16g-3\", " SLOW_STREAMS ", \"resources\": {\"celery\": {\"slots\": 8}}}"},
    {.name = "10 Celery workers, nobody watches", .app = "simple", .users = {5, 20, 40, 80}, .truth = "celery.workers",
     .blind = true, .profile = "{\"base\": \"dify-8c16g-3\", " SLOW_STREAMS ", \"resources\": {\"celery\": {\"slots\": 10}}}"},
    {.name = "4 answers of the model", .app = "complex", .users = {3, 20, 40, 80}, .truth = "vllm.slots|vllm.calls",
     .profile = "{\"base\": \"dify-8c16g-3\", \"resources\": {\"plugin\": {\"servers\": 200}, \"model\": {\"slots\": 4}}}"},
    {.name = "a model that makes one answer at a time (Ollama), nobody watches", .app = "openai", .users = {1, 8, 16, 32},
     .truth = "target.slots", .blind = true,
     .profile = "{\"apps\": {\"openai\": {\"first\": 200, \"gap\": 20, \"tokens\": 20}}, \"resources\": {\"model\": {\"slots\": 1}}}"},
    {.name = "pool of 5", .app = "simple", .users = {10, 60, 120, 200}, .truth = "postgres.pool",
     .profile = "{\"base\": \"dify-8c16g-3\", \"resources\": {" AMPLE ", \"pool\": {\"slots\": 5}, \"commit\": {\"servers\": 50},"
                " \"postgres\": {\"cores\": 8, \"head\": {\"exponential\": 40}, \"begin\": {\"exponential\": 40}}}}"},
    {.name = "PgBouncer pool of 5", .app = "simple", .users = {10, 60, 120, 200}, .truth = "pgbouncer.slots",
     .profile = "{\"base\": \"dify-8c16g-3\", \"resources\": {" AMPLE ", \"pgbouncer\": {\"slots\": 5}, \"commit\": {\"servers\": "
                "50}, \"postgres\": {\"cores\": 8, \"head\": {\"exponential\": 40}, \"begin\": {\"exponential\": 40}}}}"},
    {.name = "serial commits", .app = "simple", .users = {10, 40, 80, 120}, .truth = "postgres.commit",
     .profile = "{\"base\": \"dify-8c16g-3\", \"resources\": {\"commit\": {\"begin\": {\"exponential\": 18}, \"end\": "
                "{\"exponential\": 22}}}}"},
    {.name = "serial commits (16 cores, round 2)", .profile = "dify-16c32g-2", .app = "simple",
     .users = {50, 100, 200, 300},
     .truth = "postgres.commit"},
    {.name = "locks (round 5)", .profile = "dify-8c16g-5", .app = "simple", .users = {50, 100, 200, 300},
     .truth = "postgres.locks"},
    {.name = "plugin daemon (16 cores, round 1)", .profile = "dify-16c32g-1", .app = "simple",
     .users = {10, 40, 70, 100},
     .truth = "plugin_daemon.calls"},
    {.name = "plugin daemon (complex)", .profile = "dify-8c16g-5", .app = "complex", .users = {10, 50, 100, 150},
     .truth = "plugin_daemon.calls"},
    {.name = "plugin daemon, nobody watches (three nodes wait)", .profile = "dify-8c16g-5", .app = "complex",
     .users = {10, 50, 100, 150}, .truth = "", .blind = true},
    {.name = "one slow node, nobody watches", .app = "complex", .users = {5, 20, 60, 100}, .truth = "flow.node",
     .blind = true,
     .profile = "{\"base\": \"dify-8c16g-3\", \"resources\": {\"plugin\": {\"servers\": 200}, \"vector\": {\"knowledge\": "
                "{\"exponential\": 80}}}}"},
    {.name = "vector store and its merges", .profile = "dify-8c16g-5", .app = "retrieve", .users = {10, 50, 100, 150},
     .truth = "weaviate.cpu|weaviate.calls"},
    {.name = "PostgreSQL's CPU", .app = "simple", .users = {10, 40, 80, 120}, .truth = "postgres.cpu",
     .profile = "{\"base\": \"dify-8c16g-3\", \"resources\": {\"postgres\": {\"cores\": 0.5, \"head\": {\"exponential\": 6}, "
                "\"begin\": {\"exponential\": 6}, \"end\": {\"exponential\": 6}}}}"},
    {.name = "two at once: api CPU and commits", .app = "simple", .users = {10, 40, 80, 160},
     .truth = "dify-api.cpu|postgres.commit", .next = "dify-api.cpu|postgres.commit",
     .profile = "{\"base\": \"dify-8c16g-1\", \"resources\": {\"commit\": {\"begin\": {\"exponential\": 18}, \"end\": "
                "{\"exponential\": 26.6}}}}"},
    {.name = "healthy: the users' own cap (round 3)", .profile = "dify-8c16g-3", .app = "simple",
     .users = {20, 50, 100},
     .truth = ""},
    {.name = "healthy: one load alone", .profile = "dify-16c32g-final", .app = "simple", .users = {100}, .truth = ""},
    {.name = "watchers went silent", .profile = "dify-8c16g-1", .app = "simple", .users = {10, 30, 60, 100},
     .truth = "",
     .seen_share = 0.2},
    {.name = "nobody watches, CPU is short", .profile = "dify-8c16g-1", .app = "simple", .users = {10, 30, 60, 100},
     .truth = "",
     .blind = true},
};
#define CASES (sizeof(cases) / sizeof(cases[0]))

static bool is_one_of(const char *list, const char *name) {
  struct sp_str rest = sp_str_from(list);
  do {
    if (sp_str_eq(sp_str_split(&rest, '|'), sp_str_from(name))) return true;
  } while (rest.bytes);
  return false;
}

static bool is_among(const struct sp_diagnosis *diagnosis, const char *list) {
  bool found = is_one_of(list, "");
  size_t others = 0;
  for (size_t i = 0; i < diagnosis->also.count; i++) others += is_one_of(list, diagnosis->also.lines[i].resource);
  return found || others > 0;
}

enum { RIGHT, UNSURE, WRONG };
static const char *const verdicts[] = {"right", "can't tell", "WRONG"};

static int judge(const struct rig_case *what, const struct sp_diagnosis *diagnosis) {
  bool right = is_one_of(what->truth, diagnosis->culprit) && (!what->next || is_among(diagnosis, what->next));
  return right ? RIGHT : diagnosis->culprit[0] ? WRONG : UNSURE;
}

static void print_list(const char *title, const struct sp_diagnosis_list *list) {
  for (size_t i = 0; i < list->count; i++)
    printf("    %-10s %s  [%s]\n", i ? "" : title, list->lines[i].text, list->lines[i].query);
}

static void print_all(const struct rig *rig) {
  const struct sp_diagnosis *diagnosis = &rig->diagnosis;
  for (size_t i = 0; i < rig->step_count; i++)
    printf("    %g: %.1f/s, e2e %.3f, head %.3f, first %.3f\n", rig->steps[i].load, rig->steps[i].rps,
    rig->steps[i].e2e_s,
           rig->steps[i].ttfb_s, rig->steps[i].ttft_s);
  print_list("witness", &diagnosis->witnesses);
  print_list("also", &diagnosis->also);
  print_list("exonerated", &diagnosis->exonerated);
  print_list("unseen", &diagnosis->unseen);
  printf("    change     %s\n    risk       %s\n    predicted  %s\n    refuted by %s\n", diagnosis->change,
  diagnosis->risk,
         diagnosis->predicted, diagnosis->refuted_by);
}

/* A row a case, parted by tabs. */
static int print_table(bool verbose) {
  int wrong = 0;
  for (size_t i = 0; i < CASES; i++) {
    struct rig rig;
    rig_run(&rig, &cases[i]);
    const struct sp_diagnosis *diagnosis = &rig.diagnosis;
    int verdict = judge(&cases[i], diagnosis);
    wrong += verdict == WRONG;
    printf("%s\t%s\t%s\t%s\t%s\t%s\n", cases[i].name, cases[i].truth[0] ? cases[i].truth : "none",
           diagnosis->culprit[0] ? diagnosis->culprit : "none", sp_diagnosis_confidence_name(diagnosis->confidence),
           verdicts[verdict], diagnosis->claim[0] ? diagnosis->claim : diagnosis->why_not);
    if (verbose) print_all(&rig);
    rig_fini(&rig);
  }
  return wrong > 0;
}

static void no_case_is_wrong_and_at_most_one_unsure(void **state) {
  size_t counts[3] = {0};
  (void)state;
  for (size_t i = 0; i < CASES; i++) {
    struct rig rig;
    rig_run(&rig, &cases[i]);
    int verdict = judge(&cases[i], &rig.diagnosis);
    if (verdict != RIGHT)
      print_message("%s: %s for %s: %s%s\n", verdicts[verdict], rig.diagnosis.culprit, cases[i].name,
      rig.diagnosis.claim,
                    rig.diagnosis.why_not);
    counts[verdict]++;
    rig_fini(&rig);
  }
  assert_int_equal(counts[WRONG], 0);
  assert_true(counts[UNSURE] <= 1);
}

/* What it says of round 1's next change is what round 2 comes to: from 0.8 to 1.2 CPU. */
static void the_prediction_of_round_1_holds_in_round_2(void **state) {
  struct rig first, second;
  (void)state;
  rig_run(&first, &(struct rig_case){.profile = "dify-8c16g-1", .app = "simple", .users = {10, 30, 60, 100}});
  rig_run(&second, &(struct rig_case){.profile = "dify-8c16g-2", .app = "simple", .users = {100}});
  assert_non_null(strstr(first.diagnosis.change, "1.2 CPU in place of 0.8"));
  assert_true(first.diagnosis.predicted_low_per_s <= second.steps[0].rps);
  assert_true(first.diagnosis.predicted_high_per_s >= second.steps[0].rps);
  assert_true(first.diagnosis.predicted_low_per_s > first.steps[3].rps); /* so it can be wrong */
  rig_fini(&first);
  rig_fini(&second);
}

int main(int argc, char **argv) {
  if (argc > 1 && strcmp(argv[1], "--table") == 0) return print_table(argc > 2);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_case_is_wrong_and_at_most_one_unsure),
      cmocka_unit_test(the_prediction_of_round_1_holds_in_round_2),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
