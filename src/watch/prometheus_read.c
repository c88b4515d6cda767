/*
 * Samples as they were scraped: an instant query of a range, "metric[60s]", gives each with its own time. So there is no step to
 * choose and no limit of 11,000 points, resets and gaps are seen, and what is read live and what is filled in behind the run are
 * the same samples. A long stretch is read in parts, smaller where an answer would be too big.
 */
#include "watch/prometheus_parts.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

#define QUERY_MAX (64u * 1024u)
#define PART_NS (600 * SP_NS_PER_S)
#define PART_LEAST_NS (5 * SP_NS_PER_S)

struct read_sample {
  int64_t at_ns;
  double value;
  struct sp_panel_series *series;
};

struct batch {
  struct read_sample *samples;
  size_t count, cap;
};

static void push(struct batch *batch, const struct read_sample *sample) {
  if (batch->count == batch->cap) {
    batch->cap = batch->cap ? 2 * batch->cap : 1024;
    batch->samples = sp_realloc(batch->samples, batch->cap * sizeof(*batch->samples));
  }
  batch->samples[batch->count++] = *sample;
}

/* -- which metrics there are -- */

/* Each name is in the row once for each of its uses. */
static void put_name(struct sp_buf *out, size_t start, struct sp_str name) {
  if (sp_pack_names(sp_str_of(out->bytes + start, out->len - start), name)) return;
  if (out->len > start) sp_buf_append_char(out, '|');
  sp_buf_append_str(out, name);
}

static void put_names(struct sp_buf *out, size_t start, const struct sp_pack *pack) {
  for (const struct sp_pack_row *row = pack->rows; row->a.metric; row++) {
    struct sp_str a = sp_str_from(row->a.metric), b = sp_str_from(row->b.metric);
    while (a.len) put_name(out, start, sp_str_split(&a, '|'));
    while (b.len) put_name(out, start, sp_str_split(&b, '|'));
  }
}

static void close_selector(const struct sp_prometheus_watcher *watcher, struct sp_buf *out) {
  sp_buf_append_text(out, "\",");
  if (watcher->match) sp_panel_put_match(watcher->match, out);
  out->len--; /* the last comma */
  sp_buf_append_char(out, '}');
}

/* "count by (__name__) ({__name__=~"…"})": one query for all packs. */
static char *question(const struct sp_prometheus_watcher *watcher) {
  const struct sp_pack *pack;
  struct sp_buf out;
  sp_buf_init(&out, QUERY_MAX);
  sp_buf_append_text(&out, "count by (__name__) ({__name__=~\"");
  size_t start = out.len;
  for (size_t i = 0; (pack = sp_pack_at(i)); i++) {
    if (sp_panel_takes(watcher->panel, pack)) put_names(&out, start, pack);
  }
  close_selector(watcher, &out);
  sp_buf_append_char(&out, ')');
  return sp_buf_take(&out);
}

static char *selector_of(const struct sp_prometheus_watcher *watcher, const struct sp_pack *pack) {
  struct sp_buf out;
  sp_buf_init(&out, QUERY_MAX);
  sp_buf_append_text(&out, "{__name__=~\"");
  put_names(&out, out.len, pack);
  close_selector(watcher, &out);
  return sp_buf_take(&out);
}

static void add_raw(struct sp_prometheus_watcher *watcher, const struct sp_pack *pack) {
  for (size_t i = 0; i < watcher->raw_count; i++) {
    if (watcher->raws[i].pack == pack) return;
  }
  if (watcher->raw_count == SP_PROMETHEUS_PACKS_MAX) return;
  watcher->raws[watcher->raw_count++] = (struct sp_prometheus_raw){.pack = pack, .selector = selector_of(watcher, pack)};
}

int sp_prometheus_find(struct sp_prometheus_watcher *watcher, struct sp_watch_sink *sink, struct sp_err *err) {
  struct sp_prometheus *api = &watcher->api;
  const struct sp_pack *pack;
  int data;
  char *query = question(watcher);
  sp_prometheus_ask(api, query);
  free(query);
  if (sp_prometheus_call(api, sink, "query", &data, err)) return err->code;
  for (int row = sp_json_first(&api->doc, sp_json_get(&api->doc, data, "result")); row >= 0; row = sp_json_next(&api->doc, row)) {
    int name = sp_json_get(&api->doc, sp_json_get(&api->doc, row, "metric"), "__name__");
    sp_panel_saw_metric(watcher->panel, sp_json_string(&api->doc, name, &api->scratch));
  }
  bool has_server = false;
  for (size_t i = 0; (pack = sp_pack_at(i)); i++) { /* the processes' stand last */
    bool saw = sp_panel_saw(watcher->panel, pack);
    has_server |= saw && pack->is_server;
    if (saw && (has_server || !pack->is_process)) add_raw(watcher, pack);
  }
  return 0;
}

