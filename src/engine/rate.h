/*
 * The arrival rate as a function of time, and its integral R(t): how many arrivals are due by t. Pieces are straight
 * lines, so that the integral is inverted in closed form: arrival number y (any real number from 0) is due at the t
 * with R(t) = y. Each time is found from its piece's begin: nothing drifts, exact through ramps.
 */
#ifndef SP_ENGINE_RATE_H
#define SP_ENGINE_RATE_H

#include "engine/load.h"

struct sp_rate_piece {
  int64_t begin_ns, end_ns;    /* SP_NEVER_NS: for good */
  double from_per_s, to_per_s; /* the same where it is for good */
  double base, top;            /* R at begin and end; filled in here */
};

struct sp_rate {
  struct sp_rate_piece *pieces; /* one follows the other without a gap */
  size_t count, cap;
  size_t at; /* where the last asked number was: questions come in rising order */
};

void sp_rate_init(struct sp_rate *rate, const struct sp_load *load, int64_t begin_ns); /* not for a trace */
void sp_rate_copy(struct sp_rate *into, const struct sp_rate *from); /* into is empty */
void sp_rate_fini(struct sp_rate *rate); /* fine on a zeroed one */
/* From begin_ns on per_s, for good. Nothing before it changes. */
void sp_rate_replace(struct sp_rate *rate, int64_t begin_ns, double per_s);
void sp_rate_forget(struct sp_rate *rate, int64_t before_ns); /* pieces that were over by then */

int64_t sp_rate_due_ns(struct sp_rate *rate, double number); /* SP_NEVER_NS: the rate doesn't come to that */
double sp_rate_integral(const struct sp_rate *rate, int64_t until_ns);
double sp_rate_level(const struct sp_rate *rate, int64_t now_ns); /* arrivals a second; 0 before and behind it */

#endif
