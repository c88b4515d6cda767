#include "cli/steps.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define US_PER_S 1e6
#define LUMP_US 1000 /* tokens that come closer than that came together */

void sp_steps_init(struct sp_steps *steps) {
  *steps = (struct sp_steps){.count = 0};
  sp_map_init(&steps->texts);
}

void sp_steps_fini(struct sp_steps *steps) {
  for (size_t i = 0; i < steps->texts.count; i++) free(steps->texts.entries[i].value);
  free(steps->items);
  sp_map_fini(&steps->texts);
}

/* A copy that lives as long as the steps do. */
static const char *keep(struct sp_steps *steps, const char *text) {
  void **place = sp_map_put(&steps->texts, sp_str_from(text));
  if (!*place) *place = sp_strdup(text);
  return *place;
}

/* -- of all requests of the load -- */

static void take_metric(const struct sp_interval *interval, enum sp_metric metric, double percentile, double *mean_s,
                        double *percentile_s) {
  struct sp_hist hist;
  sp_interval_metric(interval, metric, &hist);
  *mean_s = hist.count ? sp_hist_mean(&hist) / US_PER_S : (double)NAN;
  if (percentile_s) *percentile_s = hist.count ? (double)sp_hist_percentile(&hist, percentile) / US_PER_S : (double)NAN;
  sp_hist_fini(&hist);
}

static double share_below(const struct sp_hist *hist, int64_t limit) {
  struct sp_hist_bucket bucket;
  uint32_t cursor = 0;
  uint64_t below = 0;
  while (sp_hist_next(hist, &cursor, &bucket) && bucket.low < limit) below += bucket.count;
  return hist->count ? (double)below / (double)hist->count : (double)NAN;
}

static void take_times(const struct sp_interval *interval, struct sp_diagnose_step *out) {
  struct sp_hist gaps;
  take_metric(interval, SP_METRIC_WAIT, 0, &out->wait_s, NULL);
  take_metric(interval, SP_METRIC_CONNECT, 99, &out->connect_s, &out->connect_p99_s);
  take_metric(interval, SP_METRIC_TTFB, 0, &out->ttfb_s, NULL);
  take_metric(interval, SP_METRIC_TTFE, 0, &out->ttfe_s, NULL);
  take_metric(interval, SP_METRIC_TTFT, 95, &out->ttft_s, &out->ttft_p95_s);
  take_metric(interval, SP_METRIC_E2E, 95, &out->e2e_s, &out->e2e_p95_s);
  take_metric(interval, SP_METRIC_ITL, 95, &out->itl_s, &out->itl_p95_s);
  take_metric(interval, SP_METRIC_MAX_GAP, 0, &out->max_gap_s, NULL);
  sp_interval_metric(interval, SP_METRIC_ITL, &gaps);
  out->lump_share = share_below(&gaps, LUMP_US);
  sp_hist_fini(&gaps);
}

/* A task that began late by so much, and bytes that were read late by so much. */
static double own_delay(const struct sp_interval *interval) {
  double start = interval->start_lag.count ? sp_hist_mean(&interval->start_lag) : 0;
  double read = interval->lag.count ? sp_hist_mean(&interval->lag) : 0;
  return (start + read) / US_PER_S;
}

static void take_counts(const struct sp_interval *interval, double measured_s, struct sp_diagnose_step *out) {
  struct sp_tally tally;
  uint64_t tokens = 0;
  sp_tally_interval(interval, &tally);
  for (size_t i = 0; i < interval->cells.count; i++) {
    const struct sp_cell *cell = interval->cells.entries[i].value;
    tokens += cell->token_events;
    for (int k = 0; k < SP_OUTCOME_COUNT; k++) out->outcomes[k] += cell->outcomes[k];
  }
  uint64_t ended = tally.ok + tally.failed;
  out->rps = (double)ended / measured_s;
  out->ok_rps = (double)tally.ok / measured_s;
  out->failed_share = ended ? (double)tally.failed / (double)ended : (double)NAN;
  out->tokens = tally.streams ? (double)tokens / (double)tally.streams : (double)NAN;
  out->generator_s = own_delay(interval);
  out->dropped_starts = interval->dropped_starts;
  out->new_connections_per_s = (double)interval->connections / measured_s;
}

