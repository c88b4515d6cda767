#include "watch/postgres.h"

#include <math.h>

enum how {
  NONE,
  GAUGE,
  RATE,
  MEAN,    /* this column's delta by the next one's: a mean time */
  COMMITS, /* a rate without the watcher's own */
};

struct figure {
  enum how how;
  enum sp_signal signal;
  double scale;
};

/* A statement of one row; its columns in the order of the figures. What moved between versions has a row for each. */
struct look {
  int from, below; /* server versions; below 0: all later ones */
  const char *what;
  const char *sql;
  struct figure figures[6];
};

static const struct look looks[] = {
    {100000, 0, "the transactions of its databases",
     "SELECT sum(xact_commit), sum(xact_rollback), sum(deadlocks), sum(blks_read), sum(temp_bytes) FROM pg_stat_database",
     {{COMMITS, SP_SIGNAL_DB_COMMITS, 1},
      {RATE, SP_SIGNAL_DB_ROLLBACKS, 1},
      {RATE, SP_SIGNAL_DB_DEADLOCKS, 1},
      {RATE, SP_SIGNAL_DB_BLOCK_READS, 1},
      {RATE, SP_SIGNAL_DB_TEMP_BYTES, 1}}},
    {100000, 0, "the limit of its connections", "SELECT current_setting('max_connections')::int",
     {{GAUGE, SP_SIGNAL_DB_CONNECTIONS_LIMIT, 1}}},
    {100000, 140000, "its write-ahead log", "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')",
     {{RATE, SP_SIGNAL_DB_WAL_BYTES, 1}}},
    {140000, 0, "its write-ahead log", "SELECT wal_bytes FROM pg_stat_wal", {{RATE, SP_SIGNAL_DB_WAL_BYTES, 1}}},
    {140000, 180000, "the flushes of its write-ahead log", "SELECT wal_sync_time, wal_sync, wal_sync FROM pg_stat_wal",
     {{MEAN, SP_SIGNAL_DB_WAL_SYNC_TIME, 0.001}, {NONE}, {RATE, SP_SIGNAL_DB_WAL_SYNCS, 1}}},
    {180000, 0, "the flushes of its write-ahead log",
     "SELECT sum(fsync_time), sum(fsyncs), sum(fsyncs) FROM pg_stat_io WHERE object = 'wal'",
     {{MEAN, SP_SIGNAL_DB_WAL_SYNC_TIME, 0.001}, {NONE}, {RATE, SP_SIGNAL_DB_WAL_SYNCS, 1}}},
    {100000, 170000, "its checkpoints", "SELECT checkpoints_timed, checkpoints_req FROM pg_stat_bgwriter",
     {{RATE, SP_SIGNAL_DB_CHECKPOINTS_TIMED, 1}, {RATE, SP_SIGNAL_DB_CHECKPOINTS_REQUESTED, 1}}},
    {170000, 0, "its checkpoints", "SELECT num_timed, num_requested FROM pg_stat_checkpointer",
     {{RATE, SP_SIGNAL_DB_CHECKPOINTS_TIMED, 1}, {RATE, SP_SIGNAL_DB_CHECKPOINTS_REQUESTED, 1}}},
};
#define LOOKS (sizeof(looks) / sizeof(looks[0]))
_Static_assert(LOOKS <= SP_PG_LOOKS_MAX, "a flag each");

static bool fits(const struct look *look, int version) {
  return version >= look->from && (look->below == 0 || version < look->below);
}

/* Each question of the watcher commits as well. Its own are told late, so what is left is held from going back for a moment;
 * a total that goes back was reset. */
static double without_own(struct sp_postgres *postgres, double commits) {
  if (commits < postgres->commits_seen) postgres->commits = 0;
  postgres->commits_seen = commits;
  postgres->commits = fmax(postgres->commits, commits - postgres->own);
  return postgres->commits;
}

static void take(struct sp_postgres *postgres, struct sp_watch_sink *sink, const struct look *look, const PGresult *rows,
                 int column, int64_t now_ns) {
  const struct figure *figure = &look->figures[column];
  const struct sp_observed_key key = sp_postgres_key(postgres, figure->signal, "", look->sql);
  const char *counter = sp_signal_info(figure->signal)->name;
  double value = sp_pg_number(rows, 0, column);
  if (isnan(value)) return;
  switch (figure->how) {
  case NONE: break;
  case GAUGE: sp_watch_gauge(sink, &key, now_ns, now_ns - postgres->figures_at_ns, value * figure->scale); break;
  case RATE: sp_rates_add(&postgres->rates, sink, &key, counter, now_ns, value, figure->scale); break;
  case COMMITS: sp_rates_add(&postgres->rates, sink, &key, counter, now_ns, without_own(postgres, value), figure->scale); break;
  case MEAN:
    if (postgres->times_wal) {
      double count = sp_pg_number(rows, 0, column + 1);
      sp_rates_add_ratio(&postgres->rates, sink, &key, counter, now_ns, value, count, figure->scale);
    }
    break;
  }
}

static int ask(struct sp_postgres *postgres, struct sp_watch_sink *sink, size_t i, struct sp_err *err) {
  PGresult *rows = sp_postgres_ask(postgres, sink, looks[i].sql, err);
  if (!rows && err->code == SP_EPARSE) {
    postgres->looks_off[i] = true;
    sp_watch_cannot(sink, "%s: %s", looks[i].what, err->text);
    return 0;
  }
  if (!rows) return err->code;
  int64_t now_ns = sp_clock_real_ns();
  for (int column = 0; column < PQnfields(rows); column++) take(postgres, sink, &looks[i], rows, column, now_ns);
  PQclear(rows);
  return 0;
}

int sp_pg_figures_look(struct sp_postgres *postgres, struct sp_watch_sink *sink, struct sp_err *err) {
  int version = sp_pg_version(postgres->pg);
  for (size_t i = 0; i < LOOKS; i++) {
    if (postgres->looks_off[i] || !fits(&looks[i], version)) continue;
    if (ask(postgres, sink, i, err)) return err->code;
  }
  postgres->figures_at_ns = sp_clock_real_ns();
  return 0;
}
