#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "recorded.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define GIB (1024.0 * 1024 * 1024)
#define CONTAINER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define SCOPE "fs/system.slice/docker-" CONTAINER ".scope"

static struct recorded *open_host(struct recorded *recorded, const char *url, const char *port) {
  static char proc[300], cgroups[300];
  snprintf(proc, sizeof(proc), "%s", recorded_path(recorded, "proc"));
  snprintf(cgroups, sizeof(cgroups), "%s", recorded_path(recorded, "fs"));
  struct sp_watch_spec spec = {.kind = "host", .url = url, .option_count = port ? 3 : 2,
                               .options = {{"proc", proc}, {"cgroups", cgroups}, {"port", port}}};
  assert_int_equal(recorded_open(recorded, &spec), 0);
  return recorded;
}

static void sample_later(struct recorded *recorded) {
  usleep(60000); /* rates need time between two looks */
  assert_int_equal(recorded_sample(recorded), 0);
}

/* -- this machine -- */

static void write_machine(struct recorded *recorded) {
  recorded_write(recorded, "proc/stat", "cpu  100 0 0 800 50 0 0 50\ncpu0 1\ncpu1 1\n");
  recorded_write(recorded, "proc/meminfo", "MemTotal: 8388608 kB\nMemAvailable: 6291456 kB\n");
  recorded_write(recorded, "proc/vmstat", "pgmajfault 5\npswpin 1\npswpout 2\noom_kill 0\n");
  recorded_write(recorded, "proc/pressure/cpu", "some avg10=0 avg60=0 avg300=0 total=0\n");
  recorded_write(recorded, "proc/diskstats", " 8 0 sda 1 0 8 1 20 0 16 40 0 5 6\n 253 0 dm-0 1 0 8 1 2 0 16 4 0 5 6\n"
                                             " 8 16 sdb 0 0 0 0 0 0 0 0 0 0 0\n");
  recorded_write(recorded, "proc/1/net/dev", "eth0: 1 0 0 0 0 0 0 0 1 0 0 0 0 0 0 0\nveth0: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
  recorded_write(recorded, "proc/net/dev", "\n");
  recorded_write(recorded, "proc/1/net/snmp", "Tcp: CurrEstab OutSegs RetransSegs\nTcp: 7 1000 0\n");
  recorded_write(recorded, "proc/1/net/tcp", "0: 0100007F:1389 00000000:0000 0A 00000000:00000005 00\n");
  recorded_write(recorded, "proc/1/mountstats", "device db:/pg mounted on /data with fstype nfs\nper-op statistics\n"
                                               "COMMIT: 10 10 0 1 1 10 20 30\nLOOKUP: 10 10 0 1 1 10 20 30\n");
  recorded_write(recorded, "proc/sys/fs/file-nr", "3000\t0\t9000\n");
  recorded_write(recorded, "proc/sys/net/netfilter/nf_conntrack_count", "900\n");
  recorded_write(recorded, "proc/sys/net/netfilter/nf_conntrack_max", "1000\n");
}

static void this_machine(void **state) {
  (void)state;
  struct recorded recorded;
  recorded_make(&recorded);
  write_machine(&recorded);
  open_host(&recorded, "local", "5001");
  assert_string_equal(recorded.source, "host local");
  assert_int_equal(recorded_probe(&recorded), 0);
  sample_later(&recorded);
  recorded_write(&recorded, "proc/stat", "cpu  200 0 0 1500 150 0 0 150\ncpu0 1\ncpu1 1\n");
  recorded_write(&recorded, "proc/diskstats", " 8 0 sda 1 0 8 1 30 0 16 90 0 5 6\n");
  recorded_write(&recorded, "proc/1/net/snmp", "Tcp: CurrEstab OutSegs RetransSegs\nTcp: 8 2000 20\n");
  recorded_write(&recorded, "proc/1/mountstats", "device db:/pg mounted on /data with fstype nfs\nper-op statistics\n"
                                                "COMMIT: 20 20 0 1 1 20 120 130\nLOOKUP: 10 10 0 1 1 10 20 30\n");
  sample_later(&recorded);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_CPU_LIMIT, "host", NULL), 2, 0);
  assert_true(recorded_last(&recorded, SP_SIGNAL_CPU_CORES, "host", NULL) > 0);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_CPU_STEAL, "host", NULL), 0.1, 1e-9);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_CPU_IOWAIT, "host", NULL), 0.1, 1e-9);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_CPU_PRESSURE, "host", NULL), 0, 0);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_MEMORY_USED, "host", NULL), 2 * GIB, 0);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_MEMORY_LIMIT, "host", NULL), 8 * GIB, 0);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_DISK_WRITE_TIME, "host", "sda"), 0.005, 1e-9);
  assert_true(recorded_has(&recorded, SP_SIGNAL_DISK_BUSY, "host", "sda"));
  assert_false(recorded_has(&recorded, SP_SIGNAL_DISK_BUSY, "host", "sdb"));
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_NFS_TIME, "host", "/data COMMIT"), 0.01, 1e-9);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_NFS_QUEUE_TIME, "host", "/data"), 0.001, 1e-9);
  assert_false(recorded_has(&recorded, SP_SIGNAL_NFS_TIME, "host", "/data LOOKUP"));
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_TCP_ESTABLISHED, "host", NULL), 8, 0);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_TCP_RETRANSMITS, "host", NULL), 0.02, 1e-9);
  assert_true(recorded_has(&recorded, SP_SIGNAL_NET_IN, "host", "eth0"));
  assert_false(recorded_has(&recorded, SP_SIGNAL_NET_IN, "host", "veth0"));
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_CONNTRACK_USED, "host", NULL), 900, 0);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_FILES_LIMIT, "host", NULL), 9000, 0);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_SLOTS_USED, "host.accept", NULL), 5, 0);
  recorded_remove(&recorded);
}

