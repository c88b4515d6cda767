/* Memory, disks, networks and the accept queue. */
#include "model/diagnose_world.h"

#define MIB 1048576.0
#define USED(name, a, b, c) {SP_SIGNAL_MEMORY_USED, name, "", {a * MIB, b * MIB, c * MIB}}
#define LIMIT(name, a) {SP_SIGNAL_MEMORY_LIMIT, name, "", {a * MIB, a * MIB, a * MIB}}
#define HOST(signal, a, b, c) {signal, "host:db1", "", {a, b, c}}

static const struct row memory[] = {
    {.name = "memory: it stands still", .shape = PRESSED, .culprit = "dify-api.memory",
     .says = "memory 1000 of 1024 MiB",
     .sights = {USED("dify-api", 600, 900, 1000), LIMIT("dify-api", 1024), {SP_SIGNAL_MEMORY_PRESSURE, "dify-api", "",
     {0, 0.001, 0.2}}}},
    {.name = "processes are killed", .shape = FAILING, .culprit = "dify-api.memory",
     .says = "killed for want of memory",
     .sights = {USED("dify-api", 600, 900, 900), LIMIT("dify-api", 1024), {SP_SIGNAL_MEMORY_OOM_KILLS, "dify-api", "",
     {0, 0, 0.05}}}},
    {.name = "swapping", .shape = PRESSED, .culprit = "host:db1.memory", .says = "pages swapped",
     .sights = {USED("host:db1", 600, 990, 1010), LIMIT("host:db1", 1024), HOST(SP_SIGNAL_MEMORY_SWAP, 0, 50, 900)}},
    {.name = "caches fill what nobody needs", .shape = HEALTHY, .culprit = "",
     .sights = {USED("postgres", 900, 990, 1000), LIMIT("postgres", 1024)}},
    {.name = "nearly full, and it never waits for memory", .shape = PRESSED, .culprit = "",
     .sights = {USED("postgres", 800, 980, 1000), LIMIT("postgres", 1024)}},
    {.name = "half full, and faults of a start", .shape = PRESSED, .culprit = "",
     .sights = {USED("dify-api", 500, 500, 500), LIMIT("dify-api", 1024),
     {SP_SIGNAL_MEMORY_MAJOR_FAULTS, "dify-api", "", {900, 5, 0}}}},
};

static const struct row disks[] = {
    {.name = "a disk that has no rest", .shape = PRESSED, .culprit = "host:db1.disk", .says = "requests at the disk",
     .sights = {HOST(SP_SIGNAL_DISK_BUSY, 0.2, 0.9, 0.99), HOST(SP_SIGNAL_DISK_QUEUE, 0.3, 4, 30),
     HOST(SP_SIGNAL_DISK_WRITE_TIME, 0.004, 0.02, 0.3)}},
    {.name = "a disk that is busy with a queue of one", .shape = PRESSED, .culprit = "",
     .sights = {HOST(SP_SIGNAL_DISK_BUSY, 0.2, 0.6, 0.7), HOST(SP_SIGNAL_DISK_QUEUE, 0.3, 0.8, 1)}},
    {.name = "an SSD that always has something to do", .shape = PRESSED, .culprit = "",
     .sights = {HOST(SP_SIGNAL_DISK_BUSY, 0.5, 0.9, 0.95), HOST(SP_SIGNAL_DISK_QUEUE, 0.5, 1, 2)}},
    {.name = "NFS: operations wait before they are sent", .shape = PRESSED, .culprit = "host:db1.nfs",
     .says = "off NFS",
     .sights = {HOST(SP_SIGNAL_NFS_TIME, 0.004, 0.01, 0.06), HOST(SP_SIGNAL_NFS_QUEUE_TIME, 0, 0.002, 0.02)}},
    {.name = "NFS as ever", .shape = PRESSED, .culprit = "", .sights = {HOST(SP_SIGNAL_NFS_TIME, 0.004, 0.004, 0.005),
     HOST(SP_SIGNAL_NFS_QUEUE_TIME, 0, 0, 0)}},
};

static void slow_connects(struct sp_diagnose_step *steps) {
  steps[2].connect_s = 0.9;
  steps[2].connect_p99_s = 3.01;
  steps[2].new_connections_per_s = steps[2].rps;
}
static void far_away(struct sp_diagnose_step *steps) {
  for (size_t i = 0; i < WORLD_STEPS; i++) steps[i].connect_s = steps[i].connect_p99_s = 0.3;
}
static void some_connects(struct sp_diagnose_step *steps) {
  steps[2].connect_s = 0.3;
  steps[2].connect_p99_s = 0.4;
  steps[2].new_connections_per_s = steps[2].rps;
}

static const struct row networks[] = {
    {.name = "segments are sent again", .shape = PRESSED, .culprit = "host:db1.network",
     .sights = {HOST(SP_SIGNAL_TCP_RETRANSMITS, 0.0001, 0.008, 0.06)}},
    {.name = "one in a thousand is", .shape = PRESSED, .culprit = "",
     .sights = {HOST(SP_SIGNAL_TCP_RETRANSMITS, 0.0001, 0.001, 0.001)}},
    {.name = "the firewall's table is full", .shape = PRESSED, .culprit = "host:db1.conntrack",
     .says = "nf_conntrack_max",
     .sights = {HOST(SP_SIGNAL_CONNTRACK_USED, 3000, 60000, 65000),
     HOST(SP_SIGNAL_CONNTRACK_LIMIT, 65536, 65536, 65536)}},
    {.name = "no more files", .shape = FAILING, .culprit = "target.files",
     .errors = {{"connect", "socket: Too many open files", 280}}},
    {.name = "connections that take 1, 3 and 7 s", .shape = PRESSED, .edit = slow_connects,
     .culprit = "target.accept_queue", .says = "somaxconn"},
    {.name = "the target's kernel counts them", .shape = PRESSED, .edit = some_connects,
     .culprit = "target.accept_queue", .says = "found the accept queue full",
     .sights = {HOST(SP_SIGNAL_TCP_LISTEN_OVERFLOWS, 0, 0, 6)}},
    {.name = "slow connections that no queue explains", .shape = PRESSED, .edit = some_connects, .culprit = ""},
    {.name = "a target that is far away", .shape = PRESSED, .edit = far_away, .culprit = ""},
};

#define CHECK(table) check_rows(table, sizeof(table) / sizeof(table[0]))
static void memory_comes_out(void **state) {
  (void)state;
  CHECK(memory);
}
static void disks_come_out(void **state) {
  (void)state;
  CHECK(disks);
}
static void networks_come_out(void **state) {
  (void)state;
  CHECK(networks);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(memory_comes_out),
      cmocka_unit_test(disks_come_out),
      cmocka_unit_test(networks_come_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
