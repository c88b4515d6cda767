/* The figures of a run in a list, over all requests of its load. */
#include "store/db.h"

#include "base/clock.h"

#include <math.h>

static double p95_ms(const struct sp_interval *totals, enum sp_metric metric) {
  struct sp_hist all;
  sp_hist_init(&all);
  for (size_t i = 0; i < totals->cells.count; i++) {
    const struct sp_cell *cell = totals->cells.entries[i].value;
    sp_hist_merge(&all, &cell->metrics[metric]);
  }
  double ms = all.count > 0 ? (double)sp_hist_percentile(&all, 95) / 1000 : (double)NAN;
  sp_hist_fini(&all);
  return ms;
}

void sp_headline_of(const struct sp_interval *totals, int64_t measured_ns, struct sp_headline *out) {
  struct sp_tally tally;
  sp_tally_interval(totals, &tally);
  double completed = (double)(tally.ok + tally.failed);
  out->rps = measured_ns > 0 ? completed * (double)SP_NS_PER_S / (double)measured_ns : (double)NAN;
  out->failed_share = completed > 0 ? (double)tally.failed / completed : (double)NAN;
  out->ttft_p95_ms = p95_ms(totals, SP_METRIC_TTFT);
  out->e2e_p95_ms = p95_ms(totals, SP_METRIC_E2E);
}
