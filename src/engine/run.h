/*
 * A run: spawns the users over its workers, ticks each second, ends by time, iterations or wish, and adds the
 * workers' intervals up to totals. Lives on the control loop's thread (main).
 *
 * Phases: SPAWNING -> STEADY -> ENDING (nothing new starts; what is in flight may finish within the stop
 * timeout, then is cut) -> ENDED. Works the same on a fake loop, with one worker on the same loop.
 */
#ifndef SP_ENGINE_RUN_H
#define SP_ENGINE_RUN_H

#include "engine/user.h"
#include "engine/validity.h"

enum sp_phase { SP_PHASE_SPAWNING, SP_PHASE_STEADY, SP_PHASE_ENDING, SP_PHASE_ENDED };
const char *sp_phase_name(enum sp_phase phase);

/* What an observer sees at a tick. Borrowed for the call. */
struct sp_run_view {
  enum sp_phase phase;
  int64_t elapsed_ns;
  const struct sp_load *load;
  uint64_t users;     /* alive now */
  uint64_t users_target;
  uint64_t in_flight; /* requests */
  const struct sp_interval *last;   /* the newest whole tick, all threads */
  const struct sp_interval *totals; /* so far, without the warm-up */
};

struct sp_run_options {
  struct sp_loop *loop; /* control loop; a fake one: workers share it */
  const struct sp_load *load;
  const struct sp_class_spec *classes;
  size_t class_count;
  const struct sp_user_type *type;
  const void *type_conf;
  /* MAY. Each second. */
  void (*on_tick)(void *ctx, const struct sp_run_view *view);
  /* MUST. Everything has ended and is counted; the run may be destroyed from the loop afterwards. */
  void (*on_end)(void *ctx);
  void *ctx;
};

struct sp_run;
/* Makes the workers and their type states (so a broken plan fails here), starts nothing. */
struct sp_run *sp_run_create(const struct sp_run_options *options, struct sp_err *err);
int sp_run_start(struct sp_run *run, struct sp_err *err);
void sp_run_stop(struct sp_run *run); /* end gracefully: as when the run time is over */
void sp_run_cut(struct sp_run *run);  /* end at once: cuts what is in flight */
void sp_run_set_users(struct sp_run *run, uint64_t users, double spawn_per_s); /* while running */
void sp_run_destroy(struct sp_run *run); /* after on_end, or never started */

/* After on_end. */
struct sp_run_facts {
  int64_t duration_ns; /* start -> the last request's end */
  int64_t measured_ns; /* start (or end of warm-up) -> end of the run phase and of what it had started */
  uint64_t users_max;
  unsigned threads;
  double cpu_share;    /* of the busiest engine thread, 0 … 1, over the run */
  const char *aborted; /* why the run was ended from inside; NULL */
};
const struct sp_interval *sp_run_totals(const struct sp_run *run);
void sp_run_facts(const struct sp_run *run, struct sp_run_facts *out);

#endif
