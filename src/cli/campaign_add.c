#include "cli/campaign_add.h"

#include "base/clock.h"
#include "base/mem.h"
#include "cli/snapshot.h"
#include "report/campaign.h"
#include "stats/clean.h"

#include <stdlib.h>

struct adding {
  struct sp_store *store;
  const char *campaign;
  const struct sp_options *options;
  struct sp_store_campaign record; /* as it is before */
  struct sp_store_round round;
  struct sp_store_change changes[SP_ROUND_CHANGES_MAX];
  struct sp_store_trial trials[SP_ROUND_TRIALS_MAX];
  struct sp_campaign_forecast forecast;
  struct sp_buf snapshot;
  char *texts[4]; /* that the round borrows */
  size_t text_count;
  struct sp_err *err;
};

/* A text of the user's without control characters, owned by the adding. NULL stays NULL. */
static const char *take_text(struct adding *adding, const char *text) {
  if (!text || !*text) return NULL;
  char *copy = sp_alloc(SP_CAMPAIGN_TEXT_MAX + 1);
  copy[sp_clean_text(copy, SP_CAMPAIGN_TEXT_MAX, sp_str_from(text))] = 0;
  adding->texts[adding->text_count++] = copy;
  return copy;
}

static int check_text(const char *option, const char *text, struct sp_err *err) {
  bool fits = !text || strlen(text) <= SP_CAMPAIGN_TEXT_MAX;
  return fits ? 0 : sp_fail(err, SP_EUSAGE, "--%s: over %u bytes", option, SP_CAMPAIGN_TEXT_MAX);
}

static int take_texts(struct adding *adding) {
  const struct sp_campaign_options *said = &adding->options->campaign;
  int code = check_text("round", said->round, adding->err);
  code = code ? code : check_text("hypothesis", said->hypothesis, adding->err);
  code = code ? code : check_text("note", said->note, adding->err);
  if (code) return code;
  adding->round.title = take_text(adding, said->round);
  adding->round.hypothesis = take_text(adding, said->hypothesis);
  adding->round.note = take_text(adding, said->note);
  adding->round.real_ns = sp_clock_real_ns();
  if (said->decision) adding->round.decision = strcmp(said->decision, "keep") == 0 ? SP_STORE_KEEP : SP_STORE_REVERT;
  return adding->round.title ? 0 : sp_fail(adding->err, SP_EUSAGE, "--round: must be a title");
}

/* -- trials -- */

static int find_trials(struct adding *adding, const char *const *words, size_t count) {
  int code = 0;
  if (count > SP_ROUND_TRIALS_MAX) return sp_fail(adding->err, SP_EUSAGE, "over %u trials", SP_ROUND_TRIALS_MAX);
  for (size_t i = 0; i < count && code == 0; i++) {
    code = sp_store_find_trial(adding->store, words[i], &adding->trials[i].kind, adding->trials[i].id, adding->err);
  }
  adding->round.trials = adding->trials;
  adding->round.trial_count = count;
  return code;
}

static int fail_with(const struct sp_sentences *reasons, const char *round, const char *advice, struct sp_err *err) {
  struct sp_buf text;
  sp_buf_init(&text, SP_ERR_TEXT_MAX - 300);
  for (size_t i = 0; i < reasons->count; i++) sp_buf_printf(&text, "%s%s", i ? "; " : "", reasons->items[i]);
  int code = sp_fail(err, SP_EUSAGE, "round '%.100s' takes no such trial: %s (%s)", round, text.bytes ? text.bytes : "", advice);
  sp_buf_fini(&text);
  return code;
}

static int check_trials(struct adding *adding) {
  struct sp_sentences uncounted = {0}, unlike = {0};
  const struct sp_store_round *round = &adding->round;
  int code = sp_campaign_check_trials(adding->store, adding->campaign, round->title, round->trials, round->trial_count, &uncounted,
                                      &unlike, adding->err);
  if (code) return code;
  if (unlike.count > 0) return fail_with(&unlike, round->title, "a round is one thing made several times", adding->err);
  if (uncounted.count > 0 && !adding->options->campaign.allow_invalid) {
    return fail_with(&uncounted, round->title, "--allow-invalid keeps it in the record, where it counts for nothing", adding->err);
  }
  return 0;
}

/* -- changes -- */

static int take_typed(struct adding *adding) {
  const struct sp_campaign_options *said = &adding->options->campaign;
  int code = 0;
  for (size_t i = 0; i < said->change_count && code == 0; i++) {
    code = sp_change_parse(said->changes[i], &adding->changes[adding->round.change_count], adding->err);
    adding->round.change_count += code == 0;
  }
  return code;
}

