/* host=cgroup:PATH: a container, a service, a slice; version 2, and version 1 where its files say the same. */
#include "watch/host.h"

#include "base/mem.h"
#include "watch/processes.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LEVELS_MAX 16u /* cgroups above it whose limits hold for it too */
#define UP_SIZE (3 * LEVELS_MAX + 1)
#define SHORT_ID 12u /* characters of a container's id that people see elsewhere */
#define LONG_ID 32u  /* so many hexadecimal digits are an id */
#define US 1e-6
#define NS 1e-9
#define KIB 1024.0

struct state {
  struct sp_proc files; /* below the cgroup itself; version 1: below where cgroups are mounted */
  char *below;          /* version 1: the cgroup's path below each controller; NULL: version 2 */
  char *folder;
  struct sp_processes processes;
};

static const struct sp_host_file files_v2[] = {
    {"cpu.stat", "CPU and throttling", "is the path right? (`systemd-cgls`, `docker inspect`)", NULL},
    {"cpu.pressure", "pressure (PSI)", "boot the kernel with psi=1", NULL},
    {"memory.current", "memory", "its parent gives it no memory controller (cgroup.subtree_control)", NULL},
    {"memory.events", "OOM kills", NULL, NULL},
    {"io.stat", "disk I/O", "its parent gives it no io controller (cgroup.subtree_control)", NULL},
    {"cgroup.procs", "its processes", "read it as root, or as their user", NULL},
    {NULL, NULL, NULL, NULL},
};
static const struct sp_host_file files_v1[] = {
    {"cpu.stat", "throttling", "it is not in the cpu hierarchy", "cpu"},
    {"cpuacct.usage", "CPU", "it is not in the cpuacct hierarchy; its processes are added up", "cpuacct"},
    {"memory.usage_in_bytes", "memory", "it is not in the memory hierarchy; its processes are added up", "memory"},
    {"blkio.throttle.io_service_bytes", "disk I/O", "it is not in the blkio hierarchy; its processes are added up", "blkio"},
    {NULL, NULL, NULL, NULL},
};

/* -- which -- */

/* "docker-<64 digits>.scope" is docker-0123456789ab. */
static char *name_of(const char *path) {
  const char *slash = strrchr(path, '/');
  char *name = sp_strdup(slash ? slash + 1 : path), *from = name;
  for (; *from; from++) {
    size_t digits = 0;
    while (isxdigit((unsigned char)from[digits])) digits++;
    if (digits < LONG_ID) continue;
    from[SHORT_ID] = '\0';
    break;
  }
  return name;
}

static int no_cgroup(const char *folder, struct sp_err *err) {
  return sp_fail(err, SP_EIO, "there is no cgroup at '%s': `systemd-cgls` shows where it is", folder);
}

/* Version 1: MOUNT/CONTROLLER/PATH, a tree for each controller. */
static int find_v1(struct sp_host *host, struct state *state, struct sp_err *err) {
  size_t len = strlen(host->cgroups);
  const char *controller = state->folder + len + 1, *below = NULL;
  if (strncmp(state->folder, host->cgroups, len) == 0 && state->folder[len] == '/') below = strchr(controller, '/');
  if (!below) return no_cgroup(state->folder, err);
  state->below = sp_strdup(below + 1);
  sp_proc_fini(&state->files);
  sp_proc_init(&state->files, host->cgroups);
  return 0;
}

static bool has(struct state *state, struct sp_str *text, const char *controller, const char *up, const char *file) {
  return state->below ? sp_proc_has(&state->files, text, "%s/%s/%s%s", controller, state->below, up, file)
                      : sp_proc_has(&state->files, text, "%s%s", up, file);
}

/* Looked for at each probe: a container may not have begun yet. */
static int find(struct sp_host *host, struct sp_err *err) {
  struct state *state = host->state;
  struct sp_str text;
  free(state->below);
  state->below = NULL;
  sp_proc_fini(&state->files);
  sp_proc_init(&state->files, state->folder);
  if (!has(state, &text, "", "", "cgroup.procs")) return no_cgroup(state->folder, err);
  if (sp_proc_has(&state->files, &text, "cgroup.controllers") || sp_proc_has(&state->files, &text, "cpu.max")) return 0;
  return find_v1(host, state, err);
}

static int open_cgroup(struct sp_host *host, struct sp_err *err) {
  struct state *state = sp_alloc(sizeof(*state));
  size_t len = strlen(host->name);
  (void)err;
  while (len > 1 && host->name[len - 1] == '/') host->name[--len] = '\0';
  size_t size = strlen(host->cgroups) + len + 2;
  state->folder = sp_alloc(size);
  bool whole = host->name[0] == '/';
  snprintf(state->folder, size, "%s%s%s", whole ? "" : host->cgroups, whole ? "" : "/", host->name);
  sp_proc_init(&state->files, state->folder);
  sp_processes_init(&state->processes, &host->proc);
  host->state = state;
  if (!host->subject) host->subject = name_of(host->name);
  return 0;
}

