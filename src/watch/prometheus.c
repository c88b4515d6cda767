/* prometheus: what a Prometheus scrapes of the target, read while the run goes on and completed behind it. */
#include "base/mem.h"
#include "base/units.h"
#include "stats/clean.h"
#include "watch/kinds.h"
#include "watch/prometheus_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define INTERVAL_NS (5 * SP_NS_PER_S)
#define SCRAPE_NS (15 * SP_NS_PER_S)      /* where it does not say: what most are set to */
#define CLOCK_NS SP_NS_PER_S              /* apart by more is told */
#define WAIT_MAX_NS (20 * SP_NS_PER_S)    /* for the last scrape, behind the run */
#define WAIT_STEP_NS (100 * SP_NS_PER_MS)
#define INTERVALS_MAX 16u
#define DOWN_TOLD_MAX 10u
#define TEXT_MAX 160u
#define OWN_PREFIX "query."

static const struct sp_watch_option options[] = {
    {"pack", "only these families of metrics, e.g. cadvisor,node_exporter (docs/watch.md)"},
    {"match", "only series with these labels: namespace=dify|tools,job!=test*"},
    {OWN_PREFIX, "query.NAME=PROMQL: a query of your own"},
    SP_FETCH_OPTIONS,
    {NULL, NULL},
};

static void close_prometheus(void *ctx) {
  struct sp_prometheus_watcher *watcher = ctx;
  for (size_t i = 0; i < watcher->raw_count; i++) free(watcher->raws[i].selector);
  sp_panel_destroy(watcher->panel);
  sp_prometheus_close(&watcher->api);
  free(watcher);
}

static int take_own(struct sp_prometheus_watcher *watcher, const struct sp_watch_spec *spec, struct sp_err *err) {
  size_t prefix = strlen(OWN_PREFIX);
  for (size_t i = 0; i < spec->option_count; i++) {
    const struct sp_watch_option *option = &spec->options[i];
    if (strncmp(option->key, OWN_PREFIX, prefix) != 0) continue;
    if (!option->value[0]) return sp_fail(err, SP_EUSAGE, "%s is empty", option->key);
    watcher->owns[watcher->own_count++] = (struct sp_prometheus_own){.name = option->key + prefix, .query = option->value};
  }
  return 0;
}

static int open_prometheus(const struct sp_watch_spec *spec, void **out, char **source, struct sp_err *err) {
  struct sp_prometheus_watcher *watcher = sp_alloc(sizeof(*watcher));
  struct sp_panel_options panel = {.match = sp_watch_option_of(spec, "match"), .packs = sp_watch_option_of(spec, "pack"),
                                   .interval_ns = SCRAPE_NS};
  watcher->match = panel.match;
  watcher->subject = spec->subject;
  watcher->scrape_ns = SCRAPE_NS;
  int code = sp_prometheus_open(&watcher->api, spec, err);
  if (code == 0) code = take_own(watcher, spec, err);
  if (code == 0) code = sp_panel_create(&panel, &watcher->panel, err);
  if (code) {
    close_prometheus(watcher);
    return code;
  }
  *out = watcher;
  *source = sp_fetch_source(watcher->api.fetch, "prometheus");
  return 0;
}

static int64_t server_now(const struct sp_prometheus_watcher *watcher) { return sp_clock_real_ns() + watcher->ahead_ns; }

/* -- the probe -- */

/* Its clock by its own time(), half a round trip exact. */
static int compare_clocks(struct sp_prometheus_watcher *watcher, struct sp_watch_sink *sink, struct sp_err *err) {
  struct sp_prometheus *api = &watcher->api;
  char apart[SP_UNIT_TEXT_SIZE];
  int64_t at_ns;
  double value;
  int data;
  sp_prometheus_ask(api, "time()");
  if (sp_prometheus_call(api, sink, "query", &data, err)) return err->code;
  if (!sp_prometheus_value(api, sp_json_get(&api->doc, data, "result"), &at_ns, &value)) {
    return sp_fail(err, SP_EPARSE, "%s is no Prometheus: it does not know time()", sp_fetch_name(api->fetch));
  }
  watcher->ahead_ns = at_ns - (api->asked_ns + (api->got_ns - api->asked_ns) / 2);
  int64_t apart_ns = watcher->ahead_ns > 0 ? watcher->ahead_ns : -watcher->ahead_ns;
  if (apart_ns > CLOCK_NS) {
    sp_watch_note(sink, "its clock is %s %s ours; its times are corrected", sp_format_duration(apart_ns, apart, sizeof(apart)),
                  watcher->ahead_ns > 0 ? "ahead of" : "behind");
  }
  return 0;
}

