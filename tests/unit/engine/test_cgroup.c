/* Whether the generator was throttled, from cpu.stat files of a tree made here. */
#include "rig.h"

#include "engine/cgroup.h"
#include "engine/thread_times.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void cpu_stat(void **state) {
  (void)state;
  struct sp_throttling sum = { 0 };
  assert_true(sp_cpu_stat_parse("usage_usec 5\nnr_periods 10\nnr_throttled 3\nthrottled_usec 4500\n", &sum));
  assert_int_equal(sum.periods, 3);
  assert_int_equal(sum.throttled_ns, 4500000);
  assert_true(sp_cpu_stat_parse("nr_periods 10\nnr_throttled 2\nthrottled_time 77", &sum)); /* v1: ns */
  assert_int_equal(sum.periods, 5);
  assert_int_equal(sum.throttled_ns, 4500077);
  assert_false(sp_cpu_stat_parse("", &sum));
  assert_false(sp_cpu_stat_parse("usage_usec 5\n", &sum)); /* the root of v2 has no more */
  assert_false(sp_cpu_stat_parse("nr_throttled\nnr_throttled x\nnr_throttled 99999999999999999999999\n\n\n", &sum));
  assert_int_equal(sum.periods, 5);
}

static void every_cut_of_it(void **state) {
  (void)state;
  static const char text[] = "nr_periods 10\nnr_throttled 3\nthrottled_usec 4500\n";
  for (size_t len = 0; len < sizeof(text); len++) {
    char *cut = strndup(text, len);
    struct sp_throttling sum = { 0 };
    sp_cpu_stat_parse(cut, &sum);
    assert_true(sum.periods <= 3 && sum.throttled_ns <= 4500000);
    free(cut);
  }
}

static void membership(void **state) {
  (void)state;
  char path[64];
  bool is_v1;
  assert_true(sp_cgroup_membership_parse("0::/user.slice/a\n", path, sizeof(path), &is_v1));
  assert_string_equal(path, "/user.slice/a");
  assert_false(is_v1);
  static const char mixed[] = "9:name=systemd:/\n2:cpuset:/x\n1:cpuacct,cpu:/lim:it\n0::/u\n";
  assert_true(sp_cgroup_membership_parse(mixed, path, sizeof(path), &is_v1));
  assert_string_equal(path, "/lim:it");
  assert_true(is_v1);
  assert_false(sp_cgroup_membership_parse("4:memory:/x\n", path, sizeof(path), &is_v1));
  assert_false(sp_cgroup_membership_parse("", path, sizeof(path), &is_v1));
  assert_false(sp_cgroup_membership_parse("0::/user.slice/a\n", path, 5, &is_v1));
}

static char root[] = "/tmp/spate-cgroup-XXXXXX";

static void write_text(const char *name, const char *text) {
  char path[256];
  snprintf(path, sizeof(path), "%s/%s", root, name);
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
}

static void make_folder(const char *name) {
  char path[256];
  snprintf(path, sizeof(path), "%s/%s", root, name);
  assert_int_equal(mkdir(path, 0700), 0);
}

static int make_tree(void **state) {
  (void)state;
  if (mkdtemp(root) == NULL) return -1;
  make_folder("mount");
  make_folder("mount/pod");
  make_folder("mount/pod/box");
  write_text("mount/cpu.stat", "usage_usec 1\n");
  write_text("mount/pod/cpu.stat", "nr_throttled 5\nthrottled_usec 100\n");
  write_text("mount/pod/box/cpu.stat", "nr_throttled 2\nthrottled_usec 10\n");
  return 0;
}

static int remove_tree(void **state) {
  (void)state;
  char command[64];
  snprintf(command, sizeof(command), "rm -r %s", root);
  return system(command);
}

static void read_as(const char *membership_text, struct sp_throttling *out) {
  char own[256], mount[256];
  write_text("own", membership_text);
  snprintf(own, sizeof(own), "%s/own", root);
  snprintf(mount, sizeof(mount), "%s/mount", root);
  struct sp_cgroup_paths paths = { own, mount };
  sp_throttling_read(&paths, out);
}

/* A limit may stand at any level above: a container's in its pod's. */
static void all_levels_count(void **state) {
  (void)state;
  struct sp_throttling before, after;
  read_as("0::/pod/box\n", &before);
  assert_true(before.known);
  assert_int_equal(before.periods, 7);
  assert_int_equal(before.throttled_ns, 110000);
  write_text("mount/pod/cpu.stat", "nr_throttled 9\nthrottled_usec 500\n");
  read_as("0::/pod/box\n", &after);
  struct sp_throttling between = sp_throttling_between(&before, &after);
  assert_true(between.known);
  assert_int_equal(between.periods, 4);
  assert_int_equal(between.throttled_ns, 400000);
}

static void what_is_not_there(void **state) {
  (void)state;
  struct sp_throttling throttling, none = { 0 };
  read_as("0::/\n", &throttling);
  assert_false(throttling.known);
  read_as("0::/docker/gone\n", &throttling); /* not below the mount, whose own file says nothing */
  assert_false(throttling.known);
  write_text("mount/cpu.stat", "nr_throttled 1\nthrottled_usec 1\n");
  read_as("0::/docker/gone\n", &throttling);
  assert_true(throttling.known);
  assert_int_equal(throttling.periods, 1);
  assert_false(sp_throttling_between(&none, &throttling).known);
  struct sp_cgroup_paths paths = { "/nonexistent", "/nonexistent" };
  sp_throttling_read(&paths, &throttling);
  assert_false(throttling.known);
}

static void schedstat(void **state) {
  (void)state;
  int64_t wait_ns = -1;
  assert_true(sp_schedstat_parse("5000 1234 7\n", &wait_ns));
  assert_int_equal(wait_ns, 1234);
  assert_false(sp_schedstat_parse("", &wait_ns));
  assert_false(sp_schedstat_parse("5000", &wait_ns));
  assert_false(sp_schedstat_parse("x y z", &wait_ns));
  struct sp_thread_times first, second;
  sp_thread_times_read(&first);
  for (volatile int i = 0; i < 1000000; i++) {
  }
  sp_thread_times_read(&second);
  assert_true(second.cpu_ns > first.cpu_ns);
  assert_true(second.wait_ns >= first.wait_ns);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(cpu_stat),         cmocka_unit_test(every_cut_of_it),   cmocka_unit_test(membership),
    cmocka_unit_test(all_levels_count), cmocka_unit_test(what_is_not_there), cmocka_unit_test(schedstat),
  };
  return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
