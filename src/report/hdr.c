/*
 * --out hdr=PATH: an HdrHistogram interval log, format version 1.3: each second a line for every request and metric
 * that had a value, with the tag "request/metric". Requests of one name are one, whatever their class and task.
 * Values are microseconds. What readers need is written each second, so a killed run's log is whole to its last.
 */
#include "base/mem.h"
#include "report/hdr_encode.h"
#include "report/out_file.h"
#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MAX (256u * 1024u * 1024u)
#define FAILED_E2E "failed_e2e" /* how long the failed ones took; the other tags are the metrics' names */

struct hdr_report {
  struct sp_out_file file;
  int64_t begin_ns; /* monotonic: times in the log are seconds since */
  struct sp_buf text;
  struct sp_err err; /* the first failure */
};

static void fail(struct hdr_report *hdr, const struct sp_err *err) {
  if (err->code && !hdr->err.code) {
    hdr->err = *err;
  }
}

static void flush(struct hdr_report *hdr) {
  struct sp_err err = { 0 };
  if (hdr->text.len > 0) {
    sp_out_file_append(&hdr->file, hdr->text.bytes, hdr->text.len, &err);
  }
  fail(hdr, &err);
  sp_buf_clear(&hdr->text);
}

/* --- a line --- */

/* A tag must hold no comma, space or line break: these and '%' as %XX, so that two names never become one tag. */
static void put_tag(struct sp_buf *out, const char *name, const char *metric) {
  sp_buf_append_text(out, "Tag=");
  for (const unsigned char *at = (const unsigned char *)name; *at; at++) {
    if (*at <= ' ' || *at == ',' || *at == '%' || *at == '"' || *at == 0x7f) {
      sp_buf_printf(out, "%%%02X", *at);
    } else {
      sp_buf_append_char(out, (char)*at);
    }
  }
  sp_buf_printf(out, "/%s,", metric);
}

static double seconds_since(const struct hdr_report *hdr, int64_t ns) {
  return ns > hdr->begin_ns ? (double)(ns - hdr->begin_ns) / (double)SP_NS_PER_S : 0;
}

static void put_line(struct hdr_report *hdr, const struct sp_interval *interval, const char *name, const char *metric,
                     const struct sp_hist *hist) {
  struct sp_err err = { 0 };
  if (hist->count == 0) {
    return;
  }
  double begin_s = seconds_since(hdr, interval->begin_ns), end_s = seconds_since(hdr, interval->end_ns);
  put_tag(&hdr->text, name, metric);
  sp_buf_printf(&hdr->text, "%.3f,%.3f,%.3f,", begin_s, end_s - begin_s, (double)hist->max / 1000);
  sp_hdr_encode(hist, &hdr->text, &err);
  sp_buf_append_char(&hdr->text, '\n');
  fail(hdr, &err);
}

/* --- requests of one name --- */

struct same_name {
  const struct sp_cell **cells;
  size_t count;
};

static size_t offset_of(int metric) {
  return metric < SP_METRIC_COUNT ? offsetof(struct sp_cell, metrics) + (size_t)metric * sizeof(struct sp_hist)
                                  : offsetof(struct sp_cell, failed_e2e);
}

static const struct sp_hist *hist_of(const struct sp_cell *cell, size_t offset) {
  return (const struct sp_hist *)(const void *)((const char *)cell + offset);
}

static void put_metric(struct hdr_report *hdr, const struct sp_interval *interval, const struct same_name *same,
                       int metric) {
  const char *name = metric < SP_METRIC_COUNT ? sp_metric_info((enum sp_metric)metric)->name : FAILED_E2E;
  size_t offset = offset_of(metric);
  if (same->count == 1) {
    put_line(hdr, interval, same->cells[0]->name, name, hist_of(same->cells[0], offset));
    return;
  }
  struct sp_hist sum;
  sp_hist_init(&sum);
  for (size_t i = 0; i < same->count; i++) {
    sp_hist_merge(&sum, hist_of(same->cells[i], offset));
  }
  put_line(hdr, interval, same->cells[0]->name, name, &sum);
  sp_hist_fini(&sum);
}

