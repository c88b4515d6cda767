#include "model/prediction.h"

#include <math.h>
#include <stdio.h>

#define NO_BIAS 0.005 /* on the whole neither too high nor too low: less than half a percent */

const char *sp_prediction_verdict_name(enum sp_prediction_verdict verdict) {
  static const char *const names[] = {"open", "hit", "too high", "too low"};
  return names[verdict];
}

struct sp_prediction_score sp_prediction_score(double low, double high, double outcome) {
  if (!isfinite(low) || !isfinite(high) || !isfinite(outcome) || outcome <= 0 || low > high) {
    return (struct sp_prediction_score){SP_PREDICTION_OPEN, NAN};
  }
  double error = (low + high) / 2 / outcome - 1;
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
  calibration->error_sum += score->error;
  calibration->absolute_error_sum += fabs(score->error);
}

static double of_count(const struct sp_calibration *calibration, double sum) {
  return calibration->count > 0 ? sum / (double)calibration->count : NAN;
}
double sp_calibration_hit_share(const struct sp_calibration *calibration) {
  return of_count(calibration, (double)calibration->hits);
}
double sp_calibration_error(const struct sp_calibration *calibration) {
  return of_count(calibration, calibration->absolute_error_sum);
}
double sp_calibration_bias(const struct sp_calibration *calibration) { return of_count(calibration, calibration->error_sum); }

char *sp_calibration_text(const struct sp_calibration *calibration, char *text, size_t size) {
  if (calibration->count == 0) {
    snprintf(text, size, "no prediction scored yet");
    return text;
  }
  double bias = sp_calibration_bias(calibration);
  int used = snprintf(text, size, "%zu of %zu predictions right; on average %.0f %% off", calibration->hits, calibration->count,
                      100 * sp_calibration_error(calibration));
  if (used > 0 && (size_t)used < size && fabs(bias) >= NO_BIAS) {
    snprintf(text + used, size - (size_t)used, ", %.0f %% too %s", 100 * fabs(bias), bias > 0 ? "high" : "low");
  }
  return text;
}
