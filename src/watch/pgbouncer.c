/*
 * The watcher `pgbouncer`: its admin console, a database like any other that only knows SHOW. Pools are told a database each (the
 * detail), those of its users together; places are server connections. Times come from totals by deltas: PgBouncer's own averages
 * are of the last whole minute.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "watch/kinds.h"
#include "watch/pg.h"
#include "watch/rates.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define CONSOLE "pgbouncer"
#define POOLS_MAX 100u /* databases */
#define COUNTER_MAX 400u
#define LOOK_NS (250 * SP_NS_PER_MS) /* who waits is a state at a moment: more of them are nearer to the mean */

static const struct sp_pg_target target = {
    .kind = "pgbouncer", .form = "postgresql://user@host:6432/" CONSOLE, .dbname = CONSOLE};

struct pool { /* of a database */
  double clients, used, active, waiting, max_wait_s, users; /* of the look under way */
  double limit_each, limit_all; /* servers for a user, and for all users (0: no such limit) */
  bool by_session;
};

struct pgbouncer {
  struct sp_pg *pg;
  char *subject, *clients; /* clients: whose places max_client_conn bounds, a subject of its own */
  struct sp_rates rates;
  struct sp_map pools; /* database -> struct pool */
  double max_clients;
  int64_t pools_at_ns; /* of the last look */
};

static int open_pgbouncer(const struct sp_watch_spec *spec, void **watcher, char **source, struct sp_err *err) {
  struct sp_pg *pg;
  if (sp_pg_open(&target, spec, &pg, source, err)) return err->code;
  struct pgbouncer *pgbouncer = sp_alloc(sizeof(*pgbouncer));
  const char *subject = spec->subject ? spec->subject : "pgbouncer";
  struct sp_buf clients;
  sp_buf_init(&clients, SP_OBSERVED_SUBJECT_MAX);
  if (sp_buf_printf(&clients, "%s clients", subject)) sp_buf_append_text(&clients, "clients");
  *pgbouncer = (struct pgbouncer){.pg = pg, .subject = sp_strdup(subject), .clients = sp_buf_take(&clients)};
  sp_rates_init(&pgbouncer->rates);
  sp_map_init(&pgbouncer->pools);
  *watcher = pgbouncer;
  return 0;
}

static void close_pgbouncer(void *watcher) {
  struct pgbouncer *pgbouncer = watcher;
  for (size_t i = 0; i < pgbouncer->pools.count; i++) free(pgbouncer->pools.entries[i].value);
  sp_map_fini(&pgbouncer->pools);
  sp_rates_fini(&pgbouncer->rates);
  sp_pg_close(pgbouncer->pg);
  free(pgbouncer->subject);
  free(pgbouncer->clients);
  free(pgbouncer);
}

/* -- settings -- */

static void take_setting(struct pgbouncer *pgbouncer, struct sp_watch_sink *sink, const char *key, const char *value) {
  static const char *const told[] = {
      "pool_mode", "default_pool_size", "min_pool_size", "reserve_pool_size", "reserve_pool_timeout", "max_client_conn",
      "max_db_connections", "max_user_connections", "query_wait_timeout", "query_timeout", "idle_transaction_timeout",
      "server_idle_timeout", "server_lifetime", "server_reset_query", "listen_backlog", "so_reuseport"};
  for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
    if (strcmp(told[i], key) == 0) sp_observations_setting(sink->observations, pgbouncer->subject, key, value);
  }
  if (strcmp(key, "max_client_conn") == 0) pgbouncer->max_clients = strtod(value, NULL);
}

static int take_settings(struct pgbouncer *pgbouncer, struct sp_watch_sink *sink, struct sp_err *err) {
  PGresult *rows = sp_pg_ask(pgbouncer->pg, sink, "SHOW CONFIG", err);
  if (!rows) return err->code;
  for (int row = 0; row < PQntuples(rows); row++) {
    take_setting(pgbouncer, sink, sp_pg_text_of(rows, row, "key"), sp_pg_text_of(rows, row, "value"));
  }
  PQclear(rows);
  return 0;
}

static int probe(void *watcher, struct sp_watch_sink *sink, struct sp_err *err) {
  struct pgbouncer *pgbouncer = watcher;
  if (sp_pg_connect(pgbouncer->pg, sink, err)) return err->code;
  if (strcmp(sp_pg_dbname(pgbouncer->pg), CONSOLE) != 0) {
    return sp_fail(err, SP_EIO, "the database '%s' is not PgBouncer's console: write %s", sp_pg_dbname(pgbouncer->pg), target.form);
  }
  sp_rates_fini(&pgbouncer->rates);
  sp_rates_init(&pgbouncer->rates);
  pgbouncer->pools_at_ns = sp_clock_real_ns();
  if (take_settings(pgbouncer, sink, err)) return err->code;
  sp_watch_can(sink, "pools, who waits for a connection and for how long");
  return 0;
}

/* -- SHOW DATABASES, SHOW POOLS -- */

