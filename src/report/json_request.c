/* The JSON summary's requests, and what they add up to. */
#include "report/figures.h"
#include "report/json_parts.h"
#include "stats/compat.h"

/* Cut by the end: of their times it is only known that they are longer than these ages. */
static json_t *open_at_end(const struct sp_interval *interval) {
  json_t *object = json_object();
  struct sp_open_ends ends;
  sp_open_ends_of(interval, &ends);
  sp_doc_set(object, "count", sp_doc_whole(ends.count));
  sp_doc_set(object, "oldest", ends.count > 0 ? sp_doc_number((double)ends.oldest_us / 1000) : json_null());
  sp_doc_set(object, "streams", sp_doc_whole(ends.streams));
  sp_doc_set(object, "without_first_token", sp_doc_whole(ends.tokenless));
  return object;
}

json_t *sp_doc_totals(const struct sp_interval *interval, int64_t measured_ns) {
  json_t *object = json_object();
  struct sp_tally tally;
  sp_tally_interval(interval, &tally);
  sp_doc_set(object, "started", sp_doc_whole(tally.started));
  sp_doc_set(object, "ok", sp_doc_whole(tally.ok));
  sp_doc_set(object, "failed", sp_doc_whole(tally.failed));
  sp_doc_set(object, "abandoned", sp_doc_whole(tally.abandoned));
  sp_doc_set(object, "cancelled", sp_doc_whole(tally.cancelled));
  sp_doc_set(object, "rps", sp_doc_number(sp_per_s(sp_completed(&tally), measured_ns)));
  sp_doc_set(object, "ok_rps", sp_doc_number(sp_per_s(tally.ok, measured_ns)));
  sp_doc_set(object, "goodput", sp_doc_number(sp_per_s(tally.good, measured_ns)));
  sp_doc_set(object, "events", sp_doc_whole(interval->events));
  sp_doc_set(object, "events_per_s", sp_doc_number(sp_per_s(interval->events, measured_ns)));
  sp_doc_set(object, "bytes_in", sp_doc_whole(tally.bytes_in));
  sp_doc_set(object, "bytes_out", sp_doc_whole(tally.bytes_out));
  sp_doc_set(object, "rate_limited", sp_doc_whole(tally.rate_limited));
  sp_doc_set(object, "retries", sp_doc_whole(tally.retries));
  sp_doc_set(object, "tasks", sp_doc_whole(interval->tasks));
  sp_doc_set(object, "task_errors", sp_doc_whole(interval->task_errors));
  sp_doc_set(object, "good", sp_doc_whole(tally.good));
  sp_doc_set(object, "streams", sp_doc_whole(tally.streams));
  sp_doc_set(object, "stalled_streams", sp_doc_whole(tally.stalled_streams));
  sp_doc_set(object, "open_at_end", open_at_end(interval));
  return object;
}

/* --- a request --- */

static json_t *outcomes(const struct sp_cell *cell) {
  json_t *object = json_object();
  for (int i = 0; i < SP_OUTCOME_COUNT; i++) {
    sp_doc_set(object, sp_outcome_name((enum sp_outcome)i), sp_doc_whole(cell->outcomes[i]));
  }
  return object;
}

static json_t *metrics(const struct sp_cell *cell) {
  static const enum sp_metric first[] = { SP_METRIC_TTFB, SP_METRIC_TTFE, SP_METRIC_TTFT,   SP_METRIC_ITL,
                                          SP_METRIC_TPOT, SP_METRIC_E2E,  SP_METRIC_MAX_GAP };
  json_t *object = json_object();
  for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++) {
    sp_doc_set(object, sp_metric_info(first[i])->name, sp_doc_hist_ms(&cell->metrics[first[i]]));
  }
  for (int i = 0; i < SP_METRIC_COUNT; i++) {
    const char *name = sp_metric_info((enum sp_metric)i)->name;
    if (!json_object_get(object, name)) {
      sp_doc_set(object, name, sp_doc_hist_ms(&cell->metrics[i]));
    }
  }
  return object;
}

static json_t *reported(uint64_t tokens, uint64_t reports) { return reports > 0 ? sp_doc_whole(tokens) : json_null(); }

static json_t *tokens(const struct sp_cell *cell) {
  json_t *object = json_object();
  sp_doc_set(object, "events", sp_doc_whole(cell->token_events));
  sp_doc_set(object, "reported_prompt", reported(cell->reported_prompt, cell->prompt_reports));
  sp_doc_set(object, "reported_completion", reported(cell->reported_completion, cell->completion_reports));
  return object;
}

static json_t *counters(const struct sp_cell *cell) {
  json_t *object = json_object();
  for (int i = 0; i < SP_COUNTER_COUNT; i++) {
    sp_doc_set(object, sp_counter_name((enum sp_counter)i), sp_doc_whole(cell->counters[i]));
  }
  return object;
}

