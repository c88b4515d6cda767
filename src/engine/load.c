#include "engine/load.h"

#include <math.h>

const char *sp_load_kind_name(enum sp_load_kind kind) {
  static const char *const names[] = { "users", "rate", "in_flight" };
  return names[kind];
}

void sp_load_init(struct sp_load *load) {
  *load = (struct sp_load){ .users = 1, .stop_timeout_ns = SP_STOP_TIMEOUT_NS, .seed = 1 };
}

static bool is_time(int64_t ns) { return ns >= 0 && ns <= SP_LOAD_TIME_MAX_NS; }

/* -- what there is to know of a load before it runs -- */

static int64_t stages_length_ns(const struct sp_load *load) {
  int64_t sum_ns = 0;
  for (size_t i = 0; i < load->stage_count; i++) {
    if (load->stages[i].hold_ns == 0) return SP_NEVER_NS;
    sum_ns += load->stages[i].hold_ns;
  }
  return load->stage_count > 0 ? sum_ns : SP_NEVER_NS;
}

int64_t sp_load_length_ns(const struct sp_load *load) {
  int64_t run_time_ns = load->run_time_ns > 0 ? load->run_time_ns : SP_NEVER_NS;
  int64_t stages_ns = stages_length_ns(load);
  return run_time_ns < stages_ns ? run_time_ns : stages_ns;
}

uint64_t sp_load_max_in_flight(const struct sp_load *load) {
  return load->max_in_flight > 0 ? load->max_in_flight : SP_MAX_IN_FLIGHT;
}

static double stages_peak(const struct sp_load *load) {
  double peak = 0;
  for (size_t i = 0; i < load->stage_count; i++) peak = fmax(peak, fmax(load->stages[i].from, load->stages[i].to));
  return peak;
}

uint64_t sp_load_users_most(const struct sp_load *load) {
  if (load->kind == SP_LOAD_RATE) return sp_load_max_in_flight(load);
  if (load->shape != NULL) return 0;
  return load->stage_count > 0 ? (uint64_t)llround(stages_peak(load)) : load->users;
}

/* -- checks -- */

static int check_times(const struct sp_load *load, struct sp_err *err) {
  if (!is_time(load->run_time_ns) || !is_time(load->stop_timeout_ns) || !is_time(load->warm_up_ns))
    return sp_fail(err, SP_EUSAGE, "run time, warm-up and stop timeout must be 0 to ten years");
  if (load->warm_up_ns >= sp_load_length_ns(load))
    return sp_fail(err, SP_EUSAGE, "the warm-up must be shorter than the run time: nothing would be measured");
  if (load->shape_period_ns != 0 &&
      (load->shape_period_ns < SP_SHAPE_PERIOD_MIN_NS || load->shape_period_ns > SP_SHAPE_PERIOD_MAX_NS))
    return sp_fail(err, SP_EUSAGE, "a shape is asked every 100 ms to 1 s");
  return 0;
}

static double level_max(const struct sp_load *load) {
  return load->kind == SP_LOAD_RATE ? SP_RATE_MAX : (double)SP_USERS_MAX;
}

static int check_stage(const struct sp_load *load, size_t i, struct sp_err *err) {
  const struct sp_stage *stage = &load->stages[i];
  double most = level_max(load);
  if (!(stage->from >= 0 && stage->from <= most && stage->to >= 0 && stage->to <= most))
    return sp_fail(err, SP_EUSAGE, "stage %zu: its level must be 0 to %.0f%s", i + 1, most,
                   load->kind == SP_LOAD_RATE ? " arrivals a second" : "");
  bool open_end = stage->hold_ns == 0 && i + 1 == load->stage_count && !(fabs(stage->to - stage->from) > 0);
  if (!open_end && (stage->hold_ns <= 0 || !is_time(stage->hold_ns)))
    return sp_fail(err, SP_EUSAGE, "stage %zu: it must last longer than 0 and at most ten years", i + 1);
  return 0;
}

static int check_stages(const struct sp_load *load, struct sp_err *err) {
  int64_t sum_ns = 0;
  if (load->stage_count > SP_STAGES_MAX)
    return sp_fail(err, SP_ELIMIT, "more than %u stages", SP_STAGES_MAX);
  for (size_t i = 0; i < load->stage_count; i++) {
    int rc = check_stage(load, i, err);
    if (rc != 0) return rc;
    sum_ns += load->stages[i].hold_ns;
    if (!is_time(sum_ns)) return sp_fail(err, SP_EUSAGE, "the stages last longer than ten years");
  }
  if (load->stage_count > 0 && !(stages_peak(load) > 0))
    return sp_fail(err, SP_EUSAGE, "all stages have the level 0: there would be no load");
  return 0;
}

static int check_trace(const struct sp_load *load, struct sp_err *err) {
  if (load->trace == NULL) return 0;
  if (load->trace_count == 0) return sp_fail(err, SP_EUSAGE, "the trace is empty");
  if (load->trace_count > SP_TRACE_MAX)
    return sp_fail(err, SP_ELIMIT, "the trace has more than %u arrivals", SP_TRACE_MAX);
  for (size_t k = 0; k < load->trace_count; k++) {
    if (!is_time(load->trace[k]))
      return sp_fail(err, SP_EUSAGE, "arrival %zu of the trace is not within ten years of the start", k + 1);
    if (k > 0 && load->trace[k] < load->trace[k - 1])
      return sp_fail(err, SP_EUSAGE, "the trace is not sorted: arrival %zu is before the one before it", k + 1);
  }
  return 0;
}

static int check_rate(const struct sp_load *load, struct sp_err *err) {
  bool elsewhere = load->stage_count > 0 || load->shape != NULL || load->trace != NULL;
  if (!elsewhere && !(load->rate_per_s > 0 && load->rate_per_s <= SP_RATE_MAX))
    return sp_fail(err, SP_EUSAGE, "the rate must be over 0 and at most %.0f arrivals a second", SP_RATE_MAX);
  if (load->max_in_flight > SP_USERS_MAX)
    return sp_fail(err, SP_EUSAGE, "at most %u tasks can be in flight, not %llu", SP_USERS_MAX,
                   (unsigned long long)load->max_in_flight);
  return check_trace(load, err);
}

static int check_users(const struct sp_load *load, struct sp_err *err) {
  if (load->trace != NULL) return sp_fail(err, SP_EUSAGE, "a trace is a load of arrivals, not of users");
  if (load->users == 0 || load->users > SP_USERS_MAX)
    return sp_fail(err, SP_EUSAGE, "users must be 1 to %u, not %llu", SP_USERS_MAX, (unsigned long long)load->users);
  if (!isfinite(load->spawn_per_s) || load->spawn_per_s < 0)
    return sp_fail(err, SP_EUSAGE, "the spawn rate must be a number of users a second, 0 or more");
  return 0;
}

int sp_load_check(const struct sp_load *load, struct sp_err *err) {
  int rc = load->kind == SP_LOAD_RATE ? check_rate(load, err) : check_users(load, err);
  if (rc == 0) rc = check_stages(load, err);
  if (rc != 0) return rc;
  if ((load->stage_count > 0) + (load->shape != NULL) + (load->trace != NULL) > 1)
    return sp_fail(err, SP_EUSAGE, "stages, a shape and a trace exclude each other: give one of them");
  if (load->threads > SP_THREADS_MAX)
    return sp_fail(err, SP_EUSAGE, "threads must be at most %u, not %u", SP_THREADS_MAX, load->threads);
  return check_times(load, err);
}
