/* What is searched for: SLOs as goals, and what a trial's requests say to them. */
#include "cli/capacity.h"

#include "model/confidence.h"

#include <math.h>

/* -- from texts -- */

static int add_slo(struct sp_capacity_goals *goals, struct sp_capacity_goal *goal, struct sp_str text, struct sp_err *err) {
  if (goal->count == SP_SLOS_MAX) return sp_fail(err, SP_EUSAGE, "over %u SLOs", SP_SLOS_MAX);
  struct sp_slo *slo = &goal->slos[goal->count];
  if (sp_slo_parse(text, slo, err)) return sp_err_context(err, "SLO");
  if (sp_slo_is_rate(slo)) return goals->left_out++, 0;
  if (slo->window_ns) {
    return sp_fail(err, SP_EUSAGE, "SLO '%s': a trial is one window; leave 'over …' out to search for its capacity", slo->text);
  }
  size_t len = strlen(goal->text);
  snprintf(goal->text + len, sizeof(goal->text) - len, "%s%s", len ? "; " : "", slo->text);
  goal->count++;
  return 0;
}

static int add_goal(struct sp_capacity_goals *goals, const char *texts, struct sp_err *err) {
  struct sp_str rest = sp_str_from(texts);
  if (goals->count == SP_SEARCH_GOALS_MAX) return sp_fail(err, SP_EUSAGE, "over %u goals", SP_SEARCH_GOALS_MAX);
  struct sp_capacity_goal *goal = &goals->items[goals->count];
  while (rest.len > 0) {
    int code = add_slo(goals, goal, sp_str_trim(sp_str_split(&rest, ';')), err);
    if (code) return code;
  }
  goals->count += goal->count > 0;
  return 0;
}

static int add_first(struct sp_capacity_goals *goals, const char *const *texts, size_t count, struct sp_err *err) {
  int code = 0;
  for (size_t i = 0; i < count && code == 0; i++) code = add_slo(goals, &goals->items[0], sp_str_from(texts[i]), err);
  goals->count = goals->items[0].count > 0;
  return code;
}

int sp_capacity_goals_init(struct sp_capacity_goals *goals, const struct sp_options *options, const struct sp_plan *plan,
                           struct sp_err *err) {
  memset(goals, 0, sizeof(*goals));
  bool flags = options->slo_count > 0;
  int code = add_first(goals, flags ? options->slos : (const char *const *)plan->slos,
                       flags ? options->slo_count : plan->slo_count, err);
  if (code && !flags) err->code = SP_EPLAN;
  for (size_t i = 0; i < options->capacity.goal_count && code == 0; i++) code = add_goal(goals, options->capacity.goals[i], err);
  if (code) return code;
  if (goals->count == 0 && goals->left_out) {
    return sp_fail(err, SP_EUSAGE, "a rate is what the search finds itself: give an SLO that tells when a load is too much, "
                   "e.g. --slo 'p95(e2e) < 4s'");
  }
  if (goals->count == 0) {
    return sp_fail(err, SP_EUSAGE, "capacity needs an SLO that tells when a load is too much: --slo 'p95(e2e) < 4s', or "
                   "spate.slo in the plan");
  }
  sp_limits_init(&goals->limits, goals->items[0].slos, goals->items[0].count);
  return 0;
}

void sp_capacity_goals_fini(struct sp_capacity_goals *goals) { sp_limits_fini(&goals->limits); }

/* -- an SLO as a share of requests -- */

struct share {
  double misses, requests;
  double allowed; /* NAN: the SLO is no share of requests, its value decides */
};

/* Each request has this time once, and an upper limit on it: the percentile says how many may be over. */
static bool is_share_of_times(const struct sp_slo *slo) {
  struct sp_limits limits;
  sp_limits_init(&limits, slo, 1);
  bool is = limits.count > 0 && (slo->statistic == SP_SLO_PERCENTILE || slo->statistic == SP_SLO_MAX);
  sp_limits_fini(&limits);
  return is;
}

static double allowed_share(const struct sp_slo *slo) {
  if (slo->of == SP_SLO_OF_FAILED_SHARE && slo->op <= SP_SLO_LE) return slo->limit;
  if (slo->of == SP_SLO_OF_GOODPUT_SHARE && slo->op >= SP_SLO_GT) return 1 - slo->limit;
  if (!is_share_of_times(slo)) return (double)NAN;
  return slo->statistic == SP_SLO_MAX ? 0 : 1 - slo->percentile / 100;
}

static uint64_t count_over(const struct sp_hist *us, double limit_ms) {
  uint32_t cursor = 0;
  uint64_t count = 0;
  struct sp_hist_bucket bucket;
  while (sp_hist_next(us, &cursor, &bucket)) count += (double)bucket.low > limit_ms * 1000 ? bucket.count : 0;
  return count;
}

