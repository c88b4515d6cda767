/* The search's judgement of a load, and of a goal. */
#include "model/search_bounds.h"

#include <math.h>

const char *sp_search_class_name(enum sp_search_class class) {
  static const char *const names[] = { "undecided", "lower", "upper" };
  return names[class];
}

const char *sp_search_verdict_name(enum sp_search_verdict verdict) {
  static const char *const names[] = { "bounded", "no upper bound", "no lower bound", "no steady state",
                                       "generator not able" };
  return names[verdict];
}

enum sp_search_class sp_search_classify(const struct sp_search_seconds *seconds, double sum_s, double exceed) {
  double balance = exceed / (1 - exceed) * seconds->short_low;
  double excess = fmax(0, seconds->short_high - balance);
  double high = seconds->full_high + excess, measured = seconds->full_low + high;
  double whole = fmax(measured, sum_s), quantile = whole * exceed;
  bool pessimist = whole - seconds->full_low <= quantile, optimist = high <= quantile;
  if (pessimist != optimist) {
    return SP_SEARCH_UNDECIDED;
  }
  return optimist ? SP_SEARCH_LOWER : SP_SEARCH_UPPER;
}

#define CHANCE 2.0 /* standard deviations */

bool sp_search_is_missed(double misses, double requests, double share_allowed, bool coarse) {
  double most = requests * share_allowed;
  double doubt = coarse ? CHANCE * sqrt(most * (1 - share_allowed)) + 1 : 0;
  return requests <= 0 || misses > most + doubt;
}

#define LOST_ROOM 1.1 /* more requests may come than were planned */

bool sp_search_is_lost(double misses, double requests_in_all, double share_allowed) {
  bool surely = sp_search_is_missed(misses, requests_in_all, share_allowed, true);
  return surely && misses > LOST_ROOM * share_allowed * requests_in_all;
}

/* -- a load -- */

static double full_seconds(const struct sp_search_options *options, enum sp_search_stage stage) {
  return stage == SP_SEARCH_COARSE ? options->short_s : options->full_s;
}

static double sum_seconds(const struct sp_search_options *options, enum sp_search_stage stage) {
  if (options->ladder_count > 0) {
    return options->full_s;
  }
  return stage == SP_SEARCH_COARSE ? options->short_s : options->sum_s;
}

bool sp_search_same_load(double a, double b) { return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b)); }

double sp_search_trial_s(const struct sp_search_trial *trial) {
  return trial->lost ? fmax(trial->asked_s, trial->measured_s) : trial->measured_s;
}

bool sp_search_is_full(const struct sp_search_options *options, const struct sp_search_trial *trial,
                       enum sp_search_stage stage) {
  return sp_search_trial_s(trial) >= full_seconds(options, stage) - 1e-6;
}

static void add_seconds(struct sp_search_seconds *seconds, double s, bool full, bool missed) {
  double *place = full ? (missed ? &seconds->full_high : &seconds->full_low)
                       : (missed ? &seconds->short_high : &seconds->short_low);
  *place += s;
}

/* A load that keeps growing is missed, whatever its requests say. */
bool sp_search_trial_missed(const struct sp_search_trial *trial, size_t goal) {
  return trial->missed[goal] || trial->steady == SP_STEADY_GROWS;
}

void sp_search_judge_load(const struct sp_search *search, size_t goal, enum sp_search_stage stage, double load,
                          struct sp_search_load *out) {
  struct sp_search_seconds seconds = { 0 };
  unsigned unable = 0, unsettled = 0;
  *out = (struct sp_search_load){ .load = load };
  for (size_t i = 0; i < search->count; i++) {
    const struct sp_search_trial *trial = &search->trials[i];
    if (trial->warm_up || !sp_search_same_load(trial->load, load)) {
      continue;
    }
    bool full = sp_search_is_full(&search->options, trial, stage);
    out->touched |= full || !trial->valid;
    unable += trial->valid ? 0 : 1;
    bool unfair = trial->valid && trial->steady == SP_STEADY_DRIFTS && !trial->missed[goal];
    unsettled += unfair && full ? 1 : 0;
    if (trial->valid && !unfair) {
      add_seconds(&seconds, sp_search_trial_s(trial), full, sp_search_trial_missed(trial, goal));
    }
  }
  unsigned enough = search->options.ladder_count > 0 ? 1 : SP_SEARCH_SPOILED;
  out->class = sp_search_classify(&seconds, sum_seconds(&search->options, stage), search->options.exceed);
  out->why = SP_SEARCH_BY_MISSES;
  if (out->class == SP_SEARCH_UNDECIDED && (unable >= enough || unsettled >= enough)) {
    out->class = SP_SEARCH_UPPER;
    out->why = unable >= enough ? SP_SEARCH_BY_GENERATOR : SP_SEARCH_BY_DRIFT;
  }
}

