/* host=local: the whole machine. */
#include "watch/host.h"
#include "watch/proc_parse.h"

#include <stdio.h>
#include <unistd.h>

#define KIB 1024.0

static const struct sp_host_file files[] = {
    {"stat", "CPU", "mount the machine's /proc, and name it with the option proc", NULL},
    {"schedstat", "waiting for a CPU", "the kernel was built without CONFIG_SCHEDSTATS; pressure says much the same", NULL},
    {"pressure/cpu", "pressure (PSI)", "boot the kernel with psi=1", NULL},
    {"meminfo", "memory", "mount the machine's /proc", NULL},
    {"vmstat", "page faults, swap, OOM kills", "mount the machine's /proc", NULL},
    {"diskstats", "disks", "mount the machine's /proc", NULL},
    {"net/dev", "network", "mount the machine's /proc", NULL},
    {"net/snmp", "TCP", "mount the machine's /proc", NULL},
    {"net/netstat", "listen overflows", "mount the machine's /proc", NULL},
    {"self/mountstats", "NFS mounts", NULL, NULL},
    {"sys/net/netfilter/nf_conntrack_count", "tracked connections", NULL, NULL},
    {"sys/fs/file-nr", "open files", "mount the machine's /proc", NULL},
    {NULL, NULL, NULL, NULL},
};

static int probe(struct sp_host *host, struct sp_watch_sink *sink, struct sp_err *err) {
  struct sp_str text;
  if (sp_proc_read(&host->proc, &text, err, "stat")) return err->code;
  sp_host_tell_files(&host->proc, files, NULL, sink);
  sp_host_accept_probe(host, sink, host->self);
  return 0;
}

static void look_at_cpu(struct sp_host *host, struct sp_str text, struct sp_look *look) {
  struct sp_proc_cpu cpu;
  if (!sp_proc_cpu(text, &cpu)) return;
  sp_look_set(look, SP_SIGNAL_CPU_CORES, cpu.busy / (double)sysconf(_SC_CLK_TCK), "stat");
  sp_look_set(look, SP_SIGNAL_CPU_LIMIT, cpu.cpus, "stat");
  sp_look_share(look, SP_SIGNAL_CPU_STEAL, cpu.steal, cpu.all, "stat");
  sp_look_share(look, SP_SIGNAL_CPU_IOWAIT, cpu.iowait, cpu.all, "stat");
  if (sp_proc_has(&host->proc, &text, "schedstat")) {
    sp_look_set(look, SP_SIGNAL_CPU_RUN_WAIT, sp_proc_run_wait_s(text), "schedstat");
  }
}

static void look_at_memory(struct sp_host *host, struct sp_look *look) {
  struct sp_str text;
  if (sp_proc_has(&host->proc, &text, "meminfo")) {
    double all = sp_proc_value(text, "MemTotal") * KIB;
    sp_look_set(look, SP_SIGNAL_MEMORY_USED, all - sp_proc_value(text, "MemAvailable") * KIB, "meminfo");
    sp_look_set(look, SP_SIGNAL_MEMORY_LIMIT, all, "meminfo");
  }
  if (sp_proc_has(&host->proc, &text, "vmstat")) {
    sp_look_set(look, SP_SIGNAL_MEMORY_OOM_KILLS, sp_proc_value(text, "oom_kill"), "vmstat");
    sp_look_set(look, SP_SIGNAL_MEMORY_MAJOR_FAULTS, sp_proc_value(text, "pgmajfault"), "vmstat");
    sp_look_set(look, SP_SIGNAL_MEMORY_SWAP, sp_proc_value(text, "pswpin") + sp_proc_value(text, "pswpout"), "vmstat");
  }
}

static void tell_disk(struct sp_host *host, struct sp_watch_sink *sink, const struct sp_proc_disk *disk, int64_t at_ns) {
  char name[SP_OBSERVED_DETAIL_MAX];
  struct sp_look look;
  snprintf(name, sizeof(name), SP_STR_FMT, SP_STR_ARG(disk->name));
  sp_look_init(&look, host->subject, name, host->proc.root, at_ns);
  sp_look_set(&look, SP_SIGNAL_DISK_BUSY, disk->busy_s, "diskstats");
  if (!disk->stacked) sp_look_set(&look, SP_SIGNAL_DISK_QUEUE, disk->queue_s, "diskstats"); /* requests are counted once */
  sp_look_share(&look, SP_SIGNAL_DISK_WRITE_TIME, disk->write_s, disk->writes, "diskstats");
  sp_look_tell(&look, &host->rates, sink);
}

