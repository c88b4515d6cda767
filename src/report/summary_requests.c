/*
 * The tables of the summary: requests with their metrics, nodes, metrics of the plan's own.
 */
#include "base/mem.h"
#include "base/units.h"
#include "report/figures.h"
#include "report/summary.h"
#include "report/table.h"
#include "stats/compat.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define REQUESTS_MAX 60u /* shown; all of them are in the JSON */
#define NODES_MAX 30u
#define LINE_SIZE 700

/* --- a metric's row --- */

enum column { NAME, COUNT, MEAN, P50, P95, P99, MAX, COLUMNS };

static const struct sp_column columns[COLUMNS] = {
  [NAME] = { NULL, "times in ms, of ok requests", 100, .left = true },
  [COUNT] = { NULL, "count", 40, .left = false },
  [MEAN] = { NULL, "mean", 60, .left = false },
  [P50] = { NULL, "p50", 80, .left = false },
  [P95] = { NULL, "p95", 90, .left = false },
  [P99] = { NULL, "p99", 70, .left = false },
  [MAX] = { NULL, "max", 50, .left = false },
};

static void add_metric(struct sp_table *table, const char *label, const struct sp_hist *hist) {
  char text[SP_FIGURE_SIZE];
  if (hist->count == 0) {
    return;
  }
  sp_table_add_row(table);
  snprintf(text, sizeof(text), "  %s", label);
  sp_table_set(table, NAME, text);
  sp_table_set(table, COUNT, sp_format_count(hist->count, text, sizeof(text)));
  sp_table_set(table, MEAN, sp_figure_ms(sp_hist_mean(hist), text, sizeof(text)));
  sp_table_set(table, P50, sp_figure_percentile(hist, 50, text, sizeof(text)));
  sp_table_set(table, P95, sp_figure_percentile(hist, 95, text, sizeof(text)));
  sp_table_set(table, P99, sp_figure_percentile(hist, 99, text, sizeof(text)));
  sp_table_set(table, MAX, sp_figure_ms((double)hist->max, text, sizeof(text)));
}

/* In an open loop, what a tool that starts its clock at the send would have said stands beside the truth. */
static void add_metrics(struct sp_table *table, const struct sp_cell *cell, bool open_loop) {
  static const enum sp_metric shown[] = { SP_METRIC_TTFB, SP_METRIC_TTFR, SP_METRIC_TTFT,
                                          SP_METRIC_ITL,  SP_METRIC_E2E,  SP_METRIC_SERVER_TTFT };
  for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
    add_metric(table, sp_metric_info(shown[i])->label, &cell->metrics[shown[i]]);
  }
  if (open_loop) {
    add_metric(table, "uncorrected", &cell->metrics[SP_METRIC_E2E_SENT]);
  }
  for (size_t i = 0; cell->compat && i < SP_COMPAT_ROWS; i++) {
    add_metric(table, sp_compat_rows[i].name, &cell->compat[i]);
  }
  add_metric(table, "failed after", &cell->failed_e2e);
  add_metric(table, "hung up after", &cell->abandoned_age);
  add_metric(table, "cut after", &cell->cancelled_age);
}

/* --- notes below a request: packed into lines --- */

struct notes {
  struct sp_table *table;
  int width;
  char line[LINE_SIZE];
};

static void notes_flush(struct notes *notes) {
  if (notes->line[0]) {
    sp_table_add_line(notes->table, SP_INK_DIM, notes->line);
    notes->line[0] = 0;
  }
}

static void notes_add(struct notes *notes, struct sp_str note) {
  int taken = sp_text_width(sp_str_from(notes->line));
  if (taken > 0 && taken + 3 + sp_text_width(note) > notes->width) {
    notes_flush(notes);
  }
  size_t len = strlen(notes->line);
  snprintf(notes->line + len, sizeof(notes->line) - len, "%s" SP_STR_FMT, len > 0 ? SP_PART_SEPARATOR : "  ",
           SP_STR_ARG(note));
}

static void notes_count(struct notes *notes, uint64_t count, const char *one, const char *many) {
  char text[100], number[SP_FIGURE_SIZE];
  if (count > 0) {
    snprintf(text, sizeof(text), "%s %s", sp_format_count(count, number, sizeof(number)), count == 1 ? one : many);
    notes_add(notes, sp_str_from(text));
  }
}

