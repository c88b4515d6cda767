#include "report/line_queue.h"

#include "base/check.h"

void sp_line_queue_init(struct sp_line_queue *queue) {
  for (size_t i = 0; i < SP_LINE_SHARDS; i++) {
    SP_CHECK(pthread_mutex_init(&queue->shards[i].lock, NULL) == 0);
    sp_buf_init(&queue->shards[i].filling, SP_LINE_QUEUE_MAX / SP_LINE_SHARDS);
  }
  sp_buf_init(&queue->taken, SP_LINE_QUEUE_MAX / SP_LINE_SHARDS);
  atomic_init(&queue->dropped, 0);
}

void sp_line_queue_fini(struct sp_line_queue *queue) {
  for (size_t i = 0; i < SP_LINE_SHARDS; i++) {
    pthread_mutex_destroy(&queue->shards[i].lock);
    sp_buf_fini(&queue->shards[i].filling);
  }
  sp_buf_fini(&queue->taken);
}

static bool put_locked(struct sp_buf *filling, const void *head, size_t head_len, struct sp_str tail) {
  uint32_t len = (uint32_t)(head_len + tail.len);
  if (sp_buf_reserve(filling, sizeof(len) + len)) {
    return false;
  }
  sp_buf_append(filling, &len, sizeof(len));
  sp_buf_append(filling, head, head_len);
  sp_buf_append_str(filling, tail);
  return true;
}

/* Threads have stacks apart: their own place is found without asking anybody. */
static size_t first_shard(void) {
  uintptr_t mixed = (uintptr_t)pthread_self();
  return (size_t)((mixed >> 12 ^ mixed >> 20) % SP_LINE_SHARDS);
}

bool sp_line_queue_put(struct sp_line_queue *queue, const void *head, size_t head_len, struct sp_str tail) {
  size_t first = first_shard();
  for (size_t i = 0; i < SP_LINE_SHARDS; i++) {
    struct sp_line_shard *shard = &queue->shards[(first + i) % SP_LINE_SHARDS];
    if (pthread_mutex_trylock(&shard->lock) == 0) {
      bool done = put_locked(&shard->filling, head, head_len, tail);
      pthread_mutex_unlock(&shard->lock);
      if (done) {
        return true;
      }
    }
  }
  atomic_fetch_add_explicit(&queue->dropped, 1, memory_order_relaxed);
  return false;
}

/* The lock is held for a swap of pointers only. */
static void take_shard(struct sp_line_queue *queue, struct sp_line_shard *shard) {
  sp_buf_clear(&queue->taken);
  pthread_mutex_lock(&shard->lock);
  struct sp_buf full = shard->filling;
  shard->filling = queue->taken;
  pthread_mutex_unlock(&shard->lock);
  queue->taken = full;
}

static size_t drain_taken(struct sp_line_queue *queue, void (*each)(void *ctx, struct sp_str record), void *ctx) {
  size_t count = 0;
  for (size_t at = 0; at < queue->taken.len; count++) {
    uint32_t len;
    memcpy(&len, queue->taken.bytes + at, sizeof(len));
    at += sizeof(len);
    each(ctx, sp_str_of(queue->taken.bytes + at, len));
    at += len;
  }
  return count;
}

size_t sp_line_queue_drain(struct sp_line_queue *queue, void (*each)(void *ctx, struct sp_str record), void *ctx) {
  size_t count = 0;
  for (size_t i = 0; i < SP_LINE_SHARDS; i++) {
    take_shard(queue, &queue->shards[i]);
    count += drain_taken(queue, each, ctx);
  }
  return count;
}

uint64_t sp_line_queue_dropped(const struct sp_line_queue *queue) {
  return atomic_load_explicit(&queue->dropped, memory_order_relaxed);
}
