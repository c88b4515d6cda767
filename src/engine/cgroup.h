/*
 * Whether the generator's own cgroup was throttled: cpu.stat of each cgroup from its own up to the root, where a CPU
 * limit may stand (Documentation/admin-guide/cgroup-v2.rst, "CPU"; cgroup-v1 and scheduler/sched-bwc.rst).
 */
#ifndef SP_ENGINE_CGROUP_H
#define SP_ENGINE_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sp_throttling {
  bool known;            /* a cpu.stat with these numbers was found */
  uint64_t periods;      /* in which it used its limit up */
  int64_t throttled_ns;  /* added up over its CPUs */
};

struct sp_cgroup_paths { /* for tests; NULL: the machine's own */
  const char *membership; /* /proc/self/cgroup */
  const char *mount;      /* /sys/fs/cgroup */
};

#define SP_CGROUP_DEPTH_MAX 32u /* levels that are looked at */
#define SP_CGROUP_FILE_MAX 8192u

/* The counters now, summed over the levels. Nothing there is no error: known is false. */
void sp_throttling_read(const struct sp_cgroup_paths *paths, struct sp_throttling *out);
/* What was added between two readings. */
struct sp_throttling sp_throttling_between(const struct sp_throttling *begin, const struct sp_throttling *end);

/* Adds the numbers of a cpu.stat (v2: throttled_usec, v1: throttled_time); false where it has none. */
bool sp_cpu_stat_parse(const char *text, struct sp_throttling *into);
/* The path of the cgroup that has the CPU controller in a /proc/self/cgroup text, v2's ("0::") where v1 has none.
 * *is_v1 says which. False where there is none, or it is longer than size. */
bool sp_cgroup_membership_parse(const char *text, char *path, size_t size, bool *is_v1);

#endif
