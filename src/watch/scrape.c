/* scrape: exporters' own /metrics, without a Prometheus. */
#include "base/mem.h"
#include "base/units.h"
#include "watch/fetch.h"
#include "watch/kinds.h"
#include "watch/panel.h"
#include "wire/url.h"

#include <stdio.h>
#include <stdlib.h>

#define INTERVAL_NS (2 * SP_NS_PER_S) /* an exporter asks its server at each look */
#define CLOCK_NS (2 * SP_NS_PER_S)    /* a Date header is that exact */
#define ACCEPT "text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.5"

struct scrape {
  struct sp_fetch *fetch;
  struct sp_panel *panel;
  char *url;          /* redacted; of the text */
  const char *target;
  bool looked;        /* by the probe: the first sample needs no other */
  bool told_gap;
  /* of the look under way */
  int64_t at_ns, ahead_ns;
  size_t of_use;
  bool has_times;
};

static const struct sp_watch_option options[] = {
    {"pack", "only these families of metrics, e.g. cadvisor,node_exporter (docs/watch.md)"},
    {"match", "only what has these labels: namespace=dify|tools,job!=test*"},
    SP_FETCH_OPTIONS,
    {NULL, NULL},
};

static void close_scrape(void *watcher) {
  struct scrape *scrape = watcher;
  sp_panel_destroy(scrape->panel);
  sp_fetch_destroy(scrape->fetch);
  free(scrape->url);
  free(scrape);
}

/* "http://db1:9187" is meant to be its /metrics. */
static void find_target(struct scrape *scrape, const char *url) {
  struct sp_url parsed;
  bool bare = sp_url_parse(sp_str_from(url), &parsed, NULL) == 0 && sp_str_eq(parsed.target, SP_STR("/"));
  const char *name = sp_fetch_name(scrape->fetch);
  size_t len = strlen(name), size = len + sizeof("/metrics");
  scrape->target = bare ? "/metrics" : "";
  scrape->url = sp_alloc(size);
  snprintf(scrape->url, size, "%.*s%s", (int)(bare && name[len - 1] == '/' ? len - 1 : len), name, scrape->target);
}

static int open_scrape(const struct sp_watch_spec *spec, void **watcher, char **source, struct sp_err *err) {
  struct scrape *scrape = sp_alloc(sizeof(*scrape));
  int code = sp_fetch_create(spec, &scrape->fetch, err);
  if (code == 0) {
    find_target(scrape, spec->url);
    struct sp_panel_options panel = {.subject = spec->subject, .match = sp_watch_option_of(spec, "match"),
                                     .packs = sp_watch_option_of(spec, "pack"), .instance = sp_fetch_host(scrape->fetch),
                                     .url = scrape->url, .interval_ns = spec->interval_ns ? spec->interval_ns : INTERVAL_NS};
    code = sp_panel_create(&panel, &scrape->panel, err);
  }
  if (code) {
    close_scrape(scrape);
    return code;
  }
  *watcher = scrape;
  *source = sp_fetch_source(scrape->fetch, "scrape");
  return 0;
}

static void on_sample(void *ctx, const struct sp_prom_sample *sample) {
  struct scrape *scrape = ctx;
  struct sp_panel_series *series = sp_panel_series(scrape->panel, sample);
  if (!series) return;
  int64_t at_ns = scrape->at_ns;
  scrape->of_use++;
  if (sample->has_time && sample->time_s > 0 && sample->time_s < 9e9) {
    scrape->has_times = true;
    at_ns = (int64_t)(sample->time_s * 1000) * SP_NS_PER_MS - scrape->ahead_ns;
  }
  sp_panel_put(scrape->panel, series, at_ns, sample->value);
}

