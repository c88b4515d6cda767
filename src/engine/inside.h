/*
 * Private to the engine: a worker's inside, what the workers of a run share, and the messages between a worker
 * and the control (run.c). Messages are the only way across: control calls the sp_worker_on_* functions through
 * sp_loop_post on the worker's loop; a worker posts a struct sp_worker_message to the control's loop.
 *
 *   control                 worker
 *     start thread  ----->
 *                   <-----  READY          (its thread runs)
 *     begin         ----->                 (users are spawned by the shape, or by arrivals, from here)
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

#include "engine/arrivals.h"
#include "engine/classes.h"
#include "engine/run.h"
#include "engine/shape.h"
#include "engine/thread_times.h"
#include "engine/worker.h"

#include <pthread.h>
#include <stdatomic.h>

#define SP_PROBE_PERIOD_NS (20 * SP_NS_PER_MS)
#define SP_PROBE_CATCH_UP_MAX 5000u /* missed probes that are filled in: more is a machine that slept */

#define SP_ARRIVALS_A_TURN 256u /* a worker makes so many at most before its sockets get their turn */

/* Time is cut into slots: 0 is the warm-up, then one a stage (one in all where there are no stages). What happens
 * belongs to the slot that it started in. */
struct sp_slots {
  size_t count;
  /* Of slot 1, 2 …; slot 0 lasts until warm_end_ns, over stages that are over by then. */
  int64_t begin_ns[SP_STAGES_MAX + 1];
  int64_t warm_end_ns;
};
/* *from_ns … *until_ns: the time in which the answer is the same. */
size_t sp_slot_at(const struct sp_slots *slots, int64_t now_ns, int64_t *from_ns, int64_t *until_ns);

/* What all workers of a run read. Written by the control before the workers begin; only the atomics change. */
struct sp_shared {
  struct sp_loop *control;
  void (*on_message)(void *message); /* runs on the control's loop; takes the struct sp_worker_message */
  void *run;
  const struct sp_load *load;
  const struct sp_class_table *classes;
  const struct sp_user_type *type;
  const struct sp_limits *limits; /* for the recorders */
  const struct sp_sample_sink *sink;
  unsigned compat;
  unsigned worker_count;
  int64_t start_ns, end_ns; /* end_ns: nothing starts at or after it */
  struct sp_slots slots;

  atomic_uint_fast64_t tasks_taken, tasks_ended; /* only counted where iterations are limited */
  atomic_uint_fast64_t users_alive, users_max;
  atomic_uint_fast64_t serving; /* open loop: arrivals being served, at most max_in_flight */
};

enum sp_worker_message_kind {
  SP_MESSAGE_READY,
  SP_MESSAGE_TAKEN,
  SP_MESSAGE_EMPTY,       /* all users that this worker was to have have left by themselves, or the trace is over */
  SP_MESSAGE_TASKS_ENDED, /* the last of the iterations has ended */
  SP_MESSAGE_ABORT,
  SP_MESSAGE_IDLE,
  SP_MESSAGE_FINISHED,
};

struct sp_worker_message {
  enum sp_worker_message_kind kind;
  struct sp_worker *worker;
  struct sp_interval **slots; /* TAKEN, FINISHED: owned, by slot; NULL where nothing happened */
  uint64_t load_number;       /* EMPTY */
  char *text;                 /* ABORT: owned */
};

struct sp_seat {
  struct sp_user *user; /* NULL: free, or its user left by itself */
  uint32_t generation;  /* how often it was taken */
  bool refill;          /* given up, wanted again, and free by now */
};

/* What a worker integrates for the laws (engine/validity.h), over its whole time. Sums of ns. */
struct sp_law_book {
  double ready_ns;      /* users that could run tasks: closed loop, measured time */
  double cycle_ns;      /* their cycles: from a task's begin to the next one's due time */
  uint64_t cycles;
  double request_ns;    /* requests in flight, from the first to the last */
  double start_took_ns; /* tasks' time before their begin that their user's start took */
};

struct sp_worker {
  struct sp_shared *shared;
  struct sp_loop *loop;
  unsigned index;
  pthread_t thread; /* not in a fake loop */
  void *state;
  bool has_thread, has_state;
  bool waiting; /* sp_worker_destroy runs the loop until the state has gone */

  /* books.c */
  struct sp_recorder *recorders; /* a slot; interval NULL: nothing has been recorded in it */
  size_t slot;                   /* of the time from … until */
  int64_t slot_from_ns, slot_until_ns;
  int64_t booked_ns; /* the integrals go to here */
  uint64_t ready;    /* users */
  struct sp_law_book law;
  struct sp_timer probe;
  struct sp_thread_times begin_times, end_times;
  int64_t cpu_taken_ns;

  uint64_t load_number; /* counts the changes of shape or rate */
  struct sp_timer load_timer; /* the next seat's change, or the next arrival */

