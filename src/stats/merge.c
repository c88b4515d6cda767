/*
 * Merging of intervals, and the sums over their cells.
 */
#include "stats/compat.h"
#include "stats/interval.h"

#include <string.h>

static void merge_compat(struct sp_cell *into, const struct sp_cell *from) {
  for (size_t i = 0; from->compat && i < SP_COMPAT_ROWS; i++) {
    sp_hist_merge(&sp_cell_compat(into)[i], &from->compat[i]);
  }
}

void sp_cell_counts(struct sp_cell *cell, uint64_t *out[SP_CELL_COUNTS]) {
  uint64_t *const counts[] = {
    &cell->started,       &cell->rate_limited,    &cell->retries,         &cell->cut_streams,     &cell->cut_tokenless,
    &cell->read_pauses,   &cell->paused_requests, &cell->paused_ns,       &cell->stalls,          &cell->good,
    &cell->streams,       &cell->stalled_streams, &cell->token_events,    &cell->answer_chars,    &cell->reported_prompt,
    &cell->reported_completion, &cell->bytes_in,  &cell->bytes_out,       &cell->prompt_reports,
    &cell->completion_reports,
  };
  _Static_assert(sizeof(counts) == SP_CELL_COUNTS * sizeof(counts[0]), "every count");
  memcpy(out, counts, sizeof(counts));
}

static void merge_counts(struct sp_cell *into, const struct sp_cell *from) {
  uint64_t *sums[SP_CELL_COUNTS], *counts[SP_CELL_COUNTS];
  sp_cell_counts(into, sums);
  sp_cell_counts((struct sp_cell *)from, counts); /* only read */
  for (size_t i = 0; i < SP_CELL_COUNTS; i++) {
    *sums[i] += *counts[i];
  }
}

static void merge_cell(struct sp_cell *into, const struct sp_cell *from) {
  merge_counts(into, from);
  for (size_t i = 0; i < SP_OUTCOME_COUNT; i++) {
    into->outcomes[i] += from->outcomes[i];
  }
  for (size_t i = 0; i < SP_COUNTER_COUNT; i++) {
    into->counters[i] += from->counters[i];
  }
  for (size_t i = 0; i < SP_HANG_UP_COUNT; i++) {
    into->hang_ups[i] += from->hang_ups[i];
  }
  for (size_t i = 0; i < SP_METRIC_COUNT; i++) {
    sp_hist_merge(&into->metrics[i], &from->metrics[i]);
  }
  sp_hist_merge(&into->failed_e2e, &from->failed_e2e);
  sp_hist_merge(&into->cancelled_age, &from->cancelled_age);
  sp_hist_merge(&into->abandoned_age, &from->abandoned_age);
  merge_compat(into, from);
}

static void merge_cells(struct sp_interval *into, const struct sp_map *from) {
  for (size_t i = 0; i < from->count; i++) {
    const struct sp_cell *cell = from->entries[i].value;
    struct sp_request_key key = { cell->name, cell->user_class, cell->task, cell->role, cell->method };
    merge_cell(sp_interval_cell(into, &key), cell);
  }
}

static void merge_nodes(struct sp_interval *into, const struct sp_map *from) {
  for (size_t i = 0; i < from->count; i++) {
    const struct sp_node_cell *node = from->entries[i].value;
    struct sp_node_cell *place = sp_interval_node(into, sp_str_from(node->title), sp_str_from(node->type));
    place->count += node->count;
    place->failed += node->failed;
    sp_hist_merge(&place->elapsed, &node->elapsed);
  }
}

static void merge_errors(struct sp_interval *into, const struct sp_map *from) {
  for (size_t i = 0; i < from->count; i++) {
    const struct sp_error_cell *error = from->entries[i].value;
    sp_interval_error(into, error->name, error->kind, error->detail, error->count, error->first_ns);
  }
}