static void what_is_not_there_is_said(void **state) {
  (void)state;
  struct recorded recorded;
  recorded_make(&recorded);
  recorded_write(&recorded, "proc/stat", "cpu  100 0 0 800 50 0 0 50\ncpu0 1\n");
  open_host(&recorded, "local", "5001");
  assert_int_equal(recorded_probe(&recorded), 0);
  assert_true(recorded_sight(&recorded, true, "CPU"));
  assert_true(recorded_sight(&recorded, false, "pressure (PSI): "));
  assert_true(recorded_sight(&recorded, false, "No such file or directory: boot the kernel with psi=1"));
  assert_true(recorded_sight(&recorded, false, "the accept queue of port 5001: nobody listens there"));
  assert_false(recorded_sight(&recorded, false, "NFS"));
  assert_int_equal(recorded_sample(&recorded), 0);
  recorded_delete(&recorded, "proc/stat");
  assert_int_equal(recorded_sample(&recorded), SP_EIO);
  assert_non_null(strstr(recorded.err.text, "proc/stat: No such file"));
  recorded_remove(&recorded);
}

/* -- cgroups -- */

static void write_cgroup(struct recorded *recorded) {
  recorded_write(recorded, "proc/stat", "cpu  100 0 0 800 50 0 0 50\ncpu0 1\ncpu1 1\n");
  recorded_write(recorded, "proc/meminfo", "MemTotal: 8388608 kB\n");
  recorded_write(recorded, SCOPE "/cgroup.controllers", "cpu memory io\n");
  recorded_write(recorded, SCOPE "/cgroup.procs", "");
  recorded_write(recorded, SCOPE "/cpu.stat", "usage_usec 1000\nnr_periods 10\nnr_throttled 0\nthrottled_usec 0\n");
  recorded_write(recorded, SCOPE "/cpu.max", "80000 100000\n");
  recorded_write(recorded, SCOPE "/cpu.pressure", "some avg10=0 total=10\nfull total=0\n");
  recorded_write(recorded, SCOPE "/memory.current", "2147483648\n");
  recorded_write(recorded, SCOPE "/memory.max", "max\n");
  recorded_write(recorded, "fs/system.slice/memory.max", "4294967296\n");
  recorded_write(recorded, SCOPE "/memory.stat", "anon 1\ninactive_file 1073741824\npgmajfault 5\n");
  recorded_write(recorded, SCOPE "/memory.events", "low 0\noom 1\noom_kill 1\n");
  recorded_write(recorded, SCOPE "/io.stat", "8:0 rbytes=4096 wbytes=8192 rios=1\n");
}

