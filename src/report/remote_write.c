/* --out prometheus=URL: the metrics of /metrics, pushed to a server that takes Prometheus remote write. */
#include "report/push.h"
#include "report/remote_encode.h"

static void encode(struct sp_buf *out, const struct sp_export_source *source, int64_t real_ns) {
  struct sp_buf plain;
  sp_buf_init(&plain, SP_REMOTE_MAX);
  sp_remote_put(&plain, source, real_ns);
  sp_snappy_put(out, sp_buf_str(&plain));
  sp_buf_fini(&plain);
}

static int remote_open(const char *url, void **report, struct sp_err *err) {
  static const char *const headers[] = { "Content-Type: application/x-protobuf", "Content-Encoding: snappy",
                                         "X-Prometheus-Remote-Write-Version: 0.1.0", NULL };
  struct sp_poster_options options = { .url = url, .default_path = "/api/v1/write", .headers = headers };
  return sp_push_open(&options, "prometheus", encode, report, err);
}

const struct sp_report_type sp_report_prometheus = {
  .name = "prometheus",
  .live_only = true,
  .option = "--out prometheus", /* the URL may hold a password */
  .help = "remote write to a Prometheus server, each 5 s; PATH is its URL",
  .open = remote_open,
  .begin = sp_push_begin,
  .on_tick = sp_push_tick,
  .write = sp_push_write,
  .note = sp_push_note,
  .close = sp_push_close,
};
