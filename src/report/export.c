#include "report/export.h"

#include "base/mem.h"
#include "report/export_other.h"
#include "stats/clean.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Dense where limits of first tokens and of whole answers are usually set. */
static const double request_bounds_s[] = { 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15,
                                           0.2,   0.3,   0.4,   0.5,  0.75, 1,    1.5,  2,     3,   4,
                                           5,     7.5,   10,    15,   20,   30,   45,   60,    90,  120 };
static const double lag_bounds_s[] = { 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01,
                                       0.02,   0.05,   0.1,    0.2,   0.5,   1 };
#define LABEL_MAX 1024u
#define BOUNDS_MAX (sizeof(request_bounds_s) / sizeof(request_bounds_s[0]))

/* Texts of the command line and the plan: what is no UTF-8 would spoil the whole push. */
static char *clean(const char *text) {
  char kept[LABEL_MAX];
  return sp_strndup(kept, sp_clean_text(kept, sizeof(kept), sp_str_from(text)));
}

void sp_export_run_init(struct sp_export_run *run, const struct sp_run_begin *begin) {
  *run = (struct sp_export_run){
    .id = clean(begin->id),
    .name = clean(begin->name),
    .plan = clean(begin->plan),
    .host = clean(begin->host),
    .version = clean(begin->version),
    .real_minus_mono_ns = begin->real_ns - begin->mono_ns,
    .begin_real_ns = begin->real_ns,
  };
}

void sp_export_run_fini(struct sp_export_run *run) {
  free(run->id);
  free(run->name);
  free(run->plan);
  free(run->host);
  free(run->version);
  *run = (struct sp_export_run){ 0 };
}

/* --- one walk --- */

struct walk {
  const struct sp_export_source *source;
  const struct sp_export_visitor *to;
  const struct sp_interval *totals; /* with what is beyond the caps under "(other)" */
};

static void family(const struct walk *walk, enum sp_export_kind kind, const char *name, const char *unit,
                   const char *help) {
  struct sp_export_family one = { .name = name, .unit = unit, .help = help, .kind = kind };
  walk->to->family(walk->to->ctx, &one);
}

static void value(const struct walk *walk, const struct sp_export_label *labels, size_t count, double number) {
  if (isfinite(number)) {
    walk->to->value(walk->to->ctx, labels, count, number);
  }
}

static void single(const struct walk *walk, enum sp_export_kind kind, const char *name, const char *unit,
                   const char *help, double number) {
  if (isfinite(number)) {
    family(walk, kind, name, unit, help);
    value(walk, NULL, 0, number);
  }
}

/* A value belongs to the bucket that the percentiles say it has: the top of its histogram bucket, at most max. */
static void histogram(const struct walk *walk, const struct sp_export_label *labels, size_t label_count,
                      const struct sp_hist *hist, const double *bounds_s, size_t bound_count) {
  uint64_t counts[BOUNDS_MAX + 1] = { 0 };
  struct sp_hist_bucket bucket;
  uint32_t cursor = 0;
  size_t at = 0;
  while (sp_hist_next(hist, &cursor, &bucket)) {
    double top_s = (double)(bucket.high < hist->max ? bucket.high : hist->max) / 1e6;
    while (at < bound_count && top_s > bounds_s[at]) {
      at++;
    }
    counts[at] += bucket.count;
  }
  struct sp_export_histogram one = { .bounds_s = bounds_s, .counts = counts, .bound_count = bound_count,
                                     .count = hist->count, .sum_s = hist->count > 0 ? hist->sum / 1e6 : 0 };
  walk->to->histogram(walk->to->ctx, labels, label_count, &one);
}

/* --- the run --- */

static void put_run(const struct walk *walk) {
  const struct sp_export_run *run = walk->source->run;
  const struct sp_export_label labels[] = { { "id", run->id }, { "name", run->name }, { "plan", run->plan },
                                            { "host", run->host }, { "version", run->version } };
  family(walk, SP_EXPORT_GAUGE, "spate_run_info", "", "Which run this is; always 1.");
  value(walk, labels, sizeof(labels) / sizeof(labels[0]), 1);
  single(walk, SP_EXPORT_GAUGE, "spate_run_start_time_seconds", "seconds", "When the run began, in Unix time.",
         (double)run->begin_real_ns / 1e9);
}

