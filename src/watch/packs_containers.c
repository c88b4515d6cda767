/*
 * Containers, by cAdvisor (alone or in the kubelet). Replicas of one name are one subject, and its details. Names:
 * github.com/google/cadvisor, docs/storage/prometheus.md (2026-07); PSI since 0.52.
 */
#include "watch/packs.h"

#define REAL "container!=POD"
#define REPLICA "pod|name"

static const struct sp_pack_row rows[] = {
    {SP_SIGNAL_CPU_CORES, SP_HOW_RATE, {"container_cpu_usage_seconds_total", REAL}, {0}, REPLICA, 0, 0, "CPU in use"},
    {SP_SIGNAL_CPU_LIMIT, SP_HOW_QUOTIENT, {"container_spec_cpu_quota", REAL}, {"container_spec_cpu_period", REAL}, REPLICA, 0,
     SP_PACK_LIMIT, "CPU limits (no container has a quota, or the exporter leaves them out)"},
    {SP_SIGNAL_CPU_THROTTLED, SP_HOW_RATIO, {"container_cpu_cfs_throttled_periods_total", REAL},
     {"container_cpu_cfs_periods_total", REAL}, REPLICA, 0, 0, "whether a quota stops them"},
    {SP_SIGNAL_CPU_PRESSURE, SP_HOW_RATE, {"container_pressure_cpu_waiting_seconds_total", REAL}, {0}, REPLICA, 0, 0,
     "waiting for a CPU (PSI: cAdvisor from 0.52 on, Kubernetes from 1.34 on, cgroup v2)"},
    {SP_SIGNAL_CPU_RUN_WAIT, SP_HOW_RATE, {"container_cpu_schedstat_runqueue_seconds_total", REAL}, {0}, REPLICA, 0, 0, NULL},
    {SP_SIGNAL_MEMORY_USED, SP_HOW_SUM, {"container_memory_working_set_bytes", REAL}, {0}, REPLICA, 0, 0, "memory in use"},
    {SP_SIGNAL_MEMORY_LIMIT, SP_HOW_SUM, {"container_spec_memory_limit_bytes", REAL}, {0}, REPLICA, 0, SP_PACK_LIMIT, NULL},
    {SP_SIGNAL_MEMORY_PRESSURE, SP_HOW_RATE, {"container_pressure_memory_stalled_seconds_total", REAL}, {0}, REPLICA, 0, 0,
     NULL},
    {SP_SIGNAL_MEMORY_OOM_KILLS, SP_HOW_RATE, {"container_oom_events_total", REAL}, {0}, REPLICA, 0, 0, NULL},
    {SP_SIGNAL_MEMORY_MAJOR_FAULTS, SP_HOW_RATE,
     {"container_memory_failures_total", REAL ",failure_type=pgmajfault,scope=container"}, {0}, REPLICA, 0, 0, NULL},
    {SP_SIGNAL_IO_PRESSURE, SP_HOW_RATE, {"container_pressure_io_waiting_seconds_total", REAL}, {0}, REPLICA, 0, 0, NULL},
    {SP_SIGNAL_IO_READ, SP_HOW_RATE, {"container_fs_reads_bytes_total", REAL}, {0}, REPLICA, 0, 0, NULL},
    {SP_SIGNAL_IO_WRITE, SP_HOW_RATE, {"container_fs_writes_bytes_total", REAL}, {0}, REPLICA, 0, 0, NULL},
    {SP_SIGNAL_NET_IN, SP_HOW_RATE, {"container_network_receive_bytes_total", "interface!=lo"}, {0}, REPLICA, 0, 0, NULL},
    {SP_SIGNAL_NET_OUT, SP_HOW_RATE, {"container_network_transmit_bytes_total", "interface!=lo"}, {0}, REPLICA, 0, 0, NULL},
    {SP_SIGNAL_NET_DROPS, SP_HOW_RATE,
     {"container_network_receive_packets_dropped_total|container_network_transmit_packets_dropped_total|"
      "container_network_receive_errors_total|container_network_transmit_errors_total", "interface!=lo"},
     {0}, REPLICA, 0, 0, NULL},
    {SP_SIGNAL_FILES_USED, SP_HOW_MOST, {"container_file_descriptors", REAL}, {0}, REPLICA, 0, 0, NULL},
    {SP_SIGNAL_FILES_LIMIT, SP_HOW_MOST, {"container_ulimits_soft", REAL ",ulimit=max_open_files"}, {0}, REPLICA, 0, SP_PACK_LIMIT, NULL},
    {0},
};

static bool is_random(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/* Cuts "-x2x4z" off, if what is behind the last '-' is `least` … `most` letters and digits. */
static bool cut_suffix(struct sp_str *name, size_t least, size_t most) {
  size_t len = 0;
  while (len < name->len && is_random(name->bytes[name->len - 1 - len])) len++;
  if (len < least || len > most || len + 1 >= name->len || name->bytes[name->len - 1 - len] != '-') return false;
  name->len -= len + 1;
  return true;
}

/* "dify-api-7d9f8b6c5-x2x4z" and "dify-api-0" are of dify-api: what a Deployment and a StatefulSet put behind. */
static struct sp_str workload_of(struct sp_str pod) {
  struct sp_str name = pod;
  if (cut_suffix(&name, 5, 5) && cut_suffix(&name, 6, 10)) return name;
  size_t digits = 0;
  while (digits < pod.len && pod.bytes[pod.len - 1 - digits] >= '0' && pod.bytes[pod.len - 1 - digits] <= '9') digits++;
  if (digits > 0 && digits + 1 < pod.len && pod.bytes[pod.len - 1 - digits] == '-') pod.len -= digits + 1;
  return pod;
}

static bool take_label(const struct sp_prom_sample *sample, const char *name, const char **label, struct sp_str *out) {
  *label = name;
  *out = sp_prom_label_of(sample, sp_str_from(name));
  return out->len > 0;
}

/* Kubernetes: the container. It has a pod's network without one; other figures of a pod without a container are sums over its
 * containers, once more. Docker: the service of a compose file, or the name. */
static bool name_container(const struct sp_prom_sample *sample, struct sp_str instance, const char **label, struct sp_str *out) {
  (void)instance;
  if (take_label(sample, "container", label, out) && !sp_str_eq(*out, SP_STR("POD"))) return true;
  if (take_label(sample, "pod", label, out)) {
    *out = workload_of(*out);
    return sp_str_starts(sample->name, SP_STR("container_network_"));
  }
  return take_label(sample, "container_label_com_docker_compose_service", label, out) ||
         take_label(sample, "name", label, out);
}

const struct sp_pack sp_pack_containers = {
    .name = "cadvisor", .title = "containers (cAdvisor)", .subject = "", .named = name_container, .rows = rows};
