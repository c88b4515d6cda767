/* spate.campaign/1: a campaign as a document, for programs and for the page. */
#include "base/check.h"
#include "base/clock.h"
#include "report/campaign.h"
#include "report/json_value.h"

#include <math.h>

static char *dump(json_t *object, size_t flags) {
  char *text = json_dumps(object, flags | JSON_REAL_PRECISION(15));
  SP_CHECK(text != NULL);
  json_decref(object);
  return text;
}

static json_t *moment(int64_t real_ns) {
  char text[SP_RFC3339_SIZE];
  if (real_ns <= 0) {
    return json_null();
  }
  sp_clock_rfc3339(real_ns, text, sizeof(text));
  return sp_doc_text(text);
}

static json_t *flag(int value) { return value < 0 ? json_null() : json_boolean(value); }

static json_t *sentences(const struct sp_sentences *list) {
  json_t *array = json_array();
  for (size_t i = 0; i < list->count; i++) {
    json_array_append_new(array, sp_doc_text(list->items[i]));
  }
  return array;
}

static json_t *lines(const char *text) {
  json_t *array = json_array();
  struct sp_str rest = sp_str_from(text);
  while (rest.len > 0) {
    struct sp_str line = sp_str_split(&rest, '\n');
    json_array_append_new(array, json_stringn(line.bytes, line.len));
  }
  return array;
}

static void set_value(json_t *object, double value, double low, double high) {
  sp_doc_set(object, "value", sp_doc_number(value));
  sp_doc_set(object, "low", sp_doc_number(low));
  sp_doc_set(object, "high", sp_doc_number(high));
}

static json_t *changes(const struct sp_store_round *round) {
  json_t *array = json_array();
  char text[SP_CAMPAIGN_WORDS_SIZE];
  for (size_t i = 0; i < round->change_count; i++) {
    const struct sp_store_change *change = &round->changes[i];
    json_t *object = json_object();
    sp_doc_set(object, "component", sp_doc_text(change->component));
    sp_doc_set(object, "key", sp_doc_text(change->key));
    sp_doc_set(object, "old", sp_doc_text(change->old));
    sp_doc_set(object, "new", sp_doc_text(change->new));
    sp_doc_set(object, "source", sp_doc_text(change->source));
    sp_doc_set(object, "text", sp_doc_text(sp_campaign_change(change, text, sizeof(text))));
    json_array_append_new(array, object);
  }
  return array;
}

static json_t *trials(const struct sp_campaign_round *round) {
  json_t *array = json_array();
  for (size_t i = 0; i < round->trial_count; i++) {
    const struct sp_campaign_trial *trial = &round->trials[i];
    bool search = trial->kind == SP_STORE_TRIAL_CAPACITY;
    json_t *object = json_object();
    sp_doc_set(object, "id", sp_doc_text(trial->id));
    sp_doc_set(object, "kind", sp_doc_text(search ? "capacity" : "run"));
    sp_doc_set(object, "started", moment(trial->real_ns));
    sp_doc_set(object, "counts", json_boolean(trial->counts));
    sp_doc_set(object, "why", trial->counts ? json_null() : sp_doc_text(trial->why));
    set_value(object, trial->figure.value, trial->figure.low, trial->figure.high);
    sp_doc_set(object, "rps", sp_doc_number(trial->rps));
    sp_doc_set(object, "lower", sp_doc_number(trial->search.lower));
    sp_doc_set(object, "upper", sp_doc_number(trial->search.upper));
    sp_doc_set(object, "goodput_at_lower", sp_doc_number(trial->search.goodput));
    sp_doc_set(object, "held_by", sp_doc_filled(trial->held_by));
    sp_doc_set(object, "unit", search ? sp_doc_text(trial->search.unit) : json_null());
    json_array_append_new(array, object);
  }
  return array;
}

static json_t *prediction(const struct sp_campaign_round *round) {
  const struct sp_store_prediction *said = &round->record->prediction;
  char text[SP_CAMPAIGN_WORDS_SIZE];
  if (!said->figure) {
    return json_null();
  }
  json_t *object = json_object();
  sp_doc_set(object, "figure", sp_doc_text(said->figure));
  sp_doc_set(object, "low", sp_doc_number(said->low));
  sp_doc_set(object, "high", sp_doc_number(said->high));
  sp_doc_set(object, "because", sp_doc_text(said->because));
  sp_doc_set(object, "said", moment(said->real_ns));
  sp_doc_set(object, "afterwards", json_boolean(round->said_afterwards));
  sp_doc_set(object, "came", round->score > SP_SCORE_OPEN ? sp_doc_number(round->came.value) : json_null());
  sp_doc_set(object, "score", sp_doc_text(sp_campaign_score_name(round->score)));
  sp_doc_set(object, "text", sp_doc_text(sp_campaign_prediction(round, text, sizeof(text))));
  return object;
}

