/*
 * A cap on how many things begin a second, over all threads: turns on one schedule, equally spaced. Who has waited
 * longest in its thread has the next one. A thread holds one turn at most that has not come yet, so that who leaves
 * the queue takes no turn away from others.
 *
 * The pacer is shared by all threads (one atomic); a queue belongs to one.
 */
#ifndef SP_NET_PACER_H
#define SP_NET_PACER_H

#include "base/clock.h"
#include "loop/loop.h"

#include <stdatomic.h>

/* What a loop missed, being late, may be made up for: no window of time sees more than its share and this. */
#define SP_PACER_CATCH_UP_NS (10 * SP_NS_PER_MS)

struct sp_pacer {
  int64_t gap_ns; /* between two turns; 0: no cap */
  _Atomic int64_t next_ns;
};
void sp_pacer_init(struct sp_pacer *pacer, double per_s); /* 0: no cap */
int64_t sp_pacer_take(struct sp_pacer *pacer, int64_t now_ns); /* the next turn's time: it is the caller's */

struct sp_pacer_wait { /* caller's memory */
  void (*on_turn)(struct sp_pacer_wait *wait); /* once, from the loop */
  struct sp_pacer_wait *next, **link;          /* private; link NULL: in no queue */
};

struct sp_pacer_queue {
  struct sp_pacer *pacer;
  struct sp_timer timer; /* active: a turn is held */
  struct sp_pacer_wait *first, **end;
};
void sp_pacer_queue_init(struct sp_pacer_queue *queue, struct sp_pacer *pacer, struct sp_loop *loop);
void sp_pacer_queue_fini(struct sp_pacer_queue *queue); /* nobody waits */
void sp_pacer_wait(struct sp_pacer_queue *queue, struct sp_pacer_wait *wait); /* only on_turn needs to be set */
void sp_pacer_leave(struct sp_pacer_queue *queue, struct sp_pacer_wait *wait); /* fine when in no queue */

#endif
