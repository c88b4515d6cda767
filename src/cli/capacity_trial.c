/* One trial of a search: a whole run of its own, longer while it is not steady, shorter once it is lost. */
#include "cli/capacity.h"

#include "base/mem.h"
#include "cli/verdict.h"
#include "report/figures.h"

#include <math.h>
#include <stdlib.h>

#define SECONDS_MAX 7200u /* of a trial; ticks beyond them are not looked at */
#define MARGIN_NS (2 * SP_NS_PER_S) /* over the longest limit: what is cut then has missed it */

struct trial {
  struct sp_capacity *capacity;
  const struct sp_search_ask *ask;
  struct sp_load load;
  double warm_s, elapsed_s;
  double *in_flight, *took_ms; /* a second each */
  size_t seconds;
  struct sp_steady steady;
  bool lost, stopped;
};

/* -- while it runs -- */

static double mean_ms(const struct sp_interval *second) {
  double sum_us = 0;
  uint64_t count = 0;
  for (size_t i = 0; i < second->cells.count; i++) {
    const struct sp_hist *e2e = &((const struct sp_cell *)second->cells.entries[i].value)->metrics[SP_METRIC_E2E];
    sum_us += e2e->count ? e2e->sum : 0;
    count += e2e->count;
  }
  return count ? sum_us / (double)count / 1000 : (double)NAN;
}

static void judge_steady(struct trial *trial) {
  struct sp_steady_series series = {.in_flight = trial->in_flight, .took_ms = trial->took_ms, .count = trial->seconds,
      .warm = (size_t)trial->warm_s, .arrivals_per_s = trial->load.kind == SP_LOAD_RATE ? trial->load.rate_per_s : 0};
  sp_steady_judge(&series, &trial->steady);
}

/* Requests that the trial will have in all: by its rate, or by what came so far. */
static double requests_in_all(const struct trial *trial, const struct sp_interval *totals, double measured_s) {
  struct sp_tally tally;
  sp_tally_interval(totals, &tally);
  double so_far = measured_s > 0 ? (double)tally.started / measured_s * trial->ask->seconds : 0;
  return trial->load.kind == SP_LOAD_RATE ? fmax(so_far, trial->load.rate_per_s * trial->ask->seconds) : so_far;
}

static bool is_over(struct trial *trial, const struct sp_interval *totals) {
  double measured_s = trial->elapsed_s - trial->warm_s;
  if (measured_s <= 0) return false;
  bool may_be_lost = trial->capacity->search.options.ladder_count == 0 && !trial->ask->warm_up;
  trial->lost = may_be_lost &&
                sp_capacity_is_lost(&trial->capacity->goals, totals, requests_in_all(trial, totals, measured_s));
  if (trial->lost || trial->seconds == SECONDS_MAX) return true;
  if (measured_s < trial->ask->seconds) return false;
  judge_steady(trial);
  return trial->steady.state == SP_STEADY_GROWS || measured_s >= trial->steady.needs_s ||
         measured_s >= trial->ask->seconds_max;
}

static void on_tick(void *ctx, const struct sp_run_view *view) {
  struct trial *trial = ctx;
  if (trial->capacity->watching) sp_watching_notes(trial->capacity->watching, sp_capacity_show_note, trial->capacity);
  if (trial->stopped || view->phase >= SP_PHASE_ENDING || trial->seconds == SECONDS_MAX) return;
  trial->elapsed_s = floor((double)view->elapsed_ns / 1e9 + 0.5);
  trial->in_flight[trial->seconds] = (double)view->in_flight;
  trial->took_ms[trial->seconds++] = mean_ms(view->last);
  sp_capacity_show_progress(trial->capacity, trial->ask, trial->elapsed_s, view->in_flight);
  if (!is_over(trial, view->totals)) return;
  trial->stopped = true;
  sp_run_stop(trial->capacity->run);
}

static void on_end(void *ctx) { sp_loop_stop(((struct trial *)ctx)->capacity->loop); }

/* -- before and behind it -- */

static void fill_load(struct trial *trial) {
  const struct sp_capacity *capacity = trial->capacity;
  struct sp_load *load = &trial->load;
  *load = capacity->setup->load;
  load->stage_count = 0;
  load->run_time_ns = 0; /* on_tick ends it */
  load->iterations = 0;
  load->seed += capacity->search.count; /* no two trials alike, the same search again the same */
  int64_t needed_ns = sp_capacity_longest_ns(&capacity->goals) + MARGIN_NS;
  if (load->stop_timeout_ns < needed_ns) load->stop_timeout_ns = needed_ns;
  if (capacity->search.options.whole) {
    load->kind = SP_LOAD_USERS;
    load->users = (uint64_t)trial->ask->load;
    if (load->threads > load->users) load->threads = (unsigned)load->users;
  } else {
    load->kind = SP_LOAD_RATE;
    load->rate_per_s = trial->ask->load;
  }
}

/* Users that come over some time are all there before anything counts. */
static void fill_warm_up(struct trial *trial) {
  const struct sp_load *load = &trial->load;
  double users = load->kind == SP_LOAD_USERS ? (double)load->users : 0, coming_s = 0;
  if (load->spawn_per_s > 0) coming_s = users / load->spawn_per_s;
  else if (users > SP_SPAWN_AT_ONCE) coming_s = (users - SP_SPAWN_AT_ONCE) / SP_SPAWN_AT_ONCE;
  trial->warm_s = trial->ask->warm_s + ceil(coming_s);
  trial->load.warm_up_ns = (int64_t)trial->warm_s * SP_NS_PER_S;
}

