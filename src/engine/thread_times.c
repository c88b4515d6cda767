#include "engine/thread_times.h"

#include "base/clock.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

bool sp_schedstat_parse(const char *text, int64_t *out_wait_ns) {
  long long ran_ns, waited_ns;
  if (sscanf(text, "%lld %lld", &ran_ns, &waited_ns) != 2 || waited_ns < 0) return false;
  *out_wait_ns = waited_ns;
  return true;
}

static int64_t read_wait_ns(void) {
  char text[128];
  int64_t wait_ns = 0;
  int fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t len = read(fd, text, sizeof(text) - 1);
  close(fd);
  if (len <= 0) return 0;
  text[len] = '\0';
  return sp_schedstat_parse(text, &wait_ns) ? wait_ns : 0;
}

void sp_thread_times_read(struct sp_thread_times *out) {
  out->cpu_ns = sp_clock_thread_cpu_ns();
  out->wait_ns = read_wait_ns();
}
