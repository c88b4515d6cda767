/*
 * Tuning campaigns in the history: a goal, and rounds of one change each. A round's trials are runs of the history or
 * searches for the capacity, which cleaning up then spares (sp_store_gc). Rounds are added to, never rewritten: what a
 * round has said before stands. Threads and errors: store/store.h.
 */
#ifndef SP_STORE_STORE_CAMPAIGN_H
#define SP_STORE_STORE_CAMPAIGN_H

#include "store/store_capacity.h"

#define SP_CAMPAIGN_ROUNDS_MAX 200u
#define SP_ROUND_TRIALS_MAX 50u
#define SP_ROUND_CHANGES_MAX 200u
#define SP_CAMPAIGN_TEXT_MAX 4000u           /* bytes of each text; a note that is added to may come to more */
#define SP_SNAPSHOT_MAX_BYTES (256u * 1024u) /* of a configuration that is kept */

struct sp_store_change { /* of the configuration; old or new NULL: it was not there */
  const char *component, *key, *old, *new, *source; /* source: "typed", "snapshot" */
};

struct sp_store_trial {
  enum sp_store_trial_kind kind;
  char id[SP_STORE_ID_SIZE];
};

struct sp_store_prediction {
  const char *figure; /* NULL: there is none */
  double low, high;   /* in the figure's unit */
  const char *because;
  int64_t real_ns; /* when it was said */
};

enum sp_store_decision { SP_STORE_OPEN, SP_STORE_KEEP, SP_STORE_REVERT };

struct sp_store_round {
  int64_t no, real_ns;
  const char *title, *hypothesis, *note; /* NULL: nothing was said */
  const char *snapshot;                  /* "KEY=VALUE" lines; NULL: none */
  struct sp_store_prediction prediction;
  enum sp_store_decision decision;
  struct sp_store_change *changes;
  size_t change_count;
  struct sp_store_trial *trials;
  size_t trial_count;
};

struct sp_store_campaign {
  int64_t no, real_ns;
  const char *name, *goal, *figure;
  const char *slos; /* a line each */
  struct sp_store_round *rounds; /* in the order in which they were added */
  size_t round_count;
};

/* SP_EUSAGE where there is one of that name. */
int sp_store_campaign_new(struct sp_store *store, const struct sp_store_campaign *campaign, struct sp_err *err);
/* SP_ENOTFOUND, with the names there are. */
int sp_store_campaign_read(struct sp_store *store, const char *name, struct sp_store_campaign *out, struct sp_err *err);
void sp_store_campaign_fini(struct sp_store_campaign *campaign); /* also of one that could not be read */
/* The newest first; without rounds but for their count. What each gets is borrowed for the call. */
int sp_store_campaign_list(struct sp_store *store, int (*each)(void *ctx, const struct sp_store_campaign *campaign),
                           void *ctx, struct sp_err *err);
/* With its rounds; runs and searches stay. */
int sp_store_campaign_delete(struct sp_store *store, const char *name, struct sp_err *err);

/* Adds what `more` has to the round of that title, which is made where there is none; all or nothing. SP_EUSAGE where
 * it has a hypothesis, prediction or snapshot already, or where a trial is one of this campaign. A decision that is not
 * OPEN replaces the one before; a note goes behind the one before. */
int sp_store_round_add(struct sp_store *store, const char *campaign, const struct sp_store_round *more, struct sp_err *err);

#endif
