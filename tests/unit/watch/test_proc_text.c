#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch/proc_parse.h"

#include <math.h>
#include <stdlib.h>

#define NEAR 1e-9
#define assert_near(value, expected) assert_float_equal(value, expected, NEAR)

static void numbers_are_digits_only(void **state) {
  (void)state;
  assert_near(sp_proc_number(SP_STR("42")), 42);
  assert_near(sp_proc_number(SP_STR("18446744073709551615")), 18446744073709551615.0);
  static const char *const none[] = {"", "-1", "max", "4x", "1.5", " 1", "18446744073709551616", "99999999999999999999999"};
  for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) assert_true(isnan(sp_proc_number(sp_str_from(none[i]))));
}

static void values_are_found_by_their_whole_name(void **state) {
  (void)state;
  struct sp_str text = SP_STR("MemTotalX: 1 kB\nMemTotal:       24684084 kB\noom 3\noom_kill 4\nempty\n");
  assert_near(sp_proc_value(text, "MemTotal"), 24684084);
  assert_near(sp_proc_value(text, "oom_kill"), 4);
  assert_true(isnan(sp_proc_value(text, "empty")));
  assert_true(isnan(sp_proc_value(text, "Mem")));
  assert_near(sp_proc_sum(SP_STR("8:0 rbytes=4096 wbytes=1\n8:16 rbytes=100 wbytes=x\n"), "rbytes"), 4196);
  assert_true(isnan(sp_proc_sum(SP_STR("8:0 rbytes=4096\n"), "wbytes")));
}

static void names_above_their_values(void **state) {
  (void)state;
  struct sp_str text = SP_STR("Ip: A B\nIp: 1 2\nTcp: MaxConn OutSegs RetransSegs\nTcp: -1 1000 20\n");
  assert_near(sp_proc_paired(text, "Tcp", "RetransSegs"), 20);
  assert_true(isnan(sp_proc_paired(text, "Tcp", "MaxConn")));
  assert_true(isnan(sp_proc_paired(text, "TcpExt", "OutSegs")));
  assert_true(isnan(sp_proc_paired(SP_STR("Tcp: A B\nTcp: 1"), "Tcp", "B")));
  assert_true(isnan(sp_proc_paired(SP_STR("Tcp: A B\n"), "Tcp", "B")));
}

static void pressure_is_in_seconds(void **state) {
  (void)state;
  struct sp_str text = SP_STR("some avg10=3.94 avg60=8.35 avg300=24.10 total=5714139263\n"
                              "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n");
  assert_near(sp_proc_pressure_s(text, "some"), 5714.139263);
  assert_near(sp_proc_pressure_s(text, "full"), 7e-6);
  assert_true(isnan(sp_proc_pressure_s(SP_STR("some avg10=0.00\n"), "some")));
}

static void lists_of_processors(void **state) {
  (void)state;
  assert_near(sp_proc_list_count(SP_STR("0-3,8,10-11\n")), 7);
  assert_near(sp_proc_list_count(SP_STR("0")), 1);
  assert_true(isnan(sp_proc_list_count(SP_STR("\n"))));
  assert_true(isnan(sp_proc_list_count(SP_STR("3-0"))));
  assert_true(isnan(sp_proc_list_count(SP_STR("0-99999999999"))));
}

static void processors_by_state(void **state) {
  (void)state;
  struct sp_proc_cpu cpu;
  assert_true(sp_proc_cpu(SP_STR("cpu  100 20 30 800 40 1 2 7 50 0\ncpu0 1\ncpu1 2\nintr 5\n"), &cpu));
  assert_near(cpu.busy, 153);
  assert_near(cpu.iowait, 40);
  assert_near(cpu.steal, 7);
  assert_near(cpu.all, 1000);
  assert_near(cpu.cpus, 2);
  assert_true(sp_proc_cpu(SP_STR("cpu  1 1 1 1 1 1 1\ncpu0 1\n"), &cpu)); /* an old kernel: no steal */
  assert_near(cpu.steal, 0);
  assert_false(sp_proc_cpu(SP_STR("cpu  1 2\ncpu0 1\n"), &cpu));
  assert_false(sp_proc_cpu(SP_STR("cpu  1 1 1 1 1 1 1 1\n"), &cpu));
  struct sp_str schedstat = SP_STR("version 15\ncpu0 0 0 0 0 0 0 5 700000000 9\ndomain0 3\ncpu1 0 0 0 0 0 0 5 300000000 9\n");
  assert_near(sp_proc_run_wait_s(schedstat), 1);
  assert_true(isnan(sp_proc_run_wait_s(SP_STR("version 15\n"))));
}

