#include "watch/postgres.h"

#include "base/mem.h"
#include "watch/sql_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define WAITS_MAX 200u /* PostgreSQL 17 names 280 wait events; a run meets a dozen */
#define CHAINS_MAX 10u
#define CHAIN_TEXT_MAX 110u /* of a statement; two stand in a sight */

/* Of what a role may not see, state and backend_type are null; who has a database and a user is a client then. */
#define CLIENTS "(backend_type = 'client backend' OR (backend_type IS NULL AND datid IS NOT NULL AND usesysid IS NOT NULL))"
/* A row for each kind of wait and state; xact_start is null outside of a transaction. */
#define SESSIONS                                                                                                            \
  "SELECT coalesce(wait_event_type || '/' || wait_event, 'CPU'), state, count(*), "                                         \
  "max(extract(epoch FROM clock_timestamp() - xact_start)) FROM pg_stat_activity "                                          \
  "WHERE " CLIENTS " AND pid <> pg_backend_pid() GROUP BY 1, 2"
#define CONNECTIONS "SELECT count(*) FROM pg_stat_activity WHERE " CLIENTS
/* Only who waits for a lock is asked about: pg_blocking_pids stops the lock manager for a moment. */
#define CHAINS                                                                                                              \
  "SELECT w.query, b.query, b.state, count(*) FROM pg_stat_activity w "                                                     \
  "CROSS JOIN LATERAL unnest(pg_blocking_pids(w.pid)) AS pids(pid) JOIN pg_stat_activity b ON b.pid = pids.pid "            \
  "WHERE w.wait_event_type = 'Lock' AND b.wait_event_type IS DISTINCT FROM 'Lock' "                                         \
  "GROUP BY 1, 2, 3 ORDER BY 4 DESC LIMIT 5"

struct wait {
  double seen; /* sessions, summed over samples */
  bool told;
};

void sp_pg_sessions_init(struct sp_pg_sessions *sessions) {
  sp_map_init(&sessions->waits);
  sp_map_init(&sessions->chains);
}

void sp_pg_sessions_fini(struct sp_pg_sessions *sessions) {
  for (size_t i = 0; i < sessions->waits.count; i++) free(sessions->waits.entries[i].value);
  sp_map_fini(&sessions->waits);
  sp_map_fini(&sessions->chains);
}

/* -- looks -- */

static void clear(struct sp_pg_sessions *sessions, int64_t now_ns) {
  for (size_t i = 0; i < sessions->waits.count; i++) ((struct wait *)sessions->waits.entries[i].value)->seen = 0;
  sessions->samples = sessions->visible_samples = 0;
  sessions->connections = sessions->idle = sessions->blocked = sessions->longest_s = 0;
  sessions->since_ns = now_ns;
}

void sp_pg_sessions_begin(struct sp_postgres *postgres) {
  clear(&postgres->sessions, sp_clock_real_ns());
  postgres->sessions.begin_ns = postgres->sessions.since_ns;
}

static void count_wait(struct sp_pg_sessions *sessions, const char *event, double count) {
  struct wait *wait = sp_map_get(&sessions->waits, sp_str_from(event));
  if (!wait && sessions->waits.count == WAITS_MAX) return;
  if (!wait) *sp_map_put(&sessions->waits, sp_str_from(event)) = wait = sp_alloc(sizeof(*wait));
  wait->seen += count;
  if (strncmp(event, "Lock/", 5) == 0) sessions->blocked += count;
}

static bool is_active(const char *state) { return strcmp(state, "active") == 0 || strcmp(state, "fastpath function call") == 0; }

/* Did this look see what at least one session does, or that there is none? */
static bool count_rows(struct sp_pg_sessions *sessions, const PGresult *rows) {
  bool visible = false, hidden = false;
  for (int row = 0; row < PQntuples(rows); row++) {
    const char *state = PQgetvalue(rows, row, 1);
    double count = sp_pg_number(rows, row, 2);
    sessions->connections += count;
    if (PQgetisnull(rows, row, 1)) hidden = true;
    else visible = true;
    if (is_active(state)) count_wait(sessions, PQgetvalue(rows, row, 0), count);
    if (strncmp(state, "idle in transaction", 19) == 0) sessions->idle += count;
    sessions->longest_s = fmax(sessions->longest_s, sp_pg_number(rows, row, 3)); /* fmax passes over NAN */
  }
  sessions->connections += 1; /* the watcher's own takes a place as well */
  return visible || !hidden;
}

