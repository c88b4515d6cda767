/*
 * A database: the log that is flushed by one at a time, locks, statements, its connections and who holds them.
 * Sessions are sampled by what they wait for; their mean number over the throughput is seconds a request (Little).
 */
#include "model/diagnose_rules.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COMMIT_FULL 0.85
#define LOCKS_FULL 0.5  /* of the active sessions */
#define SQL_FULL 0.5    /* of the answer's time */
#define SQL_SLOW_S 0.02 /* a call: PgHero's slow query */
#define CONNECTIONS_FULL 0.95
#define POOL_FULL 0.9
#define IDLE_FULL 0.5 /* of the connections */
#define IDLE_LEAST 2.0
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* Mean sessions that wait for it, of any of the patterns. NAN: nobody samples sessions. */
static double sessions(const struct sp_suspect *suspect, const char *const *patterns, size_t count, size_t step) {
  double sum = 0;
  if (isnan(sp_see(suspect, SP_SIGNAL_DB_SESSIONS, NULL, step))) return (double)NAN;
  for (size_t i = 0; i < count; i++) sum += sp_zero(sp_see(suspect, SP_SIGNAL_DB_SESSIONS, patterns[i], step));
  return sum;
}

/* -- serial commits -- */

static const char *const flushing[] = {"IO/WALSync", "IO/WalSync", "IO/WALWrite", "IO/WalWrite"};
static const char *const committing[] = {"IO/WALSync",  "IO/WalSync",      "IO/WALWrite",
                                         "IO/WalWrite", "LWLock/WALWrite", "LWLock/WalWrite"};

/* How busy the log is: flushes a second x the time of one, or that somebody flushes. */
static double commit_level(const struct sp_suspect *suspect, size_t step) {
  double busy =
      sp_see(suspect, SP_SIGNAL_DB_WAL_SYNCS, NULL, step) * sp_see(suspect, SP_SIGNAL_DB_WAL_SYNC_TIME, NULL, step);
  double flush = sessions(suspect, flushing, COUNT(flushing), step);
  return sp_capped(isnan(busy) ? flush : fmax(busy, sp_zero(flush)), 1);
}

static double commit_wait_s(const struct sp_suspect *suspect, size_t step) {
  return sessions(suspect, committing, COUNT(committing), step) / sp_rps(suspect->d, step);
}

static void commit_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  double sync_s = sp_see(suspect, SP_SIGNAL_DB_WAL_SYNC_TIME, NULL, step),
         commits = sp_see(suspect, SP_SIGNAL_DB_COMMITS, NULL, step);
  int len = snprintf(text, size, "write-ahead log being flushed %.0f %% of the time", suspect->level[step] * 100);
  if (len < 0 || (size_t)len >= size) return;
  if (isfinite(sync_s)) len += snprintf(text + len, size - (size_t)len, ", %.1f ms a flush", sync_s * 1000);
  if (isfinite(commits) && (size_t)len < size) snprintf(text + len, size - (size_t)len, ", %.0f commits/s", commits);
}

static void commit_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  out->factor = 2;
  snprintf(
      out->change, SP_DIAGNOSIS_TEXT_MAX,
      "put the write-ahead log of %s on a disk that flushes faster (local SSD in place of NFS), make fewer and larger "
      "transactions (node executions written by Celery: CORE_WORKFLOW_NODE_EXECUTION_REPOSITORY), commit_delay for "
      "commits in groups; max_wal_size larger where checkpoints are requested",
      suspect->name);
  snprintf(
      out->risk, SP_DIAGNOSIS_TEXT_MAX,
      "synchronous_commit=off would take the wait away too, and lose the transactions of the last 3 x wal_writer_delay "
      "(0.6 s) in a crash: only where that is acceptable");
}

/* -- locks -- */

static const char *const locked[] = {"Lock/*"};

static double locks_waiting(const struct sp_suspect *suspect, size_t step) {
  double waiting = sessions(suspect, locked, 1, step), blocked = sp_see(suspect, SP_SIGNAL_DB_BLOCKED, NULL, step);
  return isnan(waiting) ? blocked : fmax(waiting, sp_zero(blocked));
}