static json_t *verdict(const struct sp_campaign *campaign, const struct sp_campaign_round *round) {
  const struct sp_verdict *judged = &round->verdict;
  char text[SP_CAMPAIGN_WORDS_SIZE];
  if (round->parent == SP_NO_ROUND) {
    return json_null();
  }
  json_t *object = json_object();
  sp_doc_set(object, "kind", round->judged ? sp_doc_text(sp_verdict_name(judged->kind)) : json_null());
  sp_doc_set(object, "text", sp_doc_text(sp_campaign_verdict(campaign, round, text, sizeof(text))));
  sp_doc_set(object, "reasons", sentences(&round->reasons));
  if (round->judged) {
    sp_doc_set(object, "tested", json_boolean(judged->tested));
    sp_doc_set(object, "interleaved", json_boolean(round->interleaved));
    sp_doc_set(object, "delta", sp_doc_number(judged->ratio - 1));
    sp_doc_set(object, "low", sp_doc_number(judged->low - 1));
    sp_doc_set(object, "high", sp_doc_number(judged->high - 1));
    sp_doc_set(object, "n", json_pack("[i, i]", (int)judged->before, (int)judged->after));
    sp_doc_set(object, "p", sp_doc_number(judged->p));
    sp_doc_set(object, "p_least", sp_doc_number(judged->p_least));
    sp_doc_set(object, "spread", sp_doc_number(judged->spread));
    sp_doc_set(object, "least_change", sp_doc_number(judged->least_change));
  }
  return object;
}

static json_t *figures(const struct sp_campaign *campaign, const struct sp_campaign_round *round) {
  char text[SP_CAMPAIGN_WORDS_SIZE];
  json_t *object = json_object();
  set_value(object, round->figure.value, round->figure.low, round->figure.high);
  sp_doc_set(object, "text", sp_doc_text(sp_campaign_value(campaign, round, true, text, sizeof(text))));
  sp_doc_set(object, "rps", sp_doc_number(round->rps));
  sp_doc_set(object, "failed_share", sp_doc_number(round->failed_share));
  sp_doc_set(object, "e2e_mean", sp_doc_number(round->e2e_mean_ms));
  sp_doc_set(object, "e2e_p95", sp_doc_number(round->e2e_p95_ms));
  sp_doc_set(object, "users", sp_doc_number(round->users));
  sp_doc_set(object, "in_flight", sp_doc_number(round->in_flight));
  sp_doc_set(object, "cap_per_s", sp_doc_number(round->cap_per_s));
  sp_doc_set(object, "slos_met", flag(round->slos_met));
  return object;
}

static json_t *round_of(const struct sp_campaign *campaign, const struct sp_campaign_round *round) {
  const struct sp_store_round *record = round->record;
  bool first = round->parent == SP_NO_ROUND;
  json_t *object = json_object();
  sp_doc_set(object, "title", sp_doc_text(record->title));
  sp_doc_set(object, "parent", first ? json_null() : sp_doc_text(campaign->rounds[round->parent].record->title));
  sp_doc_set(object, "added", moment(record->real_ns));
  sp_doc_set(object, "hypothesis", sp_doc_text(record->hypothesis));
  sp_doc_set(object, "changes", changes(record));
  sp_doc_set(object, "snapshot", record->snapshot ? lines(record->snapshot) : json_null());
  sp_doc_set(object, "trials", trials(round));
  sp_doc_set(object, "counting", sp_doc_whole(round->counting));
  sp_doc_set(object, "figure", figures(campaign, round));
  sp_doc_set(object, "held_by", sp_doc_filled(round->held_by));
  sp_doc_set(object, "verdict", verdict(campaign, round));
  sp_doc_set(object, "prediction", prediction(round));
  sp_doc_set(object, "decision", sp_doc_text(sp_campaign_decision_name(record->decision)));
  sp_doc_set(object, "noted", lines(record->note));
  sp_doc_set(object, "notes", sentences(&round->notes));
  return object;
}

char *sp_campaign_json(const struct sp_campaign *campaign) {
  const struct sp_store_campaign *record = &campaign->record;
  json_t *object = json_object(), *rounds = json_array();
  for (size_t i = 0; i < record->round_count; i++) {
    json_array_append_new(rounds, round_of(campaign, &campaign->rounds[i]));
  }
  sp_doc_set(object, "schema", sp_doc_text("spate.campaign/1"));
  sp_doc_set(object, "version", sp_doc_text(SP_VERSION));
  sp_doc_set(object, "name", sp_doc_text(record->name));
  sp_doc_set(object, "goal", sp_doc_text(record->goal));
  sp_doc_set(object, "began", moment(record->real_ns));
  sp_doc_set(object, "slos", lines(record->slos));
  sp_doc_set(object, "figure", sp_doc_text(record->figure));
  sp_doc_set(object, "more_is_better", json_boolean(campaign->figure.more_is_better));
  sp_doc_set(object, "rounds", rounds);
  sp_doc_set(object, "predictions", json_pack("{s:i, s:i}", "scored", (int)campaign->predictions, "as_predicted",
                                              (int)campaign->as_predicted));
  sp_doc_set(object, "notes", sentences(&campaign->notes));
  return dump(object, JSON_INDENT(2));
}

/* -- the list -- */

static int add_campaign(void *ctx, const struct sp_store_campaign *campaign) {
  json_t *object = json_object();
  sp_doc_set(object, "name", sp_doc_text(campaign->name));
  sp_doc_set(object, "goal", sp_doc_text(campaign->goal));
  sp_doc_set(object, "began", moment(campaign->real_ns));
  sp_doc_set(object, "slos", lines(campaign->slos));
  sp_doc_set(object, "figure", sp_doc_text(campaign->figure));
  sp_doc_set(object, "rounds", sp_doc_whole(campaign->round_count));
  json_array_append_new(ctx, object);
  return SP_OK;
}

char *sp_campaign_list_json(struct sp_store *store, struct sp_err *err) {
  json_t *list = json_array();
  if (sp_store_campaign_list(store, add_campaign, list, err)) {
    json_decref(list);
    return NULL;
  }
  json_t *object = json_object();
  sp_doc_set(object, "campaigns", list);
  return dump(object, JSON_COMPACT);
}