struct intervals {
  int64_t ns[INTERVALS_MAX];
  unsigned counts[INTERVALS_MAX];
  size_t count;
};

static void count_interval(struct intervals *intervals, struct sp_str text) {
  char word[40];
  int64_t ns;
  snprintf(word, sizeof(word), SP_STR_FMT, SP_STR_ARG(text));
  if (sp_parse_duration(word, &ns, NULL) || ns <= 0) return;
  size_t i = 0;
  while (i < intervals->count && intervals->ns[i] != ns) i++;
  if (i == INTERVALS_MAX) return;
  if (i == intervals->count) intervals->count++;
  intervals->ns[i] = ns;
  intervals->counts[i]++;
}

static void copy_text(struct sp_prometheus *api, int value, char *text) {
  text[sp_clean_text(text, TEXT_MAX, sp_json_string(&api->doc, value, &api->scratch))] = 0;
}

static void tell_down(struct sp_prometheus *api, int target, struct sp_watch_sink *sink) {
  char job[TEXT_MAX + 1], instance[TEXT_MAX + 1], fault[TEXT_MAX + 1];
  int labels = sp_json_get(&api->doc, target, "labels");
  copy_text(api, sp_json_get(&api->doc, labels, "job"), job);
  copy_text(api, sp_json_get(&api->doc, labels, "instance"), instance);
  copy_text(api, sp_json_get(&api->doc, target, "lastError"), fault);
  sp_watch_cannot(sink, "its target %s (%s): %s", job, instance, fault);
}

/* How often it scrapes, and what it can't. Not all that speak its API know their targets. */
static void look_at_targets(struct sp_prometheus_watcher *watcher, struct sp_watch_sink *sink) {
  struct sp_prometheus *api = &watcher->api;
  struct intervals intervals = {.count = 0};
  struct sp_err err;
  unsigned down = 0;
  int data;
  size_t most = 0;
  if (sp_prometheus_get(api, sink, "/api/v1/targets?state=active", &data, &err)) return;
  int target = sp_json_first(&api->doc, sp_json_get(&api->doc, data, "activeTargets"));
  for (; target >= 0; target = sp_json_next(&api->doc, target)) {
    count_interval(&intervals, sp_json_raw(&api->doc, sp_json_get(&api->doc, target, "scrapeInterval")));
    bool is_down = sp_json_is(&api->doc, sp_json_get(&api->doc, target, "health"), "down");
    if (is_down && down++ < DOWN_TOLD_MAX) tell_down(api, target, sink);
  }
  for (size_t i = 1; i < intervals.count; i++) {
    if (intervals.counts[i] > intervals.counts[most]) most = i;
  }
  if (intervals.count) watcher->scrape_ns = intervals.ns[most];
  sp_panel_set_interval(watcher->panel, watcher->scrape_ns);
}

static void tell_version(struct sp_prometheus_watcher *watcher, struct sp_watch_sink *sink) {
  struct sp_prometheus *api = &watcher->api;
  char version[TEXT_MAX + 1] = "", interval[SP_UNIT_TEXT_SIZE];
  struct sp_err err;
  int data;
  if (sp_prometheus_get(api, sink, "/api/v1/status/buildinfo", &data, &err) == 0) {
    copy_text(api, sp_json_get(&api->doc, data, "version"), version);
  }
  sp_watch_can(sink, "what Prometheus%s%s scrapes, every %s", version[0] ? " " : "", version,
               sp_format_duration(watcher->scrape_ns, interval, sizeof(interval)));
}

static void tell_missing(const struct sp_prometheus_watcher *watcher, struct sp_watch_sink *sink) {
  char names[SP_OBSERVED_DETAIL_MAX] = "";
  const struct sp_pack *pack;
  for (size_t i = 0; (pack = sp_pack_at(i)); i++) {
    if (pack->is_process || !sp_panel_takes(watcher->panel, pack) || sp_panel_saw(watcher->panel, pack)) continue;
    size_t len = strlen(names);
    snprintf(names + len, sizeof(names) - len, "%s%s", len ? ", " : "", pack->name);
  }
  if (names[0]) sp_watch_cannot(sink, "what it has no series of: %s", names);
}

