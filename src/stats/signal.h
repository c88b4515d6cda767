/*
 * What a watcher can say of a target: one table of signals, whatever the tool that measured them. A watcher translates its
 * source's own names into these; page, report, history and diagnosis know nothing else. A new kind of figure is a row here.
 *
 * A signal belongs to a *subject* ("dify-api", "postgres", "host:db1") and may have a *detail* that splits it (a wait event,
 * a statement, a queue). Units are SI: seconds, bytes, shares from 0 to 1, numbers a second. Rates are of the interval that a
 * point spans, never of a lifetime.
 */
#ifndef SP_STATS_SIGNAL_H
#define SP_STATS_SIGNAL_H

#include <stdbool.h>

enum sp_signal {
  /* A container, a cgroup, a process or a host. */
  SP_SIGNAL_CPU_CORES,
  SP_SIGNAL_CPU_LIMIT,
  SP_SIGNAL_CPU_THROTTLED,
  SP_SIGNAL_CPU_PRESSURE,
  SP_SIGNAL_CPU_RUN_WAIT,
  SP_SIGNAL_CPU_STEAL,
  SP_SIGNAL_CPU_IOWAIT,
  SP_SIGNAL_MEMORY_USED,
  SP_SIGNAL_MEMORY_LIMIT,
  SP_SIGNAL_MEMORY_PRESSURE,
  SP_SIGNAL_MEMORY_OOM_KILLS,
  SP_SIGNAL_MEMORY_MAJOR_FAULTS,
  SP_SIGNAL_MEMORY_SWAP,
  SP_SIGNAL_IO_PRESSURE,
  SP_SIGNAL_IO_READ,
  SP_SIGNAL_IO_WRITE,
  SP_SIGNAL_DISK_BUSY,
  SP_SIGNAL_DISK_QUEUE,
  SP_SIGNAL_DISK_WRITE_TIME,
  SP_SIGNAL_NFS_TIME,
  SP_SIGNAL_NFS_QUEUE_TIME,
  SP_SIGNAL_NET_IN,
  SP_SIGNAL_NET_OUT,
  SP_SIGNAL_NET_DROPS,
  SP_SIGNAL_TCP_RETRANSMITS,
  SP_SIGNAL_TCP_LISTEN_OVERFLOWS,
  SP_SIGNAL_TCP_ESTABLISHED,
  SP_SIGNAL_CONNTRACK_USED,
  SP_SIGNAL_CONNTRACK_LIMIT,
  SP_SIGNAL_FILES_USED,
  SP_SIGNAL_FILES_LIMIT,
  SP_SIGNAL_GC_TIME,
  SP_SIGNAL_CPU_BUSIEST_THREAD,
  SP_SIGNAL_THREADS,
  /* Anything with places: a gunicorn's connections, a model server's batch, a pool of connections. */
  SP_SIGNAL_SLOTS_USED,
  SP_SIGNAL_SLOTS_LIMIT,
  SP_SIGNAL_SLOTS_WAITING,
  SP_SIGNAL_SLOTS_MAX_WAIT,
  SP_SIGNAL_SLOTS_WAIT_TIME,
  SP_SIGNAL_SLOTS_IDLE_HELD,
  /* Anything that answers: a plugin daemon, a vector store, a model server, a proxy. */
  SP_SIGNAL_CALLS_ACTIVE,
  SP_SIGNAL_CALLS_RATE,
  SP_SIGNAL_CALLS_TIME,
  SP_SIGNAL_CALLS_QUEUE_TIME,
  SP_SIGNAL_CALLS_FAILED,
  SP_SIGNAL_QUEUE_LENGTH,
  /* A database. */
  SP_SIGNAL_DB_SESSIONS,
  SP_SIGNAL_DB_CONNECTIONS,
  SP_SIGNAL_DB_CONNECTIONS_LIMIT,
  SP_SIGNAL_DB_IDLE_IN_TRANSACTION,
  SP_SIGNAL_DB_BLOCKED,
  SP_SIGNAL_DB_LONGEST_TRANSACTION,
  SP_SIGNAL_DB_COMMITS,
  SP_SIGNAL_DB_ROLLBACKS,
  SP_SIGNAL_DB_DEADLOCKS,
  SP_SIGNAL_DB_BLOCK_READS,
  SP_SIGNAL_DB_TEMP_BYTES,
  SP_SIGNAL_DB_WAL_SYNCS,
  SP_SIGNAL_DB_WAL_SYNC_TIME,
  SP_SIGNAL_DB_WAL_BYTES,
  SP_SIGNAL_DB_CHECKPOINTS_TIMED,
  SP_SIGNAL_DB_CHECKPOINTS_REQUESTED,
  SP_SIGNAL_DB_STATEMENT_TIME,
  SP_SIGNAL_DB_STATEMENT_CALLS,
  /* A cache. */
  SP_SIGNAL_CACHE_MAIN_THREAD,
  SP_SIGNAL_CACHE_OPS,
  SP_SIGNAL_CACHE_CLIENTS,
  SP_SIGNAL_CACHE_CLIENTS_LIMIT,
  SP_SIGNAL_CACHE_BLOCKED_CLIENTS,
  SP_SIGNAL_CACHE_EVICTIONS,
  SP_SIGNAL_CACHE_REJECTED,
  SP_SIGNAL_CACHE_SLOW_COMMANDS,
  SP_SIGNAL_CACHE_SLOWEST_COMMAND,
  /* A vector store, a model server, a proxy. */
  SP_SIGNAL_VECTOR_SEGMENTS,
  SP_SIGNAL_VECTOR_MERGES,
  SP_SIGNAL_MODEL_CACHE_USED,
  SP_SIGNAL_MODEL_PREEMPTIONS,
  SP_SIGNAL_PROXY_DROPPED,
  /* One slow cheap request beside the load. */
  SP_SIGNAL_CANARY_TIME,
  SP_SIGNAL_CANARY_FAILURES,
  /* A query of the user's own (its name is the detail). */
  SP_SIGNAL_OWN,
  SP_SIGNAL_COUNT
};

enum sp_signal_kind {
  SP_SIGNAL_GAUGE, /* a state at a moment; over a stretch its mean */
  SP_SIGNAL_RATE,  /* of the time that a point spans */
};

struct sp_signal_info {
  const char *name; /* "cpu.cores": JSON, history */
  const char *unit; /* "cores", "share", "bytes", "bytes/s", "s", "/s", "" */
  enum sp_signal_kind kind;
  const char *help; /* "CPU in use, in cores" */
};
const struct sp_signal_info *sp_signal_info(enum sp_signal signal);
int sp_signal_find(const char *name); /* -1: there is none */

#endif
