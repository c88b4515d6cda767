/*
 * A run: makes the load over its workers, ticks each second, ends by time, stages, iterations or wish, and adds the
 * workers' intervals up to totals. Lives on the control loop's thread (main).
 *
 * Phases: SPAWNING -> STEADY -> ENDING (nothing new starts; what is in flight may finish within the stop
 * timeout, then is cut) -> ENDED. While users come or go (a spawn rate, a ramp) it is SPAWNING again. Works the same
 * on a fake loop, with the workers on the same loop.
 *
 * Warm-up and stages: a request belongs to the time it started in, however late it ends. What starts before the end
 * of the warm-up shows in `last` and never in `totals`; what starts in a stage counts for it.
 */
#ifndef SP_ENGINE_RUN_H
#define SP_ENGINE_RUN_H

#include "engine/cgroup.h"
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
  uint64_t users_target; /* asked for; while spawning `users` is on its way there */
  uint64_t in_flight; /* requests */
  double rate_target; /* open loop: arrivals a second asked for now; 0 otherwise */
  size_t stage;       /* index of the stage it is in; 0 where there are none */
  const struct sp_interval *last;   /* the newest whole tick, all threads */
  /* What of `last` is in the totals: all of it where there is no warm-up, nothing while it lasts. */
  const struct sp_interval *counted;
  const struct sp_interval *totals; /* so far, without the warm-up */
};

struct sp_run_options {
  struct sp_loop *loop; /* control loop; a fake one: workers share it */
  const struct sp_load *load;
  const struct sp_class_spec *classes;
  size_t class_count;
  const struct sp_user_type *type;
  const void *type_conf;
  /* MAY. Each second of the run's own schedule, and once more with phase ENDED for what remained: all `last` added
   * up are the whole run. (A second in which a worker didn't answer is joined to the next.) */
  void (*on_tick)(void *ctx, const struct sp_run_view *view);
  /* MUST. Everything has ended and is counted; the run may be destroyed in here or later. */
  void (*on_end)(void *ctx);
  void *ctx;
  /* MAY. For every recorder but the warm-up's (stats/recorder.h). Borrowed; outlive the run. */
  const struct sp_limits *limits;
  const struct sp_sample_sink *sink;
  unsigned compat;
};

struct sp_run;
/* Makes the workers and their type states (so a broken plan fails here), starts nothing. */
struct sp_run *sp_run_create(const struct sp_run_options *options, struct sp_err *err);
int sp_run_start(struct sp_run *run, struct sp_err *err);
void sp_run_stop(struct sp_run *run); /* end gracefully: as when the run time is over */
void sp_run_cut(struct sp_run *run);  /* end at once: cuts what is in flight */
/* Changes the target while running: seats are added, or the highest taken away, so many a second (0: as
 * sp_load.spawn_per_s). A user that is taken away winds its task up and is stopped. */
void sp_run_set_users(struct sp_run *run, uint64_t users, double spawn_per_s);
/* Open loop: so many arrivals a second from now + SP_RATE_LEAD_NS on (the workers learn it before, and so agree on
 * every arrival). Nothing with a trace. Either setter takes over from stages and shape: figures go on by stage, and a
 * run still ends with its stages. */
void sp_run_set_rate(struct sp_run *run, double per_s);
#define SP_RATE_LEAD_NS (50 * SP_NS_PER_MS)
void sp_run_destroy(struct sp_run *run); /* after on_end, or never started */

/* After on_end. */
struct sp_run_facts {
  int64_t duration_ns; /* start -> the end of the run phase or of the last request, the later of both */
  /* Start (or end of warm-up) -> the begin of ENDING, or the end of the last request that ended by itself if that
   * was later: requests that finish in the drain count as completed, so the time they took counts too. What the
   * cut ends (cancelled) doesn't stretch it. rps = completed / measured. */
  int64_t measured_ns;
  uint64_t users_max;
  unsigned threads;
  double cpu_share;    /* of the busiest engine thread, 0 … 1, over the run */
  const char *aborted; /* why the run was ended from inside; NULL */

  /* Means over the time, of the measured part of the run phase (the drain is not in it); NAN where it has no length. */
  double users_mean, in_flight_mean;
  /* Open loop, measured part: arrivals due = made + dropped + those whose user was still starting at the end. */
  uint64_t arrivals_planned, arrivals_made, arrivals_dropped;
  struct sp_little users_law;    /* closed loop and in flight: users = tasks/s x their cycle */
  struct sp_little requests_law; /* requests in flight = requests/s x their time, over the whole run */
  struct sp_thread_facts thread[SP_THREADS_MAX]; /* threads of them */
  struct sp_throttling throttling; /* of the generator's own cgroup, during the run */
};
const struct sp_interval *sp_run_totals(const struct sp_run *run);
void sp_run_facts(const struct sp_run *run, struct sp_run_facts *out);
/* While it goes on: what is known up to the newest tick. Laws are not, nor single threads; cpu_share is their mean. */
void sp_run_facts_now(const struct sp_run *run, struct sp_run_facts *out);

/* One stage's figures. The stages' intervals add up to the totals exactly, their measured_ns to the run's (what the
 * drain adds is the last one's). */
struct sp_run_stage {
  struct sp_stage stage;
  int64_t begin_ns;    /* after the start */
  int64_t measured_ns; /* without the warm-up; 0: the run did not come to it */
  double users_mean, in_flight_mean; /* NAN where measured_ns is 0 */
  const struct sp_interval *interval; /* borrowed */
};
size_t sp_run_stage_count(const struct sp_run *run);
void sp_run_stage(const struct sp_run *run, size_t i, struct sp_run_stage *out);

/* Everything that the engine knows for sp_validity_judge; `out` borrows from run and facts. Add what it can't know
 * (source addresses, a proxy, a shared machine). */
void sp_run_validity_facts(const struct sp_run *run, const struct sp_run_facts *facts, struct sp_validity_facts *out);

#endif
