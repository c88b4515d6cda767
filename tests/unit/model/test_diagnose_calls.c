/* Services behind the api, nodes, a cache's thread, and what the stream itself tells. */
#include "model/diagnose_world.h"

#include <string.h>

#define TIME(name, a, b, c) {SP_SIGNAL_CALLS_TIME, name, "", {a, b, c}}
#define RATE(name, a, b, c) {SP_SIGNAL_CALLS_RATE, name, "", {a, b, c}}
#define ACTIVE(name, a, b, c) {SP_SIGNAL_CALLS_ACTIVE, name, "", {a, b, c}}

static const struct row calls[] = {
    {.name = "a plugin daemon that makes them wait", .shape = PRESSED, .culprit = "plugin_daemon.calls",
     .says = "SLOW SQL",
     .sights = {TIME("plugin_daemon", 0.04, 0.08, 2.1), RATE("plugin_daemon", 4.76, 23.3, 23.8),
     ACTIVE("plugin_daemon", 0.2, 1.9, 50)}},
    {.name = "by those under way alone", .shape = PRESSED, .culprit = "plugin_daemon.calls",
     .sights = {ACTIVE("plugin_daemon", 0.2, 1.9, 50)}},
    {.name = "calls that take as long as ever", .shape = PRESSED, .culprit = "",
     .sights = {TIME("plugin_daemon", 0.04, 0.04, 0.04), RATE("plugin_daemon", 4.76, 23.3, 23.8)}},
    {.name = "calls that grew, and are a small part", .shape = PRESSED, .culprit = "",
     .sights = {TIME("plugin_daemon", 0.01, 0.05, 0.3), RATE("plugin_daemon", 4.76, 23.3, 23.8)}},
    {.name = "the daemon waits for its database", .shape = PRESSED, .culprit = "postgres.commit",
     .sights = {TIME("plugin_daemon", 0.04, 0.08, 2.1), RATE("plugin_daemon", 4.76, 23.3, 23.8),
                {SP_SIGNAL_DB_SESSIONS, "postgres", "IO/WALSync", {0.2, 0.9, 1}},
                {SP_SIGNAL_DB_SESSIONS, "postgres", "LWLock/WALWrite", {0, 0.5, 48}}}},
    {.name = "a vector store whose CPU it is", .shape = PRESSED, .culprit = "weaviate.cpu",
     .says = "imports (whose segments it merges",
     .sights = {TIME("weaviate", 0.04, 0.08, 2.1), RATE("weaviate", 4.76, 23.3, 23.8),
     {SP_SIGNAL_CPU_CORES, "weaviate", "", {0.2, 0.9, 1}},
                {SP_SIGNAL_CPU_LIMIT, "weaviate", "", {1, 1, 1}}, {SP_SIGNAL_CPU_PRESSURE, "weaviate", "",
                {0, 0.5, 0.9}}}},
    {.name = "a model server's own queue time", .shape = PRESSED, .culprit = "vllm.calls", .says = "2.00 of 2.20 s",
     .sights = {TIME("vllm", 0.05, 0.06, 2.1), RATE("vllm", 4.76, 23.3, 23.8),
     {SP_SIGNAL_CALLS_QUEUE_TIME, "vllm", "", {0, 0, 2}}}},
    {.name = "a proxy has all of the answer inside, and is none", .shape = PRESSED, .culprit = "",
     .sights = {ACTIVE("nginx", 0.5, 3.5, 52)}},
    {.name = "a healthy target's calls", .shape = HEALTHY, .culprit = "",
     .sights = {TIME("plugin_daemon", 0.08, 0.08, 0.08), RATE("plugin_daemon", 5, 23, 47)}},
};

static const struct row caches[] = {
    {.name = "Redis' one thread", .shape = PRESSED, .culprit = "redis.main_thread", .says = "one thread is busy 97 %",
     .sights = {{SP_SIGNAL_CACHE_MAIN_THREAD, "redis", "", {0.2, 0.8, 0.97}}, {SP_SIGNAL_CACHE_OPS, "redis", "",
     {900, 9000, 9900}}}},
    {.name = "a slow command", .shape = PRESSED, .culprit = "redis.main_thread", .says = "stand behind one of 300 ms",
     .sights = {{SP_SIGNAL_CACHE_SLOW_COMMANDS, "redis", "", {0, 1, 3}},
     {SP_SIGNAL_CACHE_SLOWEST_COMMAND, "redis", "", {0, 0.3, 0.3}}}},
    {.name = "a slow command once a minute", .shape = PRESSED, .culprit = "",
     .sights = {{SP_SIGNAL_CACHE_SLOW_COMMANDS, "redis", "", {0, 0.02, 0.02}},
     {SP_SIGNAL_CACHE_SLOWEST_COMMAND, "redis", "", {0, 0.3, 0.3}}}},
    {.name = "idle workers block on purpose", .shape = PRESSED, .culprit = "",
     .sights = {{SP_SIGNAL_CACHE_BLOCKED_CLIENTS, "redis", "", {8, 8, 8}}, {SP_SIGNAL_CACHE_MAIN_THREAD, "redis", "",
     {0.1, 0.2, 0.3}}}},
};

