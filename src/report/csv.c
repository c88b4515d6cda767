/*
 * --out csv=PREFIX: PREFIX_requests.csv, PREFIX_failures.csv and PREFIX_history.csv with Locust's columns, so that a
 * sheet built for Locust's _stats.csv, _failures.csv and _stats_history.csv still works; ours stand behind them.
 *
 * As in Locust a response time is that of every completed request, ok and failed: the e2e of the ones, how long the
 * others lasted. Columns of ours ("ttft_p95_ms") are of ok requests, as everywhere else. The history has a line a
 * second for each request and "Aggregated", its percentiles of that second (Locust's --csv-full-history).
 */
#include "base/mem.h"
#include "report/csv_text.h"
#include "report/figures.h"
#include "report/out_file.h"
#include "report/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CSV_MAX (64u * 1024u * 1024u)
#define REWRITE_EVERY_NS (10 * SP_NS_PER_S) /* requests and failures: what a killed run leaves is this old at most */
#define TYPE_OF_NONE "HTTP"                 /* where no method is known; else it is Locust's request type */
#define AGGREGATED "Aggregated"
#define US_TO_MS 0.001

struct csv_report {
  struct sp_out_file requests, failures, history;
  int64_t real_minus_mono_ns, next_rewrite_ns;
  struct sp_buf text; /* of one file or one second */
  struct sp_err err;  /* the first failure while the run went on */
};

static const struct {
  const char *title;
  double percentile;
} percentiles[] = {
  { "50%", 50 }, { "66%", 66 }, { "75%", 75 }, { "80%", 80 },     { "90%", 90 },       { "95%", 95 },
  { "98%", 98 }, { "99%", 99 }, { "99.9%", 99.9 }, { "99.99%", 99.99 }, { "100%", 100 },
};
#define PERCENTILES (sizeof(percentiles) / sizeof(percentiles[0]))

static const enum sp_metric own_metrics[] = { SP_METRIC_TTFB, SP_METRIC_TTFT, SP_METRIC_ITL, SP_METRIC_E2E };
static const int own_percentiles[] = { 50, 95, 99 };

/* --- a row's figures --- */

struct row {
  const char *type, *name, *user_class, *task;
  struct sp_tally tally;
  struct sp_hist times; /* us, of completed requests */
  struct sp_hist own[sizeof(own_metrics) / sizeof(own_metrics[0])];
  uint64_t stalls, token_events;
};
#define OWN (sizeof(own_metrics) / sizeof(own_metrics[0]))

static void row_add(struct row *row, const struct sp_cell *cell) {
  struct sp_tally tally;
  sp_tally_cell(cell, &tally);
  row->tally.started += tally.started;
  row->tally.ok += tally.ok;
  row->tally.failed += tally.failed;
  row->tally.abandoned += tally.abandoned;
  row->tally.cancelled += tally.cancelled;
  row->tally.bytes_in += tally.bytes_in;
  sp_hist_merge(&row->times, &cell->metrics[SP_METRIC_E2E]);
  sp_hist_merge(&row->times, &cell->failed_e2e);
  for (size_t i = 0; i < OWN; i++) {
    sp_hist_merge(&row->own[i], &cell->metrics[own_metrics[i]]);
  }
  row->stalls += cell->stalls;
  row->token_events += cell->token_events;
}

static void row_fini(struct row *row) {
  sp_hist_fini(&row->times);
  for (size_t i = 0; i < OWN; i++) {
    sp_hist_fini(&row->own[i]);
  }
}

static const char *type_of(const struct sp_cell *cell) {
  return cell && cell->method[0] ? cell->method : TYPE_OF_NONE;
}

static void row_of_cell(struct row *row, const struct sp_cell *cell) {
  *row = (struct row){ .type = type_of(cell), .name = cell->name, .user_class = cell->user_class, .task = cell->task };
  row_add(row, cell);
}

static void row_of_all(struct row *row, const struct sp_interval *interval) {
  *row = (struct row){ .type = "", .name = AGGREGATED, .user_class = "", .task = "" };
  for (size_t i = 0; i < interval->cells.count; i++) {
    row_add(row, interval->cells.entries[i].value);
  }
}