/* Cut by the trial's end when it was over the limit already. A stream that has its first token may have kept that. */
static double cut_over(const struct sp_cell *cell, const struct sp_slo *slo) {
  uint64_t over = count_over(&cell->cancelled_age, slo->limit);
  bool whole = slo->metric == SP_METRIC_E2E;
  return (double)(whole || over < cell->cut_tokenless ? over : cell->cut_tokenless);
}

static void add_cell(struct share *share, const struct sp_slo *slo, const struct sp_cell *cell) {
  struct sp_tally tally;
  sp_tally_cell(cell, &tally);
  double cut = slo->of == SP_SLO_OF_METRIC ? cut_over(cell, slo) : 0;
  share->requests += (double)(tally.ok + tally.failed) + cut;
  share->misses += (double)tally.failed + cut;
  if (slo->of == SP_SLO_OF_METRIC) share->misses += (double)count_over(&cell->metrics[slo->metric], slo->limit);
  if (slo->of == SP_SLO_OF_GOODPUT_SHARE) share->misses += (double)(tally.ok - tally.good);
}

static struct share share_of(const struct sp_slo *slo, const struct sp_interval *totals) {
  struct share share = {.allowed = allowed_share(slo)};
  for (size_t i = 0; i < totals->cells.count && isfinite(share.allowed); i++) {
    const struct sp_cell *cell = totals->cells.entries[i].value;
    if (!slo->on[0] || strcmp(slo->on, cell->name) == 0 || strcmp(slo->on, cell->task) == 0) add_cell(&share, slo, cell);
  }
  return share;
}

/* -- a trial -- */

/* Of all requests, those that kept every limit of the first goal are good: what goodput counts. */
static double not_good_share(const struct sp_interval *totals) {
  struct sp_tally tally;
  sp_tally_interval(totals, &tally);
  uint64_t completed = tally.ok + tally.failed;
  return completed ? (double)(completed - tally.good) / (double)completed : (double)NAN;
}

static void judge_slo(const struct sp_slo *slo, const struct sp_interval *totals, double measured_s, bool coarse, bool *missed,
                      double *worst) {
  struct share share = share_of(slo, totals);
  struct sp_slo_value value;
  if (isnan(share.allowed)) {
    sp_slo_evaluate(slo, totals, measured_s, &value);
    *missed |= !value.met;
    return;
  }
  *missed |= sp_search_is_missed(share.misses, share.requests, share.allowed, coarse);
  if (share.requests > 0) *worst = fmax(*worst, share.misses / share.requests); /* a NAN gives way */
}

void sp_capacity_judge(const struct sp_capacity_goals *goals, const struct sp_interval *totals, double measured_s, bool coarse,
                       struct sp_search_trial *out) {
  for (size_t g = 0; g < goals->count; g++) {
    const struct sp_capacity_goal *goal = &goals->items[g];
    out->missed[g] = false;
    out->miss_share[g] = g == 0 ? not_good_share(totals) : (double)NAN;
    for (size_t i = 0; i < goal->count; i++) {
      judge_slo(&goal->slos[i], totals, measured_s, coarse, &out->missed[g], &out->miss_share[g]);
    }
  }
}

static bool goal_is_lost(const struct sp_capacity_goal *goal, const struct sp_interval *totals, double requests_in_all) {
  for (size_t i = 0; i < goal->count; i++) {
    struct share share = share_of(&goal->slos[i], totals);
    bool all = goal->slos[i].on[0] == '\0'; /* how many of one name will come is not known */
    if (all && isfinite(share.allowed) && sp_search_is_lost(share.misses, requests_in_all, share.allowed)) return true;
  }
  return false;
}

bool sp_capacity_is_lost(const struct sp_capacity_goals *goals, const struct sp_interval *totals, double requests_in_all) {
  for (size_t g = 0; g < goals->count; g++) {
    if (!goal_is_lost(&goals->items[g], totals, requests_in_all)) return false;
  }
  return true;
}

double sp_capacity_requests_needed(const struct sp_capacity_goals *goals) {
  double needed = 0;
  for (size_t g = 0; g < goals->count; g++) {
    for (size_t i = 0; i < goals->items[g].count; i++) {
      double allowed = allowed_share(&goals->items[g].slos[i]);
      if (allowed > 0 && allowed < 1) needed = fmax(needed, (double)sp_samples_needed(100 * (1 - allowed)));
    }
  }
  return needed;
}

int64_t sp_capacity_longest_ns(const struct sp_capacity_goals *goals) {
  int64_t longest_ns = 0;
  for (size_t g = 0; g < goals->count; g++) {
    for (size_t i = 0; i < goals->items[g].count; i++) {
      const struct sp_slo *slo = &goals->items[g].slos[i];
      double ns = is_share_of_times(slo) ? fmin(slo->limit * 1e6, (double)SP_LOAD_TIME_MAX_NS / 2) : 0;
      if (ns > (double)longest_ns) longest_ns = (int64_t)ns;
    }
  }
  return longest_ns;
}
