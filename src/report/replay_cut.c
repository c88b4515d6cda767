#include "report/replay_cut.h"

#include <math.h>
#include <stdio.h>

void sp_cut_init(struct sp_cut *cut) {
  cut->totals = sp_interval_create();
  cut->elapsed_ns = cut->warm_ns = 0;
  cut->users_max = 0;
  for (size_t i = 0; i < SP_STAGES_MAX; i++) {
    cut->intervals[i] = NULL;
    cut->stages[i] = (struct sp_run_stage){ 0 };
  }
}

void sp_cut_fini(struct sp_cut *cut) {
  sp_interval_destroy(cut->totals);
  for (size_t i = 0; i < SP_STAGES_MAX; i++) {
    sp_interval_destroy(cut->intervals[i]);
  }
}

static void add_to_stage(struct sp_cut *cut, const struct sp_store_tick *tick, const struct sp_interval *second,
                         int64_t took_ns) {
  struct sp_interval **interval = &cut->intervals[tick->stage];
  if (!*interval) {
    *interval = sp_interval_create();
  }
  sp_interval_merge(*interval, second);
  cut->stages[tick->stage].measured_ns += took_ns;
}

/* As the run itself sets it: the totals begin with the end of the warm-up. */
static void set_time(struct sp_cut *cut, const struct sp_store_tick *tick, int64_t end_ns, int64_t warm_up_ns) {
  cut->totals->begin_ns = end_ns - tick->elapsed_ns + warm_up_ns;
  cut->totals->end_ns = end_ns > cut->totals->begin_ns ? end_ns : cut->totals->begin_ns;
}

void sp_cut_add(struct sp_cut *cut, const struct sp_store_tick *tick, const struct sp_interval *counted, int64_t end_ns,
                int64_t warm_up_ns) {
  int64_t took_ns = tick->part == SP_SERIES_WARM ? 0 : tick->elapsed_ns - cut->elapsed_ns;
  cut->elapsed_ns = tick->elapsed_ns;
  cut->users_max = tick->users > cut->users_max ? tick->users : cut->users_max;
  cut->warm_ns = tick->part == SP_SERIES_WARM ? tick->elapsed_ns : cut->warm_ns;
  if (counted) {
    sp_interval_merge(cut->totals, counted);
  }
  if (counted && tick->stage < SP_STAGES_MAX) {
    add_to_stage(cut, tick, counted, took_ns);
  }
  set_time(cut, tick, end_ns, warm_up_ns);
}

static double mean_of(double time_ns, int64_t over_ns) { return over_ns > 0 ? time_ns / (double)over_ns : (double)NAN; }

static void finish_stages(struct sp_cut *cut, const struct sp_load *load, struct sp_result *result) {
  int64_t begin_ns = 0;
  for (size_t i = 0; i < load->stage_count; i++) {
    struct sp_run_stage *stage = &cut->stages[i];
    cut->intervals[i] = cut->intervals[i] ? cut->intervals[i] : sp_interval_create();
    stage->stage = load->stages[i];
    stage->begin_ns = begin_ns;
    stage->interval = cut->intervals[i];
    stage->users_mean = mean_of(stage->interval->user_time_ns, stage->measured_ns);
    stage->in_flight_mean = mean_of(stage->interval->request_time_ns, stage->measured_ns);
    begin_ns += load->stages[i].hold_ns;
  }
  result->stages = cut->stages;
  result->stage_count = load->stage_count;
}

static void finish_slos(struct sp_cut *cut, const struct sp_kept_asked *asked, struct sp_result *result) {
  double seconds = (double)result->facts.measured_ns / (double)SP_NS_PER_S;
  size_t count = 0;
  for (size_t i = 0; i < asked->slo_count && count < SP_KEPT_SLOS_MAX; i++) {
    struct sp_slo *slo = &cut->slos[count];
    struct sp_slo_value value = { .value = NAN, .why = "the run has no end" };
    if (sp_slo_parse(sp_str_from(asked->slos[i]), slo, NULL)) {
      continue;
    }
    if (slo->window_ns == 0) {
      sp_slo_evaluate(slo, cut->totals, seconds, &value);
    }
    cut->results[count++] = (struct sp_slo_result){ .expression = slo->text, .value = value.value, .met = value.met,
                                                    .slo = slo, .why = value.why, .samples = value.samples };
  }
  result->slos = cut->results;
  result->slo_count = count;
}

/* Not judged is not valid: whether the generator could make the load is known at the end only. */
static void judge(struct sp_validity *validity, bool goes_on) {
  *validity = (struct sp_validity){ .reason_count = 1, .cpu_share = NAN, .closure_error = NAN, .users_closure = NAN,
                                    .requests_closure = NAN };
  snprintf(validity->reasons[0], sizeof(validity->reasons[0]), "%s",
           goes_on ? "the run still goes on: these are its seconds so far"
                   : "the run was cut off: its process ended before it could judge it; these are its seconds up to then");
}

void sp_cut_finish(struct sp_cut *cut, const struct sp_kept_asked *asked, bool goes_on, struct sp_result *result) {
  struct sp_run_facts *facts = &result->facts;
  *facts = (struct sp_run_facts){ .duration_ns = cut->elapsed_ns,
                                  .measured_ns = cut->elapsed_ns - cut->warm_ns,
                                  .users_max = cut->users_max,
                                  .threads = asked->load.threads,
                                  .cpu_share = NAN,
                                  .arrivals_planned = cut->totals->arrivals + cut->totals->dropped_starts,
                                  .arrivals_made = cut->totals->arrivals,
                                  .arrivals_dropped = cut->totals->dropped_starts };
  facts->users_mean = mean_of(cut->totals->user_time_ns, facts->measured_ns);
  facts->in_flight_mean = mean_of(cut->totals->request_time_ns, facts->measured_ns);
  for (unsigned i = 0; i < facts->threads; i++) {
    facts->thread[i] = (struct sp_thread_facts){ NAN, NAN };
  }
  result->totals = cut->totals;
  result->interrupted = !goes_on;
  judge(&result->validity, goes_on);
  finish_stages(cut, &asked->load, result);
  finish_slos(cut, asked, result);
}
