#include "engine/shape.h"

#include <math.h>

void sp_shape_init(struct sp_shape *shape, int64_t begin_ns, uint64_t from, uint64_t to, double per_s) {
  uint64_t change = to > from ? to - from : from - to;
  if (per_s <= 0) per_s = change <= SP_SPAWN_AT_ONCE ? 0 : SP_SPAWN_AT_ONCE;
  *shape = (struct sp_shape){ .begin_ns = begin_ns, .from = from, .to = to, .per_s = per_s };
}

void sp_shape_change(struct sp_shape *shape, int64_t now_ns, uint64_t to, double per_s) {
  sp_shape_init(shape, now_ns, sp_shape_target(shape, now_ns), to, per_s);
}

/* Time of the ramp's step n = 0, 1, … Each from the begin, so that errors don't add up. */
static int64_t step_ns(const struct sp_shape *shape, uint64_t n) {
  if (shape->per_s <= 0) return shape->begin_ns;
  double after_ns = (double)n * (double)SP_NS_PER_S / shape->per_s;
  if (after_ns >= (double)(SP_NEVER_NS - shape->begin_ns) / 2) return SP_NEVER_NS;
  return shape->begin_ns + llround(after_ns);
}

int64_t sp_shape_arrival_ns(const struct sp_shape *shape, uint64_t seat) {
  if (seat > shape->to) return SP_NEVER_NS;
  return seat <= shape->from ? shape->begin_ns : step_ns(shape, seat - shape->from - 1);
}

int64_t sp_shape_leave_ns(const struct sp_shape *shape, uint64_t seat) {
  if (seat <= shape->to) return SP_NEVER_NS;
  return seat > shape->from ? shape->begin_ns : step_ns(shape, shape->from - seat);
}

uint64_t sp_shape_target(const struct sp_shape *shape, int64_t now_ns) {
  if (now_ns < shape->begin_ns) return shape->from;
  /* Steps are ordered in time: find how many are due by halving, so that this agrees with step_ns to the ns. */
  uint64_t change = shape->to > shape->from ? shape->to - shape->from : shape->from - shape->to;
  uint64_t low = 0, high = change;
  while (low < high) {
    uint64_t middle = low + (high - low) / 2;
    if (step_ns(shape, middle) <= now_ns)
      low = middle + 1;
    else
      high = middle;
  }
  return shape->to > shape->from ? shape->from + low : shape->from - low;
}