static double locks_level(const struct sp_suspect *suspect, size_t step) {
  double active = sp_see(suspect, SP_SIGNAL_DB_SESSIONS, NULL, step), waiting = locks_waiting(suspect, step);
  if (isnan(active)) return waiting >= 1 ? 1 : waiting;
  return waiting >= 1 ? sp_capped(waiting / active, 1) : sp_capped(waiting, LOCKS_FULL / 2);
}

static double locks_wait_s(const struct sp_suspect *suspect, size_t step) {
  return locks_waiting(suspect, step) / sp_rps(suspect->d, step);
}

static void locks_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  double active = sp_see(suspect, SP_SIGNAL_DB_SESSIONS, NULL, step),
         deadlocks = sp_see(suspect, SP_SIGNAL_DB_DEADLOCKS, NULL, step);
  int len = snprintf(text, size, "%.1f sessions wait for locks", locks_waiting(suspect, step));
  if (len > 0 && (size_t)len < size && isfinite(active))
    len += snprintf(text + len, size - (size_t)len, ", of %.1f active", active);
  if (len > 0 && (size_t)len < size && deadlocks > 0)
    snprintf(text + len, size - (size_t)len, "; %.2f deadlocks/s", deadlocks);
}

static void locks_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  snprintf(
      out->change, SP_DIAGNOSIS_TEXT_MAX,
      "let fewer sessions compete in %s: PgBouncer with pool_mode=transaction and a default_pool_size near twice its "
      "cores; "
      "find who blocks (pg_blocking_pids) and make that transaction shorter, without calls of a model or a tool inside",
      suspect->name);
  snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX,
           "transaction pooling has no session state: prepared statements, SET, advisory locks");
  double best = 0;
  for (size_t i = 0; i < suspect->d->count; i++) best = fmax(best, sp_zero(suspect->d->steps[i]->rps));
  out->factor =
      1.1 * best / sp_pressed(suspect->d)->rps; /* fewer at once: as much as went through before they competed */
}

/* -- statements -- */

/* The one that takes most of the time. */
static const char *top_statement(const struct sp_suspect *suspect, double *taken) {
  const struct sp_diagnosing *d = suspect->d;
  const char *top = NULL;
  *taken = (double)NAN;
  for (size_t i = d->first[SP_SIGNAL_DB_STATEMENT_TIME]; i < d->first[SP_SIGNAL_DB_STATEMENT_TIME + 1]; i++) {
    struct sp_observed_window window;
    const struct sp_observed *series = d->series[i];
    if (strcmp(series->subject, suspect->subject) != 0) continue;
    if (!sp_observed_window(d->input->observations, series, sp_pressed(d)->from_ns, sp_pressed(d)->to_ns, &window))
      continue;
    if (window.covered < SP_SEEN_SHARE || (top && window.mean <= *taken)) continue;
    top = series->detail;
    *taken = window.mean;
  }
  return top;
}

/* Seconds a second in the statement. Its text may hold what a pattern would read, so it is compared as it is. */
static double statement(const struct sp_suspect *suspect, enum sp_signal signal, size_t step) {
  const struct sp_diagnosing *d = suspect->d;
  double taken;
  const char *top = top_statement(suspect, &taken);
  struct sp_observed_window window;
  for (size_t i = d->first[signal]; top && i < d->first[signal + 1]; i++) {
    const struct sp_observed *series = d->series[i];
    if (strcmp(series->subject, suspect->subject) != 0 || strcmp(series->detail, top) != 0) continue;
    const struct sp_diagnose_step *at = d->steps[step];
    if (sp_observed_window(d->input->observations, series, at->from_ns, at->to_ns, &window) &&
        window.covered >= SP_SEEN_SHARE)
      return window.mean;
  }
  return (double)NAN;
}

static double sql_wait_s(const struct sp_suspect *suspect, size_t step) {
  return statement(suspect, SP_SIGNAL_DB_STATEMENT_TIME, step) / sp_rps(suspect->d, step);
}