/* -- samples -- */

static void take_series(struct sp_prometheus_watcher *watcher, int row, struct sp_buf *texts, struct batch *batch) {
  struct sp_prometheus *api = &watcher->api;
  struct sp_prom_sample sample;
  sp_prometheus_labels(api, sp_json_get(&api->doc, row, "metric"), &sample, texts);
  struct read_sample read = {.series = sp_panel_series(watcher->panel, &sample)};
  if (!read.series) return;
  int values = sp_json_get(&api->doc, row, "values");
  for (int pair = sp_json_first(&api->doc, values); pair >= 0; pair = sp_json_next(&api->doc, pair)) {
    if (!sp_prometheus_value(api, pair, &read.at_ns, &read.value)) continue;
    read.at_ns -= watcher->ahead_ns;
    push(batch, &read);
  }
}

static int by_time(const void *a, const void *b) {
  int64_t a_ns = ((const struct read_sample *)a)->at_ns, b_ns = ((const struct read_sample *)b)->at_ns;
  return a_ns < b_ns ? -1 : a_ns > b_ns;
}

/* All of one scrape have one time. */
static void make_points(struct sp_prometheus_watcher *watcher, struct batch *batch, struct sp_watch_sink *sink) {
  if (batch->count) qsort(batch->samples, batch->count, sizeof(*batch->samples), by_time);
  for (size_t i = 0; i < batch->count; i++) {
    const struct read_sample *read = &batch->samples[i];
    if (i && read->at_ns != read[-1].at_ns) sp_panel_flush(watcher->panel, sink);
    sp_panel_put(watcher->panel, read->series, read->at_ns, read->value);
  }
  sp_panel_flush(watcher->panel, sink);
}

static int read_part(struct sp_prometheus_watcher *watcher, const struct sp_prometheus_raw *raw, int64_t from_ns, int64_t to_ns,
                     struct sp_watch_sink *sink, struct sp_err *err) {
  struct sp_prometheus *api = &watcher->api;
  struct batch batch = {0};
  struct sp_buf query, texts;
  int data;
  sp_buf_init(&query, QUERY_MAX);
  sp_buf_printf(&query, "%s[%lldms]", raw->selector, (long long)((to_ns - from_ns) / SP_NS_PER_MS));
  sp_prometheus_ask(api, query.bytes);
  sp_prometheus_ask_time(api, "time", to_ns);
  sp_buf_fini(&query);
  if (sp_prometheus_call(api, sink, "query", &data, err)) return err->code;
  sp_buf_init(&texts, SP_FETCH_BODY_MAX);
  for (int row = sp_json_first(&api->doc, sp_json_get(&api->doc, data, "result")); row >= 0; row = sp_json_next(&api->doc, row)) {
    take_series(watcher, row, &texts, &batch);
  }
  make_points(watcher, &batch, sink);
  free(batch.samples);
  sp_buf_fini(&texts);
  return 0;
}

/* Begins before what was read already, since one target's scrape can be seen later than another's. */
int sp_prometheus_read(struct sp_prometheus_watcher *watcher, struct sp_prometheus_raw *raw, int64_t from_ns, int64_t to_ns,
                       struct sp_watch_sink *sink, struct sp_err *err) {
  int64_t part_ns = PART_NS, at_ns = raw->server_ns ? raw->server_ns - watcher->scrape_ns - SP_PROMETHEUS_LATE_NS : from_ns;
  while (at_ns < to_ns && !sp_watch_stopping(sink)) {
    int64_t end_ns = to_ns - at_ns > part_ns ? at_ns + part_ns : to_ns;
    int code = read_part(watcher, raw, at_ns, end_ns, sink, err);
    if (code == SP_ELIMIT && end_ns - at_ns > PART_LEAST_NS) {
      part_ns = (end_ns - at_ns) / 2;
      continue;
    }
    if (code) return code;
    raw->server_ns = at_ns = end_ns;
  }
  return 0;
}
