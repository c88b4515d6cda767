#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "loop/internal.h"

#include <stdlib.h>

#define SP_MESSAGES_FIRST_CAP 16

void sp_loop_init(struct sp_loop *loop, const struct sp_loop_type *type) {
  loop->type = type;
  loop->epoll_fd = -1;
  sp_heap_init(&loop->timers);
  sp_heap_init(&loop->deferred);
  SP_CHECK(pthread_mutex_init(&loop->mutex, NULL) == 0);
}

void sp_loop_fini(struct sp_loop *loop) {
  sp_heap_fini(&loop->timers);
  sp_heap_fini(&loop->deferred);
  free(loop->inbox.messages);
  free(loop->outgoing.messages);
  pthread_mutex_destroy(&loop->mutex);
}

void sp_loop_destroy(struct sp_loop *loop) {
  if (!loop) return;
  SP_CHECK(!loop->running);
  /* A thread whose message or stop ended the run may still be inside the wake-up: let it leave. */
  pthread_mutex_lock(&loop->mutex);
  pthread_mutex_unlock(&loop->mutex);
  loop->type->destroy(loop);
}

void sp_loop_run(struct sp_loop *loop) {
  SP_CHECK(!loop->running);
  loop->running = true;
  loop->now_valid = false;
  loop->type->run(loop);
  loop->running = false;
  loop->now_valid = false;
  atomic_store(&loop->stopping, false);
}

void sp_loop_stop(struct sp_loop *loop) {
  pthread_mutex_lock(&loop->mutex);
  atomic_store(&loop->stopping, true);
  loop->type->wake(loop);
  pthread_mutex_unlock(&loop->mutex);
}

int64_t sp_loop_now(const struct sp_loop *loop) {
  /* Reading the clock only when somebody asks is a cache, hence the const in front: no caller can tell. */
  return loop->now_valid ? loop->now_ns : sp_loop_update_now((struct sp_loop *)loop);
}

int64_t sp_loop_update_now(struct sp_loop *loop) {
  loop->now_ns = loop->type->read_clock(loop);
  loop->now_valid = loop->running; /* outside of a turn there is no turn's time to keep */
  return loop->now_ns;
}

uv_loop_t *sp_loop_uv(struct sp_loop *loop) { return loop->type->uv(loop); }

bool sp_loop_is_fake(const struct sp_loop *loop) { return loop->type->uv((struct sp_loop *)loop) == NULL; }

/* -- pacing -- */

void sp_loop_set_pace(struct sp_loop *loop, int64_t pace_ns, bool timers_wait) {
  loop->pace_ns = pace_ns;
  loop->timers_wait = timers_wait;
}

void sp_loop_hurry(struct sp_loop *loop, int change) {
  loop->hurried += change;
  SP_CHECK(loop->hurried >= 0);
}

void sp_loop_note_answer(struct sp_loop *loop) { loop->turn_answers++; }

/* -- messages -- */

static void push(struct sp_message_queue *queue, struct sp_message message) {
  if (queue->count == queue->cap) {
    queue->cap = queue->cap ? queue->cap * 2 : SP_MESSAGES_FIRST_CAP;
    queue->messages = sp_realloc(queue->messages, queue->cap * sizeof(*queue->messages));
  }
  queue->messages[queue->count++] = message;
}

void sp_loop_post(struct sp_loop *loop, void (*fn)(void *arg), void *arg) {
  pthread_mutex_lock(&loop->mutex);
  push(&loop->inbox, (struct sp_message){ fn, arg });
  if (loop->inbox.count == 1) loop->type->wake(loop);
  pthread_mutex_unlock(&loop->mutex);
}

bool sp_loop_run_messages(struct sp_loop *loop) {
  pthread_mutex_lock(&loop->mutex);
  struct sp_message_queue batch = loop->inbox;
  loop->inbox = loop->outgoing;
  loop->outgoing = batch;
  pthread_mutex_unlock(&loop->mutex);
  for (size_t i = 0; i < batch.count; i++) batch.messages[i].fn(batch.messages[i].arg);
  loop->outgoing.count = 0;
  return batch.count > 0;
}