  /* seats.c: users and in flight */
  struct sp_shape shape;
  size_t piece;         /* where it is followed */
  struct sp_seat *seats; /* own ones; `level` of them are to be taken now, `refills` of these wait to be */
  uint64_t level, refills;
  size_t seat_cap;

  /* pool.c: open loop */
  struct sp_arrivals arrivals;
  bool arrivals_over;
  struct sp_user **idle; /* a class: who waits for an arrival, the last to come first */
  uint64_t pool_born;    /* users made so far */
  uint64_t serving;
  uint64_t unserved; /* arrivals of the measured time whose user was still starting at the end */

  struct sp_user *users; /* the living, newest first */
  uint64_t alive;
  struct sp_user *starting, *stopping; /* inside type->user_start, type->user_stop */

  bool ending, cut, finishing, idle_said;
  uint64_t empty_said; /* load_number + 1 of when it was said */
  _Atomic int64_t in_flight;

  /* Read by the control after FINISHED. */
  int64_t last_end_ns, last_completed_ns; /* 0: none */
  int64_t wall_ns;
};

static inline bool sp_is_open_loop(const struct sp_shared *shared) { return shared->load->kind == SP_LOAD_RATE; }

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
/* They post it. number: the change's. */
void sp_worker_change_shape(struct sp_worker *worker, const struct sp_shape_piece *piece, uint64_t number);
void sp_worker_change_rate(struct sp_worker *worker, int64_t begin_ns, double per_s, uint64_t number);
void sp_worker_say(struct sp_worker *worker, enum sp_worker_message_kind kind);
void sp_worker_say_empty(struct sp_worker *worker); /* once a load_number */
void sp_worker_check_idle(struct sp_worker *worker);

/* -- books.c: a worker's recorders by slot, and its integrals -- */
void sp_books_init(struct sp_worker *worker);
void sp_books_begin(struct sp_worker *worker); /* the run begins */
void sp_books_end(struct sp_worker *worker);   /* the run phase is over: means and users' law end here */
void sp_books_fini(struct sp_worker *worker);
/* Before each change of alive, ready and in_flight: brings the integrals up to now. */
void sp_books_turn(struct sp_worker *worker);
struct sp_recorder *sp_books_recorder(struct sp_worker *worker, int64_t at_ns);
struct sp_interval *sp_books_interval(struct sp_worker *worker, int64_t at_ns);
struct sp_interval **sp_books_take(struct sp_worker *worker); /* by slot, NULLs among them; the caller's */
/* A user's cycle ends at to_ns (and the next begins at next_ns). */
void sp_books_cycle(struct sp_user *user, int64_t to_ns, int64_t next_ns);

/* -- seats.c: which seats of the shape are this worker's, and their users -- */
uint64_t sp_seat_number(const struct sp_worker *worker, uint64_t own); /* own = 0, 1 …: seat k of the run */
uint64_t sp_seats_own(const struct sp_worker *worker, uint64_t seats); /* how many of 1 … seats are this worker's */
void sp_seats_follow(struct sp_worker *worker); /* takes and gives up what is due, and arms the timer for the next */
void sp_seats_left(struct sp_worker *worker, uint64_t seat, bool retired); /* its user has gone */
void sp_seats_fini(struct sp_worker *worker);

/* -- pool.c: arrivals and the users that serve them -- */
void sp_pool_begin(struct sp_worker *worker);
void sp_pool_follow(struct sp_worker *worker); /* makes the arrivals that are due, and arms the timer for the next */
void sp_pool_end(struct sp_worker *worker);    /* the run phase is over: what was due is made or dropped */
void sp_pool_done(struct sp_user *user);       /* its task has ended: it is idle */
void sp_pool_left(struct sp_worker *worker, const struct sp_user *user); /* it has gone */
void sp_pool_fini(struct sp_worker *worker);

/* -- users.c: the life of one user -- */
enum sp_user_state { SP_USER_STARTING, SP_USER_PAUSED, SP_USER_IDLE, SP_USER_RUNNING, SP_USER_STOPPING };
struct sp_user_birth {
  uint64_t id;
  uint32_t generation;
  size_t class_index;
  int64_t due_ns;   /* of its first task */
  bool serving;     /* open loop … */
  uint64_t arrival; /* … which arrival */
};
/* NULL where it left inside the call. */
struct sp_user *sp_user_spawn(struct sp_worker *worker, const struct sp_user_birth *birth);
void sp_user_serve(struct sp_user *user);   /* begins the task of its arrival; from the loop only */
void sp_user_retire(struct sp_user *user);  /* take it away while the run goes on */
void sp_user_wind_up(struct sp_user *user); /* it leaves: finish the task, cut the pause short */
void sp_user_cut(struct sp_user *user);
bool sp_shared_tasks_left(const struct sp_shared *shared);
bool sp_shared_take_task(struct sp_shared *shared);
void sp_shared_end_task(struct sp_worker *worker); /* counts it, and says when it was the last */

#endif
