/*
 * The life of one user (engine/user.h) as a state machine. Its one timer carries every step: the pause between
 * two tasks, and "now" where something follows at once, so that no deed of the type is nested in another.
 *
 *   STARTING --started--> PAUSED --timer--> RUNNING --task_done--> PAUSED …
 *                           \--timer, leaving--> STOPPING --stopped--> (freed)
 */
#include "base/check.h"
#include "base/mem.h"
#include "engine/inside.h"
#include "engine/think.h"

#include <stdlib.h>

static const struct sp_user_type *type_of(const struct sp_user *user) { return user->worker->shared->type; }

bool sp_user_leaving(const struct sp_user *user) { return user->retired || user->worker->ending; }

bool sp_shared_tasks_left(const struct sp_shared *shared) {
  return shared->load->iterations == 0 || atomic_load(&shared->tasks_taken) < shared->load->iterations;
}

static bool take_task(struct sp_shared *shared) {
  if (shared->load->iterations == 0) return true;
  return atomic_fetch_add(&shared->tasks_taken, 1) < shared->load->iterations;
}

/* -- counting -- */

static void count_alive(struct sp_worker *worker, struct sp_user *user) {
  user->next = worker->users;
  if (user->next != NULL) user->next->previous = user;
  worker->users = user;
  worker->alive++;
  struct sp_shared *shared = worker->shared;
  uint_fast64_t alive = atomic_fetch_add(&shared->users_alive, 1) + 1;
  uint_fast64_t most = atomic_load(&shared->users_max);
  while (alive > most && !atomic_compare_exchange_weak(&shared->users_max, &most, alive)) {
  }
}

static void count_gone(struct sp_worker *worker, struct sp_user *user) {
  if (user->next != NULL) user->next->previous = user->previous;
  if (user->previous != NULL)
    user->previous->next = user->next;
  else
    worker->users = user->next;
  worker->alive--;
  atomic_fetch_sub(&worker->shared->users_alive, 1);
}

/* A task belongs to the warm-up or the measured time by its intended start, as its requests do by theirs. */
static struct sp_interval *interval_of_task(const struct sp_user *user) {
  struct sp_worker *worker = user->worker;
  return user->task_due_ns < worker->shared->warm_end_ns ? worker->warm.interval : worker->measured.interval;
}

static void count_task_done(struct sp_user *user) {
  struct sp_shared *shared = user->worker->shared;
  interval_of_task(user)->tasks++;
  if (shared->load->iterations > 0 && atomic_fetch_add(&shared->tasks_ended, 1) + 1 == shared->load->iterations)
    sp_worker_say(user->worker, SP_MESSAGE_TASKS_ENDED);
}

/* -- steps -- */

static void stop_user(struct sp_user *user) {
  struct sp_worker *worker = user->worker;
  user->state = SP_USER_STOPPING;
  worker->stopping = user;
  type_of(user)->user_stop(user);
  bool still_there = worker->stopping == user;
  worker->stopping = NULL;
  /* Past the stop timeout last deeds may not take time either. */
  if (still_there && worker->cut) type_of(user)->user_cut(user);
}

static void run_task(struct sp_user *user) {
  struct sp_worker *worker = user->worker;
  user->task_due_ns = sp_timer_due(&user->timer);
  user->wound_up = false;
  user->state = SP_USER_RUNNING;
  /* Not the turn's time: this turn's other users may be what it is late by. */
  int64_t now_ns = sp_loop_update_now(worker->loop);
  if (now_ns - user->task_due_ns > SP_LATE_START_NS) interval_of_task(user)->late_starts++;
  size_t task = sp_class_table_task(worker->shared->classes, user->class_index, &user->rng);
  type_of(user)->task_run(user, task);
}

static void on_timer(struct sp_timer *timer) {
  struct sp_user *user = sp_container_of(timer, struct sp_user, timer);
  struct sp_shared *shared = user->worker->shared;
  if (sp_user_leaving(user)) {
    stop_user(user);
  } else if (sp_loop_now(user->worker->loop) >= shared->end_ns) {
    return; /* the run time is over: the control's word to end is on its way and wakes the user */
  } else if (!take_task(shared)) {
    stop_user(user);
  } else {
    run_task(user);
  }
}

static int64_t next_due_ns(struct sp_user *user) {
  int64_t now_ns = sp_loop_now(user->worker->loop);
  if (sp_user_leaving(user)) return now_ns;
  const struct sp_think *think = &sp_worker_class(user->worker, user->class_index)->think;
  if (think->kind != SP_THINK_CUSTOM) return sp_think_due_ns(think, &user->rng, user->task_due_ns, now_ns);
  int64_t pause_ns = type_of(user)->think_ns(user);
  if (pause_ns > SP_THINK_MAX_NS) pause_ns = SP_THINK_MAX_NS;
  return pause_ns > 0 ? now_ns + pause_ns : now_ns;
}

/* -- called by the type -- */

void sp_user_started(struct sp_user *user) {
  SP_CHECK(user->state == SP_USER_STARTING);
  struct sp_worker *worker = user->worker;
  user->state = SP_USER_PAUSED;
  /* A start that took time moves the first task; one that took none leaves it on the shape's schedule. */
  bool at_once = worker->starting == user;
  int64_t due_ns = at_once && !sp_user_leaving(user) ? user->task_due_ns : sp_loop_now(worker->loop);
  sp_timer_start(&user->timer, due_ns);
}

void sp_user_task_done(struct sp_user *user) {
  SP_CHECK(user->state == SP_USER_RUNNING);
  user->state = SP_USER_PAUSED;
  count_task_done(user);
  sp_timer_start(&user->timer, next_due_ns(user));
}

void sp_user_stopped(struct sp_user *user) {
  struct sp_worker *worker = user->worker;
  uint64_t seat = user->id;
  bool retired = user->retired;
  if (user->state == SP_USER_RUNNING) count_task_done(user);
  sp_timer_stop(&user->timer);
  count_gone(worker, user);
  if (worker->starting == user) worker->starting = NULL;
  if (worker->stopping == user) worker->stopping = NULL;
  free(user);
  sp_seats_left(worker, seat, retired);
}

/* -- called by the worker -- */

struct sp_user *sp_user_spawn(struct sp_worker *worker, uint64_t id, uint32_t generation, int64_t due_ns) {
  struct sp_user *user = sp_alloc(sizeof(*user));
  user->worker = worker;
  user->id = id;
  user->class_index = sp_class_table_of_user(worker->shared->classes, id);
  user->task_due_ns = due_ns;
  user->state = SP_USER_STARTING;
  sp_rng_seed(&user->rng, worker->shared->load->seed, id + ((uint64_t)generation << 32));
  sp_timer_init(&user->timer, worker->loop, on_timer);
  count_alive(worker, user);

  worker->starting = user;
  type_of(user)->user_start(user);
  bool still_there = worker->starting == user;
  worker->starting = NULL;
  return still_there ? user : NULL;
}

void sp_user_wind_up(struct sp_user *user) {
  if (user->state == SP_USER_PAUSED) {
    sp_timer_start(&user->timer, sp_loop_now(user->worker->loop));
  } else if (user->state == SP_USER_RUNNING && !user->wound_up) {
    user->wound_up = true;
    type_of(user)->task_wind_up(user);
  }
}

void sp_user_retire(struct sp_user *user) {
  user->retired = true;
  sp_user_wind_up(user);
}

void sp_user_cut(struct sp_user *user) {
  if (user->state != SP_USER_PAUSED) type_of(user)->user_cut(user);
}
