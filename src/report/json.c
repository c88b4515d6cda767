/*
 * --out json=PATH: schema spate.summary/1. Keys stand in the contract's order; what is beyond it comes last.
 * n/a is null, never 0.
 */
#include "base/mem.h"
#include "report/figures.h"
#include "report/out_file.h"
#include "report/report.h"
#include "stats/clean.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define US_TO_MS 0.001
#define TEXT_MAX 4096u

struct json_report {
  struct sp_out_file file;
};

/* --- values --- */

static void set(json_t *object, const char *key, json_t *value) {
  json_object_set_new(object, key, value ? value : json_null());
}

static json_t *text(const char *value) {
  char clean[TEXT_MAX];
  if (!value) {
    return json_null();
  }
  return json_stringn(clean, sp_clean_text(clean, sizeof(clean), sp_str_from(value)));
}

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

/* What does not fit JSON's integers as readers have them is written as text. */
static json_t *whole(uint64_t value) {
  char digits[24];
  if (value <= INT64_MAX) {
    return json_integer((json_int_t)value);
  }
  snprintf(digits, sizeof(digits), "%llu", (unsigned long long)value);
  return json_string(digits);
}

static json_t *seconds(int64_t ns) { return number((double)ns / (double)SP_NS_PER_S); }

static void set_hist(json_t *object, const struct sp_hist *hist, double scale) {
  struct sp_hist_summary s;
  sp_hist_summarise(hist, scale, &s);
  set(object, "count", whole(s.count));
  const struct {
    const char *key;
    double value;
  } columns[] = { { "min", s.min }, { "mean", s.mean }, { "stdev", s.stdev }, { "p50", s.p50 },   { "p75", s.p75 },
                  { "p90", s.p90 }, { "p95", s.p95 },   { "p99", s.p99 },     { "p999", s.p999 }, { "max", s.max } };
  for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
    set(object, columns[i].key, number(columns[i].value));
  }
}

static json_t *hist_of_ms(const struct sp_hist *hist) {
  if (hist->count == 0) {
    return json_null();
  }
  json_t *object = json_object();
  set_hist(object, hist, US_TO_MS);
  return object;
}

/* --- the run --- */

static json_t *tags(const struct sp_result *result) {
  json_t *object = json_object();
  for (size_t i = 0; i < result->tag_count; i++) {
    char key[SP_NAME_MAX + 1];
    key[sp_clean_text(key, SP_NAME_MAX, sp_str_from(result->tags[i].key))] = 0;
    set(object, key, text(result->tags[i].value));
  }
  return object;
}

static json_t *run(const struct sp_result *result) {
  json_t *object = json_object();
  char started[SP_RFC3339_SIZE];
  sp_clock_rfc3339(result->started_real_ns, started, sizeof(started));
  set(object, "id", text(result->id));
  set(object, "name", text(result->name));
  set(object, "plan", text(result->plan));
  set(object, "host", text(result->host));
  set(object, "started", text(started));
  set(object, "duration_s", seconds(result->facts.duration_ns));
  set(object, "measured_s", seconds(result->facts.measured_ns));
  set(object, "warm_up_s", seconds(result->load->warm_up_ns));
  set(object, "users_max", whole(result->facts.users_max));
  set(object, "threads", whole(result->facts.threads));
  set(object, "seed", whole(result->seed));
  set(object, "tags", tags(result));
  set(object, "interrupted", json_boolean(result->interrupted));
  set(object, "aborted", text(result->facts.aborted));
  return object;
}

static json_t *validity(const struct sp_result *result) {
  const struct sp_validity *judged = &result->validity;
  json_t *object = json_object(), *reasons = json_array(), *generator = json_object(), *little = json_object();
  set(object, "valid", json_boolean(judged->valid));
  for (size_t i = 0; i < judged->reason_count; i++) {
    json_array_append_new(reasons, text(judged->reasons[i]));
  }
  set(object, "reasons", reasons);
  set(generator, "cpu_share", number(judged->cpu_share));
  set(generator, "loop_lag_ms", hist_of_ms(&result->totals->loop_lag));
  set(generator, "lag_ms", hist_of_ms(&result->totals->lag));
  set(generator, "late_starts", whole(judged->late_starts));
  set(generator, "dropped_starts", whole(judged->dropped_starts));
  set(object, "generator", generator);
  set(little, "closure_error", number(judged->closure_error));
  set(object, "little", little);
  return object;
}

