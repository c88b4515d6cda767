/*
 * --out html=PATH: the page of ui/ with the run's PAGE DATA inside. One file, which opens from disk without a network.
 */
#include "base/mem.h"
#include "report/out_file.h"
#include "report/page_data.h"
#include "report/page_html.h"

#include <stdlib.h>
#include <string.h>

struct html_report {
  struct sp_out_file file;
  struct sp_page_data *page;
  double elapsed_s;
};

static int html_open(const char *path, void **report, struct sp_err *err) {
  struct html_report *html = sp_alloc(sizeof(*html));
  int code = sp_out_file_open(&html->file, path, err);
  if (code) {
    free(html);
    return code;
  }
  html->page = sp_page_data_create(0, 0);
  *report = html;
  return SP_OK;
}

static void html_begin(void *report, const struct sp_run_begin *begin) {
  struct html_report *html = report;
  sp_page_data_begin(html->page, begin);
}

static void html_tick(void *report, const struct sp_run_view *view) {
  struct html_report *html = report;
  sp_page_data_tick(html->page, view);
  html->elapsed_s = (double)view->elapsed_ns / (double)SP_NS_PER_S;
}

static void html_log(void *report, const char *level, const char *text) {
  struct html_report *html = report;
  sp_page_data_log(html->page, html->elapsed_s, level, text);
}

/* Inside a script element only "</script" and "<!--" mean something. In JSON a '<' stands in strings alone. */
static int put_inside(struct sp_buf *out, struct sp_str json) {
  int code = SP_OK;
  for (size_t at = 0; at < json.len && code == SP_OK;) {
    const char *less = memchr(json.bytes + at, '<', json.len - at);
    size_t plain = less ? (size_t)(less - json.bytes) - at : json.len - at;
    code = sp_buf_append(out, json.bytes + at, plain);
    if (less && code == SP_OK) {
      code = sp_buf_append_text(out, "\\u003c");
    }
    at += plain + (less != NULL);
  }
  return code;
}

static int too_large(struct sp_err *err) {
  return sp_fail(err, SP_ELIMIT, "the report would be over %u MiB", SP_PAGE_TEXT_MAX >> 20);
}

int sp_page_report(struct sp_str document, struct sp_buf *out, struct sp_err *err) {
  const struct sp_page_html *page = &sp_page_html;
  int code = sp_buf_append(out, page->html, page->data_at);
  code = code ? code : put_inside(out, document);
  code = code ? code : sp_buf_append(out, page->html + page->data_at, page->html_len - page->data_at);
  return code ? too_large(err) : SP_OK;
}

static int write_page(struct html_report *html, const struct sp_result *result, bool partial, struct sp_out_file *file,
                      struct sp_err *err) {
  struct sp_buf data, text;
  char *summary = sp_page_summary(result, partial);
  sp_page_data_summary(html->page, sp_str_from(summary));
  free(summary);
  sp_buf_init(&data, SP_PAGE_TEXT_MAX);
  sp_buf_init(&text, SP_PAGE_TEXT_MAX);
  int code = sp_page_data_put(html->page, &data) ? sp_page_report(sp_buf_str(&data), &text, err) : too_large(err);
  code = code ? code : sp_out_file_write(file, text.bytes, text.len, err);
  sp_buf_fini(&text);
  sp_buf_fini(&data);
  return code;
}

static int html_write(void *report, const struct sp_result *result, struct sp_err *err) {
  struct html_report *html = report;
  return write_page(html, result, false, &html->file, err);
}

static int html_write_now(void *report, const struct sp_result *now, const char *path, struct sp_err *err) {
  struct sp_out_file file;
  int code = sp_out_file_open(&file, path, err);
  if (code) {
    return code;
  }
  code = write_page(report, now, true, &file, err);
  sp_out_file_close(&file);
  return code;
}

static void html_close(void *report) {
  struct html_report *html = report;
  sp_out_file_close(&html->file);
  sp_page_data_destroy(html->page);
  free(html);
}

const struct sp_report_type sp_report_html = {
  .name = "html",
  .help = "a report to read and to show: one file, charts and data inside, no network needed",
  .open = html_open,
  .begin = html_begin,
  .on_tick = html_tick,
  .on_log = html_log,
  .write = html_write,
  .write_now = html_write_now,
  .close = html_close,
};
