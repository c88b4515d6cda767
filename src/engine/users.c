/*
 * The life of one user (engine/user.h) as a state machine. Its one timer carries every step: the pause between
 * two tasks, and "now" where something follows at once, so that no deed of the type is nested in another.
 *
 *   STARTING --started--> PAUSED --timer--> RUNNING --task_done--> PAUSED …
 *                           \--timer, leaving--> STOPPING --stopped--> (freed)
 *
 * In an open loop a task's end leads to IDLE, and an arrival (pool.c) from there to RUNNING.
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

bool sp_shared_take_task(struct sp_shared *shared) {
  if (shared->load->iterations == 0) return true;
  return atomic_fetch_add(&shared->tasks_taken, 1) < shared->load->iterations;
}

/* -- counting -- */

static void count_alive(struct sp_worker *worker, struct sp_user *user) {
  user->next = worker->users;
  if (user->next != NULL) user->next->previous = user;
  worker->users = user;
  sp_books_turn(worker);
  worker->alive++;
  struct sp_shared *shared = worker->shared;
  uint_fast64_t alive = atomic_fetch_add(&shared->users_alive, 1) + 1;
  uint_fast64_t most = atomic_load(&shared->users_max);
  while (alive > most && !atomic_compare_exchange_weak(&shared->users_max, &most, alive)) {
  }
}

static void count_ready(struct sp_user *user, bool ready) {
  if (user->ready == ready) return;
  int64_t now_ns = sp_loop_now(user->worker->loop);
  sp_books_turn(user->worker);
  if (ready)
    user->cycle_ns = now_ns;
  else
    sp_books_cycle(user, now_ns, now_ns);
  user->ready = ready;
  user->worker->ready += ready ? 1 : -UINT64_C(1);
}

static void count_gone(struct sp_worker *worker, struct sp_user *user) {
  if (user->next != NULL) user->next->previous = user->previous;
  if (user->previous != NULL)
    user->previous->next = user->next;
  else
    worker->users = user->next;
  count_ready(user, false);
  sp_books_turn(worker);
  worker->alive--;
  atomic_fetch_sub(&worker->shared->users_alive, 1);
}

/* A task belongs to the slot of its intended start, as its requests do to that of theirs. */
static struct sp_interval *interval_of_task(const struct sp_user *user) {
  return sp_books_interval(user->worker, user->task_due_ns);
}

void sp_shared_end_task(struct sp_worker *worker) {
  struct sp_shared *shared = worker->shared;
  if (shared->load->iterations > 0 && atomic_fetch_add(&shared->tasks_ended, 1) + 1 == shared->load->iterations)
    sp_worker_say(worker, SP_MESSAGE_TASKS_ENDED);
}

static void count_task_done(struct sp_user *user) {
  interval_of_task(user)->tasks++;
  sp_shared_end_task(user->worker);
}

static void count_task_begin(struct sp_user *user) {
  struct sp_worker *worker = user->worker;
  struct sp_interval *interval = interval_of_task(user);
  /* Not the turn's time: this turn's other users may be what it is late by. */
  int64_t now_ns = sp_loop_update_now(worker->loop);
  int64_t lag_ns = now_ns - user->task_due_ns - user->start_took_ns;
  if (lag_ns > SP_LATE_START_NS) interval->late_starts++;
  sp_hist_record_ns(&interval->start_lag, lag_ns > 0 ? lag_ns : 0);
  if (user->serving) interval->arrivals++;
  worker->law.start_took_ns += (double)user->start_took_ns;
  user->start_took_ns = 0;
  if (user->ready) sp_books_cycle(user, user->task_due_ns, now_ns);
}

/* -- steps -- */

static void stop_user(struct sp_user *user) {
  struct sp_worker *worker = user->worker;
  user->state = SP_USER_STOPPING;
  worker->stopping = user;
  count_ready(user, false);
  type_of(user)->user_stop(user);
  bool still_there = worker->stopping == user;
  worker->stopping = NULL;
  /* Past the stop timeout last deeds may not take time either. */
  if (still_there && worker->cut) type_of(user)->user_cut(user);
}