/* A disk that never had work is none of the target's. */
static void look_at_disks(struct sp_host *host, struct sp_watch_sink *sink, struct sp_look *look) {
  struct sp_proc_disks disks = {0};
  struct sp_proc_disk disk;
  double read_bytes = 0, written_bytes = 0;
  if (!sp_proc_has(&host->proc, &disks.rest, "diskstats")) return;
  while (sp_proc_disk_next(&disks, &disk)) {
    if (disk.busy_s > 0) tell_disk(host, sink, &disk, look->at_ns);
    if (disk.stacked) continue;
    read_bytes += disk.read_bytes;
    written_bytes += disk.written_bytes;
  }
  sp_look_set(look, SP_SIGNAL_IO_READ, read_bytes, "diskstats");
  sp_look_set(look, SP_SIGNAL_IO_WRITE, written_bytes, "diskstats");
}

static void tell_nfs(struct sp_host *host, struct sp_watch_sink *sink, const struct sp_proc_nfs *nfs, int64_t at_ns) {
  char name[SP_OBSERVED_DETAIL_MAX];
  struct sp_look look;
  snprintf(name, sizeof(name), SP_STR_FMT "%s" SP_STR_FMT, SP_STR_ARG(nfs->mount), nfs->op.len ? " " : "", SP_STR_ARG(nfs->op));
  sp_look_init(&look, host->subject, name, host->proc.root, at_ns);
  sp_look_share(&look, SP_SIGNAL_NFS_TIME, nfs->time_s, nfs->ops, "self/mountstats");
  sp_look_share(&look, SP_SIGNAL_NFS_QUEUE_TIME, nfs->queue_s, nfs->ops, "self/mountstats");
  sp_look_tell(&look, &host->rates, sink);
}

/* Of the operations those that say most: data, the commit of what was written, and the asking around of many small files. */
static bool is_telling(struct sp_str op) {
  static const struct sp_str ops[] = {{"", 0}, {"READ", 4}, {"WRITE", 5}, {"COMMIT", 6}, {"GETATTR", 7}};
  for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
    if (sp_str_eq(op, ops[i])) return true;
  }
  return false;
}

static void look_at_nfs(struct sp_host *host, struct sp_watch_sink *sink, int64_t at_ns) {
  struct sp_proc_mounts mounts = {0};
  struct sp_proc_nfs nfs;
  if (!sp_proc_has(&host->proc, &mounts.rest, "%s/mountstats", host->self)) return;
  while (sp_proc_nfs_next(&mounts, &nfs)) {
    if (nfs.ops > 0 && is_telling(nfs.op)) tell_nfs(host, sink, &nfs, at_ns);
  }
}

static void look_at_tables(struct sp_host *host, struct sp_look *look) {
  static const char count[] = "sys/net/netfilter/nf_conntrack_count", most[] = "sys/net/netfilter/nf_conntrack_max";
  struct sp_str text;
  double files_now[3]; /* taken, taken and free, the most */
  if (sp_proc_has(&host->proc, &text, "%s", count)) {
    sp_look_set(look, SP_SIGNAL_CONNTRACK_USED, sp_proc_number(sp_str_trim(text)), count);
  }
  if (sp_proc_has(&host->proc, &text, "%s", most)) {
    sp_look_set(look, SP_SIGNAL_CONNTRACK_LIMIT, sp_proc_number(sp_str_trim(text)), most);
  }
  if (sp_proc_has(&host->proc, &text, "sys/fs/file-nr") && sp_proc_numbers(sp_str_trim(text), files_now, 3) == 3) {
    sp_look_set(look, SP_SIGNAL_FILES_USED, files_now[0] - files_now[1], "sys/fs/file-nr");
    sp_look_set(look, SP_SIGNAL_FILES_LIMIT, files_now[2], "sys/fs/file-nr");
  }
}

static int sample(struct sp_host *host, struct sp_watch_sink *sink, struct sp_err *err) {
  static const char *const pressure[] = {"pressure/cpu", "pressure/memory", "pressure/io"};
  struct sp_str text;
  struct sp_look look;
  if (sp_proc_read(&host->proc, &text, err, "stat")) return err->code;
  sp_look_init(&look, host->subject, NULL, host->proc.root, sp_clock_real_ns());
  look_at_cpu(host, text, &look);
  sp_host_pressure(&host->proc, pressure, &look);
  look_at_memory(host, &look);
  look_at_disks(host, sink, &look);
  look_at_tables(host, &look);
  sp_look_tell(&look, &host->rates, sink);
  look_at_nfs(host, sink, look.at_ns);
  sp_host_network(host, sink, host->self, look.at_ns);
  sp_host_accept(host, sink, host->self, look.at_ns);
  return 0;
}

const struct sp_host_place sp_host_machine = {.prefix = "local", .probe = probe, .sample = sample};