static const char diskstats[] = "   7       0 loop0 1 0 8 1 2 0 16 4 0 5 6\n"
                                "   8       0 sda 10 0 80 5 20 0 160 40 0 50 60 0 0 0 0 0 0\n"
                                "   8       1 sda1 10 0 80 5 20 0 160 40 0 50 60\n"
                                " 259       0 nvme0n1 1 0 8 1 2 0 16 4 0 5 6\n"
                                " 259       1 nvme0n1p1 1 0 8 1 2 0 16 4 0 5 6\n"
                                " 259       5 nvme0n2 1 0 8 1\n"
                                " 253       0 dm-0 1 0 8 1 2 0 16 4 0 5 6\n";

static void disks_without_their_partitions(void **state) {
  (void)state;
  struct sp_proc_disks disks = {.rest = sp_str_from(diskstats)};
  struct sp_proc_disk disk;
  static const char *const names[] = {"sda", "nvme0n1", "dm-0"};
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    assert_true(sp_proc_disk_next(&disks, &disk));
    assert_true(sp_str_eq(disk.name, sp_str_from(names[i])));
    assert_int_equal(disk.stacked, i == 2);
    if (i > 0) continue;
    assert_near(disk.read_bytes, 80 * 512);
    assert_near(disk.written_bytes, 160 * 512);
    assert_near(disk.writes, 20);
    assert_near(disk.write_s, 0.040);
    assert_near(disk.busy_s, 0.050);
    assert_near(disk.queue_s, 0.060);
  }
  assert_false(sp_proc_disk_next(&disks, &disk));
}

static void interfaces_without_the_loopback(void **state) {
  (void)state;
  struct sp_str text = SP_STR("Inter-|   Receive      |  Transmit\n face |bytes packets errs drop fifo\n"
                              "    lo: 5 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n  eth0:743 32 1 2 0 0 0 0 222 25 3 4 0 0 0 0\n"
                              "  bad0: 1 2 3\n");
  struct sp_proc_interface interface;
  assert_true(sp_proc_interface_next(&text, &interface));
  assert_true(sp_str_eq(interface.name, SP_STR("eth0")));
  assert_near(interface.in_bytes, 743);
  assert_near(interface.out_bytes, 222);
  assert_near(interface.drops, 10);
  assert_false(sp_proc_interface_next(&text, &interface));
}

static const char mountstats[] = "device proc mounted on /proc with fstype proc\n"
                                 "device db:/pg mounted on /data with fstype nfs4 statvers=1.1\n"
                                 "\tage:\t1000\n\txprt:\ttcp 0 0 1 0 5 100 100 0 100 0 2 0 0\n\tper-op statistics\n"
                                 "\t       WRITE: 200 201 0 900 300 500 4000 4600 0\n"
                                 "\t      COMMIT: 50 50 0 8 6 5 1000 1010 0\n\t      BROKEN: 50 50\n"
                                 "device db:/other mounted on /other with fstype nfs statvers=1.1\n"
                                 "\tper-op statistics\n\t        READ: 1 1 0 1 1 2 3 5\n"
                                 "device /dev/vda mounted on / with fstype ext4\n";

