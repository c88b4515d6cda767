/* Places: each signature, what is nearly one, and what only looks like it. */
#include "model/diagnose_world.h"

#define API(a, b, c) {SP_SIGNAL_SLOTS_WAITING, "dify-api", "", {a, b, c}}
#define QUEUE(detail, a, b, c) {SP_SIGNAL_QUEUE_LENGTH, "celery", detail, {a, b, c}}
#define BATCH(a, b, c) {SP_SIGNAL_SLOTS_USED, "vllm", "", {a, b, c}}
#define BATCH_WAITS(a, b, c) {SP_SIGNAL_SLOTS_WAITING, "vllm", "", {a, b, c}}
#define CPU(name, a, b, c) {SP_SIGNAL_CPU_CORES, name, "", {a, b, c}}, {SP_SIGNAL_CPU_LIMIT, name, "", {2, 2, 2}}

/* Streams of a second and a half; ten are served at once. */
static void ten_streams(struct sp_diagnose_step *steps) {
  static const double rps[] = {2.86, 6.67, 6.67}, e2e_s[] = {1.5, 5.5, 13}, head_s[] = {0.02, 4.02, 11.52};
  for (size_t i = 0; i < WORLD_STEPS; i++) {
    steps[i].rps = steps[i].ok_rps = rps[i];
    steps[i].e2e_s = e2e_s[i];
    steps[i].ttfb_s = head_s[i];
    steps[i].ttfe_s = head_s[i] + 0.01;
    steps[i].in_flight = rps[i] * e2e_s[i];
    steps[i].itl_s = 0.02;
  }
}

static void slower_tokens(struct sp_diagnose_step *steps) {
  ten_streams(steps);
  steps[2].itl_s = 0.04;
}

/* 7.3 at once: nobody sets that. */
static void seven_streams(struct sp_diagnose_step *steps) {
  ten_streams(steps);
  for (size_t i = 0; i < WORLD_STEPS; i++) steps[i].rps *= 0.73;
}

static void four_streams(struct sp_diagnose_step *steps) {
  ten_streams(steps);
  for (size_t i = 0; i < WORLD_STEPS; i++) steps[i].rps *= 0.4;
}

/* An answer that comes whole: its head is its end, whatever holds it. */
static void whole_answers(struct sp_diagnose_step *steps) {
  ten_streams(steps);
  for (size_t i = 0; i < WORLD_STEPS; i++) steps[i].ttfb_s = steps[i].e2e_s;
}

/* The head comes at once, the first event late. */
static void ten_runs(struct sp_diagnose_step *steps) {
  ten_streams(steps);
  for (size_t i = 0; i < WORLD_STEPS; i++) steps[i].ttfb_s = 0.01;
}

static const struct row run_alone[] = {
    {.name = "ten streams at once, from the run alone", .shape = PRESSED, .edit = ten_streams,
     .culprit = "target.slots", .says = "SERVER_WORKER_CONNECTIONS"},
    {.name = "four at once", .shape = PRESSED, .edit = four_streams, .culprit = "target.slots",
     .says = "OLLAMA_NUM_PARALLEL"},
    {.name = "a number that nobody sets", .shape = PRESSED, .edit = seven_streams, .culprit = ""},
    {.name = "tokens that come slower: more than places is short", .shape = PRESSED, .edit = slower_tokens,
     .culprit = ""},
    {.name = "answers without a stream", .shape = PRESSED, .edit = whole_answers, .culprit = ""},
    {.name = "every phase gets slower", .shape = PRESSED, .culprit = ""},
    {.name = "ten runs at once, from the run alone", .shape = PRESSED, .edit = ten_runs, .culprit = "celery.workers",
     .says = "CELERY_WORKER_AMOUNT"},
    {.name = "ten streams, and every CPU idle", .shape = PRESSED, .edit = ten_streams, .culprit = "target.slots",
     .sights = {CPU("dify-api", 0.1, 0.2, 0.2), CPU("postgres", 0.1, 0.1, 0.1)}},
    {.name = "places full of those who wait for a CPU", .shape = PRESSED, .edit = ten_streams,
     .culprit = "dify-api.cpu",
     .sights = {CPU("dify-api", 0.8, 1.95, 1.98), {SP_SIGNAL_CPU_PRESSURE, "dify-api", "", {0.1, 0.9, 0.9}}}},
};

