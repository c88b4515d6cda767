/*
 * A worker's books: one recorder a slot of the time, made when something first happens in it, and the integrals over
 * the time (users alive, requests in flight) that are brought up to now before each change: exact, no sampling.
 */
#include "base/check.h"
#include "base/mem.h"
#include "engine/inside.h"

#include <stdlib.h>

static int64_t later(int64_t a_ns, int64_t b_ns) { return a_ns > b_ns ? a_ns : b_ns; }
static int64_t sooner(int64_t a_ns, int64_t b_ns) { return a_ns < b_ns ? a_ns : b_ns; }

/* -- slots -- */

size_t sp_slot_at(const struct sp_slots *slots, int64_t now_ns, int64_t *from_ns, int64_t *until_ns) {
  size_t slot = slots->count - 1;
  while (slot > 1 && slots->begin_ns[slot - 1] > now_ns) slot--;
  bool warm = now_ns < slots->warm_end_ns;
  int64_t begin_ns = slot > 1 ? slots->begin_ns[slot - 1] : INT64_MIN;
  *from_ns = warm ? INT64_MIN : begin_ns > slots->warm_end_ns ? begin_ns : slots->warm_end_ns;
  *until_ns = warm ? slots->warm_end_ns : slot + 1 < slots->count ? slots->begin_ns[slot] : SP_NEVER_NS;
  return warm ? 0 : slot;
}

static size_t slot_of(struct sp_worker *worker, int64_t at_ns) {
  if (at_ns >= worker->slot_from_ns && at_ns < worker->slot_until_ns) return worker->slot;
  int64_t from_ns, until_ns;
  size_t slot = sp_slot_at(&worker->shared->slots, at_ns, &from_ns, &until_ns);
  if (at_ns < worker->slot_from_ns) return slot; /* a look back: the next questions are of now again */
  worker->slot = slot;
  worker->slot_from_ns = from_ns;
  worker->slot_until_ns = until_ns;
  return slot;
}

/* The slot of a time that may lie behind the last asked one, and until when it goes. */
static size_t slot_span(const struct sp_worker *worker, int64_t at_ns, int64_t *until_ns) {
  int64_t from_ns;
  *until_ns = worker->slot_until_ns;
  if (at_ns >= worker->slot_from_ns && at_ns < worker->slot_until_ns) return worker->slot;
  return sp_slot_at(&worker->shared->slots, at_ns, &from_ns, until_ns);
}

static struct sp_recorder *recorder_of(struct sp_worker *worker, size_t slot, int64_t at_ns) {
  struct sp_recorder *recorder = &worker->recorders[slot];
  if (recorder->interval != NULL) return recorder;
  sp_recorder_init(recorder, at_ns);
  if (slot == 0) return recorder; /* the warm-up's: seen at ticks only */
  recorder->limits = worker->shared->limits;
  recorder->sink = worker->shared->sink;
  recorder->compat = worker->shared->compat;
  return recorder;
}

struct sp_recorder *sp_books_recorder(struct sp_worker *worker, int64_t at_ns) {
  return recorder_of(worker, slot_of(worker, at_ns), at_ns);
}

struct sp_interval *sp_books_interval(struct sp_worker *worker, int64_t at_ns) {
  return sp_books_recorder(worker, at_ns)->interval;
}

/* -- integrals -- */

static void add_means(struct sp_worker *worker, int64_t from_ns, int64_t to_ns) {
  double in_flight = (double)atomic_load_explicit(&worker->in_flight, memory_order_relaxed);
  if (worker->alive == 0 && !(in_flight > 0)) return;
  while (from_ns < to_ns) {
    int64_t until_ns;
    size_t slot = slot_span(worker, from_ns, &until_ns);
    struct sp_interval *interval = recorder_of(worker, slot, from_ns)->interval;
    int64_t part_end_ns = sooner(to_ns, until_ns);
    double length_ns = (double)(part_end_ns - from_ns);
    interval->user_time_ns += (double)worker->alive * length_ns;
    interval->request_time_ns += in_flight * length_ns;
    from_ns = part_end_ns;
  }
}

