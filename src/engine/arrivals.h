/*
 * The arrivals of an open loop: number k = 0, 1, … of the run is due at an absolute time that depends on the load and
 * the seed only. Each worker walks the whole sequence and makes the arrivals k with k mod workers = its index, so any
 * number of workers makes the same load. (A draw costs some 10 ns, so walking the others' is cheap.)
 *
 *   even      number y = k of the integral of the rate: exact spacing, through ramps too
 *   Poisson   y = the sum of k + 1 exponential draws of mean 1, through the same integral: a Poisson process of that
 *             rate, homogeneous or not (time change; Cinlar, Introduction to Stochastic Processes, 1975)
 *   trace     the offset that stands there
 */
#ifndef SP_ENGINE_ARRIVALS_H
#define SP_ENGINE_ARRIVALS_H

#include "base/rng.h"
#include "engine/rate.h"

struct sp_arrivals {
  const struct sp_load *load;
  struct sp_rate rate; /* not with a trace */
  int64_t start_ns;
  unsigned step;
  uint64_t k;     /* the next own arrival … */
  int64_t due_ns; /* … and its time; SP_NEVER_NS: none is due any more (as the rate stands) */
  uint64_t walked; /* Poisson: numbers drawn */
  double number;
  struct sp_rng rng;
};

void sp_arrivals_init(struct sp_arrivals *arrivals, const struct sp_load *load, int64_t start_ns, unsigned index,
                      unsigned count);
void sp_arrivals_fini(struct sp_arrivals *arrivals); /* fine on a zeroed one */
void sp_arrivals_next(struct sp_arrivals *arrivals);
/* The rate from begin_ns on. Not with a trace. */
void sp_arrivals_change(struct sp_arrivals *arrivals, int64_t begin_ns, double per_s);

#endif
