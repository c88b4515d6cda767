#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "loop/internal.h"

void sp_timer_init(struct sp_timer *timer, struct sp_loop *loop, void (*on_due)(struct sp_timer *timer)) {
  *timer = (struct sp_timer){ .loop = loop, .on_due = on_due };
}

static struct sp_heap *heap_of(const struct sp_timer *timer) {
  return timer->deferred ? &timer->loop->deferred : &timer->loop->timers;
}

void sp_timer_start(struct sp_timer *timer, int64_t due_ns) {
  sp_timer_stop(timer);
  timer->deferred = timer->loop->firing && due_ns <= timer->loop->firing_ns;
  sp_heap_insert(heap_of(timer), &timer->node, due_ns);
}

void sp_timer_stop(struct sp_timer *timer) {
  if (sp_timer_active(timer)) sp_heap_remove(heap_of(timer), &timer->node);
}

static struct sp_timer *timer_of(struct sp_heap_node *node) { return sp_container_of(node, struct sp_timer, node); }

static struct sp_timer *take_due(struct sp_heap *heap, int64_t now_ns) {
  struct sp_heap_node *node = sp_heap_peek(heap);
  if (!node || node->key > now_ns) return NULL;
  sp_heap_remove(heap, node);
  return timer_of(node);
}

void sp_loop_fire_timers(struct sp_loop *loop) {
  struct sp_timer *timer;
  loop->firing = true;
  loop->firing_ns = loop->now_ns; /* a callback may update now */
  while ((timer = take_due(&loop->timers, loop->firing_ns)) != NULL) timer->on_due(timer);
  loop->firing = false;
  /* Nothing due so early is left in `timers`: the deferred ones keep their order among themselves and to others. */
  while ((timer = take_due(&loop->deferred, loop->firing_ns)) != NULL) {
    timer->deferred = false;
    sp_heap_insert(&loop->timers, &timer->node, sp_timer_due(timer));
  }
}

int64_t sp_loop_next_due(const struct sp_loop *loop) {
  const struct sp_heap_node *node = sp_heap_peek(&loop->timers);
  return node ? node->key : SP_NEVER_NS;
}
