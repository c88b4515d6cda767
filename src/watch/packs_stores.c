/*
 * Databases, pools and queues: postgres_exporter (0.11 to 0.20), pgbouncer_exporter (0.4 to 0.11), redis_exporter (1.x). What only
 * the servers themselves can say (flushes of the write-ahead log, blocking chains, the slow log) needs the watchers `postgres`,
 * `pgbouncer` and `redis`.
 */
#include "watch/packs.h"

#define REAL_DATABASES "datname!=template0|template1"
#define REAL_POOLS "database!=pgbouncer,name!=pgbouncer"
#define WAITS "wait_event_type,wait_event?CPU"

static const struct sp_pack_row postgres_rows[] = {
    {SP_SIGNAL_DB_SESSIONS, SP_HOW_SUM, {"pg_stat_activity_count", "state=active"}, {0}, WAITS, 0, SP_PACK_ZERO,
     "what sessions wait for (the watcher postgres samples it)"},
    {SP_SIGNAL_DB_CONNECTIONS, SP_HOW_SUM, {"pg_stat_database_numbackends", ""}, {0}, "", 0, 0, "connections"},
    {SP_SIGNAL_DB_CONNECTIONS_LIMIT, SP_HOW_SUM, {"pg_settings_max_connections", ""}, {0}, "", 0, SP_PACK_LIMIT, "max_connections"},
    {SP_SIGNAL_DB_IDLE_IN_TRANSACTION, SP_HOW_SUM, {"pg_stat_activity_count", "state=idle in transaction*"}, {0}, "", 0, 0,
     NULL},
    {SP_SIGNAL_DB_BLOCKED, SP_HOW_SUM, {"pg_stat_activity_count", "state=active,wait_event_type=Lock"}, {0}, "", 0, SP_PACK_ZERO,
     NULL},
    {SP_SIGNAL_DB_LONGEST_TRANSACTION, SP_HOW_MOST, {"pg_stat_activity_max_tx_duration", REAL_DATABASES}, {0}, "", 0, 0,
     NULL},
    {SP_SIGNAL_DB_COMMITS, SP_HOW_RATE, {"pg_stat_database_xact_commit", REAL_DATABASES}, {0}, "", 0, 0, "commits"},
    {SP_SIGNAL_DB_ROLLBACKS, SP_HOW_RATE, {"pg_stat_database_xact_rollback", REAL_DATABASES}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_DB_DEADLOCKS, SP_HOW_RATE, {"pg_stat_database_deadlocks", REAL_DATABASES}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_DB_BLOCK_READS, SP_HOW_RATE, {"pg_stat_database_blks_read", REAL_DATABASES}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_DB_TEMP_BYTES, SP_HOW_RATE, {"pg_stat_database_temp_bytes", REAL_DATABASES}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_DB_CHECKPOINTS_TIMED, SP_HOW_RATE,
     {"pg_stat_checkpointer_num_timed_total|pg_stat_bgwriter_checkpoints_timed_total|pg_stat_bgwriter_checkpoints_timed", ""},
     {0}, "", 0, 0, NULL},
    {SP_SIGNAL_DB_CHECKPOINTS_REQUESTED, SP_HOW_RATE,
     {"pg_stat_checkpointer_num_requested_total|pg_stat_bgwriter_checkpoints_req_total|pg_stat_bgwriter_checkpoints_req", ""},
     {0}, "", 0, 0, NULL},
    {SP_SIGNAL_DB_STATEMENT_TIME, SP_HOW_RATE, {"pg_stat_statements_seconds_total", ""}, {0}, "queryid", 0, 0, NULL},
    {SP_SIGNAL_DB_STATEMENT_CALLS, SP_HOW_RATE, {"pg_stat_statements_calls_total", ""}, {0}, "queryid", 0, 0, NULL},
    {0, SP_HOW_SETTING, {"pg_settings_max_connections", ""}, {0}, "max_connections", 0, 0, NULL},
    {0, SP_HOW_SETTING, {"pg_settings_shared_buffers_bytes", ""}, {0}, "shared_buffers", 0, 0, NULL},
    {0, SP_HOW_SETTING, {"pg_settings_work_mem_bytes", ""}, {0}, "work_mem", 0, 0, NULL},
    {0, SP_HOW_SETTING, {"pg_settings_max_wal_size_bytes", ""}, {0}, "max_wal_size", 0, 0, NULL},
    {0, SP_HOW_SETTING, {"pg_settings_commit_delay", ""}, {0}, "commit_delay", 0, 0, NULL},
    {0},
};

