/* Databases: commits, locks, statements, connections and pools; each signature, what is nearly one, and what only looks like it. */
#include "model/diagnose_world.h"

#include <string.h>

#define SESSIONS(detail, a, b, c) {SP_SIGNAL_DB_SESSIONS, "postgres", detail, {a, b, c}}
#define OPEN(a, b, c) {SP_SIGNAL_DB_CONNECTIONS, "postgres", "", {a, b, c}}
#define ALLOWED(a) {SP_SIGNAL_DB_CONNECTIONS_LIMIT, "postgres", "", {a, a, a}}
#define CPU(a, b, c) {SP_SIGNAL_CPU_CORES, "postgres", "", {a, b, c}}, {SP_SIGNAL_CPU_LIMIT, "postgres", "", {2, 2, 2}}
#define STATEMENT(detail, a, b, c) {SP_SIGNAL_DB_STATEMENT_TIME, "postgres", detail, {a, b, c}}
#define CALLS(detail, a, b, c) {SP_SIGNAL_DB_STATEMENT_CALLS, "postgres", detail, {a, b, c}}
#define POOLED(a, b, c) {SP_SIGNAL_SLOTS_USED, "pgbouncer", "", {a, b, c}}, {SP_SIGNAL_SLOTS_LIMIT, "pgbouncer", "", {20, 20, 20}}
#define WAITING(a, b, c) {SP_SIGNAL_SLOTS_WAITING, "pgbouncer", "", {a, b, c}}

static const struct row commits[] = {
    {.name = "serial commits", .shape = PRESSED, .culprit = "postgres.commit",
     .says = "96 % of the answer's time is waiting for postgres's commits: 2.12 of 2.20 s",
     .sights = {SESSIONS("IO/WALSync", 0.2, 0.9, 1), SESSIONS("LWLock/WALWrite", 0.01, 0.8, 49.5),
     SESSIONS("CPU", 0.1, 0.2, 0.2)}},
    {.name = "flushes as PostgreSQL 17 names them, and their time", .shape = PRESSED, .culprit = "postgres.commit",
     .says = "40.0 ms a flush",
     .sights = {SESSIONS("IO/WalSync", 0.2, 0.9, 1), SESSIONS("LWLock/WALWrite", 0, 0.8, 40),
     {SP_SIGNAL_DB_WAL_SYNCS, "postgres", "", {5, 23, 24}},
                {SP_SIGNAL_DB_WAL_SYNC_TIME, "postgres", "", {0.04, 0.04, 0.04}}}},
    {.name = "the flushes' own figures do alone", .shape = PRESSED, .culprit = "postgres.commit",
     .sights = {{SP_SIGNAL_DB_WAL_SYNCS, "postgres", "", {5, 23, 24}}, {SP_SIGNAL_DB_WAL_SYNC_TIME, "postgres", "",
     {0.04, 0.04, 0.04}}}},
    {.name = "a log that has rest", .shape = PRESSED, .culprit = "",
     .sights = {SESSIONS("IO/WALSync", 0.1, 0.3, 0.5), SESSIONS("LWLock/WALWrite", 0, 0.1, 0.3),
     SESSIONS("CPU", 0.1, 0.2, 0.2)}},
    {.name = "a busy log under answers that are as fast as ever", .shape = HEALTHY, .culprit = "",
     .sights = {SESSIONS("IO/WALSync", 0.2, 0.6, 0.95), SESSIONS("LWLock/WALWrite", 0, 0.1, 0.5)}},
    {.name = "the pool before slow commits is full for them alone", .shape = PRESSED, .culprit = "postgres.commit",
     .sights = {SESSIONS("IO/WALSync", 0.2, 0.9, 1), SESSIONS("LWLock/WALWrite", 0, 0.8, 19), POOLED(1, 3, 20),
     WAITING(0, 0, 29)}},
};