static void a_container(void **state) {
  (void)state;
  struct recorded recorded;
  const char *subject = "docker-0123456789ab";
  recorded_make(&recorded);
  write_cgroup(&recorded);
  open_host(&recorded, "cgroup:system.slice/docker-" CONTAINER ".scope/", NULL);
  assert_int_equal(recorded_probe(&recorded), 0);
  assert_true(recorded_sight(&recorded, true, "CPU and throttling, pressure (PSI), memory"));
  sample_later(&recorded);
  recorded_write(&recorded, SCOPE "/cpu.stat", "usage_usec 2000\nnr_periods 20\nnr_throttled 4\nthrottled_usec 9\n");
  sample_later(&recorded);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_CPU_LIMIT, subject, NULL), 0.8, 1e-9);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_CPU_THROTTLED, subject, NULL), 0.4, 1e-9);
  assert_true(recorded_last(&recorded, SP_SIGNAL_CPU_CORES, subject, NULL) > 0);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_MEMORY_USED, subject, NULL), 1 * GIB, 0);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_MEMORY_LIMIT, subject, NULL), 4 * GIB, 0);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_MEMORY_OOM_KILLS, subject, NULL), 0, 0);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_IO_WRITE, subject, NULL), 0, 0);
  recorded_delete(&recorded, SCOPE "/cpu.stat"); /* it ended */
  assert_int_equal(recorded_sample(&recorded), SP_EIO);
  assert_non_null(strstr(recorded.err.text, "is gone"));
  recorded_remove(&recorded);
}

static void a_limit_above_counts_and_who_has_none_has_the_machine(void **state) {
  (void)state;
  struct recorded recorded;
  recorded_make(&recorded);
  write_cgroup(&recorded);
  recorded_write(&recorded, "fs/system.slice/cpu.max", "50000 100000\n");
  recorded_write(&recorded, "fs/system.slice/cpu.stat", "usage_usec 1\nnr_periods 5\nnr_throttled 5\n");
  recorded_delete(&recorded, SCOPE "/memory.current");
  open_host(&recorded, "cgroup:system.slice/docker-" CONTAINER ".scope", NULL);
  assert_int_equal(recorded_probe(&recorded), 0);
  assert_true(recorded_sight(&recorded, false, "it no memory controller"));
  sample_later(&recorded);
  recorded_write(&recorded, "fs/system.slice/cpu.stat", "usage_usec 1\nnr_periods 6\nnr_throttled 6\n");
  sample_later(&recorded);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_CPU_LIMIT, "docker-0123456789ab", NULL), 0.5, 1e-9);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_CPU_THROTTLED, "docker-0123456789ab", NULL), 1, 1e-9);
  recorded_write(&recorded, "fs/system.slice/cpu.max", "max 100000\n");
  recorded_write(&recorded, SCOPE "/cpu.max", "max 100000\n");
  sample_later(&recorded);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_CPU_LIMIT, "docker-0123456789ab", NULL), 2, 0);
  recorded_remove(&recorded);
}

static void version_1_says_the_same_elsewhere(void **state) {
  (void)state;
  struct recorded recorded;
  recorded_make(&recorded);
  recorded_write(&recorded, "proc/meminfo", "MemTotal: 8388608 kB\n");
  recorded_write(&recorded, "fs/cpu/docker/web/cgroup.procs", "");
  recorded_write(&recorded, "fs/cpu/docker/web/cpu.stat", "nr_periods 10\nnr_throttled 1\nthrottled_time 5\n");
  recorded_write(&recorded, "fs/cpu/docker/web/cpu.cfs_quota_us", "-1\n");
  recorded_write(&recorded, "fs/cpu/docker/web/cpu.cfs_period_us", "100000\n");
  recorded_write(&recorded, "fs/cpu/docker/cpu.cfs_quota_us", "150000\n");
  recorded_write(&recorded, "fs/cpu/docker/cpu.cfs_period_us", "100000\n");
  recorded_write(&recorded, "fs/cpuacct/docker/web/cpuacct.usage", "1000000000\n");
  recorded_write(&recorded, "fs/memory/docker/web/memory.usage_in_bytes", "2147483648\n");
  recorded_write(&recorded, "fs/memory/docker/web/memory.limit_in_bytes", "9223372036854771712\n");
  recorded_write(&recorded, "fs/memory/docker/web/memory.stat",
                 "inactive_file 1\ntotal_inactive_file 1073741824\ntotal_pgmajfault 5\n");
  recorded_write(&recorded, "fs/memory/docker/web/memory.oom_control", "under_oom 0\noom_kill 3\n");
  recorded_write(&recorded, "fs/blkio/docker/web/blkio.throttle.io_service_bytes",
                 "8:0 Read 10\n8:0 Write 20\n8:16 Read 5\nTotal 35\n");
  static char url[300];
  snprintf(url, sizeof(url), "cgroup:%s", recorded_path(&recorded, "fs/cpu/docker/web"));
  open_host(&recorded, url, NULL);
  assert_int_equal(recorded_probe(&recorded), 0);
  sample_later(&recorded);
  sample_later(&recorded);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_CPU_LIMIT, "web", NULL), 1.5, 1e-9);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_CPU_CORES, "web", NULL), 0, 0);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_MEMORY_USED, "web", NULL), 1 * GIB, 0);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_MEMORY_LIMIT, "web", NULL), 8 * GIB, 0);
  assert_true(recorded_has(&recorded, SP_SIGNAL_MEMORY_OOM_KILLS, "web", NULL));
  assert_true(recorded_has(&recorded, SP_SIGNAL_IO_READ, "web", NULL));
  recorded_remove(&recorded);
}

