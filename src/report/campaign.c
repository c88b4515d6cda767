#include "report/campaign_inside.h"

#include "base/mem.h"
#include "model/prediction.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define NEAR_CAP 0.85 /* of what the users can ask for */

static_assert(SP_ROUND_TRIALS_MAX <= SP_VERDICT_TRIALS_MAX, "all trials of a round go into its verdict");

const char *sp_campaign_score_name(enum sp_campaign_score score) {
  static const char *const names[] = { "", "open", "as predicted", "below", "above" };
  return names[score];
}

const char *sp_campaign_decision_name(enum sp_store_decision decision) {
  static const char *const names[] = { "open", "keep", "revert" };
  return names[decision];
}

/* -- the figures of a round -- */

static void set_e2e(struct sp_campaign_round *round, const struct sp_interval *all) {
  struct sp_hist e2e;
  sp_interval_metric(all, SP_METRIC_E2E, &e2e);
  if (e2e.count > 0) {
    round->e2e_mean_ms = sp_hist_mean(&e2e) / 1000;
    round->e2e_p95_ms = (double)sp_hist_percentile(&e2e, 95) / 1000;
  }
  sp_hist_fini(&e2e);
}

static void judge_slos(const struct sp_campaign *campaign, struct sp_campaign_round *round,
                       const struct sp_campaign_pool *pool) {
  round->slos_met = campaign->slo_count > 0 ? 1 : -1;
  for (size_t i = 0; i < campaign->slo_count; i++) {
    struct sp_slo_value value;
    sp_slo_evaluate(&campaign->slos[i], pool->interval, pool->seconds, &value);
    round->slos_met = value.met ? round->slos_met : 0;
  }
}

/* Of users who pause (N - Q) / X between two requests, N a second per pause ask at most: of a target that answers at once. */
static double cap_of(const struct sp_campaign_round *round, const struct sp_load *load) {
  double pausing = round->users - round->in_flight;
  bool pauses = load->kind == SP_LOAD_USERS && pausing > 0 && round->users > 0;
  return pauses ? round->users * round->rps / pausing : (double)NAN;
}

static size_t count_named(const struct sp_campaign_round *round, const char *culprit) {
  size_t count = 0;
  for (size_t i = 0; i < round->trial_count; i++) {
    count += round->trials[i].counts && strcmp(round->trials[i].held_by, culprit) == 0;
  }
  return count;
}

static void set_held_by(struct sp_campaign_round *round) {
  const char *culprit = "";
  size_t most = 0;
  for (size_t i = 0; i < round->trial_count; i++) {
    const struct sp_campaign_trial *trial = &round->trials[i];
    size_t named = trial->counts && trial->held_by[0] ? count_named(round, trial->held_by) : 0;
    culprit = named > most ? trial->held_by : culprit;
    most = named > most ? named : most;
  }
  if (most > 0 && most < round->counting) {
    snprintf(round->held_by, sizeof(round->held_by), "%s (%zu of %zu)", culprit, most, round->counting);
  } else {
    snprintf(round->held_by, sizeof(round->held_by), "%s", most == 0 && round->at_cap ? "the users" : culprit);
  }
}

static const struct sp_campaign_trial *first_run(const struct sp_campaign_round *round) {
  for (size_t i = 0; i < round->trial_count; i++) {
    if (round->trials[i].counts && round->trials[i].kind == SP_STORE_TRIAL_RUN) {
      return &round->trials[i];
    }
  }
  return NULL;
}