static json_t *hang_ups(const struct sp_cell *cell) {
  json_t *object = json_object();
  for (int i = 0; i < SP_HANG_UP_COUNT; i++) {
    sp_doc_set(object, sp_hang_up_name((enum sp_hang_up)i), sp_doc_whole(cell->hang_ups[i]));
  }
  return object;
}

static json_t *slow_reading(const struct sp_cell *cell) {
  json_t *object = json_object();
  sp_doc_set(object, "requests", sp_doc_whole(cell->paused_requests));
  sp_doc_set(object, "pauses", sp_doc_whole(cell->read_pauses));
  sp_doc_set(object, "paused_s", sp_doc_seconds((int64_t)cell->paused_ns));
  return object;
}

/* Beyond the contract: how requests ended that neither succeeded nor failed, and what the plan did to them. */
static void set_mid_stream(json_t *object, const struct sp_cell *cell) {
  sp_doc_set(object, "role", sp_doc_text(sp_role_name(cell->role)));
  sp_doc_set(object, "method", cell->method[0] ? sp_doc_text(cell->method) : json_null());
  sp_doc_set(object, "retries", sp_doc_whole(cell->retries));
  sp_doc_set(object, "hang_ups", hang_ups(cell));
  sp_doc_set(object, "slow_reading", slow_reading(cell));
  sp_doc_set(object, "abandoned_age", sp_doc_hist_ms(&cell->abandoned_age));
  sp_doc_set(object, "cancelled_age", sp_doc_hist_ms(&cell->cancelled_age));
  sp_doc_set(object, "cancelled_streams", sp_doc_whole(cell->cut_streams));
  sp_doc_set(object, "cancelled_without_first_token", sp_doc_whole(cell->cut_tokenless));
}

/* Other tools' definitions (--compat): "vllm:ttft", each with its note in docs/metrics.md. */
static json_t *compat(const struct sp_cell *cell) {
  json_t *object = json_object();
  for (size_t i = 0; i < SP_COMPAT_ROWS; i++) {
    if (cell->compat[i].count > 0) {
      sp_doc_set(object, sp_compat_rows[i].name, sp_doc_hist_ms(&cell->compat[i]));
    }
  }
  return object;
}

static json_t *request(const struct sp_cell *cell, int64_t measured_ns) {
  json_t *object = json_object(), *failed = json_object();
  struct sp_tally tally;
  sp_tally_cell(cell, &tally);
  sp_doc_set(object, "name", sp_doc_text(cell->name));
  sp_doc_set(object, "user_class", sp_doc_text(cell->user_class));
  sp_doc_set(object, "task", sp_doc_text(cell->task));
  sp_doc_set(object, "count", sp_doc_whole(tally.started));
  sp_doc_set(object, "ok", sp_doc_whole(tally.ok));
  sp_doc_set(object, "failed", sp_doc_whole(tally.failed));
  sp_doc_set(object, "rps", sp_doc_number(sp_per_s(sp_completed(&tally), measured_ns)));
  sp_doc_set(object, "outcomes", outcomes(cell));
  sp_doc_set(object, "metrics", metrics(cell));
  sp_doc_set(failed, "e2e", sp_doc_hist_ms(&cell->failed_e2e));
  sp_doc_set(object, "failed_metrics", failed);
  sp_doc_set(object, "stalls", sp_doc_whole(cell->stalls));
  sp_doc_set(object, "tokens", tokens(cell));
  sp_doc_set(object, "answer_chars", sp_doc_whole(cell->answer_chars));
  sp_doc_set(object, "counters", counters(cell));
  sp_doc_set(object, "rate_limited", sp_doc_whole(tally.rate_limited));
  sp_doc_set(object, "bytes_in", sp_doc_whole(tally.bytes_in));
  sp_doc_set(object, "bytes_out", sp_doc_whole(tally.bytes_out));
  sp_doc_set(object, "good", sp_doc_whole(tally.good));
  sp_doc_set(object, "streams", sp_doc_whole(tally.streams));
  sp_doc_set(object, "stalled_streams", sp_doc_whole(tally.stalled_streams));
  set_mid_stream(object, cell);
  if (cell->compat) {
    sp_doc_set(object, "compat", compat(cell));
  }
  return object;
}

/* The load's first, then the probes: these are in no total. */
json_t *sp_doc_requests(const struct sp_interval *interval, int64_t measured_ns) {
  const struct sp_map *maps[] = { &interval->cells, &interval->probes };
  json_t *array = json_array();
  for (size_t m = 0; m < sizeof(maps) / sizeof(maps[0]); m++) {
    for (size_t i = 0; i < maps[m]->count; i++) {
      json_array_append_new(array, request(maps[m]->entries[i].value, measured_ns));
    }
  }
  return array;
}
