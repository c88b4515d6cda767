/* The machine's side of the self-test: limits and clocks, each with what to do where it is bad. */
#include "cli/selftest.h"

#include "base/units.h"
#include "cli/setup.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#define FILES_WISH 20000u  /* streams at once and their outputs */
#define PORTS_WISH 20000u
#define CLOCK_SOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

static void read_clock_source(char *text, size_t size) {
  int fd = open(CLOCK_SOURCE, O_RDONLY | O_CLOEXEC);
  ssize_t len = fd < 0 ? 0 : read(fd, text, size - 1);
  if (fd >= 0) close(fd);
  text[len > 0 ? len : 0] = '\0';
  text[strcspn(text, "\n")] = '\0';
}

/* As far as it goes: a run raises it likewise. */
static uint64_t raise_files(void) {
  struct sp_err ignored;
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit)) return 0;
  bool enough = limit.rlim_max >= FILES_WISH;
  (void)sp_raise_file_limit(enough ? limit.rlim_max - SP_FILES_BESIDE : FILES_WISH, &ignored);
  return getrlimit(RLIMIT_NOFILE, &limit) ? 0 : limit.rlim_cur;
}

void sp_selftest_machine_read(struct sp_selftest_machine *machine) {
  cpu_set_t set;
  *machine = (struct sp_selftest_machine){.processors = 1};
  if (sched_getaffinity(0, sizeof(set), &set) == 0) machine->processors = (unsigned)CPU_COUNT(&set);
  machine->files = raise_files();
  sp_port_range_read(NULL, &machine->port_low, &machine->port_high);
  read_clock_source(machine->clock_source, sizeof(machine->clock_source));
}

const char *sp_selftest_row_name(enum sp_selftest_row row) {
  static const char *const names[SP_ROWS] = {"engine threads", "open files", "local ports", "kernel stamps", "clock source",
                                             "cgroup"};
  return names[row];
}

static void throttling_text(const struct sp_throttling *throttling, char *text, size_t size) {
  char stood[SP_UNIT_TEXT_SIZE];
  if (!throttling->known) {
    snprintf(text, size, "no CPU limit is known");
  } else if (throttling->periods == 0) {
    snprintf(text, size, "not throttled");
  } else {
    snprintf(text, size, "throttled in %llu periods, stood still for %s", (unsigned long long)throttling->periods,
             sp_format_duration(throttling->throttled_ns, stood, sizeof(stood)));
  }
}

void sp_selftest_row_text(const struct sp_selftest_machine *machine, enum sp_selftest_row row, char *text, size_t size) {
  char count[SP_UNIT_TEXT_SIZE];
  switch (row) {
  case SP_ROW_THREADS: snprintf(text, size, "%u, one a processor that it may use", machine->processors); break;
  case SP_ROW_FILES: snprintf(text, size, "at most %s", sp_format_count(machine->files, count, sizeof(count))); break;
  case SP_ROW_PORTS:
    snprintf(text, size, "%u to %u: %.0f new connections a second to one address", machine->port_low, machine->port_high,
             sp_port_range_conn_rate(machine->port_low, machine->port_high));
    break;
  case SP_ROW_STAMPS: snprintf(text, size, "%s", machine->stamps ? "present" : "absent"); break;
  case SP_ROW_CLOCK: snprintf(text, size, "%s", machine->clock_source[0] ? machine->clock_source : "not known"); break;
  case SP_ROW_CGROUP:
  case SP_ROWS: throttling_text(&machine->throttling, text, size); break;
  }
}

/* Read without a system call; the others cost a microsecond and more each time. */
static bool is_fast_clock(const char *name) {
  static const char *const fast[] = {"tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter", "timebase",
                                     "riscv_clocksource", "tod"};
  for (size_t i = 0; i < sizeof(fast) / sizeof(fast[0]); i++) {
    if (strcmp(name, fast[i]) == 0) return true;
  }
  return name[0] == '\0';
}

static bool has_few_ports(const struct sp_selftest_machine *machine) {
  return machine->port_high > 0 && machine->port_high - machine->port_low + 1 < PORTS_WISH;
}

const char *sp_selftest_remedy(const struct sp_selftest_machine *machine, enum sp_selftest_row row) {
  const bool bad[SP_ROWS] = {
      [SP_ROW_FILES] = machine->files < FILES_WISH,
      [SP_ROW_PORTS] = has_few_ports(machine),
      [SP_ROW_STAMPS] = !machine->stamps,
      [SP_ROW_CLOCK] = !is_fast_clock(machine->clock_source),
      [SP_ROW_CGROUP] = machine->throttling.periods > 0,
  };
  static const char *const remedies[SP_ROWS] = {
      [SP_ROW_FILES] = "raise it: 'ulimit -n 65536' as root, LimitNOFILE=, or /etc/security/limits.conf",
      [SP_ROW_PORTS] = "widen it: sysctl net.ipv4.ip_local_port_range='10000 65535', or keep connections alive",
      [SP_ROW_STAMPS] = "an arrival has the time at which it was read: keep the generator's CPUs idle (no SO_TIMESTAMPNS)",
      [SP_ROW_CLOCK] = "a slow clock: boot with clocksource=tsc where the machine's TSC is stable",
      [SP_ROW_CGROUP] = "raise the CPU limit (cpu.max, a container's --cpus, a pod's limits.cpu) or take it away",
  };
  return bad[row] ? remedies[row] : NULL;
}