static void run_task(struct sp_user *user, struct sp_rng *rng) {
  user->wound_up = false;
  user->state = SP_USER_RUNNING;
  count_task_begin(user);
  size_t task = sp_class_table_task(user->worker->shared->classes, user->class_index, rng);
  type_of(user)->task_run(user, task);
}

static void on_timer(struct sp_timer *timer) {
  struct sp_user *user = sp_container_of(timer, struct sp_user, timer);
  struct sp_shared *shared = user->worker->shared;
  if (sp_user_leaving(user)) {
    stop_user(user);
  } else if (sp_loop_now(user->worker->loop) >= shared->end_ns) {
    return; /* the run time is over: the control's word to end is on its way and wakes the user */
  } else if (sp_is_open_loop(shared)) {
    sp_user_serve(user);
  } else if (!sp_shared_take_task(shared)) {
    stop_user(user);
  } else {
    user->task_due_ns = sp_timer_due(timer);
    run_task(user, &user->rng);
  }
}

#define ARRIVAL_STREAM (UINT64_C(1) << 63) /* beside the users' own streams of random numbers */

/* An arrival chooses its task itself: the mix then is the same whoever serves it. */
void sp_user_serve(struct sp_user *user) {
  struct sp_rng rng;
  SP_CHECK(user->serving);
  sp_rng_seed(&rng, user->worker->shared->load->seed, user->arrival | ARRIVAL_STREAM);
  run_task(user, &rng);
}

static int64_t next_due_ns(struct sp_user *user) {
  int64_t now_ns = sp_loop_now(user->worker->loop);
  if (sp_user_leaving(user) || user->worker->shared->load->kind == SP_LOAD_IN_FLIGHT) return now_ns;
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
  bool at_once = worker->starting == user, open = sp_is_open_loop(worker->shared);
  int64_t now_ns = sp_loop_now(worker->loop);
  user->state = SP_USER_PAUSED;
  if (!open) count_ready(user, true);
  if (open && at_once && !sp_user_leaving(user)) return; /* who made it goes on with it */
  if (open) user->start_took_ns = now_ns - user->starting_ns;
  /* A start that took time moves the first task; one that took none leaves it on the shape's schedule. An arrival
   * stays due when it was due. */
  sp_timer_start(&user->timer, at_once && !sp_user_leaving(user) ? user->task_due_ns : now_ns);
}

void sp_user_task_done(struct sp_user *user) {
  SP_CHECK(user->state == SP_USER_RUNNING);
  count_task_done(user);
  if (sp_is_open_loop(user->worker->shared)) {
    sp_pool_done(user);
    return;
  }
  user->state = SP_USER_PAUSED;
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
  if (sp_is_open_loop(worker->shared))
    sp_pool_left(worker, user);
  else
    sp_seats_left(worker, seat, retired);
  free(user);
}

/* -- called by the worker -- */

struct sp_user *sp_user_spawn(struct sp_worker *worker, const struct sp_user_birth *birth) {
  struct sp_user *user = sp_alloc(sizeof(*user));
  user->worker = worker;
  user->id = birth->id;
  user->class_index = birth->class_index;
  user->task_due_ns = birth->due_ns;
  user->serving = birth->serving;
  user->arrival = birth->arrival;
  user->state = SP_USER_STARTING;
  user->starting_ns = sp_loop_now(worker->loop);
  sp_rng_seed(&user->rng, worker->shared->load->seed, birth->id + ((uint64_t)birth->generation << 32));
  sp_timer_init(&user->timer, worker->loop, on_timer);
  count_alive(worker, user);

  worker->starting = user;
  type_of(user)->user_start(user);
  bool still_there = worker->starting == user;
  worker->starting = NULL;
  return still_there ? user : NULL;
}

void sp_user_wind_up(struct sp_user *user) {
  if (user->state == SP_USER_PAUSED || user->state == SP_USER_IDLE) {
    user->state = SP_USER_PAUSED;
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
  if (user->state != SP_USER_PAUSED && user->state != SP_USER_IDLE) type_of(user)->user_cut(user);
}
