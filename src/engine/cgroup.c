#include "engine/cgroup.h"

#include "base/str.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* -- parsers -- */

static bool parse_number(struct sp_str text, uint64_t *out) {
  uint64_t value = 0;
  for (size_t i = 0; i < text.len; i++) {
    if (text.bytes[i] < '0' || text.bytes[i] > '9') return false;
    uint64_t digit = (uint64_t)(text.bytes[i] - '0');
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value)) return false;
  }
  *out = value;
  return text.len > 0;
}

bool sp_cpu_stat_parse(const char *text, struct sp_throttling *into) {
  struct sp_str rest = sp_str_from(text);
  bool found = false;
  while (rest.len > 0) {
    struct sp_str value = sp_str_split(&rest, '\n');
    struct sp_str name = sp_str_split(&value, ' ');
    uint64_t number;
    if (!parse_number(sp_str_trim(value), &number) || number > INT64_MAX / 1000) continue;
    if (sp_str_eq(name, SP_STR("nr_throttled"))) {
      into->periods += number;
      found = true;
    } else if (sp_str_eq(name, SP_STR("throttled_usec"))) {
      into->throttled_ns += (int64_t)number * 1000;
    } else if (sp_str_eq(name, SP_STR("throttled_time"))) {
      into->throttled_ns += (int64_t)number;
    }
  }
  return found;
}

static bool names_cpu(struct sp_str controllers) {
  while (controllers.len > 0)
    if (sp_str_eq(sp_str_split(&controllers, ','), SP_STR("cpu"))) return true;
  return false;
}

/* Lines are "number:controllers:path". */
bool sp_cgroup_membership_parse(const char *text, char *path, size_t size, bool *is_v1) {
  struct sp_str rest = sp_str_from(text), found = { 0 };
  *is_v1 = false;
  while (rest.len > 0 && !*is_v1) {
    struct sp_str line = sp_str_split(&rest, '\n');
    struct sp_str number = sp_str_split(&line, ':');
    struct sp_str controllers = sp_str_split(&line, ':');
    *is_v1 = names_cpu(controllers);
    if (*is_v1 || (sp_str_eq(number, SP_STR("0")) && controllers.len == 0)) found = line;
  }
  if (found.len == 0 || found.len >= size) return false;
  snprintf(path, size, SP_STR_FMT, SP_STR_ARG(found));
  return true;
}

/* -- files -- */

static bool read_file(const char *path, char *text) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t len = read(fd, text, SP_CGROUP_FILE_MAX - 1);
  close(fd);
  text[len > 0 ? len : 0] = '\0';
  return len > 0;
}

static void add_level(const char *folder, struct sp_throttling *out) {
  char path[PATH_MAX], text[SP_CGROUP_FILE_MAX];
  int len = snprintf(path, sizeof(path), "%s/cpu.stat", folder);
  if (len < 0 || (size_t)len >= sizeof(path) || !read_file(path, text)) return;
  if (sp_cpu_stat_parse(text, out)) out->known = true;
}

/* Where a container sees only its own part, the path is not below the mount: then the mount itself is asked. */
static void add_levels(const char *mount, const char *cgroup, struct sp_throttling *out) {
  char folder[PATH_MAX];
  int len = snprintf(folder, sizeof(folder), "%s%s", mount, cgroup);
  size_t root = strlen(mount);
  if (len < 0 || (size_t)len >= sizeof(folder)) return;
  for (unsigned level = 0; level < SP_CGROUP_DEPTH_MAX; level++) {
    char *slash = strrchr(folder, '/');
    if (slash != NULL && slash[1] == '\0' && strlen(folder) > root) { /* "…/" is the root */
      *slash = '\0';
      continue;
    }
    add_level(folder, out);
    if (slash == NULL || strlen(folder) <= root) return;
    *slash = '\0';
  }
}

void sp_throttling_read(const struct sp_cgroup_paths *paths, struct sp_throttling *out) {
  const char *membership = paths != NULL && paths->membership != NULL ? paths->membership : "/proc/self/cgroup";
  const char *mount = paths != NULL && paths->mount != NULL ? paths->mount : "/sys/fs/cgroup";
  char text[SP_CGROUP_FILE_MAX], cgroup[PATH_MAX / 2], v1_mount[PATH_MAX / 2];
  bool is_v1;
  *out = (struct sp_throttling){ 0 };
  if (!read_file(membership, text) || !sp_cgroup_membership_parse(text, cgroup, sizeof(cgroup), &is_v1)) return;
  snprintf(v1_mount, sizeof(v1_mount), "%s/cpu", mount); /* everywhere at least a link to "cpu,cpuacct" */
  add_levels(is_v1 ? v1_mount : mount, cgroup, out);
}

struct sp_throttling sp_throttling_between(const struct sp_throttling *begin, const struct sp_throttling *end) {
  struct sp_throttling between = { .known = begin->known && end->known };
  if (!between.known) return between;
  between.periods = end->periods > begin->periods ? end->periods - begin->periods : 0;
  between.throttled_ns = end->throttled_ns > begin->throttled_ns ? end->throttled_ns - begin->throttled_ns : 0;
  return between;
}
