#include "web/page.h"

#include "base/units.h"
#include "report/figures.h"

#include <stdio.h>

static const char head[] =
  "<!doctype html><html lang=en><meta charset=utf-8><title>spate</title>"
  "<meta name=viewport content='width=device-width'>";
static const char style[] =
  "<style>body{font:15px/1.5 system-ui,sans-serif;margin:2em;color:#222;background:#fff}"
  "table{border-collapse:collapse}td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid #ddd}"
  "td:first-child,th:first-child{text-align:left}b{font-weight:600}.bad{color:#b00}"
  "@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}td,th{border-color:#333}.bad{color:#f77}}"
  "</style>";

static void put_text(struct sp_buf *out, const char *text) {
  for (; *text; text++) {
    switch (*text) {
    case '&': sp_buf_append_text(out, "&amp;"); break;
    case '<': sp_buf_append_text(out, "&lt;"); break;
    case '>': sp_buf_append_text(out, "&gt;"); break;
    case '"': sp_buf_append_text(out, "&quot;"); break;
    case '\'': sp_buf_append_text(out, "&#39;"); break;
    default: sp_buf_append_char(out, *text);
    }
  }
}

static void put_cell(struct sp_buf *out, const char *text) {
  sp_buf_append_text(out, "<td>");
  put_text(out, text);
}

static void put_count(struct sp_buf *out, uint64_t count) {
  char text[SP_FIGURE_SIZE];
  put_cell(out, sp_format_count(count, text, sizeof(text)));
}

static void put_percentiles(struct sp_buf *out, const struct sp_hist *hist) {
  static const double percentiles[] = { 50, 95, 99 };
  char text[SP_FIGURE_SIZE];
  for (size_t i = 0; i < sizeof(percentiles) / sizeof(percentiles[0]); i++) {
    put_cell(out, sp_figure_percentile(hist, percentiles[i], text, sizeof(text)));
  }
}

static void put_row(struct sp_buf *out, const struct sp_cell *cell, int64_t length_ns) {
  struct sp_tally tally;
  char text[SP_FIGURE_SIZE];
  sp_tally_cell(cell, &tally);
  sp_buf_append_text(out, "<tr>");
  put_cell(out, cell->name);
  put_count(out, tally.started);
  put_count(out, tally.ok);
  sp_buf_append_text(out, tally.failed > 0 ? "<td class=bad>" : "<td>");
  sp_buf_append_text(out, sp_format_count(tally.failed, text, sizeof(text)));
  put_cell(out, sp_figure_rate(sp_per_s(sp_completed(&tally), length_ns), text, sizeof(text)));
  put_percentiles(out, &cell->metrics[SP_METRIC_TTFT]);
  put_percentiles(out, &cell->metrics[SP_METRIC_E2E]);
}

static void put_table(struct sp_buf *out, const struct sp_interval *totals) {
  sp_buf_append_text(out, "<table><tr><th>request<th>started<th>ok<th>failed<th>/s"
                          "<th>first token, ms p50<th>p95<th>p99<th>full response, ms p50<th>p95<th>p99");
  for (size_t i = 0; i < totals->cells.count && i < SP_WEB_PAGE_ROWS_MAX; i++) {
    put_row(out, totals->cells.entries[i].value, totals->end_ns - totals->begin_ns);
  }
  sp_buf_append_text(out, "</table>");
}

static void put_now(struct sp_buf *out, const struct sp_run_view *view) {
  char elapsed[SP_UNIT_TEXT_SIZE];
  sp_buf_printf(out, "<p><b>%s</b> · %s · %llu of %llu users · %llu requests in flight", sp_phase_name(view->phase),
                sp_format_duration(view->elapsed_ns, elapsed, sizeof(elapsed)), (unsigned long long)view->users,
                (unsigned long long)view->users_target, (unsigned long long)view->in_flight);
}

static void put_verdict(struct sp_buf *out, const struct sp_result *result) {
  sp_buf_append_text(out, "<p><b>ended</b> · ");
  sp_buf_append_text(out, result->validity.valid ? "valid" : "<span class=bad>not valid</span>");
  for (size_t i = 0; i < result->validity.reason_count; i++) {
    sp_buf_append_text(out, "<p>");
    put_text(out, result->validity.reasons[i]);
  }
}

void sp_web_page_put(struct sp_buf *out, const struct sp_export_source *source) {
  sp_buf_append_text(out, head);
  sp_buf_append_text(out, source->view ? "<meta http-equiv=refresh content=2>" : "");
  sp_buf_append_text(out, style);
  sp_buf_append_text(out, "<h1>");
  put_text(out, source->run->name);
  sp_buf_append_text(out, "</h1>");
  if (source->view) {
    put_now(out, source->view);
  } else {
    put_verdict(out, source->result);
  }
  put_table(out, source->view ? source->view->totals : source->result->totals);
  sp_buf_append_text(out, "<p><a href=/metrics>/metrics</a> · spate ");
  put_text(out, source->run->version);
  sp_buf_append_text(out, "\n");
}
