/* Private to the engine: the inside of a run (engine/run.h). Its parts: run.c, run_load.c (what load is asked for),
 * run_facts.c (what is known at the end). */
#ifndef SP_ENGINE_CONTROL_H
#define SP_ENGINE_CONTROL_H

#include "engine/inside.h"

struct sp_run {
  struct sp_run_options options;
  struct sp_load load; /* the workers read it; not written once they have begun */
  struct sp_class_table classes;
  struct sp_shared shared;
  struct sp_worker **workers;
  bool *empty; /* a worker: all its users have left by themselves, or its trace is over */
  unsigned threads, ready, idle, finished;

  enum sp_phase phase;
  bool started, begun, finishing;
  bool stop_asked, cut_asked; /* before the begin */
  int64_t ending_ns; /* when ENDING began */
  char *aborted;

  /* run_load.c */
  struct sp_stage stages[SP_STAGES_MAX]; /* as asked for */
  size_t stage_count;
  struct sp_shape shape; /* users, in flight */
  struct sp_rate rate;   /* open loop without a trace */
  uint64_t load_number;  /* counts the changes */
  struct sp_timer shape_timer;
  uint64_t shape_asked; /* how often the load's own shape was asked */
  bool shape_off;       /* a setter has taken over */

  struct sp_timer tick, run_end, stop_timeout;
  unsigned taking; /* workers that have not answered this tick yet */
  int64_t taken_ns; /* the end of the newest tick */
  struct sp_interval *filling, *last, *totals;
  struct sp_interval *filling_counted, *counted; /* NULL without a warm-up */
  struct sp_interval **stage_totals; /* stage_count */
  /* For the law of requests, of the warm-up too: their times, how many have one, how many have ended. */
  double request_us;
  uint64_t requests, ended;

  struct sp_throttling throttling_begin;
  int64_t measured_end_ns;
  struct sp_run_facts facts;
};

/* -- run.c -- */
void sp_run_begin_ending(struct sp_run *run);
void sp_run_abort(struct sp_run *run, char *why); /* takes the text */
void sp_run_update_phase(struct sp_run *run);

/* -- run_load.c -- */
void sp_run_load_init(struct sp_run *run);
void sp_run_load_begin(struct sp_run *run); /* start_ns is known; the workers get their load */
void sp_run_load_fini(struct sp_run *run);
uint64_t sp_run_users_target(const struct sp_run *run); /* where the seats are on their way to */
bool sp_run_is_changing(const struct sp_run *run);      /* seats are on their way */
double sp_run_rate_target(const struct sp_run *run);
size_t sp_run_stage_now(const struct sp_run *run);
uint64_t sp_run_seats_final(const struct sp_run *run);

/* -- run_facts.c -- */
void sp_run_facts_begin(struct sp_run *run);
void sp_run_facts_take(struct sp_run *run, const struct sp_interval *interval); /* each interval, once */
void sp_run_facts_end(struct sp_run *run);

#endif
