/*
 * Private to the engine: a worker's inside, what the workers of a run share, and the messages between a worker
 * and the control (run.c). Messages are the only way across: control calls the sp_worker_on_* functions through
 * sp_loop_post on the worker's loop; a worker posts a struct sp_worker_message to the control's loop.
 *
 *   control                 worker
 *     start thread  ----->
 *                   <-----  READY          (its thread runs)
 *     begin         ----->                 (users are spawned by the shape from here)
 *     take          ----->
 *                   <-----  TAKEN          (each second: the filled intervals)
 *     end           ----->                 (wind up)
 *     cut           ----->                 (where the stop timeout passes)
 *                   <-----  IDLE           (no user is left)
 *     finish        ----->                 (all workers are idle)
 *                   <-----  FINISHED       (the type's state is gone; the last intervals)
 *   and at any time <-----  EMPTY, TASKS_ENDED, ABORT
 */
#ifndef SP_ENGINE_INSIDE_H
#define SP_ENGINE_INSIDE_H

#include "engine/classes.h"
#include "engine/run.h"
#include "engine/shape.h"
#include "engine/worker.h"

#include <pthread.h>
#include <stdatomic.h>

#define SP_PROBE_PERIOD_NS (20 * SP_NS_PER_MS)
#define SP_PROBE_CATCH_UP_MAX 5000u /* missed probes that are filled in: more is a machine that slept */

/* What all workers of a run read. Written by the control before the workers begin; only the atomics change. */
struct sp_shared {
  struct sp_loop *control;
  void (*on_message)(void *message); /* runs on the control's loop; takes the struct sp_worker_message */
  void *run;
  const struct sp_load *load;
  const struct sp_class_table *classes;
  const struct sp_user_type *type;
  unsigned worker_count;
  int64_t start_ns, warm_end_ns, end_ns; /* end_ns: nothing starts at or after it */

  atomic_uint_fast64_t tasks_taken, tasks_ended; /* only counted where iterations are limited */
  atomic_uint_fast64_t users_alive, users_max;
};

enum sp_worker_message_kind {
  SP_MESSAGE_READY,
  SP_MESSAGE_TAKEN,
  SP_MESSAGE_EMPTY,       /* all users that this worker was to have have left by themselves */
  SP_MESSAGE_TASKS_ENDED, /* the last of the iterations has ended */
  SP_MESSAGE_ABORT,
  SP_MESSAGE_IDLE,
  SP_MESSAGE_FINISHED,
};

struct sp_worker_message {
  enum sp_worker_message_kind kind;
  struct sp_worker *worker;
  struct sp_interval *measured, *warm; /* TAKEN, FINISHED: owned */
  uint64_t shape_number;               /* EMPTY */
  char *text;                          /* ABORT: owned */
};

struct sp_seat {
  struct sp_user *user; /* NULL: free, or its user left by itself */
  uint32_t generation;  /* how often it was taken */
  bool refill;          /* given up, wanted again, and free by now */
};

struct sp_worker {
  struct sp_shared *shared;
  struct sp_loop *loop;
  unsigned index;
  pthread_t thread; /* not in a fake loop */
  void *state;
  bool has_thread, has_state;
  bool waiting; /* sp_worker_destroy runs the loop until the state has gone */

  struct sp_recorder measured, warm;
  struct sp_timer probe;
  int64_t cpu_begin_ns, cpu_taken_ns;

  struct sp_shape shape;
  uint64_t shape_number; /* counts the changes */
  struct sp_timer shape_timer;
  struct sp_seat *seats; /* own ones; `level` of them are to be taken now, `refills` of these wait to be */
  uint64_t level, refills;
  size_t seat_cap;
  struct sp_user *users; /* the living, newest first */
  uint64_t alive;
  struct sp_user *starting, *stopping; /* inside type->user_start, type->user_stop */

  bool ending, cut, finishing, idle_said;
  uint64_t empty_said; /* shape_number + 1 of when it was said */
  _Atomic int64_t in_flight;

  /* Read by the control after FINISHED. */
  int64_t last_end_ns, last_completed_ns; /* 0: none */
  int64_t cpu_ns, wall_ns;
};

/* -- worker.c -- */
struct sp_worker *sp_worker_create(struct sp_shared *shared, unsigned index, const void *type_conf,
                                   struct sp_err *err);
void sp_worker_destroy(struct sp_worker *worker); /* its thread has been joined or never ran */
int sp_worker_start_thread(struct sp_worker *worker, struct sp_err *err);
void sp_worker_join(struct sp_worker *worker); /* stops its loop and waits for the thread */
void sp_worker_on_begin(void *worker);
void sp_worker_on_take(void *worker);
void sp_worker_on_end(void *worker);
void sp_worker_on_cut(void *worker);
void sp_worker_on_finish(void *worker);
void sp_worker_change_shape(struct sp_worker *worker, const struct sp_shape *shape, uint64_t number); /* posts it */
void sp_worker_say(struct sp_worker *worker, enum sp_worker_message_kind kind);
/* A user has gone: is that all of them? */
void sp_worker_check_empty(struct sp_worker *worker);
void sp_worker_check_idle(struct sp_worker *worker);

/* -- seats.c: which seats of the shape are this worker's, and their users -- */
uint64_t sp_seat_number(const struct sp_worker *worker, uint64_t own); /* own = 0, 1 …: seat k of the run */
uint64_t sp_seats_own(const struct sp_worker *worker, uint64_t seats); /* how many of 1 … seats are this worker's */
void sp_seats_follow(struct sp_worker *worker); /* takes and gives up what is due, and arms the timer for the next */
void sp_seats_left(struct sp_worker *worker, uint64_t seat, bool retired); /* its user has gone */
void sp_seats_fini(struct sp_worker *worker);

/* -- users.c: the life of one user -- */
enum sp_user_state { SP_USER_STARTING, SP_USER_PAUSED, SP_USER_RUNNING, SP_USER_STOPPING };
/* NULL where it left inside the call. */
struct sp_user *sp_user_spawn(struct sp_worker *worker, uint64_t id, uint32_t generation, int64_t due_ns);
void sp_user_retire(struct sp_user *user);  /* take it away while the run goes on */
void sp_user_wind_up(struct sp_user *user); /* it leaves: finish the task, cut the pause short */
void sp_user_cut(struct sp_user *user);
bool sp_shared_tasks_left(const struct sp_shared *shared);

#endif
