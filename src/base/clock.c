#include "base/clock.h"

#include "base/check.h"

#include <stdio.h>
#include <time.h>

static int64_t read_clock(clockid_t id) {
  struct timespec t;
  SP_CHECK(clock_gettime(id, &t) == 0);
  return (int64_t)t.tv_sec * SP_NS_PER_S + t.tv_nsec;
}

int64_t sp_clock_mono_ns(void) { return read_clock(CLOCK_MONOTONIC); }

int64_t sp_clock_real_ns(void) { return read_clock(CLOCK_REALTIME); }

int64_t sp_clock_thread_cpu_ns(void) { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

void sp_clock_rfc3339(int64_t real_ns, char *text, size_t size) {
  int64_t seconds = real_ns / SP_NS_PER_S;
  int64_t rest_ns = real_ns % SP_NS_PER_S;
  if (rest_ns < 0) { /* before 1970 */
    seconds--;
    rest_ns += SP_NS_PER_S;
  }
  time_t time = (time_t)seconds;
  struct tm tm;
  SP_CHECK(gmtime_r(&time, &tm) != NULL);
  size_t len = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &tm);
  SP_CHECK(len > 0);
  snprintf(text + len, size - len, ".%03dZ", (int)(rest_ns / SP_NS_PER_MS));
}