static double sql_level(const struct sp_suspect *suspect, size_t step) {
  return sql_wait_s(suspect, step) / suspect->d->steps[step]->e2e_s;
}

static double sql_call_s(const struct sp_suspect *suspect, size_t step) {
  return statement(suspect, SP_SIGNAL_DB_STATEMENT_TIME, step) / statement(suspect, SP_SIGNAL_DB_STATEMENT_CALLS, step);
}

static bool sql_saturated(const struct sp_suspect *suspect, enum sp_signal *shown, char *text, size_t size) {
  (void)shown;
  char took[40];
  double call_s = sql_call_s(suspect, suspect->d->pressed);
  if (!(call_s >= SQL_SLOW_S)) return false;
  snprintf(text, size, "a call of it takes %s", sp_seconds_text(call_s, took, sizeof(took)));
  return true;
}

static void sql_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  double taken;
  char took[40];
  const char *top = top_statement(suspect, &taken);
  snprintf(text, size, "its top statement takes %s a request (%.0f %% of the answer): %.160s",
           sp_seconds_text(suspect->wait_s[step], took, sizeof(took)), suspect->level[step] * 100, top ? top : "");
}

static void sql_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  double taken;
  const char *top = top_statement(suspect, &taken);
  out->factor = 2;
  snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
           "EXPLAIN (ANALYZE, BUFFERS) this statement of %s: an index, fewer rows, or fewer calls: %.200s",
           suspect->name, top ? top : "");
  snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX, "CREATE INDEX locks the table against writes; CONCURRENTLY does not");
}

/* -- connections -- */

static double connections_level(const struct sp_suspect *suspect, size_t step) {
  return sp_see(suspect, SP_SIGNAL_DB_CONNECTIONS, NULL, step) / sp_see_last(suspect, SP_SIGNAL_DB_CONNECTIONS_LIMIT);
}

static void connections_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  snprintf(text, size, "%.0f connections of %.0f allowed (%.0f %%)",
           sp_see(suspect, SP_SIGNAL_DB_CONNECTIONS, NULL, step), sp_see_last(suspect, SP_SIGNAL_DB_CONNECTIONS_LIMIT),
           suspect->level[step] * 100);
}

static void connections_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  double limit = sp_see_last(suspect, SP_SIGNAL_DB_CONNECTIONS_LIMIT),
         pool = sp_see_setting(suspect, "SQLALCHEMY_POOL_SIZE"),
         workers = sp_see_setting(suspect, "SERVER_WORKER_AMOUNT");
  out->factor = 2;
  snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
           "put PgBouncer in front of %s (pool_mode=transaction), or bring together (SERVER_WORKER_AMOUNT %.0f x "
           "instances + "
           "Celery) x (SQLALCHEMY_POOL_SIZE %.0f + SQLALCHEMY_MAX_OVERFLOW) + the plugin daemon's DB_MAX_OPEN_CONNS <= "
           "max_connections %.0f",
           suspect->name, isfinite(workers) ? workers : 1, isfinite(pool) ? pool : 30, sp_zero(limit));
  snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX,
           "max_connections restarts the database, and each connection takes memory (work_mem)");
}

/* -- the pool before it: every connection that is open is at work -- */

static double held(const struct sp_suspect *suspect, size_t step) {
  return sp_see(suspect, SP_SIGNAL_DB_SESSIONS, NULL, step) +
         sp_zero(sp_see(suspect, SP_SIGNAL_DB_IDLE_IN_TRANSACTION, NULL, step));
}

/* Where a pooler was watched, its own figures are better. */
static bool nobody_pools(const struct sp_suspect *suspect) {
  const struct sp_diagnosing *d = suspect->d;
  for (size_t i = d->first[SP_SIGNAL_SLOTS_WAITING]; i < d->first[SP_SIGNAL_SLOTS_WAITING + 1]; i++)
    if (sp_subject_kind(d->series[i]->subject) == SP_SUBJECT_POOLER) return false;
  return true;
}