static void sum_up(const struct sp_campaign *campaign, struct sp_campaign_round *round, const struct sp_campaign_pool *pool) {
  struct sp_tally tally;
  double ns = pool->seconds * (double)SP_NS_PER_S;
  round->rps = round->users = round->in_flight = round->failed_share = round->cap_per_s = NAN;
  round->e2e_mean_ms = round->e2e_p95_ms = NAN;
  round->slos_met = -1;
  round->at_cap = false;
  if (pool->seconds <= 0) {
    return;
  }
  sp_tally_interval(pool->interval, &tally);
  uint64_t completed = tally.ok + tally.failed;
  round->rps = (double)completed / pool->seconds;
  round->failed_share = completed > 0 ? (double)tally.failed / (double)completed : (double)NAN;
  round->users = pool->interval->user_time_ns / ns;
  round->in_flight = pool->interval->request_time_ns > 0 ? pool->interval->request_time_ns / ns : (double)NAN;
  round->cap_per_s = cap_of(round, &first_run(round)->run.asked.load);
  round->at_cap = round->rps >= NEAR_CAP * round->cap_per_s; /* not where it is not known */
  set_e2e(round, pool->interval);
  judge_slos(campaign, round, pool);
}

/* -- trials -- */

static void take_side(const struct sp_campaign_round *round, bool predicted, struct sp_verdict_side *out) {
  out->count = 0;
  for (size_t i = 0; i < round->trial_count; i++) {
    const struct sp_campaign_trial *trial = &round->trials[i];
    const struct sp_verdict_trial *figure = predicted ? &trial->predicted : &trial->figure;
    if (trial->counts && isfinite(figure->value)) {
      out->trials[out->count++] = *figure;
    }
  }
}

static int read_trials(struct sp_store *store, const struct sp_campaign *campaign, struct sp_campaign_round *round,
                       struct sp_campaign_pool *pool, struct sp_err *err) {
  const struct sp_store_round *record = round->record;
  struct sp_campaign_figure predicted;
  const char *text = record->prediction.figure;
  bool predicts = text && sp_campaign_figure_parse(text, &predicted, NULL) == 0;
  int code = SP_OK;
  round->trials = sp_alloc_array(record->trial_count + 1, sizeof(*round->trials));
  for (size_t i = 0; i < record->trial_count && code == 0; i++) {
    code = sp_campaign_read_trial(store, &record->trials[i], &campaign->figure, predicts ? &predicted : NULL, pool,
                                  &round->trials[round->trial_count++], err);
  }
  return code;
}

static void score(struct sp_campaign_round *round) {
  const struct sp_store_prediction *prediction = &round->record->prediction;
  struct sp_verdict_side side;
  if (!prediction->figure) {
    return;
  }
  take_side(round, true, &side);
  sp_verdict_figure_of(&side, &round->came);
  static const enum sp_campaign_score scores[] = { [SP_PREDICTION_OPEN] = SP_SCORE_OPEN,
                                                   [SP_PREDICTION_HIT] = SP_SCORE_AS_PREDICTED,
                                                   [SP_PREDICTION_TOO_HIGH] = SP_SCORE_BELOW,
                                                   [SP_PREDICTION_TOO_LOW] = SP_SCORE_ABOVE };
  round->score = scores[sp_prediction_score(prediction->low, prediction->high, round->came.value).verdict];
  for (size_t i = 0; i < round->trial_count; i++) {
    bool known = round->trials[i].real_ns > 0; /* not one that is gone */
    round->said_afterwards |= known && round->trials[i].real_ns < prediction->real_ns;
  }
}

static int make_round(struct sp_store *store, struct sp_campaign *campaign, struct sp_campaign_round *round,
                      struct sp_err *err) {
  struct sp_campaign_pool pool = { sp_interval_create(), 0 };
  struct sp_verdict_side side;
  int code = read_trials(store, campaign, round, &pool, err);
  if (code == 0) {
    take_side(round, false, &side);
    round->counting = side.count;
    sp_verdict_figure_of(&side, &round->figure);
    sum_up(campaign, round, &pool);
    set_held_by(round);
    score(round);
  }
  sp_interval_destroy(pool.interval);
  return code;
}

/* -- the verdict -- */

static const struct sp_campaign_trial *first_counting(const struct sp_campaign_round *round) {
  for (size_t i = 0; i < round->trial_count; i++) {
    if (round->trials[i].counts && isfinite(round->trials[i].figure.value)) {
      return &round->trials[i];
    }
  }
  return NULL;
}

