/*
 * Seats: seat k of the shape belongs to worker (k - 1) mod workers. A worker follows the shape with one timer:
 * `level` of its own seats are to be taken; the next due change moves it by one.
 *
 * A seat whose user still winds up when it is to be taken again waits for that user to be gone, so that an id is
 * never alive twice.
 */
#include "base/mem.h"
#include "engine/inside.h"

#include <stdlib.h>
#include <string.h>

uint64_t sp_seat_number(const struct sp_worker *worker, uint64_t own) {
  return worker->index + 1 + own * worker->shared->worker_count;
}

uint64_t sp_seats_own(const struct sp_worker *worker, uint64_t seats) {
  uint64_t count = worker->shared->worker_count;
  return seats > worker->index ? (seats - worker->index - 1) / count + 1 : 0;
}

static void ensure_room(struct sp_worker *worker, uint64_t own) {
  if (own < worker->seat_cap) return;
  size_t cap = worker->seat_cap ? worker->seat_cap * 2 : 64;
  worker->seats = sp_realloc(worker->seats, cap * sizeof(*worker->seats));
  memset(worker->seats + worker->seat_cap, 0, (cap - worker->seat_cap) * sizeof(*worker->seats));
  worker->seat_cap = cap;
}

static void occupy(struct sp_worker *worker, uint64_t own, int64_t due_ns) {
  const struct sp_shared *shared = worker->shared;
  if (due_ns >= shared->end_ns || !sp_shared_tasks_left(shared)) return; /* there is nothing to do for it */
  uint64_t id = sp_seat_number(worker, own);
  struct sp_user_birth birth = { .id = id, .generation = worker->seats[own].generation++, .due_ns = due_ns,
                                 .class_index = sp_class_table_of_user(shared->classes, id) };
  worker->seats[own].user = sp_user_spawn(worker, &birth);
}

static void take_seat(struct sp_worker *worker, int64_t due_ns) {
  uint64_t own = worker->level++;
  ensure_room(worker, own);
  if (worker->seats[own].user == NULL) occupy(worker, own, due_ns);
}

static void want_refill(struct sp_worker *worker, struct sp_seat *seat, bool wanted) {
  if (seat->refill == wanted) return;
  seat->refill = wanted;
  worker->refills += wanted ? 1 : -UINT64_C(1);
}

static void give_up_seat(struct sp_worker *worker) {
  struct sp_seat *seat = &worker->seats[--worker->level];
  want_refill(worker, seat, false);
  if (seat->user != NULL) sp_user_retire(seat->user);
}

static void refill(struct sp_worker *worker, int64_t now_ns) {
  for (uint64_t own = 0; own < worker->level && worker->refills > 0; own++) {
    if (!worker->seats[own].refill) continue;
    want_refill(worker, &worker->seats[own], false);
    occupy(worker, own, now_ns);
  }
}

/* One change that is due by now, if there is one. Else *next_ns is when the next will be. */
static bool follow_once(struct sp_worker *worker, int64_t now_ns, int64_t *next_ns) {
  const struct sp_shape_piece *piece = &worker->shape.pieces[worker->piece];
  int64_t arrival_ns = sp_shape_arrival_ns(piece, sp_seat_number(worker, worker->level));
  if (arrival_ns <= now_ns) {
    take_seat(worker, arrival_ns);
    return true;
  }
  int64_t leave_ns = SP_NEVER_NS;
  if (worker->level > 0) leave_ns = sp_shape_leave_ns(piece, sp_seat_number(worker, worker->level - 1));
  if (leave_ns <= now_ns) {
    give_up_seat(worker);
    return true;
  }
  bool last = worker->piece + 1 == worker->shape.count;
  if (!last && piece->end_ns <= now_ns) {
    worker->piece++;
    return true;
  }
  *next_ns = arrival_ns < leave_ns ? arrival_ns : leave_ns;
  if (!last && piece->end_ns < *next_ns) *next_ns = piece->end_ns;
  return false;
}

/* All that this worker was to have have left by themselves, and nobody more is to come. */
static void check_empty(struct sp_worker *worker) {
  bool last = worker->piece + 1 == worker->shape.count;
  bool whole = last && worker->level > 0 && worker->level == sp_seats_own(worker, sp_shape_final(&worker->shape));
  if (whole && worker->refills == 0 && worker->alive == 0) sp_worker_say_empty(worker);
}

void sp_seats_follow(struct sp_worker *worker) {
  int64_t now_ns = sp_loop_now(worker->loop), next_ns = SP_NEVER_NS;
  if (!worker->ending) refill(worker, now_ns);
  while (!worker->ending && follow_once(worker, now_ns, &next_ns)) {
  }
  if (worker->ending || next_ns == SP_NEVER_NS)
    sp_timer_stop(&worker->load_timer);
  else
    sp_timer_start(&worker->load_timer, next_ns);
  check_empty(worker);
}

void sp_seats_left(struct sp_worker *worker, uint64_t number, bool retired) {
  uint64_t own = (number - 1) / worker->shared->worker_count;
  struct sp_seat *seat = &worker->seats[own];
  seat->user = NULL;
  if (retired && own < worker->level && !worker->ending) {
    want_refill(worker, seat, true);
    sp_timer_start(&worker->load_timer, sp_loop_now(worker->loop));
  }
  check_empty(worker);
  sp_worker_check_idle(worker);
}

void sp_seats_fini(struct sp_worker *worker) {
  free(worker->seats);
  sp_shape_fini(&worker->shape);
}