/* --- cells of a row --- */

static void put_us(struct sp_buf *out, const struct sp_hist *hist, double us) {
  sp_csv_number(out, hist->count > 0 ? us * US_TO_MS : NAN);
}

static void put_percentile(struct sp_buf *out, const struct sp_hist *hist, double percentile) {
  put_us(out, hist, (double)sp_hist_percentile(hist, percentile));
}

/* Median, average, min, max, average size. */
static void put_times(struct sp_buf *out, const struct row *row) {
  put_percentile(out, &row->times, 50);
  put_us(out, &row->times, sp_hist_mean(&row->times));
  put_us(out, &row->times, (double)row->times.min);
  put_us(out, &row->times, (double)row->times.max);
  sp_csv_number(out, (double)row->tally.bytes_in / (double)sp_completed(&row->tally));
}

static void put_percentiles(struct sp_buf *out, const struct row *row) {
  for (size_t i = 0; i < PERCENTILES; i++) {
    put_percentile(out, &row->times, percentiles[i].percentile);
  }
}

static void put_own(struct sp_buf *out, const struct row *row) {
  sp_csv_text(out, row->user_class);
  sp_csv_text(out, row->task);
  sp_csv_count(out, row->tally.started);
  sp_csv_count(out, row->tally.ok);
  sp_csv_count(out, row->tally.abandoned);
  sp_csv_count(out, row->tally.cancelled);
  for (size_t i = 0; i < OWN; i++) {
    for (size_t p = 0; p < sizeof(own_percentiles) / sizeof(own_percentiles[0]); p++) {
      put_percentile(out, &row->own[i], own_percentiles[p]);
    }
  }
  sp_csv_count(out, row->token_events);
  sp_csv_count(out, row->stalls);
}

/* --- headings --- */

static void put_headings(struct sp_buf *out, const char *const *titles) {
  for (; *titles; titles++) {
    sp_csv_raw(out, *titles);
  }
}

static void put_percentile_headings(struct sp_buf *out) {
  for (size_t i = 0; i < PERCENTILES; i++) {
    sp_csv_raw(out, percentiles[i].title);
  }
}

static void put_own_headings(struct sp_buf *out) {
  static const char *const first[] = { "user_class", "task", "started", "ok", "abandoned", "cancelled", NULL };
  static const char *const last[] = { "token_events", "stalls", NULL };
  char title[40];
  put_headings(out, first);
  for (size_t i = 0; i < OWN; i++) {
    for (size_t p = 0; p < sizeof(own_percentiles) / sizeof(own_percentiles[0]); p++) {
      snprintf(title, sizeof(title), "%s_p%d_ms", sp_metric_info(own_metrics[i])->name, own_percentiles[p]);
      sp_csv_raw(out, title);
    }
  }
  put_headings(out, last);
  sp_csv_end(out);
}

static void put_request_headings(struct sp_buf *out) {
  static const char *const titles[] = { "Type", "Name", "Request Count", "Failure Count", "Median Response Time",
                                        "Average Response Time", "Min Response Time", "Max Response Time",
                                        "Average Content Size", "Requests/s", "Failures/s", NULL };
  put_headings(out, titles);
  put_percentile_headings(out);
  put_own_headings(out);
}

static void put_history_headings(struct sp_buf *out) {
  static const char *const first[] = { "Timestamp", "User Count", "Type", "Name", "Requests/s", "Failures/s", NULL };
  static const char *const last[] = { "Total Request Count", "Total Failure Count", "Total Median Response Time",
                                      "Total Average Response Time", "Total Min Response Time",
                                      "Total Max Response Time", "Total Average Content Size", NULL };
  put_headings(out, first);
  put_percentile_headings(out);
  put_headings(out, last);
  put_own_headings(out);
}

/* --- requests --- */

