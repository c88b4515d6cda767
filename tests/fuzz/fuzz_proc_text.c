/* The kernel's text files and nginx's page, each parser over the same bytes: it must end, and give numbers that are none or
 * not below zero. */
#include "base/check.h"
#include "watch/nginx_status.h"
#include "watch/proc_parse.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(double value) { SP_CHECK(isnan(value) || value >= 0); }

static void try_lists(struct sp_str text) {
  struct sp_proc_disks disks = {.rest = text};
  struct sp_proc_disk disk;
  struct sp_proc_mounts mounts = {.rest = text};
  struct sp_proc_nfs nfs;
  struct sp_proc_interface interface;
  struct sp_str rest = text;
  while (sp_proc_disk_next(&disks, &disk)) {
    SP_CHECK(disk.name.len > 0);
    check(disk.read_bytes + disk.written_bytes + disk.writes + disk.write_s + disk.busy_s + disk.queue_s);
  }
  while (sp_proc_nfs_next(&mounts, &nfs)) {
    SP_CHECK(nfs.mount.len > 0);
    check(nfs.ops + nfs.queue_s + nfs.time_s);
  }
  while (sp_proc_interface_next(&rest, &interface)) check(interface.in_bytes + interface.out_bytes + interface.drops);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  struct sp_str text = sp_str_of((const char *)bytes, len);
  struct sp_proc_cpu cpu;
  struct sp_proc_process process;
  struct sp_nginx_status status;
  try_lists(text);
  if (sp_proc_cpu(text, &cpu)) check(cpu.busy), SP_CHECK(cpu.cpus > 0);
  if (sp_proc_process(text, &process)) check(process.cpu), check(process.threads), check(process.start);
  if (sp_nginx_status_parse(text, &status)) check(status.active + status.requests + status.writing);
  check(sp_proc_run_wait_s(text));
  check(sp_proc_value(text, "oom_kill"));
  check(sp_proc_sum(text, "rbytes"));
  check(sp_proc_paired(text, "Tcp", "RetransSegs"));
  check(sp_proc_pressure_s(text, "some"));
  check(sp_proc_list_count(text));
  check(sp_proc_accept_waiting(text, 5001));
  return 0;
}