static void take_nodes(struct sp_steps *steps, const struct sp_interval *interval, struct sp_diagnose_step *out) {
  struct sp_tally tally;
  sp_tally_interval(interval, &tally);
  for (size_t i = 0; i < interval->nodes.count && out->node_count < SP_DIAGNOSE_NODES_MAX; i++) {
    const struct sp_node_cell *node = interval->nodes.entries[i].value;
    if (node->elapsed.count == 0) continue;
    out->nodes[out->node_count++] = (struct sp_diagnose_node){.title = keep(steps, node->title), .type = keep(steps, node->type),
        .mean_s = sp_hist_mean(&node->elapsed) / US_PER_S,
        .p95_s = (double)sp_hist_percentile(&node->elapsed, 95) / US_PER_S,
        .per_request = tally.ok ? (double)node->count / (double)tally.ok : (double)NAN};
  }
}

/* What a user did between two requests, by Little's law: measured, not as configured. */
static double think_of(const struct sp_step_facts *facts, const struct sp_diagnose_step *step) {
  if (facts->kind == SP_LOAD_RATE || !(step->rps > 0)) return (double)NAN;
  return fmax((facts->users_mean - facts->in_flight_mean) / step->rps, 0);
}

void sp_steps_add(struct sp_steps *steps, const struct sp_step_facts *facts) {
  if (steps->count == SP_DIAGNOSE_STEPS_MAX || facts->measured_s < SP_STEP_LEAST_S) return;
  if (steps->count == steps->cap) {
    steps->cap = steps->cap ? steps->cap * 2 : 8;
    steps->items = sp_realloc(steps->items, steps->cap * sizeof(*steps->items));
  }
  struct sp_diagnose_step *step = &steps->items[steps->count++];
  *step = (struct sp_diagnose_step){.from_ns = facts->from_ns, .to_ns = facts->to_ns, .open_loop = facts->kind == SP_LOAD_RATE,
      .load = facts->level, .users = facts->users_mean, .in_flight = facts->in_flight_mean, .miss_share = facts->miss_share,
      .slo_missed = facts->slo_missed, .valid = facts->validity->valid};
  if (!step->valid) step->invalid_reason = keep(steps, facts->validity->reasons[0]);
  take_counts(facts->interval, facts->measured_s, step);
  take_times(facts->interval, step);
  take_nodes(steps, facts->interval, step);
  step->think_s = think_of(facts, step);
}

static struct sp_diagnose_error *error_of(struct sp_steps *steps, const struct sp_error_cell *cell) {
  for (size_t i = 0; i < steps->error_count; i++) {
    struct sp_diagnose_error *error = &steps->errors[i];
    if (strcmp(error->outcome, cell->kind) == 0 && strcmp(error->detail, cell->detail) == 0) return error;
  }
  if (steps->error_count == SP_DIAGNOSE_ERRORS_MAX) return NULL;
  struct sp_diagnose_error *error = &steps->errors[steps->error_count++];
  *error = (struct sp_diagnose_error){.outcome = keep(steps, cell->kind), .detail = keep(steps, cell->detail)};
  return error;
}

void sp_steps_add_errors(struct sp_steps *steps, const struct sp_interval *totals) {
  for (size_t i = 0; i < totals->errors.count; i++) {
    const struct sp_error_cell *cell = totals->errors.entries[i].value;
    struct sp_diagnose_error *error = error_of(steps, cell);
    if (error) error->count += cell->count;
  }
}

bool sp_steps_can_tell(const struct sp_steps *steps, const struct sp_observations *seen) {
  if (seen && sp_observations_count(seen) > 0) return steps->count > 0;
  for (size_t i = 0; i < steps->count; i++) {
    if (steps->items[i].node_count > 0) return true;
  }
  return false;
}

void sp_steps_diagnose(const struct sp_steps *steps, const struct sp_observations *seen, bool shares_machine,
                       struct sp_diagnosis *out) {
  struct sp_diagnose_input input = {.steps = steps->items, .step_count = steps->count, .observations = seen,
      .error_count = steps->error_count, .generator_shares_machine = shares_machine};
  memcpy(input.errors, steps->errors, steps->error_count * sizeof(input.errors[0]));
  sp_diagnose(&input, out);
}

void sp_steps_ask(const struct sp_steps *steps, const struct sp_observations *seen, const char *const *what_ifs, size_t count,
                  struct sp_whatif_answer *out) {
  struct sp_diagnose_input input = {.steps = steps->items, .step_count = steps->count, .observations = seen};
  struct sp_deployment *deployment = sp_alloc(sizeof(*deployment));
  struct sp_err err;
  int code = sp_deployment_fit(&input, deployment, &err);
  for (size_t i = 0; i < count; i++) {
    if (code == 0) {
      sp_whatif_ask(deployment, what_ifs[i], &out[i]);
      continue;
    }
    out[i] = (struct sp_whatif_answer){.asked = what_ifs[i], .refused = true};
    snprintf(out[i].why_not, sizeof(out[i].why_not), "%s", err.text);
  }
  sp_deployment_fini(deployment);
  free(deployment);
}
