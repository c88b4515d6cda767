/* A host, by node_exporter: names of 1.8 (2026-08), PSI and NFS among them (its mountstats are off unless asked for). */
#include "watch/packs.h"

#define DISKS "device!=loop*|ram*|sr*|zram*|fd*"
#define NICS "device!=lo|veth*|docker*|br-*|cali*|cni*|flannel*|tunl*|cilium*|lxc*|virbr*"
#define OPERATIONS "operation,export"

static const struct sp_pack_row rows[] = {
    {SP_SIGNAL_CPU_CORES, SP_HOW_RATE, {"node_cpu_seconds_total", "mode!=idle|iowait|steal"}, {0}, "", 0, 0, "CPU in use"},
    {SP_SIGNAL_CPU_LIMIT, SP_HOW_COUNT, {"node_cpu_seconds_total", "mode=idle"}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_CPU_STEAL, SP_HOW_RATIO, {"node_cpu_seconds_total", "mode=steal"}, {"node_cpu_seconds_total", ""}, "", 0, 0,
     NULL},
    {SP_SIGNAL_CPU_IOWAIT, SP_HOW_RATIO, {"node_cpu_seconds_total", "mode=iowait"}, {"node_cpu_seconds_total", ""}, "", 0,
     0, NULL},
    {SP_SIGNAL_CPU_PRESSURE, SP_HOW_RATE, {"node_pressure_cpu_waiting_seconds_total", ""}, {0}, "", 0, 0,
     "waiting for a CPU (PSI: the host's kernel needs psi=1)"},
    {SP_SIGNAL_CPU_RUN_WAIT, SP_HOW_RATE, {"node_schedstat_waiting_seconds_total", ""}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_MEMORY_USED, SP_HOW_LESS, {"node_memory_MemTotal_bytes", ""}, {"node_memory_MemAvailable_bytes", ""}, "", 0,
     0, NULL},
    {SP_SIGNAL_MEMORY_LIMIT, SP_HOW_SUM, {"node_memory_MemTotal_bytes", ""}, {0}, "", 0, SP_PACK_LIMIT, NULL},
    {SP_SIGNAL_MEMORY_PRESSURE, SP_HOW_RATE, {"node_pressure_memory_stalled_seconds_total", ""}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_MEMORY_OOM_KILLS, SP_HOW_RATE, {"node_vmstat_oom_kill", ""}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_MEMORY_MAJOR_FAULTS, SP_HOW_RATE, {"node_vmstat_pgmajfault", ""}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_MEMORY_SWAP, SP_HOW_RATE, {"node_vmstat_pswpin|node_vmstat_pswpout", ""}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_IO_PRESSURE, SP_HOW_RATE, {"node_pressure_io_waiting_seconds_total", ""}, {0}, "", 0, 0,
     "waiting for I/O (PSI: the host's kernel needs psi=1)"},
    {SP_SIGNAL_IO_READ, SP_HOW_RATE, {"node_disk_read_bytes_total", DISKS}, {0}, "device", 0, 0, NULL},
    {SP_SIGNAL_IO_WRITE, SP_HOW_RATE, {"node_disk_written_bytes_total", DISKS}, {0}, "device", 0, 0, NULL},
    {SP_SIGNAL_DISK_BUSY, SP_HOW_RATE, {"node_disk_io_time_seconds_total", DISKS}, {0}, "device", 0, 0, NULL},
    {SP_SIGNAL_DISK_QUEUE, SP_HOW_RATE, {"node_disk_io_time_weighted_seconds_total", DISKS}, {0}, "device", 0, 0, NULL},
    {SP_SIGNAL_DISK_WRITE_TIME, SP_HOW_RATIO, {"node_disk_write_time_seconds_total", DISKS},
     {"node_disk_writes_completed_total", DISKS}, "device", 0, 0, NULL},
    {SP_SIGNAL_NFS_TIME, SP_HOW_RATIO, {"node_mountstats_nfs_operations_response_time_seconds_total", ""},
     {"node_mountstats_nfs_operations_requests_total", ""}, OPERATIONS, 0, 0, NULL},
    {SP_SIGNAL_NFS_QUEUE_TIME, SP_HOW_RATIO, {"node_mountstats_nfs_operations_queue_time_seconds_total", ""},
     {"node_mountstats_nfs_operations_requests_total", ""}, OPERATIONS, 0, 0, NULL},
    {SP_SIGNAL_NET_IN, SP_HOW_RATE, {"node_network_receive_bytes_total", NICS}, {0}, "device", 0, 0, NULL},
    {SP_SIGNAL_NET_OUT, SP_HOW_RATE, {"node_network_transmit_bytes_total", NICS}, {0}, "device", 0, 0, NULL},
    {SP_SIGNAL_NET_DROPS, SP_HOW_RATE,
     {"node_network_receive_drop_total|node_network_transmit_drop_total|node_network_receive_errs_total|"
      "node_network_transmit_errs_total", NICS},
     {0}, "device", 0, 0, NULL},
    {SP_SIGNAL_TCP_RETRANSMITS, SP_HOW_RATIO, {"node_netstat_Tcp_RetransSegs", ""}, {"node_netstat_Tcp_OutSegs", ""}, "", 0,
     0, NULL},
    {SP_SIGNAL_TCP_LISTEN_OVERFLOWS, SP_HOW_RATE, {"node_netstat_TcpExt_ListenOverflows", ""}, {0}, "", 0, 0,
     "full accept queues (they are per network namespace: a host's exporter does not see its containers')"},
    {SP_SIGNAL_TCP_ESTABLISHED, SP_HOW_SUM, {"node_netstat_Tcp_CurrEstab", ""}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_CONNTRACK_USED, SP_HOW_SUM, {"node_nf_conntrack_entries", ""}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_CONNTRACK_LIMIT, SP_HOW_SUM, {"node_nf_conntrack_entries_limit", ""}, {0}, "", 0, SP_PACK_LIMIT, NULL},
    {SP_SIGNAL_FILES_USED, SP_HOW_SUM, {"node_filefd_allocated", ""}, {0}, "", 0, 0, NULL},
    {SP_SIGNAL_FILES_LIMIT, SP_HOW_SUM, {"node_filefd_maximum", ""}, {0}, "", 0, SP_PACK_LIMIT, NULL},
    {0},
};

/* The address without its port. */
static bool name_host(const struct sp_prom_sample *sample, struct sp_str instance, const char **label, struct sp_str *out) {
  (void)sample;
  *label = "instance";
  *out = instance;
  size_t digits = 0;
  while (digits < out->len && out->bytes[out->len - 1 - digits] >= '0' && out->bytes[out->len - 1 - digits] <= '9') digits++;
  if (digits > 0 && digits + 1 < out->len && out->bytes[out->len - 1 - digits] == ':') out->len -= digits + 1;
  return out->len > 0;
}

const struct sp_pack sp_pack_node = {
    .name = "node_exporter", .title = "host (node_exporter)", .subject = "host:", .named = name_host, .rows = rows};