static void judge_validity(struct sp_capacity *capacity, const struct sp_run_facts *facts, struct sp_search_trial *out,
                           struct sp_validity *validity) {
  struct sp_validity_facts known;
  sp_run_validity_facts(capacity->run, facts, &known);
  known.shared_machine = sp_setup_shares_machine(capacity->setup);
  known.source_count = (unsigned)capacity->setup->reach.sources.count;
  sp_validity_judge(&known, validity);
  out->valid = validity->valid;
  if (!validity->valid) snprintf(capacity->reason, sizeof(capacity->reason), "%s", validity->reasons[0]);
}

/* What the diagnosis may learn of the trial. */
static void add_step(const struct trial *trial, const struct sp_run_facts *facts, const struct sp_search_trial *result,
                     const struct sp_validity *validity) {
  struct sp_capacity *capacity = trial->capacity;
  const struct sp_interval *totals = sp_run_totals(capacity->run);
  int64_t from_ns = totals->begin_ns + capacity->real_offset_ns;
  struct sp_step_facts step = {.interval = totals, .from_ns = from_ns, .to_ns = from_ns + (int64_t)(result->measured_s * 1e9),
      .measured_s = (double)facts->measured_ns / 1e9, .level = trial->ask->load, .kind = trial->load.kind,
      .users_mean = facts->users_mean, .in_flight_mean = facts->in_flight_mean, .validity = validity,
      .miss_share = result->miss_share[0], .slo_missed = result->missed[0] || result->steady == SP_STEADY_GROWS};
  sp_steps_add(&capacity->steps, &step);
  sp_steps_add_errors(&capacity->steps, totals);
}

static int take(struct trial *trial, struct sp_search_trial *out, struct sp_err *err) {
  struct sp_capacity *capacity = trial->capacity;
  const struct sp_interval *totals = sp_run_totals(capacity->run);
  struct sp_run_facts facts;
  struct sp_validity validity;
  struct sp_tally tally;
  sp_run_facts(capacity->run, &facts);
  if (facts.aborted) return sp_fail(err, SP_EPLAN, "%s", facts.aborted);
  judge_steady(trial);
  sp_tally_interval(totals, &tally);
  *out = (struct sp_search_trial){.load = trial->ask->load, .asked_s = trial->ask->seconds, .warm_up = trial->ask->warm_up,
      .measured_s = trial->elapsed_s - trial->warm_s, .lost = trial->lost, .steady = trial->steady.state,
      .requests = tally.ok + tally.failed};
  out->goodput_per_s = out->measured_s > 0 ? (double)tally.good / out->measured_s : 0;
  sp_capacity_judge(&capacity->goals, totals, out->measured_s, trial->ask->coarse, out);
  judge_validity(capacity, &facts, out, &validity);
  if (!out->warm_up) add_step(trial, &facts, out, &validity);
  return 0;
}

/* A search has nothing to find where nobody answers, or where the plan breaks before it asks. */
static int check_first(const struct sp_capacity *capacity, struct sp_err *err) {
  const struct sp_interval *totals = sp_run_totals(capacity->run);
  for (size_t i = 0; i < capacity->search.count; i++) {
    if (capacity->search.trials[i].goodput_per_s > 0) return 0;
  }
  if (sp_verdict_dead_target(totals)) {
    return sp_fail(err, SP_EIO, "every connection to %s failed: is it there? ('spate try %s' shows one request)",
                   capacity->setup->host, capacity->plan_name);
  }
  if (totals->cells.count == 0 && totals->task_errors > 0 && totals->task_errors == totals->tasks) {
    return sp_fail(err, SP_EPLAN, "every task breaks before its first request ('spate try %s' says why)", capacity->plan_name);
  }
  return 0;
}

static int run_to_end(struct trial *trial, struct sp_err *err) {
  struct sp_capacity *capacity = trial->capacity;
  const struct sp_setup *setup = capacity->setup;
  struct sp_run_options options = {.loop = capacity->loop, .load = &trial->load, .classes = setup->plan->classes,
      .class_count = setup->plan->class_count, .type = &sp_user_lua, .type_conf = &setup->conf, .on_tick = on_tick,
      .on_end = on_end, .ctx = trial, .limits = &capacity->goals.limits};
  capacity->run = sp_run_create(&options, err);
  if (!capacity->run) return err->code;
  int code = sp_run_start(capacity->run, err);
  if (code == 0) sp_loop_run(capacity->loop);
  return code;
}

int sp_capacity_trial(struct sp_capacity *capacity, const struct sp_search_ask *ask, struct sp_search_trial *out,
                      struct sp_err *err) {
  struct trial trial = {.capacity = capacity, .ask = ask};
  trial.in_flight = sp_alloc_array(SECONDS_MAX, sizeof(double));
  trial.took_ms = sp_alloc_array(SECONDS_MAX, sizeof(double));
  fill_load(&trial);
  fill_warm_up(&trial);
  int code = run_to_end(&trial, err);
  if (code == 0) code = take(&trial, out, err);
  if (code == 0 && capacity->signals == 0) code = check_first(capacity, err);
  sp_run_destroy(capacity->run);
  capacity->run = NULL;
  free(trial.in_flight);
  free(trial.took_ms);
  return code;
}
