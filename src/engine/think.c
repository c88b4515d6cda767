#include "engine/think.h"

#include <math.h>

static int64_t seconds_to_ns(double s) {
  if (!(s > 0)) return 0; /* also NaN */
  double ns = s * (double)SP_NS_PER_S;
  return ns >= (double)SP_THINK_MAX_NS ? SP_THINK_MAX_NS : llround(ns);
}

int64_t sp_think_due_ns(const struct sp_think *think, struct sp_rng *rng, int64_t task_due_ns, int64_t now_ns) {
  switch (think->kind) {
  case SP_THINK_CONSTANT: return now_ns + seconds_to_ns(think->a_s);
  case SP_THINK_BETWEEN: return now_ns + seconds_to_ns(sp_rng_between(rng, think->a_s, think->b_s));
  case SP_THINK_EXPONENTIAL: return now_ns + seconds_to_ns(sp_rng_exponential(rng, think->a_s));
  case SP_THINK_PACE: {
    /* From the intended start: a late callback doesn't stretch the pace. Too late: at once, and no catching up. */
    int64_t due_ns = task_due_ns + seconds_to_ns(think->a_s);
    return due_ns > now_ns ? due_ns : now_ns;
  }
  case SP_THINK_NONE:
  case SP_THINK_CUSTOM: break;
  }
  return now_ns;
}