/* Each trial that counts against the parent's first: what is the same for both is the same for all. */
static void gate(const struct sp_campaign_round *parent, struct sp_campaign_round *round) {
  char names[2][200];
  const struct sp_campaign_trial *before = first_counting(parent);
  snprintf(names[0], sizeof(names[0]), "'%.150s'", parent->record->title);
  snprintf(names[1], sizeof(names[1]), "'%.150s'", round->record->title);
  for (size_t i = 0; i < round->trial_count; i++) {
    if (round->trials[i].counts && isfinite(round->trials[i].figure.value)) {
      sp_campaign_judge_trials(before, names[0], &round->trials[i], names[1], &round->reasons);
      sp_trials_note(&before->run, names[0], &round->trials[i].run, names[1], &round->notes);
    }
  }
}

static void bounds_of_time(const struct sp_campaign_round *round, int64_t *first, int64_t *last) {
  *first = INT64_MAX;
  *last = INT64_MIN;
  for (size_t i = 0; i < round->trial_count; i++) {
    if (round->trials[i].counts) {
      int64_t at = round->trials[i].real_ns;
      *first = at < *first ? at : *first;
      *last = at > *last ? at : *last;
    }
  }
}

static bool are_interleaved(const struct sp_campaign_round *a, const struct sp_campaign_round *b) {
  int64_t first_a, last_a, first_b, last_b;
  bounds_of_time(a, &first_a, &last_a);
  bounds_of_time(b, &first_b, &last_b);
  return last_a > first_b && last_b > first_a;
}

/* The round that was kept last before it; as long as none was said to be kept, the first one. */
static size_t parent_of(const struct sp_campaign *campaign, size_t at) {
  for (size_t i = at; i-- > 0;) {
    if (campaign->record.rounds[i].decision == SP_STORE_KEEP) {
      return i;
    }
  }
  return at > 0 ? 0 : SP_NO_ROUND;
}

static void judge_round(struct sp_campaign *campaign, size_t at) {
  struct sp_campaign_round *round = &campaign->rounds[at];
  struct sp_verdict_side before, after;
  if (round->parent == SP_NO_ROUND) {
    return;
  }
  const struct sp_campaign_round *parent = &campaign->rounds[round->parent];
  if (parent->counting == 0 || round->counting == 0) {
    return;
  }
  gate(parent, round);
  if (round->reasons.count > 0) {
    return;
  }
  take_side(parent, false, &before);
  take_side(round, false, &after);
  sp_verdict_make(&before, &after, campaign->figure.more_is_better, &round->verdict);
  round->judged = true;
  round->interleaved = are_interleaved(parent, round);
}

/* -- a whole campaign -- */

static int read_slos(struct sp_campaign *out, struct sp_err *err) {
  struct sp_str rest = sp_str_from(out->record.slos);
  int code = SP_OK;
  out->slos = sp_alloc_array(SP_CAMPAIGN_SLOS_MAX, sizeof(*out->slos));
  while (rest.len > 0 && out->slo_count < SP_CAMPAIGN_SLOS_MAX && code == 0) {
    code = sp_slo_parse(sp_str_split(&rest, '\n'), &out->slos[out->slo_count++], err);
  }
  return code;
}

static void tally_predictions(struct sp_campaign *campaign) {
  for (size_t i = 0; i < campaign->record.round_count; i++) {
    const struct sp_campaign_round *round = &campaign->rounds[i];
    if (round->score > SP_SCORE_OPEN && !round->said_afterwards) {
      campaign->predictions++;
      campaign->as_predicted += round->score == SP_SCORE_AS_PREDICTED;
    }
  }
}

