#include "report/live.h"

#include "base/units.h"
#include "report/figures.h"
#include "report/table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define BAR_MAX 40
#define ERROR_LINES_MAX 4u
#define ROWS_MIN 3

static const char *phase_text(const struct sp_run_view *view) {
  switch (view->phase) {
  case SP_PHASE_SPAWNING: return "starting users";
  case SP_PHASE_STEADY: return view->elapsed_ns < view->load->warm_up_ns ? "warming up" : "running";
  case SP_PHASE_ENDING: return "ending: what has started may finish";
  case SP_PHASE_ENDED: return "ended";
  }
  return "";
}

/* How far the run is, 0 … 1; NAN for a run without an end of its own. */
static double progress(const struct sp_run_view *view) {
  double done = NAN;
  int64_t length_ns = sp_load_length_ns(view->load);
  if (length_ns != SP_NEVER_NS) {
    done = (double)view->elapsed_ns / (double)length_ns;
  }
  if (view->load->iterations > 0) {
    done = fmax(done, (double)view->totals->tasks / (double)view->load->iterations);
  }
  return done > 1 ? 1 : done;
}

/* "5 s" rather than "5.00 s": a clock for people. */
static char *clock_text(int64_t ns, char *text, size_t size) {
  if (ns % SP_NS_PER_S == 0 && ns < 60 * SP_NS_PER_S) {
    snprintf(text, size, "%d s", (int)(ns / SP_NS_PER_S));
    return text;
  }
  return sp_format_duration(ns, text, size);
}

/* Whole seconds: ticks come a little early or late. */
static char *elapsed_text(const struct sp_run_view *view, char *text, size_t size) {
  int64_t seconds = (view->elapsed_ns + SP_NS_PER_S / 2) / SP_NS_PER_S;
  return clock_text(seconds * SP_NS_PER_S, text, size);
}

static void progress_text(const struct sp_run_view *view, char *text, size_t size) {
  char elapsed[SP_UNIT_TEXT_SIZE], whole[SP_UNIT_TEXT_SIZE], tasks[SP_UNIT_TEXT_SIZE];
  int len = snprintf(text, size, "%s", elapsed_text(view, elapsed, sizeof(elapsed)));
  int64_t length_ns = sp_load_length_ns(view->load);
  if (length_ns != SP_NEVER_NS) {
    clock_text(length_ns, whole, sizeof(whole));
    len += snprintf(text + len, size - (size_t)len, " of %s", whole);
  }
  if (view->load->iterations > 0) {
    sp_format_count(view->totals->tasks, tasks, sizeof(tasks));
    sp_format_count(view->load->iterations, whole, sizeof(whole));
    snprintf(text + len, size - (size_t)len, "  %s of %s tasks", tasks, whole);
  }
}

static void put_bar(struct sp_canvas *canvas, double done, int width) {
  int filled = (int)(done * width);
  sp_put_ink(canvas, SP_INK_CYAN);
  for (int i = 0; i < filled; i++) {
    sp_put(canvas, "█");
  }
  sp_put_ink(canvas, SP_INK_PLAIN);
  sp_put_ink(canvas, SP_INK_DIM);
  for (int i = filled; i < width; i++) {
    sp_put(canvas, "░");
  }
  sp_put_ink(canvas, SP_INK_PLAIN);
}

static void put_progress(const struct sp_run_view *view, struct sp_canvas *canvas) {
  char time[96], percent[16] = "";
  double done = progress(view);
  progress_text(view, time, sizeof(time));
  if (!isnan(done)) {
    snprintf(percent, sizeof(percent), "%3.0f %%  ", floor(done * 100));
  }
  const char *phase = phase_text(view);
  int taken = sp_text_width(sp_str_from(time)) + sp_text_width(sp_str_from(percent)) + 2;
  int left = canvas->width - taken - sp_text_width(sp_str_from(phase)) - 2;
  if (!isnan(done) && left >= 8) {
    put_bar(canvas, done, left > BAR_MAX ? BAR_MAX : left);
    sp_put(canvas, "  ");
    taken += (left > BAR_MAX ? BAR_MAX : left) + 2;
  }
  sp_put(canvas, "%s%s  ", percent, time);
  sp_put_clipped(canvas, sp_str_from(phase), canvas->width - taken);
  sp_put(canvas, "\n");
}