static json_t *totals(const struct sp_result *result) {
  json_t *object = json_object();
  struct sp_tally tally;
  int64_t measured_ns = result->facts.measured_ns;
  sp_tally_interval(result->totals, &tally);
  double ok_rps = sp_per_s(tally.ok, measured_ns);
  set(object, "started", whole(tally.started));
  set(object, "ok", whole(tally.ok));
  set(object, "failed", whole(tally.failed));
  set(object, "abandoned", whole(tally.abandoned));
  set(object, "cancelled", whole(tally.cancelled));
  set(object, "rps", number(sp_per_s(sp_completed(&tally), measured_ns)));
  set(object, "ok_rps", number(ok_rps));
  set(object, "goodput", number(ok_rps)); /* no request has limits of its own yet: each ok one is a good one */
  set(object, "events", whole(result->totals->events));
  set(object, "events_per_s", number(sp_per_s(result->totals->events, measured_ns)));
  set(object, "bytes_in", whole(tally.bytes_in));
  set(object, "bytes_out", whole(tally.bytes_out));
  set(object, "rate_limited", whole(tally.rate_limited));
  set(object, "tasks", whole(result->totals->tasks));
  set(object, "task_errors", whole(result->totals->task_errors));
  return object;
}

/* --- a request --- */

static json_t *outcomes(const struct sp_cell *cell) {
  json_t *object = json_object();
  for (int i = 0; i < SP_OUTCOME_COUNT; i++) {
    set(object, sp_outcome_name((enum sp_outcome)i), whole(cell->outcomes[i]));
  }
  return object;
}

static json_t *metrics(const struct sp_cell *cell) {
  static const enum sp_metric first[] = { SP_METRIC_TTFB, SP_METRIC_TTFE, SP_METRIC_TTFT,   SP_METRIC_ITL,
                                          SP_METRIC_TPOT, SP_METRIC_E2E,  SP_METRIC_MAX_GAP };
  json_t *object = json_object();
  for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
    set(object, sp_metric_info(first[i])->name, hist_of_ms(&cell->metrics[first[i]]));
  }
  for (int i = 0; i < SP_METRIC_COUNT; i++) {
    const char *name = sp_metric_info((enum sp_metric)i)->name;
    if (!json_object_get(object, name)) {
      set(object, name, hist_of_ms(&cell->metrics[i]));
    }
  }
  return object;
}

static json_t *tokens(const struct sp_cell *cell) {
  json_t *object = json_object();
  set(object, "events", whole(cell->token_events));
  set(object, "reported_prompt", whole(cell->reported_prompt));
  set(object, "reported_completion", whole(cell->reported_completion));
  return object;
}

static json_t *counters(const struct sp_cell *cell) {
  json_t *object = json_object();
  for (int i = 0; i < SP_COUNTER_COUNT; i++) {
    set(object, sp_counter_name((enum sp_counter)i), whole(cell->counters[i]));
  }
  return object;
}

static json_t *request(const struct sp_cell *cell, int64_t measured_ns) {
  json_t *object = json_object(), *failed = json_object();
  struct sp_tally tally;
  sp_tally_cell(cell, &tally);
  set(object, "name", text(cell->name));
  set(object, "user_class", text(cell->user_class));
  set(object, "task", text(cell->task));
  set(object, "count", whole(tally.started));
  set(object, "ok", whole(tally.ok));
  set(object, "failed", whole(tally.failed));
  set(object, "rps", number(sp_per_s(sp_completed(&tally), measured_ns)));
  set(object, "outcomes", outcomes(cell));
  set(object, "metrics", metrics(cell));
  set(failed, "e2e", hist_of_ms(&cell->failed_e2e));
  set(object, "failed_metrics", failed);
  set(object, "stalls", whole(cell->stalls));
  set(object, "tokens", tokens(cell));
  set(object, "answer_chars", whole(cell->answer_chars));
  set(object, "counters", counters(cell));
  set(object, "rate_limited", whole(tally.rate_limited));
  set(object, "cancelled_age", hist_of_ms(&cell->cancelled_age));
  set(object, "bytes_in", whole(tally.bytes_in));
  set(object, "bytes_out", whole(tally.bytes_out));
  return object;
}

