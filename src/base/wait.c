#include "base/wait.h"

#include "base/check.h"
#include "base/clock.h"

#include <time.h>

void sp_cond_init(pthread_cond_t *cond) {
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  SP_CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
  SP_CHECK(pthread_cond_init(cond, &attributes) == 0);
  pthread_condattr_destroy(&attributes);
}

bool sp_cond_wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_ns) {
  struct timespec until = { .tv_sec = (time_t)(until_ns / SP_NS_PER_S), .tv_nsec = (long)(until_ns % SP_NS_PER_S) };
  return pthread_cond_timedwait(cond, lock, &until) == 0;
}
