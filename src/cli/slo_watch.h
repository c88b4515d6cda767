/*
 * A run's SLOs from text to verdict: parsed before the run, windows judged while it goes, values with their intervals at
 * its end. Lives on the main thread; the limits it makes are shared read-only with the engine's.
 */
#ifndef SP_CLI_SLO_WATCH_H
#define SP_CLI_SLO_WATCH_H

#include "model/confidence.h"
#include "report/report.h"
#include "script/plan.h"
#include "stats/limits.h"
#include "stats/window.h"

struct sp_slo_watch {
  struct sp_slo slos[SP_SLOS_MAX];
  struct sp_window_track tracks[SP_SLOS_MAX]; /* of those with a window */
  struct sp_confidence confidences[SP_SLOS_MAX];
  struct sp_slo_result results[SP_SLOS_MAX];
  size_t count;
  struct sp_limits limits;
  struct sp_series *series;
  bool none_given; /* the default stands: failed_share < 1 */
};

/* Texts of flags, or of the plan where there are no flags. A bad one names its column. */
int sp_slo_watch_init(struct sp_slo_watch *watch, const char *const *flags, size_t flag_count, char *const *plan,
                      size_t plan_count, struct sp_err *err);
void sp_slo_watch_fini(struct sp_slo_watch *watch);

void sp_slo_watch_tick(struct sp_slo_watch *watch, const struct sp_run_view *view);
bool sp_slo_watch_has_windows(const struct sp_slo_watch *watch);
/* A windowed SLO that can't be met any more; NULL: none. */
const struct sp_slo *sp_slo_watch_lost(const struct sp_slo_watch *watch);
/* Fills results with what holds so far: without intervals, and of windows those that are over. */
void sp_slo_watch_glance(struct sp_slo_watch *watch, const struct sp_interval *totals, double measured_s);
/* Fills results. */
void sp_slo_watch_judge(struct sp_slo_watch *watch, const struct sp_interval *totals, double measured_s);

#endif