/* Moves the cells named as the first one of `rest` to the front; gives how many. */
static size_t gather(const struct sp_cell **rest, size_t count) {
  size_t same = 1;
  for (size_t i = 1; i < count; i++) {
    if (strcmp(rest[i]->name, rest[0]->name) == 0) {
      const struct sp_cell *cell = rest[i];
      rest[i] = rest[same];
      rest[same++] = cell;
    }
  }
  return same;
}

static void put_interval(struct hdr_report *hdr, const struct sp_interval *interval) {
  size_t count = interval->cells.count;
  const struct sp_cell **cells = sp_alloc_array(count + 1, sizeof(cells[0]));
  for (size_t i = 0; i < count; i++) {
    cells[i] = interval->cells.entries[i].value;
  }
  for (size_t at = 0; at < count;) {
    struct same_name same = { cells + at, gather(cells + at, count - at) };
    for (int metric = 0; metric <= SP_METRIC_COUNT; metric++) {
      put_metric(hdr, interval, &same, metric);
    }
    at += same.count;
  }
  free(cells);
}

/* --- the report type --- */

static int hdr_open(const char *path, void **report, struct sp_err *err) {
  struct hdr_report *hdr = sp_alloc(sizeof(*hdr));
  int code = sp_out_file_open(&hdr->file, path, err);
  if (code) {
    free(hdr);
    return code;
  }
  sp_buf_init(&hdr->text, TICK_MAX);
  *report = hdr;
  return SP_OK;
}

static void hdr_begin(void *report, const struct sp_run_begin *begin) {
  struct hdr_report *hdr = report;
  struct sp_err err = { 0 };
  char date[SP_RFC3339_SIZE];
  hdr->begin_ns = begin->mono_ns;
  sp_clock_rfc3339(begin->real_ns, date, sizeof(date));
  sp_out_file_begin(&hdr->file, &err);
  fail(hdr, &err);
  sp_buf_printf(&hdr->text, "#[Logged by spate %s, run %s]\n#[Histogram log format version 1.3]\n", begin->version,
                begin->id);
  sp_buf_printf(&hdr->text, "#[StartTime: %.3f (seconds since epoch), %s]\n",
                (double)begin->real_ns / (double)SP_NS_PER_S, date);
  sp_buf_append_text(&hdr->text, "#[Values are microseconds; Interval_Max is milliseconds]\n");
  if (begin->load->warm_up_ns > 0) {
    sp_buf_printf(&hdr->text, "#[The warm-up is in here: it ends at %.3f]\n",
                  (double)begin->load->warm_up_ns / (double)SP_NS_PER_S);
  }
  sp_buf_append_text(&hdr->text,
                     "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n");
  flush(hdr);
}

static void hdr_tick(void *report, const struct sp_run_view *view) {
  struct hdr_report *hdr = report;
  put_interval(hdr, view->last);
  flush(hdr);
}

static int hdr_write(void *report, const struct sp_result *result, struct sp_err *err) {
  struct hdr_report *hdr = report;
  (void)result; /* the last tick has been written */
  if (hdr->err.code) {
    *err = hdr->err;
  }
  return hdr->err.code;
}

static void hdr_close(void *report) {
  struct hdr_report *hdr = report;
  sp_out_file_close(&hdr->file);
  sp_buf_fini(&hdr->text);
  free(hdr);
}

const struct sp_report_type sp_report_hdr = {
  .name = "hdr",
  .help = "an HdrHistogram interval log, a line a second, request and metric",
  .open = hdr_open,
  .begin = hdr_begin,
  .on_tick = hdr_tick,
  .write = hdr_write,
  .close = hdr_close,
};