static void put_phase(const struct walk *walk, enum sp_phase now) {
  family(walk, SP_EXPORT_GAUGE, "spate_run_phase", "", "1 for the phase that the run is in, 0 for the others.");
  for (int phase = SP_PHASE_SPAWNING; phase <= SP_PHASE_ENDED; phase++) {
    const struct sp_export_label label = { "phase", sp_phase_name((enum sp_phase)phase) };
    value(walk, &label, 1, phase == (int)now);
  }
}

static void put_load(const struct walk *walk) {
  const struct sp_run_view *view = walk->source->view;
  int64_t length_ns = walk->totals->end_ns - walk->totals->begin_ns;
  put_phase(walk, view ? view->phase : SP_PHASE_ENDED);
  single(walk, SP_EXPORT_GAUGE, "spate_users", "", "Simulated users alive.", view ? (double)view->users : 0);
  single(walk, SP_EXPORT_GAUGE, "spate_users_target", "", "Users asked for.",
         view ? (double)view->users_target : NAN);
  single(walk, SP_EXPORT_GAUGE, "spate_arrival_rate_target", "", "Open loop: arrivals a second asked for; else 0.",
         view ? view->rate_target : NAN);
  single(walk, SP_EXPORT_GAUGE, "spate_in_flight", "", "Requests in flight.", view ? (double)view->in_flight : 0);
  single(walk, SP_EXPORT_GAUGE, "spate_measured_seconds", "seconds",
         "The measured time so far: rates of the summary are counts over it.",
         length_ns > 0 ? (double)length_ns / 1e9 : 0);
}

/* --- requests --- */

static size_t labels_of(const struct sp_cell *cell, struct sp_export_label *labels) {
  labels[0] = (struct sp_export_label){ "name", cell->name };
  labels[1] = (struct sp_export_label){ "class", cell->user_class };
  labels[2] = (struct sp_export_label){ "task", cell->task };
  return 3;
}

static const struct sp_cell *cell_at(const struct walk *walk, size_t i) {
  return walk->totals->cells.entries[i].value;
}

/* Every outcome from the first request on: a counter that began at 5 would hide these from rate(). */
static void put_outcomes(const struct walk *walk) {
  struct sp_export_label labels[SP_EXPORT_LABELS_MAX];
  family(walk, SP_EXPORT_COUNTER, "spate_requests", "", "Requests that have ended, by outcome.");
  for (size_t i = 0; i < walk->totals->cells.count; i++) {
    const struct sp_cell *cell = cell_at(walk, i);
    size_t count = labels_of(cell, labels);
    for (int outcome = 0; outcome < SP_OUTCOME_COUNT; outcome++) {
      labels[count] = (struct sp_export_label){ "outcome", sp_outcome_name((enum sp_outcome)outcome) };
      value(walk, labels, count + 1, (double)cell->outcomes[outcome]);
    }
  }
}

/* Counters of a request row, one family each. */
static const struct {
  const char *name, *unit, *help;
  size_t offset;
} cell_counters[] = {
  { "spate_requests_started", "", "Requests that have started.", offsetof(struct sp_cell, started) },
  { "spate_good_requests", "", "Ok requests that kept every limit of their own (goodput).",
    offsetof(struct sp_cell, good) },
  { "spate_rate_limited_requests", "", "Answers with the status 429.", offsetof(struct sp_cell, rate_limited) },
  { "spate_stalls", "", "Gaps between tokens that were over the stall limit.", offsetof(struct sp_cell, stalls) },
  { "spate_received_bytes", "bytes", "Bytes received, heads included.", offsetof(struct sp_cell, bytes_in) },
  { "spate_sent_bytes", "bytes", "Bytes sent, heads included.", offsetof(struct sp_cell, bytes_out) },
};

static uint64_t counter_of(const struct sp_cell *cell, size_t offset) {
  uint64_t number;
  memcpy(&number, (const char *)cell + offset, sizeof(number));
  return number;
}

static void put_cell_counters(const struct walk *walk) {
  struct sp_export_label labels[SP_EXPORT_LABELS_MAX];
  for (size_t k = 0; k < sizeof(cell_counters) / sizeof(cell_counters[0]); k++) {
    family(walk, SP_EXPORT_COUNTER, cell_counters[k].name, cell_counters[k].unit, cell_counters[k].help);
    for (size_t i = 0; i < walk->totals->cells.count; i++) {
      size_t count = labels_of(cell_at(walk, i), labels);
      value(walk, labels, count, (double)counter_of(cell_at(walk, i), cell_counters[k].offset));
    }
  }
}