static struct pool *pool_of(struct pgbouncer *pgbouncer, const char *database) {
  struct pool *pool = sp_map_get(&pgbouncer->pools, sp_str_from(database));
  if (pool || pgbouncer->pools.count == POOLS_MAX || strcmp(database, CONSOLE) == 0) return pool;
  pool = sp_alloc(sizeof(*pool));
  *sp_map_put(&pgbouncer->pools, sp_str_from(database)) = pool;
  return pool;
}

static int take_databases(struct pgbouncer *pgbouncer, struct sp_watch_sink *sink, struct sp_err *err) {
  PGresult *rows = sp_pg_ask(pgbouncer->pg, sink, "SHOW DATABASES", err);
  if (!rows) return err->code;
  for (int row = 0; row < PQntuples(rows); row++) {
    struct pool *pool = pool_of(pgbouncer, sp_pg_text_of(rows, row, "name"));
    if (!pool) continue;
    double reserve = sp_pg_number_of(rows, row, "reserve_pool"), all = sp_pg_number_of(rows, row, "max_connections");
    *pool = (struct pool){.limit_each = sp_pg_number_of(rows, row, "pool_size") + (isnan(reserve) ? 0 : reserve),
                          .limit_all = isnan(all) ? 0 : all};
  }
  PQclear(rows);
  return 0;
}

/* What a column says, or nothing where this version has none. */
static double some(const PGresult *rows, int row, const char *column) {
  double value = sp_pg_number_of(rows, row, column);
  return isnan(value) ? 0 : value;
}

static void count_pool(struct pool *pool, const PGresult *rows, int row) {
  double waiting = some(rows, row, "cl_waiting"), active = some(rows, row, "sv_active");
  double max_wait_s = some(rows, row, "maxwait") + some(rows, row, "maxwait_us") / 1e6;
  pool->users++;
  pool->waiting += waiting;
  pool->clients += some(rows, row, "cl_active") + waiting;
  pool->active += active;
  /* PgBouncer hands servers to who waits once a turn of its loop: until then they are idle, and taken all the same. */
  double promised = fmin(waiting, some(rows, row, "sv_idle") + some(rows, row, "sv_used"));
  pool->used += active + some(rows, row, "sv_login") + some(rows, row, "sv_tested") + promised;
  pool->max_wait_s = fmax(pool->max_wait_s, max_wait_s);
  pool->by_session = strcmp(sp_pg_text_of(rows, row, "pool_mode"), "session") == 0;
}

static void add(const struct pgbouncer *pgbouncer, struct sp_watch_sink *sink, enum sp_signal signal, const char *subject,
                const char *detail, int64_t now_ns, double value) {
  const struct sp_observed_key key = {.signal = signal, .subject = subject, .detail = detail, .query = "SHOW POOLS"};
  sp_watch_gauge(sink, &key, now_ns, now_ns - pgbouncer->pools_at_ns, value);
}

static void add_pool(const struct pgbouncer *pgbouncer, struct sp_watch_sink *sink, const char *database,
                     const struct pool *pool, int64_t now_ns) {
  double limit = pool->limit_each * pool->users;
  if (pool->limit_all > 0 && limit > pool->limit_all) limit = pool->limit_all;
  add(pgbouncer, sink, SP_SIGNAL_SLOTS_USED, pgbouncer->subject, database, now_ns, pool->used);
  add(pgbouncer, sink, SP_SIGNAL_SLOTS_LIMIT, pgbouncer->subject, database, now_ns, limit);
  add(pgbouncer, sink, SP_SIGNAL_SLOTS_WAITING, pgbouncer->subject, database, now_ns, pool->waiting);
  add(pgbouncer, sink, SP_SIGNAL_SLOTS_MAX_WAIT, pgbouncer->subject, database, now_ns, pool->max_wait_s);
}

static int take_pools(struct pgbouncer *pgbouncer, struct sp_watch_sink *sink, struct sp_err *err) {
  double clients = 0;
  PGresult *rows = sp_pg_ask(pgbouncer->pg, sink, "SHOW POOLS", err);
  if (!rows) return err->code;
  for (int row = 0; row < PQntuples(rows); row++) {
    struct pool *pool = pool_of(pgbouncer, sp_pg_text_of(rows, row, "database"));
    if (pool) count_pool(pool, rows, row);
  }
  PQclear(rows);
  int64_t now_ns = sp_clock_real_ns();
  for (size_t i = 0; i < pgbouncer->pools.count; i++) {
    const struct pool *pool = pgbouncer->pools.entries[i].value;
    if (pool->users > 0) add_pool(pgbouncer, sink, pgbouncer->pools.entries[i].key, pool, now_ns);
    clients += pool->clients;
  }
  add(pgbouncer, sink, SP_SIGNAL_SLOTS_USED, pgbouncer->clients, "", now_ns, clients);
  if (pgbouncer->max_clients > 0) add(pgbouncer, sink, SP_SIGNAL_SLOTS_LIMIT, pgbouncer->clients, "", now_ns, pgbouncer->max_clients);
  pgbouncer->pools_at_ns = now_ns;
  return 0;
}

