#include "cli/run_diagnosis.h"

#include "cli/steps.h"

#include <math.h>

static bool missed_slo(const struct sp_result *result) {
  for (size_t i = 0; i < result->slo_count; i++) {
    if (!result->slos[i].met) return true;
  }
  return false;
}

/* Times on the run's monotonic clock become wall times. */
static struct sp_step_facts facts_of(const struct sp_result *result, const struct sp_interval *interval, int64_t begin_ns,
                                     int64_t measured_ns) {
  int64_t from_ns = begin_ns + result->real_offset_ns;
  return (struct sp_step_facts){.interval = interval, .from_ns = from_ns, .to_ns = from_ns + measured_ns,
      .measured_s = (double)measured_ns / 1e9, .kind = result->load->kind, .validity = &result->validity};
}

/* A share of the requests that were no good ones; NAN where no service level says what good is. */
static double miss_share(const struct sp_interval *interval, bool has_slos) {
  struct sp_tally tally;
  sp_tally_interval(interval, &tally);
  uint64_t ended = tally.ok + tally.failed;
  return has_slos && ended ? 1 - (double)tally.good / (double)ended : (double)NAN;
}

static void add_stages(struct sp_steps *steps, const struct sp_result *result, bool has_slos) {
  int64_t start_ns = result->started_real_ns - result->real_offset_ns;
  for (size_t i = 0; i < result->stage_count; i++) {
    const struct sp_run_stage *stage = &result->stages[i];
    struct sp_step_facts facts = facts_of(result, stage->interval, start_ns + stage->begin_ns, stage->measured_ns);
    facts.level = (stage->stage.from + stage->stage.to) / 2;
    facts.users_mean = stage->users_mean;
    facts.in_flight_mean = stage->in_flight_mean;
    facts.miss_share = miss_share(stage->interval, has_slos);
    sp_steps_add(steps, &facts);
  }
}

/* What was asked for; of stages (all of them too short to be steps), a shape or a trace what there was on the average. */
static double whole_level(const struct sp_result *result) {
  const struct sp_load *load = result->load;
  bool moves = load->stage_count > 0 || load->shape || load->trace;
  struct sp_tally tally;
  if (!moves) return load->kind == SP_LOAD_RATE ? load->rate_per_s : (double)load->users;
  if (load->kind != SP_LOAD_RATE) return round(result->facts.users_mean);
  sp_tally_interval(result->totals, &tally);
  return (double)tally.started / ((double)result->facts.measured_ns / 1e9);
}

static void add_whole(struct sp_steps *steps, const struct sp_result *result, bool has_slos) {
  struct sp_step_facts facts = facts_of(result, result->totals, result->totals->begin_ns, result->facts.measured_ns);
  facts.level = whole_level(result);
  facts.users_mean = result->facts.users_mean;
  facts.in_flight_mean = result->facts.in_flight_mean;
  facts.miss_share = miss_share(result->totals, has_slos);
  facts.slo_missed = has_slos && missed_slo(result);
  sp_steps_add(steps, &facts);
}

bool sp_run_diagnose(const struct sp_result *result, bool has_slos, bool shares_machine, struct sp_diagnosis *out) {
  struct sp_steps steps;
  sp_steps_init(&steps);
  if (result->stage_count > 0) add_stages(&steps, result, has_slos);
  if (steps.count == 0) add_whole(&steps, result, has_slos);
  sp_steps_add_errors(&steps, result->totals);
  bool can_tell = sp_steps_can_tell(&steps, result->seen);
  if (can_tell) sp_steps_diagnose(&steps, result->seen, shares_machine, out);
  sp_steps_fini(&steps);
  return can_tell;
}