static void merge_customs(struct sp_interval *into, const struct sp_map *from) {
  for (size_t i = 0; i < from->count; i++) {
    const struct sp_custom_cell *custom = from->entries[i].value;
    struct sp_custom_cell *sum = sp_interval_custom(into, custom->name, custom->unit);
    sp_hist_merge(&sum->values, &custom->values);
    sum->too_small += custom->too_small;
    sum->too_large += custom->too_large;
  }
}

/* An interval without begin and end has no time of its own yet. */
static void merge_time(struct sp_interval *into, const struct sp_interval *from) {
  if (from->begin_ns == 0 && from->end_ns == 0) {
    return;
  }
  bool empty = into->begin_ns == 0 && into->end_ns == 0;
  if (empty || from->begin_ns < into->begin_ns) {
    into->begin_ns = from->begin_ns;
  }
  if (empty || from->end_ns > into->end_ns) {
    into->end_ns = from->end_ns;
  }
}

void sp_interval_merge(struct sp_interval *into, const struct sp_interval *from) {
  merge_time(into, from);
  merge_cells(into, &from->cells);
  merge_cells(into, &from->probes);
  merge_nodes(into, &from->nodes);
  merge_errors(into, &from->errors);
  merge_customs(into, &from->customs);
  into->events += from->events;
  into->tasks += from->tasks;
  into->task_errors += from->task_errors;
  into->late_starts += from->late_starts;
  into->cpu_ns += from->cpu_ns;
  sp_hist_merge(&into->lag, &from->lag);
  sp_hist_merge(&into->loop_lag, &from->loop_lag);
  into->arrivals += from->arrivals;
  into->dropped_starts += from->dropped_starts;
  into->connections += from->connections;
  into->port_exhausted += from->port_exhausted;
  into->files_exhausted += from->files_exhausted;
  into->user_time_ns += from->user_time_ns;
  into->request_time_ns += from->request_time_ns;
  sp_hist_merge(&into->start_lag, &from->start_lag);
}

void sp_interval_metric(const struct sp_interval *interval, enum sp_metric metric, struct sp_hist *out) {
  sp_hist_init(out);
  for (size_t i = 0; i < interval->cells.count; i++) {
    sp_hist_merge(out, &((const struct sp_cell *)interval->cells.entries[i].value)->metrics[metric]);
  }
}

void sp_tally_add(struct sp_tally *into, const struct sp_tally *more) {
  into->started += more->started;
  into->ok += more->ok;
  into->failed += more->failed;
  into->abandoned += more->abandoned;
  into->cancelled += more->cancelled;
  into->rate_limited += more->rate_limited;
  into->retries += more->retries;
  into->bytes_in += more->bytes_in;
  into->bytes_out += more->bytes_out;
  into->good += more->good;
  into->streams += more->streams;
  into->stalled_streams += more->stalled_streams;
}

void sp_tally_cell(const struct sp_cell *cell, struct sp_tally *out) {
  *out = (struct sp_tally){
    .started = cell->started,
    .ok = cell->outcomes[SP_OUTCOME_OK],
    .abandoned = cell->outcomes[SP_OUTCOME_ABANDONED],
    .cancelled = cell->outcomes[SP_OUTCOME_CANCELLED],
    .rate_limited = cell->rate_limited,
    .retries = cell->retries,
    .bytes_in = cell->bytes_in,
    .bytes_out = cell->bytes_out,
    .good = cell->good,
    .streams = cell->streams,
    .stalled_streams = cell->stalled_streams,
  };
  for (int i = 0; i < SP_OUTCOME_COUNT; i++) {
    out->failed += sp_outcome_is_failure((enum sp_outcome)i) ? cell->outcomes[i] : 0;
  }
}

void sp_tally_interval(const struct sp_interval *interval, struct sp_tally *out) {
  *out = (struct sp_tally){ 0 };
  for (size_t i = 0; i < interval->cells.count; i++) {
    struct sp_tally cell;
    sp_tally_cell(interval->cells.entries[i].value, &cell);
    sp_tally_add(out, &cell);
  }
}

bool sp_tally_closes(const struct sp_tally *tally) {
  return tally->started == tally->ok + tally->failed + tally->abandoned + tally->cancelled;
}
