/* Where the search goes next. */
#include "model/search.h"

#include "base/check.h"
#include "model/search_bounds.h"

#include <math.h>
#include <string.h>

#define COARSE_ROOM 2.0      /* a short trial that is not steady may take so many times as long */
#define EXPANSION 2.0        /* coarse: the load is doubled or halved */
#define WARM_SHARE (1.0 / 6) /* of a trial's time goes to its own warm-up in front */
#define WARM_MIN_S 1.0
#define DIGITS 1000.0        /* rates have four significant digits: people read them */

void sp_search_options_init(struct sp_search_options *options) {
  *options = (struct sp_search_options){ .goals = 1,
                                         .start = 1,
                                         .min = 0.1,
                                         .max = 10000,
                                         .width = 0.02,
                                         .coarse_width = 0.2,
                                         .exceed = 0.5,
                                         .short_s = 10,
                                         .full_s = 60,
                                         .sum_s = 100 };
}

void sp_search_init(struct sp_search *search, const struct sp_search_options *options) {
  SP_CHECK(options->goals >= 1 && options->goals <= SP_SEARCH_GOALS_MAX);
  SP_CHECK(options->ladder_count <= SP_SEARCH_LADDER_MAX && options->short_s < options->full_s);
  memset(search, 0, sizeof(*search));
  search->options = *options;
}

void sp_search_add(struct sp_search *search, const struct sp_search_trial *trial) {
  SP_CHECK(search->count < SP_SEARCH_TRIALS_MAX);
  search->trials[search->count++] = *trial;
}

/* -- loads -- */

static double tidy(const struct sp_search_options *options, double load) {
  if (options->whole) {
    return fmax(1, floor(load + 0.5));
  }
  double unit = pow(10, floor(log10(load))) / DIGITS;
  return floor(load / unit + 0.5) * unit;
}

static double clamp(const struct sp_search_options *options, double load) {
  return fmin(fmax(tidy(options, load), options->min), options->max);
}

/* The load between two, NAN where they are close enough or nothing is between. */
static double between(const struct sp_search_options *options, double lower, double upper, double width) {
  if ((upper - lower) / upper <= width) {
    return (double)NAN;
  }
  double load = tidy(options, sqrt(lower * upper));
  return load > lower && load < upper ? load : (double)NAN;
}

/* -- coarse: expand, then bisect -- */

static double next_coarse(const struct sp_search *search, const struct sp_search_bounds *bounds) {
  const struct sp_search_options *options = &search->options;
  if (isnan(bounds->lower) && isnan(bounds->upper)) {
    return options->start;
  }
  if (isnan(bounds->upper)) {
    return bounds->lower >= options->max ? (double)NAN : clamp(options, bounds->lower * EXPANSION);
  }
  if (isnan(bounds->lower)) {
    return bounds->upper <= options->min ? (double)NAN : clamp(options, bounds->upper / EXPANSION);
  }
  return between(options, bounds->lower, bounds->upper, options->coarse_width);
}

/* -- fine -- */

/* A step outward from the only bound: wider with each load that was of its class before, as the draft's strategies do. */
static double step_out(const struct sp_search *search, size_t goal, enum sp_search_class class) {
  double factor = 1 + search->options.width;
  for (size_t i = 0; i < search->count; i++) {
    const struct sp_search_trial *trial = &search->trials[i];
    bool first = true;
    for (size_t j = 0; j < i && first; j++) first = !sp_search_same_load(search->trials[j].load, trial->load);
    if (first && sp_search_class_at(search, goal, trial->load) == class) factor *= factor;
  }
  return fmin(factor, EXPANSION);
}

static double next_above(const struct sp_search *search, size_t goal, double lower, double hint) {
  const struct sp_search_options *options = &search->options;
  if (lower >= options->max) {
    return (double)NAN;
  }
  double load = hint > lower ? hint : clamp(options, lower * step_out(search, goal, SP_SEARCH_LOWER));
  return options->whole && load <= lower ? lower + 1 : load;
}

static double next_below(const struct sp_search *search, size_t goal, double upper, double hint) {
  const struct sp_search_options *options = &search->options;
  if (upper <= options->min) {
    return (double)NAN;
  }
  double load = hint < upper ? hint : clamp(options, upper / step_out(search, goal, SP_SEARCH_UPPER));
  return options->whole && load >= upper ? upper - 1 : load;
}

/* Between the short trials' bounds, or at the only one of them. */
static double first_fine(const struct sp_search_options *options, const struct sp_search_bounds *hint) {
  if (isnan(hint->lower)) {
    return hint->upper;
  }
  if (isnan(hint->upper)) {
    return hint->lower;
  }
  double middle = between(options, hint->lower, hint->upper, options->width);
  return isnan(middle) ? hint->lower : middle;
}

