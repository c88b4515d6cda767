/*
 * How much CPU time the calling thread had, and how long it waited for a CPU while it could have run (the second
 * number of /proc/thread-self/schedstat, Documentation/scheduler/sched-stats.rst; 0 where the kernel keeps none).
 */
#ifndef SP_ENGINE_THREAD_TIMES_H
#define SP_ENGINE_THREAD_TIMES_H

#include <stdbool.h>
#include <stdint.h>

struct sp_thread_times {
  int64_t cpu_ns, wait_ns;
};

void sp_thread_times_read(struct sp_thread_times *out);
bool sp_schedstat_parse(const char *text, int64_t *out_wait_ns);

#endif
