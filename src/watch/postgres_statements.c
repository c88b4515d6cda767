#include "watch/postgres.h"

#include "base/mem.h"
#include "watch/sql_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define STATEMENTS_MAX 10000u /* known by number; pg_stat_statements.max is 5000 by itself */
#define SHOWN_MAX 40u         /* with series of their own */
#define TOP 10                /* a look's most expensive ones, which get them */
#define SQL_SIZE 1000u

struct amount {
  double time_ms, calls;
};

struct shown { /* statements whose texts are the same are one */
  struct amount now, earlier; /* of the look under way; of the looks before it, since the connection's first */
  bool told;
};

struct statement {
  struct amount total; /* at the last look */
  struct amount now, earlier;
  struct shown *shown; /* NULL: not among the top so far */
  bool ours;
};

void sp_pg_statements_init(struct sp_pg_statements *statements) {
  sp_map_init(&statements->statements);
  sp_map_init(&statements->shown);
}

void sp_pg_statements_fini(struct sp_pg_statements *statements) {
  for (size_t i = 0; i < statements->statements.count; i++) free(statements->statements.entries[i].value);
  for (size_t i = 0; i < statements->shown.count; i++) free(statements->shown.entries[i].value);
  sp_map_fini(&statements->statements);
  sp_map_fini(&statements->shown);
  free(statements->schema);
}

#define FIND "SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace " \
             "WHERE e.extname = 'pg_stat_statements'"

int sp_pg_statements_probe(struct sp_postgres *postgres, struct sp_watch_sink *sink, struct sp_err *err) {
  struct sp_pg_statements *statements = &postgres->statements;
  PGresult *rows = sp_postgres_ask(postgres, sink, FIND, err);
  if (!rows) return err->code;
  free(statements->schema);
  statements->schema = PQntuples(rows) ? sp_strdup(PQgetvalue(rows, 0, 0)) : NULL;
  statements->refused = false;
  statements->since_ns = 0;
  PQclear(rows);
  if (!statements->schema) {
    sp_watch_cannot(sink, "statements by their time: pg_stat_statements is not installed in the database %s",
                    sp_pg_dbname(postgres->pg));
  }
  return 0;
}

/* -- a look -- */

static const char *time_column(const struct sp_postgres *postgres) {
  return sp_pg_version(postgres->pg) >= 130000 ? "total_exec_time" : "total_time";
}

static void write_totals(const struct sp_postgres *postgres, char *sql) {
  snprintf(sql, SQL_SIZE, "SELECT queryid, sum(calls), sum(%s) FROM %s.pg_stat_statements(false) WHERE queryid IS NOT NULL "
           "GROUP BY queryid ORDER BY 3 DESC LIMIT %u", time_column(postgres), postgres->statements.schema, STATEMENTS_MAX);
}

static struct statement *statement_of(struct sp_pg_statements *statements, const char *id) {
  struct statement *statement = sp_map_get(&statements->statements, sp_str_from(id));
  if (statement || statements->statements.count == STATEMENTS_MAX) return statement;
  statement = sp_alloc(sizeof(*statement));
  *sp_map_put(&statements->statements, sp_str_from(id)) = statement;
  return statement;
}

/* What was not there at the last look began after it; a total that went back did too. */
static double since(double total, double before) { return total >= before ? total - before : total; }

static void put(struct amount *sum, const struct amount *more) {
  sum->time_ms += more->time_ms;
  sum->calls += more->calls;
}

/* The first look of a connection only finds the totals. */
static void turn(struct sp_pg_statements *statements) {
  bool first = statements->since_ns == 0;
  for (size_t i = 0; i < statements->statements.count; i++) {
    struct statement *statement = statements->statements.entries[i].value;
    put(&statement->earlier, &statement->now);
    if (first || statements->since_ns == statements->begin_ns) statement->earlier = (struct amount){.calls = 0};
    statement->now = (struct amount){.calls = 0};
  }
}

static void take_totals(struct sp_pg_statements *statements, const PGresult *rows) {
  turn(statements);
  for (int row = 0; row < PQntuples(rows); row++) {
    struct statement *statement = statement_of(statements, PQgetvalue(rows, row, 0));
    double calls = sp_pg_number(rows, row, 1), time_ms = sp_pg_number(rows, row, 2);
    if (!statement || isnan(calls) || isnan(time_ms)) continue;
    statement->now = (struct amount){.time_ms = since(time_ms, statement->total.time_ms),
                                     .calls = since(calls, statement->total.calls)};
    statement->total = (struct amount){.time_ms = time_ms, .calls = calls};
  }
}

/* -- the top ones get their texts -- */

static int by_time(const void *a, const void *b) {
  const struct statement *left = (*(struct sp_map_entry *const *)a)->value, *right = (*(struct sp_map_entry *const *)b)->value;
  return (left->now.time_ms < right->now.time_ms) - (left->now.time_ms > right->now.time_ms);
}

