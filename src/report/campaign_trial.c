/* One trial of a round: does it count, and its figures. */
#include "report/campaign_inside.h"

#include "model/confidence.h"
#include "report/json_parts.h"
#include "stats/snapshot.h"

#include <math.h>
#include <stdio.h>

static const struct sp_verdict_trial none = { NAN, NAN, NAN };

static void __attribute__((format(printf, 2, 3))) leave_out(struct sp_campaign_trial *trial, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(trial->why, sizeof(trial->why), format, args);
  va_end(args);
  trial->counts = false;
}

/* -- a run -- */

struct steady {
  struct sp_series *series;
  struct sp_interval *all;
  struct sp_err *err;
};

static int add_second(void *ctx, uint64_t at, const struct sp_store_tick *tick) {
  struct steady *steady = ctx;
  struct sp_series_gauges gauges = { SP_SERIES_STEADY, tick->users, tick->in_flight };
  struct sp_interval *second = sp_snapshot_decode(tick->interval, steady->err);
  (void)at;
  if (!second) {
    return steady->err->code;
  }
  sp_series_push(steady->series, second, &gauges);
  sp_interval_merge(steady->all, second);
  sp_interval_destroy(second);
  return SP_OK;
}

static struct sp_verdict_trial figure_of(const struct sp_campaign_figure *figure, const struct sp_series *series) {
  struct sp_confidence confidence;
  if (!figure || figure->bound) {
    return none;
  }
  sp_confidence_of_slo(&figure->slo, series, 0, sp_series_count(series), &confidence);
  return (struct sp_verdict_trial){ confidence.value, confidence.low, confidence.high };
}

static double seconds_of(const struct steady *steady) {
  return (double)sp_series_span_ns(steady->series, 0, sp_series_count(steady->series)) / (double)SP_NS_PER_S;
}

static void take_figures(struct sp_campaign_trial *out, const struct steady *steady, const struct sp_campaign_figure *figure,
                         const struct sp_campaign_figure *predicted, struct sp_campaign_pool *pool) {
  struct sp_tally tally;
  double seconds = seconds_of(steady);
  sp_tally_interval(steady->all, &tally);
  out->rps = (double)(tally.ok + tally.failed) / seconds;
  out->figure = figure_of(figure, steady->series);
  out->predicted = figure_of(predicted, steady->series);
  if (out->counts) {
    sp_interval_merge(pool->interval, steady->all);
    pool->seconds += seconds;
  }
}

static int read_steady(struct sp_store *store, struct sp_campaign_trial *out, const struct sp_campaign_figure *figure,
                       const struct sp_campaign_figure *predicted, struct sp_campaign_pool *pool, struct sp_err *err) {
  struct sp_slo slos[2];
  struct sp_series_options options = { .slos = slos };
  const struct sp_campaign_figure *const figures[] = { figure, predicted };
  for (size_t i = 0; i < 2; i++) {
    if (figures[i] && !figures[i]->bound) {
      slos[options.slo_count++] = figures[i]->slo;
    }
  }
  struct steady steady = { sp_series_create(&options), sp_interval_create(), err };
  int code = sp_trial_each_steady(store, &out->run, add_second, &steady, err);
  if (code == 0) {
    take_figures(out, &steady, figure, predicted, pool);
  }
  sp_interval_destroy(steady.all);
  sp_series_destroy(steady.series);
  return code;
}

static int read_run(struct sp_store *store, struct sp_campaign_trial *out, const struct sp_campaign_figure *figure,
                    const struct sp_campaign_figure *predicted, struct sp_campaign_pool *pool, struct sp_err *err) {
  struct sp_sentences reasons = { 0 };
  int code = sp_trial_read(store, out->id, &out->run, err);
  if (code) {
    return code;
  }
  out->real_ns = out->run.real_ns;
  snprintf(out->held_by, sizeof(out->held_by), "%s", out->run.held_by);
  sp_trial_judge(&out->run, out->id, &reasons);
  if (reasons.count > 0) {
    leave_out(out, "%s", reasons.items[0]);
  } else if (out->run.to == out->run.from) {
    leave_out(out, "%s was never steady: its load was on the way up or down all the time", out->id);
  }
  return out->run.to > out->run.from ? read_steady(store, out, figure, predicted, pool, err) : SP_OK;
}