/* -- SHOW STATS -- */

#define STATS "SHOW STATS"

struct totals { /* microseconds */
  double transactions, in_transactions, in_queries, waited;
};

/* Places that nobody works in: time in transactions without the time in queries; where a client keeps its server for the
 * session, all of the servers without those that run a query. */
static void add_idle(struct pgbouncer *pgbouncer, struct sp_watch_sink *sink, const char *database, const struct totals *totals,
                     int64_t now_ns) {
  const struct pool *pool = sp_map_get(&pgbouncer->pools, sp_str_from(database));
  struct sp_rate_step transactions, queries;
  char counter[COUNTER_MAX];
  snprintf(counter, sizeof(counter), "%s in transactions", database);
  bool both = sp_rates_step(&pgbouncer->rates, counter, now_ns, totals->in_transactions, &transactions);
  snprintf(counter, sizeof(counter), "%s in queries", database);
  both = sp_rates_step(&pgbouncer->rates, counter, now_ns, totals->in_queries, &queries) && both;
  if (!both || !pool) return;
  double span_us = (double)queries.span_ns / 1000;
  double held = pool->by_session ? pool->active : transactions.delta / span_us;
  const struct sp_observed_key key = {.signal = SP_SIGNAL_SLOTS_IDLE_HELD, .subject = pgbouncer->subject, .detail = database,
                                      .query = STATS};
  sp_watch_gauge(sink, &key, now_ns, queries.span_ns, fmax(held - queries.delta / span_us, 0));
}

static void add_totals(struct pgbouncer *pgbouncer, struct sp_watch_sink *sink, const char *database,
                       const struct totals *totals, int64_t now_ns) {
  char counter[COUNTER_MAX];
  struct sp_observed_key key = {.signal = SP_SIGNAL_SLOTS_WAIT_TIME, .subject = pgbouncer->subject, .detail = database, .query = STATS};
  snprintf(counter, sizeof(counter), "%s waited", database);
  sp_rates_add(&pgbouncer->rates, sink, &key, counter, now_ns, totals->waited, 1e-6);
  key.signal = SP_SIGNAL_CALLS_RATE;
  snprintf(counter, sizeof(counter), "%s transactions", database);
  sp_rates_add(&pgbouncer->rates, sink, &key, counter, now_ns, totals->transactions, 1);
  key.signal = SP_SIGNAL_CALLS_TIME;
  snprintf(counter, sizeof(counter), "%s time", database);
  sp_rates_add_ratio(&pgbouncer->rates, sink, &key, counter, now_ns, totals->in_transactions, totals->transactions, 1e-6);
  key.signal = SP_SIGNAL_CALLS_QUEUE_TIME;
  snprintf(counter, sizeof(counter), "%s queue time", database);
  sp_rates_add_ratio(&pgbouncer->rates, sink, &key, counter, now_ns, totals->waited, totals->transactions, 1e-6);
  add_idle(pgbouncer, sink, database, totals, now_ns);
}

static int take_stats(struct pgbouncer *pgbouncer, struct sp_watch_sink *sink, struct sp_err *err) {
  PGresult *rows = sp_pg_ask(pgbouncer->pg, sink, STATS, err);
  if (!rows) return err->code;
  int64_t now_ns = sp_clock_real_ns();
  for (int row = 0; row < PQntuples(rows); row++) {
    const char *database = sp_pg_text_of(rows, row, "database");
    const struct totals totals = {.transactions = some(rows, row, "total_xact_count"),
                                  .in_transactions = some(rows, row, "total_xact_time"),
                                  .in_queries = some(rows, row, "total_query_time"),
                                  .waited = some(rows, row, "total_wait_time")};
    if (sp_map_get(&pgbouncer->pools, sp_str_from(database))) add_totals(pgbouncer, sink, database, &totals, now_ns);
  }
  PQclear(rows);
  return 0;
}

static int sample(void *watcher, struct sp_watch_sink *sink, struct sp_err *err) {
  struct pgbouncer *pgbouncer = watcher;
  int code = take_databases(pgbouncer, sink, err);
  if (code == 0) code = take_pools(pgbouncer, sink, err);
  if (code == 0) code = take_stats(pgbouncer, sink, err);
  return code;
}

static const struct sp_watch_option options[] = {
    {"password_file", "a file whose one line is the password"},
    {NULL, NULL},
};

const struct sp_watcher_kind sp_watcher_pgbouncer = {
    .name = "pgbouncer",
    .url_form = "postgresql://user@host:6432/pgbouncer",
    .help = "PgBouncer: pools, who waits for a connection and for how long, connections held idle, settings",
    .interval_ns = LOOK_NS,
    .options = options,
    .open = open_pgbouncer,
    .probe = probe,
    .sample = sample,
    .close = close_pgbouncer,
};