static const struct row watched[] = {
    {.name = "gunicorn's backlog", .shape = PRESSED, .edit = ten_streams, .culprit = "dify-api.slots",
     .says = "so that dify-api serves 20 at once in place of 10",
     .sights = {API(0, 26.7, 76.7), CPU("dify-api", 0.1, 0.2, 0.2)}},
    {.name = "a number that nobody sets, but the same at two loads", .shape = PRESSED, .edit = seven_streams,
     .culprit = "dify-api.slots",
     .sights = {API(0, 29.3, 79.3)}},
    {.name = "nobody in the backlog", .shape = PRESSED, .culprit = "", .sights = {API(0, 0, 0.2)}},
    {.name = "the limit is told", .shape = PRESSED, .culprit = "xinference.slots", .says = "4.0 of 4 places taken",
     .sights = {{SP_SIGNAL_SLOTS_USED, "xinference", "m", {0.5, 3, 4}}, {SP_SIGNAL_SLOTS_LIMIT, "xinference", "m",
     {4, 4, 4}},
                {SP_SIGNAL_SLOTS_WAITING, "xinference", "m", {0, 1, 48}}}},
    {.name = "vLLM's batch is full: the same number while more wait", .shape = PRESSED, .culprit = "vllm.slots",
     .says = "max-num-seqs",
     .sights = {BATCH(0.5, 8, 8), BATCH_WAITS(0, 2, 44)}},
    {.name = "vLLM's batch has room", .shape = PRESSED, .culprit = "", .sights = {BATCH(0.5, 8, 30),
     BATCH_WAITS(0, 0, 0)}},
    {.name = "KV cache: answers are put back", .shape = PRESSED, .culprit = "vllm.kv_cache",
     .sights = {{SP_SIGNAL_MODEL_CACHE_USED, "vllm", "", {0.1, 0.8, 0.99}}, {SP_SIGNAL_MODEL_PREEMPTIONS, "vllm", "",
     {0, 0, 3}},
                {SP_SIGNAL_SLOTS_WAITING, "vllm", "", {0, 1, 44}}}},
    {.name = "Celery's queue", .shape = PRESSED, .edit = ten_runs, .culprit = "celery.workers",
     .says = "workflow_based_app_execution",
     .sights = {QUEUE("workflow_based_app_execution", 0, 26.7, 76.7), QUEUE("mail", 0, 0, 0)}},
    {.name = "a backlog of another queue holds no answer", .shape = PRESSED, .culprit = "",
     .sights = {QUEUE("workflow_based_app_execution", 0, 0, 0), QUEUE("dataset", 900, 900, 900)}},
};

static void the_run_alone_tells(void **state) {
  (void)state;
  check_rows(run_alone, sizeof(run_alone) / sizeof(run_alone[0]));
}
static void watched_places_come_out(void **state) {
  (void)state;
  check_rows(watched, sizeof(watched) / sizeof(watched[0]));
}

static void one_who_looks_alone_is_less_sure(void **state) {
  struct world world;
  static const struct sight sights[] = {API(0, 26.7, 76.7)};
  (void)state;
  for (int seen = 0; seen < 2; seen++) {
    world_begin(&world, PRESSED);
    ten_streams(world.steps);
    if (seen) world_see(&world, &sights[0]);
    world_diagnose(&world);
    assert_int_equal(world.diagnosis.confidence, seen ? SP_DIAGNOSIS_HIGH : SP_DIAGNOSIS_MEDIUM);
    assert_true(world_lists(&world.diagnosis.unseen, "CPU of the target"));
    world_end(&world);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_run_alone_tells),
      cmocka_unit_test(watched_places_come_out),
      cmocka_unit_test(one_who_looks_alone_is_less_sure),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
