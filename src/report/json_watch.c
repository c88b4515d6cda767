/*
 * The summary's "watch": what watchers could see of the target, its settings, and each signal: its figures over the measured
 * time, and its course over the run for a chart.
 */
#include "report/json_parts.h"

#include <math.h>
#include <stdlib.h>

#define CHART_POINTS_MAX 300u     /* of a series */
#define CHART_POINTS_ALL 60000u   /* of all of them */
#define CHART_POINTS_MIN 20u

struct stretch {
  int64_t from_ns, to_ns; /* measured, wall clock */
  int64_t start_ns;       /* of the run */
  size_t points;          /* of a chart */
};

static json_t *text_list(const struct sp_observations *seen, bool can) {
  json_t *array = json_array();
  const struct sp_sight *sight;
  for (size_t i = 0; (sight = sp_observations_sight_at(seen, i)); i++) {
    if (sight->can != can) continue;
    json_t *object = json_object();
    sp_doc_set(object, "source", sp_doc_text(sight->source));
    sp_doc_set(object, "what", sp_doc_text(sight->text));
    json_array_append_new(array, object);
  }
  return array;
}

static json_t *settings(const struct sp_observations *seen) {
  json_t *array = json_array();
  const struct sp_setting_seen *setting;
  for (size_t i = 0; (setting = sp_observations_setting_at(seen, i)); i++) {
    json_t *object = json_object();
    sp_doc_set(object, "subject", sp_doc_text(setting->subject));
    sp_doc_set(object, "key", sp_doc_text(setting->key));
    sp_doc_set(object, "value", sp_doc_text(setting->value));
    json_array_append_new(array, object);
  }
  return array;
}

static json_t *key_of(const struct sp_observed *series) {
  const struct sp_signal_info *info = sp_signal_info(series->signal);
  json_t *object = json_object();
  sp_doc_set(object, "signal", sp_doc_text(info->name));
  sp_doc_set(object, "unit", sp_doc_text(info->unit));
  sp_doc_set(object, "what", sp_doc_text(info->help));
  sp_doc_set(object, "subject", sp_doc_text(series->subject));
  sp_doc_set(object, "detail", sp_doc_text(series->detail));
  sp_doc_set(object, "source", sp_doc_text(series->source));
  sp_doc_set(object, "query", sp_doc_text(series->query));
  return object;
}

/* Neighbours are joined, weighted by their time, until they are few enough. */
static json_t *chart_of(const struct sp_observations *seen, const struct sp_observed *series, const struct stretch *stretch) {
  size_t count;
  struct sp_point *points = sp_observed_points(seen, series, 0, &count);
  size_t each = (count + stretch->points - 1) / stretch->points;
  json_t *chart = json_object(), *times = json_array(), *values = json_array();
  for (size_t i = 0; i < count; i += each) {
    double sum = 0, span = 0;
    size_t end = i + each < count ? i + each : count;
    for (size_t k = i; k < end; k++) {
      sum += points[k].value * (double)points[k].span_ns;
      span += (double)points[k].span_ns;
    }
    json_array_append_new(times, sp_doc_number(round((double)(points[end - 1].at_ns - stretch->start_ns) / 1e7) / 100));
    json_array_append_new(values, sp_doc_number(sum / span));
  }
  free(points);
  sp_doc_set(chart, "t", times);
  sp_doc_set(chart, "v", values);
  return chart;
}

static json_t *one_series(const struct sp_observations *seen, const struct sp_observed *series, const struct stretch *stretch,
                          const struct sp_observed_window *window) {
  json_t *object = key_of(series);
  sp_doc_set(object, "mean", sp_doc_number(window->mean));
  sp_doc_set(object, "min", sp_doc_number(window->least));
  sp_doc_set(object, "max", sp_doc_number(window->most));
  sp_doc_set(object, "points", sp_doc_whole(window->points));
  sp_doc_set(object, "covered", sp_doc_number(window->covered));
  sp_doc_set(object, "chart", chart_of(seen, series, stretch));
  return object;
}

/* In the order of the table of signals, whichever watcher was first. */
static json_t *series_of(const struct sp_observations *seen, const struct stretch *stretch) {
  json_t *array = json_array();
  struct sp_observed_window window;
  for (int signal = 0; signal < SP_SIGNAL_COUNT; signal++) {
    const struct sp_observed *series;
    size_t from = 0;
    while ((series = sp_observations_find(seen, (enum sp_signal)signal, NULL, NULL, &from))) {
      if (!sp_observed_window(seen, series, stretch->from_ns, stretch->to_ns, &window)) continue;
      json_array_append_new(array, one_series(seen, series, stretch, &window));
    }
  }
  return array;
}

static size_t points_each(const struct sp_observations *seen) {
  size_t count = sp_observations_count(seen), each = count ? CHART_POINTS_ALL / count : CHART_POINTS_MAX;
  return each > CHART_POINTS_MAX ? CHART_POINTS_MAX : each < CHART_POINTS_MIN ? CHART_POINTS_MIN : each;
}

json_t *sp_doc_watch(const struct sp_result *result) {
  const struct sp_observations *seen = result->seen;
  json_t *object = json_object();
  struct stretch stretch = {.from_ns = result->totals->begin_ns + result->real_offset_ns,
                            .to_ns = result->totals->end_ns + result->real_offset_ns,
                            .start_ns = result->started_real_ns, .points = points_each(seen)};
  sp_doc_set(object, "can_see", text_list(seen, true));
  sp_doc_set(object, "can_not_see", text_list(seen, false));
  sp_doc_set(object, "settings", settings(seen));
  sp_doc_set(object, "series", series_of(seen, &stretch));
  sp_doc_set(object, "left_out", sp_doc_whole(sp_observations_left_out(seen)));
  return object;
}
