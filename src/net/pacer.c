#include "net/pacer.h"

#include "base/check.h"
#include "base/mem.h"

void sp_pacer_init(struct sp_pacer *pacer, double per_s) {
  pacer->gap_ns = per_s > 0 ? (int64_t)((double)SP_NS_PER_S / per_s) : 0;
  atomic_init(&pacer->next_ns, 0);
}

int64_t sp_pacer_take(struct sp_pacer *pacer, int64_t now_ns) {
  int64_t next_ns = atomic_load_explicit(&pacer->next_ns, memory_order_relaxed), turn_ns;
  do {
    turn_ns = next_ns > now_ns - SP_PACER_CATCH_UP_NS ? next_ns : now_ns - SP_PACER_CATCH_UP_NS;
  } while (!atomic_compare_exchange_weak_explicit(&pacer->next_ns, &next_ns, turn_ns + pacer->gap_ns,
                                                  memory_order_relaxed, memory_order_relaxed));
  return turn_ns;
}

/* -- a thread's queue -- */

static void remove_from(struct sp_pacer_queue *queue, struct sp_pacer_wait *wait) {
  *wait->link = wait->next;
  if (wait->next) wait->next->link = wait->link;
  else queue->end = wait->link;
  wait->link = NULL;
}

static void take_turn(struct sp_pacer_queue *queue) {
  sp_timer_start(&queue->timer, sp_pacer_take(queue->pacer, sp_loop_now(queue->timer.loop)));
}

/* Those that come inside on_turn have a turn of their own. */
static void on_due(struct sp_timer *timer) {
  struct sp_pacer_queue *queue = sp_container_of(timer, struct sp_pacer_queue, timer);
  struct sp_pacer_wait *wait = queue->first;
  if (!wait) return;
  remove_from(queue, wait);
  if (queue->first) take_turn(queue);
  wait->on_turn(wait);
}

void sp_pacer_queue_init(struct sp_pacer_queue *queue, struct sp_pacer *pacer, struct sp_loop *loop) {
  *queue = (struct sp_pacer_queue){ .pacer = pacer };
  queue->end = &queue->first;
  sp_timer_init(&queue->timer, loop, on_due);
}

void sp_pacer_queue_fini(struct sp_pacer_queue *queue) {
  SP_CHECK(!queue->first);
  sp_timer_stop(&queue->timer);
}

void sp_pacer_wait(struct sp_pacer_queue *queue, struct sp_pacer_wait *wait) {
  wait->next = NULL;
  wait->link = queue->end;
  *queue->end = wait;
  queue->end = &wait->next;
  if (!sp_timer_active(&queue->timer)) take_turn(queue);
}

void sp_pacer_leave(struct sp_pacer_queue *queue, struct sp_pacer_wait *wait) {
  if (wait->link) remove_from(queue, wait);
}
