#include "report/figures.h"

#include "base/clock.h"
#include "base/units.h"

#include <math.h>
#include <stdio.h>

double sp_per_s(uint64_t count, int64_t ns) {
  return ns > 0 ? (double)count * (double)SP_NS_PER_S / (double)ns : NAN;
}

double sp_share(uint64_t part, uint64_t whole) { return whole > 0 ? (double)part / (double)whole : NAN; }

uint64_t sp_completed(const struct sp_tally *tally) { return tally->ok + tally->failed; }

static char *none(char *text, size_t size) {
  snprintf(text, size, "-");
  return text;
}

char *sp_figure_rate(double per_s, char *text, size_t size) {
  if (!isfinite(per_s)) {
    return none(text, size);
  }
  if (per_s >= 999.5) {
    return sp_format_count((uint64_t)llround(per_s), text, size);
  }
  if (per_s == 0) {
    snprintf(text, size, "0");
  } else if (per_s < 0.05) {
    snprintf(text, size, "%.3f", per_s);
  } else {
    snprintf(text, size, "%.*f", per_s < 99.95 ? 1 : 0, per_s);
  }
  return text;
}

char *sp_figure_percent(double share, char *text, size_t size) {
  double percent = share * 100;
  if (!isfinite(percent)) {
    return none(text, size);
  }
  if (percent > 0 && percent < 0.1) {
    snprintf(text, size, "<0.1 %%");
  } else if (percent > 99.9 && percent < 100) {
    snprintf(text, size, ">99.9 %%"); /* a single good one among many must not read as none */
  } else {
    snprintf(text, size, percent > 0 && percent < 100 ? "%.1f %%" : "%.0f %%", percent);
  }
  return text;
}

char *sp_figure_ms(double us, char *text, size_t size) {
  if (!isfinite(us)) {
    return none(text, size);
  }
  return sp_format_ms(us / 1000, text, size);
}

char *sp_figure_percentile(const struct sp_hist *hist, double percentile, char *text, size_t size) {
  double us = hist->count > 0 ? (double)sp_hist_percentile(hist, percentile) : NAN;
  return sp_figure_ms(us, text, size);
}

void sp_open_ends_of(const struct sp_interval *interval, struct sp_open_ends *out) {
  *out = (struct sp_open_ends){ 0 };
  for (size_t i = 0; i < interval->cells.count; i++) {
    const struct sp_cell *cell = interval->cells.entries[i].value;
    out->count += cell->outcomes[SP_OUTCOME_CANCELLED];
    out->streams += cell->cut_streams;
    out->tokenless += cell->cut_tokenless;
    if (cell->cancelled_age.count > 0 && cell->cancelled_age.max > out->oldest_us) {
      out->oldest_us = cell->cancelled_age.max;
    }
  }
}
