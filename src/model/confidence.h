/*
 * How sure is a figure of a run? A 95 % interval by batch means, and whether there are enough samples to name a
 * percentile at all. Pure functions: no clock, no randomness.
 *
 * Requests of a load test depend on one another (a queue remembers), so an interval that takes them as independent is
 * far too narrow: for p95 near saturation it covers the truth in 8 to 44 of 100 runs instead of 95. So the steady part
 * is cut into B batches of seconds, long enough to be nearly independent, and the spread of the batches' own values
 * gives the interval:  value ± A · t(B-1, 97.5 %) · S / √B.
 *   Batch means: Law, Simulation Modeling and Analysis, ch. 9.5.
 *   S is taken around the value of all samples and not around the batches' mean ("sectioning": Asmussen & Glynn,
 *   Stochastic Simulation, III.5a; Nakayama, ACM TOMACS 24(4), 2014), since the percentile of a small batch is biased.
 *   A = √((1+r)/(1-r)) widens for the correlation r that successive batches still have (Skart: Tafazzoli, Wilson, Lada,
 *   Steiger, INFORMS J. Computing 23(2), 2011); r is von Neumann's lag-1 correlation plus 1/B, its bias.
 * B is 20, or less (15, 12, 10) until the batches are long enough: each with samples on both sides of the percentile,
 * and a correlation of at most 1/√B. Simulated (log-normal times, p95, 1200 … 12,000 requests) such intervals hold the
 * truth in 94 to 97 of 100 runs where requests are independent, and in 88 to 92 where seconds remember the last ten.
 *
 * A percentile can be named once a distribution-free 95 % interval of order statistics exists for it (Hahn & Meeker):
 * p50 6, p90 36, p95 72, p99 368, p99.9 3688 samples.
 */
#ifndef SP_MODEL_CONFIDENCE_H
#define SP_MODEL_CONFIDENCE_H

#include "stats/series.h"

#define SP_BATCHES_MAX 20u
#define SP_BATCHES_MIN 10u

enum sp_confidence_state {
  SP_CONFIDENCE_GOOD,        /* the interval is given */
  SP_CONFIDENCE_DEPENDENT,   /* given, but even the longest batches follow one another: rather too narrow */
  SP_CONFIDENCE_NO_SAMPLES,
  SP_CONFIDENCE_FEW_SAMPLES, /* not enough samples to name this percentile: `needed` */
  SP_CONFIDENCE_FEW_BATCHES, /* the value stands, an interval would need a longer run (or more samples) */
  SP_CONFIDENCE_EXTREME,     /* a minimum or maximum has no such interval */
};

struct sp_confidence {
  enum sp_confidence_state state;
  double value;     /* of the whole stretch; NAN without samples */
  double low, high; /* 95 %; NAN where there is no interval */
  unsigned batches; /* that the interval was made from */
  double lag1;      /* correlation of successive batches, -1 … 1 */
  uint64_t samples;
  uint64_t needed;  /* to name the percentile; 0 where it is none */
};

/* The least number of samples that a percentile (over 0, below 100) may be named with. */
uint64_t sp_samples_needed(double percentile);

/* What of it others use (model/compare.h): Student's t, 97.5 % of whose values are below, for 1 … 19 degrees of freedom;
 * the correlation of successive batches; A for it. */
double sp_student_975(size_t degrees);
double sp_batches_lag1(const double *values, size_t count);
double sp_batches_widening(double lag1, size_t count);

/* The interval around `value` from the values of batches in the order of time, all finite. Fewer than SP_BATCHES_MIN
 * give none; more than SP_BATCHES_MAX are a bug. State: GOOD, DEPENDENT or FEW_BATCHES. */
void sp_confidence_of_batches(double value, const double *batches, size_t count, struct sp_confidence *out);

/* Of an SLO's value over the rows from … to-1, which should be steady ones (sp_series_steady). */
void sp_confidence_of_slo(const struct sp_slo *slo, const struct sp_series *series, size_t from, size_t to,
                          struct sp_confidence *out);

/* The limit is inside of the interval: a run like this could as well have come out the other way. */
bool sp_confidence_is_undecided(const struct sp_confidence *confidence, const struct sp_slo *slo);

/* One line for people: "845 ms (95 %: 801 … 889 ms)", "p99 needs 368 samples, there are 120". Returns out. */
#define SP_CONFIDENCE_TEXT_SIZE 200
char *sp_confidence_text(const struct sp_confidence *confidence, const struct sp_slo *slo, char *out, size_t size);

#endif
