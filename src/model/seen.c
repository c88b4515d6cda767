#include "model/seen.h"

#include "base/str.h"

#include <math.h>
#include <string.h>

static bool is_again(const struct sp_observations *observations, const struct sp_observed *series) {
  return sp_observations_find(observations, series->signal, series->subject, series->detail, NULL) != series;
}

static double join(enum sp_signal signal, double so_far, double value) {
  const char *unit = sp_signal_info(signal)->unit;
  if (isnan(so_far)) return value;
  return strcmp(unit, "share") == 0 || strcmp(unit, "s") == 0 ? fmax(so_far, value) : so_far + value;
}

double sp_seen_mean(const struct sp_observations *observations, enum sp_signal signal, const char *subject,
                    const char *pattern, int64_t from_ns, int64_t to_ns) {
  const struct sp_observed *series;
  struct sp_observed_window window;
  double joined = (double)NAN;
  for (size_t from = 0; (series = sp_observations_find(observations, signal, subject, NULL, &from));) {
    if ((pattern && !sp_str_matches(pattern, series->detail)) || is_again(observations, series)) continue;
    if (!sp_observed_window(observations, series, from_ns, to_ns, &window) || window.covered < SP_SEEN_COVERED) continue;
    joined = join(signal, joined, window.mean);
  }
  return joined;
}
