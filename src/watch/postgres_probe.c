#include "watch/postgres.h"

#define VERSION_LEAST 100000

/* What this session changed for itself (statement_timeout …) would not be the server's word, so it is not among them. */
#define SETTINGS                                                                                                            \
  "SELECT name, current_setting(name) FROM pg_settings WHERE name IN ('server_version', 'max_connections', "                \
  "'superuser_reserved_connections', 'shared_buffers', 'effective_cache_size', 'work_mem', 'synchronous_commit', "          \
  "'commit_delay', 'commit_siblings', 'fsync', 'full_page_writes', 'wal_sync_method', 'wal_buffers', 'wal_compression', "   \
  "'max_wal_size', 'min_wal_size', 'checkpoint_timeout', 'checkpoint_completion_target', 'track_io_timing', "               \
  "'track_wal_io_timing', 'jit', 'autovacuum', 'deadlock_timeout', 'idle_in_transaction_session_timeout', "                 \
  "'random_page_cost', 'effective_io_concurrency', 'max_worker_processes', 'max_parallel_workers_per_gather', "             \
  "'shared_preload_libraries', 'synchronous_standby_names') ORDER BY 1"
#define RIGHTS "SELECT pg_has_role('pg_read_all_stats', 'USAGE'), pg_is_in_recovery()"

static int take_settings(struct sp_postgres *postgres, struct sp_watch_sink *sink, struct sp_err *err) {
  PGresult *rows = sp_postgres_ask(postgres, sink, SETTINGS, err);
  if (!rows) return err->code;
  postgres->times_wal = false;
  for (int row = 0; row < PQntuples(rows); row++) {
    const char *key = PQgetvalue(rows, row, 0), *value = PQgetvalue(rows, row, 1);
    sp_observations_setting(sink->observations, postgres->subject, key, value);
    if (strcmp(key, "track_wal_io_timing") == 0) postgres->times_wal = strcmp(value, "on") == 0;
  }
  PQclear(rows);
  return 0;
}

static int look_at_rights(struct sp_postgres *postgres, struct sp_watch_sink *sink, struct sp_err *err) {
  PGresult *rows = sp_postgres_ask(postgres, sink, RIGHTS, err);
  if (!rows) return err->code;
  bool all = PQgetvalue(rows, 0, 0)[0] == 't', standby = PQgetvalue(rows, 0, 1)[0] == 't';
  const char *user = sp_pg_user(postgres->pg);
  PQclear(rows);
  if (all) {
    sp_watch_can(sink, "what every session waits for, locks and who holds them");
  } else {
    sp_watch_cannot(sink, "what sessions of other roles do and wait for: the role %s has no pg_monitor (GRANT pg_monitor TO %s)",
                    user, user);
  }
  if (standby) sp_watch_cannot(sink, "the primary: this server is a standby");
  return 0;
}

static void say_wal(struct sp_postgres *postgres, struct sp_watch_sink *sink) {
  if (sp_pg_version(postgres->pg) < 140000) {
    sp_watch_cannot(sink, "flushes of the write-ahead log: only PostgreSQL 14 and later count them");
  } else if (postgres->times_wal) {
    sp_watch_can(sink, "how long a flush of the write-ahead log takes");
  } else {
    sp_watch_cannot(sink, "how long a flush of the write-ahead log takes: track_wal_io_timing is off (ALTER SYSTEM SET "
                          "track_wal_io_timing = on; SELECT pg_reload_conf())");
  }
}

int sp_postgres_probe(struct sp_postgres *postgres, struct sp_watch_sink *sink, struct sp_err *err) {
  int version = sp_pg_version(postgres->pg);
  if (version < VERSION_LEAST) {
    return sp_fail(err, SP_EIO, "PostgreSQL %d.%d is too old: 10 and later can be watched", version / 10000, version / 100 % 100);
  }
  if (look_at_rights(postgres, sink, err) || take_settings(postgres, sink, err)) return err->code;
  say_wal(postgres, sink);
  return sp_pg_statements_probe(postgres, sink, err);
}