/* --- the facts --- */

static void set_fact(struct sp_fact *fact, int priority, const char *label, const char *value, const char *more) {
  fact->priority = priority;
  snprintf(fact->text, sizeof(fact->text), "%s %s%s", label, value, more);
}

static int64_t length_of(const struct sp_interval *interval) { return interval->end_ns - interval->begin_ns; }

static void users_fact(const struct sp_run_view *view, struct sp_fact *fact) {
  char now[SP_FIGURE_SIZE], target[SP_FIGURE_SIZE];
  sp_format_count(view->users, now, sizeof(now));
  sp_format_count(view->users_target, target, sizeof(target));
  fact->priority = 10;
  snprintf(fact->text, sizeof(fact->text), "users %s/%s", now, target);
}

/* What is asked for besides users: arrivals, and which stage it is. Gives how many facts. */
static size_t load_facts(const struct sp_run_view *view, struct sp_fact *facts) {
  char rate[SP_FIGURE_SIZE];
  size_t count = 0;
  if (view->load->kind == SP_LOAD_RATE && !view->load->trace) {
    set_fact(&facts[count++], 9, "arrivals", sp_figure_rate(view->rate_target, rate, sizeof(rate)), "/s");
  }
  if (view->load->stage_count > 0) {
    facts[count].priority = 7;
    snprintf(facts[count].text, sizeof(facts[count].text), "stage %zu/%zu", view->stage + 1, view->load->stage_count);
    count++;
  }
  return count;
}

static void rate_fact(const struct sp_run_view *view, const struct sp_tally *tally, struct sp_fact *fact) {
  char now[SP_FIGURE_SIZE], average[SP_FIGURE_SIZE];
  struct sp_tally last;
  sp_tally_interval(view->last, &last);
  sp_figure_rate(sp_per_s(sp_completed(&last), length_of(view->last)), now, sizeof(now));
  sp_figure_rate(sp_per_s(sp_completed(tally), length_of(view->totals)), average, sizeof(average));
  fact->priority = 9;
  snprintf(fact->text, sizeof(fact->text), "req/s %s (avg %s)", now, average);
}

static void failures_fact(const struct sp_tally *tally, struct sp_fact *fact) {
  char count[SP_FIGURE_SIZE], percent[SP_FIGURE_SIZE];
  sp_format_count(tally->failed, count, sizeof(count));
  sp_figure_percent(sp_share(tally->failed, sp_completed(tally)), percent, sizeof(percent));
  fact->priority = 8;
  snprintf(fact->text, sizeof(fact->text), tally->failed > 0 ? "failed %s (%s)" : "failed %s", count, percent);
}

static void put_facts(const struct sp_run_view *view, const struct sp_tally *tally, struct sp_canvas *canvas) {
  struct sp_fact facts[SP_FACTS_MAX];
  char text[SP_FIGURE_SIZE];
  size_t count = 0;
  users_fact(view, &facts[count++]);
  count += load_facts(view, &facts[count]);
  set_fact(&facts[count++], 6, "in flight", sp_format_count(view->in_flight, text, sizeof(text)), "");
  rate_fact(view, tally, &facts[count++]);
  failures_fact(tally, &facts[count++]);
  sp_figure_rate(sp_per_s(view->last->events, length_of(view->last)), text, sizeof(text));
  set_fact(&facts[count++], 5, "events/s", text, "");
  if (view->totals->task_errors > 0) {
    sp_format_count(view->totals->task_errors, text, sizeof(text));
    set_fact(&facts[count++], 7, "task errors", text, "");
  }
  if (tally->rate_limited > 0) {
    set_fact(&facts[count++], 4, "rate limited", sp_format_count(tally->rate_limited, text, sizeof(text)), "");
  }
  sp_put_facts(canvas, facts, count);
}

