#include "report/tick.h"

#include "report/export.h"
#include "report/export_other.h"
#include "report/figures.h"
#include "report/json_put.h"

#include <math.h>

#define HEAT_FIRST_MS 0.1
#define HEAT_PER_DOUBLING 8
#define US_TO_MS 0.001

const enum sp_metric sp_tick_metrics[SP_TICK_METRICS] = { SP_METRIC_TTFB, SP_METRIC_TTFT, SP_METRIC_ITL, SP_METRIC_E2E };

/* --- gauges --- */

/* Ticks come a little late: one is of the warm-up when most of it was. */
enum sp_series_part sp_view_part(const struct sp_run_view *view) {
  int64_t length_ns = view->last->end_ns - view->last->begin_ns;
  if (view->elapsed_ns - length_ns / 2 <= view->load->warm_up_ns && view->load->warm_up_ns > 0) {
    return SP_SERIES_WARM;
  }
  if (view->phase >= SP_PHASE_ENDING) {
    return SP_SERIES_DRAIN;
  }
  return view->phase == SP_PHASE_SPAWNING ? SP_SERIES_RAMP : SP_SERIES_STEADY;
}

const char *sp_part_name(enum sp_series_part part) {
  switch (part) {
  case SP_SERIES_WARM: return "warm";
  case SP_SERIES_RAMP: return "ramp";
  case SP_SERIES_STEADY: return "steady";
  case SP_SERIES_DRAIN: return "drain";
  }
  return "steady";
}

void sp_tick_gauges_of(const struct sp_run_view *view, struct sp_tick_gauges *out) {
  *out = (struct sp_tick_gauges){
    .part = sp_view_part(view),
    .users = view->users,
    .users_target = view->users_target,
    .in_flight = view->in_flight,
    .rate_target = view->rate_target,
    .stage = view->stage,
    .threads = view->load->threads,
  };
}

/* --- histograms --- */

unsigned sp_heat_bucket(double ms) {
  double bucket = floor(HEAT_PER_DOUBLING * log2(ms / HEAT_FIRST_MS));
  return bucket > 0 ? (unsigned)bucket : 0;
}

static void put_heat(struct sp_buf *out, const struct sp_hist *hist) {
  struct sp_hist_bucket at;
  uint32_t cursor = 0;
  unsigned bucket = 0;
  uint64_t count = 0;
  const char *comma = "";
  for (bool more = true; more;) {
    more = sp_hist_next(hist, &cursor, &at);
    unsigned next = more ? sp_heat_bucket((double)(at.low + at.high) / 2 * US_TO_MS) : bucket;
    if (count > 0 && (!more || next != bucket)) {
      sp_buf_printf(out, "%s[%u,%llu]", comma, bucket, (unsigned long long)count);
      comma = ",";
      count = 0;
    }
    bucket = next;
    count += more ? at.count : 0;
  }
}

static void put_number(struct sp_buf *out, double value) {
  if (isfinite(value)) {
    sp_buf_printf(out, "%.10g", value);
  } else {
    sp_buf_append_text(out, "null");
  }
}

static void put_hist(struct sp_buf *out, const struct sp_hist *hist) {
  static const struct {
    const char *name;
    double percentile;
  } columns[] = { { "p50", 50 }, { "p95", 95 }, { "p99", 99 }, { "max", 100 } };
  if (hist->count == 0) {
    sp_buf_append_text(out, "null");
    return;
  }
  sp_buf_printf(out, "{\"n\":%llu", (unsigned long long)hist->count);
  for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
    sp_buf_printf(out, ",\"%s\":", columns[i].name);
    put_number(out, (double)sp_hist_percentile(hist, columns[i].percentile) * US_TO_MS);
  }
  sp_buf_append_text(out, ",\"heat\":[");
  put_heat(out, hist);
  sp_buf_append_text(out, "]}");
}

/* --- requests --- */

static void put_request(struct sp_buf *out, const struct sp_cell *cell, const struct sp_tally *tally) {
  sp_buf_append_text(out, "{\"name\":");
  sp_json_put_text(out, sp_str_from(cell->name), SP_JSON_PUT_MAX);
  sp_buf_append_text(out, ",\"user_class\":");
  sp_json_put_text(out, sp_str_from(cell->user_class), SP_JSON_PUT_MAX);
  sp_buf_append_text(out, ",\"task\":");
  sp_json_put_text(out, sp_str_from(cell->task), SP_JSON_PUT_MAX);
  sp_buf_printf(out, ",\"ok\":%llu,\"failed\":%llu", (unsigned long long)tally->ok, (unsigned long long)tally->failed);
  for (size_t i = 0; i < SP_TICK_METRICS; i++) {
    sp_buf_printf(out, ",\"%s\":", sp_metric_info(sp_tick_metrics[i])->name);
    put_hist(out, &cell->metrics[sp_tick_metrics[i]]);
  }
  sp_buf_append_char(out, '}');
}