/* The snapshot that was taken last before this round; NULL: there is none. */
static const char *snapshot_before(const struct adding *adding) {
  const char *found = NULL;
  for (size_t i = 0; i < adding->record.round_count; i++) {
    const struct sp_store_round *round = &adding->record.rounds[i];
    if (strcmp(round->title, adding->round.title) == 0) break;
    found = round->snapshot ? round->snapshot : found;
  }
  return found;
}

static void take_differences(struct adding *adding, const struct sp_snapshot *now) {
  struct sp_snapshot before;
  struct sp_store_round *round = &adding->round;
  size_t room = SP_ROUND_CHANGES_MAX - SP_CHANGE_OPTIONS_MAX;
  const char *kept = snapshot_before(adding);
  if (!kept) {
    fprintf(stderr, "spate: %zu settings kept; no earlier round has a snapshot that they could differ from\n", now->count);
    return;
  }
  sp_snapshot_read(sp_str_from(kept), &before);
  size_t found = sp_snapshot_diff(&before, now, adding->changes + round->change_count, room);
  round->change_count += found < room ? found : room;
  if (found > room) fprintf(stderr, "spate: %zu differences; the first %zu are kept\n", found, room);
  sp_snapshot_fini(&before);
}

static int take_snapshot(struct adding *adding) {
  struct sp_snapshot now = {0};
  struct sp_buf output;
  if (!adding->options->campaign.snapshot) return 0;
  sp_buf_init(&output, SP_SNAPSHOT_OUTPUT_MAX);
  int code = sp_snapshot_command(adding->options->campaign.snapshot, &output, adding->err);
  code = code ? code : sp_snapshot_parse(sp_buf_str(&output), &now, adding->err);
  if (code == 0) {
    sp_snapshot_print(&now, &adding->snapshot);
    take_differences(adding, &now);
    if (now.left_out > 0) fprintf(stderr, "spate: %zu lines of the snapshot are no setting and were left out\n", now.left_out);
    if (adding->snapshot.len == 0) code = sp_fail(adding->err, SP_ELIMIT, "the snapshot is over %u bytes", SP_SNAPSHOT_MAX_BYTES);
    adding->round.snapshot = adding->snapshot.bytes;
  }
  sp_snapshot_fini(&now);
  sp_buf_fini(&output);
  return code;
}

/* -- the prediction -- */

static int take_prediction(struct adding *adding) {
  const char *text = adding->options->campaign.predict;
  if (!text) return 0;
  if (sp_campaign_forecast_parse(text, adding->record.figure, &adding->forecast, adding->err)) {
    return sp_err_context(adding->err, "--predict");
  }
  adding->round.prediction = (struct sp_store_prediction){.figure = adding->forecast.figure, .low = adding->forecast.low,
      .high = adding->forecast.high, .because = take_text(adding, adding->forecast.because), .real_ns = adding->round.real_ns};
  return 0;
}

/* -- all -- */

static int add(struct adding *adding, const char *const *words, size_t count) {
  int code = take_texts(adding);
  code = code ? code : sp_store_campaign_read(adding->store, adding->campaign, &adding->record, adding->err);
  code = code ? code : find_trials(adding, words, count);
  code = code ? code : take_typed(adding);
  code = code ? code : take_prediction(adding);
  code = code ? code : check_trials(adding);
  code = code ? code : take_snapshot(adding);
  adding->round.changes = adding->changes;
  return code ? code : sp_store_round_add(adding->store, adding->campaign, &adding->round, adding->err);
}

int sp_campaign_add(struct sp_store *store, const char *campaign, const char *const *words, size_t word_count,
                    const struct sp_options *options, struct sp_err *err) {
  struct adding *adding = sp_alloc(sizeof(*adding));
  adding->store = store;
  adding->campaign = campaign;
  adding->options = options;
  adding->err = err;
  sp_buf_init(&adding->snapshot, SP_SNAPSHOT_MAX_BYTES);
  int code = add(adding, words, word_count);
  sp_changes_fini(adding->changes, adding->round.change_count);
  sp_campaign_forecast_fini(&adding->forecast);
  sp_store_campaign_fini(&adding->record);
  sp_buf_fini(&adding->snapshot);
  for (size_t i = 0; i < adding->text_count; i++) free(adding->texts[i]);
  free(adding);
  return code;
}

int sp_campaign_decide(struct sp_store *store, const char *campaign, const char *round, enum sp_store_decision decision,
                       const char *note, struct sp_err *err) {
  struct sp_store_campaign record;
  int code = sp_store_campaign_read(store, campaign, &record, err);
  bool found = false;
  for (size_t i = 0; i < record.round_count; i++) found |= strcmp(record.rounds[i].title, round) == 0;
  sp_store_campaign_fini(&record);
  if (code) return code;
  if (!found) return sp_fail(err, SP_ENOTFOUND, "campaign '%s' has no round '%s'", campaign, round);
  struct sp_store_round more = {.title = round, .note = note, .decision = decision};
  return sp_store_round_add(store, campaign, &more, err);
}
