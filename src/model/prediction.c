#include "model/prediction.h"

#include <math.h>
#include <stdio.h>

#define NO_BIAS 0.005 /* on the whole neither too high nor too low: less than half a percent */

const char *sp_prediction_verdict_name(enum sp_prediction_verdict verdict) {
  static const char *const names[] = {"open", "hit", "too high", "too low"};
  return names[verdict];
}

struct sp_prediction_score sp_prediction_score(double low, double high, double outcome) {
  if (!isfinite(low) || !isfinite(high) || !isfinite(outcome) || low > high) {
    return (struct sp_prediction_score){SP_PREDICTION_OPEN, NAN};
  }
  double error = outcome > 0 ? (low + high) / 2 / outcome - 1 : NAN;
  if (outcome < low) return (struct sp_prediction_score){SP_PREDICTION_TOO_HIGH, error};
  if (outcome > high) return (struct sp_prediction_score){SP_PREDICTION_TOO_LOW, error};
  return (struct sp_prediction_score){SP_PREDICTION_HIT, error};
}

void sp_calibration_add(struct sp_calibration *calibration, const struct sp_prediction_score *score) {
  if (score->verdict == SP_PREDICTION_OPEN) return;
  calibration->count++;
  calibration->hits += score->verdict == SP_PREDICTION_HIT;
  calibration->too_high += score->verdict == SP_PREDICTION_TOO_HIGH;
  calibration->too_low += score->verdict == SP_PREDICTION_TOO_LOW;
  if (isnan(score->error)) return;
  calibration->measured++;
  calibration->error_sum += score->error;
  calibration->absolute_error_sum += fabs(score->error);
}

static double mean(double sum, size_t count) { return count > 0 ? sum / (double)count : NAN; }

double sp_calibration_hit_share(const struct sp_calibration *calibration) {
  return mean((double)calibration->hits, calibration->count);
}
double sp_calibration_error(const struct sp_calibration *calibration) {
  return mean(calibration->absolute_error_sum, calibration->measured);
}
double sp_calibration_bias(const struct sp_calibration *calibration) {
  return mean(calibration->error_sum, calibration->measured);
}

char *sp_calibration_text(const struct sp_calibration *calibration, char *text, size_t size) {
  if (calibration->count == 0) {
    snprintf(text, size, "no prediction scored yet");
    return text;
  }
  int used = snprintf(text, size, "%zu of %zu predictions right", calibration->hits, calibration->count);
  if (used < 0 || (size_t)used >= size || calibration->measured == 0) return text;
  double bias = sp_calibration_bias(calibration);
  used += snprintf(text + used, size - (size_t)used, "; on average %.0f %% off", 100 * sp_calibration_error(calibration));
  if ((size_t)used < size && fabs(bias) >= NO_BIAS) {
    snprintf(text + used, size - (size_t)used, ", %.0f %% too %s", 100 * fabs(bias), bias > 0 ? "high" : "low");
  }
  return text;
}
