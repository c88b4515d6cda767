#include "cli/slo_watch.h"

#include "report/tick.h"

#include <string.h>

#define DEFAULT_SLO "failed_share < 1" /* a run in which everything failed is no success */

static int add(struct sp_slo_watch *watch, const char *text, struct sp_err *err) {
  if (watch->count == SP_SLOS_MAX) return sp_fail(err, SP_EUSAGE, "over %u SLOs", SP_SLOS_MAX);
  struct sp_slo *slo = &watch->slos[watch->count];
  if (sp_slo_parse(sp_str_from(text), slo, err)) return sp_err_context(err, "SLO");
  sp_window_track_init(&watch->tracks[watch->count], slo);
  watch->count++;
  return 0;
}

int sp_slo_watch_init(struct sp_slo_watch *watch, const char *const *flags, size_t flag_count, char *const *plan,
                      size_t plan_count, struct sp_err *err) {
  memset(watch, 0, sizeof(*watch));
  int code = 0;
  for (size_t i = 0; i < flag_count && code == 0; i++) code = add(watch, flags[i], err);
  for (size_t i = 0; flag_count == 0 && i < plan_count && code == 0; i++) code = add(watch, plan[i], err);
  if (code) return code;
  sp_limits_init(&watch->limits, watch->slos, watch->count);
  watch->none_given = watch->count == 0;
  if (watch->none_given && add(watch, DEFAULT_SLO, err)) return err->code;
  struct sp_series_options options = {.slos = watch->slos, .slo_count = watch->count};
  watch->series = sp_series_create(&options);
  return 0;
}

void sp_slo_watch_fini(struct sp_slo_watch *watch) {
  sp_limits_fini(&watch->limits);
  sp_series_destroy(watch->series);
  watch->series = NULL;
}

void sp_slo_watch_tick(struct sp_slo_watch *watch, const struct sp_run_view *view) {
  struct sp_series_gauges gauges = {sp_view_part(view), view->users, view->in_flight};
  sp_series_push(watch->series, view->last, &gauges);
  for (size_t i = 0; i < watch->count; i++) {
    if (watch->slos[i].window_ns) sp_window_track_step(&watch->tracks[i], watch->series);
  }
}

bool sp_slo_watch_has_windows(const struct sp_slo_watch *watch) {
  for (size_t i = 0; i < watch->count; i++) {
    if (watch->slos[i].window_ns) return true;
  }
  return false;
}

const struct sp_slo *sp_slo_watch_lost(const struct sp_slo_watch *watch) {
  for (size_t i = 0; i < watch->count; i++) {
    if (watch->slos[i].window_ns && sp_window_track_lost(&watch->tracks[i])) return &watch->slos[i];
  }
  return NULL;
}

/* The default holds for a run without a single request, as long as no task broke. */
static void judge_default(struct sp_slo_result *result, const struct sp_interval *totals) {
  struct sp_tally tally;
  sp_tally_interval(totals, &tally);
  if (tally.ok + tally.failed > 0) return;
  result->met = totals->task_errors == 0;
}

static void evaluate(struct sp_slo_watch *watch, size_t i, struct sp_window_track *track, const struct sp_interval *totals,
                     double measured_s) {
  struct sp_slo *slo = &watch->slos[i];
  struct sp_slo_value value;
  if (slo->window_ns) sp_window_track_finish(track, watch->series, &value);
  else sp_slo_evaluate(slo, totals, measured_s, &value);
  watch->results[i] = (struct sp_slo_result){.expression = slo->text, .value = value.value, .met = value.met, .slo = slo,
      .why = value.why, .samples = value.samples, .window = slo->window_ns ? &watch->tracks[i] : NULL};
  if (watch->none_given) judge_default(&watch->results[i], totals);
}

void sp_slo_watch_glance(struct sp_slo_watch *watch, const struct sp_interval *totals, double measured_s) {
  for (size_t i = 0; i < watch->count; i++) {
    struct sp_window_track track = watch->tracks[i]; /* a finished one can't go on */
    evaluate(watch, i, &track, totals, measured_s);
  }
}

static void judge_one(struct sp_slo_watch *watch, size_t i, const struct sp_interval *totals, double measured_s) {
  const struct sp_slo *slo = &watch->slos[i];
  evaluate(watch, i, &watch->tracks[i], totals, measured_s);
  size_t from, to;
  if (slo->window_ns || watch->none_given || !sp_series_steady(watch->series, &from, &to)) return;
  sp_confidence_of_slo(slo, watch->series, from, to, &watch->confidences[i]);
  watch->results[i].confidence = &watch->confidences[i];
}

void sp_slo_watch_judge(struct sp_slo_watch *watch, const struct sp_interval *totals, double measured_s) {
  for (size_t i = 0; i < watch->count; i++) judge_one(watch, i, totals, measured_s);
}
