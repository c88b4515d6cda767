/*
 * A bench for runs of the engine: one call makes the loop, runs to the end and keeps what the tests look at.
 */
#ifndef TEST_ENGINE_RIG_H
#define TEST_ENGINE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/clock.h"
#include "engine/run.h"
#include "engine/worker.h"

#define RIG_TICKS_MAX 4000
#define MS SP_NS_PER_MS
#define S SP_NS_PER_S

struct rig_tick {
  enum sp_phase phase;
  int64_t elapsed_ns;
  uint64_t users, users_target, in_flight;
  double rate_target;
  size_t stage;
  struct sp_tally last, totals;
};

struct rig_stage {
  struct sp_run_stage facts; /* interval: not valid any more */
  struct sp_tally tally;
  uint64_t tasks, arrivals, dropped;
};

struct rig {
  /* Set before rig_run; rig_init gives one class "u" with one task "t" of the null type. */
  bool real; /* else a fake loop */
  struct sp_load load;
  struct sp_task_spec task;
  struct sp_class_spec class;
  const struct sp_class_spec *classes;
  size_t class_count;
  struct sp_user_null_conf null;
  const struct sp_user_type *type;
  const void *type_conf;
  void (*at_create)(struct rig *rig); /* before the start */
  void (*at_tick)(struct rig *rig, const struct sp_run_view *view);

  /* During it. */
  struct sp_loop *loop;
  struct sp_run *run;

  /* After it. */
  unsigned tick_count, end_count;
  struct rig_tick ticks[RIG_TICKS_MAX];
  struct sp_run_facts facts;
  char aborted[100];
  struct sp_interval *totals;  /* a copy */
  struct sp_interval *all;     /* the sum of all `last` */
  struct sp_tally tally, tally_all;
  size_t stage_count;
  struct rig_stage stages[SP_STAGES_MAX];
  struct sp_validity validity;
};

void rig_init(struct rig *rig, uint64_t users, double request_s, double think_s, int64_t run_time_ns);
void rig_rate(struct rig *rig, double per_s, enum sp_arrivals_kind kind); /* makes it an open loop */
void rig_stages(struct rig *rig, const struct sp_stage *stages, size_t count);
void rig_run(struct rig *rig); /* asserts that the books close, and that stages add up to the totals */
void rig_fini(struct rig *rig);

const struct sp_cell *rig_cell(const struct sp_interval *interval, const char *class, const char *task);
/* A number that two runs share only when all their histograms do. */
uint64_t rig_fingerprint(const struct sp_interval *interval);

#endif