/* -- reading -- */

static int read_all(struct sp_prometheus_watcher *watcher, int64_t from_ns, int64_t to_ns, struct sp_watch_sink *sink,
                    struct sp_err *err) {
  for (size_t i = 0; i < watcher->raw_count; i++) {
    if (sp_prometheus_read(watcher, &watcher->raws[i], from_ns, to_ns, sink, err)) return err->code;
  }
  if (sp_panel_left_out(watcher->panel)) {
    sp_watch_note(sink, "over %u series of use: the others are left out; narrow it with match or pack", SP_PANEL_SERIES_MAX);
  }
  if (sp_panel_gaps(watcher->panel) && !watcher->told_gap) sp_watch_note(sink, "there are gaps in its data, left as holes");
  watcher->told_gap = sp_panel_gaps(watcher->panel) > 0;
  return 0;
}

/* Counters need two samples before their first point. */
static int64_t lookback_ns(const struct sp_prometheus_watcher *watcher) {
  return 2 * watcher->scrape_ns + SP_PROMETHEUS_LATE_NS;
}

static int read_live(struct sp_prometheus_watcher *watcher, struct sp_watch_sink *sink, struct sp_err *err) {
  int64_t now_ns = server_now(watcher), own_ns = now_ns - watcher->scrape_ns - SP_PROMETHEUS_LATE_NS;
  if (read_all(watcher, now_ns - lookback_ns(watcher), now_ns, sink, err)) return err->code;
  return sp_prometheus_ask_own(watcher, own_ns - watcher->scrape_ns, own_ns, sink, err);
}

static int probe(void *ctx, struct sp_watch_sink *sink, struct sp_err *err) {
  struct sp_prometheus_watcher *watcher = ctx;
  if (compare_clocks(watcher, sink, err)) return err->code;
  look_at_targets(watcher, sink);
  tell_version(watcher, sink);
  if (sp_prometheus_find(watcher, sink, err) || read_live(watcher, sink, err)) return err->code;
  watcher->looked = true;
  sp_panel_tell(watcher->panel, sink);
  tell_missing(watcher, sink);
  return 0;
}

static int sample(void *ctx, struct sp_watch_sink *sink, struct sp_err *err) {
  struct sp_prometheus_watcher *watcher = ctx;
  bool looked = watcher->looked;
  watcher->looked = false;
  return looked ? 0 : read_live(watcher, sink, err);
}

/* The scrape that covers the run's end is to come yet. */
static void await_scrape(const struct sp_prometheus_watcher *watcher, int64_t to_ns, const struct sp_watch_sink *sink) {
  int64_t wait_ns = to_ns + watcher->scrape_ns + SP_PROMETHEUS_LATE_NS - sp_clock_real_ns();
  if (wait_ns > WAIT_MAX_NS) wait_ns = WAIT_MAX_NS;
  for (; wait_ns > 0 && !sp_watch_stopping(sink); wait_ns -= WAIT_STEP_NS) {
    nanosleep(&(struct timespec){.tv_nsec = WAIT_STEP_NS}, NULL);
  }
}

/* What came late, and exporters that have come since. */
static int finish(void *ctx, struct sp_watch_sink *sink, int64_t from_ns, int64_t to_ns, struct sp_err *err) {
  struct sp_prometheus_watcher *watcher = ctx;
  await_scrape(watcher, to_ns, sink);
  if (sp_watch_stopping(sink)) return 0;
  if (sp_prometheus_find(watcher, sink, err)) return err->code;
  from_ns += watcher->ahead_ns;
  if (read_all(watcher, from_ns - lookback_ns(watcher), server_now(watcher), sink, err)) return err->code;
  return sp_prometheus_ask_own(watcher, from_ns, to_ns + watcher->ahead_ns, sink, err);
}

const struct sp_watcher_kind sp_watcher_prometheus = {
    .name = "prometheus",
    .url_form = "http://host:9090",
    .help = "what a Prometheus scrapes: containers, hosts, databases, proxies, model servers; own queries (docs/watch.md)",
    .interval_ns = INTERVAL_NS,
    .options = options,
    .open = open_prometheus,
    .probe = probe,
    .sample = sample,
    .finish = finish,
    .close = close_prometheus,
};