static void no_such_cgroup(void **state) {
  (void)state;
  struct recorded recorded;
  recorded_make(&recorded);
  recorded_write(&recorded, "fs/x/y", "");
  open_host(&recorded, "cgroup:nothing", NULL);
  assert_int_equal(recorded_probe(&recorded), SP_EIO);
  assert_non_null(strstr(recorded.err.text, "there is no cgroup at "));
  recorded_write(&recorded, "fs/nothing/cgroup.procs", ""); /* it begins later */
  recorded_write(&recorded, "fs/nothing/cgroup.controllers", "");
  assert_int_equal(recorded_probe(&recorded), 0);
  recorded_remove(&recorded);
}

/* -- processes -- */

static void write_process(struct recorded *recorded, unsigned pid, const char *name, const char *command, unsigned ticks) {
  char path[64], text[300];
  snprintf(path, sizeof(path), "proc/%u/comm", pid);
  snprintf(text, sizeof(text), "%s\n", name);
  recorded_write(recorded, path, text);
  snprintf(path, sizeof(path), "proc/%u/cmdline", pid);
  recorded_write(recorded, path, command);
  snprintf(path, sizeof(path), "proc/%u/stat", pid);
  snprintf(text, sizeof(text), "%u (%s) S 1 1 1 0 -1 0 0 0 2 0 %u 0 0 0 20 0 3 0 %u 0 0", pid, name, ticks, pid * 10);
  recorded_write(recorded, path, text);
  snprintf(path, sizeof(path), "proc/%u/status", pid);
  recorded_write(recorded, path, "RssAnon: 1024 kB\nRssShmem: 512 kB\n");
  snprintf(path, sizeof(path), "proc/%u/limits", pid);
  recorded_write(recorded, path, "Limit  Soft Limit Hard Limit Units\n"
                                 "Max open files            1024                 524288               files\n");
  snprintf(path, sizeof(path), "proc/%u/fd/0", pid);
  recorded_write(recorded, path, "");
  snprintf(path, sizeof(path), "proc/%u/schedstat", pid);
  recorded_write(recorded, path, "1 2 3\n");
  snprintf(path, sizeof(path), "proc/%u/task/%u/schedstat", pid, pid);
  snprintf(text, sizeof(text), "%u000000 %u0000 3\n", ticks, ticks);
  recorded_write(recorded, path, text);
}

static double total_cpu_s(struct recorded *recorded, const char *subject) {
  size_t count;
  double sum = 0;
  const struct sp_observed *series = sp_observations_find(recorded->seen, SP_SIGNAL_CPU_CORES, subject, "", NULL);
  struct sp_point *points = sp_observed_points(recorded->seen, series, 0, &count);
  for (size_t i = 0; i < count; i++) sum += points[i].value * (double)points[i].span_ns / 1e9;
  free(points);
  return sum;
}

