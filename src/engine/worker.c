/*
 * A worker: its thread, its part of the messages (engine/inside.h), the probe of its loop's lag, and what user
 * types may ask it.
 */
#include "base/check.h"
#include "base/mem.h"
#include "engine/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- for user types -- */

struct sp_loop *sp_worker_loop(const struct sp_worker *worker) { return worker->loop; }

struct sp_recorder *sp_worker_recorder(struct sp_worker *worker) {
  return sp_books_recorder(worker, sp_loop_now(worker->loop));
}

void *sp_worker_state(const struct sp_worker *worker) { return worker->state; }

const struct sp_class_spec *sp_worker_class(const struct sp_worker *worker, size_t class_index) {
  SP_CHECK(class_index < worker->shared->classes->class_count);
  return &worker->shared->classes->classes[class_index];
}

unsigned sp_worker_index(const struct sp_worker *worker) { return worker->index; }
bool sp_worker_ending(const struct sp_worker *worker) { return worker->ending; }
uint64_t sp_worker_seed(const struct sp_worker *worker) { return worker->shared->load->seed; }

void sp_worker_in_flight(struct sp_worker *worker, int change) {
  sp_books_turn(worker);
  /* One writer: a load and a store need no locked instruction. */
  int64_t now_in_flight = atomic_load_explicit(&worker->in_flight, memory_order_relaxed) + change;
  SP_CHECK(now_in_flight >= 0);
  atomic_store_explicit(&worker->in_flight, now_in_flight, memory_order_relaxed);
  if (change >= 0) return;
  worker->last_end_ns = sp_loop_now(worker->loop);
  if (!worker->cut) worker->last_completed_ns = worker->last_end_ns;
}

void sp_worker_abort_run(struct sp_worker *worker, const char *why) {
  struct sp_worker_message *message = sp_alloc(sizeof(*message));
  *message = (struct sp_worker_message){ .kind = SP_MESSAGE_ABORT, .worker = worker, .text = sp_strdup(why) };
  sp_loop_post(worker->shared->control, worker->shared->on_message, message);
}

/* -- to the control -- */

void sp_worker_say(struct sp_worker *worker, enum sp_worker_message_kind kind) {
  struct sp_worker_message *message = sp_alloc(sizeof(*message));
  *message = (struct sp_worker_message){ .kind = kind, .worker = worker, .load_number = worker->load_number };
  sp_loop_post(worker->shared->control, worker->shared->on_message, message);
}

void sp_worker_say_empty(struct sp_worker *worker) {
  if (worker->ending || worker->empty_said > worker->load_number) return;
  worker->empty_said = worker->load_number + 1;
  sp_worker_say(worker, SP_MESSAGE_EMPTY);
}

void sp_worker_check_idle(struct sp_worker *worker) {
  if (!worker->ending || worker->alive > 0 || worker->idle_said) return;
  worker->idle_said = true;
  sp_worker_say(worker, SP_MESSAGE_IDLE);
}

/* CPU time means nothing in a fake loop, and would make its numbers differ from run to run. */
static void read_times(const struct sp_worker *worker, struct sp_thread_times *out) {
  *out = (struct sp_thread_times){ 0 };
  if (!sp_loop_is_fake(worker->loop)) sp_thread_times_read(out);
}

static int64_t thread_cpu_ns(const struct sp_worker *worker) {
  return sp_loop_is_fake(worker->loop) ? 0 : sp_clock_thread_cpu_ns();
}

static void send_intervals(struct sp_worker *worker, enum sp_worker_message_kind kind) {
  int64_t now_ns = sp_loop_update_now(worker->loop), cpu_ns = thread_cpu_ns(worker);
  struct sp_worker_message *message = sp_alloc(sizeof(*message));
  sp_books_turn(worker);
  /* What was used up to now is of the slot that ends now, where one does. */
  sp_books_interval(worker, now_ns - 1)->cpu_ns += cpu_ns - worker->cpu_taken_ns;
  worker->cpu_taken_ns = cpu_ns;
  *message = (struct sp_worker_message){ .kind = kind, .worker = worker, .slots = sp_books_take(worker) };
  sp_loop_post(worker->shared->control, worker->shared->on_message, message);
}