static void put_tokens(const struct walk *walk) {
  static const struct {
    const char *source;
    size_t offset;
    size_t reports; /* of how many requests; of none: n/a, so absent */
  } sources[] = {
    { "events", offsetof(struct sp_cell, token_events), offsetof(struct sp_cell, started) },
    { "reported_prompt", offsetof(struct sp_cell, reported_prompt), offsetof(struct sp_cell, prompt_reports) },
    { "reported_completion", offsetof(struct sp_cell, reported_completion), offsetof(struct sp_cell, completion_reports) },
  };
  struct sp_export_label labels[SP_EXPORT_LABELS_MAX];
  family(walk, SP_EXPORT_COUNTER, "spate_tokens", "", "Tokens of ok requests, by whose count it is.");
  for (size_t i = 0; i < walk->totals->cells.count; i++) {
    size_t count = labels_of(cell_at(walk, i), labels);
    for (size_t k = 0; k < sizeof(sources) / sizeof(sources[0]); k++) {
      labels[count] = (struct sp_export_label){ "source", sources[k].source };
      if (counter_of(cell_at(walk, i), sources[k].reports) == 0) {
        continue;
      }
      value(walk, labels, count + 1, (double)counter_of(cell_at(walk, i), sources[k].offset));
    }
  }
}

static void put_duration(const struct walk *walk, const struct sp_cell *cell, const char *metric,
                         const struct sp_hist *hist) {
  struct sp_export_label labels[SP_EXPORT_LABELS_MAX];
  size_t count = labels_of(cell, labels);
  labels[count++] = (struct sp_export_label){ "metric", metric };
  if (hist->count > 0) {
    histogram(walk, labels, count, hist, request_bounds_s, BOUNDS_MAX);
  }
}

static void put_durations(const struct walk *walk) {
  family(walk, SP_EXPORT_HISTOGRAM, "spate_request_duration_seconds", "seconds",
         "Times of ok requests from their intended start, by metric (docs/metrics.md); failed_e2e: how long failed "
         "ones took.");
  for (size_t i = 0; i < walk->totals->cells.count; i++) {
    const struct sp_cell *cell = cell_at(walk, i);
    for (int metric = 0; metric < SP_METRIC_COUNT; metric++) {
      put_duration(walk, cell, sp_metric_info((enum sp_metric)metric)->name, &cell->metrics[metric]);
    }
    put_duration(walk, cell, "failed_e2e", &cell->failed_e2e);
  }
}

/* --- nodes --- */

static void put_nodes(const struct walk *walk) {
  const struct sp_map *nodes = &walk->totals->nodes;
  if (nodes->count == 0) {
    return;
  }
  family(walk, SP_EXPORT_COUNTER, "spate_node_runs", "", "Finished nodes of the target's flows.");
  for (size_t i = 0; i < nodes->count; i++) {
    const struct sp_node_cell *node = nodes->entries[i].value;
    struct sp_export_label labels[] = { { "title", node->title }, { "type", node->type }, { "result", "ok" } };
    value(walk, labels, 3, (double)(node->count - node->failed));
    labels[2].value = "failed";
    value(walk, labels, 3, (double)node->failed);
  }
  family(walk, SP_EXPORT_HISTOGRAM, "spate_node_duration_seconds", "seconds", "Time of a node, as the stream says it.");
  for (size_t i = 0; i < nodes->count; i++) {
    const struct sp_node_cell *node = nodes->entries[i].value;
    const struct sp_export_label labels[] = { { "title", node->title }, { "type", node->type } };
    if (node->elapsed.count > 0) {
      histogram(walk, labels, 2, &node->elapsed, request_bounds_s, BOUNDS_MAX);
    }
  }
}

/* --- the plan's own metrics --- */

static void put_custom(const struct walk *walk, const char *name, const char *help, bool sum) {
  const struct sp_map *customs = &walk->totals->customs;
  family(walk, SP_EXPORT_COUNTER, name, "", help);
  for (size_t i = 0; i < customs->count && i < SP_EXPORT_CELLS_MAX; i++) {
    const struct sp_custom_cell *custom = customs->entries[i].value;
    const struct sp_export_label labels[] = { { "name", custom->name }, { "unit", custom->unit } };
    value(walk, labels, 2, sum ? custom->values.sum / 1000 : (double)custom->values.count);
  }
}

