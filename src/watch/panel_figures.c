/* From the samples of its series to a figure's points. */
#include "watch/panel_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LIMIT_BEYOND_REASON 4.6e18 /* 2^62: how exporters write "no limit" */

/* -- samples -- */

static int64_t usual_ns(const struct sp_panel *panel, const struct sp_panel_series *series) {
  return series->least_span_ns > panel->options.interval_ns ? series->least_span_ns : panel->options.interval_ns;
}

static void beat(struct sp_panel_series *series, int64_t at_ns) {
  for (size_t i = 0; i < series->beat_count; i++) {
    if (series->beats[i]->at_ns >= at_ns) continue;
    *series->beats[i] = (struct sp_panel_beat){.at_ns = at_ns, .span_ns = series->span_ns};
  }
}

void sp_panel_put(struct sp_panel *panel, struct sp_panel_series *series, int64_t at_ns, double value) {
  bool seen = series->last.seen;
  int64_t passed_ns = at_ns - series->last.at_ns;
  if (!isfinite(value) || (seen && passed_ns < SP_RATES_SPAN_MIN_NS)) return;
  series->stepped = sp_rate_counter_step(&series->last, at_ns, value, &series->step);
  series->span_ns = panel->options.interval_ns;
  if (seen) {
    if (series->least_span_ns == 0 || passed_ns < series->least_span_ns) series->least_span_ns = passed_ns;
    bool is_gap = passed_ns > SP_PANEL_GAP * usual_ns(panel, series);
    if (is_gap) panel->gaps++;
    if (is_gap) series->stepped = false;
    else series->span_ns = passed_ns;
  }
  beat(series, at_ns);
}

/* What is of another time of the same interval is still true; what is older is gone. */
static bool is_fresh(const struct sp_panel *panel, const struct sp_panel_series *series, int64_t at_ns) {
  return series->last.seen && at_ns - series->last.at_ns <= usual_ns(panel, series) * 3 / 2;
}

/* -- sums -- */

struct operand {
  double sum, most;
  size_t count;
};

static void add(struct operand *operand, double value) {
  operand->sum += value;
  if (operand->count++ == 0 || value > operand->most) operand->most = value;
}

static bool is_no_limit(const struct sp_panel_group *group, double value) {
  return (group->use->row->flags & SP_PACK_LIMIT) && (value <= 0 || value > LIMIT_BEYOND_REASON);
}

/* The member's part of the figure at a time; false: it has none. */
static bool value_of(const struct sp_panel *panel, const struct sp_panel_group *group, const struct sp_panel_member *member,
                     int64_t at_ns, double *value) {
  const struct sp_panel_series *series = member->series;
  if (group->beat ? series->last.at_ns != at_ns : !is_fresh(panel, series, at_ns)) return false;
  *value = series->last.total;
  if (!sp_how_is_rate(group->use->row->how)) return member->is_b || !is_no_limit(group, *value);
  if (!series->stepped) return false;
  *value = series->step.delta * (double)SP_NS_PER_S / (double)series->step.span_ns;
  return true;
}

static struct operand operand_of(const struct sp_panel *panel, const struct sp_panel_group *group, bool is_b, int64_t at_ns) {
  struct operand operand = {0};
  double value;
  for (size_t i = 0; i < group->count; i++) {
    const struct sp_panel_member *member = &group->members[i];
    if (member->is_b == is_b && value_of(panel, group, member, at_ns, &value)) add(&operand, value);
  }
  return operand;
}

/* Sum of A / B, series by series. */
static struct operand quotients_of(const struct sp_panel *panel, const struct sp_panel_group *group, int64_t at_ns) {
  struct operand operand = {0};
  double a, b;
  for (size_t i = 0; i < group->count; i++) {
    const struct sp_panel_member *over = &group->members[i];
    if (over->is_b || !value_of(panel, group, over, at_ns, &a)) continue;
    for (size_t j = 0; j < group->count; j++) {
      const struct sp_panel_member *under = &group->members[j];
      bool fits = under->is_b && strcmp(under->series->labels, over->series->labels) == 0;
      if (fits && value_of(panel, group, under, at_ns, &b) && b > 0) add(&operand, a / b);
    }
  }
  return operand;
}

