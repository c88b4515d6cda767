/*
 * The summary's load: what was asked for and what came of it, stage by stage, what was still open at the end, and
 * whether the service levels were kept.
 */
#include "base/units.h"
#include "report/figures.h"
#include "report/summary.h"
#include "report/table.h"

#include <math.h>
#include <stdio.h>

#define LINE_SIZE 1200

/* --- what was asked for --- */

/* "50", "0.5", "1,200" */
static char *level_text(double level, char *text, size_t size) {
  if (level == floor(level)) {
    return sp_format_count((uint64_t)level, text, size);
  }
  snprintf(text, size, "%.4g", level);
  return text;
}

static const char *arrivals_word(const struct sp_load *load) {
  return load->trace ? "as recorded" : load->arrivals == SP_ARRIVALS_EVEN ? "evenly" : "Poisson";
}

static void rate_text(const struct sp_result *result, char *text, size_t size) {
  char level[SP_FIGURE_SIZE], due[SP_FIGURE_SIZE];
  const struct sp_load *load = result->load;
  if (load->rate_per_s > 0 && result->stage_count == 0 && !load->trace) {
    snprintf(text, size, "%s arrivals/s, %s", level_text(load->rate_per_s, level, sizeof(level)), arrivals_word(load));
  } else {
    snprintf(text, size, "%s arrivals, %s", sp_format_count(result->facts.arrivals_planned, due, sizeof(due)),
             arrivals_word(load));
  }
}

char *sp_summary_load_text(const struct sp_result *result, char *text, size_t size) {
  char users[SP_FIGURE_SIZE];
  uint64_t most = result->facts.users_max;
  if (result->load->kind == SP_LOAD_RATE) {
    rate_text(result, text, size);
  } else if (result->load->kind == SP_LOAD_IN_FLIGHT) {
    snprintf(text, size, "%s in flight", sp_format_count(most, users, sizeof(users)));
  } else {
    snprintf(text, size, "%s user%s", sp_format_count(most, users, sizeof(users)), most == 1 ? "" : "s");
  }
  size_t len = strlen(text);
  if (result->stage_count > 0) {
    snprintf(text + len, size - len, " · %zu stages", result->stage_count);
  } else if (result->load->shape) {
    snprintf(text + len, size - len, " · a shape of the plan's own");
  }
  return text;
}

/* --- what came of it --- */

static void put_arrivals(const struct sp_result *result, struct sp_canvas *canvas) {
  const struct sp_run_facts *facts = &result->facts;
  char line[LINE_SIZE], due[SP_FIGURE_SIZE], made[SP_FIGURE_SIZE], dropped[SP_FIGURE_SIZE];
  snprintf(line, sizeof(line), "%s arrivals were due · %s made · %s dropped",
           sp_format_count(facts->arrivals_planned, due, sizeof(due)),
           sp_format_count(facts->arrivals_made, made, sizeof(made)),
           sp_format_count(facts->arrivals_dropped, dropped, sizeof(dropped)));
  sp_put_ink(canvas, facts->arrivals_dropped > 0 ? SP_INK_RED : SP_INK_PLAIN);
  sp_put_parts(canvas, sp_str_from(line), 0, 2);
  sp_put_ink(canvas, SP_INK_PLAIN);
}

/* Users, starts and requests in flight stand side by side: with think time, many users are few streams at once. */
void sp_summary_put_load(const struct sp_result *result, struct sp_canvas *canvas) {
  const struct sp_run_facts *facts = &result->facts;
  char line[LINE_SIZE], users[SP_FIGURE_SIZE], most[SP_FIGURE_SIZE], starts[SP_FIGURE_SIZE], flight[SP_FIGURE_SIZE];
  struct sp_tally tally;
  if (result->load->kind == SP_LOAD_RATE) {
    put_arrivals(result, canvas);
  }
  if (!isfinite(facts->users_mean) || !isfinite(facts->in_flight_mean)) {
    return;
  }
  sp_tally_interval(result->totals, &tally);
  snprintf(line, sizeof(line), "on average %s users (at most %s) · %s requests started/s · %s requests in flight",
           sp_figure_rate(facts->users_mean, users, sizeof(users)),
           sp_format_count(facts->users_max, most, sizeof(most)),
           sp_figure_rate(sp_per_s(tally.started, facts->measured_ns), starts, sizeof(starts)),
           sp_figure_rate(facts->in_flight_mean, flight, sizeof(flight)));
  sp_put_parts(canvas, sp_str_from(line), 0, 2);
}

