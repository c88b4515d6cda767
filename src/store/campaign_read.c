/* A campaign as it is read: everything is copied, so that nothing depends on the file any more. */
#include "store/db.h"
#include "store/store_campaign.h"

#include "base/buf.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

#define NAMES_SHOWN 5

/* NULL stays NULL. */
static const char *copy(struct sp_query *row, int column) {
  return sp_column_is_null(row, column) ? NULL : sp_strdup(sp_column_text(row, column));
}

static void drop(const char *text) { free((char *)(uintptr_t)text); }

/* -- campaigns -- */

#define CAMPAIGN_COLUMNS "no, real_ns, name, goal, slos, figure"

static int fail_unknown(struct sp_store *store, const char *name, struct sp_err *err) {
  struct sp_query rows;
  struct sp_buf names;
  sp_buf_init(&names, SP_ERR_TEXT_MAX / 2);
  int shown = 0;
  int code = sp_query_open(&rows, store, "SELECT name FROM campaigns ORDER BY real_ns DESC, no DESC", err);
  while (code == 0 && shown < NAMES_SHOWN && sp_query_next(&rows)) {
    sp_buf_printf(&names, "%s'%s'", shown++ ? ", " : "", sp_column_text(&rows, 0));
  }
  code = code ? code : sp_query_close(&rows, "read", err);
  if (code == 0) {
    code = sp_fail(err, SP_ENOTFOUND, "there is no campaign '%s' (%s%s)", name, shown ? "there are: " : "there is none yet: ",
                   shown ? names.bytes : "'spate campaign new NAME --goal TEXT' begins one");
  }
  sp_buf_fini(&names);
  return code;
}

static int read_campaign(struct sp_store *store, const char *name, struct sp_store_campaign *out, struct sp_err *err) {
  struct sp_query row;
  int code = sp_query_open(&row, store, "SELECT " CAMPAIGN_COLUMNS " FROM campaigns WHERE name = ?", err);
  if (code) {
    return code;
  }
  sp_query_text(&row, name);
  bool found = sp_query_next(&row);
  if (found) {
    *out = (struct sp_store_campaign){ .no = sp_column_int(&row, 0), .real_ns = sp_column_int(&row, 1), .name = copy(&row, 2),
                                       .goal = copy(&row, 3), .slos = copy(&row, 4), .figure = copy(&row, 5) };
  }
  code = sp_query_close(&row, "read", err);
  return code || found ? code : fail_unknown(store, name, err);
}

int sp_store_campaign_list(struct sp_store *store, int (*each)(void *ctx, const struct sp_store_campaign *campaign),
                           void *ctx, struct sp_err *err) {
  struct sp_query rows;
  int given = 0;
  int code = sp_query_open(&rows, store,
                           "SELECT " CAMPAIGN_COLUMNS ", (SELECT count(*) FROM rounds WHERE campaign = campaigns.no)"
                           " FROM campaigns ORDER BY real_ns DESC, no DESC",
                           err);
  if (code) {
    return code;
  }
  while (given == 0 && sp_query_next(&rows)) {
    struct sp_store_campaign campaign = { .no = sp_column_int(&rows, 0), .real_ns = sp_column_int(&rows, 1),
                                          .name = sp_column_text(&rows, 2), .goal = sp_column_text(&rows, 3),
                                          .slos = sp_column_text(&rows, 4), .figure = sp_column_text(&rows, 5),
                                          .round_count = (size_t)sp_column_int(&rows, 6) };
    given = each(ctx, &campaign);
  }
  code = sp_query_close(&rows, "read", given ? NULL : err);
  return given ? given : code;
}

/* -- rounds -- */

static int read_changes(struct sp_store *store, struct sp_store_round *round, struct sp_err *err) {
  struct sp_query rows;
  int code = sp_query_open(
    &rows, store, "SELECT component, key, old, new, source FROM round_changes WHERE round = ? ORDER BY position", err);
  if (code) {
    return code;
  }
  round->changes = sp_alloc_array(SP_ROUND_CHANGES_MAX, sizeof(*round->changes));
  sp_query_int(&rows, round->no);
  while (round->change_count < SP_ROUND_CHANGES_MAX && sp_query_next(&rows)) {
    round->changes[round->change_count++] = (struct sp_store_change){ copy(&rows, 0), copy(&rows, 1), copy(&rows, 2),
                                                                      copy(&rows, 3), copy(&rows, 4) };
  }
  return sp_query_close(&rows, "read", err);
}