static void notes_tokens(struct notes *notes, const struct sp_cell *cell) {
  char text[100], events[SP_FIGURE_SIZE], reported[SP_FIGURE_SIZE] = "n/a";
  if (cell->token_events == 0 && cell->completion_reports == 0) {
    return;
  }
  if (cell->completion_reports > 0) {
    sp_format_count(cell->reported_completion, reported, sizeof(reported));
  }
  sp_format_count(cell->token_events, events, sizeof(events));
  snprintf(text, sizeof(text), "tokens: %s events, %s reported", events, reported);
  notes_add(notes, sp_str_from(text));
}

/* "hung up: 3 after a time, 2 at an event" */
static void notes_hang_ups(struct notes *notes, const struct sp_cell *cell) {
  static const char *const words[SP_HANG_UP_COUNT] = {
    [SP_HANG_UP_TIME] = "after a time",     [SP_HANG_UP_EVENT] = "at an event",
    [SP_HANG_UP_TOKENS] = "after tokens",   [SP_HANG_UP_CLOSE] = "closed",
    [SP_HANG_UP_LEFT] = "left by the plan", [SP_HANG_UP_SLOW] = "for a plan slower than the stream",
  };
  char text[300] = "", number[SP_FIGURE_SIZE];
  for (size_t i = 0; i < SP_HANG_UP_COUNT; i++) {
    size_t len = strlen(text);
    if (cell->hang_ups[i] > 0) {
      snprintf(text + len, sizeof(text) - len, "%s %s %s", len > 0 ? "," : "hung up:",
               sp_format_count(cell->hang_ups[i], number, sizeof(number)), words[i]);
    }
  }
  if (text[0]) {
    notes_add(notes, sp_str_from(text));
  }
}

static void notes_reading(struct notes *notes, const struct sp_cell *cell) {
  char text[120], requests[SP_FIGURE_SIZE], paused[SP_UNIT_TEXT_SIZE];
  if (cell->paused_requests > 0) {
    snprintf(text, sizeof(text), "%s read slowly, paused for %s in all",
             sp_format_count(cell->paused_requests, requests, sizeof(requests)),
             sp_format_duration((int64_t)cell->paused_ns, paused, sizeof(paused)));
    notes_add(notes, sp_str_from(text));
  }
}

static void add_notes(struct sp_table *table, const struct sp_cell *cell, int width) {
  struct notes notes = { .table = table, .width = width };
  notes_tokens(&notes, cell);
  notes_count(&notes, cell->stalls, "stall between tokens", "stalls between tokens");
  notes_count(&notes, cell->rate_limited, "rate limited (429)", "rate limited (429)");
  notes_count(&notes, cell->retries, "asked again after a 429", "asked again after a 429");
  notes_hang_ups(&notes, cell);
  notes_reading(&notes, cell);
  notes_count(&notes, cell->counters[SP_COUNTER_EMPTY_ANSWER], "empty answer", "empty answers");
  notes_count(&notes, cell->counters[SP_COUNTER_PARTIAL], "run partly succeeded", "runs partly succeeded");
  notes_count(&notes, cell->counters[SP_COUNTER_PAUSED], "run waits for a person", "runs wait for a person");
  notes_count(&notes, cell->counters[SP_COUNTER_REPLACED], "answer replaced", "answers replaced");
  notes_count(&notes, cell->counters[SP_COUNTER_NODE_RETRY], "node tried again", "nodes tried again");
  notes_count(&notes, cell->counters[SP_COUNTER_UNKNOWN_EVENT], "unknown event", "unknown events");
  notes_count(&notes, cell->counters[SP_COUNTER_RESENT], "sent again on a new connection",
              "sent again on a new connection");
  notes_flush(&notes);
}

/* --- a request --- */

static void append_part(char *line, size_t size, uint64_t count, const char *word) {
  char number[SP_FIGURE_SIZE];
  size_t len = strlen(line);
  snprintf(line + len, size - len, " · %s %s", sp_format_count(count, number, sizeof(number)), word);
}

/* "5,123 requests · 5,120 ok · 3 failed (0.1 %) · 21.5/s" */
static void figures_text(const struct sp_cell *cell, int64_t measured_ns, char *line, size_t size) {
  char text[SP_FIGURE_SIZE], failed[SP_FIGURE_SIZE + 16];
  struct sp_tally tally;
  sp_tally_cell(cell, &tally);
  snprintf(line, size, "%s request%s", sp_format_count(tally.started, text, sizeof(text)),
           tally.started == 1 ? "" : "s");
  append_part(line, size, tally.ok, "ok");
  sp_figure_percent(sp_share(tally.failed, sp_completed(&tally)), text, sizeof(text));
  snprintf(failed, sizeof(failed), tally.failed > 0 ? "failed (%s)" : "failed", text);
  append_part(line, size, tally.failed, failed);
  if (tally.abandoned > 0) {
    append_part(line, size, tally.abandoned, "abandoned");
  }
  if (tally.cancelled > 0) {
    append_part(line, size, tally.cancelled, "cancelled");
  }
  size_t len = strlen(line);
  sp_figure_rate(sp_per_s(sp_completed(&tally), measured_ns), text, sizeof(text));
  snprintf(line + len, size - len, " · %s/s", text);
}

