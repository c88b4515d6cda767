#include "model/confidence.h"

#include "base/check.h"
#include "model/student.h"

#include <math.h>
#include <stdio.h>

#define LOOKS_INDEPENDENT 1.0 /* a correlation up to this / √B: good enough, no longer batches are tried */
#define HARDLY_CHANCE 1.645   /* over this / √B: one-sided 95 % */
#define CORRELATION_MAX 0.95  /* for widening */

double sp_student_975(size_t degrees) {
  SP_CHECK(degrees >= 1 && degrees < SP_BATCHES_MAX);
  return sp_student_quantile(0.975, (double)degrees);
}

/* Both ends of a two-sided 95 % interval must be samples: q^n and (1-q)^n at most 2.5 % each. */
uint64_t sp_samples_needed(double percentile) {
  SP_CHECK(percentile > 0 && percentile < 100);
  double share = percentile / 100, more = share > 0.5 ? share : 1 - share;
  double exact = log(0.025) / log(more);
  return exact > 1 ? (uint64_t)ceil(exact) : 1;
}

/* -- from batches -- */

static double mean_of(const double *values, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    sum += values[i];
  }
  return sum / (double)count;
}

static double squares_around(double centre, const double *values, size_t count) {
  double sum = 0;
  for (size_t i = 0; i < count; i++) {
    sum += (values[i] - centre) * (values[i] - centre);
  }
  return sum;
}

double sp_batches_lag1(const double *values, size_t count) {
  double mean = mean_of(values, count), squares = squares_around(mean, values, count), products = 0;
  for (size_t i = 0; i + 1 < count; i++) {
    products += (values[i] - mean) * (values[i + 1] - mean);
  }
  return squares > 0 ? products / squares : 0;
}

double sp_batches_widening(double lag1, size_t count) {
  double correlation = lag1 + 1 / (double)count;
  if (correlation <= 0) {
    return 1;
  }
  double r = correlation < CORRELATION_MAX ? correlation : CORRELATION_MAX;
  return sqrt((1 + r) / (1 - r));
}

void sp_confidence_of_batches(double value, const double *batches, size_t count, struct sp_confidence *out) {
  SP_CHECK(count <= SP_BATCHES_MAX);
  *out = (struct sp_confidence){ .state = SP_CONFIDENCE_FEW_BATCHES, .value = value, .low = NAN, .high = NAN };
  if (count < SP_BATCHES_MIN) {
    return;
  }
  double n = (double)count, spread = sqrt(squares_around(value, batches, count) / (n - 1));
  out->lag1 = sp_batches_lag1(batches, count);
  double half = sp_batches_widening(out->lag1, count) * sp_student_975(count - 1) * spread / sqrt(n);
  out->low = value - half;
  out->high = value + half;
  out->batches = (unsigned)count;
  out->state = out->lag1 > HARDLY_CHANCE / sqrt(n) ? SP_CONFIDENCE_DEPENDENT : SP_CONFIDENCE_GOOD;
}

/* -- of an SLO -- */

static bool has_statistic(const struct sp_slo *slo) { return slo->of <= SP_SLO_OF_CUSTOM; }

static bool is_percentile(const struct sp_slo *slo) {
  return has_statistic(slo) && slo->statistic == SP_SLO_PERCENTILE && slo->percentile < 100;
}

static bool is_extreme(const struct sp_slo *slo) {
  if (!has_statistic(slo) || slo->statistic == SP_SLO_MEAN) {
    return false;
  }
  return !is_percentile(slo);
}

/* Samples that a batch should have: one beyond the percentile, on its thinner side. */
static double samples_a_batch(const struct sp_slo *slo) {
  if (!is_percentile(slo)) {
    return sp_slo_is_rate(slo) ? 0 : 1;
  }
  double share = slo->percentile / 100;
  return 1 / (share > 0.5 ? 1 - share : share);
}

/* Values of `count` batches, as even in rows as it goes. False: one has none. */
static bool batch(const struct sp_slo *slo, const struct sp_series *series, size_t from, size_t rows, size_t count,
                  double *values) {
  for (size_t i = 0; i < count; i++) {
    struct sp_slo_value value;
    sp_series_evaluate(series, from + i * rows / count, from + (i + 1) * rows / count, slo, &value);
    if (!isfinite(value.value)) {
      return false;
    }
    values[i] = value.value;
  }
  return true;
}