static double pool_level(const struct sp_suspect *suspect, size_t step) {
  double open = sp_see(suspect, SP_SIGNAL_DB_CONNECTIONS, NULL, step);
  if (connections_level(suspect, step) >= CONNECTIONS_FULL || open < 2)
    return (double)NAN; /* then it is not the pool's size */
  return held(suspect, step) / open;
}

static void pool_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  snprintf(text, size, "%.1f of %.0f open connections at work (%.0f %%), %.0f allowed", held(suspect, step),
           sp_see(suspect, SP_SIGNAL_DB_CONNECTIONS, NULL, step), suspect->level[step] * 100,
           sp_see_last(suspect, SP_SIGNAL_DB_CONNECTIONS_LIMIT));
}

static void pool_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  double open = sp_see(suspect, SP_SIGNAL_DB_CONNECTIONS, NULL, suspect->d->pressed),
         limit = sp_see_last(suspect, SP_SIGNAL_DB_CONNECTIONS_LIMIT);
  out->factor = limit > 0 ? fmin(2, limit * POOL_FULL / open) : 2;
  snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
           "raise SQLALCHEMY_POOL_SIZE (with PgBouncer: default_pool_size) so that %.0f connections are open in place "
           "of %.0f; "
           "(workers x instances + Celery) x (pool + SQLALCHEMY_MAX_OVERFLOW) must stay within max_connections%s",
           open * out->factor, open, isfinite(limit) ? "" : " (not seen)");
  snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX, "restarts dify-api and dify-worker");
}

/* -- transactions in which nothing happens -- */

static double idle_places(const struct sp_suspect *suspect, size_t step) {
  double pooled = sp_see_of(suspect->d, SP_SIGNAL_SLOTS_LIMIT, "pgbouncer", NULL, step);
  return isfinite(pooled) ? pooled : sp_see(suspect, SP_SIGNAL_DB_CONNECTIONS, NULL, step);
}

static double idle_level(const struct sp_suspect *suspect, size_t step) {
  double idle = sp_see(suspect, SP_SIGNAL_DB_IDLE_IN_TRANSACTION, NULL, step);
  return idle < IDLE_LEAST ? 0 : sp_capped(idle / idle_places(suspect, step), 1);
}

/* What waits at the pools meanwhile. */
static double idle_wait_s(const struct sp_suspect *suspect, size_t step) {
  const struct sp_diagnosing *d = suspect->d;
  double waiting = (double)NAN;
  for (size_t i = d->first[SP_SIGNAL_SLOTS_WAITING]; i < d->first[SP_SIGNAL_SLOTS_WAITING + 1]; i++) {
    const char *subject = d->series[i]->subject;
    if (sp_subject_kind(subject) == SP_SUBJECT_POOLER)
      waiting = sp_see_of(d, SP_SIGNAL_SLOTS_WAITING, subject, NULL, step);
  }
  return waiting / sp_rps(d, step);
}

static void idle_figure(const struct sp_suspect *suspect, size_t step, char *text, size_t size) {
  char oldest[40];
  double age_s = sp_see(suspect, SP_SIGNAL_DB_LONGEST_TRANSACTION, NULL, step);
  int len = snprintf(text, size, "%.1f sessions hold a transaction and do nothing",
                     sp_see(suspect, SP_SIGNAL_DB_IDLE_IN_TRANSACTION, NULL, step));
  if (isfinite(age_s) && len > 0 && (size_t)len < size)
    snprintf(text + len, size - (size_t)len, ", the oldest for %s", sp_seconds_text(age_s, oldest, sizeof(oldest)));
}

static void idle_advise(const struct sp_suspect *suspect, struct sp_advice *out) {
  snprintf(out->change, SP_DIAGNOSIS_TEXT_MAX,
           "end transactions before calls of a model or a tool (newer Dify does), and bound the rest: "
           "idle_in_transaction_session_timeout in %s, SQLALCHEMY_POOL_TIMEOUT in the api. A larger pool only holds "
           "more of them",
           suspect->name);
  snprintf(out->risk, SP_DIAGNOSIS_TEXT_MAX, "the timeout cuts transactions that are slow for a reason");
  out->factor = 1.5;
}