static int read_trials(struct sp_store *store, struct sp_store_round *round, struct sp_err *err) {
  struct sp_query rows;
  int code = sp_query_open(&rows, store, "SELECT kind, id FROM round_trials WHERE round = ? ORDER BY position", err);
  if (code) {
    return code;
  }
  round->trials = sp_alloc_array(SP_ROUND_TRIALS_MAX, sizeof(*round->trials));
  sp_query_int(&rows, round->no);
  while (round->trial_count < SP_ROUND_TRIALS_MAX && sp_query_next(&rows)) {
    struct sp_store_trial *trial = &round->trials[round->trial_count++];
    trial->kind = sp_column_int(&rows, 0) == SP_STORE_TRIAL_CAPACITY ? SP_STORE_TRIAL_CAPACITY : SP_STORE_TRIAL_RUN;
    snprintf(trial->id, sizeof(trial->id), "%s", sp_column_text(&rows, 1));
  }
  return sp_query_close(&rows, "read", err);
}

static enum sp_store_decision decision_of(int64_t number) {
  return number == SP_STORE_KEEP ? SP_STORE_KEEP : number == SP_STORE_REVERT ? SP_STORE_REVERT : SP_STORE_OPEN;
}

static void read_round(struct sp_query *row, struct sp_store_round *out) {
  *out = (struct sp_store_round){ .no = sp_column_int(row, 0),
                                  .real_ns = sp_column_int(row, 1),
                                  .title = copy(row, 2),
                                  .hypothesis = copy(row, 3),
                                  .note = copy(row, 4),
                                  .snapshot = copy(row, 5),
                                  .prediction = { .figure = copy(row, 6),
                                                  .low = sp_column_real(row, 7),
                                                  .high = sp_column_real(row, 8),
                                                  .because = copy(row, 9),
                                                  .real_ns = sp_column_int(row, 10) },
                                  .decision = decision_of(sp_column_int(row, 11)) };
}

static int read_rounds(struct sp_store *store, struct sp_store_campaign *campaign, struct sp_err *err) {
  struct sp_query rows;
  int code = sp_query_open(&rows, store,
                           "SELECT no, real_ns, title, hypothesis, note, snapshot, predicted, predicted_low,"
                           " predicted_high, because, predicted_ns, decision FROM rounds WHERE campaign = ? ORDER BY no",
                           err);
  if (code) {
    return code;
  }
  campaign->rounds = sp_alloc_array(SP_CAMPAIGN_ROUNDS_MAX, sizeof(*campaign->rounds));
  sp_query_int(&rows, campaign->no);
  while (campaign->round_count < SP_CAMPAIGN_ROUNDS_MAX && sp_query_next(&rows)) {
    read_round(&rows, &campaign->rounds[campaign->round_count++]);
  }
  code = sp_query_close(&rows, "read", err);
  for (size_t i = 0; i < campaign->round_count && code == 0; i++) {
    code = read_changes(store, &campaign->rounds[i], err);
    code = code ? code : read_trials(store, &campaign->rounds[i], err);
  }
  return code;
}

int sp_store_campaign_read(struct sp_store *store, const char *name, struct sp_store_campaign *out, struct sp_err *err) {
  *out = (struct sp_store_campaign){ 0 };
  int code = read_campaign(store, name, out, err);
  return code ? code : read_rounds(store, out, err);
}

static void drop_round(struct sp_store_round *round) {
  const char *const texts[] = { round->title, round->hypothesis, round->note, round->snapshot, round->prediction.figure,
                                round->prediction.because };
  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    drop(texts[i]);
  }
  for (size_t i = 0; i < round->change_count; i++) {
    const struct sp_store_change *change = &round->changes[i];
    const char *const parts[] = { change->component, change->key, change->old, change->new, change->source };
    for (size_t k = 0; k < sizeof(parts) / sizeof(parts[0]); k++) {
      drop(parts[k]);
    }
  }
  free(round->changes);
  free(round->trials);
}

void sp_store_campaign_fini(struct sp_store_campaign *campaign) {
  drop(campaign->name);
  drop(campaign->goal);
  drop(campaign->slos);
  drop(campaign->figure);
  for (size_t i = 0; i < campaign->round_count; i++) {
    drop_round(&campaign->rounds[i]);
  }
  free(campaign->rounds);
  *campaign = (struct sp_store_campaign){ 0 };
}