/* One line, or more where it is too long for one. */
static void add_heading(struct sp_table *table, const struct sp_cell *cell, int64_t measured_ns, int width) {
  char name[LINE_SIZE], figures[300], line[LINE_SIZE + 310];
  bool has_class = cell->user_class[0] != 0;
  size_t len = (size_t)snprintf(name, sizeof(name), "%s%s%s%s", cell->name, has_class ? " (" : "", cell->user_class,
                                has_class ? ")" : "");
  if (cell->role != SP_ROLE_LOAD && len < sizeof(name)) {
    snprintf(name + len, sizeof(name) - len, SP_PART_SEPARATOR "%s", sp_role_name(cell->role));
  }
  figures_text(cell, measured_ns, figures, sizeof(figures));
  snprintf(line, sizeof(line), "%s   %s", name, figures);
  if (sp_text_width(sp_str_from(line)) <= width) {
    sp_table_add_line(table, SP_INK_BOLD, line);
    return;
  }
  struct notes notes = { .table = table, .width = width };
  struct sp_str rest = sp_str_from(figures);
  sp_table_add_line(table, SP_INK_BOLD, name);
  while (rest.len > 0) {
    notes_add(&notes, sp_text_part(&rest));
  }
  notes_flush(&notes);
}

static void add_requests(struct sp_table *table, const struct sp_result *result, const struct sp_map *cells,
                         int width) {
  char text[100];
  for (size_t i = 0; i < cells->count && i < REQUESTS_MAX; i++) {
    const struct sp_cell *cell = cells->entries[i].value;
    if (table->row_count > 0) {
      sp_table_add_line(table, SP_INK_PLAIN, "");
    }
    add_heading(table, cell, result->facts.measured_ns, width);
    add_metrics(table, cell, result->load->kind == SP_LOAD_RATE);
    add_notes(table, cell, width);
  }
  if (cells->count > REQUESTS_MAX) {
    size_t more = cells->count - REQUESTS_MAX;
    snprintf(text, sizeof(text), "… and %zu more requests (--out json=PATH has them all)", more);
    sp_table_add_line(table, SP_INK_DIM, text);
  }
}

/* The load's first; the probes, which are in no total, behind them. */
void sp_summary_put_requests(const struct sp_result *result, struct sp_canvas *canvas) {
  const struct sp_map *cells = &result->totals->cells, *probes = &result->totals->probes;
  struct sp_table table;
  sp_table_init(&table, columns, COLUMNS);
  add_requests(&table, result, cells, canvas->width);
  add_requests(&table, result, probes, canvas->width);
  if (cells->count + probes->count > 0) {
    sp_put(canvas, "\n");
    sp_table_put(&table, canvas, 0);
  }
  sp_table_fini(&table);
}

/* --- other tools' definitions: what each row means, once --- */

static bool compat_shown(const struct sp_map *cells, size_t row) {
  for (size_t i = 0; i < cells->count; i++) {
    const struct sp_cell *cell = cells->entries[i].value;
    if (cell->compat && cell->compat[row].count > 0) {
      return true;
    }
  }
  return false;
}

void sp_summary_put_compat(const struct sp_result *result, struct sp_canvas *canvas) {
  bool any = false;
  for (size_t i = 0; i < SP_COMPAT_ROWS; i++) {
    const struct sp_compat_row *row = &sp_compat_rows[i];
    if (!compat_shown(&result->totals->cells, i)) {
      continue;
    }
    sp_put(canvas, any ? "" : "\n");
    any = true;
    sp_put_inked(canvas, SP_INK_DIM, "%s", row->name);
    sp_put(canvas, "  ");
    sp_put_wrapped(canvas, sp_str_from(row->note), sp_text_width(sp_str_from(row->name)) + 2, 2);
  }
}

/* --- nodes --- */

enum node_column { NODE, TYPE, NODE_COUNT, NODE_FAILED, NODE_MEAN, NODE_50, NODE_95, SHARE, NODE_COLUMNS };