static const struct row locks[] = {
    {.name = "locks: throughput falls", .shape = FALLING, .culprit = "postgres.locks",
     .says = "waiting for locks in postgres",
     .sights = {SESSIONS("Lock/transactionid", 0, 2, 50), SESSIONS("Lock/tuple", 0, 1, 12),
     SESSIONS("CPU", 0.2, 0.5, 0.8), CPU(0.1, 0.4, 0.5)}},
    {.name = "who is blocked, without what for", .shape = FALLING, .culprit = "postgres.locks",
     .sights = {{SP_SIGNAL_DB_BLOCKED, "postgres", "", {0, 2, 60}}}},
    {.name = "a lock now and then", .shape = PRESSED, .culprit = "",
     .sights = {SESSIONS("Lock/transactionid", 0, 0.2, 0.6), SESSIONS("CPU", 0.2, 0.5, 0.8)}},
    {.name = "lock waits among many that work", .shape = PRESSED, .culprit = "",
     .sights = {SESSIONS("Lock/transactionid", 0, 1, 2), SESSIONS("IO/DataFileRead", 1, 10, 30)}},
    {.name = "the target says it: deadlocks", .shape = FAILING, .culprit = "postgres.locks",
     .says = "deadlock detected",
     .sights = {SESSIONS("Lock/transactionid", 0, 0.5, 1.5), SESSIONS("CPU", 0.2, 0.5, 0.8)},
     .errors = {{"http_status", "500 psycopg2.errors.DeadlockDetected: deadlock detected", 280}}},
};

static const struct row statements[] = {
    {.name = "one slow statement, at every load", .shape = SLOW, .culprit = "postgres.sql",
     .says = "one statement of postgres",
     .sights = {STATEMENT("UPDATE document_segments SET hit_count", 4.8, 24, 48),
     CALLS("UPDATE document_segments SET hit_count", 2.4, 12, 24),
                STATEMENT("SELECT 1", 0.01, 0.02, 0.04), CALLS("SELECT 1", 10, 50, 100)}},
    {.name = "a statement that is a small part", .shape = SLOW, .culprit = "", .says = "at the least load too",
     .sights = {STATEMENT("SELECT 1", 0.5, 2, 5), CALLS("SELECT 1", 10, 50, 100)}},
    {.name = "a statement that waits for locks is not slow itself", .shape = FALLING, .culprit = "postgres.locks",
     .sights = {STATEMENT("UPDATE t", 0.2, 2, 60), CALLS("UPDATE t", 4.8, 23, 14), SESSIONS("Lock/tuple", 0, 1, 58),
     SESSIONS("CPU", 0.2, 0.5, 0.8)}},
};

static const struct row connections[] = {
    {.name = "no connection is left", .shape = FAILING, .culprit = "postgres.connections",
     .says = "too many clients already",
     .sights = {OPEN(30, 80, 100), ALLOWED(100)},
     .errors = {{"http_status", "500 FATAL: sorry, too many clients already", 280}}},
    {.name = "the errors do alone", .shape = FAILING, .culprit = "postgres.connections", .says = "PgBouncer",
     .errors = {{"http_status", "500 FATAL: remaining connection slots are reserved", 280}}},
    {.name = "all connections open, and nobody refused", .shape = PRESSED, .culprit = "",
     .sights = {OPEN(100, 100, 100), ALLOWED(100)}},
    {.name = "one such error in a thousand", .shape = HEALTHY, .culprit = "", .sights = {OPEN(30, 80, 100),
     ALLOWED(100)},
     .errors = {{"http_status", "500 FATAL: sorry, too many clients already", 4}}},
    {.name = "a pool's connections are all at work, the database has room", .shape = PRESSED,
     .culprit = "postgres.pool", .says = "20 connections are open in place of 10",
     .sights = {OPEN(10, 10, 10), ALLOWED(100), SESSIONS("CPU", 1, 5, 9.8), CPU(0.2, 0.8, 1)}},
    {.name = "the pool never raises past what is allowed", .shape = PRESSED, .culprit = "postgres.pool",
     .says = "90 connections are open in place of 60",
     .sights = {OPEN(60, 60, 60), ALLOWED(100), SESSIONS("Client/ClientWrite", 6, 30, 59)}},
    {.name = "QueuePool says it itself", .shape = FAILING, .culprit = "database.pool", .says = "QueuePool limit",
     .errors = {{"http_status", "500 QueuePool limit of size 30 overflow 10 reached, connection timed out, timeout 30",
     280}}},
    {.name = "half of the pool rests", .shape = PRESSED, .culprit = "", .sights = {OPEN(10, 10, 10), ALLOWED(100),
     SESSIONS("CPU", 1, 3, 5)}},
};

/* So that throughput follows the load, for a while. */
static void few_at_first(struct sp_diagnose_step *steps) { steps[0].rps = 2; }