static const struct sp_rule rules[] = {
    {.resource = "commit",
     .anchors = {SP_SIGNAL_DB_SESSIONS, SP_SIGNAL_DB_WAL_SYNC_TIME},
     .anchor_count = 2,
     .full = COMMIT_FULL,
     .scales = true,
     .unmeasured = true,
     .level = commit_level,
     .wait_s = commit_wait_s,
     .figure = commit_figure,
     .shown = SP_SIGNAL_DB_SESSIONS,
     .queue_shown = SP_SIGNAL_DB_SESSIONS,
     .waits = {"waiting for ", "'s commits"},
     .advise = commit_advise},
    {.resource = "locks",
     .anchors = {SP_SIGNAL_DB_SESSIONS, SP_SIGNAL_DB_BLOCKED},
     .anchor_count = 2,
     .full = LOCKS_FULL,
     .holds = true,
     .level = locks_level,
     .wait_s = locks_wait_s,
     .figure = locks_figure,
     .shown = SP_SIGNAL_DB_SESSIONS,
     .queue_shown = SP_SIGNAL_DB_SESSIONS,
     .waits = {"waiting for locks in ", ""},
     .needles = {"deadlock detected", "lock timeout", "could not serialize"},
     .advise = locks_advise},
    {.resource = "idle_in_transaction",
     .anchors = {SP_SIGNAL_DB_IDLE_IN_TRANSACTION},
     .anchor_count = 1,
     .full = IDLE_FULL,
     .holds = true,
     .level = idle_level,
     .wait_s = idle_wait_s,
     .figure = idle_figure,
     .shown = SP_SIGNAL_DB_IDLE_IN_TRANSACTION,
     .queue_shown = SP_SIGNAL_SLOTS_WAITING,
     .waits = {"waiting for connections that idle transactions hold in ", ""},
     .advise = idle_advise},
    {.resource = "connections",
     .anchors = {SP_SIGNAL_DB_CONNECTIONS},
     .anchor_count = 1,
     .full = CONNECTIONS_FULL,
     .needs_queue = true,
     .level = connections_level,
     .figure = connections_figure,
     .shown = SP_SIGNAL_DB_CONNECTIONS,
     .queue_shown = SP_SIGNAL_DB_CONNECTIONS,
     .waits = {"refused or waiting for a connection of ", ""},
     .needles = {"too many clients already", "remaining connection slots", "too many connections", "max_client_conn"},
     .stand_in = "postgres",
     .advise = connections_advise},
    {.resource = "pool",
     .place = SP_PLACE_POOL,
     .anchors = {SP_SIGNAL_DB_CONNECTIONS},
     .anchor_count = 1,
     .fits = nobody_pools,
     .full = POOL_FULL,
     .unmeasured = true,
     .level = pool_level,
     .figure = pool_figure,
     .shown = SP_SIGNAL_DB_CONNECTIONS,
     .queue_shown = SP_SIGNAL_DB_SESSIONS,
     .waits = {"waiting for a connection of the pool before ", ""},
     .needles = {"queuepool limit", "query_wait_timeout", "connection pool exhausted"},
     .stand_in = "database",
     .advise = pool_advise},
    {.resource = "sql",
     .place = SP_PLACE_SQL,
     .anchors = {SP_SIGNAL_DB_STATEMENT_TIME},
     .anchor_count = 1,
     .full = SQL_FULL,
     .share = true,
     .own_load = true,
     .level = sql_level,
     .wait_s = sql_wait_s,
     .saturated = sql_saturated,
     .figure = sql_figure,
     .shown = SP_SIGNAL_DB_STATEMENT_TIME,
     .queue_shown = SP_SIGNAL_DB_STATEMENT_CALLS,
     .waits = {"one statement of ", ""},
     .advise = sql_advise},
};
const struct sp_rules sp_rules_database = {rules, COUNT(rules)};
