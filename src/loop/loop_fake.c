/* The loop whose clock jumps to the next due time instead of waiting for it. */
#include "base/clock.h"
#include "base/mem.h"
#include "loop/internal.h"

#include <stdlib.h>

/* Returns false when nothing can happen any more. */
static bool fake_turn(struct sp_loop *loop) {
  bool had_messages = sp_loop_run_messages(loop);
  int64_t due_ns = sp_loop_next_due(loop);
  if (due_ns <= loop->now_ns) {
    sp_loop_fire_timers(loop);
    return true;
  }
  if (had_messages) return true; /* they may have posted more, which comes before time goes on */
  if (due_ns == SP_NEVER_NS) return false;
  loop->now_ns = due_ns;
  return true;
}

static void fake_run(struct sp_loop *loop) {
  while (!atomic_load(&loop->stopping))
    if (!fake_turn(loop)) return;
  sp_loop_run_messages(loop); /* what was posted before the stop still runs */
}

static void fake_wake(struct sp_loop *loop) { (void)loop; /* it never sleeps */ }

static int64_t fake_read_clock(const struct sp_loop *loop) { return loop->now_ns; }

static uv_loop_t *fake_uv(struct sp_loop *loop) {
  (void)loop;
  return NULL;
}

static void fake_destroy(struct sp_loop *loop) {
  sp_loop_fini(loop);
  free(loop);
}

static const struct sp_loop_type fake_type = {
  .run = fake_run,
  .wake = fake_wake,
  .read_clock = fake_read_clock,
  .uv = fake_uv,
  .destroy = fake_destroy,
};

struct sp_loop *sp_loop_create_fake(int64_t start_ns) {
  struct sp_loop *loop = sp_alloc(sizeof(*loop));
  sp_loop_init(loop, &fake_type);
  loop->now_ns = start_ns;
  return loop;
}