/* --- a row a request --- */

enum column { NAME, COUNT, FAILED, RATE, TTFB_50, TTFB_95, TTFT_50, TTFT_95, ITL_50, ITL_95, E2E_50, E2E_95, COLUMNS };

static const struct sp_column columns[COLUMNS] = {
  [NAME] = { NULL, "request (ms)", 100, .left = true },
  [COUNT] = { NULL, "count", 52, .left = false },
  [FAILED] = { NULL, "failed", 88, .left = false },
  [RATE] = { NULL, "req/s", 82, .left = false },
  [TTFB_50] = { "TTFB", "p50", 30, .optional = true },
  [TTFB_95] = { "TTFB", "p95", 55, .optional = true },
  [TTFT_50] = { "TTFT", "p50", 65, .optional = true },
  [TTFT_95] = { "TTFT", "p95", 85, .optional = true },
  [ITL_50] = { "gaps", "p50", 40, .optional = true },
  [ITL_95] = { "gaps", "p95", 60, .optional = true },
  [E2E_50] = { "full response", "p50", 70, .left = false },
  [E2E_95] = { "full response", "p95", 90, .left = false },
};

static const struct {
  enum column column;
  enum sp_metric metric;
  double percentile;
} percentile_cells[] = {
  { TTFB_50, SP_METRIC_TTFB, 50 }, { TTFB_95, SP_METRIC_TTFB, 95 }, { TTFT_50, SP_METRIC_TTFT, 50 },
  { TTFT_95, SP_METRIC_TTFT, 95 }, { ITL_50, SP_METRIC_ITL, 50 },   { ITL_95, SP_METRIC_ITL, 95 },
  { E2E_50, SP_METRIC_E2E, 50 },   { E2E_95, SP_METRIC_E2E, 95 },
};

static void add_request(struct sp_table *table, const struct sp_cell *cell, int64_t length_ns) {
  char text[SP_FIGURE_SIZE];
  struct sp_tally tally;
  sp_tally_cell(cell, &tally);
  uint64_t completed = sp_completed(&tally);
  sp_table_add_row(table);
  sp_table_set(table, NAME, cell->name);
  sp_table_set(table, COUNT, sp_format_count(completed, text, sizeof(text)));
  sp_table_set(table, FAILED, sp_figure_percent(sp_share(tally.failed, completed), text, sizeof(text)));
  if (tally.failed > 0) {
    sp_table_set_ink(table, FAILED, SP_INK_RED);
  }
  sp_table_set(table, RATE, sp_figure_rate(sp_per_s(completed, length_ns), text, sizeof(text)));
  for (size_t i = 0; i < sizeof(percentile_cells) / sizeof(percentile_cells[0]); i++) {
    const struct sp_hist *hist = &cell->metrics[percentile_cells[i].metric];
    sp_figure_percentile(hist, percentile_cells[i].percentile, text, sizeof(text));
    sp_table_set(table, percentile_cells[i].column, text);
  }
}

static void put_requests(const struct sp_run_view *view, struct sp_canvas *canvas, size_t rows_max) {
  const struct sp_map *cells = &view->totals->cells;
  struct sp_table table;
  sp_table_init(&table, columns, COLUMNS);
  size_t shown = cells->count <= rows_max ? cells->count : rows_max - 1;
  for (size_t i = 0; i < shown; i++) {
    add_request(&table, cells->entries[i].value, length_of(view->totals));
  }
  if (shown < cells->count) {
    char text[64];
    snprintf(text, sizeof(text), "… and %zu more requests", cells->count - shown);
    sp_table_add_line(&table, SP_INK_DIM, text);
  }
  if (shown > 0) {
    sp_table_put(&table, canvas, 0);
  }
  sp_table_fini(&table);
}

/* --- the newest errors --- */