static void put_customs(const struct walk *walk) {
  if (walk->totals->customs.count > 0) {
    put_custom(walk, "spate_custom_values", "Values that the plan recorded.", false);
    put_custom(walk, "spate_custom_value_sum", "Sum of the values that the plan recorded.", true);
  }
}

/* --- all requests, and the generator --- */

static void put_generator(const struct walk *walk) {
  const struct sp_interval *totals = walk->totals;
  static const size_t bounds = sizeof(lag_bounds_s) / sizeof(lag_bounds_s[0]);
  single(walk, SP_EXPORT_COUNTER, "spate_events", "", "Data events of all streams.", (double)totals->events);
  single(walk, SP_EXPORT_COUNTER, "spate_tasks", "", "Tasks that have ended.", (double)totals->tasks);
  single(walk, SP_EXPORT_COUNTER, "spate_task_errors", "", "Errors inside tasks.", (double)totals->task_errors);
  single(walk, SP_EXPORT_COUNTER, "spate_late_starts", "", "Tasks that began over 10 ms after they were due.",
         (double)totals->late_starts);
  single(walk, SP_EXPORT_COUNTER, "spate_dropped_starts", "", "Open loop: arrivals that could not be made.",
         (double)totals->dropped_starts);
  single(walk, SP_EXPORT_COUNTER, "spate_connections", "", "New connections.", (double)totals->connections);
  single(walk, SP_EXPORT_COUNTER, "spate_port_exhausted", "", "Connections that found no local port.",
         (double)totals->port_exhausted);
  single(walk, SP_EXPORT_COUNTER, "spate_files_exhausted", "", "Connections that found no file descriptor.",
         (double)totals->files_exhausted);
  single(walk, SP_EXPORT_COUNTER, "spate_generator_cpu_seconds", "seconds", "CPU time of the engine threads.",
         (double)totals->cpu_ns / 1e9);
  family(walk, SP_EXPORT_HISTOGRAM, "spate_generator_lag_seconds", "seconds",
         "The generator's own delay: kernel receive to user space.");
  histogram(walk, NULL, 0, &totals->lag, lag_bounds_s, bounds);
  family(walk, SP_EXPORT_HISTOGRAM, "spate_generator_start_lag_seconds", "seconds",
         "The generator's own delay: a task's due time to its begin.");
  histogram(walk, NULL, 0, &totals->start_lag, lag_bounds_s, bounds);
  family(walk, SP_EXPORT_HISTOGRAM, "spate_generator_loop_lag_seconds", "seconds",
         "The generator's own delay: a timer's due time to its callback.");
  histogram(walk, NULL, 0, &totals->loop_lag, lag_bounds_s, bounds);
}

/* --- the end --- */

static void put_slos(const struct walk *walk, const char *name, const char *help, bool met) {
  const struct sp_result *result = walk->source->result;
  family(walk, SP_EXPORT_GAUGE, name, "", help);
  for (size_t i = 0; i < result->slo_count; i++) {
    char *expression = clean(result->slos[i].expression);
    const struct sp_export_label label = { "expr", expression };
    value(walk, &label, 1, met ? result->slos[i].met : result->slos[i].value);
    free(expression);
  }
}

static void put_verdict(const struct walk *walk) {
  const struct sp_result *result = walk->source->result;
  if (!result) {
    return;
  }
  single(walk, SP_EXPORT_GAUGE, "spate_run_valid", "", "1: the generator kept up, the times are the target's.",
         result->validity.valid);
  if (result->slo_count > 0) {
    put_slos(walk, "spate_slo_met", "1: the SLO was kept.", true);
    put_slos(walk, "spate_slo_value", "The SLO's value, in its own unit.", false);
  }
}

void sp_export_walk(const struct sp_export_source *source, const struct sp_export_visitor *visitor) {
  const struct sp_interval *totals = source->view ? source->view->totals : source->result->totals;
  struct sp_interval *capped = sp_export_other(totals);
  struct walk walk = { .source = source, .to = visitor, .totals = capped ? capped : totals };
  put_run(&walk);
  put_load(&walk);
  if (walk.totals->cells.count > 0) {
    put_outcomes(&walk);
    put_cell_counters(&walk);
    put_tokens(&walk);
    put_durations(&walk);
  }
  put_nodes(&walk);
  put_customs(&walk);
  put_generator(&walk);
  put_verdict(&walk);
  sp_interval_destroy(capped);
}
