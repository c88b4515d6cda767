/*
 * Open loop: arrivals, and the pool of users that serve them. An arrival takes an idle user of its class (the one
 * that came last: its connections are the warmest), else makes a new one, unless as many as max_in_flight are being
 * served in the whole run: then it is a dropped start. The cap is one atomic count for all workers, so it means the
 * same with any number of them.
 *
 * A user of the pool stays until the run ends.
 */
#include "base/check.h"
#include "base/mem.h"
#include "engine/inside.h"

#include <stdlib.h>

static bool take_place(struct sp_worker *worker) {
  struct sp_shared *shared = worker->shared;
  if (atomic_fetch_add(&shared->serving, 1) < sp_load_max_in_flight(shared->load)) {
    worker->serving++;
    return true;
  }
  atomic_fetch_sub(&shared->serving, 1);
  return false;
}

static void leave_place(struct sp_worker *worker) {
  atomic_fetch_sub(&worker->shared->serving, 1);
  worker->serving--;
}

static void drop(struct sp_worker *worker, int64_t due_ns) {
  sp_books_interval(worker, due_ns)->dropped_starts++;
}

static struct sp_user *take_idle(struct sp_worker *worker, size_t class_index) {
  struct sp_user *user = worker->idle[class_index];
  if (user != NULL) worker->idle[class_index] = user->next_idle;
  return user;
}

static void make_user(struct sp_worker *worker, size_t class_index, uint64_t arrival, int64_t due_ns) {
  uint64_t own = worker->pool_born++;
  struct sp_user_birth birth = { .id = worker->index + 1 + own * worker->shared->worker_count,
                                 .class_index = class_index, .due_ns = due_ns, .serving = true, .arrival = arrival };
  struct sp_user *user = sp_user_spawn(worker, &birth);
  if (user != NULL && user->state == SP_USER_PAUSED && !sp_timer_active(&user->timer)) sp_user_serve(user);
}

static void make_arrival(struct sp_worker *worker, uint64_t k, int64_t due_ns) {
  struct sp_shared *shared = worker->shared;
  worker->arrivals_over = !sp_shared_tasks_left(shared);
  if (worker->arrivals_over) return;
  if (!take_place(worker)) {
    drop(worker, due_ns);
    return;
  }
  if (!sp_shared_take_task(shared)) { /* another worker had the last */
    leave_place(worker);
    worker->arrivals_over = true;
    return;
  }
  size_t class_index = sp_class_table_of_user(shared->classes, k + 1);
  struct sp_user *user = take_idle(worker, class_index);
  if (user == NULL) {
    make_user(worker, class_index, k, due_ns);
    return;
  }
  user->serving = true;
  user->arrival = k;
  user->task_due_ns = due_ns;
  sp_user_serve(user);
}

static bool is_due(const struct sp_worker *worker, int64_t now_ns) {
  int64_t due_ns = worker->arrivals.due_ns;
  return !worker->arrivals_over && due_ns <= now_ns && due_ns < worker->shared->end_ns;
}

/* Behind the end sp_pool_end says what becomes of them. The time is read anew with each task that begins. */
static bool may_make(const struct sp_worker *worker) {
  return !worker->ending && sp_loop_now(worker->loop) < worker->shared->end_ns;
}

static void make_next(struct sp_worker *worker) {
  uint64_t k = worker->arrivals.k;
  int64_t due_ns = worker->arrivals.due_ns;
  sp_arrivals_next(&worker->arrivals);
  make_arrival(worker, k, due_ns);
}

/* A trace is over when its last arrival has been served. */
static void check_empty(struct sp_worker *worker) {
  if (worker->shared->load->trace == NULL || worker->serving > 0) return;
  if (worker->arrivals.due_ns == SP_NEVER_NS) sp_worker_say_empty(worker);
}

void sp_pool_follow(struct sp_worker *worker) {
  int64_t now_ns = sp_loop_now(worker->loop);
  for (unsigned n = 0; n < SP_ARRIVALS_A_TURN && may_make(worker) && is_due(worker, now_ns); n++) make_next(worker);
  int64_t due_ns = worker->arrivals.due_ns;
  if (!may_make(worker) || worker->arrivals_over || due_ns >= worker->shared->end_ns)
    sp_timer_stop(&worker->load_timer);
  else
    sp_timer_start(&worker->load_timer, due_ns);
  check_empty(worker);
}

/* What has just come due is made, as its timer would have done in the next moment. What is overdue for longer would
 * only be a burst at the end: these are starts that could not be made. */
void sp_pool_end(struct sp_worker *worker) {
  int64_t now_ns = sp_loop_now(worker->loop);
  while (is_due(worker, now_ns)) {
    if (sp_loop_now(worker->loop) - worker->arrivals.due_ns > SP_LATE_START_NS) {
      drop(worker, worker->arrivals.due_ns);
      sp_arrivals_next(&worker->arrivals);
    } else {
      make_next(worker);
    }
  }
  for (size_t i = 0; i < worker->shared->classes->class_count; i++) worker->idle[i] = NULL;
}

void sp_pool_done(struct sp_user *user) {
  struct sp_worker *worker = user->worker;
  user->serving = false;
  leave_place(worker);
  if (sp_user_leaving(user)) {
    user->state = SP_USER_PAUSED;
    sp_timer_start(&user->timer, sp_loop_now(worker->loop));
    return;
  }
  user->state = SP_USER_IDLE;
  user->next_idle = worker->idle[user->class_index];
  worker->idle[user->class_index] = user;
  check_empty(worker);
}

void sp_pool_left(struct sp_worker *worker, const struct sp_user *user) {
  SP_CHECK(user->state != SP_USER_IDLE);
  bool unserved = user->serving && user->state != SP_USER_RUNNING;
  if (user->serving) leave_place(worker);
  if (unserved && !worker->ending) { /* it left in its start: its arrival comes to nothing */
    drop(worker, user->task_due_ns);
    sp_shared_end_task(worker);
  } else if (unserved && user->task_due_ns >= worker->shared->slots.warm_end_ns) {
    worker->unserved++;
  }
  if (!worker->ending) check_empty(worker);
  sp_worker_check_idle(worker);
}

void sp_pool_begin(struct sp_worker *worker) {
  const struct sp_shared *shared = worker->shared;
  worker->idle = sp_alloc_array(shared->classes->class_count, sizeof(struct sp_user *));
  sp_arrivals_init(&worker->arrivals, shared->load, shared->start_ns, worker->index, shared->worker_count);
}

void sp_pool_fini(struct sp_worker *worker) {
  free(worker->idle);
  sp_arrivals_fini(&worker->arrivals);
}
