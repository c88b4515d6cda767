/*
 * What load to make: shape, user classes, tasks and think time. Plain data; strings are borrowed from the plan
 * and outlive the run.
 */
#ifndef SP_ENGINE_LOAD_H
#define SP_ENGINE_LOAD_H

#include "base/clock.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_USERS_MAX 1000000u
#define SP_THREADS_MAX 256u
#define SP_CLASSES_MAX 100u
#define SP_TASKS_MAX 1000u /* a class */
#define SP_LOAD_TIME_MAX_NS (INT64_C(3660) * 24 * 3600 * SP_NS_PER_S) /* each of the times below: ten years */

/* The pause between two tasks of a user, in seconds. */
enum sp_think_kind {
  SP_THINK_NONE,
  SP_THINK_CONSTANT,    /* a */
  SP_THINK_BETWEEN,     /* uniform in [a, b) */
  SP_THINK_EXPONENTIAL, /* mean a */
  SP_THINK_PACE,        /* the next task starts a after the start of this one, or at once when later */
  SP_THINK_CUSTOM,      /* the user type says (think_ns) */
};
struct sp_think {
  enum sp_think_kind kind;
  double a_s, b_s;
};

struct sp_task_spec {
  const char *name;
  unsigned weight; /* 0: never chosen */
};

struct sp_class_spec {
  const char *name;
  unsigned weight;
  struct sp_think think;
  const struct sp_task_spec *tasks;
  size_t task_count;
};

struct sp_load {
  /* Closed loop. (Stages, arrival rate and in-flight targets are further shapes of engine/shape.h.) */
  uint64_t users;
  double spawn_per_s;      /* 0: all at once up to SP_SPAWN_AT_ONCE, beyond that so many a second */
  int64_t run_time_ns;     /* 0: no end */
  uint64_t iterations;     /* tasks in all; 0: no end */
  int64_t stop_timeout_ns; /* how long started requests may finish after the end */
  int64_t warm_up_ns;      /* what starts before its end is shown at ticks and kept out of the totals */
  unsigned threads;        /* 0: processors this process may use */
  uint64_t seed;
};
#define SP_SPAWN_AT_ONCE 100u
#define SP_STOP_TIMEOUT_NS (30 * SP_NS_PER_S)

void sp_load_init(struct sp_load *load); /* 1 user, the defaults above, seed 1 */
int sp_load_check(const struct sp_load *load, struct sp_err *err); /* SP_EUSAGE names what is out of range */

#endif