static const struct sp_column node_columns[NODE_COLUMNS] = {
  [NODE] = { NULL, "nodes of the flow, ms", 100, .left = true },
  [TYPE] = { NULL, "type", 30, .left = true },
  [NODE_COUNT] = { NULL, "count", 40, .left = false },
  [NODE_FAILED] = { NULL, "failed", 50, .left = false },
  [NODE_MEAN] = { NULL, "mean", 60, .left = false },
  [NODE_50] = { NULL, "p50", 70, .left = false },
  [NODE_95] = { NULL, "p95", 90, .left = false },
  [SHARE] = { NULL, "of the time", 80, .left = false },
};

static int longest_first(const void *a, const void *b) {
  const struct sp_node_cell *x = *(const struct sp_node_cell *const *)a;
  const struct sp_node_cell *y = *(const struct sp_node_cell *const *)b;
  return (x->elapsed.sum < y->elapsed.sum) - (x->elapsed.sum > y->elapsed.sum);
}

static void add_node(struct sp_table *table, const struct sp_node_cell *node, double all_us) {
  char text[SP_FIGURE_SIZE];
  const struct sp_hist *elapsed = &node->elapsed;
  sp_table_add_row(table);
  sp_table_set(table, NODE, node->title);
  sp_table_set(table, TYPE, node->type);
  sp_table_set(table, NODE_COUNT, sp_format_count(node->count, text, sizeof(text)));
  sp_table_set(table, NODE_FAILED, node->failed > 0 ? sp_format_count(node->failed, text, sizeof(text)) : "0");
  if (node->failed > 0) {
    sp_table_set_ink(table, NODE_FAILED, SP_INK_RED);
  }
  sp_table_set(table, NODE_MEAN, sp_figure_ms(sp_hist_mean(elapsed), text, sizeof(text)));
  sp_table_set(table, NODE_50, sp_figure_percentile(elapsed, 50, text, sizeof(text)));
  sp_table_set(table, NODE_95, sp_figure_percentile(elapsed, 95, text, sizeof(text)));
  double share = elapsed->count > 0 && all_us > 0 ? elapsed->sum / all_us : NAN;
  sp_table_set(table, SHARE, sp_figure_percent(share, text, sizeof(text)));
}

void sp_summary_put_nodes(const struct sp_result *result, struct sp_canvas *canvas) {
  const struct sp_map *map = &result->totals->nodes;
  struct sp_table table;
  double all_us = 0;
  if (map->count == 0) {
    return;
  }
  const struct sp_node_cell **nodes = sp_alloc_array(map->count, sizeof(nodes[0]));
  for (size_t i = 0; i < map->count; i++) {
    nodes[i] = map->entries[i].value;
    all_us += nodes[i]->elapsed.sum;
  }
  qsort(nodes, map->count, sizeof(nodes[0]), longest_first);
  sp_table_init(&table, node_columns, NODE_COLUMNS);
  for (size_t i = 0; i < map->count && i < NODES_MAX; i++) {
    add_node(&table, nodes[i], all_us);
  }
  if (map->count > NODES_MAX) {
    char text[64];
    snprintf(text, sizeof(text), "… and %zu more nodes", (size_t)(map->count - NODES_MAX));
    sp_table_add_line(&table, SP_INK_DIM, text);
  }
  sp_put(canvas, "\n");
  sp_table_put(&table, canvas, 0);
  sp_table_fini(&table);
  free(nodes);
}

/* --- the plan's own metrics --- */

static const struct sp_column custom_columns[COLUMNS] = {
  [NAME] = { NULL, "the plan's own metrics", 100, .left = true },
  [COUNT] = { NULL, "count", 40, .left = false },
  [MEAN] = { NULL, "mean", 60, .left = false },
  [P50] = { NULL, "p50", 80, .left = false },
  [P95] = { NULL, "p95", 90, .left = false },
  [P99] = { NULL, "p99", 70, .left = false },
  [MAX] = { NULL, "max", 50, .left = false },
};

/* Kept as value * 1000: sp_figure_ms divides by as much. */
void sp_summary_put_customs(const struct sp_result *result, struct sp_canvas *canvas) {
  const struct sp_map *map = &result->totals->customs;
  struct sp_table table;
  if (map->count == 0) {
    return;
  }
  sp_table_init(&table, custom_columns, COLUMNS);
  for (size_t i = 0; i < map->count; i++) {
    const struct sp_custom_cell *custom = map->entries[i].value;
    char text[2 * SP_NAME_MAX + 8];
    add_metric(&table, "", &custom->values);
    if (custom->values.count > 0) {
      snprintf(text, sizeof(text), custom->unit[0] ? "%s (%s)" : "%s", custom->name, custom->unit);
      sp_table_set(&table, NAME, text);
    }
  }
  sp_put(canvas, "\n");
  sp_table_put(&table, canvas, 0);
  sp_table_fini(&table);
}
