/*
 * A tuning campaign as it stands: each round's trials, figure, verdict against the round that was kept last before it,
 * and how its prediction came out. Made anew from the history each time, so nothing in it can be out of date.
 *
 * A trial counts where its run is valid, ended by itself, and was steady; its figure is of its longest steady stretch,
 * as in a comparison of two runs (report/comparison.h). A search for the capacity counts where it is valid and has a bound.
 * No verdict is given where trials differ in more than the round's change (report/trial.h).
 */
#ifndef SP_REPORT_CAMPAIGN_H
#define SP_REPORT_CAMPAIGN_H

#include "model/verdict.h"
#include "report/campaign_figure.h"
#include "report/trial.h"
#include "store/store_campaign.h"

#define SP_CAMPAIGN_SLOS_MAX 20u
#define SP_NO_ROUND SIZE_MAX

struct sp_campaign_trial {
  enum sp_store_trial_kind kind;
  char id[SP_STORE_ID_SIZE];
  int64_t real_ns;
  bool counts;
  char why[SP_SENTENCE_SIZE]; /* it does not */
  struct sp_verdict_trial figure, predicted; /* of the campaign's figure, of the prediction's; value NAN: it has none */
  double rps; /* NAN: none */
  char held_by[SP_CULPRIT_MAX]; /* by its diagnosis: "dify-api.cpu"; "": it named nobody */
  struct sp_trial run;
  struct sp_campaign_search { /* of a search for the capacity */
    char plan[SP_SENTENCE_SIZE], plan_hash[24], goal[SP_SENTENCE_SIZE], unit[16];
    double lower, upper, goodput; /* NAN: none */
  } search;
};

enum sp_campaign_score { SP_SCORE_NONE, SP_SCORE_OPEN, SP_SCORE_AS_PREDICTED, SP_SCORE_BELOW, SP_SCORE_ABOVE };
const char *sp_campaign_score_name(enum sp_campaign_score score); /* "", "open", "as predicted", "below", "above" */
const char *sp_campaign_decision_name(enum sp_store_decision decision); /* "open", "keep", "revert" */

struct sp_campaign_round {
  const struct sp_store_round *record; /* borrowed of the campaign's own */
  size_t parent;                       /* index; SP_NO_ROUND: it is the first */
  struct sp_campaign_trial *trials;
  size_t trial_count, counting;
  struct sp_verdict_figure figure;
  double rps, users, in_flight, failed_share; /* over the counting runs together; NAN: none */
  double e2e_mean_ms, e2e_p95_ms;
  double cap_per_s; /* closed loop: what the users could ask for of a target that answers at once; NAN: not known */
  bool at_cap;      /* it made nearly that: what is seen is the workload's, not the target's */
  char held_by[SP_CULPRIT_MAX + 40]; /* what most of the counting trials name: "dify-api.cpu (2 of 3)"; "the users"; "" */
  int slos_met;     /* of the campaign's SLOs, on all counting runs together; -1: none, or nothing to ask */
  struct sp_sentences reasons; /* why it is not comparable with its parent */
  struct sp_sentences notes;
  bool judged;
  struct sp_verdict verdict; /* where judged */
  bool interleaved;
  enum sp_campaign_score score;
  struct sp_verdict_figure came; /* of the predicted figure */
  bool said_afterwards;          /* the prediction: its first trial had begun by then */
};

struct sp_campaign {
  struct sp_store_campaign record;
  struct sp_campaign_figure figure;
  struct sp_slo *slos;
  size_t slo_count;
  struct sp_campaign_round *rounds; /* record.round_count */
  struct sp_sentences notes;
  unsigned predictions, as_predicted; /* that were said before, and have come out */
};

int sp_campaign_make(struct sp_store *store, const char *name, struct sp_campaign *out, struct sp_err *err);
void sp_campaign_fini(struct sp_campaign *campaign); /* also of one that could not be made */

/* For refusals, before trials are taken into a round (which may be new): why one would not count, and why one is not like
 * the others of the round, which are one thing made several times. */
int sp_campaign_check_trials(struct sp_store *store, const char *name, const char *round, const struct sp_store_trial *trials,
                             size_t count, struct sp_sentences *uncounted, struct sp_sentences *unlike, struct sp_err *err);

/* -- for outputs -- */

#define SP_CAMPAIGN_WORDS_SIZE 900
/* "21.5/s", and with its interval "21.5/s (20.9/s to 22.2/s)"; "-" where there is none. Return text. */
char *sp_campaign_value(const struct sp_campaign *campaign, const struct sp_campaign_round *round, bool interval, char *text,
                        size_t size);
/* "better: +43 % (95 %: …) than 'baseline'", "not comparable …", "" for the first round. Returns text. */
char *sp_campaign_verdict(const struct sp_campaign *campaign, const struct sp_campaign_round *round, char *text, size_t size);
/* "predicted 28/s to 34/s, came 30.8/s: as predicted"; "" without one. Returns text. */
char *sp_campaign_prediction(const struct sp_campaign_round *round, char *text, size_t size);
/* "dify-api.cpu: 0.8 -> 1.2". Returns text. */
char *sp_campaign_change(const struct sp_store_change *change, char *text, size_t size);

/* -- outputs: the terminal, Markdown, JSON (spate.campaign/1; the caller frees it) -- */

struct sp_canvas;
/* A table that fits the width; *shown: how many campaigns it has. */
int sp_campaign_put_list(struct sp_store *store, struct sp_canvas *canvas, size_t *shown, struct sp_err *err);
void sp_campaign_put(const struct sp_campaign *campaign, struct sp_canvas *canvas);
void sp_campaign_markdown(const struct sp_campaign *campaign, struct sp_buf *out);
char *sp_campaign_json(const struct sp_campaign *campaign);
/* { "campaigns": [ … ] }, the newest first; NULL: err. */
char *sp_campaign_list_json(struct sp_store *store, struct sp_err *err);

#endif
