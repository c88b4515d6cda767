/* Campaigns and rounds as they are written. */
#include "store/db.h"
#include "store/store_campaign.h"

#include "base/clock.h"

int sp_store_campaign_new(struct sp_store *store, const struct sp_store_campaign *campaign, struct sp_err *err) {
  struct sp_query insert;
  int code = sp_query_open(&insert, store,
                           "INSERT INTO campaigns (name, real_ns, goal, slos, figure) VALUES (?, ?, ?, ?, ?)", err);
  if (code) {
    return code;
  }
  sp_query_text(&insert, campaign->name);
  sp_query_int(&insert, campaign->real_ns);
  sp_query_text(&insert, campaign->goal);
  sp_query_text(&insert, campaign->slos);
  sp_query_text(&insert, campaign->figure);
  sp_query_next(&insert);
  if (sqlite3_extended_errcode(store->db) == SQLITE_CONSTRAINT_UNIQUE) {
    sqlite3_finalize(insert.stmt);
    return sp_fail(err, SP_EUSAGE, "there is a campaign '%s' already: 'spate campaign show' lists them", campaign->name);
  }
  return sp_query_close(&insert, "write", err);
}

int sp_store_campaign_delete(struct sp_store *store, const char *name, struct sp_err *err) {
  struct sp_query query;
  int code = sp_query_open(&query, store, "DELETE FROM campaigns WHERE name = ?", err);
  if (code) {
    return code;
  }
  sp_query_text(&query, name);
  sp_query_next(&query);
  code = sp_query_close(&query, "write", err);
  if (code == 0 && sqlite3_changes(store->db) == 0) {
    struct sp_store_campaign none;
    code = sp_store_campaign_read(store, name, &none, err); /* says which there are */
    sp_store_campaign_fini(&none);
  }
  return code;
}

/* -- a round, in one transaction -- */

struct adding {
  struct sp_store *store;
  const struct sp_store_round *more;
  struct sp_store_campaign now;
  const struct sp_store_round *before; /* the round as it was; NULL: it is new */
  struct sp_err *err;
};

static int check_once(struct adding *adding, const char *what, const void *was, const void *is) {
  if (!was || !is) {
    return SP_OK;
  }
  return sp_fail(adding->err, SP_EUSAGE, "round '%s' has a %s already: what was said stays; a new round can say another",
                 adding->more->title, what);
}

static int check_trials(struct adding *adding) {
  const struct sp_store_round *more = adding->more;
  for (size_t i = 0; i < more->trial_count; i++) {
    for (size_t r = 0; r < adding->now.round_count; r++) {
      const struct sp_store_round *round = &adding->now.rounds[r];
      for (size_t k = 0; k < round->trial_count; k++) {
        if (strcmp(round->trials[k].id, more->trials[i].id) == 0) {
          return sp_fail(adding->err, SP_EUSAGE, "%s is a trial of round '%s' already", more->trials[i].id, round->title);
        }
      }
    }
    for (size_t k = 0; k < i; k++) {
      if (strcmp(more->trials[k].id, more->trials[i].id) == 0) {
        return sp_fail(adding->err, SP_EUSAGE, "%s is there twice", more->trials[i].id);
      }
    }
  }
  size_t trials = more->trial_count + (adding->before ? adding->before->trial_count : 0);
  return trials <= SP_ROUND_TRIALS_MAX ? SP_OK : sp_fail(adding->err, SP_ELIMIT, "over %u trials", SP_ROUND_TRIALS_MAX);
}

static int check_all(struct adding *adding) {
  static const struct sp_store_round nothing;
  const struct sp_store_round *more = adding->more, *before = adding->before ? adding->before : &nothing;
  int code = check_once(adding, "hypothesis", before->hypothesis, more->hypothesis);
  code = code ? code : check_once(adding, "prediction", before->prediction.figure, more->prediction.figure);
  code = code ? code : check_once(adding, "snapshot", before->snapshot, more->snapshot);
  code = code ? code : check_trials(adding);
  if (code == 0 && !adding->before && adding->now.round_count >= SP_CAMPAIGN_ROUNDS_MAX) {
    code = sp_fail(adding->err, SP_ELIMIT, "over %u rounds", SP_CAMPAIGN_ROUNDS_MAX);
  }
  if (code == 0 && before->change_count + more->change_count > SP_ROUND_CHANGES_MAX) {
    code = sp_fail(adding->err, SP_ELIMIT, "over %u changes in one round", SP_ROUND_CHANGES_MAX);
  }
  return code;
}

static int insert_round(struct adding *adding, int64_t *no) {
  struct sp_query insert;
  int code = sp_query_open(&insert, adding->store,
                           "INSERT INTO rounds (campaign, title, real_ns, decision) VALUES (?, ?, ?, 0)", adding->err);
  if (code) {
    return code;
  }
  sp_query_int(&insert, adding->now.no);
  sp_query_text(&insert, adding->more->title);
  sp_query_int(&insert, adding->more->real_ns);
  sp_query_next(&insert);
  *no = sqlite3_last_insert_rowid(adding->store->db);
  return sp_query_close(&insert, "write", adding->err);
}