static json_t *requests(const struct sp_result *result) {
  json_t *array = json_array();
  const struct sp_map *cells = &result->totals->cells;
  for (size_t i = 0; i < cells->count; i++) {
    json_array_append_new(array, request(cells->entries[i].value, result->facts.measured_ns));
  }
  return array;
}

/* --- the rest --- */

static json_t *nodes(const struct sp_result *result) {
  json_t *array = json_array();
  for (size_t i = 0; i < result->totals->nodes.count; i++) {
    const struct sp_node_cell *node = result->totals->nodes.entries[i].value;
    json_t *object = json_object();
    set(object, "title", text(node->title));
    set(object, "type", text(node->type));
    set(object, "count", whole(node->count));
    set(object, "failed", whole(node->failed));
    set(object, "elapsed", hist_of_ms(&node->elapsed));
    json_array_append_new(array, object);
  }
  return array;
}

static json_t *errors(const struct sp_result *result) {
  json_t *array = json_array();
  for (size_t i = 0; i < result->totals->errors.count; i++) {
    const struct sp_error_cell *error = result->totals->errors.entries[i].value;
    int64_t first_ns = error->first_ns - result->totals->begin_ns;
    json_t *object = json_object();
    set(object, "name", text(error->name));
    set(object, "outcome", text(error->kind));
    set(object, "detail", text(error->detail));
    set(object, "count", whole(error->count));
    set(object, "first_s", seconds(first_ns > 0 ? first_ns : 0));
    json_array_append_new(array, object);
  }
  return array;
}

static json_t *slos(const struct sp_result *result) {
  json_t *array = json_array();
  for (size_t i = 0; i < result->slo_count; i++) {
    json_t *object = json_object();
    set(object, "expr", text(result->slos[i].expression));
    set(object, "value", number(result->slos[i].value));
    set(object, "met", json_boolean(result->slos[i].met));
    json_array_append_new(array, object);
  }
  return array;
}

static json_t *customs(const struct sp_result *result) {
  json_t *array = json_array();
  for (size_t i = 0; i < result->totals->customs.count; i++) {
    const struct sp_custom_cell *custom = result->totals->customs.entries[i].value;
    json_t *object = json_object();
    set(object, "name", text(custom->name));
    set(object, "unit", text(custom->unit));
    set_hist(object, &custom->values, 0.001); /* kept as value * 1000 */
    json_array_append_new(array, object);
  }
  return array;
}

static json_t *summary(const struct sp_result *result) {
  json_t *object = json_object();
  set(object, "schema", text("spate.summary/1"));
  set(object, "version", text(result->version));
  set(object, "run", run(result));
  set(object, "validity", validity(result));
  set(object, "totals", totals(result));
  set(object, "requests", requests(result));
  set(object, "nodes", nodes(result));
  set(object, "errors", errors(result));
  set(object, "slo", slos(result));
  set(object, "custom", customs(result));
  return object;
}

/* --- the report type --- */

static int json_open(const char *path, void **report, struct sp_err *err) {
  struct json_report *json = sp_alloc(sizeof(*json));
  int code = sp_out_file_open(&json->file, path, err);
  if (code) {
    free(json);
    return code;
  }
  *report = json;
  return SP_OK;
}

static int json_write(void *report, const struct sp_result *result, struct sp_err *err) {
  struct json_report *json = report;
  json_t *object = summary(result);
  char *dump = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
  json_decref(object);
  if (!dump) {
    return sp_fail(err, SP_EIO, "cannot make the JSON summary: out of memory");
  }
  size_t len = strlen(dump);
  dump[len] = '\n'; /* in the terminating NUL's place */
  int code = sp_out_file_write(&json->file, dump, len + 1, err);
  free(dump);
  return code;
}

static void json_close(void *report) {
  struct json_report *json = report;
  sp_out_file_close(&json->file);
  free(json);
}

const struct sp_report_type sp_report_json = {
  .name = "json",
  .help = "the whole summary as one JSON document (schema spate.summary/1)",
  .open = json_open,
  .write = json_write,
  .close = json_close,
};
