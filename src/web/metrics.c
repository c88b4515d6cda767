#include "web/metrics.h"

#include "base/mem.h"
#include "base/units.h"
#include "report/exposition.h"
#include "web/page.h"
#include "web/server.h"

#include <stdio.h>
#include <stdlib.h>

struct web_report {
  struct sp_web_server *server;
  struct sp_export_run run;
  bool ended;
};

const char *sp_web_url(const void *report) { return sp_web_server_url(((const struct web_report *)report)->server); }

static void publish(struct web_report *web, enum sp_web_text which, struct sp_buf *text) {
  size_t len = text->len;
  sp_web_server_publish(web->server, which, sp_buf_take(text), len);
  sp_buf_fini(text);
}

static void publish_all(struct web_report *web, const struct sp_export_source *source) {
  struct sp_buf text;
  sp_buf_init(&text, SP_EXPOSITION_MAX);
  sp_exposition_put(&text, source, SP_EXPOSITION_TEXT);
  publish(web, SP_WEB_METRICS_TEXT, &text);
  sp_buf_init(&text, SP_EXPOSITION_MAX);
  sp_exposition_put(&text, source, SP_EXPOSITION_OPENMETRICS);
  publish(web, SP_WEB_METRICS_OPENMETRICS, &text);
  sp_buf_init(&text, SP_EXPOSITION_MAX);
  sp_web_page_put(&text, source);
  publish(web, SP_WEB_PAGE, &text);
}

static int web_open(const char *address, void **report, struct sp_err *err) {
  struct sp_web_server *server = sp_web_server_open(address, err);
  if (!server) {
    return err->code;
  }
  struct web_report *web = sp_alloc(sizeof(*web));
  web->server = server;
  *report = web;
  return SP_OK;
}

static void web_begin(void *report, const struct sp_run_begin *begin) {
  struct web_report *web = report;
  sp_export_run_init(&web->run, begin);
}

static void web_tick(void *report, const struct sp_run_view *view) {
  struct web_report *web = report;
  publish_all(web, &(struct sp_export_source){ .run = &web->run, .view = view });
}

static int web_write(void *report, const struct sp_result *result, struct sp_err *err) {
  struct web_report *web = report;
  (void)err;
  publish_all(web, &(struct sp_export_source){ .run = &web->run, .result = result });
  web->ended = true;
  return SP_OK;
}

/* How long the next visit of who comes regularly may take; 0: nobody does. */
static int64_t linger_ns(const struct web_report *web, uint64_t *seen) {
  int64_t every_ns;
  sp_web_server_scrapes(web->server, seen, &every_ns);
  int64_t most_ns = every_ns > 0 ? every_ns + every_ns / 2 + SP_NS_PER_S : 0;
  return most_ns < SP_WEB_LINGER_MAX_NS ? most_ns : SP_WEB_LINGER_MAX_NS;
}

static bool web_note(void *report, char *text, size_t size) {
  char limit[SP_UNIT_TEXT_SIZE];
  uint64_t seen;
  int64_t most_ns = linger_ns(report, &seen);
  snprintf(text, size, "live: waiting for the scraper to see the end, at most %s (Ctrl-C ends it)",
           sp_format_duration(most_ns, limit, sizeof(limit)));
  return most_ns > 0;
}

static void web_close(void *report) {
  struct web_report *web = report;
  uint64_t seen;
  int64_t most_ns = linger_ns(web, &seen);
  if (web->ended && most_ns > 0) {
    sp_web_server_wait_scrape(web->server, seen, most_ns);
  }
  sp_web_server_close(web->server);
  sp_export_run_fini(&web->run);
  free(web);
}

const struct sp_report_type sp_report_web = {
  .name = "web",
  .option = "--web",
  .help = "the run while it goes on",
  .open = web_open,
  .begin = web_begin,
  .on_tick = web_tick,
  .write = web_write,
  .note = web_note,
  .close = web_close,
};