static void put_requests(struct sp_buf *out, const struct sp_interval *interval) {
  const char *comma = "";
  sp_buf_append_text(out, ",\"requests\":[");
  for (size_t i = 0; i < interval->cells.count; i++) {
    const struct sp_cell *cell = interval->cells.entries[i].value;
    struct sp_tally tally;
    sp_tally_cell(cell, &tally);
    if (sp_completed(&tally) > 0) {
      sp_buf_append_text(out, comma);
      put_request(out, cell, &tally);
      comma = ",";
    }
  }
  sp_buf_append_char(out, ']');
}

static void put_all(struct sp_buf *out, const struct sp_interval *interval) {
  for (size_t i = 0; i < SP_TICK_METRICS; i++) {
    struct sp_hist merged;
    sp_interval_metric(interval, sp_tick_metrics[i], &merged);
    sp_buf_printf(out, "%s\"%s\":", i > 0 ? "," : ",\"all\":{", sp_metric_info(sp_tick_metrics[i])->name);
    put_hist(out, &merged);
    sp_hist_fini(&merged);
  }
  sp_buf_append_char(out, '}');
}

/* --- the tick --- */

static void put_gauges(struct sp_buf *out, const struct sp_interval *interval, const struct sp_tick_gauges *gauges) {
  sp_buf_printf(out, "{\"n\":%llu,\"t\":", (unsigned long long)gauges->n);
  put_number(out, (double)(interval->end_ns - gauges->start_ns) / (double)SP_NS_PER_S);
  sp_buf_printf(out, ",\"part\":\"%s\",\"users\":%llu,\"users_target\":%llu,\"in_flight\":%llu,\"rate_target\":",
                sp_part_name(gauges->part), (unsigned long long)gauges->users,
                (unsigned long long)gauges->users_target, (unsigned long long)gauges->in_flight);
  put_number(out, gauges->rate_target > 0 ? gauges->rate_target : NAN);
  sp_buf_printf(out, ",\"stage\":%zu", gauges->stage);
}

static void put_rates(struct sp_buf *out, const struct sp_interval *interval, unsigned threads) {
  struct sp_tally tally;
  int64_t length_ns = interval->end_ns - interval->begin_ns;
  sp_tally_interval(interval, &tally);
  double busy = threads > 0 && length_ns > 0 ? (double)interval->cpu_ns / ((double)length_ns * threads) : NAN;
  double lag_us = interval->lag.count > 0 ? (double)sp_hist_percentile(&interval->lag, 99) : NAN;
  const struct {
    const char *name;
    double value;
  } rates[] = {
    { "rps", sp_per_s(sp_completed(&tally), length_ns) },
    { "ok_rps", sp_per_s(tally.ok, length_ns) },
    { "failed_per_s", sp_per_s(tally.failed, length_ns) },
    { "goodput", sp_per_s(tally.good, length_ns) },
    { "events_per_s", sp_per_s(interval->events, length_ns) },
    { "in_bytes_per_s", sp_per_s(tally.bytes_in, length_ns) },
    { "cpu_share", busy },
    { "lag_p99", lag_us * US_TO_MS },
  };
  for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
    sp_buf_printf(out, ",\"%s\":", rates[i].name);
    put_number(out, rates[i].value);
  }
  sp_buf_printf(out, ",\"late_starts\":%llu,\"dropped_starts\":%llu", (unsigned long long)interval->late_starts,
                (unsigned long long)interval->dropped_starts);
}

void sp_tick_put(struct sp_buf *out, const struct sp_interval *interval, const struct sp_tick_gauges *gauges) {
  struct sp_interval *capped = sp_export_other(interval);
  put_gauges(out, interval, gauges);
  put_rates(out, interval, gauges->threads);
  put_requests(out, capped ? capped : interval);
  put_all(out, interval);
  sp_buf_append_char(out, '}');
  sp_interval_destroy(capped);
}