static void processes_by_name_come_and_go(void **state) {
  (void)state;
  struct recorded recorded;
  recorded_make(&recorded);
  write_process(&recorded, 70, "gunicorn", "/usr/bin/python3", 100);
  write_process(&recorded, 71, "python3", "gunicorn: worker [app]", 50);
  write_process(&recorded, 72, "bash", "bash", 7777);
  recorded_write(&recorded, "proc/cpuinfo", "");
  recorded_write(&recorded, "proc/stat", "cpu  100 0 0 800 50 0 0 50\ncpu0 1\ncpu1 1\ncpu2 1\n");
  open_host(&recorded, "process:gunicorn", NULL);
  assert_int_equal(recorded_probe(&recorded), 0);
  assert_true(recorded_sight(&recorded, true, "of 2 processes"));
  sample_later(&recorded);
  write_process(&recorded, 70, "gunicorn", "/usr/bin/python3", 130);
  recorded_delete(&recorded, "proc/71/stat"); /* a worker ends, another one begins */
  write_process(&recorded, 73, "gunicorn", "gunicorn", 20);
  sample_later(&recorded);
  assert_float_equal(total_cpu_s(&recorded, "gunicorn"), 0.5, 1e-6); /* 30 ticks, and 20 of the new one */
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_THREADS, "gunicorn", NULL), 6, 0);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_CPU_LIMIT, "gunicorn", NULL), 3, 0);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_MEMORY_USED, "gunicorn", NULL), 2.5 * 1024 * 1024, 0);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_FILES_USED, "gunicorn", NULL), 1, 0);
  assert_float_equal(recorded_last(&recorded, SP_SIGNAL_FILES_LIMIT, "gunicorn", NULL), 1024, 0);
  assert_true(recorded_last(&recorded, SP_SIGNAL_CPU_BUSIEST_THREAD, "gunicorn", NULL) > 0);
  recorded_remove(&recorded);
}

static void one_process_by_its_id(void **state) {
  (void)state;
  struct recorded recorded;
  recorded_make(&recorded);
  write_process(&recorded, 70, "postgres", "postgres", 100);
  write_process(&recorded, 71, "postgres", "postgres", 100);
  open_host(&recorded, "process:70", NULL);
  assert_int_equal(recorded_probe(&recorded), 0);
  assert_true(recorded_sight(&recorded, true, "of 1 process"));
  sample_later(&recorded);
  recorded_delete(&recorded, "proc/70/stat");
  assert_int_equal(recorded_sample(&recorded), SP_EIO);
  assert_string_equal(recorded.err.text, "there is no process 70");
  recorded_remove(&recorded);
}

static void nobody_is_called_so(void **state) {
  (void)state;
  struct recorded recorded;
  recorded_make(&recorded);
  write_process(&recorded, 70, "postgres", "postgres", 100);
  open_host(&recorded, "process:postgre", NULL);
  assert_int_equal(recorded_probe(&recorded), SP_EIO);
  assert_non_null(strstr(recorded.err.text, "no process is called 'postgre'"));
  recorded_remove(&recorded);
}

/* -- what is written wrong -- */

static void a_place_must_be_named(void **state) {
  (void)state;
  struct recorded recorded;
  static const char *const urls[] = {"locally", "cgroup:", "process:", "process:0", "", "http://a.test"};
  recorded_make(&recorded);
  for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
    struct sp_watch_spec spec = {.kind = "host", .url = urls[i]};
    assert_int_equal(recorded_open(&recorded, &spec), SP_EUSAGE);
  }
  struct sp_watch_spec spec = {.kind = "host", .url = "local", .options = {{"port", "70000"}}, .option_count = 1};
  assert_int_equal(recorded_open(&recorded, &spec), SP_EUSAGE);
  assert_string_equal(recorded.err.text, "'70000' is no port");
  recorded_remove(&recorded);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(this_machine),
      cmocka_unit_test(what_is_not_there_is_said),
      cmocka_unit_test(a_container),
      cmocka_unit_test(a_limit_above_counts_and_who_has_none_has_the_machine),
      cmocka_unit_test(version_1_says_the_same_elsewhere),
      cmocka_unit_test(no_such_cgroup),
      cmocka_unit_test(processes_by_name_come_and_go),
      cmocka_unit_test(one_process_by_its_id),
      cmocka_unit_test(nobody_is_called_so),
      cmocka_unit_test(a_place_must_be_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