static int update_round(struct adding *adding, int64_t no) {
  const struct sp_store_round *more = adding->more;
  const struct sp_store_prediction *prediction = &more->prediction;
  struct sp_query update;
  int code = sp_query_open(&update, adding->store,
                           "UPDATE rounds SET hypothesis = ifnull(hypothesis, ?1), snapshot = ifnull(snapshot, ?2),"
                           " note = CASE WHEN note IS NULL OR ?3 IS NULL THEN ifnull(note, ?3)"
                           " ELSE note || char(10) || ?3 END,"
                           " decision = CASE ?4 WHEN 0 THEN decision ELSE ?4 END,"
                           " predicted_low = CASE WHEN predicted IS NULL THEN ?6 ELSE predicted_low END,"
                           " predicted_high = CASE WHEN predicted IS NULL THEN ?7 ELSE predicted_high END,"
                           " because = CASE WHEN predicted IS NULL THEN ?8 ELSE because END,"
                           " predicted_ns = CASE WHEN predicted IS NULL THEN ?9 ELSE predicted_ns END,"
                           " predicted = ifnull(predicted, ?5) WHERE no = ?10",
                           adding->err);
  if (code) {
    return code;
  }
  sp_query_text(&update, more->hypothesis);
  sp_query_text(&update, more->snapshot);
  sp_query_text(&update, more->note);
  sp_query_int(&update, more->decision);
  sp_query_text(&update, prediction->figure);
  sp_query_real(&update, prediction->low);
  sp_query_real(&update, prediction->high);
  sp_query_text(&update, prediction->because);
  sp_query_int(&update, prediction->real_ns);
  sp_query_int(&update, no);
  sp_query_next(&update);
  return sp_query_close(&update, "write", adding->err);
}

static int insert_changes(struct adding *adding, int64_t no) {
  const struct sp_store_round *more = adding->more;
  size_t before = adding->before ? adding->before->change_count : 0;
  struct sp_query insert;
  int code = sp_query_open(&insert, adding->store, "INSERT INTO round_changes VALUES (?, ?, ?, ?, ?, ?, ?)", adding->err);
  for (size_t i = 0; i < more->change_count && code == 0; i++) {
    const struct sp_store_change *change = &more->changes[i];
    const char *const texts[] = { change->component, change->key, change->old, change->new, change->source };
    sp_query_again(&insert);
    sp_query_int(&insert, no);
    sp_query_int(&insert, (int64_t)(before + i));
    for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++) {
      sp_query_text(&insert, texts[k]);
    }
    sp_query_next(&insert);
    code = insert.code == SQLITE_DONE ? SP_OK : sp_db_fail(adding->store, "write", adding->err);
  }
  sqlite3_finalize(insert.stmt);
  return code;
}

static int insert_trials(struct adding *adding, int64_t no) {
  const struct sp_store_round *more = adding->more;
  size_t before = adding->before ? adding->before->trial_count : 0;
  struct sp_query insert;
  int code = sp_query_open(&insert, adding->store, "INSERT INTO round_trials VALUES (?, ?, ?, ?)", adding->err);
  for (size_t i = 0; i < more->trial_count && code == 0; i++) {
    sp_query_again(&insert);
    sp_query_int(&insert, no);
    sp_query_int(&insert, (int64_t)(before + i));
    sp_query_int(&insert, more->trials[i].kind);
    sp_query_text(&insert, more->trials[i].id);
    sp_query_next(&insert);
    code = insert.code == SQLITE_DONE ? SP_OK : sp_db_fail(adding->store, "write", adding->err);
  }
  sqlite3_finalize(insert.stmt);
  return code;
}

static int add_all(struct adding *adding, const char *campaign) {
  int64_t no = 0;
  int code = sp_store_campaign_read(adding->store, campaign, &adding->now, adding->err);
  for (size_t r = 0; r < adding->now.round_count; r++) {
    if (strcmp(adding->now.rounds[r].title, adding->more->title) == 0) {
      adding->before = &adding->now.rounds[r];
      no = adding->before->no;
    }
  }
  code = code ? code : check_all(adding);
  if (code == 0 && !adding->before) {
    code = insert_round(adding, &no);
  }
  code = code ? code : update_round(adding, no);
  code = code ? code : insert_changes(adding, no);
  return code ? code : insert_trials(adding, no);
}

int sp_store_round_add(struct sp_store *store, const char *campaign, const struct sp_store_round *more,
                       struct sp_err *err) {
  struct adding adding = { .store = store, .more = more, .err = err };
  int code = sp_db_begin(store, err);
  code = code ? code : sp_db_end(store, add_all(&adding, campaign), err);
  sp_store_campaign_fini(&adding.now);
  return code;
}
