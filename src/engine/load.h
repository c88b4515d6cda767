/*
 * What load to make: shape, user classes, tasks and think time. Plain data; strings are borrowed from the plan
 * and outlive the run.
 *
 * Three kinds. Closed loop: so many users, each with its think time. Open loop: so many arrivals a second, whatever
 * the target does; users are only who serves them, taken from a pool that grows. In flight: so many tasks open at any
 * time. Each kind's level is one number, or follows stages, or a function of the plan's own; arrivals may instead
 * replay a trace.
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
#define SP_STAGES_MAX 100u
#define SP_RATE_MAX 1e6 /* arrivals a second */
#define SP_MAX_IN_FLIGHT 10000u /* what max_in_flight 0 stands for */
#define SP_TRACE_MAX 100000000u /* arrivals of a trace */
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

enum sp_load_kind {
  SP_LOAD_USERS,     /* level: users */
  SP_LOAD_RATE,      /* level: arrivals a second; think time plays no role */
  SP_LOAD_IN_FLIGHT, /* level: users without think time, so that as many tasks are open */
};
const char *sp_load_kind_name(enum sp_load_kind kind); /* "users", "rate", "in_flight" */

enum sp_arrivals_kind { SP_ARRIVALS_POISSON, SP_ARRIVALS_EVEN };

/* The level goes from `from` to `to` in a straight line over hold_ns. */
struct sp_stage {
  double from, to;
  int64_t hold_ns; /* 0, only in the last: until the run ends otherwise */
};

/* What a shape of the plan's own says of a moment. It holds until the next one. */
struct sp_shape_point {
  double level;
  double spawn_per_s; /* users and in flight; 0: as sp_load.spawn_per_s */
  const char *why;    /* where it failed: borrowed until the next call */
};
/* Called on the control thread. 0: go on; 1: the run ends at elapsed_s; negative: it failed, which ends the run. */
typedef int (*sp_shape_fn)(void *ctx, double elapsed_s, struct sp_shape_point *out);
#define SP_SHAPE_PERIOD_MIN_NS (100 * SP_NS_PER_MS)
#define SP_SHAPE_PERIOD_MAX_NS SP_NS_PER_S

struct sp_load {
  uint64_t users;          /* users and in flight: the level where nothing below says otherwise */
  double spawn_per_s;      /* 0: all at once up to SP_SPAWN_AT_ONCE, beyond that so many a second */
  int64_t run_time_ns;     /* 0: no end */
  uint64_t iterations;     /* tasks in all; 0: no end */
  int64_t stop_timeout_ns; /* how long started requests may finish after the end */
  int64_t warm_up_ns;      /* what starts before its end is shown at ticks and kept out of the totals */
  unsigned threads;        /* 0: processors this process may use */
  uint64_t seed;

  enum sp_load_kind kind;
  /* At most one of stages, shape and trace. A run ends with its stages, or earlier by its run time. Where the level
   * jumps between two stages of users, spawn_per_s says how fast; a slope is followed as it is. */
  struct sp_stage stages[SP_STAGES_MAX];
  size_t stage_count;
  sp_shape_fn shape; /* asked each shape_period_ns, for the time at which its answer takes effect */
  void *shape_ctx;
  int64_t shape_period_ns; /* 0: a second */

  /* Open loop. */
  double rate_per_s; /* the level where neither stages nor shape nor trace say otherwise */
  enum sp_arrivals_kind arrivals;
  uint64_t max_in_flight; /* tasks open at once; what is due beyond them is dropped. 0: SP_MAX_IN_FLIGHT */
  /* Replaces the rate: arrival k is due at trace[k] after the start. Sorted; borrowed. The run ends when the task of
   * the last has. Types find k in user->arrival. */
  const int64_t *trace;
  size_t trace_count;
};
#define SP_SPAWN_AT_ONCE 100u
#define SP_STOP_TIMEOUT_NS (30 * SP_NS_PER_S)

void sp_load_init(struct sp_load *load); /* 1 user, the defaults above, seed 1 */
int sp_load_check(const struct sp_load *load, struct sp_err *err); /* SP_EUSAGE names what is out of range */

/* When the run ends at the latest, by run time or stages; SP_NEVER_NS: nothing ends it. */
int64_t sp_load_length_ns(const struct sp_load *load);
/* The most users that can be alive at once (open loop: of one class); 0 where a shape of the plan's own will say. */
uint64_t sp_load_users_most(const struct sp_load *load);
uint64_t sp_load_max_in_flight(const struct sp_load *load); /* with its default */

#endif