/* Cut by the end: times that are not known, only that they are longer than these ages (censored samples). */
void sp_summary_put_open_ends(const struct sp_result *result, struct sp_canvas *canvas) {
  char line[LINE_SIZE], without[LINE_SIZE / 4] = "", count[SP_FIGURE_SIZE], age[SP_UNIT_TEXT_SIZE];
  struct sp_open_ends ends;
  sp_open_ends_of(result->totals, &ends);
  if (ends.count == 0) {
    return;
  }
  if (ends.tokenless > 0) {
    snprintf(without, sizeof(without), ", %s without a first token",
             sp_format_count(ends.tokenless, count, sizeof(count)));
  }
  snprintf(line, sizeof(line),
           "%s still open at the end and cut, the oldest %s%s: their times are not in the figures below",
           sp_format_count(ends.count, count, sizeof(count)),
           sp_format_duration(ends.oldest_us * SP_NS_PER_US, age, sizeof(age)), without);
  sp_put_ink(canvas, SP_INK_YELLOW);
  sp_put_wrapped(canvas, sp_str_from(line), 0, 2);
  sp_put_ink(canvas, SP_INK_PLAIN);
}

/* --- stages --- */

enum column { STAGE, HOLD, USERS, IN_FLIGHT, RPS, FAILED, TTFT, E2E_50, E2E_95, COLUMNS };

static const struct sp_column columns[COLUMNS] = {
  [STAGE] = { NULL, "stages", 100, .left = true },
  [HOLD] = { NULL, "measured", 30, .left = false },
  [USERS] = { NULL, "users", 40, .left = false },
  [IN_FLIGHT] = { NULL, "in flight", 50, .left = false },
  [RPS] = { NULL, "req/s", 90, .left = false },
  [FAILED] = { NULL, "failed", 80, .left = false },
  [TTFT] = { NULL, "TTFT p95", 70, .left = false, .optional = true },
  [E2E_50] = { "full response, ms", "p50", 60, .left = false },
  [E2E_95] = { "full response, ms", "p95", 85, .left = false },
};

static const char *level_unit(enum sp_load_kind kind) {
  return kind == SP_LOAD_RATE ? "/s" : kind == SP_LOAD_IN_FLIGHT ? " in flight" : " users";
}

/* "50 users", "0 → 100 users" */
static void stage_text(const struct sp_stage *stage, enum sp_load_kind kind, char *text, size_t size) {
  char from[SP_FIGURE_SIZE], to[SP_FIGURE_SIZE];
  level_text(stage->from, from, sizeof(from));
  level_text(stage->to, to, sizeof(to));
  if (stage->from == stage->to) {
    snprintf(text, size, "%s%s", to, level_unit(kind));
  } else {
    snprintf(text, size, "%s → %s%s", from, to, level_unit(kind));
  }
}

static void set_times(struct sp_table *table, const struct sp_interval *interval) {
  char text[SP_FIGURE_SIZE];
  struct sp_hist ttft, e2e;
  sp_hist_init(&ttft);
  sp_hist_init(&e2e);
  for (size_t i = 0; i < interval->cells.count; i++) {
    const struct sp_cell *cell = interval->cells.entries[i].value;
    sp_hist_merge(&ttft, &cell->metrics[SP_METRIC_TTFT]);
    sp_hist_merge(&e2e, &cell->metrics[SP_METRIC_E2E]);
  }
  sp_table_set(table, TTFT, sp_figure_percentile(&ttft, 95, text, sizeof(text)));
  sp_table_set(table, E2E_50, sp_figure_percentile(&e2e, 50, text, sizeof(text)));
  sp_table_set(table, E2E_95, sp_figure_percentile(&e2e, 95, text, sizeof(text)));
  sp_hist_fini(&ttft);
  sp_hist_fini(&e2e);
}

static void add_stage(struct sp_table *table, const struct sp_run_stage *stage, enum sp_load_kind kind) {
  char text[SP_LOAD_TEXT_SIZE];
  struct sp_tally tally;
  sp_tally_interval(stage->interval, &tally);
  sp_table_add_row(table);
  stage_text(&stage->stage, kind, text, sizeof(text));
  sp_table_set(table, STAGE, text);
  if (stage->measured_ns == 0) {
    sp_table_set(table, HOLD, SP_TABLE_NONE);
    return;
  }
  sp_table_set(table, HOLD, sp_format_duration(stage->measured_ns, text, sizeof(text)));
  sp_table_set(table, USERS, sp_figure_rate(stage->users_mean, text, sizeof(text)));
  sp_table_set(table, IN_FLIGHT, sp_figure_rate(stage->in_flight_mean, text, sizeof(text)));
  sp_table_set(table, RPS, sp_figure_rate(sp_per_s(sp_completed(&tally), stage->measured_ns), text, sizeof(text)));
  sp_table_set(table, FAILED, sp_figure_percent(sp_share(tally.failed, sp_completed(&tally)), text, sizeof(text)));
  if (tally.failed > 0) {
    sp_table_set_ink(table, FAILED, SP_INK_RED);
  }
  set_times(table, stage->interval);
}