static void close_cgroup(struct sp_host *host) {
  struct state *state = host->state;
  if (!state) return;
  sp_processes_fini(&state->processes);
  sp_proc_fini(&state->files);
  free(state->below);
  free(state->folder);
  free(state);
}

/* -- limits: the tightest of its own and those above -- */

struct limit {
  double value; /* NAN: none */
  char up[UP_SIZE];
};

static double cpu_limit_at(struct state *state, const char *up) {
  struct sp_str text;
  double numbers[2];
  if (!state->below) {
    bool found = has(state, &text, "", up, "cpu.max") && sp_proc_numbers(sp_str_trim(text), numbers, 2) == 2;
    return found && numbers[1] > 0 ? numbers[0] / numbers[1] : NAN;
  }
  has(state, &text, "cpu", up, "cpu.cfs_quota_us");
  double quota_us = sp_proc_number(sp_str_trim(text));
  has(state, &text, "cpu", up, "cpu.cfs_period_us");
  double period_us = sp_proc_number(sp_str_trim(text));
  return period_us > 0 ? quota_us / period_us : NAN;
}

static double memory_limit_at(struct state *state, const char *up) {
  struct sp_str text;
  has(state, &text, "memory", up, state->below ? "memory.limit_in_bytes" : "memory.max");
  return sp_proc_number(sp_str_trim(text));
}

/* Above the mount there are no such files, so that the levels need no counting. */
static struct limit tightest(struct state *state, double (*limit_at)(struct state *state, const char *up)) {
  struct limit found = {.value = NAN};
  char up[UP_SIZE] = "";
  for (unsigned level = 0; level < LEVELS_MAX; level++) {
    double value = limit_at(state, up);
    if (!isnan(value) && !(found.value <= value)) {
      found.value = value;
      memcpy(found.up, up, sizeof(up));
    }
    strcat(up, "../");
  }
  return found;
}

/* -- a look -- */

static void look_at_cpu(struct sp_host *host, struct sp_look *look) {
  struct state *state = host->state;
  struct sp_str text;
  struct limit limit = tightest(state, cpu_limit_at);
  if (state->below) {
    if (has(state, &text, "cpuacct", "", "cpuacct.usage")) {
      sp_look_set(look, SP_SIGNAL_CPU_CORES, sp_proc_number(sp_str_trim(text)) * NS, "cpuacct.usage");
    }
  } else if (has(state, &text, "", "", "cpu.stat")) {
    sp_look_set(look, SP_SIGNAL_CPU_CORES, sp_proc_value(text, "usage_usec") * US, "cpu.stat");
  }
  if (!isnan(limit.value) && has(state, &text, "cpu", limit.up, "cpu.stat")) {
    sp_look_share(look, SP_SIGNAL_CPU_THROTTLED, sp_proc_value(text, "nr_throttled"), sp_proc_value(text, "nr_periods"),
                  "cpu.stat");
  }
  if (isnan(limit.value) && has(state, &text, "cpuset", "", "cpuset.cpus.effective")) limit.value = sp_proc_list_count(text);
  if (isnan(limit.value)) limit.value = sp_host_cpus(host);
  sp_look_set(look, SP_SIGNAL_CPU_LIMIT, limit.value, state->below ? "cpu.cfs_quota_us" : "cpu.max");
}

/* The page cache that nobody has touched lately is given back when memory gets tight. */
static void look_at_memory(struct sp_host *host, struct sp_look *look) {
  struct state *state = host->state;
  struct sp_str text;
  bool v1 = state->below != NULL;
  const char *usage = v1 ? "memory.usage_in_bytes" : "memory.current";
  if (!has(state, &text, "memory", "", usage)) return;
  double used = sp_proc_number(sp_str_trim(text)), limit = tightest(state, memory_limit_at).value;
  if (has(state, &text, "memory", "", "memory.stat")) {
    used -= sp_proc_value(text, v1 ? "total_inactive_file" : "inactive_file");
    sp_look_set(look, SP_SIGNAL_MEMORY_MAJOR_FAULTS, sp_proc_value(text, v1 ? "total_pgmajfault" : "pgmajfault"),
                "memory.stat");
    sp_look_set(look, SP_SIGNAL_MEMORY_SWAP, sp_proc_value(text, "pswpin") + sp_proc_value(text, "pswpout"), "memory.stat");
  }
  /* version 1 says 2^63 where there is none */
  if (sp_proc_has(&host->proc, &text, "meminfo")) limit = fmin(limit, sp_proc_value(text, "MemTotal") * KIB);
  sp_look_set(look, SP_SIGNAL_MEMORY_USED, used < 0 ? 0 : used, usage);
  sp_look_set(look, SP_SIGNAL_MEMORY_LIMIT, limit, v1 ? "memory.limit_in_bytes" : "memory.max");
  if (has(state, &text, "memory", "", v1 ? "memory.oom_control" : "memory.events")) {
    sp_look_set(look, SP_SIGNAL_MEMORY_OOM_KILLS, sp_proc_value(text, "oom_kill"), v1 ? "memory.oom_control" : "memory.events");
  }
}