static void nfs_by_mount_and_operation(void **state) {
  (void)state;
  struct sp_proc_mounts mounts = {.rest = sp_str_from(mountstats)};
  struct sp_proc_nfs nfs;
  static const struct {
    const char *mount, *op;
    double ops, queue_s, time_s;
  } rows[] = {{"/data", "WRITE", 200, 0.5, 4}, {"/data", "COMMIT", 50, 0.005, 1}, {"/data", "", 250, 0.505, 5},
              {"/other", "READ", 1, 0.002, 0.003}, {"/other", "", 1, 0.002, 0.003}};
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    assert_true(sp_proc_nfs_next(&mounts, &nfs));
    assert_true(sp_str_eq(nfs.mount, sp_str_from(rows[i].mount)));
    assert_true(sp_str_eq(nfs.op, sp_str_from(rows[i].op)));
    assert_near(nfs.ops, rows[i].ops);
    assert_near(nfs.queue_s, rows[i].queue_s);
    assert_near(nfs.time_s, rows[i].time_s);
  }
  assert_false(sp_proc_nfs_next(&mounts, &nfs));
}

static void a_process_whose_name_looks_like_fields(void **state) {
  (void)state;
  struct sp_proc_process process;
  assert_true(sp_proc_process(SP_STR("42 (a) b) (c) S 1 42 42 0 -1 4194560 100 0 3 0 200 100 0 0 20 0 7 0 555 1 1\n"), &process));
  assert_true(sp_str_eq(process.name, SP_STR("a) b) (c")));
  assert_near(process.parent, 1);
  assert_near(process.major_faults, 3);
  assert_near(process.cpu, 300);
  assert_near(process.threads, 7);
  assert_near(process.start, 555);
  assert_false(sp_proc_process(SP_STR("42 (a) S 1 42"), &process));
  assert_false(sp_proc_process(SP_STR(")("), &process));
  assert_false(sp_proc_process(SP_STR(""), &process));
}

static void who_waits_to_be_accepted(void **state) {
  (void)state;
  struct sp_str text = SP_STR("  sl  local_address rem_address   st tx_queue rx_queue\n"
                              "   0: 0100007F:1389 00000000:0000 0A 00000000:0000000A 00:00000000 00000000 0 0 624\n"
                              "   1: 00000000:1389 00000000:0000 0A 00000000:00000002 00:00000000 00000000 0 0 625\n"
                              "   2: 0100007F:1389 0100007F:9999 01 00000000:00000063 00:00000000 00000000 0 0 625\n"
                              "   3: 0100007F:138A 00000000:0000 0A 00000000:00000063 00:00000000 00000000 0 0 626\n"
                              "   4: 0100007F:1389 00000000:0000 0A 00000000:xyz\n");
  assert_near(sp_proc_accept_waiting(text, 5001), 12);
  assert_true(isnan(sp_proc_accept_waiting(text, 80)));
  struct sp_str six = SP_STR("   0: 00000000000000000000000000000000:1389 00000000000000000000000000000000:0000 0A "
                             "00000000:00000003 00\n");
  assert_near(sp_proc_accept_waiting(six, 5001), 3);
}

static void a_file_is_read_to_its_cap(void **state) {
  (void)state;
  struct sp_proc proc;
  struct sp_str text;
  struct sp_err err;
  sp_proc_init(&proc, "/dev");
  assert_int_equal(sp_proc_read(&proc, &text, &err, "%s", "zero"), 0);
  assert_int_equal(text.len, SP_PROC_FILE_MAX);
  assert_int_equal(sp_proc_read(&proc, &text, &err, "no/%u", 1u), SP_EIO);
  assert_string_equal(err.text, "/dev/no/1: No such file or directory");
  assert_int_equal(text.len, 0);
  assert_false(sp_proc_has(&proc, &text, "shm"));
  sp_proc_fini(&proc);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_are_digits_only),
      cmocka_unit_test(values_are_found_by_their_whole_name),
      cmocka_unit_test(names_above_their_values),
      cmocka_unit_test(pressure_is_in_seconds),
      cmocka_unit_test(lists_of_processors),
      cmocka_unit_test(processors_by_state),
      cmocka_unit_test(disks_without_their_partitions),
      cmocka_unit_test(interfaces_without_the_loopback),
      cmocka_unit_test(nfs_by_mount_and_operation),
      cmocka_unit_test(a_process_whose_name_looks_like_fields),
      cmocka_unit_test(who_waits_to_be_accepted),
      cmocka_unit_test(a_file_is_read_to_its_cap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
