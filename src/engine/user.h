/*
 * A simulated user and its type. The engine knows neither HTTP nor Lua: a user type is a const table that fills
 * the engine's life of a user with deeds. sp_user_null (engine/user_null.c) does nothing for a given time; it
 * tests the engine and is the template for another type.
 *
 * Life, all on the user's engine thread:
 *   user_start -> sp_user_started -> { task_run -> sp_user_task_done -> pause } … -> user_stop -> sp_user_stopped
 * Each "->" may take time (requests in flight) or happen inside the call. The engine never calls the type from
 * inside sp_user_started, sp_user_task_done (but think_ns) or sp_user_stopped: the next deed comes from the loop,
 * so a task that ends at once neither recurses nor starves the loop.
 */
#ifndef SP_ENGINE_USER_H
#define SP_ENGINE_USER_H

#include "base/rng.h"
#include "engine/load.h"
#include "loop/loop.h"
#include "stats/recorder.h"

struct sp_worker;

struct sp_user {
  struct sp_worker *worker;
  uint64_t id; /* 1 … over the whole run, unique among the living: a seat that is given up and taken again keeps it */
  size_t class_index;
  struct sp_rng rng;       /* the user's own: same seed, same choices */
  struct sp_timer timer;   /* engine's: pause between tasks */
  /* Intended start of the task under way: the end of the pause, not the timer's callback; in an open loop the time at
   * which the arrival was due, also where its user must first start. */
  int64_t task_due_ns;
  uint64_t arrival;        /* open loop: the number of the arrival that the task serves, from 0 over the whole run */
  uint8_t state;           /* engine's */
  bool retired;            /* engine's: the user is taken away while the run goes on */
  bool wound_up;           /* engine's: task_wind_up was called for the task under way */
  bool serving;            /* engine's: it has an arrival to serve */
  bool ready;              /* engine's: it has started and does not stop yet */
  int64_t starting_ns;     /* engine's: when user_start was called */
  int64_t start_took_ns;   /* engine's: open loop: what the user's start takes of its first task's time */
  int64_t cycle_ns;        /* engine's: where the cycle under way began */
  struct sp_user *next_idle; /* engine's: of its class in the pool */
  void *data;              /* the type's own */
  struct sp_user *next, *previous; /* engine's list */
};

struct sp_user_type {
  const char *name;
  /* MUST. The thread's own state (a Lua state, a client). conf is shared by all threads, read-only. */
  int (*thread_create)(struct sp_worker *worker, const void *conf, void **state, struct sp_err *err);
  /* MUST. All users are gone. It may take loop turns: sp_worker_thread_destroyed(worker) is called at its end. */
  void (*thread_destroy)(struct sp_worker *worker, void *state);
  /* MUST. Makes user->data; ends in sp_user_started. */
  void (*user_start)(struct sp_user *user);
  /* MUST. Runs one task; ends in sp_user_task_done. user->task_due_ns is its intended start. */
  void (*task_run)(struct sp_user *user, size_t task);
  /* MUST. The run has ended (or users are taken away): start nothing new, let what is in flight finish, then end
   * the task under way early (sp_user_task_done). Called at most once a task. */
  void (*task_wind_up)(struct sp_user *user);
  /* MUST. The stop timeout has passed: cut everything in flight now (it counts as cancelled) and end the deed
   * under way (started, task_done or stopped is called soon). */
  void (*user_cut)(struct sp_user *user);
  /* MUST. Last deeds, then frees user->data; ends in sp_user_stopped. */
  void (*user_stop)(struct sp_user *user);
  /* MAY, needed for SP_THINK_CUSTOM. */
  int64_t (*think_ns)(struct sp_user *user);
};

/* In an open loop a user is only who serves an arrival: task_run -> sp_user_task_done -> (idle, until an arrival takes
 * it) -> task_run …; there is no pause, and think_ns is not asked. */

/* Called by the type, on the worker's thread. */
void sp_user_started(struct sp_user *user);
void sp_user_task_done(struct sp_user *user);
/* Frees the user: nobody touches it afterwards. Without a user_stop before it, the user leaves by itself. */
void sp_user_stopped(struct sp_user *user);
/* The run is ending or this user is taken away: its task should start nothing new. */
bool sp_user_leaving(const struct sp_user *user);

extern const struct sp_user_type sp_user_null;
struct sp_user_null_conf { /* conf of sp_user_null: each task is one request, named as its task, that takes so long */
  double request_s;        /* exponential mean where `exponential`, else constant; 0: ends inside task_run */
  bool exponential;
};

#endif