static bool looks_independent(const struct sp_confidence *confidence) {
  return confidence->batches > 0 && confidence->lag1 <= LOOKS_INDEPENDENT / sqrt(confidence->batches);
}

/* From many batches to few: the first number at which they are long enough, else the last. */
static void find_batches(const struct sp_slo *slo, const struct sp_series *series, size_t from, size_t rows,
                         struct sp_confidence *out) {
  static const size_t counts[] = { SP_BATCHES_MAX, 15, 12, SP_BATCHES_MIN };
  double values[SP_BATCHES_MAX];
  for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]) && !looks_independent(out); i++) {
    bool fits = counts[i] <= rows && (double)out->samples >= samples_a_batch(slo) * (double)counts[i];
    if (fits && batch(slo, series, from, rows, counts[i], values)) {
      struct sp_confidence found;
      sp_confidence_of_batches(out->value, values, counts[i], &found);
      found.samples = out->samples;
      found.needed = out->needed;
      *out = found;
    }
  }
}

static double clamp(double value, double low, double high) { return value < low ? low : value > high ? high : value; }

void sp_confidence_of_slo(const struct sp_slo *slo, const struct sp_series *series, size_t from, size_t to,
                          struct sp_confidence *out) {
  struct sp_slo_value whole;
  sp_series_evaluate(series, from, to, slo, &whole);
  *out = (struct sp_confidence){ .state = SP_CONFIDENCE_FEW_BATCHES,
                                 .value = whole.value,
                                 .low = NAN,
                                 .high = NAN,
                                 .samples = whole.samples,
                                 .needed = is_percentile(slo) ? sp_samples_needed(slo->percentile) : 0 };
  if (!isfinite(whole.value)) {
    out->state = SP_CONFIDENCE_NO_SAMPLES;
  } else if (is_extreme(slo)) {
    out->state = SP_CONFIDENCE_EXTREME;
  } else if (out->samples < out->needed) {
    out->state = SP_CONFIDENCE_FEW_SAMPLES;
  } else {
    find_batches(slo, series, from, to - from, out);
  }
  if (out->batches > 0) { /* no figure of ours is below 0, and no share over 1 */
    out->low = clamp(out->low, 0, out->low);
    out->high = sp_slo_unit(slo) == SP_SLO_SHARE ? clamp(out->high, 0, 1) : out->high;
  }
}

bool sp_confidence_is_undecided(const struct sp_confidence *confidence, const struct sp_slo *slo) {
  return confidence->batches > 0 && confidence->low <= slo->limit && slo->limit <= confidence->high;
}

/* -- for people -- */

static void interval_text(const struct sp_confidence *confidence, const struct sp_slo *slo, char *out, size_t size) {
  char value[SP_SLO_VALUE_SIZE], low[SP_SLO_VALUE_SIZE], high[SP_SLO_VALUE_SIZE];
  sp_slo_format(slo, confidence->value, value, sizeof(value));
  sp_slo_format(slo, confidence->low, low, sizeof(low));
  sp_slo_format(slo, confidence->high, high, sizeof(high));
  snprintf(out, size, "%s (95 %%: %s to %s%s)", value, low, high,
           confidence->state == SP_CONFIDENCE_DEPENDENT ? ", rather more: the run is short for its slow changes" : "");
}

char *sp_confidence_text(const struct sp_confidence *confidence, const struct sp_slo *slo, char *out, size_t size) {
  char value[SP_SLO_VALUE_SIZE];
  sp_slo_format(slo, confidence->value, value, sizeof(value));
  switch (confidence->state) {
  case SP_CONFIDENCE_GOOD:
  case SP_CONFIDENCE_DEPENDENT: interval_text(confidence, slo, out, size); break;
  case SP_CONFIDENCE_NO_SAMPLES: snprintf(out, size, "no samples"); break;
  case SP_CONFIDENCE_FEW_SAMPLES:
    snprintf(out, size, "%s, not enough samples to say p%g: %llu of the %llu that it needs", value, slo->percentile,
             (unsigned long long)confidence->samples, (unsigned long long)confidence->needed);
    break;
  case SP_CONFIDENCE_FEW_BATCHES: snprintf(out, size, "%s (steady for too short for an interval)", value); break;
  case SP_CONFIDENCE_EXTREME: snprintf(out, size, "%s", value); break;
  }
  return out;
}
