#include "stats/recorder.h"

#include <math.h>
#include <string.h>

static void begin_interval(struct sp_recorder *recorder, int64_t now_ns) {
  recorder->interval = sp_interval_create();
  recorder->interval->begin_ns = recorder->interval->end_ns = now_ns;
  memset(recorder->recent, 0, sizeof(recorder->recent));
}

void sp_recorder_init(struct sp_recorder *recorder, int64_t now_ns) {
  memset(recorder, 0, sizeof(*recorder));
  begin_interval(recorder, now_ns);
}

void sp_recorder_fini(struct sp_recorder *recorder) {
  sp_interval_destroy(recorder->interval);
  memset(recorder, 0, sizeof(*recorder));
}

struct sp_interval *sp_recorder_take(struct sp_recorder *recorder, int64_t now_ns) {
  struct sp_interval *full = recorder->interval;
  full->end_ns = now_ns;
  begin_interval(recorder, now_ns);
  return full;
}

static bool same_text(const char *kept, const char *text) { return strcmp(kept, text ? text : "") == 0; }

static bool is_cell_of(const struct sp_cell *cell, const struct sp_request_key *key) {
  return cell && cell->role == key->role && same_text(cell->name, key->name) && same_text(cell->task, key->task) &&
         same_text(cell->user_class, key->user_class);
}

/* The same few names come again and again, mostly by the same pointers: a pointer says where to look, the text
 * whether it is the one (a script's string may be gone and its address be another's). */
static struct sp_cell *find_cell(struct sp_recorder *recorder, const struct sp_request_key *key) {
  uintptr_t mixed = ((uintptr_t)key->name >> 3) ^ ((uintptr_t)key->task >> 7);
  struct sp_cell **recent = &recorder->recent[mixed % SP_RECORDER_RECENT];
  if (!is_cell_of(*recent, key)) {
    *recent = sp_interval_cell(recorder->interval, key);
  }
  return *recent;
}

void sp_recorder_start(struct sp_recorder *recorder, const struct sp_request_key *key) {
  find_cell(recorder, key)->started++;
}

static void count_ok(struct sp_recorder *recorder, struct sp_cell *cell, const struct sp_sample *sample) {
  bool stream = sample->stream || sample->token_events > 0;
  cell->good += sp_limits_kept(recorder->limits, cell->name, cell->task, sample) ? 1 : 0;
  cell->streams += stream ? 1 : 0;
  cell->stalled_streams += stream && sample->gaps && sample->gaps->stalls > 0 ? 1 : 0;
  if (recorder->compat) {
    sp_compat_record(recorder->compat, sample, sp_cell_compat(cell));
  }
}

static void add_reported(int64_t tokens, uint64_t *sum, uint64_t *reports) {
  if (tokens >= 0) {
    *sum += (uint64_t)tokens;
    *reports += 1;
  }
}

static void record_ok(struct sp_cell *cell, const struct sp_sample *sample) {
  for (size_t i = 0; i < SP_METRIC_COUNT; i++) {
    int64_t ns = sp_sample_metric(sample, (enum sp_metric)i);
    if (ns != SP_METRIC_NA) {
      sp_hist_record_ns(&cell->metrics[i], ns);
    }
  }
  if (sample->gaps) {
    sp_gaps_record(sample->gaps, &cell->metrics[SP_METRIC_ITL]);
    cell->stalls += sample->gaps->stalls;
  }
  cell->token_events += sample->token_events;
  cell->answer_chars += sample->answer_chars;
  add_reported(sample->reported_prompt, &cell->reported_prompt, &cell->prompt_reports);
  add_reported(sample->reported_completion, &cell->reported_completion, &cell->completion_reports);
  for (size_t i = 0; i < SP_COUNTER_COUNT; i++) {
    cell->counters[i] += sample->counters[i];
  }
}

static void record_failed(struct sp_recorder *recorder, struct sp_cell *cell, const struct sp_request_key *key,
                          const struct sp_sample *sample) {
  sp_hist_record_ns(&cell->failed_e2e, sample->end_ns - sample->start_ns);
  sp_interval_error(recorder->interval, key->name, sp_outcome_name(sample->outcome), sample->detail, 1,
                    sample->end_ns);
}

/* Neither ok nor failed: how old it was, which is all that is known of its length. */
static void record_cut(struct sp_cell *cell, const struct sp_sample *sample) {
  int64_t age_ns = sample->end_ns - sample->start_ns;
  if (sample->outcome == SP_OUTCOME_ABANDONED) {
    cell->hang_ups[sample->hang_up]++;
    sp_hist_record_ns(&cell->abandoned_age, age_ns);
    return;
  }
  cell->cut_streams += sample->stream_asked ? 1 : 0;
  cell->cut_tokenless += sample->stream_asked && sample->token_events == 0 ? 1 : 0;
  sp_hist_record_ns(&cell->cancelled_age, age_ns);
}

static void count_pauses(struct sp_cell *cell, const struct sp_sample *sample) {
  cell->paused_requests += sample->read_pauses > 0 ? 1 : 0;
  cell->read_pauses += sample->read_pauses;
  cell->paused_ns += (uint64_t)sample->paused_ns;
}

void sp_recorder_end(struct sp_recorder *recorder, const struct sp_request_key *key, const struct sp_sample *sample) {
  struct sp_cell *cell = find_cell(recorder, key);
  cell->outcomes[sample->outcome]++;
  cell->rate_limited += sample->rate_limited ? 1 : 0;
  cell->retries += sample->retry ? 1 : 0;
  cell->bytes_in += sample->bytes_in;
  cell->bytes_out += sample->bytes_out;
  if (sample->outcome == SP_OUTCOME_OK) {
    record_ok(cell, sample);
    count_ok(recorder, cell, sample);
  } else if (sp_outcome_is_failure(sample->outcome)) {
    record_failed(recorder, cell, key, sample);
  } else {
    record_cut(cell, sample);
  }
  count_pauses(cell, sample);
  if (recorder->sink) {
    recorder->sink->take(recorder->sink->ctx, key, sample);
  }
}

void sp_recorder_node(struct sp_recorder *recorder, struct sp_str title, struct sp_str type, int64_t elapsed_ns,
                      bool failed) {
  struct sp_node_cell *node = sp_interval_node(recorder->interval, title, type);
  node->count++;
  node->failed += failed ? 1 : 0;
  if (elapsed_ns >= 0) {
    sp_hist_record_ns(&node->elapsed, elapsed_ns);
  }
}

void sp_recorder_task_error(struct sp_recorder *recorder, const char *task, const char *detail, int64_t now_ns) {
  recorder->interval->task_errors++;
  sp_interval_error(recorder->interval, task, "task", detail, 1, now_ns);
}

void sp_recorder_custom(struct sp_recorder *recorder, const char *name, const char *unit, double value) {
  if (!isfinite(value)) {
    return;
  }
  struct sp_custom_cell *custom = sp_interval_custom(recorder->interval, name, unit);
  bool too_large = value > SP_CUSTOM_MOST;
  int64_t scaled = too_large ? SP_HIST_MAX : value > 0 ? llround(value * 1000) : 0;
  custom->too_large += too_large ? 1 : 0;
  custom->too_small += value > 0 && scaled == 0 ? 1 : 0;
  sp_hist_record(&custom->values, scaled);
}
