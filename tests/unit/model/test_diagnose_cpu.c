/* CPU: each signature, what is nearly one, and what only looks like it. */
#include "model/diagnose_world.h"

#include <string.h>

#define USED(name, a, b, c) {SP_SIGNAL_CPU_CORES, name, "", {a, b, c}}
#define LIMIT(name, a) {SP_SIGNAL_CPU_LIMIT, name, "", {a, a, a}}
#define PRESSURE(name, a, b, c) {SP_SIGNAL_CPU_PRESSURE, name, "", {a, b, c}}
#define THROTTLED(name, a, b, c) {SP_SIGNAL_CPU_THROTTLED, name, "", {a, b, c}}

static const struct row rows[] = {
    {.name = "a quota used up", .shape = PRESSED, .culprit = "dify-api.cpu",
     .says = "95 % of the answer's time is waiting for dify-api's CPU",
     .sights = {USED("dify-api", 0.16, 0.76, 0.79), LIMIT("dify-api", 0.8), PRESSURE("dify-api", 0.05, 0.4, 0.98)}},
    {.name = "the wait is measured where it can be", .shape = PRESSED, .culprit = "dify-api.cpu",
     .says = "1.00 of 2.20 s a request",
     .sights = {USED("dify-api", 0.16, 0.76, 0.79), LIMIT("dify-api", 0.8), {SP_SIGNAL_CPU_RUN_WAIT, "dify-api", "",
     {0.01, 0.5, 23.8}}}},
    {.name = "without a queue the change is the second witness", .shape = PRESSED, .culprit = "dify-api.cpu",
     .sights = {USED("dify-api", 0.16, 0.76, 0.79), LIMIT("dify-api", 0.8)}},
    {.name = "one load alone: the law and the queue", .shape = ALONE, .culprit = "dify-api.cpu",
     .says = "33.2 ms of CPU a request",
     .sights = {USED("dify-api", 0.79, 0, 0), LIMIT("dify-api", 0.8), THROTTLED("dify-api", 0.9, 0, 0)}},
    {.name = "one load alone, and no queue", .shape = ALONE, .culprit = "", .says = "one load alone",
     .sights = {USED("dify-api", 0.79, 0, 0), LIMIT("dify-api", 0.8)}},
    {.name = "nearly used up is not used up", .shape = PRESSED, .culprit = "",
     .sights = {USED("dify-api", 0.14, 0.68, 0.69), LIMIT("dify-api", 0.8), PRESSURE("dify-api", 0.05, 0.4, 0.5)}},
    {.name = "a burning quota in a healthy target", .shape = HEALTHY, .culprit = "", .says = "the users do",
     .sights = {USED("dify-api", 0.16, 0.4, 0.79), LIMIT("dify-api", 0.8), PRESSURE("dify-api", 0.05, 0.1, 0.4)}},
    {.name = "bursts are stopped by a quota that has room", .shape = PRESSED, .culprit = "",
     .sights = {USED("dify-api", 0.1, 0.3, 0.4), LIMIT("dify-api", 0.8), THROTTLED("dify-api", 0.1, 0.3, 0.4)}},
    {.name = "stopped in most periods, at four fifths of the quota", .shape = PRESSED, .culprit = "dify-api.cpu",
     .sights = {USED("dify-api", 0.1, 0.6, 0.68), LIMIT("dify-api", 0.8), THROTTLED("dify-api", 0.01, 0.3, 0.6)}},
    {.name = "two instances are one", .shape = PRESSED, .culprit = "dify-api.cpu", .says = "1.58 of 1.60 cores",
     .sights = {{SP_SIGNAL_CPU_CORES, "dify-api", "pod-1", {0.16, 0.76, 0.79}},
     {SP_SIGNAL_CPU_CORES, "dify-api", "pod-2", {0.16, 0.76, 0.79}},
                {SP_SIGNAL_CPU_LIMIT, "dify-api", "pod-1", {0.8, 0.8, 0.8}},
                {SP_SIGNAL_CPU_LIMIT, "dify-api", "pod-2", {0.8, 0.8, 0.8}},
                PRESSURE("dify-api", 0.05, 0.4, 0.98)}},
    {.name = "a process's own figure is not added to its container's", .shape = PRESSED, .culprit = "",
     .sights = {USED("dify-api", 0.1, 0.3, 0.4), LIMIT("dify-api", 0.8), {SP_SIGNAL_CPU_CORES, "dify-api", "process",
     {0.1, 0.3, 0.4}}}},
    {.name = "PgBouncer is one thread, whatever the quota", .shape = PRESSED, .culprit = "pgbouncer.cpu",
     .sights = {USED("pgbouncer", 0.2, 0.95, 0.99), LIMIT("pgbouncer", 4), PRESSURE("pgbouncer", 0, 0.1, 0.2)}},
    {.name = "a database's sessions beyond its cores wait for its CPU", .shape = PRESSED, .culprit = "postgres.cpu",
     .says = "1.93 of 2.20 s", .sights = {USED("postgres", 0.4, 1.9, 2), LIMIT("postgres", 2),
     {SP_SIGNAL_DB_SESSIONS, "postgres", "CPU", {0.4, 2.5, 48}}}},
    {.name = "the host has no core left", .shape = PRESSED, .culprit = "host:db1.cpu",
     .says = "quotas of its containers",
     .sights = {USED("host:db1", 1, 3.8, 3.95), LIMIT("host:db1", 4), PRESSURE("host:db1", 0.1, 0.6, 0.9)}},
    {.name = "a hypervisor that takes", .shape = PRESSED, .culprit = "host:db1.steal",
     .sights = {{SP_SIGNAL_CPU_STEAL, "host:db1", "", {0.02, 0.1, 0.25}}}},
    {.name = "a hypervisor that takes little", .shape = PRESSED, .culprit = "",
     .sights = {{SP_SIGNAL_CPU_STEAL, "host:db1", "", {0.02, 0.02, 0.03}}}},
    {.name = "a process that collects garbage a third of the time", .shape = PRESSED, .culprit = "weaviate.gc",
     .sights = {{SP_SIGNAL_GC_TIME, "weaviate", "", {0.01, 0.1, 0.35}}}},
    {.name = "one that collects as ever", .shape = PRESSED, .culprit = "",
     .sights = {{SP_SIGNAL_GC_TIME, "weaviate", "", {0.01, 0.02, 0.03}}}},
    {.name = "a blocked event loop", .shape = PRESSED, .culprit = "dify-api.event_loop", .says = "a cheap request",
     .sights = {USED("dify-api", 0.2, 0.9, 0.98), LIMIT("dify-api", 4), {SP_SIGNAL_CANARY_TIME, "dify-api", "",
     {0.004, 0.05, 0.9}}}},
    {.name = "a canary that waits while the loop has rest", .shape = PRESSED, .culprit = "",
     .sights = {USED("dify-api", 0.1, 0.2, 0.2), LIMIT("dify-api", 4), {SP_SIGNAL_CANARY_TIME, "dify-api", "",
     {0.004, 0.05, 0.9}}}},
};