static bool figure_of(const struct sp_panel *panel, const struct sp_panel_group *group, int64_t at_ns, double *out) {
  enum sp_pack_how how = group->use->row->how;
  bool has_b = how == SP_HOW_LESS || how == SP_HOW_RATE_LESS || how == SP_HOW_RATIO;
  struct operand b = {0}, a = how == SP_HOW_QUOTIENT ? quotients_of(panel, group, at_ns) : operand_of(panel, group, false, at_ns);
  if (has_b) b = operand_of(panel, group, true, at_ns);
  if ((a.count == 0 && !group->beat) || (has_b && b.count == 0)) return false;
  switch (how) {
  case SP_HOW_MOST: *out = a.most; break;
  case SP_HOW_COUNT: *out = (double)a.count; break;
  case SP_HOW_LESS: *out = a.sum - b.sum; break;
  case SP_HOW_RATE_LESS: *out = fmax(a.sum - b.sum, 0); break;
  case SP_HOW_RATIO: *out = a.sum / b.sum; break; /* no number where nothing happened: no point */
  default: *out = a.sum;
  }
  if (group->use->row->scale > 0) *out *= group->use->row->scale;
  return true;
}

/* -- points -- */

/* Another one leads when the leader is gone: a container that was replaced. */
static const struct sp_panel_series *lead(const struct sp_panel *panel, struct sp_panel_group *group) {
  struct sp_panel_series *newest = group->leader;
  for (size_t i = 0; i < group->count; i++) {
    struct sp_panel_series *series = group->members[i].series;
    if (!group->members[i].is_b && newest && series->last.at_ns > newest->last.at_ns) newest = series;
  }
  if (newest && !is_fresh(panel, group->leader, newest->last.at_ns)) group->leader = newest;
  return group->leader;
}

static void emit_setting(const struct sp_panel_group *group, struct sp_watch_sink *sink) {
  char text[40];
  snprintf(text, sizeof(text), "%.15g", group->leader->last.total);
  sp_observations_setting(sink->observations, group->subject, group->use->row->detail, text);
}

static void emit(const struct sp_panel *panel, struct sp_panel_group *group, int64_t at_ns, int64_t span_ns,
                 struct sp_watch_sink *sink) {
  double value;
  group->emitted_ns = at_ns;
  if (!figure_of(panel, group, at_ns, &value) || !isfinite(value)) return;
  if (!group->query) group->query = sp_panel_query(panel, group);
  struct sp_observed_key key = {.signal = group->use->row->signal, .subject = group->subject, .detail = group->detail,
                                .query = group->query};
  sp_watch_gauge(sink, &key, at_ns, span_ns, value);
}

/* Old exporters do not split by wait events: then "for nothing" is not what the absence of one means. */
static bool is_split(const struct sp_panel_group *group) {
  struct sp_str otherwise;
  sp_panel_detail_labels(group->use->row, &otherwise);
  return otherwise.len == 0 || group->use->pack->split[group->use->row_index];
}

static void flush_group(const struct sp_panel *panel, struct sp_panel_group *group, struct sp_watch_sink *sink) {
  const struct sp_panel_series *leader = group->beat ? NULL : lead(panel, group);
  if (group->beat && group->beat->at_ns > group->emitted_ns && is_split(group)) {
    emit(panel, group, group->beat->at_ns, group->beat->span_ns, sink);
  } else if (leader && leader->last.seen && leader->last.at_ns > group->emitted_ns) {
    bool is_setting = group->use->row->how == SP_HOW_SETTING;
    if (is_setting) emit_setting(group, sink);
    else emit(panel, group, leader->last.at_ns, leader->span_ns, sink);
  }
}

void sp_panel_flush(struct sp_panel *panel, struct sp_watch_sink *sink) {
  for (size_t i = 0; i < panel->groups.count; i++) flush_group(panel, panel->groups.entries[i].value, sink);
}