/* -- the probe: how late is this loop? -- */

static void on_probe(struct sp_timer *timer) {
  struct sp_worker *worker = sp_container_of(timer, struct sp_worker, probe);
  int64_t due_ns = sp_timer_due(timer), now_ns = sp_loop_update_now(worker->loop);
  struct sp_hist *lag = &sp_worker_recorder(worker)->interval->loop_lag;
  /* A stall hides the probes that were due in it: they are filled in, or a long stall would count as one sample. */
  for (unsigned n = 0; due_ns <= now_ns && n < SP_PROBE_CATCH_UP_MAX; n++) {
    sp_hist_record_ns(lag, now_ns - due_ns);
    due_ns += SP_PROBE_PERIOD_NS;
  }
  sp_timer_start(timer, due_ns > now_ns ? due_ns : now_ns + SP_PROBE_PERIOD_NS);
}

static void follow_load(struct sp_worker *worker) {
  if (sp_is_open_loop(worker->shared))
    sp_pool_follow(worker);
  else
    sp_seats_follow(worker);
}

static void on_load_timer(struct sp_timer *timer) {
  follow_load(sp_container_of(timer, struct sp_worker, load_timer));
}

/* -- from the control; all run on the worker's loop -- */

void sp_worker_on_begin(void *arg) {
  struct sp_worker *worker = arg;
  int64_t start_ns = worker->shared->start_ns;
  sp_loop_update_now(worker->loop);
  read_times(worker, &worker->begin_times);
  worker->cpu_taken_ns = worker->begin_times.cpu_ns;
  sp_books_begin(worker);
  sp_timer_start(&worker->probe, start_ns + SP_PROBE_PERIOD_NS);
  if (sp_is_open_loop(worker->shared)) sp_pool_begin(worker);
  follow_load(worker);
}

void sp_worker_on_take(void *arg) { send_intervals(arg, SP_MESSAGE_TAKEN); }

struct load_change {
  struct sp_worker *worker;
  uint64_t number;
  struct sp_shape_piece piece; /* users, in flight */
  int64_t begin_ns;            /* open loop */
  double per_s;
};

static void change_seats(struct sp_worker *worker, const struct sp_shape_piece *piece) {
  sp_shape_replace(&worker->shape, piece);
  if (worker->piece >= worker->shape.count) worker->piece = worker->shape.count - 1;
  sp_shape_forget(&worker->shape, worker->piece);
  worker->piece = 0;
}

static void on_load_change(void *arg) {
  struct load_change *change = arg;
  struct sp_worker *worker = change->worker;
  worker->load_number = change->number;
  sp_loop_update_now(worker->loop);
  if (sp_is_open_loop(worker->shared))
    sp_arrivals_change(&worker->arrivals, change->begin_ns, change->per_s);
  else
    change_seats(worker, &change->piece);
  free(change);
  if (!worker->ending) follow_load(worker);
}

void sp_worker_change_shape(struct sp_worker *worker, const struct sp_shape_piece *piece, uint64_t number) {
  struct load_change *change = sp_alloc(sizeof(*change));
  *change = (struct load_change){ .worker = worker, .number = number, .piece = *piece };
  sp_loop_post(worker->loop, on_load_change, change);
}

void sp_worker_change_rate(struct sp_worker *worker, int64_t begin_ns, double per_s, uint64_t number) {
  struct load_change *change = sp_alloc(sizeof(*change));
  *change = (struct load_change){ .worker = worker, .number = number, .begin_ns = begin_ns, .per_s = per_s };
  sp_loop_post(worker->loop, on_load_change, change);
}

void sp_worker_on_end(void *arg) {
  struct sp_worker *worker = arg;
  if (worker->ending) return;
  sp_loop_update_now(worker->loop);
  if (sp_is_open_loop(worker->shared)) sp_pool_end(worker);
  sp_books_end(worker);
  worker->ending = true;
  sp_timer_stop(&worker->load_timer);
  for (struct sp_user *user = worker->users, *next; user != NULL; user = next) {
    next = user->next; /* the type may end this user inside the call */
    sp_user_wind_up(user);
  }
  sp_worker_check_idle(worker);
}