/* A whole-run average hides the step that broke. One stage is the whole run. */
void sp_summary_put_stages(const struct sp_result *result, struct sp_canvas *canvas) {
  struct sp_table table;
  if (result->stage_count < 2) {
    return;
  }
  sp_table_init(&table, columns, COLUMNS);
  for (size_t i = 0; i < result->stage_count; i++) {
    add_stage(&table, &result->stages[i], result->load->kind);
  }
  sp_put(canvas, "\n");
  sp_table_put(&table, canvas, 0);
  sp_table_fini(&table);
}

/* --- service levels --- */

/* "is 845 ms, 95 %: 801 ms … 889 ms" */
static void value_text(const struct sp_slo_result *slo, char *text, size_t size) {
  char value[SP_SLO_VALUE_SIZE], low[SP_SLO_VALUE_SIZE], high[SP_SLO_VALUE_SIZE];
  const struct sp_confidence *sure = slo->confidence;
  if (isnan(slo->value)) {
    snprintf(text, size, "%s", slo->why ? slo->why : "no value");
  } else if (!slo->slo) {
    snprintf(text, size, "is %.4g", slo->value);
  } else {
    int len = snprintf(text, size, "is %s", sp_slo_format(slo->slo, slo->value, value, sizeof(value)));
    if (sure && isfinite(sure->low) && isfinite(sure->high)) {
      snprintf(text + len, size - (size_t)len, ", 95 %%: %s … %s",
               sp_slo_format(slo->slo, sure->low, low, sizeof(low)),
               sp_slo_format(slo->slo, sure->high, high, sizeof(high)));
    }
  }
}

/* What else one has to know to believe the value. */
static void doubt_text(const struct sp_slo_result *slo, char *text, size_t size) {
  char needed[SP_FIGURE_SIZE], samples[SP_FIGURE_SIZE];
  const struct sp_confidence *sure = slo->confidence;
  text[0] = 0;
  if (!sure || !slo->slo || isnan(slo->value)) {
    return;
  }
  if (sure->state == SP_CONFIDENCE_FEW_SAMPLES) {
    snprintf(text, size, "; too few samples to say so: p%.6g needs %s, the steady part has %s", slo->slo->percentile,
             sp_format_count(sure->needed, needed, sizeof(needed)),
             sp_format_count(sure->samples, samples, sizeof(samples)));
  } else if (sp_confidence_is_undecided(sure, slo->slo)) {
    snprintf(text, size, "; the limit is among these: it could as well have come out the other way, run longer");
  }
}

static void windows_text(const struct sp_slo_result *slo, int64_t begin_ns, char *text, size_t size) {
  const struct sp_window_track *track = slo->window;
  char missed[SP_FIGURE_SIZE], windows[SP_FIGURE_SIZE], begin[SP_UNIT_TEXT_SIZE];
  text[0] = 0;
  if (!track || track->windows == 0) {
    return;
  }
  int len = snprintf(text, size, "; missed in %s of %s windows", sp_format_count(track->missed, missed, sizeof(missed)),
                     sp_format_count(track->windows, windows, sizeof(windows)));
  if (isfinite(track->worst)) {
    snprintf(text + len, size - (size_t)len, ", the worst begins after %s",
             sp_format_duration(track->worst_begin_ns - begin_ns, begin, sizeof(begin)));
  }
}

static void put_slo(const struct sp_slo_result *slo, int64_t begin_ns, struct sp_canvas *canvas) {
  char line[LINE_SIZE * 2], value[LINE_SIZE / 4], doubt[LINE_SIZE / 4], windows[LINE_SIZE / 4];
  value_text(slo, value, sizeof(value));
  doubt_text(slo, doubt, sizeof(doubt));
  windows_text(slo, begin_ns, windows, sizeof(windows));
  sp_put_inked(canvas, slo->met ? SP_INK_GREEN : SP_INK_RED, slo->met ? "met   " : "missed");
  snprintf(line, sizeof(line), "%s   (%s%s%s)", slo->expression, value, windows, doubt);
  sp_put(canvas, "  ");
  sp_put_wrapped(canvas, sp_str_from(line), 8, 8);
}

void sp_summary_put_slos(const struct sp_result *result, struct sp_canvas *canvas) {
  sp_put(canvas, result->slo_count > 0 ? "\n" : "");
  for (size_t i = 0; i < result->slo_count; i++) {
    put_slo(&result->slos[i], result->totals->begin_ns, canvas);
  }
}
