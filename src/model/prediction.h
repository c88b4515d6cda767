/*
 * How good were earlier predictions? Each one, {low, high}, against what came, and the score of them all: the calibration of the
 * adviser. Pure.
 */
#ifndef SP_MODEL_PREDICTION_H
#define SP_MODEL_PREDICTION_H

#include <stddef.h>

enum sp_prediction_verdict {
  SP_PREDICTION_OPEN, /* nothing to compare: no interval, or no outcome */
  SP_PREDICTION_HIT,
  SP_PREDICTION_TOO_HIGH, /* less came than it said */
  SP_PREDICTION_TOO_LOW,
};
const char *sp_prediction_verdict_name(enum sp_prediction_verdict verdict); /* "open", "hit", "too high", "too low" */

struct sp_prediction_score {
  enum sp_prediction_verdict verdict;
  double error; /* relative, of the interval's middle: 0.1 where it said a tenth too much; NAN when open */
};
/* NAN for what is not known; an outcome on the edge is a hit. Of an outcome of 0 no error can be said. */
struct sp_prediction_score sp_prediction_score(double low, double high, double outcome);

struct sp_calibration { /* begins as {0} */
  size_t count, hits, too_high, too_low; /* open ones are in none */
  size_t measured; /* that have an error */
  double error_sum, absolute_error_sum; /* of these */
};
void sp_calibration_add(struct sp_calibration *calibration, const struct sp_prediction_score *score);
double sp_calibration_hit_share(const struct sp_calibration *calibration); /* NAN: nothing scored yet */
double sp_calibration_error(const struct sp_calibration *calibration);     /* mean absolute; NAN */
double sp_calibration_bias(const struct sp_calibration *calibration);      /* mean, with its sign; NAN */
/* "3 of 4 predictions right; on average 8 % off, 5 % too high", "no prediction scored yet". Returns text. */
char *sp_calibration_text(const struct sp_calibration *calibration, char *text, size_t size);

#endif