void sp_worker_on_cut(void *arg) {
  struct sp_worker *worker = arg;
  SP_CHECK(worker->ending);
  if (worker->cut) return;
  worker->cut = true;
  for (struct sp_user *user = worker->users, *next; user != NULL; user = next) {
    next = user->next;
    sp_user_cut(user);
  }
}

void sp_worker_on_finish(void *arg) {
  struct sp_worker *worker = arg;
  SP_CHECK(worker->alive == 0);
  worker->finishing = true;
  sp_timer_stop(&worker->load_timer);
  worker->shared->type->thread_destroy(worker, worker->state);
}

void sp_worker_thread_destroyed(struct sp_worker *worker) {
  SP_CHECK(worker->has_state);
  worker->has_state = false;
  sp_timer_stop(&worker->probe);
  if (!worker->finishing) { /* the run never began: sp_worker_destroy waits for this */
    if (worker->waiting) sp_loop_stop(worker->loop);
    return;
  }
  read_times(worker, &worker->end_times);
  worker->wall_ns = sp_loop_update_now(worker->loop) - worker->shared->start_ns;
  send_intervals(worker, SP_MESSAGE_FINISHED);
}

/* -- life -- */

static void *thread_main(void *arg) {
  struct sp_worker *worker = arg;
  char name[16];
  snprintf(name, sizeof(name), "spate-e%u", worker->index + 1);
  pthread_setname_np(pthread_self(), name);
  sp_worker_say(worker, SP_MESSAGE_READY);
  sp_loop_run(worker->loop);
  return NULL;
}

int sp_worker_start_thread(struct sp_worker *worker, struct sp_err *err) {
  int code = pthread_create(&worker->thread, NULL, thread_main, worker);
  if (code != 0) return sp_fail(err, SP_EIO, "cannot start engine thread %u: %s", worker->index + 1, strerror(code));
  worker->has_thread = true;
  return 0;
}

void sp_worker_join(struct sp_worker *worker) {
  if (!worker->has_thread) return;
  sp_loop_stop(worker->loop);
  pthread_join(worker->thread, NULL);
  worker->has_thread = false;
}

static struct sp_loop *loop_for(const struct sp_shared *shared, struct sp_err *err) {
  return sp_loop_is_fake(shared->control) ? shared->control : sp_loop_create(err);
}

struct sp_worker *sp_worker_create(struct sp_shared *shared, unsigned index, const void *type_conf,
                                   struct sp_err *err) {
  struct sp_worker *worker = sp_alloc(sizeof(*worker));
  worker->shared = shared;
  worker->index = index;
  worker->loop = loop_for(shared, err);
  if (worker->loop == NULL) {
    free(worker);
    return NULL;
  }
  sp_books_init(worker);
  sp_timer_init(&worker->probe, worker->loop, on_probe);
  sp_timer_init(&worker->load_timer, worker->loop, on_load_timer);
  if (shared->type->thread_create(worker, type_conf, &worker->state, err) != 0) {
    sp_worker_destroy(worker);
    return NULL;
  }
  worker->has_state = true;
  return worker;
}

/* A type's state may take loop turns to go. */
static void destroy_state(struct sp_worker *worker) {
  worker->shared->type->thread_destroy(worker, worker->state);
  worker->waiting = true;
  if (worker->has_state) sp_loop_run(worker->loop);
  worker->waiting = false;
  SP_CHECK(!worker->has_state);
}

void sp_worker_destroy(struct sp_worker *worker) {
  if (worker == NULL) return;
  SP_CHECK(!worker->has_thread && worker->alive == 0);
  if (worker->has_state) destroy_state(worker);
  sp_timer_stop(&worker->probe);
  sp_timer_stop(&worker->load_timer);
  sp_books_fini(worker);
  sp_seats_fini(worker);
  sp_pool_fini(worker);
  if (worker->loop != worker->shared->control) sp_loop_destroy(worker->loop);
  free(worker);
}
