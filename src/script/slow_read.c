#include "script/slow_read.h"

#include "base/mem.h"

#include <stdlib.h>

static int64_t now_of(const struct sp_slow_read *slow) { return sp_loop_now(slow->timer.loop); }

static bool is_paused(const struct sp_slow_read *slow) { return slow->by_rate || slow->by_plan; }

static void begin(struct sp_slow_read *slow) {
  slow->since_ns = now_of(slow);
  sp_exchange_sample(slow->exchange)->read_pauses++;
  sp_exchange_pause(slow->exchange);
}

static void end(struct sp_slow_read *slow) {
  sp_exchange_sample(slow->exchange)->paused_ns += now_of(slow) - slow->since_ns;
  sp_exchange_resume(slow->exchange);
}

static void set(struct sp_slow_read *slow, bool *which, bool on) {
  bool before = is_paused(slow);
  *which = on;
  if (!before && on) begin(slow);
  if (before && !is_paused(slow)) end(slow);
}

static void on_paid(struct sp_timer *timer) {
  struct sp_slow_read *slow = sp_container_of(timer, struct sp_slow_read, timer);
  set(slow, &slow->by_rate, false);
}

struct sp_slow_read *sp_slow_read_create(struct sp_loop *loop, double bytes_per_s) {
  struct sp_slow_read *slow = sp_alloc(sizeof(*slow));
  slow->bytes_per_s = bytes_per_s;
  sp_timer_init(&slow->timer, loop, on_paid);
  return slow;
}

void sp_slow_read_take(struct sp_slow_read *slow, size_t bytes) {
  int64_t now_ns = now_of(slow);
  if (!(slow->bytes_per_s > 0)) return;
  if (slow->paid_ns < now_ns) slow->paid_ns = now_ns; /* what was not used is no credit */
  double cost_ns = (double)bytes / slow->bytes_per_s * (double)SP_NS_PER_S;
  slow->paid_ns += cost_ns < 1e18 ? (int64_t)cost_ns : INT64_C(1000000000000000000);
  if (slow->paid_ns - now_ns < SP_SLOW_READ_PAUSE_MIN_NS) return;
  set(slow, &slow->by_rate, true);
  sp_timer_start(&slow->timer, slow->paid_ns);
}

void sp_slow_read_pause(struct sp_slow_read *slow) { set(slow, &slow->by_plan, true); }

void sp_slow_read_resume(struct sp_slow_read *slow) { set(slow, &slow->by_plan, false); }

void sp_slow_read_end(struct sp_slow_read *slow) {
  sp_timer_stop(&slow->timer);
  if (is_paused(slow)) end(slow);
  slow->by_rate = slow->by_plan = false;
}

void sp_slow_read_destroy(struct sp_slow_read *slow) {
  if (!slow) return;
  sp_timer_stop(&slow->timer);
  free(slow);
}