/* Appends the ids of the top ones that have no text yet; false: all have. */
static bool write_wanted(struct sp_pg_statements *statements, char *ids, size_t size) {
  size_t count = statements->statements.count, len = 0;
  struct sp_map_entry **order = sp_alloc_array(count ? count : 1, sizeof(struct sp_map_entry *));
  for (size_t i = 0; i < count; i++) order[i] = &statements->statements.entries[i];
  qsort(order, count, sizeof(struct sp_map_entry *), by_time);
  for (size_t i = 0; i < count && i < TOP; i++) {
    const struct statement *statement = order[i]->value;
    if (statement->now.time_ms <= 0 || statement->shown || statement->ours) continue;
    int written = snprintf(ids + len, size - len, "%s%lld", len ? "," : "", strtoll(order[i]->key, NULL, 10));
    if (written < 0 || (size_t)written >= size - len) break;
    len += (size_t)written;
  }
  free(order);
  ids[len] = 0;
  return len > 0;
}

static struct shown *shown_of(struct sp_pg_statements *statements, const char *sql) {
  char text[SP_OBSERVED_DETAIL_MAX + 1];
  text[sp_sql_text(text, SP_OBSERVED_DETAIL_MAX, sp_str_from(sql))] = 0;
  struct shown *shown = sp_map_get(&statements->shown, sp_str_from(text));
  if (shown || statements->shown.count == SHOWN_MAX) return shown;
  shown = sp_alloc(sizeof(*shown));
  *sp_map_put(&statements->shown, sp_str_from(text)) = shown;
  return shown;
}

static int name_top(struct sp_postgres *postgres, struct sp_watch_sink *sink, struct sp_err *err) {
  struct sp_pg_statements *statements = &postgres->statements;
  char ids[TOP * 24], sql[SQL_SIZE];
  if (statements->shown.count == SHOWN_MAX || !write_wanted(statements, ids, sizeof(ids))) return 0;
  snprintf(sql, sizeof(sql), "SELECT DISTINCT ON (queryid) queryid, left(query, 4000) FROM %s.pg_stat_statements WHERE queryid IN (%s)",
           statements->schema, ids);
  PGresult *rows = sp_postgres_ask(postgres, sink, sql, err);
  if (!rows) return err->code;
  for (int row = 0; row < PQntuples(rows); row++) {
    struct statement *statement = sp_map_get(&statements->statements, sp_str_from(PQgetvalue(rows, row, 0)));
    const char *query = PQgetvalue(rows, row, 1);
    if (!statement) continue;
    statement->ours = strncmp(query, SP_PG_MARK, strlen(SP_PG_MARK)) == 0;
    if (!statement->ours) statement->shown = shown_of(statements, query);
  }
  PQclear(rows);
  return 0;
}

static void add_amount(const struct sp_postgres *postgres, struct sp_watch_sink *sink, const char *text, const char *sql,
                       int64_t at_ns, int64_t span_ns, const struct amount *amount) {
  const struct sp_observed_key time = sp_postgres_key(postgres, SP_SIGNAL_DB_STATEMENT_TIME, text, sql);
  const struct sp_observed_key calls = sp_postgres_key(postgres, SP_SIGNAL_DB_STATEMENT_CALLS, text, sql);
  double seconds = (double)span_ns / (double)SP_NS_PER_S;
  if (span_ns <= 0) return;
  sp_watch_gauge(sink, &time, at_ns, span_ns, amount->time_ms / 1000 / seconds);
  sp_watch_gauge(sink, &calls, at_ns, span_ns, amount->calls / seconds);
}

static void sum_up(struct sp_pg_statements *statements) {
  for (size_t i = 0; i < statements->statements.count; i++) {
    const struct statement *statement = statements->statements.entries[i].value;
    if (!statement->shown) continue;
    put(&statement->shown->now, &statement->now);
    put(&statement->shown->earlier, &statement->earlier);
  }
}

/* One that comes among the top late brings what it had before, as one point, so that its mean over a run is true. */
static void add(struct sp_postgres *postgres, struct sp_watch_sink *sink, int64_t now_ns, const char *sql) {
  struct sp_pg_statements *statements = &postgres->statements;
  sum_up(statements);
  for (size_t i = 0; i < statements->shown.count; i++) {
    struct shown *shown = statements->shown.entries[i].value;
    const char *text = statements->shown.entries[i].key;
    int64_t since_ns = statements->since_ns;
    if (!shown->told) add_amount(postgres, sink, text, sql, since_ns, since_ns - statements->begin_ns, &shown->earlier);
    add_amount(postgres, sink, text, sql, now_ns, now_ns - since_ns, &shown->now);
    *shown = (struct shown){.told = true};
  }
}

int sp_pg_statements_look(struct sp_postgres *postgres, struct sp_watch_sink *sink, struct sp_err *err) {
  struct sp_pg_statements *statements = &postgres->statements;
  char sql[SQL_SIZE];
  if (!statements->schema || statements->refused) return 0;
  write_totals(postgres, sql);
  PGresult *rows = sp_postgres_ask(postgres, sink, sql, err);
  if (!rows && err->code == SP_EPARSE) { /* installed, and not in shared_preload_libraries */
    statements->refused = true;
    sp_watch_cannot(sink, "statements by their time: %s", err->text);
    return 0;
  }
  if (!rows) return err->code;
  int64_t now_ns = sp_clock_real_ns();
  take_totals(statements, rows);
  PQclear(rows);
  if (statements->since_ns && now_ns > statements->since_ns) {
    if (name_top(postgres, sink, err)) return err->code;
    add(postgres, sink, now_ns, sql);
  }
  if (!statements->since_ns) statements->begin_ns = now_ns;
  statements->since_ns = now_ns;
  return 0;
}
