#include "model/steady.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

#define BATCH 5u
#define REST_MIN 5u /* batches that every candidate leaves, and a quarter of them all at least */
#define WINDOW 5.0          /* Sokal's: correlations within so many relaxation times are summed */
#define CUT_ROOM 4.0        /* a trial should be so many times what MSER-5 takes of its measured part */
#define SLOPE_VALUES_MIN 4u
#define CHANCE 2.0 /* standard deviations of a count */

const char *sp_steady_name(enum sp_steady_state state) {
  static const char *const names[] = { "steady", "grows", "drifts" };
  return names[state];
}

static double mean_of(const double *values, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    sum += values[i];
  }
  return count > 0 ? sum / (double)count : 0;
}

/* -- MSER-5 -- */

/* From the back, so that each candidate's sums come from the one behind it. */
static size_t best_cut(const double *batches, size_t count) {
  size_t best = 0, rest = count / 4 > REST_MIN ? count / 4 : REST_MIN;
  double sum = 0, squares = 0, least = INFINITY;
  for (size_t d = count; d-- > 0;) {
    double n = (double)(count - d);
    sum += batches[d];
    squares += batches[d] * batches[d];
    double statistic = (squares - sum * sum / n) / (n * n);
    if (count - d >= rest && statistic <= least) {
      least = statistic;
      best = d;
    }
  }
  return best;
}

size_t sp_mser5(const double *values, size_t count) {
  size_t batches = count / BATCH;
  if (batches <= REST_MIN) {
    return 0;
  }
  double *means = sp_alloc_array(batches, sizeof(*means));
  for (size_t i = 0; i < batches; i++) {
    means[i] = mean_of(values + i * BATCH, BATCH);
  }
  size_t cut = best_cut(means, batches) * BATCH;
  free(means);
  return cut;
}

/* -- memory -- */

static double covariance(const double *values, size_t count, double mean, size_t lag) {
  double sum = 0;
  for (size_t i = 0; i + lag < count; i++) {
    sum += (values[i] - mean) * (values[i + lag] - mean);
  }
  return sum;
}

double sp_relaxation_s(const double *values, size_t count) {
  double mean = mean_of(values, count), variance = covariance(values, count, mean, 0), sum = 0.5;
  for (size_t lag = 1; variance > 0 && lag < count && (double)lag <= WINDOW * sum; lag++) {
    double correlation = covariance(values, count, mean, lag) / variance;
    if (correlation <= 0) {
      break;
    }
    sum += correlation;
  }
  return sum;
}

/* -- slopes -- */

double sp_slope(const double *values, size_t count, double *error) {
  *error = (double)NAN;
  if (count < SLOPE_VALUES_MIN) {
    return 0;
  }
  double middle = (double)(count - 1) / 2, mean = mean_of(values, count), products = 0, spread = 0, squares = 0;
  for (size_t i = 0; i < count; i++) {
    products += ((double)i - middle) * (values[i] - mean);
    spread += ((double)i - middle) * ((double)i - middle);
  }
  double slope = products / spread, *residuals = sp_alloc_array(count, sizeof(*residuals));
  for (size_t i = 0; i < count; i++) {
    residuals[i] = values[i] - mean - slope * ((double)i - middle);
    squares += residuals[i] * residuals[i];
  }
  double n = (double)count, memory = 2 * sp_relaxation_s(residuals, count);
  *error = sqrt(squares / (n - 2) / spread * memory);
  free(residuals);
  return slope;
}

static bool is_sure(double slope, double error) { return fabs(slope) > SP_STEADY_SURE * error; }

/* Seconds in which nothing ended take the value before them. */
static bool times_drift(const struct sp_steady_series *series, size_t from) {
  if (!series->took_ms || series->count <= from) {
    return false;
  }
  size_t count = 0;
  double *values = sp_alloc_array(series->count - from, sizeof(*values)), last = (double)NAN, error;
  for (size_t i = from; i < series->count; i++) {
    last = isfinite(series->took_ms[i]) ? series->took_ms[i] : last;
    if (isfinite(last)) {
      values[count++] = last;
    }
  }
  double slope = sp_slope(values, count, &error);
  bool drifts = is_sure(slope, error) && sp_mser5(values, count) > count / 2;
  free(values);
  return drifts;
}

/* What stays behind must also be more than a Poisson process may bring by chance. */
static bool grows(const struct sp_steady_series *series, const struct sp_steady *steady, size_t seconds) {
  double arrivals = series->arrivals_per_s * (double)seconds, left = steady->slope_per_s * (double)seconds;
  return arrivals > 0 && left > SP_STEADY_LEFT_SHARE * arrivals && left > CHANCE * sqrt(arrivals) &&
         is_sure(steady->slope_per_s, steady->slope_error);
}

static bool drifts(const struct sp_steady_series *series, const struct sp_steady *steady) {
  bool flight = steady->cut > series->count / 2 && is_sure(steady->slope_per_s, steady->slope_error);
  return flight || times_drift(series, series->warm);
}

void sp_steady_judge(const struct sp_steady_series *series, struct sp_steady *out) {
  size_t warm = series->warm < series->count ? series->warm : series->count, count = series->count - warm;
  const double *measured = series->in_flight + warm;
  *out = (struct sp_steady){ .state = SP_STEADY_YES, .cut = sp_mser5(series->in_flight, series->count) };
  out->slope_per_s = sp_slope(measured, count, &out->slope_error);
  out->relaxation_s = sp_relaxation_s(measured, count);
  out->needs_s = SP_STEADY_RELAXATIONS * out->relaxation_s;
  if (out->cut > warm) {
    out->needs_s = fmax(out->needs_s, CUT_ROOM * (double)(out->cut - warm));
  }
  if (grows(series, out, count)) {
    out->state = SP_STEADY_GROWS;
  } else if (drifts(series, out)) {
    out->state = SP_STEADY_DRIFTS;
  }
}