enum sp_search_class sp_search_class_at(const struct sp_search *search, size_t goal, double load) {
  struct sp_search_load judged;
  sp_search_judge_load(search, goal, SP_SEARCH_FINE, load, &judged);
  return judged.class;
}

enum sp_search_why sp_search_why_at(const struct sp_search *search, size_t goal, double load) {
  struct sp_search_load judged;
  sp_search_judge_load(search, goal, SP_SEARCH_FINE, load, &judged);
  return judged.why;
}

/* -- a goal's bounds -- */

static void take_load(struct sp_search_bounds *bounds, const struct sp_search_load *load) {
  if (load->class == SP_SEARCH_UPPER && !(bounds->upper <= load->load)) {
    bounds->upper = load->load;
    bounds->why = load->why;
  }
}

void sp_search_bounds(const struct sp_search *search, size_t goal, enum sp_search_stage stage,
                      struct sp_search_bounds *out) {
  *out = (struct sp_search_bounds){ .lower = (double)NAN, .upper = (double)NAN };
  struct sp_search_load load;
  for (size_t i = 0; i < search->count; i++) {
    sp_search_judge_load(search, goal, stage, search->trials[i].load, &load);
    take_load(out, &load);
  }
  for (size_t i = 0; i < search->count; i++) {
    sp_search_judge_load(search, goal, stage, search->trials[i].load, &load);
    bool below = !(load.load >= out->upper);
    if (load.class == SP_SEARCH_LOWER && below && !(out->lower >= load.load)) {
      out->lower = load.load;
    }
  }
}

/* -- a goal's result -- */

static enum sp_search_verdict verdict_of(const struct sp_search_bounds *bounds) {
  if (isnan(bounds->upper)) {
    return isnan(bounds->lower) ? SP_SEARCH_NO_LOWER : SP_SEARCH_NO_UPPER;
  }
  if (bounds->why == SP_SEARCH_BY_GENERATOR) {
    return SP_SEARCH_NOT_ABLE;
  }
  if (bounds->why == SP_SEARCH_BY_DRIFT) {
    return SP_SEARCH_NO_STEADY;
  }
  return isnan(bounds->lower) ? SP_SEARCH_NO_LOWER : SP_SEARCH_BOUNDED;
}

/* The full trials at a load from the best to the worst, until a share 1 - exceed of their seconds is behind. */
static double conditional_goodput(const struct sp_search *search, size_t goal, double load) {
  double all_s = 0, seen_s = 0, last = -1, goodput = (double)NAN;
  const struct sp_search_trial *trials = search->trials;
  bool taken[SP_SEARCH_TRIALS_MAX] = { false };
  for (size_t i = 0; i < search->count; i++) {
    taken[i] = trials[i].warm_up || !trials[i].valid || !sp_search_same_load(trials[i].load, load) ||
               !sp_search_is_full(&search->options, &trials[i], SP_SEARCH_FINE);
    all_s += taken[i] ? 0 : sp_search_trial_s(&trials[i]);
  }
  while (all_s > 0 && seen_s < (1 - search->options.exceed) * all_s) {
    size_t best = SP_SEARCH_TRIALS_MAX;
    for (size_t i = 0; i < search->count; i++) {
      bool better = best == SP_SEARCH_TRIALS_MAX || trials[i].miss_share[goal] < last;
      if (!taken[i] && better) {
        best = i;
        last = trials[i].miss_share[goal];
      }
    }
    taken[best] = true;
    seen_s += sp_search_trial_s(&trials[best]);
    goodput = trials[best].goodput_per_s;
  }
  return goodput;
}

void sp_search_result(const struct sp_search *search, size_t goal, struct sp_search_result *out) {
  struct sp_search_bounds bounds;
  struct sp_search_ask ignored;
  sp_search_bounds(search, goal, SP_SEARCH_FINE, &bounds);
  out->complete = !sp_search_next(search, &ignored);
  if (!out->complete && isnan(bounds.lower) && isnan(bounds.upper)) {
    sp_search_bounds(search, goal, SP_SEARCH_COARSE, &bounds);
  }
  out->verdict = verdict_of(&bounds);
  out->lower = bounds.lower;
  out->upper = bounds.upper;
  out->goodput_at_lower = isnan(bounds.lower) ? (double)NAN : conditional_goodput(search, goal, bounds.lower);
}