void sp_books_turn(struct sp_worker *worker) {
  const struct sp_shared *shared = worker->shared;
  int64_t from_ns = worker->booked_ns, now_ns = sp_loop_now(worker->loop);
  if (now_ns <= from_ns) return;
  worker->booked_ns = now_ns;
  int64_t in_flight = atomic_load_explicit(&worker->in_flight, memory_order_relaxed);
  worker->law.request_ns += (double)in_flight * (double)(now_ns - from_ns);
  if (worker->ending) return;
  int64_t to_ns = sooner(now_ns, shared->end_ns);
  add_means(worker, from_ns, to_ns);
  int64_t measured_ns = to_ns - later(from_ns, shared->slots.warm_end_ns);
  if (measured_ns > 0) worker->law.ready_ns += (double)worker->ready * (double)measured_ns;
}

void sp_books_cycle(struct sp_user *user, int64_t to_ns, int64_t next_ns) {
  struct sp_worker *worker = user->worker;
  const struct sp_shared *shared = worker->shared;
  int64_t from_ns = later(user->cycle_ns, shared->slots.warm_end_ns);
  int64_t length_ns = sooner(to_ns, shared->end_ns) - from_ns;
  user->cycle_ns = next_ns;
  if (worker->ending || length_ns < 0) return;
  worker->law.cycle_ns += (double)length_ns;
  worker->law.cycles++;
}

/* -- life -- */

void sp_books_init(struct sp_worker *worker) {
  worker->recorders = sp_alloc_array(worker->shared->slots.count, sizeof(*worker->recorders));
  worker->slot_from_ns = SP_NEVER_NS; /* nothing is known yet */
  worker->slot_until_ns = SP_NEVER_NS;
}

void sp_books_begin(struct sp_worker *worker) {
  for (size_t i = 0; i < worker->shared->slots.count; i++)
    if (worker->recorders[i].interval != NULL) worker->recorders[i].interval->begin_ns = worker->shared->start_ns;
  worker->booked_ns = worker->shared->start_ns;
  worker->slot_from_ns = worker->slot_until_ns = INT64_MIN;
}

void sp_books_end(struct sp_worker *worker) {
  sp_books_turn(worker);
  for (struct sp_user *user = worker->users; user != NULL; user = user->next)
    if (user->ready) sp_books_cycle(user, worker->booked_ns, worker->booked_ns);
}

static bool is_empty(const struct sp_interval *interval) {
  bool no_cells = interval->cells.count + interval->probes.count == 0 && interval->nodes.count == 0 &&
                  interval->errors.count == 0;
  bool no_counts = interval->events == 0 && interval->tasks == 0 && interval->task_errors == 0 &&
                   interval->late_starts == 0 && interval->arrivals == 0 && interval->dropped_starts == 0 &&
                   interval->connections == 0 && interval->port_exhausted == 0 && interval->files_exhausted == 0;
  bool no_hists = interval->lag.count == 0 && interval->loop_lag.count == 0 && interval->start_lag.count == 0;
  bool no_time = interval->cpu_ns == 0 && !(interval->user_time_ns > 0) && !(interval->request_time_ns > 0);
  return no_cells && no_counts && no_hists && no_time && interval->customs.count == 0;
}

struct sp_interval **sp_books_take(struct sp_worker *worker) {
  size_t count = worker->shared->slots.count;
  struct sp_interval **taken = sp_alloc_array(count, sizeof(struct sp_interval *));
  int64_t now_ns = sp_loop_now(worker->loop);
  for (size_t i = 0; i < count; i++) {
    struct sp_recorder *recorder = &worker->recorders[i];
    if (recorder->interval != NULL && !is_empty(recorder->interval)) taken[i] = sp_recorder_take(recorder, now_ns);
  }
  return taken;
}

void sp_books_fini(struct sp_worker *worker) {
  for (size_t i = 0; i < worker->shared->slots.count; i++) sp_recorder_fini(&worker->recorders[i]);
  free(worker->recorders);
}
