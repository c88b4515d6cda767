#include "engine/arrivals.h"

#define POISSON_STREAM UINT64_MAX /* no user's stream of random numbers */

/* Draws up to the next own arrival's number. */
static void draw(struct sp_arrivals *arrivals) {
  for (; arrivals->walked <= arrivals->k; arrivals->walked++)
    arrivals->number += sp_rng_exponential(&arrivals->rng, 1);
}

static int64_t trace_due_ns(const struct sp_arrivals *arrivals) {
  const struct sp_load *load = arrivals->load;
  return arrivals->k < load->trace_count ? arrivals->start_ns + load->trace[arrivals->k] : SP_NEVER_NS;
}

static void find_due(struct sp_arrivals *arrivals) {
  if (arrivals->load->trace != NULL) {
    arrivals->due_ns = trace_due_ns(arrivals);
    return;
  }
  if (arrivals->load->arrivals == SP_ARRIVALS_POISSON)
    draw(arrivals);
  else
    arrivals->number = (double)arrivals->k;
  arrivals->due_ns = sp_rate_due_ns(&arrivals->rate, arrivals->number);
}

void sp_arrivals_init(struct sp_arrivals *arrivals, const struct sp_load *load, int64_t start_ns, unsigned index,
                      unsigned count) {
  *arrivals = (struct sp_arrivals){ .load = load, .start_ns = start_ns, .step = count, .k = index };
  if (load->trace == NULL) sp_rate_init(&arrivals->rate, load, start_ns);
  sp_rng_seed(&arrivals->rng, load->seed, POISSON_STREAM);
  find_due(arrivals);
}

void sp_arrivals_fini(struct sp_arrivals *arrivals) { sp_rate_fini(&arrivals->rate); }

void sp_arrivals_next(struct sp_arrivals *arrivals) {
  arrivals->k += arrivals->step;
  find_due(arrivals);
}

void sp_arrivals_change(struct sp_arrivals *arrivals, int64_t begin_ns, double per_s) {
  sp_rate_replace(&arrivals->rate, begin_ns, per_s);
  sp_rate_forget(&arrivals->rate, begin_ns);
  arrivals->due_ns = sp_rate_due_ns(&arrivals->rate, arrivals->number);
}
