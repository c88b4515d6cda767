/* --out otlp=URL: the metrics of /metrics, pushed to an OpenTelemetry collector over HTTP in JSON. */
#include "report/otlp_encode.h"
#include "report/push.h"

static int otlp_open(const char *url, void **report, struct sp_err *err) {
  static const char *const headers[] = { "Content-Type: application/json", NULL };
  struct sp_poster_options options = { .url = url, .default_path = "/v1/metrics", .headers = headers };
  return sp_push_open(&options, "otlp", sp_otlp_put, report, err);
}

const struct sp_report_type sp_report_otlp = {
  .name = "otlp",
  .live_only = true,
  .option = "--out otlp", /* the URL may hold a password */
  .help = "OpenTelemetry metrics over HTTP (JSON), each 5 s; PATH is the collector's URL",
  .open = otlp_open,
  .begin = sp_push_begin,
  .on_tick = sp_push_tick,
  .write = sp_push_write,
  .note = sp_push_note,
  .close = sp_push_close,
};
