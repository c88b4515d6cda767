#include "stats/signal.h"

#include "base/check.h"

#include <string.h>

#define GAUGE SP_SIGNAL_GAUGE
#define RATE SP_SIGNAL_RATE

static const struct sp_signal_info table[SP_SIGNAL_COUNT] = {
    [SP_SIGNAL_CPU_CORES] = {"cpu.cores", "cores", RATE, "CPU in use"},
    [SP_SIGNAL_CPU_LIMIT] = {"cpu.limit", "cores", GAUGE, "CPU that it may use (a quota, or what the host has)"},
    [SP_SIGNAL_CPU_THROTTLED] = {"cpu.throttled", "share", RATE, "share of the quota's periods in which it was stopped"},
    [SP_SIGNAL_CPU_PRESSURE] = {"cpu.pressure", "share", RATE, "share of the time in which something waited for a CPU (PSI)"},
    [SP_SIGNAL_CPU_RUN_WAIT] = {"cpu.run_wait", "s/s", RATE, "waiting for a CPU, seconds a second over all its threads"},
    [SP_SIGNAL_CPU_STEAL] = {"cpu.steal", "share", RATE, "share of the CPU that the hypervisor took"},
    [SP_SIGNAL_CPU_IOWAIT] = {"cpu.iowait", "share", RATE, "share of the CPU idle for I/O"},
    [SP_SIGNAL_MEMORY_USED] = {"memory.used", "bytes", GAUGE, "memory that can't be given back (working set)"},
    [SP_SIGNAL_MEMORY_LIMIT] = {"memory.limit", "bytes", GAUGE, "memory that it may use"},
    [SP_SIGNAL_MEMORY_PRESSURE] = {"memory.pressure", "share", RATE, "share of the time in which all of it waited for memory"},
    [SP_SIGNAL_MEMORY_OOM_KILLS] = {"memory.oom_kills", "/s", RATE, "processes killed for want of memory"},
    [SP_SIGNAL_MEMORY_MAJOR_FAULTS] = {"memory.major_faults", "/s", RATE, "page faults that read a disk"},
    [SP_SIGNAL_MEMORY_SWAP] = {"memory.swap", "/s", RATE, "pages swapped in and out"},
    [SP_SIGNAL_IO_PRESSURE] = {"io.pressure", "share", RATE, "share of the time in which something waited for I/O (PSI)"},
    [SP_SIGNAL_IO_READ] = {"io.read", "bytes/s", RATE, "read from disks"},
    [SP_SIGNAL_IO_WRITE] = {"io.write", "bytes/s", RATE, "written to disks"},
    [SP_SIGNAL_DISK_BUSY] = {"disk.busy", "share", RATE, "share of the time in which the disk had work"},
    [SP_SIGNAL_DISK_QUEUE] = {"disk.queue", "", RATE, "requests at the disk at once (weighted I/O time)"},
    [SP_SIGNAL_DISK_WRITE_TIME] = {"disk.write_time", "s", RATE, "time of one write"},
    [SP_SIGNAL_NFS_TIME] = {"nfs.time", "s", RATE, "time of one operation, sent to answered"},
    [SP_SIGNAL_NFS_QUEUE_TIME] = {"nfs.queue_time", "s", RATE, "an operation's wait before it was sent"},
    [SP_SIGNAL_NET_IN] = {"net.in", "bytes/s", RATE, "received"},
    [SP_SIGNAL_NET_OUT] = {"net.out", "bytes/s", RATE, "sent"},
    [SP_SIGNAL_NET_DROPS] = {"net.drops", "/s", RATE, "packets dropped or damaged"},
    [SP_SIGNAL_TCP_RETRANSMITS] = {"tcp.retransmits", "share", RATE, "share of the segments sent again"},
    [SP_SIGNAL_TCP_LISTEN_OVERFLOWS] = {"tcp.listen_overflows", "/s", RATE, "connections that a full accept queue dropped"},
    [SP_SIGNAL_TCP_ESTABLISHED] = {"tcp.established", "", GAUGE, "open connections"},
    [SP_SIGNAL_CONNTRACK_USED] = {"conntrack.used", "", GAUGE, "connections that the firewall tracks"},
    [SP_SIGNAL_CONNTRACK_LIMIT] = {"conntrack.limit", "", GAUGE, "connections that it can track"},
    [SP_SIGNAL_FILES_USED] = {"files.used", "", GAUGE, "open files"},
    [SP_SIGNAL_FILES_LIMIT] = {"files.limit", "", GAUGE, "open files allowed"},
    [SP_SIGNAL_GC_TIME] = {"gc.time", "s/s", RATE, "garbage collection, seconds a second"},
    [SP_SIGNAL_CPU_BUSIEST_THREAD] = {"cpu.busiest_thread", "share", GAUGE, "how busy the busiest of its threads is"},
    [SP_SIGNAL_THREADS] = {"threads", "", GAUGE, "threads"},
    [SP_SIGNAL_SLOTS_USED] = {"slots.used", "", GAUGE, "places taken"},
    [SP_SIGNAL_SLOTS_LIMIT] = {"slots.limit", "", GAUGE, "places there are"},
    [SP_SIGNAL_SLOTS_WAITING] = {"slots.waiting", "", GAUGE, "who waits for a place"},
    [SP_SIGNAL_SLOTS_MAX_WAIT] = {"slots.max_wait", "s", GAUGE, "how long the first in the queue has waited"},
    [SP_SIGNAL_SLOTS_WAIT_TIME] = {"slots.wait_time", "s/s", RATE, "waiting for a place, seconds a second over all who wait"},
    [SP_SIGNAL_SLOTS_IDLE_HELD] = {"slots.idle_held", "", GAUGE, "places held by someone who does nothing with them"},
    [SP_SIGNAL_CALLS_ACTIVE] = {"calls.active", "", GAUGE, "calls under way"},
    [SP_SIGNAL_CALLS_RATE] = {"calls.rate", "/s", RATE, "calls ended"},
    [SP_SIGNAL_CALLS_TIME] = {"calls.time", "s", RATE, "mean time of a call"},
    [SP_SIGNAL_CALLS_QUEUE_TIME] = {"calls.queue_time", "s", RATE, "mean wait of a call before its work began"},
    [SP_SIGNAL_CALLS_FAILED] = {"calls.failed", "/s", RATE, "calls failed"},
    [SP_SIGNAL_QUEUE_LENGTH] = {"queue.length", "", GAUGE, "jobs that wait in a queue"},
    [SP_SIGNAL_DB_SESSIONS] = {"db.sessions", "", GAUGE, "active sessions, by what they wait for (CPU: for nothing)"},
    [SP_SIGNAL_DB_CONNECTIONS] = {"db.connections", "", GAUGE, "connections open"},
    [SP_SIGNAL_DB_CONNECTIONS_LIMIT] = {"db.connections_limit", "", GAUGE, "connections allowed (max_connections)"},
    [SP_SIGNAL_DB_IDLE_IN_TRANSACTION] = {"db.idle_in_transaction", "", GAUGE, "sessions that hold a transaction and do nothing"},
    [SP_SIGNAL_DB_BLOCKED] = {"db.blocked", "", GAUGE, "sessions that another one's lock blocks"},
    [SP_SIGNAL_DB_LONGEST_TRANSACTION] = {"db.longest_transaction", "s", GAUGE, "age of the oldest transaction"},
    [SP_SIGNAL_DB_COMMITS] = {"db.commits", "/s", RATE, "transactions committed"},
    [SP_SIGNAL_DB_ROLLBACKS] = {"db.rollbacks", "/s", RATE, "transactions rolled back"},
    [SP_SIGNAL_DB_DEADLOCKS] = {"db.deadlocks", "/s", RATE, "deadlocks"},
    [SP_SIGNAL_DB_BLOCK_READS] = {"db.block_reads", "/s", RATE, "blocks that were not in the buffers"},
    [SP_SIGNAL_DB_TEMP_BYTES] = {"db.temp_bytes", "bytes/s", RATE, "written to temporary files (work_mem was too small)"},
    [SP_SIGNAL_DB_WAL_SYNCS] = {"db.wal_syncs", "/s", RATE, "flushes of the write-ahead log"},
    [SP_SIGNAL_DB_WAL_SYNC_TIME] = {"db.wal_sync_time", "s", RATE, "time of one flush of the write-ahead log"},
    [SP_SIGNAL_DB_WAL_BYTES] = {"db.wal_bytes", "bytes/s", RATE, "write-ahead log written"},
    [SP_SIGNAL_DB_CHECKPOINTS_TIMED] = {"db.checkpoints_timed", "/s", RATE, "checkpoints by the clock"},
    [SP_SIGNAL_DB_CHECKPOINTS_REQUESTED] = {"db.checkpoints_requested", "/s", RATE, "checkpoints forced by a full log"},
    [SP_SIGNAL_DB_STATEMENT_TIME] = {"db.statement_time", "s/s", RATE, "time in a statement, seconds a second"},
    [SP_SIGNAL_DB_STATEMENT_CALLS] = {"db.statement_calls", "/s", RATE, "calls of a statement"},
    [SP_SIGNAL_CACHE_MAIN_THREAD] = {"cache.main_thread", "share", RATE, "how busy its one working thread is"},
    [SP_SIGNAL_CACHE_OPS] = {"cache.ops", "/s", RATE, "commands"},
    [SP_SIGNAL_CACHE_CLIENTS] = {"cache.clients", "", GAUGE, "connections open"},
    [SP_SIGNAL_CACHE_CLIENTS_LIMIT] = {"cache.clients_limit", "", GAUGE, "connections allowed"},
    [SP_SIGNAL_CACHE_BLOCKED_CLIENTS] = {"cache.blocked_clients", "", GAUGE, "clients in a blocking command (idle workers, normally)"},
    [SP_SIGNAL_CACHE_EVICTIONS] = {"cache.evictions", "/s", RATE, "keys evicted for want of memory"},
    [SP_SIGNAL_CACHE_REJECTED] = {"cache.rejected", "/s", RATE, "connections refused"},
    [SP_SIGNAL_CACHE_SLOW_COMMANDS] = {"cache.slow_commands", "/s", RATE, "commands that the slow log took"},
    [SP_SIGNAL_CACHE_SLOWEST_COMMAND] = {"cache.slowest_command", "s", GAUGE, "the slowest of them"},
    [SP_SIGNAL_VECTOR_SEGMENTS] = {"vector.segments", "", GAUGE, "segments of the store"},
    [SP_SIGNAL_VECTOR_MERGES] = {"vector.merges", "", GAUGE, "merges under way"},
    [SP_SIGNAL_MODEL_CACHE_USED] = {"model.cache_used", "share", GAUGE, "KV cache in use"},
    [SP_SIGNAL_MODEL_PREEMPTIONS] = {"model.preemptions", "/s", RATE, "answers put back for want of KV cache"},
    [SP_SIGNAL_PROXY_DROPPED] = {"proxy.dropped", "/s", RATE, "connections accepted and not handled"},
    [SP_SIGNAL_CANARY_TIME] = {"canary.time", "s", GAUGE, "time of one cheap request beside the load"},
    [SP_SIGNAL_CANARY_FAILURES] = {"canary.failures", "/s", RATE, "such requests that failed"},
    [SP_SIGNAL_OWN] = {"own", "", GAUGE, "a query of the plan's own"},
};

const struct sp_signal_info *sp_signal_info(enum sp_signal signal) {
  SP_CHECK((unsigned)signal < SP_SIGNAL_COUNT && table[signal].name);
  return &table[signal];
}

int sp_signal_find(const char *name) {
  for (int i = 0; i < SP_SIGNAL_COUNT; i++) {
    if (strcmp(table[i].name, name) == 0) return i;
  }
  return -1;
}