static const struct row pooler[] = {
    {.name = "PgBouncer's pool is too small", .shape = PRESSED, .culprit = "pgbouncer.slots",
     .says = "default_pool_size of pgbouncer from 20 to 40",
     .sights = {POOLED(1, 9, 20), WAITING(0, 0, 30), SESSIONS("CPU", 0.5, 3, 6), CPU(0.2, 0.8, 1.1)}},
    {.name = "clients wait because the database has no CPU left", .shape = PRESSED, .culprit = "postgres.cpu",
     .sights = {POOLED(1, 9, 20), WAITING(0, 0, 30), SESSIONS("CPU", 0.5, 3, 20), CPU(0.4, 1.8, 2),
     {SP_SIGNAL_CPU_PRESSURE, "postgres", "", {0, 0.4, 0.9}}}},
    {.name = "idle transactions hold the pool", .shape = PRESSED, .culprit = "postgres.idle_in_transaction",
     .says = "hold a transaction and do nothing",
     .sights = {POOLED(1, 9, 20), WAITING(0, 0, 30), {SP_SIGNAL_DB_IDLE_IN_TRANSACTION, "postgres", "", {0.5, 6, 19}},
     SESSIONS("CPU", 0.2, 0.5, 0.6)}},
    {.name = "idle transactions hold most of the pool, whose own figure of the wait is a little longer", .shape = PRESSED,
     .culprit = "postgres.idle_in_transaction",
     .sights = {POOLED(1, 9, 20), WAITING(0, 0, 30), {SP_SIGNAL_SLOTS_WAIT_TIME, "pgbouncer", "", {0, 0, 32}},
                {SP_SIGNAL_DB_IDLE_IN_TRANSACTION, "postgres", "", {0.5, 6, 16}}, SESSIONS("CPU", 0.2, 1, 3)}},
    {.name = "idle transactions, and a machine as full at every load", .shape = PRESSED, .edit = few_at_first,
     .culprit = "postgres.idle_in_transaction",
     .sights = {OPEN(30, 30, 30), {SP_SIGNAL_DB_IDLE_IN_TRANSACTION, "postgres", "", {0.5, 6, 19}},
                {SP_SIGNAL_CPU_CORES, "host:db1", "", {2, 2, 2}}, {SP_SIGNAL_CPU_LIMIT, "host:db1", "", {2, 2, 2}},
                {SP_SIGNAL_CPU_PRESSURE, "host:db1", "", {0.7, 0.7, 0.7}}}},
    {.name = "a few idle transactions do not", .shape = PRESSED, .culprit = "pgbouncer.slots",
     .sights = {POOLED(1, 9, 20), WAITING(0, 0, 30), {SP_SIGNAL_DB_IDLE_IN_TRANSACTION, "postgres", "", {0.5, 2, 4}},
     SESSIONS("CPU", 0.2, 5, 9)}},
    {.name = "a pool of two with a queue, free at some of the looks", .shape = PRESSED, .culprit = "pgbouncer.slots",
     .sights = {{SP_SIGNAL_SLOTS_USED, "pgbouncer", "", {0.2, 1.6, 1.8}}, {SP_SIGNAL_SLOTS_LIMIT, "pgbouncer", "", {2, 2, 2}},
                WAITING(0, 0.2, 40)}},
    {.name = "a full pool before which nobody waits", .shape = PRESSED, .culprit = "", .sights = {POOLED(1, 9, 18),
     WAITING(0, 0, 0)}},
};

#define CHECK(table) check_rows(table, sizeof(table) / sizeof(table[0]))
static void commits_come_out(void **state) {
  (void)state;
  CHECK(commits);
}
static void locks_come_out(void **state) {
  (void)state;
  CHECK(locks);
}
static void statements_come_out(void **state) {
  (void)state;
  CHECK(statements);
}
static void connections_come_out(void **state) {
  (void)state;
  CHECK(connections);
}
static void poolers_come_out(void **state) {
  (void)state;
  CHECK(pooler);
}

/* Durability is never traded silently. */
static void the_risk_of_commits_is_named(void **state) {
  struct world world;
  static const struct sight sights[] = {SESSIONS("IO/WALSync", 0.2, 0.9, 1),
  SESSIONS("LWLock/WALWrite", 0.01, 0.8, 49.5)};
  (void)state;
  world_begin(&world, PRESSED);
  for (size_t i = 0; i < 2; i++) world_see(&world, &sights[i]);
  world_diagnose(&world);
  assert_null(strstr(world.diagnosis.change, "synchronous_commit"));
  assert_non_null(strstr(world.diagnosis.risk, "lose the transactions"));
  world_end(&world);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(commits_come_out),     cmocka_unit_test(locks_come_out),   cmocka_unit_test(statements_come_out),
      cmocka_unit_test(connections_come_out), cmocka_unit_test(poolers_come_out),
      cmocka_unit_test(the_risk_of_commits_is_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