static void put_request(struct sp_buf *out, const struct row *row, int64_t measured_ns) {
  uint64_t completed = sp_completed(&row->tally);
  sp_csv_text(out, row->type);
  sp_csv_text(out, row->name);
  sp_csv_count(out, completed);
  sp_csv_count(out, row->tally.failed);
  put_times(out, row);
  sp_csv_number(out, sp_per_s(completed, measured_ns));
  sp_csv_number(out, sp_per_s(row->tally.failed, measured_ns));
  put_percentiles(out, row);
  put_own(out, row);
  sp_csv_end(out);
}

static void put_requests(struct sp_buf *out, const struct sp_interval *totals, int64_t measured_ns) {
  struct row row;
  put_request_headings(out);
  for (size_t i = 0; i < totals->cells.count; i++) {
    row_of_cell(&row, totals->cells.entries[i].value);
    put_request(out, &row, measured_ns);
    row_fini(&row);
  }
  row_of_all(&row, totals);
  put_request(out, &row, measured_ns);
  row_fini(&row);
}

/* --- failures: of requests. Errors inside tasks are no requests (the JSON has them) --- */

static bool is_failure(const char *kind) {
  for (int i = 0; i < SP_OUTCOME_COUNT; i++) {
    if (sp_outcome_is_failure((enum sp_outcome)i) && strcmp(kind, sp_outcome_name((enum sp_outcome)i)) == 0) {
      return true;
    }
  }
  return false;
}

/* Errors are told apart by name, not by class and task: the first row of that name speaks for it. */
static const struct sp_cell *first_of_name(const struct sp_interval *totals, const char *name) {
  const struct sp_map *maps[] = { &totals->cells, &totals->probes };
  for (size_t m = 0; m < sizeof(maps) / sizeof(maps[0]); m++) {
    for (size_t i = 0; i < maps[m]->count; i++) {
      const struct sp_cell *cell = maps[m]->entries[i].value;
      if (strcmp(cell->name, name) == 0) {
        return cell;
      }
    }
  }
  return NULL;
}

static void put_failures(struct sp_buf *out, const struct sp_interval *totals) {
  static const char *const titles[] = { "Method", "Name", "Error", "Occurrences", "outcome", "first_s", NULL };
  put_headings(out, titles);
  sp_csv_end(out);
  for (size_t i = 0; i < totals->errors.count; i++) {
    const struct sp_error_cell *error = totals->errors.entries[i].value;
    if (!is_failure(error->kind)) {
      continue;
    }
    int64_t first_ns = error->first_ns > totals->begin_ns ? error->first_ns - totals->begin_ns : 0;
    sp_csv_text(out, type_of(first_of_name(totals, error->name)));
    sp_csv_text(out, error->name);
    sp_csv_text(out, error->detail);
    sp_csv_count(out, error->count);
    sp_csv_text(out, error->kind);
    sp_csv_number(out, (double)first_ns / (double)SP_NS_PER_S);
    sp_csv_end(out);
  }
}

/* --- history --- */

static void put_history_row(struct csv_report *csv, const struct sp_run_view *view, const struct row *last,
                            const struct row *total) {
  struct sp_buf *out = &csv->text;
  int64_t length_ns = view->last->end_ns - view->last->begin_ns;
  int64_t real_ns = view->last->end_ns + csv->real_minus_mono_ns;
  sp_csv_count(out, (uint64_t)(real_ns / SP_NS_PER_S));
  sp_csv_count(out, view->users);
  sp_csv_text(out, total->type);
  sp_csv_text(out, total->name);
  sp_csv_number(out, sp_per_s(sp_completed(&last->tally), length_ns));
  sp_csv_number(out, sp_per_s(last->tally.failed, length_ns));
  put_percentiles(out, last);
  sp_csv_count(out, sp_completed(&total->tally));
  sp_csv_count(out, total->tally.failed);
  put_times(out, total);
  put_own(out, last);
  sp_csv_end(out);
}

static const struct sp_cell *cell_of(const struct sp_interval *interval, const struct sp_map_entry *entry) {
  return sp_map_get(&interval->cells, sp_str_of(entry->key, entry->key_len));
}