static void rows_come_out(void **state) {
  (void)state;
  check_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

/* As many processes as are set use as many cores at most, whatever the quota. */
static void workers_cap_the_cores(void **state) {
  static const struct sight sights[] = {USED("dify-api", 0.2, 0.95, 0.99), LIMIT("dify-api", 4),
  PRESSURE("dify-api", 0, 0.3, 0.5)};
  struct world world;
  (void)state;
  for (int workers = 0; workers < 2; workers++) {
    world_begin(&world, PRESSED);
    for (size_t i = 0; i < 3; i++) world_see(&world, &sights[i]);
    if (workers) sp_observations_setting(world.seen, "dify-api", "SERVER_WORKER_AMOUNT", "1");
    world_diagnose(&world);
    assert_string_equal(world.diagnosis.culprit, workers ? "dify-api.cpu" : "");
    world_end(&world);
  }
}

static void three_witnesses_are_sure_and_say_where_they_have_it_from(void **state) {
  static const struct sight sights[] = {USED("dify-api", 0.16, 0.76, 0.79), LIMIT("dify-api", 0.8),
  PRESSURE("dify-api", 0.05, 0.4, 0.98),
                                        USED("postgres", 0.02, 0.1, 0.1), LIMIT("postgres", 0.5)};
  struct world world;
  (void)state;
  world_begin(&world, PRESSED);
  for (size_t i = 0; i < 5; i++) world_see(&world, &sights[i]);
  world_diagnose(&world);
  const struct sp_diagnosis *diagnosis = &world.diagnosis;
  assert_int_equal(diagnosis->confidence, SP_DIAGNOSIS_HIGH);
  assert_int_equal(diagnosis->witnesses.count, 3);
  assert_string_equal(diagnosis->witnesses.lines[0].query, "show cpu.cores");
  assert_string_equal(diagnosis->witnesses.lines[1].query, "show cpu.pressure");
  assert_true(world_lists(&diagnosis->exonerated, "postgres: CPU 0.10 of 0.50 cores (20 %)"));
  assert_float_equal(diagnosis->seconds_per_request, 2.1, 0.01);
  assert_true(diagnosis->predicted_low_per_s > 28 && diagnosis->predicted_high_per_s < 38);
  assert_non_null(strstr(diagnosis->change, "max_connections")); /* what hangs together is told together */
  assert_non_null(strstr(diagnosis->refuted_by, "dify-api.cpu is no longer at its limit"));
  world_end(&world);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_come_out),
      cmocka_unit_test(workers_cap_the_cores),
      cmocka_unit_test(three_witnesses_are_sure_and_say_where_they_have_it_from),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
