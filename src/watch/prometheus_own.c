/* Queries of the user's own: PromQL of any kind, in steps of a scrape, each step once. */
#include "watch/prometheus_parts.h"

#include <stdio.h>

#define POINTS_MAX 10000 /* of a query: the server takes 11,000 */
#define SERIES_MAX 20u

static int64_t step_ns(const struct sp_prometheus_watcher *watcher) {
  return watcher->scrape_ns > SP_NS_PER_S ? watcher->scrape_ns : SP_NS_PER_S;
}

/* "p95", and of a query with several series 'p95 {pod="a"}'. */
static void name_series(struct sp_prometheus_watcher *watcher, const struct sp_prometheus_own *own, int row, struct sp_buf *out) {
  struct sp_prom_sample sample;
  struct sp_buf texts;
  sp_buf_init(&texts, SP_FETCH_BODY_MAX);
  sp_prometheus_labels(&watcher->api, sp_json_get(&watcher->api.doc, row, "metric"), &sample, &texts);
  sp_buf_clear(out);
  sp_buf_append_text(out, own->name);
  for (size_t i = 0; i < sample.label_count; i++) {
    sp_buf_printf(out, "%s" SP_STR_FMT "=\"" SP_STR_FMT "\"", i ? ", " : " {", SP_STR_ARG(sample.labels[i].name),
                  SP_STR_ARG(sample.labels[i].value));
  }
  if (sample.label_count) sp_buf_append_char(out, '}');
  sp_buf_fini(&texts);
}

static void take_series(struct sp_prometheus_watcher *watcher, const struct sp_prometheus_own *own, int row,
                        struct sp_watch_sink *sink) {
  struct sp_prometheus *api = &watcher->api;
  struct sp_buf name;
  int64_t at_ns;
  double value;
  sp_buf_init(&name, 4 * SP_OBSERVED_DETAIL_MAX);
  name_series(watcher, own, row, &name);
  struct sp_observed_key key = {.signal = SP_SIGNAL_OWN, .subject = watcher->subject ? watcher->subject : "prometheus",
                                .detail = name.bytes, .query = own->query};
  int values = sp_json_get(&api->doc, row, "values");
  for (int pair = sp_json_first(&api->doc, values); pair >= 0; pair = sp_json_next(&api->doc, pair)) {
    if (sp_prometheus_value(api, pair, &at_ns, &value)) {
      sp_watch_gauge(sink, &key, at_ns - watcher->ahead_ns, step_ns(watcher), value);
    }
  }
  sp_buf_fini(&name);
}

static int ask(struct sp_prometheus_watcher *watcher, struct sp_prometheus_own *own, int64_t from_ns, int64_t to_ns,
               struct sp_watch_sink *sink, struct sp_err *err) {
  struct sp_prometheus *api = &watcher->api;
  unsigned count = 0;
  int data;
  sp_prometheus_ask(api, own->query);
  sp_prometheus_ask_time(api, "start", from_ns);
  sp_prometheus_ask_time(api, "end", to_ns);
  sp_buf_printf(&api->form, "&step=%lld", (long long)(step_ns(watcher) / SP_NS_PER_S));
  if (sp_prometheus_call(api, sink, "query_range", &data, err)) return err->code;
  for (int row = sp_json_first(&api->doc, sp_json_get(&api->doc, data, "result")); row >= 0; row = sp_json_next(&api->doc, row)) {
    if (count++ < SERIES_MAX) take_series(watcher, own, row, sink);
  }
  if (count > SERIES_MAX) {
    sp_watch_note(sink, "query.%s: over %u series: the others are left out; sum them, or choose", own->name, SERIES_MAX);
  }
  return 0;
}

/* Steps stand at whole multiples, so that live ones and those behind the run are the same. */
static int catch_up(struct sp_prometheus_watcher *watcher, struct sp_prometheus_own *own, int64_t from_ns, int64_t to_ns,
                    struct sp_watch_sink *sink, struct sp_err *err) {
  int64_t step = step_ns(watcher), last_ns = to_ns / step * step;
  if (own->server_ns == 0) own->server_ns = from_ns / step * step;
  while (own->server_ns + step <= last_ns && !sp_watch_stopping(sink)) {
    int64_t first_ns = own->server_ns + step, end_ns = last_ns;
    if ((end_ns - first_ns) / step > POINTS_MAX) end_ns = first_ns + POINTS_MAX * step;
    int code = ask(watcher, own, first_ns, end_ns, sink, err);
    if (code) return code;
    own->server_ns = end_ns;
  }
  return 0;
}

int sp_prometheus_ask_own(struct sp_prometheus_watcher *watcher, int64_t from_ns, int64_t to_ns, struct sp_watch_sink *sink,
                          struct sp_err *err) {
  for (size_t i = 0; i < watcher->own_count; i++) {
    struct sp_prometheus_own *own = &watcher->owns[i];
    int code = own->bad ? 0 : catch_up(watcher, own, from_ns, to_ns, sink, err);
    own->bad |= code == SP_EUSAGE || code == SP_ELIMIT;
    if (code && !own->bad) return code;
    if (code) sp_watch_cannot(sink, "query.%s: %s", own->name, err->text);
  }
  return 0;
}
