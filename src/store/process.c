#include "store/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void read_line(const char *path, char *out, size_t size) {
  out[0] = 0;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t len = fd >= 0 ? read(fd, out, size - 1) : 0;
  if (fd >= 0) {
    close(fd);
  }
  out[len > 0 ? len : 0] = 0;
  out[strcspn(out, "\n")] = 0;
}

/* Field 22 of /proc/PID/stat; the name before it stands in brackets and may hold anything. 0: no such process. */
static uint64_t start_of(int64_t pid) {
  char path[64], text[1024];
  snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
  read_line(path, text, sizeof(text));
  const char *at = strrchr(text, ')');
  for (int field = 2; at && field < 22; field++) {
    at = strchr(at + 1, ' ');
  }
  return at ? strtoull(at + 1, NULL, 10) : 0;
}

static uint64_t own_space(void) {
  struct stat facts;
  return stat("/proc/self/ns/pid", &facts) == 0 ? (uint64_t)facts.st_ino : 0;
}

void sp_process_self(struct sp_process *out) {
  *out = (struct sp_process){ .pid = getpid(), .started = start_of(getpid()), .space = own_space() };
  read_line("/proc/sys/kernel/random/boot_id", out->boot, sizeof(out->boot));
}

bool sp_process_is_gone(const struct sp_process *process, int64_t silent_ns) {
  struct sp_process self;
  sp_process_self(&self);
  if (strcmp(process->boot, self.boot) != 0) {
    return true;
  }
  if (process->space != self.space) {
    return silent_ns > SP_SILENT_NS;
  }
  if (kill((pid_t)process->pid, 0) != 0 && errno == ESRCH) {
    return true;
  }
  return process->started != start_of(process->pid);
}