/* -- a search for the capacity -- */

static int take_search(void *ctx, const struct sp_store_capacity *capacity) {
  struct sp_campaign_trial *out = ctx;
  struct sp_campaign_search *search = &out->search;
  out->real_ns = capacity->real_ns;
  snprintf(search->plan, sizeof(search->plan), "%s", capacity->plan);
  snprintf(search->plan_hash, sizeof(search->plan_hash), "%s", capacity->plan_hash);
  snprintf(search->goal, sizeof(search->goal), "%s", capacity->goal);
  snprintf(search->unit, sizeof(search->unit), "%s", capacity->unit);
  sp_doc_culprit(sp_str_from(capacity->document), out->held_by, sizeof(out->held_by));
  search->lower = capacity->lower;
  search->upper = capacity->upper;
  search->goodput = capacity->goodput;
  if (!capacity->valid) {
    leave_out(out, "%s is invalid: this machine was the limit", out->id);
  } else if (!capacity->complete) {
    leave_out(out, "%s was stopped on the way", out->id);
  } else if (!isfinite(capacity->lower)) {
    leave_out(out, "%s has no lower bound (%s)", out->id, capacity->verdict);
  }
  return SP_OK;
}

static struct sp_verdict_trial bound_of(const struct sp_campaign_figure *figure, const struct sp_campaign_trial *trial) {
  if (!figure || !figure->bound) {
    return none;
  }
  return (struct sp_verdict_trial){ trial->search.lower, trial->search.lower, trial->search.upper };
}

int sp_campaign_read_trial(struct sp_store *store, const struct sp_store_trial *trial,
                           const struct sp_campaign_figure *figure, const struct sp_campaign_figure *predicted,
                           struct sp_campaign_pool *pool, struct sp_campaign_trial *out, struct sp_err *err) {
  *out = (struct sp_campaign_trial){ .kind = trial->kind, .counts = true, .figure = none, .predicted = none, .rps = NAN,
                                     .search = { .lower = NAN, .upper = NAN, .goodput = NAN } };
  snprintf(out->id, sizeof(out->id), "%s", trial->id);
  int code;
  if (trial->kind == SP_STORE_TRIAL_RUN) {
    code = read_run(store, out, figure, predicted, pool, err);
  } else {
    code = sp_store_read_capacity(store, trial->id, take_search, out, err);
    out->figure = bound_of(figure, out);
    out->predicted = bound_of(predicted, out);
  }
  if (code == SP_ENOTFOUND) {
    leave_out(out, "%s is not in the history any more", out->id);
    return SP_OK;
  }
  return code;
}

void sp_campaign_drop_trial(struct sp_campaign_trial *trial) {
  if (trial->kind == SP_STORE_TRIAL_RUN) {
    sp_trial_fini(&trial->run);
  }
}

/* -- beside another -- */

static void judge_searches(const struct sp_campaign_search *a, const char *name_a, const struct sp_campaign_search *b,
                           const char *name_b, struct sp_sentences *reasons) {
  if (strcmp(a->plan_hash, b->plan_hash) != 0 && strcmp(a->plan, b->plan) != 0) {
    sp_say(reasons, "other plans: %s searched with %s, %s with %s", name_a, a->plan, name_b, b->plan);
  } else if (strcmp(a->plan_hash, b->plan_hash) != 0) {
    sp_say(reasons, "the text of %s was another one in %s", a->plan, name_b);
  }
  if (strcmp(a->unit, b->unit) != 0) {
    sp_say(reasons, "%s was searched by %s, %s by %s", name_a, a->unit, name_b, b->unit);
  }
  if (strcmp(a->goal, b->goal) != 0) {
    sp_say(reasons, "other goals: %s had '%.200s', %s '%.200s'", name_a, a->goal, name_b, b->goal);
  }
}

void sp_campaign_judge_trials(const struct sp_campaign_trial *a, const char *name_a, const struct sp_campaign_trial *b,
                              const char *name_b, struct sp_sentences *reasons) {
  if (a->kind == SP_STORE_TRIAL_RUN && b->kind == SP_STORE_TRIAL_RUN) {
    sp_trials_judge(&a->run, name_a, &b->run, name_b, reasons);
  } else if (a->kind == b->kind) {
    judge_searches(&a->search, name_a, &b->search, name_b, reasons);
  }
}