static const struct sp_pack_row pgbouncer_rows[] = {
    {SP_SIGNAL_SLOTS_USED, SP_HOW_SUM, {"pgbouncer_pools_server_active_connections", REAL_POOLS}, {0}, "", 0, 0,
     "server connections in use"},
    {SP_SIGNAL_SLOTS_LIMIT, SP_HOW_SUM, {"pgbouncer_databases_pool_size", REAL_POOLS}, {0}, "", 0, SP_PACK_LIMIT, "the pools' size"},
    {SP_SIGNAL_SLOTS_WAITING, SP_HOW_SUM, {"pgbouncer_pools_client_waiting_connections", REAL_POOLS}, {0}, "", 0, 0,
     "clients that wait"},
    {SP_SIGNAL_SLOTS_MAX_WAIT, SP_HOW_MOST, {"pgbouncer_pools_client_maxwait_seconds", REAL_POOLS}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_SLOTS_WAIT_TIME, SP_HOW_RATE,
     {"pgbouncer_stats_client_wait_seconds_total|pgbouncer_stats_client_wait_seconds|"
      "pgbouncer_stats_totals_client_wait_seconds_total", REAL_POOLS},
     {0}, "", 0, 0, "how long clients wait"},
    {SP_SIGNAL_CALLS_RATE, SP_HOW_RATE,
     {"pgbouncer_stats_sql_transactions_pooled_total|pgbouncer_stats_totals_sql_transactions_pooled_total", REAL_POOLS},
     {0}, "", 0, 0, NULL},
    {SP_SIGNAL_CALLS_TIME, SP_HOW_RATIO,
     {"pgbouncer_stats_server_in_transaction_seconds_total|pgbouncer_stats_server_in_transaction_seconds|"
      "pgbouncer_stats_totals_server_in_transaction_seconds_total", REAL_POOLS},
     {"pgbouncer_stats_sql_transactions_pooled_total|pgbouncer_stats_totals_sql_transactions_pooled_total", REAL_POOLS}, "", 0,
     0, NULL},
    {0, SP_HOW_SETTING, {"pgbouncer_config_max_client_connections", ""}, {0}, "max_client_conn", 0, 0, NULL},
    {0},
};

static const struct sp_pack_row redis_rows[] = {
    {SP_SIGNAL_CACHE_MAIN_THREAD, SP_HOW_RATE,
     {"redis_cpu_user_main_thread_seconds_total|redis_cpu_sys_main_thread_seconds_total", ""}, {0}, "", 0, 0,
     "how busy its one working thread is (redis_exporter from 1.45 on)"},
    {SP_SIGNAL_CACHE_OPS, SP_HOW_RATE, {"redis_commands_processed_total", ""}, {0}, "", 0, 0, "commands a second"},
    {SP_SIGNAL_CACHE_CLIENTS, SP_HOW_SUM, {"redis_connected_clients", ""}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_CACHE_CLIENTS_LIMIT, SP_HOW_SUM, {"redis_config_maxclients|redis_max_clients", ""}, {0}, "", 0, SP_PACK_LIMIT, NULL},
    {SP_SIGNAL_CACHE_BLOCKED_CLIENTS, SP_HOW_SUM, {"redis_blocked_clients", ""}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_CACHE_EVICTIONS, SP_HOW_RATE, {"redis_evicted_keys_total", ""}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_CACHE_REJECTED, SP_HOW_RATE, {"redis_rejected_connections_total", ""}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_CACHE_SLOW_COMMANDS, SP_HOW_RATE, {"redis_slowlog_last_id", ""}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_MEMORY_USED, SP_HOW_SUM, {"redis_memory_used_bytes", ""}, {0}, "=data", 0, 0, NULL},
    {SP_SIGNAL_MEMORY_LIMIT, SP_HOW_SUM, {"redis_memory_max_bytes", ""}, {0}, "=data", 0, SP_PACK_LIMIT, NULL},
    {0},
};

/* redis_exporter tells the length of the keys that --check-single-keys names: Celery's queues are such lists. */
static const struct sp_pack_row celery_rows[] = {
    {SP_SIGNAL_QUEUE_LENGTH, SP_HOW_SUM, {"redis_key_size", ""}, {0}, "key", 0, SP_PACK_ZERO, NULL},
    {0},
};

const struct sp_pack sp_pack_postgres = {
    .name = "postgres_exporter", .title = "PostgreSQL (postgres_exporter)", .subject = "postgres", .rows = postgres_rows};
const struct sp_pack sp_pack_pgbouncer = {
    .name = "pgbouncer_exporter", .title = "PgBouncer (pgbouncer_exporter)", .subject = "pgbouncer", .rows = pgbouncer_rows};
const struct sp_pack sp_pack_redis = {
    .name = "redis_exporter", .title = "Redis (redis_exporter)", .subject = "redis", .rows = redis_rows};
const struct sp_pack sp_pack_celery = {
    .name = "celery", .title = "Celery's queues (redis_exporter)", .subject = "celery", .rows = celery_rows};
