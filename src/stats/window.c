#include "stats/window.h"

#include <math.h>

#define TOLERANCE_NS (INT64_C(1000000000) / 2)
#define STEPS 60 /* of a long window */

void sp_window_track_init(struct sp_window_track *track, const struct sp_slo *slo) {
  *track = (struct sp_window_track){ .slo = slo, .worst = NAN };
}

static bool is_looked_at(const struct sp_window_track *track, const struct sp_series_row *row) {
  return sp_slo_is_rate(track->slo) ? row->part == SP_SERIES_STEADY : row->part != SP_SERIES_WARM;
}

/* The first row of the window that ends before row `to`, or `to` when there is no whole one. */
static size_t window_begin(const struct sp_window_track *track, const struct sp_series *series, size_t to) {
  int64_t span_ns = 0;
  for (size_t i = to; i > 0 && is_looked_at(track, sp_series_row(series, i - 1)); i--) {
    span_ns += sp_series_span_ns(series, i - 1, i);
    if (span_ns >= track->slo->window_ns - TOLERANCE_NS) {
      return i - 1;
    }
  }
  return to;
}

static void judge(struct sp_window_track *track, const struct sp_series *series, size_t from, size_t to) {
  struct sp_slo_value value;
  sp_series_evaluate(series, from, to, track->slo, &value);
  track->windows++;
  if (isnan(value.value)) {
    track->empty++;
    return;
  }
  track->missed += value.met ? 0 : 1;
  if (isnan(track->worst) || sp_slo_is_worse(track->slo, value.value, track->worst)) {
    track->worst = value.value;
    track->worst_begin_ns = sp_series_row(series, from)->begin_ns;
    track->worst_end_ns = sp_series_row(series, to - 1)->end_ns;
  }
}

static bool is_due(const struct sp_window_track *track, const struct sp_series_row *newest) {
  return track->judged_ns == 0 || newest->end_ns - track->judged_ns >= track->slo->window_ns / STEPS - TOLERANCE_NS;
}

void sp_window_track_step(struct sp_window_track *track, const struct sp_series *series) {
  size_t to = sp_series_count(series);
  if (to == 0 || !is_due(track, sp_series_row(series, to - 1))) {
    return;
  }
  size_t from = window_begin(track, series, to);
  if (from < to) {
    judge(track, series, from, to);
    track->judged_ns = sp_series_row(series, to - 1)->end_ns;
  }
}

bool sp_window_track_lost(const struct sp_window_track *track) { return track->missed > 0; }

/* The rows from the first to the last that are looked at; a rate's steady rows in one stretch. */
static void judge_all(struct sp_window_track *track, const struct sp_series *series) {
  size_t from = 0, to = sp_series_count(series);
  if (sp_slo_is_rate(track->slo)) {
    sp_series_steady(series, &from, &to);
  }
  while (from < to && !is_looked_at(track, sp_series_row(series, from))) {
    from++;
  }
  while (from < to && !is_looked_at(track, sp_series_row(series, to - 1))) {
    to--;
  }
  if (from < to) {
    judge(track, series, from, to);
  }
}

void sp_window_track_finish(struct sp_window_track *track, const struct sp_series *series, struct sp_slo_value *out) {
  if (track->windows == 0) {
    judge_all(track, series);
  }
  uint64_t judged = track->windows - track->empty;
  *out = (struct sp_slo_value){
    .value = track->worst,
    .met = judged > 0 && track->missed == 0,
    .samples = judged,
    .why = judged > 0 ? NULL : "no samples in any window",
  };
}