/* Its clock counts only where it gives the samples their times. */
static void note_clock(const struct scrape *scrape, struct sp_watch_sink *sink) {
  char apart[SP_UNIT_TEXT_SIZE];
  int64_t apart_ns = scrape->ahead_ns > 0 ? scrape->ahead_ns : -scrape->ahead_ns;
  if (!scrape->has_times || apart_ns == 0) return;
  sp_watch_note(sink, "its clock is about %s %s ours; its times are corrected", sp_format_duration(apart_ns, apart, sizeof(apart)),
                scrape->ahead_ns > 0 ? "ahead of" : "behind");
}

static void note_faults(struct scrape *scrape, const struct sp_prom *prom, struct sp_watch_sink *sink) {
  if (prom->faults) sp_watch_note(sink, "some of its lines are no metrics, the first: %s", prom->first_fault);
  if (prom->left_out) sp_watch_note(sink, "over %u samples: the others are left out", SP_PROM_SAMPLES_MAX);
  if (sp_panel_left_out(scrape->panel)) {
    sp_watch_note(sink, "over %u series of use: the others are left out; narrow it with match or pack", SP_PANEL_SERIES_MAX);
  }
  if (sp_panel_gaps(scrape->panel) && !scrape->told_gap) sp_watch_note(sink, "there are gaps in its data, left as holes");
  scrape->told_gap = sp_panel_gaps(scrape->panel) > 0;
}

static int read_text(struct scrape *scrape, const struct sp_fetched *answer, struct sp_watch_sink *sink, struct sp_err *err) {
  struct sp_prom prom;
  int code = 0;
  sp_prom_init(&prom, strstr(answer->content_type, "openmetrics") != NULL, on_sample, scrape);
  sp_prom_feed(&prom, answer->body);
  sp_prom_end(&prom);
  if (prom.samples) {
    note_faults(scrape, &prom, sink);
  } else {
    code = sp_fail(err, SP_EPARSE, "%s has no metrics in it (%s%s%s): is it an exporter's /metrics?", scrape->url,
                   answer->content_type[0] ? answer->content_type : "no content type", prom.faults ? "; " : "", prom.first_fault);
  }
  sp_prom_fini(&prom);
  return code;
}

static int look(struct scrape *scrape, struct sp_watch_sink *sink, struct sp_err *err) {
  struct sp_fetched answer;
  if (sp_fetch_ok(scrape->fetch, sink, &(struct sp_fetch_call){.target = scrape->target, .accept = ACCEPT}, &answer, err)) {
    return err->code;
  }
  int64_t ahead_ns = sp_fetched_clock_ahead_ns(&answer);
  scrape->ahead_ns = ahead_ns > CLOCK_NS || ahead_ns < -CLOCK_NS ? ahead_ns : 0;
  scrape->at_ns = answer.asked_ns + (answer.got_ns - answer.asked_ns) / 2;
  scrape->of_use = 0;
  if (read_text(scrape, &answer, sink, err)) return err->code;
  sp_panel_flush(scrape->panel, sink);
  note_clock(scrape, sink);
  return 0;
}

static int probe(void *watcher, struct sp_watch_sink *sink, struct sp_err *err) {
  struct scrape *scrape = watcher;
  if (look(scrape, sink, err)) return err->code;
  scrape->looked = true;
  if (scrape->of_use == 0) sp_watch_cannot(sink, "anything: none of its metrics is one that spate knows (docs/watch.md)");
  sp_panel_tell(scrape->panel, sink);
  return 0;
}

static int sample(void *watcher, struct sp_watch_sink *sink, struct sp_err *err) {
  struct scrape *scrape = watcher;
  bool looked = scrape->looked;
  scrape->looked = false;
  return looked ? 0 : look(scrape, sink, err);
}

const struct sp_watcher_kind sp_watcher_scrape = {
    .name = "scrape",
    .url_form = "http://db1:9187/metrics",
    .help = "exporters' own /metrics: cAdvisor, node, postgres, pgbouncer, redis, nginx, vLLM, Weaviate … (docs/watch.md)",
    .interval_ns = INTERVAL_NS,
    .options = options,
    .open = open_scrape,
    .probe = probe,
    .sample = sample,
    .close = close_scrape,
};