/* A load that full trials have begun with and not decided, where it matters. NAN: none. */
static double pending(const struct sp_search *search, size_t goal, enum sp_search_stage stage,
                      const struct sp_search_bounds *bounds) {
  for (size_t i = search->count; i-- > 0;) {
    double load = search->trials[i].load;
    struct sp_search_load judged;
    sp_search_judge_load(search, goal, stage, load, &judged);
    bool inside = !(load >= bounds->upper) && !(load <= bounds->lower);
    if (judged.touched && judged.class == SP_SEARCH_UNDECIDED && inside) {
      return load;
    }
  }
  return (double)NAN;
}

static double next_fine(const struct sp_search *search, size_t goal, const struct sp_search_bounds *bounds) {
  const struct sp_search_options *options = &search->options;
  struct sp_search_bounds hint;
  sp_search_bounds(search, goal, SP_SEARCH_COARSE, &hint);
  if (isnan(bounds->lower) && isnan(bounds->upper)) {
    return first_fine(options, &hint);
  }
  if (isnan(bounds->upper)) {
    return next_above(search, goal, bounds->lower, hint.upper);
  }
  if (isnan(bounds->lower)) {
    return next_below(search, goal, bounds->upper, hint.lower);
  }
  return between(options, bounds->lower, bounds->upper, options->width);
}

/* NAN: the goal has its answer. Once full trials have said anything, short ones have nothing to add. */
static double next_load(const struct sp_search *search, size_t goal, enum sp_search_stage *stage) {
  struct sp_search_bounds bounds;
  *stage = SP_SEARCH_FINE;
  sp_search_bounds(search, goal, SP_SEARCH_FINE, &bounds);
  if ((bounds.upper - bounds.lower) / bounds.upper <= search->options.width) {
    return (double)NAN;
  }
  double load = pending(search, goal, SP_SEARCH_FINE, &bounds);
  if (!isnan(load)) {
    return load;
  }
  if (isnan(bounds.lower) && isnan(bounds.upper)) {
    struct sp_search_bounds coarse;
    sp_search_bounds(search, goal, SP_SEARCH_COARSE, &coarse);
    load = pending(search, goal, SP_SEARCH_COARSE, &coarse);
    load = isnan(load) ? next_coarse(search, &coarse) : load;
    *stage = isnan(load) ? SP_SEARCH_FINE : SP_SEARCH_COARSE;
  }
  return isnan(load) ? next_fine(search, goal, &bounds) : load;
}

/* -- the trial -- */

static double fine_seconds(const struct sp_search_options *options, double load) {
  double for_requests = options->whole ? 0 : options->requests / load;
  return ceil(fmin(fmax(options->full_s, for_requests), options->sum_s));
}

static void fill(const struct sp_search_options *options, double load, enum sp_search_stage stage,
                 struct sp_search_ask *ask) {
  bool coarse = stage == SP_SEARCH_COARSE;
  ask->load = load;
  ask->seconds = coarse ? options->short_s : fine_seconds(options, load);
  ask->seconds_max = fmax(options->sum_s, ask->seconds);
  if (coarse) { /* it stays a short one, which makes no lower bound */
    ask->seconds_max = fmax(fmin(COARSE_ROOM * options->short_s, options->full_s - 1), ask->seconds);
  }
  ask->warm_s = ceil(fmax(WARM_MIN_S, ask->seconds * WARM_SHARE));
  ask->coarse = coarse;
  ask->warm_up = false;
}

static bool next_of_ladder(const struct sp_search *search, struct sp_search_ask *ask) {
  const struct sp_search_options *options = &search->options;
  if (search->count >= options->ladder_count) {
    return false;
  }
  fill(options, options->ladder[search->count], SP_SEARCH_FINE, ask);
  ask->seconds = ask->seconds_max = options->full_s;
  return true;
}

bool sp_search_next(const struct sp_search *search, struct sp_search_ask *ask) {
  if (search->options.ladder_count > 0) {
    return next_of_ladder(search, ask);
  }
  if (search->count == SP_SEARCH_TRIALS_MAX) {
    return false;
  }
  if (search->count == 0) {
    fill(&search->options, search->options.start, SP_SEARCH_COARSE, ask);
    ask->warm_up = true;
    ask->seconds_max = ask->seconds;
    return true;
  }
  for (size_t goal = 0; goal < search->options.goals; goal++) {
    enum sp_search_stage stage;
    double load = next_load(search, goal, &stage);
    if (!isnan(load)) {
      fill(&search->options, load, stage, ask);
      return true;
    }
  }
  return false;
}