/* "254:0 Read 4096": of all devices. */
static double blkio_sum(struct sp_str text, struct sp_str what) {
  double sum = NAN;
  while (text.len) {
    struct sp_str line = sp_str_split(&text, '\n');
    sp_proc_word(&line);
    if (!sp_str_eq(sp_proc_word(&line), what)) continue;
    double bytes = sp_proc_number(sp_proc_word(&line));
    if (!isnan(bytes)) sum = isnan(sum) ? bytes : sum + bytes;
  }
  return sum;
}

static void look_at_io(struct state *state, struct sp_look *look) {
  static const char v1_file[] = "blkio.throttle.io_service_bytes";
  struct sp_str text;
  if (state->below && has(state, &text, "blkio", "", v1_file)) {
    sp_look_set(look, SP_SIGNAL_IO_READ, blkio_sum(text, SP_STR("Read")), v1_file);
    sp_look_set(look, SP_SIGNAL_IO_WRITE, blkio_sum(text, SP_STR("Write")), v1_file);
  } else if (!state->below && has(state, &text, "", "", "io.stat")) {
    sp_look_set(look, SP_SIGNAL_IO_READ, sp_proc_sum(text, "rbytes"), "io.stat");
    sp_look_set(look, SP_SIGNAL_IO_WRITE, sp_proc_sum(text, "wbytes"), "io.stat");
  }
}

/* What only the processes know: waiting for a CPU, open files, threads. The first of them goes into *first ("" where there is
 * none): its network is the cgroup's. */
static void look_at_processes(struct state *state, struct sp_look *look, char *first, size_t size) {
  struct sp_str text;
  *first = '\0';
  if (!has(state, &text, "cpu", "", "cgroup.procs")) return;
  sp_processes_begin(&state->processes, look->at_ns);
  while (text.len) {
    double pid = sp_proc_number(sp_str_split(&text, '\n'));
    if (!(pid >= 1 && pid <= INT32_MAX)) continue; /* 0: of another PID namespace */
    if (*first == '\0') snprintf(first, size, "%u", (unsigned)pid);
    sp_processes_add(&state->processes, (unsigned)pid);
  }
  sp_processes_end(&state->processes, look);
}

/* -- the place -- */

static int probe(struct sp_host *host, struct sp_watch_sink *sink, struct sp_err *err) {
  struct sp_look look;
  char first[16];
  if (find(host, err)) return err->code;
  struct state *state = host->state;
  sp_host_tell_files(&state->files, state->below ? files_v1 : files_v2, state->below, sink);
  sp_look_init(&look, host->subject, NULL, NULL, sp_clock_real_ns());
  look_at_processes(state, &look, first, sizeof(first));
  sp_host_accept_probe(host, sink, *first ? first : host->self);
  return 0;
}

static int sample(struct sp_host *host, struct sp_watch_sink *sink, struct sp_err *err) {
  static const char *const pressure[] = {"cpu.pressure", "memory.pressure", "io.pressure"};
  struct state *state = host->state;
  struct sp_str text;
  struct sp_look look;
  char first[16];
  if (!has(state, &text, "cpu", "", "cpu.stat")) return sp_fail(err, SP_EIO, "the cgroup '%s' is gone", state->folder);
  sp_look_init(&look, host->subject, NULL, state->folder, sp_clock_real_ns());
  look_at_processes(state, &look, first, sizeof(first)); /* the cgroup's own figures replace theirs */
  look_at_cpu(host, &look);
  look_at_memory(host, &look);
  look_at_io(state, &look);
  if (!state->below) sp_host_pressure(&state->files, pressure, &look);
  sp_look_tell(&look, &host->rates, sink);
  if (*first && sp_host_own_network(host, first)) sp_host_network(host, sink, first, look.at_ns);
  sp_host_accept(host, sink, *first ? first : host->self, look.at_ns);
  return 0;
}

const struct sp_host_place sp_host_cgroup = {
    .prefix = "cgroup:", .open = open_cgroup, .probe = probe, .sample = sample, .close = close_cgroup};