static int newest_first(const void *a, const void *b) {
  const struct sp_error_cell *x = *(const struct sp_error_cell *const *)a;
  const struct sp_error_cell *y = *(const struct sp_error_cell *const *)b;
  return (x->first_ns < y->first_ns) - (x->first_ns > y->first_ns);
}

static void put_error(const struct sp_error_cell *error, struct sp_canvas *canvas) {
  char count[SP_FIGURE_SIZE], text[SP_NAME_MAX + SP_DETAIL_MAX + 100];
  sp_format_count(error->count, count, sizeof(count));
  snprintf(text, sizeof(text), "%6s ×  %s: %s%s%s", count, error->name, error->kind, error->detail[0] ? ": " : "",
           error->detail);
  sp_put_ink(canvas, SP_INK_RED);
  sp_put_clipped(canvas, sp_str_from(text), canvas->width);
  sp_put_ink(canvas, SP_INK_PLAIN);
  sp_put(canvas, "\n");
}

static void put_errors(const struct sp_run_view *view, struct sp_canvas *canvas, size_t lines) {
  const struct sp_error_cell *errors[3 * SP_ERRORS_MAX];
  const struct sp_map *map = &view->totals->errors;
  size_t count = map->count < 3 * SP_ERRORS_MAX ? map->count : 3 * SP_ERRORS_MAX;
  for (size_t i = 0; i < count; i++) {
    errors[i] = map->entries[i].value;
  }
  qsort(errors, count, sizeof(errors[0]), newest_first);
  for (size_t i = 0; i < count && i < lines; i++) {
    put_error(errors[i], canvas);
  }
}

void sp_live_frame(const struct sp_run_view *view, struct sp_canvas *canvas, int height) {
  struct sp_tally tally;
  sp_tally_interval(view->totals, &tally);
  size_t errors = view->totals->errors.count;
  errors = errors < ERROR_LINES_MAX ? errors : ERROR_LINES_MAX;
  /* progress, facts, an empty line, two of headings; and one before the errors */
  int rows = height - 5 - (errors > 0 ? (int)errors + 1 : 0);
  put_progress(view, canvas);
  put_facts(view, &tally, canvas);
  if (rows >= ROWS_MIN) {
    sp_put(canvas, "\n");
    put_requests(view, canvas, (size_t)rows);
  }
  if (errors > 0) {
    sp_put(canvas, "\n");
    put_errors(view, canvas, errors);
  }
}

/* --- one line --- */

static void p95_fact(const struct sp_run_view *view, enum sp_metric metric, const char *label, struct sp_fact *fact) {
  struct sp_hist hist;
  char text[SP_FIGURE_SIZE];
  sp_interval_metric(view->totals, metric, &hist);
  sp_figure_percentile(&hist, 95, text, sizeof(text));
  set_fact(fact, 1, label, text, hist.count > 0 ? " ms" : "");
  sp_hist_fini(&hist);
}

void sp_live_line(const struct sp_run_view *view, struct sp_canvas *canvas) {
  struct sp_fact facts[SP_FACTS_MAX];
  struct sp_tally tally;
  char text[SP_FIGURE_SIZE];
  size_t count = 0;
  sp_tally_interval(view->totals, &tally);
  elapsed_text(view, text, sizeof(text));
  facts[count].priority = 20;
  snprintf(facts[count++].text, sizeof(facts[0].text), "%8s", text);
  users_fact(view, &facts[count++]);
  count += load_facts(view, &facts[count]);
  set_fact(&facts[count++], 6, "in flight", sp_format_count(view->in_flight, text, sizeof(text)), "");
  rate_fact(view, &tally, &facts[count++]);
  set_fact(&facts[count++], 5, "ok", sp_format_count(tally.ok, text, sizeof(text)), "");
  failures_fact(&tally, &facts[count++]);
  p95_fact(view, SP_METRIC_TTFT, "first token p95", &facts[count++]);
  p95_fact(view, SP_METRIC_E2E, "full p95", &facts[count++]);
  sp_put_facts(canvas, facts, count);
}