int sp_pg_sessions_look(struct sp_postgres *postgres, struct sp_watch_sink *sink, struct sp_err *err) {
  PGresult *rows = sp_postgres_ask(postgres, sink, SESSIONS, err);
  if (!rows) return err->code;
  postgres->sessions.samples++;
  postgres->sessions.visible_samples += count_rows(&postgres->sessions, rows);
  PQclear(rows);
  return 0;
}

/* -- what the looks come to -- */

static int say_chains(struct sp_postgres *postgres, struct sp_watch_sink *sink, struct sp_err *err) {
  struct sp_map *said = &postgres->sessions.chains;
  if (said->count == CHAINS_MAX) return 0;
  PGresult *rows = sp_postgres_ask(postgres, sink, CHAINS, err);
  if (!rows) return err->code;
  for (int row = 0; row < PQntuples(rows) && said->count < CHAINS_MAX; row++) {
    char waiter[CHAIN_TEXT_MAX + 1], blocker[CHAIN_TEXT_MAX + 1], chain[2 * CHAIN_TEXT_MAX + 100];
    waiter[sp_sql_text(waiter, CHAIN_TEXT_MAX, sp_str_from(PQgetvalue(rows, row, 0)))] = 0;
    blocker[sp_sql_text(blocker, CHAIN_TEXT_MAX, sp_str_from(PQgetvalue(rows, row, 1)))] = 0;
    snprintf(chain, sizeof(chain), "%s, held by a session that is %s, its last statement: %s", waiter, PQgetvalue(rows, row, 2), blocker);
    if (sp_map_get(said, sp_str_from(chain))) continue;
    *sp_map_put(said, sp_str_from(chain)) = postgres;
    sp_watch_can(sink, "who waits for a lock: %s", chain);
    sp_watch_note(sink, "waits for a lock: %s", chain);
  }
  PQclear(rows);
  return 0;
}

static void add(const struct sp_postgres *postgres, struct sp_watch_sink *sink, enum sp_signal signal, int64_t now_ns,
                double value) {
  const char *query = signal == SP_SIGNAL_DB_CONNECTIONS ? CONNECTIONS : SESSIONS;
  const struct sp_observed_key key = sp_postgres_key(postgres, signal, "", query);
  sp_watch_gauge(sink, &key, now_ns, now_ns - postgres->sessions.since_ns, value);
}

/* A wait that was seen once is told of for ever after and back to the beginning, with 0 where there is none, so that its mean
 * over a run is true. */
static void add_wait(const struct sp_postgres *postgres, struct sp_watch_sink *sink, const char *event, struct wait *wait,
                     int64_t now_ns) {
  const struct sp_pg_sessions *sessions = &postgres->sessions;
  const struct sp_observed_key key = sp_postgres_key(postgres, SP_SIGNAL_DB_SESSIONS, event, SESSIONS);
  if (!wait->told && sessions->since_ns > sessions->begin_ns) {
    sp_watch_gauge(sink, &key, sessions->since_ns, sessions->since_ns - sessions->begin_ns, 0);
  }
  wait->told = true;
  sp_watch_gauge(sink, &key, now_ns, now_ns - sessions->since_ns, wait->seen / sessions->visible_samples);
}

static void add_seen(const struct sp_postgres *postgres, struct sp_watch_sink *sink, int64_t now_ns) {
  const struct sp_pg_sessions *sessions = &postgres->sessions;
  double samples = sessions->visible_samples;
  for (size_t i = 0; i < sessions->waits.count; i++) {
    add_wait(postgres, sink, sessions->waits.entries[i].key, sessions->waits.entries[i].value, now_ns);
  }
  add(postgres, sink, SP_SIGNAL_DB_IDLE_IN_TRANSACTION, now_ns, sessions->idle / samples);
  add(postgres, sink, SP_SIGNAL_DB_BLOCKED, now_ns, sessions->blocked / samples);
  add(postgres, sink, SP_SIGNAL_DB_LONGEST_TRANSACTION, now_ns, sessions->longest_s);
}

int sp_pg_sessions_flush(struct sp_postgres *postgres, struct sp_watch_sink *sink, struct sp_err *err) {
  struct sp_pg_sessions *sessions = &postgres->sessions;
  int64_t now_ns = sp_clock_real_ns();
  bool blocked = sessions->blocked > 0;
  if (sessions->samples == 0 || now_ns <= sessions->since_ns) return 0;
  add(postgres, sink, SP_SIGNAL_DB_CONNECTIONS, now_ns, sessions->connections / sessions->samples);
  if (sessions->visible_samples) add_seen(postgres, sink, now_ns);
  clear(sessions, now_ns);
  return blocked ? say_chains(postgres, sink, err) : 0;
}