static void put_history(struct csv_report *csv, const struct sp_run_view *view) {
  struct row last, total;
  const struct sp_map *cells = &view->totals->cells;
  for (size_t i = 0; i < cells->count; i++) {
    const struct sp_cell *of_last = cell_of(view->last, &cells->entries[i]);
    if (of_last) {
      row_of_cell(&last, of_last);
      row_of_cell(&total, cells->entries[i].value);
      put_history_row(csv, view, &last, &total);
      row_fini(&last);
      row_fini(&total);
    }
  }
  row_of_all(&last, view->last);
  row_of_all(&total, view->totals);
  put_history_row(csv, view, &last, &total);
  row_fini(&last);
  row_fini(&total);
}

/* --- the files --- */

static void flush(struct csv_report *csv, struct sp_out_file *file, bool append) {
  struct sp_err err = { 0 };
  if (append) {
    sp_out_file_append(file, csv->text.bytes, csv->text.len, &err);
  } else {
    sp_out_file_write(file, csv->text.bytes, csv->text.len, &err);
  }
  if (err.code && !csv->err.code) {
    csv->err = err;
  }
  sp_buf_clear(&csv->text);
}

static void write_totals(struct csv_report *csv, const struct sp_interval *totals, int64_t measured_ns) {
  put_requests(&csv->text, totals, measured_ns);
  flush(csv, &csv->requests, false);
  put_failures(&csv->text, totals);
  flush(csv, &csv->failures, false);
}

static int open_one(struct sp_out_file *file, const char *prefix, const char *ending, struct sp_err *err) {
  char path[4096];
  snprintf(path, sizeof(path), "%s%s", prefix, ending);
  return sp_out_file_open(file, path, err);
}

static void csv_close(void *report) {
  struct csv_report *csv = report;
  sp_out_file_close(&csv->requests);
  sp_out_file_close(&csv->failures);
  sp_out_file_close(&csv->history);
  sp_buf_fini(&csv->text);
  free(csv);
}

static int csv_open(const char *path, void **report, struct sp_err *err) {
  if (strcmp(path, "-") == 0) {
    return sp_fail(err, SP_EUSAGE, "it is three files: give the beginning of their names, e.g. csv=run for "
                                   "run_requests.csv, run_failures.csv and run_history.csv");
  }
  struct csv_report *csv = sp_alloc(sizeof(*csv));
  csv->requests.fd = csv->failures.fd = csv->history.fd = -1;
  sp_buf_init(&csv->text, CSV_MAX);
  int code = open_one(&csv->requests, path, "_requests.csv", err);
  code = code ? code : open_one(&csv->failures, path, "_failures.csv", err);
  code = code ? code : open_one(&csv->history, path, "_history.csv", err);
  if (code) {
    csv_close(csv);
    return code;
  }
  *report = csv;
  return SP_OK;
}

static void csv_begin(void *report, const struct sp_run_begin *begin) {
  struct csv_report *csv = report;
  csv->real_minus_mono_ns = begin->real_ns - begin->mono_ns;
  csv->next_rewrite_ns = REWRITE_EVERY_NS;
  put_history_headings(&csv->text);
  flush(csv, &csv->history, false);
}

static void csv_tick(void *report, const struct sp_run_view *view) {
  struct csv_report *csv = report;
  put_history(csv, view);
  flush(csv, &csv->history, true);
  if (view->elapsed_ns >= csv->next_rewrite_ns) {
    csv->next_rewrite_ns = view->elapsed_ns + REWRITE_EVERY_NS;
    write_totals(csv, view->totals, view->totals->end_ns - view->totals->begin_ns);
  }
}

static int csv_write(void *report, const struct sp_result *result, struct sp_err *err) {
  struct csv_report *csv = report;
  write_totals(csv, result->totals, result->facts.measured_ns);
  if (csv->err.code) {
    *err = csv->err;
  }
  return csv->err.code;
}

const struct sp_report_type sp_report_csv = {
  .name = "csv",
  .help = "requests, failures and a history with Locust's columns; PATH is the beginning of three files' names",
  .open = csv_open,
  .begin = csv_begin,
  .on_tick = csv_tick,
  .write = csv_write,
  .close = csv_close,
};