int sp_campaign_make(struct sp_store *store, const char *name, struct sp_campaign *out, struct sp_err *err) {
  *out = (struct sp_campaign){ 0 };
  int code = sp_store_campaign_read(store, name, &out->record, err);
  code = code ? code : sp_campaign_figure_parse(out->record.figure, &out->figure, err);
  code = code ? code : read_slos(out, err);
  if (code) {
    return code;
  }
  out->rounds = sp_alloc_array(out->record.round_count + 1, sizeof(*out->rounds));
  for (size_t i = 0; i < out->record.round_count && code == 0; i++) {
    out->rounds[i].record = &out->record.rounds[i];
    out->rounds[i].parent = parent_of(out, i);
    code = make_round(store, out, &out->rounds[i], err);
  }
  for (size_t i = 0; i < out->record.round_count && code == 0; i++) {
    judge_round(out, i);
    sp_campaign_note_round(out, &out->rounds[i]);
  }
  if (code == 0) {
    tally_predictions(out);
    sp_campaign_note_all(out);
  }
  return code;
}

void sp_campaign_fini(struct sp_campaign *campaign) {
  for (size_t i = 0; campaign->rounds && i < campaign->record.round_count; i++) {
    for (size_t k = 0; k < campaign->rounds[i].trial_count; k++) {
      sp_campaign_drop_trial(&campaign->rounds[i].trials[k]);
    }
    free(campaign->rounds[i].trials);
  }
  free(campaign->rounds);
  free(campaign->slos);
  sp_store_campaign_fini(&campaign->record);
  *campaign = (struct sp_campaign){ 0 };
}

/* -- before a trial is taken in -- */

struct check {
  struct sp_store *store;
  const struct sp_campaign_figure *figure;
  struct sp_campaign_trial firsts[2]; /* a round's trials are one thing made several times: the first of each kind */
  bool has[2];
  struct sp_campaign_pool pool;
  struct sp_sentences *uncounted, *unlike;
  struct sp_err *err;
};

static int check_trial(struct check *check, const struct sp_store_trial *trial, bool is_new) {
  struct sp_campaign_trial read;
  int code = sp_campaign_read_trial(check->store, trial, check->figure, NULL, &check->pool, &read, check->err);
  if (code == 0 && is_new && !read.counts) {
    sp_say(check->uncounted, "%s", read.why);
  }
  if (code == 0 && is_new && check->has[trial->kind]) {
    const struct sp_campaign_trial *first = &check->firsts[trial->kind];
    sp_campaign_judge_trials(first, first->id, &read, read.id, check->unlike);
  }
  if (code == 0 && !check->has[trial->kind]) {
    check->has[trial->kind] = true;
    check->firsts[trial->kind] = read;
    return SP_OK;
  }
  sp_campaign_drop_trial(&read);
  return code;
}

/* Of the trials that are in already the first of each kind is enough. */
static int check_all(struct check *check, const struct sp_store_round *now, const struct sp_store_trial *trials, size_t count) {
  int code = SP_OK;
  for (size_t i = 0; now && i < now->trial_count && code == 0; i++) {
    code = check->has[now->trials[i].kind] ? SP_OK : check_trial(check, &now->trials[i], false);
  }
  for (size_t i = 0; i < count && code == 0; i++) {
    code = check_trial(check, &trials[i], true);
  }
  return code;
}

int sp_campaign_check_trials(struct sp_store *store, const char *name, const char *round, const struct sp_store_trial *trials,
                             size_t count, struct sp_sentences *uncounted, struct sp_sentences *unlike, struct sp_err *err) {
  struct sp_store_campaign record;
  struct sp_campaign_figure figure;
  const struct sp_store_round *now = NULL;
  struct check check = { .store = store, .figure = &figure, .pool = { sp_interval_create(), 0 }, .uncounted = uncounted,
                         .unlike = unlike, .err = err };
  int code = sp_store_campaign_read(store, name, &record, err);
  code = code ? code : sp_campaign_figure_parse(record.figure, &figure, err);
  for (size_t i = 0; i < record.round_count; i++) {
    now = strcmp(record.rounds[i].title, round) == 0 ? &record.rounds[i] : now;
  }
  code = code ? code : check_all(&check, now, trials, count);
  for (size_t i = 0; i < 2; i++) {
    if (check.has[i]) {
      sp_campaign_drop_trial(&check.firsts[i]);
    }
  }
  sp_interval_destroy(check.pool.interval);
  sp_store_campaign_fini(&record);
  return code;
}
