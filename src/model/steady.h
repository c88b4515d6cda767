/*
 * Is a trial steady, and was it long enough for its own memory? From what was in flight (and, where known, how long
 * answers took) at the end of each second. Pure functions: no clock, no randomness.
 *
 * - Where the warm-up ends: MSER-5 (White, "An effective truncation heuristic for bias reduction in simulation output",
 *   Simulation 69(6), 1997; found the one robust enough to automate by Hoad, Robinson, Davies, JORS 61(9), 2010). It
 *   leaves out the first d batches of five that minimise sum (Y_i - mean)^2 / (n - d)^2 over the rest; a d beyond the
 *   half says that the trial was too short. Candidates that leave less than a quarter (or five batches) are not tried: a few
 *   values at the end that are alike, or extreme, would draw d there.
 * - How long it remembers: the integrated autocorrelation time of what was in flight, in seconds, summed within five of
 *   itself (Sokal's window). A trial should be SP_STEADY_RELAXATIONS of them.
 * - Whether it grows: the slope of what was in flight, by least squares; its error is widened for the memory of the
 *   residuals, since seconds depend on one another. An open loop grows where the slope is surely over 0 and more than
 *   SP_STEADY_LEFT_SHARE of the arrivals stay behind: such a load can't be held, whatever its requests say so far. In a
 *   closed loop nothing can grow beyond the users; there only the drift counts.
 * - Whether it drifts: MSER-5 finds no end of the warm-up in the first half, and a slope, of requests in flight or of
 *   times, is surely not 0.
 */
#ifndef SP_MODEL_STEADY_H
#define SP_MODEL_STEADY_H

#include <stdbool.h>
#include <stddef.h>

#define SP_STEADY_RELAXATIONS 20.0
#define SP_STEADY_LEFT_SHARE 0.02
#define SP_STEADY_SURE 3.0 /* standard errors */

enum sp_steady_state {
  SP_STEADY_YES,
  SP_STEADY_GROWS,  /* open loop: more comes than goes */
  SP_STEADY_DRIFTS, /* it never settled */
};
const char *sp_steady_name(enum sp_steady_state state); /* "steady", "grows", "drifts" */

struct sp_steady_series {
  const double *in_flight; /* at the end of each second, the warm-up's too */
  const double *took_ms;   /* MAY be NULL: mean time of what ended in it; NAN where nothing did */
  size_t count;
  size_t warm;          /* seconds in front that are not measured */
  double arrivals_per_s; /* open loop; 0 in a closed one */
};

struct sp_steady {
  enum sp_steady_state state;
  size_t cut;           /* seconds that MSER-5 leaves out */
  double slope_per_s, slope_error; /* of requests in flight, measured part */
  double relaxation_s;  /* at least half a second, what one value a second can tell */
  double needs_s;       /* measured seconds that would be enough */
};
void sp_steady_judge(const struct sp_steady_series *series, struct sp_steady *out);

/* Values to leave out in front; a whole number of batches of five. Over count / 2: too short to say. */
size_t sp_mser5(const double *values, size_t count);
/* Of values one second apart. */
double sp_relaxation_s(const double *values, size_t count);
/* Least squares over the index; *error is widened for dependence, NAN below four values. */
double sp_slope(const double *values, size_t count, double *error);

#endif