static void knowledge_grows(struct sp_diagnose_step *steps) {
  static const double mean_s[] = {0.05, 0.09, 2.0};
  for (size_t i = 0; i < WORLD_STEPS; i++) {
    steps[i].nodes[0] = (struct sp_diagnose_node){"Knowledge", "knowledge-retrieval", mean_s[i], GONE, 1};
    steps[i].nodes[1] = (struct sp_diagnose_node){"LLM", "llm", 0.03, GONE, 1};
    steps[i].node_count = 2;
  }
}

static void all_nodes_grow(struct sp_diagnose_step *steps) {
  static const double mean_s[] = {0.02, 0.03, 0.5};
  static const char *const titles[] = {"a", "b", "c", "d"};
  for (size_t i = 0; i < WORLD_STEPS; i++)
    for (size_t k = 0; k < 4; k++) steps[i].nodes[steps[i].node_count++] = (struct sp_diagnose_node){titles[k], "tool",
    mean_s[i], GONE, 1};
}

/* The model speaks for a second, and all of it comes at the end. */
static void lumps(struct sp_diagnose_step *steps) {
  for (size_t i = 0; i < WORLD_STEPS; i++) {
    steps[i].e2e_s = 2.2;
    steps[i].ttft_s = 2.15;
    steps[i].tokens = 40;
    steps[i].lump_share = 0.97;
    steps[i].max_gap_s = 0.02;
    steps[i].nodes[0] = (struct sp_diagnose_node){"LLM", "llm", 1.6, GONE, 1};
    steps[i].node_count = 1;
  }
}
static void lumps_without_nodes(struct sp_diagnose_step *steps) {
  lumps(steps);
  for (size_t i = 0; i < WORLD_STEPS; i++) {
    steps[i].node_count = 0;
    steps[i].ttft_s = 2.19;
  }
}
static void a_fast_model(struct sp_diagnose_step *steps) { /* tokens come together, and early */
  lumps(steps);
  for (size_t i = 0; i < WORLD_STEPS; i++) steps[i].ttft_s = 0.3;
}
static void an_even_stream(struct sp_diagnose_step *steps) {
  lumps(steps);
  for (size_t i = 0; i < WORLD_STEPS; i++) steps[i].lump_share = 0.02;
}

static const struct row streams[] = {
    {.name = "one node, and nobody watches what is in it", .shape = PRESSED, .edit = knowledge_grows,
     .culprit = "flow.node", .says = "'Knowledge' (knowledge-retrieval) takes 2.00 s"},
    {.name = "one node, and the thread that it waits for", .shape = PRESSED, .edit = knowledge_grows,
     .culprit = "redis.main_thread", .sights = {{SP_SIGNAL_CACHE_MAIN_THREAD, "redis", "", {0.1, 0.7, 1}}}},
    {.name = "one node, and what is in it", .shape = PRESSED, .edit = knowledge_grows, .culprit = "weaviate.calls",
     .sights = {TIME("weaviate", 0.04, 0.08, 1.95), RATE("weaviate", 4.76, 23.3, 23.8)}},
    {.name = "all nodes get slower alike", .shape = PRESSED, .edit = all_nodes_grow, .culprit = ""},
    {.name = "a proxy that buffers", .shape = SLOW, .edit = lumps, .culprit = "proxy.buffering",
     .says = "X-Accel-Buffering"},
    {.name = "a proxy that buffers, in an OpenAI stream", .shape = SLOW, .edit = lumps_without_nodes,
     .culprit = "proxy.buffering", .says = "no model speaks so fast"},
    {.name = "tokens that come together, from the first on", .shape = SLOW, .edit = a_fast_model, .culprit = ""},
    {.name = "an even stream", .shape = SLOW, .edit = an_even_stream, .culprit = ""},
    {.name = "it refuses", .shape = FAILING, .culprit = "target.rate_limit", .says = "280 of 4",
     .errors = {{"http_status", "429 Too Many Requests", 280}}},
    {.name = "it refused twice", .shape = HEALTHY, .culprit = "",
     .errors = {{"http_status", "429 Too Many Requests", 2}}},
};

#define CHECK(table) check_rows(table, sizeof(table) / sizeof(table[0]))
static void calls_come_out(void **state) {
  (void)state;
  CHECK(calls);
}
static void caches_come_out(void **state) {
  (void)state;
  CHECK(caches);
}
static void streams_come_out(void **state) {
  (void)state;
  CHECK(streams);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(calls_come_out),
      cmocka_unit_test(caches_come_out),
      cmocka_unit_test(streams_come_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
